//! What several runs reach and what they cost: accuracy against energy, with intervals and the Pareto front.

mod figure;
mod placement;
mod scale;

use super::document::{Document, Records, Section};
use super::{CostAxis, CostFigure, SavedReport};
use crate::layer::InferenceMode;
use crate::registry::Named;
use crate::stats::{grouped, pareto_front, percent, significant};
use crate::task::{MetricInfo, Task};
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Runs as points, and as lines where they have no approximate multiplier.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Tradeoff {
    /// What the points cost.
    pub x: CostAxis,
    /// The source of these costs.
    pub source: String,
    /// The task, which says what the metric is.
    pub task: Task,
    /// The networks and data sets, such as `lenet5 on fashion-mnist`.
    pub subjects: BTreeSet<String>,
    /// Runs with approximate multipliers.
    pub points: Vec<TradeoffPoint>,
    /// Runs without, in fp32 or with exact products.
    pub baselines: Vec<TradeoffBaseline>,
}

/// A run with approximate multipliers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TradeoffPoint {
    /// Its report's file.
    pub report: String,
    /// What it is called: its multiplier where that tells it apart, else the report's name.
    pub label: String,
    /// What it costs.
    pub cost: f64,
    /// Fraction of its multiplications that the cost speaks for.
    pub coverage: f64,
    /// Its metric, a fraction.
    pub value: f64,
    /// The metric's 95 % interval.
    pub ci95: [f64; 2],
    /// Whether no other point costs as little and is as good.
    pub on_front: bool,
}

/// A run that others are measured by.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TradeoffBaseline {
    /// Its report's file.
    pub report: String,
    /// What it is called.
    pub label: String,
    /// Its metric, a fraction.
    pub value: f64,
}

/// Why runs are not shown in one figure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TradeoffError {
    /// A run whose cost is not known.
    #[error(
        "{}: the report has no {axis}: state what its multipliers cost", .path.display()
    )]
    NoCost {
        /// The report.
        path: PathBuf,
        /// The cost that was asked for.
        axis: CostAxis,
    },
    /// Costs of different sources, which cannot be compared.
    #[error(
        "{}: the {axis} is by '{found}', but that of {} is by '{first}', and two sources do not share an axis: \
         state what all multipliers cost in one table", .path.display(), .other.display()
    )]
    Sources {
        /// The report.
        path: PathBuf,
        /// Its source.
        found: String,
        /// An earlier report, or the same where its own costs are of several sources.
        other: PathBuf,
        /// That one's source.
        first: String,
        /// The cost that was asked for.
        axis: CostAxis,
    },
    /// Runs for different tasks, whose metrics differ.
    #[error("{}: a report of {found}, but {} is one of {first}", .path.display(), .other.display())]
    Task {
        /// The report.
        path: PathBuf,
        /// Its task.
        found: Task,
        /// The first report.
        other: PathBuf,
        /// That one's task.
        first: Task,
    },
    /// Runs over different samples, whose metrics cannot be compared.
    #[error(
        "{}: a run over {found}, but {} is one over {first}: plot runs over the same samples", .path.display(),
        .other.display()
    )]
    Data {
        /// The report.
        path: PathBuf,
        /// Its samples.
        found: String,
        /// The first report.
        other: PathBuf,
        /// That one's samples.
        first: String,
    },
    /// A report that is given twice.
    #[error("{}: the report is given more than once: name each report once", .path.display())]
    Repeated {
        /// The report.
        path: PathBuf,
    },
    /// There is nothing to show.
    #[error("none of the reports is of a run with an approximate multiplier: expected at least one")]
    NoPoints,
}

impl TradeoffError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            TradeoffError::NoCost { .. } | TradeoffError::Sources { .. } => &["costs"],
            _ => &[],
        }
    }
}

impl Tradeoff {
    /// What `runs` reach, against their `x`.
    ///
    /// # Errors
    /// When a report is given twice, a run's cost is not known, costs are of different sources, or runs are for
    /// different tasks or over different samples.
    pub fn new(runs: &[SavedReport], x: CostAxis) -> Result<Self, TradeoffError> {
        let mut task: Option<(&SavedReport, Task)> = None;
        let mut source: Option<(&SavedReport, String)> = None;
        // Exact multipliers are the unit of any source.
        let mut unit_basis: Option<String> = None;
        let mut points: Vec<(&SavedReport, CostFigure)> = Vec::new();
        let mut baselines = Vec::new();
        let mut files = BTreeSet::new();
        for run in runs {
            if !files.insert(std::path::absolute(&run.path).unwrap_or_else(|_| run.path.clone())) {
                return Err(TradeoffError::Repeated { path: run.path.clone() });
            }
            let path = || run.path.clone();
            let found = run.metric().task;
            let (other, first) = *task.get_or_insert((run, found));
            if first != found {
                return Err(TradeoffError::Task { path: path(), found, other: other.path.clone(), first });
            }
            let (found, first) = (&run.report.dataset, &runs[0].report.dataset);
            if (&found.blake3, found.samples) != (&first.blake3, first.samples) {
                let [found, first] =
                    [found, first].map(|set| format!("{} samples of {}", grouped(set.samples as u64), set.name));
                return Err(TradeoffError::Data { path: path(), found, other: runs[0].path.clone(), first });
            }
            if run.report.luts.is_empty() && run.report.config.mode != InferenceMode::Noise {
                baselines.push(run);
                continue;
            }
            let figure = x.of(&run.report).ok_or_else(|| TradeoffError::NoCost { path: path(), axis: x })?;
            let found = &figure.basis;
            if figure.is_unit {
                unit_basis.get_or_insert_with(|| found.clone());
                points.push((run, figure));
                continue;
            }
            let (other, first) = source.get_or_insert_with(|| (run, found.clone()));
            if first != found {
                let (found, other, first) = (found.clone(), other.path.clone(), first.clone());
                return Err(TradeoffError::Sources { path: path(), found, other, first, axis: x });
            }
            points.push((run, figure));
        }
        let Some((_, task)) = task.filter(|_| !points.is_empty()) else { return Err(TradeoffError::NoPoints) };
        let labels = labels(&points.iter().map(|(run, _)| *run).collect::<Vec<_>>());
        let places: Vec<[f64; 2]> = points.iter().map(|(run, figure)| [figure.value, run.metric().value]).collect();
        let front = pareto_front(&places);
        let point = |(i, ((run, figure), label)): (usize, (&(&SavedReport, CostFigure), String))| TradeoffPoint {
            report: run.path.display().to_string(),
            label,
            cost: figure.value,
            coverage: figure.coverage,
            value: run.metric().value,
            ci95: run.report.metrics.ci95(),
            on_front: front.contains(&i),
        };
        let subject = |run: &SavedReport| format!("{} on {}", run.report.model.name, run.report.dataset.name);
        let subjects: BTreeSet<String> = runs.iter().map(subject).collect();
        let baseline = |run: &SavedReport| TradeoffBaseline {
            report: run.path.display().to_string(),
            label: baseline_label(run, subjects.len() > 1),
            value: run.metric().value,
        };
        Ok(Tradeoff {
            x,
            source: source.map(|(_, source)| source).or(unit_basis).unwrap_or_default(),
            task,
            points: points.iter().zip(labels).enumerate().map(point).collect(),
            baselines: baselines.into_iter().map(baseline).collect(),
            subjects,
        })
    }

    fn metric(&self) -> &'static MetricInfo {
        self.task.metric()
    }
}

fn baseline_label(run: &SavedReport, names_model: bool) -> String {
    let what = match run.report.config.mode {
        InferenceMode::Baseline => "fp32".to_owned(),
        mode => mode.to_string(),
    };
    if names_model { format!("{what}, {}", run.report.model.name) } else { what }
}

/// What runs are called: by their multiplier, with the network where several have it, else by their names, with the
/// folder where several have that.
fn labels(runs: &[&SavedReport]) -> Vec<String> {
    let multiplier = |run: &SavedReport| match run.report.luts.as_slice() {
        [only] => only.name.clone(),
        _ => run.name.clone(),
    };
    let with_model = |run: &SavedReport| format!("{}, {}", multiplier(run), run.report.model.name);
    let name = |run: &SavedReport| run.name.clone();
    let ways: [&dyn Fn(&SavedReport) -> String; 3] = [&multiplier, &with_model, &name];
    let label = |run: &&SavedReport| {
        let is_own =
            |way: &&dyn Fn(&SavedReport) -> String| runs.iter().filter(|other| way(other) == way(run)).count() == 1;
        ways.into_iter().find(is_own).map_or_else(|| in_folder(run), |way| way(run))
    };
    runs.iter().map(label).collect()
}

/// The name of a run after that of its folder.
fn in_folder(run: &SavedReport) -> String {
    let folder = run.path.parent().and_then(|folder| folder.file_name()).unwrap_or_default();
    format!("{}: {}", folder.to_string_lossy(), run.name)
}

impl Document for Tradeoff {
    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a trade-off is JSON")
    }

    fn title(&self) -> String {
        format!("{} against {}", self.metric().title, self.x)
    }

    fn sections(&self) -> Vec<Section> {
        let metric = self.metric();
        let point = |point: &TradeoffPoint| {
            let (value, interval) = (metric.text(point.value), metric.interval(point.ci95));
            let front = if point.on_front { "yes" } else { "" };
            vec![
                point.report.clone(),
                point.label.clone(),
                significant(point.cost, 3),
                value,
                interval,
                front.to_owned(),
            ]
        };
        let baseline = |run: &TradeoffBaseline| {
            let value = metric.text(run.value);
            vec![run.report.clone(), run.label.clone(), String::new(), value, String::new(), String::new()]
        };
        let header = ["report", "multiplier", self.x.name(), metric.name, "95 % interval", "front"];
        let points = Section {
            header: header.map(str::to_owned).to_vec(),
            rows: self.baselines.iter().map(baseline).chain(self.points.iter().map(point)).collect(),
            numeric: vec![2, 3, 4],
            ..Section::default()
        };
        let about = [("cost", self.x.title().to_owned()), ("source", self.source.clone())];
        let partial = self.points.iter().filter(|point| point.coverage < 1.0).map(|point| {
            let share = percent(point.coverage);
            ("note", format!("the cost of {} is that of {share} of its multiplications", point.label))
        });
        vec![points, Section::pairs(about.into_iter().chain(partial))]
    }

    fn records(&self) -> Records {
        let text = |x: f64| x.to_string();
        let baseline =
            |run: &TradeoffBaseline| vec![run.report.clone(), run.label.clone(), String::new(), text(run.value)];
        let point = |point: &TradeoffPoint| {
            let front = point.on_front.to_string();
            let [low, high] = point.ci95.map(text);
            let (cost, value, coverage) = (text(point.cost), text(point.value), text(point.coverage));
            vec![point.report.clone(), point.label.clone(), cost, value, low, high, front, coverage]
        };
        let header =
            ["report", "multiplier", self.x.name(), self.metric().key, "ci95_low", "ci95_high", "on_front", "coverage"];
        let mut rows: Vec<Vec<String>> =
            self.baselines.iter().map(baseline).chain(self.points.iter().map(point)).collect();
        rows.iter_mut().for_each(|row| row.resize(header.len(), String::new()));
        Records { header: header.map(str::to_owned).to_vec(), rows }
    }
}
