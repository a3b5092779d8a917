//! A ladder as an SVG drawing, light on white, for documents and slides.

use super::place::{Places, Spacing, thickness};
use super::{Ladder, What, words};
use crate::format;
use crate::theme::LIGHT;
use egui::Color32;
use std::fmt::Write as _;
use wirelore_kit::Side;
use wirelore_store::Snapshot;

/// Arrows that are drawn at most: more makes no drawing that anybody could look at.
pub const MOST: usize = 10_000;
const TEXT: f32 = 13.0;
const TIME: f64 = 96.0;
const STATES: f64 = 170.0;
const LANE: f64 = 330.0;
const HEAD: f64 = 64.0;

fn hex(c: Color32) -> String {
    format!("#{:02x}{:02x}{:02x}", c.r(), c.g(), c.b())
}

/// Text as XML carries it; what XML cannot carry is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if (c as u32) < 0x20 || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// At most so many characters.
fn short(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

/// Draws it.
#[must_use]
pub fn draw(s: &Snapshot, l: &Ladder, title: &str, to_scale: bool) -> String {
    let t = &LIGHT;
    let steps = l.steps.get(..l.steps.len().min(MOST)).unwrap_or(&[]);
    let places = Places::new(steps, &Spacing { to_scale, zoom: 1.0, text: TEXT });
    let states = if l.changes.is_empty() { 12.0 } else { STATES };
    let x = |lane: usize| TIME + states + 40.0 + lane as f64 * LANE;
    let width = x(l.lanes.len().max(1) - 1) + 40.0 + states + 12.0;
    let height = places.height + HEAD + 40.0;
    let mut o = String::with_capacity(steps.len() * 420 + 4096);
    // Writing to a String cannot fail; that is why the results are left.
    let _ = write!(
        o,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}" font-family="Inter, Helvetica, Arial, sans-serif" font-size="{TEXT}">
<title>{}</title>
<rect width="100%" height="100%" fill="{}"/>
"#,
        escaped(title),
        hex(t.panel)
    );
    let y0 = HEAD + 16.0;
    for b in l.bands.iter().filter(|b| (b.first as usize) < steps.len()) {
        let last = (b.last as usize).min(steps.len().saturating_sub(1));
        let (top, bottom) = (y0 + places.ground_top(b.first as usize), y0 + places.bottom(last) + 2.0);
        let inset = f64::from(b.depth) * 7.0;
        let hue = t.hue(&crate::panes::packets::hue_name(b.label));
        let _ = writeln!(
            o,
            r#"<rect x="{:.1}" y="{top:.1}" width="{:.1}" height="{:.1}" rx="6" fill="{}" fill-opacity="0.07"/><rect x="{:.1}" y="{top:.1}" width="3" height="{:.1}" fill="{}"/><text x="{:.1}" y="{:.1}" fill="{}" font-weight="600" font-size="11">{}</text>"#,
            6.0 + inset,
            width - 12.0 - 2.0 * inset,
            bottom - top,
            hex(hue),
            6.0 + inset,
            bottom - top,
            hex(hue),
            14.0 + inset,
            top + 13.0,
            hex(hue),
            escaped(b.label),
        );
    }
    for (i, lane) in l.lanes.iter().enumerate() {
        let x = x(i);
        let _ = writeln!(
            o,
            r#"<line x1="{x:.1}" y1="{:.1}" x2="{x:.1}" y2="{:.1}" stroke="{}" stroke-width="1.5"/><text x="{x:.1}" y="26" text-anchor="middle" font-weight="600" fill="{}">{}</text><text x="{x:.1}" y="44" text-anchor="middle" font-size="12" fill="{}">{}</text>"#,
            HEAD,
            height - 20.0,
            hex(t.line_strong),
            hex(t.text_strong),
            escaped(&short(&lane.name, 40)),
            hex(t.text_quiet),
            escaped(&lane.address),
        );
    }
    let start = steps.iter().map(|s| s.time).find(|t| *t != i64::MIN).unwrap_or(0);
    for (i, st) in steps.iter().enumerate() {
        let top = y0 + places.top(i);
        if let Some(ns) = places.silence(i) {
            let y = top - super::place::BREAK / 2.0;
            let _ = writeln!(
                o,
                r#"<text x="{:.1}" y="{:.1}" text-anchor="middle" font-size="12" font-style="italic" fill="{}">{} of silence</text>"#,
                (x(0) + x(l.lanes.len().max(2) - 1)) / 2.0,
                y + 4.0,
                hex(t.text_quiet),
                format::duration(ns)
            );
        }
        let message = matches!(st.what, What::Message(_));
        let (label, sub) = words(s, st);
        let (a, b) = (x(usize::from(st.from)), x(usize::from(st.to)));
        let thick = f64::from(thickness(st.len, message));
        let y = top + f64::from(TEXT) + 9.0 + thick / 2.0;
        let color = match (message, st.worst.is_some()) {
            (false, true) => t.warn,
            (false, false) => t.text_faint,
            _ if st.from == 0 => t.to_server,
            _ => t.to_client,
        };
        let way = if b > a { 1.0 } else { -1.0 };
        let head = 8.0 + thick / 2.0;
        let dash = if message && !st.cut { "" } else { r#" stroke-dasharray="5 3""# };
        let _ = writeln!(
            o,
            r#"<line x1="{a:.1}" y1="{y:.1}" x2="{:.1}" y2="{y:.1}" stroke="{c}" stroke-width="{thick:.1}"{dash}/><path d="M {b:.1} {y:.1} l {:.1} {:.1} v {:.1} z" fill="{c}"/><text x="{:.1}" y="{:.1}" text-anchor="middle" fill="{}"{}>{}</text>"#,
            b - way * head,
            -way * head,
            -(4.0 + thick / 2.0),
            8.0 + thick,
            (a + b) / 2.0,
            top + f64::from(TEXT),
            hex(t.text_strong),
            if message { "" } else { r#" font-size="12""# },
            escaped(&short(&label, ((b - a).abs() / 7.2) as usize)),
            c = hex(color),
        );
        if message {
            let _ = writeln!(
                o,
                r#"<text x="{:.1}" y="{:.1}" text-anchor="middle" font-size="11.5" fill="{}">{}</text>"#,
                (a + b) / 2.0,
                y + thick / 2.0 + 14.0,
                hex(t.text_quiet),
                escaped(&sub)
            );
        }
        if st.time != i64::MIN {
            let _ = writeln!(
                o,
                r#"<text x="{:.1}" y="{:.1}" text-anchor="end" font-size="11.5" font-family="JetBrains Mono, monospace" fill="{}">{} s</text>"#,
                TIME,
                y + 4.0,
                hex(t.text_quiet),
                format::seconds(st.time.saturating_sub(start))
            );
        }
        for c in l.changes_of(i) {
            let (x, anchor) = match c.side {
                Side::Client => (x(0) - 12.0, "end"),
                Side::Server => (x(l.lanes.len().max(1) - 1) + 12.0, "start"),
            };
            let _ = writeln!(
                o,
                r#"<text x="{x:.1}" y="{:.1}" text-anchor="{anchor}" font-size="11.5" fill="{}">{}</text>"#,
                y + 4.0,
                hex(t.ok),
                escaped(&short(c.state.label, 26))
            );
        }
    }
    let left = l.left_out + (l.steps.len() - steps.len()) as u64;
    if left > 0 {
        let _ = writeln!(
            o,
            r#"<text x="{:.1}" y="{:.1}" fill="{}">{} more are not drawn.</text>"#,
            TIME,
            height - 8.0,
            hex(t.warn),
            format::number(left)
        );
    }
    o.push_str("</svg>\n");
    o
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_text() {
        assert_eq!(escaped("<script>\u{1}&\"x\""), "&lt;script&gt; &amp;&quot;x&quot;");
        assert_eq!(short("abcdef", 4), "abc…");
    }
}
