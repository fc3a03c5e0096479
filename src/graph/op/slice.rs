//! A range of elements along an axis, with a step.

use crate::graph::operator::unary;
use crate::graph::{Dim, KeptInputs, OpError, Operator, RunContext, ValueType};
use candle_core::{Device, Tensor};

/// Elements `start`, `start + step`, ... before `end` along `axis`.
#[derive(Debug, Clone, Copy)]
pub struct Slice {
    /// The axis, which is not the batch.
    pub axis: usize,
    /// The first element.
    pub start: usize,
    /// The element before which to stop, at most the axis's size.
    pub end: usize,
    /// Distance between elements.
    pub step: usize,
}

impl Slice {
    fn elements(&self) -> impl Iterator<Item = usize> {
        (self.start..self.end).step_by(self.step.max(1))
    }
}

impl Operator for Slice {
    fn kind(&self) -> &'static str {
        "slice"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let input = unary(inputs)?;
        let Slice { axis, start, end, step } = *self;
        if start >= end || step == 0 {
            let expected = format!("at least one element in {start}..{end} by steps of {step}");
            return Err(OpError::input(0, input, expected));
        }
        match input.shape.get(axis) {
            Some(&Dim::Fixed(size)) if end <= size => {
                let mut output = input.clone();
                output.shape[axis] = Dim::Fixed(self.elements().count());
                Ok(vec![output])
            }
            _ => Err(OpError::input(0, input, format!("a known size of at least {end} along axis {axis}"))),
        }
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        if self.step == 1 {
            return Ok(vec![inputs[0].narrow(self.axis, self.start, self.end - self.start)?]);
        }
        let indices: Vec<u32> = self.elements().map(|i| i as u32).collect();
        let indices = Tensor::new(indices, &Device::Cpu)?;
        Ok(vec![inputs[0].contiguous()?.index_select(&indices, self.axis)?])
    }

    fn kept_inputs(&self) -> KeptInputs {
        KeptInputs::First
    }
}
