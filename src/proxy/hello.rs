//! The first words of a client: whether they are TLS, and what its hello asks for.

use rustls::server::Acceptor;
use rustls::{CipherSuite, NamedGroup, ProtocolVersion, SignatureScheme};

/// What a ClientHello asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The name it asks for (SNI, RFC 6066 §3).
    pub name: Option<String>,
    /// Protocols it offers, best first (ALPN, RFC 7301).
    pub alpn: Vec<Vec<u8>>,
    /// Whether it offers TLS 1.3.
    pub tls13: bool,
    /// Whether it offers to agree on keys with X25519MLKEM768 (RFC 9794's hybrid: safe from what quantum computers may do).
    pub hybrid: bool,
    /// Which certificates it takes.
    pub takes: Takes,
}

/// Which of our certificates a client can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Takes {
    /// One with an ECDSA key on P-256, at all and in TLS 1.2.
    ecdsa: [bool; 2],
    /// One with an RSA key.
    rsa: bool,
}

impl Takes {
    /// Of a client of which nothing is known.
    pub const ANY: Takes = Takes { ecdsa: [true; 2], rsa: true };

    /// Whether only a certificate with an RSA key will do, when that version is spoken.
    #[must_use]
    pub fn rsa_only(self, version: Option<ProtocolVersion>) -> bool {
        let [at_all, in_12] = self.ecdsa;
        let ecdsa = at_all && (in_12 || version != Some(ProtocolVersion::TLSv1_2));
        self.rsa && !ecdsa
    }
}

/// Whether a cipher suite of TLS 1.2 needs an ECDSA key, of those that we speak.
fn is_ecdsa(suite: &CipherSuite) -> bool {
    matches!(
        suite,
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
            | CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
            | CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256
    )
}

impl Hello {
    /// Of a client that asks for a name, and offers no protocol.
    #[must_use]
    pub fn of(name: &str) -> Hello {
        Hello { name: Some(name.to_owned()), alpn: Vec::new(), tls13: true, hybrid: false, takes: Takes::ANY }
    }
}

/// What first bytes look like.
#[derive(Debug, PartialEq, Eq)]
pub enum First {
    /// Nothing of TLS.
    Other,
    /// The beginning of a ClientHello, whose rest is to come.
    Part,
    /// A whole ClientHello.
    Whole(Hello),
    /// A TLS record that we cannot answer, with what is wrong: SSL 2, an old version, garbage.
    Strange(String),
}

/// Most bytes that a ClientHello may take: a handshake message may be longer, no client's is.
const MOST: usize = 64 * 1024;

/// Looks at a client's first bytes.
#[must_use]
pub fn look(bytes: &[u8]) -> First {
    match bytes {
        [] => return First::Part,
        [0x16] => return First::Part,
        [0x16, 0x03, ..] => {}
        _ => return First::Other,
    }
    let mut acceptor = Acceptor::default();
    let mut rest = bytes;
    while !rest.is_empty() {
        match acceptor.read_tls(&mut rest) {
            Ok(0) => break,
            Ok(_) => {}
            Err(e) => return First::Strange(e.to_string()),
        }
        match acceptor.accept() {
            Ok(None) => {}
            Ok(Some(accepted)) => {
                let hello = accepted.client_hello();
                let tls13 = offers_13(bytes);
                let signs = |scheme| hello.signature_schemes().contains(&scheme);
                let ecdsa = signs(SignatureScheme::ECDSA_NISTP256_SHA256);
                let in_12 = hello.cipher_suites().iter().any(is_ecdsa);
                return First::Whole(Hello {
                    name: hello.server_name().map(str::to_owned),
                    alpn: hello.alpn().map(|names| names.map(<[u8]>::to_vec).collect()).unwrap_or_default(),
                    tls13,
                    hybrid: tls13 && hello.named_groups().is_some_and(|groups| groups.contains(&NamedGroup::X25519MLKEM768)),
                    takes: Takes {
                        ecdsa: [ecdsa && (tls13 || in_12), in_12],
                        rsa: signs(SignatureScheme::RSA_PSS_SHA256) || signs(SignatureScheme::RSA_PKCS1_SHA256),
                    },
                });
            }
            Err((e, _)) => return First::Strange(e.to_string()),
        }
    }
    if bytes.len() > MOST { First::Strange("its ClientHello does not end".into()) } else { First::Part }
}

/// Whether the hello offers TLS 1.3: `supported_versions` (43) names it (RFC 8446 §4.2.1). rustls' acceptor does not tell.
fn offers_13(bytes: &[u8]) -> bool {
    let hello = handshake(bytes);
    let mut at = hello.get(38..).unwrap_or_default();
    let mut skip = |width: usize| -> Option<()> {
        let len = at.get(..width)?.iter().fold(0usize, |n, b| (n << 8) | usize::from(*b));
        at = at.get(width.saturating_add(len)..)?;
        Some(())
    };
    if skip(1).and_then(|()| skip(2)).and_then(|()| skip(1)).is_none() {
        return false;
    }
    let mut extensions = at.get(2..).unwrap_or_default();
    while let [t1, t2, l1, l2, rest @ ..] = extensions {
        let len = usize::from(u16::from_be_bytes([*l1, *l2]));
        let Some(body) = rest.get(..len) else { return false };
        if u16::from_be_bytes([*t1, *t2]) == 43 {
            let wanted = u16::from(ProtocolVersion::TLSv1_3).to_be_bytes();
            return body.get(1..).is_some_and(|b| b.chunks_exact(2).any(|v| v == wanted));
        }
        extensions = rest.get(len..).unwrap_or_default();
    }
    false
}

/// The handshake message in records: their headers taken out.
fn handshake(bytes: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [_, _, _, l1, l2, body @ ..] = rest {
        let len = usize::from(u16::from_be_bytes([*l1, *l2])).min(body.len());
        let (this, next) = body.split_at(len);
        message.extend_from_slice(this);
        rest = next;
    }
    message
}
