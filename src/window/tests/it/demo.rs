//! A demonstration capture: a small shop visit with DNS and HTTP over TCP, through a real store, with trees made by hand.

use bytes::Bytes;
use std::cell::RefCell;
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use wirelore_filter::{Filter, Registry};
use wirelore_kit::*;
use wirelore_store::query::Rows;
use wirelore_store::{Builder, FlowFlags, FlowRow, MessageOpen, Progress, Schema, Snapshot, Store, Work};
use wirelore_window::door::{Course, Finder, Followed, Form, Hit, Partly, Pattern, Run, Segment, Sieve, StateChange};
use wirelore_window::exports::{Form as To, Object, Offers, Order, Written};
use wirelore_window::{Capture, Conversations, Exporter, Opener, Waker};

static FIELDS: [F; 16] = [
    &ETH,
    &ETH_DST,
    &ETH_SRC,
    &ETH_TYPE,
    &IP,
    &IP_TTL,
    &IP_SRC,
    &IP_DST,
    &TCP,
    &TCP_SRC,
    &TCP_DST,
    &HTTP_METHOD,
    &HTTP_URI,
    &HTTP_HOST,
    &HTTP_CODE,
    &HTTP_TYPE,
];

static ETH: Field = Field::group("eth", "Ethernet");
static ETH_DST: Field = Field::new("eth.dst", "Destination", Kind::Mac);
static ETH_SRC: Field = Field::new("eth.src", "Source", Kind::Mac);
static ETH_TYPE: Field = Field::new("eth.type", "Type", Kind::Hex).names(&[(0x800, "IPv4")]);
static IP: Field = Field::group("ip", "Internet Protocol v4");
static IP_TTL: Field = Field::new("ip.ttl", "Time to live", Kind::Dec).rfc("RFC 791 §3.1");
static IP_SRC: Field = Field::new("ip.src", "Source", Kind::Ipv4);
static IP_DST: Field = Field::new("ip.dst", "Destination", Kind::Ipv4);
static TCP: Field = Field::group("tcp", "Transmission Control Protocol");
static TCP_SRC: Field = Field::new("tcp.srcport", "Source port", Kind::Dec);
static TCP_DST: Field = Field::new("tcp.dstport", "Destination port", Kind::Dec);
static TCP_SEQ: Field = Field::new("tcp.seq", "Sequence number", Kind::Dec);
static HTTP: Field = Field::group("http", "Hypertext Transfer Protocol");
static HTTP_LINE: Field = Field::group("http.request", "Request line");
static HTTP_METHOD: Field = Field::new("http.request.method", "Method", Kind::Text).key().role(Role::Method).rfc("RFC 9110 §9");
static HTTP_URI: Field = Field::new("http.request.uri", "Target", Kind::Text).key().role(Role::Path).rfc("RFC 9112 §3.2");
static HTTP_VERSION: Field = Field::new("http.request.version", "Version", Kind::Text);
static HTTP_HOST: Field = Field::new("http.host", "Host", Kind::Text).key().role(Role::Authority).rfc("RFC 9110 §7.2");
static HTTP_AUTH: Field = Field::new("http.authorization", "Authorization", Kind::Text).secret().rfc("RFC 9110 §11.6.2");
static HTTP_CODE: Field = Field::new("http.response.code", "Status code", Kind::Dec).key().role(Role::Status);
static HTTP_TYPE: Field = Field::new("http.content_type", "Content-Type", Kind::Text).role(Role::Media).rfc("RFC 9110 §8.3");
static HTTP_BODY: Field = Field::new("http.file_data", "Body", Kind::Text);
static LONG_HEAD: Note =
    Note::new("http.note.long_head", "A header appears twice", Severity::Warn, About::Protocol).rfc("RFC 9110 §5.3");

pub const HEADERS: usize = 54;
pub const REQUEST: &[u8] =
    b"GET /items?page=3 HTTP/1.1\r\nHost: api.shop.test\r\nAuthorization: Bearer s3cr3t\r\nAccept: application/json\r\n\r\n";
pub const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 49\r\n\r\n{\"items\":[{\"name\":\"lamp\",\"price\":19.90}],\"next\":4}";

/// What a message of a flow carries: a form, a picture, a broken picture, else JSON.
pub fn carried(flow: u32, dir: Dir) -> Option<(&'static str, Vec<u8>)> {
    match (flow, dir) {
        (2, Dir::ToServer) => Some((
            "application/x-www-form-urlencoded",
            b"user=ada&password=correct+horse&note=50%25+off%21+gr%C3%BC%C3%9Fe&page=2&newsletter=on&bad=%zz".to_vec(),
        )),
        (5, Dir::ToClient) => Some(("image/png", png())),
        (2, Dir::ToClient) => Some(("image/png", png()[..200].to_vec())),
        (_, Dir::ToClient) => Some(("application/json", RESPONSE[RESPONSE.len() - 50..].to_vec())),
        _ => None,
    }
}

/// A picture: a lamp's light, transparent at the rim.
fn png() -> Vec<u8> {
    let light = image::RgbaImage::from_fn(180, 120, |x, y| {
        let (dx, dy) = (x as i32 - 90, y as i32 - 60);
        let far = (dx * dx + dy * dy * 2) / 40;
        image::Rgba([255, (220 - far.min(200)) as u8, (x / 2 + 60) as u8, (255 - far.min(255)) as u8])
    });
    let mut out = Vec::new();
    light.write_to(&mut std::io::Cursor::new(&mut out), image::ImageFormat::Png).expect("a picture");
    out
}

/// The store of the demonstration: `packets` packets in `packets / 10` connections.
pub fn store(packets: u32) -> Store {
    let schema = Schema {
        protocols: vec![("http", "HTTP"), ("dns", "DNS")],
        key_fields: vec![&HTTP_METHOD, &HTTP_URI, &HTTP_HOST, &HTTP_CODE],
    };
    let mut b = Builder::new(schema);
    let start = 1_700_000_000_000_000_000_i64;
    let flows = packets.div_ceil(10);
    for f in 0..flows {
        if f % 10 == 9 {
            b.publish(true);
        }
        let dns = f % 3 == 0;
        let base = f * 10;
        let time = |i: u32| start + i64::from(base + i) * 1_234_567;
        let client = Endpoint { ip: [192, 168, 1, 10 + (f % 5) as u8].into(), port: 40_000 + (f % 20_000) as u16 };
        let server = if dns {
            Endpoint { ip: [192, 0, 2, 53].into(), port: 53 }
        } else {
            Endpoint { ip: [203, 0, 113, 80 + (f % 4) as u8].into(), port: 80 }
        };
        let mut row = FlowRow::new(if dns { Transport::Udp } else { Transport::Tcp }, if dns { 17 } else { 6 }, base, time(0));
        row.stream = f;
        row.set_protocol(Some(u16::from(dns)), if dns { Evidence::ProbeAndPort(53) } else { Evidence::Probe });
        row.set_initial_rtt(21_400_000);
        row.flags.set(FlowFlags::SYN);
        row.flags.set(FlowFlags::SYN_BACK);
        if f % 4 != 2 {
            row.flags.set(FlowFlags::FIN);
            row.flags.set(FlowFlags::FIN_BACK);
        }
        let flow = b.flow([client, server], row);
        let here = 10.min(packets - base);
        for i in 0..here {
            let len = 60 + (i * 171) % 1400;
            let mut p = PacketRow::new(time(i), u64::from(base + i) * 1500, 0, len, len);
            p.flow = flow;
            if i % 2 == 1 {
                p.bits |= PacketRow::BACKWARD;
            }
            if i == 7 && f % 3 == 1 {
                p.bits |= verdict::RETRANSMISSION;
            }
            b.packet(p);
            if let Some(row) = b.flow_mut(flow) {
                row.count(base + i, time(i), (i % 2) as usize, len);
            }
        }
        if here < 10 {
            continue;
        }
        let conv = ConvId { flow, inner: 0 };
        let say = |b: &mut Builder,
                   dir,
                   first: u32,
                   done: u32,
                   len,
                   summary: &str,
                   cells: &[(F, Cell)],
                   arena: &[u8],
                   notes: &[Noted]| {
            b.message(&MessageOpen {
                conv,
                protocol: u16::from(dns),
                dir,
                first: base + first,
                done: base + done,
                at: 0,
                len,
                state: MessageState::Whole,
                summary,
                cells,
                arena,
                notes,
                generation: 0,
            })
        };
        if dns {
            let ask = say(&mut b, Dir::ToServer, 0, 0, 31, "Query A api.shop.test", &[], &[], &[]);
            let x = b.asks(ask);
            let answer = say(&mut b, Dir::ToClient, 1, 1, 47, "Response A api.shop.test = 203.0.113.80", &[], &[], &[]);
            b.answers(answer, Some(x), More::No);
            continue;
        }
        let path = format!("/items?page={f}");
        let arena = format!("GET{path}api.shop.test");
        let to = |a: usize, b: usize| Cell::Text(a as u32..b as u32);
        let end = 3 + path.len();
        let cells = [(&HTTP_METHOD as F, to(0, 3)), (&HTTP_URI, to(3, end)), (&HTTP_HOST, to(end, end + 13))];
        let notes = if f % 7 == 1 {
            vec![Noted { what: &LONG_HEAD, at: Span::new(BufId::stream(conv, Dir::ToServer), 0, 26) }]
        } else {
            Vec::new()
        };
        let ask = say(
            &mut b,
            Dir::ToServer,
            3,
            3,
            REQUEST.len() as u64,
            &format!("GET api.shop.test{path}"),
            &cells,
            arena.as_bytes(),
            &notes,
        );
        let x = b.asks(ask);
        if f % 5 != 4 {
            let code = [200_u64, 200, 404, 200, 500][(f % 5) as usize];
            let words = ["200 OK", "200 OK", "404 Not Found", "200 OK", "500 Internal Server Error"][(f % 5) as usize];
            let answer =
                say(&mut b, Dir::ToClient, 5, 6, RESPONSE.len() as u64, words, &[(&HTTP_CODE, Cell::U64(code))], &[], &[]);
            b.answers(answer, Some(x), More::No);
        }
    }
    b.facts().format = "pcapng, microseconds".into();
    b.facts().size = Some(u64::from(packets) * 700);
    b.progress(Progress { read: u64::from(packets) * 700, of: Some(u64::from(packets) * 700), done: true });
    b.publish(true);
    b.store()
}

/// So many packets ask for the other demonstration: one connection of 10,000 messages, most of them inside TLS.
pub const LONG: u32 = 10_001;

/// One connection with as many messages as packets.
pub fn long(packets: u32) -> Store {
    let mut b = Builder::new(Schema { protocols: vec![("http", "HTTP"), ("tls", "TLS")], key_fields: Vec::new() });
    let start = 1_700_000_000_000_000_000_i64;
    let ends = [[192, 168, 1, 10], [203, 0, 113, 80]].map(|ip| Endpoint { ip: ip.into(), port: 443 });
    let mut row = FlowRow::new(Transport::Tcp, 6, 0, start);
    row.stream = 0;
    row.set_protocol(Some(1), Evidence::Probe);
    let flow = b.flow(ends, row);
    b.inside(ConvId { flow, inner: 1 }, 0);
    b.inside_speaks(ConvId { flow, inner: 1 }, 0, Evidence::Hint);
    let mut at = [0u64; 2];
    for i in 0..packets {
        // Now and then nobody speaks for a while.
        let time = start + i64::from(i) * 800_000 + i64::from(i / 1000) * 300_000_000;
        let mut p = PacketRow::new(time, u64::from(i) * 600, 0, 600, 600);
        p.flow = flow;
        let dir = if i % 2 == 0 { Dir::ToServer } else { Dir::ToClient };
        if dir == Dir::ToClient {
            p.bits |= PacketRow::BACKWARD;
        }
        b.packet(p);
        if let Some(row) = b.flow_mut(flow) {
            row.count(i, time, dir as usize, 600);
        }
        let inner = u32::from(i >= 6);
        let len = if i % 40 == 7 { 90_000 } else { 120 };
        let here = at[dir as usize];
        at[dir as usize] += len;
        b.message(&MessageOpen {
            conv: ConvId { flow, inner },
            protocol: u16::from(inner == 0),
            dir,
            first: i,
            done: i,
            at: here,
            len,
            state: MessageState::Whole,
            summary: &format!("message {i}"),
            cells: &[],
            arena: &[],
            notes: &[],
            generation: 0,
        });
    }
    b.progress(Progress { read: 1, of: Some(1), done: true });
    b.publish(true);
    b.store()
}

pub struct Demo {
    store: Store,
    /// It shows as many packets as [`Demo::grow`] said last on this thread.
    live: bool,
}

thread_local! {
    static GROWN: RefCell<Option<Store>> = const { RefCell::new(None) };
}

impl Demo {
    pub fn new(packets: u32) -> Demo {
        Demo { store: if packets == LONG { long(LONG - 1) } else { store(packets) }, live: false }
    }

    /// One that more sources can join, and that grows.
    pub fn live(packets: u32) -> Demo {
        Demo { live: true, ..Demo::new(packets) }
    }

    /// What is live has so many packets from now on.
    pub fn grow(packets: u32) {
        GROWN.with(|g| *g.borrow_mut() = Some(store(packets)));
    }
}

impl Capture for Demo {
    fn snapshot(&self) -> Arc<Snapshot> {
        let grown = GROWN.with(|g| g.borrow().as_ref().map(Store::snapshot)).filter(|_| self.live);
        grown.unwrap_or_else(|| self.store.snapshot())
    }

    fn trees(&self) -> Arc<dyn TreeSource> {
        Arc::new(Trees { store: self.store.clone() })
    }

    fn conversations(&self) -> Arc<dyn Conversations> {
        Arc::new(Talk { store: self.store.clone() })
    }

    fn sieve(&self) -> Arc<dyn Sieve> {
        Arc::new(Columns)
    }

    fn finder(&self) -> Arc<dyn Finder> {
        Arc::new(Summaries)
    }

    fn bench(&self) -> Option<wirelore_window::door::Bench> {
        self.live.then(|| Arc::new(()) as _)
    }

    fn exporter(&self) -> Arc<dyn Exporter> {
        Arc::new(Writer)
    }

    fn cancel(&self) {}
}

/// Every name that the demonstration's filters may use.
pub fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(|| Registry::new(FIELDS, [("http", "HTTP"), ("dns", "DNS")]))
}

/// Filters that columns answer.
struct Columns;

impl Sieve for Columns {
    fn rows(
        &self,
        filter: &Filter,
        s: &Arc<Snapshot>,
        rows: Rows,
        work: &Work,
        _: &mut Partly<'_>,
    ) -> Result<Option<Vec<u32>>, Problem> {
        let q = filter.query().ok_or_else(nothing)?;
        Ok(wirelore_store::query::find(s, &q, rows, work))
    }
}

/// Finds text in summaries.
struct Summaries;

impl Finder for Summaries {
    fn find(&self, p: &Pattern, s: &Arc<Snapshot>, _: &Work, each: &mut dyn FnMut(Hit) -> bool) -> Result<(), Problem> {
        if p.form != Form::Text {
            return Err(nothing());
        }
        for (m, row) in s.each_message().filter(|(m, _)| s.summary(*m).contains(&p.text)) {
            let hit = Hit { packet: row.done, message: Some(m), span: None, words: s.summary(m).to_owned() };
            if !each(hit) {
                break;
            }
        }
        Ok(())
    }
}

pub static WAITING: State = State { name: "http.state.awaiting_response", label: "waiting for the response" };
pub static ANSWERING: State = State { name: "http.state.answering", label: "answering" };
pub static IDLE: State = State { name: "http.state.idle", label: "idle" };

/// Conversations of the demonstration, made up as its packets are.
struct Talk {
    store: Store,
}

impl Conversations for Talk {
    fn course(&self, flow: u32, _: &Cancel) -> Result<Course, Problem> {
        let s = self.store.snapshot();
        let f = s.flow(flow).ok_or_else(nothing)?;
        let mut course = Course::default();
        for m in s.messages_of(flow) {
            let Some(row) = s.message(m) else { continue };
            let mut say = |side, state| {
                course.states.push(StateChange { conv: row.conv, message: (row.dir, row.at), side, state });
            };
            if row.dir == Dir::ToServer {
                say(Side::Client, &WAITING);
                say(Side::Server, &ANSWERING);
            } else {
                say(Side::Client, &IDLE);
                say(Side::Server, &IDLE);
            }
        }
        if f.transport == Transport::Tcp {
            for (i, flags) in [2, 18, 16].into_iter().enumerate() {
                course.segments.push(Segment { packet: f.first_packet + i as u32, flags, len: 0 });
            }
            for p in f.first_packet..=f.last_packet {
                if s.packet(p).is_some_and(|r| r.bits & verdict::RETRANSMISSION != 0) {
                    course.segments.push(Segment { packet: p, flags: 24, len: 106 });
                }
            }
            course.segments.push(Segment { packet: f.last_packet.saturating_sub(1), flags: 17, len: 0 });
            course.segments.push(Segment { packet: f.last_packet, flags: 17, len: 0 });
        }
        Ok(course)
    }

    fn follow(&self, of: ConvId, most: usize, _: &Cancel) -> Result<Followed, Problem> {
        let s = self.store.snapshot();
        let mut done = Followed::default();
        for m in s.messages_in(of) {
            let Some(row) = s.message(m) else { continue };
            let bytes = if row.dir == Dir::ToServer { REQUEST } else { RESPONSE };
            let from = done.bytes.len();
            done.bytes.extend_from_slice(bytes);
            done.runs.push(Run { dir: row.dir, at: row.at, from, to: done.bytes.len(), missing: 0, packet: row.first });
        }
        done.cut = done.bytes.len() > most;
        Ok(done)
    }

    fn decode_as(&self, flow: u32, _: Option<&str>) -> Result<(), Problem> {
        self.store.snapshot().flow(flow).map(|_| ()).ok_or_else(nothing)
    }

    fn other_legs(&self, flow: u32) -> Vec<u32> {
        if flow == 1 { vec![2] } else { Vec::new() }
    }

    fn decoded_as(&self, flow: u32) -> Option<String> {
        (flow == 2).then(|| "http".to_owned())
    }

    fn add_keys(&self, path: &Path) -> Result<usize, Problem> {
        if path.ends_with("missing") { Err(nothing()) } else { Ok(3) }
    }
}

fn nothing() -> Problem {
    Problem { what: "Nothing there".into(), why: "It does not exist.".into(), what_to_do: "Choose another.".into() }
}

/// Opens a demonstration whatever the path, unless the file is called "missing".
pub struct DemoOpener {
    pub packets: u32,
}

impl Opener for DemoOpener {
    fn open(&self, path: &Path, _: Waker) -> Result<Box<dyn Capture>, Problem> {
        if path.ends_with("missing") {
            return Err(Problem {
                what: "missing cannot be opened".into(),
                why: "There is no such file.".into(),
                what_to_do: "Check the path, or browse for it.".into(),
            });
        }
        Ok(Box::new(Demo::new(self.packets)))
    }
}

struct Trees {
    store: Store,
}

/// The bytes of a packet: headers, then its share of request or response.
fn packet_bytes(number: u32) -> Vec<u8> {
    let mut v = vec![0x00, 0x1b, 0x21, 0x7a, 0xc4, 0x02, 0x3c, 0x22, 0xfb, 0x0a, 0x91, 0x5e, 0x08, 0x00];
    v.extend([0x45, 0, 0, 0x9e, 0x1f, 0x40, 0x40, 0, 0x40, 6, 0x3b, 0x9e, 192, 168, 1, 10, 203, 0, 113, 80]);
    v.extend([0x9c, 0x40, 0, 80, 0xac, 0x56, 0x11, 0x9b, 0x42, 0x0d, 0x80, 0x18, 0x50, 0x18, 1, 0xf6, 0x7c, 0x11, 0, 0]);
    match number % 10 {
        3 => v.extend(REQUEST),
        5 => v.extend(&RESPONSE[..60]),
        6 => v.extend(&RESPONSE[60..]),
        _ => {}
    }
    v
}

struct Maker {
    nodes: Vec<Node>,
}

impl Maker {
    fn leaf(&mut self, field: F, buf: BufId, at: usize, len: usize, depth: u16, value: Value) {
        let end = self.nodes.len() as u32 + 1;
        self.nodes.push(Node { field, span: Span::new(buf, at as u64, len as u32), value, depth, tie: Tie::Own, end });
    }

    #[allow(clippy::too_many_arguments)]
    fn group(&mut self, field: F, buf: BufId, at: usize, len: usize, depth: u16, value: Value, f: impl FnOnce(&mut Maker)) {
        let here = self.nodes.len();
        self.leaf(field, buf, at, len, depth, value);
        f(self);
        let end = self.nodes.len() as u32;
        self.nodes[here].end = end;
    }
}

fn request(m: &mut Maker, buf: BufId, at: usize) {
    m.group(&HTTP, buf, at, REQUEST.len(), 0, "GET /items?page=3".into(), |m| {
        m.group(&HTTP_LINE, buf, at, 28, 1, Value::Span, |m| {
            m.leaf(&HTTP_METHOD, buf, at, 3, 2, Value::Span);
            m.leaf(&HTTP_URI, buf, at + 4, 13, 2, Value::Span);
            m.leaf(&HTTP_VERSION, buf, at + 18, 8, 2, Value::Span);
        });
        m.leaf(&HTTP_HOST, buf, at + 34, 13, 1, Value::Span);
        m.leaf(&HTTP_AUTH, buf, at + 64, 13, 1, Value::Span);
    });
}

fn response(m: &mut Maker, buf: BufId, at: usize) {
    m.group(&HTTP, buf, at, RESPONSE.len(), 0, "200 OK".into(), |m| {
        m.leaf(&HTTP_CODE, buf, at + 9, 3, 1, Value::U64(200));
        m.leaf(&HTTP_BODY, buf, at + 72, RESPONSE.len() - 72, 1, Value::Span);
    });
}

impl TreeSource for Trees {
    fn tree(&self, of: What, _: &Cancel) -> Result<Tree, Problem> {
        let mut m = Maker { nodes: Vec::new() };
        let s = self.store.snapshot();
        let mut buffers = Vec::new();
        let mut notes = Vec::new();
        match of {
            What::Packet(p) => {
                let buf = BufId::arrival(p.into());
                let bytes = packet_bytes(p);
                m.group(&ETH, buf, 0, 14, 0, "3c:22:fb:0a:91:5e → 00:1b:21:7a:c4:02".into(), |m| {
                    m.leaf(&ETH_DST, buf, 0, 6, 1, Value::Mac([0, 0x1b, 0x21, 0x7a, 0xc4, 2]));
                    m.leaf(&ETH_SRC, buf, 6, 6, 1, Value::Mac([0x3c, 0x22, 0xfb, 0x0a, 0x91, 0x5e]));
                    m.leaf(&ETH_TYPE, buf, 12, 2, 1, Value::U64(0x800));
                });
                m.group(&IP, buf, 14, 20, 0, "192.168.1.10 → 203.0.113.80".into(), |m| {
                    m.leaf(&IP_TTL, buf, 22, 1, 1, Value::U64(64));
                    m.leaf(&IP_SRC, buf, 26, 4, 1, Value::Ip4([192, 168, 1, 10]));
                    m.leaf(&IP_DST, buf, 30, 4, 1, Value::Ip4([203, 0, 113, 80]));
                });
                m.group(&TCP, buf, 34, 20, 0, "40000 → 80, seq 1".into(), |m| {
                    m.leaf(&TCP_SRC, buf, 34, 2, 1, Value::U64(40_000));
                    m.leaf(&TCP_DST, buf, 36, 2, 1, Value::U64(80));
                    m.leaf(&TCP_SEQ, buf, 38, 4, 1, Value::U64(1));
                });
                if p % 10 == 3 {
                    request(&mut m, buf, HEADERS);
                }
                buffers.push(Buffer {
                    id: buf,
                    label: format!("Packet {}", p + 1),
                    base: 0,
                    bytes: Bytes::from(bytes),
                    map: Vec::new(),
                });
            }
            What::Message(id) => {
                let row = s.message(id).ok_or_else(|| Problem {
                    what: "No such message".into(),
                    why: "It was withdrawn.".into(),
                    what_to_do: "Select another.".into(),
                })?;
                let buf = BufId::stream(row.conv, row.dir);
                let (bytes, name) = if row.dir == Dir::ToServer { (REQUEST, "To server") } else { (RESPONSE, "To client") };
                if row.dir == Dir::ToServer {
                    request(&mut m, buf, 0);
                    notes.extend(s.notes_of_message(id).iter().map(|n| Noted { what: n.note, at: Span::new(buf, 0, 28) }));
                } else {
                    response(&mut m, buf, 0);
                }
                buffers.push(Buffer { id: buf, label: name.into(), base: 0, bytes: Bytes::from_static(bytes), map: Vec::new() });
                if let Some((media, body)) = carried(row.conv.flow, row.dir) {
                    m.leaf(&HTTP_TYPE, buf, 31, 16, 0, media.into());
                    let label = format!("Body, as sent ({media})");
                    buffers.push(Buffer { id: BufId::part(0), label, base: 0, bytes: body.into(), map: Vec::new() });
                }
            }
        }
        Ok(Tree { nodes: m.nodes, buffers, notes })
    }

    fn lines(&self, range: Range<u32>, _: &Cancel) -> Result<Vec<PacketLine>, Problem> {
        let s = self.store.snapshot();
        Ok(range
            .filter_map(|p| {
                let row = s.packet(p)?;
                let f = s.flow(row.flow)?;
                let [a, b] = f.ends();
                let (from, to) = if row.is_backward() { (b, a) } else { (a, b) };
                let dns = f.row().transport == Transport::Udp;
                let info = match p % 10 {
                    _ if dns => "Standard query A api.shop.test".to_owned(),
                    0 => "[SYN] seq 0, win 64240, MSS 1460".into(),
                    1 => "[SYN, ACK] seq 0, ack 1".into(),
                    3 => format!("GET /items?page={} HTTP/1.1", p / 10),
                    6 => "HTTP/1.1 200 OK (application/json)".into(),
                    7 if row.bits & verdict::RETRANSMISSION != 0 => "[TCP retransmission] seq 1, 106 bytes".into(),
                    _ => "[ACK] seq 1, ack 107".into(),
                };
                let protocol = if dns {
                    "DNS"
                } else if matches!(p % 10, 3 | 6) {
                    "HTTP"
                } else {
                    "TCP"
                };
                Some(PacketLine { source: from.to_string(), destination: to.to_string(), protocol: protocol.into(), info })
            })
            .collect())
    }

    fn bytes(&self, span: Span) -> Result<Vec<u8>, Problem> {
        let all = match span.buf.kind() {
            BufKind::Arrival(n) => packet_bytes(n as u32),
            BufKind::Stream(_, Dir::ToServer) => REQUEST.to_vec(),
            _ => RESPONSE.to_vec(),
        };
        Ok(all.get(span.at as usize..(span.end() as usize).min(all.len())).unwrap_or(&[]).to_vec())
    }

    fn origin(&self, span: Span) -> Result<Vec<Span>, Problem> {
        let BufKind::Stream(conv, dir) = span.buf.kind() else { return Ok(Vec::new()) };
        let base = u64::from(conv.flow) * 10;
        if dir == Dir::ToServer {
            return Ok(vec![Span::new(BufId::arrival(base + 3), HEADERS as u64 + span.at, span.len)]);
        }
        let cut = |from: u64, to: u64, packet: u64| {
            let (a, b) = (span.at.max(from), span.end().min(to));
            (a < b).then(|| Span::new(BufId::arrival(base + packet), HEADERS as u64 + a - from, (b - a) as u32))
        };
        Ok([cut(0, 60, 5), cut(60, u64::MAX, 6)].into_iter().flatten().collect())
    }

    fn name(&self, buf: BufId) -> String {
        match buf.kind() {
            BufKind::Arrival(n) => format!("Packet {}", n + 1),
            BufKind::Stream(c, Dir::ToServer) => format!("Stream {}, to server", c.flow),
            BufKind::Stream(c, Dir::ToClient) => format!("Stream {}, to client", c.flow),
            BufKind::Part(_) => "Part".into(),
        }
    }
}

/// Writes what was ordered in words: tests read it.
pub struct Writer;

impl Exporter for Writer {
    fn offers(&self) -> Offers {
        Offers { tables: true, parquet: true, redact: true }
    }

    fn export(&self, o: &Order, _: &Arc<Snapshot>, _: &Work) -> Result<Option<Written>, Problem> {
        let rows = o.chosen.as_ref().map_or_else(|| "all".to_owned(), |c| c.len().to_string());
        let words =
            format!("{:?} {rows} {:?} keys {:?} redact {} columns {}", o.form, o.kind, o.keys, o.redact, o.columns.join("|"));
        let text = words.clone();
        std::fs::write(&o.to, text).map_err(|e| Problem {
            what: format!("{} was not written", o.to.display()),
            why: format!("{e}."),
            what_to_do: "Choose another folder.".into(),
        })?;
        let report = if o.redact { vec!["3 passwords were replaced.".to_owned()] } else { Vec::new() };
        let warning = (o.redact && o.form == To::Pcap).then(|| "1 secret is STILL THERE".to_owned());
        Ok(Some(Written { words, path: "/captures/written".into(), report, warning }))
    }

    fn objects(&self, s: &Arc<Snapshot>, _: &Work) -> Result<Option<Vec<Object>>, Problem> {
        let found = s.each_message().filter_map(|(_, m)| {
            let (media, bytes) = carried(m.conv.flow, m.dir)?;
            Some(Object {
                protocol: "http",
                name: format!("/items/{}", m.conv.flow),
                media: media.to_owned(),
                size: bytes.len() as u64,
                sha256: "ab".repeat(32),
                to_server: m.dir == Dir::ToServer,
                packet: m.done,
                whole: m.conv.flow != 2,
            })
        });
        Ok(Some(found.collect()))
    }

    fn save(&self, o: &Object, to: &Path) -> Result<Written, Problem> {
        Ok(Written { words: format!("{} bytes of {}", o.size, o.name), path: to.to_path_buf(), ..Written::default() })
    }
}
