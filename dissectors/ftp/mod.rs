//! FTP (RFC 959 and its extensions): the control connection with its commands and replies, and the data connections that it announces.
//!
//! A command is a message, a reply with all of its lines is one. Replies are paired with commands in order. PORT, EPRT and the replies to PASV
//! and EPSV announce a data connection; the transfer command says what it is for. AUTH TLS hands the connection to TLS.

mod data;
mod fields;
mod listing;
mod message;
mod middle;
mod notes;
mod parse;
mod probe;

pub use data::SPEC as DATA;

use fields as f;
use message::{Command, Reply, Verb};
use notes as n;
use std::collections::VecDeque;
use std::net::IpAddr;
use wirelore_kit::{
    AfterGap, AfterGapPromise, Claim, Dir, Dissector, Expect, Framing, Hint, More, Out, Reader, Relay, Side, Spec, Start, Stop,
    Text, Transport, Turn,
};

/// The control connection.
pub static SPEC: Spec = Spec {
    name: "ftp",
    label: "FTP",
    framing: Framing::Stream,
    fields: f::ALL,
    notes: n::ALL,
    claims: &[Claim::Tcp(21), Claim::Alpn(b"ftp"), Claim::Named("ftp")],
    probe: probe::probe,
    resync: Some(resync),
    states: f::STATES,
    after_gap: AfterGapPromise::Within(1),
    relay: Relay::WatchAlways,
    middle: Some(middle::SERVE),
    new: |start| Box::new(Ftp::new(start)),
    explain: &[("en", include_str!("explain.en.toml"))],
};

/// So many commands are remembered while they wait for their replies.
const MOST_ASKED: usize = 1024;
/// An announced data connection must begin within so much of capture time, nanoseconds.
const WITHIN: i64 = 600_000_000_000;
/// Control connections that are inside of TLS from their first byte on.
const IMPLICIT_PORT: u16 = 990;

/// A command that waits for its reply.
#[derive(Debug, Clone, Copy)]
struct Asked {
    key: u64,
    verb: Verb,
    /// The data connection that it is about.
    channel: Option<u64>,
    /// A 1xx reply has come.
    begun: bool,
    /// Its reply may be lost in a hole.
    doubtful: bool,
    /// Of PROT: whether data is to be inside of TLS. Of MODE: whether it is the stream mode.
    yes: bool,
    /// First letter of MODE.
    letter: u8,
}

/// The state machine.
#[derive(Debug, Clone)]
struct Ftp {
    asked: VecDeque<Asked>,
    asks: u64,
    channels: u64,
    /// The data connection that the next transfer will use.
    channel: Option<u64>,
    /// Data connections are inside of TLS.
    private: bool,
    /// The control connection is inside of TLS.
    secure: bool,
    /// The transmission mode: S, B, C or Z.
    mode: u8,
    greeted: bool,
    /// Commands may be lost: replies need not have one.
    lost: bool,
}

impl Ftp {
    fn new(start: &Start) -> Ftp {
        let secure = matches!(start.hint, Hint::Proto("ftp") | Hint::Alpn(_));
        // Behind CCC: the talk is in clear text again, the data stays inside of TLS (RFC 4217 §6).
        let behind = matches!(start.hint, Hint::Over { .. });
        let implicit = secure && start.server.is_some_and(|s| s.1 == IMPLICIT_PORT);
        Ftp {
            asked: VecDeque::new(),
            asks: 0,
            channels: if secure { 1 << 32 } else { 0 } | if behind { 1 << 33 } else { 0 },
            channel: None,
            private: implicit || behind,
            secure,
            mode: b'S',
            greeted: (secure && !implicit) || behind,
            lost: start.midstream,
        }
    }

    fn read_command(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        // Behind AUTH the reply says whose bytes these are.
        if !turn.other_ended && self.asked.back().is_some_and(|a| a.verb == Verb::Auth && !a.doubtful) {
            return Err(Stop::Wait);
        }
        let command = message::command(r, self.secure, turn.start.client.map(|c| c.0))?;
        let Command { word, arg, verb, .. } = command;
        if word.is_empty() {
            out.summary("(empty line)");
            return Ok(());
        }
        match (verb, arg) {
            (Verb::Pass | Verb::Acct, _) => out.summary_of(&[Text(word), Text(b" ****")]),
            (_, []) => out.summary_of(&[Text(word)]),
            _ => out.summary_of(&[Text(word), Text(b" "), Text(arg)]),
        }
        let key = self.asks;
        self.asks = self.asks.wrapping_add(1);
        out.asks(key);
        out.state(Side::Client, &f::AWAITING_REPLY);
        let channel = self.channel_of(turn, &command, out);
        if let Some(channel) = channel {
            out.concerns(channel);
        }
        self.asked.retain(|a| !a.doubtful);
        if self.asked.len() >= MOST_ASKED {
            self.asked.pop_front();
        }
        let letter = arg.first().copied().unwrap_or(0).to_ascii_uppercase();
        let yes = verb == Verb::Prot && matches!(letter, b'P' | b'E' | b'S');
        self.asked.push_back(Asked { key, verb, channel, begun: false, doubtful: false, yes, letter });
        Ok(())
    }

    /// The data connection that a command is about; announces it where the command does.
    fn channel_of(&mut self, turn: &Turn<'_>, c: &Command<'_>, out: &mut Out<'_>) -> Option<u64> {
        match c.verb {
            // EPSV ALL announces nothing, it only forbids the other ways.
            Verb::Epsv if c.arg.eq_ignore_ascii_case(b"ALL") => None,
            Verb::Pasv | Verb::Epsv => Some(self.next_channel()),
            Verb::Port | Verb::Eprt => {
                let place = c.place?;
                let key = self.next_channel();
                self.announce(turn.start.client.map(|c| c.0), place.ip, place.port, key, out);
                Some(key)
            }
            Verb::Rest | Verb::Allo | Verb::Abor => self.channel,
            Verb::Transfer | Verb::Stou => {
                let key = match self.channel {
                    Some(key) => key,
                    None => self.default_channel(turn, out)?,
                };
                let word = c.word.to_ascii_uppercase();
                let blank: &[u8] = if c.arg.is_empty() { b"" } else { b" " };
                let mode = self.mode;
                if mode == b'S' {
                    out.about(key, format_args!("{}{}{}", Text(&word), Text(blank), Text(c.arg)));
                } else {
                    out.about(key, format_args!("{}{}{} [MODE {}]", Text(&word), Text(blank), Text(c.arg), Text(&[mode])));
                }
                Some(key)
            }
            _ => None,
        }
    }

    fn next_channel(&mut self) -> u64 {
        let key = self.channels;
        self.channels = self.channels.wrapping_add(1);
        self.channel = Some(key);
        key
    }

    /// Without PORT or PASV the server connects from the port below its own to the client's (RFC 959 §3.2).
    fn default_channel(&mut self, turn: &Turn<'_>, out: &mut Out<'_>) -> Option<u64> {
        let (client, server) = (turn.start.client?, turn.start.server?);
        let key = self.next_channel();
        let mut e = self.expectation(key, client.0, client.1);
        e.from = Some(server.0);
        e.from_port = server.1.checked_sub(1);
        out.expect(e);
        Some(key)
    }

    fn expectation(&self, key: u64, to: IpAddr, port: u16) -> Expect {
        Expect {
            // Translators and third parties may stand in between.
            from: None,
            from_port: None,
            to: Some(to),
            to_port: Some(port),
            transport: Transport::Tcp,
            hint: if self.private { Hint::Over { outer: "tls", inner: "ftp-data" } } else { Hint::Proto("ftp-data") },
            key,
            about: "".into(),
            within: WITHIN,
        }
    }

    /// A data connection to a port of `own`, the end that listens, or of the address that it says.
    fn announce(&self, own: Option<IpAddr>, said: Option<IpAddr>, port: u16, key: u64, out: &mut Out<'_>) {
        let said = said.filter(|ip| !ip.is_unspecified());
        for to in said.into_iter().chain(own.filter(|own| message::differs(said, Some(*own)) || said.is_none())) {
            out.expect(self.expectation(key, to, port));
        }
    }

    fn read_reply(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        let from = r.at();
        let code = r.rest().get(..3).and_then(parse::number).unwrap_or(0) as u16;
        let place = self.answered(code);
        let asked = place.and_then(|p| self.asked.get(p)).copied();
        let server = turn.start.server.map(|s| s.0);
        let reply = message::reply(r, asked.map(|a| a.verb), server)?;
        let Reply { code, text, lines, .. } = reply;
        let more = if lines > 1 { format!(" ({lines} lines)") } else { String::new() };
        let text_or = if text.is_empty() { f::CODE.name_of(u64::from(code)).unwrap_or("").as_bytes() } else { text };
        out.summary(format_args!("{code:03} {}{more}", Text(text_or)));
        let first = !self.greeted;
        self.greeted = true;
        let Some(asked) = asked else {
            if !first && !self.lost && code != 421 {
                r.note(&n::NOT_ASKED, r.since(from));
            }
            self.unasked(code, out);
            return Ok(());
        };
        let interim = (100..200).contains(&code);
        out.answers(asked.key, if interim { More::Yes } else { More::No });
        if let Some(channel) = asked.channel {
            out.concerns(channel);
        }
        if interim {
            if let Some(a) = place.and_then(|p| self.asked.get_mut(p)) {
                a.begun = true;
            }
        } else if let Some(p) = place {
            self.asked.remove(p);
        }
        if asked.verb == Verb::Stou
            && let (Some(key), Some((a, b))) = (asked.channel, parse::stored_as(text))
        {
            out.about(key, format_args!("STOU {}", Text(text.get(a..b).unwrap_or(&[]))));
        }
        self.act_on(&asked, &reply, server, out);
        self.states_after(&asked, code, out);
        if asked.verb == Verb::Ccc && self.secure && code < 400 {
            r.note(&n::CLEAR_AGAIN, r.since(from));
        }
        Ok(())
    }

    /// Which of the waiting commands a reply answers: the first, but a STAT may be answered while a transfer is under way.
    fn answered(&self, code: u16) -> Option<usize> {
        let first = self.asked.front()?;
        // The command of a reply that no transfer has may be lost in a hole.
        if self.lost && first.verb.moves_data() && matches!(code, 200..=225 | 227..=249 | 251..=399) {
            return None;
        }
        if first.begun && matches!(code, 211..=213) {
            let stat = self.asked.iter().position(|a| matches!(a.verb, Verb::Stat | Verb::Size | Verb::Mdtm));
            return stat.or(Some(0));
        }
        Some(0)
    }

    /// What a reply changes in the conversation.
    fn act_on(&mut self, asked: &Asked, reply: &Reply<'_>, server: Option<IpAddr>, out: &mut Out<'_>) {
        let (code, good) = (reply.code, reply.code < 400);
        match asked.verb {
            Verb::Pasv | Verb::Epsv => match (reply.place, asked.channel) {
                (Some(p), Some(key)) if matches!(code, 227..=229) => self.announce(server, p.ip, p.port, key, out),
                _ if self.channel == asked.channel => self.channel = None,
                _ => {}
            },
            Verb::Port | Verb::Eprt if !good && self.channel == asked.channel => self.channel = None,
            // In other modes a data connection may serve the next transfer too.
            verb if verb.moves_data() && code >= 200 && self.mode == b'S' && self.channel == asked.channel => self.channel = None,
            Verb::Prot if good => self.private = asked.yes,
            Verb::Mode if good => self.mode = asked.letter,
            Verb::Rein if (200..300).contains(&code) => {
                self.private = false;
                self.channel = None;
                self.mode = b'S';
            }
            Verb::Auth if code == 234 => {
                out.state(Side::Client, &f::SECURING);
                out.state(Side::Server, &f::SECURING);
                out.becomes(Hint::Over { outer: "tls", inner: "ftp" });
            }
            _ => {}
        }
    }

    fn states_after(&self, asked: &Asked, code: u16, out: &mut Out<'_>) {
        let server = match code {
            100..=199 => Some(&f::TRANSFERRING),
            221 | 421 => Some(&f::CLOSING),
            227..=229 => Some(&f::LISTENING),
            230 | 232 => Some(&f::LOGGED_IN),
            331 => Some(&f::NEEDS_PASSWORD),
            332 => Some(&f::NEEDS_ACCOUNT),
            234 => return,
            530 if matches!(asked.verb, Verb::User | Verb::Pass | Verb::Acct) => Some(&f::NOBODY),
            220 if asked.verb == Verb::Rein => Some(&f::NOBODY),
            _ if asked.verb.moves_data() => Some(&f::LOGGED_IN),
            _ => None,
        };
        if let Some(state) = server {
            out.state(Side::Server, state);
        }
        let client = match (code, self.asked.front()) {
            (221 | 421, _) => &f::CLOSING,
            (100..=199, _) => &f::AWAITING_COMPLETION,
            (_, Some(next)) if next.begun => &f::AWAITING_COMPLETION,
            (_, Some(_)) => &f::AWAITING_REPLY,
            (_, None) => &f::READY,
        };
        out.state(Side::Client, client);
    }

    /// A greeting, or a farewell that nobody asked for.
    fn unasked(&self, code: u16, out: &mut Out<'_>) {
        if code == 421 {
            out.state(Side::Server, &f::CLOSING);
        } else if code == 220 {
            out.state(Side::Server, &f::NOBODY);
            out.state(Side::Client, &f::READY);
        }
    }
}

impl Dissector for Ftp {
    fn read(&mut self, turn: &Turn<'_>, r: &mut Reader<'_>, out: &mut Out<'_>) -> Result<(), Stop> {
        if turn.dir == Dir::ToServer { self.read_command(turn, r, out) } else { self.read_reply(turn, r, out) }
    }

    fn gap(&mut self, dir: Dir, _: u64, _: &mut Out<'_>) -> AfterGap {
        self.lost = true;
        if dir == Dir::ToClient {
            // The replies to these may lie in the hole.
            if self.asked.len() < 2 {
                self.asked.iter_mut().for_each(|a| a.doubtful = true);
            } else {
                self.asked.clear();
            }
        }
        AfterGap::Resync
    }

    fn fork(&self) -> Option<Box<dyn Dissector>> {
        Some(Box::new(self.clone()))
    }

    fn weight(&self) -> usize {
        size_of::<Ftp>().saturating_add(self.asked.capacity().saturating_mul(size_of::<Asked>()))
    }
}

fn resync(bytes: &[u8], dir: Dir) -> Option<usize> {
    parse::resync(bytes, dir == Dir::ToClient)
}
