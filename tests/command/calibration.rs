//! Where ranges come from, in order: parameters, the set that is named, the model's own, an error.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::{float_set, safetensors};
use crate::common::network::{StateDict, TINY, Tiny, write_gray_set};
use serde_json::Value;

fn quantization(folder: &Folder, args: &str) -> Value {
    folder.json(args)["config"]["quantization"].clone()
}

/// Scale of the first layer's input, whose inputs are the images.
fn first_scale(folder: &Folder, args: &str) -> f32 {
    folder.run_to(0, &format!("{args} --save-qparams q.json"));
    folder.read_json("q.json")["layers"]["conv1"]["input"]["scale"].as_f64().unwrap() as f32
}

fn max_abs(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |max, x| x.abs().max(max))
}

#[test]
fn the_order_of_sources() {
    let (tiny, folder) = Tiny::folder(90);
    let larger: Vec<f32> = tiny.images.iter().map(|x| 3.0 * x).collect();
    folder.write("larger.safetensors", float_set(Tiny::SHAPE, &larger, &tiny.labels));
    let quant = format!("{TINY} --mode quant");
    assert_eq!(quantization(&folder, &quant)["source"], "model");
    assert_eq!(first_scale(&folder, &quant), max_abs(&tiny.images) / 127.0);
    let given = format!("{quant} --calib-data larger.safetensors");
    let report = quantization(&folder, &given);
    assert_eq!((&report["source"], &report["path"]), (&"calib-data".into(), &"larger.safetensors".into()));
    assert_eq!(first_scale(&folder, &given), max_abs(&larger) / 127.0);
    folder.run_to(0, &format!("{quant} --save-qparams own.json"));
    let all = format!("{given} --qparams own.json");
    assert_eq!(quantization(&folder, &all)["source"], "qparams");
    assert_eq!(first_scale(&folder, &all), max_abs(&tiny.images) / 127.0);
}

#[test]
fn it_is_never_the_test_set() {
    let folder = Folder::new();
    folder.write("w.safetensors", safetensors(&StateDict::lenet5(91, 1, 28, 10).stored()));
    write_gray_set(&folder, "set.safetensors", 10);
    let args = "--arch lenet5 --weights w.safetensors --data set.safetensors";
    for mode in ["--mode quant", "--mode noise", "--mode approx --lut exact", "--mode base --save-qparams q.json"] {
        folder.refuses(&format!("{args} {mode}"), &["--calib-data", "--qparams"]);
    }
    folder.run_to(0, &format!("{args} --mode quant --calib-data set.safetensors --save-qparams q.json"));
    folder.run_to(0, &format!("{args} --mode quant --qparams q.json"));
    folder.run_to(0, &format!("{args} --mode base"));
}

#[test]
fn the_first_samples_are_taken() {
    let (tiny, folder) = Tiny::folder(92);
    for_each_case([(1, 1), (3, 3), (10, 10), (5000, 10)], |(samples, seen)| {
        let args = format!("{TINY} --mode quant --calib-samples {samples}");
        assert_eq!(quantization(&folder, &args)["samples"], seen);
        let image = tiny.images.len() / Tiny::SAMPLES;
        assert_eq!(first_scale(&folder, &args), max_abs(&tiny.images[..seen * image]) / 127.0);
    });
}

/// As numpy does by default: linear between the closest ranks.
fn percentile(values: &[f32], p: f64) -> f64 {
    let mut sorted: Vec<f64> = values.iter().map(|&x| f64::from(x)).collect();
    sorted.sort_by(f64::total_cmp);
    let rank = p / 100.0 * (sorted.len() - 1) as f64;
    let (below, part) = (rank.floor() as usize, rank.fract());
    sorted[below] + part * (sorted[(below + 1).min(sorted.len() - 1)] - sorted[below])
}

#[test]
fn percentiles_of_magnitudes_and_of_both_tails() {
    let (tiny, folder) = Tiny::folder(93);
    let magnitudes: Vec<f32> = tiny.images.iter().map(|x| x.abs()).collect();
    let cases = [("percentile", 99.99), ("percentile:99", 99.0), ("percentile:75.5", 75.5), ("percentile:100", 100.0)];
    for_each_case(cases, |(option, p)| {
        let symmetric = first_scale(&folder, &format!("{TINY} --mode quant --calib {option}"));
        let expected = percentile(&magnitudes, p) / 127.0;
        assert!((f64::from(symmetric) / expected - 1.0).abs() < 1e-6, "{option}: {symmetric} {expected}");
        let affine = first_scale(&folder, &format!("{TINY} --mode quant --coding affine --calib {option}"));
        let [low, high] = [100.0 - p, p].map(|p| percentile(&tiny.images, p));
        let expected = (high.max(0.0) - low.min(0.0)) / 255.0;
        assert!((f64::from(affine) / expected - 1.0).abs() < 1e-6, "{option}: {affine} {expected}");
    });
}

/// Activations that are never negative use the whole unsigned range under sign-magnitude.
#[test]
fn ranges_by_coding() {
    let (tiny, folder) = Tiny::folder(94);
    let (low, high) = tiny.images.iter().fold((0f32, 0f32), |(low, high), &x| (low.min(x), high.max(x)));
    let affine = ((f64::from(high) - f64::from(low)) / 255.0) as f32;
    let cases = [
        ("--coding signed", (-127, 127), (-127, 127)),
        ("--coding sign-magnitude", (-127, 127), (0, 255)),
        ("--coding affine", (0, 255), (0, 255)),
        ("--coding signed --act-scheme affine", (-128, 127), (-128, 127)),
        ("--coding sign-magnitude --act-bits 4", (-7, 7), (0, 15)),
    ];
    for_each_case(cases, |(options, conv1, fc1)| {
        folder.run_to(0, &format!("{TINY} --mode quant {options} --save-qparams q.json"));
        let file = folder.read_json("q.json");
        let input = |layer: &str| file["layers"][layer]["input"].clone();
        let range = |layer: &str| (input(layer)["q_min"].as_i64().unwrap(), input(layer)["q_max"].as_i64().unwrap());
        assert_eq!((range("conv1"), range("fc1")), (conv1, fc1), "{options}");
        if options.contains("affine") {
            assert_eq!(input("conv1")["scale"].as_f64().unwrap() as f32, affine, "{options}");
            let q_min = f64::from(if options.contains("signed") { -128 } else { 0 });
            let zero_point = (q_min - f64::from(low) / f64::from(affine)).round_ties_even();
            assert_eq!(input("conv1")["zero_point"].as_f64().unwrap(), zero_point, "{options}");
        }
    });
}

#[test]
fn images_of_another_shape_are_refused() {
    let (_, folder) = Tiny::folder(95);
    folder.write("other.safetensors", float_set([2, 2, 8, 8], &[0.5; 256], &[0, 1]));
    folder.refuses(
        &format!("{TINY} --mode quant --calib-data other.safetensors -o r.json"),
        &["--calib-data", "other.safetensors", "8", "12"],
    );
}
