//! An exchange of HTTP with all that was said in it, as exports and replays want it: heads in order, bodies, the messages of a WebSocket.

use std::net::SocketAddr;
use wirelore_kit::ConvId;

/// What a message carried.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    /// Its bytes without transfer coding, and without content codings where these could be undone.
    pub bytes: Vec<u8>,
    /// The bytes with content codings still on, where there were any.
    pub coded: Option<Vec<u8>>,
    /// Bytes that are not kept.
    pub left_out: u64,
}

/// Names and values in order, as sent.
pub type Headers = Vec<(Vec<u8>, Vec<u8>)>;

/// One side's message of an exchange.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    /// The words of its first line: method, target, version; or version, status, reason. HTTP/2 and 3 have no such line: theirs is made of
    /// the pseudo-headers, with an empty reason.
    pub line: [String; 3],
    /// Names and values in order, as sent; pseudo-headers of HTTP/2 stand first, as they came.
    pub headers: Headers,
    /// Headers behind the body.
    pub trailers: Headers,
    /// Its body.
    pub body: Body,
    /// When its first byte came, nanoseconds since 1970.
    pub began: Option<i64>,
    /// When its last byte came.
    pub ended: Option<i64>,
    /// Bytes of the whole message, as its conversation counts them.
    pub len: u64,
    /// Nothing of it is missing.
    pub whole: bool,
}

impl Said {
    /// The value of the first header of that name, letter case aside.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes())).map(|(_, v)| v.as_slice())
    }
}

/// A message of a WebSocket, its fragments joined and its compression undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chat {
    /// From the client.
    pub to_server: bool,
    /// When it was complete, nanoseconds since 1970.
    pub time: Option<i64>,
    /// 1 text, 2 binary, 8 Close, 9 Ping, 10 Pong (RFC 6455 §11.8).
    pub opcode: u8,
    /// Its payload; a Close begins with its code.
    pub data: Vec<u8>,
}

/// A question and its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exchange {
    /// Its number in the store.
    pub id: u32,
    /// Its conversation.
    pub conv: ConvId,
    /// Number of the TCP or UDP stream.
    pub stream: u32,
    /// The packets that complete request and answer, counted from 1 as lists show them.
    pub frames: [Option<u32>; 2],
    /// Who asked and who was asked.
    pub ends: Option<(SocketAddr, SocketAddr)>,
    /// It stood inside TLS or QUIC.
    pub secure: bool,
    /// The whole address that was asked for.
    pub url: String,
    /// The question, where it was captured.
    pub request: Option<Said>,
    /// The answer.
    pub response: Option<Said>,
    /// What was said on the WebSocket that the exchange opened.
    pub chat: Vec<Chat>,
}
