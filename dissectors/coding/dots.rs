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
