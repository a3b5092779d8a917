//! Certificates that we show to servers that ask for one: one file for all hosts, or a folder with a file for each.

use crate::{Error, pem};
use rustls::client::ResolvesClientCert;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Client certificates by host.
#[derive(Debug, Clone, Default)]
pub struct ClientCertificates {
    any: Option<Arc<SingleCertAndKey>>,
    by_host: BTreeMap<String, Arc<SingleCertAndKey>>,
}

impl ClientCertificates {
    /// Loads a PEM file (certificate, those above it, key), shown to every server that asks; or a folder in which `HOST.pem` is for that
    /// host, and `_.HOST.pem` for all hosts under it.
    pub fn load(path: &Path) -> Result<ClientCertificates, Error> {
        if !path.is_dir() {
            return Ok(ClientCertificates { any: Some(one(path)?), by_host: BTreeMap::new() });
        }
        let mut by_host = BTreeMap::new();
        for entry in std::fs::read_dir(path).map_err(Error::file(path, "list the client certificates"))? {
            let file = entry.map_err(Error::file(path, "list the client certificates"))?.path();
            let stem = file.file_stem().and_then(|s| s.to_str()).map(str::to_ascii_lowercase);
            if let (Some(host), Some("pem")) = (stem, file.extension().and_then(|e| e.to_str())) {
                by_host.insert(host, one(&file)?);
            }
        }
        if by_host.is_empty() {
            let why = "there is no file HOST.pem in it";
            return Err(Error::unusable(path.display().to_string(), why, "Name each file after the host that it is for."));
        }
        Ok(ClientCertificates { any: None, by_host })
    }

    /// What to show to this host if it asks, for [`rustls::ClientConfig::client_auth_cert_resolver`].
    pub fn of(&self, host: &str) -> Option<Arc<dyn ResolvesClientCert>> {
        let host = super::host_key(host);
        let exact = self.by_host.get(&host);
        let under = || {
            let above = host.match_indices('.').filter_map(|(at, _)| host.get(at..));
            above.filter_map(|rest| self.by_host.get(&format!("_{rest}"))).next()
        };
        let found = exact.or_else(under).or(self.any.as_ref())?;
        Some(found.clone())
    }
}

fn one(path: &Path) -> Result<Arc<SingleCertAndKey>, Error> {
    let text = std::fs::read(path).map_err(Error::file(path, "read the client certificate"))?;
    let name = path.display().to_string();
    let chain = pem::certificates(&text, &name)?;
    let key = pem::private_key(&text, &name)?;
    let cure = "Put the certificate and the key that belongs to it into one PEM file.";
    let key = any_supported_type(&key).map_err(|e| Error::unusable(&name, format!("the key cannot be used: {e}"), cure))?;
    let whole = CertifiedKey::new(chain, key);
    whole.keys_match().map_err(|e| Error::unusable(&name, format!("certificate and key do not belong together: {e}"), cure))?;
    Ok(Arc::new(SingleCertAndKey::from(whole)))
}
