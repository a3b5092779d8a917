//! Decryption: from the secrets that were given to the plaintext of records. Pure computation over bytes.

pub mod block;
pub mod opener;
pub mod prf;
pub mod seed;
pub mod suite;

use opener::{Keys, Opener};
use prf::{Hash, Mac, expand_label, expand_label_by, prf};
use suite::Suite;

/// What both hellos agreed on, as far as keys depend on it.
#[derive(Debug, Clone, Copy)]
pub struct Agreed<'a> {
    /// The version as TLS counts: 0x0301 to 0x0304.
    pub version: u16,
    /// The cipher suite.
    pub suite: Suite,
    /// The client's random.
    pub client: &'a [u8; 32],
    /// The server's random.
    pub server: &'a [u8; 32],
    /// Encrypt-then-MAC (RFC 7366).
    pub etm: bool,
}

/// The master secret made of a premaster secret; `session` is the hash of the handshake where both agreed on that (RFC 7627).
#[must_use]
pub fn master(a: &Agreed<'_>, premaster: &[u8], session: Option<&[u8]>) -> Vec<u8> {
    match session {
        Some(hash) => prf(a.version, a.suite.prf, premaster, "extended master secret", &[hash], 48),
        None => prf(a.version, a.suite.prf, premaster, "master secret", &[a.client, a.server], 48),
    }
}

/// The hash of a handshake as RFC 7627 §3 wants it: MD5 and SHA-1 up to TLS 1.1.
#[must_use]
pub fn session_hash(version: u16, suite: &Suite, transcript: &[u8]) -> Vec<u8> {
    if version >= 0x0303 {
        return suite.prf.digest(&[transcript]);
    }
    let mut both = Hash::Md5.digest(&[transcript]);
    both.extend(Hash::Sha1.digest(&[transcript]));
    both
}

/// The opener for what a side sends up to TLS 1.2 (RFC 5246 §6.3). `None` where the suite's keys cannot be made.
#[must_use]
pub fn opener_of_master(a: &Agreed<'_>, master: &[u8], from_client: bool) -> Option<Opener> {
    let s = &a.suite;
    let mac = if s.kind.is_aead() { 0 } else { s.mac.len() };
    let iv = match s.kind {
        suite::Kind::Gcm | suite::Kind::Ccm(_) => 4,
        suite::Kind::ChaCha => 12,
        // From TLS 1.1 on the first block stands in each record.
        suite::Kind::Cbc(b) if a.version < 0x0302 && !s.export => b.size(),
        _ => 0,
    };
    let len = (mac.saturating_add(s.key).saturating_add(iv)).saturating_mul(2);
    let block = prf(a.version, s.prf, master, "key expansion", &[a.server, a.client], len);
    let mut at = 0usize;
    let mut part = |n: usize| {
        let first = block.get(at..at.saturating_add(n));
        at = at.saturating_add(n);
        let second = block.get(at..at.saturating_add(n));
        at = at.saturating_add(n);
        if from_client { first } else { second }
    };
    let (mac, key, iv) = (part(mac)?, part(s.key)?, part(iv)?);
    if !s.export {
        return Opener::new(s, a.version, a.etm, Keys { mac, key, iv });
    }
    let label = if from_client { "client write key" } else { "server write key" };
    let key = prf(a.version, s.prf, key, label, &[a.client, a.server], s.used_key);
    let both = prf(a.version, s.prf, &[], "IV block", &[a.client, a.server], 16);
    let iv = if from_client { both.get(..8)? } else { both.get(8..)? };
    Opener::new(s, a.version, a.etm, Keys { mac, key: &key, iv })
}

/// The opener for what is sent under a traffic secret (RFC 8446 §7.3).
#[must_use]
pub fn opener_of_traffic(suite: &Suite, secret: &[u8]) -> Option<Opener> {
    if secret.len() != suite.prf.len() || !suite.kind.is_aead() {
        return None;
    }
    let mac = Mac::new(suite.prf, secret);
    let key = expand_label_by(&mac, "tls13 ", "key", suite.key);
    let iv = expand_label_by(&mac, "tls13 ", "iv", 12);
    Opener::new(suite, 0x0304, false, Keys { mac: &[], key: &key, iv: &iv })
}

/// The secret behind a key update (RFC 8446 §7.2).
#[must_use]
pub fn next_traffic_secret(suite: &Suite, secret: &[u8]) -> Vec<u8> {
    expand_label(suite.prf, secret, "tls13 ", "traffic upd", suite.prf.len())
}
