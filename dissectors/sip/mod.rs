//! SIP (RFC 3261): how calls are set up, over UDP and TCP; and the SDP (RFC 8866) inside that says where sound and pictures will go.

mod fields;
mod sdp;

use fields as f;
use wirelore_kit::{
    AfterGapPromise, Claim, Dir, Dissector, F, Framing, More, Out, Peek, Reader, Relay, Side, Spec, Start, Stop, Text, Transport,
    Turn, Value, Verdict,
};

/// All that the house knows of SIP.
pub static SPEC: Spec = Spec {
    name: "sip",
    label: "SIP",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: f::NOTES,
    claims: &[Claim::Udp(5060), Claim::Tcp(5060), Claim::Upgrade("sip"), Claim::Named("sip")],
    probe,
    resync: Some(resync),
    states: f::STATES,
    after_gap: AfterGapPromise::Within(1),
    relay: Relay::Opaque,
    middle: None,
    new: |start| Box::new(Sip::new(start)),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// A head may be so long, bytes.
const MOST_HEAD: usize = 64 * 1024;
/// A body may be so long, bytes.
const MOST_BODY: u64 = 1 << 20;

/// Nothing but the framing is remembered: each message says which transaction it belongs to.
#[derive(Debug, Clone, Copy)]
struct Sip {
    datagrams: bool,
}

impl Sip {
    fn new(start: &Start) -> Sip {
        Sip { datagrams: start.transport == Transport::Udp }
    }
}

/// What the head says that the rest needs.
#[derive(Debug, Clone, Default)]
struct Head {
    line: String,
    request: bool,
    status: u64,
    method: Vec<u8>,
    call: Vec<u8>,
    sequence: Vec<u8>,
    length: Option<u64>,
    media: Vec<u8>,
}

impl Dissector for Sip {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        // RFC 5626 §3.5.1 and common practice: line ends alone keep a way open.
        let blank = r.rest().iter().take_while(|b| matches!(b, b'\r' | b'\n' | 0)).count();
        if blank > 0 {
            if blank == r.left() && !r.is_bounded() && blank < 4 {
                return Err(Stop::Short { need: r.taken().saturating_add(blank).saturating_add(1) });
            }
            r.group(&f::SIP, |r| r.bytes(&f::KEEP_ALIVE, blank).map(|_| ()))?;
            out.summary("Keep-alive");
            return Ok(());
        }
        let head = r.group(&f::SIP, |r| self.message(r))?;
        let key = transaction(&head);
        if head.request {
            if head.method != b"ACK" {
                out.asks(key);
            }
            state(out, turn.dir, &head);
        } else {
            out.answers(key, if head.status < 200 { More::Yes } else { More::No });
            state(out, turn.dir, &head);
        }
        out.summary(&head.line);
        Ok(())
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(*self))
    }

    fn weight(&self) -> usize {
        size_of::<Sip>()
    }
}

impl Sip {
    fn message(&self, r: &mut Reader<'_>) -> Result<Head, Stop> {
        let end = match r.seek(head_end) {
            Ok(end) => end,
            // A head without its end is shown as far as it goes.
            Err(Stop::Bad(_)) if r.is_bounded() => r.left(),
            Err(stop) if r.left() > MOST_HEAD => {
                let _ = stop;
                return Err(Stop::Bad(&f::LONG_HEAD));
            }
            Err(stop) => return Err(stop),
        };
        let mut head = Head::default();
        let start = r.at();
        first_line(r, &mut head)?;
        while (r.at().saturating_sub(start) as usize) < end {
            let rest = r.rest().get(..end.saturating_sub(r.at().saturating_sub(start) as usize)).unwrap_or(&[]);
            let n = line_len(rest);
            if rest.get(..n).is_some_and(|l| l.iter().all(|b| matches!(b, b'\r' | b'\n'))) {
                r.bytes(&f::HEAD_END, n)?;
            } else {
                header(r, rest.get(..n).unwrap_or(rest), &mut head)?;
            }
        }
        let there = r.left() as u64;
        let len = match head.length {
            // RFC 3261 §18.3: over UDP the datagram ends the message, whatever its length says.
            Some(n) if self.datagrams && n > there => {
                let at = r.span(0);
                r.note(&f::CUT_BODY, at);
                there
            }
            Some(n) if n > MOST_BODY => return Err(Stop::Bad(&f::LONG_BODY)),
            Some(n) if r.is_bounded() => n.min(there),
            Some(n) => n,
            None if self.datagrams => there,
            None => 0,
        };
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        if len > 0 {
            let bytes = r.peek(len)?;
            if Text(&head.media).is("application/sdp") {
                r.within(&f::SDP, len, sdp::read)?;
                if let Some(media) = sdp::media(bytes) {
                    head.line.push_str(", ");
                    head.line.push_str(&media);
                }
            } else {
                r.bytes(&f::BODY, len)?;
            }
        }
        if self.datagrams && r.left() > 0 {
            r.unknown(r.left())?;
        }
        Ok(head)
    }
}

/// Where the empty line behind the head ends.
fn head_end(b: &[u8], from: usize) -> Option<usize> {
    let mut at = from.saturating_sub(3);
    while let Some(n) = memchr::memchr(b'\n', b.get(at..)?) {
        at = at.saturating_add(n).saturating_add(1);
        match b.get(at..) {
            Some([b'\n', ..]) => return Some(at.saturating_add(1)),
            Some([b'\r', b'\n', ..]) => return Some(at.saturating_add(2)),
            _ => {}
        }
    }
    None
}

/// Bytes of the first line, its end and lines folded to it included.
fn line_len(b: &[u8]) -> usize {
    let mut at = 0usize;
    while let Some(n) = memchr::memchr(b'\n', b.get(at..).unwrap_or(&[])) {
        at = at.saturating_add(n).saturating_add(1);
        let empty = b.get(..at).is_some_and(|l| l.iter().all(|b| matches!(b, b'\r' | b'\n')));
        if empty || !matches!(b.get(at), Some(b' ' | b'\t')) {
            return at;
        }
    }
    b.len()
}

fn first_line(r: &mut Reader<'_>, head: &mut Head) -> Result<(), Stop> {
    let rest = r.rest();
    let len = memchr::memchr(b'\n', rest).map_or(rest.len(), |n| n.saturating_add(1));
    let line = rest.get(..len).unwrap_or(rest);
    let text = line.trim_ascii_end();
    let mut words = text.splitn(3, |b| *b == b' ');
    let (a, b, c) = (words.next().unwrap_or(&[]), words.next().unwrap_or(&[]), words.next().unwrap_or(&[]));
    if a.starts_with(b"SIP/") {
        let code = std::str::from_utf8(b).ok().and_then(|s| s.parse::<u64>().ok()).filter(|n| (100..=999).contains(n));
        let Some(code) = code else { return Err(Stop::Bad(&f::NOT_SIP)) };
        head.status = code;
        head.line = format!("{code} {}", Text(c));
        return r.within(&f::STATUS_LINE, len, |r| {
            r.text(&f::VERSION, a.len())?;
            r.bytes(&f::BLANK, 1)?;
            r.valued(&f::STATUS, b.len(), Value::U64(code))?;
            r.valued(&f::PHRASE, r.left(), Value::Blob(c.into())).map(|_| ())
        });
    }
    let method_ok = !a.is_empty() && a.len() <= 32 && a.iter().all(|b| b.is_ascii_graphic());
    if !method_ok || !c.starts_with(b"SIP/") {
        return Err(Stop::Bad(&f::NOT_SIP));
    }
    head.request = true;
    head.method = a.to_vec();
    head.line = format!("{} {}", Text(a), Text(b));
    r.within(&f::REQUEST_LINE, len, |r| {
        r.text(&f::METHOD, a.len())?;
        r.bytes(&f::BLANK, 1)?;
        r.text(&f::URI, b.len())?;
        r.bytes(&f::BLANK, 1)?;
        r.valued(&f::VERSION, r.left(), Value::Blob(c.into())).map(|_| ())
    })
}

fn header(r: &mut Reader<'_>, line: &[u8], head: &mut Head) -> Result<(), Stop> {
    let Some(colon) = memchr::memchr(b':', line) else {
        let at = r.span(line.len());
        r.note(&f::NO_COLON, at);
        return r.unknown(line.len());
    };
    let name = line.get(..colon).unwrap_or(&[]).trim_ascii();
    let value = line.get(colon.saturating_add(1)..).unwrap_or(&[]).trim_ascii();
    let field: F = f::header(name).unwrap_or(&f::HEADER);
    if field.is(&f::CALL_ID) {
        head.call = value.to_vec();
    } else if field.is(&f::CSEQ) {
        head.sequence = value.to_vec();
    } else if field.is(&f::CONTENT_LENGTH) {
        head.length = std::str::from_utf8(value).ok().and_then(|s| s.parse().ok());
        if head.length.is_none() {
            let at = r.span(line.len());
            r.note(&f::BAD_LENGTH, at);
        }
    } else if field.is(&f::CONTENT_TYPE) {
        head.media = value.split(|b| *b == b';').next().unwrap_or(&[]).trim_ascii().to_vec();
    }
    if field.is(&f::HEADER) {
        return r.text(&f::HEADER, line.len()).map(|_| ());
    }
    r.valued(field, line.len(), Value::Blob(value.into())).map(|_| ())
}

/// Call and sequence number tell transactions apart (RFC 3261 §17.2.3 also looks at the branch, which proxies change).
fn transaction(head: &Head) -> u64 {
    // FNV-1a: only to tell a few apart.
    let bytes = head.call.iter().chain(b" ").chain(&head.sequence);
    bytes.fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3))
}

fn state(out: &mut Out<'_>, dir: Dir, head: &Head) {
    let me = dir.sender();
    let other = if me == Side::Client { Side::Server } else { Side::Client };
    let method = if head.request { &head.method } else { &head.sequence.rsplit(|b| *b == b' ').next().unwrap_or(&[]).to_vec() };
    match (head.request, method.as_slice(), head.status) {
        (true, b"INVITE", _) => out.state(me, &f::CALLING),
        (true, b"BYE", _) => {
            out.state(me, &f::IDLE);
            out.state(other, &f::IDLE);
        }
        (false, b"INVITE", 180..=189) => out.state(me, &f::RINGING),
        (false, b"INVITE", 200..=299) => {
            out.state(me, &f::TALKING);
            out.state(other, &f::TALKING);
        }
        (false, b"INVITE", 300..) => {
            out.state(me, &f::IDLE);
            out.state(other, &f::IDLE);
        }
        _ => {}
    }
}

/// Methods that are met (RFC 3261, 3262, 3265, 3311, 3428, 3515, 3903, 6086).
const METHODS: [&[u8]; 14] = [
    b"INVITE ",
    b"ACK ",
    b"BYE ",
    b"CANCEL ",
    b"OPTIONS ",
    b"REGISTER ",
    b"PRACK ",
    b"SUBSCRIBE ",
    b"NOTIFY ",
    b"PUBLISH ",
    b"INFO ",
    b"REFER ",
    b"MESSAGE ",
    b"UPDATE ",
];

/// A status line, or a request line that ends in SIP's version.
fn probe(peek: &Peek<'_>) -> Verdict {
    let of = |b: &[u8]| {
        if b.is_empty() {
            return Verdict::More;
        }
        let status = b"SIP/2.0 ";
        let n = b.len().min(status.len());
        if b.get(..n) == status.get(..n) {
            return if n == status.len() { Verdict::Sure } else { Verdict::More };
        }
        let method = METHODS.iter().any(|m| m.get(..b.len().min(m.len())) == b.get(..b.len().min(m.len())));
        if !method {
            return Verdict::No;
        }
        match memchr::memchr(b'\n', b) {
            Some(end) if b.get(..end).is_some_and(|l| l.trim_ascii_end().ends_with(b" SIP/2.0")) => Verdict::Sure,
            Some(_) => Verdict::No,
            None if b.len() < 512 => Verdict::More,
            None => Verdict::No,
        }
    };
    match (of(peek.to_server), of(peek.to_client)) {
        (Verdict::More, Verdict::More) if peek.ended => Verdict::No,
        (Verdict::More, v) | (v, Verdict::More) => v,
        (Verdict::Sure, _) | (_, Verdict::Sure) => Verdict::Sure,
        (v, _) => v,
    }
}

/// Behind a gap: a line that begins a message, as far as its first 8 bytes tell.
fn resync(bytes: &[u8], _: Dir) -> Option<usize> {
    let starts = |b: &[u8]| b.starts_with(b"SIP/2.0 ") || METHODS.iter().any(|m| b.starts_with(m));
    (0..bytes.len()).find(|i| {
        let line_begins = i.checked_sub(1).is_none_or(|p| bytes.get(p) == Some(&b'\n'));
        line_begins && bytes.get(*i..).is_some_and(starts)
    })
}
