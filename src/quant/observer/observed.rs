//! What calibration leaves of a layer's input.

use super::distribution::Distribution;
use super::grid::Grid;
use std::sync::Arc;

/// What was observed of one layer's input over a calibration set.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The true minimum, also where the observer clips it.
    pub minimum: f32,
    /// Lower end of an affine range; of one that is found for its integers, the true minimum.
    pub low: f32,
    /// Upper end of an affine range, likewise.
    pub high: f32,
    /// Largest magnitude of a symmetric range, likewise.
    pub max_abs: f32,
    /// All values, for an observer that clips as the integers in use ask for.
    pub distribution: Option<Arc<Distribution>>,
}

impl Observed {
    /// Values between two that occurred, none of which is clipped.
    pub fn between(low: f32, high: f32) -> Self {
        Observed { minimum: low, low, high, max_abs: low.abs().max(high.abs()), distribution: None }
    }

    /// The largest magnitude of a symmetric range; `grid` are the integers that a range up to a magnitude gives.
    pub(in crate::quant) fn magnitude(&self, grid: impl Fn(f32) -> Grid) -> f32 {
        self.searchable().map_or(self.max_abs, |distribution| distribution.magnitude(self.max_abs, grid))
    }

    /// The ends of an affine range; `grid` are the integers that a range gives.
    pub(in crate::quant) fn ends(&self, grid: impl Fn([f32; 2]) -> Grid) -> [f32; 2] {
        let ends = [self.low, self.high];
        self.searchable().map_or(ends, |distribution| distribution.ends(ends, grid))
    }

    /// The distribution, where a range can be found in it: there are values other than zero, and all are finite.
    fn searchable(&self) -> Option<&Distribution> {
        self.distribution.as_deref().filter(|_| self.max_abs > 0.0 && self.max_abs.is_finite())
    }
}
