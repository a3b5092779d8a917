//! Bytes of Parley to values: pure, without state.

use super::fields as f;
use wirelore_kit::{BitRange, Reader, Stop, Text};

/// How every frame begins.
pub(super) const MAGIC: &[u8] = b"PRLY";

/// What a frame says.
pub(super) enum Frame<'a> {
    Say { number: u16, text: Text<'a>, urgent: bool },
    Heard { number: u16 },
}

/// Magic, kind, flags, number; a line has a length and a text behind them.
pub(super) fn frame<'a>(r: &mut Reader<'a>) -> Result<Frame<'a>, Stop> {
    let there = r.left().min(MAGIC.len());
    if r.peek(there)? != MAGIC.get(..there).unwrap_or(MAGIC) {
        return Err(Stop::Bad(&f::NO_MAGIC));
    }
    r.text(&f::MAGIC, MAGIC.len())?;
    let kind = r.u8(&f::KIND)?;
    let urgent = r.bits(&f::URGENT, BitRange { first: 0, len: 1 })? == 1;
    r.bits(&f::RESERVED, BitRange { first: 1, len: 7 })?;
    r.skip(1)?;
    let number = r.u16(&f::NUMBER)?;
    match kind {
        1 => {
            let len = r.u16(&f::LENGTH)?;
            Ok(Frame::Say { number, text: r.text(&f::TEXT, usize::from(len))?, urgent })
        }
        2 => Ok(Frame::Heard { number }),
        _ => Err(Stop::Bad(&f::NO_KIND)),
    }
}
