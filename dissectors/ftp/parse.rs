//! Lines of FTP to values: pure, without state. Where a command or a reply ends, and the addresses inside of them.

use std::net::{IpAddr, Ipv4Addr};

/// A command line or a reply may be so long, bytes.
pub(super) const MOST: usize = 256 << 10;

/// Command words (RFC 959, 2228, 2389, 2428, 2640, 3659, 4217, 7151 and what programs commonly add).
pub(super) const COMMANDS: &[&str] = &[
    "ABOR", "ACCT", "ADAT", "ALLO", "APPE", "AUTH", "AVBL", "CCC", "CDUP", "CLNT", "COMB", "CONF", "CSID", "CWD", "DELE", "DSIZ",
    "ENC", "EPRT", "EPSV", "ESTA", "ESTP", "FEAT", "HASH", "HELP", "HOST", "LANG", "LIST", "LPRT", "LPSV", "MAIL", "MDTM",
    "MFCT", "MFF", "MFMT", "MIC", "MKD", "MLFL", "MLSD", "MLST", "MODE", "MSAM", "MSND", "MSOM", "NLST", "NOOP", "OPTS", "PASS",
    "PASV", "PBSZ", "PORT", "PROT", "PWD", "QUIT", "RANG", "REIN", "REST", "RETR", "RMD", "RMDA", "RNFR", "RNTO", "SITE", "SIZE",
    "SMNT", "SPSV", "STAT", "STOR", "STOU", "STRU", "SYST", "THMB", "TYPE", "USER", "XCRC", "XCUP", "XCWD", "XMD5", "XMKD",
    "XPWD", "XRCP", "XRMD", "XRSQ", "XSEM", "XSEN", "XSHA", "XSHA1", "XSHA256", "XSHA512",
];

/// Whether `word` is a command, in any case of letters.
pub(super) fn is_command(word: &[u8]) -> bool {
    COMMANDS.iter().any(|c| c.as_bytes().eq_ignore_ascii_case(word))
}

/// Telnet signals (IAC IP, IAC DM and the like) that may stand before a command, bytes; `None` where one of them is not whole yet.
pub(super) fn signals(b: &[u8]) -> Option<usize> {
    let mut n = 0usize;
    loop {
        match (b.get(n), b.get(n.saturating_add(1))) {
            (Some(0xff), Some(_)) => n = n.saturating_add(2),
            (Some(0xff), None) => return None,
            // The data mark of an urgent signal whose IAC travelled out of band.
            (Some(0xf2), _) => n = n.saturating_add(1),
            _ => return Some(n),
        }
    }
}

/// Whether a command may begin here, as far as the bytes go: a word of letters and digits, then a blank or the end of the line.
pub(super) fn may_be_command(b: &[u8]) -> bool {
    if matches!(b.first(), Some(b'\r' | b'\n')) {
        return true;
    }
    let word = b.iter().position(|c| !c.is_ascii_alphanumeric()).unwrap_or(b.len());
    let first = b.first().is_none_or(u8::is_ascii_alphabetic);
    first && word <= 12 && b.get(word).is_none_or(|c| matches!(c, b' ' | b'\t' | b'\r' | b'\n'))
}

/// Whether a reply may begin here, as far as the bytes go: three digits, then a blank, a hyphen or the end of the line.
pub(super) fn may_be_reply(b: &[u8]) -> bool {
    b.iter().take(4).enumerate().all(|(i, c)| match i {
        0 => matches!(c, b'1'..=b'6'),
        1 | 2 => c.is_ascii_digit(),
        _ => matches!(c, b' ' | b'-' | b'\r' | b'\n'),
    })
}

/// Length of the first line, its end included. `from`: bytes before it hold no LF.
pub(super) fn line_end(b: &[u8], from: usize) -> Option<usize> {
    memchr::memchr(b'\n', b.get(from..)?).map(|i| i.saturating_add(from).saturating_add(1))
}

/// Length of a reply, the end of its last line included. A reply that begins `ddd-` ends with a line that begins with the same code and no
/// hyphen (RFC 959 §4.2). Before `from` there is no such end.
pub(super) fn reply_end(b: &[u8], from: usize) -> Option<usize> {
    let first = line_end(b, 0)?;
    if b.get(3) != Some(&b'-') {
        return Some(first);
    }
    let code = b.get(..3)?;
    // Back to the start of the line in which the last search ended.
    let before = b.get(..from.max(first)).unwrap_or(b);
    let mut at = memchr::memrchr(b'\n', before).map_or(first, |i| i.saturating_add(1)).max(first);
    loop {
        let line = b.get(at..)?;
        let end = line_end(line, 0)?;
        if line.starts_with(code) && line.get(3) != Some(&b'-') && may_be_reply(line) {
            return Some(at.saturating_add(end));
        }
        at = at.saturating_add(end);
    }
}

/// Splits a line into what it says and its end (CRLF, LF, or nothing where it was cut).
pub(super) fn split_eol(line: &[u8]) -> (&[u8], usize) {
    let eol = match line {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n'] => 1,
        _ => 0,
    };
    (line.get(..line.len().saturating_sub(eol)).unwrap_or(line), eol)
}

/// A number written in decimal digits alone.
pub(super) fn number(b: &[u8]) -> Option<u64> {
    if b.is_empty() || b.len() > 20 || !b.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(b).ok()?.parse().ok()
}

/// An address and a port in a text, and where both stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// The address; `None` where only the port is said (EPSV).
    pub ip: Option<IpAddr>,
    /// The port.
    pub port: u16,
    /// Where the address is written.
    pub ip_at: (usize, usize),
    /// Where the port is written.
    pub port_at: (usize, usize),
    /// Where the address family is written.
    pub family_at: (usize, usize),
}

/// The first `h1,h2,h3,h4,p1,p2` of a text, with or without parentheses around it (RFC 959 §4.1.2, RFC 1123 §4.1.2.6).
pub(super) fn six_numbers(b: &[u8]) -> Option<Place> {
    let mut from = 0usize;
    while from < b.len() {
        let rest = b.get(from..)?;
        let digits = rest.iter().position(u8::is_ascii_digit)?;
        from = from.saturating_add(digits);
        if let Some(place) = six_at(b, from) {
            return Some(place);
        }
        // On to behind this number.
        from = from.saturating_add(b.get(from..)?.iter().position(|c| !c.is_ascii_digit()).unwrap_or(b.len()));
    }
    None
}

fn six_at(b: &[u8], from: usize) -> Option<Place> {
    let mut n = [0u8; 6];
    let mut at = from;
    let (mut ip_end, mut port_from) = (from, from);
    for (i, slot) in n.iter_mut().enumerate() {
        if i > 0 {
            if b.get(at) != Some(&b',') {
                return None;
            }
            at = at.saturating_add(1);
            // Some programs write a blank behind the comma.
            while b.get(at) == Some(&b' ') {
                at = at.saturating_add(1);
            }
        }
        if i == 4 {
            port_from = at;
        }
        let rest = b.get(at..)?;
        let len = rest.iter().position(|c| !c.is_ascii_digit()).unwrap_or(rest.len());
        *slot = std::str::from_utf8(rest.get(..len)?).ok()?.parse().ok()?;
        at = at.saturating_add(len);
        if i == 3 {
            ip_end = at;
        }
    }
    let [a, c, d, e, hi, lo] = n;
    Some(Place {
        ip: Some(IpAddr::V4(Ipv4Addr::new(a, c, d, e))),
        port: u16::from_be_bytes([hi, lo]),
        ip_at: (from, ip_end),
        port_at: (port_from, at),
        family_at: (0, 0),
    })
}

/// `<d>family<d>address<d>port<d>` with any delimiter d (RFC 2428 §2, §3); family and address may be empty.
pub(super) fn extended(b: &[u8]) -> Option<Place> {
    let from = match memchr::memchr(b'(', b) {
        Some(i) => i.saturating_add(1),
        None => b.iter().position(|c| *c == b'|')?,
    };
    let mark = *b.get(from).filter(|c| matches!(c, 33..=126) && !c.is_ascii_alphanumeric())?;
    let mut marks = [0usize; 4];
    let mut at = from;
    for m in &mut marks {
        let rest = b.get(at..)?;
        at = at.saturating_add(memchr::memchr(mark, rest)?);
        *m = at;
        at = at.saturating_add(1);
    }
    let [m0, m1, m2, m3] = marks;
    let family_at = (m0.saturating_add(1), m1);
    let ip_at = (m1.saturating_add(1), m2);
    let port_at = (m2.saturating_add(1), m3);
    let text = b.get(ip_at.0..ip_at.1)?;
    let ip = if text.is_empty() { None } else { Some(std::str::from_utf8(text).ok()?.parse().ok()?) };
    let port = u16::try_from(number(b.get(port_at.0..port_at.1)?)?).ok()?;
    Some(Place { ip, port, ip_at, port_at, family_at })
}

/// Where the name in a 257 reply stands: between the first quotes, doubled quotes belong to it (RFC 959 App. II).
pub(super) fn quoted(b: &[u8]) -> Option<(usize, usize)> {
    let from = memchr::memchr(b'"', b)?.saturating_add(1);
    let mut at = from;
    loop {
        at = at.saturating_add(memchr::memchr(b'"', b.get(at..)?)?);
        if b.get(at.saturating_add(1)) != Some(&b'"') {
            return Some((from, at));
        }
        at = at.saturating_add(2);
    }
}

/// Where the size in "(1205 bytes)" stands, as 150 replies have it.
pub(super) fn counted(b: &[u8]) -> Option<(usize, usize)> {
    let end = memchr::memmem::find(b, b" bytes")?;
    let head = b.get(..end)?;
    let from = head.iter().rposition(|c| !c.is_ascii_digit()).map_or(0, |i| i.saturating_add(1));
    (from < end && from > 0 && b.get(from.saturating_sub(1)) == Some(&b'(')).then_some((from, end))
}

/// Where the name in "FILE: name" stands, as replies to STOU have it (RFC 1123 §4.1.2.9).
pub(super) fn stored_as(b: &[u8]) -> Option<(usize, usize)> {
    let at = b.windows(5).position(|w| w.eq_ignore_ascii_case(b"FILE:"))?.saturating_add(5);
    let rest = b.get(at..)?;
    let blank = rest.iter().position(|c| *c != b' ')?;
    let from = at.saturating_add(blank);
    Some((from, b.len()))
}

/// Behind a gap: the next place where a command (or a reply) may begin. Looks at no more than 9 bytes behind a line's end.
pub(super) fn resync(b: &[u8], reply: bool) -> Option<usize> {
    let fits = |rest: &[u8]| {
        if reply {
            return rest.len() >= 4 && may_be_reply(rest);
        }
        let word = rest.iter().position(|c| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        word < rest.len() && word <= 8 && may_be_command(rest) && rest.get(..word).is_some_and(is_command)
    };
    if fits(b) {
        return Some(0);
    }
    memchr::memchr_iter(b'\n', b).map(|i| i.saturating_add(1)).find(|at| b.get(*at..).is_some_and(fits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(p: Option<Place>) -> (Option<String>, u16) {
        let p = p.expect("an address");
        (p.ip.map(|i| i.to_string()), p.port)
    }

    #[test]
    fn addresses_are_found_in_the_forms_that_servers_write() {
        for text in [
            "Entering Passive Mode (90,130,70,73,100,85).",
            "Entering Passive Mode. 90,130,70,73,100,85",
            "=90,130,70,73,100,85",
            "Passive mode 2 on 90, 130, 70, 73, 100, 85",
        ] {
            assert_eq!(place(six_numbers(text.as_bytes())), (Some("90.130.70.73".into()), 25685), "{text}");
        }
        for text in ["", "(1,2,3,4,5)", "(1,2,3,4,5,256)", "12", "1,2,3,4,,5,6"] {
            assert_eq!(six_numbers(text.as_bytes()), None, "{text}");
        }
        assert_eq!(place(extended(b"Entering Extended Passive Mode (|||38141|)")), (None, 38141));
        assert_eq!(place(extended(b"ok |||38141|")), (None, 38141));
        assert_eq!(place(extended(b"Entering (!!!38141!)")), (None, 38141));
        assert_eq!(place(extended(b"|2|2001:db8::1|5282|")), (Some("2001:db8::1".into()), 5282));
        for text in ["", "(|||)", "|||70000|", "(abc)", "|1|132.235.1.2|"] {
            assert_eq!(extended(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_reply_ends_with_its_own_code_and_no_hyphen() {
        for (text, len) in [
            ("220 hi\r\n221 x\r\n", Some(8)),
            ("220-hi\r\n there\r\n220 end\r\n", Some(25)),
            ("220-hi\r\n221 not it\r\n220-nor this\r\n220\r\n", Some(39)),
            ("220-hi\r\n220 end", None),
            ("220", None),
        ] {
            assert_eq!(reply_end(text.as_bytes(), 0), len, "{text}");
            for from in 0..len.unwrap_or(text.len()) {
                assert_eq!(reply_end(text.as_bytes(), from), len, "{text} from {from}");
            }
        }
    }

    #[test]
    fn names_in_replies_are_found() {
        let at = |r: Option<(usize, usize)>, t: &'static str| r.map(|(a, b)| &t[a..b]);
        let t = "\"/a \"\"b\"\"\" is current";
        assert_eq!(at(quoted(t.as_bytes()), t), Some("/a \"\"b\"\""));
        let t = "Opening BINARY mode data connection for x (39 bytes).";
        assert_eq!(at(counted(t.as_bytes()), t), Some("39"));
        let t = "FILE: unique.1";
        assert_eq!(at(stored_as(t.as_bytes()), t), Some("unique.1"));
        assert_eq!(counted(b"9 bytes"), None);
        assert_eq!(quoted(b"\"open"), None);
    }
}
