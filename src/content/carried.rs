//! Which bytes of a message are its body, and as what they were sent.

use wirelore_kit::field::Role;
use wirelore_kit::{BufKind, Buffer, Tree};

/// The media type in the name of a buffer: "Body, decompressed (text/html)".
fn named(b: &Buffer) -> Option<&str> {
    b.label.rsplit_once('(').and_then(|l| l.1.strip_suffix(')')).filter(|m| m.contains('/'))
}

/// The bodies of a message, all codings undone: one, or of a letter each of its parts. Where none has a media type, what was made last.
#[must_use]
pub fn bodies(tree: &Tree) -> Vec<&Buffer> {
    let made = || tree.buffers.iter().filter(|b| matches!(b.id.kind(), BufKind::Part(_)) && !b.bytes.is_empty());
    let typed: Vec<&Buffer> = made().filter(|b| named(b).is_some()).collect();
    if typed.is_empty() { made().last().into_iter().collect() } else { typed }
}

/// The media type of a body: what its buffer is called by, with the parameters that the message says.
#[must_use]
pub fn media(tree: &Tree, body: &Buffer) -> String {
    let named = named(body).unwrap_or("");
    let said = tree.nodes.iter().rev().filter(|n| n.field.role == Some(Role::Media)).map(|n| tree.display(n));
    let essence = |m: &str| m.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let mut fits = said.filter(|m| named.is_empty() || essence(m) == essence(named));
    fits.next().unwrap_or_else(|| named.to_owned())
}
