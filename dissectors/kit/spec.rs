//! All that the house knows about a protocol, as one value; and the contract that its dissector keeps.

use crate::field::F;
use crate::middle::Serve;
use crate::note::Note;
use crate::out::{End, Out};
use crate::reader::{Reader, Stop};
use crate::secrets::Secrets;
use crate::sink::Level;
use crate::span::{ConvId, Dir, Side, Span};
use std::net::IpAddr;
use std::sync::OnceLock;

/// How a protocol's bytes come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Framing {
    /// A byte stream: messages end where the protocol says.
    Stream,
    /// Datagrams: one read, one datagram.
    Datagram,
}

/// Which transport carries a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Transport {
    /// TCP, RFC 9293.
    Tcp = 6,
    /// UDP, RFC 768.
    Udp = 17,
    /// Something else that has a sender and a receiver.
    Other = 0,
}

/// A reason to think that a flow speaks a protocol, known before its bytes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Claim {
    /// A well-known TCP port of the server.
    Tcp(u16),
    /// A well-known UDP port of the server.
    Udp(u16),
    /// An ALPN name (RFC 7301).
    Alpn(&'static [u8]),
    /// A media type, lower case without parameters: its messages are rows.
    Media(&'static str),
    /// A media type whose bytes are the content of a message (JSON): read for the message's tree, never rows of their own. `+json` stands
    /// for every type that ends so.
    Content(&'static str),
    /// An HTTP upgrade token, lower case.
    Upgrade(&'static str),
    /// The protocol itself by its name, where an outer protocol says so.
    Named(&'static str),
}

/// What an outer protocol says of the bytes it hands on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Hint {
    /// Nothing: find out.
    Probe,
    /// A protocol by its Spec's name.
    Proto(&'static str),
    /// A protocol by its Spec's name, and what it carries (TLS after STARTTLS carries SMTP).
    Over {
        /// The protocol of the bytes themselves.
        outer: &'static str,
        /// What it hands on, where it has no better word of its own.
        inner: &'static str,
    },
    /// An ALPN name.
    Alpn(Box<[u8]>),
    /// A media type, lower case without parameters.
    Media(Box<Told>),
    /// An HTTP upgrade token (or HTTP/2's `:protocol`), lower case.
    Upgrade(Box<Told>),
    /// Only bytes, of this label: shown, not read.
    Bytes(&'static str),
}

impl Hint {
    /// A media type and nothing more.
    #[must_use]
    pub fn media(name: &str) -> Hint {
        Hint::Media(Box::new(Told { name: name.into(), facts: Box::default() }))
    }

    /// An upgrade token and what the messages around it said.
    #[must_use]
    pub fn upgrade(name: &str, facts: Vec<Fact>) -> Hint {
        Hint::Upgrade(Box::new(Told { name: name.into(), facts: facts.into() }))
    }

    /// What the outer protocol said besides a name.
    #[must_use]
    pub fn facts(&self) -> &[Fact] {
        match self {
            Hint::Media(t) | Hint::Upgrade(t) => &t.facts,
            _ => &[],
        }
    }

    /// The first fact of that name said by a side.
    #[must_use]
    pub fn fact(&self, from: Side, name: &str) -> Option<&[u8]> {
        self.facts().iter().find(|f| f.from == from && &*f.name == name).map(|f| &*f.value)
    }
}

/// A name, and what was said around it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Told {
    /// The media type or token.
    pub name: Box<str>,
    /// Header values that the inner protocol may need (`sec-websocket-extensions`, `grpc-encoding`); bounded by who says them.
    pub facts: Box<[Fact]>,
}

/// One thing that an outer protocol's message said.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Fact {
    /// Who said it.
    pub from: Side,
    /// Its name, lower case.
    pub name: Box<str>,
    /// Its value as it stood.
    pub value: Box<[u8]>,
}

/// What a probe says. Prefix-stable: anything but `More` never changes as bytes are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// Certainly not.
    No,
    /// Cannot tell yet.
    More,
    /// Looks like it; needs another sign, as the port.
    Likely,
    /// Certainly.
    Sure,
}

/// What a probe may look at.
#[derive(Debug, Clone, Copy)]
pub struct Peek<'a> {
    /// First bytes of the client (at most 512).
    pub to_server: &'a [u8],
    /// First bytes of the server (at most 512).
    pub to_client: &'a [u8],
    /// The transport.
    pub transport: Transport,
    /// The client's port; 0 where there is none.
    pub client_port: u16,
    /// The server's port; 0 where there is none.
    pub server_port: u16,
    /// Whether no more will come in either direction.
    pub ended: bool,
}

/// A named state of one side: the source of state panes.
#[derive(Debug, PartialEq, Eq)]
pub struct State {
    /// Name: `http.state.awaiting_response`.
    pub name: &'static str,
    /// What a person reads.
    pub label: &'static str,
}

/// How messages return after a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterGapPromise {
    /// At most so many messages behind the gap are lost besides those it cut.
    Within(u32),
    /// Frames are read again, their contents may not be.
    FramesOnly,
    /// Nothing behind a gap can be read.
    Never,
}

/// What to do about bytes that never came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterGap {
    /// The hole lies inside a counted body: the state has been carried over it, go on behind it.
    Carry,
    /// Look for the next start with [`Spec::resync`].
    Resync,
    /// Nothing more can be read in this direction.
    GiveUp,
}

/// How much a proxy must watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relay {
    /// Copy bytes.
    Opaque,
    /// Until the connection changes into something else.
    WatchUntilUpgrade,
    /// Always: messages name addresses or change hands.
    WatchAlways,
}

/// A flow to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expect {
    /// The end that will open it; `None` for either.
    pub from: Option<IpAddr>,
    /// Its port, if known.
    pub from_port: Option<u16>,
    /// The end that will be opened to.
    pub to: Option<IpAddr>,
    /// Its port, if known.
    pub to_port: Option<u16>,
    /// Over what.
    pub transport: Transport,
    /// What it speaks.
    pub hint: Hint,
    /// The announcing dissector's own number for it: later words about it ([`crate::Out::about`], [`crate::Out::concerns`]) use it.
    pub key: u64,
    /// What it is for, as far as that is known: "RETR notes.txt". May be said later with [`crate::Out::about`].
    pub about: Box<str>,
    /// For how long of capture time, nanoseconds.
    pub within: i64,
}

/// What a conversation is told when it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The transport.
    pub transport: Transport,
    /// The client's address and port.
    pub client: Option<(IpAddr, u16)>,
    /// The server's address and port.
    pub server: Option<(IpAddr, u16)>,
    /// What the outer protocol said.
    pub hint: Hint,
    /// Whether its beginning was not seen.
    pub midstream: bool,
    /// It was announced, by this.
    pub expected: Option<Box<Expected>>,
    /// Name of the Spec whose conversation it is inside of, if it is inside of one.
    pub inside: Option<&'static str>,
}

/// What a flow that was announced knows of its announcement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// The conversation that announced it.
    pub by: ConvId,
    /// That conversation's number for it.
    pub key: u64,
    /// What it is for, as known when its first byte came.
    pub about: Box<str>,
}

/// The circumstances of one read.
pub struct Turn<'t> {
    /// Which direction is read.
    pub dir: Dir,
    /// Stream offset of the first unread byte.
    pub at: u64,
    /// Time of the arrival that brought that byte, nanoseconds since the epoch.
    pub time: i64,
    /// How much to leave behind.
    pub level: Level,
    /// No more bytes will come in this direction.
    pub ended: bool,
    /// No more bytes will come in the other direction and all of it was read.
    pub other_ended: bool,
    /// Addresses and ports of both ends.
    pub start: &'t Start,
    /// Keys and passwords that were given.
    pub secrets: &'t dyn Secrets,
    /// The whole of what is left to read now.
    pub whole: Span,
}

/// Reads one protocol's conversation: pure, no IO, no clock.
pub trait Dissector: Send {
    /// Reads one message (or one piece of an open one) in `turn.dir` as if all its bytes were there. On [`Stop::Short`] or [`Stop::Wait`]
    /// reader and `out` are rolled back and the call is made again later: so change `self` only after the last fallible read.
    /// Each `Ok` must have taken bytes or closed something.
    ///
    /// # Errors
    /// [`Stop`].
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop>;

    /// `missing` bytes never came (`u64::MAX`: nobody knows how many).
    fn gap(&mut self, dir: Dir, missing: u64, out: &mut Out<'_>) -> AfterGap {
        let _ = (dir, missing, out);
        AfterGap::Resync
    }

    /// A direction ended, all its bytes are read.
    fn end(&mut self, dir: Dir, how: End, out: &mut Out<'_>) {
        let _ = (dir, how, out);
    }

    /// A copy of the state, for checkpoints; `None` where it cannot be copied now.
    fn fork(&self) -> Option<Box<dyn Dissector>>;

    /// Bytes of memory that the state holds.
    fn weight(&self) -> usize;
}

/// Finds a plausible start of a message in the bytes behind a gap that travel in a direction.
pub type Resync = fn(&[u8], Dir) -> Option<usize>;

/// A protocol.
pub struct Spec {
    /// Short name, as in filters and `frame.protocols`: "http".
    pub name: &'static str,
    /// What a person reads: "HTTP".
    pub label: &'static str,
    /// How its bytes come.
    pub framing: Framing,
    /// Every field.
    pub fields: &'static [F],
    /// Every note.
    pub notes: &'static [&'static Note],
    /// Ports and names that speak for it.
    pub claims: &'static [Claim],
    /// Looks at first bytes.
    pub probe: fn(&Peek<'_>) -> Verdict,
    /// Finds a plausible start of a message in the bytes behind a gap.
    pub resync: Option<Resync>,
    /// Every state.
    pub states: &'static [&'static State],
    /// How messages return after a gap.
    pub after_gap: AfterGapPromise,
    /// How much a proxy must watch.
    pub relay: Relay,
    /// Stands in the middle of a proxied conversation; `None`: its bytes can only be copied.
    pub middle: Option<Serve>,
    /// A fresh dissector.
    pub new: fn(&Start) -> Box<dyn Dissector>,
    /// Prose by language: `("en", include_str!("explain.en.toml"))`.
    pub explain: &'static [(&'static str, &'static str)],
}

impl std::fmt::Debug for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Spec({})", self.name)
    }
}

impl PartialEq for Spec {
    fn eq(&self, other: &Spec) -> bool {
        std::ptr::eq(self, other) || self.name == other.name
    }
}
impl Eq for Spec {}

/// The protocol that reads bytes of which an outer one said `hint`, as its place in the table; `None`: nobody, or it must be found out.
#[must_use]
pub fn reader_of(table: &'static [&'static Spec], hint: &Hint) -> Option<usize> {
    let claims = |fits: &dyn Fn(&Claim) -> bool| table.iter().position(|s| s.claims.iter().any(fits));
    match hint {
        Hint::Probe | Hint::Bytes(_) => None,
        Hint::Proto(name) | Hint::Over { outer: name, .. } => table.iter().position(|s| s.name == *name),
        Hint::Alpn(said) => claims(&|c| matches!(c, Claim::Alpn(a) if **a == **said)),
        // Asked for every piece of every body, of which hardly any is of such a type.
        Hint::Media(said) if !gathered_media(table, |m| *m == *said.name) => None,
        Hint::Media(said) => claims(&|c| matches!(c, Claim::Media(a) if **a == *said.name)),
        Hint::Upgrade(said) => claims(&|c| matches!(c, Claim::Upgrade(a) if **a == *said.name)),
    }
}

/// The protocol that reads a message's content of that media type, as its place in the table.
#[must_use]
pub fn content_reader_of(table: &[&'static Spec], hint: &Hint) -> Option<usize> {
    let Hint::Media(said) = hint else { return None };
    let fits = |c: &Claim| match c {
        Claim::Content(a) if a.starts_with('+') => said.name.ends_with(a),
        Claim::Content(a) => **a == *said.name,
        _ => false,
    };
    table.iter().position(|s| s.claims.iter().any(fits))
}

/// Whether a protocol of the table makes rows of the messages in bodies of that media type (without parameters).
#[must_use]
pub fn media_makes_rows(table: &'static [&'static Spec], essence: &[u8]) -> bool {
    gathered_media(table, |m| m.as_bytes().eq_ignore_ascii_case(essence))
}

/// Whether one of the media types that protocols of the table claim fits.
fn gathered_media(table: &'static [&'static Spec], fits: impl Fn(&str) -> bool) -> bool {
    // The program has one table, and this is asked for every body: its few media types are gathered once.
    static GATHERED: OnceLock<(&'static [&'static Spec], Vec<&'static str>)> = OnceLock::new();
    let of = |table: &'static [&'static Spec]| {
        table.iter().flat_map(|s| s.claims).filter_map(|c| if let Claim::Media(m) = c { Some(*m) } else { None })
    };
    let (gathered, types) = GATHERED.get_or_init(|| (table, of(table).collect()));
    if std::ptr::eq(*gathered, table) { types.iter().any(|m| fits(m)) } else { of(table).any(fits) }
}
