//! Another's eyes: the values of all fields that tshark has too, compared by name over every capture of the corpus.
//!
//! A field that occurs several times in a packet is compared as the list of its values in order (tshark's `-E occurrence=a`).
//! Nothing is reassembled on either side. Packets in which the two read different layers are left out and counted.

mod layers_support;

use layers_support::{captures, packets, read};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use wirelore_dissectors::layers::{LAYERS, protocols};
use wirelore_kit::{F, Kind, Tie, Tree, Value};

/// Fields that need more than the packet's bytes.
fn needs_facts(name: &str) -> bool {
    name.starts_with("tcp.analysis.")
        || name.starts_with("tcp.completeness")
        || name.starts_with("frame.")
        || matches!(
            name,
            "tcp.stream"
                | "udp.stream"
                | "tcp.seq"
                | "tcp.nxtseq"
                | "tcp.ack"
                | "tcp.window_size"
                | "tcp.window_size_scalefactor"
        )
}

/// Where we differ on purpose: beginning of the field's name, part of the capture's name, why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("stp.protocol", "gvrp", "tshark gives GARP's protocol identifier a name of its own"),
    ("ipv6.opt.", "zeek__ipv6-mobility", "tshark reads an address from an option whose length says 1"),
    ("udp.checksum.status", "zeek__ipv6-mobility", "the same address is part of its sum"),
    ("sctp.", "sctp-pkt-too-small", "we show the ports of a header that is cut"),
    ("icmp.unused", "smb_netbeui", "tshark does not list the reserved bytes of a router solicitation"),
];

/// Whether a checksum that we leave open is one that tshark calls wrong (half done by the sender's card) or checks inside a quote.
fn left_open(f: F, ours: &[String], theirs: &[String], quoted: bool) -> bool {
    f.name.ends_with(".checksum.status")
        && ours.len() == theirs.len()
        && ours.iter().zip(theirs).all(|(a, b)| a == b || (a == "2" && (b == "0" || quoted)))
}

fn fields() -> Vec<F> {
    LAYERS
        .iter()
        .flat_map(|l| l.fields)
        .copied()
        .filter(|f| f.kind != Kind::Group && f.oracle != "-" && !needs_facts(f.name))
        .collect()
}

fn name(f: F) -> &'static str {
    if f.oracle.is_empty() { f.name } else { f.oracle }
}

/// tshark's rows: one a packet, `frame.protocols` first.
fn tshark(path: &Path, fields: &[F]) -> Option<Vec<Vec<String>>> {
    let mut c = Command::new("tshark");
    c.arg("-r").arg(path).args(["-T", "fields", "-E", "occurrence=a", "-E", "separator=/t", "-E", "aggregator=|"]);
    for pref in [
        "ip.defragment:FALSE",
        "ipv6.defragment:FALSE",
        "ip.check_checksum:TRUE",
        "tcp.check_checksum:TRUE",
        "udp.check_checksum:TRUE",
        "sctp.checksum:CRC-32C",
        "tcp.relative_sequence_numbers:FALSE",
    ] {
        c.args(["-o", pref]);
    }
    c.args(["-e", "frame.protocols"]);
    for f in fields {
        c.args(["-e", name(f)]);
    }
    let out = c.output().ok()?;
    let complaint = String::from_utf8_lossy(&out.stderr);
    assert!(!complaint.contains("aren't valid"), "names that tshark does not know: {complaint}");
    Some(String::from_utf8_lossy(&out.stdout).lines().map(|l| l.split('\t').map(str::to_owned).collect()).collect())
}

/// What our tree says, by field.
fn plain(tree: &Tree) -> HashMap<&'static str, Vec<String>> {
    let mut out: HashMap<&'static str, Vec<String>> = HashMap::new();
    for n in tree.nodes.iter().filter(|n| n.tie != Tie::Refer) {
        let text = match &n.value {
            Value::U64(v) => v.to_string(),
            Value::Bool(b) => u8::from(*b).to_string(),
            Value::Span if n.field.kind == Kind::Text => String::from_utf8_lossy(tree.bytes(&n.span)).into_owned(),
            Value::Span => tree.bytes(&n.span).iter().map(|b| format!("{b:02x}")).collect(),
            _ => tree.display(n),
        };
        out.entry(n.field.name).or_default().push(normal(&text, n.field.kind));
    }
    out
}

fn normal(s: &str, kind: Kind) -> String {
    match kind {
        Kind::Dec | Kind::Hex | Kind::Bool | Kind::Signed => match s {
            "True" => "1".into(),
            "False" => "0".into(),
            _ => s
                .strip_prefix("0x")
                .map_or_else(|| s.to_owned(), |h| u64::from_str_radix(h, 16).map_or_else(|_| s.to_owned(), |v| v.to_string())),
        },
        Kind::Bytes => s.replace(':', ""),
        _ => s.to_owned(),
    }
}

/// The layers that both read: tshark goes on above where ours end.
fn same_layers(ours: &str, theirs: &str) -> bool {
    let ours = ours.strip_suffix(":data").unwrap_or(ours);
    let theirs = theirs.replace(":ipv6.hopopts.nxt", "");
    theirs == ours || theirs.strip_prefix(ours).is_some_and(|rest| rest.starts_with(':'))
}

fn is_fragment(tree: &Tree) -> bool {
    let set = |name| tree.nodes.iter().any(|n| n.field.name == name && n.value != Value::U64(0));
    set("ip.flags.mf") || set("ip.frag_offset") || set("ipv6.fraghdr.more") || set("ipv6.fraghdr.offset")
}

/// What a comparison found.
#[derive(Default)]
struct Tally {
    compared: BTreeMap<&'static str, u64>,
    wrong: BTreeMap<&'static str, (u64, String)>,
    left_out: BTreeMap<String, u64>,
}

impl Tally {
    fn join(&mut self, other: Tally) {
        for (k, n) in other.compared {
            *self.compared.entry(k).or_default() += n;
        }
        for (k, (n, first)) in other.wrong {
            let w = self.wrong.entry(k).or_insert((0, first));
            w.0 += n;
        }
        for (k, n) in other.left_out {
            *self.left_out.entry(k).or_default() += n;
        }
    }

    fn capture(&mut self, path: &Path, fields: &[F]) {
        let Some(rows) = tshark(path, fields) else { return };
        let name = path.to_string_lossy();
        packets(path, |p| {
            let Some((theirs, row)) = rows.get(p.number as usize).and_then(|r| r.split_first()) else { return };
            let (tree, _, _) = read(&p);
            let ours = protocols(&tree);
            let why = match () {
                () if !same_layers(&ours, theirs) => format!("{ours} / {theirs}"),
                // tshark reads on in a first fragment, we wait for the others.
                () if is_fragment(&tree) => "fragments".into(),
                () => return self.packet(&tree, &format!("{name} packet {}", p.number + 1), fields, row),
            };
            *self.left_out.entry(why).or_default() += 1;
        });
    }

    fn packet(&mut self, tree: &Tree, place: &str, fields: &[F], row: &[String]) {
        let values = plain(tree);
        let v6 = values.contains_key("ipv6.version");
        for (f, theirs) in fields.iter().zip(row) {
            // tshark also calls the version of IPv6 ip.version.
            if v6 && f.name == "ip.version" {
                continue;
            }
            let mut ours = values.get(f.name).cloned().unwrap_or_default();
            let mut theirs: Vec<String> =
                theirs.split('|').filter(|s| !s.is_empty() && *s != "<none>").map(|s| normal(s, f.kind)).collect();
            if ours.is_empty() && theirs.is_empty() {
                continue;
            }
            *self.compared.entry(f.name).or_default() += 1;
            // Behind the end of the option list tshark lists each byte of padding as another end.
            if f.name == "tcp.option_kind" {
                for list in [&mut ours, &mut theirs] {
                    list.truncate(list.iter().rposition(|k| k != "0").map_or(0, |i| i + 1));
                }
            }
            let excepted = EXCEPTIONS.iter().any(|(n, capture, _)| f.name.starts_with(n) && place.contains(capture));
            if ours != theirs && !excepted && !left_open(f, &ours, &theirs, values.contains_key("icmp.quoted")) {
                let w = self.wrong.entry(f.name).or_default();
                w.0 += 1;
                if w.1.is_empty() {
                    w.1 = format!("{place}: ours {ours:?}, tshark's {theirs:?}");
                }
            }
        }
    }
}

#[test]
fn values_are_those_of_tshark() {
    if !Command::new("tshark").arg("--version").output().is_ok_and(|o| o.status.success()) {
        eprintln!("SKIPPED, NOT PASSED: tshark is not installed");
        return;
    }
    let fields = fields();
    let only = std::env::var("ONLY").unwrap_or_default();
    let all: Vec<_> = captures()
        .into_iter()
        .filter(|p| !p.to_string_lossy().contains("/malformed/") && p.to_string_lossy().contains(&only))
        .collect();
    let next = AtomicUsize::new(0);
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let jobs: Vec<_> = (0..workers)
            .map(|_| {
                scope.spawn(|| {
                    let mut tally = Tally::default();
                    while let Some(path) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                        tally.capture(path, &fields);
                    }
                    tally
                })
            })
            .collect();
        for job in jobs {
            tally.join(job.join().expect("a comparison ran through"));
        }
    });
    println!("{} fields compared, {} values", tally.compared.len(), tally.compared.values().sum::<u64>());
    for (layers, n) in &tally.left_out {
        println!("left out {n}: {layers}");
    }
    let list: Vec<String> =
        tally.wrong.iter().map(|(f, (n, first))| format!("{f}: {n} of {}; {first}", tally.compared[f])).collect();
    assert!(list.is_empty(), "{} fields differ:\n{}", list.len(), list.join("\n"));
    if only.is_empty() {
        assert!(tally.compared.len() >= 60, "only {} fields met", tally.compared.len());
    }
}
