//! Keys of QUIC packets (RFC 9001): from the connection ID of the first packet or from a TLS secret, and how they take protection off.

use ring::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey, quic};
use ring::hkdf;
use std::sync::Arc;

/// A version of QUIC as far as its keys are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    salt: &'static [u8; 20],
    /// What the labels of its keys begin with.
    label: &'static str,
    /// Long packet types are numbered anew (RFC 9369 §3.2).
    pub second: bool,
}

/// RFC 9001 §5.2.
const SALT_1: [u8; 20] =
    [0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a];
/// RFC 9369 §3.3.1.
const SALT_2: [u8; 20] =
    [0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93, 0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9];
/// draft-ietf-quic-tls-29 §5.2, up to draft 32.
const SALT_29: [u8; 20] =
    [0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97, 0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99];
/// draft-ietf-quic-tls-23 §5.2, up to draft 28.
const SALT_23: [u8; 20] =
    [0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7, 0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02];

/// What is known of a version's keys; `None` for versions with other rules (Google's own, older drafts, to come).
pub(super) const fn version(number: u32) -> Option<Version> {
    let (salt, label, second) = match number {
        // Facebook's mvfst draft versions and picoquic's keep to the same rules where they are listed here.
        1 | 0xff00_0021 | 0xff00_0022 => (&SALT_1, "quic ", false),
        0x6b33_43cf | 0x709a_50c4 => (&SALT_2, "quicv2 ", true),
        0xff00_001d..=0xff00_0020 | 0xface_b002 => (&SALT_29, "quic ", false),
        0xff00_0017..=0xff00_001c | 0xface_b001 => (&SALT_23, "quic ", false),
        _ => return None,
    };
    Some(Version { salt, label, second })
}

/// How packets of a cipher suite are protected.
#[derive(Clone, Copy)]
pub(super) struct Suite {
    aead: &'static aead::Algorithm,
    header: &'static quic::Algorithm,
    hash: hkdf::Algorithm,
}

/// By its TLS number (RFC 8446 §B.4).
pub(super) fn suite(number: u16) -> Option<Suite> {
    Some(match number {
        0x1301 => Suite { aead: &aead::AES_128_GCM, header: &quic::AES_128, hash: hkdf::HKDF_SHA256 },
        0x1302 => Suite { aead: &aead::AES_256_GCM, header: &quic::AES_256, hash: hkdf::HKDF_SHA384 },
        0x1303 => Suite { aead: &aead::CHACHA20_POLY1305, header: &quic::CHACHA20, hash: hkdf::HKDF_SHA256 },
        _ => return None,
    })
}

struct Len(usize);

impl hkdf::KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-Expand-Label (RFC 8446 §7.1) without a context.
fn expand(prk: &hkdf::Prk, label: &str, len: usize) -> Option<Vec<u8>> {
    let mut info = Vec::with_capacity(64);
    info.extend_from_slice(&u16::try_from(len).ok()?.to_be_bytes());
    info.push(u8::try_from(label.len().checked_add(6)?).ok()?);
    info.extend_from_slice(b"tls13 ");
    info.extend_from_slice(label.as_bytes());
    info.push(0);
    let mut out = vec![0; len];
    prk.expand(&[&info], Len(len)).ok()?.fill(&mut out).ok()?;
    Some(out)
}

/// Keys of one direction at one level.
pub(super) struct Keys {
    suite: Suite,
    version: Version,
    secret: Vec<u8>,
    key: LessSafeKey,
    iv: [u8; 12],
    header: Arc<quic::HeaderProtectionKey>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

impl Keys {
    /// Both directions' keys of Initial packets: client's first (RFC 9001 §5.2).
    pub(super) fn initial(version: Version, connection: &[u8]) -> Option<[Arc<Keys>; 2]> {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, version.salt).extract(connection);
        let suite = suite(0x1301)?;
        let of = |label| Keys::from_secret(version, suite, &expand(&prk, label, 32)?);
        Some([Arc::new(of("client in")?), Arc::new(of("server in")?)])
    }

    /// Keys from a traffic secret (RFC 9001 §5.1).
    pub(super) fn from_secret(version: Version, suite: Suite, secret: &[u8]) -> Option<Keys> {
        let prk = hkdf::Prk::new_less_safe(suite.hash, secret);
        let hp = expand(&prk, &format!("{}hp", version.label), suite.header.key_len())?;
        let header = Arc::new(quic::HeaderProtectionKey::new(suite.header, &hp).ok()?);
        Keys::with_header(version, suite, secret, header)
    }

    fn with_header(version: Version, suite: Suite, secret: &[u8], header: Arc<quic::HeaderProtectionKey>) -> Option<Keys> {
        let prk = hkdf::Prk::new_less_safe(suite.hash, secret);
        let key = expand(&prk, &format!("{}key", version.label), suite.aead.key_len())?;
        let iv = expand(&prk, &format!("{}iv", version.label), 12)?.try_into().ok()?;
        let key = LessSafeKey::new(UnboundKey::new(suite.aead, &key).ok()?);
        Some(Keys { suite, version, secret: secret.to_vec(), key, iv, header })
    }

    /// The keys after a key update; header protection stays (RFC 9001 §6.1).
    pub(super) fn next(&self) -> Option<Keys> {
        let prk = hkdf::Prk::new_less_safe(self.suite.hash, &self.secret);
        let secret = expand(&prk, &format!("{}ku", self.version.label), self.secret.len())?;
        Keys::with_header(self.version, self.suite, &secret, Arc::clone(&self.header))
    }

    /// The mask of header protection for the 16 bytes that begin 4 behind the packet number's first byte (RFC 9001 §5.4.2).
    pub(super) fn mask(&self, sample: &[u8]) -> Option<[u8; 5]> {
        self.header.new_mask(sample).ok()
    }

    /// Deciphers `payload` (its tag included) in place, and returns how many bytes of it are plaintext.
    pub(super) fn open(&self, number: u64, header: &[u8], payload: &mut [u8]) -> Option<usize> {
        let mut nonce = self.iv;
        for (n, b) in nonce.iter_mut().skip(4).zip(number.to_be_bytes()) {
            *n ^= b;
        }
        let plain = self.key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(header), payload).ok()?;
        Some(plain.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_secrets_are_those_of_the_standard() {
        // RFC 9001 §A.1.
        let id = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
        let [client, server] = Keys::initial(version(1).unwrap(), &id).unwrap();
        assert_eq!(client.iv, [0xfa, 0x04, 0x4b, 0x2f, 0x42, 0xa3, 0xfd, 0x3b, 0x46, 0xfb, 0x25, 0x5c]);
        assert_eq!(server.iv, [0x0a, 0xc1, 0x49, 0x3c, 0xa1, 0x90, 0x58, 0x53, 0xb0, 0xbb, 0xa0, 0x3e]);
        // RFC 9001 §A.2: the mask of the client's first packet.
        let sample = [0xd1, 0xb1, 0xc9, 0x8d, 0xd7, 0x68, 0x9f, 0xb8, 0xec, 0x11, 0xd2, 0x42, 0xb1, 0x23, 0xdc, 0x9b];
        assert_eq!(client.mask(&sample), Some([0x43, 0x7b, 0x9a, 0xec, 0x36]));
    }
}
