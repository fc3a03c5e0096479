//! What a name of an ONNX graph refers to while the graph is lowered.

use super::error::NodeProblem;
use crate::graph::{Dim, ValueId};
use crate::quant::Grid;
use candle_core::Tensor;
use rten_onnx::onnx::DataType;
use std::sync::Arc;

/// An integer that may depend on the batch size: `fixed + batch * N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Int {
    pub fixed: i64,
    pub batch: i64,
}

impl From<i64> for Int {
    fn from(fixed: i64) -> Self {
        Int { fixed, batch: 0 }
    }
}

impl From<Dim> for Int {
    fn from(dim: Dim) -> Self {
        match dim {
            Dim::Fixed(size) => Int { fixed: size as i64, batch: 0 },
            Dim::Batch(times) => Int { fixed: 0, batch: times as i64 },
        }
    }
}

impl Int {
    /// The value, if it does not depend on the batch size.
    pub fn known(self) -> Option<i64> {
        (self.batch == 0).then_some(self.fixed)
    }

    /// The same as a dimension.
    pub fn dim(self) -> Option<Dim> {
        match self {
            Int { fixed, batch: 0 } => usize::try_from(fixed).ok().map(Dim::Fixed),
            Int { fixed: 0, batch } => usize::try_from(batch).ok().map(Dim::Batch),
            Int { .. } => None,
        }
    }
}

/// Integers that do not depend on the images, only on the batch size.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ints {
    pub dims: Vec<usize>,
    /// Shared by all copies of a constant.
    pub values: Arc<Vec<Int>>,
    /// Their type: for quantized integers, it states the range.
    pub ty: DataType,
}

impl Ints {
    /// Integers of 64 bits, as shapes are.
    pub fn new(dims: Vec<usize>, values: Vec<Int>) -> Self {
        Ints { dims, values: Arc::new(values), ty: DataType::INT64 }
    }

    /// A vector of 64-bit integers.
    pub fn vector(values: Vec<Int>) -> Self {
        Ints::new(vec![values.len()], values)
    }

    /// The same with another type.
    pub fn with_type(self, ty: DataType) -> Self {
        Ints { ty, ..self }
    }

    /// The values, if none depends on the batch size.
    pub fn known(&self) -> Option<Vec<i64>> {
        self.values.iter().map(|int| int.known()).collect()
    }
}

/// A matrix product by a constant: a linear layer, once it is known whether a bias follows.
#[derive(Debug, Clone)]
pub(super) struct PendingLinear {
    /// The input.
    pub x: ValueId,
    /// The dimensions that the output has in the file, where positions and samples are merged there.
    pub merged: Option<Vec<Dim>>,
    /// `[out, in]`.
    pub weight: Tensor,
    /// The constant's name.
    pub weight_name: String,
    /// The node's name and that of its operator.
    pub node: String,
    pub operator: String,
    /// What messages call the node.
    pub title: String,
}

/// What a name refers to.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Computed from the images.
    Computed(ValueId),
    /// A constant of real numbers.
    Floats {
        tensor: Tensor,
        /// Its name in the file.
        name: String,
        /// Whether it is a tensor of the file, not the result of a computation.
        initial: bool,
    },
    /// Constant integers, such as shapes.
    Ints(Ints),
    /// Computed by a layer that is not added yet.
    Pending(Box<PendingLinear>),
    /// Computed, with positions and samples on two axes, which are one axis in the file, the samples
    /// innermost: dimensions that no value of the graph can have. Layers work along its last axis, and
    /// another reshape splits the merged axis again.
    Merged {
        id: ValueId,
        /// The dimensions in the file.
        shape: Vec<Dim>,
    },
    /// Computed integers on this grid, in the file; in the graph, the real numbers that they represent, which
    /// `DequantizeLinear` would make of them.
    Quantized(Box<Value>, Grid),
}

impl Value {
    /// The integers of input `index`.
    pub fn ints(&self, index: usize) -> Result<&Ints, NodeProblem> {
        match self {
            Value::Ints(ints) => Ok(ints),
            Value::Floats { .. } => Err(NodeProblem::Kind { index, found: "real numbers", expected: "integers" }),
            Value::Quantized(..) => Err(NodeProblem::Quantized(index)),
            Value::Computed(_) | Value::Pending(_) | Value::Merged { .. } => Err(NodeProblem::NotConstant(index)),
        }
    }

    /// The constant real numbers of input `index`.
    pub fn floats(&self, index: usize) -> Result<&Tensor, NodeProblem> {
        match self {
            Value::Floats { tensor, .. } => Ok(tensor),
            Value::Ints(_) => Err(NodeProblem::Kind { index, found: "integers", expected: "real numbers" }),
            Value::Quantized(..) => Err(NodeProblem::Quantized(index)),
            Value::Computed(_) | Value::Pending(_) | Value::Merged { .. } => Err(NodeProblem::NotConstant(index)),
        }
    }
}
