//! Dot products of a layer: its weights laid out for a kernel, and the numbers that sums become.

use super::reads::{Read, address, reads, runs};
use super::scaling::Scaling;
use super::sized::sized;
use crate::kernel::outputs::add_biases;
use crate::kernel::{
    ChannelPanels, Clip, ConvGeometry, DotKernel, ImageLayout, Images, Panels, Run, SLACK, line_parts,
};
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
    /// Whether every output reads one channel, and every channel has one output.
    fn is_depthwise(&self) -> bool {
        self.groups > 1 && self.outputs == 1 && self.channels == 1
    }

    fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
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
        let element = |tap: [usize; 2], channel: usize| channel * taps + tap[0] * shape.kernel[1] + tap[1];
        if shape.is_depthwise() {
            let reads = reads(&geometry, 0..1, factors);
            let of = |read: usize, channel: usize| {
                let Read { term, tap, .. } = reads[read];
                weight(term, channel, element(tap, 0))
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
                // The term and the element of each operand in its place, none of padding.
                let operand = |read: &Read, within: usize| {
                    let channel = read.channel - first + within;
                    let is_real = within < read.channels && channel < shape.channels;
                    is_real.then(|| (read.term, element(read.tap, channel)))
                };
                let operands = |read| (0..read_groups(read, group) * group).map(move |within| operand(read, within));
                let operands: Vec<Option<(usize, usize)>> = reads.iter().flat_map(operands).collect();
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
