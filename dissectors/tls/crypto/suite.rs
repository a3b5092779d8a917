//! What a cipher suite stands for: its cipher, its hashes and its keys' lengths, read from its registered name.

use super::block::Block;
use super::prf::Hash;
use crate::tls::suites::SUITES;

/// How records are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Not at all, but for the MAC.
    Null,
    /// RC4.
    Rc4,
    /// A block cipher in CBC mode.
    Cbc(Block),
    /// AES-GCM.
    Gcm,
    /// AES-CCM with a tag of so many bytes.
    Ccm(usize),
    /// ChaCha20-Poly1305.
    ChaCha,
}

impl Kind {
    /// Whether the cipher authenticates by itself.
    #[must_use]
    pub const fn is_aead(self) -> bool {
        matches!(self, Kind::Gcm | Kind::Ccm(_) | Kind::ChaCha)
    }
}

/// A cipher suite in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suite {
    /// How records are protected.
    pub kind: Kind,
    /// Bytes of key taken from the key block.
    pub key: usize,
    /// Bytes of the key that is used: longer than `key` in suites weakened for export.
    pub used_key: usize,
    /// The MAC's hash, where the cipher needs one.
    pub mac: Hash,
    /// The hash that keys are derived with from TLS 1.2 on.
    pub prf: Hash,
    /// Weakened for export: keys are stretched (RFC 2246 §6.3.1).
    pub export: bool,
}

/// The registered name of a suite.
#[must_use]
pub fn name(id: u16) -> Option<&'static str> {
    SUITES.binary_search_by_key(&u64::from(id), |(n, _)| *n).ok().and_then(|i| SUITES.get(i)).map(|(_, name)| *name)
}

/// Takes a suite's name apart; `None` for suites whose records we cannot open.
#[must_use]
pub fn suite(id: u16) -> Option<Suite> {
    let name = name(id)?;
    let cipher = name.split_once("_WITH_").map_or_else(|| name.strip_prefix("TLS_"), |(_, c)| Some(c))?;
    let export = name.contains("_EXPORT_");
    let (cipher, hash) = match cipher.rsplit_once('_') {
        Some((c, "MD5")) => (c, Hash::Md5),
        Some((c, "SHA")) => (c, Hash::Sha1),
        Some((c, "SHA256")) => (c, Hash::Sha256),
        Some((c, "SHA384")) => (c, Hash::Sha384),
        // CCM suites of TLS 1.2 name no hash.
        _ => (cipher, Hash::Sha256),
    };
    let (kind, key, used_key) = match cipher {
        "NULL" => (Kind::Null, 0, 0),
        "RC4_128" => (Kind::Rc4, 16, 16),
        "RC4_40" => (Kind::Rc4, 5, 16),
        "RC2_CBC_40" => (Kind::Cbc(Block::Rc2), 5, 16),
        "DES40_CBC" => (Kind::Cbc(Block::Des), 5, 8),
        "DES_CBC" => (Kind::Cbc(Block::Des), 8, 8),
        "3DES_EDE_CBC" => (Kind::Cbc(Block::TripleDes), 24, 24),
        "IDEA_CBC" => (Kind::Cbc(Block::Idea), 16, 16),
        "SEED_CBC" => (Kind::Cbc(Block::Seed), 16, 16),
        "CAMELLIA_128_CBC" => (Kind::Cbc(Block::Camellia), 16, 16),
        "CAMELLIA_256_CBC" => (Kind::Cbc(Block::Camellia), 32, 32),
        "AES_128_CBC" => (Kind::Cbc(Block::Aes), 16, 16),
        "AES_256_CBC" => (Kind::Cbc(Block::Aes), 32, 32),
        "AES_128_GCM" => (Kind::Gcm, 16, 16),
        "AES_256_GCM" => (Kind::Gcm, 32, 32),
        "AES_128_CCM" => (Kind::Ccm(16), 16, 16),
        "AES_256_CCM" => (Kind::Ccm(16), 32, 32),
        "AES_128_CCM_8" => (Kind::Ccm(8), 16, 16),
        "AES_256_CCM_8" => (Kind::Ccm(8), 32, 32),
        "CHACHA20_POLY1305" => (Kind::ChaCha, 32, 32),
        _ => return None,
    };
    let prf = if hash == Hash::Sha384 { Hash::Sha384 } else { Hash::Sha256 };
    Some(Suite { kind, key, used_key, mac: hash, prf, export })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_taken_apart_by_name() {
        let aes = suite(0xc030).unwrap();
        assert_eq!((aes.kind, aes.key, aes.prf), (Kind::Gcm, 32, Hash::Sha384));
        let cbc = suite(0xc027).unwrap();
        assert_eq!((cbc.kind, cbc.mac, cbc.prf), (Kind::Cbc(Block::Aes), Hash::Sha256, Hash::Sha256));
        assert_eq!(suite(0xc0ac).unwrap().kind, Kind::Ccm(16));
        assert_eq!(suite(0xc0ae).unwrap().kind, Kind::Ccm(8));
        assert_eq!(suite(0x1305).unwrap().kind, Kind::Ccm(8));
        assert_eq!((suite(0x0003).unwrap().key, suite(0x0003).unwrap().used_key), (5, 16));
        assert_eq!(suite(0x0a0a), None);
    }

    #[test]
    fn the_list_of_suites_is_sorted() {
        assert!(SUITES.is_sorted_by(|a, b| a.0 < b.0));
    }
}
