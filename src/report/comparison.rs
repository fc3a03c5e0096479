//! Runs compared with one of them.

use super::document::{Document, Records, Section, UnknownColumn, optional};
use super::{CostAxis, SavedReport};
use crate::lut::Coding;
use crate::stats::{percent, significant, whole_number};
use crate::task::{Comparison, Metric, TASKS, Task};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Runs compared with a reference over the same samples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ComparisonDetails {
    /// The run that the others are compared with.
    pub reference: ComparedRun,
    /// The others.
    pub runs: Vec<ComparedRun>,
    /// What a reader should know.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Headings of the columns that were asked for, in their order; none for the usual ones.
    #[serde(skip)]
    columns: Vec<String>,
}

/// A run, and how it compares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ComparedRun {
    /// Its report's file.
    pub report: String,
    /// The network.
    pub model: String,
    /// What its layers computed.
    pub mode: String,
    /// Its multiplier, in approximate mode; of several, as many as a line names.
    pub lut: Option<String>,
    /// How most of its quantized integers became operands.
    #[serde(default)]
    pub coding: Option<Coding>,
    /// What it was evaluated on.
    #[serde(default)]
    pub dataset: String,
    /// Its metric.
    #[serde(flatten)]
    pub metric: Metric,
    /// Energy of its multiplications over that of exact ones, where its report has it.
    #[serde(default)]
    pub relative_energy: Option<f64>,
    /// Power of its multipliers over that of exact ones, where its report has it.
    #[serde(default)]
    pub relative_power: Option<f64>,
    /// Fraction of its multiplications that these speak for.
    #[serde(default)]
    pub coverage: Option<f64>,
    /// Where these come from: figures of different sources cannot be compared. None for exact multipliers, which are 1 by
    /// any source.
    #[serde(default)]
    pub cost_sources: BTreeSet<String>,
    /// Against the reference; `None` for the reference itself.
    pub comparison: Option<Comparison>,
}

impl ComparisonDetails {
    /// `runs` with their comparisons, and what they are compared with.
    pub fn new(reference: &SavedReport, runs: impl IntoIterator<Item = (SavedReport, Comparison)>) -> Self {
        let reference_run = ComparedRun::new(reference, None);
        let mut details = ComparisonDetails { reference: reference_run, runs: vec![], notes: vec![], columns: vec![] };
        for (run, comparison) in runs {
            let note = run.other_network(&reference.report);
            details.notes.extend(note.inspect(|note| tracing::warn!("{note}")));
            details.runs.push(ComparedRun::new(&run, Some(comparison)));
        }
        details
    }

    /// The comparison with these columns in its tables.
    ///
    /// # Errors
    /// When there is no column of such a heading.
    pub fn with_columns(mut self, headings: &[String]) -> Result<Self, UnknownColumn> {
        self.runs_section().select(headings)?;
        self.columns = headings.to_vec();
        Ok(self)
    }

    /// The reference, then the others.
    fn all(&self) -> impl Iterator<Item = &ComparedRun> + Clone {
        std::iter::once(&self.reference).chain(&self.runs)
    }

    fn sources_differ(&self) -> bool {
        let mut known = self.all().map(|run| &run.cost_sources).filter(|sources| !sources.is_empty());
        let first = known.next();
        known.any(|sources| Some(sources) != first)
    }

    /// The runs, with all columns that say something of them.
    fn runs_section(&self) -> Section {
        let task = self.reference.metric.task;
        let codings: BTreeSet<String> =
            self.all().filter_map(|run| run.coding).map(|coding| coding.to_string()).collect();
        let names =
            ["report", "model", "mode", "multiplier"].into_iter().chain((codings.len() > 1).then_some("coding"));
        let names: Vec<&str> = names.collect();
        let is_partial = self.all().any(|run| run.coverage.is_some_and(|coverage| coverage < 1.0));
        let is_known = |(_, text): &CostColumn| self.all().any(|run| text(run).is_some());
        let costs = COSTS.into_iter().filter(is_known).chain(is_partial.then_some(COVERAGE));
        let costs: Vec<CostColumn> = costs.chain(self.sources_differ().then_some(SOURCE)).collect();
        let headings = headings(task);
        let row = |run: &ComparedRun| {
            let own = [run.report.clone(), run.model.clone(), run.mode.clone(), run.lut().to_owned(), run.coding()];
            let compared = run.comparison.as_ref();
            let compared = compared.map_or_else(|| vec![String::new(); headings.len()], |found| cells(found, task));
            own.into_iter()
                .take(names.len())
                .chain([run.metric.to_string()])
                .chain(costs.iter().map(|(_, text)| text(run).unwrap_or_default()))
                .chain(compared)
                .collect()
        };
        let columns =
            names.iter().copied().chain([task.metric().name]).chain(costs.iter().map(|(heading, _)| *heading));
        let header: Vec<String> = columns.chain(headings.iter().copied()).map(str::to_owned).collect();
        Section {
            rows: self.all().map(row).collect(),
            numeric: (names.len()..header.len()).filter(|&i| header[i] != SOURCE.0).collect(),
            details: details(&header),
            header,
            ..Section::default()
        }
    }
}

impl ComparedRun {
    /// The run of a saved report.
    pub fn new(saved: &SavedReport, comparison: Option<Comparison>) -> Self {
        let report = &saved.report;
        let costs = [CostAxis::Energy, CostAxis::Power].map(|axis| axis.of(report));
        let value = |i: usize| costs[i].as_ref().map(|figure| figure.value);
        ComparedRun {
            report: saved.path.display().to_string(),
            model: report.model.name.clone(),
            mode: report.config.mode.to_string(),
            lut: match report.luts.len() {
                0 | 1 => report.lut.as_ref().map(|lut| lut.name.clone()),
                _ => Some(report.multipliers()),
            },
            coding: report.config.coding,
            dataset: report.dataset.name.clone(),
            metric: saved.metric(),
            relative_energy: value(0),
            relative_power: value(1),
            coverage: costs.iter().flatten().map(|figure| figure.coverage).next(),
            cost_sources: costs
                .iter()
                .flatten()
                .filter(|figure| !figure.is_unit)
                .map(|figure| figure.basis.clone())
                .collect(),
            comparison,
        }
    }

    fn lut(&self) -> &str {
        self.lut.as_deref().unwrap_or("-")
    }

    fn coding(&self) -> String {
        self.coding.map_or_else(|| "-".to_owned(), |coding| coding.to_string())
    }

    fn cost_source(&self) -> String {
        self.cost_sources.iter().map(String::as_str).collect::<Vec<_>>().join("; ")
    }
}

/// A column of a run's cost: its heading, and its text, where the cost is known.
type CostColumn = (&'static str, fn(&ComparedRun) -> Option<String>);

/// The costs that tables show.
const COSTS: [CostColumn; 2] = [
    ("energy", |run| run.relative_energy.map(|energy| significant(energy, 3))),
    ("power", |run| run.relative_power.map(|power| significant(power, 3))),
];

/// The share of multiplications that costs speak for.
const COVERAGE: CostColumn = ("coverage", |run| run.coverage.map(percent));

/// Where costs come from.
const SOURCE: CostColumn = ("costs by", |run| Some(run.cost_source()));

/// Headings of [`cells`], in a comparison of networks for `task`.
pub(super) fn headings(task: Task) -> Vec<&'static str> {
    ["difference", "95 % interval"].iter().chain(task.test_headings()).copied().collect()
}

/// The columns of details among these: lost and gained samples say more than the share of unchanged ones.
pub(super) fn details(header: &[String]) -> Vec<usize> {
    (0..header.len()).filter(|&i| header[i] == "agreement").collect()
}

/// A comparison of networks for `task` as cells of a table.
pub(super) fn cells(comparison: &Comparison, task: Task) -> Vec<String> {
    let difference = |difference| task.metric().difference(difference);
    let interval = task.metric().difference_interval(comparison.ci95);
    let start = [difference(comparison.difference), interval];
    start.into_iter().chain(comparison.test.cells()).collect()
}

/// Fields of tasks by name.
pub(super) struct TaskFields(pub Vec<(&'static str, String)>);

impl TaskFields {
    /// The field of that name, empty where this run's task has no such field.
    pub fn get(&self, name: &str) -> String {
        self.0.iter().find(|(field, _)| *field == name).map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// The fields that tasks have by `columns` and that are not among `present`.
    pub fn others(
        &self,
        columns: fn(Task) -> &'static [&'static str],
        present: &[(&'static str, String)],
    ) -> Vec<(&'static str, String)> {
        let mut others: Vec<(&'static str, String)> = Vec::new();
        for &name in TASKS.iter().flat_map(|&task| columns(task)) {
            if !present.iter().chain(&others).any(|(other, _)| *other == name) {
                others.push((name, self.get(name)));
            }
        }
        others
    }
}

impl Document for ComparisonDetails {
    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a comparison is JSON")
    }

    fn title(&self) -> String {
        format!("Compared with {}", self.reference.report)
    }

    fn sections(&self) -> Vec<Section> {
        let runs = self.runs_section();
        // They were all found when they were asked for.
        let runs = if self.columns.is_empty() { runs } else { runs.select(&self.columns).unwrap_or_default() };
        let sources: BTreeSet<&str> = self.all().flat_map(|run| &run.cost_sources).map(String::as_str).collect();
        let sources = sources.into_iter().collect::<Vec<_>>().join("; ");
        let note = match sources.as_str() {
            "" => ("costs", "relative to exact multiplications".to_owned()),
            _ if self.sources_differ() => {
                ("note", format!("these costs cannot be compared, since their sources differ: {sources}"))
            }
            _ => ("costs", format!("relative to exact multiplications, by {sources}")),
        };
        let is_shown = COSTS.iter().any(|(heading, _)| runs.header.iter().any(|shown| shown == heading));
        let notes = is_shown.then_some(note).into_iter();
        let notes = Section::pairs(notes.chain(self.notes.iter().map(|note| ("note", note.clone()))));
        [runs, notes].into_iter().filter(|section| !section.rows.is_empty()).collect()
    }

    fn records(&self) -> Records {
        let row = |run: &ComparedRun| {
            let comparison = run.comparison.as_ref();
            let metric = (run.metric.task.metric().key, run.metric.value.to_string());
            let test = comparison.map(|comparison| comparison.test.record()).unwrap_or_default();
            let own = TaskFields(std::iter::once(metric).chain(test).collect());
            let mut fields = vec![
                ("report", run.report.clone()),
                ("model", run.model.clone()),
                ("mode", run.mode.clone()),
                ("lut", run.lut.clone().unwrap_or_default()),
                ("top1", own.get("top1")),
                ("samples", optional(comparison.map(|c| &c.samples))),
                ("difference", optional(comparison.map(|c| &c.difference))),
                ("ci95_low", optional(comparison.map(|c| &c.ci95[0]))),
                ("ci95_high", optional(comparison.map(|c| &c.ci95[1]))),
            ];
            fields.extend(own.others(|task| task.comparison_columns(), &fields));
            fields.extend([
                ("dataset", run.dataset.clone()),
                ("p", comparison.and_then(Comparison::p).map(whole_number).unwrap_or_default()),
                ("relative_energy", optional(run.relative_energy.as_ref())),
                ("relative_power", optional(run.relative_power.as_ref())),
                ("coverage", optional(run.coverage.as_ref())),
                ("cost_source", run.cost_source()),
                ("coding", optional(run.coding.as_ref())),
            ]);
            fields
        };
        Records::many(self.all().map(row))
    }
}
