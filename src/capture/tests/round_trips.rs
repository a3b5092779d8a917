//! Round trips: what the writers write, the source reads, in every shape of the formats.

mod common;

use std::net::{Ipv4Addr, Ipv6Addr};

use common::{LE, payload, read_bytes, small_pcap, small_pcapng, time};
use wirelore_capture::write::{InterfaceSpec, PacketSpec, PcapngWriter, SectionSpec, StatisticsSpec};
use wirelore_capture::{
    Address, Comment, Drops, Event, Format, NO_TIME, Options, PcapKind, Resolution, Secrets, Source, mark, secrets,
};

#[test]
fn pcap_in_all_variants() {
    for big_endian in [false, true] {
        for (nanoseconds, modified) in [(false, false), (true, false), (false, true)] {
            let kind = PcapKind { big_endian, nanoseconds, modified };
            let file = small_pcap(kind, 9);
            let source = Source::from_bytes(file.clone(), Options::default()).unwrap();
            assert_eq!(source.format(), Some(Format::Pcap(kind)));
            let read = read_bytes(&file);
            assert_eq!(read.items.len(), 9);
            for (i, (item, data)) in read.items.iter().zip(&read.data).enumerate() {
                assert_eq!((item.time_ns, data), (time(i), &payload(i)));
                assert_eq!(item.wire_len, item.cap_len + 4);
            }
            let [interface] = read.interfaces()[..] else { panic!() };
            assert_eq!((interface.link_type, interface.snaplen), (1, 65535));
            assert!(read.damages().is_empty());
        }
    }
}

#[test]
fn pcapng_in_both_byte_orders() {
    for big in [false, true] {
        let read = read_bytes(&small_pcapng(big, 9));
        assert_eq!(read.items.len(), 9);
        for (i, (item, data)) in read.items.iter().zip(&read.data).enumerate() {
            assert_eq!((item.time_ns, data), (time(i), &payload(i)));
            assert_eq!(item.marks & mark::COMMENT != 0, i % 4 == 1);
        }
        let comments: Vec<_> =
            read.events.iter().filter_map(|e| if let Event::Comment(c) = e { Some(c.clone()) } else { None }).collect();
        let expected = [1, 5].map(|packet| Comment { packet, text: "look here".into() });
        assert_eq!(comments, expected);
        let Some(Event::Section(section)) = read.events.first() else { panic!() };
        assert_eq!((section.big_endian, section.application.as_deref()), (big, Some("tests")));
        assert_eq!(read.interfaces()[0].name.as_deref(), Some("eth0"));
    }
}

/// Two sections of different byte order, four interfaces of different link types and resolutions, every block.
#[test]
fn pcapng_with_all_its_blocks() {
    let mut w =
        PcapngWriter::new(Vec::new(), &SectionSpec { os: Some("Linux"), comment: Some("hi"), ..Default::default() }).unwrap();
    let ten = InterfaceSpec { link_type: 1, description: Some("ten"), ..Default::default() };
    let two = InterfaceSpec { link_type: 101, snaplen: 8, resolution: Resolution::new(0x80 | 20, 0), ..Default::default() };
    let late = InterfaceSpec { link_type: 113, resolution: Resolution::new(3, 1_700_000_000), ..Default::default() };
    assert_eq!(w.interface(&ten).unwrap(), 0);
    assert_eq!(w.interface(&two).unwrap(), 1);
    let when = 1_700_000_000_500_000_000;
    let packet =
        |interface, data: &'static [u8]| PacketSpec { interface, time_ns: when, wire_len: 99, data, ..Default::default() };
    w.packet(&packet(0, b"one")).unwrap();
    w.secrets(secrets::TLS_KEY_LOG, b"CLIENT_RANDOM 00 11\n").unwrap();
    w.packet(&PacketSpec { flags: 2, dropped: 7, comments: &["a", "b"], ..packet(1, b"two") }).unwrap();
    let v6 = Ipv6Addr::LOCALHOST;
    w.names(&[(Address::V4(Ipv4Addr::LOCALHOST), &["localhost", "me"]), (Address::V6(v6), &["six"])]).unwrap();
    w.obsolete(&PacketSpec { dropped: 3, ..packet(1, b"three") }).unwrap();
    w.custom(0x1234, true, b"custom").unwrap();
    w.block(0x0bad_cafe, b"unknown").unwrap();
    w.simple(6, b"simple").unwrap();
    w.statistics(&StatisticsSpec { interface: 1, time_ns: when, received: Some(10), dropped: Some(4), os_dropped: None })
        .unwrap();
    w.section(&SectionSpec { big_endian: true, ..Default::default() }).unwrap();
    assert_eq!(w.interface(&late).unwrap(), 0);
    w.packet(&packet(0, b"four")).unwrap();
    let file = w.finish().unwrap();
    let read = read_bytes(&file);

    let seen: Vec<_> = read.items.iter().zip(&read.data).map(|(i, d)| (i.interface, i.time_ns, d.as_slice())).collect();
    let expected: [(u32, i64, &[u8]); 5] =
        [(0, when, b"one"), (1, when, b"two"), (1, when, b"three"), (0, NO_TIME, b"simple"), (2, when, b"four")];
    assert_eq!(seen, expected);
    assert_eq!(read.items[1].flags, 2);
    assert_eq!(read.items[3].wire_len, 6);
    assert_eq!(read.interfaces().iter().map(|i| (i.index, i.link_type)).collect::<Vec<_>>(), [(0, 1), (1, 101), (2, 113)]);
    assert!(read.damages().is_empty(), "{:?}", read.damages());

    let find = |want: fn(&Event) -> bool| {
        let at = read.events.iter().position(want).expect("event");
        (read.before[at], read.events[at].clone())
    };
    let (before, event) = find(|e| matches!(e, Event::Secrets(_)));
    assert_eq!(before, 1, "secrets come before the packets that need them");
    let Event::Secrets(Secrets { kind, data, .. }) = event else { panic!() };
    assert_eq!((kind, &data[..]), (secrets::TLS_KEY_LOG, &b"CLIENT_RANDOM 00 11\n"[..]));
    let drops: Vec<_> = read.events.iter().filter_map(|e| if let Event::Drops(d) = e { Some(d.clone()) } else { None }).collect();
    assert_eq!(drops, [Drops { interface: 1, packet: 1, dropped: 7 }, Drops { interface: 1, packet: 2, dropped: 3 }]);
    let (_, Event::Names(names)) = find(|e| matches!(e, Event::Names(_))) else { panic!() };
    assert_eq!(names.records[0], (Address::V4(Ipv4Addr::LOCALHOST), vec!["localhost".into(), "me".into()]));
    assert_eq!(names.records[1], (Address::V6(v6), vec!["six".into()]));
    let (_, Event::Statistics(statistics)) = find(|e| matches!(e, Event::Statistics(_))) else { panic!() };
    assert_eq!(
        (statistics.interface, statistics.received, statistics.dropped, statistics.os_dropped),
        (1, Some(10), Some(4), None)
    );
    let others: Vec<_> = read.events.iter().filter_map(|e| if let Event::Other(o) = e { Some(o) } else { None }).collect();
    assert_eq!(
        others.iter().map(|o| (o.kind, o.enterprise, o.packets_before)).collect::<Vec<_>>(),
        [(0xbad, Some(0x1234), 3), (0x0bad_cafe, None, 3)]
    );
    assert_eq!(&others[0].custom[..4], &file[others[0].at as usize + 12..][..4], "what stands in a custom block is handed on");
    let block = &file[others[1].at as usize..][..others[1].len as usize];
    assert!(block.windows(7).any(|w| w == b"unknown"), "its place is told, to keep it on re-save");
}

#[test]
fn long_blocks_without_meaning_are_passed_over_unread() {
    let mut w = PcapngWriter::new(Vec::new(), &SectionSpec::default()).unwrap();
    w.interface(&InterfaceSpec { link_type: 1, ..Default::default() }).unwrap();
    w.custom(7, false, &vec![1; 5 << 20]).unwrap();
    w.packet(&PacketSpec { data: b"after", wire_len: 5, ..Default::default() }).unwrap();
    let mut file = w.finish().unwrap();
    let read = read_bytes(&file);
    assert_eq!(read.data, [b"after"]);
    assert!(read.events.iter().any(|e| matches!(e, Event::Other(o) if o.len > 5 << 20 && !o.copyable)));
    // Its closing length is checked all the same.
    let closing = file.len() - 40 - 4;
    assert_eq!(file[closing..closing + 4], (5 * 1_048_576u32 + 16).to_le_bytes());
    file[closing] ^= 4;
    let read = read_bytes(&file);
    assert_eq!(read.damages().len(), 1);
    assert_eq!(read.data, [b"after"], "found again by the search");
}

#[test]
fn a_packet_longer_than_a_block_is_read_whole() {
    for kind in [LE, PcapKind { big_endian: true, ..LE }] {
        let mut w = wirelore_capture::write::PcapWriter::new(Vec::new(), kind, 1, 3_000_000).unwrap();
        let long: Vec<u8> = (0..2_000_000u32).map(|i| (i % 255) as u8).collect();
        w.packet(time(0), 2, b"ab").unwrap();
        w.packet(time(1), 2_000_000, &long).unwrap();
        w.packet(time(2), 2, b"cd").unwrap();
        let read = read_bytes(&w.finish().unwrap());
        assert_eq!(read.data, [b"ab".to_vec(), long, b"cd".to_vec()]);
    }
}

#[test]
fn blocks_of_every_size_give_the_same_packets() {
    for file in [small_pcap(LE, 3000), small_pcapng(true, 3000)] {
        let whole = read_bytes(&file);
        for block_len in [4096, 4097, 10_000] {
            let options = Options { block_len, ..Options::default() };
            let cut = common::drain(&mut Source::from_bytes(file.clone(), options).unwrap());
            assert_eq!((cut.data.len(), cut.times()), (3000, whole.times()));
            assert_eq!(cut.data, whole.data);
            assert_eq!(cut.events, whole.events);
        }
    }
}

#[test]
fn the_fcs_bits_of_a_link_type_are_no_part_of_it() {
    let mut file = small_pcap(LE, 1);
    file[20..24].copy_from_slice(&0x2400_0001u32.to_le_bytes());
    let read = read_bytes(&file);
    assert_eq!((read.interfaces()[0].link_type, read.interfaces()[0].fcs_len), (1, Some(4)));
    file[20..24].copy_from_slice(&0x3000_0084u32.to_le_bytes());
    assert_eq!((read_bytes(&file).interfaces()[0].link_type, read_bytes(&file).interfaces()[0].fcs_len), (0x84, None));
}

#[test]
fn lengths_of_old_pcap_versions_are_swapped() {
    let mut file = small_pcap(LE, 3);
    for (minor, swap) in [(2, true), (3, true), (3, false), (4, false)] {
        file[6] = minor;
        let mut old = file.clone();
        let mut at = 24;
        while swap && at < old.len() {
            let cap_len = u32::from_le_bytes(old[at + 8..at + 12].try_into().unwrap());
            let (cap, wire) = (old[at + 8..at + 12].to_vec(), old[at + 12..at + 16].to_vec());
            old[at + 8..at + 12].copy_from_slice(&wire);
            old[at + 12..at + 16].copy_from_slice(&cap);
            at += 16 + cap_len as usize;
        }
        assert_eq!(read_bytes(&old).data, read_bytes(&small_pcap(LE, 3)).data, "version 2.{minor}");
    }
}

#[test]
fn a_packet_over_the_snapshot_length_is_kept_with_a_note() {
    let mut file = small_pcap(LE, 4);
    file[16..20].copy_from_slice(&25u32.to_le_bytes());
    let read = read_bytes(&file);
    assert_eq!(read.items.len(), 4);
    assert_eq!(read.items.iter().filter(|i| i.marks & mark::OVER_SNAPLEN != 0).count(), 3);
    assert_eq!(read.events.iter().filter(|e| matches!(e, Event::Note(_))).count(), 1, "told once");
}

#[test]
fn odd_times_are_read_without_complaint() {
    let mut file = small_pcap(LE, 2);
    file[24..32].copy_from_slice(&[0xff; 8]);
    let read = read_bytes(&file);
    assert_eq!(read.items.len(), 2);
    assert_eq!(read.items[0].time_ns, 4_294_967_295 * 1_000_000_000 + 4_294_967_295 * 1000);
}
