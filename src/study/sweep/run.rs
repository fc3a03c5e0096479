//! Doing a sweep's jobs: in turn, or side by side where a small network leaves threads idle.

use super::folder::StudyFolder;
use super::job::{Ledger, Planned, RunError, Watch, evaluate};
use super::plan::{PlanError, Sweep};
use super::workers::Workers;
use crate::eval::Session;
use crate::lut::Costs;
use std::ops::Range;

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
        watch.begin(left.len(), left.iter().map(|(job, _)| job.multiplications).sum());
        let mut ledger = Ledger::new(folder, watch);
        for jobs in left.chunk_by(|(a, _), (b, _)| a.group == b.group) {
            let open = &*self.groups[jobs[0].0.group].open;
            let mut session = open()?;
            // The first job calibrates, and prepares images, for all.
            let (first, others) = jobs.split_at(1);
            let workers = Workers::of(&session, others);
            let (side_by_side, in_turn) = others.split_at(workers.jobs);
            run_in_turn(&mut session, first, costs, &mut ledger)?;
            workers.run(open, &session, side_by_side, costs, &mut ledger)?;
            run_in_turn(&mut session, in_turn, costs, &mut ledger)?;
        }
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
