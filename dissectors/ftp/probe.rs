//! Recognising FTP by its greeting and the first command behind it.

use super::parse;
use wirelore_kit::{Peek, Transport, Verdict};

/// Commands with which a client may begin; no other protocol whose server greets with 220 knows them.
const FIRST: &[&str] = &[
    "USER", "AUTH", "FEAT", "HOST", "CLNT", "CSID", "SYST", "OPTS", "PASS", "LANG", "PBSZ", "PROT", "ADAT", "SITE", "PASV",
    "EPSV", "CWD", "TYPE",
];

/// A server that greets with 220 and a client that then says what only FTP knows are sure; a reply and a known command without a greeting
/// are likely. Mail servers greet in the same way, so a greeting alone decides nothing unless it names FTP at length.
pub(super) fn probe(peek: &Peek<'_>) -> Verdict {
    let (up, down) = (peek.to_server, peek.to_client);
    if peek.transport != Transport::Tcp || !parse::may_be_reply(down) {
        return Verdict::No;
    }
    if names_ftp(down) {
        return Verdict::Sure;
    }
    let client = first_word(up);
    if client == Some(None) {
        return Verdict::No;
    }
    let open = if peek.ended { Verdict::Likely } else { Verdict::More };
    let Some(Some(word)) = client else { return if down.is_empty() && peek.ended { Verdict::No } else { open } };
    if down.len() < 4 && !peek.ended {
        return open;
    }
    let known = |list: &[&str]| list.iter().any(|c| c.as_bytes().eq_ignore_ascii_case(word));
    let greets = down.starts_with(b"220");
    match () {
        () if greets && known(FIRST) => Verdict::Sure,
        // Mail has this word too.
        () if parse::is_command(word) && !known(&["MAIL"]) => Verdict::Likely,
        () => Verdict::No,
    }
}

/// Whether a greeting whose first line is whole says that this is FTP, and nothing of mail.
fn names_ftp(down: &[u8]) -> bool {
    let Some(line) = down.strip_prefix(b"220").and_then(|l| l.get(..memchr::memchr(b'\n', l)?)) else { return false };
    let has = |word: &[u8]| line.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word));
    let named = memchr::memmem::find(line, b"FTP").is_some() || has(b"ftpd");
    named && !has(b"SMTP") && !has(b"mail")
}

/// The first word of the client: `None` while it is not whole, `Some(None)` where it is no word.
fn first_word(up: &[u8]) -> Option<Option<&[u8]>> {
    let n = parse::signals(up)?;
    let b = up.get(n..).unwrap_or(&[]);
    if !parse::may_be_command(b) || matches!(b.first(), Some(b'\r' | b'\n')) {
        return Some(None);
    }
    let end = b.iter().position(|c| !c.is_ascii_alphanumeric())?;
    Some(b.get(..end))
}
