//! Plain text: a line for a packet or message, a tree, a hex dump.

use std::fmt::Write as _;
use wirelore_kit::row::{MessageState, NONE};
use wirelore_kit::{Buffer, Dir, Kind, PacketLine, Tree, Value, value};
use wirelore_store::Snapshot;

/// A packet's line as tshark writes it.
#[must_use]
pub fn packet_line(number: u32, time: &str, wire_len: u32, line: &PacketLine) -> String {
    format!(
        "{:>5} {:>12} {:>15} → {:<15} {} {} {}",
        u64::from(number) + 1,
        time,
        line.source,
        line.destination,
        line.protocol,
        wire_len,
        line.info
    )
}

/// A message's line: packet that completed it, time, ends, direction, protocol, size, summary, and how it ended if not well.
#[must_use]
pub fn message_line(s: &Snapshot, id: u32, time: &str) -> String {
    let Some(m) = s.message(id) else { return String::new() };
    let (client, server) =
        s.flow(m.conv.flow).map_or((String::new(), String::new()), |f| (f.client().to_string(), f.server().to_string()));
    let arrow = if m.dir == Dir::ToServer { "→" } else { "←" };
    let frame = if m.done == NONE { m.first } else { m.done };
    let mut line = format!(
        "{:>5} {:>12} {client} {arrow} {server} {} {} {}",
        u64::from(frame) + 1,
        time,
        s.schema().protocol_label(m.protocol),
        m.len,
        s.summary(id)
    );
    match m.state {
        MessageState::Whole => {}
        MessageState::Open => line.push_str(" [still open]"),
        MessageState::Cut => line.push_str(" [cut]"),
        MessageState::Bad => line.push_str(" [broken]"),
    }
    line
}

/// A tree, a line for each field: label, value, name, where its bytes are.
#[must_use]
pub fn tree(t: &Tree) -> String {
    tree_of(t, &[])
}

/// The same, with what is inside only of these protocols; of none of them stands for all.
#[must_use]
pub fn tree_of(t: &Tree, protocols: &[String]) -> String {
    let mut out = String::new();
    let mut open = true;
    for n in &t.nodes {
        if n.depth == 0 && !protocols.is_empty() {
            open = protocols.iter().any(|p| p == n.field.name || p == crate::shape::protocol_of(crate::shape::name_of(n.field)));
        }
        if n.depth > 0 && !open {
            continue;
        }
        let indent = "    ".repeat(usize::from(n.depth));
        let shown = t.display(n);
        let sep = if shown.is_empty() { "" } else { ": " };
        // Writing to a String cannot fail.
        let _ = write!(out, "{indent}{}{sep}{shown}", n.field.label);
        if n.field.kind != Kind::Group || !matches!(n.value, Value::Span) {
            let _ = write!(out, "  ({})", n.field.name);
        }
        out.push('\n');
    }
    for n in &t.notes {
        let _ = writeln!(out, "! {} ({}, bytes {}–{})", n.what.label, n.what.name, n.at.at, n.at.end());
    }
    out
}

/// A buffer as offset, sixteen bytes and their ASCII.
#[must_use]
pub fn hex(b: &Buffer) -> String {
    let mut out = String::new();
    for (i, row) in b.bytes.chunks(16).enumerate() {
        let _ = write!(out, "{:08x}  ", b.base.saturating_add(i as u64 * 16));
        for j in 0..16 {
            match row.get(j) {
                Some(x) => {
                    let _ = write!(out, "{x:02x} ");
                }
                None => out.push_str("   "),
            }
            if j == 7 {
                out.push(' ');
            }
        }
        out.push(' ');
        out.extend(row.iter().map(|x| if x.is_ascii_graphic() || *x == b' ' { *x as char } else { '.' }));
        out.push('\n');
    }
    out
}

/// Bytes as text on one line, made safe for a terminal.
#[must_use]
pub fn safe(bytes: &[u8]) -> String {
    let mut s = String::new();
    let _ = value::write_text(&mut s, bytes);
    s
}
