//! The verdicts of TCP sequence analysis as bits of a packet row, with the field names that Wireshark gives them.

/// One verdict's bit and names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// Its bit.
    pub bit: u32,
    /// Filter name.
    pub name: &'static str,
    /// What a list shows in brackets.
    pub label: &'static str,
    /// Whether lists mark it as trouble.
    pub trouble: bool,
}

macro_rules! verdicts {
    ($($(#[$doc:meta])* $id:ident = $shift:literal, $name:literal, $label:literal, $trouble:literal;)*) => {
        $($(#[$doc])* pub const $id: u32 = 1 << $shift;)*
        /// Every verdict, by rising bit.
        pub static ALL: &[Verdict] = &[$(Verdict { bit: $id, name: $name, label: $label, trouble: $trouble }),*];
    };
}

verdicts! {
    /// The segment's bytes were seen before.
    RETRANSMISSION = 0, "tcp.analysis.retransmission", "TCP retransmission", true;
    /// Resent soon after duplicate acknowledgments.
    FAST_RETRANSMISSION = 1, "tcp.analysis.fast_retransmission", "TCP fast retransmission", true;
    /// Resent although it had been acknowledged.
    SPURIOUS_RETRANSMISSION = 2, "tcp.analysis.spurious_retransmission", "TCP spurious retransmission", true;
    /// Later than its successor, too soon to have been resent.
    OUT_OF_ORDER = 3, "tcp.analysis.out_of_order", "TCP out-of-order", true;
    /// The same acknowledgment again.
    DUPLICATE_ACK = 4, "tcp.analysis.duplicate_ack", "TCP duplicate ACK", true;
    /// Segments before this one were not captured.
    LOST_SEGMENT = 5, "tcp.analysis.lost_segment", "TCP previous segment not captured", true;
    /// Acknowledges bytes that were not captured.
    ACK_LOST_SEGMENT = 6, "tcp.analysis.ack_lost_segment", "TCP acknowledged unseen segment", true;
    /// The receiver's window is zero.
    ZERO_WINDOW = 7, "tcp.analysis.zero_window", "TCP zero window", true;
    /// One byte sent into a zero window.
    ZERO_WINDOW_PROBE = 8, "tcp.analysis.zero_window_probe", "TCP zero window probe", false;
    /// The answer to such a probe.
    ZERO_WINDOW_PROBE_ACK = 9, "tcp.analysis.zero_window_probe_ack", "TCP zero window probe ACK", false;
    /// The segment fills the receiver's window.
    WINDOW_FULL = 10, "tcp.analysis.window_full", "TCP window full", true;
    /// Only the window changed.
    WINDOW_UPDATE = 11, "tcp.analysis.window_update", "TCP window update", false;
    /// A keep-alive.
    KEEP_ALIVE = 12, "tcp.analysis.keep_alive", "TCP keep-alive", false;
    /// Its answer.
    KEEP_ALIVE_ACK = 13, "tcp.analysis.keep_alive_ack", "TCP keep-alive ACK", false;
    /// The ports of an earlier connection are used again.
    REUSED_PORTS = 14, "tcp.analysis.reused_ports", "TCP port numbers reused", false;
    /// A SYN with a fast open option (RFC 7413).
    TFO_SYN = 15, "tcp.analysis.tfo_syn", "TCP fast open", false;
    /// The SYN-ACK took the SYN's data.
    TFO_ACK = 16, "tcp.analysis.tfo_ack", "TCP fast open accepted", false;
    /// The SYN-ACK did not take the SYN's data.
    TFO_IGNORED = 17, "tcp.analysis.tfo_ignored", "TCP fast open ignored", false;
}

/// Bits of verdicts that lists mark as trouble.
#[must_use]
pub fn trouble() -> u32 {
    ALL.iter().filter(|v| v.trouble).fold(0, |bits, v| bits | v.bit)
}
