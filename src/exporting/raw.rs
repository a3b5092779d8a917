//! `--raw`: the bytes of a stream as they were sent, or as what was inside it, and nothing else; what is missing is said beside them.

use super::Material;
use super::args::Side;
use crate::dump::follow::{Follow, Heard};
use crate::reading::Failure;
use crate::whole::Sink;
use std::io::Write;
use std::path::Path;

/// Holes that are told one by one.
const MOST_TOLD: usize = 20;

/// One stream.
pub struct Raw {
    follow: Follow,
    side: Side,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    /// Bytes.
    pub bytes: u64,
    /// Bytes that the capture lacks; nothing stands in their place.
    pub missing: u64,
}

impl Raw {
    /// Reads `5`, `tcp,5` or what `--follow` takes: `tls,raw,5`, `http2,raw,5,1`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str, side: Side) -> Result<Raw, Failure> {
        let text = if text.bytes().all(|b| b.is_ascii_digit()) { format!("tcp,{text}") } else { text.to_owned() };
        let mut parts = text.split(',');
        let (layer, rest) = (parts.next().unwrap_or_default(), parts.collect::<Vec<_>>());
        // The form may be left out: it is always raw.
        let formed = rest.first().is_some_and(|f| wirelore_export::follow::Form::parse(f).is_some());
        let text = if formed { text } else { [&[layer, "raw"], &*rest].concat().join(",") };
        Ok(Raw { follow: Follow::parse(&text)?, side })
    }

    /// Writes the bytes.
    ///
    /// # Errors
    /// There is no such stream; its bytes cannot be read; writing failed; it was cancelled.
    pub fn write(&self, m: &Material<'_>, out: &mut dyn Write, gap: &mut dyn FnMut(bool, u64, u64)) -> Result<Told, Failure> {
        let client = self.follow.client(m.snapshot)?;
        let wanted = |end: usize| match self.side {
            Side::Client => end == client,
            Side::Server => end != client,
            Side::Both => true,
        };
        let mut told = Told::default();
        self.follow.each(m.recall, m.snapshot, m.work.cancel(), &mut |heard| {
            if m.work.is_cancelled() {
                return Err(crate::recall::cancelled().into());
            }
            match heard {
                Heard::Piece(end, piece) if wanted(end) => {
                    told.bytes = told.bytes.saturating_add(piece.bytes.len() as u64);
                    out.write_all(&piece.bytes).map_err(|e| Failure::write(&e))
                }
                Heard::Gap { end, at, missing, .. } if wanted(end) => {
                    told.missing = told.missing.saturating_add(missing);
                    gap(end == client, at, missing);
                    Ok(())
                }
                _ => Ok(()),
            }
        })?;
        out.flush().map_err(|e| Failure::write(&e))?;
        Ok(told)
    }

    /// Writes them to a file or standard output, and says what is missing.
    ///
    /// # Errors
    /// As [`Raw::write`]; the file cannot be made.
    pub(super) fn run(&self, m: &Material<'_>, to: Option<&Path>) -> Result<(), Failure> {
        let to = to.filter(|p| p.as_os_str() != "-");
        // Before a file is written over: whether there is such a stream.
        self.follow.client(m.snapshot)?;
        let mut out = Sink::new(to.unwrap_or(Path::new("-")))?;
        let mut holes = 0usize;
        let told = self.write(m, &mut out, &mut |client, at, missing| {
            holes = holes.saturating_add(1);
            if holes <= MOST_TOLD {
                let who = if client { "client" } else { "server" };
                eprintln!(
                    "wirelore: at byte {at} of the {who}'s stream {missing} bytes are missing; nothing stands in their place"
                );
            }
        })?;
        out.finish()?;
        if holes > MOST_TOLD {
            eprintln!("wirelore: {holes} holes in all, {} bytes are missing", told.missing);
        }
        if let Some(path) = to {
            eprintln!("wirelore: {} bytes in {}", told.bytes, path.display());
        }
        Ok(())
    }
}
