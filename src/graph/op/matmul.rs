//! Matrix products of two activations, such as queries and keys.

use crate::graph::operator::check_f32;
use crate::graph::{Dim, Macs, OpError, Operator, RunContext, ValueType};
use crate::layer::ordered_matmul;
use candle_core::Tensor;

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
        Ok(vec![ordered_matmul(inputs[0], inputs[1])?])
    }

    fn macs(&self, inputs: &[&ValueType]) -> Option<Macs> {
        let Shape { leading, rows, depth, columns } = Self::shape(inputs).ok()?;
        let outputs: usize = leading.iter().chain([&rows, &columns]).map(|dim| dim.size(1)).product();
        Some(Macs { opcount: (outputs * depth) as u64, fan_in: depth })
    }
}
