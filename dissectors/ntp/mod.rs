//! NTP, the Network Time Protocol (RFC 5905), with the short form SNTP: a datagram is a message, and an answer repeats the question's time.

mod fields;

use fields as f;
use wirelore_kit::{
    AfterGapPromise, BitRange, Claim, Dissector, Framing, More, Out, Peek, Reader, Relay, Side, Spec, Stop, Text, Transport,
    Turn, Value, Verdict,
};

/// All that the house knows of NTP.
pub static SPEC: Spec = Spec {
    name: "ntp",
    label: "NTP",
    framing: Framing::Datagram,
    fields: f::ALL,
    notes: f::NOTES,
    claims: &[Claim::Udp(123), Claim::Named("ntp")],
    probe,
    resync: None,
    states: f::STATES,
    after_gap: AfterGapPromise::Within(0),
    relay: Relay::Opaque,
    middle: None,
    new: |_| Box::new(Ntp),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// Bytes of the header (RFC 5905 §7.3).
const HEADER: usize = 48;
/// Seconds from 1900 to 1970.
const TO_UNIX: i64 = 2_208_988_800;

/// Nothing is remembered: the answer carries what it answers.
#[derive(Debug, Clone, Copy)]
struct Ntp;

/// What the header says that the rest needs.
struct Head {
    mode: u8,
    version: u8,
    stratum: u8,
    origin: u64,
    transmit: u64,
    kiss: Option<[u8; 4]>,
}

impl Dissector for Ntp {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let whole = r.span(r.left());
        if r.left() < HEADER || matches!(r.peek(1)?, [b] if b & 7 >= 6) {
            return control(r, out);
        }
        let head = r.group(&f::NTP, message)?;
        let version = head.version;
        match head.mode {
            3 => {
                out.asks(head.transmit);
                out.state(Side::Client, &f::ASKED);
                out.summary(format_args!("NTPv{version} client asks for the time"));
            }
            4 => {
                out.answers(head.origin, More::No);
                out.state(Side::Client, &f::TOLD);
                match head.kiss {
                    Some(code) => {
                        r.note(&f::KISS, whole);
                        out.summary(format_args!("NTPv{version} server refuses: {}", Text(&code)));
                    }
                    None => out.summary(format_args!("NTPv{version} server, stratum {}", head.stratum)),
                }
            }
            mode => out.summary(format_args!("NTPv{version} {}", f::MODE.name_of(u64::from(mode)).unwrap_or("message"))),
        }
        let _ = turn;
        Ok(())
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(*self))
    }

    fn weight(&self) -> usize {
        size_of::<Ntp>()
    }
}

fn message(r: &mut Reader<'_>) -> Result<Head, Stop> {
    let (mode, version) = first(r)?;
    let stratum = r.u8(&f::STRATUM)?;
    interval(r, &f::POLL)?;
    interval(r, &f::PRECISION)?;
    short(r, &f::ROOT_DELAY)?;
    short(r, &f::ROOT_DISPERSION)?;
    let id: [u8; 4] = r.peek(4)?.try_into().unwrap_or_default();
    // RFC 5905 §7.3: letters for a clock (stratum 1) or a refusal (stratum 0), an address or a digest else.
    let letters = stratum < 2 && id.iter().all(|b| b.is_ascii_graphic() || *b == 0) && id.iter().any(|b| *b != 0);
    let word: String = id.iter().filter(|b| **b != 0).map(|b| char::from(*b)).collect();
    let value = if letters { Value::from(word) } else { Value::Span };
    r.valued(if letters { &f::REFERENCE_NAME } else { &f::REFERENCE }, 4, value)?;
    time(r, &f::REFERENCE_TIME)?;
    let origin = time(r, &f::ORIGIN)?;
    time(r, &f::RECEIVE)?;
    let transmit = time(r, &f::TRANSMIT)?;
    // RFC 7822 §3: what is left is extensions as long as more than a digest follows.
    while r.left() > 24 && version >= 4 {
        let len = extension_len(r)?;
        if len < 16 || len > r.left() || len % 4 != 0 {
            let at = r.span(4);
            r.note(&f::BAD_EXTENSION, at);
            break;
        }
        r.within(&f::EXTENSION, len, |r| {
            r.u16(&f::EXTENSION_TYPE)?;
            r.u16(&f::EXTENSION_LENGTH)?;
            r.bytes(&f::EXTENSION_VALUE, r.left()).map(|_| ())
        })?;
    }
    if matches!(r.left(), 20 | 24) {
        r.bytes(&f::KEY_ID, 4)?;
        r.bytes(&f::DIGEST, r.left())?;
    } else if r.left() > 0 {
        r.unknown(r.left())?;
    }
    let kiss = (stratum == 0 && letters).then_some(id);
    Ok(Head { mode, version, stratum, origin, transmit, kiss })
}

fn extension_len(r: &Reader<'_>) -> Result<usize, Stop> {
    Ok(r.peek(4)?.iter().skip(2).fold(0, |v, b| (v << 8) | usize::from(*b)))
}

/// The byte that all forms begin with.
fn first(r: &mut Reader<'_>) -> Result<(u8, u8), Stop> {
    let (mut mode, mut version) = (0, 0);
    r.bit_group(&f::FLAGS, BitRange { first: 0, len: 8 }, |r, _| {
        r.bits(&f::LEAP, BitRange { first: 0, len: 2 })?;
        version = r.bits(&f::VERSION, BitRange { first: 2, len: 3 })? as u8;
        mode = r.bits(&f::MODE, BitRange { first: 5, len: 3 })? as u8;
        Ok(())
    })?;
    r.skip(1)?;
    Ok((mode, version))
}

/// Control (RFC 9327) and private messages, and what is too short for the header: named, not read further.
fn control(r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
    let all = r.span(r.left());
    let mode = r.group(&f::NTP, |r| {
        let (mode, _) = first(r)?;
        r.unknown(r.left())?;
        Ok(mode)
    })?;
    if mode >= 6 {
        out.summary(format_args!("NTP {}", f::MODE.name_of(u64::from(mode)).unwrap_or("control message")));
    } else {
        r.note(&f::SHORT, all);
        out.summary("NTP message that is too short");
    }
    Ok(())
}

/// A power of two of seconds, as a signed byte.
fn interval(r: &mut Reader<'_>, field: wirelore_kit::F) -> Result<(), Stop> {
    let b = r.peek(1)?.first().copied().unwrap_or(0);
    r.valued(field, 1, Value::I64(i64::from(b as i8))).map(|_| ())
}

/// 16.16 bits of seconds, as a duration.
fn short(r: &mut Reader<'_>, field: wirelore_kit::F) -> Result<(), Stop> {
    let v = r.peek(4)?.iter().fold(0u64, |v, b| (v << 8) | u64::from(*b));
    let ns = v.saturating_mul(1_000_000_000) >> 16;
    r.valued(field, 4, Value::I64(ns as i64)).map(|_| ())
}

/// 32.32 bits of seconds since 1900, or since 2036 where the first bit is clear (RFC 4330 §3). 0: not known.
fn time(r: &mut Reader<'_>, field: wirelore_kit::F) -> Result<u64, Stop> {
    let v = r.peek(8)?.iter().fold(0u64, |v, b| (v << 8) | u64::from(*b));
    if v == 0 {
        r.valued(field, 8, Value::from("not known"))?;
        return Ok(0);
    }
    let era = if v >> 63 == 1 { 0 } else { 1i64 << 32 };
    let seconds = ((v >> 32) as i64).saturating_add(era).saturating_sub(TO_UNIX);
    let fraction = ((v & 0xffff_ffff).saturating_mul(1_000_000_000) >> 32) as i64;
    r.valued(field, 8, Value::I64(seconds.saturating_mul(1_000_000_000).saturating_add(fraction)))?;
    Ok(v)
}

/// Version 1 to 4, a mode that exists, and a length that fits.
fn probe(peek: &Peek<'_>) -> Verdict {
    let bytes = if peek.to_server.is_empty() { peek.to_client } else { peek.to_server };
    match bytes {
        _ if peek.transport != Transport::Udp => Verdict::No,
        [] => Verdict::More,
        [b, rest @ ..] => {
            let (version, mode) = (b >> 3 & 7, b & 7);
            let fits = (1..=4).contains(&version)
                && (mode >= 6 && rest.len() >= 7 || (1..6).contains(&mode) && rest.len() >= HEADER - 1);
            if fits { Verdict::Likely } else { Verdict::No }
        }
    }
}
