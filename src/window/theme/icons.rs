//! The icons: code points of the Phosphor font (subset in `assets/`), each named by its Phosphor name.
//!
//! Inter has glyphs in the private-use area too, so icons are drawn in a font family of their own and never inside text.

/// Places: traffic, exchanges.
pub const ARROWS_LEFT_RIGHT: char = '\u{e0a0}';
/// Statistics.
pub const CHART_BAR: char = '\u{e150}';
/// Settings.
pub const GEAR_SIX: char = '\u{e272}';
/// Open.
pub const FOLDER_OPEN: char = '\u{e256}';
/// Search.
pub const MAGNIFYING_GLASS: char = '\u{e30c}';
/// Filter.
pub const FUNNEL: char = '\u{e266}';
/// Close, clear.
pub const X: char = '\u{e4f6}';
/// Back, previous.
pub const CARET_LEFT: char = '\u{e138}';
/// Folded, forward.
pub const CARET_RIGHT: char = '\u{e13a}';
/// Unfolded, a menu.
pub const CARET_DOWN: char = '\u{e136}';
/// Sorted upwards.
pub const CARET_UP: char = '\u{e13c}';
/// New tab.
pub const PLUS: char = '\u{e3d4}';
/// Light theme.
pub const SUN: char = '\u{e472}';
/// Dark theme.
pub const MOON: char = '\u{e330}';
/// Theme by the system.
pub const CIRCLE_HALF: char = '\u{e18c}';
/// Copy.
pub const COPY: char = '\u{e1ca}';
/// A warning.
pub const WARNING: char = '\u{e4e0}';
/// An error.
pub const WARNING_CIRCLE: char = '\u{e4e2}';
/// A note.
pub const INFO: char = '\u{e2ce}';
/// Done.
pub const CHECK: char = '\u{e182}';
/// All well.
pub const CHECK_CIRCLE: char = '\u{e184}';
/// Cancel.
pub const STOP: char = '\u{e46c}';
/// A capture file.
pub const FILE: char = '\u{e230}';
/// Something could not be read.
pub const FILE_MAGNIFYING_GLASS: char = '\u{e238}';
/// Recent.
pub const CLOCK_COUNTER_CLOCKWISE: char = '\u{e1a0}';
/// Fields.
pub const TREE_STRUCTURE: char = '\u{e67c}';
/// Bytes.
pub const BINARY: char = '\u{ee60}';
/// Packets.
pub const ROWS: char = '\u{e5a2}';
/// A list.
pub const LIST_BULLETS: char = '\u{e2f2}';
/// Packets as layers.
pub const STACK: char = '\u{e466}';
/// Story.
pub const BOOK_OPEN: char = '\u{e0e6}';
/// Notes.
pub const NOTE: char = '\u{e348}';
/// Provenance.
pub const PATH: char = '\u{e39c}';
/// To the server.
pub const ARROW_RIGHT: char = '\u{e06c}';
/// To the client.
pub const ARROW_LEFT: char = '\u{e058}';
/// Next.
pub const ARROW_DOWN: char = '\u{e03e}';
/// Previous.
pub const ARROW_UP: char = '\u{e08e}';
/// Keys.
pub const KEYBOARD: char = '\u{e2d8}';
/// The side.
pub const SQUARE_HALF: char = '\u{e462}';
/// The drawer.
pub const SQUARE_HALF_BOTTOM: char = '\u{eb16}';
/// Under way.
pub const HOURGLASS: char = '\u{e2b2}';
/// Why.
pub const SEAL_QUESTION: char = '\u{e608}';
/// HTTP.
pub const GLOBE: char = '\u{e288}';
/// Connections.
pub const PLUGS: char = '\u{eb56}';
/// Hosts.
pub const NETWORK: char = '\u{edde}';
/// Go to.
pub const CROSSHAIR: char = '\u{e1d6}';
/// Text size.
pub const TEXT_AA: char = '\u{e6ee}';
/// A message.
pub const ARTICLE: char = '\u{e0a8}';
/// Exchange.
pub const CHAT_CIRCLE_TEXT: char = '\u{e16e}';
/// Leads to.
pub const ARROW_BEND_DOWN_RIGHT: char = '\u{e01a}';
/// A place.
pub const MAP_PIN: char = '\u{e316}';
/// Secret.
pub const LOCK_SIMPLE: char = '\u{e308}';
/// Zoom out.
pub const MINUS: char = '\u{e32a}';
/// Save.
pub const DOWNLOAD_SIMPLE: char = '\u{e20c}';
/// Keys that decrypt.
pub const KEY: char = '\u{e2d6}';
/// Time to scale.
pub const RULER: char = '\u{e6b8}';
/// The ladder.
pub const LADDER_SIMPLE: char = '\u{ec26}';
/// A chat.
pub const CHATS: char = '\u{e17c}';
/// A letter.
pub const ENVELOPE_SIMPLE: char = '\u{e218}';
/// A body.
pub const FILE_TEXT: char = '\u{e23a}';
/// Follow.
pub const ARROWS_DOWN_UP: char = '\u{e098}';
/// Decode as.
pub const TRANSLATE: char = '\u{e4a2}';
/// Holding messages.
pub const HAND_PALM: char = '\u{e57e}';
/// Send on.
pub const PLAY: char = '\u{e3d0}';
/// Send all on.
pub const FAST_FORWARD: char = '\u{e6a6}';
/// Answer in someone's place.
pub const ARROW_U_UP_LEFT: char = '\u{e08a}';
/// Does not go on.
pub const PROHIBIT: char = '\u{e3de}';
/// A browser.
pub const BROWSER: char = '\u{e0f4}';
/// A certificate.
pub const CERTIFICATE: char = '\u{e766}';
/// Rules.
pub const SLIDERS: char = '\u{e434}';
/// Take out.
pub const EXPORT: char = '\u{eaf0}';
/// A mark.
pub const BOOKMARK: char = '\u{e0ea}';
/// What belongs together.
pub const LINK: char = '\u{e2e6}';
