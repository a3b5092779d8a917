//! Buffers that all connections of a worker share, so that one that rests holds none.

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wirelore_ca::keylog::{self, KeyLogFile};

/// So many bytes are read from a socket at once: with 64 KiB a body costs the kernel a third more.
pub const READ: usize = 256 * 1024;

/// Memory of what goes out grows in steps of this.
const STEP: usize = 64 * 1024;

/// What is about to be written to one socket. Its memory is zeroed once and used again.
#[derive(Debug, Default)]
pub struct Out {
    bytes: Vec<u8>,
    fill: usize,
}

impl Out {
    /// At least `n` bytes of room behind what is there.
    pub fn room(&mut self, n: usize) -> &mut [u8] {
        let want = self.fill.saturating_add(n);
        if self.bytes.len() < want {
            // What is used again and again grows in steps; what merely waits takes no more than it needs.
            self.bytes.resize(if self.bytes.is_empty() { want } else { want.next_multiple_of(STEP) }, 0);
        }
        self.bytes.get_mut(self.fill..).unwrap_or_default()
    }

    /// `n` bytes of the room were written.
    pub fn filled(&mut self, n: usize) {
        self.fill = self.fill.saturating_add(n).min(self.bytes.len());
    }

    /// Appends bytes.
    pub fn put(&mut self, bytes: &[u8]) {
        if let Some(to) = self.room(bytes.len()).get_mut(..bytes.len()) {
            to.copy_from_slice(bytes);
            self.filled(bytes.len());
        }
    }

    /// What is there.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.fill).unwrap_or_default()
    }

    /// Whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fill == 0
    }

    /// Whether it has memory for what one turn puts out, and not much more.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        (STEP..=READ * 2).contains(&self.bytes.len())
    }

    /// Empties it; gives memory back that one unusual message took.
    pub fn clear(&mut self) {
        self.fill = 0;
        if self.bytes.len() > READ * 4 {
            self.bytes.truncate(READ * 2);
            self.bytes.shrink_to_fit();
        }
    }
}

thread_local! {
    /// Secrets that TLS derived on this thread since they were last taken, as lines of a key log.
    static SECRETS: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// A server asked on this thread for a certificate that we do not have, since this was last looked at.
    static MISSED: Cell<bool> = const { Cell::new(false) };
}

/// Has nothing to show to a server that asks who we are, and notices that it asked.
#[derive(Debug)]
pub struct Nobody;

impl ResolvesClientCert for Nobody {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        MISSED.set(true);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// Whether a server asked for a certificate that we do not have, in what was read just now.
#[must_use]
pub fn was_missed() -> bool {
    MISSED.take()
}

/// Takes the secrets that were derived on this thread; `with` sees them when there are any.
pub fn take_secrets(with: impl FnOnce(&[u8])) {
    SECRETS.with_borrow_mut(|s| {
        if !s.is_empty() {
            with(s);
            s.clear();
        }
    });
}

/// Gathers what rustls derives (NSS key log format), and writes it to a file besides, if that is asked for.
#[derive(Debug, Default)]
pub struct Tap {
    file: Option<KeyLogFile>,
    /// It was said that the file cannot be written.
    told: AtomicBool,
}

impl Tap {
    /// With a file.
    #[must_use]
    pub fn new(file: Option<KeyLogFile>) -> Tap {
        Tap { file, told: AtomicBool::new(false) }
    }
}

impl rustls::KeyLog for Tap {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let line = keylog::line(label, client_random, secret);
        if let Some(Err(e)) = self.file.as_ref().map(|f| f.line(&line))
            && !self.told.swap(true, Ordering::Relaxed)
        {
            eprintln!("wirelore: {e}. The proxy goes on; the record has the secrets all the same.");
        }
        SECRETS.with_borrow_mut(|s| s.extend_from_slice(&line));
    }
}
