//! Parley, a made-up protocol to copy: two sides say numbered lines to each other over TCP port 7117, and each line is acknowledged.
//!
//! It shows what nearly every protocol needs: frames with a length, a probe, pairs, states, a note, and starting again behind a gap.

mod fields;
mod parse;

use fields as f;
use parse::Frame;
use wirelore_kit::{
    AfterGapPromise, Claim, Dir, Dissector, Framing, More, Out, Peek, Reader, Relay, Spec, Stop, Transport, Turn, Verdict,
};

/// All that the house knows of the protocol; its one row in `dissectors/lib.rs` names this.
pub static SPEC: Spec = Spec {
    name: "parley",
    label: "Parley",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: f::NOTES,
    claims: &[Claim::Tcp(7117)],
    probe,
    resync: Some(resync),
    states: f::STATES,
    after_gap: AfterGapPromise::Within(1),
    relay: Relay::Opaque,
    middle: None,
    new: |_| Box::new(Parley::default()),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// What must be remembered between messages: here only how many lines each side waits for.
#[derive(Debug, Clone, Default)]
struct Parley {
    open: [u32; 2],
}

impl Dissector for Parley {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        // Read as if all bytes were there: `?` goes up when they are not, and the call is made again later.
        let from = r.at();
        let frame = r.group(&f::PARLEY, parse::frame)?;
        // Behind the last `?` nothing can fail: only now may the state change.
        let [client, server] = &mut self.open;
        let (mine, others) = if turn.dir == Dir::ToServer { (client, server) } else { (server, client) };
        match frame {
            Frame::Say { number, text, urgent } => {
                *mine = mine.saturating_add(1);
                out.asks(key(turn.dir, number));
                out.state(turn.dir.sender(), &f::WAITING);
                out.summary(format_args!("{}{number}: {text}", if urgent { "urgent " } else { "" }));
            }
            Frame::Heard { number } => {
                if *others == 0 {
                    r.note(&f::NOTHING_SAID, r.since(from));
                }
                *others = others.saturating_sub(1);
                out.answers(key(turn.dir.other(), number), More::No);
                if *others == 0 {
                    out.state(turn.dir.other().sender(), &f::IDLE);
                }
                out.summary(format_args!("heard {number}"));
            }
        }
        Ok(())
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        size_of::<Parley>()
    }
}

/// Both sides number their own lines, so a pair is known by number and side.
const fn key(said_in: Dir, number: u16) -> u64 {
    ((said_in as u64) << 16) | number as u64
}

/// Anything but `More` must stay true however many bytes follow.
fn probe(peek: &Peek<'_>) -> Verdict {
    let bytes = if peek.to_server.is_empty() { peek.to_client } else { peek.to_server };
    match bytes.get(..parse::MAGIC.len()) {
        _ if peek.transport != Transport::Tcp => Verdict::No,
        Some(start) if start == parse::MAGIC => Verdict::Sure,
        None if parse::MAGIC.starts_with(bytes) && !peek.ended => Verdict::More,
        _ => Verdict::No,
    }
}

/// Behind a gap: the next place where a frame may begin.
fn resync(bytes: &[u8], _: Dir) -> Option<usize> {
    bytes.windows(parse::MAGIC.len()).position(|w| w == parse::MAGIC)
}
