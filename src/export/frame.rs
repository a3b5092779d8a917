//! What is said of a frame as such, besides its bytes: times against its neighbours, where it was captured, what follows from its row.

use crate::time::Times;
use std::collections::HashMap;
use wirelore_kit::row::NONE;
use wirelore_kit::{F, Field, Kind, Transport, Value};
use wirelore_store::Snapshot;

/// Facts of one frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// Number, counted from 0.
    pub number: u32,
    /// Nanoseconds since 1970-01-01 UTC; `i64::MIN` where the capture has none.
    pub time: i64,
    /// Time since the first frame, nanoseconds.
    pub relative: i64,
    /// Time since the frame before, nanoseconds.
    pub delta: i64,
    /// Time since the frame that was printed before, nanoseconds.
    pub delta_displayed: i64,
    /// Bytes on the wire.
    pub len: u32,
    /// Bytes captured.
    pub cap_len: u32,
    /// Link type of its interface (the LINKTYPE_ list).
    pub link_type: u32,
    /// Its interface where the format has interfaces (pcapng): number, name, description.
    pub interface: Option<(u16, String, String)>,
    /// Decimals that times of its clock have: 6 for microseconds.
    pub digits: u8,
    /// What was written about it.
    pub comments: Vec<String>,
    /// The transport of its stream, the time since that one's first frame, and since the frame before in it, nanoseconds.
    pub stream: Option<(Transport, i64, i64)>,
    /// Its flow speaks a protocol that we read.
    pub spoken: bool,
}

impl Frame {
    /// Its times, for showing one of them.
    #[must_use]
    pub const fn times(&self) -> Times {
        let Frame { time, relative, delta, delta_displayed, .. } = *self;
        Times { time, relative, delta, delta_displayed }
    }
}

impl Frame {
    /// What is told of it, in Wireshark's order, but for the names of its protocols.
    pub fn facts(&self) -> impl Iterator<Item = (F, Value)> {
        let number = |f: F, n: u64| (f, Value::U64(n));
        let comments = self.comments.iter().map(|c| -> (F, Value) { (&COMMENT, Value::from(c.as_str())) });
        let mut facts: Vec<(F, Value)> = comments.collect();
        if let Some((at, name, description)) = &self.interface {
            facts.push(number(&SECTION, 1));
            facts.push(number(&INTERFACE_ID, u64::from(*at)));
            for (field, text) in [(&INTERFACE_NAME, name), (&INTERFACE_DESCRIPTION, description)] {
                if !text.is_empty() {
                    facts.push((field, Value::from(text.as_str())));
                }
            }
        }
        facts.extend(encapsulation(self.link_type).map(|n| number(&ENCAP_TYPE, n)));
        if self.time != i64::MIN {
            let times = [
                (&TIME, self.time),
                (&OFFSET_SHIFT, 0),
                (&TIME_EPOCH, self.time),
                (&TIME_DELTA, self.delta),
                (&TIME_DELTA_DISPLAYED, self.delta_displayed),
                (&TIME_RELATIVE, self.relative),
            ];
            facts.extend(times.map(|(f, t)| -> (F, Value) { (f, Value::I64(t)) }));
        }
        facts.push(number(&NUMBER, u64::from(self.number) + 1));
        facts.push(number(&LEN, u64::from(self.len)));
        facts.push(number(&CAP_LEN, u64::from(self.cap_len)));
        facts.extend([&MARKED, &IGNORED].map(|f| -> (F, Value) { (f, Value::Bool(false)) }));
        facts.into_iter()
    }

    /// Its times in its stream, if that is of this transport.
    pub fn times_in_stream(&self, transport: Transport) -> impl Iterator<Item = (F, Value)> {
        let times = self.stream.filter(|(of, ..)| *of == transport).map(|(of, relative, delta)| match of {
            Transport::Udp => [(&UDP_TIME_RELATIVE, relative), (&UDP_TIME_DELTA, delta)],
            _ => [(&TCP_TIME_RELATIVE, relative), (&TCP_TIME_DELTA, delta)],
        });
        times.into_iter().flatten().map(|(f, t)| -> (F, Value) { (f, Value::I64(t)) })
    }
}

/// Walks the rows of a session in order and works out the facts of each: called for every frame, printed or not.
#[derive(Debug, Default)]
pub struct Clock {
    first: Option<i64>,
    before: Option<i64>,
    displayed: Option<i64>,
    next: u32,
    /// Of streams: when they began, when something came last.
    flows: HashMap<u32, (i64, i64)>,
}

impl Clock {
    /// The facts of frame `number`; frames in between are passed over. Numbers must rise.
    pub fn at(&mut self, s: &Snapshot, number: u32) -> Option<Frame> {
        while self.next < number {
            self.step(s, self.next);
            self.next = self.next.saturating_add(1);
        }
        let frame = self.step(s, number);
        self.next = number.saturating_add(1);
        let mut frame = frame?;
        frame.delta_displayed = self.displayed.filter(|_| frame.time != i64::MIN).map_or(0, |t| frame.time.saturating_sub(t));
        if frame.time != i64::MIN {
            self.displayed = Some(frame.time);
        }
        let row = s.packet(number)?;
        let facts = s.facts();
        if let Some(i) = facts.interfaces.get(usize::from(row.interface())) {
            frame.link_type = i.link_type;
            frame.digits = digits(i.ticks_per_second);
            // Only pcapng has sections, and describes interfaces.
            if facts.sections > 0 {
                frame.interface = Some((row.interface(), i.name.clone(), i.description.clone()));
            }
        }
        frame.comments = s.comments_on(number).map(str::to_owned).collect();
        frame.spoken = s.flow(row.flow).is_some_and(|f| f.protocol().is_some());
        Some(frame)
    }

    /// The times of a message that a packet completed: packets may come in any order.
    pub fn of_message(&mut self, s: &Snapshot, packet: u32) -> Frame {
        let Some(row) = s.packet(packet) else { return Frame { time: i64::MIN, ..Frame::default() } };
        let first = *self.first.get_or_insert_with(|| s.time_of(0).unwrap_or(row.time));
        let delta = self.before.map_or(0, |t| row.time.saturating_sub(t));
        self.before = Some(row.time);
        let digits = s.facts().interfaces.get(usize::from(row.interface())).map_or(6, |i| digits(i.ticks_per_second));
        let relative = row.time.saturating_sub(first);
        Frame { number: packet, time: row.time, relative, delta, delta_displayed: delta, digits, ..Frame::default() }
    }

    fn step(&mut self, s: &Snapshot, number: u32) -> Option<Frame> {
        let row = s.packet(number)?;
        let mut frame = Frame { number, time: row.time, len: row.wire_len, cap_len: row.cap_len, digits: 6, ..Frame::default() };
        if row.time != i64::MIN {
            frame.relative = row.time.saturating_sub(*self.first.get_or_insert(row.time));
            frame.delta = self.before.map_or(0, |t| row.time.saturating_sub(t));
            self.before = Some(row.time);
        }
        let of = Some(row.flow).filter(|f| *f != NONE).and_then(|f| s.flow(f)).map(|f| f.transport);
        if let Some(of) = of.filter(|of| matches!(of, Transport::Tcp | Transport::Udp)) {
            let (first, last) = self.flows.entry(row.flow).or_insert((row.time, row.time));
            frame.stream = Some((of, row.time.saturating_sub(*first), row.time.saturating_sub(*last)));
            *last = row.time;
        }
        Some(frame)
    }
}

/// Decimals of a clock with so many ticks in a second.
fn digits(ticks: u64) -> u8 {
    match ticks {
        // A capture that does not say counts microseconds.
        0 => 6,
        1 => 0,
        2..=10 => 1,
        11..=100 => 2,
        101..=1_000 => 3,
        1_001..=10_000 => 4,
        10_001..=100_000 => 5,
        100_001..=1_048_576 => 6,
        1_048_577..=10_000_000 => 7,
        10_000_001..=100_000_000 => 8,
        _ => 9,
    }
}

/// Wireshark's number of a link type (`frame.encap_type`, its WTAP_ENCAP list), where it has one.
#[must_use]
pub fn encapsulation(link_type: u32) -> Option<u64> {
    LINKS.iter().find(|(link, ..)| *link == link_type).map(|(_, n, _)| *n)
}

/// What a link type is called.
#[must_use]
pub fn link_name(link_type: u32) -> &'static str {
    LINKS.iter().find(|(link, ..)| *link == link_type).map_or("Unknown", |(.., name)| *name)
}

const LINKS: &[(u32, u64, &str)] = &[
    (0, 15, "NULL/Loopback"),
    (1, 1, "Ethernet"),
    (9, 4, "PPP"),
    (50, 4, "PPP"),
    (51, 18, "PPP-over-Ethernet session"),
    (12, 7, "Raw IP"),
    (14, 7, "Raw IP"),
    (101, 7, "Raw IP"),
    (104, 28, "Cisco HDLC"),
    (105, 20, "IEEE 802.11 Wireless LAN"),
    (107, 26, "Frame Relay"),
    (108, 174, "OpenBSD Loopback"),
    (113, 25, "Linux cooked-mode capture v1"),
    (127, 23, "IEEE 802.11 plus radiotap radio header"),
    (147, 45, "USER 0"),
    (228, 129, "Raw IPv4"),
    (229, 130, "Raw IPv6"),
    (239, 141, "NFLOG"),
    (276, 210, "Linux cooked-mode capture v2"),
];

macro_rules! facts {
    ($($id:ident = $kind:ident $name:literal, $label:literal;)*) => {
        $(pub(crate) static $id: Field = Field::new($name, $label, Kind::$kind).rfc("worked out here");)*
        /// The fields of frames and rows that no layer reads.
        pub static FIELDS: &[F] = &[$(&$id),*];
    };
}

facts! {
    FRAME = Group "frame", "Frame";
    COMMENT = Text "frame.comment", "Comment";
    SECTION = Dec "frame.section_number", "Section number";
    INTERFACE_ID = Dec "frame.interface_id", "Interface";
    INTERFACE_NAME = Text "frame.interface_name", "Interface name";
    INTERFACE_DESCRIPTION = Text "frame.interface_description", "Interface description";
    ENCAP_TYPE = Dec "frame.encap_type", "Encapsulation type";
    TIME = Time "frame.time", "Arrival time";
    OFFSET_SHIFT = Duration "frame.offset_shift", "Time shift for this packet";
    TIME_EPOCH = Time "frame.time_epoch", "Epoch time";
    TIME_DELTA = Duration "frame.time_delta", "Time since the frame before";
    TIME_DELTA_DISPLAYED = Duration "frame.time_delta_displayed", "Time since the frame printed before";
    TIME_RELATIVE = Duration "frame.time_relative", "Time since the first frame";
    NUMBER = Dec "frame.number", "Frame number";
    LEN = Dec "frame.len", "Frame length on the wire";
    CAP_LEN = Dec "frame.cap_len", "Frame length captured";
    MARKED = Bool "frame.marked", "Frame is marked";
    IGNORED = Bool "frame.ignored", "Frame is ignored";
    PROTOCOLS = Text "frame.protocols", "Protocols in frame";
    TCP_TIME_RELATIVE = Duration "tcp.time_relative", "Time since the first frame of this TCP stream";
    TCP_TIME_DELTA = Duration "tcp.time_delta", "Time since the frame before in this TCP stream";
    UDP_TIME_RELATIVE = Duration "udp.time_relative", "Time since the first frame of this UDP stream";
    UDP_TIME_DELTA = Duration "udp.time_delta", "Time since the frame before in this UDP stream";
    DATA = Group "data", "Data";
    DATA_LEN = Dec "data.len", "Length";
    TCP_OPTIONS = Bytes "tcp.options", "Options";
    HTTP_REQUEST = Bool "http.request", "Request";
    HTTP_RESPONSE = Bool "http.response", "Response";
    FTP_REQUEST = Bool "ftp.request", "Request";
    FTP_RESPONSE = Bool "ftp.response", "Response";
    HTTP_REQUEST_LINE = Text "http.request.line", "Request header line";
    HTTP_RESPONSE_LINE = Text "http.response.line", "Response header line";
}
