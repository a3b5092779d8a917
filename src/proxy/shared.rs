//! What all workers of a proxy share: its settings, its authority, its record, its gate, its counts.

use crate::configs::Configs;
use crate::mode::Mode;
use crate::options::Options;
use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use wirelore_ca::Authority;
use wirelore_gate::Gate;
use wirelore_kit::Spec;
use wirelore_kit::middle::Origin;
use wirelore_record::Recorder;

/// Hears of a connection: the number that its legs share, its client's end, ours.
pub type Hears = dyn Fn(u64, SocketAddr, SocketAddr) + Send + Sync;

/// Whether a host (by `host` and port) is passed through unopened.
pub type Passes = dyn Fn(&str, u16) -> bool + Send + Sync;

/// A listener that is open.
#[derive(Debug, Clone)]
pub struct Listener {
    /// What it does.
    pub mode: Mode,
    /// Where.
    pub at: SocketAddr,
    /// Its number in the record.
    pub number: u32,
}

/// Counts of connections.
#[derive(Debug, Default)]
pub struct Counts {
    next: AtomicU64,
    open: AtomicU64,
}

impl Counts {
    /// The number of a new connection.
    pub fn next(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }

    /// One more is open.
    pub fn opened(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    /// One less is.
    pub fn closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// All that there were, and those open now.
    #[must_use]
    pub fn read(&self) -> (u64, u64) {
        (self.next.load(Ordering::Relaxed), self.open.load(Ordering::Relaxed))
    }
}

/// With what a proxy works from its start to its end.
pub struct How {
    /// Protocols.
    pub table: &'static [&'static Spec],
    /// Signs leaves.
    pub authority: Arc<Authority>,
    /// The record.
    pub recorder: Recorder,
    /// The gate.
    pub gate: Gate,
    /// Is told of each connection that is accepted, at once.
    pub accepted: Option<Box<Hears>>,
}

/// What all workers share.
pub struct Shared {
    /// Open listeners.
    pub listeners: Vec<Listener>,
    /// TLS configurations.
    pub configs: Configs,
    /// What does not change.
    pub how: How,
    /// What may change.
    pub options: RwLock<Arc<Options>>,
    /// How often clients of a host refused us.
    pub refusals: Mutex<HashMap<String, u32>>,
    /// Counts.
    pub counts: Counts,
    /// Other rules are in force.
    pub rearmed: Arc<tokio::sync::Notify>,
    /// Somebody wants it to end.
    pub enough: tokio::sync::Notify,
}

impl Deref for Shared {
    type Target = How;
    fn deref(&self) -> &How {
        &self.how
    }
}

/// Hosts whose refusals are counted.
const HOSTS: usize = 4096;

impl Shared {
    /// The options in force.
    #[must_use]
    pub fn options(&self) -> Arc<Options> {
        Arc::clone(&self.options.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts others in force.
    pub fn set(&self, options: Options) {
        *self.options.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(options);
    }

    /// What a listener does.
    #[must_use]
    pub fn mode(&self, listener: usize) -> Mode {
        self.listeners.get(listener).map_or(Mode::Regular, |l| l.mode.clone())
    }

    /// A listener's number in the record.
    #[must_use]
    pub fn listener_number(&self, listener: usize) -> u32 {
        self.listeners.get(listener).map_or(0, |l| l.number)
    }

    /// Whether a host is passed through unopened.
    #[must_use]
    pub fn passes(&self, host: &str, port: u16) -> bool {
        let options = self.options();
        (options.passes)(host, port) || self.has_given_up(host, options.give_up)
    }

    fn has_given_up(&self, host: &str, behind: u32) -> bool {
        behind > 0 && {
            let refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
            refusals.get(host).is_some_and(|n| *n >= behind)
        }
    }

    /// A client of this host did not take our certificate.
    pub fn client_refused(&self, host: &str) {
        if self.options().give_up > 0 {
            let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
            if refusals.len() < HOSTS {
                let n = refusals.entry(host.to_owned()).or_default();
                *n = n.saturating_add(1);
            }
        }
    }

    /// Whether a server is one of our own listeners, by its address. A name that leads here is found out by its address.
    #[must_use]
    pub fn is_us(&self, to: &Origin) -> bool {
        let loopback = to.host.eq_ignore_ascii_case("localhost");
        let ip = to.host.parse::<IpAddr>().ok();
        self.listeners.iter().any(|l| {
            let here = ip.map_or(loopback && (l.at.ip().is_loopback() || l.at.ip().is_unspecified()), |ip| {
                ip == l.at.ip() || l.at.ip().is_unspecified() && ip.is_loopback()
            });
            l.at.port() == to.port && here
        })
    }
}
