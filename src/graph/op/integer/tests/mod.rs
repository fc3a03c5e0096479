//! Operators on integers against their rules in exact arithmetic, against numbers of TensorFlow Lite's interpreter, and
//! against the real numbers that they approximate.

mod functions;
mod pairs;
mod windows;

use super::*;
use crate::cases::for_each_case;
use crate::graph::{ElementType, OpError, Operator, RunContext, ValueType};
use crate::quant::Grid;
use candle_core::{Device, Tensor};
use proptest::prelude::*;

fn int8(scale: f32, zero_point: i32) -> Grid {
    Grid::new(scale, zero_point, [-128, 127]).unwrap()
}

fn uint8(scale: f32, zero_point: i32) -> Grid {
    Grid::new(scale, zero_point, [0, 255]).unwrap()
}

/// Scales, as often powers of two as not, which make ties, and zero points of 8 bits, signed or not.
fn grid() -> impl Strategy<Value = Grid> {
    let scale = prop_oneof![(-8i32..2).prop_map(|power| 2f32.powi(power)), 1e-3f32..2.0];
    (scale, -128i32..=127, any::<bool>()).prop_map(|(scale, zero_point, is_signed)| {
        if is_signed { int8(scale, zero_point) } else { uint8(scale, zero_point + 128) }
    })
}

/// Two integers of a grid each, many of them at its ends.
fn integers(count: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![4 => any::<u8>(), 1 => Just(0), 1 => Just(255)], count)
}

/// The integer at a place of a grid of 8 bits.
fn at(grid: &Grid, place: u8) -> i32 {
    grid.q_min() + i32::from(place)
}

/// The numbers of integers.
fn tensor(grid: &Grid, integers: &[i32], dims: &[usize]) -> Tensor {
    let numbers: Vec<f32> = integers.iter().map(|&q| grid.number(q)).collect();
    Tensor::from_vec(numbers, dims, &Device::Cpu).unwrap()
}

/// A value of samples like those of `x`.
fn samples(x: &Tensor, grid: Grid) -> ValueType {
    ValueType { element: ElementType::Quantized(grid), ..ValueType::batch_of(&x.dims()[1..]) }
}

fn values(x: &Tensor) -> Vec<f32> {
    x.flatten_all().unwrap().to_vec1().unwrap()
}

/// The only output of an operator that infers its grid, as integers.
fn run(op: &dyn Operator, inputs: &[(&Grid, &Tensor)]) -> (Vec<i32>, Vec<usize>) {
    let types: Vec<ValueType> = inputs.iter().map(|(grid, x)| samples(x, **grid)).collect();
    let [inferred] = op.infer(&types.iter().collect::<Vec<_>>()).unwrap().try_into().unwrap();
    let tensors: Vec<&Tensor> = inputs.iter().map(|(_, x)| *x).collect();
    let [output] = op.run(&tensors, &RunContext::default()).unwrap().try_into().unwrap();
    assert_eq!(inferred.sizes(inputs[0].1.dims()[0]), output.dims(), "{op:?}");
    let grid = inferred.element.quantization().unwrap();
    let integers: Vec<i32> = values(&output).into_iter().map(|x| grid.quantize(x)).collect();
    let numbers: Vec<f32> = integers.iter().map(|&q| grid.number(q)).collect();
    assert_eq!(numbers, values(&output), "{op:?}: every output is a number of the grid");
    (integers, output.dims().to_vec())
}

/// What an operator makes of single integers of each input.
fn run_flat(op: &dyn Operator, inputs: &[(&Grid, &[i32])]) -> Vec<i32> {
    let tensors: Vec<Tensor> = inputs.iter().map(|(grid, q)| tensor(grid, q, &[1, q.len()])).collect();
    let inputs: Vec<(&Grid, &Tensor)> = inputs.iter().zip(&tensors).map(|((grid, _), x)| (*grid, x)).collect();
    run(op, &inputs).0
}

/// `acc * factor` as gemmlowp's two functions and `frexp` define it, in exact arithmetic.
fn twice(acc: i64, factor: f64) -> i64 {
    let (fraction, mut exponent) = libm::frexp(factor);
    let mut mantissa = (fraction * 2f64.powi(31)).round() as i128;
    if mantissa == 1 << 31 {
        (mantissa, exponent) = (1 << 30, exponent + 1);
    }
    multiply(acc, mantissa, exponent)
}

/// `acc * mantissa * 2^(exponent - 31)`: the high half of the doubled product, then a shift half away from zero.
fn multiply(acc: i64, mantissa: i128, exponent: i32) -> i64 {
    let product = (i128::from(acc) << exponent.max(0)) * mantissa;
    let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
    let high = (product + nudge) / (1 << 31);
    let divisor = 1i128 << (-exponent).clamp(0, 100);
    let rounded = (high.abs() + divisor / 2) / divisor;
    (if high < 0 { -rounded } else { rounded }) as i64
}

/// An integer of `grid`, of steps from its zero point.
fn clamped(grid: &Grid, steps: i64) -> i32 {
    (steps + i64::from(grid.zero_point())).clamp(grid.q_min().into(), grid.q_max().into()) as i32
}

/// NaN is no integer, and stays what it is in the samples that have it.
fn keeps_nan(op: &dyn Operator, input: &Tensor) {
    let inputs = [input, input];
    let op_inputs = if op.kind().contains("add") || op.kind().contains("mul") { &inputs[..] } else { &inputs[..1] };
    let outputs = op.run(op_inputs, &RunContext::default()).unwrap();
    assert!(values(&outputs[0]).iter().any(|x| x.is_nan()), "{op:?}");
}

#[test]
fn nan_stays_nan() {
    let grid = int8(0.25, 3);
    let x = Tensor::from_vec(vec![0.25, f32::NAN, -1.0, 2.5], (1, 1, 2, 2), &Device::Cpu).unwrap();
    let window = crate::graph::op::PoolWindow::square(2);
    let ops: [Box<dyn Operator>; 7] = [
        Box::new(IntegerFunction::rescale(grid, int8(0.5, 0)).unwrap()),
        Box::new(IntegerBinary::sum([grid; 2], grid).unwrap()),
        Box::new(IntegerBinary::product([grid; 2], grid).unwrap()),
        Box::new(IntegerAveragePool::new(window, grid, grid).unwrap()),
        Box::new(IntegerMean::new(vec![2, 3], true, grid, grid).unwrap()),
        Box::new(IntegerSoftmax::new(3, 1.0, grid, int8(1.0 / 256.0, -128)).unwrap()),
        Box::new(Quantize(grid)),
    ];
    ops.iter().for_each(|op| keeps_nan(op.as_ref(), &x));
}

/// What is refused says what was found.
#[test]
fn other_integers_are_refused() {
    let (grid, other) = (int8(0.25, 3), int8(0.5, 3));
    let wide = Grid::new(0.25, 0, [-70_000, 70_000]).unwrap();
    let message = |result: Result<Vec<ValueType>, OpError>| result.unwrap_err().to_string();
    let add = IntegerBinary::sum([grid, other], grid).unwrap();
    let ty = |grid: Grid| ValueType { element: ElementType::Quantized(grid), ..ValueType::batch_of(&[4]) };
    let found = message(add.infer(&[&ty(grid), &ty(grid)]));
    assert_eq!(
        found,
        "input 1 is integers of scale 0.25 and zero point 3 in [-128, 127], \
         expected integers of scale 0.5 and zero point 3 in [-128, 127]"
    );
    assert!(message(add.infer(&[&ValueType::batch_of(&[4]), &ty(other)])).contains("expected integers of scale 0.25"));
    assert!(message(add.infer(&[&ty(grid)])).contains("1 inputs"));
    // Fewer integers than it can have are integers of the grid too.
    let narrow = grid.with_range([3, 100]).unwrap();
    assert_eq!(add.infer(&[&ty(narrow), &ty(other)]).unwrap(), [ty(grid)]);
    for_each_case(
        [
            IntegerFunction::rescale(wide, grid).map(drop),
            IntegerFunction::hard_swish(Grid::new(0.25, 0, [-300, 300]).unwrap(), grid).map(drop),
            IntegerBinary::difference([grid, wide], grid).map(drop),
            IntegerBinary::product([wide, grid], grid).map(drop),
            IntegerMean::new(vec![1], true, wide, grid).map(drop),
            IntegerSoftmax::new(1, 1.0, wide, int8(1.0 / 256.0, -128)).map(drop),
        ],
        |refused| assert!(refused.unwrap_err().to_string().contains("expected integers of at most")),
    );
    let softmax = IntegerSoftmax::new(1, 1.0, grid, wide).unwrap_err().to_string();
    assert!(softmax.contains("expected 256 integers"), "{softmax}");
    let softmax = IntegerSoftmax::new(1, 1.0, grid, int8(1.0 / 256.0, -128)).unwrap();
    let long = ValueType { element: ElementType::Quantized(grid), ..ValueType::batch_of(&[4096]) };
    assert!(message(softmax.infer(&[&long])).contains("at most 4095 elements"));
    let window = crate::graph::op::PoolWindow::square(2);
    assert!(IntegerAveragePool::new(window, grid, other).is_err());
    assert!(IntegerFunction::hard_swish(int8(0.25, 0), int8(0.001, 0)).is_err());
}

/// By hand: 0 is the zero point, 6 / 0.16 is 37.5, which is rounded away from zero, and 6 / 0.01 is beyond the range.
#[test]
fn clipped_grids_have_the_integers_of_an_activation() {
    use crate::kernel::Clip;
    let relu6 = Clip { low: 0.0, high: 6.0 };
    let range = |grid: Grid, clip| clipped(&grid, clip).map(|grid| [grid.q_min(), grid.q_max()]);
    assert_eq!(range(int8(0.16, -10), relu6), Ok([-10, 28]));
    assert_eq!(range(int8(12.0 / 73.0, -10), relu6), Ok([-10, 27]));
    assert_eq!(range(int8(0.01, -10), relu6), Ok([-10, 127]));
    assert_eq!(range(uint8(0.5, 3), Clip::RELU), Ok([3, 255]));
    assert_eq!(range(uint8(0.5, 3), Clip { low: -1.0, high: 1.0 }), Ok([1, 5]));
    assert_eq!(range(uint8(0.5, 3), Clip::default()), Ok([0, 255]));
    assert!(range(uint8(0.5, 3), Clip { low: 1.0, high: 2.0 }).is_err());
}
