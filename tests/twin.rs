//! The headless twin: `dump -T fields`, `json` and `pdml` print for the fields that people ask for what tshark prints, packet by packet over
//! the corpus, spelling included.
//!
//! Fields of headers are compared in every packet. Fields of messages are compared where both sides say that the packet completes as many
//! of the protocol: which messages there are is another test's question. Where we differ on purpose stands in `twin-exceptions.toml`, or in
//! `field-exceptions.toml` where the value itself differs, each with its reason.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use support::exceptions::{Exception, idle, read};
use support::{corpus_captures, has_tshark, name, own};

/// The fields of headers.
const HEADERS: &[&str] = &[
    "frame.number",
    "frame.time",
    "frame.time_epoch",
    "frame.time_delta",
    "frame.time_delta_displayed",
    "frame.time_relative",
    "frame.len",
    "frame.cap_len",
    "frame.encap_type",
    "frame.interface_id",
    "frame.marked",
    "eth.src",
    "eth.dst",
    "eth.addr",
    "eth.type",
    "eth.src.lg",
    "vlan.id",
    "arp.opcode",
    "arp.src.proto_ipv4",
    "ip.version",
    "ip.src",
    "ip.dst",
    "ip.addr",
    "ip.host",
    "ip.ttl",
    "ip.proto",
    "ip.id",
    "ip.len",
    "ip.hdr_len",
    "ip.flags",
    "ip.flags.df",
    "ip.flags.mf",
    "ip.frag_offset",
    "ip.dsfield",
    "ip.dsfield.dscp",
    "ip.checksum",
    "ip.checksum.status",
    "ipv6.src",
    "ipv6.dst",
    "ipv6.addr",
    "ipv6.nxt",
    "ipv6.hlim",
    "ipv6.plen",
    "ipv6.flow",
    "ipv6.tclass",
    "tcp.srcport",
    "tcp.dstport",
    "tcp.port",
    "tcp.stream",
    "tcp.len",
    "tcp.seq",
    "tcp.seq_raw",
    "tcp.nxtseq",
    "tcp.ack",
    "tcp.ack_raw",
    "tcp.hdr_len",
    "tcp.flags",
    "tcp.flags.syn",
    "tcp.flags.ack",
    "tcp.flags.fin",
    "tcp.flags.reset",
    "tcp.flags.push",
    "tcp.flags.str",
    "tcp.window_size",
    "tcp.window_size_value",
    "tcp.checksum",
    "tcp.checksum.status",
    "tcp.urgent_pointer",
    "tcp.options",
    "tcp.options.mss",
    "tcp.options.mss_val",
    "tcp.options.wscale.shift",
    "tcp.options.timestamp.tsval",
    "tcp.options.timestamp.tsecr",
    "tcp.options.sack_perm",
    "tcp.time_relative",
    "tcp.time_delta",
    "tcp.payload",
    "tcp.analysis.retransmission",
    "tcp.analysis.out_of_order",
    "tcp.analysis.lost_segment",
    "tcp.analysis.zero_window",
    "udp.srcport",
    "udp.dstport",
    "udp.port",
    "udp.stream",
    "udp.time_relative",
    "udp.time_delta",
    "udp.length",
    "udp.checksum",
    "icmp.type",
    "icmp.code",
    "icmpv6.type",
];

/// The fields of messages.
const MESSAGES: &[&str] = &[
    "dns.id",
    "dns.flags",
    "dns.flags.response",
    "dns.flags.opcode",
    "dns.flags.rcode",
    "dns.flags.recdesired",
    "dns.count.queries",
    "dns.count.answers",
    "dns.qry.name",
    "dns.qry.type",
    "dns.qry.class",
    "dns.resp.name",
    "dns.resp.type",
    "dns.resp.ttl",
    "dns.resp.len",
    "dns.a",
    "dns.aaaa",
    "dns.cname",
    "http.request",
    "http.response",
    "http.request.method",
    "http.request.uri",
    "http.request.version",
    "http.request.line",
    "http.request.full_uri",
    "http.response.code",
    "http.response.phrase",
    "http.response.line",
    "http.host",
    "http.user_agent",
    "http.referer",
    "http.cookie",
    "http.set_cookie",
    "http.authorization",
    "http.content_type",
    "http.content_length",
    "http.content_length_header",
    "http.content_encoding",
    "http.server",
    "http.location",
    "tls.record.content_type",
    "tls.record.version",
    "tls.handshake",
    "tls.handshake.type",
    "tls.handshake.version",
    "tls.handshake.random",
    "tls.handshake.session_id",
    "tls.handshake.ciphersuite",
    "tls.handshake.extension.type",
    "tls.handshake.extensions_server_name",
    "tls.handshake.extensions_alpn_str",
    "tls.handshake.extensions_supported_group",
    "tls.handshake.ja3",
    "tls.handshake.ja3s",
    "tls.handshake.certificate",
    "http2.streamid",
    "http2.type",
    "http2.length",
    "http2.flags",
    "http2.headers.method",
    "http2.headers.path",
    "http2.headers.authority",
    "http2.headers.status",
    "ftp.request",
    "ftp.request.command",
    "ftp.request.arg",
    "ftp.response",
    "ftp.response.code",
    "ftp.response.arg",
    "smtp.req.command",
    "smtp.req.parameter",
    "smtp.response.code",
    "smtp.rsp.parameter",
    "websocket.opcode",
    "websocket.fin",
    "websocket.mask",
    "websocket.masking_key",
    "websocket.payload_length",
    "imf.from",
    "imf.to",
    "imf.subject",
    "quic.version",
    "quic.dcid",
    "quic.packet_number",
];

/// What each message of a protocol has one of.
const EACH_HAS: &[(&str, &[&str])] = &[
    ("dns", &["dns.id"]),
    ("http", &["http.request.method", "http.response.code"]),
    ("tls", &["tls.record.content_type", "tls.handshake.type"]),
    ("http2", &["http2.type", "http2.length"]),
    ("ftp", &["ftp.request.command", "ftp.response.code"]),
    ("smtp", &["smtp.req.command", "smtp.response.code"]),
    ("websocket", &["websocket.opcode"]),
    ("imf", &["imf.from"]),
    ("quic", &["quic.packet_number"]),
];

/// What stands between values of one field.
const BETWEEN: char = '\u{1f}';

/// The protocol whose messages have a field.
fn protocol(field: &str) -> &str {
    field.split('.').next().unwrap_or(field)
}

/// How many of what each message has one of are in a row of values.
fn messages(names: &[&str], row: &[String], protocol: &str) -> Vec<usize> {
    let each = EACH_HAS.iter().find(|(p, _)| *p == protocol).map_or(&[][..], |(_, each)| *each);
    let column = |name: &str| names.iter().position(|n| *n == name).and_then(|i| row.get(i + 1)).map_or("", String::as_str);
    each.iter().map(|name| column(name)).map(|v| if v.is_empty() { 0 } else { v.matches(BETWEEN).count() + 1 }).collect()
}

/// A line for each packet: its protocols, then the fields.
fn columns(mut c: Command, names: &[&str]) -> Vec<Vec<String>> {
    c.env("TZ", "UTC").env_remove("SSLKEYLOGFILE").args(["-T", "fields", "-E", "separator=/t", "-e", "frame.protocols"]);
    c.arg("-E").arg(format!("aggregator={BETWEEN}"));
    for name in names {
        c.args(["-e", name]);
    }
    let out = c.output().expect("it runs");
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    text.lines().map(|l| l.split('\t').map(str::to_owned).collect()).collect()
}

/// The keys that lie beside a capture.
fn keys(path: &Path) -> Option<PathBuf> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".keylog");
    Some(PathBuf::from(beside)).filter(|p| p.is_file())
}

/// tshark, set to do what we always do.
fn tshark(path: &Path) -> Command {
    let mut c = Command::new("tshark");
    c.arg("-n").arg("-r").arg(path);
    for setting in [
        "tcp.reassemble_out_of_order:TRUE",
        "smtp.decryption:TRUE",
        "ip.check_checksum:TRUE",
        "tcp.check_checksum:TRUE",
        "udp.check_checksum:TRUE",
    ] {
        c.args(["-o", setting]);
    }
    if let Some(keys) = keys(path) {
        c.arg("-o").arg(format!("tls.keylog_file:{}", keys.display()));
    }
    c
}

fn ours(path: &Path) -> Command {
    let mut c = Command::new(env!("CARGO_BIN_EXE_wirelore"));
    c.args(["dump", "-r"]).arg(path);
    if let Some(keys) = keys(path) {
        c.arg("-o").arg(format!("tls.keylog_file:{}", keys.display()));
    }
    c
}

/// What differs, by field.
#[derive(Default)]
struct Count {
    compared: BTreeMap<&'static str, u64>,
    wrong: BTreeMap<&'static str, (u64, String)>,
    left_out: u64,
}

impl Count {
    fn differs(&mut self, field: &'static str, words: &str) {
        let most = if std::env::var_os("ALL").is_some() { u64::MAX } else { 3 };
        let w = self.wrong.entry(field).or_default();
        w.0 += 1;
        if w.0 <= most {
            w.1.push_str("\n    ");
            w.1.push_str(words);
        }
    }
}

#[test]
fn fields_are_those_of_tshark_as_tshark_spells_them() {
    if !has_tshark() {
        return;
    }
    let (known, own_exceptions) = (read("field-exceptions.toml"), read("twin-exceptions.toml"));
    let mut used = BTreeSet::new();
    let mut count = Count::default();
    let names: Vec<&'static str> = HEADERS.iter().chain(MESSAGES).copied().collect();
    let only = std::env::var("ONLY").unwrap_or_default();
    for path in own().into_iter().chain(corpus_captures()).filter(|p| p.to_string_lossy().contains(&only)) {
        let capture = name(&path);
        // A debug build takes its time; what these hold is in others too. ALL=1 takes them in.
        if std::env::var_os("ALL").is_none() && std::fs::metadata(&path).is_ok_and(|m| m.len() > 350_000) {
            continue;
        }
        let (theirs, mine) = (columns(tshark(&path), &names), columns(ours(&path), &names));
        assert!(
            theirs.len() == mine.len() || theirs.is_empty(),
            "{capture}: {} packets, tshark has {}",
            mine.len(),
            theirs.len()
        );
        for (packet, (t, o)) in (0u32..).zip(theirs.iter().zip(&mine)) {
            let has = |row: &[String], protocol: &str| row[0].split(':').any(|p| p == protocol);
            for (i, field) in names.iter().enumerate() {
                let (t_value, o_value) = (t.get(i + 1).map_or("", String::as_str), o.get(i + 1).map_or("", String::as_str));
                if t_value.is_empty() && o_value.is_empty() {
                    continue;
                }
                let of = protocol(field);
                if i >= HEADERS.len() && !(has(t, of) && has(o, of) && messages(&names, t, of) == messages(&names, o, of)) {
                    count.left_out += 1;
                    continue;
                }
                *count.compared.entry(field).or_default() += 1;
                if t_value == o_value {
                    continue;
                }
                let split =
                    |v: &str| if v.is_empty() { Vec::new() } else { v.split(BETWEEN).map(str::to_owned).collect::<Vec<_>>() };
                let (t_values, o_values) = (split(t_value), split(o_value));
                let holds = |e: &Exception| e.holds(field, &capture, packet, &o_values, &t_values);
                if let Some(e) = own_exceptions.iter().position(holds) {
                    used.insert(e);
                    continue;
                }
                if known.iter().any(holds) {
                    continue;
                }
                let words = format!("{capture} packet {}: ours {o_values:?}, tshark's {t_values:?}", packet + 1);
                count.differs(field, &words);
            }
        }
    }
    let values: u64 = count.compared.values().sum();
    println!("{} fields, {values} values; {} of messages left out", count.compared.len(), count.left_out);
    let list: Vec<String> =
        count.wrong.iter().map(|(f, (n, words))| format!("{f}: {n} of {} differ{words}", count.compared[f])).collect();
    assert!(list.is_empty(), "{} fields differ:\n{}", list.len(), list.join("\n"));
    if only.is_empty() && support::corpus().is_some() {
        let idle = idle(&own_exceptions, &used);
        assert!(idle.is_empty(), "exceptions that nothing needs any more: {idle:?}");
        assert!(count.compared.len() > 150, "only {} fields met", count.compared.len());
    }
}

/// Every value in a JSON packet by its name, in order.
fn gather(value: &serde_json::Value, name: &str, into: &mut BTreeMap<String, Vec<String>>) {
    match value {
        serde_json::Value::Object(o) => o.iter().for_each(|(k, v)| gather(v, k, into)),
        serde_json::Value::Array(a) => a.iter().for_each(|v| gather(v, name, into)),
        serde_json::Value::String(s) => into.entry(name.to_owned()).or_default().push(s.clone()),
        _ => {}
    }
}

/// Every value in a PDML packet by its name, in order, and the names of its protocols.
fn attributes(packet: &str) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for element in packet.split('<') {
        let attribute =
            |name: &str| element.split_once(&format!(" {name}=\"")).and_then(|(_, v)| v.split_once('"')).map(|(v, _)| v);
        match (element.starts_with("field "), attribute("name"), attribute("show")) {
            (true, Some(name), Some(show)) => found.entry(name.to_owned()).or_default().push(show.to_owned()),
            (false, Some(name), _) if element.starts_with("proto ") => {
                found.entry("proto".into()).or_default().push(name.to_owned())
            }
            _ => {}
        }
    }
    found
}

/// Fields whose values trees are compared by: those of headers, but for what both compute from neighbours.
fn tree_fields() -> impl Iterator<Item = &'static str> {
    HEADERS.iter().chain(&["http.request.method", "http.host", "http.response.code", "dns.qry.name", "dns.a"]).copied()
}

/// What tshark calls a payload inside a message that nobody reads further: no protocol of its own here.
const PAYLOADS: &[&str] = &["data", "data-text-lines", "fake-field-wrapper"];

fn one_capture(end: &str) -> Option<PathBuf> {
    corpus_captures().into_iter().find(|p| p.to_string_lossy().ends_with(end))
}

#[test]
fn json_has_the_shape_and_the_values_of_tsharks() {
    let Some(path) = one_capture("zeek__http__websocket.pcap").filter(|_| has_tshark()) else { return };
    let run = |mut c: Command| -> Vec<serde_json::Value> {
        let out = c.env("TZ", "UTC").args(["-T", "json", "--no-duplicate-keys"]).output().expect("it runs");
        serde_json::from_slice(&out.stdout).expect("JSON")
    };
    let (theirs, mine) = (run(tshark(&path)), run(ours(&path)));
    assert_eq!(theirs.len(), mine.len());
    for (t, o) in theirs.iter().zip(&mine) {
        for key in ["_index", "_type", "_score"] {
            assert_eq!(t[key], o[key]);
        }
        let layers = |v: &serde_json::Value| -> Vec<String> {
            let all = v["_source"]["layers"].as_object().expect("layers").keys();
            all.filter(|l| !PAYLOADS.contains(&l.as_str())).cloned().collect()
        };
        assert_eq!(layers(t), layers(o));
        assert_eq!(t["_source"]["layers"]["ip"]["ip.flags_tree"], o["_source"]["layers"]["ip"]["ip.flags_tree"]);
        let (mut t_values, mut o_values) = (BTreeMap::new(), BTreeMap::new());
        gather(t, "", &mut t_values);
        gather(o, "", &mut o_values);
        for name in tree_fields() {
            assert_eq!(t_values.get(name), o_values.get(name), "{name}");
        }
    }
}

#[test]
fn pdml_has_the_protocols_values_sizes_and_places_of_tsharks() {
    let Some(path) = one_capture("zeek__http__websocket.pcap").filter(|_| has_tshark()) else { return };
    let run = |mut c: Command| {
        let out = c.env("TZ", "UTC").args(["-T", "pdml"]).output().expect("it runs");
        String::from_utf8(out.stdout).expect("text").split("<packet>").skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let (theirs, mine) = (run(tshark(&path)), run(ours(&path)));
    assert_eq!(theirs.len(), mine.len());
    for (t, o) in theirs.iter().zip(&mine) {
        let (t_values, o_values) = (attributes(t), attributes(o));
        let protocols = |values: &BTreeMap<String, Vec<String>>| -> Vec<String> {
            values["proto"].iter().filter(|p| !PAYLOADS.contains(&p.as_str())).cloned().collect()
        };
        assert_eq!(protocols(&t_values), protocols(&o_values));
        for name in tree_fields().filter(|n| *n != "tcp.flags.str") {
            assert_eq!(t_values.get(name), o_values.get(name), "{name}");
        }
        for name in ["ip.src", "tcp.srcport", "tcp.seq_raw", "http.request.method"] {
            let line = |packet: &str| {
                let line = packet.lines().find(|l| l.contains(&format!("<field name=\"{name}\"")))?;
                let of = |key: &str| {
                    line.split_once(&format!(" {key}=\"")).and_then(|(_, v)| v.split_once('"')).map(|(v, _)| v.to_owned())
                };
                Some((of("size"), of("pos"), of("value")))
            };
            assert_eq!(line(t), line(o), "{name}");
        }
    }
}

#[test]
fn what_ek_and_psml_say_can_be_read() {
    let run = |form: &str| {
        let mut c = ours(&support::root().join("captures/tour.pcapng"));
        let out = c.env("TZ", "UTC").args(["-T", form]).output().expect("it runs");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).expect("text")
    };
    let bulk = run("ek");
    for line in bulk.lines() {
        let read: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        assert!(read.get("index").is_some() || read["layers"]["frame"]["frame_frame_number"].is_string(), "{line}");
    }
    let list = run("psml");
    assert_eq!(list.matches("<section>").count(), 7 * (1 + list.matches("<packet>").count()));
}

/// What a run of ours prints, and its exit code.
fn said(c: &mut Command) -> (String, Option<i32>) {
    let out = c.env("TZ", "UTC").output().expect("it runs");
    (String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr), out.status.code())
}

#[test]
fn followed_streams_are_printed_as_tshark_does() {
    if !has_tshark() {
        return;
    }
    for (end, follow) in [
        ("zeek__http__websocket.pcap", "tcp,ascii,0"),
        ("zeek__http__websocket.pcap", "tcp,hex,0"),
        ("zeek__http__websocket.pcap", "http,ascii,0"),
        ("zeek__ftp__retr.pcap", "tcp,ascii,0"),
        ("zeek__ftp__retr.pcap", "tcp,raw,0"),
        ("sv__smtp-errors__smtperr.pcap", "tcp,hex,1"),
        ("sv__pcaps__20250221-dns-ptr.pcap", "udp,hex,0"),
        ("illustrated-tls12__capture.pcap", "tls,ascii,0"),
        ("lekensteyn__tls__smtp-ssl.pcapng", "tls,ascii,0"),
    ] {
        let Some(path) = one_capture(end) else { continue };
        let run = |mut c: Command| {
            let out = c.args(["-q", "-z", &format!("follow,{follow}")]).output().expect("it runs");
            // Of a TLS conversation tshark knows one node only.
            let text = String::from_utf8_lossy(&out.stdout).into_owned();
            text.lines().filter(|l| !l.starts_with("Node 1")).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(run(tshark(&path)), run(ours(&path)), "{end} {follow}");
    }
}

#[test]
fn fields_read_in_bulk_are_those_of_whole_trees() {
    let names = [
        "frame.number",
        "frame.time_relative",
        "ip.addr",
        "tcp.port",
        "tcp.flags",
        "tcp.time_delta",
        "tcp.payload",
        "tcp.analysis.retransmission",
        "dns.qry.name",
        "dns.a",
        "http.request.method",
        "http.host",
        "http2.headers.status",
        "tls.handshake.extensions_server_name",
        "smtp.req.command",
    ];
    for path in [
        "tour.pcapng",
        "http1/everyday.pcapng",
        "dns/records.pcapng",
        "tls/web.pcapng",
        "smtp/letters.pcapng",
        "http2/lossy.pcapng",
    ]
    .map(|p| support::root().join("captures").join(p))
    {
        // Asking for the protocols of a frame makes trees; in `columns` they stand first.
        let trees: Vec<String> = columns(ours(&path), &names).iter().map(|row| row[1..].join("\t")).collect();
        let mut bulk = ours(&path);
        bulk.args(["-T", "fields", "-E", &format!("aggregator={BETWEEN}")]);
        names.iter().for_each(|n| {
            bulk.args(["-e", n]);
        });
        let (text, code) = said(&mut bulk);
        assert_eq!(code, Some(0), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), trees.len());
        for (n, (a, b)) in lines.iter().zip(&trees).enumerate() {
            assert_eq!(a, b, "{} packet {}", path.display(), n + 1);
        }
    }
}

#[test]
fn filtered_packets_are_written_and_printed() {
    let path = support::root().join("captures/tour.pcapng");
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("copy.pcapng");
    let (text, code) = said(ours(&path).args(["-Y", "tcp.flags.syn == 1", "-w"]).arg(&copy));
    // Only talk, and no packets.
    assert!(code == Some(0) && text.lines().count() == 1 && text.contains(" of 281 packets in "), "{text}");
    let list = |path: &Path, filter: &[&str]| {
        said(ours(path).args(["-T", "fields", "-e", "tcp.flags", "-e", "tcp.seq_raw"]).args(filter)).0
    };
    let chosen = list(&path, &["-Y", "tcp.flags.syn == 1"]);
    assert!(chosen.lines().count() > 2, "{chosen}");
    assert_eq!(list(&copy, &[]), chosen);
}

#[test]
fn wrong_flags_end_with_the_code_and_the_words_for_it() {
    let path = support::root().join("captures/tour.pcapng");
    for (flags, code, word) in [
        (&["-Y", "http.requst"][..], 4, "http.request"),
        (&["-T", "fields"], 1, "-e"),
        (&["-T", "fields", "-e", "tcp.sport"], 1, "tcp.srcport"),
        (&["-T", "fields", "-e", "ip.src", "-E", "separator=ab"], 1, "separator"),
        (&["-z", "follow,tcp,ascii,4711"], 1, "no tcp stream 4711"),
        (&["-o", "no.such:1"], 1, "tls.keylog_file"),
        (&["-t", "x"], 1, "adoy"),
    ] {
        let (text, got) = said(ours(&path).args(flags));
        assert_eq!(got, Some(code), "{flags:?}: {text}");
        assert!(text.contains(word), "{flags:?}: {text}");
    }
}

#[test]
fn bodies_of_the_first_packets_of_a_large_file_were_empty() {
    let once = support::root().join("captures/http1/everyday.pcapng");
    let body = |path: &Path, count: &[&str]| {
        said(ours(path).args(count).args(["-Y", "http.response", "-T", "fields", "-e", "frame.number", "-e", "http.file_data"])).0
    };
    let (packets, _) = said(ours(&once).args(["-T", "fields", "-e", "frame.number"]));
    let count = packets.lines().count().to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let many = folder.path().join("many.pcapng");
    // Sections of one file, so many that the first ones are asked for while the last ones are read.
    std::fs::write(&many, std::fs::read(&once).expect("it").repeat(400)).expect("room");
    assert_eq!(body(&many, &["-c", &count]), body(&once, &[]));
}
