//! TFTP (RFC 1350, options of RFC 2347 to 2349 and 7440): files in numbered blocks over UDP, each acknowledged.
//!
//! The request goes to port 69; the other side answers from a new port, so the transfer is a flow of its own, announced by the request. The
//! blocks' bytes, each once and in order, are handed on as the file.

mod fields;

use fields as f;
use wirelore_kit::{
    AfterGapPromise, Claim, Dissector, End, Expect, F, Framing, Hint, How, Level, More, Out, Peek, Reader, Relay, Spec, Start,
    Stop, Text, Transport, Turn, Value, Verdict,
};

/// All that the house knows of TFTP.
pub static SPEC: Spec = Spec {
    name: "tftp",
    label: "TFTP",
    framing: Framing::Datagram,
    fields: f::ALL,
    notes: f::NOTES,
    claims: &[Claim::Udp(69), Claim::Named("tftp")],
    probe,
    resync: None,
    states: f::STATES,
    after_gap: AfterGapPromise::Within(0),
    relay: Relay::WatchAlways,
    middle: None,
    new: |start| Box::new(Tftp::new(start)),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// Bytes of a block unless the option `blksize` says otherwise (RFC 2348).
const BLOCK: u32 = 512;
/// Blocks under way that can be acknowledged at once are at most so many behind (RFC 7440 windows).
const MOST_BEHIND: u16 = 32_768;
/// The answer must come within so much of capture time, nanoseconds.
const WITHIN: i64 = 60_000_000_000;

#[derive(Debug, Clone)]
struct Tftp {
    /// Bytes of a full block.
    size: u32,
    /// Number of the next new block.
    next: u16,
    /// No more blocks are to come.
    done: bool,
    /// Requests so far.
    asked: u64,
    /// What the request asked for, where this flow was announced by one: whether to write, and the name.
    about: Option<(bool, Box<str>)>,
}

impl Tftp {
    fn new(start: &Start) -> Tftp {
        let about = start.expected.as_ref().and_then(|e| {
            let (verb, name) = e.about.split_once(' ')?;
            Some((verb == "WRQ", name.into()))
        });
        Tftp { size: BLOCK, next: 1, done: false, asked: 0, about }
    }

    fn request(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>, write: bool) -> Result<(), Stop> {
        let name = terminated(r, if write { &f::DESTINATION } else { &f::SOURCE })?;
        let kind = terminated(r, &f::TYPE)?;
        while !r.is_empty() {
            terminated(r, &f::OPTION_NAME)?;
            terminated(r, &f::OPTION_VALUE)?;
        }
        let verb = if write { "Write" } else { "Read" };
        out.summary(format_args!("{verb} {}, {}", Text(name), Text(kind)));
        out.state(turn.dir.sender(), &f::ASKED);
        let key = self.asked;
        self.asked = key.wrapping_add(1);
        self.next = 1;
        self.done = false;
        self.size = BLOCK;
        let (from, to) = match turn.dir {
            wirelore_kit::Dir::ToServer => (turn.start.server, turn.start.client),
            wirelore_kit::Dir::ToClient => (turn.start.client, turn.start.server),
        };
        if let (Some(from), Some(to)) = (from, to) {
            out.expect(Expect {
                from: Some(from.0),
                from_port: None,
                to: Some(to.0),
                to_port: Some(to.1),
                transport: Transport::Udp,
                hint: Hint::Proto("tftp"),
                key,
                about: format!("{} {}", if write { "WRQ" } else { "RRQ" }, Text(name)).into(),
                within: WITHIN,
            });
            out.concerns(key);
        }
        Ok(())
    }

    fn block(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let number = r.u16(&f::BLOCK)?;
        let len = r.left();
        let at = r.span(len);
        if let Some((write, name)) = &self.about {
            r.derived(if *write { &f::DESTINATION } else { &f::SOURCE }, at, &**name);
        }
        r.bytes(&f::DATA, len)?;
        out.asks(u64::from(number));
        let ahead = number.wrapping_sub(self.next);
        let last = (len as u64) < u64::from(self.size);
        out.summary(format_args!("Block {number}, {len} bytes{}", if last { ", the last" } else { "" }));
        out.state(turn.dir.sender(), if last { &f::DONE } else { &f::SENDING });
        if ahead > MOST_BEHIND || self.done {
            r.note(&f::AGAIN, at);
            return Ok(());
        }
        if ahead > 0 {
            r.note(&f::SKIPPED, at);
        }
        if out.level() > Level::Rows {
            out.inner(0, turn.dir, at, How::Joined, Hint::Bytes("file"));
            if last {
                out.inner_end(0, turn.dir, End::Fin);
            }
        }
        self.next = number.wrapping_add(1);
        self.done = last;
        Ok(())
    }
}

/// A text up to the zero byte behind it.
fn terminated<'a>(r: &mut Reader<'a>, field: F) -> Result<&'a [u8], Stop> {
    let rest = r.rest();
    let Some(len) = memchr::memchr(0, rest) else {
        r.note(&f::NO_END, r.span(rest.len()));
        return r.bytes(field, rest.len());
    };
    let text = rest.get(..len).unwrap_or(rest);
    let shown = String::from_utf8_lossy(text);
    r.valued(field, len.saturating_add(1), Value::from(&*shown))?;
    Ok(text)
}

impl Dissector for Tftp {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let whole = r.span(r.left());
        r.group(&f::TFTP, |r| {
            let opcode = r.u16(&f::OPCODE)?;
            match opcode {
                1 | 2 => self.request(turn, r, out, opcode == 2)?,
                3 => self.block(turn, r, out)?,
                4 => {
                    let number = r.u16(&f::BLOCK)?;
                    out.answers(u64::from(number), More::No);
                    out.summary(format_args!("Acknowledges block {number}"));
                    out.state(turn.dir.sender(), &f::RECEIVING);
                    // Some pad their acknowledgements.
                    if !r.is_empty() {
                        r.unknown(r.left())?;
                    }
                }
                5 => {
                    let code = r.u16(&f::ERROR_CODE)?;
                    let text = terminated(r, &f::ERROR_TEXT)?;
                    r.note(&f::REFUSED, whole);
                    let name = f::ERROR_CODE.name_of(u64::from(code)).unwrap_or("unknown");
                    out.summary(format_args!("Error {code} ({name}): {}", Text(text)));
                    out.state(turn.dir.sender(), &f::FAILED);
                }
                6 => {
                    let mut line = String::from("Agrees to");
                    while !r.is_empty() {
                        let name = terminated(r, &f::OPTION_NAME)?;
                        let value = terminated(r, &f::OPTION_VALUE)?;
                        if name.eq_ignore_ascii_case(b"blksize") {
                            let size = std::str::from_utf8(value).ok().and_then(|t| t.parse().ok());
                            self.size = size.unwrap_or(BLOCK);
                        }
                        if line.len() < 200 {
                            line.push_str(&format!(" {} {},", Text(name), Text(value)));
                        }
                    }
                    out.summary(line.trim_end_matches(','));
                    out.state(turn.dir.sender(), &f::RECEIVING);
                    out.asks(0);
                }
                _ => return Err(Stop::Bad(&f::UNKNOWN_OPCODE)),
            }
            Ok(())
        })
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        size_of::<Tftp>().saturating_add(self.about.as_ref().map_or(0, |a| a.1.len()))
    }
}

/// A request is certain: an opcode, a name, and one of three modes. The rest is only likely, on TFTP's port.
fn probe(peek: &Peek<'_>) -> Verdict {
    let b = if peek.to_server.is_empty() { peek.to_client } else { peek.to_server };
    let open = if peek.ended { Verdict::No } else { Verdict::More };
    match b {
        _ if peek.transport != Transport::Udp => Verdict::No,
        [] => open,
        [0] => open,
        [0, 1 | 2, name @ ..] => {
            let Some(end) = memchr::memchr(0, name) else {
                return if name.iter().any(|c| *c < b' ') { Verdict::No } else { open };
            };
            if end == 0 || name.get(..end).is_none_or(|n| n.iter().any(|c| *c < b' ')) {
                return Verdict::No;
            }
            let mode = name.get(end.saturating_add(1)..).unwrap_or(&[]);
            let known = [&b"octet"[..], b"netascii", b"mail"];
            match memchr::memchr(0, mode) {
                Some(n) if known.iter().any(|k| mode.get(..n).is_some_and(|m| m.eq_ignore_ascii_case(k))) => Verdict::Sure,
                Some(_) => Verdict::No,
                None if mode.len() <= 8 => open,
                None => Verdict::No,
            }
        }
        [0, 3..=6, ..] if b.len() >= 4 => Verdict::Likely,
        [0, 3..=6, ..] => open,
        _ => Verdict::No,
    }
}
