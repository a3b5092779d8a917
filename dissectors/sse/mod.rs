//! Server-sent events (HTML §9.2): a body of type text/event-stream that never needs to end; each event is a few lines and a blank one.

mod fields;

use fields as f;
use wirelore_kit::{
    AfterGap, AfterGapPromise, Claim, Dir, Dissector, F, Framing, Out, Reader, Relay, Spec, Stop, Text, Turn, Value, Verdict,
};

/// Server-sent events.
pub static SPEC: Spec = Spec {
    name: "sse",
    label: "Server-sent events",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: f::NOTES,
    claims: &[Claim::Named("sse"), Claim::Media("text/event-stream")],
    probe: |_| Verdict::No,
    resync: Some(resync),
    states: f::STATES,
    after_gap: AfterGapPromise::Within(1),
    relay: Relay::WatchAlways,
    middle: None,
    new: |_| Box::new(Sse::default()),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// An event may be so long, bytes.
const MOST_EVENT: usize = 1 << 20;

/// Behind the next blank line an event begins.
fn resync(bytes: &[u8], _: Dir) -> Option<usize> {
    let lf = memchr::memmem::find(bytes, b"\n\n").map(|i| i.saturating_add(2));
    let crlf = memchr::memmem::find(bytes, b"\r\n\r\n").map(|i| i.saturating_add(4));
    match (lf, crlf) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Length of the event that begins here, its blank line included. A CR at the very end may be half of a CRLF: `None`.
/// `from`: the bytes before it were searched.
fn event_end(b: &[u8], from: usize) -> Option<usize> {
    let mut line_start = true;
    let mut i = from.saturating_sub(4);
    if i > 0 {
        // Unknown what stands before: begin behind the last line end.
        let ends = b.get(..i).and_then(|h| memchr::memrchr2(b'\n', b'\r', h));
        i = ends.map_or(0, |e| e.saturating_add(if b.get(e..).is_some_and(|b| b.starts_with(b"\r\n")) { 2 } else { 1 }));
    }
    while let Some(c) = b.get(i) {
        let end = match c {
            b'\n' => Some(i.saturating_add(1)),
            b'\r' => match b.get(i.saturating_add(1)) {
                None => return None,
                Some(b'\n') => Some(i.saturating_add(2)),
                Some(_) => Some(i.saturating_add(1)),
            },
            _ => None,
        };
        match end {
            Some(end) if line_start => return Some(end),
            Some(end) => {
                line_start = true;
                i = end;
            }
            None => {
                line_start = false;
                i = memchr::memchr2(b'\n', b'\r', b.get(i..)?).map_or(b.len(), |n| i.saturating_add(n));
            }
        }
    }
    None
}

/// What an event comes to.
#[derive(Default)]
struct Event<'a> {
    kind: &'a [u8],
    data: &'a [u8],
    more_data: bool,
    comment: Option<&'a [u8]>,
    retry: &'a [u8],
}

#[derive(Debug, Clone, Default)]
struct Sse {
    begun: bool,
}

impl Dissector for Sse {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let (len, sent) = match r.seek(event_end) {
            Ok(len) => (len, true),
            Err(_) if r.left() > MOST_EVENT => return Err(Stop::Bad(&f::TOO_LONG)),
            Err(_) if r.is_bounded() && !r.is_empty() => (r.left(), false),
            Err(stop) => return Err(stop),
        };
        let all = r.span(len);
        let mut e = Event::default();
        let begun = self.begun;
        r.within(&f::EVENT, len, |r| {
            if !begun && r.rest().starts_with(b"\xef\xbb\xbf") {
                r.bytes(&f::BOM, 3)?;
            }
            while !r.is_empty() {
                line(r, &mut e)?;
            }
            Ok(())
        })?;
        if !sent {
            r.note(&f::UNSENT, all);
        }
        let kind: &[u8] = if e.kind.is_empty() { b"message" } else { e.kind };
        let more: &[u8] = if e.more_data { " …".as_bytes() } else { b"" };
        if !e.data.is_empty() || !e.kind.is_empty() {
            out.summary_of(&[Text(kind), Text(b": "), Text(e.data), Text(more)]);
        } else if let Some(comment) = e.comment {
            out.summary_of(&[Text(b"comment: "), Text(comment)]);
        } else if !e.retry.is_empty() {
            out.summary_of(&[Text(b"retry after "), Text(e.retry), Text(b" ms")]);
        } else {
            out.summary("Blank line");
        }
        self.begun = true;
        out.state(turn.dir.sender(), &f::STREAMING);
        out.state(turn.dir.other().sender(), &f::LISTENING);
        Ok(())
    }

    fn gap(&mut self, _: Dir, _: u64, _: &mut Out<'_>) -> AfterGap {
        AfterGap::Resync
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        size_of::<Sse>()
    }
}

/// One line, its end included.
fn line<'a>(r: &mut Reader<'a>, e: &mut Event<'a>) -> Result<(), Stop> {
    let rest = r.rest();
    let len = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
    let end = match rest.get(len..) {
        Some([b'\r', b'\n', ..]) => 2,
        Some([_, ..]) => 1,
        _ => 0,
    };
    let text = rest.get(..len).unwrap_or(rest);
    if len == 0 {
        r.bytes(&f::DELIMITER, end)?;
        return Ok(());
    }
    let colon = memchr::memchr(b':', text).unwrap_or(len);
    let name = text.get(..colon).unwrap_or(text);
    let behind = text.get(colon..).unwrap_or(&[]);
    let lead = if behind.starts_with(b": ") { 2 } else { behind.len().min(1) };
    let value = behind.get(lead..).unwrap_or(&[]);
    let here = r.span(len);
    let field: F = match name {
        b"" => {
            e.comment = Some(value);
            &f::COMMENT
        }
        b"event" => {
            e.kind = value;
            &f::TYPE
        }
        b"data" => {
            if e.data.is_empty() {
                e.data = value;
            } else {
                e.more_data = true;
            }
            &f::DATA
        }
        b"id" => &f::ID,
        b"retry" => {
            e.retry = value;
            &f::RETRY
        }
        _ => {
            r.note(&f::UNKNOWN_FIELD, here);
            &f::OTHER
        }
    };
    r.titled(&f::LINE, |r| {
        if !name.is_empty() {
            r.text(&f::NAME, name.len())?;
        }
        if lead > 0 {
            r.bytes(&f::DELIMITER, lead)?;
        }
        if !value.is_empty() {
            let number = std::str::from_utf8(value).ok().and_then(|v| v.parse::<u64>().ok());
            match number {
                Some(ms) if field.is(&f::RETRY) => r.valued(field, value.len(), Value::U64(ms))?,
                _ if field.is(&f::RETRY) => r.text(&f::OTHER, value.len())?.0,
                _ => r.text(field, value.len())?.0,
            };
        }
        if end > 0 {
            r.bytes(&f::DELIMITER, end)?;
        }
        Ok(((), Value::from(Text(text).to_string())))
    })
}
