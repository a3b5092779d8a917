//! An RSA key for clients that know no ECDSA: `ring` signs with such keys, but makes none.
//!
//! One is made per process and used for the leaves alone, which nobody trusts beyond this run's authority.

use crate::Error;
use getrandom::SysRng;
use rsa::PrivateKey;
use rsa::pkcs8::EncodePrivateKey;

/// What clients that know no ECDSA still take; a longer one would be slower to make and to sign with.
const BITS: usize = 2048;

/// A new key in PKCS#8.
///
/// # Errors
/// If the system has no randomness.
pub(crate) fn new_key() -> Result<Vec<u8>, Error> {
    let failed = Error::Crypto { doing: "making an RSA key" };
    let Ok(key) = PrivateKey::new(&mut SysRng, BITS) else { return Err(failed) };
    key.to_pkcs8_der().map(|der| der.as_bytes().to_vec()).map_err(|_| failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ring_takes_every_key_and_signs_with_it() {
        for _ in 0..4 {
            let key = new_key().unwrap();
            let pair = ring::signature::RsaKeyPair::from_pkcs8(&key).unwrap();
            let mut signature = vec![0; pair.public().modulus_len()];
            let random = ring::rand::SystemRandom::new();
            pair.sign(&ring::signature::RSA_PKCS1_SHA256, &random, b"words", &mut signature).unwrap();
            let public = pair.public().as_ref().to_vec();
            let check = ring::signature::UnparsedPublicKey::new(&ring::signature::RSA_PKCS1_2048_8192_SHA256, public);
            assert!(check.verify(b"words", &signature).is_ok() && check.verify(b"other words", &signature).is_err());
        }
    }
}
