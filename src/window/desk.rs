//! The desk between panes and the tree source: panes ask every frame and get what is there; threads fetch what is missing.
//!
//! Nothing here waits in the window's thread. The newest wish wins: a tree that nobody looks at any more is cancelled.

use crate::door::Waker;
use crate::strand::{self, Step};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use wirelore_kit::{BufId, Cancel, PacketLine, Problem, Severity, Span, Tree, TreeSource, What};

/// Lines are fetched in blocks of so many packets.
pub const BLOCK: u32 = 64;
const MOST_TREES: usize = 48;
const MOST_BLOCKS: usize = 512;
/// Wishes for lines that are kept; older ones have scrolled away.
const MOST_WISHES: usize = 6;

/// A tree with what the panes need of it every frame.
#[derive(Debug)]
pub struct Prepared {
    /// What it is of.
    pub of: What,
    /// The tree.
    pub tree: Tree,
    /// Worst note at a node.
    pub noted: HashMap<u32, Severity>,
    /// Ranges of the outermost groups in their buffers, with the first part of their field's name.
    pub bands: Vec<(Span, &'static str)>,
}

impl Prepared {
    fn new(of: What, tree: Tree) -> Prepared {
        let mut noted: HashMap<u32, Severity> = HashMap::new();
        for n in &tree.notes {
            let exact = tree.nodes.iter().rposition(|node| node.span == n.at && node.span.len > 0);
            if let Some(i) = exact.or_else(|| tree.node_at(n.at.buf, n.at.at)) {
                let worst = noted.entry(i as u32).or_insert(n.what.severity);
                *worst = (*worst).max(n.what.severity);
            }
        }
        let bands = tree
            .children(None)
            .filter_map(|i| tree.nodes.get(i))
            .filter(|n| n.span.len > 0)
            .map(|n| (n.span, n.field.name.split('.').next().unwrap_or("")))
            .collect();
        Prepared { of, tree, noted, bands }
    }
}

/// An answer, or the news that it is under way.
#[derive(Debug, Clone)]
pub enum Answer<T> {
    /// Here it is.
    Here(T),
    /// Somebody is at it.
    Waiting,
    /// It cannot be had.
    Failed(Problem),
}

#[derive(Default)]
struct Wishes {
    tree: Option<What>,
    making: Option<(What, Arc<Cancel>)>,
    strand: Option<(What, Span, Arc<Prepared>)>,
    tracing: bool,
    blocks: Vec<u32>,
    reading: Option<u32>,
    stop: bool,
}

type TreeAnswer = Result<Arc<Prepared>, Problem>;
type LineAnswer = Result<Arc<Vec<PacketLine>>, Problem>;
type StrandAnswer = Arc<Vec<Step>>;

#[derive(Default)]
struct Answers {
    trees: HashMap<What, (u64, TreeAnswer)>,
    blocks: HashMap<u32, (u64, LineAnswer)>,
    strand: Option<(What, Span, StrandAnswer)>,
    clock: u64,
}

struct Shared {
    wishes: Mutex<Wishes>,
    tree_bell: Condvar,
    line_bell: Condvar,
    answers: Mutex<Answers>,
    source: Arc<dyn TreeSource>,
    wake: Waker,
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks and remembers.
pub struct Desk {
    shared: Arc<Shared>,
}

impl Drop for Desk {
    fn drop(&mut self) {
        let mut w = lock(&self.shared.wishes);
        w.stop = true;
        if let Some((_, cancel)) = &w.making {
            cancel.cancel();
        }
        drop(w);
        self.shared.tree_bell.notify_all();
        self.shared.line_bell.notify_all();
    }
}

impl Desk {
    /// A desk before a tree source; `wake` is called when an answer came.
    #[must_use]
    pub fn new(source: Arc<dyn TreeSource>, wake: Waker) -> Desk {
        let shared = Arc::new(Shared {
            wishes: Mutex::default(),
            tree_bell: Condvar::new(),
            line_bell: Condvar::new(),
            answers: Mutex::default(),
            source,
            wake,
        });
        for (name, run) in [("trees", trees as fn(&Shared)), ("lines", lines)] {
            let shared = shared.clone();
            // Without a thread the panes go on saying that they wait.
            let _ = thread::Builder::new().name(name.into()).spawn(move || run(&shared));
        }
        Desk { shared }
    }

    /// The tree of a packet or message.
    #[must_use]
    pub fn tree(&self, of: What) -> Answer<Arc<Prepared>> {
        {
            let mut a = lock(&self.shared.answers);
            a.clock += 1;
            let now = a.clock;
            if let Some((used, answer)) = a.trees.get_mut(&of) {
                *used = now;
                return match answer {
                    Ok(t) => Answer::Here(t.clone()),
                    Err(p) => Answer::Failed(p.clone()),
                };
            }
        }
        let mut w = lock(&self.shared.wishes);
        let made = w.making.as_ref().map(|(what, _)| *what);
        if made != Some(of) {
            if let Some((_, cancel)) = &w.making {
                cancel.cancel();
            }
            if w.tree != Some(of) {
                w.tree = Some(of);
                self.shared.tree_bell.notify_one();
            }
        }
        Answer::Waiting
    }

    /// The line of a packet, if its block is there; else it is fetched.
    #[must_use]
    pub fn line(&self, packet: u32) -> Answer<PacketLine> {
        let (block, at) = (packet / BLOCK, (packet % BLOCK) as usize);
        {
            let mut a = lock(&self.shared.answers);
            a.clock += 1;
            let now = a.clock;
            if let Some((used, answer)) = a.blocks.get_mut(&block) {
                *used = now;
                match answer {
                    Ok(lines) => {
                        if let Some(line) = lines.get(at) {
                            return Answer::Here(line.clone());
                        }
                        // The block was fetched when the capture ended inside it.
                        a.blocks.remove(&block);
                    }
                    Err(p) => return Answer::Failed(p.clone()),
                }
            }
        }
        let mut w = lock(&self.shared.wishes);
        if w.reading != Some(block) && !w.blocks.contains(&block) {
            w.blocks.push(block);
            let surplus = w.blocks.len().saturating_sub(MOST_WISHES);
            w.blocks.drain(..surplus);
            self.shared.line_bell.notify_one();
        }
        Answer::Waiting
    }

    /// The way from bytes of a tree down to packets, if it was worked out; else it is.
    #[must_use]
    pub fn strand(&self, of: &Arc<Prepared>, span: Span) -> Option<Arc<Vec<Step>>> {
        if let Some((what, s, steps)) = &lock(&self.shared.answers).strand
            && *what == of.of
            && *s == span
        {
            return Some(steps.clone());
        }
        let mut w = lock(&self.shared.wishes);
        if w.strand.as_ref().is_none_or(|(what, s, _)| *what != of.of || *s != span) {
            w.strand = Some((of.of, span, of.clone()));
            self.shared.tree_bell.notify_one();
        }
        None
    }

    /// A person's name for a byte sequence.
    #[must_use]
    pub fn name(&self, buf: BufId) -> String {
        self.shared.source.name(buf)
    }

    /// Whether something is being fetched.
    #[must_use]
    pub fn busy(&self) -> bool {
        let w = lock(&self.shared.wishes);
        w.tree.is_some() || w.making.is_some() || w.strand.is_some() || w.tracing || !w.blocks.is_empty() || w.reading.is_some()
    }

    /// Forgets everything: rows were read anew, or more is known now.
    pub fn forget(&self) {
        let mut a = lock(&self.shared.answers);
        a.trees.clear();
        a.blocks.clear();
        a.strand = None;
    }
}

fn broken(why: &(dyn std::any::Any + Send)) -> Problem {
    let words = why.downcast_ref::<&str>().map(|s| (*s).to_owned()).or_else(|| why.downcast_ref::<String>().cloned());
    Problem {
        what: "Reading this again failed".into(),
        why: format!("This is a fault of Wirelore{}.", words.map_or_else(String::new, |w| format!(": {w}"))),
        what_to_do: "Please report it with the capture; other rows still work.".into(),
    }
}

enum Task {
    Tree(What, Arc<Cancel>),
    Strand(What, Span, Arc<Prepared>),
}

fn next_task(shared: &Shared) -> Option<Task> {
    let mut w = lock(&shared.wishes);
    loop {
        if w.stop {
            return None;
        }
        if let Some(of) = w.tree.take() {
            let cancel = Arc::new(Cancel::new());
            w.making = Some((of, cancel.clone()));
            return Some(Task::Tree(of, cancel));
        }
        if let Some((of, span, tree)) = w.strand.take() {
            w.tracing = true;
            return Some(Task::Strand(of, span, tree));
        }
        w = shared.tree_bell.wait(w).unwrap_or_else(PoisonError::into_inner);
    }
}

fn trees(shared: &Shared) {
    while let Some(task) = next_task(shared) {
        match task {
            Task::Tree(of, cancel) => {
                // The source reads hostile bytes by code of many hands: a fault there must not end the window.
                let made =
                    catch_unwind(AssertUnwindSafe(|| shared.source.tree(of, &cancel).map(|t| Arc::new(Prepared::new(of, t)))));
                let answer = made.unwrap_or_else(|why| Err(broken(why.as_ref())));
                // A cancelled tree is no answer; should it be wanted again, it is made again.
                if !cancel.is_cancelled() {
                    let mut a = lock(&shared.answers);
                    a.clock += 1;
                    let now = a.clock;
                    a.trees.insert(of, (now, answer));
                    evict(&mut a.trees, MOST_TREES);
                }
                lock(&shared.wishes).making = None;
            }
            Task::Strand(of, span, tree) => {
                let made = catch_unwind(AssertUnwindSafe(|| strand::trace(&tree.tree, span, &*shared.source)));
                lock(&shared.answers).strand = Some((of, span, Arc::new(made.unwrap_or_default())));
                lock(&shared.wishes).tracing = false;
            }
        }
        (shared.wake)();
    }
}

fn lines(shared: &Shared) {
    loop {
        let block = {
            let mut w = lock(&shared.wishes);
            loop {
                if w.stop {
                    return;
                }
                // The newest wish first: that is what is on the screen now.
                if let Some(block) = w.blocks.pop() {
                    w.reading = Some(block);
                    break block;
                }
                w = shared.line_bell.wait(w).unwrap_or_else(PoisonError::into_inner);
            }
        };
        let from = block.saturating_mul(BLOCK);
        let read = catch_unwind(AssertUnwindSafe(|| shared.source.lines(from..from.saturating_add(BLOCK), &Cancel::new())));
        let answer = read.unwrap_or_else(|why| Err(broken(why.as_ref()))).map(Arc::new);
        {
            let mut a = lock(&shared.answers);
            a.clock += 1;
            let now = a.clock;
            a.blocks.insert(block, (now, answer));
            evict(&mut a.blocks, MOST_BLOCKS);
        }
        lock(&shared.wishes).reading = None;
        (shared.wake)();
    }
}

/// Drops the half that was not used for longest, when there are too many.
fn evict<K: std::hash::Hash + Eq, V>(map: &mut HashMap<K, (u64, V)>, most: usize) {
    if map.len() > most {
        let mut used: Vec<u64> = map.values().map(|v| v.0).collect();
        used.sort_unstable();
        let limit = used.get(used.len() / 2).copied().unwrap_or(0);
        map.retain(|_, v| v.0 >= limit);
    }
}
