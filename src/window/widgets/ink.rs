//! Drawing text, icons and chips with the painter: cut to a width, centred in a row, no layout pass.

use crate::theme::Look;
use egui::text::{LayoutJob, TextFormat, TextWrapping};
use egui::{Align2, Color32, CornerRadius, FontId, Galley, Painter, Pos2, Rect, Stroke, StrokeKind, pos2, vec2};
use std::sync::Arc;

/// Text laid out in one line of at most `width` points, cut with an ellipsis.
#[must_use]
pub fn line(p: &Painter, text: &str, font: FontId, color: Color32, width: f32) -> Arc<Galley> {
    // More than this is never seen in one line; layout would shape all of it.
    let text = text.get(..text.floor_char_boundary(600)).unwrap_or(text);
    let mut job = LayoutJob::simple_singleline(text.to_owned(), font, color);
    job.wrap = TextWrapping::truncate_at_width(width.max(0.0).floor());
    p.layout_job(job)
}

/// Draws text at the left of `rect`, centred in height; gives the width used.
pub fn left(p: &Painter, rect: Rect, text: &str, font: FontId, color: Color32) -> f32 {
    if rect.width() < 4.0 || text.is_empty() {
        return 0.0;
    }
    let g = line(p, text, font, color, rect.width());
    let w = g.size().x;
    p.galley(pos2(rect.left(), (rect.center().y - g.size().y / 2.0).round()), g, color);
    w
}

/// Draws text at the right of `rect`, centred in height; gives the width used.
pub fn right(p: &Painter, rect: Rect, text: &str, font: FontId, color: Color32) -> f32 {
    if rect.width() < 4.0 || text.is_empty() {
        return 0.0;
    }
    let g = line(p, text, font, color, rect.width());
    let w = g.size().x;
    p.galley(pos2((rect.right() - w).round(), (rect.center().y - g.size().y / 2.0).round()), g, color);
    w
}

/// Draws text in the middle of `rect`.
pub fn center(p: &Painter, rect: Rect, text: &str, font: FontId, color: Color32) {
    let g = line(p, text, font, color, rect.width());
    p.galley((rect.center() - g.size() / 2.0).round(), g, color);
}

/// Draws an icon around a point.
pub fn icon(p: &Painter, center: Pos2, icon: char, font: FontId, color: Color32) {
    p.text(center, Align2::CENTER_CENTER, icon, font, color);
}

/// A word on a tinted ground, its left edge at `at` (centre of its height); gives its width.
pub fn chip(p: &Painter, look: &Look, at: Pos2, text: &str, hue: Color32) -> f32 {
    chip_within(p, look, at, text, hue, f32::INFINITY)
}

/// The same, at most so wide: a longer word is cut with an ellipsis.
pub fn chip_within(p: &Painter, look: &Look, at: Pos2, text: &str, hue: Color32, most: f32) -> f32 {
    let whole = p.layout_no_wrap(text.to_owned(), look.small(), hue);
    let g = if whole.size().x + 12.0 <= most { whole } else { line(p, text, look.small(), hue, most - 12.0) };
    let size = vec2(g.size().x + 12.0, (look.size + 4.0).round());
    let rect = Rect::from_min_size(pos2(at.x, (at.y - size.y / 2.0).round()), size);
    p.rect_filled(rect, CornerRadius::same(4), look.t.tint(hue));
    p.galley((rect.center() - g.size() / 2.0).round(), g, hue);
    size.x
}

/// Keys as they look on a keyboard, right edge at `right`; gives the width used.
pub fn keys(p: &Painter, look: &Look, right: Pos2, keys: &str) -> f32 {
    let mut x = right.x;
    let mut parts: Vec<&str> = keys.split('+').collect();
    if keys.ends_with("++") {
        parts.retain(|k| !k.is_empty());
        parts.push("+");
    }
    for key in parts.iter().rev() {
        let g = p.layout_no_wrap((*key).to_owned(), look.small(), look.t.text_quiet);
        let w = (g.size().x + 10.0).max(20.0);
        let rect = Rect::from_min_size(pos2(x - w, (right.y - 10.0).round()), vec2(w, 20.0));
        p.rect(rect, CornerRadius::same(5), look.t.panel, Stroke::new(1.0, look.t.line_strong), StrokeKind::Inside);
        p.galley((rect.center() - g.size() / 2.0).round(), g, look.t.text_quiet);
        x -= w + 4.0;
    }
    right.x - x
}

/// A line of pieces, each with font and colour, cut with an ellipsis.
#[must_use]
pub fn pieces(p: &Painter, width: f32, parts: &[(&str, FontId, Color32)]) -> Arc<Galley> {
    let mut job = LayoutJob::default();
    for (text, font, color) in parts {
        let text = text.get(..text.floor_char_boundary(600)).unwrap_or(text);
        job.append(
            text,
            0.0,
            TextFormat { font_id: font.clone(), color: *color, valign: egui::Align::Center, ..Default::default() },
        );
    }
    job.break_on_newline = false;
    job.wrap = TextWrapping::truncate_at_width(width.max(0.0).floor());
    p.layout_job(job)
}

/// A true arrow in the middle of `rect`.
pub fn arrow(p: &Painter, rect: Rect, to_right: bool, color: Color32) {
    let c = rect.center();
    let half = (rect.width() / 2.0 - 2.0).clamp(3.0, 7.0);
    let (from, to) = if to_right { (c.x - half, c.x + half) } else { (c.x + half, c.x - half) };
    let y = c.y.round() + 0.5;
    let stroke = Stroke::new(1.5, color);
    p.line_segment([pos2(from, y), pos2(to, y)], stroke);
    let back = if to_right { -3.5 } else { 3.5 };
    p.line_segment([pos2(to + back, y - 3.0), pos2(to, y)], stroke);
    p.line_segment([pos2(to + back, y + 3.0), pos2(to, y)], stroke);
}

/// Width of one character of the fixed-width font.
#[must_use]
pub fn char_width(p: &Painter, font: &FontId) -> f32 {
    p.fonts_mut(|f| f.glyph_width(font, '0'))
}

/// Strokes from lower left to upper right, in step from row to row.
pub fn hatch(p: &Painter, r: Rect, color: Color32) {
    const STEP: f32 = 6.0;
    let h = r.height();
    let mut x = ((r.left() - h) / STEP).floor() * STEP;
    let p = p.with_clip_rect(r.intersect(p.clip_rect()));
    while x < r.right() {
        p.line_segment([pos2(x, r.bottom()), pos2(x + h, r.top())], Stroke::new(1.0, color));
        x += STEP;
    }
}
