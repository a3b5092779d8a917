//! SMTP and LMTP in the middle: transcripts, what is judged of them, and what is made of a judgement.

mod middle_support;

use middle_support::{Play, Stage as Driver, passes_untouched};
use wirelore_dissectors::smtp::SPEC;
use wirelore_kit::middle::{Judgement, Part, Stage, Step, Transit};
use wirelore_kit::{Dir, Hint};

fn hello() -> Play {
    Play::between(&SPEC)
        .server("220 mail ready\r\n")
        .client("EHLO me\r\n")
        .server("250-mail\r\n250-PIPELINING\r\n250 STARTTLS\r\n")
}

fn letter() -> Play {
    hello()
        .client("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nDATA\r\n")
        .server("250 ok\r\n250 ok\r\n354 go\r\n")
        .client("Subject: hi\r\n\r\n..dot\r\nSTARTTLS\r\n.\r\nQUIT\r\n")
        .server("250 taken\r\n221 bye\r\n")
        .client_ends()
        .server_ends()
}

fn changed(t: &Transit, f: impl FnOnce(&mut Transit)) -> Judgement {
    let mut t = t.clone();
    f(&mut t);
    Judgement::Change(Box::new(t))
}

fn answer(t: &Transit, line: &'static str) -> Judgement {
    let dir = t.dir.other();
    Judgement::Answer(Box::new(Transit { dir, line: line.into(), body: Default::default(), ..t.clone() }))
}

#[test]
fn whatever_passes_is_untouched() {
    passes_untouched(&letter());
    let p = letter().run_all();
    assert_eq!((p.finished, p.became, p.told.len()), ([true; 2], None, 0), "STARTTLS inside a letter is no command");
    let chunks = hello()
        .client("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nBDAT 7\r\nDATA\r\n\nBDAT 0 LAST\r\nNOOP\r\n")
        .server("250 ok\r\n250 ok\r\n250 7\r\n250 done\r\n250 noop\r\n");
    passes_untouched(&chunks);
    passes_untouched(
        &Play::between(&SPEC)
            .server("220 hi\r\n")
            .client("AUTH LOGIN\r\n")
            .server("334 VXNlcm5hbWU6\r\n")
            .client("YQ==\r\n")
            .server("334 UGFzc3dvcmQ6\r\n")
            .client("Yg==\r\n")
            .server("235 in\r\n")
            .client("NOOP\r\n")
            .server("250 ok\r\n"),
    );
    passes_untouched(&hello().server("what is this\r\n").client("\x00\x01\r\n"));
}

#[test]
fn every_message_is_judged_with_its_exchange() {
    let p = letter().judged(|_| Judgement::Pass).run_all();
    let seen: Vec<(Dir, u64, Part, &[u8])> = p.judged.iter().map(|t| (t.dir, t.exchange, t.part, &*t.line)).collect();
    use Dir::{ToClient as C, ToServer as S};
    let want: &[(Dir, u64, Part, &[u8])] = &[
        (C, 0, Part::Message, b"220 mail ready"),
        (S, 0, Part::Request, b"EHLO me"),
        (C, 0, Part::Response, b"250-mail"),
        (S, 1, Part::Request, b"MAIL FROM:<a@x>"),
        (S, 2, Part::Request, b"RCPT TO:<b@y>"),
        (S, 3, Part::Request, b"DATA"),
        (C, 1, Part::Response, b"250 ok"),
        (C, 2, Part::Response, b"250 ok"),
        (C, 3, Part::Response, b"354 go"),
        (S, 3, Part::Request, b""),
        (S, 4, Part::Request, b"QUIT"),
        (C, 3, Part::Response, b"250 taken"),
        (C, 4, Part::Response, b"221 bye"),
    ];
    assert_eq!(seen, want);
    assert_eq!(p.judged[9].body, "Subject: hi\r\n\r\n.dot\r\nSTARTTLS\r\n", "dots are undone");
    assert_eq!(p.judged[2].body, "250-PIPELINING\r\n250 STARTTLS\r\n");
}

#[test]
fn a_changed_letter_gets_its_dots_and_its_end_again() {
    let p = letter()
        .judged(|t| if t.line.is_empty() { changed(t, |t| t.body = ".one\r\n.\r\ntwo".into()) } else { Judgement::Pass })
        .run_all();
    assert!(p.sent_to_server().contains("DATA\r\n..one\r\n..\r\ntwo\r\n.\r\nQUIT\r\n"), "{}", p.shown());
}

#[test]
fn a_changed_chunk_says_its_new_size() {
    let play = hello().client("BDAT 5 LAST\r\nhelloNOOP\r\n").server("250 ok\r\n250 ok\r\n");
    let p = play
        .judged(|t| if t.line.starts_with(b"BDAT") { changed(t, |t| t.body = "goodbye".into()) } else { Judgement::Pass })
        .run_all();
    assert!(p.sent_to_server().ends_with("BDAT 7 LAST\r\ngoodbyeNOOP\r\n"), "{}", p.shown());
}

#[test]
fn taking_starttls_from_the_list_leaves_a_whole_reply() {
    let p =
        hello()
            .judged(|t| {
                if t.line.starts_with(b"250-") { changed(t, |t| t.body = "250-PIPELINING\r\n".into()) } else { Judgement::Pass }
            })
            .run_all();
    assert_eq!(p.sent_to_client(), "220 mail ready\r\n250-mail\r\n250 PIPELINING\r\n");
}

#[test]
fn our_answers_keep_their_place_among_those_of_the_server() {
    let p = hello()
        .client("MAIL FROM:<a@x>\r\nRCPT TO:<no@y>\r\nRCPT TO:<b@y>\r\n")
        .server("250 sender\r\n")
        .server("250 recipient\r\n")
        .judged(|t| if t.line.starts_with(b"RCPT TO:<no") { answer(t, "550 not that one") } else { Judgement::Pass })
        .run_all();
    assert!(!p.sent_to_server().contains("no@y"));
    assert!(p.sent_to_client().ends_with("250 sender\r\n550 not that one\r\n250 recipient\r\n"), "{}", p.shown());
}

#[test]
fn a_letter_that_we_answer_leaves_the_server_waiting_so_the_connection_ends() {
    let p = letter().judged(|t| if t.line.is_empty() { answer(t, "550 no such letters") } else { Judgement::Pass }).run_all();
    assert!(p.sent_to_client().ends_with("354 go\r\n550 no such letters\r\n"), "{}", p.shown());
    assert!(p.closed);
}

#[test]
fn a_letter_that_the_server_was_not_asked_for_never_reaches_it_as_commands() {
    let p = hello()
        .client("DATA\r\n")
        .client("RSET\r\nQUIT\r\n.\r\nNOOP\r\n")
        .server("250 noop\r\n")
        .judged(|t| if t.line == "DATA" { answer(t, "354 give it to me") } else { Judgement::Pass })
        .run_all();
    assert_eq!(p.sent_to_server(), "EHLO me\r\nNOOP\r\n");
    assert!(p.sent_to_client().contains("354 give it to me\r\n554 "), "{}", p.shown());
}

#[test]
fn starttls_changes_the_protocol_at_its_byte() {
    for judge in [false, true] {
        let play = hello().client("STARTTLS\r\n").server("220 go\r\n").client("\x16\x03\x01rest");
        let play = if judge { play.judged(|_| Judgement::Pass) } else { play };
        let p = play.run_all();
        assert_eq!(p.became, Some(Hint::Over { outer: "tls", inner: "smtp" }));
        assert!(p.sent_to_server().ends_with("STARTTLS\r\n\x16\x03\x01rest"));
    }
    let eager = hello().client("STARTTLS\r\n\x16\x03\x01rest").server("220 go\r\n").run_all();
    assert_eq!(
        (eager.became.is_some(), eager.closed),
        (true, false),
        "a client that does not wait is let through: {}",
        eager.shown()
    );
    let refused = hello().client("STARTTLS\r\n").server("454 later\r\n").client("NOOP\r\n").server("250 ok\r\n").run_all();
    assert_eq!((refused.became, refused.closed), (None, false));
}

#[test]
fn commands_behind_starttls_are_refused() {
    let play = hello().client("STARTTLS\r\nRSET\r\n").server("220 go\r\n");
    let p = play.run_all();
    assert!(p.closed && p.became.is_none() && p.was_told("data.note.behind_upgrade"), "{}", p.shown());
    assert!(p.sent_to_server().ends_with("STARTTLS\r\n"), "the server does not get them");
    let lax = play.lax().run_all();
    assert!(lax.became.is_some() && lax.sent_to_server().ends_with("STARTTLS\r\nRSET\r\n"), "{}", lax.shown());
    let server = hello().client("STARTTLS\r\n").server("220 go\r\n250 injected\r\n").run();
    assert!(server.closed && server.was_told("data.note.behind_upgrade"), "{}", server.shown());
    assert!(!server.sent_to_client().contains("injected"));
}

#[test]
fn a_letter_that_two_servers_would_end_in_different_places_is_refused() {
    for end in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r\n", "\r.\r", "\r\n.\rx"] {
        for judge in [false, true] {
            let play = hello()
                .client("DATA\r\n")
                .server("354 go\r\n")
                .client(format!("Subject: a\r\n\r\nb{end}MAIL FROM:<evil@x>\r\n.\r\n"))
                .server("250 ok\r\n");
            let play = if judge { play.judged(|_| Judgement::Pass) } else { play };
            let p = play.run_all();
            assert!(p.closed && p.was_told("smtp.note.smuggling"), "{end:?}: {}", p.shown());
            assert!(!p.sent_to_server().contains("evil"), "{end:?}");
            let lax = Play { setting: wirelore_kit::middle::Setting { lax: true, ..play.setting.clone() }, ..play }.run_all();
            assert!(!lax.closed && lax.sent_to_server().ends_with("evil@x>\r\n.\r\n"), "{end:?}: {}", lax.shown());
        }
    }
}

#[test]
fn lmtp_answers_for_each_recipient() {
    let p = Play::between(&SPEC)
        .server("220 lmtp\r\n")
        .client("LHLO me\r\n")
        .server("250 hi\r\n")
        .client("MAIL FROM:<a@x>\r\nRCPT TO:<b@y>\r\nRCPT TO:<c@y>\r\nDATA\r\n")
        .server("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n")
        .client("x\r\n.\r\nNOOP\r\n")
        .server("250 b\r\n")
        .server("452 c\r\n")
        .server("250 noop\r\n")
        .judged(|t| if t.line == "NOOP" { answer(t, "250 mine") } else { Judgement::Pass })
        .run_all();
    assert!(p.sent_to_client().ends_with("354 go\r\n250 b\r\n452 c\r\n250 mine\r\n250 noop\r\n"), "{}", p.shown());
}

#[test]
fn a_command_of_our_own_has_an_answer_that_the_client_never_sees() {
    let play = hello().judged(|_| Judgement::Pass);
    let mut stage = Driver::new((SPEC.middle.expect("served").new)(&play.setting), &play);
    stage.push(Dir::ToServer, "EHLO me\r\n".into());
    let own = Transit {
        proto: "smtp",
        dir: Dir::ToServer,
        exchange: 0,
        part: Part::Request,
        stage: Stage::Whole,
        line: "VRFY emma".into(),
        headers: Vec::new(),
        body: Default::default(),
        trailers: Vec::new(),
        url: None,
    };
    let mut steps = Vec::new();
    stage.middle.inject(own, &mut steps).expect("a command may stand there");
    assert!(matches!(steps.as_slice(), [Step::Send { dir: Dir::ToServer, bytes }] if bytes == "VRFY emma\r\n"), "{steps:?}");
    stage.push(Dir::ToServer, "NOOP\r\n".into());
    stage.push(Dir::ToClient, "250 hello\r\n252 perhaps\r\n250 noop\r\n".into());
    stage.settle();
    assert_eq!(stage.played.sent_to_client(), "250 hello\r\n250 noop\r\n");
}
