//! Many multipliers in the order of what they are predicted to do to a network, the best of them run.
//!
//! For hundreds of multipliers, an evaluation each takes minutes or hours; most of them are out of the question. What a
//! multiplier does is predicted instead ([`OperandStatistics`]): from its table, the error of every layer, in parts; from
//! how strongly the network's outputs [respond](Session::noise_responses) to noise in each layer, the noise of the
//! outputs; from the margins by which exact outputs decide, the accuracy under that noise. Operands, responses and margins
//! are gathered once for all multipliers whose layers are quantized alike.

mod margins;

use crate::eval::{
    Arithmetic, AssignError, Assignment, ErrorParts, LayerOptions, LayerResponse, LutSpec, OperandStatistics,
    PredictedError, Rules, Session, SessionError,
};
use crate::lut::{Bits, CodingError};
use crate::quant::QuantConfig;
use crate::report::{RankReport, RankedLayer, RankedMultiplier};
use crate::stats::spearman;
use margins::Margins;
use rayon::prelude::*;
use std::time::Instant;

/// Calibration samples over which responses to noise are measured.
const PROBES: usize = 128;

/// What is ranked.
#[derive(Debug, Clone)]
pub struct RankPlan {
    /// The multipliers.
    pub luts: Vec<LutSpec>,
    /// Options of all layers, but for the multiplier.
    pub options: LayerOptions,
    /// Options of some layers.
    pub rules: Rules,
    /// How many of the best are evaluated.
    pub top: usize,
    /// Whether all are.
    pub measure_all: bool,
}

/// Why multipliers cannot be ranked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RankError {
    /// A multiplier cannot be used as the options ask for.
    #[error("LUT '{lut}'")]
    Assign {
        /// As it was given.
        lut: String,
        /// Why.
        #[source]
        source: AssignError,
    },
    /// No layer is left that a multiplier would change.
    #[error("no layer is approximate: every layer has another mode by a rule")]
    NoLayer,
    /// The network or its data fail.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// A table does not suit the layers' operands.
    #[error(transparent)]
    Coding(#[from] CodingError),
}

impl RankError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            RankError::Assign { .. } | RankError::Coding(_) => &["lut"],
            RankError::NoLayer => &["set", "assign"],
            RankError::Session(error) => error.keys(),
        }
    }
}

/// A multiplier, and what its layers are.
struct Candidate {
    name: String,
    lut: String,
    assignment: Assignment,
    /// The group of those whose layers have the same operands.
    group: usize,
}

/// What decides the operands of a layer: whether it is approximate, how it is quantized, and for which widths.
type LayerKey = (bool, QuantConfig, Option<[Bits; 2]>);

/// What multipliers that share operands have in common.
struct Group {
    operands: OperandStatistics,
    responses: Vec<Option<LayerResponse>>,
    /// The exact network's metric.
    exact: f64,
    margins: Option<Margins>,
}

/// What a multiplier is predicted to do.
struct Prediction {
    layers: Vec<Option<PredictedError>>,
    /// Mean square change of an output.
    noise: f64,
    metric: Option<f64>,
}

/// Ranks the multipliers of `plan` on the network of `session`.
///
/// # Errors
/// Names the multiplier that cannot be used, or what fails of network and data.
pub fn rank(session: &mut Session, plan: &RankPlan) -> Result<RankReport, RankError> {
    let (candidates, keys) = candidates(session, plan)?;
    let start = Instant::now();
    let mut groups = Vec::new();
    for group in 0..keys.len() {
        let first = candidates.iter().find(|candidate| candidate.group == group);
        groups.push(Group::gather(session, &first.expect("a group has a member").assignment)?);
    }
    let gathering = start.elapsed();
    let start = Instant::now();
    let predict = |candidate: &Candidate| groups[candidate.group].predict(&candidate.assignment);
    let predictions: Vec<Prediction> = candidates.par_iter().map(predict).collect::<Result<_, _>>()?;
    let predicting = start.elapsed();
    let names: Vec<String> = session.model().graph.layers().map(|layer| layer.name().to_owned()).collect();
    let ranked = candidates
        .iter()
        .zip(predictions)
        .map(|(candidate, prediction)| (candidate, prediction.report(candidate, &groups[candidate.group], &names)));
    let mut ranked: Vec<(&Candidate, RankedMultiplier)> = ranked.collect();
    ranked.sort_by(|(_, a), (_, b)| {
        let by_metric = b.predicted.unwrap_or(0.0).total_cmp(&a.predicted.unwrap_or(0.0));
        by_metric.then(a.output_noise.total_cmp(&b.output_noise)).then_with(|| a.lut.cmp(&b.lut))
    });
    let measured = if plan.measure_all { ranked.len() } else { plan.top.min(ranked.len()) };
    for (candidate, ranked) in &mut ranked[..measured] {
        let findings = session.evaluate(&candidate.assignment, |_| Ok(()))?;
        ranked.measured = Some(findings.outcome.metrics.value());
    }
    let multipliers: Vec<RankedMultiplier> = ranked.into_iter().map(|(_, ranked)| ranked).collect();
    // By place, so that equal predictions that were put in an order count as that order.
    let pairs = multipliers.iter().enumerate().filter_map(|(place, of)| Some((-(place as f64), of.measured?)));
    let pairs: Vec<(f64, f64)> = pairs.collect();
    // Of two, it would be 1 or -1 whatever they are.
    let correlation = spearman(&pairs).filter(|_| pairs.len() > 2);
    Ok(RankReport::new(session, multipliers, correlation, [gathering, predicting].map(|time| time.as_secs_f64())))
}

/// The multipliers with their assignments, and what the layers of each group have in common.
fn candidates(session: &mut Session, plan: &RankPlan) -> Result<(Vec<Candidate>, Vec<Vec<LayerKey>>), RankError> {
    let mut keys: Vec<Vec<LayerKey>> = Vec::new();
    let mut candidates = Vec::new();
    for spec in &plan.luts {
        let options = LayerOptions { lut: Some(spec.clone()), ..plan.options.clone() };
        let failed = |source| RankError::Assign { lut: spec.lut.clone(), source };
        let assignment = session.assign(&options, &plan.rules).map_err(failed)?;
        let key: Vec<LayerKey> = assignment
            .layers()
            .iter()
            .map(|config| {
                (config.is_approximate(), config.quantization.clone(), config.operand_lut().map(crate::lut::Lut::bits))
            })
            .collect();
        if !key.iter().any(|(is_approximate, ..)| *is_approximate) {
            return Err(RankError::NoLayer);
        }
        let group = keys.iter().position(|known| *known == key).unwrap_or_else(|| {
            keys.push(key);
            keys.len() - 1
        });
        let mut luts = assignment.layers().iter().filter_map(|config| match &config.arithmetic {
            Arithmetic::Approx(lut) => Some(lut.name().to_owned()),
            _ => None,
        });
        let name = luts.next().unwrap_or_else(|| spec.lut.clone());
        candidates.push(Candidate { name, lut: spec.lut.clone(), assignment, group });
    }
    Ok((candidates, keys))
}

impl Group {
    fn gather(session: &mut Session, assignment: &Assignment) -> Result<Self, RankError> {
        let operands = session.operand_statistics(assignment)?;
        let responses = session.noise_responses(assignment, PROBES)?;
        let mut margins = Margins::default();
        let findings = session.evaluate(&assignment.with_exact_products(), |batch| {
            margins.add(batch);
            Ok(())
        })?;
        Ok(Group { operands, responses, exact: findings.outcome.metrics.value(), margins: margins.of_classes() })
    }

    fn predict(&self, assignment: &Assignment) -> Result<Prediction, CodingError> {
        let mut layers = Vec::new();
        for (index, config) in assignment.layers().iter().enumerate() {
            layers.push(match &config.arithmetic {
                Arithmetic::Approx(lut) => self.operands.predict_layer(index, lut)?,
                _ => None,
            });
        }
        let noise = self
            .responses
            .iter()
            .zip(&layers)
            .filter_map(|(response, error)| Some(output_noise(response.as_ref()?, &error.as_ref()?.parts)));
        let noise = noise.sum();
        let metric = self.margins.as_ref().map(|margins| self.exact * margins.kept(noise));
        Ok(Prediction { layers, noise, metric })
    }
}

/// The part of a layer's gain that counts as scatter. Outputs that all shrink alike decide alike, but layers shrink
/// against their biases. Found on the shipped networks; from 0.3 to 1, their rankings hardly differ.
const GAIN: f64 = 0.5;

/// The mean square change of outputs by an error in a layer.
fn output_noise(response: &LayerResponse, parts: &ErrorParts) -> f64 {
    let ErrorParts { mean, gain, channels, samples, scatter, .. } = parts;
    let apart = scatter * scatter + GAIN * gain * gain;
    let together = mean * mean + channels * channels + samples * samples;
    response.scatter * apart + response.channels * together
}

impl Prediction {
    fn report(self, candidate: &Candidate, group: &Group, names: &[String]) -> RankedMultiplier {
        let layers = names.iter().zip(self.layers).zip(&group.responses).filter_map(|((name, error), response)| {
            let PredictedError { noise, parts, .. } = error?;
            let (stdev, mean, response) = (noise.stdev, noise.mean, (*response)?);
            Some(RankedLayer { name: name.clone(), stdev, mean, parts, response })
        });
        RankedMultiplier {
            name: candidate.name.clone(),
            lut: candidate.lut.clone(),
            exact: group.exact,
            predicted: self.metric,
            output_noise: self.noise.sqrt(),
            measured: None,
            layers: layers.collect(),
        }
    }
}
