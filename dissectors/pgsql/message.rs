//! One message of PostgreSQL's protocol 3 (documentation §54.7): bytes to values and fields. Without state: what it depends on is handed in.

use super::fields as f;
use wirelore_kit::{F, Level, Reader, Stop, Value};

/// What the line and the state need of a message.
#[derive(Debug, Default)]
pub struct Said<'a> {
    /// A query, tag, name: what a line shows.
    pub text: &'a [u8],
    /// A second text.
    pub more: &'a [u8],
    /// A third one.
    pub code: &'a [u8],
    /// A number: authentication, count, process.
    pub number: u32,
    /// Names of columns, for trees.
    pub columns: Vec<Box<[u8]>>,
}

/// What a message of the client is called.
pub const fn client_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        b'B' => "Bind",
        b'C' => "Close",
        b'd' => "Copy data",
        b'c' => "Copy completion",
        b'f' => "Copy failure",
        b'D' => "Describe",
        b'E' => "Execute",
        b'H' => "Flush",
        b'F' => "Function call",
        b'P' => "Parse",
        b'p' => "Password message",
        b'Q' => "Simple query",
        b'S' => "Sync",
        b'X' => "Termination",
        _ => return None,
    })
}

/// What a message of the server is called.
pub const fn server_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        b'R' => "Authentication request",
        b'K' => "Backend key data",
        b'2' => "Bind completion",
        b'3' => "Close completion",
        b'C' => "Command completion",
        b'd' => "Copy data",
        b'c' => "Copy completion",
        b'G' => "CopyIn response",
        b'H' => "CopyOut response",
        b'W' => "CopyBoth response",
        b'D' => "Data row",
        b'I' => "Empty query",
        b'E' => "Error",
        b'V' => "Function call response",
        b'v' => "Negotiate protocol version",
        b'n' => "No data",
        b'N' => "Notice",
        b'A' => "Notification",
        b't' => "Parameter description",
        b'S' => "Parameter status",
        b'1' => "Parse completion",
        b's' => "Portal suspended",
        b'Z' => "Ready for query",
        b'T' => "Row description",
        _ => return None,
    })
}

/// A text that ends with NUL.
fn string<'a>(r: &mut Reader<'a>, field: F) -> Result<&'a [u8], Stop> {
    let len = memchr::memchr(0, r.rest()).ok_or(Stop::Bad(&wirelore_kit::note::OVERRUN))?;
    let text = r.bytes(field, len)?;
    r.bytes(&f::NUL, 1)?;
    Ok(text)
}

fn signed(r: &mut Reader<'_>, field: F, n: usize) -> Result<i64, Stop> {
    let raw = r.peek(n)?.iter().fold(0u64, |v, b| (v << 8) | u64::from(*b));
    let value = if n == 2 { i64::from(raw as u16 as i16) } else { i64::from(raw as u32 as i32) };
    r.valued(field, n, Value::I64(value))?;
    Ok(value)
}

/// Pairs of names and values up to an empty name.
///
/// # Errors
/// As [`Reader::within`].
pub fn parameters<'a>(r: &mut Reader<'a>, said: &mut Said<'a>) -> Result<(), Stop> {
    while r.rest().first().is_some_and(|b| *b != 0) {
        r.group(&f::PARAMETER, |r| {
            let name = string(r, &f::NAME)?;
            let value = string(r, &f::VALUE)?;
            match name {
                b"user" => said.text = value,
                b"database" => said.more = value,
                _ => {}
            }
            title(r, name, value);
            Ok(())
        })?;
    }
    if !r.is_empty() {
        r.bytes(&f::END, 1)?;
    }
    Ok(())
}

fn title(r: &mut Reader<'_>, name: &[u8], value: &[u8]) {
    if r.level() == Level::Tree {
        let value = value.get(..value.len().min(200)).unwrap_or(value);
        r.title(format!("{}: {}", wirelore_kit::Text(name), wirelore_kit::Text(value)));
    }
}

fn formats(r: &mut Reader<'_>) -> Result<(), Stop> {
    for _ in 0..r.u16(&f::FORMAT_COUNT)? {
        r.u16(&f::FORMAT)?;
    }
    Ok(())
}

/// A value with its length in front; -1 stands for none.
fn cell<'a>(r: &mut Reader<'a>) -> Result<Option<&'a [u8]>, Stop> {
    let len = signed(r, &f::LENGTH_OF_TYPE, 4)?;
    match usize::try_from(len) {
        Ok(len) => r.bytes(&f::DATA, len).map(Some),
        Err(_) => Ok(None),
    }
}

/// `how_many`: the field that counts them.
fn values<'a>(r: &mut Reader<'a>, how_many: F, columns: &[Box<[u8]>], said: &mut Said<'a>) -> Result<(), Stop> {
    let count = r.u16(how_many)?;
    said.number = count.into();
    for i in 0..usize::from(count) {
        r.group(&f::COLUMN, |r| {
            let value = cell(r)?;
            match i {
                0 => said.text = value.unwrap_or(b"null"),
                1 => said.more = value.unwrap_or(b"null"),
                _ => {}
            }
            if let Some(name) = columns.get(i) {
                title(r, name, value.unwrap_or(b"null"));
            }
            Ok(())
        })?;
    }
    Ok(())
}

/// What tshark and the manual call an answer to the server's demand `auth`: all of them have the letter `p`.
pub const fn answer_to(auth: u32) -> &'static str {
    match auth {
        7..=9 => "GSSResponse message",
        10 => "SASLInitialResponse message",
        11 => "SASLResponse message",
        _ => "Password message",
    }
}

/// The contents of a message of the client; the reader ends where the message does. `auth`: what was asked for last.
///
/// # Errors
/// As [`Reader::within`].
pub fn client<'a>(r: &mut Reader<'a>, kind: u8, auth: u32) -> Result<Said<'a>, Stop> {
    let mut said = Said::default();
    match kind {
        b'Q' => said.text = string(r, &f::QUERY)?,
        b'P' => {
            said.more = string(r, &f::STATEMENT)?;
            said.text = string(r, &f::QUERY)?;
            for _ in 0..r.u16(&f::PARAMETER_COUNT)? {
                r.u32(&f::TYPE_OID)?;
            }
        }
        b'B' => {
            said.more = string(r, &f::PORTAL)?;
            said.text = string(r, &f::STATEMENT)?;
            formats(r)?;
            let mut inner = Said::default();
            values(r, &f::PARAMETER_COUNT, &[], &mut inner)?;
            said.number = inner.number;
            formats(r)?;
        }
        b'E' => {
            said.text = string(r, &f::PORTAL)?;
            said.number = r.u32(&f::MOST_ROWS)?;
        }
        b'D' | b'C' => {
            let what = r.text(&f::KIND, 1)?.bytes();
            said.more = if what == b"S" { b"statement" } else { b"portal" };
            said.text = string(r, if what == b"S" { &f::STATEMENT } else { &f::PORTAL })?;
        }
        b'p' => password(r, auth, &mut said)?,
        b'd' => said.text = r.text(&f::COPY, r.left())?.bytes(),
        b'f' => said.text = string(r, &f::COPY_ERROR)?,
        b'F' => {
            said.number = r.u32(&f::FUNCTION)?;
            formats(r)?;
            values(r, &f::PARAMETER_COUNT, &[], &mut Said::default())?;
            r.u16(&f::FORMAT)?;
        }
        _ => {}
    }
    Ok(said)
}

fn password<'a>(r: &mut Reader<'a>, auth: u32, said: &mut Said<'a>) -> Result<(), Stop> {
    let here = r.span(r.left());
    match auth {
        10 => {
            said.text = string(r, &f::MECHANISM)?;
            let len = signed(r, &f::SASL_LENGTH, 4)?;
            if let Ok(len) = usize::try_from(len) {
                r.bytes(&f::SASL, len)?;
            }
        }
        11 => _ = r.bytes(&f::SASL, r.left())?,
        7..=9 => _ = r.bytes(&f::GSS, r.left())?,
        _ => {
            string(r, &f::PASSWORD)?;
            r.note(if auth == 5 { &f::PASSWORD_MD5 } else { &f::PASSWORD_CLEAR }, here);
        }
    }
    Ok(())
}

/// The contents of a message of the server. `columns`: names from the last row description.
///
/// # Errors
/// As [`Reader::within`].
pub fn server<'a>(r: &mut Reader<'a>, kind: u8, columns: &[Box<[u8]>]) -> Result<Said<'a>, Stop> {
    let mut said = Said::default();
    match kind {
        b'R' => {
            said.number = r.u32(&f::AUTH)?;
            match said.number {
                5 => _ = r.bytes(&f::SALT, 4)?,
                8 => _ = r.bytes(&f::GSS, r.left())?,
                10 => {
                    while r.rest().first().is_some_and(|b| *b != 0) {
                        said.text = string(r, &f::MECHANISM)?;
                    }
                    r.bytes(&f::END, 1)?;
                }
                11 | 12 => _ = r.bytes(&f::SASL, r.left())?,
                _ => {}
            }
        }
        b'S' => {
            said.text = string(r, &f::NAME)?;
            said.more = string(r, &f::VALUE)?;
        }
        b'K' => {
            said.number = r.u32(&f::PID)?;
            if r.left() == 4 { _ = r.u32(&f::KEY)? } else { _ = r.bytes(&f::CANCEL_KEY, r.left())? }
        }
        b'Z' => said.number = r.u8(&f::STATUS)?.into(),
        b'T' => {
            let count = r.u16(&f::COUNT)?;
            said.number = count.into();
            for _ in 0..count {
                r.group(&f::COLUMN, |r| {
                    let name = string(r, &f::COLUMN_NAME)?;
                    r.u32(&f::TABLE_OID)?;
                    r.u16(&f::COLUMN_INDEX)?;
                    r.u32(&f::TYPE_OID)?;
                    signed(r, &f::LENGTH_OF_TYPE, 2)?;
                    signed(r, &f::TYPE_MODIFIER, 4)?;
                    r.u16(&f::FORMAT)?;
                    if r.level() == Level::Tree {
                        r.title(String::from_utf8_lossy(name).into_owned());
                        said.columns.push(name.into());
                    }
                    if said.text.is_empty() {
                        said.text = name;
                    }
                    Ok(())
                })?;
            }
        }
        b'D' => values(r, &f::COUNT, columns, &mut said)?,
        b'C' => said.text = string(r, &f::TAG)?,
        b'E' | b'N' => errors(r, &mut said)?,
        b'A' => {
            r.u32(&f::PID)?;
            said.text = string(r, &f::CHANNEL)?;
            said.more = string(r, &f::NOTICE_TEXT)?;
        }
        b't' => {
            for _ in 0..r.u16(&f::PARAMETER_COUNT)? {
                r.u32(&f::TYPE_OID)?;
            }
        }
        b'G' | b'H' | b'W' => {
            r.u8(&f::FORMAT)?;
            formats(r)?;
        }
        b'd' => said.text = r.text(&f::COPY, r.left())?.bytes(),
        b'V' => _ = cell(r)?,
        b'v' => {
            r.u32(&f::MINOR)?;
            for _ in 0..r.u32(&f::PARAMETER_COUNT)? {
                string(r, &f::NAME)?;
            }
        }
        _ => {}
    }
    Ok(said)
}

/// Fields of errors and notices (§54.8), each a letter and a text.
fn errors<'a>(r: &mut Reader<'a>, said: &mut Said<'a>) -> Result<(), Stop> {
    while let Some(kind) = r.rest().first().copied().filter(|b| *b != 0) {
        r.bytes(&f::ERROR_FIELD, 1)?;
        let field: F = match kind {
            b'S' => &f::SEVERITY,
            b'V' => &f::SEVERITY_PLAIN,
            b'C' => &f::SQLSTATE,
            b'M' => &f::MESSAGE,
            b'D' => &f::DETAIL,
            b'H' => &f::HINT,
            b'P' => &f::POSITION,
            b'p' => &f::INTERNAL_POSITION,
            b'q' => &f::INTERNAL_QUERY,
            b'W' => &f::CONTEXT,
            b's' => &f::SCHEMA,
            b't' => &f::TABLE,
            b'c' => &f::COLUMN_OF_ERROR,
            b'd' => &f::TYPE_NAME,
            b'n' => &f::CONSTRAINT,
            b'F' => &f::FILE,
            b'L' => &f::LINE,
            b'R' => &f::ROUTINE,
            _ => &f::OTHER,
        };
        let text = string(r, field)?;
        match kind {
            b'S' => said.more = text,
            b'C' => said.code = text,
            b'M' => said.text = text,
            _ => {}
        }
    }
    if !r.is_empty() {
        r.bytes(&f::END, 1)?;
    }
    Ok(())
}
