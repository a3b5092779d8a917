//! What is looked for: text, a regular expression, or bytes; all of them searched as one regular expression over bytes.

use regex::bytes::{Regex, RegexBuilder};
use wirelore_kit::Problem;

/// Bytes that a compiled expression may take.
const MOST_COMPILED: usize = 8 << 20;
/// Bytes behind a border of two pieces within which a match that crosses it may end, and before it begin.
const MOST_OVERLAP: usize = 1024;

/// How a pattern is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Written {
    /// As text.
    #[default]
    Text,
    /// As a regular expression.
    Regex,
    /// As bytes in hexadecimal; blanks, colons and `0x` are passed over.
    Hex,
}

/// A pattern ready to search.
#[derive(Debug, Clone)]
pub struct Pattern {
    regex: Regex,
    overlap: usize,
    /// Values as people read them can match it.
    words: bool,
}

fn wrong(text: &str, why: String, what_to_do: &str) -> Problem {
    Problem { what: format!("\"{text}\" cannot be searched for"), why, what_to_do: what_to_do.into() }
}

impl Pattern {
    /// A pattern. Without `exact` upper and lower case are the same (of bytes in hexadecimal never).
    ///
    /// # Errors
    /// [`Problem`]: what is wrong with it.
    pub fn new(written: Written, text: &str, exact: bool) -> Result<Pattern, Problem> {
        if text.is_empty() {
            return Err(wrong(text, "Nothing is everywhere.".into(), "Write what is to be found."));
        }
        let (expression, overlap) = match written {
            Written::Text => (regex::escape(text), text.len().saturating_mul(3).min(MOST_OVERLAP)),
            Written::Regex => (text.to_owned(), MOST_OVERLAP),
            Written::Hex => {
                let bytes = bytes_of(text)?;
                (bytes.iter().map(|b| format!("\\x{b:02x}")).collect(), bytes.len().min(MOST_OVERLAP))
            }
        };
        let hex = written == Written::Hex;
        let regex = RegexBuilder::new(&expression)
            .unicode(!hex)
            .case_insensitive(!hex && !exact)
            .size_limit(MOST_COMPILED)
            .build()
            .map_err(|e| match e {
                regex::Error::CompiledTooBig(_) => {
                    wrong(text, "It would take more than 8 MiB once it is compiled.".into(), "Use smaller repetitions.")
                }
                e => wrong(text, format!("{e}."), "Correct it, or search for it as text."),
            })?;
        if regex.is_match(b"") {
            return Err(wrong(text, "It matches nothing at all, which is everywhere.".into(), "Use + where it has *."));
        }
        Ok(Pattern { regex, overlap, words: !hex })
    }

    /// Bytes around a border that must be looked at for what crosses it.
    #[must_use]
    pub const fn overlap(&self) -> usize {
        self.overlap
    }

    /// Whether values as people read them can match it.
    #[must_use]
    pub const fn is_words(&self) -> bool {
        self.words
    }

    /// Whether it stands in `bytes`.
    #[must_use]
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        self.regex.is_match(bytes)
    }

    /// Where it stands in `bytes`: first byte, and the one behind the last.
    pub fn each_in<'p>(&'p self, bytes: &'p [u8]) -> impl Iterator<Item = (usize, usize)> + 'p {
        self.regex.find_iter(bytes).map(|m| (m.start(), m.end()))
    }
}

/// Reads bytes in hexadecimal.
fn bytes_of(text: &str) -> Result<Vec<u8>, Problem> {
    let mut digits = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || c == ':' || c == '-' || c == ',') {
        for c in word.strip_prefix("0x").unwrap_or(word).chars() {
            let digit =
                c.to_digit(16).ok_or_else(|| wrong(text, format!("{c} is no hexadecimal digit."), "Write bytes as 0d 0a."))?;
            digits.push(digit as u8);
        }
    }
    if digits.is_empty() || digits.len() % 2 == 1 {
        return Err(wrong(text, "A byte has two hexadecimal digits.".into(), "Write bytes as 0d 0a."));
    }
    Ok(digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, d| byte << 4 | d)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(written: Written, text: &str, exact: bool, bytes: &[u8]) -> Vec<(usize, usize)> {
        Pattern::new(written, text, exact).expect(text).each_in(bytes).collect()
    }

    #[test]
    fn case_is_the_same_unless_told_otherwise() {
        assert_eq!(found(Written::Text, "plum.", false, b"a PLUM. plums"), [(2, 7)]);
        assert_eq!(found(Written::Text, "plum", true, b"a PLUM plum"), [(7, 11)]);
        assert_eq!(found(Written::Regex, "p.um", false, b"PLUM"), [(0, 4)]);
    }

    #[test]
    fn bytes_are_bytes() {
        assert_eq!(found(Written::Hex, "0xFF 41:0d-0a", false, b"\xffA\r\n\xffa\r\n"), [(0, 4)]);
        assert_eq!(found(Written::Hex, "c3", false, "\u{e4}".as_bytes()), [(0, 1)]);
    }

    #[test]
    fn what_cannot_be_searched_is_said_with_its_reason() {
        for (written, text, why) in [
            (Written::Text, "", "everywhere"),
            (Written::Hex, "abc", "two hexadecimal digits"),
            (Written::Hex, "zz", "no hexadecimal digit"),
            (Written::Regex, "(", "unclosed group"),
            (Written::Regex, "x*", "everywhere"),
            (Written::Regex, "(a{500}){500}", "8 MiB"),
        ] {
            let problem = Pattern::new(written, text, false).expect_err(text).to_string();
            assert!(problem.contains(why), "{problem}");
        }
    }
}
