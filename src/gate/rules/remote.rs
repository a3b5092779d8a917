//! Requests sent to another server.

use super::{Remote, Source};
use crate::filter::{host_of, port_of};
use bytes::Bytes;
use wirelore_kit::middle::{Origin, Transit};

/// Where a request goes, and as what.
pub(super) struct Sent {
    pub(super) origin: Origin,
    /// Whether the client's own connection leads there.
    pub(super) same: bool,
    pub(super) request: Transit,
}

/// The request as it is to be sent. `Err` in words.
pub(super) fn send(remote: &Remote, request: &Transit) -> Result<Sent, String> {
    let url = request.url.as_deref().ok_or_else(|| format!("{} has no URL to send elsewhere", request.proto))?;
    let was = origin_of(url).ok_or_else(|| format!("{url} names no server"))?;
    let new = match remote {
        Remote::Url(replace) => {
            let Source::Bytes(with) = &replace.with else { return Err("the replacement is a file".into()) };
            String::from_utf8_lossy(&replace.find.replace_all(url.as_bytes(), &with[..])).into_owned()
        }
        Remote::Server { tls, host, port } => {
            let tls = tls.unwrap_or(was.tls);
            let port = port.unwrap_or(if tls == was.tls { was.port } else { default_port(tls) });
            let origin = Origin { host: host.clone(), port, tls };
            format!("{}{}", written(&origin), target_of(url))
        }
    };
    let origin = origin_of(&new).ok_or_else(|| format!("the new address {new} names no server"))?;
    let mut sent = request.clone();
    let mut words = request.line.splitn(2, |b| *b == b' ');
    let method = words.next().unwrap_or_default();
    let version = request.line.rsplit(|b| *b == b' ').next().unwrap_or_default();
    let same = origin == was;
    // A client that speaks to us as to a proxy names the server in each request.
    let whole =
        request.line.split(|b| *b == b' ').nth(1).is_some_and(|t| t.windows(3).any(|w| w == b"://") && !t.starts_with(b"/"));
    let target = if whole { new.clone() } else { target_of(&new) };
    sent.line = Bytes::from([method, b" ", target.as_bytes(), b" ", version].concat());
    if !same {
        let host = Bytes::from(authority(&origin));
        match sent.headers.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(b"host")) {
            Some((_, value)) => *value = host,
            None => sent.headers.insert(0, (Bytes::from_static(b"Host"), host)),
        }
    }
    sent.url = Some(new);
    Ok(Sent { origin, same: same || whole, request: sent })
}

/// The server that a URL means.
pub(crate) fn origin_of(url: &str) -> Option<Origin> {
    let tls = match url.split_once("://")?.0.to_ascii_lowercase().as_str() {
        "http" | "ws" => false,
        "https" | "wss" => true,
        _ => return None,
    };
    let host = host_of(url).filter(|h| !h.is_empty())?;
    Some(Origin { host: host.to_string(), port: port_of(url)?, tls })
}

const fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

/// Path and query of a URL as a request's target in origin form (RFC 9112 §3.2.1).
pub(crate) fn target_of(url: &str) -> String {
    let path = path_of(url);
    if path.starts_with('/') { path.to_string() } else { format!("/{path}") }
}

/// Path and query of a URL.
pub(super) fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find(['/', '?', '#']).and_then(|at| rest.get(at..)).unwrap_or("/");
    path.split('#').next().unwrap_or("/")
}

/// `host:port`, without a port that goes without saying.
fn authority(origin: &Origin) -> String {
    let host = if origin.host.contains(':') { format!("[{}]", origin.host) } else { origin.host.clone() };
    if origin.port == default_port(origin.tls) { host } else { format!("{host}:{}", origin.port) }
}

/// `https://host:port`.
pub(super) fn written(origin: &Origin) -> String {
    format!("{}://{}", if origin.tls { "https" } else { "http" }, authority(origin))
}

/// Reads `https://host`, `http://host:8080`, `host:8080`, `host`.
pub(super) fn parse_server(text: &str) -> Result<Remote, String> {
    let (tls, rest) = match text.split_once("://") {
        Some(("http", rest)) => (Some(false), rest),
        Some(("https", rest)) => (Some(true), rest),
        Some((other, _)) => return Err(format!("{other:?} is no scheme that requests can be sent by: http or https")),
        None => (None, text),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains(['/', '?', '#', '@']) {
        return Err(
            "without `url` only the server is replaced: write it without a path, or say with `url` what is replaced".into()
        );
    }
    let whole = format!("x://{rest}");
    let host = host_of(&whole).filter(|h| !h.is_empty()).ok_or("a server's name is missing")?;
    let port = rest.rsplit_once(':').filter(|(_, p)| !p.contains(']')).map(|(_, p)| p.parse::<u16>());
    let port = port.transpose().map_err(|_| format!("{rest:?} has no port between 0 and 65535"))?;
    let port = port.or_else(|| tls.map(default_port));
    Ok(Remote::Server { tls, host: host.to_string(), port })
}
