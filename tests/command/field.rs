//! Small networks after files and bug reports from outside, in the folder `field` of those that
//! `APPROX_EVAL_CASES` names, with the outputs that another engine computes one sample at a time.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::{float_set, read_logits};
use crate::outside_cases::cases;
use safetensors::SafeTensors;
use std::path::Path;

/// Files whose outputs are known. Base mode computes them whatever the batch size.
const NETWORKS: [&str; 5] = ["dynamic_hw", "h_scale_tiny", "max_storage", "pow_int", "resize_axes"];

/// A tensor of real numbers.
fn floats(file: &SafeTensors, name: &str) -> (Vec<usize>, Vec<f32>) {
    let tensor = file.tensor(name).unwrap();
    let numbers = tensor.data().chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap()));
    (tensor.shape().to_vec(), numbers.collect())
}

/// The outputs of each sample that a file comes with; its images become `set.safetensors`.
fn expected(folder: &Folder, path: &Path) -> Vec<Vec<f32>> {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let (shape, images) = floats(&file, "images");
    let shape: [usize; 4] = shape.try_into().unwrap();
    folder.write("set.safetensors", float_set(shape, &images, &vec![0; shape[0]]));
    let (_, outputs) = floats(&file, "output");
    outputs.chunks_exact(outputs.len() / shape[0]).map(<[f32]>::to_vec).collect()
}

#[test]
fn outputs_are_those_of_another_engine() {
    let Some(cases) = cases() else { return };
    let folder = Folder::new();
    let runs = NETWORKS.iter().flat_map(|name| [1, 2, 5].map(|batch| (*name, batch)));
    for_each_case(runs, |(name, batch)| {
        let path = |end: &str| cases.join("field").join(format!("{name}.{end}"));
        let expected = expected(&folder, &path("expected.safetensors"));
        let model = path("onnx");
        let args = format!("--model {} --data set.safetensors -b {batch} --logits l.safetensors", model.display());
        folder.run_to(0, &args);
        let found = read_logits(&folder.read("l.safetensors"));
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            let bound = 1e-5 * expected.iter().fold(0f32, |max, x| max.max(x.abs()));
            assert_eq!(found.len(), expected.len());
            for (a, b) in found.iter().zip(expected) {
                assert!((a - b).abs() <= bound, "{found:?}, expected {expected:?}");
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
