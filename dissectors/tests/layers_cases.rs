//! Single packets made by hand: what must come out where captures have no example, and what once went wrong.

mod layers_support;

use bytes::Bytes;
use layers_support::{hex, packet, read};
use wirelore_dissectors::layers;
use wirelore_kit::{BufId, How, PacketBytes, PacketFacts, Piece, Severity, Span, Tree, Value, verdict};

const ETH: &str = "02000000000b 02000000000a 0800";
const ETH6: &str = "02000000000b 02000000000a 86dd";

/// An IPv4 header with a right checksum before `rest`.
fn ipv4(proto: u8, flags: u16, total: Option<u16>, rest: &[u8]) -> Vec<u8> {
    let total = total.unwrap_or(20 + rest.len() as u16).to_be_bytes();
    let flags = flags.to_be_bytes();
    let mut h = vec![0x45, 0, total[0], total[1], 0x12, 0x34, flags[0], flags[1], 64, proto, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2];
    let sum = !sum(&h);
    h[10..12].copy_from_slice(&sum.to_be_bytes());
    h.extend_from_slice(rest);
    h
}

fn sum(bytes: &[u8]) -> u16 {
    let mut s: u32 = bytes.chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(w.get(1).copied().unwrap_or(0))).sum();
    while s > 0xffff {
        s = (s >> 16) + (s & 0xffff);
    }
    s as u16
}

fn frame(ip: &[u8]) -> Vec<u8> {
    let mut all = hex(ETH);
    all.extend_from_slice(ip);
    all
}

fn notes(tree: &Tree) -> Vec<&'static str> {
    tree.notes.iter().map(|n| n.what.name).collect()
}

fn number(tree: &Tree, name: &str) -> u64 {
    match tree.find(name).unwrap_or_else(|| panic!("no {name}")).value {
        Value::U64(n) => n,
        Value::Bool(b) => u64::from(b),
        ref other => panic!("{name} is {other:?}"),
    }
}

const SYN: &str = "c764 0050 00001000 00000000 a0 02 faf0 0000 0000 020405b4 0402 080a 0000000a 00000000 01 030307";

fn syn(checksum: u16) -> Vec<u8> {
    let mut t = hex(SYN);
    t[16..18].copy_from_slice(&checksum.to_be_bytes());
    t
}

/// Sum of the pseudo header of the packets made here.
fn pseudo(proto: u8, len: u16) -> u16 {
    let mut b = vec![192, 0, 2, 1, 192, 0, 2, 2, 0, proto];
    b.extend_from_slice(&len.to_be_bytes());
    sum(&b)
}

#[test]
fn a_half_done_checksum_is_the_cards_business_and_no_error() {
    let (tree, _, _) = read(&packet(1, &frame(&ipv4(6, 0x4000, None, &syn(pseudo(6, 40))))));
    assert_eq!(number(&tree, "tcp.checksum.status"), 2);
    let note = tree.notes.iter().find(|n| n.what.name == "tcp.note.checksum_offload").expect("a note");
    assert_eq!(note.what.severity, Severity::Chat);
    assert_eq!(notes(&tree).len(), 1);
}

#[test]
fn a_right_checksum_is_good_and_a_wrong_one_is_told() {
    let mut good = syn(0);
    let s = sum(&[pseudo(6, 40).to_be_bytes().to_vec(), good.clone()].concat());
    good = syn(!s);
    let (tree, _, _) = read(&packet(1, &frame(&ipv4(6, 0x4000, None, &good))));
    assert_eq!((number(&tree, "tcp.checksum.status"), number(&tree, "ip.checksum.status")), (1, 1));
    assert!(notes(&tree).is_empty(), "{:?}", notes(&tree));
    let (tree, _, _) = read(&packet(1, &frame(&ipv4(6, 0x4000, None, &syn(0x1234)))));
    assert_eq!(number(&tree, "tcp.checksum.status"), 0);
    assert_eq!(notes(&tree), ["tcp.note.checksum"]);
}

#[test]
fn a_checksum_over_missing_bytes_stays_open() {
    let all = frame(&ipv4(6, 0x4000, None, &[syn(0x1234), vec![0; 100]].concat()));
    let cut = PacketBytes { wire_len: all.len() as u32, bytes: Bytes::copy_from_slice(&all[..80]), ..packet(1, &[]) };
    let (tree, _, _) = read(&cut);
    assert_eq!(number(&tree, "tcp.checksum.status"), 2);
    assert_eq!(number(&tree, "tcp.len"), 100);
    assert_eq!(notes(&tree), ["frame.note.cut"]);
}

#[test]
fn total_length_0_is_a_segment_before_the_card_cut_it() {
    let (tree, _, payload) = read(&packet(1, &frame(&ipv4(6, 0x4000, Some(0), &[syn(pseudo(6, 0)), vec![7; 3000]].concat()))));
    assert_eq!(payload.map(|p| p.len), Some(3000));
    assert_eq!(number(&tree, "tcp.len"), 3000);
    assert_eq!(notes(&tree), ["ip.note.segmentation_offload", "tcp.note.checksum_offload"]);
}

#[test]
fn no_udp_checksum_is_fine_over_ipv4_and_not_over_ipv6() {
    let udp = hex("1000 2000 000b 0000 616263");
    let (tree, _, payload) = read(&packet(1, &frame(&ipv4(17, 0, None, &udp))));
    assert_eq!(number(&tree, "udp.checksum.status"), 3);
    assert!(notes(&tree).is_empty());
    assert_eq!(payload.map(|p| (p.at, p.len)), Some((42, 3)));
    let six = hex(&format!(
        "{ETH6} 60000000 000b 11 40 20010db8000000000000000000000001 20010db8000000000000000000000002 1000 2000 000b 0000 616263"
    ));
    assert_eq!(notes(&read(&packet(1, &six)).0), ["udp.note.checksum_missing"]);
}

#[test]
fn facts_of_the_analysis_become_fields() {
    let facts = PacketFacts {
        number: 7,
        time: 1,
        stream: Some(3),
        verdicts: verdict::RETRANSMISSION | verdict::ZERO_WINDOW,
        seq_base: Some(0xffff_fff0),
        ack_base: Some(100),
        window_shift: Some(7),
        analysis: None,
    };
    let segment = hex("c764 0050 00000000 000000c8 50 18 0010 0000 0000 616263");
    let mut p = packet(1, &frame(&ipv4(6, 0x4000, None, &segment)));
    p.facts = Some(facts);
    let (tree, names, _) = layers::read(&p);
    for (name, want) in [
        ("frame.number", 7),
        ("tcp.stream", 3),
        ("tcp.seq", 16),
        ("tcp.nxtseq", 19),
        ("tcp.ack", 100),
        ("tcp.window_size", 16 << 7),
        ("tcp.analysis.retransmission", 1),
        ("tcp.analysis.zero_window", 1),
    ] {
        assert_eq!(number(&tree, name), want, "{name}");
    }
    assert_eq!(tree.find("tcp.window_size_scalefactor").map(|n| &n.value), Some(&Value::I64(128)));
    let line = layers::line(&tree, &names);
    assert_eq!((line.source.as_str(), line.destination.as_str(), line.protocol.as_str()), ("192.0.2.1", "192.0.2.2", "TCP"));
    assert_eq!(line.info, "[TCP retransmission] [TCP zero window] 51044 → 80 [PSH, ACK] Seq=16 Ack=100 Win=2048 Len=3");
}

#[test]
fn the_frame_comes_first_and_keeps_the_tree_whole() {
    let (tree, _, _) = layers::read(&packet(1, &frame(&ipv4(6, 0x4000, None, &syn(0)))));
    let roots: Vec<&str> = tree.children(None).map(|i| tree.nodes[i].field.name).collect();
    assert_eq!(roots, ["frame", "eth", "ip", "tcp"]);
    let facts: Vec<&str> = tree.children(Some(0)).map(|i| tree.nodes[i].field.name).collect();
    assert_eq!(facts, ["frame.number", "frame.len", "frame.cap_len", "frame.protocols"]);
    let protocols = tree.find("frame.protocols").map(|n| tree.display(n));
    assert_eq!(protocols.as_deref(), Some("eth:ethertype:ip:tcp"));
}

#[test]
fn lines_say_what_packets_say() {
    let line = |bytes: &[u8]| {
        let (tree, names, _) = read(&packet(1, bytes));
        layers::line(&tree, &names)
    };
    let syn_line = line(&frame(&ipv4(6, 0x4000, None, &syn(0))));
    assert_eq!(syn_line.info, "51044 → 80 [SYN] Seq=4096 Win=64240 Len=0 MSS=1460 WS=128 SACK_PERM TSval=10 TSecr=0");
    let arp = line(&hex("ffffffffffff 02000000000a 0806 0001 0800 06 04 0001 02000000000a c0000202 000000000000 c0000201"));
    assert_eq!((arp.protocol.as_str(), arp.info.as_str()), ("ARP", "Who has 192.0.2.1? Tell 192.0.2.2"));
    assert_eq!((arp.source.as_str(), arp.destination.as_str()), ("02:00:00:00:00:0a", "ff:ff:ff:ff:ff:ff"));
    let ping = line(&frame(&ipv4(1, 0, None, &hex("08 00 0000 0001 0002 6162"))));
    assert_eq!((ping.protocol.as_str(), ping.info.as_str()), ("ICMP", "Echo (ping) request id=0x0001, seq=2, ttl=64"));
    let quoted = [hex("03 03 0000 00000000"), ipv4(17, 0, None, &hex("9c40 0035 0008 0000"))].concat();
    let error = line(&frame(&ipv4(1, 0, None, &quoted)));
    assert_eq!(error.info, "Destination unreachable: port unreachable (about 192.0.2.1 → 192.0.2.2, 40000 → 53)");
    let fragment = line(&frame(&ipv4(17, 0x2000 | 185, None, &[0; 16])));
    assert_eq!((fragment.protocol.as_str(), fragment.info.as_str()), ("IPv4", "Fragment of UDP, from byte 1480, ID 0x1234"));
    let neighbour = line(&hex(&format!(
        "{ETH6} 60000000 0020 3a ff fe800000000000000000000000000001 ff0200000000000000000001ff000002 87 00 0000 00000000 fe800000000000000000000000000002 01 01 02000000000a"
    )));
    assert_eq!(neighbour.info, "Neighbor Solicitation for fe80::2 from 02:00:00:00:00:0a");
}

#[test]
fn a_joined_datagram_is_read_in_its_own_buffer() {
    let udp = hex("9c40 0035 0018 0000 000102030405060708090a0b0c0d0e0f");
    let mut p = packet(1, &frame(&ipv4(17, 2, None, &udp[16..])));
    let map = vec![
        Piece { at: 0, len: 16, from: Span::new(BufId::arrival(5), 34, 16), how: How::Joined },
        Piece { at: 16, len: 8, from: Span::new(BufId::arrival(0), 34, 8), how: How::Joined },
    ];
    p.joined = Some((Bytes::from(udp), map));
    let (tree, names, payload) = read(&p);
    assert_eq!(names, ["eth", "ip", "udp"]);
    assert_eq!(payload, Some(Span::new(BufId::part(1), 8, 16)));
    assert_eq!(tree.buffers.len(), 2);
    assert_eq!(number(&tree, "udp.dstport"), 53);
}

#[test]
fn a_fragment_inside_a_joined_datagram_is_not_joined_again() {
    // GRE around a fragment: the outer datagram was joined, the inner one was not.
    let inner = [hex("0000 0800"), ipv4(17, 0x2000, None, &[1; 8])].concat();
    let mut p = packet(1, &frame(&ipv4(47, 2, None, &inner[16..])));
    p.joined = Some((Bytes::from(inner), Vec::new()));
    let (tree, names, payload) = read(&p);
    assert_eq!(names, ["eth", "ip", "gre", "ip"]);
    assert_eq!(payload, None);
    assert_eq!(tree.buffers.len(), 2);
}

#[test]
fn tunnels_in_tunnels_end_with_a_note() {
    let mut bytes = ipv4(17, 0, None, &hex("1000 2000 0008 0000"));
    for _ in 0..60 {
        bytes = ipv4(4, 0, None, &bytes);
    }
    let (tree, names, _) = read(&packet(101, &bytes));
    assert_eq!(names.len(), 32);
    assert_eq!(notes(&tree), ["data.note.too_deep"]);
}

#[test]
fn errors_about_errors_about_errors_end() {
    let mut bytes = hex("08 00 0000 0001 0002");
    for _ in 0..400 {
        bytes = [hex("03 03 0000 00000000"), ipv4(1, 0, None, &bytes)].concat();
    }
    let (tree, _, _) = read(&packet(101, &ipv4(1, 0, None, &bytes)));
    assert!(tree.nodes.len() > 100);
}

#[test]
fn a_jumbogram_tells_its_length_in_an_option() {
    let body = vec![5_u8; 70_000];
    let mut all = hex("60000000 0000 00 40 20010db8000000000000000000000001 20010db8000000000000000000000002 11 00 c2 04");
    all.extend_from_slice(&(8 + 8 + body.len() as u32).to_be_bytes());
    all.extend_from_slice(&hex("1000 2000 0000 1234"));
    all.extend_from_slice(&body);
    all.extend_from_slice(b"trailer");
    let (tree, names, payload) = read(&packet(101, &all));
    assert_eq!(names, ["raw", "ipv6", "ipv6.hopopts", "udp"]);
    assert_eq!(payload.map(|p| p.len), Some(70_000));
    assert_eq!(number(&tree, "ipv6.opt.jumbo"), 70_016);
}

#[test]
fn bad_options_hide_neither_header_nor_payload() {
    let mut t = hex("c764 0050 00001000 00000000 70 10 faf0 0000 0000 02 04 05b4 05 40 0000");
    t.extend_from_slice(b"body");
    let (tree, _, payload) = read(&packet(1, &frame(&ipv4(6, 0x4000, None, &t))));
    assert_eq!(number(&tree, "tcp.options.mss_val"), 1460);
    assert!(notes(&tree).contains(&"tcp.note.option"));
    assert_eq!(payload.map(|p| p.len), Some(4));
}

#[test]
fn unknown_types_are_listed_as_bytes() {
    let (tree, names, payload) = read(&packet(1, &hex("02000000000b 02000000000a 1234 deadbeef")));
    assert_eq!((names.as_slice(), payload), (["eth"].as_slice(), None));
    assert_eq!(tree.find("data.data").map(|n| (n.span.at, n.span.len)), Some((14, 4)));
    let (tree, names, _) = read(&packet(60_000, &hex("deadbeef")));
    assert!(names.is_empty());
    assert_eq!(tree.find("data.data").map(|n| n.span.len), Some(4));
    assert_eq!(layers::line(&tree, &names).info, "4 bytes");
}

#[test]
fn a_whole_packet_too_short_for_a_header_is_not_called_cut() {
    let (tree, _, _) = read(&packet(1, &hex("02000000000b 0200")));
    assert_eq!(notes(&tree), ["frame.note.short"]);
}
