//! `--dump`: golden vectors, replayed by numpy (`tests/conformance/replay.py`), and memories for `$readmemh`.

use crate::common::Folder;
use crate::common::cases::for_each_case;
use crate::common::files::{Table, float_set};
use crate::common::network::{TINY, Tiny, write_gray_set};
use crate::common::onnx::Attr::{Int, Ints};
use crate::common::onnx::Onnx;
use crate::common::python::{conformance, has_numpy};
use crate::common::random::Random;
use serde_json::{Value, json};

/// Dumps a run, and fails unless its replay finds every integer of `layers` layers.
fn dump(folder: &Folder, args: &str, layers: usize) -> Value {
    folder.run_to(0, &format!("{args} --dump dump --dump-samples 2"));
    let index = folder.read_json("dump/index.json");
    assert_eq!(index["layers"].as_array().unwrap().len(), layers);
    if has_numpy() {
        let (is_right, text) = conformance("replay.py", &folder.path("dump"), &[]);
        assert!(is_right && text.lines().count() == 2 * layers, "{args}: {text}");
    }
    std::fs::remove_dir_all(folder.path("dump")).unwrap();
    index
}

#[test]
fn numpy_replays_the_shipped_networks() {
    let folder = Folder::new();
    write_gray_set(&folder, "gray.safetensors", 3);
    let networks = [("lenet5", 5), ("resnet8", 10)];
    let networks = networks.iter().flat_map(|network| ["--mode quant", "--lut drum-4"].map(|mode| (network, mode)));
    for_each_case(networks, |((name, layers), mode)| {
        for rule in ["", "--requantize once", "--requantize twice", "--requantize truncate"] {
            let args = format!("--model {name} --data gray.safetensors -b 1 {mode} {rule}");
            let index = dump(&folder, &args, *layers);
            let first = &index["layers"][0];
            assert_eq!(first["output"]["requantization"].is_null(), rule.is_empty(), "{args}: {first}");
            assert_eq!(first["lut"]["name"], if mode == "--mode quant" { Value::Null } else { json!("drum-4") });
            assert_eq!(index["samples"], json!([0, 1]));
        }
    });
}

/// Zero points of both operands, an asymmetric table that is wrong at zero, accumulators, and layers of two tables.
#[test]
fn numpy_replays_every_coding() {
    let (_, folder) = Tiny::folder(150);
    let rough = |a: i32, b: i32| a * b + 11 + 2 * a.rem_euclid(16) - b.rem_euclid(8);
    folder.write("signed.safetensors", Table::signed(rough).native("rough"));
    folder.write("unsigned.safetensors", Table::unsigned(rough).native("rough"));
    let cases = [
        "--lut signed.safetensors --act-scheme affine",
        "--lut unsigned.safetensors --coding affine --act-scheme affine",
        "--lut unsigned.safetensors --coding affine --act-scheme affine --requantize twice",
        "--lut unsigned.safetensors --set conv2:lut=drum-4 --weight-scheme per-tensor",
        "--mode quant --act-bits 4 --weight-bits 3",
        "--lut signed.safetensors --act-scheme affine --acc-bits 15",
        "--lut unsigned.safetensors --coding affine --acc-bits 17 --acc-overflow saturate --requantize once",
        "--lut signed.safetensors --acc-bits auto",
    ];
    for_each_case(cases, |args| {
        dump(&folder, &format!("{TINY} {args}"), 5);
    });
}

/// Groups, dilation, uneven padding and strides, one axis less, and transposed convolutions.
#[test]
fn numpy_replays_every_kind_of_layer() {
    let folder = Folder::new();
    let images = Random::new(9).floats(3 * 4 * 9 * 8, -1.0, 1.0);
    folder.write("set.safetensors", float_set([3, 4, 9, 8], &images, &[0, 1, 2]));
    let mut net = Onnx::new(17, &[4, 9, 8]);
    let attributes =
        [("group", Int(2)), ("strides", Ints(&[2, 1])), ("pads", Ints(&[2, 0, 1, 3])), ("dilations", Ints(&[1, 2]))];
    net.random("a.weight", &[6, 2, 3, 2]).random("a.bias", &[6]);
    net.op("Conv", &["x", "a.weight", "a.bias"], "a", &attributes).op("Relu", &["a"], "b", &[]);
    let attributes = [
        ("group", Int(3)),
        ("strides", Ints(&[2, 3])),
        ("pads", Ints(&[1, 0, 0, 2])),
        ("output_padding", Ints(&[1, 0])),
        ("dilations", Ints(&[2, 1])),
    ];
    net.random("c.weight", &[6, 2, 3, 2]).op("ConvTranspose", &["b", "c.weight"], "c", &attributes);
    net.op("GlobalAveragePool", &["c"], "pooled", &[]).op("Flatten", &["pooled"], "flat", &[]);
    net.random("fc.weight", &[6, 3]).op("Gemm", &["flat", "fc.weight"], "logits", &[]);
    folder.write("net.onnx", net.bytes("logits"));
    let run = "--model net.onnx --data set.safetensors --calib-data set.safetensors --act-scheme affine";
    for_each_case(["--mode quant", "--lut drum-4 --coding affine", "--mode quant --acc-bits 14"], |args| {
        for rule in ["", "--requantize twice"] {
            let index = dump(&folder, &format!("{run} --layout nchw {args} {rule}"), 3);
            assert_eq!(index["layers"][1]["geometry"]["transposed"], true);
        }
    });
}

/// One changed sum is found.
#[test]
fn a_replay_sees_what_differs() {
    let (_, folder) = Tiny::folder(151);
    folder.run_to(0, &format!("{TINY} --mode quant --dump dump"));
    let mut sums = folder.read("dump/fc1/sums.npy");
    *sums.last_mut().unwrap() ^= 1;
    folder.write("dump/fc1/sums.npy", sums);
    if has_numpy() {
        let (is_right, text) = conformance("replay.py", &folder.path("dump"), &[]);
        assert!(!is_right && text.contains("fc1: sums: 1 of 120 differ"), "{text}");
        assert!(text.contains("fc1: output: 0 of 120 differ"), "{text}");
    }
}

/// Lines of a memory, without its comment.
fn memory(folder: &Folder, name: &str) -> Vec<u64> {
    let text = String::from_utf8(folder.read(name)).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("//"));
    lines.map(|line| u64::from_str_radix(line, 16).unwrap()).collect()
}

/// The bits of the elements of an array of `size` bytes each.
pub fn array(folder: &Folder, name: &str, size: usize) -> Vec<u64> {
    let bytes = folder.read(name);
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte));
    bytes[start..].chunks_exact(size).map(number).collect()
}

#[test]
fn memories_hold_what_arrays_hold() {
    let (_, folder) = Tiny::folder(152);
    folder.run_to(0, &format!("{TINY} --lut drum-4 --requantize once --dump d --dump-format readmemh,npy"));
    let index = folder.read_json("d/index.json");
    let layer = &index["layers"][1];
    let stored = [&layer["input"], &layer["weight"], &layer["bias"], &layer["sums"], &layer["output"]];
    for stored in stored.into_iter().chain([&layer["lut"], &layer["output"]["requantization"]["mantissa"]]) {
        let file = |format: &str| format!("d/{}", stored["files"][format].as_str().unwrap());
        let size = match stored["dtype"].as_str().unwrap() {
            "int8" | "uint8" => 1,
            "int32" => 4,
            other => panic!("{other}"),
        };
        let mask = u64::MAX >> (64 - stored["bits"].as_u64().unwrap());
        let arrays: Vec<u64> = array(&folder, &file("npy"), size).into_iter().map(|x| x & mask).collect();
        assert_eq!(memory(&folder, &file("readmemh")), arrays, "{stored}");
        let elements: u64 = stored["shape"].as_array().unwrap().iter().map(|size| size.as_u64().unwrap()).product();
        assert_eq!(arrays.len() as u64, elements);
    }
    // Formats that are not asked for are not written.
    folder.run_to(0, &format!("{TINY} --lut drum-4 --dump m --dump-format readmemh"));
    assert!(folder.path("m/conv1/input.mem").exists() && !folder.path("m/conv1/input.npy").exists());
    assert_eq!(folder.read_json("m/index.json")["layers"][0]["input"]["files"], json!({"readmemh": "conv1/input.mem"}));
}

/// The shortcut of a block and its first convolution read one value, here at 8 and at 4 bits: the integers of the one
/// are those of the network of 8 bits but for roundings, not the sixteenths that the other reads.
#[test]
fn readers_of_one_value_have_their_own_integers() {
    let folder = Folder::new();
    let inputs = |name: &str, rules: &str| {
        folder.run_to(0, &format!("-m resnet8 --mode quant --requantize once -n 1 --dump {name} {rules}"));
        array(&folder, &format!("{name}/layer2.0.downsample.0/input.npy"), 1)
    };
    let (uniform, mixed) = (inputs("uniform", ""), inputs("mixed", "--set layer2.0.conv1:act_bits=4"));
    assert_eq!(uniform.len(), mixed.len());
    assert!(uniform.iter().zip(&mixed).all(|(&a, &b)| (a as i8).abs_diff(b as i8) <= 1));
    assert!(mixed.iter().any(|&x| x as i8 > 20) && mixed.iter().any(|x| x % 2 == 1));
}

#[test]
fn a_folder_that_holds_something_is_refused() {
    let (_, folder) = Tiny::folder(153);
    folder.write("full/a", "");
    let run = format!("{TINY} --mode quant");
    folder.refuses(&format!("{run} --dump full"), &["--dump", "full", "not empty"]);
    folder.refuses(&format!("{run} --dump full/a"), &["--dump", "full/a", "it is a file"]);
    folder.refuses(&format!("{run} --dump missing/dump"), &["--dump", "missing/dump", "does not exist"]);
    folder.refuses(&format!("{TINY} --mode base --dump d"), &["--dump", "mode quant or approx"]);
    folder.refuses(&format!("{run} --dump d --dump-samples 0"), &["--dump-samples", "at least 1"]);
    folder.refuses(&format!("{run} --dump d --dump-format vcd"), &["--dump-format"]);
    folder.refuses(&format!("{run} --dump-samples 3"), &["required arguments"]);
    // What fails later leaves nothing.
    folder.refuses(&format!("{run} --dump d --baseline nowhere.json --max-drop 1"), &["nowhere.json"]);
    std::fs::create_dir(folder.path("empty")).unwrap();
    folder.run_to(1, &format!("{run} --dump empty --min-accuracy 1"));
    assert!(folder.path("empty/index.json").exists(), "also where a gate fails");
}

/// A part of a batch, the samples that were drawn, and layers that are left out.
#[test]
fn dumps_are_of_the_first_samples() {
    let (tiny, folder) = Tiny::folder(154);
    let run = format!("{TINY} --lut drum-4");
    folder.run_to(0, &format!("{run} --dump whole --dump-samples 4 -b 3"));
    folder.run_to(0, &format!("{run} --dump one"));
    let index = folder.read_json("whole/index.json");
    assert_eq!(
        (&index["samples"], &index["layers"][0]["input"]["shape"]),
        (&json!([0, 1, 2, 3]), &json!([4, 2, 12, 12]))
    );
    let first = |name: &str| array(&folder, &format!("{name}/conv1/input.npy"), 1);
    assert_eq!(first("whole")[..288], first("one"));
    let scale = index["layers"][0]["input"]["scale"].as_f64().unwrap() as f32;
    let integers = tiny.images[..288].iter().map(|x| (x / scale).round_ties_even().clamp(-127.0, 127.0) as i8);
    assert_eq!(first("one"), integers.map(|q| u64::from(q.cast_unsigned())).collect::<Vec<_>>());
    folder.run_to(0, &format!("{run} --dump drawn --dump-samples 99 -n 3 --shuffle 5 --set fc1:mode=base"));
    let index = folder.read_json("drawn/index.json");
    assert_eq!((index["samples"].as_array().unwrap().len(), index["layers"].as_array().unwrap().len()), (3, 4));
    assert_eq!(index["left_out"], json!([{"name": "fc1", "kind": "linear", "why": "mode base"}]));
}
