//! Looking at a chain that was refused until it is clear what is wrong with it, certificate by certificate.

use super::roots::{Issuer, Roots};
use super::words::{EXCEPT, Failure};
use crate::authority::common_name;
use crate::date;
use crate::names::{Name, address};
use rustls::CertificateError;
use rustls::pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{FromDer, GeneralName, ParsedExtension, X509Certificate};
use x509_parser::public_key::PublicKey;

/// A chain longer than this is looked at no further.
const MOST_CERTIFICATES: usize = 16;
/// Names of a certificate told at most.
const MOST_NAMES: usize = 10;

/// What was seen: a chain as it came, for a host, at a time (seconds since 1970).
pub(super) struct Seen<'a> {
    pub(super) leaf: &'a CertificateDer<'a>,
    pub(super) others: &'a [CertificateDer<'a>],
    pub(super) host: &'a str,
    pub(super) now: i64,
}

/// Whether a certificate is within its dates.
pub(super) fn in_time(certificate: &CertificateDer<'_>, now: UnixTime) -> bool {
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    X509Certificate::from_der(certificate).is_ok_and(|(_, c)| {
        let validity = c.validity();
        validity.not_before.timestamp() <= now && now <= validity.not_after.timestamp()
    })
}

/// The failure of a leaf whose key is too weak for its signature to be believed.
pub(super) fn weak_leaf(certificate: &CertificateDer<'_>) -> Option<Failure> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    weak_key(&parsed, "The server's certificate")
}

/// The failure of a leaf that its CA has revoked, as the server itself shows.
pub(super) fn revoked(leaf: &CertificateDer<'_>, stapled: &[u8]) -> Option<Failure> {
    if stapled.is_empty() {
        return None;
    }
    let (_, leaf) = X509Certificate::from_der(leaf).ok()?;
    let since = super::staple::revoked(stapled, leaf.raw_serial())?;
    let since = match since.split_at_checked(8) {
        Some((date, _)) => format!(" on {}-{}-{}", part(date, 0..4), part(date, 4..6), part(date, 6..8)),
        None => String::new(),
    };
    Some(Failure::new(
        "revoked",
        format!("The server's certificate was revoked by its CA{since}"),
        "Its key may be known to others, or its owner lost the right to the name; the server itself shows this word of its CA (OCSP).",
        format!("The server's owner must get a new certificate. {EXCEPT}"),
    ))
}

fn part(text: &str, range: std::ops::Range<usize>) -> &str {
    text.get(range).unwrap_or("?")
}

/// Everything that is wrong with a chain; what the verifier stumbled over comes first.
pub(super) fn diagnose(seen: &Seen<'_>, roots: &Roots, error: &rustls::Error) -> Failure {
    let Ok((_, leaf)) = X509Certificate::from_der(seen.leaf) else {
        return Failure::new(
            "unreadable",
            format!("The certificate of {} cannot be read", seen.host),
            "It is not the structure that X.509 (RFC 5280) describes.",
            "The server must be given another certificate.",
        );
    };
    let others: Vec<X509Certificate<'_>> =
        seen.others.iter().take(MOST_CERTIFICATES).filter_map(|c| X509Certificate::from_der(c).ok().map(|(_, c)| c)).collect();
    let path = path(&leaf, &others);
    let mut found = Vec::new();
    for (depth, certificate) in path.iter().enumerate() {
        let who = who(certificate, depth);
        found.extend(dates(certificate, &who, seen.now));
        found.extend(weak_key(certificate, &who));
        // A root's signature on itself proves nothing and is not looked at.
        if certificate.issuer().as_raw() != certificate.subject().as_raw() || depth == 0 {
            found.extend(weak_hash(certificate, &who));
        }
        if depth > 0 {
            found.extend(no_authority(certificate, &who));
            found.extend(constrained(certificate, &who, &leaf));
            found.extend(path_length(certificate, &who, depth));
        }
        found.extend(critical(certificate, &who));
    }
    found.extend(purpose(&leaf));
    found.extend(host(&leaf, seen.host));
    found.extend(top(&path, roots));
    if leaf.is_ca() {
        found.push(authority_as_server(&leaf));
    }
    let first = stumbled(error).and_then(|check| found.iter().position(|f| check.contains(&f.check)));
    match first {
        Some(at) => lead(found, at),
        None => {
            let mut failure = by_verifier(error, seen.host);
            failure.also = found.into_iter().map(|f| f.what).collect();
            failure
        }
    }
}

/// The finding at a place leads, the others are told beside it.
fn lead(mut found: Vec<Failure>, at: usize) -> Failure {
    let mut failure = found.swap_remove(at);
    failure.also = found.into_iter().map(|f| f.what).collect();
    failure
}

/// Which of our checks the verifier's word means.
fn stumbled(error: &rustls::Error) -> Option<&'static [&'static str]> {
    use CertificateError as E;
    let rustls::Error::InvalidCertificate(error) = error else { return None };
    #[expect(deprecated, reason = "rustls still says it in this form for some causes")]
    Some(match error {
        E::Expired | E::ExpiredContext { .. } => &["expired"],
        E::NotValidYet | E::NotValidYetContext { .. } => &["not-yet-valid"],
        E::NotValidForName | E::NotValidForNameContext { .. } => &["wrong-host", "no-san"],
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => &["wrong-purpose"],
        E::UnhandledCriticalExtension => &["critical-extension"],
        E::BadSignature => &["self-signed", "untrusted-root", "other-key", "weak-key", "weak-hash"],
        E::UnsupportedSignatureAlgorithm
        | E::UnsupportedSignatureAlgorithmContext { .. }
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => &["weak-hash", "weak-key"],
        E::UnknownIssuer => &["self-signed", "untrusted-root", "other-key", "incomplete-chain", "unknown-issuer"],
        E::Other(inner) => match format!("{inner:?}") {
            s if s.contains("UnsupportedCriticalExtension") => &["critical-extension"],
            s if s.contains("NameConstraintViolation") => &["name-constraints"],
            s if s.contains("CaUsedAsEndEntity") => &["self-signed", "authority-as-server"],
            s if s.contains("EndEntityUsedAsCa") => &["no-authority"],
            s if s.contains("PathLenConstraintViolated") => &["path-length"],
            _ => return None,
        },
        _ => return None,
    })
}

/// What the verifier said where the chain shows no cause.
fn by_verifier(error: &rustls::Error, host: &str) -> Failure {
    if let rustls::Error::InvalidCertificate(CertificateError::BadSignature) = error {
        return Failure::new(
            "bad-signature",
            format!("A certificate in the chain of {host} bears a signature that does not fit"),
            "It was changed after it was signed, or signed by another key than the one that its issuer has.",
            "The server must be given the chain that its CA issued. If it was right before, somebody is in between.",
        );
    }
    Failure::new(
        "unverified",
        format!("The certificate of {host} could not be verified: {error}"),
        "The chain shows no plainer cause.",
        EXCEPT,
    )
}

/// From the leaf upwards, as far as what was sent leads by names.
fn path<'c, 'a>(leaf: &'c X509Certificate<'a>, others: &'c [X509Certificate<'a>]) -> Vec<&'c X509Certificate<'a>> {
    let mut path = vec![leaf];
    let mut top = leaf;
    while path.len() <= MOST_CERTIFICATES && top.issuer().as_raw() != top.subject().as_raw() {
        let Some(next) = others.iter().find(|c| c.subject().as_raw() == top.issuer().as_raw()) else { break };
        if path.iter().any(|c| std::ptr::eq(*c, next)) {
            break;
        }
        path.push(next);
        top = next;
    }
    path
}

fn who(certificate: &X509Certificate<'_>, depth: usize) -> String {
    if depth == 0 {
        "The server's certificate".into()
    } else {
        format!("The CA certificate \"{}\"", common_name(certificate.subject()))
    }
}

fn dates(certificate: &X509Certificate<'_>, who: &str, now: i64) -> Option<Failure> {
    let (from, until) = (certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp());
    if now > until {
        let ago = date::stretch(now.saturating_sub(until));
        return Some(Failure::new(
            "expired",
            format!("{who} expired {ago} ago, on {}", date::readable(until)),
            "After that date its owner no longer vouches for the key, and its revocation is no longer published.",
            "The server's owner must renew it. If its date lies ahead, the clock of this computer is wrong.",
        ));
    }
    (now < from).then(|| {
        let ahead = date::stretch(from.saturating_sub(now));
        Failure::new(
            "not-yet-valid",
            format!("{who} is not yet valid: it begins in {ahead}, on {}", date::readable(from)),
            "Its owner vouches for it only from that date on.",
            format!("Compare the clock of this computer, which says {}.", date::readable(now)),
        )
    })
}

fn weak_key(certificate: &X509Certificate<'_>, who: &str) -> Option<Failure> {
    let (what, why) = match certificate.public_key().parsed().ok()? {
        PublicKey::RSA(key) if key.key_size() < 2048 => (
            format!("{who} has an RSA key of only {} bits", key.key_size()),
            "RSA keys below 2048 bits have not been acceptable since 2013: who has the money can break them.",
        ),
        PublicKey::DSA(_) => (format!("{who} has a DSA key"), "TLS 1.3 has no DSA, and browsers gave it up in 2015."),
        _ => return None,
    };
    Some(Failure::new("weak-key", what, why, format!("The server's owner must make a new key. {EXCEPT}")))
}

fn weak_hash(certificate: &X509Certificate<'_>, who: &str) -> Option<Failure> {
    let hash = match certificate.signature_algorithm.algorithm.to_id_string().as_str() {
        "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" | "1.2.840.10045.4.1" | "1.2.840.10040.4.3" => "SHA-1",
        "1.2.840.113549.1.1.4" => "MD5",
        "1.2.840.113549.1.1.2" => "MD2",
        _ => return None,
    };
    Some(Failure::new(
        "weak-hash",
        format!("{who} is signed with {hash}"),
        format!("Two certificates with the same {hash} can be made on purpose, so its signature proves nothing."),
        format!("The server's owner must get it signed anew, with SHA-256. {EXCEPT}"),
    ))
}

fn no_authority(certificate: &X509Certificate<'_>, who: &str) -> Option<Failure> {
    let signs = certificate.key_usage().ok().flatten().is_none_or(|usage| usage.value.key_cert_sign());
    if certificate.is_ca() && signs {
        return None;
    }
    Some(Failure::new(
        "no-authority",
        format!("{who} signed another one, but may not: it is no CA"),
        "Its basicConstraints or key usage do not allow it to sign; otherwise every owner of a certificate could make more.",
        "The server must be given a certificate from a real CA; a private one must be made with CA:TRUE.",
    ))
}

fn path_length(certificate: &X509Certificate<'_>, who: &str, depth: usize) -> Option<Failure> {
    let most = certificate.basic_constraints().ok().flatten()?.value.path_len_constraint?;
    let between = u32::try_from(depth).unwrap_or(u32::MAX).saturating_sub(1);
    (between > most).then(|| {
        Failure::new(
            "path-length",
            format!("{who} allows {most} CAs below itself, and there are {between}"),
            "Its owner limited how far it may be delegated.",
            "The server's chain must be made anew with fewer CAs in between.",
        )
    })
}

fn constrained(certificate: &X509Certificate<'_>, who: &str, leaf: &X509Certificate<'_>) -> Option<Failure> {
    let constraints = certificate.name_constraints().ok().flatten()?.value;
    let names = names(leaf);
    let under = |base: &GeneralName<'_>, name: &str| match base {
        GeneralName::DNSName(base) => {
            let base = base.trim_start_matches('.').to_ascii_lowercase();
            base.is_empty() || name == base || name.strip_suffix(&base).is_some_and(|before| before.ends_with('.'))
        }
        _ => false,
    };
    let trees = |list: &Option<Vec<x509_parser::extensions::GeneralSubtree<'_>>>, name: &str| {
        list.iter().flatten().any(|tree| under(&tree.base, name))
    };
    let limits_dns = constraints.permitted_subtrees.iter().flatten().any(|t| matches!(t.base, GeneralName::DNSName(_)));
    let outside = names.iter().find_map(|name| match name {
        Name::Dns(name) => {
            let outside = limits_dns && !trees(&constraints.permitted_subtrees, name);
            (outside || trees(&constraints.excluded_subtrees, name)).then_some(name)
        }
        Name::Address(_) => None,
    })?;
    Some(Failure::new(
        "name-constraints",
        format!("{who} may not speak for {outside}"),
        "It is limited to certain names (name constraints), and the server's certificate has one outside of them.",
        "The server needs a certificate from a CA that may sign for its names.",
    ))
}

fn critical(certificate: &X509Certificate<'_>, who: &str) -> Option<Failure> {
    let unknown = certificate
        .iter_extensions()
        .find(|e| e.critical && matches!(e.parsed_extension(), ParsedExtension::UnsupportedExtension { .. }))?;
    Some(Failure::new(
        "critical-extension",
        format!("{who} has an extension ({}) that is critical and not known here", unknown.oid.to_id_string()),
        "Who does not understand a critical extension must refuse the certificate (RFC 5280 section 4.2).",
        EXCEPT,
    ))
}

fn purpose(leaf: &X509Certificate<'_>) -> Option<Failure> {
    let usage = leaf.extended_key_usage().ok().flatten()?.value;
    if usage.server_auth || usage.any {
        return None;
    }
    let purposes = [
        (usage.client_auth, "clients"),
        (usage.code_signing, "signing code"),
        (usage.email_protection, "mail"),
        (usage.time_stamping, "time stamps"),
        (usage.ocsp_signing, "OCSP answers"),
    ];
    let mut has: Vec<String> = purposes.iter().filter(|(is, _)| *is).map(|(_, what)| (*what).to_owned()).collect();
    has.extend(usage.other.iter().map(ToString::to_string));
    Some(Failure::new(
        "wrong-purpose",
        format!("The server's certificate is not for servers: its purposes are {}", has.join(", ")),
        "Its extended key usage does not have serverAuth, so its CA vouches for it elsewhere only.",
        "The server's owner must get a certificate for TLS servers.",
    ))
}

/// DNS names and addresses of a certificate.
fn names(leaf: &X509Certificate<'_>) -> Vec<Name> {
    let san = leaf.subject_alternative_name().ok().flatten();
    let names = san.iter().flat_map(|san| &san.value.general_names);
    names
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(Name::Dns(name.to_ascii_lowercase())),
            GeneralName::IPAddress(bytes) => address(bytes).map(Name::Address),
            _ => None,
        })
        .collect()
}

/// Whether a name of a certificate is good for a host (RFC 9525 section 6.3: a star stands for one whole label, the first).
fn matches(pattern: &Name, host: &Name) -> bool {
    match (pattern, host) {
        (Name::Dns(pattern), Name::Dns(host)) => match pattern.strip_prefix("*.") {
            Some(rest) => host.split_once('.').is_some_and(|(first, after)| !first.is_empty() && after == rest),
            None => pattern == host,
        },
        (pattern, host) => pattern == host,
    }
}

fn host(leaf: &X509Certificate<'_>, host: &str) -> Option<Failure> {
    let wanted = Name::parse(host).ok()?;
    let names = names(leaf);
    if names.iter().any(|name| matches(name, &wanted)) {
        return None;
    }
    if names.is_empty() {
        let common = common_name(leaf.subject());
        return Some(Failure::new(
            "no-san",
            format!("The server's certificate names no host, only the common name \"{common}\" (it has no subjectAltName)"),
            "Browsers and libraries have looked only at subjectAltName since 2017 (RFC 2818 allowed both, RFC 9525 forbids the other).",
            format!("The server's owner must get a certificate with subjectAltName {host}. {EXCEPT}"),
        ));
    }
    let more = names.len().saturating_sub(MOST_NAMES);
    let listed = names.iter().take(MOST_NAMES).map(Name::text).collect::<Vec<_>>().join(", ");
    // An address that stands there as a dNSName looks right to the eye, and is good for nothing.
    let disguised = matches!(wanted, Name::Address(_)) && names.contains(&Name::Dns(wanted.text()));
    let disguised = if disguised { ", written as a dNSName and not as an iPAddress" } else { "" };
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(Failure::new(
        "wrong-host",
        format!("The server's certificate is not for {host}, but for {listed}{more}{disguised}"),
        "Whoever answers has not shown that it is the host that was asked for.",
        format!("Check the name that was asked for. If it is right, the server's certificate must have it too. {EXCEPT}"),
    ))
}

/// What is wrong with the end of the path: nobody believed is above it.
fn top(path: &[&X509Certificate<'_>], roots: &Roots) -> Option<Failure> {
    let top = path.last()?;
    let known = roots.issuer_of(top);
    if known == Issuer::Believed {
        return None;
    }
    let issuer = common_name(top.issuer());
    let private = "If it is your own or your company's CA, give its root: --upstream-ca FILE.";
    if top.issuer().as_raw() == top.subject().as_raw() {
        return Some(if path.len() == 1 {
            Failure::new(
                "self-signed",
                "The server's certificate is self-signed: it vouches for itself",
                "Anybody can make such a certificate for any name; no authority has checked who owns this one.",
                format!("If it is your own server, give its certificate: --upstream-ca FILE. {EXCEPT}"),
            )
        } else {
            let other = if known == Issuer::OtherKey { ": the one of that name has another key" } else { "" };
            Failure::new(
                "untrusted-root",
                format!("The chain ends at the root \"{issuer}\", which is not trusted here{other}"),
                "Anybody can make a CA; only those in the system's store, and those given, are believed.",
                format!("{private} {EXCEPT}"),
            )
        });
    }
    if known == Issuer::OtherKey {
        return Some(Failure::new(
            "other-key",
            format!("The issuer \"{issuer}\" has another key than the root of that name that is trusted here"),
            "A CA was made anew under its old name, or somebody made one of the same name.",
            format!("Give the root that it has now: --upstream-ca FILE. {EXCEPT}"),
        ));
    }
    let sent = match path.len() {
        1 => "only its own certificate".to_owned(),
        n => format!("{n} certificates"),
    };
    if let Some(url) = issuer_url(top) {
        return Some(Failure::new(
            "incomplete-chain",
            format!("The chain is incomplete: the server sent {sent}, and the certificate of its issuer \"{issuer}\" is missing"),
            format!(
                "Servers must send all intermediate certificates (RFC 8446 section 4.4.2). Browsers hide this by fetching {url}."
            ),
            format!(
                "The server's owner must add the intermediate certificate. You can fetch it and give it: --upstream-ca FILE. {EXCEPT}"
            ),
        ));
    }
    Some(Failure::new(
        "unknown-issuer",
        format!("The issuer \"{issuer}\" is unknown: the server sent {sent}, and no root of that name is trusted here"),
        "Either its CA is private, or the chain is incomplete because the server does not send an intermediate certificate.",
        format!("{private} If it is a public CA, the server's owner must send the whole chain. {EXCEPT}"),
    ))
}

/// Where the certificate says that its issuer's can be had (authority information access, RFC 5280 section 4.2.2.1).
fn issuer_url(certificate: &X509Certificate<'_>) -> Option<String> {
    certificate.iter_extensions().find_map(|e| match e.parsed_extension() {
        ParsedExtension::AuthorityInfoAccess(access) => access.accessdescs.iter().find_map(|d| {
            let issuers = d.access_method.to_id_string() == "1.3.6.1.5.5.7.48.2";
            match &d.access_location {
                GeneralName::URI(url) if issuers => Some(url.chars().take(200).collect()),
                _ => None,
            }
        }),
        _ => None,
    })
}

fn authority_as_server(leaf: &X509Certificate<'_>) -> Failure {
    Failure::new(
        "authority-as-server",
        format!("The server shows the certificate of a CA, \"{}\", as its own", common_name(leaf.subject())),
        "A CA's key should sign certificates, not serve connections; verifiers refuse it as a server's (RFC 5280 section 4.2.1.9).",
        format!("Make a certificate for the server with CA:FALSE. {EXCEPT}"),
    )
}
