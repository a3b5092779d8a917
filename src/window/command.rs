//! Every command of the window in one place: its text, tooltip, keys, group and icon. Nothing can be done in one place only.

use crate::theme::icons;
use egui::{InputState, Key, Modifiers};

/// Keys that trigger a command.
pub type Keys = &'static [(Modifiers, Key)];

/// What a command is about; the palette and the list of keys group by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Files and tabs.
    File,
    /// Moving the selection.
    Go,
    /// What is shown.
    View,
    /// Searching.
    Find,
    /// Interfaces and what they bring.
    Capture,
    /// The proxy and what it holds.
    Proxy,
    /// Taking out.
    Copy,
    /// How it looks.
    Look,
}

impl Group {
    /// All, in the order of the list of keys.
    pub const ALL: [Group; 8] =
        [Group::File, Group::Go, Group::Find, Group::View, Group::Capture, Group::Proxy, Group::Copy, Group::Look];

    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Group::File => "File",
            Group::Go => "Go",
            Group::View => "View",
            Group::Find => "Find",
            Group::Capture => "Capture",
            Group::Proxy => "Proxy",
            Group::Copy => "Copy",
            Group::Look => "Appearance",
        }
    }
}

/// What is known of a command.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// Its text; ends in an ellipsis if a dialog follows.
    pub text: &'static str,
    /// One more sentence.
    pub tip: &'static str,
    /// Group.
    pub group: Group,
    /// Icon.
    pub icon: char,
    /// Keys; the first is shown.
    pub keys: Keys,
}

const NO: Modifiers = Modifiers::NONE;
const CTRL: Modifiers = Modifiers::COMMAND;
const SHIFT: Modifiers = Modifiers::SHIFT;
const ALT: Modifiers = Modifiers::ALT;
const CTRL_SHIFT: Modifiers = Modifiers { alt: false, ctrl: false, shift: true, mac_cmd: false, command: true };

macro_rules! commands {
    ($($(#[$doc:meta])* $id:ident = $group:ident, $icon:ident, $text:literal, $tip:literal, [$($m:ident $key:ident),*];)*) => {
        /// A command.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Command { $($(#[$doc])* #[doc = $text] $id),* }

        impl Command {
            /// Every command.
            pub const ALL: &[Command] = &[$(Command::$id),*];

            /// What is known of it.
            #[must_use]
            pub const fn facts(self) -> Facts {
                match self {
                    $(Command::$id => Facts { text: $text, tip: $tip, group: Group::$group, icon: icons::$icon, keys: &[$(($m, Key::$key)),*] }),*
                }
            }
        }
    };
}

commands! {
    Open = File, FOLDER_OPEN, "Open capture…", "Choose a capture file, or type its path", [CTRL O];
    NewTab = File, PLUS, "New tab", "An empty tab with recent captures", [CTRL T];
    CloseTab = File, X, "Close tab", "Close this capture", [CTRL W];
    NextTab = File, CARET_RIGHT, "Next tab", "The capture to the right", [CTRL Tab, CTRL PageDown];
    PreviousTab = File, CARET_LEFT, "Previous tab", "The capture to the left", [CTRL_SHIFT Tab, CTRL PageUp];
    StopReading = File, STOP, "Stop reading", "What was read stays; the rest of the file is left out", [];
    AddKeys = File, KEY, "Add key log…", "Take the keys of a TLS key log and read again what waited for them", [CTRL_SHIFT K];
    DecodeAs = File, TRANSLATE, "Decode as…", "Say which protocol this connection speaks", [CTRL_SHIFT U];
    Export = File, EXPORT, "Export…", "All of this capture or a part of it, in another form", [CTRL_SHIFT X];
    SaveStream = File, DOWNLOAD_SIMPLE, "Save stream…", "What one side or both sent, as bytes or text", [CTRL_SHIFT S];
    ExportLadder = File, DOWNLOAD_SIMPLE, "Export ladder as SVG…", "The ladder as a drawing for documents", [CTRL_SHIFT E];
    ForgetRecent = File, CLOCK_COUNTER_CLOCKWISE, "Forget recent captures", "Empties the list of recent captures", [];

    NextRow = Go, ARROW_DOWN, "Next", "Next row, field or byte", [NO ArrowDown, NO J, NO F8, CTRL ArrowDown];
    PreviousRow = Go, ARROW_UP, "Previous", "Previous row, field or byte", [NO ArrowUp, NO K, NO F7, CTRL ArrowUp];
    NextPage = Go, ARROW_DOWN, "Next page", "One page down", [NO PageDown, CTRL D];
    PreviousPage = Go, ARROW_UP, "Previous page", "One page up", [NO PageUp, CTRL U];
    FirstRow = Go, CARET_UP, "First", "First row", [NO Home, NO G];
    LastRow = Go, CARET_DOWN, "Last", "Last row; while reading, stay at the end", [NO End, SHIFT G];
    NextInConversation = Go, ARROW_BEND_DOWN_RIGHT, "Next in conversation", "Next packet or message of the same connection", [CTRL Period];
    PreviousInConversation = Go, ARROW_BEND_DOWN_RIGHT, "Previous in conversation", "Previous packet or message of the same connection", [CTRL Comma];
    OtherHalf = Go, CHAT_CIRCLE_TEXT, "Question or answer", "From a question to its answer and back", [NO R];
    OtherLeg = Go, LINK, "Other side of the proxy", "From what the client said to what the server heard, and back: the same exchange of the other leg", [NO O];
    OtherPicture = Go, NETWORK, "As captured, or as relayed", "From a connection of the proxy to the same one as an interface saw it, and back", [SHIFT O];
    NextNote = Go, WARNING, "Next note", "Next message or packet with a note", [NO N];
    PreviousNote = Go, WARNING, "Previous note", "Previous message or packet with a note", [SHIFT N];
    GoToPacket = Go, CROSSHAIR, "Go to packet…", "Type a packet's number", [CTRL G];
    Mark = Go, BOOKMARK, "Mark packet", "Marks the selected packet, or takes its mark away", [NO M];
    NextMark = Go, BOOKMARK, "Next mark", "The next packet that was marked", [SHIFT M];
    Back = Go, CARET_LEFT, "Back", "Where you were before", [ALT ArrowLeft];
    Forward = Go, CARET_RIGHT, "Forward", "Where you came back from", [ALT ArrowRight];
    Unfold = Go, CARET_DOWN, "Unfold or step right", "Opens a row or a group of fields; in bytes, the next byte", [NO ArrowRight, NO L];
    Fold = Go, CARET_RIGHT, "Fold or step left", "Folds a row or a group of fields; in bytes, the byte before", [NO ArrowLeft, NO H];
    UnfoldAll = Go, TREE_STRUCTURE, "Unfold all fields", "Opens every group of fields", [CTRL_SHIFT ArrowRight];
    FoldAll = Go, TREE_STRUCTURE, "Fold all fields", "Folds every group of fields", [CTRL_SHIFT ArrowLeft];
    NextRegion = Go, SQUARE_HALF_BOTTOM, "Next pane", "Keys go to the next pane", [NO F6];
    PreviousRegion = Go, SQUARE_HALF_BOTTOM, "Previous pane", "Keys go to the pane before", [SHIFT F6];

    Palette = Find, MAGNIFYING_GLASS, "Commands…", "Type what you want to do", [CTRL K, CTRL_SHIFT P];
    Filter = Find, FUNNEL, "Filter", "Show only rows that pass a filter, or hold words", [CTRL Slash, NO Slash];
    Find = Find, MAGNIFYING_GLASS, "Find", "Text, a pattern or bytes in everything that was decoded", [CTRL F];
    NextHit = Find, ARROW_DOWN, "Next hit", "The next place where what is looked for stands", [CTRL N];
    PreviousHit = Find, ARROW_UP, "Previous hit", "The place before", [CTRL B];
    FilterValue = Find, FUNNEL, "Filter by this value", "Show only rows where the selected field has this value", [];
    FilterOut = Find, FUNNEL, "Filter out this value", "Show only rows where it has not", [];
    FilterAnd = Find, FUNNEL, "And this value", "Of the rows shown, only those where the selected field has this value", [];
    FilterAndNot = Find, FUNNEL, "And not this value", "Of the rows shown, only those where it has not", [];
    FilterOr = Find, FUNNEL, "Or this value", "Also the rows where the selected field has this value", [];
    FindInStream = Find, MAGNIFYING_GLASS, "Find in stream", "A text in the bytes of this conversation", [CTRL_SHIFT F];
    ClearFilter = Find, X, "Clear filter", "Show every row again", [];
    StopFiltering = Find, STOP, "Stop filtering", "Rows that were found stay; the others are not looked at", [];
    FilterOn = Find, PLAY, "Go on filtering", "Look at every row", [];
    FilterConversation = Find, FUNNEL, "Filter this connection", "Show only rows between these two ends", [];

    Story = View, BOOK_OPEN, "Story", "What happened, in sentences", [NO Num1];
    Exchanges = View, CHAT_CIRCLE_TEXT, "Exchanges", "Questions and answers", [NO Num2];
    Packets = View, ROWS, "Packets", "Packets as they arrived", [NO Num3];
    Bytes = View, BINARY, "Bytes", "The bytes of what is selected", [NO Num4];
    GroupByConnection = View, PLUGS, "Group by connection", "Exchanges under the connection they belong to", [NO C];
    CapturedToo = View, STACK, "Relayed connections also as captured", "What interfaces saw of connections that the proxy relays: the same once more, as rows of their own", [];
    UnfoldRow = View, CARET_DOWN, "Show or hide the messages of a row", "Opens an exchange, a connection or a talk in the list", [NO Space];
    ViewFields = View, TREE_STRUCTURE, "Fields and bytes", "The fields and bytes of what is selected", [NO F2];
    ViewLadder = View, LADDER_SIMPLE, "Ladder", "Who said what and when, as arrows between lifelines", [NO F3];
    FollowStream = View, ARROWS_DOWN_UP, "Follow stream", "The bytes of both directions, one after the other", [NO F4];
    ViewBody = View, FILE_TEXT, "Body", "What a message carries, decoded", [NO F5];
    LadderScope = View, LADDER_SIMPLE, "Ladder of connection or exchange", "All of the connection, or only the exchange that is selected", [NO S];
    LadderTcp = View, NETWORK, "TCP events in the ladder", "Handshake, end, retransmissions", [NO T];
    LadderCarriers = View, STACK, "Carriers in the ladder", "Also what only carries other messages: records around requests, frames around answers", [NO W];
    LadderScale = View, RULER, "Ladder to scale", "Distances show time, or every arrow the same", [NO P];
    ZoomIn = View, PLUS, "Zoom ladder in", "Arrows farther apart", [NO Plus, NO Equals];
    ZoomOut = View, MINUS, "Zoom ladder out", "Arrows closer together", [NO Minus];
    StreamForm = View, BINARY, "Stream or body in another form", "A followed stream as text or hexadecimal; a body pretty, raw or hexadecimal", [NO X];
    Side = View, SQUARE_HALF, "Side pane", "Notes, connection and evidence", [NO F9];
    Drawer = View, SQUARE_HALF_BOTTOM, "Provenance drawer", "From the selected value down to its packets", [NO F10];
    Traffic = View, ARROWS_LEFT_RIGHT, "Traffic", "The lists of this capture", [ALT Num1];
    Statistics = View, CHART_BAR, "Statistics", "Protocols, conversations and facts of the capture", [ALT Num2];
    Objects = View, FILE_TEXT, "Objects", "Files, bodies and letters that were transferred", [ALT Num3];
    Rules = View, SLIDERS, "Rules", "What changes messages on their way, how often, and what became of them", [ALT Num4];
    Settings = View, GEAR_SIX, "Settings", "Theme, density, text size, times", [ALT Num0];
    Help = View, KEYBOARD, "Keys", "Every command and its keys", [NO F1, SHIFT Questionmark, NO Questionmark];

    StartCapture = Capture, PLAY, "Start or stop capture", "Take packets off the interfaces chosen on the start page; while it runs, stop", [CTRL E];
    StopCapture = Capture, STOP, "Stop capture", "What was captured stays", [];
    RestartCapture = Capture, PLAY, "Go on capturing", "In the same session", [];
    AddSource = Capture, PLUS, "Add source…", "Interfaces or the proxy, recorded into what this tab records already", [CTRL_SHIFT A];
    SaveCapture = Capture, DOWNLOAD_SIMPLE, "Save capture…", "Write what was captured so far to a file", [CTRL S];

    StartProxy = Proxy, PLUGS, "Start proxy", "Listen for clients, record and decrypt what they say, in a tab of its own", [CTRL_SHIFT R];
    StopProxy = Proxy, STOP, "Stop proxy", "What was recorded stays", [];
    Browse = Proxy, BROWSER, "Open intercepted browser", "A fresh profile that uses the proxy and trusts it; your own browser is not touched", [CTRL_SHIFT B];
    Hold = Proxy, HAND_PALM, "Hold messages", "Messages stop here until you send them on", [NO I];
    SendHeld = Proxy, PLAY, "Send held message", "The selected one goes on, as you edited it", [NO A];
    SendAllHeld = Proxy, FAST_FORWARD, "Send all held messages", "As they came", [SHIFT A];
    DropHeld = Proxy, PROHIBIT, "Drop held message", "It does not go on, and nothing answers", [SHIFT X];
    AnswerHeld = Proxy, ARROW_U_UP_LEFT, "Answer held message", "Write what its sender gets in place of the server's answer", [];
    RuleLike = Proxy, SLIDERS, "New rule for messages like this…", "Begins a rule for this host and path; it is in force once you say so", [];
    CopyProxyAddress = Proxy, COPY, "Copy proxy address", "For programs that ask for one", [];

    CopyValue = Copy, COPY, "Copy value", "The selected field's value", [CTRL C];
    CopyRow = Copy, COPY, "Copy row", "The selected row as text", [CTRL_SHIFT C];
    CopyFieldName = Copy, COPY, "Copy field name", "The name that filters use", [];
    CopyBytes = Copy, COPY, "Copy bytes as hexadecimal", "The selected bytes", [];
    CopyPath = Copy, PATH, "Copy provenance", "The way from value to packets as text", [];

    ToggleTheme = Look, CIRCLE_HALF, "Toggle theme", "Light or dark", [CTRL_SHIFT L];
    ThemeDark = Look, MOON, "Dark theme", "Light text on dark ground", [];
    ThemeLight = Look, SUN, "Light theme", "Dark text on light ground", [];
    ThemeSystem = Look, CIRCLE_HALF, "Theme of the system", "Follow the desktop", [];
    Larger = Look, TEXT_AA, "Larger text", "One step larger", [CTRL Plus, CTRL Equals];
    Smaller = Look, TEXT_AA, "Smaller text", "One step smaller", [CTRL Minus];
    UsualSize = Look, TEXT_AA, "Usual text size", "Back to the usual size", [CTRL Num0];
    NextDensity = Look, ROWS, "Change density of rows", "Compact, normal, roomy", [];
    NextTimeFormat = Look, HOURGLASS, "Change time format", "Since first packet, since previous row, time of day, date", [];
}

impl Command {
    /// Its first keys as people write them: "Ctrl+O".
    #[must_use]
    pub fn keys(self) -> String {
        self.facts().keys.first().map_or_else(String::new, |(m, k)| spell(*m, *k))
    }

    /// The commands whose keys were pressed; the keys are taken. While text is typed, only those that no text can mean.
    pub fn pressed(input: &mut InputState, typing: bool) -> Vec<Command> {
        let mut out = Vec::new();
        for c in Self::ALL {
            for (m, k) in c.facts().keys {
                let harmless = !typing
                    || ((m.command || m.alt) && !TEXT_KEYS.contains(k))
                    || matches!(
                        k,
                        Key::F1 | Key::F2 | Key::F3 | Key::F4 | Key::F5 | Key::F6 | Key::F7 | Key::F8 | Key::F9 | Key::F10
                    );
                // `consume_key` lets extra Shift pass; "g" and "G" are two commands here.
                if harmless && exactly(input, *m, *k) && input.consume_key(*m, *k) {
                    out.push(*c);
                    break;
                }
            }
        }
        out
    }
}

/// Keys that mean something in a text field even with Ctrl.
const TEXT_KEYS: [Key; 10] =
    [Key::C, Key::U, Key::D, Key::ArrowLeft, Key::ArrowRight, Key::ArrowUp, Key::ArrowDown, Key::Home, Key::End, Key::A];

fn exactly(input: &InputState, m: Modifiers, key: Key) -> bool {
    input.events.iter().any(|e| match e {
        egui::Event::Key { key: k, pressed: true, modifiers, .. } => {
            // A question mark is Shift and another key on most keyboards; egui gives the logical key.
            let shift_free = matches!(key, Key::Questionmark | Key::Plus | Key::Slash);
            *k == key
                && modifiers.alt == m.alt
                && (modifiers.command || modifiers.ctrl) == m.command
                && (shift_free || modifiers.shift == m.shift)
        }
        _ => false,
    })
}

fn spell(m: Modifiers, k: Key) -> String {
    let mut s = String::new();
    if m.command {
        s.push_str("Ctrl+");
    }
    if m.alt {
        s.push_str("Alt+");
    }
    if m.shift {
        s.push_str("Shift+");
    }
    s.push_str(match k {
        Key::ArrowDown => "↓",
        Key::ArrowUp => "↑",
        Key::ArrowLeft => "←",
        Key::ArrowRight => "→",
        Key::Num0 => "0",
        Key::Num1 => "1",
        Key::Num2 => "2",
        Key::Num3 => "3",
        Key::Num4 => "4",
        Key::Period => ".",
        Key::Comma => ",",
        Key::Slash => "/",
        Key::Plus => "+",
        Key::Minus => "−",
        Key::Questionmark => "?",
        k => k.name(),
    });
    s
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn no_two_commands_share_keys() {
        let mut seen: HashMap<String, Command> = HashMap::new();
        for c in Command::ALL {
            for (m, k) in c.facts().keys {
                if let Some(other) = seen.insert(spell(*m, *k), *c) {
                    panic!("{:?} and {c:?} share {}", other, spell(*m, *k));
                }
            }
        }
    }

    #[test]
    fn texts_are_unique_and_sentence_case() {
        let mut seen = HashMap::new();
        for c in Command::ALL {
            let f = c.facts();
            assert!(seen.insert(f.text, c).is_none(), "{} twice", f.text);
            assert!(f.text.starts_with(char::is_uppercase) && !f.text.ends_with('.') && !f.tip.is_empty(), "{c:?}");
        }
    }
}
