//! The gate tried as a whole: messages in, judgements out.

mod faults;
mod holds;
mod rules;

use crate::conn::Conn;
use crate::gate::Gate;
use crate::testing::conn;
use crate::verdict::Outcome;
use wirelore_kit::middle::{Judgement, Origin, Transit};

/// A gate with these rules.
#[track_caller]
fn gate(rules: &str) -> Gate {
    let gate = Gate::new();
    gate.add(rules).unwrap_or_else(|e| panic!("{e}"));
    gate
}

/// Inside a tunnel to example.org.
fn tunnel() -> Conn {
    Conn { server: Some(Origin { host: "example.org".into(), port: 80, tls: false }), proto: Some("http"), ..conn() }
}

#[track_caller]
fn judge(gate: &Gate, conn: &Conn, m: &Transit) -> Outcome {
    gate.judge(conn, m.clone(), |_| panic!("called later")).expect("judged at once")
}

#[track_caller]
fn changed(outcome: &Outcome) -> &Transit {
    match &outcome.judgement {
        Judgement::Change(m) => m,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn answered(outcome: &Outcome) -> &Transit {
    match &outcome.judgement {
        Judgement::Answer(m) => m,
        other => panic!("{other:?}"),
    }
}

fn did(outcome: &Outcome) -> Vec<&str> {
    outcome.hits.iter().map(|h| h.did.as_str()).collect()
}
