//! Key derivation: the pseudorandom functions of TLS 1.0 to 1.2 and the HKDF of TLS 1.3.

use md5::{Digest, Md5};
use ring::hmac;

/// A hash function that TLS builds on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hash {
    /// MD5, 16 bytes.
    Md5,
    /// SHA-1, 20 bytes.
    Sha1,
    /// SHA-256, 32 bytes.
    Sha256,
    /// SHA-384, 48 bytes.
    Sha384,
}

impl Hash {
    /// Bytes of its output.
    #[must_use]
    pub const fn len(self) -> usize {
        match self {
            Hash::Md5 => 16,
            Hash::Sha1 => 20,
            Hash::Sha256 => 32,
            Hash::Sha384 => 48,
        }
    }

    /// The hash of `parts` put end to end.
    #[must_use]
    pub fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
        use ring::digest as d;
        let algorithm = match self {
            Hash::Md5 => {
                let mut md5 = Md5::new();
                parts.iter().for_each(|p| md5.update(p));
                return md5.finalize().to_vec();
            }
            Hash::Sha1 => &d::SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => &d::SHA256,
            Hash::Sha384 => &d::SHA384,
        };
        let mut context = d::Context::new(algorithm);
        parts.iter().for_each(|p| context.update(p));
        context.finish().as_ref().to_vec()
    }
}

/// A key for HMAC (RFC 2104), made ready once.
#[derive(Clone)]
pub enum Mac {
    /// By ring.
    Ring(hmac::Key),
    /// MD5, which ring does not have: the states behind both pads.
    Md5(Box<(Md5, Md5)>),
}

impl Mac {
    /// A key for HMAC with `hash`.
    #[must_use]
    pub fn new(hash: Hash, key: &[u8]) -> Mac {
        let algorithm = match hash {
            Hash::Md5 => {
                let mut block = [0u8; 64];
                let hashed;
                let key = if key.len() > block.len() {
                    hashed = Hash::Md5.digest(&[key]);
                    &hashed
                } else {
                    key
                };
                block.iter_mut().zip(key).for_each(|(b, k)| *b = *k);
                let pad = |with: u8| Md5::new_with_prefix(block.map(|b| b ^ with));
                return Mac::Md5(Box::new((pad(0x36), pad(0x5c))));
            }
            Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Hash::Sha256 => hmac::HMAC_SHA256,
            Hash::Sha384 => hmac::HMAC_SHA384,
        };
        Mac::Ring(hmac::Key::new(algorithm, key))
    }

    /// The code of `parts` put end to end; `with` gets it.
    pub fn sign<T>(&self, parts: &[&[u8]], with: impl FnOnce(&[u8]) -> T) -> T {
        match self {
            Mac::Ring(key) => {
                let mut context = hmac::Context::with_key(key);
                parts.iter().for_each(|p| context.update(p));
                with(context.sign().as_ref())
            }
            Mac::Md5(pads) => {
                let (mut inside, mut outside) = (**pads).clone();
                parts.iter().for_each(|p| inside.update(p));
                outside.update(inside.finalize());
                with(&outside.finalize())
            }
        }
    }
}

/// P_hash of RFC 5246 §5, XORed into `out`.
fn p_hash(hash: Hash, secret: &[u8], seed: &[&[u8]], out: &mut [u8]) {
    let mac = Mac::new(hash, secret);
    let mut a = mac.sign(seed, <[u8]>::to_vec);
    for block in out.chunks_mut(hash.len()) {
        let mut parts = vec![a.as_slice()];
        parts.extend_from_slice(seed);
        mac.sign(&parts, |made| block.iter_mut().zip(made).for_each(|(o, m)| *o ^= m));
        a = mac.sign(&[&a], <[u8]>::to_vec);
    }
}

/// The PRF of a version: MD5 and SHA-1 together up to TLS 1.1 (RFC 4346 §5), `hash` in TLS 1.2 (RFC 5246 §5). At most 1 KiB.
#[must_use]
pub fn prf(version: u16, hash: Hash, secret: &[u8], label: &str, seed: &[&[u8]], len: usize) -> Vec<u8> {
    let mut out = vec![0u8; len.min(1024)];
    let mut seeds = vec![label.as_bytes()];
    seeds.extend_from_slice(seed);
    if version >= 0x0303 {
        p_hash(hash, secret, &seeds, &mut out);
    } else {
        // Both halves share the middle byte where the length is odd.
        let half = secret.len().div_ceil(2);
        p_hash(Hash::Md5, secret.get(..half).unwrap_or(secret), &seeds, &mut out);
        p_hash(Hash::Sha1, secret.get(secret.len().saturating_sub(half)..).unwrap_or(secret), &seeds, &mut out);
    }
    out
}

/// HKDF-Expand-Label of RFC 8446 §7.1 with an empty context. `prefix` is "tls13 " or, in DTLS 1.3, "dtls13". At most 255 bytes.
#[must_use]
pub fn expand_label(hash: Hash, secret: &[u8], prefix: &str, label: &str, len: usize) -> Vec<u8> {
    expand_label_by(&Mac::new(hash, secret), prefix, label, len)
}

/// The same of a secret that several things are derived from.
#[must_use]
pub fn expand_label_by(mac: &Mac, prefix: &str, label: &str, len: usize) -> Vec<u8> {
    let len = len.min(255);
    let name = prefix.len().saturating_add(label.len()) as u8;
    let head = [0, len as u8, name];
    let mut out: Vec<u8> = Vec::with_capacity(len);
    let mut last: Vec<u8> = Vec::new();
    for counter in 1u8..=16 {
        last = mac.sign(&[&last, &head, prefix.as_bytes(), label.as_bytes(), &[0], &[counter]], <[u8]>::to_vec);
        out.extend_from_slice(&last);
        if out.len() >= len {
            break;
        }
    }
    out.truncate(len);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        digits.chunks(2).map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap()).collect()
    }

    #[test]
    fn hmac_md5_is_that_of_rfc_2202() {
        Mac::new(Hash::Md5, b"Jefe").sign(&[b"what do ya want ", b"for nothing?"], |m| {
            assert_eq!(m, hex("750c783e6ab0b503eaa86e310a5db738"));
        });
        Mac::new(Hash::Md5, &[0xaa; 80]).sign(&[b"Test Using Larger Than Block-Size Key - Hash Key First"], |m| {
            assert_eq!(m, hex("6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"));
        });
    }

    #[test]
    fn a_label_is_expanded_as_in_rfc_8448() {
        let secret = hex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38");
        assert_eq!(expand_label(Hash::Sha256, &secret, "tls13 ", "key", 16), hex("3fce516009c21727d0f2e4e86ee403bc"));
        assert_eq!(expand_label(Hash::Sha256, &secret, "tls13 ", "iv", 12), hex("5d313eb2671276ee13000b30"));
    }
}
