//! Finding a short text in much text, upper and lower case alike if wanted.

use memchr::{memchr2_iter, memmem};

/// Whether upper and lower case count as the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Case {
    /// They differ.
    Exact,
    /// They are the same.
    Ignore,
}

/// What is looked for, prepared.
#[derive(Debug, Clone)]
pub(crate) struct Needle {
    /// In lower case where case is ignored.
    bytes: Vec<u8>,
    how: How,
}

#[derive(Debug, Clone)]
enum How {
    /// Matches everywhere.
    Empty,
    Exact(Box<memmem::Finder<'static>>),
    /// ASCII letters in either case: candidates are where the rarest byte stands.
    Ascii {
        rare_at: usize,
        rare: [u8; 2],
    },
    /// Other letters have cases too: texts are turned to lower case one by one.
    Letters(String),
}

impl Needle {
    pub fn new(bytes: &[u8], case: Case) -> Needle {
        let lower = bytes.to_ascii_lowercase();
        match (bytes, case) {
            ([], _) => Needle { bytes: Vec::new(), how: How::Empty },
            (_, Case::Exact) => {
                Needle { bytes: bytes.to_vec(), how: How::Exact(Box::new(memmem::Finder::new(bytes).into_owned())) }
            }
            (_, Case::Ignore) if !bytes.is_ascii() => {
                let text = String::from_utf8_lossy(bytes).to_lowercase();
                Needle { bytes: text.clone().into_bytes(), how: How::Letters(text) }
            }
            (_, Case::Ignore) => {
                let (rare_at, rare) = lower.iter().copied().enumerate().min_by_key(|(_, b)| frequency(*b)).unwrap_or((0, 0));
                Needle { bytes: lower, how: How::Ascii { rare_at, rare: [rare, rare.to_ascii_uppercase()] } }
            }
        }
    }

    pub const fn is_empty(&self) -> bool {
        matches!(self.how, How::Empty)
    }

    /// Whether the text holds it.
    pub fn is_in(&self, text: &[u8]) -> bool {
        match &self.how {
            How::Empty => true,
            How::Letters(lower) => String::from_utf8_lossy(text).to_lowercase().contains(lower.as_str()),
            _ => self.find(text, 0).is_some(),
        }
    }

    /// The first place at or behind `from`, for texts that can be searched as they are ([`Needle::scans`]).
    pub fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        let rest = text.get(from..)?;
        match &self.how {
            How::Empty => Some(from),
            How::Exact(finder) => finder.find(rest).map(|at| at + from),
            How::Ascii { rare_at, rare: [a, b] } => memchr2_iter(*a, *b, rest.get(*rare_at..)?)
                // The candidate stands `rare_at` bytes before the rare one, which is where the cut view counts from.
                .find(|at| rest.get(*at..*at + self.bytes.len()).is_some_and(|t| t.eq_ignore_ascii_case(&self.bytes)))
                .map(|at| at + from),
            How::Letters(_) => None,
        }
    }

    /// Whether many texts end to end can be searched at once.
    pub const fn scans(&self) -> bool {
        matches!(self.how, How::Exact(_) | How::Ascii { .. })
    }

    pub const fn len(&self) -> usize {
        self.bytes.len()
    }
}

/// How often a byte stands in host names, paths and header values, roughly: candidates are looked for at the rarest.
const fn frequency(b: u8) -> u8 {
    match b {
        b'e' | b't' | b'a' | b'o' | b'.' | b'/' | b' ' => 9,
        b's' | b'i' | b'n' | b'r' | b'c' | b'm' | b'p' => 8,
        b'd' | b'l' | b'h' | b'0' | b'1' | b'-' | b':' => 7,
        b'g' | b'u' | b'w' | b'b' | b'2'..=b'9' | b'=' => 6,
        b'f' | b'y' | b'v' | b'_' | b',' => 5,
        b'k' | b'x' | b'?' | b'&' | b'%' => 4,
        b'j' | b'z' | b'q' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cases_are_the_same_in_other_alphabets_too() {
        assert!(Needle::new("ПРИВ".as_bytes(), Case::Ignore).is_in("мир, привет".as_bytes()));
        assert!(!Needle::new("ПРИВ".as_bytes(), Case::Exact).is_in("мир, привет".as_bytes()));
        assert!(Needle::new(b"", Case::Ignore).is_in(b""));
    }

    proptest! {
        #[test]
        fn finds_what_the_plain_way_finds(text in "[abAB.]{0,40}", needle in "[abAB.]{1,4}", from in 0usize..8) {
            let expected = |t: &str, n: &str| t.get(from..).and_then(|rest| rest.find(n)).map(|at| at + from);
            let exact = Needle::new(needle.as_bytes(), Case::Exact);
            prop_assert_eq!(exact.find(text.as_bytes(), from), expected(&text, &needle));
            let ignore = Needle::new(needle.as_bytes(), Case::Ignore);
            prop_assert_eq!(ignore.find(text.as_bytes(), from), expected(&text.to_lowercase(), &needle.to_lowercase()));
        }
    }
}
