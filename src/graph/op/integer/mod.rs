//! Operators on integers: of values whose numbers `(q - z) * s` stand for integers on a [`Grid`](crate::quant::Grid).
//!
//! Each finds the integers of its operands again, computes with these, rounds and clamps, and gives the numbers of
//! the integers that it computes: the graph holds both as `f32`, and knows the grid by the value's type. So networks
//! that are quantized for integer hardware give their own integers.
//!
//! They rescale as TensorFlow Lite's reference kernels do, `Twice` by [`FixedPoint`](crate::kernel::FixedPoint), with
//! factors of that precision which the kernels compute them in: an integer of the result depends on it. Where these
//! kernels compute in floating point, the operators do too, and say so. The rules are those of ai-edge-litert 2.3.0,
//! found in its sources and compared with its interpreter over random scales, zero points and inputs; networks of every
//! operator are compared with it again by the tests (`tests/conformance/tflite`).

mod average;
mod binary;
mod concat;
mod fixed;
mod function;
mod grid;
mod hard_swish;
mod join;
mod leaky_relu;
mod mean;
mod quantize;
mod rescale;
mod sigmoid;
mod softmax;
#[cfg(test)]
mod tests;

pub use average::IntegerAveragePool;
pub use binary::IntegerBinary;
pub use concat::IntegerConcat;
pub use function::IntegerFunction;
pub use grid::clipped;
pub use mean::IntegerMean;
pub use quantize::Quantize;
pub use softmax::IntegerSoftmax;
