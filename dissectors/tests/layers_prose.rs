//! Every field and note of the layers is explained, nothing else is, and every field says where it is defined.

use std::collections::BTreeSet;
use wirelore_dissectors::layers::{ALIASES, LAYERS};
use wirelore_kit::{Explanations, Kind};

fn prose() -> Explanations {
    let mut all = Explanations::default();
    for (language, text) in LAYERS.iter().flat_map(|l| l.explain) {
        assert_eq!(*language, "en");
        let one = Explanations::parse(text).expect("a file of prose is TOML");
        for name in one.field.keys() {
            assert!(!all.field.contains_key(name), "{name} is explained twice");
        }
        all.join(one);
    }
    all
}

#[test]
fn every_field_and_note_is_explained_and_nothing_else() {
    let all = prose();
    let fields: BTreeSet<&str> = LAYERS.iter().flat_map(|l| l.fields).map(|f| f.name).collect();
    let notes: BTreeSet<&str> = LAYERS.iter().flat_map(|l| l.notes).map(|n| n.name).collect();
    let missing: Vec<&&str> = fields.iter().filter(|n| all.field.get(**n).is_none_or(|p| p.what.is_empty())).collect();
    assert!(missing.is_empty(), "fields without prose: {missing:?}");
    let orphans: Vec<&String> = all.field.keys().filter(|n| !fields.contains(n.as_str())).collect();
    assert!(orphans.is_empty(), "prose without a field: {orphans:?}");
    let missing: Vec<&&str> =
        notes.iter().filter(|n| all.note.get(**n).is_none_or(|p| p.cause.is_empty() || p.cure.is_empty())).collect();
    assert!(missing.is_empty(), "notes without cause or cure: {missing:?}");
    let orphans: Vec<&String> = all.note.keys().filter(|n| !notes.contains(n.as_str())).collect();
    assert!(orphans.is_empty(), "prose without a note: {orphans:?}");
}

#[test]
fn every_field_is_defined_once_and_says_where() {
    let mut seen = BTreeSet::new();
    for f in LAYERS.iter().flat_map(|l| l.fields) {
        assert!(seen.insert(f.name), "{} is defined twice", f.name);
        assert!(!f.rfc.is_empty(), "{} does not say where it is defined", f.name);
        assert!(!f.label.is_empty(), "{} has no label", f.name);
        assert!(
            f.values.is_empty() || matches!(f.kind, Kind::Dec | Kind::Hex | Kind::Bool),
            "{} names values of no number",
            f.name
        );
    }
    for (alias, of) in ALIASES {
        assert!(!seen.contains(alias), "{alias} is a field");
        assert!(of.iter().all(|n| seen.contains(n)), "{alias} stands for an unknown field");
    }
}

#[test]
fn every_verdict_of_the_analysis_has_a_field() {
    let known: BTreeSet<&str> = LAYERS.iter().flat_map(|l| l.fields).map(|f| f.name).collect();
    for v in wirelore_kit::verdict::ALL {
        assert!(known.contains(v.name), "the verdict {} has no field", v.name);
    }
}
