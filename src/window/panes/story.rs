//! The story: what happened, connection by connection, in sentences that lead to what they speak of.

use crate::format;
use crate::listing::{self, Item};
use crate::panes::packets::bar_marks;
use crate::panes::{Cx, wherelist};
use crate::select::Level;
use crate::tab::{Region, Tab};
use crate::theme::{Look, icons};
use crate::view;
use crate::widgets::vlist::{self, VList};
use crate::widgets::{ink, tree::severity_mark};
use egui::{Rect, Role, Stroke, Ui, pos2, vec2};
use wirelore_kit::row::NONE;
use wirelore_kit::{Dir, MessageState};
use wirelore_store::Snapshot;

/// Shows it.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, rect: Rect) {
    let look = cx.look;
    let t = look.t;
    let list = tab.listing();
    let snap = tab.snap.clone();
    let opening = opening(&snap, tab.stopped);
    let g = ui.painter().layout(opening, look.text(), t.text, rect.width() - 32.0);
    let head = Rect::from_min_size(rect.min, vec2(rect.width(), g.size().y + 24.0));
    ui.painter().galley(head.min + vec2(16.0, 12.0), g, t.text);
    ui.painter().hline(head.x_range(), head.bottom() - 0.5, Stroke::new(1.0, t.line));
    let body = Rect::from_min_max(pos2(rect.left(), head.bottom()), rect.max);
    let selected = list.row_of(&snap, &tab.selection);
    let keyboard = tab.region == Region::List;
    let marks = bar_marks(look, list.marks());
    let v = VList {
        id: Region::List.id(),
        name: "Story",
        rows: list.len(&snap),
        row_height: (look.size * 2.0 + 20.0).round(),
        marks: &marks,
        selected,
        role: Some(Role::Row),
    };
    let mut state = std::mem::take(&mut tab.story_list);
    let label = |row: u64| {
        list.item(row).map_or_else(String::new, |i| {
            let (a, b) = sentences(&snap, i);
            format!("{a} {b}")
        })
    };
    let h = v.show(ui, look, body, &mut state, label, |row| {
        let Some(item) = list.item(row.index) else { return };
        let is_selected = selected == Some(row.index);
        vlist::ground(row, look, is_selected, keyboard);
        let (first, second) = sentences(&snap, item);
        let r = row.rect;
        let p = row.painter;
        let flow = matches!(item, Item::Flow(_));
        if flow {
            p.hline(r.x_range(), r.top() + 0.5, Stroke::new(1.0, t.line));
        }
        let indent = if flow { 16.0 } else { 34.0 };
        let mid = r.center().y;
        let (icon, color) = mark(look, &snap, item);
        ink::icon(p, pos2(r.left() + indent + 8.0, mid - look.size * 0.75), icon, look.icon(1.25), color);
        let x = r.left() + indent + 26.0;
        let line = |top: f32| Rect::from_min_max(pos2(x, top), pos2(r.right() - 12.0, top + look.size + 6.0));
        ink::left(p, line(r.top() + 5.0), &first, if flow { look.semi() } else { look.medium() }, t.text_strong);
        ink::left(p, line(mid + 1.0), &second, look.text(), t.text_quiet);
    });
    tab.story_list = state;
    let opened = h.opened;
    wherelist::after(cx, tab, &h);
    if opened.is_some() {
        cx.acts.push(crate::act::Act::SelectAt(Level::Exchanges, tab.selection));
    }
    vlist::row_menu(ui, look, &h.response, h.menu.is_some(), h.clicked.is_some(), |ui| wherelist::menu(ui, cx, tab));
}

fn mark(look: &Look, s: &Snapshot, item: Item) -> (char, egui::Color32) {
    let t = look.t;
    if let Some(w) = listing::worst(s, item) {
        return severity_mark(look, w);
    }
    match item {
        Item::Flow(_) => (icons::PLUGS, t.text_quiet),
        Item::Message(m) if s.message(m).is_some_and(|m| m.dir == Dir::ToClient) => (icons::ARROW_LEFT, t.to_client),
        _ => (icons::ARROW_RIGHT, t.to_server),
    }
}

/// The first paragraph: how much there is.
#[must_use]
pub fn opening(s: &Snapshot, stopped: bool) -> String {
    let packets = u64::from(s.packets());
    if packets == 0 {
        return if s.progress().done { "There are no packets in this capture.".into() } else { "Reading…".into() };
    }
    let last = s.packets().saturating_sub(1);
    let span = match (s.time_of(0), s.time_of(last)) {
        (Some(a), Some(b)) if b > a => format!(" over {}", format::duration(b - a)),
        _ => String::new(),
    };
    let mut text = format!(
        "{}{span}, between {}, in {}.",
        format::count(packets, "packet", "packets"),
        format::count(s.hosts().len().into(), "host", "hosts"),
        format::count(s.flows().into(), "connection", "connections"),
    );
    let asked = s.exchanges();
    if asked > 0 {
        text.push_str(&format!(
            " {} asked.",
            if asked == 1 { "1 question was".into() } else { format!("{} questions were", format::number(asked.into())) }
        ));
    }
    let bad = s.notes_of_severity(wirelore_kit::Severity::Error);
    let odd = s.notes_of_severity(wirelore_kit::Severity::Warn);
    match (bad, odd) {
        (0, 0) => {}
        (0, w) => text.push_str(&format!(
            " {} worth a look.",
            if w == 1 { "One thing is".into() } else { format!("{} things are", format::number(w)) }
        )),
        (e, w) => text.push_str(&format!(
            " {} broken, {} odd.",
            if e == 1 { "One thing is".into() } else { format!("{} things are", format::number(e)) },
            format::number(w)
        )),
    }
    if stopped {
        text.push_str(" Reading was stopped: there is more in the file.");
    }
    text
}

/// Two sentences about an item: what, and the circumstances.
#[must_use]
pub fn sentences(s: &Snapshot, item: Item) -> (String, String) {
    match item {
        Item::Flow(f) => flow(s, f).unwrap_or_default(),
        Item::Exchange(e) => exchange(s, e).unwrap_or_default(),
        Item::Message(m) | Item::Talk(m) => message(s, m).unwrap_or_default(),
        Item::Packet(p) => (format!("Packet {}", p + 1), String::new()),
    }
}

fn host(s: &Snapshot, ip: &std::net::IpAddr) -> String {
    s.name_of(ip).map_or_else(|| ip.to_string(), str::to_owned)
}

fn flow(s: &Snapshot, f: u32) -> Option<(String, String)> {
    let f = s.flow(f)?;
    let (c, v) = (f.client(), f.server());
    let port = if v.port == 0 { String::new() } else { format!(", port {}", v.port) };
    let what = match f.protocol().map(|p| s.schema().protocol_label(p)).filter(|l| !l.is_empty()) {
        Some(l) => format!("{} and {} spoke {l}", host(s, &c.ip), host(s, &v.ip)),
        None if f.message_count() == 0 => format!("{} sent {} to {}", host(s, &c.ip), view::transport(&f), host(s, &v.ip)),
        None => format!("{} and {} spoke over {}", host(s, &c.ip), host(s, &v.ip), view::transport(&f)),
    };
    let took = match (f.first_time, f.last_time) {
        (a, b) if a != i64::MIN && b > a => format!(" in {}", format::duration(b - a)),
        _ => String::new(),
    };
    let [a, b] = f.bytes;
    let (up, down) = if f.client_end() == 0 { (a, b) } else { (b, a) };
    let mut details = format!(
        "{}{took}: {} there, {} back.",
        format::count(f.packet_count(), "packet", "packets"),
        format::size(up),
        format::size(down)
    );
    for l in view::life(&f) {
        details.push(' ');
        details.push_str(&l);
    }
    Some((format!("{what}{port}."), details))
}

fn exchange(s: &Snapshot, e: u32) -> Option<(String, String)> {
    let x = s.exchange(e)?;
    let ask = view::some(x.ask);
    let first = match ask {
        Some(m) => format!("Asked: {}", s.summary(m)),
        None => "A question that was not captured".into(),
    };
    let second = match view::some(x.answer) {
        Some(m) => {
            let time = s.answer_time(e).map_or_else(String::new, |ns| format!(" after {}", format::duration(ns)));
            let len = s.message(m).map_or_else(String::new, |m| format!(" ({})", format::size(m.len)));
            format!("Answered{time}: {}{len}", s.summary(m))
        }
        None => "No answer was captured.".into(),
    };
    Some((first, second))
}

fn message(s: &Snapshot, m: u32) -> Option<(String, String)> {
    let row = s.message(m)?;
    let who = if row.dir == Dir::ToServer { "The client said" } else { "The server said" };
    let end = match row.state {
        MessageState::Open => ", and has not finished",
        MessageState::Whole => "",
        MessageState::Cut => ", and was cut off",
        MessageState::Bad => ", in a form that breaks the protocol",
    };
    let packets = if row.done == NONE || row.done == row.first {
        format!("packet {}", row.first + 1)
    } else {
        format!("packets {} to {}", row.first + 1, row.done + 1)
    };
    Some((format!("{who}: {}", s.summary(m)), format!("{} in {packets}{end}.", format::size(row.len))))
}
