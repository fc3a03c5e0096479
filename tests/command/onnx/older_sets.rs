//! Operators as older sets define them: what was said by attributes is said by inputs since.

use super::variants::{logits, network};
use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::onnx::{Attr, Onnx};
use Attr::{Float, Int, Ints};

type Build = fn(&mut Onnx);

/// A name, the older set, and what computes `y` from `x` in it and in set 18.
type Case = (&'static str, i64, Build, Build);

fn check(cases: &[Case]) {
    let folder = Folder::new();
    for_each_case(cases, |&(name, opset, old, new)| {
        let image = [3, 4, 5];
        let expected = logits(&folder, &network(18, image, new), image);
        assert_eq!(logits(&folder, &network(opset, image, old), image), expected, "{name}");
    });
}

#[test]
fn bounds_and_padding() {
    check(&[
        (
            "Clip",
            10,
            |net| {
                net.op("Clip", &["x"], "y", &[("min", Float(-0.5)), ("max", Float(1.0))]);
            },
            |net| {
                net.scalar("min", -0.5).scalar("max", 1.0).op("Clip", &["x", "min", "max"], "y", &[]);
            },
        ),
        (
            "Clip at 6",
            7,
            |net| {
                net.op("Clip", &["x"], "y", &[("min", Float(0.0)), ("max", Float(6.0))]);
            },
            |net| {
                net.op("Relu", &["x"], "y", &[]);
            },
        ),
        (
            "Pad",
            10,
            |net| {
                net.op("Pad", &["x"], "y", &[("pads", Ints(&[0, 0, 1, 2, 0, 0, 0, 1])), ("value", Float(2.5))]);
            },
            |net| {
                net.ints("pads", &[0, 0, 1, 2, 0, 0, 0, 1]).scalar("value", 2.5);
                net.op("Pad", &["x", "pads", "value"], "y", &[]);
            },
        ),
        (
            "Pad of chosen axes",
            18,
            |net| {
                net.ints("pads", &[2, 1, 1, 0]).ints("axes", &[-1, 2]).scalar("value", 0.0);
                net.op("Pad", &["x", "pads", "value", "axes"], "y", &[]);
            },
            |net| {
                net.ints("pads", &[0, 0, 1, 2, 0, 0, 0, 1]).op("Pad", &["x", "pads"], "y", &[]);
            },
        ),
    ]);
}

#[test]
fn axes() {
    check(&[
        (
            "Unsqueeze and Squeeze",
            12,
            |net| {
                net.op("Unsqueeze", &["x"], "u", &[("axes", Ints(&[1, 3]))]);
                net.op("Squeeze", &["u"], "y", &[("axes", Ints(&[3]))]);
            },
            |net| {
                net.ints("one", &[1]).op("Unsqueeze", &["x", "one"], "y", &[]);
            },
        ),
        (
            "Squeeze of all",
            11,
            |net| {
                net.op("ReduceMean", &["x"], "m", &[("axes", Ints(&[2, 3]))]).op("Squeeze", &["m"], "y", &[]);
            },
            |net| {
                net.ints("axes", &[2, 3]).op("ReduceMean", &["x", "axes"], "y", &[("keepdims", Int(0))]);
            },
        ),
        (
            "Slice",
            9,
            |net| {
                let attrs = [("starts", Ints(&[1, 0])), ("ends", Ints(&[3, -1])), ("axes", Ints(&[2, 3]))];
                net.op("Slice", &["x"], "y", &attrs);
            },
            |net| {
                net.ints("starts", &[1, 0]).ints("ends", &[3, -1]).ints("axes", &[2, 3]);
                net.op("Slice", &["x", "starts", "ends", "axes"], "y", &[]);
            },
        ),
        (
            "Split",
            12,
            |net| {
                net.node("", "Split", &["x"], &["a", "b"], &[("axis", Int(3)), ("split", Ints(&[1, 4]))]);
                net.op("Mul", &["a", "b"], "y", &[]);
            },
            |net| {
                net.ints("split", &[1, 4]);
                net.node("", "Split", &["x", "split"], &["a", "b"], &[("axis", Int(3))]);
                net.op("Mul", &["b", "a"], "y", &[]);
            },
        ),
    ]);
}

#[test]
fn others() {
    check(&[
        (
            // Over all axes from the second on.
            "Softmax",
            12,
            |net| {
                net.op("Softmax", &["x"], "y", &[]);
            },
            |net| {
                net.op("Flatten", &["x"], "f", &[]).op("Softmax", &["f"], "y", &[("axis", Int(1))]);
            },
        ),
        (
            "Dropout",
            7,
            |net| {
                net.op("Dropout", &["x"], "y", &[("ratio", Float(0.5))]);
            },
            |net| {
                net.scalar("ratio", 0.5).op("Dropout", &["x", "ratio"], "y", &[]);
            },
        ),
        (
            "Upsample",
            7,
            |net| {
                net.graph.node.push(rten_onnx::onnx::NodeProto {
                    op_type: Some("Upsample".to_owned()),
                    input: vec!["x".to_owned()],
                    output: vec!["y".to_owned()],
                    attribute: vec![rten_onnx::onnx::AttributeProto {
                        name: Some("scales".to_owned()),
                        floats: vec![1.0, 1.0, 2.0, 1.0],
                        ..Default::default()
                    }],
                    ..Default::default()
                });
            },
            |net| {
                net.ints("rows", &[0, 0, 1, 1, 2, 2, 3, 3]).op("Gather", &["x", "rows"], "y", &[("axis", Int(2))]);
            },
        ),
        (
            "ReduceMean of all but the batch",
            13,
            |net| {
                net.op("ReduceMean", &["x"], "y", &[("axes", Ints(&[-1, -2, -3])), ("keepdims", Int(1))]);
            },
            |net| {
                net.ints("axes", &[1, 2, 3]).op("ReduceMean", &["x", "axes"], "y", &[]);
            },
        ),
    ]);
}
