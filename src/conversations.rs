//! Whole conversations for the window: states, TCP's own events, bytes of both directions, what the user decides about them.

use crate::again::Again;
use crate::recall::Recall;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use wirelore_engine::conversation::{InnerBytes, Listen};
use wirelore_engine::log::Entry;
use wirelore_engine::packet::{Headers, Transport as Header};
use wirelore_kit::row::NONE;
use wirelore_kit::{Cancel, ConvId, Dir, KeyTable, Level, Problem, Side, State, Transport, verdict};
use wirelore_store::{Flow, Snapshot, Store};
use wirelore_window::door::{Conversations, Course, Followed, Run, Segment, StateChange};

/// States of one flow that are kept.
const MOST_STATES: usize = 400_000;
/// Segments with something to tell that are kept.
const MOST_SEGMENTS: usize = 20_000;
/// Packets whose headers are looked at for this; of longer flows the beginning, the end, and what the analysis marked.
const MOST_LOOKED_AT: u64 = 40_000;
/// A key log larger than this is no key log.
const MOST_KEY_LOG: u64 = 256 << 20;

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;

/// One session's conversations.
pub struct Rereading {
    /// Rows.
    pub store: Store,
    /// Bytes.
    pub recall: Arc<Recall>,
    /// Reads again for good.
    pub again: Again,
}

fn missing() -> Problem {
    Problem {
        what: "There is no such connection".into(),
        why: "No row has that number.".into(),
        what_to_do: "Choose one from the list.".into(),
    }
}

fn cancelled() -> Problem {
    Problem { what: "Cancelled".into(), why: "Something else was asked for.".into(), what_to_do: String::new() }
}

#[derive(Default)]
struct States {
    found: Vec<StateChange>,
    cut: bool,
}

impl Listen for States {
    fn state(&mut self, conv: ConvId, message: (Dir, u64), side: Side, state: &'static State) {
        if self.found.len() < MOST_STATES {
            self.found.push(StateChange { conv, message, side, state });
        } else {
            self.cut = true;
        }
    }
}

impl Rereading {
    fn segments(&self, s: &Snapshot, flow: &Flow<'_>, cancel: &Cancel) -> Result<(Vec<Segment>, bool), Problem> {
        let mut found = Vec::new();
        let mut headers = Headers::default();
        let (all, mut seen) = (flow.packet_count(), 0u64);
        let mut answered = false;
        let mut shaken = false;
        for packet in flow.first_packet..=flow.last_packet {
            if packet.is_multiple_of(4096) && cancel.is_cancelled() {
                return Err(cancelled());
            }
            let Some(row) = s.packet(packet).filter(|p| p.flow == flow.id) else { continue };
            seen += 1;
            let marked = row.bits & verdicts() != 0;
            let near_an_end = seen <= MOST_LOOKED_AT / 2 || seen + MOST_LOOKED_AT / 2 > all;
            if !(marked || near_an_end) || !self.recall.headers(s, packet, &mut headers) {
                continue;
            }
            let Header::Tcp(tcp) = headers.transport else { continue };
            let flags = (tcp.flags & 0x3f) as u8;
            // The acknowledgment that ends the handshake, and no other, has an arrow for itself.
            let third = answered && !shaken && flags & SYN == 0;
            shaken |= third;
            answered |= flags & SYN != 0 && row.is_backward();
            if marked || third || flags & (SYN | FIN | RST) != 0 {
                if found.len() == MOST_SEGMENTS {
                    return Ok((found, true));
                }
                found.push(Segment { packet, flags, len: headers.payload_len });
            }
        }
        Ok((found, false))
    }
}

/// Verdicts that are worth an arrow.
fn verdicts() -> u32 {
    verdict::trouble() | verdict::KEEP_ALIVE | verdict::ZERO_WINDOW_PROBE | verdict::REUSED_PORTS
}

impl Conversations for Rereading {
    fn course(&self, flow: u32, cancel: &Cancel) -> Result<Course, Problem> {
        let s = self.store.snapshot();
        let row = s.flow(flow).ok_or_else(missing)?;
        let mut states = States::default();
        self.recall.reread(flow, Level::Rows, cancel, &mut states)?;
        let (segments, more) =
            if row.transport == Transport::Tcp { self.segments(&s, &row, cancel)? } else { (Vec::new(), false) };
        Ok(Course { states: states.found, segments, cut: states.cut || more })
    }

    fn follow(&self, of: ConvId, most: usize, cancel: &Cancel) -> Result<Followed, Problem> {
        let s = self.store.snapshot();
        let flow = s.flow(of.flow).ok_or_else(missing)?;
        let mut out = Gathered { of, most, done: Followed::default() };
        if of.inner == 0 {
            self.outer(&s, &flow, cancel, &mut out)?;
        } else {
            // Bytes inside others exist only while they are read.
            match self.recall.reread(of.flow, Level::Bodies, cancel, &mut out) {
                Err(_) if out.done.cut => {}
                ended => ended?,
            }
        }
        Ok(out.done)
    }

    fn decode_as(&self, flow: u32, protocol: Option<&str>) -> Result<(), Problem> {
        self.again.decode(flow, protocol)
    }

    fn other_legs(&self, flow: u32) -> Vec<u32> {
        let Some((_, others)) = self.again.legs(flow) else { return Vec::new() };
        let s = self.store.snapshot();
        let flows: Vec<u32> = others.iter().filter_map(|l| s.packet(l.packet)).map(|p| p.flow).filter(|f| *f != NONE).collect();
        for f in &flows {
            self.again.read_whole(*f);
        }
        flows
    }

    fn decoded_as(&self, flow: u32) -> Option<String> {
        self.again.decoded(flow).map(str::to_owned)
    }

    fn add_keys(&self, path: &Path) -> Result<usize, Problem> {
        let name = path.display();
        let unreadable = |why: String| Problem {
            what: format!("The key log {name} cannot be read"),
            why,
            what_to_do: "Choose a file that was written through SSLKEYLOGFILE.".into(),
        };
        let size = std::fs::metadata(path).map_err(|e| unreadable(format!("{e}.")))?.len();
        if size > MOST_KEY_LOG {
            return Err(unreadable(format!("It has {size} bytes, far more than key logs have.")));
        }
        let text = std::fs::read(path).map_err(|e| unreadable(format!("{e}.")))?;
        let mut fresh = KeyTable::default();
        let (taken, mut read) = fresh.read_log(&text);
        fresh.read_line(text.get(taken..).unwrap_or(&[]), &mut read);
        if read.added == 0 {
            return Err(unreadable("No line of it is a key.".into()));
        }
        Ok(self.again.add_keys(&text).added)
    }
}

impl Rereading {
    /// The streams of the flow itself, by its delivery log.
    fn outer(&self, s: &Snapshot, flow: &Flow<'_>, cancel: &Cancel, out: &mut Gathered) -> Result<(), Problem> {
        let client = flow.client_end();
        let dir = |way: usize| if way == client { Dir::ToServer } else { Dir::ToClient };
        for entry in self.recall.log(flow.id).entries() {
            if cancel.is_cancelled() {
                return Err(cancelled());
            }
            let went = match entry {
                Entry::Data(run) => {
                    let bytes = self.recall.delivered(s, run.number).ok_or_else(|| Problem {
                        what: "The stream cannot be shown".into(),
                        why: "Its bytes can no longer be read.".into(),
                        what_to_do: "The file may have been moved or changed: open it again.".into(),
                    })?;
                    let from = run.offset as usize;
                    let bytes = bytes.get(from..from.saturating_add(run.len as usize)).unwrap_or(&[]);
                    out.take(dir(run.dir), run.at, bytes, run.number)
                }
                Entry::Gap { dir: way, at, missing, .. } => {
                    out.gap(dir(way), at, if missing == u64::MAX { 0 } else { missing });
                    ControlFlow::Continue(())
                }
                _ => ControlFlow::Continue(()),
            };
            if went == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }
}

/// Bytes of one conversation as they come.
struct Gathered {
    of: ConvId,
    most: usize,
    done: Followed,
}

impl Gathered {
    fn take(&mut self, dir: Dir, at: u64, bytes: &[u8], packet: u32) -> ControlFlow<()> {
        let from = self.done.bytes.len();
        let room = self.most.saturating_sub(from);
        self.done.bytes.extend_from_slice(bytes.get(..room.min(bytes.len())).unwrap_or(&[]));
        let to = self.done.bytes.len();
        if to > from {
            self.done.runs.push(Run { dir, at, from, to, missing: 0, packet });
        }
        self.done.cut |= room < bytes.len();
        if self.done.cut { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn gap(&mut self, dir: Dir, at: u64, missing: u64) {
        let here = self.done.bytes.len();
        self.done.runs.push(Run { dir, at, from: here, to: here, missing, packet: NONE });
    }
}

impl Listen for Gathered {
    fn inner(&mut self, b: &InnerBytes<'_>) {
        if let Some((conv, at)) = b.read_by
            && conv == self.of
            && !self.done.cut
        {
            // Once full, the rest is let pass: what is around must still be read to its end.
            let _ = self.take(b.key.1, at, b.bytes, NONE);
        }
    }
}
