//! WebSocket in the middle: messages judged whole, however many frames they came in; frames that nobody changed go on byte for byte.
//!
//! Control frames between the fragments of a message do not wait for it. A message that was changed is written as one frame, with the mask
//! of the first it came in. Where compression goes on from message to message, whoever receives a changed or misses a dropped one has
//! another window than the sender: from there on each compressed message of that direction is compressed anew, referring to none before it
//! (or, where a smaller window was agreed on, sent uncompressed, which is always allowed: RFC 7692 §6).

use super::frame::{self, Head};
use super::handshake::{self, Deflate};
use super::message::Utf8;
use super::notes as n;
use super::recode::{self, Inflated, Window};
use bytes::Bytes;
use wirelore_kit::middle::{Middle, Part, Serve, Setting, Transit};
use wirelore_kit::talk::{Book, Draft, MOST_WHOLE, Next, Says, Talk, Talking};
use wirelore_kit::{Dir, Note};

/// How it stands in the middle.
pub const SERVE: Serve = Serve { forward: false, reopened: false, new };

fn new(setting: &Setting) -> Box<dyn Middle> {
    Box::new(Talking::new(WebSocket::new(setting), setting))
}

/// The message that is being gathered.
#[derive(Debug, Default)]
struct Under {
    opcode: u8,
    compressed: bool,
    /// Unmasked payload of its frames so far, compressed as it is.
    payload: Vec<u8>,
    text: Utf8,
    /// It is too long to be gathered and goes on as it comes.
    passing: bool,
    /// And this frame is its last.
    last: bool,
}

#[derive(Default)]
struct Half {
    under: Option<Under>,
    /// What the message at hand says.
    clear: Bytes,
    /// Of a frame that goes on as it comes: so many payload bytes are still to come, and its mask.
    left: u64,
    left_mask: Option<[u8; 4]>,
    left_at: u64,
    window: Window,
    /// The receiver's window is no longer the sender's.
    diverged: bool,
}

struct WebSocket {
    judge: bool,
    deflate: Option<Deflate>,
    halves: [Half; 2],
    messages: u64,
    /// The latest mask of the client, from which those of our own frames are made.
    mask: [u8; 4],
    made: u32,
}

/// What is wrong with a frame, so that nothing behind it can be trusted to be read as its receiver does.
fn fault(head: &Head, dir: Dir, deflate: bool, under: bool) -> Option<&'static Note> {
    let begins = head.opcode != frame::CONTINUATION;
    let compressed = head.rsv == 4 && deflate && begins && !head.is_control();
    if head.mask.is_none() && dir == Dir::ToServer {
        Some(&n::CLIENT_UNMASKED)
    } else if head.mask.is_some() && dir == Dir::ToClient {
        Some(&n::SERVER_MASKED)
    } else if head.rsv != 0 && !compressed {
        Some(&n::RESERVED_BITS)
    } else if !matches!(head.opcode, 0..=2 | 8..=10) {
        Some(&n::RESERVED_OPCODE)
    } else if head.is_control() && !head.fin {
        Some(&n::CONTROL_FRAGMENTED)
    } else if head.is_control() && head.len > frame::MOST_CONTROL {
        Some(&n::CONTROL_TOO_LONG)
    } else if head.len >= 1 << 63 {
        Some(&n::LENGTH_TOO_BIG)
    } else if head.is_control() || begins != under {
        None
    } else {
        Some(if begins { &n::NOT_CONTINUED } else { &n::NOTHING_TO_CONTINUE })
    }
}

/// The payload of a whole frame, unmasked.
fn payload(frame: &[u8], head: &Head, out: &mut Vec<u8>) {
    let bytes = frame.get(head.size()..).unwrap_or(&[]);
    match head.mask {
        Some(mask) => frame::unmask(out, bytes, mask, 0),
        None => out.extend_from_slice(bytes),
    }
}

const fn index(dir: Dir) -> usize {
    dir.index()
}

impl WebSocket {
    fn new(setting: &Setting) -> WebSocket {
        WebSocket {
            judge: setting.judge,
            deflate: handshake::agreed(&setting.start).deflate,
            halves: [Half::default(), Half::default()],
            messages: 0,
            mask: [0x57, 0x49, 0x52, 0x45],
            made: 0,
        }
    }

    fn half(&mut self, dir: Dir) -> &mut Half {
        let [a, b] = &mut self.halves;
        if dir == Dir::ToServer { a } else { b }
    }

    const fn half_of(&self, dir: Dir) -> &Half {
        let [a, b] = &self.halves;
        if matches!(dir, Dir::ToServer) { a } else { b }
    }

    /// Whether messages of a direction begin with an empty window; whether the window may be small.
    fn window_of(&self, dir: Dir) -> (bool, bool) {
        let d = self.deflate.unwrap_or_default();
        let of = |[client, server]: [bool; 2]| if index(dir) == 0 { client } else { server };
        (of(d.fresh), of(d.narrow))
    }

    /// A frame of data whose bytes are there, all of them.
    fn data(&mut self, dir: Dir, head: &Head, bytes: &[u8]) -> Next {
        let (fresh, _) = self.window_of(dir);
        let half = self.half(dir);
        let mut under =
            half.under.take().unwrap_or_else(|| Under { opcode: head.opcode, compressed: head.rsv & 4 != 0, ..Under::default() });
        let before = under.payload.len();
        payload(bytes, head, &mut under.payload);
        if under.opcode == frame::TEXT && !under.compressed {
            under.text.feed(under.payload.get(before..).unwrap_or(&[]));
        }
        // Who sees bad text closes at once: it must not be kept back.
        if under.text.is_bad() || (head.fin && !under.text.is_good()) {
            return Next::Broken(&n::NOT_UTF8);
        }
        if !head.fin {
            half.under = Some(under);
            return Next::Keep(bytes.len());
        }
        let mut unread = false;
        let clear = if under.compressed {
            match half.window.whole(&under.payload, fresh, MOST_WHOLE) {
                None => return Next::Broken(&n::DEFLATE_BROKEN),
                Some(Inflated::TooMuch) => {
                    unread = true;
                    Vec::new()
                }
                Some(Inflated::Whole(clear)) => clear,
            }
        } else {
            std::mem::take(&mut under.payload)
        };
        if under.opcode == frame::TEXT && std::str::from_utf8(&clear).is_err() {
            return Next::Broken(&n::NOT_UTF8);
        }
        if unread {
            return if half.diverged { Next::Refused(&n::TOO_MUCH) } else { Next::Pass(bytes.len()) };
        }
        half.clear = clear.into();
        self.messages = self.messages.saturating_add(1);
        Next::Whole(bytes.len())
    }

    /// A frame of a message that is too long to be gathered: as much of it as is there.
    fn long(&mut self, dir: Dir, head: &Head, bytes: &[u8]) -> Next {
        let (fresh, _) = self.window_of(dir);
        let half = self.half(dir);
        let mut under =
            half.under.take().unwrap_or_else(|| Under { opcode: head.opcode, compressed: head.rsv & 4 != 0, ..Under::default() });
        if under.compressed && half.diverged {
            return Next::Refused(&n::NOT_JOINED);
        }
        if !std::mem::replace(&mut under.passing, true) && under.compressed {
            half.window.begin(fresh);
            let kept = std::mem::take(&mut under.payload);
            if !half.window.feed(&kept, &mut Vec::new(), 0) {
                return Next::Broken(&n::DEFLATE_BROKEN);
            }
        }
        under.payload = Vec::new();
        half.left = head.len;
        half.left_mask = head.mask;
        half.left_at = 0;
        under.last = head.fin;
        half.under = Some(under);
        let size = head.size();
        match self.pass(dir, bytes.get(size..).unwrap_or(&[])) {
            Next::Pass(n) => Next::Pass(n.saturating_add(size)),
            Next::More => Next::Pass(size),
            other => other,
        }
    }

    /// Payload of such a frame.
    fn pass(&mut self, dir: Dir, bytes: &[u8]) -> Next {
        let half = self.half(dir);
        let n = bytes.len().min(usize::try_from(half.left).unwrap_or(usize::MAX));
        let bytes = bytes.get(..n).unwrap_or(&[]);
        let compressed = half.under.as_ref().is_some_and(|u| u.compressed);
        if compressed {
            let mut clear = Vec::new();
            match half.left_mask {
                Some(mask) => frame::unmask(&mut clear, bytes, mask, half.left_at),
                None => clear.extend_from_slice(bytes),
            }
            if !half.window.feed(&clear, &mut Vec::new(), 0) {
                return Next::Broken(&n::DEFLATE_BROKEN);
            }
        }
        half.left = half.left.saturating_sub(n as u64);
        half.left_at = half.left_at.saturating_add(n as u64);
        if half.left == 0 && half.under.as_ref().is_some_and(|u| u.passing && u.last) {
            half.under = None;
            if compressed && !half.window.feed(super::message::TAIL, &mut Vec::new(), 0) {
                return Next::Broken(&n::DEFLATE_BROKEN);
            }
        }
        if n > 0 { Next::Pass(n) } else { Next::More }
    }

    /// A mask for a frame of our own: none that a page in the client could foresee, for it follows from one that the client chose.
    fn new_mask(&mut self) -> [u8; 4] {
        self.made = self.made.wrapping_add(1);
        let mixed = (u32::from_le_bytes(self.mask) ^ self.made.wrapping_mul(0x9e37_79b9)).wrapping_mul(0x85eb_ca6b);
        (mixed ^ (mixed >> 15)).to_le_bytes()
    }

    fn written(&mut self, dir: Dir, opcode: u8, compressed: bool, mask: Option<[u8; 4]>, body: &[u8]) -> Bytes {
        let mask = (dir == Dir::ToServer).then(|| mask.unwrap_or_else(|| self.new_mask()));
        let (_, narrow) = self.window_of(dir);
        if compressed && !narrow {
            recode::frame(opcode, true, mask, &recode::deflated(body)).into()
        } else {
            recode::frame(opcode, false, mask, body).into()
        }
    }

    /// The receiver does not get what the sender believes that it got.
    fn diverge(&mut self, dir: Dir, message: &Bytes) {
        let (fresh, _) = self.window_of(dir);
        let compressed = frame::head(message).is_ok_and(|h| h.rsv & 4 != 0);
        self.half(dir).diverged |= compressed && !fresh;
    }
}

impl Talk for WebSocket {
    type Kind = ();

    fn name(&self) -> &'static str {
        "websocket"
    }

    fn next(&mut self, dir: Dir, bytes: &[u8], _seen: usize, _book: &mut Book<()>) -> Next {
        if !self.judge {
            return Next::Opaque;
        }
        if self.half(dir).left > 0 {
            return self.pass(dir, bytes);
        }
        let Ok(head) = frame::head(bytes) else { return Next::More };
        if dir == Dir::ToServer {
            self.mask = head.mask.unwrap_or(self.mask);
        }
        let half = self.half_of(dir);
        if let Some(what) = fault(&head, dir, self.deflate.is_some(), half.under.is_some()) {
            return Next::Broken(what);
        }
        let all = usize::try_from(head.len).unwrap_or(usize::MAX).saturating_add(head.size());
        let (gathered, passing) = half.under.as_ref().map_or((0, false), |u| (u.payload.len(), u.passing));
        let frame = bytes.get(..all);
        match frame {
            Some(_) if head.is_control() => {
                self.messages = self.messages.saturating_add(1);
                Next::Apart(all)
            }
            None if head.is_control() => Next::More,
            _ if passing || gathered.saturating_add(all) > MOST_WHOLE => self.long(dir, &head, bytes),
            Some(frame) => self.data(dir, &head, frame),
            None => Next::More,
        }
    }

    fn draft(&self, dir: Dir, message: &Bytes, _book: &Book<()>) -> Draft {
        let (mut line, mut body) = (Bytes::new(), self.half_of(dir).clear.clone());
        if let Ok(head) = frame::head(message) {
            if head.is_control() {
                let mut clear = Vec::new();
                payload(message, &head, &mut clear);
                body = clear.into();
            }
            line = match head.opcode {
                frame::TEXT => Bytes::from_static(b"text"),
                frame::PING => Bytes::from_static(b"ping"),
                frame::PONG => Bytes::from_static(b"pong"),
                frame::CLOSE => {
                    let line = close_line(&body);
                    body = Bytes::new();
                    line
                }
                _ => Bytes::from_static(b"binary"),
            };
        }
        Draft { part: Part::Message, exchange: self.messages.saturating_sub(1), line, body }
    }

    fn write(&mut self, dir: Dir, was: &Bytes, now: &Transit) -> Bytes {
        let head = frame::head(was).ok();
        let (word, rest) = now.line.split_at(now.line.iter().position(|b| *b == b' ').unwrap_or(now.line.len()));
        let opcode = match word {
            b"text" => frame::TEXT,
            b"binary" => frame::BINARY,
            b"ping" => frame::PING,
            b"pong" => frame::PONG,
            b"close" => frame::CLOSE,
            // No other word is known: it stays what it was.
            _ => head.map_or(frame::BINARY, |h| h.opcode),
        };
        let compressed = head.is_some_and(|h| h.rsv & 4 != 0) && matches!(opcode, frame::TEXT | frame::BINARY);
        self.diverge(dir, was);
        let mask = head.and_then(|h| h.mask);
        let body = match opcode {
            frame::CLOSE => close_body(rest.trim_ascii()),
            frame::PING | frame::PONG => now.body.get(..frame::MOST_CONTROL as usize).unwrap_or(&now.body).to_vec(),
            _ => return self.written(dir, opcode, compressed, mask, &now.body),
        };
        self.written(dir, opcode, false, mask, &body)
    }

    fn unchanged(&mut self, dir: Dir, message: Bytes) -> Bytes {
        match frame::head(&message) {
            Ok(head) if head.rsv & 4 != 0 && self.half(dir).diverged => {
                let clear = self.half(dir).clear.clone();
                self.written(dir, head.opcode, true, head.mask, &clear)
            }
            _ => message,
        }
    }

    fn goes(&mut self, dir: Dir, _message: &Bytes, _says: &mut Says<'_, ()>) {
        self.half(dir).clear = Bytes::new();
    }

    fn dropped(&mut self, dir: Dir, message: &Bytes, _says: &mut Says<'_, ()>) {
        self.diverge(dir, message);
    }

    fn ours(&mut self, request: &Bytes, _: &Transit, says: &mut Says<'_, ()>) -> Option<()> {
        self.dropped(Dir::ToServer, request, says);
        None
    }

    fn between(&self, dir: Dir) -> bool {
        self.half_of(dir).left == 0 && self.half_of(dir).under.as_ref().is_none_or(|u| !u.passing)
    }

    fn weight(&self) -> usize {
        let of = |h: &Half| {
            let gathered = h.under.as_ref().map_or(0, |u| u.payload.capacity());
            gathered.saturating_add(h.clear.len()).saturating_add(h.window.weight())
        };
        self.halves.iter().map(of).fold(0, usize::saturating_add)
    }
}

/// `close 1000 reason`; `close` alone where no code is said.
fn close_line(payload: &[u8]) -> Bytes {
    match payload {
        [] => Bytes::from_static(b"close"),
        [hi, lo, reason @ ..] => {
            let code = u16::from_be_bytes([*hi, *lo]).to_string();
            let blank: &[u8] = if reason.is_empty() { b"" } else { b" " };
            [b"close ", code.as_bytes(), blank, reason].concat().into()
        }
        // Half a code.
        [one] => [b"close 0x".as_slice(), format!("{one:02x}").as_bytes()].concat().into(),
    }
}

/// The payload of a Close from what stands behind its word.
fn close_body(words: &[u8]) -> Vec<u8> {
    let end = words.iter().position(|b| *b == b' ').unwrap_or(words.len());
    let (code, reason) = words.split_at(end);
    let code: Option<u16> = std::str::from_utf8(code).ok().and_then(|c| c.parse().ok());
    let mut body = Vec::new();
    if let Some(code) = code {
        body.extend_from_slice(&code.to_be_bytes());
        let reason = reason.get(1..).unwrap_or(&[]);
        // RFC 6455 §5.5: a control frame has room for 123 bytes of reason.
        body.extend_from_slice(reason.get(..123).unwrap_or(reason));
    }
    body
}
