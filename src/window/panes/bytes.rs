//! The level of bytes: every byte of what is selected, the bytes of each buffer under tabs, tied to the fields.

use crate::act::Act;
use crate::desk::{Answer, Prepared};
use crate::panes::Cx;
use crate::tab::{Region, Tab};
use crate::theme::{Look, icons};
use crate::widgets::hex::{Hex, Lit};
use crate::widgets::{button, ink, vlist};
use egui::{Rect, Sense, Ui, UiBuilder, pos2, vec2};
use wirelore_kit::{BufId, PacketRow, What};

/// Shows them at the place of the list.
pub fn show(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, rect: Rect) {
    match tab.tree() {
        Answer::Here(t) => hex(ui, cx, tab, &t, rect),
        Answer::Waiting => {
            vlist::empty(ui, cx.look, rect, icons::BINARY, "Nothing selected", "Select a packet or a message to see its bytes.")
        }
        Answer::Failed(p) => {
            vlist::empty(ui, cx.look, rect, icons::WARNING_CIRCLE, &p.what, &format!("{} {}", p.why, p.what_to_do))
        }
    }
}

/// Headers that no wire ever carried: those of packets that a proxy made of what it relayed, up to what it relayed.
pub fn made(tab: &Tab, t: &Prepared) -> Option<(BufId, u64, u64)> {
    let What::Packet(packet) = t.of else { return None };
    tab.snap.packet(packet).filter(|p| p.bits & PacketRow::SYNTHETIC != 0)?;
    let headers = ["eth", "ip", "ipv6", "tcp", "udp"];
    let of = || t.tree.nodes.iter().filter(|n| n.depth == 0 && headers.contains(&n.field.name)).map(|n| n.span);
    let buf = of().next()?.buf;
    let end = of().filter(|s| s.buf == buf).map(|s| s.end()).max()?;
    Some((buf, t.tree.buffer(buf)?.base, end))
}

/// Buffer tabs and bytes in `rect`; used here and in the reader.
pub fn hex(ui: &mut Ui, cx: &mut Cx<'_>, tab: &mut Tab, t: &Prepared, rect: Rect) {
    let look = cx.look;
    let Some(shown) = tab.shown_buffer(t) else {
        vlist::empty(ui, look, rect, icons::BINARY, "No bytes", "Nothing here has bytes of its own.");
        return;
    };
    let body = tabs(ui, cx, t, shown, rect);
    let Some(buffer) = t.tree.buffer(shown) else { return };
    let mut lit: Vec<(u64, u64, Lit)> = Vec::new();
    for (span, name) in &t.bands {
        if span.buf == shown {
            lit.push((span.at, span.end(), Lit::Band(band(look, name))));
        }
    }
    lit.extend(made(tab, t).filter(|m| m.0 == shown).map(|(_, from, to)| (from, to, Lit::Made)));
    if let Some(s) = tab.selection.span.filter(|s| s.buf == shown) {
        lit.push((s.at, s.end(), Lit::Selected));
    }
    if let Some(s) = tab.hover.span.filter(|s| s.buf == shown && Some(*s) != tab.selection.span) {
        lit.push((s.at, s.end(), Lit::Hovered));
    }
    let view = Hex {
        id: Region::Bytes.id(),
        name: &format!("Bytes of {}", buffer.label),
        bytes: &buffer.bytes,
        base: buffer.base,
        lit: &lit,
    };
    let reveal = tab.reveal_byte.take();
    let h = view.show(ui, look, body, &mut tab.byte_list, reveal);
    if let Some(at) = h.hovered {
        tab.hover_next.node = t.tree.node_at(shown, at);
        tab.hover_next.span = tab.hover_next.node.and_then(|n| t.tree.nodes.get(n)).map(|n| n.span);
    }
    if let Some(at) = h.clicked {
        cx.acts.push(Act::Byte(shown, at));
    }
    if h.focused {
        tab.region = Region::Bytes;
    }
}

fn band(look: &Look, name: &str) -> egui::Color32 {
    crate::theme::tokens::mix(look.t.panel, look.t.hue(name), if look.t.dark { 0.10 } else { 0.07 })
}

fn tabs(ui: &mut Ui, cx: &mut Cx<'_>, t: &Prepared, shown: BufId, rect: Rect) -> Rect {
    let look = cx.look;
    let height = look.head() - 1.0;
    let bar = Rect::from_min_size(rect.min, vec2(rect.width(), height));
    let mut child = ui.new_child(
        UiBuilder::new()
            .id_salt("buffers")
            .max_rect(bar.shrink2(vec2(10.0, 0.0)))
            .layout(egui::Layout::left_to_right(egui::Align::Center)),
    );
    child.set_clip_rect(bar.intersect(ui.clip_rect()));
    child.spacing_mut().item_spacing.x = 2.0;
    egui::ScrollArea::horizontal()
        .id_salt("buffer tabs")
        .scroll_bar_visibility(egui::scroll_area::ScrollBarVisibility::AlwaysHidden)
        .show(&mut child, |ui| {
            for b in &t.tree.buffers {
                let on = b.id == shown;
                let text = format!("{} · {}", b.label, crate::format::size(b.bytes.len() as u64));
                let g = ui.painter().layout_no_wrap(text.clone(), look.small(), look.t.text);
                let (r, resp) = ui.allocate_exact_size(vec2(g.size().x + 16.0, height), Sense::click());
                resp.widget_info(|| egui::WidgetInfo::selected(egui::Role::Tab, true, on, &text));
                let ink = if on {
                    look.t.text_strong
                } else if resp.hovered() {
                    look.t.text
                } else {
                    look.t.text_quiet
                };
                ui.painter().galley_with_override_text_color(
                    pos2(r.left() + 8.0, (r.center().y - g.size().y / 2.0).round()),
                    g,
                    ink,
                );
                if on {
                    ui.painter().rect_filled(
                        Rect::from_min_max(pos2(r.left() + 6.0, r.bottom() - 3.0), pos2(r.right() - 6.0, r.bottom() - 1.0)),
                        1,
                        look.t.accent,
                    );
                }
                if resp.has_focus() {
                    ui.painter().rect_stroke(r.shrink(2.0), 4, egui::Stroke::new(2.0, look.t.accent), egui::StrokeKind::Inside);
                }
                if resp.clicked() {
                    cx.acts.push(Act::Buffer(b.id));
                }
            }
        });
    ui.painter().hline(bar.x_range(), bar.bottom() - 0.5, egui::Stroke::new(1.0, look.t.line));
    Rect::from_min_max(pos2(rect.left(), bar.bottom() + 4.0), rect.max)
}

/// An icon button that is used by panes with nothing else in their head.
pub fn close_button(ui: &mut Ui, look: &Look, name: &str, keys: &str) -> bool {
    button::icon(ui, look, icons::X, name, keys, true, false).clicked()
}

/// One line of small text in the head of a pane.
pub fn head_line(ui: &mut Ui, look: &Look, text: &str) {
    let (r, _) = ui.allocate_exact_size(vec2(ui.available_width(), look.row()), Sense::hover());
    ink::left(ui.painter(), r, text, look.text(), look.t.text_quiet);
}
