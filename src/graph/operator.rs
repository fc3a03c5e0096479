//! The operators' side of a graph: what every one does, and what some can do beyond that.

use super::{Dim, ValueType};
use crate::kernel::{Clip, Images, ImagesMut};
use crate::layer::{ApproxLayer, LayerError, LayerProblem, WeightedLayer, Window};
use candle_core::Tensor;
use std::any::Any;
use std::fmt::Debug;
use std::ops::Range;

/// Sees the inputs of approximate layers while a network runs. Samples may come in any order, and from any thread.
pub trait InputObserver: Debug + Sync {
    /// Whether it has anything to see in the inputs of a layer for `samples`.
    fn wants(&self, layer: &dyn ApproxLayer, samples: Range<u64>) -> bool;

    /// Sees the inputs of one call of a layer, those of `samples`, by their places among the samples of the run.
    fn observe(&self, layer: &dyn ApproxLayer, inputs: &[&Tensor], samples: Range<u64>);
}

/// What an operator is told about the run that it is part of.
#[derive(Debug, Clone, Copy)]
pub struct RunContext<'a> {
    /// Index in the data set of the batch's first sample.
    pub first_sample: u64,
    /// Samples of the batch.
    pub samples: usize,
    /// What sees the inputs of approximate layers.
    pub observers: &'a [&'a dyn InputObserver],
    /// Threads that the operator may use.
    pub threads: usize,
}

impl RunContext<'_> {
    /// Shows the inputs of `layer` to the observers.
    pub(super) fn show(&self, layer: &dyn ApproxLayer, inputs: &[&Tensor]) {
        for observer in self.observers {
            observer.observe(layer, inputs, self.first_sample..self.first_sample + self.samples as u64);
        }
    }
}

impl Default for RunContext<'_> {
    /// The first sample, with all threads.
    fn default() -> Self {
        RunContext { first_sample: 0, samples: 1, observers: &[], threads: rayon::current_num_threads() }
    }
}

/// Why an operator does not accept its inputs, or cannot run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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
    /// An output along two axes of which samples lie, as of a product of samples by samples.
    #[error("the output {0} mixes the samples of a batch")]
    MixesSamples(String),
    /// Batch normalization by a negative running variance.
    #[error("the running variance of channel {channel} is {variance}, expected more than -{eps:e}")]
    Variance {
        /// The channel, counted from 0.
        channel: usize,
        /// Its running variance.
        variance: f32,
        /// The epsilon that is added to it.
        eps: f64,
    },
    /// A layer does not accept its input.
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
    /// The error for input `index`, which is `found`.
    pub fn input(index: usize, found: &ValueType, expected: impl Into<String>) -> Self {
        OpError::Type { index, found: found.to_string(), expected: expected.into() }
    }
}

/// A node's operation: attributes, inference of output types, and execution.
///
/// Implementers write three methods. The others are capabilities that some operators have; graph passes
/// and reports ask for them, and the executor needs none.
pub trait Operator: Any + Debug + Send + Sync {
    /// The name of the operation in messages and reports.
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
    fn run(&self, inputs: &[&Tensor], context: &RunContext) -> Result<Vec<Tensor>, OpError>;

    /// Whether it computes with the integers of its inputs, whose grids [`infer`](Operator::infer) is then told; other
    /// operators see real numbers.
    fn takes_integers(&self) -> bool {
        false
    }

    /// Whether constant inputs may be infinite, as masks before a softmax are: where that gives no NaN of finite numbers.
    fn takes_infinite_constants(&self) -> bool {
        false
    }

    /// Multiplications of one sample's forward pass, where the operator sums up products: of
    /// activations by weights, or by other activations.
    fn macs(&self, _inputs: &[&ValueType]) -> Option<Macs> {
        None
    }

    /// The inputs whose values the outputs consist of, for operators that move, select or clip values
    /// without computing new ones: quantized values stay on their grid.
    fn kept_inputs(&self) -> KeptInputs {
        KeptInputs::None
    }

    /// The factor by which every output value is a probability of its own, of a yes against a no, where the inputs
    /// are by these, or `None` where it is something else: 2 for the sum of two sigmoids, and 1 for their mean.
    fn probability_factor(&self, inputs: &[Option<f32>]) -> Option<f32> {
        let kept = match self.kept_inputs() {
            KeptInputs::None => return None,
            KeptInputs::First => inputs.get(..1)?,
            KeptInputs::All => inputs,
        };
        let first = *kept.first()?;
        first.filter(|_| kept.iter().all(|factor| *factor == first))
    }

    /// The range that the operator clips its only input to, if that is all it does.
    fn as_clip(&self) -> Option<Clip> {
        None
    }

    /// The range that the operator clips its output to.
    fn output_clip(&self) -> Clip {
        Clip::default()
    }

    /// The operator as one that can clip its own output.
    fn as_fusible(&mut self) -> Option<&mut dyn Fusible> {
        None
    }

    /// The operator as one that can compute on channels-last images.
    fn as_image_operator(&self) -> Option<&dyn ImageOperator> {
        None
    }

    /// The operator as a linear or convolution layer whose weights are inputs.
    fn as_layer(&self) -> Option<&dyn Layer> {
        None
    }

    /// The approximate layer that replaced a linear or convolution layer, or a product of two activations.
    fn as_approximate(&self) -> Option<&dyn ApproxLayer> {
        None
    }

    /// The same, mutably.
    fn as_approximate_mut(&mut self) -> Option<&mut dyn ApproxLayer> {
        None
    }
}

/// A linear or convolution layer whose weight and optional bias are the inputs after the first.
pub trait Layer {
    /// The layer applied to inputs of these types, under a batch of one.
    ///
    /// # Errors
    /// As [`Operator::infer`].
    fn window(&self, inputs: &[&ValueType]) -> Result<Window, OpError>;

    /// The approximate counterpart, called `name`, given the tensors of the inputs after the first.
    ///
    /// # Errors
    /// When the tensors do not suit the layer.
    fn approximate(&self, name: &str, parameters: &[&Tensor]) -> Result<Box<dyn WeightedLayer>, OpError>;

    /// The output channel of each element of a weight of dimensions `weight`.
    fn output_channels(&self, weight: &[usize]) -> Vec<usize>;
}

/// An operator over `[batch, channels, size..]` whose inputs and output can also lie with the channels last:
/// images of as many elements a position as there are channels.
pub trait ImageOperator: Sync {
    /// Whether [`run_images`](Self::run_images) takes inputs of these types: all of them activations.
    fn takes_images(&self, inputs: &[&ValueType]) -> bool;

    /// Overwrites `output`, without its border, with the same bits as [`Operator::run`] computes. Inputs may have
    /// borders, which are not read. It runs on the calling thread.
    ///
    /// # Errors
    /// As [`Operator::run`].
    fn run_images(&self, inputs: &[Images<f32>], output: &mut ImagesMut<f32>) -> Result<(), OpError>;

    /// The operator on quantized operands, where it passes on or compares them alone, so that they can be quantized
    /// before it as well as after.
    fn as_selection(&self) -> Option<&dyn Selection> {
        None
    }
}

/// An operator whose outputs are some of its inputs: the largest of a window, or all of several.
///
/// Positions of operands may have more elements than channels, of which only the first `channels[i]` of input `i`
/// matter, and as many of the output as the inputs give. The others of the output are unspecified.
pub trait Selection: Sync {
    /// [`ImageOperator::run_images`] on operands whose order is that of the numbers.
    fn select_bytes(&self, inputs: &[Images<u8>], channels: &[usize], output: &mut ImagesMut<u8>);

    /// The same for words.
    fn select_words(&self, inputs: &[Images<i16>], channels: &[usize], output: &mut ImagesMut<i16>);
}

/// An operator that can clip its output in the same pass over it.
pub trait Fusible {
    /// Clips the output from now on, after what it is clipped to already.
    fn fuse_clip(&mut self, clip: Clip);
}

/// Multiply-accumulate operations of one sample's forward pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Macs {
    /// All multiplications.
    pub opcount: u64,
    /// Products summed into one output element; the largest where numbers differ.
    pub fan_in: usize,
}

impl From<&Window> for Macs {
    /// The multiplications of all images of a window that was computed for a batch of one.
    fn from(window: &Window) -> Self {
        Macs { opcount: window.opcount() * window.samples as u64, fan_in: window.fan_in() }
    }
}

/// The inputs whose values an operator passes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptInputs {
    /// The operator computes new values.
    None,
    /// Those of the first input, and zeros.
    First,
    /// Those of every input.
    All,
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
    match inputs.iter().position(|input| !input.element.is_real()) {
        Some(index) => Err(OpError::input(index, inputs[index], "f32")),
        None => Ok(()),
    }
}

/// Fails if an input from `first` on, which all samples share, depends on them.
pub(super) fn check_shared(inputs: &[&ValueType], first: usize) -> Result<(), OpError> {
    match (first..inputs.len()).find(|&i| inputs[i].has_batch()) {
        Some(i) => Err(OpError::input(i, inputs[i], "the same numbers for all samples of a batch")),
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
