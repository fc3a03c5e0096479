//! Writing down the steps of a run.

use super::demand::{Demand, Demands, LayerWay, Wanted, Way};
use super::slots;
use super::value::{ImageType, Kept, KeptImages, KeptKind, Order};
use super::{Action, LayerStep, Operand, Plan, Span, Step};
use crate::graph::network::Source;
use crate::graph::schedule::{Level, Schedule};
use crate::graph::{Graph, ValueId};
use crate::kernel::ImageLayout;
use crate::layer::Form;
use std::collections::HashMap;
use std::ops::Range;

/// The plan of a run of `span`.
pub fn plan(graph: &Graph, span: &Span, batch: usize, observed: &[bool]) -> Plan {
    let Demands { ways, of_value } = Demands::find(graph, span, observed);
    let mut builder = Builder {
        graph,
        demands: of_value,
        kept: Vec::new(),
        steps: Vec::new(),
        tensors: HashMap::new(),
        images: HashMap::new(),
    };
    for &input in &span.inputs {
        builder.write_all_from_tensor(span.nodes.start, input);
    }
    // What comes after the last output is for nothing.
    let needed = graph.nodes.iter().rposition(|node| node.outputs.iter().any(|id| graph.outputs.contains(id)));
    for (at, way) in ways.iter().enumerate().take(needed.map_or(0, |last| last + 1)) {
        builder.node(at, way, observed[at]);
    }
    let outputs: Vec<Operand> = span.outputs.iter().map(|&id| builder.operand(id)).collect();
    let Builder { mut kept, mut steps, .. } = builder;
    lifetimes(&mut kept, &mut steps, &span.inputs, &outputs);
    slots::assign(&mut kept);
    let mut levels = Vec::new();
    let mut start = 0;
    for level in Schedule::new(graph, batch).levels {
        let end = start + steps[start..].iter().take_while(|step| step.node < level.nodes.end).count();
        levels.push((start..end, level));
        start = end;
    }
    debug_assert_eq!(start, steps.len());
    let levels = merged(levels);
    Plan { inputs: span.inputs.clone(), kept, steps, levels, outputs }
}

/// Without levels that have no steps, but for the last.
fn merged(levels: Vec<(Range<usize>, Level)>) -> Vec<(Range<usize>, Level)> {
    let last = levels.len() - 1;
    levels
        .into_iter()
        .enumerate()
        .filter(|(i, (steps, _))| *i == last || !steps.is_empty())
        .map(|(_, level)| level)
        .collect()
}

/// Finds the first and last step of everything that is kept, and the steps after which tensors are dropped.
fn lifetimes(kept: &mut [Kept], steps: &mut [Step], inputs: &[ValueId], outputs: &[Operand]) {
    for (at, step) in steps.iter().enumerate() {
        let (reads, writes) = step.places();
        for i in writes.into_iter().chain(reads) {
            kept[i].steps[0] = kept[i].steps[0].min(at);
            kept[i].steps[1] = kept[i].steps[1].max(at);
        }
    }
    // Inputs are there before the first step.
    for kept in kept.iter_mut().filter(|kept| inputs.contains(&kept.value) && kept.as_images().is_none()) {
        kept.steps[0] = 0;
    }
    for output in outputs {
        if let Operand::Kept(i) = output {
            kept[*i].steps[1] = usize::MAX;
        }
    }
    for (i, kept) in kept.iter().enumerate() {
        if matches!(kept.kind, KeptKind::Tensor)
            && let Some(step) = steps.get_mut(kept.steps[1])
        {
            step.last_read.push(i);
        }
    }
}

impl Step {
    /// What the step reads, and what it writes.
    pub(super) fn places(&self) -> (Vec<usize>, Vec<usize>) {
        let kept = |operand: &Operand| if let Operand::Kept(i) = operand { Some(*i) } else { None };
        match &self.action {
            Action::Operator { inputs, outputs } => {
                (inputs.iter().filter_map(kept).collect(), outputs.iter().flatten().copied().collect())
            }
            Action::Show { input } => (kept(input).into_iter().collect(), Vec::new()),
            Action::Layer(layer) => {
                let residual = layer.residual.map(|(residual, _)| residual);
                ([layer.input].into_iter().chain(residual).collect(), layer.outputs.clone())
            }
            Action::Images { inputs, output } | Action::Selection { inputs, output } => (inputs.clone(), vec![*output]),
            Action::Write { from, to } => (vec![*from], to.clone()),
            Action::Tensor { from, to } => (vec![*from], vec![*to]),
        }
    }
}

/// A plan that is being written.
struct Builder<'a> {
    graph: &'a Graph,
    demands: Vec<Demand>,
    kept: Vec<Kept>,
    steps: Vec<Step>,
    /// Tensors by value.
    tensors: HashMap<ValueId, usize>,
    /// Images by value.
    images: HashMap<ValueId, Vec<usize>>,
}

impl Builder<'_> {
    fn node(&mut self, at: usize, way: &Way, is_observed: bool) {
        let graph = self.graph;
        let node = &graph.nodes[at];
        match way {
            Way::Elsewhere => (),
            Way::Tensors => {
                let inputs = node.inputs.iter().map(|&id| self.operand(id)).collect();
                let is_read = |id: &ValueId| {
                    let Demand { tensor, images } = &self.demands[id.0];
                    *tensor || !images.is_empty()
                };
                let read: Vec<bool> = node.outputs.iter().map(is_read).collect();
                let outputs: Vec<Option<usize>> =
                    node.outputs.iter().zip(read).map(|(&id, is_read)| is_read.then(|| self.tensor(id))).collect();
                self.push(at, Action::Operator { inputs, outputs: outputs.clone() });
                for (&id, _) in node.outputs.iter().zip(&outputs).filter(|(_, output)| output.is_some()) {
                    self.write_all_from_tensor(at, id);
                }
            }
            Way::Layer(LayerWay { layer, geometry, order, fusion }) => {
                let value = fusion.map_or(node.outputs[0], |fusion| graph.nodes[fusion.add].outputs[0]);
                if is_observed {
                    let input = if self.demands[node.inputs[0].0].tensor {
                        self.operand(node.inputs[0])
                    } else {
                        Operand::Kept(self.find(node.inputs[0], &Form::Reals, *order))
                    };
                    self.push(at, Action::Show { input });
                }
                let input = self.find(node.inputs[0], layer.form(), *order);
                let residual = fusion.map(|fusion| (self.find(fusion.residual, &Form::Reals, *order), fusion.clip));
                let outputs = self.of_order(value, *order);
                let step = LayerStep {
                    layer: layer.clone(),
                    geometry: *geometry,
                    input,
                    clip: node.op.output_clip(),
                    residual,
                    outputs,
                };
                self.push(at, Action::Layer(step));
                self.others(at, value, *order);
            }
            Way::Images => {
                let order = Order::ChannelsFirst;
                let inputs = node.inputs.iter().map(|&id| self.find(id, &Form::Reals, order)).collect();
                let output = self.reals(node.outputs[0], order);
                self.push(at, Action::Images { inputs, output });
                self.write_from_reals(at, node.outputs[0], order, output);
            }
            Way::Selection(Wanted { form, .. }) => {
                let order = Order::ChannelsFirst;
                let inputs = node.inputs.iter().map(|&id| self.find(id, form, order)).collect();
                let outputs = self.of_order(node.outputs[0], order);
                self.push(at, Action::Selection { inputs, output: outputs[0] });
            }
            Way::Same => {
                let from = self.find(node.inputs[0], &Form::Reals, Order::ChannelsFirst);
                let to = self.of_order(node.outputs[0], Order::ChannelsFirst);
                self.push(at, Action::Write { from, to });
                self.others(at, node.outputs[0], Order::ChannelsFirst);
            }
        }
    }

    fn push(&mut self, node: usize, action: Action) {
        self.steps.push(Step { node, action, last_read: Vec::new() });
    }

    /// The tensor of a value.
    fn operand(&mut self, id: ValueId) -> Operand {
        match self.graph.values[id.0].source {
            Source::Parameter { .. } => Operand::Parameter(id),
            Source::Input | Source::Node => Operand::Kept(self.tensor(id)),
        }
    }

    /// The tensor of a value that is computed.
    fn tensor(&mut self, id: ValueId) -> usize {
        if let Some(&known) = self.tensors.get(&id) {
            return known;
        }
        let tensor = self.keep(id, KeptKind::Tensor, 0);
        self.tensors.insert(id, tensor);
        tensor
    }

    fn keep(&mut self, value: ValueId, kind: KeptKind, reader: usize) -> usize {
        self.kept.push(Kept { value, kind, slot: 0, reader, steps: [usize::MAX, 0] });
        self.kept.len() - 1
    }

    fn keep_images(&mut self, id: ValueId, wanted: &Wanted) -> usize {
        let ty = ImageType::of(self.graph.ty(id), wanted.order).expect("images are wanted where there can be some");
        let layout = ImageLayout { size: ty.size, elements: wanted.form.elements(ty.channels), border: wanted.border };
        let images = KeptImages { form: wanted.form.clone(), order: wanted.order, ty, layout };
        let kept = self.keep(id, KeptKind::Images(images), wanted.reader);
        self.images.entry(id).or_default().push(kept);
        kept
    }

    /// Images of a value that have been written.
    fn find(&self, id: ValueId, form: &Form, order: Order) -> usize {
        let is_it = |&&i: &&usize| {
            let images = self.kept[i].images();
            images.order == order && images.form == *form
        };
        let known = self.images.get(&id).and_then(|known| known.iter().find(is_it));
        *known.expect("what is read has been written")
    }

    /// New images of a value, all that are read of it in an order of axes, and numbers where it is also read
    /// otherwise.
    fn of_order(&mut self, id: ValueId, order: Order) -> Vec<usize> {
        let Demand { tensor, images } = self.demands[id.0].clone();
        let (mut wanted, others): (Vec<Wanted>, Vec<Wanted>) =
            images.into_iter().partition(|wanted| wanted.order == order);
        let needs_reals = tensor || !others.is_empty() || wanted.is_empty();
        if needs_reals && !wanted.iter().any(|wanted| wanted.form == Form::Reals) {
            wanted.push(Wanted { form: Form::Reals, order, border: [[0; 2]; 2], reader: 0 });
        }
        wanted.iter().map(|wanted| self.keep_images(id, wanted)).collect()
    }

    /// New images of the numbers of a value.
    fn reals(&mut self, id: ValueId, order: Order) -> usize {
        let is_reals = |wanted: &&Wanted| wanted.order == order && wanted.form == Form::Reals;
        let wanted = self.demands[id.0].images.iter().find(is_reals).cloned();
        let plain = Wanted { form: Form::Reals, order, border: [[0; 2]; 2], reader: 0 };
        self.keep_images(id, &wanted.unwrap_or(plain))
    }

    /// Writes all else that is read of a value whose numbers are there as images.
    fn write_from_reals(&mut self, at: usize, id: ValueId, order: Order, from: usize) {
        let wanted = self.demands[id.0].images.clone();
        let to: Vec<usize> = wanted
            .iter()
            .filter(|wanted| wanted.order == order && wanted.form != Form::Reals)
            .map(|wanted| self.keep_images(id, wanted))
            .collect();
        if !to.is_empty() {
            self.push(at, Action::Write { from, to });
        }
        self.others(at, id, order);
    }

    /// Makes the tensor of a value, and images in other orders of axes, from its numbers in this one, if they are read.
    fn others(&mut self, at: usize, id: ValueId, order: Order) {
        let Demand { tensor, images } = &self.demands[id.0];
        if *tensor || images.iter().any(|wanted| wanted.order != order) {
            let from = self.find(id, &Form::Reals, order);
            let to = self.tensor(id);
            self.push(at, Action::Tensor { from, to });
            self.write_from_tensor(at, id, |wanted| wanted.order != order);
        }
    }

    /// Writes the images that are read of a value whose tensor is there.
    fn write_all_from_tensor(&mut self, at: usize, id: ValueId) {
        self.write_from_tensor(at, id, |_| true);
    }

    fn write_from_tensor(&mut self, at: usize, id: ValueId, is_missing: impl Fn(&Wanted) -> bool) {
        for order in [Order::ChannelsFirst, Order::ChannelsLast] {
            let wanted = self.demands[id.0].images.clone();
            let wanted = wanted.iter().filter(|wanted| wanted.order == order && is_missing(wanted));
            let to: Vec<usize> = wanted.map(|wanted| self.keep_images(id, wanted)).collect();
            if !to.is_empty() {
                let from = self.tensor(id);
                self.push(at, Action::Write { from, to });
            }
        }
    }
}
