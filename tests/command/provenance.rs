//! A report names everything that its figures depend on.

use crate::common::Folder;
use crate::common::files::{f32_bytes, float_set, safetensors, stored};
use crate::common::network::{TINY, Tiny};
use crate::common::onnx::Onnx;
use crate::common::random::Random;
use crate::common::text;
use safetensors::Dtype;
use serde_json::json;

#[test]
fn weights_in_place_of_a_files_own_are_named() {
    let folder = Folder::new();
    let images = Random::new(8).floats(4 * 6, -1.0, 1.0);
    folder.write("set.safetensors", float_set([4, 1, 2, 3], &images, &[0; 4]));
    let mut net = Onnx::new(17, &[1, 2, 3]);
    net.ints("flat", &[-1, 6]).random("fc.weight", &[6, 2]).op("Reshape", &["x", "flat"], "r", &[]);
    net.op("MatMul", &["r", "fc.weight"], "y", &[]);
    folder.write("net.onnx", net.bytes("y"));
    let run = "-m net.onnx -d set.safetensors --data-format safetensors --layout nchw --mode base";
    let plain = folder.json(run);
    assert!(plain["model"]["weights"].is_null(), "{plain:#}");
    assert_eq!((text(&plain, "/config/layout"), text(&plain, "/config/data_format")), ("nchw", "safetensors"));
    let mut hashes = Vec::new();
    for (name, seed) in [("a.safetensors", 1), ("b.safetensors", 2)] {
        let weight = f32_bytes(&Random::new(seed).floats(12, -1.0, 1.0));
        folder.write(name, safetensors(&[stored("fc.weight", Dtype::F32, &[2, 6], weight)]));
        let report = folder.json(&format!("{run} --weights {name}"));
        assert_eq!(text(&report, "/model/weights/path"), name);
        let hash = blake3::hash(&folder.read(name)).to_hex().to_string();
        assert_eq!(text(&report, "/model/weights/blake3"), hash);
        assert_eq!(text(&report, "/model/blake3"), text(&plain, "/model/blake3"));
        hashes.push(hash);
    }
    assert_ne!(hashes[0], hashes[1]);
}

/// Floats are taken as they are, and no report says otherwise.
#[test]
fn what_happens_to_bytes_alone_is_not_said_of_floats() {
    let (_, folder) = Tiny::folder(160);
    let plain = folder.json(&format!("{TINY} --mode base"));
    assert_eq!((&plain["config"]["mean"], &plain["config"]["std"]), (&json!([]), &json!([])));
    assert!(!plain["notes"].to_string().contains("--mean"), "{plain:#}");
    let given = folder.json(&format!("{TINY} --mode base --mean 0.9 --std 0.1"));
    assert!(given["notes"].to_string().contains("taken as they are"), "{given:#}");
    assert_eq!((&given["config"]["mean"], &given["accuracy"]), (&json!([]), &plain["accuracy"]));
    let bytes = folder.json("-n 1 --mode base");
    assert_eq!(bytes["config"]["mean"].as_array().map(Vec::len), Some(1));
}
