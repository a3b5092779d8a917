//! Packets that were captured beside the proxy, and what else is known of them: they lie in the same file, on interfaces of their own.

use crate::lane::{MOST_AT_ONCE, block, custom, secrets_block};
use crate::recorder::Recorder;
use crate::shared::Shared;
use std::sync::Arc;
use wirelore_capture::Resolution;
use wirelore_capture::write::{InterfaceSpec, PcapngWriter, SectionSpec};

/// How an interface of captured packets is described.
#[derive(Debug, Clone, Copy)]
pub struct TapSpec<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is.
    pub description: &'a str,
    /// Link type (the LINKTYPE_ list).
    pub link_type: u16,
}

/// Where captured packets are told. What is told here lies in the file behind everything that lanes told before: secrets that a lane told
/// before it answered stand before the packets that carry the answer.
#[derive(Debug, Clone)]
pub struct Tap {
    shared: Arc<Shared>,
    /// Number of its interface in the file.
    interface: u32,
}

impl Recorder {
    /// Adds two interfaces for captured packets.
    #[must_use]
    pub fn taps(&self, specs: [TapSpec<'_>; 2]) -> [Tap; 2] {
        let shared = self.shared();
        // Interfaces of a file come in pairs: these stand where those of a listener would.
        let pair = shared.listener(|_| specs.iter().flat_map(described).collect());
        shared.wake();
        let first = pair.saturating_mul(2);
        [first, first.saturating_add(1)].map(|interface| Tap { shared: Arc::clone(shared), interface })
    }

    /// Lines of a key log (NSS format, RFC 9850) that another program wrote.
    pub fn secrets(&self, lines: &[u8]) {
        let shared = self.shared();
        if shared.secrets && !lines.is_empty() {
            // A key log that is larger than this at once is cut between two lines of it.
            for part in whole_lines(lines, MOST_AT_ONCE / 2) {
                shared.back.append(shared, |out| secrets_block(part, out));
            }
            shared.turned();
        }
    }

    /// One of our custom blocks: what `write` says, behind [`crate::said::MARK`].
    pub fn say(&self, text: &str) {
        let shared = self.shared();
        shared.back.append(shared, |out| custom(text, out));
        shared.turned();
    }
}

impl Tap {
    /// A packet, captured whole at `time` (nanoseconds since 1970). Packets that no link carries (above 64 KiB) are cut.
    pub fn packet(&self, time: i64, bytes: &[u8]) {
        let kept = bytes.get(..bytes.len().min(0x1_0000)).unwrap_or_default();
        let time = time.cast_unsigned();
        let mut body = Vec::with_capacity(kept.len().saturating_add(20));
        body.extend_from_slice(&self.interface.to_le_bytes());
        body.extend_from_slice(&((time >> 32) as u32).to_le_bytes());
        body.extend_from_slice(&(time as u32).to_le_bytes());
        body.extend_from_slice(&(kept.len() as u32).to_le_bytes());
        body.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        body.extend_from_slice(kept);
        self.shared.back.append(&self.shared, |out| block(6, &body, out));
    }

    /// Call at the end of each turn of the event loop; see [`crate::Lane::turn`].
    pub fn turn(&self) {
        self.shared.turned();
    }
}

/// Lines in parts of at most `most` bytes, where lines are not longer than that.
fn whole_lines(lines: &[u8], most: usize) -> impl Iterator<Item = &[u8]> {
    let mut rest = lines;
    std::iter::from_fn(move || {
        let within = rest.get(..most.min(rest.len())).unwrap_or_default();
        let cut = if within.len() == rest.len() { None } else { within.iter().rposition(|b| *b == b'\n') };
        let (part, more) = rest.split_at_checked(cut.map_or(within.len(), |at| at.saturating_add(1)))?;
        rest = more;
        (!part.is_empty()).then_some(part)
    })
}

/// The block of an interface.
pub(crate) fn described(spec: &TapSpec<'_>) -> Vec<u8> {
    let spec = InterfaceSpec {
        link_type: spec.link_type,
        resolution: Resolution::new(9, 0),
        name: Some(spec.name),
        description: Some(spec.description),
        ..InterfaceSpec::default()
    };
    // The writer begins each file with a section; ours stands already. Memory does not refuse to be written.
    let whole = PcapngWriter::new(Vec::new(), &SectionSpec::default()).and_then(|mut w| {
        let section = w.get_mut().len();
        w.interface(&spec)?;
        Ok(w.finish()?.split_off(section))
    });
    whole.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_log_is_cut_between_lines() {
        let parts: Vec<&[u8]> = whole_lines(b"aaa\nbbb\nccc\n", 9).collect();
        assert_eq!(parts, [&b"aaa\nbbb\n"[..], b"ccc\n"]);
        let parts: Vec<&[u8]> = whole_lines(b"aaaaaaaaaa", 4).collect();
        assert_eq!(parts.concat(), b"aaaaaaaaaa");
        assert_eq!(whole_lines(b"", 4).count(), 0);
    }
}
