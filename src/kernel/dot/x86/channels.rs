//! Sums of a few positions and a block of channels, all of them in registers.

use super::each;
use super::instructions::Instructions;
use crate::kernel::dot::{ChannelPanels, Run, bounds};
use std::ops::Range;

/// What a depthwise convolution sums.
pub struct Channels<'a, K: Instructions> {
    images: &'a [K::Operand],
    positions: &'a [usize],
    runs: &'a [Run],
    weights: &'a ChannelPanels<K::Weight>,
    channels: Range<usize>,
    /// Sums of a position.
    width: usize,
}

/// Channels of a block: those of four registers of sums.
const fn block<K: Instructions>() -> usize {
    4 * K::LANES
}

/// Taps that are multiplied at once: a run with a factor is the last of its group.
fn groups(runs: &[Run], most: usize) -> impl Iterator<Item = &[Run]> {
    let mut rest = runs;
    std::iter::from_fn(move || {
        let most = &rest[..most.min(rest.len())];
        let end = most.iter().position(|run| run.factor != 1).map_or(most.len(), |at| at + 1);
        let group;
        (group, rest) = rest.split_at(end);
        (!group.is_empty()).then_some(group)
    })
}

/// [`DotKernel::pack_channels`](crate::kernel::dot::DotKernel::pack_channels): `[block][group of taps][register][lane]
/// [tap of the group]`.
pub fn pack<K: Instructions>(
    runs: &[Run],
    channels: usize,
    weight: &dyn Fn(usize, usize) -> K::Weight,
) -> ChannelPanels<K::Weight> {
    let mut all = Vec::new();
    for first in (0..channels).step_by(block::<K>()) {
        let mut tap = 0;
        for group in groups(runs, K::GROUP) {
            for (register, lane) in (0..4).flat_map(|register| (0..K::LANES).map(move |lane| (register, lane))) {
                let channel = first + K::channel(register, lane);
                let of = |i| {
                    if i < group.len() && channel < channels { weight(tap + i, channel) } else { K::Weight::default() }
                };
                all.extend((0..K::GROUP).map(of));
            }
            tap += group.len();
        }
    }
    let block = groups(runs, K::GROUP).count() * block::<K>() * K::GROUP;
    ChannelPanels::new([runs.len(), channels], [all.len() / block.max(1), block], all.into_iter())
}

/// [`DotKernel::channel_sums`](crate::kernel::dot::DotKernel::channel_sums).
pub fn sums<K: Instructions>(
    images: &[K::Operand],
    positions: &[usize],
    runs: &[Run],
    weights: &ChannelPanels<K::Weight>,
    channels: Range<usize>,
    sums: &mut [K::Sum],
) {
    assert!(K::is_supported(), "registers that this processor has not");
    let width = bounds::channel_sums(images.len(), positions, runs, weights, channels.clone(), sums.len());
    if positions.is_empty() || channels.is_empty() {
        return;
    }
    let groups = groups(runs, K::GROUP).count();
    let packed = weights.block(0).len();
    assert!(groups * block::<K>() * K::GROUP == packed, "{groups} groups of taps and {packed} weights");
    let channels = Channels { images, positions, runs, weights, channels, width };
    // SAFETY: the processor has the instructions, `width` elements from `channels.start` on of every run of every
    // position are inside the images, a block of weights has those of the runs, and the sums are of all positions.
    unsafe { K::channels(&channels, sums) };
}

/// Computes the sums of all positions and blocks, `P` positions at a time.
///
/// # Safety
/// The processor has the instructions, and the caller is compiled for them. Of every position, `width` elements from
/// the first channel on of each run lie in the images; a block of weights is of the groups of the runs; and `width`
/// sums of each position are writable.
#[inline(always)]
pub unsafe fn run<K: Instructions, const P: usize>(all: &Channels<K>, sums: &mut [K::Sum]) {
    let Channels { width, .. } = *all;
    for (positions, sums) in all.positions.chunks(P).zip(sums.chunks_mut(P * width)) {
        for first in all.channels.clone().step_by(block::<K>()) {
            let weights = all.weights.block(first / block::<K>()).as_ptr();
            let sums = sums[first - all.channels.start..].as_mut_ptr();
            // SAFETY: a block ends within the `width` elements and sums of a position, which is a multiple of it.
            unsafe {
                let images = all.images.as_ptr().add(first);
                if let Some(positions) = positions.first_chunk::<P>() {
                    add::<K, P>(images, positions, all.runs, weights, sums, width);
                } else {
                    for (p, &position) in positions.iter().enumerate() {
                        add::<K, 1>(images, &[position], all.runs, weights, sums.add(p * width), width);
                    }
                }
            }
        }
    }
}

/// Overwrites the sums of `P` positions and a block of channels.
///
/// # Safety
/// As [`run`] states; `images` is advanced to the block, and `sums` of each position lie `width` apart.
#[inline(always)]
unsafe fn add<K: Instructions, const P: usize>(
    images: *const K::Operand,
    positions: &[usize; P],
    runs: &[Run],
    mut weights: *const K::Weight,
    sums: *mut K::Sum,
    width: usize,
) {
    // SAFETY: as the caller states.
    unsafe {
        let mut at = [images; P];
        each!(p of P: at[p] = images.add(positions[p]));
        let mut block = [[K::zero(); 4]; P];
        for group in groups(runs, K::GROUP) {
            let last = group[group.len() - 1];
            // Taps that the group has not are the last one once more, times zero.
            let mut offsets = [last.offset; 4];
            for (offset, run) in offsets.iter_mut().zip(group) {
                *offset = run.offset;
            }
            let mut factors = [K::zero(); 4];
            for (i, factors) in factors.iter_mut().enumerate() {
                *factors = K::load(weights.add(i * K::LANES * K::GROUP));
            }
            weights = weights.add(4 * K::LANES * K::GROUP);
            each!(p of P: {
                let [a, b, c, d] = offsets;
                let operands = K::taps([at[p].add(a), at[p].add(b), at[p].add(c), at[p].add(d)]);
                for i in 0..4 {
                    block[p][i] = K::add(block[p][i], operands[i], factors[i]);
                }
            });
            if last.factor != 1 {
                each!(p of P: for sums in &mut block[p] {
                    *sums = K::multiply(*sums, last.factor);
                });
            }
        }
        each!(p of P: {
            let block = K::in_order(block[p]);
            for i in 0..4 {
                K::store(block[i], sums.add(p * width + i * K::LANES));
            }
        });
    }
}

/// Compiles [`run`] for an instruction set and a number of positions.
macro_rules! channels {
    ($features:literal, $positions:literal) => {
        unsafe fn channels(all: &Channels<Self>, sums: &mut [Self::Sum]) {
            #[target_feature(enable = $features)]
            unsafe fn run<K: Instructions>(all: &Channels<K>, sums: &mut [K::Sum]) {
                // SAFETY: as the caller states.
                unsafe { channels::run::<K, $positions>(all, sums) }
            }
            // SAFETY: as the caller states.
            unsafe { run::<Self>(all, sums) }
        }
    };
}
pub(super) use channels;
