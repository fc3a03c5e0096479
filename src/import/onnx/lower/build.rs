//! Nodes and parameters of the graph that is being built.

use super::{BatchSize, Lowering};
use crate::graph::op::{Linear, Transpose};
use crate::graph::{Dim, Operator, RunContext, ValueId, ValueType};
use crate::import::names;
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::name;
use crate::import::onnx::value::{PendingLinear, Value};
use crate::import::scales::OutputAxis;
use crate::import::size::{check_size, elements};
use candle_core::Tensor;

impl Lowering<'_> {
    /// The output of `op`: computed at once if all inputs are constants, else a node called `name`.
    pub(super) fn emit(&mut self, name: &str, op: impl Operator, inputs: &[Value]) -> Result<Value, NodeProblem> {
        let constants: Vec<&Tensor> = inputs
            .iter()
            .filter_map(|input| if let Value::Floats { tensor, .. } = input { Some(tensor) } else { None })
            .collect();
        if constants.len() == inputs.len() {
            let types: Vec<ValueType> = constants.iter().map(|tensor| ValueType::fixed(tensor.dims())).collect();
            for ty in op.infer(&types.iter().collect::<Vec<_>>())? {
                self.budget.check::<f32>(elements(&ty).unwrap_or(usize::MAX))?;
            }
            let tensor = op.run(&constants, &RunContext::default())?.swap_remove(0).force_contiguous()?;
            return Ok(Value::Floats { tensor, name: name.to_owned(), initial: false });
        }
        let ids = inputs.iter().enumerate().map(|(i, input)| self.id(i, input)).collect::<Result<Vec<_>, _>>()?;
        self.node(name, op, &ids)
    }

    /// A node called `name`.
    fn node(&mut self, name: &str, op: impl Operator, inputs: &[ValueId]) -> Result<Value, NodeProblem> {
        let name = self.unused(name);
        Ok(Value::Computed(self.add(&name, op, inputs)?))
    }

    fn add(&mut self, name: &str, op: impl Operator, inputs: &[ValueId]) -> Result<ValueId, NodeProblem> {
        let id = self.graph.add_one(name, op, inputs)?;
        check_size(self.graph.ty(id))?;
        Ok(id)
    }

    /// `name`, or a numbered repeat of it, that the graph does not have yet.
    pub(in crate::import::onnx) fn unused(&self, name: &str) -> String {
        names::unused(&self.graph, name, &[])
    }

    /// The graph's value for input `index` of a node.
    pub(super) fn id(&mut self, index: usize, value: &Value) -> Result<ValueId, NodeProblem> {
        match value {
            Value::Computed(id) => Ok(*id),
            Value::Floats { tensor, name, initial } => {
                if let Some(&id) = self.shared.get(&tensor.id()) {
                    return Ok(id);
                }
                // Single numbers are factors and bounds, which are not trained.
                let id = self.parameter(name, tensor.clone(), *initial && tensor.elem_count() > 1)?;
                self.shared.insert(tensor.id(), id);
                Ok(id)
            }
            Value::Merged { shape, .. } => Err(merged(shape)),
            Value::Quantized(..) => Err(NodeProblem::Quantized(index)),
            Value::Ints(_) | Value::Pending(_) => {
                Err(NodeProblem::Kind { index, found: "integers", expected: "real numbers" })
            }
        }
    }

    /// A parameter and its values.
    fn parameter(&mut self, name: &str, tensor: Tensor, trainable: bool) -> Result<ValueId, NodeProblem> {
        let name = self.unused(name);
        self.budget.count_tensor(&tensor)?;
        let id = self.graph.parameter(&name, tensor.dims(), trainable)?;
        self.parameters.insert(name, tensor);
        Ok(id)
    }

    /// The type of input `index`, which is computed or constant.
    pub(super) fn ty(&self, index: usize, value: &Value) -> Result<ValueType, NodeProblem> {
        match value {
            Value::Computed(id) => Ok(self.graph.ty(*id).clone()),
            Value::Floats { tensor, .. } => Ok(ValueType::fixed(tensor.dims())),
            Value::Merged { shape, .. } => Err(merged(shape)),
            Value::Quantized(..) => Err(NodeProblem::Quantized(index)),
            Value::Ints(_) | Value::Pending(_) => {
                Err(NodeProblem::Kind { index, found: "integers", expected: "real numbers" })
            }
        }
    }

    /// A pending layer as one without a bias; other values as they are.
    pub(in crate::import::onnx) fn settle(&mut self, value: Value) -> Result<Value, NodeProblem> {
        match value {
            Value::Pending(linear) => self.linear(*linear, None),
            settled => Ok(settled),
        }
    }

    /// A linear layer with an optional bias and the bias's name.
    ///
    /// # Errors
    /// Those of the node that multiplies, which may come before the one that adds.
    pub(super) fn linear(&mut self, linear: PendingLinear, bias: Option<(Tensor, &str)>) -> Result<Value, NodeProblem> {
        let (node, operator) = (linear.title.clone(), linear.operator.clone());
        let earlier = |source| NodeProblem::Earlier { node, operator, source: Box::new(source) };
        self.layer_of(linear, bias).map_err(earlier)
    }

    fn layer_of(&mut self, linear: PendingLinear, bias: Option<(Tensor, &str)>) -> Result<Value, NodeProblem> {
        let PendingLinear { mut x, merged, weight, weight_name, node, operator, .. } = linear;
        let bias_name = bias.as_ref().map(|(_, name)| *name).filter(|name| self.reader_count(name) <= 1);
        let name = name::layer(&weight_name, bias_name, &node, &operator);
        // Layers see samples first.
        let shape = &self.graph.ty(x).shape;
        let batch = shape.iter().position(|dim| matches!(dim, Dim::Batch(_))).unwrap_or(0);
        let rank = shape.len();
        if batch > 0 {
            let order = std::iter::once(batch).chain((0..rank).filter(|&axis| axis != batch)).collect();
            let first = self.add(&self.unused(&format!("{name} (samples first)")), Transpose { order }, &[x])?;
            x = first;
        }
        let mut y =
            self.layer(&name, x, Linear, weight, bias.map(|(bias, _)| bias), OutputAxis { axis: 0, groups: 1 })?;
        if batch > 0 {
            let order = (1..=batch).chain([0]).chain(batch + 1..rank).collect();
            y = self.add(&self.unused(&format!("{name} (samples back)")), Transpose { order }, &[y])?;
        }
        Ok(match merged {
            Some(shape) => Value::Merged { id: y, shape },
            None => Value::Computed(y),
        })
    }

    /// A layer with parameters of its own.
    pub(super) fn layer(
        &mut self,
        name: &str,
        x: ValueId,
        op: impl Operator,
        weight: Tensor,
        bias: Option<Tensor>,
        outputs: OutputAxis,
    ) -> Result<ValueId, NodeProblem> {
        let name = names::unused(&self.graph, name, &["weight", "bias"]);
        let mut inputs = vec![x, self.parameter(&format!("{name}.weight"), weight.clone(), true)?];
        if let Some(bias) = &bias {
            inputs.push(self.parameter(&format!("{name}.bias"), bias.clone(), true)?);
        }
        let y = self.add(&name, op, &inputs)?;
        self.scales.add_layer(&self.graph, &name, [x, y], [Some(&weight), bias.as_ref()], outputs)?;
        Ok(y)
    }

    /// The batch size in the file's constants.
    pub(super) fn constant_batch(&self) -> Option<usize> {
        if let BatchSize::Constant(size) = self.batch { Some(size) } else { None }
    }
}

/// The error of a node that reads a value with merged axes.
fn merged(shape: &[Dim]) -> NodeProblem {
    NodeProblem::Batch(format!("a tensor {} that merges positions and samples into one axis", ValueType::f32(shape)))
}

/// The known sizes of the axes after the second.
pub(super) fn spatial(ty: &ValueType) -> Result<Vec<usize>, NodeProblem> {
    let size = |dim: &Dim| if let Dim::Fixed(size) = dim { Some(*size) } else { None };
    let sizes: Option<Vec<usize>> = ty.shape.iter().skip(2).map(size).collect();
    sizes.ok_or_else(|| NodeProblem::Shape { found: ty.to_string(), expected: "[batch, channels, size..]".to_owned() })
}
