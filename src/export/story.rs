//! What is in this capture, in plain words: the first thing a person wants to know.

use hashbrown::HashMap;
use std::collections::BTreeMap;
use wirelore_kit::row::NONE;
use wirelore_kit::{F, Flags, Role, Severity, Transport, value, verdict};
use wirelore_store::{CellView, FlowFlags, Snapshot};

/// A capture in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Story {
    /// One or two sentences: how much, how long, when.
    pub lead: String,
    /// Parts with a heading and their lines.
    pub parts: Vec<(String, Vec<String>)>,
}

/// A number with thin groups of three: `12 034`.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, d) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(d);
    }
    out
}

pub(crate) fn bytes(n: u64) -> String {
    let units = ["bytes", "kB", "MB", "GB", "TB"];
    let mut v = n as f64;
    let mut unit = 0;
    while v >= 1000.0 && unit + 1 < units.len() {
        v /= 1000.0;
        unit += 1;
    }
    let name = units.get(unit).copied().unwrap_or("");
    if unit == 0 {
        format!("{n} {name}")
    } else if v < 10.0 {
        format!("{v:.1} {name}")
    } else {
        format!("{v:.0} {name}")
    }
}

pub(crate) fn plural(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

#[derive(Default)]
struct Proto {
    messages: u64,
    asks: u64,
    answers: u64,
    methods: Names,
    /// How often, and what the number means.
    statuses: BTreeMap<u64, (u64, &'static str)>,
    hosts: Names,
}

/// How often names were met.
#[derive(Default)]
struct Names {
    counts: HashMap<Box<[u8]>, u64>,
    /// The name met last, and how often in a row: most messages say what the one before said.
    last: Vec<u8>,
    run: u64,
}

/// At most so many different names are counted for one protocol.
const MOST_NAMES: usize = 10_000;

impl Names {
    fn met(&mut self, name: &[u8]) {
        if self.run == 0 || self.last != name {
            self.end_run();
            self.last.clear();
            self.last.extend_from_slice(name);
        }
        self.run += 1;
    }

    fn end_run(&mut self) {
        let run = std::mem::take(&mut self.run);
        if run == 0 {
            return;
        }
        if let Some(n) = self.counts.get_mut(self.last.as_slice()) {
            *n += run;
        } else if self.counts.len() < MOST_NAMES {
            self.counts.insert(self.last.as_slice().into(), run);
        }
    }

    fn counts(mut self) -> HashMap<Box<[u8]>, u64> {
        self.end_run();
        self.counts
    }
}

fn most(map: &HashMap<Box<[u8]>, u64>, n: usize) -> String {
    let mut list: Vec<(String, u64)> = map.iter().map(|(k, v)| (crate::text::safe(k), *v)).collect();
    list.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut words: Vec<String> = list.iter().take(n).map(|(k, v)| format!("{k} ({})", count(*v))).collect();
    if list.len() > n {
        words.push(format!("{} more", count((list.len() - n) as u64)));
    }
    words.join(", ")
}

/// Tells the story of a snapshot.
#[must_use]
pub fn tell(s: &Snapshot) -> Story {
    let mut story = Story { lead: lead(s), parts: Vec::new() };
    let facts = s.facts();
    let mut source: Vec<String> = Vec::new();
    for (i, f) in facts.interfaces.iter().enumerate() {
        let name = if f.name.is_empty() { format!("interface {}", i + 1) } else { f.name.clone() };
        let dropped = f.dropped.filter(|d| *d > 0).map_or(String::new(), |d| format!(", {} dropped while recording", count(d)));
        source.push(format!("{name}: link type {}{dropped}", f.link_type));
    }
    if !facts.recorded_by.is_empty() {
        source.push(format!("recorded by {}", facts.recorded_by));
    }
    if facts.secrets > 0 {
        source.push(format!("holds decryption keys in {}", plural(facts.secrets, "block", "blocks")));
    }
    source.extend(facts.comments.iter().map(|c| format!("comment: {}", crate::text::safe(c.as_bytes()))));
    if !source.is_empty() {
        story.parts.push(("Source".into(), source));
    }
    if !facts.damages.is_empty() {
        let lines = facts
            .damages
            .iter()
            .take(20)
            .map(|d| format!("at byte {}: {}. {} {}", count(d.offset), d.what, d.why, d.what_to_do).trim().to_owned())
            .chain((facts.damages.len() > 20).then(|| format!("and {} more", facts.damages.len() - 20)))
            .collect();
        story.parts.push(("The file itself".into(), lines));
    }
    story.parts.push(("Conversations".into(), conversations(s)));
    let processes = crate::processes::lines(s);
    if !processes.is_empty() {
        story.parts.push(("Processes".into(), processes));
    }
    story.parts.extend(protocols(s));
    let trouble = trouble(s);
    if !trouble.is_empty() {
        story.parts.push(("Worth a look".into(), trouble));
    }
    story.parts.retain(|(_, lines)| !lines.is_empty());
    story
}

fn lead(s: &Snapshot) -> String {
    let n = u64::from(s.packets());
    if n == 0 {
        return "No packets.".into();
    }
    let mut lead = format!("{}, {}", plural(n, "packet", "packets"), bytes(s.packet_table().wire_bytes()));
    if let Some((first, last)) = s.packet_table().times() {
        let mut d = String::new();
        // Writing to a String cannot fail.
        let _ = value::write_duration(&mut d, last.saturating_sub(first));
        lead.push_str(&format!(", over {d}, from {}", crate::time::utc(first)));
    }
    lead.push('.');
    lead
}

/// What carries a flow, in a word.
const fn kind(transport: Transport, ip_proto: u8) -> &'static str {
    match transport {
        Transport::Tcp => "TCP",
        Transport::Udp => "UDP",
        Transport::Other => match ip_proto {
            1 => "ICMP",
            2 => "IGMP",
            58 => "ICMPv6",
            132 => "SCTP",
            _ => "other",
        },
    }
}

fn conversations(s: &Snapshot) -> Vec<String> {
    // By numbers first: this looks at every flow.
    let mut numbers: BTreeMap<(Transport, u8, Option<u16>), (u64, u64)> = BTreeMap::new();
    let mut hosts: Vec<bool> = Vec::new();
    let mut addresses = 0u64;
    for f in s.each_flow() {
        let e = numbers.entry((f.transport, f.ip_proto, f.protocol())).or_default();
        e.0 += 1;
        e.1 = e.1.saturating_add(f.bytes.iter().sum());
        for host in f.host_numbers() {
            let at = host as usize;
            if hosts.len() <= at && host != NONE {
                hosts.resize(at + 1, false);
            }
            if let Some(met) = hosts.get_mut(at) {
                addresses += u64::from(!std::mem::replace(met, true));
            }
        }
    }
    let mut lines: Vec<String> = Vec::new();
    if addresses > 0 {
        lines.push(format!(
            "{} between {}",
            plural(u64::from(s.flows()), "conversation", "conversations"),
            plural(addresses, "address", "addresses")
        ));
    }
    let mut kinds: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
    for ((transport, ip_proto, protocol), (n, size)) in numbers {
        let e = kinds.entry((kind(transport, ip_proto), protocol.map_or("", |p| s.schema().protocol_label(p)))).or_default();
        e.0 += n;
        e.1 = e.1.saturating_add(size);
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by(|a, b| b.1.0.cmp(&a.1.0).then(a.0.cmp(&b.0)));
    for ((kind, proto), (n, size)) in kinds {
        let what = if proto.is_empty() { kind.to_owned() } else { format!("{proto} over {kind}") };
        lines.push(format!("{} × {what}, {}", count(n), bytes(size)));
    }
    let mut tunnels: BTreeMap<u16, u64> = BTreeMap::new();
    for f in s.each_flow().filter(|f| !s.tunnel(f.tunnel).is_empty()) {
        *tunnels.entry(f.tunnel).or_default() += 1;
    }
    for (tunnel, n) in tunnels.iter().take(20) {
        lines.push(format!("{} inside a tunnel: {}", count(*n), s.tunnel(*tunnel)));
    }
    if tunnels.len() > 20 {
        lines.push(format!("and {} more tunnels", tunnels.len() - 20));
    }
    lines
}

fn protocols(s: &Snapshot) -> Vec<(String, Vec<String>)> {
    let mut protos: BTreeMap<u16, Proto> = BTreeMap::new();
    for (id, m) in s.each_message().filter(|(_, m)| !m.withdrawn) {
        let p = protos.entry(m.protocol).or_default();
        p.messages += 1;
        // An answer often repeats what it answers: that is not asked again.
        let mut answers = false;
        if m.exchange != NONE
            && let Some(e) = s.exchange(m.exchange)
        {
            answers = e.ask != id;
            if answers { p.answers += 1 } else { p.asks += 1 }
        }
        let wanted = |f: F| f.role.is_some() && !f.flags.has(Flags::SECRET);
        s.each_cell(id, wanted, |f, cell| match (f.role, cell) {
            (Some(Role::Method), _) if answers => {}
            (Some(Role::Method), CellView::Text(t)) => p.methods.met(t),
            (Some(Role::Method), CellView::U64(n)) => match f.name_of(n) {
                Some(name) => p.methods.met(name.as_bytes()),
                None => p.methods.met(n.to_string().as_bytes()),
            },
            (Some(Role::Status), CellView::U64(n)) if p.statuses.len() < MOST_NAMES => {
                let (count, name) = p.statuses.entry(n).or_default();
                *count += 1;
                *name = f.name_of(n).unwrap_or_default();
            }
            (Some(Role::Authority), CellView::Text(t)) => p.hosts.met(t),
            _ => {}
        });
    }
    protos
        .into_iter()
        .map(|(proto, p)| {
            let mut first = plural(p.messages, "message", "messages");
            if p.asks + p.answers > 0 {
                first.push_str(&format!(
                    ": {} and {}",
                    plural(p.asks, "question", "questions"),
                    plural(p.answers, "answer", "answers")
                ));
            }
            let mut lines = vec![first];
            for (title, map) in [("asks", p.methods.counts()), ("hosts", p.hosts.counts())] {
                if !map.is_empty() {
                    lines.push(format!("{title}: {}", most(&map, 8)));
                }
            }
            if !p.statuses.is_empty() {
                let list =
                    p.statuses.iter().map(|(k, (n, name))| (format!("{k} {name}").trim_end().as_bytes().into(), *n)).collect();
                lines.push(format!("outcomes: {}", most(&list, 8)));
            }
            (s.schema().protocol_label(proto).to_owned(), lines)
        })
        .collect()
}

fn trouble(s: &Snapshot) -> Vec<String> {
    let mut lines = Vec::new();
    let mut counts: Vec<(&str, u64)> = verdict::ALL.iter().filter(|v| v.trouble).map(|v| (v.label, 0)).collect();
    let mask = verdict::trouble();
    for p in s.packet_table().with_bits(mask) {
        for (v, c) in verdict::ALL.iter().filter(|v| v.trouble).zip(counts.iter_mut()) {
            c.1 += u64::from(p.bits & v.bit != 0);
        }
    }
    lines.extend(counts.iter().filter(|(_, n)| *n > 0).map(|(label, n)| format!("{label}: {}", plural(*n, "packet", "packets"))));
    let gaps = s.each_flow().filter(|f| f.flags.has(FlowFlags::GAPS)).count() as u64;
    if gaps > 0 {
        lines.push(format!("bytes are missing from {}", plural(gaps, "conversation", "conversations")));
    }
    let mut notes: Vec<_> = s.note_counts().iter().filter(|n| n.note.severity >= Severity::Warn).collect();
    notes.sort_by_key(|n| (std::cmp::Reverse(n.note.severity), std::cmp::Reverse(n.count)));
    lines.extend(notes.iter().take(12).map(|n| format!("{} ({} ×)", n.note.label, count(n.count))));
    if s.facts().dropped > 0 {
        lines.push(format!("{} dropped by the recorder", plural(s.facts().dropped, "packet was", "packets were")));
    }
    lines
}

impl Story {
    /// As plain text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = format!("{}\n", self.lead);
        for (title, lines) in &self.parts {
            out.push_str(&format!("\n{title}\n"));
            for l in lines {
                out.push_str(&format!("  {l}\n"));
            }
        }
        out
    }
}
