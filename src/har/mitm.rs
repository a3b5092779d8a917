//! Opening mitmproxy's flow files as captures, as HARs are: HTTP exchanges with their WebSockets, TCP and UDP flows.
//!
//! A flow file is a row of tagged netstrings, each the state of one flow. The keys read here are those of the versions 18 and up (mitmproxy 8,
//! 2022); what newer versions add is passed over.

use super::open::{finish, play_one, record};
use super::tnetstring::{Item, read};
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use wirelore_capture::Source;
use wirelore_export::exchange::{Body, Chat, Exchange, Headers, Said};
use wirelore_kit::Problem;
use wirelore_record::{Kind, Lane, Leg, Note, Side};

/// A flow file larger than this is not read: it must be in memory at once.
const MOST: u64 = 1 << 30;

/// Opens the file if it is a flow file; `None`: it is none.
///
/// # Errors
/// What is wrong with it, and what to do.
pub fn open(path: &Path) -> Result<Option<Source>, Problem> {
    let size = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file).map_or(0, |m| m.len());
    let mut head = Vec::new();
    let begun = std::fs::File::open(path).and_then(|f| f.take(4096).read_to_end(&mut head));
    if begun.is_err() || !begins_like(&head) {
        return Ok(None);
    }
    let wrong = |why: String| Problem {
        what: format!("{} could not be opened as a flow file of mitmproxy", path.display()),
        why,
        what_to_do: "Write it again with mitmproxy 8 or newer: `mitmdump -nr OLD -w NEW` does.".into(),
    };
    if size > MOST {
        return Err(wrong(format!("It has {size} bytes; at most {MOST} are read.")));
    }
    let bytes = std::fs::read(path).map_err(|e| wrong(format!("{e}.")))?;
    let mut flows = Vec::new();
    let mut rest = bytes.as_slice();
    let mut cut = None;
    while !rest.is_empty() {
        match read(rest) {
            Ok((flow, behind)) => {
                flows.push(flow);
                rest = behind;
            }
            // What was whole before it is good: mitmproxy may have been ended while it wrote.
            Err((why, left)) if !flows.is_empty() => {
                cut = Some(format!("At byte {}: {why}.", bytes.len().saturating_sub(left)));
                break;
            }
            Err((why, left)) => return Err(wrong(format!("At byte {}: {why}.", bytes.len().saturating_sub(left)))),
        }
    }
    let version = flows.first().and_then(|f| f.get("version")).and_then(Item::int).unwrap_or(0);
    if version < 18 {
        return Err(wrong(format!("Its version is {version}; 18 and newer are read.")));
    }
    let played = record("Wirelore, from a flow file of mitmproxy", "mitmproxy", |lane| {
        for (number, flow) in flows.iter().enumerate() {
            play(lane, number, flow);
        }
        if let Some(why) = &cut {
            let note = Note { why, ..Note::new(Kind::Recording, "The flow file ends in the middle of a flow.") };
            lane.note(0, note, 0);
        }
    });
    played.map(Some).map_err(wrong)
}

/// Whether it begins like a dictionary in which a flow says its version and type.
fn begins_like(head: &[u8]) -> bool {
    let digits = head.iter().take_while(|b| b.is_ascii_digit()).count();
    let has = |key: &[u8]| head.windows(key.len()).any(|w| w == key);
    (1..=12).contains(&digits) && head.get(digits) == Some(&b':') && (has(b"7:version") || has(b"4:type;"))
}

fn play(lane: &mut Lane, number: usize, flow: &Item) {
    let tie = number as u64;
    let kind = flow.get("type").and_then(Item::text).unwrap_or_default();
    let ends = ends(flow, number);
    match kind.as_str() {
        "http" => play_one(lane, tie, ends, &exchange(flow)),
        "tcp" => {
            let messages = flow.get("messages").map_or(&[][..], Item::list);
            let began = messages.first().and_then(|m| m.list().get(2)?.time()).unwrap_or(0);
            let leg =
                lane.open(Leg { side: Side::Client, client: ends.0, server: ends.1, listener: 0, tie, time: began, host: "" });
            let end = each(messages, began, &mut |to_server, bytes, time| lane.bytes(leg, to_server, bytes, time));
            finish(lane, leg, end);
        }
        "udp" => {
            let leg = Leg { side: Side::Client, client: ends.0, server: ends.1, listener: 0, tie, time: 0, host: "" };
            let mut leg = lane.open_datagrams(leg);
            let messages = flow.get("messages").map_or(&[][..], Item::list);
            each(messages, 0, &mut |to_server, bytes, time| lane.datagram(&mut leg, to_server, bytes, time));
        }
        other => {
            let what = format!("A flow of the type \"{other}\" is left out.");
            let why = "Only HTTP, TCP and UDP flows of mitmproxy are read.";
            lane.note(tie, Note { why, ..Note::new(Kind::Recording, &what) }, 0);
        }
    }
}

/// Hands on the messages of a flow: from the client or not, content, time. Gives the time of the last.
fn each(messages: &[Item], began: i64, to: &mut dyn FnMut(bool, &[u8], i64)) -> i64 {
    messages.iter().fold(began, |before, m| {
        let [from_client, content, time, ..] = m.list() else { return before };
        let time = time.time().unwrap_or(before).max(before);
        to(*from_client == Item::Bool(true), content.bytes().unwrap_or_default(), time);
        time
    })
}

/// The addresses of a flow's two ends; where a name stands or nothing, one of the documentation's (RFC 5737).
fn ends(flow: &Item, number: usize) -> (SocketAddr, SocketAddr) {
    let address = |conn: &str, key: &str| {
        let [host, port, ..] = flow.get(conn)?.get(key)?.list() else { return None };
        let ip: IpAddr = host.text()?.parse().ok()?;
        Some(SocketAddr::new(ip.to_canonical(), u16::try_from(port.int()?).ok()?))
    };
    let port = flow.get("request").and_then(|r| r.get("port")?.int()).and_then(|p| u16::try_from(p).ok()).unwrap_or(80);
    let server = address("server_conn", "peername").or_else(|| address("server_conn", "ip_address"));
    let server = server.or_else(|| address("server_conn", "address"));
    let from = 1024u16.saturating_add(u16::try_from(number % 60_000).unwrap_or(0));
    let client = address("client_conn", "peername").or_else(|| address("client_conn", "address"));
    let client = client.unwrap_or_else(|| SocketAddr::new(Ipv4Addr::new(192, 0, 2, 1).into(), from));
    (client, server.unwrap_or_else(|| SocketAddr::new(Ipv4Addr::new(192, 0, 2, 80).into(), port)))
}

fn exchange(flow: &Item) -> Exchange {
    let text = |of: &Item, key: &str| of.get(key).and_then(Item::text).unwrap_or_default();
    let request = flow.get("request").filter(|r| **r != Item::Null);
    let response = flow.get("response").filter(|r| **r != Item::Null);
    let mut e = Exchange::default();
    if let Some(r) = request {
        let (scheme, path) = (text(r, "scheme"), text(r, "path"));
        let authority = Some(text(r, "authority")).filter(|a| !a.is_empty());
        let port = r.get("port").and_then(Item::int).unwrap_or(80);
        let authority = authority.unwrap_or_else(|| match (scheme.as_str(), port) {
            ("http", 80) | ("https", 443) => text(r, "host"),
            _ => format!("{}:{port}", text(r, "host")),
        });
        e.secure = scheme == "https";
        e.url = format!("{scheme}://{authority}{path}");
        e.request = Some(said(r, [text(r, "method"), path, text(r, "http_version")]));
    }
    if let Some(r) = response {
        let status = r.get("status_code").and_then(Item::int).unwrap_or(0).to_string();
        e.response = Some(said(r, [text(r, "http_version"), status, text(r, "reason")]));
    }
    let messages = flow.get("websocket").and_then(|w| w.get("messages")).map_or(&[][..], Item::list);
    e.chat = messages.iter().filter_map(chat).collect();
    e
}

fn said(of: &Item, line: [String; 3]) -> Said {
    let pair = |p: &Item| Some((p.list().first()?.bytes()?.to_vec(), p.list().get(1)?.bytes()?.to_vec()));
    let headers = |key: &str| of.get(key).map_or(&[][..], Item::list).iter().filter_map(pair).collect::<Headers>();
    let content = of.get("content").and_then(Item::bytes).unwrap_or_default().to_vec();
    Said {
        line,
        headers: headers("headers"),
        trailers: headers("trailers"),
        // As it went over the wire, content codings still on.
        body: Body { coded: Some(content), ..Body::default() },
        began: of.get("timestamp_start").and_then(Item::time),
        ended: of.get("timestamp_end").and_then(Item::time),
        ..Said::default()
    }
}

/// A message of a WebSocket: opcode, from the client or not, content, time.
fn chat(m: &Item) -> Option<Chat> {
    let [opcode, from_client, content, time, ..] = m.list() else { return None };
    Some(Chat {
        to_server: *from_client == Item::Bool(true),
        time: time.time(),
        opcode: u8::try_from(opcode.int()?).ok()?,
        data: content.bytes()?.to_vec(),
    })
}
