//! Messages as a judge sees them, and written anew as it says.
//!
//! A header that was not touched keeps its line as it stood, blanks and all. Where a body was changed its framing follows: one chunk with the
//! trailers behind it if the message is chunked, else Content-Length with the new number. Who changes the framing headers themselves gets
//! what was written: a length that lies is sent as it is, and the connection ends behind it.

use super::super::body::Frame;
use super::super::fact;
use super::super::headers::{self, Use};
use super::chunks;
use super::exchange::Kept;
use super::head::{self, Known, Lines, Said, known};
use bytes::{BufMut, Bytes, BytesMut};
use wirelore_kit::middle::{Part, Stage, Transit};
use wirelore_kit::{Dir, Fact, Side};

/// So many headers are told to the protocol that an upgrade leads to.
const MOST_FACTS: usize = 16;

/// What a head says to the protocol that an upgrade leads to.
#[must_use]
pub fn upgrade_facts(from: Side, head: &[u8], lines: &Lines) -> Vec<Fact> {
    let one = |row: &head::Row| match headers::known(row.name(head))?.1 {
        Use::Fact(name) => Some(fact(from, name, row.value(head))),
        _ => None,
    };
    lines.rows.iter().filter_map(one).take(MOST_FACTS).collect()
}

/// Names and values of all lines, as parts of `whole`.
fn pairs(whole: &Bytes, lines: &Lines) -> Vec<(Bytes, Bytes)> {
    let part = |at: std::ops::Range<usize>| if at.end <= whole.len() { whole.slice(at) } else { Bytes::new() };
    lines.rows.iter().map(|row| (part(row.name_at()), part(row.value_at(whole)))).collect()
}

/// The body and trailers of what was kept, without chunks.
fn taken_apart(kept: &Kept) -> (Bytes, Vec<(Bytes, Bytes)>) {
    if !kept.chunked {
        return (Bytes::copy_from_slice(&kept.raw), Vec::new());
    }
    let (data, trailer) = chunks::whole(&kept.raw);
    let section = Bytes::copy_from_slice(kept.raw.get(trailer..).unwrap_or(&[]));
    let lines = chunks::trailer(&section);
    (data.into(), pairs(&section, &lines))
}

/// A message as it is judged.
#[must_use]
pub fn transit(
    head: &Bytes,
    lines: &Lines,
    kept: Option<&Kept>,
    response: bool,
    exchange: u64,
    stage: Stage,
    url: Option<&str>,
) -> Transit {
    let (body, trailers) = kept.map(taken_apart).unwrap_or_default();
    Transit {
        proto: super::super::SPEC.name,
        dir: if response { Dir::ToClient } else { Dir::ToServer },
        exchange,
        part: if response { Part::Response } else { Part::Request },
        stage,
        line: head.slice(..lines.first.min(head.len())),
        headers: pairs(head, lines),
        body,
        trailers,
        url: url.map(str::to_owned),
    }
}

/// A message after a change.
#[derive(Debug)]
pub struct Changed {
    /// Its head.
    pub head: Bytes,
    /// Its body as it goes out; `None`: as it came.
    pub body: Option<BytesMut>,
    /// Its framing headers do not say how its body really is.
    pub odd: bool,
}

/// Writes a message as `to` says. `frame`: how the body on the wire is framed, where it is not kept. `headless`: no body goes with it (HEAD).
#[must_use]
pub fn change(
    head: &Bytes,
    lines: &Lines,
    kept: Option<&Kept>,
    frame: Frame,
    to: &Transit,
    response: bool,
    headless: bool,
) -> Changed {
    let before = Said::of(head, lines);
    let mut rewritten = write_head(head, lines, &to.line, &to.headers, |_| None);
    let after = lines_of(&rewritten);
    let said = Said::of(&rewritten, &after);
    let touched = said.length != before.length || said.lengths != before.lengths || said.transfer != before.transfer;
    let Some(kept) = kept.filter(|k| k.whole) else {
        return Changed { odd: touched && frame != Frame::Nothing, head: rewritten, body: None };
    };
    let (body, trailers) = taken_apart(kept);
    if body == to.body && trailers == to.trailers {
        return Changed { odd: touched && !body.is_empty(), head: rewritten, body: None };
    }
    let chunked = said.transfer.as_ref().is_some_and(|t| t.chunked);
    if chunked {
        return Changed { head: rewritten, body: Some(one_chunk(&to.body, &to.trailers)), odd: false };
    }
    let length = to.body.len() as u64;
    let untouched = said.length == before.length && said.lengths == before.lengths;
    let until_close = response && said.lengths == 0 && before.lengths == 0 && before.transfer.is_none();
    let mut odd = said.length != Some(length) && !until_close;
    if odd && !headless && untouched {
        rewritten = with_length(&rewritten, &after, length);
        odd = false;
    }
    let body = if headless { BytesMut::new() } else { BytesMut::from(&*to.body) };
    Changed { head: rewritten, body: Some(body), odd: odd && !headless }
}

/// The lines of a head that we wrote.
fn lines_of(head: &[u8]) -> Lines {
    let mut lines = Lines::default();
    lines.again(head);
    lines
}

/// Writes a head; lines that stood in the old one with the same name and value are taken from there. `instead`: another value.
fn write_head(
    old: &[u8],
    lines: &Lines,
    line: &[u8],
    headers: &[(Bytes, Bytes)],
    instead: impl Fn(usize) -> Option<Vec<u8>>,
) -> Bytes {
    let mut out = BytesMut::with_capacity(old.len().saturating_add(256));
    out.put_slice(line);
    let end = old.get(lines.first..lines.headers).filter(|_| old.get(..lines.first) == Some(line)).unwrap_or(b"\r\n");
    out.put_slice(end);
    let mut rows = lines.rows.iter();
    for (i, (name, value)) in headers.iter().enumerate() {
        let new = instead(i);
        let same = |row: &&head::Row| row.name(old) == &**name && row.value(old) == &**value;
        let mut ahead = rows.clone();
        match ahead.find(same).filter(|_| new.is_none()) {
            Some(row) => {
                out.put_slice(row.raw(old));
                rows = ahead;
            }
            None => {
                out.put_slice(name);
                out.put_slice(b": ");
                out.put_slice(new.as_deref().unwrap_or(value));
                out.put_slice(b"\r\n");
            }
        }
    }
    out.put_slice(b"\r\n");
    out.freeze()
}

/// A head whose Content-Length says `length`, once: in its place, or behind the other headers.
fn with_length(head: &Bytes, lines: &Lines, length: u64) -> Bytes {
    let mut all = pairs(head, lines);
    let is = |name: &Bytes| known(name) == Some(Known::Length);
    let place = all.iter().position(|(name, _)| is(name));
    let mut at = 0usize;
    all.retain(|(name, _)| {
        let keep = !is(name) || Some(at) == place;
        at = at.saturating_add(1);
        keep
    });
    let number = length.to_string();
    match place {
        Some(_) => {
            let at = all.iter().position(|(name, _)| is(name));
            let line = head.slice(..lines.first.min(head.len()));
            write_head(head, lines, &line, &all, |i| (Some(i) == at).then(|| number.clone().into_bytes()))
        }
        None => {
            all.push((Bytes::from_static(b"Content-Length"), number.into()));
            let line = head.slice(..lines.first.min(head.len()));
            write_head(head, lines, &line, &all, |_| None)
        }
    }
}

/// A body as one chunk, the last chunk and trailers.
fn one_chunk(body: &[u8], trailers: &[(Bytes, Bytes)]) -> BytesMut {
    let mut out = BytesMut::with_capacity(body.len().saturating_add(64));
    if !body.is_empty() {
        out.put_slice(format!("{:x}\r\n", body.len()).as_bytes());
        out.put_slice(body);
        out.put_slice(b"\r\n");
    }
    out.put_slice(b"0\r\n");
    for (name, value) in trailers {
        out.put_slice(name);
        out.put_slice(b": ");
        out.put_slice(value);
        out.put_slice(b"\r\n");
    }
    out.put_slice(b"\r\n");
    out
}

/// A whole response as a judge wrote it. `headless`: without its body (HEAD).
#[must_use]
pub fn answer(to: &Transit, headless: bool) -> Bytes {
    let none = Lines::default();
    let head = write_head(&[], &none, &to.line, &to.headers, |_| None);
    let lines = lines_of(&head);
    let said = Said::of(&head, &lines);
    let (status, ..) = head::status_line(&to.line);
    let bodiless = (100..200).contains(&status) || matches!(status, 204 | 304);
    let chunked = said.transfer.as_ref().is_some_and(|t| t.chunked);
    let unframed = !bodiless && !chunked && said.lengths == 0;
    let head = if unframed { with_length(&head, &lines, to.body.len() as u64) } else { head };
    let mut out = BytesMut::from(&*head);
    if !headless && !bodiless {
        if chunked {
            out.put_slice(&one_chunk(&to.body, &to.trailers));
        } else {
            out.put_slice(&to.body);
        }
    }
    out.freeze()
}

/// The answer to a request whose Max-Forwards says that it ends here (RFC 9110 §7.6.2): TRACE is sent back without what is secret.
#[must_use]
pub fn last_hop(head: &[u8], lines: &Lines, trace: bool) -> Bytes {
    if !trace {
        return Bytes::from_static(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    }
    let secret = |row: &&head::Row| {
        let name = row.name(head);
        ["authorization", "proxy-authorization", "cookie"].iter().any(|s| name.eq_ignore_ascii_case(s.as_bytes()))
    };
    let mut body = BytesMut::with_capacity(head.len());
    body.put_slice(head.get(..lines.headers).unwrap_or(&[]));
    for row in lines.rows.iter().filter(|r| !secret(r)) {
        body.put_slice(row.raw(head));
    }
    body.put_slice(b"\r\n");
    let mut out = BytesMut::new();
    out.put_slice(format!("HTTP/1.1 200 OK\r\nContent-Type: message/http\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes());
    out.put_slice(&body);
    out.freeze()
}
