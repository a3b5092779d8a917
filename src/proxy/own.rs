//! What the proxy answers itself: its own page, clients that it does not understand, the file that tells browsers about it (PAC).

use crate::copy::Over;
use crate::course::Course;
use crate::drive::Drive;
use crate::hello::First;
use crate::speak;
use bytes::Bytes;
use std::net::SocketAddr;
use wirelore_ca::page;
use wirelore_kit::middle::{Origin, Place, Transit};
use wirelore_kit::{Hint, Spec};
use wirelore_record::{Kind, Note};

/// Whether this host is answered by us and never dialled.
#[must_use]
pub fn is_own(host: &str) -> bool {
    page::HOSTS.iter().any(|own| own.eq_ignore_ascii_case(host))
}

/// The file that tells a browser to use us for everything but what is on its own machine.
fn pac(at: SocketAddr) -> String {
    format!(
        "// Says to a browser: ask the Wirelore proxy.\nfunction FindProxyForURL(url, host) {{\n  if (isPlainHostName(host) || host === \
         \"localhost\" || shExpMatch(host, \"127.*\")) return \"DIRECT\";\n  return \"PROXY {at}; SOCKS5 {at}\";\n}}\n"
    )
}

/// What of a request our own pages look at.
pub struct Asked<'a> {
    /// Path and query.
    pub path: &'a str,
    /// User-Agent.
    pub agent: &'a str,
}

impl<'a> Asked<'a> {
    /// Reads it from a request's first line, `GET http://wirelore.proxy/x HTTP/1.1`, and its agent.
    #[must_use]
    pub fn of(line: &'a [u8], agent: &'a [u8]) -> Asked<'a> {
        let target = std::str::from_utf8(line).unwrap_or_default().split(' ').nth(1).unwrap_or("/");
        let path = match target.split_once("://") {
            Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
            None => target,
        };
        Asked { path, agent: std::str::from_utf8(agent).unwrap_or_default() }
    }

    /// The same of the last request head in bytes as they came.
    #[must_use]
    pub fn in_bytes(bytes: &'a [u8]) -> Asked<'a> {
        let line = |l: &'a [u8]| l.strip_suffix(b"\r").unwrap_or(l);
        let mut first: &[u8] = b"";
        let mut agent: &[u8] = b"";
        for l in bytes.split(|b| *b == b'\n').map(line) {
            let target = l.split(|b| *b == b' ').nth(1).unwrap_or_default();
            let named = target.starts_with(b"/") || target.windows(3).any(|w| w == b"://");
            if named && l.windows(8).any(|w| w == b" HTTP/1.") {
                (first, agent) = (l, b"");
            } else if l.get(..11).is_some_and(|n| n.eq_ignore_ascii_case(b"user-agent:")) {
                agent = l.get(11..).unwrap_or_default().trim_ascii();
            }
        }
        Asked::of(first, agent)
    }
}

impl Course {
    /// Our answer to a request for one of our own hosts.
    pub(crate) fn own_page(&self, asked: &Asked<'_>, secure: bool, exchange: u64) -> Transit {
        let shared = &self.worker.shared;
        let proto = self.conn.proto.unwrap_or("http");
        let path = asked.path.split(['?', '#']).next().unwrap_or("/");
        if matches!(path, "/proxy.pac" | "/wpad.dat") {
            let at = self.client.socket().local_addr().unwrap_or(self.peer);
            return speak::answer((proto, exchange), "200 OK", "application/x-ns-proxy-autoconfig", pac(at).into());
        }
        let found = page::answer(&shared.authority, page::Asked { path: asked.path, secure, user_agent: asked.agent });
        match found {
            Some(found) => {
                let mut answer = speak::answer((proto, exchange), "200 OK", found.media, Bytes::copy_from_slice(&found.body));
                if let Some(name) = found.save_as {
                    let value = format!("attachment; filename=\"{name}\"");
                    answer.headers.push((Bytes::from_static(b"Content-Disposition"), value.into()));
                }
                answer
            }
            None => speak::answer(
                (proto, exchange),
                "404 Not Found",
                "text/plain",
                Bytes::from_static(b"There is no such page here.\n"),
            ),
        }
    }

    /// A tunnel to one of our own hosts: nobody is dialled.
    pub(crate) async fn own_tunnel(&mut self, host: &str) -> Over {
        let mut secure = false;
        if let First::Whole(hello) = self.first_words().await {
            if let Err(over) =
                self.tls_to_client((host, hello.takes), None, self.own_protocol(&hello.alpn).as_deref(), None).await
            {
                return over;
            }
            secure = true;
        }
        let Some(spec) = self.speaker(&Hint::Probe).await else { return Over::Done };
        let Some(drive) = self.drive_to_answer(spec, Place::Between) else { return Over::Done };
        self.conn.proto = Some(spec.name);
        self.answer_all(drive, |course, asked| {
            let agent = asked.header("user-agent").map(|v| &**v).unwrap_or_default();
            course.own_page(&Asked::of(&asked.line, agent), secure, asked.exchange)
        })
        .await
    }

    /// A protocol in the middle whose every message is judged.
    pub(crate) fn drive_to_answer(&self, spec: &'static Spec, place: Place) -> Option<Drive> {
        let serve = spec.middle.filter(|m| m.forward || m.reopened && place == Place::Between)?;
        let mut setting = self.setting(self.start(&Hint::Proto(spec.name), None), place, true);
        if !serve.forward {
            // It must know that its server never comes.
            setting.away = Some(self.origin.clone().unwrap_or(Origin { host: self.host(), port: 0, tls: false }));
        }
        Some(Drive::new((serve.new)(&setting), place == Place::Forward))
    }

    /// A client that speaks nothing that one says to a proxy: told so in HTTP, which most people can read, and let go.
    pub(crate) async fn not_understood(&mut self) {
        if self.client.ahead.is_empty() {
            return;
        }
        let first: String = String::from_utf8_lossy(&self.client.ahead).chars().take(40).flat_map(char::escape_default).collect();
        let why = format!("Its first bytes are \"{first}\", and a proxy is spoken to in HTTP, SOCKS or TLS.");
        let what_to_do = "Enter this address as an HTTP or SOCKS proxy. To stand before one server whatever it speaks, add a listener: \
                          `-m reverse:tcp://HOST:PORT`.";
        self.note(Note { why: &why, what_to_do, ..Note::new(Kind::Refused, "A client was not understood.") });
        let page = format!("This is a Wirelore proxy, and it did not understand what it was told.\n{why}\n{what_to_do}\n");
        let head = format!(
            "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            page.len()
        );
        // A client that is gone reads nothing.
        let _ = self.say((head + &page).as_bytes()).await;
    }
}
