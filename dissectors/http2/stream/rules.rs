//! What the lines of a head or of trailers must keep (RFC 9113 §8.2, §8.3), whoever reads them.

use super::head::What;
use super::notes as n;
use wirelore_kit::Note;

/// What was seen of the lines of a block.
#[derive(Debug, Default)]
pub struct Rules {
    /// Pseudo-headers that stand in it, a bit each.
    pseudo: u8,
    /// A field that is no pseudo-header has come.
    regular: bool,
    /// Fields that were not seen, so that nothing can be said of what is missing.
    unseen: bool,
    /// The method is CONNECT, and no protocol is named beside it.
    connect: bool,
}

const METHOD: u8 = 1;
const SCHEME: u8 = 2;
const AUTHORITY: u8 = 4;
const PATH: u8 = 8;
const PROTOCOL: u8 = 16;
const STATUS: u8 = 32;

impl Rules {
    /// The next line. `told` is given what is wrong with it.
    pub fn line(&mut self, name: &[u8], value: &[u8], what: What, mut told: impl FnMut(&'static Note)) {
        if let Some(pseudo) = name.strip_prefix(b":") {
            let (bit, of) = match pseudo {
                b"method" => (METHOD, What::Request),
                b"scheme" => (SCHEME, What::Request),
                b"authority" => (AUTHORITY, What::Request),
                b"path" => (PATH, What::Request),
                b"protocol" => (PROTOCOL, What::Request),
                b"status" => (STATUS, What::Response),
                _ => (0, What::Trailers),
            };
            if bit == 0 || of != what {
                told(&n::PSEUDO_UNKNOWN);
            } else if self.pseudo & bit != 0 {
                told(&n::PSEUDO_TWICE);
            }
            self.pseudo |= bit;
            match bit {
                METHOD => self.connect = value == b"CONNECT",
                PROTOCOL => self.connect = false,
                _ => {}
            }
            if self.regular {
                told(&n::PSEUDO_LATE);
            }
            return;
        }
        if name.first() == Some(&b'?') {
            self.unseen = true;
            return;
        }
        self.regular = true;
        if name.is_empty() || name.iter().any(|b| b.is_ascii_uppercase() || *b <= b' ' || *b >= 0x7f || *b == b':') {
            told(&n::UPPER_CASE);
        }
        if is_of_http1(name, value) {
            told(&n::CONNECTION_FIELD);
        }
    }

    /// Whether a pseudo-header is missing, when all lines have been seen.
    #[must_use]
    pub fn lacks(&self, what: What) -> bool {
        let must = match what {
            What::Request if self.is_tunnel() => METHOD | AUTHORITY,
            What::Request => METHOD | SCHEME | PATH,
            What::Response => STATUS,
            What::Trailers => 0,
        };
        self.pseudo & must != must && !self.unseen
    }

    /// Whether the request opens a plain tunnel (RFC 9113 §8.5).
    #[must_use]
    pub fn is_tunnel(&self) -> bool {
        self.connect && self.pseudo & PROTOCOL == 0
    }
}

/// Whether a field belongs to one connection of HTTP/1 (RFC 9113 §8.2.2).
#[must_use]
pub fn is_of_http1(name: &[u8], value: &[u8]) -> bool {
    match name.len() {
        2 => name == b"te" && !value.eq_ignore_ascii_case(b"trailers"),
        7 => name == b"upgrade",
        10 => name == b"connection" || name == b"keep-alive",
        16 => name == b"proxy-connection",
        17 => name == b"transfer-encoding",
        _ => false,
    }
}
