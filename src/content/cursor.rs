//! A place in a text that moves forward and never leaves it.

use std::ops::Range;

/// The place.
pub struct Cursor<'t> {
    text: &'t str,
    /// Offset of the next byte.
    pub at: usize,
}

impl<'t> Cursor<'t> {
    /// At the beginning of `text`.
    pub const fn new(text: &'t str) -> Cursor<'t> {
        Cursor { text, at: 0 }
    }

    /// The next byte.
    pub fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// What is left.
    pub fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// The text of a range.
    pub fn slice(&self, range: Range<usize>) -> &'t str {
        self.text.get(range).unwrap_or("")
    }

    /// Goes on while bytes are of a kind. `of` must treat all bytes from 0x80 alike, so that no character is cut.
    pub fn take(&mut self, of: impl Fn(u8) -> bool) -> Range<usize> {
        let from = self.at;
        while self.peek().is_some_and(&of) {
            self.at += 1;
        }
        from..self.at
    }

    /// Passes blanks and line ends.
    pub fn blanks(&mut self) -> Range<usize> {
        self.take(|b| b.is_ascii_whitespace())
    }

    /// Goes behind the next `end`, or to the end of the text; says whether it was there.
    pub fn through(&mut self, end: &str) -> (Range<usize>, bool) {
        let from = self.at;
        match self.rest().find(end) {
            Some(i) => {
                self.at = from + i + end.len();
                (from..self.at, true)
            }
            None => {
                self.at = self.text.len();
                (from..self.at, false)
            }
        }
    }

    /// A character, whole.
    pub fn one(&mut self) -> Range<usize> {
        let from = self.at;
        self.at += self.rest().chars().next().map_or(0, char::len_utf8);
        from..self.at
    }

    /// A string from its quote to the quote that ends it, over `\` and what follows; says whether it ended. A line end ends it too, if so told.
    pub fn string(&mut self, in_line: bool) -> (Range<usize>, bool) {
        let from = self.at;
        let Some(quote) = self.peek() else { return (from..from, false) };
        self.at += 1;
        while let Some(b) = self.peek() {
            if b == quote {
                self.at += 1;
                return (from..self.at, true);
            }
            if in_line && b == b'\n' {
                return (from..self.at, false);
            }
            if b == b'\\' {
                self.at += 1;
                self.one();
            } else {
                self.at += 1;
            }
        }
        (from..self.at, false)
    }
}
