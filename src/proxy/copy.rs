//! Copying between two ends that need no looking at, until both are done.

use crate::end::{End, Fault, Gone, Io};
use std::task::{Context, Poll};

/// How a copying ended.
#[derive(Debug)]
pub enum Over {
    /// Both ends said all that they had to say.
    Done,
    /// An end broke off: 0 the client, 1 the server.
    Broken(usize, Fault),
}

/// How far the ends of both directions have been told on: of what the client, of what the server sends.
#[derive(Debug, Default)]
pub struct Told([Way; 2]);

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// It goes on.
    #[default]
    Open,
    /// No more plaintext: `close_notify` was passed on.
    Closing,
    /// FIN was passed on, or there is nobody to tell.
    Closed,
}

/// So many bytes are copied before others have their turn, and the recorder a chance to say that the disk is behind.
const TURN: usize = 1 << 20;

/// Copies what is there. Ready when both directions have ended or an end has broken off.
pub fn poll_copy(cx: &mut Context<'_>, io: &mut Io, ends: [&mut End; 2], told: &mut Told) -> Poll<Over> {
    let [client, server] = ends;
    let mut copied = 0usize;
    loop {
        if copied > TURN {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let mut moved = false;
        for from in [0usize, 1] {
            let Told(ways) = told;
            let (a, b) = if from == 0 { (&mut *client, &mut *server) } else { (&mut *server, &mut *client) };
            let Some(way) = ways.get_mut(from) else { continue };
            if b.is_backed_up() {
                match b.poll_flush(cx, &mut io.rest) {
                    Poll::Pending => continue,
                    Poll::Ready(Ok(())) => moved = true,
                    // It takes no more; what it sends is still heard.
                    Poll::Ready(Err(_)) => *way = Way::Closed,
                }
            }
            if !a.is_fin() {
                let mut put = Ok(());
                let deaf = *way == Way::Closed;
                let read = a.poll_read(cx, io, &mut |plain, rest| {
                    if put.is_ok() && !deaf {
                        put = b.put(plain, rest);
                    }
                });
                match read {
                    Poll::Pending => {}
                    Poll::Ready(Err(fault)) => return Poll::Ready(Over::Broken(from, fault)),
                    Poll::Ready(Ok(n)) => {
                        moved = true;
                        copied = copied.saturating_add(n);
                    }
                }
                if let Err(fault) = put {
                    return Poll::Ready(Over::Broken(1usize.saturating_sub(from), fault));
                }
                // What comes last goes out together with the goodbye behind it: a write less, a packet less.
                let last = *way == Way::Open && a.gone == Some(Gone::Fin) && a.said_goodbye() && b.may_end() && !a.is_backed_up();
                if !deaf
                    && !last
                    && let Poll::Ready(Err(_)) = b.poll_flush(cx, &mut io.rest)
                {
                    *way = Way::Closed;
                }
            }
            if a.is_backed_up()
                && let Poll::Ready(Err(_)) = a.poll_flush(cx, &mut io.rest)
            {
                moved = true;
            }
            let want = match (a.is_fin(), a.gone) {
                (true, _) => Way::Closed,
                (false, Some(Gone::Fin)) => Way::Closing,
                _ => Way::Open,
            };
            if *way < want && !b.is_backed_up() {
                let notify = *way == Way::Open && a.said_goodbye();
                if b.poll_shut(cx, &mut io.rest, want == Way::Closed, notify).is_ready() {
                    *way = want;
                    moved = true;
                }
            }
        }
        let Told(ways) = told;
        if ways.iter().all(|w| *w == Way::Closed) {
            return Poll::Ready(Over::Done);
        }
        // Both have said goodbye in TLS: some wait then for the other to close, for ever.
        if ways.iter().all(|w| *w >= Way::Closing) {
            let mut waits = false;
            for end in [&mut *client, &mut *server] {
                waits |= end.poll_shut(cx, &mut io.rest, true, false).is_pending();
            }
            return if waits { Poll::Pending } else { Poll::Ready(Over::Done) };
        }
        if !moved {
            return Poll::Pending;
        }
    }
}
