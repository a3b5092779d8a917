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
