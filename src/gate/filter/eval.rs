//! Whether a message, or a connection of which no message is known yet, fits a filter.

use super::words::{Asks, Whose};
use super::{Node, Test};
use crate::conn::Conn;
use regex::bytes::Regex;
use std::borrow::Cow;
use wirelore_kit::Dir;
use wirelore_kit::middle::{Part, Stage, Transit};

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fits {
    /// It does not, whatever may come.
    No,
    /// It does.
    Yes,
    /// What is asked for is not there yet.
    NotYet,
}

impl From<bool> for Fits {
    fn from(yes: bool) -> Fits {
        if yes { Fits::Yes } else { Fits::No }
    }
}

/// Undoes content codings: takes the value of `Content-Encoding` and the body, gives the plain body or says why it cannot.
pub type Decode = fn(&[u8], &[u8]) -> Result<Vec<u8>, String>;

/// What is asked about.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) conn: &'a Conn,
    /// The message, if there is one yet.
    pub(crate) message: Option<&'a Transit>,
    /// The question that it answers.
    pub(crate) question: Option<&'a Transit>,
    /// Undoes content codings.
    pub(crate) decode: Option<Decode>,
}

impl Node {
    pub(super) fn fits(&self, s: &Scene<'_>) -> Fits {
        match self {
            Node::Not(n) => match n.fits(s) {
                Fits::No => Fits::Yes,
                Fits::Yes => Fits::No,
                Fits::NotYet => Fits::NotYet,
            },
            Node::All(all) => join(all, s, Fits::No, Fits::Yes),
            Node::Any(all) => join(all, s, Fits::Yes, Fits::No),
            Node::Test(t) => t.fits(s),
        }
    }
}

/// One `decisive` answer decides; else one that is not there yet leaves it open.
fn join(all: &[Node], s: &Scene<'_>, decisive: Fits, otherwise: Fits) -> Fits {
    let mut open = false;
    for node in all {
        match node.fits(s) {
            f if f == decisive => return decisive,
            Fits::NotYet => open = true,
            _ => {}
        }
    }
    if open { Fits::NotYet } else { otherwise }
}

impl Test {
    fn fits(&self, s: &Scene<'_>) -> Fits {
        match self {
            Test::Everything => Fits::Yes,
            Test::Plain(w) => s.plain(w.asks),
            Test::Search(w, regex) => s.search(w.asks, regex),
            Test::Number(w, from, to) => s.number(w.asks, *from, *to),
        }
    }
}

impl<'a> Scene<'a> {
    /// The question, be it the message itself or what it answers.
    fn asked(&self) -> Option<&'a Transit> {
        self.message.filter(|m| m.part == Part::Request).or(self.question)
    }

    /// The answer, if the message is one.
    fn answer(&self) -> Option<&'a Transit> {
        self.message.filter(|m| matches!(m.part, Part::Response | Part::Interim))
    }

    /// Whether the protocol is one of those. Of a connection without its messages: also what it may become counts.
    fn speaks(&self, is: impl Fn(&str) -> bool) -> Fits {
        let becomes: &[&str] = match (self.message, self.conn.proto) {
            (Some(m), _) => return is(m.proto).into(),
            (None, None) => return Fits::NotYet,
            (None, Some("http" | "http2")) => &["websocket"],
            (None, Some(_)) => &[],
        };
        let now = self.conn.proto.is_some_and(&is);
        if becomes.iter().all(|p| is(p) == now) { now.into() } else { Fits::NotYet }
    }

    fn plain(&self, asks: Asks) -> Fits {
        let of_message = |is: fn(&Transit) -> bool| self.message.map_or(Fits::NotYet, |m| is(m).into());
        match asks {
            Asks::Request => of_message(|m| m.part == Part::Request),
            Asks::Response => of_message(|m| matches!(m.part, Part::Response | Part::Interim)),
            Asks::Up => of_message(|m| m.dir == Dir::ToServer),
            Asks::Down => of_message(|m| m.dir == Dir::ToClient),
            Asks::Asset => of_message(|m| m.part == Part::Response && m.header("content-type").is_some_and(|t| is_asset(t))),
            Asks::Speaks(any) => self.speaks(|p| any.contains(&p)),
            Asks::SpeaksNot(any) => self.speaks(|p| !any.contains(&p)),
            _ => Fits::No,
        }
    }

    fn number(&self, asks: Asks, from: u16, to: u16) -> Fits {
        let between = |n: u16| Fits::from((from..=to).contains(&n));
        match asks {
            Asks::Status if self.message.is_none() => Fits::NotYet,
            Asks::Status => self.answer().and_then(status_of).map_or(Fits::No, between),
            Asks::Port => {
                let of_url = self.asked().and_then(|q| q.url.as_deref()).and_then(port_of);
                let port = of_url
                    .or_else(|| self.conn.server.as_ref().map(|o| o.port))
                    .or_else(|| self.conn.server_address.map(|a| a.port()));
                port.map_or_else(|| self.otherwise(), between)
            }
            _ => Fits::No,
        }
    }

    /// What is not known: not yet without a message, never with one.
    fn otherwise(&self) -> Fits {
        if self.message.is_none() { Fits::NotYet } else { Fits::No }
    }

    fn search(&self, asks: Asks, regex: &Regex) -> Fits {
        let found = |bytes: &[u8]| Fits::from(regex.is_match(bytes));
        match asks {
            Asks::Domain => {
                let of_url = self.message.and_then(|m| m.url.as_deref()).or_else(|| self.asked().and_then(|q| q.url.as_deref()));
                let named = of_url.and_then(host_of).or_else(|| self.conn.server.as_ref().map(|o| o.host.as_str()));
                named.map_or_else(|| self.otherwise(), |h| found(h.as_bytes()))
            }
            Asks::Source => found(self.conn.client.to_string().as_bytes()),
            Asks::Destination => match (self.conn.server_address, &self.conn.server) {
                (Some(at), _) => found(at.to_string().as_bytes()),
                (None, Some(o)) => found(format!("{}:{}", o.host, o.port).as_bytes()),
                (None, None) => self.otherwise(),
            },
            Asks::Protocol => self.speaks(|p| regex.is_match(p.as_bytes())),
            _ => self.message.map_or(Fits::NotYet, |m| self.search_message(asks, regex, m)),
        }
    }

    fn search_message(&self, asks: Asks, regex: &Regex, m: &Transit) -> Fits {
        let halves = |whose: Whose| {
            let question = self.asked().filter(|_| whose != Whose::Answer);
            let answer = self.answer().filter(|_| whose != Whose::Question);
            // A message that is neither belongs to both.
            let neither = Some(m).filter(|m| m.part == Part::Message && whose == Whose::Either);
            [question, answer, neither].into_iter().flatten()
        };
        match asks {
            Asks::Url => {
                let url = m.url.as_deref().or_else(|| self.asked().and_then(|q| q.url.as_deref()));
                regex.is_match(url.map_or(&m.line[..], str::as_bytes)).into()
            }
            Asks::Method => {
                let said = self.asked().unwrap_or(m);
                regex.is_match(said.line.split(|b| *b == b' ').next().unwrap_or_default()).into()
            }
            Asks::Header(whose) => halves(whose).any(|h| h.headers.iter().any(|(n, v)| has_line(regex, n, v))).into(),
            Asks::Type(whose) => halves(whose).any(|h| h.header("content-type").is_some_and(|t| regex.is_match(t))).into(),
            Asks::Body(whose) => {
                let mut open = false;
                for half in halves(whose) {
                    if half.stage == Stage::Head {
                        // A question that went on unread has no body any more; of the message itself it may still come.
                        open |= std::ptr::eq(half, m);
                    } else if self.body_has(regex, half) {
                        return Fits::Yes;
                    }
                }
                if open { Fits::NotYet } else { Fits::No }
            }
            _ => Fits::No,
        }
    }

    fn body_has(&self, regex: &Regex, m: &Transit) -> bool {
        let decoded = match (m.header("content-encoding"), self.decode) {
            (Some(coding), Some(decode)) => decode(coding, &m.body).map_or(Cow::Borrowed(&m.body[..]), Cow::Owned),
            _ => Cow::Borrowed(&m.body[..]),
        };
        // Protocols of lines say in their line what others say in a body.
        regex.is_match(&decoded) || (m.url.is_none() && m.headers.is_empty() && regex.is_match(&m.line))
    }
}

fn has_line(regex: &Regex, name: &[u8], value: &[u8]) -> bool {
    regex.is_match(&[name, b": ", value].concat())
}

/// The status of an answer: the number of three digits that is its first or second word.
pub(crate) fn status_of(m: &Transit) -> Option<u16> {
    m.line.split(|b| matches!(b, b' ' | b'-')).take(2).find_map(|w| {
        let digits = w.len() == 3 && w.iter().all(u8::is_ascii_digit);
        if digits { std::str::from_utf8(w).ok()?.parse().ok() } else { None }
    })
}

/// Host and port of a URL, as written between the scheme and the path.
fn authority(url: &str) -> Option<&str> {
    // Who asks for a tunnel names a host and a port alone.
    let rest = url.split_once("://").map_or_else(|| (!url.contains('/')).then_some(url), |(_, rest)| Some(rest))?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let authority = rest.get(..end)?;
    Some(authority.rsplit_once('@').map_or(authority, |(_, host)| host))
}

/// The host that a URL names, without brackets and port.
pub(crate) fn host_of(url: &str) -> Option<&str> {
    let authority = authority(url)?;
    if let Some(six) = authority.strip_prefix('[') {
        return six.split(']').next();
    }
    authority.split(':').next()
}

/// The port that a URL names or means.
pub(crate) fn port_of(url: &str) -> Option<u16> {
    let behind_host =
        authority(url)?.rsplit_once(':').filter(|(_, port)| !port.contains(']')).and_then(|(_, port)| port.parse().ok());
    behind_host.or_else(|| match url.split_once("://")?.0 {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    })
}

/// Media types of what pages are made of.
fn is_asset(media: &[u8]) -> bool {
    let media = String::from_utf8_lossy(media).to_ascii_lowercase();
    let media = media.split(';').next().unwrap_or_default().trim();
    media.starts_with("image/")
        || media.starts_with("font/")
        || media.starts_with("application/font")
        || matches!(media, "text/css" | "text/javascript" | "application/javascript" | "application/x-javascript")
        || matches!(media, "application/x-shockwave-flash" | "application/vnd.ms-fontobject")
}
