//! In which forms each value is read.

use super::Span;
use super::fusion::{Fusion, fusions};
use super::value::{ImageType, Order};
use crate::graph::network::Source;
use crate::graph::op::{Approximate, Flatten, Reshape};
use crate::graph::{Graph, Node, Operator, ValueId, ValueType};
use crate::kernel::ConvGeometry;
use crate::layer::{Form, ImageLayer};
use rayon::prelude::*;
use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

/// Images that some node reads.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub form: Form,
    pub order: Order,
    /// The border that all readers have room in.
    pub border: [[usize; 2]; 2],
    /// A node that reads them.
    pub reader: usize,
}

/// The forms in which a value is read.
#[derive(Debug, Clone, Default)]
pub struct Demand {
    pub tensor: bool,
    pub images: Vec<Wanted>,
}

impl Demand {
    /// Adds images; those of one form are the same, with the larger border.
    pub fn want(&mut self, wanted: Wanted) {
        let same = self.images.iter_mut().find(|known| known.order == wanted.order && known.form == wanted.form);
        match same {
            Some(known) => {
                // Readers come last to first.
                known.reader = wanted.reader;
                for (known, wanted) in known.border.iter_mut().flatten().zip(wanted.border.iter().flatten()) {
                    *known = (*known).max(*wanted);
                }
            }
            None => self.images.push(wanted),
        }
    }
}

/// How a node runs.
#[derive(Debug)]
pub enum Way {
    /// On tensors.
    Tensors,
    /// As a layer over images.
    Layer(LayerWay),
    /// On images of numbers.
    Images,
    /// On operands as these, which is how its output is read.
    Selection(Wanted),
    /// Its output has the numbers of its input, in the same places.
    Same,
    /// In a layer before it, or in another run.
    Elsewhere,
}

/// A layer over images.
#[derive(Debug)]
pub struct LayerWay {
    pub layer: Arc<ImageLayer>,
    pub geometry: ConvGeometry,
    /// Of the input and the output.
    pub order: Order,
    pub fusion: Option<Fusion>,
}

/// How every node runs, and what is read of every value.
#[derive(Debug)]
pub struct Demands {
    pub ways: Vec<Way>,
    pub of_value: Vec<Demand>,
}

/// The order in which a value of this rank is seen where it is read or written as images by other nodes than linear
/// layers.
const FIRST: Order = Order::ChannelsFirst;

impl Demands {
    /// Finds how the nodes of `span` run, first to last, and what they read, last to first.
    pub fn find(graph: &Graph, span: &Span, observed: &[bool]) -> Self {
        // Layers are laid out here, where they have not been before.
        let way = |(at, node)| if span.nodes.contains(&at) { layer_way(graph, node) } else { Way::Elsewhere };
        let mut ways: Vec<Way> = graph.nodes.par_iter().enumerate().map(way).collect();
        let is_layer: Vec<bool> = ways.iter().map(|way| matches!(way, Way::Layer(_))).collect();
        let of_span = fusions(graph, &is_layer).into_iter().filter(|(_, fusion)| span.nodes.contains(&fusion.add));
        for (layer, fusion) in of_span {
            if let Way::Layer(way) = &mut ways[layer] {
                way.fusion = Some(fusion);
                ways[fusion.add] = Way::Elsewhere;
            }
        }
        // Values that come as images.
        let mut natural: HashMap<ValueId, Order> = HashMap::new();
        for (i, node) in graph.nodes.iter().enumerate() {
            match &ways[i] {
                Way::Layer(LayerWay { order, fusion: None, .. }) => drop(natural.insert(node.outputs[0], *order)),
                Way::Layer(LayerWay { order, fusion: Some(fusion), .. }) => {
                    natural.insert(graph.nodes[fusion.add].outputs[0], *order);
                }
                Way::Tensors => {
                    let is_natural = |id: &ValueId| natural.get(id) == Some(&FIRST);
                    if node.inputs.iter().any(is_natural) && can_run_on_images(graph, node) {
                        ways[i] = Way::Images;
                    } else if node.inputs.len() == 1 && is_natural(&node.inputs[0]) && is_same(graph, node) {
                        ways[i] = Way::Same;
                    } else {
                        continue;
                    }
                    natural.insert(node.outputs[0], FIRST);
                }
                Way::Images | Way::Selection(_) | Way::Same | Way::Elsewhere => (),
            }
        }
        let mut demands = Demands { ways, of_value: vec![Demand::default(); graph.values.len()] };
        span.outputs.iter().for_each(|id| demands.of_value[id.0].tensor = true);
        for (node, &is_observed) in observed.iter().enumerate().rev() {
            demands.add_inputs(graph, node, is_observed, &natural);
        }
        demands
    }

    /// What node `at` reads, now that it is known what is read of its outputs. Values come as images in their `natural`
    /// orders, the others as tensors.
    fn add_inputs(&mut self, graph: &Graph, at: usize, is_observed: bool, natural: &HashMap<ValueId, Order>) {
        let node = &graph.nodes[at];
        if matches!(self.ways[at], Way::Images)
            && let Some(wanted) = self.selected(node)
        {
            self.ways[at] = Way::Selection(wanted);
        }
        let reals = |order| Wanted { form: Form::Reals, order, border: [[0; 2]; 2], reader: at };
        let is_activation = |id: &&ValueId| !matches!(graph.values[id.0].source, Source::Parameter { .. });
        match &self.ways[at] {
            Way::Tensors => {
                node.inputs.iter().filter(is_activation).for_each(|id| self.of_value[id.0].tensor = true);
            }
            Way::Images | Way::Same => node.inputs.iter().for_each(|id| self.of_value[id.0].want(reals(FIRST))),
            Way::Selection(wanted) => {
                let wanted = Wanted { border: [[0; 2]; 2], ..wanted.clone() };
                node.inputs.iter().for_each(|id| self.of_value[id.0].want(wanted.clone()));
            }
            Way::Layer(LayerWay { layer, geometry, order, fusion }) => {
                let wanted =
                    Wanted { form: layer.form().clone(), order: *order, border: layer.border(geometry), reader: at };
                let input = &mut self.of_value[node.inputs[0].0];
                input.want(wanted);
                if is_observed {
                    // A tensor of images is made when it is shown, and dropped.
                    if natural.get(&node.inputs[0]) == Some(order) {
                        input.want(reals(*order));
                    } else {
                        input.tensor = true;
                    }
                }
                if let Some(fusion) = fusion {
                    self.of_value[fusion.residual.0].want(reals(*order));
                }
            }
            Way::Elsewhere => (),
        }
    }

    /// The operands that are all that is read of the output of a node that selects them.
    fn selected(&self, node: &Node) -> Option<Wanted> {
        node.op.as_image_operator()?.as_selection()?;
        let Demand { tensor: false, images } = &self.of_value[node.outputs[0].0] else { return None };
        let [wanted @ Wanted { form, order: FIRST, .. }] = images.as_slice() else { return None };
        form.is_operands_in_order().then(|| wanted.clone())
    }
}

/// A node as a layer over images, where it is one that can run so.
fn layer_way(graph: &Graph, node: &Node) -> Way {
    let way = || {
        // One that is wrapped, to be observed, runs as a whole.
        let any: &dyn Any = node.op.as_ref();
        let layer = any.downcast_ref::<Approximate>()?.as_approximate()?;
        if !layer.mode().is_samplewise() {
            return None;
        }
        let layer = layer.as_weighted()?;
        let ty = graph.ty(*node.inputs.first()?);
        let order = if layer.weight_shape().len() == 2 && ty.rank() > 2 { Order::ChannelsLast } else { FIRST };
        let (input, _) = (ImageType::of(ty, order)?, ImageType::of(graph.ty(node.outputs[0]), order)?);
        let (image_layer, window) = layer.laid_out(&ty.sizes(1))?;
        let geometry = match order {
            // Positions that do not mix.
            Order::ChannelsLast => {
                ConvGeometry { input: input.size, output: input.size, ..ConvGeometry::point(input.channels) }
            }
            Order::ChannelsFirst => window.geometry,
        };
        Some(Way::Layer(LayerWay { layer: image_layer, geometry, order, fusion: None }))
    };
    way().unwrap_or(Way::Tensors)
}

/// Whether a node can compute on images of its inputs.
fn can_run_on_images(graph: &Graph, node: &Node) -> bool {
    let types: Vec<&ValueType> = node.inputs.iter().map(|&id| graph.ty(id)).collect();
    let is_parameter = |id: &ValueId| matches!(graph.values[id.0].source, Source::Parameter { .. });
    let are_images = || {
        let mut all = node.inputs.iter().chain(&node.outputs);
        all.all(|&id| ImageType::of(graph.ty(id), FIRST).is_some()) && !node.inputs.iter().any(is_parameter)
    };
    node.outputs.len() == 1 && node.op.as_image_operator().is_some_and(|op| op.takes_images(&types)) && are_images()
}

/// Whether a node gives images of one position other axes.
fn is_same(graph: &Graph, node: &Node) -> bool {
    let any: &dyn Any = node.op.as_ref();
    let [input, output] = [node.inputs[0], node.outputs[0]].map(|id| ImageType::of(graph.ty(id), FIRST));
    let is_reshape = any.is::<Flatten>() || any.is::<Reshape>();
    is_reshape && input.is_some() && input == output && input.is_some_and(|ty| ty.size == [1, 1])
}
