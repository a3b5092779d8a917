//! Where we differ from tshark on purpose: lists in TOML, each entry with its reason.

use super::root;
use std::collections::BTreeSet;

/// One entry.
pub struct Exception {
    /// The beginning of our field's name.
    pub field: String,
    /// A part of the capture's name.
    pub capture: String,
    /// Frame numbers counted from 1; none: all frames.
    packets: Vec<i64>,
    /// Holds only where tshark gives no value.
    theirs_empty: bool,
    /// Holds only where we give no value.
    ours_empty: bool,
}

impl Exception {
    /// Whether it says that these may differ; `packet` counts from 0.
    pub fn holds(&self, field: &str, capture: &str, packet: u32, ours: &[String], theirs: &[String]) -> bool {
        field.starts_with(&self.field)
            && capture.contains(&self.capture)
            && (self.packets.is_empty() || self.packets.contains(&(i64::from(packet) + 1)))
            && (!self.theirs_empty || theirs.is_empty())
            && (!self.ours_empty || ours.is_empty())
    }
}

/// Those that nothing needed; `used` holds the places of the others in the list.
pub fn idle(list: &[Exception], used: &BTreeSet<usize>) -> Vec<String> {
    let unused = list.iter().enumerate().filter(|(i, _)| !used.contains(i));
    unused.map(|(_, e)| format!("{} in {}", e.field, e.capture)).collect()
}

/// The list of that name in `tests`.
pub fn read(file: &str) -> Vec<Exception> {
    let path = root().join("tests").join(file);
    let table: toml::Table = std::fs::read_to_string(&path).expect("the exceptions").parse().expect("exceptions in TOML");
    let list = table.get("exception").and_then(toml::Value::as_array).cloned().unwrap_or_default();
    list.iter()
        .map(|e| {
            let text = |key| e.get(key).and_then(toml::Value::as_str).unwrap_or_default().to_owned();
            let flag = |key| e.get(key).and_then(toml::Value::as_bool).unwrap_or_default();
            assert!(text("reason").len() > 20, "an exception needs a reason: {e}");
            let packets =
                e.get("packets").and_then(toml::Value::as_array).into_iter().flatten().filter_map(toml::Value::as_integer);
            Exception {
                field: text("field"),
                capture: text("capture"),
                packets: packets.collect(),
                theirs_empty: flag("theirs_empty"),
                ours_empty: flag("ours_empty"),
            }
        })
        .collect()
}
