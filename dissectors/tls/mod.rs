//! TLS 1.0 to 1.3 and DTLS (RFC 8446, RFC 5246, RFC 9147): records, what they carry, and what is inside where keys are given.
//!
//! A record is a message of the connection. The bytes of handshake messages, joined over records and opened where they are encrypted, are
//! an inner conversation of its own ([`HANDSHAKE`]), so that a message reads the same however records cut it; QUIC's crypto streams can be
//! handed to it as well. The application's bytes are another, read by what ALPN, the protocol around or their first bytes say.

mod cert;
mod chain;
mod crypto;
mod cursor;
mod dtls;
mod fields;
mod finger;
mod handshake;
mod joiner;
mod names;
mod notes;
mod open;
mod record;
mod session;
mod states;
mod suites;

pub use dtls::SPEC as DTLS;
pub use handshake::SPEC as HANDSHAKE;

use fields as f;
use joiner::Joiner;
use notes as n;
use open::{Half, Opened, Why};
use record::{HEAD, Head};
use session::{Event, Session, TLS13};
use states::Ends;
use wirelore_kit::{
    AfterGap, AfterGapPromise, Claim, Dir, Dissector, End, Framing, Hint, How, Note, Out, Peek, Reader, Relay, Side, Spec, Start,
    Stop, Turn, Verdict,
};

/// TLS over a stream.
pub static SPEC: Spec = Spec {
    name: "tls",
    label: "TLS",
    framing: Framing::Stream,
    fields: f::TLS,
    notes: n::RECORDS,
    claims: &[
        Claim::Tcp(443),
        Claim::Tcp(8443),
        Claim::Tcp(465),
        Claim::Tcp(563),
        Claim::Tcp(636),
        Claim::Tcp(853),
        Claim::Tcp(989),
        Claim::Tcp(990),
        Claim::Tcp(992),
        Claim::Tcp(993),
        Claim::Tcp(994),
        Claim::Tcp(995),
        Claim::Tcp(5061),
        Claim::Tcp(5223),
        Claim::Tcp(5671),
        Claim::Tcp(6697),
        Claim::Tcp(8883),
        Claim::Tcp(4433),
        Claim::Upgrade("tls/1.0"),
        Claim::Named("tls"),
    ],
    probe,
    resync: Some(resync),
    states: f::STATES,
    after_gap: AfterGapPromise::Within(2),
    relay: Relay::WatchAlways,
    middle: None,
    new: |start| Box::new(Tls::new(start)),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// The key of the inner conversation that carries handshake messages.
pub const HANDSHAKE_KEY: u64 = 0;
/// The key of the inner conversation that carries the application's bytes.
pub const DATA_KEY: u64 = 1;

/// What the handshake's bytes are handed on as.
const HANDSHAKE_HINT: Hint = Hint::Proto("tls.handshake");

/// Notes that are told once a connection and direction.
type Told = u8;

/// The state machine.
#[derive(Clone)]
struct Tls {
    halves: [Half; 2],
    session: Session,
    ends: Ends,
    /// What is inside, said by the protocol that became this one.
    inside: Option<&'static str>,
    midstream: bool,
    begun: bool,
    /// The server asked for a second hello that was not read yet.
    retry: bool,
    /// TLS's client is the end that was called.
    turned: bool,
    /// Which ends have said that they send no more.
    closed: [bool; 2],
    told: Told,
}

impl Tls {
    fn new(start: &Start) -> Tls {
        let inside = match start.hint {
            Hint::Over { inner, .. } => Some(inner),
            _ => None,
        };
        Tls {
            halves: [Half::default(), Half::default()],
            session: Session::default(),
            ends: Ends::default(),
            inside,
            midstream: start.midstream,
            begun: false,
            retry: false,
            turned: false,
            closed: [false; 2],
            told: 0,
        }
    }

    fn half(&mut self, dir: Dir) -> &mut Half {
        let [a, b] = &mut self.halves;
        if dir == Dir::ToServer { a } else { b }
    }

    /// The direction as TLS's client and server have it.
    const fn role(&self, dir: Dir) -> Dir {
        if self.turned { dir.other() } else { dir }
    }

    /// What the application's bytes are.
    fn hint(&self) -> Hint {
        hint(self.session.protocol(), self.inside)
    }

    /// Whether a record must not be read before the other side has spoken: packets of both directions may be captured in the wrong order.
    fn must_wait(&mut self, turn: &Turn<'_>, head: &Head) -> bool {
        if turn.other_ended || self.midstream || self.half(turn.dir.other()).lost || self.half(turn.dir).lost {
            return false;
        }
        match turn.dir {
            Dir::ToServer => {
                let sealed = head.kind == 23 || (head.kind == 22 && self.half(turn.dir).ccs);
                let s = &self.session;
                // Whether early data are part of what was said depends on the server: they count only where it took them.
                let early =
                    s.early && s.early_taken.is_none() && s.secret(turn.secrets, "SERVER_HANDSHAKE_TRAFFIC_SECRET").is_some();
                sealed && s.client.is_some() && !self.retry && (s.server.is_none() || early)
            }
            Dir::ToClient => head.kind == 22 && (self.session.client.is_none() || self.retry),
        }
    }

    fn read_record(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let dir = turn.dir;
        let head = match record::head(r.peek(HEAD)?) {
            Some(head) => head,
            None => return Err(Stop::Bad(&n::NOT_TLS)),
        };
        let len = HEAD.saturating_add(head.len);
        if r.is_bounded() && r.left() < len {
            record::cut(r, &head)?;
        }
        let whole = r.peek(len)?;
        let body = whole.get(HEAD..).unwrap_or(&[]);
        if self.must_wait(turn, &head) {
            return Err(Stop::Wait);
        }
        let sealed = self.is_sealed(dir, &head, body);
        let mut plain = out.memory();
        let refused = dir == Dir::ToServer && head.kind == 23 && self.retry;
        let opened = if sealed {
            let [a, b] = &mut self.halves;
            let half = if dir == Dir::ToServer { a } else { b };
            half.open(&mut self.session, dir, turn.secrets, head.sealed(body), &mut plain)
        } else {
            Ok(Opened::clear(head.kind))
        };
        let half = self.half(dir);
        if half.guessed {
            // A start guessed behind a hole: the tag proves it, or else the next header.
            match &opened {
                Ok(_) if sealed => {}
                Err(Why::NotOpened) if half.opened > 0 => return Err(Stop::Bad(&n::NOT_TLS)),
                _ if r.is_bounded() && r.left() == len => {}
                _ => {
                    let next = r.peek(len.saturating_add(HEAD))?;
                    if record::head(next.get(len..).unwrap_or(&[])).is_none() {
                        return Err(Stop::Bad(&n::NOT_TLS));
                    }
                }
            }
            half.guessed = false;
        }
        self.begun = true;
        // From here on nothing fails for want of bytes.
        let span = r.span(len);
        // Early data exist in TLS 1.3 alone, and come before the version is agreed on.
        let hides = self.session.version >= TLS13 || (self.session.version == 0 && self.session.early);
        let shown = record::Shown { head, sealed, hides, opened, plain: &plain };
        record::show(r, &shown)?;
        if let Ok(o) = &opened
            && o.skipped > 0
        {
            r.note(&n::RECORDS_LOST, span);
        }
        match opened {
            // What the server did not take was not said.
            _ if refused => out.summary("Early data that the server did not take"),
            Ok(o) if sealed => self.content(turn, o.kind, Bytes::Made(plain), span, r, out),
            Ok(o) => {
                let at = wirelore_kit::Span::new(span.buf, span.at.saturating_add(HEAD as u64), head.len as u32);
                self.content(turn, o.kind, Bytes::Here(body, at), span, r, out);
            }
            Err(why) => self.unopened(turn, &head, why, span, r, out),
        }
        Ok(())
    }

    /// Whether a record's content is encrypted.
    fn is_sealed(&mut self, dir: Dir, head: &Head, body: &[u8]) -> bool {
        let tls13 = self.session.version >= TLS13;
        let unsure = self.midstream || self.half(dir).lost;
        match head.kind {
            23 => true,
            20 => false,
            // TLS 1.3 hides all that it encrypts behind type 23.
            _ if tls13 => false,
            _ if self.half(dir).ccs => true,
            21 => body.len() != 2,
            22 if unsure => !record::begins_message(body),
            _ => false,
        }
    }

    /// What a record carries, as it is.
    fn content(
        &mut self,
        turn: &Turn<'_>,
        kind: u8,
        bytes: Bytes<'_>,
        span: wirelore_kit::Span,
        r: &mut Reader<'_>,
        out: &mut Out<'_>,
    ) {
        let dir = turn.dir;
        let from_client = dir == Dir::ToServer;
        match kind {
            22 => {
                let mut line = record::Line::default();
                let mut events: [Option<(Event, u8)>; 16] = [None; 16];
                let mut joiner = std::mem::take(&mut self.half(dir).joiner);
                let mut slots = events.iter_mut();
                joiner.feed(bytes.get(), |m| {
                    let event = self.session.read(&m, from_client);
                    line.add(names::handshake(m.kind).unwrap_or("unknown message"), event == Event::Retry);
                    if let Some(slot) = slots.next() {
                        *slot = Some((event, m.kind));
                    }
                });
                if let Some(kind) = joiner.under_way() {
                    line.part(names::handshake(kind).unwrap_or("unknown message"));
                }
                self.half(dir).joiner = joiner;
                for (event, kind) in events.into_iter().flatten() {
                    self.happened(dir, event);
                    self.ends.message(kind, event, dir, self.session.version, out);
                }
                out.summary(line);
                match bytes {
                    Bytes::Here(_, at) => out.inner(HANDSHAKE_KEY, dir, at, How::Joined, HANDSHAKE_HINT),
                    Bytes::Made(plain) => out.inner_made(HANDSHAKE_KEY, dir, plain, span, How::Decrypted, HANDSHAKE_HINT),
                }
            }
            21 => {
                let [level, desc] = *bytes.get() else {
                    out.summary("Alert");
                    return;
                };
                let name = |names: wirelore_kit::Names, v: u8| names.iter().find(|(n, _)| *n == u64::from(v)).map(|n| n.1);
                let (l, d) = (name(names::ALERT_LEVELS, level), name(names::ALERTS, desc));
                out.summary(format_args!("Alert, {}, {}", l.unwrap_or("unknown level"), d.unwrap_or("unknown alert")));
                // Wireshark's level is not to be trusted in TLS 1.3; only these two close in peace (RFC 8446 §6).
                if desc == 0 {
                    out.inner_end(DATA_KEY, dir, End::Fin);
                    self.ends.say(dir.sender(), &f::CLOSED, out);
                    let [a, b] = &mut self.closed;
                    *(if from_client { a } else { b }) = true;
                    // The protocol that began TLS goes on in clear text, if it goes on (RFC 4217 §6: CCC).
                    if let (Some(outer), [true, true]) = (self.inside, self.closed) {
                        out.becomes(Hint::Over { outer, inner: "tls" });
                    }
                } else if level == 2 {
                    r.note(&n::FATAL, span);
                    self.ends.say(Side::Client, &f::FAILED, out);
                    self.ends.say(Side::Server, &f::FAILED, out);
                }
            }
            20 => {
                out.summary("Change Cipher Spec");
                // Before the version is known only a client that offers TLS 1.3 sends it, and means nothing by it.
                let unsure = self.midstream || self.half(dir).lost;
                if self.session.version < TLS13 && (self.session.version > 0 || unsure) {
                    self.half(dir).change_cipher();
                }
            }
            23 => {
                match self.session.protocol() {
                    Some(name) => out.summary_of(&[wirelore_kit::Text(b"Application Data, "), wirelore_kit::Text(name)]),
                    None => out.summary_of(&[wirelore_kit::Text(b"Application Data")]),
                }
                self.ends.data(dir, &self.session, out);
                let hint = self.hint();
                match bytes {
                    Bytes::Here(_, at) => out.inner(DATA_KEY, dir, at, How::Joined, hint),
                    Bytes::Made(plain) => out.inner_made(DATA_KEY, dir, plain, span, How::Decrypted, hint),
                }
            }
            24 => out.summary("Heartbeat"),
            _ => out.summary(format_args!("Record of type {kind}")),
        }
    }

    /// What a message of the handshake means for the keys.
    fn happened(&mut self, dir: Dir, event: Event) {
        match event {
            Event::ClientHello => {
                // Within TLS 1.3 a hello never comes twice but behind a retry; before, it renegotiates and keys stay until the next change.
                self.retry = false;
                let early = self.session.early;
                self.half(Dir::ToServer).client_hello(early);
            }
            Event::Retry => self.retry = true,
            Event::EncryptedExtensions if self.session.early && self.session.early_taken == Some(false) => {
                self.half(Dir::ToServer).early_data_over();
            }
            Event::ServerHello if self.session.version >= TLS13 => self.halves.iter_mut().for_each(Half::server_hello),
            Event::Finished if self.session.version >= TLS13 => self.half(dir).finished(),
            Event::EndOfEarlyData => self.half(dir).early_data_over(),
            Event::KeyUpdate if self.session.version >= TLS13 => {
                let suite = self.session.parts();
                self.half(dir).key_update(suite.as_ref());
            }
            _ => {}
        }
    }

    /// A record that stays closed.
    fn unopened(
        &mut self,
        turn: &Turn<'_>,
        head: &Head,
        why: Why,
        span: wirelore_kit::Span,
        r: &mut Reader<'_>,
        out: &mut Out<'_>,
    ) {
        let from_client = turn.dir == Dir::ToServer;
        out.summary_of(&[wirelore_kit::Text(match head.kind {
            22 => b"Encrypted Handshake Message",
            21 => b"Encrypted Alert",
            23 => b"Application Data",
            _ => b"Encrypted record",
        })]);
        if head.kind == 23 {
            self.ends.data(turn.dir, &self.session, out);
        }
        if why == Why::Refused {
            out.summary("Early data that the server did not take");
            return;
        }
        let (note, bit): (&'static Note, u8) = match why {
            Why::NoKeys => (&n::NO_KEYS, 0),
            Why::WrongKey => (&n::WRONG_KEY, 1),
            Why::Cipher => (&n::CIPHER, 2),
            Why::NoHello => (&n::HELLO_MISSING, 3),
            Why::ChainLost => (&n::CHAIN_LOST, if from_client { 4 } else { 5 }),
            Why::NotOpened | Why::Refused => {
                r.note(&n::NOT_OPENED, span);
                return;
            }
        };
        if self.told & (1 << bit) == 0 {
            self.told |= 1 << bit;
            r.note(note, span);
        }
        let side = if from_client { 6 } else { 7 };
        if why == Why::NoKeys && self.told & (1 << side) == 0 {
            self.told |= 1 << side;
            for label in open::labels(self.session.version, from_client) {
                if let Some(id) = self.session.id(label) {
                    out.wants(id);
                }
            }
        }
    }
}

/// Content of a record: in the bytes being read, or made by decryption.
enum Bytes<'b> {
    Here(&'b [u8], wirelore_kit::Span),
    Made(Vec<u8>),
}

impl Bytes<'_> {
    fn get(&self) -> &[u8] {
        match self {
            Bytes::Here(b, _) => b,
            Bytes::Made(b) => b,
        }
    }
}

/// What the application's bytes are, by ALPN or else by the protocol around. Names that no reader may know are left to the bytes themselves.
fn hint(protocol: Option<&[u8]>, inside: Option<&'static str>) -> Hint {
    match protocol {
        // Drafts of HTTP/2 differ in nothing that a reader must know.
        Some(name) if name.starts_with(b"h2-") => Hint::Alpn((*b"h2").into()),
        Some(name @ (b"h2" | b"http/1.1" | b"http/1.0" | b"dot" | b"ftp" | b"imap" | b"pop3" | b"mqtt" | b"postgresql")) => {
            Hint::Alpn(name.into())
        }
        _ => inside.map_or(Hint::Probe, Hint::Proto),
    }
}

impl Dissector for Tls {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        // Where another protocol brought TLS here, the end that was called may be TLS's client (RFC 4217 §7: FTP's active mode).
        if !self.begun && self.inside.is_some() && turn.dir == Dir::ToClient && r.rest().first() == Some(&22) {
            self.turned = r.peek(HEAD.saturating_add(1))?.last() == Some(&1);
        }
        let turn = &Turn { dir: self.role(turn.dir), ..*turn };
        if !self.begun && turn.dir == Dir::ToServer && r.peek(1)?.first().is_some_and(|b| b & 0x80 != 0) {
            self.session.client = Some(record::v2_hello(r, out)?);
            self.begun = true;
            self.ends.message(1, Event::ClientHello, turn.dir, 0, out);
            return Ok(());
        }
        self.read_record(turn, r, out)
    }

    fn gap(&mut self, dir: Dir, _: u64, _: &mut Out<'_>) -> AfterGap {
        let dir = self.role(dir);
        let half = self.half(dir);
        half.joiner = Joiner::default();
        half.lost = true;
        half.guessed = true;
        half.hole();
        AfterGap::Resync
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        let [a, b] = &self.halves;
        size_of::<Tls>().saturating_add(self.session.weight()).saturating_add(a.weight()).saturating_add(b.weight())
    }
}

fn resync(bytes: &[u8], _: Dir) -> Option<usize> {
    memchr::memchr_iter(3, bytes)
        .filter_map(|at| at.checked_sub(1))
        .find(|at| bytes.get(*at..).is_some_and(|b| record::head(b).is_some()))
}

/// Looks at first bytes: a record with a hello is beyond doubt, any other first record needs the port.
fn probe(peek: &Peek<'_>) -> Verdict {
    match (probe_way(peek.to_server, 1, peek.ended), probe_way(peek.to_client, 2, peek.ended)) {
        (client, server) if peek.to_server.is_empty() && !peek.to_client.is_empty() => {
            if client == Verdict::No {
                Verdict::No
            } else {
                server
            }
        }
        // Who gets another answer than TLS speaks to someone who does not speak it.
        (_, Verdict::No) if !peek.to_client.is_empty() => Verdict::No,
        (client, _) => client,
    }
}

fn probe_way(b: &[u8], hello: u8, ended: bool) -> Verdict {
    let open = if ended { Verdict::No } else { Verdict::More };
    let Some(first) = b.first() else { return open };
    if !(20..=24).contains(first) {
        return if hello == 1 && first & 0x80 != 0 { record::probe_v2(b, ended) } else { Verdict::No };
    }
    let fits = |i: usize, ok: fn(u8) -> bool| b.get(i).is_none_or(|v| ok(*v));
    if !fits(1, |v| v == 3) || !fits(2, |v| v <= 4) || !fits(3, |v| v <= 0x48) {
        return Verdict::No;
    }
    let Some(head) = b.get(..HEAD) else { return open };
    if record::head(head).is_none() {
        return Verdict::No;
    }
    match (first, b.get(HEAD)) {
        (22, None) => open,
        // Type, and a length of three bytes whose first is always 0 in hellos.
        (22, Some(kind)) if *kind == hello || *kind == 0 => match b.get(6) {
            None => open,
            Some(0) => Verdict::Sure,
            Some(_) => Verdict::No,
        },
        (22, Some(_)) => Verdict::Likely,
        _ => Verdict::Likely,
    }
}
