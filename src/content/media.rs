//! What a body is: what its sender said (RFC 9110 §8.3), and whether its bytes agree.

use crate::page::Page;

/// How a body is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// RFC 8259, also line by line.
    Json,
    /// XML and what is made of it.
    Xml,
    /// HTML.
    Html,
    /// Style sheets.
    Css,
    /// JavaScript.
    Script,
    /// `application/x-www-form-urlencoded`.
    Pairs,
    /// RFC 2046 §5.1.
    Multipart,
    /// Protocol Buffers, also in the frames of gRPC.
    Protobuf,
    /// Other text.
    Text,
    /// A picture.
    Image,
    /// Bytes.
    Binary,
}

impl Form {
    /// Its name.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Form::Json => "JSON",
            Form::Xml => "XML",
            Form::Html => "HTML",
            Form::Css => "CSS",
            Form::Script => "JavaScript",
            Form::Pairs => "Form",
            Form::Multipart => "Multipart",
            Form::Protobuf => "Protobuf",
            Form::Text => "Text",
            Form::Image => "Image",
            Form::Binary => "Binary",
        }
    }
}

/// A media type with its parameters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Media {
    /// `type/subtype` in lower case; empty if nobody said.
    pub name: String,
    params: Vec<(String, String)>,
}

impl Media {
    /// Reads a Content-Type, leniently.
    #[must_use]
    pub fn parse(text: &str) -> Media {
        let (name, mut rest) = text.split_once(';').unwrap_or((text, ""));
        let mut params = Vec::new();
        while !rest.trim().is_empty() && params.len() < 16 {
            let (key, after) = rest.split_once('=').unwrap_or((rest, ""));
            let after = after.trim_start();
            let (value, next) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => after.split_once(';').map_or((after, ""), |(v, n)| (v, n)),
            };
            params.push((key.trim_matches([' ', ';', '\t']).to_ascii_lowercase(), value.trim().to_owned()));
            rest = next.trim_start_matches([' ', ';']);
        }
        Media { name: name.trim().to_ascii_lowercase(), params }
    }

    /// The value of a parameter.
    #[must_use]
    pub fn param(&self, key: &str) -> Option<&str> {
        self.params.iter().find(|p| p.0 == key).map(|p| p.1.as_str())
    }

    /// The form that the name stands for; `None` where it says nothing of it.
    fn said(&self) -> Option<Form> {
        let name = self.name.as_str();
        let sub = name.split_once('/').map_or("", |n| n.1);
        let suffix = sub.rsplit_once('+').map_or("", |s| s.1);
        Some(match (name, sub, suffix) {
            (_, "json" | "ndjson" | "x-ndjson" | "jsonl" | "json-seq" | "x-json" | "manifest+json", _) | (_, _, "json") => {
                Form::Json
            }
            ("text/html" | "application/xhtml+xml", ..) => Form::Html,
            (_, "xml" | "xml-dtd", _) | (_, _, "xml") => Form::Xml,
            (_, "css", _) => Form::Css,
            (_, "javascript" | "x-javascript" | "ecmascript" | "typescript", _) => Form::Script,
            (_, "x-www-form-urlencoded", _) => Form::Pairs,
            (_, "grpc-web-text" | "grpc-web-text+proto", _) => Form::Text,
            (_, "grpc" | "grpc-web", _)
            | (_, "protobuf" | "x-protobuf" | "vnd.google.protobuf", _)
            | (_, _, "proto" | "protobuf") => Form::Protobuf,
            _ if name.starts_with("multipart/") => Form::Multipart,
            _ if name.starts_with("image/") => Form::Image,
            _ if name.starts_with("text/") => Form::Text,
            _ => return None,
        })
    }
}

/// The format of a picture, by its first bytes.
#[must_use]
pub fn image_format(bytes: &[u8]) -> Option<&'static str> {
    let riff = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    match bytes {
        _ if bytes.starts_with(b"\x89PNG\r\n\x1a\n") => Some("PNG"),
        _ if bytes.starts_with(b"\xff\xd8\xff") => Some("JPEG"),
        _ if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") => Some("GIF"),
        _ if riff => Some("WebP"),
        _ if bytes.starts_with(b"BM") && bytes.get(6..10) == Some(&[0; 4]) => Some("BMP"),
        _ if bytes.starts_with(&[0, 0, 1, 0]) && bytes.get(5) == Some(&0) && bytes.len() > 22 => Some("ICO"),
        _ => None,
    }
}

/// Bytes that are looked at to tell what they are.
const LOOK: usize = 4096;

fn is_binary(bytes: &[u8]) -> bool {
    let head = bytes.get(..LOOK).unwrap_or(bytes);
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return false;
    }
    let odd = head.iter().filter(|b| **b < 0x20 && !matches!(**b, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b)).count();
    odd * 20 > head.len() || head.contains(&0)
}

/// What bytes look like, where they look like something.
fn looks(bytes: &[u8]) -> Option<Form> {
    if image_format(bytes).is_some() {
        return Some(Form::Image);
    }
    let head = bytes.get(..LOOK).unwrap_or(bytes);
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    match head.first()? {
        b'{' => matches!(head.get(1..)?.trim_ascii_start().first(), None | Some(b'"' | b'}')).then_some(Form::Json),
        b'[' => {
            let next = head.get(1..)?.trim_ascii_start();
            let begins = matches!(next.first(), None | Some(b'"' | b'{' | b'[' | b']' | b'-' | b'0'..=b'9'));
            (begins || [&b"true"[..], b"false", b"null"].iter().any(|w| next.starts_with(w))).then_some(Form::Json)
        }
        b'<' => {
            let low = head.get(..256).unwrap_or(head).to_ascii_lowercase();
            let html =
                [&b"<!doctype html"[..], b"<html", b"<head", b"<body", b"<script", b"<div"].iter().any(|t| low.starts_with(t));
            let xml = low.get(1).is_some_and(|b| matches!(b, b'?' | b'!') || b.is_ascii_alphabetic());
            if html { Some(Form::Html) } else { xml.then_some(Form::Xml) }
        }
        _ => None,
    }
}

/// How bytes are shown that were sent as `media`.
pub fn form(bytes: &[u8], media: &Media) -> Form {
    let (said, looks) = (media.said(), looks(bytes));
    match said {
        // Formats of their own, which only the sender can name.
        Some(f @ (Form::Protobuf | Form::Multipart)) => f,
        // A picture that is text is SVG; one that is broken is a picture still.
        Some(Form::Image) => looks.unwrap_or(Form::Image),
        _ if looks == Some(Form::Image) => Form::Image,
        _ if is_binary(bytes) && !matches!(said, Some(f) if said_wide(bytes, f)) => Form::Binary,
        Some(Form::Json) if matches!(looks, Some(Form::Html | Form::Xml)) => looks.unwrap_or(Form::Json),
        Some(Form::Html | Form::Xml) if looks == Some(Form::Json) => Form::Json,
        Some(Form::Text) if media.name == "text/plain" => looks.unwrap_or(Form::Text),
        Some(f) => f,
        None => looks.unwrap_or(Form::Text),
    }
}

/// UTF-16 without a mark, under a name that says text.
fn said_wide(bytes: &[u8], said: Form) -> bool {
    let head = bytes.get(..64).unwrap_or(bytes);
    let zeroes = head.iter().filter(|b| **b == 0).count();
    said != Form::Image && zeroes * 3 > head.len() && zeroes * 3 < head.len() * 2 && head.iter().all(|b| *b == 0 || *b >= 9)
}

/// Says where bytes are not what their sender said.
pub fn compare(page: &mut Page<'_>, form: Form, media: &Media) {
    if let Some(said) = media.said()
        && said != form
        && !(said == Form::Image && form == Form::Xml)
    {
        page.note(format!("It was sent as {}, but its bytes look like {}.", media.name, form.word()));
    }
}
