//! The place of statistics: facts of the capture, protocols, conversations, traffic over time, what was wrong with the file.

use crate::act::Act;
use crate::format;
use crate::panes::packets::hue_name;
use crate::panes::{Cx, fact, pane, title};
use crate::select::{Level, Selection};
use crate::tab::Tab;
use crate::theme::{Look, icons};
use crate::view;
use crate::widgets::table::{self, Column, Width};
use crate::widgets::vlist::{VList, VState};
use crate::widgets::{ink, split::GUTTER};
use egui::{CornerRadius, Id, Rect, RichText, Role, ScrollArea, Stroke, Ui, UiBuilder, pos2, vec2};
use std::sync::Arc;
use wirelore_kit::Transport;
use wirelore_store::stats::{self, ProtocolStat, Slice};
use wirelore_store::{Job, Snapshot};

/// What was counted.
#[derive(Debug, Default)]
struct Counted {
    generation: u64,
    protocols: Vec<ProtocolStat>,
    /// Flow numbers, most bytes first.
    flows: Vec<u32>,
    over_time: Vec<Slice>,
    range: Option<(i64, i64)>,
}

/// Statistics of a tab: made by a job when the place is looked at.
#[derive(Debug, Default)]
pub struct Figures {
    now: Option<Arc<Counted>>,
    job: Option<Job<Counted>>,
    list: VState,
}

const SLICES: usize = 120;

impl Figures {
    /// Whether a count is under way.
    #[must_use]
    pub const fn busy(&self) -> bool {
        self.job.is_some()
    }
}

fn count(s: &Snapshot, work: &wirelore_store::Work) -> Option<Counted> {
    let mut flows: Vec<u32> = (0..s.flows()).collect();
    flows.sort_by_key(|f| std::cmp::Reverse(s.flow(*f).map_or(0, |f| f.byte_count())));
    let range = stats::time_range(s, work);
    let over_time = match range {
        Some((a, b)) => stats::over_time(s, a, b, SLICES, work)?,
        None => Vec::new(),
    };
    Some(Counted { generation: s.generation(), protocols: stats::protocols(s, work)?, flows, over_time, range })
}

/// Shows it.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, rect: Rect) {
    let look = cx.look;
    let snap = tab.snap.clone();
    if let Some(end) = tab.figures.job.as_ref().and_then(Job::poll) {
        tab.figures.job = None;
        if let Ok(counted) = end {
            tab.figures.now = Some(Arc::new(counted));
        }
    }
    if tab.figures.job.is_none() && tab.figures.now.as_ref().is_none_or(|n| n.generation != snap.generation()) {
        let s = snap.clone();
        tab.figures.job = Some(tab.jobs().start(move |work| count(&s, work)));
    }
    let counted = tab.figures.now.clone().unwrap_or_default();
    let left = Rect::from_min_size(rect.min, vec2((rect.width() * 0.34).clamp(240.0, 440.0), rect.height()));
    let right = Rect::from_min_max(pos2(left.right() + GUTTER, rect.top()), rect.max);
    let chart = Rect::from_min_size(right.min, vec2(right.width(), (right.height() * 0.28).clamp(110.0, 220.0)));
    let table = Rect::from_min_max(pos2(right.left(), chart.bottom() + GUTTER), right.max);
    pane(ui, look, "facts", left, |ui| facts(ui, cx, tab, &counted, left));
    pane(ui, look, "traffic over time", chart, |ui| over_time(ui, look, &counted, chart));
    pane(ui, look, "conversations", table, |ui| conversations(ui, cx, tab, &counted, table));
}

fn facts(ui: &mut Ui, cx: &mut Cx<'_>, tab: &Tab, counted: &Counted, rect: Rect) {
    let look = cx.look;
    let s = &tab.snap;
    let f = s.facts();
    let mut child = ui.new_child(UiBuilder::new().id_salt("facts body").max_rect(rect));
    ScrollArea::vertical().id_salt("facts scroll").auto_shrink([false, false]).show(&mut child, |ui| {
        egui::Frame::new().inner_margin(egui::Margin { left: 16, right: 16, top: 4, bottom: 16 }).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 3.0;
            title(ui, look, "Capture");
            fact(ui, look, "File", &tab.path.display().to_string());
            if !f.format.is_empty() {
                fact(ui, look, "Format", &f.format);
            }
            if let Some(size) = f.size {
                fact(ui, look, "Size", &format!("{} ({} B)", format::size(size), format::number(size)));
            }
            fact(ui, look, "Packets", &format::number(s.packets().into()));
            if let Some((a, b)) = counted.range {
                fact(ui, look, "First packet", &format::moment(a, "%Y-%m-%d %H:%M:%S%.3f UTC", &jiff::tz::TimeZone::UTC));
                fact(ui, look, "Spans", &format::duration(b.saturating_sub(a)));
            }
            if f.dropped > 0 {
                fact(
                    ui,
                    look,
                    "Dropped",
                    &format!("{}: the recorder could not keep up", format::count(f.dropped, "packet", "packets")),
                );
            }
            if !f.recorded_by.is_empty() {
                fact(ui, look, "Recorded by", &f.recorded_by);
            }
            for (i, x) in f.interfaces.iter().take(20).enumerate() {
                let name = if x.name.is_empty() { format!("number {i}") } else { x.name.clone() };
                let count =
                    if x.packets > 0 { format!(", {}", format::count(x.packets, "packet", "packets")) } else { String::new() };
                fact(ui, look, "Interface", &format!("{name}: link type {}{count}", x.link_type));
            }
            for c in f.comments.iter().take(10) {
                fact(ui, look, "Comment", c);
            }
            protocols(ui, look, s, counted);
            if !s.note_counts().is_empty() {
                title(ui, look, "Notes");
                for n in s.note_counts().iter().take(40) {
                    let (icon, color) = crate::widgets::tree::severity_mark(look, n.note.severity);
                    ui.horizontal(|ui| {
                        ui.label(RichText::new(icon).font(look.icon(1.1)).color(color));
                        ui.label(RichText::new(n.note.label).color(look.t.text));
                        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                            ui.label(RichText::new(format::number(n.count)).font(look.mono()).color(look.t.text_quiet))
                        });
                    });
                }
            }
            if !f.damages.is_empty() {
                title(ui, look, "What was wrong with the file");
                for d in f.damages.iter().take(50) {
                    ui.label(
                        RichText::new(format!("{} (at byte {})", d.what, format::number(d.offset)))
                            .font(look.medium())
                            .color(look.t.warn),
                    );
                    ui.label(RichText::new(format!("{} {}", d.why, d.what_to_do)).color(look.t.text_quiet));
                }
                if f.damages_left_out > 0 {
                    ui.label(RichText::new(format!("and {} more", format::number(f.damages_left_out))).color(look.t.text_quiet));
                }
            }
        });
    });
}

fn protocols(ui: &mut Ui, look: &Look, s: &Snapshot, counted: &Counted) {
    if counted.protocols.is_empty() {
        return;
    }
    title(ui, look, "Protocols");
    let most = counted.protocols.iter().map(|p| p.traffic.bytes).max().unwrap_or(1).max(1);
    for p in counted.protocols.iter().take(60) {
        let transport = match p.transport {
            Some(Transport::Tcp) => "TCP",
            Some(Transport::Udp) => "UDP",
            Some(Transport::Other) => "other IP",
            None => "no connection",
        };
        let label = p.inside.or(p.protocol).map_or(transport, |n| s.schema().protocol_label(n));
        let over = if p.protocol.is_some() { format!("over {transport}") } else { String::new() };
        let (rect, r) = ui.allocate_exact_size(vec2(ui.available_width(), look.row() + 6.0), egui::Sense::hover());
        let words = format!("{}, {}", format::count(p.traffic.packets, "packet", "packets"), format::size(p.traffic.bytes));
        r.widget_info(|| egui::WidgetInfo::labeled(Role::ListItem, true, format!("{label} {over}: {words}")));
        let hue = look.t.hue(&hue_name(label));
        let indent = if p.inside.is_some() { 16.0 } else { 0.0 };
        let line = Rect::from_min_max(rect.min + vec2(indent, 0.0), pos2(rect.right(), rect.bottom() - 5.0));
        let w = ink::left(ui.painter(), line, label, look.medium(), look.t.text_strong);
        let rest = Rect::from_min_max(pos2(line.left() + w + 8.0, line.top()), line.max);
        let used = ink::right(
            ui.painter(),
            rest,
            &if p.inside.is_some() { format::count(p.messages, "message", "messages") } else { words },
            look.fine(),
            look.t.text_quiet,
        );
        ink::left(
            ui.painter(),
            Rect::from_min_max(rest.min, pos2(rest.right() - used - 6.0, rest.bottom())),
            &over,
            look.fine(),
            look.t.text_faint,
        );
        let bar = Rect::from_min_size(pos2(rect.left() + indent, rect.bottom() - 4.0), vec2(rect.width() - indent, 3.0));
        ui.painter().rect_filled(bar, 1, look.t.raised);
        let share = (p.traffic.bytes as f64 / most as f64) as f32;
        ui.painter().rect_filled(Rect::from_min_size(bar.min, vec2((bar.width() * share).max(1.0), 3.0)), 1, hue);
    }
}

fn over_time(ui: &Ui, look: &Look, counted: &Counted, rect: Rect) {
    let t = look.t;
    let p = ui.painter_at(rect);
    ink::left(
        &p,
        Rect::from_min_size(rect.min + vec2(16.0, 8.0), vec2(rect.width() - 32.0, 18.0)),
        "Bytes over time",
        look.small(),
        t.text_faint,
    );
    let Some((from, to)) = counted.range else { return };
    let most = counted.over_time.iter().map(|s| s.traffic.bytes).max().unwrap_or(0);
    if most == 0 {
        return;
    }
    let plot = Rect::from_min_max(rect.min + vec2(74.0, 34.0), rect.max - vec2(18.0, 26.0));
    let slice = (to - from).max(1) / counted.over_time.len().max(1) as i64;
    for (share, words) in [(1.0_f32, format::size(most)), (0.5, format::size(most / 2)), (0.0, "0 B".to_owned())] {
        let y = (plot.bottom() - plot.height() * share).round() + 0.5;
        p.hline(plot.x_range(), y, Stroke::new(1.0, t.line));
        ink::right(
            &p,
            Rect::from_center_size(pos2(rect.left() + 40.0, y), vec2(56.0, 16.0)),
            &words,
            look.mono_small(),
            t.text_faint,
        );
    }
    let w = plot.width() / counted.over_time.len().max(1) as f32;
    for (i, s) in counted.over_time.iter().enumerate() {
        let h = (s.traffic.bytes as f64 / most as f64) as f32 * plot.height();
        if h > 0.0 {
            let x = plot.left() + i as f32 * w;
            let color = if s.trouble > 0 { t.warn } else { t.accent };
            p.rect_filled(
                Rect::from_min_max(pos2(x + 0.5, plot.bottom() - h.max(1.0)), pos2(x + w - 0.5, plot.bottom())),
                CornerRadius::same(1),
                color,
            );
        }
    }
    let foot = |x: f32, words: &str, right: bool| {
        let r = Rect::from_min_max(
            pos2(if right { x - 140.0 } else { x }, plot.bottom() + 3.0),
            pos2(if right { x } else { x + 240.0 }, rect.bottom() - 6.0),
        );
        if right {
            ink::right(&p, r, words, look.mono_small(), t.text_faint)
        } else {
            ink::left(&p, r, words, look.mono_small(), t.text_faint)
        };
    };
    foot(plot.left(), &format!("0 s, bars of {}", format::duration(slice)), false);
    foot(plot.right(), &format::duration(to.saturating_sub(from)), true);
}

fn conversations(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, counted: &Counted, rect: Rect) {
    let look = cx.look;
    let t = look.t;
    let columns = [
        Column::left("Client", Width::Share(0.5, 120.0), 0),
        Column::left("Server", Width::Share(0.5, 120.0), 0),
        Column::left("Protocol", Width::Chars(9.0), 0),
        Column::right("Packets", Width::Chars(8.0), 2),
        Column::right("From client", Width::Chars(10.0), 3),
        Column::right("From server", Width::Chars(10.0), 3),
        Column::right("Bytes", Width::Chars(9.0), 0),
        Column::right("Lasted", Width::Chars(9.0), 4),
        Column::right("Messages", Width::Chars(9.0), 5),
        Column::left("Process", Width::Chars(16.0), 1).only_if(!tab.snap.facts().processes.all().is_empty()),
    ];
    let (laid, body) = table::heads(ui, look, rect, &columns);
    let snap = tab.snap.clone();
    let selected = tab.selection.flow.and_then(|f| counted.flows.iter().position(|x| *x == f)).map(|r| r as u64);
    let v = VList {
        id: Id::unique("conversations"),
        name: "Conversations, most bytes first",
        rows: counted.flows.len() as u64,
        row_height: look.row(),
        marks: &[],
        selected,
        role: Some(Role::Row),
    };
    let flow = |row: u64| counted.flows.get(row as usize).and_then(|f| snap.flow(*f));
    let label = |row: u64| {
        flow(row).map_or_else(String::new, |f| format!("{} to {}, {}", f.client(), f.server(), view::flow_label(&snap, &f)))
    };
    let h = v.show(ui, look, body, &mut tab.figures.list, label, |row| {
        let Some(f) = flow(row.index) else { return };
        crate::widgets::vlist::ground(row, look, selected == Some(row.index), true);
        let p = row.painter;
        let cell = |i: usize| laid.cell(i, row.rect);
        let [a, b] = f.bytes;
        let (up, down) = if f.client_end() == 0 { (a, b) } else { (b, a) };
        ink::left(p, cell(0), &f.client().to_string(), look.mono(), t.text);
        ink::left(p, cell(1), &f.server().to_string(), look.mono(), t.text);
        crate::panes::packets::protocol_chip(p, look, cell(2), view::flow_label(&snap, &f));
        let num = |i: usize, s: &str| {
            if laid.shown(i) {
                ink::right(p, cell(i), s, look.mono(), t.text_quiet);
            }
        };
        num(3, &format::number(f.packet_count()));
        num(4, &format::size(up));
        num(5, &format::size(down));
        num(6, &format::size(f.byte_count()));
        let lasted = f.last_time.saturating_sub(f.first_time);
        num(7, &if f.first_time == i64::MIN { String::new() } else { format::duration(lasted) });
        num(8, &format::number(f.message_count().into()));
        if laid.shown(9) {
            crate::panes::packets::process(p, look, cell(9), snap.process_of(f.id), t.text, t.text_faint);
        }
    });
    if let Some(f) = h.clicked.and_then(|r| counted.flows.get(r as usize)) {
        cx.acts.push(Act::Select(Selection::flow(&snap, *f)));
    }
    if let Some(f) = h.opened.and_then(|r| counted.flows.get(r as usize)) {
        cx.acts.push(Act::SelectAt(Level::Exchanges, Selection::flow(&snap, *f)));
    }
    if counted.flows.is_empty() && !tab.busy() {
        crate::widgets::vlist::empty(ui, look, body, icons::PLUGS, "No conversations", "No packet here belongs to a connection.");
    }
}
