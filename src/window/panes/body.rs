//! What a message carries, decoded: its body as text where it is text, else as bytes.

use crate::desk::{Answer, Prepared};
use crate::format;
use crate::panes::{Cx, bytes, head, pane};
use crate::tab::{Region, Tab};
use crate::theme::icons;
use crate::widgets::vlist::{self, VList};
use crate::widgets::{hex::Hex, ink};
use egui::{Rect, Ui, pos2};
use wirelore_kit::{BufKind, Buffer};

/// Bytes of a body that are shown as text; longer ones are shown as bytes, which needs no lines.
const MOST_TEXT: usize = 4 << 20;

/// Shows it.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, rect: Rect) {
    let look = cx.look;
    let answer = tab.tree();
    pane(ui, look, "body", rect, |ui| {
        let body = match &answer {
            Answer::Here(t) => carried(t),
            _ => None,
        };
        let line = body.map_or_else(String::new, |b| format!("{} · {}", b.label, format::size(b.bytes.len() as u64)));
        let area = head(ui, look, rect, |ui| bytes::head_line(ui, look, &line));
        match (&answer, body) {
            (Answer::Failed(p), _) => {
                vlist::empty(ui, look, area, icons::WARNING_CIRCLE, &p.what, &format!("{} {}", p.why, p.what_to_do));
            }
            (Answer::Waiting, _) => ink::center(&ui.painter_at(area), area, "Reading…", look.text(), look.t.text_faint),
            (Answer::Here(_), None) => {
                let hint = "What this message carries would stand here. Select a message with a body: a page, a file, a letter.";
                vlist::empty(ui, look, area, icons::FILE_TEXT, "No body", hint);
            }
            (Answer::Here(_), Some(b)) => draw(ui, cx, tab, b, area),
        }
    });
}

/// The buffer made last of the message: its body, all codings undone.
fn carried(t: &Prepared) -> Option<&Buffer> {
    t.tree.buffers.iter().rev().find(|b| matches!(b.id.kind(), BufKind::Part(_)) && !b.bytes.is_empty())
}

fn draw(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, b: &Buffer, area: Rect) {
    let look = cx.look;
    let text = std::str::from_utf8(&b.bytes).ok().filter(|t| t.len() <= MOST_TEXT && !t.contains('\0'));
    let mut state = std::mem::take(&mut tab.body_list);
    let focused = match text {
        None => {
            let view = Hex { id: Region::View.id(), name: &b.label, bytes: &b.bytes, base: b.base, lit: &[] };
            view.show(ui, look, area, &mut state, None).focused
        }
        Some(text) => {
            // Lines once a frame: a few milliseconds at the bound, and most bodies are short.
            let lines: Vec<&str> = text.lines().collect();
            let list = VList {
                id: Region::View.id(),
                name: &b.label,
                rows: lines.len() as u64,
                row_height: look.hex_row(),
                marks: &[],
                selected: None,
                role: None,
            };
            let h = list.show(
                ui,
                look,
                area,
                &mut state,
                |_| String::new(),
                |row| {
                    let cell = Rect::from_min_max(pos2(row.rect.left() + 14.0, row.rect.top()), row.rect.max);
                    let line = lines.get(row.index as usize).copied().unwrap_or("");
                    ink::left(row.painter, cell, &crate::follow::printable(line.as_bytes()), look.mono(), look.t.text);
                },
            );
            if h.response.clicked() {
                h.response.request_focus();
            }
            h.response.has_focus()
        }
    };
    tab.body_list = state;
    if focused {
        tab.region = Region::View;
    }
}
