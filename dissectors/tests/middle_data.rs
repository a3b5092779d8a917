//! PostgreSQL, Redis and MQTT in the middle: transcripts, what is judged of them, and what is made of a judgement.

mod middle_support;

use middle_support::{Play, passes_untouched};
use wirelore_dissectors::{mqtt, pgsql, redis};
use wirelore_kit::Hint;
use wirelore_kit::middle::{Judgement, Part, Transit};

fn with(t: &Transit, line: &'static str, body: impl AsRef<[u8]>) -> Box<Transit> {
    Box::new(Transit { line: line.into(), body: body.as_ref().to_vec().into(), ..t.clone() })
}

fn back(t: &Transit, line: &'static str, body: impl AsRef<[u8]>) -> Judgement {
    Judgement::Answer(Box::new(Transit { dir: t.dir.other(), ..*with(t, line, body) }))
}

// PostgreSQL.

fn kind(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &(body.len() as u32 + 4).to_be_bytes(), body].concat()
}

fn start(code: u32, body: &[u8]) -> Vec<u8> {
    [&(body.len() as u32 + 8).to_be_bytes()[..], &code.to_be_bytes(), body].concat()
}

fn ready() -> Vec<u8> {
    kind(b'Z', b"T")
}

fn session() -> Play {
    Play::between(&pgsql::SPEC)
        .client(start(80_877_103, b""))
        .server("N")
        .client(start(3 << 16, b"user\0emma\0\0"))
        .server([kind(b'R', &[0; 4]), kind(b'S', b"a\0b\0"), kind(b'Z', b"I")].concat())
        .client(kind(b'Q', b"SELECT 1\0"))
        .server([kind(b'T', b"columns"), kind(b'D', b"row"), kind(b'C', b"SELECT 1\0"), ready()].concat())
        .client([kind(b'P', b"\0BEGIN\0\0\0"), kind(b'B', b"x"), kind(b'S', b""), kind(b'Q', b"COMMIT\0")].concat())
        .server([kind(b'1', b""), kind(b'2', b""), ready(), kind(b'C', b"COMMIT\0"), ready()].concat())
        .client(kind(b'X', b""))
}

#[test]
fn postgresql_passes_untouched() {
    passes_untouched(&session().client_ends().server_ends());
    passes_untouched(&Play::between(&pgsql::SPEC).client(start(80_877_102, b"cancelit")));
    passes_untouched(&session().server("?????????").client("and so on"));
    assert!(session().run_all().opaque, "without a judge all is copied once the session has begun");
}

#[test]
fn postgresql_begins_tls_at_its_byte_and_refuses_what_was_put_behind_it() {
    let ssl = || Play::between(&pgsql::SPEC).client(start(80_877_103, b""));
    let p = ssl().server("S").client("\x16\x03").run_all();
    assert_eq!(p.became, Some(Hint::Over { outer: "tls", inner: "pgsql" }));
    let injected = [start(80_877_103, b""), kind(b'Q', b"DROP\0")].concat();
    let p = Play::between(&pgsql::SPEC).client(injected).server("S").run_all();
    assert!(p.closed && p.was_told("data.note.behind_upgrade") && !p.sent_to_server().contains("DROP"), "{}", p.shown());
    let p = ssl().server("SEx").run();
    assert!(p.closed && p.was_told("data.note.behind_upgrade"), "{}", p.shown());
}

#[test]
fn postgresql_statements_are_changed_and_answered_in_order() {
    let p = session()
        .judged(|t| match &*t.body {
            b"SELECT 1" if t.dir == wirelore_kit::Dir::ToServer => Judgement::Change(with(t, "Simple query", "SELECT 22")),
            b"COMMIT" => back(t, "Error", "not today"),
            _ => Judgement::Pass,
        })
        .run_all();
    let sent = &p.to_server[0].1;
    let query = kind(b'Q', b"SELECT 22\0");
    assert!(sent.windows(query.len()).any(|w| w == query), "{}", p.shown());
    assert!(!p.sent_to_server().contains("COMMIT"));
    let no = [kind(b'E', b"SERROR\0VERROR\0C42501\0Mnot today\0\0"), ready()].concat();
    let two = kind(b'2', b"");
    let want = [two, ready(), no].concat();
    assert!(p.to_client.windows(want.len()).any(|w| w == want), "our answer stands behind that to Sync: {}", p.shown());
    let of = |line: &str| p.judged.iter().filter(|t| t.line == line).map(|t| t.exchange).collect::<Vec<u64>>();
    assert_eq!((of("Parse"), of("Sync"), of("Data row")), (vec![3], vec![3], vec![2]));
}

// Redis.

fn commands() -> Play {
    Play::between(&redis::SPEC)
        .client("*2\r\n$3\r\nGET\r\n$1\r\na\r\nPING\r\n*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$3\r\nc d\r\n")
        .server("$5\r\nhel\nl\r\n+PONG\r\n+OK\r\n")
        .client("*1\r\n$5\r\nHELLO\r\n\r\n")
        .server("%1\r\n+a\r\n*2\r\n:1\r\n_\r\n")
}

#[test]
fn redis_passes_untouched() {
    passes_untouched(
        &commands().client("SUBSCRIBE x\r\n").server("*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n").server(">1\r\n+x\r\n"),
    );
    passes_untouched(&commands().server("rubbish").client("more\r\n"));
    assert!(commands().run_all().opaque);
}

#[test]
fn redis_commands_are_lines_and_changed_lines_are_commands() {
    let p = commands()
        .judged(|t| match &*t.line {
            b"SET b \"c d\"" => Judgement::Change(Box::new(Transit { line: "SET b \"e\\n\" EX 5".into(), ..t.clone() })),
            b"\"hel\\nl\"" => Judgement::Change(Box::new(Transit { line: "\"other\"".into(), ..t.clone() })),
            b"PING" => back(t, "+MINE", ""),
            _ => Judgement::Pass,
        })
        .run_all();
    assert!(
        p.sent_to_server().contains("a\r\n*5\r\n$3\r\nSET\r\n$1\r\nb\r\n$2\r\ne\n\r\n$2\r\nEX\r\n$1\r\n5\r\n*1"),
        "{}",
        p.shown()
    );
    assert!(p.sent_to_client().starts_with("$5\r\nother\r\n+MINE\r\n+PONG\r\n"), "{}", p.shown());
    let p = commands().judged(|_| Judgement::Pass).run_all();
    let of = |line: &str| p.judged.iter().filter(|t| t.line == line).map(|t| (t.exchange, t.part)).collect::<Vec<_>>();
    assert_eq!((of("GET a"), of("+OK")), (vec![(0, Part::Request)], vec![(2, Part::Response)]));
}

// MQTT.

fn publish(flags: u8, topic: &str, between: &[u8], payload: &[u8]) -> Vec<u8> {
    let rest = [&(topic.len() as u16).to_be_bytes()[..], topic.as_bytes(), between, payload].concat();
    let mut len = vec![rest.len() as u8];
    if rest.len() > 127 {
        len = vec![rest.len() as u8 | 0x80, (rest.len() >> 7) as u8];
    }
    [&[0x30 | flags][..], &len, &rest].concat()
}

fn connected(version: u8) -> Play {
    let connect = [&b"\x10\x0c\0\x04MQTT"[..], &[version, 2, 0, 60, 0, 0]].concat();
    Play::between(&mqtt::SPEC).client(connect).server([0x20, 2, 0, 0])
}

#[test]
fn mqtt_passes_untouched() {
    passes_untouched(
        &connected(4).client(publish(2, "a/b", &[0, 7], b"hi")).server([0x40, 2, 0, 7]).client([0xc0, 0]).server([0xd0, 0]),
    );
    passes_untouched(&connected(5).server(publish(0, "t", &[0], &[9; 300])).client([0xe0, 0]).client([0u8, 1, 2]));
}

#[test]
fn mqtt_messages_are_changed_with_all_that_stands_around_them() {
    for (version, between) in [(4, &[0, 7][..]), (5, &[0, 7, 2, 1, 1])] {
        let p = connected(version)
            .client(publish(3, "room/1/temp", between, b"21"))
            .judged(|t| match &*t.line {
                b"PUBLISH room/1/temp" if t.body == "21" => Judgement::Change(with(t, "PUBLISH room/2/temp", [b'9'; 200])),
                _ => Judgement::Pass,
            })
            .run_all();
        assert!(
            p.to_server[0].1.ends_with(&publish(3, "room/2/temp", between, &[b'9'; 200])),
            "version {version}: {}",
            p.shown()
        );
    }
}
