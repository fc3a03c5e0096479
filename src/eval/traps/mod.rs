//! Traps: mistakes that end in a plausible report of something else than was meant.
//!
//! Data normalized twice or not at all, calibration on the test set, a sorted set of which the first samples are of one
//! class, a multiplier that no layer uses: the run succeeds, and its numbers are about the mistake. Each trap
//! here is a function from what is known of a run to a note for its report and for standard error, which says what was
//! seen, what that probably means, and what to do. One idea a file; one line in a list below a trap.
//!
//! Bounds are chosen so that honest runs are silent: a note that is wrong once is not read again. Where a
//! bound is a matter of statistics, it is one of intervals, so that runs over a few samples say nothing.

mod accuracy;
mod calibration;
mod images;
mod inner;
mod labels;
mod layers;
mod multipliers;
mod noise;
mod normalization;
mod samples;

pub use accuracy::far_below_fp32;
pub(super) use inner::InnerNormalization;
pub(super) use labels::LabelSelection;
pub(super) use layers::WatchedLayer;
pub(super) use multipliers::unused as unused_multipliers;
pub(super) use noise::unused as unused_noise;
pub(super) use samples::{Channels, Fingerprints, SeenSamples};

use crate::data::{PixelKind, Preprocess};
use crate::layer::InferenceMode;
use crate::model::Model;
use crate::quant::{Observed, Observer, Operands};
use crate::stats::listed;
use crate::task::{Metrics, Predictions};
use std::collections::BTreeMap;

/// What is known of a run before any work starts.
pub(super) struct Opening<'a> {
    /// The network, prepared.
    pub model: &'a Model,
    /// What the dataset's pixels are.
    pub pixel_kind: PixelKind,
    /// How byte images are preprocessed.
    pub preprocess: &'a Preprocess,
    /// Whether a mean or a deviation was given, or is the model's own.
    pub is_normalization_known: bool,
    /// Affine operations that the network starts with.
    pub inner: Option<&'a InnerNormalization>,
    /// Labels of the dataset, and which are evaluated.
    pub labels: LabelSelection<'a>,
    /// The same of the calibration set, where there is one.
    pub calibration_labels: Option<LabelSelection<'a>>,
}

/// Traps that can be seen before any work starts.
const ON_OPENING: &[fn(&Opening) -> Option<String>] = &[
    normalization::beyond_bytes,
    normalization::divided_twice,
    labels::constant,
    labels::few_classes,
    labels::few_calibration_classes,
];

/// What is known of a run after the evaluation.
pub(super) struct Evaluated<'a> {
    /// The network.
    pub model: &'a Model,
    /// What the dataset's pixels are.
    pub pixel_kind: PixelKind,
    /// Affine operations that the network starts with.
    pub inner: Option<&'a InnerNormalization>,
    /// The mode of all layers, where they share it.
    pub mode: Option<InferenceMode>,
    /// The evaluated samples, as the network took them.
    pub images: &'a SeenSamples,
    /// Whether the network's own file states scales, used or not.
    pub file_states_scales: bool,
    /// What scales follow from; `None` where no layer is quantized.
    pub scales: Option<ScalesSeen<'a>>,
    /// What was seen of each layer, in graph order.
    pub layers: &'a [WatchedLayer<'a>],
    /// Predictions of the evaluated samples.
    pub predictions: &'a Predictions,
    /// How good they are.
    pub metrics: &'a Metrics,
}

/// Where the scales of an evaluation come from.
pub(super) enum ScalesSeen<'a> {
    /// The network's own file.
    ModelFile,
    /// Parameters that were given.
    Given,
    /// A calibration set.
    Calibrated(CalibrationSeen<'a>),
}

/// A calibration set against the samples that were evaluated.
pub(super) struct CalibrationSeen<'a> {
    /// What its pixels are.
    pub pixel_kind: PixelKind,
    /// Its samples, as the network took them.
    pub images: &'a SeenSamples,
    /// The same by their content.
    pub fingerprints: &'a Fingerprints,
    /// Evaluated samples that are among them.
    pub shared: usize,
    /// What was observed of each layer's input.
    pub layers: &'a BTreeMap<String, Operands<Observed>>,
    /// What ranges are.
    pub observer: Observer,
}

impl<'a> Evaluated<'a> {
    /// The calibration set, where scales follow from one.
    fn calibration(&self) -> Option<&CalibrationSeen<'a>> {
        match &self.scales {
            Some(ScalesSeen::Calibrated(calibration)) => Some(calibration),
            _ => None,
        }
    }
}

/// Traps that only the evaluation shows.
const AFTER_EVALUATION: &[fn(&Evaluated) -> Option<String>] = &[
    images::floats_beyond_normalization,
    images::floats_divided_twice,
    calibration::evaluated_samples,
    calibration::one_image,
    calibration::constant_images,
    calibration::other_range,
    calibration::zero_layers,
    layers::range,
    layers::zeros,
    accuracy::other_numbering,
    accuracy::no_better_than_chance,
];

/// The notes of the traps that can be seen before any work starts.
pub(super) fn on_opening(facts: &Opening) -> Vec<String> {
    ON_OPENING.iter().filter_map(|trap| trap(facts)).collect()
}

/// The notes of the traps that the evaluation shows.
pub(super) fn after_evaluation(facts: &Evaluated) -> Vec<String> {
    AFTER_EVALUATION.iter().filter_map(|trap| trap(facts)).collect()
}

/// Names as a note lists them.
fn quoted(names: &[&str]) -> String {
    listed(names.iter().map(|name| format!("'{name}'")), 3)
}

/// Numbers as options take them, `0.5`, or one a channel, of at most six significant digits.
fn numbers(values: impl IntoIterator<Item = f64>) -> String {
    let rounded = |x: f64| format!("{x:.5e}").parse::<f64>().unwrap_or(x).to_string();
    values.into_iter().map(rounded).collect::<Vec<_>>().join(",")
}

/// A number as it was stated: the shortest one in decimal digits that has these bits.
fn stated(x: f32) -> f64 {
    x.to_string().parse().unwrap_or(x.into())
}
