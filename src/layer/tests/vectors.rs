//! Golden vectors against the kernels: what is computed one product after the other is what layers compute.

use super::*;
use crate::kernel::{Clip, Rounding};
use crate::layer::vectors::layer_vectors;
use crate::layer::{AccBits, AccOverflow, Accumulator};
use crate::quant::Grid;
use std::sync::Arc;

/// What a layer is told beside its operands.
#[derive(Debug, Clone)]
struct Told {
    is_approximate: bool,
    /// Integers of the output.
    output: Option<(Grid, Rounding)>,
    has_integer_bias: bool,
    accumulator: Option<Accumulator>,
    clip: Clip,
    kernel: usize,
}

fn told() -> impl Strategy<Value = Told> {
    let roundings = [Rounding::Once, Rounding::Twice, Rounding::Truncate, Rounding::TwiceOfSingle, Rounding::Real];
    let output = (0.05f32..3.0, -128i32..=127, prop::sample::select(roundings.to_vec()))
        .prop_map(|(scale, zero_point, rounding)| (Grid::new(scale, zero_point, [-128, 127]).unwrap(), rounding));
    let accumulator = (10u32..=20, any::<bool>()).prop_map(|(bits, saturates)| Accumulator {
        bits: AccBits::try_from(bits).unwrap(),
        overflow: if saturates { AccOverflow::Saturate } else { AccOverflow::Wrap },
    });
    let others = (any::<bool>(), any::<bool>(), any::<bool>(), 0..KERNELS.iter().count());
    (prop::option::of(output), prop::option::weighted(0.3, accumulator), others).prop_map(
        |(output, accumulator, (is_approximate, has_integer_bias, is_clipped, kernel))| {
            let clip = if is_clipped { Clip { low: -1.0, high: 3.0 } } else { Clip::default() };
            Told { is_approximate, output, has_integer_bias, accumulator, clip, kernel }
        },
    )
}

/// Fails unless the vectors end in what the layer computes.
fn check<A>(case: &Case<A>, mut layer: impl WeightedLayer, told: &Told) -> Result<(), TestCaseError> {
    let kernel = KERNELS.iter().copied().nth(told.kernel).unwrap();
    prop_assume!(kernel.is_supported());
    let signedness = if case.coding == Coding::Signed { Signedness::Signed } else { Signedness::Unsigned };
    let mut params = case.params();
    params.bias =
        told.has_integer_bias.then(|| Arc::from(case.bias().iter().map(|b| (b * 1e3) as i32).collect::<Vec<_>>()));
    layer.quantize(params, case.coding, Some(&crooked(signedness)), kernel).unwrap();
    layer.set_requantization(told.output.map(|(output, rounding)| Requantization { output, rounding }));
    layer.set_accumulator(told.accumulator);
    layer.set_mode(if told.is_approximate { InferenceMode::Approximate } else { InferenceMode::Quantized });
    let input = case.input_tensor();
    let found = layer_vectors(&layer, &input, told.clip).unwrap().unwrap();
    let numbers: Vec<f32> = match &found.outputs {
        VectorOutputs::Numbers { values, .. } => values.clone(),
        VectorOutputs::Integers { values, grid, .. } => values.iter().map(|&q| grid.number(q)).collect(),
    };
    prop_assert_eq!(matches!(found.outputs, VectorOutputs::Integers { .. }), told.output.is_some());
    let expected = layer.forward_as(&input, Call { clip: told.clip, ..Call::default() }).unwrap();
    let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    prop_assert_eq!(bits(&numbers), bits(&values(&expected)));
    Ok(())
}

proptest! {
    #![proptest_config(crate::cases::property(64))]

    #[test]
    fn convolutions_compute_their_vectors(case in case(), told in told()) {
        check(&case, case.layer(), &told)?;
    }

    #[test]
    fn transposed_convolutions_compute_their_vectors(case in transposed::case(), told in told()) {
        check(&case, case.layer(), &told)?;
    }
}

/// A sequence of two positions by hand: products of dropped low bits, their zero points, the bias in steps.
#[test]
fn vectors_of_a_linear_layer() {
    let range = IntRange::new(0, 255).unwrap();
    let weight = Tensor::new(&[[0f32, 2.0], [-1.0, 1.0]], &Device::Cpu).unwrap();
    let bias = Tensor::new(&[10f32, 0.0], &Device::Cpu).unwrap();
    let mut layer = ApproxLinear::new("fc", &weight, Some(&bias)).unwrap();
    let input = ActivationParams::new(1.0, 3, range).unwrap();
    let weight = WeightParams::new(vec![1.0], vec![128], range).unwrap();
    let lut = Lut::from_fn("even", Signedness::Unsigned, |a, w| (a & !1) * w);
    layer.quantize(LayerParams::new(input, weight), Coding::Affine, Some(&lut), kernel::best()).unwrap();
    let input = Tensor::new(&[[[4f32, 0.0], [-3.0, 1.0]]], &Device::Cpu).unwrap();
    assert_eq!(layer_vectors(&layer, &input, Clip::default()).unwrap(), None, "mode base");
    layer.set_mode(InferenceMode::Approximate);
    let found = layer_vectors(&layer, &input, Clip::RELU).unwrap().unwrap();
    assert_eq!((found.input, found.weight), (vec![7, 3, 0, 4], vec![128, 130, 127, 129]));
    // 6 * 128 + 2 * 130 - 128 * 10 - 3 * 258 + 2 * 3 * 128, and so on.
    assert_eq!(found.sums, [-258, -260, 2, 4]);
    assert_eq!(found.bias, VectorBias::Numbers(vec![10.0, 0.0]));
    assert_eq!(found.outputs, VectorOutputs::Numbers { values: vec![0.0, 0.0, 12.0, 4.0], clip: Clip::RELU });
}
