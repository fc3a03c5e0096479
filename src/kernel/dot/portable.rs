//! Dot products in plain loops that compilers vectorize: for processors without instructions of their own here.

use super::{ChannelPanels, DotKernel, Panels, Run, bounds};
use crate::kernel::SLACK;
use std::ops::Range;

/// Outputs of a panel.
const LANES: usize = 8;
/// Positions whose sums are in registers at once: with 8 lanes of 32 bits, half of 16 registers of 128.
const POSITIONS: usize = 4;

/// Dot products of numbers of a kind.
pub struct Portable<N>(pub N);

/// What a portable kernel multiplies.
pub trait Numbers<A, W, S> {
    /// Operands that are multiplied at a time.
    const GROUP: usize;

    /// Adds the products of a group of operands and the groups of weights of all lanes.
    fn add_group(sums: &mut [S; LANES], operands: &[A], weights: &[W]);

    /// Adds one product.
    fn add(sum: &mut S, operand: A, weight: W);

    /// Multiplies a sum.
    fn multiply(sum: &mut S, factor: i32);
}

/// Words in pairs, in lanes of 32 bits.
pub struct Words;

impl Numbers<i16, i16, i32> for Words {
    const GROUP: usize = 2;

    #[inline]
    fn add_group(sums: &mut [i32; LANES], operands: &[i16], weights: &[i16]) {
        let (&[first, second], Some(weights)) = (operands, weights.first_chunk::<{ 2 * LANES }>()) else { return };
        for (lane, sum) in sums.iter_mut().enumerate() {
            let [a, b] = [first, second].map(i32::from);
            let [c, d] = [weights[2 * lane], weights[2 * lane + 1]].map(i32::from);
            *sum = sum.wrapping_add((a * c).wrapping_add(b * d));
        }
    }

    #[inline]
    fn add(sum: &mut i32, operand: i16, weight: i16) {
        *sum = sum.wrapping_add(i32::from(operand) * i32::from(weight));
    }

    #[inline]
    fn multiply(sum: &mut i32, factor: i32) {
        *sum = sum.wrapping_mul(factor);
    }
}

/// `f32`, one product after another.
pub struct Reals;

impl Numbers<f32, f32, f32> for Reals {
    const GROUP: usize = 1;

    #[inline]
    fn add_group(sums: &mut [f32; LANES], operands: &[f32], weights: &[f32]) {
        for (sum, weight) in sums.iter_mut().zip(weights) {
            *sum += operands[0] * weight;
        }
    }

    #[inline]
    fn add(sum: &mut f32, operand: f32, weight: f32) {
        *sum += operand * weight;
    }

    #[inline]
    fn multiply(_: &mut f32, _: i32) {}
}

/// Sums of `P` positions and one panel.
fn tile<A, W, S, N, const P: usize>(images: &[A], positions: [usize; P], runs: &[Run], weights: &[W]) -> [[S; LANES]; P]
where
    A: Copy,
    S: Copy + Default,
    N: Numbers<A, W, S>,
{
    let mut sums = [[S::default(); LANES]; P];
    let mut weights = weights.chunks_exact(LANES * N::GROUP);
    for run in runs {
        let operands = positions.map(|position| &images[position + run.offset..][..run.groups * N::GROUP]);
        for (group, weights) in (0..run.groups).zip(&mut weights) {
            for (sums, operands) in sums.iter_mut().zip(&operands) {
                N::add_group(sums, &operands[group * N::GROUP..][..N::GROUP], weights);
            }
        }
        if run.factor != 1 {
            sums.as_flattened_mut().iter_mut().for_each(|sum| N::multiply(sum, run.factor));
        }
    }
    sums
}

impl<A, W, S, N> DotKernel<A, W, S> for Portable<N>
where
    A: Copy + Send + Sync,
    W: Copy + Default + Send + Sync,
    S: Copy + Default + Send + Sync,
    N: Numbers<A, W, S> + Send + Sync,
{
    fn group(&self) -> usize {
        N::GROUP
    }

    fn lanes(&self) -> usize {
        LANES
    }

    fn panels(&self) -> usize {
        4
    }

    fn sums(
        &self,
        images: &[A],
        positions: &[usize],
        runs: &[Run],
        weights: &Panels<W>,
        panels: Range<usize>,
        sums: &mut [S],
    ) {
        bounds::sums([N::GROUP, LANES], images.len(), positions, runs, weights, panels.clone(), sums.len());
        let width = panels.len() * LANES;
        for (at, panel) in panels.enumerate() {
            let weights = weights.panel(panel);
            for (positions, sums) in positions.chunks(POSITIONS).zip(sums.chunks_mut((POSITIONS * width).max(1))) {
                // Positions that the last tile has not are its first one once more.
                let positions: [usize; POSITIONS] = std::array::from_fn(|p| *positions.get(p).unwrap_or(&positions[0]));
                let tile = tile::<A, W, S, N, POSITIONS>(images, positions, runs, weights);
                for (sums, tile) in sums.chunks_exact_mut(width).zip(&tile) {
                    sums[at * LANES..][..LANES].copy_from_slice(tile);
                }
            }
        }
    }

    fn pack_channels(&self, runs: &[Run], channels: usize, weight: &dyn Fn(usize, usize) -> W) -> ChannelPanels<W> {
        let taps = runs.len();
        let of = |tap, channel| if channel < channels { weight(tap, channel) } else { W::default() };
        let block =
            |block| (0..taps).flat_map(move |tap| (block * SLACK..(block + 1) * SLACK).map(move |at| of(tap, at)));
        let blocks = channels.div_ceil(SLACK);
        ChannelPanels::new([taps, channels], [blocks, taps * SLACK], (0..blocks).flat_map(block))
    }

    fn channel_sums(
        &self,
        images: &[A],
        positions: &[usize],
        runs: &[Run],
        weights: &ChannelPanels<W>,
        channels: Range<usize>,
        sums: &mut [S],
    ) {
        let width = bounds::channel_sums(images.len(), positions, runs, weights, channels.clone(), sums.len());
        for (&position, sums) in positions.iter().zip(sums.chunks_exact_mut(width.max(1))) {
            for (first, sums) in channels.clone().step_by(SLACK).zip(sums.as_chunks_mut::<SLACK>().0) {
                *sums = [S::default(); SLACK];
                for (run, weights) in runs.iter().zip(weights.block(first / SLACK).as_chunks::<SLACK>().0) {
                    let operands: &[A; SLACK] = images[position + run.offset + first..].first_chunk().expect("slack");
                    for ((sum, &operand), &weight) in sums.iter_mut().zip(operands).zip(weights) {
                        N::add(sum, operand, weight);
                    }
                    if run.factor != 1 {
                        sums.iter_mut().for_each(|sum| N::multiply(sum, run.factor));
                    }
                }
            }
        }
    }
}
