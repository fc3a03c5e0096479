//! What dot products need of an instruction set, and what they hand to it.

use super::register::Register;
use crate::kernel::dot::{ChannelPanels, Run};
use std::ops::Range;

/// How an instruction set multiplies. All unsafe functions need a processor that has it, which
/// [`is_supported`](Self::is_supported) tells.
pub trait Instructions: Send + Sync + Sized + 'static {
    /// What positions hold.
    type Operand: Copy + Send + Sync;
    /// What is multiplied by them.
    type Weight: Copy + Default + Send + Sync;
    /// What is stored.
    type Sum: Copy;
    /// Sums, a group of operands in each lane, and a group of weights in each lane.
    type Register: Register;

    /// Operands that a lane multiplies at a time: those of 32 bits.
    const GROUP: usize;
    /// Panels of which a tile has all sums in registers.
    const PANELS: usize;
    /// Registers that [`taps`](Self::taps) makes at a time.
    const UNIT: usize;

    /// Whether this processor has the instructions.
    fn is_supported() -> bool;

    /// Adds the products of groups to `sums`.
    unsafe fn add(sums: Self::Register, operands: Self::Register, weights: Self::Register) -> Self::Register;

    /// Operands of a group of taps for `R` registers of channels, a multiple of [`UNIT`](Self::UNIT): as many of `taps`
    /// as a group has, each of which is followed by as many operands as the registers have lanes. Lanes are of
    /// channels as [`channel`](Self::channel) tells.
    unsafe fn taps<const R: usize>(taps: [*const Self::Operand; 4]) -> [Self::Register; R];

    /// The channel of which a lane of a register of [`taps`](Self::taps) is.
    fn channel(register: usize, lane: usize) -> usize {
        register * Self::Register::LANES + lane
    }

    /// Sums of [`taps`](Self::taps) in order of the channels.
    #[inline(always)]
    unsafe fn in_order<const R: usize>(sums: [Self::Register; R]) -> [Self::Register; R] {
        sums
    }

    /// The most positions of a tile of so many panels, of which all sums are in registers.
    fn positions(panels: usize) -> usize;

    /// [`tiles::run`](super::tiles::run) of a tile's positions and so many panels, compiled for the instruction set.
    unsafe fn tile(tile: &Tile<Self>, panels: usize);

    /// [`channels::run`](super::channels::run), compiled for the instruction set.
    unsafe fn channels(all: &Depthwise<Self>, sums: &mut [Self::Sum]);
}

/// Positions and panels of which all sums are in registers at once.
pub struct Tile<'a, K: Instructions> {
    /// What positions count from.
    pub images: *const K::Operand,
    /// At least one.
    pub positions: &'a [usize],
    /// What positions read.
    pub runs: &'a [Run],
    /// The first panel's.
    pub weights: *const K::Weight,
    /// Weights of a panel.
    pub panel: usize,
    /// Of the first position.
    pub sums: *mut K::Sum,
}

/// What a depthwise convolution sums.
pub struct Depthwise<'a, K: Instructions> {
    /// What positions count from.
    pub images: &'a [K::Operand],
    /// Any number.
    pub positions: &'a [usize],
    /// What positions read.
    pub taps: &'a [Taps],
    /// Of all channels.
    pub weights: &'a ChannelPanels<K::Weight>,
    /// Those that are asked for.
    pub channels: Range<usize>,
    /// Sums of a position.
    pub width: usize,
}

/// Taps that are multiplied at once.
pub struct Taps {
    /// Those that there are not are the last one once more, times zero.
    pub offsets: [usize; 4],
    /// How many there are.
    pub len: usize,
    /// What sums are multiplied by after them.
    pub factor: i32,
}

/// What the features of an instruction set make of generic code: [`Instructions::is_supported`],
/// [`Instructions::positions`], [`Instructions::tile`] and [`Instructions::channels`]. Tiles are, of each number of
/// panels, of all the numbers of positions listed, the most last; channels are summed of so many positions at once.
macro_rules! compiled {
    ($($feature:tt),+; $($panels:literal panels: $($positions:literal)+;)+ channels: $at_once:literal;) => {
        fn is_supported() -> bool {
            $(is_x86_feature_detected!($feature))&&+
        }

        fn positions(panels: usize) -> usize {
            match panels {
                $($panels => *[$($positions),+].last().expect("sizes"),)+
                _ => unreachable!("{panels} panels"),
            }
        }

        unsafe fn tile(tile: &Tile<Self>, panels: usize) {
            #[target_feature($(enable = $feature),+)]
            unsafe fn run<K: Instructions, const P: usize, const N: usize>(tile: &Tile<K>) {
                // SAFETY: as the caller states.
                unsafe { tiles::run::<K, P, N>(tile) }
            }
            // SAFETY: as the caller states.
            unsafe {
                match (panels, tile.positions.len()) {
                    $($(($panels, $positions) => run::<Self, $positions, $panels>(tile),)+)+
                    _ => unreachable!("{} positions of {panels} panels", tile.positions.len()),
                }
            }
        }

        unsafe fn channels(all: &Depthwise<Self>, sums: &mut [Self::Sum]) {
            #[target_feature($(enable = $feature),+)]
            unsafe fn run<K: Instructions>(all: &Depthwise<K>, sums: &mut [K::Sum]) {
                // SAFETY: as the caller states.
                unsafe { channels::run::<K, $at_once>(all, sums) }
            }
            // SAFETY: as the caller states.
            unsafe { run::<Self>(all, sums) }
        }
    };
}
pub(super) use compiled;
