//! HTTP/3 (RFC 9114) over the streams of a QUIC connection: frames and header sections (QPACK); each request's stream is a conversation inside.
//!
//! QUIC hands on the bytes of all its streams in one row, as records: the stream's number, whether these are its last bytes, how many, and
//! the bytes. A request's stream is then written as lines for people, as HTTP/2's are, so that one reader serves both.

mod fields;
mod qpack;

use crate::coding::varint;
use fields as f;
use qpack::{Line, Table};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use wirelore_kit::{
    AfterGapPromise, Claim, Dir, Dissector, End, Framing, Hint, How, Level, Out, Reader, Relay, Side, Spec, Stop, Text, Turn,
    Verdict,
};

/// All that the house knows of HTTP/3.
pub static SPEC: Spec = Spec {
    name: "http3",
    label: "HTTP/3",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: f::NOTES,
    claims: &[Claim::Named("http3")],
    probe: |_| Verdict::No,
    resync: None,
    states: f::STATES,
    after_gap: AfterGapPromise::Never,
    relay: Relay::WatchAlways,
    middle: None,
    new: |_| Box::new(Http3::default()),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// A frame that is not DATA may be so long.
const MOST_FRAME: usize = 1 << 20;
/// So many streams are followed at once in each direction.
const MOST_STREAMS: usize = 4096;

/// What a stream is for (RFC 9114 §6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A request and its answer, or (one way) a pushed answer.
    Request,
    /// Its type has not come yet.
    Unknown,
    Control,
    Push,
    Encoder,
    Decoder,
    Other,
}

/// One direction of a stream.
#[derive(Debug, Clone)]
struct Lane {
    kind: Kind,
    /// Bytes that do not make a whole frame yet.
    held: Vec<u8>,
    /// Bytes of a DATA frame still to come.
    data: u64,
    /// The stream ended while something was held.
    last: bool,
}

/// What one direction has sent.
#[derive(Debug, Clone, Default)]
struct Half {
    lanes: BTreeMap<u64, Lane>,
    table: Table,
    /// How large a table this side allows the other (SETTINGS_QPACK_MAX_TABLE_CAPACITY).
    allows: u64,
}

#[derive(Debug, Clone, Default)]
struct Http3 {
    halves: [Half; 2],
}

/// A record: QUIC's word for stream bytes.
struct Record<'a> {
    id: u64,
    last: bool,
    bytes: &'a [u8],
}

/// What a one-way stream is for, by its first bytes (RFC 9114 §6.2): the number of its type, what that means, and how long its head is. A
/// push stream's head ends behind the number of the push; `None`: not all of the head is there.
fn kind_of(bytes: &[u8]) -> Option<(u64, Kind, usize)> {
    let (number, n) = varint::of(bytes)?;
    let kind = match number {
        0 => Kind::Control,
        1 => Kind::Push,
        2 => Kind::Encoder,
        3 => Kind::Decoder,
        _ => Kind::Other,
    };
    let more = if kind == Kind::Push { varint::of(bytes.get(n..)?)?.1 } else { 0 };
    Some((number, kind, n.saturating_add(more)))
}

/// What a frame came to.
enum Did {
    /// It took so many bytes.
    Took(usize),
    /// More must come.
    Short,
    /// Entries of the table must come first.
    Blocked,
    /// It cannot be read.
    Bad,
}

impl Http3 {
    fn half(&mut self, dir: Dir) -> &mut Half {
        let [up, down] = &mut self.halves;
        if dir == Dir::ToServer { up } else { down }
    }

    /// Takes what a record brings to its stream; words for the list go to `line`.
    fn take(&mut self, dir: Dir, record: &Record<'_>, r: &mut Reader<'_>, out: &mut Out<'_>, line: &mut String) {
        let at = r.since(r.at().saturating_sub(record.bytes.len() as u64));
        // RFC 9000 §2.1: bit 1 says that a stream goes one way.
        let both_ways = record.id & 2 == 0;
        let half = self.half(dir);
        if half.lanes.len() >= MOST_STREAMS && !half.lanes.contains_key(&record.id) {
            r.note(&f::TOO_MANY, at);
            return;
        }
        let kind = if both_ways { Kind::Request } else { Kind::Unknown };
        let mut lane = half.lanes.remove(&record.id).unwrap_or(Lane { kind, held: Vec::new(), data: 0, last: false });
        lane.held.extend_from_slice(record.bytes);
        lane.last |= record.last;
        if self.go_on(dir, record.id, lane, r, at, out, line) == Kind::Encoder {
            // What waited for entries of the table may go on.
            let waiting: Vec<u64> = self.half(dir).lanes.iter().filter(|(_, l)| !l.held.is_empty()).map(|(id, _)| *id).collect();
            for id in waiting {
                let Some(lane) = self.half(dir).lanes.remove(&id) else { continue };
                self.go_on(dir, id, lane, r, at, out, line);
            }
        }
    }

    /// Reads what a lane holds, hands on what that makes, and keeps the lane if there is more to come. Says what the stream is for.
    #[expect(clippy::too_many_arguments, reason = "one record's facts")]
    fn go_on(
        &mut self,
        dir: Dir,
        id: u64,
        mut lane: Lane,
        r: &mut Reader<'_>,
        at: wirelore_kit::Span,
        out: &mut Out<'_>,
        line: &mut String,
    ) -> Kind {
        let mut bytes = out.memory();
        bytes.clear();
        self.run(dir, id, &mut lane, r, at, &mut bytes, line);
        let kind = lane.kind;
        let request = matches!(kind, Kind::Request | Kind::Push);
        let done = lane.last && (lane.held.is_empty() || lane.held.len() > MOST_FRAME);
        if done && request && lane.data == 0 {
            let _ = writeln!(Lines(&mut bytes), "DATA stream {id} length 0 END_STREAM");
        }
        if request && !bytes.is_empty() {
            out.inner_made(id, dir, bytes, at, How::Unpacked, Hint::Proto("http3.stream"));
        }
        if done {
            if request {
                out.inner_end(id, dir, End::Fin);
            }
            return kind;
        }
        if lane.held.len() > MOST_FRAME.saturating_add(16) {
            r.note(&f::TOO_LONG, at);
            return kind;
        }
        self.half(dir).lanes.insert(id, lane);
        kind
    }

    /// Reads what the lane holds, frame by frame.
    #[expect(clippy::too_many_arguments, reason = "one record's facts")]
    fn run(
        &mut self,
        dir: Dir,
        id: u64,
        lane: &mut Lane,
        r: &mut Reader<'_>,
        at: wirelore_kit::Span,
        made: &mut Vec<u8>,
        line: &mut String,
    ) {
        let mut from = 0usize;
        loop {
            let rest = lane.held.get(from..).unwrap_or(&[]);
            if rest.is_empty() {
                break;
            }
            if lane.data > 0 {
                let n = usize::try_from(lane.data).unwrap_or(usize::MAX).min(rest.len());
                let _ = writeln!(Lines(made), "DATA stream {id} length {n}");
                made.extend_from_slice(rest.get(..n).unwrap_or(&[]));
                lane.data = lane.data.saturating_sub(n as u64);
                from = from.saturating_add(n);
                continue;
            }
            let did = match lane.kind {
                Kind::Unknown => match kind_of(rest) {
                    Some((number, kind, n)) => {
                        lane.kind = kind;
                        r.derived(&f::STREAM_TYPE, at, number);
                        say(line, f::STREAM_TYPE.name_of(number).unwrap_or("stream of an unknown type"));
                        Did::Took(n)
                    }
                    None => Did::Short,
                },
                Kind::Encoder => {
                    let mut told = Vec::new();
                    let half = self.half(dir);
                    let did = match half.table.instruct(rest, &mut told) {
                        Ok(0) => Did::Short,
                        Ok(n) => Did::Took(n),
                        Err(_) => Did::Bad,
                    };
                    for words in told {
                        r.derived(&f::INSTRUCTION, at, words.as_str());
                        say(line, &words);
                    }
                    if r.level() == Level::Tree && matches!(did, Did::Took(_)) {
                        let (size, most) = self.half(dir).table.sizes();
                        r.derived(&f::TABLE_SIZE, at, format!("{size} of {most} bytes"));
                        for (n, (name, value)) in self.half(dir).table.entries().take(256) {
                            r.derived(&f::TABLE_ENTRY, at, format!("{n} {}: {}", Text(name), Text(value)));
                        }
                    }
                    did
                }
                Kind::Decoder => {
                    r.derived(&f::ACKNOWLEDGED, at, rest.len() as u64);
                    say(line, "table acknowledgements");
                    Did::Took(rest.len())
                }
                Kind::Other => Did::Took(rest.len()),
                Kind::Request | Kind::Control | Kind::Push => {
                    self.frame(dir, id, lane.kind, rest, &mut lane.data, r, at, made, line)
                }
            };
            match did {
                Did::Took(n) => from = from.saturating_add(n),
                Did::Short | Did::Blocked => {
                    if matches!(did, Did::Blocked) {
                        say(line, "waits for table entries");
                    }
                    break;
                }
                Did::Bad => {
                    r.note(&f::BAD, at);
                    from = lane.held.len();
                    lane.kind = Kind::Other;
                }
            }
        }
        lane.held.drain(..from.min(lane.held.len()));
    }

    /// One frame (RFC 9114 §7).
    #[expect(clippy::too_many_arguments, reason = "one frame's facts")]
    fn frame(
        &mut self,
        dir: Dir,
        id: u64,
        lane: Kind,
        rest: &[u8],
        data: &mut u64,
        r: &mut Reader<'_>,
        at: wirelore_kit::Span,
        made: &mut Vec<u8>,
        line: &mut String,
    ) -> Did {
        let Some((kind, a)) = varint::of(rest) else { return Did::Short };
        let Some((len, b)) = varint::of(rest.get(a..).unwrap_or(&[])) else { return Did::Short };
        let head = a.saturating_add(b);
        if kind == 0 && lane != Kind::Control {
            r.derived(&f::FRAME_TYPE, at, kind);
            r.derived(&f::FRAME_LENGTH, at, len);
            say(line, &format!("DATA {len}"));
            *data = len;
            return Did::Took(head);
        }
        let Ok(len) = usize::try_from(len) else { return Did::Bad };
        if len > MOST_FRAME {
            return Did::Bad;
        }
        let Some(payload) = rest.get(head..head.saturating_add(len)) else { return Did::Short };
        let took = Did::Took(head.saturating_add(len));
        let words = f::FRAME_TYPE.name_of(kind).map_or_else(|| format!("frame 0x{kind:x}"), String::from);
        let section = match kind {
            1 => Some(payload),
            5 => varint::of(payload).and_then(|(_, n)| payload.get(n..)),
            _ => None,
        };
        if let Some(section) = section {
            let limit = self.half(dir.other()).allows;
            let lines = match self.half(dir).table.section(section, limit) {
                Ok(lines) => lines,
                Err(qpack::Stop::Blocked) => return Did::Blocked,
                Err(_) => return Did::Bad,
            };
            r.derived(&f::FRAME_TYPE, at, kind);
            r.derived(&f::FRAME_LENGTH, at, len as u64);
            say(line, &format!("{words}{}", start_of(&lines)));
            let mut text = Vec::new();
            for l in &lines {
                let _ = writeln!(Lines(&mut text), "{}: {}", OneLine(&l.name), OneLine(&l.value));
                if r.level() == Level::Tree {
                    let field = if is_secret(&l.name) { &f::SECRET_HEADER } else { &f::HEADER };
                    r.derived(field, at, format!("{}: {}", Text(&l.name), Text(&l.value)));
                    r.derived(&f::FORM, at, l.form.words());
                }
            }
            let what = if kind == 5 { "PUSH_PROMISE" } else { "HEADERS" };
            let _ = writeln!(Lines(made), "{what} stream {id} length {}", text.len());
            made.extend_from_slice(&text);
            return took;
        }
        r.derived(&f::FRAME_TYPE, at, kind);
        r.derived(&f::FRAME_LENGTH, at, len as u64);
        say(line, &words);
        if kind == 4 {
            self.settings(dir, payload, r, at);
        }
        took
    }

    fn settings(&mut self, dir: Dir, payload: &[u8], r: &mut Reader<'_>, at: wirelore_kit::Span) {
        let mut rest = payload;
        while let Some((id, n)) = varint::of(rest) {
            let Some((value, m)) = varint::of(rest.get(n..).unwrap_or(&[])) else { break };
            rest = rest.get(n.saturating_add(m)..).unwrap_or(&[]);
            r.derived(&f::SETTING, at, id);
            r.derived(&f::SETTING_VALUE, at, value);
            if id == 1 {
                self.half(dir).allows = value;
            }
        }
    }
}

/// Adds words to a list line.
fn say(line: &mut String, words: &str) {
    if line.len() < 400 {
        if !line.is_empty() && !line.ends_with(": ") {
            line.push_str(", ");
        }
        line.push_str(words);
    }
}

/// The start of a message in a few words.
fn start_of(lines: &[Line]) -> String {
    let of = |name: &[u8]| lines.iter().find(|l| l.name == name).map(|l| Text(&l.value).to_string());
    match (of(b":method"), of(b":status")) {
        (Some(method), _) => format!(" {method} {}", of(b":path").or_else(|| of(b":authority")).unwrap_or_default()),
        (_, Some(status)) => format!(" {status}"),
        _ => String::new(),
    }
}

fn is_secret(name: &[u8]) -> bool {
    matches!(name, b"cookie" | b"set-cookie" | b"authorization" | b"proxy-authorization")
}

/// Bytes that may hold a line break, which a line may not.
struct OneLine<'b>(&'b [u8]);

impl std::fmt::Display for OneLine<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                f.write_char(if matches!(c, '\r' | '\n' | '\0') { ' ' } else { c })?;
            }
            for _ in chunk.invalid() {
                f.write_char('\u{fffd}')?;
            }
        }
        Ok(())
    }
}

/// Writes text to bytes.
struct Lines<'b>(&'b mut Vec<u8>);

impl std::fmt::Write for Lines<'_> {
    fn write_str(&mut self, s: &str) -> std::fmt::Result {
        self.0.extend_from_slice(s.as_bytes());
        Ok(())
    }
}

impl Dissector for Http3 {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        // The whole record must be there before anything changes.
        let rest = r.rest();
        let head = (|| {
            let (_, a) = varint::of(rest)?;
            let (len, b) = varint::of(rest.get(a.checked_add(1)?..)?)?;
            a.checked_add(1)?.checked_add(b)?.checked_add(usize::try_from(len).ok()?)
        })();
        r.peek(head.unwrap_or(rest.len().saturating_add(1)))?;
        let mut line = String::new();
        r.group(&f::HTTP3, |r| {
            let id = varint::read(r, &f::STREAM)?;
            let last = r.u8(&f::LAST)? != 0;
            let len = varint::read(r, &f::LENGTH)?;
            let n = usize::try_from(len).unwrap_or(usize::MAX);
            let bytes: &[u8] = if n > 0 { r.bytes(&f::BYTES, n)? } else { &[] };
            let _ = write!(line, "stream {id}: ");
            self.take(turn.dir, &Record { id, last, bytes }, r, out, &mut line);
            if last {
                say(&mut line, "end");
            }
            Ok(())
        })?;
        out.state(if turn.dir == Dir::ToServer { Side::Client } else { Side::Server }, &f::OPEN);
        out.summary(line.trim_end_matches([':', ' ']));
        Ok(())
    }

    fn end(&mut self, dir: Dir, how: End, out: &mut Out<'_>) {
        for (id, _) in self.half(dir).lanes.iter().filter(|(_, l)| matches!(l.kind, Kind::Request | Kind::Push)) {
            out.inner_end(*id, dir, how);
        }
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        let of = |h: &Half| {
            h.table.weight().saturating_add(h.lanes.values().map(|l| l.held.capacity().saturating_add(64)).sum::<usize>())
        };
        size_of::<Http3>().saturating_add(self.halves.iter().map(of).sum())
    }
}
