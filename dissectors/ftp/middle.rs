//! FTP's control connection in the middle: commands and replies as messages, and every address that they name rewritten, so that the data
//! connections come through us too (RFC 959 §4.1.2, RFC 2428, RFC 4217).

use super::{notes as n, parse};
use crate::coding::lines;
use bytes::Bytes;
use std::net::{IpAddr, SocketAddr};
use wirelore_kit::middle::{Agreed, Middle, Part, Serve, Setting, Transit};
use wirelore_kit::talk::{Book, Draft, Next, Says, Talk, Talking};
use wirelore_kit::{Dir, Hint};

/// How it stands in the middle.
pub const SERVE: Serve = Serve { forward: false, reopened: false, new };

fn new(setting: &Setting) -> Box<dyn Middle> {
    Box::new(Talking::new(Ftp::new(setting), setting))
}

/// A command that waits for its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Auth,
    Passive,
    /// PROT; whether it asks for TLS on data connections.
    Protect(bool),
    Reinitialize,
    Other,
}

#[derive(Debug)]
struct Ftp {
    lax: bool,
    client: Option<IpAddr>,
    server: Option<IpAddr>,
    /// The control connection is inside of TLS.
    secure: bool,
    /// Data connections are.
    private: bool,
    greeted: bool,
    keys: u64,
}

impl Ftp {
    fn new(setting: &Setting) -> Ftp {
        let start = &setting.start;
        let secure = start.inside == Some("tls");
        let implicit = secure && start.server.is_some_and(|s| s.1 == super::IMPLICIT_PORT);
        Ftp {
            lax: setting.lax,
            client: start.client.map(|c| c.0),
            server: start.server.map(|s| s.0),
            secure,
            private: implicit,
            greeted: (secure && !implicit) || start.midstream,
            keys: 0,
        }
    }

    /// A data connection to the end of `owner`, who listens on `place`.
    fn agreed(&mut self, place: parse::Place, owner: Option<IpAddr>, opened: Dir, says: &mut Says<'_, Kind>) -> Agreed {
        let said = place.ip.filter(|ip| !ip.is_unspecified() && owner.is_some_and(|o| !same(*ip, o)));
        if let (Some(said), Some(owner)) = (said, owner) {
            // Whoever may name any address can have others connect there (RFC 2577 §3).
            let done = if self.lax { "it is connected to all the same" } else { "the one that names it is connected to" };
            says.told.push((&n::OTHER_ADDRESS, format!("{said} is named by {owner}: {done}")));
        }
        let key = self.keys;
        self.keys = self.keys.saturating_add(1);
        let host = said.filter(|_| self.lax);
        Agreed { key, opened, host, port: place.port, hint: Hint::Proto("ftp-data"), tls: self.private }
    }

    fn command(&mut self, message: &Bytes, says: &mut Says<'_, Kind>) {
        let (line, _) = lines::first(message);
        if let Some(place) = active(&line) {
            // It is entered in the book when we know where we listen.
            says.expect = Some(self.agreed(place, self.client, Dir::ToClient, says));
            return;
        }
        let is = |w: &str| lines::word(&line).eq_ignore_ascii_case(w.as_bytes());
        if is("CCC") && self.secure {
            says.swallow = true;
            says.told.push((&n::STAYS_IN_TLS, "CCC is answered with 534".into()));
            says.back.push(Bytes::from_static(b"534 The control connection stays in TLS\r\n"));
            return;
        }
        for line in message.split_inclusive(|b| *b == b'\n') {
            let word = lines::word(line);
            let is = |w: &str| word.eq_ignore_ascii_case(w.as_bytes());
            let argument = lines::bare(line).get(word.len()..).unwrap_or(&[]).trim_ascii();
            says.book.ask(if is("AUTH") {
                Kind::Auth
            } else if is("PASV") || (is("EPSV") && !argument.eq_ignore_ascii_case(b"ALL")) {
                Kind::Passive
            } else if is("PROT") {
                Kind::Protect(argument.first().is_some_and(|l| matches!(l, b'P' | b'p' | b'E' | b'e' | b'S' | b's')))
            } else if is("REIN") {
                Kind::Reinitialize
            } else {
                Kind::Other
            });
        }
    }

    /// Whether this reply answers no command: the greeting, and what a server says before it hangs up.
    fn is_unasked(&self, reply: &[u8], book: &Book<Kind>) -> bool {
        match book.front().map(|s| s.kind) {
            None => true,
            Some(Kind::Reinitialize) => false,
            // A client may speak before it is greeted.
            Some(_) => !self.greeted && matches!(lines::code(reply), 120 | 220),
        }
    }

    fn reply(&mut self, reply: &[u8], says: &mut Says<'_, Kind>) {
        let unasked = self.is_unasked(reply, says.book);
        let code = lines::code(reply);
        self.greeted |= code >= 200;
        if unasked || code < 200 {
            return;
        }
        match (says.book.answered().map(|s| s.kind), code) {
            (Some(Kind::Auth), 234) => says.becomes = Some(Hint::Over { outer: "tls", inner: "ftp" }),
            (Some(Kind::Protect(private)), 200..300) => self.private = private,
            (Some(Kind::Reinitialize), 200..300) => self.private = false,
            (Some(Kind::Passive), 227 | 229) => {
                if let Some(place) = passive(reply) {
                    says.expect = Some(self.agreed(place, self.server, Dir::ToServer, says));
                }
            }
            _ => {}
        }
    }
}

/// Whether two addresses are one; IPv4 may be written as IPv6 (RFC 4291 §2.5.5.2).
fn same(a: IpAddr, b: IpAddr) -> bool {
    a.to_canonical() == b.to_canonical()
}

/// The address in PORT or EPRT; places are counted from the beginning of the line.
fn active(line: &[u8]) -> Option<parse::Place> {
    let word = lines::word(line);
    if word.eq_ignore_ascii_case(b"PORT") {
        parse::six_numbers(line)
    } else if word.eq_ignore_ascii_case(b"EPRT") {
        parse::extended(line).filter(|p| p.ip.is_some())
    } else {
        None
    }
}

/// The address in the reply to PASV or EPSV; places are counted from its beginning.
fn passive(reply: &[u8]) -> Option<parse::Place> {
    // The code itself is digits too.
    let text = reply.get(4..)?;
    let p = if lines::code(reply) == 227 { parse::six_numbers(text)? } else { parse::extended(text)? };
    let on = |(from, to): (usize, usize)| (from.saturating_add(4), to.saturating_add(4));
    Some(parse::Place { ip_at: on(p.ip_at), port_at: on(p.port_at), family_at: on(p.family_at), ..p })
}

/// `h1,h2,h3,h4,p1,p2`; `None` for an IPv6 address, which that form has no room for.
fn six(at: SocketAddr) -> Option<String> {
    let IpAddr::V4(ip) = at.ip().to_canonical() else { return None };
    let [a, b, c, d] = ip.octets();
    let [hi, lo] = at.port().to_be_bytes();
    Some(format!("{a},{b},{c},{d},{hi},{lo}"))
}

/// `|family|address|port|`.
fn eprt(at: SocketAddr) -> String {
    let ip = at.ip().to_canonical();
    format!("|{}|{ip}|{}|", if ip.is_ipv4() { 1 } else { 2 }, at.port())
}

/// `message` with `new` in the place of a range of it.
fn replaced(message: &[u8], (from, to): (usize, usize), new: &str) -> Bytes {
    [message.get(..from).unwrap_or(&[]), new.as_bytes(), message.get(to..).unwrap_or(&[])].concat().into()
}

/// A reply or command that names where we listen instead of what `place` names.
fn rewritten(message: &Bytes, place: &parse::Place, dir: Dir, at: SocketAddr) -> Option<Bytes> {
    let (line, _) = lines::first(message);
    let six_place = (place.ip_at.0, place.port_at.1);
    let extended = (place.family_at.0.saturating_sub(1), place.port_at.1.saturating_add(1));
    if dir == Dir::ToClient {
        return match lines::code(message) {
            227 => Some(replaced(message, six_place, &six(at)?)),
            _ => Some(replaced(message, place.port_at, &at.port().to_string())),
        };
    }
    let is_port = lines::word(&line).eq_ignore_ascii_case(b"PORT");
    Some(match six(at).filter(|_| is_port) {
        Some(six) => replaced(message, six_place, &six),
        // PORT cannot name an IPv6 address; EPRT can, and is answered alike.
        None if is_port => lines::written(format!("EPRT {}", eprt(at)).as_bytes(), lines::ending(message), &[]),
        None => replaced(message, extended, &eprt(at)),
    })
}

impl Talk for Ftp {
    type Kind = Kind;

    fn name(&self) -> &'static str {
        "ftp"
    }

    fn next(&mut self, dir: Dir, bytes: &[u8], seen: usize, book: &mut Book<Kind>) -> Next {
        let whole = if dir == Dir::ToClient {
            if !lines::may_be_reply(bytes) {
                return Next::Broken(&n::NOT_REPLY);
            }
            lines::reply(bytes, seen, true)
        } else {
            match parse::signals(bytes) {
                None => return Next::More,
                // Signals go before the command that they hurry on (RFC 959 §4.1.3).
                Some(len) if len > 0 => return Next::Pass(len),
                Some(_) => {}
            }
            // Behind AUTH the reply says whose bytes these are.
            if book.back().is_some_and(|s| s.kind == Kind::Auth) && (!self.lax || bytes.first() == Some(&0x16)) {
                return Next::Wait;
            }
            lines::end(bytes, seen)
        };
        match whole {
            Some(len) => Next::Whole(len),
            None if bytes.len() > parse::MOST => Next::Broken(&n::TOO_LONG),
            None => Next::More,
        }
    }

    fn draft(&self, dir: Dir, message: &Bytes, book: &Book<Kind>) -> Draft {
        let (line, body) = lines::first(message);
        let (part, exchange) = if dir == Dir::ToServer {
            (Part::Request, book.next())
        } else if self.is_unasked(message, book) {
            (Part::Message, book.due())
        } else if lines::code(message) < 200 {
            (Part::Interim, book.due())
        } else {
            (Part::Response, book.due())
        };
        Draft { part, exchange, line, body }
    }

    fn write(&mut self, dir: Dir, was: &Bytes, now: &Transit) -> Bytes {
        let ending = lines::ending(was);
        match dir {
            Dir::ToServer => lines::written(&now.line, ending, &[]),
            Dir::ToClient => lines::joined(&now.line, &now.body, ending),
        }
    }

    fn goes(&mut self, dir: Dir, message: &Bytes, says: &mut Says<'_, Kind>) {
        match dir {
            Dir::ToServer => self.command(message, says),
            Dir::ToClient => self.reply(message, says),
        }
    }

    fn dropped(&mut self, dir: Dir, message: &Bytes, says: &mut Says<'_, Kind>) {
        if dir == Dir::ToClient && !self.is_unasked(message, says.book) && lines::code(message) >= 200 {
            says.book.answered();
        }
    }

    fn ours(&mut self, _: &Bytes, _: &Transit, _: &mut Says<'_, Kind>) -> Option<Kind> {
        Some(Kind::Other)
    }

    fn arranged(&mut self, dir: Dir, message: Bytes, at: Result<SocketAddr, String>, says: &mut Says<'_, Kind>) -> Bytes {
        let (line, _) = lines::first(&message);
        let place = if dir == Dir::ToClient { passive(&message) } else { active(&line) };
        let at = at.and_then(|at| {
            let new = place.and_then(|p| Some((p, rewritten(&message, &p, dir, at)?)));
            new.map(|(p, new)| (p, at, new)).ok_or_else(|| format!("{at} cannot be written in this form"))
        });
        match at {
            Ok((place, at, new)) => {
                let was =
                    place.ip.map_or_else(|| format!("port {}", place.port), |ip| SocketAddr::new(ip, place.port).to_string());
                let reader = if dir == Dir::ToClient { "client" } else { "server" };
                says.told.push((&n::ADDRESS_REWRITTEN, format!("{was} was named, the {reader} reads {at}")));
                if dir == Dir::ToServer {
                    says.book.ask(Kind::Other);
                }
                new
            }
            Err(why) => {
                says.told.push((&n::NOT_LISTENING, why));
                let no = Bytes::from_static(b"425 The proxy cannot take the data connection\r\n");
                if dir == Dir::ToClient {
                    return no;
                }
                says.swallow = true;
                says.back.push(no);
                message
            }
        }
    }
}
