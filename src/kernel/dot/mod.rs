//! Dot products over channels-last images, many outputs side by side.
//!
//! An output position reads [`Run`]s of operands, each of which lies side by side in memory; kernels multiply
//! each operand by the weights of a [panel](Panels) of outputs, whose sums fill registers. Neither patches nor
//! planes are copied. Sums of integers are exact modulo 2^32, and those of `f32` add one product after
//! another in the order of the runs, so that no sum depends on how positions and outputs are split.
//!
//! Runs may be multiplied: after a run, all sums so far are multiplied by its factor. So a product of
//! weighted terms, `s_1 f_1(a) g_1(w) + s_2 f_2(a) g_2(w) + ..`, takes one pass.

mod bounds;
mod panels;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use panels::{ChannelPanels, Panels};
pub use portable::{Portable, Reals, Words};
#[cfg(target_arch = "x86_64")]
pub use x86::{Bytes256, Bytes512, Reals256, Reals512, Tiled, Words256};

use std::ops::Range;

/// Operands side by side in memory that every output position reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Elements from the position's own address.
    pub offset: usize,
    /// Groups of [`DotKernel::group`] operands; of [`DotKernel::channel_sums`], where a run is one tap, 1.
    pub groups: usize,
    /// What all sums are multiplied by after the run, modulo 2^32; 1 where sums are not integers.
    pub factor: i32,
}

/// Sums of products of operands `A` and weights `W` as `S`, for one instruction set.
pub trait DotKernel<A, W, S>: Send + Sync {
    /// Operands that a lane multiplies at a time: weights are laid out in such groups, and runs counted in them.
    fn group(&self) -> usize;

    /// Outputs of a panel.
    fn lanes(&self) -> usize;

    /// The most panels that [`sums`](Self::sums) computes with all sums in registers.
    fn panels(&self) -> usize;

    /// Overwrites `sums[(p * panels.len() + i) * lanes + lane]` with the sum, over all runs, of the operands of
    /// position `p` times the weights of output `(panels.start + i) * lanes + lane`.
    ///
    /// # Panics
    /// When a run of a position reaches past `images`, the runs have not as many groups as the weights, or `sums`
    /// is too short.
    fn sums(
        &self,
        images: &[A],
        positions: &[usize],
        runs: &[Run],
        weights: &Panels<W>,
        panels: Range<usize>,
        sums: &mut [S],
    );

    /// Lays out the weights of a depthwise convolution, `weight(tap, channel)`, whose taps are `runs`.
    fn pack_channels(&self, runs: &[Run], channels: usize, weight: &dyn Fn(usize, usize) -> W) -> ChannelPanels<W>;

    /// Overwrites `sums[p * width + i]` with the sum, over all runs, of operand `channels.start + i` of position `p`
    /// there times that channel's weight, where `width` is the number of channels rounded up to a multiple of
    /// [`SLACK`](super::SLACK); `channels.start` is a multiple, too. Sums past the last channel are unspecified.
    ///
    /// # Panics
    /// When a run of a position, of whole multiples of [`SLACK`](super::SLACK) channels, reaches past `images`, the
    /// runs are not those of the weights, or `sums` is too short.
    fn channel_sums(
        &self,
        images: &[A],
        positions: &[usize],
        runs: &[Run],
        weights: &ChannelPanels<W>,
        channels: Range<usize>,
        sums: &mut [S],
    );
}

/// Unsigned bytes times signed bytes.
pub type ByteDot = dyn DotKernel<u8, i8, i32>;
/// Words times words.
pub type WordDot = dyn DotKernel<i16, i16, i32>;
/// Numbers times numbers.
pub type RealDot = dyn DotKernel<f32, f32, f32>;

/// What a processor multiplies integers as.
#[derive(Clone, Copy)]
pub enum IntegerDot {
    /// Operands are unsigned bytes, and weights signed ones.
    Bytes(&'static ByteDot),
    /// Both are words.
    Words(&'static WordDot),
}

#[cfg(test)]
mod tests;
