//! Where captures come from: packed files, pipes, growing files, standard input.

mod common;

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{LE, Read, drain, read_bytes, small_pcap, small_pcapng};
use tempfile::TempDir;
use wirelore_capture::{Compression, DamageKind, Event, OpenError, Options, Source, Step};

fn gz(data: &[u8]) -> Vec<u8> {
    let mut w = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    w.write_all(data).unwrap();
    w.finish().unwrap()
}

fn zst(data: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(data, ruzstd::encoding::CompressionLevel::Fastest)
}

fn lz4(data: &[u8]) -> Vec<u8> {
    use lz4_flex::frame::{BlockSize, FrameEncoder, FrameInfo};
    let mut w = FrameEncoder::with_frame_info(FrameInfo::new().block_size(BlockSize::Max64KB), Vec::new());
    w.write_all(data).unwrap();
    w.finish().unwrap()
}

type Pack = fn(&[u8]) -> Vec<u8>;
const PACKS: [(Compression, Pack); 3] = [(Compression::Gzip, gz), (Compression::Zstd, zst), (Compression::Lz4, lz4)];

fn same(a: &Read, b: &Read) {
    assert_eq!(a.items, b.items);
    assert_eq!(a.data, b.data);
}

#[test]
fn packed_captures_are_known_by_their_bytes_not_their_name() {
    let folder = TempDir::new().unwrap();
    for (compression, pack) in PACKS {
        for plain in [small_pcap(LE, 20_000), small_pcapng(true, 20_000)] {
            let path = folder.path().join("name-says-nothing.pcap");
            // Two members, cut in the middle of a packet.
            let packed = [pack(&plain[..500_001]), pack(&plain[500_001..])].concat();
            std::fs::write(&path, &packed).unwrap();
            let mut source = Source::open(&path, Options::default()).unwrap();
            assert_eq!(source.compression(), Some(compression));
            same(&drain(&mut source), &read_bytes(&plain));
            let progress = source.progress();
            assert_eq!((progress.read, progress.of), (packed.len() as u64, Some(packed.len() as u64)));
        }
    }
}

#[test]
fn the_first_rows_of_a_packed_capture_come_before_the_rest_is_unpacked() {
    let plain = small_pcap(LE, 400_000);
    let packed = gz(&plain);
    let mut source = Source::from_bytes(packed.clone(), Options::default()).unwrap();
    loop {
        match source.next().unwrap() {
            Step::Batch(batch) if !batch.items.is_empty() => break,
            Step::End => panic!("no packets"),
            _ => {}
        }
    }
    assert!(source.progress().read < packed.len() as u64 / 4, "{:?} of {}", source.progress(), packed.len());
}

#[test]
fn packed_data_that_is_cut_gives_what_came_before() {
    let plain = small_pcap(LE, 20_000);
    let whole = read_bytes(&plain);
    for (_, pack) in PACKS {
        let packed = pack(&plain);
        let read = drain(&mut Source::from_bytes(packed[..packed.len() * 2 / 3].to_vec(), Options::default()).unwrap());
        let [damage] = read.damages()[..] else { panic!("{:?}", read.damages()) };
        assert_eq!(damage.kind, DamageKind::Compression);
        assert!(damage.what.contains("ends too early"), "{damage:?}");
        assert!(read.data.len() > 1000 && read.data.len() < 20_000, "{}", read.data.len());
        assert!(whole.data.starts_with(&read.data));
    }
}

#[test]
fn packed_data_that_is_broken_never_panics() {
    let plain = small_pcapng(false, 300);
    for (_, pack) in PACKS {
        let packed = pack(&plain);
        for at in (0..packed.len()).step_by(7) {
            let mut bad = packed.clone();
            bad[at] ^= 0x5a;
            if let Ok(mut source) = Source::from_bytes(bad, Options::default()) {
                drain(&mut source);
            }
        }
    }
}

#[test]
fn a_packed_file_of_something_else_is_named() {
    let error = Source::from_bytes(gz(b"%PDF-1.4 and so on and so on and so on"), Options::default()).err().unwrap();
    assert!(error.to_string().contains("gzip of something else: a PDF document"), "{error}");
    let twice = Source::from_bytes(gz(&gz(&small_pcap(LE, 3))), Options::default()).err().unwrap();
    assert!(twice.what_to_do().contains("Unpack it once more"), "{twice}");
}

#[test]
fn a_small_packed_file_may_not_fill_the_disk() {
    let plain = small_pcap(LE, 100_000);
    let options = Options { spool_limit: 1 << 20, ..Options::default() };
    let read = drain(&mut Source::from_bytes(gz(&plain), options).unwrap());
    let [damage] = read.damages()[..] else { panic!("{:?}", read.damages()) };
    assert_eq!((damage.kind, damage.at), (DamageKind::Limit, 1 << 20));
    assert!(read.items.len() > 10_000 && read.items.len() < 100_000);
}

fn fifo(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("pipe");
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

#[test]
fn a_pipe_is_shown_as_it_comes() {
    for packed in [false, true] {
        let folder = TempDir::new().unwrap();
        let path = fifo(folder.path());
        let plain = small_pcap(LE, 1000);
        let whole = read_bytes(&plain);
        let sent = if packed { zst(&plain) } else { plain.clone() };
        let half = if packed { sent.len() } else { whole.items[500].at as usize + 3 };
        let writer = std::thread::spawn({
            let path = path.clone();
            move || {
                let mut pipe = OpenOptions::new().write(true).open(path).unwrap();
                pipe.write_all(&sent[..half]).unwrap();
                // The reader shows what came, and says that it waits, before the rest is sent.
                std::thread::sleep(Duration::from_millis(400));
                pipe.write_all(&sent[half..]).unwrap();
            }
        });
        let mut source = Source::open(&path, Options::default()).unwrap();
        let (mut data, mut waited_at) = (Vec::new(), None);
        loop {
            match source.next().unwrap() {
                Step::Batch(batch) => data.extend(batch.items.iter().map(|i| batch.data(i).to_vec())),
                Step::Pending => waited_at = Some(data.len()),
                Step::Event(e) => assert!(!matches!(e, Event::Damage(_)), "{e:?}"),
                Step::End => break,
            }
        }
        writer.join().unwrap();
        assert!(data == whole.data);
        if !packed {
            assert_eq!(waited_at, Some(500), "all whole packets were shown while the pipe was silent");
        }
        // Bytes that came by a pipe can be read again.
        let last = whole.items[999];
        assert_eq!(source.reader().read_at(last.at, last.cap_len as usize).unwrap(), whole.data[999]);
        assert!(source.reader().read_at(last.at, 1 << 30).is_err());
    }
}

#[test]
fn a_pipe_of_something_else_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = fifo(folder.path());
    let writer = std::thread::spawn({
        let path = path.clone();
        move || std::fs::write(path, b"\x89PNG\r\n\x1a\nthis is a picture, more or less")
    });
    let error = Source::open(&path, Options::default()).err().unwrap();
    assert!(matches!(error, OpenError::NotACapture { .. }), "{error}");
    let _ = writer.join().unwrap();
}

#[test]
fn a_growing_file_is_followed_byte_by_byte() {
    for plain in [small_pcap(LE, 6), small_pcapng(true, 6)] {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("growing");
        let mut file = File::create(&path).unwrap();
        let mut source = Source::open(&path, Options { follow: true, ..Options::default() }).unwrap();
        let whole = read_bytes(&plain);
        let mut data = Vec::new();
        for (at, byte) in plain.iter().enumerate() {
            file.write_all(&[*byte]).unwrap();
            loop {
                match source.next().unwrap() {
                    Step::Batch(batch) => data.extend(batch.items.iter().map(|i| batch.data(i).to_vec())),
                    Step::Event(e) => assert!(!matches!(e, Event::Damage(_)), "at byte {at}: {e:?}"),
                    Step::Pending => break,
                    Step::End => panic!("ended at byte {at} while followed"),
                }
            }
            if let Some(next) = whole.items.get(data.len()) {
                assert!(next.at + u64::from(next.cap_len) + 24 > at as u64, "packet {} is late", data.len());
            }
        }
        assert!(data == whole.data);
        source.stop_following();
        assert!(matches!(source.next().unwrap(), Step::End));
    }
}

#[test]
fn a_followed_file_that_stops_in_a_record_is_cut_once_following_ends() {
    let plain = small_pcap(LE, 6);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("growing");
    std::fs::write(&path, &plain[..plain.len() - 3]).unwrap();
    let mut source = Source::open(&path, Options { follow: true, ..Options::default() }).unwrap();
    while !matches!(source.next().unwrap(), Step::Pending) {}
    source.stop_following();
    assert!(matches!(source.next().unwrap(), Step::Event(Event::Damage(d)) if d.kind == DamageKind::Cut));
}

#[test]
fn a_followed_file_that_shrinks_ends_with_a_reason() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("rotated");
    std::fs::write(&path, small_pcap(LE, 6)).unwrap();
    let mut source = Source::open(&path, Options { follow: true, ..Options::default() }).unwrap();
    while !matches!(source.next().unwrap(), Step::Pending) {}
    std::fs::write(&path, b"").unwrap();
    let read = drain(&mut source);
    assert!(read.damages()[0].why.contains("shorter"), "{:?}", read.damages());
}

/// The source's own program, fed as users feed it.
#[test]
fn standard_input_may_be_a_pipe_or_a_file() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("x.pcap");
    std::fs::write(&path, small_pcap(LE, 5000)).unwrap();
    let counter = std::env::current_exe().unwrap().parent().unwrap().join("../examples/count");
    if !counter.exists() {
        eprintln!("SKIPPED, NOT PASSED: examples are not built (cargo test builds them)");
        return;
    }
    for script in ["exec \"$0\" - < \"$1\"", "cat \"$1\" | \"$0\" -", "gzip -c \"$1\" | \"$0\" -", "\"$0\" /dev/stdin < \"$1\""] {
        let start = Instant::now();
        let mut child = Command::new("sh")
            .args(["-c", script])
            .args([counter.as_os_str(), path.as_os_str()])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = String::new();
        child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        assert!(child.wait().unwrap().success(), "{script}");
        assert!(out.contains("5000 packets"), "{script}: {out}");
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}

#[test]
fn a_file_that_may_not_be_read_is_told_so() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("secret.pcap");
    std::fs::write(&path, small_pcap(LE, 1)).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    match Source::open(&path, Options::default()) {
        Err(e) => assert!(matches!(e, OpenError::Permission { .. })),
        // The superuser may read everything.
        Ok(_) => eprintln!("SKIPPED, NOT PASSED: run as root"),
    }
}

#[test]
fn readers_may_live_on_threads_of_their_own() {
    fn sent<T: Send>() {}
    fn shared<T: Send + Sync>() {}
    sent::<Source>();
    shared::<wirelore_capture::SpoolReader>();
    shared::<wirelore_capture::Batch>();
}
