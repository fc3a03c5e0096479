//! The arithmetic of the modes, written out once more: what the program's own loops are held against.
//!
//! It starts from what a user gave: the multiplier's products, the weights as `f32`, scales, zero points and ranges,
//! padding and strides. Numbers become integers, integers products, products sums and sums numbers one at a time, in
//! the words of the documentation of the arithmetic. Nothing here calls a kernel, a packed weight, an effective table
//! or a quantizer of the program.

mod candle;
mod layer;
mod rounding;
mod scales;
mod sum;

pub use candle::CandleLayer;
pub use layer::{ProductReference, WeightedReference};
pub use rounding::quantize;
pub use scales::{activation_scale, weight_scales};
pub use sum::{Products, term};
