//! The strip of a search: what is looked for, how, and where one stands in what was found.

use crate::act::Act;
use crate::command::Command;
use crate::door::Form;
use crate::format;
use crate::panes::Cx;
use crate::seeking::MOST_HITS;
use crate::tab::{Region, Tab};
use crate::theme::icons;
use crate::widgets::{button, ink};
use egui::{
    Align, CornerRadius, Frame, Id, Key, Layout, Margin, Modifiers, Rect, Sense, Stroke, StrokeKind, TextEdit, Ui, UiBuilder,
    pos2, vec2,
};

fn field_id() -> Id {
    Id::unique("find everywhere")
}

/// Shows it.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, rect: Rect) {
    let look = cx.look;
    let t = look.t;
    ui.painter().rect_filled(rect, 0, t.panel);
    ui.painter().hline(rect.x_range(), rect.top() + 0.5, Stroke::new(1.0, t.line));
    let inner = rect.shrink2(vec2(12.0, 0.0));
    let mut child =
        ui.new_child(UiBuilder::new().id_salt("find strip").max_rect(inner).layout(Layout::left_to_right(Align::Center)));
    child.set_clip_rect(rect);
    let ui = &mut child;
    ui.spacing_mut().item_spacing.x = 8.0;
    let forms = Form::ALL.map(|f| ("", f.word()));
    let tips = Form::ALL.map(|f| f.tip().to_owned());
    let chosen = Form::ALL.iter().position(|f| *f == tab.seeking.pattern.form).unwrap_or(0);
    if let Some(form) = button::choice(ui, look, &forms, chosen, &tips).and_then(|i| Form::ALL.get(i)) {
        tab.seeking.pattern.form = *form;
        tab.seeking.focus = true;
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        if button::icon(ui, look, icons::X, "Close the search", "Esc", true, false).clicked() {
            close(cx, tab);
        }
        let some = tab.seeking.count() > 0;
        for (c, icon) in [(Command::NextHit, icons::CARET_DOWN), (Command::PreviousHit, icons::CARET_UP)] {
            if button::icon(ui, look, icon, c.facts().text, &c.keys(), some, false).clicked() && some {
                cx.acts.push(Act::Do(c));
            }
        }
        if tab.seeking.progress().is_some() && button::icon(ui, look, icons::STOP, "Stop looking", "", true, false).clicked() {
            tab.seeking.stop();
        }
        let aa = tab.seeking.pattern.case;
        if tab.seeking.pattern.form != Form::Hex
            && button::icon(ui, look, icons::TEXT_AA, "Tell capitals from small letters", "", true, aa).clicked()
        {
            tab.seeking.pattern.case = !aa;
            tab.seeking.focus = true;
        }
        let (words, color) = said(tab, t);
        let g = ink::line(ui.painter(), &words, look.fine(), color, (ui.available_width() * 0.5).max(80.0));
        let (cell, _) = ui.allocate_exact_size(vec2(g.size().x + 8.0, look.row()), Sense::hover());
        ui.painter().galley(pos2(cell.left() + 4.0, (cell.center().y - g.size().y / 2.0).round()), g, color);
        field(ui, cx, tab);
    });
}

/// How it goes, in words.
fn said(tab: &Tab, t: &crate::theme::Tokens) -> (String, egui::Color32) {
    let s = &tab.seeking;
    if let Some(p) = s.failed() {
        return (format!("{}. {} {}", p.what, p.why, p.what_to_do), t.err);
    }
    let n = s.count();
    let at = s.here().map(|(i, _)| format!("{} of ", format::number(i as u64 + 1))).unwrap_or_default();
    match (s.progress(), n) {
        (None, _) if !s.is_asked() => ("Enter looks for it".into(), t.text_quiet),
        (None, 0) => ("found nowhere".into(), t.warn),
        (None, n) if n >= MOST_HITS => (format!("{at}the first {}", format::number(n as u64)), t.text_quiet),
        (None, n) => (format!("{at}{}", format::number(n as u64)), t.text_quiet),
        (Some(p), n) => (format!("{at}{}, {:.0} %", format::number(n as u64), p * 100.0), t.text_quiet),
    }
}

fn field(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab) {
    let look = cx.look;
    let t = look.t;
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), look.size + 13.0), Sense::hover());
    if rect.width() < 60.0 {
        return;
    }
    let focused = ui.memory(|m| m.has_focus(field_id()));
    let edge = if focused { t.accent } else { t.line_strong };
    ui.painter().rect(rect, CornerRadius::same(6), t.raised, Stroke::new(1.0, edge), StrokeKind::Inside);
    ink::icon(ui.painter(), pos2(rect.left() + 14.0, rect.center().y), icons::MAGNIFYING_GLASS, look.icon(1.0), t.text_quiet);
    let h = ui.spacing().interact_size.y;
    let inner = Rect::from_min_max(
        pos2(rect.left() + 26.0, rect.center().y - h / 2.0),
        pos2(rect.right() - 8.0, rect.center().y + h / 2.0),
    );
    if tab.seeking.pattern.text.is_empty() {
        ink::left(ui.painter(), inner, tab.seeking.pattern.form.hint(), look.text(), t.text_faint);
    }
    let edit = TextEdit::singleline(&mut tab.seeking.pattern.text)
        .id(field_id())
        .frame(Frame::NONE)
        .margin(Margin::ZERO)
        .font(look.mono())
        .align(egui::Align2::LEFT_CENTER);
    let r = ui.put(inner, edit).accessible_name("Find");
    if std::mem::take(&mut tab.seeking.focus) {
        r.request_focus();
    }
    // egui takes the focus away on Esc and Enter before the field sees the key.
    if r.lost_focus() && ui.input(|i| i.key_pressed(Key::Escape)) {
        close(cx, tab);
    } else if r.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter)) {
        let back = ui.input(|i| i.modifiers.matches_exact(Modifiers::SHIFT));
        if tab.seeking.is_asked() {
            cx.acts.push(Act::Do(if back { Command::PreviousHit } else { Command::NextHit }));
        } else {
            cx.acts.push(Act::Seek);
        }
        r.request_focus();
    }
}

fn close(cx: &mut Cx<'_>, tab: &mut Tab) {
    tab.seeking.open = false;
    tab.seeking.stop();
    cx.acts.push(Act::Keys(Region::List));
}
