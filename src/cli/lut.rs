//! `approx-eval lut`: multipliers described.

use super::inputs::LutFileArgs;
use super::output::FormatArgs;
use super::{ExitCode, TerminalArgs};
use crate::lut::LutInfo;
use crate::report::{LutDetails, LutList};

#[derive(Debug, clap::Subcommand)]
pub(super) enum LutCommand {
    /// Show how a multiplier's table is read and how far it is from exact
    Info(InfoArgs),
    /// List the multipliers that can be named, with their errors
    List(ListArgs),
}

#[derive(Debug, clap::Args)]
pub(super) struct InfoArgs {
    /// A LUT file, or the name of a shipped or designed multiplier
    lut: String,

    #[command(flatten)]
    file: LutFileArgs,

    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn run(command: &LutCommand, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    match command {
        LutCommand::Info(args) => {
            let lut = args.file.open(&args.lut, None)?;
            args.format.print(&LutDetails(LutInfo::of(&lut)), terminal)?;
        }
        LutCommand::List(args) => args.format.print(&LutList::shipped(), terminal)?,
    }
    Ok(ExitCode::Success)
}
