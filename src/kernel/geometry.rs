//! Sizes and positions of a sliding window, for convolutions and pooling alike.

/// Why a window does not fit its input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
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
    let span = dilation.saturating_mul(kernel - 1).saturating_add(1);
    let padded = input.saturating_add(padding);
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
    /// One position of `channels` channels that reads itself: what a linear layer sees, and an axis
    /// that a layer does not have.
    pub const fn point(channels: usize) -> Self {
        let one = [1; 2];
        ConvGeometry { channels, input: one, output: one, kernel: one, stride: one, dilation: one, padding: [0; 2] }
    }

    /// Products summed into one output element.
    pub fn depth(&self) -> usize {
        self.channels * self.kernel[0] * self.kernel[1]
    }

    /// Whether each output reads one position, its own.
    pub fn is_pointwise(&self) -> bool {
        self.kernel == [1, 1] && self.stride == [1, 1] && self.input == self.output && self.padding == [0, 0]
    }

    /// Output positions of one image.
    pub fn positions(&self) -> usize {
        self.output[0] * self.output[1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn pointwise_windows_read_their_own_position() {
        let same = ConvGeometry { input: [3; 2], output: [3; 2], ..ConvGeometry::point(2) };
        assert!(same.is_pointwise());
        // Two rows of padding after: as many outputs, of every other row.
        assert!(!ConvGeometry { stride: [2, 1], ..same }.is_pointwise());
        assert!(!ConvGeometry { padding: [1, 0], ..same }.is_pointwise());
        assert!(!ConvGeometry { kernel: [1, 2], input: [3, 4], ..same }.is_pointwise());
    }

    #[test]
    fn output_sizes() {
        // (input, kernel, stride, dilation, padding of both sides) and the positions counted by hand.
        let cases = [
            ((5, 3, 1, 1, 0), 3),
            ((5, 3, 1, 1, 2), 5),
            ((5, 3, 2, 1, 0), 2),
            ((6, 3, 2, 1, 0), 2),
            ((7, 3, 2, 1, 0), 3),
            ((7, 3, 1, 3, 0), 1),
            ((7, 3, 1, 2, 1), 4),
            ((224, 7, 2, 1, 6), 112),
            ((1, 1, 1, 1, 0), 1),
            ((3, 1, 5, 1, 0), 1),
            ((0, 2, 1, 1, 3), 2),
        ];
        for_each_case(cases, |((input, kernel, stride, dilation, padding), expected)| {
            let found = output_size(input, kernel, stride, dilation, padding);
            assert_eq!(found, Ok(expected), "input {input}, kernel {kernel}, stride {stride}, dilation {dilation}");
        });
    }

    #[test]
    fn kernels_larger_than_the_padded_input_are_refused() {
        let error = output_size(4, 3, 1, 3, 2).unwrap_err();
        assert_eq!(error, GeometryError::KernelTooLarge { kernel: 3, dilation: 3, span: 7, padded: 6 });
        assert!(error.to_string().contains("padded input of 6"), "{error}");
        assert!(output_size(5, usize::MAX, 1, usize::MAX, 2).is_err(), "sizes that overflow");
    }

    #[test]
    fn zero_sizes_are_refused_by_name() {
        for_each_case([((0, 1, 1), "kernel"), ((1, 0, 1), "stride"), ((1, 1, 0), "dilation")], |(sizes, what)| {
            assert_eq!(output_size(9, sizes.0, sizes.1, sizes.2, 0), Err(GeometryError::Zero { what }));
        });
    }
}
