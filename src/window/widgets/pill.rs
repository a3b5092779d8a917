//! A pill of the top bar: a lamp, a name, how it stands; a click opens what can be done to it.

use crate::theme::{Look, icons};
use crate::widgets::ink;
use egui::{
    Align, Color32, CornerRadius, Frame, Layout, Margin, Popup, PopupCloseBehavior, Role, Sense, Stroke, StrokeKind, Ui,
    WidgetInfo, pos2, vec2,
};

/// What a pill shows.
pub struct Pill<'a> {
    /// Colour of its lamp.
    pub lamp: Color32,
    /// What it is.
    pub name: &'a str,
    /// How it stands, in a few words.
    pub words: &'a str,
    /// What a screen reader says before these words.
    pub label: &'a str,
    /// Most width of its text, in points.
    pub width: f32,
}

impl Pill<'_> {
    /// Shows it, and `behind` below it once it was clicked.
    pub fn show(&self, ui: &mut Ui, look: &Look, behind: impl FnOnce(&mut Ui)) {
        let t = look.t;
        let (name, words) = ((self.name, look.medium(), t.text_strong), (self.words, look.fine(), t.text_quiet));
        let g = ink::pieces(ui.painter(), self.width, &[name, ("  ", look.fine(), t.text_quiet), words]);
        let (rect, r) = ui.allocate_exact_size(vec2(g.size().x + 50.0, look.size + 15.0), Sense::click());
        r.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("{}: {}", self.label, self.words)));
        let edge = if r.has_focus() { t.accent } else { t.line_strong };
        let fill = if r.hovered() { t.hover } else { t.raised };
        ui.painter().rect(rect, CornerRadius::same(14), fill, Stroke::new(1.0, edge), StrokeKind::Inside);
        ui.painter().circle_filled(pos2(rect.left() + 15.0, rect.center().y), 4.0, self.lamp);
        ui.painter().galley(pos2(rect.left() + 26.0, (rect.center().y - g.size().y / 2.0).round()), g, t.text);
        ink::icon(ui.painter(), pos2(rect.right() - 14.0, rect.center().y), icons::CARET_DOWN, look.icon(0.9), t.text_quiet);
        // A popup takes the desktop's look unless it is given ours.
        let style = ui.style().clone();
        let frame = Frame::popup(&style).fill(t.raised).stroke(Stroke::new(1.0, t.line_strong)).inner_margin(Margin::same(14));
        Popup::menu(&r).close_behavior(PopupCloseBehavior::CloseOnClickOutside).gap(6.0).frame(frame).show(|ui| {
            ui.set_style(style);
            ui.set_width(360.0);
            ui.with_layout(Layout::top_down(Align::LEFT), behind);
        });
    }
}
