//! SDP (RFC 8866): lines of a letter, an equals sign, and a value.

use super::fields as f;
use wirelore_kit::{Reader, Stop, Text, Value};

/// Every line; what is none is listed as unknown.
pub(super) fn read(r: &mut Reader<'_>) -> Result<(), Stop> {
    let mut media = false;
    while r.left() > 0 {
        let rest = r.rest();
        let len = memchr::memchr(b'\n', rest).map_or(rest.len(), |n| n.saturating_add(1));
        let line = rest.get(..len).unwrap_or(rest).trim_ascii_end();
        match line {
            [kind, b'=', value @ ..] => {
                media |= *kind == b'm';
                let field = f::sdp(*kind, media);
                r.valued(field, len, Value::Blob(value.into()))?;
            }
            _ => r.unknown(len)?,
        }
    }
    Ok(())
}

/// What is offered, in a few words: "audio 49170, video 51372".
pub(super) fn media(body: &[u8]) -> Option<String> {
    let lines = body.split(|b| *b == b'\n').filter_map(|l| l.trim_ascii_end().strip_prefix(b"m="));
    let words: Vec<String> = lines
        .take(4)
        .map(|l| {
            let mut words = l.split(|b| *b == b' ');
            format!("{} {}", Text(words.next().unwrap_or(&[])), Text(words.next().unwrap_or(&[])))
        })
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}
