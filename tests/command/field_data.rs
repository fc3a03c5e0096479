//! Files from the field whose data, outputs or tasks are not those of an image classifier, with outputs that
//! onnxruntime computed. `APPROX_EVAL_CASES` names the folder that has them in `field/`.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::{read_logits, safetensors, stored};
use crate::outside_cases::cases;
use safetensors::{Dtype, SafeTensors};

/// File, the tensor of its expected output, and the task that it is taken for.
const FILES: [(&str, &str, &str); 4] = [
    ("one_sigmoid_output", "output", "binary-classification"),
    ("feature_first", "output1", "classification"),
    ("out_1nc", "output", "classification"),
    ("har_6", "output", "classification"),
];

#[test]
fn outputs_are_those_of_onnxruntime() {
    let Some(cases) = cases() else { return };
    let folder = Folder::new();
    for_each_case(FILES, |(name, output, task)| {
        let file = |suffix: &str| cases.join("field").join(format!("{name}{suffix}"));
        let bytes = std::fs::read(file(".expected.safetensors")).unwrap();
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        let (images, expected) = (tensors.tensor("images").unwrap(), tensors.tensor(output).unwrap());
        let expected = expected.data().chunks_exact(4).map(|number| f32::from_le_bytes(number.try_into().unwrap()));
        let expected: Vec<f32> = expected.collect();
        let samples = images.shape()[0];
        let labels = (0..samples).map(|i| (i % 2) as u8).collect();
        folder.write("set.safetensors", {
            let images = stored("x_test", images.dtype(), images.shape(), images.data().to_vec());
            safetensors(&[images, stored("y_test", Dtype::U8, &[samples], labels)])
        });
        let largest = expected.iter().fold(0f32, |largest, number| largest.max(number.abs()));
        for batch in [1, 2, 5] {
            let args = format!("-m {} -d set.safetensors --mode base -b {batch}", file(".onnx").display());
            let report = folder.json(&format!("{args} --logits l.st"));
            let found = read_logits(&folder.read("l.st")).concat();
            assert_eq!(found.len(), expected.len(), "{name}");
            for (found, expected) in found.iter().zip(&expected) {
                assert!((found - expected).abs() <= 1e-5 * largest, "{name} -b {batch}: {found}, expected {expected}");
            }
            assert_eq!(report["model"]["task"], task, "{name}");
        }
    });
}
