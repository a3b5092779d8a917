//! Toasts: what happened, for some seconds; problems stay until they are dismissed and can be copied.

use crate::theme::{Look, icons};
use crate::widgets::button;
use egui::{Align2, Area, CornerRadius, Frame, Id, Margin, Order, RichText, Stroke, Ui, vec2};
use wirelore_kit::Problem;

/// How long good news stay, seconds.
const GOOD_NEWS: f64 = 3.5;

#[derive(Debug, Clone)]
struct Toast {
    problem: Option<Problem>,
    text: String,
    until: Option<f64>,
    id: u64,
}

/// The toasts that are shown.
#[derive(Debug, Default)]
pub struct Toasts {
    shown: Vec<Toast>,
    next: u64,
}

impl Toasts {
    /// Says that something was done; `now` in seconds of egui's clock.
    pub fn done(&mut self, now: f64, text: impl Into<String>) {
        self.next += 1;
        self.shown.push(Toast { problem: None, text: text.into(), until: Some(now + GOOD_NEWS), id: self.next });
        let surplus = self.shown.len().saturating_sub(5);
        self.shown.drain(..surplus);
    }

    /// Tells a problem; it stays until it is dismissed.
    pub fn problem(&mut self, p: Problem) {
        self.next += 1;
        self.shown.push(Toast { text: p.what.clone(), problem: Some(p), until: None, id: self.next });
    }

    /// Takes the newest away; whether there was one.
    pub fn dismiss(&mut self) -> bool {
        self.shown.pop().is_some()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// Shows them at the lower right; gives how high they are there.
    pub fn show(&mut self, ui: &Ui, look: &Look) -> f32 {
        let now = ui.input(|i| i.time);
        self.shown.retain(|t| t.until.is_none_or(|until| now < until));
        if let Some(soonest) = self.shown.iter().filter_map(|t| t.until).reduce(f64::min) {
            ui.request_repaint_after(std::time::Duration::from_secs_f64((soonest - now).max(0.0) + 0.02));
        }
        if self.shown.is_empty() {
            return 0.0;
        }
        let mut gone = None;
        let shown = Area::new(Id::unique("toasts"))
            .order(Order::Foreground)
            .anchor(Align2::RIGHT_BOTTOM, vec2(-16.0, -40.0))
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 8.0;
                for toast in &self.shown {
                    let (icon, ink) = if toast.problem.is_some() {
                        (icons::WARNING_CIRCLE, look.t.err)
                    } else {
                        (icons::CHECK_CIRCLE, look.t.ok)
                    };
                    Frame::new()
                        .fill(look.t.raised)
                        .stroke(Stroke::new(1.0, look.t.line_strong))
                        .corner_radius(CornerRadius::same(8))
                        .shadow(ui.visuals().popup_shadow)
                        .inner_margin(Margin::symmetric(12, 10))
                        .show(ui, |ui| {
                            ui.set_width(380.0);
                            ui.horizontal_top(|ui| {
                                ui.label(RichText::new(icon).font(look.icon(1.4)).color(ink));
                                ui.vertical(|ui| {
                                    ui.set_width(304.0);
                                    ui.label(RichText::new(&toast.text).font(look.medium()).color(look.t.text_strong));
                                    if let Some(p) = &toast.problem {
                                        ui.label(RichText::new(&p.why).color(look.t.text));
                                        ui.label(RichText::new(&p.what_to_do).color(look.t.text_quiet));
                                        ui.horizontal(|ui| {
                                            if button::link(ui, look, "Copy").clicked() {
                                                ui.copy_text(p.to_string());
                                            }
                                            if button::link(ui, look, "Dismiss").clicked() {
                                                gone = Some(toast.id);
                                            }
                                        });
                                    }
                                });
                            });
                        });
                }
            });
        if let Some(id) = gone {
            self.shown.retain(|t| t.id != id);
        }
        shown.response.rect.height() + 8.0
    }
}
