//! Reaching servers through another proxy: CONNECT (RFC 9110 §9.3.6) or SOCKS 5 (RFC 1928), with a user and a password if it asks.

use crate::end::{End, Io};
use crate::mode::split_port;
use crate::socks::read_address;
use std::cell::RefCell;
use std::fmt;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::time::Duration;
use wirelore_ca::pem;
use wirelore_kit::middle::Origin;

/// A proxy upstream has connected by then, or never will.
const PATIENCE: Duration = Duration::from_secs(30);
/// Its answer's head is not longer.
const MOST_HEAD: usize = 16 * 1024;

/// How it is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speech {
    /// CONNECT.
    Http,
    /// CONNECT within TLS.
    Https,
    /// SOCKS 5.
    Socks5,
}

/// A proxy upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// How it is spoken to.
    pub speech: Speech,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who we say we are.
    pub auth: Option<(String, String)>,
}

impl Chain {
    /// Reads `SCHEME://[USER:PASSWORD@]HOST[:PORT]`; schemes are http, https, socks5.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(url: &str) -> Result<Chain, String> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let (speech, default) = match scheme {
            "http" => (Speech::Http, 8080),
            "https" => (Speech::Https, 443),
            "socks5" | "socks5h" | "socks" => (Speech::Socks5, 1080),
            other => return Err(format!("{other} is not known; http, https and socks5 are.")),
        };
        let rest = rest.split('/').next().unwrap_or(rest);
        let (auth, place) = rest.rsplit_once('@').map_or((None, rest), |(auth, place)| (Some(auth), place));
        let (host, port) = split_port(place)?;
        if host.is_empty() {
            return Err("the host is missing.".into());
        }
        let auth = auth.map(|a| a.split_once(':').unwrap_or((a, ""))).map(|(u, p)| (unescaped(u), unescaped(p)));
        Ok(Chain { speech, host: host.to_owned(), port: port.unwrap_or(default), auth })
    }

    /// Asks it to connect to `to`.
    ///
    /// # Errors
    /// What it said, in a sentence.
    pub(crate) async fn ask(&self, io: &RefCell<Io>, end: &mut End, to: &Origin) -> Result<(), String> {
        let asked = async {
            match self.speech {
                Speech::Http | Speech::Https => self.connect(io, end, to).await,
                Speech::Socks5 => self.socks(io, end, 1, to).await.map(|_| ()),
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| Err("It did not answer within 30 seconds.".into()))
    }

    async fn connect(&self, io: &RefCell<Io>, end: &mut End, to: &Origin) -> Result<(), String> {
        let host = if to.host.contains(':') { format!("[{}]", to.host) } else { to.host.clone() };
        let mut request = format!("CONNECT {host}:{} HTTP/1.1\r\nHost: {host}:{}\r\n", to.port, to.port);
        if let Some((user, password)) = &self.auth {
            let token = pem::base64(format!("{user}:{password}").as_bytes());
            request.push_str(&format!("Proxy-Authorization: Basic {token}\r\n"));
        }
        request.push_str("\r\n");
        say(io, end, request.as_bytes()).await?;
        let head = loop {
            if let Some(at) = end.ahead.windows(4).position(|w| w == b"\r\n\r\n") {
                let rest = end.ahead.split_off(at.saturating_add(4));
                break std::mem::replace(&mut end.ahead, rest);
            }
            if end.ahead.len() > MOST_HEAD {
                return Err("It did not answer as an HTTP proxy does.".into());
            }
            hear(io, end).await?;
        };
        let line = String::from_utf8_lossy(head.split(|b| *b == b'\r').next().unwrap_or_default()).into_owned();
        if line.split(' ').nth(1).is_some_and(|status| status.starts_with('2')) {
            return Ok(());
        }
        Err(format!("It answered CONNECT with: {line}."))
    }

    /// Asks it to carry datagrams. Where it takes them comes back.
    ///
    /// # Errors
    /// What it said, in a sentence.
    pub(crate) async fn associate(&self, io: &RefCell<Io>, end: &mut End) -> Result<SocketAddr, String> {
        if self.speech != Speech::Socks5 {
            return Err("Only SOCKS 5 carries datagrams.".into());
        }
        // From which port they will come is not known yet: none is said.
        let anywhere = Origin { host: "0.0.0.0".into(), port: 0, tls: false };
        let asked = tokio::time::timeout(PATIENCE, self.socks(io, end, 3, &anywhere)).await;
        let (host, port) = asked.unwrap_or_else(|_| Err("It did not answer within 30 seconds.".into()))?;
        let ip = host.parse().map_err(|_| format!("It takes datagrams at {host}, which is no address."))?;
        Ok(SocketAddr::new(ip, port))
    }

    /// Says who we are and what is to be done: `command` 1 CONNECT, 3 UDP ASSOCIATE. Its own address for that comes back.
    async fn socks(&self, io: &RefCell<Io>, end: &mut End, command: u8, to: &Origin) -> Result<(String, u16), String> {
        say(io, end, if self.auth.is_some() { &[5, 2, 0, 2] } else { &[5, 1, 0] }).await?;
        match (take(io, end, 2).await?.as_slice(), &self.auth) {
            ([5, 0], _) => {}
            ([5, 2], Some((user, password))) => {
                let mut asked = vec![1];
                for text in [user, password] {
                    let len = u8::try_from(text.len()).map_err(|_| "SOCKS takes no user or password longer than 255 bytes.")?;
                    asked.push(len);
                    asked.extend_from_slice(text.as_bytes());
                }
                say(io, end, &asked).await?;
                if take(io, end, 2).await?.get(1) != Some(&0) {
                    return Err("It did not take our user and password.".into());
                }
            }
            ([5, _], _) => return Err("It asks for a user and a password in a way that we do not have.".into()),
            _ => return Err("It does not speak SOCKS 5.".into()),
        }
        let mut asked = vec![5, command, 0];
        match to.host.parse() {
            Ok(std::net::IpAddr::V4(ip)) => {
                asked.push(1);
                asked.extend(ip.octets());
            }
            Ok(std::net::IpAddr::V6(ip)) => {
                asked.push(4);
                asked.extend(ip.octets());
            }
            Err(_) => {
                asked.push(3);
                asked.push(u8::try_from(to.host.len()).map_err(|_| "SOCKS takes no name longer than 255 bytes.")?);
                asked.extend_from_slice(to.host.as_bytes());
            }
        }
        asked.extend(to.port.to_be_bytes());
        say(io, end, &asked).await?;
        let head = take(io, end, 5).await?;
        let (code, kind, first) = match head.as_slice() {
            [5, code, _, kind, first] => (*code, *kind, *first),
            _ => return Err("It does not speak SOCKS 5.".into()),
        };
        // Its own address follows; a byte of it was taken.
        let rest = match kind {
            1 => 3,
            4 => 15,
            _ => usize::from(first),
        };
        let rest = take(io, end, rest.saturating_add(2)).await?;
        let why = match code {
            0 => {
                let (host, port, _) = read_address(&[&[kind, first], &rest[..]].concat()).unwrap_or_default();
                return Ok((host, port));
            }
            2 => "does not allow it",
            3 => "finds no way to that network",
            4 => "cannot reach that host",
            5 => "was refused by the server",
            6 => "had no answer in time",
            _ => "failed",
        };
        Err(format!("It {why} (SOCKS reply {code})."))
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.speech {
            Speech::Http => "http",
            Speech::Https => "https",
            Speech::Socks5 => "socks5",
        };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        // No password: this is printed and recorded.
        write!(f, "{scheme}://{host}:{}", self.port)
    }
}

/// Percent signs of a URL undone (RFC 3986 §2.1).
fn unescaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, more @ ..] = rest {
        let code = more.get(..2).and_then(|h| std::str::from_utf8(h).ok()).and_then(|h| u8::from_str_radix(h, 16).ok());
        match (first, code) {
            (b'%', Some(byte)) => {
                out.push(byte);
                rest = more.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

async fn say(io: &RefCell<Io>, end: &mut End, bytes: &[u8]) -> Result<(), String> {
    let mut put = false;
    let went = poll_fn(|cx| {
        let io = &mut *io.borrow_mut();
        io.tick();
        if !put {
            put = true;
            end.put(bytes, &mut io.rest)?;
        }
        end.poll_flush(cx, &mut io.rest)
    });
    went.await.map_err(|_| "It broke off.".to_owned())
}

async fn hear(io: &RefCell<Io>, end: &mut End) -> Result<(), String> {
    let went = poll_fn(|cx| {
        let io = &mut *io.borrow_mut();
        io.tick();
        let mut ahead = std::mem::take(&mut end.ahead);
        let came = end.poll_read(cx, io, &mut |p, _| ahead.extend_from_slice(p));
        end.ahead = ahead;
        came.map_ok(|_| ())
    });
    went.await.map_err(|_| "It broke off.".to_owned())?;
    if end.gone.is_some() { Err("It closed the connection.".into()) } else { Ok(()) }
}

async fn take(io: &RefCell<Io>, end: &mut End, n: usize) -> Result<Vec<u8>, String> {
    while end.ahead.len() < n {
        hear(io, end).await?;
    }
    let rest = end.ahead.split_off(n);
    Ok(std::mem::replace(&mut end.ahead, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_proxy_with_its_user() {
        let chain = Chain::parse("socks5://me:p%40ss@[::1]:9050").expect("read");
        assert_eq!((chain.speech, chain.host.as_str(), chain.port), (Speech::Socks5, "::1", 9050));
        assert_eq!(chain.auth, Some(("me".into(), "p@ss".into())));
        assert_eq!(chain.to_string(), "socks5://[::1]:9050");
        assert!(Chain::parse("gopher://x").is_err());
    }
}
