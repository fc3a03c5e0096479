//! The networks that are embedded in the program, so that an installed binary runs anywhere. Behind the
//! cargo feature `embedded`, without which there are none.

use super::{Calibration, Model, ModelConfig, ModelError, ModelSource, ModelSpec, directory};
use crate::registry::{Named, Registry};
use crate::zoo::ARCHITECTURES;
use std::path::Path;

/// A model directory in the binary.
#[derive(Debug, Clone, Copy)]
pub struct Shipped {
    /// Its name, and that of its directory.
    pub name: &'static str,
    /// What it is and what it was trained on, in a line.
    pub summary: &'static str,
    /// `config.json`.
    pub config: &'static [u8],
    /// `model.safetensors`.
    pub weights: &'static [u8],
    /// `calibration.safetensors`.
    pub calibration: &'static [u8],
}

#[cfg(feature = "embedded")]
/// The files of one directory under `models/`.
macro_rules! shipped {
    ($name:literal, $summary:literal) => {
        Shipped {
            name: $name,
            summary: $summary,
            config: include_bytes!(concat!("../../models/", $name, "/config.json")),
            weights: include_bytes!(concat!("../../models/", $name, "/model.safetensors")),
            calibration: include_bytes!(concat!("../../models/", $name, "/calibration.safetensors")),
        }
    };
}

/// Every shipped network; the first is the default.
pub static SHIPPED: Registry<Shipped> = Registry::new(
    "shipped network",
    &[
        #[cfg(feature = "embedded")]
        shipped!("lenet5", "LeNet-5 with ReLU and max pooling, trained on Fashion-MNIST"),
        #[cfg(feature = "embedded")]
        shipped!("resnet8", "MLPerf Tiny's ResNet, trained on Fashion-MNIST"),
        #[cfg(feature = "embedded")]
        shipped!("ds_cnn", "MLPerf Tiny's DS-CNN on images in place of speech, trained on Fashion-MNIST"),
        #[cfg(feature = "embedded")]
        shipped!("vit_micro", "A tiny vision transformer, trained on Fashion-MNIST"),
    ],
);

impl Named for Shipped {
    fn name(&self) -> &'static str {
        self.name
    }

    fn summary(&self) -> &'static str {
        self.summary
    }
}

impl Shipped {
    /// The parsed `config.json`.
    ///
    /// # Panics
    /// Never for the networks as shipped.
    pub fn model_config(&self) -> ModelConfig {
        serde_json::from_slice(self.config).expect("shipped configurations parse")
    }
}

/// The shipped network called `name`.
pub(super) fn open(name: &str, spec: &ModelSpec) -> Result<Model, ModelError> {
    let shipped = SHIPPED.find(name).map_err(|unknown| match ARCHITECTURES.get(name) {
        Some(architecture) => ModelError::NotAModel { architecture: architecture.name },
        None => ModelError::Unknown(unknown),
    })?;
    if spec.weights.is_some() {
        return Err(ModelError::OwnWeights { name: name.to_owned() });
    }
    let folder = Path::new("models").join(name);
    let model = directory::from_parts(name, &folder, shipped.config, shipped.weights.to_vec())?;
    let calibration = Some(Calibration::Embedded(shipped.calibration));
    Ok(Model { source: ModelSource::Shipped, calibration, ..model })
}
