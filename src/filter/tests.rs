//! The language over rows made by hand.

use crate::{Chosen, Fact, Filter, Met, Registry, Valued, Values, parse};
use proptest::prelude::*;
use std::sync::OnceLock;
use wirelore_kit::{F, Field, Kind, Value};
use wirelore_store::query::PacketFact;

static TCP: Field = Field::group("tcp", "TCP");
static SRC: Field = Field::new("tcp.srcport", "Source port", Kind::Dec);
static DST: Field = Field::new("tcp.dstport", "Destination port", Kind::Dec);
static SYN: Field = Field::new("tcp.flags.syn", "Syn", Kind::Bool);
static IP_SRC: Field = Field::new("ip.src", "Source", Kind::Ipv4);
static IP_DST: Field = Field::new("ip.dst", "Destination", Kind::Ipv4);
static IP6_SRC: Field = Field::new("ipv6.src", "Source", Kind::Ipv6);
static ETH_SRC: Field = Field::new("eth.src", "Source", Kind::Mac);
static METHOD: Field = Field::new("http.request.method", "Method", Kind::Text).key();
static HOST: Field = Field::new("http.host", "Host", Kind::Text).key();
static CODE: Field = Field::new("http.response.code", "Status", Kind::Dec).names(&[(200, "OK"), (404, "Not Found")]).key();
static PAYLOAD: Field = Field::new("tcp.payload", "Payload", Kind::Bytes);
static TTL: Field = Field::new("ip.ttl", "Time to live", Kind::Dec);

fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    let fields: [F; 13] = [&TCP, &SRC, &DST, &SYN, &IP_SRC, &IP_DST, &IP6_SRC, &ETH_SRC, &METHOD, &HOST, &CODE, &PAYLOAD, &TTL];
    REGISTRY.get_or_init(|| Registry::new(fields, [("http", "HTTP"), ("ftp-data", "FTP data")]))
}

/// A SYN of 10.0.0.1:40000 to 192.168.1.2:80 in IPv4 in IPv4 (10.9.9.9 to 10.8.8.8), and a question in it.
struct Row;

impl Values for Row {
    fn field(&self, field: F, each: &mut dyn FnMut(Valued<'_>) -> bool) {
        let values: Vec<(Value, &[u8], u16)> = match field.name {
            "tcp.srcport" => vec![(Value::U64(40000), &[0x9c, 0x40], 1)],
            "tcp.dstport" => vec![(Value::U64(80), &[0, 80], 1)],
            "tcp.flags.syn" => vec![(Value::Bool(true), &[2], 1)],
            "ip.src" => vec![(Value::Ip4([10, 9, 9, 9]), &[10, 9, 9, 9], 1), (Value::Ip4([10, 0, 0, 1]), &[10, 0, 0, 1], 2)],
            "ip.dst" => {
                vec![(Value::Ip4([10, 8, 8, 8]), &[10, 8, 8, 8], 1), (Value::Ip4([192, 168, 1, 2]), &[192, 168, 1, 2], 2)]
            }
            "ip.ttl" => vec![(Value::U64(64), &[64], 1), (Value::U64(3), &[3], 2)],
            "eth.src" => vec![(Value::Mac([2, 0, 0, 0xaa, 0xbb, 0xcc]), &[2, 0, 0, 0xaa, 0xbb, 0xcc], 1)],
            "http.request.method" => vec![(Value::Span, b"GET", 1)],
            "http.host" => vec![(Value::Span, b"Shop.example", 1)],
            "tcp.payload" => vec![(Value::Span, b"GET / HTTP/1.1\r\n", 1)],
            _ => vec![],
        };
        for (value, bytes, layer) in values {
            if !each(Valued { value: &value, bytes, layer }) {
                return;
            }
        }
    }

    fn chosen(&self, _: &Chosen, _: &mut dyn FnMut(Valued<'_>) -> bool) {}

    fn unread(&self, _: &[F], _: &mut dyn FnMut(Valued<'_>) -> bool) {}

    fn fact(&self, fact: Fact, each: &mut dyn FnMut(Valued<'_>) -> bool) {
        let value = match fact {
            Fact::Packet(PacketFact::Number) => Value::U64(7),
            Fact::Packet(PacketFact::Time) => Value::I64(1_763_900_000_250_000_000),
            Fact::SinceFirst => Value::I64(1_500_000_000),
            _ => return,
        };
        each(Valued { value: &value, bytes: &[], layer: 0 });
    }

    fn protocol(&self, name: &str, each: &mut dyn FnMut(Met<'_>) -> bool) {
        match name {
            "tcp" => each(Met { bytes: b"\x9c\x40\x00\x50GET / HTTP/1.1", len: 4, layer: 1 }),
            "http" => each(Met { bytes: b"GET / HTTP/1.1", len: 14, layer: 1 }),
            _ => true,
        };
    }
}

fn read(text: &str) -> Filter {
    parse(text, registry()).unwrap_or_else(|e| panic!("{}", e.shown(text)))
}

#[test]
fn what_matches_and_what_does_not() {
    let yes = [
        "",
        "tcp",
        "http",
        "not ftp-data",
        "tcp.port == 80",
        "tcp.port==80",
        "tcp.port eq 80 and ip.src",
        "tcp.port === 80 or tcp.port !== 80",
        "all tcp.port > 79",
        "any tcp.port > 39999",
        "tcp.port != 443",
        "!(tcp.port == 443)",
        "tcp.port in {443, 80}",
        "tcp.port in {1..100}",
        "tcp.port not in {443, 8000..8099}",
        "tcp.dstport in {tcp.dstport}",
        "tcp.srcport > tcp.dstport",
        "tcp.srcport == 0x9c40",
        "tcp.dstport == 0120",
        "tcp.dstport == 0b1010000",
        "tcp.dstport == 'P'",
        "tcp.flags.syn",
        "tcp.flags.syn == True",
        "tcp.flags.syn == 1",
        "tcp.flags.syn == \"set\"",
        "ip.src == 10.0.0.1",
        "ip.addr == 10.0.0.0/8",
        "ip.addr == 192.168.1.0/24",
        "ip.addr in {192.168.1.1 .. 192.168.1.3}",
        "ip.src#1 == 10.9.9.9",
        "ip.src#2 == 10.0.0.1",
        "ip.src#[-1] == 10.0.0.1",
        "ip.src#[1-2] == 10.0.0.1",
        "not ip.src#3",
        "ip.ttl#1 == 64",
        "ip.ttl === 64 || ip.ttl == 3",
        "@ip.src == 0a:00:00:01",
        "eth.src == 02:00:00:aa:bb:cc",
        "eth.src == 02-00-00-AA-BB-CC",
        "eth.src == 0200.00aa.bbcc",
        "eth.src[0:3] == 02:00:00",
        "eth.src[3-5] == aa:bb:cc",
        "eth.src[-1] == cc",
        "eth.src[0,5] == 02:cc",
        "eth.src contains 00:aa",
        "http.request.method == \"GET\"",
        "http.request.method == GET",
        "\"GET\" == http.request.method",
        "http.host contains \"example\"",
        "http.host matches \"^shop\"",
        "http.host ~ \"SHOP\"",
        "http.host matches \"(?-i)^Shop\"",
        "lower(http.host) == \"shop.example\"",
        "upper(http.host) contains \"SHOP\"",
        "len(http.host) == 12",
        "len(tcp.srcport) == 2",
        "count(ip.src) == 2",
        "count(ip.addr) == 4",
        "string(tcp.dstport) matches \"^8\"",
        "string(ip.src) contains \"10.0\"",
        "max(tcp.srcport, tcp.dstport) == 40000",
        "max(ip.ttl) == 64 and min(ip.ttl, 2) == 2",
        "http.host[0:4] == \"Shop\"",
        "http.host[0] == 53",
        "tcp.payload[0:3] == 47:45:54",
        "tcp.payload[:3] == 474554",
        "tcp.payload[4:] contains \"HTTP\"",
        "tcp.payload[0] == 0x47",
        "tcp contains \"GET\"",
        "tcp contains 47:45",
        "not tcp[4:] contains \"GET\"",
        "tcp[2:2] == 00:50",
        "tcp[0:2] & ff:00 == 9c:00",
        "tcp.dstport & 0x10",
        "not tcp.dstport & 1",
        "tcp.dstport & 16 == 16",
        "tcp.srcport == tcp.dstport * 500",
        "tcp.srcport == {tcp.dstport + 20} * 400",
        "(tcp.dstport + 20) * 400 == tcp.srcport",
        "frame.number-1 == 6",
        "frame.number - 8 == -1",
        "frame.number % 2 == 1",
        "not frame.number / 0 == 1",
        "1 < frame.number < 9",
        "frame.time_relative == 1.5",
        "frame.time_relative > 1499ms",
        "frame.time_relative - 0.5 == 1",
        "frame.time_relative * 2 == 3",
        "frame.time > \"2025-11-23 12:13:20\"",
        "frame.time < \"2025-11-23T13:13:20.5+01:00\"",
        "frame.time_epoch > 1763900000",
        "(tcp or udp.stream) and not (http xor tcp)",
        "http and not tcp or tcp",
    ];
    for text in yes {
        assert!(read(text).holds(&Row), "{text} should match");
    }
    let no = [
        "ftp-data",
        "not tcp",
        "tcp.port == 81",
        "tcp.port != 80",
        "tcp.port === 80",
        "all tcp.port > 80",
        "ip.src#1 == 10.0.0.1",
        "ip.src === 10.0.0.1",
        "http.response.code",
        "http.response.code != 200",
        "all http.response.code > 1",
        "http.host matches \"(?-i)^shop\"",
        "tcp.payload[100]",
        "tcp.payload[0:100]",
        "tcp.dstport & 1",
        "tcp xor http",
        "frame.number in {8..9}",
        "ip.addr == 11.0.0.0/8",
    ];
    for text in no {
        assert!(!read(text).holds(&Row), "{text} should not match");
    }
}

#[test]
fn not_binds_closest_then_and_then_xor_then_or() {
    for (text, same) in [
        ("tcp or http and ip.src", "tcp or (http and ip.src)"),
        ("tcp xor http and ip.src", "tcp xor (http and ip.src)"),
        ("tcp or http xor ip.src", "tcp or (http xor ip.src)"),
        ("not tcp and http", "(not tcp) and http"),
        ("tcp && http || ip.src && !tcp", "(tcp and http) or (ip.src and not tcp)"),
    ] {
        assert_eq!(read(text).to_string(), read(same).to_string(), "{text}");
    }
}

#[test]
fn columns_answer_what_they_can_and_bound_the_rest() {
    let exact = |text: &str| read(text).query().is_some();
    for text in [
        "http",
        "http.request.method == \"GET\"",
        "http.request.method != \"GET\" and not http.response.code >= 400",
        "http.response.code in {200..299, 404}",
        "http.host contains \"example\"",
        "frame.number > 5",
        "tcp.analysis.retransmission",
        "tcp.stream == 3",
    ] {
        assert!(exact(text), "{text}");
    }
    for text in ["tcp.port == 80", "ip.addr == 10.0.0.0/8", "tcp", "eth.src == 02:00:00:00:00:01", "http.host matches \"x\""] {
        assert!(!exact(text), "{text}");
    }
    assert!(read("tcp.port == 80").narrow().is_some());
    assert!(read("not tcp.port == 80").narrow().is_some());
    assert!(read("http.host matches \"x\"").narrow().is_some());
    assert!(read("eth.src[0] == 2").narrow().is_none());
    assert!(read("eth.src[0] == 2 and http").narrow().is_some());
    assert!(read("eth.src[0] == 2 or http").narrow().is_none());
}

#[test]
fn wants_name_what_is_looked_at() {
    let f = read("ip.addr == 1.2.3.4 and tcp contains \"x\" and frame.number > 2");
    let names: Vec<&str> = f.wants().fields.iter().map(|f| f.name).collect();
    assert_eq!(names, ["ip.src", "ip.dst"]);
    assert_eq!(f.wants().protocols, ["tcp"]);
    assert_eq!(f.wants().facts, [Fact::Packet(PacketFact::Number)]);
    assert!(!read("frame.number > 2 or tcp.analysis.flags").wants().needs_reading());
}

#[test]
fn mitmproxys_filters_are_translated() {
    let (text, e) = ("~m POST", parse("~m POST", registry()));
    // Names of HTTP/2 are not in this registry: the place is the user's text.
    assert_eq!(e.expect_err("unknown").span, 0..text.len());
    for (text, to) in [
        ("~http & ~q", "(http or http2 or http3) and (http.request.method or http2.headers.method)"),
        ("!~dns | (~c 404)", "not dns or ((http.response.code == 404 or http2.headers.status == 404))"),
        ("~src 10.0 ~dst \"a b\"", "string(session.client) matches \"10.0\" and string(session.server) matches \"a b\""),
        ("~comment 'x\\d'", "frame.comment matches \"x\\\\d\""),
    ] {
        assert_eq!(crate::mitmproxy::translate(text).expect(text), to);
    }
    for text in ["~m", "~foo", "~c x", "~q &", "& ~q", "(~q", "~q)", "~meta x"] {
        assert!(parse(text, registry()).is_err(), "{text}");
    }
    assert!(parse("http.host ~ \"x\"", registry()).is_ok());
}

#[test]
fn completions_fit_what_stands_before() {
    let texts =
        |text: &str| -> Vec<String> { crate::complete(text, text.len(), registry()).into_iter().map(|c| c.text).collect() };
    assert_eq!(texts("http.ho"), ["http.host"]);
    assert_eq!(texts("hos").first().map(String::as_str), Some("http.host"));
    assert_eq!(texts("http.response.code "), ["==", "!=", ">", "<", ">=", "<=", "in", "and", "or", "xor"]);
    assert_eq!(texts("http.response.code == "), ["\"OK\"", "\"Not Found\""]);
    assert_eq!(texts("http.response.code == \"N"), ["\"Not Found\""]);
    assert_eq!(texts("tcp.flags.syn == "), ["True", "False"]);
    assert_eq!(texts("http.host con"), ["contains"]);
    assert_eq!(texts("tcp.port == 80 a"), ["and"]);
    assert_eq!(texts("tcp and htt").first().map(String::as_str), Some("http"));
    assert!(texts("").contains(&"tcp".to_owned()) && !texts("").contains(&"tcp.port".to_owned()));
    assert!(texts("le").contains(&"len(".to_owned()));
    assert!(texts("http.host == \"x").is_empty());
    let in_the_middle = crate::complete("htt and tcp", 3, registry());
    assert_eq!(in_the_middle.first().map(|c| (c.span.clone(), c.text.as_str())), Some((0..3, "http")));
}

#[test]
fn long_texts_are_refused_and_deep_ones_do_not_overflow() {
    for text in ["(".repeat(60_000), "!".repeat(60_000), "-".repeat(60_000), "@".repeat(60_000), "{".repeat(60_000)] {
        assert!(parse(&text, registry()).is_err());
    }
    let calcs = format!("frame.number{} == 1", " + 1".repeat(10_000));
    assert!(parse(&calcs, registry()).is_err());
    let nested = format!("{}tcp.port{} == 80", "(".repeat(90), ")".repeat(90));
    assert!(parse(&nested, registry()).is_ok());
    assert!(parse(&"tcp or ".repeat(8_000), registry()).is_err());
    assert!(parse(&format!("{}tcp", "tcp or ".repeat(8_000)), registry()).is_ok());
    assert!(parse(&format!("{}tcp", "tcp xor ".repeat(1_000)), registry()).is_err());
    assert!(parse(&" ".repeat(70_000), registry()).is_err());
}

/// Texts of pieces that filters are made of, so that many of them are filters.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "tcp",
        "http",
        "tcp.port",
        "ip.addr",
        "eth.src",
        "http.host",
        "frame.number",
        "frame.time",
        "frame.time_relative",
        "tcp.flags.syn",
        "==",
        "!=",
        "===",
        ">",
        "<=",
        "in",
        "contains",
        "matches",
        "~",
        "and",
        "or",
        "xor",
        "not",
        "!",
        "(",
        ")",
        "{",
        "}",
        "[0:2]",
        "[-1]",
        "[1-2,3]",
        "#1",
        "#[1-2]",
        "@",
        "+",
        "-",
        "*",
        "%",
        "/",
        "&",
        ",",
        "..",
        "80",
        "-1",
        "0x10",
        "1.5",
        "10.0.0.1",
        "10.0.0.0/8",
        "::1",
        "aa:bb",
        "02:00:00:aa:bb:cc",
        "\"GET\"",
        "\"a.b\"",
        "'x'",
        "True",
        "any",
        "all",
        "len(",
        "count(",
        "upper(",
        "max(",
        "string(",
        "\"2026-01-01\"",
        "~m",
        "~q",
        "\u{e9}",
        "${x}",
    ]);
    prop::collection::vec(piece, 0..9).prop_map(|p| p.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]
    /// Whatever is written, reading it ends with a filter or with an error whose place is in the text; a filter written out again is the
    /// same filter.
    #[test]
    fn any_text_is_a_filter_or_an_error_in_words(text in prop_oneof![3 => pieces(), 1 => "\\PC{0,30}", 1 => "[a-z.=\"'\\\\\\[\\]0-9 ~&|!(){}#@-]{0,20}"]) {
        match parse(&text, registry()) {
            Ok(f) => {
                let (_, _, _, _) = (f.holds(&Row), f.query(), f.narrow(), f.wants());
                let printed = f.to_string();
                let again = parse(&printed, registry());
                prop_assert!(again.is_ok(), "{text:?} is written as {printed:?}: {}", again.unwrap_err().shown(&printed));
                let again = again.unwrap();
                prop_assert_eq!(again.to_string(), printed);
                prop_assert!(same(&again, &f), "{:?}", text);
            }
            Err(e) => {
                prop_assert!(!e.what.is_empty() && e.span.start <= e.span.end && e.span.end <= text.len(), "{text:?}: {e:?}");
                prop_assert!(text.is_char_boundary(e.span.start) && text.is_char_boundary(e.span.end), "{text:?}: {e:?}");
                prop_assert!(e.shown(&text).contains('^'));
            }
        }
        for cursor in 0..=text.len() {
            let all = crate::complete(&text, cursor, registry());
            prop_assert!(all.iter().all(|c| c.span.end <= text.len()));
        }
    }
}

fn same(a: &Filter, b: &Filter) -> bool {
    let tests = |f: &Filter| f.terms.iter().map(|t| t.test.clone()).collect::<Vec<_>>();
    tests(a) == tests(b)
}

#[test]
fn names_that_protocols_had_once_are_read_and_said() {
    static TLS: Field = Field::group("tls", "TLS");
    static RECORD: Field = Field::new("tls.record.version", "Version", Kind::Hex);
    let registry = Registry::new([&TLS, &RECORD] as [F; 2], [("tls", "TLS")]);
    let filter = parse("ssl && !ssl.record.version == 3 && tls", &registry).expect("names of old");
    assert_eq!(filter.remarks(), ["ssl is called tls now.", "ssl.record.version is called tls.record.version now."]);
    assert!(parse("tls.record.version", &registry).expect("a name").remarks().is_empty());
    assert!(parse("sslx", &registry).is_err() && parse("ssl.recor", &registry).is_err());
}
