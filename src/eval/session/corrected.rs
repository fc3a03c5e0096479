//! What a reader should know of a run of a corrected network that is not the run that it was corrected for.

use super::Session;
use crate::eval::{Arithmetic, Assignment};
use crate::layer::InferenceMode;
use crate::lut::Lut;
use crate::model::{CorrectedLayerConfig, ModelCorrection};

/// How layers of a corrected network differ from what they were corrected for.
#[derive(Default)]
struct Differences {
    /// Corrected layers by other multipliers, of which the first.
    multipliers: usize,
    other: Option<String>,
    /// By their own, on other integers.
    integers: usize,
    /// In modes without a multiplier, of which the first.
    modes: usize,
    mode: Option<InferenceMode>,
}

impl Session {
    /// Notes on layers that `assignment` has compute something else than their correction is for.
    pub(super) fn note_correction(&mut self, assignment: &Assignment) {
        let Some(correction) = &self.experiment.model.correction else { return };
        let layers = self.experiment.model.graph.layers().zip(assignment.layers());
        let mut found = Differences::default();
        for (layer, config) in layers {
            let of_layer = |(name, _): &(&str, &CorrectedLayerConfig)| *name == layer.name();
            let Some((_, corrected)) = correction.corrected().find(of_layer) else { continue };
            match &config.arithmetic {
                Arithmetic::Approx(lut) => {
                    let is_same = config.quantization.coding == corrected.coding
                        && correction.params.layers.get(layer.name()) == layer.params();
                    found.add(corrected, lut, is_same);
                }
                other => {
                    found.modes += 1;
                    found.mode.get_or_insert(other.mode());
                }
            }
        }
        for (note, is_warning) in found.notes(correction, &self.experiment.model.name) {
            self.note(note, is_warning);
        }
    }
}

impl Differences {
    fn add(&mut self, corrected: &CorrectedLayerConfig, lut: &Lut, is_same: bool) {
        if !corrected.lut.is(lut) {
            self.multipliers += 1;
            self.other.get_or_insert_with(|| lut.name().to_owned());
        } else if !is_same {
            self.integers += 1;
        }
    }

    /// Each with whether it is a warning.
    fn notes(&self, correction: &ModelCorrection, model: &str) -> Vec<(String, bool)> {
        let multipliers = correction.multipliers().join(", ");
        let all = correction.corrected().count();
        let mut notes = Vec::new();
        if let Some(other) = &self.other {
            notes.push((
                format!(
                    "{model} is corrected for {multipliers}, but {} of {all} corrected layers multiply by another \
                     multiplier, such as {other}: correct the network for that",
                    self.multipliers
                ),
                true,
            ));
        }
        if self.integers > 0 {
            notes.push((
                format!(
                    "{model} is corrected for {multipliers} on the integers of its qparams.json, but {} of {all} corrected \
                     layers are quantized otherwise",
                    self.integers
                ),
                true,
            ));
        }
        if let Some(mode) = self.mode {
            notes.push((
                format!(
                    "{model} is corrected for {multipliers}: its weights and biases make up for the errors of that \
                     multiplier, which {} of {all} corrected layers, in mode {mode}, do not make",
                    self.modes
                ),
                false,
            ));
        }
        notes
    }
}
