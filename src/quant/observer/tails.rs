//! The tails of all values, in memory bounded by what a percentile needs of them.

#[derive(Debug)]
pub(super) struct Tails {
    rank: Rank,
    /// Of the negated values.
    low: Top,
    high: Top,
    abs: Top,
}

/// Percentiles of values, of the same values negated, and of their magnitudes.
pub(super) struct Percentiles {
    pub high: f32,
    pub negated: f32,
    pub magnitude: f32,
}

impl Tails {
    /// For this percentile of `elements` values.
    pub fn new(percentile: f64, elements: usize) -> Self {
        let rank = Rank::new(percentile, elements);
        let keep = (elements - rank.below).max(1);
        Tails { rank, low: Top::new(keep), high: Top::new(keep), abs: Top::new(keep) }
    }

    /// Sees values that lie between `min` and `max`, or with NaN among them.
    pub fn observe(&mut self, values: &[f32], [min, max]: [f32; 2], has_nan: bool) {
        // Most values are nowhere near a tail.
        if has_nan || -min > self.low.floor {
            self.low.extend(values.iter().map(|x| -x));
        }
        if has_nan || max > self.high.floor {
            self.high.extend(values.iter().copied());
        }
        if has_nan || max.max(-min) > self.abs.floor {
            self.abs.extend(values.iter().map(|x| x.abs()));
        }
    }

    /// The percentiles of at least one value.
    pub fn finish(self) -> Percentiles {
        let Tails { rank, low, high, abs } = self;
        Percentiles { high: rank.interpolate(high), negated: rank.interpolate(low), magnitude: rank.interpolate(abs) }
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
