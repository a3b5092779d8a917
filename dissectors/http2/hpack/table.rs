//! HPACK's tables (RFC 7541 §2.3): the static one, and the dynamic one that each direction builds up, newest entry first.

use std::collections::VecDeque;
use wirelore_kit::Span;

/// Entries 1 to 61 (RFC 7541 Appendix A).
#[rustfmt::skip]
pub static STATIC: [(&[u8], &[u8]); 61] = [
    (b":authority", b""),
    (b":method", b"GET"),
    (b":method", b"POST"),
    (b":path", b"/"),
    (b":path", b"/index.html"),
    (b":scheme", b"http"),
    (b":scheme", b"https"),
    (b":status", b"200"),
    (b":status", b"204"),
    (b":status", b"206"),
    (b":status", b"304"),
    (b":status", b"400"),
    (b":status", b"404"),
    (b":status", b"500"),
    (b"accept-charset", b""),
    (b"accept-encoding", b"gzip, deflate"),
    (b"accept-language", b""),
    (b"accept-ranges", b""),
    (b"accept", b""),
    (b"access-control-allow-origin", b""),
    (b"age", b""),
    (b"allow", b""),
    (b"authorization", b""),
    (b"cache-control", b""),
    (b"content-disposition", b""),
    (b"content-encoding", b""),
    (b"content-language", b""),
    (b"content-length", b""),
    (b"content-location", b""),
    (b"content-range", b""),
    (b"content-type", b""),
    (b"cookie", b""),
    (b"date", b""),
    (b"etag", b""),
    (b"expect", b""),
    (b"expires", b""),
    (b"from", b""),
    (b"host", b""),
    (b"if-match", b""),
    (b"if-modified-since", b""),
    (b"if-none-match", b""),
    (b"if-range", b""),
    (b"if-unmodified-since", b""),
    (b"last-modified", b""),
    (b"link", b""),
    (b"location", b""),
    (b"max-forwards", b""),
    (b"proxy-authenticate", b""),
    (b"proxy-authorization", b""),
    (b"range", b""),
    (b"referer", b""),
    (b"refresh", b""),
    (b"retry-after", b""),
    (b"server", b""),
    (b"set-cookie", b""),
    (b"strict-transport-security", b""),
    (b"transfer-encoding", b""),
    (b"user-agent", b""),
    (b"vary", b""),
    (b"via", b""),
    (b"www-authenticate", b""),
];

/// The size that a table may have before anybody said otherwise (RFC 9113 §6.5.2).
pub const FIRST_SIZE: u32 = 4096;
/// What an entry counts beyond its text (RFC 7541 §4.1).
pub const OVERHEAD: usize = 32;
/// So many bytes of a dynamic table are kept, whatever the two sides agree on.
const MOST_KEPT: usize = 1 << 20;

/// An entry of the dynamic table.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Name and value end to end.
    text: Box<[u8]>,
    /// Length of the name.
    name: usize,
    /// The representation that added it.
    pub at: Span,
}

impl Entry {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        self.text.get(..self.name).unwrap_or(&[])
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &[u8] {
        self.text.get(self.name..).unwrap_or(&[])
    }

    fn size(&self) -> usize {
        self.text.len().saturating_add(OVERHEAD)
    }
}

/// What stands at an index.
#[derive(Debug, Clone, Copy)]
pub enum Found<'t> {
    /// A name and a value, and for the dynamic table where it was added.
    Entry(&'t [u8], &'t [u8], Option<Span>),
    /// An entry that was added where we did not see it.
    Unseen,
    /// There can be none.
    Nothing,
}

/// The dynamic table of one direction.
#[derive(Debug, Clone)]
pub struct Table {
    entries: VecDeque<Entry>,
    size: usize,
    /// What its sender uses at most now.
    max: u32,
    /// What its receiver allows (SETTINGS_HEADER_TABLE_SIZE).
    limit: u32,
    /// Entries may have been added that we did not see.
    unseen: bool,
}

impl Table {
    /// An empty one. `unseen`: its beginning was missed.
    #[must_use]
    pub fn new(unseen: bool) -> Table {
        let limit = if unseen { u32::MAX } else { FIRST_SIZE };
        Table { entries: VecDeque::new(), size: 0, max: FIRST_SIZE, limit, unseen }
    }

    /// Forgets what can no longer be relied on: something was missed.
    pub fn lose(&mut self) {
        self.entries.clear();
        self.size = 0;
        self.unseen = true;
        // Nobody knows what was agreed on in what was missed.
        self.limit = u32::MAX;
    }

    /// Whether entries may be there that we did not see.
    #[must_use]
    pub const fn is_partial(&self) -> bool {
        self.unseen
    }

    /// What stands at `index`, counted from 1.
    #[must_use]
    pub fn get(&self, index: u64) -> Found<'_> {
        let Some(i) = usize::try_from(index).ok().and_then(|i| i.checked_sub(1)) else { return Found::Nothing };
        if let Some((name, value)) = STATIC.get(i) {
            return Found::Entry(name, value, None);
        }
        match self.entries.get(i.saturating_sub(STATIC.len())) {
            Some(e) => Found::Entry(e.name(), e.value(), Some(e.at)),
            None if self.unseen => Found::Unseen,
            None => Found::Nothing,
        }
    }

    /// Adds an entry, which may push others out.
    pub fn add(&mut self, name: &[u8], value: &[u8], at: Span) {
        let entry = Entry { text: [name, value].concat().into(), name: name.len(), at };
        let size = entry.size();
        self.evict((self.max as usize).saturating_sub(size.min(self.max as usize)));
        if size <= self.max as usize && size <= MOST_KEPT {
            self.size = self.size.saturating_add(size);
            self.entries.push_front(entry);
            if self.size > MOST_KEPT {
                self.unseen = true;
                self.evict(MOST_KEPT);
            }
        }
    }

    fn evict(&mut self, down_to: usize) {
        while self.size > down_to {
            let Some(gone) = self.entries.pop_back() else { return };
            self.size = self.size.saturating_sub(gone.size());
        }
    }

    /// The sender says that it will use at most `max`. `false`: more than was allowed.
    pub fn resize(&mut self, max: u32) -> bool {
        self.max = max;
        self.evict(max as usize);
        max <= self.limit
    }

    /// The receiver allows `limit` from here on, which both sides know by now.
    pub fn allow(&mut self, limit: u32) {
        self.limit = limit;
        if self.max > limit {
            self.max = limit;
            self.evict(limit as usize);
        }
    }

    /// Size in use and allowed for use, as RFC 7541 §4.1 counts.
    #[must_use]
    pub const fn sizes(&self) -> (usize, u32) {
        (self.size, self.max)
    }

    /// Its entries, newest (index 62) first.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Entry> {
        self.entries.iter()
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.size.saturating_add(self.entries.capacity().saturating_mul(size_of::<Entry>()))
    }
}
