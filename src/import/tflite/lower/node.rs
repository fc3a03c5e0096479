//! An operator of the file during lowering.

use super::{Computed, Lowering, Value};
use crate::graph::Dim;
use crate::graph::op::clipped;
use crate::import::tflite::error::NodeProblem;
use crate::import::tflite::options::{Activation, Options, OptionsError};
use crate::import::tflite::schema::{Operator, Tensor, TensorType};
use crate::import::tflite::tensor::{self, Constant, Data};
use crate::quant::Grid;

/// An operator and what is known of it.
pub(in crate::import::tflite) struct Node<'a> {
    pub operator: &'a Operator<'a>,
    /// The name of its node.
    pub name: String,
    /// The name of its operator.
    pub kind: &'static str,
    /// The tensor that it computes.
    pub output: &'a Tensor<'a>,
    /// The values that it reads; `None` for optional inputs that are left out.
    pub inputs: Vec<Option<Value>>,
    /// The element types of these in the file.
    pub types: Vec<Option<TensorType>>,
}

impl Node<'_> {
    /// Whether it computes integers on a grid.
    pub fn is_quantized(&self) -> bool {
        self.output.ty.is_quantized() == Some(true)
    }

    /// The grid of its output, of which an activation leaves a part.
    pub fn output_grid(&self, activation: Activation) -> Result<Grid, NodeProblem> {
        let grid = tensor::grid(self.output)?.ok_or_else(|| NodeProblem::Type {
            tensor: self.output.name.to_string(),
            found: self.output.ty.to_string(),
            expected: "INT8, UINT8 or INT16 with a scale",
        })?;
        Ok(clipped(&grid, activation.clip())?)
    }

    /// Input `index`, which must be there.
    pub fn input(&self, index: usize) -> Result<&Value, NodeProblem> {
        self.optional(index).ok_or(NodeProblem::Missing(index))
    }

    /// Input `index`, if it is there.
    pub fn optional(&self, index: usize) -> Option<&Value> {
        self.inputs.get(index)?.as_ref()
    }

    /// The attributes, which must be there.
    pub fn options<T: Options>(&self) -> Result<T, OptionsError> {
        self.operator.options()
    }

    /// The attributes, or those of an operator without any.
    pub fn options_or_default<T: Options + Default>(&self) -> Result<T, OptionsError> {
        Ok(self.operator.optional()?.unwrap_or_default())
    }

    /// Input `index`, which is a constant of numbers.
    pub fn constant(&self, index: usize) -> Result<&Constant, NodeProblem> {
        match self.input(index)? {
            Value::Constant(Data::Numbers(constant)) => Ok(constant),
            Value::Constant(Data::Integers { .. }) => {
                Err(NodeProblem::Kind { index, found: "INT32".to_owned(), expected: "numbers" })
            }
            Value::Computed(_) => Err(NodeProblem::NotConstant(index)),
        }
    }

    /// Input `index`, which is constant integers, such as axes and sizes.
    pub fn integers(&self, index: usize) -> Result<&[i64], NodeProblem> {
        match self.input(index)? {
            Value::Constant(Data::Integers { values, .. }) => Ok(values),
            Value::Constant(Data::Numbers(_)) => {
                Err(NodeProblem::Kind { index, found: "numbers".to_owned(), expected: "INT32" })
            }
            Value::Computed(_) => Err(NodeProblem::NotConstant(index)),
        }
    }

    /// Input `index` as a value of the graph.
    pub fn computed(&self, lowering: &mut Lowering, index: usize) -> Result<Computed, NodeProblem> {
        lowering.computed(index, self.input(index)?)
    }

    /// Input `index` as images with the channels first, and their channels, height and width.
    pub fn images(&self, lowering: &mut Lowering, index: usize) -> Result<(Computed, [usize; 3]), NodeProblem> {
        let value = self.computed(lowering, index)?;
        let ty = lowering.graph.ty(value.id);
        if value.axes.len() != 4 {
            let expected = "[batch, height, width, channels]".to_owned();
            return Err(NodeProblem::Shape { found: ty.to_string(), expected });
        }
        let images = lowering.channels_first(value)?;
        match lowering.graph.ty(images.id).shape[..] {
            [_, Dim::Fixed(channels), Dim::Fixed(height), Dim::Fixed(width)] => Ok((images, [channels, height, width])),
            _ => Err(NodeProblem::Batch("height, width or channels".to_owned())),
        }
    }
}

/// An axis of `rank`, which may be counted from the end.
pub(super) fn axis(found: i64, rank: usize) -> Result<usize, NodeProblem> {
    let axis = if found < 0 { found.checked_add(rank as i64) } else { Some(found) };
    let axis = axis.and_then(|axis| usize::try_from(axis).ok()).filter(|&axis| axis < rank);
    axis.ok_or_else(|| NodeProblem::Shape { found: format!("axis {found}"), expected: format!("an axis of {rank}") })
}
