//! Rules that come while connections are open: a connection that nobody reads, but now should, says so in its row, and can be closed by whoever
//! steers us. HTTP's are closed as soon as they are idle: their clients open others, which are read from their beginning.

use crate::shared::Shared;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;
use tokio::time::Sleep;
use wirelore_gate::Conn;

/// Nothing moved for so long: idle.
const QUIET: Duration = Duration::from_millis(250);

/// What is to be done with a connection that is copied unread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// It is to be closed.
    Close,
    /// Rules that may concern it have come. `reopened`: it is closed when it rests.
    Tell {
        /// Its client takes that lightly.
        reopened: bool,
    },
}

/// Looks after one connection that is copied unread.
pub struct Rearm {
    /// Waits for other rules.
    changed: Pin<Box<OwnedNotified>>,
    /// It may be closed when it rests.
    reopened: bool,
    /// Once its row says that it is not read: waits for somebody to close it.
    told: Option<Pin<Box<OwnedNotified>>>,
    /// Runs while the connection should be read.
    look: Option<Pin<Box<Sleep>>>,
    /// Bytes read of the client and the server so far.
    read: [u64; 2],
    /// The server had the last word: no question is open.
    answered: bool,
    /// Something moved since it was last looked.
    moved: bool,
}

impl Rearm {
    /// Of a connection that is not read. It may be closed between two exchanges where its client takes that lightly (HTTP's) and it can be
    /// read then.
    #[must_use]
    pub fn of(shared: &Shared, conn: &Conn) -> Rearm {
        let spec = shared.table.iter().find(|s| conn.proto == Some(s.name));
        let reopened = spec.and_then(|s| s.middle).is_some_and(|serve| serve.forward || serve.reopened);
        let changed = Box::pin(Arc::clone(&shared.rearmed).notified_owned());
        Rearm { changed, reopened, told: None, look: None, read: [0; 2], answered: true, moved: false }
    }

    /// Ready when something is due. `read`: bytes read so far of the client and of the server.
    pub fn poll(&mut self, cx: &mut Context<'_>, shared: &Shared, conn: &Conn, read: [u64; 2]) -> Poll<Due> {
        if read != self.read {
            let ([_, before], [_, now]) = (self.read, read);
            self.answered = before != now;
            self.read = read;
            self.moved = true;
        }
        let mut tell = false;
        while self.changed.as_mut().poll(cx).is_ready() {
            self.changed = Box::pin(Arc::clone(&shared.rearmed).notified_owned());
            let wants = shared.gate.wants(conn);
            self.look = (wants && self.reopened).then(|| Box::pin(tokio::time::sleep(QUIET)));
            tell |= wants && self.told.is_none();
        }
        if tell {
            let close = Arc::new(Notify::new());
            self.told = Some(Box::pin(Arc::clone(&close).notified_owned()));
            shared.gate.passes_by(conn, Box::new(move || close.notify_one()));
            return Poll::Ready(Due::Tell { reopened: self.reopened });
        }
        if self.told.as_mut().is_some_and(|t| t.as_mut().poll(cx).is_ready()) {
            return Poll::Ready(Due::Close);
        }
        while let Some(look) = &mut self.look {
            if look.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if self.answered && !std::mem::take(&mut self.moved) {
                return Poll::Ready(Due::Close);
            }
            self.look = Some(Box::pin(tokio::time::sleep(QUIET)));
        }
        Poll::Pending
    }
}
