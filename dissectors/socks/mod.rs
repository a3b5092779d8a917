//! SOCKS 4, 4a and 5 (RFC 1928, RFC 1929): a client asks a proxy to connect it with somebody, and then speaks to them through it.
//!
//! Once the proxy says that the way is free, all further bytes of the connection belong to whatever is spoken through it.

mod fields;

use fields as f;
use wirelore_kit::{
    AfterGapPromise, Claim, Dir, Dissector, F, Framing, Hint, More, Out, Peek, Reader, Relay, Side, Spec, Stop, Turn, Value,
    Verdict,
};

/// SOCKS.
pub static SPEC: Spec = Spec {
    name: "socks",
    label: "SOCKS",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: f::NOTES,
    claims: &[Claim::Tcp(1080), Claim::Named("socks")],
    probe,
    resync: None,
    states: f::STATES,
    after_gap: AfterGapPromise::Never,
    relay: Relay::WatchUntilUpgrade,
    middle: None,
    new: |_| Box::new(Socks::default()),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// What is expected next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Next {
    /// The client's first message.
    #[default]
    Greeting,
    /// The proxy's choice of a method.
    Choice,
    /// The client's name and password.
    Login,
    /// Whether they are right.
    LoginStatus,
    /// What the client wants.
    Request,
    /// How it went.
    Reply,
    /// For BIND: who came.
    SecondReply,
    /// Nothing more.
    Over,
}

#[derive(Debug, Clone, Default)]
struct Socks {
    next: Next,
    four: bool,
    command: u8,
}

/// An address as a line shows it.
fn address(r: &mut Reader<'_>, kind: u8) -> Result<String, Stop> {
    Ok(match kind {
        1 => std::net::Ipv4Addr::from(r.ipv4(&f::DST)?).to_string(),
        4 => std::net::Ipv6Addr::from(r.ipv6(&f::DST_V6)?).to_string(),
        3 => {
            let len = usize::from(r.u8(&f::NAME_LENGTH)?);
            r.text(&f::REMOTE_NAME, len)?.to_string()
        }
        _ => return Err(Stop::Bad(&f::ODD)),
    })
}

/// A text whose end is a NUL: the NUL belongs to the bytes, not to the text.
fn text_to_nul<'a>(r: &mut Reader<'a>, field: F) -> Result<&'a [u8], Stop> {
    let len = r.seek(|b, from| memchr::memchr(0, b.get(from..)?).map(|i| i.saturating_add(from)))?;
    let text = r.rest().get(..len).unwrap_or(&[]);
    r.valued(field, len.saturating_add(1), Value::Blob(text.into()))?;
    Ok(text)
}

impl Socks {
    /// SOCKS 4: everything in one message (4a: with a name behind it).
    fn four(&mut self, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let (command, line) = r.group(&f::SOCKS, |r| {
            r.u8(&f::VERSION)?;
            let command = r.u8(&f::COMMAND)?;
            let port = r.u16(&f::DST_PORT)?;
            let ip = r.ipv4(&f::DST)?;
            text_to_nul(r, &f::USERNAME)?;
            // 0.0.0.x means: find the address of this name yourself.
            let host = if matches!(ip, [0, 0, 0, last] if last > 0) {
                wirelore_kit::Text(text_to_nul(r, &f::V4A_NAME)?).to_string()
            } else {
                std::net::Ipv4Addr::from(ip).to_string()
            };
            Ok((command, format!("{host}:{port}")))
        })?;
        (self.four, self.command, self.next) = (true, command, Next::Reply);
        self.asked(&line, out);
        Ok(())
    }

    fn asked(&self, to: &str, out: &mut Out<'_>) {
        let what = match self.command {
            1 => "Connect to",
            2 => "Wait for a connection from",
            3 => "Relay datagrams for",
            _ => "Unknown command for",
        };
        out.summary(format_args!("{what} {to}"));
        out.asks(1);
        out.state(Side::Server, &f::CONNECTING);
    }

    fn client(&mut self, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        match self.next {
            Next::Greeting if r.peek(1)?.first() == Some(&4) => self.four(r, out),
            Next::Greeting => {
                let count = r.group(&f::SOCKS, |r| {
                    if r.u8(&f::VERSION)? != 5 {
                        return Err(Stop::Bad(&f::ODD));
                    }
                    let count = r.u8(&f::METHOD_COUNT)?;
                    for _ in 0..count {
                        r.u8(&f::METHOD)?;
                    }
                    Ok(count)
                })?;
                self.next = Next::Choice;
                out.summary(format_args!("Hello, {count} ways to log in"));
                out.asks(0);
                out.state(Side::Client, &f::GREETED);
                Ok(())
            }
            Next::Login => {
                let name = r.group(&f::SOCKS, |r| {
                    r.u8(&f::LOGIN_VERSION)?;
                    let len = usize::from(r.u8(&f::USERNAME_LENGTH)?);
                    let name = r.text(&f::USERNAME, len)?;
                    let len = usize::from(r.u8(&f::PASSWORD_LENGTH)?);
                    r.bytes(&f::PASSWORD, len)?;
                    Ok(name)
                })?;
                self.next = Next::LoginStatus;
                out.summary(format_args!("Log in as {name}"));
                out.asks(2);
                Ok(())
            }
            Next::Request => {
                let (command, to) = r.group(&f::SOCKS, |r| {
                    r.u8(&f::VERSION)?;
                    let command = r.u8(&f::COMMAND)?;
                    r.u8(&f::RESERVED)?;
                    let kind = r.u8(&f::ADDRESS_TYPE)?;
                    let host = address(r, kind)?;
                    let port = r.u16(&f::PORT)?;
                    Ok((command, format!("{host}:{port}")))
                })?;
                (self.command, self.next) = (command, Next::Reply);
                self.asked(&to, out);
                Ok(())
            }
            _ => Err(Stop::Wait),
        }
    }

    fn server(&mut self, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        match self.next {
            Next::Choice => {
                let method = r.group(&f::SOCKS, |r| {
                    r.u8(&f::VERSION)?;
                    r.u8(&f::ACCEPTED)
                })?;
                out.answers(0, More::No);
                self.next = match method {
                    0 => Next::Request,
                    2 => Next::Login,
                    _ => Next::Over,
                };
                match f::METHODS.iter().find(|(v, _)| *v == u64::from(method)) {
                    Some((_, name)) => out.summary(name),
                    None => out.summary(format_args!("method {method}")),
                }
                if method == 0xff {
                    r.note(&f::REFUSED, r.span(0));
                } else if self.next == Next::Over {
                    out.becomes(Hint::Bytes("SOCKS with a method of its own"));
                }
                Ok(())
            }
            Next::LoginStatus => {
                let status = r.group(&f::SOCKS, |r| {
                    r.u8(&f::LOGIN_VERSION)?;
                    r.u8(&f::AUTH_STATUS)
                })?;
                out.answers(2, More::No);
                self.next = if status == 0 { Next::Request } else { Next::Over };
                out.summary(if status == 0 { "Logged in" } else { "Log in refused" });
                if status != 0 {
                    r.note(&f::REFUSED, r.span(0));
                }
                Ok(())
            }
            Next::Reply | Next::SecondReply => {
                let from = r.at();
                let four = self.four;
                let (result, ok) = r.group(&f::SOCKS, |r| {
                    if four {
                        r.u8(&f::VERSION)?;
                        let result = r.u8(&f::RESULTS_V4)?;
                        r.u16(&f::DST_PORT)?;
                        r.ipv4(&f::DST)?;
                        return Ok((result, result == 0x5a));
                    }
                    r.u8(&f::VERSION)?;
                    let result = r.u8(&f::RESULTS)?;
                    r.u8(&f::RESERVED)?;
                    let kind = r.u8(&f::ADDRESS_TYPE)?;
                    address(r, kind)?;
                    r.u16(&f::PORT)?;
                    Ok((result, result == 0))
                })?;
                let more = self.command == 2 && ok && self.next == Next::Reply;
                out.answers(1, if more { More::Yes } else { More::No });
                let names = if four { f::RESULT_NAMES_V4 } else { f::RESULT_NAMES };
                match names.iter().find(|(v, _)| *v == u64::from(result)) {
                    Some((_, name)) => out.summary(name),
                    None => out.summary(format_args!("result {result}")),
                }
                if !ok {
                    r.note(&f::REFUSED, r.since(from));
                    self.next = Next::Over;
                } else if more {
                    self.next = Next::SecondReply;
                } else {
                    self.next = Next::Over;
                    out.state(Side::Client, &f::THROUGH);
                    out.state(Side::Server, &f::THROUGH);
                    if self.command != 3 {
                        out.becomes(Hint::Probe);
                    }
                }
                Ok(())
            }
            _ => Err(Stop::Wait),
        }
    }
}

impl Dissector for Socks {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        if self.next == Next::Over {
            let left = r.left();
            r.valued(&f::REST, left, Value::Span)?;
            out.summary("Bytes after the end");
            return Ok(());
        }
        let went = if turn.dir == Dir::ToServer { self.client(r, out) } else { self.server(r, out) };
        // Nobody will speak first any more.
        if went == Err(Stop::Wait) && turn.other_ended { Err(Stop::Bad(&f::ODD)) } else { went }
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        size_of::<Socks>()
    }
}

/// Looks at the client's first message and the proxy's answer to it: one alone is too little.
fn probe(peek: &Peek<'_>) -> Verdict {
    let open = if peek.ended { Verdict::No } else { Verdict::More };
    match *peek.to_server {
        [] if peek.to_client.is_empty() => open,
        [] => Verdict::No,
        [5] => open,
        [5, 0, ..] => Verdict::No,
        [5, n @ 1..=16, ref rest @ ..] => match (rest.get(..usize::from(n)), peek.to_client) {
            (None, _) => open,
            // The answer will never come: the port must do.
            (_, [] | [5]) if peek.ended => Verdict::Likely,
            (_, [] | [5]) => Verdict::More,
            (Some(methods), [5, chosen, ..]) if *chosen == 0xff || methods.contains(chosen) => Verdict::Sure,
            _ => Verdict::No,
        },
        [4] => open,
        [4, 1 | 2, ..] => match peek.to_client {
            [] | [0] if peek.ended && peek.to_server.len() >= 9 => Verdict::Likely,
            [] | [0] => open,
            [0, 0x5a..=0x5d, ..] if peek.to_server.len() >= 9 => Verdict::Sure,
            [0, 0x5a..=0x5d, ..] => open,
            _ => Verdict::No,
        },
        _ => Verdict::No,
    }
}
