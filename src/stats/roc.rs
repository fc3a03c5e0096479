//! The ROC curve of a detector: the area under it, in whole and in part, with intervals and a paired test.
//!
//! A detector scores samples, the anomalous (positive) ones higher if it is any good. The area under
//! its curve (AUC) is the chance that an anomalous sample scores higher than a normal one, ties
//! counting half.

use super::normal::{Z95, two_sided_p};
use std::cmp::Ordering;

/// Scores of normal and anomalous samples, and the rank of each sample among the other kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Roc {
    /// In rising order.
    normal: Vec<f64>,
    anomalous: Vec<f64>,
    /// Pairs of an anomalous and a normal sample that are in order, twice; ties count once.
    wins: u64,
    /// Of each anomalous sample, the share of normal ones that score lower, ties counting half; in
    /// the order given.
    above: Vec<f64>,
    /// Of each normal sample, the share of anomalous ones that score higher.
    below: Vec<f64>,
}

/// How many of `sorted` lie below `score`, twice; those equal to it count once.
fn twice_below(sorted: &[f64], score: f64) -> u64 {
    let less = sorted.partition_point(|other| other.total_cmp(&score) == Ordering::Less);
    let not_more = sorted.partition_point(|other| other.total_cmp(&score) != Ordering::Greater);
    (less + not_more) as u64
}

/// The same as a share of `sorted`.
fn share_below(sorted: &[f64], score: f64) -> f64 {
    twice_below(sorted, score) as f64 / (2 * sorted.len()) as f64
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The sample covariance of two series, over all but one of them.
fn covariance(a: &[f64], b: &[f64]) -> f64 {
    let (mean_a, mean_b) = (mean(a), mean(b));
    let products = a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b));
    products.sum::<f64>() / (a.len() - 1) as f64
}

impl Roc {
    /// The curve of samples that score `normal` and `anomalous`, all of them finite and at least one
    /// of each; a comparison of curves takes two.
    pub fn new(normal: &[f64], anomalous: &[f64]) -> Self {
        let sorted = |scores: &[f64]| {
            // -0 is 0.
            let mut scores: Vec<f64> = scores.iter().map(|score| score + 0.0).collect();
            scores.sort_by(f64::total_cmp);
            scores
        };
        let (sorted_normal, sorted_anomalous) = (sorted(normal), sorted(anomalous));
        let wins = anomalous.iter().map(|score| twice_below(&sorted_normal, score + 0.0)).sum();
        let above = anomalous.iter().map(|score| share_below(&sorted_normal, score + 0.0)).collect();
        let below = normal.iter().map(|score| 1.0 - share_below(&sorted_anomalous, score + 0.0)).collect();
        Roc { normal: sorted_normal, anomalous: sorted_anomalous, wins, above, below }
    }

    /// The area under the curve.
    pub fn auc(&self) -> f64 {
        self.wins as f64 / (2.0 * self.normal.len() as f64 * self.anomalous.len() as f64)
    }

    /// The area up to a false positive rate of `max_fpr`, scaled so that chance has 1/2 and a perfect
    /// detector 1 (McClish, Medical Decision Making 9, 1989; scikit-learn's `roc_auc_score` with
    /// `max_fpr`).
    pub fn partial_auc(&self, max_fpr: f64) -> f64 {
        let (m, n) = (self.normal.len(), self.anomalous.len());
        // From the highest threshold down: how many of each kind score at least that.
        let (mut false_positives, mut true_positives) = (0, 0);
        let (mut fpr, mut tpr, mut area) = (0.0, 0.0, 0.0);
        while false_positives < m && fpr < max_fpr {
            let next_normal = self.normal[m - 1 - false_positives];
            let next = n.checked_sub(true_positives + 1).map_or(next_normal, |i| next_normal.max(self.anomalous[i]));
            false_positives = m - self.normal.partition_point(|&score| score < next);
            true_positives = n - self.anomalous.partition_point(|&score| score < next);
            let (x, y) = (false_positives as f64 / m as f64, true_positives as f64 / n as f64);
            let end = x.min(max_fpr);
            let at_end = if x > fpr { tpr + (y - tpr) * (end - fpr) / (x - fpr) } else { y };
            area += (end - fpr) * (tpr + at_end) / 2.0;
            (fpr, tpr) = (x, y);
        }
        let (chance, perfect) = (max_fpr * max_fpr / 2.0, max_fpr);
        f64::midpoint(1.0, (area - chance) / (perfect - chance))
    }

    /// The 95 % interval of the area: the areas from which this one is 1.96 standard errors away, as
    /// [`auc_variance`] has them there. Like Wilson's interval of a proportion it never leaves
    /// `[0, 1]`, nor shrinks to nothing at its ends.
    pub fn ci95(&self) -> [f64; 2] {
        let (auc, sizes) = (self.auc(), (self.normal.len(), self.anomalous.len()));
        let is_near = |area: f64| (area - auc).abs() <= Z95 * auc_variance(area, sizes.0, sizes.1).sqrt();
        // The variance is 0 at 0 and 1 and positive between, so that the end of what is near lies between
        // the area and either.
        let end = |limit: f64| {
            let (mut near, mut far) = (auc, limit);
            for _ in 0..64 {
                let middle = f64::midpoint(near, far);
                *(if is_near(middle) { &mut near } else { &mut far }) = middle;
            }
            near
        };
        [end(0.0), end(1.0)]
    }

    /// This curve's area minus that of `reference`, of the same samples in the same order, and the
    /// variance of the difference (DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988).
    pub fn difference(&self, reference: &Roc) -> (f64, f64) {
        let part = |now: &[f64], before: &[f64]| {
            let spread = covariance(now, now) + covariance(before, before) - 2.0 * covariance(now, before);
            spread.max(0.0) / now.len() as f64
        };
        let variance = part(&self.above, &reference.above) + part(&self.below, &reference.below);
        (self.auc() - reference.auc(), variance)
    }

    /// DeLong's test of this curve against `reference`, as for [`Roc::difference`].
    pub fn compare(&self, reference: &Roc) -> AucDifference {
        let (difference, variance) = self.difference(reference);
        let p = two_sided_p(difference, variance);
        // Without variance, nothing is known of a nonzero difference.
        let half = if p.is_some() { Z95 * variance.sqrt() } else { 2.0 };
        AucDifference { difference, ci95: [(difference - half).max(-1.0), (difference + half).min(1.0)], p }
    }
}

/// How two areas under ROC curves of the same samples differ.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AucDifference {
    /// The area minus that of the reference.
    pub difference: f64,
    /// Its 95 % interval.
    pub ci95: [f64; 2],
    /// Two-sided p-value of the areas being the same; `None` where the variance is 0 and the areas differ.
    pub p: Option<f64>,
}

/// The variance of an area of `auc` that is found with that many normal and anomalous samples, were
/// their scores exponential (Hanley and McNeil, Radiology 143, 1982, equation 1 with equations 2).
pub fn auc_variance(auc: f64, normal: usize, anomalous: usize) -> f64 {
    let (m, n) = (normal as f64, anomalous as f64);
    // Two anomalous samples score higher than a normal one; one scores higher than two normal ones.
    let (q1, q2) = (auc / (2.0 - auc), 2.0 * auc * auc / (1.0 + auc));
    let sum = auc * (1.0 - auc) + (n - 1.0) * (q1 - auc * auc) + (m - 1.0) * (q2 - auc * auc);
    sum.max(0.0) / (m * n)
}

#[cfg(test)]
mod tests;
