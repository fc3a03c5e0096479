//! Checkpoints of quantization-aware training: names as `torch.ao.quantization.prepare_qat` gives them, scales as its
//! observers compute them.

use crate::cases::for_each_case;
use crate::model::fake_quant::{params, rename_fused_norms};
use crate::model::{ModelError, ModelSpec, Weights};
use crate::quant::{LayerParams, ParamsFile};
use crate::zoo::Architecture;
use candle_core::{DType, Device, Tensor};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

type State = BTreeMap<String, Tensor>;

/// The state of one fake quantizer, called `name`: scale and zero point for values from `least` to `largest`.
fn quantizer(state: &mut State, name: &str, scales: &[f32], zero_point: i32, ends: [f32; 2]) {
    let n = scales.len();
    let tensors = [
        ("scale", Tensor::new(scales, &Device::Cpu)),
        ("zero_point", Tensor::full(zero_point, n, &Device::Cpu)),
        ("fake_quant_enabled", Tensor::new(&[1u8], &Device::Cpu)),
        ("observer_enabled", Tensor::new(&[1i64], &Device::Cpu)),
        ("activation_post_process.eps", Tensor::new(&[f32::EPSILON], &Device::Cpu)),
        ("activation_post_process.min_val", Tensor::full(ends[0], if n == 1 { vec![] } else { vec![n] }, &Device::Cpu)),
        ("activation_post_process.max_val", Tensor::full(ends[1], if n == 1 { vec![] } else { vec![n] }, &Device::Cpu)),
    ];
    state.extend(tensors.map(|(part, tensor)| (format!("{name}.{part}"), tensor.unwrap())));
}

/// Quantizers of every layer of lenet5 and of its input: outputs in unsigned 8 bits, each layer its own scale.
fn of_lenet5() -> State {
    let mut state = State::new();
    quantizer(&mut state, "quant.activation_post_process", &[0.01], 100, [-1.0, 1.55]);
    for (i, (layer, outputs)) in
        [("conv1", 6), ("conv2", 16), ("fc1", 120), ("fc2", 84), ("fc3", 10)].iter().enumerate()
    {
        let largest = 2.55 * (i + 1) as f32;
        quantizer(&mut state, &format!("{layer}.activation_post_process"), &[largest / 255.0], 0, [0.0, largest]);
        quantizer(&mut state, &format!("{layer}.weight_fake_quant"), &vec![1.0 / 127.5; *outputs], 0, [-1.0, 0.5]);
    }
    state
}

fn params_of(architecture: &str, state: &State) -> (BTreeMap<String, LayerParams>, String) {
    let architecture = Architecture::find(architecture).unwrap();
    let graph = architecture.build(architecture.input, architecture.num_classes, None).unwrap();
    let (ParamsFile { layers, .. }, note) = params(&graph, state, Path::new("qat.safetensors"), "").unwrap().unwrap();
    (layers, note)
}

#[test]
fn outputs_are_the_next_layers_inputs() {
    let (layers, note) = params_of("lenet5", &of_lenet5());
    assert_eq!(note, "fake quantizers of the checkpoint give 5 of 5 layers their scales");
    let inputs = [
        ("conv1", 0.01, 100),
        ("conv2", 2.55 / 255.0, 0),
        ("fc1", 5.1 / 255.0, 0),
        ("fc2", 2.55 * 3.0 / 255.0, 0),
        ("fc3", 2.55 * 4.0 / 255.0, 0),
    ];
    for_each_case(inputs, |(layer, scale, zero_point)| {
        let LayerParams { input, weight, .. } = &layers[layer];
        assert_eq!((input.scale(), input.zero_point()), (scale, zero_point), "{layer}");
        assert_eq!(input.range().integers(), 0..=255);
        assert_eq!((weight.range().integers(), weight.zero_points()[0]), (-128..=127, 0));
    });
    assert_eq!(layers["conv1"].weight.scales().len(), 6);
}

/// The range is what gives the scale for the extremes: PyTorch's defaults, and fewer bits.
#[test]
fn ranges_follow_from_scales_and_extremes() {
    let cases: [(f32, i32, [f32; 2], std::ops::RangeInclusive<i32>); 8] = [
        (0.01, 100, [-1.0, 1.55], 0..=255),
        // fbgemm's, with reduce_range.
        (2.54 / 127.0, 0, [0.0, 2.54], 0..=127),
        (0.1, 5, [-0.5, 1.0], 0..=15),
        (0.01, -28, [-1.0, 1.55], -128..=127),
        // Symmetric: 127.5 steps, 127 steps, and unsigned around 128.
        (1.0 / 127.5, 0, [-1.0, 0.5], -128..=127),
        (1.0 / 127.0, 0, [-1.0, 0.5], -127..=127),
        (1.0 / 127.5, 128, [-1.0, 0.5], 0..=255),
        // Of nothing that is known.
        (0.3, 7, [-1.0, 0.5], 0..=255),
    ];
    for_each_case(cases, |(scale, zero_point, ends, expected)| {
        let mut state = of_lenet5();
        quantizer(&mut state, "conv1.activation_post_process", &[scale], zero_point, ends);
        let (layers, _) = params_of("lenet5", &state);
        let input = &layers["conv2"].input;
        assert_eq!((input.range().integers(), input.scale(), input.zero_point()), (expected, scale, zero_point));
    });
}

/// Through batch normalization, ReLU and pooling; of additions by their only other module; nothing of what is not
/// there, of weights of other channels, and of quantizers that saw no value.
#[test]
fn residual_networks_are_followed() {
    let mut state = State::new();
    quantizer(&mut state, "quant.activation_post_process", &[0.5], 3, [-1.5, 126.0]);
    for (module, scale) in
        [("conv1", 1.0), ("layer1.0.conv1", 2.0), ("layer1.0.add_relu", 3.0), ("layer1.1.conv1", 4.0)]
    {
        quantizer(&mut state, &format!("{module}.activation_post_process"), &[scale], 0, [0.0, 255.0 * scale]);
    }
    for layer in ["conv1", "layer1.0.conv1", "layer1.0.conv2", "layer1.1.conv1", "layer2.0.conv1"] {
        quantizer(&mut state, &format!("{layer}.weight_fake_quant"), &[1.0 / 127.5], 0, [-1.0, 0.5]);
    }
    quantizer(&mut state, "layer1.1.conv2.weight_fake_quant", &[1.0; 3], 0, [-1.0, 0.5]);
    let (layers, note) = params_of("resnet18", &state);
    let scales: Vec<_> = layers.iter().map(|(name, params)| (name.as_str(), params.input.scale())).collect();
    let expected = [("conv1", 0.5), ("layer1.0.conv1", 1.0), ("layer1.0.conv2", 2.0), ("layer1.1.conv1", 3.0)];
    assert_eq!(scales, expected);
    assert_eq!(note, "fake quantizers of the checkpoint give 4 of 21 layers their scales");
    quantizer(&mut state, "conv1.activation_post_process", &[1.0], 0, [f32::INFINITY, f32::NEG_INFINITY]);
    assert!(!params_of("resnet18", &state).0.contains_key("layer1.0.conv1"));
    quantizer(&mut state, "activation_post_process_0", &[1.0], 0, [0.0, 255.0]);
    assert!(params_of("resnet18", &state).1.contains("FX"));
}

#[test]
fn fused_normalizations_take_their_own_names() {
    let architecture = Architecture::find("resnet18").unwrap();
    let scalar = Tensor::zeros((), DType::F32, &Device::Cpu).unwrap();
    let names = ["conv1.bn.weight", "layer2.0.downsample.0.bn.running_var", "layer1.0.conv2.bn.bias", "conv1.weight"];
    let tensors = names.map(|name| (name.to_owned(), scalar.clone())).into();
    let fake_quantizers = State::from([("conv1.weight_fake_quant.scale".to_owned(), scalar)]);
    let mut weights = Weights { tensors, fake_quantizers, notes: Vec::new(), blake3: String::new() };
    rename_fused_norms(&mut weights.tensors, architecture);
    let expected = ["bn1.weight", "conv1.weight", "layer1.0.bn2.bias", "layer2.0.downsample.1.running_var"];
    assert!(weights.tensors.keys().eq(expected), "{:?}", weights.tensors.keys());
}

/// From the file to the model: integer tensors, a prefix that all share, and a scale that cannot be used.
#[test]
fn checkpoints_are_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("qat.safetensors");
    let architecture = Architecture::find("lenet5").unwrap();
    let graph = architecture.build(architecture.input, 10, None).unwrap();
    let open = |state: &State, prefix: &str| {
        let weight = |id| {
            (graph.value_name(id).to_owned(), Tensor::ones(graph.ty(id).sizes(1), DType::F32, &Device::Cpu).unwrap())
        };
        let all = graph.parameters().map(weight).chain(state.clone());
        let tensors: HashMap<String, Tensor> = all.map(|(name, tensor)| (format!("{prefix}{name}"), tensor)).collect();
        candle_core::safetensors::save(&tensors, &path).unwrap();
        let spec =
            ModelSpec { architecture: Some("lenet5".to_owned()), weights: Some(path.clone()), ..ModelSpec::default() };
        spec.open()
    };
    for_each_case(["", "module."], |prefix| {
        let model = open(&of_lenet5(), prefix).unwrap();
        let params = model.params.unwrap();
        assert_eq!((params.layers.len(), params.layers["conv1"].input.zero_point()), (5, 100));
        assert!(
            !params.blake3.is_empty() && model.notes.iter().any(|note| note.contains("5 of 5")),
            "{:?}",
            model.notes
        );
    });
    let mut state = of_lenet5();
    quantizer(&mut state, "conv1.activation_post_process", &[-1.0], 0, [0.0, 1.0]);
    let error = open(&state, "").unwrap_err();
    assert!(matches!(&error, ModelError::FakeQuantizer { layer, .. } if layer == "conv2"), "{error}");
}
