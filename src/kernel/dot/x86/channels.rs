//! Sums of a few positions and a block of channels, all of them in registers.

use super::instructions::{Depthwise, Instructions, Taps};
use super::register::Register;
use super::tiles::each;
use crate::kernel::dot::{ChannelPanels, Run, bounds};
use std::cell::RefCell;
use std::ops::Range;

/// Channels of a block: those of four registers of sums.
const fn block<K: Instructions>() -> usize {
    4 * K::Register::LANES
}

thread_local! {
    /// Memory that calls on one thread share.
    static TAPS: RefCell<Vec<Taps>> = RefCell::default();
}

/// Overwrites `taps` with those of `runs` in groups of at most `most`: one with a factor is the last of its group.
fn group(runs: &[Run], most: usize, taps: &mut Vec<Taps>) {
    taps.clear();
    for segment in runs.chunk_by(|before, _| before.factor == 1) {
        for group in segment.chunks(most) {
            let last = group[group.len() - 1];
            let offsets = std::array::from_fn(|i| group.get(i).unwrap_or(&last).offset);
            taps.push(Taps { offsets, len: group.len(), factor: last.factor });
        }
    }
}

/// [`DotKernel::pack_channels`](crate::kernel::dot::DotKernel::pack_channels): `[block][group of taps][register][lane]
/// [tap of the group]`.
pub fn pack<K: Instructions>(
    runs: &[Run],
    channels: usize,
    weight: &dyn Fn(usize, usize) -> K::Weight,
) -> ChannelPanels<K::Weight> {
    let (mut groups, mut all) = (Vec::new(), Vec::new());
    group(runs, K::GROUP, &mut groups);
    for first in (0..channels).step_by(block::<K>()) {
        let mut tap = 0;
        for taps in &groups {
            let lanes = (0..4).flat_map(|register| (0..K::Register::LANES).map(move |lane| (register, lane)));
            for (register, lane) in lanes {
                let channel = first + K::channel(register, lane);
                let is_there = |i| i < taps.len && channel < channels;
                let of = |i| if is_there(i) { weight(tap + i, channel) } else { K::Weight::default() };
                all.extend((0..K::GROUP).map(of));
            }
            tap += taps.len;
        }
    }
    let block = groups.len() * block::<K>() * K::GROUP;
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
    TAPS.with_borrow_mut(|taps| {
        group(runs, K::GROUP, taps);
        let packed = weights.block(0).len() / (block::<K>() * K::GROUP);
        assert!(taps.len() == packed, "{} groups of taps and weights of {packed}", taps.len());
        let all = Depthwise { images, positions, taps, weights, channels, width };
        // SAFETY: the processor has the instructions, `width` elements from `channels.start` on of every tap of every
        // position are inside the images, a block of weights has those of the taps, and the sums are of all positions.
        unsafe { K::channels(&all, sums) };
    });
}

/// Computes the sums of all positions and blocks, `P` positions at a time.
///
/// # Safety
/// The processor has the instructions, and the caller is compiled for them. Of every position, `width` elements from
/// the first channel on of each tap lie in the images; a block of weights is of the taps; and `width` sums of each
/// position are writable.
#[inline(always)]
pub unsafe fn run<K: Instructions, const P: usize>(all: &Depthwise<K>, sums: &mut [K::Sum]) {
    // Block by block: what the taps of neighboring positions share stays in the first-level cache.
    for first in all.channels.clone().step_by(block::<K>()) {
        let registers = (all.channels.end - first).div_ceil(K::Register::LANES).next_multiple_of(K::UNIT);
        let sums = &mut sums[first - all.channels.start..];
        // SAFETY: a block ends within the `width` elements and sums of a position, which is a multiple of it; where
        // it has fewer registers, they are of a multiple of the unit.
        unsafe {
            match registers {
                1 if K::UNIT == 1 => positions::<K, P, 1>(all, first, sums),
                2 if K::UNIT <= 2 => positions::<K, P, 2>(all, first, sums),
                3 if K::UNIT == 1 => positions::<K, P, 3>(all, first, sums),
                _ => positions::<K, P, 4>(all, first, sums),
            }
        }
    }
}

/// Computes `R` registers of sums of all positions, of the block from channel `first` on.
///
/// # Safety
/// As [`run`] states; `sums` are those from this block's of the first position on.
#[inline(always)]
unsafe fn positions<K: Instructions, const P: usize, const R: usize>(
    all: &Depthwise<K>,
    first: usize,
    sums: &mut [K::Sum],
) {
    let weights = all.weights.block(first / block::<K>()).as_ptr();
    for (i, positions) in all.positions.chunks(P).enumerate() {
        // SAFETY: as the caller states.
        unsafe {
            let (images, sums) = (all.images.as_ptr().add(first), sums.as_mut_ptr().add(i * P * all.width));
            if let Some(positions) = positions.first_chunk::<P>() {
                add::<K, P, R>(images, positions, all.taps, weights, sums, all.width);
            } else {
                for (p, &position) in positions.iter().enumerate() {
                    add::<K, 1, R>(images, &[position], all.taps, weights, sums.add(p * all.width), all.width);
                }
            }
        }
    }
}

/// Overwrites `R` registers of sums of `P` positions.
///
/// # Safety
/// As [`run`] states; `images` is advanced to the block, and `sums` of each position lie `width` apart.
#[inline(always)]
unsafe fn add<K: Instructions, const P: usize, const R: usize>(
    images: *const K::Operand,
    positions: &[usize; P],
    taps: &[Taps],
    mut weights: *const K::Weight,
    sums: *mut K::Sum,
    width: usize,
) {
    // SAFETY: as the caller states.
    unsafe {
        let mut at = [images; P];
        each!(p of P: at[p] = images.add(positions[p]));
        let mut block = [[K::Register::zero(); R]; P];
        for segment in taps.chunk_by(|before, _| before.factor == 1) {
            for taps in segment {
                let mut factors = [K::Register::zero(); R];
                for (i, factors) in factors.iter_mut().enumerate() {
                    *factors = K::Register::load(weights.add(i * K::Register::LANES * K::GROUP).cast());
                }
                weights = weights.add(4 * K::Register::LANES * K::GROUP);
                each!(p of P: {
                    let [a, b, c, d] = taps.offsets;
                    let operands = K::taps::<R>([at[p].add(a), at[p].add(b), at[p].add(c), at[p].add(d)]);
                    for i in 0..R {
                        block[p][i] = K::add(block[p][i], operands[i], factors[i]);
                    }
                });
            }
            let factor = segment[segment.len() - 1].factor;
            if factor != 1 {
                each!(p of P: for sums in &mut block[p] {
                    *sums = sums.multiply(factor);
                });
            }
        }
        each!(p of P: {
            let block = K::in_order(block[p]);
            for (i, sums_of) in block.into_iter().enumerate() {
                sums_of.store(sums.add(p * width + i * K::Register::LANES).cast());
            }
        });
    }
}

/// [`Instructions::taps`] of one tap a group: operands as they lie in memory.
///
/// # Safety
/// The processor has the registers, and `tap` is followed by `R` of them.
#[inline(always)]
pub unsafe fn in_line<T, V: Register, const R: usize>(tap: *const T) -> [V; R] {
    // SAFETY: as the caller states.
    unsafe {
        let mut registers = [V::zero(); R];
        for (i, register) in registers.iter_mut().enumerate() {
            *register = V::load(tap.add(i * V::LANES).cast());
        }
        registers
    }
}
