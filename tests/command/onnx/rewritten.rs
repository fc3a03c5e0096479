//! Operators and forms of them that other operators can be written for: both networks give the same bits.

use super::operators::{case, check};
use super::variants::{logits, network};
use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::network::Array;
use crate::common::onnx::{Attr, Onnx};
use crate::common::qdq::integers;
use Attr::{Float, Int, Ints, Text};
use rten_onnx::onnx::DataType;

const IMAGE: [usize; 3] = [4, 6, 8];

/// What computes `y` from `x`.
type Build = fn(&mut Onnx);

fn vector(net: &mut Onnx, name: &str, values: &[f32]) {
    net.tensor(name, &Array { shape: vec![values.len()], values: values.to_vec() });
}

/// The dimensions and orders of axes, written out.
fn rearranged(net: &mut Onnx, apart: &[i64], order: &[i64], together: &[i64]) {
    net.ints("apart", apart).ints("together", together).op("Reshape", &["x", "apart"], "a", &[]);
    net.op("Transpose", &["a"], "t", &[("perm", Ints(order))]).op("Reshape", &["t", "together"], "y", &[]);
}

fn padded(net: &mut Onnx, mode: &str) {
    net.ints("pads", &[0, 0, 1, 0, 0, 0, 0, 2]).ints("from", &[0, 0, 2]).ints("to", &[3, 5, 8]).ints("at", &[1, 2, 3]);
    net.op("Slice", &["x", "from", "to", "at"], "s", &[]);
    net.op("Pad", &["s", "pads"], "y", &[("mode", Text(mode))]);
}

/// The same as `padded`, cropped by the node that pads.
fn cropped(net: &mut Onnx, mode: &str) {
    net.ints("pads", &[0, 0, 1, -2, 0, -1, -1, 2]);
    net.op("Pad", &["x", "pads"], "y", &[("mode", Text(mode))]);
}

/// A form, its operator set, a network of it, and the same of other operators.
type Form = (&'static str, i64, Build, Build);

/// Fails unless both networks of every form give the same bits.
fn compare(forms: &[Form]) {
    let folder = Folder::new();
    for_each_case(forms, |(name, opset, build, plain)| {
        let [found, expected] = [build, plain].map(|build| logits(&folder, &network(*opset, IMAGE, build), IMAGE));
        assert_eq!(found, expected, "{name}");
    });
}

#[test]
fn sizes() {
    compare(&[
        (
            "Resize of some axes",
            18,
            |net| {
                vector(net, "s", &[3.0, 0.5]);
                net.op("Resize", &["x", "", "s"], "y", &[("axes", Ints(&[-1, 2])), ("mode", Text("linear"))]);
            },
            |net| {
                vector(net, "s", &[1.0, 1.0, 0.5, 3.0]);
                net.op("Resize", &["x", "", "s"], "y", &[("mode", Text("linear"))]);
            },
        ),
        (
            "Resize of some axes to sizes",
            19,
            |net| {
                net.ints("s", &[9, 4]).op("Resize", &["x", "", "", "s"], "y", &[("axes", Ints(&[2, 3]))]);
            },
            |net| {
                net.ints("s", &[1, 4, 9, 4]).op("Resize", &["x", "", "", "s"], "y", &[]);
            },
        ),
        (
            "Resize that keeps the ratio within sizes",
            18,
            |net| {
                let attrs = [("axes", Ints(&[2, 3])), ("keep_aspect_ratio_policy", Text("not_larger"))];
                net.ints("s", &[15, 12]).op("Resize", &["x", "", "", "s"], "y", &attrs);
            },
            |net| {
                net.ints("s", &[9, 12]).op("Resize", &["x", "", "", "s"], "y", &[("axes", Ints(&[2, 3]))]);
            },
        ),
        (
            "Resize that keeps the ratio beyond sizes",
            18,
            |net| {
                let attrs = [("axes", Ints(&[2, 3])), ("keep_aspect_ratio_policy", Text("not_smaller"))];
                net.ints("s", &[15, 12]).op("Resize", &["x", "", "", "s"], "y", &attrs);
            },
            |net| {
                net.ints("s", &[15, 20]).op("Resize", &["x", "", "", "s"], "y", &[("axes", Ints(&[2, 3]))]);
            },
        ),
        (
            // 5 by 1.5 makes 8, and still 1.5 is the scale: element 3 comes from place 3 / 1.5, not 3 / 1.6.
            "Resize that keeps a ratio beyond a whole size",
            19,
            |net| {
                five_rows(net, "r");
                net.ints("s", &[8, 12]).op("Resize", &["r", "", "", "s"], "y", &kept_ratio("not_larger", "nearest"));
            },
            |net| {
                net.ints("rows", &[0, 0, 1, 2, 2, 3, 4, 4]).ints("columns", &[0, 0, 1, 2, 2, 3, 4, 4, 5, 6, 6, 7]);
                net.op("Gather", &["x", "rows"], "r", &[("axis", Int(2))]);
                net.op("Gather", &["r", "columns"], "y", &[("axis", Int(3))]);
            },
        ),
        (
            // Rows are means of 0 and 1, of 2 and 3, and 4.
            "linear Resize that keeps a ratio within a whole size",
            18,
            |net| {
                five_rows(net, "r");
                net.ints("s", &[2, 4]).op(
                    "Resize",
                    &["r", "", "", "s"],
                    "y",
                    &kept_ratio("not_smaller", "linear")[1..],
                );
            },
            |net| {
                net.ints("rows", &[0, 1, 2, 3, 4, 4]).op("Gather", &["x", "rows"], "r", &[("axis", Int(2))]);
                vector(net, "s", &[1.0, 1.0, 0.5, 0.5]);
                net.op("Resize", &["r", "", "s"], "y", &[("mode", Text("linear"))]);
            },
        ),
    ]);
}

/// The first five rows of the images.
fn five_rows(net: &mut Onnx, name: &str) {
    net.ints("from", &[0]).ints("to", &[5]).ints("at", &[2]).op("Slice", &["x", "from", "to", "at"], name, &[]);
}

/// Attributes of `Resize`, first the one that maps coordinates without a shift, and then those that round down.
fn kept_ratio<'a>(policy: &'a str, mode: &'a str) -> [(&'static str, Attr<'a>); 5] {
    [
        ("coordinate_transformation_mode", Text("asymmetric")),
        ("nearest_mode", Text("floor")),
        ("axes", Ints(&[2, 3])),
        ("keep_aspect_ratio_policy", Text(policy)),
        ("mode", Text(mode)),
    ]
}

#[test]
fn powers() {
    compare(&[
        (
            "Pow by an integer",
            13,
            |net| {
                net.int_tensor("k", &[], &[3]).op("Pow", &["x", "k"], "y", &[]);
            },
            |net| {
                net.scalar("k", 3.0).op("Pow", &["x", "k"], "y", &[]);
            },
        ),
        (
            "Pow by several integers",
            12,
            |net| {
                net.int_tensor("k", &[6, 1], &[1, 2, 3, -1, 0, 2]).op("Pow", &["x", "k"], "y", &[]);
            },
            |net| {
                net.tensor("k", &Array { shape: vec![6, 1], values: vec![1.0, 2.0, 3.0, -1.0, 0.0, 2.0] });
                net.op("Pow", &["x", "k"], "y", &[]);
            },
        ),
        (
            "Pow of integers",
            13,
            |net| {
                net.ints("two", &[2, -2]).ints("k", &[3, 2]).op("Pow", &["two", "k"], "p", &[]);
                net.ints("rest", &[0, -1]).op("Concat", &["p", "rest"], "all", &[("axis", Int(0))]);
                net.ints("places", &[2, 0, 1, 3]).op("Gather", &["all", "places"], "to", &[]);
                net.op("Reshape", &["x", "to"], "y", &[]);
            },
            |net| {
                net.ints("to", &[0, 8, 4, -1]).op("Reshape", &["x", "to"], "y", &[]);
            },
        ),
        (
            "Pow of 8-bit integers by others",
            13,
            |net| {
                integers(net, "two", DataType::INT8, &[2], &[2, -3]);
                net.ints("k", &[5, 3]).op("Pow", &["two", "k"], "p", &[]).scalar("scale", 0.25);
                net.op("DequantizeLinear", &["p", "scale"], "q", &[]).ints("place", &[0, 1, 0, 1, 0, 1, 0, 1]);
                net.op("Gather", &["q", "place"], "row", &[]).op("Mul", &["x", "row"], "y", &[]);
            },
            |net| {
                vector(net, "row", &[8.0, -6.75, 8.0, -6.75, 8.0, -6.75, 8.0, -6.75]);
                net.op("Mul", &["x", "row"], "y", &[]);
            },
        ),
    ]);
}

#[test]
fn blocks_of_positions() {
    compare(&[
        (
            "MaxPool whose indices nothing reads",
            12,
            |net| {
                let attrs = [("kernel_shape", Ints(&[2, 3])), ("storage_order", Int(1))];
                net.node("", "MaxPool", &["x"], &["y", "indices"], &attrs);
            },
            |net| {
                net.op("MaxPool", &["x"], "y", &[("kernel_shape", Ints(&[2, 3]))]);
            },
        ),
        (
            "SpaceToDepth",
            7,
            |net| {
                net.op("SpaceToDepth", &["x"], "y", &[("blocksize", Int(2))]);
            },
            |net| rearranged(net, &[0, 4, 3, 2, 4, 2], &[0, 3, 5, 1, 2, 4], &[0, 16, 3, 4]),
        ),
        (
            "DepthToSpace before its modes",
            9,
            |net| {
                net.op("DepthToSpace", &["x"], "y", &[("blocksize", Int(2))]);
            },
            |net| rearranged(net, &[0, 2, 2, 1, 6, 8], &[0, 3, 4, 1, 5, 2], &[0, 1, 12, 16]),
        ),
        (
            "DepthToSpace of SpaceToDepth",
            13,
            |net| {
                net.op("SpaceToDepth", &["x"], "d", &[("blocksize", Int(2))]);
                net.op("DepthToSpace", &["d"], "y", &[("blocksize", Int(2))]);
            },
            |net| {
                net.op("Identity", &["x"], "y", &[]);
            },
        ),
    ]);
}

#[test]
fn padding() {
    compare(&[
        ("Pad by less than nothing", 13, |net| cropped(net, "constant"), |net| padded(net, "constant")),
        ("Pad by less than nothing, edge", 13, |net| cropped(net, "edge"), |net| padded(net, "edge")),
        ("Pad by less than nothing, reflect", 13, |net| cropped(net, "reflect"), |net| padded(net, "reflect")),
        (
            "Pad, wrap",
            19,
            |net| {
                net.ints("pads", &[2, 9]).ints("last", &[-1]);
                net.op("Pad", &["x", "pads", "", "last"], "y", &[("mode", Text("wrap"))]);
            },
            |net| {
                net.ints("places", &[6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7, 0]);
                net.op("Gather", &["x", "places"], "y", &[("axis", Int(3))]);
            },
        ),
    ]);
}

#[test]
fn values_passed_on() {
    compare(&[
        (
            "CastLike",
            15,
            |net| {
                vector(net, "to", &[0.0, 2.0, -1.0]);
                net.ints("like", &[7]).op("CastLike", &["to", "like"], "shape", &[]);
                net.op("CastLike", &["x", "x"], "same", &[]).op("Reshape", &["same", "shape"], "y", &[]);
            },
            |net| {
                net.ints("shape", &[0, 2, -1]).op("Reshape", &["x", "shape"], "y", &[]);
            },
        ),
        (
            "Dropout out of training",
            13,
            |net| {
                net.scalar("ratio", 0.3).int_tensor("mode", &[], &[0]).int_tensor("on", &[], &[1]).scalar("none", 0.0);
                net.op("Dropout", &["x", "ratio", "mode"], "d", &[]).op("Dropout", &["d", "none", "on"], "y", &[]);
            },
            |net| {
                net.op("Identity", &["x"], "y", &[]);
            },
        ),
    ]);
}

/// `0.3 / 0.1` is 3 in `f32`, but three steps end just short of the limit.
#[test]
fn ranges_have_as_many_numbers_as_onnxruntime_counts() {
    compare(&[(
        "Range of real numbers",
        17,
        |net| {
            net.scalar("start", 0.0).scalar("limit", 0.3).scalar("delta", 0.1);
            net.op("Range", &["start", "limit", "delta"], "r", &[]).op(
                "Concat",
                &["r", "r"],
                "two",
                &[("axis", Int(0))],
            );
            net.op("Mul", &["x", "two"], "y", &[]);
        },
        |net| {
            let range = [0.0, 0.1, 2.0 * 0.1f32, 3.0 * 0.1];
            vector(net, "two", &range.repeat(2));
            net.op("Mul", &["x", "two"], "y", &[]);
        },
    )]);
}

#[test]
fn another_engine() {
    check(&[
        case("DepthToSpace, DCR", [8, 3, 2], |net| {
            net.op("DepthToSpace", &["x"], "y", &[("blocksize", Int(2)), ("mode", Text("DCR"))]);
        }),
        case("DepthToSpace, CRD", [8, 3, 2], |net| {
            net.op("DepthToSpace", &["x"], "y", &[("blocksize", Int(2)), ("mode", Text("CRD"))]);
        }),
        case("Mean of three", [2, 3, 4], |net| {
            net.random("a", &[3, 1]).random("b", &[4]).op("Mean", &["x", "a", "b"], "y", &[]);
        }),
        case("LpNormalization", [3, 4, 5], |net| {
            net.op("LpNormalization", &["x"], "a", &[("axis", Int(1)), ("p", Int(1))]);
            net.op("LpNormalization", &["x"], "b", &[]).op("Sub", &["a", "b"], "y", &[]);
        }),
        case("Range of real numbers", [2, 3, 5], |net| {
            net.scalar("start", 0.5).scalar("limit", -1.9).scalar("delta", -0.5);
            net.op("Range", &["start", "limit", "delta"], "r", &[]).op("Mul", &["x", "r"], "y", &[]);
        }),
    ]);
}

/// A vector of zeros has no direction.
#[test]
fn zeros_are_normalized_to_zeros() {
    let build = |net: &mut Onnx| {
        net.op("Clip", &["x"], "c", &[("min", Float(3.0)), ("max", Float(3.0))]).scalar("three", 3.0);
        net.op("Sub", &["c", "three"], "z", &[]).op("LpNormalization", &["z"], "y", &[]);
    };
    let found = logits(&Folder::new(), &network(9, IMAGE, build), IMAGE);
    assert!(found.iter().flatten().all(|&bits| bits == 0), "{found:?}");
}
