//! Operators over several numbers at once: softmax, normalization, means, matrix products.

use super::*;

fn close(found: &[f32], expected: &[f32], bound: f32) {
    assert_eq!(found.len(), expected.len());
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= bound * expected.abs().max(1.0), "{i}: {found}, expected {expected}");
    }
}

/// The sum of `function(element)` over axis `axis` of `x`, through `index`.
fn along(x: &Tensor, axis: usize, index: &[usize], function: impl Fn(f64) -> f64) -> f64 {
    let mut index = index.to_vec();
    let elements = 0..x.dims()[axis];
    let each = elements.map(|i| {
        index[axis] = i;
        function(f64::from(at(x, &index)))
    });
    each.sum()
}

/// What is not above zero after `eps` was added is no variance; what is, is one.
#[test]
fn running_variances_are_positive() {
    let one = |x: f32| Tensor::from_vec(vec![1.0, x], 2, &Device::Cpu).unwrap();
    let norm = BatchNorm { eps: 0.25 };
    let run = |variance: f32| {
        let x = Tensor::from_vec(vec![3f32, 3.0], (1, 2), &Device::Cpu).unwrap();
        norm.run(&[&x, &one(1.0), &one(0.0), &one(1.0), &one(variance)], &RunContext::default())
    };
    // (3 - 1) / sqrt(-0.1875 + 0.25)
    assert_eq!(values(&run(-0.1875).unwrap()[0])[1], 8.0);
    for variance in [-0.25, -1.0, f32::NAN] {
        let message = run(variance).unwrap_err().to_string();
        assert!(message.contains("channel 1") && message.contains(&variance.to_string()), "{message}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn softmax_is_its_definition(dims in prop::collection::vec(1usize..=5, 1..=4), axis in 0usize..4, seed: u64) {
        let (x, axis) = (random(seed, &dims), axis % dims.len());
        let share = |index: &[usize]| f64::from(at(&x, index)).exp() / along(&x, axis, index, f64::exp);
        let expected = tabulate(&dims, |index| share(index) as f32);
        close(&values(&run(&Softmax { axis, log: false }, &[&x])), &expected, 3e-7);
        let expected = tabulate(&dims, |index| share(index).ln() as f32);
        close(&values(&run(&Softmax { axis, log: true }, &[&x])), &expected, 1e-6);
    }

    #[test]
    fn matrix_products_are_sums(
        (rows, depth, columns) in (1usize..=20, 1usize..=9, 1usize..=20),
        leading in prop::collection::vec((1usize..=3, 0u8..4), 0..=2),
        seed: u64,
    ) {
        let side = |bit: u8, matrix: [usize; 2]| {
            let leading = leading.iter().map(|&(size, ones)| if ones & bit == bit { 1 } else { size });
            leading.chain(matrix).collect::<Vec<_>>()
        };
        let (a, b) = (random(seed, &side(1, [rows, depth])), random(!seed, &side(2, [depth, columns])));
        let found = run(&MatMul, &[&a, &b]);
        let of = |x: &Tensor, leading: &[usize], matrix: [usize; 2]| {
            let leading = leading.iter().zip(x.dims()).map(|(&i, &size)| if size == 1 { 0 } else { i });
            f64::from(at(x, &leading.chain(matrix).collect::<Vec<_>>()))
        };
        let expected = tabulate(found.dims(), |index| {
            let (leading, place) = index.split_at(index.len() - 2);
            (0..depth).map(|k| of(&a, leading, [place[0], k]) * of(&b, leading, [k, place[1]])).sum::<f64>() as f32
        });
        close(&values(&found), &expected, 2e-6);
    }

    #[test]
    fn layer_norm_is_its_formula(dims in prop::collection::vec(1usize..=5, 1..=3), axis in 0usize..3, seed: u64) {
        let axis = axis % dims.len();
        let x = random(seed, &dims);
        let (gain, beta) = (random(seed ^ 1, &dims[axis..]), random(seed ^ 2, &dims[axis..]));
        let size: usize = dims[axis..].iter().product();
        let rows = values(&x);
        let expected: Vec<f32> = rows.chunks_exact(size).flat_map(|row| {
            let n = size as f64;
            let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / n;
            let variance = row.iter().map(|&x| (f64::from(x) - mean) * (f64::from(x) - mean)).sum::<f64>() / n;
            let (gain, beta) = (values(&gain), values(&beta));
            (0..size).map(|i| {
                let normal = (f64::from(row[i]) - mean) / (variance + 1e-6).sqrt();
                (normal * f64::from(gain[i]) + f64::from(beta[i])) as f32
            }).collect::<Vec<_>>()
        }).collect();
        let found = run(&LayerNorm { axis, eps: 1e-6 }, &[&x, &gain, &beta]);
        close(&values(&found), &expected, 1e-6);
    }

    #[test]
    fn means_over_axes(dims in prop::collection::vec(1usize..=4, 1..=4), chosen in 1u8..16, keep_dims: bool, seed: u64) {
        let axes: Vec<usize> = (0..dims.len()).filter(|axis| chosen >> axis & 1 == 1).collect();
        let x = random(seed, &dims);
        let found = run(&Reduce { reduction: Reduction::Mean, axes: axes.clone(), keep_dims }, &[&x]);
        let count: usize = axes.iter().map(|&axis| dims[axis]).product();
        let kept: Vec<usize> = (0..dims.len()).map(|axis| if axes.contains(&axis) { 1 } else { dims[axis] }).collect();
        let reduced: Vec<usize> = (0..dims.len()).map(|axis| if axes.contains(&axis) { dims[axis] } else { 1 }).collect();
        let expected = tabulate(&kept, |index| {
            let numbers = tabulate(&reduced, |offset| {
                at(&x, &index.iter().zip(offset).map(|(i, j)| i + j).collect::<Vec<_>>())
            });
            let sum: f64 = numbers.into_iter().map(f64::from).sum();
            (sum / count as f64) as f32
        });
        close(&values(&found), &expected, 1e-7);
    }
}

/// By their definitions; two numbers of either sign, and a NaN.
#[test]
fn reductions_by_hand() {
    let x = Tensor::new(&[[3f32, -4.0], [f32::NAN, 1.0]], &Device::Cpu).unwrap();
    let of_two = [
        (Reduction::Mean, -0.5),
        (Reduction::Sum, -1.0),
        (Reduction::Product, -12.0),
        (Reduction::Max, 3.0),
        (Reduction::Min, -4.0),
        (Reduction::L1, 7.0),
        (Reduction::L2, 5.0),
        (Reduction::SumSquare, 25.0),
        (Reduction::LogSumExp, (3f64.exp() + (-4f64).exp()).ln() as f32),
    ];
    for_each_case(of_two, |(reduction, expected)| {
        let found = values(&run(&Reduce { reduction, axes: vec![1], keep_dims: true }, &[&x]));
        assert!((found[0] - expected).abs() < 1e-6 && found[1].is_nan(), "{reduction:?}: {found:?}");
    });
    assert!((Reduction::LogSum.apply(&[2.0, 5.5]) - 7.5f32.ln()).abs() < 1e-6);
    assert_eq!(Reduction::LogSumExp.apply(&[f32::NEG_INFINITY; 2]), f32::NEG_INFINITY);
}

#[test]
fn group_norm_is_its_formula() {
    let x = random(9, &[2, 6, 2, 3]);
    let (gain, beta) = (random(10, &[6]), random(11, &[6]));
    for groups in [1, 2, 3, 6] {
        let size = 36 / groups;
        let expected: Vec<f32> = (0..72)
            .map(|i| {
                let group: Vec<f64> = values(&x)[i / size * size..][..size].iter().map(|&x| f64::from(x)).collect();
                let mean = group.iter().sum::<f64>() / size as f64;
                let variance = group.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / size as f64;
                let normal = (group[i % size] - mean) / (variance + 1e-3).sqrt();
                let channel = i / 6 % 6;
                (normal * f64::from(values(&gain)[channel]) + f64::from(values(&beta)[channel])) as f32
            })
            .collect();
        close(&values(&run(&GroupNorm { groups, eps: 1e-3 }, &[&x, &gain, &beta])), &expected, 1e-6);
    }
}

#[test]
fn interpolation_by_hand() {
    let x = Tensor::new(&[[[1f32, 10.0], [3.0, 30.0]]], &Device::Cpu).unwrap();
    let places = vec![(0, 0.0), (0, 0.25), (1, 0.0)];
    let found = run(&Interpolate { axis: 1, places }, &[&x]);
    assert_eq!((found.dims(), values(&found)), (&[1, 3, 2][..], vec![1.0, 10.0, 1.5, 15.0, 3.0, 30.0]));
    let beyond = Interpolate { axis: 1, places: vec![(1, 0.5)] };
    assert!(beyond.infer(&[&fixed(&[1, 2, 2])]).is_err());
}

#[test]
fn local_response_norm_is_its_formula() {
    let x = random(5, &[2, 7, 3, 2]);
    for size in [1, 3, 4, 5] {
        let op = LocalResponseNorm { size, alpha: 0.5, beta: 0.75, bias: 2.0 };
        let expected = tabulate(x.dims(), |index| {
            let c = index[1] as isize;
            // ONNX: from c - floor((size - 1) / 2) to c + ceil((size - 1) / 2).
            let (before, after) = ((size as isize - 1) / 2, size as isize / 2);
            let channels = (c - before).max(0)..=(c + after).min(6);
            let squares = channels.map(|c| f64::from(at(&x, &[index[0], c as usize, index[2], index[3]])).powi(2));
            let base = 2.0 + 0.5 / size as f64 * squares.sum::<f64>();
            (f64::from(at(&x, index)) / base.powf(0.75)) as f32
        });
        close(&values(&run(&op, &[&x])), &expected, 1e-7);
    }
}

#[test]
fn the_largest_of_a_channel() {
    let x = random(6, &[2, 3, 4, 5]);
    let expected: Vec<f32> =
        values(&x).chunks_exact(20).map(|plane| plane.iter().copied().fold(-9.0, f32::max)).collect();
    assert_eq!(values(&run(&GlobalMaxPool, &[&x])), expected);
}

#[test]
fn sums_of_means_are_in_f64() {
    let x = Tensor::new(&[[1e8f32, 1.0, -1e8, 1.0]], &Device::Cpu).unwrap();
    assert_eq!(values(&run(&Reduce { reduction: Reduction::Mean, axes: vec![1], keep_dims: false }, &[&x])), [0.5]);
}

/// A product's rows do not depend on how many there are, nor on the batch.
#[test]
fn matrix_products_do_not_depend_on_the_batch() {
    let (a, b) = (random(7, &[3, 37, 65]), random(8, &[3, 65, 50]));
    let all = values(&run(&MatMul, &[&a, &b]));
    for i in 0..3 {
        let (a, b) = (a.narrow(0, i, 1).unwrap(), b.narrow(0, i, 1).unwrap());
        assert_eq!(values(&run(&MatMul, &[&a, &b])), all[i * 37 * 50..][..37 * 50]);
    }
}
