//! Holds the explanations of every protocol against its fields and notes: an entry for each, in full, and none that speaks of nothing.

use std::collections::BTreeSet;
use wirelore_dissectors::TABLE;
use wirelore_kit::Explanations;

#[test]
fn every_field_and_note_is_explained_and_no_prose_is_orphaned() {
    let mut wrong = Vec::new();
    for spec in TABLE {
        let fields: BTreeSet<&str> = spec.fields.iter().map(|f| f.name).collect();
        let notes: BTreeSet<&str> = spec.notes.iter().map(|n| n.name).collect();
        if fields.len() != spec.fields.len() || notes.len() != spec.notes.len() {
            wrong.push(format!("{}: two fields or two notes have one name", spec.name));
        }
        for (language, text) in spec.explain {
            let of = format!("{} ({language})", spec.name);
            let prose = match Explanations::parse(text) {
                Ok(p) => p,
                Err(e) => {
                    wrong.push(format!("{of}: {e}"));
                    continue;
                }
            };
            wrong.extend(fields.iter().filter(|f| !prose.field.contains_key(**f)).map(|f| format!("{of}: nothing is said of {f}")));
            wrong.extend(notes.iter().filter(|n| !prose.note.contains_key(**n)).map(|n| format!("{of}: nothing is said of {n}")));
            wrong.extend(prose.field.keys().filter(|f| !fields.contains(f.as_str())).map(|f| format!("{of}: there is no field {f}")));
            wrong.extend(prose.note.keys().filter(|n| !notes.contains(n.as_str())).map(|n| format!("{of}: there is no note {n}")));
            for (name, p) in &prose.field {
                if [&p.what, &p.why, &p.watch].iter().any(|t| t.is_empty()) {
                    wrong.push(format!("{of}: {name} needs what, why and watch"));
                }
            }
            wrong.extend(prose.note.iter().filter(|(_, p)| p.cause.is_empty() || p.cure.is_empty()).map(|(n, _)| format!("{of}: {n} needs cause and cure")));
        }
        if !spec.explain.iter().any(|(language, _)| *language == "en") {
            wrong.push(format!("{}: no English prose", spec.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
