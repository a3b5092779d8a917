//! The list `dns`: unicast DNS messages over UDP and TCP, with their answers.

use super::{Cx, List};
use serde_json::{Map, Value, json};
use wirelore_dissectors::dns;
use wirelore_kit::row::NONE;
use wirelore_kit::{Transport, Tree};
use wirelore_store::MessageRow;

/// Gathers the list.
#[derive(Default)]
pub struct Dns {
    entries: Vec<Value>,
}

impl List for Dns {
    fn sees(&self, protocol: &str) -> bool {
        protocol == "dns"
    }

    fn tree(&mut self, cx: &Cx<'_>, _: u32, m: &MessageRow, tree: &Tree) {
        let transport = if cx.flow.transport == Transport::Tcp { "tcp" } else { "udp" };
        let frame = if m.done == NONE { m.first } else { m.done };
        if let Some(mut e) = entry(tree) {
            e["frame"] = json!(u64::from(frame) + 1);
            e["transport"] = json!(transport);
            self.entries.push(e);
        }
    }

    fn finish(mut self: Box<Self>, report: &mut Map<String, Value>) {
        self.entries.sort_by_key(|e: &Value| e.get("frame").and_then(Value::as_u64));
        report.insert("dns".into(), Value::Array(self.entries));
    }
}

fn entry(tree: &Tree) -> Option<Value> {
    let m = dns::summary(tree)?;
    let answers: Vec<Value> =
        dns::answers(tree).iter().map(|a| json!({"name": a.name, "type": a.kind, "ttl": a.ttl, "data": a.data})).collect();
    Some(json!({"id": m.id, "response": m.response, "qname": m.qname, "qtype": m.qtype, "rcode": m.rcode, "answers": answers}))
}
