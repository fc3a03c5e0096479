//! Samples with the axes that the network's own file has, whatever their number.

use crate::common::cases::for_each_case;
use crate::common::files::{f32_bytes, read_logits, safetensors, stored};
use crate::common::onnx::{Attr, Onnx};
use crate::common::random::Random;
use crate::common::{Folder, integer};
use safetensors::Dtype;

const SAMPLES: usize = 6;
const RUN: &str = "-m net.onnx --mode base";

/// A set of floats or bytes.
fn set(dtype: Dtype, sample: &[usize], bytes: Vec<u8>) -> Vec<u8> {
    let shape: Vec<usize> = [&[SAMPLES], sample].concat();
    let labels = stored("labels", Dtype::U8, &[SAMPLES], vec![0, 1, 2, 0, 1, 2]);
    safetensors(&[stored("images", dtype, &shape, bytes), labels])
}

/// A network of three classes of samples with any axes, by a matrix over all their numbers, and what the
/// numbers `x` come to.
fn flat(sample: &[usize], x: &[f32]) -> (Onnx, Vec<Vec<f64>>) {
    let size: usize = sample.iter().product();
    let mut net = Onnx::new(17, sample);
    net.op("Flatten", &["x"], "flat", &[]);
    let weight = Random::new(5).floats(size * 3, -1.0, 1.0);
    let array = crate::common::network::Array { shape: vec![size, 3], values: weight.clone() };
    net.tensor("w", &array).op("MatMul", &["flat", "w"], "y", &[]);
    let product = |x: &[f32], class: usize| (0..size).map(|i| f64::from(x[i]) * f64::from(weight[3 * i + class])).sum();
    let rows = x.chunks(size).map(|x| (0..3).map(|class| product(x, class)).collect());
    (net, rows.collect())
}

fn is_close(found: &[Vec<f32>], expected: &[Vec<f64>]) -> bool {
    let pairs = found.iter().flatten().zip(expected.iter().flatten());
    found.len() == expected.len() && pairs.clone().all(|(a, b)| (f64::from(*a) - b).abs() <= 1e-5 * b.abs().max(1.0))
}

/// Numbers in the order that the file's axes give them reach the network in that order.
#[test]
fn numbers_are_taken_in_the_files_order() {
    let folder = Folder::new();
    let cases: [(&[usize], &[&[usize]]); 8] = [
        (&[5], &[&[5], &[1, 1, 5], &[1, 5]]),
        // A vector that could be an image, and is not one in the set.
        (&[16], &[&[16], &[4, 4], &[1, 4, 4], &[2, 8], &[1, 16, 1]]),
        (&[30], &[&[30], &[5, 6], &[1, 5, 6]]),
        (&[6, 8], &[&[6, 8], &[1, 6, 8], &[6, 1, 8], &[6, 8, 1], &[48]]),
        (&[28, 28], &[&[28, 28], &[1, 28, 28], &[28, 28, 1]]),
        (&[2, 3, 4], &[&[2, 3, 4], &[24], &[1, 24]]),
        (&[2, 3, 4, 5], &[&[2, 3, 4, 5], &[6, 4, 5]]),
        (&[2, 1, 3, 4, 2], &[&[2, 1, 3, 4, 2]]),
    ];
    for_each_case(cases, |(own, shapes)| {
        let size: usize = own.iter().product();
        let numbers = Random::new(8).floats(SAMPLES * size, -1.0, 1.0);
        let (net, expected) = flat(own, &numbers);
        folder.write("net.onnx", net.bytes("y"));
        for shape in shapes {
            folder.write("set.safetensors", set(Dtype::F32, shape, f32_bytes(&numbers)));
            for batch in [1, 2, 5] {
                let args = format!("{RUN} -d set.safetensors -b {batch} --logits l.st");
                folder.run_to(0, &args);
                assert!(is_close(&read_logits(&folder.read("l.st")), &expected), "{own:?}: {shape:?} -b {batch}");
            }
            folder.run_to(0, "-m net.onnx -d set.safetensors --calib-data set.safetensors --mode quant --compare base");
        }
    });
}

/// Keras's floats and TensorFlow's networks have channels last.
#[test]
fn channels_may_be_last_in_the_set_and_in_the_network() {
    let folder = Folder::new();
    let [height, width, channels] = [7, 5, 3];
    let numbers = Random::new(9).floats(SAMPLES * height * width * channels, -1.0, 1.0);
    let image = height * width * channels;
    let first: Vec<f32> = numbers
        .chunks(image)
        .flat_map(|image| (0..channels).flat_map(move |c| image.iter().skip(c).step_by(channels).copied()))
        .collect();
    let convolved = |net: &mut Onnx, x: &str| {
        net.random("c", &[4, channels, 3, 3]).op("Conv", &[x, "c"], "z", &[]);
        net.op("GlobalAveragePool", &["z"], "means", &[]).op("Flatten", &["means"], "y", &[]);
    };
    let mut nchw = Onnx::new(17, &[channels, height, width]);
    convolved(&mut nchw, "x");
    let mut nhwc = Onnx::new(17, &[height, width, channels]);
    nhwc.op("Transpose", &["x"], "first", &[("perm", Attr::Ints(&[0, 3, 1, 2]))]);
    convolved(&mut nhwc, "first");
    folder.write("last.safetensors", set(Dtype::F32, &[height, width, channels], f32_bytes(&numbers)));
    folder.write("first.safetensors", set(Dtype::F32, &[channels, height, width], f32_bytes(&first)));
    let mut all = Vec::new();
    for net in [nchw, nhwc] {
        folder.write("net.onnx", net.bytes("y"));
        all.extend(["first", "last"].map(|set| folder.logits(&format!("{RUN} -d {set}.safetensors -b 4"))));
        // Two passes over the set open it twice.
        let report =
            folder.json("-m net.onnx -d last.safetensors --calib-data last.safetensors --mode quant --compare base");
        assert_eq!(integer(&report, "/comparisons/0/samples"), 6);
    }
    assert!(all.iter().all(|logits| *logits == all[0]));
}

/// Where several orders of axes have the sizes of the set, that of the file is meant.
#[test]
fn sizes_that_are_equal_are_in_the_files_order() {
    let folder = Folder::new();
    let run = format!("{RUN} --layout nhwc -d set.safetensors --logits l.st");
    // Height, width and channels of the network, and axes of the set that are the same ones.
    let cases: [([usize; 3], &[&[usize]]); 5] = [
        ([4, 4, 4], &[&[4, 4, 4], &[1, 4, 4, 4]]),
        ([1, 6, 6], &[&[1, 6, 6], &[1, 1, 6, 6]]),
        ([6, 1, 6], &[&[6, 1, 6]]),
        ([3, 3, 3], &[&[3, 3, 3]]),
        ([1, 1, 6], &[&[1, 1, 6], &[6], &[6, 1, 1]]),
    ];
    for_each_case(cases, |(own, shapes)| {
        let size: usize = own.iter().product();
        let bytes = Random::new(13).bytes(SAMPLES * size);
        let numbers: Vec<f32> = bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect();
        let (net, expected) = flat(&own, &numbers);
        folder.write("net.onnx", net.bytes("y"));
        for shape in shapes {
            for (dtype, data) in [(Dtype::F32, f32_bytes(&numbers)), (Dtype::U8, bytes.clone())] {
                folder.write("set.safetensors", set(dtype, shape, data));
                folder.run_to(0, &run);
                assert!(is_close(&read_logits(&folder.read("l.st")), &expected), "{shape:?} {dtype:?}");
            }
            folder.run_to(0, "-m net.onnx --layout nhwc -d set.safetensors --calib-data set.safetensors --mode quant");
        }
    });
    // Channels first, as far as the sizes tell.
    let (own, [height, width, channels]) = ([1, 6, 6], [1, 6, 6]);
    let numbers = Random::new(14).floats(SAMPLES * 36, -1.0, 1.0);
    let (net, expected) = flat(&own, &numbers);
    folder.write("net.onnx", net.bytes("y"));
    let planes = numbers.chunks(36).flat_map(|x| (0..36).map(|at| x[at % width * channels + at / width]));
    let planes = f32_bytes(&planes.collect::<Vec<f32>>());
    folder.write("set.safetensors", set(Dtype::F32, &[channels, height, width], planes.clone()));
    folder.run_to(0, &run);
    assert!(is_close(&read_logits(&folder.read("l.st")), &expected));
    folder.write("set.safetensors", set(Dtype::F32, &[6, 6], planes));
    folder.refuses(&run, &["set.safetensors", "channel", "net, whose input is [N, 1, 6, 6]"]);
}

/// A network of vectors says nothing of axes: its numbers are those of images channel by channel, or as stated.
#[test]
fn vectors_are_images_channel_by_channel_or_as_stated() {
    let folder = Folder::new();
    let [height, width, channels] = [4, 4, 3];
    let size = height * width * channels;
    let last = Random::new(15).floats(SAMPLES * size, -1.0, 1.0);
    let planes = |x: &[f32]| (0..size).map(|i| x[i % (height * width) * channels + i / (height * width)]).collect();
    let first: Vec<f32> = last.chunks(size).map(planes).collect::<Vec<Vec<f32>>>().concat();
    folder.write("set.safetensors", set(Dtype::F32, &[height, width, channels], f32_bytes(&last)));
    for (layout, numbers) in [("auto", &first), ("nchw", &first), ("nhwc", &last)] {
        let (net, expected) = flat(&[size], numbers);
        folder.write("net.onnx", net.bytes("y"));
        folder.run_to(0, &format!("{RUN} --layout {layout} -d set.safetensors --logits l.st"));
        assert!(is_close(&read_logits(&folder.read("l.st")), &expected), "{layout}");
    }
    let report = folder.json(&format!("{RUN} -d set.safetensors"));
    assert!(report["notes"].to_string().contains("channel by channel (layout nchw)"), "{}", report["notes"]);
    // One after the other, the numbers are those of the network, whatever they are called.
    for (own, layout) in [(&[size][..], "auto"), (&[size], "nhwc"), (&[height, width, channels], "nhwc")] {
        let (net, expected) = flat(own, &last);
        folder.write("net.onnx", net.bytes("y"));
        folder.write("flat.safetensors", set(Dtype::F32, &[size], f32_bytes(&last)));
        folder.run_to(0, &format!("{RUN} --layout {layout} -d flat.safetensors --logits l.st"));
        assert!(is_close(&read_logits(&folder.read("l.st")), &expected), "{own:?} {layout}");
    }
    // The channels of other images could be anywhere.
    let (net, _) = flat(&[30], &[0.0; 30]);
    folder.write("net.onnx", net.bytes("y"));
    for (dtype, bytes) in [(Dtype::F32, 4), (Dtype::U8, 1)] {
        folder.write("other.safetensors", set(dtype, &[2, 5, 3], vec![0; SAMPLES * 30 * bytes]));
        folder.refuses(&format!("{RUN} -d other.safetensors"), &["other.safetensors", "[N, 30]"]);
    }
}

/// Bytes without axes are normalized by the channels that the network gives them.
#[test]
fn flat_bytes_have_the_channels_of_the_network() {
    let folder = Folder::new();
    let bytes = Random::new(16).bytes(SAMPLES * 24);
    let [mean, std] = [[0.5, 0.25], [0.5, 2.0]];
    let number = |(i, &byte): (usize, &u8)| (f32::from(byte) / 255.0 - mean[i / 12 % 2]) / std[i / 12 % 2];
    let numbers: Vec<f32> = bytes.iter().enumerate().map(number).collect();
    let (net, expected) = flat(&[2, 3, 4], &numbers);
    folder.write("net.onnx", net.bytes("y"));
    folder.write("set.safetensors", set(Dtype::U8, &[24], bytes));
    folder.run_to(0, &format!("{RUN} -d set.safetensors --mean 0.5,0.25 --std 0.5,2 --logits l.st"));
    assert!(is_close(&read_logits(&folder.read("l.st")), &expected));
}

/// Bytes are images still: divided by 255, and converted where they are asked to be.
#[test]
fn bytes_of_the_files_axes_are_normalized() {
    let folder = Folder::new();
    let bytes = Random::new(10).bytes(SAMPLES * 48);
    let numbers: Vec<f32> = bytes.iter().map(|&byte| (f32::from(byte) / 255.0 - 0.5) / 0.25).collect();
    let (net, expected) = flat(&[6, 8], &numbers);
    folder.write("net.onnx", net.bytes("y"));
    for shape in [&[6, 8][..], &[1, 6, 8], &[6, 8, 1]] {
        folder.write("set.safetensors", set(Dtype::U8, shape, bytes.clone()));
        folder.run_to(0, &format!("{RUN} -d set.safetensors --mean 0.5 --std 0.25 --logits l.st"));
        assert!(is_close(&read_logits(&folder.read("l.st")), &expected), "{shape:?}");
    }
    // A larger picture is brought to the size that the file has.
    folder.write("large.safetensors", set(Dtype::U8, &[1, 8, 8], Random::new(11).bytes(SAMPLES * 64)));
    folder.refuses(&format!("{RUN} -d large.safetensors"), &["large.safetensors", "net", "[N, 6, 8]"]);
    let mut square = Onnx::new(17, &[8, 8]);
    square.op("Flatten", &["x"], "flat", &[]).random("w", &[64, 3]).op("MatMul", &["flat", "w"], "y", &[]);
    folder.write("net.onnx", square.bytes("y"));
    folder.write("color.safetensors", set(Dtype::U8, &[3, 10, 12], Random::new(12).bytes(SAMPLES * 360)));
    folder.run_to(0, &format!("{RUN} -d color.safetensors --channels gray --crop 8"));
    folder.run_to(0, &format!("{RUN} -d color.safetensors --channels gray --resize 8 --crop 8"));
}

#[test]
fn floats_are_not_resized_and_other_axes_are_refused() {
    let folder = Folder::new();
    let (net, _) = flat(&[6, 8], &[0.0; 48]);
    folder.write("net.onnx", net.bytes("y"));
    folder.write("set.safetensors", set(Dtype::F32, &[6, 8], f32_bytes(&[0.5; 48 * SAMPLES])));
    for option in ["--resize 8", "--crop 6", "--channels gray"] {
        folder.refuses(&format!("{RUN} -d set.safetensors {option}"), &[&option[..5], "floats"]);
    }
    let report = folder.json(&format!("{RUN} -d set.safetensors --mean 0.5"));
    assert!(report["notes"].to_string().contains("taken as they are"), "{}", report["notes"]);
    for shape in [&[8usize, 6][..], &[47], &[2, 3, 8], &[2, 24]] {
        folder.write(
            "other.safetensors",
            set(Dtype::F32, shape, f32_bytes(&vec![0.5; shape.iter().product::<usize>() * SAMPLES])),
        );
        folder.refuses(&format!("{RUN} -d other.safetensors"), &["other.safetensors", "[N, 6, 8]"]);
    }
}
