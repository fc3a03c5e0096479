//! Sums of looked-up products over byte tiles.
//!
//! The lowest module of the crate: it knows neither tensors nor layers nor files. A layer passes it
//! an [`EffectiveTable`] (the combination of a multiplier and an operand coding), its weights as bytes,
//! and activations as bytes packed into a [`Tile`] of [`LANES`] columns; a [`Kernel`] computes,
//! for each output row `o` and lane `n`,
//!
//! ```text
//! sum[o][n] = sum over k of table(activation = tile[k][n], weight = weights[o][k])
//! ```
//!
//! as an exact `i32`. The caller keeps every sum within `i32` by limiting the depth of a call
//! ([`EffectiveTable::safe_depth`]) and adds blocks of depth in `i64`.
//!
//! Where the terms are products of integers, or short sums of such ([`choose`]), no table is needed: a [`DotKernel`]
//! multiplies channels-last images ([`ImageLayout`]), whose elements are the operands, by weights in [`Panels`]; so it
//! does with real numbers.
//!
//! Kernels are a registry ([`KERNELS`]), best first, of which [`best`] takes the first that the
//! processor can run. [`Scalar`] runs anywhere; tests compare every kernel with a naive implementation
//! of the same sums. This is the only module of the crate where `unsafe` is allowed.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub(crate) mod convert;
mod decomposition;
mod dot;
mod factors;
mod fixed_point;
pub(crate) mod float;
mod geometry;
mod im2col;
mod image;
mod lanes;
mod levels;
mod map;
mod operands;
mod ordered;
pub(crate) mod outputs;
mod plane;
mod rates;
#[cfg(test)]
mod reference;
mod scalar;
#[cfg(target_arch = "x86_64")]
mod shuffle;
mod table;
mod tiling;
mod transpose;

pub use convert::Clip;
#[doc(hidden)] // Benches multiply images of their own.
pub use dot::{ByteDot, ChannelPanels, DotKernel, IntegerDot, Panels, RealDot, Run, WordDot};
#[doc(hidden)]
pub use factors::{Lowered, Operand, Term, Way, bytes_of, choose};
pub use fixed_point::{FixedPoint, ROUNDINGS, Requantize, Rounding};
pub use geometry::{ConvGeometry, GeometryError, output_size};
pub(crate) use im2col::{fill_pointwise_tile, fill_tile, transpose_tile};
#[doc(hidden)]
pub use image::{ImageLayout, Images, ImagesMut, SLACK};
pub(crate) use image::{LinePart, line_parts};
#[doc(hidden)] // Benches fill tiles and planes of their own.
pub use lanes::{LANES, Lanes, Tile};
pub(crate) use levels::for_simd_levels;
pub(crate) use map::{Entry, map};
pub(crate) use ordered::{OrderedSums, slide as slide_ordered};
#[doc(hidden)]
pub use plane::{Plane, Planes};
#[doc(hidden)]
pub use rates::{LookUpRate, Rates};
pub use scalar::Scalar;
pub use table::{EffectiveTable, Signedness};
pub(crate) use tiling::TilingModel;
pub(crate) use transpose::{from_planar, to_planar, to_positions};
#[cfg(target_arch = "x86_64")]
pub use {
    avx2::{Avx2, AvxVnni},
    avx512::Avx512,
};

use crate::registry::{Named, Registry};
use dot::{Portable, Reals, Words};
use std::ops::Range;

/// A matrix of weight bytes, `rows` outputs by `depth` products, row-major.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct WeightMatrix<'a> {
    bytes: &'a [u8],
    depth: usize,
}

impl<'a> WeightMatrix<'a> {
    /// Views `bytes` as rows of `depth`.
    ///
    /// # Panics
    /// When `bytes` is not a whole number of rows.
    pub fn new(bytes: &'a [u8], depth: usize) -> Self {
        assert!(depth > 0 && bytes.len().is_multiple_of(depth), "{} bytes in rows of {depth}", bytes.len());
        WeightMatrix { bytes, depth }
    }

    /// Output rows.
    pub fn rows(&self) -> usize {
        self.bytes.len() / self.depth
    }

    /// Products summed into one output.
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// All weights.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The weights of output `row`.
    pub fn row(&self, row: usize) -> &'a [u8] {
        &self.bytes[row * self.depth..][..self.depth]
    }
}

/// An implementation of the sums for one instruction set.
pub trait Kernel: Send + Sync {
    /// The name that reports and options use.
    fn name(&self) -> &'static str;

    /// Whether this processor can run it.
    fn is_supported(&self) -> bool;

    /// Bits of the planes that it looks up.
    #[doc(hidden)]
    fn plane_bits(&self) -> u32;

    /// How long it takes for products and look-ups.
    #[doc(hidden)]
    fn rates(&self) -> Rates;

    /// How it multiplies integers.
    #[doc(hidden)]
    fn integers(&self) -> IntegerDot {
        IntegerDot::Words(&Portable(Words))
    }

    /// How it multiplies real numbers.
    #[doc(hidden)]
    fn reals(&self) -> &'static RealDot {
        &Portable(Reals)
    }

    /// Lays out one layer's weights for this kernel, once.
    #[doc(hidden)]
    fn pack(&self, table: &EffectiveTable, weights: WeightMatrix) -> Box<dyn PackedWeights>;

    /// Lays out a table for weights that are not known yet, as a factor of a product of two activations is not.
    #[doc(hidden)]
    fn prepare(&self, table: &EffectiveTable) -> Box<dyn PreparedTable>;
}

/// A table laid out for any weights.
#[doc(hidden)]
pub trait PreparedTable: Send + Sync {
    /// Lays out weights, at the cost of a pass over them.
    fn pack(&self, weights: WeightMatrix) -> Box<dyn PackedWeights>;
}

/// One group of a layer's weights, laid out for a kernel.
#[doc(hidden)]
pub trait PackedWeights: Send + Sync {
    /// Overwrites `sums[i]` with the sums of output row `rows.start + i` over the tile's rows in
    /// `depth`. Lanes past [`Tile::columns`] hold unspecified values.
    ///
    /// # Panics
    /// When `rows` or `depth` reach past the weights or the tile, or `sums` is shorter than `rows`.
    fn sums(&self, tile: &Tile, rows: Range<usize>, depth: Range<usize>, sums: &mut [Lanes<i32>]);

    /// Products summed into one output.
    fn depth(&self) -> usize;

    /// Overwrites `sums` with the sums of output row `row` at some `positions` of `plane`, over the whole depth,
    /// whose first operand is tap `tap`.
    ///
    /// # Panics
    /// When the plane has not so many taps or positions, `row` is not one of the weights, or `sums` holds fewer
    /// lanes than there are positions.
    fn slide(&self, plane: &Plane, tap: usize, row: usize, positions: Range<usize>, sums: &mut [Lanes<i32>]) {
        plane::slide_by_tiles(self, plane, tap, row, positions, sums);
    }
}

/// Every kernel, best first, whether or not this processor can run it.
pub static KERNELS: Registry<&'static dyn Kernel> = Registry::new(
    "kernel",
    &[
        #[cfg(target_arch = "x86_64")]
        &Avx512,
        #[cfg(target_arch = "x86_64")]
        &AvxVnni,
        #[cfg(target_arch = "x86_64")]
        &Avx2,
        &Scalar,
    ],
);

impl Named for &'static dyn Kernel {
    fn name(&self) -> &'static str {
        Kernel::name(*self)
    }
}

/// The best kernel that this processor can run.
pub fn best() -> &'static dyn Kernel {
    *KERNELS.iter().find(|kernel| kernel.is_supported()).expect("the scalar kernel runs anywhere")
}

#[cfg(test)]
mod tests;
