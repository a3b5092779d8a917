//! Dialogs over the panes: paths to open, to add and to save to; the protocol of a connection; the list of keys.

use crate::act::{Act, Choose, Saving};
use crate::command::{Command, Group};
use crate::follow::SaveAs;
use crate::panes::Cx;
use crate::panes::export::ExportDialog;
use crate::theme::{Look, icons};
use crate::widgets::{button, ink};
use egui::{
    CornerRadius, Frame, Id, Key, Margin, Modal, Modifiers, Response, RichText, ScrollArea, Sense, Stroke, TextEdit, Ui, vec2,
};
use std::path::PathBuf;
use wirelore_kit::Dir;

/// The dialog that is open.
#[derive(Debug, Default)]
pub enum Dialog {
    /// None.
    #[default]
    Closed,
    /// Asking for a path.
    Path(PathDialog),
    /// Choosing the protocol of a connection.
    DecodeAs(DecodeAs),
    /// What to write, and where.
    Export(Box<ExportDialog>),
    /// One more source of the tab; drawn with the list of interfaces.
    Source,
    /// The list of keys.
    Keys,
}

/// A dialog that asks for a path.
#[derive(Debug)]
pub struct PathDialog {
    /// What for.
    pub what: Choose,
    /// The path typed so far.
    pub path: String,
    /// Just opened: the field takes the keyboard.
    fresh: bool,
    /// What is wrong with the path.
    problem: Option<String>,
}

impl PathDialog {
    /// Opened just now.
    #[must_use]
    pub const fn new(what: Choose, path: String) -> PathDialog {
        PathDialog { what, path, fresh: true, problem: None }
    }
}

/// A dialog that asks for a protocol.
#[derive(Debug)]
pub struct DecodeAs {
    /// The connection.
    pub flow: u32,
    /// Its name and ends.
    pub words: String,
    /// What it is read as now, and why.
    pub now: String,
    /// Name and label of every protocol.
    pub protocols: Vec<(&'static str, &'static str)>,
    /// What the user said before.
    pub said: Option<String>,
    text: String,
    chosen: usize,
    fresh: bool,
}

impl DecodeAs {
    /// Opened just now.
    #[must_use]
    pub const fn new(
        flow: u32,
        words: String,
        now: String,
        protocols: Vec<(&'static str, &'static str)>,
        said: Option<String>,
    ) -> DecodeAs {
        DecodeAs { flow, words, now, protocols, said, text: String::new(), chosen: 0, fresh: true }
    }
}

pub(super) fn frame(ui: &Ui, look: &Look) -> Frame {
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
        Dialog::Closed | Dialog::Source => false,
        Dialog::Path(d) => path(ui, cx, d),
        Dialog::DecodeAs(d) => decode_as(ui, cx, d),
        Dialog::Export(d) => super::export::show(ui, cx, d),
        Dialog::Keys => keys(ui, cx),
    }
}

fn path(ui: &Ui, cx: &mut Cx<'_>, d: &mut PathDialog) -> bool {
    let look = cx.look;
    let t = look.t;
    let mut close = ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape));
    let go = ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Enter));
    let mut take = go;
    let (hint, verb) = match d.what {
        Choose::Capture => ("Type or paste the path of a pcap or pcapng file, or browse for it.", "Open"),
        Choose::KeyLog => ("The path of a key log as SSLKEYLOGFILE names it; what waited for its keys is read again.", "Add"),
        Choose::Save(_) | Choose::Export | Choose::ExportFolder => {
            ("Type or paste a path, or browse for one. A file of that name is replaced.", "Save")
        }
    };
    let width = (ui.ctx().content_rect().width() - 80.0).clamp(200.0, 540.0);
    let modal = Modal::new(Id::unique("open dialog")).frame(frame(ui, look)).backdrop_color(t.veil).show(ui.ctx(), |ui| {
        ui.set_width(width);
        ui.label(RichText::new(d.what.title()).font(look.title(1.3)).color(t.text_strong));
        ui.label(RichText::new(hint).color(t.text_quiet));
        ui.add_space(8.0);
        if let Choose::Save(Saving::Stream(side, how)) = &mut d.what {
            form(ui, look, side, how);
        }
        let r = path_field(ui, look, Id::unique("open path"), &mut d.path, &mut d.fresh);
        if r.changed() {
            d.problem = None;
        }
        if let Some(p) = &d.problem {
            ui.label(RichText::new(p.as_str()).color(t.err));
        }
        ui.add_space(10.0);
        ui.horizontal(|ui| {
            if button::labelled(ui, look, Some(icons::FOLDER_OPEN), "Browse…", false).clicked() {
                cx.acts.push(Act::Browse(d.what));
                close = true;
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                take |= button::labelled(ui, look, None, verb, true).clicked();
                close |= button::labelled(ui, look, None, "Cancel", false).clicked();
            });
        });
    });
    if take {
        let file = plain_path(&d.path);
        if file.is_empty() {
            d.problem = Some("Type a path first.".into());
        } else {
            let file = PathBuf::from(home(file));
            cx.acts.push(match d.what {
                Choose::Capture => Act::Open(file),
                Choose::KeyLog => Act::AddKeys(file),
                Choose::Save(saving) => Act::Save(saving, file),
                // Those have a dialog of their own.
                Choose::Export | Choose::ExportFolder => return true,
            });
            close = true;
        }
    }
    close || modal.should_close()
}

/// Which side of a stream, and in which form.
fn form(ui: &mut Ui, look: &Look, side: &mut Option<Dir>, how: &mut SaveAs) {
    let sides = [Some(Dir::ToServer), Some(Dir::ToClient), None];
    let words = [("", "Client"), ("", "Server"), ("", "Both")];
    let at = sides.iter().position(|s| s == side).unwrap_or(2);
    if let Some(s) = button::choice(ui, look, &words, at, &[]).and_then(|i| sides.get(i)) {
        *side = *s;
    }
    let forms = SaveAs::ALL.map(|s| ("", s.word()));
    let at = SaveAs::ALL.iter().position(|s| s == how).unwrap_or(0);
    if let Some(s) = button::choice(ui, look, &forms, at, &[]).and_then(|i| SaveAs::ALL.get(i)) {
        *how = *s;
    }
    ui.add_space(8.0);
}

fn decode_as(ui: &Ui, cx: &mut Cx<'_>, d: &mut DecodeAs) -> bool {
    let look = cx.look;
    let t = look.t;
    let text = d.text.trim().to_lowercase();
    // What the bytes themselves say stands first; then every protocol whose name or label holds the text.
    let mut offers: Vec<(Option<&'static str>, String, String)> = Vec::new();
    if text.is_empty() {
        offers.push((None, "By its bytes".into(), "what Wirelore finds by itself".into()));
    }
    let mut found: Vec<_> =
        d.protocols.iter().filter(|(n, l)| n.contains(&text) || l.to_lowercase().contains(&text)).copied().collect();
    found.sort_by_key(|(n, l)| (!l.to_lowercase().starts_with(&text) && !n.starts_with(&text), l.to_lowercase()));
    offers.extend(found.into_iter().map(|(n, l)| (Some(n), l.to_owned(), n.to_owned())));
    let (down, up, go, esc) = ui.input_mut(|i| {
        (
            i.count_and_consume_key(Modifiers::NONE, Key::ArrowDown),
            i.count_and_consume_key(Modifiers::NONE, Key::ArrowUp),
            i.consume_key(Modifiers::NONE, Key::Enter),
            i.consume_key(Modifiers::NONE, Key::Escape),
        )
    });
    d.chosen = (d.chosen + down).saturating_sub(up).min(offers.len().saturating_sub(1));
    let mut close = esc;
    let mut take = go.then_some(d.chosen);
    let width = (ui.ctx().content_rect().width() - 80.0).clamp(220.0, 460.0);
    let modal = Modal::new(Id::unique("decode dialog")).frame(frame(ui, look)).backdrop_color(t.veil).show(ui.ctx(), |ui| {
        ui.set_width(width);
        ui.label(RichText::new("Decode as").font(look.title(1.3)).color(t.text_strong));
        ui.label(RichText::new(&d.words).font(look.mono()).color(t.text));
        ui.label(RichText::new(&d.now).color(t.text_quiet));
        ui.add_space(8.0);
        let r = ui
            .add(
                TextEdit::singleline(&mut d.text)
                    .id(Id::unique("decode text"))
                    .desired_width(f32::INFINITY)
                    .margin(Margin::symmetric(10, 8))
                    .background_color(t.panel)
                    .hint_text("Protocol"),
            )
            .accessible_name("Protocol");
        if d.fresh {
            r.request_focus();
            d.fresh = false;
        }
        if r.changed() {
            d.chosen = 0;
        }
        ui.add_space(6.0);
        ui.spacing_mut().item_spacing.y = 0.0;
        let height = look.size + 15.0;
        ScrollArea::vertical().max_height(height * 9.5).auto_shrink([false, true]).show(ui, |ui| {
            for (i, (name, label, hint)) in offers.iter().enumerate() {
                let (rect, r) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::CLICK);
                r.widget_info(|| egui::WidgetInfo::selected(egui::Role::MenuItem, true, i == d.chosen, label));
                if i == d.chosen {
                    ui.painter().rect_filled(rect, CornerRadius::same(6), t.selected);
                    if down + up > 0 {
                        r.scroll_to_me(None);
                    }
                } else if r.hovered() {
                    ui.painter().rect_filled(rect, CornerRadius::same(6), t.hover);
                }
                let cell = rect.shrink2(vec2(10.0, 0.0));
                let w = ink::left(ui.painter(), cell, label, look.medium(), t.text_strong);
                let rest = egui::Rect::from_min_max(egui::pos2(cell.left() + w + 10.0, cell.top()), cell.max);
                ink::left(ui.painter(), rest, hint, look.fine(), t.text_quiet);
                if name.map(str::to_owned) == d.said {
                    ink::icon(
                        ui.painter(),
                        egui::pos2(cell.right() - 8.0, cell.center().y),
                        icons::CHECK,
                        look.icon(1.1),
                        t.accent,
                    );
                }
                if r.clicked() {
                    take = Some(i);
                }
            }
            if offers.is_empty() {
                ui.label(RichText::new("No protocol that Wirelore reads is called so.").color(t.text_quiet));
            }
        });
        ui.add_space(8.0);
        ui.label(RichText::new("Remembered for this file.").font(look.fine()).color(t.text_faint));
    });
    if let Some((name, ..)) = take.and_then(|i| offers.get(i)) {
        cx.acts.push(Act::DecodeAs(d.flow, *name));
        close = true;
    }
    close || modal.should_close()
}

/// Where a path is typed; a `fresh` one takes the keys.
pub(super) fn path_field(ui: &mut Ui, look: &Look, id: Id, text: &mut String, fresh: &mut bool) -> Response {
    let r = ui
        .add(
            TextEdit::singleline(text)
                .id(id)
                .desired_width(f32::INFINITY)
                .margin(Margin::symmetric(10, 8))
                .background_color(look.t.panel)
                .text_color(look.t.text_strong)
                .font(look.mono()),
        )
        .accessible_name("Path");
    if std::mem::take(fresh) {
        r.request_focus();
    }
    r
}

/// A path without what comes along when it is pasted from a shell or a file manager.
pub(super) fn plain_path(text: &str) -> &str {
    let plain = text.trim().trim_matches(|c| c == '"' || c == '\'');
    plain.strip_prefix("file://").unwrap_or(plain)
}

/// A leading `~/` as a shell would read it.
pub(super) fn home(path: &str) -> String {
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
