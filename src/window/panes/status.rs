//! The status line: how much there is, how much is shown, how far reading is, what went wrong.

use crate::act::Act;
use crate::command::Command;
use crate::format;
use crate::listing::lists_packets;
use crate::panes::Cx;
use crate::tab::Tab;
use crate::theme::Look;
use egui::{Align, CornerRadius, Id, Layout, Rect, Role, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2};
use wirelore_kit::Severity;

/// Height of it.
#[must_use]
pub fn height(look: &Look) -> f32 {
    look.size + 13.0
}

/// Shows it.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, rect: Rect, tab: Option<&Tab>) {
    let look = cx.look;
    let t = look.t;
    ui.painter().rect_filled(rect, 0, t.panel);
    ui.painter().hline(rect.x_range(), rect.top() + 0.5, Stroke::new(1.0, t.line));
    let mut child = ui.new_child(
        UiBuilder::new().id_salt("status").max_rect(rect.shrink2(vec2(14.0, 0.0))).layout(Layout::left_to_right(Align::Center)),
    );
    child.set_clip_rect(rect);
    child.spacing_mut().item_spacing.x = 18.0;
    let ui = &mut child;
    let Some(tab) = tab else {
        words(ui, look, "No capture open", t.text_quiet);
        return;
    };
    let s = &tab.snap;
    let p = s.progress();
    let proxy = tab.steering.as_ref().map(|s| (s.state.recorded, s.state.trouble.is_some()));
    match proxy.or_else(|| tab.sniffing.first().map(|s| (s.state.recorded, s.state.trouble.is_some()))) {
        // What grows for as long as its proxy or its interface brings something has no end to be near to.
        Some((bytes, trouble)) => {
            words(ui, look, &format!("{} recorded", format::size(bytes)), if trouble { t.err } else { t.text_quiet });
        }
        None if !p.done => reading(ui, cx, tab),
        None => {}
    }
    words(ui, look, &format::count(s.packets().into(), "packet", "packets"), t.text);
    let list = tab.listing();
    let shown = list.len(s);
    let filtered = !tab.sifting.sift().is_every() || tab.only.is_some();
    if filtered {
        let of = if lists_packets(tab.level) { "shown" } else { "rows shown" };
        words(ui, look, &format!("{} {of}", format::number(shown)), t.accent);
        if list.row_of(s, &tab.selection).is_none() && tab.selection.packet.is_some() && tab.listing_progress().is_none() {
            let r = press(ui, look, "Selected row is hidden by the filter: show", t.warn);
            if r {
                cx.acts.push(Act::Do(Command::ClearFilter));
            }
        }
    }
    words(ui, look, &format::count(s.flows().into(), "connection", "connections"), t.text_quiet);
    words(ui, look, &format::count(s.live_messages().into(), "message", "messages"), t.text_quiet);
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let dropped = s.facts().dropped;
        words(ui, look, &format!("dropped {}", format::number(dropped)), if dropped > 0 { t.err } else { t.text_faint });
        let damages = s.facts().damages.len() as u64 + s.facts().damages_left_out;
        if damages > 0 && press(ui, look, &format::count(damages, "problem with the file", "problems with the file"), t.err) {
            cx.acts.push(Act::Do(Command::Statistics));
        }
        let (bad, odd) = (s.notes_of_severity(Severity::Error), s.notes_of_severity(Severity::Warn));
        if bad + odd > 0 {
            let text = match (bad, odd) {
                (0, w) => format::count(w, "warning", "warnings"),
                (e, 0) => format::count(e, "error", "errors"),
                (e, w) => format!("{}, {}", format::count(e, "error", "errors"), format::count(w, "warning", "warnings")),
            };
            if press(ui, look, &text, if bad > 0 { t.err } else { t.warn }) {
                cx.acts.push(Act::Do(Command::NextNote));
            }
        }
        if tab.stopped {
            words(ui, look, "reading was stopped", t.warn);
        }
    });
}

fn reading(ui: &mut Ui, cx: &mut Cx<'_>, tab: &Tab) {
    let look = cx.look;
    let t = look.t;
    let p = tab.snap.progress();
    let (bar, r) = ui.allocate_exact_size(vec2(120.0, 6.0), Sense::hover());
    r.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ProgressIndicator, true, "Reading");
        info.value = p.share().map(|s| f64::from(s) * 100.0);
        info
    });
    ui.painter().rect_filled(bar, CornerRadius::same(3), t.line_strong);
    if let Some(share) = p.share() {
        ui.painter().rect_filled(
            Rect::from_min_size(bar.min, vec2(bar.width() * share, bar.height())),
            CornerRadius::same(3),
            t.accent,
        );
    }
    let of = p.of.map_or_else(String::new, |of| format!(" of {}", format::size(of)));
    words(ui, look, &format!("{}{of}", format::size(p.read)), t.text_quiet);
    if press(ui, look, "Stop", t.accent) {
        cx.acts.push(Act::Do(Command::StopReading));
    }
}

fn words(ui: &mut Ui, look: &Look, text: &str, color: egui::Color32) {
    let g = ui.painter().layout_no_wrap(text.to_owned(), look.fine(), color);
    let (r, resp) = ui.allocate_exact_size(g.size(), Sense::hover());
    resp.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
    ui.painter().galley(r.min, g, color);
}

fn press(ui: &mut Ui, look: &Look, text: &str, color: egui::Color32) -> bool {
    let g = ui.painter().layout_no_wrap(text.to_owned(), look.small(), color);
    let (r, _) = ui.allocate_exact_size(g.size() + vec2(10.0, 4.0), Sense::hover());
    let resp = ui.interact(r, Id::unique(("status", text)), Sense::click());
    resp.widget_info(|| WidgetInfo::labeled(Role::Button, true, text));
    if resp.hovered() || resp.has_focus() {
        ui.painter().rect_filled(r, CornerRadius::same(4), look.t.hover);
    }
    ui.painter().galley(pos2(r.left() + 5.0, (r.center().y - g.size().y / 2.0).round()), g, color);
    resp.clicked()
}
