//! Fields, notes and states of Telnet, by Wireshark's names.

use wirelore_kit::{About, F, Field, Kind, Names, Note, Severity, State, fields};

/// Commands behind IAC (RFC 854, RFC 885).
pub static COMMANDS: Names = &[
    (236, "End of File"),
    (237, "Suspend Current Process"),
    (238, "Abort Process"),
    (239, "End of Record"),
    (240, "Suboption End"),
    (241, "No Operation"),
    (242, "Data Mark"),
    (243, "Break"),
    (244, "Interrupt Process"),
    (245, "Abort Output"),
    (246, "Are You There?"),
    (247, "Escape Character"),
    (248, "Erase Line"),
    (249, "Go Ahead"),
    (250, "Suboption"),
    (251, "Will"),
    (252, "Won't"),
    (253, "Do"),
    (254, "Don't"),
    (255, "Data byte 255"),
];

/// Options (IANA registry of Telnet options).
pub static OPTIONS: Names = &[
    (0, "Binary Transmission"),
    (1, "Echo"),
    (2, "Reconnection"),
    (3, "Suppress Go Ahead"),
    (4, "Approx Message Size Negotiation"),
    (5, "Status"),
    (6, "Timing Mark"),
    (7, "Remote Controlled Trans and Echo"),
    (8, "Output Line Width"),
    (9, "Output Page Size"),
    (10, "Output Carriage-Return Disposition"),
    (11, "Output Horizontal Tab Stops"),
    (12, "Output Horizontal Tab Disposition"),
    (13, "Output Formfeed Disposition"),
    (14, "Output Vertical Tabstops"),
    (15, "Output Vertical Tab Disposition"),
    (16, "Output Linefeed Disposition"),
    (17, "Extended ASCII"),
    (18, "Logout"),
    (19, "Byte Macro"),
    (20, "Data Entry Terminal"),
    (21, "SUPDUP"),
    (22, "SUPDUP Output"),
    (23, "Send Location"),
    (24, "Terminal Type"),
    (25, "End of Record"),
    (26, "TACACS User Identification"),
    (27, "Output Marking"),
    (28, "Terminal Location Number"),
    (29, "Telnet 3270 Regime"),
    (30, "X.3 PAD"),
    (31, "Negotiate About Window Size"),
    (32, "Terminal Speed"),
    (33, "Remote Flow Control"),
    (34, "Linemode"),
    (35, "X Display Location"),
    (36, "Environment Option"),
    (37, "Authentication Option"),
    (38, "Encryption Option"),
    (39, "New Environment Option"),
    (40, "TN3270E"),
    (41, "XAUTH"),
    (42, "CHARSET"),
    (43, "Remote Serial Port"),
    (44, "COM Port Control"),
    (45, "Suppress Local Echo"),
    (46, "Start TLS"),
    (47, "KERMIT"),
    (48, "SEND-URL"),
    (49, "FORWARD_X"),
    (255, "Extended Options List"),
];

const ASKS: Names = &[(0, "Here's my"), (1, "Send your")];

const fn own(name: &'static str, label: &'static str, rfc: &'static str) -> Field {
    Field::new(name, label, Kind::Text).rfc(rfc).oracle("-")
}

fields! {
    TELNET = Field::group("telnet", "Telnet").rfc("RFC 854");
    ESCAPE = Field::new("telnet.iac", "Interpret as command", Kind::Hex).rfc("RFC 854").oracle("-");
    COMMAND = Field::new("telnet.cmd", "Command", Kind::Dec).names(COMMANDS).key().rfc("RFC 854");
    OPTION = Field::new("telnet.subcmd", "Subcommand", Kind::Dec).names(OPTIONS).key().rfc("RFC 855");
    ASK = Field::new("telnet.suboption.asks", "Ask or tell", Kind::Dec).names(ASKS).rfc("RFC 1091").oracle("telnet.subcmd");
    VALUE = own("telnet.string_subopt.value", "Value", "RFC 1091");
    WIDTH = Field::new("telnet.naws_subopt.width", "Width", Kind::Dec).rfc("RFC 1073");
    HEIGHT = Field::new("telnet.naws_subopt.height", "Height", Kind::Dec).rfc("RFC 1073");
    OPTION_DATA = Field::new("telnet.option_data", "Option data", Kind::Bytes).rfc("RFC 855").oracle("-");
    DATA = own("telnet.data", "Data", "RFC 854");
    PASSWORD = own("telnet.password", "Password", "RFC 854").secret();
}

pub static PASSWORD_CLEAR: Note =
    Note::new("telnet.note.password_clear", "A password was typed without encryption", Severity::Warn, About::Security)
        .rfc("RFC 854");
pub static LONG_OPTION: Note =
    Note::new("telnet.note.long_option", "A suboption goes on beyond 64 KiB and is not read", Severity::Error, About::Limit)
        .rfc("RFC 855");
pub static NOT_TELNET: Note =
    Note::new("telnet.note.not_telnet", "A command that Telnet does not have", Severity::Warn, About::Malformed).rfc("RFC 854");
pub static NOTES: &[&Note] = &[&PASSWORD_CLEAR, &LONG_OPTION, &NOT_TELNET];

pub static NEGOTIATING: State = State { name: "telnet.state.negotiating", label: "Agreeing on options" };
pub static TALKING: State = State { name: "telnet.state.talking", label: "Sending text" };
pub static STATES: &[&State] = &[&NEGOTIATING, &TALKING];
