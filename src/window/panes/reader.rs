//! WHAT: the reader. Fields above, bytes below, in step; question and answer one key apart.

use crate::act::Act;
use crate::command::Command;
use crate::desk::{Answer, Prepared};
use crate::panes::{Cx, bytes, head, pane};
use crate::select::{Focus, Selection};
use crate::tab::{Region, Tab};
use crate::theme::icons;
use crate::widgets::tree::TreeView;
use crate::widgets::{button, ink, vlist};
use crate::{format, view};
use egui::{Rect, Sense, Ui, vec2};
use wirelore_kit::{Dir, What};

/// The fields.
pub fn fields_pane(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, rect: Rect) {
    let look = cx.look;
    let answer = tab.tree();
    pane(ui, look, "what", rect, |ui| {
        let body = head(ui, look, rect, |ui| heading(ui, cx, tab));
        match &answer {
            Answer::Here(t) => fields(ui, cx, tab, t, body),
            Answer::Waiting if tab.selection.focus == Focus::Nothing => {
                vlist::empty(ui, look, body, icons::TREE_STRUCTURE, "Nothing selected", "Select a row to read its fields.")
            }
            Answer::Waiting => {
                let p = ui.painter_at(body);
                ink::center(&p, body, "Reading…", look.text(), look.t.text_faint);
            }
            Answer::Failed(p) => {
                vlist::empty(ui, look, body, icons::WARNING_CIRCLE, &p.what, &format!("{} {}", p.why, p.what_to_do))
            }
        }
    });
}

/// The bytes, in step with the fields.
pub fn bytes_pane(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, rect: Rect) {
    let look = cx.look;
    let answer = tab.tree();
    pane(ui, look, "what bytes", rect, |ui| match &answer {
        Answer::Here(t) => bytes::hex(ui, cx, tab, t, rect),
        _ => vlist::empty(ui, look, rect, icons::BINARY, "Bytes", "The bytes of what is selected stand here."),
    });
}

fn heading(ui: &mut Ui, cx: &mut Cx<'_>, tab: &Tab) {
    let look = cx.look;
    let s = &tab.snap;
    let sel = tab.selection;
    ui.spacing_mut().item_spacing.x = 10.0;
    let (packet, message) = (sel.packet, sel.message.and_then(|m| Some((m, s.message(m)?))));
    // The same path, read as packet or as message: one choice, always in the same place.
    if let (Some(p), Some((m, row))) = (packet, &message) {
        let on_message = matches!(sel.subject(), Some(What::Message(_)));
        let half = if row.exchange == wirelore_kit::row::NONE {
            "Message"
        } else if row.dir == Dir::ToServer {
            "Request"
        } else {
            "Response"
        };
        let name = format!("Packet {}", format::number(u64::from(p) + 1));
        let other = tab.other_half().and_then(|o| Some((o, s.message(o)?)));
        let mut options = vec![("", name.as_str())];
        let other_first = other.as_ref().is_some_and(|(_, o)| o.dir == Dir::ToServer);
        let mut to = vec![Selection::packet(s, p, Some(*m))];
        let mut halves = vec![(half, Selection::message(s, *m, packet))];
        if let Some((o, orow)) = &other {
            let word = if orow.dir == Dir::ToServer { "Request" } else { "Response" };
            halves.insert(usize::from(!other_first), (word, Selection::message(s, *o, None)));
        }
        let mut chosen = 0;
        for (i, (word, selection)) in halves.iter().enumerate() {
            options.push(("", word));
            if on_message && selection.message == Some(*m) {
                chosen = i + 1;
            }
            to.push(*selection);
        }
        let tips: Vec<String> =
            std::iter::once("Read the packet".to_owned())
                .chain(halves.iter().map(|(w, _)| {
                    format!("Read the {}  ({} goes to the other half)", w.to_lowercase(), Command::OtherHalf.keys())
                }))
                .collect();
        if let Some(selection) = button::choice(ui, look, &options, chosen, &tips).and_then(|i| to.get(i)) {
            cx.acts.push(Act::Select(*selection));
        }
    } else if let Some(p) = packet {
        let g =
            ui.painter().layout_no_wrap(format!("Packet {}", format::number(u64::from(p) + 1)), look.semi(), look.t.text_strong);
        let (r, _) = ui.allocate_exact_size(g.size(), Sense::hover());
        ui.painter().galley(r.min, g, look.t.text_strong);
    }
    let line = match sel.subject() {
        Some(What::Message(m)) => s.message(m).map_or_else(String::new, |row| {
            let label = view::message_label(s, &row);
            format!("{label} · {}", format::size(row.len))
        }),
        Some(What::Packet(p)) => s.packet(p).map_or_else(String::new, |row| {
            let cut = if row.cap_len < row.wire_len {
                format!(", {} captured", format::size(row.cap_len.into()))
            } else {
                String::new()
            };
            format!("{}{cut}", format::size(row.wire_len.into()))
        }),
        None => String::new(),
    };
    bytes::head_line(ui, look, &line);
}

fn fields(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, t: &Prepared, rect: Rect) {
    let look = cx.look;
    let rect = Rect::from_min_max(rect.min + vec2(0.0, 4.0), rect.max);
    let visible = tab.folds.visible(&t.tree);
    if tab.reveal_node {
        tab.reveal_node = false;
        if let Some(row) = tab.selection.node.and_then(|n| visible.binary_search(&(n as u32)).ok()) {
            tab.field_list.show_row(row as u64);
        }
    }
    let view = TreeView {
        id: Region::Fields.id(),
        tree: &t.tree,
        visible: &visible,
        folds: &tab.folds,
        selected: tab.selection.node,
        lit: tab.hover.node,
        noted: &t.noted,
        made: super::bytes::made(tab, t),
        keyboard: tab.region == Region::Fields,
    };
    let h = view.show(ui, look, rect, &mut tab.field_list);
    if let Some(n) = h.hovered {
        tab.hover_next.node = Some(n);
        tab.hover_next.span = t.tree.nodes.get(n).map(|n| n.span).filter(|s| s.len > 0);
    }
    if let Some(n) = h.toggled {
        cx.acts.push(Act::Toggle(n));
    }
    if let Some(n) = h.clicked.or(h.menu) {
        cx.acts.push(Act::Node(n));
    }
    if h.focused {
        tab.region = Region::Fields;
    }
    vlist::row_menu(ui, look, &h.response, h.menu.is_some(), h.clicked.is_some(), |ui| {
        for c in [Command::FilterValue, Command::FilterOut, Command::FilterAnd, Command::FilterAndNot, Command::FilterOr] {
            if ui.button(c.facts().text).on_hover_text(c.facts().tip).clicked() {
                cx.acts.push(Act::Do(c));
                ui.close();
            }
        }
        ui.separator();
        for c in [
            Command::CopyValue,
            Command::CopyFieldName,
            Command::CopyBytes,
            Command::CopyPath,
            Command::UnfoldAll,
            Command::FoldAll,
        ] {
            if ui.button(c.facts().text).on_hover_text(c.facts().tip).clicked() {
                cx.acts.push(Act::Do(c));
                ui.close();
            }
        }
    });
}
