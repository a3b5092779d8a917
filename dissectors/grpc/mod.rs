//! gRPC: messages of a call, five bytes in front of each, whatever frames of HTTP/2 they are cut into; and gRPC-Web, the same over any HTTP.
//!
//! HTTP/2 hands trailers on as gRPC-Web writes them, so that a call's outcome stands behind its last message.

mod fields;
mod web;

use crate::coding::{Coding, Decoder};
use fields as f;
use wirelore_kit::{
    AfterGap, AfterGapPromise, Claim, Dir, Dissector, End, Framing, Hint, How, More, Out, Reader, Relay, Side, Spec, Start, Stop,
    Text, Turn, Value, Verdict,
};

/// gRPC and gRPC-Web.
pub static SPEC: Spec = Spec {
    name: "grpc",
    label: "gRPC",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: f::NOTES,
    claims: &[Claim::Named("grpc"), Claim::Media("application/grpc"), Claim::Media("application/grpc-web")],
    probe: |_| Verdict::No,
    resync: None,
    states: f::STATES,
    after_gap: AfterGapPromise::Never,
    relay: Relay::WatchAlways,
    middle: None,
    new: |start| Box::new(Grpc::new(start)),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// gRPC-Web in base64.
pub static TEXT: Spec = Spec {
    name: "grpc.text",
    label: "gRPC-Web in base64",
    claims: &[Claim::Media("application/grpc-web-text")],
    fields: &[&f::BASE64],
    notes: &[],
    states: &[],
    new: |start| Box::new(web::Base64::new(start)),
    ..SPEC
};

/// A message may be so long, bytes.
const MOST_MESSAGE: u64 = 16 << 20;
/// A trailer section may be so long.
const MOST_TRAILERS: usize = 64 << 10;

/// One call.
#[derive(Debug, Clone)]
struct Grpc {
    service: Box<[u8]>,
    method: Box<[u8]>,
    /// What messages hold, as a media type.
    content: &'static str,
    /// Messages so far.
    count: u64,
    asked: bool,
}

impl Grpc {
    fn new(start: &Start) -> Grpc {
        let path = start.hint.fact(Side::Client, "path").unwrap_or(b"");
        let path = path.strip_prefix(b"/").unwrap_or(path);
        let cut = path.iter().rposition(|b| *b == b'/').unwrap_or(0);
        let (service, method) = path.split_at_checked(cut).unwrap_or((path, &[]));
        let content = start.hint.fact(Side::Client, "content-type").or(start.hint.fact(Side::Server, "content-type"));
        let json = content.is_some_and(|c| memchr::memmem::find(c, b"+json").is_some());
        Grpc {
            service: service.into(),
            method: method.strip_prefix(b"/").unwrap_or(method).into(),
            content: if json { "application/json" } else { "application/x-protobuf" },
            count: 0,
            asked: false,
        }
    }

    /// What is read of a message's payload besides its bytes.
    fn payload(
        &mut self,
        turn: &Turn<'_>,
        compressed: bool,
        len: usize,
        r: &mut Reader<'_>,
        out: &mut Out<'_>,
    ) -> Result<(), Stop> {
        let span = r.span(len);
        let bytes = r.bytes(&f::DATA, len)?;
        let key = self.count;
        if !compressed {
            if out.wants_media(self.content.as_bytes()) {
                out.inner(key, turn.dir, span, How::Verbatim, Hint::media(self.content));
            }
        } else {
            // The header that names the coding may stand in a direction that was not read yet; the bytes say it as well.
            let coding = match bytes {
                [0x1f, 0x8b, ..] => Some(Coding::Gzip),
                [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Coding::Zstd),
                [a, b, ..] if a & 0x0f == 8 && u16::from_be_bytes([*a, *b]) % 31 == 0 => Some(Coding::Deflate),
                _ => None,
            };
            match coding.and_then(|c| Decoder::once(&[c])) {
                None => r.note(&f::CODING, span),
                Some(mut decoder) if out.wants_media(self.content.as_bytes()) => {
                    let mut made = out.memory();
                    if decoder.push(bytes, &mut made).is_err() {
                        r.note(&f::CODING, span);
                    }
                    out.inner_made(key, turn.dir, made, span, How::Inflated, Hint::media(self.content));
                }
                Some(_) => {}
            }
        }
        if out.wants_media(self.content.as_bytes()) {
            out.inner_end(key, turn.dir, End::Fin);
            out.inner_end(key, turn.dir.other(), End::Fin);
        }
        Ok(())
    }

    fn said(&self, r: &mut Reader<'_>, at: wirelore_kit::Span) {
        if !self.method.is_empty() {
            r.derived(&f::SERVICE, at, Value::Blob(self.service.clone()));
            r.derived(&f::METHOD, at, Value::Blob(self.method.clone()));
        }
    }

    fn message(&mut self, turn: &Turn<'_>, flag: u8, len: usize, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let all = r.span(len.saturating_add(5));
        r.group(&f::GRPC, |r| {
            r.u8(&f::COMPRESSED)?;
            r.u32(&f::LENGTH)?;
            self.said(r, all);
            if len > 0 { self.payload(turn, flag & 1 == 1, len, r, out) } else { Ok(()) }
        })?;
        let request = turn.dir == Dir::ToServer;
        let (what, packed) = (if request { "request" } else { "response" }, if flag & 1 == 1 { ", compressed" } else { "" });
        let name: &[u8] = if self.method.is_empty() { b"Message" } else { &self.method };
        out.summary(format_args!("{} {what}, {len} bytes{packed}", Text(name)));
        self.count = self.count.saturating_add(1);
        if request {
            if !self.asked {
                self.asked = true;
                out.asks(0);
            }
            out.state(Side::Client, &f::SENDING);
            out.state(Side::Server, &f::WAITING);
        } else {
            if self.asked {
                out.answers(0, More::Yes);
            }
            out.state(Side::Server, &f::SENDING);
            out.state(Side::Client, &f::WAITING);
        }
        Ok(())
    }

    /// Trailers as gRPC-Web writes them: lines of `name: value`.
    fn trailers(&mut self, turn: &Turn<'_>, len: usize, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let all = r.span(len.saturating_add(5));
        let mut status = None;
        let mut words: &[u8] = b"";
        r.group(&f::GRPC, |r| {
            r.u8(&f::FRAME_TYPE)?;
            r.u32(&f::LENGTH)?;
            self.said(r, all);
            let end = r.at().saturating_add(len as u64);
            while r.at() < end {
                let rest = r.peek(end.saturating_sub(r.at()) as usize)?;
                let line = memchr::memchr(b'\n', rest).map_or(rest.len(), |i| i.saturating_add(1));
                let (name, value) = trailer(r, rest.get(..line).unwrap_or(rest))?;
                if name.eq_ignore_ascii_case(b"grpc-status") {
                    status = std::str::from_utf8(value).ok().and_then(|v| v.parse::<u8>().ok());
                } else if name.eq_ignore_ascii_case(b"grpc-message") {
                    words = value;
                }
            }
            Ok(())
        })?;
        if status.is_some_and(|s| s != 0) {
            r.note(&f::FAILED, all);
        }
        let blank = if words.is_empty() { "" } else { ": " };
        match status {
            Some(s) => {
                let name = f::STATUS_CODE.name_of(s.into()).unwrap_or("unknown status");
                out.summary(format_args!("Status {name}{blank}{}", Text(words)));
            }
            None => out.summary("Trailers"),
        }
        if self.asked && turn.dir == Dir::ToClient {
            out.answers(0, More::No);
        }
        out.state(Side::Server, &f::DONE);
        out.state(Side::Client, &f::DONE);
        Ok(())
    }
}

/// One line of trailers; its name and value.
fn trailer<'a>(r: &mut Reader<'a>, line: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), Stop> {
    let text = line.trim_ascii_end();
    let colon = memchr::memchr(b':', text).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(colon).unwrap_or((text, &[]));
    let value = rest.get(1..).unwrap_or(&[]).trim_ascii_start();
    let between = rest.len().saturating_sub(value.len());
    r.titled(&f::TRAILER, |r| {
        if !name.is_empty() {
            r.text(&f::TRAILER_NAME, name.len())?;
        }
        if between > 0 {
            r.bytes(&f::DELIMITER, between)?;
        }
        if !value.is_empty() {
            match std::str::from_utf8(value).ok().and_then(|v| v.parse::<u8>().ok()) {
                Some(code) if name.eq_ignore_ascii_case(b"grpc-status") => {
                    r.valued(&f::STATUS_CODE, value.len(), Value::U64(code.into()))?;
                }
                _ if name.eq_ignore_ascii_case(b"grpc-message") => _ = r.text(&f::MESSAGE, value.len())?,
                _ => _ = r.text(&f::TRAILER_VALUE, value.len())?,
            }
        }
        if line.len() > text.len() {
            r.bytes(&f::DELIMITER, line.len().saturating_sub(text.len()))?;
        }
        Ok(((), Value::from(Text(text).to_string())))
    })?;
    Ok((name, value))
}

impl Dissector for Grpc {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let (flag, len) = match r.peek(5)? {
            [flag, a, b, c, d] => (*flag, u32::from_be_bytes([*a, *b, *c, *d])),
            _ => return Err(Stop::Bad(&f::NOT_GRPC)),
        };
        if !matches!(flag, 0 | 1 | 0x80 | 0x81) || u64::from(len) > MOST_MESSAGE {
            return Err(Stop::Bad(&f::NOT_GRPC));
        }
        let len = len as usize;
        r.peek(len.saturating_add(5))?;
        if flag & 0x80 == 0 {
            self.message(turn, flag, len, r, out)
        } else if len <= MOST_TRAILERS {
            self.trailers(turn, len, r, out)
        } else {
            Err(Stop::Bad(&f::NOT_GRPC))
        }
    }

    fn gap(&mut self, _: Dir, _: u64, _: &mut Out<'_>) -> AfterGap {
        // Nothing says where the next message begins.
        AfterGap::GiveUp
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        size_of::<Grpc>().saturating_add(self.service.len()).saturating_add(self.method.len())
    }
}
