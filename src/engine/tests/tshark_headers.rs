//! The fast header read held against tshark on every capture of the corpus: layers, innermost addresses, ports, numbers, lengths.

mod support;

use support::last;
use wirelore_engine::ipfrag::{FragmentTable, Outcome};
use wirelore_engine::packet::{self, Headers, IpPair, Stop, Transport};

const FIELDS: [&str; 11] = [
    "frame.protocols",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "tcp.srcport",
    "tcp.dstport",
    "udp.srcport",
    "udp.dstport",
    "tcp.seq_raw",
    "tcp.len",
];

/// The addresses, ports and numbers that tshark shows last, or ours in the same form.
#[derive(Debug, PartialEq, Default)]
struct View {
    src: String,
    dst: String,
    ports: String,
    seq: String,
    len: String,
}

fn ours(h: &Headers) -> View {
    let (mut net, mut view) = (h.net, View::default());
    let mut ports = None;
    match h.transport {
        Transport::Tcp(t) => {
            ports = Some(t.ports);
            view.seq = t.seq.to_string();
            if t.sound {
                view.len = h.payload_wire_len.to_string();
            }
        }
        Transport::Udp(p) => ports = Some(p),
        Transport::Icmp(i) | Transport::Icmpv6(i) => {
            if let Some(q) = i.quote {
                net = q.net;
                ports = q.ports.filter(|_| matches!(q.proto, 6 | 17));
                view.seq = q.seq.map(|s| s.to_string()).unwrap_or_default();
            }
        }
        _ => {}
    }
    match net {
        IpPair::None => {}
        IpPair::V4(a, b) => (view.src, view.dst) = (a.to_string(), b.to_string()),
        IpPair::V6(a, b) => (view.src, view.dst) = (a.to_string(), b.to_string()),
    }
    view.ports = ports.map(|p| format!("{} {}", p.src, p.dst)).unwrap_or_default();
    view
}

fn theirs(row: &[String]) -> View {
    let [protocols, s4, d4, s6, d6, ts, td, us, ud, seq, len, ..] = row else { return View::default() };
    // Which of IPv4 and IPv6, TCP and UDP is innermost is told by the protocols.
    let names: Vec<&str> = protocols.split(':').collect();
    let inner = |a: &str, b: &str| names.iter().rposition(|n| *n == a) > names.iter().rposition(|n| *n == b);
    let v6 = if s4.is_empty() || s6.is_empty() { s4.is_empty() } else { inner("ipv6", "ip") };
    let innermost_ip = names.iter().rposition(|n| matches!(*n, "ip" | "ipv6"));
    let outer_ports = names.iter().rposition(|n| matches!(*n, "tcp" | "udp")) < innermost_ip;
    let tcp = if ts.is_empty() || us.is_empty() { !ts.is_empty() } else { inner("tcp", "udp") };
    let mut view = View::default();
    (view.src, view.dst) = if v6 { (last(s6).into(), last(d6).into()) } else { (last(s4).into(), last(d4).into()) };
    let (s, d) = if tcp { (ts, td) } else { (us, ud) };
    if !s.is_empty() && !outer_ports {
        view.ports = format!("{} {}", last(s), last(d));
    }
    if tcp {
        (view.seq, view.len) = (last(seq).into(), last(len).into());
    }
    view
}

/// Reads a packet and, through the fragment table, the datagram it completes.
fn read(p: &support::Packet, number: u64, table: &mut FragmentTable) -> Headers {
    let mut h = Headers::default();
    packet::read(p.link_type, &p.bytes, p.wire_len, &mut h);
    let mut owned: Option<Vec<u8>> = None;
    for _ in 0..4 {
        let Some(f) = h.fragment.filter(|f| f.whole && h.stop == Stop::Fragment) else { break };
        let from: &[u8] = owned.as_deref().unwrap_or(&p.bytes);
        let Outcome::Joined(done) = table.take(h.net, &f, h.payload(from), number, h.payload_at, p.time_ns) else { break };
        let mut inner = Headers::default();
        packet::read_datagram(&h, done.proto, &done.bytes, &mut inner);
        h = inner;
        owned = Some(done.bytes);
    }
    h
}

/// Packets that are read otherwise than tshark reads them, and why.
fn excused(name: &str, number: usize) -> bool {
    match name {
        // Timestamps in UTC (version 0x11, 0x21) are Arista's too; tshark 4.0 stops at them.
        "tcpdump__arista_ether.pcap" => matches!(number, 2 | 7 | 10 | 14),
        // An option longer than its destination options header: tshark stops there, the header's own length leads on to UDP.
        "zeek__ipv6-mobility-dst-opts.pcap" => number == 1,
        _ => false,
    }
}

#[test]
fn headers_agree_with_tshark_on_the_corpus() {
    let Some(dir) = support::corpus() else { return };
    if !support::has_tshark() {
        return;
    }
    let (mut compared, mut wrong) = (0_u64, Vec::new());
    let extra = std::env::var("WIRELORE_HEADERS_EXTRA").unwrap_or_default();
    let mut files = support::captures(&dir);
    files.extend(support::captures(std::path::Path::new(&extra)));
    for path in files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let rows = support::tshark(&path, &FIELDS);
        let packets = support::packets(&path);
        assert_eq!(rows.len(), packets.len(), "{name}: packets");
        let mut table = FragmentTable::default();
        for (i, (p, row)) in packets.iter().zip(&rows).enumerate() {
            let h = read(p, i as u64 + 1, &mut table);
            compared += 1;
            let (spelled, whole) = (h.layers.spell(), format!("{}:", row[0]));
            let (a, b) = (ours(&h), theirs(row));
            if (!whole.starts_with(&format!("{spelled}:")) || a != b) && !excused(&name, i + 1) {
                wrong.push(format!("{name} #{}: {spelled} / {}\n   ours   {a:?} {:?}\n   theirs {b:?}", i + 1, row[0], h.stop));
            }
        }
    }
    eprintln!("{compared} packets compared, {} differ", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.iter().take(200).cloned().collect::<Vec<_>>().join("\n"));
}
