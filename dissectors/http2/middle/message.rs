//! Messages as a judge sees them, and header fields as a judge wrote them.
//!
//! The line holds method and path (`GET /a HTTP/2`) or the status (`HTTP/2 200`); the other pseudo-headers (`:scheme`, `:authority`,
//! `:protocol`) stand among the headers by their names. What is written keeps the order of what came; names are written in lower case, and
//! fields that belong to one connection of HTTP/1 are left out (RFC 9113 §8.2).

use super::super::hpack::Form;
use super::super::hpack::encode::Line;
use super::super::stream::head::What;
use super::super::stream::notes as n;
use super::super::stream::rules::{Rules, is_of_http1};
use super::state::{Block, Stream};
use bytes::{Bytes, BytesMut};
use wirelore_kit::middle::{Part, Stage, Transit};
use wirelore_kit::{Dir, Note};

/// Name of the Spec whose messages these are.
pub const NAME: &str = "http2";

/// The method of a request.
#[must_use]
pub fn method(head: &Block) -> &[u8] {
    head.value(b":method").map_or(&b""[..], |m| m)
}

/// The status of an answer.
#[must_use]
pub fn status(head: &Block) -> Option<u16> {
    std::str::from_utf8(head.value(b":status")?).ok()?.parse().ok()
}

/// The length that a head says its body has, bytes.
#[must_use]
pub fn length(head: &Block) -> Option<u64> {
    std::str::from_utf8(head.value(b"content-length")?).ok()?.parse().ok()
}

/// The address that a request asks for.
#[must_use]
pub fn url(head: &Block) -> Option<Box<str>> {
    let authority = head.value(b":authority").or_else(|| head.value(b"host"))?;
    let (scheme, path) = (head.value(b":scheme")?, head.value(b":path")?);
    let text = |b: &Bytes| String::from_utf8_lossy(b).into_owned();
    Some(format!("{}://{}{}", text(scheme), text(authority), text(path)).into())
}

/// The line that a head is shown by.
fn line(head: &Block, request: bool) -> Bytes {
    let empty = Bytes::new();
    if !request {
        return [b"HTTP/2 ", &head.value(b":status").unwrap_or(&empty)[..]].concat().into();
    }
    let target = head.value(b":path").or_else(|| head.value(b":authority")).unwrap_or(&empty);
    [method(head), b" ", target, b" HTTP/2"].concat().into()
}

/// Whether the line speaks for this field.
fn in_line(name: &[u8], request: bool) -> bool {
    if request { matches!(name, b":method" | b":path") } else { name == b":status" }
}

fn pairs(lines: &[Line]) -> Vec<(Bytes, Bytes)> {
    lines.iter().map(|l| (l.name.clone(), l.value.clone())).collect()
}

/// A message as it is judged.
#[must_use]
pub fn transit(dir: Dir, stream: &Stream, head: &Block, body: Option<(Bytes, Option<&Block>)>) -> Transit {
    let request = dir == Dir::ToServer;
    let stage = if body.is_some() { Stage::Whole } else { Stage::Head };
    let (body, trailers) = body.unwrap_or_default();
    let shown = head.lines.iter().filter(|l| !in_line(&l.name, request));
    Transit {
        proto: NAME,
        dir,
        exchange: stream.exchange,
        part: if request { Part::Request } else { Part::Response },
        stage,
        line: line(head, request),
        headers: shown.map(|l| (l.name.clone(), l.value.clone())).collect(),
        body,
        trailers: trailers.map(|t| pairs(&t.lines)).unwrap_or_default(),
        url: stream.url.as_deref().map(str::to_owned),
    }
}

/// The status that a line names: its first word of three digits.
fn status_of(line: &[u8]) -> Option<Bytes> {
    let word = line.split(|b| *b == b' ').find(|w| w.len() == 3 && w.iter().all(u8::is_ascii_digit))?;
    Some(Bytes::copy_from_slice(word))
}

/// Method and target that a line names.
fn asked(line: &[u8]) -> Option<(Bytes, Bytes)> {
    let first = line.iter().position(|b| *b == b' ')?;
    let (method, rest) = (line.get(..first)?, line.get(first.saturating_add(1)..)?);
    let end = match rest.iter().rposition(|b| *b == b' ') {
        Some(at) if rest.get(at..).is_some_and(|v| v.starts_with(b" HTTP/")) => at,
        _ => rest.len(),
    };
    let target = rest.get(..end).filter(|t| !t.is_empty())?;
    (!method.is_empty()).then(|| (Bytes::copy_from_slice(method), Bytes::copy_from_slice(target)))
}

/// A name as HTTP/2 writes it.
fn lower(name: &Bytes) -> Bytes {
    if name.iter().any(u8::is_ascii_uppercase) { name.to_ascii_lowercase().into() } else { name.clone() }
}

/// A value without what no field may hold (RFC 9113 §8.2.1).
fn clean(value: &Bytes) -> Bytes {
    let bad = |b: &u8| matches!(b, b'\r' | b'\n' | 0);
    let value = if value.iter().any(bad) { value.iter().copied().filter(|b| !bad(b)).collect() } else { value.clone() };
    value.slice_ref(value.trim_ascii())
}

/// What is wrong with a request or its trailers, beyond what a reader must take (RFC 9113 §8.1.1).
#[must_use]
pub fn fault(block: &Block, what: What) -> Option<&'static Note> {
    let (mut rules, mut wrong) = (Rules::default(), None);
    for l in &block.lines {
        rules.line(&l.name, &l.value, what, |note| wrong = wrong.or(Some(note)));
    }
    let empty = what == What::Request && block.value(b":path").is_some_and(Bytes::is_empty);
    wrong.or((rules.lacks(what) || empty).then_some(&n::PSEUDO_MISSING))
}

/// Trailers or headers as they go out; those that stood in `was` keep their form.
fn written(headers: &[(Bytes, Bytes)], was: &[Line]) -> Vec<Line> {
    let one = |(name, value): &(Bytes, Bytes)| {
        if let Some(same) = was.iter().find(|l| l.name == *name && l.value == *value) {
            // What came so goes on so, whatever may be said of it.
            return Some(same.clone());
        }
        let (name, value) = (lower(name), clean(value));
        let bad = name.is_empty() || name.iter().any(|b| *b <= b' ' || *b >= 0x7f) || is_of_http1(&name, &value);
        let form = was.iter().find(|l| l.name == name).map_or(Form::Incremental, |l| l.form);
        (!bad).then_some(Line { name, value, form })
    };
    headers.iter().filter_map(one).collect()
}

/// The fields of trailers as they go out.
#[must_use]
pub fn trailers(to: &Transit, was: &[Line]) -> Vec<Line> {
    let plain: Vec<_> = to.trailers.iter().filter(|(n, _)| n.first() != Some(&b':')).cloned().collect();
    written(&plain, was)
}

/// Adds a pseudo-header; each may stand once.
fn add(all: &mut Vec<Line>, was: &[Line], name: Bytes, value: Bytes) {
    if !all.iter().any(|l| l.name == name) {
        let form = was.iter().find(|l| l.name == name).map_or(Form::Incremental, |l| l.form);
        all.push(Line { name, value, form });
    }
}

/// The fields of a head as a judge wants them. `was`: as it came, or nothing where we answer.
#[must_use]
pub fn head(to: &Transit, was: &[Line], request: bool) -> Vec<Line> {
    let from_line: Vec<(&'static [u8], Option<Bytes>)> = if request {
        let (method, target) = asked(&to.line).unzip();
        // A plain CONNECT names nothing but its authority (RFC 9113 §8.5).
        let tunnel = method.as_deref() == Some(b"CONNECT") && !to.headers.iter().any(|(n, _)| **n == *b":protocol");
        let target = if tunnel { (&b":authority"[..], target) } else { (&b":path"[..], target) };
        vec![(b":method", method), target]
    } else {
        vec![(b":status", status_of(&to.line))]
    };
    let said = |name: &[u8]| from_line.iter().find(|(n, _)| *n == name).and_then(|(_, v)| v.clone());
    let mut all: Vec<Line> = Vec::with_capacity(to.headers.len().saturating_add(4));
    let among = |name: &[u8]| to.headers.iter().find(|(n, _)| **n == *name).map(|(_, v)| clean(v));
    // A Host that was not there is meant for the authority, which takes its place (RFC 9113 §8.3.1).
    let had_host = was.iter().any(|l| *l.name == *b"host");
    let host = to.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(b"host")).filter(|_| request && !had_host);
    let authority = host.map(|(_, v)| clean(v));
    for old in was.iter().filter(|l| l.name.first() == Some(&b':')) {
        let new = match &*old.name {
            b":authority" if authority.is_some() => authority.clone(),
            name if in_line(name, request) => said(name).or_else(|| Some(old.value.clone())),
            name => said(name).or_else(|| among(name)),
        };
        if let Some(new) = new {
            add(&mut all, was, old.name.clone(), new);
        }
    }
    for (name, value) in from_line.iter().filter_map(|(n, v)| Some((*n, v.clone()?))) {
        add(&mut all, was, Bytes::from_static(name), value);
    }
    if request {
        if let Some(authority) = &authority {
            add(&mut all, was, Bytes::from_static(b":authority"), authority.clone());
        }
        for (name, value) in to.headers.iter().filter(|(n, _)| n.first() == Some(&b':')) {
            add(&mut all, was, name.clone(), clean(value));
        }
    } else if all.is_empty() {
        add(&mut all, was, Bytes::from_static(b":status"), Bytes::from_static(b"200"));
    }
    let plain: Vec<_> = to
        .headers
        .iter()
        .filter(|(n, _)| n.first() != Some(&b':') && !(authority.is_some() && n.eq_ignore_ascii_case(b"host")))
        .cloned()
        .collect();
    all.extend(written(&plain, was));
    all
}

/// Makes the length that a head names follow a body that was changed, unless whoever changed it wrote a length of its own.
pub fn fit_length(lines: &mut [Line], was: &[Line], length: usize) {
    let is = |l: &&Line| *l.name == *b"content-length";
    let before: Vec<&Bytes> = was.iter().filter(is).map(|l| &l.value).collect();
    let now: Vec<&Bytes> = lines.iter().filter(is).map(|l| &l.value).collect();
    if before == now {
        for l in lines.iter_mut().filter(|l| *l.name == *b"content-length") {
            l.value = length.to_string().into();
        }
    }
}

/// Bodies end to end.
#[must_use]
pub fn joined<'d>(parts: impl Iterator<Item = &'d Bytes> + Clone) -> Bytes {
    let mut several = parts.clone().filter(|p| !p.is_empty());
    match (several.next(), several.next()) {
        (None, _) => Bytes::new(),
        (Some(one), None) => one.clone(),
        _ => {
            let mut all = BytesMut::with_capacity(parts.clone().map(Bytes::len).fold(0, usize::saturating_add));
            parts.for_each(|p| all.extend_from_slice(p));
            all.freeze()
        }
    }
}
