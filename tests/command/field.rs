//! Small networks after files and bug reports from outside, in the folder `field` of those that
//! `APPROX_EVAL_CASES` names, with the outputs that another engine computes one sample at a time.

use crate::common::cases::for_each_case;
use crate::common::files::{float_set, read_logits, safetensors, stored};
use crate::common::{Folder, text};
use crate::outside_cases::cases;
use safetensors::{Dtype, SafeTensors};

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

/// Base mode computes the expected outputs of images as they are, whatever the batch size.
#[test]
fn outputs_are_those_of_another_engine() {
    let Some(cases) = cases() else { return };
    let folder = Folder::new();
    for_each_case(NETWORKS, |(name, output, task)| {
        let file = |suffix: &str| cases.join("field").join(format!("{name}{suffix}"));
        let path = file(".expected.safetensors");
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let (images, expected) = (tensors.tensor("images").unwrap(), tensors.tensor(output).unwrap());
        let expected = expected.data().chunks_exact(4).map(|number| f32::from_le_bytes(number.try_into().unwrap()));
        let expected: Vec<f32> = expected.collect();
        let samples = images.shape()[0];
        let labels = (0..samples).map(|i| (i % 2) as u8).collect();
        let images = stored("x_test", images.dtype(), images.shape(), images.data().to_vec());
        folder.write("set.safetensors", safetensors(&[images, stored("y_test", Dtype::U8, &[samples], labels)]));
        let largest = expected.iter().fold(0f32, |largest, number| largest.max(number.abs()));
        for batch in [1, 2, 5] {
            let args = format!("-m {} -d set.safetensors --mode base -b {batch}", file(".onnx").display());
            let report = folder.json(&format!("{args} --logits l.st"));
            assert_eq!(text(&report, "/model/task"), task);
            let found = read_logits(&folder.read("l.st"));
            assert_eq!((found.len(), found.concat().len()), (samples, expected.len()));
            for (found, expected) in found.concat().iter().zip(&expected) {
                assert!((found - expected).abs() <= 1e-5 * largest, "-b {batch}: {found}, expected {expected}");
            }
        }
    });
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
