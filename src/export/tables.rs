//! Statistics as tables of text, laid out as tshark's `-z` prints them, so that what reads those reads these.

use std::fmt::Write as _;
use std::net::IpAddr;
use wirelore_store::between::{Between, Parties};
use wirelore_store::stats::Traffic;

/// Nanoseconds of a second.
const SECOND: i128 = 1_000_000_000;

/// A table of what went between whom. `start` is the time of the capture's first packet, nanoseconds since the epoch.
#[must_use]
pub fn conversations(rows: &[Between], parties: Parties, filter: &str, start: i64) -> String {
    let (line, ports) = ("=".repeat(80), matches!(parties, Parties::Connections(_)));
    let width = if ports { 26 } else { 20 };
    let mut out = format!("{line}\n{} Conversations\nFilter:{}\n", name(parties), said(filter));
    let pad = " ".repeat(2 * width + 7);
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{pad}|       <-      | |       ->      | |     Total     |    Relative    |   Duration   |");
    let _ = writeln!(out, "{pad}| Frames  Bytes | | Frames  Bytes | | Frames  Bytes |      Start     |              |");
    for r in rows {
        let [a, b] = r.ends.map(|e| if ports { format!("{}:{}", e.ip, e.port) } else { e.ip.to_string() });
        let [there, back] = r.sent;
        let _ = writeln!(
            out,
            "{a:<width$} <-> {b:<width$} {} {} {} {:>14} {:>14}",
            cell(back),
            cell(there),
            cell(r.both()),
            seconds(i128::from(r.time.0) - i128::from(start), 9),
            seconds(i128::from(r.time.1) - i128::from(r.time.0), 4),
        );
    }
    out.push_str(&line);
    out.push('\n');
    out
}

fn cell(t: Traffic) -> String {
    format!("{:>9} {:<11}", t.packets, size(t.bytes))
}

fn said(filter: &str) -> &str {
    if filter.is_empty() { "<No Filter>" } else { filter }
}

const fn name(parties: Parties) -> &'static str {
    match parties {
        Parties::Addresses { v6: false } => "IPv4",
        Parties::Addresses { v6: true } => "IPv6",
        Parties::Connections(wirelore_kit::Transport::Tcp) => "TCP",
        Parties::Connections(wirelore_kit::Transport::Udp) => "UDP",
        Parties::Connections(_) => "Other",
    }
}

/// Bytes as tshark writes them: whole units once there are ten of them.
fn size(bytes: u64) -> String {
    let units = [(1_000_000_000_000, "TB"), (1_000_000_000, "GB"), (1_000_000, "MB"), (1000, "kB")];
    match units.into_iter().find(|(of, _)| bytes / of >= 10) {
        Some((of, unit)) => format!("{} {unit}", bytes / of),
        None => format!("{bytes} bytes"),
    }
}

fn seconds(ns: i128, digits: usize) -> String {
    let (sign, ns) = if ns < 0 { ("-", ns.unsigned_abs()) } else { ("", ns.unsigned_abs()) };
    // Rounded as printf does it.
    let step = 10u128.pow(9u32.saturating_sub(digits as u32));
    let ns = (ns + step / 2) / step * step;
    let (whole, fraction) = (ns / SECOND.unsigned_abs(), ns % SECOND.unsigned_abs());
    let fraction = format!("{fraction:09}");
    format!("{sign}{whole}.{}", fraction.get(..digits).unwrap_or(&fraction))
}

/// One party: what it sent and what it got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    /// Its address.
    pub ip: IpAddr,
    /// Its port, where ports are told apart.
    pub port: Option<u16>,
    /// What it sent.
    pub sent: Traffic,
    /// What was sent to it.
    pub received: Traffic,
}

impl Endpoint {
    /// Packets and bytes both ways.
    #[must_use]
    pub fn both(&self) -> Traffic {
        sum(self.sent, self.received)
    }
}

const fn sum(a: Traffic, b: Traffic) -> Traffic {
    Traffic { packets: a.packets.saturating_add(b.packets), bytes: a.bytes.saturating_add(b.bytes) }
}

/// The parties of what went between them, most packets first.
#[must_use]
pub fn endpoints_of(rows: &[Between], parties: Parties) -> Vec<Endpoint> {
    let ports = matches!(parties, Parties::Connections(_));
    let mut at: hashbrown::HashMap<(IpAddr, Option<u16>), usize> = hashbrown::HashMap::new();
    let mut out: Vec<Endpoint> = Vec::new();
    for row in rows {
        let [a, b] = row.ends;
        let [from_a, from_b] = row.sent;
        for (end, sent, received) in [(a, from_a, from_b), (b, from_b, from_a)] {
            let port = ports.then_some(end.port);
            let i = *at.entry((end.ip, port)).or_insert_with(|| {
                out.push(Endpoint { ip: end.ip, port, sent: Traffic::default(), received: Traffic::default() });
                out.len() - 1
            });
            if let Some(e) = out.get_mut(i) {
                (e.sent, e.received) = (sum(e.sent, sent), sum(e.received, received));
            }
        }
    }
    out.sort_by_key(|e| std::cmp::Reverse(e.both().packets));
    out
}

/// A table of parties.
#[must_use]
pub fn endpoints(rows: &[Endpoint], parties: Parties, filter: &str) -> String {
    let line = "=".repeat(80);
    let ports = matches!(parties, Parties::Connections(_));
    let mut out = format!("{line}\n{} Endpoints\nFilter:{}\n", name(parties), said(filter));
    let port = if ports { "|  Port  |" } else { "" };
    let _ = writeln!(out, "{:23}{port}|  Packets  | |  Bytes  | | Tx Packets | | Tx Bytes | | Rx Packets | | Rx Bytes |", "");
    for e in rows {
        let both = e.both();
        let port = e.port.map_or_else(String::new, |p| format!("{p:>10}"));
        let _ = writeln!(
            out,
            "{:<20}{port}     {:>10}    {:>10}     {:>10}      {:>10}     {:>10}      {:>10}   ",
            e.ip.to_string(),
            both.packets,
            both.bytes,
            e.sent.packets,
            e.sent.bytes,
            e.received.packets,
            e.received.bytes,
        );
    }
    out.push_str(&line);
    out.push('\n');
    out
}

/// Packets and bytes in slices of time, a column for each filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OverTime {
    /// Length of a slice, nanoseconds.
    pub step: i64,
    /// From the first packet to the last, nanoseconds.
    pub duration: i64,
    /// What each column counts; empty for every packet.
    pub columns: Vec<String>,
    /// Slices, each with a cell for each column.
    pub slices: Vec<Vec<Traffic>>,
}

/// A table of traffic over time.
#[must_use]
pub fn over_time(t: &OverTime) -> String {
    let digits = if t.step % 1_000_000_000 == 0 { 0 } else { decimals(t.step) };
    let at = |ns: i128| if digits == 0 { (ns / SECOND).to_string() } else { seconds(ns, digits) };
    let step = i128::from(t.step.max(1));
    let last = at(step * t.slices.len() as i128).len().max(3);
    let width = |f: fn(&Traffic) -> u64, least: usize| {
        t.slices.iter().flatten().map(|c| f(c).to_string().len()).max().unwrap_or(0).max(least)
    };
    let (frames, bytes) = (width(|c| c.packets, 6), width(|c| c.bytes, 5));
    let interval = (2 * last + 4).max(8);
    let row_len = interval + 4 + t.columns.len() * (frames + bytes + 6);
    let rule = |c: &str| c.repeat(row_len + 1);
    let mut out = format!("\n{}\n", rule("="));
    let mut head = |text: &str| {
        let _ = writeln!(out, "| {text:<w$}|", w = row_len - 2);
    };
    head("IO Statistics");
    head("");
    head(&format!("Duration: {} secs", seconds(t.duration.into(), 9).trim_end_matches('0').trim_end_matches('.')));
    head(&format!("Interval: {} secs", seconds(t.step.into(), 9).trim_end_matches('0').trim_end_matches('.')));
    head("");
    for (i, c) in t.columns.iter().enumerate() {
        let text = if c.is_empty() { "Frames and bytes" } else { c };
        head(&if i == 0 { format!("Col {}: {text}", i + 1) } else { format!("    {}: {text}", i + 1) });
    }
    let _ = writeln!(out, "|{}|", "-".repeat(row_len - 1));
    let _ = write!(out, "| {:interval$} |", "");
    for i in 0..t.columns.len() {
        let _ = write!(out, "{:<w$}|", i + 1, w = frames + bytes + 5);
    }
    let _ = write!(out, "\n| {:<interval$} |", "Interval");
    for _ in &t.columns {
        let _ = write!(out, " {:>frames$} | {:>bytes$} |", "Frames", "Bytes");
    }
    let _ = writeln!(out, "\n|{}|", "-".repeat(row_len - 1));
    for (i, slice) in t.slices.iter().enumerate() {
        let from = step * i as i128;
        let to = if i + 1 == t.slices.len() { "Dur".to_owned() } else { at(from + step) };
        let _ = write!(out, "| {:<interval$} |", format!("{:>last$} <> {to:<last$}", at(from)));
        for c in slice {
            let _ = write!(out, " {:>frames$} | {:>bytes$} |", c.packets, c.bytes);
        }
        out.push('\n');
    }
    out.push_str(&rule("="));
    out.push('\n');
    out
}

/// How many decimals a number of nanoseconds has as seconds.
fn decimals(ns: i64) -> usize {
    let text = format!("{:09}", ns.unsigned_abs() % 1_000_000_000);
    text.trim_end_matches('0').len()
}

/// A protocol of the hierarchy: what it is inside of, how many packets had it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stack {
    /// Its name, as `frame.protocols` writes it.
    pub name: String,
    /// Packets that have it in this place, and their bytes.
    pub traffic: Traffic,
    /// What stands in it, in the order of appearance.
    pub inside: Vec<Stack>,
}

impl Stack {
    /// Counts a packet by its protocols, outermost first.
    pub fn count<'a>(&mut self, protocols: impl IntoIterator<Item = &'a str>, bytes: u64) {
        let mut here = self;
        for name in protocols {
            let at = here.inside.iter().position(|s| s.name == name).unwrap_or_else(|| {
                here.inside.push(Stack { name: name.to_owned(), ..Stack::default() });
                here.inside.len() - 1
            });
            let Some(next) = here.inside.get_mut(at) else { return };
            next.traffic = sum(next.traffic, Traffic { packets: 1, bytes });
            here = next;
        }
    }
}

/// The hierarchy of protocols.
#[must_use]
pub fn hierarchy(root: &Stack, filter: &str) -> String {
    let line = "=".repeat(67);
    let mut out = format!("\n{line}\nProtocol Hierarchy Statistics\nFilter: {filter}\n\n");
    // By hand, not by calls: a packet may nest protocols as deep as its sender likes.
    let mut open: Vec<(usize, &Stack)> = root.inside.iter().rev().map(|s| (0, s)).collect();
    while let Some((depth, s)) = open.pop() {
        let head = format!("{}{}", "  ".repeat(depth), s.name);
        let _ = writeln!(out, "{head:<40} frames:{} bytes:{}", s.traffic.packets, s.traffic.bytes);
        open.extend(s.inside.iter().rev().map(|s| (depth + 1, s)));
    }
    out.push_str(&line);
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_change_their_unit_at_ten_of_it() {
        assert_eq!([0, 9_999, 10_000, 9_999_999, 10_000_000].map(size), ["0 bytes", "9999 bytes", "10 kB", "9999 kB", "10 MB"]);
    }

    #[test]
    fn a_hierarchy_counts_a_packet_at_each_depth() {
        let mut root = Stack::default();
        root.count(["eth", "ip", "tcp", "http"], 100);
        root.count(["eth", "ip", "tcp"], 60);
        root.count(["eth", "arp"], 42);
        let text = hierarchy(&root, "");
        let eth = text.find("eth                                      frames:3 bytes:202").expect("eth");
        assert!(text.find("      http                               frames:1 bytes:100").expect("http") > eth);
        assert!(text.contains("  arp                                    frames:1 bytes:42"));
    }

    #[test]
    fn seconds_keep_their_sign_and_digits() {
        assert_eq!((seconds(-1_500_000_000, 4), seconds(1, 9)), ("-1.5000".into(), "0.000000001".into()));
        assert_eq!((seconds(29_850_000, 4), seconds(999_960_000, 4)), ("0.0299".into(), "1.0000".into()));
    }
}
