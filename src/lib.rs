//! Evaluates neural networks on approximate multipliers.

#[cfg(feature = "cli")]
pub mod cli;
pub mod data;
pub mod eval;
pub mod graph;
#[expect(unsafe_code, reason = "SIMD: the only room where it is allowed")]
pub mod kernel;
pub mod layer;
pub mod lut;
pub mod output;
pub mod quant;
pub mod report;
pub mod zoo;
