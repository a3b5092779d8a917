//! Connections that can be steered while they are open: messages that nobody sent go into those that are judged; those that pass unread although
//! rules are about them can be closed.

use crate::conn::Conn;
use crate::gate::{Gate, lock};
use crate::memory::Memory;
use std::collections::BTreeMap;
use std::sync::Weak;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;
use wirelore_kit::middle::Transit;

/// Is told whether a message found its place; dropped uncalled when the connection ends before.
pub type Answered = Box<dyn FnOnce(Result<(), String>) + Send>;

/// Puts a message into a connection, at the next place where one may stand.
pub type Injector = dyn Fn(Transit, Answered) + Send;

/// So long is waited for a connection's word; it may be busy reaching its server.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection whose messages are judged, or should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// Its number.
    pub conn: u64,
    /// Its two ends, in words.
    pub between: String,
    /// What is spoken there: name of the Spec.
    pub proto: &'static str,
    /// Whether its messages are judged; false: it was open, and passed on unread, before there were rules about it.
    pub judged: bool,
}

/// Closes a connection.
pub type Closer = dyn Fn() + Send;

enum How {
    Judged(Box<Injector>),
    PassesBy(Box<Closer>),
}

struct Place {
    shown: Joined,
    alive: Weak<Memory>,
    how: How,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Places(BTreeMap<u64, Place>);

impl Gate {
    /// A connection whose messages are judged from here on, of this protocol. It is forgotten when it is gone.
    pub fn join(&self, conn: &Conn, proto: &'static str, inject: Box<Injector>) {
        self.place(conn, proto, How::Judged(inject));
    }

    /// A connection that passes unread although rules may concern it. It is forgotten when it is gone.
    pub fn passes_by(&self, conn: &Conn, close: Box<Closer>) {
        self.place(conn, conn.proto.unwrap_or("data"), How::PassesBy(close));
    }

    fn place(&self, conn: &Conn, proto: &'static str, how: How) {
        let judged = matches!(how, How::Judged(_));
        let shown = Joined { conn: conn.number, between: conn.between(), proto, judged };
        let mut places = lock(&self.0.places);
        // Looked through now and then, so that what is gone does not heap up.
        if places.0.len().is_power_of_two() {
            places.0.retain(|_, p| p.alive.strong_count() > 0);
        }
        places.0.insert(conn.number, Place { shown, alive: std::sync::Arc::downgrade(&conn.memory), how });
    }

    /// The connections whose messages are judged, or pass although they should be; the oldest first.
    #[must_use]
    pub fn joined(&self) -> Vec<Joined> {
        let mut places = lock(&self.0.places);
        places.0.retain(|_, p| p.alive.strong_count() > 0);
        places.0.values().map(|p| p.shown.clone()).collect()
    }

    /// Puts a message into a connection; `make` makes it, of the name of the connection's protocol. Waits for the connection's word, a moment
    /// as a rule: not for threads that must not wait.
    ///
    /// # Errors
    /// In words: there is no such connection, `make` says why there is no message, or the protocol why none can stand there.
    pub fn inject(&self, conn: u64, make: impl FnOnce(&'static str) -> Result<Transit, String>) -> Result<(), String> {
        let gone = || format!("connection {conn} is not judged, or gone: see `connections`");
        let (answer, answered) = sync_channel(1);
        {
            let places = lock(&self.0.places);
            let place = places.0.get(&conn).filter(|p| p.alive.strong_count() > 0).ok_or_else(gone)?;
            let How::Judged(inject) = &place.how else {
                return Err(format!(
                    "connection {conn} passes unread: rules came while it was open. `close` closes it, so that its client opens another"
                ));
            };
            let message = make(place.shown.proto)?;
            // Who asked may have lost patience.
            inject(message, Box::new(move |said| _ = answer.send(said)));
        }
        match answered.recv_timeout(PATIENCE) {
            Ok(said) => said,
            Err(RecvTimeoutError::Disconnected) => Err(gone()),
            Err(RecvTimeoutError::Timeout) => {
                let waited = PATIENCE.as_secs();
                Err(format!("connection {conn} is busy and has not taken it for {waited} s; it goes in as soon as it can"))
            }
        }
    }

    /// Closes a connection that passes unread, so that its client opens another, which is judged.
    ///
    /// # Errors
    /// In words: there is no such connection, or it is judged already.
    pub fn close(&self, conn: u64) -> Result<(), String> {
        let places = lock(&self.0.places);
        let place = places.0.get(&conn).filter(|p| p.alive.strong_count() > 0);
        match place.map(|p| &p.how) {
            None => Err(format!("connection {conn} is gone, or no rule is about it: see `connections`")),
            Some(How::Judged(_)) => Err(format!(
                "connection {conn} is judged: a rule with `reset = true`, or `hold.reset` for a message that is held, breaks it off"
            )),
            Some(How::PassesBy(close)) => {
                close();
                Ok(())
            }
        }
    }
}
