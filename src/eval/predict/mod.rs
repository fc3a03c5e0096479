//! Predicted noise: what a multiplier's table does to the outputs of layers, before any network runs on it.
//!
//! Trommer, Waschneck and Kumar ("Combining gradients and probabilities for heterogeneous approximation of neural
//! networks", 2022) estimate the error of a layer's output from its table, one histogram of its weights and one of its
//! activations, all operands independent of each other. They are not: the activations that meet in one output come
//! from one patch of one image, are large or small together, and meet the same weights in every patch, so that the
//! deviation comes out too low. Here the operands themselves are the statistics:
//!
//! - how often each weight of each output channel meets each activation, over all calibration data: the exact mean of
//!   every channel's error;
//! - the operands of some output positions, spread over all calibration data: the variance of whole sums of errors.
//!
//! Neither depends on the table, so that any number of tables is [predicted](OperandStatistics::predict) from one pass
//! over the data. What is left out is that errors of earlier layers change the operands of later ones.

mod channels;
mod errors;
mod products;
mod sampler;
mod sampling;
#[cfg(test)]
mod tests;
mod weighted;

pub(super) use sampler::OperandSampler;

use super::LayerNoise;
use crate::kernel::Kernel;
use crate::lut::{Coding, CodingError, Lut};
use crate::quant::LayerParams;
use channels::Channels;
use errors::ErrorTable;
use products::ProductOperands;
use serde::{Deserialize, Serialize};
use std::fmt;
use weighted::WeightOperands;

/// The operands of a network's layers, as far as the errors of multipliers depend on them; `None` for layers whose
/// errors are not to be predicted.
pub struct OperandStatistics {
    layers: Vec<Option<LayerOperands>>,
    /// What sums errors.
    kernel: &'static dyn Kernel,
}

/// The operands of one layer.
pub(super) struct LayerOperands {
    params: LayerParams,
    coding: Coding,
    operands: Operands,
}

enum Operands {
    Weights(WeightOperands),
    Products(ProductOperands),
}

/// The error that a multiplier is predicted to add to a layer's output.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct PredictedError {
    /// The noise that models it: deviation and mean over all elements of the output, as those that
    /// [are measured](super::derive_noise).
    pub noise: LayerNoise,
    /// The parts of the deviation, all relative to the standard deviation of the exact output.
    pub parts: ErrorParts,
}

/// What a layer's error consists of, relative to the standard deviation of the layer's exact output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ErrorParts {
    /// Mean over all elements.
    pub mean: f64,
    /// Slope of the least squares fit of the error over the exact output: -0.1 shrinks outputs by a tenth.
    pub gain: f64,
    /// Standard deviation over channels of what is left of the channels' means.
    pub channels: f64,
    /// Standard deviation over samples of what is left of the means of a channel's positions.
    pub samples: f64,
    /// Standard deviation over positions of what is left.
    pub scatter: f64,
}

impl OperandStatistics {
    /// The errors of a multiplier that every layer uses, in graph order.
    ///
    /// # Errors
    /// When its signedness is not that of the coding under which the operands were gathered.
    pub fn predict(&self, lut: &Lut) -> Result<Vec<Option<PredictedError>>, CodingError> {
        let mut tables = Vec::new();
        let mut of = |layer: &LayerOperands| layer.predict(lut, self.kernel, &mut tables);
        self.layers.iter().map(|layer| layer.as_ref().map(&mut of).transpose()).collect()
    }

    /// The error of the layer at `index` in graph order by a multiplier; `None` where it was not gathered.
    ///
    /// # Errors
    /// As [`predict`](OperandStatistics::predict).
    pub fn predict_layer(&self, index: usize, lut: &Lut) -> Result<Option<PredictedError>, CodingError> {
        let layer = self.layers.get(index).and_then(Option::as_ref);
        layer.map(|layer| layer.predict(lut, self.kernel, &mut Vec::new())).transpose()
    }
}

impl LayerOperands {
    /// `tables` keeps the tables of errors of `lut` for the layers that share them.
    fn predict(
        &self,
        lut: &Lut,
        kernel: &'static dyn Kernel,
        tables: &mut Vec<ErrorTable>,
    ) -> Result<PredictedError, CodingError> {
        let kinds = [self.params.input.range(), self.params.weight.range()]
            .map(|range| self.coding.operand_signedness(range.signedness()));
        let at = match tables.iter().position(|table| table.is_for(self.coding, kinds)) {
            Some(at) => at,
            None => {
                tables.push(ErrorTable::new(lut, self.coding, kinds, kernel)?);
                tables.len() - 1
            }
        };
        let channels: Channels = match &self.operands {
            Operands::Weights(operands) => operands.errors(&tables[at]),
            Operands::Products(operands) => operands.errors(&tables[at]),
        };
        Ok(channels.summary())
    }
}

impl fmt::Debug for OperandStatistics {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let layers = self.layers.iter().filter(|layer| layer.is_some()).count();
        f.debug_struct("OperandStatistics").field("layers", &layers).finish_non_exhaustive()
    }
}
