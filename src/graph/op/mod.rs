//! Operators, one file for each kind: a struct of attributes, type inference, and execution.

mod activation;
mod adaptive_pool;
mod add;
mod approximate;
mod approximate_matmul;
mod batch_norm;
mod binary;
mod broadcast;
mod concat;
mod conv;
mod expand;
mod fake_quantize;
mod flatten;
mod function;
mod gather;
mod global_pool;
mod group_norm;
mod image;
mod integer;
mod interpolate;
mod layer_norm;
mod linear;
mod lrn;
mod matmul;
mod pad;
mod pointwise;
mod pool;
mod quantized_sum;
mod reduce;
mod reinterpret;
mod reshape;
mod round_to;
mod scale;
mod slice;
mod softmax;
mod switched;
#[cfg(test)]
mod tests;
mod transpose;
mod unary;
mod watched;
mod r#where;

pub use activation::{Relu, Relu6};
pub use adaptive_pool::AdaptiveAveragePool;
pub use add::Add;
pub use approximate::Approximate;
pub use approximate_matmul::ApproximateMatMul;
pub use batch_norm::BatchNorm;
pub use binary::Binary;
pub use concat::Concat;
pub use conv::Conv;
pub use expand::Expand;
pub use fake_quantize::FakeQuantize;
pub use flatten::Flatten;
pub use gather::Gather;
pub use global_pool::{GlobalAveragePool, GlobalMaxPool};
pub use group_norm::GroupNorm;
pub use integer::{
    IntegerAveragePool, IntegerBinary, IntegerConcat, IntegerFunction, IntegerMean, IntegerSoftmax, Quantize, clipped,
};
pub use interpolate::Interpolate;
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use lrn::LocalResponseNorm;
pub use matmul::MatMul;
pub use pad::Pad;
pub use pool::{AveragePool, MaxPool, PoolWindow};
pub use quantized_sum::QuantizedSum;
pub use reduce::{Reduce, Reduction};
pub use reinterpret::Reinterpret;
pub use reshape::Reshape;
pub use round_to::{RoundTo, RoundingMode};
pub use scale::Scale;
pub use slice::Slice;
pub use softmax::Softmax;
pub use switched::Switched;
pub use transpose::Transpose;
pub use unary::Unary;
pub use watched::Watched;
pub use r#where::Where;

use crate::layer::with_values;

/// Elements that a thread computes at a time.
const CHUNK: usize = 1 << 14;
