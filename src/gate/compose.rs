//! Requests of our own: made from nothing, from a message that passed, from raw bytes, or from a curl command line. What is made here is
//! HTTP/1.1, byte for byte as it will be sent; sending is the proxy's.

use crate::rules::{origin_of, target_of};
use bytes::{BufMut, Bytes, BytesMut};
use wirelore_kit::middle::{Origin, Transit};

/// A request that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// To whom.
    pub origin: Origin,
    /// The whole of it, as it goes over the wire.
    pub bytes: Bytes,
}

impl Composed {
    /// From its parts. `Host` and `Content-Length` are added where they are missing and needed; nothing else is, and what is there stays as it
    /// is, right or wrong.
    ///
    /// # Errors
    /// In words: the URL names no server that HTTP can be spoken to.
    pub fn new(method: &[u8], url: &str, headers: &[(Bytes, Bytes)], body: &[u8]) -> Result<Composed, String> {
        let origin = server(url)?;
        let line = [method, b" ", target_of(url).as_bytes(), b" HTTP/1.1"].concat();
        let has = |name: &str| headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()));
        let mut out = BytesMut::with_capacity(body.len().saturating_add(512));
        put_line(&mut out, &line);
        if !has("host") {
            put_line(&mut out, &[b"Host: ", authority(url).as_bytes()].concat());
        }
        for (name, value) in headers {
            let between: &[u8] = if value.is_empty() { b":" } else { b": " };
            put_line(&mut out, &[name, between, value].concat());
        }
        if !body.is_empty() && !has("content-length") && !has("transfer-encoding") {
            put_line(&mut out, format!("Content-Length: {}", body.len()).as_bytes());
        }
        put_line(&mut out, b"");
        out.put_slice(body);
        Ok(Composed { origin, bytes: out.freeze() })
    }

    /// These bytes as they are, malformed or not.
    ///
    /// # Errors
    /// As [`Composed::new`].
    pub fn raw(url: &str, bytes: Bytes) -> Result<Composed, String> {
        Ok(Composed { origin: server(url)?, bytes })
    }

    /// A request that passed, to be sent again: to `to` if that is given, else to where its URL leads. Its framing is made anew, as its body is
    /// known whole; headers of the connection that it came over are left out, those of HTTP/2 become a line.
    ///
    /// # Errors
    /// As [`Composed::new`].
    pub fn again(m: &Transit, to: Option<&Origin>) -> Result<Composed, String> {
        let url = m.url.as_deref().ok_or("this message has no URL")?;
        let method = m.line.split(|b| *b == b' ').next().unwrap_or_default();
        let of_hop = |n: &[u8]| {
            n.starts_with(b":")
                || ["transfer-encoding", "proxy-connection", "proxy-authorization", "content-length"]
                    .iter()
                    .any(|h| n.eq_ignore_ascii_case(h.as_bytes()))
        };
        let mut headers: Vec<(Bytes, Bytes)> = m.headers.iter().filter(|(n, _)| !of_hop(n)).cloned().collect();
        let had_body = m.headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(b"content-length"));
        if !m.body.is_empty() || had_body {
            headers.push((Bytes::from_static(b"Content-Length"), Bytes::from(m.body.len().to_string())));
        }
        let mut made = Composed::new(method, url, &headers, &m.body)?;
        if let Some(to) = to {
            made.origin = to.clone();
        }
        Ok(made)
    }
}

fn server(url: &str) -> Result<Origin, String> {
    origin_of(url).ok_or_else(|| format!("{url:?} names no server to send to: write http://host/path or https://host/path"))
}

/// Host and port as the URL writes them, without user and password.
fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let all = rest.split(['/', '?', '#']).next().unwrap_or_default();
    all.rsplit_once('@').map_or(all, |(_, host)| host)
}

fn put_line(out: &mut BytesMut, line: &[u8]) {
    out.put_slice(line);
    out.put_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::question;

    fn text(c: &Composed) -> String {
        String::from_utf8_lossy(&c.bytes).into_owned()
    }

    #[test]
    fn what_is_missing_is_added_and_what_is_there_stays() {
        let h = |n: &'static str, v: &'static str| (Bytes::from_static(n.as_bytes()), Bytes::from_static(v.as_bytes()));
        let c = Composed::new(b"POST", "https://u:p@example.org:8443?x=1#y", &[h("A", "1"), h("a", "2")], b"body").unwrap();
        assert_eq!(text(&c), "POST /?x=1 HTTP/1.1\r\nHost: example.org:8443\r\nA: 1\r\na: 2\r\nContent-Length: 4\r\n\r\nbody");
        assert_eq!(c.origin, Origin { host: "example.org".into(), port: 8443, tls: true });
        let lying = Composed::new(b"POST", "http://x/", &[h("HOST", "y"), h("content-length", "99")], b"body").unwrap();
        assert_eq!(text(&lying), "POST / HTTP/1.1\r\nHOST: y\r\ncontent-length: 99\r\n\r\nbody", "wrong on purpose stays wrong");
        assert!(Composed::new(b"GET", "ftp://x/", &[], b"").unwrap_err().contains("write http://host/path"));
    }

    #[test]
    fn a_message_is_sent_again_with_its_body_framed_anew() {
        let headers = [("Host", "example.org"), ("Transfer-Encoding", "chunked"), (":path", "/"), ("Cookie", "a=1")];
        let c = Composed::again(&question("POST /a?b HTTP/1.1", &headers, b"abc"), None).unwrap();
        assert_eq!(text(&c), "POST /a?b HTTP/1.1\r\nHost: example.org\r\nCookie: a=1\r\nContent-Length: 3\r\n\r\nabc");
        let to = Origin { host: "::1".into(), port: 1, tls: false };
        let c = Composed::again(&question("GET / HTTP/2", &[], b""), Some(&to)).unwrap();
        assert_eq!((text(&c), c.origin), ("GET / HTTP/1.1\r\nHost: example.org\r\n\r\n".to_string(), to));
        let empty = Composed::again(&question("POST / HTTP/1.1", &[("Content-Length", "0")], b""), None).unwrap();
        assert!(text(&empty).contains("Content-Length: 0\r\n"), "a POST without a body says so");
    }
}
