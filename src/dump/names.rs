//! The names that `-e` takes: those of fields, protocols and columns; for the rest, what was probably meant.

use super::bulk::exchange;
use super::wrong;
use crate::names::{fields, registry};
use crate::reading::Failure;
use std::collections::BTreeSet;
use wirelore_dissectors::{TABLE, layers};
use wirelore_export::{frame, shape};

/// The columns of the list, by the names that Wireshark has had for them.
pub(super) const COLUMNS: &[(&str, usize)] = &[
    ("_ws.col.No.", 0),
    ("_ws.col.number", 0),
    ("_ws.col.Time", 1),
    ("_ws.col.cls_time", 1),
    ("_ws.col.Source", 2),
    ("_ws.col.def_src", 2),
    ("_ws.col.Destination", 3),
    ("_ws.col.def_dst", 3),
    ("_ws.col.Protocol", 4),
    ("_ws.col.protocol", 4),
    ("_ws.col.Length", 5),
    ("_ws.col.packet_length", 5),
    ("_ws.col.Info", 6),
    ("_ws.col.info", 6),
];

/// Their titles.
pub(super) const TITLES: [&str; 7] = ["No.", "Time", "Source", "Destination", "Protocol", "Length", "Info"];

/// The column of that name.
pub(crate) fn column(name: &str) -> Option<usize> {
    COLUMNS.iter().find(|(n, _)| *n == name).map(|(_, c)| *c)
}

/// Every name of a field or protocol.
fn all() -> BTreeSet<&'static str> {
    let all = fields().chain(frame::FIELDS.iter().copied());
    let mut names: BTreeSet<&str> = all.flat_map(|f| [f.name, shape::name_of(f)]).collect();
    names.extend(shape::aliases().map(|(alias, _)| alias));
    names.extend(shape::option_names());
    names.extend(TABLE.iter().map(|s| s.name).chain(layers::LAYERS.iter().map(|l| l.name)));
    names
}

/// Checks what a flag (`-e`) was given.
///
/// # Errors
/// The names that are not known, each with those that come near.
pub(crate) fn check(flag: &str, asked: &[String]) -> Result<(), Failure> {
    let names = all();
    let mut unknown = Vec::new();
    for name in asked.iter().filter(|n| column(n).is_none() && exchange(n).is_none() && !names.contains(n.as_str())) {
        let near = registry().nearest(name);
        let hint = if near.is_empty() { String::new() } else { format!(" (did you mean {}?)", near.join(", ")) };
        unknown.push(format!("{name}{hint}"));
    }
    if unknown.is_empty() {
        return Ok(());
    }
    Err(wrong(format!("{flag}: no field is called {}. `wirelore fields` lists all.", unknown.join(", nor "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_are_refused_with_those_that_come_near() {
        check("-e", &["ip.addr".into(), "tcp.options.mss".into(), "_ws.col.Info".into(), "frame.time_epoch".into()])
            .expect("known");
        let failure = check("-e", &["http.request.metod".into(), "nonsense".into()]).expect_err("unknown");
        assert!(failure.text.contains("http.request.method"), "{}", failure.text);
        assert!(failure.text.contains("nor nonsense"), "{}", failure.text);
    }
}
