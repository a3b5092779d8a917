//! Minting: a certificate for a name, signed by the authority, as browsers demand it in 2026.

use crate::der::{Der, oid, tag};
use crate::names::Name;
use crate::signer::{Body, Signer, serial};
use crate::{Error, date};

/// Chromium accepts at most 200 days of publicly trusted leaves since March 2026; some clients apply that to all.
pub(crate) const VALID_FOR: i64 = 196 * date::DAY;
/// Clocks differ: leaves begin before now.
pub(crate) const STARTS_BEFORE: i64 = date::DAY;

/// What all leaves of an authority share.
pub(crate) struct Mint<'a> {
    pub(crate) signer: &'a Signer,
    /// The authority's name (DER), its key identifier if it has one, and until when it is valid.
    pub(crate) issuer: &'a [u8],
    pub(crate) key_identifier: Option<&'a [u8]>,
    pub(crate) not_after: i64,
    /// The leaves' public key (SubjectPublicKeyInfo, DER).
    pub(crate) spki: &'a [u8],
}

impl Mint<'_> {
    /// A certificate (DER) for these names, of which the first is the subject.
    pub(crate) fn strike(&self, names: &[Name], now: i64) -> Result<Vec<u8>, Error> {
        let mut subject = Der::with_capacity(96);
        // A commonName has at most 64 characters (RFC 5280 appendix A.1), and OpenSSL holds it against limits on domains, which an address
        // would break. Without one the SAN says all, and is critical.
        let common = names.first().filter(|name| matches!(name, Name::Dns(_))).map(Name::text).filter(|name| name.len() <= 64);
        subject.nest(tag::SEQUENCE, |d| {
            if let Some(name) = &common {
                d.attribute(oid::COMMON_NAME, name);
            }
        });
        let body = Body {
            serial: serial()?,
            issuer: self.issuer,
            subject: &subject.bytes(),
            spki: self.spki,
            not_before: now.saturating_sub(STARTS_BEFORE),
            not_after: now.saturating_add(VALID_FOR).min(self.not_after),
        };
        self.signer.certificate(&body, |d| {
            d.extension(oid::KEY_USAGE, true, |d| d.value(tag::BIT_STRING, &[7, 0x80]));
            d.extension(oid::EXTENDED_KEY_USAGE, false, |d| d.nest(tag::SEQUENCE, |d| d.value(tag::OID, oid::SERVER_AUTH)));
            d.extension(oid::BASIC_CONSTRAINTS, true, |d| d.nest(tag::SEQUENCE, |_| ()));
            if let Some(id) = self.key_identifier {
                d.extension(oid::AUTHORITY_KEY_IDENTIFIER, false, |d| {
                    d.nest(tag::SEQUENCE, |d| d.value(tag::implicit(0), id));
                });
            }
            d.extension(oid::SUBJECT_ALT_NAME, common.is_none(), |d| {
                d.nest(tag::SEQUENCE, |d| names.iter().for_each(|name| general_name(d, name)));
            });
        })
    }
}

fn general_name(d: &mut Der, name: &Name) {
    match name {
        Name::Dns(name) => d.value(tag::implicit(2), name.as_bytes()),
        Name::Address(std::net::IpAddr::V4(a)) => d.value(tag::implicit(7), &a.octets()),
        Name::Address(std::net::IpAddr::V6(a)) => d.value(tag::implicit(7), &a.octets()),
    }
}
