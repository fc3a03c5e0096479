//! The numbers that a layer's outputs are made of, as one that is corrected for its multiplier has them.

/// Weight, bias and activation factors of a layer with weights.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LayerParts {
    /// The weight, row-major in the order of [`WeightedLayer::weight`](super::WeightedLayer::weight).
    pub weight: Vec<f32>,
    /// One number for each output channel, if there is a bias.
    pub bias: Option<Vec<f32>>,
    /// Integers that the sum of an output channel's activations, less their zero points, is multiplied by and that is
    /// added to its sum of a multiplier's products: what a zero point of the weights would add, in mode approx alone.
    /// At most 255 from the zero point of the channel's weights.
    pub activation_factors: Option<Vec<i32>>,
}
