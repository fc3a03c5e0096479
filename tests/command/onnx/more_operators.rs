//! Operators that newer exporters and attention need, against the `rten` engine.

use super::operators::{case, check};
use super::variants::{logits, network};
use crate::common::network::Array;
use crate::common::onnx::{Attr, Onnx};
use crate::common::{Folder, text};
use Attr::{Float, Int, Ints, Text};

#[test]
fn reductions() {
    check(&[
        case("ReduceSum, ReduceMax, ReduceMin", [3, 4, 5], |net| {
            net.ints("axes", &[-1, 1]);
            net.op("ReduceSum", &["x", "axes"], "s", &[]).op("ReduceMax", &["x", "axes"], "m", &[]);
            net.op("ReduceMin", &["x", "axes"], "n", &[]).op("Mul", &["s", "m"], "1", &[]).op(
                "Sub",
                &["1", "n"],
                "y",
                &[],
            );
        }),
        case("ReduceProd, ReduceSumSquare without axes", [2, 3, 4], |net| {
            net.ints("axes", &[2]);
            net.op("ReduceProd", &["x", "axes"], "p", &[("keepdims", Int(0))]);
            net.op("ReduceSumSquare", &["x", "axes"], "q", &[("keepdims", Int(0))]).op("Add", &["p", "q"], "y", &[]);
        }),
        case("ReduceL1, ReduceL2", [2, 3, 4], |net| {
            net.ints("axes", &[1]);
            net.op("ReduceL1", &["x", "axes"], "a", &[]).op("ReduceL2", &["x", "axes"], "b", &[]);
            net.op("Sub", &["a", "b"], "y", &[]);
        }),
        case("ReduceLogSumExp, ReduceLogSum", [2, 3, 4], |net| {
            net.ints("axes", &[3]).op("Exp", &["x"], "e", &[]).op("ReduceLogSum", &["e", "axes"], "a", &[]);
            net.op("ReduceLogSumExp", &["x", "axes"], "b", &[]).op("Mul", &["a", "b"], "y", &[]);
        }),
        case("a size by ReduceProd", [2, 3, 4], |net| {
            net.ints("n", &[0]).op("Shape", &["x"], "s", &[("start", Int(1))]);
            net.op("ReduceProd", &["s"], "all", &[("keepdims", Int(1))]);
            net.op("Concat", &["n", "all"], "to", &[("axis", Int(0))]).op("Reshape", &["x", "to"], "y", &[]);
        }),
    ]);
}

#[test]
fn functions() {
    check(&[
        case("Softplus, Softsign", [2, 3, 4], |net| {
            net.op("Softplus", &["x"], "a", &[]).op("Softsign", &["x"], "b", &[]).op("Sub", &["a", "b"], "y", &[]);
        }),
        case("Sin, Cos, Floor, Ceil, Round, Sign", [2, 3, 4], |net| {
            net.op("Sin", &["x"], "a", &[]).op("Cos", &["x"], "b", &[]).op("Floor", &["x"], "c", &[]);
            net.op("Ceil", &["x"], "d", &[]).op("Round", &["x"], "e", &[]).op("Sign", &["x"], "f", &[]);
            net.op("Sum", &["a", "b", "c"], "1", &[]).op("Sum", &["d", "e", "f"], "2", &[]);
            net.op("Sub", &["1", "2"], "y", &[]);
        }),
        case("Where by a constant", [2, 3, 4], |net| {
            net.random("r", &[3, 1]).scalar("zero", 0.0).scalar("other", -7.0);
            net.op("Greater", &["r", "zero"], "c", &[]).op("Not", &["c"], "n", &[]);
            net.op("Where", &["n", "x", "other"], "y", &[]);
        }),
        case("Where by activations", [2, 3, 4], |net| {
            net.scalar("half", 0.5).random("r", &[4]);
            net.op("Less", &["x", "half"], "a", &[]).op("GreaterOrEqual", &["x", "r"], "b", &[]);
            net.op("And", &["a", "b"], "c", &[]).op("Where", &["c", "r", "x"], "y", &[]);
        }),
    ]);
}

/// Mish and the other activations that rten has not are compositions of what it has.
#[test]
fn compositions() {
    let folder = Folder::new();
    let image = [2, 3, 4];
    let close = |name: &str, a: &dyn Fn(&mut Onnx), b: &dyn Fn(&mut Onnx)| {
        let [a, b] = [a, b].map(|build| logits(&folder, &network(22, image, build), image).concat());
        for (a, b) in a.into_iter().zip(b) {
            let (a, b) = (f32::from_bits(a), f32::from_bits(b));
            assert!((a - b).abs() <= 1e-6 * a.abs().max(1.0), "{name}: {a} and {b}");
        }
    };
    close(
        "Mish",
        &|net| {
            net.op("Mish", &["x"], "y", &[]);
        },
        &|net| {
            net.op("Softplus", &["x"], "s", &[]).op("Tanh", &["s"], "t", &[]).op("Mul", &["x", "t"], "y", &[]);
        },
    );
    close(
        "Celu",
        &|net| {
            net.op("Celu", &["x"], "y", &[]);
        },
        &|net| {
            net.op("Elu", &["x"], "y", &[]);
        },
    );
    let selu = |net: &mut Onnx| {
        net.op("Selu", &["x"], "y", &[("alpha", Float(1.5)), ("gamma", Float(2.0))]);
    };
    close("Selu", &selu, &|net| {
        net.scalar("two", 2.0).op("Elu", &["x"], "e", &[("alpha", Float(1.5))]).op("Mul", &["e", "two"], "y", &[]);
    });
    let grouped = |net: &mut Onnx| {
        net.random("g", &[2]).random("b", &[2]).op(
            "GroupNormalization",
            &["x", "g", "b"],
            "y",
            &[("num_groups", Int(1))],
        );
    };
    close("GroupNormalization", &grouped, &|net| {
        // Of one row of all numbers, then scaled by channel.
        net.random("g", &[2, 1, 1]).random("b", &[2, 1, 1]).scalar("eps", 1e-5).ints("axes", &[1, 2, 3]);
        net.op("ReduceMean", &["x", "axes"], "m", &[]).op("Sub", &["x", "m"], "c", &[]).op(
            "Mul",
            &["c", "c"],
            "q",
            &[],
        );
        net.op("ReduceMean", &["q", "axes"], "v", &[]).op("Add", &["v", "eps"], "w", &[]).op("Sqrt", &["w"], "r", &[]);
        net.op("Div", &["c", "r"], "n", &[]).op("Mul", &["n", "g"], "s", &[]).op("Add", &["s", "b"], "y", &[]);
    });
}

#[test]
fn normalization() {
    check(&[case("InstanceNormalization", [3, 4, 5], |net| {
        net.random("g", &[3]).random("b", &[3]);
        net.op("InstanceNormalization", &["x", "g", "b"], "y", &[("epsilon", Float(1e-3))]);
    })]);
}

#[test]
fn einsum() {
    check(&[
        case("Einsum, heads of attention", [2, 3, 4], |net| {
            net.op("Einsum", &["x", "x"], "a", &[("equation", Text("b h i d, b h j d -> b h i j"))]);
            net.op("Einsum", &["a", "x"], "y", &[("equation", Text("bhij,bhjd->bihd"))]);
        }),
        case("Einsum by a constant", [2, 3, 4], |net| {
            net.random("w", &[2, 4, 5, 3]);
            net.op("Einsum", &["x", "w"], "y", &[("equation", Text("nhtd,hdab->ntab"))]);
        }),
        case("Einsum of a constant on the left", [2, 3, 4], |net| {
            net.random("w", &[5, 4]).op("Einsum", &["w", "x"], "y", &[("equation", Text("od,nhtd->nhot"))]);
        }),
        case("Einsum by a constant of each channel", [2, 3, 4], |net| {
            net.random("w", &[2, 4, 6]).op("Einsum", &["x", "w"], "y", &[("equation", Text("nhtd,hdo->nhto"))]);
        }),
        case("Einsum of one value", [2, 3, 4], |net| {
            net.op("Einsum", &["x"], "y", &[("equation", Text("nhtd->ndh"))]);
        }),
    ]);
}

/// The constant of a product is a layer's weight, of a layer that can be approximated.
#[test]
fn einsum_is_a_layer() {
    let folder = Folder::new();
    let net = network(17, [2, 3, 4], |net| {
        net.random("proj.weight", &[4, 5]);
        net.op("Einsum", &["x", "proj.weight"], "y", &[("equation", Text("nhtd,do->nhto"))]);
    });
    folder.write("net.onnx", net.bytes("out"));
    let info = folder.json("model info net.onnx");
    assert_eq!((text(&info, "/layers/0/name"), text(&info, "/layers/0/kind")), ("proj", "linear"));
    assert_eq!(info["opcount"]["per_sample"], 2 * 3 * 4 * 5);
}

#[test]
fn linear_resizing() {
    const MODES: [&str; 4] = ["half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"];
    fn resize<const MODE: usize>(net: &mut Onnx) {
        net.tensor("up", &Array { shape: vec![4], values: vec![1.0, 1.0, 2.0, 3.0] });
        net.tensor("down", &Array { shape: vec![4], values: vec![1.0, 1.0, 0.5, 0.6] });
        let attrs = [("mode", Text("linear")), ("coordinate_transformation_mode", Text(MODES[MODE]))];
        net.op("Resize", &["x", "", "up"], "u", &attrs).op("Neg", &["u"], "v", &[]);
        net.op("Resize", &["v", "", "down"], "y", &attrs);
    }
    check(&[
        case("linear Resize, half_pixel", [2, 4, 5], resize::<0>),
        case("linear Resize, pytorch_half_pixel", [2, 4, 5], resize::<1>),
        case("linear Resize, asymmetric", [2, 4, 5], resize::<2>),
        case("linear Resize, align_corners", [2, 4, 5], resize::<3>),
    ]);
}

#[test]
fn integers_of_several_axes() {
    check(&[
        case("padding as PyTorch's exporter writes it", [2, 3, 4], |net| {
            // Pairs from the last axis to the first, turned around and made two rows.
            net.ints("given", &[1, 2, 0, 1, 0, 0, 0, 0]).ints("pairs", &[-1, 2]).ints("flat", &[-1]);
            net.ints("minus", &[-1]).ints("far", &[i64::MIN + 1]).ints("zero", &[0]);
            net.op("Reshape", &["given", "pairs"], "p", &[]);
            net.op("Slice", &["p", "minus", "far", "zero", "minus"], "r", &[]);
            net.op("Transpose", &["r"], "t", &[("perm", Ints(&[1, 0]))]).op("Reshape", &["t", "flat"], "pads", &[]);
            net.op("Pad", &["x", "pads"], "y", &[]);
        }),
        case("ScatterND and GatherND of constants", [2, 3, 4], |net| {
            net.random("table", &[3, 4]).random("row", &[1, 4]).int_tensor("at", &[1, 1], &[1]);
            net.op("ScatterND", &["table", "at", "row"], "t", &[]).op("Mul", &["x", "t"], "m", &[]);
            net.int_tensor("places", &[2, 2], &[2, 1, 0, 3]).op("GatherND", &["t", "places"], "g", &[]);
            net.ints("two", &[1, 2, 1, 1]).op("Reshape", &["g", "two"], "s", &[]).op("Add", &["m", "s"], "y", &[]);
        }),
        case("Tile", [2, 3, 4], |net| {
            net.random("token", &[1, 2, 1, 4]).ints("tail", &[1, 3, 1]).ints("more", &[1, 1, 2, 3]);
            net.op("Shape", &["x"], "n", &[("end", Int(1))]);
            net.op("Concat", &["n", "tail"], "times", &[("axis", Int(0))]).op("Tile", &["token", "times"], "t", &[]);
            net.op("Add", &["x", "t"], "s", &[]).op("Tile", &["s", "more"], "y", &[]);
        }),
        case("CumSum of constants", [2, 3, 4], |net| {
            net.random("a", &[3, 4]).int_tensor("zero", &[], &[0]).op("CumSum", &["a", "zero"], "c", &[]);
            net.int_tensor("i", &[2, 4], &[1, 2, 3, 4, 0, 1, 0, 2]).int_tensor("last", &[], &[-1]);
            net.op("CumSum", &["i", "last"], "j", &[]).op("Cast", &["j"], "f", &[("to", Int(1))]);
            net.ints("to", &[1, 2, 1, 4]).op("Reshape", &["f", "to"], "g", &[]);
            net.op("Mul", &["x", "c"], "m", &[]).op("Add", &["m", "g"], "y", &[]);
        }),
        case("triangles of constants", [2, 3, 4], |net| {
            net.random("a", &[3, 4]).int_tensor("k", &[], &[1]).op("Trilu", &["a", "k"], "u", &[]);
            net.int_tensor("i", &[2, 3, 4], &[7; 24]).int_tensor("below", &[], &[-1]);
            net.op("Trilu", &["i", "below"], "l", &[("upper", Int(0))]).op("Cast", &["l"], "f", &[("to", Int(1))]);
            net.op("Mul", &["x", "u"], "m", &[]).op("Add", &["m", "f"], "y", &[]);
        }),
        case("a causal mask as PyTorch's exporter writes it", [2, 4, 4], |net| {
            net.ints("shape", &[4, 4]).scalar("one", 1.0).scalar("zero", 0.0).scalar("low", f32::NEG_INFINITY);
            net.op("Expand", &["one", "shape"], "ones", &[]).op("Trilu", &["ones"], "t", &[("upper", Int(0))]);
            net.op("Equal", &["t", "zero"], "e", &[]).op("Where", &["e", "low", "zero"], "m", &[]);
            net.op("Add", &["x", "m"], "s", &[]).op("Softmax", &["s"], "y", &[("axis", Int(-1))]);
        }),
        case("selection of what is infinite", [1, 2, 4], |net| {
            net.int_tensor("a", &[2, 1], &[1, 2]).int_tensor("b", &[2, 4], &[1, 2, 3, 1, 2, 2, 4, 0]);
            net.scalar("low", f32::NEG_INFINITY).op("Equal", &["b", "a"], "e", &[]);
            net.op("Where", &["e", "x", "low"], "s", &[]).op("Softmax", &["s"], "y", &[("axis", Int(-1))]);
        }),
        case("a mask of integers", [1, 2, 4], |net| {
            net.int_tensor("a", &[2, 1], &[1, 2]).int_tensor("b", &[2, 3], &[1, 2, 3, 2, 2, 4]).scalar("low", -9.0);
            net.op("Concat", &["b", "a"], "j", &[("axis", Int(1))]).op("Equal", &["j", "a"], "e", &[]);
            net.op("Not", &["e"], "n", &[]).op("Where", &["n", "low", "x"], "y", &[]);
        }),
    ]);
}

/// Weights that batch normalization standardizes by their own statistics.
#[test]
fn standardized_weights() {
    let folder = Folder::new();
    let image = [2, 3, 4];
    let net = |operator: &'static str, attrs: &'static [(&'static str, Attr<'static>)]| {
        let build = |net: &mut Onnx| {
            net.random("w", &[1, 3, 2]).random("g", &[3]).random("b", &[3]).ints("to", &[3, 2, 1, 1]);
            net.random("m", &[3]).random("v", &[3]);
            let inputs = ["w", "g", "b", "m", "v"];
            let count = if operator == "BatchNormalization" { 5 } else { 3 };
            net.op(operator, &inputs[..count], "s", attrs).op("Reshape", &["s", "to"], "k", &[]);
            net.op("Conv", &["x", "k"], "y", &[]);
        };
        logits(&folder, &network(17, image, build), image)
    };
    assert_eq!(net("BatchNormalization", &[("training_mode", Int(1))]), net("InstanceNormalization", &[]));
}

/// A view by strides of the one sample that a network was exported with is the same view of each.
#[test]
fn views_by_strides_keep_the_batch_open() {
    let folder = Folder::new();
    let image = [4, 1, 2];
    let build = |net: &mut Onnx| {
        net.ints("all", &[-1]).int_tensor("places", &[1, 2, 4], &[0, 2, 4, 6, 1, 3, 5, 7]);
        net.op("Reshape", &["x", "all"], "a", &[]).op("Gather", &["a", "places"], "y", &[("axis", Int(0))]);
    };
    let mut onnx = network(17, image, build);
    onnx.batch(1);
    let found = logits(&folder, &onnx, image);
    let report = folder.json("--model net.onnx --data set.safetensors --layout nchw -b 3");
    assert!(!report["notes"].to_string().contains("one by one"), "{report:#}");
    let plain = network(17, image, |net| {
        net.op("Transpose", &["x"], "y", &[("perm", Ints(&[0, 3, 2, 1]))]);
    });
    assert_eq!(found, logits(&folder, &plain, image));
}
