//! Evaluates neural networks on approximate multipliers.
#![deny(missing_docs)]

pub mod data;
pub mod kernel;
pub mod lut;
