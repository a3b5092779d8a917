//! The pieces that panes are made of. They know rows, bytes and fields, but no pane and no capture.

pub mod button;
pub mod hex;
pub mod ink;
pub mod pill;
pub mod split;
pub mod table;
pub mod toast;
pub mod tree;
pub mod vlist;
