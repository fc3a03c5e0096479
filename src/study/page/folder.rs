//! The files of a study's folders.

use super::documents;
use super::error::PageError;
use super::read::{Finished, Job, Line};
use crate::input;
use crate::report::html::StudyDocument;
use crate::study::journal;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs;
use std::path::{Path, PathBuf};

/// Bytes of the largest journal and of the largest document: a million jobs.
const LARGEST: u64 = 1 << 34;

/// What the folders have.
#[derive(Debug, Default)]
pub(super) struct Study {
    /// Finished jobs, each once, in the order of the plan.
    pub jobs: Vec<Finished>,
    /// The plan, where a folder has it.
    pub plan: Option<Plan>,
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
            } else if path.file_name().is_some_and(|name| name == "study.json") {
                study.plan = Some(plan(&path)?);
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

fn is_journal(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with("jobs") && name.ends_with(".jsonl")
}

fn bytes(path: &Path) -> Result<Vec<u8>, PageError> {
    input::read(path, LARGEST).map_err(|source| PageError::Read { path: path.to_owned(), source })
}

/// Where each job was found: its place among all, and the journal.
type Places = HashMap<String, (usize, PathBuf)>;

/// Adds the jobs of a journal that are not there yet.
fn add(all: &mut Vec<Finished>, places: &mut Places, path: &Path) -> Result<(), PageError> {
    journal::for_each(path, |line: Line| {
        let job = Finished::new(line);
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

/// The plan of a study, as far as a page needs it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Plan {
    /// How many jobs there are.
    pub jobs: usize,
    /// The jobs, where they are listed.
    #[serde(default)]
    pub plan: Vec<Planned>,
}

/// A job of a plan.
#[derive(Debug, Deserialize)]
pub(super) struct Planned {
    pub key: String,
    pub job: Job,
}

fn plan(path: &Path) -> Result<Plan, PageError> {
    let wrong = |source| PageError::Plan { path: path.to_owned(), source };
    serde_json::from_slice(&bytes(path)?).map_err(wrong)
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
