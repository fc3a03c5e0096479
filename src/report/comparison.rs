//! Reports compared with one another.

use super::Baseline;
use super::document::{Document, Records, Section, grouped, percent, signed_percent, significant};
use crate::eval::Comparison;
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
    /// Top-1 accuracy.
    pub top1: f64,
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
            top1: report.top1,
            comparison,
        }
    }

    fn lut(&self) -> &str {
        self.lut.as_deref().unwrap_or("-")
    }
}

/// The fields of a comparison for people: difference, interval, agreement, lost, gained, p-value.
pub(super) fn fields(comparison: &Comparison) -> [String; 6] {
    let [low, high] = comparison.ci95;
    [
        signed_percent(comparison.difference),
        format!("{} to {}", signed_percent(low), signed_percent(high)),
        percent(comparison.agreement),
        grouped(comparison.lost),
        grouped(comparison.gained),
        significant(comparison.mcnemar_p, 3),
    ]
}

impl Document for ComparisonDetails {
    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).expect("a comparison is JSON")
    }

    fn title(&self) -> String {
        format!("Compared with {}", self.reference.report)
    }

    fn sections(&self) -> Vec<Section> {
        let header = [
            "report",
            "mode",
            "multiplier",
            "top-1",
            "difference",
            "95 % interval",
            "agreement",
            "lost",
            "gained",
            "p",
        ];
        let row = |run: &ComparedRun| {
            let start = [run.report.clone(), run.mode.clone(), run.lut().to_owned(), percent(run.top1)];
            let compared = run.comparison.as_ref().map_or_else(|| [const { String::new() }; 6], fields);
            start.into_iter().chain(compared).collect()
        };
        vec![Section {
            header: header.map(str::to_owned).to_vec(),
            rows: std::iter::once(&self.reference).chain(&self.runs).map(row).collect(),
            numeric: (3..10).collect(),
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
        ];
        let row = |run: &ComparedRun| {
            let start =
                [&run.report, &run.model, &run.mode, run.lut.as_ref().unwrap_or(&String::new())].map(String::clone);
            let compared = run.comparison.as_ref().map_or_else(Vec::new, |c| {
                let counts = [c.changed, c.flips, c.lost, c.gained].map(|count| count.to_string());
                let numbers = [c.difference, c.ci95[0], c.ci95[1], c.agreement].map(|number| number.to_string());
                let mut fields = vec![c.samples.to_string()];
                fields.extend(numbers.into_iter().chain(counts));
                fields.push(c.mcnemar_p.to_string());
                fields
            });
            let row = start.into_iter().chain([run.top1.to_string()]).chain(compared);
            row.chain(std::iter::repeat(String::new())).take(header.len()).collect()
        };
        Records {
            header: header.map(str::to_owned).to_vec(),
            rows: std::iter::once(&self.reference).chain(&self.runs).map(row).collect(),
        }
    }
}
