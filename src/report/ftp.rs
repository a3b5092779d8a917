//! The lists `ftp` (what each packet of a control connection says first, as other tools list it) and `ftp_data` (each data connection).

use super::{Cx, List, hex};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use wirelore_engine::conversation::{InnerBytes, Message};
use wirelore_kit::{Cell, ConvId, Dir, Hint, note};

/// A message of a control connection: its direction, where it stands, and its packets.
struct Said {
    dir: Dir,
    at: u64,
    end: u64,
    first: u32,
    done: u32,
}

/// Gathers the list `ftp`.
#[derive(Default)]
pub struct Control {
    said: HashMap<(Dir, u64), Said>,
    /// The stream of the flow at hand, once it is known to be a control connection inside of TLS.
    inside: Vec<Value>,
    entries: Vec<Value>,
}

impl List for Control {
    fn hears(&self, protocol: &str) -> bool {
        protocol == "ftp"
    }

    fn message(&mut self, m: &Message<'_>) {
        if m.spec.name == "ftp" && m.conv.inner == 0 {
            let end = m.at.saturating_add(m.len);
            let said = Said { dir: m.dir, at: m.at, end, first: m.first.number, done: m.done.number };
            self.said.insert((m.dir, m.at), said);
        }
    }

    fn body(&mut self, b: &InnerBytes<'_>) {
        if matches!(b.hint, Hint::Proto("ftp")) {
            self.inside.extend(entry(b.key.1, b.bytes));
        }
    }

    fn splits(&self, protocol: &str) -> bool {
        protocol == "ftp"
    }

    fn segment(&mut self, cx: &Cx<'_>, dir: Dir, at: u64, bytes: &[u8]) {
        // Behind AUTH the bytes are no longer FTP's.
        let Some(said) = self.said.values().find(|s| s.dir == dir && (s.at..s.end).contains(&at)) else { return };
        let frame = if said.at == at { said.first } else { said.done };
        if let Some(mut e) = entry(dir, bytes) {
            e["frame"] = json!(u64::from(frame).saturating_add(1));
            e["stream"] = json!(cx.flow.stream);
            self.entries.push(e);
        }
    }

    fn flow_end(&mut self, cx: &Cx<'_>) {
        self.said.clear();
        for mut e in self.inside.drain(..) {
            e["stream"] = json!(cx.flow.stream);
            self.entries.push(e);
        }
    }

    fn finish(self: Box<Self>, report: &mut Map<String, Value>) {
        report.insert("ftp".into(), Value::Array(self.entries));
    }
}

/// The first line of what a packet brought. A reply's further lines have a code of their own only where they begin with one.
fn entry(dir: Dir, bytes: &[u8]) -> Option<Value> {
    let end = bytes.iter().position(|b| matches!(b, b'\r' | b'\n')).unwrap_or(bytes.len());
    let line = bytes.get(..end)?;
    let text = |b: &[u8]| if b.is_empty() { Value::Null } else { json!(String::from_utf8_lossy(b)) };
    if dir == Dir::ToServer {
        let word = line.iter().position(|b| *b == b' ').unwrap_or(line.len());
        if word == 0 {
            return None;
        }
        let arg = line.get(word..).unwrap_or(&[]).trim_ascii_start();
        return Some(json!({"dir": "c2s", "cmd": text(line.get(..word)?), "arg": text(arg)}));
    }
    let code = line.get(..3).filter(|c| c.iter().all(u8::is_ascii_digit));
    let number = code.and_then(|c| std::str::from_utf8(c).ok()?.parse::<u16>().ok());
    let rest = if number.is_some() { line.get(4..).unwrap_or(&[]) } else { line };
    Some(json!({"dir": "s2c", "code": number, "text": text(rest)}))
}

/// One data connection.
#[derive(Default)]
struct Transfer {
    command: Option<String>,
    file: Option<String>,
    gaps: bool,
    ways: [(u64, Sha256); 2],
}

/// Gathers the list `ftp_data`.
#[derive(Default)]
pub struct Data {
    transfers: Vec<(ConvId, Transfer)>,
    entries: Vec<Value>,
}

impl List for Data {
    fn hears(&self, protocol: &str) -> bool {
        protocol == "ftp-data"
    }

    fn message(&mut self, m: &Message<'_>) {
        if m.spec.name != "ftp-data" {
            return;
        }
        if !self.transfers.iter().any(|(conv, _)| *conv == m.conv) {
            self.transfers.push((m.conv, Transfer::default()));
        }
        let Some((_, t)) = self.transfers.iter_mut().find(|(conv, _)| *conv == m.conv) else { return };
        t.gaps |= m.sink.notes.iter().any(|n| std::ptr::eq(n.what, &raw const note::HOLE));
        for (field, cell) in m.sink.cells.iter().skip(m.new_cells) {
            if let Cell::Text(range) = cell {
                let text = String::from_utf8_lossy(m.sink.text(range)).into_owned();
                match field.name {
                    "ftp-data.command" => t.command = Some(text),
                    "ftp-data.file" => t.file = Some(text),
                    _ => {}
                }
            }
        }
    }

    fn body(&mut self, b: &InnerBytes<'_>) {
        let Some((_, t)) = self.transfers.iter_mut().find(|(conv, _)| *conv == b.conv) else { return };
        if let Some((len, sum)) = t.ways.get_mut(b.key.1.index()) {
            *len = len.saturating_add(b.bytes.len() as u64);
            sum.update(b.bytes);
        }
    }

    fn flow_end(&mut self, cx: &Cx<'_>) {
        for (_, t) in self.transfers.drain(..) {
            let [up, down] = t.ways;
            let (len, sum) = if up.0 > down.0 { up } else { down };
            let mut e = json!({
                "command": t.command,
                "filename": t.file,
                "stream": cx.flow.stream,
                "len": len,
                "sha256": hex(sum.finalize()),
            });
            if t.gaps {
                e["gaps"] = json!(true);
            }
            self.entries.push(e);
        }
    }

    fn finish(self: Box<Self>, report: &mut Map<String, Value>) {
        report.insert("ftp_data".into(), Value::Array(self.entries));
    }
}
