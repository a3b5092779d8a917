//! What became of the lines of a text: which stand in both, which went, which came.

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It stands in both.
    Kept,
    /// Only in the first.
    Gone,
    /// Only in the second.
    Come,
}

/// All lines of both in order. What is between the common ends is compared by the longest common subsequence where `fits` says so of the
/// counts of lines there (time and memory grow with their product, 4 bytes a pair); else all of it went and came.
///
/// ```
/// use wirelore_kit::compare::{Mark::{Come, Gone, Kept}, marks};
/// assert_eq!(marks(&["a", "b", "c"], &["a", "x", "c"], |_, _| true), [Kept, Gone, Come, Kept]);
/// ```
#[must_use]
pub fn marks<T: PartialEq>(a: &[T], b: &[T], fits: impl FnOnce(usize, usize) -> bool) -> Vec<Mark> {
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (rest_a, rest_b) = (a.get(head..).unwrap_or_default(), b.get(head..).unwrap_or_default());
    let tail = rest_a.iter().rev().zip(rest_b.iter().rev()).take_while(|(x, y)| x == y).count();
    let middle = |rest: &'_ [T]| rest.len().saturating_sub(tail);
    let (of_a, of_b) = (middle(rest_a), middle(rest_b));
    let (a, b) = (rest_a.get(..of_a).unwrap_or_default(), rest_b.get(..of_b).unwrap_or_default());
    let mut out = vec![Mark::Kept; head];
    if fits(of_a, of_b) {
        between(a, b, &mut out);
    } else {
        out.extend(a.iter().map(|_| Mark::Gone).chain(b.iter().map(|_| Mark::Come)));
    }
    out.extend(std::iter::repeat_n(Mark::Kept, tail));
    out
}

/// By the longest common subsequence.
fn between<T: PartialEq>(a: &[T], b: &[T], out: &mut Vec<Mark>) {
    let width = b.len().saturating_add(1);
    // How many lines are common behind each pair of places.
    let mut common = vec![0u32; width.saturating_mul(a.len().saturating_add(1))];
    let place = |i: usize, j: usize| i.saturating_mul(width).saturating_add(j);
    let read = |common: &[u32], i: usize, j: usize| common.get(place(i, j)).copied().unwrap_or(0);
    for (i, x) in a.iter().enumerate().rev() {
        for (j, y) in b.iter().enumerate().rev() {
            let (down, right) = (i.saturating_add(1), j.saturating_add(1));
            let most = if x == y {
                read(&common, down, right).saturating_add(1)
            } else {
                read(&common, down, j).max(read(&common, i, right))
            };
            if let Some(slot) = common.get_mut(place(i, j)) {
                *slot = most;
            }
        }
    }
    let (mut i, mut j) = (0usize, 0usize);
    loop {
        match (a.get(i), b.get(j)) {
            (Some(x), Some(y)) if x == y => {
                out.push(Mark::Kept);
                (i, j) = (i.saturating_add(1), j.saturating_add(1));
            }
            (Some(_), y) if y.is_none() || read(&common, i.saturating_add(1), j) >= read(&common, i, j.saturating_add(1)) => {
                out.push(Mark::Gone);
                i = i.saturating_add(1);
            }
            (_, Some(_)) => {
                out.push(Mark::Come);
                j = j.saturating_add(1);
            }
            (_, None) => return,
        }
    }
}
