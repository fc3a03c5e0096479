//! Confidence intervals and tests of proportions, single and paired.

use super::normal::Z95;

/// The 95 % score interval of a binomial proportion (Wilson, 1927).
pub fn wilson_interval(successes: u64, trials: u64) -> [f64; 2] {
    if trials == 0 {
        return [0.0, 1.0];
    }
    let (n, p) = (trials as f64, successes as f64 / trials as f64);
    let denominator = 1.0 + Z95 * Z95 / n;
    let center = (p + Z95 * Z95 / (2.0 * n)) / denominator;
    let half = Z95 * (p * (1.0 - p) / n + Z95 * Z95 / (4.0 * n * n)).sqrt() / denominator;
    // Rounding must not leave the proportion itself outside.
    [(center - half).clamp(0.0, p), (center + half).clamp(p, 1.0)]
}

/// McNemar's exact two-sided p-value: twice the chance of as few as `min(lost, gained)` heads in
/// `lost + gained` tosses of a fair coin, 1 at most (McNemar, Psychometrika 12, 1947).
pub fn mcnemar_exact(lost: u64, gained: u64) -> f64 {
    let (n, few) = ((lost + gained) as f64, lost.min(gained) as f64);
    if lost == gained {
        return 1.0;
    }
    let ln_choose = libm::lgamma(n + 1.0) - libm::lgamma(few + 1.0) - libm::lgamma(n - few + 1.0);
    let most = libm::exp(ln_choose - n * std::f64::consts::LN_2);
    // Terms fall from the largest one on, each a ratio below 1 of the one before.
    let (mut term, mut sum, mut k) = (most, most, few);
    while k > 0.0 && term > sum * f64::EPSILON {
        term *= k / (n - k + 1.0);
        sum += term;
        k -= 1.0;
    }
    (2.0 * sum).min(1.0)
}

/// The 95 % interval of the difference `values[0] - values[1]` of two independent values with intervals of their own
/// (Newcombe, Statistics in Medicine 17, 1998, method 10 for two proportions; MOVER for others). Of values over the same
/// samples it is wider than [`paired_interval`], which knows how often both agree.
pub fn unpaired_interval(values: [f64; 2], intervals: [[f64; 2]; 2]) -> [f64; 2] {
    let [below, above] = [0, 1].map(|end| [0, 1].map(|run| (intervals[run][end] - values[run]).abs()));
    let difference = values[0] - values[1];
    let apart = |a: f64, b: f64| (a * a + b * b).sqrt();
    [difference - apart(below[0], above[1]), difference + apart(above[0], below[1])]
}

/// The 95 % interval of the difference of two paired proportions, of which `both` samples have both,
/// `first` and `second` only one, of `n` in all: Wilson's intervals of the two proportions, squared
/// and added with regard to their correlation (Newcombe, Statistics in Medicine 17, 1998, method 10).
pub fn paired_interval(both: u64, first: u64, second: u64, n: u64) -> [f64; 2] {
    let total = n as f64;
    if n == 0 {
        return [-1.0, 1.0];
    }
    let distances = |successes: u64| {
        let p = successes as f64 / total;
        let [low, high] = wilson_interval(successes, n);
        (p - low, high - p)
    };
    let ((low_1, high_1), (low_2, high_2)) = (distances(both + first), distances(both + second));
    let [a, b, c, d] = [both, first, second, n - both - first - second].map(|count| count as f64);
    let marginals = (a + b) * (c + d) * (a + c) * (b + d);
    let covariance = a * d - b * c;
    let corrected = if covariance > 0.0 { (covariance - total / 2.0).max(0.0) } else { covariance };
    let phi = if marginals > 0.0 { corrected / marginals.sqrt() } else { 0.0 };
    let add = |x: f64, y: f64| (x * x - 2.0 * phi * x * y + y * y).max(0.0).sqrt();
    let difference = (first as f64 - second as f64) / total;
    [(difference - add(low_1, high_2)).max(-1.0), (difference + add(high_1, low_2)).min(1.0)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use proptest::prelude::*;

    fn close(found: f64, expected: f64, tolerance: f64) -> bool {
        (found - expected).abs() <= tolerance * expected.abs().max(f64::MIN_POSITIVE)
    }

    /// Newcombe (1998, "Two-sided confidence intervals for the single proportion", table I), method
    /// 3: 81 of 263 and 15 of 148, 0 of 20, 1 of 29.
    #[test]
    fn wilson_intervals_as_published() {
        let cases = [
            (81, 263, [0.2553, 0.3662]),
            (15, 148, [0.0624, 0.1605]),
            (0, 20, [0.0, 0.1611]),
            (1, 29, [0.0061, 0.1718]),
        ];
        for_each_case(cases, |(successes, trials, expected)| {
            let found = wilson_interval(successes, trials).map(|x| (x * 1e4).round() / 1e4);
            assert_eq!(found, expected, "{successes} of {trials}");
        });
    }

    /// Armitage and Berry (1994, p. 127), two media for a culture: 12 and 2 discordant pairs have P
    /// (two sided) = 0.0129. The rest is SciPy 1.17.1, `binomtest(b, b + c).pvalue`.
    #[test]
    fn p_values_as_published() {
        assert_eq!(format!("{:.4}", mcnemar_exact(12, 2)), "0.0129");
        let cases = [
            (12, 2, 0.012_939_453_125),
            (0, 1, 1.0),
            (5, 5, 1.0),
            (6, 16, 0.052_478_790_283_203_125),
            (1, 7, 0.070_312_5),
            (3, 40, 3.021_341_399_289_667_6e-9),
            (120, 310, 1.851_574_720_682_900_8e-20),
            (500, 620, 0.000_372_413_755_544_074_2),
            (20_000, 20_500, 0.013_153_825_113_144_245),
        ];
        for_each_case(cases, |(lost, gained, expected)| {
            let found = mcnemar_exact(lost, gained);
            assert!(close(found, expected, 1e-8), "{lost} {gained}: {found}, expected {expected}");
            assert_eq!(mcnemar_exact(gained, lost), found);
        });
        assert_eq!((mcnemar_exact(0, 0), mcnemar_exact(0, 2000)), (1.0, 0.0));
    }

    /// Wilson limits of SciPy 1.17.1 (`binomtest(..).proportion_ci(method="wilson")`), combined in
    /// Python as the paper has it.
    #[test]
    fn paired_intervals_by_scipy() {
        let cases = [
            ([1, 1, 7, 12], [-0.506_920_226_686_141, -0.025_559_124_164_859_837]),
            ([14, 5, 0, 22], [0.011_483_241_383_033_25, 0.226_492_684_351_211_25]),
            ([20, 12, 2, 16], [0.056_156_424_841_748_29, 0.329_206_995_400_140_13]),
            ([59, 6, 16, 80], [-0.118_621_195_638_709_96, -0.004_625_113_933_050_04]),
            ([9000, 120, 310, 570], [-0.023_100_836_863_542_768, -0.014_973_174_350_977_07]),
            ([5, 0, 0, 5], [-0.166_593_157_081_222_63, 0.166_593_157_081_222_63]),
            ([0, 10, 0, 0], [0.607_509_350_430_524_2, 1.0]),
            ([0, 3, 4, 0], [-0.683_560_289_497_060_5, 0.499_083_270_944_685_6]),
        ];
        for_each_case(cases, |(counts, expected)| {
            let [both, first, second, neither] = counts;
            let found = paired_interval(both, first, second, both + first + second + neither);
            let fits = found.iter().zip(expected).all(|(&found, expected)| (found - expected).abs() < 1e-9);
            assert!(fits, "{counts:?}: {found:?}, expected {expected:?}");
        });
    }

    /// Newcombe's own examples of method 10, to the four decimals that he has.
    #[test]
    fn unpaired_intervals_are_newcombes() {
        let cases = [
            ([56, 70, 48, 80], [0.0524, 0.3339]),
            ([9, 10, 3, 10], [0.1705, 0.8090]),
            ([5, 56, 0, 29], [-0.0381, 0.1926]),
            ([10, 10, 0, 10], [0.6075, 1.0]),
        ];
        for_each_case(cases, |([a, m, b, n], expected)| {
            let values = [a as f64 / m as f64, b as f64 / n as f64];
            let found = unpaired_interval(values, [wilson_interval(a, m), wilson_interval(b, n)]);
            assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 5e-5), "{found:?}");
        });
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Against the sum of binomial coefficients in exact integers.
        #[test]
        fn p_values_are_sums_of_binomials(lost in 0u64..60, gained in 0u64..60) {
            let n = lost + gained;
            let row = (0..n).fold(vec![1u128], |row, _| {
                let inner = row.windows(2).map(|pair| pair[0] + pair[1]);
                std::iter::once(1).chain(inner).chain([1]).collect()
            });
            let tail: u128 = row[..=lost.min(gained) as usize].iter().sum();
            let expected = (2.0 * tail as f64 / 2f64.powi(n as i32)).min(1.0);
            prop_assert!(close(mcnemar_exact(lost, gained), expected, 1e-12));
        }

        /// The interval holds the difference, and turns with the runs.
        #[test]
        fn intervals_are_symmetric(counts in prop::array::uniform4(0u64..500)) {
            let [both, first, second, neither] = counts;
            let n = both + first + second + neither;
            prop_assume!(n > 0);
            let [low, high] = paired_interval(both, first, second, n);
            let difference = (first as f64 - second as f64) / n as f64;
            prop_assert!(-1.0 <= low && low <= difference + 1e-12 && difference <= high + 1e-12 && high <= 1.0);
            let [other_low, other_high] = paired_interval(both, second, first, n);
            prop_assert!((low + other_high).abs() < 1e-12 && (high + other_low).abs() < 1e-12);
        }
    }
}
