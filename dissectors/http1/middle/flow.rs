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

/// Reads what is there of a body framed so.
pub fn read(cur: &mut Cursor, frame: Frame, mut way: Way<'_>, steps: &mut Vec<Step>) -> Flow {
    let there = cur.rest().len();
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
            Went::Bad(n, note) => (n, Flow::Bad(note)),
        },
    };
    match &mut way {
        Way::Pass => cur.pass(n),
        Way::Skip => cur.skip(n, steps),
        Way::Keep(raw) => {
            raw.extend_from_slice(cur.rest().get(..n).unwrap_or(&[]));
            cur.skip(n, steps);
        }
    }
    flow
}
