//! Sides of comparisons as they are written: names, literals, slices, functions, calculations.

use crate::error::Error;
use crate::expr::{Calc, Cut};
use crate::function::{FUNCTIONS, Function};
use crate::lex::{Placed, Token};
use crate::literal::{Written, whole};
use crate::parse::Parser;
use crate::registry::Name;
use crate::shorthand;
use std::ops::Range;
use wirelore_kit::near::distance;

/// A side, not yet checked.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    pub at: Range<usize>,
    /// As it is written.
    pub text: String,
    pub what: What,
}

/// What a side is.
#[derive(Debug, Clone)]
pub(crate) enum What {
    Name { name: Box<Name>, layers: Vec<Cut>, raw: bool },
    Literal(Written),
    Slice(Box<Side>, Vec<Cut>),
    Call(Function, Vec<Side>),
    Minus(Box<Side>),
    Calc(Calc, Box<Side>, Box<Side>),
}

/// Calculations may be so long: each is one level of the tree.
const MOST_CALCS: usize = 100;

impl Side {
    fn new(p: &Parser<'_>, at: Range<usize>, what: What) -> Side {
        Side { text: p.written(&at).to_owned(), at, what }
    }

    /// Whether no name stands in it.
    pub fn is_literal(&self) -> bool {
        match &self.what {
            What::Literal(_) => true,
            What::Name { .. } => false,
            What::Slice(s, _) | What::Minus(s) => s.is_literal(),
            What::Call(_, all) => all.iter().all(Side::is_literal),
            What::Calc(_, a, b) => a.is_literal() && b.is_literal(),
        }
    }
}

/// Reads a side.
pub(crate) fn read(p: &mut Parser<'_>) -> Result<Side, Error> {
    calc(p, 0)
}

fn calc_of(p: &Parser<'_>) -> Option<(Calc, u8)> {
    let next = p.peek()?;
    Some(match (&next.token, p.word(next)) {
        (Token::Mark("&"), _) | (_, "bitwise_and" | "bitand") => (Calc::And, 1),
        (Token::Mark("+"), _) => (Calc::Add, 2),
        (Token::Mark("-"), _) => (Calc::Subtract, 2),
        (Token::Mark("*"), _) => (Calc::Multiply, 3),
        (Token::Mark("/"), _) => (Calc::Divide, 3),
        (Token::Mark("%"), _) => (Calc::Modulo, 3),
        _ => return None,
    })
}

fn calc(p: &mut Parser<'_>, least: u8) -> Result<Side, Error> {
    let mut left = primary(p)?;
    let mut count = 0usize;
    while let Some((how, strength)) = calc_of(p).filter(|(_, s)| *s > least) {
        let at = p.peek().map(|t| t.at.clone()).unwrap_or_default();
        count = count.saturating_add(1);
        if count > MOST_CALCS {
            return Err(Error::new(at, "This calculation is too long.", format!("At most {MOST_CALCS} steps are read."), ""));
        }
        p.step();
        let right = calc(p, strength)?;
        let at = left.at.start..right.at.end;
        left = Side::new(p, at, What::Calc(how, Box::new(left), Box::new(right)));
    }
    Ok(left)
}

fn primary(p: &mut Parser<'_>) -> Result<Side, Error> {
    let Some(next) = p.peek().cloned() else { return Err(p.missing("A name or value")) };
    let at = next.at.clone();
    p.step();
    let side = match &next.token {
        Token::Text(t) => Side::new(p, at, What::Literal(Written::Text(t.clone()))),
        Token::Char(c) => Side::new(p, at, What::Literal(Written::Char(*c))),
        Token::Word => word(p, &next)?,
        Token::Mark("-") => {
            let digits = p.peek().filter(|n| n.at.start == at.end && p.word(n).starts_with(|c: char| c.is_ascii_digit()));
            if let Some(digits) = digits.cloned() {
                p.step();
                let word = format!("-{}", p.word(&digits));
                Side::new(p, at.start..digits.at.end, What::Literal(Written::Word(word)))
            } else {
                let inner = p.deeper(&at, primary)?;
                Side::new(p, at.start..inner.at.end, What::Minus(Box::new(inner)))
            }
        }
        Token::Mark("@") => {
            let inner = p.deeper(&at, primary)?;
            let whole = at.start..inner.at.end;
            match inner.what {
                What::Name { name, layers, .. } => Side::new(p, whole, What::Name { name, layers, raw: true }),
                _ => {
                    return Err(Error::new(
                        whole,
                        "@ stands before a field only.",
                        "It means the bytes that the field was read from.",
                        "Write @ip.src == 0a:00:00:01.",
                    ));
                }
            }
        }
        Token::Mark(open @ ("{" | "(")) => {
            let close = if *open == "{" { "}" } else { ")" };
            let inner = p.deeper(&at, |p| calc(p, 0))?;
            let Some(end) = p.take(close) else {
                return Err(Error::new(
                    at,
                    format!("This {open} is not closed."),
                    "",
                    format!("Write {close} behind the calculation."),
                ));
            };
            Side { at: at.start..end.end, text: p.written(&(at.start..end.end)).to_owned(), what: inner.what }
        }
        Token::Reference => {
            return Err(Error::new(
                at,
                "There is no selected packet here that this could mean.",
                "${...} is the value of a field in the packet that is selected in a window.",
                "Write the value itself.",
            ));
        }
        Token::Bracket => {
            return Err(Error::new(
                at,
                "A slice needs something before it.",
                "[...] takes bytes out of a field.",
                "Write frame[0:4].",
            ));
        }
        Token::Mark(m) => {
            let (why, to_do) = match *m {
                "=" => ("One = is no operator.", "Write == with a name before it and a value behind: tcp.port == 443."),
                "&&" | "||" | "^^" => {
                    ("A condition stands on each of its sides.", "Write a condition here, or take the operator away.")
                }
                _ => ("A name or a value is expected.", "Write a name, tcp.port, or a value, 443."),
            };
            return Err(Error::new(at, format!("\"{m}\" can not stand here."), why, to_do));
        }
    };
    behind(p, side)
}

/// Slices and layers behind a side.
fn behind(p: &mut Parser<'_>, mut side: Side) -> Result<Side, Error> {
    loop {
        let Some(next) = p.peek().cloned() else { return Ok(side) };
        let whole = side.at.start..next.at.end;
        match next.token {
            Token::Bracket => {
                p.step();
                let cuts = cuts(p, &next.at)?;
                if matches!(side.what, What::Slice(..)) {
                    return Err(Error::new(
                        next.at,
                        "A slice can not be sliced again.",
                        "",
                        "Write one slice; commas put several parts behind one another: frame[0:2,4].",
                    ));
                }
                side = Side::new(p, whole, What::Slice(Box::new(side), cuts));
            }
            Token::Mark("#") => {
                p.step();
                let Some(number) = p.peek().cloned() else { return Err(p.missing("The number of a layer")) };
                p.step();
                let cut = match &number.token {
                    Token::Bracket => cuts(p, &number.at)?,
                    Token::Word => whole_number(p, &number)?,
                    _ => return Err(no_layer(number.at)),
                };
                let whole = side.at.start..number.at.end;
                match side.what {
                    What::Name { name, layers, raw } if layers.is_empty() => {
                        side = Side::new(p, whole, What::Name { name, layers: cut, raw });
                    }
                    _ => {
                        return Err(Error::new(
                            next.at,
                            "# stands behind a field only, once.",
                            "It says in which layer: of two IPv4 headers the inner is ip.src#2.",
                            "Write ip.src#2 == 10.0.0.1.",
                        ));
                    }
                }
            }
            _ => return Ok(side),
        }
    }
}

fn no_layer(at: Range<usize>) -> Error {
    Error::new(
        at,
        "The number of a layer is missing behind #.",
        "Layers of a protocol count from 1, the outermost.",
        "Write ip.src#1, or ip.src#[1-2]; the innermost is ip.src#[-1].",
    )
}

fn whole_number(p: &Parser<'_>, number: &Placed) -> Result<Vec<Cut>, Error> {
    let n = whole(p.word(number)).and_then(|n| i64::try_from(n).ok());
    match n {
        Some(0) => Err(Error { what: "There is no layer 0.".into(), ..no_layer(number.at.clone()) }),
        Some(n) => Ok(vec![Cut::One(n)]),
        None => Err(no_layer(number.at.clone())),
    }
}

fn word(p: &mut Parser<'_>, next: &Placed) -> Result<Side, Error> {
    let word = p.word(next);
    let called = p.peek().is_some_and(|n| n.token == Token::Mark("(")) && p.registry.get(word).is_none();
    if called {
        let Some((_, function, example, _)) = FUNCTIONS.iter().find(|(n, ..)| *n == word) else {
            let mut near: Vec<(usize, &str)> = FUNCTIONS.iter().map(|(n, ..)| (distance(n, &word.to_lowercase()), *n)).collect();
            near.sort_unstable();
            let known: Vec<&str> = FUNCTIONS.iter().map(|(n, ..)| *n).collect();
            let nearest = near.iter().filter(|(d, n)| *d <= 2 || word.starts_with(n)).map(|(_, n)| (*n).to_owned()).collect();
            let e = Error::new(
                next.at.clone(),
                format!("\"{word}\" is no function."),
                "",
                format!("Functions are {}.", known.join(", ")),
            );
            return Err(Error { nearest, ..e });
        };
        return call(p, &next.at, *function, example);
    }
    if let Some(text) = shorthand::value(word).filter(|_| p.registry.get(word).is_none()) {
        let at = next.at.clone();
        let side = p.deeper(&at, |inside| inside.standing_for(&at, text, read))?;
        return Ok(Side { at, text: word.to_owned(), what: side.what });
    }
    let what = match p.registry.get(word) {
        Some(name) => What::Name { name: Box::new(name.clone()), layers: Vec::new(), raw: false },
        None => What::Literal(Written::Word(word.to_owned())),
    };
    Ok(Side::new(p, next.at.clone(), what))
}

fn call(p: &mut Parser<'_>, at: &Range<usize>, function: Function, example: &str) -> Result<Side, Error> {
    p.step();
    let to_do = format!("Write {example}.");
    let mut all = Vec::new();
    if let Some(close) = p.take(")") {
        let what = format!("{}() needs something between its parentheses.", function.name());
        return Err(Error::new(at.start..close.end, what, "", to_do));
    }
    loop {
        all.push(p.deeper(at, read)?);
        if p.take(",").is_some() {
            continue;
        }
        if let Some(close) = p.take(")") {
            let whole = at.start..close.end;
            if all.len() > 1 && !matches!(function, Function::Max | Function::Min) {
                return Err(Error::new(
                    whole,
                    format!("{}() takes one thing, and here are {}.", function.name(), all.len()),
                    "",
                    to_do,
                ));
            }
            return Ok(Side::new(p, whole, What::Call(function, all)));
        }
        let here = p.peek().map_or(at.start..p.text.len(), |n| n.at.clone());
        return Err(Error::new(here, "The parenthesis of this function is not closed.", "", to_do));
    }
}

/// What stands in the brackets of a slice.
fn cuts(p: &Parser<'_>, at: &Range<usize>) -> Result<Vec<Cut>, Error> {
    let inside = p.written(at).trim_start_matches('[').trim_end_matches(']');
    let mut out = Vec::new();
    let mut from = at.start.saturating_add(1);
    for part in inside.split(',') {
        let here = from..from.saturating_add(part.len()).max(from.saturating_add(1));
        out.push(cut(part.trim(), here)?);
        from = from.saturating_add(part.len()).saturating_add(1);
    }
    Ok(out)
}

fn cut(part: &str, at: Range<usize>) -> Result<Cut, Error> {
    const EXAMPLE: &str = "Write [0:4] for four bytes from the first, [2-5], [3], [:4], [4:]; -1 is the last byte.";
    let number = |t: &str| whole(t.trim()).and_then(|n| i64::try_from(n).ok());
    let wrong = |what: &str, why: &str| Error::new(at.clone(), what, why, EXAMPLE);
    let none = || wrong("This is no slice.", "Offsets are numbers, counted in bytes from 0.");
    if part.is_empty() {
        return Err(wrong("Nothing stands in this slice.", "It must say which bytes."));
    }
    if let Some((from, len)) = part.split_once(':') {
        let from = if from.trim().is_empty() { 0 } else { number(from).ok_or_else(none)? };
        if len.trim().is_empty() {
            return Ok(Cut::Rest(from));
        }
        let len = number(len).ok_or_else(none)?;
        return match u64::try_from(len) {
            Ok(len) if len > 0 => Ok(Cut::Length(from, len)),
            _ => Err(wrong("A slice of no bytes is nothing.", "Behind the colon stands how many bytes, at least 1.")),
        };
    }
    // A minus behind the first character divides; the first one is a sign.
    let divided = part.char_indices().skip(1).find(|(_, c)| *c == '-').map(|(i, _)| part.split_at(i));
    match divided {
        None => Ok(Cut::One(number(part).ok_or_else(none)?)),
        Some((from, to)) => {
            let from = number(from).ok_or_else(none)?;
            let to = to.get(1..).and_then(number).ok_or_else(none)?;
            if (from < 0) == (to < 0) && from > to {
                return Err(wrong("This slice ends before it begins.", "Behind the minus stands the last byte, not how many."));
            }
            Ok(Cut::To(from, to))
        }
    }
}
