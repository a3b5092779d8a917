//! Packets as XML: PDML, every field with its place, and PSML, the columns of the list, as tshark writes them.

use crate::frame::Frame;
use crate::json::Pick;
use crate::shape::{Item, Role, Shape};
use crate::spell::{Place, push_hex};
use std::fmt::Write as _;

/// Text for an attribute or element. Characters that XML 1.0 cannot hold, even as references, become replacement characters.
pub fn escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#x27;"),
            // Readers turn bare ones in attributes into spaces.
            '\n' => out.push_str("&#xa;"),
            '\r' => out.push_str("&#xd;"),
            '\t' => out.push_str("&#x9;"),
            c if (c as u32) < 0x20 || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
}

fn attribute(out: &mut String, name: &str, value: &str) {
    let _ = write!(out, " {name}=\"");
    escaped(out, value);
    out.push('"');
}

/// What stands before the packets of PDML.
#[must_use]
pub fn head(creator: &str, file: &str) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<pdml version=\"0\"");
    attribute(&mut out, "creator", creator);
    attribute(&mut out, "capture_file", file);
    out.push_str(">\n");
    out
}

/// What stands behind them.
pub const FOOT: &str = "</pdml>\n";

/// One packet with all its fields.
pub fn packet(out: &mut String, shape: &Shape<'_>, frame: &Frame, pick: &Pick) {
    out.push_str("<packet>\n");
    general(out, frame);
    for p in shape.inside(None) {
        let Some(item) = shape.items.get(p) else { continue };
        out.push_str("  <proto");
        attribute(out, "name", item.name);
        attribute(out, "showname", &item.title());
        let _ = write!(out, " size=\"{}\" pos=\"{}\">", item.len, item.at);
        out.push('\n');
        inside(out, shape, p, pick, false, 2);
        out.push_str("  </proto>\n");
    }
    out.push_str("</packet>\n\n");
}

/// One packet with chosen fields only (`-T pdml -e`).
pub fn chosen(out: &mut String, fields: &[(String, Vec<String>)], frame: &Frame) {
    out.push_str("<packet>\n");
    general(out, frame);
    for (name, values) in fields {
        for v in values {
            out.push_str("  <field");
            attribute(out, "name", name);
            attribute(out, "value", v);
            out.push_str("/>\n");
        }
    }
    out.push_str("</packet>\n\n");
}

/// The section that every packet of a PDML file begins with.
fn general(out: &mut String, f: &Frame) {
    let size = f.cap_len;
    let _ = writeln!(out, "  <proto name=\"geninfo\" pos=\"0\" showname=\"General information\" size=\"{size}\">");
    let number = u64::from(f.number) + 1;
    let (time, epoch) = if f.time == i64::MIN {
        (String::new(), String::new())
    } else {
        (crate::time::long(f.time), crate::time::seconds(f.time))
    };
    for (name, show, label, value) in [
        ("num", number.to_string(), "Number", format!("{number:x}")),
        ("len", f.len.to_string(), "Frame Length", format!("{:x}", f.len)),
        ("caplen", f.cap_len.to_string(), "Captured Length", format!("{:x}", f.cap_len)),
        ("timestamp", time, "Captured Time", epoch),
    ] {
        let _ = writeln!(
            out,
            "    <field name=\"{name}\" pos=\"0\" show=\"{show}\" showname=\"{label}\" value=\"{value}\" size=\"{size}\"/>"
        );
    }
    out.push_str("  </proto>\n");
}

/// What is inside an item, if that is wanted.
fn inside(out: &mut String, shape: &Shape<'_>, of: usize, pick: &Pick, within: bool, level: usize) {
    let space = "  ".repeat(level);
    if let Some(item) = shape.items.get(of).filter(|item| !pick.opens(item, within)) {
        let _ = write!(out, "{space}<field name=\"filtered\"");
        attribute(out, "value", item.name);
        out.push_str("/>\n");
        return;
    }
    for i in shape.inside(Some(of)) {
        let Some(item) = shape.items.get(i) else { continue };
        let _ = write!(out, "{space}<field");
        attributes(out, item);
        if shape.inside(Some(i)).next().is_none() {
            out.push_str("/>\n");
            continue;
        }
        out.push_str(">\n");
        inside(out, shape, i, pick, pick.opens_all(), level.saturating_add(1));
        let _ = writeln!(out, "{space}</field>");
    }
}

fn attributes(out: &mut String, item: &Item<'_>) {
    attribute(out, "name", item.name);
    attribute(out, "showname", &item.title());
    if item.hidden {
        out.push_str(" hide=\"yes\"");
    }
    let _ = write!(out, " size=\"{}\" pos=\"{}\"", item.len, item.at);
    attribute(out, "show", &if item.role == Role::Field { item.show(Place::Tree) } else { String::new() });
    if !item.bytes.is_empty() {
        out.push_str(" value=\"");
        item.bytes.iter().for_each(|b| push_hex(out, *b));
        out.push('"');
    }
}

/// What stands before the packets of PSML.
#[must_use]
pub fn summary_head(creator: &str, columns: &[&str]) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<psml version=\"0\"");
    attribute(&mut out, "creator", creator);
    out.push_str(">\n<structure>\n");
    sections(&mut out, columns.iter().copied());
    out.push_str("</structure>\n\n");
    out
}

/// What stands behind them.
pub const SUMMARY_FOOT: &str = "</psml>\n";

/// The columns of one packet.
pub fn summary<'c>(out: &mut String, columns: impl Iterator<Item = &'c str>) {
    out.push_str("<packet>\n");
    sections(out, columns);
    out.push_str("</packet>\n\n");
}

fn sections<'c>(out: &mut String, columns: impl Iterator<Item = &'c str>) {
    for c in columns {
        out.push_str("<section>");
        escaped(out, c);
        out.push_str("</section>\n");
    }
}
