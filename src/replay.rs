//! Server replay: requests answered from the exchanges of captures, be they sessions of ours, plain packet captures or HARs.
//!
//! A request is answered by an exchange with the same method, the same URL and, where the recorded request had a body, the same body.
//! Where there are several they answer in their order; the last one answers from then on.

use crate::cli::From;
use crate::exchanges;
use crate::reading::{self, Failure};
use bytes::Bytes;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use wirelore_export::exchange::{Body, Exchange, Said};
use wirelore_gate::Replies;
use wirelore_kit::middle::{Part, Stage, Transit};

/// Bytes of all answers together.
const MOST: usize = 1 << 30;

/// What was asked: method, URL.
type Asked = (String, String);

/// Answers that were recorded.
#[derive(Default)]
pub struct Recorded {
    by_question: HashMap<Asked, Vec<Kept>>,
    otherwise: Option<u16>,
    count: usize,
}

/// The answers to one question, in their order.
struct Kept {
    /// Of the request's body, where it had one.
    body: Option<[u8; 32]>,
    answers: Vec<Answer>,
    next: AtomicUsize,
}

struct Answer {
    status: String,
    headers: Vec<(Bytes, Bytes)>,
    trailers: Vec<(Bytes, Bytes)>,
    body: Bytes,
    from: String,
}

impl Recorded {
    /// Reads captures. `otherwise`: the status for what is not in them.
    ///
    /// # Errors
    /// A capture cannot be read, or holds more than fits in memory.
    pub fn read(files: &[PathBuf], otherwise: Option<u16>) -> Result<Recorded, Failure> {
        let mut all = Recorded { otherwise, ..Recorded::default() };
        let mut bytes = 0usize;
        for file in files {
            let from = From { file: file.clone(), keylog: None, no_resolve: false, decode_as: Vec::new(), shards: None };
            let mut session = reading::open(&from, false)?;
            reading::finish(&mut session, false)?;
            let before = all.count;
            exchanges::each(&session, &mut |e| {
                bytes = bytes.saturating_add(all.keep(&e, file));
                if bytes <= MOST {
                    return Ok(());
                }
                let text =
                    format!("{} holds more than {} MiB of answers: cut it, or replay a part of it.", file.display(), MOST >> 20);
                Err(Failure { text, code: crate::cli::exit::FILE })
            })?;
            if all.count == before {
                let text = format!("{} has no whole exchanges of HTTP to replay.", file.display());
                return Err(Failure { text, code: crate::cli::exit::FILE });
            }
        }
        Ok(all)
    }

    /// How many answers there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Keeps an exchange, if all of it is there. How many bytes that takes.
    fn keep(&mut self, e: &Exchange, file: &Path) -> usize {
        let (Some(q), Some(a)) = (&e.request, &e.response) else { return 0 };
        let [method, ..] = &q.line;
        let [_, status, _] = &a.line;
        let left_out = q.body.left_out.saturating_add(a.body.left_out);
        // 101 and CONNECT open what is not HTTP any more.
        if !q.whole || !a.whole || left_out > 0 || status.starts_with('1') || method == "CONNECT" || e.url.is_empty() {
            return 0;
        }
        let body = as_sent(&a.body);
        let answer = Answer {
            status: if a.line[2].is_empty() { status.clone() } else { format!("{status} {}", a.line[2]) },
            headers: headers(a, method, body.len()),
            trailers: owned(&a.trailers),
            body: Bytes::copy_from_slice(body),
            from: format!("exchange {} of {}", e.id, file.display()),
        };
        let size = body.len().saturating_add(512);
        let sent = as_sent(&q.body);
        let sum = (!sent.is_empty()).then(|| Sha256::digest(sent).into());
        let kept = self.by_question.entry((method.clone(), no_fragment(&e.url).to_string())).or_default();
        match kept.iter_mut().find(|k| k.body == sum) {
            Some(k) => k.answers.push(answer),
            None => kept.push(Kept { body: sum, answers: vec![answer], next: AtomicUsize::new(0) }),
        }
        self.count = self.count.saturating_add(1);
        size
    }

    fn kept(&self, request: &Transit) -> Option<&Vec<Kept>> {
        let method = request.line.split(|b| *b == b' ').next().unwrap_or_default();
        let url = no_fragment(request.url.as_deref()?);
        self.by_question.get(&(String::from_utf8_lossy(method).into_owned(), url.to_string()))
    }
}

/// The bytes as they were sent, content codings on.
fn as_sent(body: &Body) -> &[u8] {
    body.coded.as_deref().unwrap_or(&body.bytes)
}

fn no_fragment(url: &str) -> &str {
    url.split('#').next().unwrap_or(url)
}

fn owned(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<(Bytes, Bytes)> {
    pairs.iter().map(|(n, v)| (Bytes::copy_from_slice(n), Bytes::copy_from_slice(v))).collect()
}

/// The recorded headers without those of the connection that it came over; the body's length as it is now.
fn headers(a: &Said, method: &str, len: usize) -> Vec<(Bytes, Bytes)> {
    let of_hop = |n: &[u8]| {
        n.starts_with(b":")
            || ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]
                .iter()
                .any(|h| n.eq_ignore_ascii_case(h.as_bytes()))
    };
    let is_length = |n: &[u8]| n.eq_ignore_ascii_case(b"content-length");
    let mut all = owned(&a.headers);
    // An answer to HEAD tells the length of what GET would give.
    all.retain(|(n, _)| !of_hop(n) && (method == "HEAD" || !is_length(n)));
    let [_, status, _] = &a.line;
    if method != "HEAD" && status != "204" && status != "304" {
        all.push((Bytes::from_static(b"Content-Length"), Bytes::from(len.to_string())));
    }
    all
}

impl Replies for Recorded {
    fn needs_body(&self, request: &Transit) -> bool {
        self.kept(request).is_some_and(|all| all.iter().any(|k| k.body.is_some()))
    }

    fn answer(&self, request: &Transit) -> Option<(Transit, String)> {
        let sum = (!request.body.is_empty()).then(|| Sha256::digest(&request.body).into());
        let kept = self.kept(request)?.iter().find(|k| k.body == sum)?;
        let last = kept.answers.len().saturating_sub(1);
        let turn = kept.next.fetch_add(1, Ordering::Relaxed).min(last);
        let a = kept.answers.get(turn)?;
        let version = match request.proto {
            "http2" => "HTTP/2",
            "http3" => "HTTP/3",
            _ => "HTTP/1.1",
        };
        let answer = Transit {
            dir: request.dir.other(),
            part: Part::Response,
            stage: Stage::Whole,
            line: Bytes::from(format!("{version} {}", a.status)),
            headers: a.headers.clone(),
            body: a.body.clone(),
            trailers: a.trailers.clone(),
            ..request.clone()
        };
        Some((answer, format!("answered by {}", a.from)))
    }

    fn otherwise(&self) -> Option<u16> {
        self.otherwise
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelore_kit::Dir;

    fn exchange(method: &str, url: &str, sent: &[u8], status: &str, got: &[u8]) -> Exchange {
        let said = |line: [&str; 3], body: &[u8], headers: &[(&str, &str)]| Said {
            line: line.map(str::to_string),
            headers: headers.iter().map(|(n, v)| (n.as_bytes().to_vec(), v.as_bytes().to_vec())).collect(),
            body: Body { bytes: body.to_vec(), ..Body::default() },
            whole: true,
            ..Said::default()
        };
        Exchange {
            url: url.into(),
            request: Some(said([method, "/", "HTTP/1.1"], sent, &[])),
            response: Some(said(
                ["HTTP/1.1", status, "OK"],
                got,
                &[("Transfer-Encoding", "chunked"), (":status", "200"), ("ETag", "x")],
            )),
            ..Exchange::default()
        }
    }

    fn request(line: &str, url: &str, body: &[u8]) -> Transit {
        Transit {
            proto: "http",
            dir: Dir::ToServer,
            exchange: 7,
            part: Part::Request,
            stage: Stage::Whole,
            line: Bytes::copy_from_slice(line.as_bytes()),
            headers: Vec::new(),
            body: Bytes::copy_from_slice(body),
            trailers: Vec::new(),
            url: Some(url.into()),
        }
    }

    #[test]
    fn answers_come_in_their_order_and_the_last_one_stays() {
        let mut r = Recorded::default();
        let f = Path::new("f");
        for body in ["1", "2"] {
            assert!(r.keep(&exchange("GET", "http://a/x#frag", b"", "200", body.as_bytes()), f) > 0);
        }
        let ask = |m: &str| r.answer(&request(&format!("{m} /x HTTP/1.1"), "http://a/x", b""));
        assert!(!r.needs_body(&request("GET /x HTTP/1.1", "http://a/x", b"")));
        let (a, from) = ask("GET").expect("an answer");
        assert_eq!((&a.line[..], &a.body[..], a.exchange, a.dir), (&b"HTTP/1.1 200 OK"[..], &b"1"[..], 7, Dir::ToClient));
        let names: Vec<_> = a.headers.iter().map(|(n, _)| String::from_utf8_lossy(n).into_owned()).collect();
        assert_eq!((names, from.as_str()), (vec!["ETag".to_string(), "Content-Length".into()], "answered by exchange 0 of f"));
        assert_eq!(ask("GET").map(|a| a.0.body), Some(Bytes::from_static(b"2")));
        assert_eq!(ask("GET").map(|a| a.0.body), Some(Bytes::from_static(b"2")));
        assert!(ask("HEAD").is_none());
    }

    #[test]
    fn requests_with_bodies_are_told_apart_by_them() {
        let mut r = Recorded::default();
        let f = Path::new("f");
        r.keep(&exchange("POST", "http://a/x", b"one", "200", b"1"), f);
        r.keep(&exchange("POST", "http://a/x", b"two", "201", b"2"), f);
        let ask = |body: &[u8]| r.answer(&request("POST /x HTTP/1.1", "http://a/x", body)).map(|a| a.0.body);
        assert!(r.needs_body(&request("POST /x HTTP/1.1", "http://a/x", b"")));
        assert_eq!(
            (ask(b"two"), ask(b"one"), ask(b"three")),
            (Some(Bytes::from_static(b"2")), Some(Bytes::from_static(b"1")), None)
        );
    }

    #[test]
    fn what_is_not_whole_is_not_replayed() {
        let mut r = Recorded::default();
        let f = Path::new("f");
        let mut cut = exchange("GET", "http://a/x", b"", "200", b"1");
        cut.response.as_mut().expect("an answer").whole = false;
        let mut alone = exchange("GET", "http://a/x", b"", "200", b"1");
        alone.response = None;
        let upgrade = exchange("GET", "http://a/x", b"", "101", b"");
        assert_eq!((r.keep(&cut, f), r.keep(&alone, f), r.keep(&upgrade, f), r.count()), (0, 0, 0, 0));
    }
}
