//! What the lists list: rows that pass the filter, grouped by connection if wanted, made by jobs and never in a frame.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use wirelore_kit::row::NONE;
use wirelore_kit::{ConvId, Problem, Severity, verdict};
use wirelore_store::query::{self, Query, Rows};
use wirelore_store::{Job, JobEnd, Jobs, Snapshot, Work};

use crate::door::Sieve;
use crate::select::{Focus, Level, Selection};
use crate::sifting::Sift;
use crate::twins::Twins;
use crate::view;

/// One row of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Item {
    /// A connection, as the head of its group.
    Flow(u32),
    /// An exchange.
    Exchange(u32),
    /// A message that belongs to no exchange.
    Message(u32),
    /// Messages of one conversation that belong to no exchange (a chat, the handshake of what is around), by the first of them.
    Talk(u32),
    /// A packet.
    Packet(u32),
}

impl Item {
    /// The path that it stands for.
    #[must_use]
    pub fn select(self, s: &Snapshot, now: &Selection) -> Selection {
        match self {
            Item::Flow(f) => Selection::flow(s, f),
            Item::Exchange(e) => s.exchange(e).map_or_else(Selection::default, |x| {
                let first = if x.ask == NONE { x.answer } else { x.ask };
                // The half that was looked at stays, the question else.
                let keep = now.message.filter(|m| now.exchange == Some(e) && s.message(*m).is_some());
                Selection { focus: Focus::Exchange, ..Selection::message(s, keep.unwrap_or(first), now.packet) }
            }),
            Item::Talk(m) => Selection { focus: Focus::Exchange, ..Selection::message(s, m, now.packet) },
            Item::Message(m) => Selection::message(s, m, now.packet),
            Item::Packet(p) => Selection::packet(s, p, now.message),
        }
    }
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Packets, or else exchanges.
    pub packets: bool,
    /// Under their connections.
    pub grouped: bool,
    /// What rows must pass.
    pub sift: Sift,
    /// Only this connection.
    pub flow: Option<u32>,
    /// Of connections that a proxy relayed also what an interface saw of them: the same once more.
    pub captured: bool,
}

/// Messages that one row stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Talk {
    /// How many.
    pub count: u32,
    /// Their bytes.
    pub bytes: u64,
    /// The last of them.
    pub last: u32,
    /// Their worst note.
    pub worst: Option<Severity>,
    first: u32,
}

/// A finished list.
#[derive(Debug, Default)]
pub struct Listing {
    /// What it answers.
    pub wanted: Wanted,
    /// The snapshot it was made of.
    pub generation: u64,
    /// Whether rows are still being looked for: these were found so far.
    pub partial: bool,
    items: Items,
    talks: HashMap<u32, Talk>,
    talk_of: HashMap<(ConvId, u16), u32>,
    /// Whether any row lies inside another protocol, so that the path wants room.
    pub nested: bool,
    /// Characters of the longest name of a protocol that is listed.
    pub longest: usize,
    /// Places (0 to 1) and severities for the map in the scrollbar.
    pub marks: Vec<(f32, Severity)>,
    /// Connections that are there twice.
    pub twins: Twins,
}

#[derive(Debug, Default)]
enum Items {
    #[default]
    None,
    AllPackets,
    Packets(Vec<u32>),
    Mixed(Vec<Item>, HashMap<Item, u32>),
}

impl Items {
    /// Rows that were looked for and found.
    fn found(&self) -> usize {
        match self {
            Items::None | Items::AllPackets => 0,
            Items::Packets(p) => p.len(),
            Items::Mixed(i, _) => i.len(),
        }
    }
}

impl Listing {
    /// Number of rows; `s` is the newest snapshot.
    #[must_use]
    pub fn len(&self, s: &Snapshot) -> u64 {
        match &self.items {
            Items::None => 0,
            Items::AllPackets => s.packets().into(),
            Items::Packets(p) => p.len() as u64,
            Items::Mixed(i, _) => i.len() as u64,
        }
    }

    /// Row `i`.
    #[must_use]
    pub fn item(&self, i: u64) -> Option<Item> {
        match &self.items {
            Items::None => None,
            Items::AllPackets => u32::try_from(i).ok().map(Item::Packet),
            Items::Packets(p) => p.get(i as usize).copied().map(Item::Packet),
            Items::Mixed(v, _) => v.get(i as usize).copied(),
        }
    }

    /// The row of an item, if it is listed.
    #[must_use]
    pub fn row(&self, item: Item) -> Option<u64> {
        match (&self.items, item) {
            (Items::AllPackets, Item::Packet(p)) => Some(p.into()),
            (Items::Packets(v), Item::Packet(p)) => v.binary_search(&p).ok().map(|r| r as u64),
            (Items::Mixed(_, rows), item) => rows.get(&item).map(|r| u64::from(*r)),
            _ => None,
        }
    }

    /// What is known of the messages that a row stands for, by the first of them.
    #[must_use]
    pub fn talk(&self, first: u32) -> Option<&Talk> {
        self.talks.get(&first)
    }

    /// The talk that a message is part of, by its first message.
    #[must_use]
    pub fn talk_of(&self, s: &Snapshot, message: u32) -> Option<u32> {
        let row = s.message(message)?;
        self.talk_of.get(&(row.conv, row.protocol)).copied()
    }

    /// How many rows behind `base` belong to the connection whose head it is.
    #[must_use]
    pub fn group(&self, s: &Snapshot, base: u64, flow: u32) -> u64 {
        let mut n = 0;
        while let Some(item) = self.item(base + 1 + n) {
            let another = match item {
                // What a connection caused lies under it.
                Item::Flow(f) => view::caused_from(s, f) != Some(flow),
                _ => false,
            };
            if another {
                break;
            }
            n += 1;
        }
        n
    }

    #[cfg(test)]
    pub(crate) fn of(items: Vec<Item>) -> Listing {
        let rows = items.iter().enumerate().map(|(i, item)| (*item, i as u32)).collect();
        Listing { items: Items::Mixed(items, rows), ..Listing::default() }
    }
}

/// Makes lists and keeps the newest.
#[derive(Debug, Default)]
pub struct Lister {
    /// The newest list: finished, or what was found of it so far.
    pub now: Arc<Listing>,
    job: Option<Making>,
    ended: f64,
    broken: Option<(Wanted, Problem)>,
    stopped: Option<Wanted>,
}

/// A list that is being made.
#[derive(Debug)]
struct Making {
    wanted: Wanted,
    job: Job<Result<Listing, Problem>>,
    /// What was found so far and nobody has taken yet.
    sofar: Arc<Mutex<Option<Listing>>>,
}

/// While a capture is being read, its lists are made anew at most this often, in seconds.
const PAUSE: f64 = 0.15;

impl Lister {
    /// Takes what is finished and starts what is wanted; `now` is egui's clock in seconds. True when there is a new list.
    pub fn step(&mut self, jobs: &Jobs, s: &Arc<Snapshot>, sieve: &Arc<dyn Sieve>, wanted: &Wanted, now: f64) -> bool {
        let mut news = false;
        if let Some(end) = self.job.as_ref().and_then(|m| m.job.poll())
            && let Some(made) = self.job.take()
        {
            self.ended = now;
            match end {
                Ok(Ok(list)) => {
                    self.now = Arc::new(list);
                    self.broken = None;
                    news = true;
                }
                Ok(Err(p)) => self.broken = Some((made.wanted, p)),
                Err(JobEnd::Cancelled) => {}
                Err(why) => self.broken = Some((made.wanted, broke(&why.to_string()))),
            }
        }
        if self.stopped.as_ref().is_some_and(|w| w != wanted) {
            self.stopped = None;
        }
        news |= self.take_sofar(wanted);
        let stale = self.now.partial || self.now.generation != s.generation() || self.now.wanted != *wanted;
        let other = self.job.as_ref().is_some_and(|m| m.wanted != *wanted);
        let due = self.job.is_none() && (self.now.wanted != *wanted || now - self.ended >= PAUSE || self.now.generation == 0);
        if stale && (other || due) && self.stopped.is_none() && self.broken(wanted).is_none() {
            let (snapshot, sieve, w) = (s.clone(), sieve.clone(), wanted.clone());
            let sofar = Arc::new(Mutex::new(None));
            let slot = sofar.clone();
            // Dropping the one before cancels it.
            let job = jobs.start(move |work| {
                let mut tell = |list: Listing| *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(list);
                match make(&snapshot, &*sieve, w, work, &mut tell) {
                    Ok(list) => Some(Ok(list)),
                    Err(Ended::Cancelled) => None,
                    Err(Ended::Broke(p)) => Some(Err(p)),
                }
            });
            self.job = Some(Making { wanted: wanted.clone(), job, sofar });
        }
        news
    }

    /// Shows what was found so far, where it says more than what is shown.
    fn take_sofar(&mut self, wanted: &Wanted) -> bool {
        let Some(making) = self.job.as_ref().filter(|m| m.wanted == *wanted) else { return false };
        let Some(list) = making.sofar.lock().unwrap_or_else(PoisonError::into_inner).take() else { return false };
        let more = self.now.wanted != *wanted || self.now.partial && list.items.found() >= self.now.items.found();
        if more {
            self.now = Arc::new(list);
        }
        more
    }

    /// What went wrong when this was listed: it would again.
    #[must_use]
    pub fn broken(&self, wanted: &Wanted) -> Option<&Problem> {
        self.broken.as_ref().filter(|(asked, _)| asked == wanted).map(|(_, p)| p)
    }

    /// How far the list under way is, if one is that another wish asked for or of which only a part is shown.
    #[must_use]
    pub fn progress(&self) -> Option<f32> {
        self.job.as_ref().filter(|m| m.wanted != self.now.wanted || self.now.partial).map(|m| m.job.progress())
    }

    /// Looks for no more rows; what was found stays, until something else is wanted or [`Lister::go_on`].
    pub fn stop(&mut self) {
        if let Some(making) = self.job.take() {
            // Of what was found nothing is lost.
            let wanted = making.wanted.clone();
            self.job = Some(making);
            self.take_sofar(&wanted);
            self.job = None;
            self.stopped = Some(wanted);
        }
    }

    /// Whether looking for rows was stopped.
    #[must_use]
    pub const fn is_stopped(&self) -> bool {
        self.stopped.is_some()
    }

    /// Looks for rows again.
    pub fn go_on(&mut self) {
        self.stopped = None;
    }

    /// Whether a list is being made.
    #[must_use]
    pub const fn busy(&self) -> bool {
        self.job.is_some()
    }
}

fn broke(why: &str) -> Problem {
    Problem { what: "The list could not be made".into(), why: format!("{why}."), what_to_do: String::new() }
}

/// Why there is no list.
enum Ended {
    Cancelled,
    Broke(Problem),
}

/// Rows of a kind that pass, rising; `None` for all.
type Passing<'a> = &'a dyn Fn(Rows) -> Result<Option<Vec<u32>>, Ended>;

fn make(
    s: &Arc<Snapshot>,
    sieve: &dyn Sieve,
    wanted: Wanted,
    work: &Work,
    tell: &mut dyn FnMut(Listing),
) -> Result<Listing, Ended> {
    let first = if wanted.packets { Rows::Packets } else { Rows::Exchanges };
    // The first question is the one that may take long; what it found out is known to the sieve when the others are asked.
    let known = passing(s, sieve, &wanted, first, work, &mut |sofar| {
        // Cancelled: nobody wants it any more.
        if let Ok(list) = lay_out(s, &wanted, sofar, work) {
            tell(Listing { partial: true, ..list });
        }
    })?;
    let known = std::cell::Cell::new(Some(known));
    lay_out(
        s,
        &wanted,
        &|rows| match known.take().filter(|_| rows == first) {
            Some(known) => Ok(known),
            None => passing(s, sieve, &wanted, rows, work, &mut |_| {}),
        },
        work,
    )
}

fn lay_out(s: &Arc<Snapshot>, wanted: &Wanted, passing: Passing<'_>, work: &Work) -> Result<Listing, Ended> {
    let twins = Twins::of(s, work).ok_or(Ended::Cancelled)?;
    let mut list = Listing { generation: s.generation(), wanted: wanted.clone(), twins, ..Listing::default() };
    if wanted.packets {
        (list.items, list.marks) = packets(s, passing(Rows::Packets)?, work)?;
    } else {
        exchanges(s, wanted, passing, work, &mut list)?;
    }
    Ok(list)
}

/// The rows that pass, in order; `None` for all. While it takes long, `tell` gets what can be asked for those that are known to pass.
fn passing(
    s: &Arc<Snapshot>,
    sieve: &dyn Sieve,
    wanted: &Wanted,
    rows: Rows,
    work: &Work,
    tell: &mut dyn FnMut(Passing<'_>),
) -> Result<Option<Vec<u32>>, Ended> {
    let mut all: Vec<Query> = match &wanted.sift {
        Sift::Words(words) => words.split_whitespace().map(Query::text).collect(),
        Sift::Every | Sift::Filter(_) => Vec::new(),
    };
    if let Some(f) = wanted.flow {
        let number = query::Test::Number(query::Order::Equal, i128::from(f));
        all.push(Query::Is(query::Subject::Flow(query::FlowFact::Number), number));
    }
    let all = (!all.is_empty()).then_some(Query::And(all));
    let by_rows = |rows: Rows| all.as_ref().map(|q| query::find(s, q, rows, work).ok_or(Ended::Cancelled)).transpose();
    let Sift::Filter(filter) = &wanted.sift else { return by_rows(rows) };
    let both = |passed: Vec<u32>, known: Option<Vec<u32>>| match known {
        None => passed,
        Some(known) => passed.into_iter().filter(|r| known.binary_search(r).is_ok()).collect(),
    };
    let mut partly = |sofar: &dyn Fn(Rows) -> Vec<u32>| tell(&|rows| Ok(Some(both(sofar(rows), by_rows(rows)?))));
    let passed = sieve.rows(filter, s, rows, work, &mut partly).map_err(Ended::Broke)?.ok_or(Ended::Cancelled)?;
    Ok(Some(both(passed, by_rows(rows)?)))
}

/// The rows that a wish is of, rising; inner `None` for all, outer when the work was cancelled.
///
/// # Errors
/// [`Problem`]: the recorded bytes are gone, so that what is no column cannot be looked at.
pub fn rows(
    s: &Arc<Snapshot>,
    sieve: &dyn Sieve,
    wanted: &Wanted,
    rows: Rows,
    work: &Work,
) -> Result<Option<Option<Vec<u32>>>, Problem> {
    match passing(s, sieve, wanted, rows, work, &mut |_| {}) {
        Ok(found) => Ok(Some(found)),
        Err(Ended::Cancelled) => Ok(None),
        Err(Ended::Broke(p)) => Err(p),
    }
}

type Made = (Items, Vec<(f32, Severity)>);

fn packets(s: &Arc<Snapshot>, passing: Option<Vec<u32>>, work: &Work) -> Result<Made, Ended> {
    let trouble = verdict::trouble();
    let mut marks = Marks::new();
    let severity = |p: u32| s.packet(p).and_then(|row| view::packet_severity(&row, trouble));
    let Some(found) = passing else {
        let all = u64::from(s.packets());
        for (from, rows) in s.packet_table().segments() {
            if work.is_cancelled() {
                return Err(Ended::Cancelled);
            }
            for (i, row) in (from..).zip(rows) {
                if row.bits != 0 {
                    marks.add(i.into(), all, view::packet_severity(&row, trouble));
                }
            }
        }
        return Ok((Items::AllPackets, marks.done()));
    };
    for (i, p) in found.iter().enumerate() {
        marks.add(i as u64, found.len() as u64, severity(*p));
    }
    Ok((Items::Packets(found), marks.done()))
}

/// Messages of a flow that belong to no exchange, gathered by conversation and protocol.
#[derive(Default)]
struct Loose {
    talks: HashMap<(ConvId, u16), Talk>,
    /// Of each flow: the conversation and protocol of its first message, and whether there are others.
    spoken: HashMap<u32, ((ConvId, u16), bool)>,
}

impl Loose {
    fn gather(s: &Snapshot, work: &Work) -> Option<Loose> {
        let mut l = Loose::default();
        let mut last: Option<(u32, (ConvId, u16))> = None;
        for (i, m) in s.each_message() {
            if i.is_multiple_of(4096) && work.is_cancelled() {
                return None;
            }
            let key = (m.conv, m.protocol);
            // Mostly the same again: then nothing new is learnt.
            if last != Some((m.conv.flow, key)) {
                let (first, mixed) = l.spoken.entry(m.conv.flow).or_insert((key, false));
                *mixed |= *first != key;
                last = Some((m.conv.flow, key));
            }
            if view::some(m.exchange).is_none() {
                let t = l.talks.entry(key).or_insert_with(|| Talk { first: i, ..Talk::default() });
                t.count += 1;
                t.bytes = t.bytes.saturating_add(m.len);
                t.last = i;
                t.worst = t.worst.max(m.worst);
            }
        }
        // A connection that is nothing but such messages lists them: its own row stands for all of them already.
        let spoken = std::mem::take(&mut l.spoken);
        l.talks.retain(|(conv, _), t| t.count > 1 && spoken.get(&conv.flow).is_some_and(|(_, mixed)| *mixed));
        Some(l)
    }
}

fn exchanges(s: &Snapshot, wanted: &Wanted, passing: Passing<'_>, work: &Work, list: &mut Listing) -> Result<(), Ended> {
    let (some_exchanges, some_messages, some_flows) =
        (passing(Rows::Exchanges)?, passing(Rows::Messages)?, passing(Rows::Flows)?);
    let holds = |set: &Option<Vec<u32>>, n: u32| set.as_ref().is_none_or(|v| v.binary_search(&n).is_ok());
    // Under a filter each message that passes is a row of its own.
    let loose = if wanted.sift.is_every() { Loose::gather(s, work).ok_or(Ended::Cancelled)? } else { Loose::default() };
    let mut flat = Vec::new();
    let hides = |flow: u32| !wanted.captured && wanted.flow.is_none() && list.twins.relayed(flow).is_some();
    let (mut nested, mut longest) = (false, 0);
    let mut spoken: HashSet<u16> = HashSet::new();
    for (i, m) in s.each_message() {
        if i.is_multiple_of(4096) && work.is_cancelled() {
            return Err(Ended::Cancelled);
        }
        if hides(m.conv.flow) {
            continue;
        }
        nested |= m.conv.inner != 0;
        if spoken.insert(m.protocol) {
            longest = longest.max(s.schema().protocol_label(m.protocol).chars().count());
        }
        let item = match view::some(m.exchange).and_then(|e| Some((e, s.exchange(e)?))) {
            Some((e, x)) => (x.ask == i || (x.ask == NONE && x.answer == i))
                .then_some(Item::Exchange(e))
                .filter(|_| holds(&some_exchanges, e)),
            None => match loose.talks.get(&(m.conv, m.protocol)) {
                Some(t) if t.first == i => Some(Item::Talk(i)).filter(|_| wanted.flow.is_none_or(|f| f == m.conv.flow)),
                Some(_) => None,
                None => Some(Item::Message(i)).filter(|_| holds(&some_messages, i)),
            },
        };
        if let Some(item) = item {
            flat.push((m.conv.flow, item));
        }
    }
    let mut items: Vec<Item> = Vec::with_capacity(flat.len());
    if wanted.grouped {
        // What a connection caused lies under it, behind its own rows.
        let homes: HashMap<u32, u32> = s.causes().map(|c| (c.flow, c.by.flow)).collect();
        let key = |f: u32| (homes.get(&f).copied().unwrap_or(f), f);
        // Stable: inside a connection the order of messages stays.
        flat.sort_by_key(|(flow, _)| key(*flow));
        let mut at = flat.into_iter().peekable();
        let mut flows: Vec<u32> = (0..s.flows()).filter(|f| !hides(*f)).collect();
        flows.sort_by_key(|f| key(*f));
        for f in flows {
            let head = items.len();
            items.push(Item::Flow(f));
            while let Some((_, item)) = at.next_if(|(flow, _)| *flow == f) {
                items.push(item);
            }
            if items.len() == head + 1 && !holds(&some_flows, f) {
                items.pop();
            }
        }
    } else {
        items.extend(flat.into_iter().map(|(_, i)| i));
    }
    (list.nested, list.longest) = (nested, longest);
    list.talk_of = loose.talks.iter().map(|(k, t)| (*k, t.first)).collect();
    list.talks = loose.talks.into_values().map(|t| (t.first, t)).collect();
    let mut marks = Marks::new();
    for (i, item) in items.iter().enumerate() {
        let worst = match item {
            Item::Talk(t) => list.talk(*t).and_then(|t| t.worst).filter(|w| *w >= Severity::Warn),
            item => worst(s, *item),
        };
        marks.add(i as u64, items.len() as u64, worst);
    }
    let rows = items.iter().enumerate().map(|(i, item)| (*item, i as u32)).collect();
    list.items = Items::Mixed(items, rows);
    list.marks = marks.done();
    Ok(())
}

/// The worst note of an item that is worth a mark.
#[must_use]
pub fn worst(s: &Snapshot, item: Item) -> Option<Severity> {
    let of = |m: u32| s.message(m).and_then(|m| m.worst);
    let w = match item {
        Item::Flow(_) | Item::Packet(_) => None,
        Item::Message(m) | Item::Talk(m) => of(m),
        Item::Exchange(e) => s.exchange(e).and_then(|x| of(x.ask).max(of(x.answer))),
    };
    w.filter(|w| *w >= Severity::Warn)
}

/// Marks in as many places as a scrollbar has pixels.
struct Marks(Vec<Option<Severity>>);

const PLACES: usize = 500;

impl Marks {
    fn new() -> Marks {
        Marks(vec![None; PLACES])
    }

    fn add(&mut self, row: u64, of: u64, severity: Option<Severity>) {
        if let Some(severity) = severity
            && let Some(place) = self.0.get_mut((row * PLACES as u64 / of.max(1)) as usize)
        {
            *place = (*place).max(Some(severity));
        }
    }

    fn done(self) -> Vec<(f32, Severity)> {
        self.0.into_iter().enumerate().filter_map(|(i, s)| Some((i as f32 / PLACES as f32, s?))).collect()
    }
}

/// What a level lists.
#[must_use]
pub const fn lists_packets(level: Level) -> bool {
    matches!(level, Level::Packets | Level::Bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::Partly;
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
    use wirelore_filter::{Filter, Registry};
    use wirelore_kit::PacketRow;
    use wirelore_store::{Builder, Schema, Store};

    /// A sieve that finds packet 1 at once, packet 3 when it is told to go on, and packet 5 in the end.
    struct Slow(SyncSender<()>, Mutex<Receiver<()>>);

    impl Sieve for Slow {
        fn rows(
            &self,
            _: &Filter,
            _: &Arc<Snapshot>,
            _: Rows,
            work: &Work,
            partly: &mut Partly<'_>,
        ) -> Result<Option<Vec<u32>>, Problem> {
            for found in [vec![1], vec![1, 3]] {
                partly(&|_| found.clone());
                let _ = self.0.send(());
                let _ = self.1.lock().unwrap_or_else(PoisonError::into_inner).recv();
                if work.is_cancelled() {
                    return Ok(None);
                }
            }
            Ok(Some(vec![1, 3, 5]))
        }
    }

    fn packets(n: u32) -> Store {
        let mut b = Builder::new(Schema::default());
        for i in 0..n {
            b.packet(PacketRow::new(i.into(), u64::from(i) * 60, 0, 60, 60));
        }
        b.publish(true);
        b.store()
    }

    #[test]
    fn rows_are_shown_while_a_filter_still_looks_and_stay_when_it_is_stopped() {
        let (found, finds) = sync_channel(0);
        let (goes, go) = sync_channel(0);
        let (sieve, jobs): (Arc<dyn Sieve>, _) = (Arc::new(Slow(found, Mutex::new(go))), Jobs::new(1, || {}));
        let s = packets(8).snapshot();
        let filter = wirelore_filter::parse("frame.number > 1", &Registry::new(&[], [("http", "HTTP")])).expect("a filter");
        let wanted = Wanted { packets: true, sift: Sift::Filter(Arc::new(filter)), ..Wanted::default() };
        let mut lister = Lister::default();
        let shown = |l: &Lister| (0..l.now.len(&s)).filter_map(|i| l.now.item(i)).collect::<Vec<_>>();
        assert!(!lister.step(&jobs, &s, &sieve, &wanted, 0.0));
        finds.recv().expect("it looks");
        assert!(lister.step(&jobs, &s, &sieve, &wanted, 0.1));
        assert_eq!((shown(&lister), lister.now.partial), (vec![Item::Packet(1)], true));
        assert!(lister.progress().is_some());
        goes.send(()).expect("it waits");
        finds.recv().expect("it looks");
        lister.stop();
        goes.send(()).expect("it waits");
        assert_eq!(shown(&lister), [Item::Packet(1), Item::Packet(3)], "of what was found nothing is lost");
        assert!(!lister.step(&jobs, &s, &sieve, &wanted, 9.0) && lister.is_stopped() && !lister.busy());
        lister.go_on();
        lister.step(&jobs, &s, &sieve, &wanted, 10.0);
        for at in [11.0, 12.0] {
            finds.recv().expect("it looks");
            lister.step(&jobs, &s, &sieve, &wanted, at);
            assert_eq!(shown(&lister).len(), 2, "fewer rows than are shown already take nothing away");
            goes.send(()).expect("it waits");
        }
        while lister.busy() {
            lister.step(&jobs, &s, &sieve, &wanted, 13.0);
        }
        assert_eq!((shown(&lister).len(), lister.now.partial, lister.progress()), (3, false, None));
    }
}
