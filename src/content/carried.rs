//! Which bytes of a message are its body, and as what they were sent.

use wirelore_kit::field::Role;
use wirelore_kit::{BufKind, Buffer, Tree};

/// The buffer made last of the message: its body, all codings undone.
#[must_use]
pub fn body(tree: &Tree) -> Option<&Buffer> {
    tree.buffers.iter().rev().find(|b| matches!(b.id.kind(), BufKind::Part(_)) && !b.bytes.is_empty())
}

/// The media type of a body: what its buffer is called by, with the parameters that the message says.
#[must_use]
pub fn media(tree: &Tree, body: &Buffer) -> String {
    let named = body.label.rsplit_once('(').and_then(|l| l.1.strip_suffix(')')).filter(|m| m.contains('/')).unwrap_or("");
    let said = tree.nodes.iter().rev().filter(|n| n.field.role == Some(Role::Media)).map(|n| tree.display(n));
    let essence = |m: &str| m.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let mut fits = said.filter(|m| named.is_empty() || essence(m) == essence(named));
    fits.next().unwrap_or_else(|| named.to_owned())
}
