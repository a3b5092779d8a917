//! The ladder: messages and TCP events of a conversation as arrows between lifelines, in the order in which they were seen.
//!
//! It is made by a job out of rows and of a second reading ([`Course`]); where its arrows stand is worked out in [`place`],
//! and both the pane and the SVG export draw from that.

pub mod keep;
pub mod place;
pub mod svg;

use crate::door::{Course, Segment};
use crate::view::{self, Paths};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use wirelore_kit::row::NONE;
use wirelore_kit::{ConvId, Dir, MessageState, Severity, Side, State, verdict};
use wirelore_store::{Flow, MessageRow, Snapshot, Work};

/// Arrows that are drawn of one conversation; the rest is counted.
pub const MOST_STEPS: usize = 200_000;
/// Lifelines at most; further hosts share the last.
const MOST_LANES: usize = 6;
/// Bodies from so many bytes on are drawn as thick arrows.
pub const BODY: u64 = 2_000;

/// What the ladder is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// A connection with all that is inside it and what it caused.
    Flow(u32),
    /// A conversation alone.
    Conversation(ConvId),
    /// One exchange of a flow, with the connection that it caused.
    Exchange(u32, u32),
}

impl Scope {
    /// The flow that it is of.
    #[must_use]
    pub const fn flow(self) -> u32 {
        match self {
            Scope::Flow(f) | Scope::Exchange(f, _) => f,
            Scope::Conversation(c) => c.flow,
        }
    }
}

/// Who a lifeline stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The client.
    Client,
    /// The server.
    Server,
    /// The far end of connections that this one caused.
    Data,
}

/// A lifeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Who it is.
    pub role: Role,
    /// Host name, or else the address.
    pub name: String,
    /// Address with port.
    pub address: String,
    ip: IpAddr,
}

/// What an arrow stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// A message.
    Message(u32),
    /// A TCP segment, by its packet.
    Packet(u32),
}

/// One arrow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// What it stands for.
    pub what: What,
    /// Number of the sender's lifeline.
    pub from: u8,
    /// Number of the receiver's.
    pub to: u8,
    /// TCP flags, of a segment.
    pub flags: u8,
    /// Number of its protocols in [`Ladder::paths`].
    pub path: u16,
    /// Time of its first byte, nanoseconds since the epoch; `i64::MIN` for none.
    pub time: i64,
    /// Time of its last byte.
    pub end: i64,
    /// Its bytes.
    pub len: u64,
    /// Its packet (the first).
    pub packet: u32,
    /// Worst note, if worth a mark.
    pub worst: Option<Severity>,
    /// Whether its end was never seen.
    pub cut: bool,
    /// Whether a ground begins with it: its name takes a line above.
    pub begins: bool,
}

/// Consecutive arrows of one protocol, drawn on a common ground; inner ones lie inside outer ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    /// Its protocol.
    pub label: &'static str,
    /// How deep inside others.
    pub depth: u8,
    /// First arrow.
    pub first: u32,
    /// Last arrow.
    pub last: u32,
}

/// A side's state from an arrow on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Change {
    /// The arrow.
    pub step: u32,
    /// Whose.
    pub side: Side,
    /// In which conversation.
    pub conv: ConvId,
    /// Which.
    pub state: &'static State,
}

/// A finished ladder.
#[derive(Debug, Default)]
pub struct Ladder {
    /// Lifelines, the client's first.
    pub lanes: Vec<Lane>,
    /// Arrows in order.
    pub steps: Vec<Step>,
    /// Grounds, outer ones before inner ones.
    pub bands: Vec<Band>,
    /// Stacks of protocols, outermost first.
    pub paths: Vec<Vec<&'static str>>,
    /// States, in the order of arrows.
    pub changes: Vec<Change>,
    /// Arrows that were left out.
    pub left_out: u64,
    rows: HashMap<What, u32>,
}

impl Ladder {
    /// The arrow of a message or packet.
    #[must_use]
    pub fn row(&self, what: What) -> Option<usize> {
        self.rows.get(&what).map(|r| *r as usize)
    }

    /// The arrow that a selection stands at: its message's, or that of its packet.
    #[must_use]
    pub fn row_of(&self, s: &crate::select::Selection) -> Option<usize> {
        let packet = s.packet.and_then(|p| self.row(What::Packet(p)));
        let message = s.message.and_then(|m| self.row(What::Message(m)));
        if s.focus == crate::select::Focus::Packet { packet.or(message) } else { message.or(packet) }
    }

    /// The first message's arrow at or behind a packet.
    fn near(&self, packet: u32) -> Option<u32> {
        let from = self.steps.partition_point(|s| s.packet < packet);
        let found = self.steps.iter().skip(from).position(|s| matches!(s.what, What::Message(_)))?;
        Some((from + found) as u32)
    }

    /// The arrow nearest to a selection that has none of its own.
    #[must_use]
    pub fn nearest(&self, s: &crate::select::Selection) -> Option<usize> {
        self.row_of(s).or_else(|| s.packet.and_then(|p| self.near(p)).map(|r| r as usize))
    }

    /// The states of both sides of a conversation at an arrow (client's, server's).
    #[must_use]
    pub fn states_at(&self, conv: ConvId, step: usize) -> [Option<&'static State>; 2] {
        let mut out = [None, None];
        let behind = self.changes.partition_point(|c| c.step as usize <= step);
        for c in self.changes.iter().take(behind).rev().filter(|c| c.conv == conv) {
            if let Some(slot) = out.get_mut(c.side as usize) {
                slot.get_or_insert(c.state);
            }
            if out.iter().all(Option::is_some) {
                break;
            }
        }
        out
    }

    /// The changes that an arrow brought.
    #[must_use]
    pub fn changes_of(&self, step: usize) -> &[Change] {
        let from = self.changes.partition_point(|c| (c.step as usize) < step);
        let to = self.changes.partition_point(|c| c.step as usize <= step);
        self.changes.get(from..to).unwrap_or(&[])
    }
}

/// What a ladder shall show besides messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shows {
    /// TCP's own events.
    pub tcp: bool,
    /// Messages that only carry others: a TLS record around a request that is an arrow itself.
    pub carriers: bool,
}

/// Makes a ladder. `course` adds states and TCP's own events. `None` when cancelled.
#[must_use]
pub fn make(s: &Snapshot, scope: Scope, course: Option<&Course>, shows: Shows, work: &Work) -> Option<Ladder> {
    let Some(flow) = s.flow(scope.flow()) else { return Some(Ladder::default()) };
    let mut l = Ladder { lanes: lanes(s, &flow), ..Ladder::default() };
    let mut paths = Paths::default();
    let wanted = |m: &MessageRow| match scope {
        Scope::Flow(_) => true,
        Scope::Conversation(c) => m.conv == c,
        Scope::Exchange(_, e) => m.exchange == e,
    };
    let mut names: HashMap<(ConvId, Dir, u64), (u32, u32)> = HashMap::new();
    let all = s.messages_of(flow.id);
    let hidden = if shows.carriers { HashSet::new() } else { carriers(s, &all) };
    for (i, m) in all.into_iter().enumerate() {
        if i.is_multiple_of(1024) && work.is_cancelled() {
            return None;
        }
        let Some(row) = s.message(m) else { continue };
        // Also of those left out: what is inside must be told from what is around.
        let path = paths.of(s, &row);
        if wanted(&row) && !hidden.contains(&m) {
            let (from, to) = if row.dir == Dir::ToServer { (0, 1) } else { (1, 0) };
            l.message(s, m, &row, from, to, path);
        }
        if wanted(&row) {
            names.insert((row.conv, row.dir, row.at), (m, row.first));
        }
    }
    let caused = view::caused_by(s, flow.id);
    for other in caused {
        l.caused(s, other, &flow, scope, &mut paths);
    }
    l.paths = paths.done();
    if let Some(course) = course.filter(|_| shows.tcp) {
        let packets = || l.steps.iter().map(|st| st.packet);
        // Of a part of the connection, the segments between its first and its last message.
        let span = match scope {
            Scope::Flow(_) => Some((0, u32::MAX)),
            _ => packets().min().zip(packets().max()),
        };
        for seg in &course.segments {
            if span.is_some_and(|(a, b)| (a..=b).contains(&seg.packet)) {
                l.segment(s, &flow, seg);
            }
        }
    }
    // What was seen first stands first; a segment before the message that begins in it.
    l.steps.sort_by_key(|st| (st.packet, matches!(st.what, What::Message(_))));
    l.left_out = l.steps.len().saturating_sub(MOST_STEPS) as u64;
    l.steps.truncate(MOST_STEPS);
    l.rows = l.steps.iter().enumerate().map(|(i, st)| (st.what, i as u32)).collect();
    l.settle_segments();
    l.bands = bands(&l.steps, &l.paths);
    for b in &l.bands {
        if let Some(st) = l.steps.get_mut(b.first as usize) {
            st.begins = true;
        }
    }
    if let Some(course) = course {
        let at = |c: &crate::door::StateChange| {
            let (m, first) = names.get(&(c.conv, c.message.0, c.message.1))?;
            // What a message without an arrow brought stands at the arrow that tells it.
            let step = l.rows.get(&What::Message(*m)).copied().or_else(|| l.near(*first))?;
            Some(Change { step, side: c.side, conv: c.conv, state: c.state })
        };
        let mut changes: Vec<Change> = course.states.iter().filter_map(at).collect();
        // Stable: of what one arrow brought a side, the last counts.
        changes.sort_by_key(|c| (c.step, c.conv, c.side));
        changes.reverse();
        changes.dedup_by_key(|c| (c.step, c.conv, c.side));
        changes.reverse();
        l.changes = changes;
    }
    Some(l)
}

/// Messages whose bytes are told by messages inside them: their arrows would say the same twice.
fn carriers(s: &Snapshot, all: &[u32]) -> HashSet<u32> {
    /// Inside messages under way at one moment that are looked at.
    const MOST_OPEN: usize = 512;
    /// What goes on with a message that began earlier is no shorter than this, or than the message.
    const PIECE: u64 = 64;
    let mut hidden = HashSet::new();
    let rows: Vec<(u32, MessageRow)> = all.iter().filter_map(|m| Some((*m, s.message(*m)?))).collect();
    if rows.iter().all(|(_, r)| r.conv.inner == 0) {
        return hidden;
    }
    // What asks or answers says something of its own.
    let loose = |r: &MessageRow| view::some(r.exchange).is_none();
    // A message inside begins behind the row of what brought its first byte.
    let mut newest: HashMap<(ConvId, Dir), (u32, bool)> = HashMap::new();
    for (m, r) in &rows {
        if let Some(row) = s.inside(r.conv)
            && let Some((carrier, true)) = newest.get(&(row.outer, r.dir))
        {
            hidden.insert(*carrier);
        }
        newest.insert((r.conv, r.dir), (*m, loose(r)));
    }
    // And goes on with what is seen in the packets between its first and its last.
    let done = |r: &MessageRow| if r.done == NONE { u32::MAX } else { r.done };
    for dir in Dir::BOTH {
        let mut mine: Vec<&(u32, MessageRow)> = rows.iter().filter(|(_, r)| r.dir == dir).collect();
        mine.sort_by_key(|(_, r)| r.first);
        let mut inside = mine.iter().filter(|(_, r)| r.conv.inner != 0).peekable();
        let mut open: Vec<&MessageRow> = Vec::new();
        for (m, r) in &mine {
            while let Some((_, i)) = inside.next_if(|(_, i)| i.first <= done(r)) {
                if open.len() < MOST_OPEN {
                    open.push(i);
                }
            }
            open.retain(|i| done(i) >= r.first);
            let told = |i: &&MessageRow| i.first <= done(r) && r.len >= i.len.min(PIECE) && view::is_inside(s, i.conv, r.conv);
            if loose(r) && open.iter().any(told) {
                hidden.insert(*m);
            }
        }
    }
    hidden
}

fn lanes(s: &Snapshot, flow: &Flow<'_>) -> Vec<Lane> {
    [(Role::Client, flow.client()), (Role::Server, flow.server())]
        .into_iter()
        .map(|(role, end)| Lane {
            role,
            name: s.name_of(&end.ip).map_or_else(|| end.ip.to_string(), str::to_owned),
            address: end.to_string(),
            ip: end.ip,
        })
        .collect()
}

impl Ladder {
    fn message(&mut self, s: &Snapshot, m: u32, row: &MessageRow, from: u8, to: u8, path: u16) {
        let time = s.time_of(row.first).unwrap_or(i64::MIN);
        let end = view::some(row.done).and_then(|d| s.time_of(d)).unwrap_or(time);
        self.steps.push(Step {
            what: What::Message(m),
            from,
            to,
            flags: 0,
            path,
            time,
            end: end.max(time),
            len: row.len,
            packet: row.first,
            worst: row.worst.filter(|w| *w >= Severity::Warn),
            cut: matches!(row.state, MessageState::Open | MessageState::Cut),
            begins: false,
        });
    }

    fn segment(&mut self, s: &Snapshot, flow: &Flow<'_>, seg: &Segment) {
        let Some(p) = s.packet(seg.packet) else { return };
        let (from, to) = if view::dir(flow, &p) == Dir::ToServer { (0, 1) } else { (1, 0) };
        let trouble = p.bits & verdict::trouble() != 0 || seg.flags & 4 != 0;
        self.steps.push(Step {
            what: What::Packet(seg.packet),
            from,
            to,
            flags: seg.flags,
            path: u16::MAX,
            time: p.time,
            end: p.time,
            len: u64::from(seg.len),
            packet: seg.packet,
            worst: trouble.then_some(Severity::Warn),
            cut: false,
            begins: false,
        });
    }

    /// Messages of a connection that this one caused: between the client and a lifeline of its own.
    fn caused(&mut self, s: &Snapshot, other: u32, flow: &Flow<'_>, scope: Scope, paths: &mut Paths) {
        let Some(f) = s.flow(other) else { return };
        if let Scope::Exchange(_, e) = scope
            && view::caused_in(s, e) != Some(other)
        {
            return;
        }
        let home = flow.client().ip;
        // In active mode it is the server that opens the data connection.
        let client_is_home = f.client().ip == home;
        let far = if client_is_home { f.server() } else { f.client() };
        let lane = match self.lanes.iter().position(|l| l.role == Role::Data && l.ip == far.ip) {
            Some(i) => {
                // Several data connections of one host share a lifeline, so no single port names it.
                if let Some(l) = self.lanes.get_mut(i) {
                    l.address = far.ip.to_string();
                }
                i
            }
            None if self.lanes.len() < MOST_LANES => {
                let (name, address) = ("Data connection".to_owned(), far.to_string());
                self.lanes.push(Lane { role: Role::Data, name, address, ip: far.ip });
                self.lanes.len() - 1
            }
            None => MOST_LANES - 1,
        } as u8;
        for m in s.messages_of(other) {
            let Some(row) = s.message(m) else { continue };
            let path = paths.of(s, &row);
            let from_home = (row.dir == Dir::ToServer) == client_is_home;
            let (from, to) = if from_home { (0, lane) } else { (lane, 0) };
            self.message(s, m, &row, from, to, path);
        }
    }

    /// Segments between messages stand on the ground of the messages around them; those before and behind all are TCP's own.
    fn settle_segments(&mut self) {
        let tcp = self.paths.len() as u16;
        self.paths.push(vec!["TCP"]);
        let last = self.steps.iter().rposition(|st| matches!(st.what, What::Message(_)));
        let mut path = tcp;
        for (i, st) in self.steps.iter_mut().enumerate() {
            match st.what {
                What::Message(_) => path = st.path,
                What::Packet(_) => st.path = if last.is_none_or(|l| i > l) { tcp } else { path },
            }
        }
    }
}

/// Runs of arrows whose protocols agree down to each depth.
fn bands(steps: &[Step], paths: &[Vec<&'static str>]) -> Vec<Band> {
    let mut out: Vec<Band> = Vec::new();
    let mut open: Vec<Band> = Vec::new();
    for (i, st) in steps.iter().enumerate() {
        let i = i as u32;
        let path = paths.get(usize::from(st.path)).map_or(&[][..], Vec::as_slice);
        let same = open.iter().zip(path).take_while(|(b, p)| b.label == **p).count();
        out.extend(open.drain(same..));
        for b in &mut open {
            b.last = i;
        }
        for (depth, label) in path.iter().enumerate().skip(same) {
            open.push(Band { label, depth: depth as u8, first: i, last: i });
        }
    }
    out.extend(open);
    out.sort_by_key(|b| (b.first, b.depth));
    out
}

/// A segment in words: "SYN", "SYN, ACK", "TCP retransmission".
#[must_use]
pub fn segment_words(s: &Snapshot, step: &Step) -> String {
    let flags = step.flags;
    let named = [(2, "SYN"), (1, "FIN"), (4, "RST"), (16, "ACK")];
    let mut words: Vec<&str> = Vec::new();
    let shows = flags & (1 | 2 | 4) != 0;
    for (bit, name) in named {
        if flags & bit != 0 && (bit != 16 || shows || step.len == 0) {
            words.push(name);
        }
    }
    let told: Vec<&str> = s
        .packet(step.packet)
        .map(|p| view::verdicts(&p).into_iter().map(|v| v.label.trim_start_matches("TCP ")).collect())
        .unwrap_or_default();
    match (told.is_empty(), shows) {
        (true, _) => words.join(", "),
        (false, true) => format!("{} ({})", words.join(", "), told.join(", ")),
        (false, false) => told.join(", "),
    }
}

/// An arrow in words: its label and what stands below it.
#[must_use]
pub fn words(s: &Snapshot, step: &Step) -> (String, String) {
    match step.what {
        What::Message(m) => {
            let label = s.summary(m);
            let row = s.message(m);
            let name = row.as_ref().map_or("", |r| view::message_label(s, r));
            let label = if label.is_empty() { name.to_owned() } else { label.to_owned() };
            let took = step.end.saturating_sub(step.time);
            let mut sub = crate::format::size(step.len);
            if step.time != i64::MIN && took > 0 {
                sub.push_str(&format!(" in {}", crate::format::duration(took)));
            }
            if step.cut {
                sub.push_str(", end not seen");
            }
            (label, sub)
        }
        What::Packet(p) => {
            let len = if step.len > 0 { format!("{}, ", crate::format::size(step.len)) } else { String::new() };
            (segment_words(s, step), format!("{len}packet {}", crate::format::number(u64::from(p) + 1)))
        }
    }
}

/// What a scope is called in the head of the pane.
#[must_use]
pub fn title(s: &Snapshot, scope: Scope) -> String {
    match scope {
        Scope::Flow(f) => s.flow(f).map_or_else(String::new, |f| view::flow_name(&f)),
        Scope::Conversation(c) => s.flow(c.flow).map_or_else(String::new, |f| view::flow_name(&f)),
        Scope::Exchange(_, e) => s.exchange(e).map_or_else(String::new, |x| {
            let m = if x.ask == NONE { x.answer } else { x.ask };
            s.summary(m).to_owned()
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(path: u16, message: bool, packet: u32) -> Step {
        let what = if message { What::Message(packet) } else { What::Packet(packet) };
        Step { what, from: 0, to: 1, flags: 2, path, time: 0, end: 0, len: 0, packet, worst: None, cut: false, begins: false }
    }

    #[test]
    fn what_is_inside_lies_on_a_ground_inside_the_outer_one() {
        let paths = vec![vec!["TLS"], vec!["TLS", "HTTP/2"]];
        let steps = [step(0, true, 0), step(1, true, 1), step(1, true, 2), step(0, true, 3)];
        let b = bands(&steps, &paths);
        assert_eq!(
            b,
            [Band { label: "TLS", depth: 0, first: 0, last: 3 }, Band { label: "HTTP/2", depth: 1, first: 1, last: 2 }]
        );
    }

    #[test]
    fn a_retransmission_between_messages_does_not_tear_their_ground() {
        let mut l = Ladder {
            paths: vec![vec!["HTTP"]],
            steps: vec![
                step(u16::MAX, false, 0),
                step(0, true, 1),
                step(u16::MAX, false, 2),
                step(0, true, 3),
                step(u16::MAX, false, 4),
            ],
            ..Ladder::default()
        };
        l.settle_segments();
        let labels: Vec<_> = bands(&l.steps, &l.paths).iter().map(|b| (b.label, b.first, b.last)).collect();
        assert_eq!(labels, [("TCP", 0, 0), ("HTTP", 1, 3), ("TCP", 4, 4)]);
    }
}
