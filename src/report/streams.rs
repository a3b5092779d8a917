//! The list `tcp_streams`: length and digest of both directions of each TCP connection, from the delivery logs.

use super::hex;
use crate::reading::Failure;
use crate::session::Session;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use wirelore_engine::reassembly::GapWhy;
use wirelore_store::Flow;

/// The entry of one connection.
///
/// # Errors
/// When recorded bytes can no longer be read.
pub fn stream(session: &Session, f: &Flow<'_>) -> Result<Value, Failure> {
    let mut sums = [Sha256::new(), Sha256::new()];
    let mut lens = [0u64; 2];
    let (gaps, mut cut) = (std::cell::Cell::new(false), false);
    let lost = [std::cell::Cell::new(0u64), std::cell::Cell::new(0u64)];
    // What follows a hole that nobody acknowledged was, as far as this capture shows, never handed to the receiver.
    let ended = [std::cell::Cell::new(false), std::cell::Cell::new(false)];
    session.recall.stream(
        f.id,
        &mut |dir, _, bytes| {
            if ended.get(dir).is_some_and(std::cell::Cell::get) {
                return;
            }
            if let Some(l) = lost.get(dir)
                && l.take() > 0
            {
                gaps.set(true);
            }
            if let (Some(s), Some(n)) = (sums.get_mut(dir), lens.get_mut(dir)) {
                s.update(bytes);
                *n = n.saturating_add(bytes.len() as u64);
            }
        },
        &mut |dir, _, missing, why| match why {
            GapWhy::Midstream => {}
            GapWhy::EndOfCapture => {
                if let Some(e) = ended.get(dir) {
                    e.set(true);
                }
            }
            GapWhy::Snaplen => cut = true,
            // Lost for certain only where bytes follow: what is missing at the very end is told apart.
            _ => {
                if let Some(l) = lost.get(dir) {
                    l.set(l.get().saturating_add(missing));
                }
            }
        },
    )?;
    let [a, b] = f.ends();
    let [sa, sb] = sums.map(|s| hex(s.finalize()));
    let mut e = json!({"stream": f.stream, "a": a.to_string(), "b": b.to_string()});
    for (key, lost) in [("lost_at_end_ab", &lost[0]), ("lost_at_end_ba", &lost[1])] {
        if lost.get() > 0 {
            e[key] = json!(lost.get());
        }
    }
    if gaps.get() || cut {
        e["gaps"] = json!(true);
        e["snaplen_cut"] = json!(cut);
    } else {
        e["bytes_ab"] = json!(lens.first());
        e["bytes_ba"] = json!(lens.get(1));
        e["sha256_ab"] = json!(sa);
        e["sha256_ba"] = json!(sb);
    }
    Ok(e)
}
