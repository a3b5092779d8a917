//! The field tree: labels, values and byte ranges of a message or packet, folded and unfolded.

use crate::theme::{Look, icons};
use crate::widgets::ink;
use crate::widgets::vlist::{self, VList, VState};
use egui::{Id, Rect, Role, Stroke, Ui, pos2, vec2};
use std::collections::HashMap;
use wirelore_kit::{BufId, BufKind, Flags, Kind, Node, Severity, Tie, Tree};

/// Indent of a level of fields, points.
const STEP: f32 = 14.0;

/// Which groups stand open; kept by field, so that the next packet looks like this one.
#[derive(Debug, Clone, Default)]
pub struct Folds(HashMap<(&'static str, u16), bool>);

impl Folds {
    /// Whether node `i` is open. Until someone says otherwise the topmost protocol is, what a message holds, and every group inside;
    /// the headers below are folded.
    #[must_use]
    pub fn is_open(&self, tree: &Tree, i: usize) -> bool {
        let Some(node) = tree.nodes.get(i) else { return false };
        let last_root = node.end as usize >= tree.nodes.len();
        self.0
            .get(&(node.field.name, node.depth))
            .copied()
            .unwrap_or(node.depth > 0 || last_root || !matches!(node.span.buf.kind(), BufKind::Arrival(_)))
    }

    /// Opens or folds node `i`.
    pub fn set(&mut self, tree: &Tree, i: usize, open: bool) {
        if let Some(node) = tree.nodes.get(i) {
            self.0.insert((node.field.name, node.depth), open);
        }
    }

    /// Opens or folds every group.
    pub fn set_all(&mut self, tree: &Tree, open: bool) {
        for (i, n) in tree.nodes.iter().enumerate() {
            if n.end as usize > i + 1 {
                self.0.insert((n.field.name, n.depth), open);
            }
        }
    }

    /// Opens everything around node `i`, so that it can be seen.
    pub fn uncover(&mut self, tree: &Tree, i: usize) {
        for p in parents(tree, i) {
            self.set(tree, p, true);
        }
    }

    /// The nodes to list, in order.
    #[must_use]
    pub fn visible(&self, tree: &Tree) -> Vec<u32> {
        let mut rows = Vec::new();
        let mut i = 0;
        while let Some(node) = tree.nodes.get(i) {
            rows.push(i as u32);
            i = if self.is_open(tree, i) { i + 1 } else { (node.end as usize).max(i + 1) };
        }
        rows
    }
}

/// The nodes around node `i`, outermost first.
#[must_use]
pub fn parents(tree: &Tree, i: usize) -> Vec<usize> {
    let mut out = Vec::new();
    let mut at = 0;
    while at < i {
        match tree.nodes.get(at) {
            Some(n) if (n.end as usize) > i => {
                out.push(at);
                at += 1;
            }
            Some(n) => at = (n.end as usize).max(at + 1),
            None => break,
        }
    }
    out
}

/// What happened in a tree.
pub struct TreeHappened {
    /// The node that was clicked.
    pub clicked: Option<usize>,
    /// The node whose fold was clicked.
    pub toggled: Option<usize>,
    /// The node under the pointer.
    pub hovered: Option<usize>,
    /// The node that was right-clicked.
    pub menu: Option<usize>,
    /// Whether the tree has the keyboard.
    pub focused: bool,
    /// The whole, for a context menu.
    pub response: egui::Response,
}

/// What to show.
pub struct TreeView<'a> {
    /// Names the list.
    pub id: Id,
    /// The tree.
    pub tree: &'a Tree,
    /// Nodes listed, from [`Folds::visible`].
    pub visible: &'a [u32],
    /// Which groups stand open.
    pub folds: &'a Folds,
    /// The selected node.
    pub selected: Option<usize>,
    /// The node lit by the pointer in another pane.
    pub lit: Option<usize>,
    /// Worst note at a node.
    pub noted: &'a HashMap<u32, Severity>,
    /// Bytes that no wire ever carried: their fields are hatched.
    pub made: Option<(BufId, u64, u64)>,
    /// Whether keys go here.
    pub keyboard: bool,
}

/// A value for the eye: secrets are covered until selected.
fn shown(tree: &Tree, node: &Node, bare: bool) -> String {
    if node.field.flags.has(Flags::SECRET) && !bare && node.field.kind != Kind::Group {
        "••••••••".into()
    } else {
        tree.display(node)
    }
}

impl TreeView<'_> {
    /// Shows the tree in `rect`.
    pub fn show(&self, ui: &mut Ui, look: &Look, rect: Rect, state: &mut VState) -> TreeHappened {
        let t = look.t;
        let selected_row = self.selected.and_then(|n| self.visible.binary_search(&(n as u32)).ok()).map(|r| r as u64);
        let list = VList {
            id: self.id,
            name: "Fields",
            rows: self.visible.len() as u64,
            row_height: look.row(),
            marks: &[],
            selected: selected_row,
            role: Some(Role::TreeItem),
        };
        let pointer = ui.input(|i| i.pointer.hover_pos());
        let label = |row: u64| {
            self.node(row).map_or_else(String::new, |(_, n)| {
                let v = shown(self.tree, n, false);
                let made = if self.is_made(n) { ", made by the proxy" } else { "" };
                if v.is_empty() { format!("{}{made}", n.field.label) } else { format!("{}: {v}{made}", n.field.label) }
            })
        };
        let mut over_fold = None;
        let value_x = self.value_x(ui, look, rect.width());
        let h = list.show(ui, look, rect, state, label, |row| {
            let Some((i, node)) = self.node(row.index) else { return };
            let selected = self.selected == Some(i);
            let r = row.rect;
            if self.is_made(node) {
                ink::hatch(row.painter, r, t.line);
            }
            vlist::ground(row, look, selected, self.keyboard);
            if self.lit == Some(i) && !selected {
                row.painter.rect_stroke(r.shrink2(vec2(1.0, 0.5)), 3, Stroke::new(1.0, t.text_quiet), egui::StrokeKind::Inside);
            }
            let depth = f32::from(node.depth);
            for d in 1..=node.depth {
                let x = r.left() + 16.5 + STEP * (f32::from(d) - 1.0);
                row.painter.vline(x, r.y_range(), Stroke::new(1.0, t.line));
            }
            let mut x = r.left() + 10.0 + STEP * depth;
            let has_children = node.end as usize > i + 1;
            if has_children {
                let open = self.folds.is_open(self.tree, i);
                let caret = Rect::from_center_size(pos2(x + 6.0, r.center().y), vec2(18.0, r.height()));
                let over = row.hovered && pointer.is_some_and(|p| caret.contains(p));
                if over {
                    over_fold = Some(i);
                }
                ink::icon(
                    row.painter,
                    caret.center(),
                    if open { icons::CARET_DOWN } else { icons::CARET_RIGHT },
                    look.icon(1.0),
                    if over { t.text_strong } else { t.text_quiet },
                );
            }
            x += 16.0;
            let root = node.depth == 0;
            if root {
                let hue = t.hue(node.field.name.split('.').next().unwrap_or(""));
                row.painter.rect_filled(Rect::from_min_size(pos2(x, r.top() + 5.0), vec2(3.0, r.height() - 10.0)), 1, hue);
                x += 9.0;
            }
            let mut right = r.right() - 10.0;
            let range = range_words(node);
            let cell = Rect::from_min_max(pos2(r.left() + value_x, r.top()), pos2(right, r.bottom()));
            right -= ink::right(row.painter, cell, &range, look.mono_small(), t.text_faint) + 10.0;
            if let Some(s) = self.noted.get(&(i as u32)) {
                let (icon, ink) = severity_mark(look, *s);
                ink::icon(row.painter, pos2(right - 6.0, r.center().y), icon, look.icon(1.1), ink);
                right -= 18.0;
            }
            let group = has_children || node.field.kind == Kind::Group;
            let (font, color) = match (root, group, selected) {
                (true, ..) => (look.semi(), t.text_strong),
                (_, true, _) => (look.medium(), t.text),
                (_, _, true) => (look.text(), t.text),
                _ => (look.text(), t.text_quiet),
            };
            let label_end = if group { right } else { (r.left() + value_x - 8.0).max(x + 60.0) };
            let used = ink::left(
                row.painter,
                Rect::from_min_max(pos2(x, r.top()), pos2(label_end.min(right), r.bottom())),
                node.field.label,
                font,
                color,
            );
            let value = shown(self.tree, node, selected);
            if value.is_empty() {
                return;
            }
            let vx = if group { x + used + 10.0 } else { (r.left() + value_x).max(x + used + 10.0) };
            let cell = Rect::from_min_max(pos2(vx, r.top()), pos2(right, r.bottom()));
            let ink = if group && !selected { t.text_quiet } else { t.text_strong };
            ink::left(row.painter, cell, &value, look.mono(), ink);
        });
        let node_of = |row: Option<u64>| row.and_then(|r| self.node(r)).map(|(i, _)| i);
        let toggled = over_fold.filter(|_| h.clicked.is_some()).or_else(|| node_of(h.opened));
        TreeHappened {
            clicked: node_of(h.clicked).filter(|_| over_fold.is_none()),
            toggled,
            hovered: node_of(h.hovered),
            menu: node_of(h.menu),
            focused: h.response.has_focus(),
            response: h.response,
        }
    }

    /// Where values begin: behind the longest label, as long as values keep their half.
    fn value_x(&self, ui: &Ui, look: &Look, width: f32) -> f32 {
        /// Rows that are measured: more are not seen at once.
        const MOST: usize = 300;
        let mut longest: f32 = 90.0;
        for n in self.visible.iter().take(MOST).filter_map(|i| self.tree.nodes.get(*i as usize)) {
            if n.field.kind != Kind::Group {
                let w = ui.painter().layout_no_wrap(n.field.label.to_owned(), look.text(), look.t.text).size().x;
                longest = longest.max(w + STEP * f32::from(n.depth) + 26.0 + 12.0);
            }
        }
        longest.min(width * 0.5).round()
    }

    /// Whether its bytes were never on a wire.
    fn is_made(&self, node: &Node) -> bool {
        let within = |(buf, from, to): (BufId, u64, u64)| node.span.buf == buf && node.span.at >= from && node.span.end() <= to;
        node.span.len > 0 && self.made.is_some_and(within)
    }

    fn node(&self, row: u64) -> Option<(usize, &Node)> {
        let i = *self.visible.get(row as usize)? as usize;
        Some((i, self.tree.nodes.get(i)?))
    }
}

/// Offsets of a node's bytes: "34–35"; empty for what has no bytes of its own.
fn range_words(node: &Node) -> String {
    match (node.tie, node.span.len) {
        (Tie::Derived, _) if node.field.kind == Kind::Group || node.depth == 0 => String::new(),
        (Tie::Derived, _) => "derived".into(),
        (Tie::Refer, _) => "reference".into(),
        (_, 0) => String::new(),
        (_, 1) => node.span.bits.map_or_else(|| node.span.at.to_string(), |b| format!("{} bit {}", node.span.at, b.first)),
        _ => format!("{}–{}", node.span.at, node.span.end().saturating_sub(1)),
    }
}

/// Icon and colour of a severity.
#[must_use]
pub const fn severity_mark(look: &Look, s: Severity) -> (char, egui::Color32) {
    match s {
        Severity::Chat => (icons::INFO, look.t.text_quiet),
        Severity::Note => (icons::INFO, look.t.accent),
        Severity::Warn => (icons::WARNING, look.t.warn),
        Severity::Error => (icons::WARNING_CIRCLE, look.t.err),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wirelore_kit::{Field, Span, Value};

    static G: Field = Field::group("toy", "Toy");
    static S: Field = Field::group("toy.sub", "Sub");
    static A: Field = Field::new("toy.a", "A", Kind::Dec);

    fn tree() -> Tree {
        let n = |field, depth, end| Node {
            field,
            span: Span::new(BufId::arrival(0), 0, 1),
            value: Value::U64(1),
            depth,
            tie: Tie::Own,
            end,
        };
        Tree { nodes: vec![n(&G, 0, 2), n(&A, 1, 2), n(&S, 0, 5), n(&G, 1, 5), n(&A, 2, 5)], ..Default::default() }
    }

    #[test]
    fn only_the_last_root_stands_open_until_told_otherwise() {
        let t = tree();
        let mut f = Folds::default();
        assert_eq!(f.visible(&t), [0, 2, 3, 4]);
        f.uncover(&t, 1);
        assert_eq!(f.visible(&t), [0, 1, 2, 3, 4]);
        f.set_all(&t, false);
        assert_eq!(f.visible(&t), [0, 2]);
    }

    #[test]
    fn only_fields_inside_made_headers_are_made() {
        let t = tree();
        let (noted, folds) = (HashMap::new(), Folds::default());
        let id = Id::NULL;
        let view = |made| TreeView {
            id,
            tree: &t,
            visible: &[],
            folds: &folds,
            selected: None,
            lit: None,
            noted: &noted,
            made,
            keyboard: false,
        };
        let node = |buf, at, len| Node { span: Span::new(buf, at, len), ..t.nodes[1].clone() };
        let of = Some((BufId::arrival(0), 0, 54));
        assert!(view(of).is_made(&node(BufId::arrival(0), 50, 4)));
        assert!(!view(of).is_made(&node(BufId::arrival(0), 50, 5)), "it reaches into what was relayed");
        assert!(!view(of).is_made(&node(BufId::arrival(0), 54, 1)));
        assert!(!view(of).is_made(&node(BufId::part(0), 0, 1)));
        assert!(!view(of).is_made(&node(BufId::arrival(0), 0, 0)), "what is derived has no bytes");
        assert!(!view(None).is_made(&node(BufId::arrival(0), 0, 1)));
    }

    #[test]
    fn parents_are_those_that_hold_the_node() {
        let t = tree();
        assert_eq!(parents(&t, 4), [2, 3]);
        assert_eq!(parents(&t, 1), [0]);
        assert!(parents(&t, 2).is_empty());
    }
}
