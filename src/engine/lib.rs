//! Wirelore: see ARCHITECTURE.md.

pub mod packet;
pub mod flow;
pub mod ipfrag;
pub mod conversation;
pub mod identify;
pub mod laws;
