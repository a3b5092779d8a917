//! JSON texts (RFC 8259), alone or one behind the other (lines, RFC 7464), as a tree of members and values with their ranges.
//!
//! It reads bodies and messages that others hand on; on a connection of its own it is read where the user says so.

mod fields;
mod parse;
mod scan;

use fields as f;
use scan::Scan;
use wirelore_kit::{
    AfterGapPromise, Claim, Dir, Dissector, End, F, Framing, Out, Peek, Reader, Relay, Spec, Stop, Text, Turn, Verdict,
};

/// JSON.
pub static SPEC: Spec = Spec {
    name: "json",
    label: "JSON",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: f::NOTES,
    claims: &[
        Claim::Named("json"),
        Claim::Content("application/json"),
        Claim::Content("+json"),
        Claim::Content("text/json"),
        Claim::Content("application/x-ndjson"),
        Claim::Content("application/ndjson"),
        Claim::Content("application/jsonl"),
        Claim::Content("application/json-seq"),
        Claim::Content("application/csp-report"),
    ],
    probe,
    resync: None,
    states: &[],
    after_gap: AfterGapPromise::Never,
    relay: Relay::Opaque,
    middle: None,
    new: |_| Box::new(Json::default()),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// A line shows so many bytes of a text.
const MOST_LINE: usize = 240;

/// One direction.
#[derive(Debug, Clone, Default)]
struct Half {
    scan: Scan,
    /// A text was read; blanks behind it belong to it.
    open: bool,
    /// It is a bare number or word, which ends where something else begins.
    word: Option<F>,
    line: Vec<u8>,
}

#[derive(Debug, Clone, Default)]
struct Json {
    halves: [Half; 2],
}

impl Half {
    /// Goes on with the text that is open.
    fn go_on(&mut self, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let rest = r.rest();
        if let Some(field) = self.word {
            let len = rest.iter().take_while(|b| parse::is_word(**b)).count();
            if len > 0 {
                let word = r.bytes(field, len)?;
                let room = MOST_LINE.saturating_sub(self.line.len()).min(len);
                self.line.extend_from_slice(word.get(..room).unwrap_or(&[]));
                out.summary(Text(&self.line));
                return Ok(());
            }
            if !rest.is_empty() {
                self.word = None;
            }
        }
        let blanks = rest.iter().take_while(|b| parse::is_blank(**b)).count();
        if blanks > 0 {
            r.bytes(&f::DELIMITER, blanks)?;
        } else if rest.is_empty() {
            return Err(Stop::Short { need: 1 });
        } else {
            self.open = false;
            out.close();
        }
        Ok(())
    }

    /// Begins a text.
    fn begin(&mut self, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let rest = r.rest();
        let blanks = rest.iter().take_while(|b| parse::is_blank(**b)).count();
        let text = rest.get(blanks..).unwrap_or(&[]);
        let len = match text.first() {
            None => return r.peek(blanks.saturating_add(1)).map(|_| ()),
            Some(b'{' | b'[' | b'"') => match self.scan.end(r.at(), text) {
                Some(len) => Some(len),
                None if r.is_bounded() => Some(text.len()),
                None => return r.peek(rest.len().saturating_add(1)).map(|_| ()),
            },
            Some(b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => None,
            Some(_) => return Err(Stop::Bad(&f::NOT_JSON)),
        };
        if blanks > 0 {
            r.bytes(&f::DELIMITER, blanks)?;
        }
        out.open();
        if let Some(len) = len {
            out.summary(Text(&squeezed(text.get(..len).unwrap_or(text))));
            r.attempt(&f::JSON, len, |r| parse::value(r, 0).map(|_| ()))?;
            self.word = None;
        } else {
            let number = text.first().is_some_and(|b| !b.is_ascii_alphabetic());
            self.word = Some(if number { &f::NUMBER } else { &f::LITERAL });
            self.line.clear();
            let len = text.iter().take_while(|b| parse::is_word(**b)).count();
            let word = r.bytes(if number { &f::NUMBER } else { &f::LITERAL }, len)?;
            self.line.extend_from_slice(word.get(..word.len().min(MOST_LINE)).unwrap_or(word));
            out.summary(Text(&self.line));
        }
        self.open = true;
        Ok(())
    }
}

/// The beginning of a text without the blanks between its tokens.
fn squeezed(text: &[u8]) -> Vec<u8> {
    let (mut out, mut string, mut escaped) = (Vec::new(), false, false);
    for b in text.iter().take(4 * MOST_LINE) {
        if out.len() >= MOST_LINE {
            break;
        }
        if string || !parse::is_blank(*b) {
            out.push(*b);
        }
        if *b == b'"' && !escaped {
            string = !string;
        }
        escaped = string && *b == b'\\' && !escaped;
    }
    if out.len() < text.len() && out.len() >= MOST_LINE {
        out.extend_from_slice("…".as_bytes());
    }
    out
}

impl Dissector for Json {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let [a, b] = &mut self.halves;
        let half = if turn.dir == Dir::ToServer { a } else { b };
        if half.open { half.go_on(r, out) } else { half.begin(r, out) }
    }

    fn end(&mut self, dir: Dir, _: End, out: &mut Out<'_>) {
        let [a, b] = &mut self.halves;
        let half = if dir == Dir::ToServer { a } else { b };
        if std::mem::take(&mut half.open) {
            out.close();
        }
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        size_of::<Json>().saturating_add(self.halves.iter().map(|h| h.line.capacity()).sum())
    }
}

/// Braces begin too many things: who carries JSON says so.
const fn probe(_: &Peek<'_>) -> Verdict {
    Verdict::No
}
