//! Evaluates neural networks on approximate multipliers.
#![deny(missing_docs)]

pub mod kernel;
pub mod lut;
pub mod quant;
