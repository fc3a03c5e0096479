//! A line of a journal: a finished job, of whose report a page keeps what it shows.

use crate::layer::InferenceMode;
use crate::lut::{Coding, LutInfo};
use crate::report::{LayerReport, QuantizationReport, SweepJob};
use crate::study::sweep::JobRecord;
use crate::task::Task;
use std::collections::BTreeMap;

/// A finished job.
#[derive(Debug)]
pub(super) struct Finished {
    pub key: String,
    pub job: SweepJob,
    /// What it ran: name and hash of the network, and of the data set.
    pub model: [String; 2],
    pub dataset: [String; 2],
    /// Their files, where they have such.
    pub model_path: Option<String>,
    pub data_path: Option<String>,
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
    /// What a page shows of a record.
    pub fn new(JobRecord { key, job, mut report, .. }: JobRecord) -> Self {
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
            model_path: report.model.path.clone(),
            data_path: report.dataset.path.clone(),
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
