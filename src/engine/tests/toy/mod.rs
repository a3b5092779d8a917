//! A toy protocol for tests of the frame.
//!
//! `OPEN port\n` announces a connection to that port of the server, `WANT word\n` says what for; `PUT n\n` + n bytes + `.`; `GET word\n`; `SWITCH\n` hands the stream over to itself; the server answers `OK word\n` to each.
#![allow(dead_code, reason = "each test file uses what it needs")]

pub mod data;
pub mod tunnel;

use wirelore_kit::note::{About, Severity};
use wirelore_kit::*;

static LINE: Field = Field::group("toy.line", "Line");
static VERB: Field = Field::new("toy.verb", "Verb", Kind::Text).key();
static ARG: Field = Field::new("toy.arg", "Argument", Kind::Text);
pub static BODY: Field = Field::new("toy.body", "Body", Kind::Bytes);
static END: Field = Field::new("toy.end", "End mark", Kind::Text);
static BAD_VERB: Note = Note::new("toy.note.verb", "No such verb", Severity::Error, About::Malformed);
static IDLE: State = State { name: "toy.idle", label: "Idle" };
static BUSY: State = State { name: "toy.busy", label: "Busy" };

/// Connections to these ports are announced to another host.
pub static FOREIGN: &[(u16, [u8; 4])] = &[(6100, [192, 0, 2, 77])];

#[derive(Clone, Default)]
struct Toy {
    left: Option<usize>,
    asked: u64,
    answered: u64,
    announced: u64,
}

impl Dissector for Toy {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        if turn.dir == Dir::ToServer
            && let Some(left) = self.left
        {
            if left == 0 {
                r.text(&END, 1)?;
                out.close();
                self.left = None;
                return Ok(());
            }
            let n = left.min(r.left());
            if n == 0 {
                return Err(Stop::Short { need: 1 });
            }
            let at = r.span(n);
            r.bytes(&BODY, n)?;
            out.piece(at);
            out.inner(7, Dir::ToServer, at, How::Verbatim, Hint::Bytes("body"));
            self.left = Some(left - n);
            return Ok(());
        }
        if turn.dir == Dir::ToClient && self.answered >= self.asked && !turn.other_ended {
            return Err(Stop::Wait);
        }
        let (verb, arg) = r.group(&LINE, |r| {
            let n = r.seek(|b, from| b.get(from..)?.iter().position(|b| *b == b'\n').map(|i| i + from))?;
            let line = r.peek(n)?;
            let space = line.iter().position(|b| *b == b' ').unwrap_or(n);
            let verb = r.text(&VERB, space)?;
            if !matches!(verb.bytes(), b"PUT" | b"GET" | b"SWITCH" | b"OK" | b"OPEN" | b"WANT") {
                return Err(Stop::Bad(&BAD_VERB));
            }
            let arg = r.text(&ARG, n + 1 - space)?;
            Ok((verb, arg.to_string()))
        })?;
        out.summary(format_args!("{verb} {}", arg.trim()));
        if turn.dir == Dir::ToServer {
            self.asked += 1;
            out.asks(self.asked);
            out.state(Side::Server, &BUSY);
            if verb.is("PUT") {
                self.left = Some(arg.trim().trim_end_matches("\\n").parse().unwrap_or(0));
                out.open();
            }
            let word = arg.trim().trim_end_matches("\\n");
            if verb.is("OPEN") {
                let port = word.parse().unwrap_or(0);
                self.announced = self.asked;
                out.expect(Expect {
                    from: None,
                    from_port: None,
                    to: FOREIGN.iter().find(|f| f.0 == port).map(|f| f.1.into()).or(turn.start.server.map(|s| s.0)),
                    to_port: Some(port),
                    transport: Transport::Tcp,
                    hint: Hint::Proto("toy.data"),
                    key: self.announced,
                    about: "".into(),
                    within: 60_000_000_000,
                });
            }
            if verb.is("WANT") {
                out.about(self.announced, word);
            }
            if verb.is("OPEN") || verb.is("WANT") {
                out.concerns(self.announced);
            }
            if verb.is("SWITCH") {
                out.becomes(Hint::Proto("toy"));
            }
        } else {
            self.answered += 1;
            out.answers(self.answered, More::No);
            out.state(Side::Server, &IDLE);
        }
        Ok(())
    }
    fn gap(&mut self, dir: Dir, missing: u64, _: &mut Out<'_>) -> AfterGap {
        match (dir, self.left) {
            (Dir::ToServer, Some(left)) if (missing as u128) <= left as u128 => {
                self.left = Some(left - missing as usize);
                AfterGap::Carry
            }
            (Dir::ToServer, _) => {
                self.left = None;
                AfterGap::Resync
            }
            _ => AfterGap::Resync,
        }
    }
    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }
    fn weight(&self) -> usize {
        size_of::<Self>()
    }
}

fn probe(p: &Peek<'_>) -> Verdict {
    for verb in [&b"PUT "[..], b"GET ", b"OPEN ", b"WANT ", b"SWITCH"] {
        if p.to_server.starts_with(verb) {
            return Verdict::Sure;
        }
        if verb.starts_with(p.to_server) && !p.ended {
            return Verdict::More;
        }
    }
    Verdict::No
}

fn resync(b: &[u8], dir: Dir) -> Option<usize> {
    let starts: &[&[u8]] = if dir == Dir::ToServer { &[b"PUT ", b"GET ", b"OPEN ", b"WANT "] } else { &[b"OK "] };
    (0..b.len()).find(|i| starts.iter().any(|s| b[*i..].starts_with(s)))
}

pub static SPEC: Spec = Spec {
    name: "toy",
    label: "Toy",
    framing: Framing::Stream,
    fields: &[&LINE, &VERB, &ARG, &BODY, &END],
    notes: &[&BAD_VERB],
    claims: &[Claim::Tcp(7777), Claim::Content("toy/content")],
    probe,
    resync: Some(resync),
    states: &[&IDLE, &BUSY],
    after_gap: AfterGapPromise::Within(1),
    relay: Relay::Opaque,
    middle: None,
    new: |_| Box::new(Toy::default()),
    explain: &[],
};
