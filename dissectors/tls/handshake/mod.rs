//! Handshake messages (RFC 8446 §4, RFC 5246 §7.4) as a stream of their own, whatever carried them: TLS records, DTLS fragments, QUIC.

mod certificate;
mod exchange;
mod extensions;
mod fields;
mod hello;

use super::notes as n;
use super::{names, session};
use fields as f;
use wirelore_kit::{AfterGapPromise, Claim, Dir, Dissector, Framing, More, Out, Peek, Reader, Relay, Spec, Stop, Turn, Verdict};

/// The stream of handshake messages.
pub static SPEC: Spec = Spec {
    name: "tls.handshake",
    label: "TLS handshake",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: n::HANDSHAKE,
    claims: &[Claim::Named("tls.handshake")],
    // Only ever read where an outer protocol says so.
    probe: |_: &Peek<'_>| Verdict::No,
    resync: Some(|bytes, _| (0..bytes.len()).find(|at| bytes.get(*at..).is_some_and(plausible))),
    states: &[],
    after_gap: AfterGapPromise::Within(1),
    relay: Relay::WatchAlways,
    middle: None,
    new: |_| Box::new(Handshake { known: Known::default() }),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// A message longer than this is none, bytes.
const MOST: usize = 1 << 18;

/// What is known when a message is read.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The version agreed on, as TLS counts; 0 before.
    pub version: u16,
    /// The cipher suite agreed on; 0 before.
    pub suite: u16,
    /// The host that the client asked for.
    pub host: Option<Box<str>>,
    /// Questions so far: hellos that want an answer.
    asked: u64,
}

struct Handshake {
    known: Known,
}

/// Whether a message may begin here: seen behind a hole.
fn plausible(b: &[u8]) -> bool {
    let [kind, 0, ..] = *b else { return false };
    kind != 0 && names::handshake(kind).is_some()
}

impl Dissector for Handshake {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let [kind, a, b, c] = *r.peek(4)? else { return Err(Stop::Bad(&n::VECTOR)) };
        let len = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        let Some(name) = names::handshake(kind).filter(|_| len <= MOST) else { return Err(Stop::Bad(&n::VECTOR)) };
        let whole = len.saturating_add(4);
        if !r.is_bounded() || r.left() >= whole {
            r.peek(whole)?;
        }
        let body = r.rest().get(4..whole).unwrap_or(&[]);
        let from_client = turn.dir == Dir::ToServer;
        // A copy learns while the message is read; it is kept when all of it was.
        let mut known = self.known.clone();
        let mut line = String::new();
        let at = r.at();
        r.group(&f::HANDSHAKE, |r| {
            r.u8(&f::TYPE)?;
            r.u24(&f::LENGTH)?;
            if len == 0 {
                return Ok(());
            }
            r.attempt(&f::BODY, len, |r| match (kind, from_client) {
                (1, true) => hello::client(r, body, &mut known, &mut line),
                (2, false) => hello::server(r, body, &mut known, &mut line),
                (3, false) => hello::verify_request(r),
                (4, _) => hello::ticket(r, &known, &mut line),
                (8, _) => extensions::list(r, 8, &mut known, &mut line),
                (11, _) => certificate::list(r, body, turn, &known, &mut line),
                (12, _) => exchange::server(r, &known),
                (13, _) => exchange::certificate_request(r, &known),
                (15, _) => exchange::verify(r, &known),
                (16, _) => exchange::client(r, &known),
                (20, _) => r.bytes(&f::VERIFY_DATA, len).map(|_| ()),
                (22, _) => certificate::status(r),
                (24, _) => r.u8(&f::REQUEST_UPDATE).map(|_| ()),
                (25, _) => certificate::packed(r, body, turn.dir, out),
                (67, _) => hello::next_protocol(r, &mut line),
                _ => r.unknown(len),
            })?;
            Ok(())
        })?;
        let span = r.since(at);
        hello::judge(kind, &known, span, r);
        match kind {
            1 => {
                known.asked = known.asked.wrapping_add(1);
                out.asks(known.asked);
            }
            2 => out.answers(known.asked, More::No),
            _ => {}
        }
        let retry = kind == 2 && body.get(2..34) == Some(&session::RETRY_RANDOM);
        let name = if retry { "Hello Retry Request" } else { name };
        if line.is_empty() {
            out.summary(name);
        } else {
            out.summary(format_args!("{name}, {line}"));
        }
        self.known = known;
        Ok(())
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(Handshake { known: self.known.clone() }))
    }

    fn weight(&self) -> usize {
        size_of::<Handshake>().saturating_add(self.known.host.as_ref().map_or(0, |h| h.len()))
    }
}
