//! A held message as it is edited: its head and its body as text, and back.

use crate::door::Held;
use bytes::Bytes;
use std::sync::Arc;
use wirelore_kit::Dir;
use wirelore_kit::middle::{Part, Stage, Transit};

/// How a body is edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyAs {
    /// As text.
    #[default]
    Text,
    /// As hexadecimal digits, sixteen bytes a line.
    Hex,
}

/// An edit that is not sent yet.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Which held message.
    pub id: u64,
    /// What it is an edit of.
    pub of: Arc<Transit>,
    /// First line and headers, a line each.
    pub head: String,
    /// The body in its form.
    pub body: String,
    /// That form.
    pub body_as: BodyAs,
    /// An answer of ours is written, not a change of the message.
    pub answer: bool,
}

impl Draft {
    /// A draft that changes nothing yet.
    #[must_use]
    pub fn new(held: &Held) -> Draft {
        let m = &held.message;
        let body_as = if readable(&m.body) { BodyAs::Text } else { BodyAs::Hex };
        Draft { id: held.id, of: m.clone(), head: head(m), body: shown(&m.body, body_as), body_as, answer: false }
    }

    /// Whether the message's own body is here to be edited.
    #[must_use]
    pub fn has_body(&self) -> bool {
        self.answer || self.of.stage == Stage::Whole
    }

    /// Begins an answer in the message's place: for HTTP a short page, else the empty line of the protocol.
    pub fn answer(&mut self) {
        self.answer = true;
        self.body_as = BodyAs::Text;
        let http = self.of.proto.starts_with("http");
        self.head = if http { "HTTP/1.1 200 OK\nContent-Type: text/plain; charset=utf-8".into() } else { String::new() };
        self.body = if http { "Answered by hand.\n".into() } else { String::new() };
    }

    /// Back to the message as it came.
    pub fn undo(&mut self) {
        self.answer = false;
        self.body_as = if readable(&self.of.body) { BodyAs::Text } else { BodyAs::Hex };
        self.head = head(&self.of);
        self.body = shown(&self.of.body, self.body_as);
    }

    /// Whether anything was changed.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.answer || self.head != head(&self.of) || self.has_body() && self.body != shown(&self.of.body, self.body_as)
    }

    /// The body in another form; what cannot be read in the present one stays in it.
    ///
    /// # Errors
    /// What is no hexadecimal.
    pub fn show_body_as(&mut self, form: BodyAs) -> Result<(), String> {
        if form != self.body_as {
            self.body = shown(&self.body_bytes()?, form);
            self.body_as = form;
        }
        Ok(())
    }

    fn body_bytes(&self) -> Result<Vec<u8>, String> {
        match self.body_as {
            BodyAs::Text if self.body == shown(&self.of.body, BodyAs::Text) && !self.answer => Ok(self.of.body.to_vec()),
            BodyAs::Text => Ok(self.body.as_bytes().to_vec()),
            BodyAs::Hex => unhex(&self.body),
        }
    }

    /// The message as it was edited.
    ///
    /// # Errors
    /// What in the text is no message, and in which line.
    pub fn message(&self) -> Result<Transit, String> {
        let mut m = Transit::clone(&self.of);
        if self.answer {
            m.dir = self.of.dir.other();
            m.part = Part::Response;
            m.stage = Stage::Whole;
            m.trailers.clear();
        }
        let untouched = !self.answer && self.head == head(&self.of);
        if !untouched {
            let with_line = self.answer || !self.of.line.is_empty();
            let mut lines = self.head.lines().enumerate();
            if with_line {
                let line = lines.next().map_or("", |(_, l)| l);
                m.line = Bytes::copy_from_slice(line.as_bytes());
            }
            m.headers.clear();
            for (n, line) in lines.filter(|(_, l)| !l.is_empty()) {
                // HTTP/2's pseudo-headers begin with the colon.
                let at = line.get(1..).and_then(|l| l.find(':')).map(|at| at.saturating_add(1));
                let Some((name, value)) = at.and_then(|at| Some((line.get(..at)?, line.get(at.saturating_add(1)..)?))) else {
                    return Err(format!("Line {} has no colon: a header is a name, a colon and a value.", n.saturating_add(1)));
                };
                let value = value.strip_prefix(' ').unwrap_or(value);
                m.headers.push((Bytes::copy_from_slice(name.as_bytes()), Bytes::copy_from_slice(value.as_bytes())));
            }
        }
        if self.has_body() {
            m.body = self.body_bytes()?.into();
        }
        Ok(m)
    }
}

/// Whether bytes can be edited as text without loss.
fn readable(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|t| !t.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')))
}

/// Line and headers, a line each. Bytes that are no UTF-8 are shown as such: a head that is not touched is sent as it came.
#[must_use]
pub fn head(m: &Transit) -> String {
    let mut s = String::from_utf8_lossy(&m.line).into_owned();
    for (name, value) in &m.headers {
        if !s.is_empty() {
            s.push('\n');
        }
        s.push_str(&format!("{}: {}", String::from_utf8_lossy(name), String::from_utf8_lossy(value)));
    }
    s
}

fn shown(bytes: &[u8], form: BodyAs) -> String {
    match form {
        BodyAs::Text => String::from_utf8_lossy(bytes).into_owned(),
        BodyAs::Hex => {
            let line = |l: &[u8]| l.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ");
            bytes.chunks(16).map(line).collect::<Vec<_>>().join("\n")
        }
    }
}

fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len() / 3);
    for (n, line) in text.lines().enumerate() {
        let digits: Vec<u32> = line
            .chars()
            .filter(|c| !c.is_whitespace())
            .map(|c| {
                c.to_digit(16).ok_or_else(|| format!("Line {} of the body: {c} is no hexadecimal digit.", n.saturating_add(1)))
            })
            .collect::<Result<_, _>>()?;
        for pair in digits.chunks(2) {
            match pair {
                [a, b] => out.push((a * 16 + b) as u8),
                _ => return Err(format!("Line {} of the body has half a byte.", n.saturating_add(1))),
            }
        }
    }
    Ok(out)
}

/// A held message in one line.
#[must_use]
pub fn line(m: &Transit) -> String {
    let first = String::from_utf8_lossy(&m.line).into_owned();
    match (&m.url, m.part) {
        (Some(url), Part::Request) => format!("{} {url}", first.split(' ').next().unwrap_or_default()),
        _ if m.line.is_empty() || m.proto == "websocket" => {
            let body = m.body.get(..m.body.len().min(200)).unwrap_or(&[]);
            format!("{first} {}", String::from_utf8_lossy(body)).trim().replace('\n', " ")
        }
        _ => first,
    }
}

/// Which way a message goes, as an arrow and in words.
#[must_use]
pub const fn way(dir: Dir) -> &'static str {
    match dir {
        Dir::ToServer => "to the server",
        Dir::ToClient => "to the client",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(line: &str, headers: &[(&[u8], &[u8])], body: &[u8], stage: Stage) -> Held {
        let of = |b: &[u8]| Bytes::copy_from_slice(b);
        let message = Transit {
            proto: "http",
            dir: Dir::ToServer,
            exchange: 0,
            part: Part::Request,
            stage,
            line: of(line.as_bytes()),
            headers: headers.iter().map(|(n, v)| (of(n), of(v))).collect(),
            body: of(body),
            trailers: Vec::new(),
            url: None,
        };
        Held { id: 7, age: 0, server: "a.test:80".into(), message: Arc::new(message) }
    }

    #[test]
    fn a_draft_that_is_not_touched_is_the_message_whatever_its_bytes() {
        for body in [&b"plain"[..], &[0, 255, 13, 10], b"a\r\nb", b""] {
            let h = held("GET / HTTP/1.1", &[(b"A", b"\xff\xfe"), (b"a", b""), (b"B", b" two")], body, Stage::Whole);
            let d = Draft::new(&h);
            assert!(!d.changed());
            assert_eq!(d.message().expect("a message"), *h.message);
        }
    }

    #[test]
    fn lines_become_line_and_headers_in_order() {
        let mut d = Draft::new(&held("GET / HTTP/1.1", &[(b"A", b"1")], b"", Stage::Head));
        d.head = "POST /x HTTP/1.1\nb: 2\n:path: /y\nA:3".into();
        let m = d.message().expect("a message");
        assert_eq!(&m.line[..], b"POST /x HTTP/1.1");
        let said: Vec<_> = m.headers.iter().map(|(n, v)| (&n[..], &v[..])).collect();
        assert_eq!(said, [(&b"b"[..], &b"2"[..]), (b":path", b"/y"), (b"A", b"3")]);
        d.head.push_str("\nno header");
        assert!(d.message().expect_err("no colon").starts_with("Line 5 "));
    }

    #[test]
    fn hexadecimal_comes_back_and_says_where_it_is_none() {
        let mut d = Draft::new(&held("x", &[], &[0, 1, 254], Stage::Whole));
        assert_eq!((d.body.as_str(), d.body_as), ("00 01 fe", BodyAs::Hex));
        d.body = "41 42\n4".into();
        assert_eq!(d.message().expect_err("half"), "Line 2 of the body has half a byte.");
        d.body = "41 42\n43".into();
        assert_eq!(&d.message().expect("a message").body[..], b"ABC");
        d.show_body_as(BodyAs::Text).expect("text");
        assert_eq!(d.body, "ABC");
    }

    #[test]
    fn an_answer_goes_the_other_way() {
        let mut d = Draft::new(&held("GET / HTTP/1.1", &[], b"", Stage::Head));
        d.answer();
        let m = d.message().expect("a message");
        assert_eq!((m.dir, m.part, m.stage), (Dir::ToClient, Part::Response, Stage::Whole));
        assert_eq!(&m.line[..], b"HTTP/1.1 200 OK");
        d.undo();
        assert!(!d.changed());
    }
}
