//! Random HTTP/1 conversations, well-formed and mutilated, under the laws of the engine.

use proptest::prelude::*;
use wirelore_dissectors::TABLE;
use wirelore_engine::laws::{self, Script, Step};
use wirelore_kit::{End, Level};

/// Pieces that make conversations (none that makes it another protocol's: what that is, is not HTTP's to say); put together at random they are HTTP often enough and wrong in many ways.
const TO_SERVER: &[&str] = &[
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /x HTTP/1.0\r\n\r\n",
    "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
    "POST / HTTP/1.1\nHost: a\nContent-Length: 3\nContent-Length: 4\n\n",
    "PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: other\r\nConnection: upgrade\r\n\r\n",
    "5\r\nhello\r\n",
    "0\r\n\r\n",
    "0\r\nA: b\r\n\r\n",
    "\r\n",
    "GET",
    "junk\r\n",
];
const TO_CLIENT: &[&str] = &[
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nhe",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent-Type: multipart/mixed; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n",
    "5\r\n--b\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.0 200 OK\r\n\r\n",
    "a\r\n0123456789\r\n",
    "3\nabc\n",
    "0\r\n\r\n",
    "HTTP/1.1 ",
    "junk",
    "\r\n",
];

/// A script that is printed as text.
#[derive(Clone)]
struct Shown(Script);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for step in &self.0.steps {
            match step {
                Step::Bytes(way, bytes, _) => writeln!(f, "{} \"{}\"", if *way == 0 { '>' } else { '<' }, bytes.escape_ascii())?,
                Step::Gap(way, n) => writeln!(f, "= gap {} {n}", if *way == 0 { '>' } else { '<' })?,
                Step::End(way, how) => writeln!(f, "= end {} {how:?}", if *way == 0 { '>' } else { '<' })?,
            }
        }
        Ok(())
    }
}

fn script() -> impl Strategy<Value = Shown> {
    let piece = prop_oneof![
        (0..TO_SERVER.len()).prop_map(|i| (0usize, TO_SERVER[i].as_bytes().to_vec())),
        (0..TO_CLIENT.len()).prop_map(|i| (1usize, TO_CLIENT[i].as_bytes().to_vec())),
    ];
    // Sometimes a byte of a piece is another.
    let damaged =
        (piece, prop::option::weighted(0.2, (any::<prop::sample::Index>(), any::<u8>()))).prop_map(|((way, mut bytes), hit)| {
            if let Some((at, with)) = hit {
                let i = at.index(bytes.len());
                bytes[i] = with;
            }
            (way, bytes)
        });
    (prop::collection::vec((damaged, prop::option::weighted(0.05, 1u64..40)), 1..14), any::<bool>()).prop_map(|(pieces, cut)| {
        let mut script = Script::tcp(80);
        // The first request is whole, so that the conversation is taken for HTTP.
        script = script.bytes(0, TO_SERVER[0].as_bytes());
        for ((way, bytes), hole) in pieces {
            if let Some(n) = hole {
                script.steps.push(Step::Gap(way, n));
            }
            script = script.bytes(way, &bytes);
        }
        let how = if cut { End::Capture } else { End::Fin };
        script.steps.extend([Step::End(1, how), Step::End(0, how)]);
        Shown(script)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cuts_and_levels_make_no_difference(Shown(script) in script()) {
        laws::chunking(TABLE, &script, 40).map_err(|e| TestCaseError::fail(format!("chunking law: {e}")))?;
        let (rows, tree) = (laws::read(TABLE, &script, Level::Rows), laws::read(TABLE, &script, Level::Tree));
        let outline = |r: &laws::Record| r.messages.iter().filter(|m| m.conv.inner == 0).map(|m| (m.dir, m.at, m.len, m.state, m.summary.clone(), m.cells.clone(), m.exchange)).collect::<Vec<_>>();
        prop_assert_eq!(outline(&rows), outline(&tree));
        prop_assert_eq!(rows.states, tree.states);
        for m in tree.messages.iter().filter(|m| m.conv.inner == 0) {
            laws::spans(m).map_err(|e| TestCaseError::fail(format!("span law: {e}")))?;
        }
    }
}
