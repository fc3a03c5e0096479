//! What a session knows, for [traps](crate::eval::traps).

use super::scales::{CalibrationSet, Observations, Scales};
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
    assignment: &Assignment,
) -> Vec<String> {
    let Experiment { model, preprocess: given, layers, rules, .. } = experiment;
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
        assignment,
        unused_multipliers: &rules.unused_multipliers(&model.graph, layers),
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
        let of_file = matches!(self.scales, Some(Scales::Known { source: ParamsSource::ModelFile, .. }));
        let scales = self.scales.as_ref().filter(|_| assignment.is_quantized()).map(|scales| match scales {
            Scales::Known { .. } if of_file => ScalesSeen::ModelFile,
            Scales::Known { .. } => ScalesSeen::Given,
            Scales::Observed(Observations { layers, observer, set, .. }) => ScalesSeen::Calibrated(CalibrationSeen {
                pixel_kind: set.pixel_kind,
                images: &set.images,
                fingerprints: &set.fingerprints,
                shared,
                layers,
                observer: *observer,
            }),
        });
        traps::after_evaluation(&Evaluated {
            model,
            pixel_kind: self.pixel_kind,
            inner: self.inner.as_ref(),
            mode: assignment.shared_mode(),
            images,
            file_states_scales: of_file,
            scales,
            layers: &layers,
            predictions: &outcome.predictions,
            metrics: &outcome.metrics,
        })
    }
}
