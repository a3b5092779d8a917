//! Laws of the whole path, over every capture at hand: the same rows however often and by however many threads a capture is read, trees
//! whose fields lie where they say, bytes that lead back to their packets, and protocols that claim only their own.

mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use support::{cell, corpus_captures, difference, every, golden, name, no_faults, own, read, rows};
use wirelore::sift;
use wirelore_dissectors::TABLE;
use wirelore_engine::laws::{self, Record, Script, Step};
use wirelore_kit::row::{MessageState, NONE};
use wirelore_kit::{BufKind, Cancel, Dir, Level, Node, Peek, Tie, Transport, Tree, TreeSource, Verdict, What};
use wirelore_store::Snapshot;

/// Whether only some captures are looked at.
fn filtered() -> bool {
    std::env::var_os("ONLY").is_some()
}

#[test]
fn the_number_of_shards_changes_no_row() {
    let mut faults = Vec::new();
    for path in every() {
        let Some(one) = read(&path, 1) else { continue };
        let want = rows(&one.store.snapshot());
        for shards in [3, 8] {
            let Some(many) = read(&path, shards) else { continue };
            if let Some(d) = difference(&want, &rows(&many.store.snapshot())) {
                faults.push(format!("{} with 1 and {shards} shards: {d}", name(&path)));
            }
        }
        let bytes = std::fs::read(&path).expect("a capture that can be read");
        if let Ok(alone) = sift::read(&bytes, TABLE, sift::Limits::default())
            && let Some(d) = difference(&want, &rows(&alone.store.snapshot()))
        {
            faults.push(format!("{} with threads and without: {d}", name(&path)));
        }
    }
    no_faults(&faults, "all captures");
}

/// A message of a second reading in the words of [`support::message`], so far as a second reading can know them.
fn told(m: &laws::Told) -> String {
    let cells: Vec<String> = m.cells.iter().map(|(f, c)| format!("{f}={c}")).collect();
    let done = if m.state == MessageState::Open { -1 } else { i64::from(m.packets.1) };
    format!(
        "{} {} {:?} {}+{} first {} done {done} {:?} {:?} {cells:?}",
        m.conv.inner, m.proto, m.dir, m.at, m.len, m.packets.0, m.state, m.summary
    )
}

fn row(s: &Snapshot, id: u32) -> Option<String> {
    let m = s.message(id)?;
    let cells: Vec<String> = s.cells(id).map(|(f, c)| format!("{}={}", f.name, cell(&c))).collect();
    let done = if m.done == NONE { -1 } else { i64::from(m.done) };
    let proto = s.schema().protocol_name(m.protocol);
    Some(format!(
        "{} {proto} {:?} {}+{} first {} done {done} {:?} {:?} {cells:?}",
        m.conv.inner,
        m.dir,
        m.at,
        m.len,
        m.first,
        m.state,
        s.summary(id)
    ))
}

#[test]
fn a_second_reading_gives_the_rows_of_the_first() {
    let mut faults = Vec::new();
    let mut count = 0;
    for path in every() {
        let Some(session) = read(&path, 1) else { continue };
        let s = session.store.snapshot();
        for flow in 0..s.flows() {
            let ids = s.messages_of(flow);
            let mut again = Record::default();
            if let Err(e) = session.recall.reread(flow, Level::Tree, &Cancel::new(), &mut again) {
                faults.push(format!("{} flow {flow}: {e}", name(&path)));
                continue;
            }
            let first: Vec<String> = ids.iter().filter_map(|id| row(&s, *id)).collect();
            let second: Vec<String> = again.messages.iter().map(told).collect();
            if let Some(d) = difference(&first, &second) {
                faults.push(format!("{} flow {flow}: {d}", name(&path)));
                continue;
            }
            for (id, m) in ids.iter().zip(&again.messages) {
                // Reading for trees decodes bodies too and may find more, never less.
                let notes: Vec<&str> = s.notes_of_message(*id).iter().map(|n| n.note.name).collect();
                let mut more = m.notes.iter();
                if !notes.iter().all(|n| more.any(|m| m == n)) {
                    faults.push(format!("{} message {id}: notes {notes:?}, read again {:?}", name(&path), m.notes));
                }
                if m.conv.inner == 0
                    && let Err(e) = laws::spans(m)
                {
                    faults.push(format!("{} message {id}, span law: {e}", name(&path)));
                }
                count += 1;
            }
        }
    }
    println!("{count} messages");
    assert!(count > 100 || filtered(), "only {count} messages were read");
    no_faults(&faults, "all captures");
}

fn bits(n: &Node) -> (u64, u64) {
    match n.span.bits {
        Some(b) => (n.span.at * 8 + u64::from(b.first), n.span.at * 8 + u64::from(b.first) + u64::from(b.len)),
        None => (n.span.at * 8, n.span.end() * 8),
    }
}

/// Children lie inside their parents and behind their elder siblings, and every own field inside a buffer that the tree holds.
fn tree_law(tree: &Tree) -> Result<(), String> {
    fn level(tree: &Tree, parent: Option<usize>) -> Result<(), String> {
        let mut before: BTreeMap<_, u64> = BTreeMap::new();
        for i in tree.children(parent) {
            let n = &tree.nodes[i];
            if n.tie == Tie::Own {
                let (from, to) = bits(n);
                if let Some(p) = parent.map(|p| &tree.nodes[p]).filter(|p| p.tie == Tie::Own && p.span.buf == n.span.buf)
                    && !(bits(p).0 <= from && to <= bits(p).1)
                {
                    return Err(format!("{} {:?} is outside of {} {:?}", n.field.name, n.span, p.field.name, p.span));
                }
                let last = before.entry(n.span.buf).or_insert(0);
                // Roots are layers and messages: several messages of one packet share buffers.
                if parent.is_some() && from < *last {
                    return Err(format!("{} {:?} begins before its sibling ends", n.field.name, n.span));
                }
                *last = to.max(*last);
                let held = tree
                    .buffers
                    .iter()
                    .any(|b| b.id == n.span.buf && b.base <= n.span.at && n.span.end() <= b.base + b.bytes.len() as u64);
                let cut = tree.notes.iter().any(|n| n.what.about == wirelore_kit::About::Missing);
                if !held && !cut {
                    return Err(format!("{} {:?} lies in no buffer of the tree", n.field.name, n.span));
                }
            }
            level(tree, Some(i))?;
        }
        Ok(())
    }
    let mut ends: Vec<u32> = Vec::new();
    for (i, n) in tree.nodes.iter().enumerate() {
        while ends.last().is_some_and(|e| *e as usize <= i) {
            ends.pop();
        }
        if usize::from(n.depth) != ends.len() || n.end as usize <= i || ends.last().is_some_and(|e| n.end > *e) {
            return Err(format!("node {i} {} has depth {} and end {} below {ends:?}", n.field.name, n.depth, n.end));
        }
        ends.push(n.end);
    }
    level(tree, None)
}

#[test]
fn fields_lie_where_their_trees_say_and_bytes_lead_back_to_packets() {
    const PACKETS: u32 = 150;
    const MESSAGES: u32 = 60;
    let mut faults = Vec::new();
    let (mut trees, mut traced) = (0, 0);
    for path in every() {
        let Some(session) = read(&path, 1) else { continue };
        let (s, recall) = (session.store.snapshot(), &session.recall);
        let whats = (0..s.packets().min(PACKETS)).map(What::Packet).chain((0..s.messages().min(MESSAGES)).map(What::Message));
        for what in whats {
            let tree = match recall.tree(what, &Cancel::new()) {
                Ok(tree) => tree,
                Err(e) => {
                    faults.push(format!("{} {what:?}: {e}", name(&path)));
                    continue;
                }
            };
            trees += 1;
            if let Err(e) = tree_law(&tree) {
                faults.push(format!("{} {what:?}: {e}", name(&path)));
            }
            if !matches!(what, What::Message(_)) {
                continue;
            }
            for n in tree.nodes.iter().filter(|n| n.tie == Tie::Own && n.span.len > 0) {
                if !matches!(n.span.buf.kind(), BufKind::Stream(c, _) if c.inner == 0) {
                    continue;
                }
                let from = match recall.origin(n.span) {
                    Ok(from) => from,
                    Err(e) => {
                        faults.push(format!("{} {what:?} {}: {e}", name(&path), n.field.name));
                        continue;
                    }
                };
                // Where the stream has holes there are no bytes to compare.
                if from.iter().map(|f| u64::from(f.len)).sum::<u64>() != u64::from(n.span.len) {
                    continue;
                }
                let bytes: Vec<u8> = from.iter().flat_map(|f| recall.bytes(*f).unwrap_or_default()).collect();
                if bytes != tree.bytes(&n.span) {
                    faults.push(format!("{} {what:?}: {} {:?} is not what {from:?} holds", name(&path), n.field.name, n.span));
                    break;
                }
                traced += 1;
            }
        }
    }
    println!("{trees} trees, {traced} fields traced to their packets");
    assert!(traced > 1000 || filtered(), "only {traced} fields were traced");
    no_faults(&faults, "all captures");
}

/// A flow's streams as they were delivered, from the client's end, at most so many bytes.
fn script(session: &wirelore::session::Session, s: &Snapshot, flow: u32, most: usize) -> Option<Script> {
    let f = s.flow(flow)?;
    let transport = f.row().transport;
    let client = f.client_end();
    let ports = f.ports();
    let mut script = Script { transport, ports: (*ports.get(client)?, *ports.get(1 - client)?), proto: None, steps: Vec::new() };
    let steps = std::cell::RefCell::new((&mut script.steps, 0usize));
    let way = |dir: usize| usize::from((dir == 0) != (client == 0));
    session
        .recall
        .stream(
            flow,
            &mut |dir, _, bytes| {
                let (steps, total) = &mut *steps.borrow_mut();
                if *total + bytes.len() <= most {
                    *total += bytes.len();
                    let number = steps.len() as u32;
                    steps.push(Step::Bytes(way(dir), bytes.to_vec(), number));
                } else {
                    *total = usize::MAX / 2;
                }
            },
            &mut |dir, _, missing, _| {
                let (steps, total) = &mut *steps.borrow_mut();
                // A gap of unknown size takes no offsets; the stream just begins there.
                if missing < 1 << 24 && *total <= most {
                    steps.push(Step::Gap(way(dir), missing));
                }
            },
        )
        .ok()?;
    if script.steps.is_empty() {
        return None;
    }
    // What a message that stays open holds in the end is told when its stream ends.
    script.steps.extend((0..2).map(|way| Step::End(way, wirelore_kit::End::Capture)));
    Some(script)
}

#[test]
fn real_streams_keep_the_laws_however_they_are_cut() {
    const FLOWS: usize = 6;
    const BYTES: usize = 12_000;
    let mut faults = Vec::new();
    let mut count = 0;
    for path in every() {
        let Some(session) = read(&path, 1) else { continue };
        let s = session.store.snapshot();
        let tcp: Vec<u32> = (0..s.flows()).filter(|f| s.flow(*f).is_some_and(|f| f.row().transport == Transport::Tcp)).collect();
        // Those that are read first: they have more to get wrong.
        let (known, unknown): (Vec<u32>, Vec<u32>) =
            tcp.into_iter().partition(|f| s.flow(*f).is_some_and(|f| f.row().protocol().is_some()));
        for flow in known.into_iter().take(FLOWS).chain(unknown.into_iter().take(2)) {
            let Some(script) = script(&session, &s, flow, BYTES) else { continue };
            count += 1;
            let checks = laws::chunking(TABLE, &script, 24)
                .map_err(|e| format!("chunking law: {e}"))
                .and_then(|()| laws::gaps(TABLE, &script, 24).map_err(|e| format!("gap law: {e}")));
            if let Err(e) = checks {
                faults.push(format!("{} flow {flow}: {e}", name(&path)));
            }
        }
    }
    println!("{count} connections");
    assert!(count > 20 || filtered(), "only {count} connections were tried");
    no_faults(&faults, "all captures");
}

/// First bytes of both ways, client's first.
fn first_bytes(script: &Script) -> [Vec<u8>; 2] {
    let mut first: [Vec<u8>; 2] = Default::default();
    let mut open = [true; 2];
    for step in &script.steps {
        match step {
            Step::Bytes(way, b, _) if open[*way] => {
                first[*way].extend_from_slice(b);
                // Probes see one datagram of each way, but all that fits of a stream.
                open[*way] = script.transport == Transport::Tcp && first[*way].len() < 512;
            }
            Step::Gap(way, _) => open[*way] = false,
            _ => {}
        }
    }
    first.iter_mut().for_each(|f| f.truncate(512));
    first
}

#[test]
fn probes_claim_only_their_own_and_never_change_their_minds() {
    let mut faults = Vec::new();
    for (file, captures) in [("probes.txt", own()), ("probes-corpus.txt", corpus_captures())] {
        let mut matrix: BTreeMap<String, BTreeMap<String, u32>> = BTreeMap::new();
        let missing = captures.is_empty();
        for path in captures {
            let Some(session) = read(&path, 1) else { continue };
            let s = session.store.snapshot();
            for flow in 0..s.flows() {
                let Some(script) = script(&session, &s, flow, 4000) else { continue };
                let [to_server, to_client] = first_bytes(&script);
                if let Err(e) = laws::prefix_stable(TABLE, &to_server, &to_client, script.ports, script.transport) {
                    faults.push(format!("{} flow {flow}: {e}", name(&path)));
                }
                let kind = if script.transport == Transport::Tcp { "tcp" } else { "udp" };
                let served = script.ports.0.min(script.ports.1);
                let label = if served < 10_000 { format!("{kind} {served}") } else { format!("{kind} other") };
                let peek = Peek {
                    to_server: &to_server,
                    to_client: &to_client,
                    transport: script.transport,
                    client_port: script.ports.0,
                    server_port: script.ports.1,
                    ended: true,
                };
                let said: Vec<(&str, Verdict)> = TABLE.iter().map(|p| (p.name, (p.probe)(&peek))).collect();
                if said.iter().filter(|(_, v)| *v == Verdict::Sure).count() > 1 {
                    faults.push(format!("{} flow {flow}: several probes are sure: {said:?}", name(&path)));
                }
                let words: Vec<String> =
                    said.iter().filter(|(_, v)| *v != Verdict::No).map(|(p, v)| format!("{p} {v:?}")).collect();
                let read = s.flow(flow).and_then(|f| f.row().protocol()).map_or("bytes", |p| s.schema().protocol_name(p));
                let words = format!("{} -> {read}", if words.is_empty() { "nobody".to_owned() } else { words.join(", ") });
                *matrix.entry(label).or_default().entry(words).or_default() += 1;
            }
        }
        if missing {
            continue;
        }
        let mut text =
            String::from("# server port: what probes say of the first bytes -> what the flow is read as, and how many flows\n");
        for (label, said) in &matrix {
            for (words, n) in said {
                let _ = writeln!(text, "{label}: {words}: {n}");
            }
        }
        faults.extend(golden(file, &text).err());
    }
    no_faults(&faults, "probes");
}

#[test]
fn messages_of_a_direction_follow_one_another() {
    let mut faults = Vec::new();
    for path in every() {
        let Some(session) = read(&path, 1) else { continue };
        let s = session.store.snapshot();
        let mut ends: BTreeMap<(u32, u32, bool), u64> = BTreeMap::new();
        for (id, m) in s.each_message().filter(|(_, m)| !m.withdrawn) {
            let end = ends.entry((m.conv.flow, m.conv.inner, m.dir == Dir::ToServer)).or_insert(0);
            if m.at < *end {
                faults.push(format!(
                    "{} message {id} begins at {} before the one behind which it stands ends at {end}",
                    name(&path),
                    m.at
                ));
            }
            *end = m.at + m.len;
            if m.done != NONE && m.done < m.first {
                faults.push(format!("{} message {id} is done in packet {} before it begins in {}", name(&path), m.done, m.first));
            }
        }
    }
    no_faults(&faults, "all captures");
}
