//! `Einsum` of one or two values: a transposition and sum, or a matrix product after transpositions; with a
//! constant, a linear layer.

use super::{Lowering, Node, layers};
use crate::graph::op::{MatMul, Reduce, Reduction, Reshape, Transpose};
use crate::graph::{Dim, ValueType};
use crate::import::onnx::error::NodeProblem;
use crate::import::onnx::name;
use crate::import::onnx::value::Value;

/// A value, and the letter of each of its axes.
struct Term {
    value: Value,
    letters: Vec<char>,
    shape: Vec<Dim>,
}

impl Term {
    fn new(lowering: &Lowering, index: usize, value: Value, letters: &[char]) -> Result<Self, NodeProblem> {
        let shape = lowering.ty(index, &value)?.shape;
        let repeats = (1..letters.len()).any(|i| letters[..i].contains(&letters[i]));
        if shape.len() != letters.len() || repeats {
            let expected = format!("axes {}, each once", letters.iter().collect::<String>());
            return Err(NodeProblem::Shape { found: ValueType::f32(shape).to_string(), expected });
        }
        Ok(Term { value, letters: letters.to_vec(), shape })
    }

    fn dims(&self, letters: &[char]) -> Vec<Dim> {
        let dim = |letter: &char| self.letters.iter().position(|l| l == letter).map(|axis| self.shape[axis]);
        letters.iter().filter_map(dim).collect()
    }

    /// The value with its axes in the order of `letters`.
    fn ordered(&self, lowering: &mut Lowering, node: &Node, letters: &[char]) -> Result<Value, NodeProblem> {
        let axis = |letter: &char| self.letters.iter().position(|l| l == letter);
        let order: Vec<usize> = letters.iter().filter_map(axis).collect();
        if order.iter().copied().eq(0..self.letters.len()) {
            return Ok(self.value.clone());
        }
        lowering.emit(node.name, Transpose { order }, std::slice::from_ref(&self.value))
    }
}

/// `Einsum`.
pub(super) fn einsum(lowering: &mut Lowering, node: &Node) -> Result<Vec<Value>, NodeProblem> {
    let equation = node.text_or("equation", "")?.replace(' ', "");
    let unsupported = || NodeProblem::Unsupported(format!("the equation '{equation}'"));
    let (left, output) = equation.split_once("->").ok_or_else(unsupported)?;
    let letters = |text: &str| text.chars().collect::<Vec<char>>();
    let (terms, output) = (left.split(',').map(letters).collect::<Vec<_>>(), letters(output));
    let is_plain = |letters: &Vec<char>| letters.iter().all(char::is_ascii_alphabetic);
    let is_known = output.iter().all(|letter| terms.iter().any(|term| term.contains(letter)));
    let repeats = (1..output.len()).any(|i| output[..i].contains(&output[i]));
    if !terms.iter().chain([&output]).all(is_plain) || !is_known || repeats || terms.len() != node.inputs.len() {
        return Err(unsupported());
    }
    let value = |index: usize| node.input(index).cloned();
    match terms.as_slice() {
        [a] => {
            let a = Term::new(lowering, 0, value(0)?, a)?;
            Ok(vec![alone(lowering, node, &a, &output)?])
        }
        [a, b] => {
            let a = Term::new(lowering, 0, value(0)?, a)?;
            let b = Term::new(lowering, 1, value(1)?, b)?;
            // A constant on the left is the same weight as one on the right.
            let swap = matches!(a.value, Value::Floats { .. }) && !matches!(b.value, Value::Floats { .. });
            let (a, b) = if swap { (b, a) } else { (a, b) };
            pair(lowering, node, &a, &b, &output)?.map(|value| vec![value]).ok_or_else(unsupported)
        }
        _ => Err(unsupported()),
    }
}

/// A value transposed, and summed over the axes that the output does not have.
fn alone(lowering: &mut Lowering, node: &Node, a: &Term, output: &[char]) -> Result<Value, NodeProblem> {
    let gone: Vec<usize> = (0..a.letters.len()).filter(|&axis| !output.contains(&a.letters[axis])).collect();
    let kept: Vec<char> = a.letters.iter().copied().filter(|letter| output.contains(letter)).collect();
    let sum = Reduce { reduction: Reduction::Sum, axes: gone.clone(), keep_dims: false };
    let value = if gone.is_empty() {
        a.value.clone()
    } else {
        lowering.emit(node.name, sum, std::slice::from_ref(&a.value))?
    };
    let shape = a.dims(&kept);
    Term { value, letters: kept, shape }.ordered(lowering, node, output)
}

/// A product of two values; `None` where an axis of one alone is summed over.
fn pair(
    lowering: &mut Lowering,
    node: &Node,
    a: &Term,
    b: &Term,
    output: &[char],
) -> Result<Option<Value>, NodeProblem> {
    let of = |term: &Term, other: bool, kept: bool| -> Vec<char> {
        let rest = if std::ptr::eq(term, a) { b } else { a };
        let fits = |l: &&char| rest.letters.contains(l) == other && output.contains(l) == kept;
        term.letters.iter().filter(fits).copied().collect()
    };
    let (shared, rows, columns, summed) =
        (of(a, true, true), of(a, false, true), of(b, false, true), of(a, true, false));
    if !of(a, false, false).is_empty() || !of(b, false, false).is_empty() {
        return Ok(None);
    }
    let wrong = || {
        NodeProblem::Batch(format!(
            "a product of {} and {}",
            ValueType::f32(a.shape.as_slice()),
            ValueType::f32(b.shape.as_slice())
        ))
    };
    let one = |dims: &[Dim]| Dim::product(dims).ok_or_else(wrong);
    let (depth, width) = (one(&a.dims(&summed))?, one(&b.dims(&columns))?);
    let is_weight = shared.is_empty() && !summed.is_empty() && matches!(b.value, Value::Floats { .. });
    // A layer takes rows on several axes, a product of activations on one.
    let heights = if is_weight { a.dims(&rows) } else { vec![one(&a.dims(&rows))?] };
    let leading = a.dims(&shared);
    let left = a.ordered(lowering, node, &[shared.as_slice(), &rows, &summed].concat())?;
    let right = b.ordered(lowering, node, &[shared.as_slice(), &summed, &columns].concat())?;
    let right_leading = b.dims(&shared);
    let left = reshaped(lowering, node, left, [leading.as_slice(), &heights, &[depth]].concat())?;
    let right = reshaped(lowering, node, right, [right_leading.as_slice(), &[depth, width]].concat())?;
    let product = if is_weight {
        // The layer's weight keeps the constant's name.
        let right = match (right, &b.value) {
            (Value::Floats { tensor, .. }, Value::Floats { name, initial, .. }) => {
                Value::Floats { tensor, name: name.clone(), initial: *initial }
            }
            (right, _) => right,
        };
        let product = layers::product(lowering, node, &left, &right)?;
        lowering.settle(product)?
    } else {
        lowering.emit(&name::product(node.name, node.operator()), MatMul, &[left, right])?
    };
    let leading: Vec<Dim> =
        leading.iter().zip(&right_leading).map(|(&a, &b)| if a == Dim::Fixed(1) { b } else { a }).collect();
    let shape = [leading, a.dims(&rows), b.dims(&columns)].concat();
    let value = reshaped(lowering, node, product, shape.clone())?;
    let letters = [shared, rows, columns].concat();
    Ok(Some(Term { value, letters, shape }.ordered(lowering, node, output)?))
}

/// A value reshaped, if its dimensions differ.
fn reshaped(lowering: &mut Lowering, node: &Node, value: Value, shape: Vec<Dim>) -> Result<Value, NodeProblem> {
    if lowering.ty(0, &value)?.shape == shape {
        return Ok(value);
    }
    lowering.emit(node.name, Reshape { shape }, &[value])
}
