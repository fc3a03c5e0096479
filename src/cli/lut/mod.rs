//! `approx-eval lut`: multipliers described, made, converted and drawn.

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
    /// Show how a multiplier's table is read, how far it is from exact, and what is wrong with it
    Info(info::InfoArgs),
    /// List the multipliers that can be named, with their errors and costs
    List(list::ListArgs),
    /// Write the table of a design from the literature
    #[command(name = "gen")]
    Generate(generate::GenerateArgs),
    /// Write a multiplier's table in another format
    Convert(convert::ConvertArgs),
    /// Draw a multiplier's errors as an SVG picture, or those of several side by side
    Plot(plot::PlotArgs),
    /// Tabulate a multiplier that a C source models, by compiling and running it
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
