//! Which rows an export is of: all, those that the filter shows, or those around the selection and the marks.

use crate::door::Sieve;
use crate::exports::wish::{Kind, Scope};
use crate::listing::{self, Wanted};
use crate::select::{Focus, Selection};
use crate::twins::Twins;
use crate::view;
use std::collections::BTreeSet;
use std::sync::Arc;
use wirelore_kit::Problem;
use wirelore_store::query::Rows;
use wirelore_store::{Snapshot, Work};

/// What rows are found from.
#[derive(Clone)]
pub struct Around {
    /// What the list shows.
    pub wanted: Wanted,
    /// What is selected.
    pub selection: Selection,
    /// Packets that were marked.
    pub marked: BTreeSet<u32>,
}

/// Rows of a kind, rising; `None` for all.
pub type Chosen = Option<Vec<u32>>;

impl Around {
    /// Whether there is anything in a scope.
    #[must_use]
    pub fn has(&self, scope: Scope) -> bool {
        match scope {
            Scope::All => true,
            Scope::Shown => !self.wanted.sift.is_every() || self.wanted.flow.is_some(),
            Scope::Connection => self.selection.flow.is_some(),
            Scope::Selected => self.selection.focus != Focus::Nothing,
            Scope::Marked => !self.marked.is_empty(),
        }
    }

    /// The rows of a scope; outer `None` when the work was cancelled.
    ///
    /// # Errors
    /// [`Problem`]: the filter cannot be run.
    pub fn rows(
        &self,
        scope: Scope,
        kind: Kind,
        s: &Arc<Snapshot>,
        sieve: &dyn Sieve,
        work: &Work,
    ) -> Result<Option<Chosen>, Problem> {
        let rows = match kind {
            Kind::Packets => Rows::Packets,
            Kind::Exchanges => Rows::Exchanges,
            Kind::Messages => Rows::Messages,
            Kind::Connections => Rows::Flows,
        };
        match scope {
            Scope::All => Ok(Some(None)),
            Scope::Shown => {
                let Some(rows) = listing::rows(s, sieve, &self.wanted, rows, work)? else { return Ok(None) };
                Ok(self.without_twins(kind, rows, s, work))
            }
            Scope::Connection => Ok(Some(Some(self.connection(kind, s)))),
            Scope::Selected => Ok(Some(Some(self.selected(kind, s)))),
            Scope::Marked => Ok(Some(Some(touched(kind, s, &|p| self.marked.contains(&p))))),
        }
    }

    /// Without what the list does not show because it was relayed and seen by an interface as well; `None`: cancelled.
    fn without_twins(&self, kind: Kind, rows: Chosen, s: &Snapshot, work: &Work) -> Option<Chosen> {
        if kind == Kind::Packets || self.wanted.captured || self.wanted.flow.is_some() {
            return Some(rows);
        }
        let twins = Twins::of(s, work)?;
        if twins.is_empty() {
            return Some(rows);
        }
        let twice = |flow: u32| twins.relayed(flow).is_some();
        let hidden: BTreeSet<u32> = match kind {
            Kind::Messages => s.each_message().filter(|(_, m)| twice(m.conv.flow)).map(|(n, _)| n).collect(),
            Kind::Exchanges => s.each_exchange().filter(|(_, x)| twice(x.conv.flow)).map(|(n, _)| n).collect(),
            Kind::Packets | Kind::Connections => s.each_flow().map(|f| f.id).filter(|f| twice(*f)).collect(),
        };
        let mut rows = rows.unwrap_or_else(|| match kind {
            Kind::Messages => s.each_message().map(|(n, _)| n).collect(),
            Kind::Exchanges => s.each_exchange().map(|(n, _)| n).collect(),
            Kind::Packets | Kind::Connections => s.each_flow().map(|f| f.id).collect(),
        });
        rows.retain(|n| !hidden.contains(n));
        Some(Some(rows))
    }

    fn connection(&self, kind: Kind, s: &Snapshot) -> Vec<u32> {
        let Some(flow) = self.selection.flow else { return Vec::new() };
        match kind {
            Kind::Packets => packets_of(s, flow, 0, u32::MAX),
            Kind::Messages => s.messages_of(flow).to_vec(),
            Kind::Exchanges => s.each_exchange().filter(|(_, x)| x.conv.flow == flow).map(|(n, _)| n).collect(),
            Kind::Connections => vec![flow],
        }
    }

    fn selected(&self, kind: Kind, s: &Snapshot) -> Vec<u32> {
        let sel = &self.selection;
        let parts: Vec<u32> = match sel.focus {
            Focus::Flow => return self.connection(kind, s),
            Focus::Packet | Focus::Nothing => Vec::new(),
            Focus::Message => sel.message.into_iter().collect(),
            Focus::Exchange => sel
                .exchange
                .and_then(|e| s.exchange(e))
                .map(|x| [x.ask, x.answer].into_iter().filter_map(view::some).collect())
                .unwrap_or_default(),
        };
        if parts.is_empty() {
            let Some(packet) = sel.packet else { return Vec::new() };
            return touched(kind, s, &|p| p == packet);
        }
        let rows = || parts.iter().filter_map(|m| s.message(*m));
        let mut out: Vec<u32> = match kind {
            Kind::Messages => parts.clone(),
            Kind::Exchanges => rows().filter_map(|m| view::some(m.exchange)).collect(),
            Kind::Connections => rows().map(|m| m.conv.flow).collect(),
            Kind::Packets => {
                rows().flat_map(|m| packets_of(s, m.conv.flow, m.first, view::some(m.done).unwrap_or(m.first))).collect()
            }
        };
        out.sort_unstable();
        out.dedup();
        out
    }
}

/// The packets of a flow between two, both counted in.
fn packets_of(s: &Snapshot, flow: u32, from: u32, to: u32) -> Vec<u32> {
    let Some(f) = s.flow(flow) else { return Vec::new() };
    let range = f.first_packet.max(from)..=f.last_packet.min(to);
    range.filter(|p| s.packet(*p).is_some_and(|r| r.flow == flow)).collect()
}

/// Rows that such packets belong to: messages that they carried or completed, with all that these belong to.
fn touched(kind: Kind, s: &Snapshot, has: &dyn Fn(u32) -> bool) -> Vec<u32> {
    let packets = || (0..s.packets()).filter(|p| has(*p));
    let messages = || s.each_message().filter(|(_, m)| has(m.first) || has(m.done));
    let mut out: Vec<u32> = match kind {
        Kind::Packets => packets().collect(),
        Kind::Messages => messages().map(|(n, _)| n).collect(),
        Kind::Exchanges => messages().filter_map(|(_, m)| view::some(m.exchange)).collect(),
        Kind::Connections => packets().filter_map(|p| view::some(s.packet(p)?.flow)).collect(),
    };
    out.sort_unstable();
    out.dedup();
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twins::tests::snapshot;

    #[test]
    fn what_the_list_hides_since_it_was_relayed_as_well_did_go_out_with_what_is_shown() {
        let s = snapshot(&[([40_000, 8080], true, 0, 3), ([8080, 40_000], false, 0, 4), ([40_001, 8080], false, 0, 4)]);
        let shown = |wanted: Wanted, kind| {
            let around = Around { wanted, selection: Selection::default(), marked: BTreeSet::new() };
            around.without_twins(kind, None, &s, &Work::new()).expect("not cancelled")
        };
        let wanted = Wanted::default;
        assert_eq!(shown(wanted(), Kind::Connections), Some(vec![0, 2]));
        // Packets are those of the wire too; and who asks for all of it gets it.
        assert_eq!(shown(wanted(), Kind::Packets), None);
        assert_eq!(shown(Wanted { captured: true, ..wanted() }, Kind::Connections), None);
        assert_eq!(shown(Wanted { flow: Some(1), ..wanted() }, Kind::Connections), None);
    }
}
