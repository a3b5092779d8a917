//! HTTP/1 in the middle under a judge: what it sees, what of its changes goes out, and how framing follows.

mod middle_support;

use middle_support::{Judge, Play, Played, Reached, passes_untouched};
use wirelore_dissectors::http1::SPEC;
use wirelore_kit::Dir;
use wirelore_kit::middle::{Judgement, Part, Stage, Transit};

const GET: &str = "GET /a HTTP/1.1\r\nHost: ex.org\r\nX-A:1\r\nX-B:  2 \r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nserver:x\r\nContent-Length: 5\r\n\r\nhello";
const POST: &str = "POST /up HTTP/1.1\r\nHost: ex.org\r\nContent-Length: 5\r\n\r\nhello";
const CHUNKED: &str =
    "POST /up HTTP/1.1\r\nHost: ex.org\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nhel\r\n2\r\nlo\r\n0\r\nT: 1\r\n\r\n";

fn judged(judge: Judge) -> Play {
    Play::between(&SPEC).judged(judge)
}

fn change(t: &Transit, with: impl FnOnce(&mut Transit)) -> Judgement {
    let mut t = t.clone();
    with(&mut t);
    Judgement::Change(Box::new(t))
}

/// Changes whole messages of that part, and asks for their bodies.
fn whole(t: &Transit, part: Part, with: impl FnOnce(&mut Transit)) -> Judgement {
    match t.stage {
        _ if t.part != part => Judgement::Pass,
        Stage::Head => Judgement::Body,
        Stage::Whole => change(t, with),
    }
}

fn ours(line: &'static str, body: &'static str) -> Judgement {
    Judgement::Answer(Box::new(Transit {
        proto: "http",
        dir: Dir::ToClient,
        exchange: 0,
        part: Part::Response,
        stage: Stage::Whole,
        line: line.into(),
        headers: vec![("X-Ours".into(), "yes".into())],
        body: body.into(),
        trailers: Vec::new(),
        url: None,
    }))
}

fn sent(played: &Played) -> (String, String) {
    (played.sent_to_server(), played.sent_to_client())
}

#[test]
fn a_judge_sees_messages_as_they_stand() {
    let played =
        judged(|t| if t.stage == Stage::Head { Judgement::Body } else { Judgement::Pass }).client(CHUNKED).server(OK).run_all();
    assert_eq!(sent(&played), (CHUNKED.to_owned(), OK.to_owned()));
    let [head, request, answer_head, answer] = &played.judged[..] else { panic!("{:?}", played.judged) };
    assert_eq!(
        (head.stage, head.part, head.exchange, &head.line[..]),
        (Stage::Head, Part::Request, 0, &b"POST /up HTTP/1.1"[..])
    );
    assert_eq!(head.url.as_deref(), Some("http://ex.org/up"));
    assert!(head.body.is_empty());
    assert_eq!((request.stage, &request.body[..]), (Stage::Whole, &b"hello"[..]));
    assert_eq!(request.trailers, [("T".into(), "1".into())]);
    assert_eq!(answer_head.headers, [("server".into(), "x".into()), ("Content-Length".into(), "5".into())]);
    assert_eq!((answer.part, answer.exchange, answer.dir, &answer.body[..]), (Part::Response, 0, Dir::ToClient, &b"hello"[..]));
    assert_eq!(answer.url.as_deref(), Some("http://ex.org/up"));
}

#[test]
fn what_passes_is_untouched() {
    for (request, answer) in [
        (GET, OK),
        (
            POST,
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5;a\r\nhello\r\n00\r\nA : b\r\n\r\n",
        ),
        (CHUNKED, "HTTP/1.1 204 No Content\r\n\r\n"),
        ("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n"),
        (
            "GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb",
        ),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"),
    ] {
        let answer = answer.replace("A : b", "A: b");
        passes_untouched(&Play::between(&SPEC).client(request).server(answer));
    }
}

#[test]
fn lines_that_were_not_touched_keep_their_blanks() {
    let played = judged(|t| match t.part {
        Part::Request => change(t, |t| {
            t.line = "PUT /b HTTP/1.1".into();
            t.headers.insert(1, ("X-New".into(), "n".into()));
            t.headers[3].1 = "3".into();
        }),
        _ => change(t, |t| t.line = "HTTP/1.1 418 Teapot".into()),
    })
    .client(GET)
    .server(OK)
    .run_all();
    assert_eq!(played.sent_to_server(), "PUT /b HTTP/1.1\r\nHost: ex.org\r\nX-New: n\r\nX-A:1\r\nX-B: 3\r\n\r\n");
    assert_eq!(played.sent_to_client(), "HTTP/1.1 418 Teapot\r\nserver:x\r\nContent-Length: 5\r\n\r\nhello");
}

#[test]
fn a_changed_body_takes_its_length_along() {
    let request = |t: &Transit| whole(t, Part::Request, |t| t.body = "longer than before".into());
    let played = judged(request).client(POST).run_all();
    assert_eq!(played.sent_to_server(), "POST /up HTTP/1.1\r\nHost: ex.org\r\nContent-Length: 18\r\n\r\nlonger than before");
    let played = judged(request).client(CHUNKED).run_all();
    let want =
        "POST /up HTTP/1.1\r\nHost: ex.org\r\nTransfer-Encoding: chunked\r\n\r\n12\r\nlonger than before\r\n0\r\nT: 1\r\n\r\n";
    assert_eq!(played.sent_to_server(), want);
    let played = judged(request).client(GET).run_all();
    assert!(played.sent_to_server().ends_with("X-B:  2 \r\nContent-Length: 18\r\n\r\nlonger than before"), "{}", played.shown());
    let answer = |t: &Transit| whole(t, Part::Response, |t| t.body = "!".into());
    let played = judged(answer).client(GET).server(OK).run_all();
    assert_eq!(played.sent_to_client(), "HTTP/1.1 200 OK\r\nserver:x\r\nContent-Length: 1\r\n\r\n!");
    // Whose end is the connection's needs no length.
    let played = judged(answer).client(GET).server("HTTP/1.1 200 OK\r\n\r\nuntil the end").server_ends().run_all();
    assert_eq!(
        (played.sent_to_client(), played.finished[1]),
        ("HTTP/1.1 200 OK\r\n\r\n!".to_owned(), true),
        "{}",
        played.shown()
    );
    // Nor has what has no body.
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n";
    let played = judged(answer).client("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").server(head).run_all();
    assert_eq!(played.sent_to_client(), head);
}

#[test]
fn a_length_that_lies_on_purpose_is_sent_and_the_connection_ends() {
    let played = judged(|t| match t.part {
        Part::Request => change(t, |t| t.headers[1].1 = "9".into()),
        _ => Judgement::Pass,
    })
    .client(POST)
    .run_all();
    assert!(played.sent_to_server().contains("Content-Length: 9\r\n\r\nhello") && played.was_told("http.note.edit_framed"));
    let played = judged(|t| match t.part {
        Part::Request => change(t, |t| t.headers[1].1 = "9".into()),
        _ => Judgement::Pass,
    })
    .client(POST)
    .server(OK)
    .run_all();
    assert!(played.closed);
}

#[test]
fn our_answer_goes_out_and_the_request_does_not() {
    let judge: Judge = |t| if t.line.starts_with(b"POST") { ours("HTTP/1.1 200 Mine", "mine") } else { Judgement::Pass };
    for play in [judged(judge), Play::forward(&SPEC).judged(judge)] {
        let start = if play.setting.place == wirelore_kit::middle::Place::Forward { "http://ex.org" } else { "" };
        let (post, get) = (POST.replace("/up", &format!("{start}/up")), GET.replace("/a", &format!("{start}/a")));
        let played = play.client(post).client(get).server(OK).run_all();
        assert_eq!(
            played.sent_to_client(),
            format!("HTTP/1.1 200 Mine\r\nX-Ours: yes\r\nContent-Length: 4\r\n\r\nmine{OK}"),
            "{}",
            played.shown()
        );
        assert_eq!(played.sent_to_server(), GET);
    }
    let judge: Judge = |t| if t.part == Part::Response { ours("HTTP/1.1 200 Mine", "mine") } else { Judgement::Pass };
    let played = judged(judge).client(GET).server(OK).client(GET).server(OK).run_all();
    let mine = "HTTP/1.1 200 Mine\r\nX-Ours: yes\r\nContent-Length: 4\r\n\r\nmine";
    assert_eq!(played.sent_to_client(), format!("{mine}{mine}"));
    let judge: Judge = |_| ours("HTTP/1.1 204 Nothing", "");
    let played = judged(judge).client("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n").run_all();
    assert_eq!(played.sent_to_client(), "HTTP/1.1 204 Nothing\r\nX-Ours: yes\r\n\r\n");
}

#[test]
fn a_dropped_message_is_answered_by_nobody() {
    let played = judged(|t| if t.line.starts_with(b"POST") { Judgement::Drop } else { Judgement::Pass })
        .client(GET)
        .client(POST)
        .client(GET)
        .server(OK)
        .run_all();
    assert_eq!((sent(&played), played.closed), ((GET.to_owned(), OK.to_owned()), false));
    let played =
        judged(|t| if t.part == Part::Response { Judgement::Drop } else { Judgement::Pass }).client(GET).server(OK).run_all();
    assert_eq!(played.sent_to_client(), "");
}

#[test]
fn a_reset_ends_it() {
    let played = judged(|_| Judgement::Reset).client(GET).run_all();
    assert!(played.closed && played.sent_to_server().is_empty());
}

#[test]
fn who_waits_for_a_100_gets_it_from_us_while_we_keep_the_body() {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
    let body: Judge = |t| if t.stage == Stage::Head { Judgement::Body } else { Judgement::Pass };
    let played = judged(body).client(head).run_all();
    assert_eq!(sent(&played), (String::new(), "HTTP/1.1 100 Continue\r\n\r\n".to_owned()));
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let played = judged(body).client(head).client("hi").server(format!("HTTP/1.1 100 Continue\r\n\r\n{answer}")).run_all();
    assert_eq!(sent(&played), (format!("{head}hi"), format!("HTTP/1.1 100 Continue\r\n\r\n{answer}")));
}

#[test]
fn a_body_too_long_to_be_kept_goes_on_as_it_comes() {
    let body: Judge = |t| if t.stage == Stage::Head { Judgement::Body } else { Judgement::Drop };
    let long = "x".repeat(17 << 20);
    for request in [
        format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{long}", long.len()),
        format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{long}\r\n0\r\n\r\n", long.len()),
    ] {
        let play = judged(body).client(&request);
        let played = play.run_cut(&mut |_| 1 << 16);
        assert!(played.sent_to_server() == request, "all of it goes on");
        assert!(played.was_told("http.note.body_not_kept") && played.weight < 16384, "{}", played.weight);
    }
}

#[test]
fn a_body_is_kept_as_far_as_the_setting_says() {
    let body: Judge = |t| match t.stage {
        Stage::Head => Judgement::Body,
        Stage::Whole => change(t, |t| t.body = "new".into()),
    };
    let long = "x".repeat(17 << 20);
    for (keep, kept) in [(18 << 20, true), (10, false)] {
        for request in [
            format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{long}", long.len()),
            format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{long}\r\n0\r\n\r\n", long.len()),
        ] {
            let mut play = judged(body).client(&request);
            play.setting.keep = keep;
            let played = play.run_cut(&mut |_| 1 << 16);
            assert_eq!(played.was_told("http.note.body_not_kept"), !kept);
            assert_eq!(played.sent_to_server().len() < 200, kept, "{keep}");
        }
    }
}

#[test]
fn a_bad_chunk_is_found_while_the_body_is_kept() {
    let body: Judge = |t| if t.stage == Stage::Head { Judgement::Body } else { Judgement::Pass };
    let bad = CHUNKED.replace("2\r\nlo", "zz\r\nlo");
    let played = judged(body).client(&bad).run_all();
    assert!(
        played.sent_to_client().starts_with("HTTP/1.1 400 ") && played.sent_to_server().is_empty() && played.closed,
        "{}",
        played.shown()
    );
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    let played = judged(body).client(GET).server(answer).run_all();
    assert!(played.sent_to_client().starts_with("HTTP/1.1 502 "), "{}", played.shown());
}

#[test]
fn a_changed_target_goes_where_it_says() {
    let judge: Judge = |t| match t.part {
        Part::Request => change(t, |t| t.line = "GET http://other.org:81/x HTTP/1.1".into()),
        _ => Judgement::Pass,
    };
    let played =
        Play::forward(&SPEC).judged(judge).client("GET http://ex.org/ HTTP/1.1\r\nHost: ex.org\r\n\r\n").server(OK).run_all();
    assert_eq!(played.to_server[1].0.as_ref().map(|o| (o.host.as_str(), o.port)), Some(("other.org", 81)));
    assert_eq!(played.sent_to_server(), "GET /x HTTP/1.1\r\nHost: other.org:81\r\n\r\n");
}

#[test]
fn a_page_of_the_driver_answers_the_request_that_was_to_be_routed() {
    let play =
        Play::forward(&SPEC).client("GET http://wirelore.proxy/ HTTP/1.1\r\nHost: wirelore.proxy\r\n\r\n").network(|o, _| {
            if o.host != "wirelore.proxy" {
                return Reached::Yes;
            }
            match ours("HTTP/1.1 200 OK", "page") {
                Judgement::Answer(page) => Reached::Own(page),
                _ => Reached::Yes,
            }
        });
    let next = "GET http://ex.org/ HTTP/1.1\r\nHost: ex.org\r\n\r\n";
    let played = play.client(next).server(OK).run_all();
    assert_eq!(played.sent_to_client(), format!("HTTP/1.1 200 OK\r\nX-Ours: yes\r\nContent-Length: 4\r\n\r\npage{OK}"));
}
