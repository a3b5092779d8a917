//! What the tests share: reading a capture to its end, finding the corpus folder, small captures.
#![allow(dead_code, reason = "each test program uses a part")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use wirelore_capture::write::{InterfaceSpec, PacketSpec, PcapWriter, PcapngWriter, SectionSpec};
use wirelore_capture::{Event, Item, Options, PcapKind, Resolution, Source, Step};

/// All that a capture gave.
#[derive(Debug, Default)]
pub struct Read {
    pub items: Vec<Item>,
    pub data: Vec<Vec<u8>>,
    pub events: Vec<Event>,
    /// Packets delivered before each event.
    pub before: Vec<u64>,
}

impl Read {
    pub fn damages(&self) -> Vec<&wirelore_capture::Damage> {
        self.events.iter().filter_map(|e| if let Event::Damage(d) = e { Some(d) } else { None }).collect()
    }

    pub fn interfaces(&self) -> Vec<&wirelore_capture::Interface> {
        self.events.iter().filter_map(|e| if let Event::Interface(i) = e { Some(i) } else { None }).collect()
    }

    pub fn times(&self) -> Vec<i64> {
        self.items.iter().map(|i| i.time_ns).collect()
    }
}

/// Reads to the end; `Pending` is waited out for at most 20 s. Checks what every reading must hold.
pub fn drain(source: &mut Source) -> Read {
    let (mut all, reader, start) = (Read::default(), source.reader(), Instant::now());
    loop {
        assert!(start.elapsed() < Duration::from_secs(20), "reading hangs");
        match source.next().expect("reading") {
            Step::Batch(batch) => {
                if !batch.items.is_empty() {
                    assert_eq!(batch.first, all.items.len() as u64);
                }
                for item in batch.items.iter() {
                    let data = batch.data(item);
                    assert_eq!(data.len(), item.cap_len as usize);
                    assert_eq!(batch.block.at() + u64::from(item.start), item.at);
                    all.data.push(data.to_vec());
                    all.items.push(*item);
                }
                // Read a second time by offset: the same bytes.
                if let Some(item) = batch.items.last() {
                    let again = reader.read_at(item.at, item.cap_len as usize).expect("second reading");
                    assert_eq!(again, batch.data(item));
                }
            }
            Step::Event(event) => {
                all.events.push(event);
                all.before.push(all.items.len() as u64);
            }
            Step::Pending => {}
            Step::End => return all,
        }
    }
}

pub fn read_bytes(bytes: &[u8]) -> Read {
    drain(&mut Source::from_bytes(bytes.to_vec(), Options::default()).expect("open"))
}

/// Folder of other people's captures; `None` is said loudly.
pub fn corpus() -> Option<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = std::env::var_os("WIRELORE_CORPUS").map_or_else(|| root.join("../shared/corpus"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED, NOT PASSED: no corpus folder at {} (set WIRELORE_CORPUS)", folder.display());
    None
}

pub const LE: PcapKind = PcapKind { big_endian: false, nanoseconds: false, modified: false };

/// Packet `i` of the sample captures.
pub fn payload(i: usize) -> Vec<u8> {
    (0..20 + i * 7 % 50).map(|k| (i * 31 + k * 3) as u8).collect()
}

pub fn time(i: usize) -> i64 {
    1_700_000_000_000_000_000 + i as i64 * 1_001_000
}

pub fn small_pcap(kind: PcapKind, packets: usize) -> Vec<u8> {
    let mut w = PcapWriter::new(Vec::new(), kind, 1, 65535).unwrap();
    for i in 0..packets {
        let data = payload(i);
        w.packet(time(i), data.len() as u32 + 4, &data).unwrap();
    }
    w.finish().unwrap()
}

pub fn small_pcapng(big_endian: bool, packets: usize) -> Vec<u8> {
    let section = SectionSpec { big_endian, application: Some("tests"), ..SectionSpec::default() };
    let mut w = PcapngWriter::new(Vec::new(), &section).unwrap();
    let resolution = Resolution::new(9, 0);
    w.interface(&InterfaceSpec { link_type: 1, snaplen: 65535, resolution, name: Some("eth0"), ..Default::default() }).unwrap();
    for i in 0..packets {
        let data = payload(i);
        let comments: &[&str] = if i % 4 == 1 { &["look here"] } else { &[] };
        let packet =
            PacketSpec { time_ns: time(i), wire_len: data.len() as u32 + 4, data: &data, comments, ..Default::default() };
        w.packet(&packet).unwrap();
    }
    w.finish().unwrap()
}
