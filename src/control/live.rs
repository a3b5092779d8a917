//! Options that are changed while the proxy runs: the flags of its start, by the names of `--set`.

use crate::cli::Proxy as Args;
use crate::{gating, options, proxying};
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};
use wirelore_gate::Gate;
use wirelore_proxy::Stopper;

/// What must be done anew when an option has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anew {
    Options,
    Rules,
    Intercept,
    Replay,
}

/// An option: its name, its value, what it concerns.
type Changeable = (&'static str, fn(&Args) -> Value, Anew);

/// The options that can be changed.
const LIVE: &[Changeable] = &[
    ("allow_hosts", |a| json!(a.allow_hosts), Anew::Options),
    ("anticache", |a| json!(a.gating.anticache), Anew::Rules),
    ("anticomp", |a| json!(a.gating.anticomp), Anew::Rules),
    ("block_list", |a| json!(a.gating.block_list), Anew::Rules),
    ("give_up", |a| json!(a.give_up), Anew::Options),
    ("ignore_hosts", |a| json!(a.ignore_hosts), Anew::Options),
    ("intercept", |a| json!(a.gating.intercept), Anew::Intercept),
    ("map_local", |a| json!(a.gating.map_local), Anew::Rules),
    ("map_remote", |a| json!(a.gating.map_remote), Anew::Rules),
    ("modify_body", |a| json!(a.gating.modify_body), Anew::Rules),
    ("modify_headers", |a| json!(a.gating.modify_headers), Anew::Rules),
    ("pass_preset", |a| a.pass_preset.iter().map(|p| json!(format!("{p:?}").to_lowercase())).collect(), Anew::Options),
    // No password: whoever may ask need not know it.
    ("proxyauth", |a| json!(a.proxyauth.as_deref().and_then(|p| p.split(':').next())), Anew::Options),
    ("server_replay", |a| json!(a.gating.server_replay), Anew::Replay),
    ("server_replay_extra", |a| a.gating.server_replay_extra.map_or(json!("forward"), |s| json!(s)), Anew::Replay),
    ("stream_large_bodies", |a| json!(a.gating.keep_bodies), Anew::Rules),
    ("throttle", |a| json!(a.gating.throttle), Anew::Rules),
    ("validate_inbound_headers", |a| json!(!a.lax), Anew::Options),
    ("via", |a| json!(a.via), Anew::Options),
];

/// The options of a proxy that runs.
pub(super) struct Live {
    args: Mutex<Args>,
    stopper: Stopper,
    gate: Gate,
}

impl Live {
    pub(super) fn new(args: &Args, stopper: Stopper, gate: Gate) -> Live {
        Live { args: Mutex::new(args.clone()), stopper, gate }
    }

    /// All of them with their values.
    pub(super) fn show(&self) -> Value {
        let args = self.args.lock().unwrap_or_else(PoisonError::into_inner);
        // A breakpoint may have been set by an order of its own.
        let value = |(name, value, _): &Changeable| match *name {
            "intercept" => json!(self.gate.intercepting()),
            _ => value(&args),
        };
        LIVE.iter().map(|o| (o.0.to_owned(), value(o))).collect::<serde_json::Map<_, _>>().into()
    }

    /// Sets one.
    pub(super) fn set(&self, name: &str, value: &Value) -> Result<(), String> {
        let names = || LIVE.iter().map(|(n, ..)| *n).collect::<Vec<_>>().join(", ");
        let found = LIVE.iter().find(|(n, ..)| *n == name);
        let (_, _, anew) =
            found.ok_or_else(|| format!("{name:?} cannot be changed while the proxy runs; these can: {}", names()))?;
        let mut args = self.args.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = args.clone();
        let text = |v: &Value| match v {
            Value::Null => Ok(String::new()),
            Value::String(text) => Ok(text.clone()),
            Value::Bool(_) | Value::Number(_) => Ok(v.to_string()),
            _ => Err("`value` is a text, a number, true or false, or an array of texts".to_owned()),
        };
        match value {
            Value::Array(all) => {
                options::put(&mut next, name, "")?;
                all.iter().try_for_each(|v| options::put(&mut next, name, &text(v)?))?;
            }
            one => options::put(&mut next, name, &text(one)?)?,
        }
        let went = match anew {
            Anew::Options => proxying::changeable(&next).map(|options| self.stopper.set(options)),
            Anew::Rules => gating::arm(&self.gate, &next.gating),
            Anew::Intercept => gating::intercept(&self.gate, &next.gating),
            Anew::Replay => gating::replay(&self.gate, &next.gating),
        };
        went.map_err(|f| f.text)?;
        *args = next;
        Ok(())
    }
}
