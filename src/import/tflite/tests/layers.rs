//! Layers of real numbers, beside hand computed values and naive loops over the file's own order of axes.

use super::writer::{Net, Table, Type, conv};
use super::{kinds, layers, network, ramp, run};
use crate::cases::for_each_case;

/// A network of one operator on an input of a shape, with further inputs that are added first.
fn single(
    input: &[i32],
    output: &[i32],
    code: i32,
    options: Option<(u8, Table)>,
    add: impl Fn(&mut Net, i32) -> Vec<i32>,
) -> Net {
    let mut net = Net::new();
    let x = net.value("input", input);
    let inputs = add(&mut net, x);
    let y = net.value("net/layer/Out", output);
    net.operator(code, &inputs, y, options);
    (net.inputs, net.outputs) = (vec![x], vec![y]);
    net
}

/// A network whose output is made a vector of `count` numbers by a reshape.
fn flat(mut net: Net, count: i32) -> Net {
    let sizes = net.ints("sizes", &[2], &[-1, count]);
    let y = net.value("flat", &[1, count]);
    net.operator(22, &[net.outputs[0], sizes], y, None);
    net.outputs = vec![y];
    net
}

/// Height and width, and a number of each position and channel.
struct Image<'a> {
    size: [usize; 2],
    channels: usize,
    numbers: &'a [f32],
}

impl Image<'_> {
    fn at(&self, y: isize, x: isize, channel: usize) -> f32 {
        let inside = |at: isize, size: usize| usize::try_from(at).ok().filter(|&at| at < size);
        match (inside(y, self.size[0]), inside(x, self.size[1])) {
            (Some(y), Some(x)) => self.numbers[(y * self.size[1] + x) * self.channels + channel],
            _ => 0.0,
        }
    }
}

/// Size and padding before an axis, as TensorFlow has them.
fn windows(size: usize, kernel: usize, stride: usize, dilation: usize, is_same: bool) -> (usize, isize) {
    let span = (kernel - 1) * dilation + 1;
    if is_same {
        let count = size.div_ceil(stride);
        (count, (((count - 1) * stride + span) as isize - size as isize).max(0) / 2)
    } else {
        ((size - span) / stride + 1, 0)
    }
}

/// Convolutions with any padding, stride and dilation are sums over the file's own axes.
#[test]
fn convolutions_are_sums_over_taps() {
    // Image, kernel, stride, dilation, whether padding is SAME.
    let cases = [
        ([5, 4], [3, 3], [1, 1], [1, 1], true),
        ([5, 4], [3, 2], [2, 2], [1, 1], true),
        ([6, 5], [2, 3], [2, 1], [1, 1], false),
        ([7, 6], [3, 3], [1, 1], [2, 1], true),
        ([7, 6], [3, 2], [1, 1], [2, 3], false),
        ([4, 4], [1, 1], [3, 2], [1, 1], true),
    ];
    for_each_case(cases, |(size, kernel, stride, dilation, is_same)| {
        let numbers: Vec<f32> = (0..size[0] * size[1] * 2).map(|i| (i * 7 % 11) as f32 - 5.0).collect();
        let image = Image { size, channels: 2, numbers: &numbers };
        let [(height, top), (width, left)] =
            [0, 1].map(|axis| windows(size[axis], kernel[axis], stride[axis], dilation[axis], is_same));
        let int = |size: usize| size as i32;
        let taps = kernel[0] * kernel[1];
        let sum = |y: usize, x: usize, term: &dyn Fn(usize, f32, usize) -> f32| {
            let mut sum = 0.0;
            for tap in 0..taps {
                let row = (y * stride[0] + tap / kernel[1] * dilation[0]) as isize - top;
                let column = (x * stride[1] + tap % kernel[1] * dilation[1]) as isize - left;
                sum += (0..2).map(|channel| term(tap, image.at(row, column, channel), channel)).sum::<f32>();
            }
            sum
        };
        // CONV_2D with weights [out, height, width, in] and a bias.
        let weight: Vec<f32> = (0..3 * taps * 2).map(|i| (i * 5 % 9) as f32 - 4.0).collect();
        let options = Some(conv(u8::from(!is_same), stride.map(int), 0, dilation.map(int)));
        let output = [1, int(height), int(width), 3];
        let net = single(&[1, int(size[0]), int(size[1]), 2], &output, 3, options, |net, x| {
            let w = net.floats("net/layer/Conv2D", &[3, int(kernel[0]), int(kernel[1]), 2], &weight);
            vec![x, w, net.floats("net/layer/BiasAdd", &[3], &[1.0, 2.0, 3.0])]
        });
        let expected: Vec<f32> = (0..height * width * 3)
            .map(|i| {
                let (y, x, o) = (i / 3 / width, i / 3 % width, i % 3);
                sum(y, x, &|tap, number, channel| weight[(o * taps + tap) * 2 + channel] * number) + 1.0 + o as f32
            })
            .collect();
        let net = network(flat(net, int(height * width * 3)));
        assert_eq!(run(&net, 1, &numbers), [expected], "CONV_2D");
        assert_eq!(layers(&net), ["layer"]);
        // DEPTHWISE_CONV_2D with weights [1, height, width, 2 * in].
        let weight: Vec<f32> = (0..taps * 4).map(|i| (i * 3 % 7) as f32 - 3.0).collect();
        let [vertical, horizontal] = stride.map(int);
        let options = Table::new().byte(0, u8::from(!is_same)).int(1, horizontal).int(2, vertical).int(3, 2);
        let options = options.int(5, int(dilation[1])).int(6, int(dilation[0]));
        let output = [1, int(height), int(width), 4];
        let net = single(&[1, int(size[0]), int(size[1]), 2], &output, 4, Some((2, options)), |net, x| {
            vec![x, net.floats("net/layer/depthwise", &[1, int(kernel[0]), int(kernel[1]), 4], &weight)]
        });
        let expected: Vec<f32> = (0..height * width * 4)
            .map(|i| {
                let (y, x, o) = (i / 4 / width, i / 4 % width, i % 4);
                let own = |tap: usize, number: f32, channel: usize| {
                    if channel == o / 2 { weight[tap * 4 + o] * number } else { 0.0 }
                };
                sum(y, x, &own)
            })
            .collect();
        let net = network(flat(net, int(height * width * 4)));
        assert_eq!(run(&net, 1, &numbers), [expected], "DEPTHWISE_CONV_2D");
    });
}

/// Transposed convolutions scatter each input over the output, whose size the file states.
#[test]
fn transposed_convolutions_scatter() {
    // Image, kernel, stride, output, whether padding is SAME.
    let cases = [
        ([3, 2], [3, 3], [2, 2], [6, 4], true),
        ([3, 3], [2, 2], [2, 2], [6, 6], false),
        ([2, 3], [3, 2], [1, 1], [2, 3], true),
        ([2, 2], [2, 2], [3, 3], [6, 6], true),
        ([3, 3], [3, 3], [2, 2], [5, 5], true),
    ];
    for_each_case(cases, |(size, kernel, stride, output, is_same)| {
        let numbers: Vec<f32> = (0..size[0] * size[1] * 2).map(|i| (i * 7 % 11) as f32 - 5.0).collect();
        let weight: Vec<f32> = (0..3 * kernel[0] * kernel[1] * 2).map(|i| (i * 5 % 9) as f32 - 4.0).collect();
        let before = [0, 1].map(|axis| windows(output[axis], kernel[axis], stride[axis], 1, is_same).1);
        let mut expected = vec![0.0; output[0] * output[1] * 3];
        for (i, &number) in numbers.iter().enumerate() {
            let (y, x, channel) = (i / 2 / size[1], i / 2 % size[1], i % 2);
            for tap in 0..kernel[0] * kernel[1] {
                let row = (y * stride[0] + tap / kernel[1]) as isize - before[0];
                let column = (x * stride[1] + tap % kernel[1]) as isize - before[1];
                let inside = |at: isize, size: usize| usize::try_from(at).ok().filter(|&at| at < size);
                let (Some(row), Some(column)) = (inside(row, output[0]), inside(column, output[1])) else { continue };
                for o in 0..3 {
                    let weight = weight[(o * kernel[0] * kernel[1] + tap) * 2 + channel];
                    expected[(row * output[1] + column) * 3 + o] += weight * number;
                }
            }
        }
        let int = |size: usize| size as i32;
        let [vertical, horizontal] = stride.map(int);
        let options = Table::new().byte(0, u8::from(!is_same)).int(1, horizontal).int(2, vertical);
        let shape = [1, int(output[0]), int(output[1]), 3];
        let net = single(&[1, int(size[0]), int(size[1]), 2], &shape, 67, Some((49, options)), |net, x| {
            let sizes = net.ints("sizes", &[4], &shape);
            let name = "net/conv2d_transpose/conv2d_transpose";
            vec![sizes, net.floats(name, &[3, int(kernel[0]), int(kernel[1]), 2], &weight), x]
        });
        let net = network(flat(net, int(output[0] * output[1] * 3)));
        assert_eq!(run(&net, 1, &numbers), [expected]);
        assert_eq!(layers(&net), ["conv2d_transpose"]);
    });
}

/// `[N, 2, 2]` of two channels: rows of a fully connected layer are in the file's order.
#[test]
fn fully_connected_layers_read_the_files_order() {
    let weight: Vec<f32> = ramp(8);
    let net = |reshaped: bool| {
        let mut net = Net::new();
        let x = net.value("input", &[1, 2, 2, 1]);
        let w = net.floats("net/conv/Conv2D", &[2, 1, 1, 1], &[1.0, 10.0]);
        let y = net.value("net/conv/BiasAdd", &[1, 2, 2, 2]);
        net.operator(3, &[x, w], y, Some(conv(1, [1, 1], 0, [1, 1])));
        let flat = if reshaped {
            let sizes = net.ints("sizes", &[2], &[-1, 8]);
            let flat = net.value("flat", &[1, 8]);
            net.operator(22, &[y, sizes], flat, None);
            flat
        } else {
            y
        };
        let w = net.floats("net/fc/MatMul", &[1, 8], &weight);
        let logits = net.value("net/fc/BiasAdd", &[1, 1]);
        net.operator(9, &[flat, w, -1], logits, Some((8, Table::new())));
        (net.inputs, net.outputs) = (vec![x], vec![logits]);
        network(net)
    };
    // Pixels 1, 2, 3, 4 are [1, 10, 2, 20, 3, 30, 4, 40] in the file.
    let expected = [1.0, 10.0, 2.0, 20.0, 3.0, 30.0, 4.0, 40.0].iter().zip(&weight).map(|(x, w)| x * w).sum::<f32>();
    for reshaped in [true, false] {
        let net = net(reshaped);
        assert_eq!(run(&net, 2, &[1.0, 2.0, 3.0, 4.0, 0.0, 0.0, 0.0, 0.0]), [[expected], [0.0]]);
        assert_eq!(kinds(&net), ["conv2d", "transpose", "reshape", "linear"]);
        assert_eq!(layers(&net), ["conv", "fc"]);
    }
}

#[test]
fn fused_activations_clip() {
    let cases: [(u8, &[f32]); 4] = [
        (0, &[-8.0, -0.5, 0.5, 8.0]),
        (1, &[0.0, 0.0, 0.5, 8.0]),
        (2, &[-1.0, -0.5, 0.5, 1.0]),
        (3, &[0.0, 0.0, 0.5, 6.0]),
    ];
    for_each_case(cases, |(activation, expected)| {
        let net = single(&[1, 4], &[1, 4], 9, Some((8, Table::new().byte(0, activation))), |net, x| {
            let unit: Vec<f32> = (0..16).map(|i| f32::from(u8::from(i % 5 == 0))).collect();
            vec![x, net.floats("net/fc/MatMul", &[4, 4], &unit), -1]
        });
        let net = network(net);
        assert_eq!(run(&net, 1, &[-8.0, -0.5, 0.5, 8.0]), [expected]);
    });
}

/// Weights of half precision behind a DEQUANTIZE, as float16 quantization writes them, become numbers.
#[test]
fn half_precision_weights_are_numbers() {
    let mut net = Net::new();
    let x = net.value("input", &[1, 2]);
    let halves: Vec<u8> = [1.5f32, -0.25].iter().flat_map(|&x| half::f16::from_f32(x).to_le_bytes()).collect();
    let stored = net.tensor("net/fc/MatMul", (Type::Half, &[1, 2]), None, Some(&halves));
    let weight = net.value("net/fc/MatMul_dequantize", &[1, 2]);
    net.operator(6, &[stored], weight, None);
    let y = net.value("net/fc/BiasAdd", &[1, 1]);
    net.operator(9, &[x, weight, -1], y, Some((8, Table::new())));
    (net.inputs, net.outputs) = (vec![x], vec![y]);
    let net = network(net);
    assert_eq!(run(&net, 1, &[2.0, 4.0]), [[2.0]]);
    assert_eq!(layers(&net), ["fc"]);
    assert!(net.params.is_none());
}

#[test]
fn pools_leave_padding_out() {
    let cases: [(i32, &str, [f32; 4]); 2] = [
        // Windows of 2 x 2 with a stride of 2 on 3 x 3: the last row and column have one.
        (17, "max_pool", [4.0, 5.0, 7.0, 8.0]),
        (1, "average_pool", [2.0, 3.5, 6.5, 8.0]),
    ];
    for_each_case(cases, |(code, kind, expected)| {
        let pool = Table::new().byte(0, 0).int(1, 2).int(2, 2).int(3, 2).int(4, 2);
        let net = single(&[1, 3, 3, 1], &[1, 2, 2, 1], code, Some((5, pool)), |_, x| vec![x]);
        let net = network(flat(net, 4));
        assert_eq!(run(&net, 1, &ramp(9)), [expected]);
        // One channel has no other order.
        assert_eq!(kinds(&net), [kind, "reshape"]);
    });
}
