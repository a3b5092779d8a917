//! HTTP/1 in the middle, by scripts: what a proxy must do (RFC 9110, RFC 9112), and that it does nothing else.

mod middle_support;

use middle_support::{Play, Played, Reached, passes_untouched};
use wirelore_dissectors::http1::SPEC;
use wirelore_kit::middle::{Origin, Refusal};
use wirelore_kit::{Hint, Side};

fn proxy() -> Play {
    Play::forward(&SPEC)
}

fn between() -> Play {
    Play::between(&SPEC)
}

fn origin(host: &str, port: u16) -> Origin {
    Origin { host: host.into(), port, tls: false }
}

/// What the origin of a proxied request gets.
fn forwarded(request: &str) -> String {
    let played = proxy().client(request).run_all();
    assert!(!played.closed, "{}", played.shown());
    played.sent_to_server()
}

/// What the client of a proxied request gets of this answer.
fn answered(request: &str, answer: &str) -> Played {
    proxy().client(request).server(answer).run_all()
}

#[test]
fn absolute_form_becomes_origin_form() {
    for (from, to) in [
        ("GET http://ex.org/a?b HTTP/1.1\r\nHost: ex.org\r\n\r\n", "GET /a?b HTTP/1.1\r\nHost: ex.org\r\n\r\n"),
        ("GET http://ex.org HTTP/1.1\r\nHost: ex.org\r\n\r\n", "GET / HTTP/1.1\r\nHost: ex.org\r\n\r\n"),
        ("GET http://ex.org?q HTTP/1.1\r\nHost: ex.org\r\n\r\n", "GET /?q HTTP/1.1\r\nHost: ex.org\r\n\r\n"),
        ("OPTIONS http://ex.org:81 HTTP/1.1\r\nHost: ex.org:81\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: ex.org:81\r\n\r\n"),
        ("OPTIONS http://ex.org/ HTTP/1.1\r\nHost: ex.org\r\n\r\n", "OPTIONS / HTTP/1.1\r\nHost: ex.org\r\n\r\n"),
        ("GET http://u:p@ex.org/ HTTP/1.1\r\nHost: ex.org\r\n\r\n", "GET / HTTP/1.1\r\nHost: ex.org\r\n\r\n"),
        ("GET http://ex.org/ HTTP/1.1\r\nhOst:  other  \r\n\r\n", "GET / HTTP/1.1\r\nhOst:  ex.org  \r\n\r\n"),
        ("GET http://ex.org/ HTTP/1.1\r\nHost:\r\n\r\n", "GET / HTTP/1.1\r\nHost: ex.org\r\n\r\n"),
        ("GET http://ex.org/ HTTP/1.0\r\nA: b\r\n\r\n", "GET / HTTP/1.0\r\nHost: ex.org\r\nA: b\r\n\r\n"),
        ("GET http://[::1]:8080/ HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n"),
    ] {
        assert_eq!(forwarded(from), to);
    }
    let played = proxy().client("GET https://ex.org/ HTTP/1.1\r\nHost: ex.org\r\n\r\n").run_all();
    assert_eq!(played.to_server[1].0, Some(Origin { host: "ex.org".into(), port: 443, tls: true }));
}

#[test]
fn a_tunnel_is_opened_and_left_alone() {
    let played =
        proxy().client("CONNECT ex.org:443 HTTP/1.1\r\nHost: ex.org:443\r\n\r\n\x16\x03\x01").server("\x16\x03\x03").run_all();
    assert_eq!(played.tunnels, [origin("ex.org", 443)]);
    assert_eq!(played.became, Some(Hint::Probe));
    assert_eq!(played.sent_to_client(), "HTTP/1.1 200 Connection established\r\n\r\n\x16\x03\x03");
    assert_eq!(played.sent_to_server(), "\x16\x03\x01");
}

#[test]
fn a_tunnel_that_cannot_be_opened_is_told() {
    let play =
        proxy().client("CONNECT ex.org:443 HTTP/1.1\r\nHost: ex.org:443\r\nUser-Agent: x\r\n\r\n\x16\x03\x01").network(|_, _| {
            Reached::No(Refusal { status: 504, what: "No answer".into(), why: "Silence".into(), what_to_do: "Wait".into() })
        });
    let played = play.run_all();
    let page = played.sent_to_client();
    assert!(
        page.starts_with("HTTP/1.1 504 Gateway Timeout\r\n")
            && page.contains("Silence")
            && page.contains("Connection: close\r\n")
    );
    assert!(played.closed && played.became.is_none());
}

#[test]
fn what_is_for_one_hop_only_stays_behind() {
    for (from, to) in [
        ("Connection: keep-alive\r\n", ""),
        ("Proxy-Connection: keep-alive\r\n", ""),
        ("Keep-Alive: timeout=5\r\nConnection: Keep-Alive\r\n", ""),
        ("Connection: x-one, X-Two\r\nX-One: 1\r\nx-two: 2\r\nX-Three: 3\r\n", "X-Three: 3\r\n"),
        ("Proxy-Authorization: Basic YTpi\r\nAuthorization: Basic Yzpk\r\n", "Authorization: Basic Yzpk\r\n"),
        ("TE: gzip\r\nConnection: TE\r\n", ""),
        ("TE: trailers, gzip\r\nConnection: TE\r\n", "TE: trailers\r\nConnection: TE\r\n"),
        ("TE: trailers\r\nConnection: TE\r\n", "TE: trailers\r\nConnection: TE\r\n"),
        ("Connection: close\r\n", "Connection: close\r\n"),
        ("Connection: Upgrade\r\nUpgrade: websocket\r\n", "Connection: Upgrade\r\nUpgrade: websocket\r\n"),
        ("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n", "Connection: Upgrade\r\nUpgrade: websocket\r\n"),
        ("Upgrade: websocket\r\n", ""),
        ("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n", ""),
        // What frames a message stays with it, whatever Connection says.
        ("Connection: host\r\nA: b\r\n", "A: b\r\n"),
    ] {
        let to_server = forwarded(&format!("GET http://ex.org/ HTTP/1.1\r\nHost: ex.org\r\n{from}\r\n"));
        assert_eq!(to_server, format!("GET / HTTP/1.1\r\nHost: ex.org\r\n{to}\r\n"), "{from}");
    }
    let request = "GET http://ex.org/ HTTP/1.1\r\nHost: ex.org\r\n\r\n";
    for (from, to) in [
        ("Connection: keep-alive\r\nKeep-Alive: timeout=5\r\n", ""),
        ("Connection: x-a\r\nX-A: 1\r\nX-B: 2\r\n", "X-B: 2\r\n"),
        ("Proxy-Authenticate: Basic realm=x\r\n", ""),
        ("Connection: close\r\n", ""),
    ] {
        let played = answered(request, &format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{from}\r\nhi"));
        assert_eq!(played.sent_to_client(), format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{to}\r\nhi"), "{from}");
    }
}

/// Byte fidelity: nothing of a message is changed that need not be.
#[test]
fn everything_else_goes_on_as_it_stands() {
    for same in [
        "X-A: 1\r\nx-b: 2\r\nX-A: 3\r\n",
        "A:b\r\n",
        "A:   b\t \r\n",
        "A:\r\n",
        "A: \r\n",
        "cOOKIE: a=1; b=2\r\nCookie: c=3\r\n",
        "Accept: text/html, */*;q=0.1\r\n",
        "A: \u{e4}\u{f6}\u{fc}\r\n",
        "A: \x01\x02\x7f\r\n",
        "Content-Length: 0\r\n",
        "Content-Length: 000\r\n",
        "Expect: 200-ok\r\n",
        "Via: 1.0 fred\r\n",
        "Cache-Control: no-store\r\nPragma: no-cache\r\n",
        "If-None-Match: \"a\", W/\"b\"\r\n",
        "Max-Forwards: 3\r\n",
        "X-Forwarded-For: 1.2.3.4\r\n",
    ] {
        let to_server = forwarded(&format!("GET http://ex.org/%7e/../a//b;c?d=%zz HTTP/1.1\r\nhost: ex.org\r\n{same}\r\n"));
        assert_eq!(to_server, format!("GET /%7e/../a//b;c?d=%zz HTTP/1.1\r\nhost: ex.org\r\n{same}\r\n"), "{same:?}");
    }
    for (head, body) in [
        ("Content-Length: 5\r\n", "hello"),
        ("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"),
        ("transfer-encoding:Chunked\r\n", "00005;a=b;c=\"d\"\r\nhello\r\nA ; x\r\n0123456789\r\n0;last\r\nT: 1\r\nt:2\r\n\r\n"),
        ("Transfer-Encoding: gzip, chunked\r\n", "1\r\nx\r\n000\r\n\r\n"),
        ("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\nTrailer: T\r\n", "1\r\nx\r\n0\r\nT: y\r\n\r\n"),
        ("Content-Length: 0\r\n", ""),
    ] {
        let to_server = forwarded(&format!("POST http://ex.org/ HTTP/1.1\r\nHost: ex.org\r\n{head}\r\n{body}"));
        assert_eq!(to_server, format!("POST / HTTP/1.1\r\nHost: ex.org\r\n{head}\r\n{body}"));
        let answer = format!("HTTP/1.1 200 Fine, thank you\r\nServer:x\r\nsErver: y \r\n{head}\r\n{body}");
        assert_eq!(answered("GET http://ex.org/ HTTP/1.1\r\nHost: ex.org\r\n\r\n", &answer).sent_to_client(), answer);
    }
    for answer in [
        "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 55\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
    ] {
        let played = answered("GET http://ex.org/ HTTP/1.1\r\nHost: ex.org\r\n\r\n", answer);
        assert_eq!((played.sent_to_client(), played.closed), (answer.to_owned(), false), "{}", played.shown());
    }
}

#[test]
fn between_two_ends_all_is_verbatim() {
    for (request, answer) in [
        (
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nProxy-Connection: x\r\nTE: gzip\r\n\r\n",
            "HTTP/1.1 204 No Content\r\nConnection: x\r\n\r\n",
        ),
        ("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"),
        (
            "HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab",
        ),
        ("\r\nGET / HTTP/1.0\r\n\r\n", "HTTP/1.0 200 OK\r\nContent-Length: 1, 1\r\n\r\nx"),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n  b\r\n\r\n", "HTTP/1.1 200 OK\r\nX: a\r\n\tb\r\nContent-Length: 0\r\n\r\n"),
        (
            "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nA: b\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        ),
    ] {
        let play = between().client(request).server(answer);
        let played = play.run_all();
        assert_eq!(
            (played.sent_to_server(), played.sent_to_client()),
            (request.to_owned(), answer.to_owned()),
            "{}",
            played.shown()
        );
        assert!(!played.closed);
        passes_untouched(&play);
    }
}

#[test]
fn a_body_that_ends_with_the_connection_ends_with_it() {
    let request = "GET http://ex.org/ HTTP/1.1\r\nHost: ex.org\r\n\r\n";
    let answer = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall there is";
    let played = proxy().client(request).server(answer).server_ends().run_all();
    assert_eq!(played.sent_to_client(), answer);
    assert!(played.closed);
    let played = between().client("GET / HTTP/1.1\r\nHost: a\r\n\r\n").server(answer).server_ends().run_all();
    assert_eq!((played.sent_to_client(), played.finished, played.closed), (answer.to_owned(), [false, true], false));
    let play = between().client("GET / HTTP/1.1\r\nHost: a\r\n\r\n").server(answer).server_ends();
    passes_untouched(&play);
}

#[test]
fn events_and_uploads_are_not_held_back() {
    let play = proxy()
        .client("POST http://ex.org/ HTTP/1.1\r\nHost: ex.org\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nab")
        .server("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n10\r\ndat");
    let played = play.run_all();
    assert!(played.sent_to_server().ends_with("4\r\nab"));
    assert!(played.sent_to_client().ends_with("10\r\ndat"));
    assert!(played.weight < 4096);
}

#[test]
fn requests_of_one_connection_find_their_servers() {
    let played = proxy()
        .client("GET http://a.org/1 HTTP/1.1\r\nHost: a.org\r\n\r\nGET http://a.org/2 HTTP/1.1\r\nHost: a.org\r\n\r\nGET http://b.org:81/ HTTP/1.1\r\nHost: b.org:81\r\n\r\n")
        .server("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
        .server("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n2")
        .server("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3")
        .client("GET http://A.ORG/4 HTTP/1.1\r\nHost: a.org\r\n\r\n")
        .run_all();
    let went: Vec<_> = played.to_server.iter().map(|(o, b)| (o.as_ref().map(|o| o.host.as_str()), b.len() / 30)).collect();
    assert_eq!(went.len(), 4, "{}", played.shown());
    assert_eq!(played.to_server[1].0, Some(origin("a.org", 80)));
    assert_eq!(played.to_server[2].0, Some(origin("b.org", 81)));
    assert_eq!(played.to_server[1].1.escape_ascii().to_string().matches("GET").count(), 2, "{}", played.shown());
    assert!(played.sent_to_client().ends_with("\r\n\r\n3"));
    assert!(played.to_server[3].1.starts_with(b"GET /4 "));
}

#[test]
fn a_server_that_closes_is_dialled_again() {
    let get = "GET http://ex.org/ HTTP/1.1\r\nHost: ex.org\r\n\r\n";
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let played = proxy().client(get).server(ok).server_ends().client(get).server(ok).run_all();
    assert_eq!((played.to_server.len(), played.closed), (3, false), "{}", played.shown());
    // It said so before.
    let closing = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let played = proxy().client(get).server(closing).client(get).server(ok).run_all();
    assert_eq!((played.to_server.len(), played.sent_to_client().matches("200 OK").count()), (3, 2), "{}", played.shown());
    // Without a word on a fresh connection: a page. On one that has answered: as if we were not there.
    let played = proxy().client(get).server_ends().run_all();
    assert!(played.sent_to_client().starts_with("HTTP/1.1 502 ") && played.closed, "{}", played.shown());
    let played = proxy().client(get).server(ok).client(get).server_ends().run_all();
    assert_eq!((played.sent_to_client(), played.closed), (ok.to_owned(), true), "{}", played.shown());
}

#[test]
fn the_connection_ends_behind_the_answer_where_the_client_said_so() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    for (request, to_client) in [
        ("GET http://ex.org/ HTTP/1.1\r\nHost: ex.org\r\nConnection: close\r\n\r\n", ok),
        ("GET http://ex.org/ HTTP/1.0\r\nHost: ex.org\r\nConnection: keep-alive\r\n\r\n", ok),
    ] {
        let played = proxy().client(request).server(ok).run_all();
        assert_eq!((played.sent_to_client(), played.closed), (to_client.to_owned(), true));
    }
}

#[test]
fn max_forwards_counts_hops_of_trace_and_options() {
    let went = forwarded("OPTIONS http://ex.org/ HTTP/1.1\r\nHost: ex.org\r\nMax-Forwards: 2\r\n\r\n");
    assert_eq!(went, "OPTIONS / HTTP/1.1\r\nHost: ex.org\r\nMax-Forwards: 1\r\n\r\n");
    let request = "TRACE http://ex.org/ HTTP/1.1\r\nHost: ex.org\r\nMax-Forwards: 0\r\nCookie: secret\r\n\r\n";
    let played = proxy().client(request).run_all();
    assert_eq!(played.sent_to_server(), "");
    let answer = played.sent_to_client();
    assert!(answer.contains("message/http") && answer.contains("TRACE http://ex.org/") && !answer.contains("secret"), "{answer}");
}

#[test]
fn via_is_told_only_where_we_have_a_name() {
    let play = proxy()
        .named("lore")
        .client("GET http://ex.org/ HTTP/1.1\r\nHost: ex.org\r\nA: b\r\n\r\n")
        .server("HTTP/1.1 204 No Content\r\n\r\n");
    let played = play.run_all();
    assert_eq!(played.sent_to_server(), "GET / HTTP/1.1\r\nHost: ex.org\r\nA: b\r\nVia: 1.1 lore\r\n\r\n");
    assert_eq!(played.sent_to_client(), "HTTP/1.1 204 No Content\r\nVia: 1.1 lore\r\n\r\n");
}

#[test]
fn an_upgrade_becomes_what_it_says() {
    let head = "Host: ex.org\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: a2V5\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let answer =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Accept: YWNj\r\n\r\n";
    for play in [
        proxy().client(format!("GET http://ex.org/chat HTTP/1.1\r\n{head}\x05\x06")),
        between().client(format!("GET /chat HTTP/1.1\r\n{head}\x05\x06")),
        between().judged(|_| wirelore_kit::middle::Judgement::Pass).client(format!("GET /chat HTTP/1.1\r\n{head}\x05\x06")),
    ] {
        let played = play.server(format!("{answer}\x01\x02")).run_all();
        let Some(hint) = &played.became else { panic!("{}", played.shown()) };
        assert!(matches!(hint, Hint::Upgrade(t) if &*t.name == "websocket"), "{hint:?}");
        assert_eq!(hint.fact(Side::Client, "sec-websocket-key"), Some(&b"a2V5"[..]));
        assert_eq!(hint.fact(Side::Server, "sec-websocket-accept"), Some(&b"YWNj"[..]));
        assert!(hint.fact(Side::Client, "path").is_some_and(|p| p.ends_with(b"/chat")));
        assert_eq!(played.sent_to_client(), format!("{answer}\x01\x02"));
        assert!(played.sent_to_server().ends_with("\r\n\r\n\x05\x06"));
    }
    // Declined: what was taken for the other protocol is the next request.
    let next = "GET /next HTTP/1.1\r\nHost: ex.org\r\n\r\n";
    let played = between()
        .client(format!("GET /chat HTTP/1.1\r\n{head}{next}"))
        .server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .run_all();
    assert!(played.became.is_none() && played.sent_to_server().ends_with(next), "{}", played.shown());
}

#[test]
fn a_tunnel_within_a_tunnel_is_opened_by_its_server() {
    let connect = "CONNECT ex.org:443 HTTP/1.1\r\nHost: ex.org:443\r\n\r\n";
    let play = between().client(format!("{connect}\x16\x03")).server("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\x17");
    let played = play.run_all();
    assert_eq!((played.became.as_ref(), played.sent_to_server()), (Some(&Hint::Probe), format!("{connect}\x16\x03")));
    let again = format!("{connect}{connect}");
    let played = between().client(&again).server("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n").run_all();
    assert_eq!((played.became.as_ref(), played.sent_to_server()), (None, again));
}

#[test]
fn who_takes_the_proxy_for_a_server_is_told() {
    let played = proxy().client("GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nAccept: text/html\r\n\r\n").run_all();
    let page = played.sent_to_client();
    assert!(page.starts_with("HTTP/1.1 400 ") && page.contains("This is a proxy") && page.contains("text/html"), "{page}");
    assert!(!played.closed, "the framing is known: the client may ask again");
    let played = proxy().client("GET / HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n").run_all();
    assert!(played.sent_to_client().contains("application/json"));
    let played = proxy().client("GET / HTTP/1.1\r\nHost: mitm.it\r\n\r\n").run_all();
    assert_eq!(played.to_server[1].0, Some(origin("mitm.it", 80)));
    for (target, status) in [("ftp://ex.org/", "501"), ("http:///", "400"), ("http://a:b/", "400")] {
        let played = proxy().client(format!("HEAD {target} HTTP/1.1\r\nHost: ex.org\r\n\r\n")).run_all();
        let page = played.sent_to_client();
        assert!(page.starts_with(&format!("HTTP/1.1 {status} ")) && page.ends_with("\r\n\r\n"), "{page}");
    }
}

#[test]
fn answers_keep_the_order_of_their_requests() {
    // The second is answered by us, and waits for the first.
    let played = proxy()
        .client("GET http://ex.org/ HTTP/1.1\r\nHost: ex.org\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        .server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfir")
        .server("st")
        .run_all();
    let to_client = played.sent_to_client();
    assert!(to_client.starts_with("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirstHTTP/1.1 400 "), "{to_client}");
}

#[test]
fn a_client_that_asks_no_more_is_still_answered() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let played = proxy().client("GET http://ex.org/ HTTP/1.1\r\nHost: ex.org\r\n\r\n").client_ends().server(ok).run_all();
    assert_eq!((played.sent_to_client(), played.closed), (ok.to_owned(), true));
    let played = between().client("GET / HTTP/1.1\r\nHost: ex.org\r\n\r\n").client_ends().server(ok).run_all();
    assert_eq!((played.sent_to_client(), played.finished, played.closed), (ok.to_owned(), [true, false], false));
}

#[test]
fn who_does_not_say_the_password_gets_nothing_done() {
    let guarded = || proxy().guarded("me", "secret");
    let ask = |with: &str| format!("GET http://ex.org/ HTTP/1.1\r\nHost: ex.org\r\n{with}\r\n");
    // bWU6c2VjcmV0 is me:secret.
    for with in [
        "",
        "Proxy-Authorization: Basic bWU6b3RoZXI=\r\n",
        "Proxy-Authorization: Bearer bWU6c2VjcmV0\r\n",
        "Authorization: Basic bWU6c2VjcmV0\r\n",
    ] {
        let played = guarded().client(ask(with)).run_all();
        assert_eq!(played.sent_to_server(), "", "{with}");
        let page = played.sent_to_client();
        assert!(page.starts_with("HTTP/1.1 407 ") && page.contains("Proxy-Authenticate: Basic ") && !played.closed, "{page}");
    }
    let played = guarded().client(ask("")).client(ask("proxy-authorization: basic bWU6c2VjcmV0\r\n")).run_all();
    assert_eq!(played.sent_to_server(), "GET / HTTP/1.1\r\nHost: ex.org\r\n\r\n");
    let played = guarded().client("CONNECT ex.org:443 HTTP/1.1\r\nHost: ex.org:443\r\n\r\n").run_all();
    assert!(played.tunnels.is_empty() && played.sent_to_client().starts_with("HTTP/1.1 407 ") && !played.closed);
}

#[test]
fn no_page_is_sent_behind_the_half_close() {
    let played = between().server_ends().client("0\r\n\r\n").run_all();
    assert_eq!((played.sent_to_client(), played.finished[1], played.closed), (String::new(), true, true));
}
