//! `lut info`: describes and audits one multiplier.

use super::super::costs::CostsArgs;
use super::super::inputs::LutFileArgs;
use super::super::output::FormatArgs;
use super::super::{ExitCode, TerminalArgs};
use crate::lut::Audit;
use crate::report::LutDetails;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct InfoArgs {
    /// LUT file, '-' for standard input, or the name of a multiplier
    lut: String,

    /// Exit with 1 if a metric stated in the metadata differs from the measured one, signed products have the
    /// wrong sign, the table differs from the design or the circuit of EvoApproxLib that it is named after, single
    /// operands are far worse than all others, or a few products alone keep it from being exact or a known design
    #[arg(long)]
    check: bool,

    #[command(flatten)]
    file: LutFileArgs,

    #[command(flatten)]
    costs: CostsArgs,

    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn run(args: &InfoArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    let costs = args.costs.open()?;
    let lut = args.file.open(&args.lut, None)?;
    let mut audit = Audit::new(&lut);
    audit.info.cost = costs.get(&lut);
    let holds = audit.holds();
    args.format.print(&LutDetails(audit), terminal)?;
    Ok(if args.check && !holds { ExitCode::GateFailed } else { ExitCode::Success })
}
