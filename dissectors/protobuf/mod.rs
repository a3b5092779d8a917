//! Protocol Buffers without their schema: the wire format says where fields are and how wide, not what they mean, so that is guessed.
//!
//! A message has no end of its own: whoever carries it says where it ends.

mod fields;
mod guess;
mod parse;

use fields as f;
use wirelore_kit::{AfterGapPromise, Claim, Dir, Dissector, End, Framing, Out, Reader, Relay, Spec, Stop, Turn, Verdict};

/// Protocol Buffers.
pub static SPEC: Spec = Spec {
    name: "protobuf",
    label: "Protocol Buffers",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: f::NOTES,
    claims: &[
        Claim::Named("protobuf"),
        Claim::Content("application/x-protobuf"),
        Claim::Content("application/protobuf"),
        Claim::Content("application/vnd.google.protobuf"),
        Claim::Content("+protobuf"),
        Claim::Content("+proto"),
    ],
    probe: |_| Verdict::No,
    resync: None,
    states: &[],
    after_gap: AfterGapPromise::Never,
    relay: Relay::Opaque,
    middle: None,
    new: |_| Box::new(Protobuf::default()),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// By direction: the line so far; `None` before the first field.
#[derive(Debug, Clone, Default)]
struct Protobuf {
    lines: [Option<String>; 2],
    /// By direction: what follows is no field any more.
    broken: [bool; 2],
}

impl Protobuf {
    fn line(&mut self, dir: Dir) -> &mut Option<String> {
        let [a, b] = &mut self.lines;
        if dir == Dir::ToServer { a } else { b }
    }
}

impl Dissector for Protobuf {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let began = self.line(turn.dir).is_some();
        let [a, b] = &mut self.broken;
        let broken = if turn.dir == Dir::ToServer { a } else { b };
        if *broken {
            r.peek(1)?;
            return r.unknown(r.left());
        }
        let words = match parse::field(r, 0) {
            // What was read before stands; the rest is listed as it is.
            Err(Stop::Bad(what)) if began => {
                *broken = true;
                let left = r.left();
                r.note(what, r.span(left));
                return r.unknown(left);
            }
            other => other?,
        };
        let line = self.line(turn.dir);
        if line.is_none() {
            out.open();
        }
        let line = line.get_or_insert_default();
        parse::join(line, &words);
        out.summary(&line);
        Ok(())
    }

    fn end(&mut self, dir: Dir, how: End, out: &mut Out<'_>) {
        if self.line(dir).take().is_some() && how == End::Fin {
            out.close();
        }
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        size_of::<Protobuf>().saturating_add(self.lines.iter().flatten().map(String::capacity).sum())
    }
}
