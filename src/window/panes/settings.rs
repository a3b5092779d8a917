//! The place of settings: theme, density, text size, times, layout.

use crate::act::Act;
use crate::command::Command;
use crate::format::TimeFormat;
use crate::panes::pane;
use crate::prefs::{Prefs, SIZES, ThemeChoice};
use crate::theme::{Density, Look};
use crate::widgets::button;
use egui::{Rect, RichText, Ui, UiBuilder, vec2};

/// Shows it; settings hold at once.
pub fn show(ui: &mut Ui, look: &Look, prefs: &mut Prefs, acts: &mut Vec<Act>, rect: Rect) {
    pane(ui, look, "settings", rect, |ui| {
        let width = rect.width().min(720.0);
        let inner = Rect::from_min_size(rect.min + vec2(32.0, 24.0), vec2(width - 64.0, rect.height() - 40.0));
        let mut child = ui.new_child(UiBuilder::new().id_salt("settings body").max_rect(inner));
        egui::ScrollArea::vertical().auto_shrink([false, false]).show(&mut child, |ui| {
            ui.label(RichText::new("Settings").font(look.title(1.6)).color(look.t.text_strong));
            row(ui, look, "Theme", "Light or dark; by default as the desktop has it.", |ui| {
                let all = [ThemeChoice::System, ThemeChoice::Dark, ThemeChoice::Light];
                let at = all.iter().position(|x| *x == prefs.theme).unwrap_or(0);
                if let Some(x) =
                    button::choice(ui, look, &[("", "System"), ("", "Dark"), ("", "Light")], at, &[]).and_then(|i| all.get(i))
                {
                    prefs.theme = *x;
                }
            });
            row(ui, look, "Rows", "How close the rows of lists stand.", |ui| {
                let names = Density::ALL.map(|d| ("", d.word()));
                let at = Density::ALL.iter().position(|x| *x == prefs.density).unwrap_or(0);
                if let Some(x) = button::choice(ui, look, &names, at, &[]).and_then(|i| Density::ALL.get(i)) {
                    prefs.density = *x;
                }
            });
            row(
                ui,
                look,
                "Text size",
                &format!("{} points; {} and {} anywhere.", prefs.size, Command::Larger.keys(), Command::Smaller.keys()),
                |ui| {
                    let r = ui
                        .add(egui::Slider::new(&mut prefs.size, SIZES).step_by(1.0).show_value(false))
                        .accessible_name("Text size");
                    r.on_hover_text("Text size in points");
                },
            );
            row(ui, look, "Times", "What the time column of lists says.", |ui| {
                let names = TimeFormat::ALL.map(|d| ("", d.words()));
                let at = TimeFormat::ALL.iter().position(|x| *x == prefs.time).unwrap_or(0);
                ui.vertical(|ui| {
                    ui.spacing_mut().interact_size.y = 22.0;
                    ui.spacing_mut().icon_spacing = 8.0;
                    for (i, (_, name)) in names.iter().enumerate() {
                        if ui.radio(i == at, *name).clicked()
                            && let Some(x) = TimeFormat::ALL.get(i)
                        {
                            prefs.time = *x;
                        }
                    }
                });
            });
            row(ui, look, "Panes", "Sizes of panes are kept as you drag them.", |ui| {
                if button::labelled(ui, look, None, "Usual sizes", false).clicked() {
                    prefs.shares = crate::prefs::Shares::default();
                }
            });
            row(ui, look, "Recent captures", &format!("{} kept.", prefs.recent.len()), |ui| {
                if button::labelled(ui, look, None, "Forget them", false).clicked() {
                    acts.push(Act::Do(Command::ForgetRecent));
                }
            });
            row(ui, look, "Keys", "Every command and its keys.", |ui| {
                if button::labelled(ui, look, None, "Show keys", false).clicked() {
                    acts.push(Act::Do(Command::Help));
                }
            });
        });
    });
}

fn row(ui: &mut Ui, look: &Look, name: &str, hint: &str, f: impl FnOnce(&mut Ui)) {
    ui.add_space(20.0);
    ui.horizontal_top(|ui| {
        ui.vertical(|ui| {
            ui.set_width((ui.available_width() * 0.45).min(260.0));
            ui.spacing_mut().item_spacing.y = 2.0;
            ui.label(RichText::new(name).font(look.medium()).color(look.t.text_strong));
            ui.label(RichText::new(hint).color(look.t.text_quiet));
        });
        ui.push_id(name, f);
    });
}
