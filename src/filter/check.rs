//! Types: what can be compared with what, and what to say where it can not.

use crate::error::Error;
use crate::expr::{Calc, Expr};
use crate::function::Function;
use crate::literal::{self, Beside, Written};
use crate::registry::Registry;
use crate::side::{Side, What};
use crate::term::{Compare, Test, Which, type_of};
use crate::types::Type;
use regex::bytes::{Regex, RegexBuilder};
use wirelore_kit::Names;

/// Memory that one regular expression may take, bytes.
const MOST_REGEX: usize = 4 << 20;

/// A side standing alone: is it there, or, of a calculation, is it not zero?
pub(crate) fn alone(side: &Side, registry: &Registry) -> Result<Test, Error> {
    match &side.what {
        What::Literal(w) => Err(unknown(side, w, registry)),
        // A shorthand that is worked out from a field is there where that is.
        What::Call(_, of) if crate::shorthand::value(&side.text).is_some() => match of.as_slice() {
            [one] => alone(one, registry),
            _ => Err(unknown(side, &Written::Word(side.text.clone()), registry)),
        },
        What::Call(f, _) => Err(Error::new(
            side.at.clone(),
            format!("What {}() gives must be compared with something.", f.name()),
            "It is a value, not a condition.",
            format!("Write {} {}.", side.text, if f.gives(Type::Text) == Type::Text { "== \"...\"" } else { "> 0" }),
        )),
        What::Name { .. } | What::Slice(..) => Ok(Test::There(typed(side, None, registry)?)),
        What::Minus(_) | What::Calc(..) => {
            if side.is_literal() {
                return Err(no_name(side));
            }
            Ok(Test::Set(typed(side, None, registry)?))
        }
    }
}

/// Two sides and how they stand to one another.
pub(crate) fn compare(left: &Side, compare: Compare, which: Which, right: &Side, registry: &Registry) -> Result<Test, Error> {
    let (a, b) = both(left, right, registry)?;
    Ok(Test::Compare(which, a, compare, b))
}

/// Whether values are members of a set.
pub(crate) fn member(left: &Side, which: Which, set: &[(Side, Option<Side>)], registry: &Registry) -> Result<Test, Error> {
    if left.is_literal() {
        return Err(literal_left(left, registry));
    }
    let e = typed(left, None, registry)?;
    let mut members = Vec::with_capacity(set.len());
    for (from, to) in set {
        let (_, a) = both(left, from, registry)?;
        let b = match to {
            None => None,
            Some(to) => {
                let (_, b) = both(left, to, registry)?;
                if let (Expr::Literal(x, _), Expr::Literal(y, _)) = (&a, &b)
                    && x.order(y) == Some(std::cmp::Ordering::Greater)
                {
                    return Err(Error::new(
                        from.at.start..to.at.end,
                        "This range ends before it begins.",
                        "Nothing is in it.",
                        format!("Write {}..{}.", to.text, from.text),
                    ));
                }
                Some(b)
            }
        };
        members.push((a, b));
    }
    Ok(Test::In(which, e, members))
}

/// Whether values hold another.
pub(crate) fn contains(left: &Side, which: Which, right: &Side, registry: &Registry) -> Result<Test, Error> {
    if left.is_literal() {
        return Err(literal_left(left, registry));
    }
    let a = typed(left, None, registry)?;
    let of = type_of(&a);
    searchable(left, of, "contains", registry)?;
    // The part of a MAC address is bytes, not a MAC address.
    let of = if of == Type::Mac { Type::Bytes } else { of };
    let beside = Beside { what: &left.text, of, values: &[] };
    let b = typed(right, Some(&beside), registry)?;
    if !matches!(type_of(&b), Type::Text | Type::Bytes | Type::Protocol | Type::Mac) {
        return Err(mismatch(left, of, right, type_of(&b)));
    }
    Ok(Test::Contains(which, a, b))
}

/// Whether values match a regular expression.
pub(crate) fn matches(left: &Side, which: Which, right: &Side, registry: &Registry) -> Result<Test, Error> {
    if left.is_literal() {
        return Err(literal_left(left, registry));
    }
    let a = typed(left, None, registry)?;
    searchable(left, type_of(&a), "matches", registry)?;
    let What::Literal(Written::Text(pattern)) = &right.what else {
        return Err(Error::new(
            right.at.clone(),
            "A regular expression stands in double quotes.",
            "",
            format!("Write {} matches \"{}\".", left.text, right.text.trim_matches(['"', '\''])),
        ));
    };
    let Ok(pattern) = std::str::from_utf8(pattern) else {
        return Err(Error::new(
            right.at.clone(),
            "This regular expression is no UTF-8.",
            "",
            "Write single bytes as \\\\xff, with two backslashes, so that the expression and not the text has them.",
        ));
    };
    let regex = regex(pattern).map_err(|e| bad_regex(&e, pattern, right))?;
    Ok(Test::Matches(which, a, Box::new(regex), pattern.to_owned()))
}

/// Like PCRE as Wireshark uses it: whatever the case, and bytes need be no UTF-8.
fn regex(pattern: &str) -> Result<Regex, regex::Error> {
    let build = |unicode: bool| RegexBuilder::new(pattern).case_insensitive(true).unicode(unicode).size_limit(MOST_REGEX).build();
    // Letters beyond ASCII have cases too.
    if pattern.is_ascii() && !pattern.contains("\\p") { build(false) } else { build(true).or_else(|_| build(false)) }
}

fn bad_regex(e: &regex::Error, pattern: &str, right: &Side) -> Error {
    let words = e.to_string();
    // The last line of what the crate says is the sentence; the lines before show the place.
    let sentence = words.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let to_do = if ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|l| pattern.contains(l)) {
        "Look-around is not read: it can take for ever. Write two conditions joined by and."
    } else if (1..=9).any(|n| pattern.contains(&format!("\\{n}"))) {
        "References back are not read: they can take for ever."
    } else {
        "Write a character that has a meaning in regular expressions with \\\\ before it, or use contains."
    };
    Error::new(right.at.clone(), "This is no regular expression.", format!("{sentence}."), to_do)
}

/// Both sides, each literal read as what stands on the other side.
fn both(left: &Side, right: &Side, registry: &Registry) -> Result<(Expr, Expr), Error> {
    match (left.is_literal(), right.is_literal()) {
        (true, true) => Err(literal_left(left, registry)),
        (false, true) => {
            let a = typed(left, None, registry)?;
            let beside = Beside { what: &left.text, of: type_of(&a), values: values_of(left) };
            let b = typed(right, Some(&beside), registry)?;
            Ok((a, b))
        }
        (true, false) => {
            let b = typed(right, None, registry)?;
            let beside = Beside { what: &right.text, of: type_of(&b), values: values_of(right) };
            // A misspelt name looks like a literal.
            let a = typed(left, Some(&beside), registry).map_err(|e| name_or(e, left, registry))?;
            Ok((a, b))
        }
        (false, false) => {
            let (a, b) = (typed(left, None, registry)?, typed(right, None, registry)?);
            let (of, other) = (type_of(&a), type_of(&b));
            if !comparable(of, other) {
                return Err(mismatch(left, of, right, other));
            }
            Ok((a, b))
        }
    }
}

fn name_or(e: Error, side: &Side, registry: &Registry) -> Error {
    match &side.what {
        What::Literal(w @ Written::Word(word)) if looks_like_name(word) => unknown(side, w, registry),
        _ => e,
    }
}

fn looks_like_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_') && !word.contains([':', '/'])
}

fn values_of(side: &Side) -> Names {
    match &side.what {
        What::Name { name, raw: false, .. } => name.values,
        _ => &[],
    }
}

fn comparable(a: Type, b: Type) -> bool {
    let class = |of: Type| match of {
        Type::Bool | Type::Unsigned | Type::Signed | Type::Char => Some(0),
        Type::Text | Type::Bytes | Type::Protocol | Type::Mac => Some(1),
        Type::Duration | Type::Float => Some(2),
        Type::Time => Some(3),
        Type::Ipv4 => Some(4),
        Type::Ipv6 => Some(5),
        Type::Address | Type::Nothing => None,
    };
    let address = |of: Type| matches!(of, Type::Ipv4 | Type::Ipv6 | Type::Address);
    let either = matches!(a, Type::Address) || matches!(b, Type::Address);
    if either { address(a) && address(b) } else { class(a).is_some() && class(a) == class(b) }
}

fn mismatch(left: &Side, of: Type, right: &Side, other: Type) -> Error {
    let number = matches!(of, Type::Unsigned | Type::Signed | Type::Bool);
    let why = match &right.what {
        // tcp.port == http, where http was meant as a word.
        What::Name { name, .. } if name.of == Type::Protocol => {
            if number {
                format!("{} is a protocol: the bytes of it.", right.text)
            } else {
                format!("{} is a protocol; in quotes it would be text.", right.text)
            }
        }
        _ => String::new(),
    };
    Error::new(
        right.at.clone(),
        format!("{} is {}, and {} is {}.", left.text, of.words(), right.text, other.words()),
        why,
        if number {
            format!("Compare it with a number: {} == 80.", left.text)
        } else {
            "Compare what is of one kind.".to_owned()
        },
    )
}

fn searchable(left: &Side, of: Type, operator: &str, registry: &Registry) -> Result<(), Error> {
    if matches!(of, Type::Text | Type::Bytes | Type::Protocol) || (of == Type::Mac && operator == "contains") {
        return Ok(());
    }
    let to_do = match of {
        Type::Ipv4 => format!("Write {} == 10.0.0.0/8, or string({0}) {operator} \"...\".", left.text),
        Type::Ipv6 => format!("Write {} == 2001:db8::/32, or string({0}) {operator} \"...\".", left.text),
        Type::Nothing => format!("Write {} alone.", left.text),
        Type::Time => format!("Write {} > \"2026-11-23 12:34\".", left.text),
        Type::Bool => format!("Write {} == True.", left.text),
        _ => format!("Write string({}) {operator} \"...\", or compare numbers: {0} in {{80, 8000..8099}}.", left.text),
    };
    let mut e = Error::new(
        left.at.clone(),
        format!("{operator} looks into text and bytes, and {} is {}.", left.text, of.words()),
        "",
        to_do,
    );
    // Often the text stands beside it under another name.
    let text = format!("{}_str", left.text);
    if registry.get(&text).is_some() {
        e.nearest.push(text);
    }
    Err(e)
}

/// A side with its types checked; a literal is read as what it stands beside.
fn typed(side: &Side, beside: Option<&Beside<'_>>, registry: &Registry) -> Result<Expr, Error> {
    Ok(match &side.what {
        What::Name { name, layers, raw } => {
            Expr::Name { name: name.name, reads: name.reads.clone(), of: name.of, layers: layers.clone(), raw: *raw }
        }
        What::Literal(w) => match beside {
            Some(beside) => Expr::Literal(literal::read(w, &side.at, beside)?, beside.of),
            None => return Err(unknown(side, w, registry)),
        },
        What::Slice(inner, cuts) => {
            let e = typed(inner, None, registry)?;
            let of = type_of(&e);
            if !matches!(of, Type::Text | Type::Bytes | Type::Protocol | Type::Mac | Type::Ipv4 | Type::Ipv6) {
                return Err(Error::new(
                    inner.at.clone(),
                    format!("{} is {}, and has no bytes to slice.", inner.text, of.words()),
                    "Slices take bytes out of text, bytes, addresses and protocols.",
                    format!("Write @{} to get the bytes that it was read from: @{0}[0].", inner.text),
                ));
            }
            Expr::Slice(Box::new(e), cuts.clone())
        }
        What::Call(function, all) => call(side, *function, all, registry)?,
        What::Minus(inner) => {
            let e = typed(inner, beside, registry)?;
            let of = type_of(&e);
            if !matches!(of, Type::Unsigned | Type::Signed | Type::Duration) {
                return Err(no_numbers(inner, of));
            }
            Expr::Minus(Box::new(e))
        }
        What::Calc(how, a, b) => calc(*how, a, b, beside, registry)?,
    })
}

fn call(side: &Side, function: Function, all: &[Side], registry: &Registry) -> Result<Expr, Error> {
    let first = all.iter().find(|s| !s.is_literal());
    let Some(first) = first else {
        return Err(match all.first() {
            Some(s) => literal_left(s, registry),
            None => no_name(side),
        });
    };
    let of = type_of(&typed(first, None, registry)?);
    if function == Function::Count && !matches!(first.what, What::Name { .. }) {
        return Err(Error::new(
            first.at.clone(),
            "count() counts the values of a field.",
            "What was calculated is no field.",
            "Write count(ip.addr) > 2.",
        ));
    }
    if !function.takes(of) {
        let (why, to_do) = match function {
            Function::Text if matches!(of, Type::Text | Type::Bytes | Type::Protocol) => {
                ("It can be searched as it is.".to_owned(), format!("Write {} contains \"...\".", first.text))
            }
            Function::Upper | Function::Lower => {
                (format!("{}() turns text.", function.name()), format!("Write {}(http.host).", function.name()))
            }
            _ => (String::new(), format!("Use {}() with another field.", function.name())),
        };
        return Err(Error::new(
            first.at.clone(),
            format!("{}() can not take {}, which is {}.", function.name(), first.text, of.words()),
            why,
            to_do,
        ));
    }
    let beside = Beside { what: &first.text, of, values: &[] };
    let mut typed_all = Vec::with_capacity(all.len());
    for s in all {
        let e = typed(s, Some(&beside), registry)?;
        if !comparable(of, type_of(&e)) && all.len() > 1 {
            return Err(mismatch(first, of, s, type_of(&e)));
        }
        // Of what is no text, the bytes are counted that it was read from.
        typed_all.push(match (function, e) {
            (Function::Len, Expr::Name { name, reads, of, layers, .. })
                if !matches!(of, Type::Text | Type::Bytes | Type::Protocol) =>
            {
                Expr::Name { name, reads, of, layers, raw: true }
            }
            (_, e) => e,
        });
    }
    let function = if matches!(function, Function::Names(_)) {
        let values = values_of(first);
        if values.is_empty() {
            return Err(Error::new(
                first.at.clone(),
                format!("The values of {} have no names.", first.text),
                "vals() gives the name of a number.",
                format!("Compare the number itself: {} == 1.", first.text),
            ));
        }
        Function::Names(values)
    } else {
        function
    };
    Ok(Expr::Call(function, typed_all))
}

fn no_numbers(side: &Side, of: Type) -> Error {
    Error::new(
        side.at.clone(),
        format!("{} is {}, and can not be calculated with.", side.text, of.words()),
        "Numbers and durations can.",
        match of {
            Type::Protocol | Type::Text => format!("Take bytes out of it: {}[0:2] & 0f:ff.", side.text),
            Type::Bool => format!("Write {} == True.", side.text),
            _ => format!("Compare it: {} == ...", side.text),
        },
    )
}

fn calc(how: Calc, a: &Side, b: &Side, beside: Option<&Beside<'_>>, registry: &Registry) -> Result<Expr, Error> {
    // Each literal is read as what the other is.
    let (x, y) = match (a.is_literal(), b.is_literal()) {
        (false, true) => {
            let x = typed(a, None, registry)?;
            let by = operand(how, type_of(&x));
            let y = typed(b, Some(&Beside { what: &a.text, of: by, values: &[] }), registry)?;
            (x, y)
        }
        (true, false) => {
            let y = typed(b, None, registry)?;
            let x = typed(a, Some(&Beside { what: &b.text, of: type_of(&y), values: &[] }), registry)
                .map_err(|e| name_or(e, a, registry))?;
            (x, y)
        }
        _ => (typed(a, beside, registry)?, typed(b, beside, registry)?),
    };
    let (of, other) = (type_of(&x), type_of(&y));
    let number = |of: Type| matches!(of, Type::Unsigned | Type::Signed | Type::Char | Type::Bool);
    let fits = match how {
        Calc::And => {
            let bytes = |of: Type| matches!(of, Type::Bytes | Type::Mac);
            (number(of) && number(other)) || (bytes(of) && bytes(other))
        }
        Calc::Add | Calc::Subtract => {
            let moments =
                matches!(of, Type::Duration | Type::Time) && (other == Type::Duration || (of == other && how == Calc::Subtract));
            (number(of) && number(other)) || moments
        }
        Calc::Multiply | Calc::Divide | Calc::Modulo => (number(of) || of == Type::Duration) && number(other),
    };
    if !fits {
        let wrong = if number(of) || matches!(of, Type::Duration | Type::Time) { (b, other) } else { (a, of) };
        return Err(if comparable(of, other) { no_numbers(wrong.0, wrong.1) } else { mismatch(a, of, b, other) });
    }
    Ok(Expr::Calc(how, Box::new(x), Box::new(y)))
}

/// What a literal is read as that something of type `of` is calculated with.
const fn operand(how: Calc, of: Type) -> Type {
    match (how, of) {
        (Calc::Add | Calc::Subtract, Type::Time) => Type::Duration,
        (Calc::Multiply | Calc::Divide | Calc::Modulo, Type::Duration) => Type::Signed,
        // A literal below zero may be added to what is never below zero.
        (_, Type::Unsigned) => Type::Signed,
        _ => of,
    }
}

fn no_name(side: &Side) -> Error {
    Error::new(
        side.at.clone(),
        format!("{} is a value, and no name stands beside it.", side.text),
        "A value is compared with a field.",
        format!("Write tcp.port == {}.", side.text),
    )
}

/// A literal where a name is needed.
fn literal_left(side: &Side, registry: &Registry) -> Error {
    match &side.what {
        What::Literal(w) => unknown(side, w, registry),
        _ => no_name(side),
    }
}

/// A word that is no name.
fn unknown(side: &Side, written: &Written, registry: &Registry) -> Error {
    let Written::Word(word) = written else { return text_alone(side) };
    if !looks_like_name(word) {
        let what = match word.split_once('/').map_or(word.as_str(), |(a, _)| a) {
            a if a.parse::<std::net::Ipv4Addr>().is_ok() => "ip.addr",
            a if a.contains(':') && a.parse::<std::net::Ipv6Addr>().is_ok() => "ipv6.addr",
            _ if literal::hex(word).is_some_and(|b| b.len() == 6) && word.contains(':') => "eth.addr",
            _ => "tcp.port",
        };
        return Error::new(
            side.at.clone(),
            format!("\"{word}\" is a value, and no name stands beside it."),
            "A value is compared with a field.",
            format!("Write {what} == {word}."),
        );
    }
    if is_operator(word) {
        return Error::new(
            side.at.clone(),
            format!("\"{word}\" can not stand here."),
            "It joins what stands on its sides, and something is missing before it.",
            "Write http and tcp.port == 8080, or tcp.port in {80, 443}.",
        );
    }
    let nearest = registry.nearest(word);
    let (why, to_do) = match word.as_str() {
        "port" | "portrange" => capture_filter("tcp.port == 80, or udp.port"),
        "host" | "net" => capture_filter("ip.addr == 10.0.0.1, or 10.0.0.0/8"),
        "src" => capture_filter("ip.src == 10.0.0.1"),
        "dst" => capture_filter("ip.dst == 10.0.0.1"),
        "ether" => capture_filter("eth.addr == 00:11:22:aa:bb:cc"),
        _ => {
            let to_do = match nearest.as_slice() {
                [] => "Names are made of a protocol and its field: http.host, tcp.port.".to_owned(),
                [one] => format!("Did you mean {one}?"),
                [first, .., last] => {
                    let middle = nearest.get(1..nearest.len().saturating_sub(1)).unwrap_or_default();
                    let list = std::iter::once(first).chain(middle).copied().collect::<Vec<_>>().join(", ");
                    format!("Did you mean {list} or {last}?")
                }
            };
            let small = matches!(nearest.as_slice(), [one] if one.eq_ignore_ascii_case(word));
            let why = if small { "Small and capital letters differ in names." } else { "No field and no protocol is called so." };
            (why.to_owned(), to_do)
        }
    };
    let e = Error::new(side.at.clone(), format!("\"{word}\" is no name."), why, to_do);
    Error { nearest: nearest.into_iter().map(str::to_owned).collect(), ..e }
}

fn is_operator(word: &str) -> bool {
    const WORDS: &[&str] = &[
        "and", "or", "xor", "in", "contains", "matches", "eq", "ne", "gt", "lt", "ge", "le", "any_eq", "all_eq", "any_ne",
        "all_ne",
    ];
    WORDS.contains(&word)
}

fn capture_filter(example: &str) -> (String, String) {
    ("That word belongs to capture filters, which are another language.".to_owned(), format!("Write {example}."))
}

fn text_alone(side: &Side) -> Error {
    Error::new(
        side.at.clone(),
        format!("{} is text, and no name stands beside it.", side.text),
        "Text is looked for in a field or a protocol.",
        format!("Write frame contains {}.", side.text),
    )
}
