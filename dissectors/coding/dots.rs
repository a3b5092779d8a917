//! Text that ends with a line of one dot (RFC 5321 §4.5.2, RFC 1939 §3): where its runs, doubled dots and end are, as bytes come.

use memchr::memmem;

/// Where in the text the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dots {
    line_begins: bool,
}

impl Default for Dots {
    fn default() -> Dots {
        Dots { line_begins: true }
    }
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dot {
    /// So many bytes of text.
    Text(usize),
    /// One dot that the sender put there; it is no text.
    Stuffed,
    /// The end: `.` CR LF, three bytes.
    End,
    /// More bytes are needed.
    More,
}

impl Dots {
    /// What `rest`, the unread bytes, begins with. The caller takes what is named before it asks again. `last`: no more bytes will come.
    pub fn next(&mut self, rest: &[u8], last: bool) -> Dot {
        if self.line_begins {
            match rest {
                [] => return Dot::More,
                [b'.', b'\r', b'\n', ..] => return Dot::End,
                [b'.'] | [b'.', b'\r'] if !last => return Dot::More,
                _ => self.line_begins = false,
            }
            if rest.first() == Some(&b'.') {
                return Dot::Stuffed;
            }
        }
        let n = match memmem::find(rest, b"\r\n.") {
            Some(at) => {
                self.line_begins = true;
                return Dot::Text(at.saturating_add(2));
            }
            None if last => rest.len(),
            None if rest.ends_with(b"\r\n") => rest.len().saturating_sub(2),
            None if rest.ends_with(b"\r") => rest.len().saturating_sub(1),
            None => rest.len(),
        };
        if n == 0 { Dot::More } else { Dot::Text(n) }
    }

    /// Bytes were lost: nobody knows where in a line the next one stands.
    pub const fn lost(&mut self) {
        self.line_begins = false;
    }
}

/// The text that a whole dotted text stands for, its end left off.
#[must_use]
pub fn undone(dotted: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(dotted.len());
    let (mut dots, mut rest) = (Dots::default(), dotted);
    loop {
        let (text, n) = match dots.next(rest, true) {
            Dot::Text(n) => (true, n),
            Dot::Stuffed => (false, 1),
            Dot::End | Dot::More => return out,
        };
        let (taken, behind) = rest.split_at_checked(n).unwrap_or((rest, &[]));
        if text {
            out.extend_from_slice(taken);
        }
        rest = behind;
    }
}

/// A text with a dot before each line that begins with one, and its end. A last line without an end gets one.
#[must_use]
pub fn done(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len().saturating_add(16));
    if text.first() == Some(&b'.') {
        out.push(b'.');
    }
    let mut from = 0usize;
    for at in memmem::find_iter(text, b"\r\n.") {
        let to = at.saturating_add(2);
        out.extend_from_slice(text.get(from..to).unwrap_or(&[]));
        out.push(b'.');
        from = to;
    }
    out.extend_from_slice(text.get(from..).unwrap_or(&[]));
    if !out.is_empty() && !out.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_undone_and_done_again() {
        for (text, dotted) in [
            ("", ".\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            (".\r\n", "..\r\n.\r\n"),
            (".a\r\n.b\r\nc.\r\n..\r\n", "..a\r\n..b\r\nc.\r\n...\r\n.\r\n"),
            ("\r\n.\n\r\n", "\r\n..\n\r\n.\r\n"),
        ] {
            assert_eq!(String::from_utf8_lossy(&done(text.as_bytes())), dotted);
            assert_eq!(String::from_utf8_lossy(&undone(dotted.as_bytes())), text);
        }
        assert_eq!(done(b"no end"), b"no end\r\n.\r\n");
    }
}
