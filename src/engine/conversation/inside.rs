//! Conversations inside this one: opened when their first bytes come, let go when both their directions have ended.
//!
//! Their numbers count per flow, at every depth, in the order in which reading meets them: a second reading gives the same ones.
//! Readings of contents (a JSON body) are conversations too, but only for trees; they are numbered apart and tell no rows.

use super::*;
use hashbrown::HashMap;
use wirelore_kit::{content_reader_of, reader_of};

/// Numbers of readings of contents begin here: those of conversations stay below.
pub const FIRST_CONTENT: u32 = 1 << 22;
/// The largest number that a name of bytes ([`BufId`]) can hold.
const LAST_CONTENT: u32 = (1 << 23) - 1;

/// The numbers given inside a flow so far.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbering {
    conversations: u32,
    contents: u32,
}

impl Default for Numbering {
    fn default() -> Self {
        Numbering { conversations: 0, contents: FIRST_CONTENT }
    }
}

/// A conversation inside, and what is known of its streams out here.
struct Inside {
    of: Conversation,
    /// Bytes given to it by direction.
    given: [u64; 2],
    ended: [bool; 2],
    /// Bytes out here are missing, and nobody said yet what that means in there.
    holed: [bool; 2],
}

impl Inside {
    fn new(of: Conversation) -> Inside {
        Inside { of, given: [0; 2], ended: [false; 2], holed: [false; 2] }
    }

    fn is_content(&self) -> bool {
        self.of.content.is_some()
    }

    /// Tells of bytes that are missing.
    fn lacks<L: Listen + ?Sized>(&mut self, dir: Dir, missing: u64, cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        if let Some(holed) = self.holed.get_mut(dir.index()) {
            *holed = false;
        }
        let Some(at) = self.given.get_mut(dir.index()).filter(|_| missing > 0) else { return };
        let from = *at;
        if missing != u64::MAX {
            *at = from.saturating_add(missing);
        }
        self.of.gap(dir.index(), from, missing, cx, s, to);
    }

    /// What was lost unknown of is told before anything else is.
    fn settle_hole<L: Listen + ?Sized>(&mut self, dir: Dir, cx: Context<'_>, s: &mut Scratch, to: &mut L) {
        if self.holed.get(dir.index()) == Some(&true) {
            self.lacks(dir, u64::MAX, cx, s, to);
        }
    }

    /// Ends a direction, once; true when both have ended.
    fn end<L: Listen + ?Sized>(&mut self, dir: Dir, how: End, at: Arrival, cx: Context<'_>, s: &mut Scratch, to: &mut L) -> bool {
        if self.ended.get(dir.index()) == Some(&false) {
            self.settle_hole(dir, cx, s, to);
            self.of.end(dir.index(), how, at, cx, s, to);
            if let Some(ended) = self.ended.get_mut(dir.index()) {
                *ended = true;
            }
        }
        self.ended == [true; 2]
    }
}

/// The conversations inside one, by their dissector's keys. Nothing is allocated while there is none.
#[derive(Default)]
pub(super) struct Insides(Option<Box<HashMap<u64, Box<Inside>>>>);

impl Insides {
    fn get(&mut self, key: u64) -> Option<&mut Inside> {
        self.0.as_mut()?.get_mut(&key).map(|i| &mut **i)
    }

    fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |m| m.len())
    }

    fn remove(&mut self, key: u64) {
        if let Some(map) = &mut self.0 {
            map.remove(&key);
            if map.is_empty() {
                self.0 = None;
            }
        }
    }

    /// Bytes of a direction are missing out here.
    pub fn gap_in(&mut self, dir: Dir) {
        for inside in self.0.iter_mut().flat_map(|m| m.values_mut()) {
            if let Some(holed) = inside.holed.get_mut(dir.index()) {
                *holed = true;
            }
        }
    }

    pub fn weight(&self) -> usize {
        self.0.iter().flat_map(|m| m.values()).map(|i| i.of.weight().saturating_add(size_of::<Inside>())).sum()
    }

    pub fn fork(&self) -> Option<Insides> {
        let Some(map) = &self.0 else { return Some(Insides(None)) };
        let copy: Option<HashMap<u64, Box<Inside>>> = map
            .iter()
            .filter(|(_, i)| !i.is_content())
            .map(|(key, i)| Some((*key, Box::new(Inside { of: i.of.fork()?, given: i.given, ended: i.ended, holed: i.holed }))))
            .collect();
        Some(Insides(Some(Box::new(copy?))))
    }

    /// Their keys, in the order of their numbers.
    fn keys(&self) -> Vec<u64> {
        let mut keys: Vec<(u32, u64)> = self.0.iter().flat_map(|m| m.iter()).map(|(key, i)| (i.of.id.inner, *key)).collect();
        keys.sort_unstable();
        keys.into_iter().map(|(_, key)| key).collect()
    }
}

/// Bytes for a conversation inside, as a dissector handed them on.
pub(super) struct ForInside<'f> {
    pub key: u64,
    pub dir: Dir,
    pub bytes: &'f [u8],
    pub from: Span,
    pub how: How,
    pub hint: &'f Hint,
    pub datagram: bool,
}

impl Conversation {
    /// Whether a conversation of that protocol has begun inside of this one.
    #[must_use]
    pub fn carries(&self, name: &str) -> bool {
        let inside = self.inside.0.as_ref().into_iter().flat_map(|m| m.values());
        inside.into_iter().any(|i| matches!(i.of.start.hint, Hint::Proto(p) if p == name))
    }

    /// Tells what an announced flow is for, known better by now: heard by what begins inside of it from here on.
    pub fn retold(&mut self, b: &Bound) {
        self.start.expected = Some(Box::new(b.expected.clone()));
    }

    /// A flow's own conversation gives the numbers inside of it.
    pub(super) fn lend(&self, s: &mut Scratch) {
        if self.depth == 0 {
            s.numbers = self.numbers;
        }
    }

    pub(super) fn take_back(&mut self, s: &Scratch) {
        if self.depth == 0 {
            self.numbers = s.numbers;
        }
    }

    /// Whether something that a read handed on would be read, if bounds did not forbid it.
    pub(super) fn too_much_inside(&mut self, ops: &Ops, cx: Context<'_>) -> bool {
        let full = self.inside.len() >= MOST_INNER || self.depth.saturating_add(1) >= MOST_DEPTH;
        full && ops.list.iter().any(|op| match op {
            Op::Inner { key, hint, .. } => {
                self.inside.get(*key).is_none() && (*hint == Hint::Probe || reader_of(cx.table, hint).is_some())
            }
            _ => false,
        })
    }

    /// Opens the conversation for bytes of a new key, if somebody reads them.
    fn open_inside<L: Listen + ?Sized>(
        &mut self,
        chunk: &ForInside<'_>,
        message: (Dir, u64),
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) -> Option<()> {
        if self.depth.saturating_add(1) >= MOST_DEPTH || self.inside.len() >= MOST_INNER {
            return None;
        }
        let reads = *chunk.hint == Hint::Probe || reader_of(cx.table, chunk.hint).is_some();
        let content = if reads || cx.level < Level::Tree {
            None
        } else {
            content_reader_of(cx.table, chunk.hint).and_then(|i| cx.table.get(i))
        };
        let n = if content.is_some() { &mut s.numbers.contents } else { &mut s.numbers.conversations };
        let last = if content.is_some() { LAST_CONTENT } else { FIRST_CONTENT.saturating_sub(1) };
        if (content.is_none() && !reads) || *n >= last {
            return None;
        }
        *n = n.saturating_add(1);
        let start = Start {
            transport: if chunk.datagram { Transport::Udp } else { Transport::Tcp },
            client: self.start.client,
            server: self.start.server,
            hint: chunk.hint.clone(),
            midstream: false,
            expected: self.start.expected.clone(),
            inside: self.spec.map(|s| s.name),
        };
        let mut of = Conversation::new(ConvId { flow: self.id.flow, inner: *n }, start, false);
        of.depth = self.depth.saturating_add(1);
        // What stands inside of a content is its content too.
        of.content = match (&self.content, content) {
            (Some(outer), _) => Some(outer.clone()),
            (None, Some(_)) => Some(Box::new((self.id, message.0, message.1))),
            (None, None) => None,
        };
        if let Some(spec) = content {
            of.decide(spec.name);
        }
        if of.content.is_none() {
            to.inside(of.id, self.id, message, chunk.hint);
        }
        self.inside.0.get_or_insert_default().insert(chunk.key, Box::new(Inside::new(of)));
        Some(())
    }

    /// Hands bytes on to the conversation inside that they belong to.
    pub(super) fn feed_inside<L: Listen + ?Sized>(
        &mut self,
        way: usize,
        chunk: &ForInside<'_>,
        message: (Dir, u64),
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) {
        if let Some(twin) = &mut self.twin
            && !matches!(chunk.hint, Hint::Proto(name) if twin.carriers.contains(name))
        {
            twin.begun = true;
            return;
        }
        let ForInside { key, dir, bytes, from, how, hint, datagram } = *chunk;
        let known = self.inside.get(key).is_some() || self.open_inside(chunk, message, cx, s, to).is_some();
        if cx.level >= Level::Bodies
            && let Some(spec) = self.spec
        {
            let inside = if known { self.inside.get(key) } else { None };
            let read_by = inside.map(|i| (i.of.id, if dir == Dir::ToServer { i.given[0] } else { i.given[1] }));
            to.inner(&InnerBytes { conv: self.id, spec, message, key: (key, dir), bytes, from, how, hint, read_by });
        }
        let own = from.buf == self.buf(way);
        let outer = self.half(way);
        let since = outer.open.as_ref().filter(|o| own && from.at < outer.base && o.at <= from.at).map(|o| o.first);
        let first = since.or_else(|| outer.arrivals.of(from.at).filter(|_| own)).unwrap_or(outer.last);
        let last = outer.arrivals.latest(from.end().saturating_sub(1)).filter(|_| own).unwrap_or(outer.last);
        let Some(inside) = self.inside.get(key) else { return };
        if inside.ended.get(dir.index()) != Some(&false) {
            return;
        }
        inside.settle_hole(dir, cx, s, to);
        let Some(given) = inside.given.get_mut(dir.index()) else { return };
        let at = *given;
        let end = at.saturating_add(bytes.len() as u64);
        *given = end;
        if datagram {
            inside.of.took_datagram(dir.index(), at, bytes, false, first, last, cx, s, to);
            return;
        }
        inside.of.look_within(dir.index(), bytes, cx, s, to);
        if !inside.of.begins(dir.index(), at) {
            return inside.of.keep_within(dir.index(), at, bytes, [first, last]);
        }
        // Bytes that stand out here as they are came with the packets that brought them; of bytes that were made only the range is known.
        let exact = own && how.keeps_offsets() && from.len as usize == bytes.len();
        let [a, b] = &self.halves;
        let outer = if way == 0 { a } else { b };
        let Some(inside) = self.inside.get(key) else { return };
        let h = inside.of.half_mut(dir.index());
        h.last = last;
        if !exact || !h.arrivals.push_same(at, &outer.arrivals, from) {
            h.arrivals.push(end, first, last);
        }
        inside.of.took(dir.index(), bytes, cx, s, to);
        inside.of.keep_within(dir.index(), at, bytes, [first, last]);
    }

    /// A direction of a conversation inside ends.
    #[expect(clippy::too_many_arguments, reason = "the circumstances of a read go with every call")]
    pub(super) fn end_inside<L: Listen + ?Sized>(
        &mut self,
        key: (u64, Dir),
        how: End,
        message: (Dir, u64),
        at: Arrival,
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) {
        if cx.level >= Level::Bodies {
            to.inner_end(self.id, message, key, how);
        }
        if self.inside.get(key.0).is_some_and(|i| i.end(key.1, how, at, cx, s, to)) {
            self.inside.remove(key.0);
        }
    }

    /// Bytes of a conversation inside are missing.
    pub(super) fn gap_inside<L: Listen + ?Sized>(
        &mut self,
        key: (u64, Dir),
        missing: u64,
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) {
        if let Some(inside) = self.inside.get(key.0) {
            inside.lacks(key.1, missing, cx, s, to);
        }
    }

    /// A direction ends for all conversations inside.
    pub(super) fn end_all_inside<L: Listen + ?Sized>(
        &mut self,
        dir: Dir,
        how: End,
        at: Arrival,
        cx: Context<'_>,
        s: &mut Scratch,
        to: &mut L,
    ) {
        for key in self.inside.keys() {
            if self.inside.get(key).is_some_and(|i| i.end(dir, how, at, cx, s, to)) {
                self.inside.remove(key);
            }
        }
    }
}
