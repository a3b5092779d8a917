//! One line about a packet, for lists, made from its layers: who to whom, the highest protocol, what it says.

use super::LAYERS;
use std::fmt::Write as _;
use wirelore_kit::{Node, PacketLine, Tie, Tree, Value, verdict};

/// A layer's part of a tree.
struct Part<'t> {
    tree: &'t Tree,
    head: &'t Node,
    nodes: &'t [Node],
}

impl<'t> Part<'t> {
    fn node(&self, name: &str) -> Option<&'t Node> {
        self.nodes.iter().find(|n| n.field.name == name)
    }

    fn number(&self, name: &str) -> Option<u64> {
        match self.node(name)?.value {
            Value::U64(n) => Some(n),
            Value::Bool(b) => Some(u64::from(b)),
            _ => None,
        }
    }

    fn is_set(&self, name: &str) -> bool {
        self.number(name).is_some_and(|n| n != 0)
    }

    fn words(&self, name: &str) -> Option<String> {
        self.node(name).map(|n| self.tree.display(n))
    }

    /// The name of a value, or the value.
    fn name(&self, field: &str) -> String {
        self.node(field).map_or_else(String::new, |n| match n.value {
            Value::U64(v) => n.field.name_of(v).map_or_else(|| self.tree.display(n), str::to_owned),
            _ => self.tree.display(n),
        })
    }

    /// What the layer's heading says.
    fn title(&self) -> String {
        match &self.head.value {
            Value::Str(s) => s.to_string(),
            _ => String::new(),
        }
    }
}

/// The line of a packet, from its tree and the names of its layers as [`wirelore_kit::read_packet`] gave them.
#[must_use]
pub fn line(tree: &Tree, names: &[&'static str]) -> PacketLine {
    let mut line = PacketLine::default();
    let mut parts: Vec<Part<'_>> = Vec::new();
    for (i, head) in tree.nodes.iter().enumerate() {
        if head.depth == 0 && head.tie == Tie::Own && names.contains(&head.field.name) {
            parts.push(Part { tree, head, nodes: tree.nodes.get(i..head.end as usize).unwrap_or(&[]) });
        }
    }
    for part in &parts {
        addresses(part, &mut line);
    }
    let Some(last) = parts.last() else {
        line.protocol = "Data".into();
        line.info = format!("{} bytes", tree.buffers.first().map_or(0, |b| b.bytes.len()));
        return line;
    };
    let layer = names.last().and_then(|n| LAYERS.iter().find(|l| l.name == *n));
    line.protocol = layer.map_or_else(String::new, |l| l.label.to_owned());
    let below = parts.iter().rev().find(|p| matches!(p.head.field.name, "ip" | "ipv6"));
    line.info = info(last, below);
    line
}

fn addresses(part: &Part<'_>, line: &mut PacketLine) {
    let (from, to): (&[&str], &[&str]) = match part.head.field.name {
        "eth" => (&["eth.src"], &["eth.dst"]),
        "ip" => (&["ip.src"], &["ip.dst"]),
        "ipv6" => (&["ipv6.src"], &["ipv6.dst"]),
        "wlan" => (&["wlan.sa", "wlan.ta"], &["wlan.da", "wlan.ra"]),
        "sll" => (&["sll.src.eth", "sll.src.ipv4"], &[]),
        _ => return,
    };
    if let Some(a) = from.iter().find_map(|n| part.words(n)) {
        line.source = a;
    }
    if let Some(a) = to.iter().find_map(|n| part.words(n)) {
        line.destination = a;
    }
}

fn info(p: &Part<'_>, below: Option<&Part<'_>>) -> String {
    match p.head.field.name {
        "tcp" => tcp(p),
        "udp" => format!("{} Len={}", p.title(), p.number("udp.length").map_or(0, |n| n.saturating_sub(8))),
        "arp" => arp(p),
        "icmp" => icmp(p, below),
        "icmpv6" => icmpv6(p, below),
        "igmp" => {
            let groups: Vec<String> =
                p.nodes.iter().filter(|n| n.field.name == "igmp.maddr").map(|n| p.tree.display(n)).collect();
            if groups.is_empty() { p.title() } else { format!("{} for {}", p.title(), groups.join(", ")) }
        }
        "ip" => ip(p),
        "ipv6.fraghdr" => fragment(&p.name("ipv6.fraghdr.nxt"), p.number("ipv6.fraghdr.offset"), p.words("ipv6.fraghdr.ident")),
        "sctp" => {
            let chunks: Vec<&str> = p
                .nodes
                .iter()
                .filter(|n| n.field.name == "sctp.chunk_type")
                .map(|n| if let Value::U64(v) = n.value { n.field.name_of(v).unwrap_or("chunk") } else { "chunk" })
                .collect();
            format!("{} {}", p.title(), chunks.join(", "))
        }
        "esp" | "ah" => {
            let name = p.head.field.name;
            format!("SPI={} Seq={}", p.name(&format!("{name}.spi")), p.name(&format!("{name}.sequence")))
        }
        "stp" => format!(
            "{} Root = {}/{}/{} Cost = {} Port = {}",
            p.name("stp.type"),
            p.name("stp.root.prio"),
            p.name("stp.root.ext"),
            p.name("stp.root.hw"),
            p.name("stp.root.cost"),
            p.name("stp.port")
        ),
        "lldp" => ["lldp.tlv.system.name", "lldp.port.desc"].iter().filter_map(|n| p.words(n)).collect::<Vec<_>>().join(", "),
        "eapol" => p.name("eapol.type"),
        "pppoed" => p.name("pppoe.code"),
        "lcp" | "ipcp" | "ipv6cp" => p.name("ppp.code"),
        "wlan" => p.name("wlan.fc.type_subtype"),
        "eth" => data_of("Type", &p.name("eth.type")),
        "vlan" => data_of(&format!("VLAN {}, type", p.name("vlan.id")), &p.name("vlan.etype")),
        "sll" => data_of("Type", &p.name("sll.etype")),
        "ipv6" => data_of("Next header", &p.name("ipv6.nxt")),
        _ => p.title(),
    }
}

fn data_of(what: &str, value: &str) -> String {
    if value.is_empty() { String::new() } else { format!("{what} {value}") }
}

fn tcp(p: &Part<'_>) -> String {
    let mut s = String::new();
    for v in verdict::ALL {
        if p.node(v.name).is_some() {
            let _ = write!(s, "[{}] ", v.label);
        }
    }
    let _ = write!(s, "{} [", p.title());
    let flags = [
        ("fin", "FIN"),
        ("syn", "SYN"),
        ("reset", "RST"),
        ("push", "PSH"),
        ("ack", "ACK"),
        ("urg", "URG"),
        ("ece", "ECE"),
        ("cwr", "CWR"),
        ("ae", "AE"),
    ];
    let set: Vec<&str> = flags.iter().filter(|(f, _)| p.is_set(&format!("tcp.flags.{f}"))).map(|(_, label)| *label).collect();
    let _ = write!(s, "{}]", if set.is_empty() { "no flags".to_owned() } else { set.join(", ") });
    let number = |relative: &str, raw: &str| p.number(relative).or_else(|| p.number(raw)).unwrap_or(0);
    let _ = write!(s, " Seq={}", number("tcp.seq", "tcp.seq_raw"));
    if p.is_set("tcp.flags.ack") {
        let _ = write!(s, " Ack={}", number("tcp.ack", "tcp.ack_raw"));
    }
    let _ = write!(s, " Win={} Len={}", number("tcp.window_size", "tcp.window_size_value"), number("tcp.len", "tcp.len"));
    if let Some(n) = p.number("tcp.options.mss_val") {
        let _ = write!(s, " MSS={n}");
    }
    if let Some(n) = p.number("tcp.options.wscale.multiplier") {
        let _ = write!(s, " WS={n}");
    }
    if p.nodes.iter().any(|n| n.field.name == "tcp.option_kind" && n.value == Value::U64(4)) {
        s.push_str(" SACK_PERM");
    }
    if let (Some(a), Some(b)) = (p.number("tcp.options.timestamp.tsval"), p.number("tcp.options.timestamp.tsecr")) {
        let _ = write!(s, " TSval={a} TSecr={b}");
    }
    let edges = |name: &'static str| p.nodes.iter().filter(move |n| n.field.name == name).map(|n| p.tree.display(n));
    for (from, to) in edges("tcp.options.sack_le").zip(edges("tcp.options.sack_re")) {
        let _ = write!(s, " SACK={from}-{to}");
    }
    s
}

fn arp(p: &Part<'_>) -> String {
    let (sender, target) = (p.name("arp.src.proto_ipv4"), p.name("arp.dst.proto_ipv4"));
    let hardware = p.name("arp.src.hw_mac");
    match p.number("arp.opcode") {
        Some(1) if p.is_set("arp.isprobe") => format!("Who has {target}? (probe)"),
        Some(1) if p.is_set("arp.isannouncement") => format!("ARP announcement for {sender}"),
        Some(1) => format!("Who has {target}? Tell {sender}"),
        Some(2) if p.is_set("arp.isgratuitous") => format!("Gratuitous ARP: {sender} is at {hardware}"),
        Some(2) => format!("{sender} is at {hardware}"),
        Some(3) => format!("Who is {}? Tell {hardware}", p.name("arp.dst.hw_mac")),
        Some(4) => format!("{} is at {target}", p.name("arp.dst.hw_mac")),
        _ => p.name("arp.opcode"),
    }
}

fn ip(p: &Part<'_>) -> String {
    let proto = p.name("ip.proto");
    if p.is_set("ip.frag_offset") || p.is_set("ip.flags.mf") {
        return fragment(&proto, p.number("ip.frag_offset"), p.words("ip.id"));
    }
    data_of("Protocol", &proto)
}

fn fragment(proto: &str, offset: Option<u64>, id: Option<String>) -> String {
    format!("Fragment of {proto}, from byte {}, ID {}", offset.unwrap_or(0).saturating_mul(8), id.unwrap_or_default())
}

/// What a quoted packet was: "UDP 192.0.2.1 → 192.0.2.2, 40000 → 53".
fn quoted(p: &Part<'_>) -> String {
    let heads = p.nodes.iter().skip(1).filter(|n| matches!(n.field.name, "ip" | "ipv6" | "tcp" | "udp"));
    let words: Vec<String> = heads.filter(|n| !matches!(n.value, Value::Span)).map(|n| p.tree.display(n)).collect();
    if words.is_empty() { String::new() } else { format!(" (about {})", words.join(", ")) }
}

fn icmp(p: &Part<'_>, below: Option<&Part<'_>>) -> String {
    match p.number("icmp.type") {
        Some(kind @ (0 | 8)) => {
            let what = if kind == 8 { "request" } else { "reply" };
            let ttl = below.and_then(|b| b.number("ip.ttl")).unwrap_or(0);
            let n = |name| p.number(name).unwrap_or(0);
            format!("Echo (ping) {what} id=0x{:04x}, seq={}, ttl={ttl}", n("icmp.ident"), n("icmp.seq"))
        }
        _ => format!("{}{}", p.title(), quoted(p)),
    }
}

fn icmpv6(p: &Part<'_>, below: Option<&Part<'_>>) -> String {
    let from = |name: &str| p.words(name).map_or_else(String::new, |a| format!(" from {a}"));
    match p.number("icmpv6.type") {
        Some(kind @ (128 | 129)) => {
            let what = if kind == 128 { "request" } else { "reply" };
            let hops = below.and_then(|b| b.number("ipv6.hlim")).unwrap_or(0);
            let n = |name| p.number(name).unwrap_or(0);
            format!(
                "Echo (ping) {what} id=0x{:04x}, seq={}, hop limit={hops}",
                n("icmpv6.echo.identifier"),
                n("icmpv6.echo.sequence_number")
            )
        }
        Some(133) => format!("Router Solicitation{}", from("icmpv6.opt.src_linkaddr")),
        Some(134) => format!("Router Advertisement{}", from("icmpv6.opt.src_linkaddr")),
        Some(135) => {
            format!("Neighbor Solicitation for {}{}", p.name("icmpv6.nd.ns.target_address"), from("icmpv6.opt.src_linkaddr"))
        }
        Some(136) => {
            let flags = [("r", "rtr"), ("s", "sol"), ("o", "ovr")];
            let set: Vec<&str> =
                flags.iter().filter(|(f, _)| p.is_set(&format!("icmpv6.nd.na.flag.{f}"))).map(|(_, label)| *label).collect();
            let at = p.words("icmpv6.opt.target_linkaddr").map_or_else(String::new, |a| format!(" is at {a}"));
            format!("Neighbor Advertisement {} ({}){at}", p.name("icmpv6.nd.na.target_address"), set.join(", "))
        }
        Some(137) => {
            format!("Redirect: reach {} by {}", p.name("icmpv6.rd.na.destination_address"), p.name("icmpv6.nd.rd.target_address"))
        }
        Some(143) => {
            let groups: Vec<String> = p
                .nodes
                .iter()
                .filter(|n| n.field.name == "icmpv6.mldr.mar.multicast_address")
                .map(|n| p.tree.display(n))
                .collect();
            format!("{} for {}", p.title(), groups.join(", "))
        }
        _ => format!("{}{}", p.title(), quoted(p)),
    }
}
