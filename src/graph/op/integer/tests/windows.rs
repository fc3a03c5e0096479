//! Averages over windows and means over axes.

use super::*;
use crate::graph::op::PoolWindow;

/// By hand: means of 0, 1, 2, 3 and of 0, -1, -2, -3 are 1.5 and -1.5, and go away from zero, whatever the zero point.
#[test]
fn averages_round_half_away_from_zero() {
    for_each_case([0, 3, -100], |zero_point| {
        let grid = int8(0.5, zero_point);
        let x = tensor(&grid, &[0, 1, 2, 3, 0, -1, -2, -3, 127, 127, 127, 126, -128, -128, -128, -127], &[1, 4, 2, 2]);
        let op = IntegerAveragePool::new(PoolWindow::square(2), grid, grid).unwrap();
        assert_eq!(run(&op, &[(&grid, &x)]).0, [2, -2, 127, -128]);
    });
}

/// Rows of seven integers, and what ai-edge-litert 2.3.0's reference kernels have as their means.
#[test]
fn means_are_those_of_the_interpreter() {
    let sevens: [(Grid, [i32; 28], [i32; 4]); 2] = [
        (
            int8(0.033, 20),
            [
                16, -16, -3, 21, 1, 20, 4, 21, 6, 17, 30, -9, -31, -19, 29, 16, 12, -10, 4, 6, -13, -5, 5, -12, 4, -27,
                -7, 26,
            ],
            [39, 33, 39, 27],
        ),
        (
            int8(0.02, 3),
            [
                -13, -5, 4, -4, 4, -30, -19, -11, -4, -39, -27, 23, -24, -23, -19, -31, -25, -20, 26, 16, 7, -11, -10,
                -5, -33, 11, -5, -8,
            ],
            [-2, -16, 4, -1],
        ),
    ];
    let input = int8(0.047, -7);
    for_each_case(sevens, |(output, x, expected)| {
        let op = IntegerMean::new(vec![2], false, input, output).unwrap();
        assert_eq!(run(&op, &[(&input, &tensor(&input, &x, &[1, 4, 7]))]), (expected.to_vec(), vec![1, 4]));
    });
    // Quarters, of which the second and the fourth are halves.
    let input = int8(0.0625, -7);
    let x = [3, -15, -9, -24, -2, -1, -29, -11, -37, 14, -30, -6, -27, -23, -21, -12];
    let op = IntegerMean::new(vec![2], true, input, input).unwrap();
    let found = run(&op, &[(&input, &tensor(&input, &x, &[1, 4, 4]))]);
    assert_eq!(found, (vec![-11, -11, -15, -21], vec![1, 4, 1]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// A window at the edges sees fewer numbers, and its mean is of these.
    #[test]
    fn averages_are_of_what_a_window_sees(
        grid in grid(),
        kernel in [1usize..=3, 1usize..=3],
        stride in [1usize..=2, 1usize..=2],
        padding in [[0usize..=2, 0usize..=2], [0usize..=2, 0usize..=2]],
        places in integers(2 * 2 * 5 * 4),
    ) {
        let padding = [0, 1].map(|i| padding[i].map(|p| p.min(kernel[i] - 1)));
        let window = PoolWindow { kernel, stride, padding, dilation: [1, 1], ceil_mode: false };
        let integers: Vec<i32> = places.iter().map(|&place| at(&grid, place)).collect();
        let x = tensor(&grid, &integers, &[2, 2, 5, 4]);
        let output = grid.with_range([grid.zero_point(), grid.q_max()]).unwrap();
        let (found, dims) = run(&IntegerAveragePool::new(window, grid, output).unwrap(), &[(&grid, &x)]);
        let inside = |axis: usize, at: usize| {
            let first = (at * stride[axis]) as isize - padding[axis][0] as isize;
            let size = [5, 4][axis] as isize;
            (first..first + kernel[axis] as isize).filter(move |i| (0..size).contains(i)).map(|i| i as usize)
        };
        let mut expected = Vec::new();
        for plane in integers.chunks_exact(20) {
            for y in 0..dims[2] {
                for x in 0..dims[3] {
                    let seen: Vec<i32> =
                        inside(0, y).flat_map(|row| inside(1, x).map(move |column| plane[row * 4 + column])).collect();
                    let (sum, count) = (seen.iter().sum::<i32>(), seen.len() as i32);
                    let mean = if sum > 0 { (sum + count / 2) / count } else { (sum - count / 2) / count };
                    expected.push(mean.clamp(output.q_min(), output.q_max()));
                }
            }
        }
        prop_assert_eq!(found, expected);
    }

    /// The mantissa is divided in whole numbers, and the product rounded twice.
    #[test]
    fn means_are_computed_by_the_rule(
        [input, output] in [grid(), grid()], axes in prop::sample::subsequence(vec![1usize, 2, 3], 0..=3),
        keep_dims: bool, places in integers(2 * 3 * 5 * 4),
    ) {
        let integers: Vec<i32> = places.iter().map(|&place| at(&input, place)).collect();
        let dims = [2, 3, 5, 4];
        let op = IntegerMean::new(axes.clone(), keep_dims, input, output).unwrap();
        let (found, _) = run(&op, &[(&input, &tensor(&input, &integers, &dims))]);
        // The sum of each output, in order.
        let mut sums = std::collections::BTreeMap::<Vec<usize>, i64>::new();
        for (flat, q) in integers.iter().enumerate() {
            let index = [flat / 60, flat / 20 % 3, flat / 4 % 5, flat % 4];
            let kept = (0..4).map(|axis| if axes.contains(&axis) { 0 } else { index[axis] }).collect();
            *sums.entry(kept).or_default() += i64::from(q - input.zero_point());
        }
        let count: usize = axes.iter().map(|&axis| dims[axis]).product();
        let (fraction, exponent) = libm::frexp(f64::from(input.scale()) / f64::from(output.scale()));
        let (mut mantissa, mut exponent) = ((fraction * 2f64.powi(31)).round() as i128, exponent);
        if mantissa == 1 << 31 {
            (mantissa, exponent) = (1 << 30, exponent + 1);
        }
        let shift = count.ilog2() as i32;
        let mantissa = (mantissa << shift) / count as i128;
        let expected: Vec<i32> =
            sums.values().map(|&sum| clamped(&output, multiply(sum, mantissa, exponent - shift))).collect();
        prop_assert_eq!(found, expected);
    }
}
