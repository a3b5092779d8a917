//! HTTP/2 as the standards have it (RFC 9113 §3 to §8, RFC 7541), broken one rule at a time by a client that writes its own frames: before the
//! server itself, through the proxy that only copies, that judges and passes, that changes every head, and that answers in the server's place.

#[path = "support/h2.rs"]
mod h2;
#[path = "support/peers.rs"]
mod peers;

use h2::{ACK, Came, END_HEADERS, END_STREAM, PADDED, PREFACE, PRIORITY, Peer, asks, block, frame, kind, settings, window};
use peers::{Folder, Proxy, Running, are_here, free, server};
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

const PROTOCOL: u32 = 1;
const FLOW: u32 = 3;
const CLOSED: u32 = 5;
const SIZE: u32 = 6;
const REFUSED: u32 = 7;
const COMPRESSION: u32 = 9;
const CALM: u32 = 11;

/// What must come of a case.
enum Want {
    /// The connection ends: GOAWAY with one of these codes, or closed without a word, which RFC 9113 §5.4.1 allows.
    Away(&'static [u32]),
    /// The stream is given up with one of these codes, or the connection is.
    Reset(&'static [u32]),
    /// The stream is answered.
    Answer(u32),
    /// PING is answered with these bytes.
    Pong,
    /// The same, or the connection ends in order.
    PongOrEnd,
    /// SETTINGS are acknowledged.
    Settled,
    /// So many bytes of a body come at first, and nothing beyond them.
    Bytes(usize),
    /// A request with a fault of its own: given up, or answered with a status that says so.
    Faulty,
}

/// A case: where the rule stands, what is done.
struct Case(&'static str, Want, fn(&mut Peer));

const GET: [(&str, &str); 4] = [(":method", "GET"), (":scheme", "http"), (":path", "/a.txt"), (":authority", "localhost")];

fn head(peer: &mut Peer, stream: u32, flags: u8, fields: &[(&str, &str)]) {
    peer.send(frame(kind::HEADERS, flags, stream, block(fields)));
}

/// A GET with fields behind the pseudo-headers.
fn with(peer: &mut Peer, more: &[(&str, &str)]) {
    head(peer, 1, END_HEADERS | END_STREAM, &[&GET[..], more].concat());
}

/// A GET whose block is followed by these bytes.
fn coded(peer: &mut Peer, more: &[u8]) {
    peer.send(frame(kind::HEADERS, END_HEADERS | END_STREAM, 1, [&block(&GET), more].concat()));
}

/// A stream that both sides have ended.
fn over(peer: &mut Peer, stream: u32) {
    peer.get(stream, "/a.txt");
    peer.ended(stream);
}

fn ping(peer: &mut Peer) {
    peer.send(frame(kind::PING, 0, 0, b"anywhere"));
}

const MORE: u8 = 0x16;

#[rustfmt::skip]
fn cases() -> Vec<Case> {
    use Want::{Answer, Away, Bytes, Faulty, Pong, PongOrEnd, Reset, Settled};
    vec![
        // Frames (§4).
        Case("4.1 a type that nobody knows", Pong, |p| { p.send(frame(0x16, 0, 0, b"anywhere")); ping(p) }),
        Case("4.1 a type that nobody knows, on a stream", Answer(1), |p| { head(p, 1, END_HEADERS, &asks("POST", "/up")); p.send(frame(0x16, 0xff, 1, b"x")); p.send(frame(kind::DATA, END_STREAM, 1, b"")) }),
        Case("4.1 flags that are not defined", Pong, |p| p.send(frame(kind::PING, MORE, 0, b"anywhere"))),
        Case("4.1 the reserved bit", Pong, |p| p.send(frame(kind::PING, 0, 1 << 31, b"anywhere"))),
        Case("4.2 DATA of 2^14 bytes", Answer(1), |p| { p.post(1, "/up", &[]); p.send(frame(kind::DATA, END_STREAM, 1, vec![b'x'; 16_384])) }),
        Case("4.2 DATA longer than allowed", Reset(&[SIZE]), |p| { p.post(1, "/up", &[]); p.send(frame(kind::DATA, END_STREAM, 1, vec![b'x'; p.max_frame + 1])) }),
        Case("4.2 HEADERS longer than allowed", Away(&[SIZE]), |p| { let long = "x".repeat(p.max_frame); with(p, &[("x-long", &long)]) }),
        Case("4.3 a block that cannot be decoded", Away(&[COMPRESSION]), |p| p.send(frame(kind::HEADERS, END_HEADERS | END_STREAM, 1, b"\x00\x01"))),
        Case("4.3 PRIORITY within a block", Away(&[PROTOCOL]), |p| { head(p, 1, END_STREAM, &GET); p.send(frame(kind::PRIORITY, 0, 1, [0, 0, 0, 0, 255])); p.send(frame(kind::CONTINUATION, END_HEADERS, 1, block(&[("x-a", "b")]))) }),
        Case("4.3 another stream's HEADERS within a block", Away(&[PROTOCOL]), |p| { head(p, 1, END_STREAM, &GET); head(p, 3, END_HEADERS | END_STREAM, &GET) }),
        // States of streams (§5.1).
        Case("5.1 idle: DATA", Away(&[PROTOCOL]), |p| p.send(frame(kind::DATA, END_STREAM, 1, b"test"))),
        Case("5.1 idle: RST_STREAM", Away(&[PROTOCOL]), |p| p.send(frame(kind::RST_STREAM, 0, 1, 8u32.to_be_bytes()))),
        Case("5.1 idle: WINDOW_UPDATE", Away(&[PROTOCOL]), |p| p.send(window(1, 100))),
        Case("5.1 idle: CONTINUATION", Away(&[PROTOCOL]), |p| p.send(frame(kind::CONTINUATION, END_HEADERS, 1, block(&GET)))),
        Case("5.1 half-closed: DATA", Reset(&[CLOSED]), |p| { p.get(1, "/big.txt"); p.send(frame(kind::DATA, END_STREAM, 1, b"test")) }),
        Case("5.1 half-closed: HEADERS", Reset(&[CLOSED]), |p| { p.get(1, "/big.txt"); p.get(1, "/big.txt") }),
        Case("5.1 half-closed: CONTINUATION", Away(&[CLOSED, PROTOCOL]), |p| { p.get(1, "/big.txt"); p.send(frame(kind::CONTINUATION, END_HEADERS, 1, block(&[("x-a", "b")]))) }),
        Case("5.1 reset: DATA", Reset(&[CLOSED]), |p| { p.post(1, "/up", &[]); p.send(frame(kind::RST_STREAM, 0, 1, 8u32.to_be_bytes())); p.send(frame(kind::DATA, END_STREAM, 1, b"test")) }),
        Case("5.1 reset: HEADERS", Reset(&[CLOSED]), |p| { p.post(1, "/up", &[]); p.send(frame(kind::RST_STREAM, 0, 1, 8u32.to_be_bytes())); p.get(1, "/a.txt") }),
        Case("5.1 reset: CONTINUATION", Away(&[CLOSED, PROTOCOL]), |p| { p.post(1, "/up", &[]); p.send(frame(kind::RST_STREAM, 0, 1, 8u32.to_be_bytes())); p.send(frame(kind::CONTINUATION, END_HEADERS, 1, block(&[("x-a", "b")]))) }),
        Case("5.1 closed: DATA", Reset(&[CLOSED]), |p| { over(p, 1); p.send(frame(kind::DATA, END_STREAM, 1, b"test")) }),
        Case("5.1 closed: HEADERS", Away(&[CLOSED]), |p| { over(p, 1); p.get(1, "/a.txt") }),
        Case("5.1 closed: CONTINUATION", Away(&[CLOSED, PROTOCOL]), |p| { over(p, 1); p.send(frame(kind::CONTINUATION, END_HEADERS, 1, block(&[("x-a", "b")]))) }),
        Case("5.1 closed: WINDOW_UPDATE is taken", Pong, |p| { over(p, 1); p.send(window(1, 100)); ping(p) }),
        Case("5.1 closed: PRIORITY is taken", Pong, |p| { over(p, 1); p.send(frame(kind::PRIORITY, 0, 1, [0, 0, 0, 0, 255])); ping(p) }),
        Case("5.1.1 an even stream", Away(&[PROTOCOL]), |p| p.get(2, "/a.txt")),
        Case("5.1.1 a lower stream", Away(&[PROTOCOL, CLOSED]), |p| { over(p, 5); p.get(3, "/a.txt") }),
        Case("5.1.2 more streams than allowed", Reset(&[PROTOCOL, REFUSED, CALM]), |p| (0..=128).for_each(|n| p.post(n * 2 + 1, "/up", &[]))),
        Case("5.3 PRIORITY before a stream", Answer(1), |p| { p.send(frame(kind::PRIORITY, 0, 1, [0, 0, 0, 0, 255])); p.get(1, "/a.txt") }),
        Case("5.3 HEADERS with a priority", Answer(1), |p| p.send(frame(kind::HEADERS, END_HEADERS | END_STREAM | PRIORITY, 1, [&[0, 0, 0, 0, 255][..], &block(&GET)].concat()))),
        Case("5.3 HEADERS that depend on another stream alone", Answer(1), |p| p.send(frame(kind::HEADERS, END_HEADERS | END_STREAM | PRIORITY, 1, [&[0x80, 0, 0, 0, 255][..], &block(&GET)].concat()))),
        Case("5.4.1 what follows a connection error is closed", Away(&[SIZE]), |p| p.send(frame(kind::PING, 0, 0, b"short"))),
        Case("5.5 a type that nobody knows within a block", Away(&[PROTOCOL]), |p| { head(p, 1, END_STREAM, &GET); p.send(frame(0x16, 0, 0, b"anywhere")); p.send(frame(kind::CONTINUATION, END_HEADERS, 1, b"")) }),
        // Frames, one by one (§6).
        Case("6.1 DATA on stream 0", Away(&[PROTOCOL]), |p| p.send(frame(kind::DATA, 0, 0, b"test"))),
        Case("6.1 DATA padded beyond its end", Away(&[PROTOCOL]), |p| { p.post(1, "/up", &[("content-length", "4")]); p.send(frame(kind::DATA, END_STREAM | PADDED, 1, b"\x06test")) }),
        Case("6.1 DATA padded", Answer(1), |p| { p.post(1, "/up", &[("content-length", "4")]); p.send(frame(kind::DATA, END_STREAM | PADDED, 1, b"\x02test\0\0")) }),
        Case("6.2 HEADERS on stream 0", Away(&[PROTOCOL]), |p| p.get(0, "/a.txt")),
        Case("6.2 HEADERS padded beyond their end", Away(&[PROTOCOL]), |p| { let b = block(&GET); p.send(frame(kind::HEADERS, END_HEADERS | END_STREAM | PADDED, 1, [&[b.len() as u8 + 2][..], &b].concat())) }),
        Case("6.2 HEADERS padded", Answer(1), |p| p.send(frame(kind::HEADERS, END_HEADERS | END_STREAM | PADDED, 1, [&[3][..], &block(&GET), &[0; 3]].concat()))),
        Case("6.3 PRIORITY on stream 0", Away(&[PROTOCOL]), |p| p.send(frame(kind::PRIORITY, 0, 0, [0, 0, 0, 0, 255]))),
        Case("6.3 PRIORITY of 4 bytes", Reset(&[SIZE]), |p| { p.post(1, "/up", &[]); p.send(frame(kind::PRIORITY, 0, 1, [0, 0, 0, 255])) }),
        Case("6.4 RST_STREAM on stream 0", Away(&[PROTOCOL]), |p| p.send(frame(kind::RST_STREAM, 0, 0, 8u32.to_be_bytes()))),
        Case("6.4 RST_STREAM of 3 bytes", Away(&[SIZE]), |p| { p.post(1, "/up", &[]); p.send(frame(kind::RST_STREAM, 0, 1, [0, 0, 8])) }),
        Case("6.5 SETTINGS that acknowledge and say something", Away(&[SIZE]), |p| p.send(frame(kind::SETTINGS, ACK, 0, [0, 1, 0, 0, 0, 0]))),
        Case("6.5 SETTINGS on a stream", Away(&[PROTOCOL]), |p| p.send(frame(kind::SETTINGS, 0, 1, [0, 3, 0, 0, 0, 1]))),
        Case("6.5 SETTINGS of 3 bytes", Away(&[SIZE]), |p| p.send(frame(kind::SETTINGS, 0, 0, b"\0\x03\0"))),
        Case("6.5.2 ENABLE_PUSH of 2", Away(&[PROTOCOL]), |p| p.send(settings(&[(2, 2)]))),
        Case("6.5.2 INITIAL_WINDOW_SIZE above the most", Away(&[FLOW]), |p| p.send(settings(&[(4, 1 << 31)]))),
        Case("6.5.2 MAX_FRAME_SIZE below the least", Away(&[PROTOCOL]), |p| p.send(settings(&[(5, 16_383)]))),
        Case("6.5.2 MAX_FRAME_SIZE above the most", Away(&[PROTOCOL]), |p| p.send(settings(&[(5, 1 << 24)]))),
        Case("6.5.2 a setting that nobody knows", Pong, |p| { p.send(settings(&[(0xff, 1)])); ping(p) }),
        Case("6.5.3 the last of several values holds", Bytes(1), |p| { p.send(settings(&[(4, 100), (4, 1)])); p.get(1, "/a.txt") }),
        Case("6.5.3 SETTINGS are acknowledged", Settled, |p| p.send(settings(&[(3, 100)]))),
        Case("6.7 PING", Pong, ping),
        Case("6.7 PING with ACK is not answered", Pong, |p| { p.send(frame(kind::PING, ACK, 0, b"nowhere.")); ping(p) }),
        Case("6.7 PING on a stream", Away(&[PROTOCOL]), |p| p.send(frame(kind::PING, 0, 1, b"anywhere"))),
        Case("6.7 PING of 6 bytes", Away(&[SIZE]), |p| p.send(frame(kind::PING, 0, 0, b"\0\0\0\0\0\0"))),
        Case("6.8 GOAWAY on a stream", Away(&[PROTOCOL]), |p| p.send(frame(kind::GOAWAY, 0, 1, [0; 8]))),
        Case("6.9 WINDOW_UPDATE of 0, connection", Away(&[PROTOCOL]), |p| p.send(window(0, 0))),
        Case("6.9 WINDOW_UPDATE of 0, stream", Reset(&[PROTOCOL]), |p| { p.get(1, "/big.txt"); p.send(window(1, 0)) }),
        Case("6.9 WINDOW_UPDATE of 3 bytes", Away(&[SIZE]), |p| p.send(frame(kind::WINDOW_UPDATE, 0, 0, [0, 0, 1]))),
        Case("6.9.1 no more than the window", Bytes(1), |p| { p.send(settings(&[(4, 1)])); p.get(1, "/a.txt") }),
        Case("6.9.1 the connection's window overflows", Away(&[FLOW]), |p| { p.send(window(0, 0x7fff_ffff)); p.send(window(0, 0x7fff_ffff)) }),
        Case("6.9.1 a stream's window overflows", Reset(&[FLOW]), |p| { p.get(1, "/big.txt"); p.send(window(1, 0x7fff_ffff)); p.send(window(1, 0x7fff_ffff)) }),
        Case("6.9.2 a window that grows by SETTINGS", Bytes(3), |p| { p.send(settings(&[(4, 0)])); p.get(1, "/a.txt"); p.send(settings(&[(4, 3)])) }),
        Case("6.9.2 a window below zero", Bytes(4), |p| { p.send(settings(&[(4, 3)])); p.get(1, "/a.txt"); p.until(|c| matches!(c, Came::Data(..))); p.send(settings(&[(4, 2)])); p.send(window(1, 5)) }),
        Case("6.10 CONTINUATION, several", Answer(1), |p| { head(p, 1, END_STREAM, &GET); p.send(frame(kind::CONTINUATION, 0, 1, block(&[("x-a", "b")]))); p.send(frame(kind::CONTINUATION, END_HEADERS, 1, block(&[("x-c", "d")]))) }),
        Case("6.10 CONTINUATION, then another frame", Away(&[PROTOCOL]), |p| { head(p, 1, END_STREAM, &GET); p.send(frame(kind::CONTINUATION, 0, 1, block(&[("x-a", "b")]))); p.send(frame(kind::DATA, END_STREAM, 1, b"test")) }),
        Case("6.10 CONTINUATION on stream 0", Away(&[PROTOCOL]), |p| { head(p, 1, END_STREAM, &GET); p.send(frame(kind::CONTINUATION, END_HEADERS, 0, block(&[("x-a", "b")]))) }),
        Case("6.10 CONTINUATION behind the end of HEADERS", Away(&[PROTOCOL]), |p| { p.post(1, "/up", &[]); p.send(frame(kind::CONTINUATION, END_HEADERS, 1, block(&[("x-a", "b")]))) }),
        Case("6.10 CONTINUATION behind the end of CONTINUATION", Away(&[PROTOCOL]), |p| { head(p, 1, 0, &asks("POST", "/up")); p.send(frame(kind::CONTINUATION, END_HEADERS, 1, block(&[("x-a", "b")]))); p.send(frame(kind::CONTINUATION, END_HEADERS, 1, block(&[("x-c", "d")]))) }),
        Case("6.10 CONTINUATION behind DATA", Away(&[PROTOCOL]), |p| { p.post(1, "/up", &[]); p.send(frame(kind::DATA, 0, 1, b"test")); p.send(frame(kind::CONTINUATION, END_HEADERS, 1, block(&[("x-a", "b")]))) }),
        // Codes that nobody knows (§7).
        Case("7 GOAWAY with a code that nobody knows", PongOrEnd, |p| { p.send(frame(kind::GOAWAY, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0xff])); ping(p) }),
        Case("7 RST_STREAM with a code that nobody knows", Pong, |p| { p.post(1, "/up", &[]); p.send(frame(kind::RST_STREAM, 0, 1, 0xffu32.to_be_bytes())); ping(p) }),
        // Messages (§8).
        Case("8.1 HEADERS within a body that end nothing", Reset(&[PROTOCOL]), |p| { p.post(1, "/up", &[]); head(p, 1, END_HEADERS, &[("x-a", "b")]) }),
        Case("8.1 trailers", Answer(1), |p| { p.post(1, "/up", &[]); p.send(frame(kind::DATA, 0, 1, b"test")); head(p, 1, END_HEADERS | END_STREAM, &[("x-a", "b")]) }),
        Case("8.2 a name in capitals", Faulty, |p| with(p, &[("X-A", "b")])),
        Case("8.2.2 Connection", Faulty, |p| with(p, &[("connection", "keep-alive")])),
        Case("8.2.2 TE other than trailers", Faulty, |p| with(p, &[("te", "trailers, deflate")])),
        Case("8.2.2 TE: trailers", Answer(1), |p| with(p, &[("te", "trailers")])),
        Case("8.3 a pseudo-header that nobody knows", Faulty, |p| head(p, 1, END_HEADERS | END_STREAM, &[&GET[..], &[(":test", "ok")]].concat())),
        Case("8.3 a pseudo-header of answers", Faulty, |p| head(p, 1, END_HEADERS | END_STREAM, &[&GET[..], &[(":status", "200")]].concat())),
        Case("8.3 a pseudo-header in trailers", Faulty, |p| { p.post(1, "/up", &[]); p.send(frame(kind::DATA, 0, 1, b"test")); head(p, 1, END_HEADERS | END_STREAM, &[(":method", "GET")]) }),
        Case("8.3 a pseudo-header behind fields", Faulty, |p| head(p, 1, END_HEADERS | END_STREAM, &[&GET[..3], &[("x-a", "b"), (":authority", "localhost")]].concat())),
        Case("8.3.1 an empty path", Faulty, |p| p.get(1, "")),
        Case("8.3.1 no method", Faulty, |p| head(p, 1, END_HEADERS | END_STREAM, &GET[1..])),
        Case("8.3.1 no scheme", Faulty, |p| head(p, 1, END_HEADERS | END_STREAM, &[GET[0], GET[2], GET[3]])),
        Case("8.3.1 no path", Faulty, |p| head(p, 1, END_HEADERS | END_STREAM, &[GET[0], GET[1], GET[3]])),
        Case("8.3.1 two methods", Faulty, |p| head(p, 1, END_HEADERS | END_STREAM, &[&GET[..], &GET[..1]].concat())),
        Case("8.3.1 two schemes", Faulty, |p| head(p, 1, END_HEADERS | END_STREAM, &[&GET[..], &GET[1..2]].concat())),
        Case("8.3.1 two paths", Faulty, |p| head(p, 1, END_HEADERS | END_STREAM, &[&GET[..], &GET[2..3]].concat())),
        Case("8.1.1 less than content-length", Faulty, |p| { p.post(1, "/up", &[("content-length", "9")]); p.send(frame(kind::DATA, END_STREAM, 1, b"test")) }),
        Case("8.1.1 more than content-length, in two frames", Faulty, |p| { p.post(1, "/up", &[("content-length", "3")]); p.send(frame(kind::DATA, 0, 1, b"te")); p.send(frame(kind::DATA, END_STREAM, 1, b"st")) }),
        Case("8.4 PUSH_PROMISE of a client", Away(&[PROTOCOL]), |p| { p.post(1, "/up", &[]); p.send(frame(kind::PUSH_PROMISE, END_HEADERS, 1, [&[0, 0, 0, 2][..], &block(&GET)].concat())) }),
        // Header compression (RFC 7541).
        Case("7541 2.3.3 an index beyond the tables", Away(&[COMPRESSION]), |p| coded(p, &[0xbe])),
        Case("7541 2.3.3 a literal whose name's index is beyond the tables", Away(&[COMPRESSION]), |p| coded(p, &[0x7e, 0x01, b'x'])),
        Case("7541 4.2 a table's size behind fields", Away(&[COMPRESSION]), |p| coded(p, &[0x21])),
        Case("7541 5.2 Huffman padded by more than 7 bits", Away(&[COMPRESSION]), |p| coded(p, b"\x00\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff")),
        Case("7541 5.2 Huffman padded by zeros", Away(&[COMPRESSION]), |p| coded(p, b"\x00\x85\xf2\xb2\x4a\x84\xff\x83\x49\x50\x90")),
        Case("7541 5.2 Huffman with an EOS", Away(&[COMPRESSION]), |p| coded(p, b"\x00\x85\xf2\xb2\x4a\x84\xff\x87\x49\x51\xff\xff\xff\xfa\x7f")),
        Case("7541 6.1 index 0", Away(&[COMPRESSION]), |p| coded(p, &[0x80])),
        Case("7541 6.3 a table larger than allowed", Away(&[COMPRESSION]), |p| p.send(frame(kind::HEADERS, END_HEADERS | END_STREAM, 1, [&[0x3f, 0xe1, 0xff, 0x03][..], &block(&GET)].concat()))),
        Case("7541 6.3 a table's size, twice, before fields", Answer(1), |p| p.send(frame(kind::HEADERS, END_HEADERS | END_STREAM, 1, [&[0x20, 0x3f, 0xe1, 0x1f][..], &block(&GET)].concat()))),
    ]
}

/// Whether what came is what was wanted, and if not, what came.
fn came_as(want: &Want, peer: &mut Peer) -> Result<(), String> {
    let away = |c: &Came, codes: &[u32]| matches!(c, Came::Closed) || matches!(c, Came::Away(code, _) if codes.contains(code));
    let settled = |c: &Came| matches!(c, Came::Away(..));
    let all = match want {
        Want::Away(codes) => {
            let all = peer.until(settled);
            if all.last().is_some_and(|c| away(c, codes)) {
                // Whoever has said so closes (RFC 9113 §5.4.1).
                return match peer.until(|_| false).pop() {
                    Some(Came::Closed) | None => Ok(()),
                    other => Err(format!("GOAWAY, but not closed: {other:?}")),
                };
            }
            all
        }
        Want::Reset(codes) => {
            let all = peer.until(|c| settled(c) || matches!(c, Came::Reset(..)));
            if all.last().is_some_and(|c| away(c, codes) || matches!(c, Came::Reset(_, code) if codes.contains(code))) {
                return Ok(());
            }
            all
        }
        Want::Answer(stream) => {
            let all = peer.until(|c| settled(c) || matches!(c, Came::Headers(..) | Came::Reset(..)));
            if matches!(all.last(), Some(Came::Headers(s, ..)) if s == stream) {
                return Ok(());
            }
            all
        }
        Want::Pong | Want::PongOrEnd => {
            let all = peer.until(|c| settled(c) || matches!(c, Came::Pong(_)));
            let end = matches!(want, Want::PongOrEnd) && all.last() == Some(&Came::Closed);
            if end || matches!(all.last(), Some(Came::Pong(bytes)) if bytes == b"anywhere") {
                return Ok(());
            }
            all
        }
        Want::Settled => {
            let all = peer.until(|c| settled(c) || matches!(c, Came::Settings(true)));
            if matches!(all.last(), Some(Came::Settings(true))) {
                return Ok(());
            }
            all
        }
        Want::Bytes(count) => {
            let mut all = peer.until(|c| settled(c) || matches!(c, Came::Data(..) | Came::Reset(..)));
            peer.patience = Duration::from_millis(400);
            all.extend(peer.until(settled));
            let got: usize = all.iter().map(|c| if let Came::Data(_, d, _) = c { d.len() } else { 0 }).sum();
            if got == *count {
                return Ok(());
            }
            all
        }
        Want::Faulty => {
            // 400, by its place in the static table (RFC 7541 appendix A), or written out.
            let refused =
                |c: &Came| matches!(c, Came::Headers(_, b, _) if b.contains(&0x8c) || b.windows(3).any(|w| w == b"400"));
            let all = peer.until(|c| settled(c) || refused(c) || matches!(c, Came::Reset(..)));
            let given_up = matches!(all.last(), Some(Came::Reset(_, PROTOCOL) | Came::Away(PROTOCOL, _) | Came::Closed));
            if given_up || all.last().is_some_and(refused) {
                return Ok(());
            }
            all
        }
    };
    Err(format!("{:?}", all.iter().skip(all.len().saturating_sub(4)).collect::<Vec<_>>()))
}

/// What came of a case, by its name; one that went wrong says what came.
type Went = (&'static str, Result<(), String>);

/// Goes through all cases.
fn go_through(at: SocketAddr) -> Vec<Went> {
    // Several at once: where silence is due, it takes its time.
    let all = cases();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let mut done: Vec<(usize, Result<(), String>)> = std::thread::scope(|scope| {
        let one = || {
            let mut done = Vec::new();
            loop {
                let n = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                let Some(Case(about, want, act)) = all.get(n) else { return done };
                let mut peer = Peer::client(at, &[]);
                if about.ends_with("longer than allowed") && peer.max_frame == (1 << 24) - 1 {
                    // No frame is longer.
                    done.push((n, Ok(())));
                    continue;
                }
                act(&mut peer);
                done.push((n, came_as(want, &mut peer)));
            }
        };
        let workers: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
        workers.into_iter().flat_map(|w| w.join().expect("a worker")).collect()
    });
    done.sort_by_key(|(n, _)| *n);
    done.into_iter().map(|(n, went)| (all[n].0, went)).collect()
}

/// A server of HTTP/2 by prior knowledge.
struct Site {
    folder: Folder,
    at: SocketAddr,
    _server: Running,
}

impl Site {
    /// nginx.
    fn new(name: &str) -> Site {
        let folder = Folder::new(name);
        std::fs::create_dir(folder.path("www")).expect("made");
        folder.put("www/a.txt", "what stands in a file\n");
        folder.put("www/big.txt", "x".repeat(4 << 20));
        let (port, behind) = (free(), free());
        let conf = format!(
            "daemon off; worker_processes 1; pid {r}/pid; error_log {r}/error.log;\nevents {{ worker_connections 512; }}\nhttp {{ access_log \
             off; client_body_temp_path {r}/b; proxy_temp_path {r}/p; fastcgi_temp_path {r}/f; uwsgi_temp_path {r}/u; scgi_temp_path {r}/s; root \
             {r}/www; server {{ listen 127.0.0.1:{port} http2; location /up {{ proxy_pass http://127.0.0.1:{behind}; }} }}\nserver {{ listen \
             127.0.0.1:{behind}; location / {{ return 200 up; }} }} }}\n",
            r = folder.0.display(),
        );
        let conf = folder.put("nginx.conf", conf);
        let nginx = server(Command::new("nginx").arg("-c").arg(conf).arg("-p").arg(&folder.0), port);
        Site { folder, at: ([127, 0, 0, 1], port).into(), _server: nginx }
    }

    /// nghttpd, which is strict and takes frames of 2^14 bytes at most.
    fn strict(name: &str) -> Site {
        let folder = Folder::new(name);
        std::fs::create_dir(folder.path("www")).expect("made");
        folder.put("www/a.txt", "what stands in a file\n");
        folder.put("www/big.txt", "x".repeat(4 << 20));
        let port = free();
        let mut command = Command::new("nghttpd");
        let nghttpd =
            server(command.args(["--no-tls", "-a", "127.0.0.1", "-d"]).arg(folder.path("www")).arg(port.to_string()), port);
        Site { folder, at: ([127, 0, 0, 1], port).into(), _server: nghttpd }
    }

    fn proxy(&self, flags: &[&str]) -> Proxy {
        Proxy::before(&self.folder, &format!("h2c://{}", self.at), flags)
    }
}

/// Every rule is kept through the proxy that is kept before the server itself; where the proxy judges, all are kept but those that it leaves
/// to a server that does not keep them either.
fn as_before_the_server(name: &str, flags: &[&str]) {
    if !are_here(&["nginx", "nghttpd"]) {
        return;
    }
    for site in [Site::strict(name), Site::new(name)] {
        let direct = go_through(site.at);
        let proxy = site.proxy(flags);
        let through = go_through(proxy.at);
        let mut wrong = Vec::new();
        for ((case, before), (_, behind)) in direct.iter().zip(&through) {
            match (before, behind) {
                (Ok(()), Err(came)) => wrong.push(format!("{case}: through the proxy came {came}")),
                (Err(came), Err(_)) => eprintln!("{case}: neither the server nor the proxy keeps it: {came}"),
                _ => {}
            }
        }
        assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), through.len(), wrong.join("\n"));
        let kept = |all: &[Went]| all.iter().filter(|(_, w)| w.is_ok()).count();
        eprintln!("{name}: {} of {} kept; {} before the server itself", kept(&through), through.len(), kept(&direct));
        drop(proxy);
    }
}

#[test]
fn what_is_copied_is_answered_as_the_server_answers() {
    as_before_the_server("h2rules-copied", &[]);
}

#[test]
fn what_is_judged_and_passed_keeps_the_rules() {
    as_before_the_server("h2rules-judged", &["--modify-headers", "/~u nowhere/x-added/yes"]);
}

#[test]
fn what_is_changed_keeps_the_rules() {
    as_before_the_server("h2rules-changed", &["--modify-headers", "/~q/x-added/yes", "--modify-headers", "/~s/x-added/yes"]);
}

#[test]
fn what_is_answered_by_a_rule_keeps_the_rules() {
    if !are_here(&["nghttpd"]) {
        return;
    }
    let site = Site::strict("h2rules-answered");
    let map = |path: &str, file: &str| format!("|{path}|{}", site.folder.path(&format!("www/{file}")).display());
    let proxy = site.proxy(&[
        "--map-local",
        &map("/a.txt", "a.txt"),
        "--map-local",
        &map("/big.txt", "big.txt"),
        "--map-local",
        &map("/up", "a.txt"),
    ]);
    let wrong: Vec<String> =
        go_through(proxy.at).into_iter().filter_map(|(case, went)| Some(format!("{case}: {}", went.err()?))).collect();
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    drop(proxy);
}

#[test]
fn a_preface_that_is_none_ends_the_connection() {
    if !are_here(&["nginx"]) {
        return;
    }
    let site = Site::new("h2rules-preface");
    for flags in [&[][..], &["--modify-headers", "/~q/x-added/yes"]] {
        let proxy = site.proxy(flags);
        let mut peer = Peer::silent(proxy.at);
        peer.send("INVALID CONNECTION PREFACE\r\n\r\n");
        let all = peer.until(|_| false);
        assert_eq!(all.last(), Some(&Came::Closed), "{flags:?}: {all:?}");
    }
    let proxy = site.proxy(&["--modify-headers", "/~q/x-added/yes"]);
    let mut peer = Peer::silent(proxy.at);
    peer.send([PREFACE, &frame(kind::PING, 0, 0, b"anywhere")].concat());
    let all = peer.until(|_| false);
    assert_eq!(all.last(), Some(&Came::Closed), "SETTINGS come first: {all:?}");
}
