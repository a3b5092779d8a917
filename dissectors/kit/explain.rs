//! Explanations: prose for fields, values and notes, kept as data beside each protocol, one TOML file a language.
//!
//! ```toml
//! [field."dns.id"]
//! what = "A number that ties the answer to its question."
//! why = "Several questions may be under way at once."
//! watch = "Answers whose number nobody asked for."
//! [field."dns.id".values]
//! "0" = "mDNS always sends 0."
//! [note."dns.note.loop"]
//! cause = "..."
//! cure = "..."
//! ```

use serde::Deserialize;
use std::collections::BTreeMap;

/// Prose by language for the fields and notes of the kit itself.
pub static COMMON: &[(&str, &str)] = &[("en", include_str!("explain.en.toml"))];

/// What is said of a field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldProse {
    /// One sentence: what it is.
    #[serde(default)]
    pub what: String,
    /// Why it is there.
    #[serde(default)]
    pub why: String,
    /// What to look out for.
    #[serde(default)]
    pub watch: String,
    /// What to try.
    #[serde(default)]
    pub r#try: String,
    /// A line for single values.
    #[serde(default)]
    pub values: BTreeMap<String, String>,
}

/// What is said of a note.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoteProse {
    /// Why this happens.
    #[serde(default)]
    pub cause: String,
    /// What to do about it.
    #[serde(default)]
    pub cure: String,
}

/// One language's prose, of one protocol or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explanations {
    /// By field name.
    #[serde(default)]
    pub field: BTreeMap<String, FieldProse>,
    /// By note name.
    #[serde(default)]
    pub note: BTreeMap<String, NoteProse>,
}

impl Explanations {
    /// Reads one file.
    ///
    /// # Errors
    /// The TOML error with its line and column.
    pub fn parse(text: &str) -> Result<Explanations, String> {
        toml::from_str(text).map_err(|e| e.to_string())
    }

    /// Adds another's entries; the later one wins.
    pub fn join(&mut self, other: Explanations) {
        self.field.extend(other.field);
        self.note.extend(other.note);
    }
}
