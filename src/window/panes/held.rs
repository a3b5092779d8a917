//! Held messages: a band over the list with those that wait, and the editor of the one that is looked at.

use crate::act::Act;
use crate::command::Command;
use crate::door::{Held, Release};
use crate::held::{BodyAs, line, way};
use crate::panes::proxy::edge;
use crate::panes::{Cx, head, pane};
use crate::steering::Steering;
use crate::theme::icons;
use crate::widgets::{button, ink};
use egui::{Align, CornerRadius, Layout, Rect, RichText, Role, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, pos2, vec2};
use wirelore_kit::Dir;

/// Rows of the band that are seen at once.
const SEEN: usize = 5;

/// How high the band wants to be.
#[must_use]
pub fn band_height(cx: &Cx<'_>, held: usize) -> f32 {
    cx.look.head() + 8.0 + held.clamp(1, SEEN) as f32 * (cx.look.row() + 4.0) + 6.0
}

/// For how long something has waited: "4 s", "2 min".
fn waited(ms: u64) -> String {
    match ms / 1000 {
        s @ 0..120 => format!("{s} s"),
        s => format!("{} min", s / 60),
    }
}

/// The band of what waits.
pub fn band(ui: &mut Ui, cx: &mut Cx<'_>, s: &mut Steering, rect: Rect) {
    let look = cx.look;
    let t = look.t;
    let held = s.state.held.clone();
    pane(ui, look, "held", rect, |ui| {
        ui.painter().rect_filled(Rect::from_min_size(rect.min, vec2(3.0, rect.height())), CornerRadius::same(2), t.warn);
        let body = head(ui, look, rect, |ui| {
            let (icon, _) = ui.allocate_exact_size(vec2(look.size + 6.0, look.row()), Sense::hover());
            ink::icon(ui.painter(), icon.center(), icons::HAND_PALM, look.icon(1.3), t.warn);
            ui.label(RichText::new(format!("Held {}", held.len())).font(look.semi()).color(t.text_strong));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let c = Command::SendAllHeld;
                if button::icon(ui, look, icons::FAST_FORWARD, c.facts().text, &c.keys(), true, false).clicked() {
                    cx.acts.push(Act::Do(c));
                }
            });
        });
        let mut child = ui.new_child(egui::UiBuilder::new().id_salt("held rows").max_rect(body.shrink2(vec2(6.0, 3.0))));
        ScrollArea::vertical().auto_shrink([false, false]).show_rows(&mut child, look.row() + 4.0, held.len(), |ui, seen| {
            ui.spacing_mut().item_spacing.y = 0.0;
            let chosen = s.draft.as_ref().map(|d| d.id);
            for h in held.get(seen).unwrap_or(&[]) {
                if row(ui, cx, h, chosen == Some(h.id)) {
                    s.choose(h.id);
                }
            }
        });
    });
}

fn row(ui: &mut Ui, cx: &Cx<'_>, h: &Held, on: bool) -> bool {
    let look = cx.look;
    let t = look.t;
    let (r, resp) = ui.allocate_exact_size(vec2(ui.available_width(), look.row() + 4.0), Sense::click());
    let words = line(&h.message);
    resp.widget_info(|| WidgetInfo::selected(Role::ListItem, true, on, format!("Held: {words}")));
    if on {
        ui.painter().rect_filled(r, CornerRadius::same(5), t.selected);
    } else if resp.hovered() {
        ui.painter().rect_filled(r, CornerRadius::same(5), t.hover);
    }
    let (icon, color) = match h.message.dir {
        Dir::ToServer => (icons::ARROW_RIGHT, t.to_server),
        Dir::ToClient => (icons::ARROW_LEFT, t.to_client),
    };
    ink::icon(ui.painter(), pos2(r.left() + 16.0, r.center().y), icon, look.icon(1.1), color);
    let mut x = r.left() + 30.0;
    x += ink::chip(ui.painter(), look, pos2(x, r.center().y), h.message.proto, t.text_quiet) + 8.0;
    let right = Rect::from_min_max(pos2(r.right() - 240.0, r.top()), pos2(r.right() - 8.0, r.bottom()));
    let used = ink::right(ui.painter(), right, &format!("{}   {}", h.server, waited(h.age)), look.mono_small(), t.text_faint);
    ink::left(
        ui.painter(),
        Rect::from_min_max(pos2(x, r.top()), pos2(r.right() - used - 20.0, r.bottom())),
        &words,
        look.mono(),
        t.text_strong,
    );
    resp.clicked()
}

/// The editor of the held message that is looked at.
pub fn editor(ui: &mut Ui, cx: &mut Cx<'_>, s: &mut Steering, rect: Rect) {
    let look = cx.look;
    let t = look.t;
    let Some(h) = s.chosen().cloned() else { return };
    pane(ui, look, "held editor", rect, |ui| {
        let inner = head(ui, look, rect, |ui| {
            let words = if s.draft.as_ref().is_some_and(|d| d.answer) {
                format!("Your answer to {}", line(&h.message))
            } else {
                format!("Held on its way {}", way(h.message.dir))
            };
            let g = ink::line(ui.painter(), &words, look.semi(), t.text_strong, (rect.width() - 130.0).max(60.0));
            let (r, _) = ui.allocate_exact_size(g.size(), Sense::hover());
            ui.painter().galley(r.min, g, t.text_strong);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.label(RichText::new(waited(h.age)).font(look.mono_small()).color(t.warn));
            });
        });
        let foot_h = look.size + 29.0;
        let foot = Rect::from_min_max(pos2(inner.left(), inner.bottom() - foot_h), inner.max);
        buttons(ui, cx, s, &h, foot.shrink2(vec2(12.0, 4.0)));
        let text = Rect::from_min_max(inner.min, pos2(inner.right(), foot.top())).shrink2(vec2(12.0, 8.0));
        let mut child = ui.new_child(egui::UiBuilder::new().id_salt("held text").max_rect(text));
        fields(&mut child, cx, s, text);
    });
}

fn fields(ui: &mut Ui, cx: &Cx<'_>, s: &mut Steering, rect: Rect) {
    let look = cx.look;
    let t = look.t;
    let wrong = s.wrong.clone();
    let Some(d) = &mut s.draft else { return };
    let mut problem = None;
    let line_h = look.size + 6.0;
    let with_body = d.has_body();
    let rows = d.head.lines().count().max(1) as f32 + 1.0;
    let head_h = if with_body { (rows * line_h + 10.0).min(rect.height() * 0.55) } else { rect.height() - 34.0 };
    let edit = |ui: &mut Ui, id: &str, name: &str, text: &mut String, height: f32| {
        ScrollArea::vertical().id_salt(id).max_height(height).auto_shrink([false, false]).show(ui, |ui| {
            let edit = TextEdit::multiline(text)
                .font(look.mono())
                .text_color(t.text_strong)
                .desired_width(f32::INFINITY)
                .desired_rows((height / line_h).max(1.0) as usize)
                .frame(edge(look));
            let r = ui.add(edit);
            r.widget_info(|| WidgetInfo::labeled(Role::MultilineTextInput, true, name));
        });
    };
    edit(ui, "held head", "Line and headers", &mut d.head, head_h);
    ui.add_space(6.0);
    if with_body {
        ui.horizontal(|ui| {
            ui.label(RichText::new("Body").font(look.small()).color(t.text_faint));
            let chosen = usize::from(d.body_as == BodyAs::Hex);
            if let Some(i) = button::choice(ui, look, &[("", "Text"), ("", "Hex")], chosen, &[]) {
                problem = d.show_body_as(if i == 1 { BodyAs::Hex } else { BodyAs::Text }).err();
            }
        });
        ui.add_space(4.0);
        let room = (rect.bottom() - ui.cursor().top() - if wrong.is_some() { 26.0 } else { 2.0 }).max(40.0);
        edit(ui, "held body", "Body", &mut d.body, room);
    } else {
        ui.label(
            RichText::new("The body is not here yet: it follows the head as it comes.").font(look.fine()).color(t.text_faint),
        );
    }
    if let Some(why) = problem.or(wrong) {
        ui.label(RichText::new(&why).font(look.fine()).color(t.err));
        s.wrong = Some(why);
    }
}

fn buttons(ui: &mut Ui, cx: &mut Cx<'_>, s: &mut Steering, h: &Held, rect: Rect) {
    let look = cx.look;
    let mut child =
        ui.new_child(egui::UiBuilder::new().id_salt("held buttons").max_rect(rect).layout(Layout::left_to_right(Align::Center)));
    child.spacing_mut().item_spacing.x = 8.0;
    let ui = &mut child;
    let Some(d) = &s.draft else { return };
    let (changed, answer) = (d.changed(), d.answer);
    let verb = match (answer, changed) {
        (true, _) => "Send answer",
        (false, true) => "Send changed",
        (false, false) => "Send",
    };
    let c = Command::SendHeld;
    if button::tip(button::labelled(ui, look, Some(icons::PLAY), verb, true), c.facts().tip, &c.keys()).clicked() {
        cx.acts.push(Act::Do(c));
    }
    if changed {
        if button::labelled(ui, look, Some(icons::CLOCK_COUNTER_CLOCKWISE), "Undo", false).clicked()
            && let Some(d) = &mut s.draft
        {
            d.undo();
            s.wrong = None;
        }
    } else if h.message.dir == Dir::ToServer
        && button::tip(
            button::labelled(ui, look, Some(icons::ARROW_U_UP_LEFT), "Answer…", false),
            Command::AnswerHeld.facts().tip,
            "",
        )
        .clicked()
    {
        cx.acts.push(Act::Do(Command::AnswerHeld));
    }
    let c = Command::DropHeld;
    if button::tip(button::labelled(ui, look, Some(icons::PROHIBIT), "Drop", false), c.facts().tip, &c.keys()).clicked() {
        cx.acts.push(Act::Do(c));
    }
    if rect.width() > 420.0
        && button::tip(button::labelled(ui, look, None, "Reset", false), "Break the connection off", "").clicked()
    {
        cx.acts.push(Act::Release(h.id, Release::Reset));
    }
}
