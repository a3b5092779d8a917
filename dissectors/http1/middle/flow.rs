//! Bodies on their way: how far the bytes that are there belong to one.

use super::super::body::Frame;
use super::chunks::{self, Went};
use super::cursor::Cursor;
use bytes::BytesMut;
use wirelore_kit::Note;
use wirelore_kit::middle::Step;

/// What is done with a body's bytes.
#[derive(Debug)]
pub enum Way<'k> {
    /// They go on.
    Pass,
    /// They are thrown away.
    Skip,
    /// They are kept.
    Keep(&'k mut BytesMut),
}

/// How far a body came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// More of it is to come, framed so.
    More(Frame),
    /// It is complete.
    Done,
    /// What comes next could be read differently.
    Bad(&'static Note),
}

/// Reads what is there of a body framed so. `unfold`: folded trailers are joined with blanks, as those headers are that a proxy passes on.
pub fn read(cur: &mut Cursor, frame: Frame, mut way: Way<'_>, unfold: bool, steps: &mut Vec<Step>) -> Flow {
    let there = cur.rest().len();
    let mut folded = None;
    let (n, flow) = match frame {
        Frame::Nothing => (0, Flow::Done),
        Frame::UntilClose => (there, Flow::More(frame)),
        Frame::Counted(left) => {
            let n = there.min(usize::try_from(left).unwrap_or(usize::MAX));
            let left = left.saturating_sub(n as u64);
            (n, if left == 0 { Flow::Done } else { Flow::More(Frame::Counted(left)) })
        }
        Frame::Chunked(mut state) => match chunks::read(&mut state, cur.rest(), |_| {}) {
            Went::More(n) => (n, Flow::More(Frame::Chunked(state))),
            Went::Done(n) => (n, Flow::Done),
            Went::Folded(trailers, n) => {
                folded = Some(trailers).filter(|_| unfold);
                (n, Flow::Done)
            }
            Went::Bad(n, note) => (n, Flow::Bad(note)),
        },
    };
    match &mut way {
        Way::Pass => match folded {
            None => cur.pass(n),
            Some(trailers) => {
                cur.pass(trailers);
                let section = cur.take(n.saturating_sub(trailers), steps);
                cur.put(chunks::unfolded(&section).into(), steps);
            }
        },
        Way::Skip => cur.skip(n, steps),
        Way::Keep(raw) => {
            let (body, section) = cur.rest().get(..n).unwrap_or(&[]).split_at(folded.unwrap_or(n).min(n));
            raw.extend_from_slice(body);
            raw.extend_from_slice(&if folded.is_some() { chunks::unfolded(section) } else { section.to_vec() });
            cur.skip(n, steps);
        }
    }
    flow
}
