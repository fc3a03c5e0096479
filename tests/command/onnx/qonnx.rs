//! Networks in the QONNX dialect: what Brevitas writes.

use super::quantized::IMAGE;
use super::quantized_forms::conv;
use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::float_set;
use crate::common::network::Array;
use crate::common::onnx::{Attr, Onnx};
use crate::common::qdq::{integers, rounded};
use crate::common::random::Random;
use Attr::{Int, Text};
use rten_onnx::onnx::DataType;

const OPTIONS: &str = "--model net.onnx --data set.safetensors --layout nchw";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("set.safetensors", float_set([3, 2, 4, 4], &Random::new(5).floats(96, -2.0, 2.0), &[0; 3]));
    folder
}

/// `x` rounded to integers of `bits`, as the value `y`.
fn quant(net: &mut Onnx, [x, scale, y]: [&str; 3], bits: f32, [is_signed, is_narrow]: [bool; 2]) {
    let bits_name = format!("{y}_bits");
    net.scalar(&bits_name, bits);
    let attributes =
        [("signed", Int(is_signed.into())), ("narrow", Int(is_narrow.into())), ("rounding_mode", Text("ROUND"))];
    net.op("Quant", &[x, scale, "nothing", &bits_name], y, &attributes);
    net.graph.node.last_mut().unwrap().domain = Some("qonnx.custom_op.general".to_owned());
}

const STEP: f32 = 1.0 / 64.0;

/// A network of 4 or 8 bits, of integer weights and biases that are `scale` times whole numbers.
fn network(bits: u32, is_qonnx: bool) -> Vec<u8> {
    let mut net = Onnx::new(21, &IMAGE);
    net.scalar("nothing", 0.0);
    let most = (1 << (bits - 1)) - 1;
    let mut random = Random::new(3);
    let weights: Vec<i32> = (0..54).map(|_| random.below(2 * most as u64 + 1) as i32 - most).collect();
    let scales: Vec<f32> = (1..=3).map(|i| 0.01 * i as f32).collect();
    let (input, biases) = (if bits == 4 { 0.25 } else { STEP }, [300, -20, 7]);
    let bias_scales: Vec<f32> = scales.iter().map(|scale| input * scale).collect();
    if is_qonnx {
        let real = |(i, &q): (usize, &i32)| q as f32 * scales[i / 18];
        let weights = weights.iter().enumerate().map(real).collect();
        net.tensor("conv.weight", &Array { shape: vec![3, 2, 3, 3], values: weights });
        let values = biases.iter().zip(&bias_scales).map(|(&q, scale)| q as f32 * scale).collect();
        net.tensor("conv.bias", &Array { shape: vec![3], values });
        net.scalar("x_scale", input).tensor("w_scale", &Array { shape: vec![3, 1, 1, 1], values: scales });
        net.tensor("b_scale", &Array { shape: vec![3], values: bias_scales });
        quant(&mut net, ["x", "x_scale", "xr"], bits as f32, [true, false]);
        quant(&mut net, ["conv.weight", "w_scale", "w"], bits as f32, [true, true]);
        quant(&mut net, ["conv.bias", "b_scale", "b"], 32.0, [true, false]);
        conv(&mut net, &["xr", "w", "b"], "y");
    } else {
        let ty = if bits == 4 { DataType::INT4 } else { DataType::INT8 };
        if bits == 4 {
            let packed = |values: &[i32]| -> Vec<i32> {
                values.chunks(2).map(|pair| pair[0] & 15 | (pair.get(1).unwrap_or(&0) & 15) << 4).collect()
            };
            integers(&mut net, "conv.weight_quantized", ty, &[3, 2, 3, 3], &packed(&weights));
        } else {
            integers(&mut net, "conv.weight_quantized", ty, &[3, 2, 3, 3], &weights);
        }
        net.tensor("w_scale", &Array { shape: vec![3], values: scales });
        net.tensor("b_scale", &Array { shape: vec![3], values: bias_scales });
        rounded(&mut net, "x", "xr", ty, input, 0);
        net.op("DequantizeLinear", &["conv.weight_quantized", "w_scale"], "conv.weight", &[("axis", Int(0))]);
        integers(&mut net, "conv.bias_quantized", DataType::INT32, &[3], &biases);
        net.op("DequantizeLinear", &["conv.bias_quantized", "b_scale"], "conv.bias", &[("axis", Int(0))]);
        conv(&mut net, &["xr", "conv.weight", "conv.bias"], "y");
    }
    net.op("Flatten", &["y"], "out", &[]);
    net.bytes("out")
}

/// The same numbers and the same integers as in ONNX's own formats; 4 bits meet a table of 4 bits.
#[test]
fn rounded_numbers_are_those_of_onnx() {
    let folder = folder();
    let row = |a: i32| (0..16).map(|b| (a * b).to_string()).collect::<Vec<_>>().join(",") + "\n";
    folder.write("mul4.csv", (0..16).map(row).collect::<String>());
    for_each_case([4, 8], |bits| {
        let [qonnx, onnx] = [true, false].map(|is_qonnx| {
            folder.write("net.onnx", network(bits, is_qonnx));
            let base = folder.logits(&format!("{OPTIONS} --mode base"));
            let quant = folder.logits(&format!("{OPTIONS} --mode quant --save-qparams q.json"));
            let lut = if bits == 4 { "mul4.csv" } else { "exact" };
            let table = format!("{OPTIONS} --mode approx --lut {lut} --coding sign-magnitude");
            assert_eq!(folder.logits(&table), quant, "{bits} bits");
            (base, quant, folder.read_json("q.json")["layers"].clone())
        });
        assert_eq!(qonnx, onnx, "{bits} bits");
        let most = if bits == 4 { 7 } else { 127 };
        assert!(onnx.2["conv"]["weight"]["q_max"].as_i64().unwrap() <= most, "{:#}", onnx.2);
    });
}

#[test]
fn what_is_no_quantization_is_refused() {
    type Change = fn(&mut Onnx);
    let folder = folder();
    let cases: [(Change, &[&str]); 5] = [
        (
            |net| {
                net.scalar("y_bits", 1.0);
            },
            &["(Quant)", "to 1 bits"],
        ),
        (
            |net| {
                net.scalar("y_bits", 4.5);
            },
            &["(Quant)", "to 4.5 bits"],
        ),
        (
            |net| {
                net.scalar("nothing", 0.5);
            },
            &["(Quant)", "zero points [0.5]"],
        ),
        (
            |net| {
                net.scalar("s", -1.0);
            },
            &["(Quant)", "scale -1"],
        ),
        (
            |net| {
                let attribute = &mut net.graph.node.last_mut().unwrap().attribute[2];
                attribute.s = Some("NEAREST".to_owned());
            },
            &["(Quant)", "rounding_mode", "'NEAREST'", "ROUND, HALF_EVEN"],
        ),
    ];
    for_each_case(cases, |(change, needles)| {
        let mut net = Onnx::new(17, &IMAGE);
        net.scalar("nothing", 0.0).scalar("s", 0.1);
        quant(&mut net, ["x", "s", "y"], 8.0, [true, false]);
        change(&mut net);
        // The last of one name stays.
        let names: Vec<Option<String>> = net.graph.initializer.iter().map(|tensor| tensor.name.clone()).collect();
        let mut at = 0..names.len();
        net.graph.initializer.retain(|tensor| {
            let at = at.next().unwrap();
            !names[at + 1..].contains(&tensor.name)
        });
        net.op("Flatten", &["y"], "out", &[]);
        folder.write("net.onnx", net.bytes("out"));
        folder.refuses(OPTIONS, needles);
    });
}
