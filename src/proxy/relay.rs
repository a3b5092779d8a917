//! Datagrams through a proxy upstream: SOCKS 5's UDP ASSOCIATE (RFC 1928 §7), for as long as the connection that asked for it stands.

use crate::chain::Chain;
use crate::dial::dial;
use crate::end::{End, now};
use crate::socks::{address, read_address};
use crate::words;
use crate::worker::Worker;
use bytes::Bytes;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use wirelore_kit::middle::{Origin, Refusal};
use wirelore_record::{Leg, Side};

/// What a proxy upstream carries for us.
pub struct Relay {
    worker: Rc<Worker>,
    control: End,
    /// Where it takes datagrams.
    at: SocketAddr,
    /// What stands before each of them: whom it is for.
    head: Vec<u8>,
}

impl Relay {
    /// Asks a proxy to carry datagrams to `to`.
    ///
    /// # Errors
    /// It is not there, or will not.
    pub async fn ask(worker: &Rc<Worker>, chain: &Chain, to: &Origin, listener: usize) -> Result<Relay, Refusal> {
        let there = Origin { host: chain.host.clone(), port: chain.port, tls: false };
        let tcp = dial(&worker.names, &chain.host, chain.port).await.map_err(|e| words::undialled(&e, &there))?;
        let unnamed = |e: std::io::Error| words::refused_upstream(chain, to, format!("Its connection has no address: {e}."));
        let (ours, theirs) = (tcp.local_addr().map_err(unnamed)?, tcp.peer_addr().map_err(unnamed)?);
        let (number, tie) = (worker.shared.listener_number(listener), worker.shared.counts.next());
        let leg = Leg { side: Side::Server, client: ours, server: theirs, listener: number, tie, time: now(), host: &chain.host };
        let leg = worker.io.borrow_mut().rest.lane.open(leg);
        let control = End::new(tcp, Side::Server, leg);
        let mut relay = Relay { worker: Rc::clone(worker), control, at: theirs, head: Vec::new() };
        let asked = chain.associate(&worker.io, &mut relay.control).await;
        let at = asked.map_err(|why| words::refused_upstream(chain, to, why))?;
        // It may leave open under which of its addresses: then it is the one that we know.
        let ip = if at.ip().is_unspecified() { theirs.ip() } else { at.ip() };
        relay.at = SocketAddr::new(ip, at.port());
        relay.head = vec![0, 0, 0];
        match to.host.parse::<IpAddr>() {
            Ok(ip) => relay.head.extend(address(SocketAddr::new(ip, to.port))),
            Err(_) => {
                let long = |_| words::refused_upstream(chain, to, "SOCKS takes no name longer than 255 bytes.".into());
                relay.head.extend([3, u8::try_from(to.host.len()).map_err(long)?]);
                relay.head.extend_from_slice(to.host.as_bytes());
                relay.head.extend(to.port.to_be_bytes());
            }
        }
        Ok(relay)
    }

    /// Where datagrams are sent.
    #[must_use]
    pub fn at(&self) -> SocketAddr {
        self.at
    }

    /// A datagram as it is sent.
    #[must_use]
    pub fn wrap(&self, datagram: &[u8]) -> Vec<u8> {
        [&self.head, datagram].concat()
    }

    /// What the server said, and its address if that is said; `None`: it is no datagram of SOCKS, or a part of one.
    #[must_use]
    pub fn unwrap(datagram: &Bytes) -> Option<(Option<SocketAddr>, Bytes)> {
        let [_, _, 0, rest @ ..] = &datagram[..] else { return None };
        let (host, port, len) = read_address(rest)?;
        let from = host.parse().ok().map(|ip| SocketAddr::new(ip, port));
        Some((from, datagram.slice(len.saturating_add(3).min(datagram.len())..)))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if let Ok(mut io) = self.worker.io.try_borrow_mut() {
            io.rest.lane.close(self.control.leg(), now());
        }
    }
}
