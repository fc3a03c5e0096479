//! Layers in floating point, by the operations of candle alone.
//!
//! A convolution of any stride, dilation and padding is candle's plain one, over an input whose padding is written out
//! and with a kernel whose gaps are zeros; a transposed one is the same over an input with gaps, its kernel turned
//! around. Nothing of the program's own loops, layouts or geometry is part of it.

use crate::kernel::{Clip, ConvGeometry};
use crate::layer::{Flow, WeightedLayer, Window};
use candle_core::{Device, Result, Tensor};

/// Rounding that a layer's output may differ by, in parts of the sum of the magnitudes of its products: two sums of
/// `f32` in different orders differ by about the square root of the number of terms times `2^-24`, and at worst by
/// that number.
const TOLERANCE: f64 = 1e-5;

/// A layer's output as candle computes it, and what each element may differ by.
#[derive(Debug)]
pub struct CandleLayer {
    /// The output.
    pub output: Tensor,
    /// The sum of magnitudes of what each element is a sum of.
    magnitude: Tensor,
}

impl CandleLayer {
    /// A linear or convolution layer over `input`, whose outputs are clamped to `clip`.
    ///
    /// # Errors
    /// When candle cannot compute it.
    pub fn weighted(layer: &dyn WeightedLayer, window: &Window, input: &Tensor, clip: Clip) -> Result<Self> {
        let bias = layer.bias().map(|bias| Tensor::from_slice(bias, bias.len(), &Device::Cpu)).transpose()?;
        let of = |input: &Tensor, weight: &Tensor, bias: Option<&Tensor>| match layer.kind() {
            "linear" => {
                let y = input.broadcast_matmul(&weight.t()?)?;
                bias.map_or(Ok(y.clone()), |bias| y.broadcast_add(bias))
            }
            _ => convolution(window, input, weight, bias),
        };
        let weight = layer.weight();
        let input = input.contiguous()?;
        let magnitude = of(&input.abs()?, &weight.abs()?, bias.as_ref().map(Tensor::abs).transpose()?.as_ref())?;
        let output = clamp(&of(&input, &weight, bias.as_ref())?, clip)?;
        Ok(CandleLayer { output, magnitude })
    }

    /// A product of two activations.
    ///
    /// # Errors
    /// When candle cannot compute it.
    pub fn product(first: &Tensor, second: &Tensor) -> Result<Self> {
        let of = |first: &Tensor, second: &Tensor| first.contiguous()?.broadcast_matmul(&second.contiguous()?);
        Ok(CandleLayer { output: of(first, second)?, magnitude: of(&first.abs()?, &second.abs()?)? })
    }

    /// The elements of the output, and how far from each another sum of the same products may lie.
    ///
    /// # Errors
    /// When a tensor cannot be read.
    pub fn bounds(&self) -> Result<Vec<(f32, f64)>> {
        let values = |tensor: &Tensor| tensor.flatten_all()?.to_vec1::<f32>();
        let magnitudes = values(&self.magnitude)?;
        Ok(values(&self.output)?.into_iter().zip(magnitudes.into_iter().map(|of| TOLERANCE * f64::from(of))).collect())
    }
}

fn clamp(x: &Tensor, Clip { low, high }: Clip) -> Result<Tensor> {
    let x = if low > f32::NEG_INFINITY { x.maximum(low)? } else { x.clone() };
    if high < f32::INFINITY { x.minimum(high) } else { Ok(x) }
}

/// The two spatial axes of `[batch, channels, height, width]`.
const AXES: [usize; 2] = [2, 3];

fn convolution(window: &Window, input: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let Window { geometry, groups, outputs, flow, output_shape, .. } = window;
    let ConvGeometry { channels, input: [height, width], kernel: [rows, columns], .. } = *geometry;
    let input = input.reshape((window.images, channels * groups, height, width))?;
    let y = match flow {
        Flow::Forward => {
            let kernel = spread(&weight.reshape((*outputs, channels, rows, columns))?, geometry.dilation)?;
            let padded = padded(&input, geometry, &kernel)?;
            let [down, right] = geometry.stride;
            let step = if down == right { down } else { 1 };
            let mut y = padded.conv2d(&kernel, 0, step, 1, *groups)?;
            for (axis, stride) in AXES.into_iter().zip(geometry.stride).filter(|_| down != right) {
                y = every(&y, axis, stride)?;
            }
            y
        }
        Flow::Transposed => {
            // Output channels of all groups first, then the taps, then the input channels of the group.
            let kernel = weight.reshape((*outputs, rows, columns, channels))?.permute((0, 3, 1, 2))?.contiguous()?;
            let kernel = spread(&kernel.flip(&AXES)?, geometry.dilation)?;
            let mut spread = spread(&input, geometry.stride)?;
            for (i, axis) in AXES.into_iter().enumerate() {
                let span = kernel.dim(axis)? - 1;
                // The kernel's reach before the first input, and as far after the last as any output asks for.
                let needed = geometry.output[i] + geometry.padding[i] + span;
                let after = needed.saturating_sub(spread.dim(axis)? + span).max(span);
                spread = spread.pad_with_zeros(axis, span, after)?;
            }
            let mut y = spread.conv2d(&kernel, 0, 1, 1, *groups)?;
            for (i, axis) in AXES.into_iter().enumerate() {
                y = y.narrow(axis, geometry.padding[i], geometry.output[i])?;
            }
            y
        }
    };
    let y = bias.map_or(Ok(y.clone()), |bias| y.broadcast_add(&bias.reshape((1, *outputs, 1, 1))?))?;
    y.contiguous()?.reshape(output_shape.as_slice())
}

/// The input with zeros around it: as many before as the layer pads, and after the last as outputs read.
fn padded(input: &Tensor, geometry: &ConvGeometry, kernel: &Tensor) -> Result<Tensor> {
    let mut padded = input.clone();
    for (i, axis) in AXES.into_iter().enumerate() {
        let read = (geometry.output[i] - 1) * geometry.stride[i] + kernel.dim(axis)?;
        let (before, size) = (geometry.padding[i], geometry.input[i]);
        padded = padded.pad_with_zeros(axis, before, read.saturating_sub(before + size))?;
        // Rows that no output reads.
        padded = padded.narrow(axis, 0, read)?;
    }
    padded.contiguous()
}

/// `steps[axis] - 1` zeros between neighbors along each spatial axis.
fn spread(x: &Tensor, steps: [usize; 2]) -> Result<Tensor> {
    let mut spread = x.clone();
    for (axis, step) in AXES.into_iter().zip(steps).filter(|(_, step)| *step > 1) {
        let (mut dims, size) = (spread.dims().to_vec(), spread.dim(axis)?);
        dims[axis] *= step;
        spread = spread.unsqueeze(axis + 1)?.pad_with_zeros(axis + 1, 0, step - 1)?.reshape(dims)?;
        spread = spread.narrow(axis, 0, (size - 1) * step + 1)?.contiguous()?;
    }
    Ok(spread)
}

/// Every `step`th element along an axis.
fn every(x: &Tensor, axis: usize, step: usize) -> Result<Tensor> {
    let places: Vec<u32> = (0..x.dim(axis)?).step_by(step).map(|place| place as u32).collect();
    let places = Tensor::from_vec(places.clone(), places.len(), &Device::Cpu)?;
    x.index_select(&places, axis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::{ApproxConv2d, ApproxConvTranspose2d, ConvAttributes, ConvTransposeAttributes, WeightedLayer};

    fn numbers(shape: &[usize]) -> Tensor {
        let count = shape.iter().product::<usize>();
        let values: Vec<f32> = (0..count).map(|i| ((i * 37 % 23) as f32 - 11.0) / 8.0).collect();
        Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
    }

    /// Sums of small multiples of an eighth are exact in any order.
    #[test]
    fn candle_computes_what_layers_do() {
        let conv = |stride, padding, dilation, groups| {
            let attributes = ConvAttributes { stride, padding, dilation, groups };
            let weight = numbers(&[4, 4 / groups, 3, 2]);
            Box::new(ApproxConv2d::new("conv", attributes, &weight, Some(&numbers(&[4]))).unwrap())
                as Box<dyn WeightedLayer>
        };
        let transposed = |stride, padding, output_padding, dilation, groups| {
            let attributes = ConvTransposeAttributes { stride, padding, output_padding, dilation, groups };
            let weight = numbers(&[4, 6 / groups, 3, 2]);
            Box::new(ApproxConvTranspose2d::new("up", attributes, &weight, None).unwrap()) as Box<dyn WeightedLayer>
        };
        let layers = [
            conv([1, 1], [[0, 0]; 2], [1, 1], 1),
            conv([2, 2], [[1, 0], [0, 1]], [1, 1], 2),
            conv([1, 3], [[1, 2], [1, 1]], [2, 1], 4),
            transposed([1, 1], [[0, 0]; 2], [0, 0], [1, 1], 1),
            transposed([2, 3], [[1, 0], [0, 1]], [1, 2], [1, 1], 2),
            transposed([2, 2], [[0, 2], [1, 0]], [1, 1], [2, 3], 1),
        ];
        let input = numbers(&[2, 4, 6, 7]);
        for layer in layers {
            let window = layer.window(input.dims()).unwrap();
            let expected = layer.forward(&input).unwrap();
            let found = CandleLayer::weighted(layer.as_ref(), &window, &input, Clip::default()).unwrap();
            let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(found.output.dims(), expected.dims(), "{layer:?}");
            assert_eq!(values(&found.output), values(&expected), "{layer:?}");
        }
    }
}
