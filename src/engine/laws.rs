//! The laws that every protocol keeps, as functions that tests call on cases and samples.
//!
//! A [`Script`] is what arrives at one conversation. [`read`] reads it and gives a [`Record`] of all that was told; the laws compare records.

use crate::conversation::{Arrival, Context, Conversation, InnerBytes, Listen, Message, Scratch};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr};
use wirelore_kit::row::{Evidence, MessageState};
use wirelore_kit::{Cell, ConvId, Dir, End, Hint, Level, NoSecrets, Node, Side, Sink, Spec, Start, State, Tie, Transport, Value};

/// One thing that arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Bytes of a way (0: from the client), with the number of their packet.
    Bytes(usize, Vec<u8>, u32),
    /// Bytes that never came.
    Gap(usize, u64),
    /// A way ends.
    End(usize, End),
}

/// What arrives at one conversation, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// The transport.
    pub transport: Transport,
    /// Ports of client and server.
    pub ports: (u16, u16),
    /// What it is known to speak, for protocols that only others hand on.
    pub proto: Option<&'static str>,
    /// What arrives.
    pub steps: Vec<Step>,
}

impl Script {
    /// A script over TCP without steps.
    #[must_use]
    pub const fn tcp(server_port: u16) -> Script {
        Script { transport: Transport::Tcp, ports: (50_000, server_port), proto: None, steps: Vec::new() }
    }

    /// A script over UDP without steps.
    #[must_use]
    pub const fn udp(server_port: u16) -> Script {
        Script { transport: Transport::Udp, ports: (50_000, server_port), proto: None, steps: Vec::new() }
    }

    /// Adds bytes as a packet of their own.
    #[must_use]
    pub fn bytes(mut self, way: usize, bytes: &[u8]) -> Script {
        let number = self.steps.len() as u32;
        self.steps.push(Step::Bytes(way, bytes.to_vec(), number));
        self
    }

    /// Ends both ways.
    #[must_use]
    pub fn ended(mut self) -> Script {
        self.steps.push(Step::End(0, End::Fin));
        self.steps.push(Step::End(1, End::Fin));
        self
    }
}

/// One message as it was told in the end.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Its conversation.
    pub conv: ConvId,
    /// Its protocol's name.
    pub proto: &'static str,
    /// Its direction.
    pub dir: Dir,
    /// Offset of its first byte.
    pub at: u64,
    /// Its length.
    pub len: u64,
    /// Number of the packets of its first and last byte.
    pub packets: (u32, u32),
    /// How it ended.
    pub state: MessageState,
    /// Its line.
    pub summary: String,
    /// Its cells: name and value.
    pub cells: Vec<(&'static str, String)>,
    /// Names of its notes.
    pub notes: Vec<&'static str>,
    /// Its exchange and whether it asks.
    pub exchange: Option<(u32, bool)>,
    /// Its nodes, at [`Level::Tree`].
    pub nodes: Vec<Node>,
}

impl Told {
    fn new(m: &Message<'_>) -> Told {
        Told {
            conv: m.conv,
            proto: m.spec.name,
            dir: m.dir,
            at: m.at,
            len: 0,
            packets: (m.first.number, 0),
            state: m.state,
            summary: String::new(),
            cells: Vec::new(),
            notes: Vec::new(),
            exchange: None,
            nodes: Vec::new(),
        }
    }

    fn is(&self, m: &Message<'_>) -> bool {
        self.conv == m.conv && self.dir == m.dir && self.at == m.at
    }

    fn take(&mut self, m: &Message<'_>) {
        self.len = m.len;
        self.packets.1 = m.done.number;
        self.state = m.state;
        if let Some(s) = m.summary {
            s.clone_into(&mut self.summary);
        }
        for (f, c) in m.sink.cells.iter().skip(m.new_cells) {
            self.cells.push((f.name, cell_text(m.sink, c)));
        }
        self.notes.extend(m.sink.notes.iter().skip(m.new_notes).map(|n| n.what.name));
        self.exchange = m.exchange.map(|e| (e, m.asks)).or(self.exchange);
        self.nodes.clone_from(&m.sink.nodes);
    }
}

/// All that was told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    /// Messages in the order in which they opened.
    pub messages: Vec<Told>,
    /// Named states in order: side and name.
    pub states: Vec<(Side, &'static str)>,
    /// Inner bytes by conversation, message, key, and direction.
    pub inner: BTreeMap<(ConvId, Dir, u64, u64, Dir), Vec<u8>>,
    /// The streams of conversations inside: what their messages' spans lie in. Holes of unknown size take no bytes.
    pub streams: BTreeMap<(ConvId, Dir), Vec<u8>>,
    /// What conversations were taken for.
    pub identified: Vec<(ConvId, &'static str, Evidence)>,
    /// Messages of readings of contents, with the message whose content it is.
    pub contents: Vec<((ConvId, Dir, u64), Told)>,
    exchanges: u32,
    /// The largest weight that the conversation had.
    pub weight: usize,
}

fn cell_text(sink: &Sink, cell: &Cell) -> String {
    match cell {
        Cell::U64(n) => n.to_string(),
        Cell::I64(n) => n.to_string(),
        Cell::Text(range) => wirelore_kit::Text(sink.text(range)).to_string(),
        Cell::Ip4(a) => IpAddr::from(*a).to_string(),
        Cell::Ip6(a) => IpAddr::from(*a).to_string(),
    }
}

impl Listen for Record {
    fn identified(&mut self, conv: ConvId, spec: &'static Spec, evidence: Evidence, _: bool) {
        self.identified.push((conv, spec.name, evidence));
    }

    fn opened(&mut self, m: &Message<'_>) {
        let mut told = Told::new(m);
        told.take(m);
        self.messages.push(told);
    }

    fn changed(&mut self, m: &Message<'_>) {
        if let Some(told) = self.messages.iter_mut().rev().find(|t| t.is(m)) {
            told.take(m);
        }
    }

    fn content(&mut self, of: (ConvId, Dir, u64), m: &Message<'_>) {
        if let Some((_, told)) = self.contents.iter_mut().rev().find(|(_, t)| t.is(m)) {
            told.take(m);
            return;
        }
        let mut told = Told::new(m);
        told.take(m);
        self.contents.push((of, told));
    }

    fn exchange(&mut self) -> u32 {
        self.exchanges = self.exchanges.saturating_add(1);
        self.exchanges
    }

    fn state(&mut self, _: ConvId, _: (Dir, u64), side: Side, state: &'static State) {
        self.states.push((side, state.name));
    }

    fn inner(&mut self, b: &InnerBytes<'_>) {
        if let Some((conv, at)) = b.read_by {
            let stream = self.streams.entry((conv, b.key.1)).or_default();
            stream.resize(at as usize, b'?');
            stream.extend_from_slice(b.bytes);
        }
        self.inner.entry((b.conv, b.message.0, b.message.1, b.key.0, b.key.1)).or_default().extend_from_slice(b.bytes);
    }
}

/// Reads a script at a level.
#[must_use]
pub fn read(table: &'static [&'static Spec], script: &Script, level: Level) -> Record {
    let client = (IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), script.ports.0);
    let server = (IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)), script.ports.1);
    let start = Start {
        transport: script.transport,
        client: Some(client),
        server: Some(server),
        hint: script.proto.map_or(Hint::Probe, Hint::Proto),
        midstream: false,
        expected: None,
        inside: None,
    };
    let mut c = Conversation::new(ConvId { flow: 0, inner: 0 }, start, false);
    let cx = Context { table, level, secrets: &NoSecrets };
    let (mut s, mut record) = (Scratch::default(), Record::default());
    let mut ends = [0u64; 2];
    let mut last = Arrival::default();
    for step in &script.steps {
        match step {
            Step::Bytes(way, bytes, number) => {
                let from = Arrival { number: *number, time: i64::from(*number) * 1_000_000 };
                last = from;
                let Some(end) = ends.get_mut(*way) else { continue };
                let at = *end;
                *end = at.saturating_add(bytes.len() as u64);
                if script.transport == Transport::Udp {
                    c.datagram(*way, at, bytes, false, from, cx, &mut s, &mut record);
                } else {
                    c.push(*way, at, bytes, from, cx, &mut s, &mut record);
                }
            }
            Step::Gap(way, n) => {
                let Some(end) = ends.get_mut(*way) else { continue };
                let at = *end;
                *end = at.saturating_add(*n);
                c.gap(*way, at, *n, cx, &mut s, &mut record);
            }
            Step::End(way, how) => c.end(*way, *how, last, cx, &mut s, &mut record),
        }
        record.weight = record.weight.max(c.weight());
    }
    record
}

/// Cuts the bytes of step `index` in two at `at`; a cut inherits its packet's number and time.
#[must_use]
pub fn cut(script: &Script, index: usize, at: usize) -> Option<Script> {
    let mut cut = script.clone();
    let Step::Bytes(way, bytes, number) = cut.steps.get(index)?.clone() else { return None };
    if at == 0 || at >= bytes.len() {
        return None;
    }
    let (a, b) = bytes.split_at_checked(at)?;
    cut.steps.splice(index..=index, [Step::Bytes(way, a.to_vec(), number), Step::Bytes(way, b.to_vec(), number)]);
    Some(cut)
}

/// Every run of bytes cut into runs of `size`.
#[must_use]
pub fn cut_all(script: &Script, size: usize) -> Script {
    let mut cut = Script { steps: Vec::new(), ..script.clone() };
    for step in &script.steps {
        match step {
            Step::Bytes(way, bytes, number) => {
                cut.steps.extend(bytes.chunks(size.max(1)).map(|c| Step::Bytes(*way, c.to_vec(), *number)));
            }
            other => cut.steps.push(other.clone()),
        }
    }
    cut
}

/// What differs between two records, in words; `None` where nothing does.
#[must_use]
pub fn difference(a: &Record, b: &Record, nodes: bool) -> Option<String> {
    let mut words = String::new();
    if a.messages.len() != b.messages.len() {
        let _ = writeln!(words, "{} messages against {}", a.messages.len(), b.messages.len());
    }
    for (i, (x, y)) in a.messages.iter().zip(&b.messages).enumerate() {
        let mut y = y.clone();
        if !nodes {
            y.nodes.clone_from(&x.nodes);
        }
        if *x != y {
            let _ = writeln!(words, "message {i}:\n  {x:?}\n  {y:?}");
            break;
        }
    }
    if a.states != b.states {
        let _ = writeln!(words, "states {:?} against {:?}", a.states, b.states);
    }
    if nodes && a.contents != b.contents {
        let _ = writeln!(words, "contents differ:\n  {:?}\n  {:?}", a.contents, b.contents);
    }
    if nodes && a.inner != b.inner {
        let _ = writeln!(words, "inner bytes differ: {:?} against {:?}", a.inner.keys(), b.inner.keys());
    }
    (!words.is_empty()).then_some(words)
}

/// The chunking law: any cuts of the input give the same messages. Tries whole runs of 1 to 19 bytes and up to `most` single cuts.
///
/// # Errors
/// What differed, in words.
pub fn chunking(table: &'static [&'static Spec], script: &Script, most: usize) -> Result<(), String> {
    if script.transport == Transport::Udp {
        return Ok(());
    }
    let whole = read(table, script, Level::Tree);
    for size in (1..20).chain([64, 511, 1460]) {
        let cut = read(table, &cut_all(script, size), Level::Tree);
        if let Some(words) = difference(&whole, &cut, true) {
            return Err(format!("cut into runs of {size}: {words}"));
        }
    }
    let places: Vec<(usize, usize)> = script
        .steps
        .iter()
        .enumerate()
        .flat_map(|(i, s)| match s {
            Step::Bytes(_, b, _) => (1..b.len()).map(|at| (i, at)).collect::<Vec<_>>(),
            _ => Vec::new(),
        })
        .collect();
    let stride = places.len().div_ceil(most.max(1)).max(1);
    for (i, at) in places.into_iter().step_by(stride) {
        let Some(cut) = cut(script, i, at) else { continue };
        if let Some(words) = difference(&whole, &read(table, &cut, Level::Tree), true) {
            return Err(format!("step {i} cut at {at}: {words}"));
        }
    }
    Ok(())
}

/// The twice law: a reading for trees gives the same rows as one for rows.
///
/// # Errors
/// What differed, in words.
pub fn twice(table: &'static [&'static Spec], script: &Script) -> Result<(), String> {
    let (rows, tree) = (read(table, script, Level::Rows), read(table, script, Level::Tree));
    difference(&rows, &tree, false).map_or(Ok(()), |w| Err(format!("rows against tree: {w}")))
}

/// The span law: a child lies inside its parent and behind its elder sibling (or shares bytes with disjoint bits); every byte of the
/// message is covered by a leaf or known to be missing.
///
/// # Errors
/// Which node breaks it.
pub fn spans(told: &Told) -> Result<(), String> {
    let nodes = &told.nodes;
    let mut path: Vec<usize> = Vec::new();
    let mut elder: Vec<Option<usize>> = vec![None];
    for (i, n) in nodes.iter().enumerate() {
        while path.last().is_some_and(|p| nodes.get(*p).is_some_and(|p| p.end as usize <= i)) {
            path.pop();
            elder.pop();
        }
        if usize::from(n.depth) != path.len() {
            return Err(format!("{} has depth {} below {} groups", n.field.name, n.depth, path.len()));
        }
        if n.tie == Tie::Own {
            if let Some(p) = path.last().and_then(|p| nodes.get(*p))
                && p.tie == Tie::Own
                && p.span.buf == n.span.buf
                && !p.span.covers(&n.span)
            {
                return Err(format!("{} {:?} is not inside {} {:?}", n.field.name, n.span, p.field.name, p.span));
            }
            let before = elder.last().copied().flatten().and_then(|e| nodes.get(e)).filter(|e| e.span.buf == n.span.buf);
            if let Some(e) = before {
                let bits = match (e.span.bits, n.span.bits) {
                    (Some(a), Some(b)) => {
                        let start = |s: &wirelore_kit::Span, r: wirelore_kit::BitRange| {
                            s.at.saturating_mul(8).saturating_add(u64::from(r.first))
                        };
                        start(&e.span, a).saturating_add(u64::from(a.len)) <= start(&n.span, b)
                    }
                    _ => false,
                };
                if n.span.at < e.span.end() && !bits {
                    return Err(format!("{} {:?} overlaps {} {:?}", n.field.name, n.span, e.field.name, e.span));
                }
            }
            if let Some(last) = elder.last_mut() {
                *last = Some(i);
            }
        }
        if n.end as usize > i.saturating_add(1) {
            path.push(i);
            elder.push(None);
        }
    }
    let buf = nodes.iter().find(|n| n.tie == Tie::Own).map(|n| n.span.buf);
    let mut covered = told.at;
    for (i, n) in nodes.iter().enumerate() {
        let leaf = n.end as usize == i.saturating_add(1);
        if n.tie == Tie::Own && leaf && Some(n.span.buf) == buf {
            if n.span.at > covered {
                break;
            }
            covered = covered.max(n.span.end());
        }
    }
    let whole = told.at.saturating_add(told.len);
    let holes = told.notes.contains(&wirelore_kit::note::HOLE.name);
    if covered < whole && !holes {
        return Err(format!("bytes {covered}..{whole} of {} are covered by no field", told.summary));
    }
    Ok(())
}

/// The gap law: a hole anywhere makes no panic, keeps memory bounded and leaves messages that were complete before it as they were.
///
/// # Errors
/// What was lost.
pub fn gaps(table: &'static [&'static Spec], script: &Script, most: usize) -> Result<(), String> {
    if script.transport == Transport::Udp {
        return Ok(());
    }
    let whole = read(table, script, Level::Tree);
    let places: Vec<(usize, usize, usize)> = script
        .steps
        .iter()
        .enumerate()
        .flat_map(|(i, s)| match s {
            Step::Bytes(_, b, _) => (0..b.len()).map(|at| (i, at, b.len())).collect::<Vec<_>>(),
            _ => Vec::new(),
        })
        .collect();
    let stride = places.len().div_ceil(most.max(1)).max(1);
    for (n, (i, at, len)) in places.into_iter().step_by(stride).enumerate() {
        let size = 1usize.checked_shl((n % 11) as u32).unwrap_or(1).min(len.saturating_sub(at)).max(1);
        let Some(Step::Bytes(way, bytes, number)) = script.steps.get(i) else { continue };
        let mut holed = script.clone();
        let (before, behind) = (bytes.get(..at).unwrap_or(&[]), bytes.get(at.saturating_add(size)..).unwrap_or(&[]));
        holed.steps.splice(
            i..=i,
            [
                Step::Bytes(*way, before.to_vec(), *number),
                Step::Gap(*way, size as u64),
                Step::Bytes(*way, behind.to_vec(), *number),
            ],
        );
        let read = read(table, &holed, Level::Tree);
        // Windows of decompressors may stay filled (16 MiB at most) where the whole script had let go of them.
        if read.weight > whole.weight.saturating_add(17 << 20) {
            return Err(format!("hole of {size} at {at} in step {i}: {} bytes of memory", read.weight));
        }
        let hole = stream_offset(script, i, *way).saturating_add(at as u64);
        let way_of = |d: Dir| if d == Dir::ToServer { 0 } else { 1 };
        for m in whole.messages.iter().filter(|m| m.conv.inner == 0 && m.state == MessageState::Whole) {
            let complete =
                m.packets.1 < *number || (way_of(m.dir) == *way && m.packets.1 == *number && m.at.saturating_add(m.len) <= hole);
            if complete
                && !read
                    .messages
                    .iter()
                    .any(|r| r.dir == m.dir && r.at == m.at && r.len == m.len && r.summary == m.summary && r.cells == m.cells)
            {
                return Err(format!("hole of {size} at {at} in step {i}: lost the complete message {:?} at {}", m.summary, m.at));
            }
        }
    }
    Ok(())
}

fn stream_offset(script: &Script, index: usize, way: usize) -> u64 {
    script.steps.iter().take(index).fold(0, |n, s| match s {
        Step::Bytes(w, b, _) if *w == way => n.saturating_add(b.len() as u64),
        Step::Gap(w, g) if *w == way => n.saturating_add(*g),
        _ => n,
    })
}

/// The probe law: verdicts are prefix-stable for these first bytes. A datagram comes whole, so that its length may count; nothing is asked of those.
///
/// # Errors
/// Which protocol changed its mind.
pub fn prefix_stable(
    table: &'static [&'static Spec],
    to_server: &[u8],
    to_client: &[u8],
    ports: (u16, u16),
    transport: Transport,
) -> Result<(), String> {
    use wirelore_kit::{Peek, Verdict};
    if transport == Transport::Udp {
        return Ok(());
    }
    for spec in table {
        let mut said = Verdict::More;
        for n in 0..=to_server.len().max(to_client.len()).min(crate::identify::PEEK) {
            let peek = Peek {
                to_server: to_server.get(..n).unwrap_or(to_server),
                to_client: to_client.get(..n).unwrap_or(to_client),
                transport,
                client_port: ports.0,
                server_port: ports.1,
                ended: false,
            };
            let now = (spec.probe)(&peek);
            if said != Verdict::More && now != said {
                return Err(format!("{} said {said:?} and with {n} bytes {now:?}", spec.name));
            }
            said = now;
        }
    }
    Ok(())
}

/// All laws of messages at once.
///
/// # Errors
/// The first law that was broken, in words.
pub fn all(table: &'static [&'static Spec], script: &Script, most: usize) -> Result<(), String> {
    chunking(table, script, most)?;
    twice(table, script)?;
    let whole = read(table, script, Level::Tree);
    for m in whole.messages.iter().chain(whole.contents.iter().map(|(_, m)| m)) {
        spans(m)?;
    }
    gaps(table, script, most)
}

/// A record as text, for goldens: a line for each message, its nodes below it.
#[must_use]
pub fn transcript(record: &Record) -> String {
    let mut t = String::new();
    for m in record.messages.iter().chain(record.contents.iter().map(|(_, m)| m)) {
        let arrow = if m.dir == Dir::ToServer { '>' } else { '<' };
        let _ = write!(t, "{arrow} {} {}+{} {:?}: {}", m.proto, m.at, m.len, m.state, m.summary);
        if let Some((e, asks)) = m.exchange {
            let _ = write!(t, " [{} {e}]", if asks { "asks" } else { "answers" });
        }
        t.push('\n');
        for n in &m.nodes {
            let indent = "  ".repeat(usize::from(n.depth).saturating_add(1));
            let tie = match n.tie {
                Tie::Own => "",
                Tie::Derived => " (derived)",
                Tie::Refer => " (refers)",
            };
            let value = match &n.value {
                Value::Span => String::new(),
                v => format!(" = {}", wirelore_kit::value::display(n.field, v, &[])),
            };
            let bits = n.span.bits.map_or(String::new(), |b| format!(" bits {}+{}", b.first, b.len));
            let _ = writeln!(t, "{indent}{}{value} @{}+{}{bits}{tie}", n.field.name, n.span.at, n.span.len);
        }
        for n in &m.notes {
            let _ = writeln!(t, "  ! {n}");
        }
    }
    for (side, state) in &record.states {
        let _ = writeln!(t, "{side:?} is {state}");
    }
    for ((conv, _, at, key, dir), bytes) in &record.inner {
        let _ = writeln!(t, "inner {}.{key} of message at {at} {dir:?}: {} bytes", conv.inner, bytes.len());
    }
    t
}
