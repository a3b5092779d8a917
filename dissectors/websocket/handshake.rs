//! What both sides agreed on before the first frame (RFC 6455 §4): the accept value recomputed, extensions, the subprotocol.

use super::notes as n;
use sha1::{Digest, Sha1};
use wirelore_kit::{Hint, Note, Side, Start, Text};

/// What every server puts behind the key (§1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What permessage-deflate was agreed as (RFC 7692 §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Deflate {
    /// Each message of a side begins with an empty window: the client's, the server's.
    pub fresh: [bool; 2],
    /// The window of a side may be smaller than 32 KiB.
    pub narrow: [bool; 2],
}

/// How messages carry another protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carries {
    /// Nobody said: each message is looked at.
    Unsaid,
    /// A byte stream that pays no heed to messages.
    Stream(&'static str),
    /// Engine.IO, and in it Socket.IO.
    EngineIo,
    /// STOMP, a frame a message.
    Stomp,
}

/// The agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    /// Whether the messages that agreed were seen.
    pub seen: bool,
    /// Compression, if agreed; where nothing was seen RSV1 is taken to mean it.
    pub deflate: Option<Deflate>,
    /// What messages carry.
    pub carries: Carries,
    /// The accept value in words.
    pub accept: Option<Box<str>>,
    /// Extensions as the server answered.
    pub extensions: Option<Box<str>>,
    /// The subprotocol as the server answered.
    pub protocol: Option<Box<str>>,
    /// What is wrong with it.
    pub faults: Vec<&'static Note>,
}

/// Reads what the outer protocol told.
pub fn agreed(start: &Start) -> Agreed {
    let hint = &start.hint;
    // A header may stand on several lines: together they are one list (RFC 9110 §5.3).
    let said = |side: Side, name: &str| -> Option<Vec<u8>> {
        let mut lines = hint.facts().iter().filter(|f| f.from == side && &*f.name == name).map(|f| &*f.value);
        let first = lines.next()?.to_vec();
        Some(lines.fold(first, |all, more| [&all, &b","[..], more].concat()))
    };
    // Where the request was not seen nobody knows what it offered.
    let asked = hint.facts().iter().any(|f| f.from == Side::Client);
    let seen = matches!(hint, Hint::Upgrade(_));
    let mut a = Agreed {
        seen,
        deflate: (!seen).then(Deflate::default),
        carries: Carries::Unsaid,
        accept: None,
        extensions: None,
        protocol: None,
        faults: Vec::new(),
    };
    // Over HTTP/2 there are no such values (RFC 8441 §5.1).
    if let Some(key) = said(Side::Client, "sec-websocket-key") {
        if !is_key(&key) {
            a.faults.push(&n::KEY_ODD);
        }
        let right = accept_of(&key);
        let told = said(Side::Server, "sec-websocket-accept").unwrap_or_default();
        let agrees = told == right.as_bytes();
        if !agrees {
            a.faults.push(&n::ACCEPT_WRONG);
        }
        let verdict = if agrees { "as the server answered".into() } else { format!("the server answered {:?}", Text(&told)) };
        a.accept = Some(format!("{right}, {verdict}").into());
    }
    if let Some(answer) = said(Side::Server, "sec-websocket-extensions") {
        let offered = said(Side::Client, "sec-websocket-extensions").unwrap_or_default();
        a.extensions = Some(Text(&answer).to_string().into());
        for (name, parameters) in extensions(&answer) {
            if asked && !extensions(&offered).any(|(o, _)| o.eq_ignore_ascii_case(name)) {
                a.faults.push(&n::EXTENSION_NOT_OFFERED);
            }
            if name.eq_ignore_ascii_case(b"permessage-deflate") && a.deflate.is_none() {
                let has = |p: &str| parameters.split(|b| *b == b';').any(|q| parameter(q).eq_ignore_ascii_case(p.as_bytes()));
                a.deflate = Some(Deflate {
                    fresh: [has("client_no_context_takeover"), has("server_no_context_takeover")],
                    narrow: [has("client_max_window_bits"), has("server_max_window_bits")],
                });
            }
        }
    }
    if let Some(answer) = said(Side::Server, "sec-websocket-protocol") {
        let offered = said(Side::Client, "sec-websocket-protocol").unwrap_or_default();
        a.protocol = Some(Text(&answer).to_string().into());
        if asked && !answer.is_empty() && !offered.split(|b| *b == b',').any(|o| o.trim_ascii() == answer.trim_ascii()) {
            a.faults.push(&n::PROTOCOL_NOT_OFFERED);
        }
        a.carries = carried(answer.trim_ascii());
    }
    let path = said(Side::Client, "path").or_else(|| said(Side::Client, ":path")).unwrap_or_default();
    if a.carries == Carries::Unsaid && memchr::memmem::find(&path, b"EIO=").is_some() {
        a.carries = Carries::EngineIo;
    }
    a
}

/// What a subprotocol of the IANA registry carries, as far as someone here may read it.
fn carried(name: &[u8]) -> Carries {
    let is = |s: &[u8]| name.eq_ignore_ascii_case(s);
    if is(b"mqtt") || is(b"mqttv3.1") || is(b"mqttv3.1.1") {
        Carries::Stream("mqtt")
    } else if is(b"v10.stomp") || is(b"v11.stomp") || is(b"v12.stomp") {
        Carries::Stomp
    } else {
        Carries::Unsaid
    }
}

/// Extensions with their parameters.
fn extensions(value: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    value.split(|b| *b == b',').map(|e| {
        let end = memchr::memchr(b';', e).unwrap_or(e.len());
        (e.get(..end).unwrap_or(e).trim_ascii(), e.get(end.saturating_add(1)..).unwrap_or(&[]))
    })
}

/// A parameter's name.
fn parameter(p: &[u8]) -> &[u8] {
    p.split(|b| *b == b'=').next().unwrap_or(p).trim_ascii()
}

/// Whether this is 16 bytes in base64: 22 digits and two signs of equality.
fn is_key(key: &[u8]) -> bool {
    let digits = key.strip_suffix(b"==").unwrap_or(&[]);
    digits.len() == 22 && digits.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
}

/// The accept value that belongs to a key: base64 of the SHA-1 of the key and the GUID (§4.2.2).
pub fn accept_of(key: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut sum = Sha1::new();
    sum.update(key);
    sum.update(GUID);
    let sum = sum.finalize();
    let mut out = String::with_capacity(28);
    for three in sum.chunks(3) {
        let bits = three.iter().fold(0u32, |v, b| (v << 8) | u32::from(*b)) << (8 * 3usize.saturating_sub(three.len()));
        for i in 0..4usize {
            let digit = DIGITS.get((bits >> (18 - 6 * i)) as usize & 63).copied().unwrap_or(b'=');
            out.push(if i <= three.len() { digit as char } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelore_kit::{Fact, Transport};

    #[test]
    fn the_example_of_the_rfc_is_accepted() {
        assert_eq!(accept_of(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    fn start(facts: &[(Side, &str, &str)]) -> Start {
        let facts = facts.iter().map(|(from, n, v)| Fact { from: *from, name: (*n).into(), value: v.as_bytes().into() });
        Start {
            transport: Transport::Tcp,
            client: None,
            server: None,
            hint: Hint::upgrade("websocket", facts.collect()),
            midstream: false,
            expected: None,
            inside: None,
        }
    }

    #[test]
    fn parameters_are_those_of_the_answer_alone() {
        let a = agreed(&start(&[
            (Side::Client, "sec-websocket-extensions", "permessage-deflate; client_no_context_takeover"),
            (
                Side::Server,
                "sec-websocket-extensions",
                "permessage-deflate ;server_no_context_takeover; client_max_window_bits=9",
            ),
        ]));
        assert_eq!((a.deflate, a.faults.len()), (Some(Deflate { fresh: [false, true], narrow: [true, false] }), 0));
        let none = agreed(&start(&[(Side::Client, "sec-websocket-extensions", "permessage-deflate")]));
        assert_eq!(none.deflate, None);
    }

    #[test]
    fn an_offer_on_several_lines_is_one_and_an_unseen_one_is_not_judged() {
        let extension = "sec-websocket-extensions";
        let two = agreed(&start(&[
            (Side::Client, extension, "x-other"),
            (Side::Client, extension, "permessage-deflate"),
            (Side::Server, extension, "permessage-deflate"),
        ]));
        assert_eq!((two.faults.len(), two.deflate.is_some()), (0, true));
        let unseen =
            agreed(&start(&[(Side::Server, extension, "permessage-deflate"), (Side::Server, "sec-websocket-protocol", "mqtt")]));
        assert_eq!((unseen.faults.len(), unseen.carries), (0, Carries::Stream("mqtt")));
    }

    #[test]
    fn what_was_not_offered_is_noted() {
        let a = agreed(&start(&[
            (Side::Client, "sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            (Side::Server, "sec-websocket-accept", "c3BvaWxlZA=="),
            (Side::Server, "sec-websocket-extensions", "x-magic"),
            (Side::Client, "sec-websocket-protocol", "chat, mqtt"),
            (Side::Server, "sec-websocket-protocol", "v12.stomp"),
        ]));
        let names: Vec<&str> = a.faults.iter().map(|f| f.name).collect();
        let want = ["accept_wrong", "extension_not_offered", "protocol_not_offered"].map(|w| format!("websocket.note.{w}"));
        assert_eq!(names, want);
        assert_eq!(a.carries, Carries::Stomp);
    }
}
