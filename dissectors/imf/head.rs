//! Headers of letters and of their parts: lines with their ranges, names to fields, and what the body needs to know.

use super::{fields as f, notes as n, words};
use memchr::{memchr, memmem};
use wirelore_kit::{F, Flags, Level, Reader, Span, Stop, Value};

/// So many lines of one head are listed one by one.
const MOST_LINES: usize = 4096;

/// What a header is read for besides being shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Plain,
    /// Text in which encoded words may stand.
    Words,
    /// Mailboxes.
    People,
    From,
    To,
    Subject,
    Date,
    Type,
    Encoding,
    Disposition,
}

/// Name in lower case, field in a letter, field in a part, use, whether it may stand only once.
type Known = (&'static str, F, F, Use, bool);

static KNOWN: &[Known] = &[
    ("from", &f::FROM, &f::VALUE, Use::From, true),
    ("to", &f::TO, &f::VALUE, Use::To, true),
    ("subject", &f::SUBJECT, &f::VALUE, Use::Subject, true),
    ("date", &f::DATE, &f::VALUE, Use::Date, true),
    ("message-id", &f::MESSAGE_ID, &f::VALUE, Use::Plain, true),
    ("sender", &f::SENDER, &f::VALUE, Use::People, true),
    ("reply-to", &f::REPLY_TO, &f::VALUE, Use::People, true),
    ("cc", &f::CC, &f::VALUE, Use::To, true),
    ("bcc", &f::BCC, &f::VALUE, Use::To, true),
    ("in-reply-to", &f::IN_REPLY_TO, &f::VALUE, Use::Plain, true),
    ("references", &f::REFERENCES, &f::VALUE, Use::Plain, true),
    ("comments", &f::COMMENTS, &f::VALUE, Use::Words, false),
    ("keywords", &f::KEYWORDS, &f::VALUE, Use::Words, false),
    ("user-agent", &f::USER_AGENT, &f::VALUE, Use::Words, false),
    ("x-mailer", &f::MAILER, &f::VALUE, Use::Words, false),
    ("resent-date", &f::RESENT_DATE, &f::VALUE, Use::Plain, false),
    ("resent-from", &f::RESENT_FROM, &f::VALUE, Use::People, false),
    ("resent-sender", &f::RESENT_SENDER, &f::VALUE, Use::People, false),
    ("resent-to", &f::RESENT_TO, &f::VALUE, Use::People, false),
    ("resent-cc", &f::RESENT_CC, &f::VALUE, Use::People, false),
    ("resent-message-id", &f::RESENT_MESSAGE_ID, &f::VALUE, Use::Plain, false),
    ("return-path", &f::RETURN_PATH, &f::VALUE, Use::Plain, false),
    ("received", &f::RECEIVED, &f::VALUE, Use::Plain, false),
    ("delivered-to", &f::DELIVERED_TO, &f::VALUE, Use::Plain, false),
    ("x-original-to", &f::ORIGINAL_TO, &f::VALUE, Use::Plain, false),
    ("mime-version", &f::MIME_VERSION, &f::VALUE, Use::Plain, true),
    ("content-type", &f::CONTENT_TYPE, &f::PART_TYPE, Use::Type, true),
    ("content-transfer-encoding", &f::CONTENT_ENCODING, &f::PART_ENCODING, Use::Encoding, true),
    ("content-disposition", &f::CONTENT_DISPOSITION, &f::PART_DISPOSITION, Use::Disposition, true),
    ("content-id", &f::CONTENT_ID, &f::PART_ID, Use::Plain, true),
    ("content-description", &f::CONTENT_DESCRIPTION, &f::PART_DESCRIPTION, Use::Words, true),
    ("content-language", &f::CONTENT_LANGUAGE, &f::PART_LANGUAGE, Use::Plain, true),
    ("precedence", &f::PRECEDENCE, &f::VALUE, Use::Plain, false),
    ("priority", &f::PRIORITY, &f::VALUE, Use::Plain, false),
    ("importance", &f::IMPORTANCE, &f::VALUE, Use::Plain, false),
    ("auto-submitted", &f::AUTO_SUBMITTED, &f::VALUE, Use::Plain, false),
    ("lines", &f::LINES, &f::VALUE, Use::Plain, false),
    ("thread-index", &f::THREAD_INDEX, &f::VALUE, Use::Plain, false),
    ("list-id", &f::LIST_ID, &f::VALUE, Use::Words, false),
    ("list-unsubscribe", &f::LIST_UNSUBSCRIBE, &f::VALUE, Use::Plain, false),
    ("dkim-signature", &f::DKIM, &f::VALUE, Use::Plain, false),
    ("authentication-results", &f::AUTHENTICATION_RESULTS, &f::VALUE, Use::Plain, false),
    ("received-spf", &f::RECEIVED_SPF, &f::VALUE, Use::Plain, false),
    ("arc-seal", &f::ARC, &f::VALUE, Use::Plain, false),
    ("arc-message-signature", &f::ARC, &f::VALUE, Use::Plain, false),
    ("arc-authentication-results", &f::ARC, &f::VALUE, Use::Plain, false),
];

fn known(name: &[u8]) -> Option<(usize, &'static Known)> {
    KNOWN.iter().enumerate().find(|(_, k)| k.0.as_bytes().eq_ignore_ascii_case(name))
}

/// What the body and the summary need of a head.
#[derive(Debug, Default)]
pub struct Head {
    /// The Content-Type as it stood.
    pub content_type: Vec<u8>,
    /// The Content-Transfer-Encoding.
    pub encoding: Vec<u8>,
    /// The Content-Disposition.
    pub disposition: Vec<u8>,
    /// Addresses of From, and of To, Cc and Bcc.
    pub from: Vec<String>,
    /// See `from`.
    pub to: Vec<String>,
    /// The person's name or else the address of From.
    pub sender: String,
    /// The subject, decoded.
    pub subject: Option<String>,
    /// Whether there is a Date.
    pub dated: bool,
    /// Header lines.
    pub lines: usize,
}

impl Head {
    /// The name of the file, by disposition or else by the type's `name`.
    #[must_use]
    pub fn file(&self) -> Option<String> {
        let of = |value: &[u8], name: &str| words::parameters(value).into_iter().find(|p| p.0 == name).map(|p| p.1);
        of(&self.disposition, "filename").or_else(|| of(&self.content_type, "name")).filter(|n| !n.is_empty())
    }
}

/// Length of the headers with the blank line behind them; `from` bytes were searched before.
#[must_use]
pub fn end(bytes: &[u8], from: usize) -> Option<usize> {
    match bytes {
        [b'\r', b'\n', ..] => return Some(2),
        [b'\n', ..] => return Some(1),
        _ => {}
    }
    let from = from.saturating_sub(3);
    let rest = bytes.get(from..)?;
    memchr::memchr_iter(b'\n', rest).find_map(|i| match rest.get(i.saturating_add(1)..) {
        Some([b'\r', b'\n', ..]) => Some(from.saturating_add(i).saturating_add(3)),
        Some([b'\n', ..]) => Some(from.saturating_add(i).saturating_add(2)),
        _ => None,
    })
}

/// Whether a line begins as a header does: a name of printable characters and a colon.
#[must_use]
pub fn is_header(line: &[u8]) -> bool {
    memchr(b':', line.get(..256).unwrap_or(line))
        .is_some_and(|c| c > 0 && line.get(..c).is_some_and(|n| n.trim_ascii_end().iter().all(u8::is_ascii_graphic)))
}

/// Reads `len` bytes of headers, the blank line included if it is there. `part`: of a part, not of a letter.
///
/// # Errors
/// As [`Reader::bytes`].
pub fn read(r: &mut Reader<'_>, len: usize, part: bool) -> Result<Head, Stop> {
    let mut head = Head::default();
    let mut rest = r.peek(len)?;
    let mut seen = [false; 64];
    let (mut bare, mut eight, mut bad, mut repeated) = (None, None, None, None);
    while !rest.is_empty() {
        let n = line_len(rest, head.lines < MOST_LINES);
        let (line, behind) = rest.split_at_checked(n).unwrap_or((rest, &[]));
        rest = behind;
        let here = r.span(line.len());
        if line == b"\r\n" || line == b"\n" {
            r.bytes(&f::BLANK, line.len())?;
            continue;
        }
        if !line.ends_with(b"\r\n") && line.ends_with(b"\n") {
            bare.get_or_insert(here);
        }
        if !is_header(line) {
            bad.get_or_insert(here);
            r.bytes(&f::BAD_LINE, line.len())?;
            continue;
        }
        if !line.is_ascii() && std::str::from_utf8(line).is_err() {
            eight.get_or_insert(here);
        }
        head.lines = head.lines.saturating_add(1);
        one(r, line, part, &mut head, |at| {
            if let Some(s) = seen.get_mut(at)
                && std::mem::replace(s, true)
            {
                repeated.get_or_insert(here);
            }
        })?;
    }
    for (at, what) in [(bare, &n::BARE_END), (bad, &n::BAD_LINE), (eight, &n::EIGHT_BIT), (repeated, &n::REPEATED)] {
        if let Some(at) = at {
            r.note(what, at);
        }
    }
    Ok(head)
}

/// Length of a header with the lines that go on with it.
fn line_len(bytes: &[u8], folds: bool) -> usize {
    if !folds {
        return bytes.len();
    }
    let mut at = 0usize;
    loop {
        let rest = bytes.get(at..).unwrap_or(&[]);
        let Some(i) = memchr(b'\n', rest) else { return bytes.len() };
        let end = at.saturating_add(i).saturating_add(1);
        let blank = rest.get(..i).is_some_and(|l| l.is_empty() || l == b"\r");
        match bytes.get(end) {
            Some(b' ' | b'\t') if !blank => at = end,
            _ => return end,
        }
    }
}

fn one(r: &mut Reader<'_>, line: &[u8], part: bool, head: &mut Head, once: impl FnOnce(usize)) -> Result<(), Stop> {
    let colon = memchr(b':', line).unwrap_or(line.len());
    let name = line.get(..colon).unwrap_or(line).trim_ascii_end();
    let behind = line.get(colon.saturating_add(1)..).unwrap_or(&[]);
    let lead = behind.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
    let value = behind.get(lead..).unwrap_or(&[]).trim_ascii_end();
    let found = known(name);
    let (field, usage): (F, Use) = found.map_or((&f::VALUE, Use::Words), |(_, k)| (if part { k.2 } else { k.1 }, k.3));
    if let Some((at, k)) = found
        && k.4
    {
        once(at);
    }
    let tree = r.level() == Level::Tree;
    if !tree && !field.flags.has(Flags::KEY) && matches!(usage, Use::Plain | Use::Words | Use::People) {
        // Rows need nothing of it.
        return r.bytes(&f::HEADER, line.len()).map(|_| ());
    }
    let between = colon.saturating_add(1).saturating_add(lead).saturating_sub(name.len());
    let tail = line.len().saturating_sub(name.len()).saturating_sub(between).saturating_sub(value.len());
    let mut at = r.span(0);
    r.titled(&f::HEADER, |r| {
        let title = if tree { Value::from(String::from_utf8_lossy(name).into_owned()) } else { Value::Span };
        r.text(&f::NAME, name.len())?;
        r.bytes(&f::DELIMITER, between)?;
        at = r.span(value.len());
        if !value.is_empty() {
            let folded = memchr(b'\n', value).is_some();
            let shown = if folded { Value::from(words::plain(&words::unfold(value))) } else { Value::Span };
            r.valued(field, value.len(), shown)?;
        }
        uses(r, usage, value, at, head);
        if tail > 0 {
            r.bytes(&f::DELIMITER, tail)?;
        }
        Ok(((), title))
    })
}

fn uses(r: &mut Reader<'_>, usage: Use, value: &[u8], at: Span, head: &mut Head) {
    let tree = r.level() == Level::Tree;
    let words = !matches!(usage, Use::From | Use::To | Use::People | Use::Type | Use::Disposition);
    if tree
        && words
        && let Some(text) = words::encoded_words(value)
    {
        r.derived(&f::DECODED, at, text);
    }
    match usage {
        Use::From | Use::To | Use::People => {
            if usage == Use::People && !tree {
                return;
            }
            for m in words::mailboxes(value) {
                let of = Span { at: at.at.saturating_add(m.at.0 as u64), len: m.at.1 as u32, ..at };
                if !m.name.is_empty() {
                    r.derived(&f::DISPLAY_NAME, of, m.name.as_str());
                }
                r.derived(&f::ADDRESS, of, m.address.as_str());
                if usage == Use::From {
                    if head.from.is_empty() {
                        head.sender = if m.name.is_empty() { m.address.clone() } else { m.name };
                    }
                    head.from.push(m.address);
                } else if usage == Use::To {
                    head.to.push(m.address);
                }
            }
        }
        Use::Subject => head.subject = Some(words::shown(value)),
        Use::Date => head.dated = true,
        Use::Type => {
            head.content_type = value.to_vec();
            if tree {
                r.derived(&f::MEDIA, at, words::media(value));
                parameters(r, value, at);
            }
        }
        Use::Encoding => head.encoding = value.to_vec(),
        Use::Disposition => {
            head.disposition = value.to_vec();
            if tree {
                parameters(r, value, at);
            }
        }
        Use::Plain | Use::Words => {}
    }
}

fn parameters(r: &mut Reader<'_>, value: &[u8], at: Span) {
    if memmem::find(value, b";").is_none() {
        return;
    }
    for (name, text) in words::parameters(value) {
        if name == "charset" {
            r.derived(&f::CHARSET, at, text);
        } else {
            r.derived(&f::PARAMETER, at, format!("{name}={text}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_end_at_the_first_blank_line_of_either_kind() {
        assert_eq!(end(b"A: b\r\n\r\nx", 0), Some(8));
        assert_eq!(end(b"A: b\n\nx", 0), Some(6));
        assert_eq!(end(b"\r\nx", 0), Some(2));
        assert_eq!(end(b"A: b\r\n\r", 0), None);
        assert_eq!(end(b"A: b\r\n\r\nx", 7), Some(8));
        assert_eq!(line_len(b"A: b\r\n c\r\nD: e\r\n", true), 10);
        assert_eq!(line_len(b"\r\n c", true), 2);
    }
}
