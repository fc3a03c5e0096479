//! Sweeps: a grid of evaluations, planned, run in any number of parts, and joined.
//!
//! A sweep's [`Group`]s are networks with their data, each opened as one [`Session`](crate::eval::Session), and the
//! [`Point`]s of the grid that are evaluated on it. [`Sweep::plan`] checks every point and turns it into one job a
//! variant of each [`Scope`](super::scope::Scope); a job's key is a hash of all that decides it. [`Sweep::run`] does the
//! jobs that a [`StudyFolder`]'s journals do not have yet, those of a [`Shard`] or all. [`merge`] joins the journals of
//! one or more folders, and [`saved_reports`] has the whole reports of one.
//!
//! Jobs stand in the plan network by network, then by scope, layer and multiplier; shards are blocks of neighbours. A
//! run does its jobs in an order of its own, so that what several have in common, activations before the layer that
//! differs, is computed once; jobs that have none are done side by side where threads would wait.

mod folder;
mod identity;
mod idle;
mod job;
mod merge;
mod plan;
mod point;
mod reports;
mod run;
mod shard;
#[cfg(test)]
mod tests;
mod workers;

pub use folder::{FolderError, StudyFolder};
pub(super) use folder::{PLAN, is_journal, read_plan};
pub use job::{RunError, Watch};
pub use merge::{MergeError, merge, merge_run};
pub use plan::{PlanError, Sweep};
pub use point::{Group, Point};
pub use reports::{ReportsError, saved_reports};
pub use shard::{Shard, ShardError};

use super::journal::Keyed;
use crate::report::{Report, SWEEP_SCHEMA, SweepJob};
use serde::{Deserialize, Serialize};

/// A job that is done, as a line of a journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JobRecord {
    /// The schema of plans and records.
    pub schema: u32,
    /// A hash of all that decides the job.
    pub key: String,
    /// What it is called.
    pub job: SweepJob,
    /// What came of it.
    pub report: Report,
}

impl JobRecord {
    /// The record of the job of this key.
    pub fn new(key: String, job: SweepJob, report: Report) -> Self {
        JobRecord { schema: SWEEP_SCHEMA, key, job, report }
    }
}

impl Keyed for JobRecord {
    fn key(&self) -> &str {
        &self.key
    }
}
