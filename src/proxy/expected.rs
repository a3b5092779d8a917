//! Connections that two sides have agreed on over another one (FTP's data): we listen where one of them will come, and connect to the other.

use crate::copy::Over;
use crate::course::Course;
use crate::dial::connect;
use crate::end::{End, now};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use wirelore_gate::Conn;
use wirelore_kit::middle::Agreed;
use wirelore_kit::{Dir, Hint};
use wirelore_record::{Kind, Leg, Note, Side};

/// Whoever was announced must have come by then.
const PATIENCE: Duration = Duration::from_secs(120);

impl Course {
    /// Listens for a connection that was agreed on, on our own address of the leg from which it will come.
    ///
    /// # Errors
    /// Why that cannot be, for the protocol to tell.
    pub(crate) async fn expect(&mut self, agreed: &Agreed) -> Result<SocketAddr, String> {
        let server = self.server.as_ref().ok_or("there is no server")?;
        let text = |e: io::Error| e.to_string();
        let (comes, waits) = match agreed.opened {
            Dir::ToServer => (self.client.socket(), server.socket()),
            Dir::ToClient => (server.socket(), self.client.socket()),
        };
        let ours = comes.local_addr().map_err(text)?.ip();
        let from = comes.peer_addr().map_err(text)?.ip();
        let to = SocketAddr::new(agreed.host.unwrap_or(waits.peer_addr().map_err(text)?.ip()), agreed.port);
        // A client that waits for its server's connection takes what the server says meanwhile for a failure: it must stand before any of
        // that goes through.
        let beyond = match agreed.opened {
            Dir::ToServer => None,
            Dir::ToClient => Some(connect(to).await.map_err(|e| format!("connecting to {to} failed: {e:?}"))?),
        };
        let listener = TcpListener::bind((ours, 0)).await.map_err(text)?;
        let at = listener.local_addr().map_err(text)?;
        let data = Data {
            worker: Rc::clone(&self.worker),
            listener_number: self.listener,
            origin: self.origin.clone(),
            control: self.tie,
            opened: agreed.opened,
            to,
            beyond,
            hint: agreed.hint.clone(),
            tls: agreed.tls,
        };
        let waiting = tokio::task::spawn_local(async move {
            if let Ok(Some((tcp, peer))) = tokio::time::timeout(PATIENCE, accept_from(listener, from)).await {
                tokio::task::spawn_local(data.run(tcp, peer));
            }
        });
        // The newest announcement counts: one that nobody has followed yet is taken back.
        if let Some(last) = self.expecting.replace(waiting.abort_handle()) {
            last.abort();
        }
        Ok(at)
    }
}

/// A connection that will come.
struct Data {
    worker: Rc<crate::worker::Worker>,
    listener_number: usize,
    origin: Option<wirelore_kit::middle::Origin>,
    control: u64,
    opened: Dir,
    to: SocketAddr,
    /// The connection to there, where it was made already.
    beyond: Option<TcpStream>,
    hint: Hint,
    tls: bool,
}

impl Data {
    async fn run(mut self, tcp: TcpStream, peer: SocketAddr) {
        let tie = self.worker.shared.counts.next();
        let said = format!("Announced on connection {}.", self.control);
        let beyond = match self.beyond.take() {
            Some(to) => Ok(to),
            None => connect(self.to).await,
        };
        let to = match beyond {
            Ok(to) => to,
            Err(e) => {
                let why = format!("Connecting to {} failed: {e:?}.", self.to);
                let mut io = self.worker.io.borrow_mut();
                let note = Note { why: &why, ..Note::new(Kind::Refused, "The data connection has no other end.") };
                io.rest.lane.note(self.control, note, now());
                return;
            }
        };
        let (came, went) = match self.opened {
            Dir::ToServer => (Side::Client, Side::Server),
            Dir::ToClient => (Side::Server, Side::Client),
        };
        let ours = |tcp: &TcpStream| tcp.local_addr().unwrap_or(peer);
        let number = self.worker.shared.listener_number(self.listener_number);
        let (first, second) = {
            let mut io = self.worker.io.borrow_mut();
            io.tick();
            let time = io.rest.now;
            let lane = &mut io.rest.lane;
            let leg = |side, client, server| Leg { side, client, server, listener: number, tie, time, host: "" };
            let first = lane.open(leg(came, peer, ours(&tcp)));
            let second = lane.open(leg(went, ours(&to), self.to));
            lane.note(tie, Note::new(Kind::Told, &said), time);
            (first, second)
        };
        let ends = (End::opened(tcp, true, first), End::opened(to, false, second));
        let (client, server) = match self.opened {
            Dir::ToServer => ends,
            Dir::ToClient => (ends.1, ends.0),
        };
        self.worker.shared.counts.opened();
        self.worker.load.more();
        let client_at = client.socket().peer_addr().unwrap_or(peer);
        let mut conn = Conn::new(tie, client_at);
        conn.server_address = server.socket().peer_addr().ok();
        conn.server = self.origin.clone();
        let hint = match (self.tls, self.hint) {
            (true, Hint::Proto(inner)) => Hint::Over { outer: "tls", inner },
            (_, hint) => hint,
        };
        let mut course = Course {
            worker: self.worker,
            client,
            server: Some(server),
            origin: self.origin,
            tie,
            listener: self.listener_number,
            peer: client_at,
            conn,
            undialled: None,
            expecting: None,
            own_host: None,
            away: false,
            meant: None,
            greeted: 0,
        };
        let over: Over = course.between(hint).await;
        course.settle(over);
    }
}

/// The first connection from where it must come.
async fn accept_from(listener: TcpListener, from: IpAddr) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let (tcp, peer) = listener.accept().await.ok()?;
        if peer.ip().to_canonical() == from.to_canonical() {
            let _ = tcp.set_nodelay(true);
            return Some((tcp, peer));
        }
    }
}
