//! What a session knows, for [traps](crate::eval::traps).

use super::scales::{CalibrationSet, Observations};
use super::{Experiment, ParamsSource, Session};
use crate::data::{Dataset, Preprocess};
use crate::eval::input_watch::SeenInputs;
use crate::eval::traps::{self, CalibrationSeen, Evaluated, InnerNormalization, LabelSelection, Opening, ScalesSeen};
use crate::eval::traps::{SeenSamples, WatchedLayer};
use crate::eval::{Assignment, Outcome};
use std::collections::BTreeMap;

/// The notes of traps that can be seen before any work starts, of a set of `dataset` and `preprocess`, and of the
/// calibration set that will be used.
pub(super) fn on_opening(
    experiment: &Experiment,
    dataset: &Dataset,
    preprocess: &Preprocess,
    inner: Option<&InnerNormalization>,
    calibration: Option<&CalibrationSet>,
) -> Vec<String> {
    let Experiment { model, preprocess: given, .. } = experiment;
    let own = &model.preprocess;
    traps::on_opening(&Opening {
        model,
        pixel_kind: dataset.pixel_kind(),
        preprocess,
        is_normalization_known: given.mean.is_some()
            || given.std.is_some()
            || !own.mean.is_empty()
            || !own.std.is_empty(),
        inner,
        labels: LabelSelection { labels: dataset.labels(), selection: experiment.evaluated() },
        calibration_labels: calibration
            .map(|set| LabelSelection { labels: set.dataset.labels(), selection: experiment.calibrated() }),
    })
}

impl Session {
    /// The notes of traps that an evaluation shows, whose layers had the inputs `seen`. Of the evaluated `images`,
    /// `shared` are among those of calibration.
    pub(super) fn notes_after(
        &self,
        assignment: &Assignment,
        outcome: &Outcome,
        seen: &BTreeMap<String, SeenInputs>,
        images: &SeenSamples,
        shared: usize,
    ) -> Vec<String> {
        let model = &self.experiment.model;
        let watched = model.graph.layers().filter_map(|layer| {
            let seen = *seen.get(layer.name())?;
            let params = layer.params().filter(|_| layer.mode().is_quantized()).map(|params| params.input);
            Some(WatchedLayer { name: layer.name(), params, seen })
        });
        let layers: Vec<WatchedLayer> = watched.collect();
        let of_file = self.params_source().is_some_and(|(source, ..)| source == ParamsSource::ModelFile);
        let is_calibrated = !self.scales.gaps(&model.graph, assignment).is_empty();
        let scales = match self.observations().filter(|_| is_calibrated) {
            _ if !assignment.is_quantized() => None,
            Some(Observations { layers, observer, set, .. }) => Some(ScalesSeen::Calibrated(CalibrationSeen {
                pixel_kind: set.pixel_kind,
                images: &set.images,
                fingerprints: &set.fingerprints,
                shared,
                layers,
                observer: *observer,
            })),
            None if of_file => Some(ScalesSeen::ModelFile),
            None => Some(ScalesSeen::Given),
        };
        traps::after_evaluation(&Evaluated {
            model,
            pixel_kind: self.pixel_kind,
            inner: self.inner.as_ref(),
            mode: assignment.shared_mode(),
            images,
            file_states_scales: self.scales.files().iter().any(|known| known.source == ParamsSource::ModelFile),
            scales,
            layers: &layers,
            predictions: &outcome.predictions,
            metrics: &outcome.metrics,
        })
    }
}
