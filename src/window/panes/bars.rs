//! The bars around the panes: tabs, source and filter, breadcrumb, rail of places.

use crate::act::Act;
use crate::command::Command;
use crate::format;
use crate::panes::filter::{self, FilterEdit};
use crate::panes::{Cx, sources};
use crate::prefs::View;
use crate::tab::Tab;
use crate::theme::{Look, icons};
use crate::widgets::{button, ink};
use egui::{Align, CornerRadius, Id, Layout, Rect, Role, Sense, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo, pos2, vec2};

/// A place of the rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    /// The lists and the reader.
    #[default]
    Traffic,
    /// What was transferred.
    Objects,
    /// Figures of the capture.
    Statistics,
    /// What changes messages on their way.
    Rules,
    /// How the window looks.
    Settings,
}

/// What a tab shows in the strip.
pub struct TabHead {
    /// File name, or what an empty tab is called.
    pub title: String,
    /// Whether it is being read.
    pub reading: bool,
    /// Where it is, for the tooltip.
    pub path: String,
}

/// Height of the strip of tabs.
#[must_use]
pub fn strip_height(look: &Look) -> f32 {
    look.size + 23.0
}

/// The strip of tabs.
pub fn strip(ui: &mut Ui, cx: &mut Cx<'_>, rect: Rect, heads: &[TabHead], current: usize) {
    let look = cx.look;
    let t = look.t;
    let mut x = rect.left() + 8.0;
    let room = (rect.width() - 60.0) / heads.len().max(1) as f32;
    for (i, h) in heads.iter().enumerate() {
        let on = i == current;
        let g = ink::line(ui.painter(), &h.title, look.medium(), t.text, (room - 66.0).clamp(30.0, 220.0));
        let w = g.size().x + 62.0;
        let r = Rect::from_min_max(pos2(x, rect.top() + 5.0), pos2(x + w, rect.bottom()));
        let id = Id::unique(("tab", i));
        let resp = ui.interact(r, id, Sense::click());
        resp.widget_info(|| WidgetInfo::selected(Role::Tab, true, on, &h.title));
        let radius = CornerRadius { nw: 8, ne: 8, sw: 0, se: 0 };
        if on {
            ui.painter().rect_filled(r, radius, t.panel);
            ui.painter().rect_filled(Rect::from_min_size(r.min + vec2(10.0, 0.0), vec2(w - 20.0, 2.0)), 1, t.accent);
        } else if resp.hovered() {
            ui.painter().rect_filled(r, radius, t.hover);
        }
        if resp.has_focus() {
            ui.painter().rect_stroke(r.shrink(1.0), radius, Stroke::new(2.0, t.accent), StrokeKind::Inside);
        }
        let y = r.center().y + 1.0;
        let icon_color = if h.reading { t.warn } else { t.text_quiet };
        ink::icon(
            ui.painter(),
            pos2(r.left() + 18.0, y),
            if h.reading {
                icons::HOURGLASS
            } else if h.path.is_empty() {
                icons::PLUS
            } else {
                icons::FILE
            },
            look.icon(1.1),
            icon_color,
        );
        let ink_color = if on { t.text_strong } else { t.text_quiet };
        ui.painter().galley_with_override_text_color(pos2(r.left() + 32.0, (y - g.size().y / 2.0).round()), g, ink_color);
        let cross = Rect::from_center_size(pos2(r.right() - 16.0, y), vec2(20.0, 20.0));
        let close = ui.interact(cross, id.with("close"), Sense::CLICK);
        close.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Close {}", h.title)));
        if on || resp.hovered() || close.hovered() {
            if close.hovered() {
                ui.painter().rect_filled(cross, CornerRadius::same(5), t.selected_quiet);
            }
            ink::icon(
                ui.painter(),
                cross.center(),
                icons::X,
                look.icon(0.9),
                if close.hovered() { t.text_strong } else { t.text_faint },
            );
        }
        if close.clicked() || resp.middle_clicked() {
            cx.acts.push(Act::Close(i));
        } else if resp.clicked() {
            cx.acts.push(Act::Tab(i));
        }
        if !h.path.is_empty() {
            resp.on_hover_text(&h.path);
        }
        x += w + 2.0;
    }
    let side = look.size + 11.0;
    let plus = Rect::from_center_size(pos2(x + side / 2.0 + 4.0, rect.center().y + 2.0), vec2(side, side));
    let mut child =
        ui.new_child(UiBuilder::new().id_salt("plus").max_rect(plus.expand(3.0)).layout(Layout::left_to_right(Align::Center)));
    let c = Command::NewTab;
    if button::icon(&mut child, look, icons::PLUS, c.facts().text, &c.keys(), true, false).clicked() {
        cx.acts.push(Act::Do(c));
    }
}

/// The bar of source, filter and palette.
pub fn top(ui: &mut Ui, cx: &mut Cx<'_>, rect: Rect, mut tab: Option<&mut Tab>, filter: FilterEdit<'_>) {
    let look = cx.look;
    let t = look.t;
    ui.painter().rect_filled(rect, 0, t.panel);
    let mut child = ui.new_child(
        UiBuilder::new().id_salt("top").max_rect(rect.shrink2(vec2(12.0, 0.0))).layout(Layout::left_to_right(Align::Center)),
    );
    child.set_clip_rect(rect);
    child.spacing_mut().item_spacing.x = 8.0;
    let ui = &mut child;
    let c = Command::Open;
    if button::icon(ui, look, icons::FOLDER_OPEN, "Open capture", &c.keys(), true, false).clicked() {
        cx.acts.push(Act::Do(c));
    }
    match &mut tab {
        Some(tab) if tab.is_live() => sources::pills(ui, cx, tab),
        Some(tab) => source(ui, cx, tab),
        None => {}
    }
    let c = Command::StartProxy;
    if cx.offers_proxy
        && tab.as_ref().is_some_and(|t| t.bench().is_none())
        && button::icon(ui, look, icons::PLUGS, c.facts().text, &c.keys(), true, false).clicked()
    {
        cx.acts.push(Act::Do(c));
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        let c = Command::ToggleTheme;
        if button::icon(ui, look, if t.dark { icons::SUN } else { icons::MOON }, c.facts().text, &c.keys(), true, false).clicked()
        {
            cx.acts.push(Act::Do(c));
        }
        let c = Command::Drawer;
        if tab.is_some() && button::icon(ui, look, icons::PATH, c.facts().text, &c.keys(), true, cx.prefs.drawer).clicked() {
            cx.acts.push(Act::Do(c));
        }
        let c = Command::Side;
        if tab.is_some() && button::icon(ui, look, icons::SQUARE_HALF, c.facts().text, &c.keys(), true, cx.prefs.side).clicked() {
            cx.acts.push(Act::Do(c));
        }
        commands(ui, cx, rect.width() > 900.0);
        if tab.is_some() {
            filter::show(ui, cx, filter);
        }
    });
}

fn source(ui: &mut Ui, cx: &Cx<'_>, tab: &Tab) {
    let look = cx.look;
    let t = look.t;
    let p = tab.snap.progress();
    let (color, words) = match (p.done, tab.stopped, tab.snap.facts().damages.is_empty()) {
        (false, ..) => (t.warn, "reading"),
        (true, true, _) => (t.warn, "stopped"),
        (true, false, false) => (t.err, "damaged"),
        (true, false, true) => (t.ok, "file"),
    };
    let size = tab.snap.facts().size.map(format::size).unwrap_or_default();
    let g = ink::pieces(
        ui.painter(),
        260.0,
        &[(&tab.title, look.medium(), t.text_strong), ("  ", look.fine(), t.text_quiet), (&size, look.fine(), t.text_quiet)],
    );
    let (rect, r) = ui.allocate_exact_size(vec2(g.size().x + 36.0, look.size + 15.0), Sense::hover());
    r.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("Source {}: {words}", tab.title)));
    ui.painter().rect(rect, CornerRadius::same(14), t.raised, Stroke::new(1.0, t.line_strong), StrokeKind::Inside);
    ui.painter().circle_filled(pos2(rect.left() + 15.0, rect.center().y), 4.0, color);
    ui.painter().galley(pos2(rect.left() + 26.0, (rect.center().y - g.size().y / 2.0).round()), g, t.text);
    let facts = tab.snap.facts();
    let dropped =
        if facts.dropped > 0 { format!("\n{} dropped by the recorder", format::number(facts.dropped)) } else { String::new() };
    r.on_hover_text(format!("{}\n{} · {words}{dropped}", tab.path.display(), facts.format));
}

fn commands(ui: &mut Ui, cx: &mut Cx<'_>, wide: bool) {
    let look = cx.look;
    let t = look.t;
    let c = Command::Palette;
    if !wide {
        if button::icon(ui, look, icons::MAGNIFYING_GLASS, "Commands", &c.keys(), true, false).clicked() {
            cx.acts.push(Act::Do(c));
        }
        return;
    }
    let (rect, r) = ui.allocate_exact_size(vec2(166.0, look.size + 15.0), Sense::click());
    r.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Commands"));
    ui.painter().rect(
        rect,
        CornerRadius::same(7),
        if r.hovered() { t.hover } else { t.raised },
        Stroke::new(1.0, if r.has_focus() { t.accent } else { t.line_strong }),
        StrokeKind::Inside,
    );
    ink::icon(ui.painter(), pos2(rect.left() + 16.0, rect.center().y), icons::MAGNIFYING_GLASS, look.icon(1.1), t.text_quiet);
    ink::left(
        ui.painter(),
        Rect::from_min_max(pos2(rect.left() + 30.0, rect.top()), rect.max),
        "Commands",
        look.text(),
        t.text_quiet,
    );
    ink::keys(ui.painter(), look, pos2(rect.right() - 6.0, rect.center().y), "Ctrl+K");
    if r.clicked() {
        cx.acts.push(Act::Do(c));
    }
}

/// The breadcrumb, with the way back and forth.
pub fn crumbs(ui: &mut Ui, cx: &mut Cx<'_>, rect: Rect, tab: &Tab) {
    let look = cx.look;
    let t = look.t;
    ui.painter().rect_filled(rect, 0, t.panel);
    ui.painter().hline(rect.x_range(), rect.top() + 0.5, Stroke::new(1.0, t.line));
    let mut child = ui.new_child(
        UiBuilder::new().id_salt("crumbs").max_rect(rect.shrink2(vec2(10.0, 0.0))).layout(Layout::left_to_right(Align::Center)),
    );
    child.set_clip_rect(rect);
    child.spacing_mut().item_spacing.x = 1.0;
    for (c, can) in [(Command::Back, tab.history.can_back()), (Command::Forward, tab.history.can_forward())] {
        if button::icon(&mut child, look, c.facts().icon, c.facts().text, &c.keys(), can, false).clicked() && can {
            cx.acts.push(Act::Do(c));
        }
    }
    child.add_space(8.0);
    let crumbs = tab.crumbs();
    let last = crumbs.len().saturating_sub(1);
    for (i, (text, to)) in crumbs.iter().enumerate() {
        let most = if i == last { 420.0 } else { 260.0 };
        let ink_color = if i == last { t.text_strong } else { t.text_quiet };
        let g = ink::line(child.painter(), text, if i == last { look.medium() } else { look.text() }, ink_color, most);
        let (r, resp) = child.allocate_exact_size(
            vec2(g.size().x + 10.0, look.size + 9.0),
            if to.is_some() { Sense::click() } else { Sense::hover() },
        );
        resp.widget_info(|| WidgetInfo::labeled(if to.is_some() { Role::Link } else { Role::Label }, true, text));
        if to.is_some() && (resp.hovered() || resp.has_focus()) {
            child.painter().rect_filled(r, CornerRadius::same(5), t.hover);
        }
        child.painter().galley(pos2(r.left() + 5.0, (r.center().y - g.size().y / 2.0).round()), g, ink_color);
        if resp.clicked()
            && let Some((level, selection)) = to
        {
            cx.acts.push(Act::SelectAt(*level, *selection));
        }
        if i < last {
            let (s, _) = child.allocate_exact_size(vec2(14.0, look.size + 9.0), Sense::hover());
            ink::icon(child.painter(), s.center(), icons::CARET_RIGHT, look.icon(0.9), t.mark);
        }
    }
}

/// What the large pane shows, at the right of the breadcrumb; gives the width used.
pub fn views(ui: &mut Ui, cx: &mut Cx<'_>, rect: Rect) -> f32 {
    let look = cx.look;
    ui.painter().rect_filled(rect, 0, look.t.panel);
    ui.painter().hline(rect.x_range(), rect.top() + 0.5, Stroke::new(1.0, look.t.line));
    let commands = [Command::ViewFields, Command::ViewLadder, Command::FollowStream, Command::ViewBody];
    let names = View::ALL.map(|v| ("", v.word()));
    let tips = commands.map(|c| format!("{}  ({})", c.facts().tip, c.keys()));
    let chosen = View::ALL.iter().position(|v| *v == cx.prefs.view).unwrap_or(0);
    let place = rect.shrink2(vec2(6.0, 0.0));
    let mut child = ui.new_child(UiBuilder::new().id_salt("views").max_rect(place).layout(Layout::right_to_left(Align::Center)));
    child.set_clip_rect(rect);
    if let Some(v) = button::choice(&mut child, look, &names, chosen, &tips).and_then(|i| View::ALL.get(i)) {
        cx.acts.push(Act::View(*v));
    }
    place.right() - child.min_rect().left() + 12.0
}

/// Width of the rail.
pub const RAIL: f32 = 64.0;

/// The rail of places.
pub fn rail(ui: &mut Ui, cx: &mut Cx<'_>, rect: Rect, place: Place, capture: bool) {
    let look = cx.look;
    let t = look.t;
    let height = look.size + 41.0;
    let mut item = |ui: &mut Ui, y: f32, command: Command, name: &str, on: bool, enabled: bool| {
        let r = Rect::from_min_size(pos2(rect.left() + 5.0, y), vec2(rect.width() - 10.0, height));
        let resp = ui.interact(r, Id::unique(("rail", name)), if enabled { Sense::click() } else { Sense::hover() });
        resp.widget_info(|| WidgetInfo::selected(Role::Tab, enabled, on, name));
        if on {
            ui.painter().rect_filled(r, CornerRadius::same(9), t.selected_quiet);
            ui.painter().rect_filled(Rect::from_center_size(pos2(rect.left() + 1.5, r.center().y), vec2(3.0, 22.0)), 2, t.accent);
        } else if resp.hovered() && enabled {
            ui.painter().rect_filled(r, CornerRadius::same(9), t.hover);
        }
        if resp.has_focus() {
            ui.painter().rect_stroke(r, CornerRadius::same(9), Stroke::new(2.0, t.accent), StrokeKind::Inside);
        }
        let color = if !enabled {
            t.mark
        } else if on {
            t.accent
        } else {
            t.text_quiet
        };
        ink::icon(ui.painter(), pos2(r.center().x, r.top() + 20.0), command.facts().icon, look.icon(1.6), color);
        let words = egui::FontId::new(look.size - 2.0, look.small().family);
        ink::center(
            ui.painter(),
            Rect::from_min_max(pos2(r.left(), r.bottom() - 20.0), pos2(r.right(), r.bottom() - 4.0)),
            name,
            words,
            if on {
                t.text_strong
            } else if enabled {
                t.text_quiet
            } else {
                t.mark
            },
        );
        if resp.clicked() {
            cx.acts.push(Act::Do(command));
        }
        button::tip(resp, command.facts().tip, &command.keys());
    };
    item(ui, rect.top() + 6.0, Command::Traffic, "Traffic", place == Place::Traffic, true);
    item(ui, rect.top() + 10.0 + height * 2.0, Command::Statistics, "Statistics", place == Place::Statistics, capture);
    item(ui, rect.top() + 8.0 + height, Command::Objects, "Objects", place == Place::Objects, capture);
    item(ui, rect.top() + 12.0 + height * 3.0, Command::Rules, "Rules", place == Place::Rules, capture);
    item(ui, rect.bottom() - height - 6.0, Command::Settings, "Settings", place == Place::Settings, true);
}
