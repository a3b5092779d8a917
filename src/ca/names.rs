//! For which names a certificate is made: the one that was asked for, and those of the upstream's own certificate.

use crate::Error;
use std::net::IpAddr;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// Names copied from an upstream's certificate at most; some have hundreds, and each costs bytes in every handshake.
const MOST_COPIED: usize = 250;

/// The names that a leaf certificate is to be valid for.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    pub(crate) asked: &'a str,
    pub(crate) upstream: Option<&'a [u8]>,
}

impl<'a> Names<'a> {
    /// A host name or an IP address, as it stands in SNI, CONNECT or a URL: brackets, a zone and a dot at the end are taken off.
    pub fn of(asked: &'a str) -> Names<'a> {
        Names { asked, upstream: None }
    }

    /// Copies the names of the certificate (DER) that upstream showed, so that a client may use the connection for all of them.
    pub fn with_upstream(self, certificate: &'a [u8]) -> Names<'a> {
        Names { upstream: Some(certificate), ..self }
    }
}

/// One name of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Name {
    Dns(String),
    Address(IpAddr),
}

impl Name {
    /// Reads a host as it was asked for.
    pub(crate) fn parse(asked: &str) -> Result<Name, Error> {
        let bare = asked.strip_prefix('[').and_then(|a| a.strip_suffix(']')).unwrap_or(asked);
        let unzoned = bare.split('%').next().unwrap_or(bare);
        if let Ok(address) = unzoned.parse::<IpAddr>() {
            return Ok(Name::Address(address));
        }
        let dotless = bare.strip_suffix('.').unwrap_or(bare);
        let wrong = |why| Error::Name { name: asked.chars().take(80).collect(), why };
        if dotless.is_empty() {
            return Err(wrong("it is empty"));
        }
        if dotless.len() > 253 {
            return Err(wrong("it is longer than the 253 characters of RFC 1035"));
        }
        // What else stands in a SAN is written as it came: a client decides what it accepts. Underscores, for example, are common.
        if !dotless.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(wrong("a dNSName is made of visible ASCII characters (RFC 5280 section 4.2.1.6)"));
        }
        Ok(Name::Dns(dotless.to_ascii_lowercase()))
    }

    /// The text of the name.
    pub(crate) fn text(&self) -> String {
        match self {
            Name::Dns(name) => name.clone(),
            Name::Address(address) => address.to_string(),
        }
    }
}

/// All names for a leaf: the one asked for first, none twice.
pub(crate) fn all(names: Names<'_>) -> Result<Vec<Name>, Error> {
    let mut found = vec![Name::parse(names.asked)?];
    // An upstream's certificate that cannot be read is the verifier's matter; here it adds nothing.
    if let Some(Ok((_, certificate))) = names.upstream.map(X509Certificate::from_der)
        && let Ok(Some(san)) = certificate.subject_alternative_name()
    {
        let copied = san.value.general_names.iter().filter_map(|name| match name {
            GeneralName::DNSName(name) => Name::parse(name).ok(),
            GeneralName::IPAddress(bytes) => address(bytes).map(Name::Address),
            _ => None,
        });
        for name in copied.take(MOST_COPIED) {
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    Ok(found)
}

/// An iPAddress of a SAN.
pub(crate) fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_as_they_are_asked_for() {
        let dns = |s: &str| Name::Dns(s.into());
        assert_eq!(Name::parse("WWW.Example.ORG.").unwrap(), dns("www.example.org"));
        assert_eq!(Name::parse("[::1]").unwrap(), Name::Address("::1".parse().unwrap()));
        assert_eq!(Name::parse("fe80::1%eth0").unwrap(), Name::Address("fe80::1".parse().unwrap()));
        assert_eq!(Name::parse("192.0.2.7").unwrap(), Name::Address("192.0.2.7".parse().unwrap()));
        assert_eq!(Name::parse("a_b.example").unwrap(), dns("a_b.example"));
        for bad in ["", ".", "ex ample", "b\u{fc}cher.example", &"a".repeat(254)] {
            assert!(Name::parse(bad).is_err(), "{bad:?}");
        }
    }
}
