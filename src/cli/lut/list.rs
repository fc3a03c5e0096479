//! `lut list`: lists the multipliers known by name.

use super::super::costs::CostsArgs;
use super::super::output::FormatArgs;
use super::super::{ExitCode, TerminalArgs};
use super::catalogue::CatalogueArgs;
use crate::lut::SHIPPED;
use crate::lut::design::{Design, FAMILIES, Family};
use crate::report::LutList;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ListArgs {
    /// List only these families, such as drum or tosam, or with --catalogue these circuits; default: all
    #[arg(value_name = "NAME")]
    families: Vec<String>,

    /// List only the shipped multipliers (those in luts/)
    #[arg(long)]
    shipped: bool,

    /// List the circuits of EvoApproxLib with their published figures, whether or not they can be computed here; with
    /// names or parts of them, or globs, such as mul8u or '1KV*', only those
    #[arg(long, alias = "catalog", conflicts_with_all = ["shipped", "costs"])]
    catalogue: bool,

    #[command(flatten)]
    circuits: CatalogueArgs,

    #[command(flatten)]
    costs: CostsArgs,

    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn run(args: &ListArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    if args.catalogue {
        args.format.print(&args.circuits.list(&args.families)?, terminal)?;
        return Ok(ExitCode::Success);
    }
    let costs = args.costs.open()?;
    let designs: Vec<Design> = args
        .families()?
        .into_iter()
        .flat_map(Family::designs)
        .filter(|design| !args.shipped || SHIPPED.get(&design.to_string()).is_some())
        .collect();
    args.format.print(&LutList::new(&designs, &costs), terminal)?;
    Ok(ExitCode::Success)
}

impl ListArgs {
    fn families(&self) -> anyhow::Result<Vec<&'static Family>> {
        if self.families.is_empty() {
            return Ok(FAMILIES.iter().copied().collect());
        }
        let find = |name: &String| Ok(*FAMILIES.find(name)?);
        self.families.iter().map(find).collect()
    }
}
