//! SOCKS 5's UDP ASSOCIATE (RFC 1928 §7): a client's datagrams, each with the server's address before it, for as long as its connection stands.

use crate::chain::Speech;
use crate::course::Course;
use crate::datagrams::{Back, Inbox, Session, receive};
use crate::end::now;
use crate::mode::Mode;
use crate::socks::{address, read_address, reply};
use bytes::Bytes;
use std::cell::RefCell;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;
use tokio::net::UdpSocket;
use wirelore_kit::Hint;
use wirelore_kit::middle::Origin;
use wirelore_record::{Datagrams, Kind, Leg, Note, Side};

/// Servers of one client at once.
const MOST_SERVERS: usize = 1024;

/// What stands before a datagram: two bytes reserved, no fragment, and the address.
fn head(server: SocketAddr) -> Vec<u8> {
    [&[0, 0, 0][..], &address(server)].concat()
}

/// A client's datagrams.
struct Association {
    socket: Rc<UdpSocket>,
    ours: SocketAddr,
    /// The client, once its first datagram came.
    client: Option<(SocketAddr, Rc<RefCell<Datagrams>>)>,
    servers: HashMap<(String, u16), Inbox>,
}

impl Course {
    /// Takes a client's datagrams until its connection ends. `port` is where it says that they will come from; 0: it does not say.
    pub(crate) async fn associate(&mut self, port: u16) {
        let here = self.client.socket().local_addr().unwrap_or(self.peer);
        if let Mode::Upstream(chain) = self.worker.shared.mode(self.listener)
            && chain.speech != Speech::Socks5
        {
            let why = format!("What is sent goes through {chain}, and only SOCKS 5 carries datagrams.");
            self.note(Note { why: &why, ..Note::new(Kind::Refused, "A SOCKS client's datagrams are not carried.") });
            self.answer5(reply::NO_COMMAND, None).await;
            return;
        }
        let opened = match UdpSocket::bind((here.ip(), 0)).await {
            Ok(socket) => socket.local_addr().map(|ours| (socket, ours)),
            Err(e) => Err(e),
        };
        let (socket, ours) = match opened {
            Ok(opened) => opened,
            Err(e) => {
                let why = format!("No socket for them could be opened: {e}.");
                self.note(Note { why: &why, ..Note::new(Kind::Refused, "A SOCKS client's datagrams are not carried.") });
                self.answer5(reply::FAILED, None).await;
                return;
            }
        };
        if self.answer5(reply::DONE, Some(ours)).await.is_none() {
            return;
        }
        let socket = Rc::new(socket);
        let mut all = Association { socket: Rc::clone(&socket), ours, client: None, servers: HashMap::new() };
        while self.client.gone.is_none() {
            tokio::select! {
                () = self.read_client() => self.client.ahead.clear(),
                came = receive(&socket) => {
                    if let Ok((datagram, from)) = came
                        && from.ip().to_canonical() == self.peer.ip().to_canonical()
                        && (port == 0 || from.port() == port)
                    {
                        self.pass(&mut all, from, datagram);
                    }
                }
            }
        }
    }

    /// A datagram of the client, for the server that it names.
    fn pass(&self, all: &mut Association, from: SocketAddr, datagram: Bytes) {
        let shared = &self.worker.shared;
        let (client, leg) = all.client.get_or_insert_with(|| {
            let (listener, tie) = (shared.listener_number(self.listener), shared.counts.next());
            let leg = Leg { side: Side::Client, client: from, server: all.ours, listener, tie, time: now(), host: "" };
            let mut io = self.worker.io.borrow_mut();
            let mut leg = io.rest.lane.open_datagrams(leg);
            let said = format!("Asked for on connection {}.", self.tie);
            io.rest.lane.note_datagrams(&mut leg, Note::new(Kind::Told, &said), now());
            (from, Rc::new(RefCell::new(leg)))
        });
        if *client != from {
            // Somebody else on the same machine.
            return;
        }
        let lost = |why: &str| {
            let mut io = self.worker.io.borrow_mut();
            let note = Note { why, ..Note::new(Kind::Refused, "A datagram was not passed on.") };
            io.rest.lane.note_datagrams(&mut leg.borrow_mut(), note, now());
        };
        let to = match datagram.get(..3) {
            Some([_, _, 0]) => read_address(datagram.get(3..).unwrap_or_default()),
            Some(_) => {
                lost("It is a fragment of SOCKS, which is not put together here.");
                None
            }
            None => None,
        };
        self.worker.io.borrow_mut().rest.lane.datagram(&mut leg.borrow_mut(), true, &datagram, now());
        let Some((host, port, len)) = to else { return };
        let mut payload = datagram.slice(len.saturating_add(3).min(datagram.len())..);
        let key = (host, port);
        if let Some(inbox) = all.servers.get(&key) {
            match inbox.give(payload) {
                None => return,
                Some(back) => payload = back,
            }
        }
        if all.servers.len() >= MOST_SERVERS {
            all.servers.retain(|_, inbox| !inbox.is_over());
        }
        if all.servers.len() >= MOST_SERVERS {
            return lost("This client talks with too many servers at once.");
        }
        let back = Back { socket: Rc::clone(&all.socket), client: from, leg: Rc::clone(leg), head, listener: self.listener };
        let origin = Origin { host: key.0.clone(), port, tls: false };
        // Its own number: the client's side has the addresses before its datagrams, so that only the server's side is plain to read.
        let inbox = Session::begin(Rc::clone(&self.worker), back, shared.counts.next(), origin, Hint::Probe);
        let _ = inbox.give(payload);
        all.servers.insert(key, inbox);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_written() {
        for text in ["192.0.2.1:53", "[2001:db8::1]:443"] {
            let at: SocketAddr = text.parse().expect("an address");
            let written = head(at);
            assert_eq!(read_address(&written[3..]), Some((at.ip().to_string(), at.port(), written.len() - 3)));
        }
        assert_eq!(read_address(b"\x03\x01a\0\x35rest"), Some(("a".into(), 53, 5)));
        for cut in [&b""[..], b"\x01\x01", b"\x03\x05ab", b"\x09\0\0\0\0\0\0"] {
            assert_eq!(read_address(cut), None);
        }
    }
}
