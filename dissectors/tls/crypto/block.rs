//! Block and stream ciphers besides the AEADs of ring: CBC decryption over any block cipher, CCM (RFC 6655), RC4 (RFC 6229).

use cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, BlockSizeUser, KeyInit};

/// Which block cipher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block {
    /// AES, key of 16 or 32 bytes.
    Aes,
    /// Camellia (RFC 5932).
    Camellia,
    /// Triple DES, encrypt-decrypt-encrypt.
    TripleDes,
    /// DES.
    Des,
    /// IDEA (RFC 5469).
    Idea,
    /// RC2 (RFC 2268).
    Rc2,
    /// SEED (RFC 4162).
    Seed,
}

impl Block {
    /// Bytes of a block.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Block::Aes | Block::Camellia | Block::Seed => 16,
            _ => 8,
        }
    }
}

/// Decrypts CBC in place, given the block before the first.
type Decrypt = dyn Fn(&mut [u8], &[u8]) + Send + Sync;

/// CBC with a block cipher over its key.
#[derive(Clone)]
pub struct Cbc(std::sync::Arc<Decrypt>);

fn over<C>(key: &[u8]) -> Option<Cbc>
where
    C: KeyInit + BlockCipherDecrypt + BlockSizeUser + Send + Sync + 'static,
{
    let cipher = C::new_from_slice(key).ok()?;
    Some(Cbc(std::sync::Arc::new(move |data, iv| decrypt(&cipher, data, iv))))
}

/// Blocks are deciphered several at a time: in CBC they do not depend on each other, only on the ciphertext before.
fn decrypt<C: BlockCipherDecrypt>(cipher: &C, data: &mut [u8], iv: &[u8]) {
    const AT_ONCE: usize = 256;
    let mut before = [0u8; 16];
    before.iter_mut().zip(iv).for_each(|(b, v)| *b = *v);
    let mut kept = [0u8; AT_ONCE];
    let size = C::block_size();
    let whole = data.len().checked_div(size).unwrap_or(0).saturating_mul(size);
    for run in data.get_mut(..whole).unwrap_or(&mut []).chunks_mut(AT_ONCE) {
        let n = run.len();
        kept.iter_mut().zip(run.iter()).for_each(|(k, r)| *k = *r);
        let (blocks, _) = Array::<u8, C::BlockSize>::slice_as_chunks_mut(run);
        cipher.decrypt_blocks(blocks);
        let (first, rest) = run.split_at_mut(size.min(n));
        first.iter_mut().zip(&before).for_each(|(p, c)| *p ^= c);
        rest.iter_mut().zip(&kept).for_each(|(p, c)| *p ^= c);
        let last = kept.get(n.saturating_sub(size)..n).unwrap_or(&[]);
        before.iter_mut().zip(last).for_each(|(b, l)| *b = *l);
    }
}

impl Cbc {
    /// A cipher over its key; `None` where the key has a wrong length.
    #[must_use]
    pub fn new(block: Block, key: &[u8]) -> Option<Cbc> {
        match (block, key.len()) {
            (Block::Aes, 16) => over::<aes::Aes128>(key),
            (Block::Aes, 32) => over::<aes::Aes256>(key),
            (Block::Camellia, 16) => over::<camellia::Camellia128>(key),
            (Block::Camellia, 32) => over::<camellia::Camellia256>(key),
            (Block::TripleDes, _) => over::<des::TdesEde3>(key),
            (Block::Des, _) => over::<des::Des>(key),
            (Block::Idea, _) => over::<idea::Idea>(key),
            (Block::Rc2, _) => over::<rc2::Rc2>(key),
            (Block::Seed, _) => {
                let cipher = super::seed::Seed::new(key)?;
                Some(Cbc(std::sync::Arc::new(move |data, iv| cipher.decrypt_cbc(data, iv))))
            }
            _ => None,
        }
    }

    /// Deciphers whole blocks in place; `iv` is the block before the first.
    pub fn decrypt(&self, data: &mut [u8], iv: &[u8]) {
        (self.0)(data, iv);
    }
}

enum Aes {
    Short(aes::Aes128),
    Long(aes::Aes256),
}

impl Aes {
    fn encrypt(&self, block: [u8; 16]) -> [u8; 16] {
        let mut block = Array::from(block);
        match self {
            Aes::Short(a) => a.encrypt_block(&mut block),
            Aes::Long(a) => a.encrypt_block(&mut block),
        }
        block.into()
    }
}

/// AES-CCM (RFC 3610) with nonces of 12 bytes and lengths of 3, as TLS uses it.
#[derive(Clone)]
pub struct Ccm {
    aes: std::sync::Arc<Aes>,
    tag: usize,
}

impl Ccm {
    /// Over a key of 16 or 32 bytes with a tag of `tag` bytes.
    #[must_use]
    pub fn new(key: &[u8], tag: usize) -> Option<Ccm> {
        let aes = match key.len() {
            16 => Aes::Short(aes::Aes128::new_from_slice(key).ok()?),
            _ => Aes::Long(aes::Aes256::new_from_slice(key).ok()?),
        };
        Some(Ccm { aes: std::sync::Arc::new(aes), tag })
    }

    /// Bytes of its tag.
    #[must_use]
    pub const fn tag(&self) -> usize {
        self.tag
    }

    /// Opens `data` (ciphertext and tag) in place; the plaintext's length, or `None` where the tag does not fit.
    pub fn open(&self, nonce: &[u8; 12], aad: &[u8], data: &mut [u8]) -> Option<usize> {
        let len = data.len().checked_sub(self.tag)?;
        let (text, tag) = data.split_at_mut_checked(len)?;
        let counter = |n: u32| {
            let mut block = [0u8; 16];
            let (head, count) = block.split_at_mut(13);
            head.iter_mut().zip([2u8].iter().chain(nonce)).for_each(|(b, v)| *b = *v);
            count.iter_mut().zip(n.to_be_bytes().iter().skip(1)).for_each(|(b, v)| *b = *v);
            block
        };
        for (n, block) in text.chunks_mut(16).enumerate() {
            let key = self.aes.encrypt(counter((n as u32).wrapping_add(1)));
            block.iter_mut().zip(key).for_each(|(b, k)| *b ^= k);
        }
        // The first block says: there is AAD, how long the tag is, three bytes of length; nonce; length.
        let mut state = counter(len as u32);
        if let Some(flags) = state.first_mut() {
            *flags = 0x40 | ((self.tag.saturating_sub(2) / 2) as u8) << 3 | 2;
        }
        state = self.aes.encrypt(state);
        let aad_len = (aad.len() as u16).to_be_bytes();
        let mut at = 0usize;
        for byte in aad_len.iter().chain(aad) {
            if at == 16 {
                state = self.aes.encrypt(state);
                at = 0;
            }
            if let Some(s) = state.get_mut(at) {
                *s ^= byte;
            }
            at = at.saturating_add(1);
        }
        state = self.aes.encrypt(state);
        for block in text.chunks(16) {
            state.iter_mut().zip(block).for_each(|(s, b)| *s ^= b);
            state = self.aes.encrypt(state);
        }
        let mask = self.aes.encrypt(counter(0));
        let wrong = tag.iter().zip(state.iter().zip(mask)).fold(0u8, |w, (t, (s, m))| w | (t ^ s ^ m));
        (wrong == 0).then_some(len)
    }
}

/// RC4, whose state goes on from record to record.
#[derive(Clone)]
pub struct Rc4 {
    state: Box<[u8; 256]>,
    i: u8,
    j: u8,
}

impl Rc4 {
    /// Over a key of 1 to 256 bytes.
    #[must_use]
    pub fn new(key: &[u8]) -> Option<Rc4> {
        if key.is_empty() {
            return None;
        }
        let mut state = Box::new([0u8; 256]);
        state.iter_mut().zip(0u8..=255).for_each(|(s, i)| *s = i);
        let mut j = 0u8;
        for (i, k) in (0u8..=255).zip(key.iter().cycle()) {
            j = j.wrapping_add(state.get(usize::from(i)).copied().unwrap_or(0)).wrapping_add(*k);
            state.swap(usize::from(i), usize::from(j));
        }
        Some(Rc4 { state, i: 0, j: 0 })
    }

    /// Deciphers in place.
    pub fn apply(&mut self, data: &mut [u8]) {
        for byte in data {
            self.i = self.i.wrapping_add(1);
            let a = self.state[usize::from(self.i)];
            self.j = self.j.wrapping_add(a);
            let b = self.state[usize::from(self.j)];
            self.state.swap(usize::from(self.i), usize::from(self.j));
            *byte ^= self.state[usize::from(a.wrapping_add(b))];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rc4_is_that_of_rfc_6229() {
        let mut data = [0u8; 16];
        Rc4::new(&[1, 2, 3, 4, 5]).unwrap().apply(&mut data);
        assert_eq!(data, [0xb2, 0x39, 0x63, 0x05, 0xf0, 0x3d, 0xc0, 0x27, 0xcc, 0xc3, 0x52, 0x4a, 0x0a, 0x11, 0x18, 0xa8]);
    }

    #[test]
    fn cbc_over_many_blocks_is_the_same_as_one_by_one() {
        let cbc = Cbc::new(Block::Aes, &[7; 16]).unwrap();
        let cipher: Vec<u8> = (0..1024u32).map(|i| (i * 7 % 251) as u8).collect();
        let mut whole = cipher.clone();
        cbc.decrypt(&mut whole, &[9; 16]);
        let mut before = vec![9u8; 16];
        for (i, block) in cipher.chunks(16).enumerate() {
            let mut one = block.to_vec();
            cbc.decrypt(&mut one, &before);
            assert_eq!(one, whole[i * 16..i * 16 + 16]);
            before = block.to_vec();
        }
    }
}
