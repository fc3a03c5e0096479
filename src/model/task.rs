//! What a network's outputs mean, and so how it is judged.

use serde::{Deserialize, Serialize};

/// What a network is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Task {
    /// Outputs are logits: the largest is the class of the sample.
    #[default]
    Classification,
    /// Outputs are the input again, which an autoencoder gives back the worse the less it is like what
    /// it was trained on: their mean squared difference says how anomalous the sample is.
    AnomalyDetection,
}

impl Task {
    /// What a network of the zoo is for that makes `outputs` numbers of images of `input` (channels,
    /// height, width): as many as it was given are those again.
    pub fn of(input: [usize; 3], outputs: usize) -> Self {
        if input.iter().product::<usize>() == outputs { Task::AnomalyDetection } else { Task::Classification }
    }
}

impl std::fmt::Display for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            Task::Classification => "classification",
            Task::AnomalyDetection => "anomaly-detection",
        })
    }
}
