//! Evaluating queries: each leaf over its own rows, block by block, then carried over to the rows that are wanted.

use super::bits::{BLOCK, Bits, Block};
use super::needle::{Case, Needle};
use super::test::Ready;
use super::{MessageFact, Query, Rows, Subject, Test, endpoints, facts};
use crate::cell::{CellKind, column_of};
use crate::jobs::Work;
use crate::packed::SegmentRows;
use crate::packets::Parts;
use crate::segment::{ROWS, Segment};
use crate::snapshot::Snapshot;
use wirelore_kit::row::NONE;
use wirelore_kit::{Endpoint, F};

const _: () = assert!(ROWS == BLOCK as usize, "a block is a segment of messages");

pub(crate) struct Eval<'e> {
    pub snapshot: &'e Snapshot,
    pub work: &'e Work,
}

impl Eval<'_> {
    /// The rows that `query` holds for; `None` when cancelled.
    pub fn rows(&self, query: &Query, rows: Rows) -> Option<Bits> {
        let mut bits = self.eval(query, rows)?;
        match rows {
            Rows::Messages if self.snapshot.withdrawn > 0 => bits.and(&self.live_messages()?),
            Rows::Exchanges => {
                let live = |i: u32, b: &mut Block<'_>| {
                    for row in 0..BLOCK {
                        let Some(e) = self.snapshot.exchange(i * BLOCK + row) else { break };
                        b.put(row as usize, !e.withdrawn);
                    }
                };
                bits.and(&Bits::filled(self.snapshot.exchanges(), self.work, live)?);
            }
            _ => {}
        }
        (!self.work.is_cancelled()).then_some(bits)
    }

    fn live_messages(&self) -> Option<Bits> {
        self.messages(|segment, bits| {
            let rows = &segment.base.rows;
            (0..rows.len()).for_each(|i| bits.put(i, !rows.is_withdrawn(i)));
            for patch in segment.patches() {
                bits.put(patch.row.into(), !patch.now.is_withdrawn());
            }
        })
    }

    fn len(&self, rows: Rows) -> u32 {
        match rows {
            Rows::Packets => self.snapshot.packets(),
            Rows::Messages => self.snapshot.messages(),
            Rows::Flows => self.snapshot.flows(),
            Rows::Exchanges => self.snapshot.exchanges(),
        }
    }

    fn eval(&self, query: &Query, rows: Rows) -> Option<Bits> {
        Some(match query {
            Query::All => Bits::all(self.len(rows)),
            Query::Not(inner) => {
                let mut bits = self.eval(inner, rows)?;
                bits.flip();
                bits
            }
            Query::And(all) => {
                let mut bits = Bits::all(self.len(rows));
                for q in all {
                    bits.and(&self.eval(q, rows)?);
                }
                bits
            }
            Query::Or(any) => {
                let mut bits = Bits::none(self.len(rows));
                for q in any {
                    bits.or(&self.eval(q, rows)?);
                }
                bits
            }
            Query::Text(text) => {
                let needle = Needle::new(text.as_bytes(), Case::Ignore);
                let found = self.messages(|segment, bits| find_text(segment, &needle, bits))?;
                let mut bits = self.carry(found, Rows::Messages, rows)?;
                bits.or(&self.carry(endpoints::flows_with(self.snapshot, text, self.work)?, Rows::Flows, rows)?);
                bits
            }
            Query::These(Rows::Exchanges, _) => Bits::none(self.len(rows)),
            Query::These(of, numbers) => {
                let mut bits = Bits::none(self.len(*of));
                numbers.iter().for_each(|n| bits.set(*n));
                self.carry(bits, *of, rows)?
            }
            Query::Is(subject, test) => self.leaf(*subject, test, rows)?,
        })
    }

    fn leaf(&self, subject: Subject, test: &Test, rows: Rows) -> Option<Bits> {
        let ready = Ready::new(test);
        let snapshot = self.snapshot;
        match subject {
            Subject::Column(field) => self.carry(self.column(field, &ready)?, Rows::Messages, rows),
            Subject::Message(MessageFact::Summary) => {
                let found = self.messages(|segment, bits| find_summary(segment, &ready, bits))?;
                self.carry(found, Rows::Messages, rows)
            }
            Subject::Message(fact) => {
                let found = Bits::filled(snapshot.messages(), self.work, |block, bits| {
                    let Some(segment) = snapshot.segments.get(block as usize) else { return };
                    let from = block * BLOCK;
                    for (i, row) in segment.unpack().iter().enumerate() {
                        bits.put(i, facts::message(snapshot, from + i as u32, row, fact, &ready));
                    }
                })?;
                self.carry(found, Rows::Messages, rows)
            }
            Subject::Packet(fact) => {
                let found = match facts::end_of(fact) {
                    Some((receiver, of_end)) => self.by_ends(receiver, |end| of_end(end, &ready))?,
                    None => Bits::filled(snapshot.packets(), self.work, |block, bits| {
                        for (i, row) in snapshot.packet_table().parts(block as usize, facts::parts(fact)).iter().enumerate() {
                            bits.put(i, facts::packet(block * BLOCK + i as u32, row, fact, &ready));
                        }
                    })?,
                };
                self.carry(found, Rows::Packets, rows)
            }
            Subject::Flow(fact) => {
                let found = Bits::filled(snapshot.flows(), self.work, |block, bits| {
                    for i in 0..BLOCK {
                        let Some(flow) = snapshot.flow(block * BLOCK + i) else { break };
                        bits.put(i as usize, facts::flow(snapshot, &flow, fact, &ready));
                    }
                })?;
                self.carry(found, Rows::Flows, rows)
            }
        }
    }

    /// Packets whose sender, or receiver, passes: each end of a flow is tested once, not for each packet.
    fn by_ends(&self, receiver: bool, passes: impl Fn(&Endpoint) -> bool + Sync) -> Option<Bits> {
        let s = self.snapshot;
        let flows_by = |end: usize| {
            Bits::filled(s.flows(), self.work, |block, bits| {
                for i in 0..BLOCK {
                    let Some(flow) = s.flow(block * BLOCK + i) else { break };
                    bits.put(i as usize, flow.ends().get(end).is_some_and(&passes));
                }
            })
        };
        let (first, second) = (flows_by(0)?, flows_by(1)?);
        let wanted = Parts::FLOW.and(Parts::BITS);
        Bits::filled(s.packets(), self.work, |block, bits| {
            for (i, row) in s.packet_table().parts(block as usize, wanted).iter().enumerate() {
                bits.put(i, if row.is_backward() == receiver { &first } else { &second }.has(row.flow));
            }
        })
    }

    /// Fills the bits of each segment of messages.
    fn messages(&self, fill: impl Fn(&Segment, &mut Block<'_>) + Sync) -> Option<Bits> {
        Bits::filled(self.snapshot.messages(), self.work, |block, bits| {
            if let Some(segment) = self.snapshot.segments.get(block as usize) {
                fill(segment, bits);
            }
        })
    }

    fn column(&self, field: F, test: &Ready) -> Option<Bits> {
        let Some(column) = self.snapshot.columns.number(field) else { return Some(Bits::none(self.snapshot.messages())) };
        self.messages(|segment, bits| find_column(segment, column, test, bits))
    }

    /// Carries a set over to other rows: see [`Rows`].
    fn carry(&self, bits: Bits, from: Rows, to: Rows) -> Option<Bits> {
        if from == to {
            return Some(bits);
        }
        let s = self.snapshot;
        let mut out = Bits::none(self.len(to));
        match (from, to) {
            (Rows::Messages, _) => {
                for i in bits.iter() {
                    // Cancelling is looked for now and then only.
                    if i.is_multiple_of(BLOCK) && self.work.is_cancelled() {
                        return None;
                    }
                    if s.is_withdrawn(i) {
                        continue;
                    }
                    let leads_to = match to {
                        Rows::Packets => s.fact(i, SegmentRows::done, |p| p.done),
                        Rows::Exchanges => s.fact(i, SegmentRows::exchange, |p| p.exchange),
                        _ => s.fact(i, SegmentRows::flow, |p| p.flow),
                    };
                    leads_to.into_iter().for_each(|row| out.set(row));
                }
            }
            (Rows::Packets, Rows::Flows) => bits.iter().filter_map(|i| s.packet(i)).for_each(|p| out.set(p.flow)),
            (Rows::Packets, Rows::Messages) => {
                return self.messages(|segment, found| {
                    let at = |done: u32, first: u32| bits.has(if done == NONE { first } else { done });
                    let rows = &segment.base.rows;
                    (0..rows.len()).for_each(|i| found.put(i, at(rows.done(i), rows.first(i))));
                    segment.patches().iter().for_each(|p| found.put(p.row.into(), at(p.now.done, p.now.first)));
                });
            }
            (Rows::Packets, _) => {
                let messages = self.carry(bits, Rows::Packets, Rows::Messages)?;
                return self.carry(messages, Rows::Messages, to);
            }
            (Rows::Flows, Rows::Packets) => {
                return Bits::filled(s.packets(), self.work, |block, found| {
                    s.packet_table().flows(block as usize).iter().enumerate().for_each(|(i, flow)| found.put(i, bits.has(*flow)));
                });
            }
            (Rows::Flows, Rows::Messages) => {
                return self.messages(|segment, found| {
                    let rows = &segment.base.rows;
                    (0..rows.len()).for_each(|i| found.put(i, bits.has(rows.flow(i))));
                });
            }
            (Rows::Flows | Rows::Exchanges, _) => {
                for (i, _) in s.exchanges.iter().filter(|(_, e)| bits.has(e.conv.flow)) {
                    out.set(i);
                }
            }
        }
        Some(out)
    }
}

/// Rows of a segment with a value of the column that passes.
fn find_column(segment: &Segment, column: u16, test: &Ready, bits: &mut Block<'_>) {
    let (base, said) = (&segment.base, &segment.base.said);
    if said.stat(column).is_some_and(|s| test.may_pass(s)) {
        // Each distinct text is tested once.
        let mut known: Vec<u8> = vec![0; said.strings.len()];
        let text_tag = CellKind::Text.tag(column);
        for i in 0..base.rows.len() {
            let (tags, values) = base.raw_cells(i);
            let passes = tags.iter().zip(values).any(|(tag, value)| {
                if *tag == text_tag {
                    match known.get_mut(*value as usize) {
                        Some(k @ 0) => {
                            let yes = test.text(said.strings.get(*value));
                            *k = 1 + u8::from(yes);
                            yes
                        }
                        Some(k) => *k == 2,
                        None => false,
                    }
                } else {
                    column_of(*tag) == column && test.cell(&said.view(*tag, *value))
                }
            });
            if passes {
                bits.put(i, true);
            }
        }
    }
    // What was said before the segment was full still stands, so a patch can only add.
    for patch in segment.patches() {
        if patch.cells().iter().any(|(c, cell)| *c == column && test.cell(&cell.view())) {
            bits.put(patch.row.into(), true);
        }
    }
}

/// Rows of a segment whose line passes.
fn find_summary(segment: &Segment, test: &Ready, bits: &mut Block<'_>) {
    let (rows, strings) = (&segment.base.rows, &segment.base.said.strings);
    let mut known: Vec<u8> = vec![0; strings.len()];
    for i in 0..rows.len() {
        let summary = rows.summary(i);
        if let Some(k) = known.get_mut(summary as usize) {
            if *k == 0 {
                *k = 1 + u8::from(test.text(strings.get(summary)));
            }
            bits.put(i, *k == 2);
        }
    }
    for patch in segment.patches() {
        bits.put(patch.row.into(), test.text(segment.summary(patch.row.into())));
    }
}

/// Rows of a segment whose line or text columns hold the needle.
fn find_text(segment: &Segment, needle: &Needle, bits: &mut Block<'_>) {
    let base = &segment.base;
    let strings = &base.said.strings;
    if needle.is_empty() {
        (0..base.rows.len()).for_each(|i| bits.put(i, true));
        return;
    }
    let mut hits = Bits::none(strings.len() as u32);
    let mut any = false;
    if needle.scans() {
        // All texts at once; a find across the border of two is none.
        let (mut at, mut last) = (0, 0);
        while let Some(found) = needle.find(strings.bytes(), at) {
            let Some((number, range)) = strings.holding(found, last) else { break };
            last = number;
            if found + needle.len() <= range.end {
                hits.set(number);
                any = true;
                at = range.end;
            } else {
                at = found + 1;
            }
        }
    } else {
        for number in (0..strings.len() as u32).filter(|n| needle.is_in(strings.get(*n))) {
            hits.set(number);
            any = true;
        }
    }
    if any {
        for i in 0..base.rows.len() {
            let (tags, values) = base.raw_cells(i);
            let in_cells = || tags.iter().zip(values).any(|(t, v)| CellKind::of(*t) == CellKind::Text && hits.has(*v));
            bits.put(i, hits.has(base.rows.summary(i)) || in_cells());
        }
    }
    for patch in segment.patches() {
        let row = usize::from(patch.row);
        let in_cells = || segment.cells(row).any(|(_, v)| matches!(v, crate::CellView::Text(t) if needle.is_in(t)));
        bits.put(row, needle.is_in(segment.summary(row)) || in_cells());
    }
}
