//! The option that says what multipliers cost.

use crate::lut::Costs;
use anyhow::Context;
use std::path::PathBuf;

/// What multipliers cost.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Multiplier")]
pub(super) struct CostsArgs {
    /// Costs, overriding metadata and gate-count estimates: a CSV file with the header multiplier, energy,
    /// area, delay, source (pJ, um2, ns; only multiplier is required), multiplier being a name or the blake3
    /// hash that 'lut info' prints; with a row 'exact', costs are also shown relative to it
    #[arg(long, value_name = "CSV")]
    costs: Option<PathBuf>,
}

impl CostsArgs {
    pub fn open(&self) -> anyhow::Result<Costs> {
        let costs = self.costs.as_deref().map(Costs::read).transpose();
        Ok(costs.context("--costs")?.unwrap_or_default())
    }
}
