//! Where the arrows of a ladder stand: even steps or time to scale, with silence drawn as a break and said in words.

use super::{BODY, Step, What};
use std::ops::Range;

/// How arrows are spaced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spacing {
    /// Distances show time.
    pub to_scale: bool,
    /// 1 is the usual distance.
    pub zoom: f32,
    /// Size of ordinary text, points.
    pub text: f32,
}

/// Silence before an arrow that is long against what is usual here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Silence {
    /// The arrow behind it.
    pub step: u32,
    /// How long, nanoseconds.
    pub ns: i64,
}

/// Heights of arrows; offsets are points from the top, in f64, so that 200,000 arrows stand exactly.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Places {
    tops: Vec<f64>,
    /// Whole height.
    pub height: f64,
    /// Where time was passed over, in order of arrows.
    pub silences: Vec<Silence>,
    /// Height of the line above an arrow that begins a ground.
    pub above: f64,
    begins: Vec<bool>,
    /// Whether there is room for labels.
    pub labels: bool,
    /// Whether there is room for a second line under them.
    pub subs: bool,
}

/// Points that a break takes.
pub const BREAK: f64 = 30.0;
/// Silence is worth saying from so many times the median on.
const LONG: i64 = 10;
/// And never below this, nanoseconds.
const LEAST: i64 = 10_000_000;
/// Above the first and below the last arrow.
const MARGIN: f64 = 10.0;

/// How thick a message's arrow is, points.
#[must_use]
pub fn thickness(len: u64, message: bool) -> f32 {
    if !message || len < BODY {
        return 1.5;
    }
    // 2 kB are 4 points, each tenfold adds 3.
    let tens = (len as f64 / BODY as f64).log10() as f32;
    (4.0 + 3.0 * tens).clamp(4.0, 16.0)
}

impl Places {
    /// Places arrows.
    #[must_use]
    pub fn new(steps: &[Step], spacing: &Spacing) -> Places {
        let zoom = f64::from(spacing.zoom);
        let line = f64::from(spacing.text) + 6.0;
        let (labels, subs) = (spacing.zoom >= 0.55, spacing.zoom >= 0.85);
        let usual = median(steps);
        let above = if labels { line + 7.0 } else { 7.0 };
        let mut p = Places { labels, subs, above, ..Places::default() };
        let mut y = MARGIN;
        let mut before: Option<i64> = None;
        for (i, st) in steps.iter().enumerate() {
            let dt = before.filter(|_| st.time != i64::MIN).map_or(0, |b| st.time.saturating_sub(b));
            if dt > usual.saturating_mul(LONG).max(LEAST) {
                p.silences.push(Silence { step: i as u32, ns: dt });
                y += BREAK;
            } else if spacing.to_scale && usual > 0 && dt > 0 {
                y += (dt as f64 / usual as f64).min(LONG as f64) * line * 0.5 * zoom;
            }
            if st.time != i64::MIN {
                before = Some(st.time);
            }
            if st.begins {
                y += above;
            }
            p.begins.push(st.begins);
            p.tops.push(y);
            let message = matches!(st.what, What::Message(_));
            let lines = match (message, labels, subs) {
                (true, _, true) => 2.0 * line + 6.0,
                (true, true, false) | (false, true, _) => line + 8.0,
                _ => 10.0,
            };
            let body = if message && st.len >= BODY { f64::from(thickness(st.len, true)) } else { 0.0 };
            y += lines * zoom.max(if labels { 1.0 } else { 0.4 }) + body;
        }
        p.height = y + MARGIN;
        p
    }

    /// Top of an arrow's row.
    #[must_use]
    pub fn top(&self, step: usize) -> f64 {
        self.tops.get(step).copied().unwrap_or(self.height)
    }

    /// Bottom of an arrow's row.
    #[must_use]
    pub fn bottom(&self, step: usize) -> f64 {
        let next = self.tops.get(step.saturating_add(1)).copied().unwrap_or(self.height - MARGIN);
        let broken = self.silences.binary_search_by_key(&(step as u32 + 1), |s| s.step).is_ok();
        let begins = self.begins.get(step.saturating_add(1)) == Some(&true);
        next - if broken { BREAK } else { 0.0 } - if begins { self.above } else { 0.0 }
    }

    /// Top of the ground that begins with an arrow: its name stands between this and the arrow's row.
    #[must_use]
    pub fn ground_top(&self, step: usize) -> f64 {
        self.top(step) - self.above + 4.0
    }

    /// The arrows that a part of the height shows, with one more at each side.
    #[must_use]
    pub fn visible(&self, from: f64, to: f64) -> Range<usize> {
        let first = self.tops.partition_point(|t| *t <= from).saturating_sub(2);
        let last = self.tops.partition_point(|t| *t < to).saturating_add(1).min(self.tops.len());
        first..last
    }

    /// The arrow whose row holds a height.
    #[must_use]
    pub fn at(&self, y: f64) -> Option<usize> {
        let i = self.tops.partition_point(|t| *t <= y).checked_sub(1)?;
        (y < self.bottom(i)).then_some(i)
    }

    /// The silence before an arrow.
    #[must_use]
    pub fn silence(&self, step: usize) -> Option<i64> {
        let i = self.silences.binary_search_by_key(&(step as u32), |s| s.step).ok()?;
        self.silences.get(i).map(|s| s.ns)
    }
}

/// The median distance of arrows that do not stand at the same moment, nanoseconds; 0 where there is none.
fn median(steps: &[Step]) -> i64 {
    let times: Vec<i64> = steps.iter().map(|s| s.time).filter(|t| *t != i64::MIN).collect();
    let mut apart: Vec<i64> =
        times.windows(2).filter_map(|w| Some(w.get(1)?.saturating_sub(*w.first()?))).filter(|d| *d > 0).collect();
    let middle = apart.len() / 2;
    if apart.is_empty() { 0 } else { *apart.select_nth_unstable(middle).1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(times: &[i64]) -> Vec<Step> {
        times
            .iter()
            .enumerate()
            .map(|(i, t)| Step {
                what: What::Message(i as u32),
                from: 0,
                to: 1,
                flags: 0,
                path: 0,
                time: *t,
                end: *t,
                len: 10,
                packet: i as u32,
                worst: None,
                cut: false,
                begins: i == 3,
            })
            .collect()
    }

    const USUAL: Spacing = Spacing { to_scale: false, zoom: 1.0, text: 13.0 };

    #[test]
    fn rows_follow_one_another_and_every_height_finds_its_own() {
        for spacing in
            [USUAL, Spacing { to_scale: true, ..USUAL }, Spacing { zoom: 0.3, ..USUAL }, Spacing { zoom: 3.0, ..USUAL }]
        {
            let p = Places::new(&steps(&[0, 1_000_000, 2_000_000, 900_000_000, 901_000_000]), &spacing);
            for i in 0..5 {
                assert!(p.top(i) < p.bottom(i), "{spacing:?} {i}");
                assert_eq!(p.at((p.top(i) + p.bottom(i)) / 2.0), Some(i));
                if i > 0 {
                    assert!(p.bottom(i - 1) <= p.top(i));
                }
            }
            assert_eq!(p.silences, [Silence { step: 3, ns: 898_000_000 }]);
            assert_eq!(p.at(p.top(3) - 1.0), None, "nobody stands in the silence");
            assert!(p.ground_top(3) > p.bottom(2));
            assert!(p.visible(0.0, p.height) == (0..5));
        }
    }

    #[test]
    fn to_scale_longer_times_take_more_room() {
        let p = Places::new(&steps(&[0, 1_000_000, 2_000_000, 6_000_000]), &Spacing { to_scale: true, ..USUAL });
        assert!(p.top(3) - p.top(2) > p.top(2) - p.top(1));
    }

    #[test]
    fn bytes_make_arrows_thick_but_never_thicker_than_a_row() {
        assert!(thickness(100, true) < thickness(10_000, true));
        assert!(thickness(u64::MAX, true) <= 16.0);
        assert!(thickness(1 << 30, false) < 2.0);
    }
}
