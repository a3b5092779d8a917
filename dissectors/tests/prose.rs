//! Holds the explanations of all protocols of the table against their fields and notes: an entry for each, in full, and none that speaks of nothing.

use std::collections::{BTreeMap, BTreeSet};
use wirelore_dissectors::{TABLE, layers};
use wirelore_kit::{Explanations, Kind};

#[test]
fn every_field_and_note_is_explained_and_no_prose_is_orphaned() {
    let mut wrong = BTreeSet::new();
    let all = || TABLE.iter().map(|s| (s.name, s.fields, s.notes, s.explain));
    let fields: BTreeSet<&str> = all().flat_map(|p| p.1).map(|f| f.name).collect();
    let notes: BTreeSet<&str> = all().flat_map(|p| p.2).map(|n| n.name).collect();
    let mut prose: BTreeMap<&str, Explanations> = BTreeMap::new();
    for (name, _, _, explain) in all() {
        if !explain.iter().any(|(language, _)| *language == "en") {
            wrong.insert(format!("{name}: no English prose"));
        }
        for (language, text) in explain {
            match Explanations::parse(text) {
                Ok(p) => prose.entry(language).or_default().join(p),
                Err(e) => {
                    wrong.insert(format!("{name} ({language}): {e}"));
                }
            }
        }
    }
    for (language, prose) in &prose {
        wrong.extend(
            prose.field.keys().filter(|f| !fields.contains(f.as_str())).map(|f| format!("{language}: there is no field {f}")),
        );
        wrong.extend(
            prose.note.keys().filter(|n| !notes.contains(n.as_str())).map(|n| format!("{language}: there is no note {n}")),
        );
        // Other languages may lag behind; the window then shows English.
        if *language == "en" {
            wrong.extend(fields.iter().filter(|f| !prose.field.contains_key(**f)).map(|f| format!("nothing is said of {f}")));
            wrong.extend(notes.iter().filter(|n| !prose.note.contains_key(**n)).map(|n| format!("nothing is said of {n}")));
        }
        for (name, p) in &prose.field {
            if p.what.is_empty() {
                wrong.insert(format!("{language}: {name} needs at least what it is"));
            }
        }
        let deep = prose.field.values().filter(|p| !p.why.is_empty() && !p.watch.is_empty()).count();
        println!(
            "{language}: {} fields explained, {deep} of them in depth (why, watch); {} notes",
            prose.field.len(),
            prose.note.len()
        );
        wrong.extend(
            prose
                .note
                .iter()
                .filter(|(_, p)| p.cause.is_empty() || p.cure.is_empty())
                .map(|(n, _)| format!("{language}: {n} needs cause and cure")),
        );
    }
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "{} faults:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn one_name_means_one_field() {
    let mut seen: BTreeMap<&str, (&str, Kind)> = BTreeMap::new();
    let lists = TABLE.iter().map(|s| (s.name, s.fields)).chain(layers::LAYERS.iter().map(|l| (l.name, l.fields)));
    for (name, fields) in lists {
        let own: BTreeSet<&str> = fields.iter().map(|f| f.name).collect();
        assert_eq!(own.len(), fields.len(), "{name} lists a field twice");
        for f in fields {
            let (other, kind) = *seen.entry(f.name).or_insert((name, f.kind));
            assert_eq!(kind, f.kind, "{} is one kind in {other} and another in {name}", f.name);
        }
    }
}
