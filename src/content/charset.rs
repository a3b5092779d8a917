//! Text of any charset (WHATWG Encoding), with the place of each character in the bytes.

use crate::media::{Form, Media};
use crate::page::Shifts;
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::borrow::Cow;

/// A text and where it came from.
pub struct Text<'b> {
    /// The text.
    pub text: Cow<'b, str>,
    /// How its offsets differ from those of the bytes.
    pub shifts: Shifts,
    /// The charset, for a person, with "guessed" if it is.
    pub label: String,
    /// The charset.
    pub name: &'static str,
    /// Whether bytes had no meaning in it.
    pub damaged: bool,
}

/// How far a document is searched for what it says about its own charset.
const LOOK: usize = 1024;

/// Reads `bytes` in the charset of a byte order mark, the media type, the document itself, else UTF-8 if it fits, else a guess.
pub fn decode<'b>(bytes: &'b [u8], media: &Media, form: Form) -> Text<'b> {
    if let Some((encoding, skip)) = Encoding::for_bom(bytes) {
        return in_charset(bytes, skip, encoding, encoding.name().to_owned());
    }
    let told = media.param("charset").and_then(|c| Encoding::for_label(c.as_bytes()));
    let told = told.or_else(|| if matches!(form, Form::Html | Form::Xml | Form::Css) { inside(bytes) } else { None });
    if let Some(encoding) = told {
        return in_charset(bytes, 0, encoding, encoding.name().to_owned());
    }
    if valid(bytes) || form == Form::Json {
        return in_charset(bytes, 0, UTF_8, UTF_8.name().to_owned());
    }
    let encoding = wide(bytes).unwrap_or(WINDOWS_1252);
    in_charset(bytes, 0, encoding, format!("{}, guessed", encoding.name()))
}

/// UTF-8, perhaps cut inside its last character.
fn valid(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(e) => e.error_len().is_none(),
    }
}

/// UTF-16 without a mark: every other byte of Latin text is zero.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..64).unwrap_or(bytes);
    let zeroes = |odd: usize| head.iter().skip(odd).step_by(2).filter(|b| **b == 0).count();
    match (zeroes(0) * 3 > head.len(), zeroes(1) * 3 > head.len()) {
        (true, false) => Some(UTF_16BE),
        (false, true) => Some(UTF_16LE),
        _ => None,
    }
}

/// What HTML (`<meta charset=...>`), XML (`encoding="..."`) and CSS (`@charset "..."`) say of themselves.
fn inside(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(bytes.get(..LOOK).unwrap_or(bytes)).to_ascii_lowercase();
    for key in ["charset", "encoding"] {
        for (i, _) in head.match_indices(key) {
            let rest = head.get(i + key.len()..)?.trim_start_matches([' ', '=', '"', '\'']);
            let name = rest.split(|c: char| !(c.is_ascii_alphanumeric() || "-_:.".contains(c))).next()?;
            // A document whose bytes could be read up to here is no UTF-16, whatever it says.
            if let Some(e) = Encoding::for_label(name.as_bytes()) {
                return Some(e.output_encoding());
            }
        }
    }
    None
}

fn in_charset<'b>(bytes: &'b [u8], skip: usize, encoding: &'static Encoding, label: String) -> Text<'b> {
    let body = bytes.get(skip..).unwrap_or(&[]);
    let start = |skip: usize| if skip == 0 { Vec::new() } else { vec![(0, skip as u32)] };
    if encoding == UTF_8
        && let Ok(text) = std::str::from_utf8(body)
    {
        return Text { text: Cow::Borrowed(text), shifts: start(skip), label, name: encoding.name(), damaged: false };
    }
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(body.len());
    let mut shifts: Shifts = start(skip);
    let (mut delta, mut told, mut damaged) = (skip as i64, skip, false);
    // Byte by byte, so that it is known which bytes a character was made of.
    let mut out = [0u8; 32];
    for i in 0..=body.len() {
        let piece = body.get(i..(i + 1).min(body.len())).unwrap_or(&[]);
        let (_, _, written, bad) = decoder.decode_to_utf8(piece, &mut out, i == body.len());
        damaged |= bad;
        if written == 0 {
            continue;
        }
        let made = out.get(..written).and_then(|o| std::str::from_utf8(o).ok()).unwrap_or("");
        let here = told as i64 - text.len() as i64;
        if here != delta {
            shifts.push((text.len() as u32, told as u32));
            delta = here;
        }
        text.push_str(made);
        told = skip + (i + 1).min(body.len());
    }
    if told as i64 - text.len() as i64 != delta {
        shifts.push((text.len() as u32, told as u32));
    }
    Text { text: Cow::Owned(text), shifts, label, name: encoding.name(), damaged }
}
