//! Operators that move numbers without changing them, and the inference of all general operators.

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn transposing_permutes_indices(order in Just(vec![0usize, 1, 2, 3]).prop_shuffle(), seed: u64) {
        let x = random(seed, &[2, 3, 4, 5]);
        let found = run(&Transpose { order: order.clone() }, &[&x]);
        let expected = tabulate(found.dims(), |index| {
            let mut source = [0; 4];
            order.iter().zip(index).for_each(|(&axis, &i)| source[axis] = i);
            at(&x, &source)
        });
        prop_assert_eq!(values(&found), expected);
    }

    #[test]
    fn gathering_takes_elements(axis in 0usize..3, indices in prop::collection::vec(0usize..3, 1..6), seed: u64) {
        let x = random(seed, &[3, 4, 3]);
        let found = run(&Gather { axis, indices: indices.clone() }, &[&x]);
        let expected = tabulate(found.dims(), |index| {
            let mut source = index.to_vec();
            source[axis] = indices[index[axis]];
            at(&x, &source)
        });
        prop_assert_eq!(values(&found), expected);
    }
}

/// Whatever the batch, and out of a view whose memory is in another order.
#[test]
fn reshaping_keeps_the_order() {
    let shape = vec![Dim::Batch(3), Dim::Fixed(4)];
    for batch in [1, 2, 5] {
        let x = random(1, &[2, batch, 6]).transpose(0, 1).unwrap();
        let found = Reshape { shape: shape.clone() }.run(&[&x], &RunContext::default()).unwrap().remove(0);
        assert_eq!((found.dims(), values(&found)), (&[3 * batch, 4][..], values(&x)));
    }
}

#[test]
fn expanding_copies_for_every_sample() {
    let (x, images) = (random(1, &[2, 1, 3]), random(2, &[4, 5]));
    let op = Expand { shape: vec![Dim::Batch(1), Dim::Fixed(2), Dim::Fixed(2), Dim::Fixed(3)] };
    let found = op.run(&[&x, &images], &RunContext::default()).unwrap().remove(0);
    let expected = tabulate(&[4, 2, 2, 3], |index| at(&x, &[index[1], 0, index[3]]));
    assert_eq!((found.dims(), values(&found)), (&[4, 2, 2, 3][..], expected));
}

/// A value of one spatial axis is pooled as one of height 1.
#[test]
fn pooling_a_line() {
    let x = random(3, &[2, 3, 9]);
    let window = PoolWindow { kernel: [1, 3], stride: [1, 2], padding: [[0, 0], [1, 0]], ..PoolWindow::square(1) };
    let found = run(&MaxPool(window), &[&x]);
    assert_eq!(found.dims(), [2, 3, 4]);
    assert_eq!(values(&found), values(&run(&MaxPool(window), &[&x.reshape((2, 3, 1, 9)).unwrap()])));
}

/// PyTorch: a window of 3 by steps of 2 over 2 and over 4 columns, rounded up, has one and two places.
#[test]
fn rounding_up_adds_a_window_that_starts_inside() {
    let window = PoolWindow { kernel: [1, 3], stride: [1, 2], ceil_mode: true, ..PoolWindow::square(1) };
    let x = Tensor::new(&[[[1f32, 2.0, 4.0, 8.0]]], &Device::Cpu).unwrap();
    let mean = AveragePool { window, count_include_pad: true };
    assert_eq!(values(&run(&mean, &[&x])), [7.0 / 3.0, 6.0]);
    assert_eq!(values(&run(&mean, &[&x.narrow(2, 0, 2).unwrap()])), [1.5]);
    // Steps of 3: the second window would start beyond.
    let window = PoolWindow { kernel: [1, 2], stride: [1, 3], ceil_mode: true, ..PoolWindow::square(1) };
    assert_eq!(values(&run(&MaxPool(window), &[&x.narrow(2, 0, 3).unwrap()])), [2.0]);
}

#[test]
fn inferred_shapes_are_those_of_running() {
    let rows = || ValueType::f32([Dim::Batch(3), Dim::Fixed(8)]);
    let cases: Vec<(Box<dyn Operator>, Vec<ValueType>, &str)> = vec![
        (Box::new(Add::default()), vec![batch(&[3, 4, 4]), fixed(&[3, 1, 1])], "f32[N, 3, 4, 4]"),
        (Box::new(Binary::Mul), vec![batch(&[3, 1, 1]), batch(&[3, 4, 4])], "f32[N, 3, 4, 4]"),
        (Box::new(Binary::Sub), vec![fixed(&[1, 3]), batch(&[3])], "f32[N, 3]"),
        (Box::new(Unary::Sigmoid), vec![batch(&[3])], "f32[N, 3]"),
        (Box::new(Softmax { axis: 2, log: false }), vec![batch(&[3, 5])], "f32[N, 3, 5]"),
        (Box::new(GlobalMaxPool), vec![batch(&[3, 5, 5])], "f32[N, 3, 1, 1]"),
        (
            Box::new(Reduce { reduction: Reduction::Mean, axes: vec![2, 3], keep_dims: false }),
            vec![batch(&[3, 5, 5])],
            "f32[N, 3]",
        ),
        (
            Box::new(Reduce { reduction: Reduction::Mean, axes: vec![1], keep_dims: true }),
            vec![batch(&[3, 5])],
            "f32[N, 1, 5]",
        ),
        (Box::new(LayerNorm { axis: 2, eps: 1e-6 }), vec![batch(&[3, 5]), fixed(&[5])], "f32[N, 3, 5]"),
        (
            Box::new(LocalResponseNorm { size: 5, alpha: 1e-4, beta: 0.75, bias: 1.0 }),
            vec![batch(&[6, 2, 2])],
            "f32[N, 6, 2, 2]",
        ),
        (Box::new(Reshape { shape: vec![Dim::Batch(1), Dim::Fixed(24)] }), vec![rows()], "f32[N, 24]"),
        (Box::new(Transpose { order: vec![2, 0, 1] }), vec![batch(&[3, 5])], "f32[5, N, 3]"),
        (Box::new(Gather { axis: 1, indices: vec![2, 0, 2, 1] }), vec![batch(&[3, 5])], "f32[N, 4, 5]"),
        (
            Box::new(Expand { shape: vec![Dim::Batch(1), Dim::Fixed(1), Dim::Fixed(6)] }),
            vec![fixed(&[1, 1, 6]), batch(&[2])],
            "f32[N, 1, 6]",
        ),
        (Box::new(MatMul), vec![batch(&[2, 7, 4]), batch(&[2, 4, 7])], "f32[N, 2, 7, 7]"),
    ];
    for_each_case(cases, |(op, types, expected)| {
        let inferred = op.infer(&types.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(inferred.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected], "{op:?}");
        for size in [1, 2, 5] {
            let inputs: Vec<Tensor> = types.iter().map(|ty| random(3, &ty.sizes(size))).collect();
            let outputs = op.run(&inputs.iter().collect::<Vec<_>>(), &RunContext::default()).unwrap();
            assert_eq!(outputs[0].dims(), inferred[0].sizes(size), "{op:?} in a batch of {size}");
        }
    });
}

#[test]
fn inference_refuses_what_cannot_run() {
    let expand = |shape| Box::new(Expand { shape }) as Box<dyn Operator>;
    let mean = |axes| Box::new(Reduce { reduction: Reduction::Mean, axes, keep_dims: false }) as Box<dyn Operator>;
    let dilated = PoolWindow { kernel: [1, 2], dilation: [1, 4], padding: [[0, 0], [3, 3]], ..PoolWindow::square(1) };
    let cases: Vec<(Box<dyn Operator>, Vec<ValueType>, &str)> = vec![
        (Box::new(Binary::Mul), vec![batch(&[3])], "1 inputs, expected 2"),
        (Box::new(Softmax { axis: 0, log: true }), vec![batch(&[3])], "a known size of at least 1 along axis 0"),
        (mean(vec![0]), vec![batch(&[3])], "a known size of at least 1 along axis 0"),
        (mean(vec![2]), vec![batch(&[3])], "along axis 2"),
        (Box::new(LayerNorm { axis: 0, eps: 0.0 }), vec![batch(&[3]), fixed(&[3])], "known sizes from axis 0 on"),
        (
            Box::new(LayerNorm { axis: 1, eps: 0.0 }),
            vec![batch(&[3]), fixed(&[3]), fixed(&[4])],
            "input 2 is f32[4], expected f32[3]",
        ),
        (
            Box::new(LocalResponseNorm { size: 0, alpha: 1.0, beta: 1.0, bias: 1.0 }),
            vec![batch(&[3])],
            "a neighborhood of at least 1 channel",
        ),
        (
            Box::new(Reshape { shape: vec![Dim::Batch(1), Dim::Fixed(4)] }),
            vec![batch(&[3])],
            "as many elements, in samples, as f32[N, 4]",
        ),
        (
            Box::new(Reshape { shape: vec![Dim::Fixed(3)] }),
            vec![batch(&[3])],
            "as many elements, in samples, as f32[3]",
        ),
        // The samples would be taken apart.
        (
            Box::new(Reshape { shape: vec![Dim::Batch(2), Dim::Fixed(3)] }),
            vec![ValueType::f32([Dim::Fixed(2), Dim::Batch(1), Dim::Fixed(3)])],
            "in samples",
        ),
        (Box::new(Flatten { axis: 2 }), vec![ValueType::f32([Dim::Fixed(2), Dim::Batch(1)])], "one of them the batch"),
        (Box::new(Transpose { order: vec![0, 0] }), vec![batch(&[3])], "axes that [0, 0] names once each"),
        (Box::new(Transpose { order: vec![0] }), vec![batch(&[3])], "axes that [0] names once each"),
        (Box::new(Gather { axis: 1, indices: vec![3] }), vec![batch(&[3])], "a known size of at least 4 along axis 1"),
        (Box::new(Gather { axis: 0, indices: vec![0] }), vec![batch(&[3])], "along axis 0"),
        (Box::new(Gather { axis: 1, indices: vec![] }), vec![batch(&[3])], "and an index"),
        (expand(vec![Dim::Fixed(2)]), vec![fixed(&[3]), batch(&[])], "a shape that expands to f32[2]"),
        (expand(vec![]), vec![fixed(&[1]), batch(&[])], "a shape that expands to f32[]"),
        (expand(vec![Dim::Batch(1)]), vec![fixed(&[1]), fixed(&[1])], "input 1 is f32[1], expected [batch, ..]"),
        (
            Box::new(MatMul),
            vec![batch(&[3]), batch(&[3])],
            "input 1 is f32[N, 3], expected a matrix product's right side",
        ),
        (Box::new(MatMul), vec![batch(&[2, 3]), batch(&[4, 3])], "right side, the left one being f32[N, 2, 3]"),
        (Box::new(MatMul), vec![batch(&[3]), fixed(&[1, 3, 2])], "right side"),
        (Box::new(MaxPool(dilated)), vec![batch(&[1, 1, 1])], "sees nothing else"),
    ];
    for_each_case(cases, |(op, types, expected)| {
        let error = op.infer(&types.iter().collect::<Vec<_>>()).expect_err(expected).to_string();
        assert!(error.contains(expected), "{op:?}: {error:?} lacks {expected:?}");
    });
}
