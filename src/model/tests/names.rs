//! Names of parameters under the naming of each library, and networks recognized by them.

use crate::cases::for_each_case;
use crate::graph::Graph;
use crate::model::{DetectError, Weights, detect};
use crate::zoo::{ARCHITECTURES, Architecture};
use candle_core::{DType, Device, Tensor};
use std::collections::{BTreeMap, BTreeSet};

fn weights(tensors: BTreeMap<String, Tensor>) -> Weights {
    Weights { tensors, fake_quantizers: BTreeMap::new(), notes: Vec::new(), blake3: String::new() }
}

/// The graph that is built when the weights have a tensor of this name.
fn built_with(architecture: &str, marker: &str) -> Graph {
    let scalar = Tensor::zeros((), DType::F32, &Device::Cpu).unwrap();
    let architecture = Architecture::find(architecture).unwrap();
    let weights = weights(BTreeMap::from([(marker.to_owned(), scalar)]));
    architecture.build(architecture.input, architecture.num_classes, Some(&weights.tensors)).unwrap()
}

fn parameters(graph: &Graph) -> BTreeSet<&str> {
    graph.parameters().map(|id| graph.value_name(id)).collect()
}

/// A tensor for every parameter, of its shape but without its memory.
fn state_dict(graph: &Graph) -> Weights {
    let zero = Tensor::zeros(1, DType::F32, &Device::Cpu).unwrap();
    let tensor = |id| (graph.value_name(id).to_owned(), zero.broadcast_as(graph.ty(id).sizes(1)).unwrap());
    weights(graph.parameters().map(tensor).collect())
}

/// Another library's names: what tells them, and some of the rest.
const OTHERS: [(&str, &str, &[&str]); 9] = [
    (
        "mobilenetv1_100",
        "conv_stem.weight",
        &["bn1.running_mean", "blocks.0.0.conv_dw.weight", "blocks.3.5.conv_pw.weight", "blocks.4.1.bn2.bias"],
    ),
    (
        "mobilenetv2_100",
        "conv_stem.weight",
        &["blocks.0.0.conv_pw.weight", "blocks.1.0.conv_pwl.weight", "blocks.6.0.bn3.weight", "conv_head.weight"],
    ),
    (
        "mobilenetv3_large_100",
        "conv_stem.weight",
        &["blocks.2.0.se.conv_reduce.bias", "blocks.6.0.conv.weight", "conv_head.bias", "classifier.weight"],
    ),
    ("mobilenetv3_small_100", "conv_stem.weight", &["blocks.0.0.se.conv_expand.weight", "blocks.5.0.bn1.weight"]),
    ("mnasnet_100", "conv_stem.weight", &["blocks.1.2.conv_pw.weight", "bn2.weight", "classifier.bias"]),
    ("efficientnet_b0", "conv_stem.weight", &["blocks.0.0.se.conv_reduce.weight", "blocks.6.0.conv_pwl.weight"]),
    ("convnext_tiny", "stem.0.weight", &["stages.1.downsample.1.weight", "stages.2.blocks.8.gamma", "head.fc.bias"]),
    (
        "vit_base_patch16_224",
        "cls_token",
        &["pos_embed", "patch_embed.proj.weight", "blocks.11.attn.qkv.bias", "blocks.0.mlp.fc2.weight", "head.bias"],
    ),
    (
        "densenet121",
        "features.denseblock1.denselayer1.norm.1.weight",
        &["features.denseblock1.denselayer1.conv.2.weight"],
    ),
];

#[test]
fn other_names_are_of_the_same_network() {
    for_each_case(OTHERS, |(architecture, marker, names)| {
        let graph = built_with(architecture, marker);
        let found = parameters(&graph);
        for name in [&[marker], names].concat() {
            assert!(found.contains(name), "{architecture}: no {name} in {found:?}");
        }
        let own = Architecture::find(architecture).unwrap();
        let own = own.build(own.input, own.num_classes, None).unwrap();
        assert_eq!(graph.trainable_parameters(), own.trainable_parameters(), "{architecture}");
        assert_eq!(
            graph.layer_counts().iter().map(|product| product.opcount).sum::<u64>(),
            own.layer_counts().iter().map(|product| product.opcount).sum::<u64>(),
            "{architecture}"
        );
    });
}

/// torchvision's own names, where no weights say otherwise.
#[test]
fn own_names_are_torchvisions() {
    let cases = [
        ("alexnet", &["features.10.weight", "classifier.6.bias"][..]),
        ("vgg11", &["features.18.weight", "classifier.0.weight"]),
        ("vgg16_bn", &["features.41.running_var", "features.40.bias"]),
        ("resnext50_32x4d", &["layer4.2.conv3.weight", "layer1.0.downsample.1.bias"]),
        ("squeezenet1_0", &["features.12.expand3x3.bias", "classifier.1.weight"]),
        ("squeezenet1_1", &["features.12.squeeze.weight", "features.3.expand1x1.weight"]),
        ("densenet121", &["features.denseblock4.denselayer16.conv2.weight", "features.transition3.norm.weight"]),
        ("mobilenet_v2", &["features.1.conv.0.0.weight", "features.17.conv.3.bias", "features.18.1.weight"]),
        ("mobilenet_v3_small", &["features.1.block.1.fc1.bias", "features.12.0.weight", "classifier.3.weight"]),
        ("mobilenet_v3_large", &["features.4.block.2.fc2.weight", "features.16.1.running_mean", "classifier.0.bias"]),
        ("mnasnet1_0", &["layers.7.bias", "layers.12.3.layers.6.weight", "layers.14.weight", "classifier.1.bias"]),
        (
            "efficientnet_b0",
            &["features.1.0.block.1.fc1.weight", "features.6.3.block.3.1.weight", "features.8.0.weight"],
        ),
        ("shufflenet_v2_x1_0", &["stage2.0.branch1.3.weight", "stage4.3.branch2.5.weight", "conv5.1.running_var"]),
        ("convnext_tiny", &["features.3.2.block.5.bias", "features.7.0.layer_scale", "classifier.0.weight"]),
        (
            "vit_b_16",
            &["class_token", "encoder.layers.encoder_layer_11.self_attention.in_proj_bias", "heads.head.weight"],
        ),
    ];
    for_each_case(cases, |(architecture, names)| {
        let own = Architecture::find(architecture).unwrap();
        let graph = own.build(own.input, own.num_classes, None).unwrap();
        let found = parameters(&graph);
        for name in names {
            assert!(found.contains(name), "{architecture}: no {name} in {found:?}");
        }
    });
}

#[test]
fn every_network_is_recognised_by_its_weights() {
    for architecture in &ARCHITECTURES {
        // The input channels and the classes are what the weights say.
        for (channels, classes) in [(architecture.input[0], architecture.num_classes), (2, 37)] {
            let [_, height, width] = architecture.input;
            let graph = architecture.build([channels, height, width], classes, None).unwrap();
            // Nothing tells the channels of a network whose first layer is linear.
            if channels == architecture.input[0] || architecture.name != "autoencoder" {
                assert_eq!(detect(&state_dict(&graph)).unwrap().name, architecture.name);
            }
        }
    }
    for (architecture, marker, _) in OTHERS {
        let graph = built_with(architecture, marker);
        // One old name makes the names of one layer of DenseNet old, the others are new.
        if architecture != "densenet121" {
            let expected = Architecture::find(architecture).unwrap().name;
            assert_eq!(detect(&state_dict(&graph)).unwrap().name, expected);
        }
    }
}

#[test]
fn near_misses_name_the_nearest() {
    let resnet18 = Architecture::find("resnet18").unwrap();
    let mut dict = state_dict(&resnet18.build(resnet18.input, 10, None).unwrap());
    let conv = dict.tensors.remove("layer3.1.conv2.weight").unwrap();
    dict.tensors.insert("layer3.1.conv3.weight".to_owned(), conv);
    let Err(DetectError::Unknown { nearest }) = detect(&dict) else { panic!("a tensor is missing") };
    assert_eq!(nearest[0], "resnet18 (2 differ)");
    assert!(detect(&weights(BTreeMap::new())).is_err());
}
