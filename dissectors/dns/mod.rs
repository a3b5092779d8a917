//! The Domain Name System (RFC 1035 and many more) over UDP and TCP, and its multicast kin mDNS (RFC 6762) and LLMNR (RFC 4795).
//!
//! One datagram is one message; over TCP each message has a length of two bytes before it (RFC 1035 §4.2.2). One dissector serves both:
//! the framing that a Spec names only chooses how bytes are handed over where the transport leaves it open.

mod answers;
mod dnssec;
mod edns;
mod fields;
mod message;
mod middle;
mod name;
mod notes;
mod rdata;
mod svcb;
mod types;

pub use answers::{Answer, Summary, answers, summary};

use fields as f;
use message::{HEADER, Head};
use notes as n;
use std::collections::VecDeque;
use wirelore_kit::{
    AfterGapPromise, Claim, Dir, Dissector, Framing, More, Out, Peek, Reader, Relay, Side, Span, Spec, Start, Stop, Transport,
    Turn, Verdict,
};

const EXPLAIN: &[(&str, &str)] = &[("en", include_str!("explain.en.toml"))];

const fn spec(
    name: &'static str,
    label: &'static str,
    claims: &'static [Claim],
    probe: fn(&Peek<'_>) -> Verdict,
    new: fn(&Start) -> Box<dyn Dissector>,
) -> Spec {
    Spec {
        name,
        label,
        framing: Framing::Stream,
        fields: f::ALL,
        notes: n::ALL,
        claims,
        probe,
        resync: Some(resync),
        states: f::STATES,
        after_gap: AfterGapPromise::Within(1),
        relay: Relay::Opaque,
        middle: Some(middle::SERVE),
        new,
        explain: EXPLAIN,
    }
}

/// DNS.
pub static SPEC: Spec =
    spec("dns", "DNS", &[Claim::Udp(53), Claim::Tcp(53), Claim::Alpn(b"dot"), Claim::Named("dns")], probe, |start| {
        Box::new(Dns::new(start, Flavour::Dns))
    });
/// Multicast DNS.
pub static MDNS: Spec =
    spec("mdns", "MDNS", &[Claim::Udp(5353), Claim::Named("mdns")], probe_kin, |start| Box::new(Dns::new(start, Flavour::Mdns)));
/// Link-local multicast name resolution.
pub static LLMNR: Spec =
    spec("llmnr", "LLMNR", &[Claim::Udp(5355), Claim::Tcp(5355), Claim::Named("llmnr")], probe_kin, |start| {
        Box::new(Dns::new(start, Flavour::Llmnr))
    });

/// So many questions are remembered for pairing.
const MOST_ASKED: usize = 512;

/// Which of the three is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flavour {
    Dns,
    Mdns,
    Llmnr,
}

/// A question that was seen.
#[derive(Debug, Clone, Copy)]
struct Asked {
    id: u16,
    key: u64,
    kind: u16,
    /// Messages of its answer so far; a zone transfer has many.
    answers: u32,
    done: bool,
}

/// The state machine: which questions are open.
#[derive(Debug, Clone)]
struct Dns {
    flavour: Flavour,
    framed: bool,
    midstream: bool,
    /// A message was read well.
    sure: bool,
    asked: VecDeque<Asked>,
    open: usize,
}

impl Dns {
    fn new(start: &Start, flavour: Flavour) -> Dns {
        Dns {
            flavour,
            framed: start.transport == Transport::Tcp,
            midstream: start.midstream,
            sure: false,
            asked: VecDeque::new(),
            open: 0,
        }
    }

    fn message(&self, r: &mut Reader<'_>) -> Result<Head, Stop> {
        let root = match self.flavour {
            Flavour::Dns => &f::DNS,
            Flavour::Mdns => &f::MDNS,
            Flavour::Llmnr => &f::LLMNR,
        };
        if !self.framed {
            if r.left() < HEADER && !self.sure {
                return Err(Stop::Bad(&n::SHORT));
            }
            return r.group(root, |r| self.body(r, None));
        }
        let prefix = r.peek(2)?;
        let len = prefix.iter().fold(0usize, |v, b| (v << 8) | usize::from(*b));
        let head = HEADER.saturating_add(2);
        if len >= HEADER && !r.is_bounded() {
            // The header decides before the rest is waited for.
            r.peek(head)?;
        }
        if len >= HEADER && r.left() >= head && !plausible_header(r.rest().get(2..).unwrap_or(&[])) {
            return Err(Stop::Bad(&n::NOT_DNS));
        }
        // Where no more can come, what is there of a cut message is shown.
        let there = if r.is_bounded() { len.min(r.left().saturating_sub(2)) } else { len };
        r.within(root, there.saturating_add(2), |r| {
            let at = r.span(2);
            r.u16(&f::LENGTH)?;
            self.body(r, Some((len, at)))
        })
    }

    /// What stands behind a length prefix, or all of a datagram.
    fn body(&self, r: &mut Reader<'_>, prefix: Option<(usize, Span)>) -> Result<Head, Stop> {
        let left = r.left();
        if left >= HEADER {
            return message::read(r, self.flavour);
        }
        let at = prefix.map_or(r.span(left), |p| p.1);
        r.note(if prefix.is_some_and(|p| p.0 == 0) { &n::EMPTY } else { &n::SHORT }, at);
        if left > 0 {
            r.unknown(left)?;
        }
        Ok(Head { line: "Message without a header".into(), at, ..Head::default() })
    }

    fn asked(&mut self, dir: Dir, head: &Head, r: &mut Reader<'_>, out: &mut Out<'_>) {
        let Some(key) = head.question else { return };
        match self.asked.iter_mut().rev().find(|a| a.key == key && !a.done) {
            Some(_) => r.note(&n::RETRANSMITTED, head.at),
            None => {
                if self.asked.len() >= MOST_ASKED
                    && let Some(old) = self.asked.pop_front()
                    && !old.done
                {
                    self.open = self.open.saturating_sub(1);
                }
                self.asked.push_back(Asked { id: head.id, key, kind: head.asked, answers: 0, done: false });
                self.open = self.open.saturating_add(1);
            }
        }
        out.asks(key);
        out.state(dir.sender(), &f::WAITING);
        out.state(dir.other().sender(), &f::ANSWERING);
    }

    fn answered(&mut self, dir: Dir, head: &Head, r: &mut Reader<'_>, out: &mut Out<'_>) {
        // An answer without a question in it (an error, a later part of a transfer) belongs to the last one with its ID.
        let found = self.asked.iter_mut().rev().find(|a| head.question.map_or(a.id == head.id, |key| a.key == key));
        let Some(asked) = found else {
            if !self.midstream {
                r.note(&n::UNSOLICITED, head.at);
            }
            return;
        };
        if asked.done {
            r.note(&n::ANSWERED_TWICE, head.at);
            return;
        }
        asked.answers = asked.answers.saturating_add(1);
        // A transfer begins and ends with the SOA record (RFC 5936 §2.2).
        let transfer = matches!(asked.kind, 251 | 252) && self.framed && head.answers > 0;
        let ends = head.last_answer == 6 && (asked.answers > 1 || head.answers > 1 || asked.kind == 251);
        let more = transfer && !ends;
        out.answers(asked.key, if more { More::Yes } else { More::No });
        if !more {
            asked.done = true;
            self.open = self.open.saturating_sub(1);
            if self.open == 0 {
                out.state(dir.sender(), &f::IDLE);
                out.state(dir.other().sender(), &f::IDLE);
            }
        }
    }
}

impl Dissector for Dns {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let head = self.message(r)?;
        out.summary(&head.line);
        self.sure |= !self.framed;
        // Multicast has many who answer and none who must: nothing is paired.
        if self.flavour != Flavour::Mdns && head.at.len == HEADER as u32 {
            if head.response {
                self.answered(turn.dir, &head, r, out);
            } else {
                self.asked(turn.dir, &head, r, out);
            }
        }
        Ok(())
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        size_of::<Dns>().saturating_add(self.asked.capacity().saturating_mul(size_of::<Asked>()))
    }
}

/// Whether 12 bytes can be a header: an operation that exists.
fn plausible_header(b: &[u8]) -> bool {
    b.get(2).is_some_and(|flags| matches!((flags >> 3) & 15, 0..=2 | 4..=6))
}

/// Ports of kin that write the same header: NetBIOS names, multicast DNS, LLMNR.
const KIN: [u16; 3] = [137, 5353, 5355];

/// Looks at first bytes. A plain question for an ordinary name, or its answer, is certain wherever it is met; of anything else the header
/// says too little, and the port must agree.
fn probe(peek: &Peek<'_>) -> Verdict {
    if KIN.contains(&peek.server_port) || KIN.contains(&peek.client_port) {
        return Verdict::No;
    }
    look(peek, true)
}

/// The kin are known by their ports.
fn probe_kin(peek: &Peek<'_>) -> Verdict {
    look(peek, false)
}

fn look(peek: &Peek<'_>, anywhere: bool) -> Verdict {
    let answers = peek.to_server.is_empty();
    let bytes = if answers { peek.to_client } else { peek.to_server };
    let open = if peek.ended { Verdict::No } else { Verdict::More };
    if peek.transport != Transport::Tcp {
        return match bytes.get(..HEADER) {
            None => open,
            Some(header) if !plausible_header(header) => Verdict::No,
            Some(header) if !anywhere || !is_plain(header, answers) => Verdict::Likely,
            Some(_) => match asks_plainly(bytes) {
                Some(true) => Verdict::Sure,
                None if !peek.ended => Verdict::More,
                _ => Verdict::Likely,
            },
        };
    }
    // A stream that ends early says what it can.
    let open = if peek.ended && !bytes.is_empty() { Verdict::Likely } else { open };
    let mut rest = bytes;
    // Messages of no bytes say nothing; what follows them decides.
    loop {
        let (Some(prefix), Some(behind)) = (rest.get(..2), rest.get(2..)) else { return open };
        let len = prefix.iter().fold(0usize, |v, b| (v << 8) | usize::from(*b));
        if len == 0 {
            rest = behind;
            continue;
        }
        if len < HEADER {
            return Verdict::No;
        }
        return match behind.get(..HEADER) {
            None => open,
            Some(header) if !plausible_header(header) => Verdict::No,
            Some(header) if !anywhere || !is_plain(header, answers) => Verdict::Likely,
            // At a port of its own choice a length that fits and a plain question say enough.
            Some(_) => match asks_plainly(behind.get(..len).unwrap_or(behind)) {
                Some(true) => Verdict::Sure,
                None if !peek.ended && behind.len() < len => Verdict::More,
                _ => Verdict::Likely,
            },
        };
    }
}

/// A header of a query with one question, its direction right, nothing odd about it.
fn is_plain(header: &[u8], answers: bool) -> bool {
    let mut words = [0u16; 6];
    for (word, pair) in words.iter_mut().zip(header.chunks_exact(2)) {
        *word = pair.iter().fold(0, |v, b| (v << 8) | u16::from(*b));
    }
    let [_, flags, questions, counts @ ..] = words;
    let response = flags & 0x8000 != 0;
    flags & 0x7840 == 0 && questions == 1 && response == answers && counts.iter().all(|n| *n < if response { 256 } else { 2 })
}

/// Whether the first question is for an ordinary name, a known type and class IN; `None`: it is not all there.
fn asks_plainly(message: &[u8]) -> Option<bool> {
    let (ordinary, n) = name::ordinary(message, HEADER)?;
    if !ordinary {
        return Some(false);
    }
    let behind = HEADER.saturating_add(n);
    let &[a, b, c, d] = message.get(behind..behind.saturating_add(4))? else { return Some(false) };
    let kind = u64::from(u16::from_be_bytes([a, b]));
    Some(types::TYPES.iter().any(|(t, _)| *t == kind) && [c, d] == [0, 1])
}

/// Finds a message in a stream: a length, a header with one question whose counts the length has room for, and the beginning of a name.
/// It looks at no more than 16 bytes, so that a start at the end of what is there is told as soon as it can be.
fn resync(bytes: &[u8], dir: Dir) -> Option<usize> {
    bytes.windows(16).position(|w| starts(w, dir))
}

fn starts(b: &[u8], dir: Dir) -> bool {
    let mut words = [0u16; 7];
    for (word, pair) in words.iter_mut().zip(b.chunks_exact(2)) {
        *word = pair.iter().fold(0, |v, b| (v << 8) | u16::from(*b));
    }
    let [len, _, flags, questions, rest @ ..] = words;
    let response = flags & 0x8000 != 0;
    // A question takes 5 bytes at least, a record 11.
    let least = rest.iter().fold(HEADER + 5, |sum, n| sum.saturating_add(usize::from(*n).saturating_mul(11)));
    let name = matches!(b.get(14..16), Some([1..=63, c]) if c.is_ascii_alphanumeric() || *c == b'_' || *c >= 0x80)
        || b.get(14) == Some(&0);
    response == (dir.sender() == Side::Server)
        && questions == 1
        && matches!((flags >> 11) & 15, 0 | 2 | 4 | 5)
        && flags & 0x40 == 0
        && (response || flags & 0x8f == 0 || rest.iter().all(|n| *n < 16))
        && usize::from(len) >= least
        && name
}
