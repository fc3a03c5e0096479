//! Another question to an open session: another multiplier, another mode, other rules, widths or seeds.
//!
//! A study asks many of one network and one data set. A session that is [configured](Session::configure) anew keeps
//! what it has opened and observed, and answers, and is reported, as one that was opened for the question.

use super::scales::{CalibrationSet, Scales};
use super::{Experiment, OpenError, Session};
use crate::eval::traps::{unused_multipliers, unused_noise};
use crate::eval::{Assignment, LayerDefaults, LayerOptions, Rules, Scheme};
use crate::layer::{Accumulator, InferenceMode};

/// What a session computes on what it has opened: those options of an [`Experiment`] that decide neither the network
/// nor its data.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Configuration {
    /// The options of every layer.
    pub layers: LayerOptions,
    /// Those that override them for some layers.
    pub rules: Rules,
    /// What the quantization of all layers shares.
    pub scheme: Scheme,
    /// What sums are kept in, in modes quant and approx; `None` keeps them whole.
    pub accumulator: Option<Accumulator>,
    /// Seed of noise.
    pub seed: u64,
}

impl Session {
    /// Makes this session's experiment one of other options, checked as when it was opened. What was observed of the
    /// calibration set stays, unless the observer is another one.
    ///
    /// A session whose own options derive no noise from a multiplier observes no layers, so that it cannot do so later.
    ///
    /// # Errors
    /// Names the layer or setting, what was found and what was expected; the session then stays as it was.
    pub fn configure(&mut self, configuration: Configuration) -> Result<(), OpenError> {
        let Configuration { layers, rules, mut scheme, accumulator, seed } = configuration;
        scheme.unsigned_integers |= self.scales.are_unsigned();
        let defaults = LayerDefaults::open(&layers, &scheme, &mut self.luts).map_err(OpenError::Options)?;
        check_multiplier(&layers, &rules)?;
        let graph = &self.experiment.model.graph;
        let assignment = Assignment::resolve(graph, &layers, &rules, &scheme, &mut self.luts)?;
        let gaps = self.scales.gaps(graph, &assignment);
        if !gaps.is_empty() && !self.scales.can_calibrate(&self.experiment) {
            return Err(self.scales.lacking(gaps, &assignment));
        }
        let needs_data = assignment.derives_noise() || (!gaps.is_empty() && self.scales.observations.is_none());
        if needs_data && !self.has_calibration_data {
            CalibrationSet::open(&self.experiment)?;
            self.has_calibration_data = true;
        }
        if scheme.observer != self.experiment.scheme.observer {
            self.scales.observations = None;
        }
        self.experiment.layers = layers;
        self.experiment.rules = rules;
        self.experiment.scheme = scheme;
        self.experiment.accumulator = accumulator;
        self.experiment.seed = seed;
        self.notes.clone_from(&self.notes_on_opening);
        // They are in reports; who asks many questions is not told each time.
        let silent = tracing::subscriber::NoSubscriber::default();
        let found = tracing::subscriber::with_default(silent, || notes(&self.experiment, &self.scales, &assignment));
        self.notes.extend(found);
        (self.defaults, self.assignment) = (defaults, assignment);
        Ok(())
    }
}

/// Fails where all layers are to be approximate, without a multiplier.
pub(super) fn check_multiplier(layers: &LayerOptions, rules: &Rules) -> Result<(), OpenError> {
    let is_approx = [layers.mode(), layers.attention()].contains(&InferenceMode::Approximate);
    if is_approx && layers.lut.is_none() && rules.is_empty() { Err(OpenError::NoMultiplier) } else { Ok(()) }
}

/// Notes on options that have no effect.
pub(super) fn notes(experiment: &Experiment, scales: &Scales, assignment: &Assignment) -> Vec<String> {
    let Experiment { model, layers, rules, .. } = experiment;
    let unused = unused_multipliers(&rules.unused_multipliers(&model.graph, layers), assignment);
    let unused = [unused, unused_noise(layers, assignment)];
    let unused = unused.into_iter().flatten().inspect(|note| tracing::warn!("{note}"));
    let notes = [attention_note(layers, assignment), scales.unused_settings(experiment, assignment)];
    notes.into_iter().flatten().chain(unused).collect()
}

/// A note on attention asked for of a network that has none.
fn attention_note(layers: &LayerOptions, assignment: &Assignment) -> Option<String> {
    let asked = layers.attention.filter(|mode| mode.is_quantized() && assignment.products().next().is_none())?;
    let note = format!("the network has no products of two activations: attention in mode {asked} changes nothing");
    tracing::warn!("{note}");
    Some(note)
}
