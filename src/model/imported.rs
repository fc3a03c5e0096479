//! Models of networks from other programs' files.

use super::{Model, ModelSource};
use crate::import::Network;
use crate::task::Task;
use std::path::Path;

/// The model of the network in the file at `path`, of a format called `architecture`.
pub(super) fn model(path: &Path, architecture: &'static str, source: ModelSource, network: Network) -> Model {
    let name = path.file_stem().map_or_else(|| "model".into(), |name| name.to_string_lossy().into_owned());
    Model {
        source,
        architecture,
        task: match network.outputs {
            _ if network.reconstructs_input => Task::AnomalyDetection,
            1 => Task::BinaryClassification,
            _ => Task::Classification,
        },
        own_shape: network.own_shape,
        channels_last: network.channels_last,
        input_grid: network.input_grid,
        params: network.params,
        roundings: network.roundings,
        blake3: network.blake3,
        notes: network.notes,
        ..Model::new(&name, network.graph, network.input, network.outputs)
    }
}
