//! NTP fields, notes and states, by Wireshark's names.

use wirelore_kit::{About, F, Field, Kind, Names, Note, Role, Severity, State, fields};

const LEAPS: Names =
    &[(0, "no warning"), (1, "last minute has 61 seconds"), (2, "last minute has 59 seconds"), (3, "clock not synchronised")];
const MODES: Names = &[
    (0, "reserved"),
    (1, "symmetric active"),
    (2, "symmetric passive"),
    (3, "client"),
    (4, "server"),
    (5, "broadcast"),
    (6, "control message"),
    (7, "private use"),
];
const STRATA: Names = &[(0, "unspecified or refusal"), (1, "has a clock of its own"), (16, "not synchronised")];

fields! {
    NTP = Group "ntp", "Network Time Protocol", "RFC 5905 §7.3";
    FLAGS = Hex "ntp.flags", "Flags", "RFC 5905 §7.3";
    LEAP = Dec "ntp.flags.li", "Leap indicator", "RFC 5905 §7.3".names(LEAPS);
    VERSION = Dec "ntp.flags.vn", "Version", "RFC 5905 §7.3";
    MODE = Dec "ntp.flags.mode", "Mode", "RFC 5905 §7.3".names(MODES).key().role(Role::Method);
    STRATUM = Dec "ntp.stratum", "Stratum", "RFC 5905 §7.3".names(STRATA).key();
    POLL = Signed "ntp.ppoll", "Poll interval (log2 of seconds)", "RFC 5905 §7.3";
    PRECISION = Signed "ntp.precision", "Precision (log2 of seconds)", "RFC 5905 §7.3".oracle("-");
    ROOT_DELAY = Duration "ntp.rootdelay", "Root delay", "RFC 5905 §7.3".oracle("-");
    ROOT_DISPERSION = Duration "ntp.rootdispersion", "Root dispersion", "RFC 5905 §7.3".oracle("-");
    REFERENCE = Bytes "ntp.refid", "Reference ID", "RFC 5905 §7.3";
    REFERENCE_NAME = Text "ntp.refid.name", "Reference", "RFC 5905 §7.3".oracle("-");
    REFERENCE_TIME = Time "ntp.reftime", "Reference time", "RFC 5905 §7.3".oracle("-");
    ORIGIN = Time "ntp.org", "Origin time", "RFC 5905 §7.3".oracle("-");
    RECEIVE = Time "ntp.rec", "Receive time", "RFC 5905 §7.3".oracle("-");
    TRANSMIT = Time "ntp.xmt", "Transmit time", "RFC 5905 §7.3".oracle("-");
    EXTENSION = Group "ntp.ext", "Extension", "RFC 7822 §3";
    EXTENSION_TYPE = Hex "ntp.ext.type", "Type", "RFC 7822 §3";
    EXTENSION_LENGTH = Dec "ntp.ext.length", "Length", "RFC 7822 §3";
    EXTENSION_VALUE = Bytes "ntp.ext.value", "Value", "RFC 7822 §3";
    KEY_ID = Bytes "ntp.keyid", "Key ID", "RFC 5905 §7.3";
    DIGEST = Bytes "ntp.mac", "Message authentication code", "RFC 5905 §7.3";
}

/// Refused in a polite way.
pub static KISS: Note =
    Note::new("ntp.note.kiss", "The server refuses to tell the time, with a reason", Severity::Warn, About::Response)
        .rfc("RFC 5905 §7.4");
/// A bad length.
pub static BAD_EXTENSION: Note =
    Note::new("ntp.note.extension", "An extension's length does not fit", Severity::Error, About::Malformed).rfc("RFC 7822 §3");
/// Too short.
pub static SHORT: Note =
    Note::new("ntp.note.short", "Fewer bytes than the header has", Severity::Error, About::Malformed).rfc("RFC 5905 §7.3");
/// Every note of the protocol.
pub static NOTES: &[&Note] = &[&KISS, &BAD_EXTENSION, &SHORT];

/// A question is on its way.
pub static ASKED: State = State { name: "ntp.state.asked", label: "Asked for the time" };
/// The answer came.
pub static TOLD: State = State { name: "ntp.state.told", label: "Knows the time" };
/// Every state.
pub static STATES: &[&State] = &[&ASKED, &TOLD];
