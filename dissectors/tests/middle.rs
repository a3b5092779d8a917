//! Laws of all protocols that stand in the middle: whatever bytes come, in whatever pieces, they neither panic nor hold without bound,
//! and what comes of it does not depend on the pieces.

mod middle_support;

use middle_support::{Act, Play};
use proptest::prelude::*;
use wirelore_dissectors::TABLE;
use wirelore_kit::middle::{Judgement, Stage, Transit};
use wirelore_kit::{Dir, End, Spec};

/// Words of all the protocols, so that random bytes get somewhere.
const WORDS: &[&str] = &[
    "GET / HTTP/1.1\r\nHost: a\r\n",
    "GET http://a.example/x HTTP/1.1\r\nHost: a.example\r\n",
    "POST /u HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "Transfer-Encoding: chunked\r\n",
    "5\r\nhello\r\n",
    "0\r\n\r\n",
    "CONNECT b.example:443 HTTP/1.1\r\nHost: b.example\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc",
    "HTTP/1.1 101 Switching Protocols\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "\r\n",
    "\n",
    "220 ready\r\n",
    "EHLO me\r\n",
    "250-a\r\n250 STARTTLS\r\n",
    "MAIL FROM:<a@b>\r\n",
    "DATA\r\n",
    "354 go\r\n",
    ".\r\n",
    "+OK\r\n",
    "USER a\r\n",
    "STARTTLS\r\n",
    "RCPT TO:<x>\r\n",
    "BDAT 3 LAST\r\n",
    "\r\n.\r\n",
    "AUTH PLAIN\r\n",
    "AUTH TLS\r\n",
    "234 go\r\n",
    "STLS\r\n",
    "RETR 1\r\n",
    "a1 LOGIN {3}\r\n",
    "a2 APPEND x {3+}\r\n",
    "a3 IDLE\r\n",
    "+ go\r\n",
    "* 1 FETCH {4}\r\n",
    "* OK x\r\n",
    "a1 OK done\r\n",
    "PASV\r\n",
    "227 Entering Passive Mode (127,0,0,1,4,5)\r\n",
    "EPRT |1|127.0.0.1|2000|\r\n",
    "*2\r\n$3\r\nGET\r\n$1\r\na\r\n",
    ">2\r\n+a\r\n:1\r\n",
    "SUBSCRIBE a\r\n",
    "Q\0\0\0\x05",
    "\0\0\0\x08\x04\u{2}\x16\x2f",
    "\x30\x05\0\x01axx",
    "\u{1}\u{5}hello",
    "\u{81}\x05hello",
];

fn act() -> impl Strategy<Value = Act> {
    let dir = prop_oneof![Just(Dir::ToServer), Just(Dir::ToClient)];
    let bytes = prop_oneof![
        8 => (0..WORDS.len()).prop_map(|i| WORDS[i].as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..40),
    ];
    let end = prop_oneof![Just(End::Fin), Just(End::Reset)];
    prop_oneof![
        20 => (dir.clone(), bytes).prop_map(|(d, b)| Act::Bytes(d, b.into())),
        1 => (dir, end).prop_map(|(d, e)| Act::End(d, e)),
    ]
}

fn plays() -> Vec<Play> {
    let served: Vec<&'static Spec> = TABLE.iter().copied().filter(|s| s.middle.is_some()).collect();
    let forward = served.iter().filter(|s| s.middle.is_some_and(|m| m.forward)).map(|s| Play::forward(s));
    served.iter().map(|s| Play::between(s)).chain(forward).collect()
}

/// Judgements of all kinds, by what the message looks like.
fn moody(t: &Transit) -> Judgement {
    match (t.line.len().wrapping_add(t.body.len())) % 7 {
        0 => Judgement::Drop,
        1 | 2 if t.stage == Stage::Head => Judgement::Body,
        3 => {
            let mut changed = t.clone();
            changed.headers.push((b"X-Changed"[..].into(), b"yes"[..].into()));
            changed.body = b"other"[..].into();
            Judgement::Change(Box::new(changed))
        }
        4 if t.dir == Dir::ToServer => {
            let mut answer = t.clone();
            answer.dir = Dir::ToClient;
            answer.line = b"HTTP/1.1 200 OK"[..].into();
            answer.body = b"mine"[..].into();
            Judgement::Answer(Box::new(answer))
        }
        _ => Judgement::Pass,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic_and_pieces_make_no_difference(acts in prop::collection::vec(act(), 1..16), judge in any::<bool>(), lax in any::<bool>()) {
        for mut play in plays() {
            play.acts.clone_from(&acts);
            if judge {
                play = play.judged(moody);
            }
            play.setting.lax = lax;
            play.run_all();
            let total: usize = acts.iter().map(|a| if let Act::Bytes(_, b) = a { b.len() } else { 0 }).sum();
            for late in [false, true] {
                play.late = late;
                let played = play.run();
                prop_assert!(played.weight <= 64 * 1024 + 16 * total, "{}: {} bytes are held of {total}", play.spec.name, played.weight);
            }
        }
    }
}
