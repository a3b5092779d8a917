//! `-w`: the packets that were chosen, as a capture.

use super::{Dump, args::Format, wrong};
use crate::cli::exit;
use crate::packing::{self, Packing};
use crate::reading::Failure;
use crate::recall::Recall;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use wirelore_capture::write::{InterfaceSpec, PacketSpec, PcapWriter, PcapngWriter, SectionSpec};
use wirelore_capture::{PcapKind, Resolution};
use wirelore_store::Snapshot;

type Sink = Packing<BufWriter<Box<dyn Write + Send>>>;

enum Writer {
    /// Opened, and nothing known yet of what it will hold.
    None(Option<Sink>),
    Pcapng(PcapngWriter<Sink>, Vec<u32>),
    Pcap(PcapWriter<Sink>, u32),
}

/// What a classic pcap says of the longest packet: what tcpdump and Wireshark say.
const SNAPLEN: u32 = 0x4_0000;

fn kind(format: Format) -> PcapKind {
    PcapKind { big_endian: false, nanoseconds: format == Format::Nsecpcap, modified: false }
}

const STDIN: &str = "/dev/stdin";

/// Whether what `-w` asks for can be a copy: the input is a pcapng that stays as it is, or there are keys to put beside its packets; the output
/// is a pcapng.
fn copies(args: &Dump, path: &Path) -> bool {
    let still = !args.tail && !args.line_buffered && std::fs::metadata(&args.from.file).is_ok_and(|m| m.is_file());
    let keyed = args.from.keylog.is_some();
    let same = path.canonicalize().is_ok_and(|p| args.from.file.canonicalize().is_ok_and(|from| from == p));
    let pcapng = |s: &wirelore_capture::Source| s.format() == Some(wirelore_capture::Format::Pcapng);
    still
        && !same
        && args.format.unwrap_or(Format::Pcapng) == Format::Pcapng
        && wirelore_capture::Source::open(&args.from.file, wirelore_capture::Options::default())
            .is_ok_and(|s| keyed || pcapng(&s))
}

/// Does what `-w` asks for as `wirelore convert` does, where that can be: names, comments and the secrets of the sessions that are kept
/// are copied, too. Gives back what is left to be done.
pub(super) fn copied(mut args: Dump) -> Result<Dump, Failure> {
    // A file that is standard input is a file as any other.
    if args.from.file.as_os_str() == "-" && std::fs::metadata(STDIN).is_ok_and(|m| m.is_file()) {
        args.from.file = STDIN.into();
    }
    let Some(path) = args.write.clone().filter(|path| copies(&args, path)) else { return Ok(args) };
    crate::convert::run(&crate::convert::Convert {
        from: args.from.clone(),
        write: Some(path),
        format: Some(Format::Pcapng),
        filter: args.filter.clone(),
        keys: args.from.keylog.is_some().then_some(crate::convert::Which::Needed),
        inject_keys: args.from.keylog.clone(),
        frames: args.count.map(|n| if n == 0 { "4294967295-".into() } else { format!("1-{n}") }),
        ..crate::convert::Convert::default()
    })?;
    args.write = None;
    args.quiet |= !args.print;
    Ok(args)
}

/// A capture that is being written.
pub(super) struct Written {
    name: String,
    format: Format,
    writer: Writer,
}

impl Written {
    pub(super) fn new(path: &Path, args: &Dump) -> Result<Written, Failure> {
        let name = path.display().to_string();
        if path.canonicalize().is_ok_and(|p| args.from.file.canonicalize().is_ok_and(|from| from == p)) {
            return Err(wrong(format!("-w {name} is the capture that is read: name another file.")));
        }
        let out: Box<dyn Write + Send> = if name == "-" {
            Box::new(std::io::stdout())
        } else {
            Box::new(File::create(path).map_err(|e| Failure {
                text: format!("{name} cannot be written: {e}. Check that the folder is there and that you may write to it."),
                code: exit::WRITE,
            })?)
        };
        let sink = Packing::new(packing::named(path), BufWriter::with_capacity(256 * 1024, out));
        Ok(Written { name, format: args.format.unwrap_or(Format::Pcapng), writer: Writer::None(Some(sink)) })
    }

    fn failed(&self, e: &std::io::Error) -> Failure {
        if e.kind() == std::io::ErrorKind::BrokenPipe {
            return Failure::write(e);
        }
        Failure { text: format!("Writing {} failed: {e}.", self.name), code: exit::WRITE }
    }

    /// Writes packet `n`.
    pub(super) fn packet(&mut self, recall: &Recall, s: &Snapshot, n: u32) -> Result<(), Failure> {
        let Some((row, bytes)) = s.packet(n).zip(recall.packet_bytes(s, n)) else { return Ok(()) };
        let facts = s.facts();
        let interfaces = &facts.interfaces;
        let link = interfaces.get(usize::from(row.interface())).map_or(u32::MAX, |i| i.link_type);
        let went = (|| {
            if let Writer::None(sink) = &mut self.writer
                && let Some(sink) = sink.take()
            {
                self.writer = match self.format {
                    Format::Pcapng => {
                        let section = SectionSpec {
                            application: Some(concat!("wirelore ", env!("CARGO_PKG_VERSION"))),
                            ..SectionSpec::default()
                        };
                        Writer::Pcapng(PcapngWriter::new(sink, &section)?, Vec::new())
                    }
                    Format::Pcap | Format::Nsecpcap => {
                        Writer::Pcap(PcapWriter::new(sink, kind(self.format), link, SNAPLEN)?, link)
                    }
                };
            }
            match &mut self.writer {
                Writer::Pcapng(w, numbers) => {
                    // Interfaces come before their first packet; those of a growing file as they are met.
                    while let Some(i) = interfaces.get(numbers.len()) {
                        let nano = i.ticks_per_second > 1_000_000;
                        let resolution = if nano { Resolution::new(9, 0) } else { Resolution::default() };
                        let spec = InterfaceSpec {
                            link_type: u16::try_from(i.link_type).unwrap_or(u16::MAX),
                            snaplen: i.snap_len,
                            resolution,
                            name: Some(i.name.as_str()).filter(|n| !n.is_empty()),
                            description: Some(i.description.as_str()).filter(|n| !n.is_empty()),
                            options: &[],
                        };
                        numbers.push(w.interface(&spec)?);
                    }
                    let interface = numbers.get(usize::from(row.interface())).copied().unwrap_or(0);
                    let comments: Vec<&str> = s.comments_on(n).collect();
                    let spec = PacketSpec {
                        interface,
                        time_ns: row.time.max(0),
                        wire_len: row.wire_len,
                        data: &bytes,
                        comments: &comments,
                        ..PacketSpec::default()
                    };
                    w.packet(&spec)
                }
                Writer::Pcap(_, first) if *first != link => Err(std::io::Error::other(format!(
                    "packet {} has link type {link}, those before {first}, and a pcap holds one; write a pcapng",
                    u64::from(n) + 1
                ))),
                Writer::Pcap(w, _) => w.packet(row.time.max(0), row.wire_len, &bytes),
                Writer::None(_) => Ok(()),
            }
        })();
        went.map_err(|e| self.failed(&e))
    }

    /// All was written; `keys` are known that would open it.
    pub(super) fn finish(mut self, keys: bool) -> Result<(), Failure> {
        if keys {
            eprintln!("wirelore: {} has the packets without their keys; wirelore convert writes both", self.name);
        }
        let writer = std::mem::replace(&mut self.writer, Writer::None(None));
        let went = match writer {
            Writer::Pcapng(w, _) => w.finish(),
            Writer::Pcap(w, _) => w.finish(),
            // No packet: an empty capture all the same.
            Writer::None(Some(sink)) => match self.format {
                Format::Pcapng => PcapngWriter::new(sink, &SectionSpec::default()).and_then(PcapngWriter::finish),
                _ => PcapWriter::new(sink, kind(self.format), 1, SNAPLEN).and_then(PcapWriter::finish),
            },
            Writer::None(None) => return Ok(()),
        };
        went.and_then(Packing::finish).map(|_| ()).map_err(|e| self.failed(&e))
    }
}
