//! `wirelore report`: all that was read, as one JSON object. Version 1; README describes the keys.
//!
//! Frame numbers count from 1. Streams are those that a second reading of the delivery logs gives, so that the report is also a check of it.

use crate::cli::Report;
use crate::reading::{self, Failure};
use crate::session::Session;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::Write;
use wirelore_dissectors::dns;
use wirelore_engine::conversation::{InnerBytes, Listen, Message};
use wirelore_engine::reassembly::GapWhy;
use wirelore_export::time::seconds;
use wirelore_kit::row::{MessageState, NONE};
use wirelore_kit::{Cancel, Cell, ConvId, Dir, Level, Transport, TreeSource, What, note};
use wirelore_store::{Flow, Snapshot};

/// Version of the object's keys.
pub const VERSION: u32 = 1;

/// Lists whose protocols are not read yet: present and empty, so that other programs need not ask.
const EMPTY: [&str; 7] = ["http2", "tls", "ftp", "ftp_data", "smtp", "mail", "websocket"];

/// Runs the command.
///
/// # Errors
/// What stopped it.
pub fn run(args: &Report) -> Result<(), Failure> {
    let mut session = reading::open(&args.from, false)?;
    reading::finish(&mut session, false)?;
    let value = report(&session)?;
    let text = if args.pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", text.unwrap_or_default()).and_then(|()| out.flush()).map_err(|e| Failure::write(&e))?;
    reading::tell_damage(&session);
    Ok(())
}

/// The report of a session that is read to its end.
///
/// # Errors
/// When recorded bytes can no longer be read.
pub fn report(session: &Session) -> Result<Value, Failure> {
    let s = session.store.snapshot();
    let mut o = Map::new();
    let (mut wire, mut captured) = (0u64, 0u64);
    let (mut first, mut last) = (None, None);
    for (_, rows) in s.packet_table().segments() {
        for p in rows {
            wire = wire.saturating_add(u64::from(p.wire_len));
            captured = captured.saturating_add(u64::from(p.cap_len));
            if p.time != i64::MIN {
                first = first.or(Some(p.time));
                last = Some(p.time);
            }
        }
    }
    let facts = s.facts();
    o.insert("version".into(), json!(VERSION));
    o.insert("capture".into(), json!(facts.name));
    o.insert("packets".into(), json!(s.packets()));
    o.insert("bytes".into(), json!(wire));
    o.insert("captured_bytes".into(), json!(captured));
    o.insert("link_types".into(), json!(facts.interfaces.iter().map(|i| i.link_type).collect::<Vec<_>>()));
    o.insert("first_ts".into(), json!(first.map(seconds)));
    o.insert("last_ts".into(), json!(last.map(seconds)));
    let cancel = Cancel::new();
    let mut streams = Vec::new();
    let mut http = Vec::new();
    let mut dns = Vec::new();
    for f in s.each_flow() {
        let protocol = f.protocol().map_or("", |p| s.schema().protocol_name(p));
        if f.transport == Transport::Tcp {
            streams.push(stream(session, &f)?);
        }
        match protocol {
            // Over UDP the same grammar is SSDP's.
            "http" if f.transport == Transport::Tcp => http_of(session, &s, &f, &cancel, &mut http)?,
            "dns" => dns_of(session, &s, &f, &cancel, &mut dns)?,
            _ => {}
        }
    }
    http.sort_by_key(|e: &Value| e.get("order").and_then(Value::as_u64));
    dns.sort_by_key(|e: &Value| e.get("frame").and_then(Value::as_u64));
    for e in &mut http {
        if let Some(e) = e.as_object_mut() {
            e.remove("order");
        }
    }
    o.insert("tcp_streams".into(), Value::Array(streams));
    o.insert("http".into(), Value::Array(http));
    o.insert("dns".into(), Value::Array(dns));
    for name in EMPTY {
        o.insert(name.into(), Value::Array(Vec::new()));
    }
    let notes: Vec<Value> = facts
        .damages
        .iter()
        .map(|d| json!({"offset": d.offset, "what": d.what, "why": d.why, "what_to_do": d.what_to_do}))
        .collect();
    o.insert("notes".into(), Value::Array(notes));
    let findings: Vec<Value> =
        s.note_counts().iter().map(|n| json!({"name": n.note.name, "label": n.note.label, "count": n.count})).collect();
    o.insert("findings".into(), Value::Array(findings));
    Ok(Value::Object(o))
}

fn hex(digest: impl AsRef<[u8]>) -> String {
    digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

fn stream(session: &Session, f: &Flow<'_>) -> Result<Value, Failure> {
    let mut sums = [Sha256::new(), Sha256::new()];
    let mut lens = [0u64; 2];
    let (gaps, mut cut) = (std::cell::Cell::new(false), false);
    let lost = [std::cell::Cell::new(0u64), std::cell::Cell::new(0u64)];
    // What follows a hole that nobody acknowledged was, as far as this capture shows, never handed to the receiver.
    let ended = [std::cell::Cell::new(false), std::cell::Cell::new(false)];
    session.recall.stream(
        f.id,
        &mut |dir, _, bytes| {
            if ended.get(dir).is_some_and(std::cell::Cell::get) {
                return;
            }
            if let Some(l) = lost.get(dir)
                && l.take() > 0
            {
                gaps.set(true);
            }
            if let (Some(s), Some(n)) = (sums.get_mut(dir), lens.get_mut(dir)) {
                s.update(bytes);
                *n = n.saturating_add(bytes.len() as u64);
            }
        },
        &mut |dir, _, missing, why| match why {
            GapWhy::Midstream => {}
            GapWhy::EndOfCapture => {
                if let Some(e) = ended.get(dir) {
                    e.set(true);
                }
            }
            GapWhy::Snaplen => cut = true,
            // Lost for certain only where bytes follow: what is missing at the very end is told apart.
            _ => {
                if let Some(l) = lost.get(dir) {
                    l.set(l.get().saturating_add(missing));
                }
            }
        },
    )?;
    let [a, b] = f.ends();
    let [sa, sb] = sums.map(|s| hex(s.finalize()));
    let mut e = json!({"stream": f.stream, "a": a.to_string(), "b": b.to_string()});
    for (key, lost) in [("lost_at_end_ab", &lost[0]), ("lost_at_end_ba", &lost[1])] {
        if lost.get() > 0 {
            e[key] = json!(lost.get());
        }
    }
    if gaps.get() || cut {
        e["gaps"] = json!(true);
        e["snaplen_cut"] = json!(cut);
    } else {
        e["bytes_ab"] = json!(lens.first());
        e["bytes_ba"] = json!(lens.get(1));
        e["sha256_ab"] = json!(sa);
        e["sha256_ba"] = json!(sb);
    }
    Ok(e)
}

/// Length and digest of a body, as transferred and as decoded.
#[derive(Default)]
struct Body {
    len: u64,
    sum: Sha256,
}

#[derive(Default)]
struct Half {
    frame: u32,
    cells: HashMap<&'static str, Value>,
    bodies: HashMap<u64, Body>,
    asks: bool,
    whole: bool,
    notes: Vec<&'static str>,
    exchange: Option<u32>,
    order: u64,
}

#[derive(Default)]
struct HttpListener {
    halves: Vec<Half>,
    by_name: HashMap<(ConvId, Dir, u64), usize>,
    exchanges: u32,
}

impl HttpListener {
    fn take(&mut self, m: &Message<'_>) {
        let order = self.halves.len() as u64;
        let at = *self.by_name.entry((m.conv, m.dir, m.at)).or_insert_with(|| {
            self.halves.push(Half { order, ..Half::default() });
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

impl Listen for HttpListener {
    fn opened(&mut self, m: &Message<'_>) {
        if m.spec.name == "http" && m.conv.inner == 0 {
            self.take(m);
        }
    }
    fn changed(&mut self, m: &Message<'_>) {
        if m.spec.name == "http" && m.conv.inner == 0 {
            self.take(m);
        }
    }
    fn exchange(&mut self) -> u32 {
        self.exchanges = self.exchanges.saturating_add(1);
        self.exchanges
    }
    fn inner(&mut self, b: &InnerBytes<'_>) {
        if let Some(h) = self.by_name.get(&(b.conv, b.message.0, b.message.1)).and_then(|i| self.halves.get_mut(*i)) {
            let body = h.bodies.entry(b.key.0).or_default();
            body.len = body.len.saturating_add(b.bytes.len() as u64);
            body.sum.update(b.bytes);
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

fn http_of(session: &Session, s: &Snapshot, f: &Flow<'_>, cancel: &Cancel, out: &mut Vec<Value>) -> Result<(), Failure> {
    let _ = s;
    let mut l = HttpListener::default();
    session.recall.reread(f.id, Level::Bodies, cancel, &mut l)?;
    let mut asks: Vec<Half> = Vec::new();
    let mut answers: Vec<Half> = Vec::new();
    for h in l.halves {
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
            json!({"frame": u64::from(ask.frame) + 1, "stream": f.stream, "order": (u64::from(ask.frame) << 20) + ask.order});
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
            let mut e = json!({"frame": null, "stream": f.stream, "order": (u64::from(a.frame) << 20) + a.order, "method": null, "target": null, "host": null, "version": null, "request_body_len": 0});
            answer(&mut e, a);
            out.push(e);
        }
    }
    Ok(())
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

fn dns_of(session: &Session, s: &Snapshot, f: &Flow<'_>, cancel: &Cancel, out: &mut Vec<Value>) -> Result<(), Failure> {
    let transport = if f.transport == Transport::Tcp { "tcp" } else { "udp" };
    let mut ids: Vec<u32> = s.messages_of(f.id);
    ids.sort_unstable();
    for id in ids {
        let Some(m) = s.message(id).filter(|m| !m.withdrawn) else { continue };
        let tree = session.recall.tree(What::Message(id), cancel)?;
        let frame = if m.done == NONE { m.first } else { m.done };
        if let Some(mut e) = dns_entry(&tree) {
            e["frame"] = json!(u64::from(frame) + 1);
            e["transport"] = json!(transport);
            out.push(e);
        }
    }
    Ok(())
}

fn dns_entry(tree: &wirelore_kit::Tree) -> Option<Value> {
    let m = dns::summary(tree)?;
    let answers: Vec<Value> =
        dns::answers(tree).iter().map(|a| json!({"name": a.name, "type": a.kind, "ttl": a.ttl, "data": a.data})).collect();
    Some(json!({"id": m.id, "response": m.response, "qname": m.qname, "qtype": m.qtype, "rcode": m.rcode, "answers": answers}))
}
