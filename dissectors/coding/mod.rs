//! Content codings (RFC 9110 §8.4): gzip, deflate, br and zstd decoded as bytes come, one upon another, never beyond a bound.

mod brotli;
pub mod dots;
pub mod huffman;
pub mod lines;
pub mod sasl;
pub mod status;
pub mod transfer;
pub mod varint;
mod zstd;

use wirelore_kit::{Inflater, Swift, Wrap, gunzip};

/// At most so many bytes are made of one body; a small body that swells beyond this is meant to harm.
pub const MOST_MADE: u64 = 64 << 20;
/// Codings upon one another that are undone; RFC 9110 sets no limit, honest senders use one.
pub const MOST_CODINGS: usize = 8;

/// A coding by its registered name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952, also called x-gzip.
    Gzip,
    /// RFC 1950, or RFC 1951 bare as some send it.
    Deflate,
    /// RFC 7932.
    Brotli,
    /// RFC 8878, with the window limit of RFC 9659.
    Zstd,
    /// Nothing was done.
    Identity,
    /// UNIX compress (LZW), also called x-compress: known by name, not decoded.
    Compress,
    /// A name that is not registered, or not one that we know.
    Unknown,
}

impl Coding {
    /// The coding of that name, in any case, blanks around it left out.
    #[must_use]
    pub fn named(name: &[u8]) -> Coding {
        let name = name.trim_ascii();
        let is = |s: &str| name.eq_ignore_ascii_case(s.as_bytes());
        if is("gzip") || is("x-gzip") {
            Coding::Gzip
        } else if is("deflate") {
            Coding::Deflate
        } else if is("br") {
            Coding::Brotli
        } else if is("zstd") {
            Coding::Zstd
        } else if is("identity") || name.is_empty() {
            Coding::Identity
        } else if is("compress") || is("x-compress") {
            Coding::Compress
        } else {
            Coding::Unknown
        }
    }

    /// Whether it can be undone here.
    #[must_use]
    pub const fn is_read(self) -> bool {
        !matches!(self, Coding::Compress | Coding::Unknown)
    }
}

/// Why decoding stopped for good. What was made before it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The bytes are not what the coding says.
    Broken,
    /// More than [`MOST_MADE`] would be made.
    TooMuch,
    /// The bytes ended before the coded data did.
    Unfinished,
}

/// One coding being undone.
enum Step {
    Inflate(Box<Inflater>),
    Swift(Box<Inflater<Swift>>),
    Brotli(Box<brotli::Unbrotli>),
    Zstd(Box<zstd::Unzstd>),
}

impl Step {
    fn new(coding: Coding, copied: bool) -> Option<Step> {
        let inflate = |wrap| match copied {
            true => Step::Inflate(Box::new(Inflater::new(wrap))),
            false => Step::Swift(Box::new(Inflater::once(wrap))),
        };
        match coding {
            Coding::Gzip => Some(inflate(Wrap::Gzip)),
            Coding::Deflate => Some(inflate(Wrap::ZlibOrRaw)),
            Coding::Brotli => Some(Step::Brotli(Box::default())),
            Coding::Zstd => Some(Step::Zstd(Box::default())),
            Coding::Identity | Coding::Compress | Coding::Unknown => None,
        }
    }

    /// Adds to `out` what `input` gives, at most `most` bytes.
    fn push(&mut self, input: &[u8], out: &mut Vec<u8>, most: usize) -> Result<(), Fault> {
        // Input is left over behind the end of the data too: padding, which is passed over.
        let inflated = |used: usize, done: bool| if used < input.len() && !done { Err(Fault::TooMuch) } else { Ok(()) };
        match self {
            Step::Inflate(i) => i.push(input, out, most).map_err(|_| Fault::Broken).and_then(|used| inflated(used, i.is_done())),
            Step::Swift(i) => i.push(input, out, most).map_err(|_| Fault::Broken).and_then(|used| inflated(used, i.is_done())),
            Step::Brotli(b) => b.push(input, out, most),
            Step::Zstd(z) => z.push(input, out, most),
        }
    }

    fn is_done(&self) -> bool {
        match self {
            Step::Inflate(i) => i.is_done(),
            Step::Swift(i) => i.is_done(),
            Step::Brotli(b) => b.is_done(),
            Step::Zstd(z) => z.is_done(),
        }
    }

    fn fork(&self) -> Option<Step> {
        match self {
            Step::Inflate(i) => Some(Step::Inflate(i.clone())),
            Step::Swift(_) | Step::Brotli(_) | Step::Zstd(_) => None,
        }
    }

    fn weight(&self) -> usize {
        match self {
            Step::Inflate(i) => i.weight(),
            Step::Swift(i) => i.weight(),
            Step::Brotli(b) => b.weight(),
            Step::Zstd(z) => z.weight(),
        }
    }
}

/// So many coded bytes are gathered before they are undone, where nobody waits for what they give.
const MOST_GATHERED: usize = 256 << 10;

/// Undoes a list of codings, the last applied first.
pub struct Decoder {
    /// In the order of undoing.
    steps: Vec<Step>,
    /// Coded bytes that came and were not undone yet; `None`: all are undone as they come.
    gathered: Option<Vec<u8>>,
    made: u64,
    fed: bool,
    stopped: bool,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Decoder({} codings, made {})", self.steps.len(), self.made)
    }
}

impl Decoder {
    /// For codings in the order in which they were applied. `None` where nothing is to be undone or one of them
    /// is not read here. A [`Decoder::fork`] of it goes on by itself where the codings allow that; [`Decoder::once`] is faster.
    #[must_use]
    pub fn new(applied: &[Coding]) -> Option<Decoder> {
        Decoder::of(applied, true)
    }

    /// As [`Decoder::new`], for data that is gone through once: it cannot be copied.
    #[must_use]
    pub fn once(applied: &[Coding]) -> Option<Decoder> {
        Decoder::of(applied, false)
    }

    /// As [`Decoder::once`], for data that comes in small pieces: they are gathered, so that most is given by [`Decoder::end`] only.
    #[must_use]
    pub fn gathering(applied: &[Coding]) -> Option<Decoder> {
        Some(Decoder { gathered: Some(Vec::new()), ..Decoder::once(applied)? })
    }

    fn of(applied: &[Coding], copied: bool) -> Option<Decoder> {
        if applied.iter().any(|c| !c.is_read()) || applied.len() > MOST_CODINGS {
            return None;
        }
        let steps: Vec<Step> = applied.iter().rev().filter_map(|c| Step::new(*c, copied)).collect();
        (!steps.is_empty()).then_some(Decoder { steps, gathered: None, made: 0, fed: false, stopped: false })
    }

    /// Adds to `out` what `input` gives. After a fault nothing more is made and no further fault is told.
    ///
    /// # Errors
    /// [`Fault`], once.
    pub fn push(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        if self.stopped || input.is_empty() {
            return Ok(());
        }
        self.fed = true;
        let Some(mut gathered) = self.gathered.take() else { return self.undo(input, out) };
        let mut went = Ok(());
        if gathered.len().saturating_add(input.len()) > MOST_GATHERED {
            went = self.undo(&gathered, out);
            gathered.clear();
        }
        gathered.extend_from_slice(input);
        self.gathered = Some(gathered);
        went
    }

    /// Undoes the commonest coding the fastest way, where all of it is there and has no fault.
    fn undo_whole(&mut self, all: &[u8], out: &mut Vec<u8>) -> bool {
        let gzip = matches!(self.steps.as_slice(), [Step::Swift(i)] if i.wrap() == Wrap::Gzip && i.taken() == 0);
        let before = out.len();
        self.stopped = gzip && gunzip(all, out, MOST_MADE as usize);
        self.made = self.made.saturating_add(out.len().saturating_sub(before) as u64);
        self.stopped
    }

    fn undo(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        let most = usize::try_from(MOST_MADE.saturating_sub(self.made)).unwrap_or(usize::MAX);
        let before = out.len();
        let mut fault = None;
        let last = self.steps.len().saturating_sub(1);
        let mut between: Option<Vec<u8>> = None;
        for (i, step) in self.steps.iter_mut().enumerate() {
            let from = between.as_deref().unwrap_or(input);
            let mut made = Vec::new();
            let went = step.push(from, if i == last { &mut *out } else { &mut made }, most);
            // What was made before a fault is still good.
            fault = fault.or(went.err());
            between = Some(made);
        }
        self.made = self.made.saturating_add(out.len().saturating_sub(before) as u64);
        match fault {
            None => Ok(()),
            Some(f) => {
                self.stopped = true;
                Err(f)
            }
        }
    }

    /// The coded bytes have ended: adds to `out` what was not given yet.
    ///
    /// # Errors
    /// [`Fault::Unfinished`] when the data says that more should come; another one of what was gathered.
    pub fn end(&mut self, out: &mut Vec<u8>) -> Result<(), Fault> {
        if let Some(gathered) = self.gathered.take().filter(|_| !self.stopped) {
            if self.undo_whole(&gathered, out) {
                return Ok(());
            }
            self.undo(&gathered, out)?;
        }
        let stopped = std::mem::replace(&mut self.stopped, true);
        if stopped || !self.fed || self.steps.iter().all(Step::is_done) { Ok(()) } else { Err(Fault::Unfinished) }
    }

    /// Bytes made so far.
    #[must_use]
    pub const fn made(&self) -> u64 {
        self.made
    }

    /// A copy, where all its codings can be copied in the middle.
    #[must_use]
    pub fn fork(&self) -> Option<Decoder> {
        let steps = self.steps.iter().map(Step::fork).collect::<Option<Vec<_>>>()?;
        Some(Decoder { steps, gathered: self.gathered.clone(), made: self.made, fed: self.fed, stopped: self.stopped })
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn weight(&self) -> usize {
        let gathered = self.gathered.as_ref().map_or(0, Vec::capacity);
        self.steps.iter().map(Step::weight).fold(size_of::<Decoder>().saturating_add(gathered), usize::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // TEXT coded: gzip by gzip(1), the others as one stored block, written by hand.
    const TEXT: &[u8] = b"hello hello hello hello\n";
    const GZIP: &[u8] =
        b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x27\xb9\x00\x00\x88\x59\x0b\x18\x00\x00\x00";
    const BR: &[u8] = b"\x8b\x0b\x80hello hello hello hello\n\x03";
    // One run block of 100,000 'a'.
    const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd\x20\x18\xc1\x00\x00hello hello hello hello\n";
    const ZRUN: &[u8] = b"\x28\xb5\x2f\xfd\xa0\xa0\x86\x01\x00\x03\x35\x0ca";

    fn all(applied: &[Coding], data: &[u8], step: usize) -> (Vec<u8>, Result<(), Fault>) {
        let each = [Decoder::new(applied), Decoder::once(applied), Decoder::gathering(applied)];
        let [a, b, c] = each.map(|d| through(d.expect("codings that are read"), data, step));
        assert!(a == b, "{applied:?} by {step}: {:?} and {:?}", a.1, b.1);
        assert!(a == c, "{applied:?} by {step}, gathered: {:?} and {:?}", a.1, c.1);
        a
    }

    fn through(mut d: Decoder, data: &[u8], step: usize) -> (Vec<u8>, Result<(), Fault>) {
        let mut out = Vec::new();
        for c in data.chunks(step.max(1)) {
            if let Err(f) = d.push(c, &mut out) {
                return (out, Err(f));
            }
        }
        let end = d.end(&mut out);
        (out, end)
    }

    #[test]
    fn every_cut_gives_the_same_bytes() {
        for (coding, data) in [(Coding::Gzip, GZIP), (Coding::Brotli, BR), (Coding::Zstd, ZSTD)] {
            for step in 1..=data.len() {
                assert_eq!(all(&[coding], data, step), (TEXT.to_vec(), Ok(())), "{coding:?} by {step}");
            }
        }
        let two = [ZSTD, b"\x50\x2a\x4d\x18\x02\x00\x00\x00??", ZSTD].concat();
        for step in 1..=two.len() {
            assert_eq!(all(&[Coding::Zstd], &two, step).0, TEXT.repeat(2), "frames and a skippable one by {step}");
        }
    }

    #[test]
    fn gathered_gzip_gives_what_it_gives_piece_by_piece() {
        let twice = GZIP.repeat(2);
        let padded = [GZIP, &[0; 9]].concat();
        assert_eq!(all(&[Coding::Gzip], &twice, 5), (TEXT.repeat(2), Ok(())), "two members of the same contents");
        assert_eq!(all(&[Coding::Gzip], &padded, 5).0, TEXT);
        for whole in [GZIP, &twice, &padded] {
            for at in 0..whole.len() {
                let mut wrong = whole.to_vec();
                wrong[at] ^= 0x21;
                for data in [&wrong, &whole[..at]] {
                    let each = [Decoder::once(&[Coding::Gzip]), Decoder::gathering(&[Coding::Gzip])];
                    let [pieces, gathered] = each.map(|d| through(d.expect("gzip"), data, 7));
                    assert_eq!(pieces, gathered, "{} bytes, byte {at} wrong or missing", data.len());
                }
            }
        }
    }

    #[test]
    fn codings_upon_one_another_are_undone_last_first() {
        // gzip by stored blocks of the br data: gzip was applied last.
        let mut gz = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x01".to_vec();
        gz.extend_from_slice(&(BR.len() as u16).to_le_bytes());
        gz.extend_from_slice(&(!(BR.len() as u16)).to_le_bytes());
        gz.extend_from_slice(BR);
        gz.extend_from_slice(&[0; 8]);
        for step in 1..=gz.len() {
            assert_eq!(all(&[Coding::Brotli, Coding::Identity, Coding::Gzip], &gz, step), (TEXT.to_vec(), Ok(())), "by {step}");
        }
    }

    #[test]
    fn a_cut_body_is_told_and_rubbish_is_a_fault() {
        for (coding, data) in [(Coding::Gzip, GZIP), (Coding::Brotli, BR), (Coding::Zstd, ZSTD)] {
            assert_eq!(all(&[coding], &data[..data.len() - 1], 7).1, Err(Fault::Unfinished), "{coding:?}");
            assert_eq!(
                all(&[coding], b"<html>this is plain text, whatever the header says</html>", 7).1,
                Err(Fault::Broken),
                "{coding:?}"
            );
        }
    }

    #[test]
    fn a_run_of_zstd_blocks_stops_at_the_bound() {
        assert_eq!(all(&[Coding::Zstd], ZRUN, 3), (vec![b'a'; 100_000], Ok(())));
        // Frames of one 100,000 byte run each: 13 bytes in, 100,000 out.
        let bomb = ZRUN.repeat(1000);
        let (out, went) = all(&[Coding::Zstd], &bomb, 4096);
        assert_eq!((out.len() as u64, went), (MOST_MADE, Err(Fault::TooMuch)));
        let (again, _) = all(&[Coding::Zstd], &bomb, 100);
        assert_eq!(again.len(), out.len(), "the bound does not depend on the cuts");
    }

    #[test]
    fn names_are_read_in_any_case_and_unknown_ones_are_left_alone() {
        assert_eq!(Coding::named(b" X-GZIP "), Coding::Gzip);
        assert_eq!(Coding::named(b"gzip\xa0"), Coding::Unknown);
        assert!(Decoder::new(&[Coding::Gzip, Coding::Compress]).is_none());
        assert!(Decoder::new(&[Coding::Identity]).is_none());
    }

    #[test]
    fn a_copy_goes_on_by_itself() {
        let mut a = Decoder::new(&[Coding::Gzip]).expect("gzip");
        let (mut x, mut y) = (Vec::new(), Vec::new());
        a.push(&GZIP[..14], &mut x).expect("good");
        let mut b = a.fork().expect("gzip can be copied");
        y.extend_from_slice(&x);
        a.push(&GZIP[14..], &mut x).expect("good");
        b.push(&GZIP[14..], &mut y).expect("good");
        assert_eq!((x.as_slice(), y.as_slice()), (TEXT, TEXT));
        assert!(Decoder::new(&[Coding::Brotli]).expect("br").fork().is_none());
        assert!(Decoder::once(&[Coding::Gzip]).expect("gzip").fork().is_none());
    }
}
