//! QUIC (RFC 9000, 9001, 9369): packets of a connection, deciphered as far as keys go.
//!
//! Keys of Initial packets come from the packets themselves, so the server's name is visible to everybody; later packets need a key log.
//! Three streams are inside: the frames of each packet, the handshake messages of TLS (joined over packets), and what the streams carry.

mod fields;
mod frames;
mod joiner;
mod keys;
mod link;
mod packet;

pub use frames::SPEC as FRAMES;

use fields as f;
use link::Link;
use packet::Packet;
use wirelore_kit::{
    AfterGapPromise, Claim, Dir, Dissector, End, Framing, Out, Peek, Reader, Relay, Spec, Stop, Transport, Turn, Verdict,
};

/// All that the house knows of QUIC.
pub static SPEC: Spec = Spec {
    name: "quic",
    label: "QUIC",
    framing: Framing::Datagram,
    fields: f::ALL,
    notes: f::NOTES,
    claims: &[Claim::Udp(443), Claim::Udp(853), Claim::Named("quic")],
    probe,
    resync: None,
    states: f::STATES,
    after_gap: AfterGapPromise::Within(0),
    relay: Relay::Opaque,
    middle: None,
    new: |_| Box::new(Quic::default()),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// So many connections of one pair of ports are followed at once; the oldest goes first.
const MOST_LINKS: usize = 16;

/// The connections between two ports.
#[derive(Debug, Clone, Default)]
struct Quic {
    links: Vec<Link>,
    /// How many connections there were.
    begun: u64,
    /// That the beginning is missing was said.
    told: bool,
}

impl Quic {
    /// The place of the connection that a packet belongs to; a client's first packet begins one.
    fn link_of(&mut self, dir: Dir, p: &Packet<'_>) -> Option<usize> {
        if let Some(at) = self.links.iter().rposition(|l| l.is_of(dir, p)) {
            return Some(at);
        }
        let Packet::Initial { head, .. } = p else {
            return None;
        };
        if dir != Dir::ToServer {
            return None;
        }
        let link = Link::new(self.begun, head)?;
        self.begun = self.begun.saturating_add(1);
        if self.links.len() >= MOST_LINKS {
            self.links.remove(0);
        }
        self.links.push(link);
        Some(self.links.len().saturating_sub(1))
    }
}

impl Dissector for Quic {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let mut line = String::new();
        while r.left() > 0 {
            // What follows a packet in the same datagram is another packet, or padding (RFC 9000 §12.2).
            if !line.is_empty() && r.rest().first().is_some_and(|b| b & 0xc0 == 0) {
                r.bytes(&f::COALESCED_PADDING, r.left())?;
                break;
            }
            let short_len = self.links.last().map_or(0, |l| l.id_len(turn.dir));
            let bytes = r.rest();
            let p = packet::parse(bytes, short_len, |id| self.links.iter().rev().find_map(|l| l.id_at(turn.dir, id)));
            let p = match p {
                Ok(p) => p,
                Err(what) if line.is_empty() => return Err(Stop::Bad(what)),
                Err(what) => {
                    let at = r.span(r.left());
                    r.note(what, at);
                    r.unknown(r.left())?;
                    break;
                }
            };
            let from = r.span(p.len());
            let link = self.link_of(turn.dir, &p);
            let opened = link.and_then(|i| self.links.get_mut(i)).map(|l| l.open(turn, &p, bytes, from, out));
            if !line.is_empty() {
                line.push_str("; ");
            }
            p.tell(opened.as_ref().and_then(|o| o.number), &mut line);
            packet::show(r, &p, opened.as_ref())?;
            if let Some(what) = opened.and_then(|o| o.note) {
                r.note(what, from);
            } else if link.is_none() && p.wants_link() && !std::mem::replace(&mut self.told, true) {
                r.note(&f::NO_START, from);
            }
        }
        out.summary(line);
        Ok(())
    }

    fn end(&mut self, dir: Dir, how: End, out: &mut Out<'_>) {
        for l in &self.links {
            l.end(dir, how, out);
        }
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        size_of::<Quic>().saturating_add(self.links.iter().map(Link::weight).sum())
    }
}

/// A long header of a version that is known, or of any where the datagram is as long as a client's first must be (RFC 9000 §14.1).
fn probe(peek: &Peek<'_>) -> Verdict {
    let bytes = if peek.to_server.is_empty() { peek.to_client } else { peek.to_server };
    match bytes {
        _ if peek.transport != Transport::Udp => Verdict::No,
        [] => Verdict::More,
        [first, a, b, c, d, len, ..] if first & 0x80 != 0 => {
            let version = u32::from_be_bytes([*a, *b, *c, *d]);
            let known = packet::version_name(version).is_some();
            if known && first & 0x40 != 0 && *len <= 20 {
                Verdict::Sure
            } else if (known || version & 0x0f0f_0f0f == 0x0a0a_0a0a || version == 0) && *len <= 20 {
                Verdict::Likely
            } else {
                Verdict::No
            }
        }
        // A short header says nothing; on its port alone it may be QUIC that began before the capture.
        [first, ..] if first & 0xc0 == 0x40 && bytes.len() >= 21 && matches!(peek.server_port, 443 | 853) => Verdict::Likely,
        _ => Verdict::No,
    }
}
