//! What a node does, as the graph and its executor see it.

use super::{Dim, ValueType};
use crate::kernel::Clip;
use crate::layer::{ApproxLayer, LayerError, LayerProblem, Window};
use candle_core::{DType, Tensor};
use std::any::Any;
use std::fmt::Debug;

/// What an operator may know of the pass that it runs in.
#[derive(Debug, Clone, Copy)]
pub struct Pass {
    /// Place in the data set of the batch's first sample.
    pub first_sample: u64,
    /// Threads that the operator may use.
    pub threads: usize,
}

impl Default for Pass {
    /// The first batch, with all threads.
    fn default() -> Self {
        Pass { first_sample: 0, threads: rayon::current_num_threads() }
    }
}

/// Why an operator does not suit its inputs, or cannot run.
#[derive(Debug, thiserror::Error)]
pub enum OpError {
    /// Too few or too many inputs.
    #[error("{found} inputs, expected {expected}")]
    Inputs {
        /// How many there are.
        found: usize,
        /// How many the operator takes.
        expected: &'static str,
    },
    /// An input of the wrong type or shape.
    #[error("input {index} is {found}, expected {expected}")]
    Type {
        /// Which input.
        index: usize,
        /// Its type.
        found: String,
        /// What the operator takes.
        expected: String,
    },
    /// Batch normalisation by a running variance that no values have.
    #[error("the running variance of channel {channel} is {variance}, expected one above -{eps:e}")]
    Variance {
        /// Counted from 0.
        channel: usize,
        /// Its running variance.
        variance: f32,
        /// What is added to it.
        eps: f64,
    },
    /// A layer's arithmetic does not suit its input.
    #[error(transparent)]
    Problem(#[from] LayerProblem),
    /// A layer fails.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// candle reports a problem.
    #[error(transparent)]
    Candle(Box<candle_core::Error>),
}

impl From<candle_core::Error> for OpError {
    fn from(error: candle_core::Error) -> Self {
        OpError::Candle(Box::new(error))
    }
}

impl OpError {
    /// The error of input `index` being `found`.
    pub fn input(index: usize, found: &ValueType, expected: impl Into<String>) -> Self {
        OpError::Type { index, found: found.to_string(), expected: expected.into() }
    }
}

/// A node's operation: attributes, inference of output types, and execution.
pub trait Operator: Any + Debug + Send + Sync {
    /// What kind of operation it is, as messages and reports name it.
    fn kind(&self) -> &'static str;

    /// Types of the outputs for inputs of these types.
    ///
    /// # Errors
    /// When the operator cannot run on such inputs.
    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError>;

    /// The outputs for inputs of types that [`infer`](Operator::infer) accepted.
    ///
    /// # Errors
    /// When the computation fails.
    fn run(&self, inputs: &[&Tensor], pass: &Pass) -> Result<Vec<Tensor>, OpError>;

    /// What it multiplies, for operators that are linear or convolution layers, under a batch of one.
    ///
    /// # Errors
    /// As [`infer`](Operator::infer).
    fn window(&self, _inputs: &[&ValueType]) -> Option<Result<Window, OpError>> {
        None
    }

    /// Multiplications of activations by activations under a batch of one, which stay exact, and how
    /// many of them are summed into one output element.
    fn exact_products(&self, _inputs: &[&ValueType]) -> Option<[usize; 2]> {
        None
    }

    /// The approximate counterpart of a layer called `name`, given the tensors of its inputs after
    /// the first.
    ///
    /// # Errors
    /// When the tensors do not suit the layer.
    fn approximate(&self, _name: &str, _parameters: &[&Tensor]) -> Option<Result<Box<dyn ApproxLayer>, OpError>> {
        None
    }

    /// The output channel that each element of the operator's weight, of dimensions `weight`, scales,
    /// for operators in which it scales no other.
    fn output_channels(&self, _weight: &[usize]) -> Option<Vec<usize>> {
        None
    }

    /// The range that the operator brings its only input into, if that is all it does.
    fn as_clip(&self) -> Option<Clip> {
        None
    }

    /// Brings the output into a range from now on, for operators that can do so in the same pass.
    fn fuse_clip(&mut self, _clip: Clip) -> bool {
        false
    }

    /// The approximate layer, after it was swapped in.
    fn layer(&self) -> Option<&dyn ApproxLayer> {
        None
    }

    /// The same, to change.
    fn layer_mut(&mut self) -> Option<&mut dyn ApproxLayer> {
        None
    }
}

/// Fails unless every input is `f32` and `count` allows their number.
pub(super) fn check_f32(
    inputs: &[&ValueType],
    count: std::ops::RangeInclusive<usize>,
    expected: &'static str,
) -> Result<(), OpError> {
    if !count.contains(&inputs.len()) {
        return Err(OpError::Inputs { found: inputs.len(), expected });
    }
    match inputs.iter().position(|input| input.dtype != DType::F32) {
        Some(index) => Err(OpError::input(index, inputs[index], "f32")),
        None => Ok(()),
    }
}

/// The only input, which is `f32`.
pub(super) fn unary<'a>(inputs: &[&'a ValueType]) -> Result<&'a ValueType, OpError> {
    check_f32(inputs, 1..=1, "1")?;
    Ok(inputs[0])
}

/// The only input, of shape `[batch, channels, size..]` with known sizes and `spatial` of them.
pub(super) fn images<'a>(inputs: &[&'a ValueType], spatial: usize) -> Result<&'a ValueType, OpError> {
    let input = unary(inputs)?;
    let known = input.shape.iter().skip(1).all(|dim| matches!(dim, Dim::Fixed(_)));
    if input.rank() == spatial + 2 && known {
        return Ok(input);
    }
    Err(OpError::input(0, input, format!("[batch, channels, {spatial} sizes]")))
}
