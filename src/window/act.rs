//! What panes ask the window to do. They read; between frames the window acts.

use crate::command::Command;
use crate::door::Release;
use crate::exports::{Form, Object, Wish};
use crate::follow::SaveAs;
use crate::listing::Item;
use crate::prefs::{BodyForm, View};
use crate::ruling::Change;
use crate::select::{Level, Selection};
use crate::tab::Region;
use std::path::PathBuf;
use wirelore_kit::{BufId, Dir, Problem, Span};

/// What a chosen file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choose {
    /// A capture to open.
    Capture,
    /// A key log to take keys from.
    KeyLog,
    /// Where to write.
    Save(Saving),
    /// Where an export goes.
    Export,
    /// The folder that an export goes to.
    ExportFolder,
}

impl Choose {
    /// What a dialog for it is called.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Choose::Capture => "Open capture",
            Choose::KeyLog => "Add key log",
            Choose::Save(Saving::Capture) => "Save capture",
            Choose::Save(Saving::Ladder) => "Export ladder as SVG",
            Choose::Save(Saving::Stream(..)) => "Save stream",
            Choose::Save(Saving::Object) => "Save object",
            Choose::Export | Choose::ExportFolder => "Export",
        }
    }
}

/// What is written to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saving {
    /// What was captured so far.
    Capture,
    /// The ladder as it is drawn.
    Ladder,
    /// The followed stream: one side or both, in a form.
    Stream(Option<Dir>, SaveAs),
    /// The object that is looked at.
    Object,
}

/// Something to do.
#[derive(Debug, Clone)]
pub enum Act {
    /// A command.
    Do(Command),
    /// Select this.
    Select(Selection),
    /// Select this and look at that level.
    SelectAt(Level, Selection),
    /// Open or shut a row of the list.
    Unfold(Item),
    /// Go to this packet at the level of packets.
    Packet(u32),
    /// Select a node of the shown tree.
    Node(usize),
    /// Open or fold a node.
    Toggle(usize),
    /// Select a byte of a buffer of the shown tree.
    Byte(BufId, u64),
    /// Select bytes of a buffer of the shown tree.
    Span(Span),
    /// Show bodies in this form.
    Body(BodyForm),
    /// Show a buffer of the shown tree.
    Buffer(BufId),
    /// Keys go there.
    Keys(Region),
    /// Filter rows by this text.
    Filter(String),
    /// Look for what the search's field says.
    Seek,
    /// Keep this filter among those used before.
    Keep(String),
    /// Show only this connection, or all.
    Only(Option<u32>),
    /// Open a capture.
    Open(PathBuf),
    /// Choose a file with the desktop's dialog, for this.
    Browse(Choose),
    /// Show this in the large pane.
    View(View),
    /// Zoom the ladder by a factor.
    Zoom(f32),
    /// Write this to a file.
    Save(Saving, PathBuf),
    /// Read a connection again as a protocol, or (for none) as its bytes say.
    DecodeAs(u32, Option<&'static str>),
    /// Stop a source of the tab, by its place among those on interfaces, or go on with it.
    Sniff(usize, bool),
    /// Start the proxy as one more source of the tab.
    JoinProxy,
    /// Change the rules of the proxy.
    Rule(Change),
    /// Write this.
    Export(Box<Wish>),
    /// Ask what to write in this form.
    AskExport(Form),
    /// Ask where an object goes.
    SaveObject(Box<Object>),
    /// Open the folder of a file with the desktop.
    ShowInFolder(PathBuf),
    /// Take the keys of a key log.
    AddKeys(PathBuf),
    /// Hold messages that this filter finds, or none.
    Hold(Option<String>),
    /// What becomes of a held message.
    Release(u64, Release),
    /// Show this tab.
    Tab(usize),
    /// Close this tab.
    Close(usize),
    /// Put text on the clipboard and say so.
    Copy(String, &'static str),
    /// Tell a problem.
    Tell(Problem),
}
