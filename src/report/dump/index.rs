//! `index.json`: what the files of a dump hold.

use super::array::{Array, DumpFormat};
use crate::layer::{AccBits, AccOverflow, InferenceMode};
use crate::lut::Coding;
use crate::report::ToolReport;
use serde::Serialize;
use std::collections::BTreeMap;

/// The schema of the index.
pub const DUMP_SCHEMA: u32 = 1;

/// A dump.
#[derive(Debug, Serialize)]
pub(super) struct Index {
    pub schema: u32,
    pub tool: ToolReport,
    pub model: String,
    /// Indices of the samples in the dataset, in the order that they have in the arrays.
    pub samples: Vec<usize>,
    pub layers: Vec<LayerIndex>,
    pub left_out: Vec<LeftOut>,
}

/// A layer without files.
#[derive(Debug, Serialize)]
pub(super) struct LeftOut {
    pub name: String,
    pub kind: &'static str,
    pub why: &'static str,
}

/// A layer.
#[derive(Debug, Serialize)]
pub(super) struct LayerIndex {
    pub name: String,
    pub kind: &'static str,
    pub mode: InferenceMode,
    pub coding: Option<Coding>,
    /// `None` in mode quant, whose products are exact.
    pub lut: Option<LutIndex>,
    pub geometry: Geometry,
    pub input: OperandIndex,
    pub weight: OperandIndex,
    /// What sums of activations, less their zero points, are multiplied by, of a layer that is corrected so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activation_factor: Option<Stored>,
    pub bias: Option<BiasIndex>,
    pub accumulator: Option<AccumulatorIndex>,
    pub sums: Stored,
    pub output: OutputIndex,
}

/// A multiplier's terms.
#[derive(Debug, Clone, Serialize)]
pub(super) struct LutIndex {
    pub name: String,
    #[serde(flatten)]
    pub stored: Stored,
}

/// The layer as a two-dimensional convolution over images.
#[derive(Debug, Serialize)]
pub(super) struct Geometry {
    pub transposed: bool,
    pub images: usize,
    pub groups: usize,
    /// Of all groups.
    pub channels: usize,
    /// Of all groups.
    pub outputs: usize,
    pub input: [usize; 2],
    pub kernel: [usize; 2],
    pub output: [usize; 2],
    pub stride: [usize; 2],
    /// Before the first row and column.
    pub padding: [usize; 2],
    pub dilation: [usize; 2],
}

/// An operand: scales and zero points are numbers where all of it has the same, else arrays.
#[derive(Debug, Serialize)]
pub(super) struct OperandIndex {
    #[serde(flatten)]
    pub stored: Stored,
    pub scale: OneOrEach<f32>,
    pub zero_point: OneOrEach<i32>,
    pub q_min: i32,
    pub q_max: i32,
}

/// One value, or one of each output channel.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum OneOrEach<T> {
    One(T),
    Each(Stored),
}

/// A bias.
#[derive(Debug, Serialize)]
pub(super) struct BiasIndex {
    #[serde(flatten)]
    pub stored: Stored,
    /// Whether it is part of the sums.
    pub in_sums: bool,
}

/// What sums are kept in.
#[derive(Debug, Serialize)]
pub(super) struct AccumulatorIndex {
    pub bits: AccBits,
    pub overflow: AccOverflow,
}

/// The outputs: of integers how they follow from the sums, of real numbers the range that they are clamped to.
#[derive(Debug, Serialize)]
pub(super) struct OutputIndex {
    #[serde(flatten)]
    pub stored: Stored,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requantization: Option<RequantizationIndex>,
    /// Ends that are infinite are `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip: Option<[Option<f32>; 2]>,
}

/// How integers follow from sums.
#[derive(Debug, Serialize)]
pub(super) struct RequantizationIndex {
    pub rounding: &'static str,
    pub scale: f32,
    pub zero_point: i32,
    /// Bounds of the output, those of a fused activation included.
    pub low: i32,
    pub high: i32,
    /// The multiplier of each output channel is `mantissa * 2^(exponent - 31)`.
    pub mantissa: Stored,
    pub exponent: Stored,
}

/// An array in files.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Stored {
    pub shape: Vec<usize>,
    pub dtype: &'static str,
    pub bits: u32,
    /// By format.
    pub files: BTreeMap<&'static str, String>,
}

impl Stored {
    /// `array` in files called `stem`, each with the ending of its format.
    pub fn new(array: &Array, stem: &str, formats: &[DumpFormat]) -> Self {
        use crate::registry::Named;
        let file = |format: &DumpFormat| (format.name(), format!("{stem}.{}", format.extension()));
        let files = formats.iter().map(file).collect();
        Stored { shape: array.shape.clone(), dtype: array.dtype(), bits: array.bits, files }
    }
}
