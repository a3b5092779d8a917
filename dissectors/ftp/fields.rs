//! FTP fields and states, by Wireshark's names where it has them.

use wirelore_kit::{F, Field, Kind, Names, Role, State, fields};

/// Reply codes in words (RFC 959 §4.2.2, RFC 2228 §5, RFC 2389, RFC 2428 §3, RFC 2640 §4, RFC 3659).
pub static CODES: Names = &[
    (110, "Restart marker"),
    (120, "Service ready in some minutes"),
    (125, "Data connection already open; transfer starting"),
    (150, "File status okay; about to open data connection"),
    (200, "Command okay"),
    (202, "Command not needed here"),
    (211, "System status or help"),
    (212, "Directory status"),
    (213, "File status"),
    (214, "Help message"),
    (215, "System type"),
    (220, "Service ready for new user"),
    (221, "Closing control connection"),
    (225, "Data connection open; no transfer in progress"),
    (226, "Closing data connection; action successful"),
    (227, "Entering Passive Mode"),
    (228, "Entering Long Passive Mode"),
    (229, "Entering Extended Passive Mode"),
    (230, "User logged in"),
    (231, "User logged out"),
    (232, "User logged in by security data"),
    (234, "Security exchange complete; TLS follows"),
    (235, "Security data accepted"),
    (250, "File action okay, completed"),
    (257, "Path name"),
    (331, "User name okay, need password"),
    (332, "Need account for login"),
    (334, "Security mechanism accepted; data needed"),
    (335, "Security data accepted; more needed"),
    (336, "Challenge for the user"),
    (350, "File action pending further information"),
    (421, "Service not available, closing control connection"),
    (425, "Cannot open data connection"),
    (426, "Connection closed; transfer aborted"),
    (430, "Invalid user name or password"),
    (431, "Needed resource for security not available"),
    (434, "Requested host unavailable"),
    (450, "File action not taken; file unavailable"),
    (451, "Action aborted: local error"),
    (452, "Action not taken: no storage space"),
    (500, "Syntax error, command unrecognized"),
    (501, "Syntax error in parameters"),
    (502, "Command not implemented"),
    (503, "Bad sequence of commands"),
    (504, "Command not implemented for that parameter"),
    (521, "Data connection cannot be opened with this PROT setting"),
    (522, "Network protocol not supported"),
    (530, "Not logged in"),
    (532, "Need account for storing files"),
    (533, "Command protection level denied for policy reasons"),
    (534, "Request denied for policy reasons"),
    (535, "Security check failed"),
    (536, "Data protection level not supported by the mechanism"),
    (537, "Command protection level not supported by the mechanism"),
    (550, "Action not taken: file unavailable"),
    (551, "Action aborted: page type unknown"),
    (552, "File action aborted: storage allocation exceeded"),
    (553, "Action not taken: file name not allowed"),
    (631, "Integrity protected reply"),
    (632, "Confidential and integrity protected reply"),
    (633, "Confidential reply"),
];

const FAMILIES: Names = &[(1, "IPv4"), (2, "IPv6")];

const fn text(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    Field::new(name, label, Kind::Text).rfc(rfc)
}

const fn own(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    text(name, label, rfc).oracle("-")
}

fields! {
    FTP = Field::group("ftp", "File Transfer Protocol").rfc("RFC 959");
    TELNET = Field::new("ftp.telnet", "Telnet signals", Kind::Bytes).rfc("RFC 959 §4.1.3").oracle("-");
    REQUEST = Field::new("ftp.request", "Request", Kind::Bool).rfc("RFC 959 §4.1");
    COMMAND = text("ftp.request.command", "Request command", "RFC 959 §4.1").key().role(Role::Method);
    ARG = text("ftp.request.arg", "Request arg", "RFC 959 §5.3").key();
    PASSWORD = text("ftp.request.password", "Password", "RFC 959 §4.1.1").secret().oracle("ftp.request.arg");
    PATH = own("ftp.path", "Path", "RFC 959 §5.3.2").key().role(Role::Path);
    USER = own("ftp.user", "User name", "RFC 959 §4.1.1");
    SPACE = own("ftp.space", "Blank", "RFC 959 §5.3.1");
    EOL = Field::new("ftp.eol", "End of line", Kind::Bytes).rfc("RFC 959 §4.1.3").oracle("-");
    TEXT = own("ftp.text", "Text", "RFC 959 §4.2");
    ACTIVE_IP = Field::new("ftp.active.cip", "Active IP address", Kind::Ipv4).rfc("RFC 959 §4.1.2");
    ACTIVE_PORT = Field::new("ftp.active.port", "Active port", Kind::Dec).rfc("RFC 959 §4.1.2");
    ACTIVE_NAT = Field::new("ftp.active.nat", "Active IP NAT", Kind::Bool).rfc("RFC 2577 §3");
    EPRT_AF = Field::new("ftp.eprt.af", "Extended active address family", Kind::Dec).names(FAMILIES).rfc("RFC 2428 §2");
    EPRT_IP = Field::new("ftp.eprt.ip", "Extended active IP address", Kind::Ipv4).rfc("RFC 2428 §2");
    EPRT_IPV6 = Field::new("ftp.eprt.ipv6", "Extended active IPv6 address", Kind::Ipv6).rfc("RFC 2428 §2");
    EPRT_PORT = Field::new("ftp.eprt.port", "Extended active port", Kind::Dec).rfc("RFC 2428 §2");
    TYPE = own("ftp.type", "Representation type", "RFC 959 §3.1.1");
    STRUCTURE = own("ftp.structure", "File structure", "RFC 959 §3.1.2");
    MODE = own("ftp.mode", "Transmission mode", "RFC 959 §3.4");
    OFFSET = Field::new("ftp.offset", "Restart offset", Kind::Dec).rfc("RFC 3659 §5").oracle("-");
    ALLOCATE = Field::new("ftp.allocate", "Bytes to allocate", Kind::Dec).rfc("RFC 959 §4.1.3").oracle("-");
    MECHANISM = own("ftp.auth.mechanism", "Security mechanism", "RFC 2228 §3");
    BUFFER = Field::new("ftp.pbsz", "Protection buffer size", Kind::Dec).rfc("RFC 4217 §8").oracle("-");
    LEVEL = own("ftp.prot", "Data channel protection", "RFC 4217 §9");
    SUBCOMMAND = own("ftp.subcommand", "Subcommand", "RFC 959 §4.1.3");
    RESPONSE = Field::new("ftp.response", "Response", Kind::Bool).rfc("RFC 959 §4.2");
    CODE = Field::new("ftp.response.code", "Response code", Kind::Dec).names(CODES).key().role(Role::Status).rfc("RFC 959 §4.2");
    MORE = own("ftp.response.more", "More lines follow", "RFC 959 §4.2");
    RESPONSE_ARG = text("ftp.response.arg", "Response arg", "RFC 959 §4.2").key();
    LINE = own("ftp.response.line", "Further line", "RFC 959 §4.2");
    LAST_CODE = Field::new("ftp.response.last_code", "Code of the last line", Kind::Dec).names(CODES).rfc("RFC 959 §4.2").oracle("-");
    FEATURE = own("ftp.feature", "Feature", "RFC 2389 §3.2");
    FACT = own("ftp.fact", "Fact", "RFC 3659 §7.2");
    PASSIVE_IP = Field::new("ftp.passive.ip", "Passive IP address", Kind::Ipv4).rfc("RFC 959 §4.1.2");
    PASSIVE_PORT = Field::new("ftp.passive.port", "Passive port", Kind::Dec).rfc("RFC 959 §4.1.2");
    PASSIVE_NAT = Field::new("ftp.passive.nat", "Passive IP NAT", Kind::Bool).rfc("RFC 2577 §3");
    EPSV_IP = Field::new("ftp.epsv.ip", "Extended passive IPv4 address", Kind::Ipv4).rfc("RFC 2428 §3");
    EPSV_IPV6 = Field::new("ftp.epsv.ipv6", "Extended passive IPv6 address", Kind::Ipv6).rfc("RFC 2428 §3");
    EPSV_PORT = Field::new("ftp.epsv.port", "Extended passive port", Kind::Dec).rfc("RFC 2428 §3");
    SIZE = Field::new("ftp.size", "Size of the file", Kind::Dec).rfc("RFC 3659 §4").oracle("-");
    MODIFIED = own("ftp.modified", "Last change of the file", "RFC 3659 §3");
    FOLDER = own("ftp.folder", "Folder or file named", "RFC 959 App. II");
    STORED_AS = own("ftp.stored_as", "Stored as", "RFC 1123 §4.1.2.9");
}

macro_rules! states {
    ($($id:ident = $name:literal, $label:literal;)*) => {
        $(#[allow(missing_docs)] pub static $id: State = State { name: $name, label: $label };)*
        /// Every state of either side.
        pub static STATES: &[&State] = &[$(&$id),*];
    };
}

states! {
    READY = "ftp.state.ready", "Ready to give a command";
    AWAITING_REPLY = "ftp.state.awaiting_reply", "Command sent, waiting for the reply";
    AWAITING_COMPLETION = "ftp.state.awaiting_completion", "Told that it began, waiting for its end";
    NOBODY = "ftp.state.nobody", "Nobody has logged in";
    NEEDS_PASSWORD = "ftp.state.needs_password", "User known, waiting for the password";
    NEEDS_ACCOUNT = "ftp.state.needs_account", "Waiting for an account";
    LOGGED_IN = "ftp.state.logged_in", "User logged in";
    LISTENING = "ftp.state.listening", "Listening for the data connection";
    TRANSFERRING = "ftp.state.transferring", "Transferring over the data connection";
    SECURING = "ftp.state.securing", "TLS begins";
    CLOSING = "ftp.state.closing", "Closing the control connection";
}
