//! Requantization in integers: layers whose outputs are rounded to a grid compute its integers from their sums.

use crate::graph::op::{FakeQuantize, Switched};
use crate::graph::{Graph, KeptInputs, Node, Operator, ValueId};
use crate::kernel::Rounding;
use crate::layer::Requantization;
use crate::quant::Grid;
use std::any::Any;
use std::collections::BTreeMap;

/// How the layers of a network that was made for integer arithmetic round.
#[derive(Debug, Clone, PartialEq)]
pub struct Roundings {
    /// Layers that nothing else is said of.
    pub default: Rounding,
    /// Those that round in another way by default, by name.
    pub layers: BTreeMap<String, Rounding>,
}

impl Roundings {
    /// That of a layer, where `asked` is asked for: the default is that of the network.
    pub fn of(&self, layer: &str, asked: Option<Rounding>) -> Rounding {
        match asked {
            Some(asked) if asked != self.default => asked,
            _ => self.layers.get(layer).copied().unwrap_or(self.default),
        }
    }
}

/// Makes each layer with weights whose output is only read to be rounded to a grid compute the integers of that grid, in
/// modes quant and approx, by the rounding that `rule` has for its name; layers without one scale their sums to real
/// numbers. Returns the names of the layers whose outputs are real numbers although they have a rounding.
pub fn requantize_layers(graph: &mut Graph, rule: impl Fn(&str) -> Option<Rounding>) -> Vec<String> {
    let grid = |node: &Node| node.op().as_approximate().and_then(|_| rounded_to(graph, node.outputs().first()?));
    let grids: Vec<Option<Grid>> = graph.nodes().iter().map(grid).collect();
    let mut without = Vec::new();
    for (node, grid) in graph.nodes_mut().iter_mut().zip(grids) {
        let Some(layer) = node.op.as_approximate_mut().and_then(|layer| layer.as_weighted_mut()) else { continue };
        let rounding = rule(layer.name());
        let requantization = rounding.zip(grid).map(|(rounding, output)| Requantization { output, rounding });
        if rounding.is_some() && requantization.is_none() {
            without.push(layer.name().to_owned());
        }
        layer.set_requantization(requantization);
    }
    without
}

/// The grid that a value is rounded to by its only reader, or by that of what moves it.
fn rounded_to(graph: &Graph, value: &ValueId) -> Option<Grid> {
    let mut value = *value;
    loop {
        let mut readers = graph.nodes().iter().filter(|node| node.inputs().contains(&value));
        let (reader, None) = (readers.next()?, readers.next()) else { return None };
        if graph.outputs().contains(&value) {
            return None;
        }
        let op = reader.op();
        let op: &dyn Operator = (op as &dyn Any).downcast_ref::<Switched>().map_or(op, Switched::current);
        if let Some(FakeQuantize(grid)) = (op as &dyn Any).downcast_ref() {
            return Some(*grid);
        }
        let moves = matches!(op.kept_inputs(), KeptInputs::First) && op.as_clip().is_none();
        value = *reader.outputs().first().filter(|_| moves && reader.outputs().len() == 1)?;
    }
}
