//! The roots to believe: the system's, Mozilla's where there are none, and those of files.

use crate::{Error, pem};
use rustls::pki_types::CertificateDer;
use std::path::PathBuf;

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

    /// Whether a root with this subject (DER of the Name) is believed.
    pub(super) fn has_subject(&self, name: &[u8]) -> bool {
        use x509_parser::prelude::{FromDer, X509Certificate};
        self.all().any(|root| X509Certificate::from_der(root).is_ok_and(|(_, root)| root.subject().as_raw() == name))
            || (self.mozilla && webpki_roots::TLS_SERVER_ROOTS.iter().any(|root| sequence(root.subject.as_ref()) == name))
    }
}

/// Trust anchors keep a Name's content; certificates have it with its header.
fn sequence(content: &[u8]) -> Vec<u8> {
    let mut name = crate::der::Der::with_capacity(content.len().saturating_add(4));
    name.value(crate::der::tag::SEQUENCE, content);
    name.bytes()
}
