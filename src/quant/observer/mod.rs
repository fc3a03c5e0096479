//! Observers: the ranges of layers' inputs over a calibration set.
//!
//! An [`Observer`] is a method of turning values into a range; the [`Calibrator`] that it starts sees every value of a
//! layer's input once, in bounded memory, and what it leaves is [`Observed`]. Methods that weigh clipping against the
//! steps between integers decide when they know which integers there are: they leave a [`Distribution`], which is
//! searched for each width and scheme that is asked for. Nothing but the moving average depends on the order of values.

mod average;
mod calibrator;
mod distribution;
mod entropy;
mod grid;
mod histogram;
mod method;
mod mse;
mod observed;
mod tails;
#[cfg(test)]
mod tests;

pub use calibrator::Calibrator;
pub(crate) use calibrator::{Extremes, extremes};
pub use distribution::Distribution;
pub(super) use grid::Grid;
pub use method::{Observer, ObserverParseError};
pub use observed::Observed;
