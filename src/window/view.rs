//! Small questions that several panes ask of a snapshot.

use std::collections::HashMap;
use wirelore_kit::row::NONE;
use wirelore_kit::{ConvId, Dir, Evidence, PacketRow, Role, Severity, Transport, verdict};
use wirelore_store::{Flow, FlowFlags, MessageRow, Snapshot};

/// `Some` unless the number stands for nothing.
#[must_use]
pub fn some(number: u32) -> Option<u32> {
    Some(number).filter(|n| *n != NONE)
}

/// Which way a packet of a flow travels.
#[must_use]
pub const fn dir(flow: &Flow<'_>, packet: &PacketRow) -> Dir {
    let sender = packet.is_backward() as usize;
    if sender == flow.row().client_end() { Dir::ToServer } else { Dir::ToClient }
}

/// Label of what a flow speaks, or of its transport.
#[must_use]
pub fn flow_label(s: &Snapshot, flow: &Flow<'_>) -> &'static str {
    flow.protocol().map(|p| s.schema().protocol_label(p)).filter(|l| !l.is_empty()).unwrap_or_else(|| transport(flow))
}

/// A flow's transport in a word.
#[must_use]
pub const fn transport(flow: &Flow<'_>) -> &'static str {
    match flow.row().transport {
        Transport::Tcp => "TCP",
        Transport::Udp => "UDP",
        // Numbers of the IANA list of IP protocols.
        Transport::Other => match flow.row().ip_proto {
            1 => "ICMP",
            2 => "IGMP",
            47 => "GRE",
            50 => "ESP",
            58 => "ICMPv6",
            89 => "OSPF",
            132 => "SCTP",
            _ => "IP",
        },
    }
}

/// "TCP stream 4", or "connection 7" where the transport is not counted.
#[must_use]
pub fn flow_name(flow: &Flow<'_>) -> String {
    some(flow.stream).map_or_else(|| format!("connection {}", flow.id), |n| format!("{} stream {n}", transport(flow)))
}

/// Label of a message's protocol.
#[must_use]
pub fn message_label(s: &Snapshot, m: &MessageRow) -> &'static str {
    s.schema().protocol_label(m.protocol)
}

/// The stacks of protocols of messages, told in the order of their rows: "TLS", "HTTP/2" for a message of HTTP/2 inside TLS.
#[derive(Debug, Default)]
pub struct Paths {
    all: Vec<Vec<&'static str>>,
    numbers: HashMap<Vec<&'static str>, u16>,
    /// What each conversation speaks just now: after STARTTLS a flow speaks TLS, and what was SMTP before is inside.
    speaks: HashMap<ConvId, &'static str>,
}

/// Stacks deeper than this are cut.
const MOST_DEEP: usize = 8;

impl Paths {
    /// The number of a message's stack.
    pub fn of(&mut self, s: &Snapshot, m: &MessageRow) -> u16 {
        self.speaks.insert(m.conv, message_label(s, m));
        let path = stack(s, m, |c| self.speaks.get(&c).copied());
        if let Some(n) = self.numbers.get(&path) {
            return *n;
        }
        let n = self.all.len().min(usize::from(u16::MAX) - 1) as u16;
        self.all.push(path.clone());
        self.numbers.insert(path, n);
        n
    }

    /// Every stack, by number.
    #[must_use]
    pub fn done(self) -> Vec<Vec<&'static str>> {
        self.all
    }
}

/// The protocols around a message and its own, outermost first; `speaks` may know better what a conversation spoke at that time.
#[must_use]
pub fn stack(s: &Snapshot, m: &MessageRow, speaks: impl Fn(ConvId) -> Option<&'static str>) -> Vec<&'static str> {
    let mut path = vec![message_label(s, m)];
    let mut at = m.conv;
    while at.inner != 0 && path.len() < MOST_DEEP {
        let row = s.inside(at);
        let outer = row.map_or(ConvId { inner: 0, ..at }, |r| r.outer);
        // Numbers fall on the way outwards, so this ends.
        at = if outer.inner < at.inner { outer } else { ConvId { inner: 0, ..at } };
        let known = speaks(at).or_else(|| match at.inner {
            0 => s.flow(at.flow).map(|f| flow_label(s, &f)),
            _ => s.inside(at).and_then(|r| r.protocol).map(|p| s.schema().protocol_label(p)),
        });
        // The streams of HTTP/2 are HTTP/2: once is enough.
        path.extend(known.filter(|l| !l.is_empty() && path.last() != Some(l)));
    }
    path.reverse();
    path
}

/// Whether a conversation lies inside another, at whatever depth.
#[must_use]
pub fn is_inside(s: &Snapshot, conv: ConvId, outer: ConvId) -> bool {
    let mut at = conv;
    for _ in 0..MOST_DEEP {
        if at.flow != outer.flow || at.inner <= outer.inner {
            return false;
        }
        at = s.inside(at).map_or(ConvId { inner: 0, ..at }, |r| r.outer);
        if at == outer {
            return true;
        }
    }
    false
}

/// The connections that a connection caused: FTP's data connections.
#[must_use]
pub fn caused_by(s: &Snapshot, flow: u32) -> Vec<u32> {
    s.causes().filter(|c| c.by.flow == flow && c.flow != flow).map(|c| c.flow).collect()
}

/// The connection that caused a connection.
#[must_use]
pub fn caused_from(s: &Snapshot, flow: u32) -> Option<u32> {
    s.cause_of(flow).map(|c| c.by.flow).filter(|f| *f != flow)
}

/// The connection that an exchange caused: that of a transfer, by the command that it is for.
#[must_use]
pub fn caused_in(s: &Snapshot, exchange: u32) -> Option<u32> {
    let x = s.exchange(exchange)?;
    let flow = s.flow_concerned(x.ask)?;
    let about = &s.cause_of(flow)?.about;
    // PASV and REST concern it as well; the transfer is the row of the command that moves the bytes.
    let verb = |t: &str| t.split(' ').next().unwrap_or("").to_ascii_uppercase();
    (!about.is_empty() && verb(about) == verb(s.summary(x.ask))).then_some(flow)
}

/// The first value of a shared column of a message in words.
#[must_use]
pub fn role(s: &Snapshot, message: u32, role: Role) -> Option<String> {
    s.cells(message).find(|(f, _)| f.role == Some(role)).map(|(f, v)| match v {
        // A list shows the bare number: "404"; its name stands in the summary.
        wirelore_store::CellView::U64(n) if role == Role::Status && f.name.starts_with("http") => n.to_string(),
        v => v.display(f),
    })
}

/// Analysis verdicts of a packet in words.
#[must_use]
pub fn verdicts(row: &PacketRow) -> Vec<&'static verdict::Verdict> {
    verdict::ALL.iter().filter(|v| row.bits & v.bit != 0).collect()
}

/// How bad a packet row is, for the map in the scrollbar.
#[must_use]
pub fn packet_severity(row: &PacketRow, trouble: u32) -> Option<Severity> {
    if row.bits & PacketRow::ODD != 0 {
        Some(Severity::Error)
    } else if row.bits & trouble != 0 {
        Some(Severity::Warn)
    } else {
        None
    }
}

/// Why a conversation is thought to speak its protocol, as a person would say it.
#[must_use]
pub fn evidence(evidence: &Evidence, label: &str) -> String {
    match evidence {
        Evidence::None => evidence.words(),
        _ => format!("{label}: {}", evidence.words()),
    }
}

/// How a flow began and ended, in sentences.
#[must_use]
pub fn life(flow: &Flow<'_>) -> Vec<String> {
    let mut out = Vec::new();
    if flow.transport != Transport::Tcp {
        return out;
    }
    let f = flow.flags;
    let client_first = flow.client_end() == 0;
    let (syn, syn_back) = (f.has(FlowFlags::SYN), f.has(FlowFlags::SYN_BACK));
    out.push(
        match (syn, syn_back, f.has(FlowFlags::MIDSTREAM)) {
            (true, true, _) => "Both ends of the handshake were captured.",
            (true, false, _) | (false, true, _) => "Only one side of the handshake was captured.",
            (false, false, true) => "It was already open when the capture began.",
            (false, false, false) => "No handshake was captured.",
        }
        .to_owned(),
    );
    let closer = |first: bool| if first == client_first { "client" } else { "server" };
    out.push(match (f.has(FlowFlags::RST), f.has(FlowFlags::FIN), f.has(FlowFlags::FIN_BACK)) {
        (true, ..) => "It was reset.".to_owned(),
        (_, true, true) => "Both ends closed it.".to_owned(),
        (_, true, false) => format!("Only the {} closed its side.", closer(true)),
        (_, false, true) => format!("Only the {} closed its side.", closer(false)),
        _ => "Its end was not captured.".to_owned(),
    });
    if f.has(FlowFlags::GAPS) {
        out.push(if flow.gap_bytes > 0 {
            format!("{} bytes were never captured.", crate::format::number(flow.gap_bytes))
        } else {
            "Bytes are missing, how many is not known.".to_owned()
        });
    }
    out
}
