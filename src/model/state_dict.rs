//! Architectures of the zoo with the tensors of a safetensors file, named as PyTorch names them.

use super::detect::{detect, sizes};
use super::fake_quant::{params, rename_fused_norms};
use super::{Model, ModelError, ModelSource, Weights};
use crate::graph::Graph;
use crate::zoo::Architecture;
use std::collections::BTreeMap;
use std::path::Path;

/// The architecture called `architecture` with the state dict in `path`, for `input` where given.
pub(super) fn open(architecture: &str, path: &Path, input: Option<[usize; 3]>) -> Result<Model, ModelError> {
    let architecture = Architecture::find(architecture).map_err(ModelError::UnknownArchitecture)?;
    bind(architecture.name, architecture, path, Weights::read(path)?.without_prefix(), input, None)
}

/// The state dict in `path`, whose tensors tell its architecture.
pub(super) fn detect_and_open(path: &Path, input: Option<[usize; 3]>) -> Result<Model, ModelError> {
    let mut weights = Weights::read(path)?.without_prefix();
    let architecture = detect(&weights).map_err(|source| ModelError::Detect { path: path.to_owned(), source })?;
    weights.notes.push(format!("architecture {} recognized by the names and shapes of its weights", architecture.name));
    bind(architecture.name, architecture, path, weights, input, None)
}

/// `architecture` for `input` and `num_classes`, where given, with `weights` bound.
pub(super) fn bind(
    name: &str,
    architecture: &'static Architecture,
    path: &Path,
    mut weights: Weights,
    input: Option<[usize; 3]>,
    num_classes: Option<usize>,
) -> Result<Model, ModelError> {
    if !weights.fake_quantizers.is_empty() {
        rename_fused_norms(&mut weights.tensors, architecture);
    }
    let (own_input, own_classes) = sizes(architecture, &weights);
    let (input, num_classes) = (input.unwrap_or(own_input), num_classes.unwrap_or(own_classes));
    let mut graph = architecture
        .build(input, num_classes, Some(&weights.tensors))
        .map_err(|source| ModelError::Graph { path: path.to_owned(), input, source: source.into() })?;
    let outputs = count_outputs(&graph).unwrap_or(num_classes);
    let Weights { tensors, fake_quantizers, mut notes, blake3 } = weights;
    graph.bind(tensors).map_err(|source| ModelError::Bind {
        path: path.to_owned(),
        architecture: architecture.name,
        source: source.into(),
    })?;
    let learned = params(&graph, &fake_quantizers, path, &blake3)?;
    let (params, note) = learned.unzip();
    notes.extend(note);
    Ok(Model {
        params: params.filter(|params| !params.layers.is_empty()),
        source: ModelSource::StateDict(path.to_owned()),
        architecture: architecture.name,
        blake3,
        notes,
        ..Model::new(name, graph, input, outputs)
    })
}

impl Model {
    /// The same network for images of another height and width, where it is an architecture whose
    /// weights do not depend on them and its input was not stated; else unchanged.
    #[must_use]
    pub fn fit(mut self, [_, height, width]: [usize; 3]) -> Self {
        let input = [self.input[0], height, width];
        let weights = Weights {
            tensors: self.graph.bound(),
            fake_quantizers: BTreeMap::new(),
            notes: Vec::new(),
            blake3: self.blake3.clone(),
        };
        if input != self.input
            && !self.has_stated_input
            && let Ok(architecture) = Architecture::find(self.architecture)
            && let (_, classes) = sizes(architecture, &weights)
            && let Ok(mut graph) = architecture.build(input, classes, Some(&weights.tensors))
            && graph.bind(weights.tensors).is_ok()
        {
            self.notes.push(format!("{} takes the images' {height} x {width}", self.name));
            self.outputs = count_outputs(&graph).unwrap_or(self.outputs);
            (self.graph, self.input) = (graph, input);
        }
        self
    }
}

/// Numbers that a network computes for each sample, where they are known.
fn count_outputs(graph: &Graph) -> Option<usize> {
    match graph.outputs() {
        &[output] => graph.ty(output).sizes(1).get(1).copied(),
        _ => None,
    }
}
