//! How a graph runs: in which form each value is kept, and which steps write it.
//!
//! Layers and the operators between them compute on channels-last images, of numbers or of the operands that their
//! readers multiply; all others on tensors. A [`Plan`] finds, from the last node to the first, in which forms
//! each value is read, and then writes down the steps that produce these: a layer writes all of them in the same pass
//! over its outputs, with the addition of a residual where one follows. Places in memory are shared by values that
//! are not needed at the same time, and kept from batch to batch.

mod build;
mod demand;
mod fusion;
mod memory;
mod plans;
mod run;
mod slots;
mod step;
#[cfg(test)]
mod tests;
mod value;

use memory::MemoryPool;
pub(super) use plans::Plans;
pub(super) use run::Run;

use super::schedule::Level;
use super::{Graph, ValueId};
use crate::kernel::{Clip, ConvGeometry};
use crate::layer::ImageLayer;
use std::ops::Range;
use std::sync::Arc;
use value::Kept;

/// A stretch of a network: its nodes, the values that are there before them, and those that are wanted of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    pub nodes: Range<usize>,
    pub inputs: Vec<ValueId>,
    pub outputs: Vec<ValueId>,
}

/// The steps of a run, and what they keep.
#[derive(Debug)]
pub(super) struct Plan {
    /// The values that are there before the first step.
    inputs: Vec<ValueId>,
    /// What is kept, in the order of its first step.
    kept: Vec<Kept>,
    steps: Vec<Step>,
    /// The steps of each level of the schedule.
    levels: Vec<(Range<usize>, Level)>,
    /// The outputs' tensors.
    outputs: Vec<Operand>,
}

/// What a step reads as a tensor.
#[derive(Debug, Clone, Copy)]
enum Operand {
    /// One that is kept.
    Kept(usize),
    /// A parameter.
    Parameter(ValueId),
}

/// A step, and the node that it is of.
#[derive(Debug)]
struct Step {
    node: usize,
    action: Action,
    /// Tensors that no later step reads.
    last_read: Vec<usize>,
}

/// What a step does. Numbers are those of what is kept.
#[derive(Debug)]
enum Action {
    /// Runs an operator on tensors; outputs that nobody reads are dropped.
    Operator { inputs: Vec<Operand>, outputs: Vec<Option<usize>> },
    /// Shows the input of a layer, a tensor or images of numbers, to the observers.
    Show { input: Operand },
    /// Runs a layer.
    Layer(LayerStep),
    /// Runs an operator on images.
    Images { inputs: Vec<usize>, output: usize },
    /// Runs an operator that selects some of its operands.
    Selection { inputs: Vec<usize>, output: usize },
    /// Writes images of the numbers of a tensor or of other images.
    Write { from: usize, to: Vec<usize> },
    /// Makes a tensor of the numbers of images.
    Tensor { from: usize, to: usize },
}

/// A layer, and what is fused into it.
#[derive(Debug)]
struct LayerStep {
    layer: Arc<ImageLayer>,
    geometry: ConvGeometry,
    input: usize,
    clip: Clip,
    /// What is added to its outputs, and the range that sums are clamped to.
    residual: Option<(usize, Clip)>,
    outputs: Vec<usize>,
}

impl Graph {
    /// The plan of a run of `span` on `batch` samples, in which the inputs of the layers that are `observed`, node by
    /// node, are shown.
    pub(super) fn plan(&self, span: &Span, batch: usize, observed: &[bool]) -> Plan {
        build::plan(self, span, batch, observed)
    }
}
