//! The list `websocket`: every frame, with digests of its payload unmasked, of what it decompresses to, and of the message that it ends.

use super::{Cx, List, hex};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use wirelore_dissectors::websocket::{DATA, STREAM_KEY};
use wirelore_engine::conversation::{InnerBytes, Message};
use wirelore_kit::row::MessageState;
use wirelore_kit::{Cell, ConvId, Dir};

#[derive(Default)]
struct Frame {
    number: u32,
    order: u64,
    to_client: bool,
    whole: bool,
    cells: HashMap<&'static str, u64>,
    reason: Option<String>,
    notes: Vec<&'static str>,
    /// Its payload as sent but unmasked; the whole message where that is something else.
    sums: [Sha256; 2],
    /// There was something of the latter.
    joined: bool,
}

/// Gathers the list.
#[derive(Default)]
pub struct WebSocket {
    frames: Vec<Frame>,
    by_name: HashMap<(ConvId, Dir, u64), usize>,
    entries: Vec<(u32, u64, Value)>,
    seen: u64,
}

impl List for WebSocket {
    fn hears(&self, protocol: &str) -> bool {
        protocol == "websocket"
    }

    fn message(&mut self, m: &Message<'_>) {
        if m.spec.name != "websocket" {
            return;
        }
        let order = self.seen;
        let at = *self.by_name.entry((m.conv, m.dir, m.at)).or_insert_with(|| {
            self.frames.push(Frame { order, to_client: m.dir == Dir::ToClient, ..Frame::default() });
            self.frames.len() - 1
        });
        self.seen = self.seen.saturating_add(1);
        let Some(f) = self.frames.get_mut(at) else { return };
        f.number = m.done.number;
        f.whole = m.state == MessageState::Whole;
        f.notes.extend(m.sink.notes.iter().skip(m.new_notes).map(|n| n.what.name));
        for (field, c) in m.sink.cells.iter().skip(m.new_cells) {
            match c {
                Cell::U64(n) => _ = f.cells.insert(field.name, *n),
                Cell::Text(r) => f.reason = Some(String::from_utf8_lossy(m.sink.text(r)).into_owned()),
                _ => {}
            }
        }
    }

    fn body(&mut self, b: &InnerBytes<'_>) {
        let Some(f) = self.by_name.get(&(b.conv, b.message.0, b.message.1)).and_then(|i| self.frames.get_mut(*i)) else { return };
        if b.key.0 != STREAM_KEY && b.key.0 & DATA == 0 {
            let [payload, message] = &mut f.sums;
            let joined = b.key.0 & 1 == 1;
            f.joined |= joined;
            (if joined { message } else { payload }).update(b.bytes);
        }
    }

    fn flow_end(&mut self, cx: &Cx<'_>) {
        self.by_name.clear();
        for f in std::mem::take(&mut self.frames).into_iter().filter(|f| f.whole) {
            self.entries.push((f.number, f.order, entry(cx.flow.stream, f)));
        }
    }

    fn finish(self: Box<Self>, report: &mut Map<String, Value>) {
        let mut all = self.entries;
        all.sort_by_key(|(number, order, _)| (*number, *order));
        report.insert("websocket".into(), all.into_iter().map(|(_, _, e)| e).collect());
    }
}

fn entry(stream: u32, f: Frame) -> Value {
    let cell = |name: &str| f.cells.get(name).copied();
    let opcode = cell("websocket.opcode").unwrap_or(0);
    let fin = cell("websocket.fin") == Some(1);
    let compressed = cell("websocket.pmc") == Some(1);
    let len = cell("websocket.length").unwrap_or(0);
    let mut e = json!({
        "frame": u64::from(f.number).saturating_add(1),
        "stream": stream,
        "dir": if f.to_client { "s2c" } else { "c2s" },
        "opcode": opcode,
        "fin": fin,
        "masked": cell("websocket.mask") == Some(1),
        "payload_len": len,
    });
    let [payload, message] = f.sums.map(|s| hex(s.finalize()));
    let fragment = opcode == 0 || !fin;
    if compressed {
        e["compressed"] = json!(true);
    }
    if fragment || compressed {
        e["sha256"] = if len == 0 { json!(payload) } else { Value::Null };
    } else {
        e["sha256"] = json!(payload);
    }
    let readable = !f.notes.iter().any(|n| matches!(*n, "websocket.note.deflate_broken" | "websocket.note.deflate_lost"));
    if compressed && !fragment && readable {
        e["inflated_sha256"] = json!(message);
    }
    if fragment && fin && f.joined {
        e["message_sha256"] = json!(message);
    }
    if let Some(code) = cell("websocket.payload.close.status_code") {
        e["close_code"] = json!(code);
    }
    if let Some(reason) = f.reason {
        e["close_reason"] = json!(reason);
    }
    e
}
