//! What we answer ourselves: pages that say what failed, why, and what to do, for people and for programs.

use bytes::Bytes;
use std::fmt::Write as _;
use wirelore_kit::Note;
use wirelore_kit::middle::Refusal;

/// What the page is for.
#[derive(Debug, Clone, Copy, Default)]
pub struct For {
    /// The client would rather read JSON.
    pub json: bool,
    /// The request was HEAD: the page's head only.
    pub head: bool,
    /// The connection ends behind it.
    pub close: bool,
}

/// The reason phrase of a status that we answer with (RFC 9110 §15, RFC 6585).
const fn phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        413 => "Content Too Large",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        508 => "Loop Detected",
        _ => "Refused",
    }
}

/// The refusal of a message of which two readers could make different things.
#[must_use]
pub fn refused(note: &'static Note, response: bool) -> (u16, Refusal) {
    let status = match note.name {
        _ if response => 502,
        "http.note.version_unknown" => 505,
        "http.note.head_refused" => 431,
        // An unknown coding in front of chunked is no deceit, it is only not done here; but nothing tells one from the other.
        _ => 400,
    };
    let who = if response { "server's answer" } else { "request" };
    let refusal = Refusal {
        status,
        what: format!("Wirelore did not let the {who} through: {}", lower(note.label)),
        why: format!(
            "{}: two programs can read such a message differently, which is what request smuggling lives on, or it breaks a rule that a \
             proxy has to hold ({}).",
            note.name, note.rfc
        ),
        what_to_do: format!(
            "Look at the {who} in Wirelore's record and correct its sender. To test a server with such messages, let them through \
             byte for byte: start the proxy with --lax."
        ),
    };
    (status, refusal)
}

fn lower(label: &str) -> String {
    let mut chars = label.chars();
    // Names such as Content-Length keep their letters.
    let keep = label.split(' ').next().is_some_and(|w| w.contains('-') || w.chars().skip(1).any(char::is_uppercase));
    match chars.next() {
        Some(first) if !keep => first.to_lowercase().chain(chars).collect(),
        _ => label.to_owned(),
    }
}

/// A whole response that tells `refusal`.
#[must_use]
pub fn of(refusal: &Refusal, client: For) -> Bytes {
    // The status is the caller's word; what is none becomes 502.
    let status = if (400..600).contains(&refusal.status) { refusal.status } else { 502 };
    let (kind, body) = if client.json {
        ("application/json", json(status, refusal))
    } else {
        ("text/html; charset=utf-8", html(status, refusal))
    };
    let mut out = String::with_capacity(body.len().saturating_add(256));
    let ask = if status == 407 { "Proxy-Authenticate: Basic realm=\"Wirelore\", charset=\"UTF-8\"\r\n" } else { "" };
    let close = if client.close { "Connection: close\r\n" } else { "" };
    let _ = write!(
        out,
        "HTTP/1.1 {status} {}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\
         {ask}{close}\r\n",
        phrase(status),
        body.len()
    );
    if !client.head {
        out.push_str(&body);
    }
    out.into()
}

fn html(status: u16, r: &Refusal) -> String {
    let [what, why, todo] = [&r.what, &r.why, &r.what_to_do].map(|s| escaped(s));
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{status} {phrase} \u{2013} Wirelore</title>\n<style>:root{{color-scheme:light dark}}body{{font:1rem/1.5 system-ui,sans-serif;\
         max-width:40rem;margin:12vh auto;padding:0 1.5rem}}h1{{font-size:1.35rem;line-height:1.3}}h2{{font-size:1rem;margin:1.5rem 0 0}}\
         p{{margin:.25rem 0;overflow-wrap:anywhere}}footer{{margin-top:3rem;opacity:.65;font-size:.85rem}}</style></head>\n\
         <body><h1>{what}</h1>\n<h2>Why</h2><p>{why}</p>\n<h2>What to do</h2><p>{todo}</p>\n\
         <footer>{status} {phrase}. This page is from the proxy (Wirelore), not from the server.</footer></body></html>\n",
        phrase = phrase(status)
    )
}

fn json(status: u16, r: &Refusal) -> String {
    let [what, why, todo] = [&r.what, &r.why, &r.what_to_do].map(|s| quoted(s));
    format!("{{\"status\":{status},\"from\":\"wirelore\",\"what\":{what},\"why\":{why},\"what_to_do\":{todo}}}\n")
}

/// Text that is no markup.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Text as a JSON string (RFC 8259 §7).
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_add(2));
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal() -> Refusal {
        Refusal { status: 502, what: "<b>\"x\"".into(), why: "a\nb\\".into(), what_to_do: "c & d".into() }
    }

    #[test]
    fn what_others_wrote_is_no_markup_in_a_page() {
        let page = of(&refusal(), For::default());
        let text = std::str::from_utf8(&page).unwrap();
        assert!(text.contains("&lt;b&gt;&quot;x&quot;") && !text.contains("<b>"));
        let body = text.split_once("\r\n\r\n").unwrap().1;
        assert!(text.contains(&format!("Content-Length: {}\r\n", body.len())));
        let json: serde_json::Value = serde_json::from_str(
            std::str::from_utf8(&of(&refusal(), For { json: true, ..For::default() })).unwrap().split_once("\r\n\r\n").unwrap().1,
        )
        .unwrap();
        assert_eq!(json["what"], "<b>\"x\"");
        assert_eq!(json["why"], "a\nb\\");
        let head = of(&refusal(), For { head: true, close: true, ..For::default() });
        assert!(head.ends_with(b"Connection: close\r\n\r\n"));
    }
}
