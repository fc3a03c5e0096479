//! Functions of numbers, alone and in pairs.

use super::*;

/// `function(a, b)` of what two values show at each index of the shape that they broadcast to.
fn naive(a: &Tensor, b: &Tensor, function: impl Fn(f32, f32) -> f32) -> Vec<f32> {
    let rank = a.rank().max(b.rank());
    let sizes = |x: &Tensor| [vec![1; rank - x.rank()], x.dims().to_vec()].concat();
    let shape: Vec<usize> = sizes(a).into_iter().zip(sizes(b)).map(|(a, b)| a.max(b)).collect();
    let element = |x: &Tensor, index: &[usize]| {
        let index = &index[rank - x.rank()..];
        at(x, &index.iter().zip(x.dims()).map(|(&i, &size)| if size == 1 { 0 } else { i }).collect::<Vec<_>>())
    };
    tabulate(&shape, |index| function(element(a, index), element(b, index)))
}

/// Two shapes that broadcast, of up to four axes.
fn shapes() -> impl Strategy<Value = [Vec<usize>; 2]> {
    let axis = (1usize..=4, 0u8..4);
    (prop::collection::vec(axis, 0..=4), 0usize..=4, any::<bool>()).prop_map(|(axes, shorter, swap)| {
        let long: Vec<usize> = axes.iter().map(|&(size, ones)| if ones & 1 == 1 { 1 } else { size }).collect();
        let other: Vec<usize> = axes.iter().map(|&(size, ones)| if ones & 2 == 2 { 1 } else { size }).collect();
        let other = other[shorter.min(axes.len())..].to_vec();
        if swap { [other, long] } else { [long, other] }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn pairs_broadcast([a, b] in shapes(), seed: u64) {
        let (a, b) = (random(seed, &a), random(!seed, &b));
        let difference = |a: f32, b: f32| a - b;
        prop_assert_eq!(values(&run(&Binary::Sub, &[&a, &b])), naive(&a, &b, difference));
        prop_assert_eq!(values(&run(&Add::default(), &[&a, &b])), naive(&a, &b, |a, b| a + b));
    }
}

/// Lines longer than a thread takes at a time.
#[test]
fn large_values_are_split_between_threads() {
    let (a, b) = (random(1, &[2, 2, CHUNK + 5]), random(2, &[2, 1]));
    assert_eq!(values(&run(&Binary::Mul, &[&a, &b])), {
        let b = values(&b);
        let values = values(&a).into_iter().enumerate();
        values.map(|(i, a)| a * b[i / (CHUNK + 5) % 2]).collect::<Vec<_>>()
    });
}

#[test]
fn functions_of_pairs() {
    let a = Tensor::new(&[4f32, -2.0, 0.5, 3.0], &Device::Cpu).unwrap();
    let b = Tensor::new(&[2f32, -4.0, 0.5, 0.0], &Device::Cpu).unwrap();
    let cases = [
        (Binary::Sub, [2.0, 2.0, 0.0, 3.0]),
        (Binary::Mul, [8.0, 8.0, 0.25, 0.0]),
        (Binary::Div, [2.0, 0.5, 1.0, f32::INFINITY]),
        (Binary::Pow, [16.0, 0.0625, 0.5f32.sqrt(), 1.0]),
        (Binary::Max, [4.0, -2.0, 0.5, 3.0]),
        (Binary::Min, [2.0, -4.0, 0.5, 0.0]),
        (Binary::PRelu, [4.0, 8.0, 0.5, 3.0]),
    ];
    let comparisons = [
        (Binary::Equal, [0.0, 0.0, 1.0, 0.0]),
        (Binary::Less, [0.0, 0.0, 0.0, 0.0]),
        (Binary::LessOrEqual, [0.0, 0.0, 1.0, 0.0]),
    ];
    for_each_case(comparisons, |(op, expected)| {
        assert_eq!(values(&run(&op, &[&a, &b])), expected, "{op:?}");
    });
    let nan = Tensor::new(f32::NAN, &Device::Cpu).unwrap();
    for_each_case(cases, |(op, expected)| {
        assert_eq!(values(&run(&op, &[&a, &b])), expected, "{op:?}");
        assert!(values(&run(&op, &[&nan, &a])).iter().all(|y| y.is_nan()), "{op:?}");
        assert!(op == Binary::PRelu || values(&run(&op, &[&b, &nan])).iter().all(|y| y.is_nan()), "{op:?}");
    });
    let two = Tensor::new(&[2f32], &Device::Cpu).unwrap();
    assert_eq!(values(&run(&Binary::Pow, &[&a, &two])), [16.0, 4.0, 0.25, 9.0]);
}

type Definition = Box<dyn Fn(f64) -> f64>;

/// The definitions in `f64`, by the standard library.
#[test]
fn functions_of_numbers() {
    let erf = libm::erf;
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let tanh_gelu = |x: f64| {
        let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
        0.5 * x * (1.0 + inner.tanh())
    };
    let cases: Vec<(Unary, Definition)> = vec![
        (Unary::Clip { min: -0.5, max: 1.25 }, Box::new(|x| x.clamp(-0.5, 1.25))),
        (Unary::LeakyRelu { slope: 0.25 }, Box::new(|x| if x < 0.0 { 0.25 * x } else { x })),
        (Unary::Elu { alpha: 0.5 }, Box::new(|x| if x < 0.0 { 0.5 * (x.exp() - 1.0) } else { x })),
        (Unary::Sigmoid, Box::new(sigmoid)),
        (Unary::Silu, Box::new(move |x| x * sigmoid(x))),
        (Unary::HardSigmoid { slope: 0.25, shift: 0.5 }, Box::new(|x| (0.25 * x + 0.5).clamp(0.0, 1.0))),
        (Unary::HardSwish, Box::new(|x| x * (x + 3.0).clamp(0.0, 6.0) / 6.0)),
        (Unary::Tanh, Box::new(f64::tanh)),
        (Unary::Gelu, Box::new(move |x| 0.5 * x * (1.0 + erf(x / 2f64.sqrt())))),
        (Unary::GeluTanh, Box::new(tanh_gelu)),
        (Unary::Softplus, Box::new(|x| x.exp().ln_1p())),
        (Unary::Mish, Box::new(|x| x * x.exp().ln_1p().tanh())),
        (Unary::Selu { alpha: 1.5, gamma: 0.75 }, Box::new(|x| 0.75 * if x > 0.0 { x } else { 1.5 * x.exp_m1() })),
        (Unary::Celu { alpha: 0.5 }, Box::new(|x| if x > 0.0 { x } else { 0.5 * (x / 0.5).exp_m1() })),
        (Unary::ThresholdedRelu { alpha: 0.5 }, Box::new(|x| if x > 0.5 { x } else { 0.0 })),
        (Unary::Softsign, Box::new(|x| x / (1.0 + x.abs()))),
        (Unary::Sign, Box::new(f64::signum)),
        (Unary::Floor, Box::new(f64::floor)),
        (Unary::Ceil, Box::new(f64::ceil)),
        (Unary::Round, Box::new(f64::round_ties_even)),
        (Unary::Sin, Box::new(f64::sin)),
        (Unary::Cos, Box::new(f64::cos)),
        (Unary::Erf, Box::new(erf)),
        (Unary::Sqrt, Box::new(|x| x.abs().sqrt())),
        (Unary::Reciprocal, Box::new(|x| 1.0 / x)),
        (Unary::Exp, Box::new(f64::exp)),
        (Unary::Log, Box::new(|x| x.abs().ln())),
        (Unary::Neg, Box::new(|x| -x)),
        (Unary::Abs, Box::new(f64::abs)),
    ];
    let x: Vec<f32> = numbers(3, 2000).into_iter().map(|x| x * 4.0).filter(|x| *x != 0.0).collect();
    let all = Tensor::new(x.as_slice(), &Device::Cpu).unwrap();
    let nan = Tensor::new(f32::NAN, &Device::Cpu).unwrap();
    for (op, definition) in cases {
        let input = if matches!(op, Unary::Sqrt | Unary::Log) { all.abs().unwrap() } else { all.clone() };
        for (found, x) in values(&run(&op, &[&input])).into_iter().zip(&x) {
            let expected = definition(f64::from(*x));
            // A few roundings, of numbers that may be larger than the result by an eighth of the input.
            let bound = 4.0 * f64::from(f32::EPSILON) * expected.abs().max(f64::from(x.abs()) / 8.0);
            assert!((f64::from(found) - expected).abs() <= bound, "{op:?} of {x}: {found}, expected {expected}");
        }
        assert!(values(&run(&op, &[&nan]))[0].is_nan(), "{op:?}");
    }
}

/// What is not chosen does not count, infinite or not; all three inputs broadcast.
#[test]
fn a_choice_by_number() {
    let condition = Tensor::new(&[[1f32], [0.0]], &Device::Cpu).unwrap();
    let a = Tensor::new(&[1f32, f32::NEG_INFINITY, 3.0], &Device::Cpu).unwrap();
    let b = Tensor::new(f32::NAN, &Device::Cpu).unwrap();
    let found = values(&run(&Where, &[&condition, &a, &b]));
    assert_eq!(found[..3], [1.0, f32::NEG_INFINITY, 3.0]);
    assert!(found[3..].iter().all(|x| x.is_nan()) && found.len() == 6);
}

#[test]
fn bounds_in_the_wrong_order_give_the_upper_one() {
    let x = Tensor::new(&[-3f32, 0.0, 3.0], &Device::Cpu).unwrap();
    assert_eq!(values(&run(&Unary::Clip { min: 2.0, max: 1.0 }, &[&x])), [1.0; 3]);
}
