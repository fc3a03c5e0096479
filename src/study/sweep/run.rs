//! Doing a sweep's jobs, one after the other.

use super::JobRecord;
use super::folder::StudyFolder;
use super::plan::{Job, PlanError, Sweep};
use crate::eval::{OpenError, Session, SessionError};
use crate::lut::Costs;
use crate::report::{PlannedJob, Report, SweepJob};
use crate::study::journal::JournalError;
use std::ops::Range;

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
    /// How much work a run is, by what its jobs are expected to cost.
    fn begin(&mut self, jobs: usize, cost: f64);

    /// A job begins.
    fn start(&mut self, job: &SweepJob);

    /// That job is done and in the journal.
    fn finish(&mut self, cost: f64, report: &Report);
}

impl<E: From<PlanError> + From<RunError>> Sweep<'_, E> {
    /// Does the jobs at these places of the plan that `folder` does not have; their multipliers have `costs`.
    ///
    /// # Errors
    /// When a job cannot be done, or the journal not be written; what is done stays done.
    pub fn run(
        &self,
        places: Range<usize>,
        folder: &mut StudyFolder,
        costs: &Costs,
        watch: &mut dyn Watch,
    ) -> Result<(), E> {
        let all = self.jobs.iter().zip(&self.details().plan).skip(places.start).take(places.len());
        let mut left: Vec<(&Job, &PlannedJob)> = all.filter(|(_, planned)| !folder.is_done(&planned.key)).collect();
        left.sort_by_key(|(job, _)| job.turn);
        watch.begin(left.len(), left.iter().map(|(job, _)| job.cost).sum());
        for jobs in left.chunk_by(|(a, _), (b, _)| a.group == b.group) {
            let mut session = (self.groups[jobs[0].0.group].open)()?;
            for (job, planned) in jobs {
                watch.start(&planned.job);
                let report = evaluate(&mut session, job, &planned.job, costs)?;
                let record = JobRecord::new(planned.key.clone(), planned.job.clone(), report);
                folder.add(&record).map_err(RunError::from)?;
                watch.finish(job.cost, &record.report);
            }
        }
        Ok(())
    }
}

/// The report of a job.
fn evaluate(session: &mut Session, job: &Job, name: &SweepJob, costs: &Costs) -> Result<Report, RunError> {
    let configured = session.configure(job.configuration.clone());
    configured.map_err(|source| RunError::Configure { job: Box::new(name.clone()), source: Box::new(source) })?;
    session.share_before(Some(job.first.unwrap_or(0)));
    let assignment = session.assignment().clone();
    let findings = session.evaluate(&assignment, |_| Ok(()));
    let findings =
        findings.map_err(|source| RunError::Evaluate { job: Box::new(name.clone()), source: Box::new(source) })?;
    Ok(Report::new(session, &findings, costs))
}
