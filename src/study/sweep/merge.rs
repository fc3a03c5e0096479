//! The rows of journals in one table.

use super::JobRecord;
use super::folder::{self, FolderError};
use crate::report::{SweepPlan, SweepRow, SweepTable};
use crate::study::journal::{self, JournalError};
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Why journals cannot be joined.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// A folder cannot be used, or has another plan.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A journal cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A job that the plan does not have.
    #[error("{}: job {index}, '{job}' ({key}), is not in the plan: the journal is of another sweep", .path.display())]
    Unplanned {
        /// The journal.
        path: PathBuf,
        /// The place that the job says it has.
        index: usize,
        /// The job.
        job: String,
        /// Its key.
        key: String,
    },
    /// A job with two results.
    #[error(
        "job {index}, '{job}', has two results: {field} is '{}' in {} and '{}' in {}; remove the one that is wrong",
        .values[0], .paths[0].display(), .values[1], .paths[1].display()
    )]
    Contradiction {
        /// The place of the job.
        index: usize,
        /// The job.
        job: String,
        /// The field that differs.
        field: String,
        /// Its values.
        values: Box<[String; 2]>,
        /// The journals that they stand in.
        paths: Box<[PathBuf; 2]>,
    },
    /// Jobs on data that is one set by name alone.
    #[error(
        "jobs {} and {} are of one data set by name, whose files differ (blake3 {} and {}): it was changed between \
         runs, or is another one elsewhere; run the jobs again in another folder", .indices[0], .indices[1], short(&.hashes[0]),
        short(&.hashes[1])
    )]
    Data {
        /// The places of the jobs.
        indices: [usize; 2],
        /// Hashes of their data.
        hashes: [String; 2],
    },
}

impl MergeError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            MergeError::Folder(error) => error.keys(),
            MergeError::Journal(error) => error.keys(),
            _ => &[],
        }
    }
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// The table of the sweep whose journals these folders have, of one plan.
///
/// # Errors
/// When folders are of different plans, a journal is damaged, or journals contradict each other.
pub fn merge(folders: &[PathBuf]) -> Result<SweepTable, MergeError> {
    let mut plan: Option<SweepPlan> = None;
    let mut journals = Vec::new();
    for path in folders {
        let theirs = folder::read_plan(path)?;
        if let Some(first) = &plan {
            folder::check_same(path, &theirs, first, false)?;
        }
        plan.get_or_insert(theirs);
        journals.extend(folder::journals(path)?);
    }
    let Some(plan) = plan else { return Ok(SweepTable { rows: Vec::new(), missing: Vec::new() }) };
    Merge::new(&plan, None).read(&journals)
}

/// The table of a run of `plan` in the folder at `path`: of its own jobs, by their places.
///
/// # Errors
/// As [`merge`].
pub fn merge_run(path: &Path, plan: &SweepPlan, places: Range<usize>) -> Result<SweepTable, MergeError> {
    Merge::new(plan, Some(places)).read(&folder::journals(path)?)
}

/// Journals being joined.
struct Merge<'a> {
    plan: &'a SweepPlan,
    /// The place of each job, by its key.
    places: HashMap<&'a str, usize>,
    /// The jobs that are asked for.
    wanted: Range<usize>,
    /// What was found at each place, and in which journal.
    found: Vec<Option<(SweepRow, PathBuf)>>,
}

impl<'a> Merge<'a> {
    fn new(plan: &'a SweepPlan, wanted: Option<Range<usize>>) -> Self {
        let places = plan.plan.iter().enumerate().map(|(place, planned)| (planned.key.as_str(), place)).collect();
        let all = 0..plan.plan.len();
        Merge { plan, places, found: vec![None; all.len()], wanted: wanted.unwrap_or(all) }
    }

    fn read(mut self, journals: &[PathBuf]) -> Result<SweepTable, MergeError> {
        for path in journals {
            journal::for_each(path, |record| self.add(path, record))?;
        }
        self.check_data()?;
        let Merge { plan, found, wanted, .. } = self;
        let mut table = SweepTable { rows: Vec::new(), missing: Vec::new() };
        let jobs = plan.plan.iter().zip(found).enumerate().filter(|(place, _)| wanted.contains(place));
        for (_, (planned, found)) in jobs {
            match found {
                // The plan may have grown since.
                Some((mut row, _)) => {
                    row.job = planned.job.clone();
                    table.rows.push(row);
                }
                None => table.missing.push(planned.job.clone()),
            }
        }
        Ok(table)
    }

    fn add(&mut self, path: &Path, record: JobRecord) -> Result<(), MergeError> {
        let JobRecord { key, job, report, .. } = record;
        let Some(&place) = self.places.get(key.as_str()) else {
            let (path, index, job) = (path.to_owned(), job.index, job.label());
            return Err(MergeError::Unplanned { path, index, job, key });
        };
        let row = SweepRow::new(key, job, report);
        if let Some((known, first)) = &self.found[place] {
            let Some((field, values)) = known.difference(&row) else { return Ok(()) };
            let planned = &self.plan.plan[place].job;
            return Err(MergeError::Contradiction {
                index: planned.index,
                job: planned.label(),
                field: field.to_owned(),
                values: Box::new(values.map(str::to_owned)),
                paths: Box::new([first.clone(), path.to_owned()]),
            });
        }
        self.found[place] = Some((row, path.to_owned()));
        Ok(())
    }

    /// Fails where a data set has changed from one job to another.
    fn check_data(&self) -> Result<(), MergeError> {
        let mut known: HashMap<(&str, Option<&str>), (usize, &str)> = HashMap::new();
        for (planned, (row, _)) in
            self.plan.plan.iter().zip(&self.found).filter_map(|(job, row)| Some((job, row.as_ref()?)))
        {
            let job = &planned.job;
            // A network's own set is its own.
            let name = (job.data.as_deref().map_or(job.model.as_str(), |_| ""), job.data.as_deref());
            let (index, hash) = *known.entry(name).or_insert((job.index, &row.dataset_blake3));
            if hash != row.dataset_blake3 {
                let (indices, hashes) = ([index, job.index], [hash.to_owned(), row.dataset_blake3.clone()]);
                return Err(MergeError::Data { indices, hashes });
            }
        }
        Ok(())
    }
}
