//! Certificate messages: the list, each certificate's parts at their bytes, and what a check of the chain finds.

use super::{Known, extensions, fields as f};
use crate::coding::{Coding, Decoder};
use crate::tls::cert::{self, Cert, Part, What};
use crate::tls::chain::{self, Finding};
use crate::tls::crypto::prf::Hash;
use crate::tls::notes as n;
use crate::tls::session::TLS13;
use std::fmt::Write as _;
use wirelore_kit::{Dir, Hint, How, Level, Out, Reader, Span, Stop, Turn, Value};

/// So many certificates of a list are looked at.
const MOST_CERTS: usize = 64;
/// Compressed certificates become at most so many bytes.
const MOST_UNPACKED: usize = 1 << 18;

/// Whether the list is in the form of TLS 1.3; where the hello was not seen, its lengths tell.
fn is_new(body: &[u8], known: &Known) -> bool {
    let whole = |at: usize| {
        let len = body.get(at..at.saturating_add(3)).map(|b| b.iter().fold(0usize, |v, x| v << 8 | usize::from(*x)));
        len.is_some_and(|l| l.saturating_add(at).saturating_add(3) == body.len())
    };
    known.version >= TLS13 || (known.version == 0 && !whole(0) && whole(1))
}

/// A Certificate message (RFC 8446 §4.4.2, RFC 5246 §7.4.2).
///
/// # Errors
/// [`Stop`].
pub fn list(r: &mut Reader<'_>, body: &[u8], turn: &Turn<'_>, known: &Known, line: &mut String) -> Result<(), Stop> {
    let new = is_new(body, known);
    if new {
        let len = usize::from(r.u8(&f::CONTEXT_LENGTH)?);
        if len > 0 {
            r.bytes(&f::CONTEXT, len)?;
        }
    }
    r.u24(&f::CERTIFICATES_LENGTH)?;
    let tree = r.level() == Level::Tree;
    let (mut certs, mut spans): (Vec<Cert<'_>>, Vec<Span>) = (Vec::new(), Vec::new());
    let mut count = 0usize;
    while !r.is_empty() {
        let len = r.u24(&f::CERTIFICATE_LENGTH)? as usize;
        let span = r.span(len);
        let der = r.peek(len)?;
        count = count.saturating_add(1);
        if count == 1 || (tree && count <= MOST_CERTS) {
            let cert = cert::read(der);
            show(r, der, &cert)?;
            certs.push(cert);
            spans.push(span);
        } else if len > 0 {
            r.bytes(&f::X_DER, len)?;
        }
        if new {
            extensions::list(r, 11, &mut known.clone(), &mut String::new())?;
        }
    }
    if let Some(first) = certs.first() {
        let subject = cert::common_name(first.subject).map(|n| format!("CN={n}")).or_else(|| first.names.first().cloned());
        // Writing to a String cannot fail.
        let _ = write!(line, "{}", subject.as_deref().unwrap_or("no name"));
        if count > 1 {
            let _ = write!(line, ", {count} certificates");
        }
        let host = known.host.as_deref().filter(|_| turn.dir == Dir::ToClient);
        let mut found: Vec<Finding> = Vec::new();
        chain::first(first, host, turn.time, &mut found);
        if tree {
            chain::rest(&certs, turn.time, &mut found);
        }
        for (i, what) in found {
            r.note(what, spans.get(i).copied().unwrap_or_default());
        }
    } else {
        line.push_str("none");
    }
    Ok(())
}

/// A certificate's parts at their bytes; what lies between is listed as such.
fn show(r: &mut Reader<'_>, der: &[u8], cert: &Cert<'_>) -> Result<(), Stop> {
    if r.level() != Level::Tree {
        return r.skip(der.len());
    }
    let all = r.span(der.len());
    r.group(&f::CERTIFICATE, |r| {
        if let Some(name) = cert::common_name(cert.subject) {
            r.title(name);
        }
        let base = r.taken();
        let mut parts = cert.parts.as_slice();
        while let Some((part, rest)) = parts.split_first() {
            parts = rest;
            between(r, base, part.from)?;
            match part.what {
                What::Extension => {
                    let inside = parts.iter().take_while(|p| p.to <= part.to).count();
                    let (own, behind) = parts.split_at_checked(inside).unwrap_or((parts, &[]));
                    parts = behind;
                    r.group(&f::X_EXTENSION, |r| {
                        r.title(part.text.clone());
                        for p in own {
                            between(r, base, p.from)?;
                            one(r, p)?;
                        }
                        between(r, base, part.to)
                    })?;
                }
                What::NotBefore => {
                    let after = parts.first().filter(|p| p.what == What::NotAfter);
                    r.group(&f::X_VALIDITY, |r| {
                        one(r, part)?;
                        after.map_or(Ok(()), |p| between(r, base, p.from).and_then(|()| one(r, p)))
                    })?;
                    parts = if after.is_some() { parts.get(1..).unwrap_or(&[]) } else { parts };
                }
                _ => one(r, part)?,
            }
        }
        between(r, base, der.len())?;
        let hex = |hash: Hash| {
            hash.digest(&[der]).iter().fold(String::new(), |mut s, b| {
                let _ = write!(s, "{b:02x}");
                s
            })
        };
        r.derived(&f::X_FINGERPRINT, all, hex(Hash::Sha256));
        r.derived(&f::X_FINGERPRINT_SHA1, all, hex(Hash::Sha1));
        for name in &cert.names {
            r.derived(&f::X_NAME, all, name.as_str());
        }
        Ok(())
    })
}

/// Headers and other bytes up to offset `to` of the certificate.
fn between(r: &mut Reader<'_>, base: usize, to: usize) -> Result<(), Stop> {
    let n = base.saturating_add(to).saturating_sub(r.taken());
    if n > 0 {
        r.bytes(&f::X_DER, n)?;
    }
    Ok(())
}

fn one(r: &mut Reader<'_>, p: &Part) -> Result<(), Stop> {
    let len = p.to.saturating_sub(p.from);
    let (field, value) = match p.what {
        What::Version => (&f::X_VERSION, Value::U64(p.number as u64)),
        What::Serial => {
            // Tag and length stand before the number.
            let head = 2usize.min(len);
            r.bytes(&f::X_DER, head)?;
            return r.bytes(&f::X_SERIAL, len.saturating_sub(head)).map(|_| ());
        }
        What::Algorithm => (&f::X_ALGORITHM, Value::from(p.text.as_str())),
        What::Issuer => (&f::X_ISSUER, Value::from(p.text.as_str())),
        What::NotBefore => (&f::X_NOT_BEFORE, Value::I64(p.number)),
        What::NotAfter => (&f::X_NOT_AFTER, Value::I64(p.number)),
        What::Subject => (&f::X_SUBJECT, Value::from(p.text.as_str())),
        What::Key => (&f::X_KEY, Value::from(p.text.as_str())),
        What::Extension | What::ExtensionId => (&f::X_EXTENSION_ID, Value::from(p.text.as_str())),
        What::Critical => (&f::X_CRITICAL, Value::Bool(p.number != 0)),
        What::ExtensionValue => (&f::X_EXTENSION_VALUE, Value::from(p.text.as_str())),
        What::Signature => (&f::X_SIGNATURE, Value::Span),
    };
    r.valued(field, len, value).map(|_| ())
}

/// A CertificateStatus message (RFC 6066 §8, RFC 6961 §2.2).
///
/// # Errors
/// [`Stop`].
pub fn status(r: &mut Reader<'_>) -> Result<(), Stop> {
    if r.u8(&f::STATUS_TYPE)? == 2 {
        r.u24(&f::LIST_LENGTH)?;
    }
    while !r.is_empty() {
        let len = r.u24(&f::OCSP_LENGTH)? as usize;
        if len > 0 {
            r.bytes(&f::OCSP, len)?;
        }
    }
    Ok(())
}

/// A CompressedCertificate message (RFC 8879 §4): what it unpacks to is read as a Certificate message inside.
///
/// # Errors
/// [`Stop`].
pub fn packed(r: &mut Reader<'_>, body: &[u8], dir: Dir, out: &mut Out<'_>) -> Result<(), Stop> {
    let from = r.at();
    let algorithm = r.u16(&f::COMPRESSOR)?;
    let whole = r.u24(&f::UNPACKED_LENGTH)? as usize;
    let len = r.u24(&f::PACKED_LENGTH)? as usize;
    r.bytes(&f::PACKED, len)?;
    let coding = match algorithm {
        1 => Coding::Deflate,
        2 => Coding::Brotli,
        3 => Coding::Zstd,
        _ => return Ok(()),
    };
    let at = r.since(from);
    let mut made = Vec::new();
    let input = body.get(8..8usize.saturating_add(len)).unwrap_or(&[]);
    let went = Decoder::once(&[coding]).map(|mut d| d.push(input, &mut made));
    if !matches!(went, Some(Ok(()))) || made.len() != whole || whole > MOST_UNPACKED {
        r.note(&n::CERT_PACKED, at);
        return Ok(());
    }
    let [_, a, b, c] = (whole as u32).to_be_bytes();
    let mut message = vec![11, a, b, c];
    message.extend_from_slice(&made);
    out.inner_made(at.at, dir, message, at, How::Inflated, Hint::Proto("tls.handshake"));
    Ok(())
}
