//! Filters over a capture: what columns answer is answered at once, the rest by reading the rows again that may match.
//!
//! A filter is joined of terms ([`wirelore_filter::Term`]). Those that columns answer are queries; of the others a harvest says of which
//! packets, or of which messages, they hold, and the store carries these over to the rows that are wanted. What was found out is kept, so
//! that a filter used again costs nothing and one over a capture that grows looks at what is new only.

mod partly;

use crate::harvest::{self, Row, View};
use crate::later;
use crate::recall::{Recall, cancelled};
pub use partly::Partly;
use partly::{Pace, Sofar};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use wirelore_dissectors::TABLE;
use wirelore_filter::{Fact, FactSource, Filter, Term, Wants};
use wirelore_kit::row::{MessageState, NONE};
use wirelore_kit::{F, Problem};
use wirelore_store::query::{Bits, Query, Rows, find};
use wirelore_store::{Snapshot, Work};

/// Filters whose findings are kept.
const MOST_KEPT: usize = 16;

/// The rows that a filter holds for, rising.
///
/// # Errors
/// [`Problem`]: it was cancelled.
pub fn rows(filter: &Filter, snapshot: &Arc<Snapshot>, recall: &Recall, rows: Rows, work: &Work) -> Result<Vec<u32>, Problem> {
    Filters::default().rows(filter, snapshot, recall, rows, work)
}

/// Filters of a capture, and what was found out for them.
#[derive(Debug, Default)]
pub struct Filters {
    kept: Mutex<VecDeque<Arc<Found>>>,
}

/// What reading again found out about the terms of a filter that columns do not answer.
#[derive(Debug)]
struct Found {
    text: String,
    /// For packets a term is asked of all that they have together, for other rows of each message by itself.
    packets_only: bool,
    /// Packets and messages there were.
    packets: u32,
    messages: u32,
    /// Rows that were withdrawn: more of them, and all is read anew.
    withdrawn: u32,
    /// Messages that were open.
    open: Vec<u32>,
    /// By term.
    terms: Vec<OfTerm>,
}

/// Where a term holds.
#[derive(Debug, Clone, Default)]
struct OfTerm {
    packets: Vec<u32>,
    messages: Vec<u32>,
}

impl Filters {
    /// As [`rows`], using and keeping what was found out.
    ///
    /// # Errors
    /// [`Problem`]: it was cancelled.
    pub fn rows(
        &self,
        filter: &Filter,
        snapshot: &Arc<Snapshot>,
        recall: &Recall,
        rows: Rows,
        work: &Work,
    ) -> Result<Vec<u32>, Problem> {
        self.rows_as_found(filter, snapshot, recall, rows, work, &mut |_| {})
    }

    /// As [`Filters::rows`]; while the capture is read again, `partly` is shown now and then what is known to pass so far: it is asked for
    /// rows of any kind, and those of the packets that were read are told, rising.
    ///
    /// # Errors
    /// [`Problem`]: it was cancelled.
    pub fn rows_as_found(
        &self,
        filter: &Filter,
        snapshot: &Arc<Snapshot>,
        recall: &Recall,
        rows: Rows,
        work: &Work,
        partly: &mut Partly<'_>,
    ) -> Result<Vec<u32>, Problem> {
        if let Some(query) = filter.query() {
            return find(snapshot, &query, rows, work).ok_or_else(cancelled);
        }
        let found = self.found(filter, snapshot, recall, rows == Rows::Packets, work, partly)?;
        find(snapshot, &found.query(filter), rows, work).ok_or_else(cancelled)
    }

    fn found(
        &self,
        filter: &Filter,
        snapshot: &Arc<Snapshot>,
        recall: &Recall,
        packets_only: bool,
        work: &Work,
        partly: &mut Partly<'_>,
    ) -> Result<Arc<Found>, Problem> {
        let fits = |f: &Arc<Found>| {
            f.text == filter.text() && f.packets_only == packets_only && f.withdrawn == snapshot.withdrawn_messages()
        };
        // What later packets may have changed is looked at anew.
        let looks_ahead = filter.wants().facts.iter().any(|f| f.looks_ahead());
        let before = self.kept.lock().unwrap_or_else(PoisonError::into_inner).iter().find(|f| fits(f)).cloned();
        if let Some(found) = before.iter().find(|f| f.packets == snapshot.packets() && f.is_settled(snapshot)) {
            return Ok(Arc::clone(found));
        }
        let before = before.as_deref().filter(|_| !looks_ahead);
        let found = Arc::new(look(filter, snapshot, recall, packets_only, before, work, partly)?);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|f| f.text != filter.text() || f.packets_only != packets_only);
        kept.push_back(Arc::clone(&found));
        if kept.len() > MOST_KEPT {
            kept.pop_front();
        }
        Ok(found)
    }
}

struct These;

impl These {
    fn packets(rows: &[u32]) -> Query {
        Query::These(Rows::Packets, rows.into())
    }

    fn messages(rows: &[u32]) -> Query {
        Query::These(Rows::Messages, rows.into())
    }
}

impl Found {
    /// The filter, with what was found out in the place of the terms that columns do not answer.
    fn query(&self, filter: &Filter) -> Query {
        filter.with(&mut |n, term| match (term.query(), self.terms.get(n)) {
            (Some(query), _) => query,
            (None, Some(of)) if self.packets_only || !of_messages(term) => These::packets(&of.packets),
            (None, Some(of)) => These::messages(&of.messages),
            (None, None) => Query::Or(Vec::new()),
        })
    }

    /// Whether every message that there is was there and ended when it was looked at.
    fn is_settled(&self, snapshot: &Snapshot) -> bool {
        self.messages == snapshot.messages() && self.open.iter().all(|m| is_open(snapshot, *m))
    }
}

fn is_open(snapshot: &Snapshot, message: u32) -> bool {
    snapshot.message(message).is_some_and(|m| m.state == MessageState::Open)
}

/// Whether a term asks something of messages, so that each of a packet's is asked by itself.
fn of_messages(term: &Term) -> bool {
    let wants = term.wants();
    let spoken = |f: &F| TABLE.iter().any(|s| s.fields.iter().any(|g| g.is(f)));
    wants.fields.iter().any(spoken)
        || wants.protocols.iter().any(|p| TABLE.iter().any(|s| s.name == *p))
        || wants.facts.iter().any(|f| f.is_of_notes() || matches!(f, Fact::Message(_)))
}

/// What must be read for some terms.
fn wants_of<'t>(terms: impl Iterator<Item = &'t Term>) -> Wants {
    let mut all = Wants::default();
    for wants in terms.map(Term::wants) {
        all.fields.extend(wants.fields.iter().copied());
        all.facts.extend(wants.facts.iter().copied());
        all.protocols.extend(wants.protocols.iter().copied());
    }
    all
}

/// Looks at what `before` did not know.
fn look(
    filter: &Filter,
    snapshot: &Arc<Snapshot>,
    recall: &Recall,
    packets_only: bool,
    before: Option<&Found>,
    work: &Work,
    partly: &mut Partly<'_>,
) -> Result<Found, Problem> {
    let open = snapshot.each_message().filter(|(_, m)| m.state == MessageState::Open).map(|(id, _)| id).collect();
    let mut found = Found {
        text: filter.text().to_owned(),
        packets_only,
        packets: snapshot.packets(),
        messages: snapshot.messages(),
        withdrawn: snapshot.withdrawn_messages(),
        open,
        terms: before.map_or_else(|| vec![OfTerm::default(); filter.terms().len()], |b| b.terms.clone()),
    };
    let terms: Vec<(usize, &Term)> = filter.terms().iter().enumerate().filter(|(_, t)| t.query().is_none()).collect();
    let wants = wants_of(terms.iter().map(|(_, t)| *t));
    let mut packets = match before {
        Some(before) => fresh(before, snapshot),
        None => Bits::all(snapshot.packets()),
    };
    packets.and(&may_match(filter, &terms, snapshot, packets_only, work)?);
    let later = later::find_out(recall, snapshot, &wants, work)?;
    let facts = FactSource::new(Arc::clone(snapshot), &wants).with_later(later);
    let judge = |row: &Row| {
        let mut verdict = Verdict { packet: row.packet, terms: Vec::new(), messages: Vec::new() };
        for (bit, (_, term)) in terms.iter().enumerate() {
            let holds = if packets_only || !of_messages(term) {
                term.holds(&View::packet(row, &facts))
            } else {
                for (i, part) in row.messages.iter().enumerate() {
                    if term.holds(&View::message(row, i, &facts)) {
                        verdict.messages.push((bit, part.message.unwrap_or(NONE)));
                    }
                }
                false
            };
            if holds {
                verdict.terms.push(bit);
            }
        }
        (!verdict.terms.is_empty() || !verdict.messages.is_empty()).then_some(verdict)
    };
    // What columns are sure of is not read.
    for (n, term) in &terms {
        let (Some(sure), Some(of)) = (sure_of(term, packets_only), found.terms.get_mut(*n)) else { continue };
        of.packets.extend(find(snapshot, &sure, Rows::Packets, work).ok_or_else(cancelled)?);
    }
    let mut pace = Pace::default();
    harvest::judge(recall, snapshot, &wants, packets, work, &judge, &mut |frontier, verdicts: Vec<Verdict>| {
        for v in verdicts {
            for bit in v.terms {
                if let Some(of) = terms.get(bit).and_then(|(n, _)| found.terms.get_mut(*n)) {
                    of.packets.push(v.packet);
                }
            }
            for (bit, message) in v.messages {
                if let Some(of) = terms.get(bit).and_then(|(n, _)| found.terms.get_mut(*n)) {
                    of.messages.push(message);
                }
            }
        }
        pace.at_times(|| {
            let sofar = Sofar { query: found.query(filter), snapshot, frontier, work };
            partly(&|rows| sofar.rows(rows));
        });
    })?;
    for of in &mut found.terms {
        of.packets.sort_unstable();
        of.packets.dedup();
    }
    Ok(found)
}

/// Packets of which columns are sure that a term holds: they need not be read again.
fn sure_of(term: &Term, packets_only: bool) -> Option<Query> {
    term.sure().filter(|_| packets_only || !of_messages(term))
}

/// What a worker found of a packet: terms that hold, and messages of which terms hold.
struct Verdict {
    packet: u32,
    terms: Vec<usize>,
    messages: Vec<(usize, u32)>,
}

/// Packets that are new, or in which messages have ended since.
fn fresh(before: &Found, snapshot: &Snapshot) -> Bits {
    let mut packets = Bits::none(snapshot.packets());
    (before.packets..snapshot.packets()).for_each(|p| packets.set(p));
    for message in before.open.iter().copied().chain(before.messages..snapshot.messages()) {
        if let Some(m) = snapshot.message(message).filter(|m| m.done != NONE) {
            packets.set(m.done);
        }
    }
    packets
}

/// Packets in which some term may hold that columns do not answer.
fn may_match(
    filter: &Filter,
    terms: &[(usize, &Term)],
    snapshot: &Snapshot,
    packets_only: bool,
    work: &Work,
) -> Result<Bits, Problem> {
    let all = |query: Option<Query>| -> Result<Bits, Problem> {
        let Some(query) = query else { return Ok(Bits::all(snapshot.packets())) };
        let mut bits = Bits::none(snapshot.packets());
        find(snapshot, &query, Rows::Packets, work).ok_or_else(cancelled)?.iter().for_each(|p| bits.set(*p));
        Ok(bits)
    };
    let mut packets = Bits::none(snapshot.packets());
    for (_, term) in terms {
        let mut of_term = all(term.narrow())?;
        if let Some(sure) = sure_of(term, packets_only) {
            of_term.and(&all(Some(Query::Not(Box::new(sure))))?);
        }
        packets.or(&of_term);
    }
    if packets_only {
        packets.and(&all(filter.narrow())?);
    }
    Ok(packets)
}
