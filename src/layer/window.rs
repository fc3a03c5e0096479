//! A layer over an input of known shape: every linear and convolution layer is a grouped 2-D
//! convolution, or a transposed one, over some number of images. The arithmetic knows no other layers.

use super::LayerProblem;
use super::taps::Taps;
use crate::kernel::ConvGeometry;

/// The direction in which a convolution connects inputs and outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Each output gathers the inputs under the kernel.
    Forward,
    /// Each input is scattered over the outputs under the kernel: a transposed convolution.
    Transposed,
}

/// A layer applied to an input of known shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// Samples of the batch.
    pub samples: usize,
    /// Images that the window slides over: more than samples for a linear layer on sequences.
    pub images: usize,
    /// Groups of channels that do not mix.
    pub groups: usize,
    /// Output channels of all groups.
    pub outputs: usize,
    /// What one group reads; of a transposed convolution, strides, dilations and padding are counted
    /// in the output.
    pub geometry: ConvGeometry,
    /// Whether inputs are gathered for outputs, or scattered over them.
    pub flow: Flow,
    /// Dimensions of the output.
    pub output_shape: Vec<usize>,
}

impl Window {
    /// Input channels of all groups.
    pub fn channels(&self) -> usize {
        self.geometry.channels * self.groups
    }

    /// Output channels of one group.
    pub fn group_outputs(&self) -> usize {
        self.outputs / self.groups
    }

    /// Elements of the output.
    pub fn output_elements(&self) -> usize {
        self.images * self.outputs * self.geometry.positions()
    }

    /// Multiplications of one sample's forward pass.
    pub fn opcount(&self) -> u64 {
        let per_channel = match self.flow {
            Flow::Forward => self.geometry.positions() as u64 * self.geometry.depth() as u64,
            Flow::Transposed => {
                let [rows, columns] = self.taps().map(|taps| taps.products() as u64);
                rows * columns * self.geometry.channels as u64
            }
        };
        (self.images * self.outputs) as u64 * per_channel / self.samples.max(1) as u64
    }

    /// Products summed into one output element; of a transposed convolution, the most.
    pub fn fan_in(&self) -> usize {
        match self.flow {
            Flow::Forward => self.geometry.depth(),
            Flow::Transposed => self.taps().map(|taps| taps.most()).iter().product::<usize>() * self.geometry.channels,
        }
    }

    /// The input position that tap `tap` of the kernel takes to output position `output` along an axis: none lies in
    /// the padding or, in a transposed convolution, between inputs.
    pub fn source(&self, axis: usize, output: usize, tap: usize) -> Option<usize> {
        let ConvGeometry { input, stride, dilation, padding, .. } = &self.geometry;
        match self.flow {
            Flow::Forward => (output * stride[axis] + tap * dilation[axis])
                .checked_sub(padding[axis])
                .filter(|&from| from < input[axis]),
            Flow::Transposed => Taps::new(&self.geometry, axis).source(tap, output),
        }
    }

    fn taps(&self) -> [Taps; 2] {
        [0, 1].map(|axis| Taps::new(&self.geometry, axis))
    }
}

/// The window of a linear layer with a weight `[out, in]` over an input `[.., in]` of any rank.
///
/// # Errors
/// When the last dimension is not `in`, or the weight is empty.
pub fn linear_window(input: &[usize], weight: &[usize]) -> Result<Window, LayerProblem> {
    let &[outputs @ (1..), channels @ (1..)] = weight else {
        return Err(LayerProblem::Weight { found: weight.to_vec(), expected: "[out, in]".to_owned() });
    };
    let Some((&last, leading)) = input.split_last().filter(|&(&last, _)| last == channels) else {
        return Err(LayerProblem::Input { found: input.to_vec(), expected: format!("[.., {channels}]") });
    };
    let geometry = ConvGeometry::point(last);
    let output_shape = leading.iter().copied().chain([outputs]).collect();
    let samples = leading.first().copied().unwrap_or(1);
    let images = leading.iter().product();
    Ok(Window { samples, images, groups: 1, outputs, geometry, flow: Flow::Forward, output_shape })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use crate::layer::{ConvAttributes, Convolution};

    /// Multiplications and fan-in counted by hand.
    #[test]
    fn opcounts_and_depths() {
        let plain = ConvAttributes::<2>::default();
        let cases: [(Window, u64, usize); 6] = [
            // LeNet-5's first layer: 28 x 28 outputs of 6 channels, 25 products each.
            (
                ConvAttributes { padding: [[2, 2]; 2], ..plain }.window(&[7, 1, 28, 28], &[6, 1, 5, 5]).unwrap(),
                28 * 28 * 6 * 25,
                25,
            ),
            // 4 groups: 8 / 4 = 2 channels seen by each output.
            (
                ConvAttributes { groups: 4, ..plain }.window(&[1, 8, 10, 10], &[12, 2, 3, 3]).unwrap(),
                8 * 8 * 12 * 2 * 9,
                18,
            ),
            // Dilation 2 spans 5: 6 positions of 10.
            (
                ConvAttributes { dilation: [2, 2], ..plain }.window(&[1, 3, 10, 10], &[4, 3, 3, 3]).unwrap(),
                6 * 6 * 4 * 27,
                27,
            ),
            // One axis, stride 2, padding on one side: floor((9 + 1 - 4) / 2) + 1 = 4 positions.
            (
                ConvAttributes::<1> { stride: [2], padding: [[1, 0]], ..Default::default() }
                    .window(&[2, 3, 9], &[5, 3, 4])
                    .unwrap(),
                4 * 5 * 12,
                12,
            ),
            // A sequence of 10 positions.
            (linear_window(&[4, 10, 32], &[64, 32]).unwrap(), 10 * 32 * 64, 32),
            (linear_window(&[4, 32], &[64, 32]).unwrap(), 32 * 64, 32),
        ];
        for_each_case(cases, |(window, opcount, depth)| {
            assert_eq!((window.opcount(), window.geometry.depth()), (opcount, depth), "{window:?}");
        });
    }

    #[test]
    fn output_shapes() {
        assert_eq!(linear_window(&[2, 3, 4, 8], &[5, 8]).unwrap().output_shape, [2, 3, 4, 5]);
        let strided = ConvAttributes::<2> { stride: [2, 1], padding: [[1, 1], [0, 2]], ..Default::default() };
        assert_eq!(strided.window(&[1, 1, 8, 8], &[1, 1, 3, 3]).unwrap().output_shape, [1, 1, 4, 8]);
    }

    #[test]
    fn shapes_that_contradict_are_refused() {
        let conv = ConvAttributes::<2> { groups: 2, ..Default::default() };
        assert!(conv.window(&[1, 4, 8, 8], &[3, 2, 3, 3]).is_err(), "3 outputs in 2 groups");
        assert!(conv.window(&[1, 5, 8, 8], &[4, 2, 3, 3]).is_err(), "5 channels");
        assert!(conv.window(&[1, 4, 8], &[4, 2, 3, 3]).is_err(), "rank");
        assert!(conv.window(&[1, 4, 2, 2], &[4, 2, 3, 3]).is_err(), "kernel larger than input");
        assert!(linear_window(&[4, 31], &[64, 32]).is_err());
        assert!(linear_window(&[], &[64, 32]).is_err());
    }
}
