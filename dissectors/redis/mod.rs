//! Redis' protocol, RESP2 and RESP3: commands with their answers, pipelines, inline commands, pushed messages.
//!
//! Answers are paired with commands by their order; what the server pushes (messages of channels, invalidations) answers nothing.

mod fields;
mod middle;
mod value;

use fields as f;
use std::collections::VecDeque;
use value::{Progress, Shown, Size};
use wirelore_kit::{
    AfterGap, AfterGapPromise, Claim, Dir, Dissector, F, Framing, More, Out, Peek, Reader, Relay, Side, Spec, Stop, Text,
    Transport, Turn, Verdict,
};

/// Redis.
pub static SPEC: Spec = Spec {
    name: "resp",
    label: "Redis",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: f::NOTES,
    claims: &[Claim::Tcp(6379), Claim::Named("redis"), Claim::Named("resp")],
    probe,
    resync: Some(resync),
    states: f::STATES,
    after_gap: AfterGapPromise::Within(1),
    relay: Relay::Opaque,
    middle: Some(middle::SERVE),
    new: |_| Box::new(Redis::default()),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// So many commands are remembered while they wait; of more the oldest are let go.
const MOST_ASKED: usize = 4096;
/// A value of more bytes is not waited for.
const MOST_WAITED: usize = 3 << 20;

#[derive(Debug, Clone, Default)]
struct Redis {
    asked: VecDeque<u64>,
    next: u64,
    progress: [Progress; 2],
    /// Commands may be lost in a hole.
    lost: bool,
    listening: bool,
}

impl Redis {
    fn command(&mut self, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let shown = r.group(&f::RESP, |r| value::value(r, 0, None, Some(&naming)))?;
        let [name, key, _] = shown.first;
        let upper = name.to_ascii_uppercase();
        let secret = matches!(&*upper, b"AUTH" | b"HELLO");
        self.asks(&upper, out);
        let rest = usize::try_from(shown.count).unwrap_or(0).saturating_sub(2);
        match (secret || key.is_empty(), rest) {
            (true, _) => out.summary(Text(&upper)),
            (_, 0) => out.summary(format_args!("{} {}", Text(&upper), Text(short(key)))),
            (_, 1) => out.summary(format_args!("{} {} {}", Text(&upper), Text(short(key)), Text(short(shown.first[2])))),
            (_, n) => out.summary(format_args!("{} {} … {n} more", Text(&upper), Text(short(key)))),
        }
        Ok(())
    }

    /// A line as one types it (§ Inline commands).
    fn inline(&mut self, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let end = match memchr::memchr(b'\n', r.rest()) {
            Some(end) => end,
            None if r.left() > 4096 => return Err(Stop::Bad(&f::NOT_RESP)),
            None => return r.peek(r.left().saturating_add(1)).map(|_| ()),
        };
        let line = r.peek(end)?;
        let text = line.strip_suffix(b"\r").unwrap_or(line);
        if text.is_empty() || !text.iter().all(|b| matches!(b, b' '..=b'~' | b'\t')) {
            return Err(Stop::Bad(&f::NOT_RESP));
        }
        let word = text.split(|b| *b == b' ').next().unwrap_or(text);
        let upper = word.to_ascii_uppercase();
        let secret = upper == b"AUTH";
        r.group(&f::RESP, |r| {
            r.text(&f::COMMAND, word.len())?;
            let rest = text.len().saturating_sub(word.len());
            if rest > 0 {
                r.text(if secret { &f::SECRET } else { &f::INLINE }, rest)?;
            }
            r.bytes(&f::MARK, end.saturating_add(1).saturating_sub(text.len())).map(|_| ())
        })?;
        self.asks(&upper, out);
        out.summary(Text(if secret { &upper } else { short(text) }));
        Ok(())
    }

    fn asks(&mut self, name: &[u8], out: &mut Out<'_>) {
        let key = self.next;
        self.next = key.wrapping_add(1);
        if self.asked.len() >= MOST_ASKED {
            self.asked.pop_front();
        }
        self.asked.push_back(key);
        out.asks(key);
        let state = match name {
            b"MULTI" => &f::QUEUING,
            b"SUBSCRIBE" | b"PSUBSCRIBE" | b"SSUBSCRIBE" | b"MONITOR" => {
                self.listening = true;
                &f::LISTENING
            }
            _ => &f::WAITING,
        };
        out.state(Side::Client, state);
    }

    fn answer(&mut self, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let from = r.at();
        let shown = r.group(&f::RESP, |r| value::value(r, 0, None, None))?;
        let [kind, channel, message] = shown.first;
        let pushed = shown.sign == b'>'
            || (self.listening && shown.sign == b'*' && matches!(kind, b"message" | b"pmessage" | b"smessage"));
        if pushed {
            out.summary(format_args!("{} {}: {}", Text(short(kind)), Text(short(channel)), Text(short(message))));
            return Ok(());
        }
        match self.asked.pop_front() {
            Some(key) => out.answers(key, More::No),
            None if !self.lost && !self.listening => r.note(&f::NOT_ASKED, r.since(from)),
            None => {}
        }
        if self.asked.is_empty() && !self.listening {
            out.state(Side::Client, &f::IDLE);
        }
        match &shown {
            Shown { null: true, .. } => out.summary("null"),
            Shown { sign: b'*' | b'~' | b'%', count, .. } => {
                let what = match (shown.sign, count) {
                    (b'%', 1) => "pair",
                    (b'%', _) => "pairs",
                    (_, 1) => "element",
                    _ => "elements",
                };
                out.summary(format_args!("{count} {what}"));
            }
            Shown { sign: b'-' | b'!', text, .. } => out.summary(format_args!("error: {}", Text(text))),
            Shown { text, .. } => out.summary(Text(short(text))),
        }
        Ok(())
    }
}

fn short(b: &[u8]) -> &[u8] {
    b.get(..b.len().min(200)).unwrap_or(b)
}

/// What the words of a command are: its name, the key, the rest; passwords are masked.
fn naming(index: usize, before: &[&[u8]; 3]) -> F {
    let [name, second, _] = before;
    let is = |s: &str| name.eq_ignore_ascii_case(s.as_bytes());
    match index {
        0 => &f::COMMAND,
        _ if is("AUTH") => &f::SECRET,
        3.. if is("HELLO") || is("ACL") => &f::SECRET,
        3.. if is("CONFIG") && second.eq_ignore_ascii_case(b"SET") => &f::SECRET,
        1 => &f::KEY,
        _ => &f::BULK_VALUE,
    }
}

impl Dissector for Redis {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let client = turn.dir == Dir::ToServer;
        let first = r.rest().first().copied().unwrap_or(0);
        if client && first.is_ascii_alphabetic() {
            return self.inline(r, out);
        }
        let [a, b] = &mut self.progress;
        let size = value::size(r.rest(), r.at(), if client { a } else { b });
        match size {
            Size::Bad => Err(Stop::Bad(&f::NOT_RESP)),
            Size::More(need) if need > MOST_WAITED => Err(Stop::Bad(&wirelore_kit::note::TOO_LONG)),
            Size::More(need) => r.peek(need).map(|_| ()),
            Size::Whole(_) if client && first == b'*' => self.command(r, out),
            Size::Whole(_) => self.answer(r, out),
        }
    }

    fn gap(&mut self, _: Dir, _: u64, _: &mut Out<'_>) -> AfterGap {
        // Which answer belongs to which command is lost until all is quiet.
        self.lost = true;
        self.asked.clear();
        AfterGap::Resync
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        size_of::<Redis>().saturating_add(self.asked.capacity().saturating_mul(8))
    }
}

/// Behind a gap: a sign at the beginning of a line.
fn resync(bytes: &[u8], dir: Dir) -> Option<usize> {
    let fits = |b: &[u8]| match b {
        [b'*' | b'%' | b'~' | b'>', rest @ ..] => counted(rest),
        [b'+' | b'-', c, ..] if dir == Dir::ToClient => c.is_ascii_alphabetic(),
        [b'$' | b':', rest @ ..] if dir == Dir::ToClient => counted(rest),
        _ => false,
    };
    (0..bytes.len()).find(|i| {
        let line = *i == 0 || i.checked_sub(1).and_then(|p| bytes.get(p)) == Some(&b'\n');
        line && fits(bytes.get(*i..).unwrap_or(&[]))
    })
}

/// Digits and the end of a line.
fn counted(b: &[u8]) -> bool {
    let digits = b.iter().take(10).take_while(|c| c.is_ascii_digit() || **c == b'-').count();
    digits > 0 && b.get(digits..).is_some_and(|e| e.starts_with(b"\r\n"))
}

/// An array of bulk strings is sure: `*N` and `$N`, each with CR LF. What the server begins with, and lines, need the port.
fn probe(peek: &Peek<'_>) -> Verdict {
    if peek.transport != Transport::Tcp {
        return Verdict::No;
    }
    let more = if peek.ended { Verdict::No } else { Verdict::More };
    match peek.to_server {
        [b'*', rest @ ..] => {
            let count = rest.iter().take_while(|c| c.is_ascii_digit()).count();
            let behind = rest.get(count..).unwrap_or(&[]);
            if count > 7 || (count == 0 && !behind.is_empty()) {
                return Verdict::No;
            }
            match behind {
                [b'\r', b'\n', b'$', digit, ..] if digit.is_ascii_digit() => Verdict::Sure,
                b"" | b"\r" | b"\r\n" | b"\r\n$" => more,
                _ => Verdict::No,
            }
        }
        [c, ..] if c.is_ascii_alphabetic() => Verdict::Likely,
        [_, ..] => Verdict::No,
        [] => match peek.to_client {
            [] => more,
            [c, ..] if value::is_type(*c) => Verdict::Likely,
            _ => Verdict::No,
        },
    }
}
