//! Dialogs over the panes: opening a capture by its path, and the list of keys.

use crate::act::Act;
use crate::command::{Command, Group};
use crate::panes::Cx;
use crate::theme::{Look, icons};
use crate::widgets::{button, ink};
use egui::{CornerRadius, Frame, Id, Key, Margin, Modal, Modifiers, RichText, ScrollArea, Sense, Stroke, TextEdit, Ui, vec2};
use std::path::PathBuf;

/// The dialog that is open.
#[derive(Debug, Default)]
pub enum Dialog {
    /// None.
    #[default]
    Closed,
    /// Opening a capture.
    Open {
        /// The path typed so far.
        path: String,
        /// Just opened: the field takes the keyboard.
        fresh: bool,
        /// What is wrong with the path.
        problem: Option<String>,
    },
    /// The list of keys.
    Keys,
}

fn frame(ui: &Ui, look: &Look) -> Frame {
    Frame::new()
        .fill(look.t.raised)
        .stroke(Stroke::new(1.0, look.t.line_strong))
        .corner_radius(CornerRadius::same(12))
        .shadow(ui.visuals().window_shadow)
        .inner_margin(Margin::same(20))
}

/// Shows the open dialog; gives whether it shall close.
pub fn show(ui: &Ui, cx: &mut Cx<'_>, dialog: &mut Dialog) -> bool {
    match dialog {
        Dialog::Closed => false,
        Dialog::Open { path, fresh, problem } => open(ui, cx, path, fresh, problem),
        Dialog::Keys => keys(ui, cx),
    }
}

fn open(ui: &Ui, cx: &mut Cx<'_>, path: &mut String, fresh: &mut bool, problem: &mut Option<String>) -> bool {
    let look = cx.look;
    let t = look.t;
    let mut close = ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape));
    let go = ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Enter));
    let mut take = go;
    let width = (ui.ctx().content_rect().width() - 80.0).clamp(200.0, 540.0);
    let modal = Modal::new(Id::unique("open dialog")).frame(frame(ui, look)).backdrop_color(t.veil).show(ui.ctx(), |ui| {
        ui.set_width(width);
        ui.label(RichText::new("Open capture").font(look.title(1.3)).color(t.text_strong));
        ui.label(RichText::new("Type or paste the path of a pcap or pcapng file, or browse for it.").color(t.text_quiet));
        ui.add_space(8.0);
        let r = ui
            .add(
                TextEdit::singleline(path)
                    .id(Id::unique("open path"))
                    .desired_width(f32::INFINITY)
                    .margin(Margin::symmetric(10, 8))
                    .font(look.mono()),
            )
            .accessible_name("Path");
        if *fresh {
            r.request_focus();
            *fresh = false;
        }
        if r.changed() {
            *problem = None;
        }
        if let Some(p) = problem {
            ui.label(RichText::new(p.as_str()).color(t.err));
        }
        ui.add_space(10.0);
        ui.horizontal(|ui| {
            if button::labelled(ui, look, Some(icons::FOLDER_OPEN), "Browse…", false).clicked() {
                cx.acts.push(Act::Browse);
                close = true;
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                take |= button::labelled(ui, look, None, "Open", true).clicked();
                close |= button::labelled(ui, look, None, "Cancel", false).clicked();
            });
        });
    });
    if take {
        // Quotes come along when a path is pasted from a shell or a file manager.
        let plain = path.trim().trim_matches(|c| c == '"' || c == '\'');
        let file = plain.strip_prefix("file://").unwrap_or(plain);
        if file.is_empty() {
            *problem = Some("Type a path first.".into());
        } else {
            cx.acts.push(Act::Open(PathBuf::from(home(file))));
            close = true;
        }
    }
    close || modal.should_close()
}

/// A leading `~/` as a shell would read it.
fn home(path: &str) -> String {
    match (path.strip_prefix("~/"), std::env::var("HOME")) {
        (Some(rest), Ok(home)) => format!("{home}/{rest}"),
        _ => path.to_owned(),
    }
}

fn keys(ui: &Ui, cx: &Cx<'_>) -> bool {
    let look = cx.look;
    let t = look.t;
    let close = ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape));
    let size = ui.ctx().content_rect().size();
    let width = (size.x - 80.0).clamp(240.0, 860.0);
    let modal = Modal::new(Id::unique("keys dialog")).frame(frame(ui, look)).backdrop_color(t.veil).show(ui.ctx(), |ui| {
        ui.set_width(width);
        ui.horizontal(|ui| {
            ui.label(RichText::new("Keys").font(look.title(1.3)).color(t.text_strong));
            ui.label(RichText::new("Everything is also in the command palette, Ctrl+K. Esc closes this.").color(t.text_quiet));
        });
        ui.add_space(6.0);
        ScrollArea::vertical().max_height((size.y - 180.0).max(120.0)).auto_shrink([false, true]).show(ui, |ui| {
            let columns = if width > 640.0 { 2 } else { 1 };
            ui.columns(columns, |cols| {
                for (i, group) in Group::ALL.iter().enumerate() {
                    let column = if columns == 2 { usize::from(i % 2 == 1) } else { 0 };
                    let Some(ui) = cols.get_mut(column) else { continue };
                    ui.spacing_mut().item_spacing.y = 2.0;
                    ui.add_space(10.0);
                    ui.label(RichText::new(group.word()).font(look.small()).color(t.text_faint));
                    for c in Command::ALL.iter().filter(|c| c.facts().group == *group && !c.facts().keys.is_empty()) {
                        let (r, resp) = ui.allocate_exact_size(vec2(ui.available_width(), look.size + 13.0), Sense::hover());
                        let text = c.facts().text.trim_end_matches('…');
                        resp.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Label, true, format!("{text}: {}", c.keys())));
                        ink::left(ui.painter(), r, text, look.text(), t.text);
                        ink::keys(ui.painter(), look, egui::pos2(r.right() - 8.0, r.center().y), &c.keys());
                        resp.on_hover_text(c.facts().tip);
                    }
                }
            });
        });
    });
    close || modal.should_close()
}
