//! Rules that come while connections are open: a connection that nobody reads, but now should, is closed as soon as it is idle. Its client
//! opens another, which is read from its beginning.

use crate::shared::Shared;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::futures::OwnedNotified;
use tokio::time::Sleep;
use wirelore_gate::Conn;

/// Nothing moved for so long: idle.
const QUIET: Duration = Duration::from_millis(250);

/// Looks after one connection that is copied unread.
pub struct Rearm {
    /// Waits for other rules.
    changed: Pin<Box<OwnedNotified>>,
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
    /// Of a connection whose client takes it lightly when it is closed between two exchanges (HTTP's), and that can be
    /// read then.
    #[must_use]
    pub fn of(shared: &Shared, conn: &Conn) -> Option<Rearm> {
        let spec = shared.table.iter().find(|s| conn.proto == Some(s.name))?;
        let readable = spec.middle.is_some_and(|serve| serve.forward || serve.reopened);
        let changed = || Box::pin(Arc::clone(&shared.rearmed).notified_owned());
        readable.then(|| Rearm { changed: changed(), look: None, read: [0; 2], answered: true, moved: false })
    }

    /// Ready when the connection is to be closed. `read`: bytes read so far of the client and of the server.
    pub fn poll(&mut self, cx: &mut Context<'_>, shared: &Shared, conn: &Conn, read: [u64; 2]) -> Poll<()> {
        if read != self.read {
            let ([_, before], [_, now]) = (self.read, read);
            self.answered = before != now;
            self.read = read;
            self.moved = true;
        }
        while self.changed.as_mut().poll(cx).is_ready() {
            self.changed = Box::pin(Arc::clone(&shared.rearmed).notified_owned());
            self.look = shared.gate.wants(conn).then(|| Box::pin(tokio::time::sleep(QUIET)));
        }
        while let Some(look) = &mut self.look {
            if look.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if self.answered && !std::mem::take(&mut self.moved) {
                return Poll::Ready(());
            }
            self.look = Some(Box::pin(tokio::time::sleep(QUIET)));
        }
        Poll::Pending
    }
}
