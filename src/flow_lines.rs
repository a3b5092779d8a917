//! `wirelore proxy --flow-lines`: a line for each HTTP exchange when it is answered, and for each message of another protocol when it is whole.

use crate::again::Again;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use wirelore_kit::Dir;
use wirelore_kit::field::Role;
use wirelore_kit::row::{MessageState, NONE};
use wirelore_record::Side;
use wirelore_store::{CellView, MessageRow, Snapshot, Store};

/// What only carries other messages has no lines of its own.
const CARRIERS: [&str; 9] =
    ["tls", "tls.handshake", "dtls", "http2", "http3", "quic", "quic.frames", "http2.stream.frame", "socks"];
/// Messages that are looked at again until they are whole.
const MOST_OPEN: usize = 65_536;

/// Prints lines until it is ended.
pub struct FlowLines {
    thread: Option<JoinHandle<()>>,
    wake: SyncSender<bool>,
}

impl FlowLines {
    /// Begins to print what a session shows, to standard output.
    #[must_use]
    pub fn begin(store: &Store, again: Again) -> Option<FlowLines> {
        let (wake, woken) = sync_channel(1);
        let tell = wake.clone();
        // Who is told already need not be told again.
        store.on_publish(move || _ = tell.try_send(false));
        let store = store.clone();
        let thread = std::thread::Builder::new().name("flow lines".into()).spawn(move || run(&store, &again, &woken)).ok()?;
        Some(FlowLines { thread: Some(thread), wake })
    }

    /// Prints the rest, also what was never answered.
    pub fn end(mut self) {
        // A thread that is gone has nothing more to say.
        let _ = self.wake.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(store: &Store, again: &Again, woken: &Receiver<bool>) {
    let mut lines = Lines::default();
    while let Ok(last) = woken.recv() {
        let mut text = String::new();
        lines.go_on(&store.snapshot(), &|flow| is_repeated(again, flow), last, &mut text);
        let mut out = std::io::stdout().lock();
        if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() || last {
            return;
        }
    }
}

/// Whether a flow is the leg to a server whose messages the client's leg shows already.
fn is_repeated(again: &Again, flow: u32) -> bool {
    again.legs(flow).is_some_and(|(leg, others)| leg.side == Side::Server && others.iter().any(|l| l.side == Side::Client))
}

/// What was printed so far.
#[derive(Default)]
struct Lines {
    next: u32,
    open: BTreeSet<u32>,
    /// Questions of HTTP that no answer has come to.
    asked: BTreeSet<u32>,
}

impl Lines {
    fn go_on(&mut self, s: &Snapshot, repeated: &dyn Fn(u32) -> bool, last: bool, out: &mut String) {
        let again: Vec<u32> = std::mem::take(&mut self.open).into_iter().collect();
        for id in again.into_iter().chain(self.next..s.messages()) {
            let Some(m) = s.message(id).filter(|m| !m.withdrawn) else { continue };
            if m.state == MessageState::Open && !last && self.open.len() < MOST_OPEN {
                self.open.insert(id);
            } else if !CARRIERS.contains(&s.schema().protocol_name(m.protocol)) && !repeated(m.conv.flow) {
                self.message(s, id, &m, out);
            }
        }
        self.next = s.messages();
        if last {
            for id in std::mem::take(&mut self.asked) {
                exchange(s, id, None, out);
            }
        }
    }

    fn message(&mut self, s: &Snapshot, id: u32, m: &MessageRow, out: &mut String) {
        let name = s.schema().protocol_name(m.protocol);
        if !matches!(name, "http" | "http2.stream" | "http3.stream") {
            let arrow = if m.dir == Dir::ToServer { ">>" } else { "<<" };
            let _ = writeln!(out, "{}: {} {arrow} {}", client(s, m), s.schema().protocol_label(m.protocol), s.summary(id));
            return;
        }
        let Some(e) = s.exchange(m.exchange) else {
            let _ = writeln!(out, "{}: {}", client(s, m), s.summary(id));
            return;
        };
        if e.ask == id {
            self.asked.insert(id);
        } else if e.answer == id && self.asked.remove(&e.ask) {
            exchange(s, e.ask, Some(id), out);
        } else if e.answer == id {
            // Its question was not seen, or was cut.
            let _ = writeln!(out, "{}: << {}", client(s, m), s.summary(id));
        }
    }
}

fn client(s: &Snapshot, m: &MessageRow) -> String {
    s.flow(m.conv.flow).map_or_else(String::new, |f| f.client().to_string())
}

/// The text of a field with that meaning.
fn role(s: &Snapshot, message: u32, role: Role) -> Option<&str> {
    s.cells(message).find_map(|(f, v)| match v {
        CellView::Text(text) if f.role == Some(role) => std::str::from_utf8(text).ok(),
        _ => None,
    })
}

/// `127.0.0.1:52345: GET https://example.org/a << 200 OK 1.2k 35ms`.
fn exchange(s: &Snapshot, ask: u32, answer: Option<u32>, out: &mut String) {
    let Some(asked) = s.message(ask) else { return };
    let tls = s.path(asked.conv).iter().any(|p| s.schema().protocol_name(*p) == "tls");
    let path = role(s, ask, Role::Path).unwrap_or_default();
    let method = role(s, ask, Role::Method).unwrap_or_default();
    let host = role(s, ask, Role::Authority).filter(|_| path.starts_with('/')).unwrap_or_default();
    let scheme = match (host.is_empty(), tls) {
        (true, _) => "",
        (_, true) => "https://",
        (_, false) => "http://",
    };
    let _ = write!(out, "{}: {method} {scheme}{host}{path} << ", client(s, &asked));
    let Some((id, m)) = answer.and_then(|id| Some((id, s.message(id)?))) else {
        out.push_str("no answer\n");
        return;
    };
    // The summary of an answer begins with its version.
    let summary = s.summary(id);
    let status = summary.strip_prefix("HTTP/").and_then(|t| t.split_once(' ')).map_or(summary, |t| t.1);
    let _ = write!(out, "{status} {}", size(m.len));
    if m.state != MessageState::Whole {
        out.push_str(" [cut]");
    }
    let done = if m.done == NONE { m.first } else { m.done };
    if let (Some(from), Some(to)) = (s.time_of(asked.first), s.time_of(done)) {
        let _ = write!(out, " {}ms", to.saturating_sub(from) / 1_000_000);
    }
    out.push('\n');
}

/// Bytes as mitmdump writes them: `12b`, `1.5k`, `20.0m`.
fn size(bytes: u64) -> String {
    let tenths = |unit: u64| bytes.saturating_mul(10) / unit;
    match bytes {
        0..1024 => format!("{bytes}b"),
        1024..1_048_576 => format!("{}.{}k", tenths(1024) / 10, tenths(1024) % 10),
        _ => format!("{}.{}m", tenths(1_048_576) / 10, tenths(1_048_576) % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_as_mitmdump_writes_them() {
        let shown: Vec<String> = [0, 1023, 1024, 1536, 3 << 20].into_iter().map(size).collect();
        assert_eq!(shown, ["0b", "1023b", "1.0k", "1.5k", "3.0m"]);
    }
}
