//! Operators that compute with real numbers or with integers, as a run asks for.

use crate::graph::{Fusible, ImageOperator, KeptInputs, Macs, OpError, Operator, RunContext, ValueType};
use crate::kernel::Clip;
use candle_core::Tensor;

/// An operator on real numbers, and one on integers that takes its place while there is one.
#[derive(Debug)]
pub struct Switched {
    real: Box<dyn Operator>,
    integer: Option<Box<dyn Operator>>,
}

impl Switched {
    /// The operator on real numbers.
    pub fn new(real: Box<dyn Operator>) -> Self {
        Switched { real, integer: None }
    }

    /// The operator on real numbers, whatever runs.
    pub fn real(&self) -> &dyn Operator {
        self.real.as_ref()
    }

    /// Sets what runs on integers, or switches back to real numbers.
    pub fn set_integer(&mut self, integer: Option<Box<dyn Operator>>) {
        self.integer = integer;
    }

    /// The operator that runs.
    pub fn current(&self) -> &dyn Operator {
        self.integer.as_deref().unwrap_or(self.real.as_ref())
    }
}

impl Operator for Switched {
    fn kind(&self) -> &'static str {
        self.current().kind()
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        self.real.infer(inputs)
    }

    fn run(&self, inputs: &[&Tensor], context: &RunContext) -> Result<Vec<Tensor>, OpError> {
        self.current().run(inputs, context)
    }

    fn macs(&self, inputs: &[&ValueType]) -> Option<Macs> {
        self.real.macs(inputs)
    }

    fn kept_inputs(&self) -> KeptInputs {
        self.real.kept_inputs()
    }

    fn probability_factor(&self, inputs: &[Option<f32>]) -> Option<f32> {
        self.real.probability_factor(inputs)
    }

    fn as_clip(&self) -> Option<Clip> {
        self.real.as_clip()
    }

    fn output_clip(&self) -> Clip {
        self.real.output_clip()
    }

    fn as_fusible(&mut self) -> Option<&mut dyn Fusible> {
        self.real.as_fusible()
    }

    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        self.current().as_image_operator()
    }
}
