//! DTLS 1.0 and 1.2 (RFC 6347), and the headers of DTLS 1.3 (RFC 9147): TLS over datagrams, whose records know their number and whose
//! handshake messages come in fragments, twice, and out of order.

use super::crypto::opener::{Opener, Sealed};
use super::crypto::opener_of_master;
use super::cursor::Cursor;
use super::joiner::Joined;
use super::open::{Epoch, Why, labels};
use super::record::{Line, key_words};
use super::session::{Event, Session, TLS13};
use super::states::Ends;
use super::{DATA_KEY, HANDSHAKE_HINT, HANDSHAKE_KEY, fields as f, hint, names, notes as n};
use wirelore_kit::{
    AfterGapPromise, BitRange, Claim, Dir, Dissector, End, Framing, Hint, How, Level, Out, Peek, Reader, Relay, Side, Span, Spec,
    Start, Stop, Turn, Verdict,
};

/// TLS over datagrams.
pub static SPEC: Spec = Spec {
    name: "dtls",
    label: "DTLS",
    framing: Framing::Datagram,
    fields: f::DTLS,
    notes: NOTES,
    claims: &[Claim::Udp(4433), Claim::Udp(5684), Claim::Udp(853), Claim::Udp(2083), Claim::Named("dtls")],
    probe,
    resync: None,
    states: &[],
    after_gap: AfterGapPromise::Within(0),
    relay: Relay::WatchAlways,
    middle: None,
    new: |start| Box::new(Dtls::new(start)),
    explain: &[("en", include_str!("explain.dtls.en.toml"))],
};

static NOTES: &[&wirelore_kit::Note] = n::DATAGRAMS;

/// Bytes of a record's header.
const HEAD: usize = 13;
/// A handshake message may be so long, bytes; so many unfinished ones are kept, in so many bytes.
const MOST_MESSAGE: usize = 1 << 17;
const MOST_PENDING: usize = 16;

/// A handshake message under way.
#[derive(Clone, Default)]
struct Pending {
    seq: u16,
    /// Type and length as TLS writes them, and the body as far as it came.
    bytes: Vec<u8>,
    /// Which bytes of the body came, as ranges in order.
    came: Vec<(usize, usize)>,
}

impl Pending {
    fn is_whole(&self) -> bool {
        let len = self.bytes.len().saturating_sub(4);
        len == 0 || matches!(self.came.as_slice(), [(0, end)] if *end == len)
    }

    fn put(&mut self, at: usize, fragment: &[u8]) -> bool {
        let end = at.saturating_add(fragment.len());
        let Some(place) = self.bytes.get_mut(at.saturating_add(4)..end.saturating_add(4)) else { return false };
        place.copy_from_slice(fragment);
        self.came.push((at, end));
        self.came.sort_unstable();
        let mut joined: Vec<(usize, usize)> = Vec::new();
        for (a, b) in self.came.drain(..) {
            match joined.last_mut() {
                Some(last) if a <= last.1 => last.1 = last.1.max(b),
                _ => joined.push((a, b)),
            }
        }
        // A sender that scatters single bytes is not followed for ever.
        joined.truncate(256);
        self.came = joined;
        true
    }
}

/// A handshake message in a record: its header's values and its bytes.
struct Fragment<'a> {
    kind: u8,
    len: usize,
    seq: u16,
    at: usize,
    bytes: &'a [u8],
}

fn fragment<'a>(c: &mut Cursor<'a>) -> Option<Fragment<'a>> {
    let kind = c.u8()?;
    let len = c.number(3)? as usize;
    let seq = c.u16()?;
    let at = c.number(3)? as usize;
    let size = c.number(3)? as usize;
    Some(Fragment { kind, len, seq, at, bytes: c.take(size)? })
}

#[derive(Clone, Default)]
struct Half {
    pending: Vec<Pending>,
    next: u16,
    opener: Option<Opener>,
    dead: Option<Why>,
    opened: bool,
}

#[derive(Clone)]
struct Dtls {
    halves: [Half; 2],
    session: Session,
    ends: Ends,
    inside: Option<&'static str>,
    told: u8,
}

impl Dtls {
    fn new(start: &Start) -> Dtls {
        let inside = match start.hint {
            Hint::Over { inner, .. } => Some(inner),
            _ => None,
        };
        Dtls { halves: Default::default(), session: Session::default(), ends: Ends::default(), inside, told: 0 }
    }

    fn half(&mut self, dir: Dir) -> &mut Half {
        let [a, b] = &mut self.halves;
        if dir == Dir::ToServer { a } else { b }
    }

    /// Opens a record of an epoch after the first.
    fn open(&mut self, turn: &Turn<'_>, seq: u64, r: Sealed<'_>, out: &mut Vec<u8>) -> Result<u8, Why> {
        let from_client = turn.dir == Dir::ToServer;
        let [a, b] = &mut self.halves;
        let half = if from_client { a } else { b };
        if let Some(why) = half.dead {
            return Err(why);
        }
        if half.opener.is_none() {
            let made = if self.session.agreed().is_none() {
                Err(if self.session.client.is_none() || self.session.server.is_none() { Why::NoHello } else { Why::Cipher })
            } else if self.session.version >= TLS13 {
                Err(Why::Cipher)
            } else {
                match self.session.master(turn.secrets) {
                    None => Err(Why::NoKeys),
                    Some(master) => {
                        self.session.agreed().and_then(|a| opener_of_master(&a, &master, from_client)).ok_or(Why::Cipher)
                    }
                }
            };
            match made {
                Ok(opener) => half.opener = Some(opener),
                Err(why) => {
                    half.dead = Some(why);
                    return Err(why);
                }
            }
        }
        let Some(opener) = &mut half.opener else { return Err(Why::NoKeys) };
        match opener.open(seq, r, out) {
            Ok(kind) => {
                half.opened = true;
                Ok(kind)
            }
            Err(_) => Err(if half.opened { Why::NotOpened } else { Why::WrongKey }),
        }
    }

    /// Takes a fragment in; gives the messages that are whole and next in order.
    fn take(&mut self, dir: Dir, fr: &Fragment<'_>) -> (Vec<Vec<u8>>, bool) {
        let half = self.half(dir);
        let mut odd = false;
        let behind = fr.seq.wrapping_sub(half.next) >= 0x8000;
        if !behind && fr.len <= MOST_MESSAGE {
            let place = half.pending.iter().position(|p| p.seq == fr.seq).or_else(|| {
                if half.pending.len() >= MOST_PENDING {
                    return None;
                }
                let [_, a, b, c] = (fr.len as u32).to_be_bytes();
                let mut bytes = vec![0; fr.len.saturating_add(4)];
                bytes.iter_mut().zip([fr.kind, a, b, c]).for_each(|(to, v)| *to = v);
                half.pending.push(Pending { seq: fr.seq, bytes, came: Vec::new() });
                Some(half.pending.len().saturating_sub(1))
            });
            if let Some(p) = place.and_then(|i| half.pending.get_mut(i)) {
                let same = p.bytes.first() == Some(&fr.kind) && p.bytes.len() == fr.len.saturating_add(4);
                odd = !same || !p.put(fr.at, fr.bytes);
            }
        }
        (self.whole(dir, false), odd)
    }

    /// Messages that are whole: the next ones, or all where those between will never come.
    fn whole(&mut self, dir: Dir, all: bool) -> Vec<Vec<u8>> {
        let half = self.half(dir);
        let mut done = Vec::new();
        half.pending.sort_by_key(|p| p.seq.wrapping_sub(half.next));
        while let Some(first) = half.pending.first() {
            if !first.is_whole() && !all {
                break;
            }
            // A first message whose number is not 0: its beginning was not captured.
            if first.seq != half.next && !all && half.next != 0 {
                break;
            }
            let p = half.pending.remove(0);
            half.next = p.seq.wrapping_add(1);
            if p.is_whole() {
                done.push(p.bytes);
            }
        }
        done
    }

    /// Handshake messages that became whole.
    fn messages(&mut self, dir: Dir, whole: Vec<Vec<u8>>, span: Span, line: &mut Line, out: &mut Out<'_>) {
        for bytes in whole {
            let m = Joined { kind: bytes.first().copied().unwrap_or(0), whole: &bytes };
            let event = self.session.read(&m, dir == Dir::ToServer);
            self.ends.message(m.kind, event, dir, self.session.version, out);
            if event == Event::ClientHello {
                self.halves.iter_mut().for_each(|h| h.dead = None);
            }
            line.add(names::handshake(m.kind).unwrap_or("unknown message"), event == Event::Retry);
            out.inner_made(HANDSHAKE_KEY, dir, bytes, span, How::Joined, HANDSHAKE_HINT);
        }
    }

    fn record(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, said: &mut String, out: &mut Out<'_>) -> Result<(), Stop> {
        let from = r.at();
        let kind = r.u8(&f::D_CONTENT_TYPE)?;
        let version = r.u16(&f::D_VERSION)?;
        let epoch = r.u16(&f::D_EPOCH)?;
        let number = r.uint(&f::D_SEQUENCE, 6)?;
        if kind == 25 {
            // How long the connection ID is stands in no header; what is left behind it is sealed anyway.
            let len = r.rest().len().saturating_sub(2);
            r.bytes(&f::D_CONNECTION_ID, len.min(r.left()))?;
            let left = r.left();
            say(said, "record with a connection ID");
            return if left > 0 { r.unknown(left) } else { Ok(()) };
        }
        let len = usize::from(r.u16(&f::D_LENGTH)?);
        let body = r.peek(len)?;
        let span = r.span(len);
        let dir = turn.dir;
        if epoch > 0 {
            let mut plain = out.memory();
            let seq = u64::from(epoch) << 48 | number;
            let opened = self.open(turn, seq, Sealed { kind, version, body }, &mut plain);
            r.bytes(if kind == 23 { &f::D_APP_DATA } else { &f::D_ENCRYPTED }, len)?;
            match opened {
                Ok(kind) => {
                    if r.level() == Level::Tree {
                        r.derived(&f::D_OPENED_WITH, span, key_words(Epoch::Old));
                        r.derived(&f::D_PLAIN_LENGTH, span, plain.len() as u64);
                    }
                    self.opened(turn, kind, plain, span, said, r, out);
                }
                Err(why) => self.closed(turn, kind, why, r.since(from), said, r, out),
            }
            return Ok(());
        }
        match kind {
            22 => r.group(&f::D_HANDSHAKE, |r| {
                let end = r.at().saturating_add(len as u64);
                let mut line = Line::default();
                while r.at() < end {
                    let mut c = Cursor(r.rest().get(..end.saturating_sub(r.at()) as usize).unwrap_or(&[]));
                    let Some(fr) = fragment(&mut c) else {
                        let left = end.saturating_sub(r.at()) as usize;
                        r.note(&n::FRAGMENT_ODD, r.span(left));
                        r.unknown(left)?;
                        break;
                    };
                    r.u8(&f::D_TYPE)?;
                    r.u24(&f::D_MESSAGE_LENGTH)?;
                    r.u16(&f::D_MESSAGE_SEQ)?;
                    r.u24(&f::D_FRAGMENT_OFFSET)?;
                    r.u24(&f::D_FRAGMENT_LENGTH)?;
                    let at = r.span(fr.bytes.len());
                    if !fr.bytes.is_empty() {
                        r.bytes(&f::D_FRAGMENT, fr.bytes.len())?;
                    }
                    let (whole, odd) = self.take(dir, &fr);
                    if odd {
                        r.note(&n::FRAGMENT_ODD, at);
                    }
                    if whole.is_empty() {
                        line.part(names::handshake(fr.kind).unwrap_or("unknown message"));
                    }
                    self.messages(dir, whole, at, &mut line, out);
                }
                say(said, line);
                Ok(())
            }),
            21 if len == 2 => {
                let [level, desc] = *body else { return Ok(()) };
                r.group(&f::D_ALERT, |r| {
                    r.u8(&f::D_ALERT_LEVEL)?;
                    r.u8(&f::D_ALERT_DESC).map(|_| ())
                })?;
                self.alert(level, desc, turn, span, said, r, out);
                Ok(())
            }
            20 => {
                r.bytes(&f::D_CHANGE_CIPHER_SPEC, len)?;
                say(said, "Change Cipher Spec");
                self.flush(dir, span, said, r, out);
                let half = self.half(dir);
                half.opener = None;
                half.dead = None;
                Ok(())
            }
            23 => {
                say(said, "Application Data, not encrypted");
                r.bytes(&f::D_PLAIN_DATA, len).map(|_| ())
            }
            26 => {
                say(said, "ACK");
                r.bytes(&f::D_ACK, len).map(|_| ())
            }
            _ if len > 0 => {
                say(said, "Record");
                r.bytes(&f::D_ENCRYPTED, len).map(|_| ())
            }
            _ => Ok(()),
        }
    }

    /// Messages that wait for others which never came.
    fn flush(&mut self, dir: Dir, span: Span, said: &mut String, r: &mut Reader<'_>, out: &mut Out<'_>) {
        if self.half(dir).pending.is_empty() {
            return;
        }
        r.note(&n::FRAGMENT_LOST, span);
        let whole = self.whole(dir, true);
        let mut line = Line::default();
        self.messages(dir, whole, span, &mut line, out);
        say(said, line);
    }

    #[expect(clippy::too_many_arguments, reason = "one record's facts")]
    fn alert(
        &mut self,
        level: u8,
        desc: u8,
        turn: &Turn<'_>,
        span: Span,
        said: &mut String,
        r: &mut Reader<'_>,
        out: &mut Out<'_>,
    ) {
        let name = names::ALERTS.iter().find(|(v, _)| *v == u64::from(desc)).map_or("unknown alert", |a| a.1);
        say(said, format_args!("Alert, {name}"));
        if desc == 0 {
            self.ends.say(turn.dir.sender(), &f::CLOSED, out);
            out.inner_end(DATA_KEY, turn.dir, End::Fin);
        } else if level == 2 {
            r.note(&n::FATAL, span);
            self.ends.say(Side::Client, &f::FAILED, out);
            self.ends.say(Side::Server, &f::FAILED, out);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one record's facts")]
    fn opened(
        &mut self,
        turn: &Turn<'_>,
        kind: u8,
        plain: Vec<u8>,
        span: Span,
        said: &mut String,
        r: &mut Reader<'_>,
        out: &mut Out<'_>,
    ) {
        match (kind, plain.as_slice()) {
            (22, bytes) => {
                let mut c = Cursor(bytes);
                let mut line = Line::default();
                while let Some(fr) = fragment(&mut c) {
                    if r.level() == Level::Tree {
                        r.derived(&f::D_TYPE, span, u64::from(fr.kind));
                        r.derived(&f::D_MESSAGE_LENGTH, span, fr.len as u64);
                        r.derived(&f::D_MESSAGE_SEQ, span, u64::from(fr.seq));
                        r.derived(&f::D_FRAGMENT_OFFSET, span, fr.at as u64);
                        r.derived(&f::D_FRAGMENT_LENGTH, span, fr.bytes.len() as u64);
                    }
                    let (whole, odd) = self.take(turn.dir, &fr);
                    if odd {
                        r.note(&n::FRAGMENT_ODD, span);
                    }
                    self.messages(turn.dir, whole, span, &mut line, out);
                }
                say(said, line);
            }
            (21, [level, desc]) => {
                r.derived(&f::D_ALERT_LEVEL, span, u64::from(*level));
                r.derived(&f::D_ALERT_DESC, span, u64::from(*desc));
                self.alert(*level, *desc, turn, span, said, r, out);
            }
            (23, _) => {
                say(said, "Application Data");
                self.ends.data(turn.dir, &self.session, out);
                let hint = hint(self.session.protocol(), self.inside);
                out.inner_datagram(DATA_KEY, turn.dir, plain, span, How::Decrypted, hint);
            }
            _ => say(said, "Record"),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "one record's facts")]
    fn closed(
        &mut self,
        turn: &Turn<'_>,
        kind: u8,
        why: Why,
        span: Span,
        said: &mut String,
        r: &mut Reader<'_>,
        out: &mut Out<'_>,
    ) {
        say(
            said,
            match kind {
                22 => "Encrypted Handshake Message",
                21 => "Encrypted Alert",
                23 => "Application Data",
                _ => "Encrypted record",
            },
        );
        if kind == 23 {
            self.ends.data(turn.dir, &self.session, out);
        }
        let (note, bit) = match why {
            Why::NoKeys => (&n::NO_KEYS, 0),
            Why::WrongKey | Why::ChainLost => (&n::WRONG_KEY, 1),
            Why::Cipher => (&n::CIPHER, 2),
            Why::NoHello => (&n::HELLO_MISSING, 3),
            Why::NotOpened | Why::Refused => (&n::NOT_OPENED, 4),
        };
        if self.told & (1 << bit) == 0 {
            self.told |= 1 << bit;
            r.note(note, span);
            if why == Why::NoKeys {
                for label in labels(self.session.version, turn.dir == Dir::ToServer) {
                    if let Some(id) = self.session.id(label) {
                        out.wants(id);
                    }
                }
            }
        }
    }
}

fn say(said: &mut String, words: impl std::fmt::Display) {
    use std::fmt::Write as _;
    // Writing to a String cannot fail.
    let _ = write!(said, "{}{words}", if said.is_empty() { "" } else { "; " });
}

/// A record of DTLS 1.3 that is encrypted (RFC 9147 §4): its number is too, so nothing but its shape is shown.
fn unified(r: &mut Reader<'_>, said: &mut String) -> Result<(), Stop> {
    let first = r.peek(1)?.first().copied().unwrap_or(0);
    r.bits(&f::D_UNIFIED, BitRange { first: 0, len: 8 })?;
    r.skip(1)?;
    if first & 0x10 != 0 {
        // How long the connection ID is was agreed on inside the handshake.
        let left = r.left();
        r.bytes(&f::D_ENCRYPTED, left)?;
    } else {
        r.uint(&f::D_ENCRYPTED_SEQUENCE, if first & 8 != 0 { 2 } else { 1 })?;
        let len = if first & 4 != 0 { usize::from(r.u16(&f::D_LENGTH)?) } else { r.left() };
        r.bytes(&f::D_ENCRYPTED, len)?;
    }
    say(said, "Encrypted record");
    Ok(())
}

impl Dissector for Dtls {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let mut said = String::new();
        let mut next = self.clone();
        while !r.is_empty() {
            let first = r.peek(1)?.first().copied().unwrap_or(0);
            if first & 0xe0 == 0x20 {
                r.group(&f::D_RECORD, |r| unified(r, &mut said))?;
                continue;
            }
            let [kind, major, ..] = *r.peek(HEAD)? else { return Err(Stop::Bad(&n::NOT_TLS)) };
            if !(20..=26).contains(&kind) || !matches!(major, 0xfe | 1) {
                return Err(Stop::Bad(&n::NOT_TLS));
            }
            r.group(&f::D_RECORD, |r| next.record(turn, r, &mut said, out))?;
        }
        out.summary(said);
        *self = next;
        Ok(())
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        let half = |h: &Half| h.pending.iter().map(|p| p.bytes.capacity()).sum::<usize>();
        let [a, b] = &self.halves;
        size_of::<Dtls>().saturating_add(self.session.weight()).saturating_add(half(a)).saturating_add(half(b))
    }
}

/// Looks at a first datagram: type, a version of DTLS, an epoch that begins, a length that fits.
fn probe(peek: &Peek<'_>) -> Verdict {
    match (probe_way(peek.to_server, peek.ended), probe_way(peek.to_client, peek.ended)) {
        (Verdict::More, server) if peek.to_server.is_empty() => server,
        (client, _) => client,
    }
}

fn probe_way(b: &[u8], ended: bool) -> Verdict {
    let fits = |i: usize, ok: fn(u8) -> bool| b.get(i).is_none_or(|v| ok(*v));
    if !fits(0, |v| (20..=23).contains(&v)) || !fits(1, |v| matches!(v, 0xfe | 1)) || !fits(2, |v| matches!(v, 0xff | 0xfd | 0)) {
        return Verdict::No;
    }
    match b.get(..HEAD) {
        None if ended => Verdict::No,
        None => Verdict::More,
        Some([_, 1, 0, 0, 0, ..] | [_, 0xfe, 0xff | 0xfd, 0, ..]) => Verdict::Sure,
        Some(_) => Verdict::No,
    }
}
