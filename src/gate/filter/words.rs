//! The words of the filter language.

use wirelore_kit::near::distance;

/// What stands behind a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordKind {
    /// Nothing.
    Plain,
    /// A regular expression.
    Regex,
    /// A number, `4xx`, or `400-499`.
    Number,
}

/// One word.
#[derive(Debug)]
pub struct Word {
    /// Without `~`.
    pub name: &'static str,
    /// What stands behind it.
    pub kind: WordKind,
    /// What it asks, for help and completion.
    pub says: &'static str,
    /// A connection can be asked it before any message is there.
    pub of_connection: bool,
    pub(crate) asks: Asks,
}

/// What a word looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asks {
    All,
    Url,
    Method,
    Domain,
    Port,
    Status,
    Header(Whose),
    Body(Whose),
    Type(Whose),
    Request,
    Response,
    Up,
    Down,
    Asset,
    Error,
    Source,
    Destination,
    /// Any protocol whose name fits.
    Protocol,
    /// One of these protocols.
    Speaks(&'static [&'static str]),
    /// None of these: what mitmproxy calls a TCP flow.
    SpeaksNot(&'static [&'static str]),
}

/// Of a question, its answer, or either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whose {
    Either,
    Question,
    Answer,
}

const fn word(name: &'static str, kind: WordKind, asks: Asks, says: &'static str) -> Word {
    // What is spoken shows only when something is said.
    let of_connection = matches!(asks, Asks::All | Asks::Domain | Asks::Port | Asks::Source | Asks::Destination);
    Word { name, kind, says, of_connection, asks }
}

const HTTP: &[&str] = &["http", "http2", "http3"];
const NO_TCP: &[&str] = &["http", "http2", "http3", "websocket", "dns", "quic"];

/// All words. A regular expression without a word is `~u`.
pub const WORDS: &[Word] = {
    use Whose::{Answer, Either, Question};
    use WordKind::{Number, Plain, Regex};
    &[
        word("u", Regex, Asks::Url, "the URL; where a protocol has none, the line"),
        word("m", Regex, Asks::Method, "the method or command"),
        word("d", Regex, Asks::Domain, "the server's name"),
        word("c", Number, Asks::Status, "the status of the answer"),
        word("h", Regex, Asks::Header(Either), "a header line of question or answer"),
        word("hq", Regex, Asks::Header(Question), "a header line of the question"),
        word("hs", Regex, Asks::Header(Answer), "a header line of the answer"),
        word("b", Regex, Asks::Body(Either), "the body of question or answer"),
        word("bq", Regex, Asks::Body(Question), "the body of the question"),
        word("bs", Regex, Asks::Body(Answer), "the body of the answer"),
        word("t", Regex, Asks::Type(Either), "the Content-Type of question or answer"),
        word("tq", Regex, Asks::Type(Question), "the Content-Type of the question"),
        word("ts", Regex, Asks::Type(Answer), "the Content-Type of the answer"),
        word("q", Plain, Asks::Request, "a question"),
        word("s", Plain, Asks::Response, "an answer"),
        word("up", Plain, Asks::Up, "on its way to the server"),
        word("down", Plain, Asks::Down, "on its way to the client"),
        word("a", Plain, Asks::Asset, "an answer that is a style sheet, a script, a picture or a font"),
        word("e", Plain, Asks::Error, "an error; no message on its way is one"),
        word("all", Plain, Asks::All, "everything"),
        word("src", Regex, Asks::Source, "the client's address and port"),
        word("dst", Regex, Asks::Destination, "the server's address and port"),
        word("port", Number, Asks::Port, "the server's port"),
        word("proto", Regex, Asks::Protocol, "the protocol's name"),
        word("http", Plain, Asks::Speaks(HTTP), "HTTP of any version"),
        word("http1", Plain, Asks::Speaks(&["http"]), "HTTP/1"),
        word("http2", Plain, Asks::Speaks(&["http2"]), "HTTP/2"),
        word("http3", Plain, Asks::Speaks(&["http3"]), "HTTP/3"),
        word("websocket", Plain, Asks::Speaks(&["websocket"]), "WebSocket"),
        word("dns", Plain, Asks::Speaks(&["dns"]), "DNS"),
        word("tcp", Plain, Asks::SpeaksNot(NO_TCP), "anything over TCP but HTTP, WebSocket and DNS"),
        word("smtp", Plain, Asks::Speaks(&["smtp", "lmtp"]), "SMTP and LMTP"),
        word("imap", Plain, Asks::Speaks(&["imap"]), "IMAP"),
        word("pop3", Plain, Asks::Speaks(&["pop3", "pop"]), "POP3"),
        word("ftp", Plain, Asks::Speaks(&["ftp"]), "FTP's control connection"),
        word("pgsql", Plain, Asks::Speaks(&["pgsql"]), "PostgreSQL"),
        word("redis", Plain, Asks::Speaks(&["redis", "resp"]), "Redis"),
        word("mqtt", Plain, Asks::Speaks(&["mqtt"]), "MQTT"),
    ]
};

/// What people write for a word, and which one that is.
const MEANT: &[(&str, &str)] = &[
    ("url", "u"),
    ("path", "u"),
    ("method", "m"),
    ("domain", "d"),
    ("host", "d"),
    ("code", "c"),
    ("status", "c"),
    ("header", "h"),
    ("headers", "h"),
    ("body", "b"),
    ("type", "t"),
    ("request", "q"),
    ("response", "s"),
    ("asset", "a"),
    ("error", "e"),
    ("ws", "websocket"),
    ("postgres", "pgsql"),
    ("postgresql", "pgsql"),
    ("mail", "smtp"),
    ("pop", "pop3"),
    ("h2", "http2"),
];

/// Words of mitmproxy that look at what a user did with a flow, which no message on its way has.
const OF_LISTS: &[&str] = &["marked", "marker", "comment", "meta", "replay", "replayq", "replays"];

/// The word of that name.
pub(crate) fn find(name: &str) -> Option<&'static Word> {
    WORDS.iter().find(|w| w.name == name)
}

/// What to say about a word that is none.
pub(crate) fn advice(name: &str) -> String {
    if OF_LISTS.contains(&name) {
        return "asks for marks and comments, which a message on its way does not have".into();
    }
    let lower = name.to_ascii_lowercase();
    let meant = MEANT.iter().find(|(n, _)| *n == lower).map(|(_, w)| *w);
    let near = || {
        let scored = WORDS.iter().map(|w| (distance(&lower, w.name), w.name));
        scored.filter(|(d, n)| *d < n.len().min(3)).min_by_key(|(d, _)| *d).map(|(_, n)| n)
    };
    match meant.or_else(near).and_then(find) {
        Some(w) => format!("did you mean ~{} ({})?", w.name, w.says),
        None => format!("words are {}", WORDS.iter().map(|w| format!("~{}", w.name)).collect::<Vec<_>>().join(" ")),
    }
}
