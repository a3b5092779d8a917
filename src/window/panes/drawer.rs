//! The drawer: the provenance strand, from the selected value through every transformation down to its packets.

use crate::act::Act;
use crate::command::Command;
use crate::format;
use crate::panes::{Cx, bytes, head, pane};
use crate::strand::{Part, SHOWN, Step};
use crate::tab::Tab;
use crate::theme::{Look, icons};
use crate::view;
use crate::widgets::{button, ink, vlist};
use egui::epaint::CubicBezierShape;
use egui::{Color32, CornerRadius, Rect, ScrollArea, Sense, Shape, Stroke, StrokeKind, Ui, UiBuilder, Vec2, pos2, vec2};

/// Bytes shown of a part.
const HEX: usize = 8;
const GAP: f32 = 76.0;
const ROW: f32 = 46.0;

/// Shows it.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, rect: Rect) {
    let look = cx.look;
    pane(ui, look, "drawer", rect, |ui| {
        let body = head(ui, look, rect, |ui| {
            let g = ui.painter().layout_no_wrap("Where it came from".into(), look.semi(), look.t.text_strong);
            let (r, _) = ui.allocate_exact_size(g.size(), Sense::hover());
            ui.painter().galley(r.min, g, look.t.text_strong);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if bytes::close_button(ui, look, "Close the drawer", &Command::Drawer.keys()) {
                    cx.acts.push(Act::Do(Command::Drawer));
                }
                let c = Command::CopyPath;
                if button::icon(ui, look, icons::COPY, c.facts().text, &c.keys(), tab.selection.span.is_some(), false).clicked() {
                    cx.acts.push(Act::Do(c));
                }
            });
        });
        let (Some(t), Some(span)) = (tab.shown(), tab.selection.span) else {
            vlist::empty(
                ui,
                look,
                body,
                icons::PATH,
                "No bytes selected",
                "Click a field or a byte: the way from its value down to its packets appears here.",
            );
            return;
        };
        let Some(steps) = tab.desk.strand(&t, span) else { return };
        let (label, value) = tab
            .selection
            .node
            .and_then(|n| t.tree.nodes.get(n))
            .map_or_else(|| ("Bytes".to_owned(), String::new()), |n| (n.field.label.to_owned(), t.tree.display(n)));
        let mut child = ui.new_child(UiBuilder::new().id_salt("strand").max_rect(body.shrink2(vec2(0.0, 4.0))));
        child.set_clip_rect(body.intersect(ui.clip_rect()));
        ScrollArea::both()
            .id_salt("strand scroll")
            .auto_shrink([false, false])
            .show(&mut child, |ui| strand(ui, cx, tab, &label, &value, &steps));
    });
}

/// Where a node of the strand was drawn.
struct Drawn {
    left: egui::Pos2,
    right: egui::Pos2,
}

fn strand(ui: &mut Ui, cx: &mut Cx<'_>, tab: &Tab, label: &str, value: &str, steps: &[Step]) {
    let look = cx.look;
    let t = look.t;
    let cw = ink::char_width(ui.painter(), &look.mono_small());
    let width_of = |s: &Step| {
        let bytes = s.parts.iter().map(|p| p.bytes.len().min(HEX)).max().unwrap_or(0) as f32;
        ((bytes * 3.0 + 2.0) * cw + 20.0).clamp(150.0, 240.0)
    };
    let shown = if value.is_empty() { label } else { value };
    let shown = shown.get(..shown.floor_char_boundary(80)).unwrap_or(shown);
    let first_width =
        (ui.painter().layout_no_wrap(shown.to_owned(), look.mono_medium(), t.text).size().x + 24.0).clamp(100.0, 240.0);
    let rows = steps.iter().map(|s| s.parts.len() + usize::from(s.more > 0)).max().unwrap_or(1) as f32;
    let total = vec2(
        first_width + steps.iter().map(|s| width_of(s) + GAP).sum::<f32>() + 40.0,
        (rows * (ROW + 8.0) + 40.0).max(ui.available_height() - 4.0),
    );
    let (area, _) = ui.allocate_exact_size(total, Sense::hover());
    let mid = area.top() + 24.0 + (rows * (ROW + 8.0)) / 2.0;
    let mut x = area.left() + 16.0;
    let first = Rect::from_min_size(pos2(x, mid - ROW / 2.0), vec2(first_width, ROW));
    caption(ui, look, pos2(x, area.top() + 4.0), first_width, label);
    ui.painter().rect(first, CornerRadius::same(8), t.selected, Stroke::new(1.0, t.accent), StrokeKind::Inside);
    ink::center(ui.painter(), first.shrink(6.0), shown, look.mono_medium(), t.text_strong);
    let mut last = vec![Drawn { left: first.left_center(), right: first.right_center() }];
    x += first_width;
    for step in steps {
        let w = width_of(step);
        x += GAP;
        caption(ui, look, pos2(x, area.top() + 4.0), w + GAP - 10.0, &step.label);
        // Beside a fork there is no line in the middle that words could stand on.
        let how_at = if step.parts.len() > 1 || last.len() > 1 { mid - ROW } else { mid };
        let count = step.parts.len() + usize::from(step.more > 0);
        let top = mid - (count as f32 * (ROW + 8.0) - 8.0) / 2.0;
        let mut drawn = Vec::new();
        for (i, part) in step.parts.iter().enumerate() {
            let r = Rect::from_min_size(pos2(x, top + i as f32 * (ROW + 8.0)), vec2(w, ROW));
            node(ui, cx, tab, part, r, step.exact);
            drawn.push(Drawn { left: r.left_center(), right: r.right_center() });
        }
        if step.more > 0 {
            let r = Rect::from_min_size(pos2(x, top + step.parts.len() as f32 * (ROW + 8.0)), vec2(w, 20.0));
            ink::left(
                ui.painter(),
                r,
                &format!("and {}", format::count(step.more as u64, "more run", "more runs")),
                look.fine(),
                t.text_quiet,
            );
        }
        // One line from each to each: where the step forks or joins, the curves do.
        for (i, from) in last.iter().enumerate() {
            for (j, to) in drawn.iter().enumerate() {
                if last.len() == drawn.len() && i != j {
                    continue;
                }
                curve(ui, from.right, to.left, if step.exact { t.accent } else { t.warn }, step.exact);
            }
        }
        if !step.how.is_empty() {
            let words = if step.exact { step.how.to_owned() } else { format!("{} ~", step.how) };
            let at = Rect::from_center_size(pos2(x - GAP / 2.0, how_at - 10.0), vec2(GAP - 8.0, 16.0));
            ink::center(ui.painter(), at, &words, look.fine(), if step.exact { t.text_quiet } else { t.warn });
        }
        x += w;
        last = drawn;
    }
}

fn caption(ui: &Ui, look: &Look, at: egui::Pos2, width: f32, text: &str) {
    ink::left(ui.painter(), Rect::from_min_size(at, vec2(width, 16.0)), text, look.small(), look.t.text_faint);
}

fn curve(ui: &Ui, from: egui::Pos2, to: egui::Pos2, color: Color32, exact: bool) {
    let bend = Vec2::new(GAP * 0.5, 0.0);
    let shape = CubicBezierShape::from_points_stroke(
        [from, from + bend, to - bend, to],
        false,
        Color32::TRANSPARENT,
        Stroke::new(1.5, color),
    );
    if exact {
        ui.painter().add(shape);
    } else {
        ui.painter().extend(Shape::dashed_line(&shape.flatten(None), Stroke::new(1.5, color), 4.0, 3.0));
    }
    ui.painter().circle_filled(to, 2.5, color);
}

fn node(ui: &mut Ui, cx: &mut Cx<'_>, tab: &Tab, part: &Part, r: Rect, exact: bool) {
    let look = cx.look;
    let t = look.t;
    let id = ui.scope_id().with(("strand", part.span.buf, part.span.at, part.span.len));
    let resp = ui.interact(r, id, Sense::click());
    let place = match part.packet {
        Some(p) => format!("Packet {} · {}", format::number(u64::from(p) + 1), format::range(&part.span)),
        None => format::range(&part.span),
    };
    resp.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, &place));
    let edge = if resp.hovered() || resp.has_focus() { t.accent } else { t.line_strong };
    ui.painter().rect(r, CornerRadius::same(8), t.raised, Stroke::new(1.0, edge), StrokeKind::Inside);
    let upper = Rect::from_min_max(r.min + vec2(10.0, 4.0), pos2(r.right() - 8.0, r.center().y + 1.0));
    let lower = Rect::from_min_max(pos2(r.left() + 10.0, r.center().y), r.max - vec2(8.0, 5.0));
    ink::left(ui.painter(), upper, &place, look.small(), if exact { t.text } else { t.warn });
    let hex = format::hex(&part.bytes, HEX);
    let hex = if part.span.len as usize > part.bytes.len().min(HEX) && !hex.ends_with('…') && part.bytes.len() <= SHOWN {
        format!("{hex} …")
    } else {
        hex
    };
    ink::left(ui.painter(), lower, &hex, look.mono_small(), t.text_quiet);
    if resp.clicked() {
        if let Some(p) = part.packet {
            cx.acts.push(Act::Packet(p));
        } else if tab.shown().is_some_and(|s| s.tree.buffer(part.span.buf).is_some()) {
            cx.acts.push(Act::Byte(part.span.buf, part.span.at));
        }
    }
    if let Some(row) = part.packet.and_then(|p| tab.snap.packet(p)) {
        let verdicts: Vec<&str> = view::verdicts(&row).iter().map(|v| v.label).collect();
        if !verdicts.is_empty() {
            resp.on_hover_text(verdicts.join(", "));
        }
    }
}
