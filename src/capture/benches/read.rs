//! How fast captures are read: `cargo bench -p wirelore-capture`.

use std::io::Write;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use wirelore_capture::write::{InterfaceSpec, PacketSpec, PcapWriter, PcapngWriter, SectionSpec};
use wirelore_capture::{Options, PcapKind, Resolution, Source, Step};

fn main() {
    divan::main();
}

const PACKETS: usize = 500_000;
const KIND: PcapKind = PcapKind { big_endian: false, nanoseconds: false, modified: false };

fn pcap(len: usize) -> Vec<u8> {
    let mut w = PcapWriter::new(Vec::new(), KIND, 1, 262_144).expect("writing to memory");
    let data = vec![7; len];
    for i in 0..PACKETS as i64 {
        w.packet(1_700_000_000_000_000_000 + i * 1000, len as u32, &data).expect("writing to memory");
    }
    w.finish().expect("writing to memory")
}

fn pcapng(len: usize) -> Vec<u8> {
    let mut w = PcapngWriter::new(Vec::new(), &SectionSpec::default()).expect("writing to memory");
    let interface = InterfaceSpec { link_type: 1, resolution: Resolution::new(9, 0), ..Default::default() };
    w.interface(&interface).expect("writing to memory");
    let data = vec![7; len];
    for i in 0..PACKETS as i64 {
        let time_ns = 1_700_000_000_000_000_000 + i * 1000;
        w.packet(&PacketSpec { time_ns, wire_len: len as u32, data: &data, ..Default::default() }).expect("writing to memory");
    }
    w.finish().expect("writing to memory")
}

fn count(source: &mut Source) -> usize {
    let mut packets = 0;
    loop {
        match source.next().expect("reading") {
            Step::Batch(batch) => packets += batch.items.len(),
            Step::Event(_) | Step::Pending => {}
            Step::End => return packets,
        }
    }
}

fn from_file(bencher: Bencher<'_, '_>, bytes: &[u8]) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("writing");
    bencher.counter(ItemsCount::new(PACKETS)).counter(BytesCount::new(bytes.len())).bench_local(|| {
        let mut source = Source::open(file.path(), Options::default()).expect("opening");
        assert_eq!(count(&mut source), PACKETS);
    });
}

#[divan::bench(args = [60, 1000])]
fn pcap_file(bencher: Bencher<'_, '_>, len: usize) {
    from_file(bencher, &pcap(len));
}

#[divan::bench(args = [60, 1000])]
fn pcapng_file(bencher: Bencher<'_, '_>, len: usize) {
    from_file(bencher, &pcapng(len));
}

#[divan::bench(args = [128 * 1024, 256 * 1024, 512 * 1024, 1024 * 1024])]
fn block_length(bencher: Bencher<'_, '_>, block_len: usize) {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(&pcapng(1000)).expect("writing");
    bencher.counter(ItemsCount::new(PACKETS)).bench_local(|| {
        let options = Options { block_len, ..Options::default() };
        let mut source = Source::open(file.path(), options).expect("opening");
        assert_eq!(count(&mut source), PACKETS);
    });
}

#[divan::bench]
fn gzip(bencher: Bencher<'_, '_>) {
    let plain = pcap(200);
    let mut w = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    w.write_all(&plain).expect("packing");
    let packed = w.finish().expect("packing");
    bencher.counter(ItemsCount::new(PACKETS)).counter(BytesCount::new(plain.len())).bench_local(|| {
        let mut source = Source::from_bytes(packed.clone(), Options::default()).expect("opening");
        assert_eq!(count(&mut source), PACKETS);
    });
}
