//! The look that widgets are given: tokens, fonts at the chosen size, row heights of the chosen density.

use super::fonts::{ICONS, MEDIUM, MONO_MEDIUM, SEMI, family};
use super::tokens::Tokens;
use egui::{FontFamily, FontId};
use serde::{Deserialize, Serialize};

/// How close rows stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Density {
    /// As many rows as can be read.
    Compact,
    /// The usual.
    #[default]
    Normal,
    /// Room for the eye and for fingers.
    Roomy,
}

impl Density {
    /// All, closest first.
    pub const ALL: [Density; 3] = [Density::Compact, Density::Normal, Density::Roomy];

    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Density::Compact => "Compact",
            Density::Normal => "Normal",
            Density::Roomy => "Roomy",
        }
    }

    const fn extra(self) -> f32 {
        match self {
            Density::Compact => 6.0,
            Density::Normal => 9.0,
            Density::Roomy => 14.0,
        }
    }
}

/// What widgets draw with.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    /// Colours.
    pub t: &'static Tokens,
    /// Size of ordinary text in points.
    pub size: f32,
    /// Density of rows.
    pub density: Density,
}

impl Look {
    /// Ordinary text.
    #[must_use]
    pub const fn text(&self) -> FontId {
        FontId::new(self.size, FontFamily::Proportional)
    }

    /// Emphasised text.
    #[must_use]
    pub fn medium(&self) -> FontId {
        FontId::new(self.size, family(MEDIUM))
    }

    /// Titles.
    #[must_use]
    pub fn semi(&self) -> FontId {
        FontId::new(self.size, family(SEMI))
    }

    /// A title of `times` the ordinary size.
    #[must_use]
    pub fn title(&self, times: f32) -> FontId {
        FontId::new((self.size * times).round(), family(SEMI))
    }

    /// Labels and chips: medium weight, as small text needs it.
    #[must_use]
    pub fn small(&self) -> FontId {
        FontId::new(self.size - 1.0, family(MEDIUM))
    }

    /// Small running text.
    #[must_use]
    pub const fn fine(&self) -> FontId {
        FontId::new(self.size - 1.0, FontFamily::Proportional)
    }

    /// Numbers, addresses, bytes.
    #[must_use]
    pub const fn mono(&self) -> FontId {
        FontId::new(self.size - 0.5, FontFamily::Monospace)
    }

    /// Bytes that stand out.
    #[must_use]
    pub fn mono_medium(&self) -> FontId {
        FontId::new(self.size - 0.5, family(MONO_MEDIUM))
    }

    /// Small numbers.
    #[must_use]
    pub const fn mono_small(&self) -> FontId {
        FontId::new(self.size - 1.5, FontFamily::Monospace)
    }

    /// Icons, `times` the ordinary size.
    #[must_use]
    pub fn icon(&self, times: f32) -> FontId {
        FontId::new((self.size * times).round(), family(ICONS))
    }

    /// Height of a list row.
    #[must_use]
    pub fn row(&self) -> f32 {
        (self.size + self.density.extra()).round()
    }

    /// Height of a list's header and of a pane's head.
    #[must_use]
    pub fn head(&self) -> f32 {
        (self.size + 15.0).round()
    }

    /// Height of a line of bytes.
    #[must_use]
    pub fn hex_row(&self) -> f32 {
        (self.size + self.density.extra() - 2.0).round()
    }
}
