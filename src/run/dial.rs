//! Connections to the world on behalf of the program: directly, or through our own proxy, which is asked as a SOCKS server (RFC 1928).

use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr};

/// A connection on its way.
#[derive(Debug)]
pub struct Dialling {
    socket: Socket,
    /// What the proxy is still to be asked, if it is one.
    asked: Option<Asked>,
    connected: bool,
}

#[derive(Debug)]
struct Asked {
    request: Vec<u8>,
    answer: Vec<u8>,
}

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undialled {
    /// It was refused by the one who was meant.
    Refused,
    /// Nobody answered, or there is no way.
    Unreachable,
}

impl Undialled {
    fn of(e: &io::Error) -> Undialled {
        if e.kind() == ErrorKind::ConnectionRefused { Undialled::Refused } else { Undialled::Unreachable }
    }
}

/// How far a dialling is.
#[derive(Debug)]
pub enum Went {
    /// Not through yet: see [`Dialling::writes`].
    On(Dialling),
    /// Connected; what comes from the socket is the other side's.
    Done(Socket),
    /// In vain.
    Failed(Undialled),
}

impl Dialling {
    /// Begins. Through `proxy`, if there is one.
    ///
    /// # Errors
    /// Where the system has no sockets left, or no way.
    pub fn start(to: SocketAddr, proxy: Option<SocketAddr>) -> Result<Dialling, Undialled> {
        let at = proxy.unwrap_or(to);
        let begin = || {
            let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
            socket.set_nonblocking(true)?;
            socket.set_tcp_nodelay(true)?;
            match socket.connect(&at.into()) {
                Err(e) if e.kind() == ErrorKind::WouldBlock || e.raw_os_error() == Some(nix::libc::EINPROGRESS) => Ok(socket),
                Err(e) => Err(e),
                Ok(()) => Ok(socket),
            }
        };
        let socket = begin().map_err(|e| Undialled::of(&e))?;
        let asked = proxy.map(|_| Asked { request: request(to), answer: Vec::new() });
        Ok(Dialling { socket, asked, connected: false })
    }

    /// The socket, to wait for.
    #[must_use]
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Whether it is to be waited for until it can be written to.
    #[must_use]
    pub fn writes(&self) -> bool {
        !self.connected || self.asked.as_ref().is_some_and(|a| !a.request.is_empty())
    }

    /// Goes on as far as it goes now that the socket is ready.
    #[must_use]
    pub fn step(mut self) -> Went {
        match self.try_step() {
            Ok(true) => Went::Done(self.socket),
            Ok(false) => Went::On(self),
            Err(e) => Went::Failed(e),
        }
    }

    fn try_step(&mut self) -> Result<bool, Undialled> {
        if !self.connected {
            if let Some(e) = self.socket.take_error().ok().flatten() {
                return Err(Undialled::of(&e));
            }
            match self.socket.peer_addr() {
                Ok(_) => self.connected = true,
                // It was woken before its time.
                Err(e) if e.kind() == ErrorKind::NotConnected => return Ok(false),
                Err(e) => return Err(Undialled::of(&e)),
            }
        }
        let Some(asked) = &mut self.asked else { return Ok(true) };
        while !asked.request.is_empty() {
            match (&self.socket).write(&asked.request) {
                Ok(n) => drop(asked.request.drain(..n)),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(e) => return Err(Undialled::of(&e)),
            }
        }
        loop {
            let missing = missing(&asked.answer)?;
            if missing == 0 {
                return Ok(true);
            }
            // Not a byte more than the answer: what follows is the other side's.
            let mut buffer = [0; 32];
            let room = buffer.get_mut(..missing.min(32)).unwrap_or_default();
            match (&self.socket).read(room) {
                Ok(0) => return Err(Undialled::Unreachable),
                Ok(n) => asked.answer.extend_from_slice(room.get(..n).unwrap_or_default()),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(e) => return Err(Undialled::of(&e)),
            }
        }
    }
}

/// A greeting that offers no password, and the request to connect.
fn request(to: SocketAddr) -> Vec<u8> {
    let mut all = vec![5, 1, 0, 5, 1, 0];
    match to.ip() {
        IpAddr::V4(ip) => {
            all.push(1);
            all.extend_from_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            all.push(4);
            all.extend_from_slice(&ip.octets());
        }
    }
    all.extend_from_slice(&to.port().to_be_bytes());
    all
}

/// Bytes that are missing for the whole answer (of the greeting, then of the request), as far as it can be known.
fn missing(answer: &[u8]) -> Result<usize, Undialled> {
    if answer.get(1).is_some_and(|method| *method != 0) {
        return Err(Undialled::Unreachable);
    }
    match answer.get(3) {
        // Codes of RFC 1928, section 6.
        None | Some(0) => {}
        Some(5) => return Err(Undialled::Refused),
        Some(_) => return Err(Undialled::Unreachable),
    }
    let whole = match answer.get(5) {
        None => 6,
        Some(4) => 2 + 4 + 16 + 2,
        Some(_) => 2 + 4 + 4 + 2,
    };
    Ok(whole - answer.len().min(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_to_its_last_byte_and_not_beyond() {
        let whole = [5, 0, 5, 0, 0, 1, 127, 0, 0, 1, 0, 80];
        let mut have = 0;
        while let Ok(n @ 1..) = missing(&whole[..have]) {
            have += n;
        }
        assert_eq!(have, whole.len());
        assert_eq!(missing(&[5, 0, 5, 5]), Err(Undialled::Refused));
        assert_eq!(missing(&[5, 0, 5, 4]), Err(Undialled::Unreachable));
        assert_eq!(missing(&[5, 0xff]), Err(Undialled::Unreachable));
    }
}
