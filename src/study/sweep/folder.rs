//! The folder of a study: its plan, and the journals of those who work on it.
//!
//! `study.json` has the plan, `jobs.jsonl` what is done; of a shard, `jobs-K-of-N.jsonl`, so that shards can share a
//! folder. A plan is written once; a run that resumes may add jobs to it, and takes none away.

use super::JobRecord;
use super::shard::Shard;
use crate::input;
use crate::output::{OutputError, OutputFile};
use crate::report::{PlannedJob, SWEEP_SCHEMA, SweepPlan};
use crate::study::journal::{self, Journal, JournalError, Start};
use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The name of the plan's file.
pub const PLAN: &str = "study.json";

/// The name of the journal of a run without shards.
const JOURNAL: &str = "jobs.jsonl";

/// Bytes of the largest plan that is read: of millions of jobs.
const LARGEST: u64 = 4 << 30;

/// A study's folder, whose journal is open.
#[derive(Debug)]
pub struct StudyFolder {
    journal: Journal<JobRecord>,
    /// Keys of jobs that journals have, this run's or others'.
    done: HashSet<String>,
}

/// Why a study's folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// It cannot be made.
    #[error("{}: cannot make the folder", .path.display())]
    Make {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It, or its plan, cannot be read.
    #[error("{}: cannot read it", .path.display())]
    Read {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// It is not the folder of a sweep.
    #[error("{} has no {PLAN}: expected the folder of a sweep, as 'approx-eval sweep run -o' makes it", .path.display())]
    NoPlan {
        /// The folder.
        path: PathBuf,
    },
    /// Its plan is none.
    #[error("{} is not the plan of a sweep", .path.display())]
    Plan {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// Its plan is one of another program or version.
    #[error("{} is of kind '{kind}', schema {schema}, expected '{}', schema {SWEEP_SCHEMA}", .path.display(), SweepPlan::KIND)]
    Schema {
        /// The file.
        path: PathBuf,
        /// What it says that it is.
        kind: String,
        /// Its schema.
        schema: u32,
    },
    /// It is the folder of another sweep.
    #[error(
        "{} is the folder of another sweep: {}; give the same options, or choose another folder", .path.display(),
        which(.theirs.as_deref(), .ours.as_deref())
    )]
    OtherPlan {
        /// The folder.
        path: PathBuf,
        /// A job of its plan that was not asked for.
        theirs: Option<String>,
        /// A job that was asked for and is not in its plan.
        ours: Option<String>,
    },
    /// Others than the shards that it is to be done in have begun.
    #[error("{} has {found} already: resume it, or choose another folder", .path.display())]
    Begun {
        /// The folder.
        path: PathBuf,
        /// The journal.
        found: String,
    },
    /// The plan cannot be written.
    #[error(transparent)]
    Write(#[from] OutputError),
    /// A journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl FolderError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            FolderError::Begun { .. } => &["resume"],
            FolderError::Make { .. } | FolderError::OtherPlan { .. } => &["output"],
            FolderError::Journal(error) => error.keys(),
            _ => &[],
        }
    }
}

fn which(theirs: Option<&str>, ours: Option<&str>) -> String {
    let theirs = theirs.map(|job| format!("its job '{job}' is not among those asked for"));
    let ours = ours.map(|job| format!("it has no job '{job}' as it is now"));
    theirs.or(ours).unwrap_or_else(|| "its jobs are in another order".to_owned())
}

/// The name of a run's journal.
fn journal_name(shard: Option<Shard>) -> String {
    shard.map_or_else(|| JOURNAL.to_owned(), |shard| format!("jobs-{}.jsonl", shard.to_string().replace('/', "-of-")))
}

/// The shard that a journal is of, as `K/N`; empty for one of all jobs; `None` of another file.
fn shard_of(name: &str) -> Option<String> {
    let name = name.strip_prefix("jobs")?.strip_suffix(".jsonl")?;
    if name.is_empty() {
        return Some(String::new());
    }
    let shard = name.strip_prefix('-')?.replace("-of-", "/");
    shard.parse::<Shard>().is_ok().then_some(shard)
}

/// Whether a file is the journal of a run or of a shard, by its name.
pub fn is_journal(path: &Path) -> bool {
    path.file_name().and_then(|name| shard_of(name.to_str()?)).is_some()
}

/// The journals of a folder, by their names.
pub(super) fn journals(folder: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let failed = |source| FolderError::Read { path: folder.to_owned(), source };
    let entries = folder.read_dir().map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let mut journals: Vec<PathBuf> = entries.iter().map(fs::DirEntry::path).filter(|path| is_journal(path)).collect();
    journals.sort();
    Ok(journals)
}

/// What says whether a file is the plan of a sweep.
#[derive(serde::Deserialize)]
struct Head {
    schema: u32,
    kind: String,
}

/// The plan of a folder.
pub fn read_plan(folder: &Path) -> Result<SweepPlan, FolderError> {
    let path = folder.join(PLAN);
    // Not as an input: a run that resumes may write it again.
    let bytes = match input::peek(&path, LARGEST) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(FolderError::NoPlan { path: folder.to_owned() });
        }
        Err(source) => return Err(FolderError::Read { path, source }),
        Ok(bytes) => bytes,
    };
    let parsed = serde_json::from_slice::<Head>(&bytes).and_then(|head| {
        let is_ours = (head.schema, head.kind.as_str()) == (SWEEP_SCHEMA, SweepPlan::KIND);
        Ok((head, is_ours.then(|| serde_json::from_slice(&bytes)).transpose()?))
    });
    match parsed {
        Ok((_, Some(plan))) => Ok(plan),
        Ok((Head { schema, kind }, None)) => Err(FolderError::Schema { path, kind, schema }),
        Err(source) => Err(FolderError::Plan { path, source }),
    }
}

/// The first job of `plan` whose key is not among those of `other`.
fn not_in<'a>(plan: &'a SweepPlan, other: &SweepPlan) -> Option<&'a PlannedJob> {
    let keys: HashSet<&str> = other.plan.iter().map(|planned| planned.key.as_str()).collect();
    plan.plan.iter().find(|planned| !keys.contains(planned.key.as_str()))
}

/// Fails unless both plans have the same jobs in the same order; `may_add` lets `ours` have more.
pub(super) fn check_same(path: &Path, theirs: &SweepPlan, ours: &SweepPlan, may_add: bool) -> Result<(), FolderError> {
    let keys = |plan: &SweepPlan| plan.plan.iter().map(|planned| planned.key.clone()).collect::<Vec<_>>();
    let (gone, added) = (not_in(theirs, ours), not_in(ours, theirs));
    if keys(theirs) == keys(ours) || (may_add && gone.is_none()) {
        return Ok(());
    }
    let label = |planned: &PlannedJob| planned.job.label();
    Err(FolderError::OtherPlan { path: path.to_owned(), theirs: gone.map(label), ours: added.map(label) })
}

impl StudyFolder {
    /// Opens the folder at `path`, which is made where there is none, for a run of `plan` or of a shard of it.
    ///
    /// # Errors
    /// When it has another plan, or journals that are not to be resumed.
    pub fn open(path: &Path, plan: &SweepPlan, shard: Option<Shard>, start: Start) -> Result<Self, FolderError> {
        fs::create_dir_all(path).map_err(|source| FolderError::Make { path: path.to_owned(), source })?;
        let (name, found) = (journal_name(shard), journals(path)?);
        if start == Start::New {
            check_new(path, &name, shard, &found)?;
        }
        share_plan(path, plan, start, found.is_empty())?;
        let own = path.join(name);
        let mut done = keys(found.iter().filter(|other| **other != own))?;
        let journal = Journal::open_with(&own, start, |record: JobRecord| {
            done.insert(record.key);
        })?;
        Ok(StudyFolder { journal, done })
    }

    /// Whether a journal has a job of this key.
    pub fn is_done(&self, key: &str) -> bool {
        self.done.contains(key)
    }

    /// The keys of jobs that the journals of the folder at `path` have; none where there is no such folder.
    ///
    /// # Errors
    /// When a journal cannot be read.
    pub fn done(path: &Path) -> Result<HashSet<String>, FolderError> {
        let found = if path.exists() { journals(path)? } else { Vec::new() };
        Ok(keys(&found)?)
    }

    /// Adds a job that is done.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn add(&mut self, record: &JobRecord) -> Result<(), JournalError> {
        self.journal.append(record)?;
        self.done.insert(record.key.clone());
        Ok(())
    }
}

/// The keys of jobs that these journals have.
fn keys<'a>(journals: impl IntoIterator<Item = &'a PathBuf>) -> Result<HashSet<String>, JournalError> {
    /// What of a record says whether its job is done.
    #[derive(serde::Deserialize)]
    struct JobKey {
        key: String,
    }
    let mut keys = HashSet::new();
    for path in journals {
        journal::for_each(path, |JobKey { key }| {
            keys.insert(key);
            Ok::<_, JournalError>(())
        })?;
    }
    Ok(keys)
}

/// Fails where journals are there that are not those of other shards of the same division.
fn check_new(path: &Path, name: &str, shard: Option<Shard>, found: &[PathBuf]) -> Result<(), FolderError> {
    let names = found.iter().filter_map(|path| path.file_name()?.to_str());
    let is_beside = |other: &str| {
        let others = shard_of(other).and_then(|other| other.parse::<Shard>().ok());
        other != name && others.zip(shard).is_some_and(|(other, own)| other.count() == own.count())
    };
    let mut blocking = names.filter(|other| !is_beside(other));
    blocking.next().map_or(Ok(()), |found| Err(FolderError::Begun { path: path.to_owned(), found: found.to_owned() }))
}

/// Makes `plan` the folder's, or finds that it is. One that nobody works by yet gives way.
fn share_plan(path: &Path, plan: &SweepPlan, start: Start, is_idle: bool) -> Result<(), FolderError> {
    let file = path.join(PLAN);
    let mut json = serde_json::to_vec(plan).expect("a plan is JSON");
    json.push(b'\n');
    let failed = |source| OutputError { path: file.clone(), source };
    if !file.exists() && create(&file, &json).map_err(failed)? {
        return Ok(());
    }
    let theirs = read_plan(path)?;
    if let Err(error) = check_same(path, &theirs, plan, start == Start::Resume) {
        return if is_idle && start == Start::New {
            Ok(OutputFile::create(&file)?.commit_bytes(&json)?)
        } else {
            Err(error)
        };
    }
    if theirs.tool != plan.tool {
        tracing::warn!("{}: begun by version {} of the program", path.display(), theirs.tool.version);
    }
    if theirs.plan.len() < plan.plan.len() {
        OutputFile::create(&file)?.commit_bytes(&json)?;
    }
    Ok(())
}

/// Writes a file that is there whole or not at all; false where another run was faster.
fn create(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".approx-eval-").suffix(".tmp").rand_bytes(12);
    // With the permissions of any new file, not the private ones of temporary files.
    let mut file = builder.make_in(folder, |path| File::create_new(path))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(true),
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error),
    }
}
