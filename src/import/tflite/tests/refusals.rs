//! What is refused, by the operator or tensor at fault.

use super::import;
use super::writer::{Net, Table, Type, conv};
use crate::cases::for_each_case;
use crate::import::Layout;
use crate::import::tflite::{ImportOptions, from_bytes};
use crate::printable::with_causes;

/// A network from an input of real numbers of a shape, whose operators `add` adds; returns its output.
fn net(shape: &[i32], add: impl FnOnce(&mut Net, i32) -> i32) -> Net {
    let mut net = Net::new();
    let x = net.value("input", shape);
    let y = add(&mut net, x);
    (net.inputs, net.outputs) = (vec![x], vec![y]);
    net
}

fn refusal(net: Net) -> String {
    with_causes(&import(net).expect_err("a network that is refused"))
}

#[test]
fn operators_are_refused_by_name() {
    let cases: [(&str, Net, &[&str]); 5] = [
        (
            "another built-in operator",
            net(&[1, 4], |net, x| {
                let y = net.value("net/arg", &[1, 4]);
                net.operator(56, &[x], y, None);
                y
            }),
            &["operator ARG_MAX", "computes 'net/arg'", "ADD, AVERAGE_POOL_2D, ", "TRANSPOSE_CONV"],
        ),
        (
            "an unknown number",
            net(&[1, 4], |net, x| {
                let y = net.value("y", &[1, 4]);
                net.operator(4000, &[x], y, None);
                y
            }),
            &["operator 4000"],
        ),
        (
            "a custom operator",
            net(&[1, 4], |net, x| {
                let y = net.value("y", &[1, 4]);
                net.custom("TFLite_Detection_PostProcess", &[x], y);
                y
            }),
            &["operator CUSTOM 'TFLite_Detection_PostProcess'"],
        ),
        (
            "a fused activation",
            net(&[1, 4, 4, 1], |net, x| {
                let (w, y) = (net.floats("w", &[1, 1, 1, 1], &[1.0]), net.value("y", &[1, 4, 4, 1]));
                net.operator(3, &[x, w], y, Some(conv(0, [1, 1], 4, [1, 1])));
                y
            }),
            &["(CONV_2D)", "fused_activation_function is TANH, expected NONE, RELU, RELU_N1_TO_1 or RELU6"],
        ),
        (
            "other attributes",
            net(&[1, 4], |net, x| {
                let y = net.value("y", &[1, 4]);
                net.operator(25, &[x], y, Some((8, Table::new())));
                y
            }),
            &["(SOFTMAX)", "attributes of kind 8, expected kind 9 (SoftmaxOptions)"],
        ),
    ];
    for_each_case(cases.map(|(name, net, needles)| (name, net.bytes(), needles)), |(_, bytes, needles)| {
        let message = with_causes(&from_bytes(&bytes, &ImportOptions::default()).unwrap_err());
        needles.iter().for_each(|needle| assert!(message.contains(needle), "{message:?} lacks {needle:?}"));
    });
}

#[test]
fn operators_that_the_output_does_not_need_may_be_anything() {
    let mut net = net(&[1, 4], |net, x| {
        let y = net.value("y", &[1, 4]);
        net.operator(19, &[x], y, None);
        y
    });
    let z = net.value("z", &[1]);
    net.operator(56, &[net.outputs[0]], z, None);
    net.outputs.push(z);
    let options = ImportOptions { output: Some("y".to_owned()), ..ImportOptions::default() };
    let bytes = net.bytes();
    let network = from_bytes(&bytes, &options).unwrap();
    assert!(network.notes.iter().any(|note| note.contains("the file has others: z")), "{:?}", network.notes);
    let message = with_causes(&from_bytes(&bytes, &ImportOptions::default()).unwrap_err());
    assert!(message.contains("'y' FLOAT32[1, 4], 'z' FLOAT32[1]: name one"), "{message}");
}

#[test]
fn mixed_and_dynamic_types_are_refused() {
    let weights = |net: &mut Net, x: i32| {
        let w = net.signed("net/fc/MatMul", &[1, 4], (&[0.5], &[0], 0), &[1, 2, 3, 4]);
        let y = net.value("net/fc/out", &[1, 1]);
        net.operator(9, &[x, w, -1], y, Some((8, Table::new())));
        y
    };
    let message = refusal(net(&[1, 4], weights));
    assert!(message.contains("dynamic range quantization") && message.contains("representative dataset"), "{message}");
    let mixed = |net: &mut Net, x: i32| {
        let q = net.grid("q", &[1, 4], 0.5, 0);
        net.operator(114, &[x], q, None);
        let y = net.value("y", &[1, 4]);
        net.operator(0, &[x, q], y, Some((11, Table::new())));
        y
    };
    let message = refusal(net(&[1, 4], mixed));
    assert!(message.contains("(ADD): input 1 has INT8, expected the type of the output"), "{message}");
}

#[test]
fn faulty_tensors_are_named() {
    /// A layer whose weight is what `add` adds.
    fn layer(add: impl FnOnce(&mut Net) -> i32) -> Vec<u8> {
        let layer = |net: &mut Net, x: i32| {
            let (w, y) = (add(net), net.value("y", &[1, 1]));
            net.operator(9, &[x, w, -1], y, Some((8, Table::new())));
            y
        };
        net(&[1, 4], layer).bytes()
    }
    let floats = |shape: &'static [i32], bytes: usize| {
        move |net: &mut Net| net.tensor("w", (Type::Float, shape), None, Some(&vec![0; bytes]))
    };
    let scales = |scales: &'static [f32], axis: i32| {
        move |net: &mut Net| net.signed("w", &[1, 4], (scales, &[0], axis), &[1, 2, 3, 4])
    };
    let cases = [
        ("the data of 'w' have 8 bytes, but its sizes need 16", layer(floats(&[1, 4], 8))),
        ("found 'w' FLOAT32[-1, 4], expected at most 8 sizes of at least 0", layer(floats(&[-1, 4], 16))),
        ("found a weight [4], expected 2 sizes of at least 1", layer(floats(&[4], 16))),
        ("'w' has 2 scales and 1 zero points, expected 1 of each, or 4 along axis 1", layer(scales(&[0.5; 2], 1))),
        ("'w' has 0 scales and 1 zero points, expected 1 of each, or 1 along axis 0", layer(scales(&[], 0))),
        ("'nothing' is read before it has a value", layer(|net| net.value("nothing", &[1, 4]))),
        ("tensor 99, expected one of 2", layer(|_| 99)),
        ("input 1 has INT32, expected numbers", layer(|net| net.ints("w", &[1, 4], &[1; 4]))),
    ];
    for_each_case(cases, |(needle, bytes)| {
        let message = with_causes(&from_bytes(&bytes, &ImportOptions::default()).unwrap_err());
        assert!(message.contains(needle), "{message:?} lacks {needle:?}");
    });
}

#[test]
fn inputs_that_are_no_images_are_refused() {
    let identity = |net: &mut Net, x: i32| {
        let y = net.value("y", &[1, 4]);
        net.operator(19, &[x], y, None);
        y
    };
    let mut two = net(&[1, 4], identity);
    two.inputs.push(two.inputs[0]);
    assert!(refusal(two).contains("inputs [\"input\", \"input\"], expected one input"), "two inputs");
    let mut ints = Net::new();
    let x = ints.tensor("input", (Type::Int, &[1, 4]), None, None);
    (ints.inputs, ints.outputs) = (vec![x], vec![x]);
    assert!(refusal(ints).contains("input 'input' is INT32[1, 4], expected images of FLOAT32, INT8 or UINT8"));
    let options = ImportOptions { layout: Layout::Nhwc, ..ImportOptions::default() };
    let rows = |net: &mut Net, x: i32| {
        let y = net.value("y", &[1, 2, 2]);
        net.operator(19, &[x], y, None);
        y
    };
    let problem = from_bytes(&net(&[1, 2, 2], rows).bytes(), &options).unwrap_err();
    assert_eq!(problem.keys(), ["layout"]);
}
