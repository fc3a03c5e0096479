//! From the findings of a session to the report of an evaluation.

use super::accumulators::overflow_note;
use super::{
    CalibrationReport, ClassReport, ComparisonReport, ConfigReport, CostReport, DatasetReport, LayerReport,
    ModelReport, NoiseReport, OpcountReport, QuantizationReport, Report, SCHEMA, TimingReport, ToolReport,
};
use super::{cost, shifts};
use crate::data::{DatasetSpec, PixelKind};
use crate::eval::{
    Assignment, Experiment, Findings, LayerOptions, ModeComparison, NoiseLutSpec, Session, far_below_fp32,
};
use crate::layer::{ApproxLayer, InferenceMode};
use crate::lut::{Costs, Lut, LutInfo};
use crate::model::Model;
use crate::stats::percent;
use crate::task::{Confusion, MANY_CLASSES, Metric, Predictions};
use std::collections::HashSet;
use std::sync::Arc;

impl Report {
    /// The report of `findings` of `session`, whose multipliers have `costs`: no gates, no comparisons, no
    /// predictions yet.
    pub fn new(session: &Session, findings: &Findings, costs: &Costs) -> Self {
        let Findings { outcome, assignment, layers, dataset_blake3, .. } = findings;
        let (experiment, model) = (session.experiment(), session.model());
        let samples = outcome.predictions.len();
        let mut luts = assignment.luts_in_use();
        // That of all layers comes first, where it is in use.
        let of_all = session.defaults().lut.as_ref();
        luts.sort_by_key(|lut| !of_all.is_some_and(|of_all| Arc::ptr_eq(of_all, lut)));
        let layers = LayerReport::from_graph(&model.graph, assignment, layers);
        let candidates = luts.iter().map(|lut| (lut.name(), costs.candidates(lut))).collect();
        let unknown = cost::unknown_note(&candidates, costs);
        let cost = CostReport::new(&layers, &candidates, costs);
        let opcount = OpcountReport::new(&layers, samples, cost.as_ref());
        let cost_of = |lut: &Lut| cost.as_ref().and_then(|cost| cost.by_multiplier.get(lut.name()).cloned());
        let infos: Vec<LutInfo> = luts.iter().map(|lut| LutInfo::with_cost(lut, cost_of(lut))).collect();
        let mut notes = session.notes().to_vec();
        notes.extend(findings.notes.iter().cloned().inspect(|note| tracing::warn!("{note}")));
        notes.extend(outcome.metrics.note().inspect(|note| tracing::warn!("{note}")));
        notes.extend(attention_note(session, assignment, &layers));
        notes.extend(shifts::note(&layers));
        notes.extend(shifts::warning(&layers).inspect(|note| tracing::warn!("{note}")));
        notes.extend(overflow_note(&layers).inspect(|note| tracing::warn!("{note}")));
        notes.extend(unknown.inspect(|note| tracing::warn!("{note}")));
        notes.extend(cost.as_ref().and_then(CostReport::note).inspect(|note| tracing::warn!("{note}")));
        Report {
            schema: SCHEMA,
            tool: ToolReport::default(),
            model: ModelReport::of(session),
            dataset: DatasetReport {
                name: session.dataset_name().to_owned(),
                path: experiment.data.as_ref().and_then(|data| data.as_path()).map(|path| path.display().to_string()),
                samples,
                blake3: dataset_blake3.clone(),
            },
            config: config_report(session, assignment, &layers),
            lut: infos.first().cloned(),
            luts: infos,
            metrics: outcome.metrics.clone(),
            classes: classes(&outcome.predictions, model),
            predictions: None,
            comparisons: Vec::new(),
            opcount,
            cost,
            timing: TimingReport::new(outcome.elapsed, samples, &layers, experiment.kernel.name()),
            layers,
            gates: Vec::new(),
            notes,
        }
    }
}

/// A note on products of two activations that multiply in fp32 while other layers do not.
fn attention_note(session: &Session, assignment: &Assignment, reports: &[LayerReport]) -> Option<String> {
    let in_fp32 = |mode: InferenceMode| !mode.is_quantized();
    let count = assignment.products().filter(|config| in_fp32(config.mode())).count();
    if count == 0 || reports.iter().all(|layer| in_fp32(layer.mode)) {
        return None;
    }
    let layers = session.model().graph.layers();
    let names: HashSet<&str> = layers.filter(|layer| layer.as_weighted().is_none()).map(ApproxLayer::name).collect();
    let products = reports.iter().filter(|layer| in_fp32(layer.mode) && names.contains(layer.name.as_str()));
    let opcount = |layers: &mut dyn Iterator<Item = &LayerReport>| layers.map(|layer| layer.opcount).sum::<u64>();
    let share = opcount(&mut products.into_iter()) as f64 / opcount(&mut reports.iter()) as f64;
    Some(format!(
        "{count} products of two activations (attention), {} of the multiplications, stay in fp32: --attention quant \
         or approx, or a rule that names them, changes that",
        percent(share)
    ))
}

impl Report {
    /// The report with what multipliers cost by `costs`, where these have a figure: a saved one with costs that became known
    /// later. Exact products cost what `costs` say, too.
    #[must_use]
    pub fn with_costs(mut self, costs: &Costs) -> Self {
        let candidates = self.luts.iter().map(|lut| (lut.name.as_str(), lut.costs(costs))).collect();
        let cost = CostReport::new(&self.layers, &candidates, costs);
        let notes = [cost::unknown_note(&candidates, costs), cost.as_ref().and_then(CostReport::note)];
        self.notes.extend(notes.into_iter().flatten().inspect(|note| tracing::warn!("{note}")));
        self.opcount = OpcountReport::new(&self.layers, self.dataset.samples, cost.as_ref());
        for lut in &mut self.luts {
            lut.cost = cost.as_ref().and_then(|cost| cost.by_multiplier.get(&lut.name).cloned());
        }
        self.lut = self.luts.first().cloned();
        self.cost = cost;
        self
    }

    /// Adds a run of the same network on the same samples with all layers in another mode.
    pub fn compare_with(&mut self, comparison: ModeComparison) {
        if comparison.mode == InferenceMode::Baseline {
            self.judge_by_fp32(comparison.metric);
        }
        self.comparisons.push(comparison.into());
    }

    /// Notes where the run has next to nothing of what the same network has in `fp32` on the same samples.
    pub(in crate::report) fn judge_by_fp32(&mut self, fp32: Metric) {
        let note = far_below_fp32(&self.metrics, fp32);
        self.notes.extend(note.inspect(|note| tracing::warn!("{note}")));
    }
}

impl From<ModeComparison> for ComparisonReport {
    fn from(ModeComparison { mode, metric, comparison }: ModeComparison) -> Self {
        ComparisonReport { reference: mode.to_string(), metric, comparison }
    }
}

impl ModelReport {
    /// The network of a session.
    pub fn of(session: &Session) -> Self {
        let model = session.model();
        ModelReport {
            name: model.name.clone(),
            path: model.source.path().map(|path| path.display().to_string()),
            architecture: model.architecture.to_owned(),
            parameters: session.parameters(),
            blake3: model.blake3.clone(),
            task: model.task,
            weights: model.source.weights().cloned(),
        }
    }
}

/// How the network was run.
fn config_report(session: &Session, assignment: &Assignment, reports: &[LayerReport]) -> ConfigReport {
    let (experiment, model, preprocess) = (session.experiment(), session.model(), session.preprocess());
    let Experiment { layers, rules, .. } = experiment;
    let mode = assignment.shared_mode().unwrap_or(layers.mode());
    let derived = layers.noise_from_lut.clone().map(|noise| {
        let lut = noise.lut.or(layers.lut.clone());
        NoiseLutSpec { lut, ..noise }.to_string()
    });
    let given = |x: Option<f64>| derived.is_none().then_some(x.unwrap_or(0.0));
    let noise =
        NoiseReport { stdev: given(layers.noise_std), mean: given(layers.noise_mean), from_lut: derived.clone() };
    let accumulator = experiment.accumulator.filter(|_| reports.iter().any(|layer| layer.accumulator.is_some()));
    let of_bytes = |values: &[f32]| match session.pixel_kind() {
        PixelKind::Bytes => values.to_vec(),
        PixelKind::Floats => Vec::new(),
    };
    ConfigReport {
        mode,
        seed: experiment.seed,
        shuffle: session.draw_seed(),
        batch_size: session.batch_size().get(),
        coding: LayerReport::common_coding(reports),
        quantization: assignment.is_quantized().then(|| quantization_report(session, reports)).flatten(),
        noise: (mode == InferenceMode::Noise).then_some(noise),
        acc_bits: accumulator.map(|accumulator| accumulator.bits),
        acc_overflow: accumulator.filter(|accumulator| accumulator.range().is_some()).map(|of| of.overflow),
        assignment: rules.with_base(LayerOptions { mode: Some(layers.mode()), ..layers.clone() }),
        fold_bn: experiment.fold_batch_norm,
        layout: model.source.layout(),
        output_name: model.source.output().map(str::to_owned),
        data_format: experiment.data.as_ref().and_then(DatasetSpec::format).map(|format| format.to_string()),
        mean: of_bytes(&preprocess.mean),
        std: of_bytes(&preprocess.std),
        resize: preprocess.resize,
        interpolation: preprocess.resize.map(|_| preprocess.interpolation),
        crop: preprocess.crop,
        channels: preprocess.channels.map(|channels| channels.to_string()),
    }
}

/// Where scales came from, and how they were found where they were calibrated.
fn quantization_report(session: &Session, reports: &[LayerReport]) -> Option<QuantizationReport> {
    let (source, path, blake3) = session.params_source()?;
    let calibration = session.calibration_source();
    let calibration = calibration.filter(|(source, ..)| reports.iter().any(|layer| layer.scales == Some(*source)));
    let calibrated = session.observations().filter(|_| calibration.is_some());
    let beside = calibration.filter(|(of_calibration, ..)| *of_calibration != source);
    let config = calibrated.map(|_| &session.defaults().quantization);
    Some(QuantizationReport {
        source,
        path: path.map(|path| path.display().to_string()),
        blake3: blake3.to_owned(),
        calibrated: beside.map(|(source, path, blake3)| CalibrationReport {
            source,
            path: path.map(|path| path.display().to_string()),
            blake3: blake3.to_owned(),
        }),
        samples: calibrated.map(|observations| observations.samples),
        act_bits: config.map(|config| config.act_bits),
        weight_bits: config.map(|config| config.weight_bits),
        act_scheme: config.map(|config| config.act_scheme),
        weight_scheme: config.map(|config| config.weight_scheme),
        scale: config.map(|config| config.scale),
        observer: config.map(|config| config.observer.to_string()),
        requantize: session.requantization(),
    })
}

/// Accuracy class by class, of a classifier; where there are many, of those that samples or predictions are of.
fn classes(predictions: &Predictions, model: &Model) -> Vec<ClassReport> {
    let confusion = Confusion::new(predictions, model.task.label_count(model.outputs));
    let are_many = confusion.as_ref().is_some_and(|confusion| confusion.classes() > MANY_CLASSES);
    let by_class = confusion.iter().flat_map(Confusion::by_class);
    let by_class = by_class.filter(|class| !are_many || class.samples + class.predicted > 0);
    by_class.map(|accuracy| ClassReport { label: model.labels.get(accuracy.class).cloned(), accuracy }).collect()
}
