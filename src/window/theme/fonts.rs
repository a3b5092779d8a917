//! The fonts that come with the window, and the families that widgets name.

use egui::{Context, FontData, FontDefinitions, FontFamily};
use std::sync::Arc;

/// Text of medium weight: what must be found at a glance.
pub const MEDIUM: &str = "medium";
/// Text of semi-bold weight: titles.
pub const SEMI: &str = "semi";
/// Fixed width, medium weight: selected bytes.
pub const MONO_MEDIUM: &str = "mono-medium";
/// Icons only.
pub const ICONS: &str = "icons";

/// A family by one of the names above.
#[must_use]
pub fn family(name: &'static str) -> FontFamily {
    FontFamily::Name(name.into())
}

/// Installs the fonts; every family falls back on what egui brings, so that no text is lost.
pub fn install(ctx: &Context) {
    let mut fonts = FontDefinitions::default();
    let files: [(&str, &'static [u8]); 6] = [
        ("Inter", include_bytes!("../assets/Inter-Regular.otf")),
        ("Inter Medium", include_bytes!("../assets/Inter-Medium.otf")),
        ("Inter SemiBold", include_bytes!("../assets/Inter-SemiBold.otf")),
        ("JetBrains Mono", include_bytes!("../assets/JetBrainsMono-Regular.ttf")),
        ("JetBrains Mono Medium", include_bytes!("../assets/JetBrainsMono-Medium.ttf")),
        ("Phosphor", include_bytes!("../assets/Phosphor-subset.ttf")),
    ];
    for (name, bytes) in files {
        fonts.font_data.insert(name.into(), Arc::new(FontData::from_static(bytes)));
    }
    let text = fonts.families.get(&FontFamily::Proportional).cloned().unwrap_or_default();
    let mono = fonts.families.get(&FontFamily::Monospace).cloned().unwrap_or_default();
    let with = |first: &str, rest: &[String]| std::iter::once(first.to_owned()).chain(rest.iter().cloned()).collect::<Vec<_>>();
    fonts.families.insert(FontFamily::Proportional, with("Inter", &text));
    fonts.families.insert(family(MEDIUM), with("Inter Medium", &text));
    fonts.families.insert(family(SEMI), with("Inter SemiBold", &text));
    fonts.families.insert(FontFamily::Monospace, with("JetBrains Mono", &mono));
    fonts.families.insert(family(MONO_MEDIUM), with("JetBrains Mono Medium", &mono));
    fonts.families.insert(family(ICONS), vec!["Phosphor".into()]);
    ctx.set_fonts(fonts);
}
