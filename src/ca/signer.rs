//! A key that signs certificates, of whichever kind it is, and the two structures that every certificate is: what is signed, and the signature.

use crate::Error;
use crate::der::{Der, tag};
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;
use std::sync::Arc;

/// `SEQUENCE { OID }` or, for RSA, `SEQUENCE { OID, NULL }` of the signatures that certificates of ours can bear (RFC 5758, 8017, 8410).
const ALGORITHMS: &[(SignatureScheme, &[u8])] = &[
    (SignatureScheme::ECDSA_NISTP256_SHA256, &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]),
    (SignatureScheme::ECDSA_NISTP384_SHA384, &[0x30, 10, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3]),
    (SignatureScheme::RSA_PKCS1_SHA256, &[0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, tag::NULL, 0]),
    (SignatureScheme::ED25519, &[0x30, 5, 6, 3, 0x2b, 0x65, 0x70]),
];

/// A key that can sign certificates.
#[derive(Debug)]
pub(crate) struct Signer {
    key: Arc<dyn SigningKey>,
    scheme: SignatureScheme,
    algorithm: &'static [u8],
    /// Its public half (SubjectPublicKeyInfo, DER).
    pub(crate) spki: Vec<u8>,
}

impl Signer {
    /// A key that was read; `what` names where from in errors.
    pub(crate) fn new(key: &PrivateKeyDer<'_>, what: &str) -> Result<Signer, Error> {
        let cure = "Use an ECDSA key (P-256 or P-384), an Ed25519 key or an RSA key of at least 2048 bits.";
        let key = any_supported_type(key).map_err(|e| Error::unusable(what, format!("the key cannot be used: {e}"), cure))?;
        let found = ALGORITHMS.iter().find(|(scheme, _)| key.choose_scheme(&[*scheme]).is_some());
        let (scheme, algorithm) = *found.ok_or_else(|| Error::unusable(what, "keys of this kind sign no certificates", cure))?;
        let spki = key.public_key().ok_or_else(|| Error::unusable(what, "the key does not tell its public half", cure))?.to_vec();
        Ok(Signer { key, scheme, algorithm, spki })
    }

    fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, Error> {
        let signer = self.key.choose_scheme(&[self.scheme]).ok_or(Error::Crypto { doing: "choosing a signature" })?;
        signer.sign(bytes).map_err(|_| Error::Crypto { doing: "signing a certificate" })
    }

    /// A signed certificate (RFC 5280 section 4.1).
    pub(crate) fn certificate(&self, body: &Body<'_>, extensions: impl FnOnce(&mut Der)) -> Result<Vec<u8>, Error> {
        let mut signed = Der::with_capacity(1024);
        signed.nest(tag::SEQUENCE, |d| {
            d.nest(tag::context(0), |d| d.small(2));
            d.value(tag::INTEGER, &body.serial);
            d.raw(self.algorithm);
            d.raw(body.issuer);
            d.nest(tag::SEQUENCE, |d| {
                d.time(body.not_before);
                d.time(body.not_after);
            });
            d.raw(body.subject);
            d.raw(body.spki);
            d.nest(tag::context(3), |d| d.nest(tag::SEQUENCE, extensions));
        });
        let signed = signed.bytes();
        let signature = self.sign(&signed)?;
        let mut whole = Der::with_capacity(signed.len().saturating_add(128));
        whole.nest(tag::SEQUENCE, |d| {
            d.raw(&signed);
            d.raw(self.algorithm);
            d.bits(&signature);
        });
        Ok(whole.bytes())
    }
}

/// What a certificate says besides its extensions; names and key are DER.
pub(crate) struct Body<'a> {
    pub(crate) serial: [u8; 16],
    pub(crate) issuer: &'a [u8],
    pub(crate) subject: &'a [u8],
    pub(crate) spki: &'a [u8],
    pub(crate) not_before: i64,
    pub(crate) not_after: i64,
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes)
        .map_err(|_| Error::Crypto { doing: "asking the system for random bytes" })?;
    Ok(bytes)
}

/// A serial number: 16 random bytes that read as a positive integer in as few bytes as there are (RFC 5280 section 4.1.2.2).
pub(crate) fn serial() -> Result<[u8; 16], Error> {
    let mut bytes = random::<16>()?;
    if let Some(first) = bytes.first_mut() {
        *first = *first & 0x3f | 0x40;
    }
    Ok(bytes)
}

/// A new P-256 key in PKCS#8.
pub(crate) fn new_key() -> Result<Vec<u8>, Error> {
    let algorithm = &ring::signature::ECDSA_P256_SHA256_ASN1_SIGNING;
    let made = ring::signature::EcdsaKeyPair::generate_pkcs8(algorithm, &ring::rand::SystemRandom::new());
    Ok(made.map_err(|_| Error::Crypto { doing: "making a P-256 key" })?.as_ref().to_vec())
}
