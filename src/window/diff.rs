//! Two texts beside each other: which lines stand in both, and where in a changed line it changes.

use std::ops::Range;

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
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let rest = |s: &[&str]| s.len().saturating_sub(head);
    let tail = a.iter().rev().zip(b.iter().rev()).take(rest(a).min(rest(b))).take_while(|(x, y)| x == y).count();
    let mut out: Vec<Row> = (0..head).map(|n| Row::Same(n, n)).collect();
    let (end_a, end_b) = (a.len().saturating_sub(tail), b.len().saturating_sub(tail));
    middle(a, b, head..end_a, head..end_b, &mut out);
    out.extend((0..tail).map(|n| Row::Same(end_a + n, end_b + n)));
    out
}

fn middle(a: &[&str], b: &[&str], of_a: Range<usize>, of_b: Range<usize>, out: &mut Vec<Row>) {
    let (n, m) = (of_a.len(), of_b.len());
    let (mut i, mut j) = (0, 0);
    let (mut gone, mut new) = (Vec::new(), Vec::new());
    if n <= MOST && m <= MOST {
        // Length of the longest common rest from each pair of places on.
        let at = |i: usize, j: usize| i * (m + 1) + j;
        let mut best = vec![0u16; (n + 1) * (m + 1)];
        for i in (0..n).rev() {
            for j in (0..m).rev() {
                let get = |k: usize| best.get(k).copied().unwrap_or(0);
                let same = a.get(of_a.start + i) == b.get(of_b.start + j);
                let v = if same { get(at(i + 1, j + 1)) + 1 } else { get(at(i + 1, j)).max(get(at(i, j + 1))) };
                if let Some(slot) = best.get_mut(at(i, j)) {
                    *slot = v;
                }
            }
        }
        let get = |k: usize| best.get(k).copied().unwrap_or(0);
        while i < n && j < m {
            if a.get(of_a.start + i) == b.get(of_b.start + j) {
                pairs(a, b, &mut gone, &mut new, out);
                out.push(Row::Same(of_a.start + i, of_b.start + j));
                (i, j) = (i + 1, j + 1);
            } else if get(at(i + 1, j)) >= get(at(i, j + 1)) {
                gone.push(of_a.start + i);
                i += 1;
            } else {
                new.push(of_b.start + j);
                j += 1;
            }
        }
    }
    gone.extend(of_a.start + i..of_a.end);
    new.extend(of_b.start + j..of_b.end);
    pairs(a, b, &mut gone, &mut new, out);
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
