//! Sums of a few positions and panels, all of them in registers.

use super::instructions::{Instructions, Tile};
use super::register::Register;
use crate::kernel::dot::{Panels, Run, bounds};
use std::arch::asm;
use std::ops::Range;

/// [`DotKernel::sums`](crate::kernel::dot::DotKernel::sums).
pub fn sums<K: Instructions>(
    images: &[K::Operand],
    positions: &[usize],
    runs: &[Run],
    weights: &Panels<K::Weight>,
    panels: Range<usize>,
    sums: &mut [K::Sum],
) {
    assert!(K::is_supported(), "registers that this processor has not");
    assert!(panels.len() <= K::PANELS, "panels {panels:?} at once");
    bounds::sums([K::GROUP, K::Register::LANES], images.len(), positions, runs, weights, panels.clone(), sums.len());
    if positions.is_empty() || panels.is_empty() {
        return;
    }
    let (width, panel) = (panels.len() * K::Register::LANES, weights.panel(panels.start).len());
    // Tiles of about one size: none is left with few positions, whose sums would wait for each other.
    let tiles = positions.len().div_ceil(K::positions(panels.len()));
    let (size, larger) = (positions.len() / tiles, positions.len() % tiles);
    let (mut positions, mut sums) = (positions, sums);
    for tile in 0..tiles {
        let (now, later) = positions.split_at(size + usize::from(tile < larger));
        let (to, rest) = sums.split_at_mut(now.len() * width);
        let weights = weights.panel(panels.start).as_ptr();
        let tile = Tile { images: images.as_ptr(), positions: now, runs, weights, panel, sums: to.as_mut_ptr() };
        // SAFETY: the processor has the instructions, every run of every position ends inside the images, the runs
        // have as many groups as each of the panels, which follow each other, and `to` holds the sums.
        unsafe { K::tile(&tile, panels.len()) };
        (positions, sums) = (later, rest);
    }
}

/// Does something for each of `0..COUNT`, for a constant of at most 24, in a line and not in a loop: compilers leave
/// loops as long as these alone, and then keep in memory what their steps index.
macro_rules! each {
    ($i:ident of $count:ident: $body:expr) => {
        each!($i of $count: $body; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23)
    };
    ($i:ident of $count:ident: $body:expr; $($at:literal)+) => {
        $(if $at < $count {
            let $i = $at;
            $body
        })+
    };
}

/// Computes a tile in `P` times `N` registers of sums.
///
/// # Safety
/// The processor has the instructions, and the caller is compiled for them. Of `P` positions, all runs lie in
/// the images. `N` panels of weights have the groups of the runs, and as many sums as that are writable.
#[inline(always)]
pub unsafe fn run<K: Instructions, const P: usize, const N: usize>(tile: &Tile<K>) {
    // SAFETY: as the caller states.
    unsafe {
        let mut at = [tile.images; P];
        each!(p of P: at[p] = tile.images.add(*tile.positions.get_unchecked(p)));
        let mut sums = [[K::Register::zero(); N]; P];
        let mut weights = tile.weights;
        for run in tile.runs {
            let mut offset = run.offset;
            for _ in 0..run.groups {
                add::<K, P, N>(&mut sums, &at, offset, weights, tile.panel);
                offset = hidden(offset + K::GROUP);
                weights = weights.add(K::GROUP * K::Register::LANES);
            }
            if run.factor != 1 {
                each!(p of P: for sums in &mut sums[p] {
                    *sums = sums.multiply(run.factor);
                });
            }
        }
        each!(p of P: for (n, &sums) in sums[p].iter().enumerate() {
            sums.store(tile.sums.add((p * N + n) * K::Register::LANES).cast());
        });
    }
}

/// `offset`, of which compilers do not know what it was made of: they would add it to the addresses of all positions at
/// the start of each run, which is more work than a short run.
#[inline(always)]
fn hidden(mut offset: usize) -> usize {
    // SAFETY: no instruction.
    unsafe { asm!("/* {0} */", inout(reg) offset, options(pure, nomem, nostack, preserves_flags)) };
    offset
}

/// Adds the products of a group to the sums of a tile.
///
/// # Safety
/// As [`run`] states; `offset` and `weights` are followed by a group.
#[inline(always)]
unsafe fn add<K: Instructions, const P: usize, const N: usize>(
    sums: &mut [[K::Register; N]; P],
    at: &[*const K::Operand; P],
    offset: usize,
    weights: *const K::Weight,
    panel: usize,
) {
    // SAFETY: as the caller states.
    unsafe {
        let mut all = [K::Register::zero(); N];
        for (n, all) in all.iter_mut().enumerate() {
            *all = K::Register::load(weights.add(n * panel).cast());
        }
        each!(p of P: {
            let operands = K::Register::splat(at[p].add(offset).cast());
            for (sums, &weights) in sums[p].iter_mut().zip(&all) {
                *sums = K::add(*sums, operands, weights);
            }
        });
    }
}

pub(super) use each;
