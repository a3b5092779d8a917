//! Shapes that two readers could read differently: HTTP/1 in the middle refuses each with a page that names it, and passes it byte for byte
//! where it is told to be lax.

mod middle_support;

use middle_support::{Play, Played, passes_untouched};
use wirelore_dissectors::http1::SPEC;
use wirelore_kit::middle::{Judgement, Stage};

/// A request, and the note that it is refused with. `{}` stands for the target's beginning: nothing, or the whole address.
const REQUESTS: &[(&str, &str)] = &[
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "length_and_coding"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", "length_and_coding"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc", "lengths_differ"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 4\r\n\r\nabc", "length_odd"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nContent-Length: -3\r\n\r\nabc", "length_odd"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\nabc", "length_odd"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0x3\r\n\r\nabc", "length_odd"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nContent-Length: 3 4\r\n\r\nabc", "length_odd"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", "length_odd"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\nabc", "length_odd"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", "chunked_not_last"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", "chunked_not_last"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", "chunked_not_last"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", "chunked_not_last"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", "chunked_not_last"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: nothing, chunked\r\n\r\n", "coding_odd"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", "coding_odd"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0bchunked\r\n\r\n", "coding_odd"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0cchunked\r\n\r\n", "coding_odd"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\tchunked\r\n\r\n", "coding_odd"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked;q=1\r\n\r\n", "coding_odd"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n\r\n", "coding_odd"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n", "space_before_colon"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding\t: chunked\r\n\r\n", "space_before_colon"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\r\n chunked\r\n\r\n", "obs_fold"),
    ("POST {}/ HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n 0\r\n\r\n", "obs_fold"),
    ("POST {}/ HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", "coding_in_10"),
    ("GET {}/ HTTP/1.1\r\n Host: a\r\nHost: a\r\n\r\n", "obs_fold"),
    ("GET {}/ HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", "bare_cr"),
    ("GET {}/ HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n", "bare_lf"),
    ("GET {}/ HTTP/1.1\nHost: a\n\n", "bare_lf"),
    ("GET {}/ HTTP/1.1\r\nHost: a\r\n\n", "bare_lf"),
    ("GET {}/ HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", "nul"),
    ("GET {}/ HTTP/1.1\r\nHost: a\r\nX y: a\r\n\r\n", "bad_name"),
    ("GET {}/ HTTP/1.1\r\nHost: a\r\nX(y): a\r\n\r\n", "bad_name"),
    ("GET {}/ HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n", "no_colon"),
    ("GET {}/ HTTP/1.1\r\nHost: a\r\nnothing\r\n\r\n", "no_colon"),
    ("GET {}/ HTTP/1.1\r\n\r\n", "no_host"),
    ("GET {}/ HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", "many_hosts"),
    ("GET {}/ HTTP/1.1\r\nHost: a b\r\n\r\n", "host_bad"),
    ("GET {}/ HTTP/1.1\r\nHost: a@b\r\n\r\n", "host_bad"),
    ("GET {}/ HTTP/1.1\r\nHost: a, b\r\n\r\n", "host_bad"),
    ("GET {}/ HTTP/1.1\r\nHost: a:b\r\n\r\n", "host_bad"),
    ("GET {}/a b HTTP/1.1\r\nHost: a\r\n\r\n", "odd_request_line"),
    ("GET  {}/ HTTP/1.1\r\nHost: a\r\n\r\n", "odd_request_line"),
    ("GET {}/ HTTP/1.1 \r\nHost: a\r\n\r\n", "odd_request_line"),
    ("GET\t{}/ HTTP/1.1\r\nHost: a\r\n\r\n", "odd_request_line"),
    ("GET {}/\x7f HTTP/1.1\r\nHost: a\r\n\r\n", "odd_request_line"),
    ("GET {}/ http/1.1\r\nHost: a\r\n\r\n", "odd_request_line"),
    ("GET {}/ HTTP/1.10\r\nHost: a\r\n\r\n", "odd_request_line"),
    ("G[T {}/ HTTP/1.1\r\nHost: a\r\n\r\n", "odd_request_line"),
    ("GET {}/\r\nHost: a\r\n\r\n", "no_version"),
    ("GET {}/ HTTP/2.0\r\nHost: a\r\n\r\n", "version_unknown"),
    ("\r\n\r\nGET {}/ HTTP/1.1\r\nHost: a\r\n\r\n", "leading_crlf"),
    ("\nGET {}/ HTTP/1.1\r\nHost: a\r\n\r\n", "leading_crlf"),
    ("\x16\x03\x01\x02", "not_http"),
    (" GET {}/ HTTP/1.1\r\nHost: a\r\n\r\n", "not_http"),
    ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nGET ", "connect_body"),
    ("CONNECT a:1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "connect_body"),
];

/// A chunked body, and what is wrong with it.
const BODIES: &[(&str, &str)] = &[
    ("g\r\n", "chunk_size_bad"),
    ("\r\n", "chunk_size_bad"),
    ("-1\r\n", "chunk_size_bad"),
    ("ffffffffffffffff\r\n", "chunk_size_bad"),
    ("00000000000000001\r\nx\r\n", "chunk_size_odd"),
    ("0x1\r\nx\r\n", "chunk_size_odd"),
    (" 1\r\nx\r\n", "chunk_size_odd"),
    ("1 a\r\nx\r\n", "chunk_size_odd"),
    ("1;a\rb\r\nx\r\n", "chunk_size_odd"),
    ("1\nx\r\n", "chunk_bare_lf"),
    ("1\r\nx\n0\r\n\r\n", "chunk_bare_lf"),
    ("1\r\nxy\r\n0\r\n\r\n", "chunk_end_bad"),
    ("0\r\n\n", "chunk_bare_lf"),
    ("0\r\nA: b\n\r\n", "bare_lf"),
    ("0\r\nA b: c\r\n\r\n", "bad_name"),
    ("0\r\nA : c\r\n\r\n", "space_before_colon"),
];

/// What a server answers to a plain GET, and what is wrong with it.
const ANSWERS: &[(&str, &str)] = &[
    ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "length_and_coding"),
    ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "lengths_differ"),
    ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nx", "length_odd"),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\n", "chunked_not_last"),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n", "coding_odd"),
    ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "coding_in_10"),
    ("HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", "odd_status_line"),
    ("HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n", "odd_status_line"),
    ("HTTP/2 200 OK\r\nContent-Length: 0\r\n\r\n", "odd_status_line"),
    ("SSH-2.0-x\r\n", "odd_status_line"),
    ("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello", "bodiless_framed"),
    ("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "bodiless_framed"),
    ("HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n", "bodiless_framed"),
    ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "upgrade_unasked"),
    ("HTTP/1.1 200 OK\r\nA : b\r\nContent-Length: 0\r\n\r\n", "space_before_colon"),
    ("HTTP/1.1 200 OK\r\nA: b\nContent-Length: 0\r\n\r\n", "bare_lf"),
    ("HTTP/1.1 200 OK\r\nA: b\0\r\nContent-Length: 0\r\n\r\n", "nul"),
    ("HTTP/1.1 200 OK\r\nContent-Length:\r\n 5\r\n\r\nhello", "obs_fold"),
];

fn told_of(played: &Played, name: &str) {
    assert!(played.was_told(&format!("http.note.{name}")), "{name} is not told: {}", played.shown());
}

#[test]
fn requests_are_refused_and_named() {
    for (shape, name) in REQUESTS {
        for (play, start) in [(Play::forward(&SPEC), "http://a"), (Play::between(&SPEC), "")] {
            let request = shape.replace("{}", start);
            let played = play.client(&request).run_all();
            told_of(&played, name);
            let page = played.sent_to_client();
            assert!(page.starts_with("HTTP/1.1 4") || page.starts_with("HTTP/1.1 505 "), "{request:?}: {}", played.shown());
            assert!(page.contains(&format!("http.note.{name}")) && page.contains("Connection: close\r\n"), "{page}");
            assert!(played.closed && !played.sent_to_server().contains("HTTP/"), "{request:?}: {}", played.shown());
        }
    }
}

#[test]
fn requests_go_on_byte_for_byte_where_we_are_lax() {
    for (shape, name) in REQUESTS {
        let request = shape.replace("{}", "");
        let played = Play::between(&SPEC).lax().client(&request).run_all();
        assert_eq!(played.sent_to_server(), request, "{name}: {}", played.shown());
        told_of(&played, name);
    }
}

#[test]
fn chunked_bodies_are_refused_where_they_go_wrong() {
    for (body, name) in BODIES {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n";
        let played = Play::between(&SPEC).client(format!("{head}{body}")).run_all();
        told_of(&played, name);
        assert!(played.closed && played.sent_to_client().starts_with("HTTP/1.1 400 "), "{body:?}: {}", played.shown());
        assert!(played.sent_to_server().starts_with(head), "what was right has gone on");
        let lax = Play::between(&SPEC).lax().client(format!("{head}{body}rest")).run_all();
        assert_eq!(lax.sent_to_server(), format!("{head}{body}rest"));
        assert!(lax.opaque);
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n";
        let played = Play::between(&SPEC).client("GET / HTTP/1.1\r\nHost: a\r\n\r\n").server(format!("{answer}{body}")).run_all();
        told_of(&played, name);
        assert!(played.closed && played.sent_to_client().starts_with(answer), "{body:?}: {}", played.shown());
        assert!(!played.sent_to_client().contains("HTTP/1.1 502"), "no page inside of a body");
    }
}

#[test]
fn answers_are_refused_and_named() {
    for (answer, name) in ANSWERS {
        for (play, target) in [(Play::forward(&SPEC), "http://a/"), (Play::between(&SPEC), "/")] {
            let played = play.client(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n")).server(answer).run_all();
            told_of(&played, name);
            let page = played.sent_to_client();
            assert!(
                page.starts_with("HTTP/1.1 502 ") && page.contains(&format!("http.note.{name}")),
                "{answer:?}: {}",
                played.shown()
            );
            assert!(played.closed);
        }
        let played = Play::between(&SPEC).lax().client("GET / HTTP/1.1\r\nHost: a\r\n\r\n").server(answer).run_all();
        assert_eq!(played.sent_to_client(), *answer, "{name}: {}", played.shown());
    }
}

#[test]
fn what_nobody_asked_for_reaches_nobody() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    for more in ["HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", "more than its length"] {
        let played = Play::between(&SPEC).client("GET / HTTP/1.1\r\nHost: a\r\n\r\n").server(ok).server(more).run_all();
        told_of(&played, "not_asked");
        assert_eq!((played.sent_to_client(), played.closed), (ok.to_owned(), true));
        // A proxy leaves that server and goes on.
        let get = "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n";
        let played = Play::forward(&SPEC).client(get).server(ok).server(more).client(get).server(ok).run_all();
        assert_eq!((played.sent_to_client(), played.to_server.len()), (format!("{ok}{ok}"), 3), "{}", played.shown());
    }
    // But for a server that has waited long enough and says so.
    let late = "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n";
    let played = Play::between(&SPEC).client("GET /").server(late).run_all();
    assert_eq!((played.sent_to_client(), played.closed), (late.to_owned(), true));
}

#[test]
fn folded_lines_are_joined_by_a_proxy_and_left_alone_elsewhere() {
    let play = Play::forward(&SPEC)
        .client("GET http://a/ HTTP/1.1\r\nHost: a\r\nX: 1\r\n\t2\r\n   3\r\nY: 4\r\n\r\n")
        .server("HTTP/1.1 200 OK\r\nX: 1\r\n 2\r\nContent-Length: 0\r\n\r\n");
    let played = play.run_all();
    assert_eq!(played.sent_to_server(), "GET / HTTP/1.1\r\nHost: a\r\nX: 1  \t2     3\r\nY: 4\r\n\r\n");
    assert_eq!(played.sent_to_client(), "HTTP/1.1 200 OK\r\nX: 1   2\r\nContent-Length: 0\r\n\r\n");
    let played = play.lax().run_all();
    assert!(played.sent_to_server().contains("X: 1\r\n\t2\r\n   3\r\n"));
}

#[test]
fn folded_trailers_are_joined_by_a_proxy_and_left_alone_elsewhere() {
    let body = "2\r\nab\r\n0\r\nX: 1\r\n\t2\r\nY: 3\r\n\r\n";
    let joined = body.replace("1\r\n\t2", "1  \t2");
    let chunked = |line: &str| format!("{line}Transfer-Encoding: chunked\r\n\r\n");
    let (ask, answer) = (chunked("POST http://a/ HTTP/1.1\r\nHost: a\r\n"), chunked("HTTP/1.1 200 OK\r\n"));
    let again = "GET http://a/next HTTP/1.1\r\nHost: a\r\n\r\n";
    let proxy = Play::forward(&SPEC).client([&ask, body, again].concat()).server([&answer, body].concat());
    let whole: middle_support::Judge = |t| if t.stage == Stage::Head { Judgement::Body } else { Judgement::Pass };
    for play in [proxy.clone(), proxy.clone().judged(whole)] {
        let played = play.run_all();
        let sent = played.sent_to_server();
        assert!(sent.contains(&format!("\r\n\r\n{joined}GET /next ")), "{sent}");
        assert!(played.sent_to_client().ends_with(&joined), "{}", played.sent_to_client());
    }
    let played = proxy.lax().run_all();
    assert!(played.sent_to_server().contains(body) && played.sent_to_client().ends_with(body));
    let ask = chunked("POST / HTTP/1.1\r\nHost: a\r\n");
    passes_untouched(&Play::between(&SPEC).client([&ask, body].concat()).server([&answer, body].concat()));
    // Framing that hides in a fold is refused there as in a head.
    let hidden = "0\r\nTransfer-Encoding:\r\n chunked\r\n\r\n";
    let play = Play::between(&SPEC).client([&ask, hidden].concat());
    let played = play.run_all();
    told_of(&played, "obs_fold");
    assert!(played.closed);
    assert!(play.lax().run_all().sent_to_server().ends_with(hidden));
}

#[test]
fn a_length_said_twice_is_said_once_by_a_proxy() {
    for (from, to) in [
        ("Content-Length: 2\r\nA: b\r\ncontent-length: 2\r\n", "Content-Length: 2\r\nA: b\r\n"),
        ("Content-Length: 2, 2\r\n", "Content-Length: 2\r\n"),
    ] {
        let played = Play::forward(&SPEC).client(format!("POST http://a/ HTTP/1.1\r\nHost: a\r\n{from}\r\nab")).run_all();
        assert_eq!(played.sent_to_server(), format!("POST / HTTP/1.1\r\nHost: a\r\n{to}\r\nab"));
    }
}

#[test]
fn host_follows_the_target() {
    let played = Play::forward(&SPEC).client("GET http://a/ HTTP/1.1\r\nHost: inner.example\r\n\r\n").run_all();
    told_of(&played, "host_replaced");
    assert_eq!(played.sent_to_server(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
}

#[test]
fn heads_without_end_are_refused() {
    let long = format!("GET http://a/ HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(300 << 10));
    let played = Play::forward(&SPEC).client(&long).run();
    assert!(played.sent_to_client().starts_with("HTTP/1.1 431 ") && played.closed && played.weight < 8192, "{}", played.weight);
    let fits = format!("GET http://a/ HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(250 << 10));
    assert!(!Play::forward(&SPEC).client(&fits).run().closed);
    let answer = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(300 << 10));
    let played = Play::between(&SPEC).client("GET / HTTP/1.1\r\nHost: a\r\n\r\n").server(answer).run();
    assert!(played.sent_to_client().starts_with("HTTP/1.1 502 ") && played.closed);
}
