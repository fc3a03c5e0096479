//! The padding of windows, which convolution and pooling share.

use crate::import::same_padding::{self, OddSide};
use crate::import::size::fits_padded;
use crate::import::tflite::error::NodeProblem;
use crate::import::tflite::options::Padding;

/// The padding before and after each axis of `input`, for windows of these sizes.
///
/// # Errors
/// When the padded input would not fit into memory.
pub(super) fn padding(
    padding: Padding,
    input: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
) -> Result<[[usize; 2]; 2], NodeProblem> {
    let total = |axis: usize| match padding {
        Padding::Same => same_padding::total(input[axis], kernel[axis], stride[axis], dilation[axis]),
        Padding::Valid => 0,
    };
    let padding = [0, 1].map(|axis| OddSide::After.split(total(axis)));
    if !fits_padded(&input, &padding) {
        let what = format!("padding {padding:?} of an input of size {input:?}, which is too large,");
        return Err(NodeProblem::Unsupported(what));
    }
    Ok(padding)
}
