//! Damaged files of every kind: exit code 2 and one message that names the file, whatever the damage.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::{Table, byte_set, cifar, float_set, gzip, idx};
use crate::common::network::{TINY, Tiny};
use crate::common::random::Random;

/// What can have become of a file: its bytes, and a word for it.
fn damaged(whole: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let cut = |len: usize| whole[..len.min(whole.len())].to_vec();
    // Headers of safetensors begin with their length.
    let length = whole.first_chunk().map_or(u64::MAX, |bytes| u64::from_le_bytes(*bytes));
    let endless = (1..whole.len() as u64).contains(&length).then(|| [&[0xff; 8], &whole[8..]].concat());
    let damaged = [
        ("empty", Vec::new()),
        ("one byte", cut(1)),
        ("cut in its header", cut(9)),
        ("cut in half", cut(whole.len() / 2)),
        ("a byte short", cut(whole.len() - 1)),
        ("text", b"this is not the file that you are looking for\n".to_vec()),
        ("noise", Random::new(1).bytes(10_007)),
    ];
    damaged.into_iter().chain(endless.map(|bytes| ("a header of 2^64 bytes", bytes))).collect()
}

/// Refuses `args` for every damage to `file`, of which `whole` is good.
fn each_damage_is_refused(folder: &Folder, file: &str, whole: &[u8], args: &str) {
    folder.write(file, whole);
    folder.run_to(0, args);
    for (what, bytes) in damaged(whole) {
        folder.write(file, bytes);
        let outputs = format!("{args} -o report.json --predictions p.csv --logits l.safetensors");
        let run = folder.refuses(&outputs, &[file]);
        assert!(!run.stderr.contains("memory allocation"), "{what}: {run:?}");
    }
    folder.write(file, whole);
}

#[test]
fn luts() {
    let (_, folder) = Tiny::folder(60);
    let table = Table::unsigned(|a, b| a * b);
    let args = |file: &str| format!("{TINY} --lut {file}");
    for (file, whole) in
        [("lut.bin", table.u16_bin()), ("lut.npy", table.npy()), ("lut.safetensors", table.native("lut"))]
    {
        each_damage_is_refused(&folder, file, &whole, &args(file));
    }
    // Text that ends a digit early is still a table; any other damage shows.
    let csv = table.csv();
    let lines: Vec<&str> = csv.lines().collect();
    let cases = [
        ("empty", String::new()),
        ("255 rows", lines[..255].join("\n")),
        ("a short row", csv.replacen("0,255", "0", 1)),
        ("words", csv.replacen("255", "many", 1)),
        ("a fraction", csv.replacen("255", "2.5", 1)),
        ("large numbers", csv.replacen("255", "99999999999999999999", 1)),
    ];
    for_each_case(cases, |(what, text)| {
        folder.write("lut.csv", text);
        let run = folder.refuses(&args("lut.csv"), &["lut.csv"]);
        assert!(!run.stderr.is_empty(), "{what}");
    });
    // Of the right size, but no multiplier's.
    folder.write("noise.bin", Random::new(2).bytes(131_072));
    folder.refuses(&args("noise.bin"), &["noise.bin", "--lut-format"]);
}

#[test]
fn a_luts_sidecar() {
    let (_, folder) = Tiny::folder(61);
    folder.write("lut.bin", Table::unsigned(|a, b| a * b).u16_bin());
    for sidecar in ["", "[]", "{", r#"{"signed":"perhaps"}"#, r#"{"bits":99}"#, r#"{"energy":-1}"#] {
        folder.write("lut.json", sidecar);
        folder.refuses(&format!("{TINY} --lut lut.bin"), &["lut.json"]);
    }
}

#[test]
fn weights() {
    let (_, folder) = Tiny::folder(62);
    let whole = folder.read("tiny/model.safetensors");
    each_damage_is_refused(&folder, "tiny/model.safetensors", &whole, TINY);
    std::fs::remove_file(folder.path("tiny/model.safetensors")).unwrap();
    folder.refuses(TINY, &["tiny/model.safetensors"]);
}

#[test]
fn configurations() {
    let (_, folder) = Tiny::folder(63);
    let cases = [
        ("", "config.json"),
        ("{", "config.json"),
        ("[]", "config.json"),
        ("{}", "architecture"),
        (r#"{"architecture":"lenet6"}"#, "lenet6"),
        (r#"{"architecture":5}"#, "config.json"),
        (r#"{"architecture":"lenet5","num_classes":-1}"#, "config.json"),
        (r#"{"architecture":"lenet5","num_classes":"seven"}"#, "config.json"),
        (r#"{"architecture":"lenet5","num_classes":7,"input":{"shape":[2,12]}}"#, "config.json"),
        (r#"{"architecture":"lenet5","num_classes":7,"input":{"shape":[2,1,1]}}"#, "tiny"),
        (r#"{"architecture":"lenet5","num_classes":7,"input":{"shape":[0,12,12]}}"#, "tiny"),
        (r#"{"architecture":"lenet5","num_classes":0,"input":{"shape":[2,12,12]}}"#, "tiny"),
        (r#"{"architecture":"lenet5","num_classes":9,"input":{"shape":[2,12,12]}}"#, "fc3"),
        (r#"{"architecture":"lenet5","num_classes":7,"input":{"shape":[1,28,28]}}"#, "conv1"),
        (r#"{"architecture":"lenet5","num_classes":7,"input":{"shape":[2,4294967296,4294967296]}}"#, "tiny"),
    ];
    for_each_case(cases, |(config, needle)| {
        folder.write("tiny/config.json", config);
        let run = folder.refuses(TINY, &[needle]);
        assert!(run.stderr.contains("tiny"), "{config}: {run:?}");
    });
    std::fs::remove_file(folder.path("tiny/config.json")).unwrap();
    folder.refuses(TINY, &["tiny/config.json"]);
}

#[test]
fn calibration_sets() {
    let (_, folder) = Tiny::folder(64);
    let whole = folder.read("tiny.safetensors");
    each_damage_is_refused(&folder, "tiny/calibration.safetensors", &whole, &format!("{TINY} --mode quant"));
    let args = format!("{TINY} --mode quant --calib-data calib.safetensors");
    each_damage_is_refused(&folder, "calib.safetensors", &whole, &args);
}

#[test]
fn safetensors_sets() {
    let (_, folder) = Tiny::folder(65);
    let whole = folder.read("tiny.safetensors");
    each_damage_is_refused(&folder, "tiny.safetensors", &whole, TINY);
}

#[test]
fn idx_sets() {
    let folder = Folder::new();
    let (images, labels) = (idx(&[4, 28, 28], &Random::new(3).bytes(4 * 784)), idx(&[4], &[0, 1, 2, 3]));
    let (i, l) = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte");
    folder.write(l, &labels);
    each_damage_is_refused(&folder, i, &images, &format!("--data {i} --data-format idx"));
    each_damage_is_refused(&folder, l, &labels, &format!("--data {i}"));
    folder.write(l, idx(&[5], &[0; 5]));
    folder.refuses(&format!("--data {i}"), &[i, l, "4 images", "5 labels"]);
    folder.write(l, idx(&[4], &[0, 1, 2, 10]));
    folder.refuses(&format!("--data {i}"), &["sample 3", "label 10"]);
}

#[test]
fn gzip_sets() {
    let folder = Folder::new();
    let images = gzip(&idx(&[4, 28, 28], &Random::new(4).bytes(4 * 784)));
    folder.write("set/t10k-labels-idx1-ubyte.gz", gzip(&idx(&[4], &[0, 1, 2, 3])));
    let file = "set/t10k-images-idx3-ubyte.gz";
    each_damage_is_refused(&folder, file, &images, "--data set --data-format idx");
    // A bit that flips in the middle: the stream decodes, its checksum does not fit.
    for place in [images.len() / 3, images.len() / 2, images.len() - 6] {
        let mut bytes = images.clone();
        bytes[place] ^= 4;
        folder.write(file, bytes);
        folder.refuses("--data set -o r.json --predictions p.csv --logits l.safetensors", &[file]);
    }
}

#[test]
fn cifar_sets() {
    let folder = Folder::new();
    let whole = cifar(&Random::new(5).bytes(3 * 3072), |i| vec![i as u8]);
    let args = "--data test.bin --data-format cifar10 --channels gray --crop 28 --mean 0.5 --std 0.5";
    each_damage_is_refused(&folder, "test.bin", &whole, args);
    let mut labeled = whole;
    labeled[3073] = 10;
    folder.write("test.bin", labeled);
    folder.refuses(args, &["test.bin", "label 10"]);
}

#[test]
fn baselines() {
    let (_, folder) = Tiny::folder(66);
    folder.run_to(0, &format!("{TINY} -o base.json"));
    let whole = folder.read("base.json");
    let report = folder.read_json("base.json");
    let args = format!("{TINY} --baseline base.json --max-drop 0.1");
    let cut = |len: usize| whole[..len].to_vec();
    for bytes in [Vec::new(), cut(1), cut(whole.len() / 2), b"{}".to_vec(), b"[]".to_vec(), Random::new(6).bytes(999)] {
        folder.write("base.json", bytes);
        folder.refuses(&args, &["--baseline", "base.json"]);
    }
    for_each_case(["\"high\"", "null", "[]", "90", "-0.5"], |wrong| {
        let mut report = report.clone();
        report["accuracy"]["top1"] = serde_json::from_str(wrong).unwrap();
        folder.write("base.json", report.to_string());
        folder.refuses(&args, &["--baseline", "base.json"]);
    });
}

#[test]
fn folders_where_files_are_expected() {
    let (_, folder) = Tiny::folder(67);
    std::fs::create_dir(folder.path("empty")).unwrap();
    let cases = [
        ("--model empty", "empty/config.json"),
        ("--data empty", "empty"),
        ("--lut empty", "empty"),
        ("--mode quant --qparams empty", "empty"),
        ("--mode quant --calib-data empty", "empty"),
        ("--arch lenet5 --weights empty", "empty"),
        ("--baseline empty --max-drop 0.5", "empty"),
        ("-o empty", "empty"),
        ("--predictions empty", "empty"),
    ];
    for_each_case(cases, |(args, needle)| {
        folder.refuses(args, &[needle]);
    });
}

/// Labels beyond the network's classes, and inputs that are no numbers.
#[test]
fn sets_that_the_network_cannot_take() {
    let (tiny, folder) = Tiny::folder(68);
    let labels: Vec<u8> = (0..Tiny::SAMPLES as u8).collect();
    folder.write("labels.safetensors", float_set(Tiny::SHAPE, &tiny.images, &labels));
    folder.refuses("--model tiny --data labels.safetensors", &["labels.safetensors", "sample 7", "label 7"]);
    let mut images = tiny.images.clone();
    images[5] = f32::NAN;
    folder.write("nan.safetensors", float_set(Tiny::SHAPE, &images, &tiny.labels));
    let outputs = "-o r.json --predictions p.csv --logits l.safetensors";
    for mode in ["base", "quant", "noise"] {
        let run = folder.refuses(&format!("--model tiny --data nan.safetensors --mode {mode} {outputs}"), &[]);
        assert!(run.stderr.contains("NaN"), "{mode}: {run:?}");
    }
    let run = folder.refuses(&format!("{TINY} --mode quant --calib-data nan.safetensors {outputs}"), &[]);
    assert!(run.stderr.contains("NaN") && run.stderr.contains("conv1"), "{run:?}");
    folder.write("small.safetensors", byte_set([2, 2, 8, 8], &[0; 256], &[0, 1]));
    folder.refuses("--model tiny --data small.safetensors", &["small", "8", "12", "--resize"]);
}
