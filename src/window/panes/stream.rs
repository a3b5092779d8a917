//! Follow stream: the bytes of both directions interleaved, as text or hexadecimal, searched, tied to their messages.

use crate::act::Act;
use crate::command::Command;
use crate::follow::{Cut, Lines, printable};
use crate::format;
use crate::panes::{Cx, head, pane};
use crate::prefs::StreamForm;
use crate::select::Selection;
use crate::tab::{Region, Tab};
use crate::theme::{Look, icons};
use crate::view;
use crate::widgets::vlist::{self, BAR, VList};
use crate::widgets::{button, ink};
use egui::{Align, Frame, Id, Key, Layout, Margin, Modifiers, Rect, Sense, TextEdit, Ui, WidgetInfo, pos2, vec2};
use wirelore_kit::row::NONE;
use wirelore_kit::{ConvId, Dir};

/// Id of the field of the search.
#[must_use]
pub fn search_id() -> Id {
    Id::unique("search in stream")
}

/// Room for packet numbers at the right.
const NUMBERS: f32 = 74.0;
/// Room at the left: the bar of the direction.
const EDGE: f32 = 16.0;

/// Shows it.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, rect: Rect) {
    let look = cx.look;
    pane(ui, look, "stream", rect, |ui| {
        let conv = tab.followed();
        let char = ink::char_width(ui.painter(), &look.mono());
        let columns = ((rect.width() - EDGE - NUMBERS - BAR) / char).floor().max(8.0) as u32;
        let lines = conv.map(|c| (c, tab.follow(c, Cut { form: cx.prefs.stream, columns })));
        let shown = lines.as_ref().and_then(|(_, l)| l.as_ref()?.as_ref().ok().cloned());
        let hits = match (conv, &shown) {
            (Some(c), Some(l)) => tab.hits(c, &l.followed),
            _ => std::sync::Arc::default(),
        };
        let body = head(ui, look, rect, |ui| controls(ui, cx, tab, conv, &hits));
        match lines {
            None => {
                let hint = "Select a packet or message: what both ends sent stands here, one after the other.";
                vlist::empty(ui, look, body, icons::ARROWS_DOWN_UP, "No conversation selected", hint);
            }
            Some((_, None)) => ink::center(&ui.painter_at(body), body, "Reading…", look.text(), look.t.text_faint),
            Some((_, Some(Err(p)))) => {
                vlist::empty(ui, look, body, icons::WARNING_CIRCLE, &p.what, &format!("{} {}", p.why, p.what_to_do));
            }
            Some((conv, Some(Ok(l)))) if l.lines.is_empty() => {
                let _ = conv;
                let hint = "Neither side sent a byte, or what was sent cannot be read without its keys.";
                vlist::empty(ui, look, body, icons::ARROWS_DOWN_UP, "No bytes", hint);
            }
            Some((conv, Some(Ok(l)))) => draw(ui, cx, tab, conv, &l, &hits, body),
        }
    });
}

fn controls(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, conv: Option<ConvId>, hits: &[u32]) {
    let look = cx.look;
    let t = look.t;
    ui.spacing_mut().item_spacing.x = 6.0;
    let form = usize::from(cx.prefs.stream == StreamForm::Hex);
    if button::choice(ui, look, &[("", "Text"), ("", "Hex")], form, &[]).is_some() {
        cx.acts.push(Act::Do(Command::StreamForm));
    }
    // What is selected lies inside another protocol: its own bytes, or those on the wire.
    if let Some(m) = tab.selection.message.and_then(|m| tab.snap.message(m)).filter(|m| m.conv.inner != 0) {
        let inner = view::message_label(&tab.snap, &m);
        let outer = tab.snap.flow(m.conv.flow).map_or("Connection", |f| view::transport(&f));
        if button::choice(ui, look, &[("", outer), ("", inner)], usize::from(!tab.follows.outer), &[]).is_some() {
            tab.follows.outer = !tab.follows.outer;
        }
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let c = Command::SaveStream;
        if button::icon(ui, look, icons::DOWNLOAD_SIMPLE, c.facts().text.trim_end_matches('…'), &c.keys(), conv.is_some(), false)
            .clicked()
        {
            cx.acts.push(Act::Do(c));
        }
        let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width().min(230.0), look.size + 13.0), Sense::hover());
        if rect.width() < 90.0 {
            return;
        }
        let id = search_id();
        let focused = ui.memory(|m| m.has_focus(id));
        ui.painter().rect(
            rect,
            egui::CornerRadius::same(6),
            t.raised,
            egui::Stroke::new(1.0, if focused { t.accent } else { t.line_strong }),
            egui::StrokeKind::Inside,
        );
        ink::icon(ui.painter(), pos2(rect.left() + 14.0, rect.center().y), icons::MAGNIFYING_GLASS, look.icon(1.0), t.text_quiet);
        let words = match (tab.follows.text.is_empty(), hits.len()) {
            (true, _) => String::new(),
            (false, 0) => "none".into(),
            (false, n) => format!("{} of {}", (tab.follows.hit % n) + 1, format::number(n as u64)),
        };
        let used = ink::right(ui.painter(), rect.shrink2(vec2(8.0, 0.0)), &words, look.fine(), t.text_quiet);
        let h = ui.spacing().interact_size.y;
        let field = Rect::from_min_max(
            pos2(rect.left() + 26.0, rect.center().y - h / 2.0),
            pos2(rect.right() - used - 12.0, rect.center().y + h / 2.0),
        );
        if tab.follows.text.is_empty() {
            ink::left(ui.painter(), field, "Find", look.text(), t.text_faint);
        }
        let edit = TextEdit::singleline(&mut tab.follows.text)
            .id(id)
            .frame(Frame::NONE)
            .margin(Margin::ZERO)
            .font(look.text())
            .desired_width(field.width())
            .align(egui::Align2::LEFT_CENTER);
        let r = ui.put(field, edit).accessible_name("Find in stream");
        if r.changed() {
            tab.follows.hit = 0;
            tab.reveal_hit = true;
        }
        if r.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter)) {
            let back = ui.input(|i| i.modifiers.shift);
            let n = hits.len().max(1);
            tab.follows.hit = if back { tab.follows.hit + n - 1 } else { tab.follows.hit + 1 } % n;
            tab.reveal_hit = true;
            r.request_focus();
        } else if r.lost_focus() && ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape)) {
            tab.follows.text.clear();
            cx.acts.push(Act::Keys(Region::View));
        }
    });
}

fn draw(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, conv: ConvId, l: &Lines, hits: &[u32], body: Rect) {
    let look = cx.look;
    let t = look.t;
    let snap = tab.snap.clone();
    let chosen = tab.selection.message.and_then(|m| snap.message(m)).filter(|m| m.conv == conv);
    let form = cx.prefs.stream;
    let needle = tab.follows.text.len();
    let hit = hits.get(tab.follows.hit % hits.len().max(1)).copied();
    if std::mem::take(&mut tab.reveal_hit)
        && let Some(line) = hit.and_then(|h| l.line_of(h as usize))
    {
        tab.stream_list.show_row(line as u64);
    } else if std::mem::take(&mut tab.reveal_stream)
        && let Some(m) = &chosen
        && let Some(line) =
            l.followed.runs.iter().find(|r| r.dir == m.dir && r.at + (r.to - r.from) as u64 > m.at).and_then(|r| {
                let inside = m.at.saturating_sub(r.at) as usize;
                l.line_of(r.from + inside)
            })
    {
        tab.stream_list.show_row(line as u64);
    }
    let marks: Vec<vlist::BarMark> = hits
        .iter()
        .step_by((hits.len() / 400).max(1))
        .filter_map(|h| Some((l.line_of(*h as usize)? as f32 / l.lines.len().max(1) as f32, t.warn)))
        .collect();
    let tail = u64::from(l.followed.cut || l.left_out);
    let list = VList {
        id: Region::View.id(),
        name: "Stream",
        rows: l.lines.len() as u64 + tail,
        row_height: look.hex_row(),
        marks: &marks,
        selected: None,
        role: None,
    };
    let mut state = std::mem::take(&mut tab.stream_list);
    let mono = look.mono();
    let char = ink::char_width(ui.painter(), &mono);
    let mut over = None;
    let h = list.show(
        ui,
        look,
        body,
        &mut state,
        |_| String::new(),
        |row| {
            let p = row.painter;
            let Some(line) = l.lines.get(row.index as usize) else {
                let words = format!("The first {} are shown.", format::size(l.followed.bytes.len() as u64));
                ink::center(p, row.rect, &words, look.fine(), t.warn);
                return;
            };
            let Some(run) = l.followed.runs.get(line.run as usize) else { return };
            let color = if run.dir == Dir::ToServer { t.to_server } else { t.to_client };
            let at = run.at + (line.from as usize - run.from) as u64;
            let inside = chosen.as_ref().is_some_and(|m| {
                m.dir == run.dir && at < m.at.saturating_add(m.len) && at + u64::from(line.len) > m.at && line.len > 0
            });
            if inside {
                p.rect_filled(row.rect, 0, t.selected_quiet);
            } else if row.hovered {
                p.rect_filled(row.rect, 0, t.hover);
            }
            p.rect_filled(
                Rect::from_min_size(row.rect.min + vec2(4.0, 0.0), vec2(3.0, row.rect.height())),
                0,
                color.gamma_multiply(0.8),
            );
            if row.hovered {
                over = Some((line.run, at));
            }
            let begins = line.from as usize == run.from;
            if begins && run.packet != NONE {
                let cell = Rect::from_min_max(
                    pos2(row.rect.right() - NUMBERS, row.rect.top()),
                    pos2(row.rect.right() - 6.0, row.rect.bottom()),
                );
                ink::right(p, cell, &format::number(u64::from(run.packet) + 1), look.mono_small(), t.text_faint);
            }
            let text = Rect::from_min_max(
                pos2(row.rect.left() + EDGE, row.rect.top()),
                pos2(row.rect.right() - NUMBERS + 8.0, row.rect.bottom()),
            );
            if line.len == 0 {
                let words = if run.missing > 0 {
                    format!("{} were never captured", format::count(run.missing, "byte", "bytes"))
                } else {
                    "bytes are missing here, how many is not known".to_owned()
                };
                ink::left(p, text, &words, look.fine(), t.warn);
                return;
            }
            let bytes = l.bytes(line);
            lit(p, look, line.from as usize, bytes.len(), hits, needle, hit, text, char, form);
            match form {
                StreamForm::Text => {
                    ink::left(p, text, &printable(bytes), mono.clone(), color);
                }
                StreamForm::Hex => {
                    let words = format!("{at:08x}  {:<48} {}", format::hex(bytes, 16), ascii(bytes));
                    ink::left(p, text, &words, mono.clone(), color);
                }
            }
        },
    );
    tab.stream_list = state;
    let r = ui.interact(h.body, Region::View.id().with("lines"), Sense::CLICK);
    r.widget_info(|| WidgetInfo::labeled(egui::Role::List, true, "Lines of the stream"));
    if r.clicked() {
        h.response.request_focus();
        if let Some((run, at)) = over
            && let Some(run) = l.followed.runs.get(run as usize)
        {
            let message = snap
                .messages_in(conv)
                .into_iter()
                .find(|m| snap.message(*m).is_some_and(|m| m.dir == run.dir && (m.at..m.at.saturating_add(m.len)).contains(&at)));
            let keep = view::some(run.packet);
            let to = match (message, keep) {
                (Some(m), _) => Some(Selection::message(&snap, m, keep)),
                (None, Some(p)) => Some(Selection::packet(&snap, p, None)),
                (None, None) => None,
            };
            cx.acts.extend(to.map(Act::Select));
        }
    }
    if h.response.has_focus() {
        tab.region = Region::View;
    }
}

/// The grounds of what was found.
#[allow(clippy::too_many_arguments)]
fn lit(
    p: &egui::Painter,
    look: &Look,
    from: usize,
    len: usize,
    hits: &[u32],
    needle: usize,
    now: Option<u32>,
    text: Rect,
    char: f32,
    form: StreamForm,
) {
    let first = hits.partition_point(|h| (*h as usize) + needle <= from);
    for h in hits.iter().skip(first).take_while(|h| (**h as usize) < from + len) {
        let a = (*h as usize).max(from) - from;
        let b = ((*h as usize) + needle).min(from + len) - from;
        let color = if now == Some(*h) { look.t.accent } else { look.t.warn };
        let mark = |x0: f32, x1: f32| {
            let r = Rect::from_min_max(pos2(text.left() + x0, text.top() + 1.0), pos2(text.left() + x1, text.bottom() - 1.0));
            p.rect_filled(r, 2, color.gamma_multiply(0.35));
        };
        match form {
            // Exact for text of one byte a character, which is what is found by bytes.
            StreamForm::Text => mark(a as f32 * char, b as f32 * char),
            StreamForm::Hex => {
                mark((10 + a * 3) as f32 * char, (10 + b * 3 - 1) as f32 * char);
                mark((59 + a) as f32 * char, (59 + b) as f32 * char);
            }
        }
    }
}

fn ascii(bytes: &[u8]) -> String {
    bytes.iter().map(|b| if (0x20..0x7f).contains(b) { char::from(*b) } else { '·' }).collect()
}
