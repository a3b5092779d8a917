//! The regions of the window, a file each. They draw what a tab holds and answer with acts.

pub mod bars;
pub mod body;
pub mod bytes;
pub mod dialogs;
pub mod drawer;
pub mod exchanges;
pub mod export;
pub mod filter;
pub mod find;
pub mod held;
pub mod interfaces;
pub mod ladder;
pub mod objects;
pub mod packets;
pub mod proxy;
pub mod reader;
pub mod rules;
pub mod settings;
pub mod side;
pub mod sources;
pub mod start;
pub mod statistics;
pub mod status;
pub mod story;
pub mod stream;
pub mod traffic;
pub mod wherelist;

use crate::act::Act;
use crate::prefs::Prefs;
use crate::theme::Look;
use egui::{CornerRadius, Rect, Sense, Stroke, Ui, UiBuilder, pos2, vec2};
use wirelore_filter::Registry;
use wirelore_kit::Explanations;

/// What every pane is given.
pub struct Cx<'a> {
    /// The look.
    pub look: &'a Look,
    /// What is kept between starts.
    pub prefs: &'a Prefs,
    /// Prose for fields and notes.
    pub prose: &'a Explanations,
    /// Every name that filters may use.
    pub registry: &'a Registry,
    /// Whether a proxy can be started.
    pub offers_proxy: bool,
    /// What to do after this frame.
    pub acts: &'a mut Vec<Act>,
}

/// Runs `f` in a rectangle of its own, with a ground and round corners.
pub fn pane<R>(ui: &mut Ui, look: &Look, name: &str, rect: Rect, f: impl FnOnce(&mut Ui) -> R) -> R {
    ui.painter().rect_filled(rect, CornerRadius::same(8), look.t.panel);
    let mut child = ui.new_child(UiBuilder::new().id_salt(name).max_rect(rect));
    child.set_clip_rect(rect.intersect(ui.clip_rect()));
    f(&mut child)
}

/// The head of a pane: a line under it, controls in it; gives what is left.
pub fn head(ui: &mut Ui, look: &Look, rect: Rect, f: impl FnOnce(&mut Ui)) -> Rect {
    let head = Rect::from_min_size(rect.min, vec2(rect.width(), look.head() + 8.0));
    ui.painter().hline(head.x_range(), head.bottom() - 0.5, Stroke::new(1.0, look.t.line));
    let inner = head.shrink2(vec2(12.0, 0.0));
    let mut child = ui.new_child(UiBuilder::new().max_rect(inner).layout(egui::Layout::left_to_right(egui::Align::Center)));
    child.set_clip_rect(head.intersect(ui.clip_rect()));
    f(&mut child);
    Rect::from_min_max(pos2(rect.left(), head.bottom()), rect.max)
}

/// A small title over a group of facts.
pub fn title(ui: &mut Ui, look: &Look, text: &str) {
    ui.add_space(12.0);
    ui.label(egui::RichText::new(text).font(look.small()).color(look.t.text_faint));
    ui.add_space(2.0);
}

/// A fact: its name and its value.
pub fn fact(ui: &mut Ui, look: &Look, name: &str, value: &str) {
    let width = ui.available_width();
    let label = (width * 0.4).clamp(80.0, 150.0);
    let g = ui.painter().layout(value.to_owned(), look.mono(), look.t.text, (width - label - 8.0).max(40.0));
    let n = ui.painter().layout(name.to_owned(), look.text(), look.t.text_quiet, label);
    let height = g.size().y.max(n.size().y) + 4.0;
    let (rect, r) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
    r.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, format!("{name}: {value}")));
    ui.painter().galley(rect.min + vec2(0.0, 2.0), n, look.t.text_quiet);
    ui.painter().galley(rect.min + vec2(label + 8.0, 2.0), g, look.t.text);
}
