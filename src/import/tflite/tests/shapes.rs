//! Operators that move numbers, and those along axes: each in the file's order, whatever the graph's is.

use super::writer::{Net, Table, conv};
use super::{kinds, network, ramp, run};
use crate::cases::for_each_case;

/// A convolution that makes channels `x` and `100 x` of images of one, and what follows it.
fn after_conv(size: [i32; 2], follow: impl FnOnce(&mut Net, i32) -> i32) -> Net {
    let mut net = Net::new();
    let x = net.value("input", &[1, size[0], size[1], 1]);
    let w = net.floats("net/conv/Conv2D", &[2, 1, 1, 1], &[1.0, 100.0]);
    let y = net.value("net/conv/BiasAdd", &[1, size[0], size[1], 2]);
    net.operator(3, &[x, w], y, Some(conv(1, [1, 1], 0, [1, 1])));
    let output = follow(&mut net, y);
    (net.inputs, net.outputs) = (vec![x], vec![output]);
    net
}

/// Adds a reshape to `[-1, count]`.
fn flatten(net: &mut Net, x: i32, count: i32) -> i32 {
    let (sizes, y) = (net.ints("sizes", &[2], &[-1, count]), net.value("flat", &[1, count]));
    net.operator(22, &[x, sizes], y, None);
    y
}

/// What a chain of operators does to pixels 0, 1, 2, 3 of a 2 x 2 image.
#[test]
fn numbers_are_in_the_files_order() {
    type Follow = fn(&mut Net, i32) -> i32;
    let cases: [(&str, Follow, &[f32], &[&str]); 9] = [
        (
            "reshape",
            |net, x| flatten(net, x, 8),
            &[0.0, 0.0, 1.0, 100.0, 2.0, 200.0, 3.0, 300.0],
            &["transpose", "reshape"],
        ),
        (
            // [N, H, W, C] to [N, C, W, H]: columns of channels.
            "transpose",
            |net, x| {
                let (order, y) = (net.ints("order", &[4], &[0, 3, 2, 1]), net.value("t", &[1, 2, 2, 2]));
                net.operator(39, &[x, order], y, None);
                flatten(net, y, 8)
            },
            &[0.0, 2.0, 1.0, 3.0, 0.0, 200.0, 100.0, 300.0],
            &["transpose", "reshape"],
        ),
        (
            // To the graph's own order, which takes nothing.
            "transpose to channels first",
            |net, x| {
                let (order, y) = (net.ints("order", &[4], &[0, 3, 1, 2]), net.value("t", &[1, 2, 2, 2]));
                net.operator(39, &[x, order], y, None);
                flatten(net, y, 8)
            },
            &[0.0, 1.0, 2.0, 3.0, 0.0, 100.0, 200.0, 300.0],
            &["reshape"],
        ),
        (
            "mean over positions",
            |net, x| {
                let (axes, y) = (net.ints("axes", &[2], &[1, 2]), net.value("m", &[1, 2]));
                net.operator(40, &[x, axes], y, Some((27, Table::new())));
                y
            },
            &[1.5, 150.0],
            &["reduce_mean"],
        ),
        (
            "mean over positions that stay, squeezed",
            |net, x| {
                let (axes, y) = (net.ints("axes", &[2], &[1, -2]), net.value("m", &[1, 1, 1, 2]));
                net.operator(40, &[x, axes], y, Some((27, Table::new().byte(0, 1))));
                let z = net.value("s", &[1, 2]);
                net.operator(43, &[y], z, Some((30, Table::new().ints(0, &[1, 2]))));
                z
            },
            &[1.5, 150.0],
            &["reduce_mean", "reshape"],
        ),
        (
            "sum over rows",
            |net, x| {
                let (axes, y) = (net.ints("axes", &[1], &[1]), net.value("m", &[1, 2, 2]));
                net.operator(74, &[x, axes], y, Some((27, Table::new())));
                flatten(net, y, 4)
            },
            &[2.0, 200.0, 4.0, 400.0],
            &["transpose", "reduce_sum", "reshape"],
        ),
        (
            "largest channel",
            |net, x| {
                let (axes, y) = (net.ints("axes", &[1], &[3]), net.value("m", &[1, 2, 2, 1]));
                net.operator(82, &[x, axes], y, Some((27, Table::new().byte(0, 1))));
                flatten(net, y, 4)
            },
            &[0.0, 100.0, 200.0, 300.0],
            &["reduce_max", "reshape"],
        ),
        (
            "concatenation of columns",
            |net, x| {
                let y = net.value("c", &[1, 2, 4, 2]);
                net.operator(2, &[x, x], y, Some((10, Table::new().int(0, 2))));
                flatten(net, y, 16)
            },
            &[0.0, 0.0, 1.0, 100.0, 0.0, 0.0, 1.0, 100.0, 2.0, 200.0, 3.0, 300.0, 2.0, 200.0, 3.0, 300.0],
            &["concat", "transpose", "reshape"],
        ),
        (
            "padding before channels, after rows",
            |net, x| {
                let sizes = net.ints("pad", &[4, 2], &[0, 0, 0, 1, 0, 0, 1, 0]);
                let number = net.floats("number", &[1], &[7.0]);
                let y = net.value("p", &[1, 3, 2, 3]);
                net.operator(60, &[x, sizes, number], y, None);
                flatten(net, y, 18)
            },
            &[7.0, 0.0, 0.0, 7.0, 1.0, 100.0, 7.0, 2.0, 200.0, 7.0, 3.0, 300.0, 7.0, 7.0, 7.0, 7.0, 7.0, 7.0],
            &["pad", "transpose", "reshape"],
        ),
    ];
    for_each_case(cases, |(name, follow, expected, then)| {
        let net = network(after_conv([2, 2], follow));
        assert_eq!(run(&net, 1, &ramp(4)), [expected], "{name}");
        assert_eq!(kinds(&net)[1..], *then, "{name}");
        // The batch is open.
        assert_eq!(run(&net, 3, &[ramp(4), vec![0.0; 4], ramp(4)].concat())[2], expected, "{name}");
    });
}

/// Constants that broadcast along the file's axes: channels, and rows.
#[test]
fn constants_broadcast_along_the_files_axes() {
    let cases: [(&[i32], &[f32], [f32; 8]); 4] = [
        (&[2], &[1.0, 2.0], [1.0, 2.0, 2.0, 102.0, 3.0, 202.0, 4.0, 302.0]),
        (&[1, 2, 1, 1], &[1.0, 2.0], [1.0, 1.0, 2.0, 101.0, 4.0, 202.0, 5.0, 302.0]),
        (&[2, 1], &[1.0, 2.0], [1.0, 1.0, 3.0, 102.0, 3.0, 201.0, 5.0, 302.0]),
        (&[], &[5.0], [5.0, 5.0, 6.0, 105.0, 7.0, 205.0, 8.0, 305.0]),
    ];
    for_each_case(cases, |(shape, numbers, expected)| {
        let net = network(after_conv([2, 2], |net, x| {
            let (c, y) = (net.floats("c", shape, numbers), net.value("net/add/add", &[1, 2, 2, 2]));
            net.operator(0, &[x, c], y, Some((11, Table::new())));
            flatten(net, y, 8)
        }));
        assert_eq!(run(&net, 1, &ramp(4)), [expected]);
        assert_eq!(kinds(&net), ["conv2d", "add", "transpose", "reshape"]);
    });
}

/// Sizes that are computed from a value's own, as Keras's Reshape and Flatten are converted.
#[test]
fn sizes_may_be_computed() {
    let net = network(after_conv([2, 3], |net, x| {
        let whole = net.ints("whole", &[4], &[0, 0, 0, 0]);
        net.operator(77, &[x], whole, None);
        let [begin, end, step] = [[0], [1], [1]].map(|at| net.ints("at", &[1], &at));
        let batch = net.ints("batch", &[1], &[0]);
        let slice = Table::new().int(0, 0).int(1, 0).int(4, 1);
        net.operator(45, &[whole, begin, end, step], batch, Some((32, slice)));
        let (rest, sizes) = (net.ints("rest", &[], &[12]), net.ints("sizes", &[2], &[0, 0]));
        net.operator(83, &[batch, rest], sizes, Some((59, Table::new().int(0, 2))));
        let y = net.value("flat", &[1, 12]);
        net.operator(22, &[x, sizes], y, None);
        y
    }));
    assert_eq!(
        run(&net, 2, &ramp(12))[1],
        [6.0, 600.0, 7.0, 700.0, 8.0, 800.0, 9.0, 900.0, 10.0, 1000.0, 11.0, 1100.0]
    );
    assert!(net.notes.is_empty(), "{:?}", net.notes);
}

/// A reshape that merges samples with something else leaves no batch open.
#[test]
fn samples_run_one_by_one_where_they_must() {
    let net = network(after_conv([2, 2], |net, x| {
        let (order, y) = (net.ints("order", &[4], &[1, 0, 2, 3]), net.value("t", &[2, 1, 2, 2]));
        net.operator(39, &[x, order], y, None);
        let (sizes, z) = (net.ints("sizes", &[3], &[2, 2, 2]), net.value("r", &[2, 2, 2]));
        net.operator(22, &[y, sizes], z, None);
        let (axes, w) = (net.ints("axes", &[1], &[0]), net.value("m", &[2, 2]));
        net.operator(74, &[z, axes], w, Some((27, Table::new())));
        let (sizes, v) = (net.ints("sizes", &[2], &[1, 4]), net.value("r", &[1, 4]));
        net.operator(22, &[w, sizes], v, None);
        v
    }));
    assert_eq!(run(&net, 1, &ramp(4)), [[2.0, 200.0, 4.0, 400.0]]);
    assert!(net.notes[0].contains("samples run one by one"), "{:?}", net.notes);
}

/// A file whose constants have a batch size of 4.
#[test]
fn a_batch_size_of_the_file_is_left_open() {
    let mut net = Net::new();
    let x = net.value("input", &[4, 2, 3]);
    let (sizes, y) = (net.ints("sizes", &[2], &[4, 6]), net.value("flat", &[4, 6]));
    net.operator(22, &[x, sizes], y, None);
    (net.inputs, net.outputs) = (vec![x], vec![y]);
    let net = network(net);
    let images = candle_core::Tensor::from_vec(ramp(12), (2, 2, 1, 3), &candle_core::Device::Cpu).unwrap();
    assert_eq!(net.input, [2, 1, 3]);
    assert_eq!(net.graph.run(&[images], 0).unwrap()[0].to_vec2::<f32>().unwrap()[1], ramp(12)[6..]);
}

/// An input has channels last whatever its sizes are.
#[test]
fn inputs_have_channels_last() {
    let mut net = Net::new();
    let x = net.value("input", &[1, 3, 2, 5]);
    let y = flatten(&mut net, x, 30);
    (net.inputs, net.outputs) = (vec![x], vec![y]);
    let net = network(net);
    assert_eq!((net.input, net.own_shape.as_deref(), net.channels_last), ([5, 3, 2], Some(&[3, 2, 5][..]), true));
    assert_eq!(run(&net, 1, &ramp(30)), [ramp(30)]);
}
