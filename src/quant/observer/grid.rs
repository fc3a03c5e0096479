//! The numbers that integers stand for.

/// Integers from `least` to `largest` steps beside zero, each a number of so many times the scale.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::quant) struct Grid {
    pub scale: f32,
    pub least: i32,
    pub largest: i32,
}
