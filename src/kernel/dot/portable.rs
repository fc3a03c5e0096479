//! Dot products in plain loops that compilers vectorize: for processors without instructions of their own here.

use super::{ChannelPanels, DotKernel, Panels, Run};
use crate::kernel::SLACK;
use std::ops::Range;

/// Outputs of a panel.
const LANES: usize = 8;

/// Dot products of numbers of a kind.
pub struct Portable<N>(pub N);

/// What a portable kernel multiplies.
pub trait Numbers<A, W, S> {
    /// Operands that are multiplied at a time.
    const GROUP: usize;

    /// Adds products to a sum.
    fn add(sum: &mut S, operands: &[A], weights: &[W]);

    /// Multiplies a sum.
    fn multiply(sum: &mut S, factor: i32);
}

/// Words in pairs, in lanes of 32 bits.
pub struct Words;

impl Numbers<i16, i16, i32> for Words {
    const GROUP: usize = 2;

    fn add(sum: &mut i32, operands: &[i16], weights: &[i16]) {
        for (&operand, &weight) in operands.iter().zip(weights) {
            *sum = sum.wrapping_add(i32::from(operand) * i32::from(weight));
        }
    }

    fn multiply(sum: &mut i32, factor: i32) {
        *sum = sum.wrapping_mul(factor);
    }
}

/// `f32`, one product after another.
pub struct Reals;

impl Numbers<f32, f32, f32> for Reals {
    const GROUP: usize = 1;

    fn add(sum: &mut f32, operands: &[f32], weights: &[f32]) {
        for (&operand, &weight) in operands.iter().zip(weights) {
            *sum += operand * weight;
        }
    }

    fn multiply(_: &mut f32, _: i32) {}
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
        let width = panels.len() * LANES;
        for (&position, sums) in positions.iter().zip(sums.chunks_exact_mut(width)) {
            for (panel, sums) in panels.clone().zip(sums.chunks_exact_mut(LANES)) {
                sums.fill(S::default());
                let mut weights = weights.panel(panel).chunks_exact(LANES * N::GROUP);
                for run in runs {
                    let operands = &images[position + run.offset..][..run.groups * N::GROUP];
                    for (operands, weights) in operands.chunks_exact(N::GROUP).zip(&mut weights) {
                        for (sum, weights) in sums.iter_mut().zip(weights.chunks_exact(N::GROUP)) {
                            N::add(sum, operands, weights);
                        }
                    }
                    if run.factor != 1 {
                        sums.iter_mut().for_each(|sum| N::multiply(sum, run.factor));
                    }
                }
            }
        }
    }

    fn pack_channels(&self, runs: &[Run], channels: usize, weight: &dyn Fn(usize, usize) -> W) -> ChannelPanels<W> {
        let taps = runs.len();
        let block = taps * SLACK;
        let mut weights = Vec::new();
        for first in (0..channels).step_by(SLACK) {
            for tap in 0..taps {
                let of = |channel| if channel < channels { weight(tap, channel) } else { W::default() };
                weights.extend((first..first + SLACK).map(of));
            }
        }
        ChannelPanels { weights, block, taps, channels }
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
        assert!(runs.len() == weights.taps && channels.end <= weights.channels);
        let width = channels.len().next_multiple_of(SLACK);
        for (p, &position) in positions.iter().enumerate() {
            for first in channels.clone().step_by(SLACK) {
                let weights = weights.weights[first / SLACK * weights.block..].chunks_exact(SLACK);
                let sums = &mut sums[p * width + first - channels.start..][..SLACK.min(channels.end - first)];
                sums.fill(S::default());
                for (run, weights) in runs.iter().zip(weights) {
                    let operands = &images[position + run.offset + first..][..SLACK];
                    for ((sum, &operand), &weight) in sums.iter_mut().zip(operands).zip(weights) {
                        N::add(sum, &[operand], &[weight]);
                        N::multiply(sum, run.factor);
                    }
                }
            }
        }
    }
}
