//! Joins handshake messages over the records that carry them (RFC 8446 §5.1).

/// A message may be so long, bytes; a longer one is passed over.
const MOST_MESSAGE: usize = 1 << 18;

/// The unfinished message of one direction.
#[derive(Debug, Clone, Default)]
pub struct Joiner {
    partial: Vec<u8>,
    /// Bytes of a message too long that are still to come.
    pass: usize,
}

/// A message of the handshake: its type, and all of its bytes with the four of its header.
#[derive(Debug, Clone, Copy)]
pub struct Joined<'a> {
    /// Its type.
    pub kind: u8,
    /// Header and body.
    pub whole: &'a [u8],
}

impl Joined<'_> {
    /// What stands behind the header.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.whole.get(4..).unwrap_or(&[])
    }
}

/// The length of the first message of `bytes`, header included.
fn first_len(bytes: &[u8]) -> Option<usize> {
    let [_, a, b, c, ..] = *bytes else { return None };
    Some((usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c)).saturating_add(4))
}

impl Joiner {
    /// Takes what the next record brought and gives each message that is complete now.
    pub fn feed(&mut self, mut bytes: &[u8], mut each: impl FnMut(Joined<'_>)) {
        while !bytes.is_empty() {
            if self.pass > 0 {
                let n = self.pass.min(bytes.len());
                self.pass = self.pass.saturating_sub(n);
                bytes = bytes.get(n..).unwrap_or(&[]);
                continue;
            }
            // Nearly always whole messages stand in a record: they are given as they lie.
            if self.partial.is_empty()
                && let Some(len) = first_len(bytes)
                && let Some((whole, rest)) = bytes.split_at_checked(len)
            {
                each(Joined { kind: whole.first().copied().unwrap_or(0), whole });
                bytes = rest;
                continue;
            }
            let need = first_len(&self.partial).unwrap_or(4);
            let n = need.saturating_sub(self.partial.len()).min(bytes.len());
            let (now, rest) = bytes.split_at_checked(n).unwrap_or((bytes, &[]));
            self.partial.extend_from_slice(now);
            bytes = rest;
            match first_len(&self.partial) {
                Some(len) if len > MOST_MESSAGE => {
                    self.pass = len.saturating_sub(self.partial.len());
                    self.partial = Vec::new();
                }
                Some(len) if len == self.partial.len() => {
                    let whole = std::mem::take(&mut self.partial);
                    each(Joined { kind: whole.first().copied().unwrap_or(0), whole: &whole });
                }
                _ => {}
            }
        }
    }

    /// The type of the message under way.
    #[must_use]
    pub fn under_way(&self) -> Option<u8> {
        self.partial.first().copied()
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.partial.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_the_same_however_records_cut_them() {
        let mut stream = Vec::new();
        for (kind, len) in [(1u8, 5u8), (2, 0), (11, 200), (14, 1)] {
            stream.extend_from_slice(&[kind, 0, 0, len]);
            stream.extend((0..len).map(|i| i ^ kind));
        }
        for size in 1..=stream.len() {
            let mut joiner = Joiner::default();
            let mut joined = Vec::new();
            for record in stream.chunks(size) {
                joiner.feed(record, |m| joined.push((m.kind, m.whole.to_vec())));
            }
            assert_eq!(joined.iter().map(|j| j.0).collect::<Vec<_>>(), [1, 2, 11, 14]);
            assert_eq!(joined.into_iter().flat_map(|j| j.1).collect::<Vec<_>>(), stream);
        }
    }

    #[test]
    fn a_length_that_cannot_be_holds_no_memory() {
        let mut joiner = Joiner::default();
        let mut seen = 0;
        joiner.feed(&[11, 0xff, 0xff, 0xff], |_| seen += 1);
        for _ in 0..100 {
            joiner.feed(&[0; 16384], |_| seen += 1);
        }
        assert!(joiner.weight() < 1024 && seen == 0);
    }
}
