//! Filters as they are typed on the command line: read, or said what is wrong with them, and run over a session.

use crate::cli::exit;
use crate::filtering;
use crate::harvest::{self, View};
use crate::names;
use crate::reading::Failure;
use crate::session::Session;
use std::ops::ControlFlow;
use std::sync::Arc;
use wirelore_filter::{Fact, FactSource, Filter, Values, Wants};
use wirelore_kit::Value;
use wirelore_store::Work;
use wirelore_store::query::{Bits, Rows};

/// Reads a filter.
///
/// # Errors
/// What is wrong with it, with the place marked.
pub fn parse(text: &str) -> Result<Filter, Failure> {
    let wrong = |e: wirelore_filter::Error| Failure { text: e.shown(text), code: exit::FILTER };
    let filter = wirelore_filter::parse(text, names::registry()).map_err(wrong)?;
    filter.remarks().iter().for_each(|r| eprintln!("wirelore: {r}"));
    Ok(filter)
}

/// The rows that a filter passes, rising.
///
/// # Errors
/// It is none, or the bytes are gone.
pub fn rows(session: &Session, text: &str, rows: Rows, work: &Work) -> Result<Vec<u32>, Failure> {
    let filter = parse(text)?;
    filtering::rows(&filter, &session.store.snapshot(), &session.recall, rows, work).map_err(Failure::from)
}

/// The protocols of packets as `frame.protocols` writes them, in order; of all packets, or of these (rising).
///
/// # Errors
/// The bytes are gone.
pub fn protocols(session: &Session, packets: Option<&[u32]>, each: &mut dyn FnMut(u32, &str)) -> Result<(), Failure> {
    let snapshot = session.store.snapshot();
    let chosen = match packets {
        None => Bits::all(snapshot.packets()),
        Some(packets) => {
            let mut bits = Bits::none(snapshot.packets());
            packets.iter().for_each(|p| bits.set(*p));
            bits
        }
    };
    let wants = Wants { facts: vec![Fact::Protocols], ..Wants::default() };
    let facts = FactSource::new(Arc::clone(&snapshot), &wants);
    harvest::harvest(&session.recall, &snapshot, &wants, chosen, &Work::new(), &mut |row| {
        View::packet(row, &facts).fact(Fact::Protocols, &mut |v| {
            if let Value::Str(text) = v.value {
                each(row.packet, text);
            }
            false
        });
        ControlFlow::Continue(())
    })?;
    Ok(())
}
