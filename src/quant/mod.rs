//! Quantization: which integer represents a real number, and how scales are found.
//!
//! Activations have one scale and zero point per layer ([`ActivationParams`]), weights one per layer or
//! one per output channel ([`WeightParams`]). A [`QuantConfig`] computes both, from what an [`Observer`]
//! saw of the layer's inputs over a calibration set and from the weights; a [`ParamsFile`] takes them
//! from another run. The second factor of a product of two activations stands where weights stand, with one
//! scale ([`ActivationParams::as_weight`]). Before a layer uses them, they are shifted into the range of the operand coding.
//!
//! ```
//! use approx_eval::lut::Coding;
//! use approx_eval::quant::{Observer, QuantConfig};
//!
//! let config = QuantConfig::new(Coding::Affine);
//! let mut calibrator = Observer::MinMax.start(4);
//! calibrator.observe(&[-1.0, 0.0, 0.5, 4.1]);
//! let observed = calibrator.finish().ok_or("values were observed")?;
//!
//! let input = config.activation(&observed)?;
//! assert_eq!((input.scale(), input.zero_point()), (0.02, 50));
//! assert_eq!(input.quantize(1.0), 100);
//!
//! // Two output channels of two weights.
//! let weight = config.weight(&[1.27, -0.5, 0.0, 2.54], 2)?;
//! assert_eq!(weight.scales(), [0.01, 0.02]);
//! assert_eq!(weight.quantize(&[1.27, -0.5, 0.0, 2.54], 2)?, [255, 78, 128, 255]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod config;
mod file;
mod grid;
mod observer;
mod operands;
mod params;

pub use config::{
    ACT_SCHEMES, ActScheme, QuantConfig, QuantError, SCALE_KINDS, ScaleKind, WEIGHT_SCHEMES, WeightScheme,
};
pub use file::{ParamsFile, ParamsFileError};
pub use grid::Grid;
pub use observer::{Calibrator, Distribution, Observed, Observer, ObserverParseError};
pub(crate) use observer::{Extremes, extremes};
pub use operands::Operands;
pub use params::{ActivationParams, IntRange, LayerParams, MIN_SCALE, ParamsError, WeightParams};
