//! Messages of gRPC in a body: each is judged as a message of its own, so that streams of them flow and can be changed.
//!
//! A message is a byte that says whether it is compressed, four bytes of length, and so many bytes. What was passed goes on in the frames in
//! which it came; from a change on, until a frame ends where a message does, frames are cut anew.

use super::super::hpack::encode::Line;
use super::state::{Block, Data, Item, Stream};
use super::{MOST_KEPT, message};
use bytes::{Buf, Bytes, BytesMut};
use std::collections::VecDeque;
use wirelore_kit::Dir;
use wirelore_kit::middle::{Part, Stage, Transit};

/// Length of what stands in front of a message.
const PREFIX: usize = 5;

/// A body of messages.
#[derive(Debug, Default)]
pub struct Grpc {
    /// `grpc-encoding` of the body.
    coding: Bytes,
    /// Frames whose messages have not all been judged.
    frames: VecDeque<Data>,
    /// What of them has not been judged.
    unread: BytesMut,
    /// Passed messages since the last cut where frame and message end together.
    passed: BytesMut,
    /// Something was changed since then: frames are cut anew.
    cut: bool,
    /// The message that is being judged.
    pub ticket: Option<u64>,
    /// The sender has ended.
    pub ends: bool,
    /// What goes on behind all of it.
    pub tail: VecDeque<Item>,
    /// The end has gone on.
    over: bool,
}

/// What comes next of such a body.
#[derive(Debug)]
pub enum Next {
    /// Nothing before more comes.
    Nothing,
    /// This message is to be judged: whether it is compressed, and what it carries.
    Message(bool, Bytes),
    /// These frames go on.
    Frames(VecDeque<Data>),
    /// A message is too long to be kept: these frames go on, and nothing is read from here on.
    TooLong(VecDeque<Data>),
}

/// Whether a head says that its body is one of gRPC.
#[must_use]
pub fn is_grpc(head: &Block) -> bool {
    let rest = head.value(b"content-type").and_then(|t| t.strip_prefix(b"application/grpc"));
    rest.is_some_and(|r| matches!(r.first(), None | Some(b'+' | b';' | b' ')))
}

impl Grpc {
    /// The body behind a head.
    #[must_use]
    pub fn behind(lines: &[Line]) -> Grpc {
        let coding = lines.iter().find(|l| *l.name == *b"grpc-encoding").map(|l| l.value.clone()).unwrap_or_default();
        Grpc { coding, ..Grpc::default() }
    }

    /// More of it.
    pub fn feed(&mut self, data: Data) {
        self.unread.extend_from_slice(&data.data);
        self.ends |= data.ends;
        self.frames.push_back(data);
    }

    /// Whether frames wait in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Whether something waits in it.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.ticket.is_some() || !self.frames.is_empty()
    }

    /// Its sender is in the middle of a message that is awaited.
    #[must_use]
    pub fn wants_more(&self) -> bool {
        self.ticket.is_none() && !self.unread.is_empty() && !self.ends
    }

    /// What is to be done.
    pub fn next(&mut self) -> Next {
        if self.ticket.is_some() {
            return Next::Nothing;
        }
        if let [flag, a, b, c, d, rest @ ..] = &*self.unread {
            let len = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
            if len > MOST_KEPT {
                return Next::TooLong(self.all());
            }
            if let Some(body) = rest.get(..len) {
                return Next::Message(flag & 1 == 1, Bytes::copy_from_slice(body));
            }
        }
        if self.unread.is_empty() || self.ends {
            let frames = self.all();
            return if frames.is_empty() { Next::Nothing } else { Next::Frames(frames) };
        }
        if self.cut && !self.passed.is_empty() {
            return Next::Frames(VecDeque::from([Data::made(self.passed.split().freeze(), false)]));
        }
        Next::Nothing
    }

    /// Everything that is here, as it goes on.
    fn all(&mut self) -> VecDeque<Data> {
        let frames = std::mem::take(&mut self.frames);
        if !std::mem::take(&mut self.cut) {
            self.unread.clear();
            self.passed.clear();
            return frames;
        }
        let ends = self.ends && !std::mem::replace(&mut self.over, self.ends);
        let mut rest = self.passed.split();
        rest.unsplit(self.unread.split());
        if rest.is_empty() && !ends { VecDeque::new() } else { VecDeque::from([Data::made(rest.freeze(), ends)]) }
    }

    /// A message of our own goes on behind those that were judged. False: too much waits there already.
    #[must_use]
    pub fn put(&mut self, compressed: bool, body: &[u8]) -> bool {
        let fits = self.passed.len().saturating_add(body.len()) <= MOST_KEPT.saturating_add(PREFIX);
        if fits {
            self.cut = true;
            self.write(compressed, body);
        }
        fits
    }

    fn write(&mut self, compressed: bool, body: &[u8]) {
        self.passed.extend_from_slice(&[u8::from(compressed)]);
        self.passed.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.passed.extend_from_slice(body);
    }

    /// The message that was judged goes on as it is, as something else, or not at all.
    pub fn judged(&mut self, becomes: Option<Option<(bool, Bytes)>>) {
        self.ticket = None;
        let len = match &*self.unread {
            [_, a, b, c, d, ..] => u32::from_be_bytes([*a, *b, *c, *d]) as usize,
            _ => return,
        };
        let whole = PREFIX.saturating_add(len).min(self.unread.len());
        match becomes {
            None => {
                let old = self.unread.split_to(whole);
                self.passed.extend_from_slice(&old);
            }
            Some(new) => {
                self.unread.advance(whole);
                self.cut = true;
                if let Some((compressed, body)) = new {
                    self.write(compressed, &body);
                }
            }
        }
    }

    /// A message as it is judged.
    #[must_use]
    pub fn transit(&self, dir: Dir, stream: &Stream, compressed: bool, body: Bytes) -> Transit {
        let coding = (Bytes::from_static(b"content-encoding"), self.coding.clone());
        Transit {
            proto: message::NAME,
            dir,
            exchange: stream.exchange,
            part: Part::Message,
            stage: Stage::Whole,
            line: Bytes::from_static(if compressed { b"grpc compressed" } else { b"grpc" }),
            headers: if compressed { vec![coding] } else { Vec::new() },
            body,
            trailers: Vec::new(),
            url: stream.url.as_deref().map(str::to_owned),
        }
    }
}
