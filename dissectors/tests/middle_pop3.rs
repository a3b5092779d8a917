//! POP3 in the middle: transcripts, what is judged of them, and what is made of a judgement.

mod middle_support;

use middle_support::{Play, passes_untouched};
use wirelore_dissectors::pop3::SPEC;
use wirelore_kit::Hint;
use wirelore_kit::middle::{Judgement, Part, Transit};

fn login() -> Play {
    Play::between(&SPEC).server("+OK hi\r\n").client("USER a\r\n").server("+OK\r\n").client("PASS b\r\n").server("+OK in\r\n")
}

fn letters() -> Play {
    login()
        .client("LIST\r\nLIST 1\r\nRETR 1\r\nUIDL\r\n")
        .server("+OK 1\r\n1 20\r\n.\r\n+OK 1 20\r\n+OK\r\nSubject: x\r\n\r\n..dot\r\n.\r\n+OK\r\n.\r\n")
        .client("RETR 2\r\nQUIT\r\n")
        .server("-ERR none\r\n+OK bye\r\n")
}

#[test]
fn whatever_passes_is_untouched() {
    passes_untouched(&letters().client_ends().server_ends());
    passes_untouched(
        &Play::between(&SPEC)
            .server("+OK hi\r\n")
            .client("CAPA\r\n")
            .server("+OK\r\nUSER\r\nSTLS\r\n.\r\n")
            .client("AUTH PLAIN\r\n")
            .server("+ \r\n")
            .client("AGEAYg==\r\n")
            .server("+OK\r\n")
            .client("NOOP\r\n")
            .server("+OK\r\n"),
    );
    passes_untouched(&login().server("rubbish\r\n").client("\x01\x02"));
}

#[test]
fn answers_of_many_lines_are_one_message_with_their_dots_undone() {
    let p = letters().judged(|_| Judgement::Pass).run_all();
    let letter = p.judged.iter().find(|t| t.body.starts_with(b"Subject")).expect("the letter");
    assert_eq!((&*letter.line, &*letter.body), (&b"+OK"[..], &b"Subject: x\r\n\r\n.dot\r\n"[..]));
    let ask = p.judged.iter().find(|t| t.line == "RETR 1").expect("the command");
    assert_eq!((ask.exchange, ask.part, letter.part), (letter.exchange, Part::Request, Part::Response));
}

#[test]
fn a_changed_letter_gets_its_dots_and_its_end_again() {
    let p = letters()
        .judged(|t| {
            if !t.body.starts_with(b"Subject") {
                return Judgement::Pass;
            }
            Judgement::Change(Box::new(Transit { body: "one\r\n.two".into(), ..t.clone() }))
        })
        .run_all();
    assert!(p.sent_to_client().contains("+OK\r\none\r\n..two\r\n.\r\n+OK\r\n.\r\n-ERR none"), "{}", p.shown());
}

#[test]
fn our_answers_keep_their_place_among_those_of_the_server() {
    let p = letters()
        .judged(|t| {
            if t.line != "RETR 1" {
                return Judgement::Pass;
            }
            Judgement::Answer(Box::new(Transit {
                dir: t.dir.other(),
                line: "+OK mine".into(),
                body: ".mine\r\n".into(),
                ..t.clone()
            }))
        })
        .run_all();
    assert!(p.sent_to_client().contains("+OK 1 20\r\n+OK mine\r\n..mine\r\n.\r\n+OK\r\n"), "{}", p.shown());
    assert!(!p.sent_to_server().contains("RETR 1"));
}

#[test]
fn stls_changes_the_protocol_at_its_byte_and_a_login_ends_the_watch() {
    let p = Play::between(&SPEC).server("+OK hi\r\n").client("STLS\r\n").server("+OK go\r\n").client("\x16\x03").run_all();
    assert_eq!(p.became, Some(Hint::Over { outer: "tls", inner: "pop" }));
    let p = Play::between(&SPEC).server("+OK hi\r\n").client("STLS\r\nUSER a\r\n").server("+OK go\r\n").run_all();
    assert!(p.closed && p.was_told("data.note.behind_upgrade"), "{}", p.shown());
    let p = Play::between(&SPEC).server("+OK hi\r\n").client("STLS\r\nUSER a\r\n").server("-ERR no\r\n").run_all();
    assert!(!p.closed && p.sent_to_server().ends_with("USER a\r\n"), "{}", p.shown());
    assert!(login().run_all().opaque);
}

#[test]
fn an_answer_too_long_to_be_gathered_goes_on_and_the_next_one_is_judged() {
    let long =
        format!("+OK\r\n{}.\r\n", "seventy-odd bytes of a letter that never seems to come to its end at all\r\n".repeat(300_000));
    let play = login().client("RETR 1\r\n").server(&long).client("STAT\r\n").server("+OK 1 2\r\n").judged(|t| {
        if t.line == "+OK 1 2" {
            Judgement::Change(Box::new(Transit { line: "+OK 3 4".into(), ..t.clone() }))
        } else {
            Judgement::Pass
        }
    });
    let p = play.run_cut(&mut |_| 50_001);
    assert!(p.sent_to_client().ends_with(&format!("{long}+OK 3 4\r\n")), "{} bytes", p.to_client.len());
}
