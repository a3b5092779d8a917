//! TLS that begins within what nobody reads: what a client said last is kept, where it may end with a ClientHello, until it is answered.
//!
//! The answer tells, not how the bytes came: so it makes no difference in which packets, and a hello that something else carries (TDS
//! wraps its own) is not taken for one.

use super::*;
use wirelore_kit::within::{WITHIN, answers_hello, hello_at_end};

/// Bytes as they came.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub way: usize,
    /// Their offset in the stream of that way.
    pub at: u64,
    pub bytes: Vec<u8>,
    /// The first and the last packet of them.
    pub arrived: [Arrival; 2],
}

/// A turn in more pieces than this is not kept: each costs more memory than it brings.
const MOST_PIECES: usize = 4096;

/// What is kept.
#[derive(Debug, Clone, Default)]
pub(super) struct Within {
    /// Bytes that came while nobody read, in both directions.
    passed: usize,
    /// What the client said last, and behind it the beginning of its answer while that is too little to tell.
    pieces: Vec<Piece>,
}

impl Within {
    /// Bytes of memory.
    pub fn weight(&self) -> usize {
        self.pieces.iter().map(|p| p.bytes.capacity().saturating_add(size_of::<Piece>())).sum()
    }

    /// What was said last was the last, or is not whole.
    pub fn forget(&mut self) {
        self.pieces = Vec::new();
    }

    /// Whether bytes that came answer a hello. Gives the pieces from that hello on, without these bytes.
    pub fn answered(&mut self, way: usize, bytes: &[u8]) -> Option<Vec<Piece>> {
        let asked = self.pieces.first()?.way;
        if asked == way {
            return None;
        }
        let of = |asks: bool| self.pieces.iter().filter(move |p| (p.way == asked) == asks).flat_map(|p| &p.bytes);
        let head: SmallVec<[u8; 8]> = of(false).chain(bytes).take(6).copied().collect();
        let from = match answers_hello(&head) {
            None => return None,
            Some(true) => hello_at_end(&of(true).copied().collect::<Vec<u8>>()),
            Some(false) => None,
        };
        let mut pieces = std::mem::take(&mut self.pieces);
        let mut before = from?;
        pieces.retain_mut(|p| {
            let cut = before.min(p.bytes.len());
            before = before.saturating_sub(cut);
            p.bytes.drain(..cut);
            p.at = p.at.saturating_add(cut as u64);
            !p.bytes.is_empty()
        });
        Some(pieces)
    }

    /// Keeps bytes that nobody reads; `asks`: their sender may be the client.
    pub fn keep(&mut self, asks: bool, way: usize, at: u64, bytes: &[u8], arrived: [Arrival; 2]) {
        if self.passed >= WITHIN {
            return;
        }
        self.passed = self.passed.saturating_add(bytes.len());
        if self.passed >= WITHIN || self.pieces.len() >= MOST_PIECES {
            return self.forget();
        }
        let answers = self.pieces.first().is_some_and(|p| p.way != way);
        if !answers && self.pieces.last().is_some_and(|p| p.way != way) {
            // It speaks again before the answer told anything.
            self.forget();
        }
        let mut from = 0;
        if self.pieces.is_empty() {
            let Some(i) = bytes.iter().position(|b| asks && *b == 0x16) else { return };
            from = i;
        }
        let bytes = bytes.get(from..).unwrap_or_default().to_vec();
        self.pieces.push(Piece { way, at: at.saturating_add(from as u64), bytes, arrived });
    }
}

impl Conversation {
    /// Looks at bytes that come before they are read. Where they answer a hello within what nobody reads, that is read anew from there on.
    pub(super) fn look_within<L: Listen + ?Sized>(
        &mut self,
        way: usize,
        bytes: &[u8],
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) {
        if matches!(self.mode, Mode::Reads(_)) {
            return;
        }
        let Some(pieces) = self.within.answered(way, bytes) else { return };
        for h in &mut self.halves {
            h.unread = Vec::new();
            h.arrivals = Arrivals::default();
            h.given_up = false;
            h.trial = false;
        }
        self.reopen(Hint::Probe);
        for p in pieces {
            self.came(p.way, p.at, &p.bytes, p.arrived, cx, s, to);
        }
    }

    /// Keeps bytes that came and that nobody reads, as long as TLS may begin in them.
    pub(super) fn keep_within(&mut self, way: usize, at: u64, bytes: &[u8], arrived: [Arrival; 2]) {
        if matches!(self.mode, Mode::Reads(_)) {
            return;
        }
        if self.twin.is_none() && self.content.is_none() && self.user.is_none() && !matches!(self.start.hint, Hint::Bytes(_)) {
            let asks = self.dir(way) == Dir::ToServer || (self.roles_open && !self.confirmed);
            self.within.keep(asks, way, at, bytes, arrived);
        }
    }
}
