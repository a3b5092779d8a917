//! Packets as JSON in the shapes of tshark's `-T json`, `-T jsonraw` and `-T ek` (lines for Elasticsearch's bulk interface).

use crate::shape::{Item, Role, Shape};
use crate::spell::{Place, push_hex};
use std::fmt::Write as _;
use wirelore_kit::{Kind, Value};

/// Which parts of a packet are written, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pick {
    /// Only what is directly inside these protocols and fields (`-j`, `-J`); empty: all.
    pub only: Vec<String>,
    /// And all that is inside that (`-J`).
    pub whole: bool,
    /// Keys that would stand twice become one with a list.
    pub no_duplicates: bool,
    /// Beside each value its bytes, offset, length, bit mask and type.
    pub raw: bool,
    /// Only those.
    pub raw_only: bool,
}

impl Pick {
    /// Whether what is inside an item is written; `within` one of which all is.
    #[must_use]
    pub fn opens(&self, item: &Item<'_>, within: bool) -> bool {
        within || self.only.is_empty() || self.only.iter().any(|o| o == item.name)
    }

    /// Whether all that is inside an item is written that is opened.
    #[must_use]
    pub fn opens_all(&self) -> bool {
        self.whole || self.only.is_empty()
    }
}

/// Writes text as a JSON string.
pub fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if (c as u32) < 0x20 => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

/// `packets-2017-08-03`, by the frame's time.
fn index(ns: i64) -> String {
    let day = if ns == i64::MIN { String::new() } else { crate::time::utc(ns) };
    format!("packets-{}", day.get(..10).unwrap_or("unknown"))
}

fn indent(out: &mut String, levels: usize) {
    out.push('\n');
    for _ in 0..levels {
        out.push_str("  ");
    }
}

/// What stands around the layers of a packet; `time` is the frame's.
fn envelope(out: &mut String, time: i64, inside: impl FnOnce(&mut String)) {
    out.push_str("  {\n    \"_index\": ");
    quoted(out, &index(time));
    out.push_str(",\n    \"_type\": \"doc\",\n    \"_score\": null,\n    \"_source\": {\n      \"layers\": ");
    inside(out);
    out.push_str("\n    }\n  }");
}

/// One packet as an element of `-T json`'s list, without the comma.
pub fn packet(out: &mut String, shape: &Shape<'_>, time: i64, pick: &Pick) {
    envelope(out, time, |out| object(out, shape, None, pick, false, 3));
}

/// One packet with chosen fields only (`-T json -e`).
pub fn chosen(out: &mut String, fields: &[(String, Vec<String>)], time: i64) {
    envelope(out, time, |out| {
        out.push('{');
        let mut first = true;
        for (name, values) in fields.iter().filter(|(_, v)| !v.is_empty()) {
            comma(out, &mut first);
            indent(out, 4);
            quoted(out, name);
            out.push_str(": [");
            let mut first = true;
            for v in values {
                comma(out, &mut first);
                indent(out, 5);
                quoted(out, v);
            }
            indent(out, 4);
            out.push(']');
        }
        indent(out, 3);
        out.push('}');
    });
}

fn comma(out: &mut String, first: &mut bool) {
    if !std::mem::replace(first, false) {
        out.push(',');
    }
}

/// The members of one object: what is directly inside `of`, if that is wanted.
fn object(out: &mut String, shape: &Shape<'_>, of: Option<usize>, pick: &Pick, within: bool, level: usize) {
    out.push('{');
    let mut first = true;
    if let Some(item) = of.and_then(|i| shape.items.get(i)).filter(|item| !pick.opens(item, within)) {
        indent(out, level.saturating_add(1));
        out.push_str("\"filtered\": ");
        quoted(out, item.name);
        indent(out, level);
        out.push('}');
        return;
    }
    let within = of.is_some() && pick.opens_all();
    let taken: Vec<usize> = shape.inside(of).collect();
    let mut written: Vec<&str> = Vec::new();
    for i in &taken {
        let Some(item) = shape.items.get(*i) else { continue };
        if pick.no_duplicates && written.contains(&item.name) {
            continue;
        }
        written.push(item.name);
        let same: Vec<usize> = if pick.no_duplicates {
            taken.iter().copied().filter(|j| shape.items.get(*j).is_some_and(|o| o.name == item.name)).collect()
        } else {
            vec![*i]
        };
        members(out, shape, (item, &same), pick, within, level, &mut first);
    }
    if !first {
        indent(out, level);
    }
    out.push('}');
}

/// The keys of a field: its raw form, its value, its tree. `same` are all items that share them.
fn members(
    out: &mut String,
    shape: &Shape<'_>,
    (item, same): (&Item<'_>, &[usize]),
    pick: &Pick,
    within: bool,
    level: usize,
    first: &mut bool,
) {
    let list = same.len() > 1;
    let mut key = |out: &mut String, suffix: &str| {
        comma(out, first);
        indent(out, level.saturating_add(1));
        quoted(out, &format!("{}{suffix}", item.name));
        out.push_str(": ");
    };
    if item.name == "frame" && pick.raw {
        key(out, "_raw");
        raw(out, item, shape.bytes, level);
    } else if pick.raw {
        key(out, "_raw");
        each(out, shape, same, list, level, |out, _, item, level| raw(out, item, item.bytes, level));
    }
    let has_children = |i: &usize| shape.inside(Some(*i)).next().is_some();
    let children = same.iter().any(has_children);
    let valued = item.role == Role::Field;
    if valued && !pick.raw_only {
        key(out, "");
        each(out, shape, same, list, level, |out, _, item, _| quoted(out, &item.show(Place::Tree)));
    }
    if children || !valued {
        key(out, if valued { "_tree" } else { "" });
        each(out, shape, same, list, level, |out, i, _, level| object(out, shape, Some(i), pick, within, level));
    }
}

fn each(
    out: &mut String,
    shape: &Shape<'_>,
    same: &[usize],
    list: bool,
    level: usize,
    mut write: impl FnMut(&mut String, usize, &Item<'_>, usize),
) {
    if list {
        out.push('[');
    }
    let mut first = true;
    for i in same {
        let Some(item) = shape.items.get(*i) else { continue };
        if list {
            comma(out, &mut first);
            indent(out, level.saturating_add(2));
        }
        write(out, *i, item, level.saturating_add(if list { 2 } else { 1 }));
    }
    if list {
        indent(out, level.saturating_add(1));
        out.push(']');
    }
}

/// `[bytes, offset, length, bit mask, type]`.
fn raw(out: &mut String, item: &Item<'_>, bytes: &[u8], level: usize) {
    out.push('[');
    indent(out, level.saturating_add(2));
    out.push('"');
    bytes.iter().for_each(|b| push_hex(out, *b));
    out.push('"');
    for n in [item.at, u64::from(item.len), 0, field_type(item)] {
        out.push(',');
        indent(out, level.saturating_add(2));
        let _ = write!(out, "{n}");
    }
    indent(out, level.saturating_add(1));
    out.push(']');
}

/// The number of the field's type in Wireshark's `ftenum`.
fn field_type(item: &Item<'_>) -> u64 {
    if item.role == Role::Protocol {
        return 1;
    }
    match item.field.kind {
        Kind::Group if matches!(&*item.value, Value::Span) && item.role == Role::Heading => 0,
        Kind::Group | Kind::Bytes => 30,
        Kind::Bool => 2,
        Kind::Dec | Kind::Hex => match item.len {
            0..=1 => 4,
            2 => 5,
            3 => 6,
            4 => 7,
            _ => 11,
        },
        Kind::Signed => 15,
        Kind::Text => 26,
        Kind::Ipv4 => 32,
        Kind::Ipv6 => 33,
        Kind::Mac => 29,
        Kind::Duration => 25,
        Kind::Time => 24,
    }
}

/// Two lines for Elasticsearch: where to put the packet, and the packet.
pub fn bulk(out: &mut String, shape: &Shape<'_>, time: i64, pick: &Pick) {
    bulk_head(out, time);
    let mut first = true;
    out.push('{');
    for p in shape.inside(None) {
        let Some(protocol) = shape.items.get(p) else { continue };
        comma(out, &mut first);
        quoted(out, &protocol.name.replace('.', "_"));
        out.push_str(":{");
        if !pick.opens(protocol, false) {
            out.push_str("\"filtered\":");
            quoted(out, protocol.name);
            out.push('}');
            continue;
        }
        let inside = shape.items.get(p.saturating_add(1)..protocol.end as usize).unwrap_or(&[]);
        let mut keys: Vec<(&str, Vec<&Item<'_>>)> = Vec::new();
        for item in inside.iter().filter(|i| i.role == Role::Field && (i.depth == 1 || pick.opens(i, pick.opens_all()))) {
            match keys.iter_mut().find(|(name, _)| *name == item.name) {
                Some((_, items)) => items.push(item),
                None => keys.push((item.name, vec![item])),
            }
        }
        let mut first = true;
        for (name, items) in keys {
            comma(out, &mut first);
            quoted(out, &format!("{}_{}", protocol.name, name).replace('.', "_"));
            out.push(':');
            let list = items.len() > 1;
            if list {
                out.push('[');
            }
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                bulk_value(out, item);
            }
            if list {
                out.push(']');
            }
        }
        out.push('}');
    }
    out.push_str("}}\n");
}

/// The same with chosen fields only (`-T ek -e`).
pub fn bulk_chosen(out: &mut String, fields: &[(String, Vec<String>)], time: i64) {
    bulk_head(out, time);
    out.push('{');
    let mut first = true;
    for (name, values) in fields.iter().filter(|(_, v)| !v.is_empty()) {
        comma(out, &mut first);
        quoted(out, &name.replace('.', "_"));
        out.push_str(":[");
        for (i, v) in values.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            quoted(out, v);
        }
        out.push(']');
    }
    out.push_str("}}\n");
}

fn bulk_head(out: &mut String, time: i64) {
    out.push_str("{\"index\":{\"_index\":");
    quoted(out, &index(time));
    let _ = write!(out, ",\"_type\":\"doc\"}}}}\n{{\"timestamp\":\"{}\",\"layers\":", time.div_euclid(1_000_000));
}

fn bulk_value(out: &mut String, item: &Item<'_>) {
    match (item.field.kind, &*item.value) {
        (Kind::Bool, Value::Bool(b)) => out.push_str(if *b { "true" } else { "false" }),
        (Kind::Bool, Value::U64(n)) => out.push_str(if *n != 0 { "true" } else { "false" }),
        (Kind::Time, Value::I64(ns)) if item.name != "frame.time_epoch" => quoted(out, &crate::time::iso_nanos(*ns)),
        _ => quoted(out, &item.show(Place::Tree)),
    }
}
