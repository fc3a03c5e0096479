//! What sees a layer's input over a calibration set, whatever the method.

use super::average::MovingAverage;
use super::distribution::{Criterion, Distribution};
use super::histogram::Histogram;
use super::observed::Observed;
use super::tails::Tails;
use crate::kernel::for_simd_levels;
use std::sync::Arc;

/// Collects one layer's input over a calibration set.
#[derive(Debug)]
pub struct Calibrator {
    announced: usize,
    seen: usize,
    min: f32,
    max: f32,
    has_nan: bool,
    method: Method,
}

/// What is kept of the values beyond their extremes.
#[derive(Debug)]
pub(super) enum Method {
    Extremes,
    Tails(Tails),
    Average(MovingAverage),
    Histogram(Criterion, Histogram),
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

impl Calibrator {
    pub(super) fn new(announced: usize, method: Method) -> Self {
        Calibrator { announced, seen: 0, min: f32::INFINITY, max: f32::NEG_INFINITY, has_nan: false, method }
    }

    /// Observes a batch of values, or a part of one.
    pub fn observe(&mut self, values: &[f32]) {
        self.seen += values.len();
        for values in values.chunks(CHUNK) {
            let Extremes { min, max, has_nan } = extremes(values);
            self.min = self.min.min(min);
            self.max = self.max.max(max);
            self.has_nan |= has_nan;
            match &mut self.method {
                Method::Extremes => {}
                Method::Tails(tails) => tails.observe(values, [min, max], has_nan),
                Method::Average(average) => average.observe([min, max]),
                Method::Histogram(_, histogram) => histogram.observe(values, [min, max]),
            }
        }
    }

    /// What comes next is another batch: a moving average takes the step of what was seen since the last.
    pub fn end_batch(&mut self) {
        if let Method::Average(average) = &mut self.method {
            average.end_batch();
        }
    }

    /// Whether a value was NaN.
    pub fn has_nan(&self) -> bool {
        self.has_nan
    }

    /// The numbers of values seen and announced, where a percentile is taken and they differ.
    pub fn miscounted(&self) -> Option<[usize; 2]> {
        (matches!(self.method, Method::Tails(_)) && self.seen != self.announced).then_some([self.seen, self.announced])
    }

    /// The observations; `None` when no value was observed.
    pub fn finish(self) -> Option<Observed> {
        if self.seen == 0 {
            return None;
        }
        let all = Observed::between(self.min, self.max);
        Some(match self.method {
            Method::Extremes => all,
            Method::Tails(tails) => {
                let found = tails.finish();
                Observed { low: -found.negated, high: found.high, max_abs: found.magnitude, ..all }
            }
            Method::Average(average) => {
                let [low, high] = average.finish();
                Observed { minimum: self.min, ..Observed::between(low, high) }
            }
            Method::Histogram(criterion, histogram) => {
                Observed { distribution: Some(Arc::new(Distribution { criterion, histogram })), ..all }
            }
        })
    }
}
