//! The place of traffic: WHERE, WHAT, WHY and the drawer in their places, wide or narrow.

use crate::panes::{Cx, body, drawer, held, ladder, reader, side, stream, wherelist};
use crate::prefs::{Prefs, View};
use crate::select::Level;
use crate::tab::Tab;
use crate::widgets::split;
use egui::{Rect, Ui};

/// Below this width the list lies over the reader and there is no side.
const NARROW: f32 = 760.0;

/// Shows it.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, rect: Rect, prefs: &mut Prefs) {
    let look = cx.look;
    let view = prefs.view;
    // What waits for the user stands on top; the one that is looked at takes the reader's place.
    let rect = match tab.steering.as_mut().filter(|s| !s.state.held.is_empty()) {
        None => rect,
        Some(s) => {
            let height = held::band_height(cx, s.state.held.len()).min(rect.height() * 0.4);
            let (band, rest) = rect.split_top_bottom_at_y(rect.top() + height);
            held::band(ui, cx, s, band);
            let rest = rest.with_min_y(rest.top() + split::GUTTER);
            let share = &mut prefs.shares.list;
            let (list, reader) =
                split::split(ui, look, "Border between list and editor", rest, rest.width() >= NARROW, share, [240.0, 200.0]);
            held::editor(ui, cx, s, reader);
            wherelist::show(ui, cx, tab, list);
            return;
        }
    };
    if rect.width() < NARROW {
        let (upper, lower) =
            split::split(ui, look, "Border between list and reader", rect, false, &mut prefs.shares.list, [110.0, 160.0]);
        wherelist::show(ui, cx, tab, upper);
        if view != View::Fields {
            conversation(ui, cx, tab, lower, view);
        } else if tab.level == Level::Bytes {
            reader::fields_pane(ui, cx, tab, lower);
        } else {
            let tree = &mut prefs.shares.tree;
            let (a, b) = split::split(ui, look, "Border between fields and bytes", lower, false, tree, [80.0, 60.0]);
            reader::fields_pane(ui, cx, tab, a);
            reader::bytes_pane(ui, cx, tab, b);
        }
        return;
    }
    let list_share = &mut prefs.shares.list;
    let (list, rest) = split::split(ui, look, "Border between list and reader", rect, true, list_share, [320.0, 360.0]);
    wherelist::show(ui, cx, tab, list);
    let rest = if prefs.drawer {
        let share = &mut prefs.shares.drawer;
        let (upper, lower) = split::split(ui, look, "Border between reader and drawer", rest, false, share, [200.0, 120.0]);
        drawer::show(ui, cx, tab, lower);
        upper
    } else {
        rest
    };
    if view != View::Fields {
        // The conversation above, what is selected of it below.
        let share = &mut prefs.shares.view;
        let (upper, lower) = split::split(ui, look, "Border between conversation and fields", rest, false, share, [180.0, 110.0]);
        conversation(ui, cx, tab, upper, view);
        fields_and_side(ui, cx, tab, lower, prefs);
        return;
    }
    // Bytes under both: sixteen of them in a row need the width.
    if tab.level == Level::Bytes {
        fields_and_side(ui, cx, tab, rest, prefs);
    } else {
        let share = &mut prefs.shares.tree;
        let (a, b) = split::split(ui, look, "Border between fields and bytes", rest, false, share, [120.0, 90.0]);
        fields_and_side(ui, cx, tab, a, prefs);
        reader::bytes_pane(ui, cx, tab, b);
    }
}

fn conversation(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, rect: Rect, view: View) {
    match view {
        View::Ladder => ladder::show(ui, cx, tab, rect),
        View::Stream => stream::show(ui, cx, tab, rect),
        View::Body | View::Fields => body::show(ui, cx, tab, rect),
    }
}

fn fields_and_side(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, rect: Rect, prefs: &mut Prefs) {
    if prefs.side && rect.width() >= 520.0 {
        let share = &mut prefs.shares.reader;
        let (what, why) = split::split(ui, cx.look, "Border between reader and side", rect, true, share, [290.0, 210.0]);
        reader::fields_pane(ui, cx, tab, what);
        side::show(ui, cx, tab, why);
    } else {
        reader::fields_pane(ui, cx, tab, rect);
    }
}
