//! A network whose layers become approximate one by one: what sensitivity and search have in common.
//!
//! [`Layerwise`] knows which layers are free to be approximate (rules keep others as they are), the assignment in which
//! all of them have exact products, and one for each multiplier in which they all have that. Assignments of single
//! layers are put together from these, and every evaluation is held against exact products on the same samples.

mod error;

pub use error::LayerwiseError;

use crate::eval::{
    Arithmetic, Assignment, BatchOutputs, Experiment, LayerNoise, LayerOptions, LutSpec, NoiseSource, Pattern,
    Progress, Rule, Rules, Session,
};
use crate::layer::InferenceMode;
use crate::lut::{Coding, CommonCosts, CostKind, Costs, Lut};
use crate::report::{Degradation, Report};
use crate::task::{Comparison, Metric, Predictions};
use std::collections::HashMap;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// A layer that is free to be approximate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeLayer {
    /// Its place among all layers, in graph order.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// The kind of layer.
    pub kind: String,
    /// Multiplications of one sample.
    pub opcount: u64,
}

/// A multiplier that layers may have.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// How it was given.
    pub spec: LutSpec,
    /// Its table.
    pub lut: Arc<Lut>,
    /// All free layers with it.
    pub assignment: Assignment,
}

/// A network and the multipliers that its layers may have.
pub struct Layerwise<'a> {
    session: &'a mut Session,
    progress: &'a dyn Progress,
    /// The options of exact products.
    exact_options: LayerOptions,
    /// All free layers with exact products.
    pub exact: Assignment,
    /// The coding of all of them.
    pub coding: Coding,
    /// The layers that are free, in graph order.
    pub layers: Vec<FreeLayer>,
    /// The multipliers.
    pub candidates: Vec<Candidate>,
    references: HashMap<Range<usize>, Reference>,
    /// The report of the first evaluation with exact products.
    report: Option<Report>,
}

/// What exact products reach on some samples.
struct Reference {
    metric: Metric,
    outputs: Outputs,
}

/// The answers of an evaluation, sample by sample.
struct Outputs {
    predictions: Predictions,
    logits: Vec<f32>,
    losses: Option<Vec<f64>>,
}

impl<'a> Layerwise<'a> {
    /// The layers of `session` that its rules leave free, for the multipliers `luts`. Its evaluations are part of loops
    /// that `progress` follows; the session's own should be silent.
    ///
    /// # Errors
    /// When a multiplier does not suit, two of them are of different codings, or no layer is free.
    pub fn new(session: &'a mut Session, luts: &[LutSpec], progress: &'a dyn Progress) -> Result<Self, LayerwiseError> {
        let Experiment { layers: given, rules, .. } = session.experiment();
        let (given, rules) = (given.clone(), rules.clone());
        // As the first multiplier has it, which the session was opened with.
        let coding = session.defaults().quantization.coding;
        let is_approx = |mode: &InferenceMode| *mode == InferenceMode::Approximate;
        let attention = |mode| given.attention.map(|asked| if is_approx(&asked) { mode } else { asked });
        let exact_options = LayerOptions {
            mode: Some(InferenceMode::Quantized),
            attention: attention(InferenceMode::Quantized),
            lut: None,
            coding: Some(coding),
            ..given.clone()
        };
        let exact = session.assign(&exact_options, &rules).map_err(LayerwiseError::Exact)?;
        let base = LayerOptions {
            mode: Some(InferenceMode::Baseline),
            attention: attention(InferenceMode::Baseline),
            ..exact_options.clone()
        };
        let base = session.assign(&base, &rules).map_err(LayerwiseError::Exact)?;
        let graph = &session.model().graph;
        let counts: HashMap<String, (&str, u64)> =
            graph.layer_counts().into_iter().map(|counts| (counts.name, (counts.kind, counts.opcount))).collect();
        let modes = exact.layers().iter().zip(base.layers());
        let all = graph.layers().zip(modes).enumerate();
        // Where a rule states the mode, that of the options makes no difference.
        let free = all.filter(|(_, (_, (exact, base)))| exact.mode() != base.mode());
        let layers: Vec<FreeLayer> = free
            .map(|(index, (layer, _))| {
                let (kind, opcount) = counts.get(layer.name()).copied().unwrap_or_default();
                FreeLayer { index, name: layer.name().to_owned(), kind: kind.to_owned(), opcount }
            })
            .collect();
        if layers.is_empty() {
            return Err(LayerwiseError::NoLayer(exact.layers().len()));
        }
        let mut layerwise = Layerwise {
            session,
            progress,
            exact_options,
            exact,
            coding,
            layers,
            candidates: Vec::new(),
            references: HashMap::new(),
            report: None,
        };
        for spec in luts {
            let options =
                LayerOptions { mode: Some(InferenceMode::Approximate), lut: Some(spec.clone()), ..given.clone() };
            layerwise.add(spec, &options)?;
        }
        Ok(layerwise)
    }

    /// Adds a multiplier with the options of layers that have it.
    fn add(&mut self, spec: &LutSpec, options: &LayerOptions) -> Result<(), LayerwiseError> {
        let rules = self.session.experiment().rules.clone();
        let failed = |source| LayerwiseError::Assign { lut: spec.lut.clone(), source };
        let assignment = self.session.assign(options, &rules).map_err(failed)?;
        let first = &assignment.layers()[self.layers[0].index];
        let Arithmetic::Approx(lut) = &first.arithmetic else {
            unreachable!("a free layer has the mode of the options")
        };
        let (lut, found) = (Arc::clone(lut), first.quantization.coding);
        if found != self.coding {
            let given = self.candidates.first().map_or(spec, |first| &first.spec).lut.clone();
            return Err(LayerwiseError::Coding { lut: spec.lut.clone(), found, first: given, expected: self.coding });
        }
        self.candidates.push(Candidate { spec: spec.clone(), lut, assignment });
        Ok(())
    }

    /// The session.
    pub fn session(&self) -> &Session {
        self.session
    }

    /// Follows a loop of so many evaluations of so many samples each.
    pub fn start(&self, what: &'static str, evaluations: usize, samples: usize) {
        self.progress.start(what, evaluations * samples);
    }

    /// The loop has come that many samples further.
    pub fn advance(&self, samples: usize) {
        self.progress.advance(samples);
    }

    /// The loop is over.
    pub fn finish(&self) {
        self.progress.finish();
    }

    /// What multiplications by the candidates of these `places` cost, and by the multipliers of layers that rules give
    /// one, which come behind them, and exact ones.
    ///
    /// # Errors
    /// When they are not comparable.
    pub fn costs(&self, costs: &Costs, kind: CostKind, places: &[usize]) -> Result<CommonCosts, LayerwiseError> {
        let kept = self.kept_luts();
        let candidates = places.iter().map(|&place| &*self.candidates[place].lut);
        let luts: Vec<&Lut> = candidates.chain(kept.iter().map(|lut| &**lut)).collect();
        Ok(costs.common(kind, &luts, self.coding.table_signedness())?)
    }

    /// Leaves out candidates that are exact, and of several with one table all but the cheapest; says so in notes.
    pub fn drop_repeated(&mut self, costs: &Costs, kind: CostKind) -> Vec<String> {
        let places: Vec<usize> = (0..self.candidates.len()).collect();
        // Where costs are not comparable, the first one is as good as others.
        let prices = self.costs(costs, kind, &places).ok();
        let price = |place: usize| prices.as_ref().map_or(0.0, |prices| prices.multipliers[place]);
        let mut notes = Vec::new();
        let mut kept: Vec<usize> = Vec::new();
        for place in places {
            let Candidate { spec, lut, .. } = &self.candidates[place];
            if lut.is_exact() {
                notes.push(format!("'{}' is exact, as layers without a multiplier are: left out", spec.lut));
                continue;
            }
            let same = kept.iter_mut().find(|known| self.candidates[**known].lut.table_hash() == lut.table_hash());
            let Some(known) = same else {
                kept.push(place);
                continue;
            };
            let (dear, cheap) = if price(place) < price(*known) { (*known, place) } else { (place, *known) };
            let [dear, cheap] = [dear, cheap].map(|place| &self.candidates[place].spec.lut);
            notes.push(format!("'{dear}' has the table of '{cheap}': left out"));
            if price(place) < price(*known) {
                *known = place;
            }
        }
        self.candidates = kept.into_iter().map(|place| self.candidates[place].clone()).collect();
        notes
    }

    /// Multiplications of one sample, of all layers.
    pub fn opcount(&self) -> u64 {
        self.session.model().graph.layer_counts().iter().map(|counts| counts.opcount).sum()
    }

    /// How far each option's error goes in each free layer, exact products first: deviation and mean together, relative
    /// to the layer's exact output, predicted from tables and operands on the calibration set; `None` where there is no
    /// such set.
    ///
    /// # Errors
    /// When calibration fails.
    pub fn deviations(&mut self) -> Result<Option<Vec<Vec<f64>>>, LayerwiseError> {
        let is_given = self.session.experiment().calibration.data.is_some();
        if !is_given && self.session.model().calibration.is_none() {
            return Ok(None);
        }
        let statistics = self.session.operand_statistics(&self.candidates[0].assignment)?;
        let predicted = |layer: &FreeLayer, lut: &Lut| {
            // Nothing is known of a multiplier whose operands are other integers.
            let error = statistics.predict_layer(layer.index, lut).ok().flatten();
            error.map_or(f64::INFINITY, |error| (error.noise.stdev.powi(2) + error.parts.mean.powi(2)).sqrt())
        };
        let of_layer = |layer: &FreeLayer| {
            let candidates = self.candidates.iter().map(|candidate| predicted(layer, &candidate.lut));
            std::iter::once(0.0).chain(candidates).collect()
        };
        Ok(Some(self.layers.iter().map(of_layer).collect()))
    }

    /// The multipliers of layers that rules give one.
    fn kept_luts(&self) -> Vec<Arc<Lut>> {
        self.exact.luts_in_use()
    }

    /// Multiplications of one sample in layers that are not free, by the places of their multipliers among those that
    /// rules give, `None` being exact products; layers in `f32` and those with noise multiply no integers.
    pub fn kept_opcounts(&self) -> Vec<(Option<usize>, u64)> {
        let kept = self.kept_luts();
        let graph = &self.session.model().graph;
        let counts: HashMap<String, u64> =
            graph.layer_counts().into_iter().map(|counts| (counts.name, counts.opcount)).collect();
        let all = graph.layers().zip(self.exact.layers()).enumerate();
        let others = all.filter(|(index, _)| !self.layers.iter().any(|layer| layer.index == *index));
        let counted = others.filter_map(|(_, (layer, config))| {
            let opcount = counts.get(layer.name()).copied().unwrap_or_default();
            match &config.arithmetic {
                Arithmetic::Quant => Some((None, opcount)),
                Arithmetic::Approx(lut) => {
                    let place = kept.iter().position(|known| Arc::ptr_eq(known, lut))?;
                    Some((Some(place), opcount))
                }
                Arithmetic::Base | Arithmetic::Noise(_) => None,
            }
        });
        counted.collect()
    }

    /// The assignment in which free layer `i` has `choice[i]`: exact products for 0, candidate `k - 1` for `k`.
    pub fn assignment(&self, choice: &[usize]) -> Assignment {
        let mut assignment = self.exact.clone();
        for (layer, &option) in self.layers.iter().zip(choice) {
            if let Some(candidate) = option.checked_sub(1) {
                assignment.layers_mut()[layer.index] =
                    self.candidates[candidate].assignment.layers()[layer.index].clone();
            }
        }
        assignment
    }

    /// The rules of a file that give every layer what [`assignment`](Self::assignment) gives it: files of multipliers by
    /// absolute paths, so that they work from anywhere.
    ///
    /// # Errors
    /// When a layer's name is too long for a pattern.
    pub fn rules(&self, choice: &[usize]) -> Result<Rules, LayerwiseError> {
        let mut rules = Vec::new();
        for (layer, &option) in self.layers.iter().zip(choice) {
            if let Some(candidate) = option.checked_sub(1) {
                let lut = absolute(&self.candidates[candidate].spec);
                let options = LayerOptions { lut: Some(lut), ..LayerOptions::default() };
                rules.push(Rule { pattern: Pattern::of_name(&layer.name)?, options });
            }
        }
        let mut rules = Rules::new(rules);
        let given = self.session.experiment().rules.iter().map(|Rule { pattern, options }| {
            let lut = options.lut.as_ref().map(absolute);
            Rule { pattern: pattern.clone(), options: LayerOptions { lut, ..options.clone() } }
        });
        rules.extend(given);
        Ok(rules.with_base(self.exact_options.clone()))
    }

    /// Exact products everywhere but for noise of this relative deviation in one free layer.
    pub fn with_noise(&self, layer: usize, stdev: f64) -> Assignment {
        let mut assignment = self.exact.clone();
        let config = &mut assignment.layers_mut()[self.layers[layer].index];
        let noise = NoiseSource::Given(LayerNoise { stdev, mean: 0.0 });
        *config = config.with_arithmetic(Arithmetic::Noise(noise));
        assignment
    }

    /// Tells that what follows has in common what comes before this free layer: in any case before the first one.
    pub fn share_before(&mut self, layer: Option<usize>) {
        self.session.share_before(Some(self.layers[layer.unwrap_or(0)].index));
    }

    /// What `assignment` does to the network on a part of the samples.
    ///
    /// # Errors
    /// When an evaluation fails.
    pub fn measure(&mut self, assignment: &Assignment, part: Range<usize>) -> Result<Degradation, LayerwiseError> {
        self.reference(&part)?;
        let (outputs, metric, _) = run(self.session, assignment, part.clone())?;
        let reference = &self.references[&part].outputs;
        let comparison = Comparison::new(&reference.predictions, &outputs.predictions)?;
        let increases = reference.losses.as_ref().zip(outputs.losses.as_ref());
        let increases =
            increases.map(|(before, now)| now.iter().zip(before).map(|(now, before)| now - before).collect());
        let increases: Option<Vec<f64>> = increases;
        let task = metric.task;
        let divergences = task.divergences(&reference.logits, &outputs.logits, outputs.predictions.len());
        Ok(Degradation::new(metric, &comparison, increases.as_deref(), divergences.as_deref()))
    }

    /// The metric that exact products reach on a part of the samples, and their mean loss.
    ///
    /// # Errors
    /// When the evaluation fails.
    pub fn exact_result(&mut self, part: &Range<usize>) -> Result<(Metric, Option<f64>), LayerwiseError> {
        let Reference { metric, outputs } = self.reference(part)?;
        let mean = |losses: &Vec<f64>| losses.iter().sum::<f64>() / losses.len().max(1) as f64;
        Ok((*metric, outputs.losses.as_ref().map(mean)))
    }

    /// The report of the first evaluation with exact products, which says what all of them share.
    ///
    /// # Errors
    /// When it has to be made, and fails.
    pub fn report(&mut self, part: &Range<usize>) -> Result<&Report, LayerwiseError> {
        self.reference(part)?;
        Ok(self.report.as_ref().expect("the reference's evaluation made it"))
    }

    fn reference(&mut self, part: &Range<usize>) -> Result<&Reference, LayerwiseError> {
        if !self.references.contains_key(part) {
            let (outputs, metric, findings) = run(self.session, &self.exact, part.clone())?;
            if self.report.is_none() {
                self.report = Some(Report::new(self.session, &findings, &Costs::default()));
            }
            self.references.insert(part.clone(), Reference { metric, outputs });
        }
        Ok(&self.references[part])
    }
}

/// A multiplier that is found from anywhere: by the absolute path of its file, or by its name.
fn absolute(spec: &LutSpec) -> LutSpec {
    let path = Path::new(&spec.lut);
    let absolute = path.exists().then(|| std::path::absolute(path).ok()?.into_os_string().into_string().ok());
    LutSpec { lut: absolute.flatten().unwrap_or_else(|| spec.lut.clone()), ..spec.clone() }
}

/// Evaluates a part of the samples, and keeps the answers.
fn run(
    session: &mut Session,
    assignment: &Assignment,
    part: Range<usize>,
) -> Result<(Outputs, Metric, crate::eval::Findings), LayerwiseError> {
    let task = session.model().task;
    let (mut logits, mut losses) = (Vec::new(), Some(Vec::new()));
    let findings = session.evaluate_part(assignment, part, |batch: &BatchOutputs| {
        logits.extend_from_slice(batch.logits);
        let of_batch = task.losses(batch.logits, batch.predictions.labels());
        losses = losses.take().zip(of_batch).map(|(mut all, of_batch)| {
            all.extend(of_batch);
            all
        });
        Ok(())
    })?;
    let (metric, predictions) = (findings.outcome.metrics.metric(), findings.outcome.predictions.clone());
    Ok((Outputs { predictions, logits, losses }, metric, findings))
}
