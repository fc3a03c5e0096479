//! The dimensions of a matrix product with leading axes.

use crate::layer::LayerProblem;

/// `[leading.., rows, depth] x [leading.., depth, columns]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MatMulShape {
    leading: Vec<usize>,
    pub rows: usize,
    pub depth: usize,
    pub columns: usize,
}

impl MatMulShape {
    /// That of factors of dimensions `a` and `b`.
    pub fn new(a: &[usize], b: &[usize]) -> Result<Self, LayerProblem> {
        let rank = a.len();
        let wrong = || {
            let expected = format!("a matrix product's right side, the left one being {a:?}");
            LayerProblem::Input { found: b.to_vec(), expected }
        };
        if rank < 2 || b.len() != rank || a[rank - 1] != b[rank - 2] || a[rank - 1] == 0 {
            return Err(wrong());
        }
        let leading = a.iter().zip(b).take(rank - 2).map(|(&a, &b)| match (a, b) {
            (a, b) if a == b || b == 1 => Some(a),
            (1, b) => Some(b),
            _ => None,
        });
        let leading = leading.collect::<Option<_>>().ok_or_else(wrong)?;
        Ok(MatMulShape { leading, rows: a[rank - 2], depth: a[rank - 1], columns: b[rank - 1] })
    }

    /// Dimensions of the left factor, the right one and the product, with all leading axes.
    pub fn broadcast(&self) -> [Vec<usize>; 3] {
        let of = |matrix: [usize; 2]| [self.leading.as_slice(), &matrix].concat();
        let MatMulShape { rows, depth, columns, .. } = *self;
        [of([rows, depth]), of([depth, columns]), of([rows, columns])]
    }
}

/// Where the samples of a batch lie in the factors and the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleAxis {
    /// The axis, one of the leading ones.
    pub axis: usize,
    /// Elements along it of each sample.
    pub elements: usize,
}

impl SampleAxis {
    /// Samples of a tensor of dimensions `dims`.
    pub fn samples(&self, dims: &[usize]) -> usize {
        dims.get(self.axis).map_or(0, |size| size / self.elements.max(1))
    }
}
