//! Images, labels and calibration sets that are not what the network takes.

use super::{fires, is_silent};
use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::{byte_set, float_set, safetensors};
use crate::common::network::{StateDict, TINY, Tiny};
use crate::common::onnx::Onnx;
use crate::common::random::Random;

/// Gray images of 28 x 28.
const IMAGE: usize = 784;

/// A LeNet-5 of random weights in `w.safetensors`, and its options.
fn lenet5(folder: &Folder) -> &'static str {
    folder.write("w.safetensors", safetensors(&StateDict::lenet5(5, 1, 28, 10).stored()));
    "--arch lenet5 --weights w.safetensors"
}

/// Labels of ten classes, one after the other.
fn labels(samples: usize) -> Vec<u8> {
    (0..samples).map(|i| (i % 10) as u8).collect()
}

fn write_floats(folder: &Folder, name: &str, samples: usize, value: impl FnMut(usize) -> f32) {
    let images: Vec<f32> = (0..samples * IMAGE).map(value).collect();
    folder.write(name, float_set([samples, 1, 28, 28], &images, &labels(samples)));
}

fn write_bytes(folder: &Folder, name: &str, samples: usize, seed: u64) {
    let bytes = Random::new(seed).bytes(samples * IMAGE);
    folder.write(name, byte_set([samples, 1, 28, 28], &bytes, &labels(samples)));
}

/// Scales of a tenth of the data's clamp most of them; the share is counted here by the quantizer's definition.
#[test]
fn inputs_that_saturate_or_fill_little() {
    let (tiny, folder) = Tiny::folder(300);
    let scaled = |name: &str, factor: f32| {
        let images: Vec<f32> = tiny.images.iter().map(|x| x * factor).collect();
        folder.write(name, float_set(Tiny::SHAPE, &images, &tiny.labels));
    };
    scaled("smaller.safetensors", 0.1);
    scaled("larger.safetensors", 30.0);
    let largest = tiny.images.iter().fold(0f32, |max, x| max.max(x.abs()));
    let quant = format!("{TINY} --mode quant");
    let note =
        fires(&folder, &format!("{quant} --calib-data smaller.safetensors"), &["clamps", "'conv1'", "calib_data"]);
    let scale = tiny.images.iter().fold(0f32, |max, x| max.max((x * 0.1).abs())) / 127.0;
    let clamped = tiny.images.iter().filter(|&&x| (x / scale).round_ties_even().abs() > 127.0).count();
    let share = format!("{:.2} %", 100.0 * clamped as f64 / tiny.images.len() as f64);
    assert!(note.contains(&share), "{share}: {note}");
    let fill = format!("{:.2} %", 100.0 / 30.0);
    fires(&folder, &format!("{quant} --calib-data larger.safetensors"), &["fill", &fill, "'conv1'"]);
    for more in ["", "--act-bits 4", "--coding affine --lut exact", "--lut exact --mode approx"] {
        is_silent(
            &folder,
            &format!("{quant} {more}").replace("--mode quant --lut exact --mode", "--lut exact --mode"),
            "fill",
        );
    }
    // Scales that were saved.
    folder.run_to(0, &format!("{quant} --calib-data smaller.safetensors --save-qparams q.json"));
    for mode in ["quant", "noise", "approx --lut exact"] {
        fires(
            &folder,
            &format!("{TINY} --qparams q.json --mode {mode}"),
            &["clamps", "qparams", "data of another range"],
        );
    }
    is_silent(&folder, &format!("{TINY} --qparams q.json --mode base"), "clamps");
    // The first layer that is quantized is the one that is judged.
    let first = format!("{TINY} --qparams q.json --mode quant --set conv1:mode=base");
    is_silent(&folder, &first, "'conv1'");
    assert!(largest > 1.0);
    // An observer that clips one value in fifty does what it was asked for.
    is_silent(&folder, &format!("{quant} --calib percentile:98"), "clamps");
}

#[test]
fn floats_beyond_what_normalization_gives() {
    let folder = Folder::new();
    let network = lenet5(&folder);
    let mut random = Random::new(301);
    let bytes = random.bytes(20 * IMAGE);
    write_floats(&folder, "bytes.safetensors", 20, |i| f32::from(bytes[i]));
    write_floats(&folder, "resampled.safetensors", 20, |i| f32::from(bytes[i]) * 0.99 + 0.5);
    write_floats(&folder, "honest.safetensors", 20, |i| (f32::from(bytes[i]) / 255.0 - 0.5) / 0.2);
    // Decibels, as of a spectrogram.
    write_floats(&folder, "decibels.safetensors", 20, |i| f32::from(bytes[i]) / 3.0 - 80.0);
    let base = |data: &str| format!("{network} --data {data}.safetensors --mode base");
    for data in ["bytes", "resampled"] {
        fires(&folder, &base(data), &["images are floats from 0", "integers", "mean and std"]);
    }
    // Bytes minus a mean, as Caffe's networks take them.
    write_floats(&folder, "caffe.safetensors", 20, |i| f32::from(bytes[i]) - 123.0);
    fires(&folder, &base("caffe"), &["images are floats from -123 to 132", "integers"]);
    for data in ["honest", "decibels"] {
        is_silent(&folder, &base(data), "images are floats");
    }
    // The model says what its images are like: from -2 to 2 here.
    folder.write("net/config.json", r#"{"architecture":"lenet5","input":{"mean":[0.5],"std":[0.25]}}"#);
    folder.write("net/model.safetensors", folder.read("w.safetensors"));
    fires(&folder, "--model net --data decibels.safetensors --mode base", &["images are floats", "about 2.0 of 0"]);
    is_silent(&folder, "--model net --data honest.safetensors --mode base", "images are floats");
}

#[test]
fn means_and_deviations_of_bytes_that_are_not_divided() {
    let folder = Folder::new();
    let network = lenet5(&folder);
    write_bytes(&folder, "set.safetensors", 12, 302);
    let base = format!("{network} --data set.safetensors --mode base");
    let cases = [
        ("--mean 127.5 --std 127.5", "mean 127.5 and std 127.5", "mean 0.5, std 0.5"),
        ("--mean 103.939", "mean 103.939", "mean 0.407604, std 0.00392157"),
        ("--std 255", "std 255", "mean 0, std 1"),
        ("--mean 0.5 --std 58.395", "std 58.395", "mean 0.5, std 0.229"),
    ];
    for_each_case(cases, |(options, found, fix)| {
        fires(&folder, &format!("{base} {options}"), &["above 1", found, fix]);
    });
    // What the note says does what was meant: bytes minus a mean, within rounding.
    let bytes = Random::new(302).bytes(12 * IMAGE);
    write_floats(&folder, "floats.safetensors", 12, |i| f32::from(bytes[i]) - 103.939);
    let logits = |args: &str| -> Vec<f32> { folder.logits(args).into_iter().flatten().map(f32::from_bits).collect() };
    let expected = logits(&format!("{network} --data floats.safetensors --mode base"));
    let found = logits(&format!("{base} --mean 0.407604 --std 0.00392157"));
    assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-3), "{found:?} {expected:?}");
    for options in ["", "--mean 0.5 --std 0.5", "--mean 0 --std 0.003921569", "--mean 1 --std 1"] {
        is_silent(&folder, &format!("{base} {options}"), "above 1");
    }
}

/// A convolution and a linear layer behind what `normalize` adds to the network: from `x` to `n`.
fn write_onnx(folder: &Folder, name: &str, normalize: impl FnOnce(&mut Onnx)) {
    let mut net = Onnx::new(17, &[1, 28, 28]);
    normalize(&mut net);
    net.random_between("conv.weight", &[4, 1, 3, 3], -0.3, 0.3).random_between("fc.weight", &[10, 2704], -0.02, 0.02);
    net.op("Conv", &["n", "conv.weight"], "c", &[]).op("Relu", &["c"], "r", &[]);
    net.op("Flatten", &["r"], "f", &[]);
    net.op("Gemm", &["f", "fc.weight"], "y", &[("transB", crate::common::onnx::Attr::Int(1))]);
    folder.write(name, net.bytes("y"));
}

#[test]
fn networks_that_normalize_bytes_themselves() {
    let folder = Folder::new();
    write_bytes(&folder, "set.safetensors", 12, 303);
    write_onnx(&folder, "keras.onnx", |net| {
        net.scalar("center", 127.5).op("Sub", &["x", "center"], "s", &[]).op("Div", &["s", "center"], "n", &[]);
    });
    write_onnx(&folder, "rescaling.onnx", |net| {
        net.scalar("scale", 1.0 / 255.0).op("Mul", &["x", "scale"], "n", &[]);
    });
    write_onnx(&folder, "bn.onnx", |net| {
        for (name, value) in [("gain", 1.0), ("beta", 0.0), ("mean", 121.0), ("var", 3600.0)] {
            net.tensor(name, &crate::common::network::Array { shape: vec![1], values: vec![value] });
        }
        net.op("BatchNormalization", &["x", "gain", "beta", "mean", "var"], "n", &[]);
    });
    // These take numbers from 0 to 1.
    write_onnx(&folder, "torch.onnx", |net| {
        net.scalar("mean", 0.485).scalar("std", 0.229);
        net.op("Sub", &["x", "mean"], "s", &[]).op("Div", &["s", "std"], "n", &[]);
    });
    write_onnx(&folder, "plain.onnx", |net| {
        net.op("Identity", &["x"], "n", &[]);
    });
    let base = |name: &str| format!("--model {name}.onnx --data set.safetensors --mode base");
    let fix = "mean 0 and std 0.00392157";
    fires(&folder, &base("keras"), &["the network itself subtracts 127.5 and divides by 127.5", fix]);
    fires(&folder, &base("rescaling"), &["the network itself multiplies by", fix]);
    fires(&folder, &base("bn"), &["the network itself normalizes by means 121", fix]);
    for name in ["torch", "plain"] {
        is_silent(&folder, &base(name), "the network itself");
    }
    // What the note says, and what else is of the size of bytes, are not questioned.
    for options in ["--mean 0 --std 0.00392156862745098", "--mean 0.5 --std 0.004"] {
        is_silent(&folder, &format!("{} {options}", base("keras")), "the network itself");
    }
    // A mean and a deviation that leave images as small as fractions.
    for (options, ends) in [("--mean 0.5 --std 0.5", "from -1.00 to 1.00"), ("--std 0.25", "from 0 to 4.00")] {
        fires(&folder, &format!("{} {options}", base("keras")), &["the network itself subtracts 127.5", ends, fix]);
    }
    is_silent(&folder, &format!("{} --mean 0.5 --std 0.5", base("torch")), "the network itself");
    // Its advice gives the network what it was trained on.
    let bytes = Random::new(303).bytes(12 * IMAGE);
    write_floats(&folder, "floats.safetensors", 12, |i| f32::from(bytes[i]));
    let logits = |args: &str| -> Vec<f32> { folder.logits(args).into_iter().flatten().map(f32::from_bits).collect() };
    let expected = logits("--model keras.onnx --data floats.safetensors --mode base");
    let found = logits(&format!("{} --mean 0 --std 0.00392156862745098", base("keras")));
    assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-4), "{found:?} {expected:?}");
    is_silent(&folder, "--model keras.onnx --data floats.safetensors --mode base", "images are floats");
    // Floats that were divided already.
    write_floats(&folder, "fractions.safetensors", 12, |i| f32::from(bytes[i]) / 255.0);
    let fractions = |name: &str| format!("--model {name}.onnx --data fractions.safetensors --mode base");
    fires(&folder, &fractions("keras"), &["images are floats from 0 to 1", "divides by 127.5", "from 0 to 255"]);
    is_silent(&folder, &fractions("torch"), "images are floats");
}

#[test]
fn calibration_on_what_is_evaluated() {
    let (tiny, folder) = Tiny::folder(304);
    let quant = format!("{TINY} --mode quant");
    fires(&folder, &quant, &["are among the", "10 of 10 evaluated samples", "10 of calibration", "calib_data"]);
    fires(&folder, &format!("{quant} -n 4"), &["4 of 4 evaluated samples are among the 10"]);
    fires(&folder, &format!("{quant} --calib-samples 3"), &["3 of 10 evaluated samples are among the 3"]);
    // The same images in another order, beside others.
    let mut images = Random::new(305).floats(tiny.images.len(), -1.0, 1.5);
    let size = tiny.images.len() / Tiny::SAMPLES;
    images[..size].copy_from_slice(&tiny.images[9 * size..]);
    images[size..2 * size].copy_from_slice(&tiny.images[7 * size..8 * size]);
    folder.write("two.safetensors", float_set(Tiny::SHAPE, &images, &tiny.labels));
    fires(&folder, &format!("{quant} --calib-data two.safetensors"), &["2 of 10 evaluated samples are among the 10"]);
    // One may be an accident.
    for (name, value) in [("one.safetensors", 0), ("none.safetensors", size)] {
        images[value] += 0.25;
        folder.write(name, float_set(Tiny::SHAPE, &images, &tiny.labels));
        is_silent(&folder, &format!("{quant} --calib-data {name}"), "are among the");
    }
    is_silent(&folder, &format!("{TINY} --mode base"), "are among the");
}

#[test]
fn calibration_on_one_image_or_on_blank_ones() {
    let (tiny, folder) = Tiny::folder(306);
    let size = tiny.images.len() / Tiny::SAMPLES;
    let quant = format!("{TINY} --mode quant");
    fires(&folder, &format!("{quant} --calib-samples 1"), &["a single sample", "calib_data"]);
    folder.write("same.safetensors", float_set(Tiny::SHAPE, &tiny.images[..size].repeat(10), &tiny.labels));
    fires(&folder, &format!("{quant} --calib-data same.safetensors"), &["all 10 calibration samples are the same"]);
    let mut images = Random::new(307).floats(tiny.images.len(), -1.0, 1.5);
    images[..size].fill(0.0);
    folder.write("a-blank-one.safetensors", float_set(Tiny::SHAPE, &images, &tiny.labels));
    images[size..3 * size].fill(1.5);
    folder.write("blank.safetensors", float_set(Tiny::SHAPE, &images, &tiny.labels));
    fires(&folder, &format!("{quant} --calib-data blank.safetensors"), &["3 of 10 calibration samples are constant"]);
    is_silent(&folder, &format!("{quant} --calib-data a-blank-one.safetensors"), "constant");
    is_silent(&folder, &quant, "single sample");
    is_silent(&folder, &quant, "the same");
}

/// Images that were divided by 255 twice before a mean was subtracted: all values are nearly minus one.
#[test]
fn images_that_are_nearly_constant() {
    let folder = Folder::new();
    let network = lenet5(&folder);
    let bytes = Random::new(313).bytes(20 * IMAGE);
    let normalized = |x: f32| (x - 0.5) / 0.5;
    write_floats(&folder, "honest.safetensors", 20, |i| normalized(f32::from(bytes[i]) / 255.0));
    write_floats(&folder, "twice.safetensors", 20, |i| normalized(f32::from(bytes[i]) / 255.0 / 255.0));
    let quant = |data: &str, scales: &str| format!("{network} --data {data}.safetensors --mode quant {scales}");
    let calibrated = |set: &str| format!("--calib-data {set}.safetensors");
    // 2 / 255 of a range from -1 to 1, whose width is 2.
    let fill = ["fill 0.39 %", "'conv1'", "calib_data"];
    fires(&folder, &quant("twice", &calibrated("honest")), &fill);
    is_silent(&folder, &quant("honest", &calibrated("honest")), "fill");
    // One image may be dark, and data may be so by nature.
    is_silent(&folder, &(quant("twice", &calibrated("honest")) + " -n 1"), "fill");
    is_silent(&folder, &quant("twice", &calibrated("twice")), "fill");
    folder.run_to(0, &(quant("honest", &calibrated("honest")) + " --save-qparams q.json"));
    fires(&folder, &quant("twice", "--qparams q.json"), &["fill 0.39 %", "qparams"]);
    is_silent(&folder, &quant("honest", "--qparams q.json"), "fill");
}

/// Floats that are normalized calibrate a network whose bytes are not.
#[test]
fn calibration_on_another_range() {
    let folder = Folder::new();
    let network = lenet5(&folder);
    write_bytes(&folder, "set.safetensors", 20, 308);
    let mut random = Random::new(309);
    write_floats(&folder, "normalized.safetensors", 20, |_| random.uniform(-2.0, 2.0));
    let quant = format!("{network} --data set.safetensors --calib-data normalized.safetensors --mode quant");
    fires(&folder, &quant, &["calibration samples lie from -1.99", "from 0 to 1", "normalized otherwise"]);
    is_silent(&folder, &format!("{quant} --mean 0.5 --std 0.25"), "calibration samples lie");
    is_silent(&folder, &format!("{quant} -n 4"), "calibration samples lie");
}

#[test]
fn a_label_column_that_never_changes() {
    let folder = Folder::new();
    let network = lenet5(&folder);
    let bytes = Random::new(310).bytes(12 * IMAGE);
    let row = |i: usize| {
        let pixels = bytes[i * IMAGE..][..IMAGE].iter().map(u8::to_string);
        std::iter::once("7".to_owned()).chain(pixels).collect::<Vec<_>>().join(",") + "\n"
    };
    folder.write("set.csv", (0..12).map(row).collect::<String>());
    fires(&folder, &format!("{network} --data set.csv --mode base"), &["all 12 labels of the dataset are 7", "column"]);
    // A few samples may be of one class.
    folder.write("few.csv", (0..5).map(row).collect::<String>());
    is_silent(&folder, &format!("{network} --data few.csv --mode base"), "labels of the dataset");
    write_bytes(&folder, "set.safetensors", 12, 311);
    is_silent(&folder, &format!("{network} --data set.safetensors --mode base"), "labels of the dataset");
    // Of a set of several classes, one sample alone is of one.
    is_silent(&folder, &format!("{network} --data set.safetensors --mode base -n 1"), "labels of the dataset");
}

/// Classes counted from 1 are an error that says so.
#[test]
fn labels_from_one() {
    let folder = Folder::new();
    let network = lenet5(&folder);
    let labels: Vec<u8> = labels(20).iter().map(|label| label + 1).collect();
    folder.write("set.safetensors", byte_set([20, 1, 28, 28], &Random::new(312).bytes(20 * IMAGE), &labels));
    folder.refuses(
        &format!("{network} --data set.safetensors --mode base"),
        &["set.safetensors", "labels are 1 to 10", "0 to 9", "subtract 1"],
    );
}
