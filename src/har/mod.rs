//! HARs: `wirelore export --har` writes the HTTP exchanges of a capture as one, and every command opens them as captures.

mod mitm;
pub mod open;
mod tnetstring;

use crate::exchanges;
use crate::exporting::Material;
use crate::reading::Failure;
use serde_json::Value;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use wirelore_export::exchange::Exchange;
use wirelore_export::har;

/// Writes HTTP exchanges that are `wanted` as a HAR, oldest first; says how many there were. Of a capture that was a HAR, `originals` are
/// its entries ([`crate::session::Session::har`]).
///
/// # Errors
/// When recorded bytes can no longer be read, or writing fails.
pub fn write(
    m: &Material<'_>,
    originals: &[Value],
    wanted: &dyn Fn(&Exchange) -> bool,
    out: &mut dyn Write,
) -> Result<usize, Failure> {
    // Flows are read one by one, but entries stand by time: they wait in a file, not in memory.
    let mut waiting = Waiting::new()?;
    exchanges::each_of(m, &mut |e| {
        if !wanted(&e) {
            return Ok(());
        }
        let began = e.request.as_ref().and_then(|r| r.began).or_else(|| e.response.as_ref()?.began);
        let mut entry = har::entry(&e);
        // Of what came from a HAR each entry is a connection: it is given back as it was.
        if let Some(original) = originals.get(e.stream as usize).and_then(|o| open::restored(o, &entry)) {
            entry = original;
        }
        waiting.put(began.unwrap_or(i64::MIN), &entry.to_string())
    })?;
    let count = waiting.places.len();
    let mut said = || -> std::io::Result<()> {
        out.write_all(har::begin().as_bytes())?;
        waiting.places.sort_by_key(|p| (p.time, p.at));
        for (n, place) in waiting.places.iter().enumerate() {
            out.write_all(if n == 0 { b"\n" } else { b",\n" })?;
            waiting.file.seek(SeekFrom::Start(place.at))?;
            std::io::copy(&mut (&mut waiting.file).take(place.len), out)?;
        }
        out.write_all(har::END.as_bytes())?;
        out.flush()
    };
    said().map_err(|e| Failure::write(&e))?;
    Ok(count)
}

/// Entries until their order is known.
struct Waiting {
    file: File,
    end: u64,
    places: Vec<Place>,
}

struct Place {
    time: i64,
    at: u64,
    len: u64,
}

impl Waiting {
    fn new() -> Result<Waiting, Failure> {
        Ok(Waiting { file: tempfile::tempfile().map_err(|e| Failure::write(&e))?, end: 0, places: Vec::new() })
    }

    fn put(&mut self, time: i64, text: &str) -> Result<(), Failure> {
        self.file.write_all(text.as_bytes()).map_err(|e| Failure::write(&e))?;
        let len = text.len() as u64;
        self.places.push(Place { time, at: self.end, len });
        self.end = self.end.saturating_add(len);
        Ok(())
    }
}
