//! What can be ordered over the control socket.

use super::Steered;
use serde_json::{Value, json};
use std::path::PathBuf;
use wirelore_gate::json::{answer, change, held_to_json, message as message_of, rules_text, to_json};
use wirelore_gate::{Edit, Event, Filter, Gate, Joined, Release, RuleShown, Written};
use wirelore_kit::middle::Judgement;

/// An order: its word, what it takes, what it does.
pub(super) struct Order {
    pub(super) word: &'static str,
    takes: &'static str,
    does: &'static str,
    run: fn(&Cx<'_>, &Value) -> Result<Value, String>,
}

/// What orders act on.
pub(super) struct Cx<'a> {
    pub(super) gate: &'a Gate,
    pub(super) steered: &'a dyn Steered,
    /// The file of rules.
    pub(super) rules: Option<&'a PathBuf>,
}

const fn order(
    word: &'static str,
    takes: &'static str,
    does: &'static str,
    run: fn(&Cx<'_>, &Value) -> Result<Value, String>,
) -> Order {
    Order { word, takes, does, run }
}

/// All orders. `events` is done by whoever has the connection.
pub(super) const ORDERS: &[Order] = &[
    order("help", "", "the orders", help),
    order("status", "", "where the proxy listens, what it records, how much came", |cx, _| Ok(status(cx))),
    order("events", "", "a line for everything that happens, from now on", |_, _| Ok(Value::Null)),
    order("rules", "", "the rules in force, in their order, with their hits", |cx, _| {
        Ok(cx.gate.rules().iter().map(rule).collect())
    }),
    order("rules.add", "toml | rule", "adds rules: a text as in the file of rules, or one rule as an object", add),
    order("rules.remove", "name", "removes a rule", |cx, o| named(cx, o, |n| cx.gate.remove(n))),
    order("rules.enable", "name, on", "switches a rule on or off", |cx, o| {
        let on = o.get("on").and_then(Value::as_bool).ok_or("`on` is true or false")?;
        named(cx, o, |n| cx.gate.enable(n, on))
    }),
    order("rules.reload", "", "reads the file of rules again", |cx, _| {
        let path = cx.rules.ok_or("there is no file of rules")?;
        cx.gate.load(path).map(|n| json!({ "rules": n })).map_err(|e| e.to_string())
    }),
    order("intercept", "filter", "holds messages that the filter matches; null: none", intercept),
    order("held", "", "the messages that are held, in full", |cx, _| Ok(cx.gate.held().iter().map(held_to_json).collect())),
    order("held.show", "message", "one held message", |cx, o| {
        let id = message(o)?;
        cx.gate.held_message(id).map(|h| held_to_json(&h)).ok_or_else(|| gone(id))
    }),
    order("hold.forward", "message | \"all\"", "lets a message go on, or all", |cx, o| {
        if o.get("message").and_then(Value::as_str) == Some("all") {
            return Ok(json!({ "released": cx.gate.release_all() }));
        }
        release(cx, o, |_| Ok(Release::Forward))
    }),
    order(
        "hold.change",
        "message, to",
        "lets it go on changed: line, headers, body, trailers, url; what is left out stays",
        |cx, o| release(cx, o, |m| change(m, o.get("to").unwrap_or(&Value::Null)).map(|m| Release::Change(Box::new(m)))),
    ),
    order("hold.answer", "message, with", "answers in its place: status or line, headers, body", |cx, o| {
        release(cx, o, |m| answer(m, o.get("with").unwrap_or(&Value::Null)).map(|m| Release::Answer(Box::new(m))))
    }),
    order("hold.drop", "message", "lets it disappear", |cx, o| release(cx, o, |_| Ok(Release::Drop))),
    order("hold.reset", "message", "breaks its connection off", |cx, o| release(cx, o, |_| Ok(Release::Reset))),
    order(
        "connections",
        "",
        "the connections whose messages are judged, and those that should be but were open before the rules",
        |cx, _| {
            let shown =
                |c: Joined| json!({ "connection": c.conn, "between": c.between, "protocol": c.proto, "judged": c.judged });
            Ok(cx.gate.joined().into_iter().map(shown).collect())
        },
    ),
    order(
        "close",
        "connection",
        "closes a connection that passes unread, so that its client opens another, which is judged",
        |cx, o| cx.gate.close(connection(o)?).map(|()| Value::Null),
    ),
    order(
        "inject",
        "connection, to_server, line, headers, body; exchange",
        "puts a message that nobody sent into a connection; of HTTP/2 into a stream of gRPC or WebSocket messages (`exchange` says which), or says why it cannot",
        |cx, o| cx.gate.inject(connection(o)?, |proto| message_of(proto, o)).map(|()| Value::Null),
    ),
    order("edits", "", "what was changed, the originals beside it", |cx, _| Ok(cx.gate.edits().iter().map(edit).collect())),
    order(
        "send",
        "url, method, headers, body | url, raw | curl; times, rate",
        "sends a request of our own, once or `times` times, `rate` of them each second",
        |cx, o| cx.steered.send(o),
    ),
    order(
        "replay",
        "frame, from; times, rate",
        "sends the request again whose message ended in that packet of a capture",
        |cx, o| cx.steered.send(o),
    ),
    order("options", "", "the options that can be changed, with their values", |cx, _| Ok(cx.steered.options())),
    order(
        "set",
        "name, value",
        "sets an option, for connections that begin from then on; an array where it has several values",
        |cx, o| {
            let name = o.get("name").and_then(Value::as_str).ok_or("`name` says which option: see `options`")?;
            cx.steered.set(name, o.get("value").unwrap_or(&Value::Null)).map(|()| Value::Null)
        },
    ),
    order("stop", "", "ends the proxy", |cx, _| {
        cx.steered.stop();
        Ok(Value::Null)
    }),
];

/// Carries out an order.
pub(super) fn carry_out(cx: &Cx<'_>, order: &Value) -> Result<Value, String> {
    let word = order.get("do").and_then(Value::as_str).ok_or("an order is an object with `do`: {\"do\": \"help\"}")?;
    let found = ORDERS.iter().find(|o| o.word == word);
    let found = found
        .ok_or_else(|| format!("there is no order {word:?}: {}", ORDERS.iter().map(|o| o.word).collect::<Vec<_>>().join(", ")))?;
    (found.run)(cx, order)
}

fn help(_: &Cx<'_>, _: &Value) -> Result<Value, String> {
    Ok(ORDERS.iter().map(|o| json!({ "do": o.word, "takes": o.takes, "does": o.does })).collect())
}

fn status(cx: &Cx<'_>) -> Value {
    let mut status = cx.steered.status();
    if let Some(o) = status.as_object_mut() {
        o.insert("rules".into(), cx.gate.rules().len().into());
        o.insert("hits".into(), cx.gate.hits().into());
        o.insert("held".into(), cx.gate.held().len().into());
        o.insert("intercept".into(), cx.gate.intercepting().into());
    }
    status
}

fn rule(r: &RuleShown) -> Value {
    let from = match r.written {
        Written::File(line) => format!("file, line {line}"),
        Written::CommandLine => "command line".into(),
        Written::Running => "added".into(),
    };
    json!({ "name": r.name, "when": r.when, "does": r.does, "from": from, "on": r.enabled, "hits": r.hits })
}

fn add(cx: &Cx<'_>, o: &Value) -> Result<Value, String> {
    let added = match (o.get("toml").and_then(Value::as_str), o.get("rule")) {
        (Some(text), None) => cx.gate.add(text),
        (None, Some(one)) => cx.gate.add(&rules_text(one)?),
        _ => return Err("either `toml`, a text as in the file of rules, or `rule`, one rule as an object".into()),
    };
    added.map(|names| json!({ "added": names })).map_err(|e| e.to_string())
}

fn named(cx: &Cx<'_>, o: &Value, act: impl Fn(&str) -> bool) -> Result<Value, String> {
    let name = o.get("name").and_then(Value::as_str).ok_or("`name` says which rule")?;
    if act(name) {
        return Ok(Value::Null);
    }
    let names: Vec<String> = cx.gate.rules().into_iter().map(|r| r.name).collect();
    Err(format!("there is no rule {name:?}: {}", names.join(", ")))
}

fn intercept(cx: &Cx<'_>, o: &Value) -> Result<Value, String> {
    let filter = match o.get("filter") {
        Some(Value::String(text)) => Some(Filter::parse(text).map_err(|e| e.to_string())?),
        Some(Value::Null) => None,
        _ => return Err("`filter` is a filter such as \"~m POST\", or null".into()),
    };
    cx.gate.intercept(filter);
    Ok(Value::Null)
}

fn message(o: &Value) -> Result<u64, String> {
    o.get("message").and_then(Value::as_u64).ok_or_else(|| "`message` is the number of a held message: see `held`".into())
}

fn connection(o: &Value) -> Result<u64, String> {
    o.get("connection").and_then(Value::as_u64).ok_or_else(|| "`connection` is a number: see `connections`".into())
}

fn gone(id: u64) -> String {
    format!("message {id} is not held (any more)")
}

fn release(
    cx: &Cx<'_>,
    o: &Value,
    how: impl FnOnce(&wirelore_kit::middle::Transit) -> Result<Release, String>,
) -> Result<Value, String> {
    let id = message(o)?;
    let held = cx.gate.held_message(id).ok_or_else(|| gone(id))?;
    let release = how(&held.message)?;
    if cx.gate.release(id, release) { Ok(Value::Null) } else { Err(gone(id)) }
}

fn edit(e: &Edit) -> Value {
    let (became, message) = match e.became.as_ref() {
        Judgement::Change(m) => ("changed", Some(to_json(m))),
        Judgement::Answer(m) => ("answered", Some(to_json(m))),
        Judgement::Drop => ("dropped", None),
        Judgement::Reset => ("broken off", None),
        Judgement::Pass | Judgement::Body => ("passed", None),
    };
    let hits: Vec<Value> = e.hits.iter().map(|h| json!({ "rule": h.rule, "did": h.did })).collect();
    json!({ "edit": e.number, "connection": e.conn, "was": to_json(&e.original), "became": became, "is": message, "hits": hits })
}

/// An event as a line.
pub(super) fn event(e: &Event) -> Value {
    match e {
        Event::Held(h) => {
            let mut line = json!({ "event": "held" });
            if let (Some(o), Value::Object(held)) = (line.as_object_mut(), held_to_json(h)) {
                o.extend(held);
            }
            line
        }
        Event::Released(h, how) => json!({ "event": "released", "message": h.id, "connection": h.conn, "how": how }),
        Event::Hit { conn, hits } => {
            let hits: Vec<Value> = hits.iter().map(|h| json!({ "rule": h.rule, "did": h.did })).collect();
            json!({ "event": "hit", "connection": conn, "hits": hits })
        }
        Event::Rules(count) => json!({ "event": "rules", "count": count }),
        Event::Fault(fault) => json!({ "event": "fault", "error": fault.to_string() }),
    }
}
