//! The socket and those who speak over it.

use super::Steered;
use super::orders::{Cx, carry_out, event};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use wirelore_gate::{Event, Gate};

/// A longer line is no order.
const MOST_LINE: u64 = 64 << 20;
/// So many speak at once.
const MOST_OPEN: usize = 64;
/// Events that wait for a slow listener; what is over is counted and told.
const MOST_EVENTS: usize = 4096;

/// The control socket. Dropping it takes it away.
pub struct Control {
    path: PathBuf,
    server: Arc<Server>,
}

impl Control {
    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // What is steered is let go: its record may be a temporary one, which lives as long as anybody knows it.
        drop(self.server.steered.lock().unwrap_or_else(PoisonError::into_inner).take());
        // Wakes the thread that waits for callers, so that it sees that there is nothing to steer any more.
        let _ = UnixStream::connect(&self.path);
        // Whoever took it away before us wanted the same.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Somebody who hears of events.
struct Ear {
    to: SyncSender<String>,
    lost: AtomicUsize,
}

struct Server {
    gate: Gate,
    /// `None`: it is over.
    steered: Mutex<Option<Arc<dyn Steered>>>,
    rules: Option<PathBuf>,
    ears: Mutex<Vec<Weak<Ear>>>,
    open: AtomicUsize,
}

/// Opens the socket. `at`: where; by default in the folder for sockets of this user, under the number of this process where another proxy
/// has the usual place. `rules`: the file of rules.
///
/// # Errors
/// Where the socket cannot be made, and why.
pub fn serve(at: Option<&Path>, gate: Gate, steered: Arc<dyn Steered>, rules: Option<PathBuf>) -> Result<Control, String> {
    let path = match at {
        Some(path) => path.to_path_buf(),
        None => usual_place()
            .map_err(|e| format!("No place for the control socket: {e}. Give one with --control PATH, or --no-control."))?,
    };
    let listener = bind(&path).map_err(|e| {
        format!("The control socket {} cannot be made: {e}. Give another with --control PATH, or --no-control.", path.display())
    })?;
    let server =
        Arc::new(Server { gate, steered: Mutex::new(Some(steered)), rules, ears: Mutex::default(), open: AtomicUsize::new(0) });
    let told = Arc::downgrade(&server);
    server.gate.listen(Arc::new(move |e| {
        if let Some(server) = told.upgrade() {
            server.tell(e);
        }
    }));
    let control = Control { path, server: Arc::clone(&server) };
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            if server.steered().is_none() {
                return;
            }
            if server.open.fetch_add(1, Ordering::Relaxed) >= MOST_OPEN {
                server.open.fetch_sub(1, Ordering::Relaxed);
                continue;
            }
            let server = Arc::clone(&server);
            std::thread::spawn(move || {
                // Who speaks over it may leave at any time.
                let _ = server.speak(&stream);
                server.open.fetch_sub(1, Ordering::Relaxed);
            });
        }
    });
    Ok(control)
}

/// The usual place, unless a proxy that lives has it.
fn usual_place() -> std::io::Result<PathBuf> {
    let folder = crate::gating::runtime_folder()?;
    let usual = folder.join("control.sock");
    let taken = UnixStream::connect(&usual).is_ok();
    Ok(if taken { folder.join(format!("control-{}.sock", std::process::id())) } else { usual })
}

/// Binds where nobody else can reach it before its mode is set.
fn bind(path: &Path) -> std::io::Result<UnixListener> {
    if path.exists() && UnixStream::connect(path).is_ok() {
        return Err(std::io::Error::new(std::io::ErrorKind::AddrInUse, "another proxy is steered there"));
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let private = folder.join(format!(".wirelore-{}", std::process::id()));
    std::fs::DirBuilder::new().mode(0o700).create(&private)?;
    let made = private.join("s");
    let bound = UnixListener::bind(&made).and_then(|listener| {
        std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o600))?;
        // What a proxy that is dead left behind is replaced.
        std::fs::rename(&made, path)?;
        Ok(listener)
    });
    let _ = std::fs::remove_file(&made);
    let _ = std::fs::remove_dir(&private);
    bound
}

impl Server {
    fn steered(&self) -> Option<Arc<dyn Steered>> {
        self.steered.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn tell(&self, e: &Event) {
        let ears: Vec<Arc<Ear>> = {
            let mut ears = self.ears.lock().unwrap_or_else(PoisonError::into_inner);
            ears.retain(|e| e.strong_count() > 0);
            ears.iter().filter_map(Weak::upgrade).collect()
        };
        if ears.is_empty() {
            return;
        }
        let line = event(e).to_string();
        for ear in ears {
            if let Err(TrySendError::Full(_)) = ear.to.try_send(line.clone()) {
                ear.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Reads orders and answers them, until whoever gives them leaves.
    fn speak(&self, stream: &UnixStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream);
        let mut out = stream;
        loop {
            let mut line = String::new();
            if (&mut lines).take(MOST_LINE).read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line.trim().is_empty() {
                continue;
            }
            let order: Result<Value, String> = serde_json::from_str(&line).map_err(|e| format!("this line is no JSON: {e}"));
            let id = order.as_ref().ok().and_then(|o| o.get("id").cloned()).unwrap_or(Value::Null);
            let listens = order.as_ref().is_ok_and(|o| o.get("do").and_then(Value::as_str) == Some("events"));
            // From before the answer: nothing that happens behind it is missed.
            let heard = listens.then(|| self.hear());
            let Some(steered) = self.steered() else { return Ok(()) };
            let cx = Cx { gate: &self.gate, steered: steered.as_ref(), rules: self.rules.as_ref() };
            let answer = match order.and_then(|o| carry_out(&cx, &o)) {
                Ok(result) => json!({ "id": id, "ok": true, "result": result }),
                Err(error) => json!({ "id": id, "ok": false, "error": error }),
            };
            drop(steered);
            out.write_all(format!("{answer}\n").as_bytes())?;
            if let Some((ear, events)) = heard {
                for line in events {
                    out.write_all(format!("{line}\n").as_bytes())?;
                    let lost = ear.lost.swap(0, Ordering::Relaxed);
                    if lost > 0 {
                        out.write_all(format!("{}\n", json!({ "event": "lost", "count": lost })).as_bytes())?;
                    }
                }
                return Ok(());
            }
        }
    }

    fn hear(&self) -> (Arc<Ear>, std::sync::mpsc::Receiver<String>) {
        let (to, events) = sync_channel(MOST_EVENTS);
        let ear = Arc::new(Ear { to, lost: AtomicUsize::new(0) });
        self.ears.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&ear));
        (ear, events)
    }
}
