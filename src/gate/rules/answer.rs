//! Answers that we give ourselves, in the words of the protocol that asked.

use super::Answer;
use bytes::Bytes;
use wirelore_kit::middle::{Part, Stage, Transit};

/// How we call ourselves in answers.
pub(crate) const HOUSE: &str = "Wirelore";

/// Whether the protocol answers with a status line and headers.
pub(super) fn is_http(proto: &str) -> bool {
    matches!(proto, "http" | "http2" | "http3")
}

/// An answer to this question.
fn to(question: &Transit, line: Bytes, headers: Vec<(Bytes, Bytes)>, body: Bytes) -> Transit {
    Transit {
        proto: question.proto,
        dir: question.dir.other(),
        exchange: question.exchange,
        part: Part::Response,
        stage: Stage::Whole,
        line,
        headers,
        body,
        trailers: Vec::new(),
        url: question.url.clone(),
    }
}

/// `HTTP/1.1 404 Not Found`; HTTP/2 and 3 have no reason phrase, and their version stands as in their questions.
pub(crate) fn status_line(like: &Transit, status: u16) -> Bytes {
    let version = match like.proto {
        "http2" => "HTTP/2",
        "http3" => "HTTP/3",
        _ => return Bytes::from(format!("HTTP/1.1 {status} {}", reason(status))),
    };
    Bytes::from(format!("{version} {status}"))
}

/// An answer of HTTP.
pub(super) fn http(question: &Transit, status: u16, media: &str, body: Bytes) -> Transit {
    let mut headers = vec![(Bytes::from_static(b"Content-Type"), Bytes::copy_from_slice(media.as_bytes()))];
    headers.push((Bytes::from_static(b"Content-Length"), Bytes::from(body.len().to_string())));
    headers.push((Bytes::from_static(b"Server"), Bytes::from_static(HOUSE.as_bytes())));
    to(question, status_line(question, status), headers, body)
}

/// The answer that a rule gives.
pub(super) fn given(question: &Transit, answer: &Answer) -> Result<Transit, String> {
    let body = answer.body.read()?;
    let Some(line) = &answer.line else {
        if !is_http(question.proto) {
            return Err(format!("{} is not answered with a status: say `answer = {{ line = ... }}`", question.proto));
        }
        let mut headers = answer.headers.clone();
        if !headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(b"content-length")) {
            headers.push((Bytes::from_static(b"Content-Length"), Bytes::from(body.len().to_string())));
        }
        return Ok(to(question, status_line(question, answer.status), headers, body));
    };
    Ok(to(question, line.clone(), answer.headers.clone(), body))
}

/// A refusal, where the protocol has one that leaves the connection in order.
pub(super) fn refusal(question: &Transit, status: u16, rule: &str) -> Option<Transit> {
    let text = format!("Blocked by the rule \"{rule}\" of {HOUSE}.");
    if is_http(question.proto) {
        return Some(http(question, status, "text/plain; charset=utf-8", Bytes::from(format!("{text}\n"))));
    }
    let line = match question.proto {
        // RFC 5321 §4.2.3 and RFC 3463: refused by policy.
        "smtp" | "lmtp" => format!("550 5.7.1 {text}"),
        "ftp" => format!("550 {text}"),
        "pop3" | "pop" => format!("-ERR {text}"),
        "redis" | "resp" => format!("-ERR {text}"),
        "imap" => {
            let tag = question.line.split(|b| *b == b' ').next().unwrap_or_default();
            format!("{} NO {text}", String::from_utf8_lossy(tag))
        }
        // RFC 1035 §4.1.1: "for policy reasons".
        "dns" => "REFUSED".to_string(),
        _ => return None,
    };
    Some(to(question, Bytes::from(line), Vec::new(), Bytes::new()))
}

/// Reason phrases of RFC 9110 §15 and its registry, for the statuses that people type.
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        418 => "I'm a Teapot",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        511 => "Network Authentication Required",
        _ => "Status",
    }
}
