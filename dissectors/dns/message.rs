//! A whole message: header, questions, records, and the line that a list shows.

use super::name::{self, Message};
use super::{Flavour, edns, fields as f, notes as n, rdata, types};
use std::fmt::Write as _;
use wirelore_kit::{BitRange, F, Level, Note, Reader, Span, Stop, Value};

/// A header's length.
pub(super) const HEADER: usize = 12;
/// A line is not made longer than this.
const MOST_LINE: usize = 240;

/// What the state machine needs of a message.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub id: u16,
    pub response: bool,
    /// Ties an answer to its question: ID, and the first question where there is one.
    pub question: Option<u64>,
    /// Type of the first question.
    pub asked: u16,
    /// Records in the answer section, and the type of the first and last of them.
    pub answers: u32,
    pub first_answer: u16,
    pub last_answer: u16,
    pub line: String,
    /// The header's span.
    pub at: Span,
}

/// What is gathered while records are read.
pub(super) struct Gather {
    pub flavour: Flavour,
    pub update: bool,
    /// The upper bits of the reply code from an OPT record.
    pub rcode_high: u16,
    pub opts: u32,
    pub line: String,
}

impl Gather {
    /// Adds a record's own words to the line while there is room.
    pub fn say(&mut self, words: std::fmt::Arguments<'_>) {
        if self.line.len() < MOST_LINE {
            // Writing to a String cannot fail.
            let _ = self.line.write_fmt(words);
        }
    }
}

const fn bits(first: u8, len: u8) -> BitRange {
    BitRange { first, len }
}

struct Flags {
    response: bool,
    opcode: u8,
    truncated: bool,
    rcode: u16,
}

fn flags(r: &mut Reader<'_>, flavour: Flavour) -> Result<Flags, Stop> {
    let word = r.peek(2)?.iter().fold(0u16, |v, b| (v << 8) | u16::from(*b));
    let response = word & 0x8000 != 0;
    let opcode = ((word >> 11) & 15) as u8;
    let here = r.span(2);
    r.bit_group(&f::FLAGS, bits(0, 16), |r, _| {
        r.bits(&f::RESPONSE, bits(0, 1))?;
        r.bits(&f::OPCODE, bits(1, 4))?;
        let llmnr = flavour == Flavour::Llmnr;
        r.bits(if llmnr { &f::CONFLICT } else { &f::AUTHORITATIVE }, bits(5, 1))?;
        r.bits(&f::TRUNCATED, bits(6, 1))?;
        r.bits(if llmnr { &f::TENTATIVE } else { &f::RECURSION_DESIRED }, bits(7, 1))?;
        r.bits(&f::RECURSION_AVAILABLE, bits(8, 1))?;
        r.bits(&f::Z, bits(9, 1))?;
        r.bits(&f::AUTHENTICATED, bits(10, 1))?;
        r.bits(&f::CHECK_DISABLED, bits(11, 1))?;
        r.bits(if response { &f::RCODE } else { &f::RCODE_UNUSED }, bits(12, 4)).map(|_| ())
    })?;
    r.skip(2)?;
    if word & 0x40 != 0 && flavour == Flavour::Dns {
        r.note(&n::RESERVED_BIT, here);
    }
    if matches!(opcode, 3 | 7..) {
        r.note(&n::OPCODE, here);
    }
    Ok(Flags { response, opcode, truncated: word & 0x200 != 0, rcode: word & 15 })
}

const fn rcode_note(rcode: u16) -> Option<&'static Note> {
    match rcode {
        0 => None,
        1 => Some(&n::FORMERR),
        2 => Some(&n::SERVFAIL),
        3 => Some(&n::NXDOMAIN),
        4 => Some(&n::NOTIMP),
        5 => Some(&n::REFUSED),
        _ => Some(&n::RCODE),
    }
}

/// Reads a message; the reader stands at its header and its end is known.
///
/// # Errors
/// [`Stop::Bad`] where not even a header is there. What is wrong behind it is noted, and the good records stay.
pub(super) fn read(r: &mut Reader<'_>, flavour: Flavour) -> Result<Head, Stop> {
    let m = Message { bytes: r.rest(), at: r.at() };
    if m.bytes.len() < HEADER {
        return Err(Stop::Bad(&n::SHORT));
    }
    let id_at = r.span(2);
    let id = r.u16(&f::ID)?;
    let flags_at = r.span(2);
    let flags = flags(r, flavour)?;
    let update = flags.opcode == 5;
    let mut counts = [0u16; 4];
    let names: [F; 4] = if update {
        [&f::ZONES, &f::PREREQUISITES, &f::UPDATES, &f::ADDITIONALS]
    } else {
        [&f::QUESTIONS, &f::ANSWERS, &f::AUTHORITIES, &f::ADDITIONALS]
    };
    for (count, name) in counts.iter_mut().zip(names) {
        *count = r.u16(name)?;
    }
    let mut head = Head { id, response: flags.response, at: Span::new(id_at.buf, id_at.at, HEADER as u32), ..Head::default() };
    let mut g = Gather { flavour, update, rcode_high: 0, opts: 0, line: String::new() };
    if flavour == Flavour::Mdns && id != 0 {
        r.note(&n::MDNS_ID, id_at);
    }
    let mut questions = String::new();
    sections(r, &m, counts, &mut head, &mut g, &mut questions)?;

    let rcode = (g.rcode_high << 4) | flags.rcode;
    if flags.response
        && let Some(what) = rcode_note(rcode)
    {
        r.note(what, flags_at);
    }
    if flags.truncated && flavour != Flavour::Mdns {
        r.note(&n::TRUNCATED, flags_at);
    }
    head.line = line(&flags, id, rcode, &questions, &g.line, flavour);
    Ok(head)
}

fn line(flags: &Flags, id: u16, rcode: u16, questions: &str, records: &str, flavour: Flavour) -> String {
    let mut line = String::with_capacity(64);
    // Writing to a String cannot fail.
    let _ = match f::OPCODE.name_of(u64::from(flags.opcode)) {
        Some(name) => write!(line, "{name}"),
        None => write!(line, "Unknown operation ({})", flags.opcode),
    };
    if flags.response {
        line.push_str(" response");
    }
    // Multicast messages are not told apart by their ID.
    if flavour != Flavour::Mdns || id != 0 {
        let _ = write!(line, " 0x{id:04x}");
    }
    if flags.response && rcode != 0 {
        let _ = match f::RCODE.name_of(u64::from(rcode)) {
            Some(name) => write!(line, " {name}"),
            None => write!(line, " Reply code {rcode}"),
        };
    }
    if flags.truncated && flags.response {
        line.push_str(" (truncated)");
    }
    line.push_str(questions);
    line.push_str(records);
    line
}

fn sections(
    r: &mut Reader<'_>,
    m: &Message<'_>,
    counts: [u16; 4],
    head: &mut Head,
    g: &mut Gather,
    questions: &mut String,
) -> Result<(), Stop> {
    let groups: [F; 4] = if g.update {
        [&f::ZONE_SECTION, &f::PREREQUISITE_SECTION, &f::UPDATE_SECTION, &f::ADDITIONAL_SECTION]
    } else {
        [&f::QUERY_SECTION, &f::ANSWER_SECTION, &f::AUTHORITY_SECTION, &f::ADDITIONAL_SECTION]
    };
    for (section, (count, group)) in counts.into_iter().zip(groups).enumerate() {
        if count == 0 {
            continue;
        }
        let good = r.group(group, |r| {
            for done in 0..count {
                if r.is_empty() {
                    r.note(&n::COUNTS, head.at);
                    return Ok(false);
                }
                let went =
                    if section == 0 { question(r, m, done == 0, head, g, questions) } else { record(r, m, section, head, g) };
                match went {
                    Ok(()) => {}
                    Err(Stop::Bad(what)) => {
                        let rest = r.left();
                        let at = r.span(rest);
                        r.note(what, at);
                        if rest > 0 {
                            r.unknown(rest)?;
                        }
                        return Ok(false);
                    }
                    Err(stop) => return Err(stop),
                }
            }
            Ok(true)
        })?;
        if !good {
            return Ok(());
        }
    }
    Ok(())
}

fn question(
    r: &mut Reader<'_>,
    m: &Message<'_>,
    first: bool,
    head: &mut Head,
    g: &mut Gather,
    questions: &mut String,
) -> Result<(), Stop> {
    r.titled(&f::QUERY, |r| {
        if name::leads_nowhere(m.bytes, m.here(r)) {
            return Err(Stop::Bad(&n::POINTER_WILD));
        }
        let name_at = r.at();
        let at = name::read(r, m, &f::QRY_NAME)?;
        if r.level() == Level::Tree {
            let here = r.since(name_at);
            r.derived(&f::QRY_LABELS, here, name::labels_of(m.bytes, at));
        }
        let kind = r.u16(&f::QRY_TYPE)?;
        let mut unicast = false;
        let class = if g.flavour == Flavour::Mdns {
            unicast = r.bits(&f::QRY_QU, bits(0, 1))? == 1;
            let class = r.bits(&f::QRY_CLASS, bits(1, 15))? as u16;
            r.skip(2)?;
            class
        } else {
            r.u16(&f::QRY_CLASS)?
        };
        let name = name::text(m.bytes, at);
        let what = types::type_name(kind);
        if questions.len() < MOST_LINE {
            // Writing to a String cannot fail.
            let _ = write!(questions, " {what} {name}");
            if unicast {
                questions.push_str(" (QU)");
            }
        }
        if first {
            let mut hash = 0xcbf2_9ce4_8422_2325 ^ (u64::from(head.id) << 32) ^ (u64::from(kind) << 16) ^ u64::from(class);
            name::hash(m.bytes, at, &mut hash);
            head.question = Some(hash);
            head.asked = kind;
        }
        Ok((
            (),
            if r.level() == Level::Tree {
                Value::from(format!("{name}: type {what}, class {}", class_name(class)))
            } else {
                Value::Span
            },
        ))
    })
}

fn class_name(class: u16) -> String {
    match types::CLASSES.iter().find(|(n, _)| *n == u64::from(class)) {
        Some((_, name)) => (*name).to_owned(),
        None => format!("CLASS{class}"),
    }
}

/// One record. What its data hides does not hide the next record; a broken envelope does.
fn record(r: &mut Reader<'_>, m: &Message<'_>, section: usize, head: &mut Head, g: &mut Gather) -> Result<(), Stop> {
    r.titled(&f::RECORD, |r| {
        let owner_at = r.span(1);
        let owner = name::read(r, m, &f::RESP_NAME)?;
        let kind = r.u16(&f::RESP_TYPE)?;
        if section == 1 {
            if head.answers == 0 {
                head.first_answer = kind;
            }
            head.answers = head.answers.saturating_add(1);
            head.last_answer = kind;
        }
        let said = g.line.len();
        let mut class = 1;
        if kind == 41 {
            g.opts = g.opts.saturating_add(1);
            if g.opts == 2 {
                r.note(&n::TWO_OPT, owner_at);
            }
            if m.bytes.get(owner).is_some_and(|b| *b != 0) {
                r.note(&n::ODD_OPT_NAME, owner_at);
            }
            edns::fixed(r, g)?;
        } else {
            class = if g.flavour == Flavour::Mdns {
                r.bits(&f::CACHE_FLUSH, bits(0, 1))?;
                let class = r.bits(&f::RESP_CLASS, bits(1, 15))? as u16;
                r.skip(2)?;
                class
            } else {
                r.u16(&f::RESP_CLASS)?
            };
            let ttl_at = r.span(4);
            if r.u32(&f::RESP_TTL)? >= 1 << 31 {
                r.note(&n::TTL_BIT, ttl_at);
            }
        }
        let len = usize::from(r.u16(&f::RESP_LEN)?);
        if len > r.left() {
            return Err(Stop::Bad(&n::RECORD_CUT));
        }
        // In an update an empty record says "all of this type".
        let empty = len == 0 && (g.update || matches!(class, 254 | 255));
        let shown = section == 1 || (section == 2 && (head.answers == 0 || g.update));
        if shown {
            g.say(format_args!(" {}", types::type_name(kind)));
        }
        let before = g.line.len();
        if kind == 41 {
            r.attempt(&f::RDATA, len, |r| edns::options(r, m))?;
        } else if !empty {
            r.attempt(&f::RDATA, len, |r| rdata::read(r, m, kind, g))?;
        }
        let title = if r.level() == Level::Tree {
            let words = g.line.get(before..).unwrap_or("");
            let class = if kind == 41 { String::new() } else { format!(", class {}", class_name(class)) };
            let comma = if words.is_empty() { "" } else { "," };
            Value::from(format!("{}: type {}{class}{comma}{words}", name::text(m.bytes, owner), types::type_name(kind)))
        } else {
            Value::Span
        };
        if !shown {
            g.line.truncate(said);
        }
        Ok(((), title))
    })
}
