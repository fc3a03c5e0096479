//! The light models of the PyPI package `onnx`: the graphs of published classifiers, all weights
//! constants, with the outputs that they are expected to give. `APPROX_EVAL_ONNX` names the folder
//! that the package was unpacked to, or that of the models in it.

use crate::common::Folder;
use crate::common::files::{float_set, read_logits};
use crate::common::random::Random;
use rten_onnx::onnx::TensorProto;
use rten_onnx::protobuf::{DecodeMessage, ValueReader};
use std::io::Write;
use std::path::PathBuf;

const MODELS: [&str; 9] = [
    "bvlc_alexnet",
    "densenet121",
    "inception_v1",
    "inception_v2",
    "resnet50",
    "shufflenet",
    "squeezenet",
    "vgg19",
    "zfnet512",
];

fn folder() -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("APPROX_EVAL_ONNX").map(PathBuf::from) else {
        // Past the test harness, which keeps what `eprintln` says to itself.
        let _ = writeln!(std::io::stderr(), "skipped: APPROX_EVAL_ONNX names no folder of the package onnx");
        return None;
    };
    let inside = folder.join("onnx/backend/test/data/light");
    Some(if inside.is_dir() { inside } else { folder })
}

/// The input is `arange(n) / n`, as the package's own test runner makes it.
#[test]
fn light_models_give_their_expected_outputs() {
    let Some(models) = folder() else { return };
    let folder = Folder::new();
    let count = 3 * 224 * 224;
    let image: Vec<f32> = (0..count).map(|i| i as f32 / count as f32).collect();
    folder.write("set.safetensors", float_set([1, 3, 224, 224], &image, &[0]));
    for name in MODELS {
        let model = models.join(format!("light_{name}.onnx"));
        let expected = std::fs::read(models.join(format!("light_{name}_output_0.pb"))).unwrap();
        let expected = TensorProto::decode(ValueReader::from_buf(expected)).unwrap();
        let bytes = expected.raw_data.as_ref().map(|raw| raw.borrow().clone()).unwrap_or_default();
        let (chunks, _) = bytes.as_chunks::<4>();
        let raw = chunks.iter().map(|chunk| f32::from_le_bytes(*chunk));
        let expected: Vec<f32> = raw.chain(expected.float_data.iter().copied()).collect();
        let run =
            folder.run_to(0, &format!("--model {} --data set.safetensors --logits l.safetensors", model.display()));
        assert_eq!(run.stderr, "", "{name}: nothing to warn of");
        let found = read_logits(&folder.read("l.safetensors")).concat();
        assert_eq!((found.len(), expected.len()), (1000, 1000), "{name}");
        for (found, expected) in found.iter().zip(&expected) {
            // Sums of up to 25,088 equal products, in other orders.
            assert!((found - expected).abs() <= 1e-5 * expected.abs(), "{name}: {found}, expected {expected}");
        }
    }
}

/// Small ones, in modes that calibrate: no warnings of what is no mistake.
#[test]
fn light_models_quantize_without_warnings() {
    let Some(models) = folder() else { return };
    let folder = Folder::new();
    for (name, seed, samples) in [("set", 350, 2), ("calibration", 351, 3)] {
        let images = Random::new(seed).floats(samples * 3 * 224 * 224, -2.1, 2.6);
        let labels: Vec<u8> = (0..samples as u8).collect();
        folder.write(&format!("{name}.safetensors"), float_set([samples, 3, 224, 224], &images, &labels));
    }
    for name in ["squeezenet", "shufflenet"] {
        let model = models.join(format!("light_{name}.onnx"));
        for mode in ["--mode quant", "--lut drum-6"] {
            let data = "--data set.safetensors --calib-data calibration.safetensors";
            let run = folder.run_to(0, &format!("--model {} {data} {mode}", model.display()));
            assert_eq!(run.stderr, "", "{name} {mode}");
        }
    }
}
