//! The names that filters, columns and exports of this program may use.

use crate::recall::{TCP_PAYLOAD, UDP_PAYLOAD};
use std::sync::OnceLock;
use wirelore_dissectors::{TABLE, layers::LAYERS};
use wirelore_filter::Registry;
use wirelore_kit::{Claim, DATA, F, Spec, TRAILING, UNKNOWN};

/// Every field that a tree may hold: those of the layers, of the protocols, and those that belong to none.
pub fn fields() -> impl Iterator<Item = F> {
    let layers = LAYERS.iter().flat_map(|l| l.fields.iter().copied());
    let protocols = TABLE.iter().flat_map(|s| s.fields.iter().copied());
    layers.chain(protocols).chain([&TCP_PAYLOAD, &UDP_PAYLOAD, &DATA, &UNKNOWN, &TRAILING] as [F; 5])
}

/// Every name, made at the first call.
#[must_use]
pub fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    let inside = |s: &&&Spec| s.claims.iter().any(|c| matches!(c, Claim::Content(_)));
    let make = || Registry::new(fields(), TABLE.iter().map(|s| (s.name, s.label)));
    REGISTRY.get_or_init(|| make().with_content(TABLE.iter().filter(inside).map(|s| s.name)))
}
