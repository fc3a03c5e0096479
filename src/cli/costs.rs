//! The option that says what multipliers cost.

use crate::lut::Costs;
use anyhow::Context;
use std::path::PathBuf;

/// What multipliers cost.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Multiplier")]
pub(super) struct CostsArgs {
    /// Costs by a multiplier's name or hash, overriding metadata and gate-count estimates: a CSV file with
    /// the columns multiplier, energy (pJ), area (um2), delay (ns), source; with a row 'exact', costs are
    /// also shown relative to it
    #[arg(long, value_name = "CSV")]
    costs: Option<PathBuf>,
}

impl CostsArgs {
    pub fn open(&self) -> anyhow::Result<Costs> {
        let costs = self.costs.as_deref().map(Costs::read).transpose();
        Ok(costs.context("--costs")?.unwrap_or_default())
    }
}
