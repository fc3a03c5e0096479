//! Files of integers: grids of values, and the integers that layers multiply.

use super::writer::{Net, Table, Type, conv, small};
use super::{kinds, network, run};
use crate::cases::for_each_case;
use crate::import::tflite::{ImportOptions, from_bytes};
use crate::kernel::Rounding;
use crate::quant::{Grid, IntRange};

/// The grids of a network's nodes that round.
fn grids(network: &super::Network) -> Vec<Grid> {
    let outputs = network.graph.nodes().iter().filter(|node| node.op().kind() == "fake_quantize");
    outputs.filter_map(|node| network.graph.ty(node.outputs()[0]).element.quantization()).collect()
}

#[test]
fn layers_multiply_the_files_integers() {
    let network = from_bytes(&small(), &ImportOptions::default()).unwrap();
    let params = &network.params.as_ref().unwrap().layers;
    assert_eq!(params.keys().collect::<Vec<_>>(), ["conv", "dense"]);
    let conv = &params["conv"];
    assert_eq!((conv.input.scale(), conv.input.zero_point()), (0.5, -3));
    assert_eq!((conv.weight.scales(), conv.weight.zero_points()), (&[0.25, 0.5][..], &[0, 0][..]));
    assert_eq!(conv.bias.as_deref(), Some(&[5, -6][..]));
    // The range of the RELU that was fused into the convolution goes through the pooling and the reshape.
    let dense = &params["dense"];
    assert_eq!((dense.input.scale(), dense.input.zero_point()), (0.75, -128));
    assert_eq!(dense.input.range(), IntRange::new(-128, 127).unwrap());
    assert_eq!(dense.bias.as_deref(), Some(&[1, 2, 3][..]));
    assert_eq!(
        kinds(&network),
        ["fake_quantize", "conv2d", "fake_quantize", "max_pool", "transpose", "reshape", "linear", "fake_quantize"]
    );
    let roundings = network.roundings.as_ref().unwrap();
    assert_eq!([roundings.of("conv", None), roundings.of("dense", None)], [Rounding::Twice, Rounding::Real]);
    let steps: Vec<(f32, i32)> = grids(&network).iter().map(|grid| (grid.scale(), grid.zero_point())).collect();
    assert_eq!(steps, [(0.5, -3), (0.75, -128), (1.5, 4)]);
    assert!(network.notes.iter().any(|note| note.contains("of integers: dequantized")), "{:?}", network.notes);
}

/// `y = round((sum (x - z_x) w + b) s_x s_w / s_y) + z_y`, by hand: x = [3, -5] of scale 0.5 and zero point -1, so
/// [4, -4] steps; weights [2, 1] of scale 0.25: a sum of 4, and 7 with the bias; 0.875 real, of scale 0.5 two steps
/// (1.75, to the nearest), and so 1 + 2 = 3.
#[test]
fn a_hand_computed_integer() {
    let mut net = Net::new();
    let x = net.grid("input", &[1, 2], 0.5, -1);
    let w = net.signed("net/fc/MatMul", &[1, 2], (&[0.25], &[0], 0), &[2, 1]);
    let b = net.ints("net/fc/BiasAdd", &[1], &[3]);
    let y = net.grid("net/fc/out", &[1, 1], 0.5, 1);
    net.operator(9, &[x, w, b], y, Some((8, Table::new())));
    (net.inputs, net.outputs) = (vec![x], vec![y]);
    // Numbers of the integers 3 and -5, and some that round to them.
    let net = network(net);
    let expected = (3 - 1) as f32 * 0.5;
    assert_eq!(run(&net, 2, &[2.0, -2.0, 2.2, -1.8]), [[expected], [expected]]);
}

/// The integers that activations leave: bounds by the output's own scale and zero point.
#[test]
fn activations_narrow_the_range() {
    // Activation, scale and zero point of the output, the expected range.
    let cases = [
        (0, 0.1, 3, [-128, 127]),
        (1, 0.1, 3, [3, 127]),
        (1, 0.1, -128, [-128, 127]),
        (2, 0.1, 3, [-7, 13]),
        // 6 / 0.08 is 75, and 6 / 0.1 is 60.
        (3, 0.08, -10, [-10, 65]),
        (3, 0.1, -128, [-128, -68]),
        // 6 / 0.05 is 120, beyond the end.
        (3, 0.05, 20, [20, 127]),
        // 1 / 0.4 is 2.5: away from zero.
        (2, 0.4, 0, [-3, 3]),
    ];
    for_each_case(cases, |(activation, scale, zero_point, expected)| {
        let mut net = Net::new();
        let x = net.grid("input", &[1, 1, 1, 1], 0.5, 0);
        let w = net.signed("net/conv/Conv2D", &[1, 1, 1, 1], (&[0.5], &[0], 0), &[3]);
        let y = net.grid("net/conv/out", &[1, 1, 1, 1], scale, zero_point);
        net.operator(3, &[x, w], y, conv(0, [1, 1], activation, [1, 1]));
        (net.inputs, net.outputs) = (vec![x], vec![y]);
        let grid = grids(&network(net))[1];
        assert_eq!([grid.q_min(), grid.q_max()], expected);
    });
}

/// Four bits, two to a byte with the lower bits first, and unsigned bytes with a zero point.
#[test]
fn weights_of_other_types() {
    // The range is that of the integers.
    let cases: [(Type, &[u8], i64, [i32; 2]); 2] =
        [(Type::Nibble, &[0x93, 0x07], 0, [-7, 7]), (Type::Unsigned, &[131, 121, 135], 128, [121, 135])];
    for_each_case(cases, |(ty, data, zero_point, [q_min, q_max])| {
        let mut net = Net::new();
        let x = net.grid("input", &[1, 3], 1.0, 0);
        let w = net.tensor("net/fc/MatMul", (ty, &[1, 3]), Some((&[0.5], &[zero_point], 0)), Some(data));
        let y = net.grid("net/fc/out", &[1, 1], 0.5, 0);
        net.operator(9, &[x, w, -1], y, Some((8, Table::new())));
        (net.inputs, net.outputs) = (vec![x], vec![y]);
        let net = network(net);
        // Steps 3, -7, 7.
        assert_eq!(run(&net, 3, &[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]), [[1.5], [-3.5], [3.5]]);
        let params = net.params.unwrap();
        assert_eq!(params.layers["fc"].weight.range(), IntRange::new(q_min, q_max).unwrap());
    });
}

/// Real numbers in and out, integers between.
#[test]
fn integers_may_be_inside() {
    let mut net = Net::new();
    let x = net.value("input", &[1, 2]);
    let q = net.grid("quantized", &[1, 2], 0.5, 0);
    net.operator(114, &[x], q, None);
    let w = net.signed("net/fc/MatMul", &[1, 2], (&[1.0], &[0], 0), &[1, 2]);
    let y = net.grid("net/fc/out", &[1, 1], 0.25, 0);
    net.operator(9, &[q, w, -1], y, Some((8, Table::new())));
    let z = net.value("output", &[1, 1]);
    net.operator(6, &[y], z, None);
    (net.inputs, net.outputs) = (vec![x], vec![z]);
    let net = network(net);
    assert_eq!(run(&net, 1, &[0.6, 1.1]), [[0.5 + 2.0 * 1.0]]);
    assert_eq!(kinds(&net), ["reshape", "quantize", "linear", "fake_quantize"]);
    assert_eq!(net.params.unwrap().layers["fc"].input.scale(), 0.5);
}
