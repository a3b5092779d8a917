//! Sources of a tab: their pills side by side, and the dialog that adds one more to what is recorded already.

use crate::act::Act;
use crate::command::Command;
use crate::panes::dialogs::frame;
use crate::panes::{Cx, interfaces, proxy};
use crate::sniffing::Choosing;
use crate::tab::Tab;
use crate::theme::icons;
use crate::widgets::button;
use egui::{Align, Id, Key, Layout, Modal, Modifiers, RichText, ScrollArea, Ui};

/// The pill of each source, and the way to one more.
pub fn pills(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab) {
    if let Some(s) = &mut tab.steering {
        proxy::pill(ui, cx, s);
    }
    for (n, s) in tab.sniffing.iter().enumerate() {
        interfaces::pill(ui, cx, s, n);
    }
    let c = Command::AddSource;
    if tab.bench().is_some() && button::icon(ui, cx.look, icons::PLUS, c.facts().text, &c.keys(), true, false).clicked() {
        cx.acts.push(Act::Do(c));
    }
}

/// The dialog; gives whether it shall close.
pub fn add(ui: &Ui, cx: &mut Cx<'_>, choosing: Option<&mut Choosing>) -> bool {
    let look = cx.look;
    let t = look.t;
    let mut close = ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape));
    let room = ui.ctx().content_rect().size();
    let width = (room.x - 80.0).clamp(240.0, 600.0);
    let modal = Modal::new(Id::unique("source dialog")).frame(frame(ui, look)).backdrop_color(t.veil).show(ui.ctx(), |ui| {
        ui.set_width(width);
        ui.label(RichText::new("Add source").font(look.title(1.3)).color(t.text_strong));
        ui.label(RichText::new("What it brings is recorded and listed with what this tab brings already.").color(t.text_quiet));
        ui.add_space(12.0);
        ScrollArea::vertical().max_height((room.y - 260.0).max(80.0)).auto_shrink([false, true]).show(ui, |ui| match choosing {
            Some(c) => interfaces::choose(ui, cx, c),
            None => {
                ui.label(RichText::new("Interfaces cannot be captured on here.").color(t.text_quiet));
            }
        });
        ui.add_space(12.0);
        ui.horizontal(|ui| {
            if cx.offers_proxy {
                if button::labelled(ui, look, Some(icons::PLUGS), "Start proxy here", false).clicked() {
                    cx.acts.push(Act::JoinProxy);
                    close = true;
                }
            } else {
                ui.label(RichText::new("A proxy runs already.").font(look.fine()).color(t.text_faint));
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                close |= button::labelled(ui, look, None, "Close", false).clicked();
            });
        });
    });
    close || modal.should_close()
}
