//! The input of an imported network: images as this program has them, `[channels, height, width]`,
//! brought into the axis order that the network takes.

use super::Layout;
use crate::graph::op::{Reshape, Transpose};
use crate::graph::{Dim, Graph, GraphError, ValueId, ValueType};

/// The dimensions of a network's input, without the batch.
#[derive(Debug)]
pub(super) struct ImageInput {
    /// Channels, height and width.
    pub shape: [usize; 3],
    /// How the shape was chosen, where the network does not state it.
    pub note: Option<String>,
    /// The dimensions that the network takes.
    pub sample: Vec<usize>,
    /// Whether channels are last there.
    pub channels_last: bool,
}

/// The most positions on axes that are merged.
const MAX_OUTER: usize = 1 << 16;

impl ImageInput {
    /// The images for a network that takes samples of dimensions `sample`, whose axes before the last two are
    /// merged where there are many; `None` where these are not those of an image in `layout`.
    pub fn new(sample: &[usize], layout: Layout) -> Option<Self> {
        let can_be_channels = |size: usize| matches!(size, 1 | 3);
        let is_nhwc = |first, last| can_be_channels(last) && !can_be_channels(first);
        let (mut channels_last, mut note) = (layout == Layout::Nhwc, None);
        let shape = match *sample {
            [first, width, last] if layout == Layout::Auto && is_nhwc(first, last) => {
                channels_last = true;
                note = Some("the input has channels last (layout nhwc)".to_owned());
                [last, first, width]
            }
            [height, width, channels] if channels_last => [channels, height, width],
            [size] if channels_last => square_image(size),
            _ if channels_last => return None,
            [channels, height, width] => [channels, height, width],
            [channels, length] => [channels, 1, length],
            [size] => {
                let shape = square_image(size);
                let order = if shape[0] > 1 { ", channel by channel (layout nchw)" } else { "" };
                note = Some(format!(
                    "the input is a vector of {size} values, interpreted as images of shape {shape:?}{order}"
                ));
                shape
            }
            [] => [1, 1, 1],
            [ref outer @ .., height, width] => {
                let outer = outer.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
                [outer.filter(|&outer| outer <= MAX_OUTER)?, height, width]
            }
        };
        Some(ImageInput { shape, note, sample: sample.to_vec(), channels_last })
    }

    /// The dimensions that the network takes, where they are others than those of the images.
    pub fn own_shape(&self) -> Option<Vec<usize>> {
        (self.channels_last || self.sample != self.shape).then(|| self.sample.clone())
    }

    /// Adds an input called `name` to a graph, with `samples` as its first axis: the images, and the same
    /// as the network takes them.
    pub fn add(&self, graph: &mut Graph, name: &str, samples: Dim) -> Result<(ValueId, ValueId), GraphError> {
        let images = self.add_images(graph, name, samples)?;
        Ok((images, self.convert(graph, name, images, samples)?))
    }

    /// Adds an input called `name` to a graph, with `samples` as its first axis: images.
    pub fn add_images(&self, graph: &mut Graph, name: &str, samples: Dim) -> Result<ValueId, GraphError> {
        graph.input(name, ValueType::f32(dims(samples, &self.shape)))
    }

    /// Images as the network takes them.
    pub fn convert(&self, graph: &mut Graph, name: &str, images: ValueId, samples: Dim) -> Result<ValueId, GraphError> {
        let converted = format!("{name} (as the network takes it)");
        let (mut taken, mut is_taken) = (images, !self.channels_last && self.sample == self.shape);
        if self.channels_last {
            is_taken = self.sample.len() == 3;
            let transposed = if is_taken { converted.clone() } else { format!("{name} (channels last)") };
            taken = graph.add_one(&transposed, Transpose { order: vec![0, 2, 3, 1] }, &[images])?;
        }
        if is_taken {
            return Ok(taken);
        }
        graph.add_one(&converted, Reshape { shape: dims(samples, &self.sample) }, &[taken])
    }

    /// An output of the input's dimensions, as images: adds a node called `name` if axes are in another
    /// order.
    pub fn restore(&self, graph: &mut Graph, name: &str, output: ValueId) -> Result<ValueId, GraphError> {
        if !self.channels_last || graph.ty(output).rank() != 4 {
            return Ok(output);
        }
        graph.add_one(name, Transpose { order: vec![0, 3, 1, 2] }, &[output])
    }
}

/// The dimensions of samples of these sizes.
fn dims(samples: Dim, sizes: &[usize]) -> Vec<Dim> {
    std::iter::once(samples).chain(sizes.iter().map(|&size| Dim::Fixed(size))).collect()
}

/// The image that a vector of `size` values represents: square and gray, or else square and of three
/// colors, or else one row.
fn square_image(size: usize) -> [usize; 3] {
    let square = |channels: usize| {
        let side = (size / channels).isqrt();
        (side * side * channels == size).then_some([channels, side, side])
    };
    square(1).or_else(|| square(3)).unwrap_or([1, 1, size])
}
