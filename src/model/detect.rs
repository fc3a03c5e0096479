//! What a state dict says of the network that it is of: the architecture, where only one has its
//! tensors, and the numbers of input channels and of classes.

use super::Weights;
use crate::graph::Node;
use crate::zoo::{ARCHITECTURES, Architecture};
use std::collections::BTreeSet;

/// Weights that are not those of one architecture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DetectError {
    /// No architecture has these tensors.
    #[error("not the tensors of any architecture of the zoo, nearest {}: state the architecture", .nearest.join(", "))]
    Unknown {
        /// The architectures that differ least, with how much they do.
        nearest: Vec<String>,
    },
    /// Several have.
    #[error("the tensors of {}: state which architecture", .names.join(" and of "))]
    Ambiguous {
        /// Their names.
        names: Vec<&'static str>,
    },
}

/// The architecture whose parameters have the names and shapes of `weights`, for the input that it
/// usually has.
///
/// # Errors
/// Names the architectures that come near, where none or several are it.
pub fn detect(weights: &Weights) -> Result<&'static Architecture, DetectError> {
    let mut found: Vec<(usize, &Architecture)> = ARCHITECTURES
        .iter()
        .filter_map(|architecture| Some((differences(architecture, weights)?, architecture)))
        .collect();
    found.sort_by_key(|&(count, _)| count);
    let exact: Vec<&Architecture> = found.iter().filter(|found| found.0 == 0).map(|found| found.1).collect();
    match exact.as_slice() {
        [] => {
            let nearest = found.iter().take(3);
            let nearest = nearest.map(|(count, architecture)| format!("{} ({count} differ)", architecture.name));
            Err(DetectError::Unknown { nearest: nearest.collect() })
        }
        [architecture] => Ok(architecture),
        several => Err(DetectError::Ambiguous { names: several.iter().map(|found| found.name).collect() }),
    }
}

/// How many tensors are missing, left over or of another shape, where the architecture can be built.
fn differences(architecture: &Architecture, weights: &Weights) -> Option<usize> {
    let (input, classes) = sizes(architecture, weights);
    let graph = architecture.build(input, classes, Some(&weights.tensors)).ok()?;
    let mut left: BTreeSet<&str> = weights.tensors.keys().map(String::as_str).collect();
    let fits = |&id: &_| {
        let name = graph.value_name(id);
        left.remove(name) && weights.tensors[name].dims() == graph.ty(id).sizes(1)
    };
    let (parameters, fitting) = (graph.parameters().count(), graph.parameters().filter(fits).count());
    Some(parameters - fitting + left.len())
}

/// The input and the classes that an architecture's weights are for: the channels that the first layer
/// has, the outputs of the last one; what these do not tell is the architecture's own.
pub(super) fn sizes(architecture: &Architecture, weights: &Weights) -> ([usize; 3], usize) {
    let (mut input, mut classes) = (architecture.input, architecture.num_classes);
    if let Ok(graph) = architecture.build(input, classes, Some(&weights.tensors)) {
        let layers: Vec<&Node> = graph.nodes().iter().filter(|node| is_layer(node)).collect();
        let weight = |layer: Option<&&Node>| {
            let name = graph.value_name(*layer?.inputs().get(1)?);
            Some(weights.tensors.get(name)?.dims())
        };
        if let Some(&[_, channels, _, _]) = weight(layers.first()) {
            input[0] = channels;
        }
        if let Some(&[outputs, ..]) = weight(layers.last()) {
            classes = outputs;
        }
    }
    (input, classes)
}

fn is_layer(node: &Node) -> bool {
    node.op().as_layer().is_some()
}
