//! DNS in the middle: messages judged one by one, over UDP (a datagram each) and TCP (each behind its length, RFC 1035 §4.2.2).
//!
//! The line of a question is `A example.org`, type and name of its first question; that of an answer `NOERROR A example.org 192.0.2.1`,
//! with its reply code before and the addresses that it gives behind. The body is the whole message, without the length. A changed body
//! goes on as it is. A changed line is written: the question with another name or type; the answer with that code and exactly those
//! addresses, so `NXDOMAIN A example.org` denies and `NOERROR A example.org 127.0.0.1` leads elsewhere.

use super::types::{TYPES, type_name};
use bytes::Bytes;
use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::net::IpAddr;
use wirelore_kit::middle::{Middle, Part, Serve, Setting, Transit};
use wirelore_kit::talk::{Book, Draft, Next, Says, Talk, Talking};
use wirelore_kit::{Dir, Transport};

/// How it stands in the middle.
pub const SERVE: Serve = Serve { forward: false, reopened: false, new };

fn new(setting: &Setting) -> Box<dyn Middle> {
    let framed = setting.start.transport == Transport::Tcp;
    Box::new(Talking::new(Dns { judge: setting.judge, framed, count: 0, asked: VecDeque::new() }, setting))
}

/// Questions that are remembered for their answers.
const MOST_ASKED: usize = 256;
/// Records of an answer that are looked at for addresses.
const MOST_RECORDS: u16 = 64;
/// So long may an address that we give be kept, seconds.
const TTL: u32 = 60;
const HEADER: usize = 12;

/// Reply codes by the names that DNS servers and tools use (the IANA registry of DNS RCODEs).
const CODES: [(&str, u8); 11] = [
    ("NOERROR", 0),
    ("FORMERR", 1),
    ("SERVFAIL", 2),
    ("NXDOMAIN", 3),
    ("NOTIMP", 4),
    ("REFUSED", 5),
    ("YXDOMAIN", 6),
    ("YXRRSET", 7),
    ("NXRRSET", 8),
    ("NOTAUTH", 9),
    ("NOTZONE", 10),
];

struct Dns {
    judge: bool,
    /// A length stands before each message.
    framed: bool,
    count: u64,
    /// Exchange, and header and question as they came.
    asked: VecDeque<(u64, Bytes)>,
}

/// The first question of a message.
struct Question {
    name: String,
    kind: u16,
    /// Where it ends.
    end: usize,
}

fn number(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_be_bytes)
}

fn is_answer(message: &[u8]) -> bool {
    message.get(2).is_some_and(|b| b & 0x80 != 0)
}

fn question(message: &[u8]) -> Option<Question> {
    if number(message, 4)? == 0 {
        return None;
    }
    let (mut at, mut name) = (HEADER, String::new());
    loop {
        let len = usize::from(*message.get(at)?);
        at = at.checked_add(1)?;
        // No pointer can stand here: there is nothing before it to point to.
        if len == 0 || len > 63 {
            break;
        }
        if !name.is_empty() {
            name.push('.');
        }
        for b in message.get(at..at.checked_add(len)?)? {
            // RFC 1035 §5.1: what is no letter or digit stands as \DDD.
            let _ = match b {
                b'.' | b'\\' => write!(name, "\\{}", char::from(*b)),
                b if b.is_ascii_graphic() => write!(name, "{}", char::from(*b)),
                b => write!(name, "\\{b:03}"),
            };
        }
        at = at.checked_add(len)?;
    }
    if name.is_empty() {
        name.push('.');
    }
    Some(Question { name, kind: number(message, at)?, end: at.checked_add(4).filter(|end| *end <= message.len())? })
}

/// The place behind a name.
fn behind_name(message: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let len = usize::from(*message.get(at)?);
        at = at.checked_add(1)?;
        match len {
            0 => return Some(at),
            1..=63 => at = at.checked_add(len)?,
            _ => return at.checked_add(1),
        }
    }
}

/// The addresses in the answer section, as far as it can be read.
fn addresses(message: &[u8], question: &Question) -> Vec<IpAddr> {
    let mut found = Vec::new();
    let mut at = question.end;
    for _ in 0..number(message, 6).unwrap_or(0).min(MOST_RECORDS) {
        let Some(head) = behind_name(message, at) else { break };
        let (Some(kind), Some(len)) = (number(message, head), number(message, head.saturating_add(8))) else { break };
        let data = head.saturating_add(10);
        at = data.saturating_add(usize::from(len));
        let data = message.get(data..at).unwrap_or_default();
        match (kind, <[u8; 4]>::try_from(data), <[u8; 16]>::try_from(data)) {
            (1, Ok(v4), _) => found.push(IpAddr::from(v4)),
            (28, _, Ok(v6)) => found.push(IpAddr::from(v6)),
            _ => {}
        }
    }
    found
}

fn code_name(message: &[u8]) -> Cow<'static, str> {
    let code = message.get(3).map_or(0, |b| b & 15);
    CODES.iter().find(|c| c.1 == code).map_or_else(|| format!("RCODE{code}").into(), |c| c.0.into())
}

fn line(message: &[u8]) -> String {
    let asked = question(message);
    let mut out = String::new();
    if is_answer(message) {
        out.push_str(&code_name(message));
    }
    if let Some(q) = asked {
        let blank = if out.is_empty() { "" } else { " " };
        let _ = write!(out, "{blank}{} {}", type_name(q.kind), q.name);
        if is_answer(message) {
            for address in addresses(message, &q) {
                let _ = write!(out, " {address}");
            }
        }
    }
    out
}

/// A name as labels with their lengths; `None`: it is none.
fn labels(name: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut label = Vec::new();
    let mut rest = name.strip_suffix('.').unwrap_or(name).bytes();
    loop {
        let b = rest.next();
        match b {
            Some(b'\\') => {
                let first = rest.next()?;
                if first.is_ascii_digit() {
                    let digits = [first, rest.next()?, rest.next()?];
                    label.push(std::str::from_utf8(&digits).ok()?.parse().ok()?);
                } else {
                    label.push(first);
                }
            }
            Some(b'.') | None => {
                if label.is_empty() && !(out.is_empty() && b.is_none()) || label.len() > 63 {
                    return None;
                }
                if !label.is_empty() {
                    out.push(label.len() as u8);
                    out.append(&mut label);
                }
                if b.is_none() {
                    out.push(0);
                    return (out.len() <= 255).then_some(out);
                }
            }
            Some(b) => label.push(b),
        }
    }
}

fn type_number(name: &str) -> Option<u16> {
    let known = TYPES.iter().find(|t| t.1.eq_ignore_ascii_case(name)).and_then(|t| u16::try_from(t.0).ok());
    known.or_else(|| name.strip_prefix("TYPE")?.parse().ok())
}

/// A question with the type and name of a line.
fn asking(was: &[u8], line: &str) -> Option<Vec<u8>> {
    let (kind, name) = line.split_once(' ')?;
    let old = question(was)?;
    let mut out = was.get(..HEADER)?.to_vec();
    out.extend_from_slice(&labels(name.trim())?);
    out.extend_from_slice(&type_number(kind)?.to_be_bytes());
    // The class, and all that stands behind the question, stay.
    out.extend_from_slice(was.get(old.end.checked_sub(2)?..)?);
    Some(out)
}

/// The answer to a question that a line says.
fn answering(asked: &[u8], line: &str) -> Option<Vec<u8>> {
    let mut words = line.split_ascii_whitespace();
    let first = words.next()?;
    let code = CODES.iter().find(|c| c.0.eq_ignore_ascii_case(first)).map(|c| c.1)?;
    let question = question(asked)?;
    let given: Vec<IpAddr> = words.skip(2).filter_map(|w| w.parse().ok()).collect();
    let mut out = asked.get(..question.end)?.to_vec();
    if let [_, _, high, low, q1, q2, a1, a2, rest @ ..] = out.as_mut_slice() {
        // An answer, recursion available; opcode and "recursion desired" as asked.
        *high = (*high & 0x79) | 0x80;
        *low = 0x80 | code;
        (*q1, *q2) = (0, 1);
        [*a1, *a2] = u16::try_from(given.len()).ok()?.to_be_bytes();
        rest.iter_mut().take(4).for_each(|b| *b = 0);
    }
    for address in given {
        // The name is that of the question: a pointer to it.
        out.extend_from_slice(&[0xc0, HEADER as u8]);
        let (kind, data) = match address {
            IpAddr::V4(ip) => (1u16, ip.octets().to_vec()),
            IpAddr::V6(ip) => (28, ip.octets().to_vec()),
        };
        out.extend_from_slice(&kind.to_be_bytes());
        out.extend_from_slice(&[0, 1]);
        out.extend_from_slice(&TTL.to_be_bytes());
        out.extend_from_slice(&(data.len() as u16).to_be_bytes());
        out.extend_from_slice(&data);
    }
    Some(out)
}

impl Dns {
    fn body(&self, message: &Bytes) -> Bytes {
        if self.framed { message.slice(message.len().min(2)..) } else { message.clone() }
    }

    fn framed(&self, body: &[u8]) -> Bytes {
        if !self.framed {
            return Bytes::copy_from_slice(body);
        }
        let body = body.get(..body.len().min(0xffff)).unwrap_or_default();
        [&(body.len() as u16).to_be_bytes()[..], body].concat().into()
    }
}

impl Talk for Dns {
    type Kind = ();

    fn name(&self) -> &'static str {
        "dns"
    }

    fn next(&mut self, dir: Dir, bytes: &[u8], _seen: usize, _book: &mut Book<()>) -> Next {
        if !self.judge {
            return Next::Opaque;
        }
        let whole = match (self.framed, number(bytes, 0)) {
            (false, _) => bytes.len(),
            (true, Some(len)) => usize::from(len).saturating_add(2),
            (true, None) => return Next::More,
        };
        if bytes.len() < whole {
            return Next::More;
        }
        let message = bytes.get(if self.framed { 2 } else { 0 }..whole).unwrap_or_default();
        if dir == Dir::ToServer {
            let kept = question(message).and_then(|q| message.get(..q.end)).unwrap_or_default();
            if self.asked.len() >= MOST_ASKED {
                self.asked.pop_front();
            }
            self.asked.push_back((self.count, Bytes::copy_from_slice(kept)));
            self.count = self.count.saturating_add(1);
        }
        Next::Whole(whole)
    }

    fn draft(&self, dir: Dir, message: &Bytes, _book: &Book<()>) -> Draft {
        let body = self.body(message);
        let last = self.count.saturating_sub(1);
        let (part, exchange) = if dir == Dir::ToServer {
            (Part::Request, last)
        } else {
            let of = self.asked.iter().rev().find(|(_, asked)| asked.get(..2) == body.get(..2));
            (Part::Response, of.map_or(last, |a| a.0))
        };
        Draft { part, exchange, line: line(&body).into(), body }
    }

    fn write(&mut self, _dir: Dir, was: &Bytes, now: &Transit) -> Bytes {
        let old = self.body(was);
        if !was.is_empty() && now.body != old {
            return self.framed(&now.body);
        }
        let text = String::from_utf8_lossy(&now.line);
        if now.part == Part::Request {
            return self.framed(&asking(&old, &text).unwrap_or_else(|| now.body.to_vec()));
        }
        let asked = self.asked.iter().rev().find(|a| a.0 == now.exchange).map(|a| a.1.clone()).unwrap_or_default();
        let asked = if asked.is_empty() { old } else { asked };
        // What is no answer in words may be one in bytes; anything else becomes a refusal.
        let written = answering(&asked, &text).or_else(|| is_answer(&now.body).then(|| now.body.to_vec()));
        self.framed(&written.or_else(|| answering(&asked, "REFUSED")).unwrap_or_default())
    }

    fn goes(&mut self, _dir: Dir, _message: &Bytes, _says: &mut Says<'_, ()>) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelore_kit::middle::{Judgement, News, Place, Step};
    use wirelore_kit::{Hint, Start};

    fn setting(transport: Transport) -> Setting {
        let start =
            Start { transport, client: None, server: None, hint: Hint::Probe, midstream: false, expected: None, inside: None };
        Setting::new(start, Place::Between, true)
    }

    const ASKS: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\x03org\0\0\x01\0\x01";

    fn judged(
        transport: Transport,
        dir: Dir,
        bytes: &[u8],
        how: impl FnOnce(Box<Transit>) -> Judgement,
    ) -> (String, Vec<(Dir, Vec<u8>)>) {
        let (mut m, mut steps) = (new(&setting(transport)), Vec::new());
        m.push(dir, Bytes::copy_from_slice(bytes), &mut steps);
        let Some(Step::Judge { ticket, message }) = steps.pop() else { panic!("nothing to judge") };
        let line = String::from_utf8_lossy(&message.line).into_owned();
        m.tell(News::Judged { ticket, judgement: how(message) }, &mut steps);
        let sent = |s| if let Step::Send { dir, bytes } = s { Some((dir, bytes.to_vec())) } else { None };
        (line, steps.into_iter().filter_map(sent).collect())
    }

    #[test]
    fn a_question_is_answered_with_addresses_by_its_line() {
        let (asked, sent) = judged(Transport::Udp, Dir::ToServer, ASKS, |mut m| {
            (m.dir, m.part) = (Dir::ToClient, Part::Response);
            m.line = Bytes::from_static(b"NOERROR A example.org 192.0.2.7 2001:db8::1");
            m.body = Bytes::new();
            Judgement::Answer(m)
        });
        assert_eq!(asked, "A example.org");
        let [(Dir::ToClient, answer)] = &sent[..] else { panic!("{sent:?}") };
        assert_eq!(line(answer), "NOERROR A example.org 192.0.2.7 2001:db8::1");
        assert_eq!(answer[..2], ASKS[..2]);
    }

    #[test]
    fn a_question_over_tcp_is_asked_with_another_name() {
        let framed = [&(ASKS.len() as u16).to_be_bytes()[..], ASKS].concat();
        let (_, sent) = judged(Transport::Tcp, Dir::ToServer, &framed, |mut m| {
            m.line = Bytes::from_static(b"AAAA a\\.b.example");
            Judgement::Change(m)
        });
        let [(Dir::ToServer, asks)] = &sent[..] else { panic!("{sent:?}") };
        assert_eq!(usize::from(number(asks, 0).expect("a length")), asks.len() - 2);
        assert_eq!(line(&asks[2..]), "AAAA a\\.b.example");
    }

    #[test]
    fn what_cannot_be_an_answer_is_a_refusal() {
        let (_, sent) = judged(Transport::Udp, Dir::ToServer, ASKS, |mut m| {
            (m.dir, m.part) = (Dir::ToClient, Part::Response);
            (m.line, m.body) = (Bytes::from_static(b"550 no"), Bytes::from_static(b"no"));
            Judgement::Answer(m)
        });
        assert_eq!(line(&sent[0].1), "REFUSED A example.org");
    }

    #[test]
    fn names_with_odd_bytes_come_back_as_they_were() {
        for name in ["example.org", "a\\.b.c", "\\000x.y", "."] {
            let mut message = ASKS[..HEADER].to_vec();
            message.extend(labels(name).expect("a name"));
            message.extend([0, 1, 0, 1]);
            assert_eq!(line(&message), format!("A {name}"));
        }
        for wrong in ["a..b", &"x".repeat(64), "a\\1"] {
            assert_eq!(labels(wrong), None, "{wrong}");
        }
    }
}
