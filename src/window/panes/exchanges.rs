//! The list of exchanges: what was asked, what was answered, how long it took; under their connections if wanted.

use crate::act::Act;
use crate::format;
use crate::ladder;
use crate::listing::{self, Item};
use crate::panes::packets::{self, bar_marks, hue_name, protocol_chip};
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
use wirelore_store::{MessageRow, Snapshot};

const TIME: usize = 0;
const PROTOCOL: usize = 1;
const ASKED: usize = 2;
const STATUS: usize = 3;
const SIZE: usize = 4;
const TOOK: usize = 5;
const PROCESS: usize = 6;

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
        Column::left("Protocol", Width::Chars(tab.listing().protocol_chars()), 2),
        Column::left("Asked", Width::Share(1.0, 150.0), 0),
        Column::left("Answered", Width::Share(0.8, 96.0), 0),
        Column::right("Bytes", Width::Chars(8.0), 3),
        Column::right("Took", Width::Chars(8.5), 0),
        Column::left("Process", Width::Chars(14.0), 4).only_if(!tab.snap.facts().processes.all().is_empty()),
    ];
    let (laid, body) = table::heads(ui, look, rect, &columns);
    let list = tab.listing();
    let snap = tab.snap.clone();
    let selected = list.row_of(&snap, &tab.selection);
    let keyboard = tab.region == Region::List;
    let marks = bar_marks(look, list.marks());
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
    let pointer = ui.input(|i| i.pointer.hover_pos());
    let (mut over_caret, mut over_row) = (None, None);
    let h = v.show(ui, look, body, &mut state, label, |row| {
        let Some(item) = list.item(row.index) else { return };
        let below = list.is_below(row.index);
        let caret = match item {
            Item::Flow(_) => Rect::from_min_max(row.rect.min, pos2(row.rect.left() + 26.0, row.rect.bottom())),
            Item::Exchange(_) | Item::Talk(_) => {
                let cell = laid.cell(ASKED, row.rect);
                Rect::from_min_max(pos2(cell.left() - 8.0, cell.top()), pos2(cell.left() + 14.0, cell.bottom()))
            }
            Item::Message(_) | Item::Packet(_) => Rect::NOTHING,
        };
        let over = row.hovered && pointer.is_some_and(|p| caret.contains(p));
        if over {
            over_caret = Some(item);
        }
        if row.hovered {
            over_row = what(&snap, item);
        }
        let drawn = Drawn {
            look,
            s: &snap,
            row,
            selected: selected == Some(row.index),
            keyboard,
            lit: tab.hover.row.is_some() && tab.hover.row == what(&snap, item),
            below,
            open: tab.is_unfolded(item),
            over,
        };
        match item {
            Item::Flow(f) => drawn.flow(f),
            Item::Talk(m) => drawn.talk(&laid, m, list.talk(m), &time),
            _ => drawn.exchange(&laid, item, &time),
        }
    });
    tab.exchange_list = state;
    tab.hover_next.row = tab.hover_next.row.or(over_row);
    if let Some(item) = over_caret.filter(|_| h.clicked.is_some()) {
        cx.acts.push(Act::Unfold(item));
        return;
    }
    let opened = h.opened.filter(|_| over_caret.is_none());
    wherelist::after(cx, tab, &h);
    // Twice: one level down, at what was clicked.
    if opened.is_some() {
        cx.acts.push(Act::SelectAt(Level::Packets, tab.selection));
    }
    vlist::row_menu(ui, look, &h.response, h.menu.is_some(), h.clicked.is_some(), |ui| wherelist::menu(ui, cx, tab));
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
        Item::Talk(m) => s
            .message(m)
            .map_or_else(String::new, |row| format!("Messages of {}, from: {}", view::message_label(s, &row), s.summary(m))),
        Item::Packet(p) => format!("Packet {}", p + 1),
    }
}

/// The message that a row of the list is of.
fn what(s: &Snapshot, item: Item) -> Option<ladder::What> {
    match item {
        Item::Message(m) | Item::Talk(m) => Some(ladder::What::Message(m)),
        Item::Exchange(e) => {
            s.exchange(e).and_then(|x| view::some(x.ask).or_else(|| view::some(x.answer))).map(ladder::What::Message)
        }
        Item::Flow(_) | Item::Packet(_) => None,
    }
}

/// A row that is being drawn.
struct Drawn<'a> {
    look: &'a Look,
    s: &'a Snapshot,
    row: &'a Row<'a>,
    selected: bool,
    keyboard: bool,
    lit: bool,
    below: bool,
    open: bool,
    over: bool,
}

impl Drawn<'_> {
    fn ground(&self) {
        vlist::ground(self.row, self.look, self.selected, self.keyboard);
        if self.lit && !self.selected {
            let r = self.row.rect.shrink2(egui::vec2(1.0, 0.5));
            self.row.painter.rect_stroke(r, 3, Stroke::new(1.0, self.look.t.text_quiet), egui::StrokeKind::Inside);
        }
    }

    fn caret(&self, x: f32) {
        let t = self.look.t;
        let icon = if self.open { icons::CARET_DOWN } else { icons::CARET_RIGHT };
        let color = if self.over { t.text_strong } else { t.text_faint };
        ink::icon(self.row.painter, pos2(x, self.row.rect.center().y), icon, self.look.icon(0.9), color);
    }

    fn flow(&self, flow: u32) {
        let (look, s, row) = (self.look, self.s, self.row);
        let t = look.t;
        let Some(f) = s.flow(flow) else { return };
        let r = row.rect;
        row.painter.rect_filled(r, 0, t.raised);
        self.ground();
        row.painter.hline(r.x_range(), r.top() + 0.5, Stroke::new(1.0, t.line));
        let y = r.center().y;
        let mut x = r.left() + 12.0;
        self.caret(x + 3.0);
        x += 14.0;
        // What another connection caused hangs below it.
        if view::caused_from(s, flow).is_some() {
            ink::icon(row.painter, pos2(x + 7.0, y), icons::ARROW_BEND_DOWN_RIGHT, look.icon(1.1), t.text_quiet);
            x += 20.0;
        }
        ink::icon(row.painter, pos2(x + 7.0, y), icons::PLUGS, look.icon(1.15), t.text_quiet);
        x += 22.0;
        let label = view::flow_label(s, &f);
        x += ink::chip(row.painter, look, pos2(x, y), label, t.hue(&hue_name(label))) + 10.0;
        let name = |ip: &std::net::IpAddr, port: u16, full: String| s.name_of(ip).map_or(full, |n| format!("{n}:{port}"));
        let (c, v) = (f.client(), f.server());
        let (client, server) = (name(&c.ip, c.port, c.to_string()), name(&v.ip, v.port, v.to_string()));
        let about = s.cause_of(flow).map(|c| c.about.clone()).filter(|a| !a.is_empty());
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
        let process = s.process_of(flow).map_or_else(String::new, |p| format!("{} {} · ", p.name, p.pid));
        let about = about.map_or_else(|| process.clone(), |a| format!("{process}{a} · "));
        let choices = [
            format!("{about}{known} · {packets} · {bytes}"),
            format!("{about}{known} · {packets}"),
            format!("{about}{known}"),
            format!("{process}{known}"),
            known,
        ];
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

    /// Time and protocol; gives what is left of the cell of what was asked.
    fn begin(&self, laid: &Laid, m: &MessageRow, time: &dyn Fn(u32) -> String) -> Rect {
        let (look, p) = (self.look, self.row.painter);
        let t = look.t;
        let side = if self.selected { t.text } else { t.text_quiet };
        if laid.shown(TIME) {
            ink::right(p, laid.cell(TIME, self.row.rect), &time(m.first), look.mono(), side);
        }
        if laid.shown(PROCESS) {
            let quiet = if self.selected { t.text_quiet } else { t.text_faint };
            packets::process(p, look, laid.cell(PROCESS, self.row.rect), self.s.process_of(m.conv.flow), side, quiet);
        }
        let mut cell = laid.cell(PROTOCOL, self.row.rect);
        // What is inside stands inside: the outer protocols as far as there is room, then its own.
        let label = view::message_label(self.s, m);
        if m.conv.inner != 0 {
            let mut path = view::stack(self.s, m, |_| None);
            path.pop();
            // "TLS handshake" says by itself what it is inside of.
            path.retain(|outer| !label.starts_with(outer));
            let own = p.layout_no_wrap(label.to_owned(), look.small(), t.text).size().x + 12.0;
            let words = |path: &[&str]| path.iter().map(|o| format!("{o} › ")).collect::<String>();
            let wide = |w: &str| p.layout_no_wrap(w.to_owned(), look.fine(), t.text).size().x;
            let room = cell.width() - own;
            let whole = words(&path);
            let shown = if wide(&whole) <= room { whole } else { path.first().map_or_else(String::new, |o| format!("{o} … ")) };
            if wide(&shown) <= room {
                cell.min.x +=
                    ink::left(p, cell, shown.trim_end(), look.fine(), t.text_faint) + if shown.is_empty() { 0.0 } else { 5.0 };
            }
        }
        protocol_chip(p, look, cell, label);
        laid.cell(ASKED, self.row.rect)
    }

    /// Messages that one row stands for: the first of them, and how many follow.
    fn talk(&self, laid: &Laid, first: u32, talk: Option<&listing::Talk>, time: &dyn Fn(u32) -> String) {
        let (look, p, s) = (self.look, self.row.painter, self.s);
        let t = look.t;
        self.ground();
        let Some((m, talk)) = s.message(first).zip(talk) else { return };
        let mut asked = self.begin(laid, &m, time);
        self.caret(asked.left() + 2.0);
        asked.min.x += 12.0;
        ink::icon(p, pos2(asked.left() + 7.0, asked.center().y), icons::CHATS, look.icon(1.1), t.text_quiet);
        asked.min.x += 20.0;
        asked.min.x += self.warned(asked, talk.worst);
        let count = format::count(u64::from(talk.count), "message", "messages");
        let strong = if self.selected { t.text_strong } else { t.text };
        let side = if self.selected { t.text } else { t.text_quiet };
        let g =
            ink::pieces(p, asked.width(), &[(&format!("{count}  "), look.semi(), strong), (s.summary(first), look.text(), side)]);
        p.galley(pos2(asked.left(), (asked.center().y - g.size().y / 2.0).round()), g, strong);
        ink::left(p, laid.cell(STATUS, self.row.rect), s.summary(talk.last), look.text(), side);
        ink::right(p, laid.cell(SIZE, self.row.rect), &format::number(talk.bytes), look.mono(), side);
        if let (Some(a), Some(b)) = (s.time_of(m.first), s.message(talk.last).and_then(|l| s.time_of(view::some(l.done)?)))
            && b > a
        {
            ink::right(p, laid.cell(TOOK, self.row.rect), &format::duration(b - a), look.mono(), side);
        }
    }

    /// A mark for the worst note; gives the room it took.
    fn warned(&self, cell: Rect, worst: Option<wirelore_kit::Severity>) -> f32 {
        let Some(worst) = worst.filter(|w| *w >= wirelore_kit::Severity::Warn) else { return 0.0 };
        let (icon, color) = severity_mark(self.look, worst);
        ink::icon(self.row.painter, pos2(cell.left() + 6.0, cell.center().y), icon, self.look.icon(1.1), color);
        18.0
    }

    fn exchange(&self, laid: &Laid, item: Item, time: &dyn Fn(u32) -> String) {
        let (look, s, p) = (self.look, self.s, self.row.painter);
        let t = look.t;
        self.ground();
        let cell = |i: usize| laid.cell(i, self.row.rect);
        let (ask, answer) = match item {
            Item::Exchange(e) => match s.exchange(e) {
                Some(x) => (view::some(x.ask), view::some(x.answer)),
                None => return,
            },
            Item::Message(m) => (Some(m), None),
            _ => return,
        };
        let Some(first) = ask.or(answer).and_then(|m| s.message(m)) else { return };
        let strong = if self.selected { t.text_strong } else { t.text };
        let side = if self.selected { t.text } else { t.text_quiet };
        let mut asked = self.begin(laid, &first, time);
        match item {
            Item::Exchange(_) => self.caret(asked.left() + 2.0),
            _ if self.below => asked.min.x += 16.0,
            _ => {}
        }
        asked.min.x += 12.0;
        let to_server = first.dir == Dir::ToServer;
        let arrow = Rect::from_min_size(asked.min, egui::vec2(14.0, asked.height()));
        ink::arrow(p, arrow, to_server, if to_server { t.to_server } else { t.to_client });
        asked.min.x += 20.0;
        asked.min.x += self.warned(asked, listing::worst(s, item));
        match ask {
            Some(m) => {
                // Method and path apart, where the protocol has them: the eye runs down one edge.
                let method = view::role(s, m, FieldRole::Method).filter(|m| m.chars().count() <= 12);
                let path = view::role(s, m, FieldRole::Path);
                match (method, path) {
                    (Some(method), Some(path)) if !self.below => {
                        // To a proxy the whole address is said; and to CONNECT, only the host.
                        let whole = path.contains("://") || !path.starts_with('/') && path != "*";
                        let host = view::role(s, m, FieldRole::Authority).filter(|_| !whole).unwrap_or_default();
                        let parts =
                            [(format!("{method} "), look.semi(), strong), (host, look.text(), side), (path, look.text(), strong)];
                        let parts = parts.each_ref().map(|(t, f, c)| (t.as_str(), f.clone(), *c));
                        let g = ink::pieces(p, asked.width(), &parts);
                        p.galley(pos2(asked.left(), (asked.center().y - g.size().y / 2.0).round()), g, strong);
                    }
                    _ => {
                        ink::left(p, asked, s.summary(m), look.text(), if self.below { side } else { strong });
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
        let mut bytes: u64 = [ask, answer].into_iter().flatten().filter_map(|m| s.message(m)).map(|m| m.len).sum();
        if let Item::Exchange(e) = item {
            // A transfer is as large as what it transferred.
            let moved = view::caused_in(s, e).into_iter().flat_map(|f| s.messages_back(f)).take(64);
            bytes += moved.filter_map(|m| s.message(m)).map(|m| m.len).sum::<u64>();
        }
        ink::right(p, cell(SIZE), &format::number(bytes), look.mono(), side);
        if let Item::Exchange(e) = item
            && let Some(ns) = s.answer_time(e)
        {
            ink::right(p, cell(TOOK), &format::duration(ns), look.mono(), strong);
        }
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
