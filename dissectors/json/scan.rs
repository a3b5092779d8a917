//! Where a JSON text ends: brackets counted over any cuts of the input, strings passed over; each byte is looked at once.

/// How far a text was looked through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Scan {
    /// Offset of the text in its stream.
    start: u64,
    /// Bytes looked at.
    seen: usize,
    depth: u32,
    string: bool,
    escaped: bool,
}

impl Scan {
    /// The length of the object, array or string that begins `text`, which is at `start`; `None` while its end is not there.
    pub fn end(&mut self, start: u64, text: &[u8]) -> Option<usize> {
        if self.start != start || self.seen > text.len() {
            *self = Scan { start, ..Scan::default() };
        }
        for b in text.get(self.seen..)? {
            self.seen = self.seen.saturating_add(1);
            if self.escaped {
                self.escaped = false;
            } else if self.string {
                match b {
                    b'\\' => self.escaped = true,
                    b'"' => self.string = false,
                    _ => {}
                }
            } else {
                match b {
                    b'"' => self.string = true,
                    b'{' | b'[' => self.depth = self.depth.saturating_add(1),
                    b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                    _ => {}
                }
            }
            if self.depth == 0 && !self.string {
                let len = self.seen;
                *self = Scan::default();
                return Some(len);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::Scan;

    #[test]
    fn the_end_is_the_same_over_any_cuts() {
        for (text, want) in [(r#"{"a":[1,"}]\"",{}]} x"#, Some(19)), (r#""a\\" "#, Some(5)), ("[[]", None), (r#"{"a\"#, None)] {
            let mut scan = Scan::default();
            let mut found = None;
            for n in 1..=text.len() {
                found = found.or_else(|| scan.end(7, &text.as_bytes()[..n]));
            }
            assert_eq!(found, want, "{text}");
            assert_eq!(Scan::default().end(7, text.as_bytes()), want, "{text} at once");
        }
    }
}
