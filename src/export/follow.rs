//! A conversation's bytes as `follow` prints them in tshark: who sent what, as text, hex dump, raw hex or YAML.

use crate::spell::push_hex;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;
use wirelore_kit::row::Endpoint;

/// How the bytes are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As text; what cannot be printed as points.
    Ascii,
    /// As a hex dump.
    Hex,
    /// As hexadecimal digits, a line for each piece.
    Raw,
    /// As YAML, with packet and time of each piece.
    Yaml,
}

impl Form {
    /// By its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Form> {
        match name {
            "ascii" | "utf-8" => Some(Form::Ascii),
            "hex" => Some(Form::Hex),
            "raw" => Some(Form::Raw),
            "yaml" => Some(Form::Yaml),
            _ => None,
        }
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Form::Ascii => "ascii",
            Form::Hex => "hex",
            Form::Raw => "raw",
            Form::Yaml => "yaml",
        }
    }
}

/// Something that one side sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Piece {
    /// Node 1 sent it.
    pub second: bool,
    /// The packet that completed it, counted from 0.
    pub packet: u32,
    /// Its time, nanoseconds since 1970-01-01 UTC.
    pub time: i64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What stands before the pieces: `what` was asked for, `filter` selects it, `nodes` speak, the sender of the first packet before the other.
pub fn head(out: &mut String, what: &str, form: Form, filter: &str, nodes: [Endpoint; 2]) {
    if form == Form::Yaml {
        out.push_str("peers:\n");
        for (i, n) in nodes.iter().enumerate() {
            let _ = writeln!(out, "  - peer: {i}\n    host: {}\n    port: {}", n.ip, n.port);
        }
        out.push_str("packets:\n");
        return;
    }
    let _ = writeln!(out, "\n{RULE}\nFollow: {what},{}\nFilter: {filter}", form.name());
    for (i, n) in nodes.iter().enumerate() {
        let _ = writeln!(out, "Node {i}: {n}");
    }
}

const RULE: &str = "===================================================================";

/// What stands behind them.
pub fn foot(out: &mut String, form: Form) {
    if form != Form::Yaml {
        let _ = writeln!(out, "{RULE}");
    }
}

/// Writes pieces.
#[derive(Debug, Clone)]
pub struct Writer {
    form: Form,
    /// Bytes of each side so far.
    at: [usize; 2],
}

impl Writer {
    /// Nothing is written yet.
    #[must_use]
    pub const fn new(form: Form) -> Writer {
        Writer { form, at: [0, 0] }
    }

    /// One piece.
    pub fn piece(&mut self, out: &mut String, p: &Piece) {
        let tab = if p.second { "\t" } else { "" };
        match self.form {
            Form::Ascii => {
                let _ = writeln!(out, "{tab}{}", p.bytes.len());
                out.extend(
                    p.bytes.iter().map(|b| if matches!(b, b' '..=b'~' | b'\n' | b'\r' | b'\t') { char::from(*b) } else { '.' }),
                );
                out.push('\n');
            }
            Form::Hex => {
                let Some(at) = self.at.get_mut(usize::from(p.second)) else { return };
                for row in p.bytes.chunks(16) {
                    out.push_str(tab);
                    dump(out, *at, row);
                    *at = at.saturating_add(row.len());
                }
            }
            Form::Raw => {
                out.push_str(tab);
                p.bytes.iter().for_each(|b| push_hex(out, *b));
                out.push('\n');
            }
            Form::Yaml => {
                let time = crate::time::seconds(p.time);
                let number = u64::from(p.packet) + 1;
                let _ = writeln!(
                    out,
                    "  - packet: {number}\n    peer: {}\n    timestamp: {time}\n    data: !!binary |",
                    u8::from(p.second)
                );
                let text = STANDARD.encode(&p.bytes);
                for line in text.as_bytes().chunks(76) {
                    let _ = writeln!(out, "      {}", String::from_utf8_lossy(line));
                }
            }
        }
    }
}

/// Offset, up to sixteen bytes and their characters, each in two halves.
fn dump(out: &mut String, at: usize, row: &[u8]) {
    let _ = write!(out, "{at:08X}  ");
    for i in 0..16 {
        match row.get(i) {
            Some(b) => {
                push_hex(out, *b);
                out.push(' ');
            }
            None => out.push_str("   "),
        }
        if i == 7 {
            out.push(' ');
        }
    }
    out.push(' ');
    for (i, b) in row.iter().enumerate() {
        if i == 8 {
            out.push(' ');
        }
        out.push(if matches!(b, b' '..=b'~') { char::from(*b) } else { '.' });
    }
    out.truncate(out.trim_end_matches(' ').len());
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_written_as_tshark_does() {
        let p = Piece { second: true, packet: 6, time: 1_500_000_000_000_000_001, bytes: b"HTTP/1.1 200 OK\r\n\0".to_vec() };
        let written = |form| {
            let mut out = String::new();
            Writer::new(form).piece(&mut out, &p);
            out
        };
        assert_eq!(written(Form::Ascii), "\t18\nHTTP/1.1 200 OK\r\n.\n");
        assert_eq!(
            written(Form::Hex),
            "\t00000000  48 54 54 50 2f 31 2e 31  20 32 30 30 20 4f 4b 0d  HTTP/1.1  200 OK.\n\
             \t00000010  0a 00                                             ..\n"
        );
        assert_eq!(written(Form::Raw), "\t485454502f312e3120323030204f4b0d0a00\n");
        assert!(written(Form::Yaml).contains("    timestamp: 1500000000.000000001\n    data: !!binary |\n      SFRUUC8"));
    }
}
