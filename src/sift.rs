//! Reading a capture on one thread, from bytes in memory to rows and trees: for tests, for the fuzzer, and wherever threads are not wanted.
//!
//! The same shard and writer as in [`crate::session`] do the work, so both give the same rows.

use crate::again::Again;
use crate::merge::Merger;
use crate::recall::Recall;
use crate::session::{Told as Tells, Work, Writer, finish_shard, heed, schema, shard_batch};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use wirelore_capture::{OpenError, Options, Source, Step};
use wirelore_engine::laws::{Record, Told};
use wirelore_engine::ledger::Ledger;
use wirelore_engine::output::Output;
use wirelore_engine::shard::Shard;
use wirelore_kit::row::NONE;
use wirelore_kit::{Cancel, KeyTable, Level, MessageState, Problem, Spec, TreeSource, What};
use wirelore_store::{Builder, CellView, Progress, Snapshot, Store};

/// How far to read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Packets that are read; those behind are left out.
    pub packets: u32,
    /// Bytes that a packed capture may unpack to.
    pub unpacked: u64,
    /// Steps of the source without a packet before it is given up.
    pub idle: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { packets: u32::MAX - 1, unpacked: 1 << 30, idle: 1 << 20 }
    }
}

/// A capture that was read.
pub struct Sifted {
    /// Its rows.
    pub store: Store,
    /// Its trees.
    pub recall: Arc<Recall>,
    /// Has things read again.
    pub again: Again,
}

/// Reads a capture from memory with the protocols of `table`.
///
/// # Errors
/// [`OpenError`]: it is no capture.
pub fn read(bytes: &[u8], table: &'static [&'static Spec], limits: Limits) -> Result<Sifted, OpenError> {
    let options = Options { spool_limit: limits.unpacked, block_len: 64 << 10, ..Options::default() };
    let mut source = Source::from_bytes(bytes.to_vec(), options)?;
    let builder = Builder::new(schema(table));
    let store = builder.store();
    let ledger = Arc::new(RwLock::new(Ledger::default()));
    let keys = Arc::new(RwLock::new(KeyTable::default()));
    let links = Arc::new(RwLock::new(Arc::new(Vec::new())));
    let (spool, log) = (source.reader(), Arc::clone(&ledger));
    let recall = Arc::new(Recall::new(store.clone(), spool, log, Arc::clone(&links), Arc::clone(&keys), table, Vec::new()));
    let writer = Arc::new(Mutex::new(Writer::new(Merger::new(builder, ledger, 1))));
    let again = Again::new(Arc::clone(&writer), Arc::clone(&recall), Arc::clone(&keys), table, None);
    let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
    let mut shard = Shard::new(table);
    let (mut read, mut last, mut idle) = (0u32, 0u32, 0u32);
    let mut out = Output::default();
    while read < limits.packets && idle < limits.idle {
        idle += 1;
        match source.next() {
            Ok(Step::Batch(batch)) if !batch.items.is_empty() => {
                let most = limits.packets - read;
                read = read.saturating_add(batch.items.len() as u32);
                idle = 0;
                let links = Arc::clone(&links.read().unwrap_or_else(PoisonError::into_inner));
                let count = keys.read().unwrap_or_else(PoisonError::into_inner).len();
                let work = Work::whole(batch, links, count, most as usize);
                out.clear();
                last = shard_batch(0, &mut shard, &work, &keys, &mut out);
                writer.told(Tells::Batch, Some(std::slice::from_ref(&out)));
            }
            Ok(Step::Batch(_)) => {}
            Ok(Step::Event(event)) => {
                heed(&event, &links, &keys);
                writer.told(Tells::Event(Box::new(event)), None);
            }
            // Memory is never pending, and cannot fail to be read twice in the same way.
            Ok(Step::Pending | Step::End) | Err(_) => break,
        }
    }
    out.clear();
    finish_shard(&mut shard, last, &keys, &mut out);
    let p = source.progress();
    writer.told(Tells::Progress(Progress { read: p.read, of: p.of, done: true }), None);
    writer.end(std::slice::from_ref(&out), &again);
    drop(writer);
    Ok(Sifted { store, recall, again })
}

/// Reads a capture and looks at it as people do: every list line, and the trees of its first `most` packets and messages, all values
/// and bytes spelt out. Gives what was read, or nothing where it is no capture.
///
/// # Errors
/// [`Problem`]: a row of the store could not be shown.
pub fn sift(bytes: &[u8], table: &'static [&'static Spec], limits: Limits, most: u32) -> Result<Option<Sifted>, Problem> {
    let Ok(read) = read(bytes, table, limits) else { return Ok(None) };
    let snapshot = read.store.snapshot();
    let cancel = Cancel::new();
    let _ = wirelore_export::story::tell(&snapshot).text();
    for p in 0..snapshot.packets().min(most) {
        for line in read.recall.lines(p..p.saturating_add(1), &cancel)? {
            let _ = wirelore_export::text::packet_line(p, "", 0, &line);
        }
        look(&read.recall, What::Packet(p))?;
    }
    for m in 0..snapshot.messages().min(most) {
        let _ = wirelore_export::text::message_line(&snapshot, m, "");
        look(&read.recall, What::Message(m))?;
    }
    streams(&read.recall, &snapshot, most)?;
    Ok(Some(read))
}

fn look(recall: &Recall, what: What) -> Result<(), Problem> {
    let tree = recall.tree(what, &Cancel::new())?;
    let _ = wirelore_export::text::tree(&tree);
    for b in &tree.buffers {
        let _ = wirelore_export::text::hex(b);
    }
    for n in tree.nodes.iter().take(64) {
        // Buffers that live in one tree only have no origin elsewhere.
        let _ = recall.origin(n.span);
    }
    Ok(())
}

fn streams(recall: &Recall, snapshot: &Snapshot, most: u32) -> Result<(), Problem> {
    let mut bytes = 0usize;
    for flow in 0..snapshot.flows().min(most) {
        recall.stream(flow, &mut |_, _, b| bytes = bytes.saturating_add(b.len()), &mut |_, _, _, _| {})?;
    }
    Ok(())
}

/// The twice law: every conversation read again for trees gives the rows that the first reading left.
///
/// # Errors
/// The first row that differs.
pub fn twice(read: &Sifted, flows: u32) -> Result<(), String> {
    let s = read.store.snapshot();
    for flow in 0..s.flows().min(flows) {
        let mut again = Record::default();
        read.recall.reread(flow, Level::Tree, &Cancel::new(), &mut again).map_err(|e| e.to_string())?;
        let first: Vec<String> = s.messages_of(flow).iter().filter_map(|id| row(&s, *id)).collect();
        let second: Vec<String> = again.messages.iter().map(told).collect();
        if first != second {
            let at = first.iter().zip(&second).position(|(a, b)| a != b).unwrap_or(first.len().min(second.len()));
            let line = |l: &[String]| l.get(at).cloned().unwrap_or_else(|| "(nothing)".into());
            return Err(format!(
                "flow {flow}, row {at} of {} and {}:\n  {}\n  {}",
                first.len(),
                second.len(),
                line(&first),
                line(&second)
            ));
        }
    }
    Ok(())
}

fn told(m: &Told) -> String {
    let done = if m.state == MessageState::Open { NONE } else { m.packets.1 };
    format!(
        "{} {} {:?} {}+{} {}..{done} {:?} {:?} {:?}",
        m.conv.inner, m.proto, m.dir, m.at, m.len, m.packets.0, m.state, m.summary, m.cells
    )
}

fn row(s: &Snapshot, id: u32) -> Option<String> {
    let m = s.message(id)?;
    let cells: Vec<(&str, String)> = s.cells(id).map(|(f, c)| (f.name, cell(&c))).collect();
    let proto = s.schema().protocol_name(m.protocol);
    Some(format!(
        "{} {proto} {:?} {}+{} {}..{} {:?} {:?} {cells:?}",
        m.conv.inner,
        m.dir,
        m.at,
        m.len,
        m.first,
        m.done,
        m.state,
        s.summary(id)
    ))
}

fn cell(c: &CellView<'_>) -> String {
    match c {
        CellView::U64(n) => n.to_string(),
        CellView::I64(n) => n.to_string(),
        CellView::Text(t) => wirelore_kit::Text(t).to_string(),
        CellView::Ip4(a) => std::net::Ipv4Addr::from(*a).to_string(),
        CellView::Ip6(a) => std::net::Ipv6Addr::from(*a).to_string(),
    }
}
