//! `wirelore summary`: what is in this capture, in plain words.

use crate::cli::Summary;
use crate::reading::{self, Failure};
use std::io::Write;
use wirelore_export::story;

/// Runs the command.
///
/// # Errors
/// What stopped it.
pub fn run(args: &Summary) -> Result<(), Failure> {
    let mut session = reading::open(&args.from, false)?;
    reading::finish(&mut session, args.quiet)?;
    // The process ends with this: the system takes the rows' memory back at once, piece by piece would take longer.
    std::mem::forget(session.store.clone());
    let text = story::tell(&session.store.snapshot()).text();
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|e| Failure::write(&e))
}
