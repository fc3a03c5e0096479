//! Concatenation of integers on several grids.

use super::IntegerFunction;
use super::grid::on_grid;
use crate::graph::op::Concat;
use crate::graph::{OpError, Operator, RunContext, ValueType};
use crate::quant::Grid;
use candle_core::Tensor;

/// Joins values along an axis, each rescaled to the grid of the output as by [`IntegerFunction::rescale`]; those whose
/// integers are the output's stay as they are.
#[derive(Debug, Clone)]
pub struct IntegerConcat {
    concat: Concat,
    rescale: Vec<Option<IntegerFunction>>,
    output: Grid,
}

impl IntegerConcat {
    /// The concatenation of values on `inputs` along `axis`.
    ///
    /// # Errors
    /// When an input has more than 16 bits.
    pub fn new(axis: usize, inputs: &[Grid], output: Grid) -> Result<Self, OpError> {
        let rescale = |&input: &Grid| {
            if input == output { Ok(None) } else { IntegerFunction::rescale(input, output).map(Some) }
        };
        let rescale = inputs.iter().map(rescale).collect::<Result<_, _>>()?;
        Ok(IntegerConcat { concat: Concat { axis }, rescale, output })
    }
}

impl Operator for IntegerConcat {
    fn kind(&self) -> &'static str {
        "integer_concat"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let plain: Vec<ValueType> = inputs.iter().map(|input| input.dequantized()).collect();
        Ok(on_grid(self.concat.infer(&plain.iter().collect::<Vec<_>>())?.remove(0), self.output))
    }

    fn run(&self, inputs: &[&Tensor], context: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let rescaled = |(&x, rescale): (&&Tensor, &Option<IntegerFunction>)| match rescale {
            Some(rescale) => Ok(rescale.run(&[x], context)?.remove(0)),
            None => Ok(x.clone()),
        };
        let rescaled: Vec<Tensor> = inputs.iter().zip(&self.rescale).map(rescaled).collect::<Result<_, OpError>>()?;
        self.concat.run(&rescaled.iter().collect::<Vec<_>>(), context)
    }
}
