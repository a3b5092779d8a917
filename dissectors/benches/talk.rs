//! What reading costs where both sides speak as they like: WebSocket (plain and compressed), MQTT, Redis, PostgreSQL; bytes in, rows or trees out.

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

/// A handshake and short texts in both directions; of the compressed ones each refers to the one before.
fn websocket(compressed: bool) -> Script {
    let extension = if compressed { "Sec-WebSocket-Extensions: permessage-deflate\r\n" } else { "" };
    let request = format!(
        "GET /chat HTTP/1.1\r\nHost: www.cafe.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{extension}\r\n"
    );
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n{extension}\r\n"
    );
    let mut s = Script::tcp(80).bytes(0, request.as_bytes()).bytes(1, answer.as_bytes());
    for i in 0..EXCHANGES {
        let text = format!("{{\"order\":{i},\"cake\":\"plum\",\"note\":\"{}\"}}", "x".repeat(60));
        // A stored block, so that no compressor is needed here.
        let payload = if compressed {
            let len = (text.len() as u16).to_le_bytes();
            let not = (!(text.len() as u16)).to_le_bytes();
            [&[0][..], &len, &not, text.as_bytes(), &[0]].concat()
        } else {
            text.into_bytes()
        };
        let first = if compressed { 0xc1 } else { 0x81 };
        let key = [7, 8, 9, 10];
        let masked: Vec<u8> = payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k).collect();
        let len = payload.len() as u8;
        assert!(len < 126, "a short frame");
        s = s.bytes(0, &[&[first, 0x80 | len][..], &key, &masked].concat()).bytes(1, &[&[first, len][..], &payload].concat());
    }
    s.ended()
}

/// Readings of a sensor at QoS 1, each acknowledged.
fn mqtt() -> Script {
    let mut s = Script::tcp(1883).bytes(0, b"\x10\x0e\0\x04MQTT\x04\x02\0\x3c\0\x02k7").bytes(1, b"\x20\x02\0\0");
    for i in 1..=EXCHANGES as u16 {
        let id = i.to_be_bytes();
        let body = [&b"\0\x0bcafe/1/oven"[..], &id, b"{\"temp\":181.5}"].concat();
        s = s.bytes(0, &[&[0x32, body.len() as u8][..], &body].concat()).bytes(1, &[&[0x40, 2][..], &id].concat());
    }
    s.ended()
}

fn redis() -> Script {
    let mut s = Script::tcp(6379);
    for i in 0..EXCHANGES {
        let key = format!("cake:{i:04}");
        s = s.bytes(0, format!("*2\r\n$3\r\nGET\r\n$9\r\n{key}\r\n").as_bytes()).bytes(1, b"$4\r\nplum\r\n");
    }
    s.ended()
}

/// A query, a row and word that it is done for each two messages counted.
fn pgsql() -> Script {
    let message = |kind: u8, body: &[u8]| [&[kind][..], &(body.len() as u32 + 4).to_be_bytes(), body].concat();
    let mut s = Script::tcp(5432)
        .bytes(0, b"\0\0\0\x13\0\x03\0\0user\0mara\0\0")
        .bytes(1, &[message(b'R', &[0; 4]), message(b'Z', b"I")].concat());
    for i in 0..EXCHANGES {
        let query = message(b'Q', format!("SELECT cake FROM menu WHERE id = {i}\0").as_bytes());
        let answer = [message(b'C', b"SELECT 0\0"), message(b'Z', b"I")].concat();
        s = s.bytes(0, &query).bytes(1, &answer);
    }
    s.ended()
}

fn run(bencher: Bencher<'_, '_>, script: &Script, level: Level, least: usize) {
    let messages = laws::read(wirelore_dissectors::TABLE, script, level).messages.len();
    assert!(messages >= least, "the script is read as meant: {messages} messages");
    bencher
        .counter(ItemsCount::new(messages))
        .counter(BytesCount::new(bytes(script)))
        .bench(|| laws::read(wirelore_dissectors::TABLE, black_box(script), level));
}

#[divan::bench(args = [Level::Rows, Level::Bodies, Level::Tree])]
fn websocket_plain(bencher: Bencher<'_, '_>, level: Level) {
    run(bencher, &websocket(false), level, EXCHANGES * 2 + 2);
}

#[divan::bench(args = [Level::Rows, Level::Bodies, Level::Tree])]
fn websocket_deflate(bencher: Bencher<'_, '_>, level: Level) {
    run(bencher, &websocket(true), level, EXCHANGES * 2 + 2);
}

#[divan::bench(args = [Level::Rows, Level::Tree])]
fn mqtt_readings(bencher: Bencher<'_, '_>, level: Level) {
    run(bencher, &mqtt(), level, EXCHANGES * 2 + 2);
}

#[divan::bench(args = [Level::Rows, Level::Tree])]
fn redis_gets(bencher: Bencher<'_, '_>, level: Level) {
    run(bencher, &redis(), level, EXCHANGES * 2);
}

#[divan::bench(args = [Level::Rows, Level::Tree])]
fn pgsql_queries(bencher: Bencher<'_, '_>, level: Level) {
    run(bencher, &pgsql(), level, EXCHANGES * 3);
}
