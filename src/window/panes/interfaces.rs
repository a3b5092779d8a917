//! Interfaces: the list of the start page with how busy each is, and the pill of a capture in the top bar.

use crate::act::Act;
use crate::command::Command;
use crate::door::{Interface, Refusal};
use crate::format;
use crate::panes::{Cx, fact};
use crate::sniffing::{Choosing, Sniffing};
use crate::theme::{Look, icons};
use crate::widgets::pill::Pill;
use crate::widgets::{button, ink};
use egui::{
    CornerRadius, Frame, Margin, Painter, Rect, RichText, Role, Sense, Shape, Stroke, TextEdit, Ui, WidgetInfo, pos2, vec2,
};

/// The list, the capture filter, and the button that starts.
pub fn choose(ui: &mut Ui, cx: &mut Cx<'_>, c: &mut Choosing) {
    let look = cx.look;
    let t = look.t;
    ui.horizontal(|ui| {
        ui.label(RichText::new("Interfaces of this machine").font(look.small()).color(t.text_faint));
        if button::icon(ui, look, icons::CLOCK_COUNTER_CLOCKWISE, "Look again", "", true, false).clicked() {
            c.again();
        }
    });
    ui.add_space(2.0);
    let list = match c.list() {
        None => {
            ui.label(RichText::new("Looking…").color(t.text_faint));
            return;
        }
        Some(Err(r)) => {
            let r = r.clone();
            return refusal(ui, cx, &r);
        }
        Some(Ok(list)) => list.to_vec(),
    };
    if list.is_empty() {
        ui.label(RichText::new("None that can be captured on.").color(t.text_quiet));
        return;
    }
    let lives = |i: &Interface| i.up && i.running;
    let asleep = list.iter().filter(|i| !lives(i)).count();
    for i in &list {
        let shown = c.all || lives(i) || c.chosen.contains(&i.name);
        if shown && row(ui, look, i, c.chosen.contains(&i.name), &c.rates(&i.name)) && !c.chosen.remove(&i.name) {
            c.chosen.insert(i.name.clone());
        }
    }
    if asleep > 0 && !c.all {
        let text = RichText::new(format!("{} that are off", format::count(asleep as u64, "more", "more"))).font(look.fine());
        if ui.link(text.color(t.accent)).clicked() {
            c.all = true;
        }
    }
    ui.add_space(6.0);
    ui.horizontal(|ui| {
        let edit = TextEdit::singleline(&mut c.filter)
            .font(look.mono())
            .text_color(t.text_strong)
            .hint_text("Capture filter, as in tcp port 443; empty: everything")
            .desired_width((ui.available_width() - 150.0).max(120.0))
            .frame(super::proxy::edge(look));
        let r = ui.add(edit);
        r.widget_info(|| WidgetInfo::labeled(Role::TextInput, true, "Capture filter"));
        let ready = c.wish().is_some();
        let entered = r.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
        let pressed = button::labelled(ui, look, Some(icons::PLAY), "Start capture", ready).clicked();
        if (pressed || entered) && ready {
            cx.acts.push(Act::Do(Command::StartCapture));
        }
    });
    if let Some(w) = c.wrong() {
        let at = c.filter.get(..w.span.start).map_or(0, |s| s.chars().count()) + 1;
        ui.label(RichText::new(format!("At character {at}: {} {}", w.what, w.advice)).font(look.fine()).color(t.err));
    } else if c.chosen.is_empty() {
        ui.label(RichText::new("Choose one interface or several.").font(look.fine()).color(t.text_faint));
    }
    if let Some(r) = c.refused.clone() {
        ui.add_space(4.0);
        refusal(ui, cx, &r);
    }
}

/// What was refused, and the line that mends it.
fn refusal(ui: &mut Ui, cx: &mut Cx<'_>, r: &Refusal) {
    let look = cx.look;
    let t = look.t;
    let p = &r.problem;
    Frame::new()
        .fill(t.raised)
        .stroke(Stroke::new(1.0, t.warn))
        .corner_radius(CornerRadius::same(7))
        .inner_margin(Margin::same(10))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.label(RichText::new(&p.what).font(look.medium()).color(t.text_strong));
            ui.label(RichText::new(format!("{} {}", p.why, p.what_to_do)).color(t.text));
            if let Some(line) = &r.mend {
                ui.horizontal(|ui| {
                    ui.label(RichText::new(line).font(look.mono()).color(t.text_strong));
                    if button::icon(ui, look, icons::COPY, "Copy this line", "", true, false).clicked() {
                        cx.acts.push(Act::Copy(line.clone(), "the line"));
                    }
                });
            }
        });
}

/// An interface: whether it is chosen, what it is, how busy. True when it was clicked.
fn row(ui: &mut Ui, look: &Look, i: &Interface, on: bool, rates: &[f32]) -> bool {
    let t = look.t;
    let (rect, r) = ui.allocate_exact_size(vec2(ui.available_width(), look.size + 19.0), Sense::click());
    let addresses = i.addresses.join(", ");
    r.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, on, format!("Interface {}: {addresses}", i.name)));
    if on || r.hovered() || r.has_focus() {
        ui.painter().rect_filled(rect, CornerRadius::same(7), if on { t.selected } else { t.hover });
    }
    let lamp = if i.up && i.running { t.ok } else { t.text_faint };
    ui.painter().circle_filled(pos2(rect.left() + 18.0, rect.center().y), 4.0, lamp);
    let line = Rect::from_min_max(pos2(rect.left() + 38.0, rect.top()), pos2(rect.right() - 156.0, rect.bottom()));
    let w = ink::left(ui.painter(), line, &i.name, look.medium(), t.text_strong);
    let what = if i.loopback {
        "this machine to itself"
    } else if !i.up {
        "off"
    } else if !i.running {
        "no link"
    } else {
        i.description.as_str()
    };
    let rest: Vec<&str> = [addresses.as_str(), what].into_iter().filter(|s| !s.is_empty()).collect();
    let rest_rect = Rect::from_min_max(pos2(line.left() + w + 12.0, line.top()), line.max);
    ink::left(ui.painter(), rest_rect, &rest.join(" · "), look.fine(), t.text_faint);
    let graph = Rect::from_min_max(pos2(rect.right() - 146.0, rect.top() + 6.0), pos2(rect.right() - 70.0, rect.bottom() - 6.0));
    sparkline(ui.painter(), graph, rates, t.accent, t.line);
    let now = rates.last().copied().unwrap_or(0.0);
    let cell = Rect::from_min_max(pos2(rect.right() - 66.0, rect.top()), pos2(rect.right() - 10.0, rect.bottom()));
    ink::right(ui.painter(), cell, &format!("{now:.0}/s"), look.fine(), t.text_quiet);
    r.clicked()
}

/// The last minute, highest at the top.
fn sparkline(p: &Painter, rect: Rect, rates: &[f32], color: egui::Color32, ground: egui::Color32) {
    p.hline(rect.x_range(), rect.bottom(), Stroke::new(1.0, ground));
    let most = rates.iter().copied().fold(1.0f32, f32::max);
    if rates.len() < 2 {
        return;
    }
    let step = rect.width() / 119.0;
    let points: Vec<egui::Pos2> = rates
        .iter()
        .rev()
        .enumerate()
        .map(|(i, r)| pos2(rect.right() - i as f32 * step, rect.bottom() - (r / most) * rect.height()))
        .collect();
    p.add(Shape::line(points, Stroke::new(1.3, color)));
}

/// The pill of a capture; a click opens what can be done to it.
pub fn pill(ui: &mut Ui, cx: &mut Cx<'_>, s: &Sniffing, number: usize) {
    let look = cx.look;
    let t = look.t;
    let state = &s.state;
    let (lamp, words) = match (state.running, &state.trouble) {
        (true, _) => {
            let counted = format!("{} packets, {} dropped", format::number(state.packets), format::number(state.dropped));
            (if state.dropped > 0 { t.warn } else { t.ok }, counted)
        }
        (false, Some(_)) => (t.err, "ended".to_owned()),
        (false, None) => (t.text_faint, "stopped".to_owned()),
    };
    let label = format!("Capture on {}", s.name);
    Pill { lamp, name: &s.name, words: &words, label: &label, width: 320.0 }.show(ui, look, |ui| {
        ui.add_space(4.0);
        ui.horizontal(|ui| {
            let (icon, text) = if state.running { (icons::STOP, "Stop") } else { (icons::PLAY, "Go on") };
            if button::labelled(ui, look, Some(icon), text, !state.running).clicked() {
                cx.acts.push(Act::Sniff(number, !state.running));
                ui.close();
            }
            if button::labelled(ui, look, Some(icons::DOWNLOAD_SIMPLE), "Save…", false).clicked() {
                cx.acts.push(Act::Do(Command::SaveCapture));
                ui.close();
            }
        });
        fact(ui, look, "Packets", &format::number(state.packets));
        fact(ui, look, "Dropped", &format::number(state.dropped));
        fact(ui, look, "Recorded", &format::size(state.recorded));
        fact(ui, look, "To", &state.file.display().to_string());
        if let Some(p) = &state.trouble {
            ui.label(RichText::new(format!("{}. {} {}", p.what, p.why, p.what_to_do)).font(look.fine()).color(t.err));
        }
    });
}
