//! What dot products need of an instruction set.

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

    /// The most positions of a tile of so many panels, of which all sums are in registers.
    fn positions(panels: usize) -> usize;

    /// Computes a tile, compiled for the instruction set: [`tiles::run`](super::tiles::run).
    ///
    /// # Safety
    /// As [`tiles::run`](super::tiles::run) states, for at most [`positions`](Self::positions) positions.
    unsafe fn tile(tile: &super::tiles::Tile<Self>, panels: usize);
}
