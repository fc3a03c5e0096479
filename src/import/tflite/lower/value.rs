//! What a tensor of the file refers to while the network is lowered.

use crate::graph::ValueId;
use crate::import::tflite::tensor::Data;

/// The order in which layers take images: samples, channels, height, width of the file's samples, height, width,
/// channels.
pub(super) const CHANNELS_FIRST: [usize; 4] = [0, 3, 1, 2];

/// A value that is computed from the images, its axes in any order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::import::tflite) struct Computed {
    pub id: ValueId,
    /// For each axis in the graph, the file's axis that it is.
    pub axes: Vec<usize>,
}

impl Computed {
    /// A value with the file's own order of axes.
    pub fn in_order(id: ValueId, rank: usize) -> Self {
        Computed { id, axes: (0..rank).collect() }
    }

    /// Images with the channels first.
    pub fn channels_first(id: ValueId) -> Self {
        Computed { id, axes: CHANNELS_FIRST.to_vec() }
    }

    /// The place in the graph of an axis of the file.
    pub fn place(&self, axis: usize) -> usize {
        self.axes.iter().position(|&own| own == axis).unwrap_or(axis)
    }
}

/// What a tensor refers to.
#[derive(Debug, Clone)]
pub(in crate::import::tflite) enum Value {
    Computed(Computed),
    Constant(Data),
}
