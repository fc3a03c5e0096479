//! What a search for an assignment found, as it is written and read.

mod document;

use super::{ConfigReport, DatasetReport, Degradation, ModelReport, ToolReport};
use crate::lut::{CostKind, CostSource};
use serde::{Deserialize, Serialize};

/// Which multiplier for which layer: what a search found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SearchDetails {
    /// [`SCHEMA`](super::SCHEMA).
    pub schema: u32,
    /// `search`.
    pub kind: String,
    /// The program.
    pub tool: ToolReport,
    /// The network.
    pub model: ModelReport,
    /// What it was evaluated on.
    pub dataset: DatasetReport,
    /// How it is run with exact products.
    pub config: ConfigReport,
    /// What was asked for, and how it was looked for.
    pub settings: SearchSettings,
    /// The samples.
    pub samples: SearchSamples,
    /// The multipliers that layers may have, exact products first.
    pub multipliers: Vec<SearchMultiplier>,
    /// The layers that may have them.
    pub layers: Vec<SearchLayer>,
    /// The assignment that was chosen.
    pub chosen: SearchPoint,
    /// The best one of one multiplier within the bound.
    pub uniform: SearchPoint,
    /// What a plain greedy choice comes to.
    pub greedy: SearchPoint,
    /// The best that each method found.
    pub methods: Vec<SearchPoint>,
    /// What is best for its cost of what was evaluated on all samples of the search, the cheapest first.
    pub front: Vec<SearchPoint>,
    /// How many assignments were compared.
    pub evaluations: usize,
    /// What ended the search early: `evaluations` or `time`.
    pub stopped: Option<String>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// What a search was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SearchSettings {
    /// What is minimized.
    pub objective: CostKind,
    /// The kind of source of the multipliers' costs.
    pub cost_source: CostSource,
    /// What these costs are comparable with.
    pub cost_basis: String,
    /// The largest drop of the metric against exact products.
    pub max_drop: f64,
    /// The one-sided confidence asked for.
    pub confidence: f64,
    /// The most different multipliers, exact ones included.
    pub max_multipliers: Option<usize>,
    /// The methods.
    pub methods: Vec<String>,
    /// Choices that survive a generation of NSGA-II.
    pub population: usize,
    /// Its generations.
    pub generations: usize,
    /// Seed of all that was drawn.
    pub seed: u64,
}

/// Which samples a search used for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchSamples {
    /// Those that all assignments were compared on.
    pub scan: usize,
    /// These and more, which the best ones were chosen on.
    pub search: usize,
    /// Those that the search never saw.
    pub confirmation: usize,
}

/// A multiplier of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SearchMultiplier {
    /// Its name; `exact` for exact products.
    pub name: String,
    /// The file or name that was given; `None` for exact products.
    pub lut: Option<String>,
    /// Hash of its table.
    pub blake3: Option<String>,
    /// What a multiplication costs, relative to an exact one.
    pub relative_cost: f64,
}

/// A layer of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SearchLayer {
    /// Its name.
    pub name: String,
    /// The kind of layer.
    pub kind: String,
    /// Multiplications of one sample.
    pub opcount: u64,
    /// Their share of all multiplications of the network.
    pub opcount_share: f64,
    /// The largest relative deviation of noise that it tolerates alone, where that was looked for.
    pub tolerance: Option<f64>,
}

/// An assignment, and what it does to the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SearchPoint {
    /// What it is here: `chosen`, `uniform`, `greedy`, a method's name, or `front`.
    pub role: String,
    /// What came to it: `uniform`, `alone`, `greedy`, `knapsack`, `matching` or `nsga2`.
    pub origins: Vec<String>,
    /// The multiplier of each layer.
    pub assignment: Vec<String>,
    /// How many different ones there are.
    pub multipliers: usize,
    /// What the network's multiplications cost, relative to exact ones.
    pub relative_cost: f64,
    /// What it does to the network on the samples that all assignments were compared on.
    pub scan: Degradation,
    /// The same on all samples of the search, where it was evaluated on them.
    pub search: Option<Degradation>,
    /// The same on the samples that the search never saw.
    pub confirmation: Option<Degradation>,
}

impl SearchPoint {
    /// The drop on the samples that the search never saw, else on the most of those it saw.
    pub fn best_known(&self) -> &Degradation {
        self.confirmation.as_ref().or(self.search.as_ref()).unwrap_or(&self.scan)
    }
}

impl SearchDetails {
    /// The `kind` of such documents.
    pub const KIND: &str = "search";

    /// Whether the chosen assignment is within the bound on the samples that the search never saw.
    pub fn is_confirmed(&self) -> bool {
        self.chosen.confirmation.as_ref().is_some_and(|found| found.drop <= self.settings.max_drop)
    }

    /// The assignments that tables name.
    fn named(&self) -> impl Iterator<Item = &SearchPoint> {
        [&self.chosen, &self.uniform, &self.greedy].into_iter().chain(&self.methods)
    }
}
