//! What a harvest must read: which packets' layers, which conversations up to where, at which level.

use crate::recall::{Recall, TCP_PAYLOAD, UDP_PAYLOAD};
use std::sync::Arc;
use wirelore_dissectors::layers::{LAYERS, Quick};
use wirelore_filter::{Fact, Wants};
use wirelore_kit::row::NONE;
use wirelore_kit::{Claim, DATA, F, Keep, Level, Spec, TRAILING, UNKNOWN};
use wirelore_store::Snapshot;
use wirelore_store::query::Bits;

/// The fields of a packet that are not in its bytes: the layer `frame`.
const FRAME: &str = "frame";

/// A body as it was meant: chunks joined, codings undone.
const BODY: &str = "http.file_data";

/// Protocols whose own fields do not depend on whether bodies are decoded.
const WITHOUT_BODIES: &[&str] =
    &["http", "dns", "mdns", "llmnr", "ntp", "dhcp", "tls", "tls.handshake", "ssh", "sip", "redis", "telnet", "socks", "pgsql"];

pub(super) struct Plan {
    /// Fields that readings keep.
    pub keep: Arc<Keep>,
    /// How far conversations are read.
    pub level: Level,
    /// The field that stands for a whole body, where it is wanted.
    pub body: Option<F>,
    /// Packets whose rows are wanted.
    pub packets: Bits,
    /// The layers of wanted packets are read.
    pub layers: bool,
    /// Numbers that the analysis of connections finds out are wanted.
    pub analysis: bool,
    /// How what is wanted of everyday packets' layers is read from its places; `None` where that needs all of them.
    pub quick: Option<Quick>,
    /// Fields of the layer `frame` that are wanted.
    pub frame: Vec<F>,
    /// The names of a packet's protocols are wanted.
    pub protocols: bool,
    /// A packet's line in a list is wanted.
    pub line: bool,
    /// Findings are wanted.
    pub notes: bool,
    /// Protocols that are wanted with their bytes.
    pub met: Vec<&'static str>,
    /// `met` names protocols of messages: their bytes are wanted.
    pub streams: bool,
    /// The payload of TCP and of UDP is wanted.
    pub payload: [bool; 2],
    /// Messages whose fields may be wanted: the packet that completed each, its row. Sorted.
    pub done: Vec<(u32, u32)>,
    /// By protocol of the table: its messages are among `done`.
    pub counted: Vec<bool>,
    /// By flow: how many of `done` it has.
    pub of_flow: Vec<u32>,
}

impl Plan {
    pub fn new(recall: &Recall, snapshot: &Snapshot, wants: &Wants, packets: Bits) -> Plan {
        let notes = wants.facts.iter().any(|f| f.is_of_notes());
        let protocols = wants.facts.contains(&Fact::Protocols);
        let wanted = |f: F| wants.fields.iter().any(|w| w.is(f));
        let named = |name: &str| wants.protocols.contains(&name);
        let generic = [&UNKNOWN, &TRAILING, &DATA].into_iter().any(wanted);
        let frame_layer = LAYERS.iter().find(|l| l.name == FRAME);
        let frame: Vec<F> = frame_layer.into_iter().flat_map(|l| l.fields.iter().copied()).filter(|f| wanted(f)).collect();
        let protocols = protocols || frame.iter().any(|f| f.name == "frame.protocols");
        let of_layers = |l: &wirelore_kit::Layer| l.name != FRAME && (named(l.name) || l.fields.iter().any(|f| wanted(f)));
        let payload = [wanted(&TCP_PAYLOAD), wanted(&UDP_PAYLOAD)];
        let layers = notes || protocols || generic || payload.contains(&true) || LAYERS.iter().any(|l| of_layers(l));
        let of_spec = |s: &Spec| protocols || notes || generic || named(s.name) || s.fields.iter().any(|f| wanted(f));
        let counted = counted(recall.table, of_spec);
        let mut fields = wants.fields.clone();
        let body = fields.extract_if(.., |f| f.name == BODY).last();
        let of_contents = |name: &str| recall.table.iter().any(|s| s.name == name && reads_content(s));
        let contents =
            wants.fields.iter().any(|f| needs_content(recall.table, f)) || wants.protocols.iter().any(|p| of_contents(p));
        let streams = recall.table.iter().any(|s| named(s.name));
        let of_messages = |f: &F| recall.table.iter().any(|s| s.fields.iter().any(|g| g.is(f)));
        let of_layer = |name: &str| LAYERS.iter().any(|l| l.name == name);
        let only_body = !fields.iter().any(of_messages) && wants.protocols.iter().all(|p| of_layer(p));
        let level = match (contents || notes || generic, streams || body.is_some()) {
            (true, _) => Level::Tree,
            (false, true) if only_body => Level::Bodies,
            (false, true) => Level::FieldsAndBodies,
            (false, false) => Level::Fields,
        };
        let of_any_layer = |f: F| LAYERS.iter().any(|l| l.fields.iter().any(|g| g.is(f)));
        let of_headers = |f: &F| !frame.iter().any(|g| g.is(f)) && of_any_layer(f);
        let headers: Vec<F> = wants.fields.iter().copied().filter(of_headers).collect();
        let quick = Quick::of(&headers).filter(|_| !(notes || protocols || generic));
        // The headings of protocols that are wanted, and those that say in which layer of its protocol a field is.
        let headings = |f: F| f.kind == wirelore_kit::Kind::Group && named(f.name);
        fields.extend(recall.table.iter().flat_map(|s| s.fields.iter().copied()).filter(|f| headings(f)));
        for layer in LAYERS {
            let of = of_layers(layer);
            fields.extend(layer.fields.iter().copied().filter(|f| headings(f) || (of && is_heading(f))));
        }
        if protocols {
            // What `frame.protocols` is made of.
            fields.extend(LAYERS.iter().flat_map(|l| l.fields.iter().copied()).filter(|f| says_protocol(f)));
            fields.push(&DATA);
        }
        let mut plan = Plan {
            keep: Arc::new(Keep::of(fields).with_notes(notes)),
            level,
            body,
            packets,
            layers,
            analysis: wants.fields.iter().any(|f| is_analysed(f)),
            quick,
            frame,
            protocols,
            line: wants.facts.iter().any(|f| matches!(f, Fact::Line(_))),
            notes,
            met: wants.protocols.clone(),
            streams,
            payload,
            done: Vec::new(),
            counted,
            of_flow: Vec::new(),
        };
        plan.count(snapshot);
        plan
    }

    /// Finds the messages whose fields may be wanted.
    fn count(&mut self, snapshot: &Snapshot) {
        if !self.counted.contains(&true) {
            return;
        }
        self.of_flow = vec![0; snapshot.flows() as usize];
        for (id, row) in snapshot.each_message() {
            let counts = self.counted.get(usize::from(row.protocol)) == Some(&true);
            if !counts || row.done == NONE || !self.packets.has(row.done) {
                continue;
            }
            if let Some(n) = self.of_flow.get_mut(row.conv.flow as usize) {
                *n = n.saturating_add(1);
                self.done.push((row.done, id));
            }
        }
        self.done.sort_unstable();
    }

    /// The messages, with their packets, that count in packets `range`.
    pub fn done_in(&self, from: u32, to: u32) -> &[(u32, u32)] {
        let a = self.done.partition_point(|d| d.0 < from);
        let b = self.done.partition_point(|d| d.0 < to);
        self.done.get(a..b).unwrap_or(&[])
    }

    /// How many of the messages that count a flow has.
    pub fn messages_of(&self, flow: u32) -> u32 {
        self.of_flow.get(flow as usize).copied().unwrap_or(0)
    }

    /// Whether a packet's own bytes are needed for its row.
    pub fn needs_bytes(&self) -> bool {
        self.layers || self.met.contains(&FRAME)
    }
}

/// Whether a field is a number that the analysis of connections finds out.
fn is_analysed(f: F) -> bool {
    let verdict = wirelore_kit::verdict::ALL.iter().any(|v| v.name == f.name);
    (f.name.starts_with("tcp.analysis.") && !verdict) || f.name.starts_with("tcp.completeness")
}

/// Whether a field is the heading of a layer.
pub(super) fn is_heading(f: F) -> bool {
    f.kind == wirelore_kit::Kind::Group && !f.name.contains('.')
}

fn says_protocol(f: F) -> bool {
    f.kind == wirelore_kit::Kind::Group && LAYERS.iter().any(|l| l.name == f.name)
        || wirelore_dissectors::layers::ETHERTYPES.contains(&f.name)
}

/// Whether a field is met only where bodies are decoded and what they hold is read.
#[must_use]
fn needs_content(table: &[&'static Spec], f: F) -> bool {
    let of_layers = LAYERS.iter().any(|l| l.fields.iter().any(|g| g.is(f)));
    let plain = |s: &Spec| WITHOUT_BODIES.contains(&s.name) && s.fields.iter().any(|g| g.is(f));
    let kit = [&DATA, &TRAILING, &UNKNOWN, &TCP_PAYLOAD, &UDP_PAYLOAD].into_iter().any(|g: F| g.is(f));
    !of_layers
        && !kit
        && f.name != BODY
        && (f.name.starts_with("http.multipart") || f.name.starts_with("http.part") || !table.iter().any(|s| plain(s)))
}

/// By protocol of the table, whether its messages count; where a reader of contents is wanted, every protocol may carry it.
fn counted(table: &[&'static Spec], wanted: impl Fn(&Spec) -> bool) -> Vec<bool> {
    let any = table.iter().any(|s| reads_content(s) && wanted(s));
    table.iter().map(|s| any || wanted(s)).collect()
}

/// Whether a protocol reads the contents of others' messages.
fn reads_content(s: &Spec) -> bool {
    s.claims.iter().any(|c| matches!(c, Claim::Content(_)))
}
