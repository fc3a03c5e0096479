//! `approx-eval lut`: describes, generates, converts and plots multipliers.

mod catalogue;
mod convert;
mod from_c;
mod generate;
mod info;
mod list;
mod output;
mod plot;

use super::{ExitCode, TerminalArgs};

#[derive(Debug, clap::Subcommand)]
pub(super) enum LutCommand {
    /// Show a multiplier's error metrics, cost and reading, and check its table
    Info(Box<info::InfoArgs>),
    /// List the multipliers known by name, with their errors and costs
    List(list::ListArgs),
    /// Generate the table of a design from the literature
    #[command(name = "gen")]
    Generate(generate::GenerateArgs),
    /// Convert a multiplier's table to another file format
    Convert(convert::ConvertArgs),
    /// Plot a multiplier's errors, or those of several side by side, as SVG, PNG or PDF
    Plot(plot::PlotArgs),
    /// Tabulate a multiplier modeled in C, by compiling and running its source
    FromC(from_c::FromCArgs),
}

pub(super) fn run(command: &LutCommand, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    match command {
        LutCommand::Info(args) => info::run(args, terminal),
        LutCommand::List(args) => list::run(args, terminal),
        LutCommand::Generate(args) => generate::run(args, terminal),
        LutCommand::Convert(args) => convert::run(args, terminal),
        LutCommand::Plot(args) => plot::run(args, terminal),
        LutCommand::FromC(args) => from_c::run(args, terminal),
    }
}
