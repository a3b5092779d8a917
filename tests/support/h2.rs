//! HTTP/2 written by hand over plain TCP, a frame at a time: what no well-behaved library would send, and what came back.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The client's preface (RFC 9113 §3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Types of frames (RFC 9113 §6).
pub mod kind {
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const PRIORITY: u8 = 2;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PUSH_PROMISE: u8 = 5;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;
}

/// Flags of frames.
pub const END_STREAM: u8 = 1;
pub const ACK: u8 = 1;
pub const END_HEADERS: u8 = 4;
pub const PADDED: u8 = 8;
pub const PRIORITY: u8 = 0x20;

/// A frame, whatever its parts say.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut out = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    out.extend(payload);
    out
}

/// SETTINGS with these values.
pub fn settings(values: &[(u16, u32)]) -> Vec<u8> {
    let payload: Vec<u8> = values.iter().flat_map(|(id, v)| [&id.to_be_bytes()[..], &v.to_be_bytes()].concat()).collect();
    frame(kind::SETTINGS, 0, 0, payload)
}

/// WINDOW_UPDATE.
pub fn window(stream: u32, more: u32) -> Vec<u8> {
    frame(kind::WINDOW_UPDATE, 0, stream, more.to_be_bytes())
}

/// A header block in the plainest coding: literals without indexing, without Huffman (RFC 7541 §6.2.2).
pub fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, value) in fields {
        out.push(0);
        for text in [name, value] {
            let len = text.len();
            if len < 127 {
                out.push(len as u8);
            } else {
                out.push(127);
                let mut rest = len - 127;
                while rest >= 128 {
                    out.push((rest % 128) as u8 | 128);
                    rest /= 128;
                }
                out.push(rest as u8);
            }
            out.extend(text.as_bytes());
        }
    }
    out
}

/// The four pseudo-headers of a request for a path.
pub fn asks<'a>(method: &'a str, path: &'a str) -> [(&'a str, &'a str); 4] {
    [(":method", method), (":scheme", "http"), (":path", path), (":authority", "localhost")]
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Came {
    /// HEADERS, with whether they end the stream.
    Headers(u32, Vec<u8>, bool),
    /// DATA: stream, bytes, whether it ends the stream.
    Data(u32, Vec<u8>, bool),
    /// RST_STREAM: stream and code.
    Reset(u32, u32),
    /// GOAWAY: code, and what is said with it.
    Away(u32, String),
    /// SETTINGS, with whether they acknowledge ours.
    Settings(bool),
    /// PING that answers ours.
    Pong(Vec<u8>),
    /// Any other frame, by its type.
    Other(u8, u32),
    /// The connection has ended: in order, or broken off.
    Closed,
    /// Nothing came in time.
    Nothing,
}

/// One end of a connection.
pub struct Peer {
    tcp: TcpStream,
    rest: Vec<u8>,
    /// How long a frame is waited for.
    pub patience: Duration,
    /// Payloads of the other end may be so long for all that it said.
    pub max_frame: usize,
    closed: bool,
}

impl Peer {
    /// A client that has said nothing yet.
    pub fn silent(at: SocketAddr) -> Peer {
        Peer::of(TcpStream::connect(at).expect("connected"))
    }

    /// Over a connection that stands.
    pub fn of(tcp: TcpStream) -> Peer {
        tcp.set_nodelay(true).expect("set");
        Peer { tcp, rest: Vec::new(), patience: Duration::from_secs(5), max_frame: 16_384, closed: false }
    }

    /// A client whose preface and SETTINGS have been answered.
    pub fn client(at: SocketAddr, values: &[(u16, u32)]) -> Peer {
        let mut peer = Peer::silent(at);
        peer.send([PREFACE, &settings(values)].concat());
        let (mut theirs, mut ours) = (false, false);
        while !(theirs && ours) {
            match peer.next() {
                Came::Settings(false) => {
                    theirs = true;
                    peer.send(frame(kind::SETTINGS, ACK, 0, b""));
                }
                Came::Settings(true) => ours = true,
                Came::Other(..) => {}
                other => panic!("{other:?} where SETTINGS were due"),
            }
        }
        peer
    }

    /// Sends bytes. A connection that was closed meanwhile takes none; what is read says so.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.tcp.write_all(bytes.as_ref());
    }

    /// A request without a body.
    pub fn get(&mut self, stream: u32, path: &str) {
        self.send(frame(kind::HEADERS, END_HEADERS | END_STREAM, stream, block(&asks("GET", path))));
    }

    /// The head of a request whose body is to come, with fields besides.
    pub fn post(&mut self, stream: u32, path: &str, more: &[(&str, &str)]) {
        self.send(frame(kind::HEADERS, END_HEADERS, stream, block(&[&asks("POST", path)[..], more].concat())));
    }

    fn fill(&mut self, until: Instant) -> bool {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return false;
        }
        self.tcp.set_read_timeout(Some(left)).expect("set");
        let mut room = [0; 16384];
        match self.tcp.read(&mut room) {
            Ok(0) => self.closed = true,
            Ok(n) => self.rest.extend_from_slice(&room[..n]),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
            Err(_) => self.closed = true,
        }
        true
    }

    /// Takes so many bytes as they come; fewer at the end.
    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        let until = Instant::now() + self.patience;
        while self.rest.len() < n && !self.closed && self.fill(until) {}
        let n = n.min(self.rest.len());
        self.rest.drain(..n).collect()
    }

    /// The next frame.
    pub fn next(&mut self) -> Came {
        let until = Instant::now() + self.patience;
        loop {
            if let [a, b, c, is, flags, s1, s2, s3, s4, ..] = self.rest[..] {
                let len = u32::from_be_bytes([0, a, b, c]) as usize;
                if let Some(payload) = self.rest.get(9..9 + len) {
                    let payload = payload.to_vec();
                    self.rest.drain(..9 + len);
                    if is == kind::SETTINGS {
                        let size = payload.chunks_exact(6).rfind(|s| s[..2] == [0, 5]);
                        self.max_frame = size.map_or(self.max_frame, |s| u32::from_be_bytes([s[2], s[3], s[4], s[5]]) as usize);
                    }
                    return came(is, flags, u32::from_be_bytes([s1, s2, s3, s4]), payload);
                }
            }
            if self.closed {
                return Came::Closed;
            }
            if !self.fill(until) {
                return Came::Nothing;
            }
        }
    }

    /// Frames until one that `is` it, the end, or nothing more in time; the last of them is what ended it.
    pub fn until(&mut self, is: impl Fn(&Came) -> bool) -> Vec<Came> {
        let mut all = Vec::new();
        loop {
            let came = self.next();
            let over = is(&came) || matches!(came, Came::Closed | Came::Nothing);
            all.push(came);
            if over {
                return all;
            }
        }
    }

    /// Frames until a stream has ended.
    pub fn ended(&mut self, stream: u32) -> Vec<Came> {
        self.until(|c| match c {
            Came::Headers(s, _, true) | Came::Data(s, _, true) | Came::Reset(s, _) => *s == stream,
            _ => false,
        })
    }
}

fn came(kind: u8, flags: u8, stream: u32, payload: Vec<u8>) -> Came {
    let word = |at: usize| payload.get(at..at + 4).map_or(0, |w| u32::from_be_bytes(w.try_into().expect("four")));
    match kind {
        kind::DATA => Came::Data(stream, payload, flags & END_STREAM > 0),
        kind::HEADERS => Came::Headers(stream, payload, flags & END_STREAM > 0),
        kind::RST_STREAM => Came::Reset(stream, word(0)),
        kind::SETTINGS => Came::Settings(flags & ACK > 0),
        kind::PING if flags & ACK > 0 => Came::Pong(payload),
        kind::GOAWAY => Came::Away(word(4), String::from_utf8_lossy(payload.get(8..).unwrap_or_default()).into_owned()),
        _ => Came::Other(kind, stream),
    }
}
