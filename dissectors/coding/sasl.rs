//! What SASL messages say (RFC 4422): PLAIN, LOGIN, CRAM-MD5, XOAUTH2, OAUTHBEARER and SCRAM, out of their base64, for all mail protocols.

use super::transfer::base64;
use wirelore_kit::{F, Level, Reader, Stop};

/// One thing said in a SASL message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// Who logs in.
    User,
    /// On whose behalf, where that is another.
    ActsFor,
    /// A password in the clear.
    Password,
    /// A keyed digest: no password, but what a guesser needs.
    Digest,
    /// A token that is as good as a password.
    Token,
    /// An attribute of SCRAM (RFC 5802 §5.1) or of a token's message.
    Attribute,
    /// All of it: of a mechanism that is not known here.
    Whole,
}

/// A mechanism, as far as its messages are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// Name, then password, each when asked; never standardised.
    Login,
    /// RFC 2195.
    CramMd5,
    /// A bearer token (RFC 7628 and its forerunner).
    Bearer,
    /// RFC 5802 with any hash.
    Scram,
    /// NTLM in messages of its own.
    Ntlm,
    /// Any other.
    #[default]
    Other,
}

impl Mechanism {
    /// The mechanism of that name, any case.
    #[must_use]
    pub fn named(name: &[u8]) -> Mechanism {
        let is = |n: &str| name.eq_ignore_ascii_case(n.as_bytes());
        if is("PLAIN") {
            Mechanism::Plain
        } else if is("LOGIN") {
            Mechanism::Login
        } else if is("CRAM-MD5") {
            Mechanism::CramMd5
        } else if is("XOAUTH2") || is("OAUTHBEARER") {
            Mechanism::Bearer
        } else if is("NTLM") {
            Mechanism::Ntlm
        } else if name.get(..6).is_some_and(|n| n.eq_ignore_ascii_case(b"SCRAM-")) {
            Mechanism::Scram
        } else {
            Mechanism::Other
        }
    }
}

/// The fields under which a protocol shows what SASL messages say.
#[derive(Debug, Clone, Copy)]
pub struct Fields {
    /// The message as it stands.
    pub response: F,
    /// For [`Said::User`].
    pub user: F,
    /// For [`Said::ActsFor`].
    pub acts_for: F,
    /// For [`Said::Password`].
    pub password: F,
    /// For [`Said::Digest`].
    pub digest: F,
    /// For [`Said::Token`].
    pub token: F,
    /// For [`Said::Attribute`].
    pub attribute: F,
    /// For [`Said::Whole`].
    pub whole: F,
}

/// Takes the client's message number `step`, of `len` bytes, and shows what it says.
///
/// # Errors
/// As [`Reader::bytes`].
pub fn response(r: &mut Reader<'_>, len: usize, mechanism: Mechanism, step: u32, f: &Fields) -> Result<(), Stop> {
    let of = r.span(len);
    let message = r.bytes(f.response, len)?;
    if r.level() < Level::Tree {
        return Ok(());
    }
    for (said, text) in client(mechanism, step, message) {
        let field = match said {
            Said::User => f.user,
            Said::ActsFor => f.acts_for,
            Said::Password => f.password,
            Said::Digest => f.digest,
            Said::Token => f.token,
            Said::Attribute => f.attribute,
            Said::Whole => f.whole,
        };
        r.derived(field, of, text);
    }
    Ok(())
}

/// A text as it is shown; at most so much of it.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..4096).unwrap_or(bytes)).into_owned()
}

/// What the client's message number `step` (from 0) says; empty where it is no base64.
#[must_use]
pub fn client(mechanism: Mechanism, step: u32, message: &[u8]) -> Vec<(Said, String)> {
    let message = message.trim_ascii();
    if message.is_empty() || message == b"=" || message == b"*" {
        return Vec::new();
    }
    base64(message).map_or_else(Vec::new, |bytes| plainly(mechanism, step, &bytes))
}

/// As [`client`], of a message that is not in base64.
#[must_use]
pub fn plainly(mechanism: Mechanism, step: u32, bytes: &[u8]) -> Vec<(Said, String)> {
    match mechanism {
        Mechanism::Plain => {
            let mut parts = bytes.splitn(3, |b| *b == 0);
            let (acts_for, user, password) = (parts.next(), parts.next(), parts.next());
            let mut said = Vec::new();
            if let (Some(a), Some(u), Some(p)) = (acts_for, user, password) {
                if !a.is_empty() {
                    said.push((Said::ActsFor, text(a)));
                }
                said.extend([(Said::User, text(u)), (Said::Password, text(p))]);
            }
            said
        }
        Mechanism::Login if step == 0 => vec![(Said::User, text(bytes))],
        Mechanism::Login => vec![(Said::Password, text(bytes))],
        Mechanism::CramMd5 => match bytes.iter().rposition(|b| *b == b' ') {
            Some(at) => vec![
                (Said::User, text(bytes.get(..at).unwrap_or(bytes))),
                (Said::Digest, text(bytes.get(at.saturating_add(1)..).unwrap_or(&[]))),
            ],
            None => Vec::new(),
        },
        Mechanism::Bearer => bytes
            .split(|b| *b == 1)
            .filter(|p| !p.is_empty() && !p.starts_with(b"n,"))
            .take(16)
            .map(|p| match (p.strip_prefix(b"user="), p.strip_prefix(b"auth=")) {
                (Some(user), _) => (Said::User, text(user)),
                (_, Some(token)) => (Said::Token, text(token)),
                _ => (Said::Attribute, text(p)),
            })
            .collect(),
        Mechanism::Scram => scram(bytes),
        Mechanism::Ntlm => Vec::new(),
        Mechanism::Other => vec![(Said::Whole, text(bytes))],
    }
}

/// The attributes of a SCRAM message of either side.
fn scram(bytes: &[u8]) -> Vec<(Said, String)> {
    bytes
        .split(|b| *b == b',')
        .filter(|p| p.len() > 2 && p.get(1) == Some(&b'='))
        .take(16)
        .map(|p| match p.split_first() {
            Some((b'n', rest)) => (Said::User, text(rest.get(1..).unwrap_or(&[])).replace("=2C", ",").replace("=3D", "=")),
            Some((b'a', rest)) => (Said::ActsFor, text(rest.get(1..).unwrap_or(&[]))),
            Some((b'p', rest)) if rest.starts_with(b"=") && p.len() > 20 => (Said::Digest, text(rest.get(1..).unwrap_or(&[]))),
            _ => (Said::Attribute, text(p)),
        })
        .collect()
}

/// What the server's challenge says.
#[must_use]
pub fn challenge(message: &[u8]) -> Option<String> {
    let bytes = base64(message).filter(|b| !b.is_empty())?;
    bytes.iter().all(|b| matches!(b, b' '..=b'~')).then(|| text(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mechanism_says_who_and_what() {
        let is = |m: &str, step, message: &str| client(Mechanism::named(m.as_bytes()), step, message.as_bytes());
        assert_eq!(is("plain", 0, "AGVtbWEAc2VjcmV0"), [(Said::User, "emma".into()), (Said::Password, "secret".into())]);
        assert_eq!(is("LOGIN", 0, "ZW1tYQ=="), [(Said::User, "emma".into())]);
        assert_eq!(is("LOGIN", 1, "c2VjcmV0"), [(Said::Password, "secret".into())]);
        assert_eq!(is("CRAM-MD5", 0, "ZW1tYSBkM2Fk"), [(Said::User, "emma".into()), (Said::Digest, "d3ad".into())]);
        assert_eq!(
            is("XOAUTH2", 0, "dXNlcj1lbW1hAWF1dGg9QmVhcmVyIHRvawEB"),
            [(Said::User, "emma".into()), (Said::Token, "Bearer tok".into())]
        );
        assert_eq!(
            is("SCRAM-SHA-256", 0, "biwsbj1lbW1hLHI9bm9uY2U="),
            [(Said::User, "emma".into()), (Said::Attribute, "r=nonce".into())]
        );
        assert!(is("PLAIN", 0, "no base64!").is_empty());
        assert!(is("PLAIN", 0, "*").is_empty());
        assert_eq!(challenge(b"VXNlcm5hbWU6"), Some("Username:".into()));
    }
}
