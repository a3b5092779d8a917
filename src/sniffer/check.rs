//! Whether libpcap can compile a filter: asked while somebody types it, so one process answers many times, and holds no privilege.

use crate::said::{Refused, tell, words};
use pcap::{Capture, Linktype};
use serde_json::{Value, json};
use std::io::BufRead;

/// Answers a line `[LINK TYPE, "FILTER"]` with `{"ok":true}` or `{"ok":false,"text":...}`, until there are no more; `never` is set where it
/// is well formed and no packet can match.
pub fn run() -> Result<(), Refused> {
    crate::privilege::give_away();
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        let (link, filter) = serde_json::from_str::<(i32, String)>(&line)
            .map_err(|e| Refused::options(format!("check: a line is no [LINK TYPE, \"FILTER\"]: {e}")))?;
        tell(&answer(link, &filter))?;
    }
    Ok(())
}

fn answer(link: i32, filter: &str) -> Value {
    let compiles = |optimize| Capture::dead(Linktype(link)).and_then(|c| c.compile(filter, optimize).map(drop));
    match (compiles(false), compiles(true)) {
        (Ok(()), Ok(())) => json!({ "ok": true }),
        // Only the optimizer sees that nothing can match.
        (Ok(()), Err(e)) => json!({ "ok": false, "never": true, "text": words(&e) }),
        (Err(e), _) => json!({ "ok": false, "text": words(&e) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_compiled_for_a_kind_of_header() {
        assert_eq!(answer(1, "tcp port 80")["ok"], true);
        assert_eq!(answer(1, "tcp prt 80")["ok"], false);
        assert!(answer(1, "tcp prt 80")["text"].as_str().is_some_and(|t| t.contains("syntax error")));
        assert_eq!(answer(1, "tcp and udp")["never"], true);
        // Raw IP has no Ethernet addresses.
        assert_eq!(answer(101, "ether host 00:11:22:33:44:55")["ok"], false);
        assert_eq!(answer(1, "tcp\0port")["ok"], false);
    }
}
