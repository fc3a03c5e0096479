//! `lut list`: the multipliers that can be named.

use super::super::costs::CostsArgs;
use super::super::output::FormatArgs;
use super::super::{ExitCode, TerminalArgs};
use crate::lut::SHIPPED;
use crate::lut::design::{Design, FAMILIES, Family};
use crate::report::LutList;
use anyhow::Context;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ListArgs {
    /// List these families only, as drum or tosam; default: all
    families: Vec<String>,

    /// List only those that are shipped as files in luts/
    #[arg(long)]
    shipped: bool,

    #[command(flatten)]
    costs: CostsArgs,

    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn run(args: &ListArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    let costs = args.costs.open()?;
    let designs: Vec<Design> = args
        .families()?
        .into_iter()
        .flat_map(Family::designs)
        .filter(|design| !args.shipped || SHIPPED.contains(&design.to_string().as_str()))
        .collect();
    args.format.print(&LutList::new(&designs, &costs), terminal)?;
    Ok(ExitCode::Success)
}

impl ListArgs {
    fn families(&self) -> anyhow::Result<Vec<&'static Family>> {
        if self.families.is_empty() {
            return Ok(FAMILIES.to_vec());
        }
        let find = |name: &String| {
            let found = FAMILIES.iter().copied().find(|family| family.name == name);
            found.with_context(|| format!("no family '{name}' of multipliers; 'approx-eval lut list' shows all"))
        };
        self.families.iter().map(find).collect()
    }
}
