//! What sessions of one network and one dataset need to find out only once.

use super::{Observations, Session};
use crate::eval::activations::Activations;

/// What a session has found out that holds for all sessions of its network and data.
#[derive(Debug, Clone)]
pub(crate) struct Gathered {
    observations: Option<Observations>,
    has_calibration_data: bool,
    images: Activations,
    dataset_hash: Option<String>,
}

impl Session {
    /// What it has observed of its calibration set, prepared of its images, and hashed of its dataset.
    pub(crate) fn gathered(&self) -> Gathered {
        Gathered {
            observations: self.scales.observations.clone(),
            has_calibration_data: self.has_calibration_data,
            images: self.activations.images(),
            dataset_hash: self.dataset_hash.clone(),
        }
    }

    /// The same session, with what another one of its network and data has gathered.
    pub(crate) fn with_gathered(mut self, gathered: Gathered) -> Self {
        let Gathered { observations, has_calibration_data, images, dataset_hash } = gathered;
        let observer = &self.experiment.scheme.observer;
        self.scales.observations = observations.filter(|observations| observations.observer == *observer);
        self.has_calibration_data |= has_calibration_data;
        self.activations = images;
        self.dataset_hash = dataset_hash;
        self
    }
}
