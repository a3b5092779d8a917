//! What a message carries, decoded: pretty by its content, raw in its charset, or as bytes; each line leads to its bytes.

use crate::act::Act;
use crate::carried::Made;
use crate::desk::{Answer, Prepared};
use crate::format;
use crate::panes::{Cx, head, pane};
use crate::prefs::BodyForm;
use crate::tab::{Region, Tab};
use crate::theme::{Look, icons};
use crate::widgets::hex::{Hex, Lit};
use crate::widgets::vlist::{self, BAR, VList};
use crate::widgets::{button, ink};
use egui::{Color32, FontId, Rect, Role, Ui, pos2, vec2};
use std::sync::Arc;
use wirelore_content::{Form, Ink, View};
use wirelore_kit::{Buffer, Span};

/// Notes above the body.
const MOST_NOTES: usize = 3;
/// Bodies of a message that can be switched to here; the others are chosen among the tabs of the bytes.
const MOST_CHOICES: usize = 8;
/// Words of a line that are drawn.
const MOST_WORDS: usize = 400;
const EDGE: f32 = 14.0;

/// Shows it.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, rect: Rect) {
    let look = cx.look;
    let answer = tab.tree();
    pane(ui, look, "body", rect, |ui| {
        let bodies = match &answer {
            Answer::Here(t) => wirelore_content::bodies(&t.tree),
            _ => Vec::new(),
        };
        let body = match &answer {
            Answer::Here(t) => chosen(tab, &bodies).map(|b| (t, b)),
            _ => None,
        };
        let char = ink::char_width(ui.painter(), &look.mono());
        // In steps, so that moving the edge of the pane does not make everything anew at each point.
        let columns = (((rect.width() - EDGE * 2.0 - BAR) / char / 4.0).floor() * 4.0).max(24.0) as usize;
        let form = cx.prefs.body;
        let made = body
            .filter(|_| form != BodyForm::Hex)
            .map(|(t, b)| tab.body_of(b, &wirelore_content::media(&t.tree, b), form, columns));
        let ready = made.as_ref().and_then(|m| m.as_ref()?.as_ref().ok());
        let area = head(ui, look, rect, |ui| controls(ui, cx, &bodies, body.map(|b| b.1), ready));
        match (&answer, body, made) {
            (Answer::Failed(p), ..) => {
                vlist::empty(ui, look, area, icons::WARNING_CIRCLE, &p.what, &format!("{} {}", p.why, p.what_to_do));
            }
            (Answer::Waiting, ..) | (_, Some(_), Some(None)) => {
                ink::center(&ui.painter_at(area), area, "Reading…", look.text(), look.t.text_faint);
            }
            (Answer::Here(_), None, _) => {
                let hint = if tab.other_half().is_some() {
                    "This message carries nothing. The other half of the exchange may: press R to go to it."
                } else {
                    "What this message carries would stand here. Select a message with a body: a page, a file, a letter."
                };
                vlist::empty(ui, look, area, icons::FILE_TEXT, "No body", hint);
            }
            (Answer::Here(_), Some((t, b)), None) => bytes(ui, cx, tab, t, b, area),
            (Answer::Here(_), Some((t, b)), Some(Some(Err(why)))) => {
                let area = notes(ui, look, &[why], area);
                bytes(ui, cx, tab, t, b, area);
            }
            (Answer::Here(_), Some((t, b)), Some(Some(Ok(made)))) => draw(ui, cx, tab, t, b, &made, area),
        }
    });
}

/// The body that was chosen, or that holds what is selected; else the first.
fn chosen<'b>(tab: &Tab, bodies: &[&'b Buffer]) -> Option<&'b Buffer> {
    let held = |id| bodies.iter().find(|b| b.id == id);
    tab.buffer.and_then(held).or_else(|| tab.selection.span.and_then(|s| held(s.buf))).or(bodies.first()).copied()
}

fn controls(ui: &mut Ui, cx: &mut Cx<'_>, bodies: &[&Buffer], body: Option<&Buffer>, made: Option<&Arc<Made>>) {
    let look = cx.look;
    let Some(b) = body else { return };
    ui.spacing_mut().item_spacing.x = 10.0;
    let tips = BodyForm::ALL.map(|f| f.tip().to_owned());
    let at = BodyForm::ALL.iter().position(|f| *f == cx.prefs.body).unwrap_or(0);
    let options = BodyForm::ALL.map(|f| ("", f.word()));
    if let Some(form) = button::choice(ui, look, &options, at, &tips).and_then(|i| BodyForm::ALL.get(i)) {
        cx.acts.push(Act::Body(*form));
    }
    // A letter has several.
    if bodies.len() > 1 {
        let names: Vec<String> = (1..=bodies.len().min(MOST_CHOICES)).map(|n| n.to_string()).collect();
        let options: Vec<(&str, &str)> = names.iter().map(|n| ("", n.as_str())).collect();
        let tips: Vec<String> = bodies.iter().take(MOST_CHOICES).map(|b| b.label.clone()).collect();
        let at = bodies.iter().position(|o| o.id == b.id).unwrap_or(0);
        if let Some(other) = button::choice(ui, look, &options, at, &tips).and_then(|i| bodies.get(i)) {
            cx.acts.push(Act::Buffer(other.id));
        }
    }
    let mut facts = Vec::new();
    if let Some(made) = made {
        match &made.picture {
            Some(Ok(p)) => {
                facts.push(format!("{}, {} × {}", p.format, format::number(p.width.into()), format::number(p.height.into())))
            }
            _ => facts.push(made.view.form.word().to_owned()),
        }
        if !made.view.charset.is_empty() {
            facts.push(made.view.charset.clone());
        }
    }
    facts.push(format::size(b.bytes.len() as u64));
    facts.push(b.label.clone());
    let (line, _) = ui.allocate_exact_size(ui.available_size(), egui::Sense::hover());
    ink::left(ui.painter(), line, &facts.join(" · "), look.fine(), look.t.text_quiet);
}

/// Lines with a sign of warning; gives what is left.
fn notes(ui: &Ui, look: &Look, notes: &[String], area: Rect) -> Rect {
    let p = ui.painter_at(area);
    let mut top = area.top();
    for (i, note) in notes.iter().take(MOST_NOTES).enumerate() {
        let row = Rect::from_min_size(pos2(area.left(), top), vec2(area.width(), look.row()));
        ink::icon(&p, pos2(row.left() + EDGE + 6.0, row.center().y), icons::WARNING, look.icon(1.0), look.t.warn);
        let more = notes.len().saturating_sub(MOST_NOTES);
        let text = if more > 0 && i + 1 == MOST_NOTES { format!("{note} And {more} more.") } else { note.clone() };
        ink::left(&p, Rect::from_min_max(pos2(row.left() + EDGE + 20.0, row.top()), row.max), &text, look.fine(), look.t.text);
        top = row.bottom();
    }
    if !notes.is_empty() {
        p.hline(area.x_range(), top - 0.5, egui::Stroke::new(1.0, look.t.line));
    }
    Rect::from_min_max(pos2(area.left(), top), area.max)
}

fn draw(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, t: &Prepared, b: &Buffer, made: &Arc<Made>, area: Rect) {
    let look = cx.look;
    let mut said = made.view.notes.clone();
    if let Some(Err(why)) = &made.picture {
        said.insert(0, format!("The picture cannot be drawn: {why}."));
    }
    let area = notes(ui, look, &said, area);
    match (&made.picture, made.view.form) {
        (Some(Ok(_)), _) => picture(ui, look, tab, b, made, area),
        (Some(Err(_)), _) | (None, Form::Binary) => bytes(ui, cx, tab, t, b, area),
        _ => lines(ui, cx, tab, b, &made.view, area),
    }
}

fn picture(ui: &mut Ui, look: &Look, tab: &mut Tab, b: &Buffer, made: &Arc<Made>, area: Rect) {
    let Some(texture) = tab.body_texture(ui.ctx(), made) else { return };
    let size = texture.size_vec2();
    let room = area.shrink(12.0);
    // Small ones, icons, are drawn larger by whole steps; large ones are made to fit.
    let fit = (room.width() / size.x).min(room.height() / size.y).max(0.0);
    let scale = if fit >= 2.0 { (fit.floor()).min(if size.max_elem() <= 64.0 { 4.0 } else { 1.0 }) } else { fit.min(1.0) };
    let rect = Rect::from_center_size(area.center().round(), (size * scale).round());
    // A ground of squares shows what is transparent.
    let p = ui.painter_at(rect);
    p.rect_filled(rect, 0, look.t.raised);
    let side = 8.0;
    let (across, down) = ((rect.width() / side).ceil() as u32, (rect.height() / side).ceil() as u32);
    if across * down <= 40_000 {
        for (x, y) in (0..down).flat_map(|y| (0..across).map(move |x| (x, y))).filter(|(x, y)| (x + y) % 2 == 1) {
            let at = rect.min + vec2(x as f32 * side, y as f32 * side);
            p.rect_filled(Rect::from_min_size(at, vec2(side, side)), 0, look.t.line);
        }
    }
    p.image(texture.id(), rect, Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0)), Color32::WHITE);
    let r = ui.interact(area, Region::View.id(), egui::Sense::click());
    r.widget_info(|| egui::WidgetInfo::labeled(Role::Image, true, format!("Picture: {}", b.label)));
    if r.clicked() {
        r.request_focus();
    }
    if r.has_focus() {
        tab.region = Region::View;
    }
}

fn bytes(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, t: &Prepared, b: &Buffer, area: Rect) {
    let mut lit = Vec::new();
    if let Some(s) = tab.selection.span.filter(|s| s.buf == b.id) {
        lit.push((s.at, s.end(), Lit::Selected));
    }
    if let Some(s) = tab.hover.span.filter(|s| s.buf == b.id && Some(*s) != tab.selection.span) {
        lit.push((s.at, s.end(), Lit::Hovered));
    }
    let view = Hex { id: Region::View.id(), name: &b.label, bytes: &b.bytes, base: b.base, lit: &lit };
    let mut state = std::mem::take(&mut tab.body_list);
    let h = view.show(ui, cx.look, area, &mut state, None);
    tab.body_list = state;
    if let Some(at) = h.hovered {
        tab.hover_next.node = t.tree.node_at(b.id, at);
        tab.hover_next.span = tab.hover_next.node.and_then(|n| t.tree.nodes.get(n)).map(|n| n.span);
    }
    if let Some(at) = h.clicked {
        cx.acts.push(Act::Byte(b.id, at));
    }
    if h.focused {
        tab.region = Region::View;
    }
}

/// The bytes of a line, as they are selected.
fn span(b: &Buffer, view: &View, line: usize) -> Option<Span> {
    let r = view.range(line);
    (!r.is_empty()).then(|| Span::new(b.id, b.base + r.start as u64, u32::try_from(r.len()).unwrap_or(u32::MAX)))
}

fn lines(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, b: &Buffer, view: &View, area: Rect) {
    let look = cx.look;
    let chosen = tab.selection.span.filter(|s| s.buf == b.id);
    // What was selected elsewhere is brought into view.
    if tab.body_seen != tab.selection.span {
        tab.body_seen = tab.selection.span;
        if let Some(line) = chosen.and_then(|s| view.line_at(s.at.saturating_sub(b.base) as usize)) {
            tab.body_list.show_row(line as u64);
        }
    }
    let hovered = tab.hover.span.filter(|s| s.buf == b.id);
    let touches = |s: Option<Span>, line: usize| {
        let (Some(s), Some(l)) = (s, span(b, view, line)) else { return false };
        s.at < l.end() && l.at < s.end()
    };
    let list = VList {
        id: Region::View.id(),
        name: &b.label,
        rows: view.lines() as u64,
        row_height: look.hex_row(),
        marks: &[],
        selected: None,
        role: Some(Role::ListItem),
    };
    let keyboard = tab.region == Region::View;
    let mut state = std::mem::take(&mut tab.body_list);
    let h = list.show(
        ui,
        look,
        area,
        &mut state,
        |row| view.line(row as usize),
        |row| {
            let line = row.index as usize;
            vlist::ground(row, look, touches(chosen, line), keyboard);
            if !row.hovered && touches(hovered, line) && !touches(chosen, line) {
                row.painter.rect_filled(row.rect, 0, look.t.hover);
            }
            let cell = Rect::from_min_max(pos2(row.rect.left() + EDGE, row.rect.top()), row.rect.max);
            let words: Vec<(&str, FontId, Color32)> =
                view.words(line).take(MOST_WORDS).map(|(i, w)| (w, look.mono(), colour(look, i))).collect();
            let g = ink::pieces(row.painter, cell.width(), &words);
            row.painter.galley(pos2(cell.left(), (cell.center().y - g.size().y / 2.0).round()), g, look.t.text);
        },
    );
    tab.body_list = state;
    if let Some(s) = h.hovered.and_then(|l| span(b, view, l as usize)) {
        tab.hover_next.span = Some(s);
    }
    if let Some(s) = h.clicked.and_then(|l| span(b, view, l as usize)) {
        tab.body_seen = Some(s);
        cx.acts.push(Act::Span(s));
    }
    if h.response.clicked() {
        h.response.request_focus();
    }
    if h.response.has_focus() {
        tab.region = Region::View;
    }
}

fn colour(look: &Look, ink: Ink) -> Color32 {
    let t = look.t;
    match ink {
        Ink::Plain => t.text,
        Ink::Mark => t.text_quiet,
        Ink::Name => t.accent,
        Ink::Text => t.printable,
        Ink::Number => t.to_client,
        Ink::Word => t.hue("tls"),
        Ink::Comment | Ink::Said => t.text_faint,
        Ink::Fault => t.err,
    }
}
