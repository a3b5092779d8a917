//! Bytes as offset, hexadecimal and text, in rows that scroll like any list; ranges of them can be lit.

use crate::theme::Look;
use crate::widgets::ink;
use crate::widgets::vlist::{BAR, VList, VState};
use egui::text::{LayoutJob, TextFormat};
use egui::{Color32, CornerRadius, FontId, Id, Painter, Rect, Stroke, StrokeKind, Ui, pos2};
use std::fmt::Write as _;

/// How a range of bytes is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Lit {
    /// Part of a field of that hue: a quiet ground.
    Band(Color32),
    /// On no wire ever: made by a recorder around what it relayed. Hatched.
    Made,
    /// Under the pointer here or in another pane.
    Hovered,
    /// Selected.
    Selected,
}

/// What to show.
pub struct Hex<'a> {
    /// Names the list.
    pub id: Id,
    /// What a screen reader says.
    pub name: &'a str,
    /// The bytes.
    pub bytes: &'a [u8],
    /// Offset of the first byte; all offsets count from there.
    pub base: u64,
    /// Ranges, drawn in this order: first and behind-last offset.
    pub lit: &'a [(u64, u64, Lit)],
}

/// What happened.
#[derive(Debug, Default)]
pub struct HexHappened {
    /// The byte under the pointer.
    pub hovered: Option<u64>,
    /// The byte that was clicked.
    pub clicked: Option<u64>,
    /// Whether the list has the keyboard.
    pub focused: bool,
}

/// Where things stand in a row, in characters.
struct Grid {
    digits: usize,
    per_row: usize,
    char: f32,
    left: f32,
}

impl Grid {
    fn new(bytes: usize, base: u64, width: f32, char: f32, left: f32) -> Grid {
        let digits = if base.saturating_add(bytes as u64) > 0xffff { 8 } else { 4 };
        let need = |per_row: usize| (digits + 2 + per_row * 3 + per_row / 9 + 2 + per_row) as f32 * char + 24.0;
        let per_row = [16, 8, 4].into_iter().find(|n| need(*n) <= width).unwrap_or(4);
        Grid { digits, per_row, char, left: left + 12.0 }
    }

    fn hex_x(&self, column: usize) -> f32 {
        self.left + (self.digits + 2 + column * 3 + usize::from(column >= 8)) as f32 * self.char
    }

    fn text_x(&self, column: usize) -> f32 {
        self.left + (self.digits + 2 + self.per_row * 3 + usize::from(self.per_row > 8) + 1 + column) as f32 * self.char
    }

    /// The column that a point lies over.
    fn column(&self, x: f32) -> Option<usize> {
        (0..self.per_row).find(|c| {
            let (h, t) = (self.hex_x(*c), self.text_x(*c));
            (h - self.char * 0.5..h + self.char * 2.5).contains(&x) || (t..t + self.char).contains(&x)
        })
    }
}

impl Hex<'_> {
    /// Shows the bytes in `rect`.
    pub fn show(&self, ui: &mut Ui, look: &Look, rect: Rect, state: &mut VState, reveal: Option<u64>) -> HexHappened {
        let font = look.mono();
        let grid = Grid::new(self.bytes.len(), self.base, rect.width() - BAR, ink::char_width(ui.painter(), &font), rect.left());
        let per_row = grid.per_row as u64;
        if let Some(at) = reveal {
            state.show_row(at.saturating_sub(self.base) / per_row);
        }
        let list = VList {
            id: self.id,
            name: self.name,
            rows: (self.bytes.len() as u64).div_ceil(per_row),
            row_height: look.hex_row(),
            marks: &[],
            selected: None,
            role: None,
        };
        let mut over = None;
        let pointer = ui.input(|i| i.pointer.hover_pos());
        let h = list.show(
            ui,
            look,
            rect,
            state,
            |_| String::new(),
            |row| {
                let from = row.index * per_row;
                let chunk = self.bytes.get(from as usize..).map_or(&[][..], |b| b.get(..grid.per_row).unwrap_or(b));
                let at = self.base.saturating_add(from);
                self.grounds(look, row.painter, row.rect, &grid, at, chunk.len());
                let strong =
                    |i: usize| self.lit.iter().any(|(a, b, l)| *l == Lit::Selected && (*a..*b).contains(&(at + i as u64)));
                let g = row.painter.layout_job(line(look, &grid, at, chunk, &font, strong));
                row.painter.galley(pos2(grid.left, (row.rect.center().y - g.size().y / 2.0).round()), g, look.t.text);
                if row.hovered {
                    over = pointer.and_then(|p| grid.column(p.x)).filter(|c| *c < chunk.len()).map(|c| at + c as u64);
                }
            },
        );
        let pressed = h.response.clicked();
        if pressed {
            h.response.request_focus();
        }
        HexHappened {
            hovered: over.filter(|_| h.hovered.is_some()),
            clicked: over.filter(|_| pressed),
            focused: h.response.has_focus(),
        }
    }

    fn grounds(&self, look: &Look, p: &Painter, row: Rect, grid: &Grid, at: u64, len: usize) {
        let end = at + len as u64;
        for (from, to, lit) in self.lit {
            let (a, b) = ((*from).max(at), (*to).min(end));
            if a >= b {
                continue;
            }
            let (first, last) = ((a - at) as usize, (b - at - 1) as usize);
            let half = grid.char * 0.5;
            let hex = Rect::from_min_max(
                pos2(grid.hex_x(first) - half, row.top()),
                pos2(grid.hex_x(last) + 2.0 * grid.char + half, row.bottom()),
            );
            let text = Rect::from_min_max(pos2(grid.text_x(first), row.top()), pos2(grid.text_x(last) + grid.char, row.bottom()));
            for r in [hex, text] {
                match lit {
                    Lit::Band(hue) => {
                        p.rect_filled(r, 0, *hue);
                    }
                    Lit::Made => ink::hatch(p, r, look.t.line_strong),
                    Lit::Selected => {
                        p.rect(
                            r.shrink2(egui::vec2(0.0, 0.5)),
                            CornerRadius::same(2),
                            look.t.selected,
                            Stroke::new(1.0, look.t.accent),
                            StrokeKind::Inside,
                        );
                    }
                    Lit::Hovered => {
                        p.rect_stroke(
                            r.shrink2(egui::vec2(0.0, 0.5)),
                            CornerRadius::same(2),
                            Stroke::new(1.0, look.t.text_quiet),
                            StrokeKind::Inside,
                        );
                    }
                }
            }
        }
    }
}

fn line(look: &Look, grid: &Grid, at: u64, chunk: &[u8], font: &FontId, strong: impl Fn(usize) -> bool) -> LayoutJob {
    let t = look.t;
    let mut job = LayoutJob::default();
    let mut run = String::new();
    let mut run_color = t.text_faint;
    let put = |job: &mut LayoutJob, run: &mut String, run_color: &mut Color32, color: Color32, text: &str| {
        if *run_color != color && !run.is_empty() {
            job.append(run, 0.0, TextFormat::simple(font.clone(), *run_color));
            run.clear();
        }
        *run_color = color;
        run.push_str(text);
    };
    let mut cell = String::new();
    let _ = write!(cell, "{at:0w$x}  ", w = grid.digits);
    put(&mut job, &mut run, &mut run_color, t.text_faint, &cell);
    for i in 0..grid.per_row {
        cell.clear();
        if i == 8 {
            cell.push(' ');
        }
        let color = match chunk.get(i) {
            Some(b) => {
                let _ = write!(cell, "{b:02x} ");
                if strong(i) {
                    t.text_strong
                } else if *b == 0 {
                    t.zero
                } else {
                    t.text
                }
            }
            None => {
                cell.push_str("   ");
                run_color
            }
        };
        put(&mut job, &mut run, &mut run_color, color, &cell);
    }
    put(&mut job, &mut run, &mut run_color, t.text, " ");
    for (i, b) in chunk.iter().enumerate() {
        let printable = (0x20..0x7f).contains(b);
        let color = match (strong(i), printable) {
            (true, _) => t.text_strong,
            (false, true) => t.printable,
            (false, false) => t.zero,
        };
        cell.clear();
        cell.push(if printable { char::from(*b) } else { '·' });
        put(&mut job, &mut run, &mut run_color, color, &cell);
    }
    job.append(&run, 0.0, TextFormat::simple(font.clone(), run_color));
    job.break_on_newline = false;
    job.wrap.max_width = f32::INFINITY;
    job
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_found_under_its_own_place_in_both_columns() {
        for width in [200.0, 420.0, 800.0] {
            let g = Grid::new(100, 0, width, 7.0, 0.0);
            for c in 0..g.per_row {
                assert_eq!(g.column(g.hex_x(c) + 3.0), Some(c), "{width}");
                assert_eq!(g.column(g.text_x(c) + 3.0), Some(c), "{width}");
            }
            assert_eq!(g.column(1.0), None);
        }
    }

    #[test]
    fn narrow_panes_show_fewer_bytes_in_a_row() {
        assert_eq!([150.0, 330.0, 600.0].map(|w| Grid::new(10, 0, w, 7.0, 0.0).per_row), [4, 8, 16]);
    }
}
