//! What the window asks of the door: how captures are opened and what an open one offers.

use crate::exports::Exporter;
use crate::ruling::Ruled;
use std::any::Any;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use wirelore_filter::{Filter, Registry};
use wirelore_kit::middle::Transit;
use wirelore_kit::{Cancel, ConvId, Dir, Explanations, Problem, Side, Span, State, TreeSource};
use wirelore_store::query::Rows;
use wirelore_store::{Snapshot, Work};

/// Is handed what can be asked which rows of a kind are known to pass so far, rising.
pub type Partly<'a> = dyn FnMut(&dyn Fn(Rows) -> Vec<u32>) + 'a;

/// Finds the rows that a filter passes. Calls may take long: they are made on worker threads.
pub trait Sieve: Send + Sync {
    /// The numbers of the rows that pass, in order; `None` when the work was cancelled. While that takes long, `partly` is handed what can be
    /// asked which rows of a kind are known to pass so far, rising; a row that was told once passes.
    ///
    /// # Errors
    /// [`Problem`]: the recorded bytes are gone, so that what is no column cannot be looked at.
    fn rows(
        &self,
        filter: &Filter,
        snapshot: &Arc<Snapshot>,
        rows: Rows,
        work: &Work,
        partly: &mut Partly<'_>,
    ) -> Result<Option<Vec<u32>>, Problem>;
}

/// How a pattern is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Form {
    /// As text.
    #[default]
    Text,
    /// As a regular expression.
    Regex,
    /// As bytes in hexadecimal.
    Hex,
}

impl Form {
    /// All, in the order of the switch.
    pub const ALL: [Form; 3] = [Form::Text, Form::Regex, Form::Hex];

    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Form::Text => "Text",
            Form::Regex => "Regex",
            Form::Hex => "Hex",
        }
    }

    /// In a sentence.
    #[must_use]
    pub const fn tip(self) -> &'static str {
        match self {
            Form::Text => "As it is written",
            Form::Regex => "A regular expression",
            Form::Hex => "Bytes in hexadecimal",
        }
    }

    /// An example.
    #[must_use]
    pub const fn hint(self) -> &'static str {
        match self {
            Form::Text => "Find in everything that was decoded",
            Form::Regex => "token=[0-9a-f]{8}",
            Form::Hex => "de ad be ef",
        }
    }
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pattern {
    /// As it was typed.
    pub text: String,
    /// How it is meant.
    pub form: Form,
    /// Whether capitals are told from small letters.
    pub case: bool,
}

/// A place where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The packet, or the packet that completed the message.
    pub packet: u32,
    /// The message, if it stands in one.
    pub message: Option<u32>,
    /// Its bytes in the tree of the message, or of the packet where there is none.
    pub span: Option<Span>,
    /// What stands around it.
    pub words: String,
}

/// Looks for patterns in everything that was decoded. Calls may take long: they are made on worker threads.
pub trait Finder: Send + Sync {
    /// Hands on hits in the order of packets, until `each` has enough.
    ///
    /// # Errors
    /// [`Problem`]: the pattern is none of its form, or the recorded bytes are gone.
    fn find(
        &self,
        pattern: &Pattern,
        snapshot: &Arc<Snapshot>,
        work: &Work,
        each: &mut dyn FnMut(Hit) -> bool,
    ) -> Result<(), Problem>;
}

/// Tells the window that there is something new to draw; cheap, callable from any thread.
pub type Waker = Arc<dyn Fn() + Send + Sync>;

/// Opens captures. It must not block for long: reading goes on in threads of its own.
pub trait Opener: Send + Sync {
    /// Opens the capture at `path`; `wake` is called whenever a newer snapshot or other progress exists.
    ///
    /// # Errors
    /// [`Problem`]: the file is not there, not readable, or no capture.
    fn open(&self, path: &Path, wake: Waker) -> Result<Box<dyn Capture>, Problem>;
}

/// A record that more sources can join, as the door knows it.
pub type Bench = Arc<dyn Any + Send + Sync>;

/// A proxy that was started: the capture of what passes through it, and the handle by which it is steered.
pub type LiveProxy = (Box<dyn Capture>, Arc<dyn Proxied>);

/// Starts proxies.
pub trait Proxies: Send + Sync {
    /// Listens, and gives the capture that grows as clients speak, with the handle by which the proxy is steered.
    ///
    /// # Errors
    /// [`Problem`]: no port is free, or there is no certificate authority and none can be made.
    fn start(&self, wake: Waker) -> Result<LiveProxy, Problem>;

    /// The same, recording into what another source records already.
    ///
    /// # Errors
    /// As [`Proxies::start`], or nothing can join there.
    fn join(&self, bench: &Bench, wake: Waker) -> Result<Arc<dyn Proxied>, Problem>;
}

/// A proxy that was started. Calls are cheap, or hand work to other threads.
pub trait Proxied: Send + Sync {
    /// How it stands now. Called once a frame.
    fn state(&self) -> ProxyState;

    /// Stops listening and closes what is open; what was recorded stays.
    fn stop(&self);

    /// Opens a browser with a fresh profile that uses the proxy and trusts it.
    ///
    /// # Errors
    /// [`Problem`]: no browser was found, or it does not start.
    fn browse(&self) -> Result<(), Problem>;

    /// Holds every message that the filter finds from now on; `None`: holds none, and lets those that are held go.
    ///
    /// # Errors
    /// [`Problem`]: what is wrong with the filter, and where.
    fn hold(&self, filter: Option<&str>) -> Result<(), Problem>;

    /// Its rules.
    fn ruled(&self) -> Arc<dyn Ruled>;

    /// What becomes of a held message.
    ///
    /// # Errors
    /// [`Problem`]: it is not held any more, or cannot be written as it was changed.
    fn release(&self, held: u64, how: Release) -> Result<(), Problem>;
}

/// How a proxy stands.
#[derive(Debug, Clone, Default)]
pub struct ProxyState {
    /// Whether it listens.
    pub running: bool,
    /// Where it listens: "127.0.0.1:8080".
    pub listening: Vec<String>,
    /// Connections that are open now.
    pub open: u64,
    /// Connections since it was started.
    pub connections: u64,
    /// Bytes of the session file.
    pub recorded: u64,
    /// The session file.
    pub file: PathBuf,
    /// Why recording stopped, if it did.
    pub trouble: Option<Problem>,
    /// The authority's certificate, for clients to trust.
    pub certificate: PathBuf,
    /// Whether this machine trusts the authority, in words.
    pub trust: String,
    /// The filter by which messages are held, if any are.
    pub holding: Option<String>,
    /// Messages that wait for the user, oldest first.
    pub held: Arc<Vec<Held>>,
}

/// A message that waits for the user.
#[derive(Debug, Clone)]
pub struct Held {
    /// Its number.
    pub id: u64,
    /// For how long, in milliseconds.
    pub age: u64,
    /// Whom its client speaks with: "www.example.org:443".
    pub server: String,
    /// It.
    pub message: Arc<Transit>,
}

/// What becomes of a held message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Release {
    /// It goes on as it came.
    Send,
    /// It goes on as this.
    Change(Box<Transit>),
    /// It does not go on, and this answers it.
    Answer(Box<Transit>),
    /// It does not go on, and nothing answers.
    Drop,
    /// Its connection is broken off.
    Reset,
}

/// What is refused, with a line for a terminal that mends it where there is one: to be shown with a button that copies it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// In sentences.
    pub problem: Problem,
    /// `sudo setcap ...`
    pub mend: Option<String>,
}

/// An interface of this machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Interface {
    /// What the system calls it.
    pub name: String,
    /// What it is, or "".
    pub description: String,
    /// Its addresses.
    pub addresses: Vec<String>,
    /// Of this machine to itself.
    pub loopback: bool,
    /// It is switched on.
    pub up: bool,
    /// It has a link.
    pub running: bool,
    /// It is a radio.
    pub wireless: bool,
}

/// What to capture.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaptureWish {
    /// Names of interfaces; at least one.
    pub interfaces: Vec<String>,
    /// Capture filter, in the language of tcpdump; "" for everything.
    pub filter: String,
    /// Only what is sent to or from this machine, not what passes by.
    pub not_promiscuous: bool,
    /// Bytes kept of each packet; `None` for all.
    pub snaplen: Option<u32>,
    /// Kernel buffer in MiB; `None` for 64.
    pub buffer: Option<u32>,
    /// Hand over each packet at once: for watching single packets on a quiet link.
    pub immediate: bool,
}

/// What is wrong with a capture filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterWrong {
    /// Which bytes of the text; empty where something is missing.
    pub span: std::ops::Range<usize>,
    /// What is wrong, in a sentence.
    pub what: String,
    /// What may be meant, in a sentence, or "".
    pub advice: String,
}

/// A capture on interfaces that was started: what it brings, and the handle by which it is steered.
pub type LiveCapture = (Box<dyn Capture>, Arc<dyn Captured>);

/// The interfaces of this machine.
pub trait Interfaces: Send + Sync {
    /// Those that can be captured on, in a stable order. Starts a process: ask it on a thread.
    ///
    /// # Errors
    /// [`Refusal`]: the helper is missing, say.
    fn list(&self) -> Result<Vec<Interface>, Refusal>;

    /// Begins to look how busy each is; `wake` is called with each look, every 500 ms, until the handle is dropped.
    ///
    /// # Errors
    /// [`Refusal`]: the helper is missing, say.
    fn watch(&self, wake: Waker) -> Result<Box<dyn Watched>, Refusal>;

    /// Whether a capture filter can be used. Takes some milliseconds and looks up no names: fit to be asked at each key.
    ///
    /// # Errors
    /// [`FilterWrong`]: what is wrong, and where.
    fn check(&self, filter: &str) -> Result<(), FilterWrong>;

    /// Begins to capture; rows appear in the capture that it gives.
    ///
    /// # Errors
    /// [`Refusal`]: no privilege, no such interface, a filter that cannot be used.
    fn start(&self, wish: &CaptureWish, wake: Waker) -> Result<LiveCapture, Refusal>;

    /// The same, recording into what another source records already.
    ///
    /// # Errors
    /// As [`Interfaces::start`], or nothing can join there.
    fn join(&self, bench: &Bench, wish: &CaptureWish, wake: Waker) -> Result<Arc<dyn Captured>, Refusal>;
}

/// How busy interfaces are. Dropped, nobody looks any more.
pub trait Watched: Send {
    /// Packets per second at each of the last looks, oldest first, at most 120 of them. Empty for one that is not there.
    fn rates(&self, interface: &str) -> Vec<f32>;
}

/// A capture that was started. Calls are cheap but for those that say otherwise.
pub trait Captured: Send + Sync {
    /// How it stands now. Called once a frame.
    fn state(&self) -> CaptureState;

    /// Stops it; what was captured stays.
    fn stop(&self);

    /// Goes on after it stopped, in the same session. Starts a process.
    ///
    /// # Errors
    /// [`Refusal`], as at the start.
    fn restart(&self) -> Result<(), Refusal>;

    /// Writes what was captured so far to a file. It may go on meanwhile. Takes as long as the disk does: ask it on a thread.
    ///
    /// # Errors
    /// [`Problem`]: it cannot be written.
    fn save(&self, to: &Path) -> Result<(), Problem>;
}

/// How a capture stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaptureState {
    /// Packets are taken.
    pub running: bool,
    /// Packets since it was started first.
    pub packets: u64,
    /// Bytes of its file.
    pub recorded: u64,
    /// Packets that the system lost: to be shown always, also 0.
    pub dropped: u64,
    /// The file that it grows into.
    pub file: PathBuf,
    /// Why it ended although nobody asked it to.
    pub trouble: Option<Problem>,
}

/// An open capture.
pub trait Capture: Send {
    /// The newest snapshot. Called once a frame, so it must be cheap.
    fn snapshot(&self) -> Arc<Snapshot>;

    /// Makes trees, lines and provenance, on whatever thread asks.
    fn trees(&self) -> Arc<dyn TreeSource>;

    /// Reads conversations again for panes that need more of them than rows, and takes what the user knows about them.
    fn conversations(&self) -> Arc<dyn Conversations>;

    /// Runs filters over it.
    fn sieve(&self) -> Arc<dyn Sieve>;

    /// Finds patterns in it.
    fn finder(&self) -> Arc<dyn Finder>;

    /// What more sources can join; `None` for files.
    fn bench(&self) -> Option<Bench>;

    /// Writes parts of it to files.
    fn exporter(&self) -> Arc<dyn Exporter>;

    /// Stops reading; what was read stays.
    fn cancel(&self);
}

/// Whole conversations, read again from the recorded bytes. Calls may take long: they are made on worker threads.
pub trait Conversations: Send + Sync {
    /// What happened in a flow besides its messages: states of both ends, and TCP's own events.
    ///
    /// # Errors
    /// [`Problem`]: there is no such flow, its bytes are gone, or the work was cancelled.
    fn course(&self, flow: u32, cancel: &Cancel) -> Result<Course, Problem>;

    /// The bytes of both directions of a conversation, in the order in which they arrived; about `most` bytes of them.
    ///
    /// # Errors
    /// As [`Conversations::course`].
    fn follow(&self, of: ConvId, most: usize, cancel: &Cancel) -> Result<Followed, Problem>;

    /// Reads a flow again as another protocol (a Spec's name), or as its bytes say for `None`; remembered for this file.
    ///
    /// # Errors
    /// [`Problem`]: there is no such flow or protocol, or the choice could not be kept.
    fn decode_as(&self, flow: u32, protocol: Option<&str>) -> Result<(), Problem>;

    /// The other legs of the proxied connection that a flow is a leg of, client's first; they are read whole from here on. Quick, but not
    /// for every frame.
    fn other_legs(&self, flow: u32) -> Vec<u32>;

    /// What the user said that a flow speaks, if anything.
    fn decoded_as(&self, flow: u32) -> Option<String>;

    /// Reads a key log and reads again what waited for its keys. Gives the number of keys that were new.
    ///
    /// # Errors
    /// [`Problem`]: the file cannot be read or holds no keys.
    fn add_keys(&self, path: &Path) -> Result<usize, Problem>;
}

/// A side's state from a message on. The message is named as the engine names it: conversation, direction, offset.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StateChange {
    /// The conversation.
    pub conv: ConvId,
    /// Direction and offset of the message that brought it.
    pub message: (Dir, u64),
    /// Whose.
    pub side: Side,
    /// Which.
    pub state: &'static State,
}

/// What a TCP segment does besides carrying bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Its packet.
    pub packet: u32,
    /// TCP flags as on the wire: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32.
    pub flags: u8,
    /// Bytes of the stream that it carries.
    pub len: u32,
}

/// What happened in a flow besides its messages.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Course {
    /// States, in the order of reading.
    pub states: Vec<StateChange>,
    /// Segments worth an arrow of their own: handshake, end, trouble.
    pub segments: Vec<Segment>,
    /// Whether there were more of either than are kept.
    pub cut: bool,
}

/// A run of bytes of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Which way it went.
    pub dir: Dir,
    /// Offset in its direction of the conversation.
    pub at: u64,
    /// Its bytes, in [`Followed::bytes`]. Empty where they were never captured: then `missing` says how many.
    pub from: usize,
    /// Behind its last byte there.
    pub to: usize,
    /// Bytes that are missing here; 0 where none are or nobody knows how many (and `from == to`).
    pub missing: u64,
    /// The packet that brought it, or [`wirelore_kit::row::NONE`] for bytes that were made of others (decrypted, unmasked).
    pub packet: u32,
}

/// Both directions of a conversation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Followed {
    /// Every run's bytes, end to end.
    pub bytes: Vec<u8>,
    /// Runs as they arrived.
    pub runs: Vec<Run>,
    /// Whether there is more than was asked for.
    pub cut: bool,
}

/// Takes lines about how long things took.
pub type Trace = Arc<dyn Fn(String) + Send + Sync>;

/// How the window starts.
pub struct WindowOptions {
    /// Opens captures.
    pub opener: Arc<dyn Opener>,
    /// Starts proxies, where there are any to start.
    pub proxies: Option<Arc<dyn Proxies>>,
    /// Start one at once.
    pub start_proxy: bool,
    /// Interfaces to capture on, where this can be done.
    pub interfaces: Option<Arc<dyn Interfaces>>,
    /// Prose for fields and notes.
    pub explanations: Arc<Explanations>,
    /// Every name that filters may use.
    pub registry: &'static Registry,
    /// Captures to open at once.
    pub files: Vec<PathBuf>,
    /// Where state is kept between starts; `None` for the platform's data folder.
    pub state_folder: Option<PathBuf>,
    /// Who wants to know how long things took, if anybody.
    pub trace: Option<Trace>,
    /// Once it is set (and the window woken), the window closes.
    pub closing: Arc<AtomicBool>,
}
