//! Dot products in the registers of AVX-512 and AVX2.
//!
//! One loop serves all of them: a tile of positions and panels, whose sums are in registers; for each group of
//! operands, the weights of all panels are loaded, and each position's operands are copied to all lanes. Depthwise
//! convolutions have a loop of their own, over tiles of positions and channels.

#![allow(
    clippy::wildcard_imports,
    clippy::cast_ptr_alignment,
    clippy::inline_always,
    reason = "intrinsics by the dozen, unaligned loads, and helpers that must take the caller's instruction set"
)]

mod avx2;
mod avx512;
mod channels;
mod instructions;
mod register;
mod tiles;

pub use avx2::{Bytes256, Reals256, Words256};
pub use avx512::{Bytes512, Reals512};

use super::{ChannelPanels, DotKernel, Panels, Run};
pub use instructions::Instructions;
use register::Register;
use std::ops::Range;

/// Dot products in tiles of registers.
pub struct Tiled<K>(pub K);

impl<K: Instructions> DotKernel<K::Operand, K::Weight, K::Sum> for Tiled<K> {
    fn group(&self) -> usize {
        K::GROUP
    }

    fn lanes(&self) -> usize {
        K::Register::LANES
    }

    fn panels(&self) -> usize {
        K::PANELS
    }

    fn sums(
        &self,
        images: &[K::Operand],
        positions: &[usize],
        runs: &[Run],
        weights: &Panels<K::Weight>,
        panels: Range<usize>,
        sums: &mut [K::Sum],
    ) {
        tiles::sums::<K>(images, positions, runs, weights, panels, sums);
    }

    fn pack_channels(
        &self,
        runs: &[Run],
        channels: usize,
        weight: &dyn Fn(usize, usize) -> K::Weight,
    ) -> ChannelPanels<K::Weight> {
        channels::pack::<K>(runs, channels, weight)
    }

    fn channel_sums(
        &self,
        images: &[K::Operand],
        positions: &[usize],
        runs: &[Run],
        weights: &ChannelPanels<K::Weight>,
        channels: Range<usize>,
        sums: &mut [K::Sum],
    ) {
        channels::sums::<K>(images, positions, runs, weights, channels, sums);
    }
}
