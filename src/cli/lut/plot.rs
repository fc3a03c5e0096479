//! `lut plot`: plots of multipliers' errors.

use super::super::figure_file::{FigureFile, figure_file};
use super::super::inputs::LutFileArgs;
use super::super::output::FormatArgs;
use super::super::{ExitCode, TerminalArgs};
use super::output::written;
use crate::lut::{self, Lut};
use crate::report::WrittenFiles;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct PlotArgs {
    /// LUT file, '-' for standard input, or the name of a multiplier; up to four are plotted side by side
    #[arg(required = true, num_args = 1..=4)]
    luts: Vec<String>,

    /// Output file, an .svg, .png or .pdf
    #[arg(short, long, value_name = "FILE", value_parser = figure_file)]
    output: FigureFile,

    #[command(flatten)]
    file: LutFileArgs,

    #[command(flatten)]
    format: FormatArgs,
}

pub(super) fn run(args: &PlotArgs, terminal: &TerminalArgs) -> anyhow::Result<ExitCode> {
    let luts = args.luts.iter().map(|lut| args.file.open(lut, None)).collect::<anyhow::Result<Vec<Lut>>>()?;
    let file = args.output.create()?;
    let figure = lut::plot(&luts.iter().collect::<Vec<_>>())?;
    let file = file.with_bytes(&args.output.encode(&figure))?;
    let files = WrittenFiles { files: vec![written(args.output.path(), &luts)] };
    args.format.print_and_commit(&files, [file], terminal)?;
    Ok(ExitCode::Success)
}
