//! State dicts and model directories in the forms that they come in.

use crate::cases::for_each_case;
use crate::data::Interpolation;
use crate::graph::BindError;
use crate::model::*;
use candle_core::{DType, Device, Tensor};
use proptest::prelude::*;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A state dict: names with their dimensions, all numbers 0.25.
type StateDict = Vec<(String, Vec<usize>)>;

fn lenet5(classes: usize) -> StateDict {
    let weights = [
        ("conv1", vec![6, 1, 5, 5]),
        ("conv2", vec![16, 6, 5, 5]),
        ("fc1", vec![120, 400]),
        ("fc2", vec![84, 120]),
        ("fc3", vec![classes, 84]),
    ];
    let both = |(name, shape): (&str, Vec<usize>)| {
        [(format!("{name}.bias"), vec![shape[0]]), (format!("{name}.weight"), shape)]
    };
    weights.into_iter().flat_map(both).collect()
}

fn normalization(name: &str, channels: usize) -> StateDict {
    let parts = ["weight", "bias", "running_mean", "running_var"];
    let parts = parts.iter().map(|part| (format!("{name}.{part}"), vec![channels]));
    parts.chain([(format!("{name}.num_batches_tracked"), vec![])]).collect()
}

/// ResNet-20 as its trainings write it: with convolutions called `{shortcut}.0`, if any, and a head.
fn resnet20(shortcut: Option<&str>, head: &str) -> StateDict {
    let mut dict = vec![("conv1.weight".to_owned(), vec![16, 3, 3, 3])];
    dict.extend(normalization("bn1", 16));
    let mut inputs = 16;
    for (stage, outputs) in [(1, 16), (2, 32), (3, 64)] {
        for block in 0..3 {
            let name = format!("layer{stage}.{block}");
            for (i, inputs) in [(1, inputs), (2, outputs)] {
                dict.push((format!("{name}.conv{i}.weight"), vec![outputs, inputs, 3, 3]));
                dict.extend(normalization(&format!("{name}.bn{i}"), outputs));
            }
            if let Some(shortcut) = shortcut.filter(|_| inputs != outputs) {
                dict.push((format!("{name}.{shortcut}.0.weight"), vec![outputs, inputs, 1, 1]));
                dict.extend(normalization(&format!("{name}.{shortcut}.1"), outputs));
            }
            inputs = outputs;
        }
    }
    dict.extend([(format!("{head}.weight"), vec![10, 64]), (format!("{head}.bias"), vec![10])]);
    dict
}

/// Writes a state dict, floats in `dtype`, counters in `i64`.
fn save(path: &Path, dict: &StateDict, dtype: DType) {
    let tensor = |(name, shape): &(String, Vec<usize>)| {
        let dtype = if name.ends_with("num_batches_tracked") { DType::I64 } else { dtype };
        let tensor = Tensor::full(0.25f32, shape.as_slice(), &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
        (name.clone(), tensor)
    };
    let tensors: HashMap<String, Tensor> = dict.iter().map(tensor).collect();
    candle_core::safetensors::save(&tensors, path).unwrap();
}

fn open_state_dict(architecture: &str, path: &Path) -> Result<Model, ModelError> {
    let (architecture, weights) = (Some(architecture.to_owned()), Some(path.to_owned()));
    ModelSpec { architecture, weights, ..ModelSpec::default() }.open()
}

fn load(architecture: &str, dict: &StateDict, dtype: DType) -> Result<Model, ModelError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    save(&path, dict, dtype);
    open_state_dict(architecture, &path)
}

fn prefixed(dict: StateDict) -> StateDict {
    dict.into_iter().map(|(name, shape)| (format!("module.{name}"), shape)).collect()
}

#[test]
fn state_dicts_bind_under_their_own_names() {
    // Option B has a 1 x 1 convolution and a normalization in the two blocks that change the shape.
    let option_b = 269_722 + (16 * 32 + 64) + (32 * 64 + 128);
    let cases = [
        ("resnet20", resnet20(None, "linear"), 269_722, 20),
        ("resnet20", resnet20(None, "fc"), 269_722, 20),
        ("resnet20", resnet20(Some("downsample"), "fc"), option_b, 22),
        ("resnet20", resnet20(Some("shortcut"), "linear"), option_b, 22),
        ("resnet20", prefixed(resnet20(Some("shortcut"), "linear")), option_b, 22),
        ("lenet5", lenet5(10), 61_706, 5),
        ("lenet5", prefixed(lenet5(10)), 61_706, 5),
    ];
    for_each_case(cases.into_iter().enumerate(), |(i, (architecture, dict, parameters, layers))| {
        let model = load(architecture, &dict, DType::F32).unwrap_or_else(|error| panic!("case {i}: {error:?}"));
        assert_eq!(
            (model.graph.trainable_parameters(), model.graph.layer_counts().len()),
            (parameters, layers),
            "case {i}"
        );
        assert_eq!(model.notes.len(), usize::from(dict[0].0.starts_with("module.")), "case {i}: {:?}", model.notes);
        let [c, h, w] = model.input;
        let output = model.graph.run(&[Tensor::zeros((2, c, h, w), DType::F32, &Device::Cpu).unwrap()], 0).unwrap();
        assert_eq!(output[0].dims(), [2, 10], "case {i}");
    });
}

/// The shortcut without parameters: every other pixel, new channels zero on both sides. A block
/// whose convolutions are zero shows it alone.
#[test]
fn option_a_shortcuts_pad_channels() {
    let dict = resnet20(None, "linear");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("zeros.safetensors");
    let tensor = |(name, shape): &(String, Vec<usize>)| {
        // Convolutions but the first are 0 and normalizations do nothing, so that blocks are their shortcuts.
        let value = f32::from(
            name == "conv1.weight"
                || name.ends_with("running_var")
                || (name.contains("bn") && name.ends_with("weight")),
        );
        (name.clone(), Tensor::full(value, shape.as_slice(), &Device::Cpu).unwrap())
    };
    let mut tensors: HashMap<String, Tensor> =
        dict.iter().filter(|(name, _)| !name.ends_with("tracked")).map(tensor).collect();
    // Logit k is channel 22 + k of the last stage, where the first stage's 16 channels are 24 to 39.
    let head: Vec<f32> = (0..10 * 64).map(|i| f32::from(i % 64 == 22 + i / 64)).collect();
    tensors.insert("linear.weight".to_owned(), Tensor::from_vec(head, (10, 64), &Device::Cpu).unwrap());
    candle_core::safetensors::save(&tensors, &path).unwrap();
    let model = open_state_dict("resnet20", &path).unwrap();
    let ones = Tensor::ones((1, 3, 32, 32), DType::F32, &Device::Cpu).unwrap();
    let logits = model.graph.run(&[ones], 0).unwrap()[0].to_vec2::<f32>().unwrap().remove(0);
    // Every fourth pixel is kept: it sums 27 ones inside, 18 on the top and left edges, 12 in the corner.
    let mean = (27.0 * 49.0 + 18.0 * 14.0 + 12.0) / 64.0;
    for (k, logit) in logits.into_iter().enumerate() {
        let expected = if k < 2 { 0.0 } else { mean };
        assert!((logit - expected).abs() < 1e-3, "logit {k}: {logit}, expected {expected}");
    }
}

#[test]
fn other_float_types_are_converted_with_a_note() {
    let cases = [
        (DType::F16, "10 tensors of f16 widened to f32"),
        (DType::BF16, "10 tensors of bf16 widened to f32"),
        (DType::F64, "10 tensors of f64 narrowed to f32"),
    ];
    for_each_case(cases, |(dtype, note)| {
        let model = load("lenet5", &lenet5(10), dtype).unwrap();
        assert_eq!(model.notes, [note]);
        let plain = load("lenet5", &lenet5(10), DType::F32).unwrap();
        let x = Tensor::ones((1, 1, 28, 28), DType::F32, &Device::Cpu).unwrap();
        let logits = |model: &Model| model.graph.run(std::slice::from_ref(&x), 0).unwrap()[0].to_vec2::<f32>().unwrap();
        assert_eq!(logits(&model), logits(&plain), "0.25 is exact in all");
    });
    let error = load("lenet5", &lenet5(10), DType::I64).unwrap_err().to_string();
    assert!(error.contains("weights.safetensors: tensor '") && error.contains("is of i64, expected f32"), "{error}");
}

#[test]
fn the_head_tells_the_number_of_classes() {
    for (architecture, mut dict, classes) in [("lenet5", lenet5(37), 37), ("resnet20", resnet20(None, "fc"), 100)] {
        for (name, shape) in &mut dict {
            if name.starts_with("fc.") {
                shape[0] = classes;
            }
        }
        let model = load(architecture, &dict, DType::F32).unwrap();
        assert_eq!(model.outputs, classes);
        assert_eq!(model.graph.ty(model.graph.outputs()[0]).to_string(), format!("f32[N, {classes}]"));
    }
}

#[test]
fn weights_of_another_network_are_listed() {
    let mut dict = lenet5(10);
    dict.retain(|(name, _)| name != "fc2.bias");
    dict.push(("fc4.weight".to_owned(), vec![3]));
    dict.iter_mut().find(|(name, _)| name == "conv1.weight").unwrap().1 = vec![6, 1, 3, 3];
    let error = load("lenet5", &dict, DType::F32).unwrap_err();
    let ModelError::Bind { source, .. } = &error else { panic!("{error}") };
    let BindError { missing, unused, mis_shaped, .. } = source.as_ref();
    assert_eq!((missing.as_slice(), unused.as_slice()), (&["fc2.bias".to_owned()][..], &["fc4.weight".to_owned()][..]));
    assert_eq!(
        (mis_shaped[0].found.as_slice(), mis_shaped[0].expected.as_slice()),
        (&[6, 1, 3, 3][..], &[6, 1, 5, 5][..])
    );
    assert!(error.to_string().ends_with("weights.safetensors: not the weights of lenet5"), "{error}");

    // A prefix that not every tensor has is part of the names.
    let mut half = lenet5(10);
    half[0].0 = format!("module.{}", half[0].0);
    assert!(load("lenet5", &half, DType::F32).is_err());
}

/// A model directory with `config` and LeNet-5's weights.
fn directory(config: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my-net");
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("config.json"), config).unwrap();
    save(&path.join("model.safetensors"), &lenet5(10), DType::F32);
    (folder, path)
}

fn open(path: &Path) -> Result<Model, ModelError> {
    Model::open(path.to_str().unwrap())
}

#[test]
fn directories_say_what_they_hold() {
    let ours = r#"{"architecture":"lenet5","num_classes":10,"labels":["0","1","2","3","4","5","6","7","8","9"],"dataset":"fashion-mnist",
        "input":{"shape":[1,28,28],"mean":[0.5],"std":[0.25],"resize":32,"interpolation":"bicubic","crop":28},"provenance":{"epochs":3}}"#;
    let (_folder, path) = directory(ours);
    let model = open(&path).unwrap();
    assert_eq!((model.name.as_str(), model.architecture, model.outputs), ("my-net", "lenet5", 10));
    let input = InputConfig {
        shape: Some([1, 28, 28]),
        mean: vec![0.5],
        std: vec![0.25],
        resize: Some(32),
        interpolation: Some(Interpolation::Bicubic),
        crop: Some(28),
    };
    assert_eq!(model.preprocess, input);
    assert_eq!((model.labels.len(), model.dataset.as_deref()), (10, Some("fashion-mnist")));
    assert_eq!(model.source.path(), Some(path.as_path()));
    assert!(model.calibration.is_none());
    let bytes = std::fs::read(path.join("model.safetensors")).unwrap();
    assert_eq!(model.blake3, blake3::hash(&bytes).to_string());

    std::fs::write(path.join("calibration.safetensors"), b"").unwrap();
    assert!(matches!(open(&path).unwrap().calibration, Some(Calibration::File(file)) if file.starts_with(&path)));

    // timm: 28 / 0.875 is 32.
    let timm = r#"{"architecture":"lenet5","num_classes":10,"num_features":84,"pretrained_cfg":
        {"mean":[0.5],"std":[0.25],"input_size":[1,28,28],"crop_pct":0.875,"interpolation":"bicubic"}}"#;
    let (_folder, path) = directory(timm);
    assert_eq!(open(&path).unwrap().preprocess, input);
}

#[test]
fn broken_directories_name_the_file() {
    let cases = [
        (r#"{"num_classes":10}"#, "config.json: not a model's configuration"),
        ("{", "config.json: not a model's configuration"),
        (r#"{"architecture":"lenet5","input":{"shape":[1,28]}}"#, "config.json: not a model's configuration"),
        (r#"{"architecture":"lenet5","input":{"shape":[1,-28,28]}}"#, "config.json: not a model's configuration"),
        (r#"{"architecture":"lenet6"}"#, "config.json"),
        (r#"{"architecture":"lenet5","input":{"shape":[1,4,4]}}"#, "cannot take input [1, 4, 4]"),
        (r#"{"architecture":"lenet5","labels":["cat","dog"]}"#, "config.json: 2 labels for 10 classes"),
        (r#"{"architecture":"lenet5","num_classes":11}"#, "model.safetensors: not the weights of lenet5"),
        (r#"{"architecture":"lenet5","num_classes":0}"#, "model.safetensors"),
    ];
    for_each_case(cases, |(config, expected)| {
        let (_folder, path) = directory(config);
        let error = open(&path).unwrap_err().to_string();
        assert!(error.contains(expected) && error.contains("my-net"), "{config}: {error}");
    });
    let (_folder, path) = directory(r#"{"architecture":"lenet5"}"#);
    std::fs::remove_file(path.join("model.safetensors")).unwrap();
    let error = open(&path).unwrap_err().to_string();
    assert!(error.contains("model.safetensors: cannot read"), "{error}");
    std::fs::remove_file(path.join("config.json")).unwrap();
    let error = open(&path).unwrap_err().to_string();
    assert!(error.contains("config.json: cannot read"), "{error}");
    let error = Model::open("no-such-net").unwrap_err().to_string();
    assert!(error.contains("'no-such-net'") && error.contains("lenet5, resnet8"), "{error}");
}

#[test]
fn shipped_networks_open_by_name() {
    for shipped in &SHIPPED {
        let model = Model::open(shipped.name).unwrap();
        assert_eq!((model.name.as_str(), model.architecture), (shipped.name, shipped.name));
        assert_eq!((model.dataset.as_deref(), model.labels.len()), (Some("fashion-mnist"), model.outputs));
        assert!(matches!(model.calibration, Some(Calibration::Embedded(_))));
    }
}

#[test]
fn what_does_not_start_as_weights_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    // Holes: the files take no room on disk, and would take all of memory.
    for start in [&b""[..], b"PK\x03\x04", &u64::MAX.to_le_bytes(), b"\x02\0\0\0\0\0\0\0["] {
        std::fs::write(&path, start).unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
        let error = Weights::read(&path).unwrap_err();
        assert!(matches!(error, WeightsError::Head { .. }) && error.to_string().contains("w.safetensors"), "{error}");
    }
}

#[test]
fn what_has_not_the_size_of_its_header_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    let tensor = |end: u64| format!(r#"{{"w":{{"dtype":"F32","shape":[1],"data_offsets":[0,{end}]}}}}"#);
    let headers = ["{}".to_owned(), "{ ".to_owned(), tensor(4), tensor(1 << 38), tensor(u64::MAX)];
    for header in headers {
        let start = [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
        // A hole, and a file that ends within its header.
        for size in [1 << 40, start.len() as u64 - 1] {
            std::fs::write(&path, &start).unwrap();
            std::fs::File::options().write(true).open(&path).unwrap().set_len(size).unwrap();
            let error = Weights::read(&path).unwrap_err();
            assert!(matches!(error, WeightsError::Format { .. }), "{header}: {error}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn truncated_and_random_weights_are_errors(cut in 0usize..4000, noise in prop::collection::vec(any::<u8>(), 0..200)) {
        let tensors = HashMap::from([("fc.weight".to_owned(), Tensor::ones((25, 40), DType::F32, &Device::Cpu).unwrap())]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        candle_core::safetensors::save(&tensors, &path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        prop_assert!(Weights::from_bytes(&path, bytes.clone()).is_ok());
        for broken in [bytes[..cut.min(bytes.len() - 1)].to_vec(), noise] {
            let error = Weights::from_bytes(&path, broken).unwrap_err().to_string();
            prop_assert!(error.contains("w.safetensors"), "{}", error);
        }
    }
}
