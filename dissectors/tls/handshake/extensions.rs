//! Extensions of hellos and of other messages, one by one; what is not known is shown as bytes.

use super::{Known, exchange, fields as f};
use crate::coding::varint;
use crate::tls::session::as_tls;
use crate::tls::{names, notes as n};
use std::fmt::Write as _;
use wirelore_kit::{F, Reader, Stop, Value};

/// A list of extensions with its length in front. `of` is the type of the message; 6 stands for a HelloRetryRequest.
///
/// # Errors
/// [`Stop`].
pub fn list(r: &mut Reader<'_>, of: u8, known: &mut Known, line: &mut String) -> Result<(), Stop> {
    let len = usize::from(r.u16(&f::EXTENSIONS_LENGTH)?);
    let end = r.at().saturating_add(len as u64);
    if len > r.left() {
        r.note(&n::VECTOR, r.span(r.left()));
    }
    let mut seen: Vec<u16> = Vec::new();
    while r.at() < end && !r.is_empty() {
        let from = r.at();
        let kind = r.group(&f::EXTENSION, |r| {
            let kind = r.u16(&f::EXTENSION_TYPE)?;
            r.title(name(kind));
            let len = usize::from(r.u16(&f::EXTENSION_LENGTH)?);
            if len > 0 {
                r.attempt(&f::EXTENSION_CONTENT, len, |r| one(r, kind, of, known, line))?;
            }
            Ok(kind)
        })?;
        if seen.contains(&kind) {
            r.note(&n::TWICE, r.since(from));
        } else if seen.len() < 128 {
            seen.push(kind);
        }
    }
    Ok(())
}

fn name(kind: u16) -> String {
    let known = names::EXTENSIONS.iter().find(|(v, _)| *v == u64::from(kind));
    known.map_or_else(|| format!("extension {kind}"), |(_, name)| (*name).to_owned())
}

fn say(line: &mut String, words: &dyn std::fmt::Display) {
    // Writing to a String cannot fail.
    let _ = write!(line, "{}{words}", if line.is_empty() { "" } else { ", " });
}

/// Numbers of two bytes up to the end.
fn numbers(r: &mut Reader<'_>, field: F) -> Result<(), Stop> {
    while r.left() >= 2 {
        r.u16(field)?;
    }
    Ok(())
}

fn one(r: &mut Reader<'_>, kind: u16, of: u8, known: &mut Known, line: &mut String) -> Result<(), Stop> {
    let left = r.left();
    match (kind, of) {
        (0, 1) => {
            r.u16(&f::LIST_LENGTH)?;
            while !r.is_empty() {
                r.u8(&f::SNI_TYPE)?;
                let len = usize::from(r.u16(&f::SNI_LENGTH)?);
                let host = r.text(&f::SNI, len)?;
                if known.host.is_none() {
                    say(line, &host);
                    known.host = host.as_str().map(Into::into);
                }
            }
            Ok(())
        }
        (16, _) => {
            r.u16(&f::LIST_LENGTH)?;
            while !r.is_empty() {
                let len = usize::from(r.u8(&f::ALPN_LENGTH)?);
                let protocol = r.text(&f::ALPN, len)?;
                if line.len() < 256 {
                    say(line, &protocol);
                }
            }
            Ok(())
        }
        (10, _) => {
            r.u16(&f::LIST_LENGTH)?;
            numbers(r, &f::GROUP)
        }
        (11, _) => {
            for _ in 0..r.u8(&f::LIST_LENGTH)? {
                r.u8(&f::POINT_FORMAT)?;
            }
            Ok(())
        }
        (13 | 50, _) => {
            r.u16(&f::SIGNATURES_LENGTH)?;
            numbers(r, &f::SIGNATURE)
        }
        (43, 1) => {
            r.u8(&f::LIST_LENGTH)?;
            numbers(r, &f::SUPPORTED_VERSION)
        }
        (43, _) => {
            let version = r.u16(&f::SUPPORTED_VERSION)?;
            known.version = if version >> 8 == 0x7f { 0x0304 } else { as_tls(version) };
            Ok(())
        }
        (51, 1) => {
            r.u16(&f::LIST_LENGTH)?;
            while !r.is_empty() {
                share(r)?;
            }
            Ok(())
        }
        (51, 6) => r.u16(&f::SHARE_SELECTED).map(|_| ()),
        (51, _) => share(r),
        (41, 1) => {
            let len = usize::from(r.u16(&f::LIST_LENGTH)?);
            let end = r.at().saturating_add(len as u64);
            while r.at() < end {
                let len = usize::from(r.u16(&f::PSK_LENGTH)?);
                r.bytes(&f::PSK_IDENTITY, len)?;
                r.u32(&f::PSK_AGE)?;
            }
            r.u16(&f::LIST_LENGTH)?;
            while !r.is_empty() {
                let len = usize::from(r.u8(&f::PSK_BINDER_LENGTH)?);
                r.bytes(&f::PSK_BINDER, len)?;
            }
            say(line, &"resuming");
            Ok(())
        }
        (41, _) => {
            say(line, &"resumed");
            r.u16(&f::PSK_SELECTED).map(|_| ())
        }
        (45, _) => {
            for _ in 0..r.u8(&f::LIST_LENGTH)? {
                r.u8(&f::PSK_MODE)?;
            }
            Ok(())
        }
        (42, 4) => r.u32(&f::EARLY_SIZE).map(|_| ()),
        (44, _) => {
            let len = usize::from(r.u16(&f::COOKIE_LENGTH)?);
            r.bytes(&f::COOKIE, len).map(|_| ())
        }
        (5, 1 | 13) => {
            r.u8(&f::STATUS_TYPE)?;
            let ids = usize::from(r.u16(&f::RESPONDERS_LENGTH)?);
            if ids > 0 {
                r.bytes(&f::RESPONDERS, ids)?;
            }
            let extensions = usize::from(r.u16(&f::STATUS_EXTENSIONS_LENGTH)?);
            if extensions > 0 {
                r.bytes(&f::STATUS_EXTENSIONS, extensions)?;
            }
            Ok(())
        }
        (5, _) => {
            r.u8(&f::STATUS_TYPE)?;
            let len = r.u24(&f::OCSP_LENGTH)? as usize;
            r.bytes(&f::OCSP, len).map(|_| ())
        }
        (18, _) => timestamps(r),
        (0xff01, _) => {
            let len = usize::from(r.u8(&f::RENEGOTIATION_LENGTH)?);
            if len > 0 {
                r.bytes(&f::RENEGOTIATION, len)?;
                say(line, &"renegotiating");
            }
            Ok(())
        }
        (47, _) => {
            r.u16(&f::DNAMES_LENGTH)?;
            while !r.is_empty() {
                exchange::authority(r)?;
            }
            Ok(())
        }
        (1, _) => r.u8(&f::MAX_FRAGMENT).map(|_| ()),
        (28, _) => r.u16(&f::RECORD_LIMIT).map(|_| ()),
        (27, _) => {
            r.u8(&f::LIST_LENGTH)?;
            numbers(r, &f::COMPRESSOR)
        }
        (15, _) => r.u8(&f::HEARTBEAT_MODE).map(|_| ()),
        (21, _) => r.bytes(&f::PADDING, left).map(|_| ()),
        (35, _) => r.bytes(&f::TICKET_DATA, left).map(|_| ()),
        (17_513 | 17_613, 1) => {
            r.u16(&f::LIST_LENGTH)?;
            while !r.is_empty() {
                let len = usize::from(r.u8(&f::ALPS_LENGTH)?);
                r.text(&f::ALPS_ALPN, len)?;
            }
            Ok(())
        }
        (17_513 | 17_613, _) => r.bytes(&f::ALPS_SETTINGS, left).map(|_| ()),
        (13_172, _) => {
            while !r.is_empty() {
                let len = usize::from(r.u8(&f::NPN_LENGTH)?);
                r.text(&f::NPN, len)?;
            }
            Ok(())
        }
        (14, _) => {
            let len = usize::from(r.u16(&f::LIST_LENGTH)?);
            for _ in 0..len / 2 {
                r.u16(&f::SRTP_PROFILE)?;
            }
            let mki = usize::from(r.u8(&f::SRTP_MKI_LENGTH)?);
            if mki > 0 {
                r.bytes(&f::SRTP_MKI, mki)?;
            }
            Ok(())
        }
        (54, _) => {
            let len = usize::from(r.u8(&f::CID_LENGTH)?);
            if len > 0 {
                r.bytes(&f::CID, len)?;
            }
            Ok(())
        }
        (65_037, 1) => {
            let which = r.u8(&f::ECH_TYPE)?;
            if which == 0 {
                r.u16(&f::ECH_KDF)?;
                r.u16(&f::ECH_AEAD)?;
                r.u8(&f::ECH_CONFIG)?;
                let key = usize::from(r.u16(&f::ECH_ENC_LENGTH)?);
                if key > 0 {
                    r.bytes(&f::ECH_ENC, key)?;
                }
                let payload = usize::from(r.u16(&f::ECH_PAYLOAD_LENGTH)?);
                r.bytes(&f::ECH_PAYLOAD, payload)?;
            }
            Ok(())
        }
        (57 | 65_445, _) => {
            while !r.is_empty() {
                parameter(r)?;
            }
            Ok(())
        }
        _ => r.bytes(&f::EXTENSION_DATA, left).map(|_| ()),
    }
}

fn share(r: &mut Reader<'_>) -> Result<(), Stop> {
    r.group(&f::SHARE, |r| {
        r.u16(&f::SHARE_GROUP)?;
        let len = usize::from(r.u16(&f::SHARE_LENGTH)?);
        r.bytes(&f::SHARE_KEY, len)?;
        Ok(())
    })
}

/// A list of signed certificate timestamps (RFC 6962 §3.3).
fn timestamps(r: &mut Reader<'_>) -> Result<(), Stop> {
    r.u16(&f::LIST_LENGTH)?;
    while !r.is_empty() {
        let len = usize::from(r.u16(&f::SCT_LENGTH)?);
        r.attempt(&f::SCT, len, |r| {
            r.u8(&f::SCT_VERSION)?;
            r.bytes(&f::SCT_LOG, 32)?;
            let ms = r.peek(8)?.iter().fold(0i64, |v, b| v << 8 | i64::from(*b));
            r.valued(&f::SCT_TIME, 8, Value::I64(ms.saturating_mul(1_000_000)))?;
            let extensions = usize::from(r.u16(&f::SCT_EXTENSIONS_LENGTH)?);
            if extensions > 0 {
                r.bytes(&f::SCT_EXTENSIONS, extensions)?;
            }
            r.u16(&f::SCT_SIGNATURE_ALG)?;
            let len = usize::from(r.u16(&f::SCT_SIGNATURE_LENGTH)?);
            r.bytes(&f::SCT_SIGNATURE, len)?;
            Ok(())
        })?;
    }
    Ok(())
}

fn parameter(r: &mut Reader<'_>) -> Result<(), Stop> {
    r.group(&f::QUIC_PARAMETER, |r| {
        let kind = varint::read(r, &f::QUIC_TYPE)?;
        let named = names::QUIC_PARAMETERS.iter().find(|(v, _)| *v == kind);
        r.title(match named {
            Some((_, name)) => (*name).to_owned(),
            None if kind % 31 == 27 => "GREASE".to_owned(),
            None => format!("parameter 0x{kind:x}"),
        });
        let len = varint::read(r, &f::QUIC_LENGTH)?;
        let len = usize::try_from(len).unwrap_or(usize::MAX).min(1 << 20);
        let number = matches!(kind, 1 | 3..=0xb | 0xe | 0x20) && len > 0;
        if number && r.peek(1)?.first().is_some_and(|b| 1usize << (b >> 6) == len) {
            varint::read(r, &f::QUIC_NUMBER)?;
        } else if len > 0 {
            r.bytes(&f::QUIC_VALUE, len)?;
        }
        Ok(())
    })
}
