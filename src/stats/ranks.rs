//! Agreement of two orders.

/// The rank of each value among all, from 1 for the lowest: those of equal values are their mean.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    for equal in order.chunk_by(|&a, &b| values[a] == values[b]) {
        // Values that are less, and half of those that are the same.
        let less = values.iter().filter(|&&other| other < values[equal[0]]).count();
        let rank = less as f64 + f64::midpoint(equal.len() as f64, 1.0);
        equal.iter().for_each(|&at| ranks[at] = rank);
    }
    ranks
}

/// Spearman's rank correlation of pairs of numbers: Pearson's of their ranks, equal values having the mean of theirs.
/// 1 where both rise together, -1 where one falls as the other rises; `None` of fewer than two pairs, and where all
/// values of a side are equal.
///
/// ```
/// use approx_eval::stats::spearman;
///
/// assert_eq!(spearman(&[(1.0, 10.0), (2.0, 100.0), (3.0, 1000.0)]), Some(1.0));
/// assert_eq!(spearman(&[(1.0, 5.0), (2.0, 5.0)]), None);
/// ```
pub fn spearman(pairs: &[(f64, f64)]) -> Option<f64> {
    let (xs, ys): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
    let (xs, ys) = (ranks(&xs), ranks(&ys));
    // Ranks sum to the same whatever is equal.
    let mean = f64::midpoint(pairs.len() as f64, 1.0);
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    let spread = product(&xs, &xs) * product(&ys, &ys);
    (spread > 0.0).then(|| product(&xs, &ys) / spread.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn equal_values_share_their_ranks() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0, 3.0]), [4.0, 1.0, 4.0, 2.0, 4.0]);
        assert_eq!(ranks(&[0.0, -0.0]), [1.5, 1.5]);
    }

    /// Without ties by `1 - 6 sum d^2 / (n (n^2 - 1))`; with ties by Pearson's formula over the ranks, by hand.
    #[test]
    fn correlations_by_hand() {
        type Pairs = &'static [(f64, f64)];
        let cases: [(Pairs, Option<f64>); 7] = [
            // Differences of ranks 1, 1, 0, 0, 0: 1 - 6 * 2 / (5 * 24).
            (&[(1.0, 2.0), (2.0, 1.0), (3.0, 3.0), (4.0, 8.0), (5.0, 9.0)], Some(0.9)),
            (&[(1.0, 9.0), (2.0, 4.0), (3.0, 1.0)], Some(-1.0)),
            // Ranks 1, 2.5, 2.5, 4 and 1, 2, 3, 4: 4.5 / sqrt(4.5 * 5).
            (&[(1.0, 1.0), (2.0, 2.0), (2.0, 3.0), (7.0, 4.0)], Some(4.5 / (4.5f64 * 5.0).sqrt())),
            // Ranks 1.5, 1.5, 3 and 1, 2.5, 2.5: 0.75 / sqrt(1.5 * 1.5).
            (&[(0.0, 1.0), (0.0, 2.0), (5.0, 2.0)], Some(0.5)),
            (&[(1.0, 2.0)], None),
            (&[], None),
            (&[(1.0, 3.0), (2.0, 3.0)], None),
        ];
        for_each_case(cases, |(pairs, expected)| match (spearman(pairs), expected) {
            (Some(found), Some(expected)) => assert!((found - expected).abs() < 1e-12, "{found}, not {expected}"),
            (found, expected) => assert_eq!(found, expected),
        });
    }
}
