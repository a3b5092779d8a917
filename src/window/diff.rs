//! Two texts beside each other: which lines stand in both, and where in a changed line it changes.

use std::ops::Range;
use wirelore_kit::compare::{Mark, marks};

/// A row of the two columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// In both, by its numbers there.
    Same(usize, usize),
    /// A line that became another; the bytes that differ in each.
    Changed(usize, usize, Range<usize>, Range<usize>),
    /// Only in the first.
    Gone(usize),
    /// Only in the second.
    New(usize),
}

/// Lines of one text that are compared by the square; of longer ones only their common beginning and end are found.
const MOST: usize = 1500;

/// Compares two texts line by line.
#[must_use]
pub fn rows(a: &[&str], b: &[&str]) -> Vec<Row> {
    let mut out = Vec::new();
    let (mut i, mut j) = (0, 0);
    let (mut gone, mut new) = (Vec::new(), Vec::new());
    for mark in marks(a, b, |n, m| n <= MOST && m <= MOST) {
        match mark {
            Mark::Kept => {
                pairs(a, b, &mut gone, &mut new, &mut out);
                out.push(Row::Same(i, j));
            }
            Mark::Gone => gone.push(i),
            Mark::Come => new.push(j),
        }
        i += usize::from(mark != Mark::Come);
        j += usize::from(mark != Mark::Gone);
    }
    pairs(a, b, &mut gone, &mut new, &mut out);
    out
}

/// Lines that went and lines that came at one place are shown beside each other, as far as they go.
fn pairs(a: &[&str], b: &[&str], gone: &mut Vec<usize>, new: &mut Vec<usize>, out: &mut Vec<Row>) {
    let both = gone.len().min(new.len());
    for (i, j) in gone.iter().zip(new.iter()) {
        let (x, y) = (a.get(*i).copied().unwrap_or(""), b.get(*j).copied().unwrap_or(""));
        let (p, q) = within(x, y);
        out.push(Row::Changed(*i, *j, p, q));
    }
    out.extend(gone.drain(..).skip(both).map(Row::Gone));
    out.extend(new.drain(..).skip(both).map(Row::New));
}

/// Where two lines differ: behind what they begin with alike, before what they end with alike.
fn within(x: &str, y: &str) -> (Range<usize>, Range<usize>) {
    let head: usize = x.chars().zip(y.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
    let rest = |s: &str| s.len() - head;
    let most = rest(x).min(rest(y));
    let mut tail = 0;
    for (a, b) in x.chars().rev().zip(y.chars().rev()) {
        if a != b || tail + a.len_utf8() > most {
            break;
        }
        tail += a.len_utf8();
    }
    (head..x.len() - tail, head..y.len() - tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_in_both_stand_beside_each_other_and_changed_ones_say_where() {
        let a = ["GET / HTTP/1.1", "Host: a.test", "Cookie: x", "", "body"];
        let b = ["GET / HTTP/1.1", "Host: b.test", "Accept: y", "Cookie: x", "", "body"];
        let r = rows(&a, &b);
        assert_eq!(
            r,
            [Row::Same(0, 0), Row::Changed(1, 1, 6..7, 6..7), Row::New(2), Row::Same(2, 3), Row::Same(3, 4), Row::Same(4, 5)]
        );
    }

    #[test]
    fn every_line_of_both_is_shown_once_in_order_whatever_the_texts() {
        let texts: [&[&str]; 6] = [&[], &["a"], &["a", "b", "c"], &["c", "b", "a"], &["a", "a", "b", "b"], &["x", "a", "ä", "b"]];
        for a in texts {
            for b in texts {
                let (mut of_a, mut of_b) = (Vec::new(), Vec::new());
                for row in rows(a, b) {
                    match row {
                        Row::Same(i, j) => {
                            assert_eq!(a[i], b[j]);
                            of_a.push(i);
                            of_b.push(j);
                        }
                        Row::Changed(i, j, p, q) => {
                            assert!(a[i].get(p).is_some() && b[j].get(q).is_some());
                            of_a.push(i);
                            of_b.push(j);
                        }
                        Row::Gone(i) => of_a.push(i),
                        Row::New(j) => of_b.push(j),
                    }
                }
                assert_eq!(of_a, (0..a.len()).collect::<Vec<_>>());
                assert_eq!(of_b, (0..b.len()).collect::<Vec<_>>());
            }
        }
    }
}
