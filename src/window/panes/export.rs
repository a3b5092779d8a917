//! The dialog that writes parts of a capture to files: which form, which part, what belongs to it, where; and what became of it.

use crate::act::{Act, Choose};
use crate::exports::wish::{Form, Keys, Kind, Packing, Scope, Wish};
use crate::exports::{Exports, Offers};
use crate::panes::Cx;
use crate::panes::dialogs::{frame, home, path_field, plain_path};
use crate::theme::{Look, icons};
use crate::widgets::{button, ink};
use egui::{
    Align, Align2, Area, CornerRadius, Frame, Id, Key, Layout, Margin, Modal, Modifiers, Order, Rect, RichText, Role, Sense,
    Stroke, TextEdit, Ui, WidgetInfo, pos2, vec2,
};
use std::path::PathBuf;

/// The dialog.
#[derive(Debug)]
pub struct ExportDialog {
    /// What is set.
    pub wish: Wish,
    /// What can be done besides what always can.
    pub offers: Offers,
    /// In the order of [`Scope::ALL`]: whether there is anything.
    pub scopes: [bool; 5],
    /// The capture, beside which files are offered.
    pub capture: PathBuf,
    /// The path is the user's: it is not changed with the form.
    pub typed: bool,
    fresh: bool,
    problem: Option<String>,
}

impl ExportDialog {
    /// Opened just now.
    #[must_use]
    pub fn new(mut wish: Wish, offers: Offers, scopes: [bool; 5], capture: PathBuf) -> ExportDialog {
        if !Scope::ALL.iter().zip(scopes).any(|(s, some)| *s == wish.scope && some) {
            wish.scope = Scope::All;
        }
        let mut d = ExportDialog { wish, offers, scopes, capture, typed: false, fresh: true, problem: None };
        d.name();
        d
    }

    /// Keeps the path in step with the form, as long as it is ours.
    fn name(&mut self) {
        if !self.typed {
            self.wish.to = self.wish.usual(&self.capture).display().to_string();
        }
    }

    fn has(&self, form: Form) -> bool {
        match form {
            Form::Parquet => self.offers.parquet,
            f if f.is_table() => self.offers.tables,
            _ => true,
        }
    }
}

/// Shows it; gives whether it shall close.
pub fn show(ui: &Ui, cx: &mut Cx<'_>, d: &mut ExportDialog) -> bool {
    let look = cx.look;
    let t = look.t;
    let mut close = ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape));
    let mut take = ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Enter));
    let (up, down) =
        ui.input_mut(|i| (i.consume_key(Modifiers::ALT, Key::ArrowUp), i.consume_key(Modifiers::ALT, Key::ArrowDown)));
    if up || down {
        let forms: Vec<Form> = Form::ALL.into_iter().filter(|f| d.has(*f)).collect();
        let at = forms.iter().position(|f| *f == d.wish.form).unwrap_or(0);
        let to = if down { (at + 1).min(forms.len() - 1) } else { at.saturating_sub(1) };
        d.wish.form = forms.get(to).copied().unwrap_or_default();
        d.name();
    }
    let room = ui.ctx().content_rect().size();
    let width = (room.x - 80.0).clamp(260.0, 720.0);
    let modal = Modal::new(Id::unique("export dialog")).frame(frame(ui, look)).backdrop_color(t.veil).show(ui.ctx(), |ui| {
        ui.set_width(width);
        ui.label(RichText::new("Export").font(look.title(1.3)).color(t.text_strong));
        ui.add_space(10.0);
        let wide = width > 520.0;
        if wide {
            ui.horizontal_top(|ui| {
                ui.vertical(|ui| {
                    ui.set_width(196.0);
                    ui.spacing_mut().item_spacing.y = 1.0;
                    forms(ui, look, d);
                });
                ui.add_space(14.0);
                ui.vertical(|ui| {
                    ui.set_width(width - 224.0);
                    options(ui, look, d);
                });
            });
        } else {
            egui::ScrollArea::vertical().max_height((room.y - 260.0).max(80.0)).auto_shrink([false, true]).show(ui, |ui| {
                forms(ui, look, d);
                options(ui, look, d);
            });
        }
        ui.add_space(12.0);
        where_to(ui, look, d);
        ui.add_space(12.0);
        ui.horizontal(|ui| {
            if button::labelled(ui, look, Some(icons::FOLDER_OPEN), "Browse…", false).clicked() {
                cx.acts.push(Act::Browse(if d.wish.form.is_folder() { Choose::ExportFolder } else { Choose::Export }));
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                take |= button::labelled(ui, look, Some(icons::EXPORT), "Export", true).clicked();
                close |= button::labelled(ui, look, None, "Cancel", false).clicked();
            });
        });
    });
    if take && !close {
        let path = plain_path(&d.wish.to);
        if path.is_empty() {
            d.problem = Some("Type a path first.".into());
        } else {
            let wish = Wish { to: home(path), ..d.wish.clone() };
            cx.acts.push(Act::Export(Box::new(wish)));
            close = true;
        }
    }
    close || modal.should_close()
}

/// The list of forms.
fn forms(ui: &mut Ui, look: &Look, d: &mut ExportDialog) {
    let t = look.t;
    for form in Form::ALL {
        if !d.has(form) {
            continue;
        }
        let on = d.wish.form == form;
        let (r, resp) = ui.allocate_exact_size(vec2(ui.available_width(), look.size + 15.0), Sense::click());
        resp.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, on, form.word()));
        if on {
            ui.painter().rect_filled(r, CornerRadius::same(6), t.selected);
        } else if resp.hovered() {
            ui.painter().rect_filled(r, CornerRadius::same(6), t.hover);
        }
        if resp.has_focus() {
            ui.painter().rect_stroke(r, CornerRadius::same(6), Stroke::new(2.0, t.accent), egui::StrokeKind::Inside);
        }
        let icon = match form {
            Form::Pcapng | Form::Pcap => icons::ROWS,
            Form::Har => icons::GLOBE,
            Form::Csv | Form::Parquet => icons::LIST_BULLETS,
            Form::Json | Form::JsonLines => icons::TREE_STRUCTURE,
            Form::Objects => icons::FILE_TEXT,
            Form::Letters | Form::Mbox => icons::ENVELOPE_SIMPLE,
        };
        let color = if on { t.accent } else { t.text_quiet };
        ink::icon(ui.painter(), pos2(r.left() + 16.0, r.center().y), icon, look.icon(1.15), color);
        let line = Rect::from_min_max(pos2(r.left() + 32.0, r.top()), r.max);
        ink::left(ui.painter(), line, form.word(), look.medium(), if on { t.text_strong } else { t.text });
        if resp.clicked() {
            d.wish.form = form;
            d.name();
        }
    }
}

/// A line of the options: its name and what can be chosen.
fn option(ui: &mut Ui, look: &Look, name: &str, show: impl FnOnce(&mut Ui)) {
    ui.label(RichText::new(name).font(look.small()).color(look.t.text_faint));
    ui.add_space(1.0);
    show(ui);
    ui.add_space(9.0);
}

fn options(ui: &mut Ui, look: &Look, d: &mut ExportDialog) {
    let t = look.t;
    ui.label(RichText::new(d.wish.form.tip()).color(t.text_quiet));
    ui.add_space(8.0);
    let mut renamed = false;
    option(ui, look, "What", |ui| {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(6.0, 4.0);
            for (scope, some) in Scope::ALL.into_iter().zip(d.scopes) {
                if pick(ui, look, scope.word(), scope.tip(), d.wish.scope == scope, some) {
                    d.wish.scope = scope;
                    renamed = true;
                }
            }
        });
    });
    let form = d.wish.form;
    if form.is_table() {
        option(ui, look, "Rows", |ui| {
            renamed |= switch(ui, look, &Kind::ALL, &mut d.wish.kind, Kind::word, |_| "");
        });
    }
    if form == Form::Csv {
        option(ui, look, "Columns", |ui| {
            let hint = "the usual ones; or names with commas: frame.number, ip.src, http.host";
            let edit = TextEdit::singleline(&mut d.wish.columns)
                .font(look.mono())
                .text_color(t.text_strong)
                .hint_text(hint)
                .desired_width(f32::INFINITY)
                .frame(super::proxy::edge(look));
            ui.add(edit).accessible_name("Columns");
        });
    }
    if form.is_capture() {
        if d.offers.redact {
            option(ui, look, "Secrets in packets", |ui| {
                let words = "Replace passwords, tokens and cookies by as many other characters";
                ui.scope(|ui| {
                    // An empty box is seen by its edge.
                    ui.visuals_mut().widgets.inactive.bg_stroke = Stroke::new(1.0, t.line_strong);
                    renamed |= ui.checkbox(&mut d.wish.redact, words).changed();
                });
            });
        }
        if d.wish.redacts() {
            option(ui, look, "Keys", |ui| {
                let words = "None: they would open what cannot be replaced.";
                ui.label(RichText::new(words).color(t.text_quiet));
            });
        } else if form == Form::Pcapng {
            option(ui, look, "Keys", |ui| {
                switch(ui, look, &Keys::ALL, &mut d.wish.keys, Keys::word, Keys::tip);
                ui.label(RichText::new(d.wish.keys.tip()).font(look.fine()).color(t.text_faint));
            });
        }
        option(ui, look, "Packed", |ui| {
            renamed |= switch(ui, look, &Packing::ALL, &mut d.wish.packing, Packing::word, |_| "");
        });
    }
    if renamed {
        d.name();
    }
}

/// A choice among few; whether it changed.
fn switch<T: Copy + PartialEq>(
    ui: &mut Ui,
    look: &Look,
    all: &[T],
    now: &mut T,
    word: impl Fn(T) -> &'static str,
    tip: impl Fn(T) -> &'static str,
) -> bool {
    let names: Vec<(&str, &str)> = all.iter().map(|x| ("", word(*x))).collect();
    let tips: Vec<String> = all.iter().map(|x| tip(*x).to_owned()).collect();
    let at = all.iter().position(|x| x == now).unwrap_or(0);
    let Some(to) = button::choice(ui, look, &names, at, &tips).and_then(|i| all.get(i)) else { return false };
    *now = *to;
    true
}

/// One of several, that may not be there to be chosen; whether it was.
fn pick(ui: &mut Ui, look: &Look, word: &str, tip: &str, on: bool, enabled: bool) -> bool {
    let t = look.t;
    let color = match (enabled, on) {
        (false, _) => t.mark,
        (true, true) => t.accent,
        (true, false) => t.text,
    };
    let g = ui.painter().layout_no_wrap(word.to_owned(), look.medium(), color);
    let sense = if enabled { Sense::click() } else { Sense::hover() };
    let (r, resp) = ui.allocate_exact_size(vec2(g.size().x + 20.0, look.size + 13.0), sense);
    resp.widget_info(|| WidgetInfo::selected(Role::RadioButton, enabled, on, word));
    let edge = if on || resp.has_focus() { t.accent } else { t.line_strong };
    let fill = if on {
        t.selected
    } else if resp.hovered() && enabled {
        t.hover
    } else {
        t.panel
    };
    ui.painter().rect(r, CornerRadius::same(7), fill, Stroke::new(1.0, edge), egui::StrokeKind::Inside);
    ui.painter().galley((r.center() - g.size() / 2.0).round(), g, color);
    resp.on_hover_text(tip).clicked()
}

fn where_to(ui: &mut Ui, look: &Look, d: &mut ExportDialog) {
    let t = look.t;
    let words = if d.wish.form.is_folder() { "Folder" } else { "File" };
    ui.label(RichText::new(words).font(look.small()).color(t.text_faint));
    ui.add_space(1.0);
    let r = path_field(ui, look, Id::unique("export path"), &mut d.wish.to, &mut d.fresh);
    if r.changed() {
        d.typed = true;
        d.problem = None;
    }
    let there = PathBuf::from(home(plain_path(&d.wish.to)));
    let hint = match (&d.problem, d.wish.form.is_folder(), d.typed && there == d.capture) {
        (Some(p), ..) => RichText::new(p).color(t.err),
        (None, false, true) => RichText::new("This is the capture that is open: it is replaced.").color(t.warn),
        (None, true, _) if d.wish.form == Form::Parquet => {
            let words = "It is made if it is not there. Only what was written of the same rows is replaced.";
            RichText::new(words).color(t.text_faint)
        }
        (None, true, _) => RichText::new("It is made if it is not there; nothing in it is written over.").color(t.text_faint),
        (None, false, false) => RichText::new("A file of that name is replaced.").color(t.text_faint),
    };
    ui.label(hint.font(look.fine()));
}

/// What is being written and what was, at the lower right.
pub fn card(ui: &Ui, cx: &mut Cx<'_>, exports: &mut Exports, lift: f32) {
    if exports.running.is_empty() && exports.written.is_none() {
        return;
    }
    let look = cx.look;
    let t = look.t;
    let (mut stop, mut dismissed) = (None, false);
    Area::new(Id::unique("exports")).order(Order::Foreground).anchor(Align2::RIGHT_BOTTOM, vec2(-16.0, -40.0 - lift)).show(
        ui.ctx(),
        |ui| {
            Frame::new()
                .fill(t.raised)
                .stroke(Stroke::new(1.0, t.line_strong))
                .corner_radius(CornerRadius::same(8))
                .shadow(ui.visuals().popup_shadow)
                .inner_margin(Margin::symmetric(14, 12))
                .show(ui, |ui| {
                    ui.set_width(400.0);
                    ui.spacing_mut().item_spacing.y = 6.0;
                    for (n, r) in exports.running.iter().enumerate() {
                        ui.horizontal(|ui| {
                            ui.label(RichText::new(format!("Writing {}", r.name)).font(look.medium()).color(t.text_strong));
                            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                                if button::link(ui, look, "Stop").clicked() {
                                    stop = Some(n);
                                }
                                let share = format!("{:.0} %", r.progress() * 100.0);
                                ui.label(RichText::new(share).font(look.mono_small()).color(t.text_quiet));
                            });
                        });
                        let (bar, resp) = ui.allocate_exact_size(vec2(ui.available_width(), 5.0), Sense::hover());
                        resp.widget_info(|| WidgetInfo::labeled(Role::ProgressIndicator, true, format!("Writing {}", r.name)));
                        ui.painter().rect_filled(bar, CornerRadius::same(3), t.line_strong);
                        let done = Rect::from_min_size(bar.min, vec2(bar.width() * r.progress(), bar.height()));
                        ui.painter().rect_filled(done, CornerRadius::same(3), t.accent);
                    }
                    let Some(w) = &exports.written else { return };
                    ui.horizontal_top(|ui| {
                        let (icon, color) =
                            if w.warning.is_some() { (icons::WARNING, t.warn) } else { (icons::CHECK_CIRCLE, t.ok) };
                        ui.label(RichText::new(icon).font(look.icon(1.4)).color(color));
                        ui.vertical(|ui| {
                            ui.set_width(350.0);
                            ui.label(RichText::new(&w.words).font(look.medium()).color(t.text_strong));
                            ui.label(RichText::new(w.path.display().to_string()).font(look.mono_small()).color(t.text));
                            if let Some(warning) = &w.warning {
                                ui.label(RichText::new(warning).color(t.warn));
                            }
                            for line in w.report.iter().take(MOST_LINES) {
                                ui.label(RichText::new(line).font(look.fine()).color(t.text_quiet));
                            }
                            if let Some(more) = w.report.len().checked_sub(MOST_LINES).filter(|n| *n > 0) {
                                ui.label(RichText::new(format!("and {more} more")).font(look.fine()).color(t.text_faint));
                            }
                            ui.horizontal(|ui| {
                                if button::link(ui, look, "Show in folder").clicked() {
                                    cx.acts.push(Act::ShowInFolder(w.path.clone()));
                                }
                                if button::link(ui, look, "Copy path").clicked() {
                                    cx.acts.push(Act::Copy(w.path.display().to_string(), "the path"));
                                }
                                if !w.report.is_empty() && button::link(ui, look, "Copy report").clicked() {
                                    cx.acts.push(Act::Copy(w.report.join("\n"), "the report"));
                                }
                                dismissed = button::link(ui, look, "Dismiss").clicked();
                            });
                        });
                    });
                });
        },
    );
    if let Some(n) = stop {
        exports.stop(n);
    }
    if dismissed {
        exports.written = None;
    }
}

/// Lines of a report that are shown; the rest is copied.
const MOST_LINES: usize = 8;
