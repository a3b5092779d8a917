//! SIP and SDP fields, notes and states, by Wireshark's names.

use wirelore_kit::{About, F, Field, Kind, Note, Role, Severity, State, fields};

fields! {
    SIP = Group "sip", "Session Initiation Protocol", "RFC 3261 §7";
    REQUEST_LINE = Group "sip.Request-Line", "Request line", "RFC 3261 §7.1".oracle("-");
    METHOD = Text "sip.Method", "Method", "RFC 3261 §7.1".key().role(Role::Method);
    URI = Text "sip.r-uri", "Request URI", "RFC 3261 §7.1".key().role(Role::Path);
    STATUS_LINE = Group "sip.Status-Line", "Status line", "RFC 3261 §7.2".oracle("-");
    STATUS = Dec "sip.Status-Code", "Status code", "RFC 3261 §21".key().role(Role::Status);
    PHRASE = Text "sip.phrase", "Reason phrase", "RFC 3261 §7.2".oracle("-");
    VERSION = Text "sip.version", "Version", "RFC 3261 §7.1".oracle("-");
    BLANK = Bytes "sip.blank", "Blank", "RFC 3261 §7.1".oracle("-");
    HEADER = Text "sip.header", "Header", "RFC 3261 §7.3".oracle("-");
    HEAD_END = Bytes "sip.header.end", "End of the head", "RFC 3261 §7.5".oracle("-");
    KEEP_ALIVE = Bytes "sip.keep_alive", "Keep-alive", "RFC 5626 §3.5.1".oracle("-");
    BODY = Bytes "sip.msg_body", "Body", "RFC 3261 §7.4".oracle("-");
    SDP = Group "sdp", "Session Description Protocol", "RFC 8866".oracle("-");
    FROM = Text "sip.From", "From", "RFC 3261 §20".key().role(Role::Peer);
    TO = Text "sip.To", "To", "RFC 3261 §20".key();
    VIA = Text "sip.Via", "Via", "RFC 3261 §20";
    CALL_ID = Text "sip.Call-ID", "Call-ID", "RFC 3261 §20".key();
    CSEQ = Text "sip.CSeq", "CSeq", "RFC 3261 §20";
    CONTACT = Text "sip.Contact", "Contact", "RFC 3261 §20";
    MAX_FORWARDS = Text "sip.Max-Forwards", "Max-Forwards", "RFC 3261 §20";
    USER_AGENT = Text "sip.User-Agent", "User-Agent", "RFC 3261 §20";
    SERVER = Text "sip.Server", "Server", "RFC 3261 §20";
    CONTENT_TYPE = Text "sip.Content-Type", "Content-Type", "RFC 3261 §20";
    CONTENT_LENGTH = Text "sip.Content-Length", "Content-Length", "RFC 3261 §20".oracle("-");
    EXPIRES = Text "sip.Expires", "Expires", "RFC 3261 §20";
    ROUTE = Text "sip.Route", "Route", "RFC 3261 §20";
    RECORD_ROUTE = Text "sip.Record-Route", "Record-Route", "RFC 3261 §20";
    ALLOW = Text "sip.Allow", "Allow", "RFC 3261 §20";
    SUPPORTED = Text "sip.Supported", "Supported", "RFC 3261 §20";
    SUBJECT = Text "sip.Subject", "Subject", "RFC 3261 §20";
    REASON = Text "sip.Reason", "Reason", "RFC 3261 §20";
    EVENT = Text "sip.Event", "Event", "RFC 3261 §20";
    AUTHORIZATION = Text "sip.Authorization", "Authorization", "RFC 3261 §22".secret();
    PROXY_AUTHORIZATION = Text "sip.Proxy-Authorization", "Proxy-Authorization", "RFC 3261 §22".secret();
    WWW_AUTHENTICATE = Text "sip.WWW-Authenticate", "WWW-Authenticate", "RFC 3261 §22";
    PROXY_AUTHENTICATE = Text "sip.Proxy-Authenticate", "Proxy-Authenticate", "RFC 3261 §22";
    SDP_VERSION = Text "sdp.version", "Version", "RFC 8866 §5.1";
    SDP_OWNER = Text "sdp.owner", "Origin", "RFC 8866 §5.2";
    SDP_NAME = Text "sdp.session_name", "Session name", "RFC 8866 §5.3";
    SDP_INFO = Text "sdp.session_info", "Information", "RFC 8866 §5.4";
    SDP_CONNECTION = Text "sdp.connection_info", "Connection", "RFC 8866 §5.7";
    SDP_BANDWIDTH = Text "sdp.bandwidth", "Bandwidth", "RFC 8866 §5.8";
    SDP_TIME = Text "sdp.time", "Time", "RFC 8866 §5.9";
    SDP_MEDIA = Text "sdp.media", "Media", "RFC 8866 §5.14";
    SDP_MEDIA_TITLE = Text "sdp.media_title", "Title of the media", "RFC 8866 §5.4";
    SDP_SESSION_ATTRIBUTE = Text "sdp.session_attr", "Attribute of the session", "RFC 8866 §5.13";
    SDP_ATTRIBUTE = Text "sdp.media_attr", "Attribute", "RFC 8866 §5.13";
    SDP_OTHER = Text "sdp.other", "Line", "RFC 8866 §5".oracle("-");
}

/// The field of a header by its name, long or short (RFC 3261 §7.3.3).
pub(super) fn header(name: &[u8]) -> Option<F> {
    let is = |long: &str, short: &str| {
        name.eq_ignore_ascii_case(long.as_bytes()) || (!short.is_empty() && name.eq_ignore_ascii_case(short.as_bytes()))
    };
    HEADERS.iter().find(|(long, short, _)| is(long, short)).map(|h| h.2)
}

static HEADERS: &[(&str, &str, F)] = &[
    ("From", "f", &FROM),
    ("To", "t", &TO),
    ("Via", "v", &VIA),
    ("Call-ID", "i", &CALL_ID),
    ("CSeq", "", &CSEQ),
    ("Contact", "m", &CONTACT),
    ("Max-Forwards", "", &MAX_FORWARDS),
    ("User-Agent", "", &USER_AGENT),
    ("Server", "", &SERVER),
    ("Content-Type", "c", &CONTENT_TYPE),
    ("Content-Length", "l", &CONTENT_LENGTH),
    ("Expires", "", &EXPIRES),
    ("Route", "", &ROUTE),
    ("Record-Route", "", &RECORD_ROUTE),
    ("Allow", "", &ALLOW),
    ("Supported", "k", &SUPPORTED),
    ("Subject", "s", &SUBJECT),
    ("Reason", "", &REASON),
    ("Event", "o", &EVENT),
    ("Authorization", "", &AUTHORIZATION),
    ("Proxy-Authorization", "", &PROXY_AUTHORIZATION),
    ("WWW-Authenticate", "", &WWW_AUTHENTICATE),
    ("Proxy-Authenticate", "", &PROXY_AUTHENTICATE),
];

/// The field of an SDP line by its letter. `media`: behind the first `m=`, where lines tell about that media.
pub(super) const fn sdp(kind: u8, media: bool) -> F {
    match kind {
        b'v' => &SDP_VERSION,
        b'o' => &SDP_OWNER,
        b's' => &SDP_NAME,
        b'i' if media => &SDP_MEDIA_TITLE,
        b'i' => &SDP_INFO,
        b'c' => &SDP_CONNECTION,
        b'b' => &SDP_BANDWIDTH,
        b't' => &SDP_TIME,
        b'm' => &SDP_MEDIA,
        b'a' if media => &SDP_ATTRIBUTE,
        b'a' => &SDP_SESSION_ATTRIBUTE,
        _ => &SDP_OTHER,
    }
}

/// Neither a request line nor a status line.
pub static NOT_SIP: Note =
    Note::new("sip.note.not_sip", "Neither a request line nor a status line", Severity::Error, About::Malformed)
        .rfc("RFC 3261 §7");
/// The head does not end.
pub static LONG_HEAD: Note = Note::new("sip.note.long_head", "The head does not end", Severity::Error, About::Limit);
/// The body is longer than is read.
pub static LONG_BODY: Note = Note::new("sip.note.long_body", "The body is longer than is read", Severity::Warn, About::Limit);
/// A header line without a colon.
pub static NO_COLON: Note =
    Note::new("sip.note.no_colon", "A header line without a colon", Severity::Error, About::Malformed).rfc("RFC 3261 §7.3.1");
/// A Content-Length that is no number.
pub static BAD_LENGTH: Note =
    Note::new("sip.note.length", "A Content-Length that is no number", Severity::Error, About::Malformed).rfc("RFC 3261 §20.14");
/// The datagram ends before the body does.
pub static CUT_BODY: Note =
    Note::new("sip.note.cut_body", "The datagram ends before the body does", Severity::Warn, About::Malformed)
        .rfc("RFC 3261 §18.3");
/// Every note.
pub static NOTES: &[&Note] = &[&NOT_SIP, &LONG_HEAD, &LONG_BODY, &NO_COLON, &BAD_LENGTH, &CUT_BODY];

/// No call.
pub static IDLE: State = State { name: "sip.state.idle", label: "No call" };
/// Calls.
pub static CALLING: State = State { name: "sip.state.calling", label: "Calls" };
/// Rings.
pub static RINGING: State = State { name: "sip.state.ringing", label: "Rings" };
/// In a call.
pub static TALKING: State = State { name: "sip.state.talking", label: "In a call" };
/// Every state.
pub static STATES: &[&State] = &[&IDLE, &CALLING, &RINGING, &TALKING];
