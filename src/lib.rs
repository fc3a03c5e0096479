//! Evaluates neural networks on approximate multipliers, bit for bit.
//!
//! The program `approx-eval` is a thin face of this library. Data flows one way through its rooms:
//! The command and [`report`] talk to people, [`eval`] runs a network over [`data`], [`zoo`] builds
//! networks as [`graph`]s and [`import`] reads them from files; their linear and convolution layers are
//! the approximate ones of [`layer`], which take scales from [`quant`], products from a multiplier of
//! [`lut`], and sums from [`kernel`].
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

#[cfg(feature = "cli")]
pub mod cli;
pub mod data;
pub mod eval;
pub mod graph;
pub mod import;
#[expect(unsafe_code, reason = "SIMD: the only room where it is allowed")]
pub mod kernel;
pub mod layer;
pub mod lut;
pub mod model;
pub mod output;
pub mod quant;
pub mod registry;
pub mod report;
pub mod stats;
pub mod task;
pub mod zoo;
