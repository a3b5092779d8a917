//! What the gate answers.

use std::time::Duration;
use wirelore_kit::middle::{Judgement, Origin, Refusal, Transit};

/// What becomes of a message, and because of what.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// What becomes of it.
    pub judgement: Judgement,
    /// Which rules and breakpoints had a hand in it, in order. Empty with [`Judgement::Pass`] and [`Judgement::Body`].
    pub hits: Vec<Hit>,
    /// Wait so long before doing it.
    pub wait: Duration,
    /// The message as it came, where it is changed or does not go on.
    pub original: Option<Box<Transit>>,
}

impl Outcome {
    /// It goes on as it came.
    #[must_use]
    pub fn pass() -> Outcome {
        Outcome::of(Judgement::Pass)
    }

    pub(crate) fn of(judgement: Judgement) -> Outcome {
        Outcome { judgement, hits: Vec::new(), wait: Duration::ZERO, original: None }
    }
}

/// A rule or a breakpoint did something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The rule's name; `breakpoint`.
    pub rule: String,
    /// What it did: `answered from site/app.js`, `held for 12 s, then changed: line, body`.
    pub did: String,
}

/// Whether and where to connect.
#[derive(Debug, Clone)]
pub enum Dialling {
    /// Where the client means.
    Go,
    /// To another server; the client is answered as if it were the one it meant.
    GoTo(Origin, Hit),
    /// Not at all.
    Block(Refusal, Hit),
    /// Where the client means, after so long.
    Delay(Duration, Hit),
    /// The connection is broken off (TCP reset, where that can be).
    Reset(Hit),
}

/// How fast a connection may be.
#[derive(Debug, Clone, PartialEq)]
pub struct Pace {
    /// Bytes per second from the client to the server.
    pub up: Option<u64>,
    /// Bytes per second from the server to the client.
    pub down: Option<u64>,
    /// Each direction is so much later.
    pub latency: Duration,
    /// The rule that says so.
    pub rule: String,
}

/// What came of a [`Fetch`]: the answer with its whole body, or why there is none.
pub type Fetched = Box<dyn FnOnce(Result<Transit, Refusal>) + Send>;

/// Sends a request with its whole body to a server, on a connection of its own, and hands on the answer from any thread. Rules that map one
/// message of a connection to another server need it.
pub type Fetch = dyn Fn(Origin, Transit, Fetched) + Send + Sync;
