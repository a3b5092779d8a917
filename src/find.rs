//! Find: text, regular expressions and bytes in everything that was decoded: packets, streams across their segments, plaintexts, bodies
//! with their codings undone, and values as people read them.
//!
//! The capture is read again once, in the order of the file, by as many threads as there are processors (`lanes.rs`), each of which reads
//! its share of the conversations (`lane.rs`) and searches them (`search.rs`); memory holds the conversations that are open and, of each
//! stream, the few last bytes that a match across a border may begin in. Hits come as they are found, in the order of the packets.

mod lane;
mod lanes;
mod pattern;
mod search;

pub use lanes::{find, find_with};
pub use pattern::{Pattern, Written};

use crate::cli::From;
use crate::reading::{self, Failure};
use clap::Args;
use std::io::{BufWriter, Write};
use std::ops::ControlFlow;
use wirelore_kit::{F, Span};
use wirelore_store::{Snapshot, Work};

/// Where a hit is.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// In a packet as captured.
    Packet,
    /// In a flow's own stream, across the border of two segments: the flow, and the end that sent it as rows count them.
    Stream(u32, usize),
    /// In bytes that were made from others: what they are.
    Inside(String),
    /// In a field's value.
    Field(F),
}

/// One place where the pattern was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The packet, from 0; of what lies in several the last.
    pub packet: u32,
    /// Where in it.
    pub place: Place,
    /// Its bytes, where they have a name outside of a tree.
    pub span: Option<Span>,
    /// Offset of the first byte in its place.
    pub at: u64,
    /// The match with what stands around it.
    pub shown: String,
}

/// The first hit behind packet `from`, or at it, going round at the end; hits stand in the order of their packets.
#[must_use]
pub fn next(hits: &[Hit], from: u32) -> Option<&Hit> {
    hits.get(hits.partition_point(|h| h.packet < from)).or_else(|| hits.first())
}

/// The last hit before packet `from`, going round at the beginning.
#[must_use]
pub fn previous(hits: &[Hit], from: u32) -> Option<&Hit> {
    let at = hits.partition_point(|h| h.packet < from);
    at.checked_sub(1).and_then(|i| hits.get(i)).or_else(|| hits.last())
}

/// `wirelore find`.
#[derive(Debug, Args, Clone)]
pub struct Find {
    /// Where from.
    #[command(flatten)]
    pub from: From,
    /// What to find.
    #[arg(value_name = "PATTERN")]
    pub pattern: String,
    /// It is text (which it is if nothing else is said).
    #[arg(long, conflicts_with_all = ["regex", "hex"])]
    pub text: bool,
    /// It is a regular expression.
    #[arg(long, conflicts_with = "hex")]
    pub regex: bool,
    /// It is bytes in hexadecimal: `0d 0a`.
    #[arg(long)]
    pub hex: bool,
    /// Upper and lower case differ.
    #[arg(long)]
    pub exact: bool,
    /// Print so many places at most.
    #[arg(short = 'c', value_name = "N")]
    pub count: Option<u64>,
    /// Print a JSON object for each.
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// What stopped it; nothing found is no error.
pub fn run(args: &Find) -> Result<(), Failure> {
    let written = match (args.regex, args.hex) {
        (true, _) => Written::Regex,
        (_, true) => Written::Hex,
        _ => Written::Text,
    };
    let pattern = Pattern::new(written, &args.pattern, args.exact)
        .map_err(|p| Failure { text: p.to_string(), code: crate::cli::exit::OPTION })?;
    let mut session = reading::open(&args.from, false)?;
    reading::finish(&mut session, false)?;
    let snapshot = session.store.snapshot();
    let mut out = BufWriter::new(std::io::stdout().lock());
    let (mut left, mut failed) = (args.count.unwrap_or(u64::MAX), None);
    find(&session.recall, &snapshot, &pattern, &Work::new(), &mut |hit| {
        if left == 0 {
            return ControlFlow::Break(());
        }
        left -= 1;
        let line = if args.json { json(&snapshot, &hit) } else { line(&snapshot, &hit) };
        match writeln!(out, "{line}") {
            Ok(()) if left > 0 => ControlFlow::Continue(()),
            Ok(()) => ControlFlow::Break(()),
            Err(e) => {
                failed = Some(e);
                ControlFlow::Break(())
            }
        }
    })?;
    let went = failed.map_or_else(|| out.flush(), Err);
    went.map_err(|e| Failure::write(&e))?;
    reading::tell_damage(&session);
    Ok(())
}

/// What a place is called.
#[must_use]
pub fn place(snapshot: &Snapshot, hit: &Hit) -> String {
    match &hit.place {
        Place::Packet => "packet".to_owned(),
        Place::Stream(flow, way) => {
            let sender = snapshot.flow(*flow).and_then(|f| f.ends().get(*way).copied());
            sender.map_or_else(|| "stream".to_owned(), |e| format!("stream from {e}"))
        }
        Place::Inside(label) => label.clone(),
        Place::Field(field) => field.name.to_owned(),
    }
}

fn line(snapshot: &Snapshot, hit: &Hit) -> String {
    let (number, at, shown) = (u64::from(hit.packet) + 1, hit.at, &hit.shown);
    match hit.place {
        Place::Field(_) => format!("{number:>6}  {}: {shown}", place(snapshot, hit)),
        _ => format!("{number:>6}  {} +{at}: {shown}", place(snapshot, hit)),
    }
}

fn json(snapshot: &Snapshot, hit: &Hit) -> String {
    let packet = u64::from(hit.packet) + 1;
    serde_json::json!({ "packet": packet, "place": place(snapshot, hit), "at": hit.at, "shown": hit.shown }).to_string()
}
