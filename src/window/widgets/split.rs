//! Draggable borders between panes.

use crate::theme::Look;
use egui::{CursorIcon, Id, Rect, Role, Sense, Ui, WidgetInfo, pos2};

/// Width of the gutter between two panes.
pub const GUTTER: f32 = 6.0;

/// Divides `rect` at `share` of its width (or height), draws the gutter and lets it be dragged. Each side keeps `least` points where there is room.
pub fn split(ui: &Ui, look: &Look, name: &str, rect: Rect, side_by_side: bool, share: &mut f32, least: [f32; 2]) -> (Rect, Rect) {
    let id = Id::unique(name);
    let (from, to) = if side_by_side { (rect.left(), rect.right()) } else { (rect.top(), rect.bottom()) };
    let room = (to - from - GUTTER).max(0.0);
    let clamp = |first: f32| {
        if room < least[0] + least[1] { room * least[0] / (least[0] + least[1]) } else { first.clamp(least[0], room - least[1]) }
    };
    let mut first = clamp((room * *share).round());
    let gutter = |first: f32| {
        let (a, b) = (from + first, from + first + GUTTER);
        if side_by_side {
            Rect::from_min_max(pos2(a, rect.top()), pos2(b, rect.bottom()))
        } else {
            Rect::from_min_max(pos2(rect.left(), a), pos2(rect.right(), b))
        }
    };
    let r = ui.interact(gutter(first).expand(1.0), id, Sense::DRAG | Sense::CLICK);
    r.widget_info(|| WidgetInfo::labeled(Role::Splitter, true, name));
    let cursor = if side_by_side { CursorIcon::ResizeHorizontal } else { CursorIcon::ResizeVertical };
    let r = r.on_hover_and_drag_cursor(cursor);
    if let Some(at) = r.interact_pointer_pos().filter(|_| r.dragged()) {
        first = clamp(((if side_by_side { at.x } else { at.y }) - from - GUTTER / 2.0).round());
        if room > 0.0 {
            *share = first / room;
        }
    }
    let g = gutter(first);
    if r.hovered() || r.dragged() {
        let line = if side_by_side {
            Rect::from_center_size(g.center(), egui::vec2(2.0, g.height()))
        } else {
            Rect::from_center_size(g.center(), egui::vec2(g.width(), 2.0))
        };
        ui.painter().rect_filled(line, 1, look.t.accent);
    }
    if side_by_side {
        (Rect::from_min_max(rect.min, pos2(g.left(), rect.bottom())), Rect::from_min_max(pos2(g.right(), rect.top()), rect.max))
    } else {
        (Rect::from_min_max(rect.min, pos2(rect.right(), g.top())), Rect::from_min_max(pos2(rect.left(), g.bottom()), rect.max))
    }
}
