//! Certificates of the user's own that clients are shown instead of minted ones, by host.

use crate::{Error, pem};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::sign::CertifiedKey;
use std::path::Path;
use std::sync::Arc;

/// Which hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    All,
    /// This one.
    One(String),
    /// All below this domain: `.example.org`.
    Below(String),
}

/// Certificates by host; the first that fits is shown.
#[derive(Debug, Default)]
pub struct Given(Vec<(Hosts, Arc<CertifiedKey>)>);

impl Given {
    /// Adds one, written as mitmproxy does: `[HOST=]FILE`, where HOST may be `*` or `*.example.org`. The file holds the certificate, those above
    /// it, and its key (PEM).
    ///
    /// # Errors
    /// The file cannot be read, or holds no certificate with its key.
    pub fn add(&mut self, text: &str) -> Result<(), Error> {
        let (hosts, path) = text.split_once('=').unwrap_or(("*", text));
        let hosts = match hosts.strip_prefix('*') {
            Some("") => Hosts::All,
            Some(domain) if domain.starts_with('.') => Hosts::Below(domain.to_ascii_lowercase()),
            Some(_) => {
                return Err(Error::unusable(
                    text,
                    format!("{hosts} is no host"),
                    "Write a host, * or *.example.org before the =.",
                ));
            }
            None => Hosts::One(hosts.to_ascii_lowercase()),
        };
        let bytes = std::fs::read(path).map_err(Error::file(Path::new(path), "read the certificate"))?;
        let chain = pem::certificates(&bytes, path)?;
        let key = any_supported_type(&pem::private_key(&bytes, path)?)
            .map_err(|e| Error::unusable(path, format!("its key cannot be used: {e}"), "Use an RSA, ECDSA or Ed25519 key."))?;
        let certified = CertifiedKey::new(chain, key);
        certified.keys_match().or_else(|e| match e {
            // Some keys cannot say which certificate is theirs.
            rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown) => Ok(()),
            _ => {
                let cure = "Put the certificate that belongs to the key first.";
                Err(Error::unusable(path, "its first certificate does not belong to its key".to_owned(), cure))
            }
        })?;
        self.0.push((hosts, Arc::new(certified)));
        Ok(())
    }

    /// The certificate for a host.
    #[must_use]
    pub fn of(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        let fits = |hosts: &Hosts| match hosts {
            Hosts::All => true,
            Hosts::One(one) => one.eq_ignore_ascii_case(host),
            Hosts::Below(domain) => host
                .len()
                .checked_sub(domain.len())
                .and_then(|at| host.get(at..))
                .is_some_and(|end| end.eq_ignore_ascii_case(domain)),
        };
        self.0.iter().find(|(hosts, _)| fits(hosts)).map(|(_, certified)| Arc::clone(certified))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_fits_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let made = |name: &str| rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let (one, other) = (made("one.example"), made("other.example"));
        let both = put("both.pem", &(one.signing_key.serialize_pem() + &one.cert.pem()));
        let wrong = put("wrong.pem", &(one.signing_key.serialize_pem() + &other.cert.pem()));
        let mut given = Given::default();
        for text in [format!("one.example={both}"), format!("*.below.example={both}")] {
            given.add(&text).unwrap();
        }
        for (host, is) in [("ONE.example", true), ("a.below.example", true), ("below.example", false), ("x", false)] {
            assert_eq!(given.of(host).is_some(), is, "{host}");
        }
        given.add(&both).unwrap();
        assert!(given.of("x").is_some(), "without a host it is for all");
        for text in [wrong, "*x=y".into(), put("empty.pem", ""), "/nowhere/at/all".into()] {
            assert!(given.add(&text).is_err(), "{text}");
        }
    }
}
