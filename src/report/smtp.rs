//! The list `smtp`: commands and replies, wherever they were found (in the clear, inside TLS), letters left out.
//!
//! As in the format that the list follows, a command is its first four characters and an argument from the sixth on.

use super::{Cx, List};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use wirelore_kit::{ConvId, Dir, MessageState, Node, Tree, Value as Held};
use wirelore_store::MessageRow;

/// Where a conversation's AUTH stands.
#[derive(Default)]
struct Auth {
    mechanism: String,
    /// The server asked for an answer.
    challenged: bool,
}

/// Gathers the list.
#[derive(Default)]
pub struct Smtp {
    auth: HashMap<ConvId, Auth>,
    entries: Vec<Value>,
}

impl List for Smtp {
    fn sees(&self, protocol: &str) -> bool {
        protocol == "smtp"
    }

    fn tree(&mut self, cx: &Cx<'_>, _: u32, m: &MessageRow, tree: &Tree) {
        // A line without its end may not be all that was said.
        if m.state != MessageState::Whole {
            return;
        }
        let frame = if m.done == wirelore_kit::row::NONE { m.first } else { m.done };
        let entry = match m.dir {
            Dir::ToClient => self.reply(m.conv, tree),
            Dir::ToServer => self.command(m.conv, tree),
        };
        if let Some(mut e) = entry {
            e["frame"] = json!(u64::from(frame).saturating_add(1));
            e["stream"] = json!(cx.flow.stream);
            self.entries.push(e);
        }
    }

    fn flow_end(&mut self, _: &Cx<'_>) {
        self.auth.clear();
    }

    fn finish(self: Box<Self>, report: &mut Map<String, Value>) {
        let mut entries = self.entries;
        entries.sort_by_key(|e| e.get("frame").and_then(Value::as_u64));
        report.insert("smtp".into(), Value::Array(entries));
    }
}

/// Bytes of a node as text up to its line end (CR alone is one too), other control characters in hexadecimal.
fn text(tree: &Tree, node: &Node) -> String {
    let bytes = tree.bytes(&node.span);
    let line = bytes.split(|b| matches!(b, b'\r' | b'\n')).next().unwrap_or(bytes);
    let mut out = String::with_capacity(line.len());
    for c in String::from_utf8_lossy(line).chars() {
        if c.is_ascii_control() && c != '\t' {
            out.push_str(&format!("\\x{:x}", c as u32));
        } else {
            out.push(c);
        }
    }
    out
}

impl Smtp {
    fn reply(&mut self, conv: ConvId, tree: &Tree) -> Option<Value> {
        let Held::U64(code) = tree.find("smtp.response.code")?.value else { return None };
        if let Some(a) = self.auth.get_mut(&conv) {
            a.challenged = code == 334;
        }
        let lines: Vec<String> = tree
            .nodes
            .iter()
            .enumerate()
            .filter(|(_, n)| n.field.name == "smtp.reply")
            .map(|(i, n)| {
                let inside = tree.nodes.get(i..n.end as usize).unwrap_or(&[]);
                inside.iter().find(|n| n.field.name == "smtp.rsp.parameter").map_or_else(String::new, |n| text(tree, n))
            })
            .collect();
        Some(json!({"dir": "s2c", "code": code, "text": lines}))
    }

    fn command(&mut self, conv: ConvId, tree: &Tree) -> Option<Value> {
        let line = match tree.find("smtp.command") {
            Some(node) => text(tree, node),
            None => {
                // Answers within AUTH are commands to readers that do not know the mechanism, or have not seen the question.
                let node = tree.find("smtp.auth.response")?;
                let auth = self.auth.get(&conv)?;
                if auth.challenged && matches!(auth.mechanism.as_str(), "PLAIN" | "LOGIN" | "NTLM") {
                    return None;
                }
                text(tree, node)
            }
        };
        if let Some(node) = tree.find("smtp.auth.mechanism") {
            let mechanism = tree.display(node);
            self.auth.insert(conv, Auth { mechanism, challenged: false });
        }
        let cut = |at: usize| (0..=at.min(line.len())).rev().find(|i| line.is_char_boundary(*i)).unwrap_or(0);
        let (command, argument) = (line.get(..cut(4)).unwrap_or(&line), line.get(cut(5)..).filter(|a| !a.is_empty()));
        Some(json!({"dir": "c2s", "cmd": command, "arg": argument}))
    }
}
