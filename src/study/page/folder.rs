//! The files of a study's folders.

use super::documents;
use super::error::PageError;
use super::read::Finished;
use crate::input;
use crate::report::SweepPlan;
use crate::report::html::StudyDocument;
use crate::study::journal;
use crate::study::sweep::{JobRecord, PLAN, is_journal, read_plan};
use serde_json::Value;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of the largest document: a million jobs.
const LARGEST: u64 = 1 << 34;

/// What the folders have.
#[derive(Debug, Default)]
pub(super) struct Study {
    /// Finished jobs, each once, in the order of the plan.
    pub jobs: Vec<Finished>,
    /// The plan, where a folder has it.
    pub plan: Option<SweepPlan>,
    /// Documents beside the journals.
    pub documents: Vec<StudyDocument>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// Reads all folders of one study.
pub(super) fn read(folders: &[PathBuf]) -> Result<Study, PageError> {
    let mut study = Study::default();
    let mut places = Places::new();
    for folder in folders {
        let before = study.documents.len();
        let mut journals = 0;
        for path in entries(folder, Path::is_file)? {
            if is_journal(&path) {
                journals += 1;
                add(&mut study.jobs, &mut places, &path)?;
            } else if path.ends_with(PLAN) {
                study.plan = Some(read_plan(folder)?);
            } else {
                study.documents.extend(document(&path, folder)?);
            }
        }
        // A search has a folder of its own, which may lie in that of the study.
        for inner in entries(folder, Path::is_dir)? {
            for path in entries(&inner, Path::is_file).unwrap_or_default() {
                study.documents.extend(document(&path, folder).unwrap_or_default());
            }
        }
        if journals == 0 && before == study.documents.len() {
            return Err(PageError::Empty { path: folder.clone() });
        }
    }
    study.jobs.sort_by_key(|job| job.job.index);
    Ok(study)
}

/// What a folder has that `keep` holds for, in the order of names.
fn entries(folder: &Path, keep: fn(&Path) -> bool) -> Result<Vec<PathBuf>, PageError> {
    let cannot = |source| PageError::Read { path: folder.to_owned(), source };
    let entries = fs::read_dir(folder).map_err(cannot)?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>().map_err(cannot)?;
    paths.retain(|path| keep(path));
    paths.sort();
    Ok(paths)
}

fn bytes(path: &Path) -> Result<Vec<u8>, PageError> {
    input::read(path, LARGEST).map_err(|source| PageError::Read { path: path.to_owned(), source })
}

/// Where each job was found: its place among all, and the journal.
type Places = HashMap<String, (usize, PathBuf)>;

/// Adds the jobs of a journal that are not there yet.
fn add(all: &mut Vec<Finished>, places: &mut Places, path: &Path) -> Result<(), PageError> {
    journal::for_each(path, |record: JobRecord| {
        let job = Finished::new(record);
        match places.entry(job.key.clone()) {
            Entry::Vacant(place) => {
                place.insert((all.len(), path.to_owned()));
                all.push(job);
                Ok(())
            }
            Entry::Occupied(place) => {
                let (at, other) = place.get();
                let [found, first] = [job.value, all[*at].value];
                let (path, other, key) = (path.to_owned(), other.clone(), job.key);
                if found == first { Ok(()) } else { Err(PageError::Contradiction { path, key, found, other, first }) }
            }
        }
    })
}

/// The document in a JSON file that says what kind it is; it is called by its path in `folder`.
fn document(path: &Path, folder: &Path) -> Result<Option<StudyDocument>, PageError> {
    if path.extension().is_none_or(|extension| extension != "json") {
        return Ok(None);
    }
    let json: Value = serde_json::from_slice(&bytes(path)?).unwrap_or_default();
    let file = path.strip_prefix(folder).unwrap_or(path).display().to_string();
    Ok(documents::read(&json, file))
}
