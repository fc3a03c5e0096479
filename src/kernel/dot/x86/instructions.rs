//! What dot products need of an instruction set.

use super::channels::Channels;
use super::tiles::Tile;

/// Registers of sums, and what is multiplied into them.
///
/// # Safety
/// All functions need a processor with the instruction set, which [`is_supported`](Self::is_supported) tells.
pub trait Instructions: Send + Sync + Sized + 'static {
    /// What positions hold.
    type Operand: Copy + Send + Sync;
    /// What is multiplied by them.
    type Weight: Copy + Default + Send + Sync;
    /// What is stored.
    type Sum: Copy;
    /// A register, of sums as of operands and weights.
    type Register: Copy;

    /// Operands that a lane multiplies at a time.
    const GROUP: usize;
    /// Sums of a register.
    const LANES: usize;
    /// Panels of which a tile has all sums in registers.
    const PANELS: usize;

    /// Whether this processor has the instructions.
    fn is_supported() -> bool;

    /// Sums of nothing.
    unsafe fn zero() -> Self::Register;

    /// A group of operands in every lane.
    unsafe fn splat(from: *const Self::Operand) -> Self::Register;

    /// A group of weights for each lane.
    unsafe fn load(from: *const Self::Weight) -> Self::Register;

    /// Adds the products of groups to `sums`.
    unsafe fn add(sums: Self::Register, operands: Self::Register, weights: Self::Register) -> Self::Register;

    /// Multiplies all sums.
    unsafe fn multiply(sums: Self::Register, factor: i32) -> Self::Register;

    /// Writes all sums.
    unsafe fn store(sums: Self::Register, to: *mut Self::Sum);

    /// Operands of one group of taps for four registers of channels, in the order of [`channel`](Self::channel): as many
    /// of `taps` as a group has, each of which is followed by as many operands as there are lanes.
    unsafe fn taps(taps: [*const Self::Operand; 4]) -> [Self::Register; 4];

    /// The channel of which a lane of a register of [`taps`](Self::taps) is.
    fn channel(register: usize, lane: usize) -> usize;

    /// Sums of [`taps`](Self::taps) in order of the channels.
    unsafe fn in_order(sums: [Self::Register; 4]) -> [Self::Register; 4];

    /// The most positions of a tile of so many panels, of which all sums are in registers.
    fn positions(panels: usize) -> usize;

    /// [`tiles::run`](super::tiles::run) of a tile's positions and so many panels, compiled for the instruction set.
    unsafe fn tile(tile: &Tile<Self>, panels: usize);

    /// [`channels::run`](super::channels::run), compiled for the instruction set.
    unsafe fn channels(channels: &Channels<Self>, sums: &mut [Self::Sum]);
}
