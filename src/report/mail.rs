//! The lists `mail` and `letters`: every letter that was sent or fetched whole, with the digest of its bytes as delivered.
//!
//! `mail` holds what the format that it follows holds: letters behind DATA, by POP3 and by IMAP. Of a letter
//! that ends with an empty line, or whose last line end begins a packet with the end mark, tshark takes that line end for a part of the
//! mark; so does `mail`. `letters` holds all, those in chunks (BDAT) too, to the last
//! byte, and says in which envelope each travelled.

use super::{Cx, List, hex};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap, HashSet};
use wirelore_engine::conversation::{InnerBytes, Message};
use wirelore_kit::row::MessageState;
use wirelore_kit::{ConvId, Dir, Hint, How, Side, note};

/// So much of a letter is kept to look for its headers, bytes.
const MOST_HEAD: usize = 256 * 1024;

/// The last line end of a letter and the mark behind it.
const MARK: &[u8] = b"\r\n.\r\n";
/// So many bytes at the end of a letter are kept apart: two line ends.
const TAIL: usize = 4;

/// A letter as far as it was heard.
#[derive(Default)]
struct Letter {
    head: Vec<u8>,
    size: u64,
    /// Of all but the last bytes, which are in `tail`.
    sum: Sha256,
    tail: Vec<u8>,
    /// The messages that its bytes stand in.
    parts: Vec<(Dir, u64)>,
    chunks: bool,
    from: Option<String>,
    to: Vec<String>,
    order: usize,
}

/// Gathers the lists.
#[derive(Default)]
pub struct Mail {
    carriers: HashMap<ConvId, &'static str>,
    /// Whole messages: the packet that completed each, and where it ends.
    whole: HashMap<(ConvId, Dir, u64), (u32, u64)>,
    /// Where packets begin with a line end and the end mark.
    marks: HashSet<u64>,
    holed: HashSet<(ConvId, Dir, u64)>,
    letters: BTreeMap<(ConvId, u64), Letter>,
    /// Letters of which only the beginning was asked for.
    parts: HashSet<(ConvId, u64)>,
    mail: Vec<Value>,
    all: Vec<Value>,
}

impl List for Mail {
    fn hears(&self, protocol: &str) -> bool {
        matches!(protocol, "smtp" | "pop" | "imap")
    }

    fn message(&mut self, m: &Message<'_>) {
        self.carriers.insert(m.conv, m.spec.name);
        let name = (m.conv, m.dir, m.at);
        if m.state == MessageState::Whole {
            self.whole.insert(name, (m.done.number, m.at.saturating_add(m.len)));
        }
        if m.sink.notes.iter().any(|n| std::ptr::eq(n.what, &note::HOLE)) {
            self.holed.insert(name);
        }
    }

    fn body(&mut self, b: &InnerBytes<'_>) {
        let letter = matches!(b.hint, Hint::Media(t) if &*t.name == "message/rfc822");
        let name = (b.conv, b.key.0);
        if b.hint.fact(Side::Server, "part").is_some() {
            self.parts.insert(name);
        }
        if !letter || self.parts.contains(&name) || !self.carriers.contains_key(&b.conv) {
            return;
        }
        let order = self.letters.len();
        let l = self.letters.entry(name).or_insert_with(|| Letter { order, ..Letter::default() });
        let room = MOST_HEAD.saturating_sub(l.head.len()).min(b.bytes.len());
        l.head.extend_from_slice(b.bytes.get(..room).unwrap_or(b.bytes));
        l.size = l.size.saturating_add(b.bytes.len() as u64);
        l.tail.extend_from_slice(b.bytes);
        let settled = l.tail.len().saturating_sub(TAIL);
        l.sum.update(l.tail.get(..settled).unwrap_or(&[]));
        l.tail.drain(..settled);
        l.chunks |= b.how == How::Joined;
        if !l.parts.contains(&b.message) {
            l.parts.push(b.message);
        }
        let said = |name: &str| {
            let facts = b.hint.facts().iter().filter(move |f| f.from == Side::Client && &*f.name == name);
            facts.map(|f| String::from_utf8_lossy(&f.value).into_owned()).collect::<Vec<_>>()
        };
        if !b.hint.facts().is_empty() {
            l.from = said("mail-from").pop();
            l.to = said("rcpt-to");
        }
    }

    fn splits(&self, protocol: &str) -> bool {
        protocol == "smtp"
    }

    fn segment(&mut self, _: &Cx<'_>, dir: Dir, at: u64, bytes: &[u8]) {
        if dir == Dir::ToServer && bytes.starts_with(MARK) {
            self.marks.insert(at);
        }
    }

    fn flow_end(&mut self, cx: &Cx<'_>) {
        let mut letters: Vec<_> = std::mem::take(&mut self.letters).into_iter().collect();
        letters.sort_by_key(|(_, l)| l.order);
        for ((conv, _), l) in letters {
            let names = || l.parts.iter().map(|(dir, at)| (conv, *dir, *at));
            // A letter that is not there whole has no digest that would say anything.
            if !names().all(|n| self.whole.contains_key(&n) && !self.holed.contains(&n)) {
                continue;
            }
            let (frame, end) = names().filter_map(|n| self.whole.get(&n)).max().copied().unwrap_or_default();
            let by_data = !l.chunks && self.carriers.get(&conv) == Some(&"smtp");
            let digest = |less: usize| {
                let mut sum = l.sum.clone();
                sum.update(l.tail.get(..l.tail.len().saturating_sub(less)).unwrap_or(&[]));
                (l.size.saturating_sub(less as u64), hex(sum.finalize()))
            };
            let (size, sum) = digest(0);
            let mut full = json!({
                "from": header(&l.head, "from"), "to": header(&l.head, "to"), "subject": header(&l.head, "subject"),
                "size": size, "sha256": sum, "frame": u64::from(frame).saturating_add(1), "stream": cx.flow.stream,
            });
            let mut e = full.clone();
            let apart = conv.inner == 0 && end.checked_sub(MARK.len() as u64).is_some_and(|at| self.marks.contains(&at));
            if by_data && (apart || l.tail == b"\r\n\r\n") {
                let (size, sum) = digest(2);
                (e["size"], e["sha256"]) = (json!(size), json!(sum));
            }
            full["by"] = json!(match (self.carriers.get(&conv).copied().unwrap_or_default(), l.chunks) {
                ("smtp", true) => "BDAT",
                ("smtp", false) => "DATA",
                ("pop", _) => "POP3",
                _ => "IMAP",
            });
            full["mail_from"] = json!(l.from);
            full["rcpt_to"] = json!(l.to);
            if !l.chunks {
                self.mail.push(e);
            }
            self.all.push(full);
        }
        self.carriers.clear();
        self.marks.clear();
        self.parts.clear();
        self.whole.clear();
        self.holed.clear();
    }

    fn finish(self: Box<Self>, report: &mut Map<String, Value>) {
        let mut mail = self.mail;
        mail.sort_by_key(|e| e.get("sha256").and_then(Value::as_str).map(str::to_owned));
        report.insert("mail".into(), Value::Array(mail));
        report.insert("letters".into(), Value::Array(self.all));
    }
}

/// The first header of that name, unfolded; `None` where there is none.
fn header(head: &[u8], name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    let mut value: Option<String> = None;
    for line in text.split('\n').map(|l| l.strip_suffix('\r').unwrap_or(l)) {
        match (&mut value, line.as_bytes().first()) {
            (_, None) => break,
            (Some(v), Some(b' ' | b'\t')) => v.push_str(line),
            (Some(_), _) => break,
            (None, _) => {
                let (n, v) = line.split_once(':').unwrap_or((line, ""));
                value = n.trim_end().eq_ignore_ascii_case(name).then(|| v.trim_start().to_owned());
            }
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::header;

    #[test]
    fn headers_are_found_in_any_case_and_unfolded_and_the_body_is_not_searched() {
        let head = b"From: a@b\r\nSUBJECT: one\r\n two\r\nTo: c\r\n\r\nCc: no";
        assert_eq!(header(head, "subject").as_deref(), Some("one two"));
        assert_eq!(header(head, "to").as_deref(), Some("c"));
        assert_eq!(header(head, "cc"), None);
    }
}
