//! Certificates as Java keeps them: a store of its first form (JKS), which every Java reads. In a PKCS#12 file older ones trust nobody.
//!
//! The form is that of `sun.security.provider.JavaKeyStore`: big-endian numbers, strings with their length in two bytes, and at the end a
//! SHA-1 over the password (UTF-16), a phrase of its maker's, and all before.

use sha1::{Digest, Sha1};

/// A store with one certificate (DER) that is trusted.
#[must_use]
pub fn store(der: &[u8], name: &str, password: &str) -> Vec<u8> {
    let mut all = Vec::with_capacity(der.len() + 128);
    let number = |all: &mut Vec<u8>, n: u32| all.extend_from_slice(&n.to_be_bytes());
    let string = |all: &mut Vec<u8>, s: &str| {
        all.extend_from_slice(&u16::try_from(s.len()).unwrap_or(u16::MAX).to_be_bytes());
        all.extend_from_slice(s.as_bytes());
    };
    number(&mut all, 0xfeed_feed);
    // Version 2; one entry, which is a trusted certificate (2).
    for n in [2, 1, 2] {
        number(&mut all, n);
    }
    string(&mut all, name);
    // When it was made, in milliseconds since 1970: nobody asks.
    all.extend_from_slice(&[0; 8]);
    string(&mut all, "X.509");
    number(&mut all, u32::try_from(der.len()).unwrap_or(u32::MAX));
    all.extend_from_slice(der);
    let mut sum = Sha1::new();
    for unit in password.encode_utf16() {
        sum.update(unit.to_be_bytes());
    }
    sum.update(b"Mighty Aphrodite");
    sum.update(&all);
    all.extend_from_slice(&sum.finalize());
    all
}
