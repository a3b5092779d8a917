//! Certificates (RFC 5280) out of their DER: which parts stand where, and what they say.

use std::fmt::Write as _;

/// Elements nest at most so deep, and a certificate has at most so many parts to show.
const MOST_PARTS: usize = 512;

/// One element of DER: its tag, and where its header and content lie.
#[derive(Debug, Clone, Copy)]
pub struct Tlv<'a> {
    /// Its tag.
    pub tag: u8,
    /// Offset of its first byte in the whole.
    pub at: usize,
    /// Offset of its content.
    pub inside: usize,
    /// Its content.
    pub content: &'a [u8],
}

impl<'a> Tlv<'a> {
    /// Offset behind it.
    #[must_use]
    pub const fn end(&self) -> usize {
        self.inside.saturating_add(self.content.len())
    }

    /// A walk over the elements inside.
    #[must_use]
    pub const fn walk(&self) -> Walk<'a> {
        Walk { bytes: self.content, at: self.inside }
    }
}

/// Elements one after the other.
#[derive(Debug, Clone, Copy)]
pub struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Walk<'a> {
    /// Over bytes from their start.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Walk<'a> {
        Walk { bytes, at: 0 }
    }

    /// The next element, whatever it is.
    pub fn any(&mut self) -> Option<Tlv<'a>> {
        let [tag, first, rest @ ..] = self.bytes else { return None };
        let (len, head) = if first & 0x80 == 0 {
            (usize::from(*first), 2usize)
        } else {
            let n = usize::from(first & 0x7f);
            let digits = rest.get(..n).filter(|_| (1..=3).contains(&n))?;
            (digits.iter().fold(0usize, |l, d| l << 8 | usize::from(*d)), 2usize.saturating_add(n))
        };
        let (_, body) = self.bytes.split_at_checked(head)?;
        let (content, behind) = body.split_at_checked(len)?;
        let tlv = Tlv { tag: *tag, at: self.at, inside: self.at.saturating_add(head), content };
        self.bytes = behind;
        self.at = tlv.end();
        Some(tlv)
    }

    /// The next element if it has that tag.
    pub fn tagged(&mut self, tag: u8) -> Option<Tlv<'a>> {
        if self.bytes.first() == Some(&tag) { self.any() } else { None }
    }
}

/// A point of the tree: from where to where, and what is to be said there.
#[derive(Debug, Clone)]
pub struct Part {
    /// What it is.
    pub what: What,
    /// Offset of its first byte.
    pub from: usize,
    /// Offset behind its last.
    pub to: usize,
    /// Its value in words, where it is text.
    pub text: String,
    /// Its value where it is a number or a time.
    pub number: i64,
}

/// What a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum What {
    Version,
    Serial,
    Algorithm,
    Issuer,
    NotBefore,
    NotAfter,
    Subject,
    Key,
    /// An extension: its parts follow, up to its end.
    Extension,
    ExtensionId,
    Critical,
    ExtensionValue,
    Signature,
}

/// A certificate in short.
#[derive(Debug, Clone, Default)]
pub struct Cert<'a> {
    /// What to show, in order.
    pub parts: Vec<Part>,
    /// All that is signed, with its header.
    pub signed: &'a [u8],
    /// The issuer as it stands.
    pub issuer: &'a [u8],
    /// The subject as it stands.
    pub subject: &'a [u8],
    /// First moment of validity, nanoseconds since 1970.
    pub not_before: i64,
    /// Last moment of validity, nanoseconds since 1970.
    pub not_after: i64,
    /// The algorithm of the key as it stands (an object identifier's content).
    pub key_algorithm: &'a [u8],
    /// The curve or other parameter of the key, likewise.
    pub key_parameter: &'a [u8],
    /// The key.
    pub key: &'a [u8],
    /// The algorithm of the signature.
    pub algorithm: &'a [u8],
    /// The signature.
    pub signature: &'a [u8],
    /// Names that it is for: DNS names as text, addresses in words.
    pub names: Vec<String>,
    /// Says that it may issue others; `None`: says nothing.
    pub is_ca: Option<bool>,
    /// All of it was understood.
    pub whole: bool,
}

/// Object identifiers that certificates name, by their content in DER.
static OIDS: &[(&[u8], &str)] = &[
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 4], "SN"),
    (&[0x55, 4, 5], "serialNumber"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 9], "street"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 12], "title"),
    (&[0x55, 4, 15], "businessCategory"),
    (&[0x55, 4, 42], "GN"),
    (&[0x55, 4, 97], "organizationIdentifier"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 1], "emailAddress"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 25], "DC"),
    (&[0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 1, 1], "UID"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1], "RSA"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 2], "RSA with MD2"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 4], "RSA with MD5"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5], "RSA with SHA-1"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 10], "RSA-PSS"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11], "RSA with SHA-256"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12], "RSA with SHA-384"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13], "RSA with SHA-512"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1], "elliptic curve"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7], "P-256"),
    (&[0x2b, 0x81, 4, 0, 34], "P-384"),
    (&[0x2b, 0x81, 4, 0, 35], "P-521"),
    (&[0x2b, 0x81, 4, 0, 10], "secp256k1"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1], "ECDSA with SHA-1"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2], "ECDSA with SHA-256"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3], "ECDSA with SHA-384"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4], "ECDSA with SHA-512"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 1], "DSA"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x38, 4, 3], "DSA with SHA-1"),
    (&[0x2b, 0x65, 0x70], "Ed25519"),
    (&[0x2b, 0x65, 0x71], "Ed448"),
    (&[0x55, 0x1d, 14], "Subject key identifier"),
    (&[0x55, 0x1d, 15], "Key usage"),
    (&[0x55, 0x1d, 17], "Subject alternative names"),
    (&[0x55, 0x1d, 18], "Issuer alternative names"),
    (&[0x55, 0x1d, 19], "Basic constraints"),
    (&[0x55, 0x1d, 30], "Name constraints"),
    (&[0x55, 0x1d, 31], "Revocation lists"),
    (&[0x55, 0x1d, 32], "Policies"),
    (&[0x55, 0x1d, 35], "Authority key identifier"),
    (&[0x55, 0x1d, 37], "Extended key usage"),
    (&[0x2b, 6, 1, 5, 5, 7, 1, 1], "Authority information"),
    (&[0x2b, 6, 1, 5, 5, 7, 1, 24], "TLS features"),
    (&[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 2], "Certificate transparency timestamps"),
    (&[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 3], "Certificate transparency poison"),
    (&[0x2b, 6, 1, 5, 5, 7, 3, 1], "server"),
    (&[0x2b, 6, 1, 5, 5, 7, 3, 2], "client"),
    (&[0x2b, 6, 1, 5, 5, 7, 3, 3], "code signing"),
    (&[0x2b, 6, 1, 5, 5, 7, 3, 4], "e-mail"),
    (&[0x2b, 6, 1, 5, 5, 7, 3, 8], "time stamping"),
    (&[0x2b, 6, 1, 5, 5, 7, 3, 9], "OCSP signing"),
    (&[0x60, 0x86, 0x48, 1, 0x86, 0xf8, 0x42, 1, 1], "Netscape certificate type"),
    (&[0x60, 0x86, 0x48, 1, 0x86, 0xf8, 0x42, 1, 13], "Netscape comment"),
];

/// The name of an object identifier, or its numbers.
#[must_use]
pub fn oid(content: &[u8]) -> String {
    if let Some((_, name)) = OIDS.iter().find(|(o, _)| *o == content) {
        return (*name).to_owned();
    }
    let mut s = String::new();
    let (mut v, mut first) = (0u64, true);
    for b in content.iter().take(64) {
        v = v.wrapping_shl(7) | u64::from(b & 0x7f);
        if b & 0x80 == 0 {
            // Writing to a String cannot fail.
            if first {
                let top = (v / 40).min(2);
                let _ = write!(s, "{top}.{}", v.saturating_sub(top.saturating_mul(40)));
            } else {
                let _ = write!(s, ".{v}");
            }
            (v, first) = (0, false);
        }
    }
    s
}

/// A string of DER as text.
fn string(t: &Tlv<'_>) -> String {
    match t.tag {
        // BMPString.
        0x1e => {
            let units = t.content.chunks_exact(2).map(|p| p.iter().fold(0u16, |v, b| v << 8 | u16::from(*b)));
            char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect()
        }
        // T61String is Latin-1 in practice.
        0x14 => t.content.iter().map(|b| char::from(*b)).collect(),
        _ => String::from_utf8_lossy(t.content).into_owned(),
    }
}

/// A distinguished name in words, in the order in which it stands: "C=DE, O=..., CN=...".
#[must_use]
pub fn name(of: &Tlv<'_>) -> String {
    let mut s = String::new();
    let mut sets = of.walk();
    while let Some(set) = sets.any() {
        let mut pairs = set.walk();
        while let Some(pair) = pairs.any() {
            let mut w = pair.walk();
            if let (Some(kind), Some(value)) = (w.tagged(6), w.any()) {
                let _ = write!(s, "{}{}={}", if s.is_empty() { "" } else { ", " }, oid(kind.content), string(&value));
            }
            if s.len() > 4096 {
                return s;
            }
        }
    }
    s
}

/// The common name in a distinguished name as written by [`name`].
#[must_use]
pub fn common_name(of: &[u8]) -> Option<String> {
    let mut sets = Walk::new(of).any()?.walk();
    let mut found = None;
    while let Some(set) = sets.any() {
        let mut pairs = set.walk();
        while let Some(pair) = pairs.any() {
            let mut w = pair.walk();
            if let (Some(kind), Some(value)) = (w.tagged(6), w.any())
                && kind.content == [0x55, 4, 3]
            {
                found = Some(string(&value));
            }
        }
    }
    found
}

/// A time of DER in nanoseconds since 1970.
fn time(t: &Tlv<'_>) -> Option<i64> {
    let digit = |i: usize| t.content.get(i).filter(|b| b.is_ascii_digit()).map(|b| i64::from(b - b'0'));
    let two = |i: usize| Some(digit(i)?.saturating_mul(10).saturating_add(digit(i.saturating_add(1))?));
    let (year, at) = match t.tag {
        // Two digits: 1950 to 2049 (RFC 5280 §4.1.2.5.1).
        0x17 => (two(0).map(|y| if y < 50 { y + 2000 } else { y + 1900 })?, 2usize),
        0x18 => (two(0)?.saturating_mul(100).saturating_add(two(2)?), 4),
        _ => return None,
    };
    let part = |n: usize| two(at.saturating_add(n));
    let (month, day, hour, minute) = (part(0)?, part(2)?, part(4)?, part(6)?);
    let second = part(8).unwrap_or(0);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years begin in March, so that the leap day is the last of its year.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + (153 * m + 2) / 5 + day - 1 - 719_468;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    Some(seconds.saturating_mul(1_000_000_000))
}

/// Bits of the modulus of an RSA key.
#[must_use]
pub fn rsa_bits(key: &[u8]) -> Option<usize> {
    let modulus = Walk::new(key).tagged(0x30)?.walk().tagged(2)?;
    let trimmed = modulus.content.iter().skip_while(|b| **b == 0).count();
    Some(trimmed.saturating_mul(8))
}

/// Reads a certificate as far as it goes.
#[must_use]
pub fn read(der: &[u8]) -> Cert<'_> {
    let mut c = Cert::default();
    c.whole = certificate(der, &mut c).is_some();
    c
}

fn certificate<'a>(der: &'a [u8], c: &mut Cert<'a>) -> Option<()> {
    let mut all = Walk::new(der).tagged(0x30)?.walk();
    let signed = all.tagged(0x30)?;
    c.signed = der.get(signed.at..signed.end())?;
    let mut w = signed.walk();
    let part = |what, t: &Tlv<'_>, text: String, number| Part { what, from: t.at, to: t.end(), text, number };
    if let Some(v) = w.tagged(0xa0) {
        let number = v.walk().tagged(2)?.content.last().copied()?;
        c.parts.push(part(What::Version, &v, String::new(), i64::from(number)));
    }
    let serial = w.tagged(2)?;
    c.parts.push(part(What::Serial, &serial, String::new(), 0));
    let algorithm = w.tagged(0x30)?;
    c.parts.push(part(What::Algorithm, &algorithm, oid(algorithm.walk().tagged(6)?.content), 0));
    let issuer = w.tagged(0x30)?;
    c.issuer = der.get(issuer.at..issuer.end())?;
    c.parts.push(part(What::Issuer, &issuer, name(&issuer), 0));
    let validity = w.tagged(0x30)?;
    let mut times = validity.walk();
    let (from, to) = (times.any()?, times.any()?);
    c.not_before = time(&from)?;
    c.not_after = time(&to)?;
    c.parts.push(part(What::NotBefore, &from, String::new(), c.not_before));
    c.parts.push(part(What::NotAfter, &to, String::new(), c.not_after));
    let subject = w.tagged(0x30)?;
    c.subject = der.get(subject.at..subject.end())?;
    c.parts.push(part(What::Subject, &subject, name(&subject), 0));
    let key = w.tagged(0x30)?;
    let words = public_key(&key, c)?;
    c.parts.push(part(What::Key, &key, words, 0));
    while let Some(t) = w.any() {
        // Unique ids (1 and 2) are of the past.
        if t.tag == 0xa3 {
            let mut list = t.walk().tagged(0x30)?.walk();
            while let Some(e) = list.any() {
                if c.parts.len() < MOST_PARTS {
                    extension(&e, c)?;
                }
            }
        }
    }
    let outer = all.tagged(0x30)?;
    c.algorithm = outer.walk().tagged(6)?.content;
    let signature = all.tagged(3)?;
    c.signature = signature.content.get(1..)?;
    c.parts.push(part(What::Signature, &signature, String::new(), 0));
    Some(())
}

/// The key's algorithm, curve and size in words.
fn public_key<'a>(key: &Tlv<'a>, c: &mut Cert<'a>) -> Option<String> {
    let mut w = key.walk();
    let mut algorithm = w.tagged(0x30)?.walk();
    c.key_algorithm = algorithm.tagged(6)?.content;
    c.key_parameter = algorithm.tagged(6).map_or(&[], |p| p.content);
    c.key = w.tagged(3)?.content.get(1..)?;
    let mut text = oid(c.key_algorithm);
    if !c.key_parameter.is_empty() {
        let _ = write!(text, " {}", oid(c.key_parameter));
    }
    if let Some(bits) = rsa_bits(c.key).filter(|_| text.starts_with("RSA")) {
        let _ = write!(text, ", {bits} bits");
    }
    Some(text)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(64).fold(String::new(), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    })
}

fn extension(e: &Tlv<'_>, c: &mut Cert<'_>) -> Option<()> {
    let mut w = e.walk();
    let id = w.tagged(6)?;
    let critical = w.tagged(1);
    let value = w.tagged(4)?;
    let label = oid(id.content);
    let push = |c: &mut Cert<'_>, what, t: &Tlv<'_>, text: String, number| {
        c.parts.push(Part { what, from: t.at, to: t.end(), text, number });
    };
    push(c, What::Extension, e, label.clone(), 0);
    push(c, What::ExtensionId, &id, label, 0);
    if let Some(critical) = &critical {
        push(c, What::Critical, critical, String::new(), i64::from(critical.content.first().copied().unwrap_or(0) != 0));
    }
    let inner = Walk { bytes: value.content, at: value.inside };
    let words = extension_words(id.content, inner, c).unwrap_or_else(|| hex(value.content));
    push(c, What::ExtensionValue, &value, words, 0);
    Some(())
}

fn extension_words(id: &[u8], mut w: Walk<'_>, c: &mut Cert<'_>) -> Option<String> {
    let all = w.any()?;
    match id {
        [0x55, 0x1d, 14] => Some(hex(all.content)),
        [0x55, 0x1d, 15] => {
            static USES: [&str; 9] = [
                "digital signature",
                "non-repudiation",
                "key encipherment",
                "data encipherment",
                "key agreement",
                "certificate signing",
                "revocation list signing",
                "encipher only",
                "decipher only",
            ];
            let bits = all.content.get(1..)?;
            let is_set = |n: usize| bits.get(n / 8).is_some_and(|b| b & (0x80 >> (n % 8)) != 0);
            Some(USES.iter().enumerate().filter(|(n, _)| is_set(*n)).map(|(_, u)| *u).collect::<Vec<_>>().join(", "))
        }
        [0x55, 0x1d, 17] => {
            let mut names = all.walk();
            while let Some(n) = names.any() {
                if c.names.len() >= MOST_PARTS {
                    break;
                }
                let text = match (n.tag, n.content) {
                    (0x82 | 0x81 | 0x86, text) => String::from_utf8_lossy(text).into_owned(),
                    (0x87, [a, b, c, d]) => format!("{a}.{b}.{c}.{d}"),
                    (0x87, v6) => <[u8; 16]>::try_from(v6).map_or_else(|_| hex(v6), |a| std::net::Ipv6Addr::from(a).to_string()),
                    (0xa4, _) => n.walk().any().map_or_else(String::new, |n| name(&n)),
                    _ => continue,
                };
                c.names.push(text);
            }
            Some(c.names.join(", "))
        }
        [0x55, 0x1d, 19] => {
            let mut w = all.walk();
            let ca = w.tagged(1).is_some_and(|b| b.content.first().copied().unwrap_or(0) != 0);
            c.is_ca = Some(ca);
            let path = w.tagged(2).and_then(|n| n.content.last().copied());
            Some(match (ca, path) {
                (false, _) => "issues no certificates".into(),
                (true, None) => "may issue certificates".into(),
                (true, Some(n)) => format!("may issue certificates, {n} issuers between"),
            })
        }
        [0x55, 0x1d, 35] => all.walk().tagged(0x80).map(|k| hex(k.content)),
        [0x55, 0x1d, 32] => {
            let mut list = all.walk();
            let mut found = Vec::new();
            while let Some(p) = list.any() {
                found.extend(p.walk().tagged(6).map(|o| oid(o.content)));
            }
            Some(found.join(", "))
        }
        [0x55, 0x1d, 37] => {
            let mut list = all.walk();
            let mut found = Vec::new();
            while let Some(o) = list.any() {
                found.push(oid(o.content));
            }
            Some(found.join(", "))
        }
        // Lists of places: their addresses stand as URIs, wherever.
        [0x55, 0x1d, 31] | [0x2b, 6, 1, 5, 5, 7, 1, 1] => {
            let mut found = Vec::new();
            uris(&all, 0, &mut found);
            Some(found.join(", "))
        }
        _ => None,
    }
}

/// All URIs (context tag 6) inside, a few levels deep.
fn uris(of: &Tlv<'_>, depth: u8, found: &mut Vec<String>) {
    let mut w = of.walk();
    while let Some(t) = w.any() {
        if t.tag == 0x86 && found.len() < 32 {
            found.push(String::from_utf8_lossy(t.content).into_owned());
        } else if t.tag & 0x20 != 0 && depth < 6 {
            uris(&t, depth.saturating_add(1), found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        let at = |tag, text: &str| time(&Tlv { tag, at: 0, inside: 2, content: text.as_bytes() });
        assert_eq!(at(0x17, "700101000000Z"), Some(0));
        assert_eq!(at(0x17, "000229000000Z"), Some(951_782_400_000_000_000));
        assert_eq!(at(0x18, "20491231235959Z"), Some(2_524_607_999_000_000_000));
        assert_eq!(at(0x17, "001301000000Z"), None);
        assert_eq!(at(0x17, "9"), None);
    }

    #[test]
    fn object_identifiers_without_a_name_are_numbers() {
        assert_eq!(oid(&[0x2b, 6, 1, 4, 1, 0x82, 0x37, 20, 2]), "1.3.6.1.4.1.311.20.2");
        assert_eq!(oid(&[0x88, 0x37]), "2.999");
    }

    #[test]
    fn bytes_that_are_no_certificate_end_quietly() {
        for n in 0..64u8 {
            let junk: Vec<u8> = (0..n).map(|i| i.wrapping_mul(37) ^ 0x30).collect();
            assert!(!read(&junk).whole);
        }
        assert!(!read(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]).whole);
    }
}
