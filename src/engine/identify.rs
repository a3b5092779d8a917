//! Identification: which protocol a conversation speaks, as a claim with its evidence.
//!
//! Weighed in this order: what the user said, what another conversation announced, what the protocol around it says, a probe that is
//! sure, a probe that finds it likely together with the port, the port alone. A candidate wins only when no better one can still come:
//! every other probe has said something other than [`Verdict::More`], or [`PEEK`] bytes are there, or no more will come.

use hashbrown::HashMap;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::sync::OnceLock;
use wirelore_kit::row::Evidence;
use wirelore_kit::{Claim, Hint, Peek, Spec, Start, Transport, Verdict, reader_of};

/// A probe sees at most so many bytes of each direction.
pub const PEEK: usize = 512;

/// What identification came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// More bytes are needed.
    Wait,
    /// Nothing that we read.
    Nobody,
    /// This protocol.
    Is {
        /// Its place in the table.
        index: usize,
        /// Why.
        evidence: Evidence,
        /// The end that was taken for the client is the server.
        flipped: bool,
    },
}

/// What identification looks at.
#[derive(Debug, Clone, Copy)]
pub struct Question<'q> {
    /// The table.
    pub table: &'static [&'static Spec],
    /// Circumstances.
    pub start: &'q Start,
    /// First bytes by direction, as the ends are taken now.
    pub bytes: [&'q [u8]; 2],
    /// No more bytes will come in either direction.
    pub ended: bool,
    /// Whether the ends' roles are open (the beginning was not seen).
    pub roles_open: bool,
    /// Table places that were tried and withdrawn, as bits.
    pub not: u128,
    /// Said by the user.
    pub user: Option<&'static str>,
}

/// Table places; most ports have one claimant.
type Places = SmallVec<[u16; 2]>;

/// Which protocols claim which server ports.
struct Ports {
    table: &'static [&'static Spec],
    by_port: HashMap<(Transport, u16), Places>,
}

impl Ports {
    fn new(table: &'static [&'static Spec]) -> Ports {
        let mut by_port: HashMap<(Transport, u16), Places> = HashMap::new();
        for (place, spec) in table.iter().enumerate() {
            for claim in spec.claims {
                let port = match claim {
                    Claim::Tcp(port) => (Transport::Tcp, *port),
                    Claim::Udp(port) => (Transport::Udp, *port),
                    _ => continue,
                };
                by_port.entry(port).or_default().push(place as u16);
            }
        }
        Ports { table, by_port }
    }
}

/// The protocols of the table that claim `port` as their server's.
fn claimants(table: &'static [&'static Spec], transport: Transport, port: u16) -> Cow<'static, [u16]> {
    // The program has one table, and every flow asks: it is turned round once. Other tables are those of tests.
    static TURNED: OnceLock<Ports> = OnceLock::new();
    let ports = TURNED.get_or_init(|| Ports::new(table));
    if std::ptr::eq(ports.table, table) {
        return Cow::Borrowed(ports.by_port.get(&(transport, port)).map_or(&[], |places| places));
    }
    Cow::Owned(Ports::new(table).by_port.remove(&(transport, port)).unwrap_or_default().into_vec())
}

/// Whether any protocol of the table claims `port` as its server's.
#[must_use]
pub fn is_server_port(table: &'static [&'static Spec], transport: Transport, port: u16) -> bool {
    !claimants(table, transport, port).is_empty()
}

/// Weighs the candidates.
#[must_use]
pub fn identify(q: &Question<'_>) -> Decision {
    let free = |i: usize| q.not & 1u128.checked_shl(i as u32).unwrap_or(0) == 0;
    let is = |index, evidence, flipped| Decision::Is { index, evidence, flipped };
    if let Some(i) = q.user.and_then(|name| q.table.iter().position(|s| s.name == name)).filter(|i| free(*i)) {
        return is(i, Evidence::User, false);
    }
    if let Some(i) = reader_of(q.table, &q.start.hint).filter(|i| free(*i)) {
        return is(i, if q.start.expected.is_some() { Evidence::Expected } else { Evidence::Hint }, false);
    }
    if matches!(q.start.hint, Hint::Bytes(_)) {
        return Decision::Nobody;
    }
    let [up, down] = q.bytes.map(|b| b.get(..PEEK).unwrap_or(b));
    let (client, server) = (q.start.client.map_or(0, |c| c.1), q.start.server.map_or(0, |s| s.1));
    let full = q.ended || up.len() >= PEEK || down.len() >= PEEK;
    let mut open = false;
    let mut likely = None;
    let mut by_port = None;
    for flipped in [false, true] {
        if flipped && !q.roles_open {
            break;
        }
        let peek = if flipped {
            Peek {
                to_server: down,
                to_client: up,
                transport: q.start.transport,
                client_port: server,
                server_port: client,
                ended: q.ended,
            }
        } else {
            Peek {
                to_server: up,
                to_client: down,
                transport: q.start.transport,
                client_port: client,
                server_port: server,
                ended: q.ended,
            }
        };
        // Who claims the port is asked first: most flows are what their port says, and a sure word ends the asking.
        let claimants = claimants(q.table, q.start.transport, peek.server_port);
        let claims = |i: usize| claimants.iter().any(|c| usize::from(*c) == i);
        let first = claimants.iter().map(|c| usize::from(*c));
        for index in first.chain((0..q.table.len()).filter(|i| !claims(*i))).filter(|i| free(*i)) {
            let Some(spec) = q.table.get(index) else { continue };
            let port = claims(index);
            match (spec.probe)(&peek) {
                Verdict::Sure => return is(index, Evidence::Probe, flipped),
                Verdict::No => continue,
                Verdict::Likely if port => {
                    likely = likely.or(Some(is(index, Evidence::ProbeAndPort(peek.server_port), flipped)));
                }
                Verdict::Likely => {}
                Verdict::More => open = true,
            }
            if port {
                by_port = by_port.or(Some(is(index, Evidence::Port(peek.server_port), flipped)));
            }
        }
    }
    match likely.or(by_port) {
        Some(best) if !open || full => best,
        None if !open || full => Decision::Nobody,
        _ => Decision::Wait,
    }
}
