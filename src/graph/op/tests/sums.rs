//! Sums of integers of one grid against exact arithmetic in whole numbers, and the other turns of grids.

use super::*;
use crate::kernel::Clip;
use crate::quant::Grid;

/// A scale as `mantissa * 2^exponent`.
fn parts(scale: f32) -> (i128, i32) {
    let bits = scale.to_bits();
    (i128::from(bits & 0x7f_ffff | 0x80_0000), (bits >> 23) as i32 - 150)
}

/// `sum * from / (count * to)`, rounded half to even in whole numbers.
fn rounded(sum: i64, from: f32, count: i64, to: f32) -> i64 {
    let ((from, up), (to, down)) = (parts(from), parts(to));
    let (mut above, mut below) = (i128::from(sum) * from, i128::from(count) * to);
    match up - down {
        shift @ 0.. => above <<= shift,
        shift => below <<= -shift,
    }
    let (floor, rest) = (above.div_euclid(below), above.rem_euclid(below));
    let is_up = 2 * rest > below || 2 * rest == below && floor % 2 != 0;
    (floor + i128::from(is_up)) as i64
}

/// Numbers of integers in `[-100, 155]`, counted from the zero point.
fn on_grid(seed: u64, dims: &[usize], scale: f32) -> (Tensor, Vec<i64>) {
    let steps: Vec<i64> = numbers(seed, dims.iter().product()).iter().map(|x| (x * 64.0) as i64 + 27).collect();
    let numbers = steps.iter().map(|&q| q as f32 * scale).collect();
    (Tensor::from_vec::<_, f32>(numbers, dims, &Device::Cpu).unwrap(), steps)
}

/// Scales whose ratio is that of small numbers, so that many sums are half-way, and any others.
fn scales() -> impl Strategy<Value = [f32; 2]> {
    let alike = (0.001f32..0.1, 1u8..=6).prop_map(|(scale, times)| [scale, scale * f32::from(times)]);
    prop_oneof![alike, [0.001f32..0.1, 0.001f32..0.1]]
}

fn sum(op: &dyn Operator, step: f32, output: Grid) -> QuantizedSum {
    QuantizedSum::of(op, step, Clip::default(), output).unwrap()
}

/// The output of a sum, which is on its grid.
fn output(op: &QuantizedSum, inputs: &[&Tensor], grid: Grid) -> Vec<f32> {
    let types: Vec<ValueType> = inputs.iter().map(|input| ValueType::fixed(input.dims())).collect();
    let inferred = op.infer(&types.iter().collect::<Vec<_>>()).unwrap();
    let output = op.run(inputs, &RunContext::default()).unwrap().swap_remove(0);
    let shape = ValueType::fixed(output.dims()).shape;
    assert_eq!(inferred, [ValueType { element: ElementType::Quantized(grid), shape }]);
    values(&output)
}

/// The numbers of rounded sums on a grid.
fn expected(grid: Grid, sums: impl IntoIterator<Item = (i64, i64)>, from: f32) -> Vec<f32> {
    let number = |(sum, count)| {
        let q = rounded(sum, from, count, grid.scale()) + i64::from(grid.zero_point());
        grid.number(q.clamp(grid.q_min().into(), grid.q_max().into()) as i32)
    };
    sums.into_iter().map(number).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn pools((window, dims, seed) in window(), count_include_pad: bool, [from, to] in scales(), zero_point in 0..255) {
        let grid = Grid::new(to, zero_point, [0, 255]).unwrap();
        let (x, steps) = on_grid(seed, &dims, from);
        let pool = AveragePool { window, count_include_pad };
        let plain = Tensor::from_iter(steps.iter().map(|&q| q as f32), &Device::Cpu).unwrap().reshape(&dims).unwrap();
        let taps = window.kernel[0] * window.kernel[1];
        let sums = values(&run(&pool, &[&plain])).into_iter().map(|mean| {
            // The mean of plain integers is a ratio of few taps: the only one so close to it.
            let whole = |&count: &usize| (mean * count as f32 - (mean * count as f32).round()).abs() < 1e-3;
            let count = (1..=taps).find(whole).unwrap();
            ((mean * count as f32).round() as i64, count as i64)
        });
        prop_assert_eq!(output(&sum(&pool, from, grid), &[&x], grid), expected(grid, sums, from));
    }

    #[test]
    fn means_and_sums_over_axes(seed: u64, [from, to] in scales(), sizes in [1usize..=3, 1usize..=4, 1usize..=9]) {
        let grid = Grid::new(to, -5, [-128, 127]).unwrap();
        let (x, steps) = on_grid(seed, &sizes, from);
        let lines = || steps.chunks_exact(sizes[2]).map(|line| line.iter().sum::<i64>());
        for (reduction, count) in [(Reduction::Mean, sizes[2] as i64), (Reduction::Sum, 1)] {
            let op = Reduce { reduction, axes: vec![2], keep_dims: false };
            let expected = expected(grid, lines().map(|sum| (sum, count)), from);
            prop_assert_eq!(output(&sum(&op, from, grid), &[&x], grid), expected);
        }
        let expected = expected(grid, lines().map(|sum| (sum, sizes[2] as i64)), from);
        prop_assert_eq!(output(&sum(&GlobalAveragePool, from, grid), &[&x], grid), expected);
    }

    #[test]
    fn pairs_and_single_numbers(seed: u64, [from, to] in scales(), zero_point in -32768i32..32768) {
        let grid = Grid::new(to, zero_point, [-32768, 32767]).unwrap();
        let ((a, left), (b, right)) = (on_grid(seed, &[2, 3, 5], from), on_grid(!seed, &[2, 3, 5], from));
        let sums = left.iter().zip(&right).map(|(a, b)| (a + b, 1));
        prop_assert_eq!(output(&sum(&Add::default(), from, grid), &[&a, &b], grid), expected(grid, sums, from));
        let one = QuantizedSum::of_one(from, Clip::default(), grid);
        prop_assert_eq!(output(&one, &[&a], grid), expected(grid, left.iter().map(|&q| (q, 1)), from));
    }
}

/// A mean half-way between integers, which `f32` arithmetic loses: (1 + 2 + 1 + 2) / 4 of scale 0.031.
#[test]
fn half_way_cases_go_to_the_even_integer() {
    let grid = Grid::new(0.031, 0, [0, 255]).unwrap();
    let numbers = [[1, 2, 1, 2], [2, 3, 2, 3], [7, 8, 7, 8]].map(|line| line.map(|q| grid.number(q)));
    let x = Tensor::new(&numbers, &Device::Cpu).unwrap().reshape((3, 1, 2, 2)).unwrap();
    let pool = AveragePool { window: PoolWindow::square(2), count_include_pad: false };
    assert_eq!(output(&sum(&pool, 0.031, grid), &[&x], grid), [2, 2, 8].map(|q| grid.number(q)));
}

#[test]
fn clips_come_before_the_rounding() {
    let grid = Grid::new(0.5, 10, [0, 255]).unwrap();
    let x = Tensor::new(&[-3f32, -0.25, 0.25, 0.75, 2.0, f32::NAN], &Device::Cpu).unwrap();
    let op = QuantizedSum::of_one(0.25, Clip { low: 0.0, high: 1.25 }, grid);
    let found = output(&op, &[&x], grid);
    assert_eq!(found[..5], [0.0, 0.0, 0.0, 1.0, 1.0]);
    assert!(found[5].is_nan());
}

#[test]
fn integers_of_one_grid_on_another() {
    let [from, to] = [(0.5, 10), (0.25, 7)].map(|(scale, zero)| Grid::new(scale, zero, [0, 255]).unwrap());
    let x = Tensor::new(&[-5f32, 0.0, 1.5, 1000.0], &Device::Cpu).unwrap();
    let op = Reinterpret { from, to };
    let types = [&ValueType::fixed(&[4])];
    assert_eq!(op.infer(&types).unwrap()[0].element, ElementType::Quantized(to));
    let found = op.run(&[&x], &RunContext::default()).unwrap().swap_remove(0);
    assert_eq!(values(&found), [0, 10, 13, 255].map(|q| to.number(q)));
}

/// By hand, of numbers on both sides of zero.
#[test]
fn rounding_modes() {
    use RoundingMode::{Ceil, Down, Floor, HalfDown, HalfEven, HalfUp, Up};
    let x = [-2.5f32, -1.7, -0.5, 0.2, 0.5, 1.5, 2.6];
    let cases = [
        (HalfEven, [-2.0, -2.0, 0.0, 0.0, 0.0, 2.0, 3.0]),
        (HalfUp, [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]),
        (HalfDown, [-2.0, -2.0, 0.0, 0.0, 0.0, 1.0, 3.0]),
        (Up, [-3.0, -2.0, -1.0, 1.0, 1.0, 2.0, 3.0]),
        (Down, [-2.0, -1.0, 0.0, 0.0, 0.0, 1.0, 2.0]),
        (Ceil, [-2.0, -1.0, 0.0, 1.0, 1.0, 2.0, 3.0]),
        (Floor, [-3.0, -2.0, -1.0, 0.0, 0.0, 1.0, 2.0]),
    ];
    for_each_case(cases, |(mode, expected)| assert_eq!(x.map(|x| mode.round(x)), expected, "{mode:?}"));
    // The zero point is added before, and the range is clamped to.
    let grid = Grid::new(0.5, 1, [-2, 3]).unwrap();
    let op = RoundTo { grid, mode: HalfEven };
    let x = Tensor::new(&[-9f32, 0.25, 0.75, 9.0], &Device::Cpu).unwrap();
    assert_eq!(values(&op.run(&[&x], &RunContext::default()).unwrap()[0]), [-1.5, 0.5, 0.5, 1.0]);
}
