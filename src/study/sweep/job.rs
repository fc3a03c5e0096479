//! Doing one job of a sweep, and writing it down.

use super::JobRecord;
use super::folder::StudyFolder;
use super::plan::Job;
use crate::eval::{OpenError, Session, SessionError};
use crate::lut::Costs;
use crate::report::{PlannedJob, Report, SweepJob};
use crate::study::journal::JournalError;

/// Why a run of a sweep ends early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The session cannot be asked for a job.
    #[error("job {}, {}", .job.index, .job.label())]
    Configure {
        /// The job.
        job: Box<SweepJob>,
        /// Why.
        #[source]
        source: Box<OpenError>,
    },
    /// A job's evaluation fails.
    #[error("job {}, {}", .job.index, .job.label())]
    Evaluate {
        /// The job.
        job: Box<SweepJob>,
        /// Why.
        #[source]
        source: Box<SessionError>,
    },
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

impl RunError {
    /// The settings that fix it, by key.
    pub fn keys(&self) -> &'static [&'static str] {
        match self {
            RunError::Journal(error) => error.keys(),
            RunError::Configure { .. } | RunError::Evaluate { .. } => &[],
        }
    }
}

/// Follows a run.
pub trait Watch {
    /// How much work a run is: its jobs, and about how many multiplications these are.
    fn begin(&mut self, jobs: usize, multiplications: f64);

    /// A job begins.
    fn start(&mut self, job: &SweepJob);

    /// A job of about so many multiplications is done and in the journal.
    fn finish(&mut self, job: &SweepJob, multiplications: f64, report: &Report);
}

/// A job with its entry in the plan.
pub(super) type Planned<'a> = (&'a Job, &'a PlannedJob);

/// Where jobs that are done are written down, and who is told.
pub(super) struct Ledger<'a> {
    folder: &'a mut StudyFolder,
    watch: &'a mut dyn Watch,
}

impl<'a> Ledger<'a> {
    pub fn new(folder: &'a mut StudyFolder, watch: &'a mut dyn Watch) -> Self {
        Ledger { folder, watch }
    }

    /// A job begins.
    pub fn start(&mut self, (_, planned): Planned) {
        self.watch.start(&planned.job);
    }

    /// A job is done.
    pub fn finish(&mut self, (job, planned): Planned, report: Report) -> Result<(), RunError> {
        let record = JobRecord::new(planned.key.clone(), planned.job.clone(), report);
        self.folder.add(&record)?;
        self.watch.finish(&record.job, job.multiplications, &record.report);
        Ok(())
    }
}

/// The report of a job.
pub(super) fn evaluate(session: &mut Session, (job, planned): Planned, costs: &Costs) -> Result<Report, RunError> {
    let name = || Box::new(planned.job.clone());
    let configured = session.configure(job.configuration.clone());
    configured.map_err(|source| RunError::Configure { job: name(), source: Box::new(source) })?;
    session.share_before(Some(job.first.unwrap_or(0)));
    let assignment = session.assignment().clone();
    let findings = session.evaluate(&assignment, |_| Ok(()));
    let findings = findings.map_err(|source| RunError::Evaluate { job: name(), source: Box::new(source) })?;
    Ok(Report::new(session, &findings, costs))
}
