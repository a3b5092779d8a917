//! Whose conversations are that are being captured: each one that begins is asked about at once, and what is found goes into the file.

use super::find::Finder;
use super::watch::{Asked, Watcher};
use crossbeam_channel::{Receiver, unbounded};
use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};
use wirelore_capture::intake::Piece;
use wirelore_capture::origin::ENTERPRISE;
use wirelore_capture::write::{PcapngWriter, SectionSpec};
use wirelore_engine::packet::{Headers, IpPair, Transport, flag, read};
use wirelore_record::said::Process;

/// Conversations that are remembered as asked about.
const MOST: usize = 1 << 16;
/// Addresses of this computer are looked at again after so long.
const AGAIN: Duration = Duration::from_secs(5);
/// At the end it is waited so long for what was asked last.
const LAST: Duration = Duration::from_millis(200);

/// Both ends, the smaller one first, and whether it is datagrams.
type Pair = (SocketAddr, SocketAddr, bool);

/// Sees blocks of a capture as they pass.
pub struct Sniffed {
    watcher: Watcher,
    found: Receiver<Process>,
    /// Link types of the section's interfaces.
    links: Vec<u32>,
    headers: Headers,
    asked: HashSet<Pair>,
    /// Addresses of this computer, and since when they are known.
    here: (HashSet<IpAddr>, Instant),
}

impl Sniffed {
    /// For packets of this computer. `None`: the system refuses a thread; the capture goes on without.
    #[must_use]
    pub fn start() -> Option<Sniffed> {
        let (tell, found) = unbounded();
        let told = move |process| drop(tell.send(process));
        let watcher = Watcher::start(Finder::here(), None, told).ok()?;
        let here = (addresses(), Instant::now());
        Some(Sniffed { watcher, found, links: Vec::new(), headers: Headers::default(), asked: HashSet::new(), here })
    }

    /// A block, of a section in little-endian numbers.
    pub fn see(&mut self, piece: &Piece, block: &[u8]) {
        match piece {
            Piece::Section => self.links.clear(),
            Piece::Interface => {
                let link = block.get(8..10).and_then(|b| b.try_into().ok()).map(u16::from_le_bytes);
                self.links.push(link.map_or(u32::MAX, u32::from));
            }
            Piece::Packet { interface } => {
                let link = usize::try_from(*interface).ok().and_then(|i| self.links.get(i)).copied();
                if let Some(link) = link {
                    self.packet(link, block);
                }
            }
            Piece::Statistics(_) | Piece::Other => {}
        }
    }

    /// An enhanced packet block: lengths at bytes 20 and 24, the packet behind them.
    fn packet(&mut self, link: u32, block: &[u8]) {
        let number = |at: usize| Some(u32::from_le_bytes(block.get(at..at.checked_add(4)?)?.try_into().ok()?));
        let (Some(len), Some(wire_len)) = (number(20), number(24)) else { return };
        let Some(bytes) = usize::try_from(len).ok().and_then(|len| block.get(28..28_usize.checked_add(len)?)) else { return };
        read(link, bytes, wire_len, &mut self.headers);
        let (ports, opens, udp) = match &self.headers.transport {
            Transport::Tcp(tcp) => (tcp.ports, tcp.flags & (flag::SYN | flag::ACK) == flag::SYN, false),
            Transport::Udp(ports) => (*ports, false, true),
            _ => return,
        };
        let (from, to) = match self.headers.net {
            IpPair::V4(a, b) => (SocketAddr::from((a, ports.src)), SocketAddr::from((b, ports.dst))),
            IpPair::V6(a, b) => (SocketAddr::from((a, ports.src)), SocketAddr::from((b, ports.dst))),
            IpPair::None => return,
        };
        if self.asked.len() >= MOST {
            self.asked.clear();
        }
        // A port that is used again is another conversation.
        let new = self.asked.insert((from.min(to), from.max(to), udp));
        if !new && !opens {
            return;
        }
        if self.here.1.elapsed() > AGAIN {
            self.here = (addresses(), Instant::now());
        }
        let ours = |ip: IpAddr| ip.is_loopback() || self.here.0.contains(&ip);
        // Between two processes of this computer it is the one that begins.
        let (local, remote) = match (ours(from.ip()), ours(to.ip())) {
            (true, _) => (from, to),
            (false, true) => (to, from),
            (false, false) => return,
        };
        // Where too many ask at once some stay unknown.
        let _ = self.watcher.ask(Asked { tie: None, udp, local, remote });
    }

    /// Appends blocks that say what was found since.
    pub fn take(&mut self, into: &mut Vec<u8>) {
        while let Ok(process) = self.found.try_recv() {
            append(&process, into);
        }
    }

    /// The same at the end, when what was asked last may still come.
    #[must_use]
    pub fn last(self) -> Vec<u8> {
        let mut blocks = Vec::new();
        // Without anybody who asks its thread ends, and with it what it tells.
        drop(self.watcher);
        let until = Instant::now() + LAST;
        while let Ok(process) = self.found.recv_deadline(until) {
            append(&process, &mut blocks);
        }
        blocks
    }
}

fn append(process: &Process, into: &mut Vec<u8>) {
    // The writer begins each file with a section; ours stands already. Memory does not refuse to be written.
    let whole = PcapngWriter::new(Vec::new(), &SectionSpec::default()).and_then(|mut w| {
        let section = w.get_mut().len();
        w.custom(ENTERPRISE, true, process.written().as_bytes())?;
        Ok(w.finish()?.split_off(section))
    });
    into.extend(whole.unwrap_or_default());
}

/// The addresses of this computer.
fn addresses() -> HashSet<IpAddr> {
    let Ok(all) = nix::ifaddrs::getifaddrs() else { return HashSet::new() };
    let ip = |a: nix::sys::socket::SockaddrStorage| {
        let four = a.as_sockaddr_in().map(|a| IpAddr::from(a.ip()));
        four.or_else(|| a.as_sockaddr_in6().map(|a| IpAddr::from(a.ip())))
    };
    all.filter_map(|i| i.address.and_then(ip)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelore_capture::write::{InterfaceSpec, PacketSpec};

    #[test]
    fn a_datagram_of_ours_is_known_to_be_ours() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let port = socket.local_addr().expect("its address").port();
        let mut packet = vec![0x45, 0, 0, 31, 0, 0, 0x40, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1];
        packet.extend([port, 9, 11, 0].iter().flat_map(|n: &u16| n.to_be_bytes()));
        packet.extend(b"abc");
        let mut w = PcapngWriter::new(Vec::new(), &SectionSpec::default()).expect("memory");
        let mut ends = vec![w.get_mut().len()];
        w.interface(&InterfaceSpec { link_type: 101, ..InterfaceSpec::default() }).expect("memory");
        ends.push(w.get_mut().len());
        w.packet(&PacketSpec { data: &packet, wire_len: 31, ..PacketSpec::default() }).expect("memory");
        let bytes = w.finish().expect("memory");
        let mut sniffed = Sniffed::start().expect("a thread");
        sniffed.see(&Piece::Section, &bytes[..ends[0]]);
        sniffed.see(&Piece::Interface, &bytes[ends[0]..ends[1]]);
        for _ in 0..2 {
            sniffed.see(&Piece::Packet { interface: 0 }, &bytes[ends[1]..]);
        }
        let blocks = String::from_utf8_lossy(&sniffed.last()).into_owned();
        assert_eq!(blocks.matches(&format!("pid={}\n", std::process::id())).count(), 1, "{blocks}");
    }
}
