use super::*;
use crate::cases::for_each_case;
use proptest::prelude::*;

fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-9
}

/// Ratings 1 to 5, each as often as `counts` say.
fn ratings(counts: [usize; 5]) -> Vec<f64> {
    (1..).zip(counts).flat_map(|(rating, count)| std::iter::repeat_n(f64::from(rating), count)).collect()
}

/// As many numbers from 0 to 63 as asked for, of a linear congruential generator.
fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed;
    let mut next = || {
        state = (state * 1_103_515_245 + 12_345) % (1 << 31);
        (state >> 16 & 63) as f64
    };
    (0..count).map(|_| next()).collect()
}

/// 40 normal and 30 anomalous samples as a detector scores them, and as another does.
fn two_detectors() -> [Roc; 2] {
    let (normal, anomalous) = (numbers(40, 1), numbers(30, 2).iter().map(|x| x + 14.0).collect::<Vec<_>>());
    let add = |to: &[f64], seed, offset| -> Vec<f64> {
        to.iter().zip(numbers(to.len(), seed)).map(|(x, y)| x + (y / 4.0).floor() + offset).collect()
    };
    [Roc::new(&normal, &anomalous), Roc::new(&add(&normal, 3, 0.0), &add(&anomalous, 4, -6.0))]
}

/// Hanley and McNeil (1982), table I: 58 normal and 51 abnormal images rated 1 to 5 have an area of
/// 0.893, whose standard error is 0.032 (by equation 1, 0.0325).
#[test]
fn areas_and_errors_as_published() {
    let roc = Roc::new(&ratings([33, 6, 6, 11, 2]), &ratings([3, 2, 2, 11, 33]));
    assert_eq!(format!("{:.3}", roc.auc()), "0.893");
    assert_eq!(format!("{:.4}", auc_variance(0.893, 58, 51).sqrt()), "0.0325");
}

/// scikit-learn 1.9.1, `roc_auc_score(y, s)` and with `max_fpr` of 0.1 and 0.35; ends of the interval
/// by SciPy 1.17.1, `brentq` on Hanley and McNeil's variance.
#[test]
fn areas_and_intervals_by_scikit_learn_and_scipy() {
    let [one, two] = two_detectors();
    let rated = Roc::new(&ratings([33, 6, 6, 11, 2]), &ratings([3, 2, 2, 11, 33]));
    let cases = [
        (
            Roc::new(&[0.1, 0.4], &[0.35, 0.8]),
            [0.75, 0.736_842_105_263_157_9, 0.696_969_696_969_697, 0.227_187_470_703_236_4, 0.966_781_569_845_469_4],
        ),
        (
            rated,
            [
                0.893_171_061_528_059_5,
                0.768_371_232_340_486_1,
                0.854_401_251_967_174_9,
                0.810_176_455_277_347_2,
                0.940_833_460_085_208_1,
            ],
        ),
        (
            one,
            [
                0.687_916_666_666_666_6,
                0.589_912_280_701_754_4,
                0.582_972_582_972_582_9,
                0.550_495_472_368_169_8,
                0.797_419_612_906_089_6,
            ],
        ),
        (
            two,
            [
                0.569_583_333_333_333_2,
                0.517_543_859_649_122_9,
                0.500_360_750_360_750_3,
                0.434_253_525_422_802_43,
                0.696_405_606_224_907_7,
            ],
        ),
        (Roc::new(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0, 7.0]), [1.0, 1.0, 1.0, 0.541_435_254_491_026_5, 1.0]),
    ];
    for_each_case(cases, |(roc, expected)| {
        let [low, high] = roc.ci95();
        let found = [roc.auc(), roc.partial_auc(0.1), roc.partial_auc(0.35), low, high];
        let fits = found.iter().zip(expected).all(|(&found, expected)| close(found, expected));
        assert!(fits, "{found:?}, expected {expected:?}");
    });
}

/// The paper's matrices in NumPy 2.4.6: every pair of samples compared, `np.cov` of the rows' and of the
/// columns' means.
#[test]
fn differences_by_numpy() {
    let [one, two] = two_detectors();
    let (difference, variance) = two.difference(&one);
    assert!(close(difference, -0.118_333_333_333_333_29), "{difference}");
    assert!((variance / 0.000_441_056_955_496_608_5 - 1.0).abs() < 1e-12, "{variance}");
    assert_eq!(one.difference(&one), (0.0, 0.0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Against the comparison of every pair, and of every threshold.
    #[test]
    fn areas_are_shares_of_pairs(
        normal in prop::collection::vec(-4i8..4, 2..30),
        anomalous in prop::collection::vec(-4i8..6, 2..30),
        tenths in 1u8..=10,
    ) {
        let real = |scores: &[i8]| scores.iter().map(|&score| f64::from(score) / 2.0).collect::<Vec<_>>();
        let (normal, anomalous) = (real(&normal), real(&anomalous));
        let roc = Roc::new(&normal, &anomalous);
        let pairs = anomalous.iter().flat_map(|a| normal.iter().map(move |n| (a, n)));
        let won: f64 = pairs.map(|(a, n)| if a > n { 1.0 } else if a == n { 0.5 } else { 0.0 }).sum();
        prop_assert!(close(roc.auc(), won / (normal.len() * anomalous.len()) as f64));

        let share = |scores: &[f64], threshold: f64| {
            scores.iter().filter(|score| **score >= threshold).count() as f64 / scores.len() as f64
        };
        let thresholds = (-4..=6).rev().map(|threshold| f64::from(threshold) / 2.0);
        let curve: Vec<_> = std::iter::once((0.0, 0.0))
            .chain(thresholds.map(|threshold| (share(&normal, threshold), share(&anomalous, threshold))))
            .collect();
        // In steps so small that each is a trapezium of the curve or its parts.
        let max_fpr = f64::from(tenths) / 10.0;
        let area: f64 = curve.windows(2).map(|pair| {
            let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
            let end = x1.min(max_fpr);
            if end <= x0 { return 0.0 }
            let y = y0 + (y1 - y0) * (end - x0) / (x1 - x0);
            (end - x0) * (y0 + y) / 2.0
        }).sum();
        let chance = max_fpr * max_fpr / 2.0;
        prop_assert!(close(roc.partial_auc(max_fpr), 0.5 + 0.5 * (area - chance) / (max_fpr - chance)));

        let [low, high] = roc.ci95();
        prop_assert!(0.0 <= low && low <= roc.auc() && roc.auc() <= high && high <= 1.0 && low < high);
    }
}
