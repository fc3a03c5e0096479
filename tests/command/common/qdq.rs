//! Parts of networks in QDQ format.

use super::network::Array;
use super::onnx::{Attr, Onnx};
use super::random::Random;
use rten_onnx::onnx::{DataType, TensorProto};
use std::cell::RefCell;

/// Integers of 8, 16 or 32 bits.
pub fn integers(net: &mut Onnx, name: &str, ty: DataType, shape: &[usize], values: &[i32]) {
    let bytes = match ty {
        DataType::INT32 => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        DataType::INT16 => values.iter().flat_map(|&value| (value as i16).to_le_bytes()).collect(),
        _ => values.iter().map(|&value| value as u8).collect(),
    };
    net.graph.initializer.push(TensorProto {
        name: Some(name.to_owned()),
        dims: shape.iter().map(|&size| size as i64).collect(),
        data_type: Some(ty),
        raw_data: Some(RefCell::new(bytes)),
        ..Default::default()
    });
}

/// A weight of one scale for each element along `axis`, as the value `name`.
pub fn weight(net: &mut Onnx, name: &str, shape: &[usize], axis: usize, step: f32) {
    let mut random = Random::new(shape.len() as u64);
    let values: Vec<i32> = (0..shape.iter().product()).map(|_| random.below(255) as i32 - 127).collect();
    let [ints, scales, zeros] = ["_quantized", "_scale", "_zero"].map(|part| format!("{name}{part}"));
    integers(net, &ints, DataType::INT8, shape, &values);
    let scale = (0..shape[axis]).map(|i| step * (i + 1) as f32).collect();
    net.tensor(&scales, &Array { shape: vec![shape[axis]], values: scale });
    integers(net, &zeros, DataType::INT8, &[shape[axis]], &vec![0; shape[axis]]);
    net.op("DequantizeLinear", &[&ints, &scales, &zeros], name, &[("axis", Attr::Int(axis as i64))]);
}

/// `x` rounded to 8 bits by one scale, as the value `name`.
pub fn rounded(net: &mut Onnx, x: &str, name: &str, ty: DataType, scale: f32, zero_point: i32) {
    let [scales, zero, q] = ["_scale", "_zero", "_q"].map(|part| format!("{name}{part}"));
    net.scalar(&scales, scale);
    integers(net, &zero, ty, &[], &[zero_point]);
    net.op("QuantizeLinear", &[x, &scales, &zero], &q, &[]);
    net.op("DequantizeLinear", &[&q, &scales, &zero], name, &[]);
}
