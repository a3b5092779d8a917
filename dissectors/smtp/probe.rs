//! Finding SMTP: by the greeting and the hello; and again behind a gap.

use super::{command, reply};
use memchr::{memchr, memmem};
use wirelore_kit::{Dir, Peek, Transport, Verdict};

/// Ports on which a greeting of 220 is enough.
const PORTS: [u16; 5] = [25, 587, 2525, 465, 24];
/// FTP's greeting has the same code.
const FTP: u16 = 21;

/// What the client's first bytes say.
fn client(bytes: &[u8]) -> Verdict {
    let begins = |word: &[u8]| {
        let n = word.len().min(bytes.len());
        bytes.get(..n).is_some_and(|b| word.get(..n).is_some_and(|w| b.eq_ignore_ascii_case(w)))
    };
    match [&b"EHLO "[..], b"HELO ", b"LHLO "].into_iter().find(|w| begins(w)) {
        Some(word) if bytes.len() >= word.len() => Verdict::Sure,
        Some(_) => Verdict::More,
        None => Verdict::No,
    }
}

/// What the server's first bytes say: `Likely` for any greeting of 220.
fn server(bytes: &[u8]) -> Verdict {
    let n = bytes.len().min(3);
    let same = |code: &[u8]| bytes.get(..n) == code.get(..n);
    if !(same(b"220") || same(b"554") || same(b"421")) || bytes.get(3).is_some_and(|b| !matches!(b, b' ' | b'-')) {
        return Verdict::No;
    }
    let Some(len) = memchr(b'\n', bytes) else { return Verdict::More };
    let line = bytes.get(..len).unwrap_or(bytes);
    let named = memmem::find(line, b"SMTP").is_some() || memmem::find(line, b"LMTP").is_some();
    if named && bytes.starts_with(b"220") { Verdict::Sure } else { Verdict::Likely }
}

/// Looks at first bytes. The server's count first: it speaks first.
pub fn probe(peek: &Peek<'_>) -> Verdict {
    if peek.transport != Transport::Tcp {
        return Verdict::No;
    }
    let ours = PORTS.contains(&peek.server_port);
    let client = client(peek.to_server);
    let verdict = match (server(peek.to_client), client) {
        (Verdict::No, _) => Verdict::No,
        (Verdict::Sure, _) => Verdict::Sure,
        (Verdict::Likely, _) if ours => Verdict::Likely,
        // Its greeting is under way; what it says of itself counts.
        (Verdict::More, Verdict::Sure) if ours && !peek.to_client.is_empty() => Verdict::More,
        (_, Verdict::Sure) => Verdict::Sure,
        // A client that speaks first, or of another protocol. On our ports the greeting decides.
        (_, Verdict::No) if !ours => Verdict::No,
        (Verdict::Likely, _) if peek.server_port == FTP => Verdict::No,
        _ => Verdict::More,
    };
    match verdict {
        Verdict::More if peek.ended => Verdict::No,
        v => v,
    }
}

/// Behind a gap: a known command, or a reply, at the beginning of a line.
pub fn resync(bytes: &[u8], dir: Dir) -> Option<usize> {
    let begins = |at: usize| {
        let rest = bytes.get(at..).unwrap_or(&[]);
        match dir {
            Dir::ToServer => rest.len() > 4 && command::known(rest.get(..12).unwrap_or(rest)).is_some(),
            Dir::ToClient => rest.len() > 3 && reply::code(rest.get(..4).unwrap_or(rest)).is_some(),
        }
    };
    if begins(0) {
        return Some(0);
    }
    memchr::memchr_iter(b'\n', bytes).map(|i| i.saturating_add(1)).find(|at| begins(*at))
}
