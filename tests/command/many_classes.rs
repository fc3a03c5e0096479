//! Networks of tens of thousands of classes: nothing takes time or memory for pairs of them.

use crate::common::files::{f32_bytes, read_logits, safetensors, stored};
use crate::common::onnx::Onnx;
use crate::common::random::Random;
use crate::common::{Folder, csv_rows, integer};
use safetensors::Dtype;

const CLASSES: usize = 60_000;

#[test]
fn reports_and_confusions_list_the_classes_that_occur() {
    let folder = Folder::new();
    let mut net = Onnx::new(17, &[4]);
    net.random("w", &[4, CLASSES]).op("MatMul", &["x", "w"], "y", &[]);
    folder.write("net.onnx", net.bytes("y"));
    let labels = [0u32, 1, 59_999, 30_000];
    let set = [
        stored("images", Dtype::F32, &[4, 4], f32_bytes(&Random::new(3).floats(16, -1.0, 1.0))),
        stored("labels", Dtype::U32, &[4], labels.iter().flat_map(|label| label.to_le_bytes()).collect()),
    ];
    folder.write("set.safetensors", safetensors(&set));
    let args = "-m net.onnx -d set.safetensors --mode base --confusion c.csv --logits l.st --predictions p.csv";
    let report = folder.json(&format!("{args} -o r.csv -o r.md -o r.json"));
    let argmax = |row: &Vec<f32>| (0..CLASSES).rev().max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap() as u32;
    let predicted: Vec<u32> = read_logits(&folder.read("l.st")).iter().map(argmax).collect();
    let mut pairs: Vec<(u32, u32)> = labels.into_iter().zip(predicted).collect();
    pairs.sort_unstable();
    let rows = csv_rows(&folder.read("c.csv"));
    assert_eq!(rows[0], ["label", "prediction", "count"]);
    let found: Vec<(u32, u32)> =
        rows[1..].iter().map(|row| (row[0].parse().unwrap(), row[1].parse().unwrap())).collect();
    assert_eq!(found, pairs);
    let mut occurring: Vec<u64> = pairs.iter().flat_map(|pair| [pair.0.into(), pair.1.into()]).collect();
    occurring.sort_unstable();
    occurring.dedup();
    let classes = report["classes"].as_array().unwrap();
    assert_eq!(classes.iter().map(|class| integer(class, "/class")).collect::<Vec<_>>(), occurring);
    assert_eq!(classes.iter().map(|class| integer(class, "/samples")).sum::<u64>(), 4);
}
