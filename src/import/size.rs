//! Bounds on what a network asks for, whatever sizes its file has.

use super::Bytes;
use crate::graph::ValueType;

/// The most elements that a value of one sample may have: 256 channels of 1024 x 1024.
const MAX_ELEMENTS: usize = 1 << 28;

/// A value that is computed from the images, too large for any memory.
#[derive(Debug, thiserror::Error)]
#[error("a value {ty} takes {asked} for each sample, expected at most {limit}")]
pub struct TooLarge {
    /// Its type.
    pub ty: String,
    /// What it would take.
    pub asked: Bytes,
    /// What it may take.
    pub limit: Bytes,
}

/// Fails if a value would not fit into memory.
pub(super) fn check_size(ty: &ValueType) -> Result<(), TooLarge> {
    match elements(ty) {
        Some(count) if count <= MAX_ELEMENTS => Ok(()),
        count => Err(TooLarge {
            ty: ty.to_string(),
            asked: Bytes::of::<f32>(count.unwrap_or(usize::MAX)),
            limit: Bytes::of::<f32>(MAX_ELEMENTS),
        }),
    }
}

/// Whether an input of sizes `input` with this padding before and after each axis fits into memory.
pub(super) fn fits_padded(input: &[usize], padding: &[[usize; 2]]) -> bool {
    /// The most positions of a channel, padding included.
    const MAX_POSITIONS: usize = 1 << 28;
    let padded = input.iter().zip(padding).map(|(size, [before, after])| size + before + after);
    padded.fold(1usize, usize::saturating_mul) <= MAX_POSITIONS
}

/// Elements of one sample of a value, an empty axis taken for one of a single element; `None` beyond all
/// numbers.
pub(super) fn elements(ty: &ValueType) -> Option<usize> {
    ty.shape.iter().try_fold(1usize, |count, dim| count.checked_mul(dim.size(1).max(1)))
}
