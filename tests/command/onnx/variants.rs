//! What the same network may look like in a file: constant batch sizes, channels last, data in other files, and names of any kind.

use crate::common::cases::for_each_case;
use crate::common::files::{f32_bytes, float_set};
use crate::common::onnx::{Attr, Onnx, floats};
use crate::common::random::Random;
use crate::common::{Folder, text};
use Attr::{Int, Ints, Text};
use approx_eval::model::{ModelSource, ModelSpec};
use rten_onnx::onnx::{DataLocation, StringStringEntryProto, TensorProto};

/// The logits of a network on three images of `image`.
pub fn logits(folder: &Folder, onnx: &Onnx, image: [usize; 3]) -> Vec<Vec<u32>> {
    let [channels, height, width] = image;
    let images = Random::new(11).floats(3 * channels * height * width, -2.0, 2.0);
    folder.write("set.safetensors", float_set([3, channels, height, width], &images, &[0; 3]));
    folder.write("net.onnx", onnx.bytes("out"));
    folder.logits("--model net.onnx --data set.safetensors --layout nchw")
}

/// A network of one part between the images and the flat output.
pub fn network(opset: i64, image: [usize; 3], build: impl Fn(&mut Onnx)) -> Onnx {
    let mut onnx = Onnx::new(opset, &image);
    build(&mut onnx);
    onnx.op("Flatten", &["y"], "out", &[("axis", Int(1))]);
    onnx
}

/// Batch sizes that the file has as a constant, in its reshapes too, are made open again.
#[test]
fn constant_batches() {
    let folder = Folder::new();
    let image = [4, 3, 2];
    for size in [1, 2, 7] {
        let build = |batch: i64| {
            move |net: &mut Onnx| {
                net.random("w", &[5, 4, 1, 1]).random("token", &[1, 5, 1]);
                net.ints("flat", &[batch, 5, 6]).ints("out of it", &[batch, -1]).ints("for all", &[batch, 5, 1]);
                net.op("Conv", &["x", "w"], "c", &[]).op("Reshape", &["c", "flat"], "f", &[]);
                net.op("Expand", &["token", "for all"], "t", &[]);
                net.op("Concat", &["t", "f"], "j", &[("axis", Int(2))]);
                net.op("Reshape", &["j", "out of it"], "y", &[]);
            }
        };
        let mut constant = network(17, image, build(size));
        constant.batch(size as usize);
        let found = logits(&folder, &constant, image);
        let report = folder.json("--model net.onnx --data set.safetensors --layout nchw");
        assert_eq!(report["notes"].as_array().unwrap().len(), 0, "{report:#}");
        // The first sample alone, by a file that says nothing of the batch.
        let open = network(17, image, |net| {
            net.random("w", &[5, 4, 1, 1]).random("token", &[1, 5, 1]);
            net.ints("flat", &[-1, 5, 6]).ints("out of it", &[0, -1]).ints("tail", &[-1, -1]);
            net.op("Conv", &["x", "w"], "c", &[]).op("Reshape", &["c", "flat"], "f", &[]);
            net.op("Concat", &["token", "f"], "j", &[("axis", Int(2))]).op("Reshape", &["j", "out of it"], "y", &[]);
        });
        assert_eq!(found, logits(&folder, &open, image), "a batch of {size}");
    }
}

/// Sizes that a transposed convolution is asked for are the padding that ONNX's formula makes of them:
/// here it cuts off 3 of 9 rows and of 10 columns 4, the odd one before unless `SAME_UPPER` says after.
#[test]
fn output_shapes_are_padding() {
    let folder = Folder::new();
    let image = [2, 3, 3];
    let net = |attrs: &[(&str, Attr)]| {
        let build = |net: &mut Onnx| {
            net.random("w", &[2, 3, 5, 6]);
            net.op("ConvTranspose", &["x", "w"], "y", &[attrs, &[("strides", Ints(&[2, 2]))]].concat());
        };
        logits(&folder, &network(17, image, build), image)
    };
    let (lower, upper) = (net(&[("pads", Ints(&[2, 2, 1, 2]))]), net(&[("pads", Ints(&[1, 2, 2, 2]))]));
    assert_ne!(lower, upper);
    let shape = ("output_shape", Ints(&[6, 6]));
    let pad = |mode| ("auto_pad", Text(mode));
    for attrs in [&[shape][..], &[shape, pad("SAME_LOWER")], &[pad("SAME_LOWER")], &[shape, ("pads", Ints(&[9; 4]))]] {
        assert_eq!(net(attrs), lower, "{attrs:?}");
    }
    for attrs in [&[shape, pad("SAME_UPPER")][..], &[pad("SAME_UPPER")]] {
        assert_eq!(net(attrs), upper, "{attrs:?}");
    }
    assert_eq!(net(&[pad("VALID"), ("pads", Ints(&[1; 4]))]), net(&[]), "no padding");
    let more = [("output_shape", Ints(&[10, 12]))];
    assert_eq!(net(&more), net(&[("output_padding", Ints(&[1, 2]))]), "more than taps reach");
}

/// Where the batch cannot be left open, samples run one by one, and the report says so.
#[test]
fn one_by_one() {
    let folder = Folder::new();
    let image = [2, 3, 4];
    let build = |net: &mut Onnx| {
        // Every number by its place in the whole batch.
        net.ints("all", &[-1]).ints("back", &[1, 24]).ints("places", &(0..24).rev().collect::<Vec<_>>());
        net.op("Reshape", &["x", "all"], "a", &[]).op("Gather", &["a", "places"], "g", &[]);
        net.op("Reshape", &["g", "back"], "y", &[]);
    };
    let mut onnx = network(17, image, build);
    onnx.batch(1);
    let found = logits(&folder, &onnx, image);
    let report = folder.json("--model net.onnx --data set.safetensors --layout nchw -b 3");
    assert!(text(&report, "/notes/0").contains("one by one"), "{report:#}");
    assert_eq!(report["config"]["batch_size"], 1);
    let reversed: Vec<Vec<u32>> = found.into_iter().map(|row| row.into_iter().rev().collect()).collect();
    let plain = network(17, image, |net| {
        net.op("Identity", &["x"], "y", &[]);
    });
    assert_eq!(reversed, logits(&folder, &plain, image));
}

/// TensorFlow's layout: the network transposes, or does not need to.
#[test]
fn channels_last() {
    let folder = Folder::new();
    let [channels, height, width] = [3, 5, 6];
    let images = Random::new(12).floats(2 * channels * height * width, -2.0, 2.0);
    folder.write("set.safetensors", float_set([2, channels, height, width], &images, &[0; 2]));
    let build = |onnx: &mut Onnx, x: &str| {
        onnx.random("w", &[4, 3, 3, 3]).op("Conv", &[x, "w"], "c", &[("auto_pad", Text("SAME_LOWER"))]);
        onnx.op("GlobalAveragePool", &["c"], "out", &[]);
    };
    let mut first = Onnx::new(13, &[channels, height, width]);
    build(&mut first, "x");
    folder.write("first.onnx", first.bytes("out"));
    let mut last = Onnx::new(13, &[height, width, channels]);
    last.op("Transpose", &["x"], "nchw", &[("perm", Ints(&[0, 3, 1, 2]))]);
    build(&mut last, "nchw");
    folder.write("last.onnx", last.bytes("out"));

    let expected = folder.logits("--model first.onnx --data set.safetensors");
    assert_eq!(folder.logits("--model last.onnx --data set.safetensors"), expected);
    assert_eq!(folder.logits("--model last.onnx --layout nhwc --data set.safetensors"), expected);
    let report = folder.json("--model last.onnx --data set.safetensors");
    assert!(text(&report, "/notes/0").contains("nhwc"), "{report:#}");
    folder.refuses("--model last.onnx --layout nchw --data set.safetensors", &["channels", "5"]);
    let info = folder.json("model info last.onnx");
    assert_eq!(info["model"]["input"], serde_json::json!([3, 5, 6]));
    assert_eq!(info["opcount"]["per_sample"], 5 * 6 * 4 * 27);
}

/// Rows of numbers are images that a square has room for.
#[test]
fn rows_of_numbers() {
    let folder = Folder::new();
    let mut onnx = Onnx::new(17, &[64]);
    onnx.random("w", &[64, 3]).op("MatMul", &["x", "w"], "out", &[]);
    folder.write("net.onnx", onnx.bytes("out"));
    let images = Random::new(13).floats(128, -1.0, 1.0);
    folder.write("set.safetensors", float_set([2, 1, 8, 8], &images, &[0, 2]));
    let report = folder.json("--model net.onnx --data set.safetensors");
    assert_eq!((text(&report, "/layers/0/kind"), &report["layers"][0]["opcount"]), ("linear", &serde_json::json!(192)));
}

/// Data in a file beside the model, at a place in it.
#[test]
fn external_data() {
    let folder = Folder::new();
    let image = [1, 2, 3];
    let weight = Random::new(14).floats(12, -1.0, 1.0);
    let build = |onnx: &mut Onnx| {
        onnx.op("Flatten", &["x"], "f", &[]).op("Gemm", &["f", "w"], "out", &[]);
    };
    let mut inside = Onnx::new(17, &image);
    inside.graph.initializer.push(floats("w", &[6, 2], &weight));
    build(&mut inside);
    let expected = logits(&folder, &inside, image);

    let outside = |location: &str, offset: &str, length: &str| {
        let mut outside = Onnx::new(17, &image);
        let mut tensor = floats("w", &[6, 2], &[]);
        tensor.raw_data = None;
        tensor.data_location = Some(DataLocation::EXTERNAL);
        for (key, value) in [("location", location), ("offset", offset), ("length", length)] {
            let (key, value) = (Some(key.to_owned()), Some(value.to_owned()));
            tensor.external_data.push(StringStringEntryProto { key, value });
        }
        outside.graph.initializer.push(tensor);
        build(&mut outside);
        outside
    };
    folder.write("data/net.bin", [vec![7; 16], f32_bytes(&weight), vec![9; 3]].concat());
    assert_eq!(logits(&folder, &outside("data/net.bin", "16", "48"), image), expected);
    let hash = |onnx: &Onnx| {
        folder.write("net.onnx", onnx.bytes("out"));
        text(&folder.json("model info net.onnx"), "/model/blake3").to_owned()
    };
    let before = hash(&outside("data/net.bin", "16", "48"));
    folder.write("data/net.bin", [vec![6; 16], f32_bytes(&weight), vec![9; 9]].concat());
    assert_eq!(hash(&outside("data/net.bin", "16", "48")), before, "what lies beside the data is not");
    let in_memory = |onnx: &Onnx| {
        let contents = Some(onnx.bytes("out").into());
        ModelSpec { model: Some("net".to_owned()), contents, ..ModelSpec::default() }.open()
    };
    let network = in_memory(&inside).unwrap();
    assert_eq!((network.name.as_str(), &network.source), ("net", &ModelSource::Memory));
    assert_eq!(network.blake3, hash(&inside), "a network in memory is that of its file");
    let error = in_memory(&outside("data/net.bin", "16", "48")).unwrap_err();
    let causes = std::iter::successors(Some(&error as &dyn std::error::Error), |error| error.source());
    let message = causes.map(ToString::to_string).collect::<Vec<_>>().join(": ");
    assert!(message.contains("'w'") && message.contains("data/net.bin") && message.contains("in memory"), "{message}");
    let others: Vec<f32> = weight.iter().map(|x| x + 1.0).collect();
    folder.write("data/net.bin", [vec![7; 16], f32_bytes(&others), vec![9; 3]].concat());
    assert_ne!(hash(&outside("data/net.bin", "16", "48")), before, "the data is part of the network");

    let cases = [
        ("data/net.bin", "64", "48", vec!["'w'", "data/net.bin", "64", "67"]),
        ("data/net.bin", "16", "44", vec!["'w'", "44", "48"]),
        ("data/net.bin", "18446744073709551615", "48", vec!["'w'", "data/net.bin"]),
        ("data/net.bin", "-1", "48", vec!["'w'", "data/net.bin"]),
        ("data/none.bin", "0", "48", vec!["'w'", "data/none.bin"]),
        ("../net.bin", "0", "48", vec!["'w'", "../net.bin", "folder"]),
        ("/etc/hostname", "0", "48", vec!["'w'", "/etc/hostname", "folder"]),
    ];
    for_each_case(cases, |(location, offset, length, needles)| {
        folder.write("net.onnx", outside(location, offset, length).bytes("out"));
        folder.refuses("--model net.onnx --data set.safetensors", &[&["net.onnx"], needles.as_slice()].concat());
    });
}

/// A file of any size may hold a small tensor: no more of it is read.
#[cfg(unix)]
#[test]
fn external_data_in_a_large_file() {
    use std::os::unix::fs::FileExt;
    const AT: u64 = 33 << 30;
    let folder = Folder::new();
    let (image, weight) = ([1, 1, 1], [0.75f32]);
    let build = |tensor: TensorProto| {
        let mut onnx = Onnx::new(17, &image);
        onnx.graph.initializer.push(tensor);
        onnx.op("Flatten", &["x"], "f", &[]).op("Gemm", &["f", "w"], "out", &[]);
        onnx
    };
    let outside = |entries: &[(&str, String)]| {
        let mut tensor = floats("w", &[1, 1], &[]);
        tensor.raw_data = None;
        tensor.data_location = Some(DataLocation::EXTERNAL);
        let entries = [&[("location", "net.bin".to_owned())], entries].concat();
        tensor.external_data.extend(entries.into_iter().map(|(key, value)| {
            let (key, value) = (Some(key.to_owned()), Some(value));
            StringStringEntryProto { key, value }
        }));
        build(tensor)
    };
    let expected = logits(&folder, &build(floats("w", &[1, 1], &weight)), image);
    // A hole, which takes no room on disk.
    let file = std::fs::File::create(folder.path("net.bin")).unwrap();
    file.set_len(40 << 30).unwrap();
    file.write_all_at(&f32_bytes(&weight), AT).unwrap();
    let found = outside(&[("offset", AT.to_string()), ("length", "4".to_owned())]);
    assert_eq!(logits(&folder, &found, image), expected);
    folder.shell("ulimit -v 4000000; approx-eval model info net.onnx").assert().success();
    // All of the file, by its own length or as stated.
    for entries in [vec![], vec![("length", (40u64 << 30).to_string())]] {
        folder.write("net.onnx", outside(&entries).bytes("out"));
        folder.refuses_in_bounds("model info net.onnx", &["net.onnx", "'w'", "42949672960", "needs 4"]);
    }
}

/// Layers are called by their modules, whatever kept the module's path.
#[test]
fn layer_names() {
    let folder = Folder::new();
    let mut onnx = Onnx::new(17, &[2, 3, 4]);
    onnx.random("stem.weight", &[2, 2, 1, 1]).node("n0", "Conv", &["x", "stem.weight"], &["a"], &[]);
    onnx.random("onnx::Conv_1", &[2, 2, 1, 1]);
    onnx.node("/layer1/layer1.0/conv1/Conv", "Conv", &["a", "onnx::Conv_1"], &["b"], &[]);
    onnx.node("/layer1/layer1.0/conv1/Conv", "Conv", &["b", "onnx::Conv_1"], &["c"], &[]);
    onnx.random("val_1", &[4, 4]).random("mlp.0.bias", &[4]);
    onnx.node("node_MatMul_3", "MatMul", &["c", "val_1"], &["d"], &[]);
    onnx.node("node_linear", "Add", &["d", "mlp.0.bias"], &["e"], &[]);
    onnx.op("Flatten", &["e"], "f", &[]).random("w", &[24, 3]).op("Gemm", &["f", "w"], "out", &[]);
    folder.write("net.onnx", onnx.bytes("out"));
    let info = folder.json("model info net.onnx");
    let names: Vec<&str> = info["layers"].as_array().unwrap().iter().map(|layer| text(layer, "/name")).collect();
    assert_eq!(names, ["stem", "layer1.0.conv1", "layer1.0.conv1#2", "mlp.0", "out"]);
}
