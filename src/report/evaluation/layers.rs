//! The layers of a report, and what they multiply by.

use crate::eval::{Assignment, LayerNoise, LayerSetting, OutputError};
use crate::graph::{Graph, LayerCounts};
use crate::layer::{ApproxLayer, InferenceMode};
use crate::lut::{Coding, CostSource, Costs, Lut};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What reports call the products of fp32 layers.
const FP32: &str = "fp32";

/// What reports call exact integer products.
const EXACT: &str = "exact";

/// Multiplications of linear and convolution layers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OpcountReport {
    /// Of one sample.
    pub per_sample: u64,
    /// Of all samples.
    pub total: u64,
    /// Of all samples, by what multiplied: `fp32`, `exact`, or the multiplier's name.
    pub by_multiplier: BTreeMap<String, u64>,
    /// The energy of the integer multiplications, where the multipliers have figures.
    pub energy: Option<EnergyReport>,
}

/// Energy of multiplications, relative to exact ones.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EnergyReport {
    /// Energy over that of as many exact multiplications.
    pub relative: f64,
    /// Multiplications of one sample that it is the energy of: those of layers whose multiplier has a
    /// figure, and exact ones.
    pub opcount: u64,
    /// Where each multiplier's figure is from.
    pub sources: BTreeMap<String, EnergySource>,
}

/// A multiplier's energy, and whose word that is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EnergySource {
    /// Energy of one multiplication over that of an exact one.
    pub relative: f64,
    /// What kind of source says so.
    pub source: CostSource,
    /// The source in words.
    pub note: String,
}

/// A linear or convolution layer.
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
    /// The operand coding, in modes that quantize.
    pub coding: Option<Coding>,
    /// The perturbation, in noise mode.
    pub noise: Option<LayerNoise>,
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
    /// Integers of the weights.
    pub weight_range: Option<[i32; 2]>,
    /// Whether the parameters given were shifted by 128 into the coding's range.
    pub shifted: bool,
    /// What its mode did to its output and its range to its input, where measured.
    pub error: Option<OutputError>,
}

impl LayerReport {
    /// The layers of a graph, as `assignment` has them, with the errors that were measured in the same
    /// order, if they were. One that was not swapped for an approximate layer multiplies in fp32.
    pub fn of(graph: &Graph, assignment: &Assignment, errors: &[Option<OutputError>]) -> Vec<Self> {
        let errors = errors.iter().copied().chain(std::iter::repeat(None));
        let swapped = graph.layers().zip(assignment.layers()).zip(errors);
        let swapped: HashMap<&str, _> =
            swapped.map(|((layer, setting), error)| (layer.name(), ((layer, setting), error))).collect();
        let report = |product: LayerCounts| {
            let found = swapped.get(product.name.as_str());
            let error = found.and_then(|(_, error)| *error);
            LayerReport { error, ..Self::new(found.map(|(swapped, _)| *swapped), product) }
        };
        graph.layer_counts().into_iter().map(report).collect()
    }

    fn new(swapped: Option<(&dyn ApproxLayer, &LayerSetting)>, product: LayerCounts) -> Self {
        let mode = swapped.map_or(InferenceMode::Baseline, |(layer, _)| layer.mode());
        let quantized = swapped.filter(|_| mode.is_quantized());
        let params = quantized.and_then(|(layer, _)| layer.params());
        let lut = swapped.and_then(|(_, setting)| setting.lut.as_ref()).map(|lut| lut.name().to_owned());
        LayerReport {
            name: product.name,
            kind: product.kind,
            mode,
            lut: lut.filter(|_| mode == InferenceMode::Approximate),
            coding: quantized.map(|(_, setting)| setting.config.coding),
            noise: swapped.filter(|_| mode == InferenceMode::Noise).map(|(_, setting)| setting.noise),
            opcount: product.opcount,
            fan_in: product.fan_in,
            output_shape: product.output_shape,
            weight_shape: product.weight_shape,
            input_scale: params.map(|params| params.input.scale()),
            input_zero_point: params.map(|params| params.input.zero_point()),
            input_range: params.map(|params| [params.input.range().q_min(), params.input.range().q_max()]),
            weight_range: params.map(|params| [params.weight.range().q_min(), params.weight.range().q_max()]),
            shifted: quantized.is_some_and(|(layer, _)| layer.is_shifted()),
            error: None,
        }
    }

    /// What multiplies, as `by_multiplier` names it.
    pub(super) fn multiplier(&self) -> &str {
        match (self.mode, &self.lut) {
            (InferenceMode::Baseline, _) => FP32,
            (_, Some(lut)) => lut,
            (_, None) => EXACT,
        }
    }
}

impl OpcountReport {
    /// The sum over `layers`, for `samples` samples; `luts` are what they multiply by.
    pub fn of(layers: &[LayerReport], samples: usize, luts: &[Arc<Lut>], costs: &Costs) -> Self {
        let mut by_multiplier = BTreeMap::new();
        for layer in layers {
            *by_multiplier.entry(layer.multiplier().to_owned()).or_default() += layer.opcount * samples as u64;
        }
        let per_sample: u64 = layers.iter().map(|layer| layer.opcount).sum();
        let energy = EnergyReport::of(layers, luts, costs);
        OpcountReport { per_sample, total: per_sample * samples as u64, by_multiplier, energy }
    }
}

impl EnergyReport {
    /// Whether figures of different kinds of sources are added up, which may not be comparable.
    pub fn is_mixed(&self) -> bool {
        let mut kinds = self.sources.values().map(|source| source.source);
        kinds.next().is_some_and(|first| kinds.any(|kind| kind != first))
    }

    /// The energy of `layers`; none where no multiplier in use has a figure.
    fn of(layers: &[LayerReport], luts: &[Arc<Lut>], costs: &Costs) -> Option<Self> {
        let figure = |lut: &Arc<Lut>| {
            let cost = costs.get(lut)?;
            let source = EnergySource { relative: cost.relative_energy?, source: cost.source, note: cost.note };
            Some((lut.name().to_owned(), source))
        };
        let sources: BTreeMap<String, EnergySource> = luts.iter().filter_map(figure).collect();
        let relative = |layer: &LayerReport| match layer.multiplier() {
            FP32 => None,
            EXACT if layer.lut.is_none() => Some(1.0),
            lut => sources.get(lut).map(|source| source.relative),
        };
        let known = layers.iter().filter_map(|layer| Some((layer.opcount, relative(layer)?)));
        let (opcount, energy) =
            known.fold((0, 0.0), |(count, energy), (n, relative)| (count + n, energy + n as f64 * relative));
        let relative = energy / opcount as f64;
        (!sources.is_empty() && opcount > 0).then_some(EnergyReport { relative, opcount, sources })
    }
}
