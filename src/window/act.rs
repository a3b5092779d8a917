//! What panes ask the window to do. They read; between frames the window acts.

use crate::command::Command;
use crate::select::{Level, Selection};
use crate::tab::Region;
use std::path::PathBuf;
use wirelore_kit::{BufId, Problem};

/// Something to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Act {
    /// A command.
    Do(Command),
    /// Select this.
    Select(Selection),
    /// Select this and look at that level.
    SelectAt(Level, Selection),
    /// Go to this packet at the level of packets.
    Packet(u32),
    /// Select a node of the shown tree.
    Node(usize),
    /// Open or fold a node.
    Toggle(usize),
    /// Select a byte of a buffer of the shown tree.
    Byte(BufId, u64),
    /// Show a buffer of the shown tree.
    Buffer(BufId),
    /// Keys go there.
    Keys(Region),
    /// Show only rows that hold this text.
    Filter(String),
    /// Show only this connection, or all.
    Only(Option<u32>),
    /// Open a capture.
    Open(PathBuf),
    /// Choose a file with the desktop's dialog.
    Browse,
    /// Show this tab.
    Tab(usize),
    /// Close this tab.
    Close(usize),
    /// Put text on the clipboard and say so.
    Copy(String, &'static str),
    /// Tell a problem.
    Tell(Problem),
}
