//! Lowering: the nodes of an ONNX graph, one after the other, become nodes of a [`Graph`].
//!
//! [`operators`] is the registry of ONNX's own operators, [`domains`] lists the others; the functions that they list add to a [`Lowering`]. What does not depend on the images is computed on the way: integers
//! such as shapes carry the batch size along as a symbol, so that the batch stays open even where the
//! file has it as a constant.

mod arithmetic;
mod blocks;
mod build;
mod constants;
mod contrib;
mod domains;
mod einsum;
mod expand;
mod gather;
mod grids;
mod hints;
mod integers;
mod layers;
mod lowering;
mod node;
mod norms;
mod operator;
mod operators;
mod pad;
mod pools;
mod qlinear;
mod qonnx;
mod quantized;
mod reshape;
mod resize;
mod shapes;
mod slices;
mod window;

pub(super) use lowering::{BatchSize, Lowering};
pub(super) use node::Node;
pub(super) use operator::IntegerUse;
pub(super) use quantized::range as integer_range;

use super::error::OnnxProblem;
use super::operation::{Operation, title};
use super::tensor::Constant;
use super::value::Value;
use lowering::{Reader, Readers};
use operator::OnnxOperator;
use rten_onnx::onnx::NodeProto;

/// The domain and name of every operator.
#[cfg(test)]
pub(super) use domains::operators;

/// Whether a node's outputs are probabilities.
pub(super) fn is_softmax(node: &NodeProto) -> bool {
    domains::operator(node).is_some_and(OnnxOperator::is_softmax)
}

/// What a node does with quantized integers.
pub(super) fn use_of_integers(node: &NodeProto) -> IntegerUse {
    domains::operator(node).map_or(IntegerUse::Other, OnnxOperator::use_of_integers)
}

/// The value of a tensor of the file, called `name`.
pub(super) fn constant(constant: Constant, name: &str) -> Value {
    constants::value(constant, name, true)
}

/// What reads each value of a network of `nodes` up to `output`.
pub(super) fn readers<'a>(nodes: &[&'a Operation], output: &'a str) -> Readers<'a> {
    let mut readers = Readers::from([(output, vec![Reader::Other])]);
    for node in nodes {
        let reader = domains::operator(&node.proto).map_or(Reader::Other, |operator| operator.reader);
        node.proto.input.iter().for_each(|input| readers.entry(input).or_default().push(reader));
    }
    readers
}

/// Lowers a node.
pub(super) fn node<'a>(lowering: &mut Lowering<'a>, node: &'a Operation) -> Result<(), OnnxProblem> {
    let &Operation { ref proto, opset } = node;
    let operator_name = proto.op_type.as_deref().unwrap_or_default();
    let Some(operator) = domains::operator(proto) else {
        let operator = domains::title(proto);
        let hint = hints::unsupported(&operator);
        return Err(OnnxProblem::Operator { operator, node: title(proto), hint });
    };
    let name = proto.name.as_deref().filter(|name| !name.is_empty());
    let name = name.or(proto.output.first().map(String::as_str)).unwrap_or_default();
    let inputs = lowering.inputs(proto);
    let outputs = inputs.and_then(|inputs| operator.lower(lowering, Node { proto, inputs, opset, name }));
    let defined = outputs.and_then(|outputs| {
        let mut pairs = proto.output.iter().zip(outputs);
        pairs.try_for_each(|(name, value)| lowering.define_computed(name, value))
    });
    defined.map_err(|source| source.of(title(proto), operator_name))
}
