//! What the importer knows about an ONNX operator: what its nodes are lowered to, and what it does with
//! quantized integers. The registry of all operators is one file above.

use super::arithmetic::{self, Comparison};
use super::integers::IntFunction;
use super::lowering::Reader;
use super::qlinear::QLinear;
use super::{Lowering, Node, norms, pools, quantized};
use crate::graph::op::{Binary, Reduction, Unary};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::value::Value;
use crate::registry::Named;

/// An operator of ONNX, or of another domain.
pub(super) struct OnnxOperator {
    name: &'static str,
    lower: Lower,
    /// What it does with quantized integers.
    integers: QuantizedInput,
    /// How it reads a matrix product before it.
    pub reader: Reader,
}

/// What an operator is lowered to.
#[derive(Clone, Copy)]
pub(super) enum Lower {
    /// The outputs of a function of its own.
    With(fn(&mut Lowering, &Node) -> Result<Vec<Value>, NodeProblem>),
    /// A function of single numbers.
    Unary(Unary),
    /// The same, its parameters read from the node's attributes.
    UnaryWith(fn(&Node) -> Result<Unary, NodeProblem>),
    /// A function of pairs of numbers, and of constant integers, where that is supported.
    Binary(Binary, Option<IntFunction>),
    /// A comparison or logical operation.
    Compare(Comparison),
    /// A reduction over axes, and its step for constant integers, where that is supported.
    Reduce(Reduction, Option<IntFunction>),
    /// A softmax, or its logarithm.
    Softmax { log: bool },
    /// An operator of real numbers on quantized integers.
    QLinear(&'static QLinear),
}

/// What an operator does with an input of quantized integers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum QuantizedInput {
    /// It computes with them, which would need the numbers that they represent.
    Unsupported,
    /// It moves or selects those of its first input, or returns their shape.
    Moved,
    /// It moves or selects those of all inputs.
    AllMoved,
    /// It selects those above 0, which is the zero point of some.
    MovedIfZeroPointIsZero,
    /// Its lowering takes them as they are.
    Handled,
}

/// What quantized integers are to an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::import::onnx) enum IntegerUse {
    /// It computes with the numbers that they represent by the scale and zero point that follow.
    Scaled,
    /// It passes them on.
    Moved,
    Other,
}

impl Named for OnnxOperator {
    fn name(&self) -> &'static str {
        self.name
    }
}

impl OnnxOperator {
    pub const fn new(name: &'static str, lower: Lower) -> Self {
        OnnxOperator { name, lower, integers: QuantizedInput::Unsupported, reader: Reader::Other }
    }

    /// An operator of integers.
    pub const fn of_integers(row: &'static QLinear) -> Self {
        OnnxOperator::new(row.name, Lower::QLinear(row)).with_integers(QuantizedInput::Handled)
    }

    pub const fn with_integers(self, integers: QuantizedInput) -> Self {
        OnnxOperator { integers, ..self }
    }

    pub const fn adding_bias(self) -> Self {
        OnnxOperator { reader: Reader::Bias, ..self }
    }

    /// The outputs of `node`, which is of this operator and sees real numbers instead of the quantized integers
    /// that it moves.
    pub fn lower(&self, lowering: &mut Lowering, mut node: Node) -> Result<Vec<Value>, NodeProblem> {
        let quantized = |input: &Option<Value>| match input {
            Some(Value::Quantized(_, grid)) => Some(*grid),
            _ => None,
        };
        let Some((index, grid)) = node.inputs.iter().enumerate().find_map(|(i, input)| Some((i, quantized(input)?)))
        else {
            return self.run(lowering, &node);
        };
        match self.integers {
            QuantizedInput::Handled => return self.run(lowering, &node),
            QuantizedInput::MovedIfZeroPointIsZero if grid.zero_point() == 0 => (),
            QuantizedInput::Moved | QuantizedInput::AllMoved => (),
            QuantizedInput::MovedIfZeroPointIsZero | QuantizedInput::Unsupported => {
                return Err(NodeProblem::Quantized(index));
            }
        }
        let moves_all = self.integers == QuantizedInput::AllMoved;
        let mut range = [grid.q_min(), grid.q_max()];
        for (i, input) in node.inputs.iter_mut().enumerate().filter(|(i, _)| *i == 0 || moves_all) {
            match input.take() {
                Some(Value::Quantized(value, found)) => {
                    if !found.has_steps_of(&grid) {
                        let [a, b] = [grid, found].map(|grid| quantized::described(&grid));
                        return Err(NodeProblem::Unsupported(format!(
                            "concatenating integers quantized with {a} and with {b}"
                        )));
                    }
                    range = [range[0].min(found.q_min()), range[1].max(found.q_max())];
                    *input = Some(*value);
                }
                _ => return Err(NodeProblem::Quantized(if i == index { 0 } else { index })),
            }
        }
        let grid = grid.with_range(range)?;
        let outputs = self.run(lowering, &node)?;
        let integers = |value: Value| {
            if let Value::Ints(_) = value {
                return value;
            }
            lowering.set_grid(&value, grid);
            Value::Quantized(Box::new(value), grid)
        };
        Ok(outputs.into_iter().map(integers).collect())
    }

    /// The outputs for inputs as they are.
    fn run(&self, lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
        match self.lower {
            Lower::With(function) => function(lowering, node),
            Lower::Unary(op) => arithmetic::unary(lowering, node, op),
            Lower::UnaryWith(read) => arithmetic::unary(lowering, node, read(node)?),
            Lower::Binary(op, integers) => arithmetic::binary(lowering, node, op, integers),
            Lower::Compare(comparison) => arithmetic::compare(lowering, node, comparison),
            Lower::Reduce(reduction, step) => pools::reduce(lowering, node, reduction, step),
            Lower::Softmax { log } => norms::softmax(lowering, node, log),
            Lower::QLinear(row) => row.lower(lowering, node),
        }
    }

    /// What it does with quantized integers.
    pub fn use_of_integers(&self) -> IntegerUse {
        match (self.lower, self.integers, self.name) {
            (Lower::QLinear(_), ..) | (.., "DequantizeLinear") => IntegerUse::Scaled,
            (.., "Cast" | "Clip") => IntegerUse::Moved,
            (_, QuantizedInput::Handled | QuantizedInput::Unsupported, _) => IntegerUse::Other,
            _ => IntegerUse::Moved,
        }
    }

    /// Whether the outputs are probabilities.
    pub fn is_softmax(&self) -> bool {
        matches!(self.lower, Lower::Softmax { log: false })
    }
}
