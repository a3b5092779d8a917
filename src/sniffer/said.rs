//! What is told besides packets: JSON objects, one a line, and refusals sorted by what can be done about them.

use serde_json::{Value, json};
use std::io::Write;

/// Why something was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// `options`, `permission`, `interface`, `filter`, `link_type`, `monitor` or `pcap`.
    pub kind: &'static str,
    /// On which interface, or "".
    pub interface: String,
    /// In libpcap's words, or ours.
    pub text: String,
}

impl Refused {
    /// The command line is wrong.
    pub fn options(text: impl Into<String>) -> Refused {
        Refused { kind: "options", interface: String::new(), text: text.into() }
    }

    /// Something else of a kind.
    pub fn of(kind: &'static str, interface: &str, error: &pcap::Error) -> Refused {
        Refused { kind, interface: interface.into(), text: words(error) }
    }

    /// libpcap does not open an interface. It tells why in words only.
    pub fn open(interface: &str, error: &pcap::Error) -> Refused {
        Refused { kind: kind_of(&words(error)), interface: interface.into(), text: words(error) }
    }

    /// As a line on standard error.
    pub fn say(&self) {
        event(&json!({ "event": "error", "kind": self.kind, "interface": self.interface, "text": self.text }));
    }
}

/// libpcap's own words, without what its wrapper adds.
pub fn words(error: &pcap::Error) -> String {
    match error {
        pcap::Error::PcapError(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Sorts what libpcap says when it does not open an interface.
fn kind_of(text: &str) -> &'static str {
    let lower = text.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| lower.contains(w));
    if has(&["not permitted", "permission", "cap_net_raw", "cap_net_admin", "eperm", "eacces"]) {
        "permission"
    } else if has(&["no such device", "not up", "doesn't exist", "disappeared", "network is down"]) {
        "interface"
    } else if has(&["monitor mode", "rfmon"]) {
        "monitor"
    } else {
        "pcap"
    }
}

/// A line on standard error. Who does not listen misses it; packets matter more.
pub fn event(value: &Value) {
    let _ = writeln!(std::io::stderr(), "{value}");
}

/// A line on standard output.
///
/// # Errors
/// Nobody reads it any more.
pub fn tell(value: &Value) -> Result<(), Refused> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{value}").and_then(|()| out.flush()).map_err(|e| Refused::options(format!("Writing failed: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libpcap_says_is_sorted_by_what_can_be_done_about_it() {
        for (text, kind) in [
            ("socket: Operation not permitted", "permission"),
            (
                "eth0: You don't have permission to perform this capture on that device (Attempt to create packet socket failed - CAP_NET_RAW may be required)",
                "permission",
            ),
            ("lo9: No such device exists", "interface"),
            ("ifb0: That device is not up", "interface"),
            ("lo: That device doesn't support monitor mode", "monitor"),
            ("can't mmap rx ring: Invalid argument", "pcap"),
        ] {
            assert_eq!(kind_of(text), kind, "{text}");
        }
    }
}
