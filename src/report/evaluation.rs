//! The report of one evaluation, schema 1. Fields are added, never changed.

use super::document::{Document, Records, Section, grouped, optional, shape, significant};
use super::lut::reading;
use crate::eval::{Accuracy, Gate, GateKind};
use crate::graph::{Graph, Product};
use crate::layer::{ApproxLayer, InferenceMode};
use crate::lut::{Bits, Coding, LutInfo};
use crate::quant::{ActScheme, WeightScheme};
use serde::Serialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// Everything that an evaluation found, and everything needed to run it again.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// 1.
    pub schema: u32,
    /// What made the report.
    pub tool: ToolReport,
    /// The network.
    pub model: ModelReport,
    /// What it was evaluated on.
    pub dataset: DatasetReport,
    /// How it was run.
    pub config: ConfigReport,
    /// The multiplier that products were taken from, in approximate mode.
    pub lut: Option<LutInfo>,
    /// How often the network was right.
    pub accuracy: Accuracy,
    /// Multiplications.
    pub opcount: OpcountReport,
    /// The approximate layers, and products of two activations, in graph order.
    pub layers: Vec<LayerReport>,
    /// How long it took.
    pub timing: TimingReport,
    /// Gates, judged.
    pub gates: Vec<Gate>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// What made a report.
#[derive(Debug, Clone, Serialize)]
pub struct ToolReport {
    /// The program.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

impl Default for ToolReport {
    fn default() -> Self {
        ToolReport { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") }
    }
}

/// The network of a report.
#[derive(Debug, Clone, Serialize)]
pub struct ModelReport {
    /// Its name.
    pub name: String,
    /// Its directory or weights file; none for a shipped one.
    pub path: Option<String>,
    /// Its architecture.
    pub architecture: String,
    /// Trainable parameters, before folding.
    pub parameters: u64,
    /// Hash of the weights file.
    pub blake3: String,
}

/// The data set of a report.
#[derive(Debug, Clone, Serialize)]
pub struct DatasetReport {
    /// Its name.
    pub name: String,
    /// Its file or folder; none for an embedded one.
    pub path: Option<String>,
    /// Samples evaluated.
    pub samples: usize,
    /// Hash of its files.
    pub blake3: String,
}

/// How a network was run.
#[derive(Debug, Clone, Serialize)]
pub struct ConfigReport {
    /// What layers computed.
    pub mode: InferenceMode,
    /// Seed of the noise.
    pub seed: u64,
    /// Samples of a batch.
    pub batch_size: usize,
    /// The operand coding, in modes that quantize.
    pub coding: Option<Coding>,
    /// The quantization, in modes that quantize.
    pub quantization: Option<QuantizationReport>,
    /// The perturbation, in noise mode.
    pub noise: Option<NoiseReport>,
    /// Whether batch normalisation was folded.
    pub fold_bn: bool,
    /// Preprocessing of byte images: subtracted after division by 255.
    pub mean: Vec<f32>,
    /// Divided by last.
    pub std: Vec<f32>,
    /// Shorter side after resizing.
    pub resize: Option<usize>,
    /// Square cut from the middle.
    pub crop: Option<usize>,
    /// Conversion between grey and colour.
    pub channels: Option<String>,
}

/// Where scales and zero points came from.
#[derive(Debug, Clone, Serialize)]
pub struct QuantizationReport {
    /// What gave the parameters.
    pub source: ParamsSource,
    /// The data or file.
    pub path: Option<String>,
    /// Hash of the calibration data, or of the file.
    pub blake3: String,
    /// Calibration samples.
    pub samples: Option<usize>,
    /// Width of activations, where calibrated.
    pub act_bits: Option<Bits>,
    /// Width of weights.
    pub weight_bits: Option<Bits>,
    /// How activations are quantized.
    pub act_scheme: Option<ActScheme>,
    /// How many scales weights have.
    pub weight_scheme: Option<WeightScheme>,
    /// The observer.
    pub observer: Option<String>,
}

/// What gave a network its quantization parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ParamsSource {
    /// The model's own calibration set.
    Model,
    /// `--calib-data`.
    CalibData,
    /// `--qparams`.
    Qparams,
}

/// The perturbation of noise mode.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct NoiseReport {
    /// Relative standard deviation.
    pub stdev: f64,
    /// Mean, in units of the output.
    pub mean: f64,
}

/// Multiplications of linear and convolution layers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OpcountReport {
    /// Of one sample.
    pub per_sample: u64,
    /// Of all samples.
    pub total: u64,
    /// Of all samples, by what multiplied: `fp32`, `exact`, or the multiplier's name.
    pub by_multiplier: BTreeMap<String, u64>,
}

/// An approximate layer.
#[derive(Debug, Clone, Serialize)]
pub struct LayerReport {
    /// Its name.
    pub name: String,
    /// What kind of layer it is.
    pub kind: &'static str,
    /// What it computed.
    pub mode: InferenceMode,
    /// The multiplier, in approximate mode.
    pub lut: Option<String>,
    /// Multiplications of one sample.
    pub opcount: u64,
    /// Products summed into one output element.
    pub fan_in: usize,
    /// Dimensions of one sample's output.
    pub output_shape: Vec<usize>,
    /// Dimensions of the weight.
    pub weight_shape: Vec<usize>,
    /// Scale of the input, in modes that quantize.
    pub input_scale: Option<f32>,
    /// Zero point of the input.
    pub input_zero_point: Option<i32>,
    /// Integers of the input.
    pub input_range: Option<[i32; 2]>,
    /// Whether the parameters given were shifted by 128 into the coding's range.
    pub shifted: bool,
}

/// How long an evaluation took: the loop with batch preparation, without loading and calibration.
#[derive(Debug, Clone, Serialize)]
pub struct TimingReport {
    /// Wall time.
    pub seconds: f64,
    /// Samples a second.
    pub images_per_second: f64,
    /// Products looked up a second, in approximate mode.
    pub lookups_per_second: Option<f64>,
    /// Threads.
    pub threads: usize,
    /// The kernel that summed products, in modes that quantize.
    pub kernel: Option<&'static str>,
}

impl LayerReport {
    /// The layers of a graph, with the multiplier's name in approximate mode. Products of two
    /// activations, which no layer was swapped for, are in fp32.
    pub fn of(graph: &Graph, lut: Option<&str>) -> Vec<Self> {
        let swapped: BTreeMap<&str, &dyn ApproxLayer> = graph.layers().map(|layer| (layer.name(), layer)).collect();
        let layer = |product: Product| {
            let layer = swapped.get(product.name.as_str());
            let mode = layer.map_or(InferenceMode::Baseline, |layer| layer.mode());
            let params = layer.and_then(|layer| layer.params()).filter(|_| mode.is_quantized());
            let input = params.map(|params| params.input);
            LayerReport {
                name: product.name,
                kind: product.kind,
                mode,
                lut: lut.filter(|_| mode == InferenceMode::Approximate).map(str::to_owned),
                opcount: product.opcount,
                fan_in: product.fan_in,
                output_shape: product.output_shape,
                weight_shape: product.weight_shape,
                input_scale: input.map(|input| input.scale()),
                input_zero_point: input.map(|input| input.zero_point()),
                input_range: input.map(|input| [input.range().q_min(), input.range().q_max()]),
                shifted: mode.is_quantized() && layer.is_some_and(|layer| layer.is_shifted()),
            }
        };
        graph.products().into_iter().map(layer).collect()
    }

    /// What multiplies, as `by_multiplier` names it.
    fn multiplier(&self) -> &str {
        match (self.mode, &self.lut) {
            (InferenceMode::Baseline, _) => "fp32",
            (_, Some(lut)) => lut,
            (_, None) => "exact",
        }
    }
}

impl OpcountReport {
    /// The sum over `layers`, for `samples` samples.
    pub fn of(layers: &[LayerReport], samples: usize) -> Self {
        let mut by_multiplier = BTreeMap::new();
        for layer in layers {
            *by_multiplier.entry(layer.multiplier().to_owned()).or_default() += layer.opcount * samples as u64;
        }
        let per_sample: u64 = layers.iter().map(|layer| layer.opcount).sum();
        OpcountReport { per_sample, total: per_sample * samples as u64, by_multiplier }
    }
}

impl TimingReport {
    /// Rates of a loop of `elapsed` over `samples` samples; `kernel` summed what was quantized.
    pub fn of(elapsed: Duration, samples: usize, layers: &[LayerReport], kernel: &'static str) -> Self {
        let seconds = elapsed.as_secs_f64();
        let looked_up = layers.iter().filter(|layer| layer.mode == InferenceMode::Approximate);
        let lookups = looked_up.map(|layer| layer.opcount).sum::<u64>() * samples as u64;
        TimingReport {
            seconds,
            images_per_second: samples as f64 / seconds,
            lookups_per_second: (lookups > 0).then(|| lookups as f64 / seconds),
            threads: rayon::current_num_threads(),
            kernel: layers.iter().any(|layer| layer.mode.is_quantized()).then_some(kernel),
        }
    }
}

fn percent(fraction: f64) -> String {
    format!("{:.2} %", fraction * 100.0)
}

impl Document for Report {
    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a report is JSON")
    }

    fn sections(&self) -> Vec<Section> {
        let accuracy = &self.accuracy;
        let [low, high] = accuracy.ci95;
        let mut pairs = vec![
            (
                "model",
                format!(
                    "{} ({}, {} parameters)",
                    self.model.name,
                    self.model.architecture,
                    grouped(self.model.parameters)
                ),
            ),
            ("dataset", format!("{}, {} samples", self.dataset.name, grouped(self.dataset.samples as u64))),
            ("mode", self.config.mode.to_string()),
        ];
        if let Some(lut) = &self.lut {
            let sign = if lut.signed { "signed" } else { "unsigned" };
            let errors = &lut.errors;
            pairs.push((
                "multiplier",
                format!("{} ({sign}, MAE {}, WCE {})", lut.name, significant(errors.mae, 4), errors.wce),
            ));
            pairs.push(("read as", reading(lut)));
        }
        if let Some(coding) = self.config.coding {
            pairs.push(("coding", coding.to_string()));
        }
        if let Some(quantization) = &self.config.quantization {
            pairs.push(("quantization", quantization.summary()));
        }
        if let Some(noise) = self.config.noise {
            pairs.push((
                "noise",
                format!("stdev {} (relative), mean {}, seed {}", noise.stdev, noise.mean, self.config.seed),
            ));
        }
        pairs.push((
            "top-1",
            format!(
                "{} ({} of {}), 95 % interval {} to {}",
                percent(accuracy.top1),
                grouped(accuracy.correct),
                grouped(accuracy.total),
                percent(low),
                percent(high)
            ),
        ));
        if let Some(top5) = accuracy.top5 {
            pairs.push(("top-5", percent(top5)));
        }
        pairs.push(("loss", format!("{:.4}", accuracy.loss)));
        let by = self.opcount.by_multiplier.iter().map(|(name, n)| format!("{} {name}", grouped(*n)));
        pairs.push((
            "multiplications",
            format!("{} a sample; in all {}", grouped(self.opcount.per_sample), by.collect::<Vec<_>>().join(", ")),
        ));
        let timing = &self.timing;
        let kernel = timing.kernel.map(|kernel| format!(", kernel {kernel}")).unwrap_or_default();
        pairs.push((
            "time",
            format!(
                "{:.2} s, {:.0} images/s, {} threads{kernel}",
                timing.seconds, timing.images_per_second, timing.threads
            ),
        ));
        for gate in &self.gates {
            pairs.push(("gate", gate_summary(gate)));
        }
        for note in &self.notes {
            pairs.push(("note", note.clone()));
        }
        vec![Section::pairs(pairs), self.layer_section()]
    }

    fn records(&self) -> Records {
        let accuracy = &self.accuracy;
        let quantization = self.config.quantization.as_ref();
        let noise = self.config.noise;
        Records::one([
            ("model", self.model.name.clone()),
            ("dataset", self.dataset.name.clone()),
            ("samples", self.dataset.samples.to_string()),
            ("mode", self.config.mode.to_string()),
            ("lut", self.lut.as_ref().map(|lut| lut.name.clone()).unwrap_or_default()),
            ("mae", optional(self.lut.as_ref().map(|lut| &lut.errors.mae))),
            ("wce", optional(self.lut.as_ref().map(|lut| &lut.errors.wce))),
            ("coding", optional(self.config.coding.as_ref())),
            ("act_bits", optional(quantization.and_then(|q| q.act_bits.as_ref()))),
            ("weight_bits", optional(quantization.and_then(|q| q.weight_bits.as_ref()))),
            ("noise_std", optional(noise.map(|noise| noise.stdev).as_ref())),
            ("noise_mean", optional(noise.map(|noise| noise.mean).as_ref())),
            ("seed", self.config.seed.to_string()),
            ("top1", accuracy.top1.to_string()),
            ("ci95_low", accuracy.ci95[0].to_string()),
            ("ci95_high", accuracy.ci95[1].to_string()),
            ("top5", optional(accuracy.top5.as_ref())),
            ("correct", accuracy.correct.to_string()),
            ("total", accuracy.total.to_string()),
            ("loss", accuracy.loss.to_string()),
            ("opcount_per_sample", self.opcount.per_sample.to_string()),
            ("opcount_total", self.opcount.total.to_string()),
            ("seconds", self.timing.seconds.to_string()),
            ("images_per_second", self.timing.images_per_second.to_string()),
        ])
    }
}

impl Report {
    fn layer_section(&self) -> Section {
        let header = ["layer", "kind", "multiplier", "multiplications", "fan-in", "weight", "output"];
        let row = |layer: &LayerReport| {
            vec![
                layer.name.clone(),
                layer.kind.to_owned(),
                layer.multiplier().to_owned(),
                grouped(layer.opcount),
                layer.fan_in.to_string(),
                shape(&layer.weight_shape),
                shape(&layer.output_shape),
            ]
        };
        Section {
            title: None,
            header: header.map(str::to_owned).to_vec(),
            rows: self.layers.iter().map(row).collect(),
            numeric: vec![3, 4],
        }
    }
}

impl QuantizationReport {
    fn summary(&self) -> String {
        let (path, samples) = (optional(self.path.as_ref()), optional(self.samples.as_ref()));
        let from = match self.source {
            ParamsSource::Qparams => format!("parameters from {path}"),
            ParamsSource::Model => format!("calibrated on {samples} samples of the model's own set"),
            ParamsSource::CalibData => format!("calibrated on {samples} samples of {path}"),
        };
        match (self.act_bits, self.weight_bits, &self.observer) {
            (Some(act), Some(weight), Some(observer)) => {
                format!("{act}-bit activations, {weight}-bit weights, {observer}, {from}")
            }
            _ => from,
        }
    }
}

fn gate_summary(gate: &Gate) -> String {
    let verdict = if gate.passed { "held" } else { "FAILED" };
    match gate.gate {
        GateKind::MinAccuracy => {
            format!("top-1 {} of at least {}: {verdict}", percent(gate.found), percent(gate.bound))
        }
        GateKind::MaxDrop => format!("drop {} of at most {}: {verdict}", percent(gate.found), percent(gate.bound)),
    }
}
