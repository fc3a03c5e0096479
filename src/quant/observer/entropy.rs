//! Ranges by the Kullback-Leibler divergence between the values and what levels keep of them (Migacz, 8-bit
//! Inference with TensorRT, GTC 2017).
//!
//! For a range of bins, the reference `P` has the counts of these bins, those outside being added to the outermost.
//! The candidate `Q` has the same bins without those outside, made to as many levels: each spreads its sum evenly over
//! those of its bins in which `P` is not empty. The range is the one of the least `sum P ln(P / Q)`, both normalized;
//! of several, the widest. A level that `P` alone has counts in diverges infinitely.

use super::histogram::{Bins, Histogram};

/// Bins for each level of the widest range, as 2,048 are to 128. Many more would each hold so few values that levels
/// of a narrow range are told by the values themselves.
const BINS_PER_LEVEL: usize = 16;

/// The best magnitude of a symmetric range whose integers reach `largest`: `largest + 1` levels of magnitudes.
pub(super) fn magnitude(histogram: &Histogram, max_abs: f32, largest: i32) -> f32 {
    let levels = largest.unsigned_abs() as usize + 1;
    let bins = histogram.magnitudes().at_most(BINS_PER_LEVEL * levels);
    let threshold = threshold(&bins, bins.counts.len(), levels, |reach| 0..reach);
    threshold.map_or(max_abs, |threshold| (threshold as f32).min(max_abs))
}

/// The best ends of an affine range of `steps + 1` levels: as far below zero as above, but no farther than the
/// values, as ONNX Runtime's calibration chooses them.
pub(super) fn ends(histogram: &Histogram, [low, high]: [f32; 2], steps: i32) -> [f32; 2] {
    let levels = steps.unsigned_abs() as usize + 1;
    let bins = histogram.signed().at_most(BINS_PER_LEVEL * levels);
    let (below, above) = (bins.below, bins.counts.len() - bins.below);
    let range = |reach: usize| below - reach.min(below)..below + reach.min(above);
    let threshold = threshold(&bins, below.max(above), levels, range);
    threshold.map_or([low, high], |threshold| [low.max(-threshold as f32), high.min(threshold as f32)])
}

/// How far the best of the ranges reaches that have a bin for each level, those of 1 to `farthest` bins beside zero.
fn threshold(
    bins: &Bins,
    farthest: usize,
    levels: usize,
    range: impl Fn(usize) -> std::ops::Range<usize>,
) -> Option<f64> {
    let sums = Totals::new(bins);
    let ranges = (1..=farthest).map(|reach| (reach, range(reach))).filter(|(_, range)| range.len() >= levels);
    let divergences = ranges.map(|(reach, range)| (reach, sums.divergence(range.start, range.end, levels)));
    let best = divergences.reduce(|best, other| if other.1 <= best.1 { other } else { best });
    best.filter(|best| best.1.is_finite()).map(|(reach, _)| reach as f64 * bins.width)
}

/// Sums over the first bins, by which a level's share of a divergence is known at once.
pub(super) struct Totals<'a> {
    counts: &'a [u64],
    /// Of counts, and of bins that are not empty.
    sums: Vec<[u64; 2]>,
    /// Of [`x ln x`](by_log) of counts.
    by_log: Vec<f64>,
}

/// `x ln x`, of nothing zero.
fn by_log(count: u64) -> f64 {
    if count == 0 { 0.0 } else { count as f64 * libm::log(count as f64) }
}

impl<'a> Totals<'a> {
    pub fn new(bins: &'a Bins) -> Self {
        let (mut sum, mut log_sum) = ([0; 2], 0.0);
        let (mut sums, mut by_logs) = (vec![sum], vec![log_sum]);
        for &count in &bins.counts {
            sum = [sum[0] + count, sum[1] + u64::from(count > 0)];
            log_sum += by_log(count);
            sums.push(sum);
            by_logs.push(log_sum);
        }
        Totals { counts: &bins.counts, sums, by_log: by_logs }
    }

    /// Counts, and bins that are not empty, of some bins.
    fn between(&self, from: usize, until: usize) -> [u64; 2] {
        [0, 1].map(|i| self.sums[until][i] - self.sums[from][i])
    }

    /// The divergence of the range of bins `from..until`, at least two and as many as levels.
    pub fn divergence(&self, from: usize, until: usize, levels: usize) -> f64 {
        let bins = until - from;
        let outside = [self.between(0, from)[0], self.between(until, self.counts.len())[0]];
        let outermost = [self.counts[from], self.counts[until - 1]];
        // sum P ln P, not normalized, with the outermost bins as they are in P.
        let mut reference = self.by_log[until] - self.by_log[from];
        for (own, outside) in outermost.into_iter().zip(outside) {
            reference += by_log(own + outside) - by_log(own);
        }
        let mut candidate = 0.0;
        for level in 0..levels {
            // The bins whose index by `levels / bins` is this level.
            let [start, end] = [level, level + 1].map(|level| (level * bins).div_ceil(levels));
            let [count, mut filled] = self.between(from + start, from + end);
            let mut share = count;
            for (is_here, own, outside) in
                [(start == 0, outermost[0], outside[0]), (end == bins, outermost[1], outside[1])]
            {
                if is_here {
                    share += outside;
                    filled += u64::from(own == 0 && outside > 0);
                }
            }
            if share > 0 && count == 0 {
                return f64::INFINITY;
            }
            if share > 0 {
                candidate += share as f64 * libm::log(count as f64 / filled as f64);
            }
        }
        let [all, inside] = [self.between(0, self.counts.len())[0], self.between(from, until)[0]].map(|n| n as f64);
        (reference - candidate) / all - libm::log(all) + libm::log(inside)
    }
}
