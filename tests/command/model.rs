//! `model info` and `model list`.

use crate::common::cases::for_each_case;
use crate::common::network::Tiny;
use crate::common::{Folder, integer, text};

/// Multiplications of a ResNet for CIFAR on 32 x 32 with three blocks a stage, by hand: every 3 x 3
/// convolution is `9 * c_in * c_out * side^2`.
fn resnet20_by_hand() -> u64 {
    let conv = |inputs: u64, outputs: u64, side: u64| 9 * inputs * outputs * side * side;
    let stage = |inputs, outputs, side| conv(inputs, outputs, side) + 5 * conv(outputs, outputs, side);
    conv(3, 16, 32) + stage(16, 16, 32) + stage(16, 32, 16) + stage(32, 64, 8) + 64 * 10
}

/// MLPerf Tiny's ResNet on 28 x 28.
fn resnet8_by_hand() -> u64 {
    let conv = |kernel: u64, inputs: u64, outputs: u64, side: u64| kernel * kernel * inputs * outputs * side * side;
    let first = conv(3, 1, 16, 28) + 2 * conv(3, 16, 16, 28);
    let stage = |inputs, outputs, side| {
        conv(3, inputs, outputs, side) + conv(3, outputs, outputs, side) + conv(1, inputs, outputs, side)
    };
    first + stage(16, 32, 14) + stage(32, 64, 7) + 64 * 10
}

/// MLPerf Tiny's DS-CNN on 28 x 28, whose layers all see 14 x 14.
fn ds_cnn_by_hand() -> u64 {
    14 * 14 * (10 * 4 * 64 + 4 * (9 * 64 + 64 * 64)) + 64 * 10
}

#[test]
fn parameters_and_multiplications() {
    let folder = Folder::new();
    assert_eq!((resnet20_by_hand(), resnet8_by_hand()), (40_551_040, 9_345_920));
    let cases = [
        // 6 * 26 + 16 * 151 + 120 * 401 + 84 * 121 + 10 * 85.
        ("lenet5", 61_706, 416_520, 5),
        ("resnet20", 269_722, resnet20_by_hand(), 20),
        ("resnet8", 77_898, resnet8_by_hand(), 10),
        // A convolution's weights, its biases, and its normalization's gains and betas.
        ("ds_cnn --input 1,28,28 --num-classes 10", 43 * 64 + 4 * (12 * 64 + 67 * 64) + 65 * 10, ds_cnn_by_hand(), 10),
        ("lenet5 --num-classes 100", 61_706 + 90 * 85, 416_520 + 84 * 90, 5),
        ("resnet50", 25_557_032, 4_089_184_256, 54),
        ("mobilenet_v2 --num-classes 10", 3_504_872 - 990 * 1281, 300_774_272 - 990 * 1280, 53),
        // timm's name for the same network; 14 x 14 patches and one token more, 3 heads 64 wide.
        (
            "deit_tiny_patch16_224",
            5_717_416,
            196 * 768 * 192 + 12 * 197 * 12 * 192 * 192 + 192 * 1000 + 12 * 2 * 3 * 197 * 197 * 64,
            50 + 24,
        ),
        ("lenet5 --input 3,28,28", 61_706 + 2 * 6 * 25, 416_520 + 2 * 6 * 25 * 784, 5),
    ];
    for_each_case(cases, |(args, parameters, opcount, layers)| {
        let info = folder.json(&format!("model info {args}"));
        assert_eq!(integer(&info, "/model/parameters"), parameters, "{args}");
        assert_eq!(integer(&info, "/opcount/per_sample"), opcount, "{args}");
        let found = info["layers"].as_array().unwrap();
        assert_eq!(found.len(), layers, "{args}");
        assert_eq!(found.iter().map(|layer| integer(layer, "/opcount")).sum::<u64>(), opcount, "{args}");
    });
}

/// As He et al. and the reference implementation count them, in thousands.
#[test]
fn the_deeper_networks() {
    let folder = Folder::new();
    for_each_case([("resnet32", 464_154), ("resnet44", 658_586), ("resnet56", 853_018)], |(name, parameters)| {
        let info = folder.json(&format!("model info {name}"));
        assert_eq!(integer(&info, "/model/parameters"), parameters, "{name}");
    });
}

#[test]
fn a_directory_is_described() {
    let (_, folder) = Tiny::folder(110);
    let info = folder.json("model info tiny");
    assert_eq!((text(&info, "/model/name"), text(&info, "/model/architecture")), ("tiny", "lenet5"));
    let hash = blake3::hash(&folder.read("tiny/model.safetensors")).to_hex();
    assert_eq!(text(&info, "/model/blake3"), hash.as_str());
    assert_eq!(info["model"]["input"], serde_json::json!([2, 12, 12]));
    let conv2 = &info["layers"][1];
    assert_eq!((text(conv2, "/name"), text(conv2, "/kind"), integer(conv2, "/fan_in")), ("conv2", "conv2d", 150));
    assert_eq!(conv2["weight_shape"], serde_json::json!([16, 6, 5, 5]));
    assert_eq!(conv2["output_shape"], serde_json::json!([16, 2, 2]));
    folder.refuses("model info tiny --num-classes 3", &["--num-classes", "tiny"]);
}

#[test]
fn info_in_every_format() {
    let folder = Folder::new();
    let rows = folder.run_to(0, "model info resnet8 --format csv").csv();
    let opcounts: u64 = rows[1..].iter().map(|row| row[2].parse::<u64>().unwrap()).sum();
    assert_eq!((rows.len(), rows[0][2].as_str(), opcounts), (11, "opcount", resnet8_by_hand()));
    let table = folder.run_to(0, "model info lenet5 -v").stdout;
    for part in ["61,706", "416,520", "conv1", "fc3", "120x400"] {
        assert!(table.contains(part), "{part}: {table}");
    }
}

#[test]
fn the_list_in_every_format() {
    let folder = Folder::new();
    let expected = [
        ("lenet5", true),
        ("resnet8", true),
        ("resnet20", false),
        ("resnet32", false),
        ("resnet44", false),
        ("resnet56", false),
        ("alexnet", false),
        ("vgg19_bn", false),
        ("resnet152", false),
        ("mobilenet_v3_small", false),
        ("convnext_tiny", false),
        ("deit_tiny", false),
        ("ds_cnn", true),
        ("vit_micro", true),
    ];
    let list = folder.json("model list");
    let rows = folder.run_to(0, "model list --format csv").csv();
    let table = folder.run_to(0, "model list").stdout;
    for (name, shipped) in expected {
        let entry = list["models"].as_array().unwrap().iter().find(|entry| entry["name"] == name);
        assert_eq!(entry.unwrap()["shipped"], shipped, "{name}");
        assert!(rows[1..].iter().any(|row| row[0] == name), "{name}");
        assert!(table.contains(name), "{name}");
    }
    assert_eq!(rows.len() - 1, list["models"].as_array().unwrap().len());
}

/// Shipped networks are listed with the input that their weights take, which `model info` gives too; an
/// architecture that usually takes another one is listed apart.
#[test]
fn shipped_networks_are_listed_with_their_own_input() {
    let folder = Folder::new();
    let list = folder.json("model list");
    let entries = || list["models"].as_array().unwrap().iter();
    let shipped: Vec<_> = entries().filter(|entry| entry["shipped"] == true).collect();
    assert_eq!(shipped.len(), 4);
    for entry in shipped {
        let info = folder.json(&format!("model info {}", entry["name"].as_str().unwrap()));
        assert_eq!(entry["input"], info["model"]["input"], "{entry}");
        assert_eq!(entry["num_classes"], info["model"]["num_classes"], "{entry}");
    }
    let of =
        |name: &str| entries().filter(|entry| entry["name"] == name).map(|entry| &entry["input"]).collect::<Vec<_>>();
    assert_eq!(of("ds_cnn"), [&serde_json::json!([1, 28, 28]), &serde_json::json!([1, 49, 10])]);
    assert_eq!(of("lenet5").len(), 1);
}
