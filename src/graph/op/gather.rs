//! Elements of an axis by index, in any order and any number of times.

use crate::graph::operator::unary;
use crate::graph::{Dim, KeptInputs, OpError, Operator, RunContext, ValueType};
use candle_core::{Device, Tensor};

/// The elements `indices` along `axis`. Also serves for reversal, padding by reflection, and nearest-neighbor
/// upsampling.
#[derive(Debug, Clone)]
pub struct Gather {
    /// The axis, which is not the batch.
    pub axis: usize,
    /// The elements, in the order of the output.
    pub indices: Vec<usize>,
}

impl Operator for Gather {
    fn kind(&self) -> &'static str {
        "gather"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let input = unary(inputs)?;
        let largest = self.indices.iter().max();
        match (input.shape.get(self.axis), largest) {
            (Some(&Dim::Fixed(size)), Some(&largest)) if largest < size => {
                let mut output = input.clone();
                output.shape[self.axis] = Dim::Fixed(self.indices.len());
                Ok(vec![output])
            }
            (_, largest) => {
                let least = largest.map_or(1, |largest| largest + 1);
                let expected = format!("a known size of at least {least} along axis {}, and an index", self.axis);
                Err(OpError::input(0, input, expected))
            }
        }
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let indices: Vec<u32> = self.indices.iter().map(|&i| i as u32).collect();
        let indices = Tensor::new(indices, &Device::Cpu)?;
        Ok(vec![inputs[0].contiguous()?.index_select(&indices, self.axis)?])
    }

    fn kept_inputs(&self) -> KeptInputs {
        KeptInputs::First
    }
}
