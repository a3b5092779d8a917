//! TLS configurations, made once for each kind of connection and shared, with the sessions that can be resumed.

use crate::buffers::{Nobody, Tap};
use crate::hello::Hello;
use rustls::client::{ClientSessionMemoryCache, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::kx_group;
use rustls::server::{ClientHello, NoServerSessionStorage, ProducesTickets, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, ClientConfig, ProtocolVersion, ServerConfig, SupportedProtocolVersion};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use wirelore_ca::Trust;
use wirelore_ca::keylog::KeyLogFile;

/// Sessions kept for resuming, for each kind of upstream configuration.
const SESSIONS: usize = 1024;

/// Configurations kept of each side. When there are more, all are made anew.
const MOST: usize = 2048;

/// What an answer to a client depends on: the leaf (by its place in memory), the protocol chosen, whether TLS 1.3 is spoken.
type Answer = (usize, Option<Vec<u8>>, bool);
/// What a connection to a server depends on: protocols offered, whether TLS 1.3 and the hybrid of keys are offered, and the host if it is
/// shown a certificate.
type Question = (Vec<Vec<u8>>, [bool; 2], Option<String>);

/// All of them.
pub struct Configs {
    /// Agrees on keys as every server does, with X25519MLKEM768 first where a client offers it.
    provider: Arc<CryptoProvider>,
    /// The same without X25519MLKEM768: a server is offered it only by clients that do.
    classic: Arc<CryptoProvider>,
    trust: Trust,
    tickets: Option<Arc<dyn ProducesTickets>>,
    tap: Arc<Tap>,
    answers: Mutex<HashMap<Answer, Arc<ServerConfig>>>,
    questions: Mutex<HashMap<Question, Arc<ClientConfig>>>,
}

impl Configs {
    /// None made yet.
    #[must_use]
    pub fn new(trust: Trust, keylog: Option<KeyLogFile>) -> Configs {
        let mut provider = rustls::crypto::ring::default_provider();
        // AES-128 with SHA-256 first: processors have instructions for both, and for SHA-384 most have none.
        provider.cipher_suites.sort_by_key(|s| match s.suite() {
            CipherSuite::TLS13_AES_128_GCM_SHA256 => 0,
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 | CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => 1,
            _ => 2,
        });
        // Keys are agreed on twice for each connection, most of what a new one costs: here aws-lc needs half of ring's time.
        provider.kx_groups = vec![kx_group::X25519, kx_group::SECP256R1, kx_group::SECP384R1];
        let classic = Arc::new(provider.clone());
        provider.kx_groups.insert(0, kx_group::X25519MLKEM768);
        // Its random numbers take some 30 ms to begin with: not those of the first clients. Without this thread they wait, no more.
        let _ = std::thread::Builder::new().name("random".into()).spawn(|| drop(kx_group::X25519.start()));
        Configs {
            provider: Arc::new(provider),
            classic,
            trust,
            // Without random numbers for its key there are no tickets: clients then handshake in full.
            tickets: rustls::crypto::ring::Ticketer::new().ok(),
            tap: Arc::new(Tap::new(keylog)),
            answers: Mutex::default(),
            questions: Mutex::default(),
        }
    }

    /// How a client is answered: with that leaf, that protocol, that version.
    ///
    /// # Errors
    /// The versions fit no cipher suite of ours.
    pub fn answer(
        &self,
        leaf: Arc<CertifiedKey>,
        alpn: Option<&[u8]>,
        version: Option<ProtocolVersion>,
    ) -> Result<Arc<ServerConfig>, rustls::Error> {
        let tls13 = version != Some(ProtocolVersion::TLSv1_2);
        // The configuration keeps the leaf, so that its place is not another's as long as this stands here.
        let key = (Arc::as_ptr(&leaf) as usize, alpn.map(<[u8]>::to_vec), tls13);
        made(&self.answers, key, |(_, alpn, _)| {
            let versions: &[&SupportedProtocolVersion] = if tls13 { &[&TLS13, &TLS12] } else { &[&TLS12] };
            let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
                .with_protocol_versions(versions)?
                .with_no_client_auth()
                .with_cert_resolver(Arc::new(Always(leaf)));
            config.alpn_protocols = alpn.iter().cloned().collect();
            config.key_log = self.tap.clone();
            config.session_storage = Arc::new(NoServerSessionStorage {});
            if let Some(tickets) = &self.tickets {
                config.ticketer = Arc::clone(tickets);
            }
            config.send_tls13_tickets = 1;
            config.ignore_client_order = true;
            Ok(config)
        })
    }

    /// How a server is spoken to: offering what the client offered.
    ///
    /// # Errors
    /// The versions fit no cipher suite of ours.
    pub fn question(&self, hello: &Hello, host: &str) -> Result<Arc<ClientConfig>, rustls::Error> {
        let shown = self.trust.client_certificate(host);
        let key = (hello.alpn.clone(), [hello.tls13, hello.hybrid], shown.is_some().then(|| host.to_owned()));
        made(&self.questions, key, |(alpn, [tls13, hybrid], _)| {
            let provider = if *hybrid { &self.provider } else { &self.classic };
            let versions: &[&SupportedProtocolVersion] = if *tls13 { &[&TLS13, &TLS12] } else { &[&TLS12] };
            let mut config = ClientConfig::builder_with_provider(Arc::clone(provider))
                .with_protocol_versions(versions)?
                .dangerous()
                .with_custom_certificate_verifier(self.trust.verifier())
                .with_no_client_auth();
            config.alpn_protocols.clone_from(alpn);
            config.key_log = self.tap.clone();
            config.client_auth_cert_resolver = shown.unwrap_or_else(|| Arc::new(Nobody));
            config.resumption = Resumption::store(Arc::new(ClientSessionMemoryCache::new(SESSIONS)));
            Ok(config)
        })
    }
}

/// Takes what is made for `key`, or makes it.
fn made<K: Hash + Eq + Clone, V>(
    kept: &Mutex<HashMap<K, Arc<V>>>,
    key: K,
    make: impl FnOnce(&K) -> Result<V, rustls::Error>,
) -> Result<Arc<V>, rustls::Error> {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(there) = kept.get(&key) {
        return Ok(Arc::clone(there));
    }
    if kept.len() >= MOST {
        kept.clear();
    }
    let fresh = Arc::new(make(&key)?);
    kept.insert(key, Arc::clone(&fresh));
    Ok(fresh)
}

/// Shows one certificate, whatever is asked for.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hello::{self, First};
    use rustls::{ClientConnection, NamedGroup, ServerConnection};

    /// What two of ours agree on when the client asked with `hello`: the group of the keys, and what the client's own hello offered.
    fn agreed(configs: &Configs, leaf: &Arc<CertifiedKey>, hello: &Hello) -> (NamedGroup, Hello) {
        let name = "shop.test".try_into().expect("a name");
        let mut client =
            ClientConnection::new(configs.question(hello, "shop.test").expect("a configuration"), name).expect("a client");
        let mut server =
            ServerConnection::new(configs.answer(Arc::clone(leaf), None, None).expect("a configuration")).expect("a server");
        let mut first = None;
        while client.is_handshaking() || server.is_handshaking() {
            let mut bytes = Vec::new();
            client.write_tls(&mut bytes).expect("memory");
            first.get_or_insert_with(|| hello::look(&bytes));
            server.read_tls(&mut &*bytes).expect("memory");
            server.process_new_packets().expect("what a client says");
            bytes.clear();
            server.write_tls(&mut bytes).expect("memory");
            client.read_tls(&mut &*bytes).expect("memory");
            client.process_new_packets().expect("what a server says");
        }
        let Some(First::Whole(seen)) = first else { panic!("no hello: {first:?}") };
        (client.negotiated_key_exchange_group().expect("one").name(), seen)
    }

    #[test]
    fn a_server_is_offered_the_hybrid_of_keys_only_by_clients_that_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = wirelore_ca::Authority::load_or_create(folder.path()).expect("an authority");
        let root = folder.path().join("root.pem");
        std::fs::write(&root, authority.certificate_pem()).expect("room");
        let options = wirelore_ca::trust::Options { roots: vec![root], only_given: true, ..Default::default() };
        let configs = Configs::new(Trust::new(&options).expect("trust"), None);
        let leaf = authority.leaf(&wirelore_ca::Names::of("shop.test")).expect("a leaf");
        let classic = Hello::of("shop.test");
        let (group, seen) = agreed(&configs, &leaf, &classic);
        assert_eq!((group, seen.hybrid), (NamedGroup::X25519, false));
        let (group, seen) = agreed(&configs, &leaf, &Hello { hybrid: true, ..classic });
        assert_eq!((group, seen.hybrid), (NamedGroup::X25519MLKEM768, true));
    }
}
