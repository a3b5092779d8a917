//! `wirelore report`: all that was read, as one JSON object. Version 1; README describes the keys.
//!
//! A file a list: it implements [`List`] and stands in [`lists`]. Each flow is read again once for the lists that hear its protocols, with
//! bodies; and tree by tree for those that look at fields. Frame numbers count from 1.

mod dns;
mod ftp;
mod http;
mod http2;
mod mail;
mod smtp;
mod streams;
mod tls;
mod websocket;

use crate::cli::Report;
use crate::reading::{self, Failure};
use crate::session::Session;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::io::Write;
use wirelore_engine::conversation::{InnerBytes, Listen, Message};
use wirelore_export::time::seconds;
use wirelore_kit::{Cancel, Dir, Level, Transport, Tree, TreeSource, What};
use wirelore_store::{Flow, MessageRow, Snapshot};

/// Version of the object's keys.
pub const VERSION: u32 = 1;

/// What a list may look at besides the message at hand.
pub struct Cx<'c> {
    /// All rows.
    pub snapshot: &'c Snapshot,
    /// The flow at hand.
    pub flow: &'c Flow<'c>,
}

/// One list of the report (or several of one protocol). Protocols go by their Spec's names; those of inner conversations count too.
pub trait List {
    /// Whether it listens to a second reading of conversations of that protocol, bodies included.
    fn hears(&self, protocol: &str) -> bool {
        let _ = protocol;
        false
    }
    /// A message of a protocol that it hears opened, grew or ended.
    fn message(&mut self, m: &Message<'_>) {
        let _ = m;
    }
    /// Inner bytes of any message of a flow that it hears.
    fn body(&mut self, b: &InnerBytes<'_>) {
        let _ = b;
    }
    /// Whether it looks at the bytes of connections of that protocol packet by packet.
    fn splits(&self, protocol: &str) -> bool {
        let _ = protocol;
        false
    }
    /// What one packet added to a direction of a connection that it splits, at an offset of that direction's stream.
    fn segment(&mut self, cx: &Cx<'_>, dir: Dir, at: u64, bytes: &[u8]) {
        let _ = (cx, dir, at, bytes);
    }
    /// Whether it looks at the trees of that protocol's messages.
    fn sees(&self, protocol: &str) -> bool {
        let _ = protocol;
        false
    }
    /// The tree of a message that it sees, in order of rows.
    fn tree(&mut self, cx: &Cx<'_>, id: u32, m: &MessageRow, tree: &Tree) {
        let _ = (cx, id, m, tree);
    }
    /// All of a flow was told.
    fn flow_end(&mut self, cx: &Cx<'_>) {
        let _ = cx;
    }
    /// Writes what was gathered.
    fn finish(self: Box<Self>, report: &mut Map<String, Value>);
}

/// Every list, in the order in which they are filled.
fn lists() -> Vec<Box<dyn List>> {
    vec![
        Box::<http::Http>::default(),
        Box::<http2::Http2>::default(),
        Box::<dns::Dns>::default(),
        Box::<ftp::Control>::default(),
        Box::<ftp::Data>::default(),
        Box::<websocket::WebSocket>::default(),
        Box::<tls::Tls>::default(),
        Box::<mail::Mail>::default(),
        Box::<smtp::Smtp>::default(),
    ]
}

/// Tells the lists that hear a protocol what a second reading says.
struct Fan<'f> {
    lists: &'f mut [Box<dyn List>],
    exchanges: u32,
}

impl Fan<'_> {
    fn tell(&mut self, m: &Message<'_>) {
        for l in self.lists.iter_mut().filter(|l| l.hears(m.spec.name)) {
            l.message(m);
        }
    }
}

impl Listen for Fan<'_> {
    fn opened(&mut self, m: &Message<'_>) {
        self.tell(m);
    }
    fn changed(&mut self, m: &Message<'_>) {
        self.tell(m);
    }
    fn exchange(&mut self) -> u32 {
        self.exchanges = self.exchanges.saturating_add(1);
        self.exchanges
    }
    fn inner(&mut self, b: &InnerBytes<'_>) {
        for l in &mut *self.lists {
            l.body(b);
        }
    }
}

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
    let mut lists = lists();
    let name_of = |p: u16| s.schema().protocol_name(p);
    for f in s.each_flow() {
        if f.transport == Transport::Tcp {
            streams.push(streams::stream(session, &f)?);
        }
        let mut ids = s.messages_of(f.id);
        ids.sort_unstable();
        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(m) = s.message(id).filter(|m| !m.withdrawn) {
                rows.push((id, m));
            }
        }
        let protocols: BTreeSet<&str> = rows.iter().map(|(_, m)| name_of(m.protocol)).collect();
        let cx = Cx { snapshot: &s, flow: &f };
        if protocols.iter().any(|p| lists.iter().any(|l| l.hears(p))) {
            session.recall.reread(f.id, Level::Bodies, &cancel, &mut Fan { lists: &mut lists, exchanges: 0 })?;
        }
        if protocols.iter().any(|p| lists.iter().any(|l| l.splits(p))) {
            let data = &mut |end: usize, at: u64, bytes: &[u8]| {
                let dir = if f.sender_end(Dir::ToServer) == end { Dir::ToServer } else { Dir::ToClient };
                for l in lists.iter_mut().filter(|l| protocols.iter().any(|p| l.splits(p))) {
                    l.segment(&cx, dir, at, bytes);
                }
            };
            session.recall.stream(f.id, data, &mut |_, _, _, _| {})?;
        }
        for (id, m) in &rows {
            let protocol = name_of(m.protocol);
            if lists.iter().any(|l| l.sees(protocol)) {
                let tree = session.recall.tree(What::Message(*id), &cancel)?;
                for l in lists.iter_mut().filter(|l| l.sees(protocol)) {
                    l.tree(&cx, *id, m, &tree);
                }
            }
        }
        for l in &mut lists {
            l.flow_end(&cx);
        }
    }
    o.insert("tcp_streams".into(), Value::Array(streams));
    for l in lists {
        l.finish(&mut o);
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

/// A digest in hexadecimal.
pub(crate) fn hex(digest: impl AsRef<[u8]>) -> String {
    digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}
