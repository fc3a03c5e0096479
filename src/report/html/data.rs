//! What a page shows, as plain data. Its JSON is what the page's script reads.

use super::runs::{self, MeasuredDrop, Run};
use crate::report::ToolReport;
use crate::task::{MetricInfo, MetricUnit};
use serde::Serialize;

/// A study.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StudyPage {
    /// What stands above it.
    pub title: String,
    /// The program that wrote the page.
    pub tool: ToolReport,
    /// The drop of the metric that the page opens with, a fraction.
    pub bound: f64,
    /// The folders that were read.
    pub sources: Vec<String>,
    /// How much of the plan is done.
    pub jobs: Jobs,
    /// Settings that all jobs share: names and values.
    pub settings: Vec<(String, String)>,
    /// What energies are comparable with: only those of one basis. The first is that of the most multipliers.
    pub bases: Vec<String>,
    /// The multipliers.
    pub multipliers: Vec<Multiplier>,
    /// The networks, each on one data set under one choice of settings.
    pub networks: Vec<Network>,
    /// One row for each evaluation.
    #[serde(serialize_with = "runs::serialize")]
    pub runs: Vec<Run>,
    /// Sensitivity, search and other documents found beside the journals.
    pub documents: Vec<StudyDocument>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// The jobs of a study's plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Jobs {
    /// Jobs planned, where the folder says so.
    pub planned: Option<usize>,
    /// Jobs done.
    pub done: usize,
    /// The first of those that have no result yet: what they are called, or their places in the plan.
    pub missing: Vec<String>,
}

/// A multiplier of the study.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Multiplier {
    /// What the study calls it.
    pub name: String,
    /// What an evaluation's `--lut` takes: a path, or the name.
    pub spec: String,
    /// What it is, where its design is known.
    pub design: Option<String>,
    /// Whether its operands are signed, where its table is known.
    pub signed: Option<bool>,
    /// Its errors, where its table is known.
    pub errors: Option<MultiplierErrors>,
    /// Energy of one multiplication over that of an exact one, by basis, where it is known.
    pub energy: Vec<Option<f64>>,
    /// Its errors over both operands, where its table can still be opened.
    pub heat_map: Option<HeatMap>,
    /// Why there is no heat map.
    pub no_heat_map: Option<String>,
}

/// How far a multiplier is from the exact product, over all pairs of operands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct MultiplierErrors {
    /// Mean absolute error, in units of the product.
    pub mae: f64,
    /// The largest absolute error, in units of the product.
    pub wce: u32,
    /// Mean relative error, a fraction.
    pub mre: f64,
    /// Mean error, in units of the product.
    pub bias: f64,
    /// Fraction of products that are not exact.
    pub ep: f64,
}

/// Mean errors over cells of a multiplier's operands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HeatMap {
    /// Cells of the first operand and of the second.
    pub cells: [usize; 2],
    /// The lowest and the highest value of the first operand and of the second.
    pub operands: [[i32; 2]; 2],
    /// The largest absolute mean error of a cell, in units of the product.
    pub largest: f64,
    /// A byte a cell in base 64, first operand major: 127 times the root of the error over the largest one, with the
    /// error's sign, as `i8`.
    pub bytes: String,
}

/// A network on its data under one choice of settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// The network as an evaluation's `--model` takes it.
    pub model: String,
    /// The data set as `--data` takes it; none for the model's own.
    pub data: Option<String>,
    /// The data set's name.
    pub dataset: String,
    /// Samples evaluated.
    pub samples: usize,
    /// Settings that tell it from others of the study: names and values.
    pub settings: Vec<(String, String)>,
    /// Settings other than the mode, as options of an evaluation: names and values.
    pub options: Vec<(String, String)>,
    /// Its metric.
    pub metric: PageMetric,
    /// Its layers that multiply integers.
    pub layers: Vec<NetworkLayer>,
    /// What drops are measured from; none where the study has no evaluation of it at all.
    pub baseline: Option<Baseline>,
    /// The same in fp32, where the study has it.
    pub fp32: Option<Baseline>,
    /// The best multiplier for each layer, by basis.
    pub mixes: Vec<Mix>,
}

/// The metric of a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PageMetric {
    /// As `top1`.
    pub key: String,
    /// As `top-1 accuracy`.
    pub title: String,
    /// Whether values are shown in percent, and differences in points.
    pub percent: bool,
}

impl Default for PageMetric {
    fn default() -> Self {
        PageMetric::from(crate::task::Task::default().metric())
    }
}

impl From<&MetricInfo> for PageMetric {
    fn from(metric: &MetricInfo) -> Self {
        let percent = metric.unit == MetricUnit::Percent;
        PageMetric { key: metric.key.to_owned(), title: metric.title.to_owned(), percent }
    }
}

/// A layer of a network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NetworkLayer {
    /// Its name.
    pub name: String,
    /// What kind of layer it is.
    pub kind: String,
    /// Multiplications of one sample.
    pub opcount: u64,
}

/// What drops are measured from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Baseline {
    /// What it is.
    pub kind: BaselineKind,
    /// The value, a fraction.
    pub value: f64,
    /// Its 95 % interval.
    pub ci95: [f64; 2],
    /// What it is, in words.
    pub label: String,
}

/// Kinds of baselines, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BaselineKind {
    /// Exact integer products: what the multiplier alone changes is the drop.
    Exact,
    /// The network in fp32: quantization counts as a drop too.
    Fp32,
    /// The best evaluation of the study, as it has neither of the others.
    Best,
}

/// The least energy for every drop that is allowed, a multiplier chosen for each layer: predicted from drops of one
/// layer at a time, added up.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Mix {
    /// The choices that layers have, beside exact products.
    pub choices: Vec<Choice>,
    /// What the drops of one layer at a time are, by choice, layer by layer.
    pub layers: Vec<MixLayer>,
    /// The smallest difference of two drops that is told apart, a fraction.
    pub unit: f64,
    /// Every drop at which the energy falls, in order of drop.
    pub steps: Vec<MixStep>,
}

/// A multiplier that a layer can have.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choice {
    /// Its place among the page's multipliers.
    pub multiplier: usize,
    /// The coding of its operands.
    pub coding: Option<String>,
    /// Energy of one multiplication over that of an exact one.
    pub energy: f64,
}

/// Drops of one layer.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MixLayer {
    /// The drop when this layer alone has a choice, in the order of choices; none where that was not evaluated.
    pub drops: Vec<Option<MeasuredDrop>>,
}

/// An assignment of multipliers to layers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MixStep {
    /// The sum of the layers' drops, a fraction; improvements count as 0.
    pub drop: f64,
    /// Energy of all multiplications over that of exact ones.
    pub energy: f64,
    /// The choice of each layer; none for exact products.
    pub picks: Vec<Option<usize>>,
}

/// A document found beside the journals.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StudyDocument {
    /// As `sensitivity` or `search`.
    pub kind: String,
    /// Its file.
    pub file: String,
    /// The network, where it says which.
    pub network: Option<String>,
    /// What it says in a few words: names and values.
    pub facts: Vec<(String, String)>,
    /// Its figures.
    pub figures: Vec<StudyFigure>,
    /// Its tables.
    pub tables: Vec<StudyTable>,
}

/// A figure of a document.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "form", rename_all = "kebab-case")]
pub enum StudyFigure {
    /// A bar for each name.
    Bars {
        /// What lengths are.
        title: String,
        /// Names, values and their 95 % intervals, where these are known.
        bars: Vec<(String, f64, Option<[f64; 2]>)>,
        /// Whether values are fractions to be shown in points.
        points: bool,
    },
    /// Values against energy.
    Front {
        /// What was found.
        points: Vec<FrontPoint>,
    },
}

/// A point of a front.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FrontPoint {
    /// What it is called.
    pub name: String,
    /// Energy, or another cost, over that of exact multiplications.
    pub energy: f64,
    /// The metric's value, a fraction.
    pub value: f64,
    /// Its 95 % interval, where it is known.
    pub ci95: Option<[f64; 2]>,
    /// Whether it is the one that was chosen.
    pub chosen: bool,
}

/// A table of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct StudyTable {
    /// What stands above it.
    pub caption: String,
    /// Names of the columns.
    pub header: Vec<String>,
    /// Cells.
    pub rows: Vec<Vec<String>>,
    /// Columns of numbers.
    pub numeric: Vec<usize>,
}
