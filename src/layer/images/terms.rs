//! Quantized layers: the products that their sums consist of, and what they are scaled by.

use super::dots::{Dots, Shape};
use super::form::{Form, OperandForm};
use super::look_ups::LookUps;
use super::scaling::Scaling;
use super::{ImageLayer, Products};
use crate::kernel::{DotKernel, IntegerDot, Lowered, Operand, Way};
use crate::layer::LayerProblem;
use crate::layer::after_sums::AfterSums;
use crate::layer::quantized::Quantized;
use crate::quant::LayerParams;
use std::sync::Arc;

/// The layer of `shape` that is `quantized`, with exact products or those of its multiplier.
pub(super) fn quantized(
    quantized: &Quantized,
    shape: Shape,
    is_approximate: bool,
    bias: Option<&[f32]>,
    after_sums: Option<&Arc<AfterSums>>,
) -> Result<ImageLayer, LayerProblem> {
    if is_approximate && !quantized.has_multiplier() {
        return Err(LayerProblem::NoMultiplier);
    }
    let outputs = shape.groups * shape.outputs;
    let layer = Layer { quantized, shape, bias, after_sums };
    let found = if is_approximate { layer.mapped() } else { layer.exact() };
    Ok(found.unwrap_or_else(|| {
        let (bias, after_sums) = (bias.map(<[f32]>::to_vec), after_sums.cloned());
        let look_ups = LookUps { layer: quantized.clone(), is_exact: !is_approximate, bias, after_sums, shape };
        let form = Form::Bytes(OperandForm::integers(quantized.params().input, 0, 1, 1));
        ImageLayer { form, products: Products::LookUps(look_ups), scaling: Scaling::default(), outputs }
    }))
}

/// The operand of each activation byte.
type OperandTable<A> = Arc<[A; 256]>;

/// Products of mapped operands.
struct Mapped<A: 'static, W: 'static> {
    dots: Dots<A, W, i32>,
    /// Of each term.
    tables: Vec<OperandTable<A>>,
    scaling: Scaling,
}

/// What is known of a layer.
struct Layer<'a> {
    quantized: &'a Quantized,
    shape: Shape,
    bias: Option<&'a [f32]>,
    after_sums: Option<&'a Arc<AfterSums>>,
}

impl Layer<'_> {
    /// Products of the layer's integers, without their zero points: `sum (x_q - z_x)(w_q - z_w)`.
    fn exact(&self) -> Option<ImageLayer> {
        let LayerParams { input, weight, .. } = self.quantized.params();
        let outputs = self.shape.groups * self.shape.outputs;
        let depth = self.depth();
        let signedness = weight.range().signedness();
        // Weights without their zero points, of nine bits.
        let mut integers: Vec<i16> = Vec::with_capacity(outputs * depth);
        for (output, row) in self.quantized.weights().bytes().chunks_exact(depth).enumerate() {
            let zero_point = weight.zero_point(output);
            integers.extend(row.iter().map(|&byte| (signedness.value(byte) - zero_point) as i16));
        }
        let (smallest, largest) = integers.iter().fold((0, 0), |(min, max), &w| (w.min(min), w.max(max)));
        let is_byte = smallest >= -128 && largest <= 127;
        let largest = i32::from(largest.max(-smallest));
        let activation = (input.range().q_max() - input.zero_point()).max(input.zero_point() - input.range().q_min());
        // Sums are exact modulo 2^32, so that they are the true ones where these fit.
        let sums_to = depth as i64 * i64::from(largest) * i64::from(activation);
        let is_narrow = self.is_narrow(sums_to);
        if !is_narrow && sums_to <= i64::from(i32::MAX) {
            return None; // only the bias needs more bits
        }
        let sum = |row: &[i16]| row.iter().map(|&w| i64::from(w)).sum();
        let sums: Vec<i64> = integers.chunks_exact(depth).map(sum).collect();
        let integer = |output: usize, element: usize| integers[output * depth + element];
        let scaling = |offset: i32| {
            let constants = sums.iter().map(|sum| -sum * i64::from(offset + input.zero_point())).collect();
            self.scaling(constants)
        };
        match self.quantized.kernel().integers() {
            IntegerDot::Bytes(kernel) => {
                let offset = if input.range().q_min() < 0 { 128 } else { 0 };
                // Weights of nine bits are twice one of eight, and their lowest bit.
                let factors: &[i32] = if is_byte { &[1] } else { &[2, 1] };
                let part = self.part(is_narrow, 255 * 256, kernel.group())?;
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
                Some(self.layer(Form::Bytes(form), Products::Bytes(dots), scaling))
            }
            IntegerDot::Words(kernel) => {
                let part = self.part(is_narrow, 255 * 255, kernel.group())?;
                let weight = |_: usize, output: usize, element: usize| integer(output, element);
                let dots = Dots::new(kernel, self.shape, &[1], part, weight);
                let form = OperandForm::integers(*input, 0, 1, kernel.group());
                Some(self.layer(Form::Words(form), Products::Words(dots), scaling(0)))
            }
        }
    }

    /// Whether sums of up to this magnitude fit 32 bits with their biases.
    fn is_narrow(&self, sums_to: i64) -> bool {
        let max_bias = self.after_sums.map_or(0, |after| after.max_bias());
        sums_to.saturating_add(max_bias) <= i64::from(i32::MAX)
    }

    /// How many products of up to `largest` fit a sum: any number where all do, `None` where not even those of one
    /// group of channels do.
    fn part(&self, is_narrow: bool, largest: usize, group: usize) -> Option<usize> {
        let part = if is_narrow { usize::MAX } else { i32::MAX as usize / largest };
        (self.shape.kernel[0] * self.shape.kernel[1] * group <= part).then_some(part)
    }

    /// The products that the multiplier's table is a short sum of, where that is faster than looking it up. Sums have
    /// no zero points, which follow.
    fn mapped(&self) -> Option<ImageLayer> {
        let input = self.quantized.params().input;
        if !self.is_narrow(self.quantized.sums_to()) {
            return None;
        }
        match self.quantized.way()?.clone() {
            Way::Bytes(sum, kernel) => {
                let offset = if input.range().q_min() < 0 { 128 } else { 0 };
                let Mapped { dots, tables, scaling } = self.dots(kernel, &sum, offset)?;
                let form = OperandForm::mapped(input, tables, kernel.group());
                Some(self.layer(Form::Bytes(form), Products::Bytes(dots), scaling))
            }
            Way::Words(sum, kernel) => {
                let Mapped { dots, tables, scaling } = self.dots(kernel, &sum, 0)?;
                let form = OperandForm::mapped(input, tables, kernel.group());
                Some(self.layer(Form::Words(form), Products::Words(dots), scaling))
            }
            Way::LookUps => None,
        }
    }

    /// The weights of `sum` laid out for `kernel`, the operands of each of its terms by activation byte, and the scaling
    /// of the sums. The integers are operands, plus `offset`, where weights have zero points.
    fn dots<A: Operand, W: Operand>(
        &self,
        kernel: &'static dyn DotKernel<A, W, i32>,
        sum: &Lowered<A, W>,
        offset: i32,
    ) -> Option<Mapped<A, W>> {
        let LayerParams { input, weight, .. } = self.quantized.approximate_params()?;
        let (outputs, depth) = (self.shape.groups * self.shape.outputs, self.depth());
        let bytes = self.quantized.weights().bytes();
        let mut factors: Vec<i32> = sum.terms.iter().map(|term| term.factor).collect();
        let mut tables: Vec<OperandTable<A>> =
            sum.terms.iter().map(|term| Arc::from(term.activations.clone())).collect();
        // `- z_w sum x_q` is one more product; so is a sum of none.
        let centers: Vec<W> =
            (0..outputs).map(|output| W::try_of(-weight.zero_point(output))).collect::<Option<_>>()?;
        let has_centers = (0..outputs).any(|output| weight.zero_point(output) != 0);
        if has_centers || factors.is_empty() {
            factors.push(1);
            let signedness = input.range().signedness();
            let integer = |byte: usize| A::try_of(signedness.value(byte as u8) + offset).unwrap_or_default();
            tables.push(Arc::new(std::array::from_fn(integer)));
        }
        let dots =
            Dots::new(kernel, self.shape, &factors, usize::MAX, |term, output, element| match sum.terms.get(term) {
                Some(term) => term.weights[usize::from(bytes[output * depth + element])],
                None => centers[output],
            });
        let signedness = weight.range().signedness();
        let (z_x, k) = (i64::from(input.zero_point()), depth as i64);
        let constant = |output: usize| {
            let row = &bytes[output * depth..][..depth];
            let offsets: i64 = row.iter().map(|&byte| i64::from(sum.offsets[usize::from(byte)])).sum();
            let weights: i64 = row.iter().map(|&byte| i64::from(signedness.value(byte))).sum();
            let z_w = i64::from(weight.zero_point(output));
            offsets + z_w * k * i64::from(offset) - z_x * weights + k * z_x * z_w
        };
        let constants = (0..outputs).map(constant).collect();
        Some(Mapped { dots, tables, scaling: self.scaling(constants) })
    }

    fn layer(&self, form: Form, products: Products, scaling: Scaling) -> ImageLayer {
        ImageLayer { form, products, scaling, outputs: self.shape.groups * self.shape.outputs }
    }

    /// Products summed into one output.
    fn depth(&self) -> usize {
        self.shape.channels * self.shape.kernel[0] * self.shape.kernel[1]
    }

    /// The scaling of sums that lack `constants`.
    fn scaling(&self, constants: Vec<i64>) -> Scaling {
        let LayerParams { input, weight, .. } = self.quantized.params();
        let outputs = self.shape.groups * self.shape.outputs;
        let scales = (0..outputs).map(|output| f64::from(input.scale()) * f64::from(weight.scale(output))).collect();
        let scaling = Scaling::new(constants, scales, self.bias, outputs);
        match self.after_sums {
            Some(after_sums) => scaling.followed_by(after_sums),
            None => scaling,
        }
    }
}
