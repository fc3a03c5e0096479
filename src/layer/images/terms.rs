//! Quantized layers: the products that their sums consist of, and what they are scaled by.

use super::dots::{Dots, Shape};
use super::form::{Form, OperandForm};
use super::look_ups::LookUps;
use super::scaling::Scaling;
use super::{ImageLayer, Products};
use crate::kernel::IntegerDot;
use crate::layer::LayerProblem;
use crate::layer::quantized::Quantized;
use crate::quant::LayerParams;

/// The layer of `shape` that is `quantized`, with exact products or those of its multiplier.
pub(super) fn quantized(
    quantized: &Quantized,
    shape: Shape,
    is_approximate: bool,
    bias: Option<&[f32]>,
) -> Result<ImageLayer, LayerProblem> {
    if is_approximate && !quantized.has_multiplier() {
        return Err(LayerProblem::NoMultiplier);
    }
    let outputs = shape.groups * shape.outputs;
    let layer = Layer { quantized, shape, bias };
    let found = if is_approximate { None } else { layer.exact() };
    Ok(found.unwrap_or_else(|| {
        let look_ups =
            LookUps { layer: quantized.clone(), is_exact: !is_approximate, bias: bias.map(<[f32]>::to_vec), shape };
        let form = Form::Bytes(OperandForm::integers(quantized.params().input, 0, 1, 1));
        ImageLayer { form, products: Products::LookUps(look_ups), scaling: Scaling::default(), outputs }
    }))
}

/// What is known of a layer.
struct Layer<'a> {
    quantized: &'a Quantized,
    shape: Shape,
    bias: Option<&'a [f32]>,
}

impl Layer<'_> {
    /// Products of the layer's integers, without their zero points: `sum (x_q - z_x)(w_q - z_w)`.
    fn exact(&self) -> Option<ImageLayer> {
        let LayerParams { input, weight } = self.quantized.params();
        let outputs = self.shape.groups * self.shape.outputs;
        let depth = self.depth();
        let (bytes, range) = (self.quantized.weights().bytes(), weight.range());
        let signedness = range.signedness();
        let integer = |output: usize, element: usize| {
            signedness.value(bytes[output * depth + element]) - weight.zero_point(output)
        };
        let integers = || (0..outputs).flat_map(|output| (0..depth).map(move |element| integer(output, element)));
        let (smallest, largest) = integers().fold((0, 0), |(min, max), w| (w.min(min), w.max(max)));
        let is_byte = smallest >= -128 && largest <= 127;
        let largest = largest.max(-smallest);
        let activation = (input.range().q_max() - input.zero_point()).max(input.zero_point() - input.range().q_min());
        // Sums are exact modulo 2^32, so that they are the true ones where these fit.
        let is_narrow = depth as i64 * i64::from(largest) * i64::from(activation) <= i64::from(i32::MAX);
        let sum = |output| (0..depth).map(|element| i64::from(integer(output, element))).sum();
        let sums: Vec<i64> = (0..outputs).map(sum).collect();
        let scaling = |offset: i32| {
            let constants = sums.iter().map(|sum| -sum * i64::from(offset + input.zero_point())).collect();
            self.scaling(constants)
        };
        match self.quantized.kernel().integers() {
            IntegerDot::Bytes(kernel) => {
                let offset = if input.range().q_min() < 0 { 128 } else { 0 };
                // Weights of nine bits are twice one of eight, and their lowest bit.
                let factors: &[i32] = if is_byte { &[1] } else { &[2, 1] };
                let part = if is_narrow { usize::MAX } else { i32::MAX as usize / (255 * 256) };
                let dots = Dots::new(kernel, self.shape, factors, part, |term, output, element| {
                    let weight = integer(output, element);
                    match (is_byte, term) {
                        (true, _) => weight as i8,
                        (false, 0) => (weight >> 1) as i8,
                        (false, _) => (weight & 1) as i8,
                    }
                });
                let form = OperandForm::integers(*input, offset, factors.len(), kernel.group());
                let scaling = scaling(offset);
                Some(ImageLayer { form: Form::Bytes(form), products: Products::Bytes(dots), scaling, outputs })
            }
            IntegerDot::Words(kernel) => {
                let part = if is_narrow { usize::MAX } else { i32::MAX as usize / (255 * 255) };
                let weight = |_: usize, output: usize, element: usize| integer(output, element) as i16;
                let dots = Dots::new(kernel, self.shape, &[1], part, weight);
                let form = OperandForm::integers(*input, 0, 1, kernel.group());
                Some(ImageLayer {
                    form: Form::Words(form),
                    products: Products::Words(dots),
                    scaling: scaling(0),
                    outputs,
                })
            }
        }
    }

    /// Products summed into one output.
    fn depth(&self) -> usize {
        self.shape.channels * self.shape.kernel[0] * self.shape.kernel[1]
    }

    /// The scaling of sums that lack `constants`.
    fn scaling(&self, constants: Vec<i64>) -> Scaling {
        let LayerParams { input, weight } = self.quantized.params();
        let outputs = self.shape.groups * self.shape.outputs;
        let scales = (0..outputs).map(|output| f64::from(input.scale()) * f64::from(weight.scale(output))).collect();
        Scaling::new(constants, scales, self.bias, outputs)
    }
}
