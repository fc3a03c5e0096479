//! Integers between layers: a network of real numbers whose every value is rounded to a grid, so that it runs as on
//! hardware without floating point.
//!
//! [`prepare_integers`] makes that possible and changes nothing. [`set_integers`] switches a network to integers, by
//! grids that were observed ([`watched_values`]) or are those of the layers that read a value, and back.

use crate::graph::network::Source;
use crate::graph::op::{
    AdaptiveAveragePool, Add, AveragePool, Concat, FakeQuantize, Flatten, GlobalAveragePool, IntegerBinary,
    IntegerConcat, QuantizedSum, Reshape, Switched, Transpose, Watched, clipped,
};
use crate::graph::{ElementType, Graph, KeptInputs, Node, OpError, Operator, ValueId};
use crate::kernel::Clip;
use crate::layer::Observing;
use crate::quant::Grid;
use std::any::Any;
use std::collections::{BTreeMap, HashMap};

/// Inserts what observes each value that an operator computes, and is to round it later. Operators that only move
/// numbers keep their grid.
pub fn prepare_integers(graph: &mut Graph) {
    let inputs = graph.inputs().to_vec();
    for input in inputs {
        watch(graph, 0, input);
    }
    let mut at = 0;
    while at < graph.nodes().len() {
        let node = &graph.nodes()[at];
        let is_watched = downcast::<Switched>(node.op()).is_some_and(|op| downcast::<Watched>(op.real()).is_some());
        let computes = matches!(node.op().kept_inputs(), KeptInputs::None) || downcast::<Concat>(node.op()).is_some();
        if let (&[output], true, false) = (node.outputs(), computes, is_watched) {
            let is_sum = is_exchanged(node.op());
            let value = graph.ty(output);
            if value.element == ElementType::F32 && value.has_batch() {
                if is_sum {
                    let node = &mut graph.nodes_mut()[at];
                    let real = std::mem::replace(&mut node.op, Box::new(Watched::default()));
                    node.op = Box::new(Switched::new(real));
                }
                watch(graph, at + 1, output);
            }
        }
        at += 1;
    }
}

/// Whether an operator has one on integers that takes its place.
fn is_exchanged(op: &dyn Operator) -> bool {
    let op: &dyn Any = op;
    op.is::<Add>() || op.is::<Concat>() || is_average(op)
}

fn is_average(op: &dyn Any) -> bool {
    op.is::<AveragePool>() || op.is::<GlobalAveragePool>() || op.is::<AdaptiveAveragePool>()
}

fn downcast<T: 'static>(op: &dyn Operator) -> Option<&T> {
    (op as &dyn Any).downcast_ref()
}

/// Inserts the observation of `value` as node `at`: all readers read what it passes on.
fn watch(graph: &mut Graph, at: usize, value: ValueId) {
    let own = graph.value_name(value).to_owned();
    let names = std::iter::once(format!("{own} (integers)")).chain((2..).map(|i| format!("{own} (integers)#{i}")));
    let name = names.into_iter().find(|name| !graph.has_name(name)).unwrap_or_default();
    let ty = graph.ty(value).clone();
    let watched = graph.push(name.clone(), ty, Source::Node);
    let op = Box::new(Switched::new(Box::new(Watched::default())));
    let readers = graph.nodes_mut().iter_mut().flat_map(|node| &mut node.inputs);
    readers.filter(|id| **id == value).for_each(|id| *id = watched);
    graph.outputs.iter_mut().filter(|id| **id == value).for_each(|id| *id = watched);
    graph.nodes.insert(at, Node { name, op, inputs: vec![value], outputs: vec![watched] });
}

/// What observes the values of a network, by the values' names, with the elements of one sample.
pub fn watched_values(graph: &Graph) -> impl Iterator<Item = (&str, &Observing, usize)> {
    graph.nodes().iter().filter_map(|node| {
        let Watched(observing) = downcast(downcast::<Switched>(node.op())?.real())?;
        let value = node.inputs()[0];
        Some((graph.value_name(value), observing, graph.ty(value).sizes(1).iter().product()))
    })
}

/// Switches to integers on `grids`, by the values' names, or back to real numbers. A value that quantized layers read has
/// the grid of their inputs; where these differ it stays real, and each layer rounds it to its own.
///
/// # Errors
/// The value's name where an operator takes no such integers.
pub fn set_integers(graph: &mut Graph, grids: Option<&BTreeMap<String, Grid>>) -> Result<(), (String, OpError)> {
    let chosen = grids.map(|grids| choose(graph, grids));
    let mut operators: Vec<Option<Box<dyn Operator>>> = Vec::new();
    for node in graph.nodes() {
        let switched = downcast::<Switched>(node.op());
        let integer = match (switched, &chosen) {
            (Some(switched), Some(grids)) => {
                integer(node, switched.real(), grids).map_err(|error| (node.name().to_owned(), error))?
            }
            _ => None,
        };
        operators.push(integer);
    }
    for (node, integer) in graph.nodes_mut().iter_mut().zip(operators) {
        if let Some(switched) = (node.op.as_mut() as &mut dyn Any).downcast_mut::<Switched>() {
            switched.set_integer(integer);
        }
    }
    Ok(())
}

/// The grid of every value that has one.
fn choose(graph: &Graph, grids: &BTreeMap<String, Grid>) -> HashMap<ValueId, Grid> {
    let mut chosen: HashMap<ValueId, Grid> = HashMap::new();
    for node in graph.nodes() {
        let &[output] = node.outputs() else { continue };
        let is_watched = downcast::<Switched>(node.op()).is_some_and(|op| downcast::<Watched>(op.real()).is_some());
        let grid = if is_watched {
            let value = node.inputs()[0];
            let grid = match read_by_layers(graph, output).as_slice() {
                [] => grids.get(graph.value_name(value)).copied(),
                [first, others @ ..] => Some(*first).filter(|_| others.iter().all(|grid| grid == first)),
            };
            // What the operator before computes is on the same grid.
            if let Some(grid) = grid {
                chosen.insert(value, grid);
            }
            grid
        } else {
            let kept = match node.op().kept_inputs() {
                KeptInputs::First => node.inputs().get(..1).unwrap_or_default(),
                KeptInputs::None | KeptInputs::All => &[],
            };
            kept.first().and_then(|input| chosen.get(input)).copied()
        };
        if let Some(grid) = grid {
            chosen.insert(output, grid);
        }
    }
    chosen
}

/// The grids of the quantized layers that read a value, or what moves its numbers.
fn read_by_layers(graph: &Graph, value: ValueId) -> Vec<Grid> {
    let (mut values, mut grids) = (vec![value], Vec::new());
    while let Some(value) = values.pop() {
        for node in graph.nodes().iter().filter(|node| node.inputs().contains(&value)) {
            if let Some(layer) = node.op().as_approximate() {
                let params = layer.params().filter(|_| layer.mode().is_quantized());
                grids.extend(params.filter(|_| node.inputs()[0] == value).map(|params| Grid::from(params.input)));
            } else if only_moves(node.op()) {
                values.extend(node.outputs());
            }
        }
    }
    grids
}

/// Whether an operator only changes where numbers stand.
fn only_moves(op: &dyn Operator) -> bool {
    let op: &dyn Any = op;
    op.is::<Flatten>() || op.is::<Reshape>() || op.is::<Transpose>()
}

/// The operator on integers that takes the place of `real`, a node's; `None` where its operands are real numbers.
fn integer(
    node: &Node,
    real: &dyn Operator,
    grids: &HashMap<ValueId, Grid>,
) -> Result<Option<Box<dyn Operator>>, OpError> {
    let output = node.outputs()[0];
    if downcast::<Watched>(real).is_some() {
        return Ok(grids.get(&output).map(|&grid| Box::new(FakeQuantize(grid)) as Box<dyn Operator>));
    }
    let inputs: Option<Vec<Grid>> = node.inputs().iter().map(|input| grids.get(input).copied()).collect();
    let (Some(inputs), Some(&grid)) = (inputs, grids.get(&output)) else { return Ok(None) };
    let clip = real.output_clip();
    let grid = if clip == Clip::default() { grid } else { clipped(&grid, clip).unwrap_or(grid) };
    if let Some(&Concat { axis }) = downcast(real) {
        return Ok(Some(Box::new(IntegerConcat::new(axis, &inputs, grid)?)));
    }
    if let (&[a, b], true) = (inputs.as_slice(), downcast::<Add>(real).is_some()) {
        return Ok(Some(Box::new(IntegerBinary::sum([a, b], grid)?)));
    }
    let average = is_average(real).then(|| QuantizedSum::of(real, inputs[0].scale(), clip, grid)).flatten();
    Ok(average.map(|op| Box::new(op.half_away_from_zero()) as Box<dyn Operator>))
}
