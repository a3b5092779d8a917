//! What of a proxy can be changed while it runs. Connections that are open keep what they began with.

use crate::shared::Passes;
use std::sync::Arc;

/// All of it.
#[derive(Clone)]
pub struct Options {
    /// Hosts that are passed through unopened.
    pub passes: Arc<Passes>,
    /// Pass what two readers could read differently instead of refusing it.
    pub lax: bool,
    /// Our name for `Via`; empty: none.
    pub via: String,
    /// User and password that clients must give.
    pub auth: Option<(String, String)>,
    /// A host whose clients refused our certificate so often is passed through from then on; 0: never.
    pub give_up: u32,
}
