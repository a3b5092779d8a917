//! IMAP in the middle: transcripts with literals, what is judged of them, and what is made of a judgement.

mod middle_support;

use middle_support::{Play, passes_untouched};
use wirelore_dissectors::imap::SPEC;
use wirelore_kit::middle::{Judgement, Part, Stage, Transit};
use wirelore_kit::{Dir, Hint};

fn hello() -> Play {
    Play::between(&SPEC).server("* OK hi {5}\r\n")
}

/// LOGIN and APPEND with literals, sent before leave is given, as it looks to a server from which a proxy keeps them until it gives leave.
fn mails() -> Play {
    hello()
        .client("a1 LOGIN {4}\r\n")
        .client("emma {3}\r\n")
        .client("abc\r\n")
        .server("+ Ready for literal data\r\n")
        .server("+ Ready for literal data\r\n")
        .server("a1 OK in\r\n")
        .client("a2 APPEND INBOX {9}\r\n")
        .client("a3 NOOP\r\n\r\n")
        .server("+ Ready for literal data\r\n")
        .server("a2 OK stored\r\n")
        .client("a4 FETCH 1 BODY[]\r\na5 APPEND x {2+}\r\nhi\r\n")
        .server("* 1 FETCH (BODY[] {11}\r\na4 OK no\r\n1)\r\na4 OK done\r\na5 OK\r\n")
        .client("a6 IDLE\r\n")
        .server("+ idling\r\n* 2 EXISTS\r\n")
        .client("DONE\r\n")
        .server("a6 OK\r\n")
}

fn edit(t: &Transit) -> Judgement {
    if t.stage == Stage::Head {
        return Judgement::Body;
    }
    let body =
        String::from_utf8_lossy(&t.body).replace("NOOP", "LONGER WORD").replace("no\r\n1", "Z").replace("emma", "em").into();
    if body == t.body { Judgement::Pass } else { Judgement::Change(Box::new(Transit { body, ..t.clone() })) }
}

#[test]
fn whatever_passes_is_untouched() {
    passes_untouched(&mails().client_ends().server_ends());
    passes_untouched(
        &hello()
            .client("a AUTHENTICATE PLAIN\r\n")
            .server("+ \r\n")
            .client("AGEAYg==\r\n")
            .server("a OK in\r\n")
            .client("c NOOP\r\n")
            .server("c OK\r\n"),
    );
    passes_untouched(&hello().server("\x00\x01\x02\r\n").client("x\r\n"));
}

#[test]
fn a_client_that_waits_for_leave_has_it_of_the_server() {
    let play = hello()
        .client("a LOGIN {4}\r\n")
        .server("+ of the server\r\n")
        .client("emma {3}\r\n")
        .server("+ again\r\n")
        .client("abc\r\n")
        .server("a OK in\r\n")
        .client("b APPEND x {300}\r\n")
        .server("b NO too much\r\n")
        .client("c NOOP\r\n")
        .server("c OK\r\n");
    for judge in [false, true] {
        let play = if judge { play.clone().judged(|_| Judgement::Pass) } else { play.clone() };
        let p = play.run_all();
        assert_eq!(p.sent_to_server(), "a LOGIN {4}\r\nemma {3}\r\nabc\r\nb APPEND x {300}\r\nc NOOP\r\n");
        assert!(p.sent_to_client().contains("+ of the server\r\n+ again\r\na OK in\r\nb NO too much\r\nc OK"), "{}", p.shown());
    }
}

#[test]
fn responses_belong_to_the_command_of_their_tag() {
    let p = mails().judged(|_| Judgement::Pass).run_all();
    let of = |line: &str| p.judged.iter().find(|t| t.line == line).map(|t| (t.dir, t.exchange, t.part, t.stage));
    assert_eq!(of("a1 LOGIN {4}"), Some((Dir::ToServer, 0, Part::Request, Stage::Head)));
    assert_eq!(of("a5 OK"), Some((Dir::ToClient, 3, Part::Response, Stage::Whole)));
    assert_eq!(of("a4 OK done"), Some((Dir::ToClient, 2, Part::Response, Stage::Whole)));
    assert_eq!(of("* 2 EXISTS"), Some((Dir::ToClient, 4, Part::Message, Stage::Whole)));
    assert_eq!(of("DONE"), Some((Dir::ToServer, 4, Part::Request, Stage::Whole)));
    let fetched = p.judged.iter().find(|t| t.line.ends_with(b"{11}")).map(|t| t.body.clone());
    assert_eq!(fetched, Some("a4 OK no\r\n1)\r\n".into()), "a literal is no response");
}

#[test]
fn a_changed_literal_says_its_new_size_and_waits_for_leave() {
    let p = mails().judged(edit).run_all();
    let sent = p.sent_to_server();
    assert!(sent.contains("a2 APPEND INBOX {16}\r\na3 LONGER WORD\r\n\r\n"), "{}", p.shown());
    assert!(p.sent_to_client().contains("* 1 FETCH (BODY[] {7}\r\na4 OK Z)\r\na4 OK done"), "{}", p.shown());
    assert_eq!(p.sent_to_client().matches("+ Ready").count(), 3, "leave is given once for each literal: {}", p.shown());
}

#[test]
fn a_server_that_refuses_a_gathered_literal_never_gets_it() {
    let p = hello()
        .client("a APPEND x {5}\r\n")
        .client("hello\r\n")
        .server("a NO full\r\n")
        .client("b NOOP\r\n")
        .server("b OK\r\n")
        .judged(edit)
        .run_all();
    assert_eq!(p.sent_to_server(), "a APPEND x {5}\r\nb NOOP\r\n");
    assert_eq!(p.sent_to_client(), "* OK hi {5}\r\n+ Ready for literal data\r\na NO full\r\nb OK\r\n");
}

#[test]
fn the_literal_of_a_dropped_command_is_dropped_too() {
    let drop = |t: &Transit| {
        if t.line.starts_with(b"a APPEND") {
            let line = "a NO not here".into();
            Judgement::Answer(Box::new(Transit { dir: Dir::ToClient, line, body: Default::default(), ..t.clone() }))
        } else {
            Judgement::Pass
        }
    };
    let p = hello().client("a APPEND x {5+}\r\nhello {3+}\r\nabc\r\nb NOOP\r\n").judged(drop).run_all();
    assert_eq!((p.sent_to_server(), p.sent_to_client()), ("b NOOP\r\n".into(), "* OK hi {5}\r\na NO not here\r\n".into()));
    let p = hello().client("a APPEND x {5}\r\n").client("b NOOP\r\n").judged(drop).run_all();
    assert_eq!(p.sent_to_server(), "b NOOP\r\n", "who asks for leave gets a no instead");
}

#[test]
fn starttls_changes_the_protocol_at_its_byte() {
    let p = hello().client("a STARTTLS\r\n").server("a OK go\r\n").client("\x16\x03").run_all();
    assert_eq!(p.became, Some(Hint::Over { outer: "tls", inner: "imap" }));
    let p = hello().client("a STARTTLS\r\nb LOGIN x y\r\n").server("a OK go\r\n").run_all();
    assert!(p.closed && p.was_told("data.note.behind_upgrade"), "{}", p.shown());
    let p = hello().client("a STARTTLS\r\nb NOOP\r\n").server("a BAD no\r\n").server("b OK\r\n").run_all();
    assert!(!p.closed && p.sent_to_server().ends_with("b NOOP\r\n"), "{}", p.shown());
    let hidden = hello().client("a APPEND x {14+}\r\nb STARTTLS\r\n\r\n\r\n").server("b OK no\r\n").run_all();
    assert_eq!(hidden.became, None, "a literal is no command: {}", hidden.shown());
    assert!(hello().client("a LOGIN b c\r\n").server("a OK in\r\n").run_all().opaque);
}

#[test]
fn compression_is_told_and_ends_the_judging() {
    let p =
        hello().client("a COMPRESS DEFLATE\r\n").server("a OK\r\n").client([0u8, 1, 255]).judged(|_| Judgement::Pass).run_all();
    assert!(p.opaque && p.was_told("data.note.not_judged"), "{}", p.shown());
}
