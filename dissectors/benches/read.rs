//! What reading costs a dissector, driven by the conversation: bytes in, rows or trees out.

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use wirelore_engine::laws::{self, Script, Step};
use wirelore_kit::Level;

fn main() {
    divan::main();
}

/// So many exchanges in one script.
const EXCHANGES: usize = 200;

fn bytes(s: &Script) -> usize {
    s.steps.iter().map(|s| if let Step::Bytes(_, b, _) = s { b.len() } else { 0 }).sum()
}

/// Keep-alive exchanges with the headers that browsers and servers send, bodies of 1 kB.
fn http() -> Script {
    let mut s = Script::tcp(80);
    for i in 0..EXCHANGES {
        let request = format!(
            "GET /p/{i}.html HTTP/1.1\r\nHost: www.cafe.test\r\nUser-Agent: bench/1\r\nAccept: text/html,*/*;q=0.8\r\n\
             Accept-Language: en\r\nAccept-Encoding: gzip, deflate\r\nConnection: keep-alive\r\n\r\n"
        );
        let answer = format!(
            "HTTP/1.1 200 OK\r\nServer: bench\r\nDate: Mon, 23 Nov 2026 04:00:00 GMT\r\nContent-Type: text/html\r\n\
             Content-Length: 1024\r\nLast-Modified: Mon, 23 Nov 2026 03:00:00 GMT\r\nETag: \"{i}\"\r\nCache-Control: max-age=60\r\n\
             Accept-Ranges: bytes\r\n\r\n{}",
            "x".repeat(1024)
        );
        s = s.bytes(0, request.as_bytes()).bytes(1, answer.as_bytes());
    }
    s.ended()
}

/// Questions for addresses and their answers.
fn dns() -> Script {
    let mut s = Script::udp(53);
    for i in 0..EXCHANGES as u16 {
        let id = i.to_be_bytes();
        let name = b"\x03www\x04cafe\x04test\x00\x00\x01\x00\x01";
        let question = [&id[..], b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", name].concat();
        let record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x50";
        let answer = [&id[..], b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00", name, record].concat();
        s = s.bytes(0, &question).bytes(1, &answer);
    }
    s
}

/// Letters of 2 kB, each in an envelope of its own.
fn smtp() -> Script {
    let mut s =
        Script::tcp(25).bytes(1, b"220 mail.cafe.test ESMTP\r\n").bytes(0, b"EHLO bench\r\n").bytes(1, b"250 mail.cafe.test\r\n");
    for i in 0..EXCHANGES {
        let letter = format!(
            "From: Emma <emma@cafe.test>\r\nTo: bob@cafe.test\r\nSubject: letter {i}\r\nDate: Mon, 23 Nov 2026 08:00:00 +0100\r\n\r\n{}.\r\n",
            "A line of text as people write them, neither long nor short.\r\n".repeat(32)
        );
        for (ask, answer) in [
            ("MAIL FROM:<emma@cafe.test>\r\n", "250 2.1.0 Ok\r\n"),
            ("RCPT TO:<bob@cafe.test>\r\n", "250 2.1.5 Ok\r\n"),
            ("DATA\r\n", "354 Go on\r\n"),
            (letter.as_str(), "250 2.0.0 Ok\r\n"),
        ] {
            s = s.bytes(0, ask.as_bytes()).bytes(1, answer.as_bytes());
        }
    }
    s.ended()
}

fn run(bencher: Bencher<'_, '_>, script: &Script, level: Level) {
    let messages = laws::read(wirelore_dissectors::TABLE, script, level).messages.len();
    assert_eq!(messages, EXCHANGES * 2, "the script is read as meant");
    bencher
        .counter(ItemsCount::new(messages))
        .counter(BytesCount::new(bytes(script)))
        .bench(|| laws::read(wirelore_dissectors::TABLE, black_box(script), level));
}

#[divan::bench(args = [Level::Rows, Level::Bodies, Level::Tree])]
fn http1(bencher: Bencher<'_, '_>, level: Level) {
    run(bencher, &http(), level);
}

#[divan::bench(args = [Level::Rows, Level::Tree])]
fn dns_udp(bencher: Bencher<'_, '_>, level: Level) {
    run(bencher, &dns(), level);
}

/// A handshake of TLS 1.3 and records that stay closed: what a connection without keys costs.
fn tls() -> Script {
    let record = |kind: u8, body: &[u8]| [&[kind, 3, 3][..], &(body.len() as u16).to_be_bytes(), body].concat();
    let hello = |kind: u8, suites: &[u8], extensions: &[u8]| {
        let body = [&[3, 3][..], &[7; 32], &[0], suites, &(extensions.len() as u16).to_be_bytes(), extensions].concat();
        let [_, a, b, c] = (body.len() as u32).to_be_bytes();
        record(22, &[&[kind, a, b, c][..], &body].concat())
    };
    let name = b"\x00\x00\x00\x12\x00\x10\x00\x00\x0dwww.cafe.test";
    let client = hello(1, &[0, 4, 0x13, 1, 0x13, 2, 1, 0], name);
    let server = hello(2, &[0x13, 1, 0], &[0, 43, 0, 2, 3, 4]);
    let mut s = Script::tcp(443).bytes(0, &client).bytes(1, &server);
    for i in 0..EXCHANGES {
        s = s.bytes(0, &record(23, &[i as u8; 200])).bytes(1, &record(23, &[i as u8; 4096]));
    }
    s.ended()
}

#[divan::bench(args = [Level::Rows, Level::Tree])]
fn tls_closed(bencher: Bencher<'_, '_>, level: Level) {
    let script = tls();
    // Two records and two messages of the handshake besides.
    let messages = laws::read(wirelore_dissectors::TABLE, &script, level).messages.len();
    assert_eq!(messages, EXCHANGES * 2 + 4, "the script is read as meant");
    bencher
        .counter(ItemsCount::new(messages))
        .counter(BytesCount::new(bytes(&script)))
        .bench(|| laws::read(wirelore_dissectors::TABLE, black_box(&script), level));
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, a, b, c] = (payload.len() as u32).to_be_bytes();
    [&[a, b, c, kind, flags][..], &stream.to_be_bytes(), payload].concat()
}

/// A header field spelled out, and remembered by both sides.
fn field(name: &str, value: &str) -> Vec<u8> {
    [&[0x40, name.len() as u8][..], name.as_bytes(), &[value.len() as u8], value.as_bytes()].concat()
}

/// Exchanges over one connection, as browsers and servers send them: most fields come from the table; `data` is the body.
fn h2_with(media: &str, data: &[u8]) -> Script {
    let mut s = Script::tcp(80)
        .bytes(0, &[b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, &[])].concat())
        .bytes(1, &[frame(4, 0, 0, &[]), frame(4, 1, 0, &[])].concat());
    let (asked, answered) = (
        [field("user-agent", "bench/1"), field("accept", "text/html,*/*;q=0.8"), field("referer", "https://www.cafe.test/")]
            .concat(),
        [field("server", "bench"), field("content-type", media), field("cache-control", "max-age=60")].concat(),
    );
    for i in 0..EXCHANGES as u32 {
        let path = format!("/p/{i:03}.html");
        let path = [&[0x04, path.len() as u8][..], path.as_bytes()].concat();
        let again = [0xc0, 0xbf, 0xbe];
        let ask = [&[0x83, 0x87][..], &path, if i == 0 { &asked } else { &again }].concat();
        let answer = [&[0x88][..], if i == 0 { &answered } else { &again }].concat();
        let stream = 2 * i + 1;
        s = s.bytes(0, &[frame(1, 4, stream, &ask), frame(0, 1, stream, data)].concat());
        s = s.bytes(1, &[frame(1, 4, stream, &answer), frame(0, 1, stream, data)].concat());
        s = s
            .bytes(0, &frame(8, 0, 0, &(data.len() as u32).to_be_bytes()))
            .bytes(1, &frame(8, 0, 0, &(data.len() as u32).to_be_bytes()));
    }
    s.ended()
}

fn streams(bencher: Bencher<'_, '_>, script: &Script, level: Level, each: usize) {
    let read = laws::read(wirelore_dissectors::TABLE, script, level);
    let messages = read.messages.iter().filter(|m| m.proto != "http2").count();
    assert_eq!(messages, EXCHANGES * each, "the script is read as meant");
    bencher
        .counter(ItemsCount::new(EXCHANGES * 2))
        .counter(BytesCount::new(bytes(script)))
        .bench(|| laws::read(wirelore_dissectors::TABLE, black_box(script), level));
}

#[divan::bench(args = [Level::Rows, Level::Bodies, Level::Tree])]
fn http2(bencher: Bencher<'_, '_>, level: Level) {
    streams(bencher, &h2_with("text/html", &[b'x'; 1024]), level, 2);
}

#[divan::bench(args = [Level::Rows, Level::Tree])]
fn grpc(bencher: Bencher<'_, '_>, level: Level) {
    let message = [&[0, 0, 0, 0, 100][..], b"\x0a\x03tea\x12\x5d", &[b'x'; 93]].concat();
    // Only the answers say that they are gRPC.
    streams(bencher, &h2_with("application/grpc", &message), level, 3);
}

#[divan::bench(args = [Level::Rows, Level::Tree])]
fn sse(bencher: Bencher<'_, '_>, level: Level) {
    streams(bencher, &h2_with("text/event-stream", b"event: cake\ndata: plum\n\ndata: mint\n\n"), level, 4);
}

/// Each letter is nine messages: four commands, their replies, and the letter inside; the greeting and the hello come on top.
#[divan::bench(args = [Level::Rows, Level::Bodies, Level::Tree])]
fn smtp_letters(bencher: Bencher<'_, '_>, level: Level) {
    let script = smtp();
    let messages = laws::read(wirelore_dissectors::TABLE, &script, level).messages.len();
    assert_eq!(messages, EXCHANGES * 9 + 3, "the script is read as meant");
    bencher
        .counter(ItemsCount::new(messages))
        .counter(BytesCount::new(bytes(&script)))
        .bench(|| laws::read(wirelore_dissectors::TABLE, black_box(&script), level));
}
