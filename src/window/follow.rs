//! A followed conversation: the bytes of both directions as they came, cut into lines that fit, searched and written to files.

use crate::door::{Conversations, Followed};
use crate::prefs::StreamForm;
use std::fmt::Write as _;
use std::sync::Arc;
use wirelore_kit::{ConvId, Dir, Problem};
use wirelore_store::{Job, Jobs, Snapshot, Work};

/// Bytes that are followed; beyond that the pane says that there is more.
pub const MOST_BYTES: usize = 32 << 20;
/// Lines that are made of them.
const MOST_LINES: usize = 2_000_000;
/// Places that a search keeps.
const MOST_HITS: usize = 20_000;
/// Bytes of a line of hexadecimal.
pub const HEX: usize = 16;

/// One line: bytes of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// Its run.
    pub run: u32,
    /// Its first byte, in [`Followed::bytes`].
    pub from: u32,
    /// How many.
    pub len: u32,
}

/// How lines are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Text or hexadecimal.
    pub form: StreamForm,
    /// Characters of text that fit.
    pub columns: u32,
}

/// Bytes and their lines.
#[derive(Debug, Default)]
pub struct Lines {
    /// The conversation.
    pub followed: Arc<Followed>,
    /// Its lines, in order.
    pub lines: Vec<Line>,
    /// Whether lines were left out.
    pub left_out: bool,
}

impl Lines {
    /// Cuts into lines. `None` when cancelled.
    #[must_use]
    pub fn new(followed: Arc<Followed>, cut: Cut, work: &Work) -> Option<Lines> {
        let mut lines = Vec::new();
        let mut left_out = false;
        let columns = cut.columns.max(8) as usize;
        'runs: for (n, run) in followed.runs.iter().enumerate() {
            if n.is_multiple_of(256) && work.is_cancelled() {
                return None;
            }
            let mut at = run.from;
            loop {
                if lines.len() >= MOST_LINES {
                    left_out = true;
                    break 'runs;
                }
                let rest = followed.bytes.get(at..run.to).unwrap_or(&[]);
                let len = match cut.form {
                    StreamForm::Hex => rest.len().min(HEX),
                    StreamForm::Text => text_line(rest, columns),
                };
                lines.push(Line { run: n as u32, from: at as u32, len: len as u32 });
                at += len;
                if len == 0 || at >= run.to {
                    break;
                }
            }
        }
        Some(Lines { followed, lines, left_out })
    }

    /// The line that holds a byte.
    #[must_use]
    pub fn line_of(&self, byte: usize) -> Option<usize> {
        self.lines.partition_point(|l| l.from as usize <= byte).checked_sub(1)
    }

    /// A line's bytes.
    #[must_use]
    pub fn bytes(&self, line: &Line) -> &[u8] {
        let from = line.from as usize;
        self.followed.bytes.get(from..from.saturating_add(line.len as usize)).unwrap_or(&[])
    }
}

/// How many bytes of `rest` make a line: up to a line feed, or as many characters as fit, no character torn.
fn text_line(rest: &[u8], columns: usize) -> usize {
    let most = rest.len().min(columns);
    if let Some(feed) = rest.get(..most).and_then(|r| r.iter().position(|b| *b == b'\n')) {
        return feed + 1;
    }
    if most < rest.len() {
        // A continuation byte of UTF-8 stands behind the cut: go back to where its character begins.
        let begins = |i: &usize| rest.get(*i).is_some_and(|b| b & 0xc0 != 0x80);
        return (most.saturating_sub(3)..=most).rev().find(begins).filter(|n| *n > 0).unwrap_or(most);
    }
    most
}

/// Bytes as text that can be drawn in one line: line ends left out, the rest of what cannot be seen as dots.
#[must_use]
pub fn printable(bytes: &[u8]) -> String {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.extend(chunk.valid().chars().map(|c| match c {
            '\t' => ' ',
            c if c.is_control() => '·',
            c => c,
        }));
        out.extend(chunk.invalid().iter().map(|_| '·'));
    }
    out
}

/// Where a text occurs, letters of ASCII in either case; at most so many places as are kept. `None` when cancelled.
#[must_use]
pub fn find(followed: &Followed, text: &[u8], work: &Work) -> Option<Vec<u32>> {
    let Some(first) = text.first().map(u8::to_ascii_lowercase) else { return Some(Vec::new()) };
    let mut hits = Vec::new();
    for (i, window) in followed.bytes.windows(text.len()).enumerate() {
        if i.is_multiple_of(1 << 16) && work.is_cancelled() {
            return None;
        }
        let here = window.first().is_some_and(|b| b.to_ascii_lowercase() == first) && window.eq_ignore_ascii_case(text);
        if here && one_way(followed, i, i + text.len()) {
            hits.push(i as u32);
            if hits.len() >= MOST_HITS {
                break;
            }
        }
    }
    Some(hits)
}

/// Whether bytes that stand next to each other here were sent by one side.
fn one_way(f: &Followed, from: usize, to: usize) -> bool {
    let first = f.runs.partition_point(|r| r.to <= from);
    let runs = f.runs.iter().skip(first).take_while(|r| r.from < to);
    let mut dirs = runs.map(|r| r.dir);
    let one = dirs.next();
    dirs.all(|d| Some(d) == one)
}

/// How a stream is written to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SaveAs {
    /// The bytes themselves.
    #[default]
    Raw,
    /// Arrays of C.
    C,
    /// YAML: one entry a run, bytes as base64.
    Yaml,
    /// Offsets, hexadecimal and text.
    Hex,
}

impl SaveAs {
    /// All, in the order of menus.
    pub const ALL: [SaveAs; 4] = [SaveAs::Raw, SaveAs::Hex, SaveAs::C, SaveAs::Yaml];

    /// In words.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            SaveAs::Raw => "Raw bytes",
            SaveAs::C => "C arrays",
            SaveAs::Yaml => "YAML",
            SaveAs::Hex => "Hex dump",
        }
    }
}

/// What a file gets of a followed conversation: one side or (for `None`) both.
#[must_use]
pub fn written(f: &Followed, side: Option<Dir>, how: SaveAs) -> Vec<u8> {
    let runs = f.runs.iter().filter(|r| side.is_none_or(|d| d == r.dir));
    let of = |r: &crate::door::Run| f.bytes.get(r.from..r.to).unwrap_or(&[]);
    if how == SaveAs::Raw {
        return runs.flat_map(of).copied().collect();
    }
    let mut out = String::new();
    // Writing to a String cannot fail; that is why the results are left.
    for (i, r) in runs.filter(|r| r.to > r.from).enumerate() {
        let who = if r.dir == Dir::ToServer { "client" } else { "server" };
        let bytes = of(r);
        match how {
            SaveAs::C => {
                let _ = writeln!(out, "/* sent by the {who}, offset {} */", r.at);
                let _ = writeln!(out, "static const unsigned char {who}_{i}[{}] = {{", bytes.len());
                for row in bytes.chunks(12) {
                    let words: Vec<String> = row.iter().map(|b| format!("0x{b:02x}")).collect();
                    let _ = writeln!(out, "  {},", words.join(", "));
                }
                out.push_str("};\n\n");
            }
            SaveAs::Yaml => {
                let _ = writeln!(out, "- from: {who}\n  offset: {}\n  data: !!binary |", r.at);
                for row in bytes.chunks(57) {
                    let _ = writeln!(out, "    {}", base64(row));
                }
            }
            _ => {
                let _ = writeln!(out, "{who}");
                for (n, row) in bytes.chunks(HEX).enumerate() {
                    let text: String = row.iter().map(|b| if (0x20..0x7f).contains(b) { char::from(*b) } else { '.' }).collect();
                    let _ = writeln!(out, "{:08x}  {:<47}  {text}", r.at + (n * HEX) as u64, crate::format::hex(row, HEX));
                }
            }
        }
    }
    out.into_bytes()
}

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = group.iter().chain([0, 0].iter()).take(3).fold(0u32, |w, b| w << 8 | u32::from(*b));
        for i in 0..4 {
            let letter = LETTERS.get((word >> (18 - 6 * i) & 63) as usize).copied().unwrap_or(b'=');
            out.push(if i <= group.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

/// Bytes, or why there are none.
type Read = Result<Followed, Problem>;

/// What is followed, and what was read last.
#[derive(Default)]
pub struct FollowKeeper {
    bytes: Option<(ConvId, u64, Result<Arc<Followed>, Problem>)>,
    reading: Option<(ConvId, u64, Job<Read>)>,
    lines: Option<(ConvId, u64, Cut, Arc<Lines>)>,
    cutting: Option<(ConvId, u64, Cut, Job<Lines>)>,
    hits: Option<(String, ConvId, Arc<Vec<u32>>)>,
    seeking: Option<(String, ConvId, Job<Vec<u32>>)>,
    /// What is searched for.
    pub text: String,
    /// Which of its places is shown.
    pub hit: usize,
    /// Follow the connection itself although what is selected lies inside another protocol.
    pub outer: bool,
}

impl FollowKeeper {
    /// The lines of a conversation as they are cut now, or why there are none; `None` while the first are made.
    pub fn of(
        &mut self,
        conv: ConvId,
        cut: Cut,
        s: &Snapshot,
        jobs: &Jobs,
        source: &Arc<dyn Conversations>,
    ) -> Option<Result<Arc<Lines>, Problem>> {
        let generation = if s.progress().done { s.generation() } else { 0 };
        if let Some((c, g, job)) = &self.reading
            && let Some(end) = job.poll()
        {
            let answer = end.unwrap_or_else(|why| {
                Err(Problem { what: "The stream could not be read".into(), why: format!("{why}."), what_to_do: String::new() })
            });
            self.bytes = Some((*c, *g, answer.map(Arc::new)));
            self.reading = None;
        }
        if self.bytes.as_ref().is_none_or(|(c, g, _)| (*c, *g) != (conv, generation))
            && self.reading.as_ref().is_none_or(|(c, g, _)| (*c, *g) != (conv, generation))
        {
            let source = source.clone();
            self.reading = Some((conv, generation, jobs.start(move |w| Some(source.follow(conv, MOST_BYTES, w.cancel())))));
        }
        if let Some((c, g, k, job)) = &self.cutting
            && let Some(end) = job.poll()
        {
            if let Ok(lines) = end {
                self.lines = Some((*c, *g, *k, Arc::new(lines)));
            }
            self.cutting = None;
        }
        let (c, g, bytes) = self.bytes.as_ref().filter(|(c, ..)| *c == conv)?;
        let bytes = match bytes {
            Ok(b) => b,
            Err(p) => return Some(Err(p.clone())),
        };
        let key = (*c, *g, cut);
        if !self.lines.as_ref().is_some_and(|(c, g, k, _)| (*c, *g, *k) == key)
            && !self.cutting.as_ref().is_some_and(|(c, g, k, _)| (*c, *g, *k) == key)
        {
            let bytes = bytes.clone();
            self.cutting = Some((key.0, key.1, cut, jobs.start(move |w| Lines::new(bytes, cut, w))));
        }
        self.lines.as_ref().filter(|(c, ..)| *c == conv).map(|(.., l)| Ok(l.clone()))
    }

    /// Where the text that is searched for occurs in the bytes shown.
    pub fn hits(&mut self, conv: ConvId, shown: &Arc<Followed>, jobs: &Jobs) -> Arc<Vec<u32>> {
        if let Some((t, c, job)) = &self.seeking
            && let Some(end) = job.poll()
        {
            if let Ok(found) = end {
                self.hits = Some((t.clone(), *c, Arc::new(found)));
            }
            self.seeking = None;
        }
        if self.text.is_empty() {
            return Arc::default();
        }
        if let Some((t, c, hits)) = &self.hits
            && *t == self.text
            && *c == conv
        {
            return hits.clone();
        }
        if self.seeking.as_ref().is_none_or(|(t, c, _)| *t != self.text || *c != conv) {
            let (shown, text) = (shown.clone(), self.text.clone());
            self.seeking = Some((self.text.clone(), conv, jobs.start(move |w| find(&shown, text.as_bytes(), w))));
        }
        Arc::default()
    }

    /// The bytes read last, for saving.
    #[must_use]
    pub fn bytes(&self) -> Option<Arc<Followed>> {
        self.bytes.as_ref().and_then(|(_, _, b)| b.as_ref().ok().cloned())
    }

    /// Forgets what was read; what is searched for stays.
    pub fn forget(&mut self) {
        *self = FollowKeeper { text: std::mem::take(&mut self.text), outer: self.outer, ..FollowKeeper::default() };
    }

    /// Whether anything is under way.
    #[must_use]
    pub const fn busy(&self) -> bool {
        self.reading.is_some() || self.cutting.is_some() || self.seeking.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::door::Run;

    fn followed(parts: &[(Dir, &[u8])]) -> Followed {
        let mut f = Followed::default();
        for (dir, bytes) in parts {
            let from = f.bytes.len();
            f.bytes.extend_from_slice(bytes);
            f.runs.push(Run { dir: *dir, at: 0, from, to: f.bytes.len(), missing: 0, packet: 0 });
        }
        f
    }

    #[test]
    fn lines_end_at_line_feeds_and_never_inside_a_character() {
        let text = "ab\ncdefgh äöü ß and more\n".as_bytes();
        let f = Arc::new(followed(&[(Dir::ToServer, text), (Dir::ToClient, b"x")]));
        let l = Lines::new(f, Cut { form: StreamForm::Text, columns: 10 }, &Work::new()).expect("lines");
        let got: Vec<String> = l.lines.iter().map(|x| printable(l.bytes(x))).collect();
        assert_eq!(got.concat(), "abcdefgh äöü ß and morex");
        assert!(got.iter().all(|g| !g.contains('·')), "{got:?}");
        assert_eq!(l.line_of(0), Some(0));
        assert_eq!(l.line_of(text.len()), Some(l.lines.len() - 1));
    }

    #[test]
    fn a_text_is_not_found_across_two_speakers() {
        let f = followed(&[(Dir::ToServer, b"HEL"), (Dir::ToServer, b"LO he"), (Dir::ToClient, b"llo")]);
        assert_eq!(find(&f, b"hello", &Work::new()), Some(vec![0]));
    }

    #[test]
    fn one_side_is_saved_as_it_was_sent() {
        let f = followed(&[(Dir::ToServer, b"\x00\xff"), (Dir::ToClient, b"no"), (Dir::ToServer, b"M")]);
        assert_eq!(written(&f, Some(Dir::ToServer), SaveAs::Raw), b"\x00\xffM");
        let yaml = String::from_utf8(written(&f, None, SaveAs::Yaml)).expect("text");
        assert!(yaml.contains("AP8=") && yaml.contains("bm8="), "{yaml}");
        let c = String::from_utf8(written(&f, Some(Dir::ToClient), SaveAs::C)).expect("text");
        assert!(c.contains("server_0[2] = {\n  0x6e, 0x6f,"), "{c}");
    }

    #[test]
    fn base64_has_the_vectors_of_rfc_4648() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }
}
