//! The option that says what multipliers cost.

use crate::lut::Costs;
use anyhow::Context;
use std::path::PathBuf;

/// What multipliers cost.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Multiplier")]
pub(super) struct CostsArgs {
    /// Costs of multipliers, instead of those of their metadata, of EvoApproxLib and of gate counts
    ///
    /// A CSV file with the header multiplier, power, energy, area, delay, source (mW, pJ, um2, ns; only multiplier
    /// is required), multiplier being a name or the blake3 hash that 'lut info' prints; or what 'lut list' and
    /// 'lut info' write as CSV or JSON. Costs are relative to the row 'exact' (of signed multipliers 'exact-signed', if
    /// there is one) of the same source, or as columns relative_power, relative_energy, relative_area, relative_delay say.
    #[arg(long, value_name = "FILE")]
    costs: Option<PathBuf>,
}

impl CostsArgs {
    pub fn open(&self) -> anyhow::Result<Costs> {
        let costs = self.costs.as_deref().map(Costs::read).transpose();
        Ok(costs.context("--costs")?.unwrap_or_default())
    }
}
