//! A message from its frames (RFC 6455 §5.4): fragments joined, compression undone (RFC 7692), text held against UTF-8.

use super::frame::Head;
use super::notes as n;
use wirelore_kit::{Dir, End, Hint, How, Inflater, Level, Note, Out, Span, Wrap};

/// So many bytes of a message are kept for its one line.
const MOST_LINE: usize = 600;
/// And so many for its field in a tree.
const MOST_TEXT: usize = 64 << 10;
/// A message is joined up to so many bytes.
const MOST_HELD: usize = 16 << 20;
/// A message is decompressed up to so many bytes.
const MOST_MADE: u64 = 64 << 20;
/// What every sender takes off the end of a compressed message (RFC 7692 §7.2.1).
pub const TAIL: &[u8] = &[0, 0, 0xff, 0xff];

/// The decompression of one direction, which may go on from message to message.
#[derive(Debug, Clone, Default)]
pub struct Window {
    inflater: Option<Box<Inflater>>,
    /// What later messages refer to was not read.
    lost: bool,
}

impl Window {
    /// Bytes of memory held.
    pub fn weight(&self) -> usize {
        self.inflater.as_ref().map_or(0, |i| i.weight())
    }

    /// Bytes of a message that compresses are missing.
    pub fn lose(&mut self) {
        self.inflater = None;
        self.lost = true;
    }

    /// A message begins; `fresh`: it refers to none before it.
    fn begin(&mut self, fresh: bool) {
        if fresh {
            self.lost = false;
            self.inflater = None;
        }
        if !self.lost && self.inflater.as_ref().is_none_or(|i| i.is_done()) {
            self.inflater = Some(Box::new(Inflater::new(Wrap::Raw)));
        }
    }
}

/// A check of UTF-8 over pieces.
#[derive(Debug, Clone, Copy, Default)]
pub struct Utf8 {
    tail: [u8; 4],
    len: usize,
    bad: bool,
}

impl Utf8 {
    /// Whether nothing that follows can make it good.
    pub const fn is_bad(&self) -> bool {
        self.bad
    }

    /// More bytes of the text.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while !self.bad && self.len > 0 {
            let ([first, rest @ ..], Some(slot)) = (bytes, self.tail.get_mut(self.len)) else { break };
            *slot = *first;
            self.len = self.len.saturating_add(1);
            bytes = rest;
            match std::str::from_utf8(self.tail.get(..self.len).unwrap_or(&[])) {
                Ok(_) => self.len = 0,
                Err(e) => self.bad |= e.error_len().is_some(),
            }
        }
        if self.bad || self.len > 0 {
            return;
        }
        if let Err(e) = std::str::from_utf8(bytes) {
            let rest = bytes.get(e.valid_up_to()..).unwrap_or(&[]);
            self.bad = e.error_len().is_some() || rest.len() > 3;
            if !self.bad {
                self.len = rest.len();
                self.tail.iter_mut().zip(rest).for_each(|(t, b)| *t = *b);
            }
        }
    }

    /// Whether what was fed is whole and good.
    pub const fn is_good(&self) -> bool {
        !self.bad && self.len == 0
    }
}

/// A data message under way.
#[derive(Debug, Clone)]
pub struct Message {
    /// Text, not binary.
    pub text: bool,
    /// Compressed as a whole.
    pub compressed: bool,
    /// Frames so far.
    pub frames: u64,
    /// Bytes of it, decompressed.
    pub len: u64,
    /// Bytes of it as sent.
    pub sent: u64,
    /// Its beginning.
    pub start: Vec<u8>,
    /// Bytes of it are missing.
    pub holed: bool,
    /// It cannot be decompressed (from here on).
    pub broken: bool,
    utf8: Utf8,
    /// Its last byte so far.
    pub last: u8,
    held: Vec<(Vec<u8>, Span)>,
    held_bytes: usize,
    over: bool,
}

impl Message {
    /// A message begins.
    pub fn new(text: bool, compressed: bool, fresh: bool, window: &mut Window) -> Message {
        if compressed {
            window.begin(fresh);
        }
        Message {
            text,
            compressed,
            frames: 0,
            len: 0,
            sent: 0,
            start: Vec::new(),
            holed: false,
            broken: compressed && window.lost,
            utf8: Utf8::default(),
            last: 0,
            held: Vec::new(),
            held_bytes: 0,
            over: false,
        }
    }

    /// Bytes of memory held.
    pub fn weight(&self) -> usize {
        self.start.capacity().saturating_add(self.held.iter().map(|h| h.0.capacity()).sum())
    }

    /// Whether its payload differs from that of its only frame.
    pub const fn is_split(&self, last: &Head) -> bool {
        self.compressed || self.frames > 1 || !last.fin || last.len > MOST_HELD as u64
    }

    /// What a list shows of a text.
    pub fn line(&self) -> &[u8] {
        self.start.get(..MOST_LINE).unwrap_or(&self.start)
    }

    /// Bytes of it were passed over unread.
    pub const fn pass(&mut self, n: usize) {
        self.len = self.len.saturating_add(n as u64);
        self.sent = self.sent.saturating_add(n as u64);
    }

    /// Bytes of it are missing.
    pub fn lose(&mut self, window: &mut Window) {
        self.holed = true;
        if self.compressed {
            self.broken = true;
            window.lose();
        }
    }

    /// Unmasked payload of one of its frames; `made` takes what decompression gives. Returns what this adds to the message, or a fault.
    pub fn feed<'a>(
        &mut self,
        clear: &'a [u8],
        window: &mut Window,
        made: &'a mut Vec<u8>,
        level: Level,
    ) -> Result<&'a [u8], &'static Note> {
        self.sent = self.sent.saturating_add(clear.len() as u64);
        self.decode(clear, window, made, level)
    }

    fn decode<'a>(
        &mut self,
        clear: &'a [u8],
        window: &mut Window,
        made: &'a mut Vec<u8>,
        level: Level,
    ) -> Result<&'a [u8], &'static Note> {
        if !self.compressed {
            self.take(clear, level);
            return Ok(clear);
        }
        if self.broken {
            return Ok(&[]);
        }
        let Some(inflater) = &mut window.inflater else { return Ok(&[]) };
        let most = usize::try_from(MOST_MADE.saturating_sub(self.len)).unwrap_or(usize::MAX);
        let went = inflater.push(clear, made, most);
        let done = inflater.is_done();
        self.take(made, level);
        match went {
            Ok(used) if used == clear.len() || done => Ok(made),
            Ok(_) => {
                self.broken = true;
                window.lose();
                Err(&n::TOO_MUCH)
            }
            Err(_) => {
                self.broken = true;
                window.lose();
                Err(&n::DEFLATE_BROKEN)
            }
        }
    }

    /// The last frame has ended.
    pub fn finish<'a>(&mut self, window: &mut Window, made: &'a mut Vec<u8>, level: Level) -> Result<&'a [u8], &'static Note> {
        if !self.compressed || self.broken {
            return Ok(&[]);
        }
        // At the end of its data the decompressor may have seen a final block; then nothing is expected.
        if window.inflater.as_ref().is_some_and(|i| i.is_done()) { Ok(&[]) } else { self.decode(TAIL, window, made, level) }
    }

    fn take(&mut self, bytes: &[u8], level: Level) {
        let Some(last) = bytes.last() else { return };
        self.last = *last;
        self.len = self.len.saturating_add(bytes.len() as u64);
        let most = if level == Level::Tree { MOST_TEXT } else { MOST_LINE };
        let room = most.saturating_sub(self.start.len()).min(bytes.len());
        self.start.extend_from_slice(bytes.get(..room).unwrap_or(&[]));
        if self.text && !self.holed {
            self.utf8.feed(bytes);
        }
    }

    /// Keeps what a frame added, which came from `from`, until the message is whole. Where bodies are wanted.
    pub fn hold(&mut self, bytes: &[u8], from: Span) {
        if self.over {
            return;
        }
        self.held_bytes = self.held_bytes.saturating_add(bytes.len());
        if self.held_bytes > MOST_HELD {
            self.over = true;
            self.held = Vec::new();
            return;
        }
        if let Some((held, span)) = self.held.last_mut()
            && span.end() == from.at
        {
            held.extend_from_slice(bytes);
            span.len = span.len.saturating_add(from.len);
            return;
        }
        self.held.push((bytes.to_vec(), from));
    }

    /// Hands on the whole message as the inner stream `key`. Says what is to be noted.
    pub fn hand_on(&mut self, key: u64, dir: Dir, hint: Hint, out: &mut Out<'_>) -> Option<&'static Note> {
        if self.over {
            return Some(&n::NOT_JOINED);
        }
        let how = if self.compressed {
            How::Inflated
        } else if dir == Dir::ToServer {
            How::Unmasked
        } else {
            How::Joined
        };
        for (bytes, from) in self.held.drain(..) {
            out.inner_made(key, dir, bytes, from, how, hint.clone());
        }
        super::ended(key, dir, if self.holed || self.broken { End::Cut } else { End::Fin }, out);
        None
    }

    /// Whether a text is no text.
    pub const fn is_bad_text(&self) -> bool {
        self.text && !self.holed && !self.broken && !self.utf8.is_good()
    }
}

/// Whether a text that begins with `start` and ends with the byte `last` looks like JSON: an object or a list from end to end.
pub fn is_json(start: &[u8], last: u8) -> bool {
    let end = if last.is_ascii_whitespace() { start.trim_ascii_end().last().copied() } else { Some(last) };
    match start.trim_ascii_start() {
        [b'{', ..] => end == Some(b'}'),
        [b'[', rest @ ..] => {
            // `[info] text` is none.
            let next = rest.trim_ascii_start().first();
            let begins = |c: &u8| matches!(c, b'[' | b']' | b'{' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n');
            end == Some(b']') && next.is_some_and(begins)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(text: &[u8], size: usize) -> bool {
        let mut u = Utf8::default();
        text.chunks(size).for_each(|c| u.feed(c));
        u.is_good()
    }

    #[test]
    fn utf8_is_checked_alike_over_any_cuts() {
        let fine = "κόσμε \u{10ffff}\u{800}€ plain".as_bytes();
        for size in 1..=fine.len() {
            assert!(good(fine, size), "by {size}");
            for bad in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"ok\x80"] {
                assert!(!good(&[fine, bad].concat(), size), "{bad:x?} by {size}");
                assert!(!good(&[bad, b"x"].concat(), size), "{bad:x?} first, by {size}");
            }
        }
    }
}
