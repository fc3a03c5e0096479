//! The sum of the activations that an output reads, which activation factors multiply.

use super::taps::Taps;
use super::values::with_values;
use super::{Flow, LayerError, LayerProblem, WeightedLayer, Window};
use crate::quant::ActivationParams;
use candle_core::Tensor;
use rayon::prelude::*;

/// `sum (x_q - z_x)` over the activations that each output position reads, `[images, groups, positions]`, of a quantized
/// layer. Padding is the quantized zero, and adds none.
///
/// # Errors
/// When the input does not fit the layer, which is not quantized, or has NaN values.
pub(crate) fn activation_sums(layer: &dyn WeightedLayer, input: &Tensor) -> Result<Vec<i32>, LayerError> {
    let window = layer.window(input.dims())?;
    let sums = || {
        let params = &layer.params().ok_or(LayerProblem::NotQuantized(layer.mode()))?.input;
        with_values(input, |input| of_values(&window, params, input))?
    };
    sums().map_err(|problem: LayerProblem| problem.in_layer(layer.name()))
}

/// The bytes that a quantized layer multiplies of an input.
///
/// # Errors
/// When the layer is not quantized, or the input has NaN values.
pub(crate) fn activation_bytes(layer: &dyn WeightedLayer, input: &Tensor) -> Result<Vec<u8>, LayerError> {
    let bytes = || {
        let params = &layer.params().ok_or(LayerProblem::NotQuantized(layer.mode()))?.input;
        with_values(input, |input| {
            let mut bytes = vec![0; input.len()];
            if params.quantize_slice(input, &mut bytes) { Err(LayerProblem::NaN) } else { Ok(bytes) }
        })?
    };
    bytes().map_err(|problem: LayerProblem| problem.in_layer(layer.name()))
}

fn of_values(window: &Window, params: &ActivationParams, input: &[f32]) -> Result<Vec<i32>, LayerProblem> {
    let Window { geometry, groups, images, .. } = window;
    let ([height, width], [rows, columns]) = (geometry.input, geometry.output);
    let (plane, channels) = (height * width, geometry.channels);
    let [down, across] = [0, 1].map(|axis| sources(window, axis));
    let mut sums = vec![0; images * groups * rows * columns];
    let of_groups = sums.par_chunks_mut((rows * columns).max(1)).zip(input.par_chunks((channels * plane).max(1)));
    of_groups.try_for_each_init(
        || (Vec::new(), Vec::new(), Vec::new()),
        |(bytes, whole, lines), (sums, input)| {
            bytes.resize(input.len(), 0);
            if params.quantize_slice(input, bytes) {
                return Err(LayerProblem::NaN);
            }
            whole.clear();
            whole.resize(plane, 0);
            let signedness = params.range().signedness();
            for channel in bytes.chunks_exact(plane.max(1)) {
                let integers = channel.iter().map(|&byte| signedness.value(byte) - params.zero_point());
                whole.iter_mut().zip(integers).for_each(|(sum, x)| *sum += x);
            }
            lines.clear();
            lines.resize(height * columns, 0);
            for (line, row) in lines.chunks_exact_mut(columns).zip(whole.chunks_exact(width)) {
                gather(&across, |at, from| line[at] += row[from]);
            }
            gather(&down, |at, from| {
                let line = &lines[from * columns..][..columns];
                sums[at * columns..][..columns].iter_mut().zip(line).for_each(|(sum, x)| *sum += x);
            });
            Ok(())
        },
    )?;
    Ok(sums)
}

/// The input position that each tap takes to each output position along an axis, if there is one.
fn sources(window: &Window, axis: usize) -> Vec<Vec<Option<usize>>> {
    let geometry = &window.geometry;
    let source = |tap: usize, at: usize| match window.flow {
        Flow::Forward => {
            let from = (at * geometry.stride[axis] + tap * geometry.dilation[axis]).checked_sub(geometry.padding[axis]);
            from.filter(|&from| from < geometry.input[axis])
        }
        Flow::Transposed => Taps::new(geometry, axis).source(tap, at),
    };
    let of_tap = |tap: usize| (0..geometry.output[axis]).map(|at| source(tap, at)).collect();
    (0..geometry.kernel[axis]).map(of_tap).collect()
}

/// Calls `add` with every output position and the input position that a tap takes to it.
fn gather(sources: &[Vec<Option<usize>>], mut add: impl FnMut(usize, usize)) {
    for of_tap in sources {
        for (at, from) in of_tap.iter().enumerate() {
            if let Some(from) = from {
                add(at, *from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel;
    use crate::layer::{
        ApproxConv1d, ApproxConv2d, ApproxConvTranspose2d, ApproxLayer, ApproxLinear, ConvAttributes,
        ConvTransposeAttributes, LayerParts,
    };
    use crate::lut::{Coding, design};
    use crate::quant::{Observer, QuantConfig};
    use candle_core::Device;

    fn values(dims: &[usize], seed: i64) -> Tensor {
        let count = dims.iter().product::<usize>() as i64;
        let value = |i: i64| ((i * 7919 + seed) % 41 - 11) as f32 / 20.0;
        Tensor::from_vec((0..count).map(value).collect(), dims, &Device::Cpu).unwrap()
    }

    /// The sums are those of exact products by weights that are all one integer, zero points included.
    fn check(mut layer: impl WeightedLayer, input: &Tensor) {
        for (coding, lut) in [(Coding::Affine, "drum-4"), (Coding::SignMagnitude, "drum-4"), (Coding::Signed, "exact")]
        {
            layer.begin_calibration(Observer::MinMax.start(input.elem_count()).into());
            let _ = layer.baseline_fwd(input).unwrap();
            let lut = design::resolve(lut, Some(coding.table_signedness())).unwrap();
            layer.finish_calibration(&QuantConfig::new(coding), Some(&lut), kernel::best()).unwrap();
            let sums = activation_sums(&layer, input).unwrap();
            let mut parts = layer.parts().unwrap();
            parts.weight.fill(0.5);
            let ones = layer.with_parts(&parts).unwrap();
            let exact = ones_of(ones, &layer, input, coding);
            let window = layer.window(input.dims()).unwrap();
            let params = layer.params().unwrap();
            let (positions, each) = (window.geometry.positions(), window.group_outputs());
            for (i, y) in exact.into_iter().enumerate() {
                let (image, channel, at) =
                    (i / positions / window.outputs, i / positions % window.outputs, i % positions);
                let sum = sums[(image * window.groups + channel / each) * positions + at];
                let unit = f64::from(params.input.scale()) * 0.5;
                assert_eq!(f64::from(y), f64::from((f64::from(sum) * unit) as f32), "{coding} {i}");
            }
        }
    }

    fn ones_of(
        mut ones: Box<dyn WeightedLayer>,
        layer: &impl WeightedLayer,
        input: &Tensor,
        coding: Coding,
    ) -> Vec<f32> {
        let mut params = layer.params().unwrap().clone();
        let outputs = ones.state().outputs();
        let zero_point = params.weight.zero_point(0);
        // One step of weights is 0.5.
        params.weight =
            crate::quant::WeightParams::new(vec![0.5; outputs], vec![zero_point; outputs], params.weight.range())
                .unwrap();
        ones.quantize(params, coding, None, kernel::best()).unwrap();
        ones.quant_fwd(input).unwrap().flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn sums_are_those_of_products_by_one() {
        let conv = ConvAttributes::<2> { stride: [2, 1], padding: [[1, 1], [2, 0]], dilation: [1, 2], groups: 2 };
        check(ApproxConv2d::new("conv", conv, &values(&[6, 2, 3, 2], 5), None).unwrap(), &values(&[3, 4, 5, 6], 3));
        let conv = ConvAttributes::<1> { padding: [[2, 1]], ..Default::default() };
        check(ApproxConv1d::new("conv", conv, &values(&[4, 3, 3], 5), None).unwrap(), &values(&[2, 3, 9], 3));
        let depthwise = ConvAttributes::<2> { padding: [[1, 1]; 2], groups: 4, ..Default::default() };
        check(ApproxConv2d::new("dw", depthwise, &values(&[4, 1, 3, 3], 5), None).unwrap(), &values(&[2, 4, 5, 6], 3));
        let up = ConvTransposeAttributes::<2> { stride: [2, 3], padding: [[1, 0], [0, 1]], ..Default::default() };
        check(
            ApproxConvTranspose2d::new("up", up, &values(&[3, 2, 3, 2], 1), None).unwrap(),
            &values(&[2, 3, 3, 2], 9),
        );
        check(ApproxLinear::new("fc", &values(&[7, 13], 2), None).unwrap(), &values(&[2, 3, 13], 4));
    }

    /// What factors add to sums of a multiplier's products, by every way of summing; exact products keep theirs.
    #[test]
    fn factors_add_sums_of_activations() {
        let conv = ConvAttributes::<2> { padding: [[1, 1]; 2], groups: 2, ..Default::default() };
        let (weight, input) = (values(&[6, 2, 3, 3], 5), values(&[3, 4, 5, 6], 3));
        let factors = vec![3, 0, -7, 100, -1, -90];
        for (coding, lut) in [
            (Coding::SignMagnitude, "mitchell"),
            (Coding::SignMagnitude, "drum-4"),
            (Coding::Affine, "truncated-4"),
            (Coding::Affine, "mitchell"),
        ] {
            let lut = design::resolve(lut, Some(coding.table_signedness())).unwrap();
            let mut layer = ApproxConv2d::new("conv", conv, &weight, None).unwrap();
            layer.begin_calibration(Observer::MinMax.start(input.elem_count()).into());
            let _ = layer.baseline_fwd(&input).unwrap();
            layer.finish_calibration(&QuantConfig::new(coding), Some(&lut), kernel::best()).unwrap();
            let params = layer.params().unwrap().clone();
            let parts = LayerParts { activation_factors: Some(factors.clone()), ..layer.parts().unwrap() };
            let mut with = layer.with_parts(&parts).unwrap();
            with.quantize(params.clone(), coding, Some(&lut), kernel::best()).unwrap();
            let flat = |tensor: Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(flat(with.quant_fwd(&input).unwrap()), flat(layer.quant_fwd(&input).unwrap()));
            let sums = activation_sums(&layer, &input).unwrap();
            let (before, after) = (flat(layer.approx_fwd(&input).unwrap()), flat(with.approx_fwd(&input).unwrap()));
            for (i, (before, after)) in before.into_iter().zip(after).enumerate() {
                let (image, channel, at) = (i / 30 / 6, i / 30 % 6, i % 30);
                let unit = f64::from(params.input.scale()) * f64::from(params.weight.scale(channel));
                let sum = (f64::from(before) / unit).round();
                let added = f64::from(factors[channel]) * f64::from(sums[(image * 2 + channel / 3) * 30 + at]);
                assert_eq!(f64::from(after), f64::from(((sum + added) * unit) as f32), "{coding} {} {i}", lut.name());
            }
        }
        let short = LayerParts { activation_factors: Some(vec![1]), ..Default::default() };
        let layer = ApproxConv2d::new("conv", conv, &weight, None).unwrap();
        assert!(layer.with_parts(&short).is_err());
    }
}
