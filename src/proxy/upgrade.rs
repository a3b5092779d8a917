//! TLS in the middle: the server is spoken to first, as the client asked; the client is then answered with what the server chose.

use crate::copy::Over;
use crate::course::Course;
use crate::end::{End, Fault};
use crate::hello::{First, Hello, Takes};
use crate::speak;
use crate::tls::Tls;
use crate::words;
use rustls::client::UnbufferedClientConnection;
use rustls::pki_types::ServerName;
use rustls::server::UnbufferedServerConnection;
use rustls::{ProtocolVersion, ServerConfig};
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use wirelore_ca::{Names, Trust};
use wirelore_kit::middle::{Place, Refusal};
use wirelore_kit::{Hint, reader_of};
use wirelore_record::{Kind, Note, Side};

/// A server that does not answer a ClientHello for so long is given up.
const PATIENCE: Duration = Duration::from_secs(15);
/// A server that misses a certificate of ours says so within this time, or has nothing against that.
const VERDICT: Duration = Duration::from_millis(500);

impl Course {
    /// Opens the TLS that a client has begun. `Some`: both ends speak it now, with the protocol that was agreed on. `None`: it is on the
    /// list of what is not opened, and goes on as it came.
    ///
    /// # Errors
    /// The connection is over: a handshake failed, which was told.
    pub(crate) async fn open_tls(&mut self, mut hello: Hello) -> Result<Option<Option<Box<[u8]>>>, Over> {
        let shared = Arc::clone(&self.worker.shared);
        let host = hello.name.clone().unwrap_or_else(|| self.host());
        let port = self.origin.as_ref().map_or(443, |o| o.port);
        if shared.passes(&host, port) {
            self.note(words::passed());
            return Ok(None);
        }
        if !shared.authority.covers(&host) {
            self.note(words::out_of_scope());
            return Ok(None);
        }
        self.conn.proto = None;
        if shared.gate.wants(&self.conn) {
            // What cannot be judged is not offered, where the client has something else to offer.
            let judged = |name: &Vec<u8>| {
                let reader = reader_of(shared.table, &Hint::Alpn(name.as_slice().into())).and_then(|i| shared.table.get(i));
                reader.is_none_or(|s| s.middle.is_some())
            };
            if hello.alpn.iter().any(judged) {
                hello.alpn.retain(judged);
            }
        }
        if let Err(failure) = self.tls_to_server(&hello, &host).await {
            let refusal = words::upstream(&failure);
            self.note(words::handshake(&failure, Side::Server));
            return Err(self.refuse_tls(&hello, &host, &refusal).await);
        }
        let tls = self.server.as_ref().and_then(|s| s.tls.as_ref());
        let alpn: Option<Box<[u8]>> = tls.and_then(Tls::alpn).map(Into::into);
        let version = tls.and_then(Tls::version);
        let copied = tls.and_then(Tls::peer_certificate).map(<[u8]>::to_vec);
        self.tls_to_client((&host, hello.takes), copied.as_deref(), alpn.as_deref(), version).await?;
        self.first_words_along().await;
        Ok(Some(alpn))
    }

    /// Most clients speak right behind their handshake: what they say then goes to the server together with the end of ours.
    async fn first_words_along(&mut self) {
        if !self.server.as_ref().is_some_and(End::is_leisurely) {
            return;
        }
        if self.client.ahead.is_empty() {
            // Other connections have their turn; that is all the time it gets.
            tokio::task::yield_now().await;
            let (io, client) = (&self.worker.io, &mut self.client);
            poll_fn(|cx| {
                let io = &mut *io.borrow_mut();
                io.tick();
                let mut ahead = std::mem::take(&mut client.ahead);
                // An end or a fault is seen by whoever reads next.
                let _ = client.poll_read(cx, io, &mut |p, _| ahead.extend_from_slice(p));
                client.ahead = ahead;
                Poll::Ready(())
            })
            .await;
        }
        if let Some(server) = self.server.as_mut().filter(|_| self.client.ahead.is_empty()) {
            server.hurry();
        }
    }

    /// Speaks TLS to the server, asking for what the client asked for.
    pub(crate) async fn tls_to_server(&mut self, hello: &Hello, host: &str) -> Result<(), wirelore_ca::Failure> {
        let explain = |e: &rustls::Error| Trust::explain(e, host);
        let config = self.worker.shared.configs.question(hello, host).map_err(|e| explain(&e))?;
        let name = ServerName::try_from(host.to_owned())
            .map_err(|e| explain(&rustls::Error::General(format!("{host} is no name of a server: {e}"))))?;
        let conn = UnbufferedClientConnection::new(config, name).map_err(|e| explain(&e))?;
        let Some(server) = self.server.as_mut() else {
            return Err(explain(&rustls::Error::General("there is no server".into())));
        };
        server.begin(Tls::Client(Box::new(conn)));
        // Where a message may be held the server is not kept waiting for the end of its handshake.
        let shaken = if self.worker.shared.gate.wants(&self.conn) {
            tokio::time::timeout(PATIENCE, server.handshake(&self.worker.io)).await
        } else {
            tokio::time::timeout(PATIENCE, server.handshake_leisurely(&self.worker.io)).await
        };
        let mut shaken = shaken.unwrap_or(Err(Fault::Io(io::ErrorKind::TimedOut.into())));
        let tls13 = server.tls.as_ref().and_then(Tls::version) == Some(ProtocolVersion::TLSv1_3);
        if shaken.is_ok() && server.missed && tls13 {
            // In TLS 1.3 the handshake is over for us before the server says whether it takes nobody for an answer: with a ticket, its
            // own first words, or an alert. The client is not answered before that, so that it can be told.
            shaken = tokio::time::timeout(VERDICT, server.hear(&self.worker.io)).await.unwrap_or(Ok(()));
        }
        shaken.map_err(|fault| match fault {
            Fault::Tls(e) => explain(&e),
            other => words::broke_off(host, &other),
        })
    }

    /// Answers the client in the server's place.
    pub(crate) async fn tls_to_client(
        &mut self,
        (host, takes): (&str, Takes),
        copied: Option<&[u8]>,
        alpn: Option<&[u8]>,
        version: Option<ProtocolVersion>,
    ) -> Result<(), Over> {
        let rsa = takes.rsa_only(version);
        if rsa && !self.worker.shared.authority.is_rsa_ready() {
            // Its key takes a while to make: others are served meanwhile. What goes wrong is told below.
            let shared = Arc::clone(&self.worker.shared);
            let _ = tokio::task::spawn_blocking(move || shared.authority.rsa_leaf(&Names::of("localhost")).map(drop)).await;
        }
        let config = match self.answer_as((host, rsa), copied, alpn, version) {
            Ok(config) => config,
            Err(why) => {
                let what = format!("No certificate could be made for {host}: {why}");
                self.note(Note::new(Kind::Refused, &what));
                return Err(Over::Broken(1, Fault::Early));
            }
        };
        let conn = UnbufferedServerConnection::new(config).map_err(|e| Over::Broken(1, Fault::Tls(e)))?;
        self.client.begin(Tls::Server(Box::new(conn)));
        let Err(fault) = self.client.handshake_leisurely(&self.worker.io).await else { return Ok(()) };
        self.note(words::handshake(&words::client_refused(host, &fault), Side::Client));
        self.worker.shared.client_refused(host);
        Err(Over::Broken(0, fault))
    }

    fn answer_as(
        &self,
        (host, rsa): (&str, bool),
        copied: Option<&[u8]>,
        alpn: Option<&[u8]>,
        version: Option<ProtocolVersion>,
    ) -> Result<Arc<ServerConfig>, String> {
        let shared = &self.worker.shared;
        let names = Names::of(host);
        let names = copied.map_or(names, |der| names.with_upstream(der));
        let leaf = if rsa { shared.authority.rsa_leaf(&names) } else { shared.authority.leaf(&names) };
        let leaf = leaf.map_err(|e| e.to_string())?;
        shared.configs.answer(leaf, alpn, version).map_err(|e| e.to_string())
    }

    /// The server cannot be spoken to: the client is answered by us, and told why on a page, if it speaks what has pages.
    async fn refuse_tls(&mut self, hello: &Hello, host: &str, refusal: &Refusal) -> Over {
        let speaks = |name: &&Vec<u8>| self.speaks_exchanges(name);
        let chosen = hello.alpn.iter().find(|name| self.speaks_pages(name)).or_else(|| hello.alpn.iter().find(speaks)).cloned();
        if chosen.is_none() && !hello.alpn.is_empty() {
            // It would not understand a page.
            return Over::Broken(1, Fault::Early);
        }
        if let Err(over) = self.tls_to_client((host, hello.takes), None, chosen.as_deref(), None).await {
            return over;
        }
        self.page(refusal, chosen.map_or(Hint::Probe, |name| Hint::Alpn(name.into()))).await
    }

    /// Whether a protocol of that name has pages.
    pub(crate) fn speaks_pages(&self, name: &[u8]) -> bool {
        let table = self.worker.shared.table;
        let spec = reader_of(table, &Hint::Alpn(name.into())).and_then(|i| table.get(i));
        spec.is_some_and(|s| s.middle.is_some_and(|m| m.forward))
    }

    /// Whether a page may answer in a protocol of that name, though nobody speaks it to a proxy.
    fn speaks_exchanges(&self, name: &[u8]) -> bool {
        let table = self.worker.shared.table;
        let spec = reader_of(table, &Hint::Alpn(name.into())).and_then(|i| table.get(i));
        spec.is_some_and(|s| s.middle.is_some_and(|m| m.reopened))
    }

    /// Answers whatever the client asks with a page that says why there is no server, if it speaks a protocol that has pages.
    pub(crate) async fn refuse(&mut self, refusal: &Refusal) -> Over {
        match self.first_words().await {
            First::Whole(hello) => {
                let host = hello.name.clone().unwrap_or_else(|| self.host());
                self.refuse_tls(&hello, &host, refusal).await
            }
            _ => self.page(refusal, Hint::Probe).await,
        }
    }

    /// Answers each request with the page.
    async fn page(&mut self, refusal: &Refusal, hint: Hint) -> Over {
        let Some(spec) = self.speaker(&hint).await else { return Over::Broken(1, Fault::Early) };
        let Some(drive) = self.drive_to_answer(spec, Place::Between) else { return Over::Broken(1, Fault::Early) };
        self.answer_all(drive, |_, asked| speak::page(asked, refusal)).await
    }
}
