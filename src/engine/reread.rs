//! Reading a conversation again: the delivery log is replayed into a fresh state machine, at any level, deciding nothing anew.

use crate::conversation::{Arrival, Context, Conversation, Listen, Scratch};
use crate::flow::Ends;
use crate::log::{Entry, Log, Mark, replay_entry};
use crate::reassembly::{Deliver, GapWhy, Source};
use crate::shard::{DecodeAs, Told, start_conversation};
use bytes::Bytes;
use std::ops::ControlFlow;
use wirelore_kit::{End, Level, Secrets, Spec, Transport};

/// A conversation on its way through its log, with memory of its own to work in.
pub struct Rereading {
    replay: Replay,
    scratch: Scratch,
    /// At most so much is left behind.
    pub level: Level,
}

/// A conversation on its way through its log; many of them share the memory to work in.
pub struct Replay {
    conv: Conversation,
    at: Mark,
    datagrams: bool,
}

struct Feed<'f, L: ?Sized> {
    conv: &'f mut Conversation,
    cx: Context<'f>,
    scratch: &'f mut Scratch,
    to: &'f mut L,
    datagrams: bool,
}

impl<L: Listen + ?Sized> Deliver for Feed<'_, L> {
    fn data(&mut self, dir: usize, at: u64, bytes: &[u8], from: Source) {
        let from = Arrival { number: from.number, time: from.time };
        if self.datagrams {
            self.conv.datagram(dir, at, bytes, false, from, self.cx, self.scratch, self.to);
        } else {
            self.conv.push(dir, at, bytes, from, self.cx, self.scratch, self.to);
        }
    }

    fn gap(&mut self, dir: usize, at: u64, missing: u64, _: GapWhy) {
        self.conv.gap(dir, at, missing, self.cx, self.scratch, self.to);
    }

    fn conflict(&mut self, _: usize, _: u64, _: u32, _: u32, _: Source) {}

    fn end(&mut self, dir: usize, how: End, number: u32, time: i64) {
        self.conv.end(dir, how, Arrival { number, time }, self.cx, self.scratch, self.to);
    }
}

impl Replay {
    /// From the beginning of flow `flow`, whose conversation started with `marks`.
    #[must_use]
    pub fn new(flow: u32, ends: &Ends, transport: Transport, marks: u16, decode_as: &[DecodeAs], told: Told<'_>) -> Replay {
        let conv = start_conversation(flow, ends, marks, decode_as, told);
        Replay { conv, at: Mark::default(), datagrams: transport == Transport::Udp }
    }

    /// The conversation.
    #[must_use]
    pub const fn conversation(&self) -> &Conversation {
        &self.conv
    }

    /// The next entry of the log; `None` at the end.
    #[must_use]
    pub fn next_entry(&self, log: &Log) -> Option<Entry> {
        log.entries_from(self.at).next()
    }

    /// The packet that the next entry of the log speaks of, so far as it speaks of one; `None` at the end.
    #[must_use]
    pub fn next_packet(&self, log: &Log) -> Option<u32> {
        match self.next_entry(log)? {
            Entry::Data(run) | Entry::Again(run) | Entry::Conflict { run, .. } => Some(run.number),
            Entry::End { number, .. } => Some(number),
            Entry::Gap { .. } => Some(0),
        }
    }

    /// Takes the next entry of the log; `Break` when there is none. `fetch` is that of [`crate::log::replay`].
    pub fn step<B: AsRef<[u8]>, L: Listen + ?Sized>(
        &mut self,
        log: &Log,
        cx: Context<'_>,
        scratch: &mut Scratch,
        fetch: &mut dyn FnMut(u32) -> Option<(B, i64)>,
        to: &mut L,
    ) -> ControlFlow<()> {
        let mut entries = log.entries_from(self.at);
        let Some(entry) = entries.next() else { return ControlFlow::Break(()) };
        self.at = entries.mark();
        let mut feed = Feed { conv: &mut self.conv, cx, scratch, to, datagrams: self.datagrams };
        replay_entry(entry, &mut |n| fetch(n), &mut feed);
        ControlFlow::Continue(())
    }
}

impl Rereading {
    /// From the beginning of flow `flow`, whose conversation started with `marks`.
    #[must_use]
    pub fn new(flow: u32, ends: &Ends, transport: Transport, marks: u16, decode_as: &[DecodeAs], told: Told<'_>) -> Rereading {
        let replay = Replay::new(flow, ends, transport, marks, decode_as, told);
        Rereading { replay, scratch: Scratch::default(), level: Level::Rows }
    }

    /// A copy to go on from later; `None` in the middle of a message or where a dissector cannot be copied.
    #[must_use]
    pub fn fork(&self) -> Option<Rereading> {
        let Replay { conv, at, datagrams } = &self.replay;
        let replay = Replay { conv: conv.fork()?, at: *at, datagrams: *datagrams };
        Some(Rereading { replay, scratch: Scratch::default(), level: self.level })
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.replay.conv.weight()
    }

    /// The conversation.
    #[must_use]
    pub const fn conversation(&self) -> &Conversation {
        self.replay.conversation()
    }

    /// As [`Replay::next_packet`].
    #[must_use]
    pub fn next_packet(&self, log: &Log) -> Option<u32> {
        self.replay.next_packet(log)
    }

    /// As [`Replay::step`].
    pub fn step<L: Listen + ?Sized>(
        &mut self,
        log: &Log,
        table: &'static [&'static Spec],
        secrets: &dyn Secrets,
        fetch: &mut dyn FnMut(u32) -> Option<(Bytes, i64)>,
        to: &mut L,
    ) -> ControlFlow<()> {
        let cx = Context { table, level: self.level, secrets };
        self.replay.step(log, cx, &mut self.scratch, fetch, to)
    }
}
