//! Quantization: what integer stands for a real number, and how the scales are found.
//!
//! Activations have one scale and zero point a layer ([`ActivationParams`]), weights one a layer or
//! one an output channel ([`WeightParams`]). A [`QuantConfig`] makes both from what an [`Observer`]
//! saw of the layer's inputs on a calibration set and from the weights themselves; a
//! [`ParamsFile`] carries them to another run instead. Whatever their origin, they are brought into
//! the range that the operand coding indexes before a layer uses them.

mod config;
mod file;
mod observer;
mod params;

pub use config::{ACT_SCHEMES, ActScheme, QuantConfig, QuantError, WEIGHT_SCHEMES, WeightScheme};
pub use file::{ParamsFile, ParamsFileError};
pub use observer::{Calibrator, Observed, Observer, ObserverParseError};
pub use params::{ActivationParams, IntRange, LayerParams, MIN_SCALE, ParamsError, WeightParams};
