//! State dicts: types, names and shapes.

use crate::common::files::{Stored, byte_set, safetensors, stored};
use crate::common::network::{Array, StateDict, TINY, Tiny, write_gray_set};
use crate::common::random::Random;
use crate::common::{Folder, integer, text};
use half::{bf16, f16};
use safetensors::Dtype;

/// Writes the weights of `tiny` with every tensor converted.
fn write_as(folder: &Folder, tiny: &Tiny, dtype: Dtype, bytes: impl Fn(f32) -> Vec<u8>) {
    let convert = |(name, array): &(String, Array)| {
        stored(name, dtype, &array.shape, array.values.iter().flat_map(|&x| bytes(x)).collect())
    };
    let tensors: Vec<Stored> = tiny.weights.0.iter().map(convert).collect();
    folder.write("tiny/model.safetensors", safetensors(&tensors));
}

/// The same network with every weight rounded by `round`.
fn rounded(tiny: &Tiny, round: impl Fn(f32) -> f32) -> Tiny {
    let mut weights = tiny.weights.clone();
    weights.0.iter_mut().for_each(|(_, array)| array.values.iter_mut().for_each(|x| *x = round(*x)));
    Tiny { weights, images: tiny.images.clone(), labels: tiny.labels.clone() }
}

#[test]
fn other_floats_become_f32_with_a_note() {
    let (tiny, folder) = Tiny::folder(70);
    let check = |dtype: Dtype, name: &str, bytes: fn(f32) -> Vec<u8>, round: fn(f32) -> f32| {
        rounded(&tiny, round).write(&folder);
        let expected = folder.logits(&format!("{TINY} --mode base"));
        assert_eq!(folder.json(&format!("{TINY} --mode base"))["notes"], serde_json::json!([]));
        write_as(&folder, &tiny, dtype, bytes);
        assert_eq!(folder.logits(&format!("{TINY} --mode base")), expected, "{name}");
        let report = folder.json(&format!("{TINY} --mode base"));
        let note = text(&report, "/notes/0");
        assert!(note.contains(name) && note.contains("f32") && note.contains("10"), "{note}");
    };
    check(Dtype::F16, "f16", |x| f16::from_f32(x).to_le_bytes().to_vec(), |x| f16::from_f32(x).to_f32());
    check(Dtype::BF16, "bf16", |x| bf16::from_f32(x).to_le_bytes().to_vec(), |x| bf16::from_f32(x).to_f32());
    check(Dtype::F64, "f64", |x| f64::from(x).to_le_bytes().to_vec(), |x| x);
}

#[test]
fn everything_that_is_wrong_is_named_at_once() {
    let (tiny, folder) = Tiny::folder(71);
    let mut tensors = tiny.weights.stored();
    tensors.retain(|(name, ..)| name != "conv2.bias" && name != "fc1.weight");
    tensors.push(stored("extra.weight", Dtype::F32, &[1], vec![0; 4]));
    tensors.push(stored("stray.bias", Dtype::F32, &[1], vec![0; 4]));
    let fc2 = tensors.iter_mut().find(|(name, ..)| name == "fc2.weight").unwrap();
    fc2.2.reverse();
    folder.write("tiny/model.safetensors", safetensors(&tensors));
    folder.refuses(
        TINY,
        &[
            "tiny/model.safetensors",
            "missing",
            "conv2.bias",
            "fc1.weight",
            "unused",
            "extra.weight",
            "stray.bias",
            "fc2.weight",
            "[120, 84]",
            "[84, 120]",
        ],
    );
}

#[test]
fn numbers_that_are_none_are_named() {
    let (mut tiny, folder) = Tiny::folder(72);
    tiny.weights.get_mut("fc1.weight").values[77] = f32::NAN;
    tiny.weights.get_mut("conv2.bias").values[3] = f32::INFINITY;
    tiny.write(&folder);
    for mode in ["base", "quant"] {
        folder.refuses(&format!("{TINY} --mode {mode}"), &["tiny/model.safetensors", "fc1.weight", "conv2.bias"]);
    }
    // A number that f32 does not hold is infinite there.
    let (tiny, folder) = Tiny::folder(73);
    write_as(&folder, &tiny, Dtype::F64, |x| (f64::from(x) * 1e300).to_le_bytes().to_vec());
    folder.refuses(TINY, &["conv1.weight"]);
}

#[test]
fn integers_are_no_weights() {
    let (tiny, folder) = Tiny::folder(74);
    let mut tensors = tiny.weights.stored();
    tensors[0].1 = Dtype::I32;
    folder.write("tiny/model.safetensors", safetensors(&tensors));
    folder.refuses(TINY, &["tiny/model.safetensors", "conv1.weight"]);
}

#[test]
fn names_of_data_parallel_are_known() {
    let (tiny, folder) = Tiny::folder(75);
    let plain = folder.logits(&format!("{TINY} --mode base"));
    let mut tensors = tiny.weights.stored();
    for (name, ..) in &mut tensors {
        name.insert_str(0, "module.");
    }
    folder.write("tiny/model.safetensors", safetensors(&tensors));
    assert_eq!(folder.logits(&format!("{TINY} --mode base")), plain);
    let report = folder.json(&format!("{TINY} --mode base"));
    assert!(text(&report, "/notes/0").contains("module."));
    assert_eq!(text(&report, "/layers/0/name"), "conv1");
}

/// `--arch` with a bare file is the model directory without its `config.json`.
#[test]
fn an_architecture_with_a_weights_file() {
    let folder = Folder::new();
    let weights = StateDict::lenet5(76, 1, 28, 10);
    folder.write("w.safetensors", safetensors(&weights.stored()));
    folder.write("net/config.json", r#"{"architecture":"lenet5"}"#);
    folder.write("net/model.safetensors", folder.read("w.safetensors"));
    write_gray_set(&folder, "set.safetensors", 12);
    let data = "--data set.safetensors --mode base --mean 0.5 --std 0.25";
    let by_arch = folder.logits(&format!("--arch lenet5 --weights w.safetensors {data}"));
    assert_eq!(by_arch, folder.logits(&format!("--model net {data}")));
    let report = folder.json(&format!("--arch lenet5 --weights w.safetensors {data}"));
    assert_eq!((text(&report, "/model/architecture"), integer(&report, "/model/parameters")), ("lenet5", 61_706));
    // Nobody said how bytes are normalized: it is noted.
    let report = folder.json("--arch lenet5 --weights w.safetensors --data set.safetensors --mode base");
    assert!(text(&report, "/notes/0").contains("255"), "{}", report["notes"]);
}

/// The names and shapes of weights tell their architecture, also that of a network for other classes.
#[test]
fn an_architecture_is_recognised_by_its_weights() {
    let folder = Folder::new();
    folder.write("w.safetensors", safetensors(&StateDict::resnet20(79, 7).stored()));
    folder.write("set.safetensors", byte_set([4, 3, 32, 32], &Random::new(80).bytes(4 * 3072), &[0, 1, 2, 3]));
    let data = "--data set.safetensors --mode base --mean 0.5 --std 0.25";
    let by_arch = folder.logits(&format!("--arch resnet20 --weights w.safetensors {data}"));
    assert_eq!(by_arch, folder.logits(&format!("--weights w.safetensors {data}")));
    let report = folder.json(&format!("--weights w.safetensors {data}"));
    assert_eq!(text(&report, "/model/architecture"), "resnet20");
    assert!(text(&report, "/notes/0").contains("resnet20"), "{}", report["notes"]);
}

/// A network that ends in means takes images of any size; one that does not says which it takes.
#[test]
fn bare_weights_take_the_images_that_there_are() {
    let folder = Folder::new();
    folder.write("resnet.safetensors", safetensors(&StateDict::resnet20(81, 10).stored()));
    folder.write("lenet.safetensors", safetensors(&StateDict::lenet5(82, 1, 28, 10).stored()));
    for (name, channels) in [("rgb.safetensors", 3), ("gray.safetensors", 1)] {
        let bytes = Random::new(83).bytes(4 * channels * 40 * 24);
        folder.write(name, byte_set([4, channels, 40, 24], &bytes, &[0, 1, 2, 3]));
    }
    let report = folder.json("--weights resnet.safetensors --data rgb.safetensors --mode base");
    assert_eq!(report["layers"][0]["output_shape"], serde_json::json!([16, 40, 24]));
    assert!(report["notes"].to_string().contains("40 x 24"), "{}", report["notes"]);
    folder.json("--weights resnet.safetensors --data rgb.safetensors --mode base --input 3,40,24");
    let stated = "--weights resnet.safetensors --data rgb.safetensors --mode base --input 3,32,32";
    folder.refuses(stated, &["40 x 24", "32 x 32"]);
    folder.refuses("--weights lenet.safetensors --data gray.safetensors --mode base", &["40 x 24", "28 x 28"]);
}

#[test]
fn a_timm_directory_is_read_as_it_is() {
    let folder = Folder::new();
    let weights = StateDict::lenet5(77, 1, 28, 10);
    write_gray_set(&folder, "set.safetensors", 12);
    folder.write("ours/model.safetensors", safetensors(&weights.stored()));
    folder.write("timm/model.safetensors", safetensors(&weights.stored()));
    folder.write(
        "ours/config.json",
        r#"{"architecture":"lenet5","num_classes":10,"input":{"shape":[1,28,28],"mean":[0.3],"std":[0.2]}}"#,
    );
    folder.write(
        "timm/config.json",
        r#"{"architecture":"lenet5","num_classes":10,"pretrained_cfg":{"mean":[0.3],"std":[0.2],"input_size":[1,28,28],"crop_pct":1.0}}"#,
    );
    let [ours, timm] =
        ["ours", "timm"].map(|model| folder.logits(&format!("--model {model} --data set.safetensors --mode base")));
    assert_eq!(ours, timm);
}
