//! Secrets in text of any kind, by what stands before them: parameters, JSON members, header lines, XML, forms, addresses with a password,
//! and tokens that are known by their form.

use super::mask::{self, Hit};
use regex::bytes::{Captures, Regex};
use std::ops::Range;
use std::sync::LazyLock;

/// Values longer than this are no passwords, but what does not end where it should.
const MOST_VALUE: usize = 16 << 10;

/// Endings of names whose values are secret, and short ones that must be a word of the name.
const ENDINGS: &str = r"password|passwd|passphrase|passcode|passkey|secret|token|api[_-]?key|(?:access|private|secret|session|subscription|account|shared|encryption|auth|signing)[_-]?key|sess(?:ion)?[_-]?id|credentials?|x-amz-(?:signature|credential)|auth[_-]?code|authorization";
const WORDS: &str = r"pass|pwd|sid|session|otp|csrf|xsrf|auth|jwt|pin|cvv|assertion";

/// A name in a regular expression.
static NAME: LazyLock<String> =
    LazyLock::new(|| format!(r"(?:[a-z0-9_.\[\]-]{{0,40}}?(?:{ENDINGS})|(?:[a-z0-9_.\[\]-]{{0,40}}?[_.\[-])?(?:{WORDS}))"));

/// `name = value` in all its dresses: what stands between name and value is not looked at closely.
static PAIRS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let between = r#"(?:\\{0,3}["'\]]|%22|%5D|&quot;){0,3}[ \t]{0,8}(?:=>|=|:|%3D|%3A)[ \t\r\n]{0,16}"#;
    let each = [format!(r"(?i-u)(?:{ENDINGS}){between}"), format!(r"(?i-u)(?:^|[^a-z0-9])(?:{WORDS}){between}")];
    each.iter().filter_map(|e| Regex::new(e).ok()).collect()
});
/// `code`, `sig` and the like are secret as parameters of an address or form only.
static PARAMETER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i-u)[?&](?:code|sig|signature|state|key|ticket|samlresponse|hash)=([^&\s#\x22'<>]{8,4096})").ok()
});
/// Where the name comes first and something stands between: SQL, elements, form parts, inputs.
static OTHERS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let name = &*NAME;
    let each = [
        format!(r"(?i-u)<(?:[a-z0-9]+:)?{name}(?:\s[^<>]{{0,256}})?>([^<>]{{1,4096}})</"),
        format!(r#"(?i-u)name="{name}\]?"[^<>]{{0,256}}?\svalue="([^"]{{1,4096}})""#),
        format!(r#"(?i-u)name="{name}\]?"(?:;[^\r\n]*)?\r\n(?:[^\r\n]+\r\n){{0,8}}\r\n([^\r\n]{{1,4096}})\r\n"#),
        r"(?i-u)\b(?:identified\s+by|password)\s+'([^'\r\n]{1,256})'".to_owned(),
        r"(?i-u)[a-z][a-z0-9+.-]{1,20}://[^/@:\s\x22'<>]{0,128}:([^/@\s\x22'<>]{1,256})@".to_owned(),
        r"(?i-u)\b(?:bearer|basic)[ ]+([a-z0-9+/=._~-]{8,8192})".to_owned(),
        r"(?-u)\b(eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{2,}\.[A-Za-z0-9_-]*)".to_owned(),
        r"(?-u)\b((?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,}|xox[abprs]-[A-Za-z0-9-]{10,}|sk_live_[A-Za-z0-9]{16,}|glpat-[A-Za-z0-9_-]{20})".to_owned(),
        r"(?-u)-----BEGIN [A-Z ]{0,24}PRIVATE KEY-----((?:[^-]|-[^-]){1,16384}?)-----END".to_owned(),
    ];
    each.iter().filter_map(|e| Regex::new(e).ok()).collect()
});

/// Hands on every secret found in `bytes`; those that reach to the end of them may be cut there.
pub(super) fn scan(bytes: &[u8], each: &mut dyn FnMut(Hit)) {
    for pair in PAIRS.iter() {
        for m in pair.find_iter(bytes) {
            if let Some(range) = value(bytes, m.range()) {
                tell(bytes, range, each);
            }
        }
    }
    for regex in PARAMETER.iter().chain(OTHERS.iter()) {
        for range in regex.captures_iter(bytes).filter_map(|c: Captures<'_>| c.get(1).map(|g| g.range())) {
            tell(bytes, range, each);
        }
    }
}

fn tell(bytes: &[u8], range: Range<usize>, each: &mut dyn FnMut(Hit)) {
    let old = bytes.get(range.clone()).unwrap_or_default();
    let word = old.to_ascii_lowercase();
    // What says that there is none, and what a scheme's parameters bring, is no secret.
    if matches!(word.as_slice(), b"" | b"true" | b"false" | b"null" | b"none" | b"undefined" | b"bearer" | b"basic" | b"digest") {
        return;
    }
    if let Some(hit) = Hit::text(bytes, range) {
        each(hit);
    }
}

/// The value that begins behind `name =`.
fn value(bytes: &[u8], name: Range<usize>) -> Option<Range<usize>> {
    let colon = bytes.get(name.clone())?.contains(&b':');
    let begin = name.end;
    let rest = bytes.get(begin..bytes.len().min(begin.saturating_add(MOST_VALUE)))?;
    for quote in [&b"\\\""[..], b"\"", b"'", b"%22", b"&quot;"] {
        if rest.starts_with(quote) {
            let from = begin.saturating_add(quote.len());
            let len = quoted(bytes.get(from..begin.saturating_add(rest.len()))?, quote);
            return Some(from..from.saturating_add(len));
        }
    }
    if bytes.get(name.clone())?.iter().any(|b| matches!(b, b'\r' | b'\n')) {
        // On another line stands a value of JSON, in quotes, or none.
        return None;
    }
    let end = |b: &u8| {
        *b <= b' '
            || matches!(b, b'&' | b';' | b',' | b'"' | b'\'' | b'<' | b'>' | b'(' | b')' | b'{' | b'}' | b'[' | b']' | b'\\')
    };
    let len = rest.iter().position(end).unwrap_or(rest.len());
    // Behind a colon without quotes a whole line may be the value, where the name stood at the beginning of one.
    let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let mut before = bytes.get(name.start.saturating_sub(64)..name.start)?;
    while let [head @ .., last] = before
        && part(last)
    {
        before = head;
    }
    let line = colon && (before.is_empty() || before.ends_with(b"\n"));
    let len = if line { rest.iter().position(|b| *b < b' ' && *b != b'\t').unwrap_or(rest.len()).max(len) } else { len };
    let old = rest.get(..len)?;
    // A scheme stays before its token.
    let word = old.split(|b| *b == b' ').next().unwrap_or_default();
    if [&b"bearer"[..], b"basic", b"token", b"negotiate", b"ntlm"].iter().any(|s| s.eq_ignore_ascii_case(word))
        && let [hit] = mask::credentials(old).as_slice()
    {
        return Some(begin.saturating_add(hit.range.start)..begin.saturating_add(hit.range.end));
    }
    (!old.is_empty()).then(|| begin..begin.saturating_add(len))
}

/// Bytes up to the quote that ends a value; those behind a backslash do not.
fn quoted(rest: &[u8], quote: &[u8]) -> usize {
    let mut at = 0;
    while at < rest.len() {
        let here = rest.get(at..).unwrap_or_default();
        if here.starts_with(quote) {
            return at;
        }
        let step = if here.first() == Some(&b'\\') { 2 } else { 1 };
        if here.first().is_some_and(|b| *b < b' ' && *b != b'\t') {
            return at;
        }
        at = at.saturating_add(step);
    }
    rest.len()
}

/// Whether the value of a header of this name is secret as a whole.
pub(super) fn is_secret_header(name: &[u8]) -> bool {
    static HEADER: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(&format!(r"(?i-u)^{}$", *NAME)).ok());
    HEADER.as_ref().is_some_and(|h| h.is_match(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let mut out: Vec<(usize, String)> = Vec::new();
        scan(text.as_bytes(), &mut |h| {
            let entry = (h.range.start, text[h.range].to_owned());
            if !out.contains(&entry) {
                out.push(entry);
            }
        });
        out.sort();
        out.into_iter().map(|(_, v)| v).collect()
    }

    #[test]
    fn secrets_are_found_by_what_stands_before_them() {
        for (text, secrets) in [
            ("user=emma&password=hunter2&x=1", &["hunter2"][..]),
            ("GET /cb?code=4%2F0AX4XfWh&state=1 HTTP/1.1", &["4%2F0AX4XfWh"]),
            (r#"{"user":"emma","password" : "hun\"ter2","n":1}"#, &["hun\\\"ter2"]),
            (r#"{"access_token":"a-b","token_type":"Bearer","pin":4711}"#, &["a-b", "4711"]),
            (r#"{"json":"{\"password\":\"abc\"}"}"#, &["abc"]),
            ("X-Api-Key: 12 34\r\nHost: a\r\n", &["12 34"]),
            ("x\nX-Auth-Token: Bearer qqqqqqqqq\r\n", &["qqqqqqqqq"]),
            ("postgres://emma:hunter2@db/x", &["hunter2"]),
            ("<u:Password Type=\"t\">hunter2</u:Password>", &["hunter2"]),
            (r#"<input type=hidden name="csrf_token" value="abc123">"#, &["abc123"]),
            ("form-data; name=\"password\"\r\n\r\nhunter2\r\n--b", &["hunter2"]),
            ("ALTER USER emma PASSWORD 'hunter2'", &["hunter2"]),
            ("\"author\":\"x\",\"tokens\":3,\"password\":null,\"passwords\":[1]", &[]),
            ("Password: \r\n\r\nWelcome\r\n", &[]),
            ("a%5Bpassword%5D=hunter2", &["hunter2"]),
        ] {
            assert_eq!(found(text), secrets, "{text}");
        }
    }

    #[test]
    fn headers_are_known_by_the_ending_of_their_names() {
        assert!(is_secret_header(b"X-Api-Key") && is_secret_header(b"x-auth-token") && is_secret_header(b"x-csrf"));
        assert!(!is_secret_header(b"accept") && !is_secret_header(b"token-type"));
    }
}
