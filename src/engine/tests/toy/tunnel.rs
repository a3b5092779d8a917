//! A toy tunnel: frames that carry streams, as they are or masked, to any depth.
//!
//! A frame is a kind, a key, a length of two bytes, and bytes. `D`: bytes of the stream `key` as they are; `M`: masked with 0x5a;
//! `G`: a datagram of it; `W`: four bytes of a wide key, then bytes of that toy stream; `K`: masked with the secret `TOY` of the key, if that is given; `E`: the stream ends in this direction. The inner streams are the toy protocol, or a tunnel where the key is 100 or more;
//! those of key 200 or more are contents.

use wirelore_kit::note::{About, Severity};
use wirelore_kit::*;

static FRAME: Field = Field::group("tunnel.frame", "Frame");
static KIND: Field = Field::new("tunnel.kind", "Kind", Kind::Text).key();
static KEY: Field = Field::new("tunnel.key", "Stream", Kind::Dec).key();
static LEN: Field = Field::new("tunnel.len", "Length", Kind::Dec);
pub static DATA: Field = Field::new("tunnel.data", "Data", Kind::Bytes);
static BAD_KIND: Note = Note::new("tunnel.note.kind", "No such frame", Severity::Error, About::Malformed);

#[derive(Clone, Default)]
struct Tunnel;

impl Dissector for Tunnel {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        r.group(&FRAME, |r| {
            let kind = *r.peek(1)?.first().ok_or(Stop::Short { need: 1 })?;
            if !b"DMEKGW".contains(&kind) {
                return Err(Stop::Bad(&BAD_KIND));
            }
            r.text(&KIND, 1)?;
            let key = r.u8(&KEY)?;
            let len = usize::from(r.u16(&LEN)?);
            let hint = match key {
                200.. => Hint::media("toy/content"),
                100.. => Hint::Proto("tunnel"),
                _ => Hint::Proto("toy"),
            };
            let span = r.span(len);
            let bytes = r.bytes(&DATA, len)?;
            let key = u64::from(key);
            match kind {
                b'D' => out.inner(key, turn.dir, span, How::Verbatim, hint),
                b'M' => {
                    let mut made = out.memory();
                    made.extend(bytes.iter().map(|b| b ^ 0x5a));
                    out.inner_made(key, turn.dir, made, span, How::Decrypted, hint);
                }
                b'G' => out.inner_datagram(key, turn.dir, bytes.to_vec(), span, How::Verbatim, hint),
                b'W' => {
                    let wide = bytes.iter().take(4).fold(1000, |n, b| n * 256 + u64::from(*b));
                    let rest = Span::new(span.buf, span.at + 4, span.len.saturating_sub(4));
                    out.inner(wide, turn.dir, rest, How::Verbatim, Hint::Proto("toy"));
                }
                b'K' => {
                    let id = SecretId { label: "TOY".into(), of: vec![key as u8].into() };
                    match turn.secrets.find(&id).and_then(|s| s.first().copied()) {
                        Some(mask) => {
                            let made = bytes.iter().map(|b| b ^ mask).collect();
                            out.inner_made(key, turn.dir, made, span, How::Decrypted, hint);
                        }
                        None => out.wants(id),
                    }
                }
                _ => out.inner_end(key, turn.dir, End::Fin),
            }
            out.summary(format_args!("{} {key} {len}", char::from(kind)));
            Ok(())
        })
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        0
    }
}

fn probe(p: &Peek<'_>) -> Verdict {
    match p.to_server.first() {
        Some(b'D' | b'M' | b'E' | b'K' | b'G' | b'W') => Verdict::Likely,
        Some(_) => Verdict::No,
        None => Verdict::More,
    }
}

fn resync(b: &[u8], _: Dir) -> Option<usize> {
    b.windows(3).position(|w| b"DMEKGW".contains(&w[0]) && w[2] == 0)
}

pub static SPEC: Spec = Spec {
    name: "tunnel",
    label: "Tunnel",
    framing: Framing::Stream,
    fields: &[&FRAME, &KIND, &KEY, &LEN, &DATA],
    notes: &[&BAD_KIND],
    claims: &[Claim::Tcp(8888)],
    probe,
    resync: Some(resync),
    states: &[],
    after_gap: AfterGapPromise::Within(1),
    relay: Relay::Opaque,
    middle: None,
    new: |_| Box::new(Tunnel),
    explain: &[],
};

/// The secret of every key.
pub const SECRET: u8 = 0x33;

/// A frame.
pub fn frame(kind: u8, key: u8, bytes: &[u8]) -> Vec<u8> {
    let mut f = vec![kind, key];
    f.extend((bytes.len() as u16).to_be_bytes());
    f.extend(bytes.iter().map(|b| match kind {
        b'M' => b ^ 0x5a,
        b'K' => b ^ SECRET,
        _ => *b,
    }));
    f
}
