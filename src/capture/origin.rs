//! Where a pcapng file says that packets come from, besides an ordinary capture.
//!
//! A custom option on an interface (draft-ietf-opsawg-pcapng, section 3.5.1) belongs to an enterprise number. Ours is 32473, which
//! RFC 5612 sets aside for documentation and examples: we own none.

use crate::block::mark;
use crate::event::RawOption;

/// The private enterprise number of our options and custom blocks.
pub const ENTERPRISE: u32 = 32473;
/// The code of a custom option with text that may be copied.
pub const OPTION: u16 = 2988;
/// The option of an interface whose packets were made from bytes that a proxy relayed to and from clients.
pub const CLIENT_LEG: &str = "origin=synthetic side=client";
/// The same, where the client's own packets are in the file too and say it first.
pub const CLIENT_TWIN: &str = "origin=synthetic side=client twin=yes";
/// The same of those to and from servers.
pub const SERVER_LEG: &str = "origin=synthetic side=server";

/// Bits of [`mark`] that all packets of an interface bear.
pub(crate) fn marks(options: &[RawOption], big: bool) -> u32 {
    let number = if big { ENTERPRISE.to_be_bytes() } else { ENTERPRISE.to_le_bytes() };
    let ours = options.iter().filter(|o| o.code == OPTION).find_map(|o| o.value.strip_prefix(&number));
    match ours {
        Some(text) if [SERVER_LEG, CLIENT_TWIN].iter().any(|t| text == t.as_bytes()) => mark::SYNTHETIC | mark::SERVER_LEG,
        Some(text) if text.starts_with(b"origin=synthetic") => mark::SYNTHETIC,
        _ => 0,
    }
}
