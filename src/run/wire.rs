//! The program's Ethernet: frames in and out, each of them recorded, and the small answers that need no connection.

use super::plan::{GATEWAY_MAC, PROGRAM_MAC};
use smoltcp::phy::{Checksum, Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpProtocol, Ipv4Packet, Ipv6Packet, TcpPacket, UdpPacket};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{SystemTime, UNIX_EPOCH};
use wirelore_record::Tap;

/// Bytes of an Ethernet header.
pub const ETHERNET: usize = 14;
/// The largest frame that the system hands over.
const LARGEST: usize = 0x1_0000 + ETHERNET;

/// Now, in nanoseconds since 1970.
#[must_use]
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// What a packet of the program is, and between whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// A TCP segment.
    Tcp {
        /// From, to.
        ends: (SocketAddr, SocketAddr),
        /// It asks for a connection.
        opens: bool,
    },
    /// A datagram; its payload stands at these bytes of the packet.
    Udp {
        /// From, to.
        ends: (SocketAddr, SocketAddr),
        /// First byte of the payload, and the first behind it.
        payload: (usize, usize),
    },
    /// An echo request, or another thing that nobody answers here.
    Other {
        /// To whom.
        to: IpAddr,
        /// It is an echo request.
        echo: bool,
    },
}

/// The wire between the program and us.
pub struct Wire {
    socket: File,
    tap: Tap,
    /// Packets for the TCP stack.
    pub waiting: VecDeque<Vec<u8>>,
    buffer: Vec<u8>,
    out: Vec<u8>,
}

impl Wire {
    /// On a packet socket that does not block.
    #[must_use]
    pub fn new(socket: OwnedFd, tap: Tap) -> Wire {
        Wire { socket: File::from(socket), tap, waiting: VecDeque::new(), buffer: vec![0; LARGEST], out: Vec::new() }
    }

    /// The socket, to wait for.
    #[must_use]
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// What was recorded is to be written.
    pub fn turn(&self) {
        self.tap.turn();
    }

    /// The program's next packet, recorded; its IP header comes first. `None`: there is none just now.
    ///
    /// # Errors
    /// The socket's.
    pub fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            let n = match self.socket.read(&mut self.buffer) {
                Ok(0) => return Ok(None),
                Ok(n) => n,
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                // An interface goes down with the last process of its namespace.
                Err(e) if e.raw_os_error() == Some(nix::libc::ENETDOWN) => return Ok(None),
                Err(e) => return Err(e),
            };
            let Some(frame) = self.buffer.get_mut(..n) else { continue };
            // What the system itself says at our end of the wire is nobody's.
            if frame.get(6..12) != Some(&PROGRAM_MAC[..]) {
                continue;
            }
            let is_ip = matches!(frame.get(12..ETHERNET), Some([8, 0] | [0x86, 0xdd]));
            if let Some(packet) = frame.get_mut(ETHERNET..) {
                finish_checksum(packet);
            }
            self.tap.packet(now(), frame);
            if is_ip {
                return Ok(frame.get(ETHERNET..).map(<[u8]>::to_vec));
            }
        }
    }

    /// Sends a packet to the program, and records it. What the wire cannot take is lost, as it is on other wires.
    pub fn send(&mut self, packet: &[u8]) {
        self.out.clear();
        self.out.extend_from_slice(&PROGRAM_MAC);
        self.out.extend_from_slice(&GATEWAY_MAC);
        self.out.extend_from_slice(if packet.first().is_some_and(|b| b >> 4 == 6) { &[0x86, 0xdd] } else { &[8, 0] });
        self.out.extend_from_slice(packet);
        let time = now();
        if self.socket.write(&self.out).is_ok() {
            self.tap.packet(time, &self.out);
        }
    }
}

/// The sum of 16-bit words (RFC 1071), folded.
fn sum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u64;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u64::from(u16::from_be_bytes([pair.first().copied().unwrap_or(0), pair.get(1).copied().unwrap_or(0)]));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// Where addresses end and the payload begins, the protocol of the payload and the place of the payload's end.
fn inside(packet: &[u8]) -> Option<(IpAddr, IpAddr, IpProtocol, usize, usize)> {
    if packet.first()? >> 4 == 4 {
        let ip = Ipv4Packet::new_checked(packet).ok()?;
        // A fragment has no header of its own; the wire carries none but those of datagrams above its size.
        if ip.more_frags() || ip.frag_offset() != 0 {
            return None;
        }
        let (from, to) = (ip.src_addr().into(), ip.dst_addr().into());
        Some((from, to, ip.next_header(), ip.header_len().into(), ip.total_len().into()))
    } else {
        let ip = Ipv6Packet::new_checked(packet).ok()?;
        let (from, to) = (ip.src_addr().into(), ip.dst_addr().into());
        Some((from, to, ip.next_header(), ip.header_len(), ip.total_len()))
    }
}

fn pseudo_header(from: IpAddr, to: IpAddr, protocol: IpProtocol, len: usize) -> Vec<u8> {
    let mut all = Vec::with_capacity(40);
    for ip in [from, to] {
        match ip {
            IpAddr::V4(ip) => all.extend_from_slice(&ip.octets()),
            IpAddr::V6(ip) => all.extend_from_slice(&ip.octets()),
        }
    }
    all.extend_from_slice(&(len as u32).to_be_bytes());
    all.extend_from_slice(&[0, 0, 0, protocol.into()]);
    all
}

/// A sending system leaves the sum of TCP and UDP to the hardware, of which there is none here: only the pseudo-header's stands there.
fn finish_checksum(packet: &mut [u8]) {
    let Some((from, to, protocol, start, end)) = inside(packet) else { return };
    let at = match protocol {
        IpProtocol::Tcp => 16,
        IpProtocol::Udp => 6,
        _ => return,
    };
    let Some(segment) = packet.get_mut(start..end) else { return };
    let pseudo = pseudo_header(from, to, protocol, segment.len());
    let partial = sum(&[&pseudo]).to_be_bytes();
    if segment.get(at..at + 2) != Some(&partial[..]) {
        return;
    }
    // The partial sum stands in the place that is summed: what is there already counts for the pseudo-header.
    let whole = !sum(&[segment]);
    let whole = if whole == 0 && protocol == IpProtocol::Udp { 0xffff } else { whole };
    if let Some(place) = segment.get_mut(at..at + 2) {
        place.copy_from_slice(&whole.to_be_bytes());
    }
}

/// What a packet of the program is.
#[must_use]
pub fn look(packet: &[u8]) -> Option<Seen> {
    let (from, to, protocol, start, end) = inside(packet)?;
    let segment = packet.get(start..end)?;
    let ends = |a, b| (SocketAddr::new(from, a), SocketAddr::new(to, b));
    Some(match protocol {
        IpProtocol::Tcp => {
            let tcp = TcpPacket::new_checked(segment).ok()?;
            Seen::Tcp { ends: ends(tcp.src_port(), tcp.dst_port()), opens: tcp.syn() && !tcp.ack() }
        }
        IpProtocol::Udp => {
            let udp = UdpPacket::new_checked(segment).ok()?;
            let payload = (start + 8, start + usize::from(udp.len()).max(8));
            Seen::Udp { ends: ends(udp.src_port(), udp.dst_port()), payload }
        }
        IpProtocol::Icmp => Seen::Other { to, echo: segment.first() == Some(&8) },
        IpProtocol::Icmpv6 => Seen::Other { to, echo: segment.first() == Some(&128) },
        _ => Seen::Other { to, echo: false },
    })
}

/// An IP packet around `segment`, whose checksum stands at byte `sum_at` of it and is zero (`None`: ICMP for IPv4, at byte 2, which sums no
/// addresses).
fn packet(from: IpAddr, to: IpAddr, protocol: IpProtocol, mut segment: Vec<u8>, sum_at: usize) -> Vec<u8> {
    let pseudo = pseudo_header(from, to, protocol, segment.len());
    let total = if protocol == IpProtocol::Icmp { !sum(&[&segment]) } else { !sum(&[&pseudo, &segment]) };
    let total = if total == 0 && protocol == IpProtocol::Udp { 0xffff } else { total };
    if let Some(place) = segment.get_mut(sum_at..sum_at + 2) {
        place.copy_from_slice(&total.to_be_bytes());
    }
    let len = segment.len() as u16;
    let mut all = Vec::with_capacity(segment.len() + 40);
    match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            all.extend_from_slice(&[0x45, 0]);
            all.extend_from_slice(&len.saturating_add(20).to_be_bytes());
            all.extend_from_slice(&[0, 0, 0x40, 0, 64, protocol.into(), 0, 0]);
            all.extend_from_slice(&from.octets());
            all.extend_from_slice(&to.octets());
            let header = !sum(&[&all]);
            if let Some(place) = all.get_mut(10..12) {
                place.copy_from_slice(&header.to_be_bytes());
            }
        }
        _ => {
            all.extend_from_slice(&[0x60, 0, 0, 0]);
            all.extend_from_slice(&len.to_be_bytes());
            all.extend_from_slice(&[protocol.into(), 64]);
            all.extend_from_slice(pseudo.get(..32).unwrap_or_default());
        }
    }
    all.append(&mut segment);
    all
}

/// A datagram to the program.
#[must_use]
pub fn datagram(from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let mut segment = Vec::with_capacity(payload.len() + 8);
    for number in [from.port(), to.port(), (payload.len() + 8) as u16, 0] {
        segment.extend_from_slice(&number.to_be_bytes());
    }
    segment.extend_from_slice(payload);
    packet(from.ip(), to.ip(), IpProtocol::Udp, segment, 6)
}

/// The most bytes of a datagram to the program that need no fragments.
#[must_use]
pub fn largest_datagram(to: IpAddr) -> usize {
    super::plan::MTU as usize - 8 - if to.is_ipv4() { 20 } else { 40 }
}

/// A datagram that is too large for the wire, in fragments (RFC 791, section 3.2). Only IPv4 does that here.
#[must_use]
pub fn fragments(datagram: &[u8], identification: u16) -> Vec<Vec<u8>> {
    let Some((header, payload)) = datagram.split_at_checked(20) else { return Vec::new() };
    const PART: usize = (super::plan::MTU as usize - 20) / 8 * 8;
    let count = payload.len().div_ceil(PART);
    let mut all = Vec::with_capacity(count);
    for (n, part) in payload.chunks(PART).enumerate() {
        let mut fragment = header.to_vec();
        let more = if n + 1 < count { 0x2000 } else { 0 };
        let place = more | (n * PART / 8) as u16;
        for (at, value) in [(2, (part.len() + 20) as u16), (4, identification), (6, place), (10, 0)] {
            if let Some(to) = fragment.get_mut(at..at + 2) {
                to.copy_from_slice(&value.to_be_bytes());
            }
        }
        let total = !sum(&[&fragment]);
        if let Some(to) = fragment.get_mut(10..12) {
            to.copy_from_slice(&total.to_be_bytes());
        }
        fragment.extend_from_slice(part);
        all.push(fragment);
    }
    all
}

/// Why a packet reaches nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreachable {
    /// Nobody answers there.
    Host,
    /// Nobody listens at that port.
    Port,
    /// It is not allowed.
    Forbidden,
}

/// The answer to a packet that reaches nobody: ICMP destination unreachable (RFC 792, RFC 4443 section 3.1).
#[must_use]
pub fn unreachable(asked: &[u8], why: Unreachable) -> Option<Vec<u8>> {
    let (from, to, _, start, _) = inside(asked)?;
    let (kind, code, protocol) = match (from.is_ipv4(), why) {
        (true, Unreachable::Host) => (3, 1, IpProtocol::Icmp),
        (true, Unreachable::Port) => (3, 3, IpProtocol::Icmp),
        (true, Unreachable::Forbidden) => (3, 13, IpProtocol::Icmp),
        (false, Unreachable::Host) => (1, 3, IpProtocol::Icmpv6),
        (false, Unreachable::Port) => (1, 4, IpProtocol::Icmpv6),
        (false, Unreachable::Forbidden) => (1, 1, IpProtocol::Icmpv6),
    };
    let mut segment = vec![kind, code, 0, 0, 0, 0, 0, 0];
    segment.extend_from_slice(asked.get(..asked.len().min(start + 8))?);
    Some(packet(to, from, protocol, segment, 2))
}

/// The answer to an echo request.
#[must_use]
pub fn echo(asked: &[u8]) -> Option<Vec<u8>> {
    let (from, to, protocol, start, end) = inside(asked)?;
    let mut segment = asked.get(start..end)?.to_vec();
    let answer = if protocol == IpProtocol::Icmp { 0 } else { 129 };
    *segment.first_mut()? = answer;
    segment.get_mut(2..4)?.fill(0);
    Some(packet(to, from, protocol, segment, 2))
}

/// The refusal of a connection that was asked for: a reset (RFC 9293, section 3.5.2).
#[must_use]
pub fn refusal(asked: &[u8]) -> Option<Vec<u8>> {
    let (from, to, protocol, start, end) = inside(asked)?;
    let tcp = TcpPacket::new_checked(asked.get(start..end)?).ok()?;
    let mut segment = Vec::with_capacity(20);
    segment.extend_from_slice(&tcp.dst_port().to_be_bytes());
    segment.extend_from_slice(&tcp.src_port().to_be_bytes());
    segment.extend_from_slice(&[0; 4]);
    segment.extend_from_slice(&(tcp.seq_number().0.wrapping_add(1)).to_be_bytes());
    // A header of 5 words; RST and ACK.
    segment.extend_from_slice(&[0x50, 0x14, 0, 0, 0, 0, 0, 0]);
    Some(packet(to, from, protocol, segment, 16))
}

/// The address of the TCP stack's kind.
#[must_use]
pub fn endpoint(at: SocketAddr) -> (IpAddress, u16) {
    (at.ip().into(), at.port())
}

impl Device for Wire {
    type RxToken<'a> = Received;
    type TxToken<'a> = ToSend<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received, ToSend<'_>)> {
        let packet = self.waiting.pop_front()?;
        Some((Received(packet), ToSend(self)))
    }

    fn transmit(&mut self, _: Instant) -> Option<ToSend<'_>> {
        Some(ToSend(self))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut able = DeviceCapabilities::default();
        able.medium = Medium::Ip;
        able.max_transmission_unit = super::plan::MTU as usize;
        // What comes never left this computer.
        able.checksum.tcp = Checksum::Tx;
        able.checksum.ipv4 = Checksum::Tx;
        able
    }
}

/// A packet for the TCP stack.
pub struct Received(Vec<u8>);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

/// Room for a packet of the TCP stack.
pub struct ToSend<'a>(&'a mut Wire);

impl TxToken for ToSend<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let mut packet = vec![0; len];
        let result = f(&mut packet);
        self.0.send(&packet);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_datagram_is_what_it_was_made_of() {
        for (from, to) in [("192.0.2.1:53", "10.0.2.100:4000"), ("[2001:db8::1]:53", "[fd77::100]:4000")] {
            let made = datagram(at(from), at(to), b"hello");
            let Some(Seen::Udp { ends, payload }) = look(&made) else { panic!("not a datagram") };
            assert_eq!(ends, (at(from), at(to)));
            assert_eq!(&made[payload.0..payload.1], b"hello");
            let (a, b, protocol, start, end) = inside(&made).expect("a packet");
            assert_eq!(sum(&[&pseudo_header(a, b, protocol, end - start), &made[start..end]]), 0xffff);
        }
    }

    #[test]
    fn a_partial_checksum_is_finished_and_another_one_left() {
        let mut made = datagram(at("10.0.2.100:1"), at("192.0.2.1:2"), b"abc");
        let right = made[26..28].to_vec();
        let partial = sum(&[&pseudo_header([10, 0, 2, 100].into(), [192, 0, 2, 1].into(), IpProtocol::Udp, 11)]);
        made[26..28].copy_from_slice(&partial.to_be_bytes());
        finish_checksum(&mut made);
        assert_eq!(made[26..28], right[..]);
        made[26..28].copy_from_slice(&[1, 2]);
        finish_checksum(&mut made);
        assert_eq!(made[26..28], [1, 2], "a wrong sum is the program's own");
    }

    #[test]
    fn fragments_join_to_the_datagram() {
        let whole = datagram(at("192.0.2.1:53"), at("10.0.2.100:4000"), &[7; 4000]);
        let parts = fragments(&whole, 9);
        assert_eq!(parts.len(), 3);
        let mut joined = Vec::new();
        for part in &parts {
            let ip = Ipv4Packet::new_checked(&part[..]).expect("a packet");
            assert!(ip.verify_checksum() && usize::from(ip.total_len()) == part.len() && part.len() <= 1500);
            assert_eq!(usize::from(ip.frag_offset()), joined.len());
            joined.extend_from_slice(ip.payload());
        }
        assert_eq!(joined, whole[20..]);
    }

    #[test]
    fn hostile_packets_are_nobodys() {
        for bytes in [&b""[..], &[0x45], &[0x45; 20], &[0x60; 40], &[0xff; 64]] {
            let _ = (look(bytes), echo(bytes), refusal(bytes), unreachable(bytes, Unreachable::Port), fragments(bytes, 1));
            finish_checksum(&mut bytes.to_vec());
        }
    }
}
