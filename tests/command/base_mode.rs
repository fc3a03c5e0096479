//! The fp32 network against a forward pass in `f64` made here, and what its mode leaves unused.

use crate::common::cases::for_each_case;
use crate::common::files::byte_set;
use crate::common::forward::{Activations, Real, lenet5};
use crate::common::network::{TINY, Tiny};
use crate::common::random::Random;
use crate::common::{Folder, files, text};

/// Logits of the command beside those of [`Real`], which differ by `f32` rounding only.
fn compare(folder: &Folder, args: &str, tiny: &Tiny, images: &[f32]) {
    folder.run_to(0, &format!("{args} --logits logits.safetensors"));
    let found = files::read_logits(&folder.read("logits.safetensors"));
    let samples = images.chunks_exact(images.len() / Tiny::SAMPLES);
    assert_eq!(found.len(), Tiny::SAMPLES);
    for (i, (found, image)) in found.iter().zip(samples).enumerate() {
        let values = image.iter().map(|&x| f64::from(x)).collect();
        let x = Activations { shape: [Tiny::CHANNELS, Tiny::SIDE, Tiny::SIDE], values };
        let expected = lenet5(&Real(&tiny.weights), &x);
        assert_eq!(found.len(), expected.len());
        for (&found, expected) in found.iter().zip(expected) {
            assert!((f64::from(found) - expected).abs() < 2e-5, "sample {i}: {found} and {expected}");
        }
    }
}

#[test]
fn logits_are_those_of_a_pass_in_f64() {
    let (tiny, folder) = Tiny::folder(1);
    compare(&folder, &format!("{TINY} --mode base"), &tiny, &tiny.images);
}

#[test]
fn bytes_are_divided_shifted_and_scaled() {
    let (tiny, folder) = Tiny::folder(2);
    let bytes = Random::new(3).bytes(tiny.images.len());
    folder.write("bytes.safetensors", byte_set(Tiny::SHAPE, &bytes, &tiny.labels));
    let plane = Tiny::SIDE * Tiny::SIDE;
    let preprocessed = |mean: [f32; 2], std: [f32; 2]| -> Vec<f32> {
        let channel = |i: usize| i / plane % Tiny::CHANNELS;
        let pixels = bytes.iter().enumerate();
        pixels.map(|(i, &byte)| (f32::from(byte) / 255.0 - mean[channel(i)]) / std[channel(i)]).collect()
    };
    let base = "--model tiny --data bytes.safetensors --mode base";
    for (options, mean, std) in [
        ("", [0.0, 0.0], [1.0, 1.0]),
        ("--mean 0.25,0.5 --std 0.5,2", [0.25, 0.5], [0.5, 2.0]),
        ("--mean -0.5", [-0.5, -0.5], [1.0, 1.0]),
        ("--mean -0.5,0.1 --std 0.3", [-0.5, 0.1], [0.3, 0.3]),
    ] {
        compare(&folder, &format!("{base} {options}"), &tiny, &preprocessed(mean, std));
    }
}

#[test]
fn batches_change_rounding_only() {
    let (tiny, folder) = Tiny::folder(4);
    for batch in [1, 3, 64] {
        compare(&folder, &format!("{TINY} --mode base -b {batch}"), &tiny, &tiny.images);
    }
}

/// One script can loop over modes: options of other modes are taken, and leave no trace.
#[test]
fn options_of_other_modes_do_not_bear_on_it() {
    let (_, folder) = Tiny::folder(5);
    let plain = folder.logits(&format!("{TINY} --mode base"));
    folder.run_to(0, &format!("{TINY} --mode quant --save-qparams q.json"));
    for options in ["--lut drum-4", "--coding affine", "--qparams q.json", "--noise-std 0.5 --noise-mean 1 --seed 3"] {
        let args = format!("{TINY} --mode base {options}");
        assert_eq!(folder.logits(&args), plain, "{options}");
        let report = folder.json(&args);
        assert_eq!(text(&report, "/config/mode"), "base");
        for unused in ["/lut", "/config/coding", "/config/quantization", "/config/noise"] {
            assert!(report.pointer(unused).unwrap().is_null(), "{options}: {unused}");
        }
    }
}

#[test]
fn options_of_other_modes_are_checked() {
    let (_, folder) = Tiny::folder(6);
    folder.write("table.bin", "no table");
    folder.write("bad.json", "{");
    let cases = [
        ("--lut table.bin", "table.bin"),
        ("--lut exakt", "exakt"),
        ("--lut exact-signed --coding affine", "--coding"),
        ("--coding sideways", "--coding"),
        ("--qparams bad.json", "bad.json"),
        ("--noise-std -1", "--noise-std"),
        ("--noise-mean inf", "--noise-mean"),
    ];
    for_each_case(cases, |(options, needle)| {
        folder.refuses(&format!("{TINY} --mode base {options}"), &[needle]);
    });
}
