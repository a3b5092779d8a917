//! Bodies that are broken by chance or on purpose: nothing panics, nothing takes for ever, and every line stands for bytes of the body.

use proptest::prelude::*;
use wirelore_content::{Options, View, view};
use wirelore_kit::Cancel;

const TYPES: [&str; 12] = [
    "",
    "application/json",
    "text/html; charset=utf-8",
    "text/xml; charset=shift_jis",
    "text/css",
    "text/javascript",
    "application/x-www-form-urlencoded",
    "multipart/mixed; boundary=b",
    "application/grpc",
    "application/x-protobuf",
    "text/plain; charset=utf-16le",
    "image/png",
];

fn checked(bytes: &[u8], media: &str, columns: usize) -> View {
    let v = view(bytes, media, Options { columns, plain: false }, &Cancel::new()).expect("not cancelled");
    for l in 0..v.lines() {
        let r = v.range(l);
        assert!(r.start <= r.end && r.end <= bytes.len(), "{media}: line {l} stands for {r:?} of {}", bytes.len());
        assert!(v.words(l).all(|w| w.1.chars().all(|c| !c.is_control())), "{media}: line {l} has control characters");
    }
    v
}

/// Words that content is made of, so that chance comes further than the first byte.
fn scraps() -> impl Strategy<Value = Vec<u8>> {
    let scrap = prop_oneof![
        any::<Vec<u8>>().prop_map(|v| v.into_iter().take(12).collect::<Vec<u8>>()),
        prop::sample::select(vec![
            "{",
            "}",
            "[",
            "]",
            "\"",
            ":",
            ",",
            "\\",
            "<",
            ">",
            "</",
            "<a>",
            "</a>",
            "<!--",
            "-->",
            "<script>",
            "</script>",
            "='",
            "\"",
            "/*",
            "*/",
            "`",
            "&",
            "=",
            "%",
            "%4",
            "+",
            "\r\n",
            "\n\n",
            "--b",
            "--b\r\n",
            "--b--\r\n",
            "Content-Type: application/json\r\n",
            "\x08",
            "\u{202e}",
            "ß",
            "\0\0\0\0\x05",
            "\x0a\x03abc",
            "-1.5e3",
            "null",
        ])
        .prop_map(|s| s.as_bytes().to_vec()),
    ];
    prop::collection::vec(scrap, 0..60).prop_map(|v| v.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_break_a_view(bytes in scraps(), media in 0..TYPES.len(), columns in 0usize..40) {
        checked(&bytes, TYPES[media], columns);
    }
}

#[test]
fn ten_thousand_levels_are_shown() {
    for (open, media) in [("[", "application/json"), ("{\"a\":", "application/json"), ("<a>", "text/xml"), ("<div>", "text/html")]
    {
        let v = checked(open.repeat(10_000).as_bytes(), media, 100);
        assert!(
            v.lines() >= 10_000 && !v.notes.is_empty() || media == "text/html",
            "{media}: {} lines, {:?}",
            v.lines(),
            v.notes
        );
    }
    // Protobuf: a field of bytes inside a field of bytes, as deep as lengths of two bytes go.
    let mut inner = vec![0x08, 0x01];
    while inner.len() < 16_000 {
        let n = inner.len();
        let mut outer = vec![0x0a, (n & 0x7f) as u8 | 0x80, (n >> 7) as u8];
        outer.append(&mut inner);
        inner = outer;
    }
    assert!(checked(&inner, "application/x-protobuf", 100).lines() > 10);
}

#[test]
fn a_body_of_many_lines_ends_with_a_note() {
    let v = checked(&b"\n".repeat(2 << 20), "text/plain", 0);
    assert!(v.lines() < 2 << 20 && v.notes.iter().any(|n| n.starts_with("Only the first")), "{:?}", v.notes);
}

#[test]
fn cancelled_work_gives_nothing() {
    let cancel = Cancel::new();
    cancel.cancel();
    assert_eq!(view(b"[1]", "", Options::default(), &cancel), None);
}
