//! The row-addressed list: its place is a row number in f64, so five million rows scroll like fifty.
//!
//! Pixel offsets in f32 (as scroll areas keep them) step by 8 pixels at a hundred million pixels; here only visible rows have pixels.

use crate::theme::Look;
use crate::widgets::ink;
use egui::{
    Color32, CornerRadius, CursorIcon, EventFilter, Frame, Id, Painter, Popup, Rect, Response, Role, Sense, SetOpenCommand,
    Stroke, Ui, WidgetInfo, pos2, vec2,
};

/// Width of the scrollbar with its map of marks.
pub const BAR: f32 = 14.0;
const SHORTEST_THUMB: f32 = 28.0;

/// Where a list stands; kept between frames.
#[derive(Debug, Clone, Default)]
pub struct VState {
    /// First visible row, with its fraction.
    pub top: f64,
    /// Whether the end is followed as rows are added.
    pub stick: bool,
    /// A row to bring into view in the next frame.
    pub reveal: Option<u64>,
    /// Rows that fitted in the last frame.
    pub page: u64,
    grab: Option<f64>,
}

impl VState {
    /// Brings a row into view in the next frame, moving as little as needed.
    pub const fn show_row(&mut self, row: u64) {
        self.reveal = Some(row);
        self.stick = false;
    }
}

/// A mark in the scrollbar: where in the list (0 to 1), and its colour.
pub type BarMark = (f32, Color32);

/// One visible row.
pub struct Row<'u> {
    /// Its number in the list.
    pub index: u64,
    /// Where it is.
    pub rect: Rect,
    /// For drawing, clipped to the list.
    pub painter: &'u Painter,
    /// Whether the pointer is over it.
    pub hovered: bool,
}

/// What a list is told.
pub struct VList<'a> {
    /// Names the list for egui and, in words, for a screen reader.
    pub id: Id,
    /// What a screen reader says.
    pub name: &'a str,
    /// Number of rows.
    pub rows: u64,
    /// Height of one.
    pub row_height: f32,
    /// Marks of the scrollbar.
    pub marks: &'a [BarMark],
    /// The selected row: told to screen readers, never hidden half.
    pub selected: Option<u64>,
    /// What rows are for a screen reader; `None` draws them without nodes (bytes).
    pub role: Option<Role>,
}

/// What happened in a list this frame.
pub struct Happened {
    /// The list as one widget: has the keyboard or not.
    pub response: Response,
    /// The row that was clicked.
    pub clicked: Option<u64>,
    /// The row that was clicked twice.
    pub opened: Option<u64>,
    /// The row that was right-clicked.
    pub menu: Option<u64>,
    /// The row under the pointer.
    pub hovered: Option<u64>,
    /// Where the pointer is, if over the rows.
    pub pointer: Option<egui::Pos2>,
    /// The responses of right-clickable rows are not kept; this one is for a context menu of the list.
    pub body: Rect,
}

impl VList<'_> {
    /// Shows the rows that are visible in `rect`. `label` names a row for a screen reader and is called only when one asks.
    pub fn show(
        &self,
        ui: &mut Ui,
        look: &Look,
        rect: Rect,
        state: &mut VState,
        label: impl Fn(u64) -> String,
        mut draw: impl FnMut(&Row<'_>),
    ) -> Happened {
        let body = Rect::from_min_max(rect.min, pos2(rect.right() - BAR, rect.bottom()));
        let list = ui.interact(rect, self.id, Sense::click());
        list.widget_info(|| WidgetInfo::labeled(Role::List, ui.is_enabled(), self.name));
        if list.has_focus() {
            // Arrows, Tab aside, move in the list and not from widget to widget.
            ui.memory_mut(|m| {
                m.set_focus_lock_filter(
                    self.id,
                    EventFilter { horizontal_arrows: true, vertical_arrows: true, escape: false, tab: false },
                )
            });
        }
        let fit = f64::from((body.height() / self.row_height).max(1.0));
        let last_top = (self.rows as f64 - fit).max(0.0);
        state.page = fit.floor().max(1.0) as u64;

        if ui.rect_contains_pointer(rect) {
            let delta = ui.input(|i| i.smooth_scroll_delta().y);
            if delta != 0.0 {
                state.top -= f64::from(delta / self.row_height);
                state.stick = delta < 0.0 && state.top >= last_top;
            }
        }
        self.bar(ui, look, rect, state, fit, last_top);
        if let Some(row) = state.reveal.take() {
            let row = row as f64;
            // A row at the edge with one more beyond, so that the next step is seen coming.
            let spare = if fit > 6.0 { 1.0 } else { 0.0 };
            if row - spare < state.top {
                state.top = if state.top - row > fit { row - fit / 3.0 } else { row - spare };
            } else if row + 1.0 + spare > state.top + fit {
                state.top = if row - state.top > 2.0 * fit { row - fit / 3.0 } else { row + 1.0 + spare - fit };
                // Whole rows at the top, where reading begins.
                state.top = state.top.ceil();
            }
        }
        if state.stick {
            state.top = last_top;
        }
        state.top = state.top.clamp(0.0, last_top);

        let painter = ui.painter_at(body);
        let pointer = ui.input(|i| i.pointer.hover_pos()).filter(|p| body.contains(*p) && ui.rect_contains_pointer(body));
        let first = state.top.floor() as u64;
        let mut y = body.top() - ((state.top - first as f64) * f64::from(self.row_height)) as f32;
        // Whole pixels: text on fractions of them is blurred.
        y = y.round();
        let mut happened = Happened { response: list, clicked: None, opened: None, menu: None, hovered: None, pointer, body };
        let mut index = first;
        while index < self.rows && y < body.bottom() {
            let r = Rect::from_min_size(pos2(body.left(), y), vec2(body.width(), self.row_height));
            let hovered = pointer.is_some_and(|p| r.contains(p));
            if hovered {
                happened.hovered = Some(index);
            }
            if let Some(role) = self.role {
                let seen = r.intersect(body);
                // CLICK without FOCUSABLE: Tab must not stop at every row.
                let row = ui.interact(seen, self.id.with(index), Sense::CLICK);
                let enabled = ui.is_enabled();
                let selected = self.selected == Some(index);
                row.widget_info(|| WidgetInfo::selected(role, enabled, selected, label(index)));
                if row.clicked() {
                    happened.clicked = Some(index);
                }
                if row.double_clicked() {
                    happened.opened = Some(index);
                }
                if row.secondary_clicked() {
                    happened.menu = Some(index);
                }
            }
            draw(&Row { index, rect: r, painter: &painter, hovered });
            y += self.row_height;
            index += 1;
        }
        if happened.clicked.is_some() || happened.menu.is_some() {
            happened.response.request_focus();
        }
        happened
    }

    fn bar(&self, ui: &Ui, look: &Look, rect: Rect, state: &mut VState, fit: f64, last_top: f64) {
        let bar = Rect::from_min_max(pos2(rect.right() - BAR, rect.top()), rect.max);
        let p = ui.painter_at(bar);
        for (at, color) in self.marks {
            let y = (bar.top() + at * (bar.height() - 2.0)).round();
            p.rect_filled(Rect::from_min_size(pos2(bar.left() + 2.0, y), vec2(BAR - 4.0, 2.0)), 0, *color);
        }
        if last_top <= 0.0 {
            return;
        }
        let long = ((fit / self.rows as f64) as f32 * bar.height()).max(SHORTEST_THUMB).min(bar.height());
        let free = f64::from(bar.height() - long);
        let r = ui.interact(bar, self.id.with("bar"), Sense::DRAG | Sense::CLICK).on_hover_cursor(CursorIcon::Default);
        r.widget_info(|| {
            let mut info = WidgetInfo::labeled(Role::ScrollBar, true, format!("Scrollbar of {}", self.name));
            info.value = Some(state.top);
            info
        });
        if let Some(at) = r.interact_pointer_pos() {
            let along = f64::from(at.y - bar.top());
            let thumb_at = if last_top > 0.0 { state.top / last_top * free } else { 0.0 };
            let grab = *state.grab.get_or_insert_with(|| {
                let inside = along - thumb_at;
                if (0.0..=f64::from(long)).contains(&inside) { inside } else { f64::from(long) / 2.0 }
            });
            if free > 0.0 {
                state.top = ((along - grab) / free * last_top).clamp(0.0, last_top);
            }
            state.stick = state.top >= last_top;
        } else {
            state.grab = None;
        }
        let y = bar.top() + if last_top > 0.0 { (state.top.clamp(0.0, last_top) / last_top * free) as f32 } else { 0.0 };
        let live = r.hovered() || r.dragged();
        let inset = if live { 2.5 } else { 4.5 };
        let thumb = Rect::from_min_size(pos2(bar.left() + inset, y + 1.0), vec2(BAR - 2.0 * inset, long - 2.0));
        let color = if live { look.t.text_faint } else { look.t.mark };
        // Marks stay to be seen through the thumb.
        p.rect_filled(thumb, CornerRadius::same(4), color.gamma_multiply(if self.marks.is_empty() { 0.85 } else { 0.7 }));
    }
}

/// Ground of a row: selected, under the pointer, or none.
pub fn ground(row: &Row<'_>, look: &Look, selected: bool, keyboard: bool) {
    let t = look.t;
    if selected {
        row.painter.rect_filled(row.rect, 0, if keyboard { t.selected } else { t.selected_quiet });
        row.painter.rect_filled(Rect::from_min_size(row.rect.min, vec2(2.0, row.rect.height())), 0, t.accent);
    } else if row.hovered {
        row.painter.rect_filled(row.rect, 0, t.hover);
    }
}

/// An empty list in words, in the middle of `rect`.
pub fn empty(ui: &Ui, look: &Look, rect: Rect, icon: char, title: &str, hint: &str) {
    let p = ui.painter_at(rect);
    let c = rect.center();
    ink::icon(&p, pos2(c.x, c.y - 34.0), icon, look.icon(2.2), look.t.text_faint);
    ink::center(&p, Rect::from_center_size(pos2(c.x, c.y), vec2(rect.width() - 32.0, 24.0)), title, look.semi(), look.t.text);
    let g = p.layout(hint.to_owned(), look.text(), look.t.text_quiet, (rect.width() - 48.0).clamp(80.0, 420.0));
    let mut job = (*g.job).clone();
    job.halign = egui::Align::Center;
    p.galley(pos2(c.x, c.y + 18.0), p.layout_job(job), look.t.text_quiet);
}

/// The menu of a row. Rows lie over their list and take the click that would open its menu: `opens` says that one was clicked so,
/// `closes` that one was clicked otherwise.
pub fn row_menu(ui: &Ui, look: &Look, list: &Response, opens: bool, closes: bool, add: impl FnOnce(&mut Ui)) {
    let open = if opens { Some(SetOpenCommand::Bool(true)) } else { closes.then_some(SetOpenCommand::Bool(false)) };
    // A popup takes the desktop's look unless it is given ours.
    let style = ui.style().clone();
    let frame = Frame::popup(&style).fill(look.t.raised).stroke(Stroke::new(1.0, look.t.line_strong));
    Popup::context_menu(list).open_memory(open).frame(frame).show(|ui| {
        ui.set_style(style);
        egui::containers::menu::menu_style(ui.style_mut());
        ui.spacing_mut().button_padding = vec2(10.0, 4.0);
        ui.with_layout(egui::Layout::top_down_justified(egui::Align::LEFT), add);
    });
}
