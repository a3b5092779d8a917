//! What a proxy must change of a message, and nothing else: the target's form, Host, and the headers that are for one hop only
//! (RFC 9110 §7.6, RFC 9112 §3.2). All other lines go on as they stand: order, letter case, blanks and repetitions.
//!
//! The version of a message is left as its sender wrote it. RFC 9112 §2.3 would have ours written there; but an answer to HTTP/1.0 must be
//! one that an HTTP/1.0 client can read, and that is the origin's to know. The connection to such a client ends behind the answer.

use super::head::{Known, Lines, Row, Said, is_trailers, known, words};
use bytes::{BufMut, Bytes, BytesMut};
use memchr::{memchr, memchr2, memrchr};
use wirelore_kit::middle::Origin;

/// Where a request is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'b> {
    /// Host without brackets.
    pub host: &'b [u8],
    /// Port.
    pub port: u16,
    /// The scheme is https.
    pub tls: bool,
    /// Host and port as they stand in the target, without user information.
    pub authority: &'b [u8],
    /// Path and query; empty, or begins with `/` or `?`.
    pub path: &'b [u8],
}

/// Why a target is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// It is not in absolute form: who asks takes us for a server.
    Relative,
    /// Its scheme is none that is forwarded.
    Scheme,
    /// It has no proper host and port.
    Authority,
}

impl<'b> Target<'b> {
    /// Takes a target in absolute form apart (RFC 9112 §3.2.2).
    ///
    /// # Errors
    /// [`Bad`].
    pub fn absolute(target: &'b [u8]) -> Result<Target<'b>, Bad> {
        let scheme = memchr(b':', target).ok_or(Bad::Relative)?;
        let behind = target.get(scheme.saturating_add(1)..).unwrap_or(&[]);
        let Some(rest) = behind.strip_prefix(b"//") else { return Err(Bad::Relative) };
        let scheme = target.get(..scheme).unwrap_or(&[]);
        if scheme.contains(&b'/') {
            return Err(Bad::Relative);
        }
        let is = |s: &str| scheme.eq_ignore_ascii_case(s.as_bytes());
        let tls = is("https") || is("wss");
        if !tls && !is("http") && !is("ws") {
            return Err(Bad::Scheme);
        }
        let end = memchr::memchr3(b'/', b'?', b'#', rest).unwrap_or(rest.len());
        let (all, path) = (rest.get(..end).unwrap_or(&[]), rest.get(end..).unwrap_or(&[]));
        let from = memrchr(b'@', all).map_or(0, |i| i.saturating_add(1));
        let authority = all.get(from..).unwrap_or(&[]);
        let (host, port) = host_port(authority).ok_or(Bad::Authority)?;
        Ok(Target { host, port: port.unwrap_or(if tls { 443 } else { 80 }), tls, authority, path })
    }

    /// Whether that is the server `at`.
    #[must_use]
    pub fn is(&self, at: &Origin) -> bool {
        at.port == self.port && at.tls == self.tls && at.host.as_bytes().eq_ignore_ascii_case(self.host)
    }

    /// It as a server to be reached.
    #[must_use]
    pub fn origin(&self) -> Origin {
        Origin { host: String::from_utf8_lossy(self.host).into_owned(), port: self.port, tls: self.tls }
    }
}

/// Host without brackets, and port, of `host:port` as it stands in a target or in Host (RFC 3986 §3.2); `None`: it is no such thing.
#[must_use]
pub fn host_port(authority: &[u8]) -> Option<(&[u8], Option<u16>)> {
    let (host, rest) = match authority.strip_prefix(b"[") {
        Some(inner) => {
            let end = memchr(b']', inner)?;
            let host = inner.get(..end)?;
            let address = |b: &u8| b.is_ascii_hexdigit() || matches!(b, b':' | b'.' | b'%') || b.is_ascii_alphanumeric();
            (host.iter().all(address) && memchr(b':', host).is_some()).then_some(())?;
            (host, inner.get(end.saturating_add(1)..)?)
        }
        None => {
            let end = memchr(b':', authority).unwrap_or(authority.len());
            let host = authority.get(..end)?;
            // A registered name (RFC 3986 §3.2.2); bytes beyond ASCII are let through, as names in other scripts come so.
            let name = |b: &u8| b.is_ascii_alphanumeric() || *b >= 0x80 || memchr(*b, b"-._~%!$&'()*+;=").is_some();
            host.iter().all(name).then_some(())?;
            (host, authority.get(end..)?)
        }
    };
    if host.is_empty() {
        return None;
    }
    let port = match rest {
        [] | [b':'] => None,
        [b':', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => Some(std::str::from_utf8(digits).ok()?.parse().ok()?),
        _ => return None,
    };
    Some((host, port))
}

/// Whether a Host value may stand (RFC 9110 §7.2): empty, or host and port.
#[must_use]
pub fn good_host(value: &[u8]) -> bool {
    value.is_empty() || host_port(value).is_some()
}

/// Copies a head line by line, leaving runs of unchanged lines in one piece.
struct Copy<'h> {
    head: &'h [u8],
    out: BytesMut,
    /// Up to here it is copied or left out.
    at: usize,
}

impl Copy<'_> {
    fn keep_to(&mut self, end: usize) {
        self.out.put_slice(self.head.get(self.at..end).unwrap_or(&[]));
        self.at = end;
    }

    /// Leaves a line out.
    fn leave(&mut self, row: &Row) {
        self.keep_to(row.start());
        self.at = row.next();
    }

    /// Keeps a line's name and the blanks around its value, and writes another value.
    fn put(&mut self, row: &Row, value: &[u8]) {
        let at = row.value_at(self.head);
        self.keep_to(at.start);
        // `Host:` without a blank had no value either.
        if at.is_empty() && !self.out.ends_with(b" ") {
            self.out.put_u8(b' ');
        }
        self.out.put_slice(value);
        self.at = at.end;
    }

    /// Joins folded lines with blanks in place of the line ends (RFC 9112 §5.2).
    fn unfold(&mut self, row: &Row) {
        self.keep_to(row.start());
        let raw = row.raw(self.head);
        let end = raw.len().saturating_sub(2);
        for (i, b) in raw.iter().enumerate() {
            self.out.put_u8(if i < end && matches!(b, b'\r' | b'\n') { b' ' } else { *b });
        }
        self.at = row.next();
    }
}

/// What is to be done to a head on its way.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hop<'s> {
    /// Our name for Via; empty: none is told.
    pub name: &'s str,
    /// The connection to the receiver ends behind this message.
    pub close: bool,
    /// Odd lines stay as they are.
    pub lax: bool,
    /// The request is for our hop as well: Max-Forwards, one less.
    pub forwards: Option<u32>,
}

/// Whether a head has anything that must not go on as it is.
#[must_use]
pub fn must_change(said: &Said<'_>, lines: &Lines, hop: Hop<'_>) -> bool {
    said.hops || said.repeated || (lines.folds && !hop.lax) || !hop.name.is_empty()
}

/// A request's head for its origin. `target`: where it is meant for, if it stands in absolute form.
#[must_use]
pub fn request(head: &[u8], lines: &Lines, said: &Said<'_>, target: Option<&Target<'_>>, hop: Hop<'_>) -> Bytes {
    let mut copy = Copy { head, out: BytesMut::with_capacity(head.len().saturating_add(64)), at: 0 };
    let line = head.get(..lines.first).unwrap_or(&[]);
    if let Some(t) = target {
        let method = memchr(b' ', line).unwrap_or(0);
        copy.keep_to(method.saturating_add(1));
        // Only OPTIONS is asked of a server as a whole (RFC 9112 §3.2.4).
        let star = line.get(..method) == Some(b"OPTIONS") && t.path.is_empty();
        if star {
            copy.out.put_u8(b'*');
        } else if !t.path.starts_with(b"/") {
            copy.out.put_u8(b'/');
        }
        copy.out.put_slice(t.path);
        copy.at = memrchr(b' ', line).unwrap_or(line.len());
        if said.host.is_none() {
            copy.keep_to(lines.headers);
            copy.out.put_slice(b"Host: ");
            copy.out.put_slice(t.authority);
            copy.out.put_slice(b"\r\n");
        }
    }
    headers(&mut copy, lines, said, target, hop);
    finish(copy, lines, hop)
}

/// A response's head for the client.
#[must_use]
pub fn response(head: &[u8], lines: &Lines, said: &Said<'_>, hop: Hop<'_>) -> Bytes {
    let mut copy = Copy { head, out: BytesMut::with_capacity(head.len().saturating_add(64)), at: 0 };
    headers(&mut copy, lines, said, None, hop);
    finish(copy, lines, hop)
}

fn finish(mut copy: Copy<'_>, lines: &Lines, hop: Hop<'_>) -> Bytes {
    let blank = lines.rows.last().map_or(lines.headers, Row::next);
    copy.keep_to(blank);
    if !hop.name.is_empty() {
        copy.out.put_slice(b"Via: 1.1 ");
        copy.out.put_slice(hop.name.as_bytes());
        copy.out.put_slice(b"\r\n");
    }
    copy.keep_to(lines.len);
    copy.out.freeze()
}

fn headers(copy: &mut Copy<'_>, lines: &Lines, said: &Said<'_>, target: Option<&Target<'_>>, hop: Hop<'_>) {
    let head = copy.head;
    // Which headers Connection says to be for this hop (RFC 9110 §7.6.1); mostly none.
    let named: Vec<&[u8]> = if said.names {
        let lists = lines.rows.iter().filter(|r| known(r.name(head)) == Some(Known::Connection));
        lists.flat_map(|r| words(r.value(head))).collect()
    } else {
        Vec::new()
    };
    let upgrade = keeps_upgrade(said);
    let mut lengths = 0u32;
    for row in &lines.rows {
        let name = row.name(head);
        match known(name) {
            Some(Known::Connection) => {
                let options = own_options(row.value(head), hop.close, upgrade, said.trailers);
                match options {
                    Some(text) if text != row.value(head) => copy.put(row, &text),
                    Some(_) => {}
                    None => copy.leave(row),
                }
            }
            Some(Known::Upgrade) if !upgrade => copy.leave(row),
            Some(Known::Te) => {
                if !words(row.value(head)).any(is_trailers) {
                    copy.leave(row);
                } else if words(row.value(head)).count() > 1 {
                    copy.put(row, b"trailers");
                }
            }
            Some(Known::Hop) => copy.leave(row),
            Some(Known::Host) if target.is_some() => {
                let authority = target.map_or(&b""[..], |t| t.authority);
                if row.value(head) != authority {
                    copy.put(row, authority);
                }
            }
            Some(Known::Length) if said.repeated && !hop.lax => {
                // One length, said once (RFC 9110 §8.6).
                lengths = lengths.saturating_add(1);
                let value = row.value(head);
                if lengths > 1 {
                    copy.leave(row);
                } else if memchr2(b',', b' ', value).is_some() {
                    let first = words(value).next().unwrap_or(value);
                    copy.put(row, first);
                }
            }
            Some(Known::MaxForwards) if hop.forwards.is_some() => {
                copy.put(row, hop.forwards.unwrap_or(0).to_string().as_bytes());
            }
            // Whatever Connection says, what frames the message stays with it.
            Some(Known::Length | Known::Transfer | Known::Host) => {}
            _ if named.iter().any(|n| n.eq_ignore_ascii_case(name)) => copy.leave(row),
            _ if row.folded && !hop.lax => copy.unfold(row),
            _ => {}
        }
    }
}

/// Whether Upgrade goes on: only to what a client and its origin can mean through a proxy, so not to `h2c`.
#[must_use]
pub fn keeps_upgrade(said: &Said<'_>) -> bool {
    said.upgrades && !said.upgrade.is_empty() && !words(said.upgrade).any(|w| w.eq_ignore_ascii_case(b"h2c"))
}

/// Our own Connection options in place of those that were for us; `None`: there are none.
fn own_options(value: &[u8], close: bool, upgrade: bool, te: bool) -> Option<Vec<u8>> {
    let keep = |w: &&[u8]| {
        (close && w.eq_ignore_ascii_case(b"close"))
            || (upgrade && w.eq_ignore_ascii_case(b"upgrade"))
            || (te && w.eq_ignore_ascii_case(b"te"))
    };
    // Nothing of it is for one hop only: as it stands, blanks and all.
    if words(value).all(|w| keep(&w)) {
        return Some(value.to_vec());
    }
    let kept: Vec<&[u8]> = words(value).filter(keep).collect();
    (!kept.is_empty()).then(|| kept.join(&b", "[..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_taken_apart() {
        let t = Target::absolute(b"http://u:p@ex.org:81/a?b").unwrap();
        assert_eq!((t.host, t.port, t.tls, t.authority, t.path), (&b"ex.org"[..], 81, false, &b"ex.org:81"[..], &b"/a?b"[..]));
        let t = Target::absolute(b"HTTPS://[::1]?q").unwrap();
        assert_eq!((t.host, t.port, t.tls, t.authority, t.path), (&b"::1"[..], 443, true, &b"[::1]"[..], &b"?q"[..]));
        assert_eq!(Target::absolute(b"/a"), Err(Bad::Relative));
        assert_eq!(Target::absolute(b"/a?u=http://x/"), Err(Bad::Relative));
        assert_eq!(Target::absolute(b"ftp://a/"), Err(Bad::Scheme));
        for bad in [
            "http://",
            "http:///a",
            "http://a:b/",
            "http://a:99999/",
            "http://a b/",
            "http://[::1/",
            "http://[a]/",
            "http://:80/",
        ] {
            assert_eq!(Target::absolute(bad.as_bytes()), Err(Bad::Authority), "{bad}");
        }
    }

    #[test]
    fn hosts_are_hosts() {
        for good in ["", "a", "a:80", "a.b-c:1", "[::1]", "[fe80::1%25eth0]:80", "x:"] {
            assert!(good_host(good.as_bytes()), "{good}");
        }
        for bad in ["a b", "a/b", "a@b", "a,b", "a:b", "a:80:80", "[::1", "::1", "a\t"] {
            assert!(!good_host(bad.as_bytes()), "{bad}");
        }
    }
}
