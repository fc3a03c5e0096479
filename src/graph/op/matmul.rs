//! Matrix products of two activations, such as queries and keys: always exact.

use super::with_values;
use crate::graph::operator::check_f32;
use crate::graph::{Dim, Macs, OpError, Operator, RunContext, ValueType};
use crate::kernel::for_simd_levels;
use candle_core::Tensor;
use rayon::prelude::*;

/// The matrix product over the last two axes, in `f32`, with the same bits for any threads, batch size and
/// processor. Inputs: two values of the same rank, at least 2, whose leading axes are equal or 1.
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
            output.par_chunks_mut((ROWS * columns).max(1)).enumerate().for_each(|(block, output)| {
                // A block of rows may cross matrices.
                for (i, sums) in output.chunks_exact_mut(columns).enumerate() {
                    let row = block * ROWS + i;
                    let b = &b[row / rows * depth * columns..][..depth * columns];
                    product(&a[row * depth..][..depth], b, sums);
                }
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

/// Rows that a thread takes at a time.
const ROWS: usize = 16;

for_simd_levels! {
    /// `sums = row x matrix`, each sum in the order of the matrix's rows, without fused operations.
    fn product(row: &[f32], matrix: &[f32], sums: &mut [f32]) {
        sums.fill(0.0);
        let columns = sums.len();
        let mut fours = row.chunks_exact(4).zip(matrix.chunks_exact(4 * columns));
        for (x, rows) in &mut fours {
            let (r0, rest) = rows.split_at(columns);
            let (r1, rest) = rest.split_at(columns);
            let (r2, r3) = rest.split_at(columns);
            for ((((sum, a), b), c), d) in sums.iter_mut().zip(r0).zip(r1).zip(r2).zip(r3) {
                *sum = *sum + x[0] * a + x[1] * b + x[2] * c + x[3] * d;
            }
        }
        let done = row.len() / 4 * 4;
        for (x, line) in row[done..].iter().zip(matrix[done * columns..].chunks_exact(columns)) {
            sums.iter_mut().zip(line).for_each(|(sum, y)| *sum += x * y);
        }
    }
}
