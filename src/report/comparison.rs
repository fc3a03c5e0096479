//! Reports compared with one another.

use super::Baseline;
use super::document::{Document, Records, Section, grouped, optional, percent, signed_percent, significant};
use crate::eval::{Comparison, Figure, PairedTest};
use crate::model::Task;
use serde::Serialize;

/// Runs against one of them over the same samples.
#[derive(Debug, Clone, Serialize)]
pub struct ComparisonDetails {
    /// The run that the others are compared with.
    pub reference: ComparedRun,
    /// The others.
    pub runs: Vec<ComparedRun>,
}

/// A run, and how it compares.
#[derive(Debug, Clone, Serialize)]
pub struct ComparedRun {
    /// Its report's file.
    pub report: String,
    /// The network.
    pub model: String,
    /// What its layers computed.
    pub mode: String,
    /// Its multiplier, where it had one.
    pub lut: Option<String>,
    /// Top-1 accuracy, or the area under the ROC curve.
    #[serde(flatten)]
    pub figure: Figure,
    /// Against the reference; none for the reference itself.
    pub comparison: Option<Comparison>,
}

impl ComparedRun {
    /// The run that a report is of.
    pub fn of(report: &Baseline, comparison: Option<Comparison>) -> Self {
        ComparedRun {
            report: report.path.display().to_string(),
            model: report.model.clone(),
            mode: report.mode.clone(),
            lut: report.lut.clone(),
            figure: report.figure,
            comparison,
        }
    }

    fn lut(&self) -> &str {
        self.lut.as_deref().unwrap_or("-")
    }
}

/// What a figure is called.
pub(super) fn figure_name(task: Task) -> &'static str {
    match task {
        Task::Classification => "top-1",
        Task::AnomalyDetection => "AUC",
    }
}

/// A figure for people: accuracies in per cent, areas as fractions, as papers have them.
pub(super) fn figure(figure: Figure) -> String {
    match figure {
        Figure::Top1(top1) => percent(top1),
        Figure::Auc(auc) => format!("{auc:.4}"),
    }
}

/// A difference of figures for people.
fn difference(task: Task, difference: f64) -> String {
    match task {
        Task::Classification => signed_percent(difference),
        Task::AnomalyDetection => format!("{difference:+.4}"),
    }
}

/// Names of [`fields`], in a comparison of networks for `task`.
pub(super) fn columns(task: Task) -> &'static [&'static str] {
    match task {
        Task::Classification => &["difference", "95 % interval", "agreement", "lost", "gained", "McNemar p"],
        Task::AnomalyDetection => &["difference", "95 % interval", "DeLong p"],
    }
}

/// A p-value for people; none is 0, but some are too small for `f64`.
pub(super) fn p_value(p: Option<f64>) -> String {
    match p {
        None => "unknown".to_owned(),
        Some(0.0) => "< 1e-300".to_owned(),
        Some(p) => significant(p, 3),
    }
}

/// The fields of a comparison for people.
pub(super) fn fields(comparison: &Comparison) -> Vec<String> {
    let (task, flips) = match &comparison.test {
        PairedTest::McNemar(flips) => (Task::Classification, Some(flips)),
        PairedTest::DeLong { .. } => (Task::AnomalyDetection, None),
    };
    let [low, high] = comparison.ci95.map(|end| difference(task, end));
    let mut fields = vec![difference(task, comparison.difference), format!("{low} to {high}")];
    fields.extend(flips.into_iter().flat_map(|f| [percent(f.agreement), grouped(f.lost), grouped(f.gained)]));
    fields.push(p_value(comparison.p()));
    fields
}

impl Document for ComparisonDetails {
    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a comparison is JSON")
    }

    fn title(&self) -> String {
        format!("Compared with {}", self.reference.report)
    }

    fn sections(&self) -> Vec<Section> {
        let task = self.reference.figure.task();
        let (start, columns) = (["report", "mode", "multiplier", figure_name(task)], columns(task));
        let row = |run: &ComparedRun| {
            let start = [run.report.clone(), run.mode.clone(), run.lut().to_owned(), figure(run.figure)];
            let compared = run.comparison.as_ref().map_or_else(|| vec![String::new(); columns.len()], fields);
            start.into_iter().chain(compared).collect()
        };
        vec![Section {
            header: start.iter().chain(columns).map(|&name| name.to_owned()).collect(),
            rows: std::iter::once(&self.reference).chain(&self.runs).map(row).collect(),
            numeric: (3..start.len() + columns.len()).collect(),
            ..Section::default()
        }]
    }

    fn records(&self) -> Records {
        let header = [
            "report",
            "model",
            "mode",
            "lut",
            "top1",
            "samples",
            "difference",
            "ci95_low",
            "ci95_high",
            "agreement",
            "changed",
            "flips",
            "lost",
            "gained",
            "mcnemar_p",
            "auc",
            "delong_p",
        ];
        let row = |run: &ComparedRun| {
            let start =
                [&run.report, &run.model, &run.mode, run.lut.as_ref().unwrap_or(&String::new())].map(String::clone);
            let comparison = run.comparison.as_ref();
            let flips = comparison.and_then(Comparison::flips);
            let delong_p = comparison.filter(|_| flips.is_none()).and_then(Comparison::p);
            let rest = [
                optional(run.figure.top1().as_ref()),
                optional(comparison.map(|c| &c.samples)),
                optional(comparison.map(|c| &c.difference)),
                optional(comparison.map(|c| &c.ci95[0])),
                optional(comparison.map(|c| &c.ci95[1])),
                optional(flips.map(|f| &f.agreement)),
                optional(flips.map(|f| &f.changed)),
                optional(flips.map(|f| &f.flips)),
                optional(flips.map(|f| &f.lost)),
                optional(flips.map(|f| &f.gained)),
                optional(flips.map(|f| &f.mcnemar_p)),
                optional(run.figure.auc().as_ref()),
                optional(delong_p.as_ref()),
            ];
            start.into_iter().chain(rest).collect()
        };
        Records {
            header: header.map(str::to_owned).to_vec(),
            rows: std::iter::once(&self.reference).chain(&self.runs).map(row).collect(),
        }
    }
}
