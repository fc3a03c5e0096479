//! The layers of a report.

use super::given_integers::GivenIntegers;
use crate::eval::{Arithmetic, Assignment, LayerConfig, LayerFindings, LayerNoise, OutputError, ParamsSource};
use crate::graph::{Graph, LayerCounts};
use crate::layer::{AccumulatorFindings, InferenceMode};
use crate::lut::{CODINGS, Coding, OperandErrors};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Name of the multiplier of fp32 layers.
pub(super) const FP32: &str = "fp32";

/// Name of the multiplier of exact integer products.
pub(super) const EXACT: &str = "exact";

/// A linear or convolution layer, or a product of two activations.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LayerReport {
    /// Its name.
    pub name: String,
    /// What kind of layer it is.
    pub kind: String,
    /// What it computed.
    pub mode: InferenceMode,
    /// The multiplier, in approximate mode.
    pub lut: Option<String>,
    /// The operand coding, in modes that quantize, where it is known: parameters from elsewhere need not say it.
    pub coding: Option<Coding>,
    /// The perturbation, in noise mode.
    pub noise: Option<LayerNoise>,
    /// Multiplications of one sample.
    pub opcount: u64,
    /// Products summed into one output element.
    pub fan_in: usize,
    /// Dimensions of one sample's output.
    pub output_shape: Vec<usize>,
    /// Dimensions of the weight; empty for a product of two activations.
    pub weight_shape: Vec<usize>,
    /// Where its scales come from, in modes that quantize.
    #[serde(default)]
    pub scales: Option<ParamsSource>,
    /// Scale of the input, or of a product's first factor, in modes that quantize.
    pub input_scale: Option<f32>,
    /// Zero point of the input.
    pub input_zero_point: Option<i32>,
    /// Integers of the input.
    pub input_range: Option<[i32; 2]>,
    /// Integers of the weights, or of a product's second factor.
    pub weight_range: Option<[i32; 2]>,
    /// The lowest and the highest zero point of the weights: channels may have different ones.
    #[serde(default)]
    pub weight_zero_points: Option<[i32; 2]>,
    /// Scale of a product's second factor, in modes that quantize.
    pub second_scale: Option<f32>,
    /// Zero point of the same.
    pub second_zero_point: Option<i32>,
    /// Whether the given parameters were shifted into the coding's range.
    pub shifted: bool,
    /// How far the integers of the input were shifted, with their zero point.
    #[serde(default)]
    pub input_shift: i32,
    /// How far those of the weights were.
    #[serde(default)]
    pub weight_shift: i32,
    /// The output error and input saturation, where measured.
    pub error: Option<OutputError>,
    /// The output error's mean and relative standard deviation as predicted from the multiplier's table on calibration
    /// data, where the error was measured.
    #[serde(default)]
    pub predicted: Option<LayerNoise>,
    /// The multiplier's errors over the operands that the layer multiplies, counted over the run's first samples.
    #[serde(default)]
    pub operands: Option<OperandErrors>,
    /// What its accumulators went through, where it had such.
    #[serde(default)]
    pub accumulator: Option<AccumulatorFindings>,
    /// By which kernel and how the products were summed, in modes that quantize: as products of mapped operands, or
    /// looked up. It makes no difference to any result.
    #[serde(default)]
    pub sums: Option<String>,
}

/// The lowest and the highest of some numbers.
fn ends(numbers: &[i32]) -> Option<[i32; 2]> {
    Some([*numbers.iter().min()?, *numbers.iter().max()?])
}

/// A zero point, or the lowest and the highest of several.
pub(super) fn zero_point_text([low, high]: [i32; 2]) -> String {
    if low == high { low.to_string() } else { format!("{low} to {high}") }
}

impl LayerReport {
    /// The layers of a graph, as `assignment` set them and with what was found of each, in the same order.
    /// A layer that was not swapped for an approximate one multiplies in fp32.
    pub fn from_graph(graph: &Graph, assignment: &Assignment, found: &[LayerFindings]) -> Vec<Self> {
        let swapped = graph.layers().zip(assignment.layers().iter().zip(found));
        let swapped: HashMap<&str, _> = swapped.map(|(layer, set)| (layer.name(), set)).collect();
        let report = |counts: LayerCounts| Self::new(swapped.get(counts.name.as_str()).copied(), counts);
        graph.layer_counts().into_iter().map(report).collect()
    }

    fn new(swapped: Option<(&LayerConfig, &LayerFindings)>, counts: LayerCounts) -> Self {
        let mode = swapped.map_or(InferenceMode::Baseline, |(config, _)| config.mode());
        let quantized = swapped.filter(|_| mode.is_quantized());
        let params = quantized.and_then(|(_, found)| found.params.as_ref());
        let second = params.filter(|_| counts.weight_shape.is_empty()).and_then(|params| params.weight.as_activation());
        let shifts = quantized.map_or([0; 2], |(_, found)| found.shifts);
        let lut = swapped.and_then(|(config, _)| match &config.arithmetic {
            Arithmetic::Approx(lut) => Some(lut.name().to_owned()),
            _ => None,
        });
        LayerReport {
            name: counts.name,
            kind: counts.kind.to_owned(),
            mode,
            lut,
            coding: quantized.and_then(|(_, found)| found.coding),
            noise: swapped.filter(|_| mode == InferenceMode::Noise).map(|(config, _)| config.noise()),
            opcount: counts.opcount,
            fan_in: counts.fan_in,
            output_shape: counts.output_shape,
            weight_shape: counts.weight_shape,
            scales: quantized.and_then(|(_, found)| found.source),
            input_scale: params.map(|params| params.input.scale()),
            input_zero_point: params.map(|params| params.input.zero_point()),
            input_range: params.map(|params| [params.input.range().q_min(), params.input.range().q_max()]),
            weight_range: params.map(|params| [params.weight.range().q_min(), params.weight.range().q_max()]),
            weight_zero_points: params.and_then(|params| ends(params.weight.zero_points())),
            second_scale: second.map(|second| second.scale()),
            second_zero_point: second.map(|second| second.zero_point()),
            shifted: shifts != [0; 2],
            input_shift: shifts[0],
            weight_shift: shifts[1],
            error: swapped.and_then(|(_, found)| found.error),
            predicted: swapped.and_then(|(_, found)| found.predicted),
            operands: swapped.and_then(|(_, found)| Some(found.operands.as_ref()?.errors)),
            accumulator: swapped.and_then(|(_, found)| found.accumulator),
            sums: swapped.and_then(|(_, found)| found.sums.clone()),
        }
    }

    /// The coding of most of `layers`, the first of several.
    pub(super) fn common_coding(layers: &[LayerReport]) -> Option<Coding> {
        let count = |coding: &Coding| layers.iter().filter(|layer| layer.coding == Some(*coding)).count();
        CODINGS.iter().copied().rev().max_by_key(count).filter(|coding| count(coding) > 0)
    }

    /// The integers of its operands, where the network's file or given parameters have them.
    pub(super) fn given_integers(&self) -> impl Iterator<Item = GivenIntegers> {
        let is_given = matches!(self.scales, Some(ParamsSource::ModelFile | ParamsSource::Qparams));
        let input = self.input_range.zip(self.input_zero_point.map(|zero_point| [zero_point; 2]));
        let weight = self.weight_range.zip(self.weight_zero_points);
        let operands = [(self.input_shift, input), (self.weight_shift, weight)].into_iter();
        operands.filter(move |_| is_given).filter_map(|(by, now)| {
            let (range, zero_points) = now?;
            Some(GivenIntegers { by, range, zero_points })
        })
    }

    /// The integers of the weights with their zero points, as `0 to 255, zero point 128`.
    pub(super) fn weight_integers(&self) -> Option<String> {
        let [low, high] = self.weight_range?;
        let zero_points = self.weight_zero_points.map(zero_point_text);
        Some(format!("{low} to {high}{}", zero_points.map(|text| format!(", zero point {text}")).unwrap_or_default()))
    }

    /// The integers of input and weights, as `-127 to 127, weights -127 to 127`.
    pub(super) fn integers(&self) -> Option<String> {
        let ([low, high], [weight_low, weight_high]) = (self.input_range?, self.weight_range?);
        Some(format!("{low} to {high}, weights {weight_low} to {weight_high}"))
    }

    /// The multiplier's name in `by_multiplier`.
    pub(super) fn multiplier(&self) -> &str {
        match (self.mode, &self.lut) {
            (InferenceMode::Baseline, _) => FP32,
            (_, Some(lut)) => lut,
            (_, None) => EXACT,
        }
    }
}
