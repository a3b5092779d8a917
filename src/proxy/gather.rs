//! Waiting a moment before looking at sockets, while processors are short: more has come by then, and is passed on at once.
//!
//! A relay that sleeps and wakes for every few bytes takes the processor, each time, from whom it is to relay for next: from a client in the
//! middle of its sentence, from a server before its answer. What is passed on then are crumbs, each with its calls of the system, and some
//! connections wait for long while others run. Where the relay is kept waiting for a processor anyway, it may as well wait of its own accord,
//! if more comes of it: where each connection says one thing at a time there is nothing to gather. The system says how long it kept this
//! thread waiting; where it does not, or where processors are free, nothing is waited for.

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

/// How often it is considered anew whether to wait.
const LOOK: Duration = Duration::from_millis(10);
/// So long.
const WAIT: Duration = Duration::from_micros(240);
/// Who reads less often than so many times a second has nothing to gather.
const BUSY: f64 = 1000.0;
/// Of its time a thread is kept waiting for a processor so much where they are short,
const SHORT: f64 = 0.15;
/// and so little where they are free.
const FREE: f64 = 0.03;
/// Waiting is worth it where a read brings so much more.
const MORE: f64 = 1.2;
/// Looks until waiting is judged by what it brought; the first one is not counted.
const TRIAL: u32 = 4;
/// Looks until it is tried again where it brought nothing,
const AGAIN: u32 = 100;
/// and until it is compared again where it did, for which so many looks are not waited in.
const COMPARED: u32 = 500;
const ALONE: u32 = 4;

thread_local! {
    static HERE: RefCell<Option<Gathering>> = const { RefCell::new(None) };
    /// Reads of this thread, and the bytes that came.
    static CAME: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// So many bytes came with a read.
pub fn came(bytes: usize) {
    let (reads, all) = CAME.get();
    CAME.set((reads.wrapping_add(1), all.wrapping_add(bytes as u64)));
}

/// To be called by a relay thread before it sleeps until something comes.
pub fn before_sleep() {
    let wait = HERE.with_borrow_mut(|here| here.get_or_insert_with(Gathering::begin).sleeps());
    if !wait.is_zero() {
        std::thread::sleep(wait);
    }
}

/// What is known of one thread.
struct Gathering {
    /// Where the system says how long this thread ran and was kept waiting (Documentation/scheduler/sched-stats.rst of Linux).
    stat: Option<File>,
    judge: Judge,
    looked: Instant,
    /// How long it had been kept waiting by then.
    kept: Duration,
}

impl Gathering {
    fn begin() -> Gathering {
        let stat = File::open("/proc/thread-self/schedstat").ok();
        let kept = stat.as_ref().and_then(kept_waiting).unwrap_or_default();
        CAME.set((0, 0));
        Gathering { stat, judge: Judge::default(), looked: Instant::now(), kept }
    }

    /// It is about to sleep; gives how long to wait before it looks.
    fn sleeps(&mut self) -> Duration {
        let past = self.looked.elapsed();
        if past >= LOOK {
            let Some(kept) = self.stat.as_ref().and_then(kept_waiting) else {
                self.stat = None;
                return Duration::ZERO;
            };
            let (reads, bytes) = CAME.replace((0, 0));
            let past = past.as_secs_f64();
            self.judge.look(&Window {
                rate: reads as f64 / past,
                short: kept.saturating_sub(self.kept).as_secs_f64() / past,
                piece: bytes as f64 / reads.max(1) as f64,
            });
            self.kept = kept;
            self.looked = Instant::now();
        }
        if self.judge.waits() { WAIT } else { Duration::ZERO }
    }
}

/// How long a thread was kept waiting for a processor since it began.
fn kept_waiting(stat: &File) -> Option<Duration> {
    let mut text = [0; 96];
    let n = stat.read_at(&mut text, 0).ok()?;
    let text = std::str::from_utf8(text.get(..n)?).ok()?;
    text.split_ascii_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
}

/// What was seen between two looks.
struct Window {
    /// Reads in a second.
    rate: f64,
    /// Of its time the thread was kept waiting for a processor so much.
    short: f64,
    /// Bytes of a read.
    piece: f64,
}

/// Whether to wait.
#[derive(Debug)]
struct Judge {
    now: Stand,
    /// What a read brings without waiting, over the last looks; `None`: not known yet.
    alone: Option<f64>,
}

#[derive(Debug, Clone, Copy)]
enum Stand {
    /// It does not wait, for so many looks at least.
    Not(u32),
    /// It is tried, for the so manieth look; the looks that count brought so much.
    Tried(u32, f64),
    /// It waits, for so many looks at most.
    Pays(u32),
}

impl Default for Judge {
    fn default() -> Judge {
        Judge { now: Stand::Not(ALONE), alone: None }
    }
}

impl Judge {
    fn waits(&self) -> bool {
        !matches!(self.now, Stand::Not(_))
    }

    fn look(&mut self, seen: &Window) {
        let busy = seen.rate >= BUSY;
        if busy && !self.waits() {
            let before = self.alone.unwrap_or(seen.piece);
            self.alone = Some(before + (seen.piece - before) / f64::from(ALONE));
        }
        self.now = match self.now {
            _ if !busy => return *self = Judge::default(),
            Stand::Not(0) if seen.short > SHORT => Stand::Tried(0, 0.0),
            Stand::Not(left) => Stand::Not(left.saturating_sub(1)),
            _ if seen.short < FREE => Stand::Not(ALONE),
            Stand::Tried(0, _) => Stand::Tried(1, 0.0),
            Stand::Tried(look, brought) => {
                let (look, brought) = (look.saturating_add(1), brought + seen.piece);
                if look < TRIAL {
                    Stand::Tried(look, brought)
                } else if self.alone.is_some_and(|alone| brought > alone * MORE * f64::from(TRIAL.saturating_sub(1))) {
                    Stand::Pays(COMPARED)
                } else {
                    Stand::Not(AGAIN)
                }
            }
            Stand::Pays(0) => Stand::Not(ALONE),
            Stand::Pays(left) => Stand::Pays(left.saturating_sub(1)),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(rate: f64, short: f64, piece: f64) -> Window {
        Window { rate, short, piece }
    }

    #[test]
    fn it_waits_only_while_busy_and_kept_waiting() {
        let mut judge = Judge::default();
        for _ in 0..10 {
            judge.look(&seen(20_000.0, 0.0, 200.0));
            assert!(!judge.waits(), "processors are free");
        }
        judge.look(&seen(100.0, 0.8, 200.0));
        assert!(!judge.waits(), "nothing to gather");
        for _ in 0..=ALONE {
            judge.look(&seen(20_000.0, 0.4, 200.0));
        }
        for _ in 0..COMPARED {
            assert!(judge.waits(), "it pays");
            judge.look(&seen(3_000.0, 0.2, 700.0));
        }
        judge.look(&seen(3_000.0, 0.01, 700.0));
        assert!(!judge.waits(), "processors are free by now");
    }

    #[test]
    fn where_each_connection_says_one_thing_at_a_time_it_is_not_waited_for_more() {
        let mut judge = Judge::default();
        let waited = (0..AGAIN)
            .filter(|_| {
                judge.look(&seen(20_000.0, 0.4, 600.0));
                judge.waits()
            })
            .count();
        assert_eq!(waited, TRIAL as usize, "a trial, and no more");
    }

    #[test]
    fn what_pays_is_compared_again_now_and_then() {
        let mut judge = Judge::default();
        let mut without = 0;
        for _ in 0..COMPARED * 3 {
            let piece = if judge.waits() { 700.0 } else { 200.0 };
            judge.look(&seen(5_000.0, 0.4, piece));
            without += u32::from(!judge.waits());
        }
        assert!((2 * ALONE..5 * ALONE).contains(&without), "{without}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_says_how_long_a_thread_was_kept_waiting() {
        let stat = File::open("/proc/thread-self/schedstat").expect("Linux has it");
        let (began, before) = (Instant::now(), kept_waiting(&stat).expect("a number"));
        while began.elapsed() < Duration::from_millis(20) {
            std::hint::spin_loop();
        }
        let waited = kept_waiting(&stat).expect("a number").saturating_sub(before);
        assert!(waited <= began.elapsed(), "{waited:?}");
    }
}
