//! The ladder pane: lifelines with their states, messages and TCP events as arrows, what is inside drawn as inside.

use crate::act::Act;
use crate::command::Command;
use crate::format;
use crate::ladder::place::{BREAK, Places, Spacing, thickness};
use crate::ladder::{Ladder, Role, Scope, Step, What, words};
use crate::panes::packets::hue_name;
use crate::panes::{Cx, head, pane};
use crate::select::Selection;
use crate::tab::{Region, Tab};
use crate::theme::{Look, icons};
use crate::view;
use crate::widgets::tree::severity_mark;
use crate::widgets::vlist::{self, BAR, VList};
use crate::widgets::{button, ink};
use egui::{Align, Color32, CornerRadius, Layout, Painter, Rect, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use std::sync::Arc;
use wirelore_kit::{ConvId, Side, State};
use wirelore_store::Snapshot;

/// Column of times.
const TIME: f32 = 84.0;
/// What arrows and times need; the rest is for states.
const ARROWS: f32 = 390.0;

/// Shows it.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, rect: Rect) {
    let look = cx.look;
    pane(ui, look, "ladder", rect, |ui| {
        let scope = tab.ladder_scope(cx.prefs);
        let body = head(ui, look, rect, |ui| controls(ui, cx, tab));
        let Some(scope) = scope else {
            let hint = "Select a message or a connection: who said what, and when, is drawn here as arrows.";
            vlist::empty(ui, look, body, icons::ARROWS_LEFT_RIGHT, "No conversation selected", hint);
            return;
        };
        let Some(ladder) = tab.ladder(scope, cx.prefs) else {
            if let Some(why) = &tab.ladders.broken {
                vlist::empty(ui, look, body, icons::WARNING_CIRCLE, "The ladder could not be made", why);
            } else {
                ink::center(&ui.painter_at(body), body, "Reading…", look.text(), look.t.text_faint);
            }
            return;
        };
        if ladder.steps.is_empty() {
            let hint = "No message of this conversation was recognised. Turn on TCP's own events to see its segments.";
            vlist::empty(ui, look, body, icons::ARROWS_LEFT_RIGHT, "No messages", hint);
            return;
        }
        draw(ui, cx, tab, &ladder, body);
    });
}

fn controls(ui: &mut Ui, cx: &mut Cx<'_>, tab: &Tab) {
    let look = cx.look;
    let p = &cx.prefs.ladder;
    ui.spacing_mut().item_spacing.x = 4.0;
    let c = Command::LadderScope;
    let tips = [
        format!("The exchange or conversation that is selected  ({})", c.keys()),
        format!("All of the connection  ({})", c.keys()),
    ];
    if button::choice(ui, look, &[("", "Exchange"), ("", "Connection")], usize::from(p.whole), &tips).is_some() {
        cx.acts.push(Act::Do(c));
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        for (c, icon, on) in [
            (Command::ExportLadder, icons::DOWNLOAD_SIMPLE, false),
            (Command::ZoomIn, icons::PLUS, false),
            (Command::ZoomOut, icons::MINUS, false),
            (Command::LadderScale, icons::RULER, p.to_scale),
            (Command::LadderCarriers, icons::STACK, p.carriers),
            (Command::LadderTcp, icons::NETWORK, p.tcp),
        ] {
            if button::icon(ui, look, icon, c.facts().text.trim_end_matches('…'), &c.keys(), true, on).clicked() {
                cx.acts.push(Act::Do(c));
            }
        }
        if tab.ladders.busy() || tab.courses.busy() {
            let (r, _) = ui.allocate_exact_size(vec2(60.0, look.row()), Sense::hover());
            ink::right(ui.painter(), r, "reading…", look.fine(), look.t.text_quiet);
        }
    });
}

/// Where lifelines and columns stand.
struct Grid {
    lanes: Vec<f32>,
    states: bool,
    left: f32,
    right: f32,
}

impl Grid {
    fn new(body: Rect, lanes: usize, states: bool) -> Grid {
        let right = body.right() - BAR;
        let room = right - body.left();
        // Beyond the server's lifeline stands a third one, or its states.
        let column = if lanes > 2 { (room - ARROWS - 150.0).min(130.0) } else { ((room - ARROWS) / 2.0).min(210.0) };
        let states = states && column >= 100.0;
        // Without columns of states there must be room for the names over the lifelines.
        let first = body.left() + TIME + if states { column } else { 24.0 };
        let last = (right - if states && lanes <= 2 { column } else { 64.0 }).max(first + 40.0);
        let n = lanes.max(2);
        // The data connection stands closer: between client and server most is said.
        let share = |i: usize| {
            if n == 2 {
                i as f32
            } else {
                [0.0, 0.66, 1.0].get(i).copied().filter(|_| n == 3).unwrap_or(i as f32 / (n - 1) as f32)
            }
        };
        Grid {
            lanes: (0..lanes.max(1)).map(|i| (first + (last - first) * share(i)).round() + 0.5).collect(),
            states,
            left: body.left(),
            right,
        }
    }

    fn x(&self, lane: u8) -> f32 {
        self.lanes.get(usize::from(lane)).or(self.lanes.last()).copied().unwrap_or(0.0)
    }
}

fn draw(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, l: &Arc<Ladder>, body: Rect) {
    let look = cx.look;
    let t = look.t;
    let snap = tab.snap.clone();
    let selected = l.row_of(&tab.selection);
    let near = l.nearest(&tab.selection);
    let grid = Grid::new(body, l.lanes.len(), !l.changes.is_empty());
    let heads_h = (look.size * 3.0 + 30.0).round();
    let heads = Rect::from_min_size(body.min, vec2(body.width(), heads_h));
    let area = Rect::from_min_max(pos2(body.left(), heads.bottom()), body.max);
    let spacing = Spacing { to_scale: cx.prefs.ladder.to_scale, zoom: cx.prefs.ladder.zoom, text: look.size };
    let places = tab.ladders.places(l, spacing);
    lane_heads(ui, look, heads, &grid, l, &state_convs(&snap, l, tab.selection.message, near), near);

    if std::mem::take(&mut tab.reveal_step)
        && let Some(i) = near
    {
        reveal(&mut tab.ladder_list.top, &places, i, f64::from(area.height()));
    }
    let keyboard = tab.region == Region::View;
    let mut state = std::mem::take(&mut tab.ladder_list);
    let marks = marks(look, l, &places);
    let list = VList {
        id: Region::View.id(),
        name: "Ladder",
        rows: places.height.ceil() as u64,
        row_height: 1.0,
        marks: &marks,
        selected: None,
        role: None,
    };
    zoomed(ui, cx, area);
    let h = list.show(ui, look, area, &mut state, |_| String::new(), |_| {});
    let top = state.top;
    tab.ladder_list = state;
    let p = ui.painter_at(Rect::from_min_max(area.min, pos2(area.right() - BAR, area.bottom())));
    let y = |at: f64| (f64::from(area.top()) + at - top).round() as f32;
    let seen = places.visible(top, top + f64::from(area.height()));
    let pinned = bands(&p, look, l, &places, &grid, area, &y, &seen);
    for x in &grid.lanes {
        p.vline(*x, area.y_range(), Stroke::new(1.5, t.line_strong));
    }
    let start = l.steps.iter().map(|s| s.time).find(|t| *t != i64::MIN).unwrap_or(i64::MIN);
    let mut clicked = None;
    for i in seen {
        let Some(st) = l.steps.get(i) else { continue };
        let row = Rect::from_min_max(pos2(grid.left + 4.0, y(places.top(i))), pos2(grid.right - 2.0, y(places.bottom(i))));
        if let Some(ns) = places.silence(i) {
            let above = if st.begins { places.above as f32 } else { 0.0 };
            silence(&p, look, &grid, row.top() - above - BREAK as f32 / 2.0, ns);
        }
        let id = Region::View.id().with(("step", st.what));
        let r = ui.interact(row.intersect(area), id, Sense::CLICK);
        r.widget_info(|| {
            let (label, sub) = words(&snap, st);
            let way = l.lanes.get(usize::from(st.from)).zip(l.lanes.get(usize::from(st.to)));
            let way = way.map_or_else(String::new, |(a, b)| format!("{} to {}", a.name, b.name));
            WidgetInfo::selected(egui::Role::Row, true, selected == Some(i), format!("Arrow {}: {label}, {sub}, {way}", i + 1))
        });
        if r.hovered() {
            tab.hover_next.row = Some(st.what);
        }
        if r.clicked() {
            clicked = Some(st.what);
        }
        let lit = tab.hover.row == Some(st.what) || r.hovered();
        ground(&p, look, row, selected == Some(i), lit, keyboard);
        arrow(&p, look, &snap, st, &grid, row, &places, selected == Some(i), start);
        for c in l.changes_of(i) {
            change(&p, look, &grid, row, c.side, c.state, st);
        }
    }
    pin(&p, look, &grid, area, pinned);
    if l.left_out > 0 && top + f64::from(area.height()) >= places.height - 1.0 {
        let words = format!("{} more are not drawn", format::number(l.left_out));
        let foot = Rect::from_min_max(pos2(grid.left, area.bottom() - 22.0), pos2(grid.right, area.bottom()));
        p.rect_filled(foot, 0, t.raised);
        ink::center(&p, foot, &words, look.fine(), t.warn);
    }
    if let Some(what) = clicked {
        h.response.request_focus();
        cx.acts.push(Act::Select(select(&snap, what, tab)));
    }
    if h.response.has_focus() || h.response.clicked() {
        tab.region = Region::View;
    }
    if h.response.clicked() {
        h.response.request_focus();
    }
    h.response.context_menu(|ui| {
        for c in [
            Command::LadderScope,
            Command::LadderTcp,
            Command::LadderCarriers,
            Command::LadderScale,
            Command::ExportLadder,
            Command::CopyRow,
            Command::FollowStream,
        ] {
            if ui.button(c.facts().text).on_hover_text(c.facts().tip).clicked() {
                cx.acts.push(Act::Do(c));
                ui.close();
            }
        }
    });
}

/// The selection that an arrow stands for.
#[must_use]
pub fn select(s: &Snapshot, what: What, tab: &Tab) -> Selection {
    match what {
        What::Message(m) => Selection::message(s, m, tab.selection.packet),
        What::Packet(p) => Selection::packet(s, p, tab.selection.message),
    }
}

/// Moves as little as needed so that an arrow is seen, with one more at its side.
fn reveal(top: &mut f64, places: &Places, step: usize, height: f64) {
    let (from, to) = (places.top(step) - 24.0, places.bottom(step) + 24.0);
    if from < *top {
        *top = if *top - from > height { from - height / 3.0 } else { from };
    } else if to > *top + height {
        *top = if to - *top > 2.0 * height { from - height / 3.0 } else { to - height };
    }
    *top = top.clamp(0.0, (places.height - height).max(0.0));
}

/// The wheel with Ctrl, and two fingers, zoom.
fn zoomed(ui: &Ui, cx: &mut Cx<'_>, area: Rect) {
    let factor = ui.input(|i| i.zoom_delta());
    if (factor - 1.0).abs() > 0.01 && ui.rect_contains_pointer(area) {
        cx.acts.push(Act::Zoom(factor));
    }
}

/// The conversations whose states may stand over the lifelines: that of the selected message or the arrow next to it, then those around it.
fn state_convs(s: &Snapshot, l: &Ladder, selected: Option<u32>, near: Option<usize>) -> Vec<ConvId> {
    let upto = near.map_or(l.steps.len(), |i| i + 1);
    let arrow = || {
        l.steps.iter().take(upto).rev().find_map(|st| match st.what {
            What::Message(m) => Some(m),
            What::Packet(_) => None,
        })
    };
    let mut out: Vec<ConvId> = selected.or_else(arrow).and_then(|m| s.message(m)).map(|m| m.conv).into_iter().collect();
    while let Some(row) = out.last().and_then(|c| s.inside(*c))
        && out.len() < 8
    {
        out.push(row.outer);
    }
    out
}

fn lane_heads(ui: &mut Ui, look: &Look, rect: Rect, grid: &Grid, l: &Ladder, convs: &[ConvId], selected: Option<usize>) {
    let t = look.t;
    let p = ui.painter_at(rect);
    p.rect_filled(rect, 0, t.panel);
    p.hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, t.line));
    let at = selected.unwrap_or(l.steps.len().saturating_sub(1));
    // Of a protocol that names no states, those of what is around it.
    let states = convs.iter().map(|c| l.states_at(*c, at)).find(|s| s.iter().any(Option::is_some)).unwrap_or_default();
    let near = grid.lanes.windows(2).filter_map(|w| Some(w.get(1)? - w.first()?)).fold(f32::INFINITY, f32::min);
    let width = if grid.lanes.len() < 2 { rect.width() } else { near - 10.0 };
    for (i, lane) in l.lanes.iter().enumerate() {
        let x = grid.x(i as u8);
        let half = (width / 2.0).clamp(20.0, 150.0);
        // A name never leaves the pane: at the edge it stands a little beside its lifeline.
        let mid = x.min(grid.right - half.min(90.0)).max(rect.left() + half.min(90.0));
        let half = half.min(grid.right - mid).min(mid - rect.left());
        let cell =
            |top: f32, h: f32| Rect::from_min_max(pos2(mid - half, rect.top() + top), pos2(mid + half, rect.top() + top + h));
        let (role, side) = match lane.role {
            Role::Client => ("Client", Some(Side::Client)),
            Role::Server => ("Server", Some(Side::Server)),
            Role::Data => ("Data", None),
        };
        let line = look.size + 5.0;
        let name = if lane.address.starts_with(lane.name.as_str()) { role } else { lane.name.as_str() };
        ink::center(&p, cell(5.0, line), name, look.semi(), t.text_strong);
        ink::center(&p, cell(5.0 + line, line), &lane.address, look.mono_small(), t.text_quiet);
        let state: Option<&'static State> = side.and_then(|s| states.get(s as usize).copied().flatten());
        if let Some(state) = state {
            chip(&p, look, cell(8.0 + 2.0 * line, line + 2.0), state.label, if i == 0 { t.to_server } else { t.to_client });
            let r = ui.interact(cell(8.0 + 2.0 * line, line + 2.0), ui.scope_id().with(("state", i)), Sense::hover());
            r.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, format!("{role}: {}", state.label)));
            r.on_hover_text(format!("{role} at the selected moment: {}\n{}", state.label, state.name));
        }
    }
}

/// A state as a tinted pill in the middle of a cell.
fn chip(p: &Painter, look: &Look, cell: Rect, text: &str, hue: Color32) {
    let g = ink::line(p, text, look.small(), hue, cell.width() - 14.0);
    let r = Rect::from_center_size(cell.center(), vec2(g.size().x + 14.0, cell.height())).intersect(cell);
    p.rect_filled(r, CornerRadius::same(9), look.t.tint(hue));
    p.galley((r.center() - g.size() / 2.0).round(), g, hue);
}

#[allow(clippy::too_many_arguments)]
fn bands(
    p: &Painter,
    look: &Look,
    l: &Ladder,
    places: &Places,
    grid: &Grid,
    area: Rect,
    y: &dyn Fn(f64) -> f32,
    seen: &std::ops::Range<usize>,
) -> String {
    let t = look.t;
    // Only grounds that reach into what is seen: they are sorted by their first arrow.
    let upto = l.bands.partition_point(|b| (b.first as usize) < seen.end);
    let mut pinned = String::new();
    for (i, b) in l.bands.iter().enumerate().take(upto).filter(|(_, b)| b.last as usize >= seen.start) {
        let hue = t.hue(&hue_name(b.label));
        let inset = f32::from(b.depth) * 6.0;
        let (top, bottom) = (y(places.ground_top(b.first as usize)), y(places.bottom(b.last as usize)) + 2.0);
        let r = Rect::from_min_max(pos2(grid.left + 6.0 + inset, top), pos2(grid.right - 6.0 - inset, bottom));
        let r = Rect::from_min_max(
            pos2(r.left(), r.top().max(area.top() - 20.0)),
            pos2(r.right(), r.bottom().min(area.bottom() + 20.0)),
        );
        p.rect(
            r,
            CornerRadius::same(7),
            hue.gamma_multiply(if t.dark { 0.055 } else { 0.045 }),
            Stroke::new(1.0, hue.gamma_multiply(0.22)),
            StrokeKind::Inside,
        );
        p.rect_filled(Rect::from_min_size(r.min, vec2(3.0, r.height())), CornerRadius { nw: 3, sw: 3, ne: 0, se: 0 }, hue);
        if top < area.top() - 2.0 {
            // Its last arrow may have gone already.
            if bottom < area.top() + 26.0 {
                continue;
            }
            if !pinned.is_empty() {
                pinned.push_str(" › ");
            }
            pinned.push_str(b.label);
        } else if places.labels {
            // Grounds that begin with the same arrow stand next to each other, and share the line.
            let before = l.bands.iter().take(i).rev().take_while(|o| o.first == b.first);
            let used: f32 = before.map(|b| p.layout_no_wrap(format!("{} › ", b.label), look.small(), hue).size().x).sum();
            let inner = l.bands.get(i + 1).is_some_and(|o| o.first == b.first);
            let words = if inner { format!("{} ›", b.label) } else { b.label.to_owned() };
            let x = grid.left + 16.0 + inset + used;
            let cell = Rect::from_min_max(pos2(x, top + 2.0), pos2(grid.x(0) - 8.0, top + look.size + 7.0));
            ink::left(p, cell, &words, look.small(), hue);
        }
    }
    pinned
}

/// The name of the ground that reaches in from above, over what is drawn there.
fn pin(p: &Painter, look: &Look, grid: &Grid, area: Rect, words: String) {
    if words.is_empty() {
        return;
    }
    let g = p.layout_no_wrap(words, look.small(), look.t.text_quiet);
    let r = Rect::from_min_size(pos2(grid.left + 10.0, area.top() + 2.0), g.size() + vec2(10.0, 4.0));
    p.rect(r, CornerRadius::same(4), look.t.raised, Stroke::new(1.0, look.t.line), StrokeKind::Inside);
    p.galley(r.min + vec2(5.0, 2.0), g, look.t.text_quiet);
}

fn silence(p: &Painter, look: &Look, grid: &Grid, y: f32, ns: i64) {
    let t = look.t;
    // The lifelines break: time passes here.
    for x in &grid.lanes {
        p.rect_filled(Rect::from_center_size(pos2(*x, y), vec2(8.0, 10.0)), 0, t.panel);
        let zig = [pos2(*x, y - 8.0), pos2(*x - 4.0, y - 3.0), pos2(*x + 4.0, y + 3.0), pos2(*x, y + 8.0)];
        p.add(Shape::line(zig.to_vec(), Stroke::new(1.5, t.mark)));
    }
    let (a, b) = (grid.lanes.first().copied().unwrap_or(grid.left), grid.lanes.get(1).copied().unwrap_or(grid.right));
    let words = format!("{} of silence", format::duration(ns));
    ink::center(p, Rect::from_min_max(pos2(a + 8.0, y - 10.0), pos2(b - 8.0, y + 10.0)), &words, look.fine(), t.text_quiet);
}

fn ground(p: &Painter, look: &Look, row: Rect, selected: bool, lit: bool, keyboard: bool) {
    let t = look.t;
    let r = row.shrink2(vec2(3.0, 0.0));
    if selected {
        let fill = if keyboard { t.selected } else { t.selected_quiet };
        p.rect(r, CornerRadius::same(5), fill, Stroke::new(1.0, t.accent), StrokeKind::Inside);
    } else if lit {
        p.rect_stroke(r, CornerRadius::same(5), Stroke::new(1.0, t.text_quiet), StrokeKind::Inside);
    }
}

#[allow(clippy::too_many_arguments)]
fn arrow(p: &Painter, look: &Look, s: &Snapshot, st: &Step, grid: &Grid, row: Rect, places: &Places, selected: bool, start: i64) {
    let t = look.t;
    let message = matches!(st.what, What::Message(_));
    let (a, b) = (grid.x(st.from), grid.x(st.to));
    let thick = thickness(st.len, message);
    let line = look.size + 6.0;
    let y = if places.labels { row.top() + line + thick / 2.0 } else { row.center().y }.round() + 0.5;
    let color = match (message, st.worst.is_some()) {
        (false, true) => t.warn,
        (false, false) => t.mark,
        _ if st.from == 0 => t.to_server,
        _ => t.to_client,
    };
    let way = if b > a { 1.0 } else { -1.0 };
    let tip = 7.0 + thick * 0.5;
    let (from, to) = (a + way * 2.0, b - way * 4.0);
    let shaft = [pos2(from, y), pos2(to - way * tip, y)];
    if thick > 2.0 {
        let body = Rect::from_two_pos(pos2(from, y - thick / 2.0), pos2(to - way * tip, y + thick / 2.0));
        p.rect_filled(body, 2, color.gamma_multiply(0.8));
    } else if message && !st.cut {
        p.line_segment(shaft, Stroke::new(thick, color));
    } else {
        p.extend(Shape::dashed_line(&shaft, Stroke::new(thick, color), 5.0, 3.0));
    }
    let wing = 4.0 + thick / 2.0;
    let tip_points = vec![pos2(to, y), pos2(to - way * tip, y - wing), pos2(to - way * tip, y + wing)];
    p.add(Shape::convex_polygon(tip_points, color, Stroke::NONE));
    // Where the arrow passes a lifeline in between, a small arch says that it does not stop there.
    for x in grid.lanes.iter().filter(|x| (**x - a) * (**x - b) < 0.0) {
        p.circle_filled(pos2(*x, y), thick / 2.0 + 2.0, t.panel);
        p.circle_stroke(pos2(*x, y), thick / 2.0 + 2.0, Stroke::new(1.0, color));
    }
    let (lo, hi) = (a.min(b) + 12.0, a.max(b) - 12.0);
    if places.labels {
        let (label, sub) = words(s, st);
        let mut cell = Rect::from_min_max(pos2(lo, row.top() + 1.0), pos2(hi, row.top() + line - 1.0));
        if let Some(worst) = st.worst {
            let (icon, ink_color) = severity_mark(look, worst);
            ink::icon(p, pos2(cell.left() + 6.0, cell.center().y), icon, look.icon(1.0), ink_color);
            cell.min.x += 16.0;
        }
        let strong = if message || selected { t.text_strong } else { t.text_quiet };
        let font = if message { look.medium() } else { look.fine() };
        ink::center(p, cell, &label, font, strong);
        if places.subs && message {
            let top = y + thick / 2.0 + 3.0;
            let cell = Rect::from_min_max(pos2(lo, top), pos2(hi, top + line - 3.0));
            ink::center(p, cell, &sub, look.fine(), if selected { t.text } else { t.text_quiet });
        }
        // To the millisecond where that tells arrows apart, as a person would say it.
        if st.time != i64::MIN && start != i64::MIN {
            let at = Rect::from_min_max(pos2(grid.left + 14.0, y - line / 2.0), pos2(grid.left + TIME, y + line / 2.0));
            let ns = st.time.saturating_sub(start);
            let time = if ns == 0 { "0 s".to_owned() } else { format::duration(ns) };
            ink::right(p, at, &time, look.mono_small(), if selected { t.text } else { t.text_quiet });
        }
    }
}

fn change(p: &Painter, look: &Look, grid: &Grid, row: Rect, side: Side, state: &'static State, st: &Step) {
    let t = look.t;
    let y = row.top() + look.size + 6.0 + thickness(st.len, true) / 2.0;
    let (x, hue) = match side {
        Side::Client => (grid.x(0), t.to_server),
        Side::Server => (grid.x(1), t.to_client),
    };
    p.circle(pos2(x, y), 3.5, t.panel, Stroke::new(1.5, hue));
    if !grid.states {
        return;
    }
    let half = (look.size + 6.0) / 2.0;
    match side {
        Side::Client => {
            let cell = Rect::from_min_max(pos2(grid.left + TIME + 6.0, y - half), pos2(x - 9.0, y + half));
            ink::right(p, cell, state.label, look.fine(), t.text_quiet);
        }
        Side::Server if grid.lanes.len() <= 2 => {
            let cell = Rect::from_min_max(pos2(x + 9.0, y - half), pos2(grid.right - 14.0, y + half));
            ink::left(p, cell, state.label, look.fine(), t.text_quiet);
        }
        // The data connection's lifeline has the room beyond the server's.
        Side::Server => {}
    }
}

/// Notes as marks in the scrollbar.
fn marks(look: &Look, l: &Ladder, places: &Places) -> Vec<vlist::BarMark> {
    const MOST: usize = 400;
    l.steps
        .iter()
        .enumerate()
        .filter_map(|(i, s)| Some(((places.top(i) / places.height.max(1.0)) as f32, severity_mark(look, s.worst?).1)))
        .take(MOST)
        .collect()
}

/// What the head of the window says of the ladder's scope.
#[must_use]
pub fn scope_words(s: &Snapshot, scope: Scope) -> String {
    match scope {
        Scope::Flow(f) => s.flow(f).map_or_else(String::new, |f| view::flow_name(&f)),
        other => crate::ladder::title(s, other),
    }
}
