//! Observers beside computations of their own: sorting, brute force over thresholds, divergences by the book.

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
    assert_eq!(seen, Observed { minimum: 0.0, max_abs: 7.5, ..Observed::between(2.5, 7.5) });
    let values: Vec<f32> = (-10..=0).map(|i| i as f32).collect();
    let seen = observe(Observer::Percentile(75.0), &values);
    assert_eq!(seen, Observed { minimum: -10.0, ..Observed::between(-7.5, -2.5) });
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
        ("moving-average", Observer::MovingAverage(0.01)),
        ("moving-average:1", Observer::MovingAverage(1.0)),
        ("mse", Observer::Mse),
        ("entropy", Observer::Entropy),
    ];
    for_each_case(cases, |(text, observer)| {
        assert_eq!(text.parse(), Ok(observer));
        assert_eq!(observer.to_string().parse(), Ok(observer));
    });
    let cases = [
        "",
        "percentile:",
        "percentile:50",
        "percentile:100.1",
        "percentile:nan",
        "minmax:3",
        "moving-average:",
        "moving-average:0",
        "moving-average:1.01",
        "moving-average:nan",
        "mse:2",
        "entropy:",
    ];
    for_each_case(cases, |text| {
        assert!(text.parse::<Observer>().is_err(), "{text}");
    });
}

#[test]
fn nothing_seen_gives_nothing() {
    assert_eq!(Observer::MinMax.start(0).finish(), None);
    for observer in [Observer::Percentile(99.0), Observer::MovingAverage(0.5), Observer::Mse, Observer::Entropy] {
        assert_eq!(observer.start(0).finish(), None);
    }
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

/// A grid as quantization parameters have it.
fn symmetric(max_abs: f32, least: i32, largest: i32) -> Grid {
    Grid { scale: (max_abs / largest as f32).max(f32::EPSILON), least, largest }
}

/// As `QuantConfig` finds it for `[0, 2^bits - 1]`.
fn affine([low, high]: [f32; 2], bits: u32) -> Grid {
    let (low, high) = (f64::from(low.min(0.0)), f64::from(high.max(0.0)));
    let steps = (1 << bits) - 1;
    let scale = ((high - low) / f64::from(steps)).max(f64::from(f32::EPSILON)) as f32;
    let zero_point = (-low / f64::from(scale)).round_ties_even().clamp(0.0, f64::from(steps)) as i32;
    Grid { scale, least: -zero_point, largest: steps - zero_point }
}

/// Root of the mean squared error of quantizing each value.
fn rms(values: &[f32], grid: Grid) -> f64 {
    let error = |&x: &f32| {
        let (x, scale) = (f64::from(x), f64::from(grid.scale));
        let integer = (x / scale).round_ties_even().clamp(grid.least.into(), grid.largest.into());
        (integer * scale - x).powi(2)
    };
    (values.iter().map(error).sum::<f64>() / values.len() as f64).sqrt()
}

/// The width of the bins that values of this magnitude fall in.
fn bin(max_abs: f32) -> f64 {
    f64::from(max_abs).log2().floor().exp2() / 2048.0
}

/// The width of bins that are merged in pairs until no more than `most` are in use.
fn width_for(mut width: f64, most: usize, in_use: impl Fn(f64) -> usize) -> f64 {
    while in_use(width) > most {
        width *= 2.0;
    }
    width
}

/// Values with tails: most are small.
fn with_tails(least: f32) -> impl Strategy<Value = Vec<f32>> {
    let value = (least..1.0, prop_oneof![4 => Just(1i32), 2 => Just(3), 1 => Just(7)]);
    prop::collection::vec(value.prop_map(|(x, power)| 10.0 * x.powi(power)), 2..400)
        .prop_filter("not only zeros", |values| values.iter().any(|x| x.abs() > 1e-3))
}

/// Widths for a definition whose time grows with the square of the levels: mostly narrow ones.
fn few_bits() -> impl Strategy<Value = u32> {
    prop_oneof![31 => 2u32..=5, 1 => 6u32..=8]
}

proptest! {
    /// What mse finds is no worse than any threshold, over the values themselves: by a bin and, as a threshold lies
    /// between two that are tried, by a 2048th of the largest magnitude.
    #[test]
    fn mse_is_that_of_brute_force(
        values in prop_oneof![with_tails(-1.0), with_tails(0.0)],
        bits in 2u32..=8,
    ) {
        let seen = observe(Observer::Mse, &values);
        let largest = if seen.minimum >= 0.0 { (1 << bits) - 1 } else { (1 << (bits - 1)) - 1 };
        let least = if seen.minimum >= 0.0 { 0 } else { -largest };
        let grid = |max_abs| symmetric(max_abs, least, largest);
        let found = rms(&values, grid(seen.magnitude(grid)));
        // Every value as a threshold, and the middles between them.
        let mut thresholds: Vec<f32> = values.iter().map(|x| x.abs()).filter(|&x| x > 0.0).collect();
        thresholds.sort_by(f32::total_cmp);
        let middles: Vec<f32> = thresholds.windows(2).map(|pair| pair[0].midpoint(pair[1])).collect();
        let all = thresholds.into_iter().chain(middles);
        let best = all.map(|threshold| rms(&values, grid(threshold))).fold(f64::INFINITY, f64::min);
        let bound = best + bin(seen.max_abs) + f64::from(seen.max_abs) / 2048.0 + 1e-6;
        prop_assert!(found <= bound, "{found}, best {best}, bound {bound}");
    }

    /// Affine ranges that mse finds are no worse than any pair of 64 fractions of both ends, but for a bin.
    #[test]
    fn mse_of_two_ends_is_that_of_brute_force(values in with_tails(-1.0), bits in 2u32..=8) {
        let seen = observe(Observer::Mse, &values);
        let found = rms(&values, affine(seen.ends(|ends| affine(ends, bits)), bits));
        let fractions = |end: f32| (1..=64u8).map(move |i| end * f32::from(i) / 64.0);
        let (low, high) = (seen.low.min(0.0), seen.high.max(0.0));
        let pairs = fractions(low).flat_map(|low| fractions(high).map(move |high| [low, high]));
        let best = pairs.map(|ends| rms(&values, affine(ends, bits))).fold(f64::INFINITY, f64::min);
        let bound = best + bin(seen.max_abs) + 1e-6;
        prop_assert!(found <= bound, "{found}, best {best}, bound {bound}");
    }

    /// What entropy finds has the least divergence of all thresholds, each computed by the book.
    #[test]
    fn entropy_is_that_of_the_definition(values in prop_oneof![with_tails(-1.0), with_tails(0.0)], bits in few_bits()) {
        let seen = observe(Observer::Entropy, &values);
        let levels = 1i32 << (bits - 1);
        let count = levels.unsigned_abs() as usize;
        let in_use = |width: f64| (f64::from(seen.max_abs) / width).floor() as usize + 1;
        let width = width_for(bin(seen.max_abs), 16 * count, in_use);
        let mut counts = vec![0u64; in_use(width)];
        for x in values.iter().filter(|&&x| x != 0.0) {
            counts[(f64::from(x.abs()) / width).floor() as usize] += 1;
        }
        let found = seen.magnitude(|max_abs| symmetric(max_abs, 1 - levels, levels - 1));
        let ranges = count..=counts.len();
        let best = ranges.map(|reach| divergence(&counts, 0..reach, count)).fold(f64::INFINITY, f64::min);
        let own = divergence(&counts, 0..(f64::from(found) / width).ceil() as usize, count);
        prop_assert!(own <= best + 1e-9, "{found} diverges by {own}, the best by {best}");
    }

    /// The same of ranges that are affine, which reach as far below zero as above.
    #[test]
    fn entropy_of_two_ends_is_that_of_the_definition(values in with_tails(-1.0), bits in few_bits()) {
        let seen = observe(Observer::Entropy, &values);
        let levels = 1usize << bits;
        let reach = |end: f32, width: f64| {
            if end == 0.0 { 0 } else { (f64::from(end.abs()) / width).floor() as usize + 1 }
        };
        let (low, high) = (seen.low.min(0.0), seen.high.max(0.0));
        let in_use = |width: f64| reach(low, width) + reach(high, width);
        let width = width_for(bin(seen.max_abs), 16 * levels, in_use);
        let (below, above) = (reach(low, width), reach(high, width));
        let mut counts = vec![0u64; below + above];
        for &x in values.iter().filter(|&&x| x != 0.0) {
            let bin = (f64::from(x.abs()) / width).floor() as usize;
            counts[if x < 0.0 { below - 1 - bin } else { below + bin }] += 1;
        }
        let ends = seen.ends(|ends| affine(ends, bits));
        let range = |reach: usize| below - reach.min(below)..below + reach.min(above);
        let ranges = (1..=below.max(above)).map(range).filter(|range| range.len() >= levels);
        let best = ranges.map(|range| divergence(&counts, range, levels)).fold(f64::INFINITY, f64::min);
        let reach = (f64::from(ends[0].abs().max(ends[1].abs())) / width).ceil() as usize;
        let own = divergence(&counts, range(reach), levels);
        prop_assert!(own <= best + 1e-9, "{ends:?} diverges by {own}, the best by {best}");
    }

    /// Neither the order of values nor how they come in parts changes what is observed.
    #[test]
    fn histograms_do_not_depend_on_order(
        mut values in prop::collection::vec(prop::num::f32::ANY.prop_filter("not NaN", |x| !x.is_nan()), 1..300),
        parts in 1usize..50,
    ) {
        let forward = observe(Observer::Mse, &values);
        values.reverse();
        let mut calibrator = Observer::Mse.start(values.len());
        values.chunks(parts).for_each(|part| calibrator.observe(part));
        prop_assert_eq!(calibrator.finish().unwrap(), forward);
    }

    /// Batch by batch, in the numbers that PyTorch computes in.
    #[test]
    fn moving_averages_move(
        batches in prop::collection::vec(prop::collection::vec(-1e3f32..1e3, 1..50), 1..9),
        constant in 0.001f32..=1.0,
    ) {
        let mut calibrator = Observer::MovingAverage(constant).start(0);
        let [mut low, mut high] = [f32::NAN; 2];
        for (i, batch) in batches.iter().enumerate() {
            batch.chunks(7).for_each(|part| calibrator.observe(part));
            calibrator.end_batch();
            let [least, largest] = [f32::min, f32::max].map(|end| batch.iter().copied().reduce(end).unwrap());
            low = if i == 0 { least } else { low + constant * (least - low) };
            high = if i == 0 { largest } else { high + constant * (largest - high) };
        }
        let minimum = batches.iter().flatten().copied().reduce(f32::min).unwrap();
        prop_assert_eq!(calibrator.finish().unwrap(), Observed { minimum, ..Observed::between(low, high) });
    }
}

/// Of a range of bins made to `levels`, step by step as the definition has it, with nothing summed before.
fn divergence(counts: &[u64], range: std::ops::Range<usize>, levels: usize) -> f64 {
    let bins = range.len();
    let mut p: Vec<f64> = counts[range.clone()].iter().map(|&count| count as f64).collect();
    let mut of_level = vec![0.0; levels];
    let level = |bin: usize| bin * levels / bins;
    p.iter().enumerate().for_each(|(bin, count)| of_level[level(bin)] += count);
    p[0] += counts[..range.start].iter().sum::<u64>() as f64;
    p[bins - 1] += counts[range.end..].iter().sum::<u64>() as f64;
    let filled = |of: usize| (0..bins).filter(|&bin| level(bin) == of && p[bin] > 0.0).count() as f64;
    let shares: Vec<f64> = of_level.iter().enumerate().map(|(of, count)| count / filled(of).max(1.0)).collect();
    let q: Vec<f64> = (0..bins).map(|bin| if p[bin] > 0.0 { shares[level(bin)] } else { 0.0 }).collect();
    let [of_p, of_q] = [&p, &q].map(|all| all.iter().sum::<f64>());
    let terms = p.iter().zip(&q).filter(|(p, _)| **p > 0.0);
    terms.map(|(p, q)| p / of_p * ((p / of_p) / (q / of_q)).ln()).sum()
}

/// The slides' example of 8 bins made to 2: 6 over three bins that are not empty, 16 over four.
#[test]
fn the_divergence_of_the_slides() {
    let counts = [1, 0, 2, 3, 5, 3, 1, 7];
    let expected: f64 = [(1.0f64, 2.0f64), (2.0, 2.0), (3.0, 2.0), (5.0, 4.0), (3.0, 4.0), (1.0, 4.0), (7.0, 4.0)]
        .iter()
        .map(|(p, q)| p / 22.0 * (p / q).ln())
        .sum();
    let bins = super::histogram::Bins { counts: counts.to_vec(), below: 0, width: 1.0 };
    assert!((super::entropy::Totals::new(&bins).divergence(0, 8, 2) - expected).abs() < 1e-12);
    assert!((divergence(&counts, 0..8, 2) - expected).abs() < 1e-12);
}

/// A thousandth of the values lie far out: at 3 bits both clip them, at 8 mse keeps them.
#[test]
fn fewer_levels_clip_more() {
    let values: Vec<f32> = (0..4000i16).map(|i| if i == 0 { 8.0 } else { f32::from(i % 100) / 100.0 }).collect();
    let seen = observe(Observer::Mse, &values);
    let at = |bits: u32| seen.magnitude(|max_abs| symmetric(max_abs, 0, (1 << bits) - 1));
    let found = [3, 4, 6, 8].map(at);
    assert!(found.is_sorted() && found[0] < 1.5 && found[3] > 5.0, "{found:?}");
    assert_eq!((seen.minimum, seen.max_abs), (0.0, 8.0));
}

#[test]
fn constants_zeros_and_infinities() {
    for observer in [Observer::Mse, Observer::Entropy] {
        let grid = |max_abs| symmetric(max_abs, -127, 127);
        assert_eq!(observe(observer, &[0.0; 9]).magnitude(grid), 0.0);
        let found = observe(observer, &[3.0; 9]).magnitude(grid);
        assert!(found > 2.9 && found <= 3.0, "{observer}: {found}");
        let found = observe(observer, &[-3.0; 9]).ends(|ends| affine(ends, 8));
        assert!(found[0] < -2.9 && found[0] >= -3.0, "{observer}: {found:?}");
        let seen = observe(observer, &[1.0, f32::INFINITY]);
        assert_eq!((seen.magnitude(grid), seen.high), (f32::INFINITY, f32::INFINITY));
        for extreme in [f32::MAX, f32::from_bits(1)] {
            let found = observe(observer, &[extreme, -extreme]).magnitude(grid);
            assert!(found >= 0.0 && found <= extreme, "{observer}: {found}");
        }
    }
}
