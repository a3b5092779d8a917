//! Slow lines: how much may be read from an end, and when. Reading slowly is all it takes: TCP tells the sender.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

/// What is not used in so long is lost: a line that was quiet does not make up for it.
const SAVED: Duration = Duration::from_millis(50);
/// At least so much is read at once, so that a slow line does not read byte by byte.
const LEAST: f64 = 1460.0;

/// The pace of one direction.
#[derive(Debug)]
pub struct Pace {
    /// Bytes each second.
    rate: Option<f64>,
    latency: Duration,
    /// Bytes that may be read now.
    room: f64,
    filled: Instant,
    /// Bytes are on their way: those behind the first ones are not late again.
    flowing: bool,
    /// When it goes on.
    due: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    /// A token bucket of so many bytes each second; what comes after a pause is so much later.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "rates are far below 2^52")]
    pub fn new(rate: Option<u64>, latency: Duration) -> Pace {
        Pace { rate: rate.map(|r| (r as f64).max(1.0)), latency, room: 0.0, filled: Instant::now(), flowing: false, due: None }
    }

    /// How much may be read now, once there is something to be read.
    pub fn poll(&mut self, cx: &mut Context<'_>, tcp: &TcpStream) -> Poll<usize> {
        if self.due.is_none() {
            // A fault shows when it is read.
            let Poll::Ready(_) = tcp.poll_read_ready(cx) else {
                self.flowing = false;
                return Poll::Pending;
            };
        }
        loop {
            if let Some(due) = &mut self.due {
                ready!(due.as_mut().poll(cx));
                self.due = None;
                self.flowing = true;
            }
            if !self.flowing && !self.latency.is_zero() {
                self.wait(self.latency);
                continue;
            }
            let Some(rate) = self.rate else { return Poll::Ready(usize::MAX) };
            let now = Instant::now();
            let most = (rate * SAVED.as_secs_f64()).max(LEAST);
            self.room = (self.room + now.saturating_duration_since(self.filled).as_secs_f64() * rate).min(most);
            self.filled = now;
            if self.room >= most.min(LEAST) {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "between 0 and what a line carries in 50 ms"
                )]
                return Poll::Ready(self.room as usize);
            }
            self.wait(Duration::from_secs_f64(((LEAST - self.room) / rate).clamp(0.001, 60.0)));
        }
    }

    fn wait(&mut self, time: Duration) {
        self.due = Some(Box::pin(tokio::time::sleep(time)));
    }

    /// So much was read.
    #[expect(clippy::cast_precision_loss, reason = "a read is far below 2^52 bytes")]
    pub fn took(&mut self, bytes: usize) {
        self.flowing = true;
        self.room -= bytes as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[test]
    fn a_slow_line_is_as_slow_as_it_says() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (bytes, took) = runtime.block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let mut to = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("connected");
            let (mut from, _) = listener.accept().await.expect("accepted");
            let began = Instant::now();
            let sent = async move { to.write_all(&[7; 60_000]).await };
            let read = async {
                let mut pace = Pace::new(Some(100_000), Duration::from_millis(200));
                let (mut all, mut buf) = (0, vec![0; 65_536]);
                while all < 60_000 {
                    let most = std::future::poll_fn(|cx| pace.poll(cx, &from)).await;
                    assert!(most <= 5_000, "no more than the line carries in 50 ms: {most}");
                    let n = from.read(&mut buf[..most]).await.expect("read");
                    pace.took(n);
                    all += n;
                }
                all
            };
            let (sent, read) = tokio::join!(sent, read);
            sent.expect("sent");
            (read, began.elapsed())
        });
        assert_eq!(bytes, 60_000);
        // 0.2 s late, then 60 kB at 100 kB/s; a busy machine may take longer, but never less.
        assert!((0.7..3.0).contains(&took.as_secs_f64()), "{took:?}");
    }
}
