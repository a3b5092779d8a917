//! A bare cursor over bytes, for what the state machine must know of handshake messages whether or not anyone looks at them.

/// Bytes not taken yet.
#[derive(Debug, Clone, Copy)]
pub struct Cursor<'a>(pub &'a [u8]);

impl<'a> Cursor<'a> {
    /// The next `n` bytes.
    pub fn take(&mut self, n: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(head)
    }

    /// A number of `n` bytes, at most 8, most significant first.
    pub fn number(&mut self, n: usize) -> Option<u64> {
        self.take(n).map(|b| b.iter().fold(0, |v, x| v << 8 | u64::from(*x)))
    }

    /// One byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.number(1).map(|v| v as u8)
    }

    /// Two bytes.
    pub fn u16(&mut self) -> Option<u16> {
        self.number(2).map(|v| v as u16)
    }

    /// A vector whose length stands before it in `n` bytes.
    pub fn vector(&mut self, n: usize) -> Option<Cursor<'a>> {
        let len = self.number(n)?;
        self.take(usize::try_from(len).ok()?).map(Cursor)
    }

    /// The next extension: its type and its data.
    pub fn extension(&mut self) -> Option<(u16, Cursor<'a>)> {
        let kind = self.u16()?;
        Some((kind, self.vector(2)?))
    }
}
