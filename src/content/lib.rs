//! What a body says, made readable: lines with coloured words, each tied to the bytes it stands for.
//!
//! Bodies are shown by their content: JSON, XML and HTML, CSS and JavaScript, forms, multiparts, protobuf without its schema, text in its
//! charset, else bytes. The media type is believed where the bytes agree with it. What is cut or broken is shown as far as it goes, with a
//! note. All functions are pure; work on a long body can be cancelled.

#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]

mod carried;
mod charset;
mod cursor;
mod json;
mod markup;
mod media;
mod multipart;
mod page;
mod pairs;
mod protobuf;
mod script;

pub use carried::{bodies, media};
pub use media::{Form, Media, image_format};
pub use page::{Ink, View};

use page::Page;
use wirelore_kit::Cancel;

/// Bytes of a body that are made readable; what lies behind is said to be left out.
pub const MOST_BYTES: usize = 16 << 20;
/// Parts inside parts are shown by their type down to this depth.
const MOST_DEPTH: usize = 3;
/// Bytes shown in hexadecimal where a view has nothing better.
const MOST_HEX: usize = 1024;

/// How to show a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Options {
    /// Longer lines are continued on the next; 0: never.
    pub columns: usize,
    /// As text in its charset, whatever it is.
    pub plain: bool,
}

/// Makes `bytes` readable, which were sent as `media` (a Content-Type, RFC 9110 §8.3.1; empty if nobody said). `None` when cancelled.
#[must_use]
pub fn view(bytes: &[u8], media: &str, options: Options, cancel: &Cancel) -> Option<View> {
    let shown = bytes.get(..MOST_BYTES).unwrap_or(bytes);
    let mut page = Page::new(options.columns, cancel);
    let media = Media::parse(media);
    let form = if options.plain { Form::Text } else { media::form(shown, &media) };
    if !options.plain {
        media::compare(&mut page, form, &media);
    }
    show(&mut page, shown, 0, form, &media, 0);
    if shown.len() < bytes.len() {
        page.note(format!("Only the first {} MB of {} bytes are shown here.", MOST_BYTES >> 20, bytes.len()));
    }
    page.done(form)
}

/// Shows bytes that begin at `base` of the body.
fn show(page: &mut Page<'_>, bytes: &[u8], base: usize, form: Form, media: &Media, depth: usize) {
    let text = match form {
        Form::Multipart if depth < MOST_DEPTH => {
            page.within(base, Vec::new(), |page| multipart::show(page, bytes, base, media, depth));
            return;
        }
        Form::Protobuf => {
            page.within(base, Vec::new(), |page| protobuf::show(page, bytes, media));
            return;
        }
        Form::Image | Form::Binary => {
            page.within(base, Vec::new(), |page| hex(page, bytes));
            return;
        }
        _ => charset::decode(bytes, media, form),
    };
    page.charset(&text.label);
    if text.damaged {
        page.note(format!("Some bytes are no {}; they are shown as \u{fffd}.", text.name));
    }
    let charset::Text { text, shifts, .. } = text;
    page.within(base, shifts, |page| match form {
        Form::Json => json::show(page, &text),
        Form::Xml => markup::show(page, &text, false),
        Form::Html => markup::show(page, &text, true),
        Form::Css => script::show(page, &text, 0, script::Language::Css),
        Form::Script => script::show(page, &text, 0, script::Language::Script),
        Form::Pairs => pairs::show(page, &text),
        _ => plain(page, &text),
    });
}

/// Lines as they are.
fn plain(page: &mut Page<'_>, text: &str) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if page.is_full() {
            return;
        }
        let shown = line.trim_end_matches(['\n', '\r']);
        page.put(Ink::Plain, shown, at..at + shown.len());
        page.reach(at + shown.len()..at + line.len());
        page.newline();
        at += line.len();
    }
}

/// Offset, hexadecimal and text, of the first bytes.
fn hex(page: &mut Page<'_>, bytes: &[u8]) {
    use std::fmt::Write as _;
    for (row, chunk) in bytes.get(..MOST_HEX).unwrap_or(bytes).chunks(16).enumerate() {
        let at = row * 16;
        page.put(Ink::Said, &format!("{at:04x}  "), at..at + chunk.len());
        let mut digits = String::with_capacity(49);
        for b in chunk {
            let _ = write!(digits, "{b:02x} ");
        }
        page.put(Ink::Number, &format!("{digits:<49}"), at..at + chunk.len());
        let text: String = chunk.iter().map(|b| if b.is_ascii_graphic() || *b == b' ' { char::from(*b) } else { '.' }).collect();
        page.put(Ink::Text, &text, at..at + chunk.len());
        page.newline();
    }
    if bytes.len() > MOST_HEX {
        page.put(Ink::Said, &format!("… {} more bytes", bytes.len() - MOST_HEX), MOST_HEX..bytes.len());
        page.newline();
    }
}
