//! The names that an authority may speak for: X.509 name constraints (RFC 5280 section 4.2.1.10), so that a stolen key opens little.

use crate::Error;
use crate::der::{Der, oid, tag};
use crate::names::Name;
use std::net::IpAddr;
use x509_parser::prelude::{GeneralName, NameConstraints};

/// Which names an authority may sign for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    domains: Vec<String>,
    networks: Vec<(IpAddr, u8)>,
}

impl Scope {
    /// Reads `example.org,10.0.0.0/8,2001:db8::/32`: domains stand for themselves and all names under them. Empty text is no limit.
    pub fn parse(text: &str) -> Result<Scope, Error> {
        let mut scope = Scope::default();
        for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let (host, bits) = match part.split_once('/') {
                Some((host, bits)) => (host, Some(bits)),
                None => (part, None),
            };
            let wrong = |why: &str| {
                Error::unusable(
                    format!("scope {part:?}"),
                    why,
                    "Write domains and networks: example.org,10.0.0.0/8,2001:db8::/32.",
                )
            };
            match (Name::parse(host.strip_prefix("*.").unwrap_or(host))?, bits) {
                (Name::Dns(_), Some(_)) => return Err(wrong("only an IP address can have a prefix length")),
                (Name::Dns(name), None) => scope.domains.push(name),
                (Name::Address(address), bits) => {
                    let most = if address.is_ipv4() { 32 } else { 128 };
                    let bits = bits.map_or(Some(most), |b| b.parse().ok()).filter(|b| *b <= most);
                    scope.networks.push((address, bits.ok_or_else(|| wrong("the prefix length does not fit the address"))?));
                }
            }
        }
        Ok(scope)
    }

    /// No limit at all.
    pub fn is_all(&self) -> bool {
        self.domains.is_empty() && self.networks.is_empty()
    }

    /// Whether a certificate for this name lies inside.
    pub(crate) fn covers(&self, name: &Name) -> bool {
        self.is_all()
            || match name {
                Name::Dns(name) => self.domains.iter().any(|domain| {
                    domain.is_empty() || name == domain || name.strip_suffix(domain).is_some_and(|before| before.ends_with('.'))
                }),
                Name::Address(address) => self.networks.iter().any(|(network, bits)| within(*address, *network, *bits)),
            }
    }

    /// The permitted trees of an authority that was read. What it excludes is left to the clients.
    pub(crate) fn of(constraints: &NameConstraints<'_>) -> Scope {
        let mut scope = Scope::default();
        for tree in constraints.permitted_subtrees.iter().flatten() {
            match &tree.base {
                GeneralName::DNSName(name) => scope.domains.push(name.trim_start_matches('.').to_ascii_lowercase()),
                GeneralName::IPAddress(bytes) => {
                    let (address, mask) = bytes.split_at(bytes.len() / 2);
                    if let Some(address) = crate::names::address(address) {
                        let bits: u32 = mask.iter().map(|b| b.leading_ones()).take_while(|n| *n > 0).sum();
                        scope.networks.push((address, u8::try_from(bits).unwrap_or(128)));
                    }
                }
                _ => {}
            }
        }
        scope
    }

    /// The extension. A kind of name of which nothing is permitted would be free (the RFC limits only kinds that are named), so it is
    /// excluded as a whole.
    pub(crate) fn extension(&self, d: &mut Der) {
        if self.is_all() {
            return;
        }
        d.extension(oid::NAME_CONSTRAINTS, true, |d| {
            d.nest(tag::SEQUENCE, |d| {
                d.nest(tag::context(0), |d| {
                    for domain in &self.domains {
                        d.nest(tag::SEQUENCE, |d| d.value(tag::implicit(2), domain.as_bytes()));
                    }
                    for (address, bits) in &self.networks {
                        d.nest(tag::SEQUENCE, |d| d.value(tag::implicit(7), &network(*address, *bits)));
                    }
                });
                let (v4, v6) = (self.networks.iter().any(|n| n.0.is_ipv4()), self.networks.iter().any(|n| n.0.is_ipv6()));
                if self.domains.is_empty() || !v4 || !v6 {
                    d.nest(tag::context(1), |d| {
                        if self.domains.is_empty() {
                            d.nest(tag::SEQUENCE, |d| d.value(tag::implicit(2), b""));
                        }
                        if !v4 {
                            d.nest(tag::SEQUENCE, |d| d.value(tag::implicit(7), &[0; 8]));
                        }
                        if !v6 {
                            d.nest(tag::SEQUENCE, |d| d.value(tag::implicit(7), &[0; 32]));
                        }
                    });
                }
            });
        });
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_all() {
            return f.write_str("every name");
        }
        let networks = self.networks.iter().map(|(address, bits)| format!("{address}/{bits}"));
        f.write_str(&self.domains.iter().cloned().chain(networks).collect::<Vec<_>>().join(", "))
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(a) => a.octets().to_vec(),
        IpAddr::V6(a) => a.octets().to_vec(),
    }
}

/// The mask's byte for what is left of a prefix length at that byte.
fn mask(bits: u8, byte: usize) -> u8 {
    let left = usize::from(bits).saturating_sub(byte.saturating_mul(8)).min(8);
    u8::try_from(0xff00_u16 >> left & 0xff).unwrap_or(0xff)
}

/// Address and mask, as an iPAddress of a constraint is written.
fn network(address: IpAddr, bits: u8) -> Vec<u8> {
    let octets = octets(address);
    let masks: Vec<u8> = (0..octets.len()).map(|i| mask(bits, i)).collect();
    octets.iter().zip(&masks).map(|(a, m)| a & m).chain(masks.iter().copied()).collect()
}

fn within(address: IpAddr, of: IpAddr, bits: u8) -> bool {
    let (a, b) = (octets(address), octets(of));
    a.len() == b.len() && a.iter().zip(&b).enumerate().all(|(i, (a, b))| (a ^ b) & mask(bits, i) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_holds_what_lies_under_its_names_and_networks() {
        let scope = Scope::parse("Example.org, 10.20.0.0/12, ::1").unwrap();
        assert_eq!(scope.to_string(), "example.org, 10.20.0.0/12, ::1/128");
        for (host, inside) in [
            ("example.org", true),
            ("a.b.example.org", true),
            ("badexample.org", false),
            ("example.com", false),
            ("10.31.255.1", true),
            ("10.32.0.1", false),
            ("::1", true),
            ("::2", false),
        ] {
            assert_eq!(scope.covers(&Name::parse(host).unwrap()), inside, "{host}");
        }
        assert!(Scope::default().covers(&Name::parse("anything.example").unwrap()));
    }

    #[test]
    fn nonsense_is_refused_with_its_place() {
        for bad in ["example.org/8", "10.0.0.0/33", "10.0.0.0/x", "a b"] {
            assert!(Scope::parse(bad).is_err(), "{bad}");
        }
    }
}
