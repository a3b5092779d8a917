//! What the proxy says itself, as messages: pages, and answers for its own hosts.

use bytes::Bytes;
use wirelore_kit::Dir;
use wirelore_kit::middle::{Part, Refusal, Stage, Transit};

/// An answer to the request of a protocol with that number, as HTTP/1 says it.
#[must_use]
pub fn answer((proto, exchange): (&'static str, u64), status: &str, media: &'static str, body: Bytes) -> Transit {
    let header = |name: &'static str, value: String| (Bytes::from_static(name.as_bytes()), Bytes::from(value));
    Transit {
        proto,
        dir: Dir::ToClient,
        exchange,
        part: Part::Response,
        stage: Stage::Whole,
        line: Bytes::from(format!("HTTP/1.1 {status}")),
        headers: vec![
            header("Content-Type", media.into()),
            header("Content-Length", body.len().to_string()),
            header("Cache-Control", "no-store".into()),
        ],
        body,
        trailers: Vec::new(),
        url: None,
    }
}

/// The page that says why there is no server.
#[must_use]
pub fn page(asked: &Transit, refusal: &Refusal) -> Transit {
    let phrase = match refusal.status {
        403 => "Forbidden",
        407 => "Proxy Authentication Required",
        504 => "Gateway Timeout",
        508 => "Loop Detected",
        _ => "Bad Gateway",
    };
    let [what, why, what_to_do] = [&refusal.what, &refusal.why, &refusal.what_to_do].map(|t| escaped(t));
    let body = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{} {phrase}</title>\n<style>body{{font:1rem/1.5 \
         sans-serif;max-width:42rem;margin:4rem auto;padding:0 1rem}}h1{{font-size:1.4rem}}</style></head>\n<body><h1>{what}</h1>\n<p>{why}</p>\n\
         <p><b>What to do:</b> {what_to_do}</p>\n<p><small>Said by the Wirelore proxy, not by the server.</small></p></body></html>\n",
        refusal.status
    );
    answer((asked.proto, asked.exchange), &format!("{} {phrase}", refusal.status), "text/html; charset=utf-8", Bytes::from(body))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
