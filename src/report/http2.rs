//! The list `http2`: one entry a stream, with its frames, what was asked and answered, and how much data went each way.

use super::{Cx, List};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use wirelore_engine::conversation::Message;
use wirelore_kit::{Cell, ConvId, Dir};

#[derive(Default)]
struct Frame {
    number: u32,
    order: u64,
    to_client: bool,
    cells: HashMap<&'static str, u64>,
}

/// What a stream's messages say.
#[derive(Default, Clone)]
struct Said {
    stream: u32,
    to_client: bool,
    number: u32,
    texts: BTreeMap<&'static str, String>,
    status: Option<u64>,
    pushed: bool,
}

/// Gathers the list.
#[derive(Default)]
pub struct Http2 {
    frames: BTreeMap<(ConvId, Dir, u64), Frame>,
    said: BTreeMap<(ConvId, Dir, u64), Said>,
    entries: Vec<Value>,
    seen: u64,
}

impl List for Http2 {
    fn hears(&self, protocol: &str) -> bool {
        matches!(protocol, "http2" | "http2.stream")
    }

    fn message(&mut self, m: &Message<'_>) {
        let key = (m.conv, m.dir, m.at);
        let new = m.sink.cells.iter().skip(m.new_cells);
        if m.spec.name == "http2" {
            let order = self.seen;
            self.seen = self.seen.saturating_add(1);
            let f = self.frames.entry(key).or_insert_with(|| Frame { order, ..Frame::default() });
            f.number = m.done.number;
            f.to_client = m.dir == Dir::ToClient;
            for (field, cell) in new {
                if let Cell::U64(n) = cell {
                    f.cells.insert(field.name, *n);
                }
            }
        } else if m.spec.name == "http2.stream" {
            let s = self.said.entry(key).or_default();
            s.number = m.done.number;
            s.to_client = m.dir == Dir::ToClient;
            for (field, cell) in new {
                match (field.name, cell) {
                    ("http2.streamid", Cell::U64(n)) => s.stream = u32::try_from(*n).unwrap_or(0),
                    ("http2.headers.status", Cell::U64(n)) => s.status = Some(*n),
                    (name, Cell::Text(r)) => {
                        s.texts.entry(name).or_insert_with(|| String::from_utf8_lossy(m.sink.text(r)).into_owned());
                    }
                    _ => {}
                }
            }
            s.pushed |= m.sink.notes.iter().any(|n| n.what.name == "http2.stream.note.pushed");
        }
    }

    fn flow_end(&mut self, cx: &Cx<'_>) {
        let mut streams: BTreeMap<u32, Vec<Frame>> = BTreeMap::new();
        let mut frames: Vec<Frame> = std::mem::take(&mut self.frames).into_values().collect();
        frames.sort_by_key(|f| (f.number, f.order));
        for f in frames {
            let id = f.cells.get("http2.streamid").copied().unwrap_or(0);
            if let (1.., Ok(id)) = (id, u32::try_from(id)) {
                streams.entry(id).or_default().push(f);
            }
        }
        let said = std::mem::take(&mut self.said);
        for (id, frames) in streams {
            self.entries.push(entry(cx.flow.stream, id, &frames, said.values().filter(|s| s.stream == id)));
        }
    }

    fn finish(self: Box<Self>, report: &mut Map<String, Value>) {
        report.insert("http2".into(), Value::Array(self.entries));
    }
}

fn entry<'s>(stream: u32, id: u32, frames: &[Frame], said: impl Iterator<Item = &'s Said>) -> Value {
    let mut asked: Option<&Said> = None;
    let mut answers: Vec<&Said> = Vec::new();
    let mut pushed = false;
    for s in said {
        pushed |= s.pushed;
        if s.to_client {
            answers.push(s);
        } else {
            asked = asked.or(Some(s));
        }
    }
    // The answer proper, or the last of those that announce it.
    answers.sort_by_key(|s| s.number);
    let status = answers.iter().find(|s| s.status.is_some_and(|c| c >= 200)).or(answers.last()).and_then(|s| s.status);
    let text = |name: &str| asked.and_then(|a| a.texts.get(name));
    let data = |to_client: bool| -> u64 {
        let of = frames.iter().filter(|f| f.to_client == to_client);
        of.filter_map(|f| f.cells.get("http2.data.length")).fold(0, |n, len| n.saturating_add(*len))
    };
    let mut e = json!({
        "tcp_stream": stream,
        "stream": id,
        "method": text("http2.headers.method"),
        "path": text("http2.headers.path"),
        "authority": text("http2.headers.authority"),
        "status": status,
        "data_len_c2s": data(false),
        "data_len_s2c": data(true),
        "frames": frames.iter().filter_map(|f| f.cells.get("http2.type").copied()).collect::<Vec<_>>(),
    });
    if pushed {
        e["pushed"] = json!(true);
    }
    e
}
