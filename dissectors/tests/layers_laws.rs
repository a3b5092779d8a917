//! Laws that layers keep on every packet of every capture: nothing panics, spans nest, every byte is told of, and the
//! fast header read sees the same.

mod layers_support;

use layers_support::{captures, packets, read};
use wirelore_dissectors::layers::line;
use wirelore_engine::packet::{self, Headers, IpPair, LayerKind, Stop, Transport};
use wirelore_kit::{BufId, Kind, Node, PacketBytes, Span, Tie, Tree, Value};

#[test]
fn every_packet_keeps_the_span_law_and_tells_of_every_byte() {
    let mut count = 0_u32;
    for path in captures() {
        packets(&path, |p| {
            let (tree, names, payload) = read(&p);
            if let Err(why) = spans_nest(&tree).and_then(|()| all_told(&tree, &p, payload)) {
                panic!("{} packet {}: {why}\n{}", path.display(), p.number + 1, show(&tree));
            }
            let _ = line(&tree, &names);
            count += 1;
        });
    }
    println!("{count} packets");
}

#[test]
fn packets_cut_anywhere_keep_the_span_law() {
    for path in captures() {
        packets(&path, |p| {
            // A few packets of each capture, each cut at every length.
            if p.number % 97 > 1 || p.number > 1000 {
                return;
            }
            for n in 0..p.bytes.len().min(200) {
                for wire_len in [n as u32, p.wire_len] {
                    let cut = PacketBytes { bytes: p.bytes.slice(..n), wire_len, ..p.clone() };
                    let (tree, names, payload) = read(&cut);
                    if let Err(why) = spans_nest(&tree).and_then(|()| all_told(&tree, &cut, payload)) {
                        panic!("{} packet {} cut at {n}: {why}\n{}", path.display(), p.number + 1, show(&tree));
                    }
                    let _ = line(&tree, &names);
                }
            }
        });
    }
}

#[test]
fn packets_with_a_wrong_byte_keep_the_span_law() {
    for path in captures() {
        packets(&path, |p| {
            if p.number % 199 != 0 || p.number > 1000 {
                return;
            }
            for at in 0..p.bytes.len().min(160) {
                for value in [0x00, 0x01, 0x45, 0x7f, 0xff] {
                    let mut bytes = p.bytes.to_vec();
                    bytes[at] = value;
                    let wrong = PacketBytes { bytes: bytes.into(), ..p.clone() };
                    let (tree, names, payload) = read(&wrong);
                    if let Err(why) = spans_nest(&tree).and_then(|()| all_told(&tree, &wrong, payload)) {
                        panic!("{} packet {} with {value:02x} at {at}: {why}\n{}", path.display(), p.number + 1, show(&tree));
                    }
                    let _ = line(&tree, &names);
                }
            }
        });
    }
}

fn show(tree: &Tree) -> String {
    tree.nodes
        .iter()
        .map(|n| {
            format!(
                "{:w$}{} [{}+{} {:?} {:?}] {}\n",
                "",
                n.field.name,
                n.span.at,
                n.span.len,
                n.span.bits,
                n.tie,
                tree.display(n),
                w = usize::from(n.depth) * 2
            )
        })
        .collect()
}

fn bits_of(n: &Node) -> (u64, u64) {
    match n.span.bits {
        Some(b) => (n.span.at * 8 + u64::from(b.first), n.span.at * 8 + u64::from(b.first) + u64::from(b.len)),
        None => (n.span.at * 8, n.span.end() * 8),
    }
}

fn spans_nest(tree: &Tree) -> Result<(), String> {
    fn go(tree: &Tree, parent: Option<usize>) -> Result<(), String> {
        let mut before: std::collections::HashMap<BufId, u64> = std::collections::HashMap::new();
        for i in tree.children(parent) {
            let node = &tree.nodes[i];
            if node.tie == Tie::Own {
                let (from, to) = bits_of(node);
                if let Some(p) = parent.map(|p| &tree.nodes[p])
                    && !(p.span.buf == node.span.buf && bits_of(p).0 <= from && to <= bits_of(p).1)
                {
                    return Err(format!("{} is outside of {}", node.field.name, p.field.name));
                }
                let last = before.entry(node.span.buf).or_insert(0);
                if from < *last {
                    return Err(format!("{} begins before its sibling ends", node.field.name));
                }
                *last = to;
            }
            go(tree, Some(i))?;
        }
        Ok(())
    }
    go(tree, None)
}

/// Every byte of the packet lies in a field, in the payload, or in bytes listed as data, trailing or unknown.
fn all_told(tree: &Tree, p: &PacketBytes, payload: Option<Span>) -> Result<(), String> {
    let mut told = vec![false; p.bytes.len()];
    let own = tree.nodes.iter().filter(|n| n.tie == Tie::Own && n.field.kind != Kind::Group).map(|n| n.span);
    for span in own.chain(payload).filter(|s| s.buf == BufId::arrival(p.number)) {
        for byte in told.get_mut(span.at as usize..span.end() as usize).ok_or("a span goes beyond the packet")? {
            *byte = true;
        }
    }
    match told.iter().position(|t| !t) {
        Some(at) => Err(format!("byte {at} of {} is told of nowhere", told.len())),
        None => Ok(()),
    }
}

/// Layers without bytes of their own, or that only one of the two readers knows.
fn not_compared(name: &str) -> bool {
    matches!(name, "ethertype" | "wlan_radio" | "ipx" | "slarp" | "hip" | "netbios" | "erspan1" | "vxlan-gpe" | "data")
}

#[test]
fn the_fast_header_read_sees_the_same() {
    let (mut compared, mut unsound) = (0_u32, 0_u32);
    let mut differences = Vec::new();
    for path in captures() {
        let mut headers = Headers::default();
        packets(&path, |p| {
            packet::read(p.link_type, &p.bytes, p.wire_len, &mut headers);
            if headers.is_sound() {
                compared += 1;
            } else {
                unsound += 1;
            }
            if let Err(why) = twins(&p, &headers) {
                differences.push(format!(
                    "{} packet {}: {why} (fast: {} {:?})",
                    path.display(),
                    p.number + 1,
                    headers.layers.spell(),
                    headers.stop
                ));
            }
        });
    }
    println!("{compared} packets compared, {unsound} more with damage");
    assert!(
        differences.is_empty(),
        "{} differences, the first:\n{}",
        differences.len(),
        differences[..differences.len().min(40)].join("\n")
    );
}

fn twins(p: &PacketBytes, fast: &Headers) -> Result<(), String> {
    let (tree, names, payload) = read(p);
    let fast_layers: Vec<(&str, u64)> = fast
        .layers
        .iter()
        .filter(|l| l.kind != LayerKind::Data)
        .map(|l| (l.kind.name(), u64::from(l.at)))
        .filter(|(n, _)| !not_compared(n))
        .collect();
    let slow: Vec<(&str, u64)> = tree
        .nodes
        .iter()
        .filter(|n| n.depth == 0 && n.tie == Tie::Own && n.field.kind == Kind::Group)
        .zip(&names)
        .map(|(n, name)| (if *name == "ipv6cp" { "ppp" } else { name }, n.span.at))
        .filter(|(n, _)| !not_compared(n))
        .collect();
    let common = fast_layers.len().min(slow.len());
    if fast_layers[..common] != slow[..common] {
        return Err(format!("layers {slow:?} instead of {fast_layers:?}"));
    }
    if !matches!(fast.stop, Stop::Done | Stop::Fragment) {
        return Ok(());
    }
    if fast_layers.len() != slow.len() {
        return Err(format!("layers {slow:?} instead of {fast_layers:?}"));
    }
    let last = |name: &str| tree.nodes.iter().rev().find(|n| n.field.name == name && quote_of(&tree, n).is_none());
    let same = |name: &str, want: Value| match last(name) {
        Some(n) if n.value == want => Ok(()),
        other => Err(format!("{name} is {:?} instead of {want:?}", other.map(|n| &n.value))),
    };
    match fast.net {
        IpPair::V4(a, b) => {
            same("ip.src", Value::Ip4(a.octets()))?;
            same("ip.dst", Value::Ip4(b.octets()))?;
        }
        IpPair::V6(a, b) => {
            same("ipv6.src", Value::Ip6(a.octets()))?;
            same("ipv6.dst", Value::Ip6(b.octets()))?;
        }
        IpPair::None => {}
    }
    let number = |n: u16| Value::U64(u64::from(n));
    match fast.transport {
        Transport::Tcp(t) => {
            same("tcp.srcport", number(t.ports.src))?;
            same("tcp.dstport", number(t.ports.dst))?;
            same("tcp.seq_raw", Value::U64(u64::from(t.seq)))?;
            same("tcp.ack_raw", Value::U64(u64::from(t.ack)))?;
            same(
                "tcp.flags",
                Value::U64(
                    u64::from(t.flags)
                        | last("tcp.flags.res").map_or(0, |n| if let Value::U64(v) = n.value { v << 9 } else { 0 }),
                ),
            )?;
            same("tcp.window_size_value", number(t.window))?;
            same("tcp.hdr_len", Value::U64(u64::from(t.header_len)))?;
        }
        Transport::Udp(u) => {
            same("udp.srcport", number(u.src))?;
            same("udp.dstport", number(u.dst))?;
        }
        Transport::Icmp(i) => {
            same("icmp.type", Value::U64(u64::from(i.kind)))?;
            same("icmp.code", Value::U64(u64::from(i.code)))?;
        }
        Transport::Icmpv6(i) => {
            same("icmpv6.type", Value::U64(u64::from(i.kind)))?;
            same("icmpv6.code", Value::U64(u64::from(i.code)))?;
        }
        Transport::Other { .. } | Transport::None => {}
    }
    // Behind a tunnel that carries no IP (ARP in VXLAN) the fast read keeps the tunnel's own transport.
    let innermost = fast.layers.last().is_some_and(|l| matches!(l.kind, LayerKind::Tcp | LayerKind::Udp));
    if innermost && fast.stop == Stop::Done {
        let want = (u64::from(fast.payload_at), fast.payload_len);
        let got = payload.map(|s| (s.at, s.len));
        if got != Some(want) {
            return Err(format!("payload {got:?} instead of {want:?}"));
        }
    }
    Ok(())
}

/// The quoted packet that a node belongs to.
fn quote_of<'t>(tree: &'t Tree, node: &Node) -> Option<&'t Node> {
    tree.nodes
        .iter()
        .find(|n| matches!(n.field.name, "icmp.quoted" | "icmpv6.opt.redirected_packet") && n.span.covers(&node.span))
}
