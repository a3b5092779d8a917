//! SSH (RFC 4253): the version lines and the key exchange in clear text; behind New Keys, how much was said and by whom.

mod fields;

use fields as f;
use md5::{Digest, Md5};
use std::fmt::Write as _;
use wirelore_kit::{
    AfterGap, AfterGapPromise, Claim, Dir, Dissector, End, F, Framing, More, Out, Peek, Reader, Relay, Spec, Stop, Text,
    Transport, Turn, Value, Verdict,
};

/// All that the house knows of SSH.
pub static SPEC: Spec = Spec {
    name: "ssh",
    label: "SSH",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: f::NOTES,
    claims: &[Claim::Tcp(22), Claim::Named("ssh")],
    probe,
    resync: None,
    states: f::STATES,
    after_gap: AfterGapPromise::Never,
    relay: Relay::Opaque,
    middle: None,
    new: |start| Box::new(Ssh::new(start.midstream)),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// A version line, or a line before it, may be so long, bytes.
const MOST_LINE: usize = 4096;
/// A packet in clear text may be so long, bytes (RFC 4253 §6.1 asks for 35,000).
const MOST_PACKET: u32 = 256 << 10;

/// Where a direction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Version,
    Clear,
    /// Behind New Keys; so many bytes so far.
    Encrypted(u64),
}

/// Lists of a Key Exchange Init that both sides compare.
#[derive(Debug, Clone, Default)]
struct Offer {
    /// Key exchange, host key, ciphers up and down.
    lists: [Box<str>; 4],
}

#[derive(Debug, Clone)]
struct Ssh {
    phases: [Phase; 2],
    offers: [Option<Offer>; 2],
}

impl Ssh {
    fn new(midstream: bool) -> Ssh {
        // Of a connection whose beginning is missing nearly everything is encrypted.
        let phase = if midstream { Phase::Encrypted(0) } else { Phase::Version };
        Ssh { phases: [phase; 2], offers: [None, None] }
    }

    fn phase(&mut self, dir: Dir) -> &mut Phase {
        let [a, b] = &mut self.phases;
        if dir == Dir::ToServer { a } else { b }
    }

    fn version(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let start = r.rest();
        let n = start.len().min(4);
        // Only the server may say something before its version.
        if turn.dir == Dir::ToServer && start.get(..n) != b"SSH-".get(..n) {
            return Err(Stop::Bad(&f::NOT_SSH));
        }
        let len = match r.seek(|b, from| memchr::memchr(b'\n', b.get(from..)?).map(|i| i.saturating_add(from).saturating_add(1)))
        {
            Ok(len) if len <= MOST_LINE => len,
            Err(stop @ Stop::Short { .. }) if r.left() <= MOST_LINE => {
                // Some end their version with zero bytes instead of a line's end.
                let nul = memchr::memchr(0, r.rest());
                match nul {
                    Some(_) if turn.ended => r.left(),
                    _ => return Err(stop),
                }
            }
            Err(_) if r.is_bounded() && r.left() <= MOST_LINE => r.left(),
            _ => return Err(Stop::Bad(&f::NOT_SSH)),
        };
        let line = r.peek(len)?;
        let text = line.iter().position(|c| matches!(c, b'\r' | b'\n')).unwrap_or(len);
        let is_version = line.starts_with(b"SSH-");
        r.group(&f::SSH, |r| {
            let at = r.span(text);
            let shown = if text > 0 { r.text(if is_version { &f::PROTOCOL } else { &f::BEFORE }, text)? } else { Text(&[]) };
            if is_version && text > 255 {
                r.note(&f::LONG, at);
            }
            if is_version && line.starts_with(b"SSH-1.") {
                r.note(&f::OLD, at);
            }
            out.summary(shown);
            if len > text {
                r.bytes(&f::EOL, len.saturating_sub(text))?;
            }
            Ok(())
        })?;
        if is_version {
            out.state(turn.dir.sender(), &f::GREETING);
            *self.phase(turn.dir) = Phase::Clear;
        }
        Ok(())
    }

    fn packet(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let head = r.peek(6)?;
        let len = head.get(..4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes);
        let (pad, code) = (head.get(4).copied().unwrap_or(0), head.get(5).copied().unwrap_or(0));
        let body = len.saturating_sub(u32::from(pad)).saturating_sub(1);
        if !(8..=MOST_PACKET).contains(&len) || u32::from(pad) >= len.saturating_sub(1) || !(1..50).contains(&code) {
            return Err(Stop::Bad(&f::NOT_SSH));
        }
        let payload = body as usize;
        r.peek((len as usize).saturating_add(4))?;
        let mut offer = None;
        let other = {
            let [a, b] = &self.offers;
            if turn.dir == Dir::ToServer { b.clone() } else { a.clone() }
        };
        r.group(&f::SSH, |r| {
            r.u32(&f::LENGTH)?;
            r.u8(&f::PADDING_LENGTH)?;
            offer = r.attempt(&f::PAYLOAD, payload, |r| payload_of(r, turn.dir, other.as_ref()))?.flatten();
            r.bytes(&f::PADDING, usize::from(pad))?;
            Ok(())
        })?;
        match f::CODE.name_of(u64::from(code)) {
            Some(name) => out.summary(name),
            None => out.summary(format_args!("Message {code}")),
        }
        match code {
            20 => {
                // Either side may offer first.
                if other.is_some() {
                    out.answers(0, More::No)
                } else {
                    out.asks(0)
                }
                let [a, b] = &mut self.offers;
                *(if turn.dir == Dir::ToServer { a } else { b }) = offer;
                out.state(turn.dir.sender(), &f::EXCHANGING);
            }
            30 | 32 | 34 => out.asks(u64::from(code)),
            31 => {
                out.answers(30, More::No);
                out.answers(34, More::No);
            }
            33 => out.answers(32, More::No),
            21 => {
                *self.phase(turn.dir) = Phase::Encrypted(0);
                out.state(turn.dir.sender(), &f::PROTECTED);
            }
            _ => {}
        }
        Ok(())
    }

    fn encrypted(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>, before: u64) -> Result<(), Stop> {
        let n = r.left();
        if n == 0 {
            return Err(Stop::Short { need: 1 });
        }
        let at = r.span(n);
        r.bytes(&f::ENCRYPTED, n)?;
        if before == 0 {
            out.open();
            out.summary("Encrypted packets");
        }
        out.piece(at);
        *self.phase(turn.dir) = Phase::Encrypted(before.saturating_add(n as u64));
        Ok(())
    }
}

/// A length of four bytes and as many bytes of text.
fn name_list<'a>(r: &mut Reader<'a>, field: F) -> Result<Text<'a>, Stop> {
    let len = r.u32(&f::LIST_LENGTH)? as usize;
    if len == 0 { Ok(Text(&[])) } else { r.text(field, len) }
}

/// Reads what a packet in clear text holds; of a Key Exchange Init the lists are returned.
fn payload_of(r: &mut Reader<'_>, dir: Dir, other: Option<&Offer>) -> Result<Option<Offer>, Stop> {
    let code = r.u8(&f::CODE)?;
    match code {
        20 => return key_exchange_init(r, dir, other).map(Some),
        // ECDH and DH replies begin with the host key.
        31 | 33 => {
            let len = r.u32(&f::HOST_KEY_LENGTH)? as usize;
            r.within(&f::HOST_KEY_DATA, len, |r| {
                let n = r.u32(&f::HOST_KEY_TYPE_LENGTH)? as usize;
                r.text(&f::HOST_KEY_TYPE, n)?;
                let left = r.left();
                r.bytes(&f::KEX_DATA, left)?;
                Ok(())
            })?;
        }
        1 => {
            r.u32(&f::REASON)?;
            let n = r.u32(&f::DESCRIPTION_LENGTH)? as usize;
            r.text(&f::DESCRIPTION, n)?;
        }
        _ => {}
    }
    let left = r.left();
    if left > 0 {
        r.bytes(&f::KEX_DATA, left)?;
    }
    Ok(None)
}

fn key_exchange_init(r: &mut Reader<'_>, dir: Dir, other: Option<&Offer>) -> Result<Offer, Stop> {
    let from = r.at();
    r.bytes(&f::COOKIE, 16)?;
    let kex = name_list(r, &f::KEX)?;
    let host = name_list(r, &f::HOST_KEYS)?;
    let up = name_list(r, &f::CIPHERS_UP)?;
    let down = name_list(r, &f::CIPHERS_DOWN)?;
    let mac_up = name_list(r, &f::MACS_UP)?;
    let mac_down = name_list(r, &f::MACS_DOWN)?;
    let zip_up = name_list(r, &f::COMPRESSION_UP)?;
    let zip_down = name_list(r, &f::COMPRESSION_DOWN)?;
    name_list(r, &f::LANGUAGES_UP)?;
    name_list(r, &f::LANGUAGES_DOWN)?;
    r.u8(&f::FIRST_FOLLOWS)?;
    r.bytes(&f::RESERVED, 4)?;
    let at = r.since(from);
    let (field, parts) = if dir == Dir::ToServer {
        (&f::HASSH, [kex, up, mac_up, zip_up])
    } else {
        (&f::HASSH_SERVER, [kex, down, mac_down, zip_down])
    };
    if r.level() == wirelore_kit::Level::Tree {
        let mut sum = Md5::new();
        for (i, part) in parts.iter().enumerate() {
            if i > 0 {
                sum.update(b";");
            }
            sum.update(part.bytes());
        }
        let mut hex = String::new();
        for b in sum.finalize() {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{b:02x}");
        }
        r.derived(field, at, Value::from(hex));
    }
    let keep =
        |t: Text<'_>| -> Box<str> { String::from_utf8_lossy(t.bytes().get(..t.bytes().len().min(4096)).unwrap_or(&[])).into() };
    let mine = Offer { lists: [kex, host, up, down].map(keep) };
    if let Some(other) = other {
        let (client, server) = if dir == Dir::ToServer { (&mine, other) } else { (other, &mine) };
        let fields: [F; 4] = [&f::AGREED_KEX, &f::AGREED_HOST_KEY, &f::AGREED_CIPHER_UP, &f::AGREED_CIPHER_DOWN];
        for (field, (c, s)) in fields.into_iter().zip(client.lists.iter().zip(&server.lists)) {
            // The first of the client's that the server knows too.
            if let Some(agreed) = c.split(',').find(|a| s.split(',').any(|b| b == *a)) {
                r.derived(field, at, agreed);
            }
        }
    }
    Ok(mine)
}

impl Dissector for Ssh {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        match *self.phase(turn.dir) {
            Phase::Version => self.version(turn, r, out),
            Phase::Clear => self.packet(turn, r, out),
            Phase::Encrypted(n) => self.encrypted(turn, r, out, n),
        }
    }

    fn gap(&mut self, dir: Dir, _: u64, _: &mut Out<'_>) -> AfterGap {
        match self.phase(dir) {
            Phase::Encrypted(n) if *n > 0 => AfterGap::Carry,
            Phase::Encrypted(_) => AfterGap::Resync,
            _ => AfterGap::GiveUp,
        }
    }

    fn end(&mut self, dir: Dir, how: End, out: &mut Out<'_>) {
        if let Phase::Encrypted(n @ 1..) = *self.phase(dir) {
            out.summary(format_args!("Encrypted packets: {n} bytes"));
            if how != End::Cut {
                out.close();
            }
        }
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        let lists = self.offers.iter().flatten().flat_map(|o| &o.lists).map(|l| l.len()).sum::<usize>();
        size_of::<Ssh>().saturating_add(lists)
    }
}

/// Either side begins with `SSH-`.
fn probe(peek: &Peek<'_>) -> Verdict {
    if peek.transport != Transport::Tcp {
        return Verdict::No;
    }
    let b = if peek.to_server.is_empty() { peek.to_client } else { peek.to_server };
    let n = b.len().min(4);
    match () {
        () if b.len() >= 4 && b.starts_with(b"SSH-") => Verdict::Sure,
        () if b.is_empty() || (b.get(..n) == b"SSH-".get(..n) && !peek.ended) => Verdict::More,
        // Servers may say something before their version.
        () if peek.to_server.is_empty() && b.first().is_some_and(|c| matches!(c, b' '..=b'~')) => Verdict::Likely,
        () => Verdict::No,
    }
}
