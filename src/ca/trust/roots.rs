//! The roots to believe: the system's, Mozilla's where there are none, and those of files.

use crate::{Error, pem};
use rustls::pki_types::CertificateDer;
use std::path::PathBuf;
use x509_parser::prelude::{FromDer, ParsedExtension, X509Certificate};

/// Root certificates by where they came from.
#[derive(Debug)]
pub(super) struct Roots {
    pub(super) system: Vec<CertificateDer<'static>>,
    pub(super) given: Vec<CertificateDer<'static>>,
    /// The system had none: Mozilla's, as compiled in, stand for them.
    pub(super) mozilla: bool,
    pub(super) warnings: Vec<String>,
}

impl Roots {
    pub(super) fn load(files: &[PathBuf], only_given: bool) -> Result<Roots, Error> {
        let mut roots = Roots { system: Vec::new(), given: Vec::new(), mozilla: false, warnings: Vec::new() };
        for path in files {
            let text = std::fs::read(path).map_err(Error::file(path, "read the roots to believe upstream by"))?;
            roots.given.extend(pem::certificates(&text, &path.display().to_string())?);
        }
        if !only_given {
            let native = rustls_native_certs::load_native_certs();
            roots.warnings = native.errors.iter().map(ToString::to_string).collect();
            roots.mozilla = native.certs.is_empty();
            roots.system = native.certs;
        }
        Ok(roots)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.given.iter().chain(&self.system)
    }

    pub(super) fn count(&self) -> usize {
        let mozilla = if self.mozilla { webpki_roots::TLS_SERVER_ROOTS.len() } else { 0 };
        self.given.len().saturating_add(self.system.len()).saturating_add(mozilla)
    }

    /// Whether a root is believed that may have issued this certificate: one of the issuer's name and, as far as both tell, its key.
    pub(super) fn issuer_of(&self, certificate: &X509Certificate<'_>) -> Issuer {
        let (issuer, wanted) = (certificate.issuer().as_raw(), authority_key(certificate));
        let itself = issuer == certificate.subject().as_raw();
        let mut found = Issuer::Unknown;
        for root in self.all() {
            let Ok((_, root)) = X509Certificate::from_der(root) else { continue };
            if root.subject().as_raw() != issuer {
                continue;
            }
            let other = match (wanted, subject_key(&root)) {
                _ if itself => root.public_key().raw != certificate.public_key().raw,
                (Some(wanted), Some(has)) => wanted != has,
                _ => false,
            };
            if !other {
                return Issuer::Believed;
            }
            found = Issuer::OtherKey;
        }
        let mozilla = || webpki_roots::TLS_SERVER_ROOTS.iter().any(|root| sequence(root.subject.as_ref()) == issuer);
        if self.mozilla && mozilla() { Issuer::Believed } else { found }
    }
}

/// What is known of a certificate's issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Issuer {
    /// A root of its name is believed, and nothing says that it is another.
    Believed,
    /// A root of its name is believed, but that has another key.
    OtherKey,
    /// No root of its name is believed.
    Unknown,
}

fn subject_key<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    certificate.iter_extensions().find_map(|e| match e.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0),
        _ => None,
    })
}

fn authority_key<'a>(certificate: &'a X509Certificate<'_>) -> Option<&'a [u8]> {
    certificate.iter_extensions().find_map(|e| match e.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.as_ref().map(|id| id.0),
        _ => None,
    })
}

/// Trust anchors keep a Name's content; certificates have it with its header.
fn sequence(content: &[u8]) -> Vec<u8> {
    let mut name = crate::der::Der::with_capacity(content.len().saturating_add(4));
    name.value(crate::der::tag::SEQUENCE, content);
    name.bytes()
}
