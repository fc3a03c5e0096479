//! Small TensorFlow Lite networks of every operator against the reference kernels of its interpreter, to the integer,
//! in the folder that `APPROX_EVAL_TFLITE` names. `tests/conformance/tflite/make.py` writes them.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::{read_logits, safetensors, stored};
use crate::outside_cases::cases;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Once;

/// The folder of networks.
fn networks() -> Option<PathBuf> {
    static SKIPPED: Once = Once::new();
    let folder = std::env::var_os("APPROX_EVAL_TFLITE").map(PathBuf::from);
    if folder.is_none() {
        // Past the test harness, which keeps what `eprintln` says to itself.
        SKIPPED.call_once(|| {
            let _ = writeln!(std::io::stderr(), "skipped: APPROX_EVAL_TFLITE names no folder of networks");
        });
    }
    folder
}

/// The names of the folder's networks, in order.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().ok();
    let mut names: Vec<String> =
        entries.filter_map(name).filter_map(|name| Some(name.strip_suffix(".tflite")?.to_owned())).collect();
    names.sort();
    names
}

/// The numbers of a tensor, whatever they are stored as.
fn numbers(tensor: &TensorView) -> Vec<f32> {
    let bytes = tensor.data();
    match tensor.dtype() {
        Dtype::I8 => bytes.iter().map(|&byte| f32::from(byte.cast_signed())).collect(),
        Dtype::U8 => bytes.iter().map(|&byte| f32::from(byte)).collect(),
        Dtype::I32 => bytes.as_chunks().0.iter().map(|&bytes| i32::from_le_bytes(bytes) as f32).collect(),
        Dtype::F32 => bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
        other => panic!("numbers of type {other:?}"),
    }
}

/// Inputs of a network, stored as a set, and what is expected of it.
struct Case {
    set: Vec<u8>,
    /// The numbers of the outputs, one row after the other.
    outputs: Vec<f32>,
    /// The real number of an integer's step, where outputs are integers.
    step: Option<f32>,
}

impl Case {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let inputs = tensors.tensor("inputs").unwrap();
        let samples = inputs.shape()[0];
        let images = stored("images", inputs.dtype(), inputs.shape(), inputs.data().to_vec());
        let set = safetensors(&[images, stored("labels", Dtype::U8, &[samples], vec![0; samples])]);
        let outputs = numbers(&tensors.tensor("outputs_reference").unwrap());
        let single = |name: &str| tensors.tensor(name).ok().map(|tensor| numbers(&tensor)[0]);
        match single("output_scale").zip(single("output_zero_point")) {
            None => Case { set, outputs, step: None },
            Some((scale, zero_point)) => {
                let outputs = outputs.iter().map(|q| (q - zero_point) * scale).collect();
                Case { set, outputs, step: Some(scale) }
            }
        }
    }
}

/// Compares what the command computes with every number, integers exactly, whatever the batch size.
fn check(folder: &Path, name: &str) {
    let case = Case::read(&folder.join(format!("{name}.expected.safetensors")));
    let scratch = Folder::new();
    scratch.write("set.safetensors", &case.set);
    let mode = if name.ends_with("_f32") { "base" } else { "quant" };
    for batch in [1, 5] {
        let model = folder.join(format!("{name}.tflite"));
        let args = format!("-m {} -d set.safetensors --mode {mode} -b {batch} --logits l.st", model.display());
        scratch.run_to(0, &args);
        let found = read_logits(&scratch.read("l.st")).concat();
        assert_eq!(found.len(), case.outputs.len());
        let Some(step) = case.step else {
            let largest = case.outputs.iter().fold(0f32, |largest, x| largest.max(x.abs()));
            for (found, expected) in found.iter().zip(&case.outputs) {
                assert!((found - expected).abs() <= 1e-5 * largest, "-b {batch}: {found}, expected {expected}");
            }
            continue;
        };
        let wrong = found.iter().zip(&case.outputs).enumerate().filter(|(_, (found, expected))| found != expected);
        let wrong: Vec<String> =
            wrong.map(|(i, (found, expected))| format!("{i}: {} steps", (found - expected) / step)).collect();
        let (count, all) = (wrong.len(), found.len());
        assert_eq!(count, 0, "-b {batch}: {count} of {all} differ: {}", wrong[..count.min(8)].join(", "));
    }
}

#[test]
fn every_operator_computes_what_the_interpreter_does() {
    let Some(folder) = networks() else { return };
    for_each_case(names(&folder), |name| check(&folder, &name));
}

/// MLPerf Tiny's networks, of MLCommons: every integer of the reference kernels, and, rounded once, of XNNPACK. The
/// sets of three of them are of random inputs; `resnet8` classifies images of CIFAR-10.
#[test]
fn mlperf_tiny_computes_what_both_sets_of_kernels_do() {
    let Some(cases) = cases() else { return };
    let folder = cases.join("mlperf-tiny");
    for_each_case([("ad01", None), ("kws", None), ("vww", None), ("resnet8", Some([0.865, 0.85]))], |(name, top1)| {
        let bytes = std::fs::read(folder.join(format!("{name}_expected.safetensors"))).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let (scratch, inputs) = (Folder::new(), tensors.tensor("inputs").unwrap());
        let samples = inputs.shape()[0];
        let images = stored("images", inputs.dtype(), inputs.shape(), inputs.data().to_vec());
        scratch.write(
            "set.safetensors",
            safetensors(&[images, stored("labels", Dtype::U8, &[samples], vec![0; samples])]),
        );
        let data = match top1 {
            Some(_) => cases.join("cifar10-resnet20/test200.bin").display().to_string(),
            None => "set.safetensors".to_owned(),
        };
        let model = folder.join(format!("{name}_int8.tflite")).display().to_string();
        for (i, (kernels, rounding)) in [("reference", ""), ("xnnpack", "--requantize once")].into_iter().enumerate() {
            let args = format!("-m {model} -d {data} --mode quant --logits l.st {rounding}");
            let task = if name == "ad01" { "" } else { "--task classification" };
            let report = scratch.run_to(0, &format!("{args} {task} --format json")).stdout;
            if let Some(top1) = top1 {
                let report: serde_json::Value = serde_json::from_str(&report).unwrap();
                assert_eq!(report["accuracy"]["top1"], top1[i]);
            }
            let expected = numbers(&tensors.tensor(&format!("outputs_{kernels}")).unwrap());
            let found = read_logits(&scratch.read("l.st")).concat();
            assert_eq!(found.len(), expected.len());
            // The output's scale is the distance of two numbers by that of their integers.
            let last = expected.iter().position(|q| *q != expected[0]).unwrap();
            let step = (found[last] - found[0]) / (expected[last] - expected[0]);
            let is_wrong = |(x, q): (&f32, &f32)| ((x - found[0]) / step - (q - expected[0])).abs() > 0.01;
            assert!(step > 0.0 && !found.iter().zip(&expected).any(is_wrong), "{kernels}");
        }
    });
}
