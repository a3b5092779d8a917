//! The authority: the key that signs for every name, loaded or made, and the leaves it has signed.

mod folder;

pub use crate::scope::Scope;
pub(crate) use folder::replace;
pub use folder::{FILES, KEY_FILE, Origin};

use crate::cache::Cache;
use crate::der::{Der, oid, tag};
use crate::given::Given;
use crate::leaf::Mint;
use crate::names::{self, Name};
use crate::signer::{Body, Signer, new_key, random, serial};
use crate::{Error, Names, date, pem, rsa};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use std::sync::{Arc, OnceLock};
use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};

/// Leaves kept: some 2 KiB each.
const MOST_LEAVES: usize = 4096;
/// The same of those with an RSA key, which few clients need.
const MOST_RSA_LEAVES: usize = 256;
/// After so long a leaf is minted anew, so that one given out is always fresh.
const LEAF_KEPT: i64 = 30 * date::DAY;
/// How long an authority made here is valid.
const VALID_FOR: i64 = 3652 * date::DAY;

/// A certificate authority with its key, and a key for its leaves that lives as long as this value.
pub struct Authority {
    signer: Signer,
    certificate: CertificateDer<'static>,
    pem: String,
    /// What a client needs besides the leaf: nothing if the authority is a root, else itself and those above it.
    above: Vec<CertificateDer<'static>>,
    subject: Vec<u8>,
    key_identifier: Option<Vec<u8>>,
    not_before: i64,
    not_after: i64,
    scope: Scope,
    leaf_key: LeafKey,
    leaves: Cache<CertifiedKey>,
    /// For clients that know no ECDSA, once there was one.
    rsa: OnceLock<(LeafKey, Cache<CertifiedKey>)>,
    given: Given,
}

/// A key that leaves share.
struct LeafKey {
    key: Arc<dyn SigningKey>,
    /// Its public half (SubjectPublicKeyInfo, DER).
    spki: Vec<u8>,
}

impl LeafKey {
    /// Of a key in PKCS#8.
    fn new(key: Vec<u8>) -> Result<LeafKey, Error> {
        let key = any_supported_type(&PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key)))
            .map_err(|_| Error::Crypto { doing: "making the key of the leaves" })?;
        let spki = key.public_key().ok_or(Error::Crypto { doing: "reading the key of the leaves" })?.to_vec();
        Ok(LeafKey { key, spki })
    }
}

impl std::fmt::Debug for Authority {
    // Nothing of the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("name", &self.name()).field("fingerprint", &self.fingerprint()).finish_non_exhaustive()
    }
}

impl Authority {
    /// An authority from PEM: its certificate, perhaps followed by those above it, and its key (PKCS#8, SEC1 or PKCS#1). Both may stand in
    /// one text, as mitmproxy writes them.
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Authority, Error> {
        Authority::read(certificate, "the CA certificate", key, "the CA key")
    }

    fn read(certificate: &[u8], certificate_from: &str, key: &[u8], key_from: &str) -> Result<Authority, Error> {
        let mut chain = pem::certificates(certificate, certificate_from)?;
        let signer = Signer::new(&pem::private_key(key, key_from)?, key_from)?;
        // Among several certificates the one that belongs to the key is ours; the others lead up from it.
        let own = chain.iter().position(|c| X509Certificate::from_der(c).is_ok_and(|(_, c)| c.public_key().raw == signer.spki));
        let Some(own) = own else {
            let why = format!("its certificate does not belong to the key in {key_from}");
            return Err(Error::unusable(certificate_from, why, "Give the certificate and the key that were made together."));
        };
        let certificate = chain.remove(own);
        Authority::assemble(signer, certificate, chain, certificate_from)
    }

    fn assemble(
        signer: Signer,
        own: CertificateDer<'static>,
        others: Vec<CertificateDer<'static>>,
        from: &str,
    ) -> Result<Authority, Error> {
        let made_for_this = "Use a certificate made for a CA, or let Wirelore make its own (leave out --ca-cert).";
        let (_, parsed) = X509Certificate::from_der(&own)
            .map_err(|e| Error::unusable(from, format!("the certificate cannot be read: {e}"), made_for_this))?;
        if !parsed.is_ca() {
            return Err(Error::unusable(from, "the certificate says that it is no CA (basicConstraints)", made_for_this));
        }
        if parsed.key_usage().ok().flatten().is_some_and(|usage| !usage.value.key_cert_sign()) {
            return Err(Error::unusable(
                from,
                "the certificate's key usage does not allow it to sign certificates",
                made_for_this,
            ));
        }
        let self_signed = parsed.issuer().as_raw() == parsed.subject().as_raw();
        let mut above = Vec::new();
        if !self_signed {
            above.push(own.clone());
            // The root itself is known to clients or useless to them.
            let root = |c: &CertificateDer<'_>| {
                X509Certificate::from_der(c).is_ok_and(|(_, c)| c.issuer().as_raw() == c.subject().as_raw())
            };
            above.extend(others.into_iter().filter(|c| !root(c)));
        }
        let key_identifier = parsed.iter_extensions().find_map(|e| match e.parsed_extension() {
            ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
            _ => None,
        });
        let scope = parsed.name_constraints().ok().flatten().map(|c| Scope::of(c.value)).unwrap_or_default();
        let (subject, validity) = (parsed.subject().as_raw().to_vec(), parsed.validity());
        let (not_before, not_after) = (validity.not_before.timestamp(), validity.not_after.timestamp());
        let leaf_key = LeafKey::new(new_key()?)?;
        let pem = pem::block("CERTIFICATE", &own);
        let leaves = Cache::new(MOST_LEAVES);
        Ok(Authority {
            signer,
            certificate: own,
            pem,
            above,
            subject,
            key_identifier,
            not_before,
            not_after,
            scope,
            leaf_key,
            leaves,
            rsa: OnceLock::new(),
            given: Given::default(),
        })
    }

    /// Makes a new authority, which nobody trusts yet. Returns it with its key (PKCS#8).
    fn make(scope: &Scope) -> Result<(Authority, Vec<u8>), Error> {
        let key = new_key()?;
        let signer = Signer::new(&PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.clone())), "the new CA key")?;
        let mark: String = random::<4>()?.iter().map(|b| format!("{b:02x}")).collect();
        let mut subject = Der::default();
        subject.nest(tag::SEQUENCE, |d| {
            d.attribute(oid::ORGANIZATION, "Wirelore");
            d.attribute(oid::COMMON_NAME, &format!("Wirelore CA {mark}, made on this computer"));
        });
        let subject = subject.bytes();
        // RFC 7093 section 2, method 4, cut to the 160 bits that everyone expects.
        let digest = ring::digest::digest(&ring::digest::SHA256, &signer.spki);
        let id = digest.as_ref().get(..20).unwrap_or_default();
        let now = date::now();
        let body = Body {
            serial: serial()?,
            issuer: &subject,
            subject: &subject,
            spki: &signer.spki,
            not_before: now.saturating_sub(2 * date::DAY),
            not_after: now.saturating_add(VALID_FOR),
        };
        let certificate = signer.certificate(&body, |d| {
            // It signs leaves only: a path of length 0.
            d.extension(oid::BASIC_CONSTRAINTS, true, |d| {
                d.nest(tag::SEQUENCE, |d| {
                    d.value(tag::BOOLEAN, &[0xff]);
                    d.small(0);
                });
            });
            d.extension(oid::KEY_USAGE, true, |d| d.value(tag::BIT_STRING, &[1, 0x06]));
            d.extension(oid::SUBJECT_KEY_IDENTIFIER, false, |d| d.value(tag::OCTET_STRING, id));
            scope.extension(d);
        })?;
        Ok((Authority::assemble(signer, CertificateDer::from(certificate), Vec::new(), "the new CA")?, key))
    }

    /// A certificate with its key for these names: one that was made before, or a new one.
    ///
    /// # Errors
    /// If the name cannot stand in a certificate, or the system has no randomness.
    pub fn leaf(&self, names: &Names<'_>) -> Result<Arc<CertifiedKey>, Error> {
        self.leaf_of(names, &self.leaf_key, &self.leaves)
    }

    /// The same with an RSA key, for clients that know no ECDSA. The first time this makes the key, which takes a good part of a second.
    ///
    /// # Errors
    /// As [`Authority::leaf`].
    pub fn rsa_leaf(&self, names: &Names<'_>) -> Result<Arc<CertifiedKey>, Error> {
        let (key, leaves) = match self.rsa.get() {
            Some(there) => there,
            None => {
                let made = (LeafKey::new(rsa::new_key()?)?, Cache::new(MOST_RSA_LEAVES));
                self.rsa.get_or_init(|| made)
            }
        };
        self.leaf_of(names, key, leaves)
    }

    /// Whether an RSA leaf takes no longer than others.
    pub fn is_rsa_ready(&self) -> bool {
        self.rsa.get().is_some()
    }

    fn leaf_of(&self, names: &Names<'_>, key: &LeafKey, leaves: &Cache<CertifiedKey>) -> Result<Arc<CertifiedKey>, Error> {
        if let Some(given) = self.given.of(names.asked) {
            return Ok(given);
        }
        let from = names.upstream.map_or(0, |certificate| leaves.number(certificate));
        let now = date::now();
        if let Some(known) = leaves.get(names.asked, from, now) {
            return Ok(known);
        }
        let mint = Mint {
            signer: &self.signer,
            issuer: &self.subject,
            key_identifier: self.key_identifier.as_deref(),
            not_after: self.not_after,
            spki: &key.spki,
        };
        let mut all = names::all(*names)?;
        // Names outside of what we may sign would make clients refuse the whole certificate.
        let mut asked = true;
        all.retain(|name| std::mem::take(&mut asked) || self.scope.covers(name));
        let mut chain = vec![CertificateDer::from(mint.strike(&all, now)?)];
        chain.extend(self.above.iter().cloned());
        let leaf = Arc::new(CertifiedKey::new(chain, key.key.clone()));
        leaves.put(names.asked, from, now.saturating_add(LEAF_KEPT), leaf.clone());
        Ok(leaf)
    }

    /// Shows these certificates to clients, for their hosts, instead of minted ones.
    #[must_use]
    pub fn showing(self, given: Given) -> Authority {
        Authority { given, ..self }
    }

    /// Whether clients that trust this authority will accept it for a host: it may be limited to some names.
    pub fn covers(&self, host: &str) -> bool {
        self.scope.is_all() || self.given.of(host).is_some() || Name::parse(host).is_ok_and(|name| self.scope.covers(&name))
    }

    /// The names it is limited to.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Its certificate in PEM.
    pub fn certificate_pem(&self) -> &str {
        &self.pem
    }

    /// Its certificate in DER.
    pub fn certificate_der(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// Its certificate as PKCS#12 with an empty password and without the key.
    ///
    /// # Errors
    /// If the system has no randomness.
    pub fn certificate_p12(&self) -> Result<Vec<u8>, Error> {
        crate::p12::certificate(&self.certificate, &self.name())
    }

    /// The SHA-256 of its certificate, as people compare it: pairs of capital hex digits with colons.
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.certificate)
    }

    /// The SHA-256 of its public key in base64, as pins are written.
    pub fn key_pin(&self) -> String {
        pin(&self.signer.spki)
    }

    /// The same of the key that all leaves of this run share. Chromium's `--ignore-certificate-errors-spki-list` finds this one where the
    /// authority itself is not sent.
    pub fn leaf_key_pin(&self) -> String {
        pin(&self.leaf_key.spki)
    }

    /// Its name, as trust stores list it.
    pub fn name(&self) -> String {
        let parsed = X509Certificate::from_der(&self.certificate).ok();
        parsed.map(|(_, c)| common_name(c.subject())).unwrap_or_default()
    }

    /// From when and until when it is valid, in seconds since 1970.
    pub fn validity(&self) -> (i64, i64) {
        (self.not_before, self.not_after)
    }

    /// The same as people read it: `2026-11-23 09:15 UTC`.
    pub fn validity_text(&self) -> (String, String) {
        (date::readable(self.not_before), date::readable(self.not_after))
    }
}

fn pin(spki: &[u8]) -> String {
    pem::base64(ring::digest::digest(&ring::digest::SHA256, spki).as_ref())
}

/// The SHA-256 of a certificate (DER): pairs of capital hex digits with colons between them.
pub fn fingerprint(certificate: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    digest.as_ref().iter().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(":")
}

/// A name's common name, or the whole of it.
pub(crate) fn common_name(name: &x509_parser::x509::X509Name<'_>) -> String {
    let common = name.iter_common_name().next().and_then(|a| a.as_str().ok()).map(str::to_owned);
    common.unwrap_or_else(|| name.to_string())
}
