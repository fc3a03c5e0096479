//! Files whose real numbers are not of 32 bits.

use super::variants::logits;
use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::onnx::{Attr, Onnx};
use half::{bf16, f16};
use rten_onnx::onnx::{DataType, TensorProto};
use std::cell::RefCell;

const IMAGE: [usize; 3] = [2, 3, 3];

/// A network whose weight has the numbers 1, 2, .. in a type of these bytes.
fn network(ty: DataType, bytes: impl Fn(f32) -> Vec<u8>) -> Onnx {
    let mut onnx = Onnx::new(17, &IMAGE);
    onnx.graph.initializer.push(TensorProto {
        name: Some("w".to_owned()),
        dims: vec![4, 18],
        data_type: Some(ty),
        raw_data: Some(RefCell::new((1..=72).flat_map(|i| bytes(i as f32)).collect())),
        ..Default::default()
    });
    onnx.op("Flatten", &["x"], "f", &[]).op("Cast", &["w"], "w32", &[("to", Attr::Int(1))]);
    onnx.op("Gemm", &["f", "w32"], "out", &[("transB", Attr::Int(1))]);
    onnx
}

/// They are computed in `f32`, and the report says so.
#[test]
fn other_types_are_noted() {
    let folder = Folder::new();
    let plain = network(DataType::FLOAT, |x| x.to_le_bytes().to_vec());
    let expected = logits(&folder, &plain, IMAGE);
    let notes = || folder.json("--model net.onnx --data set.safetensors --layout nchw")["notes"].to_string();
    assert!(!notes().contains("computed in float32"), "{}", notes());
    let cases = [
        ("float16", network(DataType::FLOAT16, |x| f16::from_f32(x).to_le_bytes().to_vec())),
        ("bfloat16", network(DataType::BFLOAT16, |x| bf16::from_f32(x).to_le_bytes().to_vec())),
        ("float64", network(DataType::DOUBLE, |x| f64::from(x).to_le_bytes().to_vec())),
    ];
    for_each_case(cases.map(|(name, onnx)| (name, onnx.bytes("out"))), |(name, bytes)| {
        folder.write("net.onnx", bytes);
        let found = folder.logits("--model net.onnx --data set.safetensors --layout nchw");
        assert_eq!(found, expected);
        assert!(notes().contains(&format!("the file computes in {name}")), "{}", notes());
    });
}
