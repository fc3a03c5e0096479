//! Correction: accuracy back without retraining, by numbers that a network has anyway.
//!
//! Four [parts](Part), each of which a layer has or has not: the stored weights, the biases, a constant times the sum of
//! activations, and the scales of normalized channels. They are fitted on three quarters of the calibration samples,
//! layer after layer, and judged by the last quarter: what does not help there is left out, so that no network becomes
//! worse on samples that its correction has not seen.

mod choice;
mod document;
mod error;
mod fit;
mod judge;
mod layers;
mod part;
pub use error::CorrectError;
pub use judge::Judged;
pub use part::{PARTS, Part, Parts};

use crate::eval::{Arithmetic, Session};
use crate::layer::LayerParts;
use crate::lut::Lut;
use crate::quant::{LayerParams, ParamsFile};
use fit::{Fitted, Plan};
use judge::Judge;
use layers::Original;
use std::sync::Arc;

/// What is to be corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CorrectOptions {
    /// The parts that every layer is to have; `None` leaves it to each layer's signal-to-noise ratio.
    pub parts: Option<Parts>,
}

/// A network's correction.
#[derive(Debug, Clone)]
pub struct Correction {
    /// The layers with weights under multipliers, in graph order.
    pub layers: Vec<CorrectedLayer>,
    /// Scales and zero points of all layers.
    pub params: ParamsFile,
    /// Calibration samples that were fitted on: the first ones.
    pub fitted_on: usize,
    /// Those after them, that were kept out.
    pub judged_on: usize,
    /// Hash of the calibration set.
    pub calibration_blake3: String,
    /// The network of exact products on samples kept out.
    pub exact: Judged,
    /// The network without a correction on these.
    pub before: Judged,
    /// The network with it.
    pub after: Judged,
    /// The parts that were asked for; `None` left them to each layer.
    pub asked: Option<Parts>,
    /// Parts that were tried and left out, as the network does without them.
    pub left_out: Vec<Part>,
}

/// What a layer became.
#[derive(Debug, Clone)]
pub struct CorrectedLayer {
    /// Its name.
    pub name: String,
    /// Its multiplier.
    pub lut: Arc<Lut>,
    /// Which parts it has.
    pub applied: Parts,
    /// Weights in all.
    pub weights: usize,
    /// Weights that are stored as other integers.
    pub moved: usize,
    /// Its numbers.
    pub parts: LayerParts,
    /// Its scales and zero points.
    pub params: LayerParams,
    /// Mean square of its exact outputs over that of their error without a correction and with it, for the same inputs, in
    /// decibels; `None` without error.
    pub snr_db: [Option<f64>; 2],
    /// Multiplications of one sample.
    pub opcount: u64,
    /// Products summed into one output.
    pub fan_in: usize,
    /// Output channels that read the same activations.
    pub group_outputs: usize,
}

/// What has been tried.
struct Tried {
    parts: Parts,
    fitted: Vec<Fitted>,
    judged: Judged,
}

/// Corrects the network of `session` for the multipliers that its own assignment gives its layers. The session keeps the
/// corrected network.
///
/// # Errors
/// When there is no multiplier, the network cannot be corrected, or it or its data fail.
pub fn correct(session: &mut Session, options: CorrectOptions) -> Result<Correction, CorrectError> {
    options.check(session)?;
    let assignment = session.assignment().clone();
    let params = session.params(&assignment)?;
    session.fix_params(params);
    let samples = session.calibration_images()?;
    if samples.len() < 4 {
        return Err(CorrectError::Samples(samples.len()));
    }
    let fitted_on = samples.len() - samples.len() / 4;
    let (fit_part, kept_part) = (0..fitted_on, fitted_on..samples.len());
    let originals = layers::originals(session, &assignment, &samples, &fit_part)?;
    let judge = Judge::new(session, &assignment.with_exact_products(), &samples, kept_part)?;
    let before = judge.judge(session, &assignment)?;
    let mut attempt = |parts: Parts| -> Result<Tried, CorrectError> {
        let plan = Plan { parts, chooses: options.parts.is_none() };
        let fitted = fit::fit(session, &assignment, &originals, plan, &samples, &fit_part)?;
        let judged = judge.judge(session, &assignment)?;
        tracing::info!(
            "{}: {} on held-out samples, distance {:.4}",
            parts.names().join(","),
            judged.metric.map_or_else(|| "no metric".to_owned(), |metric| format!("{:.4}", metric.value)),
            judged.distance
        );
        Ok(Tried { parts, fitted, judged })
    };
    let mut asked = options.parts.unwrap_or_else(Parts::all);
    if !originals.iter().any(Original::has_scales) {
        asked = asked.without(Part::Bn);
    }
    let best = search(asked, &before, judge.samples(), &mut attempt)?;
    let (fitted, after, kept) = if let Some(Tried { parts, fitted, judged }) = best {
        fit::apply(session, &originals, &fitted)?;
        (fitted, judged, parts)
    } else {
        fit::restore(session, &originals)?;
        (originals.iter().map(unchanged).collect(), before, Parts::default())
    };
    let params = session.params(&assignment)?;
    let counts = session.model().graph.layer_counts();
    let layers = originals.iter().zip(fitted).map(|(original, fitted)| {
        let count = counts.iter().find(|count| count.name == original.name);
        CorrectedLayer {
            name: original.name.clone(),
            lut: Arc::clone(&original.lut),
            applied: fitted.applied,
            weights: original.integers.len(),
            moved: fitted.moved,
            parts: fitted.parts,
            params: fitted.params,
            snr_db: fitted.snr_db,
            opcount: count.map_or(0, |count| count.opcount),
            fan_in: count.map_or(0, |count| count.fan_in),
            group_outputs: original.group_outputs,
        }
    });
    Ok(Correction {
        layers: layers.collect(),
        params,
        fitted_on,
        judged_on: judge.samples(),
        calibration_blake3: samples.blake3().to_owned(),
        exact: judge.exact(),
        before,
        after,
        asked: options.parts,
        left_out: asked.iter().filter(|part| !kept.has(*part)).collect(),
    })
}

impl CorrectOptions {
    /// Fails where the network of `session` cannot be corrected.
    ///
    /// # Errors
    /// When no layer has a multiplier, or the network is corrected already or keeps its batch normalization apart.
    pub fn check(&self, session: &Session) -> Result<(), CorrectError> {
        if session.model().correction.is_some() {
            return Err(CorrectError::Corrected(session.model().name.clone()));
        }
        if !session.experiment().fold_batch_norm {
            return Err(CorrectError::NotFolded);
        }
        let mut layers = session.model().graph.layers().zip(session.assignment().layers());
        let has_multiplier = layers
            .any(|(layer, config)| layer.as_weighted().is_some() && matches!(config.arithmetic, Arithmetic::Approx(_)));
        if has_multiplier { Ok(()) } else { Err(CorrectError::NoMultiplier) }
    }
}

/// The parts, in the order in which the network tries to do without them: those that cost hardware first.
const BY_COST: [Part; 4] = [Part::Affine, Part::Bn, Part::Map, Part::Bias];

/// Tries the parts asked for, then leaves out what is not needed, one after another; `None` where nothing that was tried
/// is better than no correction.
fn search(
    asked: Parts,
    before: &Judged,
    samples: usize,
    attempt: &mut dyn FnMut(Parts) -> Result<Tried, CorrectError>,
) -> Result<Option<Tried>, CorrectError> {
    let mut best = attempt(asked)?;
    for part in BY_COST {
        let fewer = best.parts.without(part);
        if fewer.is_empty() || fewer == best.parts {
            continue;
        }
        let tried = attempt(fewer)?;
        // What keeps the network from becoming worse is needed.
        let is_safe = tried.judged.is_no_worse(before) || !best.judged.is_no_worse(before);
        if is_safe && tried.judged.is_as_good(&best.judged, part == Part::Affine, samples) {
            best = tried;
        }
    }
    let helps = best.judged.is_no_worse(before) && !before.is_as_good(&best.judged, false, samples);
    Ok(helps.then_some(best))
}

/// A layer that stays as it is.
fn unchanged(original: &Original) -> Fitted {
    Fitted {
        applied: Parts::default(),
        moved: 0,
        parts: original.parts.clone(),
        params: original.params.clone(),
        snr_db: [None; 2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{Metric, Task};

    fn judged(top1: f64, distance: f64) -> Judged {
        Judged { metric: Some(Metric { task: Task::Classification, value: top1 }), distance }
    }

    fn found(outcomes: &[(&[Part], Judged)], before: Judged) -> Option<Vec<&'static str>> {
        let mut attempt = |parts: Parts| {
            let of = |(names, _): &&(&[Part], Judged)| names.iter().copied().collect::<Parts>() == parts;
            let judged = outcomes.iter().find(of).map_or(judged(0.1, 2.0), |(_, judged)| *judged);
            Ok(Tried { parts, fitted: Vec::new(), judged })
        };
        search(Parts::all(), &before, 100, &mut attempt).unwrap().map(|tried| tried.parts.names())
    }

    /// What hurts is left out, and what does not help, hardware first.
    #[test]
    fn parts_that_do_not_help_are_left_out() {
        use Part::{Affine, Bias, Bn, Map};
        let before = judged(0.5, 0.5);
        let all: &[Part] = &[Map, Bias, Affine, Bn];
        // The bias alone hurts.
        let outcomes =
            [(all, judged(0.9, 0.05)), (&[Map, Bias, Bn], judged(0.89, 0.055)), (&[Bias], judged(0.15, 0.9))];
        assert_eq!(found(&outcomes, before).unwrap(), ["map", "bias", "bn"]);
        // All together hurt, without one part they do not.
        let outcomes = [(all, judged(0.3, 0.9)), (&[Map, Bias, Bn], judged(0.3, 0.9)), (&[Bias, Bn], judged(0.8, 0.1))];
        assert_eq!(found(&outcomes, before).unwrap(), ["bias", "bn"]);
        // Nothing is good enough.
        assert_eq!(found(&[], before), None);
        assert_eq!(found(&[(all, judged(0.49, 0.1))], before), None);
        // What is no better than nothing is nothing.
        assert_eq!(found(&[(all, judged(0.5, 0.5))], before), None);
    }

    /// Parts that keep a network from becoming worse stay, however small the difference.
    #[test]
    fn nothing_is_left_out_that_would_make_the_network_worse() {
        use Part::{Affine, Bias, Bn, Map};
        let before = judged(0.9, 0.2);
        let all: &[Part] = &[Map, Bias, Affine, Bn];
        let outcomes = [(all, judged(0.9, 0.1)), (&[Map, Bias, Bn], judged(0.89, 0.1))];
        assert_eq!(found(&outcomes, before).unwrap(), ["map", "bias", "affine", "bn"]);
    }

    #[test]
    fn networks_without_labels_are_judged_by_their_outputs() {
        let of = |distance| Judged { metric: None, distance };
        assert!(of(0.1).is_no_worse(&of(0.1)) && !of(0.2).is_no_worse(&of(0.1)));
        assert!(of(0.104).is_as_good(&of(0.1), false, 10) && !of(0.12).is_as_good(&of(0.1), false, 10));
        assert!(of(0.12).is_as_good(&of(0.1), true, 10));
    }
}
