//! The grammar against made-up and random heads, with another parser as witness.

use super::parse::{self, Begins};
use super::*;
use proptest::prelude::*;
use wirelore_kit::{Level, Memo, Sink, Span, Transport};

fn peek<'a>(up: &'a [u8], down: &'a [u8], ended: bool) -> Peek<'a> {
    Peek { to_server: up, to_client: down, transport: Transport::Tcp, client_port: 50_000, server_port: 80, ended }
}

#[test]
fn other_protocols_that_look_alike_are_not_claimed() {
    for no in [
        &b"OPTIONS rtsp://a/b RTSP/1.0\r\nCSeq: 1\r\n"[..],
        b"INVITE sip:bob@example.com SIP/2.0\r\n",
        b"REGISTER sip:example.com SIP/2.0\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"EHLO example.com\r\n",
        b"USER anonymous\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\n",
        b" GET / HTTP/1.1\r\n",
    ] {
        assert_eq!(probe(&peek(no, b"", false)), Verdict::No, "{}", Text(no));
    }
}

#[test]
fn requests_and_responses_are_claimed_and_verdicts_stay() {
    let long = [b"GET /".as_slice(), &b"x".repeat(2000), b" HTTP/1.1\r\n"].concat();
    for (sure, end) in [
        (&b"GET / HTTP/1.1\r\nHost: a\r\n"[..], Verdict::Sure),
        (b"\r\nM-SEARCH * HTTP/1.1\r\n", Verdict::Sure),
        (b"MYOWN /x HTTP/1.0\r\n", Verdict::Sure),
        (b"CONNECT a:443 HTTP/1.1\r\n", Verdict::Sure),
        (b"GET /only\r\n", Verdict::Likely),
        (&long[..512], Verdict::Sure),
        (b"FOO bar baz\r\n", Verdict::No),
    ] {
        let mut said = Verdict::More;
        for n in 0..=sure.len() {
            let now = probe(&peek(&sure[..n], b"", false));
            assert!(said == Verdict::More || now == said, "{} after {n} bytes: {said:?}, then {now:?}", Text(sure));
            said = now;
        }
        assert_eq!(said, end, "{}", Text(sure));
    }
    assert_eq!(probe(&peek(b"", b"HTTP/1.1 200 OK\r\n", false)), Verdict::Sure);
    assert_eq!(probe(&peek(b"", b"220 ready\r\n", false)), Verdict::No);
    assert_eq!(probe(&peek(b"", b"HTTP", false)), Verdict::More);
}

#[test]
fn the_end_of_a_head_is_found_from_wherever_the_search_goes_on() {
    for head in [
        &b"GET / HTTP/1.1\r\nHost: a\r\n\r\nbody"[..],
        b"GET / HTTP/1.1\nHost: a\n\nbody",
        b"GET / HTTP/1.1\r\nHost: a\n\r\nbody",
    ] {
        let end = parse::head_end(head, 0).expect("a whole head");
        assert_eq!(&head[end..], b"body");
        for n in 0..end {
            assert_eq!(parse::head_end(&head[..n], 0), None, "{n}");
            assert_eq!(parse::head_end(head, n), Some(end), "searched {n} bytes before");
        }
    }
}

#[test]
fn blanks_in_a_target_do_not_cut_it() {
    let parts = |line: &'static [u8]| {
        let p = parse::request_line(line);
        [p.method, p.target, p.version].map(|r| std::str::from_utf8(&line[r]).expect("ASCII"))
    };
    assert_eq!(parts(b"GET /a b c HTTP/1.1"), ["GET", "/a b c", "HTTP/1.1"]);
    assert_eq!(parts(b"GET  /a  HTTP/1.1 "), ["GET", "/a", "HTTP/1.1"]);
    assert_eq!(parts(b"GET /a b"), ["GET", "/a", "b"]);
    assert_eq!(parts(b"GET /a"), ["GET", "/a", ""]);
    assert_eq!(parts(b"GET"), ["GET", "", ""]);
}

#[test]
fn lengths_are_read_as_lenient_readers_do_and_told() {
    for (text, value, odd) in [
        ("50", Some(50), false),
        ("00050", Some(50), false),
        ("+5", Some(5), true),
        ("5, 5", Some(5), true),
        ("5, 6", None, true),
        ("68 A", Some(68), true),
        ("-5", None, true),
        ("5a", None, true),
        ("0x5", None, true),
        ("", None, true),
        ("99999999999999999999999", None, true),
    ] {
        let l = parse::content_length(text.as_bytes());
        assert_eq!((l.value, l.odd), (value, odd), "{text:?}");
    }
}

#[test]
fn chunk_lines_are_read_in_every_form_seen() {
    for (line, size, odd, extension) in [
        ("1a", Some(26), false, ""),
        ("5;a=b", Some(5), false, "a=b"),
        ("5 ;a", Some(5), true, "a"),
        (" 5", Some(5), true, ""),
        ("0x5", Some(5), true, ""),
        ("0005", Some(5), true, ""),
        ("5junk", Some(5), true, ""),
        ("", None, false, ""),
        ("zz", None, true, ""),
        ("-5", None, true, ""),
        ("ffffffffffffffff", None, false, ""),
    ] {
        let c = parse::chunk_line(line.as_bytes());
        assert_eq!((c.size, &line[c.extension.clone()]), (size, extension), "{line:?}");
        if size.is_some() {
            assert_eq!(c.odd, odd, "{line:?}");
        }
    }
}

#[test]
fn a_place_to_go_on_is_found_behind_a_hole() {
    assert_eq!(parse::resync(b"tail of a body</html>HTTP/1.1 200 OK\r\n", true), Some(21));
    assert_eq!(parse::resync(b"speaks HTTP/1.1 to us", true), None);
    assert_eq!(parse::resync(b"}{\"GET /x HTTP/1.1\r\n", false), Some(3));
    assert_eq!(parse::resync(b"a=1&b=2POST /x", false), Some(7));
    assert_eq!(parse::resync(b"nothing here", false), None);
}

#[test]
fn transfer_codings_add_up_over_lines() {
    let of = |lines: &[&str]| {
        let mut t = parse::Transfer::default();
        lines.iter().for_each(|l| t.add(l.as_bytes()));
        (t.chunked, t.not_last, t.unknown)
    };
    assert_eq!(of(&["gzip, Chunked"]), (true, false, false));
    assert_eq!(of(&["chunked", "identity"]), (true, true, false));
    assert_eq!(of(&["xchunked"]), (false, false, true));
    assert_eq!(of(&["chunked;a=b"]), (true, false, false));
    assert_eq!(of(&["chunked, chunked"]), (true, true, false));
}

/// Reads a head by itself.
fn head_of(bytes: &[u8], response: bool, look: impl FnOnce(Option<(Vec<u8>, Vec<u8>)>, &Sink)) {
    let (mut sink, mut memo) = (Sink::default(), Memo::default());
    let buf = Span::default().buf;
    let mut r = Reader::new(bytes, buf, 0, false, Level::Tree, &mut sink, &mut memo);
    let mut head = head::Head { response, ..head::Head::default() };
    let went = head::read(&mut r, bytes.len(), &mut head, false);
    look(went.ok().map(|()| (head.method.to_vec(), head.target.to_vec())), &sink);
}

fn token() -> impl Strategy<Value = String> {
    "[A-Za-z][A-Za-z0-9!#$%&'*+.^_`|~-]{0,15}"
}

proptest! {
    #[test]
    fn well_formed_heads_are_read_as_httparse_reads_them(
        method in prop_oneof![Just("GET".to_owned()), Just("POST".to_owned()), token()],
        target in "/[!-~]{0,30}",
        headers in prop::collection::vec((token(), "([!-~]([ -~]{0,20}[!-~])?)?"), 0..12),
    ) {
        let mut text = format!("{method} {target} HTTP/1.1\r\n");
        for (name, value) in &headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += "\r\n";
        let mut space = [httparse::EMPTY_HEADER; 16];
        let mut theirs = httparse::Request::new(&mut space);
        let read = theirs.parse(text.as_bytes()).expect("well-formed");
        prop_assert_eq!(parse::head_end(text.as_bytes(), 0), Some(text.len()));
        prop_assert_eq!(read, httparse::Status::Complete(text.len()));
        prop_assert_eq!(parse::begins(text.as_bytes(), false, true), Begins::Message);
        head_of(text.as_bytes(), false, |head, sink| {
            let (method, target) = head.expect("well-formed");
            assert_eq!((Some(method.as_slice()), Some(target.as_slice())), (theirs.method.map(str::as_bytes), theirs.path.map(str::as_bytes)));
            let ours: Vec<(&[u8], &[u8])> = headers_of(sink, text.as_bytes());
            let theirs: Vec<(&[u8], &[u8])> = theirs.headers.iter().map(|h| (h.name.as_bytes(), h.value)).collect();
            assert_eq!(ours, theirs);
        });
    }

    #[test]
    fn no_head_makes_it_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..300), start in prop_oneof![Just("GET / HTTP/1.1\r\n"), Just("HTTP/1.1 200 OK\r\n"), Just("")], response: bool) {
        bytes.splice(0..0, start.bytes());
        head_of(&bytes, response, |_, _| {});
        let _ = (parse::resync(&bytes, response), parse::begins(&bytes, response, true), parse::chunk_line(&bytes), parse::content_length(&bytes));
        let _ = (parse::media(&bytes), parse::parameter(&bytes, "boundary"), parse::request_line(&bytes), parse::status_line(&bytes));
    }
}

/// Name and value of each header line of a tree.
fn headers_of<'b>(sink: &Sink, bytes: &'b [u8]) -> Vec<(&'b [u8], &'b [u8])> {
    let slice = |n: &wirelore_kit::Node| &bytes[n.span.at as usize..n.span.end() as usize];
    sink.nodes
        .iter()
        .enumerate()
        .filter(|(_, n)| n.field.is(&f::LINE))
        .map(|(i, line)| {
            let inside = &sink.nodes[i + 1..line.end as usize];
            let name = inside.iter().find(|n| n.field.is(&f::NAME)).expect("a name");
            let value = inside.iter().find(|n| !n.field.is(&f::NAME) && !n.field.is(&f::DELIMITER)).expect("a value");
            (slice(name), slice(value))
        })
        .collect()
}
