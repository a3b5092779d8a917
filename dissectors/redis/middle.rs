//! Redis in the middle: commands and answers judged one by one.
//!
//! The line of a command is what one would type into `redis-cli`: words with blanks between them; a word that is empty or has other bytes
//! than printable ASCII, a blank or a quote in it stands in double quotes, with `\"`, `\\`, `\n`, `\r`, `\t` and `\x00` for what cannot be
//! written. A string in an answer is always quoted so; other answers show their first line as it is (`+OK`, `:5`, `*3`). The body is the
//! raw bytes. A changed line is written as an array of strings, or as the answer that it looks like; a changed body goes on as it is.

use super::value::{Progress, Size, is_type, size};
use super::{fields as f, value};
use crate::coding::lines;
use bytes::Bytes;
use wirelore_kit::middle::{Middle, Part, Serve, Setting, Transit};
use wirelore_kit::talk::{Book, Draft, MOST_WHOLE, Next, Says, Talk, Talking};
use wirelore_kit::{Dir, note};

/// How it stands in the middle.
pub const SERVE: Serve = Serve { forward: false, reopened: false, new };

fn new(setting: &Setting) -> Box<dyn Middle> {
    Box::new(Talking::new(Redis { judge: setting.judge, ..Redis::default() }, setting))
}

/// An inline command is not longer, bytes.
const MOST_INLINE: usize = 64 << 10;
/// Words of a command that its line shows; one of more is judged by its raw bytes.
const MOST_WORDS: usize = 4096;

#[derive(Debug, Default)]
struct Redis {
    judge: bool,
    progress: [Progress; 2],
    /// Answers cannot be paired any more: messages of channels come between, or answers are left out.
    listening: bool,
    /// What is pushed is marked as such (RESP3).
    three: bool,
}

/// A word as a line shows it.
fn quoted(word: &[u8], always: bool, out: &mut Vec<u8>) {
    let plain = |b: &u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'\\');
    if !always && !word.is_empty() && word.iter().all(plain) {
        out.extend_from_slice(word);
        return;
    }
    out.push(b'"');
    for b in word {
        match b {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *b]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b' '..=b'~' => out.push(*b),
            _ => out.extend_from_slice(format!("\\x{b:02x}").as_bytes()),
        }
    }
    out.push(b'"');
}

/// The words of a line, quotes undone. Quotes that are not closed end with the line.
fn words(line: &[u8]) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    let mut rest = line.trim_ascii_start();
    while let Some(first) = rest.first().copied() {
        let mut word = Vec::new();
        if matches!(first, b'"' | b'\'') {
            let mut at = 1usize;
            while let Some(b) = rest.get(at).copied().filter(|b| *b != first) {
                at = at.saturating_add(1);
                if b != b'\\' || first == b'\'' {
                    word.push(b);
                    continue;
                }
                let Some(escaped) = rest.get(at).copied() else { break };
                at = at.saturating_add(1);
                let hex =
                    rest.get(at..at.saturating_add(2)).and_then(|h| u8::from_str_radix(std::str::from_utf8(h).ok()?, 16).ok());
                match (escaped, hex) {
                    (b'x', Some(byte)) => {
                        word.push(byte);
                        at = at.saturating_add(2);
                    }
                    (b'n', _) => word.push(b'\n'),
                    (b'r', _) => word.push(b'\r'),
                    (b't', _) => word.push(b'\t'),
                    (other, _) => word.push(other),
                }
            }
            rest = rest.get(at.saturating_add(1)..).unwrap_or(&[]);
        } else {
            let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
            let (taken, behind) = rest.split_at(end);
            word.extend_from_slice(taken);
            rest = behind;
        }
        out.push(word);
        rest = rest.trim_ascii_start();
    }
    out
}

/// The strings of a command; `None` where it is no array of strings.
fn strings(command: &[u8]) -> Option<Vec<&[u8]>> {
    let (head, mut rest) = value::line(command).map(|(text, n)| (text, command.get(n..).unwrap_or(&[])))?;
    let count: usize = std::str::from_utf8(head.strip_prefix(b"*")?).ok()?.parse().ok().filter(|n| *n <= MOST_WORDS)?;
    let mut out = Vec::new();
    for _ in 0..count {
        let (string, n) = string(rest)?;
        out.push(string);
        rest = rest.get(n..)?;
    }
    rest.is_empty().then_some(out)
}

/// The string that a bulk string holds, and its length on the wire.
fn string(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let (head, n) = value::line(bytes)?;
    let len: usize = std::str::from_utf8(head.strip_prefix(b"$")?).ok()?.parse().ok()?;
    let text = bytes.get(n..n.saturating_add(len))?;
    Some((text, n.saturating_add(len).saturating_add(2)))
}

fn bulk(text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("${}\r\n", text.len()).as_bytes());
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}

/// A command as an array of strings.
fn command(words: &[Vec<u8>]) -> Bytes {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    words.iter().for_each(|w| bulk(w, &mut out));
    out.into()
}

/// An answer from its line.
fn answer(line: &[u8]) -> Bytes {
    let is_simple = |b: u8| matches!(b, b'+' | b'-' | b':' | b'_' | b'#' | b',' | b'(');
    match line {
        [b'"', ..] => {
            let mut out = Vec::new();
            bulk(words(line).first().map_or(&[], Vec::as_slice), &mut out);
            out.into()
        }
        b"$-1" | b"*-1" | b"*0" | b"%0" | b"~0" => lines::written(line, b"\r\n", &[]),
        [sign, ..] if is_simple(*sign) => lines::written(line, b"\r\n", &[]),
        _ => {
            let mut out = Vec::new();
            bulk(line, &mut out);
            out.into()
        }
    }
}

/// The words of a command in either form.
fn said(message: &[u8]) -> Vec<Vec<u8>> {
    if message.first() == Some(&b'*') {
        strings(message).unwrap_or_default().into_iter().take(3).map(<[u8]>::to_vec).collect()
    } else {
        words(lines::bare(message))
    }
}

impl Redis {
    /// Whether an answer belongs to no command.
    fn is_pushed(message: &[u8], book: &Book<()>) -> bool {
        book.is_empty() || message.first() == Some(&b'>')
    }
}

impl Talk for Redis {
    type Kind = ();

    fn name(&self) -> &'static str {
        "resp"
    }

    fn next(&mut self, dir: Dir, bytes: &[u8], seen: usize, _book: &mut Book<()>) -> Next {
        if !self.judge {
            return Next::Opaque;
        }
        let sign = bytes.first().copied().unwrap_or(0);
        if dir == Dir::ToServer && sign != b'*' {
            return match lines::end(bytes, seen) {
                Some(len) => Next::Whole(len),
                None if bytes.len() > MOST_INLINE => Next::Broken(&f::NOT_RESP),
                None => Next::More,
            };
        }
        if dir == Dir::ToClient && !is_type(sign) {
            return Next::Broken(&f::NOT_RESP);
        }
        let [a, b] = &mut self.progress;
        let progress = if dir == Dir::ToServer { a } else { b };
        match size(bytes, 0, progress) {
            Size::Bad => Next::Broken(&f::NOT_RESP),
            Size::More(n) if n > MOST_WHOLE => Next::Broken(&note::NOT_JUDGED),
            Size::More(_) => Next::More,
            Size::Whole(len) => {
                *progress = Progress::default();
                Next::Whole(len)
            }
        }
    }

    fn draft(&self, dir: Dir, message: &Bytes, book: &Book<()>) -> Draft {
        let mut line = Vec::new();
        if dir == Dir::ToServer {
            let all = if message.first() == Some(&b'*') { strings(message) } else { None };
            match all {
                Some(words) => {
                    for (i, word) in words.iter().enumerate() {
                        if i > 0 {
                            line.push(b' ');
                        }
                        quoted(word, false, &mut line);
                    }
                }
                None => line.extend_from_slice(&lines::first(message).0),
            }
            return Draft { part: Part::Request, exchange: book.next(), line: line.into(), body: message.clone() };
        }
        match string(message) {
            Some((text, _)) => quoted(text, true, &mut line),
            None => line.extend_from_slice(&lines::first(message).0),
        }
        let part = if Redis::is_pushed(message, book) { Part::Message } else { Part::Response };
        Draft { part, exchange: book.due(), line: line.into(), body: message.clone() }
    }

    fn write(&mut self, dir: Dir, was: &Bytes, now: &Transit) -> Bytes {
        // Of our own the line counts, unless there is none.
        if if was.is_empty() { now.line.is_empty() } else { now.body != *was } {
            return now.body.clone();
        }
        match dir {
            Dir::ToServer => command(&words(&now.line)),
            Dir::ToClient => answer(&now.line),
        }
    }

    fn goes(&mut self, dir: Dir, message: &Bytes, says: &mut Says<'_, ()>) {
        if dir == Dir::ToClient {
            if !Redis::is_pushed(message, says.book) {
                says.book.answered();
            }
            return;
        }
        let words = said(message);
        let is = |at: usize, w: &str| words.get(at).is_some_and(|s| s.eq_ignore_ascii_case(w.as_bytes()));
        self.three |= is(0, "HELLO") && is(1, "3");
        let subscribes = is(0, "SUBSCRIBE") || is(0, "PSUBSCRIBE") || is(0, "SSUBSCRIBE");
        self.listening |= (subscribes && !self.three) || is(0, "MONITOR") || (is(0, "CLIENT") && is(1, "REPLY"));
        // An empty line is no command; RESP3 pushes what answers a subscription.
        let unanswered = words.is_empty() || self.listening || (subscribes && self.three);
        if !unanswered {
            says.book.ask(());
        }
    }

    fn dropped(&mut self, dir: Dir, message: &Bytes, says: &mut Says<'_, ()>) {
        if dir == Dir::ToClient && !Redis::is_pushed(message, says.book) {
            says.book.answered();
        }
    }

    fn ours(&mut self, _: &Bytes, _: &Transit, _: &mut Says<'_, ()>) -> Option<()> {
        (!self.listening).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_words_and_words_are_lines() {
        for (line, want) in [
            ("SET key value", vec![&b"SET"[..], b"key", b"value"]),
            (r#"SET "a b" "" "\x00\xff\n\"\\""#, vec![b"SET", b"a b", b"", b"\0\xff\n\"\\"]),
        ] {
            let made = words(line.as_bytes());
            assert_eq!(made, want);
            let mut again = Vec::new();
            for (i, w) in made.iter().enumerate() {
                if i > 0 {
                    again.push(b' ');
                }
                quoted(w, false, &mut again);
            }
            assert_eq!(String::from_utf8_lossy(&again), line);
        }
        assert_eq!(words(b"  a 'it is' \"open"), [&b"a"[..], b"it is", b"open"]);
        assert_eq!(strings(&command(&words(b"GET \"a b\""))), Some(vec![&b"GET"[..], b"a b"]));
    }

    #[test]
    fn answers_are_written_as_they_look() {
        for (line, want) in [("+OK", "+OK\r\n"), ("\"a\\n\"", "$2\r\na\n\r\n"), ("plain", "$5\r\nplain\r\n"), ("$-1", "$-1\r\n")]
        {
            assert_eq!(answer(line.as_bytes()), want);
        }
    }
}
