//! How the window looks: colours, fonts, sizes. No widget names a colour or a font size of its own.

pub mod fonts;
pub mod icons;
mod look;
mod style;
pub mod tokens;

pub use look::{Density, Look};
pub use style::apply;
pub use tokens::{DARK, LIGHT, Tokens};
