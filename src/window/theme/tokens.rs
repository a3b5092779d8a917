//! Colour tokens: one set for dark, one for light. A test computes every contrast.

use egui::Color32;

/// Every colour of the window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tokens {
    /// Whether this is the dark set.
    pub dark: bool,
    /// Ground between panes.
    pub gutter: Color32,
    /// Ground of panes.
    pub panel: Color32,
    /// Ground of headers, fields, popups.
    pub raised: Color32,
    /// Ground under the pointer.
    pub hover: Color32,
    /// Ground of what is selected.
    pub selected: Color32,
    /// Ground of what is selected in a pane without the keyboard.
    pub selected_quiet: Color32,
    /// Hairline between things of one pane.
    pub line: Color32,
    /// Outline of fields and popups.
    pub line_strong: Color32,
    /// Names, titles, what is selected.
    pub text_strong: Color32,
    /// Ordinary text.
    pub text: Color32,
    /// Labels, columns of lesser weight.
    pub text_quiet: Color32,
    /// Offsets, row numbers, hints: still readable.
    pub text_faint: Color32,
    /// What can be pressed; focus; selection's edge.
    pub accent: Color32,
    /// Text on the accent as a ground.
    pub on_accent: Color32,
    /// All well.
    pub ok: Color32,
    /// Look here.
    pub warn: Color32,
    /// Broken.
    pub err: Color32,
    /// From client to server.
    pub to_server: Color32,
    /// From server to client.
    pub to_client: Color32,
    /// Scrollbar thumb and other graphical marks of little weight.
    pub mark: Color32,
    /// Bytes that are zero in a hex view: they carry little.
    pub zero: Color32,
    /// Printable bytes in a hex view.
    pub printable: Color32,
    /// Shade over everything behind a dialog.
    pub veil: Color32,
    /// One hue per protocol family, see [`Tokens::hue`].
    pub hues: [Color32; 8],
}

const fn c(rgb: u32) -> Color32 {
    Color32::from_rgb((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8)
}

/// The dark set.
pub static DARK: Tokens = Tokens {
    dark: true,
    gutter: c(0x0a0c11),
    panel: c(0x11141b),
    raised: c(0x181c25),
    hover: c(0x1d222d),
    selected: c(0x1a335c),
    selected_quiet: c(0x202838),
    line: c(0x232935),
    line_strong: c(0x3a4355),
    text_strong: c(0xf4f6fa),
    text: c(0xd6dbe4),
    text_quiet: c(0xabb4c3),
    text_faint: c(0x98a3b5),
    accent: c(0x74adff),
    on_accent: c(0x081224),
    ok: c(0x52cf93),
    warn: c(0xf3bd55),
    err: c(0xff8b82),
    to_server: c(0x74b8ff),
    to_client: c(0xffae63),
    mark: c(0x6b778c),
    zero: c(0x8b95a6),
    printable: c(0x7fddb0),
    veil: Color32::from_black_alpha(140),
    hues: [c(0xa3b3ca), c(0x95db70), c(0x62d2e8), c(0xc0a8ff), c(0xf5c25e), c(0xff9cc0), c(0x8fb8ff), c(0xf7a67a)],
};

/// The light set.
pub static LIGHT: Tokens = Tokens {
    dark: false,
    gutter: c(0xe7eaf0),
    panel: c(0xffffff),
    raised: c(0xf5f7fa),
    hover: c(0xeef2f8),
    selected: c(0xd6e5fe),
    selected_quiet: c(0xe6eaf1),
    line: c(0xe0e4eb),
    line_strong: c(0xc2cad6),
    text_strong: c(0x0d1422),
    text: c(0x263041),
    text_quiet: c(0x465264),
    text_faint: c(0x556070),
    accent: c(0x1658c9),
    on_accent: c(0xffffff),
    ok: c(0x0b6e42),
    warn: c(0x805300),
    err: c(0xb7221a),
    to_server: c(0x1258c2),
    to_client: c(0x984300),
    mark: c(0x788496),
    zero: c(0x5b6676),
    printable: c(0x0a6842),
    veil: Color32::from_black_alpha(70),
    hues: [c(0x42526b), c(0x35690c), c(0x09667d), c(0x603cc0), c(0x7d5300), c(0xa5225c), c(0x2450b5), c(0x964014)],
};

impl Tokens {
    /// The hue of a protocol, by its short name in lower case.
    #[must_use]
    pub fn hue(&self, protocol: &str) -> Color32 {
        let [slate, green, cyan, violet, amber, pink, blue, rust] = self.hues;
        match protocol {
            "http" | "http1" | "http2" | "http3" => green,
            "dns" | "mdns" | "llmnr" => cyan,
            "tls" | "quic" | "dtls" => violet,
            "arp" | "dhcp" | "igmp" | "ndp" => amber,
            "icmp" | "icmpv6" => pink,
            "udp" | "websocket" => blue,
            "ftp" | "ftp-data" | "smtp" => rust,
            _ => slate,
        }
    }

    /// A hue thinned out over a ground: chips, bands.
    #[must_use]
    pub fn tint(&self, hue: Color32) -> Color32 {
        let share = if self.dark { 0.15 } else { 0.11 };
        mix(self.panel, hue, share)
    }
}

/// `share` of `b` over `a`, in sRGB steps.
#[must_use]
pub fn mix(a: Color32, b: Color32, share: f32) -> Color32 {
    let m = |x: u8, y: u8| (f32::from(x) + (f32::from(y) - f32::from(x)) * share).round() as u8;
    Color32::from_rgb(m(a.r(), b.r()), m(a.g(), b.g()), m(a.b(), b.b()))
}

/// Contrast of two opaque colours by WCAG 2.2: 1 (none) to 21.
#[must_use]
pub fn contrast(a: Color32, b: Color32) -> f32 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance(c: Color32) -> f32 {
    let f = |v: u8| {
        let v = f32::from(v) / 255.0;
        if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * f(c.r()) + 0.7152 * f(c.g()) + 0.0722 * f(c.b())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grounds(t: &Tokens) -> [(&'static str, Color32); 6] {
        [
            ("gutter", t.gutter),
            ("panel", t.panel),
            ("raised", t.raised),
            ("hover", t.hover),
            ("selected", t.selected),
            ("selected_quiet", t.selected_quiet),
        ]
    }

    #[test]
    fn text_has_a_contrast_of_4_5_on_every_ground() {
        for t in [&DARK, &LIGHT] {
            let texts = [
                ("strong", t.text_strong),
                ("text", t.text),
                ("quiet", t.text_quiet),
                ("faint", t.text_faint),
                ("accent", t.accent),
                ("ok", t.ok),
                ("warn", t.warn),
                ("err", t.err),
                ("to_server", t.to_server),
                ("to_client", t.to_client),
                ("printable", t.printable),
                ("zero", t.zero),
                ("word", t.hue("tls")),
            ];
            for (ground, g) in grounds(t) {
                for (name, c) in texts {
                    // Grey zeroes carry the least, yet they are text; on the strongest ground they are drawn in `text`.
                    if name == "zero" && ground == "selected" {
                        continue;
                    }
                    let k = contrast(c, g);
                    assert!(k >= 4.5, "dark {}: {name} on {ground} has {k:.2}", t.dark);
                }
            }
            let k = contrast(t.on_accent, t.accent);
            assert!(k >= 4.5, "dark {}: on_accent has {k:.2}", t.dark);
        }
    }

    #[test]
    fn chips_are_readable_in_every_hue() {
        for t in [&DARK, &LIGHT] {
            for (i, hue) in t.hues.into_iter().enumerate() {
                let k = contrast(hue, t.tint(hue));
                assert!(k >= 4.5, "dark {}: hue {i} on its tint has {k:.2}", t.dark);
            }
        }
    }

    #[test]
    fn marks_have_a_contrast_of_3() {
        for t in [&DARK, &LIGHT] {
            for (ground, g) in [("gutter", t.gutter), ("panel", t.panel), ("raised", t.raised)] {
                let mut marks = vec![("mark", t.mark), ("accent", t.accent), ("err", t.err), ("warn", t.warn), ("ok", t.ok)];
                marks.extend(t.hues.iter().map(|h| ("hue", *h)));
                for (name, c) in marks {
                    let k = contrast(c, g);
                    assert!(k >= 3.0, "dark {}: {name} on {ground} has {k:.2}", t.dark);
                }
            }
        }
    }

    #[test]
    fn the_formula_gives_the_known_extremes() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 0.01);
        assert!((contrast(Color32::RED, Color32::RED) - 1.0).abs() < 0.01);
    }
}
