//! Searching flows for text in their endpoints: "10.0.0.1:80", "[::1]:443", or a name the capture gives an address.

use super::bits::{BLOCK, Bits};
use super::needle::{Case, Needle};
use crate::jobs::Work;
use crate::snapshot::Snapshot;
use std::fmt::Write as _;
use std::net::IpAddr;

/// Flows one of whose endpoints, written out, holds the text. `None` when cancelled.
pub(crate) fn flows_with(snapshot: &Snapshot, text: &str, work: &Work) -> Option<Bits> {
    let needle = Needle::new(text.as_bytes(), Case::Ignore);
    if needle.is_empty() {
        return Some(Bits::all(snapshot.flows()));
    }
    // Addresses are far fewer than flows: each is written once.
    let hosts = Bits::filled(snapshot.hosts().len(), work, |block, bits| {
        let mut written = String::new();
        for i in 0..BLOCK {
            let Some(ip) = snapshot.hosts().get(block * BLOCK + i) else { break };
            let named = snapshot.name_of(ip).is_some_and(|name| needle.is_in(name.as_bytes()));
            written.clear();
            // Writing to a String cannot fail.
            let _ = write!(written, "{ip}");
            bits.put(i as usize, named || needle.is_in(written.as_bytes()));
        }
    })?;
    // What can only be found across address and port, or in the port, must end with digits of a port.
    let port_part = text.rsplit([':', ']']).next().unwrap_or(text);
    let ports_too = port_part.len() <= 5 && port_part.bytes().all(|b| b.is_ascii_digit()) && (port_part.len() == text.len() || text.contains([':', ']']));
    Bits::filled(snapshot.flows(), work, |block, bits| {
        let mut written = String::new();
        for i in 0..BLOCK {
            let Some(flow) = snapshot.flow(block * BLOCK + i) else { break };
            let mut found = flow.host_numbers().into_iter().any(|h| hosts.has(h));
            if !found && ports_too {
                found = flow.ends().into_iter().any(|end| {
                    written.clear();
                    let _ = match (end.port, port_part.len() == text.len(), end.ip) {
                        (0, _, _) => Ok(()),
                        // Digits alone: the address was looked at already.
                        (port, true, _) => write!(written, "{port}"),
                        (port, false, IpAddr::V4(ip)) => write!(written, "{ip}:{port}"),
                        (port, false, IpAddr::V6(ip)) => write!(written, "[{ip}]:{port}"),
                    };
                    needle.is_in(written.as_bytes())
                });
            }
            bits.put(i as usize, found);
        }
    })
}
