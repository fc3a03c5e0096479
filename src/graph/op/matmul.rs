//! Matrix products of two activations, such as queries and keys: always exact.

use super::with_values;
use crate::graph::operator::check_f32;
use crate::graph::{Dim, Macs, OpError, Operator, RunContext, ValueType};
use crate::kernel::{LANES, OrderedSums, Tile, fill_pointwise_tile};
use candle_core::Tensor;
use rayon::prelude::*;

/// The matrix product over the last two axes, summed in `f64` in order of depth and rounded once, with the same
/// bits for any threads, batch size and processor. Inputs: two values of the same rank, at least 2, whose leading
/// axes are equal or 1.
#[derive(Debug, Clone, Copy)]
pub struct MatMul;

/// `[leading.., rows, depth] x [leading.., depth, columns]`.
struct Shape {
    leading: Vec<Dim>,
    rows: Dim,
    depth: usize,
    columns: Dim,
}

impl MatMul {
    fn shape(inputs: &[&ValueType]) -> Result<Shape, OpError> {
        check_f32(inputs, 2..=2, "2")?;
        let (a, b) = (inputs[0], inputs[1]);
        let (rank, expected) = (a.rank(), format!("a matrix product's right side, the left one being {a}"));
        let wrong = || OpError::input(1, b, expected.clone());
        if rank < 2 || b.rank() != rank {
            return Err(wrong());
        }
        let leading = a.shape.iter().zip(&b.shape).take(rank - 2).map(|(&a, &b)| match (a, b) {
            (a, b) if a == b => Some(a),
            (Dim::Fixed(1), other) | (other, Dim::Fixed(1)) => Some(other),
            _ => None,
        });
        let leading: Option<Vec<Dim>> = leading.collect();
        match (leading, a.shape[rank - 1], b.shape[rank - 2]) {
            (Some(leading), Dim::Fixed(depth @ 1..), b_depth) if b_depth == Dim::Fixed(depth) => {
                Ok(Shape { leading, rows: a.shape[rank - 2], depth, columns: b.shape[rank - 1] })
            }
            _ => Err(wrong()),
        }
    }
}

impl Operator for MatMul {
    fn kind(&self) -> &'static str {
        "matmul"
    }

    fn infer(&self, inputs: &[&ValueType]) -> Result<Vec<ValueType>, OpError> {
        let Shape { leading, rows, columns, .. } = Self::shape(inputs)?;
        Ok(vec![ValueType::f32([leading, vec![rows, columns]].concat())])
    }

    fn run(&self, inputs: &[&Tensor], _: &RunContext) -> Result<Vec<Tensor>, OpError> {
        let (a, b) = (inputs[0], inputs[1]);
        let rank = a.rank();
        let (rows, depth, columns) = (a.dims()[rank - 2], a.dims()[rank - 1], b.dims()[rank - 1]);
        let pairs = a.dims().iter().zip(b.dims()).take(rank - 2);
        let leading: Vec<usize> = pairs.map(|(&a, &b)| if a == 1 { b } else { a }).collect();
        let of = |matrix: [usize; 2]| [leading.as_slice(), &matrix].concat();
        let (a, b) = (a.broadcast_as(of([rows, depth]))?, b.broadcast_as(of([depth, columns]))?);
        let mut output = vec![0f32; leading.iter().product::<usize>() * rows * columns];
        let mut multiply = |a: &[f32], b: &[f32]| {
            // Few matrices are split into blocks of rows, for all threads to have work.
            let (matrices, threads) = (output.len() / (rows * columns).max(1), rayon::current_num_threads());
            let block = if matrices < threads { rows.div_ceil(threads) } else { rows }.max(1);
            output.par_chunks_exact_mut((rows * columns).max(1)).enumerate().for_each(|(i, output)| {
                let (a, b) = (&a[i * rows * depth..][..rows * depth], &b[i * depth * columns..][..depth * columns]);
                let blocks = output.par_chunks_mut(block * columns).zip(a.par_chunks(block * depth));
                blocks.for_each_init(<(Tile<f32>, OrderedSums)>::default, |(tile, sums), (output, a)| {
                    for start in (0..columns).step_by(LANES) {
                        let columns_of_tile = start..(start + LANES).min(columns);
                        fill_pointwise_tile(b, b.len(), [depth, columns], columns_of_tile.clone(), tile);
                        sums.products(a, tile, |row, sums| {
                            let output = &mut output[row * columns..][columns_of_tile.clone()];
                            output.iter_mut().zip(sums).for_each(|(y, &sum)| *y = sum as f32);
                        });
                    }
                });
            });
        };
        with_values(&a, |a| with_values(&b, |b| multiply(a, b)))??;
        Ok(vec![Tensor::from_vec(output, of([rows, columns]), inputs[0].device())?])
    }

    fn macs(&self, inputs: &[&ValueType]) -> Option<Macs> {
        let Shape { leading, rows, depth, columns } = Self::shape(inputs).ok()?;
        let outputs: usize = leading.iter().chain([&rows, &columns]).map(|dim| dim.size(1)).product();
        Some(Macs { opcount: (outputs * depth) as u64, fan_in: depth })
    }
}
