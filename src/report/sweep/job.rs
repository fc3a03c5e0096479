//! A job of a sweep, as tables and journals name it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One evaluation of a sweep: what tells it from the others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SweepJob {
    /// Its place in the plan, from 1.
    pub index: usize,
    /// The network, as it was named.
    pub model: String,
    /// The data set, as it was named; `None` for the network's own.
    pub data: Option<String>,
    /// The multiplier, as it was named, a file by its table's name.
    pub lut: Option<String>,
    /// Which layers are approximate: `all`, `each`, `all-but`, `prefix` or `group`.
    pub scope: String,
    /// The layer that the job is about: the one that is approximate alone or not at all, the last of a prefix, or a
    /// group's pattern.
    pub layer: Option<String>,
    /// The other settings that were given, by their names.
    pub settings: BTreeMap<String, String>,
}

impl SweepJob {
    /// It in a line, for messages.
    pub fn label(&self) -> String {
        let scope = Some(self.scope.as_str()).filter(|scope| !["all", ""].contains(scope));
        let names =
            [Some(self.model.as_str()), self.data.as_deref(), self.lut.as_deref(), scope, self.layer.as_deref()];
        names.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// What jobs are called beside one another: of the names of each, its multiplier and those that differ from job to job. A
/// job without either is called by its network.
pub fn distinct_names(jobs: &[&SweepJob]) -> Vec<String> {
    let names = Names::new(jobs.iter().copied());
    let settings = names.headings().len() - names.varying.len();
    let cells: Vec<Vec<String>> = jobs.iter().map(|job| names.cells(job)).collect();
    let differs = |column: usize| cells.iter().any(|job| job[column] != cells[0][column]);
    let headings = names.headings();
    let shown: Vec<usize> = (0..headings.len()).filter(|&i| headings[i] == "lut" || differs(i)).collect();
    let name = |(job, cells): (&&SweepJob, &Vec<String>)| {
        let cell = |&column: &usize| match column.checked_sub(settings) {
            Some(setting) => format!("{} {}", names.varying[setting], cells[column]),
            None => cells[column].clone(),
        };
        let parts: Vec<String> = shown.iter().filter(|&&column| !cells[column].is_empty()).map(cell).collect();
        if parts.is_empty() { job.model.clone() } else { parts.join(", ") }
    };
    jobs.iter().zip(&cells).map(name).collect()
}

/// Which names of jobs tell them apart: tables have columns for these alone.
pub(super) struct Names {
    has_data: bool,
    has_lut: bool,
    has_scopes: bool,
    /// Settings that differ from job to job.
    pub varying: Vec<String>,
    /// Settings that all jobs share, and their values.
    pub shared: Vec<(String, String)>,
}

impl Names {
    pub fn new<'a>(jobs: impl Iterator<Item = &'a SweepJob> + Clone) -> Self {
        let mut values: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut count = 0;
        for job in jobs.clone() {
            count += 1;
            for (name, value) in &job.settings {
                values.entry(name).or_default().push(value);
            }
        }
        let is_shared = |values: &[&str]| values.len() == count && values.iter().all(|value| *value == values[0]);
        let (shared, varying): (Vec<_>, Vec<_>) = values.into_iter().partition(|(_, values)| is_shared(values));
        Names {
            has_data: jobs.clone().any(|job| job.data.is_some()),
            has_lut: jobs.clone().any(|job| job.lut.is_some()),
            has_scopes: jobs.clone().any(|job| job.scope != "all"),
            varying: varying.into_iter().map(|(name, _)| name.to_owned()).collect(),
            shared: shared.into_iter().map(|(name, values)| (name.to_owned(), values[0].to_owned())).collect(),
        }
    }

    /// The headings of the columns.
    pub fn headings(&self) -> Vec<String> {
        let names =
            [("data", self.has_data), ("lut", self.has_lut), ("scope", self.has_scopes), ("layer", self.has_scopes)];
        let shown = names.into_iter().filter(|(_, is_shown)| *is_shown).map(|(name, _)| name.to_owned());
        std::iter::once("model".to_owned()).chain(shown).chain(self.varying.iter().cloned()).collect()
    }

    /// The cells of a job in them.
    pub fn cells(&self, job: &SweepJob) -> Vec<String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let cells = [
            (job.model.clone(), true),
            (text(&job.data), self.has_data),
            (text(&job.lut), self.has_lut),
            (job.scope.clone(), self.has_scopes),
            (text(&job.layer), self.has_scopes),
        ];
        let varying = self.varying.iter().map(|name| job.settings.get(name).cloned().unwrap_or_default());
        cells.into_iter().filter(|(_, is_shown)| *is_shown).map(|(cell, _)| cell).chain(varying).collect()
    }

    /// The settings that all jobs share, in a line.
    pub fn shared_settings(&self) -> Option<String> {
        let settings: Vec<String> = self.shared.iter().map(|(name, value)| format!("{name} {value}")).collect();
        (!settings.is_empty()).then(|| settings.join(", "))
    }
}
