//! DEFLATE (RFC 1951) undone as its bytes come, in its zlib, gzip and raw forms, never beyond a bound.

mod raw;
mod whole;

pub use raw::{Copied, Swift};
use raw::{Next, Raw};
pub use whole::gunzip;

/// What DEFLATE is wrapped in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrap {
    /// Nothing.
    Raw,
    /// RFC 1950.
    Zlib,
    /// RFC 1952; several members follow each other.
    Gzip,
    /// HTTP's "deflate": zlib by RFC 9110 §8.4.1.2, but some send it raw; decided by the first byte.
    ZlibOrRaw,
}

/// Why inflating stopped for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Broken {
    /// Bytes of input taken in all before the fault.
    pub at: u64,
}

/// A running decompression, by one of two machines: [`Copied`] (43 kB of state; [`Clone`] copies it, for checkpoints) or [`Swift`].
#[derive(Clone)]
pub struct Inflater<R = Copied> {
    wrap: Wrap,
    state: R,
    step: Step,
    held: Vec<u8>,
    taken: u64,
    made: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Head,
    Body,
    Trailer,
    Done,
}

/// A gzip header longer than this is not one.
const MOST_HEAD: usize = 64 * 1024;

impl Inflater {
    /// A fresh one that can be copied.
    #[must_use]
    pub fn new(wrap: Wrap) -> Inflater {
        Inflater::with(wrap)
    }
}

impl Inflater<Swift> {
    /// A fresh one for data that is gone through once: it cannot be copied, and is much faster.
    #[must_use]
    pub fn once(wrap: Wrap) -> Inflater<Swift> {
        Inflater::with(wrap)
    }
}

#[allow(private_bounds, reason = "there are two machines, and nobody makes a third")]
impl<R: Raw> Inflater<R> {
    fn with(wrap: Wrap) -> Inflater<R> {
        let step = if wrap == Wrap::Raw { Step::Body } else { Step::Head };
        Inflater { wrap, state: R::fresh(), step, held: Vec::new(), taken: 0, made: 0 }
    }

    /// What the data is wrapped in.
    #[must_use]
    pub const fn wrap(&self) -> Wrap {
        self.wrap
    }

    /// Bytes taken so far.
    #[must_use]
    pub const fn taken(&self) -> u64 {
        self.taken
    }

    /// Bytes made so far.
    #[must_use]
    pub const fn made(&self) -> u64 {
        self.made
    }

    /// Whether the compressed data said that it is complete.
    #[must_use]
    pub fn is_done(&self) -> bool {
        // Another gzip member may follow.
        self.step == Step::Done || (self.wrap == Wrap::Gzip && self.step == Step::Head && self.made > 0 && self.held.is_empty())
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.state.weight().saturating_add(self.held.capacity())
    }

    /// Decompresses `input`, adding at most `most` bytes to `out`. Returns how many bytes of input were taken:
    /// fewer than given only when `most` was reached or the data ended.
    ///
    /// # Errors
    /// [`Broken`] when the data is not what it should be; what was made before stays in `out`.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>, most: usize) -> Result<usize, Broken> {
        let mut used = 0usize;
        let limit = out.len().saturating_add(most);
        while let Some(rest) = input.get(used..) {
            match self.step {
                Step::Done => break,
                Step::Head | Step::Trailer => {
                    if rest.is_empty() {
                        break;
                    }
                    let before = self.held.len();
                    self.held.extend_from_slice(rest.get(..rest.len().min(MOST_HEAD)).unwrap_or(rest));
                    let size = if self.step == Step::Head { self.head_len() } else { self.trailer_len() };
                    match size {
                        Ok(Some(n)) => {
                            used = used.saturating_add(n.saturating_sub(before));
                            self.held.clear();
                            self.step = match (self.step, self.wrap) {
                                (Step::Head, _) => Step::Body,
                                (_, Wrap::Gzip) => {
                                    self.state.restart();
                                    Step::Head
                                }
                                _ => Step::Done,
                            };
                        }
                        Ok(None) if self.held.len() < MOST_HEAD => used = input.len(),
                        // Behind a gzip member, bytes that are no member are padding.
                        _ if self.made > 0 && self.step == Step::Head => {
                            self.held.clear();
                            self.step = Step::Done;
                        }
                        _ => return Err(Broken { at: self.taken.saturating_add(used as u64) }),
                    }
                }
                Step::Body => {
                    let before = out.len();
                    let room = limit.saturating_sub(before);
                    if room == 0 {
                        break;
                    }
                    let went = self.state.step(rest, out, room);
                    used = used.saturating_add(went.used);
                    self.made = self.made.saturating_add(out.len().saturating_sub(before) as u64);
                    match went.next {
                        Next::Ended => self.step = if self.wrap == Wrap::Raw { Step::Done } else { Step::Trailer },
                        Next::More => {}
                        Next::Starved => break,
                        Next::Broken => {
                            self.taken = self.taken.saturating_add(used as u64);
                            return Err(Broken { at: self.taken });
                        }
                    }
                }
            }
        }
        self.taken = self.taken.saturating_add(used as u64);
        Ok(used)
    }

    /// Length of the wrapper's head in `held`; `None` for more bytes.
    fn head_len(&mut self) -> Result<Option<usize>, ()> {
        let h = &self.held;
        match self.wrap {
            Wrap::Raw => Ok(Some(0)),
            Wrap::Zlib | Wrap::ZlibOrRaw => {
                let Some(&cmf) = h.first() else { return Ok(None) };
                if cmf & 0x0f != 8 && self.wrap == Wrap::ZlibOrRaw {
                    // No zlib header begins so; the byte is compressed data already. A raw stream whose first byte
                    // ends in 8 would begin with a stored block of odd padding, which no encoder writes.
                    self.wrap = Wrap::Raw;
                    return Ok(Some(0));
                }
                let Some(&flg) = h.get(1) else { return Ok(None) };
                let good = cmf & 0x0f == 8 && (u16::from(cmf) * 256 + u16::from(flg)).is_multiple_of(31);
                if !good {
                    return Err(());
                }
                Ok(Some(if flg & 0x20 != 0 { 6 } else { 2 }).filter(|n| h.len() >= *n))
            }
            Wrap::Gzip => {
                if !b"\x1f\x8b\x08".starts_with(h.get(..3.min(h.len())).unwrap_or(&[])) {
                    return Err(());
                }
                let Some(&flags) = h.get(3) else { return Ok(None) };
                let mut n = 10usize;
                if flags & 4 != 0 {
                    let (Some(&a), Some(&b)) = (h.get(10), h.get(11)) else { return Ok(None) };
                    n = n.saturating_add(2).saturating_add(usize::from(u16::from_le_bytes([a, b])));
                }
                for flag in [8, 16] {
                    if flags & flag != 0 {
                        let Some(z) = h.get(n..).and_then(|t| memchr::memchr(0, t)) else { return Ok(None) };
                        n = n.saturating_add(z).saturating_add(1);
                    }
                }
                if flags & 2 != 0 {
                    n = n.saturating_add(2);
                }
                Ok((h.len() >= n).then_some(n))
            }
        }
    }

    fn trailer_len(&self) -> Result<Option<usize>, ()> {
        let n = if self.wrap == Wrap::Gzip { 8 } else { 4 };
        Ok((self.held.len() >= n).then_some(n))
    }
}

impl<R> std::fmt::Debug for Inflater<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Inflater({:?}, {:?}, taken {}, made {})", self.wrap, self.step, self.taken, self.made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // "hello hello hello hello\n" by gzip(1) and the same raw and as zlib.
    const RAW: &[u8] = &[0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x57, 0xc8, 0x40, 0x27, 0xb9, 0x00];
    const TEXT: &[u8] = b"hello hello hello hello\n";

    fn gz() -> Vec<u8> {
        let mut v = vec![0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3, b'n', 0];
        v.extend_from_slice(RAW);
        v.extend_from_slice(&[0; 8]);
        v
    }

    #[test]
    fn every_cut_of_the_input_gives_the_same_bytes() {
        let two: Vec<u8> = [gz(), gz()].concat();
        let zlib: Vec<u8> = [&[0x78, 0x9c][..], RAW, &[0; 4]].concat();
        for (wrap, data, times) in [
            (Wrap::Gzip, gz(), 1),
            (Wrap::Gzip, two, 2),
            (Wrap::Zlib, zlib.clone(), 1),
            (Wrap::ZlibOrRaw, zlib, 1),
            (Wrap::ZlibOrRaw, RAW.to_vec(), 1),
            (Wrap::Raw, RAW.to_vec(), 1),
        ] {
            for step in 1..=data.len() {
                assert_eq!(in_steps(&mut Inflater::new(wrap), &data, step), (TEXT.repeat(times), true), "{wrap:?} by {step}");
                assert_eq!(in_steps(&mut Inflater::once(wrap), &data, step), (TEXT.repeat(times), true), "{wrap:?} by {step}");
            }
        }
    }

    fn in_steps<R: Raw>(i: &mut Inflater<R>, data: &[u8], step: usize) -> (Vec<u8>, bool) {
        let mut out = Vec::new();
        for c in data.chunks(step) {
            assert_eq!(i.push(c, &mut out, usize::MAX >> 1), Ok(c.len()), "by {step}");
        }
        (out, i.is_done())
    }

    /// A body of `len` bytes that DEFLATE makes smaller, in fixed and dynamic blocks, with references far back.
    fn deflated(len: usize) -> (Vec<u8>, Vec<u8>) {
        let mut n = 1u32;
        let mut next = move || {
            n = n.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            n >> 24
        };
        let words = ["alpha", "beta", "gamma", "delta", " ", "\n", "0123456789", "{\"key\":", "}"];
        let mut text = Vec::new();
        while text.len() < len {
            match next() {
                odd @ 0..16 => text.push(odd as u8),
                w => text.extend_from_slice(words[w as usize % words.len()].as_bytes()),
            }
        }
        let packed = miniz_oxide::deflate::compress_to_vec(&text, 6);
        (text, packed)
    }

    #[test]
    fn both_machines_make_the_same() {
        let (text, packed) = deflated(300_000);
        for step in [1, 7, 1448, 65_536, packed.len()] {
            assert!(in_steps(&mut Inflater::new(Wrap::Raw), &packed, step) == (text.clone(), true), "by {step}");
            assert!(in_steps(&mut Inflater::once(Wrap::Raw), &packed, step) == (text.clone(), true), "by {step}");
        }
        // Each byte wrong in its turn: both make the same of it, or the swift one stops earlier, at a reference to before the beginning.
        let (_, packed) = deflated(3000);
        let whole = |i: &mut dyn FnMut(&mut Vec<u8>) -> Result<usize, Broken>| {
            let mut out = Vec::new();
            let went = i(&mut out).is_ok();
            (out, went)
        };
        for at in 0..packed.len() {
            let mut wrong = packed.clone();
            wrong[at] ^= 0x41;
            let a = whole(&mut |out| Inflater::new(Wrap::Raw).push(&wrong, out, 100_000));
            let b = whole(&mut |out| Inflater::once(Wrap::Raw).push(&wrong, out, 100_000));
            let earlier = !b.1 && a.0.starts_with(&b.0);
            assert!(a == b || earlier, "byte {at} wrong: {} bytes and {}, {} bytes and {}", a.0.len(), a.1, b.0.len(), b.1);
        }
    }

    #[test]
    fn output_is_bounded_and_goes_on_where_it_stopped() {
        let mut i = Inflater::new(Wrap::Raw);
        let mut out = Vec::new();
        let used = i.push(RAW, &mut out, 7).expect("good data");
        assert_eq!(out, &TEXT[..7]);
        i.push(&RAW[used..], &mut out, 1000).expect("good data");
        assert_eq!(out, TEXT);
        let (text, packed) = deflated(50_000);
        for most in [1, 300, 5000, 33_000] {
            let (mut i, mut out, mut used) = (Inflater::once(Wrap::Raw), Vec::new(), 0);
            while !i.is_done() {
                let before = out.len();
                used += i.push(&packed[used..], &mut out, most).expect("good data");
                assert!(out.len() <= before + most && out.len() > before, "by {most}");
            }
            assert!(out == text, "by {most}");
        }
    }

    #[test]
    fn rubbish_is_an_error_not_a_panic() {
        let mut out = Vec::new();
        assert!(Inflater::new(Wrap::Gzip).push(b"not gzip at all", &mut out, 100).is_err());
        assert!(Inflater::new(Wrap::Raw).push(&[0xff; 40], &mut out, 100).is_err());
    }
}
