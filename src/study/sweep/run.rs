//! Doing a sweep's jobs: in turn, or side by side where a small network leaves threads idle.

use super::JobRecord;
use super::folder::StudyFolder;
use super::lanes::Lanes;
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

    /// A job, which costs so much, is done and in the journal.
    fn finish(&mut self, job: &SweepJob, cost: f64, report: &Report);
}

/// A job with its entry in the plan.
pub(super) type Planned<'a> = (&'a Job, &'a PlannedJob);

impl<E: From<PlanError> + From<RunError> + Send> Sweep<'_, E> {
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
        let mut left: Vec<Planned> = all.filter(|(_, planned)| !folder.is_done(&planned.key)).collect();
        left.sort_by_key(|(job, _)| job.turn);
        watch.begin(left.len(), left.iter().map(|(job, _)| job.cost).sum());
        let mut ledger = Ledger { folder, watch };
        for jobs in left.chunk_by(|(a, _), (b, _)| a.group == b.group) {
            let open = &*self.groups[jobs[0].0.group].open;
            let mut session = open()?;
            // The first job calibrates, and prepares images, for all.
            let (first, others) = jobs.split_at(1);
            let lanes = Lanes::of(&session, others);
            let (side_by_side, in_turn) = others.split_at(lanes.jobs);
            run_in_turn(&mut session, first, costs, &mut ledger)?;
            lanes.run(open, &session, side_by_side, costs, &mut ledger)?;
            run_in_turn(&mut session, in_turn, costs, &mut ledger)?;
        }
        Ok(())
    }
}

/// Where jobs that are done are written down, and who is told.
pub(super) struct Ledger<'a> {
    folder: &'a mut StudyFolder,
    watch: &'a mut dyn Watch,
}

impl Ledger<'_> {
    /// A job begins.
    pub fn start(&mut self, (_, planned): Planned) {
        self.watch.start(&planned.job);
    }

    /// A job is done.
    pub fn finish(&mut self, (job, planned): Planned, report: Report) -> Result<(), RunError> {
        let record = JobRecord::new(planned.key.clone(), planned.job.clone(), report);
        self.folder.add(&record)?;
        self.watch.finish(&record.job, job.cost, &record.report);
        Ok(())
    }
}

/// Does `jobs` one after the other, each with all threads.
fn run_in_turn(session: &mut Session, jobs: &[Planned], costs: &Costs, ledger: &mut Ledger) -> Result<(), RunError> {
    for &job in jobs {
        ledger.start(job);
        ledger.finish(job, evaluate(session, job, costs)?)?;
    }
    Ok(())
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
