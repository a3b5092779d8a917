//! Hellos and tickets: ClientHello, ServerHello, HelloVerifyRequest, NewSessionTicket, NextProtocol.

use super::{Known, extensions, fields as f};
use crate::tls::crypto::suite;
use crate::tls::session::{RETRY_RANDOM, TLS13, as_tls};
use crate::tls::{finger, names, notes as n};
use std::fmt::Write as _;
use wirelore_kit::{Level, Reader, Span, Stop};

/// Adds to the line that a list shows.
fn say(line: &mut String, words: std::fmt::Arguments<'_>) {
    if !line.is_empty() {
        line.push_str(", ");
    }
    // Writing to a String cannot fail.
    let _ = line.write_fmt(words);
}

/// A ClientHello (RFC 8446 §4.1.2).
///
/// # Errors
/// [`Stop`].
pub fn client(r: &mut Reader<'_>, body: &[u8], known: &mut Known, line: &mut String) -> Result<(), Stop> {
    let from = r.at();
    known.version = 0;
    known.host = None;
    let version = r.u16(&f::VERSION)?;
    let dtls = as_tls(version) != version;
    r.bytes(&f::RANDOM, 32)?;
    session_id(r)?;
    if dtls {
        let len = usize::from(r.u8(&f::DTLS_COOKIE_LENGTH)?);
        if len > 0 {
            r.bytes(&f::DTLS_COOKIE, len)?;
        }
    }
    let suites = usize::from(r.u16(&f::SUITES_LENGTH)?);
    if suites > 0 {
        r.within(&f::SUITES_GROUP, suites, |r| {
            while r.left() >= 2 {
                r.u16(&f::SUITE)?;
            }
            Ok(())
        })?;
    }
    for _ in 0..r.u8(&f::METHODS_LENGTH)? {
        r.u8(&f::METHOD)?;
    }
    if !r.is_empty() {
        extensions::list(r, 1, known, line)?;
    }
    if let Some(offer) = finger::offer(body) {
        let all = r.since(from);
        let ja3 = offer.ja3();
        r.derived(&f::JA3, all, finger::md5(&ja3));
        r.derived(&f::JA4, all, &*finger::ja4(offer));
        if r.level() == Level::Tree {
            r.derived(&f::JA3_FULL, all, ja3);
        }
    }
    Ok(())
}

fn session_id(r: &mut Reader<'_>) -> Result<(), Stop> {
    let len = usize::from(r.u8(&f::SESSION_ID_LENGTH)?);
    if len > 0 {
        r.bytes(&f::SESSION_ID, len)?;
    }
    Ok(())
}

/// A ServerHello or HelloRetryRequest (RFC 8446 §4.1.3, §4.1.4).
///
/// # Errors
/// [`Stop`].
pub fn server(r: &mut Reader<'_>, body: &[u8], known: &mut Known, line: &mut String) -> Result<(), Stop> {
    let from = r.at();
    let version_at = r.span(2);
    let legacy = r.u16(&f::VERSION)?;
    let random = r.bytes(&f::RANDOM, 32)?;
    session_id(r)?;
    let suite_at = r.span(2);
    let id = r.u16(&f::SUITE)?;
    r.u8(&f::METHOD)?;
    known.version = as_tls(legacy);
    known.suite = id;
    let mut said = String::new();
    if !r.is_empty() {
        let retry = random == RETRY_RANDOM;
        extensions::list(r, if retry { 6 } else { 2 }, known, &mut said)?;
    }
    let all = r.since(from);
    // DTLS counts its own way.
    let shown = if as_tls(legacy) == legacy || known.version != as_tls(legacy) { known.version } else { legacy };
    r.derived(&f::CHOSEN_VERSION, version_at, u64::from(shown));
    r.derived(&f::CHOSEN_CIPHER, suite_at, u64::from(id));
    if let Some(text) = finger::ja3s(body) {
        r.derived(&f::JA3S, all, finger::md5(&text));
        if r.level() == Level::Tree {
            r.derived(&f::JA3S_FULL, all, text);
        }
    }
    say(line, format_args!("{}", names::version(shown)));
    match suite::name(id) {
        Some(name) => say(line, format_args!("{name}")),
        None => say(line, format_args!("cipher suite 0x{id:04x}")),
    }
    if !said.is_empty() {
        say(line, format_args!("{said}"));
    }
    let newer = known.version < TLS13 && (random.ends_with(b"DOWNGRD\x01") || random.ends_with(b"DOWNGRD\x00"));
    if newer {
        r.note(&n::DOWNGRADE, all);
    }
    Ok(())
}

/// What a look at the whole hello says of it.
pub fn judge(kind: u8, known: &Known, span: Span, r: &mut Reader<'_>) {
    if kind != 2 {
        return;
    }
    if known.version < 0x0303 && known.version != 0 {
        r.note(&n::OLD_VERSION, span);
    }
    let weak = suite::name(known.suite).is_some_and(|name| {
        ["_NULL", "_EXPORT_", "_RC4_", "_DES_", "_DES40_", "_3DES_", "_IDEA_", "_anon_", "_RC2_"].iter().any(|w| name.contains(w))
            && name != "TLS_NULL_WITH_NULL_NULL"
    });
    if weak {
        r.note(&n::WEAK_CIPHER, span);
    }
}

/// DTLS's HelloVerifyRequest (RFC 6347 §4.2.1).
///
/// # Errors
/// [`Stop`].
pub fn verify_request(r: &mut Reader<'_>) -> Result<(), Stop> {
    r.u16(&f::VERSION)?;
    let len = usize::from(r.u8(&f::DTLS_COOKIE_LENGTH)?);
    if len > 0 {
        r.bytes(&f::DTLS_COOKIE, len)?;
    }
    Ok(())
}

/// NewSessionTicket of TLS 1.3 (RFC 8446 §4.6.1) or of the versions before (RFC 5077 §3.3).
///
/// # Errors
/// [`Stop`].
pub fn ticket(r: &mut Reader<'_>, known: &Known, line: &mut String) -> Result<(), Stop> {
    let lifetime = r.u32(&f::TICKET_LIFETIME)?;
    say(line, format_args!("good for {lifetime} s"));
    // Without a hello its form tells: before TLS 1.3 nothing follows the ticket.
    let left = r.left();
    let old = r.peek(2).is_ok_and(|b| b.iter().fold(0usize, |v, b| v << 8 | usize::from(*b)).saturating_add(2) == left);
    if known.version >= TLS13 || (known.version == 0 && !old) {
        r.u32(&f::TICKET_AGE_ADD)?;
        let nonce = usize::from(r.u8(&f::TICKET_NONCE_LENGTH)?);
        if nonce > 0 {
            r.bytes(&f::TICKET_NONCE, nonce)?;
        }
    }
    let len = usize::from(r.u16(&f::TICKET_LENGTH)?);
    if len > 0 {
        r.bytes(&f::TICKET, len)?;
    }
    if !r.is_empty() {
        let mut own = known.clone();
        extensions::list(r, 4, &mut own, line)?;
    }
    Ok(())
}

/// NextProtocol, the forerunner of ALPN.
///
/// # Errors
/// [`Stop`].
pub fn next_protocol(r: &mut Reader<'_>, line: &mut String) -> Result<(), Stop> {
    let len = usize::from(r.u8(&f::NPN_SELECTED_LENGTH)?);
    let name = r.text(&f::NPN_SELECTED, len)?;
    say(line, format_args!("{name}"));
    let padding = usize::from(r.u8(&f::NPN_PADDING_LENGTH)?);
    if padding > 0 {
        r.bytes(&f::NPN_PADDING, padding)?;
    }
    Ok(())
}
