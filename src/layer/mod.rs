//! Approximate layers: linear and convolution layers, and products of two activations, that can run in all four
//! modes.
//!
//! [`ApproxLayer`] follows the layer model of the torchapprox library; [`ApproxLinear`],
//! [`ApproxConv1d`], [`ApproxConv2d`], [`ApproxConvTranspose1d`] and [`ApproxConvTranspose2d`]
//! implement it as [`WeightedLayer`]s, and [`ApproxMatMul`] without weights. The former are candle [`Module`](candle_core::Module)s, built from candle's own layers by
//! `from_super`, so that a hand-written network swaps its layers in place:
//!
//! ```
//! use approx_eval::layer::{ApproxConv2d, ApproxLayer, ApproxLinear, InferenceMode, WeightedLayer};
//! use approx_eval::lut::{Coding, Lut};
//! use approx_eval::kernel::{self, Signedness};
//! use approx_eval::quant::{Observer, QuantConfig};
//! use candle_core::{DType, Device, Module, Tensor};
//! use candle_nn::{Conv2dConfig, VarBuilder, VarMap, conv2d, linear};
//!
//! // A network in candle, ...
//! let vars = VarMap::new();
//! let vb = VarBuilder::from_varmap(&vars, DType::F32, &Device::Cpu);
//! let conv = conv2d(1, 4, 3, Conv2dConfig { padding: 1, ..Default::default() }, vb.pp("conv"))?;
//! let head = linear(4 * 8 * 8, 10, vb.pp("head"))?;
//!
//! // ... with its layers swapped.
//! let mut conv = ApproxConv2d::from_super(&conv)?;
//! let mut head = ApproxLinear::from_super(&head)?;
//! let network = |conv: &ApproxConv2d, head: &ApproxLinear, x: &Tensor| {
//!     head.forward(&conv.forward(x)?.relu()?.flatten_from(1)?)
//! };
//!
//! // Calibrate on some inputs: layers in baseline mode observe their inputs.
//! let images = Tensor::rand(0f32, 1f32, (2, 1, 8, 8), &Device::Cpu)?;
//! conv.begin_calibration(Observer::MinMax.start(images.elem_count()).into());
//! head.begin_calibration(Observer::MinMax.start(2 * 256).into());
//! network(&conv, &head, &images)?;
//!
//! // A multiplier that drops the lowest bit of each operand.
//! let lut = Lut::from_fn("no-low-bits", Signedness::Unsigned, |a, b| (a & !1) * (b & !1));
//! let config = QuantConfig::new(Coding::SignMagnitude);
//! for layer in [&mut conv as &mut dyn ApproxLayer, &mut head] {
//!     layer.finish_calibration(&config, Some(&lut), kernel::best())?;
//!     layer.set_mode(InferenceMode::Approximate);
//! }
//! assert_eq!(network(&conv, &head, &images)?.dims(), [2, 10]);
//! assert_eq!((conv.fan_in(), conv.opcount(&[1, 1, 8, 8])?), (9, 8 * 8 * 4 * 9));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod accumulator;
mod activation_sums;
mod after_sums;
mod approx_layer;
mod call;
mod conv;
mod conv_transpose;
mod convolution;
mod epilogue;
mod error;
mod float;
mod forward;
mod images;
mod integer;
mod linear;
mod matmul;
mod mode;
mod noise;
mod observing;
mod ordered;
mod parts;
mod quantized;
mod reach;
mod scatter;
mod sealed;
mod settings;
mod state;
mod taps;
mod tasks;
#[cfg(test)]
mod tests;
mod tiles;
mod values;
mod vectors;
mod weight_map;
mod weights;
mod window;

pub use accumulator::{ACC_OVERFLOWS, AccBits, AccBitsError, AccOverflow, Accumulator, AccumulatorFindings};
pub(crate) use activation_sums::{activation_bytes, activation_sums};
pub use after_sums::Requantization;
pub use approx_layer::{ApproxLayer, WeightedLayer};
pub(crate) use call::Call;
pub use conv::{ApproxConv, ApproxConv1d, ApproxConv2d, ConvAttributes};
pub use conv_transpose::{ApproxConvTranspose, ApproxConvTranspose1d, ApproxConvTranspose2d, ConvTransposeAttributes};
pub use convolution::Convolution;
pub use error::{LayerError, LayerProblem};
pub(crate) use images::{
    Finish, Form, ImageBuffer, ImageLayer, Input, Numbers, Place, Targets, planar_images, write_images,
};
pub use linear::ApproxLinear;
pub(crate) use matmul::ordered_matmul;
pub use matmul::{ApproxMatMul, SampleAxis};
pub use mode::{InferenceMode, MODES};
pub use observing::Observing;
pub use parts::LayerParts;
pub(crate) use reach::{ActivationCounts, Patch};
pub(crate) use sealed::{LayerCore, WeightedCore};
pub(crate) use values::with_values;
pub(crate) use vectors::layer_vectors;
pub use vectors::{LayerVectors, VectorBias, VectorOutputs};
pub(crate) use weight_map::{nearest_weights, weight_integers};
pub use window::{Flow, Window, linear_window};
