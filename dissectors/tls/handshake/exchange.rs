//! Key exchange and proofs: ServerKeyExchange, ClientKeyExchange, CertificateVerify, CertificateRequest.

use super::{Known, extensions, fields as f};
use crate::tls::cert::{Walk, name};
use crate::tls::crypto::suite;
use crate::tls::session::TLS13;
use wirelore_kit::{F, Reader, Stop, Value};

/// How a suite of TLS 1.2 and before exchanges keys: the words of its name before `_WITH_`.
fn method(known: &Known) -> &'static str {
    suite::name(known.suite).and_then(|n| n.split_once("_WITH_")).map_or("", |(m, _)| m)
}

/// A vector with a length of two bytes in front.
fn vector(r: &mut Reader<'_>, length: F, value: F) -> Result<(), Stop> {
    let len = usize::from(r.u16(length)?);
    if len > 0 {
        r.bytes(value, len)?;
    }
    Ok(())
}

fn signature(r: &mut Reader<'_>, known: &Known) -> Result<(), Stop> {
    if known.version >= 0x0303 {
        r.u16(&f::SIGNATURE)?;
    }
    vector(r, &f::SIG_LENGTH, &f::SIG)
}

/// ServerKeyExchange (RFC 5246 §7.4.3, RFC 8422 §5.4, RFC 4279 §2).
///
/// # Errors
/// [`Stop`].
pub fn server(r: &mut Reader<'_>, known: &Known) -> Result<(), Stop> {
    let method = method(known);
    if method.contains("PSK") {
        vector(r, &f::PSK_HINT_LENGTH, &f::PSK_HINT)?;
    }
    if method.contains("ECDH") {
        if r.u8(&f::CURVE_TYPE)? != 3 {
            return r.bytes(&f::EXCHANGE, r.left()).map(|_| ());
        }
        r.u16(&f::NAMED_CURVE)?;
        let len = usize::from(r.u8(&f::SERVER_POINT_LENGTH)?);
        r.bytes(&f::SERVER_POINT, len)?;
    } else if method.contains("_DH") {
        vector(r, &f::DH_P_LENGTH, &f::DH_P)?;
        vector(r, &f::DH_G_LENGTH, &f::DH_G)?;
        vector(r, &f::DH_YS_LENGTH, &f::DH_YS)?;
    } else if !r.is_empty() {
        return r.bytes(&f::EXCHANGE, r.left()).map(|_| ());
    }
    if r.is_empty() || method.contains("anon") || method.ends_with("PSK") { Ok(()) } else { signature(r, known) }
}

/// ClientKeyExchange (RFC 5246 §7.4.7, RFC 8422 §5.7, RFC 4279 §2).
///
/// # Errors
/// [`Stop`].
pub fn client(r: &mut Reader<'_>, known: &Known) -> Result<(), Stop> {
    let method = method(known);
    if method.contains("PSK") {
        vector(r, &f::IDENTITY_LENGTH, &f::IDENTITY)?;
    }
    if method.contains("ECDH") {
        let len = usize::from(r.u8(&f::CLIENT_POINT_LENGTH)?);
        r.bytes(&f::CLIENT_POINT, len)?;
        Ok(())
    } else if method.contains("_DH") {
        vector(r, &f::DH_YC_LENGTH, &f::DH_YC)
    } else if method.contains("RSA") && known.version > 0x0300 {
        vector(r, &f::EPMS_LENGTH, &f::EPMS)
    } else if r.is_empty() {
        Ok(())
    } else {
        r.bytes(&f::EXCHANGE, r.left()).map(|_| ())
    }
}

/// CertificateVerify (RFC 8446 §4.4.3, RFC 5246 §7.4.8).
///
/// # Errors
/// [`Stop`].
pub fn verify(r: &mut Reader<'_>, known: &Known) -> Result<(), Stop> {
    if known.version >= 0x0303 || known.version == 0 {
        r.u16(&f::SIGNATURE)?;
    }
    vector(r, &f::VERIFY_SIG_LENGTH, &f::VERIFY_SIG)
}

/// CertificateRequest (RFC 8446 §4.3.2, RFC 5246 §7.4.4).
///
/// # Errors
/// [`Stop`].
pub fn certificate_request(r: &mut Reader<'_>, known: &Known) -> Result<(), Stop> {
    if known.version >= TLS13 {
        let len = usize::from(r.u8(&f::CONTEXT_LENGTH)?);
        if len > 0 {
            r.bytes(&f::CONTEXT, len)?;
        }
        return extensions::list(r, 13, &mut known.clone(), &mut String::new());
    }
    for _ in 0..r.u8(&f::CERT_TYPES_COUNT)? {
        r.u8(&f::CERT_TYPE)?;
    }
    if known.version >= 0x0303 {
        let len = r.u16(&f::SIGNATURES_LENGTH)?;
        for _ in 0..len / 2 {
            r.u16(&f::SIGNATURE)?;
        }
    }
    r.u16(&f::DNAMES_LENGTH)?;
    while !r.is_empty() {
        authority(r)?;
    }
    Ok(())
}

/// The name of an authority.
///
/// # Errors
/// [`Stop`].
pub fn authority(r: &mut Reader<'_>) -> Result<(), Stop> {
    let len = usize::from(r.u16(&f::DNAME_LENGTH)?);
    let words = Walk::new(r.peek(len)?).any().map_or_else(String::new, |t| name(&t));
    r.valued(&f::DNAME, len, Value::from(words)).map(|_| ())
}
