//! Ranges by the mean squared error of their integers: the least of `sum n_b (Q(c_b) - c_b)^2` over the bins'
//! centers `c_b` and counts `n_b`, where `Q` clamps and rounds (Nagel et al., A White Paper on Neural Network
//! Quantization, 2021, equation 10; on a histogram as NVIDIA's pytorch-quantization does, `calib/histogram.py`).
//!
//! A number's distance to the nearest integer changes by no more than the number, so that the root of the mean
//! error differs by half a bin at most from that of the values themselves, for every range: what is found is at most
//! a bin worse than the best.

use super::grid::Grid;
use super::histogram::{Bins, Histogram};

/// Fractions of an end that are tried.
const FRACTIONS: u32 = 2048;

/// Fractions of each of two ends that are tried together first.
const COARSE: u32 = 64;

/// The best of some candidates, the first where several are, with its error.
fn best<T: Copy>(candidates: impl Iterator<Item = T>, error: impl Fn(T) -> f64) -> Option<(T, f64)> {
    let with_errors = candidates.map(|candidate| (candidate, error(candidate)));
    with_errors.reduce(|best, other| if other.1 < best.1 { other } else { best })
}

/// Fractions of `end`, from all of it down.
fn fractions(end: f32, of: u32) -> impl Iterator<Item = f32> {
    (1..=of).rev().map(move |i| (f64::from(end) * f64::from(i) / f64::from(of)) as f32)
}

/// The best magnitude of a symmetric range.
pub(super) fn magnitude(histogram: &Histogram, max_abs: f32, grid: impl Fn(f32) -> Grid) -> f32 {
    let sums = Totals::new(&histogram.signed());
    best(fractions(max_abs, FRACTIONS), |magnitude| sums.error(grid(magnitude))).map_or(max_abs, |(found, _)| found)
}

/// The best ends of an affine range: of all pairs of some fractions, then of finer ones of one end at a time, as long
/// as the error gets less.
pub(super) fn ends(histogram: &Histogram, [low, high]: [f32; 2], grid: impl Fn([f32; 2]) -> Grid) -> [f32; 2] {
    /// Errors get less every time, so that these are far more than there are.
    const ROUNDS: usize = 16;
    let sums = Totals::new(&histogram.signed());
    let error = |ends: [f32; 2]| sums.error(grid(ends));
    // An end beyond zero is at zero.
    let (low, high) = (low.min(0.0), high.max(0.0));
    let pairs = fractions(low, COARSE).flat_map(|low| fractions(high, COARSE).map(move |high| [low, high]));
    let is_two_sided = low < 0.0 && high > 0.0;
    let start = if is_two_sided { best(pairs, error) } else { Some(([low, high], error([low, high]))) };
    let mut found = start.unwrap_or(([low, high], f64::INFINITY));
    for _ in 0..ROUNDS {
        let before = found.1;
        for end in [1, 0] {
            let whole = [low, high][end];
            let with = |value| if end == 0 { [value, found.0[1]] } else { [found.0[0], value] };
            if whole != 0.0
                && let Some(finer) = best(fractions(whole, FRACTIONS).map(with), error)
                && finer.1 < found.1
            {
                found = finer;
            }
        }
        if found.1 >= before {
            break;
        }
    }
    found.0
}

/// Sums over the first bins, by which the error of any range of them to one number is known at once. Half a bin is the
/// unit, so that centers are odd integers.
struct Totals {
    below: i64,
    half: f64,
    /// Of counts, of counts by centers, and by their squares; each exact, then rounded.
    sums: Vec<[f64; 3]>,
}

impl Totals {
    fn new(bins: &Bins) -> Self {
        let below = bins.below as i64;
        let mut sum = [0i128; 3];
        let sums = std::iter::once(sum).chain(bins.counts.iter().enumerate().map(|(bin, &count)| {
            let (count, center) = (i128::from(count), i128::from(2 * (bin as i64 - below) + 1));
            sum = [sum[0] + count, sum[1] + count * center, sum[2] + count * center * center];
            sum
        }));
        Totals { below, half: bins.width / 2.0, sums: sums.map(|sums| sums.map(|sum| sum as f64)).collect() }
    }

    /// The squared error of rounding all values to a grid, in squares of half a bin.
    fn error(&self, grid: Grid) -> f64 {
        let step = f64::from(grid.scale) / self.half;
        let bins = self.sums.len() as i64 - 1;
        // The integer of the lowest center, or one below it.
        let first = ((1 - 2 * self.below) as f64 / step).floor();
        let mut integer = (first as i32).clamp(grid.least, grid.largest);
        let (mut from, mut error) = (0, 0.0);
        while from < bins {
            let until = if integer == grid.largest {
                bins
            } else {
                // The first bin whose center is nearer to the next integer.
                let boundary = (f64::from(integer) + 0.5) * step;
                let bin = ((boundary - 1.0) / 2.0).floor() as i64;
                bin.saturating_add(self.below + 1).clamp(from, bins)
            };
            if until > from {
                error += self.between(from as usize, until as usize, f64::from(integer) * step);
            }
            (from, integer) = (until, integer.saturating_add(1));
        }
        error
    }

    /// The squared error of taking the bins `from..until` for `value`.
    fn between(&self, from: usize, until: usize, value: f64) -> f64 {
        let [count, sum, squares] = [0, 1, 2].map(|i| self.sums[until][i] - self.sums[from][i]);
        squares - 2.0 * value * sum + value * value * count
    }
}
