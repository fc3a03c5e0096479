//! Types of values: element type and shape, the batch size left open.

use crate::quant::Grid;
use candle_core::DType;
use std::fmt;

/// One dimension of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dim {
    /// A known size.
    Fixed(usize),
    /// A multiple of the batch size: the elements of one sample, then those of the next.
    Batch(usize),
}

impl Dim {
    /// The size for a batch size.
    pub fn size(self, batch: usize) -> usize {
        match self {
            Dim::Fixed(size) => size,
            Dim::Batch(times) => times * batch,
        }
    }

    /// The product of dimensions, where at most one is a multiple of the batch size.
    pub fn product(dims: &[Dim]) -> Option<Dim> {
        dims.iter().try_fold(Dim::Fixed(1), |product, &dim| match (product, dim) {
            (Dim::Fixed(a), Dim::Fixed(b)) => Some(Dim::Fixed(a * b)),
            (Dim::Fixed(a), Dim::Batch(b)) | (Dim::Batch(a), Dim::Fixed(b)) => Some(Dim::Batch(a * b)),
            (Dim::Batch(_), Dim::Batch(_)) => None,
        })
    }
}

/// Elements of one sample before the batch axis. A reshape keeps the order of elements for every batch
/// size only if it keeps this number.
pub(crate) fn before_batch(dims: &[Dim]) -> usize {
    let before = dims.iter().take_while(|dim| matches!(dim, Dim::Fixed(_)));
    if before.clone().count() == dims.len() { 1 } else { before.map(|dim| dim.size(1)).product() }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Dim::Fixed(size) => write!(f, "{size}"),
            Dim::Batch(1) => f.write_str("N"),
            Dim::Batch(times) => write!(f, "{times}N"),
        }
    }
}

/// What the elements of a value are.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum ElementType {
    /// Real numbers.
    F32,
    /// Integers of 64 bits, such as indices.
    I64,
    /// Quantized integers of one scale and zero point, which a run holds as the `f32` numbers that they
    /// represent: operators compute with these as with any real numbers, and a layer of the same
    /// parameters finds the integers again.
    Quantized(Grid),
}

impl ElementType {
    /// The element type of the tensors that a run holds.
    pub fn dtype(self) -> DType {
        match self {
            ElementType::F32 | ElementType::Quantized(_) => DType::F32,
            ElementType::I64 => DType::I64,
        }
    }

    /// Whether operators can compute with it as with real numbers.
    pub fn is_real(self) -> bool {
        self.dtype() == DType::F32
    }

    /// Scale, zero point and range of quantized integers.
    pub fn quantization(self) -> Option<Grid> {
        if let ElementType::Quantized(grid) = self { Some(grid) } else { None }
    }
}

/// Element type and shape of a value.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueType {
    /// What its elements are.
    pub element: ElementType,
    /// One dimension for each axis.
    pub shape: Vec<Dim>,
}

impl ValueType {
    /// An `f32` value.
    pub fn f32(shape: impl Into<Vec<Dim>>) -> Self {
        ValueType { element: ElementType::F32, shape: shape.into() }
    }

    /// An `f32` value of known size, as parameters are.
    pub fn fixed(shape: &[usize]) -> Self {
        Self::f32(shape.iter().map(|&size| Dim::Fixed(size)).collect::<Vec<_>>())
    }

    /// An `f32` value of one batch of samples of shape `sample`.
    pub fn batch_of(sample: &[usize]) -> Self {
        let sample = sample.iter().map(|&size| Dim::Fixed(size));
        Self::f32([Dim::Batch(1)].into_iter().chain(sample).collect::<Vec<_>>())
    }

    /// Number of axes.
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// The axis along which samples lie, and the elements along it of each.
    pub(super) fn batch_axis(&self) -> Option<(usize, usize)> {
        self.shape.iter().enumerate().find_map(|(axis, dim)| match dim {
            Dim::Batch(times) => Some((axis, *times)),
            Dim::Fixed(_) => None,
        })
    }

    /// Whether samples lie along one of the axes.
    pub fn has_batch(&self) -> bool {
        self.shape.iter().any(|dim| matches!(dim, Dim::Batch(_)))
    }

    /// Sizes for a batch size.
    pub fn sizes(&self, batch: usize) -> Vec<usize> {
        self.shape.iter().map(|dim| dim.size(batch)).collect()
    }

    /// The type of the real numbers that a quantized value represents; other types as they are.
    #[must_use]
    pub fn dequantized(&self) -> Self {
        let element = if self.element.is_real() { ElementType::F32 } else { self.element };
        ValueType { element, shape: self.shape.clone() }
    }

    /// The same type with other sizes along the axes that are not a multiple of the batch size.
    pub(crate) fn resized(&self, sizes: &[usize]) -> Self {
        let resize = |(i, &size): (usize, &usize)| match self.shape.get(i) {
            Some(&dim @ Dim::Batch(_)) => dim,
            _ => Dim::Fixed(size),
        };
        ValueType { element: self.element, shape: sizes.iter().enumerate().map(resize).collect() }
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let shape: Vec<String> = self.shape.iter().map(ToString::to_string).collect();
        write!(f, "{}[{}]", self.element.dtype().as_str(), shape.join(", "))
    }
}
