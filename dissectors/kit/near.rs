//! How near one word is to another: what turns a misspelt name into "did you mean ...?".

/// How many letters must be inserted, removed or changed to make one word of the other (Levenshtein's distance). Capitals count as
/// letters of their own.
///
/// ```
/// use wirelore_kit::near::distance;
/// assert_eq!((distance("prt", "port"), distance("hots", "host"), distance("", "ip"), distance("tcp", "tcp")), (1, 2, 2, 0));
/// ```
#[must_use]
pub fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = i;
        let mut left = i.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let changed = diagonal.saturating_add(usize::from(x != y));
            diagonal = *cell;
            left = changed.min(diagonal.saturating_add(1)).min(left.saturating_add(1));
            *cell = left;
        }
    }
    row.last().copied().unwrap_or_default()
}
