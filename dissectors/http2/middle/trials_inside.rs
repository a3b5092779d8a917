//! WebSocket in streams of HTTP/2 (RFC 8441), by scripts: its messages are judged as on a connection of their own, and messages of our own go in.

use super::super::SPEC;
use super::super::frame::kind;
use super::trials::middle_support::{Play, Played, Stage as Driver, passes_untouched};
use super::trials::{Came, End, at_client, at_server, body, data, frame, hello, value};
use bytes::Bytes;
use wirelore_kit::middle::{Judgement, Part, Stage, Step, Transit};
use wirelore_kit::{Dir, Inflater, Wrap};

const ASK: [(&str, &str); 5] =
    [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/chat"), (":authority", "a.test")];
const DEFLATE: (&str, &str) = ("sec-websocket-extensions", "permessage-deflate");
const KEY: [u8; 4] = [1, 2, 3, 4];
/// "Hello" compressed, and once more referring to the first (RFC 7692 §7.2.3.2).
const HELLO: [&[u8]; 2] = [b"\xf2\x48\xcd\xc9\xc9\x07\x00", b"\xf2\x00\x11\x00\x00"];

fn chat() -> (Play, End, End) {
    let (mut play, c, s) = hello();
    play.setting.table = crate::TABLE;
    (play, c, s)
}

/// A frame of a WebSocket client.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let hidden = payload.iter().zip(KEY.iter().cycle()).map(|(b, k)| b ^ k);
    [&[first, 0x80 | payload.len() as u8][..], &KEY].concat().into_iter().chain(hidden).collect()
}

/// One of its server.
fn plain(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, payload.len() as u8][..], payload].concat()
}

/// First bytes and payloads of frames, unmasked.
fn frames(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut all = Vec::new();
    while let [first, len, rest @ ..] = bytes {
        let (key, rest) = if len & 0x80 != 0 { rest.split_at(4) } else { rest.split_at(0) };
        let (payload, rest) = rest.split_at(usize::from(len & 0x7f));
        let shown = payload.iter().enumerate().map(|(i, b)| b ^ key.get(i % 4).copied().unwrap_or(0)).collect();
        all.push((*first, shown));
        bytes = rest;
    }
    all
}

/// What a receiver reads whose window goes on from message to message.
fn inflated(window: &mut Inflater, payload: &[u8]) -> String {
    let mut out = Vec::new();
    window.push(&[payload, &[0, 0, 0xff, 0xff]].concat(), &mut out, 1 << 20).expect("good");
    String::from_utf8(out).expect("text")
}

/// Text in capitals, where there is any.
fn louder(t: &Transit) -> Judgement {
    if t.proto != "websocket" || &*t.line != b"text" {
        return Judgement::Pass;
    }
    assert_eq!((t.url.as_deref(), t.exchange, t.part, t.stage), (Some("https://a.test/chat"), 0, Part::Message, Stage::Whole));
    Judgement::Change(Box::new(Transit { body: t.body.to_ascii_uppercase().into(), ..t.clone() }))
}

#[test]
fn frames_of_a_websocket_in_a_stream_pass_untouched_wherever_data_is_cut() {
    let (play, mut c, mut s) = chat();
    let two = masked(0x82, &[7; 100]);
    let (begin, rest) = two.split_at(30);
    let padded = frame(kind::DATA, 8, 1, [&[3][..], &masked(0x89, b"ping"), &[0; 3]].concat());
    let play = play
        .client(c.headers(1, &[&ASK[..], &[DEFLATE]].concat(), false))
        .server(s.ok(1, &[DEFLATE], false))
        .client([data(1, masked(0x81, b"first"), false), data(1, begin, false), data(1, rest, false), padded].concat())
        .server([data(1, plain(0xc1, HELLO[0]), false), data(1, b"", false), data(1, plain(0xc1, HELLO[1]), false)].concat())
        .client([data(1, masked(0x88, b"\x03\xe8"), true)].concat())
        .server([data(1, plain(0x88, b"\x03\xe8"), true)].concat());
    passes_untouched(&play);
    let judged = play.run_all().judged;
    let lines: Vec<_> = judged.iter().filter(|t| t.proto == "websocket").map(|t| (&t.line[..], t.body.len())).collect();
    let want: [(&[u8], usize); 7] =
        [(b"text", 5), (b"binary", 100), (b"ping", 4), (b"text", 5), (b"text", 5), (b"close 1000", 0), (b"close 1000", 0)];
    assert_eq!(lines, want);
}

#[test]
fn a_message_goes_on_while_the_next_one_of_its_frame_is_not_whole() {
    let (play, mut c, mut s) = chat();
    let both = [masked(0x81, b"first"), masked(0x82, &[7; 100])].concat();
    let (begin, rest) = both.split_at(30);
    let mut play = play.client(c.headers(1, &ASK, false)).server(s.ok(1, &[], false)).client(data(1, begin, false));
    assert_eq!(body(&at_server(&play.run()), 1), masked(0x81, b"first"));
    play = play.client([data(1, rest, false), data(1, masked(0x89, b""), false)].concat());
    let played = play.run_cut(&mut |_| 1);
    assert_eq!(body(&at_server(&played), 1), [both.clone(), masked(0x89, b"")].concat());
    assert!(
        at_server(&played).contains(&Came::Data(1, rest.to_vec(), false)),
        "what follows goes on in the frames in which it came"
    );
}

#[test]
fn compressed_messages_in_a_stream_are_changed_and_later_ones_still_read() {
    fn judge(t: &Transit) -> Judgement {
        // The second alone goes on as it came: it refers to the first, which its receiver never got.
        if t.proto == "websocket" && t.dir == Dir::ToServer { louder(t) } else { Judgement::Pass }
    }
    let (play, mut c, mut s) = chat();
    let play = play
        .judged(judge)
        .client(c.headers(1, &[&ASK[..], &[DEFLATE]].concat(), false))
        .server(s.ok(1, &[DEFLATE], false))
        .client([data(1, masked(0xc1, HELLO[0]), false), data(1, masked(0xc1, HELLO[1]), true)].concat())
        .server(data(1, plain(0xc1, HELLO[0]), true));
    let played = play.run_all();
    let (came, mut window) = (at_server(&played), Inflater::new(Wrap::Raw));
    let read: Vec<_> = frames(&body(&came, 1)).iter().map(|(f, p)| (*f, inflated(&mut window, p))).collect();
    assert_eq!(read, [(0xc1, "HELLO".to_owned()), (0xc1, "HELLO".to_owned())]);
    assert!(matches!(came.last(), Some(Came::Data(1, _, true))), "the stream's end goes on: {came:?}");
    assert_eq!(at_client(&played).last(), Some(&Came::Data(1, plain(0xc1, HELLO[0]), true)));
}

#[test]
fn a_message_that_is_held_keeps_neither_what_stood_before_it_nor_other_streams() {
    let (play, mut c, mut s) = chat();
    let mut stage = Driver::new((SPEC.middle.expect("served").new)(&play.setting), &play);
    let mut tickets = Vec::new();
    let mut out = [Vec::new(), Vec::new()];
    let mut take = |middle: &mut Box<dyn wirelore_kit::middle::Middle>, mut steps: Vec<Step>| {
        while !steps.is_empty() {
            for step in std::mem::take(&mut steps) {
                match step {
                    Step::Send { dir, bytes } => out[dir.index()].extend_from_slice(&bytes),
                    Step::Judge { ticket, message } if message.body == "held" => tickets.push(ticket),
                    Step::Judge { ticket, .. } => {
                        middle.tell(wirelore_kit::middle::News::Judged { ticket, judgement: Judgement::Pass }, &mut steps);
                    }
                    other => panic!("{other:?}"),
                }
            }
            middle.idle(&mut steps);
        }
        (out.clone(), tickets.clone())
    };
    let beginning = play.acts.iter().map(|a| match a {
        super::trials::middle_support::Act::Bytes(d, b) => (*d, b.to_vec()),
        super::trials::middle_support::Act::End(..) => unreachable!("nothing ends yet"),
    });
    let both = [masked(0x81, b"free"), masked(0x81, b"held"), masked(0x81, b"later")].concat();
    let script = beginning.chain([
        (Dir::ToServer, c.headers(1, &ASK, false)),
        (Dir::ToClient, s.ok(1, &[], false)),
        (Dir::ToServer, [data(1, both, false), c.headers(3, &ASK, false)].concat()),
        (Dir::ToClient, [data(1, plain(0x81, b"back"), false), s.ok(3, &[], false)].concat()),
        (Dir::ToServer, data(3, masked(0x81, b"third"), false)),
    ]);
    let mut now = Default::default();
    for (dir, bytes) in script {
        let mut steps = Vec::new();
        stage.middle.push(dir, bytes.into(), &mut steps);
        now = take(&mut stage.middle, steps);
    }
    let ([up, down], tickets) = now;
    let (up, down) = (super::trials::read(&up), super::trials::read(&down));
    assert_eq!((body(&up, 1), body(&down, 1)), (masked(0x81, b"free"), plain(0x81, b"back")));
    assert_eq!(body(&up, 3), masked(0x81, b"third"));
    let mut steps = Vec::new();
    let news = wirelore_kit::middle::News::Judged { ticket: tickets[0], judgement: Judgement::Drop };
    stage.middle.tell(news, &mut steps);
    let ([up, _], _) = take(&mut stage.middle, steps);
    assert_eq!(body(&super::trials::read(&up), 1), [masked(0x81, b"free"), masked(0x81, b"later")].concat());
}

#[test]
fn what_a_client_sends_before_the_server_agrees_waits_and_passes_unread_when_it_does_not() {
    let (play, mut c, mut s) = chat();
    let early = [c.headers(1, &ASK, false), data(1, masked(0x81, b"early"), false)].concat();
    let no = play.clone().judged(louder).client(&early).server(s.headers(1, &[(":status", "403")], true)).run_all();
    assert_eq!(body(&at_server(&no), 1), masked(0x81, b"early"), "it is no WebSocket");
    let (_, _, mut s) = chat();
    let yes = play.judged(louder).client(&early).server(s.ok(1, &[], false)).run_all();
    assert_eq!(frames(&body(&at_server(&yes), 1)), [(0x81, b"EARLY".to_vec())]);
}

#[test]
fn what_breaks_the_rules_of_a_websocket_passes_on_and_is_told() {
    let (play, mut c, mut s) = chat();
    let odd = [masked(0x81, b"good"), plain(0x81, b"unmasked"), b"whatever".to_vec()].concat();
    let play = play
        .judged(louder)
        .client(c.headers(1, &ASK, false))
        .server(s.ok(1, &[], false))
        .client([data(1, &odd, false), data(1, b"more", true)].concat());
    let played = play.run();
    let want = [masked(0x81, b"GOOD"), plain(0x81, b"unmasked"), b"whatevermore".to_vec()].concat();
    assert_eq!(body(&at_server(&played), 1), want);
    assert!(played.was_told("websocket.note.client_unmasked"), "{:?}", played.told);
}

fn own(dir: Dir, exchange: u64, line: &'static str, bytes: &'static str) -> Transit {
    Transit {
        proto: "http2",
        dir,
        exchange,
        part: Part::Message,
        stage: Stage::Whole,
        line: line.into(),
        headers: Vec::new(),
        body: bytes.into(),
        trailers: Vec::new(),
        url: None,
    }
}

/// Has a script played, then messages of our own put in.
fn with_own(play: &Play, all: Vec<Transit>) -> (Vec<Result<(), String>>, Played) {
    let mut stage = Driver::new((SPEC.middle.expect("served").new)(&play.setting), play);
    for act in &play.acts {
        match act {
            super::trials::middle_support::Act::Bytes(d, b) => stage.push(*d, b.clone()),
            super::trials::middle_support::Act::End(d, e) => stage.end(*d, *e),
        }
    }
    stage.settle();
    let mut said = Vec::new();
    for one in all {
        let mut steps = Vec::new();
        said.push(stage.middle.inject(one, &mut steps));
        for step in steps {
            let Step::Send { dir, bytes } = step else { panic!("{step:?}") };
            match dir {
                Dir::ToServer => stage.played.to_server[0].1.extend_from_slice(&bytes),
                Dir::ToClient => stage.played.to_client.extend_from_slice(&bytes),
            }
        }
    }
    (said, stage.played)
}

#[test]
fn messages_of_our_own_go_into_streams_of_websocket_and_grpc_and_nowhere_else() {
    let grpc = [("content-type", "application/grpc")];
    let (play, mut c, mut s) = chat();
    let message = |m: &[u8]| [&[0, 0, 0, 0, m.len() as u8][..], m].concat();
    let play = play
        .client([c.headers(1, &ASK, false), c.post(3, "/call", &grpc), c.post(5, "/plain", &[])].concat())
        .server([s.ok(1, &[], false), s.ok(3, &grpc, false)].concat())
        .client([data(1, masked(0x81, b"a"), false), data(3, message(b"one"), false)].concat())
        .server(data(1, plain(0x81, b"b"), false));
    let (said, played) = with_own(
        &play,
        vec![
            own(Dir::ToServer, 0, "text", "mine"),
            own(Dir::ToClient, 0, "close 1001 bye", ""),
            own(Dir::ToServer, 1, "grpc", "two"),
            own(Dir::ToClient, 1, "grpc", "back"),
            own(Dir::ToServer, 2, "text", "no"),
            own(Dir::ToServer, Transit::ANY, "text", "no"),
        ],
    );
    assert!(said[..4].iter().all(Result::is_ok), "{said:?}");
    let refused: Vec<&str> = said[4..].iter().map(|s| s.as_ref().expect_err("refused").as_str()).collect();
    assert!(refused[0].contains("exchange 2 is no stream that takes a message to the server"), "{refused:?}");
    assert!(refused[1].ends_with("say which with `exchange`: 0, 1"), "{refused:?}");
    let (up, down) = (at_server(&played), at_client(&played));
    assert_eq!(frames(&body(&up, 1)), [(0x81, b"a".to_vec()), (0x81, b"mine".to_vec())]);
    assert_eq!(frames(&body(&down, 1)), [(0x81, b"b".to_vec()), (0x88, b"\x03\xe9bye".to_vec())]);
    assert_eq!((body(&up, 3), body(&down, 3)), ([message(b"one"), message(b"two")].concat(), message(b"back")));
    assert_eq!(value(&up, 5, ":path"), Some("/plain"));
}

#[test]
fn where_no_stream_takes_a_message_it_is_said() {
    let (play, mut c, _) = chat();
    let (said, played) = with_own(&play.client(c.post(1, "/plain", &[])), vec![own(Dir::ToServer, Transit::ANY, "text", "no")]);
    assert!(said[0].as_ref().is_err_and(|e| e.contains("no such stream is open")), "{said:?}");
    assert_eq!(body(&at_server(&played), 1), Bytes::new());
}
