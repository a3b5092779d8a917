//! The list of packets: number, time, ends, protocol, length, and one line about each.

use crate::desk::Answer;
use crate::listing::Item;
use crate::panes::{Cx, wherelist};
use crate::tab::{Region, Tab};
use crate::view;
use crate::widgets::table::{self, Column, Width};
use crate::widgets::vlist::{self, VList};
use crate::widgets::{ink, tree::severity_mark};
use crate::{format, theme::Look};
use egui::{Color32, Rect, Role, Ui, pos2};
use std::cell::Cell;
use wirelore_kit::{Dir, Severity, verdict};

const NUMBER: usize = 0;
const TIME: usize = 1;
const SOURCE: usize = 2;
const DESTINATION: usize = 3;
const PROTOCOL: usize = 4;
const LENGTH: usize = 5;
const PROCESS: usize = 6;
const INFO: usize = 7;

/// Shows them.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, rect: Rect) {
    let look = cx.look;
    let t = look.t;
    let time = cx.prefs.time;
    let digits = format::number(tab.snap.packets().into()).chars().count().max(3) as f32;
    let columns = [
        Column::right("No.", Width::Chars(digits), 0),
        Column::right(
            time.head(),
            Width::Chars(
                time.chars(
                    tab.snap
                        .packet(0)
                        .zip(tab.snap.packet(tab.snap.packets().saturating_sub(1)))
                        .map_or(0, |(a, b)| b.time.saturating_sub(a.time)),
                ),
            ),
            2,
        ),
        Column::left("Source", Width::Share(0.2, 104.0), 1),
        Column::left("Destination", Width::Share(0.2, 104.0), 1),
        Column::left("Protocol", Width::Chars(10.0), 0),
        Column::right("Length", Width::Chars(6.5), 3),
        Column::left("Process", Width::Chars(14.0), 4).only_if(!tab.snap.facts().processes.all().is_empty()),
        Column::left("Info", Width::Share(1.6, 176.0), 0),
    ];
    let (laid, body) = table::heads(ui, look, rect, &columns);
    let list = tab.listing();
    let snap = tab.snap.clone();
    let selected = list.row_of(&snap, &tab.selection);
    let keyboard = tab.region == Region::List;
    let trouble = verdict::trouble();
    let start = snap.packet(0).map_or(i64::MIN, |p| p.time);
    let marks = bar_marks(look, list.marks());
    let v = VList {
        id: Region::List.id(),
        name: "Packets",
        rows: list.len(&snap),
        row_height: look.row(),
        marks: &marks,
        selected,
        role: Some(Role::Row),
    };
    let mut state = std::mem::take(&mut tab.packet_list);
    let before: Cell<Option<i64>> = Cell::new(None);
    let (desk, marked) = (&tab.desk, &tab.marked);
    let label = |row: u64| match list.item(row) {
        Some(Item::Packet(p)) => match desk.line(p) {
            Answer::Here(l) => format!("Packet {}: {} to {}, {}, {}", p + 1, l.source, l.destination, l.protocol, l.info),
            _ => format!("Packet {}", p + 1),
        },
        _ => String::new(),
    };
    let mut over_row = None;
    let h = v.show(ui, look, body, &mut state, label, |row| {
        let Some(Item::Packet(number)) = list.item(row.index) else { return };
        let Some(packet) = snap.packet(number) else { return };
        let is_selected = selected == Some(row.index);
        vlist::ground(row, look, is_selected, keyboard);
        let what = crate::ladder::What::Packet(number);
        if row.hovered {
            over_row = Some(what);
        } else if tab.hover.row == Some(what) && !is_selected {
            let r = row.rect.shrink2(egui::vec2(1.0, 0.5));
            row.painter.rect_stroke(r, 3, egui::Stroke::new(1.0, t.text_quiet), egui::StrokeKind::Inside);
        }
        let p = row.painter;
        if marked.contains(&number) {
            mark(p, look, row.rect);
        }
        let cell = |i: usize| laid.cell(i, row.rect);
        let ink_main = if is_selected { t.text_strong } else { t.text };
        let ink_side = if is_selected { t.text } else { t.text_quiet };
        ink::right(
            p,
            cell(NUMBER),
            &format::number(u64::from(number) + 1),
            look.mono(),
            if is_selected { t.text } else { t.text_faint },
        );
        if laid.shown(TIME) {
            let previous = before.get().or_else(|| {
                row.index
                    .checked_sub(1)
                    .and_then(|r| list.item(r))
                    .and_then(|i| if let Item::Packet(b) = i { snap.packet(b) } else { None })
                    .map(|b| b.time)
            });
            ink::right(p, cell(TIME), &time.write(packet.time, start, previous), look.mono(), ink_side);
            before.set(Some(packet.time));
        }
        if laid.shown(LENGTH) {
            ink::right(p, cell(LENGTH), &format::number(packet.wire_len.into()), look.mono(), ink_side);
        }
        if laid.shown(PROCESS) {
            process(p, look, cell(PROCESS), snap.process_of(packet.flow), ink_main, ink_side);
        }
        let flow = snap.flow(packet.flow);
        let dir = flow.as_ref().map(|f| view::dir(f, &packet));
        if let Some(f) = &flow
            && laid.shown(SOURCE)
        {
            let (from, to) = if dir == Some(Dir::ToServer) { (f.client(), f.server()) } else { (f.server(), f.client()) };
            end(p, look, cell(SOURCE), &from, ink_main, ink_side);
            end(p, look, cell(DESTINATION), &to, ink_main, ink_side);
        }
        match desk.line(number) {
            Answer::Here(line) => {
                if flow.is_none() && laid.shown(SOURCE) {
                    ink::left(p, cell(SOURCE), &line.source, look.mono(), ink_main);
                    ink::left(p, cell(DESTINATION), &line.destination, look.mono(), ink_main);
                }
                protocol_chip(p, look, cell(PROTOCOL), &line.protocol);
                let mut info = cell(INFO);
                let severity = view::packet_severity(&packet, trouble);
                if let Some(s) = severity {
                    let (icon, color) = severity_mark(look, s);
                    ink::icon(p, pos2(info.left() + 6.0, info.center().y), icon, look.icon(1.1), color);
                    info.min.x += 18.0;
                }
                let color = match severity {
                    Some(Severity::Error) => t.err,
                    Some(_) => t.warn,
                    None => ink_main,
                };
                ink::left(p, info, &line.info, look.text(), color);
            }
            Answer::Waiting => {
                if let Some(f) = &flow {
                    protocol_chip(p, look, cell(PROTOCOL), view::flow_label(&snap, f));
                }
                // A quiet bar where the line will be: nothing jumps when it comes.
                let c = cell(INFO);
                let w = (f32::from(number.wrapping_mul(37) as u8) / 255.0 * 0.4 + 0.25) * c.width();
                p.rect_filled(Rect::from_min_size(pos2(c.left(), c.center().y - 3.0), egui::vec2(w, 6.0)), 3, t.raised);
            }
            Answer::Failed(why) => {
                ink::left(p, cell(INFO), &format!("{}: {}", why.what, why.why), look.text(), t.err);
            }
        }
    });
    tab.packet_list = state;
    tab.hover_next.row = tab.hover_next.row.or(over_row);
    wherelist::after(cx, tab, &h);
    vlist::row_menu(ui, look, &h.response, h.menu.is_some(), h.clicked.is_some(), |ui| wherelist::menu(ui, cx, tab));
}

/// The mark of a row that the user marked.
pub fn mark(p: &egui::Painter, look: &Look, row: Rect) {
    p.rect_filled(Rect::from_min_size(row.min + egui::vec2(0.0, 2.0), egui::vec2(4.0, row.height() - 4.0)), 2, look.t.accent);
}

/// A process by its name, with its number where there is room.
pub fn process(
    p: &egui::Painter,
    look: &Look,
    cell: Rect,
    of: Option<&wirelore_store::Process>,
    strong: Color32,
    quiet: Color32,
) {
    let Some(of) = of else { return };
    let pid = format!("  {}", of.pid);
    let parts = [(of.name.as_str(), look.text(), strong), (pid.as_str(), look.mono_small(), quiet)];
    let g = ink::pieces(p, cell.width(), &parts);
    p.galley(pos2(cell.left(), (cell.center().y - g.size().y / 2.0).round()), g, strong);
}

/// An end of a connection: the address always, the port where there is room for it.
fn end(p: &egui::Painter, look: &Look, cell: Rect, end: &wirelore_kit::Endpoint, strong: Color32, quiet: Color32) {
    let ip = end.ip.to_string();
    let w = ink::left(p, cell, &ip, look.mono(), strong);
    let port = format!(":{}", end.port);
    let room = Rect::from_min_max(pos2(cell.left() + w, cell.top()), cell.max);
    if end.port != 0 && room.width() >= port.len() as f32 * ink::char_width(p, &look.mono()) {
        ink::left(p, room, &port, look.mono(), quiet);
    }
}

/// A protocol as a chip in its hue; in a narrow cell it is cut rather than drawn over the next.
pub fn protocol_chip(p: &egui::Painter, look: &Look, cell: Rect, label: &str) {
    if label.is_empty() || cell.width() < 8.0 {
        return;
    }
    let hue = look.t.hue(&hue_name(label));
    // "TLS handshake" that does not fit is "TLS", rather than the beginning of a word.
    let fits = p.layout_no_wrap(label.to_owned(), look.small(), hue).size().x + 12.0 <= cell.width();
    let label = if fits { label } else { label.split(' ').next().unwrap_or(label) };
    ink::chip_within(p, look, pos2(cell.left(), cell.center().y), label, hue, cell.width());
}

/// The short name that hues go by, from a label: "HTTP/1.1" and "HTTP" are both "http".
#[must_use]
pub fn hue_name(label: &str) -> String {
    let lower = label.to_ascii_lowercase();
    lower.split(['/', ' ', '.']).next().unwrap_or("").to_owned()
}

/// Marks of a list in colours.
#[must_use]
pub fn bar_marks(look: &Look, marks: &[(f32, Severity)]) -> Vec<(f32, Color32)> {
    marks.iter().map(|(at, s)| (*at, severity_mark(look, *s).1)).collect()
}
