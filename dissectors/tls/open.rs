//! Which key opens the next record of a direction: epochs of TLS 1.3, the one key of the versions before, and what to try behind a hole.

use super::crypto::opener::{Opener, Sealed};
use super::crypto::suite::{Suite, suite};
use super::crypto::{next_traffic_secret, opener_of_master, opener_of_traffic};
use super::joiner::Joiner;
use super::session::{Session, TLS13};
use std::sync::Arc;
use wirelore_kit::{Dir, Secrets};

/// Behind a hole so many record numbers are tried.
const MOST_SKIPPED: u64 = 64;
/// After so many records in a row that stay closed nothing more is tried.
const MOST_FAILED: u8 = 64;

/// Under which of a connection's keys a direction's records stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Epoch {
    /// None yet.
    #[default]
    Clear,
    /// The client's early data (0-RTT).
    Early,
    /// The rest of the handshake.
    Handshake,
    /// The application's data, after so many key updates.
    Data(u32),
    /// The one key of TLS 1.2 and before.
    Old,
}

/// Why a record stays closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No key was given.
    NoKeys,
    /// The key does not fit.
    WrongKey,
    /// A cipher or version that we cannot open.
    Cipher,
    /// A hello was not seen.
    NoHello,
    /// What the cipher builds on is lost.
    ChainLost,
    /// Early data that the server did not take.
    Refused,
    /// Others were opened, this one is not.
    NotOpened,
}

/// A record that was opened, or needed no opening.
#[derive(Debug, Clone, Copy)]
pub struct Opened {
    /// The type of its content.
    pub kind: u8,
    /// Its number under its key.
    pub seq: u64,
    /// Under which key.
    pub epoch: Epoch,
    /// How many numbers before it were passed over.
    pub skipped: u64,
}

impl Opened {
    /// A record that is not encrypted.
    #[must_use]
    pub const fn clear(kind: u8) -> Opened {
        Opened { kind, seq: 0, epoch: Epoch::Clear, skipped: 0 }
    }
}

/// The name under which key logs hold an epoch's secret.
const fn label(epoch: Epoch, from_client: bool) -> &'static str {
    match (epoch, from_client) {
        (Epoch::Early, _) => "CLIENT_EARLY_TRAFFIC_SECRET",
        (Epoch::Handshake, true) => "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        (Epoch::Handshake, false) => "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        (Epoch::Data(_), true) => "CLIENT_TRAFFIC_SECRET_0",
        (Epoch::Data(_), false) => "SERVER_TRAFFIC_SECRET_0",
        _ => "CLIENT_RANDOM",
    }
}

/// What a direction's records need: labels of the key log format (RFC 9850).
#[must_use]
pub fn labels(version: u16, from_client: bool) -> Vec<&'static str> {
    if version >= TLS13 {
        [Epoch::Handshake, Epoch::Data(0)].map(|e| label(e, from_client)).to_vec()
    } else {
        vec![label(Epoch::Old, from_client)]
    }
}

/// One direction of a connection.
#[derive(Clone, Default)]
pub struct Half {
    /// Joins handshake messages.
    pub joiner: Joiner,
    /// A ChangeCipherSpec of TLS 1.2 or before went by: all that follows is encrypted.
    pub ccs: bool,
    /// Bytes are missing; records may be.
    pub lost: bool,
    /// The next record's start was guessed.
    pub guessed: bool,
    /// Records opened so far.
    pub opened: u64,
    epoch: Epoch,
    opener: Option<Opener>,
    secret: Option<Arc<[u8]>>,
    dead: Option<Why>,
    /// Records in a row that stayed closed.
    failed: u8,
}

impl Half {
    /// The peer's keys change with the next record.
    pub fn change_cipher(&mut self) {
        self.ccs = true;
        self.opener = None;
        self.dead = None;
        self.epoch = Epoch::Old;
    }

    /// A ClientHello of this direction was read.
    pub fn client_hello(&mut self, early: bool) {
        if matches!(self.epoch, Epoch::Clear | Epoch::Early) {
            self.enter(if early { Epoch::Early } else { Epoch::Clear });
            self.dead = None;
        }
    }

    /// The server's hello of TLS 1.3 was read.
    pub fn server_hello(&mut self) {
        if self.epoch == Epoch::Clear {
            self.enter(Epoch::Handshake);
        }
        self.dead = None;
    }

    /// The client's early data have ended, or the server took none.
    pub fn early_data_over(&mut self) {
        self.enter(Epoch::Handshake);
    }

    /// This side's Finished of TLS 1.3 was read.
    pub fn finished(&mut self) {
        if self.epoch == Epoch::Handshake {
            self.enter(Epoch::Data(0));
        }
    }

    /// This side changes to its next key.
    pub fn key_update(&mut self, suite: Option<&Suite>) {
        if let (Epoch::Data(n), Some(secret), Some(suite)) = (self.epoch, &self.secret, suite) {
            let next = next_traffic_secret(suite, secret);
            self.opener = opener_of_traffic(suite, &next);
            self.secret = Some(next.into());
            self.epoch = Epoch::Data(n.saturating_add(1));
        }
    }

    /// Bytes are missing before what comes next.
    pub fn hole(&mut self) {
        if self.opener.as_ref().is_some_and(Opener::is_chained) {
            self.dead = Some(Why::ChainLost);
        }
    }

    fn enter(&mut self, epoch: Epoch) {
        self.epoch = epoch;
        self.opener = None;
        self.secret = None;
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.joiner.weight()
    }

    /// Opens a record into `out`. Nothing here changes where it cannot be opened.
    ///
    /// # Errors
    /// Why not.
    pub fn open(
        &mut self,
        session: &mut Session,
        dir: Dir,
        secrets: &dyn Secrets,
        r: Sealed<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Opened, Why> {
        if let Some(why) = self.dead {
            return Err(why);
        }
        // The usual case.
        if let Some(opener) = &mut self.opener {
            let seq = opener.seq;
            if let Ok(kind) = opener.open(seq, r, out) {
                self.opened = self.opened.saturating_add(1);
                self.lost = false;
                self.failed = 0;
                return Ok(Opened { kind, seq, epoch: self.epoch, skipped: 0 });
            }
        }
        self.failed = self.failed.saturating_add(1);
        if self.failed > MOST_FAILED {
            return Err(self.die(if self.opened > 0 { Why::ChainLost } else { Why::WrongKey }));
        }
        let from_client = dir == Dir::ToServer;
        if from_client && self.epoch == Epoch::Early && session.server.is_none() {
            return self.open_early(session, secrets, r, out);
        }
        if session.client.is_none() || session.server.is_none() {
            return Err(self.die(Why::NoHello));
        }
        if !session.can_open() {
            return Err(self.die(Why::Cipher));
        }
        if session.version >= TLS13 {
            self.open_new(session, from_client, secrets, r, out)
        } else {
            self.open_old(session, from_client, secrets, r, out)
        }
    }

    fn die(&mut self, why: Why) -> Why {
        self.dead = Some(why);
        why
    }

    /// Tries an opener with the numbers that may come next; the one that opens is kept.
    fn attempt(&mut self, mut opener: Opener, epoch: Epoch, r: Sealed<'_>, out: &mut Vec<u8>) -> Option<Opened> {
        let first = opener.seq;
        let most = if self.lost { MOST_SKIPPED } else { 0 };
        for skipped in 0..=most {
            let seq = first.wrapping_add(skipped);
            if let Ok(kind) = opener.open(seq, r, out) {
                self.opener = Some(opener);
                self.epoch = epoch;
                self.opened = self.opened.saturating_add(1);
                self.lost = false;
                self.failed = 0;
                return Some(Opened { kind, seq, epoch, skipped });
            }
        }
        None
    }

    /// Early data, before the server said which suite it is: that of the earlier connection, so one whose hash fits the secret.
    fn open_early(&mut self, session: &Session, secrets: &dyn Secrets, r: Sealed<'_>, out: &mut Vec<u8>) -> Result<Opened, Why> {
        let Some(secret) = session.secret(secrets, label(Epoch::Early, true)) else { return Err(Why::NoKeys) };
        for id in [0x1301, 0x1302, 0x1303, 0x1304, 0x1305] {
            let opener = suite(id).and_then(|s| opener_of_traffic(&s, &secret));
            if let Some(opened) = opener.and_then(|o| self.attempt(o, Epoch::Early, r, out)) {
                self.secret = Some(secret);
                return Ok(opened);
            }
        }
        Err(Why::WrongKey)
    }

    fn open_new(
        &mut self,
        session: &Session,
        from_client: bool,
        secrets: &dyn Secrets,
        r: Sealed<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Opened, Why> {
        let Some(suite) = session.parts() else { return Err(self.die(Why::Cipher)) };
        let mut tried = false;
        if let Some(opener) = self.opener.clone().filter(|_| self.lost) {
            tried = true;
            if let Some(opened) = self.attempt(opener, self.epoch, r, out) {
                return Ok(opened);
            }
        }
        if let (Epoch::Data(n), Some(secret)) = (self.epoch, self.secret.clone()) {
            // A key update may lie in the hole.
            if self.lost {
                let next = next_traffic_secret(&suite, &secret);
                let opener = opener_of_traffic(&suite, &next);
                if let Some(opened) = opener.and_then(|o| self.attempt(o, Epoch::Data(n.saturating_add(1)), r, out)) {
                    self.secret = Some(next.into());
                    return Ok(opened);
                }
            }
            return Err(Why::NotOpened);
        }
        for epoch in [Epoch::Early, Epoch::Handshake, Epoch::Data(0)] {
            let behind = epoch > self.epoch || (epoch == self.epoch && self.opener.is_none());
            if !behind || (epoch == Epoch::Early && !from_client) {
                continue;
            }
            let Some(secret) = session.secret(secrets, label(epoch, from_client)) else { continue };
            let Some(opener) = opener_of_traffic(&suite, &secret) else { continue };
            tried = true;
            if let Some(opened) = self.attempt(opener, epoch, r, out) {
                self.secret = Some(secret);
                return Ok(opened);
            }
        }
        let refused = from_client && session.early && session.early_taken == Some(false);
        Err(match (tried || self.opener.is_some(), self.opened) {
            (_, 0) if refused => Why::Refused,
            // Early data that the server passes over stay closed where their key was not given.
            (false, 0) if self.epoch != Epoch::Early => self.die(Why::NoKeys),
            (false, 0) => Why::NoKeys,
            (true, 0) => Why::WrongKey,
            _ => Why::NotOpened,
        })
    }

    fn open_old(
        &mut self,
        session: &mut Session,
        from_client: bool,
        secrets: &dyn Secrets,
        r: Sealed<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Opened, Why> {
        let opener = match self.opener.clone() {
            Some(o) => o,
            None => {
                let Some(master) = session.master(secrets) else { return Err(self.die(Why::NoKeys)) };
                let made = session.agreed().and_then(|a| opener_of_master(&a, &master, from_client));
                made.ok_or_else(|| self.die(Why::Cipher))?
            }
        };
        if self.lost && opener.is_chained() {
            return Err(self.die(Why::ChainLost));
        }
        let kept = self.opener.is_some();
        match self.attempt(opener, Epoch::Old, r, out) {
            Some(opened) => Ok(opened),
            None if kept || self.opened > 0 => Err(Why::NotOpened),
            None => Err(self.die(Why::WrongKey)),
        }
    }
}
