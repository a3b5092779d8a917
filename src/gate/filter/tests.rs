//! What filters match, and how faults in them are shown.

use super::*;
use crate::conn::Conn;
use crate::testing::{answer, conn, question};
use wirelore_kit::middle::{Origin, Part, Stage, Transit};

fn fits(filter: &str, message: &Transit, question: Option<&Transit>) -> Fits {
    let f = Filter::parse(filter).unwrap_or_else(|e| panic!("{e}"));
    f.fits(&Scene { conn: &conn(), message: Some(message), question, decode: None })
}

#[track_caller]
fn error(filter: &str) -> String {
    Filter::parse(filter).expect_err("a fault").to_string()
}

#[test]
fn words_ask_what_mitmproxys_ask() {
    let q =
        question("POST /shop?x=1 HTTP/1.1", &[("Host", "example.org"), ("Content-Type", "application/json")], b"{\"user\":1}");
    for yes in [
        "",
        "~all",
        "~u shop",
        "shop",
        "~m post",
        "~d example",
        "~hq content-type",
        "~h 'host: example.org$'",
        "~b user",
        "~bq USER",
        "~t json",
        "~tq json",
        "~q",
        "~up",
        "~http",
        "~http1",
        "~src 127",
        "~port 80",
        "~proto http",
        "!~s",
        "~u shop ~m POST",
        "~u nothing | ~m POST",
        "~u shop & ~m GET | ~m POST",
        "!(~u shop & ~m GET)",
        "~u 'x=1$'",
        "! ~a",
        "~m P|G",
    ] {
        assert_eq!(fits(yes, &q, None), Fits::Yes, "{yes}");
    }
    for no in [
        "~s",
        "~c 200",
        "~bs user",
        "~hs host",
        "~ts json",
        "~a",
        "~e",
        "~websocket",
        "~tcp",
        "~dns",
        "~down",
        "~m GET",
        "~d other",
        "~dst 9",
    ] {
        assert_eq!(fits(no, &q, None), Fits::No, "{no}");
    }
    let a = answer("HTTP/1.1 404 Not Found", &[("Content-Type", "text/css")], b"gone");
    for yes in [
        "~s",
        "~c 404",
        "~c 4xx",
        "~c 400-410",
        "~a",
        "~u shop",
        "~m post",
        "~bs gone",
        "~bq user",
        "~b gone",
        "~b user",
        "~hs css",
        "~h json",
        "~d example",
    ] {
        assert_eq!(fits(yes, &a, Some(&q)), Fits::Yes, "{yes}");
    }
    for no in ["~q", "~c 200", "~c 5xx", "~bq gone", "~bs user", "~hq css", "~hs json"] {
        assert_eq!(fits(no, &a, Some(&q)), Fits::No, "{no}");
    }
}

#[test]
fn lines_of_other_protocols_have_commands_and_statuses() {
    let mut q = question("RCPT TO:<a@example.org>", &[], b"");
    q.proto = "smtp";
    q.url = None;
    let mut a = answer("550-5.1.1 No such user", &[], b"");
    a.proto = "smtp";
    a.url = None;
    assert_eq!(fits("~smtp ~m rcpt ~u example", &q, None), Fits::Yes);
    assert_eq!(fits("~tcp", &q, None), Fits::Yes);
    assert_eq!(fits("~c 550 ~m RCPT", &a, Some(&q)), Fits::Yes);
    assert_eq!(fits("~b 'no such'", &a, None), Fits::Yes);
}

#[test]
fn what_is_not_there_yet_is_neither_yes_nor_no() {
    let mut q = question("POST /a HTTP/1.1", &[], b"");
    q.stage = Stage::Head;
    assert_eq!(fits("~b x", &q, None), Fits::NotYet);
    assert_eq!(fits("!~b x", &q, None), Fits::NotYet);
    assert_eq!(fits("~b x & ~m GET", &q, None), Fits::No, "decided without the body");
    assert_eq!(fits("~b x | ~m POST", &q, None), Fits::Yes);
    let f = Filter::parse("~d example & ~u /a").unwrap();
    let mut c = conn();
    let ask = |c: &Conn| f.fits(&Scene { conn: c, message: None, question: None, decode: None });
    assert_eq!(ask(&c), Fits::NotYet);
    c.server = Some(Origin { host: "other.net".into(), port: 443, tls: true });
    assert_eq!(ask(&c), Fits::No);
    assert_eq!(f.asks_for_messages().map(|w| w.name), Some("u"));
}

#[test]
fn messages_that_neither_ask_nor_answer() {
    let mut m = question("text", &[], b"hello");
    (m.proto, m.part, m.url) = ("websocket", Part::Message, None);
    assert_eq!(fits("~websocket & ~b hello & ~up", &m, None), Fits::Yes);
    assert_eq!(fits("~q | ~s", &m, None), Fits::No);
}

#[test]
fn a_bare_text_may_hold_signs_but_ends_before_a_word() {
    let q = question("GET /a&b HTTP/1.1", &[], b"");
    assert_eq!(fits("/a&b", &q, None), Fits::Yes);
    assert_eq!(fits("/x|/a", &q, None), Fits::Yes);
    assert_eq!(fits("~u /a&~m GET", &q, None), Fits::Yes);
    assert_eq!(fits("~u /a&!~m GET", &q, None), Fits::No);
    assert_eq!(fits(r#"~u "/a\&b""#, &q, None), Fits::Yes);
    assert_eq!(fits(r#"~u '\'|/a'"#, &q, None), Fits::Yes, "an escaped quote does not end the text");
}

#[test]
fn faults_show_their_place() {
    assert_eq!(
        error("~d example & ~url x"),
        "There is no word ~url\n  ~d example & ~url x\n               ^^^^ did you mean ~u (the URL; where a protocol has none, the line)?"
    );
    assert_eq!(error("~c many"), "~c needs a number\n  ~c many\n     ^^^^ 404, or 4xx, or 400-499");
    assert_eq!(error("~u"), "~u needs a regular expression behind it\n  ~u\n  ^^ in quotes if it has blanks");
    assert!(error("~u (a|b)").starts_with("~u needs a regular expression behind it"));
    assert!(error("(~q").contains("This parenthesis is not closed"));
    assert!(error("~q)").contains("\n  ~q)\n    ^ remove it"));
    assert!(error("~q & ").contains("Something is missing here"));
    assert!(error("| ~q").contains("Nothing stands before this sign"));
    assert!(error("~u 'a").contains("The quote is not closed"));
    assert!(error("~u [a").contains("no regular expression: unclosed character class"));
    assert!(error("~websockets").contains("did you mean ~websocket"));
    assert!(error("~marked").contains("asks for marks"));
    assert!(error(&format!("{}~q{}", "(".repeat(500), ")".repeat(500))).contains("Too many groups"));
    assert!(error("~u é & ~ü").contains("\n  ~u é & ~ü\n         ^"), "carets count characters, not bytes");
}
