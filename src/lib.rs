//! Evaluates neural networks on approximate multipliers, bit for bit.
//!
//! The program `approx-eval` is a thin face of this library. Data flows one way through its rooms:
//! The command and [`report`] talk to people, [`study`] loops over evaluations, [`eval`] runs a network over [`data`], [`zoo`] builds
//! networks as [`graph`]s and [`import`] reads them from files; their linear and convolution layers are
//! the approximate ones of [`layer`], which take scales from [`quant`], products from a multiplier of
//! [`lut`], and sums from [`kernel`].
//!
//! The candle crates that tensors and layers come from are re-exported as [`candle_core`] and
//! [`candle_nn`].
//!
//! # Cargo features
//! `default = ["cli"]` has everything but `parquet`. A library user turns the default
//! off and picks:
//!
//! | feature | adds |
//! | --- | --- |
//! | `cli` | the command's options and terminal output; turns on `embedded`, `images`, `onnx` and `plot` |
//! | `embedded` | the shipped networks and their test set, 7 MB of the binary |
//! | `images` | datasets of PNG and JPEG files |
//! | `onnx` | networks in ONNX files |
//! | `parquet` | datasets in Parquet files; turns on `images` |
//! | `plot` | plots of multipliers' errors, and of accuracy against cost, as SVG, PNG and PDF |
//!
//! To swap the layers of a network of your own, start at [`layer`]. To evaluate a shipped one, open an
//! [`eval::Session`]:
//!
//! ```
//! use approx_eval::eval::{Experiment, LayerOptions, LutSpec, Rules, Session};
//! use approx_eval::model::Model;
//!
//! let limit = 256.try_into().ok();
//! let mut session = Session::open(Experiment { limit, ..Experiment::new(Model::open("lenet5")?) })?;
//! let options = LayerOptions { lut: Some(LutSpec::new("drum-6")), ..LayerOptions::default() };
//! let assignment = session.assign(&options, &Rules::default())?;
//! let findings = session.evaluate(&assignment, |_| Ok(()))?;
//! assert!(findings.outcome.metrics.value() > 0.8);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use candle_core;
pub use candle_nn;

#[cfg(test)]
mod cases;
mod cleanup;
#[cfg(feature = "cli")]
pub mod cli;
pub mod data;
pub mod eval;
#[cfg(feature = "plot")]
pub mod figure;
pub mod graph;
pub mod guard;
pub mod import;
pub mod input;
pub mod integer;
#[expect(unsafe_code, reason = "SIMD: the only room where it is allowed")]
pub mod kernel;
pub mod layer;
pub mod lut;
pub mod model;
pub mod output;
pub mod printable;
pub mod quant;
pub mod registry;
pub mod report;
mod sabotage;
pub mod stats;
pub mod study;
pub mod task;
pub mod zoo;
