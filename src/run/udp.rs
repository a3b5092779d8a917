//! Datagrams of the program: for each pair of ends a socket outside that carries them on and brings the answers back.

use super::plan::Outside;
use super::tcp::Wish;
use super::wire::{Unreachable, Wire, datagram, fragments, largest_datagram, unreachable};
use std::collections::HashMap;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// Pairs of ends at once: beyond it the one that was silent longest is forgotten.
const MOST: usize = 1024;
/// A pair that is silent for so long is forgotten (RFC 4787 asks for two minutes at least).
const SILENT: Duration = Duration::from_secs(150);
/// Datagrams taken from a socket at once.
const AT_ONCE: usize = 64;

type Ends = (SocketAddr, SocketAddr);

/// What the program sends in datagrams, and what comes back.
pub struct Datagrams {
    all: HashMap<Ends, Pair>,
    outside: Outside,
    buffer: Vec<u8>,
    /// Datagrams to the program that were cut into fragments.
    fragmented: u16,
}

struct Pair {
    socket: UdpSocket,
    /// The datagram sent last, for an answer that quotes it.
    last: Vec<u8>,
    used: Instant,
}

impl Datagrams {
    /// None yet.
    #[must_use]
    pub fn new(outside: Outside) -> Datagrams {
        Datagrams { all: HashMap::new(), outside, buffer: vec![0; 0x1_0000], fragmented: 0 }
    }

    /// Whether these two have spoken of late.
    #[must_use]
    pub fn knows(&self, ends: Ends) -> bool {
        self.all.contains_key(&ends)
    }

    /// A datagram of the program, whose payload stands at these bytes of the packet.
    pub fn send(&mut self, packet: &[u8], ends: Ends, payload: (usize, usize), wire: &mut Wire) {
        let Some(to) = self.outside.of(ends.1) else {
            // Nobody is told that nobody heard a call to all.
            if !ends.1.ip().is_multicast() && ends.1.ip() != IpAddr::from(Ipv4Addr::BROADCAST) {
                answer(packet, Unreachable::Port, wire);
            }
            return;
        };
        if !self.all.contains_key(&ends) {
            if self.all.len() >= MOST {
                let oldest = self.all.iter().min_by_key(|(_, pair)| pair.used).map(|(ends, _)| *ends);
                oldest.and_then(|ends| self.all.remove(&ends));
            }
            let Ok(socket) = towards(to) else { return answer(packet, Unreachable::Host, wire) };
            self.all.insert(ends, Pair { socket, last: Vec::new(), used: Instant::now() });
        }
        let Some(pair) = self.all.get_mut(&ends) else { return };
        pair.used = Instant::now();
        pair.last.clear();
        // An answer quotes the headers and 8 bytes.
        pair.last.extend_from_slice(packet.get(..packet.len().min(payload.0)).unwrap_or_default());
        let payload = packet.get(payload.0..payload.1).unwrap_or_default();
        if let Err(e) = pair.socket.send(payload)
            && e.kind() == ErrorKind::ConnectionRefused
        {
            // That was told about an earlier one; this one goes out.
            answer(packet, Unreachable::Port, wire);
            let _ = pair.socket.send(payload);
        }
    }

    /// Brings back what has come.
    pub fn turn(&mut self, wire: &mut Wire) {
        for (ends, pair) in &mut self.all {
            for _ in 0..AT_ONCE {
                match pair.socket.recv(&mut self.buffer) {
                    Ok(n) => {
                        pair.used = Instant::now();
                        let payload = self.buffer.get(..n).unwrap_or_default();
                        let back = datagram(ends.1, ends.0, payload);
                        if n <= largest_datagram(ends.0.ip()) {
                            wire.send(&back);
                        } else if ends.0.is_ipv4() {
                            self.fragmented = self.fragmented.wrapping_add(1);
                            fragments(&back, self.fragmented).iter().for_each(|f| wire.send(f));
                        }
                    }
                    Err(e) if e.kind() == ErrorKind::ConnectionRefused => answer(&pair.last, Unreachable::Port, wire),
                    Err(_) => break,
                }
            }
        }
        self.all.retain(|_, pair| pair.used.elapsed() < SILENT);
    }

    /// What is to be waited for.
    pub fn wishes(&self) -> impl Iterator<Item = Wish<'_>> {
        self.all.values().map(|pair| Wish { fd: pair.socket.as_fd(), read: true, write: false })
    }
}

fn answer(packet: &[u8], why: Unreachable, wire: &mut Wire) {
    if let Some(back) = unreachable(packet, why) {
        wire.send(&back);
    }
}

fn towards(to: SocketAddr) -> std::io::Result<UdpSocket> {
    let any = if to.is_ipv4() { IpAddr::from(Ipv4Addr::UNSPECIFIED) } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    socket.set_nonblocking(true)?;
    socket.connect(to)?;
    Ok(socket)
}
