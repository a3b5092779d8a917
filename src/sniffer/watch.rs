//! How busy each interface is, from the counters that the kernel keeps anyway: nothing is captured for it.

use crate::said::{Refused, tell};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::{Map, Value, json};

const EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 500_000_000 };

/// Tells `{"lo":[packets, bytes], ...}` every 500 ms, counted since the interface came up, until standard input ends.
pub fn run() -> Result<(), Refused> {
    crate::privilege::give_away();
    loop {
        tell(&Value::Object(counters(&std::fs::read_to_string("/proc/net/dev").unwrap_or_default())))?;
        let stdin = rustix::stdio::stdin();
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        // Whatever comes there, or its end, means enough.
        if poll(&mut fds, Some(&EVERY)).is_ok_and(|n| n > 0) {
            return Ok(());
        }
    }
}

/// Packets and bytes of each interface, both ways, out of `/proc/net/dev` (proc_pid_net(5)).
fn counters(text: &str) -> Map<String, Value> {
    let lines = text.lines().filter_map(|line| {
        let (name, numbers) = line.split_once(':')?;
        let numbers: Vec<u64> = numbers.split_whitespace().filter_map(|n| n.parse().ok()).collect();
        let [bytes_in, packets_in, _, _, _, _, _, _, bytes_out, packets_out, ..] = *numbers.as_slice() else { return None };
        // What is sent to oneself is counted on both ways, and captured once.
        let (packets, bytes) = match name.trim() {
            "lo" => (packets_in, bytes_in),
            _ => (packets_in.saturating_add(packets_out), bytes_in.saturating_add(bytes_out)),
        };
        Some((name.trim().to_owned(), json!([packets, bytes])))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_count_and_headings_do_not() {
        let text = "Inter-|   Receive        |  Transmit\n face |bytes    packets errs\n    lo: 100 2 0 0 0 0 0 0 100 2 0 0 0 0 0 0\n  eth0:1000 10 0 0 0 0 0 0 500 5 0 0 0 0 0 0\n";
        let all = counters(text);
        assert_eq!(Value::Object(all), json!({ "lo": [2, 100], "eth0": [15, 1500] }));
    }
}
