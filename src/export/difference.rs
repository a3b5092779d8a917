//! What differs between two texts, line by line, as `diff -u` writes it.

use wirelore_kit::compare::{Mark, marks};

/// Lines around a difference that are shown with it.
const AROUND: usize = 3;
/// Lines are compared each with each up to so many pairs; beyond that what is between the common ends counts as replaced.
const MOST_PAIRS: usize = 4 << 20;

const fn sign(mark: Mark) -> char {
    match mark {
        Mark::Kept => ' ',
        Mark::Gone => '-',
        Mark::Come => '+',
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
                out.push(sign(*mark));
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
    let (mut left, mut right) = (a.iter().map(String::as_str), b.iter().map(String::as_str));
    let line = |mark: Mark| {
        let gone = (mark != Mark::Come).then(|| left.next());
        let come = (mark != Mark::Gone).then(|| right.next());
        (mark, gone.or(come).flatten().unwrap_or_default())
    };
    marks(a, b, |n, m| n.saturating_mul(m) <= MOST_PAIRS).into_iter().map(line).collect()
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
