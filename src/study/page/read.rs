//! A line of a journal: a finished job, of whose report a page keeps what it shows.

use crate::layer::InferenceMode;
use crate::lut::{Coding, LutInfo};
use crate::report::{LayerReport, QuantizationReport, Report};
use crate::task::Task;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A line of a journal.
#[derive(Debug, Deserialize)]
pub(super) struct Line {
    key: String,
    job: Job,
    report: Report,
}

/// A job of a plan.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(super) struct Job {
    /// Its place in the plan.
    #[serde(default)]
    pub index: usize,
    /// The network as typed.
    #[serde(default)]
    pub model: Option<String>,
    /// The data set as typed; none for the model's own.
    #[serde(default)]
    pub data: Option<String>,
    /// The multiplier as typed, a file by its stem.
    #[serde(default)]
    pub lut: Option<String>,
    /// Which layers are approximate.
    #[serde(default)]
    pub scope: Option<String>,
    /// The layer or group that the scope is about.
    #[serde(default)]
    pub layer: Option<String>,
    /// Options of the evaluation: names and values.
    #[serde(default)]
    pub settings: Map<String, Value>,
}

impl Job {
    /// It in a line.
    pub fn label(&self) -> String {
        let scope = self.scope.as_deref().filter(|scope| *scope != "all");
        let names = [self.model.as_deref(), self.data.as_deref(), self.lut.as_deref(), scope, self.layer.as_deref()];
        names.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// A finished job.
#[derive(Debug)]
pub(super) struct Finished {
    pub key: String,
    pub job: Job,
    /// What it ran: name and hash of the network, and of the data set.
    pub model: [String; 2],
    pub dataset: [String; 2],
    pub samples: usize,
    pub task: Task,
    pub mode: InferenceMode,
    pub coding: Option<Coding>,
    pub value: f64,
    pub ci95: [f64; 2],
    /// Whether the value is a fraction of the samples.
    pub counts: bool,
    pub loss: Option<f64>,
    pub seconds: f64,
    /// How operands are quantized, in modes that quantize.
    pub quantization: String,
    /// The multiplier: that of the layers in scope.
    pub lut: Option<LutInfo>,
    /// Energy of all multiplications over that of exact ones, and its basis.
    pub energy: Option<(f64, String)>,
    /// Energy of one multiplication of the multiplier, by basis.
    pub multiplier_energy: BTreeMap<String, f64>,
    /// Layers that multiply integers: name, kind, multiplications.
    pub layers: Vec<(String, String, u64)>,
    /// The exact products of the same run, where it was compared with them.
    pub exact: Option<Exact>,
}

/// A run with exact products over the same samples.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exact {
    pub value: f64,
    /// What the job lost to it, and the paired interval.
    pub drop: f64,
    pub ci95: [f64; 2],
}

impl Finished {
    /// The job of a line.
    pub fn new(Line { key, job, mut report }: Line) -> Self {
        let modes: Vec<InferenceMode> = report.layers.iter().map(|layer| layer.mode).collect();
        let lut = (!report.luts.is_empty()).then(|| report.luts.swap_remove(0));
        let cost = report.cost.as_ref();
        let own = lut.as_ref().and_then(|lut| cost?.by_multiplier.get(&lut.name));
        let stated = lut.as_ref().and_then(|lut| lut.cost.as_ref());
        let by_basis =
            own.into_iter().chain(stated).filter_map(|cost| Some((cost.basis.clone(), cost.relative.energy?)));
        let quantized = report.layers.iter().filter(|layer| layer.mode.is_quantized());
        let layer = |layer: &LayerReport| (layer.name.clone(), layer.kind.clone(), layer.opcount);
        let exact = report.comparisons.iter().find(|comparison| comparison.reference == "quant");
        let record = report.metrics.record();
        let number = |key: &str| record.iter().find(|(name, _)| *name == key).and_then(|(_, text)| text.parse().ok());
        Finished {
            key,
            model: [report.model.name.clone(), report.model.blake3.clone()],
            dataset: [report.dataset.name.clone(), report.dataset.blake3.clone()],
            samples: report.dataset.samples,
            task: report.metrics.task(),
            mode: mode_of(&modes),
            coding: report.config.coding,
            value: report.metrics.value(),
            ci95: report.metrics.ci95(),
            counts: number("correct").is_some(),
            loss: number("loss"),
            seconds: report.timing.seconds,
            energy: cost.and_then(|cost| Some((cost.relative_energy?, cost.basis.clone()))),
            multiplier_energy: by_basis.collect(),
            layers: quantized.map(layer).collect(),
            exact: exact.map(|exact| Exact {
                value: exact.metric.value,
                drop: -exact.comparison.difference,
                ci95: [-exact.comparison.ci95[1], -exact.comparison.ci95[0]],
            }),
            quantization: report.config.quantization.map(|found| quantization(&found)).unwrap_or_default(),
            lut,
            job,
        }
    }

    /// The network that it ran on the data that it saw.
    pub fn subject(&self) -> (&[String; 2], &[String; 2], usize) {
        (&self.model, &self.dataset, self.samples)
    }

    /// Which layers have the job's multiplier or mode.
    pub fn scope(&self) -> &str {
        self.job.scope.as_deref().unwrap_or("all")
    }

    /// Whether its products are exact integer ones: without a multiplier, or with one that makes no error.
    pub fn is_exact(&self) -> bool {
        let is_exact_table = self.lut.as_ref().is_some_and(|lut| lut.errors.wce == 0);
        match self.mode {
            InferenceMode::Quantized => true,
            InferenceMode::Approximate => is_exact_table,
            _ => false,
        }
    }
}

/// How operands are quantized, as far as exact products depend on it.
fn quantization(found: &QuantizationReport) -> String {
    let mut json = serde_json::to_value(found).unwrap_or_default();
    json.as_object_mut().map(|fields| fields.remove("calibrated"));
    json.to_string()
}

/// What a job's layers computed: the mode of those in scope, others being in an exact one.
fn mode_of(layers: &[InferenceMode]) -> InferenceMode {
    let modes = [InferenceMode::Approximate, InferenceMode::Noise, InferenceMode::Quantized];
    modes.into_iter().find(|mode| layers.contains(mode)).unwrap_or_default()
}
