//! Which processes spoke, and how much, in words.

use crate::story::{bytes, plural};
use std::collections::BTreeMap;
use wirelore_store::{FlowFlags, Process, Snapshot};

/// At most so many are named.
const MOST: usize = 20;
/// Characters of a command line that are shown.
const MOST_COMMAND: usize = 80;

/// A line for each process, the busiest first; none where the capture does not say.
#[must_use]
pub fn lines(s: &Snapshot) -> Vec<String> {
    if s.facts().processes.all().is_empty() {
        return Vec::new();
    }
    let mut all: BTreeMap<(u32, &str), (&Process, u64, u64)> = BTreeMap::new();
    // A leg that says once more what another one says is the same conversation.
    for flow in s.each_flow().filter(|f| !f.flags.has(FlowFlags::TWIN)) {
        if let Some(process) = s.facts().processes.of(&flow) {
            let entry = all.entry((process.pid, &process.name)).or_insert((process, 0, 0));
            entry.1 += 1;
            entry.2 = entry.2.saturating_add(flow.byte_count());
        }
    }
    let mut all: Vec<_> = all.into_values().collect();
    all.sort_by(|a, b| (b.1, b.2).cmp(&(a.1, a.2)).then(a.0.pid.cmp(&b.0.pid)));
    let mut lines: Vec<String> = all
        .iter()
        .take(MOST)
        .map(|(process, flows, size)| {
            let command = crate::text::safe(process.command.as_bytes());
            let cut = command.char_indices().nth(MOST_COMMAND).map(|(at, _)| at);
            let command = cut.and_then(|at| command.get(..at)).map_or(command.clone(), |c| format!("{c}…"));
            let name = crate::text::safe(process.name.as_bytes());
            let flows = plural(*flows, "conversation", "conversations");
            format!("{name} ({}): {flows}, {}: {command}", process.pid, bytes(*size))
        })
        .collect();
    if all.len() > MOST {
        lines.push(format!("and {}", plural((all.len() - MOST) as u64, "other", "others")));
    }
    lines
}
