//! Frames of a deciphered packet (RFC 9000 §19): the inner conversation that shows them, and the walk that the connection makes over them.

use super::fields as f;
use crate::coding::varint;
use wirelore_kit::{
    AfterGapPromise, BitRange, BufId, Claim, Dissector, F, Framing, Level, Memo, Out, Peek, Reader, Relay, Sink, Spec, Stop,
    Text, Turn, Verdict,
};

/// What is inside of packets: each a datagram of frames.
pub static SPEC: Spec = Spec {
    name: "quic.frames",
    label: "QUIC frames",
    framing: Framing::Datagram,
    fields: f::FRAMES,
    notes: f::FRAME_NOTES,
    claims: &[Claim::Named("quic.frames")],
    probe: |_: &Peek<'_>| Verdict::No,
    resync: None,
    states: &[],
    after_gap: AfterGapPromise::Within(0),
    relay: Relay::Opaque,
    middle: None,
    new: |_| Box::new(Frames),
    explain: &[("en", include_str!("frames.explain.en.toml"))],
};

#[derive(Debug, Clone, Copy)]
struct Frames;

impl Dissector for Frames {
    fn read(&mut self, _: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let mut line = String::new();
        r.group(&f::PAYLOAD_FRAMES, |r| {
            while r.left() > 0 {
                let at = r.span(1);
                let seen = match r.group(&f::FRAME, frame) {
                    Ok(seen) => seen,
                    Err(Stop::Bad(what)) => {
                        r.note(what, at);
                        return r.unknown(r.left());
                    }
                    Err(stop) => return Err(stop),
                };
                seen.tell(&mut line);
            }
            Ok(())
        })?;
        out.summary(line);
        Ok(())
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(*self))
    }

    fn weight(&self) -> usize {
        size_of::<Frames>()
    }
}

/// What one frame says, as far as the connection or a list wants to know.
pub(super) enum Seen<'a> {
    Crypto { offset: u64, data: &'a [u8] },
    Stream { id: u64, offset: u64, data: &'a [u8], fin: bool },
    NewId { id: &'a [u8] },
    Close { line: String },
    Other(u64),
}

impl Seen<'_> {
    fn tell(&self, line: &mut String) {
        if line.len() > 400 {
            return;
        }
        let padding = matches!(self, Seen::Other(0));
        if padding && line.ends_with("PADDING") {
            return;
        }
        if !line.is_empty() {
            line.push_str(", ");
        }
        let told = match self {
            Seen::Crypto { offset, data } => format!("CRYPTO {offset}+{}", data.len()),
            Seen::Stream { id, offset, data, fin } => {
                format!("STREAM {id} {offset}+{}{}", data.len(), if *fin { " FIN" } else { "" })
            }
            Seen::NewId { .. } => "NEW_CONNECTION_ID".into(),
            Seen::Close { line } => line.clone(),
            Seen::Other(kind) => f::FRAME_TYPE.name_of(*kind).map_or_else(|| format!("frame 0x{kind:x}"), String::from),
        };
        line.push_str(&told);
    }
}

/// Tells `to` of each frame of `plain` until one cannot be read.
pub(super) fn walk(plain: &[u8], mut to: impl FnMut(Seen<'_>)) {
    let (mut sink, mut memo) = (Sink::default(), Memo::default());
    let mut r = Reader::new(plain, BufId::default(), 0, true, Level::Rows, &mut sink, &mut memo);
    while r.left() > 0 {
        match frame(&mut r) {
            Ok(seen) => to(seen),
            Err(_) => return,
        }
    }
}

/// Bytes of a length that came from the wire.
fn counted<'a>(r: &mut Reader<'a>, field: F, len: u64) -> Result<&'a [u8], Stop> {
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    r.bytes(field, len)
}

fn frame<'a>(r: &mut Reader<'a>) -> Result<Seen<'a>, Stop> {
    let zeros = r.rest().iter().take_while(|b| **b == 0).count();
    if zeros > 0 {
        r.bits(&f::FRAME_TYPE, BitRange { first: 0, len: 8 })?;
        let at = r.span(zeros);
        r.skip(zeros)?;
        r.derived(&f::PADDING, at, zeros as u64);
        return Ok(Seen::Other(0));
    }
    let kind = varint::read(r, &f::FRAME_TYPE)?;
    if let Some(name) = f::FRAME_TYPE.name_of(kind) {
        r.title(name);
    }
    match kind {
        0x02 | 0x03 => {
            varint::read(r, &f::LARGEST)?;
            varint::read(r, &f::ACK_DELAY)?;
            let ranges = varint::read(r, &f::RANGES)?;
            varint::read(r, &f::FIRST_RANGE)?;
            for _ in 0..ranges {
                varint::read(r, &f::GAP)?;
                varint::read(r, &f::RANGE)?;
            }
            if kind == 3 {
                varint::read(r, &f::ECT0)?;
                varint::read(r, &f::ECT1)?;
                varint::read(r, &f::CE)?;
            }
        }
        0x04 => {
            varint::read(r, &f::RESET_STREAM)?;
            varint::read(r, &f::RESET_CODE)?;
            varint::read(r, &f::FINAL_SIZE)?;
        }
        0x05 => {
            varint::read(r, &f::STOP_STREAM)?;
            varint::read(r, &f::STOP_CODE)?;
        }
        0x06 => {
            let offset = varint::read(r, &f::CRYPTO_OFFSET)?;
            let len = varint::read(r, &f::CRYPTO_LENGTH)?;
            return Ok(Seen::Crypto { offset, data: counted(r, &f::CRYPTO_DATA, len)? });
        }
        0x07 => {
            let len = varint::read(r, &f::NEW_TOKEN_LENGTH)?;
            counted(r, &f::NEW_TOKEN, len)?;
        }
        0x08..=0x0f => {
            let id = varint::read(r, &f::STREAM_ID)?;
            let offset = if kind & 4 != 0 { varint::read(r, &f::STREAM_OFFSET)? } else { 0 };
            let len = if kind & 2 != 0 { varint::read(r, &f::STREAM_LENGTH)? } else { r.left() as u64 };
            let data = counted(r, &f::STREAM_DATA, len)?;
            return Ok(Seen::Stream { id, offset, data, fin: kind & 1 != 0 });
        }
        0x10 => {
            varint::read(r, &f::MAX_DATA)?;
        }
        0x11 => {
            varint::read(r, &f::MAX_STREAM_ID)?;
            varint::read(r, &f::MAX_STREAM_DATA)?;
        }
        0x12 | 0x13 => {
            varint::read(r, &f::MAX_STREAMS)?;
        }
        0x14 => {
            varint::read(r, &f::BLOCKED_AT)?;
        }
        0x15 => {
            varint::read(r, &f::BLOCKED_STREAM)?;
            varint::read(r, &f::BLOCKED_AT)?;
        }
        0x16 | 0x17 => {
            varint::read(r, &f::BLOCKED_STREAMS)?;
        }
        0x18 => {
            varint::read(r, &f::ID_SEQUENCE)?;
            varint::read(r, &f::ID_RETIRE)?;
            let len = r.u8(&f::ID_LENGTH)?;
            let id = r.bytes(&f::ID, usize::from(len))?;
            r.bytes(&f::RESET_TOKEN, 16)?;
            return Ok(Seen::NewId { id });
        }
        0x19 => {
            varint::read(r, &f::RETIRE_SEQUENCE)?;
        }
        0x1a => {
            r.bytes(&f::CHALLENGE, 8)?;
        }
        0x1b => {
            r.bytes(&f::RESPONSE, 8)?;
        }
        0x1c | 0x1d => return close(r, kind == 0x1d),
        0x01 | 0x1e => {}
        0x30 | 0x31 => {
            let len = if kind == 0x31 { varint::read(r, &f::DATAGRAM_LENGTH)? } else { r.left() as u64 };
            counted(r, &f::DATAGRAM, len)?;
        }
        _ => return Err(Stop::Bad(&f::UNKNOWN_FRAME)),
    }
    Ok(Seen::Other(kind))
}

fn close<'a>(r: &mut Reader<'a>, application: bool) -> Result<Seen<'a>, Stop> {
    let code = varint::read(r, if application { &f::CLOSE_APP } else { &f::CLOSE_CODE })?;
    if !application {
        varint::read(r, &f::CLOSE_FRAME)?;
    }
    let len = varint::read(r, &f::REASON_LENGTH)?;
    let reason = Text(counted(r, &f::REASON, len)?);
    let name = match (application, code) {
        (true, _) => format!("application's code 0x{code:x}"),
        // RFC 9001 §4.8: a TLS alert, whose number is the low byte.
        (false, 0x100..=0x1ff) => format!("TLS alert {}", code & 0xff),
        (false, _) => f::CLOSE_CODE.name_of(code).map_or_else(|| format!("0x{code:x}"), String::from),
    };
    let colon = if reason.bytes().is_empty() { "" } else { ": " };
    Ok(Seen::Close { line: format!("CONNECTION_CLOSE {name}{colon}{reason}") })
}
