//! Networks that take integers: what data become, and where their scale comes from.

use super::quantized::IMAGE;
use super::quantized_forms::conv;
use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::{byte_set, f32_bytes, float_set, safetensors, stored};
use crate::common::onnx::{Attr, Onnx};
use crate::common::qdq::{integers, weight};
use crate::common::random::Random;
use Attr::{Int, Ints};
use rten_onnx::onnx::DataType;
use safetensors::Dtype;

const OPTIONS: &str = "--model net.onnx --layout nchw";
const SHAPE: [usize; 4] = [3, 2, 4, 4];
const STEP: f32 = 1.0 / 32.0;

/// A network whose input is integers of type `ty`, dequantized after they have moved.
fn network(ty: DataType, zero_point: i32) -> Vec<u8> {
    let mut net = Onnx::new(17, &IMAGE);
    net.graph.input[0].r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().elem_type = Some(ty);
    net.scalar("s", STEP);
    integers(&mut net, "z", ty, &[], &[zero_point]);
    net.op("Transpose", &["x"], "t", &[("perm", Ints(&[0, 1, 3, 2]))]);
    net.op("Cast", &["t"], "c", &[("to", Int(ty.0.into()))]);
    net.op("DequantizeLinear", &["c", "s", "z"], "x8", &[]);
    weight(&mut net, "conv.weight", &[3, 2, 3, 3], 0, 0.001);
    conv(&mut net, &["x8", "conv.weight"], "y");
    net.op("Flatten", &["y"], "out", &[]);
    net.bytes("out")
}

/// Integers of the input's type, bytes, and the numbers that they represent are the same data.
#[test]
fn data_are_the_integers_of_the_input() {
    let folder = Folder::new();
    let bytes: Vec<u8> = (0..96).map(|i| (i * 37 % 256) as u8).collect();
    let labels = stored("labels", Dtype::U8, &[3], vec![0; 3]);
    let cases =
        [(DataType::INT8, -7, -128, "input plus 128"), (DataType::UINT8, 100, 0, "integers of the network's input:")];
    for_each_case(cases, |(ty, zero_point, first, note)| {
        folder.write("net.onnx", network(ty, zero_point));
        folder.write("bytes.safetensors", byte_set(SHAPE, &bytes, &[0; 3]));
        let integers = bytes.iter().map(|&byte| i32::from(byte) + first);
        let numbers: Vec<f32> = integers.clone().map(|q| (q - zero_point) as f32 * STEP).collect();
        folder.write("floats.safetensors", float_set(SHAPE, &numbers, &[0; 3]));
        let dtype = if first < 0 { Dtype::I8 } else { Dtype::U8 };
        let own = stored("images", dtype, &SHAPE, integers.map(|q| q as u8).collect());
        folder.write("own.safetensors", safetensors(&[own, labels.clone()]));
        for mode in ["base", "quant"] {
            let logits = |data: &str| folder.logits(&format!("{OPTIONS} --mode {mode} --data {data}.safetensors"));
            let expected = logits("floats");
            assert_eq!(logits("own"), expected, "{ty} {mode}");
            assert_eq!(logits("bytes"), expected, "{ty} {mode}");
        }
        let report = folder.json(&format!("{OPTIONS} --data bytes.safetensors"));
        assert!(report["notes"].to_string().contains(note), "{report:#}");

        // Numbers between the input's are rounded to them, and normalized bytes are such.
        let moved: Vec<f32> = numbers.iter().map(|x| x + 0.3 * STEP).collect();
        folder.write("moved.safetensors", float_set(SHAPE, &moved, &[0; 3]));
        let logits = |data: &str, more: &str| folder.logits(&format!("{OPTIONS} --data {data}.safetensors {more}"));
        assert_eq!(logits("moved", ""), logits("floats", ""));
        let normalized: Vec<f32> = bytes.iter().map(|&byte| (f32::from(byte) / 255.0 - 0.5) / 0.25).collect();
        folder.write("floats.safetensors", float_set(SHAPE, &normalized, &[0; 3]));
        assert_eq!(logits("bytes", "--mean 0.5 --std 0.25"), logits("floats", ""));
    });
}

/// An input that is converted to real numbers is one of integers that stand for themselves, as in files that divide
/// by 255 themselves.
#[test]
fn integers_without_a_scale() {
    let folder = Folder::new();
    let mut net = Onnx::new(17, &IMAGE);
    net.graph.input[0].r#type.as_mut().unwrap().tensor_type.as_mut().unwrap().elem_type = Some(DataType::UINT8);
    net.op("Cast", &["x"], "c", &[("to", Int(1))]).op("Flatten", &["c"], "out", &[]);
    folder.write("net.onnx", net.bytes("out"));
    let bytes: Vec<u8> = Random::new(4).floats(96, 0.0, 255.0).into_iter().map(|x| x as u8).collect();
    folder.write("set.safetensors", byte_set(SHAPE, &bytes, &[0; 3]));
    let logits = folder.logits(&format!("{OPTIONS} --data set.safetensors --task classification")).concat();
    assert!(logits.iter().zip(&bytes).all(|(&logit, &byte)| f32::from_bits(logit) == f32::from(byte)));
}

/// Signed integers are nothing that other networks take.
#[test]
fn signed_integers_for_a_network_of_real_numbers() {
    let folder = Folder::new();
    let mut net = Onnx::new(17, &IMAGE);
    net.op("Flatten", &["x"], "out", &[]);
    folder.write("net.onnx", net.bytes("out"));
    let images = stored("images", Dtype::I8, &[1, 2, 4, 4], vec![0xff; 32]);
    folder.write("set.safetensors", safetensors(&[images, stored("labels", Dtype::U8, &[1], vec![0])]));
    folder.refuses(&format!("{OPTIONS} --data set.safetensors"), &["pixel value -1", "0 to 255"]);
    // Floats of the same numbers are.
    let images = stored("images", Dtype::F32, &[1, 2, 4, 4], f32_bytes(&[-1.0; 32]));
    folder.write("set.safetensors", safetensors(&[images, stored("labels", Dtype::U8, &[1], vec![0])]));
    folder.run_to(0, &format!("{OPTIONS} --data set.safetensors --task classification"));
}
