//! A request as a command or a few lines of code that make it again: for curl, HTTPie, wget, fetch, Python, Rust, OpenSSL, websocat.
//!
//! The aim is the same request, not a similar one: headers that a tool would add of itself are taken away, bodies are the same bytes.
//! Bodies that are no text stand in base64. Tools order headers as they like; where the order matters, the raw form keeps it.

use crate::exchange::{Exchange, Said};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// `curl`, for a POSIX shell.
    Curl,
    /// `http` of HTTPie.
    Httpie,
    /// `wget`.
    Wget,
    /// JavaScript's `fetch`.
    Fetch,
    /// Python with requests.
    Python,
    /// Rust with reqwest.
    Reqwest,
    /// The bytes of HTTP/1.1, piped into `openssl s_client` (or `nc` where there is no TLS): nothing is added or moved.
    Openssl,
    /// `websocat`, for a WebSocket.
    Websocat,
    /// `swaks`, for a letter that went by SMTP: of [`crate::swaks`], not of an exchange.
    Swaks,
}

/// Every form by its name.
pub const FORMS: [(&str, Form); 9] = [
    ("curl", Form::Curl),
    ("httpie", Form::Httpie),
    ("wget", Form::Wget),
    ("fetch", Form::Fetch),
    ("python", Form::Python),
    ("reqwest", Form::Reqwest),
    ("openssl", Form::Openssl),
    ("websocat", Form::Websocat),
    ("swaks", Form::Swaks),
];

/// The request of an exchange in a form; `None` where the request was not captured, or the form does not fit it (websocat without a
/// WebSocket).
#[must_use]
pub fn copy_as(form: Form, e: &Exchange) -> Option<String> {
    let asked = Asked::new(e)?;
    let chat = e.response.as_ref().is_some_and(|r| r.line.get(1).is_some_and(|s| s == "101"));
    match form {
        Form::Curl => Some(curl(&asked)),
        Form::Httpie => Some(httpie(&asked)),
        Form::Wget => Some(wget(&asked)),
        Form::Fetch => Some(fetch(&asked)),
        Form::Python => Some(python(&asked)),
        Form::Reqwest => Some(reqwest(&asked)),
        Form::Openssl => Some(openssl(&asked)),
        Form::Websocat => chat.then(|| websocat(&asked)),
        Form::Swaks => None,
    }
}

/// A request, taken apart for those that write it.
struct Asked<'e> {
    said: &'e Said,
    method: &'e str,
    url: &'e str,
    /// Headers that a tool does not make of itself: no pseudo-headers, lengths or hop-by-hop framing.
    headers: Vec<(String, String)>,
    host: String,
    port: u16,
    secure: bool,
    /// HTTP/2 or 3 spoke.
    newer: bool,
}

impl<'e> Asked<'e> {
    fn new(e: &'e Exchange) -> Option<Asked<'e>> {
        let said = e.request.as_ref()?;
        let [method, _, version] = &said.line;
        let (scheme, rest) = e.url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let secure = matches!(scheme, "https" | "wss");
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) => (host, port.parse().ok()),
            _ => (authority, None),
        };
        let latin = |b: &[u8]| std::str::from_utf8(b).map_or_else(|_| b.iter().map(|b| char::from(*b)).collect(), str::to_owned);
        let skipped = |name: &str| {
            let is = |n: &str| name.eq_ignore_ascii_case(n);
            name.starts_with(':') || is("content-length") || is("transfer-encoding")
        };
        let all = said.headers.iter().map(|(n, v)| (latin(n), latin(v)));
        let headers = all.filter(|(n, v)| !skipped(n) && (!n.eq_ignore_ascii_case("host") || v != authority)).collect();
        Some(Asked {
            said,
            method,
            url: &e.url,
            headers,
            host: host.trim_matches(['[', ']']).to_owned(),
            port: port.unwrap_or(if secure { 443 } else { 80 }),
            secure,
            newer: version.starts_with("HTTP/2") || version.starts_with("HTTP/3"),
        })
    }

    fn has(&self, name: &str) -> bool {
        self.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name))
    }

    /// The body as it travelled.
    fn body(&self) -> &[u8] {
        self.said.body.coded.as_deref().unwrap_or(&self.said.body.bytes)
    }

    /// The body where it can stand in quotes.
    fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.body()).ok().filter(|t| !t.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')))
    }
}

/// In single quotes of a POSIX shell.
pub(crate) fn shell(word: &str) -> String {
    if !word.is_empty()
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/' | b':' | b'=' | b'@' | b',' | b'+'))
    {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Words of a command, a line each where there are many.
fn lines(words: Vec<String>) -> String {
    words.join(" \\\n  ")
}

/// A command whose standard input is the body.
fn fed(a: &Asked<'_>, command: String) -> String {
    format!("base64 -d <<'BODY' | {command}\n{}\nBODY", STANDARD.encode(a.body()))
}

fn curl(a: &Asked<'_>) -> String {
    let body = !a.body().is_empty();
    let mut w = vec![format!("curl {}", shell(a.url))];
    match a.method {
        "GET" if !body => {}
        "POST" if body => {}
        "HEAD" => w.push("--head".into()),
        other => w.push(format!("-X {}", shell(other))),
    }
    // What curl would do otherwise: join dots in paths, read brackets as ranges.
    if a.url.contains("/.") {
        w.push("--path-as-is".into());
    }
    if a.url.contains(['[', ']', '{', '}']) {
        w.push("--globoff".into());
    }
    if !a.newer && a.secure {
        w.push("--http1.1".into());
    }
    for (name, value) in &a.headers {
        w.push(format!("-H {}", shell(&if value.is_empty() { format!("{name};") } else { format!("{name}: {value}") })));
    }
    for own in ["User-Agent", "Accept"] {
        if !a.has(own) {
            w.push(format!("-H {}", shell(&format!("{own}:"))));
        }
    }
    if a.has("accept-encoding") {
        w.push("--compressed".into());
    }
    if body {
        for own in ["Content-Type", "Expect"] {
            if !a.has(own) {
                w.push(format!("-H {}", shell(&format!("{own}:"))));
            }
        }
        match a.text() {
            // A leading @ names a file.
            Some(text) if !text.starts_with('@') => w.push(format!("--data-binary {}", shell(text))),
            _ => {
                w.push("--data-binary @-".into());
                return fed(a, lines(w));
            }
        }
    }
    lines(w)
}

fn httpie(a: &Asked<'_>) -> String {
    let mut w = vec![format!("http --ignore-stdin {} {}", shell(a.method), shell(a.url))];
    if a.url.contains("/.") {
        w.push("--path-as-is".into());
    }
    for (name, value) in &a.headers {
        w.push(shell(&if value.is_empty() { format!("{name};") } else { format!("{name}:{value}") }));
    }
    for own in ["User-Agent", "Accept", "Accept-Encoding"] {
        if !a.has(own) {
            w.push(shell(&format!("{own}:")));
        }
    }
    match a.text() {
        _ if a.body().is_empty() => lines(w),
        Some(text) => {
            w.push(format!("--raw {}", shell(text)));
            lines(w)
        }
        None => fed(a, lines(w).replacen(" --ignore-stdin", "", 1)),
    }
}

fn wget(a: &Asked<'_>) -> String {
    let mut w = vec![format!("wget -O - --method={} {}", shell(a.method), shell(a.url))];
    for (name, value) in &a.headers {
        w.push(format!("--header={}", shell(&format!("{name}: {value}"))));
    }
    if !a.has("user-agent") {
        w.push("--user-agent=''".into());
    }
    match a.text() {
        _ if a.body().is_empty() => lines(w),
        Some(text) => {
            w.push(format!("--body-data={}", shell(text)));
            lines(w)
        }
        None => {
            // wget wants to know the length beforehand: no pipe will do.
            w.push("--body-file=\"$body\"".into());
            let body = STANDARD.encode(a.body());
            format!("body=$(mktemp) && base64 -d <<'BODY' > \"$body\" && {}; rm -f \"$body\"\n{body}\nBODY", lines(w))
        }
    }
}

/// A string of JavaScript and JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn fetch(a: &Asked<'_>) -> String {
    let mut s = format!("await fetch({}, {{\n  \"method\": {},\n  \"headers\": [", quoted(a.url), quoted(a.method));
    // Writing to a String cannot fail.
    for (n, (name, value)) in a.headers.iter().enumerate() {
        let _ = write!(s, "{}\n    [{}, {}]", if n == 0 { "" } else { "," }, quoted(name), quoted(value));
    }
    s.push_str(if a.headers.is_empty() { "]" } else { "\n  ]" });
    if !a.body().is_empty() {
        match a.text() {
            Some(text) => _ = write!(s, ",\n  \"body\": {}", quoted(text)),
            None => {
                _ = write!(
                    s,
                    ",\n  \"body\": Uint8Array.from(atob({}), c => c.charCodeAt(0))",
                    quoted(&STANDARD.encode(a.body()))
                );
            }
        }
    }
    s.push_str("\n});");
    s
}

/// A byte string of Python and Rust.
fn byte_string(bytes: &[u8]) -> String {
    let mut s = String::from("b\"");
    for b in bytes {
        match b {
            b'"' => s.push_str("\\\""),
            b'\\' => s.push_str("\\\\"),
            b'\n' => s.push_str("\\n"),
            b'\r' => s.push_str("\\r"),
            b'\t' => s.push_str("\\t"),
            b' '..=b'~' => s.push(char::from(*b)),
            _ => _ = write!(s, "\\x{b:02x}"),
        }
    }
    s.push('"');
    s
}

fn python(a: &Asked<'_>) -> String {
    let mut s = String::from("import requests\n\n");
    let _ = write!(s, "request = requests.Request(\n    {},\n    {},\n    headers={{", quoted(a.method), quoted(a.url));
    for (name, value) in &a.headers {
        let _ = write!(s, "\n        {}: {},", quoted(name), quoted(value));
    }
    s.push_str(if a.headers.is_empty() { "},\n" } else { "\n    },\n" });
    if !a.body().is_empty() {
        let _ = writeln!(s, "    data={},", byte_string(a.body()));
    }
    // Prepared by itself, without a session's own headers.
    s.push_str(").prepare()\nresponse = requests.Session().send(request, allow_redirects=False)\nprint(response.status_code, response.text)");
    s
}

fn reqwest(a: &Asked<'_>) -> String {
    let mut s = String::from("let response = reqwest::Client::new()\n");
    let _ = writeln!(s, "    .request(reqwest::Method::from_bytes({})?, {})", byte_string(a.method.as_bytes()), rust(a.url));
    for (name, value) in &a.headers {
        let _ = writeln!(s, "    .header({}, {})", rust(name), rust(value));
    }
    if !a.body().is_empty() {
        let _ = writeln!(s, "    .body(&{}[..])", byte_string(a.body()));
    }
    s.push_str("    .send()\n    .await?;");
    s
}

/// A string of Rust.
fn rust(text: &str) -> String {
    format!("\"{}\"", text.escape_default())
}

/// Bytes in single quotes for `printf`, which undoes octal escapes.
fn printf(bytes: &[u8]) -> String {
    let mut s = String::from("'");
    for b in bytes {
        match b {
            b'\r' => s.push_str("\\r"),
            b'\n' => s.push_str("\\n"),
            b'\\' => s.push_str("\\\\"),
            b'%' => s.push_str("%%"),
            b'\'' => s.push_str("'\\''"),
            b' '..=b'~' => s.push(char::from(*b)),
            _ => _ = write!(s, "\\{b:03o}"),
        }
    }
    s.push('\'');
    s
}

fn openssl(a: &Asked<'_>) -> String {
    let path = a.url.split_once("://").and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..))).unwrap_or("/");
    let mut bytes = format!("{} {} HTTP/1.1\r\n", a.method, path).into_bytes();
    let said = &a.said.headers;
    if !said.iter().any(|(n, _)| n.eq_ignore_ascii_case(b"host")) {
        bytes.extend_from_slice(format!("Host: {}\r\n", a.host).as_bytes());
    }
    let framed = |n: &[u8]| {
        n.first() == Some(&b':') || n.eq_ignore_ascii_case(b"content-length") || n.eq_ignore_ascii_case(b"transfer-encoding")
    };
    for (name, value) in said.iter().filter(|(n, _)| !framed(n)) {
        bytes.extend([name.as_slice(), b": ", value, b"\r\n"].concat());
    }
    if !a.body().is_empty() {
        bytes.extend_from_slice(format!("Content-Length: {}\r\n", a.body().len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(a.body());
    let to = if a.secure {
        format!(
            "openssl s_client -quiet -connect {} -servername {}",
            shell(&format!("{}:{}", bracketed(&a.host), a.port)),
            shell(&a.host)
        )
    } else {
        format!("nc {} {}", shell(&a.host), a.port)
    };
    format!("printf {} | {to}", printf(&bytes))
}

/// An IPv6 address in brackets; all else as it is.
fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

fn websocat(a: &Asked<'_>) -> String {
    let url = a.url.replacen("http", "ws", 1);
    let mut w = vec![format!("websocat {}", shell(&url))];
    // The handshake's own headers are made anew by whoever shakes hands.
    let own = ["connection", "upgrade", "sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "host"];
    for (name, value) in a.headers.iter().filter(|(n, _)| !own.iter().any(|o| n.eq_ignore_ascii_case(o))) {
        if name.eq_ignore_ascii_case("sec-websocket-protocol") {
            w.push(format!("--protocol {}", shell(value)));
        } else {
            w.push(format!("-H {}", shell(&format!("{name}: {value}"))));
        }
    }
    lines(w)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::Body;

    fn asked(method: &str, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Exchange {
        let target = url.splitn(4, '/').nth(3).map_or("/".into(), |p| format!("/{p}"));
        Exchange {
            url: url.into(),
            request: Some(Said {
                line: [method.into(), target, "HTTP/1.1".into()],
                headers: headers.iter().map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec())).collect(),
                body: Body { bytes: body.to_vec(), ..Body::default() },
                ..Said::default()
            }),
            ..Exchange::default()
        }
    }

    #[test]
    fn quotes_in_any_part_stay_in_that_part() {
        let e = asked(
            "POST",
            "http://a.test/it's?x=$(id)",
            &[("Host", "a.test"), ("X-Q", "say 'hi' \"there\" `id`")],
            b"it's $HOME\n",
        );
        let line = copy_as(Form::Curl, &e).expect("a request");
        assert_eq!(
            line,
            "curl 'http://a.test/it'\\''s?x=$(id)' \\\n  -H 'X-Q: say '\\''hi'\\'' \"there\" `id`' \\\n  -H User-Agent: \\\n  -H Accept: \\\n  \
             -H Content-Type: \\\n  -H Expect: \\\n  --data-binary 'it'\\''s $HOME\n'"
        );
    }

    #[test]
    fn a_body_that_is_no_text_stands_in_base64() {
        let e = asked("PUT", "https://a.test/x", &[("Host", "a.test")], &[0, 255, b'@']);
        let line = copy_as(Form::Curl, &e).expect("a request");
        assert!(line.starts_with("base64 -d <<'BODY' | curl https://a.test/x \\\n  -X PUT \\\n  --http1.1"), "{line}");
        assert!(line.ends_with("--data-binary @-\nAP9A\nBODY"), "{line}");
    }

    #[test]
    fn a_body_that_begins_like_the_name_of_a_file_is_not_read_as_one() {
        let line = copy_as(Form::Curl, &asked("POST", "http://a.test/", &[], b"@/etc/hostname")).expect("a request");
        assert!(line.contains("--data-binary @-\n"), "{line}");
    }

    #[test]
    fn the_bytes_for_openssl_are_those_that_were_sent() {
        let e = asked("GET", "https://[2001:db8::1]:8443/a%20b", &[("hOST", "[2001:db8::1]:8443"), ("X", "50%\\")], b"");
        assert_eq!(
            copy_as(Form::Openssl, &e).expect("a request"),
            "printf 'GET /a%%20b HTTP/1.1\\r\\nhOST: [2001:db8::1]:8443\\r\\nX: 50%%\\\\\\r\\n\\r\\n' | openssl s_client -quiet -connect \
             '[2001:db8::1]:8443' -servername 2001:db8::1"
        );
    }

    #[test]
    fn websocat_is_for_websockets_alone() {
        let mut e = asked(
            "GET",
            "https://a.test/chat",
            &[("Upgrade", "websocket"), ("Sec-WebSocket-Protocol", "v1"), ("Cookie", "a=b")],
            b"",
        );
        assert_eq!(copy_as(Form::Websocat, &e), None);
        e.response = Some(Said { line: ["HTTP/1.1".into(), "101".into(), String::new()], ..Said::default() });
        let line = copy_as(Form::Websocat, &e).expect("a WebSocket");
        assert_eq!(line, "websocat wss://a.test/chat \\\n  --protocol v1 \\\n  -H 'Cookie: a=b'");
    }

    #[test]
    fn code_of_other_languages_keeps_bytes_and_words() {
        let e = asked("POST", "http://a.test/", &[("A", "b\"c")], &[b'x', 0, 0xff, b'"']);
        assert!(copy_as(Form::Python, &e).expect("python").contains(r#"data=b"x\x00\xff\"","#));
        assert!(copy_as(Form::Reqwest, &e).expect("rust").contains(r#".header("A", "b\"c")"#));
        assert!(copy_as(Form::Fetch, &e).expect("fetch").contains(r#"["A", "b\"c"]"#));
    }
}
