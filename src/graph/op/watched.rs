//! Values whose range is observed.

use super::pointwise::{Function, Pointwise, each};
use crate::graph::operator::unary;
use crate::graph::{ImageOperator, KeptInputs, OpError, Operator, RunContext, ValueType};
use crate::layer::{Observing, with_values};
use candle_core::Tensor;

/// A value as it is, shown to a calibrator while there is one.
#[derive(Debug, Default)]
pub struct Watched(pub Observing);

impl Operator for Watched {
    fn kind(&self) -> &'static str {
        "identity"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![unary(inputs)?.clone()])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        with_values(inputs[0], |values| self.0.observe(values))?;
        Ok(vec![inputs[0].clone()])
    }

    fn kept_inputs(&self) -> KeptInputs {
        KeptInputs::First
    }

    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        (!self.0.is_active()).then_some(self)
    }
}

impl Pointwise for Watched {
    fn function(&self) -> Box<Function> {
        each(|x| x)
    }
}
