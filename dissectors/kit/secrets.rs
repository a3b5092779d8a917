//! Keys that were given: one table for key log files, secrets blocks and our own proxy's legs, asked by dissectors.

use hashbrown::HashMap;
use std::sync::Arc;

/// Which secret: a label as in the key log format and the bytes it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SecretId {
    /// `CLIENT_RANDOM`, `SERVER_TRAFFIC_SECRET_0` ...
    pub label: Box<str>,
    /// The client random, or what else identifies it.
    pub of: Box<[u8]>,
}

/// Where dissectors ask for keys.
pub trait Secrets: Send + Sync {
    /// The secret, if it is known.
    fn find(&self, id: &SecretId) -> Option<Arc<[u8]>>;
}

/// No secrets at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSecrets;

impl Secrets for NoSecrets {
    fn find(&self, _: &SecretId) -> Option<Arc<[u8]>> {
        None
    }
}

/// At most so many secrets are kept; a key log larger than that is not one.
pub const MOST_SECRETS: usize = 1 << 20;

/// Secrets by id. Filled from key log text in the SSLKEYLOGFILE format (RFC 9850).
#[derive(Debug, Clone, Default)]
pub struct KeyTable {
    /// Each with the number of those that came before it.
    known: HashMap<SecretId, (Arc<[u8]>, usize)>,
}

/// What reading a key log gave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyLogRead {
    /// New secrets.
    pub added: usize,
    /// Lines that are neither comments nor secrets.
    pub odd_lines: usize,
    /// Secrets that did not fit any more.
    pub left_out: usize,
}

impl KeyTable {
    /// How many secrets are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Adds the secrets of key log text. Only whole lines count: returns how many bytes they took as well,
    /// so that a file that grows can be read on from there.
    pub fn read_log(&mut self, text: &[u8]) -> (usize, KeyLogRead) {
        let mut done = KeyLogRead::default();
        let mut at = 0usize;
        while let Some(n) = memchr::memchr(b'\n', text.get(at..).unwrap_or(&[])) {
            let line = text.get(at..at.saturating_add(n)).unwrap_or(&[]);
            at = at.saturating_add(n).saturating_add(1);
            self.read_line(line, &mut done);
        }
        (at, done)
    }

    /// Adds the secret of one line, newline left out.
    pub fn read_line(&mut self, line: &[u8], done: &mut KeyLogRead) {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            return;
        }
        let mut rest = line;
        let mut words = std::iter::from_fn(|| {
            while let Some((word, behind)) = memchr::memchr2(b' ', b'\t', rest).and_then(|n| rest.split_at_checked(n)) {
                rest = behind.get(1..).unwrap_or_default();
                if !word.is_empty() {
                    return Some(word);
                }
            }
            Some(std::mem::take(&mut rest)).filter(|w| !w.is_empty())
        });
        let secret = (|| {
            let label = std::str::from_utf8(words.next()?).ok()?;
            let label_ok = label.len() <= 64 && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
            let (of, secret) = (unhex(words.next()?)?, unhex(words.next()?)?);
            (label_ok && words.next().is_none()).then(|| (SecretId { label: label.into(), of: of.into() }, secret))
        })();
        match secret {
            None => done.odd_lines = done.odd_lines.saturating_add(1),
            Some(_) if self.known.len() >= MOST_SECRETS => done.left_out = done.left_out.saturating_add(1),
            Some((id, secret)) => {
                let before = self.known.len();
                let known = self.known.entry(id).or_insert_with(|| (Arc::default(), before));
                known.0 = secret.into();
                done.added = done.added.saturating_add(self.known.len().saturating_sub(before));
            }
        }
    }
}

impl Secrets for KeyTable {
    fn find(&self, id: &SecretId) -> Option<Arc<[u8]>> {
        self.known.get(id).map(|(secret, _)| Arc::clone(secret))
    }
}

/// A table as it was when it held so many secrets: what is read at the same time by several threads must not depend on their pace.
#[derive(Debug, Clone, Copy)]
pub struct KeysThen<'k> {
    /// The table by now.
    pub table: &'k KeyTable,
    /// How many secrets it held then.
    pub count: usize,
}

impl Secrets for KeysThen<'_> {
    fn find(&self, id: &SecretId) -> Option<Arc<[u8]>> {
        self.table.known.get(id).filter(|(_, before)| *before < self.count).map(|(secret, _)| Arc::clone(secret))
    }
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    if text.is_empty() || !text.len().is_multiple_of(2) || text.len() > 1024 {
        return None;
    }
    let digit = |d: &u8| DIGITS.get(usize::from(*d)).copied().unwrap_or(NO_DIGIT);
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut seen = 0;
    for pair in text.chunks_exact(2) {
        let [hi, lo] = pair else { return None };
        let (hi, lo) = (digit(hi), digit(lo));
        seen |= hi | lo;
        bytes.push(hi << 4 | lo & 15);
    }
    (seen & NO_DIGIT == 0).then_some(bytes)
}

/// Not a digit.
const NO_DIGIT: u8 = 0x80;

/// The value of each byte as a hexadecimal digit.
#[allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "the compiler runs it")]
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut n = 0u8;
    while n < 16 {
        if n < 10 {
            digits[(b'0' + n) as usize] = n;
        } else {
            digits[(b'a' - 10 + n) as usize] = n;
            digits[(b'A' - 10 + n) as usize] = n;
        }
        n += 1;
    }
    digits
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_log_is_read_line_by_line_and_an_unfinished_line_waits() {
        let mut table = KeyTable::default();
        let log = b"# a comment\nCLIENT_RANDOM 00ff 0102\nnonsense\nCLIENT_RANDOM 00fe 01";
        let (taken, done) = table.read_log(log);
        assert_eq!(done, KeyLogRead { added: 1, odd_lines: 1, left_out: 0 });
        assert_eq!(&log[taken..], b"CLIENT_RANDOM 00fe 01");
        let id = SecretId { label: "CLIENT_RANDOM".into(), of: vec![0, 0xff].into() };
        assert_eq!(table.find(&id).as_deref(), Some(&[1u8, 2][..]));
        let (then, later) = (KeysThen { table: &table, count: 0 }, KeysThen { table: &table, count: 1 });
        assert_eq!((then.find(&id), later.find(&id).is_some()), (None, true));
    }
}
