//! Fuzzy matching for the command palette: letters in order, the better the closer and the nearer to word starts.

/// How well a text fits, and which of its characters were hit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Higher is better.
    pub score: i32,
    /// Positions in characters, rising.
    pub at: Vec<usize>,
}

/// Matches `query` in `text`, whatever the case; `None` if its letters do not stand there in order. An empty query fits everything.
#[must_use]
pub fn find(query: &str, text: &str) -> Option<Hit> {
    let chars: Vec<char> = text.chars().map(lower).collect();
    let wanted: Vec<char> = query.chars().filter(|c| !c.is_whitespace()).map(lower).collect();
    if wanted.is_empty() {
        return Some(Hit { score: 0, at: Vec::new() });
    }
    // A run of letters as typed beats letters strewn about, but inside a word not the first letters of words.
    let initials = initials(&wanted, &chars);
    let run = chars
        .windows(wanted.len())
        .enumerate()
        .filter(|(_, w)| *w == wanted.as_slice())
        .map(|(i, _)| i)
        .max_by_key(|i| (starts_word(&chars, *i), std::cmp::Reverse(*i)));
    if let Some(i) = run.filter(|i| initials.is_none() || starts_word(&chars, *i)) {
        let score = 60 + if starts_word(&chars, i) { 90 } else { 0 } + if i == 0 { 25 } else { 0 } - chars.len() as i32 / 4;
        return Some(Hit { score, at: (i..i + wanted.len()).collect() });
    }
    if let Some(at) = initials {
        return Some(Hit { score: 100 - chars.len() as i32 / 4, at });
    }
    let mut at = Vec::with_capacity(wanted.len());
    let (mut from, mut score) = (0, 0);
    for w in wanted {
        let ahead = || chars.iter().enumerate().skip(from).filter(|(_, c)| **c == w).map(|(i, _)| i);
        let next = ahead().find(|i| *i == from || starts_word(&chars, *i)).or_else(|| ahead().next())?;
        score += if starts_word(&chars, next) {
            12
        } else if next == from && from > 0 {
            8
        } else {
            1
        };
        at.push(next);
        from = next + 1;
    }
    Some(Hit { score: score - chars.len() as i32 / 4, at })
}

/// Where each letter begins a word of its own, words in order.
fn initials(wanted: &[char], chars: &[char]) -> Option<Vec<usize>> {
    let mut starts = (0..chars.len()).filter(|i| starts_word(chars, *i));
    wanted.iter().map(|w| starts.find(|i| chars.get(*i) == Some(w))).collect()
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

fn starts_word(chars: &[char], i: usize) -> bool {
    i == 0 || chars.get(i - 1).is_some_and(|c| !c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_word_starts_win() {
        let score = |q, t| find(q, t).map(|h| h.score);
        assert!(score("the", "Toggle theme") > score("the", "Filter this connection next"));
        assert!(score("nt", "New tab") > score("nt", "Next connection point"));
        assert_eq!(score("xyz", "New tab"), None);
    }

    #[test]
    fn positions_are_those_of_the_letters() {
        assert_eq!(find("ocap", "Open capture").map(|h| h.at), Some(vec![0, 5, 6, 7]));
        assert_eq!(find("tab", "New tab").map(|h| h.at), Some(vec![4, 5, 6]));
        assert_eq!(find("", "x").map(|h| h.at), Some(vec![]));
        assert_eq!(find("Ä", "äh").map(|h| h.at), Some(vec![0]));
    }
}
