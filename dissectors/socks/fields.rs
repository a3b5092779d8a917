//! Every field, note and state of SOCKS.

use wirelore_kit::{About, F, Field, Kind, Names, Note, Role, Severity, State, fields};

const fn new(name: &'static str, label: &'static str, kind: Kind) -> Field {
    Field::new(name, label, kind)
}

/// Ways to log in (RFC 1928 §3).
pub static METHODS: Names =
    &[(0, "No login needed"), (1, "GSSAPI"), (2, "Name and password"), (0xff, "None of these is acceptable")];
static COMMANDS: Names = &[(1, "Connect"), (2, "Bind"), (3, "UDP associate")];
static ADDRESS_TYPES: Names = &[(1, "IPv4"), (3, "name"), (4, "IPv6")];
/// How a request went (RFC 1928 §6).
pub static RESULT_NAMES: Names = &[
    (0, "The way is free"),
    (1, "The proxy failed"),
    (2, "Not allowed by the proxy's rules"),
    (3, "The network cannot be reached"),
    (4, "The host cannot be reached"),
    (5, "The host refused the connection"),
    (6, "It took too long"),
    (7, "Unknown command"),
    (8, "Unknown kind of address"),
];
/// How a request went in SOCKS 4.
pub static RESULT_NAMES_V4: Names = &[
    (0x5a, "The way is free"),
    (0x5b, "Refused or failed"),
    (0x5c, "No identd at the client"),
    (0x5d, "The client's identd names another user"),
];

fields! {
    SOCKS = Field::group("socks", "SOCKS").rfc("RFC 1928 §3");
    VERSION = new("socks.version", "Version", Kind::Dec).rfc("RFC 1928 §3");
    METHOD_COUNT = new("socks.auth_method_count", "Methods", Kind::Dec).rfc("RFC 1928 §3");
    METHOD = new("socks.auth_method", "Method", Kind::Dec).names(METHODS).rfc("RFC 1928 §3");
    ACCEPTED = new("socks.auth_accepted_method", "Method chosen", Kind::Dec).names(METHODS).rfc("RFC 1928 §3");
    LOGIN_VERSION = new("socks.subnegotiation_version", "Version of the login", Kind::Dec).rfc("RFC 1929 §2");
    USERNAME_LENGTH = new("socks.username_length", "Length of the name", Kind::Dec).rfc("RFC 1929 §2").oracle("-");
    USERNAME = new("socks.username", "User name", Kind::Text).rfc("RFC 1929 §2");
    PASSWORD_LENGTH = new("socks.password_length", "Length of the password", Kind::Dec).rfc("RFC 1929 §2").oracle("-");
    PASSWORD = new("socks.password", "Password", Kind::Text).secret().rfc("RFC 1929 §2");
    AUTH_STATUS = new("socks.auth_status", "Status", Kind::Dec).names(&[(0, "right")]).rfc("RFC 1929 §2");
    COMMAND = new("socks.command", "Command", Kind::Dec).names(COMMANDS).key().role(Role::Method).rfc("RFC 1928 §4");
    RESERVED = new("socks.reserved", "Reserved", Kind::Dec).rfc("RFC 1928 §4");
    ADDRESS_TYPE = new("socks.address_type", "Kind of address", Kind::Dec).names(ADDRESS_TYPES).rfc("RFC 1928 §5");
    DST = new("socks.dst", "Address", Kind::Ipv4).rfc("RFC 1928 §4");
    DST_V6 = new("socks.dstV6", "Address", Kind::Ipv6).rfc("RFC 1928 §4");
    NAME_LENGTH = new("socks.remote_name_length", "Length of the name", Kind::Dec).rfc("RFC 1928 §5").oracle("-");
    REMOTE_NAME = new("socks.remote_name", "Host", Kind::Text).key().role(Role::Authority).rfc("RFC 1928 §5");
    V4A_NAME = new("socks.v4a_dns_name", "Host", Kind::Text).key().rfc("RFC 1928 §4");
    PORT = new("socks.port", "Port", Kind::Dec).key().rfc("RFC 1928 §4");
    DST_PORT = new("socks.dstport", "Port", Kind::Dec).key().rfc("RFC 1928 §4");
    RESULTS = new("socks.reply", "Result", Kind::Dec).names(RESULT_NAMES).key().role(Role::Status).rfc("RFC 1928 §6").oracle("-");
    RESULTS_V4 = new("socks.results", "Result", Kind::Dec).names(RESULT_NAMES_V4).key().role(Role::Status).rfc("RFC 1928 §6").oracle("-");
    REST = new("socks.rest", "Bytes after the end", Kind::Bytes).rfc("RFC 1928 §6").oracle("-");
}

/// A message that is none.
pub static ODD: Note =
    Note::new("socks.note.odd", "These bytes are no message of SOCKS", Severity::Warn, About::Malformed).rfc("RFC 1928 §4");
/// The proxy says no.
pub static REFUSED: Note =
    Note::new("socks.note.refused", "The proxy does not do what was asked", Severity::Warn, About::Response).rfc("RFC 1928 §6");
/// Every note.
pub static NOTES: &[&Note] = &[&ODD, &REFUSED];

/// The client has offered its ways to log in.
pub static GREETED: State = State { name: "socks.state.greeted", label: "Waiting for the proxy's choice" };
/// The proxy connects.
pub static CONNECTING: State = State { name: "socks.state.connecting", label: "Connecting on the client's behalf" };
/// Both speak through.
pub static THROUGH: State = State { name: "socks.state.through", label: "Passing on whatever is said" };
/// Every state.
pub static STATES: &[&State] = &[&GREETED, &CONNECTING, &THROUGH];
