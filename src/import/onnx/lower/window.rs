//! Stride, dilation and padding, which convolution and pooling share.

use super::Node;
use crate::import::onnx::error::NodeProblem;
use crate::import::same_padding::{self, OddSide};
use crate::import::size::fits_padded;

/// The attribute `auto_pad`.
pub(super) enum AutoPad {
    /// `NOTSET`: padding is that of `pads`.
    Stated,
    /// `VALID`: no padding.
    Valid,
    /// `SAME_*`: input and output have the same size, except for the stride.
    Same(OddSide),
}

impl AutoPad {
    pub fn read(node: &Node) -> Result<Self, NodeProblem> {
        match node.text_or("auto_pad", "NOTSET")? {
            "NOTSET" | "" => Ok(AutoPad::Stated),
            "VALID" => Ok(AutoPad::Valid),
            "SAME_UPPER" => Ok(AutoPad::Same(OddSide::After)),
            "SAME_LOWER" => Ok(AutoPad::Same(OddSide::Before)),
            other => {
                let expected = "NOTSET, VALID, SAME_UPPER or SAME_LOWER".to_owned();
                Err(NodeProblem::Attribute { name: "auto_pad", found: other.to_owned(), expected })
            }
        }
    }
}

/// `pads` as before and after each axis.
pub(super) fn stated_padding(node: &Node, axes: usize) -> Result<Vec<[usize; 2]>, NodeProblem> {
    let stated = node.sizes("pads", 2 * axes, 0)?.unwrap_or_else(|| vec![0; 2 * axes]);
    Ok((0..axes).map(|axis| [stated[axis], stated[axis + axes]]).collect())
}

/// A window over some spatial axes.
pub(super) struct Sliding {
    pub stride: Vec<usize>,
    pub dilation: Vec<usize>,
    /// Before and after each axis.
    pub padding: Vec<[usize; 2]>,
}

impl Sliding {
    /// The window of a node with a kernel of sizes `kernel`, over an input of sizes `input`.
    pub fn read(node: &Node, kernel: &[usize], input: &[usize]) -> Result<Self, NodeProblem> {
        let axes = kernel.len();
        let stride = node.sizes("strides", axes, 1)?.unwrap_or_else(|| vec![1; axes]);
        let dilation = node.sizes("dilations", axes, 1)?.unwrap_or_else(|| vec![1; axes]);
        let padding = match AutoPad::read(node)? {
            AutoPad::Stated => stated_padding(node, axes)?,
            AutoPad::Valid => vec![[0; 2]; axes],
            // As much as one window for each step needs.
            AutoPad::Same(odd) => (0..axes)
                .map(|axis| odd.split(same_padding::total(input[axis], kernel[axis], stride[axis], dilation[axis])))
                .collect(),
        };
        if !fits_padded(input, &padding) {
            return Err(NodeProblem::Unsupported(format!(
                "padding {padding:?} of an input of size {input:?}, which is too large,"
            )));
        }
        Ok(Sliding { stride, dilation, padding })
    }
}
