//! Telnet (RFC 854, 855): text lines of a terminal, and between them commands with which both sides agree on options.
//!
//! A line is a message, whoever typed it and in how many packets; a command that stands between lines is one too.

mod fields;

use fields as f;
use wirelore_kit::{
    AfterGap, AfterGapPromise, Claim, Dir, Dissector, End, Framing, More, Out, Peek, Reader, Relay, Spec, Stop, Text, Transport,
    Turn, Value, Verdict,
};

/// All that the house knows of Telnet.
pub static SPEC: Spec = Spec {
    name: "telnet",
    label: "Telnet",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: f::NOTES,
    claims: &[Claim::Tcp(23), Claim::Named("telnet")],
    probe,
    resync: Some(resync),
    states: f::STATES,
    after_gap: AfterGapPromise::Within(1),
    relay: Relay::Opaque,
    middle: None,
    new: |_| Box::new(Telnet::default()),
    explain: &[("en", include_str!("explain.en.toml"))],
};

const IAC: u8 = 255;
const SE: u8 = 240;
const SB: u8 = 250;
/// A line is told in pieces of at most so many bytes.
const MOST_LINE: u64 = 8 << 10;
/// A suboption may be so long, bytes.
const MOST_OPTION: usize = 64 << 10;
/// So much of a line stands in lists.
const MOST_SHOWN: usize = 200;
/// So many offers wait for their answers.
const MOST_OFFERS: usize = 64;

/// The line under way in a direction.
#[derive(Debug, Clone, Default)]
struct Half {
    open: bool,
    bytes: u64,
    shown: Vec<u8>,
    secret: bool,
}

#[derive(Debug, Clone, Default)]
struct Telnet {
    halves: [Half; 2],
    /// Offers and demands that wait for an answer: who said it, whether WILL, the option, the exchange.
    offers: Vec<(Dir, bool, u8, u64)>,
    asks: u64,
}

/// How far text goes, and whether a line ends there.
fn run(b: &[u8]) -> (usize, bool) {
    let at = memchr::memchr3(b'\n', b'\r', IAC, b);
    match at.map(|i| (i, b.get(i), b.get(i.saturating_add(1)))) {
        None => (b.len(), false),
        Some((i, Some(b'\n'), _)) => (i.saturating_add(1), true),
        // RFC 854: CR is followed by LF or NUL.
        Some((i, Some(b'\r'), Some(b'\n' | 0))) => (i.saturating_add(2), true),
        Some((i, Some(b'\r'), Some(_))) => (i.saturating_add(1), false),
        Some((i, _, _)) => (i, false),
    }
}

impl Telnet {
    fn half(&mut self, dir: Dir) -> &mut Half {
        let [a, b] = &mut self.halves;
        if dir == Dir::ToServer { a } else { b }
    }

    /// Whether the server's unfinished line asks for a password.
    fn asked_password(&self) -> bool {
        let [_, server] = &self.halves;
        let line = server.shown.trim_ascii_end();
        server.open
            && line.len() >= 9
            && line.get(line.len().saturating_sub(8)..).is_some_and(|t| t.eq_ignore_ascii_case(b"assword:"))
    }

    /// Text, or a command that stands inside of a line.
    fn line(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let asked = turn.dir == Dir::ToServer && self.asked_password();
        let half = self.half(turn.dir);
        let secret = if half.open { half.secret } else { asked };
        let field = if secret { &f::PASSWORD } else { &f::DATA };
        let before = r.at();
        let mut text: Vec<u8> = Vec::new();
        let mut ended = false;
        let rest = r.rest();
        if rest.first() == Some(&IAC) {
            if rest.get(1) == Some(&IAC) {
                text.push(IAC);
                r.bytes(field, 2)?;
            } else {
                command(r)?;
            }
        } else {
            let room = usize::try_from(MOST_LINE.saturating_sub(half.bytes)).unwrap_or(0).max(1);
            let window = rest.get(..room.min(rest.len())).unwrap_or(rest);
            let (mut len, end) = run(window);
            if len == 0 {
                // A CR alone: what follows it tells whether the line ends, if anything does.
                if window.len() < rest.len() || turn.ended || r.is_bounded() {
                    len = 1;
                } else {
                    return Err(Stop::Short { need: 2 });
                }
            }
            text.extend_from_slice(rest.get(..len.min(MOST_SHOWN)).unwrap_or(&[]));
            r.text(field, len)?;
            ended = end;
        }
        let taken = r.since(before);
        let half = self.half(turn.dir);
        let first = !half.open;
        if first {
            half.shown.clear();
            half.bytes = 0;
        }
        half.secret = secret;
        half.bytes = half.bytes.saturating_add(u64::from(taken.len));
        let room = MOST_SHOWN.saturating_sub(half.shown.len());
        half.shown.extend_from_slice(text.get(..room.min(text.len())).unwrap_or(&[]));
        if first {
            out.open();
            out.state(turn.dir.sender(), &f::TALKING);
        }
        half.open = true;
        let closes = ended || half.bytes >= MOST_LINE;
        if closes {
            half.open = false;
        }
        if secret {
            out.summary("****");
            if closes {
                r.note(&f::PASSWORD_CLEAR, taken);
            }
        } else {
            let line = half.shown.strip_suffix(b"\r\0").unwrap_or(&half.shown).trim_ascii_end();
            if line.is_empty() { out.summary("(empty line)") } else { out.summary(Text(line)) }
        }
        out.piece(taken);
        if closes {
            out.close();
        }
        Ok(())
    }

    /// A command between lines.
    fn single(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let (code, option) = r.group(&f::TELNET, command)?;
        let name = f::COMMAND.name_of(u64::from(code)).unwrap_or("Unknown command");
        match option {
            Some(o) => match f::OPTION.name_of(u64::from(o)) {
                Some(option) => out.summary(format_args!("{name} {option}")),
                None => out.summary(format_args!("{name} option {o}")),
            },
            None => out.summary(name),
        }
        let Some(option) = option else { return Ok(()) };
        out.state(turn.dir.sender(), &f::NEGOTIATING);
        if !(251..=254).contains(&code) {
            return Ok(());
        }
        // WILL and WON'T answer DO and DON'T, and the other way round.
        let will = code < 253;
        match self.offers.iter().position(|o| o.0 != turn.dir && o.1 != will && o.2 == option) {
            Some(i) => out.answers(self.offers.remove(i).3, More::No),
            None => {
                if self.offers.len() >= MOST_OFFERS {
                    self.offers.remove(0);
                }
                let key = self.asks;
                self.asks = key.wrapping_add(1);
                self.offers.push((turn.dir, will, option, key));
                out.asks(key);
            }
        }
        Ok(())
    }
}

/// Reads IAC and what follows: a command, with its option, with the option's data.
fn command(r: &mut Reader<'_>) -> Result<(u8, Option<u8>), Stop> {
    let code = match r.peek(2)? {
        [_, code] => *code,
        _ => 0,
    };
    match code {
        251..=254 => {
            r.peek(3)?;
            r.u8(&f::ESCAPE)?;
            r.u8(&f::COMMAND)?;
            Ok((code, Some(r.u8(&f::OPTION)?)))
        }
        SB => {
            let len = match r.seek(option_end) {
                Ok(len) => len,
                Err(_) if r.left() > MOST_OPTION => return Err(Stop::Bad(&f::LONG_OPTION)),
                Err(_) if r.is_bounded() => r.left(),
                Err(stop) => return Err(stop),
            };
            if len > MOST_OPTION {
                return Err(Stop::Bad(&f::LONG_OPTION));
            }
            let cut = !r.peek(len)?.ends_with(&[IAC, SE]);
            let body = len.saturating_sub(if cut { 3 } else { 5 });
            r.u8(&f::ESCAPE)?;
            r.u8(&f::COMMAND)?;
            let option = r.u8(&f::OPTION)?;
            suboption(r, option, body)?;
            if !cut {
                r.u8(&f::ESCAPE)?;
                r.u8(&f::COMMAND)?;
            }
            Ok((code, Some(option)))
        }
        236..=249 => {
            r.u8(&f::ESCAPE)?;
            r.u8(&f::COMMAND)?;
            Ok((code, None))
        }
        _ => Err(Stop::Bad(&f::NOT_TELNET)),
    }
}

/// Length of a suboption up to and including IAC SE; a doubled IAC inside is data.
fn option_end(b: &[u8], from: usize) -> Option<usize> {
    // Pairs of IAC must be counted from the start of the data.
    let _ = from;
    let mut at = 3usize;
    loop {
        at = at.saturating_add(memchr::memchr(IAC, b.get(at..)?)?);
        match b.get(at.saturating_add(1))? {
            &SE => return Some(at.saturating_add(2)),
            _ => at = at.saturating_add(2),
        }
        if at > MOST_OPTION {
            return Some(at);
        }
    }
}

fn suboption(r: &mut Reader<'_>, option: u8, len: usize) -> Result<(), Stop> {
    let asks = r.peek(len)?.first().copied();
    match (option, len) {
        (_, 0) => Ok(()),
        (31, 4) => {
            r.u16(&f::WIDTH)?;
            r.u16(&f::HEIGHT)?;
            Ok(())
        }
        // Terminal type, speed, X display: 0 tells, 1 asks.
        (24 | 32 | 35 | 23, _) if matches!(asks, Some(0 | 1)) => {
            r.u8(&f::ASK)?;
            if len > 1 {
                r.valued(&f::VALUE, len.saturating_sub(1), Value::Span)?;
            }
            Ok(())
        }
        _ => r.bytes(&f::OPTION_DATA, len).map(|_| ()),
    }
}

impl Dissector for Telnet {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let open = self.half(turn.dir).open;
        match r.peek(1)? {
            [IAC] if !open => match r.peek(2)? {
                [_, IAC] => self.line(turn, r, out),
                _ => self.single(turn, r, out),
            },
            [IAC] => {
                r.peek(2)?;
                self.line(turn, r, out)
            }
            _ => self.line(turn, r, out),
        }
    }

    fn gap(&mut self, dir: Dir, _: u64, _: &mut Out<'_>) -> AfterGap {
        *self.half(dir) = Half::default();
        AfterGap::Resync
    }

    fn end(&mut self, dir: Dir, how: End, out: &mut Out<'_>) {
        let half = self.half(dir);
        if half.open && how != End::Cut {
            half.open = false;
            out.close();
        }
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        let lines: usize = self.halves.iter().map(|h| h.shown.capacity()).sum();
        size_of::<Telnet>().saturating_add(lines).saturating_add(self.offers.capacity().saturating_mul(24))
    }
}

/// Any byte can begin a line.
fn resync(bytes: &[u8], _: Dir) -> Option<usize> {
    (!bytes.is_empty()).then_some(0)
}

/// Two commands in a row, as both sides begin, are sure; text alone is only likely.
fn probe(peek: &Peek<'_>) -> Verdict {
    if peek.transport != Transport::Tcp {
        return Verdict::No;
    }
    let b = if peek.to_server.is_empty() { peek.to_client } else { peek.to_server };
    let open = if peek.ended { Verdict::Likely } else { Verdict::More };
    match b {
        [IAC, 251..=254, o, IAC, 250..=254, p, ..] if *o < 50 && *p < 50 => Verdict::Sure,
        [] => Verdict::More,
        [IAC, 240..=254, _, IAC, ..] | [IAC, 240..=254, ..] | [IAC] if b.len() < 6 => open,
        [IAC, 236..=255, ..] => Verdict::Likely,
        [IAC, ..] => Verdict::No,
        [c, ..] if matches!(c, b'\r' | b'\n' | b'\t' | 7 | 8 | 12 | 27) || (b' '..127).contains(c) => Verdict::Likely,
        _ => Verdict::No,
    }
}
