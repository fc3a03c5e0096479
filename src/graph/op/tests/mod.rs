//! Operators against their definitions, computed element by element from indices, and their inference
//! against what running gives.

mod adaptive;
mod axes;
mod elements;
mod images;
mod norms;
mod sums;

use super::*;
use crate::cases::for_each_case;
use crate::graph::{Dim, ElementType, Operator, RunContext, ValueType};
use crate::layer::{ConvAttributes, ConvTransposeAttributes};
use candle_core::{Device, Tensor};
use proptest::prelude::*;

/// Numbers in about -2 to 2, a function of the seed.
fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 / (1u64 << 24) as f32 - 0.5) * 4.0
    };
    (0..count).map(|_| next()).collect()
}

fn random(seed: u64, dims: &[usize]) -> Tensor {
    Tensor::from_vec(numbers(seed, dims.iter().product()), dims, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

/// The only output, whose shape is that which inference gives for the batch as a known size.
fn run(op: &dyn Operator, inputs: &[&Tensor]) -> Tensor {
    let types: Vec<ValueType> = inputs.iter().map(|input| ValueType::fixed(input.dims())).collect();
    let inferred = op.infer(&types.iter().collect::<Vec<_>>()).unwrap();
    let [output]: [Tensor; 1] = op.run(inputs, &RunContext::default()).unwrap().try_into().unwrap();
    assert_eq!(inferred, [ValueType::fixed(output.dims())], "{op:?}");
    output
}

/// Element `index` of a tensor.
fn at(tensor: &Tensor, index: &[usize]) -> f32 {
    let flat = index.iter().zip(tensor.dims()).fold(0, |flat, (&i, &size)| flat * size + i);
    values(tensor)[flat]
}

/// `element(index)` for every index of `dims`, the last axis fastest.
fn tabulate(dims: &[usize], element: impl Fn(&[usize]) -> f32) -> Vec<f32> {
    let count: usize = dims.iter().product();
    let index = |flat: usize| {
        let mut rest = flat;
        let mut index = vec![0; dims.len()];
        for (i, &size) in index.iter_mut().zip(dims).rev() {
            (*i, rest) = (rest % size, rest / size);
        }
        index
    };
    (0..count).map(|flat| element(&index(flat))).collect()
}

fn window() -> impl Strategy<Value = (PoolWindow, [usize; 4], u64)> {
    let axis = (1usize..=3, 1usize..=3, 1usize..=2, 0usize..3, 0usize..3, 1usize..=6);
    (axis.clone(), axis, any::<bool>(), 1usize..=2, any::<u64>()).prop_map(|(y, x, ceil_mode, channels, seed)| {
        let axes = [y, x];
        // With dilation 2 and a padding of 1, no window lies between the padding's two sides.
        let padding = axes.map(|(kernel, _, _, before, after, _)| [before % kernel, after % kernel].map(|p| p.min(1)));
        let (kernel, stride, dilation) = (axes.map(|a| a.0), axes.map(|a| a.1), axes.map(|a| a.2));
        let window = PoolWindow { kernel, stride, padding, dilation, ceil_mode };
        let span = |i: usize| dilation[i] * (kernel[i] - 1) + 1;
        let size = |i: usize| axes[i].5.max(2).max(span(i).saturating_sub(padding[i][0] + padding[i][1]));
        (window, [2, channels, size(0), size(1)], seed)
    })
}

/// What a tap of a window sees: a number, padding, or what lies beyond it where sizes are rounded up.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Tap {
    Number(f32),
    Padding,
    Beyond,
}

/// The pooled `x`: `reduce` of what each window sees, in the order of its taps.
fn naive_pool(x: &Tensor, window: &PoolWindow, reduce: impl Fn(&[Tap]) -> f32) -> Vec<f32> {
    let dims = x.dims();
    // As PyTorch documents it, the last window dropped where it would start in the padding after.
    let out = |axis: usize| {
        let [before, after] = window.padding[axis];
        let span = window.dilation[axis] * (window.kernel[axis] - 1) + 1;
        let (room, stride) = (dims[2 + axis] + before + after - span, window.stride[axis]);
        let rounded = if window.ceil_mode { room.div_ceil(stride) } else { room / stride } + 1;
        let starts_after = (rounded - 1) * stride >= dims[2 + axis] + before;
        if window.ceil_mode && starts_after { rounded - 1 } else { rounded }
    };
    let tap = |axis: usize, at: usize, tap: usize| -> Result<usize, Tap> {
        let place = (at * window.stride[axis] + tap * window.dilation[axis]) as isize;
        let [before, after] = window.padding[axis].map(|p| p as isize);
        let size = dims[2 + axis] as isize;
        match place - before {
            inside if (0..size).contains(&inside) => Ok(inside as usize),
            beyond if beyond >= size + after => Err(Tap::Beyond),
            _ => Err(Tap::Padding),
        }
    };
    tabulate(&[dims[0], dims[1], out(0), out(1)], |index| {
        let mut taps = Vec::new();
        for ky in 0..window.kernel[0] {
            for kx in 0..window.kernel[1] {
                taps.push(match (tap(0, index[2], ky), tap(1, index[3], kx)) {
                    (Ok(row), Ok(column)) => Tap::Number(at(x, &[index[0], index[1], row, column])),
                    (Err(Tap::Beyond), _) | (_, Err(Tap::Beyond)) => Tap::Beyond,
                    _ => Tap::Padding,
                });
            }
        }
        reduce(&taps)
    })
}

fn seen(taps: &[Tap]) -> impl Iterator<Item = f32> {
    taps.iter().filter_map(|tap| if let Tap::Number(x) = tap { Some(*x) } else { None })
}

fn sum(taps: &[Tap]) -> f64 {
    seen(taps).fold(0.0, |sum, x| sum + f64::from(x))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn pooling_is_its_definition((window, dims, seed) in window()) {
        let x = random(seed, &dims);
        let found = values(&run(&MaxPool(window), &[&x]));
        let largest = |taps: &[Tap]| seen(taps).reduce(f32::max).unwrap();
        prop_assert_eq!(found, naive_pool(&x, &window, largest));

        let found = values(&run(&AveragePool { window, count_include_pad: true }, &[&x]));
        prop_assert_eq!(found, naive_pool(&x, &window, |taps| {
            (sum(taps) / taps.iter().filter(|tap| **tap != Tap::Beyond).count() as f64) as f32
        }));

        let found = values(&run(&AveragePool { window, count_include_pad: false }, &[&x]));
        let mean = |taps: &[Tap]| (sum(taps) / seen(taps).count() as f64) as f32;
        prop_assert_eq!(found, naive_pool(&x, &window, mean));
    }

    #[test]
    fn batch_norm_is_its_formula(channels in 1usize..5, size in 1usize..5, rank in 2usize..=4, seed: u64) {
        let dims = [2, channels, size, 3];
        let x = random(seed, &dims[..rank]);
        let vector = |i: u64| random(seed ^ i, &[channels]);
        let (gain, beta, mean, variance) = (vector(1), vector(2), vector(3), vector(4).sqr().unwrap());
        let found = run(&BatchNorm { eps: 1e-3 }, &[&x, &gain, &beta, &mean, &variance]);
        let of = |tensor: &Tensor, index: &[usize]| f64::from(at(tensor, &index[1..2]));
        let expected = tabulate(x.dims(), |index| {
            let centered = f64::from(at(&x, index)) - of(&mean, index);
            (centered / (of(&variance, index) + 1e-3).sqrt() * of(&gain, index) + of(&beta, index)) as f32
        });
        for (found, expected) in values(&found).into_iter().zip(expected) {
            // The root of a variance near 0 makes slopes of up to 2 / sqrt(eps), about 63.
            prop_assert!((found - expected).abs() <= 1e-4, "{} {}", found, expected);
        }
    }

    #[test]
    fn pad_slice_and_concat_move_elements(
        dims in prop::collection::vec(1usize..=4, 2..=4),
        padding in prop::collection::vec([0usize..=2, 0usize..=2], 4),
        (axis, start, length, step) in (0usize..4, 0usize..4, 1usize..=4, 1usize..=3),
        seed: u64,
    ) {
        let x = random(seed, &dims);
        let axis = axis % dims.len();

        let padding = padding[..dims.len()].to_vec();
        let padded: Vec<usize> = dims.iter().zip(&padding).map(|(size, [before, after])| before + size + after).collect();
        let found = run(&Pad { padding: padding.clone(), value: -7.5 }, &[&x]);
        let expected = tabulate(&padded, |index| {
            let inside: Option<Vec<usize>> = (0..dims.len())
                .map(|i| index[i].checked_sub(padding[i][0]).filter(|&i_x| i_x < dims[i]))
                .collect();
            inside.map_or(-7.5, |index| at(&x, &index))
        });
        prop_assert_eq!(values(&found), expected);

        let start = start % dims[axis];
        let end = (start + length).min(dims[axis]);
        let found = run(&Slice { axis, start, end, step }, &[&x]);
        let mut sliced = dims.clone();
        sliced[axis] = (start..end).filter(|i| (i - start) % step == 0).count();
        let expected = tabulate(&sliced, |index| {
            let mut index = index.to_vec();
            index[axis] = start + index[axis] * step;
            at(&x, &index)
        });
        prop_assert_eq!(values(&found), expected);

        let mut other = dims.clone();
        other[axis] = length;
        let y = random(!seed, &other);
        let found = run(&Concat { axis }, &[&x, &y, &x]);
        let mut joined = dims.clone();
        joined[axis] = 2 * dims[axis] + length;
        let expected = tabulate(&joined, |index| {
            let mut index = index.to_vec();
            let i = index[axis];
            let source = if i < dims[axis] { &x } else if i < dims[axis] + length { &y } else { &x };
            index[axis] = if i < dims[axis] { i } else if i < dims[axis] + length { i - dims[axis] } else { i - dims[axis] - length };
            at(source, &index)
        });
        prop_assert_eq!(values(&found), expected);
    }
}

/// `1e8 + 1` is `1e8` in f32, so that these means are right only when summed in f64.
#[test]
fn averages_are_summed_in_f64() {
    let x = Tensor::new(&[[[[1e8f32, 1.0], [-1e8, 1.0]], [[0.1, 0.2], [0.3, 0.7]]]], &Device::Cpu).unwrap();
    let second = ((f64::from(0.1f32) + f64::from(0.2f32) + f64::from(0.3f32) + f64::from(0.7f32)) / 4.0) as f32;
    let global = run(&GlobalAveragePool, &[&x]);
    assert_eq!((global.dims(), values(&global)), (&[1, 2, 1, 1][..], vec![0.5, second]));
    let window = PoolWindow::square(2);
    assert_eq!(values(&run(&AveragePool { window, count_include_pad: true }, &[&x])), [0.5, second]);
    let line = x.reshape((1, 2, 4)).unwrap();
    assert_eq!(run(&GlobalAveragePool, &[&line]).dims(), [1, 2, 1], "one spatial axis");
}

#[test]
fn pointwise_operators() {
    let x = Tensor::new(&[-3.0f32, -0.5, 0.0, 0.5, 5.5, 6.0, 6.5, f32::INFINITY], &Device::Cpu).unwrap();
    assert_eq!(values(&run(&Relu, &[&x])), [0.0, 0.0, 0.0, 0.5, 5.5, 6.0, 6.5, f32::INFINITY]);
    assert_eq!(values(&run(&Relu6, &[&x])), [0.0, 0.0, 0.0, 0.5, 5.5, 6.0, 6.0, 6.0]);
    // 1 + 2^-25 rounds to 1 in f32.
    let (a, b) =
        (Tensor::new(&[1f32, 2.0], &Device::Cpu).unwrap(), Tensor::new(&[2f32.powi(-25), 0.5], &Device::Cpu).unwrap());
    assert_eq!(values(&run(&Add::default(), &[&a, &b])), [1.0, 2.5]);
}

/// Where a network is broken, its output must show it.
#[test]
fn nan_passes_through() {
    let x = Tensor::new(&[[[[f32::NAN, 1.0], [2.0, 3.0]]]], &Device::Cpu).unwrap();
    let window = PoolWindow::square(2);
    let ops: [&dyn Operator; 5] =
        [&Relu, &Relu6, &MaxPool(window), &AveragePool { window, count_include_pad: true }, &GlobalAveragePool];
    for op in ops {
        assert!(values(&run(op, &[&x]))[0].is_nan(), "{op:?}");
    }
}

#[test]
fn flatten_keeps_the_order() {
    let x = random(1, &[2, 3, 4, 5]);
    for (axis, dims) in [(0, [1, 120]), (1, [2, 60]), (2, [6, 20]), (4, [120, 1])] {
        let flat = run(&Flatten { axis }, &[&x]);
        assert_eq!((flat.dims(), values(&flat)), (&dims[..], values(&x)), "axis {axis}");
    }
}

/// Views are read by their strides, not by their place in memory.
#[test]
fn views_are_taken_for_what_they_show() {
    let x = random(2, &[4, 3, 6, 5]);
    let view = x.transpose(2, 3).unwrap().narrow(0, 1, 2).unwrap();
    let copy = view.force_contiguous().unwrap();
    let window = PoolWindow { stride: [1, 2], padding: [[1, 0], [0, 1]], kernel: [2, 3], ..PoolWindow::square(1) };
    let ops: [&dyn Operator; 8] = [
        &Relu,
        &Relu6,
        &MaxPool(window),
        &AveragePool { window, count_include_pad: false },
        &GlobalAveragePool,
        &Flatten { axis: 1 },
        &Slice { axis: 3, start: 1, end: 6, step: 2 },
        &Pad { padding: vec![[0, 0], [1, 0], [0, 0], [0, 2]], value: 3.0 },
    ];
    for op in ops {
        assert_eq!(values(&run(op, &[&view])), values(&run(op, &[&copy])), "{op:?}");
    }
}

/// `f32` with axes of known size.
fn fixed(shape: &[usize]) -> ValueType {
    ValueType::fixed(shape)
}

/// `f32` with the batch first.
fn batch(sample: &[usize]) -> ValueType {
    ValueType::batch_of(sample)
}

/// Types inferred with the batch left open are those of the outputs, whatever the batch.
#[test]
fn inferred_shapes_are_those_of_running() {
    let window = PoolWindow { stride: [2, 1], padding: [[1, 0], [0, 1]], kernel: [3, 2], ..PoolWindow::square(1) };
    let conv = ConvAttributes { stride: [2, 1], padding: [[1, 2], [0, 1]], dilation: [1, 2], groups: 2 };
    let conv1d = ConvAttributes { stride: [2], padding: [[3, 0]], dilation: [2], groups: 1 };
    let up = ConvTransposeAttributes {
        stride: [2, 3],
        padding: [[1, 0], [0, 2]],
        output_padding: [1, 0],
        dilation: [1, 2],
        groups: 2,
    };
    let up1d = ConvTransposeAttributes { stride: [2], ..Default::default() };
    let rows = ValueType::f32([Dim::Batch(3), Dim::Fixed(8)]);
    let cases: Vec<(Box<dyn Operator>, Vec<ValueType>, &str)> = vec![
        (Box::new(Relu), vec![batch(&[3, 4])], "f32[N, 3, 4]"),
        (Box::new(Relu6), vec![batch(&[])], "f32[N]"),
        (Box::new(Add::default()), vec![batch(&[3, 4]), batch(&[3, 4])], "f32[N, 3, 4]"),
        (
            // Above the random variances, which may be negative.
            Box::new(BatchNorm { eps: 4.0 }),
            [vec![batch(&[3, 4, 4])], vec![fixed(&[3]); 4]].concat(),
            "f32[N, 3, 4, 4]",
        ),
        (Box::new(MaxPool(window)), vec![batch(&[2, 9, 7])], "f32[N, 2, 4, 7]"),
        (Box::new(AveragePool { window, count_include_pad: false }), vec![batch(&[2, 9, 7])], "f32[N, 2, 4, 7]"),
        (Box::new(GlobalAveragePool), vec![batch(&[5, 9, 7])], "f32[N, 5, 1, 1]"),
        (Box::new(Concat { axis: 1 }), vec![batch(&[2, 3]), batch(&[5, 3]), batch(&[1, 3])], "f32[N, 8, 3]"),
        (Box::new(Flatten { axis: 0 }), vec![batch(&[2, 3])], "f32[1, 6N]"),
        (Box::new(Flatten { axis: 1 }), vec![batch(&[2, 3])], "f32[N, 6]"),
        (Box::new(Flatten { axis: 2 }), vec![batch(&[2, 3])], "f32[2N, 3]"),
        (Box::new(Pad { padding: vec![[0, 0], [1, 2]], value: 1.0 }), vec![batch(&[4])], "f32[N, 7]"),
        (Box::new(Slice { axis: 1, start: 1, end: 6, step: 2 }), vec![batch(&[7, 2])], "f32[N, 3, 2]"),
        (Box::new(Conv(conv)), vec![batch(&[4, 9, 8]), fixed(&[6, 2, 3, 3]), fixed(&[6])], "f32[N, 6, 5, 5]"),
        (Box::new(Conv(conv1d)), vec![batch(&[2, 9]), fixed(&[5, 2, 3])], "f32[N, 5, 4]"),
        // (4 - 1) * 2 + 3 + 1 - 1 rows, (5 - 1) * 3 + (2 * 2 + 1) - 2 columns.
        (Box::new(Conv(up)), vec![batch(&[4, 4, 5]), fixed(&[4, 3, 3, 3]), fixed(&[6])], "f32[N, 6, 9, 15]"),
        (Box::new(Conv(up1d)), vec![batch(&[2, 9]), fixed(&[2, 5, 2])], "f32[N, 5, 18]"),
        (Box::new(Linear), vec![batch(&[8]), fixed(&[3, 8])], "f32[N, 3]"),
        (Box::new(Linear), vec![batch(&[2, 5, 8]), fixed(&[3, 8]), fixed(&[3])], "f32[N, 2, 5, 3]"),
        (Box::new(Linear), vec![rows, fixed(&[2, 8])], "f32[3N, 2]"),
    ];
    for_each_case(cases, |(op, types, expected)| {
        let inferred = op.infer(&types.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(inferred.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected], "{op:?}");
        for size in [1, 2, 5] {
            let inputs: Vec<Tensor> = types.iter().map(|ty| random(3, &ty.sizes(size))).collect();
            let outputs = op.run(&inputs.iter().collect::<Vec<_>>(), &RunContext::default()).unwrap();
            assert_eq!(outputs[0].dims(), inferred[0].sizes(size), "{op:?} in a batch of {size}");
            assert_eq!(outputs[0].dtype(), inferred[0].element.dtype());
        }
    });
}

/// What cannot run is refused before it runs; the message says which input and what would be right.
#[test]
fn inference_refuses_what_cannot_run() {
    let integers = ValueType { element: ElementType::I64, shape: vec![Dim::Batch(1), Dim::Fixed(3)] };
    let square = PoolWindow::square(2);
    let pool = |window| Box::new(MaxPool(window)) as Box<dyn Operator>;
    let slice = |start, end, step| Box::new(Slice { axis: 1, start, end, step }) as Box<dyn Operator>;
    let norm = || Box::new(BatchNorm { eps: 1e-5 }) as Box<dyn Operator>;
    let conv = |groups| Box::new(Conv(ConvAttributes::<2> { groups, ..Default::default() })) as Box<dyn Operator>;
    let pad = |padding| Box::new(Pad { padding, value: 0.0 }) as Box<dyn Operator>;
    let vectors = |sizes: [usize; 4]| sizes.map(|size| fixed(&[size])).to_vec();
    let cases: Vec<(Box<dyn Operator>, Vec<ValueType>, &str)> = vec![
        (Box::new(Relu), vec![], "0 inputs, expected 1"),
        (Box::new(Relu), vec![batch(&[3]); 2], "2 inputs, expected 1"),
        (Box::new(Relu6), vec![integers.clone()], "input 0 is i64[N, 3], expected f32"),
        (Box::new(Add::default()), vec![batch(&[3]), integers], "input 1 is i64[N, 3], expected f32"),
        (
            Box::new(Add::default()),
            vec![batch(&[3]), batch(&[4])],
            "input 1 is f32[N, 4], expected a shape that broadcasts with f32[N, 3]",
        ),
        (
            Box::new(Add::default()),
            vec![batch(&[3]), fixed(&[2, 3])],
            "input 1 is f32[2, 3], expected a shape that broadcasts",
        ),
        (norm(), vec![batch(&[3]); 4], "4 inputs, expected 5"),
        (norm(), [vec![batch(&[])], vectors([3; 4])].concat(), "input 0 is f32[N], expected [batch, channels, ..]"),
        (norm(), [vec![batch(&[3])], vectors([3, 3, 2, 3])].concat(), "input 3 is f32[2], expected f32[3]"),
        (pool(square), vec![batch(&[3, 8])], "input 0 is f32[N, 3, 8], expected [batch, channels, 2 sizes]"),
        (pool(square), vec![batch(&[3, 1, 8])], "kernel of 2 with dilation 1 spans 2, more than the padded input of 1"),
        (pool(square), vec![batch(&[3, 0, 8])], "input 0 is f32[N, 3, 0, 8], expected sizes of at least 1"),
        (pool(PoolWindow { stride: [1, 0], ..square }), vec![batch(&[3, 8, 8])], "stride is 0, expected at least 1"),
        (pool(PoolWindow { kernel: [0, 1], ..square }), vec![batch(&[3, 8, 8])], "kernel is 0, expected at least 1"),
        (
            pool(PoolWindow { padding: [[0, 2], [0, 0]], ..square }),
            vec![batch(&[3, 8, 8])],
            "smaller than the kernel [2, 2]",
        ),
        (Box::new(GlobalAveragePool), vec![batch(&[3])], "input 0 is f32[N, 3], expected [batch, channels, size..]"),
        (Box::new(GlobalAveragePool), vec![batch(&[3, 0])], "input 0 is f32[N, 3, 0]"),
        (Box::new(Concat { axis: 1 }), vec![], "0 inputs, expected at least 1"),
        (Box::new(Concat { axis: 0 }), vec![batch(&[3])], "input 0 is f32[N, 3], expected a known size along axis 0"),
        (Box::new(Concat { axis: 2 }), vec![batch(&[3])], "a known size along axis 2"),
        (
            Box::new(Concat { axis: 1 }),
            vec![batch(&[3, 4]), batch(&[3, 5])],
            "input 1 is f32[N, 3, 5], expected f32[N, 3, 4] but for axis 1",
        ),
        (Box::new(Concat { axis: 1 }), vec![batch(&[3, 4]), batch(&[3])], "input 1 is f32[N, 3]"),
        (Box::new(Flatten { axis: 3 }), vec![batch(&[3])], "input 0 is f32[N, 3], expected at least 3 axes"),
        (pad(vec![[0, 0], [1, 1]]), vec![batch(&[3, 4])], "input 0 is f32[N, 3, 4], expected 2 axes"),
        (pad(vec![[1, 0], [1, 1]]), vec![batch(&[3])], "input 0 is f32[N, 3], expected a known size along axis 0"),
        (slice(0, 4, 1), vec![batch(&[3])], "input 0 is f32[N, 3], expected a known size of at least 4 along axis 1"),
        (slice(2, 2, 1), vec![batch(&[3])], "expected at least one element in 2..2 by steps of 1"),
        (slice(0, 2, 0), vec![batch(&[3])], "by steps of 0"),
        (
            Box::new(Slice { axis: 0, start: 0, end: 1, step: 1 }),
            vec![batch(&[3])],
            "a known size of at least 1 along axis 0",
        ),
        (Box::new(Linear), vec![batch(&[3])], "1 inputs, expected 2 or 3"),
        (Box::new(Linear), vec![batch(&[3]), fixed(&[5, 4])], "input of shape [1, 3], expected [.., 4]"),
        (Box::new(Linear), vec![batch(&[3]), fixed(&[0, 3])], "weight of shape [0, 3], expected [out, in]"),
        (Box::new(Linear), vec![batch(&[3]), fixed(&[5, 3, 1])], "weight of shape [5, 3, 1], expected [out, in]"),
        (Box::new(Linear), vec![batch(&[3]), fixed(&[5, 3]), fixed(&[4])], "input 2 is f32[4], expected f32[5]"),
        // Right for a batch of one only.
        (
            Box::new(Linear),
            vec![ValueType::f32([Dim::Fixed(1), Dim::Batch(3)]), fixed(&[5, 3])],
            "input 0 is f32[1, 3N], expected [.., in]",
        ),
        (
            conv(1),
            vec![batch(&[3, 8, 8]), fixed(&[4, 2, 3, 3])],
            "input of shape [1, 3, 8, 8], expected [batch, 2, 2 sizes]",
        ),
        (conv(2), vec![batch(&[4, 8, 8]), fixed(&[3, 2, 3, 3])], "with out a multiple of 2 groups"),
        (conv(0), vec![batch(&[4, 8, 8]), fixed(&[3, 2, 3, 3])], "multiple of 0 groups"),
        (
            conv(1),
            vec![batch(&[4, 8]), fixed(&[3, 4, 3, 3])],
            "input 0 is f32[N, 4, 8], expected [batch, channels, 2 sizes]",
        ),
        (conv(1), vec![batch(&[4, 8, 2]), fixed(&[3, 4, 3, 3])], "spans 3, more than the padded input of 2"),
        (
            conv(1),
            vec![batch(&[4, 8, 8]), fixed(&[3, 4, 3, 3]), fixed(&[3, 1])],
            "input 2 is f32[3, 1], expected f32[3]",
        ),
        (
            Box::new(Conv(ConvTransposeAttributes::<2>::default())),
            vec![batch(&[3, 8, 8]), fixed(&[4, 2, 3, 3])],
            "input of shape [1, 3, 8, 8], expected [batch, 4, 2 sizes of at least 1]",
        ),
    ];
    for_each_case(cases, |(op, types, expected)| {
        let error = op.infer(&types.iter().collect::<Vec<_>>()).expect_err(expected).to_string();
        assert!(error.contains(expected), "{op:?}: {error:?} lacks {expected:?}");
    });
}
