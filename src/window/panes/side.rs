//! WHY: what is to be known about the selection besides its bytes: the field in words, notes, evidence, delivery, the connection.

use crate::act::Act;
use crate::command::Command;
use crate::desk::Prepared;
use crate::format;
use crate::panes::{Cx, bytes, fact, head, pane, title};
use crate::select::Selection;
use crate::tab::Tab;
use crate::view;
use crate::widgets::tree::severity_mark;
use crate::widgets::{button, ink};
use egui::{Rect, RichText, ScrollArea, Sense, Ui, UiBuilder, pos2, vec2};
use wirelore_kit::{Note, Tie};
use wirelore_store::{Flow, FlowFlags};

/// Notes that are listed; a flow may have thousands.
const MOST_NOTES: usize = 60;

/// Shows it.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, rect: Rect) {
    let look = cx.look;
    pane(ui, look, "why", rect, |ui| {
        let body = head(ui, look, rect, |ui| {
            let g = ui.painter().layout_no_wrap("Why".into(), look.semi(), look.t.text_strong);
            let (r, _) = ui.allocate_exact_size(g.size(), Sense::hover());
            ui.painter().galley(r.min, g, look.t.text_strong);
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                if bytes::close_button(ui, look, "Close the side pane", &Command::Side.keys()) {
                    cx.acts.push(Act::Do(Command::Side));
                }
            });
        });
        let mut child = ui.new_child(UiBuilder::new().id_salt("why body").max_rect(body));
        child.set_clip_rect(body.intersect(ui.clip_rect()));
        ScrollArea::vertical().id_salt("why scroll").auto_shrink([false, false]).show(&mut child, |ui| {
            egui::Frame::new().inner_margin(egui::Margin { left: 14, right: 14, top: 0, bottom: 16 }).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 3.0;
                let shown = tab.shown();
                if let Some(t) = &shown {
                    field(ui, cx, tab, t);
                }
                notes(ui, cx, tab, shown.as_deref());
                delivery(ui, cx, tab);
                packet_facts(ui, cx, tab);
                connection(ui, cx, tab);
            });
        });
    });
}

/// The selected field in words.
fn field(ui: &mut Ui, cx: &Cx<'_>, tab: &Tab, t: &Prepared) {
    let look = cx.look;
    let Some(node) = tab.selection.node.and_then(|n| t.tree.nodes.get(n)) else { return };
    title(ui, look, "Field");
    ui.label(RichText::new(node.field.label).font(look.title(1.15)).color(look.t.text_strong));
    let value = t.tree.display(node);
    if !value.is_empty() {
        ui.label(RichText::new(value.as_str()).font(look.mono()).color(look.t.text));
    }
    if let Some(prose) = cx.prose.field.get(node.field.name) {
        ui.add_space(4.0);
        if !prose.what.is_empty() {
            ui.label(RichText::new(&prose.what).color(look.t.text));
        }
        // A line for just this value, where there is one.
        if let Some(line) = said_of(&node.value).and_then(|v| prose.values.get(&v)).or_else(|| prose.values.get(&value)) {
            ui.label(RichText::new(line).color(look.t.text_strong));
        }
        for (head, text) in [("Why it is there", &prose.why), ("Watch out", &prose.watch), ("Try", &prose.r#try)] {
            if !text.is_empty() {
                paragraph(ui, look, head, text);
            }
        }
    }
    ui.add_space(4.0);
    fact(ui, look, "Filter name", node.field.name);
    if !node.field.rfc.is_empty() {
        source(ui, look, "Defined in", node.field.rfc);
    }
    let place = match (node.tie, node.span.len) {
        (Tie::Derived, _) => "worked out, has no bytes of its own".to_owned(),
        (_, 0) => String::new(),
        (_, len) => format!(
            "{} at {} in {}",
            format::count(len.into(), "byte", "bytes"),
            format::number(node.span.at),
            t.tree.buffer(node.span.buf).map_or_else(|| tab.desk.name(node.span.buf), |b| b.label.clone())
        ),
    };
    if !place.is_empty() {
        fact(ui, look, "Where", &place);
    }
}

/// The number of a value, by which prose may speak of it.
fn said_of(value: &wirelore_kit::Value) -> Option<String> {
    match value {
        wirelore_kit::Value::U64(n) => Some(n.to_string()),
        wirelore_kit::Value::I64(n) => Some(n.to_string()),
        _ => None,
    }
}

/// A paragraph with a word above it that says what it is for.
fn paragraph(ui: &mut Ui, look: &crate::theme::Look, head: &str, text: &str) {
    ui.add_space(5.0);
    ui.label(RichText::new(head).font(look.small()).color(look.t.text_faint));
    ui.label(RichText::new(text).color(look.t.text));
}

/// Where something is defined: a press opens the document.
fn source(ui: &mut Ui, look: &crate::theme::Look, name: &str, rfc: &str) {
    let Some(url) = crate::format::rfc_url(rfc) else { return fact(ui, look, name, rfc) };
    ui.horizontal(|ui| {
        let width = ui.available_width();
        let (r, _) = ui.allocate_exact_size(vec2((width * 0.4).clamp(80.0, 150.0), look.size + 6.0), Sense::hover());
        ink::left(ui.painter(), r, name, look.text(), look.t.text_quiet);
        if button::link(ui, look, rfc).on_hover_text(&url).clicked() {
            ui.ctx().open_url(egui::OpenUrl::new_tab(&url));
        }
    });
}

/// Findings: of the shown tree, else of the whole connection.
fn notes(ui: &mut Ui, cx: &mut Cx<'_>, tab: &Tab, t: Option<&Prepared>) {
    let look = cx.look;
    let made = t.is_some_and(|t| super::bytes::made(tab, t).is_some());
    let here: Vec<(&'static Note, Option<usize>)> = t.map_or_else(Vec::new, |t| {
        t.tree
            .notes
            .iter()
            // No network card was to fill in the sums of what no wire carried.
            .filter(|n| !(made && n.what.name.ends_with(".checksum_offload")))
            .map(|n| {
                (
                    n.what,
                    t.tree
                        .nodes
                        .iter()
                        .rposition(|x| x.span == n.at && n.at.len > 0)
                        .or_else(|| t.tree.node_at(n.at.buf, n.at.at)),
                )
            })
            .collect()
    });
    let packet = tab.selection.packet.and_then(|p| tab.snap.packet(p));
    let verdicts = packet.as_ref().map(view::verdicts).unwrap_or_default();
    if made || !here.is_empty() || !verdicts.is_empty() {
        title(ui, look, "Notes here");
        if made {
            let words = "The proxy relayed the bytes behind them, and made the headers to show them as packets. No wire carried \
                         what is hatched, and its checksum is not worked out.";
            note_line(ui, cx, wirelore_kit::Severity::Chat, "These headers were made by the proxy", words, None);
        }
        for v in verdicts {
            let severity = if v.trouble { wirelore_kit::Severity::Warn } else { wirelore_kit::Severity::Note };
            note_line(ui, cx, severity, v.label, "", None);
        }
        for (note, node) in here.into_iter().take(MOST_NOTES) {
            let prose = cx.prose.note.get(note.name);
            let words = prose.map_or_else(String::new, |p| format!("{} {}", p.cause, p.cure).trim().to_owned());
            let words = if words.is_empty() { note.rfc.to_owned() } else { words };
            note_line(ui, cx, note.severity, note.label, &words, node.map(Act::Node));
        }
    }
    let Some(flow) = tab.selection.flow else { return };
    let all: Vec<_> = tab.snap.notes_back(flow).take(MOST_NOTES + 1).collect();
    if all.is_empty() {
        return;
    }
    title(ui, look, "Notes of this connection");
    for n in all.iter().take(MOST_NOTES).rev() {
        let act = match (view::some(n.message), view::some(n.packet)) {
            (Some(m), _) => Some(Act::Select(Selection::message(&tab.snap, m, None))),
            (None, Some(p)) => Some(Act::Select(Selection::packet(&tab.snap, p, None))),
            _ => None,
        };
        let place = view::some(n.packet).map_or_else(String::new, |p| format!("packet {}", format::number(u64::from(p) + 1)));
        note_line(ui, cx, n.note.severity, n.note.label, &place, act);
    }
    if all.len() > MOST_NOTES {
        ui.label(RichText::new("and more: the newest are shown").color(look.t.text_quiet));
    }
}

fn note_line(ui: &mut Ui, cx: &mut Cx<'_>, severity: wirelore_kit::Severity, text: &str, more: &str, act: Option<Act>) {
    let look = cx.look;
    let t = look.t;
    let width = ui.available_width();
    let g = ui.painter().layout(text.to_owned(), look.medium(), t.text, width - 26.0);
    let m = (!more.is_empty()).then(|| ui.painter().layout(more.to_owned(), look.fine(), t.text_quiet, width - 26.0));
    let height = g.size().y + m.as_ref().map_or(0.0, |m| m.size().y + 1.0) + 8.0;
    let (rect, r) = ui.allocate_exact_size(vec2(width, height), if act.is_some() { Sense::click() } else { Sense::hover() });
    r.widget_info(|| egui::WidgetInfo::labeled(egui::Role::ListItem, true, format!("{text} {more}")));
    if r.hovered() && act.is_some() || r.has_focus() {
        ui.painter().rect_filled(rect.expand2(vec2(6.0, 0.0)), 5, t.hover);
    }
    let (icon, color) = severity_mark(look, severity);
    ink::icon(ui.painter(), pos2(rect.left() + 8.0, rect.top() + 4.0 + look.size * 0.62), icon, look.icon(1.15), color);
    let y = rect.top() + 4.0;
    let below = y + g.size().y + 1.0;
    ui.painter().galley(pos2(rect.left() + 24.0, y), g, t.text);
    if let Some(m) = m {
        ui.painter().galley(pos2(rect.left() + 24.0, below), m, t.text_quiet);
    }
    if r.clicked()
        && let Some(act) = act
    {
        cx.acts.push(act);
    }
}

/// How the selected message travelled.
fn delivery(ui: &mut Ui, cx: &mut Cx<'_>, tab: &Tab) {
    let look = cx.look;
    let s = &tab.snap;
    let Some((number, m)) = tab.selection.message.and_then(|m| Some((m, s.message(m)?))) else { return };
    title(ui, look, "Delivery");
    let done = view::some(m.done);
    let packets = match done {
        Some(d) if d == m.first => format!("packet {}", format::number(u64::from(d) + 1)),
        Some(d) => format!("packets {} to {}", format::number(u64::from(m.first) + 1), format::number(u64::from(d) + 1)),
        None => format!("from packet {}, not finished", format::number(u64::from(m.first) + 1)),
    };
    fact(ui, look, "Arrived in", &packets);
    if let (Some(a), Some(b)) = (s.time_of(m.first), done.and_then(|d| s.time_of(d)))
        && b > a
    {
        fact(ui, look, "First to last byte", &format::duration(b - a));
    }
    fact(ui, look, "Size", &format!("{} at {} of its direction", format::count(m.len, "byte", "bytes"), format::number(m.at)));
    if let Some(e) = view::some(m.exchange) {
        match (s.exchange(e), s.answer_time(e)) {
            (Some(_), Some(ns)) => fact(ui, look, "Question to answer", &format::duration(ns)),
            (Some(x), None) if view::some(x.answer).is_none() => fact(ui, look, "Answer", "none was captured"),
            _ => {}
        }
    }
    if tab.other_half().is_some() {
        ui.add_space(3.0);
        let to_answer = s.exchange(m.exchange).is_some_and(|x| x.ask == number);
        if button::link(ui, look, if to_answer { "Go to the answer" } else { "Go to the question" }).clicked() {
            cx.acts.push(Act::Do(Command::OtherHalf));
        }
    }
}

/// The selected packet's time, size and interface, and what somebody wrote about it.
fn packet_facts(ui: &mut Ui, cx: &Cx<'_>, tab: &Tab) {
    let look = cx.look;
    let s = &tab.snap;
    let Some((number, p)) = tab.selection.packet.and_then(|p| Some((p, s.packet(p)?))) else { return };
    title(ui, look, &format!("Packet {}", format::number(u64::from(number) + 1)));
    if p.time != i64::MIN {
        fact(ui, look, "Arrived", &format::moment(p.time, "%Y-%m-%d %H:%M:%S%.6f", &jiff::tz::TimeZone::UTC));
    }
    let cut = if p.cap_len < p.wire_len { format!(", {} captured", format::number(p.cap_len.into())) } else { String::new() };
    fact(ui, look, "On the wire", &format!("{}{cut}", format::count(p.wire_len.into(), "byte", "bytes")));
    if let Some(i) = s.facts().interfaces.get(usize::from(p.interface())).filter(|i| !i.name.is_empty()) {
        fact(ui, look, "Interface", &i.name);
    }
    for comment in s.comments_on(number).take(5) {
        ui.label(RichText::new(format!("“{comment}”")).color(look.t.text));
    }
}

/// That a connection was seen twice: by the proxy and by an interface.
fn other_picture(ui: &mut Ui, cx: &mut Cx<'_>, tab: &Tab, f: &Flow<'_>) {
    let look = cx.look;
    let Some(other) = tab.other_picture().and_then(|f| tab.snap.flow(f)) else { return };
    let link = if f.flags.has(FlowFlags::SYNTHETIC) {
        let [a, b] = other.packets;
        let packets = format::count(u64::from(a.saturating_add(b)), "packet", "packets");
        fact(ui, look, "Captured", &format!("as well: {packets}, from number {}", u64::from(other.first_packet) + 1));
        "Look at its packets as captured (Shift+O)"
    } else {
        fact(ui, look, "Twin", "the proxy relays this connection, and its exchanges are listed as the proxy read them");
        "Look at it as relayed (Shift+O)"
    };
    if button::link(ui, look, link).clicked() {
        cx.acts.push(Act::Do(Command::OtherPicture));
    }
}

/// The connection and why we think it speaks what it speaks.
fn connection(ui: &mut Ui, cx: &mut Cx<'_>, tab: &Tab) {
    let look = cx.look;
    let s = &tab.snap;
    let Some(f) = tab.selection.flow.and_then(|f| s.flow(f)) else {
        if tab.selection.packet.is_some() {
            title(ui, look, "Connection");
            ui.label(RichText::new("This packet belongs to no connection.").color(look.t.text_quiet));
        }
        return;
    };
    title(ui, look, "Connection");
    fact(ui, look, "Client", &end(s, &f.client()));
    fact(ui, look, "Server", &end(s, &f.server()));
    fact(ui, look, "Known as", &view::flow_name(&f));
    if f.flags.has(FlowFlags::SYNTHETIC) {
        fact(ui, look, "Relayed", "by the proxy: its headers were made for the record, what they carry is true");
        if button::link(ui, look, "Go to the other side of the proxy (O)").clicked() {
            cx.acts.push(Act::Do(Command::OtherLeg));
        }
    }
    other_picture(ui, cx, tab, &f);
    if let Some(p) = s.process_of(f.id) {
        fact(ui, look, "Process", &format!("{} ({})", p.name, p.pid));
        if !p.command.is_empty() && p.command != p.name {
            fact(ui, look, "Started as", &p.command);
        }
    }
    if !s.tunnel(f.tunnel).is_empty() {
        fact(ui, look, "Inside", s.tunnel(f.tunnel));
    }
    let [a, b] = f.bytes;
    let (up, down) = if f.client_end() == 0 { (a, b) } else { (b, a) };
    fact(ui, look, "Packets", &format::number(f.packet_count()));
    fact(ui, look, "Sent by client", &format::size(up));
    fact(ui, look, "Sent by server", &format::size(down));
    if f.last_time > f.first_time && f.first_time != i64::MIN {
        fact(ui, look, "Lasted", &format::duration(f.last_time - f.first_time));
    }
    if let Some(rtt) = f.initial_rtt() {
        fact(ui, look, "Round trip", &format::duration(rtt));
    }
    title(ui, look, "Why we think so");
    ui.label(RichText::new(view::evidence(&f.evidence, view::flow_label(s, &f))).color(look.t.text));
    for line in view::life(&f) {
        ui.label(RichText::new(line).color(look.t.text_quiet));
    }
    ui.add_space(6.0);
    let only = tab.only == Some(f.id);
    if button::link(ui, look, if only { "Show every connection" } else { "Show only this connection" }).clicked() {
        cx.acts.push(Act::Only(if only { None } else { Some(f.id) }));
    }
}

fn end(s: &wirelore_store::Snapshot, e: &wirelore_kit::Endpoint) -> String {
    s.name_of(&e.ip).map_or_else(|| e.to_string(), |n| format!("{n} ({e})"))
}
