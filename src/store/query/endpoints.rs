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
    // What is in no address by itself ends with digits of a port: digits alone, or behind the colon.
    let (before, digits) = text.rsplit_once(':').map_or((None, text), |(before, digits)| (Some(before), digits));
    let ports_too = digits.len() <= 5 && digits.bytes().all(|b| b.is_ascii_digit());
    Bits::filled(snapshot.flows(), work, |block, bits| {
        let mut written = String::new();
        for i in 0..BLOCK {
            let Some(flow) = snapshot.flow(block * BLOCK + i) else { break };
            let mut found = flow.host_numbers().into_iter().any(|h| hosts.has(h));
            if !found && ports_too {
                found = flow.ports().into_iter().enumerate().any(|(end, port)| {
                    let mut room = [0; 5];
                    let port = if port == 0 { &[] } else { decimal(port, &mut room) };
                    match before {
                        None => port.windows(digits.len()).any(|w| w == digits.as_bytes()),
                        Some(before) => {
                            !port.is_empty() && port.starts_with(digits.as_bytes()) && {
                                written.clear();
                                let _ = match flow.ends().get(end).map(|e| e.ip) {
                                    Some(IpAddr::V6(ip)) => write!(written, "[{ip}]"),
                                    Some(IpAddr::V4(ip)) => write!(written, "{ip}"),
                                    None => Ok(()),
                                };
                                written.len() >= before.len() && written.ends_with(&before.to_ascii_lowercase())
                            }
                        }
                    }
                });
            }
            bits.put(i as usize, found);
        }
    })
}

/// A port in decimal digits, without going through the formatting machinery for each of a million flows.
fn decimal(mut port: u16, room: &mut [u8; 5]) -> &[u8] {
    let mut from = room.len();
    for slot in room.iter_mut().rev() {
        *slot = b'0' + (port % 10) as u8;
        port /= 10;
        from -= 1;
        if port == 0 {
            break;
        }
    }
    room.get(from..).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_written_as_numbers_are() {
        for port in [0, 7, 80, 443, 8080, 10_000, u16::MAX] {
            assert_eq!(decimal(port, &mut [0; 5]), port.to_string().as_bytes());
        }
    }
}
