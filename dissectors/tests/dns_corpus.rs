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
use wirelore_kit::{BufId, Buffer, ConvId, Dir, End as Ending, Level, Transport, Tree};

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
    let ours = |port| is_server_port(&[&dns::SPEC, &dns::MDNS, &dns::LLMNR], transport, port);
    if transport == Transport::Tcp && !places.contains_key(&at.id) && !ours(ends.ports.src) && !ours(ends.ports.dst) {
        return;
    }
    let i = *places.entry(at.id).or_insert_with(|| {
        let swap = ours(ends.ports.src) && !ours(ends.ports.dst);
        let ports = if swap { (ends.ports.dst, ends.ports.src) } else { (ends.ports.src, ends.ports.dst) };
        found.push(Flow { script: Script { transport, ports, steps: Vec::new() }, tcp: Tcp::default(), swap });
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
