//! Which grid the results of element-wise operators are on, where the graph cannot infer it: the integers are those of
//! the operands, some of them, or mirrored.

use super::Lowering;
use crate::graph::op::Unary;
use crate::import::onnx::value::Value;
use crate::quant::{Grid, IntRange};

/// The grid of a function of numbers on `grid`; `None` where these leave it.
pub(super) fn of_unary(op: Unary, grid: &Grid) -> Option<Grid> {
    let (scale, zero_point) = (grid.scale(), grid.zero_point());
    let (low, high) = (grid.q_min(), grid.q_max());
    match op {
        Unary::Clip { min, max } => {
            let [least, most] = [bound(grid, min)?, bound(grid, max)?];
            // Bounds that exclude the zero point leave the range, which padding needs it in.
            Some(grid.with_range([least.min(most), most]).unwrap_or(*grid))
        }
        Unary::Abs => {
            let most = low.abs_diff(zero_point).max(high.abs_diff(zero_point));
            Grid::new(scale, 0, [0, i32::try_from(most).ok()?]).ok()
        }
        Unary::Neg => {
            let twice = zero_point.checked_mul(2)?;
            let mirrored = [twice.checked_sub(high)?, twice.checked_sub(low)?];
            if IntRange::new(mirrored[0], mirrored[1]).is_ok() {
                return grid.with_range(mirrored).ok();
            }
            Grid::new(scale, low.checked_add(high)?.checked_sub(zero_point)?, [low, high]).ok()
        }
        _ => None,
    }
}

/// The integer of a bound, that of the range's end beyond it; `None` between integers.
fn bound(grid: &Grid, bound: f32) -> Option<i32> {
    let q = grid.quantize(bound);
    let is_beyond = bound < grid.number(grid.q_min()) || bound > grid.number(grid.q_max());
    (is_beyond || grid.number(q) == bound).then_some(q)
}

impl Lowering<'_> {
    /// The grid of a computed value.
    pub(super) fn grid(&self, value: &Value) -> Option<Grid> {
        if let Value::Computed(id) = value { self.graph.ty(*id).element.quantization() } else { None }
    }

    /// Declares that a computed value consists of integers on `grid`.
    pub(super) fn set_grid(&mut self, value: &Value, grid: Grid) {
        if let Value::Computed(id) = value {
            self.graph.set_quantization(*id, grid);
        }
    }

    /// Declares that `output`, whose elements are some of those of `inputs`, is on the grid that these share. Constants
    /// are on it if each of their elements is.
    pub(super) fn keep_grid(&mut self, output: &Value, inputs: &[Value]) {
        let shared = inputs.iter().filter(|input| matches!(input, Value::Computed(_)));
        let grids: Option<Vec<Grid>> = shared.map(|input| self.grid(input)).collect();
        let Some((first, others)) = grids.as_deref().and_then(<[Grid]>::split_first) else { return };
        if !others.iter().all(|other| other.has_steps_of(first)) {
            return;
        }
        let ends = |range: [i32; 2], grid: &Grid| [range[0].min(grid.q_min()), range[1].max(grid.q_max())];
        let range = others.iter().fold([first.q_min(), first.q_max()], ends);
        let Ok(grid) = first.with_range(range) else { return };
        let is_on_grid = |input: &Value| {
            let Value::Floats { tensor, .. } = input else { return true };
            let numbers = tensor.flatten_all().and_then(|tensor| tensor.to_vec1::<f32>());
            numbers.is_ok_and(|numbers| numbers.iter().all(|&x| grid.number(grid.quantize(x)) == x))
        };
        if inputs.iter().all(is_on_grid) {
            self.set_grid(output, grid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn functions_that_stay_on_a_grid() {
        type Parts = (i32, [i32; 2]);
        let clip = |min, max| Unary::Clip { min, max };
        let cases: [(Unary, Parts, Option<Parts>); 11] = [
            (clip(0.0, 1.5), (0, [-8, 7]), Some((0, [0, 3]))),
            (clip(-1.0, f32::INFINITY), (100, [0, 255]), Some((100, [98, 255]))),
            (clip(-1e9, 1e9), (100, [0, 255]), Some((100, [0, 255]))),
            // Between integers.
            (clip(0.0, 1.3), (0, [-8, 7]), None),
            // Without the zero point.
            (clip(1.0, 2.0), (0, [-8, 7]), Some((0, [-8, 7]))),
            (Unary::Abs, (0, [-128, 127]), Some((0, [0, 128]))),
            (Unary::Abs, (100, [0, 255]), Some((0, [0, 155]))),
            (Unary::Neg, (0, [-127, 127]), Some((0, [-127, 127]))),
            (Unary::Neg, (0, [-128, 127]), Some((-1, [-128, 127]))),
            (Unary::Neg, (100, [0, 255]), Some((155, [0, 255]))),
            (Unary::Tanh, (0, [-8, 7]), None),
        ];
        for_each_case(cases, |(op, (zero_point, range), expected)| {
            let grid = Grid::new(0.5, zero_point, range).unwrap();
            let expected = expected.map(|(zero_point, range)| Grid::new(0.5, zero_point, range).unwrap());
            assert_eq!(of_unary(op, &grid), expected, "{op:?} of {grid:?}");
        });
    }
}
