//! `--follow` and `-z follow`: one conversation's bytes, as they were sent, or as what was inside: plaintexts, bodies, unmasked payloads.

use super::{Out, wrong};
use crate::reading::Failure;
use crate::recall::Recall;
use crate::session::Session;
use std::collections::HashMap;
use wirelore_engine::conversation::{InnerBytes, Listen};
use wirelore_engine::log::Entry;
use wirelore_export::follow::{self, Form, Piece, Writer};
use wirelore_kit::row::{Endpoint, NONE};
use wirelore_kit::{Cancel, ConvId, Dir, Hint, Level, Transport, Tree, TreeSource, What};
use wirelore_store::{Flow, Snapshot};

/// What is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    Tcp,
    Udp,
    Tls,
    Http,
    Http2,
    WebSocket,
}

const LAYERS: &[(&str, Layer)] = &[
    ("tcp", Layer::Tcp),
    ("udp", Layer::Udp),
    ("tls", Layer::Tls),
    ("http", Layer::Http),
    ("http2", Layer::Http2),
    ("websocket", Layer::WebSocket),
];

impl Layer {
    fn name(self) -> &'static str {
        LAYERS.iter().find(|(_, l)| *l == self).map_or("", |(name, _)| *name)
    }
}

/// Which conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Which {
    /// Its number as `tcp.stream` or `udp.stream`.
    Stream(u32),
    /// Its two ends.
    Ends(Endpoint, Endpoint),
}

/// One request to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Follow {
    layer: Layer,
    form: Form,
    which: Which,
    /// Of HTTP/2, the stream inside.
    inside: Option<u64>,
}

impl Follow {
    /// Reads `tcp,ascii,0`, also with `follow,` before it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Follow, Failure> {
        let bad = |why: String| wrong(format!("follow {text}: {why} Write for example: tcp,ascii,0"));
        let text_of = text.strip_prefix("follow,").unwrap_or(text);
        let mut parts = text_of.split(',');
        let name = parts.next().unwrap_or_default();
        let name = if name == "ssl" { "tls" } else { name };
        let layers = || LAYERS.iter().map(|(n, _)| *n).collect::<Vec<_>>().join(", ");
        let layer = LAYERS.iter().find(|(n, _)| *n == name).map(|(_, l)| *l);
        let layer = layer.ok_or_else(|| bad(format!("{name} cannot be followed; {} can.", layers())))?;
        let form = parts.next().unwrap_or("ascii");
        let form = Form::parse(form).ok_or_else(|| bad(format!("{form} is no form; ascii, hex, raw and yaml are.")))?;
        let first = parts.next().unwrap_or("0");
        let which = match first.parse() {
            Ok(n) => Which::Stream(n),
            Err(_) => {
                let end = |s: &str| s.parse::<std::net::SocketAddr>().ok().map(|a| Endpoint { ip: a.ip(), port: a.port() });
                let second = parts.next().unwrap_or_default();
                let ends = end(first).zip(end(second));
                let (a, b) =
                    ends.ok_or_else(|| bad(format!("{first},{second} is neither a number nor two ends as ADDRESS:PORT.")))?;
                Which::Ends(a, b)
            }
        };
        let inside = parts.next().map(|s| s.parse().map_err(|_| bad(format!("{s} is no number of a stream.")))).transpose()?;
        if layer == Layer::Http2 && inside.is_none() {
            return Err(bad("of HTTP/2 the stream inside must be named, as in http2,ascii,0,1.".into()));
        }
        Ok(Follow { layer, form, which, inside })
    }

    /// Prints what was asked for.
    ///
    /// # Errors
    /// There is no such conversation; its bytes cannot be read; writing failed.
    pub(super) fn print(&self, out: &mut Out<'_>, session: &Session, cancel: &Cancel) -> Result<(), Failure> {
        let s = session.store.snapshot();
        let flow = self.flow(&s)?;
        // Node 0 sent the first packet.
        let mut text = String::new();
        follow::head(&mut text, self.layer.name(), self.form, &self.filter(&flow), flow.ends());
        out.text(&text)?;
        let mut writer = Writer::new(self.form);
        self.each(&session.recall, &s, cancel, &mut |heard| {
            let (end, mut piece) = match heard {
                Heard::Piece(end, piece) => (end, piece),
                Heard::Gap { end, packet, time, missing, .. } => {
                    let bytes = format!("[{missing} bytes missing in capture file]").into_bytes();
                    (end, Piece { second: false, packet, time, bytes })
                }
            };
            piece.second = end != 0;
            text.clear();
            writer.piece(&mut text, &piece);
            out.text(&text)
        })?;
        text.clear();
        follow::foot(&mut text, self.form);
        out.text(&text)
    }

    /// Hands on what the two ends (0 sent the first packet) said, in the order in which it came.
    ///
    /// # Errors
    /// There is no such conversation; its bytes cannot be read; what `to` says.
    pub(crate) fn each(
        &self,
        recall: &Recall,
        s: &Snapshot,
        cancel: &Cancel,
        to: &mut dyn FnMut(Heard) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let flow = self.flow(s)?;
        match self.layer {
            Layer::Tcp | Layer::Udp => delivered(recall, s, &flow, to),
            Layer::Tls | Layer::WebSocket => inner(recall, s, &flow, self.layer.name(), cancel, to),
            Layer::Http | Layer::Http2 => self.messages(recall, s, &flow, cancel, to),
        }
    }

    /// The end that is the client.
    ///
    /// # Errors
    /// There is no such conversation.
    pub(crate) fn client(&self, s: &Snapshot) -> Result<usize, Failure> {
        Ok(self.flow(s)?.client_end())
    }

    fn transport(&self) -> (Transport, &'static str) {
        if self.layer == Layer::Udp { (Transport::Udp, "udp") } else { (Transport::Tcp, "tcp") }
    }

    fn flow<'s>(&self, s: &'s Snapshot) -> Result<Flow<'s>, Failure> {
        let (transport, name) = self.transport();
        let mut all = s.each_flow().filter(|f| f.transport == transport && f.stream != NONE);
        let found = match &self.which {
            Which::Stream(n) => all.find(|f| f.stream == *n),
            Which::Ends(x, y) => all.find(|f| {
                let [a, b] = f.ends();
                (a == *x && b == *y) || (a == *y && b == *x)
            }),
        };
        found.ok_or_else(|| {
            let count = s.each_flow().filter(|f| f.transport == transport && f.stream != NONE).count();
            let what = match &self.which {
                Which::Stream(n) => format!("{name} stream {n}"),
                Which::Ends(a, b) => format!("{name} stream between {a} and {b}"),
            };
            wrong(format!("There is no {what} in the capture; it has {count}, numbered from 0 (field {name}.stream)."))
        })
    }

    fn filter(&self, flow: &Flow<'_>) -> String {
        let (_, name) = self.transport();
        let stream = format!("{name}.stream eq {}", flow.stream);
        self.inside.map_or_else(|| stream.clone(), |n| format!("{stream} and http2.streamid eq {n}"))
    }

    /// HTTP: heads as they were sent, or of HTTP/2 as they mean, and bodies with their codings undone.
    fn messages(
        &self,
        recall: &Recall,
        s: &Snapshot,
        flow: &Flow<'_>,
        cancel: &Cancel,
        to: &mut dyn FnMut(Heard) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut ids: Vec<u32> = s.messages_of(flow.id);
        // Requests and answers of HTTP/2 are messages of what is inside a stream; the frames are the connection's.
        let protocol = if self.layer == Layer::Http2 { "http2.stream" } else { self.layer.name() };
        ids.retain(|m| s.message(*m).is_some_and(|m| !m.withdrawn && s.schema().protocol_name(m.protocol) == protocol));
        for id in ids {
            let Some(row) = s.message(id) else { continue };
            let tree = recall.tree(What::Message(id), cancel)?;
            let head = if self.layer == Layer::Http { http_head(&tree) } else { self.http2_head(&tree) };
            let Some(head) = head else { continue };
            let packet = if row.done == NONE { row.first } else { row.done };
            let end = end_of(flow, row.dir);
            let time = s.time_of(packet).unwrap_or_default();
            let mut add = |bytes: Vec<u8>| {
                if bytes.is_empty() { Ok(()) } else { to(Heard::Piece(end, Piece { second: false, packet, time, bytes })) }
            };
            add(head)?;
            for body in wirelore_content::bodies(&tree) {
                add(body.bytes.to_vec())?;
            }
        }
        Ok(())
    }

    /// The fields of a request or answer of the stream inside, a line each; `None` for messages of others.
    fn http2_head(&self, tree: &Tree) -> Option<Vec<u8>> {
        let stream = tree.find("http2.streamid")?;
        if Some(tree.display(stream)) != self.inside.map(|n| n.to_string()) {
            return None;
        }
        let fields = tree.all("http2.stream.header").map(|n| tree.display(n));
        Some(fields.flat_map(|f| [f, "\n".into()]).collect::<String>().into_bytes())
    }
}

/// The bytes of a message before its body.
fn http_head(tree: &Tree) -> Option<Vec<u8>> {
    let blank = tree.find("http.blank_line")?;
    let buffer = tree.buffer(blank.span.buf)?;
    let from = tree.nodes.first().map_or(0, |n| n.span.at.saturating_sub(buffer.base)) as usize;
    let to = blank.span.end().saturating_sub(buffer.base) as usize;
    buffer.bytes.get(from..to).map(<[u8]>::to_vec)
}

/// The end of a flow that sends in a direction.
fn end_of(flow: &Flow<'_>, dir: Dir) -> usize {
    if dir == Dir::ToServer { flow.client_end() } else { 1 - flow.client_end().min(1) }
}

/// Something that one end said, or that is missing of it.
pub(crate) enum Heard {
    /// Bytes of an end.
    Piece(usize, Piece),
    /// Bytes of an end that the capture lacks, behind so many that it has.
    Gap {
        /// Whose.
        end: usize,
        /// The packet before, and its time.
        packet: u32,
        /// Nanoseconds since 1970-01-01 UTC.
        time: i64,
        /// Their offset in the end's stream.
        at: u64,
        /// How many.
        missing: u64,
    },
}

/// The streams of a flow itself, a piece for each packet that brought something new.
fn delivered(
    recall: &Recall,
    s: &Snapshot,
    flow: &Flow<'_>,
    to: &mut dyn FnMut(Heard) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (mut packet, mut time) = (0, 0);
    for entry in recall.log(flow.id).entries() {
        match entry {
            Entry::Data(run) => {
                let Some(bytes) = recall.delivered(s, run.number) else { continue };
                let from = run.offset as usize;
                let bytes = bytes.get(from..from.saturating_add(run.len as usize)).unwrap_or(&[]).to_vec();
                (packet, time) = (run.number, s.time_of(run.number).unwrap_or_default());
                to(Heard::Piece(run.dir, Piece { second: false, packet, time, bytes }))?;
            }
            Entry::Gap { dir, at, missing, .. } if missing != u64::MAX => {
                to(Heard::Gap { end: dir, packet, time, at, missing })?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// What is inside conversations that speak `protocol`: plaintexts, unmasked payloads.
fn inner(
    recall: &Recall,
    s: &Snapshot,
    flow: &Flow<'_>,
    protocol: &'static str,
    cancel: &Cancel,
    to: &mut dyn FnMut(Heard) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let packets: HashMap<(ConvId, Dir, u64), u32> = s
        .messages_of(flow.id)
        .into_iter()
        .filter_map(|m| s.message(m))
        .map(|m| ((m.conv, m.dir, m.at), if m.done == NONE { m.first } else { m.done }))
        .collect();
    let mut ear = Ear { protocol, found: Vec::new() };
    recall.reread(flow.id, Level::Bodies, cancel, &mut ear)?;
    for (name, dir, bytes) in ear.found {
        let packet = packets.get(&name).copied().unwrap_or(flow.first_packet);
        let time = s.time_of(packet).unwrap_or_default();
        to(Heard::Piece(end_of(flow, dir), Piece { second: false, packet, time, bytes }))?;
    }
    Ok(())
}

/// A message: its conversation, direction and offset.
type Name = (ConvId, Dir, u64);

struct Ear {
    protocol: &'static str,
    found: Vec<(Name, Dir, Vec<u8>)>,
}

impl Listen for Ear {
    fn inner(&mut self, b: &InnerBytes<'_>) {
        // A handshake is of TLS itself, a frame as it is sent of WebSocket.
        let own =
            matches!(b.hint, Hint::Bytes(_)) || (self.protocol == "tls" && b.key.0 == wirelore_dissectors::tls::HANDSHAKE_KEY);
        if b.spec.name != self.protocol || b.bytes.is_empty() || own {
            return;
        }
        let name = (b.conv, b.message.0, b.message.1);
        match self.found.last_mut() {
            Some((last, dir, bytes)) if *last == name && *dir == b.key.1 => bytes.extend_from_slice(b.bytes),
            _ => self.found.push((name, b.key.1, b.bytes.to_vec())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_in_our_form_and_in_tsharks() {
        let f = Follow::parse("follow,tls,hex,3").expect("tshark's form");
        assert_eq!((f.layer, f.form, f.which), (Layer::Tls, Form::Hex, Which::Stream(3)));
        let f = Follow::parse("tcp,raw,[::1]:80,10.0.0.1:5").expect("ends");
        assert!(matches!(f.which, Which::Ends(a, _) if a.port == 80));
        for (text, said) in [
            ("gopher,ascii,0", "cannot be followed"),
            ("tcp,ebcdic,0", "no form"),
            ("tcp,ascii,here", "neither a number"),
            ("http2,ascii,0", "must be named"),
        ] {
            let failure = Follow::parse(text).expect_err(text);
            assert!(failure.text.contains(said), "{}", failure.text);
        }
    }
}
