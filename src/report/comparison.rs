//! Runs compared with one of them.

use super::document::{Document, Records, Section, optional};
use super::{Baseline, CostAxis};
use crate::stats::{percent, significant};
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
    /// Where these come from: figures of different sources cannot be compared.
    #[serde(default)]
    pub cost_sources: BTreeSet<String>,
    /// Against the reference; `None` for the reference itself.
    pub comparison: Option<Comparison>,
}

impl ComparisonDetails {
    /// `runs` with their comparisons, and what they are compared with.
    pub fn new(reference: &Baseline, runs: impl IntoIterator<Item = (Baseline, Comparison)>) -> Self {
        let mut details =
            ComparisonDetails { reference: ComparedRun::new(reference, None), runs: Vec::new(), notes: Vec::new() };
        for (run, comparison) in runs {
            let note = run.other_network(&reference.report);
            details.notes.extend(note.inspect(|note| tracing::warn!("{note}")));
            details.runs.push(ComparedRun::new(&run, Some(comparison)));
        }
        details
    }

    /// The reference, then the others.
    fn all(&self) -> impl Iterator<Item = &ComparedRun> + Clone {
        std::iter::once(&self.reference).chain(&self.runs)
    }
}

impl ComparedRun {
    /// The run of a saved report.
    pub fn new(saved: &Baseline, comparison: Option<Comparison>) -> Self {
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
            dataset: report.dataset.name.clone(),
            metric: saved.metric(),
            relative_energy: value(0),
            relative_power: value(1),
            coverage: costs.iter().flatten().map(|figure| figure.coverage).next(),
            cost_sources: costs.iter().flatten().map(|figure| figure.basis.clone()).collect(),
            comparison,
        }
    }

    fn lut(&self) -> &str {
        self.lut.as_deref().unwrap_or("-")
    }
}

/// A cost of a run.
type Cost = fn(&ComparedRun) -> Option<f64>;

/// The share of multiplications that costs speak for.
const COVERAGE: &str = "coverage";

/// The costs that tables show, by heading.
const COSTS: [(&str, Cost); 2] = [("energy", |run| run.relative_energy), ("power", |run| run.relative_power)];

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
        let task = self.reference.metric.task;
        let names = ["report", "model", "mode", "multiplier"];
        let is_known = |cost: Cost| self.all().any(|run| cost(run).is_some());
        let costs: Vec<(&str, Cost)> = COSTS.into_iter().filter(|(_, cost)| is_known(*cost)).collect();
        let is_partial = self.all().any(|run| run.coverage.is_some_and(|coverage| coverage < 1.0));
        let coverage = |run: &ComparedRun| is_partial.then(|| run.coverage.map_or_else(String::new, percent));
        let headings = headings(task);
        let row = |run: &ComparedRun| {
            let names = [run.report.clone(), run.model.clone(), run.mode.clone(), run.lut().to_owned()];
            let costs = costs.iter().map(|(_, cost)| cost(run).map_or_else(String::new, |x| significant(x, 3)));
            let compared = run.comparison.as_ref();
            let compared = compared.map_or_else(|| vec![String::new(); headings.len()], |found| cells(found, task));
            names
                .into_iter()
                .chain([run.metric.to_string()])
                .chain(costs)
                .chain(coverage(run))
                .chain(compared)
                .collect()
        };
        let columns = names.into_iter().chain([task.metric().name]).chain(costs.iter().map(|(name, _)| *name));
        let columns = columns.chain(is_partial.then_some(COVERAGE));
        let header: Vec<String> = columns.chain(headings.iter().copied()).map(str::to_owned).collect();
        let runs = Section {
            rows: self.all().map(row).collect(),
            numeric: (names.len()..header.len()).collect(),
            details: details(&header),
            header,
            ..Section::default()
        };
        let sources: BTreeSet<&str> = self.all().flat_map(|run| &run.cost_sources).map(String::as_str).collect();
        let sources = sources.into_iter().collect::<Vec<_>>().join("; ");
        let mut known = self.all().map(|run| &run.cost_sources).filter(|sources| !sources.is_empty());
        let first = known.next();
        let note = if known.all(|sources| Some(sources) == first) {
            ("costs", format!("relative to exact multiplications, by {sources}"))
        } else {
            ("note", format!("these costs cannot be compared, since their sources differ: {sources}"))
        };
        let notes = (!costs.is_empty()).then_some(note).into_iter();
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
                ("p", optional(comparison.and_then(Comparison::p).as_ref())),
                ("relative_energy", optional(run.relative_energy.as_ref())),
                ("relative_power", optional(run.relative_power.as_ref())),
                ("coverage", optional(run.coverage.as_ref())),
                ("cost_source", run.cost_sources.iter().map(String::as_str).collect::<Vec<_>>().join("; ")),
            ]);
            fields
        };
        Records::many(self.all().map(row))
    }
}
