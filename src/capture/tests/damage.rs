//! Damaged files: what comes before is delivered, what is wrong is told, what comes after is found again.

mod common;

use common::{LE, Read, drain, payload, read_bytes, small_pcap, small_pcapng, time};
use proptest::prelude::*;
use wirelore_capture::{DamageKind, Event, OpenError, Options, PcapKind, Source, mark};

fn read_or_refuse(bytes: &[u8]) -> Option<Read> {
    Source::from_bytes(bytes.to_vec(), Options::default()).ok().map(|mut s| drain(&mut s))
}

#[test]
fn a_cut_at_any_byte_gives_the_packets_before_it() {
    let modified = PcapKind { modified: true, ..LE };
    for file in [small_pcap(LE, 12), small_pcap(modified, 12), small_pcapng(false, 12), small_pcapng(true, 12)] {
        let whole = read_bytes(&file);
        for cut in 0..file.len() {
            let Some(read) = read_or_refuse(&file[..cut]) else {
                assert!(cut < 28, "refused when cut at {cut}");
                continue;
            };
            let complete = whole.items.iter().filter(|i| {
                let padded = if whole.events.iter().any(|e| matches!(e, Event::Section(_))) {
                    // The block's options and closing length come after the data.
                    let end = whole.items.iter().map(|n| n.at - 28).find(|start| *start > i.at);
                    end.unwrap_or(file.len() as u64)
                } else {
                    i.at + u64::from(i.cap_len)
                };
                padded <= cut as u64
            });
            assert_eq!(read.items.len(), complete.count(), "cut at {cut}");
            assert!(whole.data.starts_with(&read.data));
            // Either the cut fell between two records, or it is told, at the offset where the record begins.
            if let [damage] = read.damages()[..] {
                assert_eq!(damage.kind, DamageKind::Cut);
                assert!(damage.at < cut as u64);
                assert!(!damage.why.is_empty() && !damage.what_to_do.is_empty());
            } else {
                assert!(read.damages().is_empty());
            }
        }
    }
}

#[test]
fn reading_goes_on_behind_overwritten_bytes() {
    for (file, header) in [(small_pcap(LE, 40), 16), (small_pcapng(false, 40), 28), (small_pcapng(true, 40), 28)] {
        let whole = read_bytes(&file);
        let hit = whole.items[15];
        let mut bad = file.clone();
        let record = hit.at as usize - header;
        bad[record..record + 20].fill(0xee);
        let read = read_bytes(&bad);
        let damage = read.damages();
        assert_eq!((damage.len(), damage[0].at), (1, record as u64));
        let resumed = read.events.iter().find_map(|e| if let Event::Resumed(r) = e { Some(*r) } else { None }).unwrap();
        assert!(resumed.found);
        assert_eq!(resumed.skipped, whole.items[16].at - header as u64 - record as u64);
        assert_eq!(read.items.len(), 39);
        assert_eq!(read.data[15..], whole.data[16..]);
        assert!(read.items[15..].iter().all(|i| i.marks & mark::AFTER_DAMAGE != 0));
        assert!(read.items[..15].iter().all(|i| i.marks & mark::AFTER_DAMAGE == 0));
    }
}

#[test]
fn a_wrong_block_length_costs_one_packet() {
    let file = small_pcapng(false, 10);
    let whole = read_bytes(&file);
    // The closing length of packet 3, which stands before packet 4's block.
    let closing = whole.items[4].at as usize - 28 - 4;
    let mut bad = file;
    bad[closing] ^= 0x40;
    let read = read_bytes(&bad);
    assert_eq!(read.damages().len(), 1);
    assert_eq!(read.data, [&whole.data[..3], &whole.data[4..]].concat());
}

#[test]
fn a_packet_of_an_interface_nobody_described_is_told_and_left_out() {
    let file = small_pcapng(false, 6);
    let whole = read_bytes(&file);
    let mut bad = file;
    bad[whole.items[2].at as usize - 20] = 9;
    let read = read_bytes(&bad);
    let [damage] = read.damages()[..] else { panic!() };
    assert!(damage.what.contains("interface 9"), "{damage:?}");
    assert_eq!(read.data, [&whole.data[..2], &whole.data[3..]].concat());
}

#[test]
fn zeros_at_the_end_of_a_pcapng_file_are_damage_without_end_of_the_world() {
    let file = small_pcapng(false, 5);
    let read = read_bytes(&[file, vec![0; 3_000_000]].concat());
    assert_eq!(read.items.len(), 5);
    assert_eq!(read.damages().len(), 1);
    assert!(read.events.iter().any(|e| matches!(e, Event::Resumed(r) if !r.found && r.skipped == 3_000_000)));
}

/// A capture may hold the download of another capture: its records must not be taken for ours.
#[test]
fn a_capture_inside_a_cut_packet_is_not_dug_out() {
    let inner = small_pcap(LE, 30);
    let mut w = wirelore_capture::write::PcapWriter::new(Vec::new(), LE, 1, 65535).unwrap();
    w.packet(time(0), 3, b"abc").unwrap();
    w.packet(time(1), inner.len() as u32, &inner).unwrap();
    let file = w.finish().unwrap();
    for cut in [1, 10, 100] {
        let read = read_bytes(&file[..file.len() - cut]);
        assert_eq!(read.items.len(), 1);
        assert_eq!(read.damages()[0].kind, DamageKind::Cut);
    }
}

#[test]
fn a_hostile_count_of_bad_blocks_is_summed_up() {
    let mut file = small_pcapng(false, 1);
    let packet = {
        let whole = read_bytes(&file);
        let start = whole.items[0].at as usize - 28;
        let mut block = file[start..].to_vec();
        block[8] = 200;
        block
    };
    for _ in 0..20_000 {
        file.extend_from_slice(&packet);
    }
    let read = read_bytes(&file);
    assert_eq!(read.items.len(), 1);
    assert_eq!(read.damages().len(), 1000);
    assert!(read.events.iter().any(|e| matches!(e, Event::Note(n) if n.what.contains("19000 more"))));
}

/// The wrong first length led to where another block happened to begin, and ten packets were passed over with it.
#[test]
fn a_wrong_length_that_leads_to_another_block_costs_one_packet() {
    let mut file = small_pcapng(false, 30);
    file[901] = 3;
    assert_eq!(read_bytes(&file).items.len(), 29);
}

#[test]
fn what_is_no_capture_is_named() {
    let open = |bytes: &[u8]| Source::from_bytes(bytes.to_vec(), Options::default()).err().unwrap();
    assert!(matches!(open(b""), OpenError::Empty { .. }));
    assert!(matches!(open(&[0xd4, 0xc3, 0xb2, 0xa1, 2]), OpenError::TooShort { format: "pcap", len: 5, .. }));
    let snoop = open(b"snoop\0\0\0\0\0\0\x02\0\0\0\x04");
    assert!(snoop.to_string().contains("Sun snoop capture"), "{snoop}");
    assert!(snoop.what_to_do().contains("editcap -F pcapng"));
    assert!(open(b"\x89PNG\r\n\x1a\n0000000000000000000000").to_string().contains("PNG picture"));
    let missing = Source::open("/nonexistent/x.pcap", Options::default()).err().unwrap();
    assert!(matches!(missing, OpenError::NotFound { .. }) && missing.to_string().contains("/nonexistent/x.pcap"));
    let folder = Source::open(std::env::temp_dir(), Options::default()).err().unwrap();
    assert!(matches!(folder, OpenError::Folder { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// One changed byte: no panic, no endless reading, and nothing before the damage is lost.
    #[test]
    fn one_wrong_byte(which in 0usize..4, at in any::<prop::sample::Index>(), value in any::<u8>()) {
        let mut file = match which {
            0 => small_pcap(LE, 30),
            1 => small_pcap(PcapKind { big_endian: true, nanoseconds: true, modified: false }, 30),
            2 => small_pcapng(false, 30),
            _ => small_pcapng(true, 30),
        };
        let whole = read_bytes(&file);
        let at = at.index(file.len());
        file[at] = value;
        if let Some(read) = read_or_refuse(&file) {
            let before = whole.items.iter().filter(|i| i.at + u64::from(i.cap_len) + 40 < at as u64).count();
            prop_assert!(read.items.len() >= before);
            // A file that lost its order, its lengths or its interface may lose all; a packet's own bytes cost nothing.
            let in_data = whole.items.iter().any(|i| (i.at..i.at + u64::from(i.cap_len)).contains(&(at as u64)));
            if in_data {
                prop_assert_eq!(read.items.len(), 30);
            } else if which >= 2 && at > 140 {
                // In pcap a wrong length that is still possible swallows what comes after it: nothing there tells.
                prop_assert!(read.items.len() >= 26, "{} packets left of 30, byte {} was hit", read.items.len(), at);
            }
        } else {
            prop_assert!(at < 28);
        }
    }

    /// Any bytes behind a valid start.
    #[test]
    fn any_bytes(which in 0usize..4, tail in prop::collection::vec(any::<u8>(), 0..2000)) {
        let start = match which {
            0 => small_pcap(LE, 1),
            1 => small_pcapng(false, 1),
            2 => small_pcapng(true, 0),
            _ => vec![0x1f, 0x8b, 8, 0],
        };
        let read = read_or_refuse(&[start, tail].concat());
        prop_assert!(which == 3 || read.is_some());
    }

    /// Blocks with right frames and any content.
    #[test]
    fn any_blocks(blocks in prop::collection::vec((0u32..12, prop::collection::vec(any::<u8>(), 0..80)), 0..20), big in any::<bool>()) {
        let mut w = wirelore_capture::write::PcapngWriter::new(
            small_pcapng(big, 1),
            &wirelore_capture::write::SectionSpec { big_endian: big, ..Default::default() },
        ).unwrap();
        for (kind, body) in &blocks {
            w.block(*kind, body).unwrap();
        }
        let read = read_bytes(&w.finish().unwrap());
        prop_assert!(!read.items.is_empty());
        prop_assert_eq!(&read.data[0], &payload(0));
    }
}
