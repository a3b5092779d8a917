//! The list `tls`: what both hellos of a connection said, and the server's certificate.

use super::{Cx, List};
use serde_json::{Map, Value, json};
use wirelore_kit::{ConvId, Dir, Transport, Tree};
use wirelore_store::MessageRow;

/// One connection.
#[derive(Default)]
struct Entry {
    hello: Option<Map<String, Value>>,
    version: Option<u64>,
    cipher: Value,
    ja3s: Value,
    alpn: Value,
    subject: Value,
    sha256: Value,
    certs: usize,
    /// The conversation of the hellos: what is unpacked inside it is not counted.
    conv: Option<ConvId>,
    answered: bool,
}

/// Gathers the list.
#[derive(Default)]
pub struct Tls {
    now: Entry,
    entries: Vec<Value>,
}

fn text(tree: &Tree, name: &str) -> Value {
    tree.find(name).map_or(Value::Null, |n| json!(tree.display(n)))
}

fn number(tree: &Tree, name: &str) -> Option<u64> {
    tree.find(name).and_then(|n| if let wirelore_kit::Value::U64(v) = n.value { Some(v) } else { None })
}

impl List for Tls {
    fn sees(&self, protocol: &str) -> bool {
        protocol == "tls.handshake"
    }

    fn tree(&mut self, _: &Cx<'_>, _: u32, m: &MessageRow, tree: &Tree) {
        let e = &mut self.now;
        let to_client = m.dir == Dir::ToClient && e.conv == Some(m.conv);
        match number(tree, "tls.handshake.type") {
            // The first hello stands for the connection.
            Some(1) if e.hello.is_none() => {
                let offered: Vec<Value> = tree.all("tls.handshake.extensions_alpn_str").map(|n| json!(tree.display(n))).collect();
                let mut hello = Map::new();
                hello.insert("sni".into(), text(tree, "tls.handshake.extensions_server_name"));
                hello.insert("alpn_offered".into(), if offered.is_empty() { Value::Null } else { Value::Array(offered) });
                hello.insert("ja3".into(), text(tree, "tls.handshake.ja3"));
                hello.insert("ja4".into(), text(tree, "tls.handshake.ja4"));
                e.hello = Some(hello);
                e.conv = Some(m.conv);
            }
            // The last one wins: the first may only have asked to try again.
            Some(2) => {
                e.answered = true;
                e.conv = Some(m.conv);
                e.version = number(tree, "tls.handshake.chosen_version");
                e.cipher = tree.find("tls.handshake.chosen_cipher").map_or(Value::Null, |n| json!(tree.display(n)));
                e.ja3s = text(tree, "tls.handshake.ja3s");
                let alpn = text(tree, "tls.handshake.extensions_alpn_str");
                if !alpn.is_null() {
                    e.alpn = alpn;
                }
            }
            Some(8) => {
                let alpn = text(tree, "tls.handshake.extensions_alpn_str");
                if !alpn.is_null() {
                    e.alpn = alpn;
                }
            }
            Some(11) if to_client && e.certs == 0 => {
                e.certs = tree.all("tls.handshake.certificate").count();
                e.subject = text(tree, "x509af.subject");
                e.sha256 = text(tree, "x509af.sha256");
            }
            _ => {}
        }
    }

    fn flow_end(&mut self, cx: &Cx<'_>) {
        let e = std::mem::take(&mut self.now);
        let protocol = cx.flow.protocol().map_or("", |p| cx.snapshot.schema().protocol_name(p));
        // The same messages in DTLS are another protocol's.
        if protocol == "dtls" || (e.hello.is_none() && !e.answered) {
            return;
        }
        let transport = if cx.flow.transport == Transport::Tcp { "tcp" } else { "udp" };
        let mut o = json!({"transport": transport, "stream": cx.flow.stream, "sni": null, "alpn_offered": null, "ja3": null, "ja4": null});
        if let (Some(o), Some(hello)) = (o.as_object_mut(), e.hello) {
            o.extend(hello);
        }
        o["alpn"] = e.alpn;
        o["version"] = e.version.map_or(Value::Null, |v| json!(format!("0x{v:04x}")));
        o["cipher"] = e.cipher;
        o["ja3s"] = e.ja3s;
        o["cert_subject"] = e.subject;
        o["cert_sha256"] = e.sha256;
        o["certs"] = json!(e.certs);
        self.entries.push(o);
    }

    fn finish(self: Box<Self>, report: &mut Map<String, Value>) {
        report.insert("tls".into(), Value::Array(self.entries));
    }
}
