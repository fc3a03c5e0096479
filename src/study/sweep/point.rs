//! The points of a grid, and what they are evaluated on.

use crate::eval::{Configuration, Session};
use crate::report::SweepJob;

/// Networks, data and multipliers of one sweep: what one session is opened for.
pub struct Group<'a, E> {
    /// Opens the session, for the first of the points.
    pub open: Box<dyn Fn() -> Result<Session, E> + Sync + 'a>,
    /// What is evaluated on it; at least one.
    pub points: Vec<Point>,
}

/// A point of the grid: an evaluation, which scopes turn into jobs.
#[derive(Debug, Clone)]
pub struct Point {
    /// What its jobs are called; scope, layer and place are those of the jobs.
    pub job: SweepJob,
    /// What the session is asked.
    pub configuration: Configuration,
    /// Hashes of files that decide it, beside those of network and multipliers.
    pub inputs: Vec<String>,
}
