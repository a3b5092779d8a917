//! Buttons: an icon with a name, an icon with text, a choice among few.

use crate::theme::Look;
use crate::widgets::ink;
use egui::{CornerRadius, CursorIcon, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2};

fn ring(ui: &Ui, look: &Look, r: &Response, rect: Rect, radius: u8) {
    if r.has_focus() {
        ui.painter().rect_stroke(rect, CornerRadius::same(radius), Stroke::new(2.0, look.t.accent), StrokeKind::Inside);
    }
}

/// A square button that is only an icon; `name` is for screen readers and, with `keys`, for the tooltip.
pub fn icon(ui: &mut Ui, look: &Look, icon: char, name: &str, keys: &str, enabled: bool, on: bool) -> Response {
    let side = (look.size + 15.0).round();
    let (rect, r) = ui.allocate_exact_size(Vec2::splat(side), if enabled { Sense::click() } else { Sense::hover() });
    r.widget_info(|| WidgetInfo::selected(Role::Button, enabled, on, name));
    let t = look.t;
    if on {
        ui.painter().rect_filled(rect, CornerRadius::same(6), t.selected);
    } else if r.hovered() && enabled {
        ui.painter().rect_filled(rect, CornerRadius::same(6), t.hover);
    }
    let ink = if !enabled {
        t.mark
    } else if on {
        t.accent
    } else if r.hovered() {
        t.text_strong
    } else {
        t.text_quiet
    };
    ink::icon(ui.painter(), rect.center(), icon, look.icon(1.35), ink);
    ring(ui, look, &r, rect, 6);
    tip(r, name, keys)
}

/// A tooltip: what it does and by which keys.
pub fn tip(r: Response, name: &str, keys: &str) -> Response {
    if keys.is_empty() { r.on_hover_text(name) } else { r.on_hover_text(format!("{name}  ({keys})")) }
}

/// A button with an icon (or none) and text.
pub fn labelled(ui: &mut Ui, look: &Look, icon: Option<char>, text: &str, strong: bool) -> Response {
    let t = look.t;
    let g = ui.painter().layout_no_wrap(text.to_owned(), look.medium(), t.text);
    let icon_w = if icon.is_some() { look.size + 9.0 } else { 0.0 };
    let size = vec2(g.size().x + icon_w + 22.0, (look.size + 15.0).round());
    let (rect, r) = ui.allocate_exact_size(size, Sense::click());
    r.widget_info(|| WidgetInfo::labeled(Role::Button, true, text));
    let (fill, edge, ink) = match (strong, r.hovered()) {
        (true, false) => (t.accent, t.accent, t.on_accent),
        (true, true) => (t.accent.gamma_multiply(0.92), t.accent, t.on_accent),
        (false, false) => (t.raised, t.line_strong, t.text),
        (false, true) => (t.hover, t.line_strong, t.text_strong),
    };
    ui.painter().rect(rect, CornerRadius::same(6), fill, Stroke::new(1.0, edge), StrokeKind::Inside);
    if let Some(icon) = icon {
        ink::icon(ui.painter(), pos2(rect.left() + 11.0 + look.size / 2.0, rect.center().y), icon, look.icon(1.2), ink);
    }
    ui.painter().galley_with_override_text_color(
        pos2(rect.left() + 11.0 + icon_w, (rect.center().y - g.size().y / 2.0).round()),
        g,
        ink,
    );
    ring(ui, look, &r, rect, 6);
    r.on_hover_cursor(CursorIcon::PointingHand)
}

/// A choice among few, drawn as one bar; gives the chosen index if it changed. Narrow bars show the names without their numbers.
pub fn choice(ui: &mut Ui, look: &Look, options: &[(&str, &str)], chosen: usize, tips: &[String]) -> Option<usize> {
    let t = look.t;
    let height = (look.size + 13.0).round();
    let laid: Vec<_> = options
        .iter()
        .map(|(key, text)| {
            let key = (!key.is_empty()).then(|| ui.painter().layout_no_wrap((*key).to_owned(), look.mono_small(), t.text_faint));
            let text = ui.painter().layout_no_wrap((*text).to_owned(), look.medium(), t.text);
            let w = text.size().x + key.as_ref().map_or(0.0, |k| k.size().x + 6.0) + 18.0;
            (key, text, w)
        })
        .collect();
    let width: f32 = laid.iter().map(|l| l.2).sum::<f32>() + 4.0;
    let (bar, whole) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    ui.painter().rect(bar, CornerRadius::same(7), t.gutter, Stroke::new(1.0, t.line), StrokeKind::Inside);
    let mut x = bar.left() + 2.0;
    let mut changed = None;
    for (i, (key, text, w)) in laid.into_iter().enumerate() {
        let rect = Rect::from_min_size(pos2(x, bar.top() + 2.0), vec2(w, height - 4.0));
        let r = ui.interact(rect, whole.id.with(i), Sense::click());
        let name = options.get(i).map_or("", |o| o.1);
        r.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, i == chosen, name));
        if i == chosen {
            ui.painter().rect(
                rect,
                CornerRadius::same(5),
                if t.dark { t.hover } else { t.panel },
                Stroke::new(1.0, t.line_strong),
                StrokeKind::Inside,
            );
        } else if r.hovered() {
            ui.painter().rect_filled(rect, CornerRadius::same(5), t.hover);
        }
        let mut tx = rect.left() + 9.0;
        if let Some(key) = key {
            let ink = if i == chosen { t.accent } else { t.text_faint };
            let w = key.size().x;
            ui.painter().galley_with_override_text_color(pos2(tx, (rect.center().y - key.size().y / 2.0).round()), key, ink);
            tx += w + 6.0;
        }
        let ink = if i == chosen { t.text_strong } else { t.text_quiet };
        ui.painter().galley_with_override_text_color(pos2(tx, (rect.center().y - text.size().y / 2.0).round()), text, ink);
        ring(ui, look, &r, rect, 5);
        if r.clicked() && i != chosen {
            changed = Some(i);
        }
        if let Some(tip) = tips.get(i) {
            r.on_hover_text(tip);
        }
        x += w;
    }
    changed
}

/// A word that can be pressed.
pub fn link(ui: &mut Ui, look: &Look, text: &str) -> Response {
    let g = ui.painter().layout_no_wrap(text.to_owned(), look.medium(), look.t.accent);
    let (rect, r) = ui.allocate_exact_size(g.size(), Sense::click());
    r.widget_info(|| WidgetInfo::labeled(Role::Link, true, text));
    ui.painter().galley(rect.min, g, look.t.accent);
    if r.hovered() || r.has_focus() {
        ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, look.t.accent));
    }
    r.on_hover_cursor(CursorIcon::PointingHand)
}
