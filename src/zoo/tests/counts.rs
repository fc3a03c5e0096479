//! Architectures against published and hand-computed counts.

use crate::cases::for_each_case;
use crate::zoo::Architecture;

/// Parameters and multiplications of one sample.
fn counts(name: &str, input: [usize; 3], classes: usize) -> (u64, u64) {
    let graph = Architecture::find(name).unwrap().build(input, classes, None).unwrap();
    (graph.trainable_parameters(), graph.layer_counts().iter().map(|product| product.opcount).sum())
}

/// Parameters and multiplications of a CIFAR ResNet of `6n + 2` layers, by the paper's table.
fn cifar_resnet(n: u64) -> (u64, u64) {
    // A 3 x 3 convolution without bias, its normalization's gain and beta, and its products.
    let conv =
        |inputs: u64, outputs: u64, side: u64| (9 * inputs * outputs + 2 * outputs, 9 * inputs * outputs * side * side);
    let stages = [(16, 16, 32), (16, 32, 16), (32, 64, 8)];
    let mut layers = vec![conv(3, 16, 32), (64 * 10 + 10, 64 * 10)];
    for (inputs, outputs, side) in stages {
        layers.push(conv(inputs, outputs, side));
        layers.extend((1..2 * n).map(|_| conv(outputs, outputs, side)));
    }
    layers.iter().fold((0, 0), |sum, layer| (sum.0 + layer.0, sum.1 + layer.1))
}

#[test]
fn counts_are_those_published_and_computed_by_hand() {
    // 5 * 5 * 6 + 6, 25 * 6 * 16 + 16, 400 * 120 + 120, 120 * 84 + 84, 84 * 10 + 10;
    // 28 * 28 * 6 * 25, 10 * 10 * 16 * 150, and the products of the linear layers.
    assert_eq!(counts("lenet5", [1, 28, 28], 10), (156 + 2416 + 48_120 + 10_164 + 850, 117_600 + 240_000 + 58_920));
    assert_eq!(counts("lenet5", [1, 28, 28], 10), (61_706, 416_520));
    // The MLPerf Tiny network has 78,666 with the running statistics of its 240 normalized channels.
    assert_eq!(counts("resnet8", [3, 32, 32], 10), (78_666 - 2 * 240, 12_501_632));
    // Ends of the names that akamaster's README publishes: 0.27, 0.46, 0.66 and 0.85 M.
    assert_eq!(counts("resnet20", [3, 32, 32], 10), (269_722, 40_551_040));
    for_each_case([("resnet20", 3), ("resnet32", 5), ("resnet44", 7), ("resnet56", 9)], |(name, n)| {
        assert_eq!(counts(name, [3, 32, 32], 10), cifar_resnet(n), "{name}");
    });
    // MLPerf Tiny's others: parameters but for running statistics, of which two a normalized channel.
    let (convolutions, separables) = (10 * 4 * 64 + 64, 4 * ((9 * 64 + 64) + (64 * 64 + 64)));
    let parameters = convolutions + separables + 9 * 2 * 64 + 64 * 12 + 12;
    let products = 25 * 5 * (40 * 64 + 4 * (9 * 64 + 64 * 64)) + 64 * 12;
    assert_eq!(counts("ds_cnn", [1, 49, 10], 12), (parameters, products));
    let outputs = [128, 128, 128, 128, 8, 128, 128, 128, 128];
    let inputs = [640, 128, 128, 128, 128, 8, 128, 128, 128];
    let products = inputs.iter().zip(outputs).map(|(i, o)| i * o).sum::<u64>() + 128 * 640;
    let parameters = products + 3 * outputs.iter().sum::<u64>() + 640;
    assert_eq!(counts("autoencoder", [1, 5, 128], 640), (parameters, products));
    // Pairs of a depthwise convolution of so many channels and a pointwise one to so many, on so many pixels.
    let pairs = [(8, 16, 48, 48), (16, 32, 48, 24), (32, 32, 24, 24), (32, 64, 24, 12), (64, 64, 12, 12)];
    let pairs = pairs.into_iter().chain([(64, 128, 12, 6)]).chain([(128, 128, 6, 6); 5]);
    let pairs: Vec<(u64, u64, u64, u64)> = pairs.chain([(128, 256, 6, 3), (256, 256, 3, 3)]).collect();
    let parameters = pairs.iter().map(|(i, o, ..)| (9 * i + 3 * i) + (i * o + 3 * o)).sum::<u64>();
    let products = pairs.iter().map(|(i, o, _, side)| (9 * i + i * o) * side * side).sum::<u64>();
    let (stem, head) = (27 * 8, 256 * 2);
    assert_eq!(
        counts("mobilenet_v1_025", [3, 96, 96], 2),
        (parameters + stem + 3 * 8 + head + 2, products + stem * 48 * 48 + head)
    );
    assert_eq!(counts("mobilenet_v1_025", [3, 96, 96], 2).1, 7_489_664);
    // Linear layers of ViT-B/16 over 197 tokens, 12 of each, around the patches and the head; and of 12
    // heads 64 wide, every token's query by every key, and the mix of their values.
    let (tokens, width) = (197, 768);
    let products = 196 * 768 * width + 12 * tokens * (3 + 1 + 4 + 4) * width * width + width * 1000;
    let products = products + 12 * 2 * 12 * tokens * tokens * 64;
    assert_eq!(counts("vit_b_16", [3, 224, 224], 1000).1, products);
    // 90 more classes: a row of 64 weights and a bias each.
    assert_eq!(counts("resnet20", [3, 32, 32], 100).0, 269_722 + 90 * 65);
}

#[test]
fn layers_are_named_as_modules() {
    let names = |name: &str| -> Vec<String> {
        let graph = Architecture::find(name).unwrap();
        let graph = graph.build(graph.input, graph.num_classes, None).unwrap();
        graph.layer_counts().into_iter().map(|product| product.name).collect()
    };
    assert_eq!(names("lenet5"), ["conv1", "conv2", "fc1", "fc2", "fc3"]);
    let resnet20 = names("resnet20");
    assert_eq!(resnet20.len(), 20);
    assert_eq!((resnet20[1].as_str(), resnet20[19].as_str()), ("layer1.0.conv1", "linear"));
    let resnet8 = names("resnet8");
    assert!(
        resnet8.contains(&"layer2.0.downsample.0".to_owned()) && !resnet8.contains(&"layer1.0.downsample.0".to_owned())
    );
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    for (name, input) in [("lenet5", [1, 8, 8]), ("lenet5", [0, 28, 28]), ("resnet20", [3, 0, 32])] {
        assert!(Architecture::find(name).unwrap().build(input, 10, None).is_err(), "{name} {input:?}");
    }
    let error = Architecture::find("resnet2").map(|found| found.name).unwrap_err();
    assert_eq!(error.names[..3], ["lenet5", "resnet8", "resnet20"]);
    let error = error.to_string();
    assert!(error.contains("'resnet2'") && error.contains("did you mean 'resnet20'"), "{error}");
}

/// Parameters and multiplications on 224 x 224 as torchvision's documentation of its weights has them
/// (`num_params`; `_ops`, in full where they are known), and DeiT's parameters as timm's has.
const PUBLISHED: [(&str, u64, Option<u64>); 29] = [
    ("alexnet", 61_100_840, Some(714_188_480)),
    ("vgg11", 132_863_336, None),
    ("vgg13", 133_047_848, None),
    ("vgg16", 138_357_544, Some(15_470_264_320)),
    ("vgg19", 143_667_240, None),
    ("vgg11_bn", 132_868_840, None),
    ("vgg13_bn", 133_053_736, None),
    ("vgg16_bn", 138_365_992, None),
    ("vgg19_bn", 143_678_248, None),
    ("resnet18", 11_689_512, Some(1_814_073_344)),
    ("resnet34", 21_797_672, None),
    ("resnet50", 25_557_032, Some(4_089_184_256)),
    ("resnet101", 44_549_160, None),
    ("resnet152", 60_192_808, None),
    ("resnext50_32x4d", 25_028_904, Some(4_230_479_872)),
    ("wide_resnet50_2", 68_883_240, None),
    ("squeezenet1_0", 1_248_424, None),
    ("squeezenet1_1", 1_235_496, Some(349_151_936)),
    ("densenet121", 7_978_856, Some(2_834_161_664)),
    ("mobilenet_v2", 3_504_872, Some(300_774_272)),
    ("mobilenet_v3_small", 2_542_856, None),
    ("mobilenet_v3_large", 5_483_032, Some(216_589_760)),
    ("mnasnet1_0", 4_383_312, Some(314_415_872)),
    ("efficientnet_b0", 5_288_548, Some(385_814_752)),
    ("shufflenet_v2_x1_0", 2_278_604, Some(144_907_992)),
    ("convnext_tiny", 28_589_128, Some(4_455_531_264)),
    ("vit_b_16", 86_567_656, None),
    ("deit_tiny", 5_717_416, None),
    // Howard et al. have 4.2 million and 569 million.
    ("mobilenet_v1", 4_231_976, Some(568_740_352)),
];

#[test]
fn counts_are_those_published() {
    let failed: Vec<String> = PUBLISHED
        .iter()
        .filter_map(|&(name, parameters, opcount)| {
            let found = counts(name, [3, 224, 224], 1000);
            let expected = (parameters, opcount.unwrap_or(found.1));
            (found != expected).then(|| format!("{name}: {found:?}, expected {expected:?}"))
        })
        .collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
