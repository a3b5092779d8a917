//! Opens the records of one direction: one key, the numbers of its records, and the plaintext they give.

use super::block::{Cbc, Ccm, Rc4};
use super::prf::Mac;
use super::suite::{Kind, Suite};
use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use std::sync::Arc;

/// A record to open.
#[derive(Debug, Clone, Copy)]
pub struct Sealed<'r> {
    /// Its type as on the wire.
    pub kind: u8,
    /// Its version as on the wire.
    pub version: u16,
    /// What stands behind its header.
    pub body: &'r [u8],
}

/// Why a record could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Its tag or MAC does not fit: a wrong key, a wrong number, or changed bytes.
    Tag,
    /// It is too short to hold what its cipher adds.
    Short,
}

#[derive(Clone)]
enum Cipher {
    Aead { key: Arc<LessSafeKey>, iv: [u8; 12], explicit: bool },
    Ccm { key: Ccm, iv: [u8; 12], explicit: bool },
    Cbc { key: Cbc, block: usize, iv: [u8; 16], explicit: bool, mac: Mac, mac_len: usize, etm: bool },
    Stream { key: Option<Rc4>, mac: Mac, mac_len: usize },
}

/// Keys of one direction, as the key block or a traffic secret gave them.
#[derive(Debug, Clone, Copy)]
pub struct Keys<'k> {
    /// For the MAC; empty for AEADs.
    pub mac: &'k [u8],
    /// For the cipher.
    pub key: &'k [u8],
    /// The fixed part of nonces, or the first block before CBC.
    pub iv: &'k [u8],
}

/// Opens records one after the other.
#[derive(Clone)]
pub struct Opener {
    cipher: Cipher,
    tls13: bool,
    /// Number of the next record.
    pub seq: u64,
}

fn nonce_start(iv: &[u8]) -> [u8; 12] {
    let mut start = [0u8; 12];
    start.iter_mut().zip(iv).for_each(|(s, v)| *s = *v);
    start
}

impl Opener {
    /// For the records of a version (of TLS, or of DTLS as TLS counts); `None` where keys have wrong lengths.
    #[must_use]
    pub fn new(suite: &Suite, version: u16, etm: bool, keys: Keys<'_>) -> Option<Opener> {
        let tls13 = version >= 0x0304;
        // In TLS 1.2, GCM and CCM send eight bytes of the nonce along; ChaCha20 never does.
        let explicit = !tls13 && suite.kind != Kind::ChaCha;
        let aead = |algorithm| {
            let key = Arc::new(LessSafeKey::new(UnboundKey::new(algorithm, keys.key).ok()?));
            Some(Cipher::Aead { key, iv: nonce_start(keys.iv), explicit })
        };
        let mac = || Mac::new(suite.mac, keys.mac);
        let mac_len = suite.mac.len();
        let cipher = match suite.kind {
            Kind::Gcm if keys.key.len() == 16 => aead(&AES_128_GCM)?,
            Kind::Gcm => aead(&AES_256_GCM)?,
            Kind::ChaCha => aead(&CHACHA20_POLY1305)?,
            Kind::Ccm(tag) => Cipher::Ccm { key: Ccm::new(keys.key, tag)?, iv: nonce_start(keys.iv), explicit },
            Kind::Cbc(block) => {
                let mut iv = [0u8; 16];
                iv.iter_mut().zip(keys.iv).for_each(|(a, b)| *a = *b);
                let key = Cbc::new(block, keys.key)?;
                Cipher::Cbc { key, block: block.size(), iv, explicit: version >= 0x0302, mac: mac(), mac_len, etm }
            }
            Kind::Rc4 => Cipher::Stream { key: Some(Rc4::new(keys.key)?), mac: mac(), mac_len },
            Kind::Null => Cipher::Stream { key: None, mac: mac(), mac_len },
        };
        Some(Opener { cipher, tls13, seq: 0 })
    }

    /// Whether a record depends on the one before it by more than its number, so that nothing behind a hole can be opened.
    #[must_use]
    pub const fn is_chained(&self) -> bool {
        matches!(self.cipher, Cipher::Stream { key: Some(_), .. } | Cipher::Cbc { explicit: false, .. })
    }

    /// Opens a record with its number `seq` into `out` and gives the type of its content. Of TLS 1.3 records that type stands
    /// behind the content (RFC 8446 §5.2). The number of the next record becomes `seq + 1`.
    ///
    /// # Errors
    /// [`Fault`]; `out` is empty then, and this opener is as before.
    pub fn open(&mut self, seq: u64, r: Sealed<'_>, out: &mut Vec<u8>) -> Result<u8, Fault> {
        out.clear();
        let opened = self.decipher(seq, r, out);
        if opened.is_err() {
            out.clear();
        }
        let kind = opened.map(|()| r.kind)?;
        self.seq = seq.wrapping_add(1);
        if !self.tls13 {
            return Ok(kind);
        }
        while out.last() == Some(&0) {
            out.pop();
        }
        out.pop().ok_or(Fault::Short)
    }

    fn decipher(&mut self, seq: u64, r: Sealed<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        let tls13 = self.tls13;
        match &mut self.cipher {
            Cipher::Aead { key, iv, explicit } => {
                let (nonce, text) = nonce(iv, *explicit, seq, r.body).ok_or(Fault::Short)?;
                let len = text.len().checked_sub(16).ok_or(Fault::Short)?;
                out.extend_from_slice(text);
                let (aad, n) = aad(tls13, seq, &r, len);
                let aad = Aad::from(aad.get(..n).unwrap_or(&aad));
                let plain = key.open_in_place(Nonce::assume_unique_for_key(nonce), aad, out).map_err(|_| Fault::Tag)?.len();
                out.truncate(plain);
            }
            Cipher::Ccm { key, iv, explicit } => {
                let (nonce, text) = nonce(iv, *explicit, seq, r.body).ok_or(Fault::Short)?;
                let len = text.len().checked_sub(key.tag()).ok_or(Fault::Short)?;
                out.extend_from_slice(text);
                let (aad, n) = aad(tls13, seq, &r, len);
                let plain = key.open(&nonce, aad.get(..n).unwrap_or(&aad), out).ok_or(Fault::Tag)?;
                out.truncate(plain);
            }
            Cipher::Cbc { key, block, iv, explicit, mac, mac_len, etm } => {
                let mut body = r.body;
                if *etm {
                    let text = body.len().checked_sub(*mac_len).ok_or(Fault::Short)?;
                    let (sealed, tag) = body.split_at_checked(text).ok_or(Fault::Short)?;
                    check(mac, seq, &r, sealed, tag)?;
                    body = sealed;
                }
                let (first, text) = if *explicit {
                    body.split_at_checked(*block).ok_or(Fault::Short)?
                } else {
                    (iv.get(..*block).unwrap_or(iv), body)
                };
                if text.is_empty() || !text.len().is_multiple_of(*block) {
                    return Err(Fault::Short);
                }
                out.extend_from_slice(text);
                key.decrypt(out, first);
                let pad = usize::from(out.last().copied().unwrap_or(0));
                let plain = out.len().checked_sub(pad.saturating_add(1)).ok_or(Fault::Tag)?;
                if out.get(plain..).is_some_and(|p| p.iter().any(|b| usize::from(*b) != pad)) {
                    return Err(Fault::Tag);
                }
                out.truncate(plain);
                if !*etm {
                    strip(mac, *mac_len, seq, &r, out)?;
                }
                let last = text.get(text.len().saturating_sub(*block)..).unwrap_or(&[]);
                iv.iter_mut().zip(last).for_each(|(a, b)| *a = *b);
            }
            Cipher::Stream { key, mac, mac_len } => {
                out.extend_from_slice(r.body);
                let before = key.clone();
                if let Some(key) = key {
                    key.apply(out);
                }
                let went = strip(mac, *mac_len, seq, &r, out);
                if went.is_err() {
                    *key = before;
                }
                went?;
            }
        }
        Ok(())
    }
}

/// The nonce of a record, and the ciphertext with its tag.
fn nonce<'b>(iv: &[u8; 12], explicit: bool, seq: u64, body: &'b [u8]) -> Option<([u8; 12], &'b [u8])> {
    let mut nonce = *iv;
    let (_, counter) = nonce.split_at_mut_checked(4)?;
    if explicit {
        let (sent, text) = body.split_at_checked(8)?;
        counter.copy_from_slice(sent);
        return Some((nonce, text));
    }
    counter.iter_mut().zip(seq.to_be_bytes()).for_each(|(n, s)| *n ^= s);
    Some((nonce, body))
}

/// What is authenticated besides the text: the record's header in TLS 1.3, before that its number, header and plain length too.
fn aad(tls13: bool, seq: u64, r: &Sealed<'_>, len: usize) -> ([u8; 13], usize) {
    let [v1, v2] = r.version.to_be_bytes();
    if tls13 {
        let [l1, l2] = (r.body.len() as u16).to_be_bytes();
        return ([r.kind, v1, v2, l1, l2, 0, 0, 0, 0, 0, 0, 0, 0], 5);
    }
    let [a, b, c, d, e, f, g, h] = seq.to_be_bytes();
    let [l1, l2] = (len as u16).to_be_bytes();
    ([a, b, c, d, e, f, g, h, r.kind, v1, v2, l1, l2], 13)
}

fn check(mac: &Mac, seq: u64, r: &Sealed<'_>, text: &[u8], tag: &[u8]) -> Result<(), Fault> {
    let (head, _) = aad(false, seq, r, text.len());
    let fits = mac.sign(&[&head, text], |made| made == tag);
    if fits { Ok(()) } else { Err(Fault::Tag) }
}

/// Checks the MAC at the end of `out` and takes it off.
fn strip(mac: &Mac, mac_len: usize, seq: u64, r: &Sealed<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
    let len = out.len().checked_sub(mac_len).ok_or(Fault::Tag)?;
    let (text, tag) = out.split_at_checked(len).ok_or(Fault::Tag)?;
    check(mac, seq, r, text, tag)?;
    out.truncate(len);
    Ok(())
}
