//! The weight of a layer that has run in baseline mode, which holds it as its kernel reads it.

use super::{Case, case, numbers, values};
use crate::cases::for_each_case;
use crate::kernel;
use crate::layer::{
    ApproxConv2d, ApproxConvTranspose2d, ApproxLayer, ApproxLinear, ConvAttributes, ConvTransposeAttributes,
    WeightedLayer,
};
use crate::quant::{Observer, Operands};
use candle_core::{Device, Module, Tensor};
use proptest::prelude::*;

/// Numbers of which some are zeros of either sign, some subnormal, and some the largest and smallest.
fn weight(dims: &[usize]) -> Tensor {
    let special = [-0.0, 0.0, f32::MIN_POSITIVE / 4.0, -f32::from_bits(1), f32::MAX, f32::MIN];
    let mut values = numbers(3, dims.iter().product());
    values.iter_mut().step_by(5).zip(special.iter().cycle()).for_each(|(value, &special)| *value = special);
    Tensor::from_vec(values, dims, &Device::Cpu).unwrap()
}

fn bits(tensor: &Tensor) -> Vec<u32> {
    values(tensor).iter().map(|value| value.to_bits()).collect()
}

/// More and fewer outputs than registers have lanes, groups, and depthwise layers.
#[test]
fn a_weight_is_read_back_to_the_bit() {
    let cases = [
        ("one output", [1, 1, 1, 1, 1]),
        ("less than a register", [7, 3, 3, 3, 1]),
        ("a register", [16, 5, 1, 1, 1]),
        ("one more", [17, 4, 3, 2, 1]),
        ("several panels", [131, 6, 2, 3, 1]),
        ("groups", [38, 3, 3, 1, 2]),
        ("groups of one channel", [12, 1, 3, 3, 4]),
        ("depthwise", [37, 1, 3, 3, 37]),
    ];
    for_each_case(cases, |(_, [outputs, channels, height, width, groups])| {
        let weight = weight(&[outputs, channels, height, width]);
        let attributes = ConvAttributes { groups, ..ConvAttributes::default() };
        let layer = ApproxConv2d::new("conv", attributes, &weight, None).unwrap();
        let input = Tensor::zeros((1, channels * groups, 4, 5), candle_core::DType::F32, &Device::Cpu).unwrap();
        for _ in 0..2 {
            let _ = layer.forward(&input).unwrap();
            let read = layer.weight();
            assert_eq!((read.dims(), bits(&read)), (weight.dims(), bits(&weight)));
        }
        assert_eq!(layer.weight_shape(), weight.dims());
    });
}

/// Linear layers likewise; transposed convolutions keep their tensor.
#[test]
fn other_layers_have_their_weight_after_baseline() {
    let weight = weight(&[21, 13]);
    let linear = ApproxLinear::new("fc", &weight, None).unwrap();
    let _ = linear.forward(&Tensor::ones((2, 13), candle_core::DType::F32, &Device::Cpu).unwrap()).unwrap();
    assert_eq!(bits(&linear.weight()), bits(&weight));
    let weight = weight.reshape((3, 7, 13, 1)).unwrap();
    let up = ApproxConvTranspose2d::new("up", ConvTransposeAttributes::default(), &weight, None).unwrap();
    let before = bits(&up.weight());
    let _ = up.forward(&Tensor::ones((1, 3, 2, 2), candle_core::DType::F32, &Device::Cpu).unwrap()).unwrap();
    assert_eq!(bits(&up.weight()), before);
}

/// What observes `input` in a baseline pass, and that pass's output.
fn observed(layer: &mut ApproxConv2d, input: &Tensor) -> (Vec<u32>, Operands<f32>) {
    layer.begin_calibration(Observer::MinMax.start(input.elem_count()).into());
    let output = layer.forward(input).unwrap();
    (bits(&output), layer.finish_observing().unwrap().map(|observed| observed.max_abs))
}

proptest! {
    #![proptest_config(crate::cases::property(100))]

    /// A layer that has run in baseline mode is quantized and observed as a new one is.
    #[test]
    fn baseline_leaves_a_layer_as_it_was(case in case()) {
        let case: Case<ConvAttributes<2>> = case;
        let (mut used, mut new) = (case.layer(), case.layer());
        let input = case.input_tensor();
        let baseline = bits(&used.forward(&input).unwrap());
        used.quantize(case.params(), case.coding, None, kernel::best()).unwrap();
        new.quantize(case.params(), case.coding, None, kernel::best()).unwrap();
        prop_assert_eq!(bits(&used.quant_fwd(&input).unwrap()), bits(&new.quant_fwd(&input).unwrap()));
        prop_assert_eq!(observed(&mut used, &input), observed(&mut new, &input));
        prop_assert_eq!(bits(&used.weight()), bits(&new.weight()));
        prop_assert_eq!(bits(&used.forward(&input).unwrap()), baseline);
    }
}
