//! The reports of a sweep's jobs, as if each had been saved to a file.

use super::JobRecord;
use super::folder;
use super::merge::{MergeError, merge};
use crate::report::{SavedReport, SavedReportError, SweepJob, distinct_names};
use crate::study::journal::{self, JournalError};
use std::collections::BTreeMap;
use std::path::Path;

/// Why a sweep's reports cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportsError {
    /// Its journals are no whole.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// A report is not one to compare with.
    #[error(transparent)]
    Report(#[from] SavedReportError),
}

impl ReportsError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            ReportsError::Merge(error) => error.keys(),
            ReportsError::Report(error) => error.keys(),
        }
    }
}

/// The reports of the jobs that a sweep's folder has, in the order of its plan, and how many jobs are missing.
///
/// # Errors
/// Where [`merge`] fails, and when a report's metric is not a fraction.
pub fn saved_reports(folder: &Path) -> Result<(Vec<SavedReport>, usize), ReportsError> {
    // Whether the journals are of one sweep, and agree.
    let table = merge(&[folder.to_owned()])?;
    let places: BTreeMap<&str, &SweepJob> = table.rows.iter().map(|row| (row.key.as_str(), &row.job)).collect();
    let mut found = BTreeMap::new();
    for path in folder::journals(folder).map_err(MergeError::from)? {
        let read = journal::for_each(&path, |JobRecord { key, report, .. }| {
            if let Some(job) = places.get(key.as_str()) {
                found.entry(job.index).or_insert((*job, report));
            }
            Ok::<_, JournalError>(())
        });
        read.map_err(MergeError::from)?;
    }
    let names = distinct_names(&found.values().map(|(job, _)| *job).collect::<Vec<_>>());
    let saved = found.into_values().zip(names).map(|((job, report), name)| {
        // A path in a name is no folder.
        let path = folder.join(format!("job {}, {}", job.index, job.label().replace('/', "-")));
        SavedReport::new(path, name, report)
    });
    Ok((saved.collect::<Result<_, _>>()?, table.missing.len()))
}
