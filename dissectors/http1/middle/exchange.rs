//! Requests that wait for their answers, and messages that wait for a judgement.

use super::super::body::Frame;
use super::page::For;
use bytes::{Bytes, BytesMut};
use wirelore_kit::Fact;
use wirelore_kit::middle::Origin;

/// What the answer's framing depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An answer like any other.
    Plain,
    /// The answer has no body.
    Head,
    /// The answer may open a tunnel.
    Connect,
    /// The answer may change the protocol.
    Upgrade,
}

/// A request that has no answer yet.
#[derive(Debug)]
pub struct Exchange {
    /// Counts from 0.
    pub number: u64,
    /// What its answer may be.
    pub kind: Kind,
    /// The client reads JSON rather than pages.
    pub json: bool,
    /// The connection to the client ends behind the answer.
    pub close: bool,
    /// A part of its answer was sent.
    pub started: bool,
    /// We have told the client to go on with its body: the server's 100 is not needed any more.
    pub continued: bool,
    /// Nobody will answer.
    pub dropped: bool,
    /// It was answered in the place of an interim answer: what its server says to it is thrown away.
    pub replaced: bool,
    /// We answer, with this.
    pub own: Option<Bytes>,
    /// What the request says to the protocol that an upgrade leads to.
    pub offer: Vec<Fact>,
    /// The address asked for, where messages are judged.
    pub url: Option<Box<str>>,
}

impl Exchange {
    /// A request like any other.
    #[must_use]
    pub const fn new(number: u64) -> Exchange {
        Exchange {
            number,
            kind: Kind::Plain,
            json: false,
            close: false,
            started: false,
            continued: false,
            dropped: false,
            replaced: false,
            own: None,
            offer: Vec::new(),
            url: None,
        }
    }

    /// What a page for it is like.
    #[must_use]
    pub fn page(&self) -> For {
        For { json: self.json, head: self.kind == Kind::Head, close: self.close }
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn weight(&self) -> usize {
        let offer = self.offer.iter().map(|f| f.value.len()).fold(0usize, usize::saturating_add);
        size_of::<Exchange>()
            .saturating_add(self.own.as_ref().map_or(0, Bytes::len))
            .saturating_add(self.url.as_ref().map_or(0, |u| u.len()))
            .saturating_add(offer)
    }
}

/// A body kept to be judged, as it stood on the wire.
#[derive(Debug, Default)]
pub struct Kept {
    /// Its bytes, chunks and all.
    pub raw: BytesMut,
    /// It is chunked.
    pub chunked: bool,
    /// All of it is there.
    pub whole: bool,
}

/// A request on its way to be judged or sent.
#[derive(Debug)]
pub struct Asking {
    /// Its head, as it came or was changed.
    pub head: Bytes,
    /// How the body is framed that follows on the wire; [`Frame::Nothing`] once it is kept.
    pub frame: Frame,
    /// Its body, where that is kept.
    pub kept: Option<Kept>,
    /// What becomes of it when it is sent.
    pub exchange: Exchange,
    /// The client waits for a 100 before it sends the body.
    pub expects: bool,
    /// Its framing cannot be told: all that follows is copied.
    pub opaque: bool,
    /// It asks for a tunnel.
    pub tunnel: bool,
    /// Where it goes, behind a proxy.
    pub origin: Option<Origin>,
    /// Its head for the server.
    pub ready: Bytes,
}

impl Asking {
    /// Bytes of memory held.
    #[must_use]
    pub fn weight(&self) -> usize {
        size_of::<Asking>()
            .saturating_add(self.head.len())
            .saturating_add(self.ready.len())
            .saturating_add(self.kept.as_ref().map_or(0, |k| k.raw.len()))
            .saturating_add(self.exchange.weight())
    }
}

/// A response on its way to be judged.
#[derive(Debug)]
pub struct Answering {
    /// Its head, as it came or was changed.
    pub head: Bytes,
    /// As in [`Asking::frame`].
    pub frame: Frame,
    /// Its body, where that is kept.
    pub kept: Option<Kept>,
    /// What is judged.
    pub ticket: u64,
    /// It is an answer before the answer (1xx).
    pub interim: bool,
}

impl Answering {
    /// Bytes of memory held.
    #[must_use]
    pub fn weight(&self) -> usize {
        size_of::<Answering>().saturating_add(self.head.len()).saturating_add(self.kept.as_ref().map_or(0, |k| k.raw.len()))
    }
}
