//! Dot products of a layer: its weights laid out for a kernel, and the numbers that sums become.

use super::reads::{Read, address, reads, runs};
use super::scaling::Scaling;
use super::sized::sized;
use crate::kernel::outputs::add_biases;
use crate::kernel::{
    ChannelPanels, Clip, ConvGeometry, DotKernel, ImageLayout, Images, Panels, Run, SLACK, line_parts,
};
use crate::layer::Window;
use std::ops::Range;

/// The weights of a layer in their places: what varies from layer to layer besides the kernel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Groups of channels that do not mix.
    pub groups: usize,
    /// Output channels of a group.
    pub outputs: usize,
    /// Input channels of a group.
    pub channels: usize,
    /// Kernel height and width.
    pub kernel: [usize; 2],
}

impl Shape {
    /// That of a layer whose kernel and groups are those of `window`.
    pub fn of(window: &Window) -> Self {
        let ConvGeometry { channels, kernel, .. } = window.geometry;
        Shape { groups: window.groups, outputs: window.group_outputs(), channels, kernel }
    }

    /// Whether every output reads one channel, and every channel has one output.
    fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.outputs == 1 && self.channels == 1
    }

    fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Where an output's weight for a tap and a channel of its group lies in `[channel, height, width]`.
    fn element(&self, tap: [usize; 2], channel: usize) -> usize {
        channel * self.taps() + tap[0] * self.kernel[1] + tap[1]
    }

    /// The term and the element of each operand that `reads` of a group take, in groups of `group`: none of padding.
    fn operands(&self, of_group: usize, reads: &[Read], group: usize) -> Vec<Option<(usize, usize)>> {
        let first = of_group * self.channels;
        let operand = |read: &Read, within: usize| {
            let channel = read.channel - first + within;
            let is_real = within < read.channels && channel < self.channels;
            is_real.then(|| (read.term, self.element(read.tap, channel)))
        };
        let operands = |read| (0..read_groups(read, group) * group).map(move |within| operand(read, within));
        reads.iter().flat_map(operands).collect()
    }
}

/// Weights laid out for the kernel that multiplies them.
pub(super) struct Dots<A: 'static, W: 'static, S: 'static> {
    kernel: &'static dyn DotKernel<A, W, S>,
    shape: Shape,
    weights: Weights<W>,
}

enum Weights<W> {
    /// For each group, parts of the depth whose sums fit `S`.
    Panels(Vec<Vec<(Vec<Read>, Panels<W>)>>),
    /// Of depthwise convolutions.
    Channels(Vec<Read>, ChannelPanels<W>),
}

/// What a layer reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a, A> {
    /// The window.
    pub geometry: &'a ConvGeometry,
    /// The images of all terms.
    pub images: Images<'a, A>,
    /// Images of a term.
    pub count: usize,
}

/// Memory that a thread keeps.
#[derive(Debug, Default)]
pub(super) struct Memory<S> {
    addresses: Vec<usize>,
    sums: Vec<S>,
    /// Sums of several parts.
    totals: Vec<i64>,
}

/// A type of sums.
pub(super) trait Sum: Copy + Default + Send + Sync + 'static {
    /// Overwrites the clamped numbers of `outputs` of each position, of which `sums` has `width` and `numbers` `stride`.
    fn numbers(
        scaling: &Scaling,
        outputs: Range<usize>,
        clip: Clip,
        sums: &[Self],
        width: usize,
        numbers: &mut [f32],
        stride: usize,
    );

    /// The sum as one that can be added to any other, where sums are exact.
    fn widened(self) -> i64;
}

impl Sum for i32 {
    fn numbers(
        scaling: &Scaling,
        outputs: Range<usize>,
        clip: Clip,
        sums: &[i32],
        width: usize,
        numbers: &mut [f32],
        stride: usize,
    ) {
        scaling.narrow_numbers(outputs, clip, sums, width, numbers, stride);
    }

    fn widened(self) -> i64 {
        i64::from(self)
    }
}

impl Sum for f32 {
    fn numbers(
        scaling: &Scaling,
        outputs: Range<usize>,
        clip: Clip,
        sums: &[f32],
        width: usize,
        numbers: &mut [f32],
        stride: usize,
    ) {
        add_biases(&scaling.biases[outputs], clip, sums, width, numbers, stride);
    }

    fn widened(self) -> i64 {
        unreachable!("sums of real numbers are never in parts")
    }
}

impl<A: Copy + Default, W: Copy + Default, S: Sum> Dots<A, W, S> {
    /// Lays out `weight(term, output, element)` for a layer, element by element of `[channel, height, width]`; the
    /// sums of term `i` are multiplied by `factors[i]`. Every `depth` products have a sum that fits `S`.
    pub fn new(
        kernel: &'static dyn DotKernel<A, W, S>,
        shape: Shape,
        factors: &[i32],
        depth: usize,
        weight: impl Fn(usize, usize, usize) -> W,
    ) -> Self {
        let geometry = ConvGeometry { kernel: shape.kernel, ..ConvGeometry::point(shape.channels) };
        let (group, taps) = (kernel.group(), shape.taps());
        if shape.is_depthwise() {
            let reads = reads(&geometry, 0..1, factors);
            let of = |read: usize, channel: usize| {
                let Read { term, tap, .. } = reads[read];
                weight(term, channel, shape.element(tap, 0))
            };
            let runs = runs_of_taps(&reads, &geometry, &ImageLayout::plain([1, 1], shape.groups), 1);
            let panels = kernel.pack_channels(&runs, shape.groups, &of);
            return Dots { kernel, shape, weights: Weights::Channels(reads, panels) };
        }
        // One group reads its channels with their padding, so that taps follow each other.
        let elements = if shape.groups == 1 { shape.channels.next_multiple_of(group) } else { shape.channels };
        // No part has more products than fit a sum.
        let step = (depth / taps / group * group).clamp(group, elements.next_multiple_of(group));
        let parts = |of_group: usize| {
            let part = |start: usize| {
                let channels = start..(start + step).min(elements);
                let first = of_group * shape.channels;
                let reads = reads(&geometry, first + channels.start..first + channels.end, factors);
                let operands = shape.operands(of_group, &reads, group);
                let of = |output: usize, at: usize, i: usize| {
                    let operand = operands[at * group + i];
                    operand.map_or(W::default(), |(term, element)| {
                        weight(term, of_group * shape.outputs + output, element)
                    })
                };
                let panels = Panels::new([shape.outputs, kernel.lanes()], [operands.len() / group, group], of);
                (reads, panels)
            };
            (0..elements).step_by(step).map(part).collect()
        };
        Dots { kernel, shape, weights: Weights::Panels((0..shape.groups).map(parts).collect()) }
    }

    /// Whether [`weights`](Self::weights) can be read back.
    pub fn has_panels(&self) -> bool {
        matches!(self.weights, Weights::Panels(_))
    }

    /// The weights of the first term as they were before they were laid out in panels, `[output, element]`; `None` of
    /// a depthwise convolution.
    pub fn weights(&self) -> Option<Vec<W>> {
        let Weights::Panels(groups) = &self.weights else { return None };
        let (shape, group, lanes) = (&self.shape, self.kernel.group(), self.kernel.lanes());
        let depth = shape.channels * shape.taps();
        let mut weights = vec![W::default(); shape.groups * shape.outputs * depth];
        let of_groups = weights.chunks_exact_mut(shape.outputs * depth);
        for (of_group, (parts, rows)) in groups.iter().zip(of_groups).enumerate() {
            for (reads, panels) in parts {
                let operands = shape.operands(of_group, reads, group);
                for (at, rows) in rows.chunks_mut(lanes * depth).enumerate() {
                    let groups = panels.panel(at).chunks_exact(lanes * group);
                    for (panel, operands) in groups.zip(operands.chunks_exact(group)) {
                        for (row, weights) in rows.chunks_exact_mut(depth).zip(panel.chunks_exact(group)) {
                            for (operand, &weight) in operands.iter().zip(weights) {
                                if let &Some((0, element)) = operand {
                                    row[element] = weight;
                                }
                            }
                        }
                    }
                }
            }
        }
        Some(weights)
    }

    /// Overwrites `numbers` with those of all outputs, clamped, at each of `positions`, counted through the outputs of
    /// all images.
    pub fn numbers(
        &self,
        Source { geometry, images, count }: Source<A>,
        positions: Range<usize>,
        (scaling, clip): (&Scaling, Clip),
        memory: &mut Memory<S>,
        numbers: &mut [f32],
    ) {
        let Memory { addresses, sums, totals } = memory;
        find_addresses(geometry, &images.layout, positions, addresses);
        let stride = self.shape.groups * self.shape.outputs;
        match &self.weights {
            Weights::Channels(reads, panels) => {
                let runs = runs_of_taps(reads, geometry, &images.layout, count);
                // A few blocks of channels at a time.
                for first in (0..stride).step_by(4 * SLACK) {
                    let channels = first..(first + 4 * SLACK).min(stride);
                    let width = channels.len().next_multiple_of(SLACK);
                    let sums = sized(sums, addresses.len() * width);
                    self.kernel.channel_sums(images.values, addresses, &runs, panels, channels.clone(), sums);
                    S::numbers(scaling, channels, clip, sums, width, &mut numbers[first..], stride);
                }
            }
            Weights::Panels(groups) => {
                for (group, parts) in groups.iter().enumerate() {
                    let runs: Vec<Vec<Run>> = parts
                        .iter()
                        .map(|(reads, _)| runs(reads, geometry, &images.layout, count, self.kernel.group()))
                        .collect();
                    let (lanes, most) = (self.kernel.lanes(), self.kernel.panels());
                    let all = parts[0].1.count();
                    for first in (0..all).step_by(most) {
                        let panels = first..(first + most).min(all);
                        let width = panels.len() * lanes;
                        let sums = sized(sums, addresses.len() * width);
                        let end = (panels.end * lanes).min(self.shape.outputs);
                        let outputs =
                            group * self.shape.outputs + panels.start * lanes..group * self.shape.outputs + end;
                        let add = |part: usize, sums: &mut [S]| {
                            let panels = panels.clone();
                            self.kernel.sums(images.values, addresses, &runs[part], &parts[part].1, panels, sums);
                        };
                        add(0, sums);
                        if parts.len() == 1 {
                            let numbers = &mut numbers[outputs.start..];
                            S::numbers(scaling, outputs, clip, sums, width, numbers, stride);
                            continue;
                        }
                        totals.clear();
                        totals.extend(sums.iter().map(|sum| sum.widened()));
                        for part in 1..parts.len() {
                            add(part, sums);
                            totals.iter_mut().zip(&*sums).for_each(|(total, sum)| *total += sum.widened());
                        }
                        let numbers = &mut numbers[outputs.start..];
                        scaling.wide_numbers(outputs, clip, totals, width, numbers, stride);
                    }
                }
            }
        }
    }
}

/// Groups of operands that a read takes.
fn read_groups(read: &Read, group: usize) -> usize {
    read.channels.div_ceil(group)
}

/// The runs of a depthwise convolution, which are taps: none is joined to another.
fn runs_of_taps(reads: &[Read], geometry: &ConvGeometry, layout: &ImageLayout, images: usize) -> Vec<Run> {
    reads.iter().flat_map(|read| runs(std::slice::from_ref(read), geometry, layout, images, 1)).collect()
}

/// Overwrites `addresses` with those of output positions, counted through images.
fn find_addresses(geometry: &ConvGeometry, layout: &ImageLayout, positions: Range<usize>, addresses: &mut Vec<usize>) {
    addresses.clear();
    let step = geometry.stride[1] * layout.elements;
    for part in line_parts(positions, geometry.output) {
        let first = part.image * layout.image() + address(geometry, layout, [part.y, part.x]);
        addresses.extend((0..part.count).map(|i| first + i * step));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::for_each_case;
    use crate::kernel::{IntegerDot, KERNELS};

    /// What [`Dots::weights`] reads back of weights that are all different.
    fn read_back<A: Copy + Default, W: Copy + Default, S: Sum>(
        kernel: &'static dyn DotKernel<A, W, S>,
        shape: Shape,
        (factors, depth): (&[i32], usize),
        number: impl Fn(usize, usize) -> W,
    ) -> Option<Vec<W>> {
        let weight = |term: usize, output: usize, element: usize| {
            if term == 0 { number(output, element) } else { W::default() }
        };
        Dots::new(kernel, shape, factors, depth, weight).weights()
    }

    /// By every kernel, of one term and of two, in one part and in several.
    #[test]
    fn weights_are_read_back_from_panels() {
        let shape = |groups, outputs, channels, kernel| Shape { groups, outputs, channels, kernel };
        let shapes = [
            shape(1, 1, 1, [1, 1]),
            shape(1, 33, 70, [1, 1]),
            shape(1, 15, 3, [7, 7]),
            shape(1, 129, 5, [2, 3]),
            shape(2, 17, 9, [3, 1]),
            shape(4, 3, 1, [3, 3]),
        ];
        let names = KERNELS.iter().filter(|kernel| kernel.is_supported()).map(|kernel| kernel.name());
        for_each_case(names.flat_map(|name| shapes.map(|shape| (name, shape))), |(name, shape)| {
            let kernel = KERNELS.iter().find(|kernel| kernel.name() == name).expect("a kernel");
            let (integers, reals) = (kernel.integers(), kernel.reals());
            let depth = shape.channels * shape.taps();
            let place = |output: usize, element: usize| output * depth + element + 1;
            let all = || (0..shape.groups * shape.outputs * depth).map(|at| at + 1);
            let real = read_back(reals, shape, (&[1], usize::MAX), |output, element| place(output, element) as f32);
            assert_eq!(real.unwrap(), all().map(|at| at as f32).collect::<Vec<_>>());
            for factors in [&[1][..], &[2, 1]] {
                let plan = (factors, 4 * shape.taps());
                match integers {
                    IntegerDot::Bytes(kernel) => {
                        let found = read_back(kernel, shape, plan, |output, element| place(output, element) as i8);
                        assert_eq!(found.unwrap(), all().map(|at| at as i8).collect::<Vec<_>>());
                    }
                    IntegerDot::Words(kernel) => {
                        let found = read_back(kernel, shape, plan, |output, element| place(output, element) as i16);
                        assert_eq!(found.unwrap(), all().map(|at| at as i16).collect::<Vec<_>>());
                    }
                }
            }
        });
    }
}
