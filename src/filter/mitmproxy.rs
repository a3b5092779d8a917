//! mitmproxy's filters, translated: `~m POST & ~d example` is a condition over fields of HTTP/1, HTTP/2 and the conversation.
//!
//! A translation can be read, edited and kept like any other filter; it is what is judged.

use crate::error::Error;
use std::fmt::Write as _;
use std::ops::Range;

/// Whether a text is written so: a `~` with a letter behind it, outside of quotes.
pub(crate) fn is_one(text: &str) -> bool {
    let mut quote = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(_), '\\') => {
                chars.next();
            }
            (Some(q), c) if c == q => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '~') if chars.peek().is_some_and(char::is_ascii_alphabetic) => return true,
            _ => {}
        }
    }
    false
}

/// What a word becomes; `{}` stands for its argument as a quoted regular expression or a number.
enum Becomes {
    Alone(&'static str),
    Regex(&'static str),
    Number(&'static str),
    /// There is nothing in a capture that it could mean.
    Nothing(&'static str),
}

/// The words of mitmproxy.
const WORDS: &[(&str, Becomes)] = {
    use Becomes::{Alone, Nothing, Number, Regex};
    &[
        (
            "a",
            Alone(
                "(http.response.code and http.content_type matches ASSETS or http2.headers.status and http2.headers.content_type matches ASSETS)",
            ),
        ),
        ("all", Alone("frame")),
        ("b", Regex("(http.file_data matches {} or http2.data.data matches {} or websocket.payload matches {})")),
        ("bq", Regex("(http.request.method and http.file_data matches {})")),
        ("bs", Regex("(http.response.code and http.file_data matches {})")),
        ("c", Number("(http.response.code == {} or http2.headers.status == {})")),
        ("comment", Regex("frame.comment matches {}")),
        (
            "d",
            Regex(
                "(http.host matches {} or http2.headers.authority matches {} or tls.handshake.extensions_server_name matches {})",
            ),
        ),
        ("dns", Alone("dns")),
        ("dst", Regex("string(session.server) matches {}")),
        ("e", Alone("(message.state == \"cut\" or message.state == \"bad\" or message.worst == \"error\")")),
        ("h", Regex("(http.header matches {} or http2.header.name matches {} or http2.header.value matches {})")),
        (
            "hq",
            Regex(
                "((http.request.method and http.header matches {}) or (http2.headers.method and (http2.header.name matches {} or http2.header.value matches {})))",
            ),
        ),
        (
            "hs",
            Regex(
                "((http.response.code and http.header matches {}) or (http2.headers.status and (http2.header.name matches {} or http2.header.value matches {})))",
            ),
        ),
        ("http", Alone("(http or http2 or http3)")),
        ("m", Regex("(http.request.method matches {} or http2.headers.method matches {})")),
        ("marked", Alone("frame.marked == True")),
        ("marker", Nothing("Packets are marked or not; marks have no names.")),
        ("meta", Nothing("Captures hold no metadata of flows.")),
        ("q", Alone("(http.request.method or http2.headers.method)")),
        ("replay", Nothing("A capture does not say which messages were replayed.")),
        ("replayq", Nothing("A capture does not say which messages were replayed.")),
        ("replays", Nothing("A capture does not say which messages were replayed.")),
        ("s", Alone("(http.response.code or http2.headers.status)")),
        ("src", Regex("string(session.client) matches {}")),
        ("t", Regex("(http.content_type matches {} or http2.headers.content_type matches {})")),
        ("tcp", Alone("(tcp and not session.protocol in {\"http\", \"http2\", \"http3\", \"websocket\", \"dns\", \"quic\"})")),
        (
            "tq",
            Regex(
                "((http.request.method and http.content_type matches {}) or (http2.headers.method and http2.headers.content_type matches {}))",
            ),
        ),
        (
            "ts",
            Regex(
                "((http.response.code and http.content_type matches {}) or (http2.headers.status and http2.headers.content_type matches {}))",
            ),
        ),
        ("u", Regex("(http.request.full_uri matches {} or http2.headers.path matches {} or http2.headers.authority matches {})")),
        ("udp", Alone("(udp and not session.protocol in {\"http3\", \"dns\", \"quic\"})")),
        ("websocket", Alone("websocket")),
    ]
};

/// What `~a` looks for, as mitmproxy lists it.
const ASSETS: &str = r#""^(text/css|(text|application)/(x-)?javascript|image/|font/|application/(x-)?font)""#;

/// Nesting as deep as the parser of the translation takes it.
const MOST_DEPTH: usize = 100;

/// The filter in Wireshark's language.
pub(crate) fn translate(text: &str) -> Result<String, Error> {
    let mut out = String::new();
    let mut at = 0;
    // Whether a condition is complete, so that another beside it is joined by and.
    let mut complete = false;
    let mut open: Vec<usize> = Vec::new();
    while let Some(rest) = text.get(at..).filter(|r| !r.is_empty()) {
        let c = rest.chars().next().unwrap_or_default();
        let here = at..at.saturating_add(c.len_utf8());
        match c {
            c if c.is_whitespace() => at = here.end,
            '&' | '|' => {
                if !complete {
                    return Err(Error::new(
                        here,
                        format!("\"{c}\" can not stand here."),
                        "A condition is missing before it.",
                        "Write ~q & ~m POST.",
                    ));
                }
                out.push_str(if c == '&' { " and " } else { " or " });
                complete = false;
                // Two of them mean the same as one.
                at = here.end.saturating_add(usize::from(rest.get(1..).is_some_and(|r| r.starts_with(c))));
            }
            ')' => {
                if open.pop().is_none() || !complete {
                    return Err(Error::new(
                        here,
                        "\")\" can not stand here.",
                        "",
                        "Write a condition between parentheses: (~q | ~s).",
                    ));
                }
                out.push(')');
                at = here.end;
            }
            '!' | '(' => {
                beside(&mut out, complete);
                complete = false;
                out.push_str(if c == '!' { "not " } else { "(" });
                if c == '(' {
                    open.push(at);
                }
                if open.len() > MOST_DEPTH {
                    return Err(Error::new(here, "This is nested too deep.", "", ""));
                }
                at = here.end;
            }
            '~' => {
                beside(&mut out, complete);
                at = word(text, at, &mut out)?;
                complete = true;
            }
            _ => {
                // A regular expression alone is the URL's.
                beside(&mut out, complete);
                let (pattern, end) = argument(text, at).ok_or_else(|| missing(at..text.len(), "u"))?;
                put(&mut out, WORDS.iter().find(|(n, _)| *n == "u").map(|(_, b)| b), &pattern);
                complete = true;
                at = end;
            }
        }
    }
    if let Some(open) = open.pop() {
        return Err(Error::new(
            open..open.saturating_add(1),
            "This parenthesis is not closed.",
            "",
            "Write ) behind the condition.",
        ));
    }
    if !complete {
        let end = text.len();
        return Err(Error::new(end..end, "A condition is missing at the end.", "The filter breaks off.", "Write ~q & ~m POST."));
    }
    Ok(out)
}

/// Conditions side by side must both hold.
fn beside(out: &mut String, complete: bool) {
    if complete {
        out.push_str(" and ");
    }
}

/// Translates the word at `at`; gives where it ends.
fn word(text: &str, at: usize, out: &mut String) -> Result<usize, Error> {
    let from = at.saturating_add(1);
    let name: String = text.get(from..).unwrap_or_default().chars().take_while(char::is_ascii_alphanumeric).collect();
    let end = from.saturating_add(name.len());
    let Some((name, becomes)) = WORDS.iter().find(|(n, _)| *n == name) else {
        let known: Vec<String> = WORDS.iter().map(|(n, _)| format!("~{n}")).collect();
        return Err(Error::new(
            at..end.max(from),
            format!("\"~{name}\" is no word of mitmproxy's filters."),
            format!("They are {}.", known.join(" ")),
            "In Wireshark's language ~ stands behind a name: http.host ~ \"example\".",
        ));
    };
    match becomes {
        Becomes::Nothing(why) => Err(Error::new(at..end, format!("\"~{name}\" can not be asked here."), *why, "")),
        Becomes::Alone(_) => {
            put(out, Some(becomes), "");
            Ok(end)
        }
        Becomes::Regex(_) | Becomes::Number(_) => {
            let (pattern, after) = argument(text, end).ok_or_else(|| missing(at..end, name))?;
            if matches!(becomes, Becomes::Number(_)) && !(pattern.len() == 3 && pattern.bytes().all(|b| b.is_ascii_digit())) {
                return Err(Error::new(
                    end..after,
                    format!("\"{}\" is no status code.", pattern.trim()),
                    "Behind ~c stands a number of three digits.",
                    "Write ~c 404.",
                ));
            }
            put(out, Some(becomes), &pattern);
            Ok(after)
        }
    }
}

fn missing(at: Range<usize>, name: &str) -> Error {
    Error::new(
        at,
        format!("Something is missing behind ~{name}."),
        "It takes a regular expression or a number.",
        format!("Write ~{name} {}.", if name == "c" { "404" } else { "example" }),
    )
}

/// The argument behind a word: in quotes, or up to a blank or parenthesis. `None`: there is none.
fn argument(text: &str, from: usize) -> Option<(String, usize)> {
    let rest = text.get(from..)?;
    let start = from.saturating_add(rest.len().saturating_sub(rest.trim_start().len()));
    let rest = text.get(start..)?;
    let first = rest.chars().next()?;
    if !matches!(first, '"' | '\'') {
        let len = rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')')).unwrap_or(rest.len());
        return (len > 0).then(|| (rest.get(..len).unwrap_or_default().to_owned(), start.saturating_add(len)));
    }
    let mut out = String::new();
    let mut escaped = false;
    for (i, c) in rest.char_indices().skip(1) {
        if escaped {
            // Only a quotation mark needs it; what else stands behind a backslash is the expression's.
            if c != first {
                out.push('\\');
            }
            out.push(c);
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == first {
            return Some((out, start.saturating_add(i).saturating_add(1)));
        } else {
            out.push(c);
        }
    }
    None
}

fn put(out: &mut String, becomes: Option<&Becomes>, argument: &str) {
    let quoted = format!("\"{}\"", argument.replace('\\', "\\\\").replace('"', "\\\""));
    // Writing to a String cannot fail.
    let _ = match becomes {
        Some(Becomes::Alone(t)) => write!(out, "{}", t.replace("ASSETS", ASSETS)),
        Some(Becomes::Regex(t)) => write!(out, "{}", t.replace("{}", &quoted)),
        Some(Becomes::Number(t)) => write!(out, "{}", t.replace("{}", argument)),
        Some(Becomes::Nothing(_)) | None => Ok(()),
    };
}
