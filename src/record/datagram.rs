//! Datagrams of UDP in the record: each is one frame, with no handshake before and no end behind.

use crate::frame::LINK_TYPE;
use crate::lane::{Lane, Leg, Side, block, custom, end};
use crate::said::{Note, write_leg};
use std::net::IpAddr;

const _: () = assert!(LINK_TYPE == 101, "a frame here begins with its IP header");

/// Bytes of UDP's header (RFC 768).
const UDP: usize = 8;
/// The most bytes of payload in a frame: what an IPv4 packet holds behind headers of 20 and 8.
const MOST: usize = 65_507;

/// One side of datagrams between two addresses: what [`Leg`] is for a connection.
#[derive(Debug)]
pub struct Datagrams {
    tie: u64,
    side: Side,
    interface: u32,
    client: (IpAddr, u16),
    server: (IpAddr, u16),
    /// Which connection it belongs to: written before its first frame, so that its flow is known by that.
    said: String,
    /// Said with the next frame.
    comment: String,
}

impl Datagrams {
    /// Which side it is.
    #[must_use]
    pub fn side(&self) -> Side {
        self.side
    }
}

impl Lane {
    /// Datagrams begin between two addresses. Nothing is written before the first of them.
    #[must_use]
    pub fn open_datagrams(&self, leg: Leg<'_>) -> Datagrams {
        let (client, server) = (end(leg.client), end(leg.server));
        let mut said = String::new();
        write_leg(leg.tie, leg.side, client.into(), server.into(), leg.host, &mut said);
        let interface = self.shared.interface(leg.listener, leg.side);
        Datagrams { tie: leg.tie, side: leg.side, interface, client, server, said, comment: String::new() }
    }

    /// A datagram, read or written at `time` (nanoseconds since 1970).
    pub fn datagram(&mut self, leg: &mut Datagrams, to_server: bool, payload: &[u8], time: i64) {
        let (from, to) = if to_server { (leg.client, leg.server) } else { (leg.server, leg.client) };
        let said = std::mem::take(&mut leg.said);
        let comment = std::mem::take(&mut leg.comment);
        let mut body = Vec::with_capacity(payload.len().saturating_add(128));
        for word in [leg.interface, (time.cast_unsigned() >> 32) as u32, time.cast_unsigned() as u32] {
            body.extend_from_slice(&word.to_le_bytes());
        }
        let packet = packet(from, to, payload.get(..MOST).unwrap_or(payload));
        body.extend_from_slice(&(packet.len() as u32).to_le_bytes());
        body.extend_from_slice(&(packet.len() as u32).to_le_bytes());
        body.extend_from_slice(&packet);
        if !comment.is_empty() {
            option(&mut body, comment.as_bytes());
        }
        self.append(|out| {
            if !said.is_empty() {
                custom(&said, out);
            }
            block(6, &body, out);
        });
    }

    /// What the proxy did to datagrams: a custom block, and a comment on the next of them.
    pub fn note_datagrams(&mut self, leg: &mut Datagrams, note: Note<'_>, time: i64) {
        let mut said = String::new();
        note.write(leg.tie, time, &mut said);
        self.append(|out| custom(&said, out));
        if !leg.comment.is_empty() {
            leg.comment.push('\n');
        }
        note.sentence(&mut leg.comment);
    }
}

/// A comment as the last option of a packet block whose body so far is `body`.
fn option(body: &mut Vec<u8>, comment: &[u8]) {
    let comment = comment.get(..comment.len().min(0xfff0)).unwrap_or_default();
    let pad = |body: &mut Vec<u8>| body.resize(body.len().next_multiple_of(4), 0);
    pad(body);
    body.extend_from_slice(&1u16.to_le_bytes());
    body.extend_from_slice(&(comment.len() as u16).to_le_bytes());
    body.extend_from_slice(comment);
    pad(body);
    body.extend_from_slice(&[0; 4]);
}

/// The packet around a payload. Its checksums are right: datagrams are few and small, and a wrong one would say that something is broken.
fn packet(from: (IpAddr, u16), to: (IpAddr, u16), payload: &[u8]) -> Vec<u8> {
    let len = UDP.saturating_add(payload.len());
    let mut out = Vec::with_capacity(len.saturating_add(40));
    let ends = match (from.0, to.0) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            let whole = (len.saturating_add(20) as u16).to_be_bytes();
            // Version 4 with a header of 5 words; don't fragment; 64 hops; UDP.
            out.extend_from_slice(&[0x45, 0, whole[0], whole[1], 0, 0, 0x40, 0, 64, 17, 0, 0]);
            let ends = [a.octets(), b.octets()].concat();
            out.extend_from_slice(&ends);
            let sum = checksum(&[&out]).to_be_bytes();
            if let Some(slot) = out.get_mut(10..12) {
                slot.copy_from_slice(&sum);
            }
            ends
        }
        (a, b) => {
            let six = |ip| match ip {
                IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                IpAddr::V6(ip) => ip,
            };
            let size = (len as u16).to_be_bytes();
            out.extend_from_slice(&[0x60, 0, 0, 0, size[0], size[1], 17, 64]);
            let ends = [six(a).octets(), six(b).octets()].concat();
            out.extend_from_slice(&ends);
            ends
        }
    };
    let mut header = [from.1.to_be_bytes(), to.1.to_be_bytes(), (len as u16).to_be_bytes()].concat();
    let pseudo = [&ends[..], &[0, 17], &(len as u16).to_be_bytes()].concat();
    // A sum of zero would mean that there is none (RFC 768).
    let sum = match checksum(&[&pseudo, &header, payload]) {
        0 => 0xffff,
        sum => sum,
    };
    header.extend_from_slice(&sum.to_be_bytes());
    out.extend_from_slice(&header);
    out.extend_from_slice(payload);
    out
}

/// The Internet checksum (RFC 1071) of parts of which only the last may be of odd length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let word = |pair: &[u8]| u64::from(pair.first().copied().unwrap_or(0)) << 8 | u64::from(pair.get(1).copied().unwrap_or(0));
    let mut sum = parts.iter().flat_map(|p| p.chunks(2)).map(word).fold(0u64, u64::wrapping_add);
    while sum > 0xffff {
        sum = (sum & 0xffff).wrapping_add(sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_datagram_has_right_sums_in_both_families() {
        for (from, to, header) in [("10.0.0.1", "10.0.0.2", 20), ("::1", "::2", 40)] {
            let at = |ip: &str, port| (ip.parse::<IpAddr>().expect("an address"), port);
            let p = packet(at(from, 1000), at(to, 53), b"abc");
            assert_eq!(p.len(), header + 8 + 3);
            if header == 20 {
                assert_eq!(checksum(&[&p[..20]]), 0, "the header sums up");
            }
            let ends = &p[header - if header == 20 { 8 } else { 32 }..header];
            assert_eq!(checksum(&[ends, &[0, 17, 0, 11], &p[header..]]), 0, "the datagram sums up");
        }
    }
}
