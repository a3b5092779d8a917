//! Modes of listeners, as mitmproxy writes them: `MODE[:DATA][@[HOST:]PORT]`.

use crate::chain::Chain;
use std::fmt;
use wirelore_kit::Hint;

/// What a listener does with who comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mode {
    /// A proxy that clients are told to use: HTTP, CONNECT, SOCKS, TLS to us, found out by the first byte.
    Regular,
    /// Stands for one server.
    Reverse(Target),
    /// As regular, and reaches servers through another proxy.
    Upstream(Chain),
    /// Clients are led here by rules of the system (REDIRECT, TPROXY) and know nothing of it.
    Transparent,
}

/// A server that a reverse listener stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its scheme as it was given.
    pub scheme: Scheme,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// TLS is spoken to it, whatever the client speaks.
    pub tls: bool,
}

/// What a reverse listener expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// HTTP, or what it upgrades to.
    Http,
    /// The same in TLS.
    Https,
    /// Any bytes.
    Tcp,
    /// Any bytes in TLS.
    Tls,
    /// FTP's control connection.
    Ftp,
    /// Mail.
    Smtp,
    /// Mailboxes.
    Imap,
    /// Mailboxes, the older way.
    Pop3,
    /// PostgreSQL.
    Postgresql,
    /// DNS over UDP and TCP.
    Dns,
    /// Any datagrams.
    Udp,
}

impl Scheme {
    /// What is spoken, where it need not be found out: servers whose greeting tells little, at ports that tell nothing.
    #[must_use]
    pub const fn speaks(self) -> Hint {
        match self {
            Scheme::Ftp => Hint::Proto("ftp"),
            Scheme::Smtp => Hint::Proto("smtp"),
            Scheme::Imap => Hint::Proto("imap"),
            Scheme::Pop3 => Hint::Proto("pop"),
            Scheme::Postgresql => Hint::Proto("pgsql"),
            Scheme::Dns => Hint::Proto("dns"),
            Scheme::Http | Scheme::Https | Scheme::Tcp | Scheme::Tls | Scheme::Udp => Hint::Probe,
        }
    }

    /// Whether connections are taken up, and datagrams.
    #[must_use]
    pub const fn transports(self) -> (bool, bool) {
        match self {
            Scheme::Dns => (true, true),
            Scheme::Udp => (false, true),
            _ => (true, false),
        }
    }
}

const SCHEMES: [(&str, Scheme, u16, bool); 16] = [
    ("http", Scheme::Http, 80, false),
    ("https", Scheme::Https, 443, true),
    ("h2", Scheme::Https, 443, true),
    ("h2c", Scheme::Http, 80, false),
    ("ws", Scheme::Http, 80, false),
    ("wss", Scheme::Https, 443, true),
    ("tcp", Scheme::Tcp, 0, false),
    ("tls", Scheme::Tls, 443, true),
    ("ftp", Scheme::Ftp, 21, false),
    ("smtp", Scheme::Smtp, 25, false),
    ("imap", Scheme::Imap, 143, false),
    ("pop3", Scheme::Pop3, 110, false),
    ("postgresql", Scheme::Postgresql, 5432, false),
    ("dns", Scheme::Dns, 53, false),
    ("udp", Scheme::Udp, 0, false),
    ("ftps", Scheme::Tls, 990, true),
];

/// A mode and where it listens, as far as that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listen {
    /// What it does.
    pub mode: Mode,
    /// On which address; the default one where none is said.
    pub host: Option<String>,
    /// On which port; the default one where none is said.
    pub port: Option<u16>,
}

/// Why a mode cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong(pub String);

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

impl Listen {
    /// Reads `MODE[:DATA][@[HOST:]PORT]`.
    ///
    /// # Errors
    /// What is wrong with it and what is right.
    pub fn parse(text: &str) -> Result<Listen, Wrong> {
        let wrong = |why: &str| Wrong(format!("--mode {text}: {why}"));
        // The last @ may belong to user:password@host of the data: what follows must be a place to listen at.
        let (spec, place) = match text.rsplit_once('@').filter(|(spec, _)| !names_a_user(spec)) {
            Some((spec, place)) if !spec.ends_with('/') && is_place(place) => (spec, Some(place)),
            _ => (text, None),
        };
        let (host, port) = match place.map(|p| p.rsplit_once(':').map_or((None, p), |(h, p)| (Some(h), p))) {
            None => (None, None),
            Some((host, port)) => {
                let port = port.parse().map_err(|_| wrong(&format!("{port} is no port (0 to 65535).")))?;
                (host.map(|h| h.trim_start_matches('[').trim_end_matches(']').to_owned()), Some(port))
            }
        };
        let (name, data) = spec.split_once(':').map_or((spec, None), |(n, d)| (n, Some(d)));
        let mode = match (name, data) {
            ("regular" | "http" | "socks5" | "socks", None) => Mode::Regular,
            ("reverse", Some(url)) => Mode::Reverse(Target::parse(url).map_err(|e| wrong(&e))?),
            ("upstream", Some(url)) => Mode::Upstream(Chain::parse(url).map_err(|e| wrong(&e))?),
            ("upstream", None) => return Err(wrong("say which proxy: upstream:http://proxy.example:3128.")),
            ("transparent", None) => Mode::Transparent,
            ("reverse", None) => return Err(wrong("say for whom: reverse:https://example.org.")),
            ("regular" | "socks5" | "transparent", Some(_)) => return Err(wrong("this mode takes nothing behind a colon.")),
            _ => return Err(wrong("it is not known; regular, socks5, reverse:URL, upstream:URL and transparent are.")),
        };
        Ok(Listen { mode, host, port })
    }
}

/// Whether an @ behind `spec` would end a user and password: then what follows is a proxy's host.
fn names_a_user(spec: &str) -> bool {
    let inside = spec.strip_prefix("upstream:").and_then(|url| url.split_once("://"));
    inside.is_some_and(|(_, rest)| {
        // user:password has no port's number behind its colon, or there is another @ before it.
        !rest.contains('@') && rest.split_once(':').is_some_and(|(_, p)| !p.bytes().all(|b| b.is_ascii_digit()))
    })
}

fn is_place(text: &str) -> bool {
    let port = text.rsplit_once(':').map_or(text, |(_, p)| p);
    !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit())
}

impl Target {
    /// Reads `SCHEME://HOST[:PORT]`; without a scheme it is https.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(url: &str) -> Result<Target, String> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
        let Some((_, kind, default, tls)) = SCHEMES.iter().copied().find(|(name, ..)| name.eq_ignore_ascii_case(scheme)) else {
            let known: Vec<&str> = SCHEMES.iter().map(|s| s.0).collect();
            return Err(format!("{scheme} is not known; these are: {}.", known.join(", ")));
        };
        let rest = rest.split(['/', '?', '#']).next().unwrap_or(rest);
        let (host, port) = split_port(rest)?;
        if host.is_empty() {
            return Err("the host is missing.".into());
        }
        let port = match port {
            Some(port) => port,
            None if default == 0 => return Err("the port is missing.".into()),
            None => default,
        };
        Ok(Target { scheme: kind, host: host.to_owned(), port, tls })
    }
}

/// Takes `HOST[:PORT]` apart; an IPv6 address stands in brackets if a port follows.
///
/// # Errors
/// What is wrong with the port.
pub fn split_port(text: &str) -> Result<(&str, Option<u16>), String> {
    let port = |p: &str| p.parse::<u16>().map(Some).map_err(|_| format!("{p} is no port (0 to 65535)."));
    if let Some((host, rest)) = text.strip_prefix('[').and_then(|t| t.split_once(']')) {
        return match rest.strip_prefix(':') {
            Some(p) => Ok((host, port(p)?)),
            None => Ok((host, None)),
        };
    }
    match text.rsplit_once(':') {
        Some((host, p)) if !host.contains(':') => Ok((host, port(p)?)),
        _ => Ok((text, None)),
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mode::Regular => f.write_str("regular"),
            Mode::Upstream(chain) => write!(f, "upstream:{chain}"),
            Mode::Transparent => f.write_str("transparent"),
            Mode::Reverse(to) => {
                let scheme = SCHEMES.iter().find(|s| s.1 == to.scheme).map_or("tcp", |s| s.0);
                let host = if to.host.contains(':') { format!("[{}]", to.host) } else { to.host.clone() };
                write!(f, "reverse:{scheme}://{host}:{}", to.port)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_as_mitmproxy_writes_them() {
        let listen = |text: &str| Listen::parse(text).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(listen("regular"), Listen { mode: Mode::Regular, host: None, port: None });
        assert_eq!(listen("regular@9090").port, Some(9090));
        let both = listen("reverse:https://example.org@[::1]:443");
        assert_eq!((both.host.as_deref(), both.port), (Some("::1"), Some(443)));
        assert_eq!(both.mode.to_string(), "reverse:https://example.org:443");
        let via = listen("upstream:http://me:secret@proxy.example:3128@127.0.0.1:8081");
        assert_eq!(via.port, Some(8081));
        let Mode::Upstream(chain) = via.mode else { panic!("an upstream") };
        assert_eq!((chain.host.as_str(), chain.port), ("proxy.example", 3128));
        assert_eq!(listen("upstream:http://me:secret@proxy.example:3128").port, None);
        for wrong in [
            "regular:x",
            "reverse",
            "reverse:gopher://x",
            "reverse:tcp://x",
            "reverse:http://x:99999",
            "nonsense",
            "regular@70000",
        ] {
            assert!(Listen::parse(wrong).is_err(), "{wrong}");
        }
    }
}
