//! Histograms whose bins double with the range: the same counts whatever the order of the values.

use std::fmt;

/// Bins of each sign. The largest magnitude lies in the upper half of them, so that 2,048 of them or more are in
/// use, as many as TensorRT's calibration has.
const BINS: usize = 4096;

/// Counts of values other than zero by sign and magnitude. Bin `i` holds magnitudes from `i` up to, not including,
/// `i + 1` times the width, a power of two: the least one with which all values have a bin. Two bins become one when a
/// larger value comes, exactly, so that the order of values does not matter.
///
/// Zero is left out. Every range has an integer for it, so that it adds to no error.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Histogram {
    /// The exponent of the width.
    exponent: i32,
    /// Of negative and positive numbers; none before the first.
    counts: [Vec<u64>; 2],
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let [negative, positive] = self.counts.each_ref().map(|counts| counts.iter().sum::<u64>());
        let width = self.width();
        f.debug_struct("Histogram")
            .field("width", &width)
            .field("negative", &negative)
            .field("positive", &positive)
            .finish_non_exhaustive()
    }
}

/// Counts over bins side by side, of which the first `below` are of negative numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bins {
    pub counts: Vec<u64>,
    pub below: usize,
    pub width: f64,
}

impl Bins {
    /// The same values in wider bins, side by side from zero on: so many bins or fewer, as near to that as doubling
    /// the width goes.
    pub fn at_most(mut self, bins: usize) -> Self {
        while self.counts.len() > bins.max(2) {
            let (below, above) = self.counts.split_at(self.below);
            let merged = |pair: &[u64]| pair.iter().sum();
            let negative: Vec<u64> = below.rchunks(2).map(merged).collect();
            self.below = negative.len();
            self.counts = negative.into_iter().rev().chain(above.chunks(2).map(merged)).collect();
            self.width *= 2.0;
        }
        self
    }
}

/// `2^exponent`, which is a normal number for every width.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((1023 + i64::from(exponent)) as u64) << 52)
}

/// The exponent of the bins' width when this is the largest magnitude, which is finite and not zero.
fn exponent_for(magnitude: f32) -> i32 {
    let of_magnitude = ((f64::from(magnitude).to_bits() >> 52) & 0x7ff) as i32 - 1023;
    of_magnitude + 1 - BINS.ilog2() as i32
}

impl Histogram {
    /// Sees finite values between `min` and `max`; infinite ones and NaN are not counted.
    pub fn observe(&mut self, values: &[f32], [min, max]: [f32; 2]) {
        let finite = |x: f32| if x.is_finite() { x.abs() } else { 0.0 };
        let mut largest = finite(min).max(finite(max));
        if min.is_infinite() || max.is_infinite() {
            largest = values.iter().fold(0.0, |largest, &x| finite(x).max(largest));
        }
        if largest == 0.0 {
            return;
        }
        self.make_room(largest);
        let bins_per_unit = power_of_two(-self.exponent);
        let [negative, positive] = &mut self.counts;
        for &x in values {
            if x == 0.0 || !x.is_finite() {
                continue;
            }
            // A product by a power of two, exact, and below the number of bins.
            let bin = (f64::from(x.abs()) * bins_per_unit) as usize;
            let counts = if x < 0.0 { &mut *negative } else { &mut *positive };
            counts[bin] += 1;
        }
    }

    /// Makes bins for magnitudes up to `largest`.
    fn make_room(&mut self, largest: f32) {
        let exponent = exponent_for(largest);
        if self.counts[0].is_empty() {
            self.counts = [vec![0; BINS], vec![0; BINS]];
            self.exponent = exponent;
        }
        let shift = exponent - self.exponent;
        if shift <= 0 {
            return;
        }
        self.exponent = exponent;
        for counts in &mut self.counts {
            for bin in 0..BINS {
                let count = std::mem::take(&mut counts[bin]);
                counts[bin.checked_shr(shift as u32).unwrap_or(0)] += count;
            }
        }
    }

    /// The bins' width.
    pub fn width(&self) -> f64 {
        power_of_two(self.exponent)
    }

    /// The bins in use of both signs, from the lowest number to the highest.
    pub fn signed(&self) -> Bins {
        let [negative, positive] = self.counts.each_ref().map(|counts| used(counts));
        let counts = negative.iter().rev().chain(positive).copied().collect();
        Bins { counts, below: negative.len(), width: self.width() }
    }

    /// The bins in use of magnitudes.
    pub fn magnitudes(&self) -> Bins {
        let [negative, positive] = self.counts.each_ref().map(|counts| used(counts));
        let count = |counts: &[u64], bin| counts.get(bin).copied().unwrap_or(0);
        let bins = 0..negative.len().max(positive.len());
        let counts = bins.map(|bin| count(negative, bin) + count(positive, bin)).collect();
        Bins { counts, below: 0, width: self.width() }
    }
}

/// The counts up to the last that is not zero.
fn used(counts: &[u64]) -> &[u64] {
    &counts[..counts.iter().rposition(|&count| count > 0).map_or(0, |last| last + 1)]
}
