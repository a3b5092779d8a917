//! What the gate knows of a connection when it judges what passes there.

use crate::memory::Memory;
use std::net::SocketAddr;
use std::sync::Arc;
use wirelore_kit::middle::Origin;

/// A connection, from a client through us to a server. Whoever relays it keeps one and fills in what becomes known; when the last clone is
/// gone, so is the connection, and messages of it that were held are let go.
#[derive(Debug, Clone)]
pub struct Conn {
    /// Counts the connections; both legs share it.
    pub number: u64,
    /// The client's address.
    pub client: SocketAddr,
    /// Where we were connected to.
    pub server_address: Option<SocketAddr>,
    /// The server that the client means, as it named it. `None`: not known yet, or each message names its own (a client speaking to us as
    /// to a proxy).
    pub server: Option<Origin>,
    /// Name of the Spec of the protocol whose messages will be judged, once it is known.
    pub proto: Option<&'static str>,
    /// What was asked here, for judging answers.
    pub(crate) memory: Arc<Memory>,
}

impl Conn {
    /// A connection of which only the client is known.
    #[must_use]
    pub fn new(number: u64, client: SocketAddr) -> Conn {
        Conn { number, client, server_address: None, server: None, proto: None, memory: Arc::default() }
    }

    /// Its two ends, in words.
    pub(crate) fn between(&self) -> String {
        let named = self.server.as_ref().map(|o| format!("{}:{}", o.host, o.port));
        let server = named.or_else(|| self.server_address.map(|a| a.to_string()));
        server.map_or_else(|| self.client.to_string(), |s| format!("{} - {s}", self.client))
    }
}
