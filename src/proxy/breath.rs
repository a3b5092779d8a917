//! Pauses of what brings much: whoever reads the record along is given time to follow.
//!
//! Readers give way to relays. Where processors are short, one long body keeps the reader from following, and once the reader has lost what
//! the recorder still held in memory it reads the file, which costs more than relaying. A body can wait for some milliseconds. Connections
//! that bring little are never kept waiting.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};
use wirelore_record::Lane;

/// So many bytes
const MUCH: usize = 1 << 20;
/// within this time are much.
const SOON: Duration = Duration::from_millis(50);
/// A pause is looked at so often.
const LOOK: Duration = Duration::from_millis(1);
/// It takes at most so many times as long as what came before it: the worst reader makes a body four times as slow.
const LONGEST: u32 = 3;

/// The pauses of one end.
#[derive(Debug, Default)]
pub struct Breath {
    /// Bytes read since it was looked at last.
    read: usize,
    rest: Option<Box<Rest>>,
}

#[derive(Debug)]
struct Rest {
    /// When reading began that has come to so many bytes.
    since: Instant,
    /// The pause, and when it ends at the latest.
    pause: Option<(Pin<Box<Sleep>>, Instant)>,
}

impl Breath {
    /// Ready when there may be read.
    pub fn poll(&mut self, cx: &mut Context<'_>, lane: &Lane) -> Poll<()> {
        self.poll_while(cx, || lane.outruns_reader())
    }

    fn poll_while(&mut self, cx: &mut Context<'_>, pressed: impl Fn() -> bool) -> Poll<()> {
        if self.read >= MUCH {
            self.read = 0;
            let now = Instant::now();
            let Some(rest) = &mut self.rest else {
                // How long this took is not known.
                self.rest = Some(Box::new(Rest { since: now, pause: None }));
                return Poll::Ready(());
            };
            let took = now.saturating_duration_since(rest.since);
            rest.since = now;
            if took < SOON && pressed() {
                let latest = now.checked_add(took.saturating_mul(LONGEST)).unwrap_or(now);
                rest.pause = Some((Box::pin(tokio::time::sleep(LOOK)), latest));
            }
        }
        let Some(rest) = &mut self.rest else { return Poll::Ready(()) };
        while let Some((sleep, latest)) = &mut rest.pause {
            ready!(sleep.as_mut().poll(cx));
            rest.since = Instant::now();
            if rest.since < *latest && pressed() {
                sleep.as_mut().reset(rest.since.checked_add(LOOK).unwrap_or(*latest));
            } else {
                rest.pause = None;
            }
        }
        Poll::Ready(())
    }

    /// So many bytes were read.
    pub fn took(&mut self, bytes: usize) {
        self.read = self.read.saturating_add(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    /// Reads so many MiB, each in at least so long; how often it paused.
    fn reading(pieces: u32, each: Duration, pressed: bool) -> u32 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let (mut breath, mut pauses) = (Breath::default(), 0);
            for _ in 0..pieces {
                tokio::time::sleep(each).await;
                breath.took(MUCH);
                let mut paused = 0;
                poll_fn(|cx| {
                    let polled = breath.poll_while(cx, || pressed);
                    paused |= u32::from(polled.is_pending());
                    polled
                })
                .await;
                pauses += paused;
            }
            pauses
        })
    }

    #[test]
    fn a_body_pauses_for_a_reader_but_not_for_ever_and_little_never_does() {
        let ms = Duration::from_millis;
        assert_eq!(reading(10, ms(2), false), 0, "nobody needs it");
        assert!(reading(10, ms(2), true) > 0, "and yet it came to its end");
        assert_eq!(reading(3, SOON + ms(10), true), 0, "less than 20 MB/s is not much");
    }
}
