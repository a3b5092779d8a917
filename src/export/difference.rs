//! What differs between two texts, line by line, as `diff -u` writes it.

/// Lines around a difference that are shown with it.
const AROUND: usize = 3;
/// Lines are compared each with each up to so many pairs; beyond that what is between the common ends counts as replaced.
const MOST_PAIRS: usize = 4 << 20;

/// A line: kept, only in the first, only in the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Kept,
    Gone,
    Come,
}

impl Mark {
    const fn sign(self) -> char {
        match self {
            Mark::Kept => ' ',
            Mark::Gone => '-',
            Mark::Come => '+',
        }
    }
}

/// The differences as hunks of lines; empty where there are none.
#[must_use]
pub fn unified(a: &[String], b: &[String]) -> String {
    let marks = marked(a, b);
    let near: Vec<bool> = (0..marks.len())
        .map(|i| {
            let around = marks.get(i.saturating_sub(AROUND)..marks.len().min(i.saturating_add(AROUND).saturating_add(1)));
            around.is_some_and(|m| m.iter().any(|(mark, _)| *mark != Mark::Kept))
        })
        .collect();
    let mut out = String::new();
    // Lines of each text before the one at hand.
    let (mut in_a, mut in_b, mut i) = (0usize, 0usize, 0usize);
    while let Some(shown) = near.get(i) {
        let end = near.get(i..).and_then(|n| n.iter().position(|s| s != shown)).map_or(near.len(), |n| i.saturating_add(n));
        let hunk = marks.get(i..end).unwrap_or_default();
        let count = |not: Mark| hunk.iter().filter(|(mark, _)| *mark != not).count();
        let (of_a, of_b) = (count(Mark::Come), count(Mark::Gone));
        if *shown {
            let first = |before: usize, count: usize| if count == 0 { before } else { before.saturating_add(1) };
            out.push_str(&format!("@@ -{},{of_a} +{},{of_b} @@\n", first(in_a, of_a), first(in_b, of_b)));
            for (mark, line) in hunk {
                out.push(mark.sign());
                out.push_str(line);
                out.push('\n');
            }
        }
        (in_a, in_b, i) = (in_a.saturating_add(of_a), in_b.saturating_add(of_b), end);
    }
    out
}

/// All lines of both in order, each with what became of it.
fn marked<'t>(a: &'t [String], b: &'t [String]) -> Vec<(Mark, &'t str)> {
    let same = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let (rest_a, rest_b) = (a.get(same..).unwrap_or_default(), b.get(same..).unwrap_or_default());
    let tail = rest_a.iter().rev().zip(rest_b.iter().rev()).take_while(|(x, y)| x == y).count();
    let cut = |t: &'t [String]| t.split_at(t.len().saturating_sub(tail));
    let ((mid_a, end), (mid_b, _)) = (cut(rest_a), cut(rest_b));
    let lines = |mark: Mark, of: &'t [String]| of.iter().map(move |l| (mark, l.as_str()));
    let mut out: Vec<(Mark, &str)> = lines(Mark::Kept, a.get(..same).unwrap_or_default()).collect();
    if mid_a.len().saturating_mul(mid_b.len()) > MOST_PAIRS {
        out.extend(lines(Mark::Gone, mid_a).chain(lines(Mark::Come, mid_b)));
    } else {
        between(mid_a, mid_b, &mut out);
    }
    out.extend(lines(Mark::Kept, end));
    out
}

/// By the longest common subsequence.
fn between<'t>(a: &'t [String], b: &'t [String], out: &mut Vec<(Mark, &'t str)>) {
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
                out.push((Mark::Kept, x));
                (i, j) = (i.saturating_add(1), j.saturating_add(1));
            }
            (Some(x), y) if y.is_none() || read(&common, i.saturating_add(1), j) >= read(&common, i, j.saturating_add(1)) => {
                out.push((Mark::Gone, x));
                i = i.saturating_add(1);
            }
            (_, Some(y)) => {
                out.push((Mark::Come, y));
                j = j.saturating_add(1);
            }
            (_, None) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.chars().map(String::from).collect()
    }

    #[test]
    fn hunks_are_those_of_diff() {
        assert_eq!(unified(&lines("abc"), &lines("abc")), "");
        assert_eq!(unified(&lines(""), &lines("a")), "@@ -0,0 +1,1 @@\n+a\n");
        let far = unified(&lines("xabcdefghijy"), &lines("Xabcdefghij"));
        assert_eq!(far, "@@ -1,4 +1,4 @@\n-x\n+X\n a\n b\n c\n@@ -9,4 +9,3 @@\n h\n i\n j\n-y\n");
    }

    #[test]
    fn what_is_marked_makes_both_texts() {
        for (a, b) in [("kitten", "sitting"), ("", "abc"), ("abc", ""), ("aaaa", "aa"), ("abcabba", "cbabac")] {
            let (a, b) = (lines(a), lines(b));
            let marks = marked(&a, &b);
            let of = |not: Mark| marks.iter().filter(|(m, _)| *m != not).map(|(_, l)| (*l).to_owned()).collect::<Vec<_>>();
            assert_eq!((of(Mark::Come), of(Mark::Gone)), (a, b));
        }
    }
}
