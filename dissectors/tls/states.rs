//! What both ends are doing, as RFC 8446 appendix A names it, said when it changes.

use super::fields as f;
use super::session::{Event, Session, TLS13};
use wirelore_kit::{Dir, Out, Side, State};

/// The states said last.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ends {
    said: [Option<&'static State>; 2],
    /// Which ends have sent Finished.
    finished: [bool; 2],
}

impl Ends {
    /// Says a state, unless it was said before.
    pub fn say(&mut self, side: Side, state: &'static State, out: &mut Out<'_>) {
        let [a, b] = &mut self.said;
        let said = if side == Side::Client { a } else { b };
        if !said.is_some_and(|s| std::ptr::eq(s, state)) {
            *said = Some(state);
            out.state(side, state);
        }
    }

    fn both(&mut self, client: &'static State, server: &'static State, out: &mut Out<'_>) {
        self.say(Side::Client, client, out);
        self.say(Side::Server, server, out);
    }

    /// A message of the handshake went by.
    pub fn message(&mut self, kind: u8, event: Event, dir: Dir, version: u16, out: &mut Out<'_>) {
        let new = version >= TLS13;
        let from_client = dir == Dir::ToServer;
        match (kind, event) {
            (_, Event::ClientHello) => {
                self.finished = [false; 2];
                self.both(&f::WAIT_SH, &f::RECVD_CH, out);
            }
            (_, Event::Retry) => self.both(&f::START, &f::START, out),
            (_, Event::ServerHello) if new => self.both(&f::WAIT_EE, &f::NEGOTIATED, out),
            (_, Event::ServerHello) => self.both(&f::WAIT_CERT, &f::NEGOTIATED, out),
            (8, _) => self.say(Side::Client, &f::WAIT_CERT_CR, out),
            (13, _) if new => self.say(Side::Client, &f::WAIT_CERT, out),
            (11 | 25, _) => {
                let side = if from_client { Side::Server } else { Side::Client };
                self.say(
                    side,
                    if new {
                        &f::WAIT_CV
                    } else if from_client {
                        &f::WAIT_CKE
                    } else {
                        &f::WAIT_SHD
                    },
                    out,
                );
            }
            (15, _) => self.say(if from_client { Side::Server } else { Side::Client }, &f::WAIT_FINISHED, out),
            (14, _) => self.both(&f::NEGOTIATED, &f::WAIT_CKE, out),
            (16, _) => self.both(&f::WAIT_FINISHED, &f::WAIT_FINISHED, out),
            (_, Event::Finished) => {
                let [client, server] = &mut self.finished;
                if from_client {
                    *client = true;
                } else {
                    *server = true;
                }
                if *client && *server {
                    self.both(&f::CONNECTED, &f::CONNECTED, out);
                } else if new && !from_client {
                    self.say(Side::Server, &f::WAIT_FLIGHT2, out);
                }
            }
            _ => {}
        }
    }

    /// Data of the application went by.
    pub fn data(&mut self, dir: Dir, session: &Session, out: &mut Out<'_>) {
        if session.server.is_none() && session.early {
            self.say(Side::Client, &f::SENDING_EARLY, out);
            return;
        }
        // Without keys TLS 1.3's handshake looks like data; the server's data may come before the client has finished.
        if dir == Dir::ToServer || session.version < TLS13 {
            for (side, said) in [Side::Client, Side::Server].into_iter().zip(self.said) {
                let over = said.is_some_and(|s| std::ptr::eq(s, &f::CLOSED) || std::ptr::eq(s, &f::FAILED));
                if !over {
                    self.say(side, &f::CONNECTED, out);
                }
            }
        }
    }
}
