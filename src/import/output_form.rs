//! What a network's output is: a vector for each sample, or an image of the input's size.

use crate::graph::{Dim, ValueType};

/// What a network's output is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OutputForm {
    /// Numbers for each sample.
    pub count: usize,
    /// Whether these are an image of the input's size, as of an autoencoder.
    pub reconstructs_input: bool,
    /// Whether they lie along one axis, after that of the samples.
    pub is_flat: bool,
}

impl OutputForm {
    /// The form of an output of type `ty` whose samples lie along a first axis of `samples`, for images of `input`
    /// numbers; `None` where it is no vector and no image.
    pub fn of(ty: &ValueType, samples: Dim, input: usize) -> Option<Self> {
        let sample = match ty.shape.split_first() {
            Some((first, sample)) => (*first == samples).then_some(sample)?,
            // A network for one sample may leave the axis out.
            None => (samples == Dim::Fixed(1)).then_some([].as_slice())?,
        };
        let Some(Dim::Fixed(count @ 1..)) = Dim::product(sample) else { return None };
        let is_one = |dim: &&Dim| **dim == Dim::Fixed(1);
        // Channels before axes of 1 are what networks that end in a convolution leave.
        let is_vector = sample.iter().skip(1).all(|dim| is_one(&dim));
        let reconstructs_input = !is_vector && count == input;
        if !reconstructs_input && sample.iter().filter(|dim| !is_one(dim)).count() > 1 {
            return None;
        }
        Some(OutputForm { count, reconstructs_input, is_flat: sample.len() == 1 })
    }
}
