//! A view over a message's tree for reports: what was asked, and the answer section's records as text.

use wirelore_kit::{Kind, Node, Tree, Value};

/// What a message asks or answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Transaction ID.
    pub id: u16,
    /// Whether it answers.
    pub response: bool,
    /// Name of the first question, where it could be read.
    pub qname: Option<String>,
    /// Type of the first question.
    pub qtype: Option<u16>,
    /// Reply code of the header, of answers only.
    pub rcode: Option<u16>,
}

/// A record of the answer section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its owner.
    pub name: String,
    /// Its type's number.
    pub kind: u16,
    /// Its type's name: "A", "TYPE65280".
    pub rtype: String,
    /// Seconds it may be kept.
    pub ttl: u32,
    /// Its data in words, the values of its fields in order with blanks between them.
    pub data: String,
}

fn number(node: &Node) -> Option<u64> {
    match &node.value {
        Value::U64(n) => Some(*n),
        Value::Bool(b) => Some(u64::from(*b)),
        _ => None,
    }
}

fn number_of(tree: &Tree, name: &str) -> Option<u64> {
    tree.find(name).and_then(number)
}

/// What a DNS message asks or answers; `None` where the tree holds no header.
#[must_use]
pub fn summary(tree: &Tree) -> Option<Summary> {
    let id = number_of(tree, "dns.id")? as u16;
    let response = number_of(tree, "dns.flags.response")? == 1;
    Some(Summary {
        id,
        response,
        qname: tree.find("dns.qry.name").map(|n| tree.display(n)),
        qtype: number_of(tree, "dns.qry.type").map(|n| n as u16),
        rcode: number_of(tree, "dns.flags.rcode").filter(|_| response).map(|n| n as u16),
    })
}

/// The records of the answer section, in order.
#[must_use]
pub fn answers(tree: &Tree) -> Vec<Answer> {
    let section = |i: &usize| tree.nodes.get(*i).is_some_and(|n| n.field.name == "dns.answers");
    let Some(section) = (0..tree.nodes.len()).find(section) else { return Vec::new() };
    tree.children(Some(section)).filter_map(|record| answer(tree, record)).collect()
}

fn answer(tree: &Tree, record: usize) -> Option<Answer> {
    let mut answer = Answer { name: String::new(), kind: 0, rtype: String::new(), ttl: 0, data: String::new() };
    let mut typed = false;
    for (i, node) in tree.children(Some(record)).filter_map(|i| Some((i, tree.nodes.get(i)?))) {
        match node.field.name {
            "dns.resp.name" => answer.name = tree.display(node),
            "dns.resp.type" => {
                answer.kind = number(node)? as u16;
                answer.rtype = super::types::type_name(answer.kind).into_owned();
                typed = true;
            }
            "dns.resp.ttl" => answer.ttl = number(node)? as u32,
            "dns.resp.data" => words(tree, i, &mut answer.data),
            _ => {}
        }
    }
    typed.then_some(answer)
}

/// Values of the fields below `parent`, without lengths and without the labels of names.
fn words(tree: &Tree, parent: usize, data: &mut String) {
    for i in tree.children(Some(parent)) {
        let Some(node) = tree.nodes.get(i) else { continue };
        let name = node.field.name;
        let length = name.ends_with("length") && !name.contains("netmask");
        if length
            || name == "dns.svcb.svcparam.value.length"
            || name.ends_with(".window")
            || name.ends_with(".bits")
            || name == "data.trailing"
        {
            continue;
        }
        if node.field.kind == Kind::Group {
            words(tree, i, data);
            continue;
        }
        let word = word(tree, node);
        if !data.is_empty() && !word.is_empty() {
            data.push(' ');
        }
        data.push_str(&word);
    }
}

fn word(tree: &Tree, node: &Node) -> String {
    let bytes = tree.bytes(&node.span);
    match (&node.value, node.field.kind) {
        (Value::U64(n), _) if node.field.name.ends_with("type_covered") || node.field.name == "dns.type_bitmap.type" => {
            super::types::type_name(*n as u16).into_owned()
        }
        (Value::U64(n), _) => n.to_string(),
        // tshark's output ends a text at its first NUL, and so is comparable.
        (Value::Span, Kind::Text) => String::from_utf8_lossy(bytes.split(|b| *b == 0).next().unwrap_or(bytes)).into_owned(),
        (Value::Span, _) => bytes.iter().map(|b| format!("{b:02x}")).collect(),
        _ => tree.display(node),
    }
}
