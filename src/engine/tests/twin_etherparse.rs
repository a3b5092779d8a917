//! The fast header read held against an independent reader (the etherparse crate) on whole and on mutated Ethernet packets.

mod support;

use etherparse::{LaxNetSlice, LaxSlicedPacket, TransportSlice};
use wirelore_engine::packet::{self, Headers, IpPair, LayerKind, Transport};

/// Says how the two readings of an Ethernet packet differ; `None` if they agree or cannot be compared.
fn difference(bytes: &[u8], h: &Headers) -> Option<String> {
    // Only what both know: no tunnels, no MPLS, LLC or vendor tags, and the whole packet captured.
    let known = |k: LayerKind| {
        use LayerKind as K;
        matches!(k, K::Ethernet | K::EtherType | K::Vlan | K::ServiceVlan | K::Ip | K::Ipv6 | K::Tcp | K::Udp)
    };
    if h.path != 0 || !h.is_sound() || !h.layers.iter().all(|l| known(l.kind)) {
        return None;
    }
    let other = LaxSlicedPacket::from_ethernet(bytes).ok()?;
    let net = match &other.net {
        Some(LaxNetSlice::Ipv4(ip)) => IpPair::V4(ip.header().source_addr(), ip.header().destination_addr()),
        Some(LaxNetSlice::Ipv6(ip)) => IpPair::V6(ip.header().source_addr(), ip.header().destination_addr()),
        _ => return None,
    };
    let at = |slice: &[u8]| (slice.as_ptr() as usize).wrapping_sub(bytes.as_ptr() as usize);
    let transport = match (&other.transport, h.transport) {
        (Some(TransportSlice::Tcp(o)), Transport::Tcp(t)) => {
            let theirs = (
                o.source_port(),
                o.destination_port(),
                o.sequence_number(),
                o.acknowledgment_number(),
                o.window_size(),
                at(o.slice()),
            );
            let ours = (t.ports.src, t.ports.dst, t.seq, t.ack, t.window, t.at as usize);
            let payload = (h.payload_at as usize, h.payload_len as usize) == (at(o.payload()), o.payload().len());
            theirs == ours && payload && o.options() == t.options(bytes)
        }
        (Some(TransportSlice::Udp(o)), Transport::Udp(p)) => {
            let payload = (h.payload_at as usize, h.payload_len as usize) == (at(o.payload()), o.payload().len());
            (o.source_port(), o.destination_port()) == (p.src, p.dst) && payload
        }
        // What one of them gave up on is compared no further.
        _ => true,
    };
    (net != h.net || !transport)
        .then(|| format!("{:?} {:?} {}+{}\n  {:?}", h.net, h.transport, h.payload_at, h.payload_len, other.transport))
}

#[test]
fn two_readers_agree_on_ethernet_packets() {
    let Some(dir) = support::corpus() else { return };
    let (mut compared, mut wrong, mut seed) = (0, Vec::new(), 7_u64);
    for file in support::captures(&dir) {
        for (n, p) in
            support::packets(&file).iter().enumerate().filter(|(_, p)| p.link_type == 1 && p.wire_len as usize == p.bytes.len())
        {
            for turn in 0..4_usize {
                let mut bytes = p.bytes.clone();
                if turn > 0 && bytes.len() > 30 {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let i = 12 + (seed >> 33) as usize % (bytes.len().min(90) - 12);
                    bytes[i] ^= 1 << (seed >> 61);
                }
                let mut h = Headers::default();
                packet::read(1, &bytes, bytes.len() as u32, &mut h);
                compared += 1;
                if let Some(text) = difference(&bytes, &h) {
                    wrong.push(format!("{} #{} turn {turn}: {text}", file.display(), n + 1));
                }
            }
        }
    }
    eprintln!("{compared} readings compared");
    assert!(wrong.is_empty(), "{}: {}", wrong.len(), wrong.iter().take(12).cloned().collect::<Vec<_>>().join("\n"));
}
