//! The attributes that say how a window slides, which convolution and pooling share.

use super::Node;
use crate::onnx::error::NodeProblem;

/// Positions of a channel, padding included: more than any image has.
const MAX_POSITIONS: usize = 1 << 28;

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
        let stated = node.sizes("pads", 2 * axes, 0)?.unwrap_or_else(|| vec![0; 2 * axes]);
        let mode = node.text_or("auto_pad", "NOTSET")?;
        // As much as leaves one window for every step, the odd one at the side that `upper` says.
        let same = |axis: usize, upper: bool| {
            let windows = input[axis].div_ceil(stride[axis]);
            let span = dilation[axis] * (kernel[axis] - 1) + 1;
            let total = (windows.saturating_sub(1) * stride[axis] + span).saturating_sub(input[axis]);
            let (less, more) = (total / 2, total.div_ceil(2));
            if upper { [less, more] } else { [more, less] }
        };
        let padding: Vec<[usize; 2]> = match mode {
            "NOTSET" | "" => (0..axes).map(|axis| [stated[axis], stated[axis + axes]]).collect(),
            "VALID" => vec![[0; 2]; axes],
            "SAME_UPPER" | "SAME_LOWER" => (0..axes).map(|axis| same(axis, mode == "SAME_UPPER")).collect(),
            other => {
                let expected = "NOTSET, VALID, SAME_UPPER or SAME_LOWER".to_owned();
                return Err(NodeProblem::Attribute { name: "auto_pad", found: other.to_owned(), expected });
            }
        };
        // Arithmetic may hold an input with its padding in memory.
        let padded = input.iter().zip(&padding).map(|(size, [before, after])| size + before + after);
        if padded.fold(1usize, usize::saturating_mul) > MAX_POSITIONS {
            return Err(NodeProblem::Unsupported(format!("an input of {input:?} positions with padding {padding:?}")));
        }
        Ok(Sliding { stride, dilation, padding })
    }
}
