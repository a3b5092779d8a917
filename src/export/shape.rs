//! A packet's tree in the shape that tshark gives it, so that fields, JSON, PDML and text name and nest things as its users expect: one
//! protocol beside another, the names that stand for several fields, the facts of the frame before all.

use crate::frame::{self, Frame};
use crate::spell::{self, Place};
use std::borrow::Cow;
use wirelore_kit::span::BufKind;
use wirelore_kit::{DATA, F, How, Kind, Node, Span, TRAILING, Transport, Tree, Value};

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A protocol of the packet.
    Protocol,
    /// A heading without a value.
    Heading,
    /// A field with a value.
    Field,
}

/// One line of the shape. Items stand in preorder.
#[derive(Debug, Clone)]
pub struct Item<'t> {
    /// The name that filters use.
    pub name: &'static str,
    /// The field behind it.
    pub field: F,
    /// Its value.
    pub value: Cow<'t, Value>,
    /// The bytes of its span, as far as they are held.
    pub bytes: &'t [u8],
    /// Offset of the first of them, in the frame where they stand there, else in what was put together.
    pub at: u64,
    /// How many there are.
    pub len: u32,
    /// Levels below the root; protocols are 0.
    pub depth: u16,
    /// Index behind the last item inside it.
    pub end: u32,
    /// What it is.
    pub role: Role,
    /// Wireshark has it for filters and does not show it.
    pub hidden: bool,
}

impl Item<'_> {
    /// The value as tshark spells it.
    #[must_use]
    pub fn show(&self, place: Place) -> String {
        spell::spelled(self.name, self.field, &self.value, self.bytes, place)
    }

    /// Label and value as a person reads them.
    #[must_use]
    pub fn title(&self) -> String {
        let shown = match (&*self.value, self.field.kind) {
            (Value::I64(_) | Value::U64(_), Kind::Duration) => {
                let mut s = spell::spelled(self.name, self.field, &self.value, self.bytes, Place::Column);
                s.push_str(" seconds");
                s
            }
            (Value::I64(_), Kind::Time) => spell::spelled(self.name, self.field, &self.value, self.bytes, Place::Column),
            _ => wirelore_kit::value::display(self.field, &self.value, self.bytes),
        };
        if shown.is_empty() { self.field.label.to_owned() } else { format!("{}: {shown}", self.field.label) }
    }
}

/// A packet in tshark's shape.
#[derive(Debug, Clone, Default)]
pub struct Shape<'t> {
    /// Preorder.
    pub items: Vec<Item<'t>>,
    /// The frame's own bytes.
    pub bytes: &'t [u8],
}

/// Names that stand for a field besides its own, as Wireshark has them.
const ALSO: &[(&str, &[&str])] = &[
    ("eth.dst", &["eth.addr"]),
    ("eth.dst.ig", &["eth.ig"]),
    ("eth.dst.lg", &["eth.lg"]),
    ("eth.src", &["eth.addr"]),
    ("eth.src.ig", &["eth.ig"]),
    ("eth.src.lg", &["eth.lg"]),
    ("http.content_length_header", &["http.content_length"]),
    ("ip.dst", &["ip.addr", "ip.dst_host", "ip.host"]),
    ("ip.src", &["ip.addr", "ip.src_host", "ip.host"]),
    ("ipv6.dst", &["ipv6.addr", "ipv6.dst_host", "ipv6.host"]),
    ("ipv6.src", &["ipv6.addr", "ipv6.src_host", "ipv6.host"]),
    ("ipv6.version", &["ip.version"]),
    ("sctp.dstport", &["sctp.port"]),
    ("sctp.srcport", &["sctp.port"]),
    ("tcp.dstport", &["tcp.port"]),
    ("tcp.srcport", &["tcp.port"]),
    ("udp.dstport", &["udp.port"]),
    ("udp.srcport", &["udp.port"]),
];

/// The names that stand for `name` besides.
#[must_use]
pub fn also(name: &str) -> &'static [&'static str] {
    ALSO.binary_search_by(|(n, _)| (*n).cmp(name)).ok().and_then(|i| ALSO.get(i)).map_or(&[], |(_, also)| also)
}

/// Every name that stands for others, and those.
pub fn aliases() -> impl Iterator<Item = (&'static str, &'static str)> {
    ALSO.iter().flat_map(|(name, also)| also.iter().map(move |a| (*a, *name)))
}

/// What Wireshark calls a TCP option as a whole, by kind (RFC 9293 §3.2 and those that define them).
const OPTIONS: &[(u64, &str)] = &[
    (0, "tcp.options.eol"),
    (1, "tcp.options.nop"),
    (2, "tcp.options.mss"),
    (3, "tcp.options.wscale"),
    (4, "tcp.options.sack_perm"),
    (5, "tcp.options.sack"),
    (8, "tcp.options.timestamp"),
    (19, "tcp.options.md5"),
    (30, "tcp.options.mptcp"),
    (34, "tcp.options.tfo"),
];

/// What TCP options are called as a whole.
pub fn option_names() -> impl Iterator<Item = &'static str> {
    OPTIONS.iter().map(|(_, name)| *name)
}

/// The name that tshark has for a field, or ours where it has none.
#[must_use]
pub fn name_of(f: F) -> &'static str {
    match f.oracle {
        "" | "-" => f.name,
        theirs => theirs,
    }
}

/// The protocol that a name belongs to: what is before its first point, but for a few.
#[must_use]
pub fn protocol_of(name: &'static str) -> &'static str {
    let first = name.split('.').next().unwrap_or(name);
    match first {
        "x509af" | "x509ce" | "x509sat" | "pkix1implicit" | "ocsp" => "tls",
        _ => first,
    }
}

struct Maker<'t, 'l> {
    tree: &'t Tree,
    frame: &'l Frame,
    items: Vec<Item<'t>>,
    /// Index of the protocol that is open.
    open: Option<usize>,
}

/// Puts a packet's tree into tshark's shape.
#[must_use]
pub fn shape<'t>(tree: &'t Tree, frame: &Frame) -> Shape<'t> {
    let bytes = tree.buffers.first().map_or(&[][..], |b| &b.bytes);
    let mut m = Maker { tree, frame, items: Vec::with_capacity(tree.nodes.len() + 32), open: None };
    m.frame();
    let mut layers = "";
    for i in tree.children(None) {
        let Some(node) = tree.nodes.get(i) else { continue };
        if node.field.name == "frame" {
            let found = tree.nodes.get(i..node.end as usize).unwrap_or(&[]).iter().find(|n| n.field.name == "frame.protocols");
            if let Some(Value::Str(s)) = found.map(|n| &n.value) {
                layers = s;
            }
            continue;
        }
        m.root(i, node);
    }
    m.close();
    m.protocols(layers);
    Shape { items: m.items, bytes }
}

impl<'t> Maker<'t, '_> {
    fn push(&mut self, name: &'static str, field: F, value: Value, depth: u16) {
        let end = (self.items.len() as u32).saturating_add(1);
        let (at, len, bytes) = (0, 0, &[][..]);
        self.items.push(Item {
            name,
            field,
            value: Cow::Owned(value),
            bytes,
            at,
            len,
            depth,
            end,
            role: Role::Field,
            hidden: false,
        });
    }

    fn own(&mut self, field: F, value: Value) {
        self.push(field.name, field, value, 1);
    }

    /// Opens a protocol; what is told then at depths from 1 on is inside.
    fn begin(&mut self, name: &'static str, field: F, value: Cow<'t, Value>, span: Option<&Span>) {
        self.close();
        self.open = Some(self.items.len());
        let (at, len, bytes) = span.map_or((0, 0, &[][..]), |s| (self.place(s), s.len, self.tree.bytes(s)));
        let end = (self.items.len() as u32).saturating_add(1);
        self.items.push(Item { name, field, value, bytes, at, len, depth: 0, end, role: Role::Protocol, hidden: false });
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        self.finish(open);
        self.end_at(open);
    }

    /// What Wireshark adds to a protocol when all of it is read.
    fn finish(&mut self, open: usize) {
        match self.items.get(open).map_or("", |i| i.name) {
            name @ ("tcp" | "udp") if self.open_is_last(name, open) => {
                let of = if name == "tcp" { Transport::Tcp } else { Transport::Udp };
                for (field, value) in self.frame.times_in_stream(of) {
                    self.own(field, value);
                }
            }
            "http" => self.http(open),
            "ftp" => {
                // Each says that it is the one, and there also that it is not the other.
                for field in [&frame::FTP_REQUEST, &frame::FTP_RESPONSE] {
                    if !self.items.iter().any(|i| i.name == field.name) {
                        self.own(field, Value::Bool(false));
                    }
                }
            }
            "data" => {
                let len = self.items.get(open..).unwrap_or(&[]).iter().find(|i| i.field.is(&DATA)).map(|i| i.len);
                if let Some(len) = len {
                    self.own(&frame::DATA_LEN, Value::U64(u64::from(len)));
                }
            }
            _ => {}
        }
    }

    /// Only the connection's own header has its times, not one quoted or tunnelled before it.
    fn open_is_last(&self, name: &str, open: usize) -> bool {
        self.items.iter().rposition(|i| i.role == Role::Protocol && i.name == name) == Some(open)
    }

    /// Whether it is a request or an answer, and its header lines.
    fn http(&mut self, open: usize) {
        let items = self.items.get(open..).unwrap_or(&[]);
        let request = items.iter().any(|i| i.name == "http.request.method");
        let response = items.iter().any(|i| i.name == "http.response.version");
        let line = if request { &frame::HTTP_REQUEST_LINE } else { &frame::HTTP_RESPONSE_LINE };
        let lines: Vec<Item<'t>> = items.iter().filter(|i| i.name == "http.header" && !i.bytes.is_empty()).cloned().collect();
        if request || response {
            for header in lines {
                let end = (self.items.len() as u32).saturating_add(1);
                let item = Item {
                    name: line.name,
                    field: line,
                    value: Cow::Owned(Value::Span),
                    depth: 1,
                    end,
                    role: Role::Field,
                    hidden: true,
                    ..header
                };
                self.items.push(item);
            }
            self.own(if request { &frame::HTTP_REQUEST } else { &frame::HTTP_RESPONSE }, Value::Bool(true));
        }
    }

    /// Where bytes are: in the frame itself where they stand in it as they are.
    fn place(&self, span: &Span) -> u64 {
        if matches!(span.buf.kind(), BufKind::Arrival(_)) {
            return span.at;
        }
        let Some(buffer) = self.tree.buffer(span.buf) else { return 0 };
        let here = buffer.map.iter().find(|p| p.at <= span.at && span.end() <= p.at.saturating_add(u64::from(p.len)));
        match here {
            Some(p)
                if matches!(p.how, How::Verbatim | How::Joined)
                    && matches!(p.from.buf.kind(), BufKind::Arrival(n) if n == u64::from(self.frame.number)) =>
            {
                p.from.at.saturating_add(span.at.saturating_sub(p.at))
            }
            _ => span.at.saturating_sub(buffer.base),
        }
    }

    /// A node at the root of the tree: a protocol, or a part of one.
    fn root(&mut self, i: usize, node: &'t Node) {
        let name = node.field.name;
        let protocol = protocol_of(name_of(node.field));
        if name == "tcp.payload" || name == "udp.payload" {
            self.subtree(i, node, 1);
            self.close();
            if !self.frame.spoken && node.span.len > 0 {
                self.begin("data", &frame::DATA, Cow::Owned(Value::Span), Some(&node.span));
                let end = (self.items.len() as u32).saturating_add(1);
                let (at, len, bytes) = (self.place(&node.span), node.span.len, self.tree.bytes(&node.span));
                let value = Cow::Owned(Value::Span);
                let (role, hidden) = (Role::Field, false);
                self.items.push(Item { name: DATA.name, field: &DATA, value, bytes, at, len, depth: 1, end, role, hidden });
                self.close();
            }
            return;
        }
        if node.field.kind == Kind::Group && (name == protocol || name_of(node.field) == protocol) {
            self.begin(protocol, node.field, Cow::Borrowed(&node.value), Some(&node.span));
            self.children(i, 1);
            return;
        }
        let open = self.open.and_then(|o| self.items.get(o)).map(|i| i.name);
        if open != Some(protocol) {
            let group = if protocol == "data" { &frame::DATA } else { protocol_group(protocol) };
            self.begin(protocol, group, Cow::Owned(Value::Span), Some(&node.span));
        }
        self.subtree(i, node, 1);
    }

    /// What is inside node `i`. Wireshark has a TCP header's options below one heading.
    fn children(&mut self, i: usize, depth: u16) {
        let mut options = None;
        for c in self.tree.children(Some(i)) {
            let Some(child) = self.tree.nodes.get(c) else { continue };
            let is_option = matches!(child.field.name, "tcp.option" | "tcp.options.padding");
            match (is_option, options) {
                (true, None) => options = Some(self.options(i, child, depth)),
                (false, Some(at)) => {
                    self.end_at(at);
                    options = None;
                }
                _ => {}
            }
            self.subtree(c, child, if is_option { depth.saturating_add(1) } else { depth });
        }
        if let Some(at) = options {
            self.end_at(at);
        }
    }

    /// Opens the heading of a TCP header's options, from the first of them to the end of the last, and gives its index.
    fn options(&mut self, header: usize, first: &'t Node, depth: u16) -> usize {
        let all = self.tree.children(Some(header)).filter_map(|c| self.tree.nodes.get(c));
        let last = all.filter(|n| matches!(n.field.name, "tcp.option" | "tcp.options.padding")).last().unwrap_or(first);
        let span = Span::new(first.span.buf, first.span.at, last.span.end().saturating_sub(first.span.at) as u32);
        let (at, len, bytes) = (self.place(&span), span.len, self.tree.bytes(&span));
        let field = &frame::TCP_OPTIONS;
        let value = Cow::Owned(Value::Span);
        let (role, hidden, end) = (Role::Field, false, 0);
        self.items.push(Item { name: field.name, field, value, bytes, at, len, depth, end, role, hidden });
        self.items.len().saturating_sub(1)
    }

    fn end_at(&mut self, item: usize) {
        let end = self.items.len() as u32;
        if let Some(item) = self.items.get_mut(item) {
            item.end = end;
        }
    }

    /// A node and what is inside it.
    fn subtree(&mut self, i: usize, node: &'t Node, depth: u16) {
        // What only separates says nothing that the others do not.
        if node.field.name.ends_with(".delimiter") {
            return;
        }
        let here = self.items.len();
        let option = (node.field.name == "tcp.option").then(|| self.option(i)).flatten();
        let name = option.unwrap_or_else(|| name_of(node.field));
        let value: Cow<'t, Value> = Cow::Borrowed(&node.value);
        let octets = spell::is_octets(name);
        let plain = node.field.kind == Kind::Group && option.is_none() && !octets;
        let item = Item {
            name,
            field: node.field,
            value: if option.is_some() { Cow::Owned(Value::Span) } else { value },
            bytes: self.tree.bytes(&node.span),
            at: self.place(&node.span),
            len: node.span.len,
            depth,
            end: 0,
            role: if plain { Role::Heading } else { Role::Field },
            hidden: false,
        };
        self.items.push(item);
        self.children(i, depth.saturating_add(1));
        self.end_at(here);
        for alias in also(name) {
            if let Some(item) = self.items.get(here).cloned() {
                let end = (self.items.len() as u32).saturating_add(1);
                self.items.push(Item { name: alias, end, hidden: true, ..item });
            }
        }
    }

    /// The name of a TCP option by its kind.
    fn option(&self, i: usize) -> Option<&'static str> {
        let kind =
            self.tree.children(Some(i)).filter_map(|c| self.tree.nodes.get(c)).find(|n| n.field.name == "tcp.option_kind")?;
        let Value::U64(kind) = kind.value else { return None };
        OPTIONS.iter().find(|(k, _)| *k == kind).map(|(_, name)| *name)
    }

    fn frame(&mut self) {
        let f = self.frame;
        let whole = self.tree.buffers.first().map(|b| Span::new(b.id, 0, b.bytes.len() as u32));
        let title = format!("{}: {} bytes on wire, {} bytes captured", u64::from(f.number) + 1, f.len, f.cap_len);
        self.begin("frame", &frame::FRAME, Cow::Owned(Value::from(title)), whole.as_ref());
        for (field, value) in f.facts() {
            self.own(field, value);
        }
        self.own(&frame::PROTOCOLS, Value::Span);
    }

    /// `frame.protocols`: the layers as they were read, then what was spoken over them.
    fn protocols(&mut self, layers: &str) {
        let mut all = layers.to_owned();
        let said: Vec<&str> = layers.split(':').collect();
        let mut last = said.last().copied().unwrap_or("");
        let last_layer = self.items.iter().rposition(|i| i.role == Role::Protocol && said.contains(&i.name)).unwrap_or(0);
        // What stands behind the end of a datagram is nothing that a protocol carries.
        let trails = |at: usize| self.items.get(at.saturating_add(1)).is_some_and(|i| i.field.is(&TRAILING));
        let behind = self.items.iter().enumerate().skip(last_layer.saturating_add(1));
        for (_, item) in behind.filter(|(at, i)| i.role == Role::Protocol && !(i.name == "data" && trails(*at))) {
            if item.name != last {
                all.push(':');
                all.push_str(item.name);
            }
            last = item.name;
        }
        if let Some(item) = self.items.iter_mut().find(|i| i.name == "frame.protocols") {
            item.value = Cow::Owned(Value::from(all));
        }
    }
}

/// Headings for protocols whose messages have none.
fn protocol_group(name: &'static str) -> F {
    static GROUPS: &[wirelore_kit::Field] = &[
        wirelore_kit::Field::group("tls", "Transport Layer Security"),
        wirelore_kit::Field::group("http2", "HyperText Transfer Protocol 2"),
        wirelore_kit::Field::group("http", "Hypertext Transfer Protocol"),
        wirelore_kit::Field::group("dtls", "Datagram Transport Layer Security"),
        wirelore_kit::Field::group("websocket", "WebSocket"),
        wirelore_kit::Field::group("quic", "QUIC"),
        wirelore_kit::Field::group("imf", "Internet Message Format"),
        wirelore_kit::Field::group("json", "JavaScript Object Notation"),
    ];
    static OTHER: wirelore_kit::Field = wirelore_kit::Field::group("protocol", "Protocol");
    GROUPS.iter().find(|g| g.name == name).unwrap_or(&OTHER)
}

impl<'t> Shape<'t> {
    /// Every item of a name, in order.
    pub fn named<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Item<'t>> {
        self.items.iter().filter(move |i| i.name == name)
    }

    /// The indices of the protocols, or of what is directly inside item `of`.
    pub fn inside(&self, of: Option<usize>) -> impl Iterator<Item = usize> {
        let (mut at, end) = match of {
            Some(i) => (i.saturating_add(1), self.items.get(i).map_or(0, |n| n.end as usize)),
            None => (0, self.items.len()),
        };
        std::iter::from_fn(move || {
            let here = at;
            let item = self.items.get(here).filter(|_| here < end)?;
            at = (item.end as usize).max(here.saturating_add(1));
            Some(here)
        })
    }
}
