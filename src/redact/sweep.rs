//! Looking everywhere else for what secrets say.

use super::mask;
use aho_corasick::{AhoCorasick, MatchKind};
use std::collections::HashMap;
use std::ops::Range;

/// Shorter values are in every capture by chance.
const SHORTEST: usize = 4;
/// Below this, a value counts only as a word of its own.
const SURE: usize = 12;
/// Values that are looked for, at most.
const MOST: usize = 1 << 17;
/// Words that are passwords and everything else too: covering them everywhere would break messages.
const COMMON: &[&str] = &[
    "anonymous",
    "password",
    "passwd",
    "guest",
    "default",
    "login",
    "admin",
    "root",
    "user",
    "test",
    "true",
    "false",
    "null",
    "none",
    "http",
    "https",
    "html",
    "json",
    "host",
    "path",
    "mozilla",
    "deleted",
    "secret",
    "token",
    "bearer",
    "basic",
    "localhost",
    "example",
];

/// How sure it is that a value is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sure {
    /// Something beside a name that sounds like it.
    Name,
    /// A cookie: many say nothing.
    Cookie,
    /// A field that holds nothing else.
    Field,
}

/// The values that were found.
#[derive(Default)]
pub(super) struct Values {
    found: HashMap<Vec<u8>, Sure>,
    /// Values that are too short or too common to look for.
    pub not_sought: u64,
}

impl Values {
    /// Notes a value.
    pub fn add(&mut self, value: &[u8], sure: Sure) {
        if self.found.contains_key(value) {
            let slot = self.found.get_mut(value).filter(|s| **s < sure);
            if let Some(slot) = slot {
                *slot = sure;
            }
        } else if self.found.len() < MOST && value.len() <= 4096 {
            self.found.insert(value.to_vec(), sure);
        }
    }

    /// What looks for them; `None` where nothing is to be looked for.
    pub fn sweep(&mut self) -> Option<Sweep> {
        let mut all: Vec<(&Vec<u8>, &Sure)> = self.found.iter().collect();
        all.sort();
        let mut needles: Vec<Vec<u8>> = Vec::new();
        for (value, sure) in all {
            if !is_sought(value, *sure) {
                self.not_sought = self.not_sought.saturating_add(1);
                continue;
            }
            let escaped = percent(value);
            if escaped != *value {
                needles.push(escaped);
            }
            needles.push(value.clone());
        }
        if needles.is_empty() {
            return None;
        }
        let whole = needles.iter().map(|n| n.len() < SURE).collect();
        let longest = needles.iter().map(Vec::len).max().unwrap_or(0);
        let machine = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&needles).ok()?;
        Some(Sweep { machine, whole, longest })
    }
}

/// Whether a value tells enough to be looked for.
fn is_sought(value: &[u8], sure: Sure) -> bool {
    let lower = value.to_ascii_lowercase();
    let same = value.iter().all(|b| value.first() == Some(b));
    let has = |is: fn(&u8) -> bool| u8::from(value.iter().any(is));
    let kinds =
        [has(u8::is_ascii_lowercase), has(u8::is_ascii_uppercase), has(u8::is_ascii_digit), has(|b| !b.is_ascii_alphanumeric())];
    let kinds: u8 = kinds.iter().sum();
    let digits = value.iter().all(u8::is_ascii_digit);
    if value.len() < SHORTEST || same || COMMON.iter().any(|c| c.as_bytes() == lower) || value.iter().all(u8::is_ascii_whitespace)
    {
        return false;
    }
    match sure {
        Sure::Field => !digits || value.len() >= 6,
        Sure::Cookie | Sure::Name => value.len() >= 8 && (kinds >= 2 && !(digits && value.len() < 12) || value.len() >= 20),
    }
}

/// As an address writes it.
fn percent(value: &[u8]) -> Vec<u8> {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    value.iter().flat_map(|b| if plain(b) { vec![*b] } else { format!("%{b:02X}").into_bytes() }).collect()
}

/// Looks for all values at once.
pub(super) struct Sweep {
    machine: AhoCorasick,
    /// Which count as words of their own only.
    whole: Vec<bool>,
    /// Bytes of the longest.
    pub longest: usize,
}

impl Sweep {
    /// Every place in `bytes`, with what takes the place of what stands there.
    pub fn each(&self, bytes: &[u8], each: &mut dyn FnMut(Range<usize>, Vec<u8>)) {
        let word = |i: Option<usize>| i.and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_alphanumeric);
        for m in self.machine.find_iter(bytes) {
            let alone = !word(m.start().checked_sub(1)) && !word(Some(m.end()));
            if alone || self.whole.get(m.pattern().as_usize()) == Some(&false) {
                each(m.range(), mask::any(bytes.get(m.range()).unwrap_or_default()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_values_count_as_words_and_common_ones_not_at_all() {
        let mut values = Values::default();
        for (value, sure) in [
            ("hunter2", Sure::Field),
            ("dark", Sure::Cookie),
            ("anonymous", Sure::Field),
            ("p@ss w0rd/and more", Sure::Name),
            ("aaaaaaaaa", Sure::Field),
        ] {
            values.add(value.as_bytes(), sure);
        }
        let sweep = values.sweep().unwrap();
        assert_eq!(values.not_sought, 3);
        let mut found = Vec::new();
        sweep.each(b"hunter2 hunter22 xhunter2 dark p=p%40ss%20w0rd%2Fand%20more&", &mut |r, with| {
            found.push((r.start, String::from_utf8(with).unwrap()));
        });
        assert_eq!(found, [(0, "xxxxxxx".to_owned()), (33, "x%78xx%78xxxx%78xxx%78xxxx".to_owned())]);
    }
}
