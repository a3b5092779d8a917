//! Taking out: what of an open capture is written to a file, in which form, and how far that is.

pub mod scope;
pub mod wish;

use crate::door::Waker;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use wirelore_kit::Problem;
use wirelore_store::{Job, JobEnd, Jobs, Snapshot, Work};
pub use wish::{Form, Keys, Kind, Packing, Wish};

/// What is to be written, with its rows found.
#[derive(Debug, Clone)]
pub struct Order {
    /// In which form.
    pub form: Form,
    /// Of which rows the chosen are; for whole captures, packets.
    pub kind: Kind,
    /// Rows of that kind, rising; `None` for all.
    pub chosen: Option<Vec<u32>>,
    /// Packets, rising; `None` for all.
    pub packets: Option<Vec<u32>>,
    /// Which secrets a capture holds.
    pub keys: Keys,
    /// Secrets inside packets are replaced.
    pub redact: bool,
    /// Names of the columns of a table; empty: the usual ones.
    pub columns: Vec<String>,
    /// The file, or for several files the folder.
    pub to: PathBuf,
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// In a sentence: "1 204 of 12 034 packets".
    pub words: String,
    /// The file or folder.
    pub path: PathBuf,
    /// What else a person should know: secrets that were replaced, what had no room.
    pub report: Vec<String>,
    /// What makes it other than was wanted: secrets are still there.
    pub warning: Option<String>,
}

/// A file, body or letter that was transferred.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object {
    /// Name of the protocol that carried it.
    pub protocol: &'static str,
    /// What it is called; not safe as a file's name.
    pub name: String,
    /// Its media type, or "".
    pub media: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Whether the client sent it.
    pub to_server: bool,
    /// The packet that completed it.
    pub packet: u32,
    /// All of it was there.
    pub whole: bool,
}

impl Object {
    /// The name that its file would get: the last part of its name, without what leads elsewhere.
    #[must_use]
    pub fn file_name(&self) -> String {
        let path = self.name.split(['?', '#']).next().unwrap_or("");
        let last = path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or("");
        let plain = |c: char| if c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ') { c } else { '_' };
        let name: String = last.chars().map(plain).take(120).collect();
        let name = name.trim_start_matches(['.', ' ', '-']);
        if name.is_empty() { "object".into() } else { name.into() }
    }
}

/// What a door offers besides what each does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Offers {
    /// Tables are written.
    pub tables: bool,
    /// Parquet is written.
    pub parquet: bool,
    /// Secrets are replaced.
    pub redact: bool,
}

/// Writes parts of an open capture. Calls may take long: they are made on worker threads.
pub trait Exporter: Send + Sync {
    /// What it can do besides what all can.
    fn offers(&self) -> Offers;

    /// Writes what is ordered; a file appears under its name only when it is whole. `None` when the work was cancelled.
    ///
    /// # Errors
    /// [`Problem`]: it cannot be written, or the recorded bytes are gone.
    fn export(&self, order: &Order, snapshot: &Arc<Snapshot>, work: &Work) -> Result<Option<Written>, Problem>;

    /// Everything that was transferred, in the order of connections. `None` when the work was cancelled.
    ///
    /// # Errors
    /// [`Problem`]: the recorded bytes are gone.
    fn objects(&self, snapshot: &Arc<Snapshot>, work: &Work) -> Result<Option<Vec<Object>>, Problem>;

    /// Writes one of them to a file.
    ///
    /// # Errors
    /// [`Problem`]: it cannot be written, or it is not there any more.
    fn save(&self, object: &Object, to: &Path) -> Result<Written, Problem>;
}

/// An export under way.
pub struct Running {
    /// What it is called: the file's name.
    pub name: String,
    job: Job<Result<Written, Problem>>,
}

/// What became of an export.
pub enum Ended {
    /// It is written.
    Written(Written),
    /// It is not.
    Failed(Problem),
    /// The user stopped it.
    Stopped,
}

/// The exports of a window: one after the other, on a thread of their own.
pub struct Exports {
    jobs: Jobs,
    /// Those under way, oldest first.
    pub running: Vec<Running>,
    /// The last that was written, until it is dismissed.
    pub written: Option<Written>,
}

impl Exports {
    /// None under way; `wake` is called when there is news.
    #[must_use]
    pub fn new(wake: Waker) -> Exports {
        Exports { jobs: Jobs::new(1, move || wake()), running: Vec::new(), written: None }
    }

    /// Begins one.
    pub fn start(&mut self, name: String, work: impl FnOnce(&Work) -> Result<Option<Written>, Problem> + Send + 'static) {
        let job = self.jobs.start(move |w| match work(w) {
            Ok(written) => written.map(Ok),
            Err(p) => Some(Err(p)),
        });
        self.written = None;
        self.running.push(Running { name, job });
    }

    /// Takes what has ended.
    pub fn step(&mut self) -> Vec<Ended> {
        let mut ended = Vec::new();
        self.running.retain(|r| {
            let Some(end) = r.job.poll() else { return true };
            ended.push(match end {
                Ok(Ok(written)) => Ended::Written(written),
                Ok(Err(p)) => Ended::Failed(p),
                Err(JobEnd::Cancelled) => Ended::Stopped,
                Err(why) => Ended::Failed(Problem {
                    what: format!("{} was not written", r.name),
                    why: format!("{why}."),
                    what_to_do: String::new(),
                }),
            });
            false
        });
        ended
    }

    /// Stops one; what it wrote so far is removed by whoever writes.
    pub fn stop(&mut self, n: usize) {
        if let Some(r) = self.running.get(n) {
            r.job.cancel();
        }
    }
}

impl Running {
    /// From 0 to 1.
    #[must_use]
    pub fn progress(&self) -> f32 {
        self.job.progress()
    }
}
