//! Options of pcapng blocks (draft-ietf-opsawg-pcapng, section 3.5): code, length, value, padding to 32 bits.

use bytes::Bytes;

use crate::event::RawOption;
use crate::grammar::{take, u16_in};

/// `opt_comment`, allowed in every block.
pub(crate) const COMMENT: u16 = 1;

/// Walks a list of options. Ends at `opt_endofopt`, at the end of the bytes, or at an option that overruns them.
#[derive(Debug, Clone)]
pub(crate) struct Options<'a> {
    rest: &'a [u8],
    /// What comes after `opt_endofopt`.
    behind: &'a [u8],
    /// Options still to be given: a hostile block must not become millions of them.
    left: u32,
    big: bool,
}

impl<'a> Options<'a> {
    /// Records of a name resolution block: the same shape, but many are usual.
    pub(crate) fn records(rest: &'a [u8], big: bool) -> Self {
        Self { left: 1 << 20, ..Self::new(rest, big) }
    }

    /// The bytes behind the end of the list, once it was found.
    pub(crate) fn behind(&self) -> &'a [u8] {
        self.behind
    }

    pub(crate) fn new(rest: &'a [u8], big: bool) -> Self {
        Self { rest, behind: &[], left: 4096, big }
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let [c0, c1, l0, l1] = *take::<4>(self.rest, 0)?;
        let (code, len) = if self.big {
            (u16_in::<true>([c0, c1]), u16_in::<true>([l0, l1]))
        } else {
            (u16_in::<false>([c0, c1]), u16_in::<false>([l0, l1]))
        };
        if code == 0 {
            self.behind = self.rest.get(4..).unwrap_or_default();
            self.rest = &[];
            return None;
        }
        let len = usize::from(len);
        let body = self.rest.get(4..).unwrap_or_default();
        let Some(value) = body.get(..len) else {
            self.rest = &[];
            return None;
        };
        self.rest = body.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some((code, value))
    }
}

/// Keeps an option as written.
pub(crate) fn raw((code, value): (u16, &[u8])) -> RawOption {
    RawOption { code, value: Bytes::copy_from_slice(value) }
}

/// Text of an option: UTF-8 as it should be, trailing zeros cut, anything else replaced visibly.
pub(crate) fn text(value: &[u8]) -> String {
    let end = value.iter().rposition(|b| *b != 0).map_or(0, |last| last.saturating_add(1));
    String::from_utf8_lossy(value.get(..end).unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_that_overruns_its_block_ends_the_list() {
        let bytes = [1, 0, 2, 0, b'h', b'i', 0, 0, 2, 0, 200, 0, 1, 2, 3, 4];
        let mut options = Options::new(&bytes, false);
        assert_eq!(options.next(), Some((1, &b"hi"[..])));
        assert_eq!(options.next(), None);
        assert_eq!(options.next(), None);
    }

    #[test]
    fn options_without_end_are_cut_off() {
        let many = [7, 0, 0, 0].repeat(100_000);
        assert_eq!(Options::new(&many, false).count(), 4096);
        assert_eq!(Options::records(&many, false).count(), 100_000);
    }

    #[test]
    fn values_without_room_for_their_padding_are_read() {
        let mut options = Options::new(&[0, 9, 0, 1, 0x80], true);
        assert_eq!(options.next(), Some((9, &[0x80][..])));
        assert_eq!(options.next(), None);
    }
}
