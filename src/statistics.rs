//! `wirelore stats`: conversations, endpoints, the hierarchy of protocols, traffic over time, findings and lengths of packets, as tshark's `-z`
//! asks for them and prints them.

use crate::cli::{From, exit};
use crate::filtered;
use crate::reading::{self, Failure};
use crate::session::Session;
use clap::Args;
use serde_json::{Value, json};
use std::io::Write;
use wirelore_export::tables::{self, OverTime, Stack};
use wirelore_kit::{Severity, Transport, verdict};
use wirelore_store::between::{Between, Parties, between};
use wirelore_store::query::Rows;
use wirelore_store::stats::{Traffic, time_range};
use wirelore_store::{Snapshot, Work};

/// What can be asked for, and what it is.
pub const KINDS: [(&str, &str); 13] = [
    ("conv,ip[,FILTER]", "conversations between IPv4 addresses"),
    ("conv,ipv6[,FILTER]", "conversations between IPv6 addresses"),
    ("conv,tcp[,FILTER]", "TCP connections"),
    ("conv,udp[,FILTER]", "UDP conversations"),
    ("endpoints,ip[,FILTER]", "IPv4 addresses and what they sent and got"),
    ("endpoints,ipv6[,FILTER]", "IPv6 addresses"),
    ("endpoints,tcp[,FILTER]", "TCP ports of addresses"),
    ("endpoints,udp[,FILTER]", "UDP ports of addresses"),
    ("io,phs[,FILTER]", "the hierarchy of protocols"),
    ("io,stat,SECONDS[,FILTER]...", "packets and bytes over time, a column for each filter"),
    ("expert[,SEVERITY]", "what was found wrong or worth a look, and how often"),
    ("plen,tree[,FILTER]", "lengths of packets"),
    ("protocols", "messages and bytes of each protocol, as Wirelore counts them"),
];

/// `wirelore stats`.
#[derive(Debug, Args)]
pub struct Stats {
    /// Where from.
    #[command(flatten)]
    pub from: From,
    /// Which, in tshark's words: `conv,tcp`, `endpoints,ip`, `io,phs`, `io,stat,1,http`, `expert`, `plen,tree`. May be given several times.
    #[arg(short = 'z', value_name = "STATISTICS", required = true)]
    pub which: Vec<String>,
    /// As JSON, a line for each.
    #[arg(long)]
    pub json: bool,
    /// Nothing but the tables: no progress on standard error.
    #[arg(short, long)]
    pub quiet: bool,
}

/// One statistic that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Conversations(Parties),
    Endpoints(Parties),
    Hierarchy,
    OverTime(i64),
    Expert(Severity),
    Lengths,
    Protocols,
}

/// A statistic with the filters of its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    kind: Kind,
    filters: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// What stopped it.
pub fn run(args: &Stats) -> Result<(), Failure> {
    let asked = args.which.iter().map(|z| read(z)).collect::<Result<Vec<_>, _>>()?;
    let mut session = reading::open(&args.from, false)?;
    reading::finish(&mut session, args.quiet)?;
    let mut out = std::io::stdout().lock();
    for a in &asked {
        let made = make(&session, a)?;
        let text = if args.json { format!("{}\n", made.json) } else { made.text };
        out.write_all(text.as_bytes()).map_err(|e| Failure::write(&e))?;
    }
    out.flush().map_err(|e| Failure::write(&e))?;
    drop(out);
    reading::tell_damage(&session);
    Ok(())
}

/// Reads `conv,tcp,FILTER` and the like.
///
/// # Errors
/// What is wrong with it, and what there is.
pub fn read(text: &str) -> Result<Asked, Failure> {
    let (head, rest) = split(text);
    let (second, third) = split(rest);
    let parties = || match second {
        "ip" => Some(Parties::Addresses { v6: false }),
        "ipv6" => Some(Parties::Addresses { v6: true }),
        "tcp" => Some(Parties::Connections(Transport::Tcp)),
        "udp" => Some(Parties::Connections(Transport::Udp)),
        _ => None,
    };
    let one = |kind: Kind, filter: &str| Asked {
        kind,
        filters: Some(filter.trim().to_owned()).filter(|f| !f.is_empty()).into_iter().collect(),
    };
    let asked = match (head, second) {
        ("conv", _) => parties().map(|p| one(Kind::Conversations(p), third)),
        ("endpoints" | "host" | "hosts", _) => parties().map(|p| one(Kind::Endpoints(p), third)),
        ("io", "phs") => Some(one(Kind::Hierarchy, third)),
        ("io", "stat") => {
            let (seconds, filters) = split(third);
            let step = seconds.trim().parse::<f64>().ok().filter(|s| s.is_finite() && *s >= 0.0);
            // As tshark: 0 is all of it in one slice.
            let step = step.map(|s| if s == 0.0 { i64::MAX } else { ((s * 1e9) as i64).max(1000) });
            let filters = filters.split(',').map(str::trim).filter(|f| !f.is_empty()).map(str::to_owned).collect();
            step.map(|s| Asked { kind: Kind::OverTime(s), filters })
        }
        ("expert", "" | "chat") => Some(one(Kind::Expert(Severity::Chat), third)),
        ("expert", "note") => Some(one(Kind::Expert(Severity::Note), third)),
        ("expert", "warn") => Some(one(Kind::Expert(Severity::Warn), third)),
        ("expert", "error") => Some(one(Kind::Expert(Severity::Error), third)),
        ("plen", "tree") => Some(one(Kind::Lengths, third)),
        ("protocols", "") => Some(one(Kind::Protocols, "")),
        _ => None,
    };
    asked.ok_or_else(|| {
        let known: Vec<String> = KINDS.iter().map(|(k, what)| format!("  {k:<30} {what}")).collect();
        Failure { text: format!("-z {text}: there is no such statistic. There are:\n{}", known.join("\n")), code: exit::OPTION }
    })
}

fn split(text: &str) -> (&str, &str) {
    text.split_once(',').unwrap_or((text, ""))
}

/// A statistic, written.
pub struct Made {
    /// As tshark prints it.
    pub text: String,
    /// As an object.
    pub json: Value,
}

/// Counts, and writes what was counted.
///
/// # Errors
/// A filter that is none; what stopped the reading.
pub fn make(session: &Session, asked: &Asked) -> Result<Made, Failure> {
    let s = session.store.snapshot();
    let work = Work::new();
    let filter = asked.filters.first().map_or("", String::as_str);
    let chosen = |text: &str| -> Result<Option<Vec<u32>>, Failure> {
        if text.is_empty() { Ok(None) } else { filtered::rows(session, text, Rows::Packets, &work).map(Some) }
    };
    let start = s.packet(0).map_or(0, |p| p.time);
    match asked.kind {
        Kind::Conversations(parties) => {
            let rows = between(&s, parties, chosen(filter)?.as_deref(), &work).unwrap_or_default();
            let json = json!({"conversations": rows.iter().map(|r| conversation(r, parties, start)).collect::<Vec<_>>(), "filter": filter});
            Ok(Made { text: tables::conversations(&rows, parties, filter, start), json })
        }
        Kind::Endpoints(parties) => {
            let rows = between(&s, parties, chosen(filter)?.as_deref(), &work).unwrap_or_default();
            let rows = tables::endpoints_of(&rows, parties);
            let each = rows.iter().map(|e| {
                let mut o = json!({"address": e.ip.to_string(), "sent": traffic(e.sent), "received": traffic(e.received)});
                if let (Some(port), Some(o)) = (e.port, o.as_object_mut()) {
                    o.insert("port".into(), port.into());
                }
                o
            });
            let json = json!({"endpoints": each.collect::<Vec<_>>(), "filter": filter});
            Ok(Made { text: tables::endpoints(&rows, parties, filter), json })
        }
        Kind::Hierarchy => hierarchy(session, &s, filter, chosen(filter)?),
        Kind::OverTime(step) => over_time(&s, step, asked, &work, chosen),
        Kind::Expert(least) => Ok(expert(&s, least)),
        Kind::Lengths => Ok(lengths(&s, chosen(filter)?.as_deref())),
        Kind::Protocols => Ok(protocols(&s, &work)),
    }
}

fn traffic(t: Traffic) -> Value {
    json!({"packets": t.packets, "bytes": t.bytes})
}

fn conversation(r: &Between, parties: Parties, start: i64) -> Value {
    let ports = matches!(parties, Parties::Connections(_));
    let [a, b] = r.ends.map(|e| if ports { e.to_string() } else { e.ip.to_string() });
    let [there, back] = r.sent;
    let seconds = |ns: i64| ns as f64 / 1e9;
    let mut o = json!({
        "a": a, "b": b, "a_to_b": traffic(there), "b_to_a": traffic(back),
        "start": seconds(r.time.0.saturating_sub(start)), "duration": seconds(r.time.1.saturating_sub(r.time.0)),
    });
    if let (Some(stream), Some(o)) = (r.stream, o.as_object_mut()) {
        o.insert("stream".into(), stream.into());
    }
    o
}

fn hierarchy(session: &Session, s: &Snapshot, filter: &str, chosen: Option<Vec<u32>>) -> Result<Made, Failure> {
    let mut root = Stack::default();
    filtered::protocols(session, chosen.as_deref(), &mut |packet, protocols| {
        let bytes = s.packet(packet).map_or(0, |p| p.wire_len.into());
        root.count(protocols.split(':'), bytes);
    })?;
    fn object(s: &Stack, depth: usize) -> Value {
        // Deeper nesting is counted, and written in the table.
        let inside: Vec<Value> = if depth < 64 { s.inside.iter().map(|i| object(i, depth + 1)).collect() } else { Vec::new() };
        json!({"protocol": s.name, "packets": s.traffic.packets, "bytes": s.traffic.bytes, "inside": inside})
    }
    let json = json!({"hierarchy": root.inside.iter().map(|i| object(i, 0)).collect::<Vec<_>>(), "filter": filter});
    Ok(Made { text: tables::hierarchy(&root, filter), json })
}

/// More slices than this are no table any more.
const MOST_SLICES: i64 = 1_000_000;

fn over_time(
    s: &Snapshot,
    step: i64,
    asked: &Asked,
    work: &Work,
    chosen: impl Fn(&str) -> Result<Option<Vec<u32>>, Failure>,
) -> Result<Made, Failure> {
    let (first, last) = time_range(s, work).unwrap_or((0, 0));
    let start = s.time_of(0).unwrap_or(first);
    let duration = last.saturating_sub(start).max(0);
    let step = step.min(duration.saturating_add(1));
    let slices = duration / step + 1;
    if slices > MOST_SLICES {
        let text = format!(
            "-z io,stat: the capture spans {slices} intervals of that length; {MOST_SLICES} are the most. Take a longer one."
        );
        return Err(Failure { text, code: exit::OPTION });
    }
    let columns = if asked.filters.is_empty() { vec![String::new()] } else { asked.filters.clone() };
    let mut cells = vec![vec![Traffic::default(); columns.len()]; slices as usize];
    for (c, filter) in columns.iter().enumerate() {
        let mut count = |time: i64, bytes: u32| {
            // Clocks may run back: what comes before the first packet counts with it.
            let at = time.saturating_sub(start).max(0) / step;
            if let Some(cell) = usize::try_from(at).ok().and_then(|i| cells.get_mut(i)?.get_mut(c)) {
                *cell = Traffic { packets: cell.packets + 1, bytes: cell.bytes + u64::from(bytes) };
            }
        };
        let only = chosen(filter)?;
        let mut only = only.as_ref().map(|p| p.iter().copied().peekable());
        for (from, rows) in s.packet_table().segments() {
            for (n, p) in (from..).zip(&rows) {
                let counts = only.as_mut().is_none_or(|o| o.next_if_eq(&n).is_some());
                if counts && p.time != i64::MIN {
                    count(p.time, p.wire_len);
                }
            }
        }
    }
    let each = cells.iter().enumerate().map(|(i, row)| {
        let at = (step as f64 * i as f64) / 1e9;
        json!({"from": at, "columns": row.iter().map(|t| traffic(*t)).collect::<Vec<_>>()})
    });
    let json = json!({"interval": step as f64 / 1e9, "columns": columns, "slices": each.collect::<Vec<_>>()});
    Ok(Made { text: tables::over_time(&OverTime { step, duration, columns, slices: cells }), json })
}

fn expert(s: &Snapshot, least: Severity) -> Made {
    let mut text = String::new();
    let mut all = Vec::new();
    let mut verdicts = vec![0u64; verdict::ALL.len()];
    for p in s.packet_table().with_bits(verdict::ALL.iter().fold(0, |bits, v| bits | v.bit)) {
        for (count, _) in verdicts.iter_mut().zip(verdict::ALL).filter(|(_, v)| p.bits & v.bit != 0) {
            *count += 1;
        }
    }
    for severity in [Severity::Error, Severity::Warn, Severity::Note, Severity::Chat].into_iter().filter(|x| *x >= least) {
        let notes = s.note_counts().iter().filter(|c| c.note.severity == severity);
        let mut rows: Vec<(u64, String, &str, &str)> =
            notes.map(|c| (c.count, format!("{:?}", c.note.about), c.note.name, c.note.label)).collect();
        // Verdicts of the sequence analysis stand on packets; trouble is a warning, the rest a note.
        let of = |v: &verdict::Verdict| if v.trouble { Severity::Warn } else { Severity::Note };
        let judged = verdict::ALL.iter().zip(&verdicts).filter(|(v, n)| **n > 0 && of(v) == severity);
        rows.extend(judged.map(|(v, n)| (*n, "Sequence".to_owned(), v.name, v.label)));
        rows.sort_by_key(|r| std::cmp::Reverse(r.0));
        let sum: u64 = rows.iter().map(|r| r.0).sum();
        if sum == 0 {
            continue;
        }
        let word = match severity {
            Severity::Error => "Errors",
            Severity::Warn => "Warns",
            Severity::Note => "Notes",
            Severity::Chat => "Chats",
        };
        text.push_str(&format!("\n{word} ({sum})\n=============\n   Frequency      Group           Protocol  Summary\n"));
        for (count, about, name, label) in rows {
            let protocol = name.split('.').next().unwrap_or("").to_uppercase();
            text.push_str(&format!("{count:>12} {about:>10} {protocol:>18}  {label}\n"));
            all.push(json!({"severity": word.trim_end_matches('s').to_lowercase(), "name": name, "what": label, "count": count}));
        }
    }
    Made { text, json: json!({"notes": all}) }
}

/// Upper bounds of tshark's classes of length.
const LENGTHS: [u32; 9] = [19, 39, 79, 159, 319, 639, 1279, 2559, 5119];

fn lengths(s: &Snapshot, only: Option<&[u32]>) -> Made {
    #[derive(Clone, Copy, Default)]
    struct Class {
        count: u64,
        sum: u64,
        least: u32,
        most: u32,
    }
    let mut classes = [Class::default(); LENGTHS.len() + 1];
    let mut only = only.map(|p| p.iter().copied().peekable());
    for (from, rows) in s.packet_table().segments() {
        for (n, p) in (from..).zip(&rows) {
            if only.as_mut().is_some_and(|o| o.next_if_eq(&n).is_none()) {
                continue;
            }
            let at = LENGTHS.iter().position(|most| p.wire_len <= *most).unwrap_or(LENGTHS.len());
            if let Some(c) = classes.get_mut(at) {
                c.least = if c.count == 0 { p.wire_len } else { c.least.min(p.wire_len) };
                c.most = c.most.max(p.wire_len);
                (c.count, c.sum) = (c.count + 1, c.sum + u64::from(p.wire_len));
            }
        }
    }
    let all: u64 = classes.iter().map(|c| c.count).sum();
    let mut text = format!(
        "{:<18} {:>12} {:>10} {:>10} {:>10} {:>9}\n",
        "Packet Lengths", "Count", "Average", "Min Val", "Max Val", "Percent"
    );
    let mut each = Vec::new();
    let mut from = 0;
    for (i, c) in classes.iter().enumerate() {
        let name = LENGTHS.get(i).map_or_else(|| format!("{from} and greater"), |most| format!("{from}-{most}"));
        from = LENGTHS.get(i).map_or(from, |most| most + 1);
        let average = if c.count == 0 { 0.0 } else { c.sum as f64 / c.count as f64 };
        let percent = if all == 0 { 0.0 } else { c.count as f64 * 100.0 / all as f64 };
        let shown = |v: String| if c.count == 0 { "-".into() } else { v };
        text.push_str(&format!(
            "{name:<18} {:>12} {:>10} {:>10} {:>10} {:>8.2}%\n",
            c.count,
            shown(format!("{average:.2}")),
            shown(c.least.to_string()),
            shown(c.most.to_string()),
            percent
        ));
        each.push(json!({"lengths": name, "packets": c.count, "average": average, "least": c.least, "most": c.most}));
    }
    Made { text, json: json!({"lengths": each}) }
}

fn protocols(s: &Snapshot, work: &Work) -> Made {
    let rows = wirelore_store::stats::protocols(s, work).unwrap_or_default();
    let mut text =
        format!("{:<34} {:>9} {:>12} {:>15} {:>10} {:>15}\n", "Protocol", "Flows", "Packets", "Bytes", "Messages", "Their bytes");
    let mut each = Vec::new();
    let label = |p: Option<u16>| p.map_or("not recognised", |p| s.schema().protocol_label(p));
    for r in rows {
        let transport = match r.transport {
            Some(Transport::Tcp) => "TCP",
            Some(Transport::Udp) => "UDP",
            Some(_) => "other",
            None => "no flow",
        };
        let name = match r.inside {
            None => format!("{transport} {}", label(r.protocol)),
            Some(p) => format!("    {} {}", label(r.protocol), label(Some(p))),
        };
        let (packets, bytes) = (r.traffic.packets, r.traffic.bytes);
        text.push_str(&format!(
            "{name:<34} {:>9} {packets:>12} {bytes:>15} {:>10} {:>15}\n",
            r.flows, r.messages, r.message_bytes
        ));
        each.push(json!({
            "transport": transport, "protocol": label(r.protocol), "inside": r.inside.map(|p| label(Some(p))),
            "flows": r.flows, "packets": packets, "bytes": bytes, "messages": r.messages, "message_bytes": r.message_bytes,
        }));
    }
    Made { text, json: json!({"protocols": each}) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_asked_for_in_the_words_of_tshark_and_faults_say_what_there_is() {
        let a = read("conv,tcp,http && ip.addr == 10.0.0.1").expect("a good one");
        assert_eq!(a.filters, ["http && ip.addr == 10.0.0.1"]);
        assert_eq!(read("io,stat,0.5,tcp,http").expect("two columns").filters, ["tcp", "http"]);
        assert_eq!(read("io,stat,0.5").expect("all").kind, Kind::OverTime(500_000_000));
        for wrong in ["conv", "conv,sctp", "io,stat", "io,stat,x", "rtp,streams", ""] {
            let failure = read(wrong).expect_err(wrong);
            assert!(failure.text.contains("endpoints,ip") && failure.code == exit::OPTION, "{}", failure.text);
        }
    }
}
