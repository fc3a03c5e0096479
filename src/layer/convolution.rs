//! What all kinds of convolutions share: attributes describe how a weight slides over an input.

use super::{LayerError, LayerProblem, WeightedLayer, Window};
use candle_core::Tensor;
use std::fmt::Debug;

/// The attributes of a kind of convolution.
pub trait Convolution: Copy + Debug + Send + Sync + 'static {
    /// Spatial axes.
    const AXES: usize;

    /// The kind, as messages and reports name it.
    const KIND: &'static str;

    /// The window over an input `[batch, in, size..]` of a weight.
    ///
    /// # Errors
    /// When shapes contradict each other, or the output is empty.
    fn window(&self, input: &[usize], weight: &[usize]) -> Result<Window, LayerProblem>;

    /// The output channel that each element of a weight belongs to.
    fn output_channel(&self, weight: &[usize], element: usize) -> usize;

    /// The approximate layer of these attributes.
    ///
    /// # Errors
    /// When weight, bias and attributes contradict each other.
    fn layer(self, name: &str, weight: &Tensor, bias: Option<&Tensor>) -> Result<Box<dyn WeightedLayer>, LayerError>;
}

/// Fails unless a weight is `[first, second / groups, kernel..]` with sizes that are not 0; `channels`
/// are the names of the first two axes.
pub(super) fn check_weight(
    weight: &[usize],
    axes: usize,
    groups: usize,
    channels: [&str; 2],
) -> Result<(), LayerProblem> {
    let fits = weight.len() == axes + 2
        && groups > 0
        && weight.iter().all(|&size| size > 0)
        && weight[0].is_multiple_of(groups);
    if fits {
        return Ok(());
    }
    let [first, second] = channels;
    let expected =
        format!("[{first}, {second} / groups, {axes} kernel sizes] with {first} a multiple of {groups} groups");
    Err(LayerProblem::Weight { found: weight.to_vec(), expected })
}
