//! Forms as browsers send them (WHATWG URL, `application/x-www-form-urlencoded`): a line for each name and its value, decoded.

use crate::page::{Ink, Page};

/// Names are padded to the longest, at most to so many characters.
const MOST_PAD: usize = 28;

/// Shows it.
pub fn show(page: &mut Page<'_>, text: &str) {
    let body = text.trim_end_matches(['\r', '\n']);
    let fields = || {
        body.split('&').scan(0, |at, field| {
            let from = *at;
            *at += field.len() + 1;
            Some((from, field))
        })
    };
    let name_of = |field: &str| field.split_once('=').map_or_else(|| decoded(field).0, |(n, _)| decoded(n).0);
    let widths = fields().take(1000).map(|(_, f)| name_of(f).chars().count());
    let pad = widths.filter(|w| *w <= MOST_PAD).max().unwrap_or(0);
    for (from, field) in fields() {
        if page.is_full() {
            return;
        }
        if field.is_empty() {
            continue;
        }
        let (name, value) = field.split_once('=').map_or((field, None), |(n, v)| (n, Some(v)));
        let end = from + field.len();
        let (shown, fine) = decoded(name);
        page.put(Ink::Name, &format!("{shown:<pad$}"), from..from + name.len());
        match value {
            Some(v) => {
                page.put(Ink::Mark, " = ", from + name.len()..from + name.len() + 1);
                let (shown, fine) = decoded(v);
                page.put(if fine { Ink::Text } else { Ink::Fault }, &shown, end - v.len()..end);
                if !fine {
                    page.note("A percent sign is not followed by two hexadecimal digits.");
                }
            }
            None => page.note("A field has no “=”, so no value."),
        }
        if !fine {
            page.note("A percent sign is not followed by two hexadecimal digits.");
        }
        page.newline();
    }
}

/// Percent and plus signs undone; whether all of them could be.
fn decoded(text: &str) -> (String, bool) {
    let mut bytes = Vec::with_capacity(text.len());
    let mut fine = true;
    let mut rest = text.as_bytes();
    while let Some((b, after)) = rest.split_first() {
        rest = after;
        match b {
            b'+' => bytes.push(b' '),
            b'%' => match after
                .get(..2)
                .filter(|h| h.iter().all(u8::is_ascii_hexdigit))
                .and_then(|h| std::str::from_utf8(h).ok())
                .and_then(|h| u8::from_str_radix(h, 16).ok())
            {
                Some(value) => {
                    bytes.push(value);
                    rest = after.get(2..).unwrap_or(&[]);
                }
                None => {
                    fine = false;
                    bytes.push(b'%');
                }
            },
            b => bytes.push(*b),
        }
    }
    (String::from_utf8_lossy(&bytes).into_owned(), fine)
}
