//! A server that is not connected before something is to go there: rules may answer all that its client asks, and then nobody is dialled.
//!
//! Until then nothing is known of the server, so its client is answered as ours would be: a leaf by the name that it asked for, and a protocol
//! in which we can answer. Clients that offer HTTP/2 keep it: for them the server is connected at once, if it can be.

use crate::copy::Over;
use crate::course::Course;
use crate::drive::Drive;
use crate::hello::{First, Hello};
use crate::words;
use std::time::Duration;
use wirelore_kit::middle::{Origin, Place, Refusal};
use wirelore_kit::{Hint, reader_of};
use wirelore_record::Side;

/// A client that has said nothing for so long may wait for its server to speak first.
const SILENT: Duration = Duration::from_millis(500);

impl Course {
    /// Connects to an origin, or leaves that for later where a rule may answer in its place.
    ///
    /// # Errors
    /// The refusal to tell the client.
    pub(crate) async fn reach(&mut self, origin: &Origin) -> Result<(), Refusal> {
        let shared = &self.worker.shared;
        self.conn.server = Some(origin.clone());
        let spoken = self.conn.proto.take();
        let answers = shared.gate.may_answer(&self.conn);
        self.conn.proto = spoken;
        if !answers || shared.is_us(origin) || shared.passes(&origin.host, origin.port) || !shared.authority.covers(&origin.host)
        {
            return self.dial(origin).await;
        }
        self.drop_server();
        self.origin = Some(origin.clone());
        self.away = true;
        Ok(())
    }

    /// A client whose server is not connected yet. Comes back when it is: what it speaks then, if that is known, and what stands around it.
    ///
    /// # Errors
    /// It is over.
    pub(crate) async fn alone(&mut self) -> Result<(Option<Hint>, Option<&'static str>), Over> {
        self.away = false;
        let Some(mut origin) = self.origin.clone() else { return Err(Over::Done) };
        let (mut hint, mut inside) = (None, None);
        if let Ok(First::Whole(hello)) = tokio::time::timeout(SILENT, self.first_words()).await {
            let host = hello.name.clone().unwrap_or_else(|| self.host());
            // A client that offers what only its server can agree to (HTTP/2) keeps it where there is a server; nothing is asked of that.
            if hello.alpn.iter().any(|name| self.needs_server(name)) && self.dial(&origin).await.is_ok() {
                return Ok((None, None));
            }
            let Some(chosen) = self.chosen(&hello, &host, origin.port) else {
                let dialled = self.dial(&origin).await;
                return self.or_refuse(dialled).await.map(|()| (None, None));
            };
            self.tls_to_client((&host, hello.takes), None, chosen.as_deref(), None).await?;
            origin.tls = true;
            inside = Some("tls");
            let alpn = chosen.iter().cloned().collect();
            hint = chosen.map(|name| Hint::Alpn(name.into()));
            self.meant = Some((Hello { alpn, ..hello }, host));
        }
        let guess = hint.clone().unwrap_or(Hint::Probe);
        let mut spec = match &hint {
            Some(_) => Ok(self.speaker(&guess).await),
            None => tokio::time::timeout(SILENT, self.speaker(&guess)).await,
        };
        if spec.is_err() {
            // It waits for its server, which is asked for now; if there is none, the client may still come to speak.
            match self.meet(&origin).await {
                Ok(()) => return Ok((hint, inside)),
                Err(_) => spec = Ok(self.speaker(&guess).await),
            }
        }
        let Some((spec, serve)) = spec.ok().flatten().and_then(|s| Some((s, s.middle.filter(|m| m.forward)?))) else {
            let met = self.meet(&origin).await;
            return self.or_refuse(met).await.map(|()| (hint, inside));
        };
        self.conn.proto = Some(spec.name);
        let start = self.start(&Hint::Proto(spec.name), inside);
        let setting = wirelore_kit::middle::Setting { away: Some(origin), ..self.setting(start, Place::Between, true) };
        let becomes = self.drive(Drive::new((serve.new)(&setting), false)).await?;
        Ok((Some(becomes), inside))
    }

    /// Whether a protocol of that name can be judged, but not before its server is there.
    fn needs_server(&self, name: &[u8]) -> bool {
        let table = self.worker.shared.table;
        let spec = reader_of(table, &Hint::Alpn(name.into())).and_then(|i| table.get(i));
        spec.is_some_and(|s| s.middle.is_some_and(|m| m.reopened && !m.forward))
    }

    /// The protocol that a client is answered with whose server is not there: `Some(None)` where it offers none. `None`: it offers nothing
    /// in which we could answer, or is not to be opened.
    fn chosen(&self, hello: &Hello, host: &str, port: u16) -> Option<Option<Vec<u8>>> {
        let shared = &self.worker.shared;
        if shared.passes(host, port) || !shared.authority.covers(host) {
            return None;
        }
        let ours = self.own_protocol(&hello.alpn);
        (ours.is_some() || hello.alpn.is_empty()).then_some(ours)
    }

    /// Connects to where the next messages go, with TLS if that is spoken there; who asks for the same server again has seen that the
    /// connection before is used up.
    ///
    /// # Errors
    /// The refusal to tell the client.
    pub(crate) async fn meet(&mut self, origin: &Origin) -> Result<(), Refusal> {
        self.dial(origin).await?;
        if !origin.tls {
            return Ok(());
        }
        let (hello, host) = self.meant.clone().unwrap_or_else(|| (Hello::of(&origin.host), origin.host.clone()));
        let shaken = self.tls_to_server(&hello, &host).await;
        shaken.map_err(|failure| {
            self.note(words::handshake(&failure, Side::Server));
            words::upstream(&failure)
        })
    }

    async fn or_refuse(&mut self, went: Result<(), Refusal>) -> Result<(), Over> {
        match went {
            Ok(()) => Ok(()),
            Err(refusal) => Err(self.refuse(&refusal).await),
        }
    }
}
