//! Values of mail headers: unfolding, encoded words (RFC 2047), parameters (RFC 2231), mailboxes. Pure functions.

use crate::coding::transfer;
use encoding_rs::Encoding;
use memchr::memmem;

/// So many mailboxes of one header are listed, and so many parameters of a header.
const MOST_MAILBOXES: usize = 256;
const MOST_PARAMETERS: usize = 64;

/// A folded value on one line: line ends are taken out (RFC 5322 §2.2.3).
#[must_use]
pub fn unfold(value: &[u8]) -> Vec<u8> {
    value.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect()
}

/// Text in a named character set; an unknown name is read as UTF-8 or else as Latin-1.
fn decode(charset: &[u8], bytes: &[u8]) -> String {
    // A language may stand behind a star (RFC 2231 §5).
    let name = charset.split(|b| *b == b'*').next().unwrap_or(charset);
    match Encoding::for_label(name) {
        Some(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
        None => plain(bytes),
    }
}

/// Text without a named character set.
#[must_use]
pub fn plain(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

/// Unfolded, with encoded words decoded; `None` where there are none.
#[must_use]
pub fn encoded_words(value: &[u8]) -> Option<String> {
    memmem::find(value, b"=?")?;
    let value = unfold(value);
    let mut out = String::new();
    // Bytes of words in one character set that follow each other belong together: a character may be cut in two.
    let mut pending: Option<(Vec<u8>, Vec<u8>)> = None;
    let mut any = false;
    let mut rest = value.as_slice();
    loop {
        let at = memmem::find(rest, b"=?").unwrap_or(rest.len());
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        let word = word(from);
        // Blanks between two words are no text (RFC 2047 §6.2).
        let between = pending.is_some() && word.is_some() && before.iter().all(u8::is_ascii_whitespace);
        if !between && !before.is_empty() {
            flush(&mut pending, &mut out);
            out.push_str(&plain(before));
        }
        match word {
            Some((charset, bytes, len)) => {
                any = true;
                match &mut pending {
                    Some((c, b)) if c.eq_ignore_ascii_case(charset) => b.extend_from_slice(&bytes),
                    _ => {
                        flush(&mut pending, &mut out);
                        pending = Some((charset.to_vec(), bytes));
                    }
                }
                rest = from.get(len..).unwrap_or(&[]);
            }
            None if from.is_empty() => break,
            None => {
                flush(&mut pending, &mut out);
                out.push_str("=?");
                rest = from.get(2..).unwrap_or(&[]);
            }
        }
    }
    flush(&mut pending, &mut out);
    any.then_some(out)
}

fn flush(pending: &mut Option<(Vec<u8>, Vec<u8>)>, out: &mut String) {
    if let Some((charset, bytes)) = pending.take() {
        out.push_str(&decode(&charset, &bytes));
    }
}

/// `=?charset?B?text?=` at the beginning: its character set, its bytes, its length.
fn word(from: &[u8]) -> Option<(&[u8], Vec<u8>, usize)> {
    let inner = from.strip_prefix(b"=?")?;
    let mut at = 0usize;
    let mut part = || {
        let rest = inner.get(at..)?;
        let len = rest.iter().take(1024).position(|b| *b == b'?')?;
        at = at.saturating_add(len).saturating_add(1);
        rest.get(..len)
    };
    let (charset, coding) = (part()?, part()?);
    let text = {
        let rest = inner.get(at..)?;
        let len = memmem::find(rest.get(..8192).unwrap_or(rest), b"?=")?;
        at = at.saturating_add(len).saturating_add(2);
        rest.get(..len)?
    };
    let bytes = match coding {
        b"B" | b"b" => transfer::base64(text)?,
        b"Q" | b"q" => transfer::q_word(text),
        _ => return None,
    };
    (!charset.is_empty()).then(|| (charset, bytes, at.saturating_add(2)))
}

/// A value as a person reads it.
#[must_use]
pub fn shown(value: &[u8]) -> String {
    encoded_words(value).unwrap_or_else(|| plain(&unfold(value)))
}

/// A mailbox: where it stands in the value, the person's name, the address.
#[derive(Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Its first byte and its length.
    pub at: (usize, usize),
    /// The name, decoded; may be empty.
    pub name: String,
    /// local@domain.
    pub address: String,
}

/// The mailboxes of an address list (RFC 5322 §3.4), groups opened.
#[must_use]
pub fn mailboxes(value: &[u8]) -> Vec<Mailbox> {
    let mut list = Vec::new();
    let (mut from, mut quoted, mut escaped, mut angle, mut comment) = (0usize, false, false, false, 0u32);
    for (i, b) in value.iter().chain(std::iter::once(&b',')).enumerate() {
        if list.len() >= MOST_MAILBOXES {
            break;
        }
        let end = i >= value.len();
        if std::mem::take(&mut escaped) && !end {
            continue;
        }
        match b {
            b'\\' if quoted || comment > 0 => escaped = true,
            b'"' if comment == 0 => quoted = !quoted,
            b'(' if !quoted => comment = comment.saturating_add(1),
            b')' if !quoted => comment = comment.saturating_sub(1),
            b'<' if !quoted && comment == 0 => angle = true,
            b'>' if !quoted && comment == 0 => angle = false,
            // The name of a group ends here, or the group itself.
            b':' if !quoted && comment == 0 && !angle => from = i.saturating_add(1),
            b',' | b';' if end || !quoted && comment == 0 && !angle => {
                if let Some(m) = mailbox(value, from, i) {
                    list.push(m);
                }
                from = i.saturating_add(1);
            }
            _ => {}
        }
    }
    list
}

fn mailbox(value: &[u8], from: usize, to: usize) -> Option<Mailbox> {
    let raw = value.get(from..to)?;
    let lead = raw.iter().take_while(|b| b.is_ascii_whitespace()).count();
    let text = raw.trim_ascii();
    let (name, address) = match text.iter().rposition(|b| *b == b'<') {
        Some(open) => {
            let inside = text.get(open.saturating_add(1)..)?;
            let close = inside.iter().position(|b| *b == b'>').unwrap_or(inside.len());
            (text.get(..open)?.trim_ascii(), inside.get(..close)?)
        }
        // The old form: address (name).
        None => {
            let open = text.iter().position(|b| *b == b'(').unwrap_or(text.len());
            let name = text.get(open..).unwrap_or(&[]);
            (name.strip_prefix(b"(").and_then(|n| n.strip_suffix(b")")).unwrap_or(name), text.get(..open)?.trim_ascii())
        }
    };
    if text.is_empty() {
        return None;
    }
    let unquoted: Vec<u8> = match name.strip_prefix(b"\"").and_then(|n| n.strip_suffix(b"\"")) {
        Some(inside) => unescape(inside),
        None => name.to_vec(),
    };
    let at = (from.saturating_add(lead), text.len());
    Some(Mailbox { at, name: shown(&unquoted), address: plain(&unfold(address.trim_ascii())) })
}

fn unescape(inside: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(inside.len());
    let mut escaped = false;
    for b in inside {
        if *b == b'\\' && !escaped {
            escaped = true;
        } else {
            escaped = false;
            out.push(*b);
        }
    }
    out
}

/// The media type without parameters, lower case, or what stands for it.
#[must_use]
pub fn media(value: &[u8]) -> String {
    let essence = value.split(|b| *b == b';').next().unwrap_or(value);
    plain(&unfold(essence)).trim().to_ascii_lowercase()
}

/// Parameters behind the first semicolon; continuations and character sets undone (RFC 2231).
#[must_use]
pub fn parameters(value: &[u8]) -> Vec<(String, String)> {
    let value = unfold(value);
    // Name, number of the section, whether percent codes are used, text.
    let mut raw: Vec<(String, u32, bool, Vec<u8>)> = Vec::new();
    for piece in split(&value).into_iter().skip(1).take(MOST_PARAMETERS) {
        let Some(eq) = piece.iter().position(|b| *b == b'=') else { continue };
        let (name, text) = (piece.get(..eq).unwrap_or(&[]), piece.get(eq.saturating_add(1)..).unwrap_or(&[]));
        let name = plain(name.trim_ascii()).to_ascii_lowercase();
        let text = text.trim_ascii();
        let text = match text.strip_prefix(b"\"") {
            Some(t) => unescape(t.strip_suffix(b"\"").unwrap_or(t)),
            // A comment may follow.
            None => text.split(|b| matches!(b, b' ' | b'(')).next().unwrap_or(text).to_vec(),
        };
        let (name, percent) = name.strip_suffix('*').map_or((name.as_str(), false), |n| (n, true));
        let (name, section) = match name.split_once('*') {
            Some((n, s)) => (n, s.parse().unwrap_or(0)),
            None => (name, 0),
        };
        raw.push((name.to_owned(), section, percent, text));
    }
    let mut out: Vec<(String, String)> = Vec::new();
    for name in raw.iter().map(|r| r.0.clone()) {
        if out.iter().any(|o| o.0 == name) {
            continue;
        }
        let mut sections: Vec<_> = raw.iter().filter(|r| r.0 == name).collect();
        sections.sort_by_key(|r| r.1);
        let coded = sections.iter().any(|s| s.2);
        let mut bytes = Vec::new();
        let mut charset = Vec::new();
        for (i, (_, _, percent, text)) in sections.iter().enumerate() {
            let mut text = text.as_slice();
            if i == 0 && *percent {
                let mut parts = text.splitn(3, |b| *b == b'\'');
                if let (Some(c), Some(_), Some(t)) = (parts.next(), parts.next(), parts.next()) {
                    charset = c.to_vec();
                    text = t;
                }
            }
            if *percent { percents(text, &mut bytes) } else { bytes.extend_from_slice(text) }
        }
        // Many programs put encoded words where RFC 2231 should stand.
        let text = if coded { decode(&charset, &bytes) } else { shown(&bytes) };
        out.push((name, text));
    }
    out
}

fn percents(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some((first, more)) = rest.split_first() {
        let hex = more.get(..2).and_then(|h| std::str::from_utf8(h).ok()).and_then(|h| u8::from_str_radix(h, 16).ok());
        match (first, hex) {
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = more.get(2..).unwrap_or(&[]);
            }
            _ => {
                out.push(*first);
                rest = more;
            }
        }
    }
}

/// At semicolons outside of quotes.
fn split(value: &[u8]) -> Vec<&[u8]> {
    let (mut quoted, mut escaped) = (false, false);
    value
        .split(|b| {
            if std::mem::take(&mut escaped) {
                return false;
            }
            match b {
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b';' => return !quoted,
                _ => {}
            }
            false
        })
        .collect()
}

/// Whether a file name ends in two suffixes of which the last makes it a program: `invoice.pdf.exe`.
#[must_use]
pub fn is_double(name: &str) -> bool {
    const PROGRAMS: [&str; 12] = ["exe", "scr", "com", "bat", "cmd", "js", "vbs", "jar", "lnk", "msi", "ps1", "hta"];
    let mut parts = name.rsplit('.');
    let (last, before) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    let named = parts.next().is_some();
    named && PROGRAMS.iter().any(|p| last.eq_ignore_ascii_case(p)) && (2..5).contains(&before.len()) && !before.contains(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_words_are_joined_and_blanks_between_them_left_out() {
        assert_eq!(encoded_words(b"=?utf-8?B?w6Q=?= =?UTF-8?q?_=C3=B6?= x").as_deref(), Some("\u{e4} \u{f6} x"));
        // A character cut in two by two words.
        assert_eq!(encoded_words(b"=?utf-8?B?ww==?=\r\n =?utf-8?B?pA==?=").as_deref(), Some("\u{e4}"));
        assert_eq!(encoded_words(b"=?iso-8859-1*en?Q?caf=E9?= bar").as_deref(), Some("caf\u{e9} bar"));
        assert_eq!(encoded_words(b"a =? b"), None);
        assert_eq!(encoded_words(b"plain"), None);
    }

    #[test]
    fn mailboxes_with_names_quotes_comments_and_groups() {
        let all = |v: &str| mailboxes(v.as_bytes()).into_iter().map(|m| (m.name, m.address)).collect::<Vec<_>>();
        let is = |n: &str, a: &str| (n.to_owned(), a.to_owned());
        assert_eq!(all("Emma <emma@cafe.test>, bob@cafe.test"), [is("Emma", "emma@cafe.test"), is("", "bob@cafe.test")]);
        assert_eq!(all("\"Doe, \\\"J\\\"\" <j@a.test>"), [is("Doe, \"J\"", "j@a.test")]);
        assert_eq!(
            all("Friends: a@a.test, b@b.test;, c@c.test (Cee)"),
            [is("", "a@a.test"), is("", "b@b.test"), is("Cee", "c@c.test")]
        );
        assert_eq!(all("=?utf-8?q?J=C3=BCrgen?= <j@a.test>"), [is("J\u{fc}rgen", "j@a.test")]);
        assert_eq!(all(""), []);
    }

    #[test]
    fn parameters_with_continuations_and_character_sets() {
        let of = |v: &str, n: &str| parameters(v.as_bytes()).into_iter().find(|p| p.0 == n).map(|p| p.1);
        assert_eq!(of("text/plain; charset=utf-8; format=flowed", "charset").as_deref(), Some("utf-8"));
        assert_eq!(of("a/b; name=\"a; b.txt\"", "name").as_deref(), Some("a; b.txt"));
        assert_eq!(of("attachment; filename*=UTF-8''caf%C3%A9.pdf", "filename").as_deref(), Some("caf\u{e9}.pdf"));
        assert_eq!(
            of("attachment; filename*0*=iso-8859-1'en'a%E9; filename*1=\"b \"; filename*2*=%20c", "filename").as_deref(),
            Some("a\u{e9}b  c")
        );
        assert_eq!(of("attachment; filename=\"=?utf-8?b?w6QudHh0?=\"", "filename").as_deref(), Some("\u{e4}.txt"));
        assert_eq!(media(b" Text/HTML ; a=b"), "text/html");
    }

    #[test]
    fn programs_that_look_like_documents() {
        assert!(is_double("invoice.pdf.exe") && !is_double("setup.exe") && !is_double("a.b.pdf") && !is_double("v1.2.tar.gz"));
    }
}
