//! The list of exchanges: what was asked, what was answered, how long it took; under their connections if wanted.

use crate::act::Act;
use crate::format;
use crate::listing::{self, Item};
use crate::panes::packets::{bar_marks, protocol_chip};
use crate::panes::{Cx, wherelist};
use crate::select::Level;
use crate::tab::{Region, Tab};
use crate::theme::{Look, icons};
use crate::view;
use crate::widgets::table::{self, Column, Laid, Width};
use crate::widgets::vlist::{self, Row, VList};
use crate::widgets::{ink, tree::severity_mark};
use egui::{Color32, Rect, Role, Stroke, Ui, pos2};
use wirelore_kit::row::NONE;
use wirelore_kit::{Dir, MessageState, Role as FieldRole};
use wirelore_store::Snapshot;

const TIME: usize = 0;
const PROTOCOL: usize = 1;
const ASKED: usize = 2;
const STATUS: usize = 3;
const SIZE: usize = 4;
const TOOK: usize = 5;

/// Shows them.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, rect: Rect) {
    let look = cx.look;
    let span = tab
        .snap
        .packet(0)
        .zip(tab.snap.packet(tab.snap.packets().saturating_sub(1)))
        .map_or(0, |(a, b)| b.time.saturating_sub(a.time));
    let columns = [
        Column::right(cx.prefs.time.head(), Width::Chars(cx.prefs.time.chars(span)), 1),
        Column::left("Protocol", Width::Chars(8.0), 2),
        Column::left("Asked", Width::Share(1.0, 150.0), 0),
        Column::left("Answered", Width::Share(0.8, 96.0), 0),
        Column::right("Bytes", Width::Chars(8.0), 3),
        Column::right("Took", Width::Chars(8.5), 0),
    ];
    let (laid, body) = table::heads(ui, look, rect, &columns);
    let list = tab.listing();
    let snap = tab.snap.clone();
    let selected = list.row_of(&tab.selection);
    let keyboard = tab.region == Region::List;
    let marks = bar_marks(look, &list.marks);
    let v = VList {
        id: Region::List.id(),
        name: "Exchanges",
        rows: list.len(&snap),
        row_height: look.row() + 2.0,
        marks: &marks,
        selected,
        role: Some(Role::Row),
    };
    let mut state = std::mem::take(&mut tab.exchange_list);
    let time = |packet: u32| {
        let start = snap.packet(0).map_or(i64::MIN, |p| p.time);
        let at = snap.packet(packet).map_or(i64::MIN, |p| p.time);
        cx.prefs.time.write(at, start, None)
    };
    let label = |row: u64| list.item(row).map_or_else(String::new, |i| words(&snap, i));
    let h = v.show(ui, look, body, &mut state, label, |row| {
        let Some(item) = list.item(row.index) else { return };
        let is_selected = selected == Some(row.index);
        match item {
            Item::Flow(f) => flow_row(look, &snap, row, f, is_selected, keyboard),
            _ => exchange_row(look, &snap, row, &laid, item, is_selected, keyboard, &time),
        }
    });
    tab.exchange_list = state;
    let opened = h.opened;
    wherelist::after(cx, tab, &h);
    // Twice: one level down, at what was clicked.
    if opened.is_some() {
        cx.acts.push(Act::SelectAt(Level::Packets, tab.selection));
    }
    h.response.context_menu(|ui| wherelist::menu(ui, cx));
}

/// An item for a screen reader, and for the story's head lines.
#[must_use]
pub fn words(s: &Snapshot, item: Item) -> String {
    match item {
        Item::Flow(f) => s.flow(f).map_or_else(String::new, |f| {
            format!("Connection {}: {} to {}, {}", f.id, f.client(), f.server(), view::flow_label(s, &f))
        }),
        Item::Exchange(e) => s.exchange(e).map_or_else(String::new, |x| {
            let answer = if x.answer == NONE { "no answer" } else { s.summary(x.answer) };
            format!("Exchange: {}; {answer}", s.summary(x.ask))
        }),
        Item::Message(m) => format!("Message: {}", s.summary(m)),
        Item::Packet(p) => format!("Packet {}", p + 1),
    }
}

fn flow_row(look: &Look, s: &Snapshot, row: &Row<'_>, flow: u32, selected: bool, keyboard: bool) {
    let t = look.t;
    let Some(f) = s.flow(flow) else { return };
    let r = row.rect;
    row.painter.rect_filled(r, 0, t.raised);
    vlist::ground(row, look, selected, keyboard);
    row.painter.hline(r.x_range(), r.top() + 0.5, Stroke::new(1.0, t.line));
    let y = r.center().y;
    let mut x = r.left() + 12.0;
    ink::icon(row.painter, pos2(x + 7.0, y), icons::PLUGS, look.icon(1.15), t.text_quiet);
    x += 22.0;
    x += ink::chip(
        row.painter,
        look,
        pos2(x, y),
        view::flow_label(s, &f),
        t.hue(&crate::panes::packets::hue_name(view::flow_label(s, &f))),
    ) + 10.0;
    let name = |ip: &std::net::IpAddr, port: u16, full: String| s.name_of(ip).map_or(full, |n| format!("{n}:{port}"));
    let (c, v) = (f.client(), f.server());
    let (client, server) = (name(&c.ip, c.port, c.to_string()), name(&v.ip, v.port, v.to_string()));
    let mut end = r.right() - 12.0;
    if let Some(worst) = f.worst().filter(|w| *w >= wirelore_kit::Severity::Warn) {
        let (icon, color) = severity_mark(look, worst);
        ink::icon(row.painter, pos2(end - 6.0, y), icon, look.icon(1.1), color);
        end -= 20.0;
    }
    // The ends first; what else is known of the connection as far as there is room.
    let cw = ink::char_width(row.painter, &look.mono_medium());
    let ends = (client.chars().count() + server.chars().count()) as f32 * cw + 36.0;
    let (known, packets, bytes) =
        (view::flow_name(&f), format::count(f.packet_count(), "packet", "packets"), format::size(f.byte_count()));
    let choices = [format!("{known} · {packets} · {bytes}"), format!("{known} · {packets}"), known];
    let fits = choices
        .iter()
        .map(|words| row.painter.layout_no_wrap(words.clone(), look.fine(), t.text_quiet))
        .find(|g| x + ends + g.size().x + 10.0 <= end);
    if let Some(g) = fits {
        end -= g.size().x;
        row.painter.galley(pos2(end, (y - g.size().y / 2.0).round()), g, t.text_quiet);
        end -= 10.0;
    }
    let room = |x: f32| Rect::from_min_max(pos2(x, r.top()), pos2(end.max(x), r.bottom()));
    x += ink::left(row.painter, room(x), &client, look.mono_medium(), t.text) + 8.0;
    if x + 18.0 < end {
        ink::arrow(row.painter, Rect::from_min_max(pos2(x, r.top()), pos2(x + 16.0, r.bottom())), true, t.text_faint);
        x += 24.0;
        ink::left(row.painter, room(x), &server, look.mono_medium(), t.text_strong);
    }
}

#[allow(clippy::too_many_arguments)]
fn exchange_row(
    look: &Look,
    s: &Snapshot,
    row: &Row<'_>,
    laid: &Laid,
    item: Item,
    selected: bool,
    keyboard: bool,
    time: &dyn Fn(u32) -> String,
) {
    let t = look.t;
    vlist::ground(row, look, selected, keyboard);
    let p = row.painter;
    let cell = |i: usize| laid.cell(i, row.rect);
    let (ask, answer) = match item {
        Item::Exchange(e) => match s.exchange(e) {
            Some(x) => (view::some(x.ask), view::some(x.answer)),
            None => return,
        },
        Item::Message(m) => (Some(m), None),
        _ => return,
    };
    let Some(first) = ask.or(answer).and_then(|m| s.message(m)) else { return };
    let strong = if selected { t.text_strong } else { t.text };
    let side = if selected { t.text } else { t.text_quiet };
    if laid.shown(TIME) {
        ink::right(p, cell(TIME), &time(first.first), look.mono(), side);
    }
    protocol_chip(p, look, cell(PROTOCOL), view::message_label(s, &first));
    let mut asked = cell(ASKED);
    let arrow = Rect::from_min_size(asked.min, egui::vec2(14.0, asked.height()));
    let to_server = first.dir == Dir::ToServer;
    ink::arrow(p, arrow, to_server, if to_server { t.to_server } else { t.to_client });
    asked.min.x += 22.0;
    if let Some(worst) = listing::worst(s, item) {
        let (icon, color) = severity_mark(look, worst);
        ink::icon(p, pos2(asked.left() + 6.0, asked.center().y), icon, look.icon(1.1), color);
        asked.min.x += 18.0;
    }
    match ask {
        Some(m) => {
            // Method and path apart, where the protocol has them: the eye runs down one edge.
            let method = view::role(s, m, FieldRole::Method).filter(|m| m.chars().count() <= 12);
            let path = view::role(s, m, FieldRole::Path);
            match (method, path) {
                (Some(method), Some(path)) => {
                    let host = view::role(s, m, FieldRole::Authority).unwrap_or_default();
                    let g = ink::pieces(
                        p,
                        asked.width(),
                        &[(&format!("{method} "), look.semi(), strong), (&host, look.text(), side), (&path, look.text(), strong)],
                    );
                    p.galley(pos2(asked.left(), (asked.center().y - g.size().y / 2.0).round()), g, strong);
                }
                _ => {
                    ink::left(p, asked, s.summary(m), look.text(), strong);
                }
            }
        }
        None => {
            ink::left(p, asked, "question not captured", look.text(), t.text_faint);
        }
    }
    match (answer, item) {
        (Some(m), _) => {
            let text = s.summary(m);
            let (color, font) = status_ink(look, view::role(s, m, FieldRole::Status).as_deref());
            ink::left(p, cell(STATUS), text, font, color.unwrap_or(strong));
        }
        (None, Item::Exchange(_)) => {
            ink::left(p, cell(STATUS), "no answer", look.text(), t.warn);
        }
        (None, _) => {
            let words = match first.state {
                MessageState::Open => "open",
                MessageState::Whole => "",
                MessageState::Cut => "cut off",
                MessageState::Bad => "not understood",
            };
            ink::left(p, cell(STATUS), words, look.text(), t.text_faint);
        }
    }
    let bytes: u64 = [ask, answer].into_iter().flatten().filter_map(|m| s.message(m)).map(|m| m.len).sum();
    ink::right(p, cell(SIZE), &format::number(bytes), look.mono(), side);
    if let Item::Exchange(e) = item
        && let Some(ns) = s.answer_time(e)
    {
        ink::right(p, cell(TOOK), &format::duration(ns), look.mono(), strong);
    }
}

/// Colour of an outcome: refusals and failures stand out, success is ordinary.
fn status_ink(look: &Look, status: Option<&str>) -> (Option<Color32>, egui::FontId) {
    let first = status.and_then(|s| s.parse::<u32>().ok()).map(|n| n / 100);
    match first {
        Some(4) => (Some(look.t.warn), look.medium()),
        Some(5) => (Some(look.t.err), look.medium()),
        Some(2) => (Some(look.t.ok), look.text()),
        _ => (None, look.text()),
    }
}
