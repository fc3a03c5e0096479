//! Sizes and positions of a sliding window: the one owner of what a convolution or pooling reads.

/// Why a window does not fit its input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GeometryError {
    /// The dilated kernel is larger than the padded input.
    #[error("a kernel of {kernel} with dilation {dilation} spans {span}, more than the padded input of {padded}")]
    KernelTooLarge {
        /// Taps of the kernel along the axis.
        kernel: usize,
        /// Distance between taps.
        dilation: usize,
        /// Input positions from the first tap to the last.
        span: usize,
        /// Input positions with padding.
        padded: usize,
    },
    /// A size that must be positive is zero.
    #[error("{what} is 0, expected at least 1")]
    Zero {
        /// The size's name.
        what: &'static str,
    },
}

/// Output positions along one axis: `floor((input + padding - dilation * (kernel - 1) - 1) / stride) + 1`.
///
/// `padding` is the sum of both sides.
///
/// # Errors
/// When the kernel does not fit the padded input, or a size is zero.
pub fn output_size(
    input: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    padding: usize,
) -> Result<usize, GeometryError> {
    for (what, size) in [("kernel", kernel), ("stride", stride), ("dilation", dilation)] {
        if size == 0 {
            return Err(GeometryError::Zero { what });
        }
    }
    let (span, padded) = (dilation * (kernel - 1) + 1, input + padding);
    if span > padded {
        return Err(GeometryError::KernelTooLarge { kernel, dilation, span, padded });
    }
    Ok((padded - span) / stride + 1)
}

/// What one group of a 2-D convolution reads, axes in the order height, width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvGeometry {
    /// Input channels of one group.
    pub channels: usize,
    /// Input height and width.
    pub input: [usize; 2],
    /// Output height and width.
    pub output: [usize; 2],
    /// Kernel height and width.
    pub kernel: [usize; 2],
    /// Steps between output positions.
    pub stride: [usize; 2],
    /// Distance between kernel taps.
    pub dilation: [usize; 2],
    /// Padding before the first row and column.
    pub padding: [usize; 2],
}

impl ConvGeometry {
    /// Products summed into one output element.
    pub fn depth(&self) -> usize {
        self.channels * self.kernel[0] * self.kernel[1]
    }

    /// Output positions of one image.
    pub fn positions(&self) -> usize {
        self.output[0] * self.output[1]
    }
}
