//! What a connection's handshake has agreed on, as far as keys and the bytes inside depend on it.

use super::crypto::suite::{Suite, suite};
use super::crypto::{self, Agreed};
use super::cursor::Cursor;
use super::joiner::Joined;
use std::sync::Arc;
use wirelore_kit::{SecretId, Secrets};

/// A ServerHello with this random is a HelloRetryRequest: SHA-256 of those words (RFC 8446 §4.1.3).
pub const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a,
    0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// So many bytes of a handshake are kept for its hash.
const MOST_TRANSCRIPT: usize = 64 << 10;

/// TLS 1.3, as TLS counts.
pub const TLS13: u16 = 0x0304;

/// The versions of DTLS as those of TLS whose keys they use.
#[must_use]
pub const fn as_tls(version: u16) -> u16 {
    match version {
        0xfeff => 0x0302,
        0xfefd => 0x0303,
        0xfefc => TLS13,
        v => v,
    }
}

/// What a message of the handshake meant for the state of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A ClientHello.
    ClientHello,
    /// EncryptedExtensions: they say whether early data were taken.
    EncryptedExtensions,
    /// A ServerHello that was one.
    ServerHello,
    /// The server wants another ClientHello.
    Retry,
    /// The client's part of the keys.
    ClientKeyExchange,
    /// The end of a side's handshake.
    Finished,
    /// The client's early data are over.
    EndOfEarlyData,
    /// The sender changes its key.
    KeyUpdate,
    /// Anything else.
    Other,
}

/// Both hellos in short.
#[derive(Debug, Clone, Default)]
pub struct Session {
    /// The client's random, once its hello was read.
    pub client: Option<[u8; 32]>,
    /// The server's random, once its hello was read.
    pub server: Option<[u8; 32]>,
    /// The version agreed on, as TLS counts; 0 before.
    pub version: u16,
    /// The cipher suite agreed on.
    pub suite: u16,
    /// Encrypt-then-MAC was agreed on.
    pub etm: bool,
    /// The extended master secret was agreed on.
    ems: bool,
    /// The protocol agreed on (ALPN, or NPN before it).
    pub alpn: Option<Box<[u8]>>,
    /// The one protocol offered, where the client offered one alone.
    offered: Option<Box<[u8]>>,
    /// The client announced early data.
    pub early: bool,
    /// The server took them, or not, as far as it has said so.
    pub early_taken: Option<bool>,
    /// First bytes of the encrypted premaster secret, by which key logs may name it.
    epms: Option<[u8; 8]>,
    transcript: Vec<u8>,
    hash: Option<Vec<u8>>,
    master: Option<Arc<[u8]>>,
}

impl Session {
    /// Reads a message of the handshake. What does not have its shape tells nothing.
    pub fn read(&mut self, m: &Joined<'_>, from_client: bool) -> Event {
        let event = match (m.kind, from_client) {
            (1, true) => self.client_hello(m.body()),
            (2, false) => self.server_hello(m.body()),
            (6, false) => Some(Event::Retry),
            (8, false) => self.encrypted_extensions(m.body()),
            (16, true) => {
                let body = m.body();
                // RSA's premaster secret has a length in front from TLS 1.0 on.
                self.epms = body.get(2..10).and_then(|b| b.try_into().ok());
                Some(Event::ClientKeyExchange)
            }
            (20, _) => Some(Event::Finished),
            (5, true) => Some(Event::EndOfEarlyData),
            (24, _) => Some(Event::KeyUpdate),
            (67, true) => {
                self.alpn = Cursor(m.body()).vector(1).map(|p| p.0.into()).or(self.alpn.take());
                Some(Event::Other)
            }
            _ => None,
        }
        .unwrap_or(Event::Other);
        if m.kind != 0 && self.hash.is_none() && self.transcript.len().saturating_add(m.whole.len()) <= MOST_TRANSCRIPT {
            self.transcript.extend_from_slice(m.whole);
        }
        if event == Event::ClientKeyExchange {
            self.hash = suite(self.suite).map(|s| crypto::session_hash(self.version, &s, &self.transcript));
        }
        if event == Event::ClientKeyExchange || self.version >= TLS13 {
            self.transcript = Vec::new();
        }
        event
    }

    fn client_hello(&mut self, body: &[u8]) -> Option<Event> {
        let mut c = Cursor(body);
        let version = c.u16()?;
        let random: [u8; 32] = c.take(32)?.try_into().ok()?;
        let alpn = self.alpn.take();
        // A second hello on the connection begins a new handshake; what was agreed on inside still holds.
        *self = Session { client: Some(random), alpn, ..Session::default() };
        c.vector(1)?;
        if as_tls(version) != version {
            c.vector(1)?;
        }
        c.vector(2)?;
        c.vector(1)?;
        let Some(mut extensions) = c.vector(2) else { return Some(Event::ClientHello) };
        while let Some((kind, mut data)) = extensions.extension() {
            match kind {
                16 => {
                    let mut names = data.vector(2)?;
                    let first = names.vector(1)?;
                    if names.0.is_empty() {
                        self.offered = Some(first.0.into());
                    }
                }
                42 => self.early = true,
                _ => {}
            }
        }
        Some(Event::ClientHello)
    }

    fn server_hello(&mut self, body: &[u8]) -> Option<Event> {
        let mut c = Cursor(body);
        let mut version = as_tls(c.u16()?);
        let random: [u8; 32] = c.take(32)?.try_into().ok()?;
        c.vector(1)?;
        let suite = c.u16()?;
        c.u8()?;
        let (mut etm, mut ems, mut alpn) = (false, false, None);
        let mut extensions = c.vector(2).unwrap_or(Cursor(&[]));
        while let Some((kind, mut data)) = extensions.extension() {
            match kind {
                16 => alpn = data.vector(2).and_then(|mut names| names.vector(1)).map(|name| name.0.into()),
                22 => etm = true,
                23 => ems = true,
                43 => version = data.u16().map_or(version, as_tls),
                _ => {}
            }
        }
        // Drafts of TLS 1.3 are told by their own numbers.
        if version >> 8 == 0x7f {
            version = TLS13;
        }
        self.version = version;
        self.suite = suite;
        if random == RETRY_RANDOM {
            self.early_taken = Some(false);
            return Some(Event::Retry);
        }
        self.server = Some(random);
        self.etm = etm;
        self.ems = ems;
        self.alpn = alpn.or(self.alpn.take());
        Some(Event::ServerHello)
    }

    fn encrypted_extensions(&mut self, body: &[u8]) -> Option<Event> {
        let mut extensions = Cursor(body).vector(2)?;
        let mut taken = false;
        while let Some((kind, mut data)) = extensions.extension() {
            taken |= kind == 42;
            if kind == 16 {
                self.alpn = data.vector(2).and_then(|mut names| names.vector(1)).map(|name| name.0.into());
            }
        }
        self.early_taken = Some(taken);
        Some(Event::EncryptedExtensions)
    }

    /// The protocol inside, as far as it is known: agreed on, or the only one offered where early data come before the answer.
    #[must_use]
    pub fn protocol(&self) -> Option<&[u8]> {
        self.alpn.as_deref().or(if self.server.is_none() { self.offered.as_deref() } else { None })
    }

    /// The cipher suite's parts.
    #[must_use]
    pub fn parts(&self) -> Option<Suite> {
        suite(self.suite)
    }

    /// What keys up to TLS 1.2 are derived from; `None` before both hellos were read or where the suite is not known.
    #[must_use]
    pub fn agreed(&self) -> Option<Agreed<'_>> {
        Some(Agreed {
            version: self.version,
            suite: self.parts()?,
            client: self.client.as_ref()?,
            server: self.server.as_ref()?,
            etm: self.etm,
        })
    }

    /// The id under which a key log holds a secret of this connection.
    #[must_use]
    pub fn id(&self, label: &str) -> Option<SecretId> {
        Some(SecretId { label: label.into(), of: self.client.as_ref()?.as_slice().into() })
    }

    /// A secret of this connection by its label.
    #[must_use]
    pub fn secret(&self, secrets: &dyn Secrets, label: &str) -> Option<Arc<[u8]>> {
        secrets.find(&self.id(label)?)
    }

    /// The master secret up to TLS 1.2: given as it is, or made of a premaster secret.
    pub fn master(&mut self, secrets: &dyn Secrets) -> Option<Arc<[u8]>> {
        if self.master.is_none() {
            self.master = self.secret(secrets, "CLIENT_RANDOM").filter(|m| m.len() == 48).or_else(|| {
                let by_epms = || secrets.find(&SecretId { label: "RSA".into(), of: self.epms?.as_slice().into() });
                let premaster = self.secret(secrets, "PMS_CLIENT_RANDOM").or_else(by_epms)?;
                let session = self.hash.as_deref().filter(|_| self.ems);
                Some(crypto::master(&self.agreed()?, &premaster, session).into())
            });
        }
        self.master.clone()
    }

    /// Whether this is a version of TLS whose records can be opened at all.
    #[must_use]
    pub fn can_open(&self) -> bool {
        (0x0301..=TLS13).contains(&self.version) && self.parts().is_some_and(|s| s.kind.is_aead() || self.version < TLS13)
    }

    /// Bytes of memory held.
    #[must_use]
    pub fn weight(&self) -> usize {
        self.transcript.capacity()
    }
}
