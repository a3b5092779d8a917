//! Letters (RFC 5322) and their parts (MIME, RFC 2045 to 2049): an inner stream that mail protocols hand on, one letter each.
//!
//! The head is read when all of it is there; the body as it comes. Parts are inner streams of the letter, encodings undone; a letter inside
//! a letter is an inner conversation of its own.

mod fields;
mod head;
mod notes;
mod parts;
pub mod words;

use fields as f;
use head::Head;
use notes as n;
use parts::Body;
use wirelore_kit::{
    AfterGap, AfterGapPromise, Claim, Dir, Dissector, End, Fact, Framing, Out, Peek, Reader, Relay, Side, Span, Spec, Start,
    Stop, Text, Turn, Verdict,
};

/// Letters.
pub static SPEC: Spec = Spec {
    name: "imf",
    label: "Letter",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: n::ALL,
    claims: &[Claim::Media("message/rfc822"), Claim::Named("imf")],
    probe: |_: &Peek<'_>| Verdict::No,
    resync: None,
    states: f::STATES,
    after_gap: AfterGapPromise::Never,
    relay: Relay::Opaque,
    middle: None,
    new: |start| Box::new(Letter::new(start)),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// A head is not waited for beyond so many bytes.
const MOST_HEAD: usize = 1 << 20;
/// So many recipients of the envelope are compared with the headers.
const MOST_COMPARED: usize = 64;

/// The state machine of one letter.
#[derive(Debug, Clone)]
struct Letter {
    body: Option<Box<Body>>,
    facts: Box<[Fact]>,
    /// The one direction in which it travels.
    dir: Option<Dir>,
}

impl Letter {
    fn new(start: &Start) -> Letter {
        Letter { body: None, facts: start.hint.facts().into(), dir: None }
    }

    fn fact<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s [u8]> {
        self.facts.iter().filter(move |f| f.from == Side::Client && &*f.name == name).map(|f| &*f.value)
    }

    fn read_head(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let mut too_long = false;
        let len = match r.seek(head::end) {
            Ok(len) if len <= MOST_HEAD => len,
            Err(Stop::Bad(_)) => r.left(),
            Err(stop) if r.left() <= MOST_HEAD => return Err(stop),
            _ => {
                too_long = true;
                0
            }
        };
        let first = r.rest();
        let headless = !matches!(first, [b'\r' | b'\n', ..]) && !head::is_header(first);
        let len = if headless { 0 } else { len };
        let whole = r.span(len);
        let start = r.span(0);
        let mut body = None;
        let mut summary = Head::default();
        r.group(&f::IMF, |r| {
            for from in self.fact("mail-from") {
                r.derived(&f::ENVELOPE_FROM, start, if from.is_empty() { "<>".to_owned() } else { Text(from).to_string() });
            }
            for to in self.fact("rcpt-to") {
                r.derived(&f::ENVELOPE_TO, start, Text(to).to_string());
            }
            let head = head::read(r, len, false)?;
            body = Some(Box::new(Body::new(r, out, &head, whole)));
            summary = head;
            Ok(())
        })?;
        if too_long {
            r.note(&n::HEAD_TOO_LONG, start);
        }
        self.judge(r, &summary, headless, whole);
        if len == 0
            && let Some(body) = &mut body
        {
            // Nothing was taken so far: the body begins at once.
            body.read(turn, r, out)?;
        }
        self.body = body;
        self.dir = Some(turn.dir);
        out.open();
        out.state(turn.dir.sender(), &f::BODY);
        let subject = summary.subject.as_deref().map_or("(no subject)", str::trim);
        match (summary.sender.as_str(), headless) {
            (_, true) => out.summary("A letter without headers"),
            ("", _) => out.summary_of(&[Text(subject.as_bytes())]),
            (sender, _) => out.summary_of(&[Text(subject.as_bytes()), Text(b", from "), Text(sender.as_bytes())]),
        }
        Ok(())
    }

    /// Notes what only the head as a whole shows.
    fn judge(&self, r: &mut Reader<'_>, head: &Head, headless: bool, whole: Span) {
        if headless {
            return r.note(&n::NO_HEADERS, whole);
        }
        if head.from.is_empty() {
            r.note(&n::NO_FROM, whole);
        }
        if !head.dated {
            r.note(&n::NO_DATE, whole);
        }
        let same = |a: &str, b: &[u8]| a.as_bytes().eq_ignore_ascii_case(b);
        if let Some(from) = self.fact("mail-from").next()
            && !from.is_empty()
            && !head.from.is_empty()
            && !head.from.iter().any(|a| same(a, from))
        {
            r.note(&n::ENVELOPE_DIFFERS, whole);
        }
        if self.fact("rcpt-to").take(MOST_COMPARED).any(|to| !head.to.iter().any(|a| same(a, to))) {
            r.note(&n::RECIPIENT_UNNAMED, whole);
        }
    }
}

impl Dissector for Letter {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        match &mut self.body {
            None => self.read_head(turn, r, out),
            Some(body) => body.read(turn, r, out),
        }
    }

    fn gap(&mut self, _: Dir, _: u64, out: &mut Out<'_>) -> AfterGap {
        match &mut self.body {
            Some(body) => {
                body.lost(out);
                AfterGap::Carry
            }
            // Without the whole head nobody knows what the body is.
            None => AfterGap::GiveUp,
        }
    }

    fn end(&mut self, dir: Dir, how: End, out: &mut Out<'_>) {
        if self.dir == Some(dir)
            && let Some(mut body) = self.body.take()
        {
            body.end(how, out);
            if how == End::Fin {
                out.state(dir.sender(), &f::DONE);
                out.close();
            }
        }
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        let facts: usize = self.facts.iter().map(|f| f.value.len().saturating_add(size_of::<Fact>())).sum();
        let body = self.body.as_ref().map_or(0, |b| size_of::<Body>().saturating_add(b.weight()));
        size_of::<Letter>().saturating_add(facts).saturating_add(body)
    }
}
