//! A toy protocol held to every law, so that the conversation itself is tested without any real protocol.
//!
//! `PUT n\n` + n bytes + `.`; `GET word\n`; `SWITCH\n` hands the stream over to itself; the server answers `OK word\n` to each.

use wirelore_engine::laws::{self, Script, Step};
use wirelore_kit::note::{About, Severity};
use wirelore_kit::row::MessageState;
use wirelore_kit::*;

static LINE: Field = Field::group("toy.line", "Line");
static VERB: Field = Field::new("toy.verb", "Verb", Kind::Text).key();
static ARG: Field = Field::new("toy.arg", "Argument", Kind::Text);
static BODY: Field = Field::new("toy.body", "Body", Kind::Bytes);
static END: Field = Field::new("toy.end", "End mark", Kind::Text);
static BAD_VERB: Note = Note::new("toy.note.verb", "No such verb", Severity::Error, About::Malformed);
static IDLE: State = State { name: "toy.idle", label: "Idle" };
static BUSY: State = State { name: "toy.busy", label: "Busy" };

#[derive(Clone, Default)]
struct Toy {
    left: Option<usize>,
    asked: u64,
    answered: u64,
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
            if !matches!(verb.bytes(), b"PUT" | b"GET" | b"SWITCH" | b"OK") {
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
    for verb in [&b"PUT "[..], b"GET ", b"SWITCH"] {
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
    let starts: &[&[u8]] = if dir == Dir::ToServer { &[b"PUT ", b"GET "] } else { &[b"OK "] };
    (0..b.len()).find(|i| starts.iter().any(|s| b[*i..].starts_with(s)))
}

static SPEC: Spec = Spec {
    name: "toy",
    label: "Toy",
    framing: Framing::Stream,
    fields: &[&LINE, &VERB, &ARG, &BODY, &END],
    notes: &[&BAD_VERB],
    claims: &[Claim::Tcp(7777)],
    probe,
    resync: Some(resync),
    states: &[&IDLE, &BUSY],
    after_gap: AfterGapPromise::Within(1),
    relay: Relay::Opaque,
    rewrite: None,
    new: |_| Box::new(Toy::default()),
    explain: &[],
};
static TABLE: &[&Spec] = &[&SPEC];

fn talk() -> Script {
    Script::tcp(7777)
        .bytes(0, b"GET one\nPUT 11\nhello")
        .bytes(1, b"OK one\n")
        .bytes(0, b" world.GET two\n")
        .bytes(1, b"OK pu")
        .bytes(1, b"t\nOK two\n")
        .ended()
}

#[test]
fn messages_pair_and_close() {
    let r = laws::read(TABLE, &talk(), Level::Tree);
    let t = laws::transcript(&r);
    assert_eq!(r.messages.len(), 6, "{t}");
    assert!(r.messages.iter().all(|m| m.state == MessageState::Whole), "{t}");
    assert_eq!(r.messages[1].summary, "PUT 11\\n");
    assert_eq!(r.messages[1].packets, (0, 2));
    assert_eq!(r.messages[2].exchange, Some((1, false)), "{t}");
    assert_eq!(r.inner.values().next().map(Vec::as_slice), Some(&b"hello world"[..]));
    assert_eq!(r.messages[1].nodes.iter().filter(|n| n.field.is(&BODY)).count(), 1, "pieces are joined: {t}");
}

#[test]
fn every_law_holds() {
    laws::all(TABLE, &talk(), 10_000).unwrap();
    laws::prefix_stable(TABLE, b"GET one\n", b"OK one\n", (50_000, 7777), Transport::Tcp).unwrap();
}

#[test]
fn an_answer_that_came_too_early_waits_for_its_question() {
    let s = Script::tcp(7777).bytes(0, b"GET one\n").bytes(1, b"OK one\nOK two\n").bytes(0, b"GET two\n").ended();
    let r = laws::read(TABLE, &s, Level::Tree);
    let order: Vec<&str> = r.messages.iter().map(|m| m.summary.as_str()).collect();
    assert_eq!(order, ["GET one\\n", "OK one\\n", "GET two\\n", "OK two\\n"]);
    laws::all(TABLE, &s, 1000).unwrap();
}

#[test]
fn the_heir_reads_on_where_the_old_one_stopped() {
    let s = Script::tcp(7777).bytes(0, b"SWITCH\nGET a\n").bytes(1, b"OK a\n").ended();
    let r = laws::read(TABLE, &s, Level::Tree);
    assert_eq!(r.messages.len(), 3, "{}", laws::transcript(&r));
    assert_eq!(r.identified.len(), 2);
    laws::chunking(TABLE, &s, 1000).unwrap();
}

#[test]
fn bytes_that_are_no_message_are_a_row_and_reading_goes_on() {
    let s = Script::tcp(7777).bytes(0, b"GET a\nrubbish rubbish rubbish rubbish\nGET b\n").ended();
    let r = laws::read(TABLE, &s, Level::Tree);
    let t = laws::transcript(&r);
    assert_eq!(
        r.messages.iter().map(|m| m.state).collect::<Vec<_>>(),
        [MessageState::Whole, MessageState::Bad, MessageState::Whole],
        "{t}"
    );
    assert!(r.messages[1].notes.contains(&"toy.note.verb"), "{t}");
    for m in &r.messages {
        laws::spans(m).unwrap_or_else(|e| panic!("{e}\n{t}"));
    }
    laws::chunking(TABLE, &s, 1000).unwrap();
}

#[test]
fn a_wrong_guess_is_withdrawn_and_the_bytes_are_left() {
    let s = Script::tcp(7777).bytes(0, b"EHLO there, this is something else\n").ended();
    let r = laws::read(TABLE, &s, Level::Tree);
    assert!(r.messages.is_empty() && r.identified.is_empty());
}

#[test]
fn a_hole_in_a_counted_body_is_carried() {
    let mut s = Script::tcp(7777).bytes(0, b"PUT 11\nhel");
    s.steps.push(Step::Gap(0, 4));
    let s = s.bytes(0, b"orld.GET x\n").ended();
    let r = laws::read(TABLE, &s, Level::Tree);
    let t = laws::transcript(&r);
    assert_eq!(r.messages.len(), 2, "{t}");
    assert!(r.messages[0].notes.contains(&"data.note.hole") && r.messages[0].state == MessageState::Whole, "{t}");
}

#[test]
fn an_end_inside_a_message_is_told_as_cut() {
    let s = Script::tcp(7777).bytes(0, b"GET a\nPUT 50\nabc").ended();
    let r = laws::read(TABLE, &s, Level::Tree);
    let t = laws::transcript(&r);
    assert_eq!(r.messages[1].state, MessageState::Cut, "{t}");
    let s = Script::tcp(7777).bytes(0, b"GET a\nGET no end").ended();
    let r = laws::read(TABLE, &s, Level::Tree);
    let t = laws::transcript(&r);
    assert_eq!(r.messages[1].state, MessageState::Cut, "{t}");
    laws::all(TABLE, &s, 1000).unwrap();
}

#[test]
fn a_message_was_done_before_it_began_when_its_packets_came_in_another_order() {
    // Packet 9 filled the hole before what packet 4 had brought: the message is complete with packet 9.
    let mut script = Script::tcp(7);
    script.steps.push(Step::Bytes(0, b"GET ".to_vec(), 9));
    script.steps.push(Step::Bytes(0, b"tea\n".to_vec(), 4));
    script.steps.push(Step::Bytes(0, b"GET cake\n".to_vec(), 5));
    let read = laws::read(TABLE, &script.ended(), Level::Rows);
    let packets: Vec<(u32, u32)> = read.messages.iter().map(|m| m.packets).collect();
    assert_eq!(packets, [(9, 9), (5, 5)]);
}
