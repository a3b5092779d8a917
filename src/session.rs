//! A session: one capture being read, from its bytes to the store. Threads and wiring live here and nowhere else.
//!
//! One thread reads batches, one for each shard turns them into rows and events, one merges and publishes. Queues are bounded: a file
//! waits for the slowest. Dropping the session cancels the reading.

use crate::again::{self, Again};
use crate::legs::Legs;
use crate::merge::Merger;
use crate::recall::Recall;
use crate::remember::Remember;
use crossbeam_channel::{Receiver, Sender, bounded};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread::JoinHandle;
use wirelore_capture::{Address, Batch, Event, Item, Source, Step, secrets};
use wirelore_engine::ipfrag::Datagram;
use wirelore_engine::ledger::Ledger;
use wirelore_engine::output::Output;
use wirelore_engine::router::Router;
use wirelore_engine::shard::{DecodeAs, Joining, Packet, Shard};
use wirelore_kit::{Cancel, End, F, Flags, KeyTable, KeysThen, Problem, Spec};
use wirelore_store::{Builder, Damage, InterfaceFact, Progress, Schema, Store};

/// How a capture is read.
#[derive(Debug, Clone, Default)]
pub struct SessionOptions {
    /// Key log file, followed while the capture is read.
    pub keylog: Option<PathBuf>,
    /// Number of shards; by default as many as there are cores less two, at least one.
    pub shards: Option<usize>,
    /// What the user says that ports speak.
    pub decode_as: Vec<DecodeAs>,
    /// What the source is called.
    pub name: String,
    /// Its size in bytes, where known.
    pub size: Option<u64>,
    /// What the user said of its connections before; more is kept there.
    pub remember: Option<Remember>,
    /// Read no more packets than these.
    pub most: Option<u32>,
    /// Of a proxy's record: read both legs of each connection, though they say the same.
    pub both_legs: bool,
}

/// What is read in the leg between a proxy and a server while the leg to the client says the same: what only carries.
const CARRIERS: &[&str] = &["tls", "tls.handshake"];

/// A shard as the options say.
fn shard(table: &'static [&'static Spec], options: &SessionOptions) -> Shard {
    let shard = Shard::new(table).decoding(&options.decode_as);
    if options.both_legs { shard } else { shard.twins(CARRIERS) }
}

/// The table of protocols and the fields that are columns.
#[must_use]
pub fn schema(table: &'static [&'static Spec]) -> Schema {
    let mut key_fields: Vec<F> = Vec::new();
    for f in table.iter().flat_map(|s| s.fields.iter().copied()).filter(|f| f.flags.has(Flags::KEY)) {
        if !key_fields.iter().any(|k| k.is(f)) {
            key_fields.push(f);
        }
    }
    Schema { protocols: table.iter().map(|s| (s.name, s.label)).collect(), key_fields }
}

/// A capture being read.
pub struct Session {
    /// Its rows.
    pub store: Store,
    /// Reads its bytes again.
    pub recall: Arc<Recall>,
    /// Its keys.
    pub keys: Arc<RwLock<KeyTable>>,
    /// Has things read again: with more keys, as another protocol.
    pub again: Again,
    /// What the entries of a HAR said besides their bodies, where the capture was one: entry `n` is stream `n`.
    pub har: Arc<Vec<serde_json::Value>>,
    cancel: Arc<Cancel>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    problem: Arc<Mutex<Option<Problem>>>,
}

/// A batch on its way to the shards.
pub(crate) struct Work {
    batch: Batch,
    links: Arc<Vec<u32>>,
    /// Which shard each packet belongs to; empty when there is only one.
    routes: Vec<u32>,
    joined: BTreeMap<u32, Box<Datagram>>,
    /// How many keys stood before it.
    keys: usize,
    /// Packets behind these are left out.
    most: usize,
}

impl Work {
    /// The first packets of a batch for the only shard that there is.
    pub(crate) fn whole(batch: Batch, links: Arc<Vec<u32>>, keys: usize, most: usize) -> Work {
        Work { batch, links, routes: Vec::new(), joined: BTreeMap::new(), keys, most }
    }
}

/// What the writer is told, in order.
pub(crate) enum Told {
    /// Every shard has this batch.
    Batch,
    Event(Box<Event>),
    Progress(Progress),
    /// The capture is read to its end, behind so many packets.
    End,
}

/// Every so many packets capture time passes for flows that are silent.
pub const TICK: u32 = 4096;

/// Batches that may wait for a shard.
const WAITING: usize = 2;

impl Session {
    /// Begins to read `source`; rows appear in [`Session::store`] at once.
    #[must_use]
    pub fn start(source: Source, table: &'static [&'static Spec], mut options: SessionOptions) -> Session {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let count = options.shards.unwrap_or(cores.saturating_sub(2)).clamp(1, 64);
        let mut builder = Builder::new(schema(table));
        let facts = builder.facts();
        facts.name.clone_from(&options.name);
        facts.size = options.size;
        builder.publish(true);
        let store = builder.store();
        let ledger = Arc::new(RwLock::new(Ledger::default()));
        let keys = Arc::new(RwLock::new(KeyTable::default()));
        let links = Arc::new(RwLock::new(Arc::new(Vec::new())));
        let cancel = Arc::new(Cancel::new());
        let stop = Arc::new(AtomicBool::new(false));
        let problem = Arc::new(Mutex::new(None));
        let recall = Arc::new(Recall::new(
            store.clone(),
            source.reader(),
            Arc::clone(&ledger),
            Arc::clone(&links),
            Arc::clone(&keys),
            table,
            options.decode_as.clone(),
        ));
        let (told_in, told_out) = bounded::<Told>(WAITING * 4);
        let (mut works, mut outputs, mut backs) = (Vec::new(), Vec::new(), Vec::new());
        let mut threads = Vec::new();
        let writer = Arc::new(Mutex::new(Writer::new(Merger::new(builder, ledger, count))));
        let again = Again::new(Arc::clone(&writer), Arc::clone(&recall), Arc::clone(&keys), table, options.remember.take());
        let mut alone = None;
        if options.shards.is_none() && cores <= 2 {
            let shard = shard(table, &options);
            alone = Some(Alone { shard, writer, out: Output::default() });
        } else {
            for n in 0..count {
                let (work_in, work_out) = bounded::<Arc<Work>>(WAITING);
                let (out_in, out_out) = bounded::<Output>(WAITING);
                let (back_in, back_out) = bounded::<Output>(WAITING);
                works.push(work_in);
                outputs.push(out_out);
                backs.push(back_in);
                let keys = Arc::clone(&keys);
                let shard = shard(table, &options);
                threads
                    .push(spawn(format!("shard {n}"), move || run_shard(n as u32, shard, &work_out, &out_in, &back_out, &keys)));
            }
            let again = again.clone();
            threads.push(spawn("writer".into(), move || run_writer(&again, &told_out, &outputs, &backs)));
        }
        let reader = Reader {
            source,
            works,
            told: told_in,
            links,
            keys: Arc::clone(&keys),
            cancel: Arc::clone(&cancel),
            stop: Arc::clone(&stop),
            problem: Arc::clone(&problem),
            router: (count > 1).then(|| Router::new(count as u32)),
            left: options.most.map_or(usize::MAX, |n| n as usize),
            keylog: options.keylog.map(|path| KeyLog { path, read: 0 }),
            alone,
            again: again.clone(),
            settled: std::time::Instant::now(),
        };
        threads.push(spawn("reader".into(), move || reader.run()));
        Session { store, recall, keys, again, har: Arc::default(), cancel, stop, threads, problem }
    }

    /// The same, to be looked at: when it is dropped, the reading goes on.
    #[must_use]
    pub fn beside(&self) -> Session {
        Session {
            store: self.store.clone(),
            recall: Arc::clone(&self.recall),
            keys: Arc::clone(&self.keys),
            again: self.again.clone(),
            har: Arc::clone(&self.har),
            cancel: Arc::default(),
            stop: Arc::default(),
            threads: Vec::new(),
            problem: Arc::clone(&self.problem),
        }
    }

    /// Asks the reading to stop soon; what was read stays.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// A followed file is taken as complete: what is in it is read to its end.
    pub fn stop_following(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Waits until everything is read.
    ///
    /// # Errors
    /// Why reading stopped before the end; what was read until then is in the store.
    pub fn wait(&mut self) -> Result<(), Problem> {
        for t in self.threads.drain(..) {
            // A thread that panicked has left its rows; the panic was printed.
            let _ = t.join();
        }
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone().map_or(Ok(()), Err)
    }

    /// Why reading stopped before the end, if it did.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.cancel();
    }
}

fn spawn(name: String, work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    std::thread::Builder::new().name(name).spawn(work).unwrap_or_else(|e| {
        // Without threads nothing works: say why rather than hang.
        eprintln!("wirelore: the system refuses another thread: {e}");
        std::process::exit(8)
    })
}

/// A key log file that may still grow.
struct KeyLog {
    path: PathBuf,
    read: u64,
}

impl KeyLog {
    /// Reads the lines that were added.
    fn follow(&mut self, keys: &RwLock<KeyTable>, last: bool) -> std::io::Result<()> {
        use std::io::{Read, Seek};
        let mut file = std::fs::File::open(&self.path)?;
        if file.metadata()?.len() < self.read {
            // Begun anew.
            self.read = 0;
        }
        file.seek(std::io::SeekFrom::Start(self.read))?;
        let mut text = Vec::new();
        file.take(256 << 20).read_to_end(&mut text)?;
        let mut table = keys.write().unwrap_or_else(PoisonError::into_inner);
        let (taken, _) = table.read_log(&text);
        self.read += taken as u64;
        if last && let Some(rest) = text.get(taken..) {
            let mut done = wirelore_kit::KeyLogRead::default();
            table.read_line(rest, &mut done);
        }
        Ok(())
    }
}

struct Reader {
    source: Source,
    works: Vec<Sender<Arc<Work>>>,
    told: Sender<Told>,
    links: Arc<RwLock<Arc<Vec<u32>>>>,
    keys: Arc<RwLock<KeyTable>>,
    cancel: Arc<Cancel>,
    stop: Arc<AtomicBool>,
    problem: Arc<Mutex<Option<Problem>>>,
    router: Option<Router>,
    keylog: Option<KeyLog>,
    /// Packets that may still be read.
    left: usize,
    /// On one or two cores everything is done here, batch by batch: handing work over would cost more than it saves.
    alone: Option<Alone>,
    again: Again,
    /// When things were read again last.
    settled: std::time::Instant,
}

/// Shard and writer on the reader's own thread.
struct Alone {
    shard: Shard,
    writer: Arc<Mutex<Writer>>,
    out: Output,
}

impl Reader {
    fn run(mut self) {
        let unreadable = self.keylog.as_mut().and_then(|k| {
            let e = k.follow(&self.keys, false).err()?;
            Some(Problem {
                what: format!("The key log {} cannot be read", k.path.display()),
                why: format!("{e}."),
                what_to_do: "Check the path and that you may read it.".into(),
            })
        });
        if let Some(problem) = unreadable {
            self.fail(problem);
        }
        let mut last = std::time::Instant::now();
        let mut fresh = false;
        while self.left > 0 && !self.cancel.is_cancelled() {
            let went = match self.source.next() {
                Ok(Step::Batch(batch)) => {
                    fresh = true;
                    self.batch(batch)
                }
                Ok(Step::Event(event)) => self.event(event),
                Ok(Step::Pending) => {
                    if let Some(k) = &mut self.keylog {
                        // The next look tells the same if it is still unreadable.
                        let _ = k.follow(&self.keys, false);
                    }
                    // Nothing comes just now: time for what can be read better by now.
                    if self.settled.elapsed().as_millis() > 500 {
                        self.again.settle();
                        self.settled = std::time::Instant::now();
                    }
                    if self.stop.load(Ordering::Acquire) {
                        self.source.stop_following();
                    } else if self.tell_progress() {
                        // Snapshots are made 60 times a second at most: what came last is shown as soon as that allows.
                        self.source.wait(std::time::Duration::from_millis(if fresh { 17 } else { 50 }));
                        fresh = false;
                    } else {
                        return;
                    }
                    true
                }
                Ok(Step::End) => break,
                Err(e) => {
                    self.fail(Problem {
                        what: "Reading the capture stopped".into(),
                        why: format!("{e}."),
                        what_to_do: "What was read until then is listed. Open it again to try once more.".into(),
                    });
                    break;
                }
            };
            if !went {
                return;
            }
            if last.elapsed().as_millis() >= 16 {
                last = std::time::Instant::now();
                if !self.tell_progress() {
                    return;
                }
            }
        }
        if let Some(k) = &mut self.keylog {
            let _ = k.follow(&self.keys, true);
        }
        let p = self.source.progress();
        // If the writer is gone nobody needs the end.
        let _ = self.tell(Told::Progress(Progress { read: p.read, of: p.of, done: true }));
        match self.alone.take() {
            Some(mut a) => {
                a.out.clear();
                let last = a.out.first;
                finish_shard(&mut a.shard, last, &self.keys, &mut a.out);
                lock(&a.writer).end(std::slice::from_ref(&a.out), &self.again);
            }
            None => {
                let _ = self.told.send(Told::End);
            }
        }
    }

    fn tell_progress(&mut self) -> bool {
        let p = self.source.progress();
        self.tell(Told::Progress(Progress { read: p.read, of: p.of, done: false }))
    }

    /// Tells the writer; false when nobody listens any more.
    fn tell(&mut self, told: Told) -> bool {
        match &mut self.alone {
            Some(a) => {
                lock(&a.writer).told(told, None);
                true
            }
            None => self.told.send(told).is_ok(),
        }
    }

    fn fail(&self, problem: Problem) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
    }

    /// Hands a batch to every shard; false when nobody listens any more.
    fn batch(&mut self, batch: Batch) -> bool {
        if batch.items.is_empty() {
            return true;
        }
        let links = Arc::clone(&self.links.read().unwrap_or_else(PoisonError::into_inner));
        let (mut routes, mut joined) = (Vec::new(), BTreeMap::new());
        if let Some(router) = &mut self.router {
            for (i, item) in batch.items.iter().enumerate() {
                let number = (batch.first as u32).saturating_add(i as u32);
                let link = links.get(item.interface as usize).copied().unwrap_or(u32::MAX);
                let (shard, datagram) = router.route(number, link, batch.data(item), item.wire_len, item.time_ns);
                routes.push(shard);
                if let Some(d) = datagram {
                    joined.insert(number, d);
                }
            }
        }
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner).len();
        let most = self.left;
        self.left = self.left.saturating_sub(batch.items.len());
        let work = Work { batch, links, routes, joined, keys, most };
        if let Some(a) = &mut self.alone {
            a.out.clear();
            let last = shard_batch(0, &mut a.shard, &work, &self.keys, &mut a.out);
            lock(&a.writer).told(Told::Batch, Some(std::slice::from_ref(&a.out)));
            a.out.first = last;
            return true;
        }
        let work = Arc::new(work);
        for to in &self.works {
            if to.send(Arc::clone(&work)).is_err() {
                return false;
            }
        }
        self.told.send(Told::Batch).is_ok()
    }

    fn event(&mut self, event: Event) -> bool {
        heed(&event, &self.links, &self.keys);
        self.tell(Told::Event(Box::new(event)))
    }
}

/// What an event of the source means for the packets behind it: link types and keys.
pub(crate) fn heed(event: &Event, links: &RwLock<Arc<Vec<u32>>>, keys: &RwLock<KeyTable>) {
    match event {
        Event::Interface(i) => {
            let mut links = links.write().unwrap_or_else(PoisonError::into_inner);
            let list = Arc::make_mut(&mut links);
            let at = i.index as usize;
            if list.len() <= at {
                list.resize(at.saturating_add(1), u32::MAX);
            }
            if let Some(link) = list.get_mut(at) {
                *link = i.link_type;
            }
        }
        // Some recorders write the key log into the section's comment.
        Event::Section(s) => {
            let mut table = keys.write().unwrap_or_else(PoisonError::into_inner);
            let mut done = wirelore_kit::KeyLogRead::default();
            for line in s.comments.iter().flat_map(|c| c.lines()) {
                table.read_line(line.as_bytes(), &mut done);
            }
        }
        Event::Secrets(s) if s.kind == secrets::TLS_KEY_LOG => {
            let mut table = keys.write().unwrap_or_else(PoisonError::into_inner);
            let (taken, _) = table.read_log(&s.data);
            let mut done = wirelore_kit::KeyLogRead::default();
            table.read_line(s.data.get(taken..).unwrap_or(&[]), &mut done);
        }
        _ => {}
    }
}

/// A packet of a batch as a shard takes it; `links` are the link types of the interfaces.
fn packet_of<'b>(batch: &'b Batch, item: &Item, links: &[u32]) -> Packet<'b> {
    Packet {
        bytes: batch.data(item),
        wire_len: item.wire_len,
        time: item.time_ns,
        at: item.at,
        interface: item.interface.min(u32::from(u16::MAX)) as u16,
        link_type: links.get(item.interface as usize).copied().unwrap_or(u32::MAX),
        synthetic: item.marks & wirelore_capture::mark::SYNTHETIC != 0,
        twin: item.marks & wirelore_capture::mark::SERVER_LEG != 0,
    }
}

/// Reads a batch; returns the number of its last packet.
pub(crate) fn shard_batch(me: u32, shard: &mut Shard, w: &Work, keys: &RwLock<KeyTable>, out: &mut Output) -> u32 {
    out.first = w.batch.first as u32;
    let mut last = out.first;
    let table = keys.read().unwrap_or_else(PoisonError::into_inner);
    let secrets = &KeysThen { table: &table, count: w.keys };
    for (i, item) in w.batch.items.iter().enumerate().take(w.most) {
        let number = out.first.saturating_add(i as u32);
        last = number;
        if number.is_multiple_of(TICK) {
            shard.tick(number, item.time_ns, secrets, out);
        }
        if item.marks & wirelore_capture::mark::LOSS != 0 {
            shard.lost();
        }
        let mut joining = Joining::Own;
        if !w.routes.is_empty() {
            if w.routes.get(i).is_none_or(|s| *s != me) {
                continue;
            }
            out.numbers.push(number);
            joining = Joining::Given(w.joined.get(&number).map(|d| &**d));
        }
        let packet = packet_of(&w.batch, item, &w.links);
        shard.packet(number, &packet, joining, secrets, out);
    }
    shard.batch_ends(last, out);
    last
}

/// The end of the capture behind packet `last`.
pub(crate) fn finish_shard(shard: &mut Shard, last: u32, keys: &RwLock<KeyTable>, out: &mut Output) {
    out.first = last.saturating_add(1);
    let secrets = keys.read().unwrap_or_else(PoisonError::into_inner);
    shard.finish(last, End::Capture, &*secrets, out);
}

fn run_shard(
    me: u32,
    mut shard: Shard,
    work: &Receiver<Arc<Work>>,
    to: &Sender<Output>,
    back: &Receiver<Output>,
    keys: &RwLock<KeyTable>,
) {
    let mut last = 0;
    while let Ok(w) = work.recv() {
        let mut out = back.try_recv().unwrap_or_default();
        out.clear();
        last = shard_batch(me, &mut shard, &w, keys, &mut out);
        drop(w);
        if to.send(out).is_err() {
            return;
        }
    }
    let mut out = Output::default();
    finish_shard(&mut shard, last, keys, &mut out);
    // The writer may be gone after a cancel.
    let _ = to.send(out);
}

/// Merges and publishes.
pub(crate) struct Writer {
    pub(crate) merger: Merger,
    /// Of a proxy's record.
    pub(crate) legs: Legs,
    progress: Progress,
    first: bool,
}

impl Writer {
    pub(crate) fn new(merger: Merger) -> Writer {
        Writer { merger, legs: Legs::default(), progress: Progress::default(), first: true }
    }

    /// `outputs` are those of the batch that is told.
    pub(crate) fn told(&mut self, told: Told, outputs: Option<&[Output]>) {
        match told {
            Told::Batch => {
                self.merger.take(outputs.unwrap_or(&[]));
                self.merger.builder.publish(self.first);
                self.first = false;
            }
            Told::Progress(p) => {
                self.progress = p;
                self.merger.builder.progress(Progress { done: false, ..p });
                self.merger.builder.publish(false);
            }
            Told::Event(e) => match *e {
                Event::Other(block) => {
                    for packet in self.legs.heed(&block, &mut self.merger.builder) {
                        self.merger.whole(packet);
                    }
                }
                e => source_event(&mut self.merger.builder, e),
            },
            Told::End => {}
        }
    }

    /// `outputs` are what ended with the capture.
    pub(crate) fn end(&mut self, outputs: &[Output], again: &Again) {
        self.merger.take(outputs);
        again.recollect(&mut self.merger);
        again::settle(&mut self.merger, &again.recall, &again.keys, true);
        self.merger.builder.progress(Progress { done: true, ..self.progress });
        self.merger.builder.publish(true);
    }
}

/// A lock is poisoned only where a thread panicked between two events: the rows are whole.
fn lock(writer: &Mutex<Writer>) -> MutexGuard<'_, Writer> {
    writer.lock().unwrap_or_else(PoisonError::into_inner)
}

fn run_writer(again: &Again, told: &Receiver<Told>, outputs: &[Receiver<Output>], backs: &[Sender<Output>]) {
    let collect = || -> Vec<Output> { outputs.iter().filter_map(|o| o.recv().ok()).collect() };
    while let Ok(t) = told.recv() {
        match t {
            Told::Batch => {
                let batch = collect();
                lock(&again.writer).told(Told::Batch, Some(&batch));
                for (out, back) in batch.into_iter().zip(backs) {
                    // A full or closed way back only means that the memory is not used again.
                    let _ = back.try_send(out);
                }
            }
            Told::End => break,
            other => lock(&again.writer).told(other, None),
        }
    }
    // The shards end when the reader has let go of them; each gives one last output.
    let last = collect();
    lock(&again.writer).end(&last, again);
}

fn source_event(b: &mut Builder, e: Event) {
    match e {
        Event::Section(s) => {
            let f = b.facts();
            f.sections = f.sections.saturating_add(1);
            f.comments.extend(s.comments);
            if f.recorded_by.is_empty() {
                let parts: Vec<String> = [s.application, s.os, s.hardware].into_iter().flatten().collect();
                f.recorded_by = parts.join(", ");
            }
        }
        Event::Interface(i) => {
            let f = b.facts();
            let at = i.index as usize;
            if f.interfaces.len() <= at {
                f.interfaces.resize(at.saturating_add(1), InterfaceFact::default());
            }
            if let Some(slot) = f.interfaces.get_mut(at) {
                *slot = InterfaceFact {
                    name: i.name.unwrap_or_default(),
                    description: i.description.unwrap_or_default(),
                    link_type: i.link_type,
                    synthetic: i.marks & wirelore_capture::mark::SYNTHETIC != 0,
                    snap_len: i.snaplen,
                    // So many units lie between its origin and a second later.
                    ticks_per_second: i.resolution.from_ns(i.resolution.to_ns(0).saturating_add(1_000_000_000)),
                    filter: i.filter.unwrap_or_default(),
                    ..InterfaceFact::default()
                };
            }
        }
        Event::Secrets(_) => b.facts().secrets = b.facts().secrets.saturating_add(1),
        Event::Names(n) => {
            for (address, names) in n.records {
                let ip = match address {
                    Address::V4(a) => a.into(),
                    Address::V6(a) => a.into(),
                    _ => continue,
                };
                for name in names.iter().take(1) {
                    b.name(ip, name);
                }
            }
        }
        Event::Comment(c) => b.comment(u32::try_from(c.packet).unwrap_or(u32::MAX), &c.text),
        Event::Drops(d) => {
            let packet = u32::try_from(d.packet).unwrap_or(u32::MAX);
            b.facts().lost(d.interface, packet, d.dropped);
        }
        Event::Statistics(s) => {
            let counts = [s.dropped, s.os_dropped];
            if counts.iter().any(Option::is_some) {
                let dropped = counts.into_iter().flatten().fold(0, u64::saturating_add);
                b.facts().counted(s.interface, dropped);
            }
        }
        Event::Damage(d) => {
            b.damage(Damage {
                offset: d.at,
                what: d.what.into_owned(),
                why: d.why.into_owned(),
                what_to_do: d.what_to_do.into_owned(),
            });
        }
        Event::Note(n) => {
            b.damage(Damage {
                offset: n.at,
                what: n.what.into_owned(),
                why: n.why.into_owned(),
                what_to_do: n.what_to_do.into_owned(),
            });
        }
        Event::Resumed(r) => {
            if r.skipped > 0 {
                let why = format!("{} bytes were passed over until a record could be read again.", r.skipped);
                b.damage(Damage { offset: r.at, what: "Reading goes on here".into(), why, what_to_do: String::new() });
            }
        }
        Event::Other(_) => {}
    }
}
