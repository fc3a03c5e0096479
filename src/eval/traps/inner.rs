//! Networks that normalize their images by themselves, found in the first nodes of the graph.
//!
//! Exporters of Keras, of TensorFlow Hub and of deployment tools put `Rescaling`, mean and deviation into the file. From the
//! image on, nodes that move values are followed, and those that add, multiply or normalize by constants make up
//! `a x + b` for each channel. Whether that is meant for bytes from 0 to 255 or for numbers from 0 to 1 shows
//! in what it makes of them.

use crate::graph::op::{Add, BatchNorm, Binary, Scale};
use crate::graph::{Graph, KeptInputs, Node, ValueId};
use std::any::Any;

/// What a network does to its images before anything else: `a x + b`.
#[derive(Debug, Clone, PartialEq)]
pub struct InnerNormalization {
    /// `a` and `b` of each channel, or of all.
    lines: Vec<[f64; 2]>,
    text: String,
}

/// The most constants that are taken to be one a channel; of others, such as an image of means, their mean is taken.
const MOST_CHANNELS: usize = 16;

impl InnerNormalization {
    /// That of a network, if it starts with any.
    pub fn find(graph: &Graph) -> Option<Self> {
        let &[mut value] = graph.inputs() else { return None };
        let (mut lines, mut steps) = (vec![[1.0, 0.0]], Vec::new());
        while let Some(node) = only_reader(graph, value) {
            if let Some((step, line)) = affine(graph, node, value) {
                lines = chained(&lines, &line)?;
                steps.push(step);
            } else if !moves_values(node, value) {
                break;
            }
            let &[output] = node.outputs() else { break };
            value = output;
        }
        (!steps.is_empty()).then(|| InnerNormalization { lines, text: steps.join(" and ") })
    }

    /// Whether it suits bytes rather than numbers from 0 to 1: its center lies beyond these, or it shrinks
    /// them to less than a twentieth, while it makes bytes span numbers of the usual size.
    pub fn is_for_bytes(&self) -> bool {
        /// What lies between is the center of numbers from 0 to 1, with room for odd choices.
        const CENTERS: std::ops::RangeInclusive<f64> = 1.5..=255.0;
        const SMALLEST_SLOPE: f64 = 0.05;
        /// What bytes at least come to by a normalization that is meant for them.
        const LEAST_SPAN: f64 = 0.3;
        let is_for_bytes = |[a, b]: &[f64; 2]| {
            let is_centered_on_bytes = CENTERS.contains(&(-b / a));
            let is_steep = a.abs() >= SMALLEST_SLOPE;
            255.0 * a.abs() >= LEAST_SPAN && (is_centered_on_bytes || !is_steep)
        };
        self.lines.iter().any(is_for_bytes)
    }

    /// What the network does, as `subtracts 127.5 and divides by 127.5`.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The node that alone reads a value.
fn only_reader(graph: &Graph, value: ValueId) -> Option<&Node> {
    let mut readers = graph.nodes().iter().filter(|node| node.inputs().contains(&value));
    let first = readers.next().filter(|node| node.inputs().iter().filter(|input| **input == value).count() == 1);
    first.filter(|_| readers.next().is_none() && !graph.outputs().contains(&value))
}

/// Whether a node only gives the elements of `value` other places.
fn moves_values(node: &Node, value: ValueId) -> bool {
    let op = node.op();
    op.kept_inputs() != KeptInputs::None && op.as_clip().is_none() && node.inputs().first() == Some(&value)
}

/// What a node does to `value`, in words and as `a` and `b` of each channel, where it is affine by constants.
fn affine(graph: &Graph, node: &Node, value: ValueId) -> Option<(String, Vec<[f64; 2]>)> {
    let op: &dyn Any = node.op();
    let constants = |place: usize| constants(graph, *node.inputs().get(place)?);
    if let Some(Scale { factor }) = op.downcast_ref() {
        return Some((format!("multiplies by {factor}"), vec![[f64::from(*factor), 0.0]]));
    }
    if let Some(BatchNorm { eps }) = op.downcast_ref() {
        let (mean, variance) = (constants(3)?, constants(4)?);
        let deviations: Vec<f64> = variance.iter().map(|variance| (variance + eps).sqrt()).collect();
        // What follows, gain and shift, says nothing of the images.
        let lines = mean.iter().zip(&deviations).map(|(mean, deviation)| [1.0 / deviation, -mean / deviation]);
        let text = format!("normalizes by means {} and deviations {}", listed(&mean), listed(&deviations));
        return Some((text, lines.collect()));
    }
    let is_first = node.inputs().first() == Some(&value);
    let other = constants(usize::from(is_first))?;
    let all = |line: fn(f64) -> [f64; 2]| other.iter().map(|&c| line(c)).collect::<Vec<_>>();
    let named = |verb: &str| format!("{verb} {}", listed(&other));
    if op.is::<Add>() {
        return Some((named("adds"), all(|c| [1.0, c])));
    }
    match op.downcast_ref()? {
        Binary::Sub if is_first => Some((named("subtracts"), all(|c| [1.0, -c]))),
        Binary::Sub => Some((format!("subtracts them from {}", listed(&other)), all(|c| [-1.0, c]))),
        Binary::Mul => Some((named("multiplies by"), all(|c| [c, 0.0]))),
        Binary::Div if is_first => Some((named("divides by"), all(|c| [1.0 / c, 0.0]))),
        _ => None,
    }
}

/// The numbers of a constant: one, or one a channel.
fn constants(graph: &Graph, value: ValueId) -> Option<Vec<f64>> {
    let values = graph.parameter_value(value)?.flatten_all().and_then(|flat| flat.to_vec1::<f32>()).ok()?;
    let values: Vec<f64> = values.into_iter().map(f64::from).collect();
    match values.len() {
        0 => None,
        len if len > MOST_CHANNELS => Some(vec![values.iter().sum::<f64>() / len as f64]),
        _ => Some(values),
    }
}

/// `second` after `first`; `None` where they are of another number of channels.
fn chained(first: &[[f64; 2]], second: &[[f64; 2]]) -> Option<Vec<[f64; 2]>> {
    let channels = first.len().max(second.len());
    let fits = |lines: &[[f64; 2]]| lines.len() == 1 || lines.len() == channels;
    let line = |channel: usize| {
        let [[a1, b1], [a2, b2]] = [first, second].map(|lines| lines[channel % lines.len()]);
        [a2 * a1, a2 * b1 + b2]
    };
    (fits(first) && fits(second)).then(|| (0..channels).map(line).collect())
}

/// Constants for people: six digits of each.
fn listed(values: &[f64]) -> String {
    let short = |x: &f64| (*x as f32).to_string();
    values.iter().map(short).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::ValueType;
    use crate::graph::op::{Relu, Transpose};
    use candle_core::{Device, Tensor};
    use std::collections::BTreeMap;

    /// Of a network of three channels that applies these operators, each with its constants if it has any.
    fn found(steps: &[(Binary, &[f32])]) -> Option<InnerNormalization> {
        let mut graph = Graph::new();
        let mut x = graph.input("x", ValueType::batch_of(&[3, 2, 2])).unwrap();
        let mut tensors = BTreeMap::new();
        x = graph.add_one("nhwc", Transpose { order: vec![0, 2, 3, 1] }, &[x]).unwrap();
        for (i, (op, values)) in steps.iter().enumerate() {
            let name = format!("c{i}");
            let constant = graph.parameter(&name, &[values.len()], false).unwrap();
            tensors.insert(name, Tensor::from_slice(values, values.len(), &Device::Cpu).unwrap());
            x = graph.add_one(&format!("n{i}"), *op, &[x, constant]).unwrap();
        }
        let y = graph.add_one("relu", Relu, &[x]).unwrap();
        graph.set_outputs(&[y]);
        graph.bind(tensors).unwrap();
        InnerNormalization::find(&graph)
    }

    #[test]
    fn normalizations_of_bytes_and_of_fractions() {
        let (sub, mul, div) = (Binary::Sub, Binary::Mul, Binary::Div);
        let of_bytes: [&[(Binary, &[f32])]; 6] = [
            &[(div, &[255.0])],
            &[(mul, &[1.0 / 255.0])],
            &[(sub, &[127.5]), (div, &[127.5])],
            &[(mul, &[1.0 / 127.5]), (sub, &[1.0])],
            &[(sub, &[123.675, 116.28, 103.53]), (div, &[58.395, 57.12, 57.375])],
            // Caffe's: means alone.
            &[(sub, &[123.68, 116.779, 103.939])],
        ];
        for steps in of_bytes {
            assert!(found(steps).unwrap().is_for_bytes(), "{steps:?}");
        }
        let of_fractions: [&[(Binary, &[f32])]; 6] = [
            &[(sub, &[0.485, 0.456, 0.406]), (div, &[0.229, 0.224, 0.225])],
            &[(mul, &[2.0]), (sub, &[1.0])],
            &[(sub, &[0.5]), (div, &[0.5])],
            &[(mul, &[255.0])],
            &[(mul, &[255.0]), (sub, &[127.5]), (div, &[127.5])],
            // Nothing is left of anything.
            &[(mul, &[0.0])],
        ];
        for steps in of_fractions {
            assert!(!found(steps).unwrap().is_for_bytes(), "{steps:?}");
        }
        assert_eq!(found(&[]), None);
        assert_eq!(found(&[(sub, &[127.5]), (div, &[127.5])]).unwrap().text(), "subtracts 127.5 and divides by 127.5");
    }

    #[test]
    fn batch_normalization_of_the_image() {
        let is_for_bytes = |mean: f32, variance: f32| {
            let mut graph = Graph::new();
            let x = graph.input("x", ValueType::batch_of(&[1, 2, 2])).unwrap();
            let names = ["gain", "beta", "mean", "variance"];
            let parameters = names.map(|name| graph.parameter(name, &[1], false).unwrap());
            let inputs = [&[x], &parameters[..]].concat();
            let y = graph.add_one("bn", BatchNorm { eps: 1e-3 }, &inputs).unwrap();
            graph.set_outputs(&[y]);
            let values = names.into_iter().zip([0.1, -0.6, mean, variance]);
            let tensors = values.map(|(name, x)| (name.to_owned(), Tensor::new(&[x], &Device::Cpu).unwrap()));
            graph.bind(tensors.collect()).unwrap();
            InnerNormalization::find(&graph).unwrap().is_for_bytes()
        };
        assert!(is_for_bytes(121.0, 60.0 * 60.0));
        assert!(!is_for_bytes(0.48, 0.25 * 0.25));
    }
}
