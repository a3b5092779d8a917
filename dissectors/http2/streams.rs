//! What a connection knows of its streams: who has ended which, how much may still be sent (RFC 9113 §5), and the settings in force (§6.5).

use std::collections::BTreeMap;
use wirelore_kit::{Dir, Side};

/// So many streams are followed at a time.
pub const MOST_STREAMS: usize = 8192;
/// Windows begin with this (RFC 9113 §6.9.2).
const FIRST_WINDOW: i64 = 65_535;
/// And never grow beyond this (§6.9.1).
pub const MOST_WINDOW: i64 = 0x7fff_ffff;

/// Settings of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settings {
    /// SETTINGS_HEADER_TABLE_SIZE.
    pub table: Option<u32>,
    /// SETTINGS_ENABLE_PUSH.
    pub push: Option<bool>,
    /// SETTINGS_MAX_CONCURRENT_STREAMS.
    pub streams: Option<u32>,
    /// SETTINGS_INITIAL_WINDOW_SIZE.
    pub window: Option<u32>,
    /// SETTINGS_MAX_FRAME_SIZE.
    pub frame: Option<u32>,
}

/// One stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stream {
    /// What may still be sent, by direction.
    window: [i64; 2],
    /// Directions that were ended.
    closed: [bool; 2],
    /// The server has promised it and not answered yet.
    promised: bool,
}

/// All streams of a connection.
#[derive(Debug, Clone)]
pub struct Streams {
    open: BTreeMap<u32, Stream>,
    /// The highest number so far, of the client's streams and of the server's.
    highest: [u32; 2],
    connection: [i64; 2],
    first: [i64; 2],
    /// Something was missed: windows and numbers cannot be judged.
    partial: bool,
}

/// What a frame may be on a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its sender may send.
    Open,
    /// Its sender has ended it.
    Ended,
    /// It was closed altogether.
    Closed,
    /// Nobody has opened it.
    Idle,
}

fn at<T>(pair: &mut [T; 2], dir: Dir) -> &mut T {
    let [a, b] = pair;
    if dir == Dir::ToServer { a } else { b }
}

impl Streams {
    /// None yet.
    #[must_use]
    pub fn new() -> Streams {
        Streams {
            open: BTreeMap::new(),
            highest: [0, 0],
            connection: [FIRST_WINDOW; 2],
            first: [FIRST_WINDOW; 2],
            partial: false,
        }
    }

    /// Something was missed.
    pub fn lose(&mut self) {
        self.partial = true;
    }

    /// Whether something was missed.
    #[must_use]
    pub const fn is_partial(&self) -> bool {
        self.partial
    }

    /// Whose streams have this number: odd ones are the client's (RFC 9113 §5.1.1).
    #[must_use]
    pub const fn opener(id: u32) -> Side {
        if id % 2 == 1 { Side::Client } else { Side::Server }
    }

    fn highest_of(&mut self, id: u32) -> &mut u32 {
        let [client, server] = &mut self.highest;
        if Streams::opener(id) == Side::Client { client } else { server }
    }

    /// Whether a number was not used yet.
    #[must_use]
    pub fn is_new(&self, id: u32) -> bool {
        let [client, server] = self.highest;
        id > if Streams::opener(id) == Side::Client { client } else { server }
    }

    /// How a stream stands for who sends in `dir`.
    #[must_use]
    pub fn standing(&self, id: u32, dir: Dir) -> Standing {
        match self.open.get(&id) {
            Some(Stream { closed: [true, true], .. }) => Standing::Closed,
            Some(s) if s.closed.get(dir.index()) == Some(&true) => Standing::Ended,
            Some(_) => Standing::Open,
            None if self.is_new(id) || self.partial => Standing::Idle,
            None => Standing::Closed,
        }
    }

    /// Opens a stream. `true`: another had to be let go.
    pub fn start(&mut self, id: u32) -> bool {
        let full = self.open.len() >= MOST_STREAMS;
        if full {
            self.open.pop_first();
        }
        let highest = self.highest_of(id);
        *highest = id.max(*highest);
        self.open.insert(id, Stream { window: self.first, closed: [false; 2], promised: false });
        full
    }

    /// A promised stream: the client sends nothing on it.
    pub fn promise(&mut self, id: u32) -> bool {
        let full = self.start(id);
        if let Some(s) = self.open.get_mut(&id) {
            s.closed = [true, false];
            s.promised = true;
        }
        full
    }

    /// Who sends in `dir` has ended the stream.
    pub fn end(&mut self, id: u32, dir: Dir) {
        let Some(s) = self.open.get_mut(&id) else { return };
        *at(&mut s.closed, dir) = true;
        if s.closed == [true, true] && !self.partial {
            self.open.remove(&id);
        }
    }

    /// The stream is over for both.
    pub fn reset(&mut self, id: u32) {
        if let Some(s) = self.open.get_mut(&id) {
            s.closed = [true, true];
            if !self.partial {
                self.open.remove(&id);
            }
        }
    }

    /// The server answers on it.
    pub fn answered(&mut self, id: u32) {
        if let Some(s) = self.open.get_mut(&id) {
            s.promised = false;
        }
    }

    /// Both ends' states in words (RFC 9113 §5.1).
    #[must_use]
    pub fn words(&self, id: u32) -> &'static str {
        match self.open.get(&id) {
            None if self.is_new(id) => "idle",
            None => "closed",
            Some(s) if s.promised => "client: reserved (remote), server: reserved (local)",
            Some(s) => match s.closed {
                [false, false] => "open",
                [true, false] => "client: half-closed (local), server: half-closed (remote)",
                [false, true] => "client: half-closed (remote), server: half-closed (local)",
                [true, true] => "closed",
            },
        }
    }

    /// `len` bytes of flow-controlled payload are sent. What is left of the windows of connection and stream (if it is open).
    pub fn spend(&mut self, id: u32, dir: Dir, len: u32) -> (i64, Option<i64>) {
        let connection = at(&mut self.connection, dir);
        *connection = connection.saturating_sub(i64::from(len));
        let of_stream = self.open.get_mut(&id).map(|s| {
            let w = at(&mut s.window, dir);
            *w = w.saturating_sub(i64::from(len));
            *w
        });
        (*connection, of_stream)
    }

    /// Who receives in `dir` allows `more`: the window as it is now, of stream `id` or of the connection (0).
    pub fn grant(&mut self, id: u32, dir: Dir, more: u32) -> Option<i64> {
        let window = if id == 0 { at(&mut self.connection, dir) } else { at(&mut self.open.get_mut(&id)?.window, dir) };
        *window = window.saturating_add(i64::from(more));
        Some(*window)
    }

    /// New streams begin with `first` in `dir`; those that are open are changed by the difference (RFC 9113 §6.9.2).
    pub fn begin_with(&mut self, dir: Dir, first: u32) {
        let by = i64::from(first).saturating_sub(std::mem::replace(at(&mut self.first, dir), first.into()));
        for s in self.open.values_mut() {
            let w = at(&mut s.window, dir);
            *w = w.saturating_add(by);
        }
    }

    /// Numbers of the streams that are open.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        self.open.keys().copied()
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.open.len().saturating_mul(size_of::<(u32, Stream)>().saturating_mul(2))
    }
}
