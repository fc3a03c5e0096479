//! Padding for as many windows as steps fit into an input: `SAME` of TensorFlow and TensorFlow Lite, `SAME_UPPER`
//! and `SAME_LOWER` of ONNX, which differ in the side that gets an odd element.

/// The side of an axis that gets the extra element of odd padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OddSide {
    #[cfg_attr(not(feature = "onnx"), allow(dead_code, reason = "only ONNX has SAME_LOWER"))]
    Before,
    After,
}

impl OddSide {
    /// Padding of `total` split into before and after the axis.
    pub fn split(self, total: usize) -> [usize; 2] {
        let (less, more) = (total / 2, total.div_ceil(2));
        if self == OddSide::After { [less, more] } else { [more, less] }
    }
}

/// The padding of an axis of `input` positions, for windows of `kernel` taps, all at least 1.
pub(super) fn total(input: usize, kernel: usize, stride: usize, dilation: usize) -> usize {
    let windows = input.div_ceil(stride);
    let span = dilation * (kernel - 1) + 1;
    (windows.saturating_sub(1) * stride + span).saturating_sub(input)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;

    #[test]
    fn there_is_a_window_for_each_step() {
        // Input, kernel, stride, dilation, and TensorFlow's padding before and after.
        let cases = [
            (32, 3, 1, 1, [1, 1]),
            (32, 3, 2, 1, [0, 1]),
            (49, 10, 2, 1, [4, 5]),
            (10, 4, 2, 1, [1, 1]),
            (5, 3, 1, 2, [2, 2]),
            (8, 1, 2, 1, [0, 0]),
        ];
        for_each_case(cases, |(input, kernel, stride, dilation, expected)| {
            assert_eq!(OddSide::After.split(total(input, kernel, stride, dilation)), expected, "{input} {kernel}");
        });
        assert_eq!(OddSide::Before.split(total(32, 3, 2, 1)), [1, 0]);
    }
}
