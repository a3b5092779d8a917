//! Random well-formed HTTP/1 conversations: between two ends they pass byte for byte whatever is looked at, and a proxy changes the target
//! and nothing else.

mod middle_support;

use middle_support::{Judge, Play, passes_untouched};
use proptest::prelude::*;
use wirelore_dissectors::http1::SPEC;
use wirelore_kit::middle::{Judgement, Stage};

/// A message's body with the headers that frame it.
fn body() -> impl Strategy<Value = (String, Vec<u8>)> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    let chunk = (bytes(), 0usize..3, any::<bool>());
    let chunked = (prop::collection::vec(chunk, 0..4), any::<bool>()).prop_map(|(chunks, trailer)| {
        let mut out = Vec::new();
        for (data, zeros, extension) in chunks.iter().filter(|c| !c.0.is_empty()) {
            let extension = if *extension { ";a=\"b\"" } else { "" };
            out.extend(format!("{}{:X}{extension}\r\n", "0".repeat(*zeros), data.len()).bytes());
            out.extend(data);
            out.extend(b"\r\n");
        }
        out.extend(if trailer { &b"0\r\nT:1\r\nt: 2\r\n\r\n"[..] } else { b"0\r\n\r\n" });
        ("Transfer-Encoding: chunked\r\n".to_owned(), out)
    });
    prop_oneof![Just((String::new(), Vec::new())), bytes().prop_map(|b| (format!("Content-Length: {}\r\n", b.len()), b)), chunked,]
}

/// Header lines that say nothing about framing.
fn headers() -> impl Strategy<Value = String> {
    let value = "[ -~\u{e4}]{0,12}";
    let line = ("[A-Za-z][A-Za-z0-9_]{0,6}x", prop_oneof![Just(""), Just(" "), Just("\t ")], value);
    prop::collection::vec(line, 0..5).prop_map(|lines| lines.iter().map(|(n, s, v)| format!("{n}:{s}{v}\r\n")).collect())
}

/// A request in two parts, which the server's name goes between, and its answer.
type Exchange = ([Vec<u8>; 2], Vec<u8>);

fn exchange() -> impl Strategy<Value = Exchange> {
    let method = prop_oneof![Just("GET"), Just("POST"), Just("HEAD"), Just("PUT"), Just("X-ODD")];
    let interim = prop_oneof![3 => Just(""), 1 => Just("HTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n")];
    let status = prop_oneof![4 => Just("200 OK"), 1 => Just("204 None"), 1 => Just("304 Same"), 1 => Just("404 ")];
    (method, "/[!-~&&[^#]]{0,10}", headers(), body(), interim, status, headers(), body()).prop_map(
        |(method, path, lines, (framing, body), interim, status, more, (how, content))| {
            let start = format!("{method} ");
            let mut rest = format!("{path} HTTP/1.1\r\nHost: ex.org\r\n{lines}{framing}\r\n").into_bytes();
            rest.extend(body);
            let bodiless = method == "HEAD" || status.starts_with("204") || status.starts_with("304");
            let how = match (bodiless, how.as_str()) {
                (true, _) => "",
                // What has no length ends with the connection; here it goes on.
                (false, "") => "Content-Length: 0\r\n",
                (false, how) => how,
            };
            let mut answer = format!("{interim}HTTP/1.1 {status}\r\n{more}{how}\r\n").into_bytes();
            if !bodiless {
                answer.extend(content);
            }
            ([start.into_bytes(), rest], answer)
        },
    )
}

/// Asks for all bodies and lets all of it pass.
const LOOKS: Judge = |t| if t.stage == Stage::Head { Judgement::Body } else { Judgement::Pass };

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn well_formed_conversations_pass(exchanges in prop::collection::vec(exchange(), 1..4), pipelined in any::<bool>()) {
        let (mut between, mut forward) = (Play::between(&SPEC), Play::forward(&SPEC));
        let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
        let mut late = Vec::new();
        for ([start, rest], answer) in &exchanges {
            let plain = [&start[..], rest].concat();
            to_server.extend(&plain);
            to_client.extend(answer);
            between = between.client(&plain);
            forward = forward.client([&start[..], b"http://ex.org", rest].concat());
            if pipelined {
                late.push(answer);
            } else {
                (between, forward) = (between.server(answer), forward.server(answer));
            }
        }
        for answer in late {
            (between, forward) = (between.server(answer), forward.server(answer));
        }
        passes_untouched(&between);
        for play in [between, forward.clone(), forward.judged(LOOKS)] {
            let played = play.run_all();
            prop_assert!(played.told.is_empty() && !played.closed, "{}", played.shown());
            prop_assert_eq!(played.sent_to_server(), String::from_utf8_lossy(&to_server));
            prop_assert_eq!(played.sent_to_client(), String::from_utf8_lossy(&to_client));
        }
    }
}
