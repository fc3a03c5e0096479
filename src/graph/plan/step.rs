//! What a step does.

use super::memory::Memory;
use super::value::{Kept, Order};
use super::{Action, LayerStep, Operand, Plan, Step};
use crate::graph::network::Source;
use crate::graph::{Graph, Node, OpError, RunContext, RunError};
use crate::kernel::{Images, ImagesMut};
use crate::layer::{
    Finish, ImageBuffer, Input, LayerProblem, Numbers, Targets, planar_images, with_values, write_images,
};
use candle_core::{Device, Tensor};

/// The steps of a plan on some samples.
pub struct Steps<'a> {
    pub graph: &'a Graph,
    pub plan: &'a Plan,
    pub context: RunContext<'a>,
}

impl<'a> Steps<'a> {
    /// Runs a step.
    ///
    /// # Errors
    /// Names the node that failed, or the parameter that is not bound.
    pub fn run(&self, step: &Step, memory: &mut Memory) -> Result<(), RunError> {
        let kept = &self.plan.kept;
        match &step.action {
            Action::Operator { inputs, outputs } => {
                let node = &self.graph.nodes[step.node];
                let tensors = inputs.iter().map(|&input| self.operand(input, memory)).collect::<Result<Vec<_>, _>>()?;
                let computed = node.op.run(&tensors, &self.context).map_err(|source| failed(node, source))?;
                for (output, tensor) in outputs.iter().zip(computed) {
                    if let Some(output) = output {
                        memory.set_tensor(&kept[*output], Some(tensor));
                    }
                }
            }
            Action::Show { input } => {
                if let Some(layer) = self.graph.nodes[step.node].op.as_approximate() {
                    match *input {
                        Operand::Kept(i) if kept[i].as_images().is_some() => {
                            self.context.show(layer, &[&self.tensor(&kept[i], memory)?]);
                        }
                        input => self.context.show(layer, &[self.operand(input, memory)?]),
                    }
                }
            }
            Action::Layer(layer) => self.layer(layer, memory)?,
            Action::Images { inputs, output } => self.images(step.node, inputs, *output, memory)?,
            Action::Selection { inputs, output } => self.select(step.node, inputs, *output, memory),
            Action::Write { from, to } => self.write(*from, to, memory)?,
            Action::Tensor { from, to } => {
                let tensor = self.tensor(&kept[*from], memory)?;
                memory.set_tensor(&kept[*to], Some(tensor));
            }
        }
        step.last_read.iter().for_each(|&i| memory.set_tensor(&kept[i], None));
        Ok(())
    }

    /// A tensor that is kept, or that of a parameter.
    ///
    /// # Errors
    /// When a parameter is not bound.
    pub fn operand<'m>(&self, operand: Operand, memory: &'m Memory) -> Result<&'m Tensor, RunError>
    where
        'a: 'm,
    {
        let (value, tensor) = match operand {
            Operand::Kept(i) => (self.plan.kept[i].value, memory.tensor(&self.plan.kept[i])),
            Operand::Parameter(id) => match &self.graph.values[id.0].source {
                Source::Parameter { data, .. } => (id, data.as_ref()),
                Source::Input | Source::Node => (id, None),
            },
        };
        tensor.ok_or_else(|| RunError::Unbound(self.graph.value_name(value).to_owned()))
    }

    /// Runs a layer over images.
    fn layer(&self, step: &LayerStep, memory: &mut Memory) -> Result<(), RunError> {
        let (kept, samples) = (&self.plan.kept, self.context.samples);
        self.writing(&step.outputs, memory, |memory, targets| {
            let of_input = kept[step.input].images().place(samples);
            let residual = step.residual.map(|(residual, clip)| (self.reals(residual, memory), clip));
            let input = memory.images(&kept[step.input]).input(of_input);
            let finish = Finish { clip: step.clip, residual };
            step.layer.run(&step.geometry, input, of_input.count, finish, targets, self.context.threads)
        })
    }

    /// Calls `body` with where to write the images of `outputs`, of one of which it returns the index if that has no
    /// operand for NaN.
    fn writing(
        &self,
        outputs: &[usize],
        memory: &mut Memory,
        body: impl FnOnce(&Memory, Targets) -> Result<(), usize>,
    ) -> Result<(), RunError> {
        let (kept, samples) = (&self.plan.kept, self.context.samples);
        let mut buffers: Vec<ImageBuffer> = outputs.iter().map(|&i| memory.take(&kept[i], samples)).collect();
        let places = outputs.iter().map(|&i| kept[i].images().place(samples));
        let targets = Targets(buffers.iter_mut().zip(places).map(|(buffer, place)| buffer.target(place)).collect());
        let result = body(memory, targets);
        outputs.iter().zip(buffers).for_each(|(&i, buffer)| memory.put(&kept[i], buffer));
        result.map_err(|i| {
            let reader = &self.graph.nodes[kept[outputs[i]].reader];
            failed(reader, OpError::Layer(LayerProblem::NaN.in_layer(&reader.name)))
        })
    }

    /// Images of numbers.
    fn reals<'m>(&self, at: usize, memory: &'m Memory) -> Images<'m, f32> {
        let kept = &self.plan.kept[at];
        memory.images(kept).reals(kept.images().place(self.context.samples))
    }

    /// Runs an operator on images of numbers.
    fn images(&self, node: usize, inputs: &[usize], output: usize, memory: &mut Memory) -> Result<(), RunError> {
        let (node, kept) = (&self.graph.nodes[node], &self.plan.kept[output]);
        let operator = node.op.as_image_operator().expect("planned as one on images");
        let mut buffer = memory.take(kept, self.context.samples);
        let images: Vec<Images<f32>> = inputs.iter().map(|&i| self.reals(i, memory)).collect();
        let result = operator.run_images(&images, &mut buffer.reals_mut(kept.images().place(self.context.samples)));
        memory.put(kept, buffer);
        result.map_err(|source| failed(node, source))
    }

    /// Runs an operator that selects some of its operands.
    fn select(&self, node: usize, inputs: &[usize], output: usize, memory: &mut Memory) {
        let (node, kept) = (&self.graph.nodes[node], &self.plan.kept[output]);
        let operator = node.op.as_image_operator().and_then(|operator| operator.as_selection());
        let operator = operator.expect("planned as a selection");
        let samples = self.context.samples;
        let mut buffer = memory.take(kept, samples);
        let of_inputs: Vec<&Kept> = inputs.iter().map(|&i| &self.plan.kept[i]).collect();
        let channels: Vec<usize> = of_inputs.iter().map(|kept| kept.images().ty.channels).collect();
        let all = of_inputs.iter().map(|kept| memory.images(kept).input(kept.images().place(samples)));
        let place = kept.images().place(samples);
        let (layout, len) = (place.layout, place.len());
        match &mut buffer {
            ImageBuffer::Bytes(values) => {
                let images: Vec<Images<u8>> = all.filter_map(Input::bytes).collect();
                operator.select_bytes(&images, &channels, &mut ImagesMut { layout, values: &mut values[..len] });
            }
            ImageBuffer::Words(values) => {
                let images: Vec<Images<i16>> = all.filter_map(Input::words).collect();
                operator.select_words(&images, &channels, &mut ImagesMut { layout, values: &mut values[..len] });
            }
            ImageBuffer::Reals(_) => unreachable!("operands are selected"),
        }
        memory.put(kept, buffer);
    }

    /// Writes images of the numbers of a tensor, or of other images.
    fn write(&self, from: usize, to: &[usize], memory: &mut Memory) -> Result<(), RunError> {
        let kept = &self.plan.kept;
        let images = kept[to[0]].images();
        let (ty, count) = (images.ty, images.place(self.context.samples).count);
        let threads = self.context.threads;
        let tensor = match kept[from].as_images() {
            Some(_) => None,
            None => Some(self.operand(Operand::Kept(from), memory)?.clone()),
        };
        let Some(tensor) = tensor else {
            return self.writing(to, memory, |memory, targets| {
                let numbers = Numbers::Images(self.reals(from, memory));
                write_images(numbers, ty.size, ty.channels, count, targets, threads)
            });
        };
        let mut result = Ok(());
        with_values(&tensor, |values| {
            let numbers = match images.order {
                Order::ChannelsFirst => Numbers::Planar(values),
                Order::ChannelsLast => Numbers::Positions(values),
            };
            result = self
                .writing(to, memory, |_, targets| write_images(numbers, ty.size, ty.channels, count, targets, threads));
        })?;
        result
    }

    /// The tensor of a value whose numbers are there as images.
    fn tensor(&self, kept: &Kept, memory: &Memory) -> Result<Tensor, RunError> {
        let images = kept.images();
        let samples = self.context.samples;
        let shape = self.graph.ty(kept.value).sizes(samples);
        let numbers = memory.images(kept).reals(images.place(samples));
        let is_planar = images.order == Order::ChannelsFirst;
        let values = planar_images(numbers, images.place(samples).count, is_planar, self.context.threads);
        Ok(Tensor::from_vec(values, shape, &Device::Cpu)?)
    }
}

/// The error of a node.
fn failed(node: &Node, source: OpError) -> RunError {
    RunError::Node { node: node.name.clone(), kind: node.op.kind(), source: Box::new(source) }
}
