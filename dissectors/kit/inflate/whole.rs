//! A gzip member that lies whole in memory, undone in one go.

use libdeflater::Decompressor;
use std::cell::RefCell;

/// A member: its head, and the CRC and length behind it (RFC 1952 §2.3).
const LEAST: usize = 18;
/// What a member begins with: the magic number, and DEFLATE.
const BEGINS: [u8; 3] = [0x1f, 0x8b, 8];
/// A byte of DEFLATE gives at most so many.
const MOST_SWELLING: usize = 1032;

/// Adds to `out` what `coded` gives, if that is one gzip member without fault or anything else behind it, and gives at most `most` bytes.
/// `false`: it is not, or may not be, and nothing was added; [`crate::Inflater`] tells what it gives until then.
///
/// Half as fast again as [`crate::Inflater::once`].
///
/// ```
/// let member = [&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3][..], b"\xcb\x48\xcd\xc9\xc9\x07\x00\x86\xa6\x10\x36\x05\0\0\0"].concat();
/// let mut out = Vec::new();
/// assert!(wirelore_kit::gunzip(&member, &mut out, 100));
/// assert_eq!(out, b"hello");
/// assert!(!wirelore_kit::gunzip(&[&member[..], &member].concat(), &mut out, 100), "two members");
/// ```
#[must_use]
pub fn gunzip(coded: &[u8], out: &mut Vec<u8>, most: usize) -> bool {
    thread_local!(static MACHINE: RefCell<Decompressor> = RefCell::new(Decompressor::new()));
    let Some((rest, [.., a, b, c, d])) = coded.split_last_chunk::<8>().filter(|_| coded.len() >= LEAST) else { return false };
    let len = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
    // A second member, of the same contents even, would have its own beginning.
    let is_one = rest.strip_prefix(&BEGINS).is_some_and(|rest| memchr::memmem::find(rest, &BEGINS).is_none());
    if !is_one || len > most || len > coded.len().saturating_mul(MOST_SWELLING) {
        return false;
    }
    let before = out.len();
    out.resize(before.saturating_add(len), 0);
    let made = MACHINE.with_borrow_mut(|m| m.gzip_decompress(coded, out.get_mut(before..).unwrap_or(&mut [])));
    let good = made == Ok(len);
    if !good {
        out.truncate(before);
    }
    good
}
