//! A running proxy as the control socket steers it: its status, and requests of our own.

use super::Steered;
use super::live::Live;
use crate::cli::Proxy as Args;
use crate::exchanges;
use crate::reading;
use bytes::Bytes;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use wirelore_export::exchange::Exchange;
use wirelore_gate::json::{bytes_from_json, pairs_from_json, to_json};
use wirelore_gate::{Composed, Gate, from_curl};
use wirelore_kit::Dir;
use wirelore_kit::middle::{Part, Stage, Transit};
use wirelore_proxy::{Proxy, Reply, Sender, Stopper};
use wirelore_record::{Recorder, State};

/// A request is repeated at most so often by one order.
const MOST_TIMES: u64 = 100_000;
/// Of so many replies all is told; of those behind them only the count.
const MOST_TOLD: usize = 100;

/// A proxy that runs.
pub struct Running {
    listeners: Vec<String>,
    stopper: Stopper,
    recorder: Recorder,
    sender: Sender,
    live: Live,
}

impl Running {
    /// Of a proxy that was started with these flags, and its record. Rules of `gate` that send single messages elsewhere are served from here on.
    #[must_use]
    pub fn new(args: &Args, proxy: &Proxy, recorder: Recorder, gate: &Gate) -> Running {
        let sender = proxy.sender();
        let fetch = sender.clone();
        gate.fetch_with(std::sync::Arc::new(move |origin, request, then| match Composed::again(&request, Some(&origin)) {
            Ok(composed) => fetch.send(composed, Box::new(move |went| then(went.and_then(fetched)))),
            Err(why) => then(Err(unfetched(why))),
        }));
        let listeners = proxy.listeners().into_iter().map(|(mode, at)| format!("{mode} at {at}")).collect();
        let live = Live::new(args, proxy.stopper(), gate.clone());
        Running { listeners, stopper: proxy.stopper(), recorder, sender, live }
    }

    fn composed(&self, order: &Value) -> Result<Composed, String> {
        let text = |name: &str| order.get(name).and_then(Value::as_str);
        if order.get("do").and_then(Value::as_str) == Some("replay") {
            return self.recorded(order);
        }
        if let Some(curl) = text("curl") {
            return from_curl(curl);
        }
        let url = text("url").ok_or("`url` says where to send to; or give `curl`, a command line")?;
        if let Some(raw) = order.get("raw") {
            return Composed::raw(url, bytes_from_json(raw)?);
        }
        let headers = order.get("headers").map(pairs_from_json).transpose()?.unwrap_or_default();
        let body = order.get("body").map(bytes_from_json).transpose()?.unwrap_or_default();
        let usual = if body.is_empty() { "GET" } else { "POST" };
        Composed::new(text("method").unwrap_or(usual).as_bytes(), url, &headers, &body)
    }

    /// The request of an exchange of a capture, by default of the session that is being recorded.
    fn recorded(&self, order: &Value) -> Result<Composed, String> {
        let frame = order.get("frame").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        let frame = frame.ok_or("`frame` is the packet in which the request or its answer ends: see `wirelore dump -m`")?;
        let file = order.get("from").and_then(Value::as_str).map_or_else(|| self.recorder.path().to_path_buf(), PathBuf::from);
        let from = crate::cli::From { file: file.clone(), keylog: None, no_resolve: false, decode_as: Vec::new(), shards: None };
        let mut session = reading::open(&from, false).map_err(|f| f.text)?;
        reading::finish(&mut session, true).map_err(|f| f.text)?;
        let mut found = None;
        let mut look = |e: Exchange| {
            if found.is_none() && e.frames.contains(&Some(frame)) {
                found = Some(request(&e));
            }
            Ok(())
        };
        exchanges::each(&session, &mut look).map_err(|f| f.text)?;
        let found = found.ok_or_else(|| format!("no message of HTTP ends in packet {frame} of {}", file.display()))?;
        Composed::again(&found?, None)
    }
}

/// The request of a recorded exchange as a message.
fn request(e: &Exchange) -> Result<Transit, String> {
    let said = e.request.as_ref().ok_or("the request of this exchange was not captured")?;
    if !said.whole || said.body.left_out > 0 {
        return Err("the request of this exchange was not captured whole".into());
    }
    let owned =
        |all: &[(Vec<u8>, Vec<u8>)]| all.iter().map(|(n, v)| (Bytes::copy_from_slice(n), Bytes::copy_from_slice(v))).collect();
    Ok(Transit {
        proto: "http",
        dir: Dir::ToServer,
        exchange: 0,
        part: Part::Request,
        stage: Stage::Whole,
        line: Bytes::from(said.line.join(" ")),
        headers: owned(&said.headers),
        body: Bytes::copy_from_slice(said.body.coded.as_deref().unwrap_or(&said.body.bytes)),
        trailers: owned(&said.trailers),
        url: Some(e.url.clone()),
    })
}

fn fetched(reply: Reply) -> Result<Transit, wirelore_kit::middle::Refusal> {
    reply.answer.ok_or_else(|| unfetched("what the server said is no answer of HTTP".into()))
}

fn unfetched(why: String) -> wirelore_kit::middle::Refusal {
    wirelore_kit::middle::Refusal {
        status: 502,
        what: "The request could not be sent elsewhere.".into(),
        why: format!("A rule says so, but {why}."),
        what_to_do: "Change the rule.".into(),
    }
}

impl Steered for Running {
    fn status(&self) -> Value {
        let (all, open) = self.stopper.connections();
        let status = self.recorder.status();
        let stopped = match status.state {
            State::Recording => None,
            State::Stopped { why } => Some(why),
        };
        json!({
            "process": std::process::id(),
            "listening": self.listeners,
            "connections": { "all": all, "open": open },
            "record": { "file": self.recorder.path().display().to_string(), "bytes": status.bytes, "stopped": stopped },
        })
    }

    fn stop(&self) {
        self.stopper.stop();
    }

    fn options(&self) -> Value {
        self.live.show()
    }

    fn set(&self, name: &str, value: &Value) -> Result<(), String> {
        self.live.set(name, value)
    }

    fn send(&self, order: &Value) -> Result<Value, String> {
        let request = self.composed(order)?;
        let times = order.get("times").map_or(Some(1), Value::as_u64).filter(|t| (1..=MOST_TIMES).contains(t));
        let times = times.ok_or_else(|| format!("`times` is between 1 and {MOST_TIMES}"))?;
        let rate = order.get("rate").map_or(Some(f64::INFINITY), Value::as_f64).filter(|r| *r > 0.0);
        let rate = rate.ok_or("`rate` is how many each second, more than 0")?;
        let began = Instant::now();
        let (to, replies) = channel();
        for n in 0..times {
            // Counted from the beginning, so that waits do not add up.
            #[expect(clippy::cast_precision_loss, reason = "at most 100,000")]
            let due = began + Duration::try_from_secs_f64(n as f64 / rate).unwrap_or_default();
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            let to = to.clone();
            // Who asked may have left.
            self.sender.send(request.clone(), Box::new(move |went| _ = to.send(went)));
        }
        drop(to);
        let mut told = Vec::new();
        let (mut good, mut failed, mut count) = (0u64, 0u64, 0usize);
        for went in replies {
            *if went.is_ok() { &mut good } else { &mut failed } += 1;
            count += 1;
            if count <= MOST_TOLD {
                told.push(
                    went.map_or_else(|r| json!({ "failed": r.what, "why": r.why, "what_to_do": r.what_to_do }), |r| reply(&r)),
                );
            }
        }
        if times == 1 {
            return told.pop().ok_or_else(|| "the proxy ended before an answer came".into());
        }
        Ok(
            json!({ "sent": times, "answered": good, "failed": failed, "seconds": began.elapsed().as_secs_f64(), "replies": told }),
        )
    }
}

fn reply(r: &Reply) -> Value {
    let took = (r.took.as_secs_f64() * 1e6).round() / 1e6;
    match &r.answer {
        Some(a) => json!({ "connection": r.tie, "seconds": took, "answer": to_json(a) }),
        None => json!({ "connection": r.tie, "seconds": took, "bytes": wirelore_gate::json::bytes_to_json(&r.bytes) }),
    }
}
