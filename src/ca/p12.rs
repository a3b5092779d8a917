//! A certificate as PKCS#12 (RFC 7292), which some phones and programs take by preference. It holds no key and needs no password.

use crate::Error;
use crate::der::{Der, tag};
use crate::signer::random;
use ring::{digest, hmac};

const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
const CERT_BAG: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 3];
const X509_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 22, 1];
const FRIENDLY_NAME: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 20];
const SHA1: &[u8] = &[0x2b, 0x0e, 3, 2, 26];
const BMP_STRING: u8 = 0x1e;
/// What common tools use; with an empty password it protects nothing, and is no more than a checksum.
const ITERATIONS: u16 = 2048;

/// A file with one certificate (DER) under a name, its password empty.
pub(crate) fn certificate(der: &[u8], name: &str) -> Result<Vec<u8>, Error> {
    let mut safe = Der::default();
    safe.nest(tag::SEQUENCE, |d| {
        content_info(d, |d| {
            d.nest(tag::SEQUENCE, |d| bag(d, der, name));
        });
    });
    let safe = safe.bytes();
    let salt = random::<8>()?;
    // SHA-1 because older phones know no other here; see above for what it is worth either way.
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &mac_key(&salt));
    let mac = hmac::sign(&key, &safe);
    let mut file = Der::with_capacity(safe.len().saturating_add(128));
    file.nest(tag::SEQUENCE, |d| {
        d.small(3);
        content_info(d, |d| d.raw(&safe));
        d.nest(tag::SEQUENCE, |d| {
            d.nest(tag::SEQUENCE, |d| {
                d.nest(tag::SEQUENCE, |d| {
                    d.value(tag::OID, SHA1);
                    d.value(tag::NULL, &[]);
                });
                d.value(tag::OCTET_STRING, mac.as_ref());
            });
            d.value(tag::OCTET_STRING, &salt);
            d.value(tag::INTEGER, &ITERATIONS.to_be_bytes());
        });
    });
    Ok(file.bytes())
}

/// ContentInfo of type data: an OCTET STRING around what `inside` writes.
fn content_info(d: &mut Der, inside: impl FnOnce(&mut Der)) {
    d.nest(tag::SEQUENCE, |d| {
        d.value(tag::OID, DATA);
        d.nest(tag::context(0), |d| d.nest(tag::OCTET_STRING, inside));
    });
}

fn bag(d: &mut Der, der: &[u8], name: &str) {
    d.nest(tag::SEQUENCE, |d| {
        d.value(tag::OID, CERT_BAG);
        d.nest(tag::context(0), |d| {
            d.nest(tag::SEQUENCE, |d| {
                d.value(tag::OID, X509_CERTIFICATE);
                d.nest(tag::context(0), |d| d.value(tag::OCTET_STRING, der));
            });
        });
        d.nest(tag::SET, |d| {
            d.nest(tag::SEQUENCE, |d| {
                d.value(tag::OID, FRIENDLY_NAME);
                let utf16: Vec<u8> = name.encode_utf16().flat_map(u16::to_be_bytes).collect();
                d.nest(tag::SET, |d| d.value(BMP_STRING, &utf16));
            });
        });
    });
}

/// The key derivation of RFC 7292 appendix B.2 for a MAC key (ID 3), an empty password (two zero bytes) and SHA-1, whose first output is as
/// long as the key.
fn mac_key(salt: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 64;
    let mut input = vec![3; BLOCK];
    input.extend(salt.iter().copied().cycle().take(BLOCK));
    input.extend([0; BLOCK]);
    let mut key = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &input);
    for _ in 1..ITERATIONS {
        key = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, key.as_ref());
    }
    key.as_ref().to_vec()
}
