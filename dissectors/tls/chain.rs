//! Checks a chain of certificates by itself: order, signatures, validity when it was sent, and the name that was asked for.
//!
//! Whether anyone trusts its end is not asked: trust is a decision of the machine that connected, not of the bytes.

use super::cert::{Cert, common_name, rsa_bits};
use super::notes as n;
use ring::signature::{self as sig, UnparsedPublicKey, VerificationAlgorithm};
use wirelore_kit::Note;

/// What was found, and of which certificate.
pub type Finding = (usize, &'static Note);

/// Whether a certificate is for `host`, by its names or, where it has none, by its common name (RFC 9525 §6).
#[must_use]
pub fn is_for(cert: &Cert<'_>, host: &str) -> bool {
    let host = host.trim_end_matches('.');
    let fits = |name: &str| {
        let name = name.trim_end_matches('.');
        match name.strip_prefix("*.") {
            Some(rest) => host.split_once('.').is_some_and(|(_, h)| h.eq_ignore_ascii_case(rest)),
            None => name.eq_ignore_ascii_case(host),
        }
    };
    if cert.names.is_empty() { common_name(cert.subject).is_some_and(|n| fits(&n)) } else { cert.names.iter().any(|n| fits(n)) }
}

/// What costs little: the first certificate's validity at `time` (nanoseconds since 1970) and its name.
pub fn first(cert: &Cert<'_>, host: Option<&str>, time: i64, found: &mut Vec<Finding>) {
    if !cert.whole {
        found.push((0, &n::CERT_MALFORMED));
        return;
    }
    validity(0, cert, time, found);
    if host.is_some_and(|h| !is_for(cert, h)) {
        found.push((0, &n::CERT_NAME));
    }
}

fn validity(i: usize, cert: &Cert<'_>, time: i64, found: &mut Vec<Finding>) {
    // Captures without times have nothing to compare with.
    if time <= 0 {
        return;
    }
    if time > cert.not_after {
        found.push((i, &n::CERT_EXPIRED));
    } else if time < cert.not_before {
        found.push((i, &n::CERT_EARLY));
    }
}

/// All the rest, of every certificate.
pub fn rest(certs: &[Cert<'_>], time: i64, found: &mut Vec<Finding>) {
    for (i, cert) in certs.iter().enumerate() {
        if i > 0 {
            if !cert.whole {
                found.push((i, &n::CERT_MALFORMED));
                continue;
            }
            validity(i, cert, time, found);
        }
        if !cert.whole {
            continue;
        }
        let own = cert.issuer == cert.subject;
        // What a root says of itself proves nothing, so its signature may be weak.
        if weak(cert, own) {
            found.push((i, &n::CERT_WEAK));
        }
        let next = certs.get(i.saturating_add(1));
        match next.filter(|n| n.whole) {
            Some(next) if cert.issuer != next.subject => found.push((i, &n::CERT_ORDER)),
            Some(next) => {
                if next.is_ca != Some(true) && !own {
                    found.push((i.saturating_add(1), &n::CERT_NO_CA));
                }
                match verify(cert, next) {
                    Some(true) => {}
                    Some(false) => found.push((i, &n::CERT_SIGNATURE)),
                    None => found.push((i, &n::CERT_UNCHECKED)),
                }
            }
            None if own && i == 0 => {
                found.push((i, &n::CERT_SELF));
                if verify(cert, cert) == Some(false) {
                    found.push((i, &n::CERT_SIGNATURE));
                }
            }
            None => {}
        }
    }
}

fn weak(cert: &Cert<'_>, own: bool) -> bool {
    let rsa = cert.key_algorithm == RSA;
    let short = rsa && rsa_bits(cert.key).is_some_and(|b| b < 2048);
    let hash = cert.algorithm.strip_prefix(PKCS1).is_some_and(|a| matches!(a, [2 | 4 | 5])) || cert.algorithm == ECDSA_SHA1;
    short || (hash && !own)
}

const PKCS1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3];
const ECDSA_SHA1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: &[u8] = &[0x2b, 0x81, 4, 0, 34];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// Whether the signature of `cert` is by the key of `by`; `None` where we do not know its kind.
fn verify(cert: &Cert<'_>, by: &Cert<'_>) -> Option<bool> {
    let algorithm: &'static dyn VerificationAlgorithm = if let Some(kind) = cert.algorithm.strip_prefix(PKCS1) {
        let bits = rsa_bits(by.key)?;
        match kind {
            [5] if bits >= 1024 => &sig::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
            [11] if bits >= 1024 => &sig::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
            [12] if bits >= 2048 => &sig::RSA_PKCS1_2048_8192_SHA384,
            [13] if bits >= 1024 => &sig::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
            _ => return None,
        }
    } else if let Some(hash) = cert.algorithm.strip_prefix(ECDSA) {
        match (by.key_parameter, hash) {
            (P256, [2]) => &sig::ECDSA_P256_SHA256_ASN1,
            (P256, [3]) => &sig::ECDSA_P256_SHA384_ASN1,
            (P384, [2]) => &sig::ECDSA_P384_SHA256_ASN1,
            (P384, [3]) => &sig::ECDSA_P384_SHA384_ASN1,
            _ => return None,
        }
    } else if cert.algorithm == ED25519 {
        &sig::ED25519
    } else {
        return None;
    };
    Some(UnparsedPublicKey::new(algorithm, by.key).verify(cert.signed, cert.signature).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_one_label_only() {
        let cert = Cert { names: vec!["*.cafe.test".into(), "CAFE.test".into()], ..Cert::default() };
        assert!(is_for(&cert, "www.cafe.test") && is_for(&cert, "cafe.TEST."));
        assert!(!is_for(&cert, "a.b.cafe.test") && !is_for(&cert, "evilcafe.test"));
    }
}
