//! Messages that nobody sent, put into connections whose messages are judged.

use crate::conn::Conn;
use crate::gate::{Gate, lock};
use crate::memory::Memory;
use std::collections::BTreeMap;
use std::sync::Weak;
use wirelore_kit::middle::Transit;

/// Puts a message into a connection, at the next place where one may stand.
pub type Injector = dyn Fn(Transit) + Send;

/// A connection whose messages are judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// Its number.
    pub conn: u64,
    /// Its two ends, in words.
    pub between: String,
    /// What is spoken there: name of the Spec.
    pub proto: &'static str,
}

struct Place {
    shown: Joined,
    alive: Weak<Memory>,
    inject: Box<Injector>,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Places(BTreeMap<u64, Place>);

impl Gate {
    /// A connection whose messages are judged from here on, of this protocol. It is forgotten when it is gone.
    pub fn join(&self, conn: &Conn, proto: &'static str, inject: Box<Injector>) {
        let shown = Joined { conn: conn.number, between: conn.between(), proto };
        let mut places = lock(&self.0.places);
        // Looked through now and then, so that what is gone does not heap up.
        if places.0.len().is_power_of_two() {
            places.0.retain(|_, p| p.alive.strong_count() > 0);
        }
        places.0.insert(conn.number, Place { shown, alive: std::sync::Arc::downgrade(&conn.memory), inject });
    }

    /// The connections whose messages are judged, the oldest first.
    #[must_use]
    pub fn joined(&self) -> Vec<Joined> {
        let mut places = lock(&self.0.places);
        places.0.retain(|_, p| p.alive.strong_count() > 0);
        places.0.values().map(|p| p.shown.clone()).collect()
    }

    /// Puts a message into a connection; `make` makes it, of the name of the connection's protocol.
    ///
    /// # Errors
    /// In words: there is no such connection, or `make` says why there is no message.
    pub fn inject(&self, conn: u64, make: impl FnOnce(&'static str) -> Result<Transit, String>) -> Result<(), String> {
        let places = lock(&self.0.places);
        let place = places.0.get(&conn).filter(|p| p.alive.strong_count() > 0);
        let place = place.ok_or_else(|| format!("connection {conn} is not judged, or gone: see `connections`"))?;
        let message = make(place.shown.proto)?;
        (place.inject)(message);
        Ok(())
    }
}
