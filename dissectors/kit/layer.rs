//! Packet headers as layers: each a pure function of one packet, read on demand, lax: what was good stays and the stop is told.

use crate::field::{DATA, F, TRAILING};
use crate::note::{self, About, Note, Noted, Severity};
use crate::reader::{Memo, Reader, Stop};
use crate::row::PacketFacts;
use crate::sink::{Level, Sink};
use crate::span::{BufId, Piece, Span};
use crate::tree::{Buffer, Tree};
use bytes::Bytes;

/// What names a layer from below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LayerClaim {
    /// A link type of capture files (the LINKTYPE_ list).
    Link(u32),
    /// An EtherType.
    EtherType(u16),
    /// An IP protocol or IPv6 next header number.
    IpProto(u8),
    /// A PPP protocol number.
    Ppp(u16),
    /// An LLC destination service access point.
    Sap(u8),
    /// A well-known UDP port of a tunnel.
    UdpPort(u16),
    /// A layer by name.
    Named(&'static str),
}

/// What follows a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Another layer; where no layer claims it, the rest is listed as data.
    By(LayerClaim),
    /// One of two ports' layers (a tunnel), else the payload of a transport.
    Ports(u16, u16),
    /// What is left is the payload of a transport.
    Payload,
    /// What is left is data that no layer reads.
    Data,
    /// Nothing.
    Done,
}

/// The circumstances of one layer's read; layers leave for those above what they need.
#[derive(Debug, Clone, Default)]
pub struct LayerTurn {
    /// Length of the packet on the wire, bytes.
    pub wire_len: u32,
    /// What the analysis found out about this packet, if it is known.
    pub facts: Option<PacketFacts>,
    /// Left by a layer: how many of the bytes left belong to what follows; the rest is padding or trailer.
    pub limit: Option<usize>,
    /// Left by the IP layer for checksums: source, destination (4 or 16 bytes each) and protocol.
    pub pseudo: Option<Pseudo>,
    /// Left by the IP layer when this is a fragment: offset in bytes and whether more follow.
    pub fragment: Option<(u32, bool)>,
    /// The packet is quoted inside another (an ICMP error): it may end anywhere, its lengths are not held against it and it has no payload of its own.
    pub quoted: bool,
    /// How many layers were read.
    pub depth: u8,
}

/// The pseudo header's parts (RFC 9293 §3.1, RFC 8200 §8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pseudo {
    /// Source address; IPv4 in the first four bytes.
    pub source: [u8; 16],
    /// Destination address likewise.
    pub destination: [u8; 16],
    /// Whether they are IPv6.
    pub v6: bool,
    /// Bytes of the upper layer as the IP header says, on the wire; `None` where it does not say (segmentation offload).
    pub len: Option<u32>,
}

/// A layer.
pub struct Layer {
    /// Short name, as in `frame.protocols`: "ip".
    pub name: &'static str,
    /// What a person reads.
    pub label: &'static str,
    /// Every field.
    pub fields: &'static [F],
    /// Every note.
    pub notes: &'static [&'static Note],
    /// What it is called by from below.
    pub claims: &'static [LayerClaim],
    /// Reads it.
    pub read: fn(&mut Reader<'_>, &mut LayerTurn) -> Result<Next, Stop>,
    /// Prose by language.
    pub explain: &'static [(&'static str, &'static str)],
}

impl std::fmt::Debug for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Layer({})", self.name)
    }
}

/// The capture kept fewer bytes than the packet had.
pub static SNAPPED: Note = Note::new(
    "frame.note.cut",
    "The packet was captured in part: the rest was left out by the snapshot length",
    Severity::Note,
    About::Missing,
);

/// The packet was whole and yet too short for a header.
pub static SHORT: Note = Note::new("frame.note.short", "The packet ends inside this header", Severity::Error, About::Malformed);

/// Layers may nest so deep (tunnels in tunnels).
pub const MOST_LAYERS: u8 = 32;

/// One packet to read.
#[derive(Debug, Clone)]
pub struct PacketBytes {
    /// Number of the arrival, from 0.
    pub number: u64,
    /// Link type.
    pub link_type: u32,
    /// The bytes that were captured.
    pub bytes: Bytes,
    /// Length on the wire.
    pub wire_len: u32,
    /// For the fragment that completed an IP datagram: its payload joined, and from where.
    pub joined: Option<(Bytes, Vec<Piece>)>,
    /// What the analysis found out.
    pub facts: Option<PacketFacts>,
}

/// The layer that claims `by`, the first of the table.
#[must_use]
pub fn layer_for(table: &[&'static Layer], by: LayerClaim) -> Option<&'static Layer> {
    table.iter().copied().find(|l| l.claims.contains(&by))
}

/// Reads a packet's layers into a tree. Also returns the names of the layers met and, where a transport's payload
/// was reached, its span.
#[must_use]
pub fn read_packet(table: &[&'static Layer], packet: &PacketBytes) -> (Tree, Vec<&'static str>, Option<Span>) {
    let mut sink = Sink::default();
    let mut met = LayersRead::default();
    read_layers(table, packet, &mut sink, &mut met);
    let buf = BufId::arrival(packet.number);
    let mut buffers = vec![Buffer {
        id: buf,
        label: format!("Packet {}", packet.number.saturating_add(1)),
        base: 0,
        bytes: packet.bytes.clone(),
        map: Vec::new(),
    }];
    if let Some((bytes, map)) = packet.joined.as_ref().filter(|_| met.joined) {
        buffers.push(Buffer {
            id: JOINED,
            label: "Reassembled datagram".into(),
            base: 0,
            bytes: bytes.clone(),
            map: map.clone(),
        });
    }
    let names = met.layers.iter().map(|(name, _)| *name).collect();
    (Tree { nodes: sink.nodes, buffers, notes: sink.notes }, names, met.payload)
}

/// Names the bytes of the datagram that a packet completed.
const JOINED: BufId = BufId::part(1);

/// What was met in a packet.
#[derive(Debug, Clone, Default)]
pub struct LayersRead {
    /// The layers' names and headers.
    pub layers: Vec<(&'static str, Span)>,
    /// The payload of a transport, where one was reached.
    pub payload: Option<Span>,
    /// The datagram that the packet completed was gone into.
    pub joined: bool,
}

/// As [`read_packet`], into a sink: of one that keeps some fields only those are left.
pub fn read_layers(table: &[&'static Layer], packet: &PacketBytes, sink: &mut Sink, met: &mut LayersRead) {
    met.layers.clear();
    (met.payload, met.joined) = (None, false);
    let buf = BufId::arrival(packet.number);
    let mut turn = LayerTurn { wire_len: packet.wire_len, facts: packet.facts, ..LayerTurn::default() };
    let (mut at_buf, mut at, mut end) = (buf, 0usize, packet.bytes.len());
    let mut bytes: &[u8] = &packet.bytes;
    let mut next = Next::By(LayerClaim::Link(packet.link_type));
    let mut padding: Vec<Span> = Vec::new();
    let mut to_join = packet.joined.as_ref();
    loop {
        let here = bytes.get(at..end).unwrap_or(&[]);
        let mut memo = Memo::default();
        let by = match next {
            Next::By(by) => layer_for(table, by),
            Next::Ports(a, b) => {
                let (low, high) = (a.min(b), a.max(b));
                let by = layer_for(table, LayerClaim::UdpPort(low)).or_else(|| layer_for(table, LayerClaim::UdpPort(high)));
                if by.is_none() {
                    next = Next::Payload;
                }
                by
            }
            Next::Payload | Next::Data | Next::Done => None,
        };
        let mut r = Reader::new(here, at_buf, at as u64, true, Level::Tree, sink, &mut memo);
        let Some(layer) = by.filter(|_| turn.depth < MOST_LAYERS) else {
            let left = r.left();
            if by.is_some() {
                let at = r.span(left);
                r.note(&note::TOO_DEEP, at);
            }
            if next == Next::Payload {
                met.payload = Some(r.span(left));
            } else if left > 0 {
                // A known end, so this cannot fall short.
                let _ = r.bytes(&DATA, left);
            }
            break;
        };
        turn.limit = None;
        turn.fragment = None;
        turn.depth = turn.depth.saturating_add(1);
        let went = (layer.read)(&mut r, &mut turn);
        let taken = r.taken();
        met.layers.push((layer.name, Span::new(at_buf, at as u64, taken as u32)));
        at = at.saturating_add(taken);
        match went {
            Ok(n) => next = n,
            Err(stop) => {
                let left = r.left();
                let span = r.span(left);
                let snapped = (packet.bytes.len() as u64) < u64::from(packet.wire_len);
                let what = match stop {
                    Stop::Bad(what) if !std::ptr::eq(what, &note::OVERRUN) => what,
                    _ if snapped => &SNAPPED,
                    _ => &SHORT,
                };
                r.note(what, span);
                if left > 0 {
                    let _ = r.unknown(left);
                }
                break;
            }
        }
        if let Some(limit) = turn.limit {
            let stop = at.saturating_add(limit);
            if stop < end {
                padding.push(Span::new(at_buf, stop as u64, (end.saturating_sub(stop)) as u32));
                end = stop;
            }
        }
        if turn.fragment.is_some() {
            // Only the first fragment header met can be that of the datagram that was joined.
            match to_join.take() {
                Some((joined, _)) => {
                    let left = end.saturating_sub(at);
                    let mut r =
                        Reader::new(bytes.get(at..end).unwrap_or(&[]), at_buf, at as u64, true, Level::Tree, sink, &mut memo);
                    if left > 0 {
                        let _ = r.bytes(&DATA, left);
                    }
                    met.joined = true;
                    (bytes, at_buf, at, end) = (joined, JOINED, 0, joined.len());
                }
                None => next = Next::Data,
            }
        }
    }
    for span in padding.iter().rev() {
        let whole: &[u8] = if span.buf == buf { &packet.bytes } else { bytes };
        let held = whole.get(span.at as usize..span.end() as usize).unwrap_or(&[]);
        let mut memo = Memo::default();
        let mut r = Reader::new(held, span.buf, span.at, true, Level::Tree, sink, &mut memo);
        let _ = r.bytes(&TRAILING, span.len as usize);
    }
    if (packet.bytes.len() as u64) < u64::from(packet.wire_len) && !sink.notes.iter().any(|n| std::ptr::eq(n.what, &SNAPPED)) {
        sink.note(Noted { what: &SNAPPED, at: Span::new(buf, packet.bytes.len() as u64, 0) });
    }
}
