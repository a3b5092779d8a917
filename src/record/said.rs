//! What the proxy says in the session file besides packets: custom blocks, their writing and reading.
//!
//! A custom block (draft-ietf-opsawg-pcapng, section 4.9) belongs to an enterprise number. Ours is that of examples ([`ENTERPRISE`]), so
//! each of our blocks begins with [`MARK`], and a block without it is somebody else's.
//! Behind it stand lines `name=value`, readable in any hex view; `\n` and `\\` are escaped in values.

use crate::lane::Side;
use std::net::SocketAddr;
pub use wirelore_capture::origin::ENTERPRISE;

/// What each of our custom blocks begins with.
pub const MARK: &str = "wirelore\n";

/// What kind of thing the proxy did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A rule matched.
    Hit,
    /// A message was changed, dropped or answered in place of the server: both legs differ from here on.
    Edited,
    /// A client was refused.
    Refused,
    /// A handshake failed, with its cause.
    Handshake,
    /// Bytes were passed through without being opened.
    Passed,
    /// A protocol in the middle did or found something.
    Told,
    /// Recording stopped or went on.
    Recording,
}

const KINDS: [(Kind, &str); 7] = [
    (Kind::Hit, "hit"),
    (Kind::Edited, "edited"),
    (Kind::Refused, "refused"),
    (Kind::Handshake, "handshake"),
    (Kind::Passed, "passed"),
    (Kind::Told, "told"),
    (Kind::Recording, "recording"),
];

impl Kind {
    /// Its name in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(k, _)| *k == self).map_or("told", |(_, name)| name)
    }
}

/// Something that the proxy did to a connection. Fields that do not apply stay empty.
#[derive(Debug, Clone, Copy)]
pub struct Note<'a> {
    /// What kind of thing.
    pub kind: Kind,
    /// The leg that it happened on, where it is one.
    pub side: Option<Side>,
    /// The exchange that it is about, counted from 0 in its conversation.
    pub exchange: Option<u64>,
    /// The rule that did it.
    pub rule: &'a str,
    /// What happened, in a sentence.
    pub what: &'a str,
    /// Why.
    pub why: &'a str,
    /// What the user can do.
    pub what_to_do: &'a str,
}

impl<'a> Note<'a> {
    /// One that says only what happened.
    #[must_use]
    pub fn new(kind: Kind, what: &'a str) -> Note<'a> {
        Note { kind, side: None, exchange: None, rule: "", what, why: "", what_to_do: "" }
    }

    /// It in one line, for a packet comment.
    pub(crate) fn sentence(&self, into: &mut String) {
        if !self.rule.is_empty() {
            into.push_str(self.rule);
            into.push_str(": ");
        }
        for (i, part) in [self.what, self.why, self.what_to_do].into_iter().filter(|p| !p.is_empty()).enumerate() {
            if i > 0 {
                into.push(' ');
            }
            into.push_str(part);
        }
    }

    /// The body of its custom block, behind the enterprise number.
    pub(crate) fn write(&self, tie: u64, time: i64, into: &mut String) {
        into.push_str(MARK);
        line(into, "say", "note");
        line(into, "tie", &tie.to_string());
        line(into, "time", &time.to_string());
        line(into, "kind", self.kind.name());
        if let Some(side) = self.side {
            line(into, "side", side.name());
        }
        if let Some(n) = self.exchange {
            line(into, "exchange", &n.to_string());
        }
        for (name, value) in [("rule", self.rule), ("what", self.what), ("why", self.why), ("what_to_do", self.what_to_do)] {
            if !value.is_empty() {
                line(into, name, value);
            }
        }
    }
}

fn line(into: &mut String, name: &str, value: &str) {
    into.push_str(name);
    into.push('=');
    for c in value.chars() {
        match c {
            '\n' => into.push_str("\\n"),
            '\\' => into.push_str("\\\\"),
            c => into.push(c),
        }
    }
    into.push('\n');
}

/// The body of the custom block that says which leg of which connection begins.
pub(crate) fn write_leg(tie: u64, side: Side, client: SocketAddr, server: SocketAddr, host: &str, into: &mut String) {
    into.push_str(MARK);
    line(into, "say", "leg");
    line(into, "tie", &tie.to_string());
    line(into, "side", side.name());
    line(into, "client", &client.to_string());
    line(into, "server", &server.to_string());
    if !host.is_empty() {
        line(into, "host", host);
    }
}

/// Which process owns an end of a connection, as it was found while it lived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// The proxied connection, where it is one.
    pub tie: Option<u64>,
    /// Number of the transport: 6 TCP, 17 UDP.
    pub transport: u8,
    /// The process's own end.
    pub local: SocketAddr,
    /// The other end; `0.0.0.0:0` where the socket speaks with anybody.
    pub remote: SocketAddr,
    /// When it was found, nanoseconds since 1970.
    pub time: i64,
    /// Its number.
    pub pid: u32,
    /// What the system calls it.
    pub name: String,
    /// Its command line.
    pub command: String,
}

impl Process {
    /// The body of its custom block, behind the enterprise number: see [`crate::Recorder::say`].
    #[must_use]
    pub fn written(&self) -> String {
        let mut text = String::from(MARK);
        line(&mut text, "say", "process");
        if let Some(tie) = self.tie {
            line(&mut text, "tie", &tie.to_string());
        }
        line(&mut text, "transport", &self.transport.to_string());
        line(&mut text, "local", &self.local.to_string());
        line(&mut text, "remote", &self.remote.to_string());
        line(&mut text, "time", &self.time.to_string());
        line(&mut text, "pid", &self.pid.to_string());
        line(&mut text, "name", &self.name);
        line(&mut text, "command", &self.command);
        text
    }
}

/// What one of our custom blocks says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A leg begins.
    Leg {
        /// The number that both legs of a connection share.
        tie: u64,
        /// Which of them.
        side: Side,
        /// Who opened the leg.
        client: SocketAddr,
        /// To whom.
        server: SocketAddr,
        /// The name that the client meant; empty where unknown.
        host: String,
    },
    /// The proxy did something.
    Note {
        /// The connection.
        tie: u64,
        /// Nanoseconds since 1970.
        time: i64,
        /// What kind of thing.
        kind: Kind,
        /// On which leg.
        side: Option<Side>,
        /// The exchange, counted from 0.
        exchange: Option<u64>,
        /// The rule that did it.
        rule: String,
        /// What happened.
        what: String,
        /// Why.
        why: String,
        /// What the user can do.
        what_to_do: String,
    },
    /// A process owns an end of a connection.
    Process(Process),
}

/// Reads the body of a custom block behind its enterprise number. `None`: not ours, or of a kind that is not known here.
#[must_use]
pub fn read(body: &[u8]) -> Option<Said> {
    // What only fills the file up to an aligned place is long and not looked through.
    let text = std::str::from_utf8(body.strip_prefix(MARK.as_bytes())?).ok()?.trim_end_matches('\0');
    let get = |name: &str| {
        let value = text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix('='))?;
        Some(unescaped(value))
    };
    let number = |name: &str| get(name)?.parse::<u64>().ok();
    let side = || Side::named(&get("side")?);
    let word = |name: &str| get(name).unwrap_or_default();
    match get("say")?.as_str() {
        "leg" => Some(Said::Leg {
            tie: number("tie")?,
            side: side()?,
            client: get("client")?.parse().ok()?,
            server: get("server")?.parse().ok()?,
            host: word("host"),
        }),
        "note" => {
            let name = get("kind")?;
            Some(Said::Note {
                tie: number("tie")?,
                time: get("time")?.parse().ok()?,
                kind: KINDS.iter().find(|(_, n)| *n == name)?.0,
                side: side(),
                exchange: number("exchange"),
                rule: word("rule"),
                what: word("what"),
                why: word("why"),
                what_to_do: word("what_to_do"),
            })
        }
        "process" => Some(Said::Process(Process {
            tie: number("tie"),
            transport: get("transport")?.parse().ok()?,
            local: get("local")?.parse().ok()?,
            remote: get("remote")?.parse().ok()?,
            time: get("time")?.parse().ok()?,
            pid: get("pid")?.parse().ok()?,
            name: word("name"),
            command: word("command"),
        })),
        _ => None,
    }
}

fn unescaped(value: &str) -> String {
    if !value.contains('\\') {
        return value.to_owned();
    }
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.push(if chars.next() == Some('n') { '\n' } else { '\\' }),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut text = String::new();
        let (client, server) = ("127.0.0.1:5".parse().expect("an address"), "[::1]:443".parse().expect("an address"));
        write_leg(7, Side::Server, client, server, "example.org", &mut text);
        let leg = Said::Leg { tie: 7, side: Side::Server, client, server, host: "example.org".into() };
        assert_eq!(read(text.as_bytes()), Some(leg));
        text.clear();
        let note = Note { rule: "no=cache", why: "two\nlines \\n", exchange: Some(3), ..Note::new(Kind::Edited, "changed") };
        note.write(9, -5, &mut text);
        // Blocks are padded to 32 bits.
        text.push_str("\0\0");
        let said = Said::Note {
            tie: 9,
            time: -5,
            kind: Kind::Edited,
            side: None,
            exchange: Some(3),
            rule: "no=cache".into(),
            what: "changed".into(),
            why: "two\nlines \\n".into(),
            what_to_do: String::new(),
        };
        assert_eq!(read(text.as_bytes()), Some(said));
    }

    #[test]
    fn a_process_is_read_as_it_was_written() {
        let end = |text: &str| text.parse().expect("an address");
        let command = "sh -c 'a\nb'".to_owned();
        let (local, remote, name) = (end("127.0.0.1:5"), end("[::1]:443"), "sh".to_owned());
        for tie in [None, Some(4)] {
            let (name, command) = (name.clone(), command.clone());
            let process = Process { tie, transport: 17, local, remote, time: 9, pid: 77, name, command };
            assert_eq!(read(process.written().as_bytes()), Some(Said::Process(process)));
        }
    }

    #[test]
    fn blocks_of_others_are_left_alone() {
        for other in
            [&b""[..], b"wirelore", b"\xff\xfe", b"say=leg\ntie=1\n", b"wirelore\nsay=news\n", b"wirelore\nsay=leg\ntie=x\n"]
        {
            assert_eq!(read(other), None);
        }
    }
}
