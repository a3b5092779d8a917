//! The list `http`: HTTP/1 requests with their answers, wherever they were found (in the clear, inside TLS), by order within the stream.
//! What was tunnelled through a WebSocket stands apart, in `http_in_websocket`.

use super::{Cx, List, hex};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use wirelore_dissectors::websocket::STREAM_KEY;
use wirelore_engine::conversation::{InnerBytes, Message};
use wirelore_kit::row::MessageState;
use wirelore_kit::{Cell, ConvId, Dir, Transport, note};

/// Length and digest of a body, as transferred and as decoded.
#[derive(Default)]
struct Body {
    len: u64,
    sum: Sha256,
}

#[derive(Default)]
struct Half {
    conv: ConvId,
    frame: u32,
    cells: HashMap<&'static str, Value>,
    bodies: HashMap<u64, Body>,
    asks: bool,
    whole: bool,
    notes: Vec<&'static str>,
    exchange: Option<u32>,
    order: u64,
}

/// Gathers the list.
#[derive(Default)]
pub struct Http {
    halves: Vec<Half>,
    by_name: HashMap<(ConvId, Dir, u64), usize>,
    entries: Vec<Value>,
    /// Conversations inside of WebSocket, and what they said.
    tunnels: BTreeSet<ConvId>,
    tunnelled: Vec<Value>,
}

fn in_order(mut all: Vec<Value>) -> Value {
    all.sort_by_key(|e: &Value| e.get("order").and_then(Value::as_u64));
    for e in &mut all {
        if let Some(e) = e.as_object_mut() {
            e.remove("order");
        }
    }
    Value::Array(all)
}

impl List for Http {
    fn hears(&self, protocol: &str) -> bool {
        protocol == "http"
    }

    fn body(&mut self, b: &InnerBytes<'_>) {
        if let Some((reader, _)) = b.read_by.filter(|_| b.key.0 == STREAM_KEY) {
            self.tunnels.insert(reader);
        }
        if let Some(h) = self.by_name.get(&(b.conv, b.message.0, b.message.1)).and_then(|i| self.halves.get_mut(*i)) {
            let body = h.bodies.entry(b.key.0).or_default();
            body.len = body.len.saturating_add(b.bytes.len() as u64);
            body.sum.update(b.bytes);
        }
    }

    fn flow_end(&mut self, cx: &Cx<'_>) {
        self.by_name.clear();
        let mut convs: BTreeMap<ConvId, Vec<Half>> = BTreeMap::new();
        for h in std::mem::take(&mut self.halves) {
            convs.entry(h.conv).or_default().push(h);
        }
        // Over UDP the same grammar is SSDP's.
        if cx.flow.transport == Transport::Tcp {
            for (conv, halves) in convs {
                let inside = self.tunnels.contains(&conv);
                entries(cx.flow.stream, halves, if inside { &mut self.tunnelled } else { &mut self.entries });
            }
        }
    }

    fn finish(self: Box<Self>, report: &mut Map<String, Value>) {
        report.insert("http".into(), in_order(self.entries));
        if !self.tunnelled.is_empty() {
            report.insert("http_in_websocket".into(), in_order(self.tunnelled));
        }
    }

    fn message(&mut self, m: &Message<'_>) {
        let order = self.halves.len() as u64;
        let at = *self.by_name.entry((m.conv, m.dir, m.at)).or_insert_with(|| {
            self.halves.push(Half { conv: m.conv, order, ..Half::default() });
            self.halves.len() - 1
        });
        let Some(h) = self.halves.get_mut(at) else { return };
        h.frame = m.done.number;
        h.whole = m.state == MessageState::Whole;
        h.exchange = m.exchange.or(h.exchange);
        h.asks |= m.asks;
        h.notes.extend(m.sink.notes.iter().skip(m.new_notes).map(|n| n.what.name));
        for (f, c) in m.sink.cells.iter().skip(m.new_cells) {
            let v = match c {
                Cell::U64(n) => json!(n),
                Cell::I64(n) => json!(n),
                Cell::Text(r) => json!(String::from_utf8_lossy(m.sink.text(r))),
                Cell::Ip4(_) | Cell::Ip6(_) => continue,
            };
            h.cells.entry(f.name).or_insert(v);
        }
    }
}

/// The body to report: decoded where there is such a one, else as transferred.
fn body_of(h: &mut Half) -> (u64, Option<String>) {
    // Bit 0 of a key says that the content codings are undone.
    let key = h.bodies.iter().filter(|(_, b)| b.len > 0).map(|(k, _)| *k).max_by_key(|k| (k & 1, *k));
    let body = key.and_then(|k| h.bodies.remove(&k)).unwrap_or_default();
    (body.len, (body.len > 0).then(|| hex(body.sum.finalize())))
}

fn entries(stream: u32, halves: Vec<Half>, out: &mut Vec<Value>) {
    let mut asks: Vec<Half> = Vec::new();
    let mut answers: Vec<Half> = Vec::new();
    for h in halves {
        if h.cells.contains_key("http.request.method") || h.asks {
            asks.push(h);
        } else if h.cells.contains_key("http.response.code") {
            answers.push(h);
        }
    }
    asks.retain(|a| a.whole && !a.notes.contains(&"http.note.head_cut"));
    // Provisional answers are no answers, but for the switch of protocols; neither is one that never came to its end or lost a part.
    answers.retain(|a| {
        a.whole
            && !a.notes.contains(&note::HOLE.name)
            && a.cells.get("http.response.code").and_then(Value::as_u64).is_none_or(|c| c >= 200 || c == 101)
    });
    let pairs = pair(&asks, &answers);
    let mut taken = vec![false; answers.len()];
    for (ask, found) in asks.iter_mut().zip(pairs) {
        let mut e =
            json!({"frame": u64::from(ask.frame) + 1, "stream": stream, "order": (u64::from(ask.frame) << 20) + ask.order});
        e["method"] = cell(ask, "http.request.method");
        e["target"] = cell(ask, "http.request.uri");
        e["host"] = cell(ask, "http.host");
        e["version"] = cell(ask, "http.request.version");
        let (len, sum) = body_of(ask);
        e["request_body_len"] = json!(len);
        e["request_body_sha256"] = json!(sum);
        e["status"] = Value::Null;
        if let Some((i, a)) = found.and_then(|i| Some((i, answers.get_mut(i)?))) {
            if let Some(t) = taken.get_mut(i) {
                *t = true;
            }
            answer(&mut e, a);
        }
        out.push(e);
    }
    for (i, a) in answers.iter_mut().enumerate() {
        if taken.get(i) == Some(&false) {
            let mut e = json!({"frame": null, "stream": stream, "order": (u64::from(a.frame) << 20) + a.order, "method": null, "target": null, "host": null, "version": null, "request_body_len": 0});
            answer(&mut e, a);
            out.push(e);
        }
    }
}

/// For each request the place of its answer: by order within the stream, as other tools list them. Where nothing is missing these are
/// the exchanges; behind a hole an answer whose own request or whose predecessor was lost may stand beside another's request.
fn pair(asks: &[Half], answers: &[Half]) -> Vec<Option<usize>> {
    let mut pairs = vec![None; asks.len()];
    for (i, answer) in answers.iter().enumerate() {
        let fits = |ask: &Half| ask.frame <= answer.frame || (ask.exchange.is_some() && ask.exchange == answer.exchange);
        let free = asks.iter().zip(&mut pairs).find(|(ask, pair)| pair.is_none() && fits(ask));
        if let Some((_, pair)) = free {
            *pair = Some(i);
        }
    }
    pairs
}

fn cell(h: &Half, name: &str) -> Value {
    h.cells.get(name).cloned().unwrap_or(Value::Null)
}

fn answer(e: &mut Value, a: &mut Half) {
    e["status"] = cell(a, "http.response.code");
    e["response_frame"] = json!(u64::from(a.frame) + 1);
    e["response_version"] = cell(a, "http.response.version");
    e["content_type"] = cell(a, "http.content_type");
    e["content_encoding"] = cell(a, "http.content_encoding");
    e["transfer_encoding"] = cell(a, "http.transfer_encoding");
    let unread = ["http.note.content_coding_unknown", "http.note.content_coding_broken"];
    if a.notes.iter().any(|n| unread.contains(n)) {
        e["decode_failed"] = json!(true);
    }
    let (len, sum) = body_of(a);
    e["response_body_len"] = json!(len);
    e["response_body_sha256"] = json!(sum);
}
