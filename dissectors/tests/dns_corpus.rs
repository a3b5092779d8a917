//! DNS held against tshark's view of the corpus, against what `dig` and our own makers said, and under the laws, on every DNS flow of every capture.

mod layers_support;

use bytes::Bytes;
use layers_support as support;
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use wirelore_capture::{Event, Options, Source as File, Step as Read};
use wirelore_dissectors::{TABLE, dns};
use wirelore_engine::flow::{Direction, Ends, FlowTable};
use wirelore_engine::identify::is_server_port;
use wirelore_engine::ipfrag::{FragmentTable, Outcome};
use wirelore_engine::laws::{self, Script, Step};
use wirelore_engine::packet::{self, Headers, Stop, Transport as Over, flag};
use wirelore_engine::reassembly::{Deliver, End, GapWhy, Segment, Source, Tcp};
use wirelore_kit::{BufId, Buffer, ConvId, Dir, End as Ending, Level, Spec, Transport, Tree};

/// A flow as the laws read it, its client first.
struct Flow {
    script: Script,
    tcp: Tcp,
    swap: bool,
}

struct Steps<'s>(&'s mut Script, bool);

impl Steps<'_> {
    fn way(&self, dir: usize) -> usize {
        if self.1 { 1 - dir } else { dir }
    }
}

impl Deliver for Steps<'_> {
    fn data(&mut self, dir: usize, _: u64, bytes: &[u8], from: Source) {
        let way = self.way(dir);
        self.0.steps.push(Step::Bytes(way, bytes.to_vec(), from.number));
    }
    fn gap(&mut self, dir: usize, _: u64, missing: u64, _: GapWhy) {
        let way = self.way(dir);
        // Of what came before a flow was met, nobody knows the size.
        self.0.steps.push(Step::Gap(way, missing.min(1000)));
    }
    fn conflict(&mut self, _: usize, _: u64, _: u32, _: u32, _: Source) {}
    fn end(&mut self, dir: usize, _: End, _: u32, _: i64) {
        let way = self.way(dir);
        self.0.steps.push(Step::End(way, Ending::Fin));
    }
}

/// Flows of a capture that may be DNS: all of UDP, and those of TCP whose ports DNS claims.
fn flows(path: &Path) -> Vec<Flow> {
    let mut found: Vec<Flow> = Vec::new();
    let Ok(mut file) = File::open(path, Options::default()) else { return found };
    let mut links = BTreeMap::new();
    let (mut table, mut fragments, mut places) = (FlowTable::default(), FragmentTable::default(), HashMap::new());
    let mut h = Headers::default();
    let mut number = 0u32;
    while let Ok(step) = file.next() {
        let batch = match step {
            Read::Event(Event::Interface(i)) => {
                links.insert(i.index, i.link_type);
                continue;
            }
            Read::Event(_) => continue,
            Read::Batch(batch) => batch,
            Read::Pending | Read::End => break,
        };
        for item in batch.items.iter() {
            let data = batch.data(item);
            packet::read(links.get(&item.interface).copied().unwrap_or(u32::MAX), data, item.wire_len, &mut h);
            let mut joined = Vec::new();
            while let Some(f) = h.fragment.filter(|f| f.whole && h.stop == Stop::Fragment) {
                let last = h;
                let payload = last.payload(if joined.is_empty() { data } else { &joined });
                let Outcome::Joined(d) = fragments.take(last.net, &f, payload, u64::from(number), last.payload_at, item.time_ns)
                else {
                    break;
                };
                packet::read_datagram(&last, d.proto, &d.bytes, &mut h);
                joined = d.bytes;
            }
            let bytes = if joined.is_empty() { data } else { &joined };
            one(&mut found, &mut table, &mut places, &h, bytes, number, item.time_ns);
            number += 1;
        }
    }
    for flow in &mut found {
        let Flow { script, tcp, swap } = flow;
        tcp.finish(&mut Steps(script, *swap));
    }
    found
}

fn one(
    found: &mut Vec<Flow>,
    table: &mut FlowTable,
    places: &mut HashMap<u32, usize>,
    h: &Headers,
    bytes: &[u8],
    number: u32,
    time: i64,
) {
    let Some(ends) = Ends::of(h) else { return };
    let transport = match h.transport {
        Over::Tcp(_) => Transport::Tcp,
        Over::Udp(_) => Transport::Udp,
        _ => return,
    };
    let Some(at) = table.look(&ends, h.path) else { return };
    static OURS: [&Spec; 3] = [&dns::SPEC, &dns::MDNS, &dns::LLMNR];
    let ours = |port| is_server_port(&OURS, transport, port);
    if transport == Transport::Tcp && !places.contains_key(&at.id) && !ours(ends.ports.src) && !ours(ends.ports.dst) {
        return;
    }
    let i = *places.entry(at.id).or_insert_with(|| {
        let swap = ours(ends.ports.src) && !ours(ends.ports.dst);
        let ports = if swap { (ends.ports.dst, ends.ports.src) } else { (ends.ports.src, ends.ports.dst) };
        found.push(Flow { script: Script { transport, ports, proto: None, steps: Vec::new() }, tcp: Tcp::default(), swap });
        found.len() - 1
    });
    let Flow { script, tcp, swap } = &mut found[i];
    let dir = usize::from(at.dir == Direction::Backward);
    let mut steps = Steps(script, *swap);
    match h.transport {
        Over::Tcp(t) if t.sound => {
            let segment = Segment {
                seq: t.seq,
                ack: (t.flags & flag::ACK != 0).then_some(t.ack),
                syn: t.flags & flag::SYN != 0,
                fin: t.flags & flag::FIN != 0,
                rst: t.flags & flag::RST != 0,
                payload: h.payload(bytes),
                wire_len: h.payload_wire_len,
                number,
                time,
                offset: h.payload_at,
            };
            tcp.segment(dir, &segment, &mut steps);
        }
        Over::Udp(_) if !h.payload(bytes).is_empty() => steps.data(dir, 0, h.payload(bytes), Source { number, time, offset: 0 }),
        _ => {}
    }
}

/// A DNS message of a flow: its last packet, transport and tree.
struct Message {
    frame: u32,
    proto: &'static str,
    tree: Tree,
    notes: Vec<&'static str>,
    summary: String,
}

fn messages(script: &Script) -> Vec<Message> {
    let mut streams = [Vec::new(), Vec::new()];
    for step in &script.steps {
        match step {
            Step::Bytes(way, b, _) => streams[*way].extend_from_slice(b),
            Step::Gap(way, n) => {
                let len = streams[*way].len();
                streams[*way].resize(len + (*n).min(1 << 20) as usize, 0);
            }
            Step::End(..) => {}
        }
    }
    let streams = streams.map(Bytes::from);
    let read = laws::read(TABLE, script, Level::Tree);
    read.messages
        .into_iter()
        .filter(|m| m.conv.inner == 0)
        .map(|m| {
            let dir = if m.dir == Dir::ToServer { 0 } else { 1 };
            let id = BufId::stream(ConvId { flow: 0, inner: 0 }, m.dir);
            let buffer = Buffer { id, label: String::new(), base: 0, bytes: streams[dir].clone(), map: Vec::new() };
            let tree = Tree { nodes: m.nodes, buffers: vec![buffer], notes: Vec::new() };
            Message { frame: m.packets.1 + 1, proto: m.proto, tree, notes: m.notes, summary: m.summary }
        })
        .collect()
}

fn low(v: &Json) -> String {
    v.as_str().unwrap_or("\u{1}none").to_lowercase()
}

fn spaced(s: &str) -> String {
    s.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One entry as the corpus compares it, with its frame.
fn theirs(e: &Json) -> String {
    let mut answers: Vec<String> = e["answers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|a| format!("{} {} {}", low(&a["name"]), a["type"], spaced(&low(&a["data"]))))
        .collect();
    answers.sort();
    let rcode = if e["response"] == true { e["rcode"].to_string() } else { "null".into() };
    format!(
        "{} {} {} {} {} {} {rcode} {answers:?}",
        e["frame"],
        e["transport"].as_str().unwrap_or(""),
        e["id"],
        e["response"],
        low(&e["qname"]),
        e["qtype"]
    )
}

fn ours(m: &Message, transport: Transport) -> Option<String> {
    let s = dns::summary(&m.tree)?;
    let mut answers: Vec<String> = dns::answers(&m.tree)
        .iter()
        .map(|a| format!("{} {} {}", a.name.to_lowercase(), a.kind, spaced(&a.data.to_lowercase())))
        .collect();
    answers.sort();
    let transport = if transport == Transport::Tcp { "tcp" } else { "udp" };
    let number = |n: Option<u16>| n.map_or("null".into(), |n| n.to_string());
    let qname = s.qname.map_or("\u{1}none".into(), |q| q.to_lowercase());
    Some(format!("{} {transport} {} {} {qname} {} {} {answers:?}", m.frame, s.id, s.response, number(s.qtype), number(s.rcode)))
}

#[test]
fn every_message_says_what_tshark_says() {
    let (mut compared, mut wrong) = (0, Vec::new());
    for path in support::captures() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let oracle = path.parent().unwrap_or(Path::new("")).join("oracle").join(format!("{name}.oracle.json"));
        let Ok(text) = std::fs::read_to_string(oracle) else { continue };
        let oracle: Json = serde_json::from_str(&text).expect("the oracle is JSON");
        let mut want: Vec<String> = oracle["dns"].as_array().into_iter().flatten().map(theirs).collect();
        let mut got: Vec<String> = Vec::new();
        for flow in flows(&path) {
            got.extend(messages(&flow.script).iter().filter(|m| m.proto == "dns").filter_map(|m| ours(m, flow.script.transport)));
        }
        want.sort();
        got.sort();
        compared += want.len();
        for w in &want {
            if let Ok(i) = got.binary_search(w) {
                got.remove(i);
            } else {
                wrong.push(format!("{name}: not found: {w}"));
            }
        }
        wrong.extend(got.iter().map(|g| format!("{name}: too much: {g}")));
    }
    eprintln!("{compared} messages of tshark's compared");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_laws_hold_on_every_dns_flow_of_every_capture() {
    let (mut read, mut transports) = (0, BTreeMap::new());
    for path in support::captures() {
        for flow in flows(&path) {
            if !messages(&flow.script).iter().any(|m| matches!(m.proto, "dns" | "mdns" | "llmnr")) {
                continue;
            }
            let name = format!("{} {:?}", path.display(), flow.script.ports);
            laws::chunking(TABLE, &flow.script, 60).unwrap_or_else(|e| panic!("{name}: chunking: {e}"));
            laws::twice(TABLE, &flow.script).unwrap_or_else(|e| panic!("{name}: twice: {e}"));
            laws::gaps(TABLE, &flow.script, 30).unwrap_or_else(|e| panic!("{name}: gaps: {e}"));
            let record = laws::read(TABLE, &flow.script, Level::Tree);
            for m in &record.messages {
                laws::spans(m).unwrap_or_else(|e| panic!("{name}: spans: {e}"));
                read += 1;
            }
            let first = |way| {
                flow.script
                    .steps
                    .iter()
                    .find_map(|s| if let Step::Bytes(w, b, _) = s { (*w == way).then_some(&b[..]) } else { None })
            };
            laws::prefix_stable(
                TABLE,
                first(0).unwrap_or(&[]),
                first(1).unwrap_or(&[]),
                flow.script.ports,
                flow.script.transport,
            )
            .unwrap_or_else(|e| panic!("{name}: probe: {e}"));
            *transports.entry(format!("{:?}", flow.script.transport)).or_insert(0) += 1;
        }
    }
    eprintln!("{read} messages under the laws, flows: {transports:?}");
    assert!(read > 0);
}

/// Text of dig's TXT data: strings in quotes, `\"`, `\\` and decimal escapes inside; strings are put together with blanks.
fn unquoted(data: &str) -> String {
    let (mut strings, mut bytes, mut inside) = (Vec::new(), Vec::new(), false);
    let mut it = data.bytes().peekable();
    while let Some(b) = it.next() {
        match b {
            b'"' if inside => {
                strings.push(String::from_utf8_lossy(&std::mem::take(&mut bytes)).into_owned());
                inside = false;
            }
            b'"' => inside = true,
            b'\\' if it.peek().is_some_and(u8::is_ascii_digit) => {
                bytes.push(it.by_ref().take(3).fold(0u8, |v, d| v.wrapping_mul(10).wrapping_add(d - b'0')));
            }
            b'\\' => bytes.extend(it.next()),
            b if inside => bytes.push(b),
            _ => {}
        }
    }
    spaced(&strings.join(" "))
}

/// Dig's words and ours in one form: no quotes, no final dots, no blanks inside.
fn plain(kind: &str, data: &str) -> String {
    if kind == "TXT" {
        return unquoted(data).replace(' ', "");
    }
    data.replace('"', "")
        .replace("\\.", ".")
        .split_whitespace()
        .map(|w| if w == "." { "<Root>" } else { w.trim_end_matches('.') })
        .collect::<String>()
        .to_lowercase()
}

fn own(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../captures/dns").join(name)
}

#[test]
fn our_own_records_say_what_dig_said() {
    let truth: Json = serde_json::from_str(&std::fs::read_to_string(own("records.truth.json")).unwrap()).unwrap();
    // Forms that dig writes in another way than field by field: base 64, and words for parameters.
    let other_form = ["RRSIG", "DNSKEY", "HTTPS", "SVCB", "LOC"];
    let mut by_id: BTreeMap<u64, Vec<(u16, Vec<dns::Answer>)>> = BTreeMap::new();
    for flow in flows(&own("records.pcapng")) {
        for m in messages(&flow.script) {
            if let Some(s) = dns::summary(&m.tree).filter(|s| s.response) {
                by_id.entry(s.id.into()).or_default().push((s.rcode.unwrap_or(0), dns::answers(&m.tree)));
            }
        }
    }
    let (mut data, mut names) = (0, 0);
    for dig in truth.as_array().unwrap() {
        let said = dig["dig"].as_str().unwrap();
        let ids: Vec<u64> = dig["id"].as_array().unwrap().iter().filter_map(Json::as_u64).collect();
        let got: Vec<&dns::Answer> = ids.iter().flat_map(|id| by_id.get(id).into_iter().flatten()).flat_map(|m| &m.1).collect();
        let want = dig["answers"].as_array().unwrap();
        assert_eq!(got.len(), want.len(), "{said}");
        for (g, w) in got.iter().zip(want) {
            let kind = w["type"].as_str().unwrap();
            assert_eq!(
                (g.name.as_str(), g.rtype.as_str()),
                (w["name"].as_str().unwrap().trim_end_matches('.').replace('\\', "").as_str(), kind),
                "{said}"
            );
            assert!(u64::from(g.ttl).abs_diff(w["ttl"].as_u64().unwrap()) <= 1, "{said}");
            names += 1;
            if !other_form.contains(&kind) && !kind.starts_with("TYPE") {
                let ours = if kind == "TXT" { g.data.replace(' ', "") } else { plain(kind, &g.data) };
                assert_eq!(ours, plain(kind, w["data"].as_str().unwrap()), "{said}: {kind}");
                data += 1;
            }
            if kind == "LOC" {
                assert!(g.data.ends_with(w["data"].as_str().unwrap()), "{said}: {}", g.data);
            }
        }
        let rcodes = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];
        for (id, name) in ids.iter().zip(dig["rcode"].as_array().unwrap()) {
            let told = by_id.get(id).and_then(|m| m.last()).map(|m| rcodes[usize::from(m.0)]);
            // BADVERS has its upper bits in the OPT record.
            assert!(told == name.as_str() || name == "BADVERS", "{said}: {told:?} against {name}");
        }
    }
    eprintln!("{names} records named as dig names them, the data of {data} compared");
    assert!(names > 250 && data > 150);
}

#[test]
fn our_own_printer_says_who_it_is() {
    let truth: Json = serde_json::from_str(&std::fs::read_to_string(own("mdns.truth.json")).unwrap()).unwrap();
    let of = |name: &str| {
        let mut found = Vec::new();
        for flow in flows(&own("mdns.pcapng")) {
            for m in messages(&flow.script) {
                assert_eq!(m.proto, "mdns", "{}", m.summary);
                found.extend(m.tree.all(name).map(|n| m.tree.display(n)));
            }
        }
        found
    };
    let instance = truth["instance"].as_array().unwrap().iter().filter_map(Json::as_str).collect::<Vec<_>>().join(".");
    for (field, value) in [
        ("dns.ptr.domain_name", instance.as_str()),
        ("dns.srv.target", truth["host"].as_str().unwrap()),
        ("dns.a", truth["a"].as_str().unwrap()),
        ("dns.aaaa", truth["aaaa"].as_str().unwrap()),
    ] {
        assert!(of(field).iter().any(|v| v == value), "{field} is never {value}");
    }
    let port = truth["port"].to_string();
    assert!(of("dns.srv.port").iter().all(|p| p == &port));
    let texts = of("dns.txt");
    assert!(truth["txt"].as_array().unwrap().iter().all(|t| texts.iter().any(|x| Some(x.as_str()) == t.as_str())));
}

/// The bytes of a message without its length prefix.
fn bytes_of(m: &Message, transport: Transport) -> Option<Vec<u8>> {
    let root = m.tree.nodes.iter().find(|n| n.depth == 0 && n.field.name == m.proto)?;
    let bytes = m.tree.bytes(&root.span);
    Some(bytes.get(if transport == Transport::Tcp { 2 } else { 0 }..)?.to_vec())
}

#[test]
fn another_parser_reads_the_same_in_good_messages() {
    let mut compared = 0;
    for path in support::captures() {
        for flow in flows(&path) {
            for m in messages(&flow.script).iter().filter(|m| matches!(m.proto, "dns" | "mdns")) {
                let Some(bytes) = bytes_of(m, flow.script.transport) else { continue };
                let Ok(other) = simple_dns::Packet::parse(&bytes) else { continue };
                let Some(ours) = dns::summary(&m.tree) else { continue };
                if m.notes.contains(&"dns.note.pointer_forward") {
                    continue;
                }
                let at = format!("{} frame {}: {}", path.display(), m.frame, m.summary);
                assert_eq!(other.id(), ours.id, "{at}");
                assert_eq!(other.has_flags(simple_dns::PacketFlag::RESPONSE), ours.response, "{at}");
                // It writes a dot inside a label with a backslash.
                let plain = |n: String| if n.is_empty() { "<Root>".to_owned() } else { n.replace("\\.", ".") };
                if let Some(q) = other.questions.first().filter(|q| q.qname.to_string().is_ascii()) {
                    assert_eq!(Some(plain(q.qname.to_string())), ours.qname, "{at}");
                    assert_eq!(Some(u16::from(q.qtype)), ours.qtype, "{at}");
                }
                let answers = dns::answers(&m.tree);
                assert_eq!(other.answers.len(), answers.len(), "{at}");
                for (theirs, a) in other.answers.iter().zip(&answers) {
                    assert_eq!((theirs.ttl, u16::from(theirs.rdata.type_code())), (a.ttl, a.kind), "{at}");
                    match &theirs.rdata {
                        simple_dns::rdata::RData::A(x) => {
                            assert_eq!(std::net::Ipv4Addr::from(x.address).to_string(), a.data, "{at}")
                        }
                        simple_dns::rdata::RData::AAAA(x) => {
                            assert_eq!(std::net::Ipv6Addr::from(x.address).to_string(), a.data, "{at}")
                        }
                        simple_dns::rdata::RData::CNAME(x) => assert_eq!(plain(x.0.to_string()), a.data, "{at}"),
                        simple_dns::rdata::RData::MX(x) => assert_eq!(format!("{} {}", x.preference, x.exchange), a.data, "{at}"),
                        _ => {}
                    }
                }
                compared += 1;
            }
        }
    }
    eprintln!("{compared} messages read alike by another parser");
    assert!(compared > 100);
}

/// Messages of our own captures, to be damaged.
fn seeds() -> Vec<(Transport, Vec<Vec<u8>>)> {
    let mut seeds = Vec::new();
    for name in ["records.pcapng", "mdns.pcapng", "broken.pcapng"] {
        for flow in flows(&own(name)) {
            let bytes =
                flow.script.steps.iter().filter_map(|s| if let Step::Bytes(_, b, _) = s { Some(b.clone()) } else { None });
            seeds.push((flow.script.transport, bytes.collect()));
        }
    }
    seeds
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 400, ..Default::default() })]
    #[test]
    fn damaged_messages_keep_the_laws(which in 0usize..10_000, changes in proptest::collection::vec((0usize..10_000, 0u8..=255), 1..8), cut in 0usize..10_000) {
        static SEEDS: std::sync::LazyLock<Vec<(Transport, Vec<Vec<u8>>)>> = std::sync::LazyLock::new(seeds);
        let (transport, packets) = &SEEDS[which % SEEDS.len()];
        let mut script = Script { transport: *transport, ports: (50_000, 53), proto: None, steps: Vec::new() };
        for (n, packet) in packets.iter().enumerate().take(8) {
            let mut packet = packet.clone();
            for (at, value) in &changes {
                let at = at % packet.len();
                packet[at] = if at % 3 == 0 { packet[at] ^ (1 << (value % 8)) } else { *value };
            }
            packet.truncate(if cut % 3 == 0 { cut % packet.len() + 1 } else { packet.len() });
            script = script.bytes(n % 2, &packet);
        }
        let script = script.ended();
        let record = laws::read(TABLE, &script, Level::Tree);
        for m in &record.messages {
            proptest::prop_assert!(laws::spans(m).is_ok(), "{:?}", laws::spans(m));
            proptest::prop_assert!(m.nodes.len() < 40_000, "{} fields", m.nodes.len());
        }
        proptest::prop_assert!(record.weight < 8 << 20);
        laws::twice(TABLE, &script).map_err(proptest::test_runner::TestCaseError::fail)?;
        if *transport == Transport::Tcp && which % 8 == 0 {
            laws::chunking(TABLE, &script, 4).map_err(proptest::test_runner::TestCaseError::fail)?;
        }
    }
}
