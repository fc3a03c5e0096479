//! Operators on channels-last images against the same operators on tensors, to the bit.

use super::*;
use crate::graph::ElementType;
use crate::kernel::{Clip, ImageLayout, Images, ImagesMut, SLACK};
use crate::quant::{ActivationParams, Grid, IntRange};
use std::fmt::Debug;

/// Positions before and after an image, along height and width.
type Border = [[usize; 2]; 2];

fn border() -> impl Strategy<Value = Border> {
    prop_oneof![Just([[0; 2]; 2]), prop::array::uniform2(prop::array::uniform2(0usize..3))]
}

/// Numbers, with infinities and zeros of both signs, and NaN, as often as `rare` says: once in so many.
fn special(seed: u64, dims: &[usize], rare: u64) -> Tensor {
    let specials = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, 0.0, 1e30];
    let count = dims.iter().product();
    let choices = numbers(!seed, count).into_iter().map(|x| ((x + 2.0) * 4e6) as u64);
    let mixed = numbers(seed, count).into_iter().zip(choices).map(|(x, choice)| match choice % rare {
        0 => specials[(choice / rare) as usize % specials.len()],
        _ => x,
    });
    Tensor::from_vec(mixed.collect(), dims, &Device::Cpu).unwrap()
}

/// Height and width; one spatial axis is the width.
fn size(dims: &[usize]) -> [usize; 2] {
    if dims.len() == 4 { [dims[2], dims[3]] } else { [1, dims[2]] }
}

/// The layout of images of `dims`, of `spare` elements after the channels of each position.
fn layout(dims: &[usize], border: Border, spare: usize) -> ImageLayout {
    ImageLayout { border, ..ImageLayout::plain(size(dims), dims[1] + spare) }
}

/// Where each element of a tensor of `dims` lies, in the tensor's order.
fn places(dims: &[usize], layout: &ImageLayout) -> Vec<usize> {
    let [height, width] = size(dims);
    let place = |i: usize| {
        let (x, y) = (i % width, i / width % height);
        let (channel, image) = (i / (width * height) % dims[1], i / (width * height * dims[1]));
        image * layout.image() + layout.at(y, x) + channel
    };
    (0..dims.iter().product()).map(place).collect()
}

/// The numbers of `x` as images, and `other` at all other places and in what may be read after them.
fn lay<T: Copy>(x: &Tensor, layout: &ImageLayout, element: impl Fn(f32) -> T, other: T) -> Vec<T> {
    let mut images = vec![other; x.dims()[0] * layout.image() + SLACK];
    for (place, x) in places(x.dims(), layout).into_iter().zip(values(x)) {
        images[place] = element(x);
    }
    images
}

/// The type of samples like those of `x`.
fn samples(x: &Tensor) -> ValueType {
    batch(&x.dims()[1..])
}

/// The elements of images in the order of a tensor of `dims`, where all others are still `other`, but for those after
/// the channels.
fn gather<T: Copy + PartialEq + Debug>(dims: &[usize], layout: &ImageLayout, images: &[T], other: T) -> Vec<T> {
    let places = places(dims, layout);
    let spare = layout.elements - dims[1];
    let mut is_written = vec![false; images.len()];
    for place in &places {
        is_written[*place..=place + spare].fill(true);
    }
    let mut untouched = images.iter().zip(is_written).filter(|(_, is_written)| !is_written);
    assert!(untouched.all(|(x, _)| *x == other), "the border is not written");
    places.into_iter().map(|place| images[place]).collect()
}

/// Numbers as bits; all NaN are one where arithmetic may make others of them.
fn bits(x: &[f32], arithmetic: bool) -> Vec<u32> {
    x.iter().map(|x| if arithmetic && x.is_nan() { f32::NAN } else { *x }.to_bits()).collect()
}

/// Compares the output for images with that for tensors.
fn check(op: &dyn Operator, inputs: &[&Tensor], borders: [Border; 3]) {
    check_elements(op, inputs, &[ElementType::F32; 2][..inputs.len().min(2)], borders);
}

/// The same for elements of types that repeat.
fn check_elements(op: &dyn Operator, inputs: &[&Tensor], elements: &[ElementType], borders: [Border; 3]) {
    let elements = elements.iter().cycle();
    let types: Vec<ValueType> =
        inputs.iter().zip(elements).map(|(x, &element)| ValueType { element, ..samples(x) }).collect();
    let types: Vec<&ValueType> = types.iter().collect();
    op.infer(&types).unwrap();
    let images = op.as_image_operator().unwrap();
    assert!(images.takes_images(&types), "{op:?} of {types:?}");
    let expected = op.run(inputs, &RunContext::default()).unwrap().remove(0);

    // Borders are not read: what they hold would be seen in every sum and maximum.
    let layouts: Vec<_> =
        inputs.iter().zip(borders.iter().cycle()).map(|(x, &border)| layout(x.dims(), border, 0)).collect();
    let laid: Vec<_> = inputs.iter().zip(&layouts).map(|(x, layout)| lay(x, layout, |x| x, f32::MAX)).collect();
    let laid: Vec<_> = layouts.iter().zip(&laid).map(|(&layout, values)| Images { layout, values }).collect();
    let dims = expected.dims();
    let layout = layout(dims, borders[2], 0);
    let mut output = vec![-77.5; dims[0] * layout.image()];
    images.run_images(&laid, &mut ImagesMut { layout, values: &mut output }).unwrap();

    let arithmetic = images.as_selection().is_none();
    let found = gather(dims, &layout, &output, -77.5);
    assert_eq!(bits(&found, arithmetic), bits(&values(&expected), arithmetic), "{op:?} of {types:?}, {borders:?}");
}

/// Compares what is selected from bytes and from words with the output for tensors of the same integers.
fn check_selection(op: &dyn Operator, inputs: &[&Tensor], borders: [Border; 3], spare: [usize; 3]) {
    fn run<T: Copy + PartialEq + Debug>(
        inputs: &[&Tensor],
        expected: &Tensor,
        (borders, spare): ([Border; 3], [usize; 3]),
        (element, other): (fn(f32) -> T, T),
        select: impl Fn(&[Images<T>], &[usize], &mut ImagesMut<T>),
    ) {
        let sides = borders.iter().zip(&spare).cycle();
        let layouts: Vec<_> =
            inputs.iter().zip(sides).map(|(x, (&border, &spare))| layout(x.dims(), border, spare)).collect();
        let laid: Vec<_> = inputs.iter().zip(&layouts).map(|(x, layout)| lay(x, layout, element, other)).collect();
        let laid: Vec<_> = layouts.iter().zip(&laid).map(|(&layout, values)| Images { layout, values }).collect();
        let channels: Vec<usize> = inputs.iter().map(|x| x.dims()[1]).collect();
        let dims = expected.dims();
        let layout = layout(dims, borders[2], spare[2]);
        let mut output = vec![other; dims[0] * layout.image()];
        select(&laid, &channels, &mut ImagesMut { layout, values: &mut output });
        let expected: Vec<T> = values(expected).into_iter().map(element).collect();
        assert_eq!(gather(dims, &layout, &output, other), expected);
    }
    let selection = op.as_image_operator().unwrap().as_selection().unwrap();
    let sides = (borders, spare);
    let scaled = |factor: f64, shift: f64| -> Vec<Tensor> {
        inputs.iter().map(|x| x.affine(factor, shift).unwrap().floor().unwrap()).collect()
    };
    // Numbers between -2 and 2 to most bytes and words.
    let bytes = scaled(60.0, 128.0);
    let bytes: Vec<&Tensor> = bytes.iter().collect();
    let expected = op.run(&bytes, &RunContext::default()).unwrap().remove(0);
    run(&bytes, &expected, sides, (|x| x as u8, 255), |x, channels, y| selection.select_bytes(x, channels, y));
    let words = scaled(16_000.0, 0.0);
    let words: Vec<&Tensor> = words.iter().collect();
    let expected = op.run(&words, &RunContext::default()).unwrap().remove(0);
    run(&words, &expected, sides, (|x| x as i16, i16::MAX), |x, channels, y| selection.select_words(x, channels, y));
}

/// Borders of two inputs and the output, and how images are shaped: batch, channels and size.
fn shapes() -> impl Strategy<Value = ([Border; 3], [usize; 4], u64)> {
    let borders = prop::array::uniform3(border());
    // Blocks of all sizes, and what is left after them.
    let channels = prop_oneof![1usize..8, 8usize..40, 60usize..90];
    (borders, (1usize..=5, channels, 1usize..=9, 1usize..=9), any::<u64>())
        .prop_map(|(borders, (batch, channels, height, width), seed)| (borders, [batch, channels, height, width], seed))
}

/// A tensor of `dims` with one spatial axis where the height is 1.
fn flat(x: &Tensor) -> Option<Tensor> {
    let dims = x.dims();
    (dims[2] == 1).then(|| x.reshape((dims[0], dims[1], dims[3])).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Integers are found and made again alike, whatever the numbers are.
    #[test]
    fn integers_of_images(
        (window, [_, _, height, width], _) in window(),
        (borders, [batch, channels, ..], seed) in shapes(),
        rare in 3u64..60,
    ) {
        let [a, b, y] = [(0.031, 3), (0.25, -7), (0.04, 100)]
            .map(|(scale, zero_point)| Grid::new(scale, zero_point, [-128, 127]).unwrap());
        let dims = [batch, channels, height, width];
        let [x, other] = [seed, !seed].map(|seed| special(seed, &dims, rare));
        let each = special(seed, &[batch, channels, 1, 1], rare);
        let elements = [a, b].map(ElementType::Quantized);
        for other in [&other, &each] {
            check_elements(&IntegerBinary::difference([a, b], y).unwrap(), &[&x, other], &elements, borders);
            check_elements(&IntegerBinary::product([a, b], y).unwrap(), &[&x, other], &elements, borders);
        }
        check_elements(&IntegerAveragePool::new(window, a, a).unwrap(), &[&x], &elements, borders);
        check_elements(&IntegerMean::new(vec![2, 3], true, a, y).unwrap(), &[&x], &elements, borders);
        check_elements(&IntegerFunction::rescale(a, y).unwrap(), &[&x], &elements, borders);
        check(&Quantize(y), &[&x], borders);
    }

    #[test]
    fn windows_of_images(
        (window, [_, _, height, width], _) in window(),
        (borders, [batch, channels, ..], seed) in shapes(),
        rare in 3u64..60,
        spare in prop::array::uniform3(0usize..5),
    ) {
        let dims = [batch, channels, height, width];
        let x = special(seed, &dims, rare);
        check(&MaxPool(window), &[&x], borders);
        check(&AveragePool { window, count_include_pad: true }, &[&x], borders);
        check(&AveragePool { window, count_include_pad: false }, &[&x], borders);
        check_selection(&MaxPool(window), &[&random(seed, &dims)], borders, spare);
        if window.kernel[0] == 1 && window.padding[0] == [0, 0] {
            let line = special(seed, &[batch, channels, width], rare);
            check(&MaxPool(window), &[&line], borders);
            check(&AveragePool { window, count_include_pad: true }, &[&line], borders);
        }
    }

    #[test]
    fn whole_images((borders, dims, seed) in shapes(), rare in 3u64..200, output in prop::array::uniform2(1usize..8)) {
        // Of zeros of one sign, too, whose sums keep it.
        let zeros = Tensor::full(-0f32, &dims, &Device::Cpu).unwrap();
        for x in [special(seed, &dims, rare), zeros] {
            check(&GlobalAveragePool, &[&x], borders);
            check(&GlobalMaxPool, &[&x], borders);
            check(&AdaptiveAveragePool { output }, &[&x], borders);
            if let Some(x) = flat(&x) {
                check(&GlobalAveragePool, &[&x], borders);
                check(&GlobalMaxPool, &[&x], borders);
            }
        }
    }

    #[test]
    fn pairs_of_images((borders, dims, seed) in shapes(), single in 0usize..6) {
        let [batch, channels, ..] = dims;
        let other = match single {
            0 | 1 => [batch, channels, 1, 1],
            2 => [batch, 1, dims[2], dims[3]],
            3 => [batch, 1, 1, 1],
            _ => dims,
        };
        let (a, b) = (special(seed, &dims, 20), special(!seed, &other, 20));
        let (add, mut clipped) = (Add::default(), Add::default());
        clipped.as_fusible().unwrap().fuse_clip(Clip::RELU);
        let binary = [
            Binary::Sub, Binary::Mul, Binary::Div, Binary::Max, Binary::Min, Binary::PRelu, Binary::Equal, Binary::Less,
            Binary::LessOrEqual,
        ];
        let ops = [&add as &dyn Operator, &clipped].into_iter().chain(binary.iter().map(|op| op as _));
        for op in ops {
            check(op, &[&a, &b], borders);
            check(op, &[&b, &a], borders);
        }
        if other[1..] != [1, 1, 1] {
            check(&Binary::Pow, &[&a, &b], borders);
        }
        if let (Some(a), Some(b)) = (flat(&a), flat(&b)) {
            check(&Binary::Mul, &[&a, &b], borders);
        }
    }

    #[test]
    fn joined_images((borders, dims, seed) in shapes(), more in 1usize..20, spare in prop::array::uniform3(0usize..5)) {
        let [batch, _, height, width] = dims;
        let (a, b) = (special(seed, &dims, 9), special(!seed, &[batch, more, height, width], 9));
        check(&Concat { axis: 1 }, &[&a], borders);
        check(&Concat { axis: 1 }, &[&a, &b], borders);
        check(&Concat { axis: 1 }, &[&b, &a, &b, &a], borders);
        let (a, b) = (random(seed, &dims), random(!seed, &[batch, more, height, width]));
        check_selection(&Concat { axis: 1 }, &[&a, &b, &a], borders, spare);
    }

    #[test]
    fn interpolated_images(
        (borders, dims, seed) in shapes(),
        axis in 2usize..4,
        places in prop::collection::vec((0usize..100, prop_oneof![Just(0f32), 0f32..1.0]), 1..8),
    ) {
        let last = dims[axis] - 1;
        // Between the last position and the next, there is nothing.
        let place = |(place, share): (usize, f32)| {
            let place = place % dims[axis];
            (place, if place == last { 0.0 } else { share })
        };
        let op = Interpolate { axis, places: places.into_iter().map(place).collect() };
        check(&op, &[&special(seed, &dims, 20)], borders);
    }
}

/// Functions of numbers, of images with borders and without.
#[test]
fn functions_of_images() {
    let params = ActivationParams::new(0.1, -3, IntRange::new(-128, 127).unwrap()).unwrap();
    let unary = [
        Unary::Clip { min: -0.5, max: 1.25 },
        Unary::LeakyRelu { slope: 0.25 },
        Unary::Elu { alpha: 0.5 },
        Unary::Sigmoid,
        Unary::Silu,
        Unary::HardSigmoid { slope: 0.25, shift: 0.5 },
        Unary::HardSwish,
        Unary::Tanh,
        Unary::Gelu,
        Unary::GeluTanh,
        Unary::Softplus,
        Unary::Mish,
        Unary::Exp,
        Unary::Sign,
        Unary::Round,
        Unary::Floor,
        Unary::Sqrt,
    ];
    let mut ops: Vec<Box<dyn Operator>> =
        vec![Box::new(Relu), Box::new(Relu6), Box::new(Scale { factor: 0.3 }), Box::new(FakeQuantize(params.into()))];
    ops.extend(unary.map(|op| Box::new(op) as Box<dyn Operator>));
    let cases = ops.iter().flat_map(|op| [[3, 5, 4, 7], [1, 33, 1, 9]].map(|dims| (op, dims)));
    for_each_case(cases, |(op, dims)| {
        let x = special(1, &dims, 15);
        let bordered = [[1, 0], [2, 1]];
        for borders in
            [[[[0; 2]; 2]; 3], [bordered; 3], [bordered, bordered, [[0; 2]; 2]], [[[0; 2]; 2], bordered, bordered]]
        {
            check(&**op, &[&x], borders);
            flat(&x).iter().for_each(|x| check(&**op, &[x], borders));
        }
    });
}

/// What cannot lie as images, or is more than images, is not taken.
#[test]
fn other_values_are_not_taken() {
    let window = PoolWindow::square(1);
    let integers = ValueType { element: ElementType::I64, ..batch(&[3, 4, 4]) };
    let image = batch(&[3, 4, 4]);
    let cases: Vec<(Box<dyn Operator>, Vec<ValueType>)> = vec![
        (Box::new(Relu), vec![batch(&[3])]),
        (Box::new(Relu), vec![batch(&[3, 2, 4, 4])]),
        (Box::new(Relu), vec![fixed(&[1, 3, 4, 4])]),
        (Box::new(Relu), vec![integers]),
        (Box::new(GlobalAveragePool), vec![batch(&[3, 2, 4, 4])]),
        (Box::new(MaxPool(window)), vec![fixed(&[1, 3, 4, 4])]),
        (Box::new(Concat { axis: 2 }), vec![image.clone(), image.clone()]),
        (Box::new(Concat { axis: 1 }), vec![image.clone(), fixed(&[1, 3, 4, 4])]),
        (Box::new(Interpolate { axis: 1, places: vec![(0, 0.5)] }), vec![image.clone()]),
        (Box::new(Interpolate { axis: 2, places: vec![(0, 0.5)] }), vec![batch(&[3, 4])]),
        (Box::new(Add::default()), vec![image.clone(), fixed(&[3, 1, 1])]),
        (Box::new(Add::default()), vec![image.clone(), fixed(&[])]),
        (Box::new(Add::default()), vec![image.clone(), batch(&[3, 1, 4])]),
        (Box::new(Binary::Mul), vec![batch(&[4, 4]), image.clone()]),
        (Box::new(Binary::Pow), vec![image.clone(), batch(&[1, 1, 1])]),
    ];
    for_each_case(cases, |(op, types)| {
        assert!(!op.as_image_operator().unwrap().takes_images(&types.iter().collect::<Vec<_>>()));
    });
}
