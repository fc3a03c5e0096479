//! Networks that are corrected for a multiplier.
//!
//! Such a network is a model directory: it holds the network that it was made from, and beside it what the correction
//! changes: `corrections.safetensors` with weight and bias of corrected layers, batch normalization folded in, which take
//! the place of the network's own once its layers are prepared; `qparams.json`, the scales by which these weights are the
//! integers that are meant; and `correction` in `config.json`, which says what was corrected for what.

mod config;
mod read;
mod write;

pub use config::{CorrectedLayerConfig, CorrectionConfig, CorrectionData, CorrectionSource, CorrectionTool, LutId};
pub(super) use read::read;
pub use write::{CorrectedNetwork, CorrectedTensors, WriteModelError, write};

use crate::graph::Graph;
use crate::layer::{ApproxLayer, LayerError, LayerParts};
use crate::quant::ParamsFile;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Names of the files of a corrected network.
const TENSORS: &str = "corrections.safetensors";
const QPARAMS: &str = "qparams.json";

/// What ends the names of a layer's tensors.
const WEIGHT: &str = ".weight";
const BIAS: &str = ".bias";
const FACTOR: &str = ".activation_factor";

/// A correction that a model directory brings.
#[derive(Debug, Clone)]
pub struct ModelCorrection {
    /// What was corrected for what.
    pub config: CorrectionConfig,
    /// The numbers of corrected layers, by name.
    pub layers: BTreeMap<String, LayerParts>,
    /// Shapes of their weights, by the layers' names.
    pub shapes: BTreeMap<String, Vec<usize>>,
    /// Scales and zero points of all layers.
    pub params: ParamsFile,
    /// Their file.
    pub params_path: PathBuf,
}

/// A corrected layer that the network does not have.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorrectionError {
    /// No layer has this name, or it has no weights.
    #[error("the correction is of a layer '{0}', which the network does not have")]
    Layer(String),
    /// The weight is of another shape.
    #[error("the correction's weight of layer '{layer}' has shape {found:?}, expected {expected:?}")]
    Shape {
        /// The layer.
        layer: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape of the layer's own weight.
        expected: Vec<usize>,
    },
    /// The numbers are not of its dimensions.
    #[error("correction")]
    Parts(#[from] LayerError),
}

impl ModelCorrection {
    /// Gives the layers of `graph`, folded and swapped, their corrected numbers.
    ///
    /// # Errors
    /// Names the layer that the network does not have, or whose dimensions are others.
    pub fn apply(&self, graph: &mut Graph) -> Result<(), CorrectionError> {
        for (name, parts) in &self.layers {
            let mut layers = graph.layers_mut();
            let layer = layers.find(|layer| layer.name() == name).and_then(ApproxLayer::as_weighted_mut);
            let layer = layer.ok_or_else(|| CorrectionError::Layer(name.clone()))?;
            let (found, expected) = (&self.shapes[name], layer.weight().dims().to_vec());
            // Axes of one position may be there or not, as of a linear layer's kernel.
            let without_ones = |shape: &[usize]| shape.iter().copied().filter(|&size| size != 1).collect::<Vec<_>>();
            if without_ones(found) != without_ones(&expected) {
                let found = found.clone();
                return Err(CorrectionError::Shape { layer: name.clone(), found, expected });
            }
            layer.set_parts(parts)?;
        }
        Ok(())
    }

    /// The layers that it changes, by name.
    pub fn corrected(&self) -> impl Iterator<Item = (&str, &CorrectedLayerConfig)> {
        let layers = self.config.layers.iter().filter(|(_, layer)| !layer.parts.is_empty());
        layers.map(|(name, layer)| (name.as_str(), layer))
    }

    /// The multipliers that it is for, by name, each once.
    pub fn multipliers(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.corrected().map(|(_, layer)| layer.lut.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}
