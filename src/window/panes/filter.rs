//! The filter field: what it means is seen while it is typed, and what could be typed next stands below it.

use crate::act::Act;
use crate::command::Command;
use crate::panes::Cx;
use crate::sifting::Meaning;
use crate::tab::Region;
use crate::theme::{Look, icons};
use crate::widgets::ink;
use egui::text::{CCursor, CCursorRange};
use egui::text_edit::TextEditState;
use egui::{
    Area, Color32, CornerRadius, Event, Frame, Id, Key, Margin, Modifiers, Order, Rect, Role, Sense, Shape, Stroke, StrokeKind,
    TextEdit, Ui, WidgetInfo, pos2, vec2,
};
use std::ops::Range;
use wirelore_filter::{Error, Registry};

/// What the field edits and shows.
pub struct FilterEdit<'a> {
    /// The text.
    pub text: &'a mut String,
    /// What it means.
    pub meaning: Meaning,
    /// Every name that it may use.
    pub registry: &'a Registry,
    /// Take the keyboard now.
    pub focus: bool,
    /// How many rows pass, if a filter is set: shown in the field.
    pub shown: Option<String>,
    /// Whether only one connection is shown.
    pub only: Option<String>,
}

/// Id of the filter's text field.
#[must_use]
pub fn filter_id() -> Id {
    Id::unique("filter text")
}

fn chosen_id() -> Id {
    Id::unique("filter suggestion")
}

/// So many suggestions are shown.
const MOST: usize = 9;

/// Something that could stand in the field.
struct Suggestion {
    /// What is shown, and typed.
    text: String,
    /// What it is, in a few words.
    about: String,
    /// Bytes of the text that it takes the place of.
    over: Range<usize>,
}

/// Shows it in what is left of the bar.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, filter: FilterEdit<'_>) {
    let look = cx.look;
    let t = look.t;
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), look.size + 15.0), Sense::hover());
    let focused = ui.memory(|m| m.has_focus(filter_id()));
    let active = !filter.text.trim().is_empty() || filter.only.is_some();
    let suggestions = if focused { suggest(ui, cx, &filter) } else { Vec::new() };
    let unfinished = is_unfinished(&filter, &suggestions);
    let (edge, icon, ink_of_icon) = match (&filter.meaning, active) {
        (Meaning::Wrong(_), _) if unfinished => (t.warn, icons::FUNNEL, t.warn),
        (Meaning::Wrong(_), _) => (t.err, icons::WARNING_CIRCLE, t.err),
        (Meaning::Filter(_), _) => (t.ok, icons::FUNNEL, t.ok),
        (Meaning::Words(_), _) => (t.accent, icons::MAGNIFYING_GLASS, t.accent),
        (Meaning::Every, true) => (t.accent, icons::FUNNEL, t.accent),
        (Meaning::Every, false) => (if focused { t.accent } else { t.line_strong }, icons::FUNNEL, t.text_quiet),
    };
    ui.painter().rect(
        rect,
        CornerRadius::same(7),
        if focused { t.panel } else { t.raised },
        Stroke::new(if focused { 1.5 } else { 1.0 }, edge),
        StrokeKind::Inside,
    );
    let mut x = rect.left() + 18.0;
    ink::icon(ui.painter(), pos2(x, rect.center().y), icon, look.icon(1.1), ink_of_icon);
    x += 14.0;
    if let Some(only) = &filter.only {
        let w = ink::chip(ui.painter(), look, pos2(x, rect.center().y), only, t.accent);
        let chip = Rect::from_min_max(pos2(x, rect.top()), pos2(x + w, rect.bottom()));
        let r = ui.interact(chip, Id::unique("only"), Sense::click());
        r.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Only {only}: show every connection")));
        if r.on_hover_text("Only this connection is shown. Click to show every one.").clicked() {
            cx.acts.push(Act::Only(None));
        }
        x += w + 6.0;
    }
    let mut right = rect.right() - 6.0;
    if active {
        let cross = Rect::from_center_size(pos2(right - 11.0, rect.center().y), vec2(22.0, 22.0));
        let r = ui.interact(cross, Id::unique("clear filter"), Sense::click());
        r.widget_info(|| WidgetInfo::labeled(Role::Button, true, Command::ClearFilter.facts().text));
        if r.hovered() || r.has_focus() {
            ui.painter().rect_filled(cross, CornerRadius::same(5), t.hover);
        }
        ink::icon(ui.painter(), cross.center(), icons::X, look.icon(0.95), t.text_quiet);
        if r.clicked() {
            cx.acts.push(Act::Do(Command::ClearFilter));
        }
        right -= 28.0;
        let (words, color) = match (&filter.meaning, &filter.shown) {
            (Meaning::Wrong(_), _) => ("no filter yet", if unfinished { t.warn } else { t.err }),
            (_, Some(shown)) => (shown.as_str(), t.text_quiet),
            (_, None) => ("", t.text_quiet),
        };
        let cell = Rect::from_min_max(pos2((right - 170.0).max(x + 60.0), rect.top()), pos2(right, rect.bottom()));
        if !words.is_empty() {
            right -= ink::right(ui.painter(), cell, words, look.fine(), color) + 10.0;
        }
    }
    // A text field is never lower than this; given less it would hang down.
    let height = ui.spacing().interact_size.y;
    let inner =
        Rect::from_min_max(pos2(x, rect.center().y - height / 2.0), pos2(right.max(x + 20.0), rect.center().y + height / 2.0));
    if filter.text.is_empty() {
        ink::left(
            ui.painter(),
            inner,
            "Filter, as in http.response.code >= 400, or words to look for",
            look.text(),
            t.text_faint,
        );
    }
    let chosen = ui.data(|d| d.get_temp::<usize>(chosen_id())).filter(|c| *c < suggestions.len() && focused);
    let (mut chosen, taken) = keys(ui, chosen, &suggestions, focused);
    let edit = TextEdit::singleline(filter.text)
        .id(filter_id())
        .frame(Frame::NONE)
        .margin(Margin::ZERO)
        .font(look.mono())
        .lock_focus(!suggestions.is_empty())
        .align(egui::Align2::LEFT_CENTER);
    let out = ui.scope_builder(egui::UiBuilder::new().max_rect(inner), |ui| edit.desired_width(inner.width()).show(ui)).inner;
    if let Meaning::Wrong(e) = &filter.meaning
        && !unfinished
    {
        underline(ui, look, &out, e, filter.text);
    }
    let r = out.response.response.accessible_name("Filter");
    if filter.focus {
        r.request_focus();
    }
    if r.changed() {
        chosen = None;
    }
    let mut take = taken;
    if focused && (!suggestions.is_empty() || matches!(filter.meaning, Meaning::Wrong(_)) || !filter.meaning.remarks().is_empty())
    {
        let clicked = below(ui, look, rect, &filter, &suggestions, chosen);
        take = take.or(clicked);
    }
    if let Some(s) = take.and_then(|i| suggestions.get(i)) {
        accept(ui, filter.text, s);
        r.request_focus();
        chosen = None;
    }
    ui.data_mut(|d| {
        if let Some(c) = chosen {
            d.insert_temp(chosen_id(), c);
        } else {
            d.remove_temp::<usize>(chosen_id());
        }
    });
    if r.lost_focus() {
        // egui takes the focus away on Esc and Enter before the field sees the key.
        if ui.input(|i| i.key_pressed(Key::Escape)) {
            cx.acts.push(Act::Do(Command::ClearFilter));
        } else if ui.input(|i| i.key_pressed(Key::Enter)) {
            cx.acts.push(Act::Keep(filter.text.trim().to_owned()));
            cx.acts.push(Act::Keys(Region::List));
        }
    } else if r.has_focus() && suggestions.is_empty() && ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::ArrowDown)) {
        r.surrender_focus();
        cx.acts.push(Act::Keys(Region::List));
    }
}

/// Where the cursor stands, in bytes of the text.
fn cursor(ui: &Ui, text: &str) -> usize {
    let chars =
        TextEditState::load(ui.ctx(), filter_id()).and_then(|s| s.cursor.char_range()).map(|r| usize::from(r.primary.index));
    chars.and_then(|c| text.char_indices().nth(c)).map_or(text.len(), |(at, _)| at)
}

/// What could be typed: earlier filters in an empty field, else names, values and signs that go on from here.
fn suggest(ui: &Ui, cx: &Cx<'_>, filter: &FilterEdit<'_>) -> Vec<Suggestion> {
    let text = &*filter.text;
    if text.trim().is_empty() {
        let earlier = cx.prefs.filters.iter().take(MOST);
        return earlier.map(|f| Suggestion { text: f.clone(), about: "used before".into(), over: 0..text.len() }).collect();
    }
    let mut found: Vec<Suggestion> = wirelore_filter::complete(text, cursor(ui, text), filter.registry)
        .into_iter()
        .map(|c| Suggestion { text: c.text, about: c.label, over: c.span })
        // What stands there already is no suggestion.
        .filter(|s| text.get(s.over.clone()) != Some(s.text.trim_end()))
        .take(MOST)
        .collect();
    if let Meaning::Wrong(e) = &filter.meaning {
        let near = e.nearest.iter().filter(|n| !found.iter().any(|f| f.text.trim_end() == n.as_str())).map(|n| Suggestion {
            text: n.clone(),
            about: "was this meant?".into(),
            over: e.span.clone(),
        });
        let near: Vec<Suggestion> = near.take(3).collect();
        found.truncate(MOST - near.len());
        found.extend(near);
    }
    found
}

/// Arrow keys walk the suggestions, Tab and Enter take one. Gives the chosen one, and the one that was taken.
fn keys(ui: &mut Ui, chosen: Option<usize>, all: &[Suggestion], focused: bool) -> (Option<usize>, Option<usize>) {
    if !focused || all.is_empty() {
        return (None, None);
    }
    let last = all.len() - 1;
    ui.input_mut(|i| {
        let mut now = chosen;
        if i.consume_key(Modifiers::NONE, Key::ArrowDown) {
            now = Some(now.map_or(0, |c| if c == last { 0 } else { c + 1 }));
        }
        if i.consume_key(Modifiers::NONE, Key::ArrowUp) {
            now = Some(now.map_or(last, |c| if c == 0 { last } else { c - 1 }));
        }
        let tab = i.consume_key(Modifiers::NONE, Key::Tab);
        if tab {
            // The text field would write it.
            i.events.retain(|e| !matches!(e, Event::Text(t) if t == "\t"));
        }
        let enter = now.is_some() && i.consume_key(Modifiers::NONE, Key::Enter);
        match (tab, enter) {
            (true, _) => (None, Some(now.unwrap_or(0))),
            (_, true) => (None, now),
            _ => (now, None),
        }
    })
}

fn accept(ui: &Ui, text: &mut String, s: &Suggestion) {
    if text.get(s.over.clone()).is_none() {
        return;
    }
    text.replace_range(s.over.clone(), &s.text);
    let at = text.get(..s.over.start + s.text.len()).map_or(0, |t| t.chars().count());
    if let Some(mut state) = TextEditState::load(ui.ctx(), filter_id()) {
        state.cursor.set_char_range(Some(CCursorRange::one(CCursor::new(at))));
        state.store(ui.ctx(), filter_id());
    }
}

/// A wavy line under what is wrong.
fn underline(ui: &Ui, look: &Look, out: &egui::text_edit::TextEditOutput, e: &Error, text: &str) {
    let chars = |at: usize| CCursor::new(text.char_indices().take_while(|(i, _)| *i < at).count());
    let x = |at: usize| out.galley.pos_from_cursor(chars(at)).min.x;
    let (from, to) = (x(e.span.start), x(e.span.end));
    let left = out.galley_pos.x + from;
    // An error at the end has no width of its own.
    let right = (out.galley_pos.x + to).max(left + 7.0);
    let y = out.galley_pos.y + out.galley.size().y - 0.5;
    let mut points = Vec::new();
    let mut at = left;
    while at <= right {
        points.push(pos2(at, if points.len() % 2 == 0 { y } else { y - 2.0 }));
        at += 2.5;
    }
    ui.painter().with_clip_rect(out.text_clip_rect.expand(3.0)).add(Shape::line(points, Stroke::new(1.2, look.t.err)));
}

/// What stands below the field: what is wrong, and suggestions. Gives the one that was clicked.
fn below(ui: &Ui, look: &Look, field: Rect, filter: &FilterEdit<'_>, all: &[Suggestion], chosen: Option<usize>) -> Option<usize> {
    let t = look.t;
    let mut clicked = None;
    Area::new(Id::unique("below the filter")).order(Order::Foreground).fixed_pos(pos2(field.left(), field.bottom() + 4.0)).show(
        ui.ctx(),
        |ui| {
            ui.set_style(ui.style().clone());
            let frame =
                Frame::popup(ui.style()).fill(t.raised).stroke(Stroke::new(1.0, t.line_strong)).inner_margin(Margin::same(5));
            frame.show(ui, |ui| {
                ui.set_width(field.width().min(720.0) - 12.0);
                ui.spacing_mut().item_spacing.y = 0.0;
                if let Meaning::Wrong(e) = &filter.meaning
                    && !is_unfinished(filter, all)
                {
                    wrong(ui, look, e);
                }
                for remark in filter.meaning.remarks() {
                    remarked(ui, look, remark);
                }
                for (i, s) in all.iter().enumerate() {
                    if suggestion(ui, look, s, chosen == Some(i)) {
                        clicked = Some(i);
                    }
                }
            });
        },
    );
    clicked
}

/// Whether what is wrong is only that somebody has not yet typed to the end of a word.
fn is_unfinished(filter: &FilterEdit<'_>, all: &[Suggestion]) -> bool {
    let end = filter.text.trim_end().len();
    let Meaning::Wrong(e) = &filter.meaning else { return false };
    let word = filter.text.get(e.span.clone()).unwrap_or_default();
    e.span.end >= end && !word.is_empty() && all.iter().any(|s| s.over.end >= end && s.text.starts_with(word))
}

/// That an older name was read as today's.
fn remarked(ui: &mut Ui, look: &Look, remark: &str) {
    Frame::new().inner_margin(Margin { left: 8, right: 8, top: 5, bottom: 5 }).show(ui, |ui| {
        ui.horizontal(|ui| {
            let (r, _) = ui.allocate_exact_size(vec2(look.size, look.row()), Sense::hover());
            ink::icon(ui.painter(), r.center(), icons::INFO, look.icon(1.0), look.t.accent);
            ui.label(egui::RichText::new(remark).font(look.text()).color(look.t.text));
        });
    });
}

fn wrong(ui: &mut Ui, look: &Look, e: &Error) {
    let t = look.t;
    Frame::new().inner_margin(Margin { left: 8, right: 8, top: 5, bottom: 7 }).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        let words = |ui: &mut Ui, text: &str, color: Color32| {
            if !text.is_empty() {
                ui.label(egui::RichText::new(text).font(look.text()).color(color));
            }
        };
        words(ui, &e.what, t.err);
        words(ui, &e.why, t.text);
        words(ui, &e.what_to_do, t.text_quiet);
    });
}

fn suggestion(ui: &mut Ui, look: &Look, s: &Suggestion, on: bool) -> bool {
    let t = look.t;
    let (rect, r) = ui.allocate_exact_size(vec2(ui.available_width(), look.row() + 2.0), Sense::click());
    r.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, on, format!("{}: {}", s.text, s.about)));
    if on || r.hovered() {
        ui.painter().rect_filled(rect, CornerRadius::same(5), if on { t.selected } else { t.hover });
    }
    let line = rect.shrink2(vec2(8.0, 0.0));
    let w = ink::left(ui.painter(), line, &s.text, look.mono(), t.text_strong);
    let rest = Rect::from_min_max(pos2(line.left() + w + 16.0, line.top()), line.max);
    if rest.width() > 40.0 {
        ink::right(ui.painter(), rest, &s.about, look.fine(), t.text_quiet);
    }
    r.clicked()
}
