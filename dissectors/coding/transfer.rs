//! Content transfer encodings of mail (RFC 2045 §6): base64 and quoted-printable undone as bytes come; also base64 in one piece for SASL.

/// Undoes a transfer encoding piece by piece; any cuts of the input give the same output.
#[derive(Debug, Clone)]
pub enum Transfer {
    /// base64 (RFC 2045 §6.8): bits gathered, how many characters of the group of four, whether padding came.
    Base64(Base64),
    /// quoted-printable (RFC 2045 §6.7).
    Quoted(Quoted),
}

impl Transfer {
    /// The coding of that name (any case), if it changes the bytes: 7bit, 8bit, binary and unknown ones are `None`.
    #[must_use]
    pub fn named(name: &[u8]) -> Option<Transfer> {
        let name = name.trim_ascii();
        if name.eq_ignore_ascii_case(b"base64") {
            Some(Transfer::Base64(Base64::default()))
        } else if name.eq_ignore_ascii_case(b"quoted-printable") {
            Some(Transfer::Quoted(Quoted::default()))
        } else {
            None
        }
    }

    /// More input; output goes behind what is in `out`. Returns whether all of it was as the coding allows.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> bool {
        match self {
            Transfer::Base64(b) => b.push(bytes, out),
            Transfer::Quoted(q) => q.push(bytes, out),
        }
    }

    /// No more input: what was held back. Returns whether the input could end there.
    pub fn end(&mut self, out: &mut Vec<u8>) -> bool {
        match self {
            Transfer::Base64(b) => b.end(out),
            Transfer::Quoted(q) => q.end(out),
        }
    }
}

/// State of base64.
#[derive(Debug, Clone, Default)]
pub struct Base64 {
    bits: u32,
    have: u8,
    padded: bool,
}

/// The six bits of a character of the alphabet (RFC 4648 §4), URL-safe ones included.
const fn six(b: u8) -> Option<u32> {
    Some(match b {
        b'A'..=b'Z' => (b - b'A') as u32,
        b'a'..=b'z' => (b - b'a') as u32 + 26,
        b'0'..=b'9' => (b - b'0') as u32 + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

impl Base64 {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> bool {
        let mut good = true;
        out.reserve(bytes.len().saturating_mul(3) / 4);
        for b in bytes {
            match six(*b) {
                Some(v) => {
                    good &= !self.padded;
                    self.bits = (self.bits << 6) | v;
                    self.have = self.have.wrapping_add(1);
                    if self.have == 4 {
                        let [_, x, y, z] = self.bits.to_be_bytes();
                        out.extend_from_slice(&[x, y, z]);
                        (self.bits, self.have, self.padded) = (0, 0, false);
                    }
                }
                None if *b == b'=' => {
                    // The padding says that the group ends here.
                    self.flush(out);
                    self.padded = true;
                }
                None => good &= b.is_ascii_whitespace(),
            }
        }
        good
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        match self.have {
            2 => out.push((self.bits >> 4) as u8),
            3 => out.extend_from_slice(&[(self.bits >> 10) as u8, (self.bits >> 2) as u8]),
            _ => {}
        }
        (self.bits, self.have) = (0, 0);
    }

    fn end(&mut self, out: &mut Vec<u8>) -> bool {
        let good = self.have == 0;
        self.flush(out);
        good
    }
}

/// State of quoted-printable: what was held back at the end of a piece.
#[derive(Debug, Clone, Default)]
pub struct Quoted {
    /// `=` and what came behind it, or blanks that may end the line; at most [`MOST_HELD`].
    held: Vec<u8>,
}

/// A line of blanks longer than this is not held back: it is text.
const MOST_HELD: usize = 1024;

impl Quoted {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> bool {
        let mut good = true;
        out.reserve(bytes.len());
        for b in bytes {
            good &= self.one(*b, out);
        }
        good
    }

    fn one(&mut self, b: u8, out: &mut Vec<u8>) -> bool {
        match (self.held.as_slice(), b) {
            ([b'='], _) if b.is_ascii_hexdigit() || matches!(b, b'\r' | b' ' | b'\t') => self.held.push(b),
            ([b'='] | [b'=', ..], b'\n') if self.held.get(1..).is_some_and(|h| h.iter().all(u8::is_ascii_whitespace)) => {
                self.held.clear()
            }
            ([b'=', b' ' | b'\t', ..], b' ' | b'\t' | b'\r') if self.held.len() < MOST_HELD => self.held.push(b),
            ([b'=', h], _) if b.is_ascii_hexdigit() && h.is_ascii_hexdigit() => {
                let digit = |c: u8| (c as char).to_digit(16).unwrap_or(0) as u8;
                out.push((digit(*h) << 4) | digit(b));
                self.held.clear();
            }
            ([b'=', ..], _) => {
                // No code: shown as it stands (RFC 2045 §6.7, robust decoding).
                out.append(&mut self.held);
                self.one(b, out);
                return false;
            }
            ([], b'=' | b' ' | b'\t') => self.held.push(b),
            ([], b) => out.push(b),
            // Blanks were held back: in front of a line end they are not text.
            (_, b' ' | b'\t') if self.held.len() < MOST_HELD => self.held.push(b),
            (_, b'\r' | b'\n') => {
                self.held.clear();
                out.push(b);
            }
            _ => {
                out.append(&mut self.held);
                return self.one(b, out);
            }
        }
        true
    }

    fn end(&mut self, out: &mut Vec<u8>) -> bool {
        let soft = matches!(self.held.as_slice(), [b'=']);
        let code = self.held.first() == Some(&b'=') && !soft;
        if code {
            out.append(&mut self.held);
        }
        self.held.clear();
        !code
    }
}

/// base64 in one piece; `None` where it is not that.
#[must_use]
pub fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let mut state = Base64::default();
    let mut out = Vec::new();
    let text = text.trim_ascii();
    let unpadded = text.trim_ascii_end().iter().rev().skip_while(|b| **b == b'=').count();
    let good = state.push(text, &mut out) && unpadded % 4 != 1;
    good.then(|| {
        state.end(&mut out);
        out
    })
}

/// quoted-printable's cousin for encoded words (RFC 2047 §4.2): `_` is a blank.
#[must_use]
pub fn q_word(text: &[u8]) -> Vec<u8> {
    let mut state = Quoted::default();
    let mut out = Vec::new();
    for b in text {
        state.push(if *b == b'_' { b"=20" } else { std::slice::from_ref(b) }, &mut out);
    }
    out.append(&mut state.held);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(name: &[u8], pieces: &[&[u8]]) -> (Vec<u8>, bool) {
        let mut t = Transfer::named(name).expect("a coding");
        let mut out = Vec::new();
        let mut good = true;
        for p in pieces {
            good &= t.push(p, &mut out);
        }
        good &= t.end(&mut out);
        (out, good)
    }

    #[test]
    fn base64_survives_any_cut_and_says_what_is_wrong() {
        let text = b"aGVs\r\nbG8sIHdvcmxkIQ==";
        for at in 0..text.len() {
            let (a, b) = text.split_at(at);
            assert_eq!(all(b"BASE64", &[a, b]), (b"hello, world!".to_vec(), true), "cut at {at}");
        }
        assert_eq!(base64(b"aGk="), Some(b"hi".to_vec()));
        assert_eq!(base64(b"aGk"), Some(b"hi".to_vec()), "padding left out");
        assert_eq!(base64(b""), Some(Vec::new()));
        assert_eq!(base64(b"a*k="), None);
        assert_eq!(base64(b"aGkab"), None, "one character too many");
        assert!(!all(b"base64", &[b"aG!k"]).1);
        assert_eq!(all(b"base64", &[b"aGk=aGk="]).0, b"hihi", "two texts put end to end");
    }

    #[test]
    fn quoted_printable_survives_any_cut() {
        let text = b"caf=C3=A9 = =\r\nsoft=  \r\n line \t\r\nodd =ZZ end=";
        let whole = all(b"quoted-printable", &[text]).0;
        assert_eq!(String::from_utf8_lossy(&whole), "caf\u{e9} = soft line\r\nodd =ZZ end");
        for at in 0..text.len() {
            let (a, b) = text.split_at(at);
            assert_eq!(all(b"quoted-printable", &[a, b]).0, whole, "cut at {at}");
        }
        assert_eq!(q_word(b"a_b=5F"), b"a b_");
    }
}
