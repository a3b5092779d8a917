//! What people are shown of bodies of every kind, whole and broken.

use wirelore_content::{Form, Ink, Options, View, view};
use wirelore_kit::Cancel;

fn shown(bytes: &[u8], media: &str) -> View {
    view(bytes, media, Options { columns: 60, plain: false }, &Cancel::new()).expect("not cancelled")
}

fn text(v: &View) -> String {
    (0..v.lines()).map(|l| v.line(l)).collect::<Vec<_>>().join("\n")
}

#[test]
fn json_stands_in_lines_that_lead_to_their_bytes() {
    let body = br#"{"items":[{"name":"lamp","price":19.90},{}],"next":null}"#;
    let v = shown(body, "application/json");
    assert_eq!(
        text(&v),
        "{\n  \"items\": [\n    {\n      \"name\": \"lamp\",\n      \"price\": 19.90\n    },\n    {}\n  ],\n  \"next\": null\n}"
    );
    assert_eq!((v.form, v.charset.as_str(), v.notes.len()), (Form::Json, "UTF-8", 0));
    assert_eq!(&body[v.range(4)], b"\"price\":19.90");
    assert_eq!(v.words(4).last(), Some((Ink::Number, "19.90")));
    assert_eq!(v.line_at(29), Some(4));
}

#[test]
fn json_that_is_cut_or_wrong_is_shown_as_far_as_it_goes() {
    let v = shown(br#"{"a": [1, "tw"#, "application/json");
    assert_eq!(text(&v), "{\n  \"a\": [\n    1,\n    \"tw");
    assert!(
        v.notes.iter().any(|n| n.contains("inside a string")) && v.notes.iter().any(|n| n.contains("2 brackets")),
        "{:?}",
        v.notes
    );
    let v = shown(br#"{"a" 1 nope, ]}"#, "application/json");
    assert!(text(&v).contains("nope") && v.words(3).any(|w| w.0 == Ink::Fault), "{}", text(&v));
    let v = shown(b"{\"a\":1}\n{\"a\":2}\n", "application/x-ndjson");
    assert_eq!((text(&v).as_str(), v.notes.len()), ("{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}", 0));
}

#[test]
fn a_type_that_lies_is_not_believed() {
    let v = shown(b"<html><body>Bad gateway</body></html>", "application/json");
    assert_eq!(v.form, Form::Html);
    assert!(v.notes[0].contains("sent as application/json"), "{:?}", v.notes);
    assert_eq!(shown(br#"{"a":1}"#, "text/plain").form, Form::Json);
    assert_eq!(shown(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", "text/html").form, Form::Image);
    assert_eq!(shown(b"\0\x01\x02\x03", "text/plain").form, Form::Binary);
    assert_eq!(shown(b"<svg/>", "image/svg+xml").form, Form::Xml);
}

#[test]
fn xml_and_html_stand_in_lines_of_tags() {
    let v = shown(b"<?xml version='1.0'?><a x=\"1\"><b>two</b><c/><!-- d --></a>", "text/xml");
    assert_eq!(text(&v), "<?xml version='1.0'?>\n<a x=\"1\">\n  <b>two</b>\n  <c/>\n  <!-- d -->\n</a>");
    assert_eq!(v.notes, Vec::<String>::new());
    let v = shown(b"<a><b>cut", "text/xml");
    assert!(v.notes[0].contains("ends inside <b>"), "{:?}", v.notes);
    let v = shown(b"<ul><li>a<li>b</ul><br><script>\nlet a = 1;\n</script></x>", "text/html");
    assert_eq!(text(&v), "<ul>\n  <li>\n    a\n  <li>\n    b\n</ul>\n<br>\n<script>\n  let a = 1;\n</script>\n</x>");
    assert!(v.words(8).any(|w| w == (Ink::Word, "let")));
    let body = "<p title='ä'>größer</p>".as_bytes();
    assert_eq!(&body[shown(body, "text/html").range(0)], body);
}

#[test]
fn scripts_and_styles_keep_their_lines() {
    let v = shown(b"// hi\nlet a = 'b\\'c'; /* x\n y */ return 1;\n", "text/javascript");
    assert_eq!(text(&v), "// hi\nlet a = 'b\\'c'; /* x\n y */ return 1;");
    let words: Vec<_> = v.words(1).collect();
    assert!(words.contains(&(Ink::Text, "'b\\'c'")) && words.contains(&(Ink::Comment, "/* x")), "{words:?}");
    let v = shown(b"a { color: #fff }", "text/css");
    assert!(v.words(0).any(|w| w == (Ink::Name, "color")) && v.words(0).any(|w| w == (Ink::Number, "#fff")));
}

#[test]
fn forms_are_a_table_of_names_and_values() {
    let body = b"user=ada&note=50%25+off%21&flag&bad=%zz";
    let v = shown(body, "application/x-www-form-urlencoded");
    assert_eq!(text(&v), "user = ada\nnote = 50% off!\nflag\nbad  = %zz");
    assert_eq!(&body[v.range(1)], b"note=50%25+off%21");
    assert_eq!(v.notes.len(), 2, "{:?}", v.notes);
}

#[test]
fn parts_are_shown_by_their_own_types() {
    let body = b"--xx\r\nContent-Disposition: form-data; name=\"j\"\r\nContent-Type: application/json\r\n\r\n[1,2]\r\n--xx\r\n\r\nplain\r\n--xx--\r\n";
    let v = shown(body, "multipart/form-data; boundary=xx");
    assert_eq!(
        text(&v),
        "--xx\n  Content-Disposition: form-data; name=\"j\"\n  Content-Type: application/json\n\n    [\n      1,\n      2\n    ]\n--xx\n\n    plain\n--xx--"
    );
    assert_eq!(v.notes, Vec::<String>::new());
    assert_eq!(&body[v.range(5)], b"1,", "offsets of a part count from the body");
    let cut = shown(&body[..95], "multipart/form-data");
    assert!(cut.notes.iter().any(|n| n.contains("last delimiter is missing")), "{:?}", cut.notes);
}

#[test]
fn protobuf_is_guessed_without_its_schema() {
    let body = [0x08, 0x96, 0x01, 0x12, 4, b'l', b'a', b'm', b'p', 0x1a, 2, 0x08, 0x01, 0x22, 3, 1, 2, 0x80];
    let v = shown(&body, "application/x-protobuf");
    assert_eq!(text(&v), "1 varint: 150  sint64 75\n2 len: \"lamp\"\n3 len: {\n  1 varint: 1\n}\n4 len: 01 02 80");
    assert_eq!(v.range(1), 3..9);
    let v = shown(&[&[0, 0, 0, 0, 3], &body[..3], &[0, 0, 0, 0, 9, 8]].concat(), "application/grpc+proto");
    assert!(text(&v).starts_with("message 1, 3 bytes\n  1 varint: 150"), "{}", text(&v));
    assert!(v.notes.iter().any(|n| n.contains("is cut")), "{:?}", v.notes);
}

#[test]
fn text_is_read_in_its_charset_and_a_guess_is_called_one() {
    let v = shown(b"gr\xfc\xdfe\nb", "text/plain; charset=ISO-8859-1");
    assert_eq!((text(&v).as_str(), v.charset.as_str()), ("grüße\nb", "windows-1252"));
    assert_eq!((v.range(0), v.range(1)), (0..6, 6..7));
    assert_eq!(shown(b"gr\xfc\xdfe", "text/plain").charset, "windows-1252, guessed");
    let v = shown(b"\xff\xfeh\0i\0\n\0x\0", "");
    assert_eq!((text(&v).as_str(), v.charset.as_str(), v.range(1)), ("hi\nx", "UTF-16LE", 8..10));
    let v = shown(b"\x83\x65\x83\x58", "text/plain; charset=Shift_JIS");
    assert_eq!(text(&v), "テス");
    let v = shown(b"{\"a\":\"\xff\"}", "application/json");
    assert!(v.notes[0].contains("no UTF-8") && v.range(1) == (1..8), "{:?} {:?}", v.notes, v.range(1));
}

#[test]
fn long_lines_go_on_below_and_nothing_is_hidden() {
    let body = "x".repeat(150);
    let v = shown(body.as_bytes(), "text/plain");
    assert_eq!(v.lines(), 3);
    assert_eq!((v.range(0), v.range(1), v.range(2)), (0..60, 60..118, 118..150));
    assert_eq!(text(&v).matches('x').count(), 150);
}

#[test]
fn lines_end_between_words() {
    let v = shown(b"The quick brown fox jumps over the lazy dog and then it goes to sleep", "text/plain");
    assert_eq!(text(&v), "The quick brown fox jumps over the lazy dog and then it goes \n  to sleep");
    assert_eq!(v.range(1), 61..69);
    assert!((0..v.lines()).all(|l| v.line(l).len() <= 61));
}
