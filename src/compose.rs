//! `wirelore compose`: a request made from a URL and its parts, or from a curl command line; printed byte for byte, or sent through the
//! proxy that runs.

use crate::cli::{Compose, exit};
use crate::control::send;
use crate::reading::Failure;
use bytes::Bytes;
use serde_json::json;
use std::io::Write;
use wirelore_gate::{Composed, from_curl};

/// Makes the request.
///
/// # Errors
/// What is wrong with its parts; the proxy did not send it.
pub fn run(args: &Compose) -> Result<(), Failure> {
    let wrong = |text: String| Failure { text, code: exit::OPTION };
    let made = match (&args.curl, &args.url) {
        (Some(command), _) => from_curl(command).map_err(|e| wrong(format!("--curl: {e}.")))?,
        (None, Some(url)) => parts(args, url).map_err(wrong)?,
        (None, None) => return Err(wrong("Give a URL, or a curl command with --curl.".into())),
    };
    if !args.send {
        let mut out = std::io::stdout().lock();
        return out.write_all(&made.bytes).and_then(|()| out.flush()).map_err(|e| Failure::write(&e));
    }
    let o = &made.origin;
    let host = if o.host.contains(':') { format!("[{}]", o.host) } else { o.host.clone() };
    let url = format!("{}://{host}:{}/", if o.tls { "https" } else { "http" }, o.port);
    let raw = wirelore_gate::json::bytes_to_json(&made.bytes);
    send(args.socket.as_deref(), &json!({ "do": "send", "url": url, "raw": raw, "times": args.times }))
}

fn parts(args: &Compose, url: &str) -> Result<Composed, String> {
    let mut headers = Vec::new();
    for line in &args.headers {
        let (name, value) = line.split_once(':').ok_or_else(|| format!("-H {line:?} is no header: write \"Name: value\""))?;
        headers.push((Bytes::from(name.to_string()), Bytes::from(value.trim_start().to_string())));
    }
    let body = args.data.as_deref().unwrap_or_default();
    let usual = if args.data.is_some() { "POST" } else { "GET" };
    Composed::new(args.method.as_deref().unwrap_or(usual).as_bytes(), url, &headers, body.as_bytes())
}
