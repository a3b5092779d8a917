//! Columns of a list: their widths, their heads, and the rectangle of each cell in a row.

use crate::theme::Look;
use crate::widgets::{ink, vlist::BAR};
use egui::{Rect, Ui, pos2};

/// How wide a column is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Width {
    /// So many characters of the fixed-width font.
    Chars(f32),
    /// A share of what is left, never less than so many points.
    Share(f32, f32),
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Column {
    /// Its head.
    pub title: &'static str,
    /// Its width.
    pub width: Width,
    /// Numbers stand at the right.
    pub right: bool,
    /// Narrow lists leave out the columns with the highest number first; 0 stays always.
    pub spare: u8,
}

impl Column {
    /// A column of text.
    #[must_use]
    pub const fn left(title: &'static str, width: Width, spare: u8) -> Column {
        Column { title, width, right: false, spare }
    }

    /// A column of numbers.
    #[must_use]
    pub const fn right(title: &'static str, width: Width, spare: u8) -> Column {
        Column { title, width, right: true, spare }
    }

    /// The column, or one that takes no room where there is nothing to show in it.
    #[must_use]
    pub const fn only_if(self, some: bool) -> Column {
        if some { self } else { Column { width: Width::Chars(0.0), ..self } }
    }

    fn is_empty(&self) -> bool {
        self.width == Width::Chars(0.0)
    }
}

/// Space between two columns.
const GAP: f32 = 12.0;
/// Space before the first and behind the last.
const EDGE: f32 = 12.0;

/// Left edge and width of each column; width 0 for those left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Laid(Vec<(f32, f32)>);

impl Laid {
    /// Lays columns out in `width` points.
    #[must_use]
    pub fn new(columns: &[Column], width: f32, char: f32) -> Laid {
        let least = |c: &Column| match c.width {
            Width::Chars(n) => (n * char).ceil(),
            Width::Share(_, least) => least,
        };
        let mut kept: Vec<bool> = columns.iter().map(|c| !c.is_empty()).collect();
        let used = |kept: &[bool]| {
            columns.iter().zip(kept).filter(|(_, k)| **k).map(|(c, _)| least(c) + GAP).sum::<f32>() - GAP + 2.0 * EDGE
        };
        while used(&kept) > width {
            let most = columns.iter().zip(&kept).filter(|(c, k)| **k && c.spare > 0).map(|(c, _)| c.spare).max();
            let Some(most) = most else { break };
            for (c, k) in columns.iter().zip(kept.iter_mut()) {
                if c.spare == most {
                    *k = false;
                }
            }
        }
        // What was left out for the sake of a wider column may fit now that that one is gone.
        let mut out: Vec<usize> = (0..columns.len())
            .filter(|i| kept.get(*i) == Some(&false) && columns.get(*i).is_some_and(|c| !c.is_empty()))
            .collect();
        out.sort_by_key(|i| columns.get(*i).map(|c| c.spare));
        for i in out {
            if let Some(k) = kept.get_mut(i) {
                *k = true;
            }
            if used(&kept) > width
                && let Some(k) = kept.get_mut(i)
            {
                *k = false;
            }
        }
        let spare = (width - used(&kept)).max(0.0);
        let shares: f32 = columns
            .iter()
            .zip(&kept)
            .filter(|(_, k)| **k)
            .map(|(c, _)| if let Width::Share(s, _) = c.width { s } else { 0.0 })
            .sum();
        let mut x = EDGE;
        let laid = columns.iter().zip(&kept).map(|(c, k)| {
            if !*k {
                return (x, 0.0);
            }
            let w = match c.width {
                Width::Share(s, _) if shares > 0.0 => least(c) + spare * s / shares,
                _ => least(c),
            };
            let at = (x, w.floor());
            x += w + GAP;
            at
        });
        Laid(laid.collect())
    }

    /// The cell of column `i` in a row; empty if the column is left out.
    #[must_use]
    pub fn cell(&self, i: usize, row: Rect) -> Rect {
        let (x, w) = self.0.get(i).copied().unwrap_or_default();
        Rect::from_min_max(pos2(row.left() + x, row.top()), pos2((row.left() + x + w).min(row.right() - 2.0), row.bottom()))
    }

    /// Whether column `i` is shown.
    #[must_use]
    pub fn shown(&self, i: usize) -> bool {
        self.0.get(i).is_some_and(|c| c.1 > 0.0)
    }
}

/// Draws the heads over a list and gives the layout for its rows and what is left for them.
pub fn heads(ui: &Ui, look: &Look, rect: Rect, columns: &[Column]) -> (Laid, Rect) {
    let p = ui.painter_at(rect);
    let head = Rect::from_min_size(rect.min, egui::vec2(rect.width(), look.head() - 3.0));
    let laid = Laid::new(columns, rect.width() - BAR, ink::char_width(&p, &look.mono()));
    p.rect_filled(head, 0, look.t.panel);
    for (i, c) in columns.iter().enumerate() {
        let cell = laid.cell(i, head);
        if c.right {
            ink::right(&p, cell, c.title, look.small(), look.t.text_faint);
        } else {
            ink::left(&p, cell, c.title, look.small(), look.t.text_faint);
        }
    }
    p.hline(rect.x_range(), head.bottom() - 0.5, egui::Stroke::new(1.0, look.t.line));
    (laid, Rect::from_min_max(pos2(rect.left(), head.bottom()), rect.max))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_tables_leave_out_spare_columns_and_nothing_overlaps() {
        let columns = [
            Column::right("No.", Width::Chars(9.0), 0),
            Column::left("Time", Width::Chars(11.0), 2),
            Column::left("Source", Width::Chars(21.0), 1),
            Column::left("Info", Width::Share(1.0, 120.0), 0),
        ];
        for width in [100.0_f32, 250.0, 400.0, 700.0, 1600.0] {
            let laid = Laid::new(&columns, width, 7.0);
            let row = Rect::from_min_size(pos2(0.0, 0.0), egui::vec2(width, 20.0));
            let shown: Vec<Rect> = (0..4).filter(|i| laid.shown(*i)).map(|i| laid.cell(i, row)).collect();
            assert!(shown.windows(2).all(|w| w[0].right() <= w[1].left()), "{width}: {shown:?}");
            assert!(laid.shown(0) && laid.shown(3));
            assert_eq!(laid.shown(1), width > 600.0, "{width}");
        }
    }

    #[test]
    fn a_column_with_nothing_in_it_takes_no_room() {
        let with = |some| {
            let columns =
                [Column::left("Process", Width::Chars(12.0), 2).only_if(some), Column::left("Info", Width::Share(1.0, 120.0), 0)];
            Laid::new(&columns, 900.0, 7.0)
        };
        let row = Rect::from_min_size(pos2(0.0, 0.0), egui::vec2(900.0, 20.0));
        assert!(with(true).shown(0) && with(true).cell(1, row).left() > 90.0);
        assert!(!with(false).shown(0));
        assert_eq!(with(false).cell(1, row).left(), EDGE);
    }
}
