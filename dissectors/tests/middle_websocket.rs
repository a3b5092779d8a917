//! WebSocket in the middle: frames, fragments, masks and compression, what is judged of them and what a change makes of them.

mod middle_support;

use bytes::Bytes;
use middle_support::{Play, Stage as Driver, passes_untouched};
use miniz_oxide::deflate::core::{CompressorOxide, TDEFLFlush, compress_to_output, create_comp_flags_from_zip_params};
use wirelore_dissectors::websocket::SPEC;
use wirelore_kit::middle::{Judgement, Middle, Step, Transit};
use wirelore_kit::{Dir, Fact, Hint, Inflater, Side, Wrap};

const MASK: [u8; 4] = [1, 2, 3, 4];

fn frame(first: u8, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    let masked = if mask.is_some() { 0x80 } else { 0 };
    match payload.len() {
        n @ ..=125 => out.push(masked | n as u8),
        n @ ..=0xffff => {
            out.push(masked | 126);
            out.extend_from_slice(&(n as u16).to_be_bytes());
        }
        n => {
            out.push(masked | 127);
            out.extend_from_slice(&(n as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&mask.unwrap_or_default()[..if mask.is_some() { 4 } else { 0 }]);
    out.extend(payload.iter().zip(mask.unwrap_or_default().iter().cycle()).map(|(b, m)| b ^ m));
    out
}

fn from_client(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(first, Some(MASK), payload.as_ref())
}

fn from_server(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(first, None, payload.as_ref())
}

fn agreed(extensions: &str) -> Play {
    let mut play = Play::between(&SPEC);
    let fact = |from, name: &str, value: &str| Fact { from, name: name.into(), value: value.as_bytes().into() };
    let mut facts = vec![fact(Side::Client, "path", "/chat")];
    if !extensions.is_empty() {
        facts.push(fact(Side::Client, "sec-websocket-extensions", extensions));
        facts.push(fact(Side::Server, "sec-websocket-extensions", extensions));
    }
    play.setting.start.hint = Hint::upgrade("websocket", facts);
    play
}

/// A sender that compresses from message to message.
struct Sender(Box<CompressorOxide>);

impl Sender {
    fn new() -> Sender {
        Sender(Box::new(CompressorOxide::new(create_comp_flags_from_zip_params(6, -15, 0))))
    }

    fn send(&mut self, text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        compress_to_output(&mut self.0, text.as_bytes(), TDEFLFlush::Sync, |b| {
            out.extend_from_slice(b);
            true
        });
        out.truncate(out.len() - 4);
        out
    }
}

/// What a receiver reads that decompresses from message to message: opcode and text of each message of whole frames.
fn received(mut bytes: &[u8]) -> Vec<(u8, String)> {
    let mut inflater = Inflater::new(Wrap::Raw);
    let mut out = Vec::new();
    while bytes.len() > 1 {
        let (masked, short) = (bytes[1] & 0x80 != 0, usize::from(bytes[1] & 0x7f));
        let (extended, len) = match short {
            126 => (2, usize::from(u16::from_be_bytes([bytes[2], bytes[3]]))),
            127 => (8, u64::from_be_bytes(bytes[2..10].try_into().expect("eight")) as usize),
            n => (0, n),
        };
        let head = 2 + extended + if masked { 4 } else { 0 };
        let mask: [u8; 4] = if masked { bytes[head - 4..head].try_into().expect("four") } else { [0; 4] };
        let payload: Vec<u8> = bytes[head..head + len].iter().zip(mask.iter().cycle()).map(|(b, m)| b ^ m).collect();
        let mut clear = Vec::new();
        if bytes[0] & 0x40 != 0 {
            for part in [&payload[..], &[0, 0, 0xff, 0xff]] {
                assert_eq!(inflater.push(part, &mut clear, 1 << 20), Ok(part.len()));
            }
        } else {
            clear = payload;
        }
        out.push((bytes[0], String::from_utf8_lossy(&clear).into_owned()));
        bytes = &bytes[head + len..];
    }
    out
}

fn edit(t: &Transit) -> Judgement {
    if t.body.starts_with(b"secret") {
        let body = String::from_utf8_lossy(&t.body).replace("secret", "public").into();
        Judgement::Change(Box::new(Transit { body, ..t.clone() }))
    } else if t.body.starts_with(b"drop") {
        Judgement::Drop
    } else {
        Judgement::Pass
    }
}

#[test]
fn whatever_passes_is_untouched() {
    passes_untouched(
        &agreed("")
            .client(from_client(0x81, "hello"))
            .server(from_server(0x82, [0u8; 300]))
            .client(from_client(0x89, "ping"))
            .server(from_server(0x8a, "ping"))
            .client([from_client(0x01, "frag"), from_client(0x00, "men"), from_client(0x80, "ted")].concat())
            .server(from_server(0x82, vec![7u8; 70_000]))
            .client(from_client(0x81, ""))
            .client(from_client(0x88, [3, 232, b'b', b'y', b'e']))
            .server(from_server(0x88, [3, 232])),
    );
    let mut sender = Sender::new();
    let compressed: Vec<u8> =
        ["one one one", "one one one two", ""].iter().flat_map(|t| from_server(0xc1, sender.send(t))).collect();
    passes_untouched(&agreed("permessage-deflate").server(compressed));
}

#[test]
fn frames_that_break_the_rules_go_on_as_they_are_and_end_the_judging() {
    let cases: [(Vec<u8>, &str); 8] = [
        (frame(0x81, None, b"unmasked"), "websocket.note.client_unmasked"),
        (from_client(0xc1, "rsv1"), "websocket.note.reserved_bits"),
        (from_client(0x83, "reserved"), "websocket.note.reserved_opcode"),
        (from_client(0x09, "half a ping"), "websocket.note.control_fragmented"),
        (from_client(0x89, [0; 126]), "websocket.note.control_too_long"),
        (from_client(0x80, "nothing"), "websocket.note.nothing_to_continue"),
        ([from_client(0x01, "a"), from_client(0x01, "b")].concat(), "websocket.note.not_continued"),
        ([from_client(0x01, "a"), from_client(0x00, [0xff]), from_client(0x80, "b")].concat(), "websocket.note.not_utf8"),
    ];
    for (bytes, note) in cases {
        let play = agreed("").client(from_client(0x81, "good")).client(bytes).client("and so on");
        passes_untouched(&play);
        let p = play.judged(edit).run_all();
        assert!(p.opaque && p.was_told(note), "{note}: {}", p.shown());
    }
}

#[test]
fn messages_are_judged_whole_and_a_ping_between_fragments_does_not_wait() {
    let p = agreed("")
        .client([from_client(0x01, "sec"), from_client(0x89, "p"), from_client(0x00, "ret"), from_client(0x80, " plan")].concat())
        .server(from_server(0x88, [3, 232, b'b', b'y', b'e']))
        .judged(edit)
        .run_all();
    let lines: Vec<(&[u8], &[u8])> = p.judged.iter().map(|t| (&*t.line, &*t.body)).collect();
    assert_eq!(lines, [(&b"ping"[..], &b"p"[..]), (b"text", b"secret plan"), (b"close 1000 bye", b"")]);
    let want = [from_client(0x89, "p"), from_client(0x81, "public plan")].concat();
    assert_eq!(p.to_server[0].1, want, "one frame with the mask of the first");
}

#[test]
fn a_close_can_be_changed_by_its_words() {
    let p = agreed("")
        .server(from_server(0x88, [3, 232, b'b', b'y', b'e']))
        .judged(|t| Judgement::Change(Box::new(Transit { line: "close 1008 no such luck".into(), ..t.clone() })))
        .run_all();
    assert_eq!(p.to_client, from_server(0x88, [&[3, 240][..], b"no such luck"].concat()));
}

#[test]
fn behind_a_changed_or_dropped_message_the_receiver_still_reads_every_compressed_one() {
    for extensions in [
        "permessage-deflate",
        "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
        "permessage-deflate; server_max_window_bits=9; client_max_window_bits=9",
    ] {
        let fresh = extensions.contains("takeover");
        let texts = [
            "common words, common words",
            "secret common words",
            "common words again",
            "drop common words",
            "common words again, again",
        ];
        for dir in Dir::BOTH {
            let mut sender = Sender::new();
            let mut play = agreed(extensions).judged(edit);
            for text in texts {
                let made = sender.send(text);
                play = if dir == Dir::ToServer {
                    play.client(from_client(0xc1, made))
                } else {
                    play.server(from_server(0xc1, made))
                };
                if fresh {
                    sender = Sender::new();
                }
            }
            let p = play.run_all();
            let sent = if dir == Dir::ToServer { &p.to_server[0].1 } else { &p.to_client };
            let read: Vec<String> = received(sent).into_iter().map(|m| m.1).collect();
            let want = ["common words, common words", "public common words", "common words again", "common words again, again"];
            assert_eq!(read, want, "{extensions} {dir:?}");
        }
    }
}

#[test]
fn a_message_too_long_to_be_gathered_goes_on_and_the_next_one_is_judged() {
    let long = vec![b'x'; 17 << 20];
    for fragments in [1usize, 5] {
        let mut bytes = Vec::new();
        for (i, part) in long.chunks(long.len().div_ceil(fragments)).enumerate() {
            let last = (i + 1) * part.len() >= long.len() || i + 1 == fragments;
            bytes.extend(from_client(if i == 0 { 1 } else { 0 } | if last { 0x80 } else { 0 }, part));
        }
        let play = agreed("").client(&bytes).client(from_client(0x81, "secret")).judged(edit);
        let p = play.run_cut(&mut |_| 60_000);
        let want = [bytes, from_client(0x81, "public")].concat();
        assert!(
            p.to_server[0].1 == want,
            "{fragments} fragments, {} of {} bytes, told {:?}",
            p.to_server[0].1.len(),
            want.len(),
            p.told
        );
    }
}

#[test]
fn messages_of_our_own_go_between_others() {
    let play = agreed("permessage-deflate").judged(|_| Judgement::Pass);
    let mut stage = Driver::new((SPEC.middle.expect("served").new)(&play.setting), &play);
    let own = |dir, line: &'static str, body: &'static str| Transit {
        proto: "websocket",
        dir,
        exchange: 0,
        part: wirelore_kit::middle::Part::Message,
        stage: wirelore_kit::middle::Stage::Whole,
        line: line.into(),
        headers: Vec::new(),
        body: body.into(),
        trailers: Vec::new(),
        url: None,
    };
    let tell = |middle: &mut Box<dyn Middle>, own| {
        let mut steps = Vec::new();
        middle.inject(own, &mut steps).expect("it may stand there");
        let sent = steps.into_iter().map(|s| if let Step::Send { bytes, .. } = s { bytes } else { panic!("{s:?}") });
        sent.flat_map(|b: Bytes| b.to_vec()).collect::<Vec<u8>>()
    };
    stage.push(Dir::ToServer, from_client(0x01, "half of it").into());
    let to_server = tell(&mut stage.middle, own(Dir::ToServer, "text", "mine"));
    assert_eq!(received(&to_server), [(0x81, "mine".to_owned())]);
    assert!(to_server[1] & 0x80 != 0, "frames to the server are masked");
    let to_client = tell(&mut stage.middle, own(Dir::ToClient, "close 1001 going away", ""));
    assert_eq!(to_client, from_server(0x88, [&[3, 233][..], b"going away"].concat()));
    stage.push(Dir::ToServer, from_client(0x80, " and the rest").into());
    let judged = stage.played.judged.last().map(|t| t.body.clone());
    assert_eq!(judged, Some("half of it and the rest".into()), "the message that was being gathered is whole");
}

#[test]
fn without_a_judge_nothing_is_looked_at() {
    let p = agreed("").server("any bytes at all").run_all();
    assert!(p.opaque && p.sent_to_client() == "any bytes at all" && p.told.is_empty());
}
