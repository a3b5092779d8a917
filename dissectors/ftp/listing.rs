//! Listings of folders: the shapes that servers write after LIST, NLST and MLSD, line by line.

use super::data as d;
use super::parse::{number, split_eol};
use wirelore_kit::{F, Reader, Stop, Value};

/// How a line is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// As `ls -l`: permissions, links, owner, group, size, date, name.
    Unix,
    /// As DIR of DOS and IIS: date, time, `<DIR>` or size, name.
    Dos,
    /// Easily Parsed LIST Format: `+facts<tab>name`.
    Eplf,
    /// As DIR of VMS: `NAME.EXT;version`, blocks, date, owner, permissions.
    Vms,
    /// Machine listing (RFC 3659 §7): `fact=value;... name`.
    Facts,
    /// `total` and a number, as `ls -l` begins.
    Total,
    /// A name alone.
    Names,
    /// None of these.
    Other,
}

type Cut = (usize, usize, F, Value);

/// Which shape a line has, its end included or not.
pub(super) fn shape(line: &[u8]) -> Shape {
    let (line, _) = split_eol(line);
    if line.starts_with(b"total ") && line.get(6..).is_some_and(|n| number(n.trim_ascii()).is_some()) {
        return Shape::Total;
    }
    if unix(line).is_some() {
        Shape::Unix
    } else if dos(line).is_some() {
        Shape::Dos
    } else if eplf(line).is_some() {
        Shape::Eplf
    } else if facts_end(line).is_some() {
        Shape::Facts
    } else if vms(line).is_some() {
        Shape::Vms
    } else {
        Shape::Other
    }
}

/// Reads a line of `len` bytes, its end included, as an entry. A line that is not as `hint` says is taken as what it looks like.
///
/// # Errors
/// Those of the reader.
pub(super) fn entry(r: &mut Reader<'_>, len: usize, hint: Shape) -> Result<(), Stop> {
    let (line, eol) = split_eol(r.peek(len)?);
    let text = line.len();
    let shape = match hint {
        Shape::Names => Shape::Names,
        _ => shape(line),
    };
    r.group(&d::ENTRY, |r| {
        match shape {
            Shape::Facts => facts(r, line)?,
            Shape::Names if text > 0 => {
                r.text(&d::NAME, text)?;
            }
            Shape::Total => cuts(r, text, vec![(0, text, &d::TOTAL, Value::Span)])?,
            Shape::Other | Shape::Names => cuts(r, text, Vec::new())?,
            Shape::Unix => cuts(r, text, unix(line).unwrap_or_default())?,
            Shape::Dos => cuts(r, text, dos(line).unwrap_or_default())?,
            Shape::Eplf => cuts(r, text, eplf(line).unwrap_or_default())?,
            Shape::Vms => cuts(r, text, vms(line).unwrap_or_default())?,
        }
        if let Some(name) = name_of(line, shape) {
            r.title(String::from_utf8_lossy(name).into_owned());
        }
        if eol > 0 {
            r.bytes(&d::EOL, eol)?;
        }
        Ok(())
    })
}

/// The name that a line is about.
pub(super) fn name_of(line: &[u8], shape: Shape) -> Option<&[u8]> {
    let cut = |cuts: Option<Vec<Cut>>| {
        let c = cuts?.into_iter().find(|c| std::ptr::eq(c.2, &raw const d::NAME))?;
        line.get(c.0..c.1)
    };
    match shape {
        Shape::Unix => cut(unix(line)),
        Shape::Dos => cut(dos(line)),
        Shape::Eplf => cut(eplf(line)),
        Shape::Vms => cut(vms(line)),
        Shape::Facts => line.get(facts_end(line)?.saturating_add(1)..),
        Shape::Names => Some(line),
        Shape::Total | Shape::Other => None,
    }
}

/// Reads a text cut into columns; what lies between them is listed too. A value without a place of its own has an empty range.
fn cuts(r: &mut Reader<'_>, len: usize, cuts: Vec<Cut>) -> Result<(), Stop> {
    let mut at = 0usize;
    for (from, to, field, value) in cuts {
        if from == to {
            r.derived(field, r.span(0), value);
            continue;
        }
        if from > at {
            r.text(&d::BETWEEN, from.saturating_sub(at))?;
        }
        r.valued(field, to.saturating_sub(from), value)?;
        at = to;
    }
    if len > at {
        r.text(&d::BETWEEN, len.saturating_sub(at))?;
    }
    Ok(())
}

/// Words of a line with their places.
fn words(line: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0usize;
    while let Some(from) = line.get(at..).and_then(|l| l.iter().position(|c| !matches!(c, b' ' | b'\t'))) {
        let from = at.saturating_add(from);
        let rest = line.get(from..).unwrap_or(&[]);
        let len = rest.iter().position(|c| matches!(c, b' ' | b'\t')).unwrap_or(rest.len());
        at = from.saturating_add(len);
        found.push((from, at));
        // No shape has more columns before the name.
        if found.len() >= 12 {
            break;
        }
    }
    found
}

fn span_number(line: &[u8], at: (usize, usize)) -> Option<u64> {
    number(line.get(at.0..at.1)?)
}

fn is_clock(word: &[u8]) -> bool {
    matches!(word, [h, b':', m, n] | [_, h, b':', m, n] if [h, m, n].iter().all(|c| c.is_ascii_digit()))
        || matches!(word, [_, _, b':', _, _, b':', rest @ ..] if rest.len() >= 2)
}

fn is_year(word: &[u8]) -> bool {
    word.len() == 4 && number(word).is_some_and(|n| (1900..2200).contains(&n))
}

fn is_day(word: &[u8]) -> bool {
    let word = word.strip_suffix(b",").or_else(|| word.strip_suffix(b".")).unwrap_or(word);
    word.len() <= 2 && number(word).is_some_and(|n| (1..=31).contains(&n))
}

fn is_month(word: &[u8]) -> bool {
    // Names of months in any language are letters, three or a few more.
    (3..=9).contains(&word.len()) && word.iter().all(|c| c.is_ascii_alphabetic() || *c >= 0x80 || *c == b'.')
}

fn is_iso(word: &[u8]) -> bool {
    matches!(word, [a, b, c, d, b'-', e, f, b'-', g, h] if [a, b, c, d, e, f, g, h].iter().all(|c| c.is_ascii_digit()))
}

/// `drwxr-xr-x  2 owner group  4096 Nov 23 04:00 name`; the group may be missing, and the date have another order.
fn unix(line: &[u8]) -> Option<Vec<Cut>> {
    let kind = match line.first()? {
        b'-' => "file",
        b'd' => "folder",
        b'l' => "link",
        b'b' | b'c' => "device",
        b'p' => "pipe",
        b's' => "socket",
        _ => return None,
    };
    let w = words(line);
    let word = |i: usize| w.get(i).and_then(|(a, b)| line.get(*a..*b)).unwrap_or(&[]);
    let perms = word(0);
    if perms.len() < 10 || !perms.get(1..10)?.iter().all(|c| b"-rwxsStTlL".contains(c)) {
        return None;
    }
    let (date, until) = (3..w.len()).find_map(|i| {
        let three = i.saturating_add(2);
        let last = word(three);
        let tail = is_clock(last) || is_year(last);
        if tail
            && ((is_month(word(i)) && is_day(word(i.saturating_add(1))))
                || (is_day(word(i)) && is_month(word(i.saturating_add(1)))))
        {
            return Some((i, three));
        }
        (is_iso(word(i)) && is_clock(word(i.saturating_add(1)))).then_some((i, i.saturating_add(1)))
    })?;
    let size_at = *w.get(date.checked_sub(1)?)?;
    let mut cuts: Vec<Cut> = vec![(0, 0, &d::TYPE, kind.into())];
    let first = *w.first()?;
    cuts.push((first.0, first.1, &d::PERMISSIONS, Value::Span));
    // Between permissions and size: links, owner, group; some leave out the links, some the group.
    let mut names: &[F] = &[&d::OWNER, &d::GROUP];
    for at in w.get(1..date.saturating_sub(1)).unwrap_or(&[]) {
        if cuts.len() == 2
            && let Some(n) = span_number(line, *at)
        {
            cuts.push((at.0, at.1, &d::LINKS, Value::U64(n)));
        } else if let Some((field, rest)) = names.split_first() {
            cuts.push((at.0, at.1, field, Value::Span));
            names = rest;
        }
    }
    // Devices have two numbers instead of a size.
    if let Some(n) = span_number(line, size_at) {
        cuts.push((size_at.0, size_at.1, &d::SIZE, Value::U64(n)));
    }
    let end = w.get(until)?.1;
    cuts.push((w.get(date)?.0, end, &d::MODIFIED, Value::Span));
    let from = end.saturating_add(1);
    let name = line.get(from..).filter(|n| !n.is_empty())?;
    let arrow = if kind == "link" { memchr::memmem::find(name, b" -> ") } else { None };
    match arrow {
        Some(i) => {
            let mid = from.saturating_add(i);
            cuts.push((from, mid, &d::NAME, Value::Span));
            cuts.push((mid.saturating_add(4), line.len(), &d::TARGET, Value::Span));
        }
        None => cuts.push((from, line.len(), &d::NAME, Value::Span)),
    }
    // A column without bytes is none.
    cuts.retain(|c| c.0 < c.1 || std::ptr::eq(c.2, &raw const d::TYPE));
    Some(cuts)
}

/// `11-23-26  04:00PM       <DIR>          name`.
fn dos(line: &[u8]) -> Option<Vec<Cut>> {
    let w = words(line);
    let word = |i: usize| w.get(i).and_then(|(a, b)| line.get(*a..*b)).unwrap_or(&[]);
    let date = word(0);
    let digits = date.iter().filter(|c| c.is_ascii_digit()).count();
    let marks = date.iter().filter(|c| matches!(c, b'-' | b'/' | b'.')).count();
    if !matches!((digits, marks), (6 | 8, 2)) || digits.saturating_add(marks) != date.len() {
        return None;
    }
    let clock = word(1);
    if !matches!(clock.iter().position(|c| *c == b':'), Some(1 | 2)) || clock.len() > 8 {
        return None;
    }
    // The half of the day may stand apart.
    let third = if matches!(word(2), b"AM" | b"PM" | b"am" | b"pm") { 3 } else { 2 };
    let at = *w.get(third)?;
    let name = *w.get(third.saturating_add(1))?;
    let end = w.get(third.saturating_sub(1))?.1;
    let what = word(third);
    let plain: Vec<u8> = what.iter().copied().filter(|c| !matches!(c, b',' | b'.')).collect();
    let (kind, value) = match what {
        b"<DIR>" => ("folder", None),
        b"<JUNCTION>" | b"<SYMLINK>" | b"<SYMLINKD>" => ("link", None),
        _ => ("file", Some(number(&plain)?)),
    };
    let mut cuts: Vec<Cut> = vec![(0, 0, &d::TYPE, kind.into()), (w.first()?.0, end, &d::MODIFIED, Value::Span)];
    if let Some(n) = value {
        cuts.push((at.0, at.1, &d::SIZE, Value::U64(n)));
    }
    cuts.push((name.0, line.len(), &d::NAME, Value::Span));
    Some(cuts)
}

/// `+i8388621.29609,m824255902,/,<tab>name`.
fn eplf(line: &[u8]) -> Option<Vec<Cut>> {
    if line.first() != Some(&b'+') {
        return None;
    }
    let tab = memchr::memchr(b'\t', line)?;
    let mut at = 1usize;
    let mut cuts: Vec<Cut> = Vec::new();
    let mut kind = "file";
    for fact in line.get(1..tab)?.split(|c| *c == b',') {
        let end = at.saturating_add(fact.len());
        match fact {
            [b'/'] => kind = "folder",
            [b's', n @ ..] => {
                if let Some(n) = number(n) {
                    cuts.push((at.saturating_add(1), end, &d::SIZE, Value::U64(n)));
                }
            }
            [b'm', n @ ..] if number(n).is_some() => cuts.push((at.saturating_add(1), end, &d::MODIFIED, Value::Span)),
            [b'u', b'p', _, ..] => cuts.push((at.saturating_add(2), end, &d::PERMISSIONS, Value::Span)),
            _ => {}
        }
        at = end.saturating_add(1);
    }
    cuts.insert(0, (0, 0, &d::TYPE, kind.into()));
    let from = tab.saturating_add(1);
    if from < line.len() {
        cuts.push((from, line.len(), &d::NAME, Value::Span));
    }
    Some(cuts)
}

/// `NAME.TXT;1   12/15  23-NOV-2026 04:00:00  [GROUP,USER]  (RWED,RWED,RE,)`.
fn vms(line: &[u8]) -> Option<Vec<Cut>> {
    let w = words(line);
    let word = |i: usize| w.get(i).and_then(|(a, b)| line.get(*a..*b)).unwrap_or(&[]);
    let name = word(0);
    let semi = name.iter().rposition(|c| *c == b';')?;
    number(name.get(semi.saturating_add(1)..)?)?;
    let at = |i: usize| w.get(i).copied();
    let blocks = at(1)?;
    let used = word(1).split(|c| *c == b'/').next()?;
    let n = number(used)?;
    let (date, clock) = (at(2)?, at(3)?);
    if word(2).iter().filter(|c| **c == b'-').count() != 2 {
        return None;
    }
    let kind = if name.get(..semi)?.ends_with(b".DIR") { "folder" } else { "file" };
    let first = at(0)?;
    let mut cuts: Vec<Cut> = vec![
        (0, 0, &d::TYPE, kind.into()),
        (first.0, first.1, &d::NAME, Value::Span),
        // Blocks of 512 bytes.
        (blocks.0, blocks.0.saturating_add(used.len()), &d::SIZE, Value::U64(n.saturating_mul(512))),
        (date.0, clock.1, &d::MODIFIED, Value::Span),
    ];
    if let Some(o) = at(4).filter(|_| word(4).starts_with(b"[")) {
        cuts.push((o.0, o.1, &d::OWNER, Value::Span));
    }
    if let Some(p) = at(5).filter(|_| word(5).starts_with(b"(")) {
        cuts.push((p.0, p.1, &d::PERMISSIONS, Value::Span));
    }
    Some(cuts)
}

/// Where the facts of a machine listing end: the blank before the name.
fn facts_end(line: &[u8]) -> Option<usize> {
    let end = memchr::memchr(b' ', line)?;
    let head = line.get(..end)?;
    let all = head.strip_suffix(b";")?;
    all.split(|c| *c == b';').all(|fact| memchr::memchr(b'=', fact).is_some_and(|i| i > 0)).then_some(end)
}

fn facts(r: &mut Reader<'_>, line: &[u8]) -> Result<(), Stop> {
    let Some(end) = facts_end(line) else { return cuts(r, line.len(), Vec::new()) };
    for fact in line.get(..end.saturating_sub(1)).unwrap_or(&[]).split(|c| *c == b';') {
        let eq = memchr::memchr(b'=', fact).unwrap_or(0);
        let value = fact.get(eq.saturating_add(1)..).unwrap_or(&[]);
        let name = fact.get(..eq).unwrap_or(&[]);
        let is = |n: &str| name.eq_ignore_ascii_case(n.as_bytes());
        let known: F = match () {
            () if is("type") => &d::TYPE,
            () if is("size") => &d::SIZE,
            () if is("modify") => &d::MODIFIED,
            () if is("unix.mode") || is("perm") => &d::PERMISSIONS,
            () if is("unix.owner") || is("unix.ownername") => &d::OWNER,
            () if is("unix.group") || is("unix.groupname") => &d::GROUP,
            () => &d::FACT_VALUE,
        };
        let said = match number(value) {
            Some(n) if is("size") => Value::U64(n),
            _ => Value::Span,
        };
        r.titled(&d::FACT, |r| {
            r.text(&d::FACT_NAME, eq)?;
            r.text(&d::BETWEEN, 1)?;
            if !value.is_empty() {
                r.valued(known, value.len(), said)?;
            }
            Ok(((), Value::Span))
        })?;
        r.text(&d::BETWEEN, 1)?;
    }
    r.text(&d::BETWEEN, 1)?;
    let name = line.len().saturating_sub(end).saturating_sub(1);
    if name > 0 {
        r.text(&d::NAME, name)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(line: &str) -> (Shape, Vec<(String, String)>) {
        let b = line.as_bytes();
        let s = shape(b);
        let cuts = match s {
            Shape::Unix => unix(b),
            Shape::Dos => dos(b),
            Shape::Eplf => eplf(b),
            Shape::Vms => vms(b),
            _ => None,
        };
        let of = |c: &Cut| {
            let value = if c.0 == c.1 { wirelore_kit::value::display(c.2, &c.3, &[]) } else { line[c.0..c.1].to_owned() };
            (c.2.name.trim_start_matches("ftp-data.").to_owned(), value)
        };
        (s, cuts.unwrap_or_default().iter().map(of).collect())
    }

    fn row(line: &str, shape: Shape, want: &[(&str, &str)]) {
        let (s, got) = columns(line);
        assert_eq!(s, shape, "{line}");
        let want: Vec<(String, String)> = want.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        assert_eq!(got, want, "{line}");
    }

    #[test]
    fn listings_of_common_servers_fall_into_their_columns() {
        row(
            "-rw-r--r--    1 0        0         1048576 Feb 19  2016 my file.zip",
            Shape::Unix,
            &[
                ("type", "file"),
                ("permissions", "-rw-r--r--"),
                ("links", "1"),
                ("owner", "0"),
                ("group", "0"),
                ("size", "1048576"),
                ("modified", "Feb 19  2016"),
                ("name", "my file.zip"),
            ],
        );
        row(
            "lrwxrwxrwx+ 1 ftp users 4 2026-11-23 04:05 a -> b",
            Shape::Unix,
            &[
                ("type", "link"),
                ("permissions", "lrwxrwxrwx+"),
                ("links", "1"),
                ("owner", "ftp"),
                ("group", "users"),
                ("size", "4"),
                ("modified", "2026-11-23 04:05"),
                ("name", "a"),
                ("target", "b"),
            ],
        );
        row(
            "drwxr-xr-x   2 ftp  4096 23 Nov 04:05  x",
            Shape::Unix,
            &[
                ("type", "folder"),
                ("permissions", "drwxr-xr-x"),
                ("links", "2"),
                ("owner", "ftp"),
                ("size", "4096"),
                ("modified", "23 Nov 04:05"),
                ("name", " x"),
            ],
        );
        row(
            "11-23-26  04:05PM       <DIR>          two words",
            Shape::Dos,
            &[("type", "folder"), ("modified", "11-23-26  04:05PM"), ("name", "two words")],
        );
        row(
            "2026/11/23  04:05    1,234,567 x.bin",
            Shape::Dos,
            &[("type", "file"), ("modified", "2026/11/23  04:05"), ("size", "1,234,567"), ("name", "x.bin")],
        );
        row(
            "+i8388621.44468,m839956783,r,s10376,\tRFCEPLF",
            Shape::Eplf,
            &[("type", "file"), ("modified", "839956783"), ("size", "10376"), ("name", "RFCEPLF")],
        );
        row(
            "CII.DIR;1   3/3  23-NOV-2026 04:05:06 [ANON,SYS] (RWED,RE,,)",
            Shape::Vms,
            &[
                ("type", "folder"),
                ("name", "CII.DIR;1"),
                ("size", "3"),
                ("modified", "23-NOV-2026 04:05:06"),
                ("owner", "[ANON,SYS]"),
                ("permissions", "(RWED,RE,,)"),
            ],
        );
    }

    #[test]
    fn what_is_no_listing_is_not_taken_for_one() {
        for line in ["hello", "", "-----", "total recall", "-rw-r--r-- text", "11-23-26 party", "x;y=1; z", "+plus", ";1 x"] {
            assert_eq!(shape(line.as_bytes()), Shape::Other, "{line}");
        }
        assert_eq!(shape(b"total 12\r\n"), Shape::Total);
        assert_eq!(shape(b"type=file;size=3; a b\r\n"), Shape::Facts);
        assert_eq!(name_of(b"type=file;size=3; a b", Shape::Facts), Some(&b"a b"[..]));
    }
}
