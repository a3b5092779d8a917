//! One command or one reply, read with its fields.

use super::parse::{self, Place};
use super::{fields as f, notes as n};
use std::net::IpAddr;
use wirelore_kit::{F, Level, Reader, Stop, Value};

/// What a command asks for, as far as the conversation depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Abor,
    Acct,
    Allo,
    Auth,
    Ccc,
    Epsv,
    Eprt,
    Feat,
    Folder,
    Mdtm,
    Mlst,
    Mode,
    Pass,
    Pasv,
    Pbsz,
    Port,
    Prot,
    Quit,
    Rein,
    Rest,
    Site,
    Size,
    Stat,
    Stou,
    Stru,
    Transfer,
    Type,
    User,
    Path,
    Other,
}

impl Verb {
    /// By the command word, in any case of letters.
    pub(super) fn of(word: &[u8]) -> Verb {
        let mut up = [0u8; 4];
        for (slot, c) in up.iter_mut().zip(word) {
            *slot = c.to_ascii_uppercase();
        }
        if word.len() > 4 {
            return if up == *b"XSHA" { Verb::Path } else { Verb::Other };
        }
        match &up {
            b"ABOR" => Verb::Abor,
            b"ACCT" => Verb::Acct,
            b"ALLO" => Verb::Allo,
            b"AUTH" => Verb::Auth,
            b"CCC\0" => Verb::Ccc,
            b"EPSV" => Verb::Epsv,
            b"EPRT" => Verb::Eprt,
            b"FEAT" => Verb::Feat,
            b"PWD\0" | b"XPWD" | b"MKD\0" | b"XMKD" => Verb::Folder,
            b"MDTM" => Verb::Mdtm,
            b"MLST" => Verb::Mlst,
            b"MODE" => Verb::Mode,
            b"PASS" => Verb::Pass,
            b"PASV" | b"SPSV" => Verb::Pasv,
            b"PBSZ" => Verb::Pbsz,
            b"PORT" => Verb::Port,
            b"PROT" => Verb::Prot,
            b"QUIT" => Verb::Quit,
            b"REIN" => Verb::Rein,
            b"REST" => Verb::Rest,
            b"SITE" | b"OPTS" => Verb::Site,
            b"SIZE" => Verb::Size,
            b"STAT" => Verb::Stat,
            b"STOU" => Verb::Stou,
            b"STRU" => Verb::Stru,
            b"APPE" | b"LIST" | b"MLSD" | b"NLST" | b"RETR" | b"STOR" => Verb::Transfer,
            b"TYPE" => Verb::Type,
            b"USER" => Verb::User,
            b"CWD\0" | b"XCWD" | b"DELE" | b"RMD\0" | b"XRMD" | b"RMDA" | b"RNFR" | b"RNTO" | b"SMNT" | b"HASH" | b"XCRC"
            | b"XMD5" => Verb::Path,
            _ => Verb::Other,
        }
    }

    /// Whether it moves data over a data connection.
    pub(super) const fn moves_data(self) -> bool {
        matches!(self, Verb::Transfer | Verb::Stou)
    }
}

/// A command as read.
pub(super) struct Command<'a> {
    /// Its word as sent; empty for an empty line.
    pub word: &'a [u8],
    /// What follows the blanks behind it.
    pub arg: &'a [u8],
    /// What it asks for.
    pub verb: Verb,
    /// The address that PORT or EPRT names.
    pub place: Option<Place>,
}

/// A reply as read.
pub(super) struct Reply<'a> {
    /// The code.
    pub code: u16,
    /// Text of its first line.
    pub text: &'a [u8],
    /// How many lines it has.
    pub lines: usize,
    /// The address of a 227, 228 or 229 reply.
    pub place: Option<Place>,
}

/// A range of a text that means something of its own.
struct Part {
    at: (usize, usize),
    field: F,
    value: Value,
}

const fn part(at: (usize, usize), field: F, value: Value) -> Part {
    Part { at, field, value }
}

fn ip_value(ip: IpAddr) -> Value {
    match ip {
        IpAddr::V4(a) => Value::Ip4(a.octets()),
        IpAddr::V6(a) => Value::Ip6(a.octets()),
    }
}

/// `len` bytes as `field`, with `parts` (in order) as its children and the text between them beside those.
fn with_parts(r: &mut Reader<'_>, field: F, len: usize, parts: Vec<Part>) -> Result<(), Stop> {
    if parts.is_empty() {
        return r.text(field, len).map(|_| ());
    }
    r.titled(field, |r| {
        let mut at = 0usize;
        for p in parts {
            let (from, to) = p.at;
            if from > at {
                r.text(&f::TEXT, from.saturating_sub(at))?;
            }
            if to > from.max(at) {
                r.valued(p.field, to.saturating_sub(from.max(at)), p.value)?;
            }
            at = at.max(to);
        }
        if len > at {
            r.text(&f::TEXT, len.saturating_sub(at))?;
        }
        Ok(((), Value::Span))
    })
}

/// Reads a command; `secure`: inside of TLS. `client` is the address that it comes from.
///
/// # Errors
/// [`Stop::Short`] until the line is whole; [`Stop::Bad`] where no command begins.
pub(super) fn command<'a>(r: &mut Reader<'a>, secure: bool, client: Option<IpAddr>) -> Result<Command<'a>, Stop> {
    let Some(signals) = parse::signals(r.rest()) else {
        return Err(Stop::Short { need: r.taken().saturating_add(r.left()).saturating_add(1) });
    };
    let behind = r.rest().get(signals..).unwrap_or(&[]);
    if !parse::may_be_command(behind) {
        return Err(Stop::Bad(&n::NOT_COMMAND));
    }
    let len = line_len(r, parse::line_end)?;
    r.group(&f::FTP, |r| {
        let span = r.span(len);
        r.derived(&f::REQUEST, span, Value::Bool(true));
        if signals > 0 {
            r.bytes(&f::TELNET, signals)?;
        }
        let (line, eol) = parse::split_eol(r.peek(len.saturating_sub(signals))?);
        let word_len = line.iter().position(|c| matches!(c, b' ' | b'\t' | b'\r')).unwrap_or(line.len());
        let word = line.get(..word_len).unwrap_or(line);
        if word_len > 0 {
            r.text(&f::COMMAND, word_len)?;
        } else {
            r.note(&n::EMPTY, span);
        }
        let rest = line.get(word_len..).unwrap_or(&[]);
        let blanks = rest.iter().position(|c| !matches!(c, b' ' | b'\t')).unwrap_or(rest.len());
        if blanks > 0 {
            r.text(&f::SPACE, blanks)?;
        }
        let arg = rest.get(blanks..).unwrap_or(&[]);
        let verb = Verb::of(word);
        let place = argument(r, verb, arg, secure, client)?;
        end_of_line(r, eol)?;
        Ok(Command { word, arg, verb, place })
    })
}

/// The end of what `find` finds, or all that is left where nothing more comes.
fn line_len(r: &mut Reader<'_>, find: impl FnOnce(&[u8], usize) -> Option<usize>) -> Result<usize, Stop> {
    match r.seek(find) {
        Ok(len) if len <= parse::MOST => Ok(len),
        Ok(_) => Err(Stop::Bad(&n::TOO_LONG)),
        Err(_) if r.left() > parse::MOST => Err(Stop::Bad(&n::TOO_LONG)),
        Err(_) if r.is_bounded() => Ok(r.left()),
        Err(stop) => Err(stop),
    }
}

fn end_of_line(r: &mut Reader<'_>, eol: usize) -> Result<(), Stop> {
    if eol == 1 {
        r.note(&n::BARE_LF, r.span(1));
    }
    if eol > 0 {
        r.bytes(&f::EOL, eol)?;
    }
    Ok(())
}

/// Reads what follows the command word. Returns the address that it names, if it is to name one.
fn argument(r: &mut Reader<'_>, verb: Verb, arg: &[u8], secure: bool, client: Option<IpAddr>) -> Result<Option<Place>, Stop> {
    let len = arg.len();
    let at = r.span(len);
    if len == 0 {
        return Ok(None);
    }
    match verb {
        Verb::Port | Verb::Eprt => {
            let place = if verb == Verb::Port { parse::six_numbers(arg) } else { parse::extended(arg) };
            let Some(place) = place else {
                r.note(&n::BAD_ADDRESS, at);
                r.text(&f::ARG, len)?;
                return Ok(None);
            };
            if place.port < 1024 {
                r.note(&n::LOW_PORT, at);
            }
            let other = differs(place.ip, client);
            if other {
                r.note(&n::OTHER_ADDRESS, at);
            }
            let parts = if r.level() == Level::Tree { port_parts(&place, verb, arg) } else { Vec::new() };
            with_parts(r, &f::ARG, len, parts)?;
            if verb == Verb::Port {
                r.derived(&f::ACTIVE_NAT, at, Value::Bool(other));
            }
            return Ok(Some(place));
        }
        Verb::Pass => {
            if !secure && !arg.is_empty() {
                r.note(&n::PASSWORD_CLEAR, at);
            }
            r.text(&f::PASSWORD, len)?;
        }
        Verb::Acct => {
            r.text(&f::PASSWORD, len)?;
        }
        // Options of ls are no path.
        Verb::Path | Verb::Folder | Verb::Transfer | Verb::Stou | Verb::Size | Verb::Mdtm | Verb::Mlst | Verb::Stat
            if !arg.starts_with(b"-") =>
        {
            with_parts(r, &f::ARG, len, vec![part((0, len), &f::PATH, Value::Span)])?;
        }
        _ => {
            if verb == Verb::Mode && !arg.eq_ignore_ascii_case(b"S") {
                r.note(&n::ODD_MODE, at);
            }
            let parts = if r.level() == Level::Tree { plain_parts(verb, arg) } else { Vec::new() };
            with_parts(r, &f::ARG, len, parts)?;
        }
    }
    Ok(None)
}

/// Whether a private address behind a translator, or a third party's, stands where the sender's own is expected.
pub(super) fn differs(said: Option<IpAddr>, own: Option<IpAddr>) -> bool {
    matches!((said, own), (Some(a), Some(b)) if a.to_canonical() != b.to_canonical())
}

fn port_parts(place: &Place, verb: Verb, arg: &[u8]) -> Vec<Part> {
    let ip = place.ip.map(ip_value);
    let port = Value::U64(u64::from(place.port));
    if verb == Verb::Port {
        return ip
            .map(|ip| vec![part(place.ip_at, &f::ACTIVE_IP, ip), part(place.port_at, &f::ACTIVE_PORT, port)])
            .unwrap_or_default();
    }
    let mut parts = Vec::new();
    if let Some(family) = arg.get(place.family_at.0..place.family_at.1).and_then(parse::number) {
        parts.push(part(place.family_at, &f::EPRT_AF, Value::U64(family)));
    }
    match ip {
        Some(v @ Value::Ip4(_)) => parts.push(part(place.ip_at, &f::EPRT_IP, v)),
        Some(v) => parts.push(part(place.ip_at, &f::EPRT_IPV6, v)),
        None => {}
    }
    parts.push(part(place.port_at, &f::EPRT_PORT, port));
    parts
}

fn plain_parts(verb: Verb, arg: &[u8]) -> Vec<Part> {
    let all = (0, arg.len());
    let first = (0, arg.iter().position(|c| *c == b' ').unwrap_or(arg.len()));
    let counted = |field: F| {
        let n = arg.get(first.0..first.1).and_then(parse::number);
        n.map(|n| vec![part(first, field, Value::U64(n))]).unwrap_or_default()
    };
    match verb {
        Verb::Type => vec![part(all, &f::TYPE, Value::Span)],
        Verb::Stru => vec![part(all, &f::STRUCTURE, Value::Span)],
        Verb::Mode => vec![part(all, &f::MODE, Value::Span)],
        Verb::User => vec![part(all, &f::USER, Value::Span)],
        Verb::Auth => vec![part(all, &f::MECHANISM, Value::Span)],
        Verb::Prot => vec![part(all, &f::LEVEL, Value::Span)],
        Verb::Site => vec![part(first, &f::SUBCOMMAND, Value::Span)],
        Verb::Rest => counted(&f::OFFSET),
        Verb::Allo => counted(&f::ALLOCATE),
        Verb::Pbsz => counted(&f::BUFFER),
        _ => Vec::new(),
    }
}

/// Reads a reply; `verb` is what it answers, as far as that is known; `server` is the address that it comes from.
///
/// # Errors
/// [`Stop::Short`] until its last line is whole; [`Stop::Bad`] where no reply begins.
pub(super) fn reply<'a>(r: &mut Reader<'a>, verb: Option<Verb>, server: Option<IpAddr>) -> Result<Reply<'a>, Stop> {
    if !parse::may_be_reply(r.rest()) {
        return Err(Stop::Bad(&n::NOT_REPLY));
    }
    let len = line_len(r, parse::reply_end)?;
    r.group(&f::FTP, |r| {
        let whole = r.peek(len)?;
        r.derived(&f::RESPONSE, r.span(len), Value::Bool(true));
        let first = parse::line_end(whole, 0).unwrap_or(len);
        let (line, eol) = parse::split_eol(whole.get(..first).unwrap_or(whole));
        let code = line.get(..3).and_then(parse::number).unwrap_or(0) as u16;
        let digits = line.len().min(3);
        let code_at = r.span(digits);
        r.valued(&f::CODE, digits, Value::U64(u64::from(code)))?;
        match code {
            400..=499 => r.note(&n::NOT_NOW, code_at),
            500..=599 => r.note(&n::REFUSED, code_at),
            _ => {}
        }
        if line.len() > 3 {
            r.text(if line.get(3) == Some(&b'-') { &f::MORE } else { &f::SPACE }, 1)?;
        }
        let text = line.get(4..).unwrap_or(&[]);
        let at = r.span(text.len());
        let place = match code {
            227 | 228 => parse::six_numbers(text),
            229 => parse::extended(text),
            _ => None,
        };
        if matches!(code, 227 | 229) && place.is_none() {
            r.note(&n::BAD_ADDRESS, at);
        }
        let other = place.is_some_and(|p| differs(p.ip, server));
        if other {
            r.note(&n::OTHER_ADDRESS, at);
        }
        if !text.is_empty() {
            let parts = if r.level() == Level::Tree { reply_parts(code, verb, place.as_ref(), text) } else { Vec::new() };
            with_parts(r, &f::RESPONSE_ARG, text.len(), parts)?;
        }
        match (code, server) {
            (227, _) if place.is_some() => r.derived(&f::PASSIVE_NAT, at, Value::Bool(other)),
            (229, Some(ip)) if place.is_some_and(|p| p.ip.is_none()) => {
                r.derived(if ip.is_ipv4() { &f::EPSV_IP } else { &f::EPSV_IPV6 }, at, ip_value(ip));
            }
            _ => {}
        }
        end_of_line(r, eol)?;
        let lines = further(r, len.saturating_sub(first), verb)?.saturating_add(1);
        Ok(Reply { code, text, lines, place })
    })
}

/// The lines of a reply behind its first, `len` bytes of them. Returns how many there are.
fn further(r: &mut Reader<'_>, len: usize, verb: Option<Verb>) -> Result<usize, Stop> {
    let mut left = len;
    let mut lines = 0usize;
    if r.level() < Level::Tree {
        let rest = r.peek(left)?;
        r.bytes(&f::LINE, left)?;
        let cut = usize::from(rest.last().is_some_and(|c| *c != b'\n'));
        return Ok(memchr::memchr_iter(b'\n', rest).count().saturating_add(cut));
    }
    while left > 0 {
        let rest = r.peek(left)?;
        let end = parse::line_end(rest, 0).unwrap_or(left);
        let last = end == left;
        let (line, eol) = parse::split_eol(rest.get(..end).unwrap_or(rest));
        if last && line.len() >= 3 && parse::may_be_reply(line) {
            let code = line.get(..3).and_then(parse::number).unwrap_or(0);
            r.valued(&f::LAST_CODE, 3, Value::U64(code))?;
            if line.len() > 3 {
                r.text(&f::SPACE, 1)?;
            }
            if line.len() > 4 {
                r.text(&f::TEXT, line.len().saturating_sub(4))?;
            }
        } else if !line.is_empty() {
            let blanks = line.iter().position(|c| *c != b' ').unwrap_or(line.len());
            let from_to = (blanks, line.len());
            let parts = match verb {
                Some(Verb::Feat) if line.len() > blanks => vec![part(from_to, &f::FEATURE, Value::Span)],
                Some(Verb::Mlst) => facts(line, blanks),
                _ => Vec::new(),
            };
            with_parts(r, &f::LINE, line.len(), parts)?;
        }
        if eol > 0 {
            r.bytes(&f::EOL, eol)?;
        }
        left = left.saturating_sub(end);
        lines = lines.saturating_add(1);
    }
    Ok(lines)
}

/// `fact=value;fact=value; name`, from `from` on (RFC 3659 §7.2).
fn facts(line: &[u8], from: usize) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut at = from;
    while let Some(len) = line.get(at..).and_then(|l| l.iter().position(|c| matches!(c, b';' | b' '))) {
        let end = at.saturating_add(len);
        if len > 0 && line.get(at..end).is_some_and(|fact| fact.contains(&b'=')) {
            parts.push(part((at, end), &f::FACT, Value::Span));
        }
        at = end.saturating_add(1);
        if line.get(end) == Some(&b' ') {
            if at < line.len() {
                parts.push(part((at, line.len()), &f::FOLDER, Value::Span));
            }
            break;
        }
    }
    parts
}

fn reply_parts(code: u16, verb: Option<Verb>, place: Option<&Place>, text: &[u8]) -> Vec<Part> {
    if let Some(p) = place {
        let port = Value::U64(u64::from(p.port));
        return match (code, p.ip) {
            (229, None) => vec![part(p.port_at, &f::EPSV_PORT, port)],
            (229, Some(ip)) => {
                let field = if ip.is_ipv4() { &f::EPSV_IP } else { &f::EPSV_IPV6 };
                vec![part(p.ip_at, field, ip_value(ip)), part(p.port_at, &f::EPSV_PORT, port)]
            }
            (_, Some(ip)) => {
                vec![part(p.ip_at, &f::PASSIVE_IP, ip_value(ip)), part(p.port_at, &f::PASSIVE_PORT, port)]
            }
            (_, None) => Vec::new(),
        };
    }
    let all = (0, text.len());
    let found = match (code, verb) {
        (213, Some(Verb::Size)) => parse::number(text).map(|n| part(all, &f::SIZE, Value::U64(n))),
        (213, Some(Verb::Mdtm)) => Some(part(all, &f::MODIFIED, Value::Span)),
        (257, _) => parse::quoted(text).map(|at| part(at, &f::FOLDER, Value::Span)),
        (125 | 150 | 226 | 250, Some(Verb::Stou)) => parse::stored_as(text).map(|at| part(at, &f::STORED_AS, Value::Span)),
        (125 | 150, _) => parse::counted(text).and_then(|at| {
            let n = text.get(at.0..at.1).and_then(parse::number)?;
            Some(part(at, &f::SIZE, Value::U64(n)))
        }),
        _ => None,
    };
    found.into_iter().collect()
}
