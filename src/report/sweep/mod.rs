//! Sweeps: the jobs of a grid, and what came of them, one row a job.

mod job;
mod plan;
mod row;
mod table;
#[cfg(test)]
mod tests;

pub use job::{SweepJob, distinct_names};
pub use plan::{PlannedJob, SWEEP_SCHEMA, SweepPlan, SweepPlanDetails};
pub use row::SweepRow;
pub use table::SweepTable;
