//! Observers: the ranges of layers' inputs over a calibration set.
//!
//! An [`Observer`] is a method of turning values into a range; the [`Calibrator`] that it starts
//! sees every value of a layer's input once, in memory bounded by the tails that the observer needs.

use crate::kernel::for_simd_levels;
use serde::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A method of turning observed values into a range.
#[derive(Default, Debug, Clone, Copy, PartialEq)]
pub enum Observer {
    /// The smallest and the largest value.
    #[default]
    MinMax,
    /// This percentile of the absolute values for a symmetric range, of both tails for an affine
    /// one, interpolated linearly between the closest ranks as numpy does by default.
    Percentile(f64),
}

/// Names of observers and their meanings.
const OBSERVERS: [(&str, &str); 2] =
    [("minmax", "the smallest and the largest value"), ("percentile[:P]", "a percentile, above 50 and at most 100")];

/// The default percentile.
const DEFAULT_PERCENTILE: f64 = 99.99;

/// A text that is not an observer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown observer '{found}', expected {}", expected())]
#[non_exhaustive]
pub struct ObserverParseError {
    found: String,
}

fn expected() -> String {
    OBSERVERS.map(|(name, meaning)| format!("{name} ({meaning})")).join(" or ")
}

impl FromStr for Observer {
    type Err = ObserverParseError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s.split_once(':').map_or((s, None), |(name, value)| (name, Some(value))) {
            ("minmax", None) => Some(Observer::MinMax),
            ("percentile", None) => Some(Observer::Percentile(DEFAULT_PERCENTILE)),
            ("percentile", Some(value)) => {
                value.parse().ok().filter(|&p| p > 50.0 && p <= 100.0).map(Observer::Percentile)
            }
            _ => None,
        }
        .ok_or_else(|| ObserverParseError { found: s.to_owned() })
    }
}

impl fmt::Display for Observer {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Observer::MinMax => f.write_str("minmax"),
            Observer::Percentile(p) => write!(f, "percentile:{p}"),
        }
    }
}

impl Serialize for Observer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Observer {
    /// Starts observing a layer that will see `elements` values in all.
    pub fn start(self, elements: usize) -> Calibrator {
        let tails = match self {
            Observer::MinMax => None,
            Observer::Percentile(p) => {
                let rank = Rank::new(p, elements);
                let keep = (elements - rank.below).max(1);
                Some(Tails { rank, low: Top::new(keep), high: Top::new(keep), abs: Top::new(keep) })
            }
        };
        Calibrator { announced: elements, seen: 0, min: f32::INFINITY, max: f32::NEG_INFINITY, has_nan: false, tails }
    }
}

/// What was observed of one layer's input over a calibration set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observed {
    /// The true minimum, also where the observer clips it.
    pub minimum: f32,
    /// Lower end of an affine range.
    pub low: f32,
    /// Upper end of an affine range.
    pub high: f32,
    /// Largest magnitude of a symmetric range.
    pub max_abs: f32,
}

/// Collects one layer's input over a calibration set.
#[derive(Debug)]
pub struct Calibrator {
    announced: usize,
    seen: usize,
    min: f32,
    max: f32,
    has_nan: bool,
    tails: Option<Tails>,
}

/// Values whose extremes are found at a time.
const CHUNK: usize = 512;

/// The smallest and the largest of some values, without NaN.
pub(crate) struct Extremes {
    pub min: f32,
    pub max: f32,
    pub has_nan: bool,
}

for_simd_levels! {
    pub(crate) fn extremes(values: &[f32]) -> Extremes {
        const LANES: usize = 32;
        let (mut min, mut max, mut has_nan) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES], false);
        let mut see = |values: &[f32]| {
            for ((min, max), &x) in min.iter_mut().zip(&mut max).zip(values) {
                *min = if x < *min { x } else { *min };
                *max = if x > *max { x } else { *max };
                has_nan |= x.is_nan();
            }
        };
        let (lines, rest) = values.as_chunks::<LANES>();
        lines.iter().for_each(|line| see(line));
        see(rest);
        Extremes {
            min: min.into_iter().fold(f32::INFINITY, f32::min),
            max: max.into_iter().fold(f32::NEG_INFINITY, f32::max),
            has_nan,
        }
    }
}

#[derive(Debug)]
struct Tails {
    rank: Rank,
    /// Of the negated values.
    low: Top,
    high: Top,
    abs: Top,
}

impl Calibrator {
    /// Observes a batch of values.
    pub fn observe(&mut self, values: &[f32]) {
        self.seen += values.len();
        for values in values.chunks(CHUNK) {
            let Extremes { min, max, has_nan } = extremes(values);
            self.min = self.min.min(min);
            self.max = self.max.max(max);
            self.has_nan |= has_nan;
            if let Some(tails) = &mut self.tails {
                // Most values are nowhere near a tail.
                if has_nan || -min > tails.low.floor {
                    tails.low.extend(values.iter().map(|x| -x));
                }
                if has_nan || max > tails.high.floor {
                    tails.high.extend(values.iter().copied());
                }
                if has_nan || max.max(-min) > tails.abs.floor {
                    tails.abs.extend(values.iter().map(|x| x.abs()));
                }
            }
        }
    }

    /// Whether a value was NaN.
    pub fn has_nan(&self) -> bool {
        self.has_nan
    }

    /// The numbers of values seen and announced, where a percentile is taken and they differ.
    pub fn miscounted(&self) -> Option<[usize; 2]> {
        (self.tails.is_some() && self.seen != self.announced).then_some([self.seen, self.announced])
    }

    /// The observations; `None` when no value was observed.
    pub fn finish(self) -> Option<Observed> {
        if self.seen == 0 {
            return None;
        }
        Some(match self.tails {
            None => Observed {
                minimum: self.min,
                low: self.min,
                high: self.max,
                max_abs: self.min.abs().max(self.max.abs()),
            },
            Some(tails) => Observed {
                minimum: self.min,
                low: -tails.rank.interpolate(tails.low),
                high: tails.rank.interpolate(tails.high),
                max_abs: tails.rank.interpolate(tails.abs),
            },
        })
    }
}

/// The place of a percentile among sorted values: between `below` and the one after it.
#[derive(Debug, Clone, Copy)]
struct Rank {
    below: usize,
    fraction: f64,
}

impl Rank {
    fn new(percentile: f64, elements: usize) -> Self {
        let position = percentile / 100.0 * elements.saturating_sub(1) as f64;
        Rank { below: position.floor() as usize, fraction: position.fract() }
    }

    /// The percentile, given the largest values down to this rank.
    fn interpolate(self, top: Top) -> f32 {
        let (lower, upper) = top.two_smallest();
        if self.fraction == 0.0 {
            return lower; // not interpolated: 0 times infinity is NaN
        }
        (f64::from(lower) + (f64::from(upper) - f64::from(lower)) * self.fraction) as f32
    }
}

/// The `keep` largest of the values shown, in memory for at most twice as many.
#[derive(Debug)]
struct Top {
    keep: usize,
    values: Vec<f32>,
    /// As many values are known that are not smaller.
    floor: f32,
}

impl Top {
    fn new(keep: usize) -> Self {
        Top { keep, values: Vec::new(), floor: f32::NEG_INFINITY }
    }

    fn extend(&mut self, values: impl Iterator<Item = f32>) {
        for value in values {
            if value < self.floor {
                continue;
            }
            self.values.push(value);
            if self.values.len() >= 2 * self.keep.max(512) {
                self.trim();
            }
        }
    }

    fn trim(&mut self) {
        if self.values.len() > self.keep {
            let (_, &mut smallest, _) = self.values.select_nth_unstable_by(self.keep - 1, |a, b| b.total_cmp(a));
            self.values.truncate(self.keep);
            self.floor = smallest;
        }
    }

    /// The smallest of the kept values and the one above it (itself where there is none).
    fn two_smallest(mut self) -> (f32, f32) {
        self.trim();
        self.values.sort_unstable_by(f32::total_cmp);
        (self.values[0], *self.values.get(1).unwrap_or(&self.values[0]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use proptest::prelude::*;

    fn observe(observer: Observer, values: &[f32]) -> Observed {
        let mut calibrator = observer.start(values.len());
        values.chunks(7).for_each(|batch| calibrator.observe(batch));
        calibrator.finish().unwrap()
    }

    /// numpy.percentile([0, 1, ..., 10], 75) = 7.5, of the absolute values; 25 % is 2.5.
    #[test]
    fn percentiles_interpolate() {
        let values: Vec<f32> = (0..=10).map(|i| i as f32).collect();
        let seen = observe(Observer::Percentile(75.0), &values);
        assert_eq!(seen, Observed { minimum: 0.0, low: 2.5, high: 7.5, max_abs: 7.5 });
        let values: Vec<f32> = (-10..=0).map(|i| i as f32).collect();
        let seen = observe(Observer::Percentile(75.0), &values);
        assert_eq!(seen, Observed { minimum: -10.0, low: -7.5, high: -2.5, max_abs: 7.5 });
    }

    /// 90 % of 11 values is the tenth; that an infinity stands above it changes nothing.
    #[test]
    fn percentiles_clip_infinities() {
        let values: Vec<f32> = (0..10).map(|i| i as f32).chain([f32::INFINITY]).collect();
        let seen = observe(Observer::Percentile(90.0), &values);
        assert_eq!((seen.low, seen.high, seen.max_abs), (1.0, 9.0, 9.0));
        assert!(!observe(Observer::Percentile(95.0), &values).high.is_finite(), "half way to infinity");
    }

    #[test]
    fn percentiles_of_another_count_are_known() {
        for_each_case([(0, Some([3, 0])), (2, Some([3, 2])), (3, None), (9, Some([3, 9]))], |(announced, expected)| {
            let mut calibrator = Observer::Percentile(75.0).start(announced);
            calibrator.observe(&[1.0, 2.0, 3.0]);
            assert_eq!(calibrator.miscounted(), expected);
            assert!(calibrator.finish().is_some(), "started for {announced}");
        });
        let mut calibrator = Observer::MinMax.start(0);
        calibrator.observe(&[1.0]);
        assert_eq!(calibrator.miscounted(), None, "minimum and maximum count nothing");
    }

    #[test]
    fn names_parse_and_print() {
        let cases = [
            ("minmax", Observer::MinMax),
            ("percentile", Observer::Percentile(99.99)),
            ("percentile:99.5", Observer::Percentile(99.5)),
        ];
        for_each_case(cases, |(text, observer)| {
            assert_eq!(text.parse(), Ok(observer));
            assert_eq!(observer.to_string().parse(), Ok(observer));
        });
        let cases = ["", "mse", "percentile:", "percentile:50", "percentile:100.1", "percentile:nan", "minmax:3"];
        for_each_case(cases, |text| {
            assert!(text.parse::<Observer>().is_err(), "{text}");
        });
    }

    #[test]
    fn nothing_seen_gives_nothing() {
        assert_eq!(Observer::MinMax.start(0).finish(), None);
        assert_eq!(Observer::Percentile(99.0).start(0).finish(), None);
    }

    proptest! {
        /// Tails kept in bounded memory give what sorting everything gives.
        #[test]
        fn percentile_is_that_of_the_sorted_values(
            values in prop::collection::vec(-1e3f32..1e3, 1..3000),
            percentile in 50.1f64..=100.0,
        ) {
            let by_sorting = |mut values: Vec<f32>, p: f64| {
                values.sort_by(f32::total_cmp);
                let position = p / 100.0 * (values.len() - 1) as f64;
                let (low, high) = (values[position.floor() as usize], values[position.ceil() as usize]);
                (f64::from(low) + (f64::from(high) - f64::from(low)) * position.fract()) as f32
            };
            let seen = observe(Observer::Percentile(percentile), &values);
            prop_assert_eq!(seen.high, by_sorting(values.clone(), percentile));
            prop_assert_eq!(seen.max_abs, by_sorting(values.iter().map(|x| x.abs()).collect(), percentile));
            prop_assert_eq!(-seen.low, by_sorting(values.iter().map(|x| -x).collect(), percentile));
            prop_assert_eq!(seen.minimum, values.iter().copied().fold(f32::INFINITY, f32::min));
        }
    }
}
