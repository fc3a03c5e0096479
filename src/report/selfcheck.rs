//! What a check of the program on a user's own network found, check by check.

use super::document::{Check, Document, Records, Section, optional};
use crate::eval::Session;
use crate::stats::grouped;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The version of its schema.
const SCHEMA: u64 = 1;

/// All checks of a network, in the order that they ran in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SelfcheckReport {
    /// The version of the schema.
    pub schema: u64,
    /// `selfcheck`.
    pub kind: String,
    /// The program's version.
    pub version: String,
    /// The network.
    pub model: String,
    /// The data.
    pub dataset: String,
    /// Samples of it that the network ran on.
    pub samples: usize,
    /// The multipliers that layers look up.
    pub luts: Vec<String>,
    /// The kernels that this processor can run, best first.
    pub kernels: Vec<String>,
    /// Whether no check failed.
    pub passed: bool,
    /// The checks.
    pub checks: Vec<SelfcheckEntry>,
    /// Wall time of all checks.
    pub seconds: f64,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SelfcheckEntry {
    /// Its name.
    pub name: String,
    /// What was compared with what.
    pub compared: String,
    /// How many numbers were.
    pub count: u64,
    /// How many of them differed.
    pub differing: u64,
    /// What came of it.
    pub result: SelfcheckResult,
    /// The ways in which layers summed their products, where kernels are checked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<String>,
    /// The first difference: where, what was found, what was expected. Of a check that was skipped, why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SelfcheckResult {
    /// All that was compared agrees.
    Ok,
    /// Something differs.
    Failed,
    /// There was nothing to compare.
    Skipped,
}

impl fmt::Display for SelfcheckResult {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            SelfcheckResult::Ok => "ok",
            SelfcheckResult::Failed => "FAILED",
            SelfcheckResult::Skipped => "skipped",
        })
    }
}

impl SelfcheckEntry {
    /// A check that compared `count` numbers, of which `differing` differed, the first as `difference` says.
    pub fn compared(name: &str, compared: &str, [count, differing]: [u64; 2], difference: Option<String>) -> Self {
        let result = match (count, differing) {
            (0, _) => SelfcheckResult::Skipped,
            (_, 0) => SelfcheckResult::Ok,
            _ => SelfcheckResult::Failed,
        };
        let detail = difference.or_else(|| (count == 0).then(|| "nothing to compare".to_owned()));
        let (name, compared) = (name.to_owned(), compared.to_owned());
        SelfcheckEntry { name, compared, count, differing, result, ways: Vec::new(), detail }
    }

    /// A check that does not apply.
    pub fn skipped(name: &str, compared: &str, why: impl Into<String>) -> Self {
        SelfcheckEntry { detail: Some(why.into()), ..SelfcheckEntry::compared(name, compared, [0, 0], None) }
    }

    /// The same with the ways in which layers summed their products.
    #[must_use]
    pub fn with_ways(self, ways: impl IntoIterator<Item = String>) -> Self {
        SelfcheckEntry { ways: ways.into_iter().collect(), ..self }
    }
}

impl SelfcheckReport {
    /// The report of `checks` on the network of `session`.
    pub fn new(
        session: &Session,
        samples: usize,
        kernels: Vec<String>,
        checks: Vec<SelfcheckEntry>,
        seconds: f64,
    ) -> Self {
        SelfcheckReport {
            schema: SCHEMA,
            kind: "selfcheck".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            model: session.model().name.clone(),
            dataset: session.dataset_name().to_owned(),
            samples,
            luts: session.assignment().luts_in_use().iter().map(|lut| lut.name().to_owned()).collect(),
            kernels,
            passed: checks.iter().all(|check| check.result != SelfcheckResult::Failed),
            checks,
            seconds,
        }
    }

    /// The checks that failed.
    pub fn failed(&self) -> impl Iterator<Item = &SelfcheckEntry> {
        self.checks.iter().filter(|check| check.result == SelfcheckResult::Failed)
    }

    fn subject(&self) -> Section {
        let mut pairs = vec![
            ("model", self.model.clone()),
            ("dataset", format!("{}, {} samples", self.dataset, self.samples)),
            ("kernels", self.kernels.join(", ")),
        ];
        if !self.luts.is_empty() {
            pairs.insert(2, ("multipliers", self.luts.join(", ")));
        }
        Section::pairs(pairs)
    }

    fn table(&self) -> Section {
        let row = |check: &SelfcheckEntry| {
            let SelfcheckEntry { name, compared, count, result, ways, .. } = check;
            vec![name.clone(), compared.clone(), grouped(*count), result.to_string(), ways.join("; ")]
        };
        Section {
            header: ["check", "compared", "count", "result", "ways"].map(str::to_owned).to_vec(),
            rows: self.checks.iter().map(row).collect(),
            numeric: vec![2],
            details: vec![4],
            ..Section::default()
        }
    }

    /// Why checks failed, or were skipped.
    fn details(&self) -> Option<Section> {
        let of = |check: &SelfcheckEntry| {
            let differing = match check.differing {
                0 => String::new(),
                n => format!("{} of {} differ; the first: ", grouped(n), grouped(check.count)),
            };
            Some(vec![check.name.clone(), check.result.to_string(), differing + check.detail.as_ref()?])
        };
        let rows: Vec<Vec<String>> = self.checks.iter().filter_map(of).collect();
        (!rows.is_empty()).then(|| Section {
            header: ["check", "result", "why"].map(str::to_owned).to_vec(),
            rows,
            ..Section::default()
        })
    }

    fn summary(&self) -> String {
        let count = |result| self.checks.iter().filter(|check| check.result == result).count();
        let counts = [SelfcheckResult::Ok, SelfcheckResult::Failed, SelfcheckResult::Skipped];
        let counts: Vec<String> =
            counts.into_iter().filter(|&of| count(of) > 0).map(|of| format!("{} {of}", count(of))).collect();
        format!("{} checks: {} in {:.1} s", self.checks.len(), counts.join(", "), self.seconds)
    }
}

impl Document for SelfcheckReport {
    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    fn sections(&self) -> Vec<Section> {
        let summary = Section::pairs([(if self.passed { "passed" } else { "FAILED" }, self.summary())]);
        [self.subject(), self.table()].into_iter().chain(self.details()).chain([summary]).collect()
    }

    fn records(&self) -> Records {
        Records::many(self.checks.iter().map(|check| {
            [
                ("check", check.name.clone()),
                ("compared", check.compared.clone()),
                ("count", check.count.to_string()),
                ("differing", check.differing.to_string()),
                ("result", check.result.to_string()),
                ("detail", optional(check.detail.as_ref())),
            ]
        }))
    }

    fn title(&self) -> String {
        format!("selfcheck of {} on {}", self.model, self.dataset)
    }

    fn checks(&self) -> Vec<Check> {
        let check = |check: &SelfcheckEntry| {
            let detail = check.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
            let summary = format!("{}, {} {}{detail}", check.compared, check.count, check.result);
            Check { name: check.name.clone(), summary, passed: check.result != SelfcheckResult::Failed }
        };
        self.checks.iter().map(check).collect()
    }
}
