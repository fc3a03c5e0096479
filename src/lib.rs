//! Evaluates neural networks on approximate multipliers.
#![deny(missing_docs)]

pub mod data;
pub mod graph;
pub mod kernel;
pub mod layer;
pub mod lut;
pub mod quant;
pub mod zoo;
