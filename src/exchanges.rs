//! Exchanges with all that was said in them: heads in order, bodies as sent and decoded, the messages of WebSockets. Exports and replays
//! are made from these; they are gathered flow by flow, so that only one flow's bodies are in memory.

use crate::exporting::Material;
use crate::reading::Failure;
use crate::recall::Recall;
use crate::session::Session;
use std::collections::HashMap;
use std::net::SocketAddr;
use wirelore_dissectors::websocket;
use wirelore_engine::conversation::{InnerBytes, Listen, Message};
use wirelore_export::exchange::{Body, Chat, Exchange, Said};
use wirelore_kit::row::{Endpoint, MessageState, NONE};
use wirelore_kit::{Cancel, Cell, ConvId, Dir, Hint, Level, Tree, TreeSource, What};
use wirelore_store::{Flow, MessageRow, Snapshot, Work};

/// So many bytes of one body are kept; what is over is counted in [`Body::left_out`].
pub const MOST_BODY: usize = 64 << 20;
/// So many bytes of all bodies of one flow.
const MOST_FLOW: usize = 512 << 20;

type Name = (ConvId, Dir, u64);

/// What a second reading hears of one flow.
#[derive(Default)]
struct Ear {
    bodies: HashMap<Name, Body>,
    kept: usize,
    /// Conversations inside, and the message whose bytes they are.
    inside: HashMap<ConvId, Name>,
    frames: Vec<Frame>,
    frame_of: HashMap<Name, usize>,
    exchanges: u32,
}

/// One frame of a WebSocket.
struct Frame {
    conv: ConvId,
    dir: Dir,
    time: i64,
    whole: bool,
    opcode: u64,
    last: bool,
    /// Its own payload, and that of the message that it ends where that is something else.
    data: [Option<Vec<u8>>; 2],
}

impl Ear {
    fn keep(&mut self, into: impl FnOnce(&mut Ear) -> Option<&mut Vec<u8>>, bytes: &[u8]) -> u64 {
        let room = MOST_FLOW.saturating_sub(self.kept);
        let Some(to) = into(self) else { return 0 };
        let take = bytes.len().min(MOST_BODY.saturating_sub(to.len())).min(room);
        to.extend_from_slice(bytes.get(..take).unwrap_or(&[]));
        self.kept = self.kept.saturating_add(take);
        bytes.len().saturating_sub(take) as u64
    }

    fn hear(&mut self, m: &Message<'_>) {
        if m.spec.name != "websocket" {
            return;
        }
        let next = self.frames.len();
        let at = *self.frame_of.entry((m.conv, m.dir, m.at)).or_insert(next);
        if at == next {
            let none = Frame { conv: m.conv, dir: m.dir, time: 0, whole: false, opcode: 0, last: true, data: [None, None] };
            self.frames.push(none);
        }
        let Some(f) = self.frames.get_mut(at) else { return };
        f.time = m.done.time;
        f.whole = m.state == MessageState::Whole;
        for (field, cell) in m.sink.cells.iter().skip(m.new_cells) {
            match (field.name, cell) {
                ("websocket.opcode", Cell::U64(n)) => f.opcode = *n,
                ("websocket.fin", Cell::U64(n)) => f.last = *n == 1,
                _ => {}
            }
        }
    }
}

impl Listen for Ear {
    fn opened(&mut self, m: &Message<'_>) {
        self.hear(m);
    }

    fn changed(&mut self, m: &Message<'_>) {
        self.hear(m);
    }

    fn inside(&mut self, conv: ConvId, outer: ConvId, message: (Dir, u64), _: &Hint) {
        self.inside.insert(conv, (outer, message.0, message.1));
    }

    fn exchange(&mut self) -> u32 {
        self.exchanges = self.exchanges.saturating_add(1);
        self.exchanges
    }

    fn inner(&mut self, b: &InnerBytes<'_>) {
        let name = (b.conv, b.message.0, b.message.1);
        if let Some(at) = self.frame_of.get(&name).copied() {
            if b.key.0 != websocket::STREAM_KEY && b.key.0 & websocket::DATA == 0 {
                let joined = usize::from(b.key.0 & 1 == 1);
                self.keep(|e| e.frames.get_mut(at)?.data.get_mut(joined).map(|d| d.get_or_insert_default()), b.bytes);
            }
            return;
        }
        let coded = match b.hint {
            Hint::Bytes("body as transferred") => true,
            Hint::Bytes("body") | Hint::Media(_) => false,
            _ => return,
        };
        let over = self.keep(
            |e| {
                let body = e.bodies.entry(name).or_default();
                Some(if coded { body.coded.get_or_insert_default() } else { &mut body.bytes })
            },
            b.bytes,
        );
        if over > 0
            && let Some(body) = self.bodies.get_mut(&name)
        {
            body.left_out = body.left_out.saturating_add(over);
        }
    }
}

/// Whether exchanges of that protocol have heads and bodies that are read here.
fn reads(protocol: &str) -> bool {
    matches!(protocol, "http" | "http2.stream" | "http3.stream")
}

/// Hands every HTTP exchange of a capture to `to`, flow by flow, within a flow in the order in which they were asked.
///
/// # Errors
/// When recorded bytes can no longer be read, or what `to` says.
pub fn each(session: &Session, to: &mut dyn FnMut(Exchange) -> Result<(), Failure>) -> Result<(), Failure> {
    let (work, snapshot) = (Work::new(), session.store.snapshot());
    each_of(&Material { recall: &session.recall, snapshot: &snapshot, work: &work }, to)
}

/// As [`each`], of a moment of a capture, with progress.
///
/// # Errors
/// As [`each`]; that it was cancelled.
pub fn each_of(m: &Material<'_>, to: &mut dyn FnMut(Exchange) -> Result<(), Failure>) -> Result<(), Failure> {
    let s = m.snapshot;
    let mut by_flow: HashMap<u32, Vec<u32>> = HashMap::new();
    for (id, e) in s.each_exchange() {
        let of = |m: u32| s.message(m).is_some_and(|m| reads(s.schema().protocol_name(m.protocol)));
        if of(e.ask) || of(e.answer) {
            by_flow.entry(e.conv.flow).or_default().push(id);
        }
    }
    m.work.expect(by_flow.len() as u64);
    for flow in s.each_flow() {
        let Some(ids) = by_flow.remove(&flow.id) else { continue };
        let mut ear = Ear::default();
        m.recall.reread(flow.id, Level::Bodies, m.work.cancel(), &mut ear)?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(one(m.recall, s, &flow, id, &mut ear, m.work.cancel())?);
        }
        chats(ear, &mut found);
        m.work.did(1);
        for e in found {
            to(e)?;
        }
    }
    Ok(())
}

/// One exchange by its number, with its bodies.
///
/// # Errors
/// When recorded bytes can no longer be read.
pub fn find(session: &Session, id: u32) -> Result<Option<Exchange>, Failure> {
    let s = session.store.snapshot();
    let Some((row, flow)) = s.exchange(id).and_then(|row| Some((row, s.each_flow().find(|f| f.id == row.conv.flow)?))) else {
        return Ok(None);
    };
    let cancel = Cancel::new();
    let mut ear = Ear::default();
    session.recall.reread(row.conv.flow, Level::Bodies, &cancel, &mut ear)?;
    let mut found: Vec<Exchange> = one(&session.recall, &s, &flow, id, &mut ear, &cancel)?.into_iter().collect();
    chats(ear, &mut found);
    Ok(found.pop())
}

fn one(
    recall: &Recall,
    s: &Snapshot,
    flow: &Flow<'_>,
    id: u32,
    ear: &mut Ear,
    cancel: &Cancel,
) -> Result<Option<Exchange>, Failure> {
    let Some(row) = s.exchange(id) else { return Ok(None) };
    let mut url = None;
    let mut side = |message: u32| -> Result<Option<Said>, Failure> {
        let Some(m) = s.message(message).filter(|_| message != NONE) else { return Ok(None) };
        if !reads(s.schema().protocol_name(m.protocol)) {
            return Ok(None);
        }
        let tree = recall.tree(What::Message(message), cancel)?;
        url = url.take().or_else(|| ["http.request.full_uri", "http2.request.full_uri"].iter().find_map(|n| shown(&tree, n)));
        let body = ear.bodies.remove(&(m.conv, m.dir, m.at)).unwrap_or_default();
        Ok(Some(said(s, &m, &tree, body)))
    };
    let (request, response) = (side(row.ask)?, side(row.answer)?);
    let address = |e: Endpoint| SocketAddr::new(e.ip, e.port);
    Ok(Some(Exchange {
        id,
        conv: row.conv,
        stream: flow.stream,
        frames: [row.ask, row.answer].map(|m| s.message(m).filter(|m| m.done != NONE).map(|m| m.done.saturating_add(1))),
        ends: Some((address(flow.client()), address(flow.server()))),
        secure: secure(s, row.conv),
        url: url.unwrap_or_default(),
        request,
        response,
        chat: Vec::new(),
    }))
}

/// Whether something around a conversation hides it from others.
fn secure(s: &Snapshot, conv: ConvId) -> bool {
    s.path(conv).iter().any(|p| matches!(s.schema().protocol_name(*p), "tls" | "quic"))
}

fn said(s: &Snapshot, m: &MessageRow, tree: &Tree, body: Body) -> Said {
    let text =
        |name: &str| tree.find(name).map(|n| String::from_utf8_lossy(tree.bytes(&n.span)).into_owned()).unwrap_or_default();
    let mut all = Said {
        body,
        began: s.time_of(m.first),
        ended: s.time_of(m.done),
        len: m.len,
        whole: m.state == MessageState::Whole,
        ..Said::default()
    };
    let behind = tree.nodes.iter().find(|n| matches!(n.field.name, "http.chunked_trailer_part" | "http2.stream.trailers"));
    for (at, node) in tree.nodes.iter().enumerate() {
        if !matches!(node.field.name, "http.header" | "http2.stream.header") {
            continue;
        }
        let Some(header) = header(tree, at) else { continue };
        let trails =
            behind.is_some_and(|b| b.span.buf == node.span.buf && b.span.at <= node.span.at && node.span.end() <= b.span.end());
        if trails { all.trailers.push(header) } else { all.headers.push(header) }
    }
    all.line = if s.schema().protocol_name(m.protocol) == "http" {
        if tree.find("http.request.method").is_some() {
            [text("http.request.method"), text("http.request.uri"), text("http.request.version")]
        } else {
            [text("http.response.version"), text("http.response.code"), text("http.response.phrase")]
        }
    } else {
        let version = if s.schema().protocol_name(m.protocol) == "http2.stream" { "HTTP/2" } else { "HTTP/3" };
        let pseudo = |name: &str| all.header(name).map(|v| String::from_utf8_lossy(v).into_owned());
        match pseudo(":status") {
            Some(status) => [version.into(), status, String::new()],
            None => [
                pseudo(":method").unwrap_or_default(),
                pseudo(":path").or_else(|| pseudo(":authority")).unwrap_or_default(),
                version.into(),
            ],
        }
    };
    all
}

/// Name and value of a header's group: the first field in it, and the one behind the delimiter. Folded lines stay as they are.
fn header(tree: &Tree, at: usize) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut parts = tree.children(Some(at)).filter_map(|c| tree.nodes.get(c));
    let name = parts.next()?;
    let value = parts.find(|n| !n.field.name.ends_with(".delimiter"));
    Some((tree.bytes(&name.span).to_vec(), value.map(|v| tree.bytes(&v.span).to_vec()).unwrap_or_default()))
}

fn shown(tree: &Tree, name: &str) -> Option<String> {
    tree.find(name).map(|n| tree.display(n))
}

/// Gives each WebSocket's messages to the exchange that opened it.
fn chats(ear: Ear, found: &mut [Exchange]) {
    let mut open: HashMap<(ConvId, Dir), Vec<u8>> = HashMap::new();
    let mut kind: HashMap<(ConvId, Dir), u64> = HashMap::new();
    for f in ear.frames.into_iter().filter(|f| f.whole) {
        let lane = (f.conv, f.dir);
        let [own, joined] = f.data;
        let control = f.opcode >= 8;
        if !control && f.opcode > 0 {
            kind.insert(lane, f.opcode);
        }
        let data = if control {
            own.unwrap_or_default()
        } else if !f.last {
            open.entry(lane).or_default().extend(own.unwrap_or_default());
            continue;
        } else {
            let before = open.remove(&lane);
            joined
                .or_else(|| {
                    let mut all = before.unwrap_or_default();
                    all.extend(own.unwrap_or_default());
                    Some(all)
                })
                .unwrap_or_default()
        };
        let opcode = if control { f.opcode } else { kind.get(&lane).copied().unwrap_or(f.opcode) };
        let chat = Chat { to_server: f.dir == Dir::ToServer, time: Some(f.time), opcode: opcode as u8, data };
        // Inside a stream of HTTP/2 the WebSocket stands in the stream's conversation; over HTTP/1 it is its heir.
        let outer = ear.inside.get(&f.conv).map(|o| o.0);
        let opens = |e: &&mut Exchange| {
            let status = e.response.as_ref().and_then(|r| r.line.get(1)).map_or("", String::as_str);
            Some(e.conv) == outer && status == "200" || e.conv == f.conv && status == "101"
        };
        if let Some(e) = found.iter_mut().rev().find(opens) {
            e.chat.push(chat);
        }
    }
}
