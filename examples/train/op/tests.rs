//! Gradients against candle's own, through operations written out.

use super::*;
use candle_core::{Device, Var};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

fn random(seed: u64, shape: &[usize]) -> Var {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
    Var::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// Compares two ways of computing `[c, pixels]` from `vars`, and their gradients under one weighting
/// of the outputs.
fn assert_same(vars: &[&Var], ours: &Tensor, theirs: &Tensor) {
    let close = |a: &Tensor, b: &Tensor| {
        let (a, b) =
            (a.flatten_all().unwrap().to_vec1::<f32>().unwrap(), b.flatten_all().unwrap().to_vec1::<f32>().unwrap());
        assert_eq!(a.len(), b.len());
        for (i, (a, b)) in a.iter().zip(&b).enumerate() {
            assert!((a - b).abs() < 1e-4 * (1.0 + b.abs()), "{i}: {a}, expected {b}");
        }
    };
    close(ours, theirs);
    let weights = random(9, ours.dims());
    let gradients = |y: &Tensor| {
        (y.reshape(ours.shape()).unwrap() * weights.as_tensor()).unwrap().sum_all().unwrap().backward().unwrap()
    };
    let (ours, theirs) = (gradients(ours), gradients(theirs));
    for var in vars {
        close(ours.get(var).unwrap(), theirs.get(var).unwrap());
    }
}

#[test]
fn convolutions() {
    for (kernel, stride, padding, [h, w]) in [
        ([3, 3], 1, [1, 1], [5, 7]),
        ([3, 3], 2, [1, 1], [6, 6]),
        ([1, 1], 2, [0, 0], [6, 6]),
        ([5, 5], 1, [2, 2], [3, 4]),
    ] {
        let (x, weight) = (random(1, &[3, 2 * h * w]), random(2, &[4, 3, kernel[0], kernel[1]]));
        let window = Window { kernel, stride, padding, input: [2, h, w] };
        let columns = x.apply_op1(Im2col(window)).unwrap();
        let ours = weight.flatten_from(1).unwrap().matmul(&columns).unwrap();
        let images = x.reshape((3, 2, h, w)).unwrap().transpose(0, 1).unwrap().contiguous().unwrap();
        let theirs = images.conv2d(&weight, padding[0], stride, 1, 1).unwrap();
        let theirs = theirs.transpose(0, 1).unwrap().contiguous().unwrap().flatten_from(1).unwrap();
        assert_same(&[&x, &weight], &ours, &theirs);
    }
}

#[test]
fn rectangular_windows() {
    let x = random(1, &[1, 28 * 28]);
    let window = Window { kernel: [10, 4], stride: 2, padding: [4, 1], input: [1, 28, 28] };
    let ours = x.apply_op1(Im2col(window)).unwrap();
    let padded = x.reshape((28, 28)).unwrap().pad_with_zeros(0, 4, 4).unwrap().pad_with_zeros(1, 1, 1).unwrap();
    let starts = Tensor::arange_step(0u32, 27, 2, &Device::Cpu).unwrap();
    let tap = |i: usize| {
        let rows = padded.narrow(0, i / 4, 27).unwrap().contiguous().unwrap().index_select(&starts, 0).unwrap();
        rows.narrow(1, i % 4, 27)
            .unwrap()
            .contiguous()
            .unwrap()
            .index_select(&starts, 1)
            .unwrap()
            .flatten_all()
            .unwrap()
    };
    let theirs = Tensor::stack(&(0..40).map(tap).collect::<Vec<_>>(), 0).unwrap();
    assert_same(&[&x], &ours, &theirs);
}

#[test]
fn depthwise_convolutions() {
    let (x, weight) = (random(1, &[4, 2 * 5 * 6]), random(2, &[4, 9]));
    let window = Window { kernel: [3; 2], stride: 1, padding: [1; 2], input: [2, 5, 6] };
    let ours = x.apply_op2(&weight, Depthwise(window)).unwrap();
    let images = x.reshape((4, 2, 5, 6)).unwrap().transpose(0, 1).unwrap().contiguous().unwrap();
    let theirs = images.conv2d(&weight.reshape((4, 1, 3, 3)).unwrap(), 1, 1, 1, 4).unwrap();
    let theirs = theirs.transpose(0, 1).unwrap().contiguous().unwrap().flatten_from(1).unwrap();
    assert_same(&[&x, &weight], &ours, &theirs);
}

#[test]
fn normalizations() {
    for relu in [false, true] {
        let (x, gain, bias) = (random(1, &[3, 37]), random(2, &[3]), random(3, &[3]));
        let op = BatchNorm { eps: 1e-3, relu, moments: Arc::default() };
        let ours = x.apply_op3(&gain, &bias, op.clone()).unwrap();
        let centered = x.broadcast_sub(&x.mean_keepdim(1).unwrap()).unwrap();
        let variance = centered.sqr().unwrap().mean_keepdim(1).unwrap();
        let unit = centered.broadcast_div(&(&variance + 1e-3).unwrap().sqrt().unwrap()).unwrap();
        let theirs = unit.broadcast_mul(&gain.unsqueeze(1).unwrap()).unwrap();
        let theirs = theirs.broadcast_add(&bias.unsqueeze(1).unwrap()).unwrap();
        let theirs = if relu { theirs.relu().unwrap() } else { theirs };
        assert_same(&[&x, &gain, &bias], &ours, &theirs);
        let expected = variance.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        for (found, expected) in op.moments.get().unwrap().variance.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6);
        }
    }
}
