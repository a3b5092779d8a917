//! The empty tab: open a capture, or take up a recent one.

use crate::act::Act;
use crate::command::Command;
use crate::panes::{Cx, interfaces, pane};
use crate::sniffing::Choosing;
use crate::theme::icons;
use crate::widgets::{button, ink};
use egui::{CornerRadius, Rect, RichText, Role, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};

/// Shows it.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, choosing: Option<&mut Choosing>, rect: Rect) {
    let look = cx.look;
    let t = look.t;
    pane(ui, look, "start", rect, |ui| {
        let width = (rect.width() - 48.0).clamp(160.0, 560.0);
        let top = rect.top() + (rect.height() * 0.16).max(16.0);
        let inner = Rect::from_min_max(
            pos2(rect.center().x - width / 2.0, top),
            pos2(rect.center().x + width / 2.0, rect.bottom() - 12.0),
        );
        let mut child = ui.new_child(UiBuilder::new().id_salt("start body").max_rect(inner));
        egui::ScrollArea::vertical().auto_shrink([false, false]).show(&mut child, |ui| {
            ui.label(RichText::new("Wirelore").font(look.title(2.4)).color(t.text_strong));
            ui.label(
                RichText::new("See and understand what programs say to each other over a network.")
                    .font(egui::FontId::new(look.size + 1.0, egui::FontFamily::Proportional))
                    .color(t.text_quiet),
            );
            ui.add_space(22.0);
            ui.horizontal(|ui| {
                if button::labelled(ui, look, Some(icons::FOLDER_OPEN), "Open capture…", true).clicked() {
                    cx.acts.push(Act::Do(Command::Open));
                }
                if cx.offers_proxy && button::labelled(ui, look, Some(icons::PLUGS), "Start proxy", false).clicked() {
                    cx.acts.push(Act::Do(Command::StartProxy));
                }
                if button::labelled(ui, look, Some(icons::KEYBOARD), "Keys", false).clicked() {
                    cx.acts.push(Act::Do(Command::Help));
                }
            });
            ui.add_space(8.0);
            ui.label(
                RichText::new("pcap and pcapng, also packed with gzip, zstd or lz4. Or drop files here.").color(t.text_faint),
            );
            if let Some(c) = choosing {
                ui.add_space(26.0);
                interfaces::choose(ui, cx, c);
            }
            if cx.prefs.recent.is_empty() {
                return;
            }
            ui.add_space(26.0);
            ui.label(RichText::new("Recent captures").font(look.small()).color(t.text_faint));
            ui.add_space(4.0);
            for path in &cx.prefs.recent {
                let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
                let folder = path.parent().map_or_else(String::new, |p| p.display().to_string());
                let (r, resp) = ui.allocate_exact_size(vec2(ui.available_width(), look.size + 19.0), Sense::click());
                resp.widget_info(|| WidgetInfo::labeled(Role::Link, true, format!("Open {name}")));
                if resp.hovered() || resp.has_focus() {
                    ui.painter().rect_filled(r, CornerRadius::same(7), t.hover);
                }
                ink::icon(ui.painter(), pos2(r.left() + 18.0, r.center().y), icons::FILE, look.icon(1.25), t.text_quiet);
                let line = Rect::from_min_max(pos2(r.left() + 38.0, r.top()), pos2(r.right() - 12.0, r.bottom()));
                let w = ink::left(ui.painter(), line, &name, look.medium(), t.text_strong);
                ink::left(
                    ui.painter(),
                    Rect::from_min_max(pos2(line.left() + w + 12.0, line.top()), line.max),
                    &folder,
                    look.fine(),
                    t.text_faint,
                );
                if resp.clicked() {
                    cx.acts.push(Act::Open(path.clone()));
                }
            }
        });
    });
}
