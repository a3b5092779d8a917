//! Jobs: long work on threads of its own, with progress, cancelling and a call when there is news.

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded, unbounded};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use wirelore_kit::Cancel;

type Task = Box<dyn FnOnce() + Send>;
type Wake = Arc<dyn Fn() + Send + Sync>;

/// What running work is told and tells.
#[derive(Debug, Default)]
pub struct Work {
    cancel: Cancel,
    done: AtomicU64,
    of: AtomicU64,
}

impl Work {
    /// Work that nobody watches, for calls without a job.
    #[must_use]
    pub fn new() -> Work {
        Work::default()
    }

    /// Whether it shall stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// The same, for those who take the kit's form (trees).
    #[must_use]
    pub const fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// There is so much more to do, in steps of the worker's choice.
    pub fn expect(&self, steps: u64) {
        self.of.fetch_add(steps, Ordering::Relaxed);
    }

    /// So many steps more are done.
    pub fn did(&self, steps: u64) {
        self.done.fetch_add(steps, Ordering::Relaxed);
    }

    /// From 0 to 1. It may go back when more work is found.
    #[must_use]
    pub fn progress(&self) -> f32 {
        let of = self.of.load(Ordering::Relaxed);
        if of == 0 { 0.0 } else { (self.done.load(Ordering::Relaxed) as f64 / of as f64).min(1.0) as f32 }
    }
}

/// Why a job has no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    /// It was cancelled.
    Cancelled,
    /// It broke: a fault of this program, in the words it left.
    Broken(String),
}

impl fmt::Display for JobEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JobEnd::Cancelled => f.write_str("it was cancelled"),
            JobEnd::Broken(why) => write!(f, "this is a fault of Wirelore, please report it: {why}"),
        }
    }
}

/// A job under way. Dropping it cancels it.
#[derive(Debug)]
pub struct Job<T> {
    work: Arc<Work>,
    result: Receiver<Result<T, JobEnd>>,
}

impl<T> Job<T> {
    /// From 0 to 1.
    #[must_use]
    pub fn progress(&self) -> f32 {
        self.work.progress()
    }

    /// Asks it to stop soon.
    pub fn cancel(&self) {
        self.work.cancel.cancel();
    }

    /// The result, once, when it is there. Never waits.
    #[must_use]
    pub fn poll(&self) -> Option<Result<T, JobEnd>> {
        match self.result.try_recv() {
            Ok(result) => Some(result),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(JobEnd::Cancelled)),
        }
    }

    /// Waits for the result.
    ///
    /// # Errors
    /// [`JobEnd`].
    pub fn wait(self) -> Result<T, JobEnd> {
        self.result.recv().unwrap_or(Err(JobEnd::Cancelled))
    }
}

impl<T> Drop for Job<T> {
    fn drop(&mut self) {
        self.work.cancel.cancel();
    }
}

/// A few threads that do jobs in the order in which they were started. They end when the last clone is dropped.
#[derive(Clone)]
pub struct Jobs {
    tasks: Sender<Task>,
    wake: Wake,
}

impl fmt::Debug for Jobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Jobs({} waiting)", self.tasks.len())
    }
}

impl Jobs {
    /// `threads` jobs run at a time (at least one); `wake` is called on their threads when one ended.
    #[must_use]
    pub fn new(threads: usize, wake: impl Fn() + Send + Sync + 'static) -> Jobs {
        let (tasks, waiting) = unbounded::<Task>();
        for i in 0..threads.max(1) {
            let waiting = waiting.clone();
            let run = move || waiting.iter().for_each(|task| task());
            // Where the machine gives no thread at all, jobs end at once as cancelled, since nobody receives them.
            let _ = thread::Builder::new().name(format!("job {i}")).spawn(run);
        }
        Jobs { tasks, wake: Arc::new(wake) }
    }

    /// Starts a job. `work` returns `None` when it stopped because it was cancelled.
    pub fn start<T: Send + 'static>(&self, work: impl FnOnce(&Work) -> Option<T> + Send + 'static) -> Job<T> {
        let state = Arc::new(Work::new());
        let (give, result) = bounded(1);
        let (wake, inside) = (self.wake.clone(), state.clone());
        let task = move || {
            let end = if inside.is_cancelled() {
                Err(JobEnd::Cancelled)
            } else {
                // A job only reads snapshots and gives its result away, so a panic leaves nothing half done.
                match catch_unwind(AssertUnwindSafe(|| work(&inside))) {
                    Ok(Some(value)) => Ok(value),
                    Ok(None) => Err(JobEnd::Cancelled),
                    Err(why) => Err(JobEnd::Broken(words(why.as_ref()))),
                }
            };
            // Nobody may want it any more.
            let _ = give.send(end);
            wake();
        };
        let _ = self.tasks.send(Box::new(task));
        Job { work: state, result }
    }
}

fn words(why: &(dyn std::any::Any + Send)) -> String {
    why.downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| why.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason given".into())
}

/// Runs `each` on every item, on as many threads as help; `None` when cancelled. A step of progress is done for each.
pub(crate) fn in_parallel<I: Send>(work: &Work, items: Vec<I>, each: impl Fn(I) + Sync) -> Option<()> {
    /// Fewer items than this are done sooner than a thread is started.
    const WORTH_A_THREAD: usize = 8;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let threads = cores.min(items.len() / WORTH_A_THREAD).max(1);
    let items = Mutex::new(items.into_iter());
    let run = || {
        loop {
            if work.is_cancelled() {
                return;
            }
            let next = items.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(item) = next else { return };
            each(item);
            work.did(1);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(run);
        }
        run();
    });
    (!work.is_cancelled()).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    #[test]
    fn results_progress_and_wake() {
        let woken = Arc::new(AtomicUsize::new(0));
        let count = woken.clone();
        let jobs = Jobs::new(2, move || {
            count.fetch_add(1, Ordering::SeqCst);
        });
        let job = jobs.start(|w| {
            w.expect(4);
            w.did(4);
            Some(7)
        });
        assert_eq!(job.wait(), Ok(7));
        while woken.load(Ordering::SeqCst) == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_dropped_job_stops() {
        let jobs = Jobs::new(1, || {});
        let (tell, told) = bounded(0);
        let job: Job<()> = jobs.start(move |w| {
            let _ = tell.send(());
            while !w.is_cancelled() {
                thread::sleep(Duration::from_millis(1));
            }
            let _ = tell.send(());
            None
        });
        assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok(()), "it runs");
        drop(job);
        assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok(()), "it stopped");
    }

    #[test]
    fn a_broken_job_tells_and_the_thread_lives_on() {
        let jobs = Jobs::new(1, || {});
        let job: Job<()> = jobs.start(|_| panic!("on purpose"));
        assert_eq!(job.wait(), Err(JobEnd::Broken("on purpose".into())));
        assert_eq!(jobs.start(|_| Some(1)).wait(), Ok(1));
    }

    #[test]
    fn a_cancelled_job_that_waits_never_runs() {
        let jobs = Jobs::new(1, || {});
        let (go, wait) = bounded::<()>(0);
        let first = jobs.start(move |_| wait.recv().ok());
        let second: Job<i32> = jobs.start(|_| panic!("must not run"));
        second.cancel();
        go.send(()).unwrap();
        assert_eq!(first.wait(), Ok(()));
        assert_eq!(second.wait(), Err(JobEnd::Cancelled));
    }
}
