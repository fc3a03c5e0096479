//! The distribution of a layer's input, which a criterion finds a range in once the integers are known.

use super::grid::Grid;
use super::histogram::Histogram;
use super::{entropy, mse};

/// What makes one range better than another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Criterion {
    Mse,
    Entropy,
}

/// A histogram of values, and by what a range for them is chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    pub(super) criterion: Criterion,
    pub(super) histogram: Histogram,
}

impl Distribution {
    /// The best magnitude of a symmetric range, at most the largest one that occurred.
    pub(super) fn magnitude(&self, max_abs: f32, grid: impl Fn(f32) -> Grid) -> f32 {
        match self.criterion {
            Criterion::Mse => mse::magnitude(&self.histogram, max_abs, grid),
            Criterion::Entropy => entropy::magnitude(&self.histogram, max_abs, grid(max_abs).largest),
        }
    }

    /// The best ends of an affine range within those that occurred.
    pub(super) fn ends(&self, ends: [f32; 2], grid: impl Fn([f32; 2]) -> Grid) -> [f32; 2] {
        match self.criterion {
            Criterion::Mse => mse::ends(&self.histogram, ends, grid),
            Criterion::Entropy => {
                let Grid { least, largest, .. } = grid(ends);
                entropy::ends(&self.histogram, ends, largest - least)
            }
        }
    }
}
