//! Small networks after files and bug reports from outside, in the folder `field` of those that
//! `APPROX_EVAL_CASES` names, with the outputs that another engine computes one sample at a time.

use crate::common::cases::for_each_case;
use crate::common::files::{float_set, read_logits, safetensors, stored};
use crate::common::random::Random;
use crate::common::{Folder, text};
use crate::outside_cases::cases;
use safetensors::{Dtype, SafeTensors};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// File, the tensor of its expected output, and the task that it is taken for.
const NETWORKS: [(&str, &str, &str); 11] = [
    ("dynamic_hw", "output", "classification"),
    ("dynfilter_mean_channels", "output", "classification"),
    ("feature_first", "output1", "classification"),
    ("h_scale_tiny", "output", "classification"),
    ("har_6", "output", "classification"),
    ("max_storage", "output", "classification"),
    ("ort_conv_only", "output", "classification"),
    ("one_sigmoid_output", "output", "binary-classification"),
    ("out_1nc", "output", "classification"),
    ("pow_int", "output", "classification"),
    ("resize_axes", "output", "classification"),
];

/// Networks of integers, that mode quant computes by the file's own scales.
const QUANTIZED: [&str; 7] = [
    "average_pool_tie",
    "cast_uint8_to_uint8",
    "com_microsoft_qdq",
    "int16_between_layers",
    "int4_weight",
    "int8_graph_input",
    "qlinearconv",
];

/// A network of the folder, and what another engine computes of some images.
struct Field {
    model: PathBuf,
    samples: usize,
    expected: Vec<f32>,
}

impl Field {
    /// The task of a network that classifies, by its number of outputs.
    fn classifier(&self) -> &'static str {
        if self.expected.len() == self.samples { "binary-classification" } else { "classification" }
    }

    /// Reads what is called `name`, of which `output` is expected, and writes the images as `set.safetensors`.
    fn read(cases: &Path, name: &str, output: &str, folder: &Folder) -> Self {
        let file = |suffix: &str| cases.join("field").join(format!("{name}{suffix}"));
        let path = file(".expected.safetensors");
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let (images, expected) = (tensors.tensor("images").unwrap(), tensors.tensor(output).unwrap());
        let expected = expected.data().chunks_exact(4).map(|number| f32::from_le_bytes(number.try_into().unwrap()));
        let samples = images.shape()[0];
        let labels = (0..samples).map(|i| (i % 2) as u8).collect();
        let images = stored("x_test", images.dtype(), images.shape(), images.data().to_vec());
        folder.write("set.safetensors", safetensors(&[images, stored("y_test", Dtype::U8, &[samples], labels)]));
        Field { model: file(".onnx"), samples, expected: expected.collect() }
    }

    /// Fails unless the logits that `args` give are the expected ones; returns the report.
    fn check(&self, folder: &Folder, args: &str) -> Value {
        let largest = self.expected.iter().fold(0f32, |largest, number| largest.max(number.abs()));
        let report = folder.json(&format!("-m {} -d set.safetensors {args} --logits l.st", self.model.display()));
        let found = read_logits(&folder.read("l.st"));
        assert_eq!((found.len(), found.concat().len()), (self.samples, self.expected.len()));
        for (found, expected) in found.concat().iter().zip(&self.expected) {
            assert!((found - expected).abs() <= 1e-5 * largest, "{args}: {found}, expected {expected}");
        }
        report
    }
}

/// Base mode computes the expected outputs of images as they are, whatever the batch size.
#[test]
fn outputs_are_those_of_another_engine() {
    let Some(cases) = cases() else { return };
    let folder = Folder::new();
    for_each_case(NETWORKS, |(name, output, task)| {
        let field = Field::read(&cases, name, output, &folder);
        for batch in [1, 2, 5] {
            let report = field.check(&folder, &format!("--mode base -b {batch}"));
            assert_eq!(text(&report, "/model/task"), task);
        }
    });
}

/// Networks that are quantized already give the expected outputs by their own scales, in integers as in real numbers.
#[test]
fn integers_are_those_of_another_engine() {
    let Some(cases) = cases() else { return };
    let folder = Folder::new();
    for_each_case(QUANTIZED, |name| {
        let field = Field::read(&cases, name, "output", &folder);
        for mode in ["base", "quant"] {
            field.check(&folder, &format!("--mode {mode} --task {}", field.classifier()));
        }
    });
}

/// The program computes them alike in every way that it has.
#[test]
fn integers_of_others_pass_selfcheck() {
    let Some(cases) = cases() else { return };
    let folder = Folder::new();
    for_each_case(QUANTIZED, |name| {
        let field = Field::read(&cases, name, "output", &folder);
        let (model, task) = (field.model.display(), field.classifier());
        let args = format!("selfcheck -m {model} -d set.safetensors --task {task}");
        let report = folder.json(&args);
        assert_eq!(report["passed"], true, "{args}: {report:#}");
    });
}

/// Without an expected output: its layers have the file's scales, and integers compute what real numbers do.
#[test]
fn qonnx_has_scales_for_every_layer() {
    let Some(cases) = cases() else { return };
    let folder = Folder::new();
    folder.write("set.safetensors", float_set([2, 3, 8, 8], &Random::new(3).floats(384, -2.0, 2.0), &[0, 1]));
    let model = cases.join("field").join("qonnx_w8a8.onnx");
    let args = format!("-m {} -d set.safetensors --save-qparams q.json", model.display());
    let [base, quant] = ["base", "quant"].map(|mode| folder.logits(&format!("{args} --mode {mode}")).concat());
    for (base, quant) in base.into_iter().zip(quant) {
        let [base, quant] = [base, quant].map(f32::from_bits);
        assert!((base - quant).abs() <= 1e-5 * quant.abs().max(1.0), "{base} and {quant}");
    }
    let layers = folder.read_json("q.json");
    assert_eq!(layers["layers"].as_object().unwrap().keys().collect::<Vec<_>>(), ["conv1", "conv2", "fc"]);
}

/// Files that mean nothing that could be evaluated are refused by the node at fault.
#[test]
fn refusals_name_the_node_at_fault() {
    let Some(cases) = cases() else { return };
    let folder = Folder::new();
    folder.write("set.safetensors", float_set([1, 3, 6, 5], &[0.5; 90], &[0]));
    let refused: [(&str, &[&str]); 2] = [
        ("dropout_train", &["computes 'd' (Dropout)", "training mode", "model.eval()"]),
        ("h_mm_axis0_input_channel", &["computes 'c' (MatMul)", "per output channel"]),
    ];
    for_each_case(refused, |(name, needles)| {
        let model = cases.join("field").join(format!("{name}.onnx"));
        folder.refuses(&format!("--model {} --data set.safetensors", model.display()), needles);
    });
}
