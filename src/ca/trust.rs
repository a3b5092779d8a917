//! Whom upstream is believed to be: the system's roots and those given, exceptions by host, and for each refusal which check failed.

mod chain;
mod client;
mod known;
mod roots;
mod staple;
mod words;

pub use client::ClientCertificates;
pub use words::{Failure, Silence, alert, client_refusal};

use crate::Error;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

/// Forgiven failures remembered, a host each.
const MOST_FORGIVEN: usize = 1024;

/// What to believe.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Files with root certificates (PEM) to believe besides the system's.
    pub roots: Vec<PathBuf>,
    /// Leave the system's roots out.
    pub only_given: bool,
    /// Believe everyone (`-k`). What would have failed is still found out and told by [`Trust::forgiven`].
    pub insecure: bool,
    /// Hosts whose certificate is believed whatever it is.
    pub exceptions: Vec<String>,
    /// What to show to servers that ask for a certificate: a PEM file for all, or a folder with a file for each host.
    pub clients: Option<PathBuf>,
}

/// Whom upstream is believed to be. Clones share what they know.
#[derive(Debug, Clone)]
pub struct Trust {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    webpki: Arc<WebPkiServerVerifier>,
    known: known::Known,
    roots: roots::Roots,
    insecure: bool,
    clients: ClientCertificates,
    /// Hosts with an exception: for every certificate, or for those with these fingerprints.
    exceptions: RwLock<BTreeMap<String, BTreeSet<String>>>,
    forgiven: RwLock<BTreeMap<String, Failure>>,
}

impl Trust {
    /// Loads the roots. What of the system's store cannot be read is passed over and told by [`Trust::warnings`].
    ///
    /// # Errors
    /// If a file given cannot be read, or there is no root at all.
    pub fn new(options: &Options) -> Result<Trust, Error> {
        let roots = roots::Roots::load(&options.roots, options.only_given)?;
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(roots.all().cloned());
        if roots.mozilla {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        let provider = Arc::new(ring::default_provider());
        let webpki = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider).build().map_err(|e| {
            Error::unusable(
                "the roots to believe upstream by",
                e.to_string(),
                "Install ca-certificates, or give --upstream-ca FILE.",
            )
        })?;
        let exceptions = options.exceptions.iter().map(|host| (host_key(host), BTreeSet::new())).collect();
        let shared = Shared {
            webpki,
            known: known::Known::default(),
            roots,
            insecure: options.insecure,
            clients: options.clients.as_deref().map(ClientCertificates::load).transpose()?.unwrap_or_default(),
            exceptions: RwLock::new(exceptions),
            forgiven: RwLock::default(),
        };
        Ok(Trust { shared: Arc::new(shared) })
    }

    /// For a [`rustls::ClientConfig`]: refuses with an error that [`Trust::explain`] puts into words.
    pub fn verifier(&self) -> Arc<dyn ServerCertVerifier> {
        Arc::new(Verifier { trust: self.clone() })
    }

    /// What to show to this server if it asks who we are, for [`rustls::ClientConfig::client_auth_cert_resolver`].
    pub fn client_certificate(&self, host: &str) -> Option<Arc<dyn ResolvesClientCert>> {
        self.shared.clients.of(host)
    }

    /// Why a handshake with a server failed, in words. `host` is as it was asked for.
    pub fn explain(error: &rustls::Error, host: &str) -> Failure {
        if let rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) = error
            && let Some(failure) = inner.downcast_ref::<Failure>()
        {
            return failure.clone();
        }
        words::handshake(error, host)
    }

    /// Believes a host from now on: whatever it shows, or only the certificate with this fingerprint (as
    /// [`crate::authority::fingerprint`] writes it).
    pub fn except(&self, host: &str, fingerprint: Option<&str>) {
        let mut exceptions = self.shared.exceptions.write().unwrap_or_else(PoisonError::into_inner);
        match fingerprint {
            Some(fingerprint) => {
                let known = exceptions.get(&host_key(host)).is_some_and(BTreeSet::is_empty);
                if !known {
                    exceptions.entry(host_key(host)).or_default().insert(fingerprint.to_ascii_uppercase());
                }
            }
            None => {
                exceptions.insert(host_key(host), BTreeSet::new());
            }
        }
    }

    /// Takes a host's exceptions back.
    pub fn unexcept(&self, host: &str) {
        self.shared.exceptions.write().unwrap_or_else(PoisonError::into_inner).remove(&host_key(host));
        self.shared.forgiven.write().unwrap_or_else(PoisonError::into_inner).remove(&host_key(host));
    }

    /// What would have failed the last time this host was met, had it not been for an exception or `-k`.
    pub fn forgiven(&self, host: &str) -> Option<Failure> {
        self.shared.forgiven.read().unwrap_or_else(PoisonError::into_inner).get(&host_key(host)).cloned()
    }

    /// How many roots are believed.
    pub fn roots(&self) -> usize {
        self.shared.roots.count()
    }

    /// What of the system's store could not be read.
    pub fn warnings(&self) -> &[String] {
        &self.shared.roots.warnings
    }

    /// Checks a chain as it came (leaf first) for a host, at a time, with the OCSP response that was stapled to it, if any. Revocation is
    /// known from that alone: nothing is asked on the network.
    ///
    /// # Errors
    /// The check that failed; exceptions and `-k` are not looked at.
    pub fn check(
        &self,
        leaf: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<(), Box<Failure>> {
        let fingerprint = || Some(crate::authority::fingerprint(leaf));
        let chain = known::Digest::of(leaf, others);
        let verified = if self.shared.known.has(&chain, now) {
            // Its signatures, dates and limits held a moment ago. The name is another connection's.
            ParsedCertificate::try_from(leaf).and_then(|parsed| verify_server_name(&parsed, host))
        } else {
            let verified = self.shared.webpki.verify_server_cert(leaf, others, host, &[], now).map(|_| ());
            if verified.is_ok() {
                self.shared.known.keep(&chain, (leaf, others), now);
            }
            verified
        };
        let Err(error) = verified else {
            return match chain::revoked(leaf, stapled) {
                Some(failure) => Err(Box::new(Failure { fingerprint: fingerprint(), ..failure })),
                None => Ok(()),
            };
        };
        // A server's own certificate may be given as a root: then it needs nobody above it, but its dates and names still count.
        if self.shared.roots.given.contains(leaf)
            && chain::in_time(leaf, now)
            && ParsedCertificate::try_from(leaf).is_ok_and(|parsed| verify_server_name(&parsed, host).is_ok())
        {
            return Ok(());
        }
        let seen = chain::Seen { leaf, others, host: &host.to_str(), now: i64::try_from(now.as_secs()).unwrap_or(i64::MAX) };
        Err(Box::new(Failure { fingerprint: fingerprint(), ..chain::diagnose(&seen, &self.shared.roots, &error) }))
    }

    fn forgives(&self, host: &str, leaf: &[u8]) -> bool {
        if self.shared.insecure {
            return true;
        }
        let exceptions = self.shared.exceptions.read().unwrap_or_else(PoisonError::into_inner);
        exceptions.get(&host_key(host)).is_some_and(|only| only.is_empty() || only.contains(&crate::authority::fingerprint(leaf)))
    }

    fn remember(&self, host: &str, failure: Failure) {
        let mut forgiven = self.shared.forgiven.write().unwrap_or_else(PoisonError::into_inner);
        if forgiven.len() >= MOST_FORGIVEN {
            forgiven.clear();
        }
        forgiven.insert(host_key(host), failure);
    }
}

fn host_key(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase()
}

fn refused(failure: Failure) -> rustls::Error {
    rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(failure))))
}

#[derive(Debug)]
struct Verifier {
    trust: Trust,
}

impl Verifier {
    /// The handshake's own signature failed: because the key is too weak to be believed, or in truth.
    fn signature(&self, cert: &CertificateDer<'_>, error: rustls::Error) -> rustls::Error {
        chain::weak_leaf(cert).map_or(error, refused)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.trust.check(end_entity, intermediates, server_name, ocsp_response, now) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(failure) if self.trust.forgives(&server_name.to_str(), end_entity) => {
                self.trust.remember(&server_name.to_str(), *failure);
                Ok(ServerCertVerified::assertion())
            }
            Err(failure) => Err(refused(*failure)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trust.shared.webpki.verify_tls12_signature(message, cert, dss).map_err(|e| self.signature(cert, e))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trust.shared.webpki.verify_tls13_signature(message, cert, dss).map_err(|e| self.signature(cert, e))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.shared.webpki.supported_verify_schemes()
    }
}
