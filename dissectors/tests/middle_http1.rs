//! HTTP/1 in the middle, by scripts: what a proxy must do (RFC 9110, RFC 9112), and that it does nothing else.

mod middle_support;

use middle_support::{Play, Reached};
use wirelore_dissectors::http1::SPEC;
use wirelore_kit::middle::{Origin, Refusal};
use wirelore_kit::Hint;

fn proxy() -> Play {
    Play::forward(&SPEC)
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
