//! HTTP/2 in the middle, by scripts: what is passed goes on byte for byte, what is changed goes on as others read it, whatever waits keeps nobody else waiting.

#[path = "../../tests/middle_support/mod.rs"]
pub(super) mod middle_support;

use super::super::SPEC;
use super::super::frame::{self, HEAD, Head, PREFACE, kind};
use super::super::hpack::encode::{Encoder, Line};
use super::super::hpack::table::Table;
use super::super::hpack::{Form, Scratch, decode};
use super::write::{self, Around};
use bytes::Bytes;
use middle_support::{Play, Played, passes_untouched};
use wirelore_kit::middle::{Judgement, Middle, News, Part, Stage, Step, Transit};
use wirelore_kit::{BufId, Dir, Span};

/// One end of a connection that writes frames.
#[derive(Default)]
pub(super) struct End {
    encoder: Encoder,
}

pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Vec<u8> {
    let payload = payload.as_ref();
    let mut out = (payload.len() as u32).to_be_bytes()[1..].to_vec();
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    out.extend(payload);
    out
}

pub(super) fn data(stream: u32, bytes: impl AsRef<[u8]>, ends: bool) -> Vec<u8> {
    frame(kind::DATA, u8::from(ends), stream, bytes)
}

fn window(stream: u32, more: u32) -> Vec<u8> {
    frame(kind::WINDOW_UPDATE, 0, stream, more.to_be_bytes())
}

pub(super) fn settings(pairs: &[(u16, u32)]) -> Vec<u8> {
    let payload: Vec<u8> = pairs.iter().flat_map(|(id, v)| [&id.to_be_bytes()[..], &v.to_be_bytes()].concat()).collect();
    frame(kind::SETTINGS, 0, 0, payload)
}

pub(super) fn ack() -> Vec<u8> {
    frame(kind::SETTINGS, frame::ACK, 0, b"")
}

impl End {
    pub(super) fn headers(&mut self, stream: u32, fields: &[(&str, &str)], ends: bool) -> Vec<u8> {
        let lines: Vec<Line> = fields.iter().map(|(n, v)| Line::new((*n).to_owned(), (*v).to_owned())).collect();
        let fragment = self.encoder.block(&lines);
        write::block(&fragment, Around { stream, promised: 0, priority: None, ends }).to_vec()
    }

    fn get(&mut self, stream: u32, path: &str) -> Vec<u8> {
        self.headers(
            stream,
            &[(":method", "GET"), (":scheme", "https"), (":authority", "a.test"), (":path", path), ("x-a", path)],
            true,
        )
    }

    pub(super) fn post(&mut self, stream: u32, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
        let head = [(":method", "POST"), (":scheme", "https"), (":authority", "a.test"), (":path", path)];
        self.headers(stream, &[&head[..], more].concat(), false)
    }

    pub(super) fn ok(&mut self, stream: u32, more: &[(&str, &str)], ends: bool) -> Vec<u8> {
        self.headers(stream, &[&[(":status", "200")][..], more].concat(), ends)
    }
}

/// Both ends and a beginning.
pub(super) fn hello() -> (Play, End, End) {
    let client = [PREFACE, &settings(&[(4, 1 << 20)]), &window(0, 1 << 20)].concat();
    let play = Play::between(&SPEC).client(client).server([settings(&[(3, 100)]), ack()].concat()).client(ack());
    (play.judged(|_| Judgement::Pass), End::default(), End::default())
}

/// What came to one end: frames, with header blocks read as its decoder reads them.
#[derive(Debug, PartialEq, Clone)]
pub(super) enum Came {
    Head(u32, Vec<(String, String)>, bool),
    Data(u32, Vec<u8>, bool),
    Reset(u32, u32),
    Window(u32, u32),
    Away(u32, u32),
    Other(u8, u32),
}

pub(super) fn read(bytes: &[u8]) -> Vec<Came> {
    let (mut at, mut all, mut table) =
        (if bytes.starts_with(PREFACE) { PREFACE.len() } else { 0 }, Vec::new(), Table::new(false));
    let mut block: Option<(u32, Vec<u8>, bool)> = None;
    while let Some(head) = bytes.get(at..).and_then(Head::of) {
        let frame = Bytes::copy_from_slice(&bytes[at..at + head.whole()]);
        at += head.whole();
        let payload = write::unpadded(&head, &frame).unwrap();
        let word = |at: usize| u32::from_be_bytes(payload[at..at + 4].try_into().unwrap());
        match head.kind {
            kind::HEADERS | kind::CONTINUATION => {
                let skip = if head.kind == kind::HEADERS && head.has(frame::PRIORITY) { 5 } else { 0 };
                let b = block.get_or_insert((head.stream, Vec::new(), head.has(frame::END_STREAM)));
                b.1.extend_from_slice(&payload[skip..]);
                if head.has(frame::END_HEADERS) {
                    let (stream, fragment, ends) = block.take().unwrap();
                    let mut fields = Vec::new();
                    let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
                    let went = decode(&fragment, Span::new(BufId::part(0), 0, 0), &mut table, &mut Scratch::default(), |item| {
                        if item.form != Form::Resize {
                            fields.push((text(item.name), text(item.value)));
                        }
                        Ok(())
                    });
                    let went = went.unwrap();
                    assert!(went.wrong.is_none() && !went.too_large && !went.late_resize, "{went:?}");
                    all.push(Came::Head(stream, fields, ends));
                }
            }
            kind::DATA => all.push(Came::Data(head.stream, payload.to_vec(), head.has(frame::END_STREAM))),
            kind::RST_STREAM => all.push(Came::Reset(head.stream, word(0))),
            kind::WINDOW_UPDATE => all.push(Came::Window(head.stream, word(0))),
            kind::GOAWAY => all.push(Came::Away(word(0), word(4))),
            other => all.push(Came::Other(other, head.stream)),
        }
    }
    assert_eq!(at, bytes.len(), "frames are whole");
    assert!(block.is_none());
    all
}

/// When credit is given depends on how the bytes come; what is said does not.
fn each_cut(play: &Play, check: impl Fn(&Played)) {
    for size in [usize::MAX, 1, 7, 1000, 20_011] {
        check(&play.run_cut(&mut |_| size));
    }
}

pub(super) fn at_server(p: &Played) -> Vec<Came> {
    read(&p.to_server[0].1)
}

pub(super) fn at_client(p: &Played) -> Vec<Came> {
    read(&p.to_client)
}

pub(super) fn value<'c>(came: &'c [Came], stream: u32, name: &str) -> Option<&'c str> {
    came.iter().find_map(|c| match c {
        Came::Head(s, fields, _) if *s == stream => fields.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str()),
        _ => None,
    })
}

pub(super) fn body(came: &[Came], stream: u32) -> Vec<u8> {
    came.iter()
        .filter_map(|c| if let Came::Data(s, d, _) = c { (*s == stream).then_some(&d[..]) } else { None })
        .flatten()
        .copied()
        .collect()
}

#[test]
fn what_is_passed_goes_on_byte_for_byte() {
    let (play, mut c, mut s) = hello();
    let play = play
        .client([c.get(1, "/a"), c.get(3, "/b"), frame(kind::PING, 0, 0, [7; 8])].concat())
        .server([s.ok(3, &[("x", "y")], false), data(3, [1; 9000], false), s.ok(1, &[("x", "y")], false)].concat())
        .client([window(3, 9000), window(0, 9000)].concat())
        .server([data(1, b"abc", true), data(3, [2; 100], true), frame(kind::PING, 1, 0, [7; 8])].concat())
        .client(frame(kind::GOAWAY, 0, 0, [0; 8]));
    let want = play.run_all();
    let sent = |dir: Dir| -> Vec<u8> {
        let of = |a: &middle_support::Act| match a {
            middle_support::Act::Bytes(d, b) if *d == dir => b.to_vec(),
            _ => Vec::new(),
        };
        play.acts.iter().flat_map(of).collect()
    };
    assert_eq!(want.to_server[0].1, sent(Dir::ToServer));
    assert_eq!(want.to_client, sent(Dir::ToClient));
    assert_eq!(want.judged.len(), 4);
    let q = &want.judged[0];
    assert_eq!((&q.line[..], q.url.as_deref(), q.part), (&b"GET /a HTTP/2"[..], Some("https://a.test/a"), Part::Request));
    assert_eq!(q.headers[1], (":authority".into(), "a.test".into()));
}

#[test]
fn one_exchange_goes_on_untouched_with_padding_priority_and_trailers_however_it_is_judged() {
    let (play, mut c, mut s) = hello();
    let fragment = |block: Vec<u8>| block[HEAD..].to_vec();
    let post = fragment(c.post(1, "/p", &[("content-length", "4")]));
    let padded = frame(kind::HEADERS, 0x2c, 1, [&[3][..], &[0, 0, 0, 0, 200], &post, &[0; 3]].concat());
    let long = fragment(s.ok(1, &[("x-long", &"l".repeat(300))], false));
    let (first, rest) = long.split_at(100);
    let cut = [frame(kind::HEADERS, 0, 1, first), frame(kind::CONTINUATION, 4, 1, rest)].concat();
    let play = play
        .client([padded, frame(kind::DATA, 0x9, 1, [&[5][..], b"body", &[0; 5]].concat())].concat())
        .server([cut, data(1, b"hello", false), s.headers(1, &[("grpc-status", "0")], true)].concat());
    passes_untouched(&play);
}

#[test]
fn a_header_that_is_added_is_read_by_the_other_side_and_so_is_all_that_follows() {
    fn judge(t: &Transit) -> Judgement {
        if !t.line.starts_with(b"GET /b") {
            return Judgement::Pass;
        }
        let mut to = t.clone();
        to.headers.push(("X-Added".into(), "1\r\n".into()));
        to.line = "GET /other HTTP/2".into();
        Judgement::Change(Box::new(to))
    }
    let (play, mut c, mut s) = hello();
    let play = play
        .judged(judge)
        .client([c.get(1, "/a"), c.get(3, "/b"), c.get(5, "/a")].concat())
        .server(s.ok(1, &[], true))
        .client(c.get(7, "/b"));
    let played = play.run_all();
    let came = at_server(&played);
    for (stream, path) in [(1, "/a"), (3, "/other"), (5, "/a"), (7, "/other")] {
        assert_eq!(value(&came, stream, ":path"), Some(path));
        assert_eq!(value(&came, stream, "x-added"), (path == "/other").then_some("1"));
    }
    assert_eq!(value(&came, 7, "x-a"), Some("/b"));
}

#[test]
fn a_body_is_changed_and_its_length_and_all_credit_follow() {
    fn judge(t: &Transit) -> Judgement {
        match (t.part, t.stage) {
            (Part::Request, _) => Judgement::Pass,
            (_, Stage::Head) => Judgement::Body,
            _ => {
                assert_eq!(t.body.len(), 40_000);
                let mut to = t.clone();
                to.body = vec![b'n'; if t.url.as_deref() == Some("https://a.test/long") { 90_000 } else { 10 }].into();
                Judgement::Change(Box::new(to))
            }
        }
    }
    let (play, mut c, mut s) = hello();
    let answer = |s: &mut End, stream: u32| {
        let parts = (0..4).map(|i| data(stream, vec![i; 10_000], i == 3)).collect::<Vec<_>>().concat();
        [s.ok(stream, &[("content-length", "40000")], false), parts].concat()
    };
    let play = play
        .judged(judge)
        .client([c.get(1, "/long"), c.get(3, "/short")].concat())
        .server(answer(&mut s, 1))
        .server(answer(&mut s, 3))
        .client([window(0, 60_000), window(1, 60_000)].concat());
    each_cut(&play, |played| {
        let came = at_client(played);
        assert_eq!((value(&came, 1, "content-length"), value(&came, 3, "content-length")), (Some("90000"), Some("10")));
        assert_eq!((body(&came, 1).len(), body(&came, 3)), (90_000, vec![b'n'; 10]));
        assert_eq!(came.iter().filter(|c| matches!(c, Came::Data(.., true))).count(), 2);
        // The server sent 80,000 bytes, the client got 90,010: what the server may send in all is what the client allows, less these 10,010.
        let allowed: u32 =
            at_server(played).iter().filter_map(|c| if let Came::Window(0, n) = c { Some(*n) } else { None }).sum();
        let due = (1 << 20) + 60_000 - 10_010;
        assert!(allowed <= due && allowed + (16 << 10) > due, "{allowed} of {due}");
    });
}

#[test]
fn a_held_request_keeps_nobody_waiting_and_goes_under_a_higher_number_later() {
    let (play, mut c, mut s) = hello();
    let mut stage = middle_support::Stage::new((SPEC.middle.expect("served").new)(&play.setting), &play);
    for act in &play.acts {
        match act {
            middle_support::Act::Bytes(d, b) => stage.push(*d, b.clone()),
            middle_support::Act::End(d, e) => stage.end(*d, *e),
        }
    }
    let mut out: [Vec<u8>; 2] = [stage.played.to_server[0].1.clone(), stage.played.to_client.clone()];
    let mut tickets = Vec::new();
    let middle: &mut Box<dyn Middle> = &mut stage.middle;
    let mut take = |steps: Vec<Step>, tickets: &mut Vec<(u64, Transit)>| {
        for step in steps {
            match step {
                Step::Send { dir, bytes } => out[dir.index()].extend_from_slice(&bytes),
                Step::Judge { ticket, message } => tickets.push((ticket, *message)),
                Step::Told { note, words } => panic!("{}: {words}", note.name),
                other => panic!("{other:?}"),
            }
        }
        out.clone()
    };
    let push = |middle: &mut Box<dyn Middle>, dir, bytes: Vec<u8>| {
        let mut steps = Vec::new();
        middle.push(dir, bytes.into(), &mut steps);
        middle.idle(&mut steps);
        steps
    };
    let judged = |middle: &mut Box<dyn Middle>, ticket, judgement| {
        let mut steps = Vec::new();
        middle.tell(News::Judged { ticket, judgement }, &mut steps);
        middle.idle(&mut steps);
        steps
    };
    let held = [c.post(1, "/held", &[]), data(1, [9; 16_000], false), data(1, [9; 14_000], true)].concat();
    take(push(middle, Dir::ToServer, [held, c.get(3, "/free")].concat()), &mut tickets);
    assert_eq!(tickets.len(), 2, "both are to be judged");
    let free = tickets.pop().expect("two").0;
    let [up, _] = take(judged(middle, free, Judgement::Pass), &mut tickets);
    let came = read(&up);
    assert_eq!((value(&came, 3, ":path"), value(&came, 1, ":path")), (Some("/free"), None));
    let [_, down] = take(push(middle, Dir::ToClient, s.ok(3, &[("x", "free")], true)), &mut tickets);
    assert_eq!(value(&read(&down), 3, "x"), None, "the answer is judged first");
    let answer = tickets.pop().expect("the answer").0;
    let [_, down] = take(judged(middle, answer, Judgement::Pass), &mut tickets);
    assert_eq!(value(&read(&down), 3, "x"), Some("free"));
    assert!(read(&down).contains(&Came::Window(0, 30_000)), "what is held does not take the others' credit: {:?}", read(&down));
    let held = tickets.pop().expect("the first").0;
    let [up, _] = take(judged(middle, held, Judgement::Pass), &mut tickets);
    let came = read(&up);
    assert_eq!((value(&came, 5, ":path"), body(&came, 5).len()), (Some("/held"), 30_000), "a number that was not used yet");
    take(push(middle, Dir::ToClient, [s.ok(5, &[("x", "held")], false), data(5, b"late", true)].concat()), &mut tickets);
    let answer = tickets.pop().expect("its answer").0;
    let [_, down] = take(judged(middle, answer, Judgement::Pass), &mut tickets);
    assert_eq!((value(&read(&down), 1, "x"), body(&read(&down), 1)), (Some("held"), b"late".to_vec()));
    // The client's next streams follow, its stream 5 as 7.
    take(push(middle, Dir::ToServer, c.get(5, "/next")), &mut tickets);
    let next = tickets.pop().expect("the next").0;
    let [up, _] = take(judged(middle, next, Judgement::Pass), &mut tickets);
    assert_eq!(value(&read(&up), 7, ":path"), Some("/next"));
}

#[test]
fn an_answer_of_ours_takes_the_requests_place_and_its_body_is_thrown_away() {
    fn judge(t: &Transit) -> Judgement {
        if t.part != Part::Request {
            return Judgement::Pass;
        }
        let answer = Transit {
            dir: Dir::ToClient,
            part: Part::Response,
            line: "HTTP/1.1 403 Forbidden".into(),
            headers: vec![("Content-Type".into(), "text/plain".into()), ("Connection".into(), "close".into())],
            body: "no\n".into(),
            ..t.clone()
        };
        if t.line.starts_with(b"POST") { Judgement::Answer(Box::new(answer)) } else { Judgement::Pass }
    }
    let (play, mut c, mut s) = hello();
    let up = (0..20).map(|i| data(1, [1; 3000], i == 19)).collect::<Vec<_>>().concat();
    let play = play.judged(judge).client([c.post(1, "/p", &[]), up].concat()).client(c.get(3, "/x")).server(s.ok(3, &[], true));
    each_cut(&play, |played| {
        let (client, server) = (at_client(played), at_server(played));
        assert_eq!((value(&client, 1, ":status"), value(&client, 1, "connection")), (Some("403"), None));
        assert_eq!(body(&client, 1), b"no\n");
        assert!(!server.iter().any(|c| matches!(c, Came::Head(1, ..) | Came::Data(1, ..))), "{server:?}");
        assert_eq!(value(&server, 3, ":path"), Some("/x"));
        let given: u32 = client.iter().filter_map(|c| if let Came::Window(0, n) = c { Some(*n) } else { None }).sum();
        assert!((44_000..=60_000).contains(&given), "what was thrown away is given back: {given}");
    });
}

#[test]
fn a_dropped_request_is_cancelled_and_the_server_never_hears_of_it() {
    fn judge(t: &Transit) -> Judgement {
        if t.line.starts_with(b"GET /drop") { Judgement::Drop } else { Judgement::Pass }
    }
    let (play, mut c, mut s) = hello();
    let play = play.judged(judge).client([c.get(1, "/drop"), window(1, 5), c.get(3, "/x")].concat()).server(s.ok(
        3,
        &[("a", "b")],
        true,
    ));
    let played = play.run_all();
    assert!(at_client(&played).contains(&Came::Reset(1, 8)));
    assert!(!at_server(&played).iter().any(|c| matches!(c, Came::Head(1, ..) | Came::Window(1, _) | Came::Reset(1, _))));
    assert_eq!(value(&at_client(&played), 3, "a"), Some("b"));
}

#[test]
fn messages_of_grpc_are_judged_one_by_one_while_the_stream_goes_on() {
    fn message(text: &[u8]) -> Vec<u8> {
        [&[0][..], &(text.len() as u32).to_be_bytes(), text].concat()
    }
    fn judge(t: &Transit) -> Judgement {
        match t.part {
            Part::Message if &t.body[..] == b"two" => {
                Judgement::Change(Box::new(Transit { body: "changed".into(), ..t.clone() }))
            }
            Part::Message if &t.body[..] == b"drop" => Judgement::Drop,
            Part::Message => Judgement::Pass,
            // A rule looks at bodies; of a stream of messages there is none to wait for.
            _ if t.stage == Stage::Head => Judgement::Body,
            _ => panic!("never whole"),
        }
    }
    let (play, mut c, mut s) = hello();
    let grpc = [("content-type", "application/grpc+proto")];
    let play = play
        .judged(judge)
        .client([c.post(1, "/S/Call", &grpc), data(1, message(b"one"), false)].concat())
        .server([s.ok(1, &grpc, false), data(1, message(b"first"), false)].concat())
        .client(data(1, [message(b"two"), message(b"three")].concat(), false))
        .client(data(1, [&message(b"fo")[..3]].concat(), false))
        .client(data(1, [&message(b"fo")[3..], &message(b"drop")].concat(), true))
        .server([data(1, message(b"two"), false), s.headers(1, &[("grpc-status", "0")], true)].concat());
    let played = play.run_all();
    let (client, server) = (at_client(&played), at_server(&played));
    let want = [message(b"one"), message(b"changed"), message(b"three"), message(b"fo")].concat();
    assert_eq!(String::from_utf8_lossy(&body(&server, 1)), String::from_utf8_lossy(&want));
    assert!(matches!(server.iter().rfind(|c| matches!(c, Came::Data(..))), Some(Came::Data(1, _, true))));
    assert_eq!(body(&client, 1), [message(b"first"), message(b"changed")].concat());
    assert!(matches!(client.last(), Some(Came::Head(1, f, true)) if f[0].0 == "grpc-status"));
    assert_eq!(played.judged.iter().filter(|t| t.part == Part::Message).count(), 7);
}

#[test]
fn what_breaks_the_rules_ends_the_connection_with_its_cause() {
    let (_, mut c, _) = hello();
    let get = c.get(1, "/");
    let cases: [(&str, Vec<u8>, u32); 12] = [
        ("http2.note.frame_too_long", frame(kind::DATA, 0, 1, vec![0; 16_385]), 6),
        ("http2.note.stream_zero", data(0, b"x", false), 1),
        ("http2.note.bad_length", frame(kind::WINDOW_UPDATE, 0, 0, b"abc"), 6),
        ("http2.note.bad_length", frame(kind::SETTINGS, 0, 0, b"abcde"), 6),
        ("http2.note.continuation_alone", frame(kind::CONTINUATION, 4, 1, b""), 1),
        ("http2.note.hpack_index", frame(kind::HEADERS, 5, 1, [0xff, 0xff, 0x01]), 9),
        ("http2.note.stream_idle", data(9, b"x", false), 1),
        ("http2.note.stream_parity", [frame(kind::HEADERS, 5, 2, b"\x82")].concat(), 1),
        ("http2.note.window_overflow", window(0, 0x7fff_ffff), 3),
        ("http2.note.block_interrupted", [&get[..3], &[1, 0], &get[5..], &window(0, 1)].concat(), 1),
        (
            "http2.note.block_too_long",
            {
                let mut flood = frame(kind::HEADERS, 0, 1, b"\x82");
                (0..400).for_each(|_| flood.extend(frame(kind::CONTINUATION, 0, 1, b"")));
                flood
            },
            11,
        ),
        ("http2.note.settings_flood", (0..100).flat_map(|_| settings(&[(4, 1)])).collect(), 11),
    ];
    for (note, bytes, error) in cases {
        let (play, ..) = hello();
        let played = play.client(bytes).run_all();
        assert!(played.was_told(note) && played.closed, "{note}: {}", played.shown());
        assert!(matches!(at_client(&played).last(), Some(Came::Away(_, e)) if *e == error), "{note}: {:?}", at_client(&played));
        assert!(matches!(at_server(&played).last(), Some(Came::Away(_, 0))), "{note}");
    }
}

#[test]
fn a_smaller_table_is_told_before_the_first_field_of_ours() {
    fn judge(t: &Transit) -> Judgement {
        let mut to = t.clone();
        to.headers.push(("x-b".into(), "b".into()));
        if t.line.starts_with(b"GET /b") { Judgement::Change(Box::new(to)) } else { Judgement::Pass }
    }
    let (play, mut c, mut s) = hello();
    let before = play.judged(judge).client(c.get(1, "/b")).server([s.ok(1, &[], true), settings(&[(1, 100)])].concat());
    c.encoder.allow(100);
    let play = before.client([ack(), c.get(3, "/a"), c.get(5, "/b")].concat());
    let played = play.run_all();
    let bytes = &played.to_server[0].1;
    let mut at = PREFACE.len();
    let mut sizes = Vec::new();
    while let Some(h) = bytes.get(at..).and_then(Head::of) {
        if h.kind == kind::HEADERS && h.stream > 1 {
            sizes.push(bytes[at + HEAD] & 0xe0 == 0x20);
        }
        at += h.whole();
    }
    assert_eq!(sizes, [true, false], "once, in front");
    assert_eq!(value(&at_server(&played), 5, "x-b"), Some("b"));
}

#[test]
fn a_tunnel_of_a_websocket_flows_both_ways() {
    let (play, mut c, mut s) = hello();
    let ask =
        [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/chat"), (":authority", "a.test")];
    let play = play
        .judged(|t| if t.stage == Stage::Head { Judgement::Body } else { Judgement::Pass })
        .client([c.headers(1, &ask, false), data(1, b"ab", false)].concat())
        .server([s.ok(1, &[], false), data(1, b"cd", false)].concat());
    let played = play.run_all();
    assert_eq!((body(&at_server(&played), 1), body(&at_client(&played), 1)), (b"ab".to_vec(), b"cd".to_vec()));
}
