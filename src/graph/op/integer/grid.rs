//! What the operators on integers ask of grids: whether they compute on them, and the integers of numbers.

use crate::graph::{ElementType, OpError, ValueType};
use crate::kernel::{Clip, Requantize, Rounding};
use crate::quant::{Grid, ParamsError};

/// Adding and subtracting it rounds a number of less than 22 bits to an integer, half to even: `1.5 * 2^23`.
const ROUND: f32 = 12_582_912.0;

/// The integers of numbers on a grid, counted from the zero point.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steps {
    scale: f32,
    low: f32,
    high: f32,
}

impl Steps {
    /// Those of numbers on `grid`, of at most 16 bits.
    pub fn of(grid: &Grid) -> Self {
        let [low, high] = [grid.q_min(), grid.q_max()].map(|q| (q - grid.zero_point()) as f32);
        Steps { scale: grid.scale(), low, high }
    }

    /// `q - z` of the number, where NaN stays NaN.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is compiled with the caller's instruction set")]
    pub fn at(self, x: f32) -> f32 {
        (x / self.scale).clamp(self.low, self.high) + ROUND - ROUND
    }

    /// How far the number is above the least, 0 for NaN.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "it is compiled with the caller's instruction set")]
    pub fn index(self, x: f32) -> usize {
        (self.at(x) - self.low) as usize
    }
}

fn described(grid: &Grid) -> String {
    let (scale, zero_point) = (grid.scale(), grid.zero_point());
    format!("integers of scale {scale} and zero point {zero_point} in [{}, {}]", grid.q_min(), grid.q_max())
}

/// Fails if operand `index` has more than `bits` bits.
pub(super) fn check_bits(index: usize, grid: &Grid, bits: u32) -> Result<(), OpError> {
    if i64::from(grid.q_max()) - i64::from(grid.q_min()) < 1 << bits {
        return Ok(());
    }
    Err(OpError::Type { index, found: described(grid), expected: format!("integers of at most {bits} bits") })
}

/// Fails unless operand `index` has integers of `grid`.
pub(super) fn check(inputs: &[&ValueType], index: usize, grid: &Grid) -> Result<(), OpError> {
    let input = inputs[index];
    let is_within =
        |found: &Grid| found.has_steps_of(grid) && found.q_min() >= grid.q_min() && found.q_max() <= grid.q_max();
    match input.element.quantization() {
        Some(found) if is_within(&found) => Ok(()),
        Some(found) => Err(OpError::Type { index, found: described(&found), expected: described(grid) }),
        None => Err(OpError::input(index, input, described(grid))),
    }
}

/// A value on `grid` of the shape of `ty`.
pub(super) fn on_grid(ty: ValueType, grid: Grid) -> Vec<ValueType> {
    vec![ValueType { element: ElementType::Quantized(grid), ..ty }]
}

/// How products become integers of `grid`: rounded twice.
pub(super) fn requantize(grid: &Grid) -> Requantize {
    Requantize {
        rounding: Rounding::Twice,
        zero_point: grid.zero_point(),
        low: grid.q_min(),
        high: grid.q_max(),
        scale: grid.scale(),
    }
}

/// The integers of `grid` that a clip of their numbers leaves, as TensorFlow Lite has the range of a fused activation:
/// from `z + round(low / s)` to `z + round(high / s)`, divided in `f32` and rounded half away from zero.
///
/// # Errors
/// When the range does not hold the zero point, as no activation's does.
pub fn clipped(grid: &Grid, clip: Clip) -> Result<Grid, ParamsError> {
    let (least, most) = (f64::from(grid.q_min()), f64::from(grid.q_max()));
    let bound = |x: f32| {
        let steps = f64::from((x / grid.scale()).round()) + f64::from(grid.zero_point());
        steps.clamp(least, most) as i32
    };
    grid.with_range([bound(clip.low), bound(clip.high)])
}
