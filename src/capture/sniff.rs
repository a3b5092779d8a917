//! What a file is, from its first bytes: never from its name.

use crate::error::OpenError;

/// The capture formats read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Classic pcap.
    Pcap(PcapKind),
    /// pcapng.
    Pcapng,
}

/// The variants of pcap that the magic number tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PcapKind {
    /// Numbers are big-endian.
    pub big_endian: bool,
    /// Fractions of seconds are nanoseconds, not microseconds.
    pub nanoseconds: bool,
    /// Record headers have 8 more bytes (interface, protocol, packet type): A. Kuznetzov's modified format.
    pub modified: bool,
}

/// The compressions undone here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// RFC 1952, any number of members.
    Gzip,
    /// RFC 8878, any number of frames.
    Zstd,
    /// LZ4 frame format, any number of frames.
    Lz4,
}

impl Compression {
    /// Its usual name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Lz4 => "lz4",
        }
    }
}

/// Number of bytes that decide every question asked here, where the file has so many.
pub(crate) const ENOUGH: usize = 512;

/// The compression a file begins with. A skippable frame may begin zstd and lz4 files alike; pzstd writes such.
pub(crate) fn compression(head: &[u8]) -> Option<Compression> {
    match head {
        [0x1f, 0x8b, 8, ..] => Some(Compression::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Compression::Zstd),
        [0x04, 0x22, 0x4d, 0x18, ..] | [0x02, 0x21, 0x4c, 0x18, ..] => Some(Compression::Lz4),
        _ => None,
    }
}

/// The capture format a file begins with.
pub(crate) fn format(head: &[u8]) -> Option<Format> {
    let pcap = |big_endian, nanoseconds, modified| Format::Pcap(PcapKind { big_endian, nanoseconds, modified });
    match head {
        [0xd4, 0xc3, 0xb2, 0xa1, ..] => Some(pcap(false, false, false)),
        [0xa1, 0xb2, 0xc3, 0xd4, ..] => Some(pcap(true, false, false)),
        [0x4d, 0x3c, 0xb2, 0xa1, ..] => Some(pcap(false, true, false)),
        [0xa1, 0xb2, 0x3c, 0x4d, ..] => Some(pcap(true, true, false)),
        [0x34, 0xcd, 0xb2, 0xa1, ..] => Some(pcap(false, false, true)),
        [0xa1, 0xb2, 0xcd, 0x34, ..] => Some(pcap(true, false, true)),
        [0x0a, 0x0d, 0x0d, 0x0a, _, _, _, _, 0x1a, 0x2b, 0x3c, 0x4d, ..]
        | [0x0a, 0x0d, 0x0d, 0x0a, _, _, _, _, 0x4d, 0x3c, 0x2b, 0x1a, ..] => Some(Format::Pcapng),
        _ => None,
    }
}

/// Length of the header that [`format`] wants to see whole.
pub(crate) fn header_len(format: Format) -> usize {
    match format {
        Format::Pcap(_) => 24,
        Format::Pcapng => 28,
    }
}

/// Could these few bytes, all there are, be the start of a capture?
pub(crate) fn begins_like(head: &[u8]) -> Option<&'static str> {
    const STARTS: [(&[u8], &str); 7] = [
        (&[0xd4, 0xc3, 0xb2, 0xa1], "pcap"),
        (&[0xa1, 0xb2, 0xc3, 0xd4], "pcap"),
        (&[0x4d, 0x3c, 0xb2, 0xa1], "pcap"),
        (&[0xa1, 0xb2, 0x3c, 0x4d], "pcap"),
        (&[0x34, 0xcd, 0xb2, 0xa1], "pcap"),
        (&[0xa1, 0xb2, 0xcd, 0x34], "pcap"),
        (&[0x0a, 0x0d, 0x0d, 0x0a], "pcapng"),
    ];
    let found = STARTS.iter().find(|(start, _)| {
        let shared = head.len().min(start.len());
        shared > 0 && head.get(..shared) == start.get(..shared)
    });
    // A pcapng start is told only as long as its byte-order magic is missing: with it, `format` has the say.
    found.filter(|(_, name)| *name != "pcapng" || head.len() < 12).map(|(_, name)| *name)
}

/// How [`not_a_capture`] knows a format: bytes at an offset.
struct Known {
    at: usize,
    bytes: &'static [u8],
    is: &'static str,
    todo: &'static str,
}

const EDITCAP: &str = "Convert it with Wireshark's editcap: editcap -F pcapng IN OUT.";
const NOT_NETWORK: &str = "Open a pcap or pcapng file, plain or packed with gzip, zstd or lz4.";

const fn known(at: usize, bytes: &'static [u8], is: &'static str, todo: &'static str) -> Known {
    Known { at, bytes, is, todo }
}

/// Formats that people open by mistake or that other tools read.
static KNOWN: &[Known] = &[
    known(0, b"snoop\0\0\0", "a Sun snoop capture", EDITCAP),
    known(0, b"XCP\0", "a Network Associates Sniffer (Windows) capture", EDITCAP),
    known(0, b"TRSNIFF data    \x1a", "a DOS Sniffer capture", EDITCAP),
    known(0, b"GMBU", "a Microsoft Network Monitor 2 capture", EDITCAP),
    known(0, b"RTSS", "a Microsoft Network Monitor 1 capture", EDITCAP),
    known(0, b"\x7fver", "a Savvius Peek (OmniPeek, AiroPeek) capture", EDITCAP),
    known(0, b"iptrace 1.0", "an AIX iptrace capture", EDITCAP),
    known(0, b"iptrace 2.0", "an AIX iptrace capture", EDITCAP),
    known(0, b"btsnoop\0", "a Bluetooth btsnoop log", EDITCAP),
    known(0, b"\x54\x52\x00\x64\x00", "an HP-UX nettl trace", EDITCAP),
    known(0, b"BLF", "a Vector BLF (CAN) log", EDITCAP),
    known(0, b"LOGG", "a Vector BLF (CAN) log", EDITCAP),
    known(0, b"\xac\x01\x00\x1c", "an IXIA lcap capture", EDITCAP),
    known(0, b"\xab\x01\x00\x1c", "an IXIA lcap capture", EDITCAP),
    known(0, b"\n\r\r\n", "pcapng whose byte-order magic is overwritten", "Get the file again; its first 12 bytes are damaged."),
    known(0, b"\x89PNG", "a PNG picture", NOT_NETWORK),
    known(0, b"\xff\xd8\xff", "a JPEG picture", NOT_NETWORK),
    known(0, b"GIF8", "a GIF picture", NOT_NETWORK),
    known(0, b"%PDF", "a PDF document", NOT_NETWORK),
    known(0, b"\x7fELF", "a program (ELF)", NOT_NETWORK),
    known(0, b"MZ", "a Windows program", NOT_NETWORK),
    known(0, b"SQLite format 3\0", "an SQLite database", NOT_NETWORK),
    known(0, b"PK\x03\x04", "a zip archive", "Unpack it (unzip) and open the capture inside."),
    known(0, b"Rar!", "a rar archive", "Unpack it and open the capture inside."),
    known(0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "Unpack it (7z x) and open the capture inside."),
    known(0, b"\xfd7zXZ\0", "xz-packed data", "Unpack it first: xz -dk FILE."),
    known(0, b"BZh", "bzip2-packed data", "Unpack it first: bzip2 -dk FILE."),
    known(0, b"\x1f\x9d", "data packed by compress (.Z)", "Unpack it first: gzip -d FILE."),
    known(0, b"\x1f\x8b", "gzip data inside", "Unpack it once more and open what comes out."),
    known(0, b"\x28\xb5\x2f\xfd", "zstd data inside", "Unpack it once more and open what comes out."),
    known(0, b"\x04\x22\x4d\x18", "lz4 data inside", "Unpack it once more and open what comes out."),
    known(257, b"ustar", "a tar archive", "Unpack it (tar xf) and open the capture inside."),
    known(0, b"CLIENT_RANDOM ", "a TLS key log", "Open the capture, and give this file with --keylog."),
    known(0, b"# SSL/TLS secrets log", "a TLS key log", "Open the capture, and give this file with --keylog."),
    known(0, b"SERVER_HANDSHAKE_TRAFFIC_SECRET ", "a TLS key log", "Open the capture, and give this file with --keylog."),
    known(0, b"CLIENT_HANDSHAKE_TRAFFIC_SECRET ", "a TLS key log", "Open the capture, and give this file with --keylog."),
    known(0, b"-----BEGIN ", "a PEM certificate or key", NOT_NETWORK),
    known(0, b"<?xml", "an XML file", "If it is tshark's PDML or PSML: open the capture it was made from."),
    known(0, b"<!DOCTYPE", "a web page", "A download that gave an error page? Get the capture itself."),
    known(0, b"<html", "a web page", "A download that gave an error page? Get the capture itself."),
    known(0, b"version https://git-lfs", "a Git LFS pointer", "Fetch the file itself: git lfs pull."),
    known(0, b"\0\0\0\0\0\0\0\0\0\0\0\0", "zeros (a file that was reserved but never written?)", NOT_NETWORK),
];

/// The error for bytes that are no capture. `packed`: the compression they came out of.
pub(crate) fn not_a_capture(name: &str, head: &[u8], packed: Option<Compression>) -> OpenError {
    let found = KNOWN.iter().find(|k| {
        let end = k.at.saturating_add(k.bytes.len());
        head.get(k.at..end) == Some(k.bytes)
    });
    let (is, todo) = match found {
        Some(k) => (k.is, k.todo),
        None => guess(head),
    };
    let looks_like = match packed {
        Some(packed) => format!("{} of something else: {is}", packed.name()),
        None => format!("this looks like {is}"),
    };
    let first_bytes = head.iter().take(8).map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ");
    OpenError::NotACapture { name: name.into(), looks_like, first_bytes, what_to_do: todo.into() }
}

/// A guess where no signature fits.
fn guess(head: &[u8]) -> (&'static str, &'static str) {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    if text.starts_with(b"{") || text.starts_with(b"[") {
        if memchr::memmem::find(text, b"\"log\"").is_some() {
            return ("a HAR file (HTTP archive)", "HAR files hold messages, not packets: open the capture they came from.");
        }
        return ("a JSON file", NOT_NETWORK);
    }
    if text.starts_with(b"0000") && text.iter().take(4).all(u8::is_ascii_hexdigit) {
        return ("a hex dump in text", "Make a capture of it with Wireshark's text2pcap: text2pcap IN OUT.pcapng.");
    }
    // ERF has no magic: a 64-bit little-endian time, a type, flags, a record length that holds its own header.
    if let [_, _, _, _, s0, s1, s2, s3, kind, _, r0, r1, ..] = head {
        let seconds = u32::from_le_bytes([*s0, *s1, *s2, *s3]);
        let length = u16::from_be_bytes([*r0, *r1]);
        if (900_000_000..2_500_000_000).contains(&seconds) && (1..=48).contains(&(kind & 0x7f)) && (16..=4096).contains(&length) {
            return ("an Endace ERF capture", EDITCAP);
        }
    }
    if !head.is_empty() && head.iter().all(|b| matches!(b, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..)) {
        return ("text", NOT_NETWORK);
    }
    (
        "no format known here",
        "If Wireshark opens it, convert it: editcap -F pcapng IN OUT. Otherwise it may be damaged at its start.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(head: &[u8]) -> String {
        not_a_capture("x", head, None).to_string()
    }

    #[test]
    fn other_files_are_named() {
        assert!(told(b"\x89PNG\r\n\x1a\n").contains("a PNG picture"));
        assert!(told(b"  {\"log\": {\"version\": \"1.2\"").contains("HAR"));
        assert!(told(b"snoop\0\0\0\0\0\0\x02").contains("Sun snoop"));
        assert!(told(b"hello there\n").contains("text"));
        assert!(told(b"\x01\x02\x03").contains("01 02 03"));
        let packed = not_a_capture("x.gz", b"%PDF-1.4", Some(Compression::Gzip)).to_string();
        assert!(packed.contains("gzip of something else: a PDF document"), "{packed}");
    }

    #[test]
    fn starts_are_known_at_any_length() {
        assert_eq!(begins_like(&[0xd4, 0xc3]), Some("pcap"));
        assert_eq!(begins_like(&[0x0a, 0x0d, 0x0d, 0x0a, 0]), Some("pcapng"));
        assert_eq!(begins_like(b""), None);
        assert_eq!(begins_like(b"no"), None);
    }
}
