//! What the window keeps between starts: appearance, layout, recent captures.

use crate::format::TimeFormat;
use crate::select::Level;
use crate::theme::{DARK, Density, LIGHT, Look};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Which theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ThemeChoice {
    /// As the desktop has it.
    #[default]
    System,
    /// Dark.
    Dark,
    /// Light.
    Light,
}

/// How panes share the window: each a share from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shares {
    /// List against the rest.
    pub list: f32,
    /// Fields against side.
    pub reader: f32,
    /// Fields against bytes.
    pub tree: f32,
    /// Ladder, stream or body against the fields below.
    pub view: f32,
    /// Everything above it against the drawer.
    pub drawer: f32,
}

impl Default for Shares {
    fn default() -> Self {
        Shares { list: 0.52, reader: 0.6, tree: 0.6, view: 0.64, drawer: 0.76 }
    }
}

/// What the large pane beside the list shows of the selection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum View {
    /// Its fields and bytes.
    #[default]
    Fields,
    /// Its conversation as arrows.
    Ladder,
    /// The bytes of its conversation, both directions interleaved.
    Stream,
    /// What it carries, decoded.
    Body,
}

impl View {
    /// All, in the order of tabs.
    pub const ALL: [View; 4] = [View::Fields, View::Ladder, View::Stream, View::Body];

    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            View::Fields => "Fields",
            View::Ladder => "Ladder",
            View::Stream => "Stream",
            View::Body => "Body",
        }
    }
}

/// How ladders are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LadderPrefs {
    /// All of the connection, or only the exchange that is selected.
    pub whole: bool,
    /// TCP's own events too.
    pub tcp: bool,
    /// Also what only carries other messages.
    pub carriers: bool,
    /// Distances show time.
    pub to_scale: bool,
    /// 1 is the usual distance of arrows.
    pub zoom: f32,
}

impl Default for LadderPrefs {
    fn default() -> Self {
        LadderPrefs { whole: true, tcp: true, carriers: false, to_scale: false, zoom: 1.0 }
    }
}

impl LadderPrefs {
    /// Least and greatest distance of arrows.
    pub const ZOOMS: std::ops::RangeInclusive<f32> = 0.2..=3.0;

    /// Zooms by a factor, within bounds.
    pub fn zoom_by(&mut self, factor: f32) {
        let z = (self.zoom * factor).clamp(*Self::ZOOMS.start(), *Self::ZOOMS.end());
        self.zoom = if z.is_finite() { z } else { 1.0 };
    }
}

/// How a followed stream is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum StreamForm {
    /// Text; bytes that are none as dots.
    #[default]
    Text,
    /// Hexadecimal.
    Hex,
}

/// How a body is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum BodyForm {
    /// By its content: indented, coloured, as a table, as a picture.
    #[default]
    Pretty,
    /// As text, line by line as it was sent.
    Raw,
    /// Hexadecimal.
    Hex,
}

impl BodyForm {
    /// All, in the order of the switch.
    pub const ALL: [BodyForm; 3] = [BodyForm::Pretty, BodyForm::Raw, BodyForm::Hex];

    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            BodyForm::Pretty => "Pretty",
            BodyForm::Raw => "Raw",
            BodyForm::Hex => "Hex",
        }
    }

    /// In a few words.
    #[must_use]
    pub const fn tip(self) -> &'static str {
        match self {
            BodyForm::Pretty => "By its content: indented and coloured, a table, a picture",
            BodyForm::Raw => "As text, line by line as it was sent",
            BodyForm::Hex => "Its bytes",
        }
    }

    /// The next one.
    #[must_use]
    pub const fn next(self) -> BodyForm {
        match self {
            BodyForm::Pretty => BodyForm::Raw,
            BodyForm::Raw => BodyForm::Hex,
            BodyForm::Hex => BodyForm::Pretty,
        }
    }
}

/// Everything kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prefs {
    /// Theme.
    pub theme: ThemeChoice,
    /// Size of ordinary text in points.
    pub size: f32,
    /// Density of rows.
    pub density: Density,
    /// Times in lists.
    pub time: TimeFormat,
    /// Exchanges under their connections.
    pub grouped: bool,
    /// Connections of a proxy also as interfaces saw them, where exchanges are listed.
    pub captured: bool,
    /// The level that a capture opens at.
    pub level: Level,
    /// The level that a proxy's traffic opens at.
    pub proxied: Level,
    /// Whether the side is open.
    pub side: bool,
    /// Whether the drawer is open.
    pub drawer: bool,
    /// What the large pane shows.
    pub view: View,
    /// How ladders are drawn.
    pub ladder: LadderPrefs,
    /// How a followed stream is written.
    pub stream: StreamForm,
    /// How a body is shown.
    pub body: BodyForm,
    /// How panes share the window.
    pub shares: Shares,
    /// Captures opened lately, newest first.
    pub recent: Vec<PathBuf>,
    /// Filters used lately, newest first.
    pub filters: Vec<String>,
}

impl Default for Prefs {
    fn default() -> Self {
        Prefs {
            theme: ThemeChoice::System,
            size: USUAL_SIZE,
            density: Density::Normal,
            time: TimeFormat::SinceStart,
            grouped: true,
            captured: false,
            level: Level::Packets,
            // Who steers a proxy thinks in questions and answers.
            proxied: Level::Exchanges,
            side: true,
            drawer: false,
            view: View::Fields,
            ladder: LadderPrefs::default(),
            stream: StreamForm::Text,
            body: BodyForm::Pretty,
            shares: Shares::default(),
            recent: Vec::new(),
            filters: Vec::new(),
        }
    }
}

/// Text size to begin with, points.
pub const USUAL_SIZE: f32 = 13.0;
/// Smallest and largest text.
pub const SIZES: std::ops::RangeInclusive<f32> = 11.0..=20.0;
const MOST_RECENT: usize = 12;
const MOST_FILTERS: usize = 30;

impl Prefs {
    /// What was read from disk, put right where a hand or an older version left nonsense.
    #[must_use]
    pub fn checked(mut self) -> Prefs {
        self.size = if self.size.is_finite() { self.size.clamp(*SIZES.start(), *SIZES.end()).round() } else { USUAL_SIZE };
        self.ladder.zoom_by(1.0);
        let d = Shares::default();
        let s = &mut self.shares;
        for (share, usual) in [
            (&mut s.list, d.list),
            (&mut s.reader, d.reader),
            (&mut s.tree, d.tree),
            (&mut s.view, d.view),
            (&mut s.drawer, d.drawer),
        ] {
            if !(0.02..=0.98).contains(share) {
                *share = usual;
            }
        }
        self.recent.truncate(MOST_RECENT);
        self.filters.truncate(MOST_FILTERS);
        self
    }

    /// The look; `system_dark` is what the desktop wants.
    #[must_use]
    pub const fn look(&self, system_dark: bool) -> Look {
        let dark = match self.theme {
            ThemeChoice::System => system_dark,
            ThemeChoice::Dark => true,
            ThemeChoice::Light => false,
        };
        Look { t: if dark { &DARK } else { &LIGHT }, size: self.size, density: self.density }
    }

    /// Notes a filter as used lately.
    pub fn filtered(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.filters.retain(|f| f != text);
        self.filters.insert(0, text.to_owned());
        self.filters.truncate(MOST_FILTERS);
    }

    /// Notes a capture as opened lately.
    pub fn opened(&mut self, path: &Path) {
        self.recent.retain(|p| p != path);
        self.recent.insert(0, path.to_owned());
        self.recent.truncate(MOST_RECENT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_from_disk_is_put_right_and_missing_parts_are_filled_in() {
        let p: Prefs =
            serde_json::from_str(r#"{"size": 900.0, "shares": {"list": -3.0}, "recent": ["a"]}"#).expect("known fields");
        let p = p.checked();
        assert_eq!((p.size, p.shares.list, p.shares.tree), (20.0, Shares::default().list, Shares::default().tree));
    }

    #[test]
    fn a_capture_opened_again_moves_to_the_front() {
        let mut p = Prefs::default();
        for n in 0..20 {
            p.opened(Path::new(&format!("/{n}")));
        }
        p.opened(Path::new("/15"));
        assert_eq!(p.recent.len(), MOST_RECENT);
        assert_eq!(p.recent.iter().filter(|r| r.ends_with("15")).count(), 1);
        assert!(p.recent[0].ends_with("15"));
    }
}
