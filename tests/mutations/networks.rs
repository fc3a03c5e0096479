//! Networks in further forms: quantized ones, checkpoints of quantization-aware training, directories of timm, and ONNX
//! files with their weights beside them.

use super::readers::{Reader, quantized, reader, reader_of, run};
use crate::common::files::{f32_bytes, float_set, safetensors, stored};
use crate::common::network::{StateDict, Tiny};
use crate::common::onnx::{Onnx, floats};
use crate::common::qdq::{rounded, weight};
use crate::common::random::Random;
use anyhow::Context;
use approx_eval::model::{Model, ModelSpec};
use rten_onnx::onnx::{DataLocation, DataType, StringStringEntryProto};
use safetensors::Dtype;
use std::path::Path;

/// Images of bytes of one scale, a convolution, and a linear layer that is left in floating point.
fn quantized_onnx() -> Vec<u8> {
    let mut onnx = Onnx::new(17, &[2, 12, 12]);
    rounded(&mut onnx, "x", "x8", DataType::UINT8, 1.0 / 64.0, 120);
    weight(&mut onnx, "c.weight", &[3, 2, 3, 3], 0, 0.001);
    onnx.op("Conv", &["x8", "c.weight"], "a", &[]);
    rounded(&mut onnx, "a", "a8", DataType::INT8, 0.03, -5);
    onnx.op("GlobalAveragePool", &["a8"], "p", &[]);
    rounded(&mut onnx, "p", "p8", DataType::INT8, 0.03, -5);
    onnx.op("Flatten", &["p8"], "f", &[]);
    weight(&mut onnx, "fc.weight", &[3, 7], 1, 0.004);
    onnx.op("Gemm", &["f", "fc.weight"], "y", &[]);
    onnx.bytes("y")
}

/// The state of LeNet-5 after quantization-aware training: a fake quantizer for each weight and for what each layer reads.
fn fake_quantized() -> Vec<u8> {
    let mut state = StateDict::lenet5(16, 1, 28, 10).stored();
    let mut quantizer = |name: String, scale: f32| {
        state.push(stored(&format!("{name}.scale"), Dtype::F32, &[1], f32_bytes(&[scale])));
        state.push(stored(&format!("{name}.zero_point"), Dtype::I32, &[1], vec![0; 4]));
    };
    quantizer("quant.activation_post_process".to_owned(), 1.0 / 255.0);
    for layer in ["conv1", "conv2", "fc1", "fc2", "fc3"] {
        quantizer(format!("{layer}.weight_fake_quant"), 0.01);
        quantizer(format!("{layer}.activation_post_process"), 0.02);
    }
    safetensors(&state)
}

/// A directory as timm writes it.
fn timm() -> Vec<(&'static str, Vec<u8>)> {
    let config = br#"{"architecture":"lenet5","num_classes":10,"pretrained_cfg":{"input_size":[1,28,28],"mean":[0.5],
        "std":[0.5],"crop_pct":1.0,"interpolation":"bicubic"}}"#;
    vec![
        ("timm/config.json", config.to_vec()),
        ("timm/model.safetensors", safetensors(&StateDict::lenet5(17, 1, 28, 10).stored())),
        ("tiny.safetensors", float_set([2, 1, 28, 28], &[0.5; 2 * 784], &[0, 1])),
    ]
}

/// An ONNX file whose weight lies in another file.
fn external() -> Vec<(&'static str, Vec<u8>)> {
    let mut onnx = Onnx::new(17, &[2, 12, 12]);
    let mut tensor = floats("fc.weight", &[288, 7], &[]);
    tensor.raw_data = None;
    tensor.data_location = Some(DataLocation::EXTERNAL);
    for (key, value) in [("location", "weights.bin"), ("offset", "0"), ("length", "8064")] {
        let (key, value) = (Some(key.to_owned()), Some(value.to_owned()));
        tensor.external_data.push(StringStringEntryProto { key, value });
    }
    onnx.graph.initializer.push(tensor);
    onnx.op("Flatten", &["x"], "f", &[]).op("Gemm", &["f", "fc.weight"], "y", &[]);
    vec![("m.onnx", onnx.bytes("y")), ("weights.bin", f32_bytes(&Random::new(21).floats(288 * 7, -0.1, 0.1)))]
}

fn open(folder: &Path, name: &str) -> anyhow::Result<Model> {
    Ok(Model::open(folder.join(name).to_str().context("a path")?)?)
}

/// All of them.
pub fn networks() -> Vec<Reader> {
    let tiny = Tiny::new(18);
    let set = |name: &'static str| (name, float_set(Tiny::SHAPE, &tiny.images, &tiny.labels));
    let gray = ("tiny.safetensors", float_set([2, 1, 28, 28], &[0.5; 2 * 784], &[0, 1]));
    let mut external = external();
    external.push(set("tiny.safetensors"));
    let mut outside = reader("onnx-external", external, |folder| {
        run(open(folder, "m.onnx")?, folder, |experiment| experiment).map(drop)
    });
    outside.victims.truncate(2);
    vec![
        reader_of("onnx-qdq", vec![("m.onnx", quantized_onnx()), set("tiny.safetensors")], |folder| {
            run(open(folder, "m.onnx")?, folder, quantized).map(drop)
        }),
        outside,
        reader_of("qat-weights", vec![("w.safetensors", fake_quantized()), gray], |folder| {
            let spec = ModelSpec { weights: Some(folder.join("w.safetensors")), ..ModelSpec::default() };
            run(spec.open()?, folder, quantized).map(drop)
        }),
        reader_of("timm", timm(), |folder| run(open(folder, "timm")?, folder, |experiment| experiment).map(drop)),
    ]
}
