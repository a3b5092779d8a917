//! Filters and searches for the window: run over the capture that is open, with what filters found out kept.

use crate::filtering::{Filters, Partly};
use crate::find::{self, Place, Written};
use crate::recall::Recall;
use std::ops::ControlFlow;
use std::sync::Arc;
use wirelore_filter::Filter;
use wirelore_kit::Problem;
use wirelore_store::query::Rows;
use wirelore_store::{Snapshot, Work};
use wirelore_window::door::{Form, Hit, Pattern};

/// Runs filters over one capture.
pub struct Sieve {
    recall: Arc<Recall>,
    filters: Filters,
}

impl Sieve {
    /// Over what is read again from there.
    #[must_use]
    pub fn new(recall: Arc<Recall>) -> Sieve {
        Sieve { recall, filters: Filters::default() }
    }
}

impl wirelore_window::Sieve for Sieve {
    fn rows(
        &self,
        filter: &Filter,
        s: &Arc<Snapshot>,
        rows: Rows,
        work: &Work,
        partly: &mut Partly<'_>,
    ) -> Result<Option<Vec<u32>>, Problem> {
        match self.filters.rows_as_found(filter, s, &self.recall, rows, work, partly) {
            Ok(rows) => Ok(Some(rows)),
            Err(_) if work.is_cancelled() => Ok(None),
            Err(p) => Err(p),
        }
    }
}

impl wirelore_window::Finder for Sieve {
    fn find(&self, p: &Pattern, s: &Arc<Snapshot>, work: &Work, each: &mut dyn FnMut(Hit) -> bool) -> Result<(), Problem> {
        let written = match p.form {
            Form::Text => Written::Text,
            Form::Regex => Written::Regex,
            Form::Hex => Written::Hex,
        };
        let pattern = find::Pattern::new(written, &p.text, p.case)?;
        let went = find::find(&self.recall, s, &pattern, work, &mut |hit| {
            let message = match hit.place {
                Place::Packet => None,
                Place::Stream(..) | Place::Inside(_) | Place::Field(_) => s.messages_done_in(hit.packet).last().copied(),
            };
            if each(Hit { packet: hit.packet, message, span: hit.span, words: hit.shown }) {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        });
        if work.is_cancelled() { Ok(()) } else { went }
    }
}
