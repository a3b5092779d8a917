//! Connecting to a server by its name: every address of it is tried, the next one soon after the last (RFC 8305).

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// After so long without an answer the next address is tried as well (RFC 8305 §8).
const NEXT: Duration = Duration::from_millis(250);
/// No address answered for so long: it is given up.
const PATIENCE: Duration = Duration::from_secs(15);
/// A name's addresses are asked for again after so long.
const KEPT: Duration = Duration::from_secs(5);
/// Names kept.
const NAMES: usize = 1024;
/// Addresses of one name tried at most.
const ADDRESSES: usize = 12;

/// Why there is no connection.
#[derive(Debug)]
pub enum Undialled {
    /// The name has no address.
    Name(io::Error),
    /// No address took the connection: the last one tried and what it said.
    Refused(SocketAddr, io::Error),
    /// Nobody answered in time.
    Silent,
}

/// Addresses of names, for a few seconds.
#[derive(Debug, Default)]
pub struct Names(RefCell<HashMap<String, Found>>);

/// When a name was asked for, and its addresses.
type Found = (Instant, Rc<[IpAddr]>);

impl Names {
    /// The addresses of a host, the two families in turns.
    ///
    /// # Errors
    /// [`Undialled::Name`].
    pub async fn of(&self, host: &str) -> Result<Rc<[IpAddr]>, Undialled> {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(Rc::from([ip]));
        }
        if let Some((when, found)) = self.0.borrow().get(host)
            && when.elapsed() < KEPT
        {
            return Ok(Rc::clone(found));
        }
        let found: Vec<IpAddr> = tokio::net::lookup_host((host, 0)).await.map_err(Undialled::Name)?.map(|a| a.ip()).collect();
        if found.is_empty() {
            return Err(Undialled::Name(io::Error::new(io::ErrorKind::NotFound, "it has no address")));
        }
        let found: Rc<[IpAddr]> = interleaved(&found).into();
        let mut names = self.0.borrow_mut();
        if names.len() >= NAMES {
            names.clear();
        }
        names.insert(host.to_owned(), (Instant::now(), Rc::clone(&found)));
        Ok(found)
    }
}

/// The two families in turns, beginning with the first one's, none twice.
fn interleaved(found: &[IpAddr]) -> Vec<IpAddr> {
    let first = found.first().is_some_and(IpAddr::is_ipv6);
    let (a, b): (Vec<&IpAddr>, Vec<&IpAddr>) = found.iter().partition(|ip| ip.is_ipv6() == first);
    let mut out: Vec<IpAddr> = Vec::new();
    for i in 0..a.len().max(b.len()) {
        for ip in [a.get(i), b.get(i)].into_iter().flatten() {
            if !out.contains(ip) {
                out.push(**ip);
            }
        }
    }
    out.truncate(ADDRESSES);
    out
}

/// Connects.
///
/// # Errors
/// Which step failed.
pub async fn dial(names: &Names, host: &str, port: u16) -> Result<TcpStream, Undialled> {
    let addresses = match tokio::time::timeout(PATIENCE, names.of(host)).await {
        Ok(found) => found?,
        Err(_) => return Err(Undialled::Silent),
    };
    let at = |ip: &IpAddr| SocketAddr::new(*ip, port);
    if let [only] = &*addresses {
        return connect(at(only)).await;
    }
    tokio::time::timeout(PATIENCE, any(addresses.iter().map(at))).await.unwrap_or(Err(Undialled::Silent))
}

/// Connects to one address.
///
/// # Errors
/// It refused, or did not answer in time.
pub async fn connect(address: SocketAddr) -> Result<TcpStream, Undialled> {
    match tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await {
        Ok(Ok(tcp)) => {
            // A socket that cannot be made quick is still a connection.
            let _ = tcp.set_nodelay(true);
            Ok(tcp)
        }
        Ok(Err(e)) => Err(Undialled::Refused(address, e)),
        Err(_) => Err(Undialled::Silent),
    }
}

async fn any(mut addresses: impl Iterator<Item = SocketAddr>) -> Result<TcpStream, Undialled> {
    let mut tries: JoinSet<Result<TcpStream, Undialled>> = JoinSet::new();
    let mut last = Undialled::Silent;
    loop {
        if let Some(address) = addresses.next() {
            tries.spawn(connect(address));
            match tokio::time::timeout(NEXT, tries.join_next()).await {
                Ok(Some(Ok(Ok(tcp)))) => return Ok(tcp),
                Ok(Some(Ok(Err(e)))) => last = e,
                _ => {}
            }
        } else {
            match tries.join_next().await {
                Some(Ok(Ok(tcp))) => return Ok(tcp),
                Some(Ok(Err(e))) => last = e,
                Some(Err(_)) => {}
                None => return Err(last),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns() {
        let ip = |s: &str| s.parse::<IpAddr>().expect("an address");
        let found = [ip("::1"), ip("::2"), ip("::2"), ip("10.0.0.1"), ip("::3")];
        assert_eq!(interleaved(&found), [ip("::1"), ip("10.0.0.1"), ip("::2"), ip("::3")]);
    }
}
