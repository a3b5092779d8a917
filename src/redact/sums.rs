//! Checksums over bytes that were changed: what was right stays right, what was wrong stays as wrong as it was (RFC 1624), what was left to
//! the network card stays so.

use std::ops::Range;
use wirelore_dissectors::layers::checksum::{self, fold};
use wirelore_dissectors::layers::sctp::crc32c;
use wirelore_engine::packet::{Headers, LayerAt, LayerKind, read};

fn word(bytes: &[u8], at: usize) -> u16 {
    let b = |i: usize| bytes.get(i).copied().unwrap_or(0);
    u16::from_be_bytes([b(at), b(at.saturating_add(1))])
}

/// The 16-bit words of a range as a sum.
fn add(bytes: &[u8], range: Range<usize>) -> u64 {
    checksum::add(0, bytes.get(range.start..range.end.min(bytes.len())).unwrap_or_default())
}

/// A checksum over `cover` of bytes that became others (RFC 1624, equation 3).
fn updated(sum: u16, old: &[u8], new: &[u8], cover: Range<usize>) -> u16 {
    // The ones' complement sum of all words changes by the difference of those sums.
    let before = fold(add(old, cover.clone()));
    let after = fold(add(new, cover));
    !fold(u64::from(!sum).saturating_add(u64::from(!before)).saturating_add(u64::from(after)))
}

/// The addresses of an IP header, and what it says of the length of what it carries.
struct Ip {
    addresses: Range<usize>,
    /// Offset behind the datagram; `None`: it does not say.
    end: Option<usize>,
}

fn ip(bytes: &[u8], layer: LayerAt) -> Ip {
    let at = layer.at as usize;
    let len = |from: usize| usize::from(word(bytes, at.saturating_add(from)));
    if layer.kind == LayerKind::Ip {
        let end = Some(len(2)).filter(|l| *l > 0).map(|l| at.saturating_add(l));
        Ip { addresses: at.saturating_add(12)..at.saturating_add(20), end }
    } else {
        let end = Some(len(4)).filter(|l| *l > 0).map(|l| at.saturating_add(40).saturating_add(l));
        Ip { addresses: at.saturating_add(8)..at.saturating_add(40), end }
    }
}

/// Corrects one Internet checksum at `sum_at`. With `pseudo` (sum of the addresses and protocol, length said) a partial one is known.
fn correct(old: &[u8], new: &mut [u8], cover: Range<usize>, sum_at: usize, pseudo: Option<(u64, Option<usize>)>, is_udp: bool) {
    if old.get(cover.clone()) == new.get(cover.clone()) {
        return;
    }
    let Some(at) = new.get(sum_at..sum_at.saturating_add(2)).map(|_| sum_at) else { return };
    let sum = word(old, sum_at);
    if is_udp && sum == 0 {
        return;
    }
    if let Some((addresses, len)) = pseudo {
        let said = len.unwrap_or_default() as u64;
        if sum == fold(addresses.saturating_add(said)) || (len.is_none() && sum == fold(addresses)) {
            // The card sums up the rest (checksum offload).
            return;
        }
    }
    let mut sum = updated(sum, old, new, cover);
    if is_udp && sum == 0 {
        // Zero says that there is none (RFC 768).
        sum = 0xffff;
    }
    if let Some(to) = new.get_mut(at..at.saturating_add(2)) {
        to.copy_from_slice(&sum.to_be_bytes());
    }
}

/// Corrects the checksums of all layers of a packet, the innermost first, for theirs are covered by those outside.
pub(super) fn fix(link_type: u32, wire_len: u32, old: &[u8], new: &mut [u8]) {
    let mut headers = Headers::default();
    read(link_type, old, wire_len, &mut headers);
    let layers: Vec<LayerAt> = headers.layers.iter().collect();
    for (i, layer) in layers.iter().enumerate().rev() {
        let under = layers.get(..i).unwrap_or_default().iter().rev().find(|l| matches!(l.kind, LayerKind::Ip | LayerKind::Ipv6));
        let Some(under) = under.map(|l| ip(old, *l)) else { continue };
        transport(old, new, layer.kind, layer.at as usize, &under);
    }
}

fn transport(old: &[u8], new: &mut [u8], kind: LayerKind, at: usize, under: &Ip) {
    let end = under.end.unwrap_or(old.len()).min(old.len());
    let said = under.end.map(|e| e.saturating_sub(at));
    let pseudo = |proto: u64| Some((add(old, under.addresses.clone()).saturating_add(proto), said));
    match kind {
        LayerKind::Tcp => correct(old, new, at..end, at.saturating_add(16), pseudo(6), false),
        LayerKind::Udp => {
            let len = usize::from(word(old, at.saturating_add(4)));
            let end = if len >= 8 { end.min(at.saturating_add(len)) } else { end };
            correct(old, new, at..end, at.saturating_add(6), pseudo(17), true);
        }
        LayerKind::UdpLite => {
            let len = usize::from(word(old, at.saturating_add(4)));
            let end = if len >= 8 { end.min(at.saturating_add(len)) } else { end };
            correct(old, new, at..end, at.saturating_add(6), None, false);
        }
        LayerKind::Icmp | LayerKind::Igmp => correct(old, new, at..end, at.saturating_add(2), None, false),
        LayerKind::Icmpv6 => correct(old, new, at..end, at.saturating_add(2), pseudo(58), false),
        LayerKind::Gre if old.get(at).is_some_and(|b| b & 0x80 != 0) => {
            correct(old, new, at..end, at.saturating_add(4), None, false)
        }
        LayerKind::Sctp => sctp(old, new, at..end),
        _ => {}
    }
}

/// The checksum of a datagram that came in fragments: the same over its joined bytes; `None` where nothing is to be written.
pub(super) fn of_joined(proto: u8, old: &[u8], new: &[u8]) -> Option<(usize, [u8; 2])> {
    let (at, is_udp) = match proto {
        6 => (16, false),
        17 => (6, true),
        1 | 58 => (2, false),
        _ => return None,
    };
    let sum = word(old, at);
    if old == new || old.len() < at.saturating_add(2) || (is_udp && sum == 0) {
        return None;
    }
    let sum = updated(sum, old, new, 0..old.len());
    Some((at, if is_udp && sum == 0 { [0xff; 2] } else { sum.to_be_bytes() }))
}

/// SCTP has a CRC32c over the whole packet (RFC 9260 §6.8), which cannot be corrected but only be made anew, where it was right.
fn sctp(old: &[u8], new: &mut [u8], cover: Range<usize>) {
    if old.get(cover.clone()) == new.get(cover.clone()) {
        return;
    }
    let place = cover.start.saturating_add(8)..cover.start.saturating_add(12);
    let crc = |bytes: &[u8]| {
        let (head, rest) = bytes.get(cover.clone()).unwrap_or_default().split_at_checked(8)?;
        Some(crc32c([head, &[0; 4], rest.get(4..)?]).to_le_bytes())
    };
    if let (Some(was), Some(right)) = (crc(old), crc(new))
        && old.get(place.clone()) == Some(&was)
        && let Some(to) = new.get_mut(place)
    {
        to.copy_from_slice(&right);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ethernet, IPv4, UDP and a payload, with both checksums as `udp` says.
    fn packet(payload: &[u8], udp: Option<u16>) -> Vec<u8> {
        let mut p = vec![0u8; 12];
        p.extend([8, 0, 0x45, 0]);
        p.extend((28 + payload.len() as u16).to_be_bytes());
        p.extend([0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 99, 0, 98]);
        p.extend((8 + payload.len() as u16).to_be_bytes());
        p.extend([0, 0]);
        p.extend(payload);
        let sum = udp.unwrap_or_else(|| right(&p));
        p[40..42].copy_from_slice(&sum.to_be_bytes());
        p
    }

    fn right(p: &[u8]) -> u16 {
        let mut p = p.to_vec();
        p[40..42].fill(0);
        !fold(add(&p, 26..34) + 17 + (p.len() as u64 - 34) + add(&p, 34..p.len()))
    }

    #[test]
    fn a_right_sum_stays_right_and_a_wrong_one_as_wrong() {
        for payload in [&b"password"[..], b"secretx", b"\xff\xff\xff"] {
            let new_payload = vec![b'x'; payload.len()];
            for off in [0u16, 5, 0x1234] {
                let good = right(&packet(payload, None));
                let old = packet(payload, Some(!fold(u64::from(!good) + u64::from(off))));
                let mut new = old.clone();
                new[42..].copy_from_slice(&new_payload);
                fix(1, new.len() as u32, &old, &mut new);
                let good = right(&new);
                assert_eq!(word(&new, 40), !fold(u64::from(!good) + u64::from(off)), "off by {off}");
            }
        }
    }

    #[test]
    fn sums_left_out_or_left_to_the_card_are_not_touched() {
        let p = packet(b"password", None);
        let partial = fold(add(&p, 26..34) + 17 + 16);
        for sum in [0, partial] {
            let old = packet(b"password", Some(sum));
            let mut new = old.clone();
            new[42..].fill(b'x');
            fix(1, new.len() as u32, &old, &mut new);
            assert_eq!(word(&new, 40), sum);
        }
    }
}
