//! Standing in the middle: what a protocol does with a conversation that passes through us and may be judged or changed on its way.
//!
//! A [`Middle`] is pure: no IO, no clock. Bytes of both sides go in, [`Step`]s come out, and whoever drives it does what they say, in
//! order, and tells how it went. What is not changed by a judgement or by the protocol's own need goes on byte for byte.

use crate::note::Note;
use crate::out::End;
use crate::span::Dir;
use crate::spec::{Hint, Spec, Start};
use bytes::Bytes;

/// Where a conversation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Between a client and the one server that it means: in a tunnel, behind a reverse or a transparent listener.
    Between,
    /// The client speaks to us as to a proxy: each message may be meant for another server ([`Step::Route`]).
    Forward,
}

/// A body that is to be judged is kept up to so many bytes, unless the setting says otherwise.
pub const KEPT: usize = 16 << 20;

/// What a [`Middle`] is told when it begins.
#[derive(Debug, Clone)]
pub struct Setting {
    /// Addresses and what is known of the protocol.
    pub start: Start,
    /// Where it stands.
    pub place: Place,
    /// Hand each message over to be judged ([`Step::Judge`]); false: only what the protocol itself needs is looked at.
    pub judge: bool,
    /// A body that is to be judged is kept in memory up to so many bytes; a longer one streams and is not judged.
    pub keep: usize,
    /// Let through what two readers could read differently (request smuggling and its like), byte for byte, instead of refusing it.
    pub lax: bool,
    /// A name for us where the protocol asks for one (`Via`); empty: none is told.
    pub name: String,
    /// User and password that a client must give before we do anything for it ([`Place::Forward`]; RFC 9110 §11.7).
    pub auth: Option<(String, String)>,
    /// [`Place::Between`] alone: the one server, if it is not connected yet. It is asked for with [`Step::Route`] when the first message is
    /// to go there, and never where all are answered on their way. Protocols of which [`Serve::forward`] does not hold ask for none: all that comes
    /// must be answered by judgements, and what they owe their client as its server they say themselves.
    pub away: Option<Origin>,
    /// The protocols that there are: one that carries others finds them here by what they claim, never by their code. Empty: what is carried
    /// passes unread.
    pub table: &'static [&'static Spec],
}

impl Setting {
    /// The usual: strict, bodies kept up to [`KEPT`], without a name, a password, a server that is away, or protocols inside.
    #[must_use]
    pub fn new(start: Start, place: Place, judge: bool) -> Setting {
        Setting { start, place, judge, keep: KEPT, lax: false, name: String::new(), auth: None, away: None, table: &[] }
    }
}

/// How a protocol stands in the middle, as one value of its Spec.
#[derive(Clone, Copy)]
pub struct Serve {
    /// Whether it can be spoken to a proxy ([`Place::Forward`]).
    pub forward: bool,
    /// It speaks in exchanges of HTTP: clients take it lightly when a connection on which nothing is going on is closed, they open another;
    /// and a page may answer a request.
    pub reopened: bool,
    /// A fresh one.
    pub new: fn(&Setting) -> Box<dyn Middle>,
}

impl std::fmt::Debug for Serve {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Serve {{ forward: {} }}", self.forward)
    }
}

/// What a message is in its conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// A question, a command.
    Request,
    /// Its answer.
    Response,
    /// An answer before the answer (HTTP's 1xx).
    Interim,
    /// Neither: a frame of a chat, an unsolicited line.
    Message,
}

/// How much of a message is there when it is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Line and headers; the body has not come yet or is not kept.
    Head,
    /// All of it.
    Whole,
}

/// A message on its way. What a judge may change: line, headers, body, trailers. Whoever made it writes it anew if it was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transit {
    /// Name of the protocol's Spec: "http".
    pub proto: &'static str,
    /// Which way it goes.
    pub dir: Dir,
    /// Counts the exchanges of the conversation from 0; an answer bears its question's number.
    pub exchange: u64,
    /// What it is.
    pub part: Part,
    /// How much of it is there.
    pub stage: Stage,
    /// Its first line without line end as on the wire: `GET /a HTTP/1.1`, `RCPT TO:<x@y>`, `227 Entering ...`. WebSocket: `text`, `binary`,
    /// `ping`, `pong`, `close 1000 reason`. Empty where the protocol has no lines. HTTP/2 writes its pseudo-headers as such a line.
    pub line: Bytes,
    /// Names and values in order, as written.
    pub headers: Vec<(Bytes, Bytes)>,
    /// The body without transfer coding, as far as it is kept; content codings are left on.
    pub body: Bytes,
    /// Trailers.
    pub trailers: Vec<(Bytes, Bytes)>,
    /// The whole address that the message is about, where the protocol has such: `http://example.org/a`.
    pub url: Option<String>,
}

impl Transit {
    /// [`Transit::exchange`] of a message of our own that names none.
    pub const ANY: u64 = u64::MAX;

    /// The value of the first header of that name, letter case aside.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&Bytes> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes())).map(|(_, v)| v)
    }
}

/// What was judged of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// It goes on as it came.
    Pass,
    /// Judge it again when its body is there (only at [`Stage::Head`]).
    Body,
    /// It goes on as this, head and body. At [`Stage::Head`] the body is not touched: what `Transit::body` says is ignored.
    Change(Box<Transit>),
    /// It does not go on; nothing answers.
    Drop,
    /// It does not go on; this answers in its place (its direction is the other one). At [`Stage::Head`] its body is read and dropped.
    Answer(Box<Transit>),
    /// The connection is broken off (TCP reset, where the driver can).
    Reset,
}

/// A server that messages are meant for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// TLS is spoken to it.
    pub tls: bool,
}

/// What is to be done next. Steps are done in order; see each for what the [`Middle`] waits for.
#[derive(Debug)]
pub enum Step {
    /// These bytes go on in that direction.
    Send {
        /// Which way.
        dir: Dir,
        /// What.
        bytes: Bytes,
    },
    /// All that is sent to the server from here on is for this origin. The driver connects and answers [`News::Routed`]; until then it
    /// takes no more bytes from the client. Only with [`Place::Forward`], and for [`Setting::away`]. It is always a new connection: a protocol that asks for the
    /// same origin again has seen that the one before is used up.
    Route(Origin),
    /// The client asked for a tunnel to this origin (CONNECT). The driver connects and answers [`News::Routed`]; then the [`Middle`] sends
    /// its answer and, if it went well, [`Step::Becomes`].
    Tunnel(Origin),
    /// The message is to be judged; the driver answers [`News::Judged`] with the same number. Bytes of that direction wait meanwhile, those
    /// of the other do not; where streams share a connection, those of the same stream.
    Judge {
        /// Counts what this conversation had judged.
        ticket: u64,
        /// It.
        message: Box<Transit>,
    },
    /// From here on both directions carry another protocol: TLS behind STARTTLS, WebSocket behind an upgrade, anything in a tunnel.
    /// This [`Middle`] is done. `rest` are bytes taken but not sent: to the server, to the client.
    Becomes {
        /// What it becomes.
        hint: Hint,
        /// Bytes that belong to it already.
        rest: [Bytes; 2],
    },
    /// Nothing more needs to be looked at: from here on bytes are copied. `rest` as in [`Step::Becomes`].
    Opaque {
        /// Bytes that were taken but not sent.
        rest: [Bytes; 2],
    },
    /// Another connection will be made (FTP's data): the driver listens where `listen` says, on its own address of that leg, answers
    /// [`News::Listening`], and when someone comes relays between it and the other end.
    Expect(Agreed),
    /// No more bytes go that way: half-close.
    Finish {
        /// Which way.
        dir: Dir,
    },
    /// Everything sent so far goes out, then the connection is closed on both sides.
    Close,
    /// As [`Step::Close`], but broken off (TCP reset): whoever cannot tell by its length that a message is cut must not take it for whole.
    Break,
    /// Something was found or done that the user should know: a refusal, an address rewritten.
    Told {
        /// What.
        note: &'static Note,
        /// With which words of this case.
        words: String,
    },
}

/// A connection that the two sides have agreed on, which must come through us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// The driver's answer names it by this number.
    pub key: u64,
    /// Who will open it: the direction that its first packet goes.
    pub opened: Dir,
    /// Where the one who is connected to listens; `None`: at the address of its side of this connection.
    pub host: Option<std::net::IpAddr>,
    /// On which port.
    pub port: u16,
    /// What it speaks: `Hint::Proto("ftp-data")`.
    pub hint: Hint,
    /// TLS is spoken on it, and the client of the control connection is its client.
    pub tls: bool,
}

/// What happened to a step.
#[derive(Debug)]
pub enum News {
    /// Of [`Step::Route`] and [`Step::Tunnel`]: connected, or why not.
    Routed(Result<(), Refusal>),
    /// Of [`Step::Judge`].
    Judged {
        /// Which.
        ticket: u64,
        /// How.
        judgement: Judgement,
    },
    /// Of [`Step::Expect`]: the address and port to tell the other side, or why it cannot be.
    Listening {
        /// Which.
        key: u64,
        /// Where.
        at: Result<std::net::SocketAddr, String>,
    },
    /// The driver answers the question that stands open itself (its own page): as [`Judgement::Answer`].
    Answer(Box<Transit>),
}

/// Why a server cannot be reached, in the words that its client will read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A status of RFC 9110 that fits: 502, 504, 403, 407, 508.
    pub status: u16,
    /// What failed: "The certificate of example.org is not valid".
    pub what: String,
    /// Why: "It expired on ...".
    pub why: String,
    /// What the user can do.
    pub what_to_do: String,
}

/// A protocol standing in the middle of one conversation.
pub trait Middle: Send {
    /// Takes bytes of one direction. All of them are taken: sent, or kept within a bound (what is over it is told and closes).
    fn push(&mut self, dir: Dir, bytes: Bytes, steps: &mut Vec<Step>);
    /// No more bytes will come in that direction.
    fn end(&mut self, dir: Dir, how: End, steps: &mut Vec<Step>);
    /// A step was done.
    fn tell(&mut self, news: News, steps: &mut Vec<Step>);
    /// A message that nobody sent goes that way, at the next place where one may stand. Protocols whose answers come in order keep the answer
    /// to such a one from the client. [`Transit::exchange`] names the stream where several share a connection ([`Transit::ANY`]: the one that
    /// there is).
    ///
    /// # Errors
    /// In words for people: why no such message can stand there, and what can be done instead. Nothing was sent then.
    fn inject(&mut self, own: Transit, steps: &mut Vec<Step>) -> Result<(), String> {
        let _ = steps;
        Err(format!(
            "{} has no place for a message of your own: an answer needs its question. Hold a message and change it, or send a request of your own",
            own.proto
        ))
    }
    /// Everything that it asked for and that can be had at once has been told; what it kept back only for the sake of order goes on.
    fn idle(&mut self, steps: &mut Vec<Step>) {
        let _ = steps;
    }
    /// Whether it holds bytes of that direction back (it waits for a judgement, a route, an end of line): the driver stops reading there
    /// when it does and [`Middle::weight`] is over the driver's bound.
    fn holds(&self, dir: Dir) -> bool;
    /// Bytes of memory held.
    fn weight(&self) -> usize;
}
