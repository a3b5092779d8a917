//! What the tests of layers share: the corpus folder, packets of captures, and reading one into a tree.
#![allow(dead_code, reason = "each test binary uses its own part")]

use bytes::Bytes;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use wirelore_capture::{Event, Options, Source, Step};
use wirelore_dissectors::layers;
use wirelore_kit::{PacketBytes, Span, Tree};

/// Captures of the project itself, then those of the corpus folder and its malformed ones; says loudly when the latter are missing.
pub fn captures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let corpus = std::env::var_os("WIRELORE_CORPUS").map_or_else(|| root.join("../shared/corpus"), PathBuf::from);
    let mut found = Vec::new();
    walk(&root.join("captures"), 3, &mut found);
    if corpus.is_dir() {
        walk(&corpus, 0, &mut found);
        walk(&corpus.join("malformed"), 0, &mut found);
    } else {
        eprintln!("SKIPPED, NOT PASSED: no corpus folder at {} (set WIRELORE_CORPUS)", corpus.display());
    }
    assert!(!found.is_empty(), "no capture at all: the folder `captures` is missing");
    found
}

fn walk(folder: &Path, deeper: u32, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if deeper > 0 {
                walk(&path, deeper - 1, found);
            }
        } else if [".pcap", ".pcapng", ".cap", ".pcap.gz", ".pcapng.gz"].iter().any(|e| path.to_string_lossy().ends_with(e))
            || path.to_string_lossy().contains("fuzz")
        {
            found.push(path);
        }
    }
}

/// Calls `each` with every packet of a capture; a damaged one gives those before the damage and behind it.
pub fn packets(path: &Path, mut each: impl FnMut(PacketBytes)) {
    let Ok(mut source) = Source::open(path, Options::default()) else { return };
    let mut links = BTreeMap::new();
    let mut number = 0;
    loop {
        match source.next() {
            Ok(Step::Event(Event::Interface(i))) => {
                links.insert(i.index, i.link_type);
            }
            Ok(Step::Batch(batch)) => {
                for item in batch.items.iter() {
                    let bytes = Bytes::copy_from_slice(batch.data(item));
                    let link_type = links.get(&item.interface).copied().unwrap_or(u32::MAX);
                    each(PacketBytes { number, link_type, bytes, wire_len: item.wire_len, joined: None, facts: None });
                    number += 1;
                }
            }
            Ok(Step::Event(_)) => {}
            Ok(Step::Pending | Step::End) | Err(_) => break,
        }
    }
}

/// A packet of our own.
pub fn packet(link_type: u32, bytes: &[u8]) -> PacketBytes {
    PacketBytes {
        number: 0,
        link_type,
        bytes: Bytes::copy_from_slice(bytes),
        wire_len: bytes.len() as u32,
        joined: None,
        facts: None,
    }
}

/// Reads a packet's layers.
pub fn read(p: &PacketBytes) -> (Tree, Vec<&'static str>, Option<Span>) {
    wirelore_kit::read_packet(layers::LAYERS, p)
}

/// Bytes from hexadecimal digits; blanks are for the reader.
pub fn hex(s: &str) -> Vec<u8> {
    let digits: Vec<u8> = s.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap()).collect()
}
