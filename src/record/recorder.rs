//! The recorder: a session file and the thread that writes it.

use crate::disk::Disk;
use crate::error::Error;
use crate::frame::LINK_TYPE;
use crate::lane::Lane;
use crate::shared::{Shared, lock};
use crate::writer;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use wirelore_capture::write::{InterfaceSpec, PcapngWriter, SectionSpec};
use wirelore_capture::{Growth, Resolution, origin};

/// What happens when the disk is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenFull {
    /// The relay goes on, recording stops and says so; it goes on when there is room again.
    #[default]
    Stop,
    /// The relay waits until there is room.
    Block,
}

/// How to record.
#[derive(Debug, Clone)]
pub struct Options {
    /// The program that records, for the section header: `Wirelore 0.1.0`.
    pub application: String,
    /// The listeners that are there from the start, numbered from 0: `127.0.0.1:8080`.
    pub listeners: Vec<String>,
    /// What happens when the disk is full.
    pub when_full: WhenFull,
    /// Write the TLS secrets.
    pub secrets: bool,
    /// What clients say is captured beside the proxy too ([`Recorder::taps`]): their legs are marked as saying it once more.
    pub twins: bool,
    /// So many bytes may wait for the disk before [`Lane::turn`] does.
    pub waiting: usize,
    /// Told whenever the file has grown: give the same to the one who reads it meanwhile.
    pub growth: Growth,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            application: concat!("Wirelore ", env!("CARGO_PKG_VERSION")).into(),
            listeners: Vec::new(),
            when_full: WhenFull::Stop,
            secrets: true,
            twins: false,
            waiting: 32 << 20,
            growth: Growth::default(),
        }
    }
}

/// Whether recording goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It does.
    Recording,
    /// It does not: why, and what to do, in sentences.
    Stopped {
        /// In sentences.
        why: String,
    },
}

/// How recording goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Bytes in the file.
    pub bytes: u64,
    /// Bytes that are not in it, because recording had stopped.
    pub lost: u64,
    /// Whether it goes on.
    pub state: State,
}

/// A session file being written. Clones are handles on the same one; the last of them to go finishes the file.
#[derive(Debug, Clone)]
pub struct Recorder(Arc<Handle>);

#[derive(Debug)]
struct Handle {
    shared: Arc<Shared>,
    path: PathBuf,
    growth: Growth,
    /// Removed at the end.
    temporary: Mutex<bool>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Recorder {
    /// Creates the file (what was there is overwritten) and begins to write.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn create(path: &Path, options: Options) -> Result<Recorder, Error> {
        let mut how = std::fs::OpenOptions::new();
        how.write(true).create(true).truncate(true);
        // It has secrets in it: nobody else may read what was not there before.
        std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
        let file = how.open(path).map_err(|source| Error::Create { path: path.into(), source })?;
        Recorder::on(file, path.into(), options, false)
    }

    /// The same in a new file that is removed at the end, unless [`Recorder::keep`] is asked for. It lies in TMPDIR, or in `/var/tmp`.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn temporary(options: Options) -> Result<Recorder, Error> {
        let folder = crate::stale::folder();
        let process = std::process::id();
        for n in 0..1000 {
            let path = folder.join(format!("wirelore-{process}-{n}.pcapng"));
            let mut how = std::fs::OpenOptions::new();
            how.write(true).create_new(true);
            // It has secrets in it: nobody else may read it.
            std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
            match how.open(&path) {
                Ok(file) => return Recorder::on(file, path, options, true),
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(source) => return Err(Error::Create { path, source }),
            }
        }
        Err(Error::Create { path: folder, source: io::ErrorKind::AlreadyExists.into() })
    }

    fn on(file: std::fs::File, path: PathBuf, options: Options, temporary: bool) -> Result<Recorder, Error> {
        let shared = Arc::new(Shared::new(options.waiting, options.secrets, options.twins, options.growth.clone()));
        let mut head = header(&options.application);
        for name in &options.listeners {
            shared.listener(|n| interfaces(n, name, options.twins));
        }
        let mut listed = Vec::new();
        shared.gather(&mut listed);
        head.extend(listed.iter().flat_map(|chunk| chunk.bytes()));
        let mut disk = Disk::new(file);
        disk.write(&[&head]).map_err(|source| Error::Create { path: path.clone(), source })?;
        shared.written.store(disk.len(), Ordering::Release);
        options.growth.grown(disk.len());
        let (to, growth, when_full) = (Arc::clone(&shared), options.growth.clone(), options.when_full);
        let thread =
            std::thread::Builder::new().name("recorder".into()).spawn(move || writer::run(&to, disk, &growth, when_full));
        let thread = Mutex::new(Some(thread.map_err(Error::Thread)?));
        let (temporary, growth) = (Mutex::new(temporary), options.growth);
        Ok(Recorder(Arc::new(Handle { shared, path, growth, temporary, thread })))
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Tells a reader of the file when it grows, and when it is complete.
    #[must_use]
    pub fn growth(&self) -> Growth {
        self.0.growth.clone()
    }

    /// Adds a listener and gives its number; `name` is what its two interfaces are called.
    #[must_use]
    pub fn listener(&self, name: &str) -> u32 {
        let shared = &self.0.shared;
        let number = shared.listener(|n| interfaces(n, name, shared.twins));
        self.0.shared.wake();
        number
    }

    /// A lane for one more relay thread. Where there is no listener yet, one called `proxy` is there from now on.
    #[must_use]
    pub fn lane(&self) -> Lane {
        let shared = &self.0.shared;
        shared.first_listener(|n| interfaces(n, "proxy", shared.twins));
        Lane::new(Arc::clone(shared))
    }

    /// A file from [`Recorder::temporary`] is not removed at the end.
    pub fn keep(&self) {
        *lock(&self.0.temporary) = false;
    }

    /// How recording goes.
    #[must_use]
    pub fn status(&self) -> Status {
        let shared = &self.0.shared;
        let state = lock(&shared.why).clone().map_or(State::Recording, |why| State::Stopped { why });
        Status { bytes: shared.written.load(Ordering::Acquire), lost: shared.lost.load(Ordering::Acquire), state }
    }

    /// Writes what the lanes have told, ends the file and waits for it; what lanes tell later is let go.
    ///
    /// # Errors
    /// [`Error::Stopped`] when something was let go before.
    pub fn finish(self) -> Result<(), Error> {
        self.0.finish();
        match self.status() {
            Status { state: State::Stopped { why }, .. } => Err(Error::Stopped { path: self.0.path.clone(), why }),
            Status { lost: 0, .. } => Ok(()),
            Status { lost, .. } => {
                let why = format!("For a while there was no room, and {lost} bytes are missing.");
                Err(Error::Stopped { path: self.0.path.clone(), why })
            }
        }
    }
}

impl Handle {
    fn finish(&self) {
        self.shared.close();
        if let Some(thread) = lock(&self.thread).take() {
            // A writer that panicked has said so; what it wrote is there.
            let _ = thread.join();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.finish();
        if *lock(&self.temporary) {
            // It may be gone already.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// The beginning of the file.
fn header(application: &str) -> Vec<u8> {
    let section = SectionSpec { application: Some(application), os: Some(std::env::consts::OS), ..SectionSpec::default() };
    // Memory does not refuse to be written.
    PcapngWriter::new(Vec::new(), &section).and_then(PcapngWriter::finish).unwrap_or_default()
}

/// The blocks of a listener's two interfaces.
fn interfaces(listener: u32, name: &str, twins: bool) -> Vec<u8> {
    let name = if name.is_empty() { format!("listener {listener}") } else { name.to_owned() };
    let mut out = Vec::new();
    let sides = [
        ("client", if twins { origin::CLIENT_TWIN } else { origin::CLIENT_LEG }, "between clients and the proxy"),
        ("server", origin::SERVER_LEG, "between the proxy and servers"),
    ];
    for (side, origin, of) in sides {
        let mut option = origin::ENTERPRISE.to_le_bytes().to_vec();
        option.extend_from_slice(origin.as_bytes());
        let description = format!("{of}; the bytes are those of the wire, the headers around them were made by the recorder");
        let spec = InterfaceSpec {
            link_type: LINK_TYPE,
            resolution: Resolution::new(9, 0),
            name: Some(&format!("{name} {side}")),
            description: Some(&description),
            options: &[(origin::OPTION, &option)],
            ..InterfaceSpec::default()
        };
        // The writer begins each file with a section; ours stands already.
        let whole = PcapngWriter::new(Vec::new(), &SectionSpec::default()).and_then(|mut w| {
            let section = w.get_mut().len();
            w.interface(&spec)?;
            Ok(w.finish()?.split_off(section))
        });
        out.extend(whole.unwrap_or_default());
    }
    out
}
