//! Pointwise nonlinearities. NaN stays NaN, as in PyTorch, so that broken networks are noticed.

use super::pointwise::{Function, Pointwise, each};
use crate::graph::operator::unary;
use crate::graph::{ImageOperator, KeptInputs, OpError, Operator, RunContext, ValueType};
use crate::kernel::Clip;
use candle_core::Tensor;

/// `max(x, 0)`.
#[derive(Debug, Clone, Copy)]
pub struct Relu;

impl Operator for Relu {
    fn kind(&self) -> &'static str {
        "relu"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![unary(inputs)?.clone()])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        self.apply(inputs[0])
    }

    fn as_clip(&self) -> Option<Clip> {
        Some(Clip::RELU)
    }

    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }

    fn kept_inputs(&self) -> KeptInputs {
        KeptInputs::First
    }
}

impl Pointwise for Relu {
    fn function(&self) -> Box<Function> {
        each(|x| Clip::RELU.apply(x))
    }
}

/// `min(max(x, 0), 6)`.
#[derive(Debug, Clone, Copy)]
pub struct Relu6;

impl Relu6 {
    const CLIP: Clip = Clip { low: 0.0, high: 6.0 };
}

impl Operator for Relu6 {
    fn kind(&self) -> &'static str {
        "relu6"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        Ok(vec![unary(inputs)?.clone()])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        self.apply(inputs[0])
    }

    fn as_clip(&self) -> Option<Clip> {
        Some(Self::CLIP)
    }

    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        Some(self)
    }
}

impl Pointwise for Relu6 {
    fn function(&self) -> Box<Function> {
        each(|x| Self::CLIP.apply(x))
    }
}
